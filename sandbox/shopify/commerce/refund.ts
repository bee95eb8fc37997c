import { add, type Bag, isZero, mulDiv, subtract, zeroBag, zip } from './money.ts';
import {
  allocated,
  currentQuantity,
  fulfillableQuantity,
  lineNet,
  refundable,
  refundedWorth,
  shippingNet,
  summarise,
} from './summary.ts';
import type { AdjustmentReason, LineItem, Order, RefundLine, RefundShipping, RestockType } from './types.ts';

/** What somebody wants to give back. */
export interface RefundWish {
  lines: readonly {
    lineId: string;
    quantity: number;
    restockType: RestockType;
    locationId: string | null;
  }[];
  /** `full` refunds what is left of the shipping; an amount is gross of nothing but its own tax share. */
  shipping: { full: true } | { amount: Bag } | null;
  /** Duties of the lines go back with them. */
  duties?: boolean;
  /** Money to send back; absent = exactly what the lines and shipping are worth, as far as it was paid. */
  amount?: Bag | undefined;
  /** Payments that the caller names itself; they override `amount`. */
  payments?: readonly { parentId: string | null; gateway: string | null; amount: Bag }[] | undefined;
  allowOverRefunding: boolean;
  /** Whether a difference between worth and money is written off (refunds) or left owing (edits, cancellations). */
  settle: boolean;
  /** What the order is worth afterwards, come what may (cancellations); overrides `settle`. */
  leaves?: Bag | undefined;
  /** Gateway of a credit that the shop gives instead of sending the money back. */
  credit?: string | null;
  status: 'SUCCESS' | 'PENDING' | 'FAILURE';
  discrepancyReason: AdjustmentReason | null;
}

export interface RefundPlan {
  lines: Omit<RefundLine, 'id'>[];
  shipping: Omit<RefundShipping, 'id' | 'adjustmentId'>[];
  duties: { dutyId: string; amount: Bag }[];
  payments: { parentId: string | null; gateway: string; amount: Bag }[];
  adjustment: { reason: AdjustmentReason; amount: Bag } | null;
}

export interface RefundProblem {
  field: string[];
  message: string;
}

/**
 * Works out a refund to the minor unit. Units are worth their share of what remains of the line, so that refunding a
 * line piece by piece gives back exactly what it cost.
 */
export function planRefund(order: Order, wish: RefundWish): RefundPlan | RefundProblem[] {
  const problems: RefundProblem[] = [];
  const lines: RefundPlan['lines'] = [];
  const taken = new Map<string, Taken>();
  for (const [index, wanted] of wish.lines.entries()) {
    const field = ['refundLineItems', String(index)];
    const line = order.lines.find((one) => one.id === wanted.lineId);
    if (line === undefined) {
      problems.push({ field: [...field, 'lineItemId'], message: 'Line item does not exist' });
      continue;
    }
    const before = lines.filter((one) => one.lineId === line.id);
    const already = taken.get(line.id) ?? { unsent: 0, sent: 0 };
    const problem = quantityProblem(line, wanted.quantity, already, wanted.restockType);
    if (problem !== null) {
      problems.push({ field: [...field, 'quantity'], message: problem });
      continue;
    }
    const unsent =
      wanted.restockType === 'RETURN'
        ? 0
        : Math.min(wanted.quantity, fulfillableQuantity(line) - already.unsent);
    taken.set(line.id, {
      unsent: already.unsent + unsent,
      sent: already.sent + wanted.quantity - unsent,
    });
    lines.push(worthOfUnits(order, line, wanted, before));
  }
  const shipping = planShipping(order, wish.shipping, problems);
  if (problems.length > 0) return problems;

  const duties = wish.duties === true ? planDuties(order, lines) : [];
  const summary = summarise(order);
  const worth = add(
    ...[...lines, ...shipping].map((one) => worthOf(one, order.taxesIncluded)),
    ...duties.map((one) => one.amount),
  );
  const payments = planPayments(order, wish, worth);
  const sent = add(...payments.map((one) => one.amount));
  const pendingBefore = add(
    ...order.transactions
      .filter((one) => one.kind === 'REFUND' && one.status === 'PENDING')
      .map((one) => one.amount),
  );
  if (!wish.allowOverRefunding && sent.shop + pendingBefore.shop > summary.net.shop) {
    return [{ field: ['transactions'], message: 'Refund amount exceeds the amount available to refund' }];
  }
  if (lines.length === 0 && shipping.length === 0 && isZero(sent)) {
    return [{ field: [], message: 'Refund must include at least one line item, shipping or transaction' }];
  }
  return { lines, shipping, duties, payments, adjustment: planAdjustment(order, wish, worth, sent) };
}

/** The part of `total` that goes with `part` of `whole` equal pieces; the last pieces take all that is left. */
function shareOfRest(total: Bag, part: number, whole: number): Bag {
  return {
    shop: mulDiv(total.shop, part, whole),
    presentment: mulDiv(total.presentment, part, whole),
  };
}

/** Units of one line that entries of the same refund have used up. */
interface Taken {
  unsent: number;
  sent: number;
}

function quantityProblem(
  line: LineItem,
  quantity: number,
  taken: Taken,
  restockType: RestockType,
): string | null {
  if (!Number.isInteger(quantity) || quantity <= 0) return 'Quantity must be greater than 0';
  const left = currentQuantity(line) - taken.unsent - taken.sent;
  if (quantity > left) return `Quantity cannot refund more items than were purchased (${left} left)`;
  if (restockType === 'CANCEL' && quantity > fulfillableQuantity(line) - taken.unsent)
    return 'Quantity cannot cancel more items than are unfulfilled';
  const returnable = line.fulfilledQuantity - (line.refundedQuantity - line.cancelledQuantity) - taken.sent;
  if (restockType === 'RETURN' && quantity > returnable)
    return 'Quantity cannot return more items than were fulfilled';
  return null;
}

function worthOfUnits(
  order: Order,
  line: LineItem,
  wanted: RefundWish['lines'][number],
  sameRefund: readonly Omit<RefundLine, 'id'>[],
): Omit<RefundLine, 'id'> {
  const earlier: Omit<RefundLine, 'id'>[] = [
    ...order.refunds.flatMap((refund) => refund.lines.filter((one) => one.lineId === line.id)),
    ...sameRefund,
  ];
  const whole = line.quantity - earlier.reduce((all, one) => all + one.quantity, 0);
  const share = (total: Bag, gone: readonly Bag[]): Bag =>
    shareOfRest(subtract(total, ...gone), wanted.quantity, whole);
  return {
    lineId: line.id,
    quantity: wanted.quantity,
    restockType: wanted.restockType,
    locationId: wanted.restockType === 'NO_RESTOCK' ? null : (wanted.locationId ?? line.locationId),
    subtotal: share(
      lineNet(line),
      earlier.map((one) => one.subtotal),
    ),
    taxes: line.taxLines.map((tax, index) =>
      share(
        tax.price,
        earlier.map((one) => one.taxes[index] ?? zeroBag),
      ),
    ),
    discount: share(
      allocated(line),
      earlier.map((one) => one.discount),
    ),
  };
}

function planShipping(
  order: Order,
  wish: RefundWish['shipping'],
  problems: RefundProblem[],
): RefundPlan['shipping'] {
  if (wish === null) return [];
  const earlier = order.refunds.flatMap((refund) => refund.shipping);
  const planned: RefundPlan['shipping'] = [];
  let left = 'amount' in wish ? wish.amount : null;
  for (const line of order.shippingLines) {
    const gone = earlier.filter((one) => one.shippingLineId === line.id);
    const rest = subtract(shippingNet(line), ...gone.map((one) => one.subtotal));
    const taxes = line.taxLines.map((tax, index) =>
      subtract(tax.price, ...gone.map((one) => one.taxes[index] ?? zeroBag)),
    );
    const subtotal = left === null ? rest : zip(left, rest, Math.min);
    if (left !== null) left = subtract(left, subtotal);
    if (isZero(subtotal)) continue;
    planned.push({
      shippingLineId: line.id,
      subtotal,
      taxes: taxes.map((tax) => ({
        shop: rest.shop === 0 ? 0 : mulDiv(tax.shop, subtotal.shop, rest.shop),
        presentment:
          rest.presentment === 0 ? 0 : mulDiv(tax.presentment, subtotal.presentment, rest.presentment),
      })),
    });
  }
  if (left !== null && left.shop > 0)
    problems.push({ field: ['shipping', 'amount'], message: 'Shipping refund exceeds the amount left' });
  return planned;
}

/** Duties of a line go back with the share of its units, the last units taking what is left. */
function planDuties(order: Order, lines: RefundPlan['lines']): RefundPlan['duties'] {
  return order.lines.flatMap((line) => {
    const quantity = lines
      .filter((one) => one.lineId === line.id)
      .reduce((all, one) => all + one.quantity, 0);
    return line.duties.flatMap((duty) => {
      const gone = order.refunds.flatMap((refund) =>
        refund.duties.filter((earlier) => earlier.dutyId === duty.id).map((earlier) => earlier.amount),
      );
      const amount = shareOfRest(subtract(duty.price, ...gone), quantity, currentQuantity(line) || 1);
      return isZero(amount) ? [] : [{ dutyId: duty.id, amount }];
    });
  });
}

/** Sends money back to the payments it came from, first paid first. */
function planPayments(order: Order, wish: RefundWish, worth: Bag): RefundPlan['payments'] {
  if (wish.payments !== undefined) {
    return wish.payments.map((one) => {
      const isCredit = one.gateway === 'gift_card' || one.gateway === 'shopify_store_credit';
      const named = order.transactions.find((paid) => paid.id === one.parentId);
      const parent = named ?? (isCredit ? undefined : firstPayment(order));
      return {
        parentId: parent?.id ?? null,
        gateway: one.gateway ?? parent?.gateway ?? 'manual',
        amount: one.amount,
      };
    });
  }
  let left = wish.amount ?? zip(worth, summarise(order).net, Math.min);
  if (wish.credit != null)
    return left.shop > 0 ? [{ parentId: null, gateway: wish.credit, amount: left }] : [];
  const payments: RefundPlan['payments'] = [];
  for (const paid of order.transactions) {
    if (left.shop <= 0) break;
    const room = refundable(order, paid.id);
    if (room.shop <= 0) continue;
    // Both currencies of a payment are used up together, so that no cent of either stays behind.
    const amount = left.shop >= room.shop ? room : left;
    payments.push({ parentId: paid.id, gateway: paid.gateway, amount });
    left = zip(left, amount, (a, b) => Math.max(0, a - b));
  }
  if (left.shop > 0 && wish.amount !== undefined) {
    const parent = firstPayment(order);
    payments.push({ parentId: parent?.id ?? null, gateway: parent?.gateway ?? 'manual', amount: left });
  }
  return payments;
}

function firstPayment(order: Order): Order['transactions'][number] | undefined {
  return order.transactions.find(
    (one) => one.status === 'SUCCESS' && (one.kind === 'SALE' || one.kind === 'CAPTURE'),
  );
}

/**
 * The entry that keeps the order's current total equal to the money kept. More money than worth: first what was owed
 * already explains it. Less: first what was never paid explains it.
 */
function planAdjustment(order: Order, wish: RefundWish, worth: Bag, sent: Bag): RefundPlan['adjustment'] {
  const { currentTotal, outstanding } = summarise(order);
  if (wish.leaves !== undefined) {
    const amount = subtract(add(wish.leaves, worth), currentTotal);
    return isZero(amount) ? null : { reason: wish.discrepancyReason ?? 'REFUND_DISCREPANCY', amount };
  }
  if (!wish.settle) return null;
  const settled = wish.status === 'SUCCESS' ? sent : zeroBag;
  const difference = (worthMinor: number, settledMinor: number, outstandingMinor: number): number => {
    const extra = settledMinor - worthMinor;
    return extra >= 0
      ? -(extra - Math.min(extra, Math.max(0, -outstandingMinor)))
      : -extra - Math.min(-extra, Math.max(0, outstandingMinor));
  };
  const amount: Bag = {
    shop: difference(worth.shop, settled.shop, outstanding.shop),
    presentment: difference(worth.presentment, settled.presentment, outstanding.presentment),
  };
  if (isZero(amount)) return null;
  const pending = wish.status === 'PENDING';
  return {
    reason: pending ? 'PENDING_REFUND_DISCREPANCY' : (wish.discrepancyReason ?? 'REFUND_DISCREPANCY'),
    amount,
  };
}

function worthOf(part: RefundPlan['lines'][number] | RefundPlan['shipping'][number], included: boolean): Bag {
  return refundedWorth(part as RefundLine | RefundShipping, included);
}
