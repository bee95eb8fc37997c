import type { PlatformChange } from '../../../model/change.ts';
import { normalizeEmail } from '../../../model/customer.ts';
import { formatMinor } from '../../../model/money.ts';
import type {
  CanonicalDiscount,
  CanonicalOrder,
  CanonicalOrderLine,
  CanonicalShippingLine,
  CanonicalTransaction,
  FinancialStatus,
  FulfilmentStatus,
  NameValue,
} from '../../../model/order.ts';
import type { CanonicalRefund } from '../../../model/refund.ts';
import { chargesOf, linesOf, taxLines } from './normalise-items.ts';
import { fulfilmentOf } from './normalise-packages.ts';
import { addressOf, buyerOf } from './normalise-people.ts';
import { refundsOf } from './normalise-refunds.ts';
import type { OrderPayload, TransactionPayload } from './payloads.ts';
import { amountOf, fbaLocation, minorOf, textOf } from './vocabulary.ts';

/** True for orders that were placed elsewhere and only sent by Amazon: the shop where they were placed tells of them. */
export function isFromElsewhere(order: OrderPayload): boolean {
  return order.salesChannel.channelName !== 'AMAZON';
}

/**
 * An order with the money that moved because of it: all of Amazon's transactions about the order, none where nothing was
 * sent yet. A refund is not part of Amazon's order and makes a newer version of ours. Pure.
 */
export function orderChange(
  order: OrderPayload,
  transactions: readonly TransactionPayload[],
  observedAt: Date,
): PlatformChange {
  const canonical = orderOf(order, transactions);
  const instants = [order.lastUpdatedTime, ...canonical.refunds.map((refund) => refund.refundedAt)];
  return {
    kind: 'order',
    remoteId: order.orderId,
    version: {
      sourceUpdatedAt: new Date(Math.max(...instants.map((instant) => instant.getTime()))),
      observedAt,
    },
    order: canonical,
  };
}

/** Amazon charges when goods are sent, and only then can anything be refunded. */
export function mayHaveRefunds(order: OrderPayload): boolean {
  return order.orderItems.some((item) => (item.fulfillment?.quantityFulfilled ?? 0) > 0) || isShipped(order);
}

function isShipped(order: OrderPayload): boolean {
  return ['SHIPPED', 'PARTIALLY_SHIPPED'].includes(order.fulfillment?.fulfillmentStatus ?? '');
}

function orderOf(order: OrderPayload, transactions: readonly TransactionPayload[]): CanonicalOrder {
  const currency = currencyOf(order);
  const status = order.fulfillment?.fulfillmentStatus ?? 'PENDING';
  const isCancelled = status === 'CANCELLED';
  const charged = order.orderItems.map((item) => ({ item, charges: chargesOf(item) }));
  const taxesIncluded = charged.some(({ charges }) => charges.taxIncluded === true);
  const lines = charged.flatMap(({ item, charges }) =>
    linesOf(item, charges, { taxesIncluded, isCancelled, discountIndex: 0 }),
  );
  const lineDiscount = sum(lines.map((line) => line.discount.shop));
  const shippingLines = shippingOf(order, charged, taxesIncluded, lineDiscount === 0n ? 0 : 1);
  const shippingDiscount = sum(shippingLines.map((line) => line.discount.shop));
  const subtotal = sum(lines.map((line) => line.unitPrice.shop * BigInt(line.quantity)));
  const shipping = sum(shippingLines.map((line) => line.price.shop));
  const tax = sum([...lines, ...shippingLines].map((part) => part.tax.shop));
  const tip = sum(
    (order.proceeds?.breakdowns ?? [])
      .filter((one) => one.type === 'DELIVERY_TIP')
      .map((one) => minorOf(one.subtotal)),
  );
  const discount = lineDiscount + shippingDiscount;
  const parts = subtotal - discount + shipping + (taxesIncluded ? 0n : tax) + tip;
  const total = totalOf(order, parts, taxesIncluded ? 0n : channelTax(lines, shippingLines));
  const refunds = refundsOf({ orderId: order.orderId, lines, taxesIncluded, currency }, transactions);
  const address = addressOf(order.recipient?.deliveryAddress);
  return {
    number: order.orderId,
    channel: 'amazon',
    customer: buyerOf(order, address),
    // The place that Amazon sends from is Amazon's own; which of ours it is, Amazon does not know.
    locationRemoteId: isFulfilledByAmazon(order) ? fbaLocation.remoteId : null,
    financialStatus: financialStatusOf(status, total, refunds),
    fulfilmentStatus: fulfilmentStatusOf(status),
    currency,
    presentmentCurrency: currency,
    subtotal: amountOf(subtotal),
    discount: amountOf(discount),
    shipping: amountOf(shipping),
    tax: amountOf(tax),
    duties: amountOf(0n),
    tip: amountOf(tip),
    rounding: amountOf(0n),
    total: amountOf(total),
    taxesIncluded,
    taxExempt: false,
    test: false,
    email: normalizeEmail(order.buyer?.buyerEmail),
    phone: null,
    billingAddress: null,
    shippingAddress: address,
    note: null,
    tags: [],
    attributes: attributesOf(order),
    cancelReason: isCancelled ? cancelReasonOf(order) : null,
    placedAt: order.createdTime,
    cancelledAt: isCancelled ? order.lastUpdatedTime : null,
    closedAt: null,
    lines: withReturns(lines, refunds),
    shippingLines,
    discounts: discountsOf(order, { lineDiscount, shippingDiscount, currency }),
    orderTaxLines: [],
    transactions: transactionsOf(order.orderId, status, total),
    fulfilments: (order.packages ?? []).map((one) => fulfilmentOf(one, order)),
    refunds,
  };
}

function isFulfilledByAmazon(order: OrderPayload): boolean {
  return order.fulfillment?.fulfilledBy === 'AMAZON';
}

/** Without a price Amazon names no currency; none is needed then. */
function currencyOf(order: OrderPayload): string {
  const named = [
    order.proceeds?.grandTotal,
    ...order.orderItems.flatMap((item) => [item.proceeds?.proceedsTotal, item.product.price?.unitPrice]),
  ].find((money) => money != null);
  return named?.currencyCode ?? 'USD';
}

/**
 * What the buyer paid. Amazon's grand total is what the seller receives, which leaves out the tax that Amazon keeps in some
 * marketplaces and contains it in others.
 */
function totalOf(order: OrderPayload, parts: bigint, keptByAmazon: bigint): bigint {
  if (order.proceeds?.grandTotal == null) return parts;
  const grandTotal = minorOf(order.proceeds.grandTotal);
  return grandTotal === parts - keptByAmazon ? parts : grandTotal;
}

function channelTax(
  lines: readonly CanonicalOrderLine[],
  shipping: readonly CanonicalShippingLine[],
): bigint {
  return sum(
    [...lines, ...shipping]
      .flatMap((part) => part.taxLines)
      .filter((tax) => tax.channelLiable)
      .map((tax) => tax.amount.shop),
  );
}

function shippingOf(
  order: OrderPayload,
  charged: readonly { charges: ReturnType<typeof chargesOf> }[],
  taxesIncluded: boolean,
  discountIndex: number,
): CanonicalShippingLine[] {
  const all = charged.map(({ charges }) => charges);
  const price = sum(all.map((one) => one.shipping));
  const discount = sum(all.map((one) => one.shippingDiscount));
  const tax = sum(all.map((one) => one.shippingTax));
  if (price === 0n && discount === 0n && tax === 0n) return [];
  const level = order.fulfillment?.fulfillmentServiceLevel ?? 'STANDARD';
  return [
    {
      remoteId: 'shipping',
      title: `Amazon ${level.toLowerCase().replaceAll('_', ' ')} shipping`,
      code: level,
      price: amountOf(price),
      discount: amountOf(discount),
      tax: amountOf(tax),
      allocations: discount === 0n ? [] : [{ discountIndex, amount: amountOf(discount) }],
      taxLines: taxLines(
        tax,
        price - discount,
        { taxByAmazon: all.some((one) => one.shippingTax !== 0n && one.taxByAmazon) },
        taxesIncluded,
      ),
    },
  ];
}

/** Amazon names the promotions of an order, not what each of them took off. */
function discountsOf(
  order: OrderPayload,
  money: { lineDiscount: bigint; shippingDiscount: bigint; currency: string },
): CanonicalDiscount[] {
  const names = order.orderItems.flatMap((item) =>
    (item.promotion?.breakdowns ?? []).flatMap((one) => textOf(one.promotionId) ?? []),
  );
  const title = names.length === 0 ? 'Amazon promotion' : [...new Set(names)].join(', ');
  const discount = (targetType: CanonicalDiscount['targetType'], minor: bigint): CanonicalDiscount => ({
    kind: 'automatic',
    code: null,
    title,
    valueType: 'fixed_amount',
    value: formatMinor(minor, money.currency),
    targetType,
    allocationMethod: 'across',
  });
  return [
    ...(money.lineDiscount === 0n ? [] : [discount('line_item', money.lineDiscount)]),
    ...(money.shippingDiscount === 0n ? [] : [discount('shipping_line', money.shippingDiscount)]),
  ];
}

function financialStatusOf(
  status: string,
  total: bigint,
  refunds: readonly CanonicalRefund[],
): FinancialStatus {
  if (status === 'CANCELLED') return 'voided';
  if (status === 'PENDING' || status === 'PENDING_AVAILABILITY') return 'pending';
  // Amazon takes the buyer's money, and owes it to the seller, when everything was sent.
  if (status !== 'SHIPPED') return 'authorized';
  const refunded = sum(refunds.flatMap((refund) => refund.transactions.map((one) => one.amount.shop)));
  if (refunded === 0n) return 'paid';
  return refunded >= total ? 'refunded' : 'partially_refunded';
}

function fulfilmentStatusOf(status: string): FulfilmentStatus {
  if (status === 'SHIPPED') return 'fulfilled';
  return status === 'PARTIALLY_SHIPPED' ? 'partial' : 'unfulfilled';
}

function transactionsOf(orderId: string, status: string, total: bigint): CanonicalTransaction[] {
  if (status === 'CANCELLED') return [];
  const isPending = status === 'PENDING' || status === 'PENDING_AVAILABILITY';
  const base = { parentRemoteId: null, gateway: 'amazon', amount: amountOf(total), processedAt: null };
  return status === 'SHIPPED'
    ? [{ ...base, remoteId: `${orderId}:sale`, kind: 'sale', status: 'success' }]
    : [
        {
          ...base,
          remoteId: `${orderId}:authorization`,
          kind: 'authorization',
          status: isPending ? 'pending' : 'success',
        },
      ];
}

function attributesOf(order: OrderPayload): NameValue[] {
  const named: [string, string | null | undefined][] = [
    ['Fulfilled by', order.fulfillment?.fulfilledBy === 'AMAZON' ? 'Amazon' : 'Merchant'],
    ['Marketplace', order.salesChannel.marketplaceName ?? order.salesChannel.marketplaceId],
    ['Programmes', order.programs?.join(', ')],
    ['Company', order.buyer?.buyerCompanyName],
    ['Purchase order', order.buyer?.buyerPurchaseOrderNumber],
    ...(order.associatedOrders ?? []).map((one): [string, string | null | undefined] => [
      one.associationType === 'REPLACEMENT_ORIGINAL_ID' ? 'Replacement of' : 'Exchange of',
      one.orderId,
    ]),
  ];
  return named.flatMap(([name, value]) =>
    textOf(value) === null ? [] : [{ name, value: textOf(value) ?? '' }],
  );
}

function cancelReasonOf(order: OrderPayload): string | null {
  for (const { cancellation } of order.orderItems) {
    const execution = cancellation?.cancellationExecution;
    const reason = textOf(execution?.cancelReason) ?? textOf(execution?.cancelledBy);
    if (reason !== null) return reason;
  }
  return null;
}

function withReturns(
  lines: readonly CanonicalOrderLine[],
  refunds: readonly CanonicalRefund[],
): CanonicalOrderLine[] {
  return lines.map((line) => ({
    ...line,
    refundedQuantity: Math.min(
      line.quantity,
      refunds
        .flatMap((refund) => refund.lines)
        .filter((one) => one.lineRemoteId === line.remoteId)
        .reduce((all, one) => all + one.quantity, 0),
    ),
  }));
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((all, amount) => all + amount, 0n);
}
