import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inBookDecimals } from '../../src/sync/accounting/book-decimals.ts';
import { documentsForOrder, documentsForRefund, type Posting } from '../../src/sync/accounting/documents.ts';
import { effectsOf } from '../../src/sync/accounting/effects.ts';
import type { PostingPolicy } from '../../src/sync/accounting/policy.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { order, orderLine, paid, push } from '../platforms/memory-session.ts';
import { company } from '../platforms/quickbooks-support.ts';
import { refundedOrder } from './generated-refunds.ts';
import { part, payout } from './payouts.ts';

const policy: PostingPolicy = {
  ordersFrom: null,
  unpaidOrders: 'invoice',
  refunds: 'creditMemo',
  depositAccount: null,
  gatewayAccounts: { shopify_payments: 'Clearing' },
};

function amountsOf(posting: Posting): bigint[] {
  if (posting.status !== 'post') return [];
  return posting.documents.flatMap((one) => {
    if ('lines' in one)
      return [
        one.totalMinor,
        one.valueMinor,
        ...one.lines.map((line) => line.netMinor),
        ...one.taxes.map((tax) => tax.amountMinor),
      ];
    if (one.type !== 'CreditApplication') return [one.amountMinor];
    return [
      one.ownMinor,
      one.toMoneyMinor,
      one.toInvoiceMinor,
      ...one.fromEarlier.map((part) => part.amountMinor),
    ];
  });
}

describe('documents of a currency with three decimals', () => {
  it('hold two, add up, and lose at most half of one against the order', () => {
    fc.assert(
      fc.property(refundedOrder({ currency: 'KWD' }), (given) => {
        const exact = [
          documentsForOrder(given, policy),
          ...given.refunds.map((refund) => documentsForRefund(given, refund.id, policy)),
        ];
        for (const posting of exact) {
          const rounded = inBookDecimals(posting);
          for (const amountMinor of amountsOf(rounded)) expect(amountMinor % 10n).toBe(0n);
          if (rounded.status !== 'post' || posting.status !== 'post') continue;
          for (const [index, document] of rounded.documents.entries()) {
            expect(effectsOf(document).reduce((sum, one) => sum + one.amountMinor, 0n)).toBe(0n);
            const before = posting.documents[index];
            if (!('lines' in document) || before === undefined || !('lines' in before)) continue;
            const apart = document.totalMinor - before.totalMinor;
            expect(apart >= -5n && apart <= 5n).toBe(true);
            for (const [at, tax] of document.taxes.entries()) {
              const taxApart = tax.amountMinor - (before.taxes[at]?.amountMinor ?? 0n);
              expect(taxApart >= -5n && taxApart <= 5n).toBe(true);
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leave every other currency as it is', () => {
    fc.assert(
      fc.property(refundedOrder({ currency: 'EUR' }), (given) => {
        const posting = documentsForOrder(given, policy);
        expect(inBookDecimals(posting)).toBe(posting);
      }),
      { numRuns: 20 },
    );
  });

  it('are taken by books that keep two decimals, payments of an invoice in their sum', async () => {
    await using it = await company({ company: { homeCurrency: 'KWD', usingSalesTax: false } });
    const tax = { title: 'VAT', rate: '0.05', amountMinor: 617n, channelLiable: false };
    const sold = order({
      currency: 'KWD',
      presentmentCurrency: 'KWD',
      lines: [orderLine({ unitPriceMinor: 4_116n, quantity: 3, taxes: [tax] })],
      transactions: [paid('shopify_payments', 12_965n)],
    });
    expect(sold.totalMinor).toBe(12_965n);
    await push(quickbooks, it.session, sold);
    expect(it.sandbox.list('SalesReceipt')).toMatchObject([{ TotalAmt: 12.97 }]);
    expect(await push(quickbooks, it.session, sold)).toBeNull();
    it.session.settings = { gatewayAccounts: { cash: 'Cash Register' } };
    const split = {
      ...sold,
      id: 502n,
      remoteId: '2',
      number: '#1002',
      transactions: [paid('cash', 4_322n), paid('shopify_payments', 8_643n)],
    };
    await push(quickbooks, it.session, split);
    expect(it.sandbox.list('Invoice')).toMatchObject([{ TotalAmt: 12.97, Balance: 0 }]);
    const payments = it.sandbox.list('Payment').map((one) => one.TotalAmt);
    expect(payments).toEqual([4.32, 8.65]);
  });

  it('are paid out whole by a deposit that is rounded as they are', async () => {
    await using it = await company({ company: { homeCurrency: 'KWD', usingSalesTax: false } });
    const sold = order({
      currency: 'KWD',
      presentmentCurrency: 'KWD',
      lines: [orderLine({ unitPriceMinor: 12_348n, quantity: 1 })],
      transactions: [paid('shopify_payments', 12_348n)],
    });
    await push(quickbooks, it.session, sold);
    const charge = part({ amountMinor: 12_348n, feeMinor: 432n, orderId: sold.id, orderNumber: sold.number });
    const outcome = await push(
      quickbooks,
      it.session,
      payout({ currency: 'KWD', netMinor: 11_916n, transactions: [charge] }),
    );
    expect(outcome).toMatchObject({ state: { total: '11.920', residual: '0.000', matched: 1 } });
    expect(it.sandbox.list('Deposit')).toMatchObject([
      {
        TotalAmt: 11.92,
        Line: [{ Amount: 12.35, LinkedTxn: [{ TxnType: 'SalesReceipt' }] }, { Amount: -0.43 }],
      },
    ]);
    expect(it.sandbox.ledger().find((one) => one.name === 'Undeposited Funds')?.home).toBe('0.00');
  });
});
