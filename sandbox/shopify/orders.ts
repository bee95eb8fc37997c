import {
  add,
  type Bag,
  convert,
  isZero,
  mulDiv,
  negate,
  parseMinor,
  subtract,
  zeroBag,
} from './commerce/money.ts';
import { taxesOn } from './commerce/price-order.ts';
import { planRefund, type RefundPlan, type RefundProblem, type RefundWish } from './commerce/refund.ts';
import { fulfillableQuantity, summarise } from './commerce/summary.ts';
import type {
  Address,
  AdjustmentReason,
  Attribute,
  CancelReason,
  Customer,
  Disposition,
  DispositionType,
  Fulfillment,
  LineItem,
  Order,
  Refund,
  RestockType,
  Return,
} from './commerce/types.ts';
import { normaliseTags } from './customers.ts';
import { recordBalance } from './payouts.ts';
import {
  addTransaction,
  assignFulfillmentOrder,
  attributesOf,
  coins,
  commitLine,
  type Decimal,
  lineForEdit,
  type OrderLineInput,
} from './place-order.ts';
import { type Shop, ShopError } from './shop.ts';
import { changeLevel } from './stock.ts';

function findOrder(shop: Shop, id: string): Order {
  const order = shop.orders.get(id) ?? shop.orderByName.get(id) ?? shop.orderByName.get(`#${id}`);
  if (order === undefined) throw new ShopError('Order does not exist', ['id'], 404);
  return order;
}

/** Takes the money that is outstanding, from an authorisation where there is one. */
export function payOrder(shop: Shop, id: string, input: { gateway?: string; amount?: Decimal } = {}): Order {
  const order = findOrder(shop, id);
  if (order.cancelledAtMs !== null) throw new ShopError('Order is cancelled', ['id']);
  const { outstanding } = summarise(order);
  if (outstanding.shop <= 0) throw new ShopError('Order has no outstanding balance', ['id']);
  let amount = outstanding;
  if (input.amount !== undefined) {
    const minor = parseMinor(input.amount, order.currency);
    if (minor <= 0 || minor > outstanding.shop) throw new ShopError('Amount is invalid', ['amount']);
    if (minor < outstanding.shop)
      amount = { shop: minor, presentment: mulDiv(outstanding.presentment, minor, outstanding.shop) };
  }
  const captured = new Set(
    order.transactions.filter((one) => one.kind === 'CAPTURE').map((one) => one.parentId),
  );
  const authorisation = order.transactions.find(
    (one) => one.kind === 'AUTHORIZATION' && !captured.has(one.id),
  );
  const transaction = addTransaction(shop, order, {
    kind: authorisation === undefined ? 'SALE' : 'CAPTURE',
    gateway: input.gateway ?? authorisation?.gateway ?? 'manual',
    amount,
    parentId: authorisation?.id ?? null,
  });
  touch(shop, order);
  shop.emit('order_transactions/create', transaction.id);
  shop.emit('orders/updated', order.id);
  if (summarise(order).outstanding.shop <= 0) ordersPaid(shop, order);
  recount(shop, order);
  return order;
}

export interface FulfilInput {
  /** Absent = everything that is left. */
  lines?: { lineId: string; quantity: number }[];
  trackingCompany?: string;
  trackingNumber?: string;
  trackingUrl?: string;
}

export function fulfilOrder(shop: Shop, id: string, input: FulfilInput = {}): Order {
  const order = findOrder(shop, id);
  addFulfillment(shop, order, {
    quantities: input.lines ?? null,
    tracking: {
      company: input.trackingCompany ?? null,
      numbers: input.trackingNumber === undefined ? [] : [input.trackingNumber],
      urls: input.trackingUrl === undefined ? [] : [input.trackingUrl],
    },
  });
  return order;
}

/** Sends units: the committed ones leave the shelf. */
export function addFulfillment(
  shop: Shop,
  order: Order,
  given: {
    quantities: readonly { lineId: string; quantity: number }[] | null;
    tracking: { company: string | null; numbers: string[]; urls: string[] } | null;
  },
): Fulfillment {
  const wanted =
    given.quantities ?? order.lines.map((line) => ({ lineId: line.id, quantity: fulfillableQuantity(line) }));
  const sent: { line: LineItem; quantity: number }[] = [];
  for (const [index, one] of wanted.entries()) {
    const line = order.lines.find((candidate) => candidate.id === one.lineId);
    if (line === undefined)
      throw new ShopError('Line item does not exist', ['lines', String(index), 'lineId']);
    if (one.quantity < 0 || one.quantity > fulfillableQuantity(line))
      throw new ShopError('Invalid fulfillment order line item quantity requested.', ['fulfillment']);
    if (one.quantity > 0) sent.push({ line, quantity: one.quantity });
  }
  if (sent.length === 0) throw new ShopError('Order has nothing left to fulfill', ['fulfillment']);
  const now = shop.nowMs();
  const fulfillment: Fulfillment = {
    typename: 'Fulfillment',
    id: shop.nextId('Fulfillment'),
    orderId: order.id,
    number: order.fulfillments.length + 1,
    createdAtMs: now,
    updatedAtMs: now,
    status: 'SUCCESS',
    locationId: sent.find((one) => one.line.locationId !== null)?.line.locationId ?? order.locationId,
    trackingCompany: given.tracking?.company ?? null,
    trackingNumbers: given.tracking?.numbers ?? [],
    trackingUrls: given.tracking?.urls ?? [],
    lines: [],
  };
  for (const { line, quantity } of sent) {
    line.fulfilledQuantity += quantity;
    fulfillment.lines.push({ id: shop.nextId('FulfillmentLineItem'), lineId: line.id, quantity });
    if (line.inventoryItemId !== null && line.locationId !== null)
      changeLevel(shop, line.inventoryItemId, line.locationId, { committed: -quantity });
  }
  order.fulfillments.push(fulfillment);
  closeWhenDone(shop, order);
  touch(shop, order);
  shop.emit('fulfillments/create', fulfillment.id);
  shop.emit('orders/updated', order.id);
  if (summarise(order).fulfillmentState === 'FULFILLED') shop.emit('orders/fulfilled', order.id);
  else shop.emit('orders/partially_fulfilled', order.id);
  return fulfillment;
}

export function updateTracking(
  shop: Shop,
  fulfillmentId: string,
  tracking: { company?: string | null; numbers?: string[]; urls?: string[] },
): Fulfillment {
  const order = shop.orderByPart.get(fulfillmentId);
  const fulfillment = order?.fulfillments.find((one) => one.id === fulfillmentId);
  if (order === undefined || fulfillment === undefined)
    throw new ShopError('Fulfillment does not exist', ['id'], 404);
  if (tracking.company !== undefined) fulfillment.trackingCompany = tracking.company;
  fulfillment.trackingNumbers = tracking.numbers ?? fulfillment.trackingNumbers;
  fulfillment.trackingUrls = tracking.urls ?? fulfillment.trackingUrls;
  fulfillment.updatedAtMs = shop.nowMs();
  touch(shop, order);
  shop.emit('fulfillments/update', fulfillment.id);
  shop.emit('orders/updated', order.id);
  return fulfillment;
}

export interface EditInput {
  add?: OrderLineInput[];
  /** The number of units that the line shall have from now on; 0 removes it. */
  set?: { lineId?: string; sku?: string; quantity: number }[];
  restock?: boolean;
  staffNote?: string;
}

/** An edit as in the admin: units come on as they cost today, units that go are kept as a refund without money. */
export function editOrder(shop: Shop, id: string, input: EditInput): Order {
  const order = findOrder(shop, id);
  if (order.cancelledAtMs !== null) throw new ShopError('Cancelled orders cannot be edited', ['id']);
  const additions: { id: string; delta: number }[] = [];
  const removals: { lineId: string; quantity: number }[] = [];
  // Everything is checked before anything changes: an edit happens whole or not at all.
  const more = (input.set ?? []).flatMap((one) => {
    const line = order.lines.find((candidate) =>
      one.lineId !== undefined ? candidate.id === one.lineId : candidate.sku === one.sku,
    );
    if (line === undefined) throw new ShopError('Line item does not exist', ['set'], 404);
    if (!Number.isInteger(one.quantity) || one.quantity < 0)
      throw new ShopError('Quantity must be a whole number from 0', ['set', 'quantity']);
    if (removals.some((removal) => removal.lineId === line.id))
      throw new ShopError('A line can only be set once', ['set']);
    const delta = one.quantity - (line.quantity - line.refundedQuantity);
    if (-delta > fulfillableQuantity(line))
      throw new ShopError('Fulfilled units cannot be removed', ['set', 'quantity']);
    if (delta < 0) removals.push({ lineId: line.id, quantity: -delta });
    return delta > 0 ? [{ line, delta }] : [];
  });
  const added = (input.add ?? []).map((one) => lineForEdit(shop, order, one));
  for (const { line, delta } of more) {
    addUnits(order, line, delta);
    commitLine(shop, line, delta);
    additions.push({ id: line.id, delta });
  }
  for (const line of added) {
    order.lines.push(line);
    commitLine(shop, line, line.quantity);
    assignFulfillmentOrder(shop, order, line);
    additions.push({ id: line.id, delta: line.quantity });
  }
  if (additions.length === 0 && removals.length === 0) throw new ShopError('The edit changes nothing', []);
  order.edited = true;
  order.revision += 1;
  if (removals.length > 0) {
    const restockType: RestockType = input.restock === false ? 'NO_RESTOCK' : 'CANCEL';
    carryOutOrThrow(shop, order, {
      ...noWish,
      lines: removals.map((one) => ({ ...one, restockType, locationId: null })),
      payments: [],
      settle: false,
    });
  }
  if (order.closedAtMs !== null && additions.length > 0) order.closedAtMs = null;
  shop.indexParts(order);
  touch(shop, order);
  shop.emit('orders/edited', order.id, {
    id: shop.nextId('OrderEdit'),
    staffNote: input.staffNote ?? '',
    additions,
    removals: removals.map((one) => ({ id: one.lineId, delta: one.quantity })),
    atMs: shop.nowMs(),
  });
  shop.emit('orders/updated', order.id);
  recount(shop, order);
  return order;
}

export interface CancelInput {
  reason?: CancelReason | Lowercase<CancelReason>;
  restock?: boolean;
  /** Sends the money back where it was paid. */
  refund?: boolean;
  staffNote?: string | null;
}

export function cancelOrder(shop: Shop, id: string, input: CancelInput = {}): Order {
  const order = findOrder(shop, id);
  if (order.cancelledAtMs !== null) throw new ShopError('Order has already been cancelled', ['orderId']);
  if (order.lines.some((line) => line.fulfilledQuantity > 0))
    throw new ShopError('Cannot cancel an order that has fulfillments', ['orderId']);
  const restock = input.restock ?? true;
  const refund = input.refund ?? true;
  order.cancelledAtMs = shop.nowMs();
  order.cancelReason = (input.reason?.toUpperCase() as CancelReason | undefined) ?? 'CUSTOMER';
  order.cancelNote = input.staffNote ?? null;
  order.closedAtMs = shop.nowMs();
  order.revision += 1;
  const { net } = summarise(order);
  const onItsWay = order.transactions.filter((one) => one.kind === 'REFUND' && one.status === 'PENDING');
  const amount = subtract(net, ...onItsWay.map((one) => one.amount));
  const lines = order.lines
    .filter((line) => line.quantity > line.refundedQuantity)
    .map((line) => ({
      lineId: line.id,
      quantity: line.quantity - line.refundedQuantity,
      restockType: (restock ? 'CANCEL' : 'NO_RESTOCK') as RestockType,
      locationId: line.locationId,
    }));
  const shippingLeft = summarise(order).currentShipping.shop > 0;
  for (const authorisation of order.transactions.filter((one) => one.kind === 'AUTHORIZATION')) {
    if (!order.transactions.some((one) => one.parentId === authorisation.id))
      addTransaction(shop, order, {
        kind: 'VOID',
        gateway: authorisation.gateway,
        amount: authorisation.amount,
        parentId: authorisation.id,
      });
  }
  if (lines.length > 0 || shippingLeft || net.shop > 0) {
    carryOutOrThrow(shop, order, {
      ...noWish,
      lines,
      shipping: shippingLeft ? { full: true } : null,
      ...(refund ? { amount } : { payments: [] }),
      settle: refund,
      // Nothing is sold any more; only money that is still on its way back keeps a counterpart until it arrives.
      leaves: refund ? subtract(net, amount) : zeroBag,
    });
  }
  touch(shop, order);
  shop.emit('orders/cancelled', order.id);
  shop.emit('orders/updated', order.id);
  recount(shop, order);
  return order;
}

export interface RefundInput {
  lines?: {
    lineId?: string;
    sku?: string;
    quantity: number;
    restockType?: RestockType | Lowercase<RestockType>;
    locationId?: string;
  }[];
  /** true refunds what is left of the shipping; an amount refunds that much of it. */
  shipping?: boolean | Decimal;
  /** Import duties of the lines go back with them. */
  duties?: boolean;
  /** Money in the shop's currency; without lines it becomes a refund discrepancy. Absent = what the parts are worth. */
  amount?: Decimal;
  /** Where the money goes, in the shop's currency or in both; gateways `gift_card` and `shopify_store_credit` keep it as credit. */
  payments?: { parentId?: string | null; gateway?: string | null; amount: Bag | Decimal }[];
  /** All of it onto a gift card or as store credit instead of back where it was paid. */
  to?: 'gift_card' | 'store_credit';
  /** The smallest coin that cash is given back in. */
  cashRounding?: Decimal;
  note?: string | null;
  status?: 'success' | 'pending' | 'failure';
  allowOverRefunding?: boolean;
  discrepancyReason?: AdjustmentReason;
  processedAtMs?: number;
  /** The goods come back by a return of their own, on which `disposeReturn` then says what became of them. */
  asReturn?: boolean;
}

/** Returns the refund, or what is wrong with the wish. */
export function tryRefund(
  shop: Shop,
  order: Order,
  input: RefundInput & { returnId?: string },
): Refund | RefundProblem[] {
  const lines = (input.lines ?? []).flatMap((one) => {
    const line = order.lines.find((candidate) =>
      one.lineId !== undefined ? candidate.id === one.lineId : candidate.sku === one.sku,
    );
    const lineId = line?.id ?? one.lineId ?? '';
    const given = one.restockType?.toUpperCase() as RestockType | undefined;
    if (given !== undefined || line === undefined)
      return [
        {
          lineId,
          quantity: one.quantity,
          restockType: given ?? 'NO_RESTOCK',
          locationId: one.locationId ?? null,
        },
      ];
    // Units that were sent come back, units that were not are cancelled; a mixed line becomes two entries.
    const cancelled = Math.min(one.quantity, fulfillableQuantity(line));
    return (
      [
        ['CANCEL', cancelled],
        ['RETURN', one.quantity - cancelled],
      ] as const
    )
      .filter(([, quantity]) => quantity > 0)
      .map(([restockType, quantity]) => ({
        lineId,
        quantity,
        restockType,
        locationId: one.locationId ?? null,
      }));
  });
  const shipping =
    input.shipping === undefined || input.shipping === false
      ? null
      : input.shipping === true
        ? { full: true as const }
        : { amount: bagFor(order, parseMinor(input.shipping, order.currency)) };
  return carryOut(
    shop,
    order,
    {
      lines,
      shipping,
      duties: input.duties ?? false,
      amount:
        input.amount === undefined ? undefined : amountFor(order, parseMinor(input.amount, order.currency)),
      payments: input.payments?.map((one) => ({
        parentId: one.parentId ?? null,
        gateway: one.gateway ?? null,
        amount:
          typeof one.amount === 'object'
            ? one.amount
            : amountFor(order, parseMinor(one.amount, order.currency)),
      })),
      credit: input.to === undefined ? null : input.to === 'gift_card' ? 'gift_card' : 'shopify_store_credit',
      allowOverRefunding: input.allowOverRefunding ?? false,
      settle: true,
      status: (input.status?.toUpperCase() as RefundWish['status'] | undefined) ?? 'SUCCESS',
      discrepancyReason: input.discrepancyReason ?? null,
    },
    input,
  );
}

export function refundOrder(shop: Shop, id: string, input: RefundInput): Order {
  const order = findOrder(shop, id);
  if (input.asReturn !== true) {
    orThrow(tryRefund(shop, order, input));
    return order;
  }
  const lines = (input.lines ?? []).map((one) => ({ ...one, line: sentLine(order, one) }));
  const given: Return = {
    typename: 'Return',
    id: shop.nextId('Return'),
    orderId: order.id,
    number: order.returns.length + 1,
    createdAtMs: shop.nowMs(),
    closedAtMs: null,
    reverseId: shop.nextId('ReverseFulfillmentOrder'),
    lines: lines.map(({ line, quantity }) => ({
      id: shop.nextId('ReturnLineItem'),
      lineId: line.id,
      quantity,
      reason: 'UNKNOWN',
      restockingFee: null,
      dispositions: [],
    })),
    exchangeLines: [],
  };
  order.returns.push(given);
  const refund = tryRefund(shop, order, { ...input, returnId: given.id });
  // Nothing of a refund that cannot be is kept.
  if (Array.isArray(refund)) order.returns.pop();
  orThrow(refund);
  return order;
}

export interface DisposeInput {
  lines: { lineId?: string; sku?: string; type: DispositionType; quantity: number; locationId?: string }[];
}

/** Says what became of pieces of a return; those that are put back into stock are there from now on. */
export function disposeReturn(shop: Shop, returnId: string, input: DisposeInput): Order {
  const order = shop.orderByPart.get(returnId);
  const given = order?.returns.find((one) => one.id === returnId);
  if (order === undefined || given === undefined) throw new ShopError('Return does not exist', ['id'], 404);
  for (const one of input.lines) {
    const line = sentLine(order, one);
    const back = given.lines.find((candidate) => candidate.lineId === line.id);
    if (back === undefined) throw new ShopError('The return has no such line', ['lines'], 404);
    const open =
      back.quantity - back.dispositions.filter(isFinal).reduce((all, { quantity }) => all + quantity, 0);
    if (one.quantity < 1 || one.quantity > open)
      throw new ShopError('The quantity is more than what remains to be disposed', ['lines']);
    const locationId = one.locationId ?? line.locationId;
    back.dispositions.push(newDisposition(shop, one.type, one.quantity, locationId));
    if (one.type === 'RESTOCKED' && line.inventoryItemId !== null && locationId !== null)
      changeLevel(shop, line.inventoryItemId, locationId, { available: one.quantity });
  }
  touch(shop, order);
  shop.emit('reverse_fulfillment_orders/dispose', given.reverseId);
  return order;
}

function isFinal({ type }: Disposition): boolean {
  return type !== 'PROCESSING_REQUIRED';
}

function newDisposition(
  shop: Shop,
  type: DispositionType,
  quantity: number,
  locationId: string | null,
): Disposition {
  return {
    id: shop.nextId('ReverseFulfillmentOrderDisposition'),
    type,
    quantity,
    locationId,
    createdAtMs: shop.nowMs(),
  };
}

/** Only what was sent can come back. */
function sentLine(order: Order, one: { lineId?: string; sku?: string }): LineItem {
  const line = order.lines.find((candidate) =>
    one.lineId !== undefined ? candidate.id === one.lineId : candidate.sku === one.sku,
  );
  if (line === undefined) throw new ShopError('Line item does not exist', ['lines'], 404);
  if (line.fulfilledQuantity === 0) throw new ShopError('Line item was not fulfilled', ['lines']);
  return line;
}

/** A pending refund goes through, or fails for good. */
export function settleRefund(shop: Shop, refundId: string, succeeds: boolean): Refund {
  const order = shop.orderByPart.get(refundId);
  const refund = order?.refunds.find((one) => one.id === refundId);
  if (order === undefined || refund === undefined) throw new ShopError('Refund does not exist', ['id'], 404);
  let settled = zeroBag;
  for (const transaction of order.transactions) {
    if (!refund.transactionIds.includes(transaction.id) || transaction.status !== 'PENDING') continue;
    transaction.status = succeeds ? 'SUCCESS' : 'FAILURE';
    transaction.processedAtMs = shop.nowMs();
    recordBalance(shop, order, transaction);
    if (succeeds)
      settled = {
        shop: settled.shop + transaction.amount.shop,
        presentment: settled.presentment + transaction.amount.presentment,
      };
  }
  const adjustment = refund.adjustments[0];
  if (adjustment !== undefined) {
    adjustment.amount = subtract(adjustment.amount, settled);
    adjustment.reason = 'REFUND_DISCREPANCY';
    if (isZero(adjustment.amount)) refund.adjustments = [];
  } else if (!isZero(settled)) {
    refund.adjustments = [
      { id: shop.nextId('OrderAdjustment'), reason: 'REFUND_DISCREPANCY', amount: negate(settled) },
    ];
  }
  refund.updatedAtMs = shop.nowMs();
  touch(shop, order);
  shop.emit('orders/updated', order.id);
  recount(shop, order);
  return refund;
}

export interface ExchangeInput {
  /** What comes back. */
  lines: { lineId?: string; sku?: string; quantity: number; reason?: string }[];
  /** What goes out for it, at today's price. */
  exchange: OrderLineInput[];
  /** Kept back for putting things back on the shelf. */
  restockingFee?: Decimal;
  /** Pays what the new goods cost beyond the old ones. */
  gateway?: string;
  note?: string | null;
}

/**
 * Goods come back and others go out on the same order: new lines, a return and a refund whose money is only what the new
 * goods do not use up. Where they cost more the customer pays the difference.
 */
export function exchangeOrder(shop: Shop, id: string, input: ExchangeInput): Order {
  const order = findOrder(shop, id);
  if (order.cancelledAtMs !== null) throw new ShopError('Cancelled orders cannot be exchanged', ['id']);
  const back = input.lines.map((one) => {
    const line = order.lines.find((candidate) =>
      one.lineId !== undefined ? candidate.id === one.lineId : candidate.sku === one.sku,
    );
    if (line === undefined) throw new ShopError('Line item does not exist', ['lines'], 404);
    return { line, quantity: one.quantity, reason: one.reason ?? 'UNWANTED' };
  });
  const added = input.exchange.map((one) => lineForEdit(shop, order, one));
  const fee =
    input.restockingFee === undefined ? null : bagFor(order, parseMinor(input.restockingFee, order.currency));
  const wish: RefundWish = {
    ...noWish,
    lines: back.map(({ line, quantity }) => ({
      lineId: line.id,
      quantity,
      restockType: 'RETURN' as const,
      locationId: null,
    })),
    discrepancyReason: fee === null ? null : 'RESTOCK',
  };
  const plan = planRefund(order, { ...wish, allowOverRefunding: true });
  if (Array.isArray(plan))
    throw new ShopError(plan.map((one) => one.message).join('; '), plan[0]?.field ?? null);
  const worth = plan.lines.reduce(
    (all, one) => add(all, one.subtotal, ...(order.taxesIncluded ? [] : one.taxes)),
    zeroBag,
  );
  if (fee !== null && fee.shop > worth.shop)
    throw new ShopError('A restocking fee is at most what came back', ['restockingFee']);
  const given: Return = {
    typename: 'Return',
    id: shop.nextId('Return'),
    orderId: order.id,
    number: order.returns.length + 1,
    createdAtMs: shop.nowMs(),
    closedAtMs: shop.nowMs(),
    reverseId: shop.nextId('ReverseFulfillmentOrder'),
    lines: back.map(({ line, quantity, reason }, index) => ({
      id: shop.nextId('ReturnLineItem'),
      lineId: line.id,
      quantity,
      reason,
      restockingFee: index === 0 ? fee : null,
      dispositions: [newDisposition(shop, 'RESTOCKED', quantity, line.locationId)],
    })),
    exchangeLines: added.map((line) => ({
      id: shop.nextId('ExchangeLineItem'),
      lineId: line.id,
      quantity: line.quantity,
    })),
  };
  order.returns.push(given);
  const before = summarise(order).total;
  for (const line of added) {
    order.lines.push(line);
    commitLine(shop, line, line.quantity);
    assignFulfillmentOrder(shop, order, line);
  }
  order.edited = true;
  order.revision += 1;
  const cost = subtract(summarise(order).total, before);
  const kept = fee ?? zeroBag;
  const rest = subtract(worth, cost, kept);
  if (rest.shop < 0) {
    const paid = addTransaction(shop, order, {
      kind: 'SALE',
      gateway: input.gateway ?? (order.channel === 'pos' ? 'cash' : 'shopify_payments'),
      amount: negate(rest),
    });
    order.revision += 1;
    shop.emit('order_transactions/create', paid.id);
  }
  orThrow(
    carryOut(
      shop,
      order,
      {
        ...wish,
        ...(rest.shop > 0 ? { amount: rest } : { payments: [] }),
        leaves: add(subtract(summarise(order).currentTotal, worth), kept),
      },
      { note: input.note ?? null, returnId: given.id },
    ),
  );
  shop.indexParts(order);
  if (order.channel === 'pos' && added.length > 0)
    addFulfillment(shop, order, {
      quantities: added.map((line) => ({ lineId: line.id, quantity: line.quantity })),
      tracking: null,
    });
  return order;
}

export interface OrderChange {
  note?: string | null;
  tags?: string[];
  customAttributes?: Attribute[] | Record<string, string>;
  email?: string | null;
  phone?: string | null;
  poNumber?: string | null;
  shippingAddress?: Address | null;
}

export function updateOrder(shop: Shop, id: string, change: OrderChange): Order {
  const order = findOrder(shop, id);
  if (change.email && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(change.email))
    throw new ShopError('Email is invalid', ['email']);
  if (change.note !== undefined) order.note = change.note;
  if (change.tags !== undefined) order.tags = normaliseTags(change.tags);
  if (change.customAttributes !== undefined) order.customAttributes = attributesOf(change.customAttributes);
  if (change.email !== undefined) order.email = change.email;
  if (change.phone !== undefined) order.phone = change.phone;
  if (change.poNumber !== undefined) order.poNumber = change.poNumber;
  if (change.shippingAddress !== undefined) order.shippingAddress = change.shippingAddress;
  touch(shop, order);
  shop.emit('orders/updated', order.id);
  return order;
}

export function ordersPaid(shop: Shop, order: Order): void {
  closeWhenDone(shop, order);
  shop.emit('orders/paid', order.id);
}

/** Brings the customer's order count and lifetime spend up to date after one of their orders changed. */
export function creditCustomer(shop: Shop, customer: Customer, order: Order): void {
  const now = {
    orders: order.cancelledAtMs === null ? 1 : 0,
    spentMinor: summarise(order).net.shop,
  };
  customer.ordersCount += now.orders - order.credited.orders;
  customer.spentMinor += now.spentMinor - order.credited.spentMinor;
  order.credited = now;
  shop.touchCustomer(customer);
  shop.emit('customers/update', customer.id);
}

const noWish: RefundWish = {
  lines: [],
  shipping: null,
  allowOverRefunding: false,
  settle: true,
  status: 'SUCCESS',
  discrepancyReason: null,
};

function carryOutOrThrow(shop: Shop, order: Order, wish: RefundWish): Refund {
  return orThrow(carryOut(shop, order, wish));
}

function orThrow(refund: Refund | RefundProblem[]): Refund {
  if (!Array.isArray(refund)) return refund;
  throw new ShopError(refund.map((one) => one.message).join('; '), refund[0]?.field ?? null);
}

function carryOut(
  shop: Shop,
  order: Order,
  wish: RefundWish,
  extra: {
    note?: string | null;
    processedAtMs?: number;
    cashRounding?: Decimal;
    returnId?: string;
  } = {},
): Refund | RefundProblem[] {
  const plan = planRefund(order, wish);
  if (Array.isArray(plan)) return plan;
  const now = shop.nowMs();
  const refund: Refund = {
    typename: 'Refund',
    id: shop.nextId('Refund'),
    orderId: order.id,
    createdAtMs: now,
    processedAtMs: extra.processedAtMs ?? now,
    updatedAtMs: now,
    note: extra.note ?? null,
    lines: plan.lines.map((line) => ({ ...line, id: shop.nextId('RefundLineItem') })),
    shipping: plan.shipping.map((one) => ({
      ...one,
      id: shop.nextId('RefundShippingLine'),
      adjustmentId: shop.nextId('OrderAdjustment'),
    })),
    duties: plan.duties,
    returnId: extra.returnId ?? null,
    adjustments: plan.adjustment === null ? [] : [{ ...plan.adjustment, id: shop.nextId('OrderAdjustment') }],
    transactionIds: plan.payments.map(
      (payment) =>
        addTransaction(shop, order, {
          kind: 'REFUND',
          status: wish.status,
          gateway: payment.gateway,
          amount: payment.amount,
          rounding: payment.gateway === 'cash' ? coins(order, payment.amount.shop, extra.cashRounding) : null,
          parentId: payment.parentId,
          message: wish.status === 'FAILURE' ? 'The refund was declined' : null,
        }).id,
    ),
  };
  order.refunds.push(refund);
  restock(shop, order, plan);
  shop.indexParts(order);
  touch(shop, order);
  for (const id of refund.transactionIds) shop.emit('order_transactions/create', id);
  shop.emit('refunds/create', refund.id);
  if (wish.settle && order.cancelledAtMs === null) {
    shop.emit('orders/updated', order.id);
    recount(shop, order);
  }
  return refund;
}

/** Moves the units of a refund back to where they belong. */
function restock(shop: Shop, order: Order, plan: RefundPlan): void {
  for (const one of plan.lines) {
    const line = order.lines.find((candidate) => candidate.id === one.lineId);
    if (line === undefined) continue;
    const unsent = Math.min(one.quantity, fulfillableQuantity(line));
    const cancelled = one.restockType === 'RETURN' ? 0 : unsent;
    line.refundedQuantity += one.quantity;
    line.cancelledQuantity += cancelled;
    if (line.inventoryItemId === null || line.locationId === null) continue;
    const { inventoryItemId: itemId } = line;
    if (cancelled > 0) {
      changeLevel(shop, itemId, line.locationId, {
        committed: -cancelled,
        available: one.restockType === 'CANCEL' ? cancelled : 0,
      });
    }
    if (one.restockType === 'RETURN')
      changeLevel(shop, itemId, one.locationId ?? line.locationId, { available: one.quantity });
  }
}

function addUnits(order: Order, line: LineItem, delta: number): void {
  line.quantity += delta;
  const taxable = line.taxLines.length > 0;
  const rates = line.taxLines.map((one) => one.ratePpm);
  const added = (side: keyof Bag): number[] =>
    taxesOn(line.unitPrice[side] * delta, taxable, rates, order.taxesIncluded);
  const shopTaxes = added('shop');
  const presentmentTaxes = added('presentment');
  line.taxLines = line.taxLines.map((one, index) => ({
    ...one,
    price: {
      shop: one.price.shop + (shopTaxes[index] ?? 0),
      presentment: one.price.presentment + (presentmentTaxes[index] ?? 0),
    },
  }));
}

function touch(shop: Shop, order: Order): void {
  shop.indexParts(order);
  shop.touchOrder(order);
}

function recount(shop: Shop, order: Order): void {
  const customer = order.customerId === null ? undefined : shop.customers.get(order.customerId);
  if (customer !== undefined) creditCustomer(shop, customer, order);
}

function closeWhenDone(shop: Shop, order: Order): void {
  const { fulfillmentState, outstanding } = summarise(order);
  if (order.closedAtMs === null && fulfillmentState === 'FULFILLED' && outstanding.shop <= 0)
    order.closedAtMs = shop.nowMs();
}

/** The presentment side of an amount given in the shop's currency. */
function bagFor(order: Order, minor: number): Bag {
  return {
    shop: minor,
    presentment: convert(minor, order.ratePpm, order.currency, order.presentmentCurrency),
  };
}

/** As `bagFor`, but all of what is left in one currency is all of it in the other, too. */
export function amountFor(order: Order, minor: number): Bag {
  const { net } = summarise(order);
  if (minor === net.shop) return net;
  if (net.shop <= 0) return bagFor(order, minor);
  return { shop: minor, presentment: mulDiv(net.presentment, minor, net.shop) };
}
