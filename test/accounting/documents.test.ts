import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OrderSnapshot } from '../../src/model/snapshot.ts';
import { documentsForOrder, documentsForRefund, type Posting } from '../../src/sync/accounting/documents.ts';
import { effectsOf } from '../../src/sync/accounting/effects.ts';
import type { PostingPolicy } from '../../src/sync/accounting/policy.ts';
import { order, orderLine } from '../platforms/memory-session.ts';
import { refundedOrder } from './generated-refunds.ts';

const policy: PostingPolicy = {
  ordersFrom: null,
  unpaidOrders: 'invoice',
  refunds: 'creditMemo',
  depositAccount: null,
  gatewayAccounts: {},
};

/** All accounts after everything about the order was posted. */
function booksOf(given: OrderSnapshot, chosen = policy): Map<string, bigint> {
  const books = new Map<string, bigint>();
  const post = (posting: Posting): void => {
    if (posting.status === 'person') throw new Error(posting.why);
    if (posting.status !== 'post') return;
    for (const document of posting.documents) {
      const effects = effectsOf(document);
      expect(effects.reduce((all, one) => all + one.amountMinor, 0n)).toBe(0n);
      for (const { account, amountMinor } of effects)
        books.set(account, (books.get(account) ?? 0n) + amountMinor);
    }
  };
  post(documentsForOrder(given, chosen));
  for (const refund of given.refunds) post(documentsForRefund(given, refund.id, chosen));
  return books;
}

describe('the documents of an order and its refunds', () => {
  it.each(['creditMemo', 'refundReceipt'] as const)(
    'leave the money that was kept, the tax that is owed and no more, whatever was given back (%s)',
    (refunds) => {
      fc.assert(
        fc.property(refundedOrder(), (given) => {
          const books = booksOf(given, { ...policy, refunds });
          const moved = (gateway: string, kind: string): bigint =>
            given.transactions
              .filter((one) => one.gateway === gateway && one.kind === kind)
              .reduce((all, one) => all + one.amountMinor, 0n);
          expect(books.get('money') ?? 0n).toBe(
            moved('shopify_payments', 'sale') - moved('shopify_payments', 'refund'),
          );
          expect(books.get('storeCreditTender') ?? 0n).toBe(-moved('store_credit', 'refund'));
          for (const tax of given.taxes.filter((one) => !one.channelLiable)) {
            const back = given.refunds.flatMap((refund) => refund.lines);
            if (back.length > 0 || given.refunds.some((one) => one.adjustments.length > 0)) continue;
            expect(-(books.get(`tax ${tax.title} ${tax.rate}`) ?? 0n)).toBe(tax.amountMinor);
          }
          const taxBack = given.refunds
            .flatMap((refund) => [...refund.lines, ...refund.adjustments])
            .reduce((all, one) => all + one.taxMinor, 0n);
          const owed = [...books].reduce(
            (all, [account, amount]) =>
              account.startsWith('tax ') || account === 'channelTax' || account === 'otherTax'
                ? all - amount
                : all,
            0n,
          );
          expect(owed).toBe(given.taxMinor - taxBack);
        }),
        { numRuns: 400 },
      );
    },
  );

  it('leave nothing at all on any account once everything was given back', () => {
    fc.assert(
      fc.property(refundedOrder(), (given) => {
        // Shipping that cost nothing after its discount is never given back.
        fc.pre(
          given.shippingLines.every((one) => one.priceMinor === 0n || one.priceMinor !== one.discountMinor),
        );
        const isWhole =
          given.refundedMinor === given.totalMinor &&
          given.refunds.length > 0 &&
          given.lines.every(
            (line) =>
              line.quantity ===
              given.refunds
                .flatMap((refund) => refund.lines)
                .filter((one) => one.orderLineId === line.id)
                .reduce((all, one) => all + one.quantity, 0),
          );
        fc.pre(isWhole && given.refunds.every((one) => one.transactions[0]?.gateway === 'shopify_payments'));
        const books = booksOf(given);
        // What is written off had been earned: the two are each other's opposite, to the cent.
        books.set('sale', (books.get('sale') ?? 0n) + (books.get('damaged') ?? 0n));
        books.delete('damaged');
        for (const [account, amount] of books) {
          if (account === 'refundAdjustment' || account === 'giftCard' || account === 'money') continue;
          if (!given.refunds.some((one) => one.adjustments.some((two) => two.kind !== 'shipping_refund')))
            expect([account, amount]).toEqual([account, 0n]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('are the same in whichever order the refunds became known', () => {
    fc.assert(
      fc.property(refundedOrder(), (given) => {
        const turned = { ...given, refunds: given.refunds.toReversed() };
        for (const refund of given.refunds)
          expect(documentsForRefund(turned, refund.id, policy)).toEqual(
            documentsForRefund(given, refund.id, policy),
          );
      }),
      { numRuns: 100 },
    );
  });
});

describe('whether an order is posted', () => {
  const post = 'post SalesReceipt';
  const cases: [string, Partial<OrderSnapshot>, 'SalesReceipt' | 'Invoice' | null, string][] = [
    ['a paid order', {}, null, post],
    [
      'an order that waits for its money',
      { financialStatus: 'pending', paidMinor: 0n },
      null,
      'post Invoice',
    ],
    [
      'an order paid in part',
      { financialStatus: 'partially_paid', paidMinor: 100n },
      null,
      'post Invoice,Payment',
    ],
    ['an authorised order', { financialStatus: 'authorized' }, null, 'waits'],
    ['a voided order', { financialStatus: 'voided' }, null, 'never'],
    ['an order refunded since', { financialStatus: 'refunded' }, null, post],
    ['a test order', { test: true }, 'SalesReceipt', 'never'],
    [
      'an order cancelled before it was paid',
      { cancelledAt: new Date(0), financialStatus: 'pending' },
      null,
      'never',
    ],
    ['an order paid and cancelled', { cancelledAt: new Date(0), financialStatus: 'refunded' }, null, post],
    ['an order with nothing in it', { lines: [orderLine({ quantity: 0 })] }, null, 'never'],
    ['an order that was emptied', { lines: [orderLine({ quantity: 0 })] }, 'SalesReceipt', post],
    [
      'an order to which something unpaid was added',
      { financialStatus: 'partially_paid' },
      'SalesReceipt',
      post,
    ],
    [
      'an order cancelled before it was paid, of which a receipt of nothing stands',
      { cancelledAt: new Date(0), financialStatus: 'voided', paidMinor: 0n },
      'SalesReceipt',
      'waits',
    ],
  ];
  it.each(cases)('%s', (_what, more, posted, expected) => {
    const posting = documentsForOrder(order(more), policy, posted);
    const documents = posting.status === 'post' ? ` ${posting.documents.map((one) => one.type).join()}` : '';
    expect(`${posting.status}${documents}`).toBe(expected);
  });
});
