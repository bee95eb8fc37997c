import { AppError } from '../../errors.ts';
import type { PlatformChange } from '../../model/change.ts';
import { fingerprintOf, sameJson } from '../graph/canonical-json.ts';
import { saveLinks } from '../graph/links.ts';
import { loadStatements, saveStatements } from '../graph/statements.ts';
import { type Gate, gateStatement } from '../graph/version.ts';
import { type ChangeOutcome, type PlatformContext, planLater } from '../graph/write-context.ts';
import { type Counts, countsReported, sameCounts } from './move-stock.ts';
import { loadStockDebts, type StockDebt } from './stock-debt.ts';
import { lockStockLevels, moveStockLevels, type StockLevel } from './stock-level.ts';

export type StockChange = Extract<PlatformChange, { kind: 'stockLevel' }>;

/** Clocks of platforms and ours differ by less than this. */
const clockSlackMs = 2_000;

/**
 * Applies figures that a platform reports for its own levels, with the same handful of statements whatever their number;
 * each comes to what it would come to on its own after those before it. A platform's figure is the truth, except that
 * what we owe it (adjustments made here that it has not taken over yet) is on top: a report moves the level by as much
 * as the platform's figure has moved since it was last known.
 * @returns the outcomes, in order; ends with the first `needsFresh`, after which the caller takes everything back.
 */
export async function applyStockLevels(
  context: PlatformContext,
  changes: readonly StockChange[],
): Promise<ChangeOutcome[]> {
  const outcomes: ChangeOutcome[] = [];
  while (outcomes.length < changes.length && !outcomes.includes('needsFresh')) {
    // A level that is spoken of twice is looked at again once the first figure stands.
    const apart = untilRepeated(changes.slice(outcomes.length), keyOf);
    const reports = untilRepeated(await loadReports(context, apart), placeOf);
    outcomes.push(...(await applyApart(context, reports)));
  }
  return outcomes;
}

/** Remote id of a level: item and place. */
export function levelKey(inventoryItemRemoteId: string, locationRemoteId: string): string {
  return `${inventoryItemRemoteId}:${locationRemoteId}`;
}

function keyOf(change: StockChange): string {
  return levelKey(change.inventoryItemRemoteId, change.locationRemoteId);
}

function placeOf({ place }: Report): string | null {
  return place === null ? null : `${place.variantId}:${place.locationId}`;
}

/** The longest beginning in which no name occurs twice. */
function untilRepeated<T>(items: readonly T[], nameOf: (item: T) => string | null): T[] {
  const seen = new Set<string>();
  const end = items.findIndex((item) => {
    const name = nameOf(item);
    if (name === null) return false;
    const isRepeated = seen.has(name);
    seen.add(name);
    return isRepeated;
  });
  return items.slice(0, end === -1 ? items.length : end);
}

interface Place {
  variantId: bigint;
  locationId: bigint;
  sku: string | null;
}

interface Report {
  change: StockChange;
  key: string;
  hash: string;
  gate: Gate;
  place: Place | null;
}

/** What is known of a level before a report; no level where nothing was ever counted. */
interface Standing {
  level: StockLevel | null;
  debt: StockDebt | null;
  /** The figure that the platform was last known to hold. */
  held: number | null;
}

type Decision =
  /** Nothing is written. */
  | { outcome: 'stale' | 'unchanged' | 'needsFresh' }
  /** Only that it was told. */
  | { outcome: 'echo'; counts?: never }
  | {
      outcome: 'applied' | 'echo' | 'unchanged';
      counts: Counts;
      changed: boolean;
      figure: number;
      owed: number;
    };

/** Levels that differ from each other: all are looked up, then decided about, then written. */
async function applyApart(context: PlatformContext, reports: readonly Report[]): Promise<ChangeOutcome[]> {
  const standings = await loadStandings(context, reports);
  const decisions: { report: Report; standing: Standing; decision: Decision }[] = [];
  for (const report of reports) {
    const standing = standings.get(report.key) ?? { level: null, debt: null, held: null };
    const decision = decide(context, report, standing);
    decisions.push({ report, standing, decision });
    if (decision.outcome === 'needsFresh') return decisions.map((one) => one.decision.outcome);
  }
  await write(context, decisions);
  return decisions.map((one) => one.decision.outcome);
}

function decide(context: PlatformContext, report: Report, standing: Standing): Decision {
  const { change, gate } = report;
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return { outcome: gate };
  if (report.place === null) {
    // Goods and places are told by other deliveries, which may come later.
    if (change.version.observedAt === null) return { outcome: 'needsFresh' };
    throw unknownPlace(change);
  }
  const { level, debt, held } = standing;
  // Not stocked there any more: nothing to sell.
  const figure = change.available ?? 0;
  if (debt !== null && held !== null) {
    // While a push of ours is on its way, the figure from before it is no news and the figure that it leads to is its
    // echo: the receipt will say the same.
    if (debt.inDoubt && (figure === held || debt.targets.includes(figure))) return { outcome: 'echo' };
    const doubt = figure === held ? 'clear' : judgeDoubt(context, change, debt);
    if (doubt !== 'clear') return { outcome: doubt };
  }
  const owed = debt?.counts === true && held !== null ? debt.owed : 0;
  const before = level?.counts ?? noCounts;
  const counts = countsReported(before, {
    available: figure + owed,
    onHand: change.onHand === undefined ? undefined : change.onHand + owed,
    committed: change.committed,
    incoming: change.incoming,
  });
  const changed = level === null || !sameCounts(before, counts);
  const outcome = changed ? 'applied' : debt?.pushed === true ? 'echo' : 'unchanged';
  return { outcome, counts, changed, figure, owed };
}

/**
 * A figure that differs from the known one while a push of ours is on its way, or that was taken before the last one
 * arrived, may or may not contain our own adjustment. Counting it would count the adjustment twice or not at all.
 */
function judgeDoubt(
  context: PlatformContext,
  change: StockChange,
  debt: StockDebt,
): 'clear' | 'needsFresh' | 'stale' {
  const { observedAt, sourceUpdatedAt } = change.version;
  const since = observedAt ?? new Date(sourceUpdatedAt.getTime() - clockSlackMs);
  const early = debt.lastSettledAt !== null && since <= debt.lastSettledAt;
  if (!debt.inDoubt && !early) return 'clear';
  if (!debt.inDoubt && observedAt === null) return 'needsFresh';
  // A sweep comes again; a delivery has to be tried again when the push is through.
  if (context.deliveryId === null) return 'stale';
  throw new AppError({
    code: 'STOCK_PUSH_IN_FLIGHT',
    retryable: true,
    retryAfterMs: 500,
    publicMessage:
      'An adjustment of this level is on its way to the platform; its report is read after that.',
    remedy: 'It resolves itself when the push is settled. If the push is a dead letter, retry or replace it.',
  });
}

async function write(
  context: PlatformContext,
  decisions: readonly { report: Report; standing: Standing; decision: Decision }[],
): Promise<void> {
  const told = decisions.filter(({ decision }) => decision.outcome === 'echo' || 'counts' in decision);
  const counted = told.flatMap(({ report, standing, decision }) =>
    'counts' in decision && decision.counts !== undefined ? [{ report, standing, decision }] : [],
  );
  const levels = await openLevels(context, counted);
  const standingLevel = ({ report }: { report: Report }): StockLevel => {
    const level = levels.get(report.key);
    if (level === undefined) throw new Error('A level was decided about that is not there.');
    return level;
  };
  await moveStockLevels(
    context,
    counted
      .filter(({ decision }) => decision.changed)
      .map((one) => ({
        level: standingLevel(one),
        to: one.decision.counts,
        cause: one.standing.level === null ? 'opening' : 'report',
        reason: null,
        occurredAt: one.report.change.version.sourceUpdatedAt,
      })),
  );
  await saveStatements(
    context.tx,
    context.connectionId,
    'stockLevel',
    told.map(({ report: { change, key, hash } }) => ({ remoteId: key, version: change.version, hash })),
  );
  await dateLevels(
    context,
    counted.map((one) => ({ id: standingLevel(one).id, change: one.report.change })),
  );
  const linkType = linkTypeOf(context);
  if (linkType !== null)
    await saveLinks(
      context,
      counted
        .filter(({ standing, decision }) => !sameJson(standing.held, decision.figure))
        .map((one) => ({
          entityType: 'StockLevel' as const,
          entityId: standingLevel(one).id,
          remoteType: linkType,
          remoteId: one.report.key,
          observed: { ...one.report.change.observed, available: one.decision.figure },
        })),
    );
  // What could not be planned while another push was in flight is planned now.
  for (const one of counted)
    if (one.decision.owed !== 0) planLater(context.effects, 'StockLevel', standingLevel(one).id);
}

/** Statements and places of all levels that are spoken of. */
async function loadReports(context: PlatformContext, changes: readonly StockChange[]): Promise<Report[]> {
  const { tx, connectionId } = context;
  const statements = await loadStatements(tx, connectionId, 'stockLevel', changes.map(keyOf));
  const { rows } = await tx.query<Place & { itemId: string; locationRemoteId: string }>({
    name: 'find-stock-places',
    text: `select told.item_id as "itemId", told.location_id as "locationRemoteId", v.id as "variantId", l.id as "locationId", v.sku
           from unnest($2::text[], $3::text[]) as told (item_id, location_id)
           join location l on l.connection_id = $1 and l.remote_id = told.location_id
           cross join lateral (
             select g.variant_id from listing g
             where g.connection_id = $1 and g.remote_inventory_item_id = told.item_id order by g.id limit 1
           ) as listed
           join variant v on v.id = listed.variant_id`,
    values: [
      connectionId,
      changes.map((change) => change.inventoryItemRemoteId),
      changes.map((change) => change.locationRemoteId),
    ],
  });
  const places = new Map(
    rows.map(({ itemId, locationRemoteId, ...place }) => [levelKey(itemId, locationRemoteId), place]),
  );
  return changes.map((change) => {
    const key = keyOf(change);
    const { available, onHand, committed, incoming } = change;
    const hash = fingerprintOf({ available, onHand, committed, incoming });
    const gate = gateStatement({ version: change.version, hash }, statements.get(key) ?? null);
    return { change, key, hash, gate, place: places.get(key) ?? null };
  });
}

/**
 * Locks the levels that reports may move, then reads what is owed and after that what the platform holds: a push that is
 * settled in between has its figure known.
 */
async function loadStandings(
  context: PlatformContext,
  reports: readonly Report[],
): Promise<Map<string, Standing>> {
  const { tx, connectionId } = context;
  const asked = reports.flatMap(({ key, gate, place }) =>
    (gate === 'apply' || gate === 'confirm') && place !== null ? [{ key, place }] : [],
  );
  if (asked.length === 0) return new Map();
  const levels = await lockStockLevels(
    tx,
    asked.map(({ place }) => place),
  );
  const debts = await loadStockDebts(
    tx,
    levels.map(({ id }) => ({ connectionId, levelId: id })),
  );
  const held = await loadHeld(
    context,
    asked.map(({ key }) => key),
  );
  const byPlace = new Map(levels.map((level) => [`${level.variantId}:${level.locationId}`, level]));
  return new Map(
    asked.map(({ key, place }) => {
      const level = byPlace.get(`${place.variantId}:${place.locationId}`) ?? null;
      return [
        key,
        {
          level,
          debt: level === null ? null : (debts.get(level.id) ?? null),
          held: level === null ? null : (held.get(key) ?? null),
        },
      ];
    }),
  );
}

async function loadHeld(context: PlatformContext, keys: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await context.tx.query<{ key: string; held: unknown }>({
    name: 'load-held-stock',
    text: `select remote_id as key, remote_state -> 'available' as held from link
           where connection_id = $1 and remote_type = $2 and remote_id = any($3::text[])`,
    values: [context.connectionId, linkTypeOf(context), keys],
  });
  return new Map(rows.flatMap(({ key, held }) => (typeof held === 'number' ? [[key, held] as const] : [])));
}

function linkTypeOf(context: PlatformContext): string | null {
  return context.platforms[context.source]?.linkTypes.StockLevel ?? null;
}

/** The levels by their keys, those that are counted for the first time made. */
async function openLevels(
  context: PlatformContext,
  counted: readonly { report: Report; standing: Standing }[],
): Promise<Map<string, StockLevel>> {
  const levels = new Map<string, StockLevel>();
  const opened: { key: string; place: Place }[] = [];
  for (const { report, standing } of counted) {
    if (standing.level !== null) levels.set(report.key, standing.level);
    else if (report.place !== null) opened.push({ key: report.key, place: report.place });
  }
  if (opened.length === 0) return levels;
  const { rows } = await context.tx.query<{ id: bigint; variantId: bigint; locationId: bigint }>({
    name: 'insert-stock-levels',
    text: `insert into stock_level (variant_id, location_id)
           select variant_id, location_id from unnest($1::bigint[], $2::bigint[]) with ordinality as p (variant_id, location_id, n)
           order by n returning id, variant_id as "variantId", location_id as "locationId"`,
    values: [opened.map(({ place }) => place.variantId), opened.map(({ place }) => place.locationId)],
  });
  const ids = new Map(rows.map((row) => [`${row.variantId}:${row.locationId}`, row.id]));
  for (const { key, place } of opened) {
    const id = ids.get(`${place.variantId}:${place.locationId}`);
    if (id === undefined) throw new Error('An insert returned no row.');
    levels.set(key, { id, ...place, counts: noCounts });
  }
  return levels;
}

const noCounts: Counts = { onHand: 0, committed: 0, reserved: 0, incoming: 0, safety: 0 };

async function dateLevels(
  context: PlatformContext,
  levels: readonly { id: bigint; change: StockChange }[],
): Promise<void> {
  if (levels.length === 0) return;
  await context.tx.query({
    name: 'date-stock-levels',
    text: `update stock_level s set source_updated_at = d.told_at, observed_at = d.observed_at
           from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) as d (id, told_at, observed_at) where s.id = d.id`,
    values: [
      levels.map(({ id }) => id),
      levels.map(({ change }) => change.version.sourceUpdatedAt),
      levels.map(({ change }) => change.version.observedAt ?? context.now),
    ],
  });
}

function unknownPlace(change: StockChange): AppError {
  return new AppError({
    code: 'STOCK_OF_UNKNOWN_GOODS',
    retryable: true,
    publicMessage: `The stock of item ${change.inventoryItemRemoteId} at location ${change.locationRemoteId} was reported before the item or the location.`,
    remedy: 'Sweep the connection, so that its products and locations are known; then replay the delivery.',
  });
}
