import type { LineItem, Order, ShippingLine, TaxLine } from '../../sandbox/shopify/commerce/types.ts';
import { parseMinor } from '../../src/model/money.ts';
import type { Stack } from '../support/stack.ts';

/**
 * What an order moved, by kind of account, in minor units of the shop's currency: money and what is owed where that grew,
 * debts and income where they did.
 */
export type Sums = Record<
  'money' | 'owed' | 'giftCards' | 'storeCredit' | 'tax' | 'channelTax' | 'sold',
  bigint
>;

const nothing: Sums = {
  money: 0n,
  owed: 0n,
  giftCards: 0n,
  storeCredit: 0n,
  tax: 0n,
  channelTax: 0n,
  sold: 0n,
};

/** Counts an order out of the shop's own records, by nothing but addition: no document, no allocation, no form. */
export function countedFromShop(order: Order): Sums {
  const succeeded = order.transactions.filter((one) => one.status === 'SUCCESS');
  const came = succeeded.filter((one) => one.kind === 'SALE' || one.kind === 'CAPTURE');
  const went = succeeded.filter((one) => one.kind === 'REFUND');
  // Nobody ever paid, and nobody will, or not yet: nothing is in the books.
  const isReserved = order.transactions.some((one) => one.kind === 'AUTHORIZATION');
  if (came.length === 0 && (order.cancelledAtMs !== null || isReserved)) return nothing;
  const kept = (isOf: (gateway: string) => boolean): number =>
    total(came.filter((one) => isOf(one.gateway)).map(withCoins)) -
    total(went.filter((one) => isOf(one.gateway)).map(withCoins));

  const goneLines = order.refunds.flatMap((refund) => refund.lines);
  const goneShipping = order.refunds.flatMap((refund) => refund.shipping);
  const lineOf = (id: string): LineItem | undefined => order.lines.find((line) => line.id === id);
  const taxOf = (channel: boolean): number =>
    total([...order.lines, ...order.shippingLines].map((part) => taxIn(part, channel))) -
    total(goneLines.map((one) => taxBack(one.taxes, lineOf(one.lineId), channel))) -
    total(
      goneShipping.map((one) =>
        taxBack(
          one.taxes,
          order.shippingLines.find((line) => line.id === one.shippingLineId),
          channel,
        ),
      ),
    );
  const tax = taxOf(false);
  const channelTax = taxOf(true);
  const afterDiscounts =
    total(order.lines.map(paidForLine)) +
    total(order.shippingLines.map(paidForShipping)) -
    total([...goneLines, ...goneShipping].map((one) => one.subtotal.shop));
  const besides =
    order.tip.shop +
    total(order.lines.flatMap((line) => line.duties.map((duty) => duty.price.shop))) -
    total(order.refunds.flatMap((refund) => refund.duties.map((duty) => duty.amount.shop))) +
    total(order.refunds.flatMap((refund) => refund.adjustments.map((one) => one.amount.shop))) +
    total(came.map(coins)) -
    total(went.map(coins));
  const taxOnTop = order.taxesIncluded ? 0 : tax + channelTax;
  // A gift card is owed at its face value, whatever was taken off its price.
  const faceValue =
    total(order.lines.filter((line) => line.isGiftCard).map((line) => line.unitPrice.shop * line.quantity)) -
    total(
      goneLines.map((one) => {
        const line = lineOf(one.lineId);
        return line?.isGiftCard === true ? line.unitPrice.shop * one.quantity : 0;
      }),
    );
  return {
    money: BigInt(kept((gateway) => gateway !== giftCard && gateway !== storeCredit)),
    owed: BigInt(afterDiscounts + taxOnTop + besides - kept(() => true)),
    giftCards: BigInt(faceValue - kept((gateway) => gateway === giftCard)),
    storeCredit: BigInt(-kept((gateway) => gateway === storeCredit)),
    tax: BigInt(tax),
    channelTax: BigInt(channelTax),
    sold: BigInt(afterDiscounts - faceValue - (order.taxesIncluded ? tax + channelTax : 0)),
  };
}

/** The same out of the ledger of QuickBooks: all entries of all documents that name the order. */
export function countedFromBooks(stack: Stack, remoteId: string, currency: string): Sums {
  const names = new Map(stack.quickbooks.ledger().map((one) => [one.id, one.name]));
  const sums = { ...nothing };
  for (const { type, id } of documentsOf(stack, remoteId))
    for (const line of stack.quickbooks.ledgerEntries({ type, id }).flatMap((entry) => entry.lines)) {
      const account = names.get(line.account) ?? '';
      const [, kind, sign] = accounts.find(([pattern]) => pattern.test(account)) ?? [];
      if (kind !== undefined && sign !== undefined) sums[kind] += sign * parseMinor(line.amount, currency);
    }
  return sums;
}

/** What stands in the books for an order and its refunds. */
function documentsOf(stack: Stack, remoteId: string): { type: string; id: string }[] {
  const mark = new RegExp(`\\[tributary shopify:${remoteId}[: ]`);
  return (['SalesReceipt', 'Invoice', 'Payment', 'CreditMemo', 'RefundReceipt', 'Purchase'] as const).flatMap(
    (type) =>
      stack.quickbooks
        .list(type)
        .filter((one) => mark.test(String(one.PrivateNote)))
        .map((one) => ({ type, id: one.Id })),
  );
}

const giftCard = 'gift_card';
const storeCredit = 'shopify_store_credit';

const accounts: [pattern: RegExp, kind: keyof Sums, sign: 1n | -1n][] = [
  [/^Undeposited Funds$/, 'money', 1n],
  [/^(Accounts Receivable|Customer Credit|Exchange Clearing)/, 'owed', 1n],
  [/^Gift Card Liability$/, 'giftCards', -1n],
  [/^Store Credit Liability$/, 'storeCredit', -1n],
  [/^Tax Owed by Sales Channels$/, 'channelTax', -1n],
  [/ Payable \d+$|^(Other )?Sales Tax Payable$/, 'tax', -1n],
  [/^(Sales of Product Income|Discounts Given|Damaged Goods Written Off|Shipping Income)$/, 'sold', -1n],
];

function withCoins(one: Order['transactions'][number]): number {
  return one.amount.shop + coins(one);
}

function coins(one: Order['transactions'][number]): number {
  return one.rounding?.shop ?? 0;
}

function paidForLine(line: LineItem): number {
  return line.unitPrice.shop * line.quantity - takenOff(line);
}

function paidForShipping(line: ShippingLine): number {
  return line.price.shop - takenOff(line);
}

function takenOff(part: LineItem | ShippingLine): number {
  return total(part.allocations.map((one) => one.amount.shop));
}

function taxIn(part: { taxLines: readonly TaxLine[] }, channel: boolean): number {
  return total(part.taxLines.filter((one) => isOfChannel(one) === channel).map(({ price }) => price.shop));
}

function taxBack(
  taxes: readonly { shop: number }[],
  part: { taxLines: readonly TaxLine[] } | undefined,
  channel: boolean,
): number {
  return total(taxes.map((tax, index) => (isOfChannel(part?.taxLines[index]) === channel ? tax.shop : 0)));
}

function isOfChannel(line: TaxLine | undefined): boolean {
  return line?.channelLiable === true;
}

function total(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0);
}
