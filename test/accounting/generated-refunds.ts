import fc from 'fast-check';
import type { OrderSnapshot, RefundSnapshot, TransactionSnapshot } from '../../src/model/snapshot.ts';
import { type GeneratedOrderOptions, generatedOrder } from '../platforms/generated-order.ts';

interface GeneratedRefund {
  /** Pieces of each line that come back, in percent of what is left. */
  shares: number[];
  shipping: boolean;
  /** The last one gives back everything that is left, tip and duties too. */
  all: boolean;
  /** More or less money than came back. */
  discrepancyMinor: bigint;
  noRestock: boolean;
  /** What became of the pieces that were not put back, in thirds of them. */
  fates: readonly [restocked: number, damaged: number, notReturned: number];
  gateway: string;
}

/** An order paid with one or two tenders, and refunds of it in the order in which they were given. */
export function refundedOrder(options: GeneratedOrderOptions = {}): fc.Arbitrary<OrderSnapshot> {
  const refund = fc.record({
    shares: fc.array(fc.constantFrom(0, 0, 34, 50, 100), { minLength: 6, maxLength: 6 }),
    shipping: fc.boolean(),
    all: fc.boolean(),
    discrepancyMinor: fc.constantFrom(0n, 0n, 0n, 137n, -73n),
    noRestock: fc.boolean(),
    fates: fc.constantFrom<GeneratedRefund['fates']>([0, 0, 0], [1, 1, 1], [0, 2, 1], [3, 0, 0], [0, 1, 0]),
    gateway: fc.constantFrom('shopify_payments', 'shopify_payments', 'gift_card', 'store_credit', 'none'),
  });
  return fc
    .record({
      order: generatedOrder({ orderTaxes: false, ...options }),
      refunds: fc.array(refund, { maxLength: 4 }),
      cardShare: fc.constantFrom(0n, 0n, 25n, 100n),
    })
    .map(({ order, refunds, cardShare }) => withRefunds(order, refunds, cardShare));
}

/** Gives parts of an order back as Shopify does: each piece takes its share of what is left of its line. */
function withRefunds(
  order: OrderSnapshot,
  wishes: readonly GeneratedRefund[],
  cardShare = 0n,
): OrderSnapshot {
  const isInclusive = order.taxesIncluded;
  const onCard = (order.totalMinor * cardShare) / 100n;
  const transactions: TransactionSnapshot[] = [];
  const pay = (gateway: string, amountMinor: bigint): void => {
    if (amountMinor !== 0n)
      transactions.push({
        kind: 'sale',
        status: 'success',
        gateway,
        amountMinor,
        processedAt: order.placedAt,
        refundId: null,
      });
  };
  pay('gift_card', onCard);
  pay('shopify_payments', order.totalMinor - onCard);
  const left = new Map(
    order.lines.map((line) => [
      line.id,
      { quantity: line.quantity, subtotal: line.totalMinor, tax: sumOf(line.taxes) },
    ]),
  );
  const shipping = order.shippingLines.map((line) => ({
    amount: line.priceMinor - line.discountMinor,
    tax: sumOf(line.taxes),
  }));
  let keptMinor = order.totalMinor;
  // Worth that came back without money: the customer's credit, which later money pays first.
  let owedMinor = 0n;
  const refunds: RefundSnapshot[] = [];
  for (const [index, wish] of wishes.entries()) {
    const id = BigInt(900 + index);
    let worth = 0n;
    const lines = order.lines.flatMap((line, position) => {
      const rest = left.get(line.id);
      const share = wish.all ? 100 : (wish.shares[position] ?? 0);
      const quantity = rest === undefined ? 0 : Math.floor((rest.quantity * share) / 100);
      if (rest === undefined || quantity === 0) return [];
      const subtotal = (rest.subtotal * BigInt(quantity)) / BigInt(rest.quantity);
      const tax = (rest.tax * BigInt(quantity)) / BigInt(rest.quantity);
      rest.quantity -= quantity;
      rest.subtotal -= subtotal;
      rest.tax -= tax;
      worth += isInclusive ? subtotal : subtotal + tax;
      return [
        {
          orderLineId: line.id,
          quantity,
          subtotalMinor: subtotal,
          taxMinor: tax,
          restockType: wish.noRestock ? 'no_restock' : 'return',
          fates: {
            restocked: Math.floor((quantity * wish.fates[0]) / 3),
            damaged: Math.floor((quantity * wish.fates[1]) / 3),
            notReturned: Math.floor((quantity * wish.fates[2]) / 3),
          },
        },
      ];
    });
    const adjustments: RefundSnapshot['adjustments'] = [];
    if (wish.shipping || wish.all)
      for (const part of shipping) {
        if (part.amount === 0n && part.tax === 0n) continue;
        adjustments.push({
          kind: 'shipping_refund',
          reason: null,
          amountMinor: part.amount,
          taxMinor: part.tax,
        });
        worth += isInclusive ? part.amount : part.amount + part.tax;
        part.amount = 0n;
        part.tax = 0n;
      }
    let money = wish.all ? keptMinor : worth + wish.discrepancyMinor;
    if (wish.gateway === 'none' && !wish.all) money = 0n;
    if (money < 0n || money > keptMinor) money = worth < keptMinor ? worth : keptMinor;
    const beyond = money > worth ? money - worth : 0n;
    const paidOwed = money !== 0n && beyond > owedMinor ? owedMinor : beyond;
    if (money !== 0n) owedMinor -= paidOwed;
    else if (wish.gateway === 'none') owedMinor += worth;
    if (money !== 0n && money - worth - paidOwed !== 0n)
      adjustments.push({
        kind: 'refund_discrepancy',
        reason: null,
        amountMinor: money - worth - paidOwed,
        taxMinor: 0n,
      });
    if (money === 0n && worth !== 0n && wish.gateway !== 'none') {
      adjustments.push({ kind: 'refund_discrepancy', reason: null, amountMinor: -worth, taxMinor: 0n });
    }
    keptMinor -= money;
    const own: TransactionSnapshot[] =
      money === 0n
        ? []
        : [
            {
              kind: 'refund',
              status: 'success',
              // Credit that is put onto a gift card later is left to a person.
              gateway: wish.gateway === 'none' || paidOwed > 0n ? 'shopify_payments' : wish.gateway,
              amountMinor: money,
              processedAt: order.placedAt,
              refundId: id,
            },
          ];
    transactions.push(...own);
    refunds.push({
      id,
      remoteId: `${7_000_000_000_000 + index}`,
      note: null,
      totalMinor: money,
      settled: true,
      refundedAt: new Date(order.placedAt.getTime() + (index + 1) * 3_600_000),
      lines,
      adjustments,
      transactions: own,
    });
  }
  const refundedMinor = refunds.reduce((all, one) => all + one.totalMinor, 0n);
  return {
    ...order,
    transactions,
    refunds,
    refundedMinor,
    paidMinor: order.totalMinor,
    financialStatus:
      refundedMinor === 0n ? 'paid' : refundedMinor < order.totalMinor ? 'partially_refunded' : 'refunded',
  };
}

function sumOf(taxes: readonly { amountMinor: bigint }[]): bigint {
  return taxes.reduce((all, tax) => all + tax.amountMinor, 0n);
}
