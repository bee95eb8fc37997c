import type { Amount } from '../../model/money.ts';
import type {
  CanonicalAllocation,
  CanonicalFulfilment,
  CanonicalOrder,
  CanonicalTaxLine,
  CanonicalTransaction,
} from '../../model/order.ts';
import type { CanonicalRefund } from '../../model/refund.ts';
import type {
  discountColumns,
  fulfilmentColumns,
  lineColumns,
  orderColumns,
  Row,
  refundAdjustmentColumns,
  refundColumns,
  refundLineColumns,
  shippingLineColumns,
  transactionColumns,
} from './order-tables.ts';

export interface Currencies {
  currency: string;
  presentmentCurrency: string;
}

/** The rows of an order, each naming its parents by the platform's ids. */
export interface OrderRows {
  order: Row<typeof orderColumns>;
  lines: Row<typeof lineColumns>[];
  shippingLines: Row<typeof shippingLineColumns>[];
  discounts: Row<typeof discountColumns>[];
  allocations: AllocationRow[];
  taxLines: TaxLineRow[];
  transactions: TransactionRow[];
  fulfilments: FulfilmentRows;
  refunds: RefundRows;
}

export interface AllocationRow {
  position: number;
  line: string | null;
  shipping_line: string | null;
  amount_minor: bigint;
  presentment_amount_minor: bigint;
}

export interface TaxLineRow {
  line: string | null;
  shipping_line: string | null;
  title: string;
  rate: string;
  amount_minor: bigint;
  presentment_amount_minor: bigint;
  channel_liable: boolean;
}

export type TransactionRow = Row<typeof transactionColumns> & { refund: string | null };

export interface FulfilmentRows {
  fulfilments: Row<typeof fulfilmentColumns>[];
  fulfilmentLines: { fulfilment: string; line: string; quantity: number }[];
}

export interface RefundRows {
  refunds: Row<typeof refundColumns>[];
  refundLines: (Row<typeof refundLineColumns> & { refund: string; line: string })[];
  refundAdjustments: (Row<typeof refundAdjustmentColumns> & { refund: string })[];
}

/** Turns an order as a platform tells it into rows. Pure. */
export function orderRows(order: CanonicalOrder): OrderRows {
  const refundedByLines = quantitiesByLine(order.refunds);
  return {
    order: {
      number: order.number,
      channel: order.channel,
      financial_status: order.financialStatus,
      fulfilment_status: order.fulfilmentStatus,
      currency: order.currency,
      presentment_currency: order.presentmentCurrency,
      subtotal_minor: order.subtotal.shop,
      discount_minor: order.discount.shop,
      shipping_minor: order.shipping.shop,
      tax_minor: order.tax.shop,
      duties_minor: order.duties.shop,
      tip_minor: order.tip.shop,
      rounding_minor: order.rounding.shop,
      total_minor: order.total.shop,
      presentment_total_minor: order.total.presentment,
      taxes_included: order.taxesIncluded,
      tax_exempt: order.taxExempt,
      test: order.test,
      email: order.email,
      phone: order.phone,
      billing_address: order.billingAddress,
      shipping_address: order.shippingAddress,
      note: order.note,
      tags: order.tags,
      attributes: order.attributes,
      cancel_reason: order.cancelReason,
      placed_at: order.placedAt,
      cancelled_at: order.cancelledAt,
      closed_at: order.closedAt,
      remote_location_id: order.locationRemoteId,
    },
    lines: order.lines.map((line, position) => ({
      remote_id: line.remoteId,
      position,
      remote_variant_id: line.variantRemoteId,
      title: line.title,
      variant_title: line.variantTitle,
      sku: line.sku,
      vendor: line.vendor,
      quantity: line.quantity,
      // A refund may be told before the line's own count of it.
      refunded_quantity: Math.min(
        line.quantity,
        Math.max(line.refundedQuantity, refundedByLines.get(line.remoteId) ?? 0),
      ),
      unit_price_minor: line.unitPrice.shop,
      discount_minor: line.discount.shop,
      tax_minor: line.tax.shop,
      total_minor: line.unitPrice.shop * BigInt(line.quantity) - line.discount.shop,
      presentment_unit_price_minor: line.unitPrice.presentment,
      presentment_discount_minor: line.discount.presentment,
      presentment_tax_minor: line.tax.presentment,
      presentment_total_minor: line.unitPrice.presentment * BigInt(line.quantity) - line.discount.presentment,
      taxable: line.taxable,
      gift_card: line.giftCard,
      requires_shipping: line.requiresShipping,
      duties_minor: line.duties.shop,
      properties: line.properties,
    })),
    shippingLines: order.shippingLines.map((line) => ({
      remote_id: line.remoteId,
      title: line.title,
      code: line.code,
      price_minor: line.price.shop,
      discount_minor: line.discount.shop,
      tax_minor: line.tax.shop,
      presentment_price_minor: line.price.presentment,
    })),
    discounts: order.discounts.map((discount, position) => ({
      position,
      kind: discount.kind,
      code: discount.code,
      title: discount.title,
      value_type: discount.valueType,
      value: discount.value,
      target_type: discount.targetType,
      allocation_method: discount.allocationMethod,
    })),
    allocations: [
      ...order.lines.flatMap((line) =>
        line.allocations.map((part) => allocationRow(part, line.remoteId, null)),
      ),
      ...order.shippingLines.flatMap((line) =>
        line.allocations.map((part) => allocationRow(part, null, line.remoteId)),
      ),
    ],
    taxLines: [
      ...order.lines.flatMap((line) => line.taxLines.map((tax) => taxLineRow(tax, line.remoteId, null))),
      ...order.shippingLines.flatMap((line) =>
        line.taxLines.map((tax) => taxLineRow(tax, null, line.remoteId)),
      ),
      ...order.orderTaxLines.map((tax) => taxLineRow(tax, null, null)),
    ],
    transactions: transactionRows(order.transactions, order.refunds, order),
    fulfilments: fulfilmentRows(order.fulfilments),
    refunds: refundRows(order.refunds, order),
  };
}

/** Transactions of an order with those that its refunds name, each once: the refund's word counts, for it names the refund. */
export function transactionRows(
  transactions: readonly CanonicalTransaction[],
  refunds: readonly CanonicalRefund[],
  currencies: Currencies,
): TransactionRow[] {
  const rows = new Map<string, TransactionRow>();
  for (const transaction of transactions)
    rows.set(transaction.remoteId, transactionRow(transaction, null, currencies));
  for (const refund of refunds) {
    for (const transaction of refund.transactions)
      rows.set(transaction.remoteId, transactionRow(transaction, refund.remoteId, currencies));
  }
  return [...rows.values()];
}

export function refundRows(refunds: readonly CanonicalRefund[], currencies: Currencies): RefundRows {
  return {
    refunds: refunds.map((refund) => {
      const carried = refund.transactions.filter(
        (transaction) => transaction.kind === 'refund' && !failed(transaction),
      );
      const shipping = refund.adjustments.filter((adjustment) => adjustment.kind === 'shipping_refund');
      const differences = refund.adjustments.filter((adjustment) => adjustment.kind !== 'shipping_refund');
      return {
        remote_id: refund.remoteId,
        note: refund.note,
        currency: currencies.currency,
        presentment_currency: currencies.presentmentCurrency,
        subtotal_minor: sum(refund.lines.map((line) => line.subtotal)).shop,
        tax_minor: sum([...refund.lines, ...refund.adjustments].map((part) => part.tax)).shop,
        shipping_minor: sum(shipping.map((adjustment) => adjustment.amount)).shop,
        adjustment_minor: sum(differences.map((adjustment) => adjustment.amount)).shop,
        total_minor: sum(carried.map((transaction) => transaction.amount)).shop,
        presentment_total_minor: sum(carried.map((transaction) => transaction.amount)).presentment,
        settled: refund.transactions.every((transaction) => transaction.status !== 'pending'),
        refunded_at: refund.refundedAt,
      };
    }),
    refundLines: refunds.flatMap((refund) =>
      refund.lines.map((line) => ({
        refund: refund.remoteId,
        line: line.lineRemoteId,
        remote_id: line.remoteId,
        quantity: line.quantity,
        restock_type: line.restockType,
        restocked: line.fates?.restocked ?? 0,
        damaged: line.fates?.damaged ?? 0,
        not_returned: line.fates?.notReturned ?? 0,
        remote_location_id: line.locationRemoteId,
        subtotal_minor: line.subtotal.shop,
        tax_minor: line.tax.shop,
        presentment_subtotal_minor: line.subtotal.presentment,
        presentment_tax_minor: line.tax.presentment,
      })),
    ),
    refundAdjustments: refunds.flatMap((refund) =>
      refund.adjustments.map((adjustment) => ({
        refund: refund.remoteId,
        remote_id: adjustment.remoteId,
        kind: adjustment.kind,
        reason: adjustment.reason,
        amount_minor: adjustment.amount.shop,
        tax_minor: adjustment.tax.shop,
        presentment_amount_minor: adjustment.amount.presentment,
        presentment_tax_minor: adjustment.tax.presentment,
      })),
    ),
  };
}

export function fulfilmentRows(fulfilments: readonly CanonicalFulfilment[]): FulfilmentRows {
  return {
    fulfilments: fulfilments.map((fulfilment) => ({
      remote_id: fulfilment.remoteId,
      status: fulfilment.status,
      tracking_company: fulfilment.trackingCompany,
      tracking_numbers: fulfilment.trackingNumbers,
      tracking_urls: fulfilment.trackingUrls,
      remote_location_id: fulfilment.locationRemoteId,
      created_at: fulfilment.createdAt,
      source_updated_at: fulfilment.updatedAt,
    })),
    fulfilmentLines: fulfilments.flatMap((fulfilment) => {
      const quantities = new Map<string, number>();
      for (const line of fulfilment.lines)
        quantities.set(line.lineRemoteId, (quantities.get(line.lineRemoteId) ?? 0) + line.quantity);
      return [...quantities]
        .filter(([, quantity]) => quantity > 0)
        .map(([line, quantity]) => ({ fulfilment: fulfilment.remoteId, line, quantity }));
    }),
  };
}

function quantitiesByLine(refunds: readonly CanonicalRefund[]): Map<string, number> {
  const quantities = new Map<string, number>();
  for (const line of refunds.flatMap((refund) => refund.lines))
    quantities.set(line.lineRemoteId, (quantities.get(line.lineRemoteId) ?? 0) + line.quantity);
  return quantities;
}

function allocationRow(
  part: CanonicalAllocation,
  line: string | null,
  shippingLine: string | null,
): AllocationRow {
  return {
    position: part.discountIndex,
    line,
    shipping_line: shippingLine,
    amount_minor: part.amount.shop,
    presentment_amount_minor: part.amount.presentment,
  };
}

function taxLineRow(tax: CanonicalTaxLine, line: string | null, shippingLine: string | null): TaxLineRow {
  return {
    line,
    shipping_line: shippingLine,
    title: tax.title,
    rate: plainDecimal(tax.rate),
    amount_minor: tax.amount.shop,
    presentment_amount_minor: tax.amount.presentment,
    channel_liable: tax.channelLiable,
  };
}

function transactionRow(
  transaction: CanonicalTransaction,
  refund: string | null,
  currencies: Currencies,
): TransactionRow {
  return {
    refund,
    remote_id: transaction.remoteId,
    parent_remote_id: transaction.parentRemoteId,
    kind: transaction.kind,
    status: transaction.status,
    gateway: transaction.gateway,
    amount_minor: transaction.amount.shop,
    currency: currencies.currency,
    presentment_amount_minor: transaction.amount.presentment,
    presentment_currency: currencies.presentmentCurrency,
    processed_at: transaction.processedAt,
  };
}

function failed(transaction: CanonicalTransaction): boolean {
  return transaction.status === 'failure' || transaction.status === 'error';
}

/** "0.190" and "0.19" are one rate; rates beyond nine decimals are cut as the column cuts them. */
function plainDecimal(text: string): string {
  const [whole = '0', fraction = ''] = text.split('.');
  const kept = fraction.slice(0, 9).replace(/0+$/, '');
  return kept === '' ? whole : `${whole}.${kept}`;
}

function sum(amounts: readonly Amount[]): Amount {
  return amounts.reduce(
    (total, amount) => ({
      shop: total.shop + amount.shop,
      presentment: total.presentment + amount.presentment,
    }),
    { shop: 0n, presentment: 0n },
  );
}
