import type { StockCause } from '../../model/stock.ts';
import type { WriteContext } from '../graph/write-context.ts';
import {
  type ExpectationJson,
  expectationOf,
  type NewExpectation,
  writeExpectations,
} from './expectations.ts';
import { type Expectation, explainFact, type Taken } from './explain.ts';
import { PlannedMovements, recordMovements } from './ledger.ts';
import { moveForOthers } from './move-for-others.ts';
import { type LineNews, takeLineNews } from './order-lines.ts';
import {
  keepingPlatforms,
  levelColumns,
  levelOf,
  publishingPlatforms,
  type StockLevel,
  type StockLevelRow,
} from './stock-level.ts';

/** What is older when we hear of it has been counted long ago. */
const newsWithinMs = 10 * 60_000;

/**
 * Tells the ledger what the orders of this transaction have done to stock. Where the platform that took an order also
 * keeps the stock, its reports move the levels and the order says why: before the report (it then becomes a movement with
 * that cause) or after it (a second movement without effect on what is available names the cause of the first). An order
 * of another platform moves the retailer's stock itself, and the platform that keeps it is told.
 */
export async function tellStock(context: WriteContext): Promise<void> {
  const orderIds = [...context.effects.orders]
    .filter(
      ([, effect]) =>
        effect.created || effect.cancelled || parts.some((part) => effect.changedFields.has(part)),
    )
    .map(([id]) => id);
  if (orderIds.length === 0) return;
  const keeping = keepingPlatforms(context);
  const news = await takeLineNews(context.tx, orderIds, keeping);
  if (news.length === 0) return;
  const levels = await lockLevelsOf(context, [...new Set(news.map((line) => line.variantId))]);
  const isKept = (line: LineNews) => keeping.includes(line.platform) || line.locationId !== null;
  const kept = news.filter(isKept);
  if (kept.length > 0) await explain(context, kept, levels);
  const others = news.filter((line) => !isKept(line) && !line.history);
  if (others.length > 0) await moveForOthers(context, others, levels, keeping);
}

/** Parts of an order that speak of goods. */
const parts = ['lines', 'refunds', 'fulfilments'];

interface OrderFact {
  line: LineNews;
  cause: StockCause;
  quantity: number;
  committed: number;
  locationId: bigint | null;
  occurredAt: Date;
}

async function explain(
  context: WriteContext,
  news: readonly LineNews[],
  levels: readonly StockLevel[],
): Promise<void> {
  const isNews = (at: Date) => context.now.getTime() - at.getTime() < newsWithinMs;
  const facts = news.flatMap(factsOf).filter((fact) => isNews(fact.occurredAt));
  const departures = news.filter(
    (line) => line.fulfilled > 0 && line.sold === 0 && isNews(line.fulfilledAt ?? line.placedAt),
  );
  if (facts.length + departures.length === 0) return;
  const open = await loadOpen(context, news);
  const movements = new PlannedMovements();
  const taken: Taken[] = [];
  const added: NewExpectation[] = [];
  for (const fact of facts) {
    const { variantId, orderId } = fact.line;
    const refundId = fact.cause === 'sale' ? null : fact.line.refundId;
    const reports = open.filter((one) => one.variantId === variantId && one.movementId !== null);
    const { matches, left } = explainFact(fact, reports);
    for (const { report, quantity, committed } of matches) {
      report.quantity -= quantity;
      taken.push({ id: report.id, quantity, committed: 0 });
      const level = levels.find((one) => one.variantId === variantId && one.locationId === report.locationId);
      if (level === undefined) continue;
      // A report of all counts has told how much is committed; one of what is available has not.
      const moved = report.full
        ? 0
        : quantity < 0
          ? committed
          : -Math.min(committed, movements.countsOf(level).committed);
      movements.add({
        level,
        change: { onHand: moved, committed: moved },
        cause: fact.cause,
        units: Math.abs(quantity),
        explainsId: report.movementId,
        orderId,
        refundId,
        occurredAt: fact.occurredAt,
      });
    }
    if (left !== 0 && !isCounted(fact, levels))
      added.push({
        ...fact,
        quantity: left,
        committed: Math.min(fact.committed, Math.abs(left)),
        variantId,
        orderId,
        refundId,
        movementId: null,
        full: false,
      });
  }
  for (const line of departures) depart(line, levels, open, taken, movements);
  await recordMovements(context, movements.all);
  await writeExpectations(context.tx, taken, added);
}

function factsOf(line: LineNews): OrderFact[] {
  const facts: OrderFact[] = [];
  const refundedAt = line.refundedAt ?? line.placedAt;
  const sold = Math.max(0, line.sold);
  const cancelled = line.cancelled + Math.max(0, -line.sold);
  if (sold > 0)
    facts.push({
      line,
      cause: 'sale',
      quantity: -sold,
      committed: Math.max(0, sold - Math.max(0, line.fulfilled)),
      locationId: line.locationId,
      occurredAt: line.placedAt,
    });
  if (cancelled > 0)
    facts.push({
      line,
      cause: 'cancellation',
      quantity: cancelled,
      committed: cancelled,
      locationId: line.locationId,
      occurredAt: refundedAt,
    });
  if (line.returned > 0)
    facts.push({
      line,
      cause: 'return',
      quantity: line.returned,
      committed: 0,
      locationId: line.restockLocationId ?? line.locationId,
      occurredAt: refundedAt,
    });
  return facts;
}

/** Goods that were sold leave: what is available stays. A read of all counts since then knows it already. */
function depart(
  line: LineNews,
  levels: readonly StockLevel[],
  open: readonly OpenExpectation[],
  taken: Taken[],
  movements: PlannedMovements,
): void {
  const at = line.fulfilledAt ?? line.placedAt;
  let left = line.fulfilled;
  // The sale itself has not been reported yet: when it is, these will not be committed any more.
  for (const sale of open) {
    if (sale.movementId !== null || sale.orderId !== line.orderId || sale.variantId !== line.variantId)
      continue;
    const committed = Math.min(left, sale.committed);
    if (committed > 0) taken.push({ id: sale.id, quantity: 0, committed });
    sale.committed -= committed;
    left -= committed;
  }
  const locationId = line.fulfilmentLocationId ?? line.locationId;
  const level = levels.find((one) => one.variantId === line.variantId && one.locationId === locationId);
  if (level === undefined || (level.countedAt !== null && level.countedAt >= at)) return;
  const units = Math.min(left, movements.countsOf(level).committed);
  if (units <= 0) return;
  movements.add({
    level,
    change: { onHand: -units, committed: -units },
    cause: 'fulfilment',
    units,
    orderId: line.orderId,
    occurredAt: at,
  });
}

/** True where every level that it can concern was read in whole since: no further report will come of it. */
function isCounted(fact: OrderFact, levels: readonly StockLevel[]): boolean {
  const possible = levels.filter(
    (level) =>
      level.variantId === fact.line.variantId &&
      (fact.locationId === null || level.locationId === fact.locationId),
  );
  return (
    possible.length > 0 &&
    possible.every((level) => level.countedAt !== null && level.countedAt > fact.occurredAt)
  );
}

type OpenExpectation = Expectation & { variantId: bigint };

/** Reports that nothing explains yet, and what these orders have told before. */
async function loadOpen(context: WriteContext, news: readonly LineNews[]): Promise<OpenExpectation[]> {
  const { rows } = await context.tx.query<{ found: ExpectationJson }>({
    name: 'load-open-expectations',
    text: `select json_build_object('id', e.id::text, 'variant_id', e.variant_id::text, 'cause', e.cause, 'quantity', e.quantity,
             'committed', e.committed, 'location_id', e.location_id::text, 'order_id', e.order_id::text,
             'refund_id', e.refund_id::text, 'movement_id', e.movement_id::text, 'full', e."full",
             'occurred_at', e.occurred_at) as found
           from stock_expectation e
           where e.variant_id = any($1::bigint[]) and (e.movement_id is not null or e.order_id = any($2::bigint[]))
           order by e.id`,
    values: [news.map((line) => line.variantId), news.map((line) => line.orderId)],
  });
  return rows.map(({ found }) => ({ ...expectationOf(found), variantId: BigInt(found.variant_id) }));
}

/** Every level of some variants: whoever reports one of them waits until what the order says is known. */
async function lockLevelsOf(context: WriteContext, variantIds: readonly bigint[]): Promise<StockLevel[]> {
  const { rows } = await context.tx.query<StockLevelRow>({
    name: 'lock-levels-of-variants',
    text: `select ${levelColumns('$2')} from stock_level s join variant v on v.id = s.variant_id
           where s.variant_id = any($1::bigint[]) order by s.id for no key update of s`,
    values: [variantIds, publishingPlatforms(context)],
  });
  return rows.map(levelOf);
}
