import { add, type Bag, isZero, scale, subtract, zeroBag } from './money.ts';
import type {
  LineItem,
  Order,
  RefundLine,
  RefundShipping,
  ShippingLine,
  TaxLine,
  Transaction,
} from './types.ts';

export type FinancialStatus =
  | 'AUTHORIZED'
  | 'PENDING'
  | 'PARTIALLY_PAID'
  | 'PAID'
  | 'PARTIALLY_REFUNDED'
  | 'REFUNDED'
  | 'VOIDED';
export type FulfillmentState = 'FULFILLED' | 'PARTIALLY_FULFILLED' | 'UNFULFILLED' | 'RESTOCKED';

/** Everything about an order that follows from its parts. "current" means after refunds, edits and cancellation. */
export interface OrderSummary {
  lineItemsTotal: Bag;
  subtotal: Bag;
  discounts: Bag;
  /** The part of the discounts that belongs to the order as a whole and not to chosen lines. */
  cartDiscounts: Bag;
  shipping: Bag;
  tax: Bag;
  taxLines: TaxLine[];
  duties: Bag;
  total: Bag;
  currentSubtotal: Bag;
  currentDiscounts: Bag;
  currentShipping: Bag;
  currentTax: Bag;
  currentDuties: Bag;
  currentTaxLines: TaxLine[];
  currentTotal: Bag;
  received: Bag;
  refunded: Bag;
  refundedShipping: Bag;
  /** What whole coins added to payments and to refunds in cash. */
  paymentRounding: Bag;
  refundRounding: Bag;
  /** received − refunded */
  net: Bag;
  /** currentTotal − net; below zero where the customer is owed money. */
  outstanding: Bag;
  capturable: Bag;
  refundDiscrepancy: Bag;
  quantity: number;
  currentQuantity: number;
  grams: number;
  currentGrams: number;
  financialStatus: FinancialStatus;
  fulfillmentState: FulfillmentState;
}

const remembered = new WeakMap<Order, { revision: number; summary: OrderSummary }>();

/** Adds an order up; remembered until its revision changes. */
export function summarise(order: Order): OrderSummary {
  const known = remembered.get(order);
  if (known !== undefined && known.revision === order.revision) return known.summary;
  const summary = addUp(order);
  remembered.set(order, { revision: order.revision, summary });
  return summary;
}

export function lineGross(line: LineItem): Bag {
  return scale(line.unitPrice, line.quantity);
}

export function allocated(part: { allocations: LineItem['allocations'] }): Bag {
  return add(...part.allocations.map((one) => one.amount));
}

export function lineNet(line: LineItem): Bag {
  return subtract(lineGross(line), allocated(line));
}

export function shippingNet(line: ShippingLine): Bag {
  return subtract(line.price, allocated(line));
}

function dutiesOf(line: LineItem): Bag {
  return add(...line.duties.map((one) => one.price));
}

function roundingOf(transactions: readonly Transaction[]): Bag {
  return add(...transactions.map((one) => one.rounding ?? zeroBag));
}

function taxOf(part: { taxLines: readonly TaxLine[] }): Bag {
  return add(...part.taxLines.map((one) => one.price));
}

export function currentQuantity(line: LineItem): number {
  return line.quantity - line.refundedQuantity;
}

/** Units still to be sent. */
export function fulfillableQuantity(line: LineItem): number {
  return line.quantity - line.fulfilledQuantity - line.cancelledQuantity;
}

/** What a refunded part takes off the total. */
export function refundedWorth(part: RefundLine | RefundShipping, taxesIncluded: boolean): Bag {
  return taxesIncluded ? part.subtotal : add(part.subtotal, ...part.taxes);
}

/** What was paid in less what went back, per payment; the ceiling of a refund to it. */
export function refundable(order: Order, transactionId: string): Bag {
  const paid = order.transactions.find((one) => one.id === transactionId);
  if (paid === undefined || paid.status !== 'SUCCESS' || (paid.kind !== 'SALE' && paid.kind !== 'CAPTURE'))
    return zeroBag;
  const back = order.transactions.filter(
    (one) => one.kind === 'REFUND' && one.parentId === transactionId && one.status !== 'FAILURE',
  );
  return subtract(paid.amount, ...back.map((one) => one.amount));
}

function addUp(order: Order): OrderSummary {
  const refundLines = order.refunds.flatMap((refund) => refund.lines);
  const refundShipping = order.refunds.flatMap((refund) => refund.shipping);
  const lineItemsTotal = add(...order.lines.map(lineGross));
  const subtotal = add(...order.lines.map(lineNet));
  const parts = [...order.lines, ...order.shippingLines];
  const discounts = add(...parts.map(allocated));
  const cartDiscounts = add(
    ...parts.flatMap((part) =>
      part.allocations
        .filter((one) => order.discountApplications[one.applicationIndex]?.selection === 'all')
        .map((one) => one.amount),
    ),
  );
  const shipping = add(...order.shippingLines.map(shippingNet));
  const tax = add(...parts.map(taxOf));
  const duties = add(...order.lines.map(dutiesOf));
  const refundDuties = order.refunds.flatMap((refund) => refund.duties.map((one) => one.amount));
  const total = add(subtotal, shipping, order.taxesIncluded ? zeroBag : tax, order.tip, duties);
  const refundDiscrepancy = add(
    ...order.refunds.flatMap((refund) => refund.adjustments.map((one) => one.amount)),
  );
  const refundTaxes = [...refundLines, ...refundShipping].flatMap((one) => one.taxes);
  const currentTotal = add(
    subtract(
      total,
      ...[...refundLines, ...refundShipping].map((one) => refundedWorth(one, order.taxesIncluded)),
      ...refundDuties,
    ),
    refundDiscrepancy,
  );
  const ok = order.transactions.filter((one) => one.status === 'SUCCESS');
  const received = add(
    ...ok.filter((one) => one.kind === 'SALE' || one.kind === 'CAPTURE').map((one) => one.amount),
  );
  const refunded = add(...ok.filter((one) => one.kind === 'REFUND').map((one) => one.amount));
  const net = subtract(received, refunded);
  const closedAuthorisations = new Set(
    ok.filter((one) => one.kind === 'CAPTURE' || one.kind === 'VOID').map((one) => one.parentId),
  );
  const capturable = add(
    ...ok
      .filter((one) => one.kind === 'AUTHORIZATION' && !closedAuthorisations.has(one.id))
      .map((one) => one.amount),
  );
  return {
    lineItemsTotal,
    subtotal,
    discounts,
    cartDiscounts,
    shipping,
    tax,
    taxLines: taxLinesOf(order, false),
    duties,
    total,
    currentSubtotal: subtract(subtotal, ...refundLines.map((one) => one.subtotal)),
    currentDiscounts: subtract(discounts, ...refundLines.map((one) => one.discount)),
    currentShipping: subtract(shipping, ...refundShipping.map((one) => one.subtotal)),
    currentTax: subtract(tax, ...refundTaxes),
    currentDuties: subtract(duties, ...refundDuties),
    currentTaxLines: taxLinesOf(order, true),
    currentTotal,
    received,
    refunded,
    refundedShipping: add(...refundShipping.map((one) => refundedWorth(one, order.taxesIncluded))),
    paymentRounding: roundingOf(ok.filter((one) => one.kind !== 'REFUND')),
    refundRounding: roundingOf(ok.filter((one) => one.kind === 'REFUND')),
    net,
    outstanding: subtract(currentTotal, net),
    capturable,
    refundDiscrepancy,
    quantity: order.lines.reduce((all, line) => all + line.quantity, 0),
    currentQuantity: order.lines.reduce((all, line) => all + currentQuantity(line), 0),
    grams: order.lines.reduce((all, line) => all + line.grams * line.quantity, 0),
    currentGrams: order.lines.reduce((all, line) => all + line.grams * currentQuantity(line), 0),
    financialStatus: financialStatusOf(order, { currentTotal, received, refunded, capturable }),
    fulfillmentState: fulfillmentStateOf(order),
  };
}

function taxLinesOf(order: Order, current: boolean): TaxLine[] {
  const byRate = new Map<string, TaxLine>();
  const collect = (line: TaxLine, price: Bag): void => {
    const key = `${line.title} ${line.ratePpm}`;
    const known = byRate.get(key);
    byRate.set(key, { ...line, price: known === undefined ? price : add(known.price, price) });
  };
  for (const part of [...order.lines, ...order.shippingLines])
    for (const line of part.taxLines) collect(line, line.price);
  if (current) {
    for (const refund of order.refunds) {
      for (const one of [...refund.lines, ...refund.shipping]) {
        const part =
          'lineId' in one
            ? order.lines.find((line) => line.id === one.lineId)
            : order.shippingLines.find((line) => line.id === one.shippingLineId);
        for (const [index, tax] of one.taxes.entries()) {
          const line = part?.taxLines[index];
          if (line !== undefined) collect(line, subtract(zeroBag, tax));
        }
      }
    }
  }
  return [...byRate.values()];
}

function financialStatusOf(
  order: Order,
  sums: { currentTotal: Bag; received: Bag; refunded: Bag; capturable: Bag },
): FinancialStatus {
  const { currentTotal, received, refunded, capturable } = sums;
  if (received.shop === 0) {
    if (capturable.shop > 0) return 'AUTHORIZED';
    if (order.cancelledAtMs !== null) return 'VOIDED';
    return isZero(currentTotal) ? 'PAID' : 'PENDING';
  }
  if (refunded.shop >= received.shop) return 'REFUNDED';
  if (refunded.shop > 0) return 'PARTIALLY_REFUNDED';
  return received.shop < currentTotal.shop ? 'PARTIALLY_PAID' : 'PAID';
}

function fulfillmentStateOf(order: Order): FulfillmentState {
  let fulfilled = 0;
  let open = 0;
  let cancelled = 0;
  for (const line of order.lines) {
    fulfilled += line.fulfilledQuantity;
    open += fulfillableQuantity(line);
    cancelled += line.cancelledQuantity;
  }
  if (fulfilled > 0) return open > 0 ? 'PARTIALLY_FULFILLED' : 'FULFILLED';
  if (open === 0 && cancelled > 0 && order.cancelledAtMs !== null) return 'RESTOCKED';
  return 'UNFULFILLED';
}
