import type { ReturnFates } from '../../src/model/refund.ts';
import type { OrderSnapshot, RefundSnapshot, TaxSnapshot } from '../../src/model/snapshot.ts';
import type { PostingPolicy } from '../../src/sync/accounting/policy.ts';
import { order, orderLine, paid } from '../platforms/memory-session.ts';

/** One situation of a shop, and with it all that the books are told of it. */
export interface Case {
  group: string;
  name: string;
  order: OrderSnapshot;
  policy?: Partial<PostingPolicy>;
  /** The form that stands already, where that matters. */
  posted?: 'SalesReceipt' | 'Invoice';
}

const vat = (amountMinor: bigint, rate = '0.19', title = 'VAT'): TaxSnapshot => ({
  title,
  rate,
  amountMinor,
  channelLiable: false,
});
const jumper = (more: Parameters<typeof orderLine>[0] = {}) =>
  orderLine({ id: 1n, title: 'Jumper', variantTitle: null, unitPriceMinor: 10_000n, quantity: 1, ...more });
const book = (more: Parameters<typeof orderLine>[0] = {}) =>
  orderLine({
    id: 2n,
    title: 'Book',
    variantTitle: null,
    sku: 'BOOK',
    variantId: 32n,
    unitPriceMinor: 2_000n,
    quantity: 1,
    ...more,
  });
const parcel = (more: Partial<OrderSnapshot['shippingLines'][number]> = {}) => ({
  id: 1n,
  title: 'Parcel',
  priceMinor: 500n,
  discountMinor: 0n,
  taxMinor: 0n,
  taxes: [],
  ...more,
});

let refundIds = 900n;

/** Something given back; without `money` what came back is all there is. */
function refund(
  more: Partial<RefundSnapshot> & { money?: [gateway: string, amountMinor: bigint, status?: string][] },
): RefundSnapshot {
  refundIds += 1n;
  const id = refundIds;
  const transactions = (more.money ?? []).map(([gateway, amountMinor, status = 'success']) =>
    paid(gateway, amountMinor, { kind: 'refund', status, refundId: id }),
  );
  const { money: _money, ...rest } = more;
  return {
    id,
    remoteId: `88${id}`,
    note: null,
    totalMinor: transactions.reduce((all, one) => all + one.amountMinor, 0n),
    settled: true,
    refundedAt: new Date(Date.UTC(2026, 10, 22) + Number(id) * 1000),
    lines: [],
    adjustments: [],
    transactions,
    ...rest,
  };
}

const back = (
  orderLineId: bigint,
  quantity: number,
  subtotalMinor: bigint,
  taxMinor = 0n,
  restockType = 'return',
) => ({
  orderLineId,
  quantity,
  subtotalMinor,
  taxMinor,
  restockType,
});
/** The whole line of 100.00 and 19.00 tax, told later what became of its pieces. */
const fated = (fates: Partial<ReturnFates>, quantity = 1) => ({
  ...back(1n, quantity, 10_000n, 1_900n, 'no_restock'),
  fates: { restocked: 0, damaged: 0, notReturned: 0, ...fates },
});
const shippingBack = (amountMinor: bigint, taxMinor = 0n) => ({
  kind: 'shipping_refund',
  reason: null,
  amountMinor,
  taxMinor,
});
const discrepancy = (amountMinor: bigint, reason: string | null = null) => ({
  kind: 'refund_discrepancy',
  reason,
  amountMinor,
  taxMinor: 0n,
});

/** An order with the payments that were told of it, or one by card over all of it. */
function sold(parts: Partial<OrderSnapshot>, ...refunds: RefundSnapshot[]): OrderSnapshot {
  const made = order({ currency: 'EUR', presentmentCurrency: 'EUR', ...parts });
  const payments = parts.transactions ?? [paid('card', made.totalMinor)];
  return {
    ...made,
    financialStatus: parts.financialStatus ?? (refunds.length === 0 ? 'paid' : 'partially_refunded'),
    transactions: [...payments, ...refunds.flatMap((one) => one.transactions)],
    refunds,
  };
}

const taxed = { lines: [jumper({ taxes: [vat(1_900n)] })] };
const three = { lines: [jumper({ quantity: 3, taxes: [vat(5_700n)] })] };
const gross = { taxesIncluded: true, lines: [jumper({ unitPriceMinor: 11_900n, taxes: [vat(1_900n)] })] };
const unpaid = { financialStatus: 'pending' as const, paidMinor: 0n, transactions: [] };

export const cases: readonly Case[] = [
  // ── sales ──
  { group: 'Sales', name: 'One line, no tax', order: sold({ lines: [jumper()] }) },
  { group: 'Sales', name: 'Tax added to prices', order: sold(taxed) },
  { group: 'Sales', name: 'Tax included in prices', order: sold(gross) },
  {
    group: 'Sales',
    name: 'Two rates in one order',
    order: sold({ lines: [jumper({ taxes: [vat(1_900n)] }), book({ taxes: [vat(140n, '0.07')] })] }),
  },
  {
    group: 'Sales',
    name: 'Two taxes on one line',
    order: sold({
      lines: [jumper({ taxes: [vat(725n, '0.0725', 'State'), vat(300n, '0.03', 'District')] })],
    }),
  },
  {
    group: 'Sales',
    name: 'Shipping with its own tax',
    order: sold({ ...taxed, shippingLines: [parcel({ taxMinor: 95n, taxes: [vat(95n)] })] }),
  },
  { group: 'Sales', name: 'Tax-exempt customer', order: sold({ lines: [jumper()], taxExempt: true }) },
  {
    group: 'Sales',
    name: 'Discount code over the whole order',
    order: sold({
      lines: [
        jumper({ discountMinor: 1_000n, taxes: [vat(1_710n)] }),
        book({ discountMinor: 200n, taxes: [vat(126n, '0.07')] }),
      ],
      discounts: [{ kind: 'code', code: 'TEN', title: null, amountMinor: 1_200n }],
    }),
  },
  {
    group: 'Sales',
    name: 'Automatic discount on one line, tax included',
    order: sold({
      taxesIncluded: true,
      lines: [jumper({ unitPriceMinor: 11_900n, discountMinor: 1_190n, taxes: [vat(1_710n)] })],
      discounts: [{ kind: 'automatic', code: null, title: 'Autumn', amountMinor: 1_190n }],
    }),
  },
  {
    group: 'Sales',
    name: 'Free order',
    order: sold({ lines: [jumper({ discountMinor: 10_000n })], transactions: [] }),
  },
  { group: 'Sales', name: 'Tip', order: sold({ ...taxed, tipMinor: 300n }) },
  { group: 'Sales', name: 'Import duties', order: sold({ ...taxed, dutiesMinor: 700n }) },
  {
    group: 'Sales',
    name: 'Cash rounded to whole coins',
    order: sold({ lines: [jumper({ unitPriceMinor: 998n })], roundingMinor: 2n, totalMinor: 1_000n }),
  },
  {
    group: 'Sales',
    name: 'Gift card sold',
    order: sold({ lines: [jumper({ giftCard: true, unitPriceMinor: 5_000n })] }),
  },
  {
    group: 'Sales',
    name: 'Gift card redeemed for a part',
    order: sold({ ...taxed, transactions: [paid('gift_card', 5_000n), paid('card', 6_900n)] }),
  },
  {
    group: 'Sales',
    name: 'Gift card redeemed for all of it',
    order: sold({ ...taxed, transactions: [paid('gift_card', 11_900n)] }),
  },
  {
    group: 'Sales',
    name: 'Store credit spent',
    order: sold({ ...taxed, transactions: [paid('shopify_store_credit', 2_000n), paid('card', 9_900n)] }),
  },
  {
    group: 'Sales',
    name: 'Split tender through one account',
    order: sold({ ...taxed, transactions: [paid('cash', 2_000n), paid('card', 9_900n)] }),
  },
  {
    group: 'Sales',
    name: 'Split tender through two accounts',
    order: sold({ ...taxed, transactions: [paid('cash', 2_000n), paid('card', 9_900n)] }),
    policy: { gatewayAccounts: { cash: 'Till' } },
  },
  {
    group: 'Sales',
    name: 'Tax owed by the marketplace',
    order: sold({
      platform: 'amazon',
      lines: [
        jumper({ taxes: [{ title: 'Marketplace', rate: '0.08', amountMinor: 800n, channelLiable: true }] }),
      ],
    }),
  },
  {
    group: 'Sales',
    name: 'Tax that belongs to no line',
    order: sold({ lines: [jumper()], taxes: [vat(50n, '0.005', 'Eco levy')] }),
  },
  {
    group: 'Sales',
    name: 'A currency without decimals',
    order: sold({
      currency: 'JPY',
      presentmentCurrency: 'JPY',
      lines: [jumper({ unitPriceMinor: 3_300n, taxes: [vat(330n, '0.1', 'JCT')] })],
    }),
  },
  {
    group: 'Sales',
    name: 'A currency with three decimals',
    order: sold({
      currency: 'KWD',
      presentmentCurrency: 'KWD',
      lines: [jumper({ unitPriceMinor: 12_340n, taxes: [vat(620n, '0.05')] })],
    }),
  },
  {
    group: 'Sales',
    name: 'Paid in another currency than the shop’s',
    order: sold({ ...taxed, presentmentCurrency: 'CHF', presentmentTotalMinor: 11_186n }),
  },
  { group: 'Sales', name: 'Test order', order: sold({ ...taxed, test: true }) },
  {
    group: 'Sales',
    name: 'Paid, then made cheaper by an edit',
    order: sold({ ...taxed, transactions: [paid('card', 15_000n)] }),
  },
  // ── money that is late ──
  { group: 'Money that is late', name: 'Order that nobody has paid', order: sold({ ...taxed, ...unpaid }) },
  {
    group: 'Money that is late',
    name: 'Order paid in part',
    order: sold({ ...taxed, financialStatus: 'partially_paid', transactions: [paid('bank', 5_000n)] }),
  },
  {
    group: 'Money that is late',
    name: 'Invoice paid in two steps',
    order: sold({ ...taxed, transactions: [paid('bank', 5_000n), paid('card', 6_900n)] }),
    posted: 'Invoice',
  },
  {
    group: 'Money that is late',
    name: 'Unpaid order where the policy waits',
    order: sold({ ...taxed, ...unpaid }),
    policy: { unpaidOrders: 'wait' },
  },
  {
    group: 'Money that is late',
    name: 'Payment authorised, not captured',
    order: sold({ ...taxed, financialStatus: 'authorized', transactions: [] }),
  },
  {
    group: 'Money that is late',
    name: 'Cancelled before anybody paid',
    order: sold({ ...taxed, ...unpaid, cancelledAt: new Date(0) }),
  },
  {
    group: 'Money that is late',
    name: 'Receipt posted, then something unpaid was added',
    order: sold({
      lines: [jumper(), book()],
      financialStatus: 'partially_paid',
      transactions: [paid('card', 10_000n)],
    }),
    posted: 'SalesReceipt',
  },
  {
    group: 'Money that is late',
    name: 'The same where the policy waits',
    order: sold({
      lines: [jumper(), book()],
      financialStatus: 'partially_paid',
      transactions: [paid('card', 10_000n)],
    }),
    policy: { unpaidOrders: 'wait' },
    posted: 'SalesReceipt',
  },
  {
    group: 'Money that is late',
    name: 'Receipt posted, something given back, then something unpaid added',
    order: sold(
      { lines: [jumper(), book()], transactions: [paid('card', 10_000n)] },
      refund({ adjustments: [discrepancy(1_000n)], money: [['card', 1_000n]] }),
    ),
    posted: 'SalesReceipt',
  },
  {
    group: 'Money that is late',
    name: 'Paid in part, and some of that given back',
    order: sold(
      { ...taxed, transactions: [paid('bank', 5_000n)] },
      refund({ adjustments: [discrepancy(1_000n)], money: [['bank', 1_000n]] }),
    ),
  },
  // ── refunds ──
  {
    group: 'Refunds',
    name: 'One of three pieces comes back',
    order: sold(three, refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['card', 11_900n]] })),
  },
  {
    group: 'Refunds',
    name: 'All of it comes back in two steps',
    order: sold(
      three,
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['card', 11_900n]] }),
      refund({ lines: [back(1n, 2, 20_000n, 3_800n)], money: [['card', 23_800n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Part of a line that was discounted with the order',
    order: sold(
      { lines: [jumper({ quantity: 3, discountMinor: 1_000n, taxes: [vat(5_510n)] })] },
      refund({ lines: [back(1n, 1, 9_667n, 1_837n)], money: [['card', 11_504n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Return with tax included in prices',
    order: sold(gross, refund({ lines: [back(1n, 1, 11_900n, 1_900n)], money: [['card', 11_900n]] })),
  },
  {
    group: 'Refunds',
    name: 'Shipping only',
    order: sold(
      { ...taxed, shippingLines: [parcel({ taxMinor: 95n, taxes: [vat(95n)] })] },
      refund({ adjustments: [shippingBack(500n, 95n)], money: [['card', 595n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'An amount without goods (goodwill)',
    order: sold(taxed, refund({ money: [['card', 1_500n]] })),
  },
  {
    group: 'Refunds',
    name: 'Restocking fee kept back',
    order: sold(
      taxed,
      refund({
        lines: [back(1n, 1, 10_000n, 1_900n)],
        adjustments: [discrepancy(-1_000n, 'Restocking fee')],
        money: [['card', 10_900n]],
      }),
    ),
  },
  {
    group: 'Refunds',
    name: 'More given back than came back',
    order: sold(
      taxed,
      refund({
        lines: [back(1n, 1, 10_000n, 1_900n)],
        adjustments: [discrepancy(500n)],
        money: [['card', 12_400n]],
      }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Everything, tip included',
    order: sold(
      { ...taxed, tipMinor: 300n },
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['card', 12_200n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Goods that do not go back into stock',
    order: sold(
      taxed,
      refund({ lines: [back(1n, 1, 10_000n, 1_900n, 'no_restock')], money: [['card', 11_900n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Goods that came back damaged: written off',
    order: sold(taxed, refund({ lines: [fated({ damaged: 1 })], money: [['card', 11_900n]] })),
  },
  {
    group: 'Refunds',
    name: 'Goods that never came back: the cost stays',
    order: sold(taxed, refund({ lines: [fated({ notReturned: 1 })], money: [['card', 11_900n]] })),
  },
  {
    group: 'Refunds',
    name: 'Goods that were put back into stock after the refund',
    order: sold(taxed, refund({ lines: [fated({ restocked: 1 })], money: [['card', 11_900n]] })),
  },
  {
    group: 'Refunds',
    name: 'Four pieces of one line: sellable, damaged, not returned, not yet looked at',
    order: sold(
      {
        lines: [jumper({ quantity: 4, unitPriceMinor: 2_500n, taxMinor: 1_900n, taxes: [vat(1_900n)] })],
        taxMinor: 1_900n,
        taxes: [vat(1_900n)],
        totalMinor: 11_900n,
      },
      refund({
        lines: [fated({ restocked: 1, damaged: 1, notReturned: 1 }, 4)],
        money: [['card', 11_900n]],
      }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Onto a gift card',
    order: sold(taxed, refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['gift_card', 11_900n]] })),
  },
  {
    group: 'Refunds',
    name: 'Half as store credit, half to the card',
    order: sold(
      taxed,
      refund({
        lines: [back(1n, 1, 10_000n, 1_900n)],
        money: [
          ['store_credit', 5_950n],
          ['card', 5_950n],
        ],
      }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Money that is still on its way',
    order: sold(
      taxed,
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['card', 11_900n, 'pending']] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Money that did not arrive',
    order: sold(
      taxed,
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['card', 11_900n, 'failure']] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'No money moved: the customer keeps a credit',
    order: sold(taxed, refund({ lines: [back(1n, 1, 10_000n, 1_900n)] })),
  },
  {
    group: 'Refunds',
    name: 'That credit is paid out later',
    order: sold(
      taxed,
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)] }),
      refund({ money: [['card', 11_900n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'That credit becomes store credit later: the memo that left it says so',
    order: sold(
      taxed,
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)] }),
      refund({ money: [['shopify_store_credit', 11_900n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Cash given back in whole coins while something is owed: the coins pay for nothing',
    order: sold(
      { lines: [jumper(), book()], transactions: [paid('cash', 10_000n)] },
      refund({
        adjustments: [
          discrepancy(1_002n),
          { kind: 'cash_rounding', reason: null, amountMinor: -2n, taxMinor: 0n },
        ],
        money: [['cash', 1_000n]],
      }),
    ),
    posted: 'SalesReceipt',
  },
  {
    group: 'Refunds',
    name: 'Import duties of one of two lines',
    order: sold(
      { lines: [jumper(), book()], dutiesMinor: 700n },
      refund({
        lines: [back(2n, 1, 2_000n)],
        adjustments: [{ kind: 'duty_refund', reason: null, amountMinor: 200n, taxMinor: 0n }],
        money: [['card', 2_200n]],
      }),
    ),
  },
  {
    group: 'Refunds',
    name: 'What was paid beyond the total goes back',
    order: sold({ ...taxed, transactions: [paid('card', 15_000n)] }, refund({ money: [['card', 3_100n]] })),
  },
  {
    group: 'Refunds',
    name: 'Item returned from an unpaid invoice',
    order: sold(
      { lines: [jumper({ taxes: [vat(1_900n)] }), book()], ...unpaid },
      refund({ lines: [back(2n, 1, 2_000n)] }),
    ),
    posted: 'Invoice',
  },
  {
    group: 'Refunds',
    name: 'Exchange of equal worth',
    order: sold(
      {
        lines: [
          jumper({ taxes: [vat(1_900n)] }),
          jumper({ id: 3n, title: 'Other jumper', taxes: [vat(1_900n)] }),
        ],
        transactions: [paid('card', 11_900n)],
      },
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Exchange for something dearer',
    order: sold(
      {
        lines: [
          jumper({ taxes: [vat(1_900n)] }),
          jumper({ id: 3n, title: 'Coat', unitPriceMinor: 20_000n, taxes: [vat(3_800n)] }),
        ],
        transactions: [paid('card', 11_900n), paid('card', 11_900n)],
      },
      refund({ lines: [back(1n, 1, 10_000n, 1_900n)] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Order paid, cancelled and refunded before it was posted',
    order: sold(
      { ...taxed, cancelledAt: new Date(0), financialStatus: 'refunded' },
      refund({ lines: [back(1n, 1, 10_000n, 1_900n, 'cancel')], money: [['card', 11_900n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Marketplace tax given back',
    order: sold(
      {
        platform: 'amazon',
        lines: [
          jumper({ taxes: [{ title: 'Marketplace', rate: '0.08', amountMinor: 800n, channelLiable: true }] }),
        ],
      },
      refund({ lines: [back(1n, 1, 10_000n, 800n)], money: [['amazon', 10_800n]] }),
    ),
  },
  {
    group: 'Refunds',
    name: 'Order of before the handover, refunded since',
    order: sold(taxed, refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['card', 11_900n]] })),
    policy: { ordersFrom: new Date('2026-11-21T00:00:00Z') },
  },
  {
    group: 'Refunds',
    name: 'One refund receipt, by policy',
    order: sold(taxed, refund({ lines: [back(1n, 1, 10_000n, 1_900n)], money: [['card', 11_900n]] })),
    policy: { refunds: 'refundReceipt' },
  },
];
