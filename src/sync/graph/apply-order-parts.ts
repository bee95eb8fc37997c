import type { PlatformChange } from '../../model/change.ts';
import { fulfilmentEvents } from './apply-order.ts';
import { fingerprintOf } from './canonical-json.ts';
import { fulfilmentRows, refundRows, transactionRows } from './order-rows.ts';
import { refundEvents } from './refund-events.ts';
import { loadStatement, saveStatement } from './statements.ts';
import { gateStatement, judgeVersion } from './version.ts';
import { type ChangeOutcome, effectOnOrder, type PlatformContext, planLater } from './write-context.ts';
import { raiseRefundedQuantities, writeFulfilment, writeRefund } from './write-order.ts';

type RefundChange = Extract<PlatformChange, { kind: 'refund' }>;
type FulfilmentChange = Extract<PlatformChange, { kind: 'fulfilment' }>;

/**
 * A refund that is told on its own. Snapshots of its order tell it too: the newer of the two counts, and a snapshot taken
 * before it leaves it alone (`refund.source_updated_at`).
 */
export async function applyRefund(context: PlatformContext, change: RefundChange): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const { refund, version } = change;
  const key = `${change.orderRemoteId}:${refund.remoteId}`;
  const order = await loadParent(context, change.orderRemoteId, 'refund', refund.remoteId);
  if (order === null) return 'needsFresh';
  if (order.removed) return 'stale';
  const hash = fingerprintOf(refund);
  const gate = gateStatement({ version, hash }, await loadStatement(tx, connectionId, 'refund', key));
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;
  const age = order.sourceUpdatedAt.getTime() - version.sourceUpdatedAt.getTime();
  if (order.childVersion !== undefined && age >= 0) return 'stale';
  // A newer snapshot does not know this refund, or the order does not know its lines: the platform must be asked.
  if (order.childVersion === undefined && age > 0 && version.observedAt === null) return 'needsFresh';
  if (
    refund.lines.some((line) => !order.lineRemoteIds.includes(line.lineRemoteId)) &&
    version.observedAt === null
  )
    return 'needsFresh';

  const rows = refundRows([refund], order);
  const written = await writeRefund(tx, {
    orderId: order.id,
    sourceUpdatedAt: version.sourceUpdatedAt,
    rows,
    transactions: transactionRows([], [refund], order),
  });
  await saveStatement(tx, connectionId, 'refund', key, { version, hash });
  await raiseRefundedQuantities(tx, order.id);
  const events = refundEvents(context, order.id, order, rows, written);
  if (events.length === 0) return 'unchanged';
  context.effects.events.push(...events);
  effectOnOrder(context.effects, order.id).changedFields.add('refunds');
  if (order.customerId !== null) context.effects.customersToSum.add(order.customerId);
  planLater(context.effects, 'Order', order.id);
  return 'applied';
}

export async function applyFulfilment(
  context: PlatformContext,
  change: FulfilmentChange,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const { fulfilment, version } = change;
  const key = `${change.orderRemoteId}:${fulfilment.remoteId}`;
  const order = await loadParent(context, change.orderRemoteId, 'fulfilment', fulfilment.remoteId);
  if (order === null) return 'needsFresh';
  if (order.removed) return 'stale';
  const hash = fingerprintOf(fulfilment);
  const gate = gateStatement({ version, hash }, await loadStatement(tx, connectionId, 'fulfilment', key));
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;
  if (order.childVersion != null) {
    const verdict = judgeVersion(
      { sourceUpdatedAt: fulfilment.updatedAt, observedAt: version.observedAt },
      { sourceUpdatedAt: order.childVersion, readAt: null },
    );
    if (verdict === 'older') return 'stale';
    if (verdict === 'tie' && order.sourceUpdatedAt >= fulfilment.updatedAt) return 'stale';
  } else if (order.sourceUpdatedAt > fulfilment.updatedAt && version.observedAt === null) {
    return 'needsFresh';
  }
  const written = await writeFulfilment(tx, { orderId: order.id, rows: fulfilmentRows([fulfilment]) });
  await saveStatement(tx, connectionId, 'fulfilment', key, { version, hash });
  const events = fulfilmentEvents(context, order.id, written, [fulfilment]);
  if (events.length === 0) return 'unchanged';
  context.effects.events.push(...events);
  effectOnOrder(context.effects, order.id).changedFields.add('fulfilments');
  planLater(context.effects, 'Order', order.id);
  return 'applied';
}

interface Parent {
  id: bigint;
  customerId: bigint | null;
  currency: string;
  presentmentCurrency: string;
  removed: boolean;
  sourceUpdatedAt: Date;
  lineRemoteIds: string[];
  /** Version of the part as it is stored; undefined where it is not. */
  childVersion: Date | null | undefined;
}

async function loadParent(
  context: PlatformContext,
  orderRemoteId: string,
  child: 'refund' | 'fulfilment',
  childRemoteId: string,
): Promise<Parent | null> {
  const { rows } = await context.tx.query<
    Omit<Parent, 'childVersion'> & { childId: bigint | null; childVersion: Date | null }
  >({
    name: `load-order-of-${child}`,
    text: `select o.id, o.customer_id as "customerId", o.currency, o.presentment_currency as "presentmentCurrency",
             o.removed_at is not null as removed, o.source_updated_at as "sourceUpdatedAt",
             array(select remote_id from order_line where order_id = o.id) as "lineRemoteIds",
             child.id as "childId", child.source_updated_at as "childVersion"
           from sales_order o left join ${child} child on child.order_id = o.id and child.remote_id = $3
           where o.connection_id = $1 and o.remote_id = $2`,
    values: [context.connectionId, orderRemoteId, childRemoteId],
  });
  const row = rows[0];
  if (row === undefined) return null;
  const { childId, ...parent } = row;
  return { ...parent, childVersion: childId === null ? undefined : row.childVersion };
}
