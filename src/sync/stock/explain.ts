import type { StockCause } from '../../model/stock.ts';
import { availableOf, type Counts, difference, plus, sameCounts } from './counts.ts';

/** What an order has told of stock, or what is left of it, and no report has shown yet; or the other way round. */
export interface Expectation {
  id: bigint;
  cause: StockCause;
  /** Change of what is available. */
  quantity: number;
  /** How much of it moves between available and committed. */
  committed: number;
  locationId: bigint | null;
  orderId: bigint | null;
  refundId: bigint | null;
  movementId: bigint | null;
  full: boolean;
  occurredAt: Date;
}

export interface Step {
  cause: StockCause;
  change: Partial<Counts>;
  units: number;
  orderId: bigint | null;
  refundId: bigint | null;
}

export interface Taken {
  id: bigint;
  /** Of the expectation's quantity, with its sign. */
  quantity: number;
  committed: number;
}

export interface Explanation {
  steps: Step[];
  taken: Taken[];
  /** Change of what is available that nothing explains yet. */
  unexplained: number;
}

/** Both sides of one change happen at the same moment by the platform's clock, or very nearly. */
const farthestApartMs = 10 * 60_000;

/**
 * Splits the change of a level that a platform reports into movements: what orders have told of comes with its cause, the
 * nearest in time first, goods that were incoming are received, and what is left over is a mere report. Where the report tells only what is available, what was
 * sold is known to be committed from the orders alone.
 * @param whole true where the report told all counts.
 */
export function explainReport(
  from: Counts,
  to: Counts,
  report: { whole: boolean; at: Date },
  expectations: readonly Expectation[],
): Explanation {
  const steps: Step[] = [];
  const taken: Taken[] = [];
  let current = from;
  let left = availableOf(to) - availableOf(from);
  for (const expectation of nearest(expectations, report.at)) {
    const quantity = shared(left, expectation.quantity);
    if (quantity === 0) continue;
    const { change, committed } = changeOf(expectation, quantity, current);
    steps.push({
      cause: expectation.cause,
      change,
      units: Math.abs(quantity),
      orderId: expectation.orderId,
      refundId: expectation.refundId,
    });
    taken.push({ id: expectation.id, quantity, committed });
    current = plus(current, change);
    left -= quantity;
  }
  // What was on its way and is there now has been received.
  const received = report.whole ? Math.min(left, current.incoming - to.incoming) : 0;
  if (received > 0) {
    const change = { onHand: received, incoming: -received };
    steps.push({ cause: 'receipt', change, units: received, orderId: null, refundId: null });
    current = plus(current, change);
    left -= received;
  }
  const target = report.whole ? to : { ...current, onHand: current.onHand + left };
  if (!report.whole) target.incoming = to.incoming;
  if (!sameCounts(current, target))
    steps.push({
      cause: 'report',
      change: difference(current, target),
      units: 0,
      orderId: null,
      refundId: null,
    });
  return { steps, taken, unexplained: left };
}

/** A fact that an order tells: before or after the report that shows it. */
export interface Fact {
  cause: StockCause;
  quantity: number;
  committed: number;
  locationId: bigint | null;
  occurredAt: Date;
}

/** Which reports had shown a fact already, and how much of it no report has shown yet. */
export function explainFact(
  fact: Fact,
  reports: readonly Expectation[],
): { matches: { report: Expectation; quantity: number; committed: number }[]; left: number } {
  const matches: { report: Expectation; quantity: number; committed: number }[] = [];
  let left = fact.quantity;
  const possible = reports.filter(
    (one) => fact.locationId === null || one.locationId === null || one.locationId === fact.locationId,
  );
  let committedLeft = fact.committed;
  for (const report of nearest(possible, fact.occurredAt)) {
    const quantity = shared(left, report.quantity);
    if (quantity === 0) continue;
    const committed = Math.min(committedLeft, Math.abs(quantity));
    matches.push({ report, quantity, committed });
    committedLeft -= committed;
    left -= quantity;
  }
  return { matches, left };
}

/** How counts change when so much of what an order told takes effect. */
function changeOf(
  expectation: Pick<Expectation, 'cause' | 'committed'>,
  quantity: number,
  current: Counts,
): { change: Partial<Counts>; committed: number } {
  const wanted = Math.min(expectation.committed, Math.abs(quantity));
  // What is no longer committed here cannot be freed: a count has overtaken it.
  const committed = quantity < 0 ? wanted : Math.min(wanted, current.committed);
  const delta = quantity < 0 ? committed : -committed;
  return { change: { onHand: quantity + delta, committed: delta }, committed };
}

function nearest(expectations: readonly Expectation[], at: Date): Expectation[] {
  const apart = (one: Expectation) => Math.abs(one.occurredAt.getTime() - at.getTime());
  return expectations
    .filter((one) => apart(one) <= farthestApartMs)
    .sort((a, b) => apart(a) - apart(b) || (a.id < b.id ? -1 : 1));
}

/** As much of both as has one sign. */
function shared(a: number, b: number): number {
  if (a > 0 && b > 0) return Math.min(a, b);
  if (a < 0 && b < 0) return Math.max(a, b);
  return 0;
}
