import { AppError } from '../../errors.ts';
import type { PlatformChange } from '../../model/change.ts';
import { fingerprintOf } from '../graph/canonical-json.ts';
import type { StoredStatement } from '../graph/statements.ts';
import { type Gate, gateStatement } from '../graph/version.ts';
import { type ChangeOutcome, type PlatformContext, planLater } from '../graph/write-context.ts';
import { countsReported, nothing } from './counts.ts';
import { type NewExpectation, writeExpectations } from './expectations.ts';
import { explainReport, type Taken } from './explain.ts';
import { type Movement, recordMovements } from './ledger.ts';
import {
  loadReported,
  lockReported,
  type Reported,
  type SavedReport,
  saveReports,
} from './reported-levels.ts';
import type { StockDebt } from './stock-debt.ts';
import { openStockLevels, type StockLevel } from './stock-level.ts';

export type StockChange = Extract<PlatformChange, { kind: 'stockLevel' }>;

/** Clocks of platforms and ours differ by less than this. */
const clockSlackMs = 2_000;

/** An order that explains a report is told within this time; what is older is history. */
const explainedWithinMs = 15 * 60_000;

/**
 * Applies figures that a platform reports for its own levels, with the same handful of statements whatever their number;
 * each comes to what it would come to on its own after those before it. The platform's figure is the truth, except that
 * what we owe it (changes made here that it has not taken over yet) is on top: a report moves the level by as much as the
 * platform's figure has moved since it was last known. What orders have told gives the movements their causes.
 * @returns the outcomes, in order; ends with the first `needsFresh`, after which the caller takes everything back.
 */
export async function applyStockLevels(
  context: PlatformContext,
  changes: readonly StockChange[],
): Promise<ChangeOutcome[]> {
  const reports = changes.map(reportOf);
  const outcomes: ChangeOutcome[] = [];
  while (outcomes.length < reports.length && !outcomes.includes('needsFresh')) {
    // A level that is spoken of twice is looked at again once the first figure stands.
    outcomes.push(
      ...(await applyApart(
        context,
        untilRepeated(reports.slice(outcomes.length), ({ key }) => key),
      )),
    );
  }
  return outcomes;
}

/** Remote id of a level: item and place. */
export function levelKey(inventoryItemRemoteId: string, locationRemoteId: string): string {
  return `${inventoryItemRemoteId}:${locationRemoteId}`;
}

interface ReportOf {
  change: StockChange;
  key: string;
  hash: string;
}

function reportOf(change: StockChange): ReportOf {
  const { available, onHand, committed, incoming } = change;
  return {
    change,
    key: levelKey(change.inventoryItemRemoteId, change.locationRemoteId),
    hash: fingerprintOf({ available, onHand, committed, incoming }),
  };
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

/** Levels that differ from each other: all are locked, then looked up, then decided about, then written. */
async function applyApart(context: PlatformContext, reports: readonly ReportOf[]): Promise<ChangeOutcome[]> {
  const locked = await lockReported(context, reports);
  const known = await loadReported(
    context,
    reports.filter((report) => !isOver(gateOf(report, locked.get(report.key)?.statement))),
    locked,
  );
  const placeOf = ({ key }: ReportOf) => {
    const place = known.get(key)?.place;
    return place == null ? null : `${place.variantId}:${place.locationId}`;
  };
  const work: Work = { movements: [], taken: [], saved: [], opened: [], owed: [] };
  const outcomes: ChangeOutcome[] = [];
  for (const report of untilRepeated(reports, placeOf)) {
    const reported = known.get(report.key);
    const gate = gateOf(report, reported?.statement ?? locked.get(report.key)?.statement);
    if (isOver(gate)) outcomes.push(gate);
    else if (reported === undefined) throw new Error('A report was not looked up.');
    else outcomes.push(applyOne(context, report, reported, work));
    if (outcomes.at(-1) === 'needsFresh') return outcomes;
  }
  await writeWork(context, work);
  return outcomes;
}

function gateOf({ change, hash }: ReportOf, stored: StoredStatement | null | undefined): Gate {
  return gateStatement({ version: change.version, hash }, stored ?? null);
}

function isOver(gate: Gate): gate is 'stale' | 'unchanged' | 'needsFresh' {
  return gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh';
}

/** Collected over a round, then written at once. */
interface Work {
  movements: (Movement & { left?: NewExpectation })[];
  taken: Taken[];
  saved: SavedReport[];
  opened: StockLevel[];
  owed: StockLevel[];
}

/** Decides about one report; nothing is written yet. */
function applyOne(context: PlatformContext, report: ReportOf, known: Reported, work: Work): ChangeOutcome {
  const { change, key, hash } = report;
  const { version } = change;
  if (known.place === null) {
    // Goods and places are told by other deliveries, which may come later.
    if (version.observedAt === null) return 'needsFresh';
    throw unknownPlace(change);
  }
  const { debt, held } = known;
  // Not stocked there any more: nothing to sell.
  const figure = change.available ?? 0;
  if (known.level !== null && debt !== null && held !== null) {
    if (debt.inDoubt && (figure === held || debt.targets.includes(figure))) {
      // The figure from before our push is no news and the one that it leads to is its echo: the receipt will say the same.
      work.saved.push({ key, hash, version, level: null, observed: null, whole: false });
      return 'echo';
    }
    const doubt = figure === held ? 'clear' : judgeDoubt(context, change, debt);
    if (doubt !== 'clear') return doubt;
  }

  const owed = debt?.counts === true && held !== null ? debt.owed : 0;
  const whole = change.onHand !== undefined && change.committed !== undefined;
  const level: StockLevel = known.level ?? { ...known.place, id: 0n, counts: nothing, countedAt: null };
  const to = countsReported(level.counts, { ...change, available: figure, owed });
  const at = version.sourceUpdatedAt;
  const movements: Work['movements'] = [];
  if (known.level === null) {
    work.opened.push(level);
    movements.push({
      level,
      change: to,
      cause: 'opening',
      negativeReason: 'reported_by_platform',
      occurredAt: at,
    });
  } else {
    const explained = explainReport(level.counts, to, { whole, at }, known.expectations);
    work.taken.push(...explained.taken);
    for (const step of explained.steps) {
      const negativeReason = step.cause === 'sale' ? 'oversold' : 'reported_by_platform';
      movements.push({ ...step, level, negativeReason, occurredAt: at });
    }
    const last = movements.at(-1);
    if (explained.unexplained !== 0 && last !== undefined && isRecent(context, at))
      last.left = {
        variantId: level.variantId,
        locationId: level.locationId,
        cause: 'report',
        quantity: explained.unexplained,
        committed: 0,
        orderId: null,
        refundId: null,
        movementId: null,
        full: whole,
        occurredAt: at,
      };
  }
  work.movements.push(...movements);
  work.saved.push({
    key,
    hash,
    version,
    level,
    observed: held === figure ? null : { ...change.observed, available: figure },
    whole,
  });
  // What could not be planned while another push was in flight is planned now; what waits may be owed no longer.
  if (owed !== 0 || debt?.waits === true) work.owed.push(level);
  if (movements.length > 0) return 'applied';
  return debt?.pushed === true ? 'echo' : 'unchanged';
}

async function writeWork(context: PlatformContext, work: Work): Promise<void> {
  const ids = await openStockLevels(context.tx, work.opened);
  for (const [index, level] of work.opened.entries()) level.id = ids[index] ?? 0n;
  const movementIds = await recordMovements(context, work.movements);
  await writeExpectations(
    context.tx,
    work.taken,
    work.movements.flatMap(({ left }, index) =>
      left === undefined ? [] : [{ ...left, movementId: movementIds[index] ?? null }],
    ),
  );
  await saveReports(context, work.saved);
  for (const level of work.owed) planLater(context.effects, 'StockLevel', level.id);
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
    remedy: 'It resolves itself when the push has ended, well or not.',
  });
}

function isRecent(context: PlatformContext, at: Date): boolean {
  return context.now.getTime() - at.getTime() < explainedWithinMs;
}

function unknownPlace(change: StockChange): AppError {
  return new AppError({
    code: 'STOCK_OF_UNKNOWN_GOODS',
    retryable: true,
    publicMessage: `The stock of item ${change.inventoryItemRemoteId} at location ${change.locationRemoteId} was reported before the item or the location.`,
    remedy: 'Sweep the connection, so that its products and locations are known; then replay the delivery.',
  });
}
