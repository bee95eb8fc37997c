import { AppError } from '../../errors.ts';
import type { PlatformChange } from '../../model/change.ts';
import { fingerprintOf, sameJson } from '../graph/canonical-json.ts';
import { loadLink, saveLink } from '../graph/links.ts';
import { loadStatement, saveStatement } from '../graph/statements.ts';
import { gateStatement } from '../graph/version.ts';
import { type ChangeOutcome, type PlatformContext, planLater } from '../graph/write-context.ts';
import { countsReported, sameCounts } from './move-stock.ts';
import { loadStockDebt, type StockDebt } from './stock-debt.ts';
import { lockStockLevel, moveStock, type StockLevel } from './stock-level.ts';

type StockChange = Extract<PlatformChange, { kind: 'stockLevel' }>;

/** Clocks of platforms and ours differ by less than this. */
const clockSlackMs = 2_000;

/**
 * Applies a figure that a platform reports for one of its own levels. The platform's figure is the truth, except that
 * what we owe it (adjustments made here that it has not taken over yet) is on top: a report moves the level by as much
 * as the platform's figure has moved since it was last known.
 */
export async function applyStockLevel(context: PlatformContext, change: StockChange): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const key = levelKey(change.inventoryItemRemoteId, change.locationRemoteId);
  const { available, onHand, committed, incoming } = change;
  const hash = fingerprintOf({ available, onHand, committed, incoming });
  const gate = gateStatement(
    { version: change.version, hash },
    await loadStatement(tx, connectionId, 'stockLevel', key),
  );
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;

  const place = await findPlace(context, change);
  if (place === null) {
    // Goods and places are told by other deliveries, which may come later.
    if (change.version.observedAt === null) return 'needsFresh';
    throw unknownPlace(change);
  }
  const linkType = context.platforms[context.source]?.linkTypes.StockLevel ?? null;
  const level = await lockStockLevel(tx, place.variantId, place.locationId);
  const debt = level === null ? null : await loadStockDebt(tx, connectionId, level.id);
  // Not stocked there any more: nothing to sell.
  const figure = available ?? 0;
  const held = level === null ? null : await loadHeld(context, linkType, key);
  if (level !== null && debt !== null && held !== null) {
    const report = { key, hash };
    if (debt.inDoubt && (figure === held || debt.targets.includes(figure)))
      return repeated(context, change, report);
    const doubt = figure === held ? 'clear' : judgeDoubt(context, change, debt);
    if (doubt !== 'clear') return doubt;
  }

  const owed = debt?.counts === true && held !== null ? debt.owed : 0;
  const standing = level ?? (await insertLevel(context, place));
  const to = countsReported(standing.counts, {
    available: figure + owed,
    onHand: onHand === undefined ? undefined : onHand + owed,
    committed,
    incoming,
  });
  const changed = level === null || !sameCounts(standing.counts, to);
  if (changed)
    await moveStock(context, standing, {
      to,
      cause: level === null ? 'opening' : 'report',
      reason: null,
      occurredAt: change.version.sourceUpdatedAt,
    });
  await recordReport(context, change, { key, hash, levelId: standing.id, linkType, figure, held });
  // What could not be planned while another push was in flight is planned now.
  if (owed !== 0) planLater(context.effects, 'StockLevel', standing.id);
  if (changed) return 'applied';
  return debt?.pushed === true ? 'echo' : 'unchanged';
}

/** Remote id of a level: item and place. */
export function levelKey(inventoryItemRemoteId: string, locationRemoteId: string): string {
  return `${inventoryItemRemoteId}:${locationRemoteId}`;
}

async function loadHeld(
  context: PlatformContext,
  linkType: string | null,
  key: string,
): Promise<number | null> {
  const held = linkType === null ? undefined : (await loadLink(context, linkType, key))?.state.available;
  return typeof held === 'number' ? held : null;
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

/**
 * While a push of ours is on its way, the figure from before it is no news and the figure that it leads to is its echo:
 * the receipt will say the same.
 */
async function repeated(
  context: PlatformContext,
  change: StockChange,
  statement: { key: string; hash: string },
): Promise<ChangeOutcome> {
  await saveStatement(context.tx, context.connectionId, 'stockLevel', statement.key, {
    version: change.version,
    hash: statement.hash,
  });
  return 'echo';
}

async function recordReport(
  context: PlatformContext,
  change: StockChange,
  report: {
    key: string;
    hash: string;
    levelId: bigint;
    linkType: string | null;
    figure: number;
    held: number | null;
  },
): Promise<void> {
  await saveStatement(context.tx, context.connectionId, 'stockLevel', report.key, {
    version: change.version,
    hash: report.hash,
  });
  await context.tx.query({
    name: 'date-stock-level',
    text: 'update stock_level set source_updated_at = $2, observed_at = $3 where id = $1',
    values: [report.levelId, change.version.sourceUpdatedAt, change.version.observedAt ?? context.now],
  });
  const observed = { ...change.observed, available: report.figure };
  if (report.linkType !== null && !sameJson(report.held, report.figure))
    await saveLink(context, {
      entityType: 'StockLevel',
      entityId: report.levelId,
      remoteType: report.linkType,
      remoteId: report.key,
      observed,
    });
}

interface Place {
  variantId: bigint;
  locationId: bigint;
  sku: string | null;
}

async function findPlace(context: PlatformContext, change: StockChange): Promise<Place | null> {
  const { rows } = await context.tx.query<Place>({
    name: 'find-stock-place',
    text: `select v.id as "variantId", l.id as "locationId", v.sku
           from listing g join variant v on v.id = g.variant_id
           join location l on l.connection_id = $1 and l.remote_id = $3
           where g.connection_id = $1 and g.remote_inventory_item_id = $2
           order by g.id limit 1`,
    values: [context.connectionId, change.inventoryItemRemoteId, change.locationRemoteId],
  });
  return rows[0] ?? null;
}

async function insertLevel(context: PlatformContext, place: Place): Promise<StockLevel> {
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'insert-stock-level',
    text: 'insert into stock_level (variant_id, location_id) values ($1, $2) returning id',
    values: [place.variantId, place.locationId],
  });
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('An insert returned no row.');
  return { id, ...place, counts: { onHand: 0, committed: 0, reserved: 0, incoming: 0, safety: 0 } };
}

function unknownPlace(change: StockChange): AppError {
  return new AppError({
    code: 'STOCK_OF_UNKNOWN_GOODS',
    retryable: true,
    publicMessage: `The stock of item ${change.inventoryItemRemoteId} at location ${change.locationRemoteId} was reported before the item or the location.`,
    remedy: 'Sweep the connection, so that its products and locations are known; then replay the delivery.',
  });
}
