import type { PlatformChange } from '../../model/change.ts';
import { type CanonicalCustomer, normalizeEmail } from '../../model/customer.ts';
import type { CanonicalOrder } from '../../model/order.ts';
import { guestRemoteId } from '../identity/resolve-identity.ts';
import { requestReading } from '../notes/request-reading.ts';
import { prepareCustomer } from './apply-customer.ts';
import { fingerprintOf, sameJson } from './canonical-json.ts';
import { differingFields, loadLink, type StoredLink, saveLink } from './links.ts';
import { differingOrderFields, loadOrder, type StoredOrder, sameRows } from './load-order.ts';
import { lockCustomers } from './locks.ts';
import { orderRows } from './order-rows.ts';
import { refundEvents } from './refund-events.ts';
import { saveStatement } from './statements.ts';
import { gateStatement, judgeVersion } from './version.ts';
import {
  type ChangeOutcome,
  effectOnOrder,
  eventOf,
  type PlatformContext,
  planLater,
} from './write-context.ts';
import {
  raiseRefundedQuantities,
  type WrittenChildren,
  type WrittenOrder,
  writeOrder,
} from './write-order.ts';

type OrderChange = Extract<PlatformChange, { kind: 'order' }>;
type OrderRemoval = Extract<PlatformChange, { kind: 'orderRemoved' }>;

/** Applies a whole order: its buyer, itself and all that hangs on it. */
export async function applyOrder(context: PlatformContext, change: OrderChange): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const stored = await loadOrder(tx, connectionId, change.remoteId);
  const hash = fingerprintOf(change.order);
  const gate = gateStatement({ version: change.version, hash }, stored.statement);
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;

  const teller = buyerOf(change);
  const buyer = teller === null ? 'nobody' : await prepareCustomer(context, teller);
  if (buyer === 'needsFresh') return 'needsFresh';
  const linkType = context.platforms[context.source]?.linkTypes.Order ?? null;
  const link =
    linkType === null || change.observed === undefined
      ? null
      : await loadLink(context, linkType, change.remoteId);

  const customerId = buyer === 'nobody' ? null : (await buyer.write()).customerId;
  await lockCustomers(tx, context.effects, present([stored.order?.customerId, customerId]));
  const news =
    gate === 'apply' || stored.order === null || stored.order.customerId !== customerId
      ? await writeWhole(context, change, {
          stored,
          hash,
          customerId,
          buyerRemoteId: teller?.remoteId ?? null,
        })
      : await confirm(context, change, { stored, hash });
  const orderId = news.orderId;

  const differing =
    link === null || change.observed === undefined ? [] : differingFields(link, change.observed);
  const observedNews = change.observed !== undefined && (link === null || differing.length > 0);
  if (linkType !== null && (observedNews || stored.order === null)) {
    await saveLink(context, {
      entityType: 'Order',
      entityId: orderId,
      remoteType: linkType,
      remoteId: change.remoteId,
      observed: change.observed,
    });
  }
  if (news.changed || observedNews) planLater(context.effects, 'Order', orderId);
  if (news.changed) return 'applied';
  return isEcho(link, differing) ? 'echo' : 'unchanged';
}

export async function applyOrderRemoval(
  context: PlatformContext,
  change: OrderRemoval,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const stored = await loadOrder(tx, connectionId, change.remoteId);
  if (stored.statement !== null && judgeVersion(change.version, stored.statement) !== 'newer')
    return stored.statement.removed ? 'unchanged' : 'stale';
  await saveStatement(tx, connectionId, 'order', change.remoteId, {
    version: change.version,
    hash: 'removed',
    removed: true,
  });
  if (stored.order === null || stored.order.removed) return 'unchanged';
  const { id, customerId } = stored.order;
  await tx.query({
    name: 'remove-order',
    text: 'update sales_order set removed_at = $2, updated_at = clock_timestamp() where id = $1',
    values: [id, change.version.sourceUpdatedAt],
  });
  await lockCustomers(tx, context.effects, present([customerId]));
  if (customerId !== null) context.effects.customersToSum.add(customerId);
  context.effects.events.push(
    eventOf(context, 'order.removed', { type: 'Order', id }, { number: stored.order.row.number, customerId }),
  );
  return 'applied';
}

/** The buyer as an order tells them; null where it names nobody (a sale at the till). */
function buyerOf(
  change: OrderChange,
): { remoteId: string; version: OrderChange['version']; told: CanonicalCustomer } | null {
  const { order, version } = change;
  if (order.customer !== null) {
    const { remoteId, firstName, lastName, email, phone, address } = order.customer;
    return {
      remoteId,
      version,
      told: {
        ...{ firstName, lastName, email: normalizeEmail(email), phone },
        ...(address === undefined ? {} : { address }),
      },
    };
  }
  const email = normalizeEmail(order.email);
  if (email === null) return null;
  const address = order.billingAddress ?? order.shippingAddress;
  return {
    remoteId: guestRemoteId(email),
    version,
    told: {
      email,
      firstName: address?.firstName ?? null,
      lastName: address?.lastName ?? null,
      phone: order.phone ?? address?.phone ?? null,
      address,
    },
  };
}

async function writeWhole(
  context: PlatformContext,
  change: OrderChange,
  known: { stored: StoredOrder; hash: string; customerId: bigint | null; buyerRemoteId: string | null },
): Promise<{ orderId: bigint; changed: boolean }> {
  const { stored, customerId } = known;
  const rows = orderRows(withOwnEdits(change.order, stored));
  const replaceAllocations = !sameRows(stored.allocations, rows.allocations);
  const replaceTaxLines = !sameRows(stored.taxLines, rows.taxLines);
  const written = await writeOrder(context.tx, {
    connectionId: context.connectionId,
    remoteId: change.remoteId,
    customerId,
    buyerRemoteId: known.buyerRemoteId,
    version: change.version,
    observedAt: change.version.observedAt ?? context.now,
    rows,
    replaceAllocations,
    replaceTaxLines,
    hash: known.hash,
    told: { note: change.order.note, tags: change.order.tags },
  });
  const orderId = BigInt(written.id);
  if (written.refundsKept > 0) await raiseRefundedQuantities(context.tx, orderId);

  const before = stored.order;
  const created = before === null;
  const fields = [
    ...(before === null ? [] : differingOrderFields(before.row, rows.order)),
    ...(before !== null && before.customerId !== customerId ? ['customer'] : []),
    ...(before?.removed === true ? ['removed'] : []),
    ...childFields(written, replaceAllocations || replaceTaxLines),
  ];
  const cancelled = change.order.cancelledAt !== null && (before?.row.cancelled_at ?? null) === null;
  context.effects.events.push(...refundEvents(context, orderId, change.order, rows.refunds, written));
  context.effects.events.push(...fulfilmentEvents(context, orderId, written, change.order.fulfilments));
  if (!created && fields.length === 0) return { orderId, changed: false };

  const effect = effectOnOrder(context.effects, orderId);
  effect.created ||= created;
  effect.cancelled ||= cancelled;
  if (!created) for (const field of fields) effect.changedFields.add(field);
  if (created ? isWorthReading(change.order) : fields.includes('note'))
    await requestReading(context.tx, orderId, rows.order.note as string | null);
  for (const id of present([before?.customerId, customerId])) context.effects.customersToSum.add(id);
  return { orderId, changed: true };
}

/** The same content again under a newer version: only the version is written. */
async function confirm(
  context: PlatformContext,
  change: OrderChange,
  known: { stored: StoredOrder; hash: string },
): Promise<{ orderId: bigint; changed: false }> {
  await saveStatement(context.tx, context.connectionId, 'order', change.remoteId, {
    version: change.version,
    hash: known.hash,
    told: known.stored.statement?.told ?? {},
  });
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'confirm-order',
    text: `update sales_order set source_updated_at = $3, observed_at = $4
           where connection_id = $1 and remote_id = $2 returning id`,
    values: [
      context.connectionId,
      change.remoteId,
      change.version.sourceUpdatedAt,
      change.version.observedAt ?? context.now,
    ],
  });
  return { orderId: rows[0]?.id ?? 0n, changed: false };
}

/**
 * Note and tags may also be edited here. A platform repeats them in every statement: only where it differs from its own
 * earlier word has somebody changed them there, otherwise our edit stands until it has been pushed.
 */
function withOwnEdits(order: CanonicalOrder, stored: StoredOrder): CanonicalOrder {
  if (stored.order === null || stored.statement === null || stored.statement.removed) return order;
  const { told } = stored.statement;
  return {
    ...order,
    note:
      'note' in told && sameJson(told.note, order.note)
        ? (stored.order.row.note as string | null)
        : order.note,
    tags:
      'tags' in told && sameJson(told.tags, order.tags) ? (stored.order.row.tags as string[]) : order.tags,
  };
}

/** What is packed and sent already, or never will be, needs no rules: a shop's history is not read. */
function isWorthReading(order: CanonicalOrder): boolean {
  const isOpen =
    order.cancelledAt === null && order.closedAt === null && order.fulfilmentStatus !== 'fulfilled';
  return isOpen && (order.note ?? '').trim() !== '';
}

function childFields(written: WrittenOrder, sharesChanged: boolean): string[] {
  return [
    ...(written.linesChanged > 0 ? ['lines'] : []),
    ...(written.shippingLinesChanged > 0 ? ['shippingLines'] : []),
    ...(written.discountsChanged > 0 ? ['discounts'] : []),
    ...(sharesChanged ? ['allocations'] : []),
    ...(written.transactionsChanged > 0 ? ['transactions'] : []),
    ...(written.refunds.length + written.refundsTouched.length + written.refundsGone > 0 ? ['refunds'] : []),
    ...(written.fulfilments.length + written.fulfilmentsTouched.length + written.fulfilmentsGone > 0
      ? ['fulfilments']
      : []),
  ];
}

/** One event per fulfilment that is new or says something else than before. */
export function fulfilmentEvents(
  context: PlatformContext,
  orderId: bigint,
  written: WrittenChildren,
  fulfilments: readonly { remoteId: string; status: string }[],
) {
  const created = new Map(written.fulfilments.map((row) => [row.id, row.created]));
  const touched = new Set([...created.keys(), ...written.fulfilmentsTouched]);
  return fulfilments.flatMap((fulfilment) => {
    const id = written.fulfilmentIds[fulfilment.remoteId];
    if (id === undefined || !touched.has(id)) return [];
    const type = created.get(id) === true ? 'fulfilment.created' : 'fulfilment.updated';
    return [
      eventOf(context, type, { type: 'Order', id: orderId }, { fulfilmentId: id, status: fulfilment.status }),
    ];
  });
}

function isEcho(link: StoredLink | null, differing: readonly string[]): boolean {
  return link?.pushed === true && differing.length === 0;
}

function present(ids: readonly (bigint | null | undefined)[]): bigint[] {
  return ids.filter((id) => id !== null && id !== undefined);
}
