import { parseMinor } from '../../../model/money.ts';
import type { CanonicalOrderLine } from '../../../model/order.ts';
import type { CanonicalRefund, CanonicalRefundLine } from '../../../model/refund.ts';
import type { BreakdownPayload, TransactionPayload } from './payloads.ts';
import { amountOf } from './vocabulary.ts';

/** Money given back to buyers; reimbursements, fees and transfers concern the retailer alone. */
const refundTypes = /^(refund|chargebackrefund|chargeback|guaranteeclaim)$/i;

/** One refund is told when it is deferred and again when it is released. */
const statusRank: Readonly<Record<string, number>> = { DEFERRED: 1, DEFERRED_RELEASED: 2, RELEASED: 3 };

interface RefundedOrder {
  orderId: string;
  lines: readonly CanonicalOrderLine[];
  taxesIncluded: boolean;
  currency: string;
}

/** The refunds of an order among its financial transactions, oldest first. Pure. */
export function refundsOf(
  order: RefundedOrder,
  transactions: readonly TransactionPayload[],
): CanonicalRefund[] {
  const ofOrder = transactions.filter(
    (one) => refundTypes.test(one.transactionType ?? '') && identifierOf(one, 'ORDER_ID') === order.orderId,
  );
  const groups = Map.groupBy(ofOrder, refundIdOf);
  const left = new Map(order.lines.map((line) => [line.remoteId, line.quantity]));
  return [...groups]
    .map(([remoteId, told]) => ({ remoteId, parts: newestTold(told) }))
    .sort((a, b) => earliest(a.parts) - earliest(b.parts) || (a.remoteId < b.remoteId ? -1 : 1))
    .flatMap(({ remoteId, parts }) => refundOf(order, remoteId, parts, left) ?? []);
}

export function isRefund(transaction: TransactionPayload): boolean {
  return refundTypes.test(transaction.transactionType ?? '');
}

export function identifierOf(transaction: TransactionPayload, name: string): string | null {
  return (
    transaction.relatedIdentifiers?.find((one) => one.relatedIdentifierName === name)
      ?.relatedIdentifierValue ?? null
  );
}

function refundIdOf(transaction: TransactionPayload): string {
  return (
    identifierOf(transaction, 'REFUND_ID') ??
    identifierOf(transaction, 'DEFERRED_TRANSACTION_ID') ??
    transaction.transactionId ??
    `${identifierOf(transaction, 'ORDER_ID')}:${transaction.postedDate.toISOString()}`
  );
}

function newestTold(told: readonly TransactionPayload[]): TransactionPayload[] {
  const rank = (one: TransactionPayload) => statusRank[one.transactionStatus?.toUpperCase() ?? ''] ?? 0;
  const highest = Math.max(...told.map(rank));
  return told.filter((one) => rank(one) === highest);
}

function earliest(parts: readonly TransactionPayload[]): number {
  return Math.min(...parts.map((one) => one.postedDate.getTime()));
}

/** What was given back, positive, by what it had been paid for. */
interface GivenBack {
  goods: bigint;
  goodsTax: bigint;
  shipping: bigint;
  shippingTax: bigint;
}

function refundOf(
  order: RefundedOrder,
  remoteId: string,
  parts: readonly TransactionPayload[],
  left: Map<string, number>,
): CanonicalRefund | null {
  const refundedAt = new Date(earliest(parts));
  const lines: CanonicalRefundLine[] = [];
  const goodwill = { amount: 0n, tax: 0n };
  const shipping = { amount: 0n, tax: 0n };
  const add = (given: GivenBack, line: CanonicalOrderLine | null, pieces: number): void => {
    shipping.amount += given.shipping;
    shipping.tax += given.shippingTax;
    const units =
      line === null ? 0 : returnedUnits(given.goods, line, pieces, left.get(line.remoteId) ?? 0, order);
    if (line === null || units === 0) {
      goodwill.amount += given.goods;
      goodwill.tax += given.goodsTax;
      return;
    }
    left.set(line.remoteId, (left.get(line.remoteId) ?? 0) - units);
    lines.push({
      remoteId: `${remoteId}:${line.remoteId}`,
      lineRemoteId: line.remoteId,
      quantity: units,
      // Whether goods came back, and where to, is told by those who received them.
      restockType: 'no_restock',
      locationRemoteId: null,
      subtotal: amountOf(given.goods + (order.taxesIncluded ? given.goodsTax : 0n)),
      tax: amountOf(given.goodsTax),
    });
  };
  for (const part of parts) {
    const items = (part.items ?? []).filter((item) => (item.breakdowns ?? []).length > 0);
    if (items.length === 0) add(givenBack(part.breakdowns ?? []), null, 0);
    for (const item of items) {
      const product = item.contexts?.find((one) => one.sku != null);
      add(
        givenBack(item.breakdowns ?? []),
        lineOf(order, left, product?.sku),
        Math.abs(product?.quantityShipped ?? 1),
      );
    }
  }
  const merged = mergeLines(lines);
  const adjustments = [
    { kind: 'shipping_refund' as const, id: 'shipping', ...shipping },
    { kind: 'refund_discrepancy' as const, id: 'goodwill', ...goodwill },
  ].filter((one) => one.amount !== 0n || one.tax !== 0n);
  const total =
    merged.reduce((all, line) => all + line.subtotal.shop + (order.taxesIncluded ? 0n : line.tax.shop), 0n) +
    adjustments.reduce((all, one) => all + one.amount + one.tax, 0n);
  // A correction of fees alone is told as a refund too.
  if (total <= 0n) return null;
  return {
    remoteId,
    note: null,
    refundedAt,
    lines: merged,
    adjustments: adjustments.map((one) => ({
      remoteId: `${remoteId}:${one.id}`,
      kind: one.kind,
      reason: one.kind === 'shipping_refund' ? 'Shipping refund' : 'Given back without goods',
      amount: amountOf(one.amount + (order.taxesIncluded ? one.tax : 0n)),
      tax: amountOf(one.tax),
    })),
    transactions: [
      {
        remoteId: `${remoteId}:refund`,
        parentRemoteId: null,
        kind: 'refund',
        status: 'success',
        gateway: 'amazon',
        amount: amountOf(total),
        processedAt: refundedAt,
      },
    ],
  };

  function givenBack(breakdowns: readonly BreakdownPayload[]): GivenBack {
    const given: GivenBack = { goods: 0n, goodsTax: 0n, shipping: 0n, shippingTax: 0n };
    for (const leaf of leavesOf(breakdowns)) {
      const family = familyOf(leaf.breakdownType ?? '');
      const money = leaf.breakdownAmount;
      if (family === null || money == null) continue;
      given[family] -= parseMinor(money.currencyAmount, money.currencyCode);
    }
    return given;
  }
}

/** An order may list one number several times: the first with pieces left is the one. */
function lineOf(
  order: RefundedOrder,
  left: ReadonlyMap<string, number>,
  sku: string | null | undefined,
): CanonicalOrderLine | null {
  const ofSku = order.lines.filter((line) => line.sku !== null && line.sku === sku);
  return ofSku.find((line) => (left.get(line.remoteId) ?? 0) > 0) ?? ofSku[0] ?? null;
}

/**
 * Amazon repeats the pieces of the shipment, also where only a part of the price was given back: as many pieces were
 * returned as the money pays for.
 */
function returnedUnits(
  goods: bigint,
  line: CanonicalOrderLine,
  pieces: number,
  left: number,
  order: RefundedOrder,
): number {
  const paid =
    line.unitPrice.shop * BigInt(line.quantity) -
    line.discount.shop -
    (order.taxesIncluded ? line.tax.shop : 0n);
  if (paid <= 0n || goods <= 0n) return 0;
  // Shares of a price are rounded: half a minor unit per piece is no reason to count one less.
  const affordable = Number(((goods + 1n) * BigInt(line.quantity)) / paid);
  return Math.max(0, Math.min(pieces, left, affordable));
}

function mergeLines(lines: readonly CanonicalRefundLine[]): CanonicalRefundLine[] {
  const byId = new Map<string, CanonicalRefundLine>();
  for (const line of lines) {
    const known = byId.get(line.remoteId);
    if (known === undefined) byId.set(line.remoteId, line);
    else
      byId.set(line.remoteId, {
        ...line,
        quantity: known.quantity + line.quantity,
        subtotal: amountOf(known.subtotal.shop + line.subtotal.shop),
        tax: amountOf(known.tax.shop + line.tax.shop),
      });
  }
  return [...byId.values()];
}

/** Amounts stand at every level; only the lowest ones are added up. What Amazon charges for its services is not the buyer's. */
function leavesOf(breakdowns: readonly BreakdownPayload[]): BreakdownPayload[] {
  return breakdowns.flatMap((one) => {
    if (/^(Amazon|FBA|Selling)Fees$/.test(one.breakdownType ?? '')) return [];
    const inner = one.breakdowns ?? [];
    return inner.length === 0 ? [one] : leavesOf(inner);
  });
}

/** Names as Amazon's transactions carry them; tax that Amazon withholds and what it charges belong to nobody here. */
function familyOf(type: string): keyof GivenBack | null {
  if (/^Shipping(Principal|Discount)?$/.test(type)) return 'shipping';
  if (/^ShippingTax(Discount)?$/.test(type)) return 'shippingTax';
  if (/^(OurPrice|Gift-?[Ww]rap)?Tax(Discount)?$/.test(type)) return 'goodsTax';
  if (
    /^(ProductCharges|Principal|(OurPrice|Gift-?[Ww]rap)(Principal|Discount)?|PromoRebates|RestockingFee|Goodwill)$/.test(
      type,
    )
  )
    return 'goods';
  return null;
}
