import { describe, expect, it } from 'vitest';
import type { OrderSnapshot } from '../../src/model/snapshot.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { part, payout } from '../accounting/payouts.ts';
import { order, orderLine, paid, push } from './memory-session.ts';
import { company, failure } from './quickbooks-support.ts';

type Company = Awaited<ReturnType<typeof company>>;

/** Two jumpers at 25.00. */
const sold = order({
  lines: [orderLine({ quantity: 2 })],
  transactions: [paid('shopify_payments', 5_000n)],
});

function withRefund(given: OrderSnapshot): OrderSnapshot {
  const money = paid('shopify_payments', 2_500n, { kind: 'refund', refundId: 900n });
  return {
    ...given,
    financialStatus: 'partially_refunded',
    transactions: [...given.transactions, money],
    refunds: [
      {
        id: 900n,
        remoteId: '88800000900',
        note: null,
        totalMinor: 2_500n,
        settled: true,
        refundedAt: new Date('2026-11-22T12:00:00Z'),
        lines: [
          { orderLineId: 71n, quantity: 1, subtotalMinor: 2_500n, taxMinor: 0n, restockType: 'return' },
        ],
        adjustments: [],
        transactions: [money],
      },
    ],
  };
}

const charge = part({ amountMinor: 5_000n, feeMinor: 175n, orderId: sold.id, orderNumber: sold.number });
const back = part({ part: 'refund', amountMinor: -2_500n, orderId: sold.id, refundId: 900n });

function balances(it: Company): Record<string, string> {
  return Object.fromEntries(
    it.sandbox
      .ledger()
      .filter((one) => one.home !== '0.00')
      .map((one) => [one.name, one.home]),
  );
}

interface DepositLine {
  Amount: number;
  Description?: string;
  LinkedTxn?: { TxnId: string }[];
}

const linesOf = (deposit: object | undefined) =>
  (deposit as { Line?: DepositLine[] } | undefined)?.Line ?? [];

describe('a payout', () => {
  it('takes what days hold of it from their account, and waits for no receipts of single orders', async () => {
    await using it = await company({}, { posting: 'daily' });
    await push(quickbooks, it.session, sold);
    const given = withRefund(sold);
    await push(quickbooks, it.session, { type: 'Refund', id: 900n, order: given });
    const shares = it.session.known.filter((one) => one.remoteType === 'DayShare');
    expect(shares).toHaveLength(2);
    for (const [index, share] of shares.entries())
      await push(quickbooks, it.session, {
        type: 'DaySummary',
        id: BigInt(index + 1),
        connectionId: it.session.connectionId,
        facts: share.state.facts as never,
        shares: [share.state],
      });
    expect(balances(it)).toMatchObject({ 'Undeposited Funds': '25.00' });
    const outcome = await push(quickbooks, it.session, payout({ transactions: [charge, back] }));
    expect(outcome).toMatchObject({ state: { total: '23.25', matched: 2, unmatched: 0 } });
    expect(linesOf(it.sandbox.list('Deposit')[0]).some((line) => line.LinkedTxn !== undefined)).toBe(false);
    expect(balances(it)).toMatchObject({ Checking: '23.25' });
    expect(balances(it)).not.toHaveProperty('Undeposited Funds');
  });

  it('is one deposit that takes receipts and refunds out of undeposited funds, less the fees', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const given = withRefund(sold);
    await push(quickbooks, it.session, { type: 'Refund', id: 900n, order: given });
    const paidOut = payout({
      transactions: [
        charge,
        back,
        part({ part: 'dispute', type: 'dispute_withdrawal', amountMinor: -300n, feeMinor: 15n }),
        part({ part: 'reserve', amountMinor: -100n }),
        part({ part: 'adjustment', amountMinor: 40n, reason: 'Correction' }),
      ],
    });
    const outcome = await push(quickbooks, it.session, paidOut);
    expect(outcome).toMatchObject({
      remoteType: 'Deposit',
      state: { total: '19.50', residual: '0.00', matched: 2, unmatched: 0 },
    });
    const [deposit, ...others] = it.sandbox.list('Deposit');
    expect(others).toEqual([]);
    const [receipt] = it.sandbox.list('SalesReceipt');
    expect(linesOf(deposit).map((line) => [line.Amount, line.LinkedTxn?.length ?? 0])).toEqual([
      [50, 1],
      [-25, 0],
      [-3, 0],
      [-1, 0],
      [0.4, 0],
      [-1.9, 0],
    ]);
    expect(linesOf(deposit)[0]?.LinkedTxn?.[0]?.TxnId).toBe(receipt?.Id);
    expect(balances(it)).toMatchObject({
      Checking: '19.50',
      'Payment Processing Fees': '1.90',
      'Disputed Payments': '3.00',
      'Payout Reserves': '1.00',
      'Payout Adjustments': '-0.40',
    });
    expect(balances(it)['Undeposited Funds']).toBeUndefined();
  });

  it('is posted once, however often it is told', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const paidOut = payout({ transactions: [charge] });
    await push(quickbooks, it.session, paidOut);
    expect(await push(quickbooks, it.session, paidOut)).toBeNull();
    // The answer was lost and nothing is remembered: the same request, then the look for one that stands.
    it.session.known.splice(
      it.session.known.findIndex((link) => link.entityType === 'Payout'),
      1,
    );
    await push(quickbooks, it.session, paidOut);
    it.session.known.splice(
      it.session.known.findIndex((link) => link.entityType === 'Payout'),
      1,
    );
    const again = await push(quickbooks, it.session, paidOut, { attempt: 2 });
    expect(again?.adopted).toBe(true);
    expect(it.sandbox.list('Deposit')).toHaveLength(1);
  });

  it('waits for receipts that are late, and then meets them', async () => {
    await using it = await company();
    const paidOut = payout({ transactions: [charge], createdAt: new Date() });
    expect(await failure(push(quickbooks, it.session, paidOut))).toMatchObject({
      code: 'LINK_PENDING',
      retryable: true,
    });
    await push(quickbooks, it.session, sold);
    expect(await push(quickbooks, it.session, paidOut)).toMatchObject({
      state: { matched: 1, unmatched: 0 },
    });
    expect(balances(it)['Undeposited Funds']).toBeUndefined();
  });

  it('does not wait for ever: what is not in the books goes to an account of its own, by name', async () => {
    await using it = await company();
    const paidOut = payout({ transactions: [charge], createdAt: new Date(Date.now() - 73 * 3_600_000) });
    expect(await push(quickbooks, it.session, paidOut)).toMatchObject({
      state: { matched: 0, unmatched: 1 },
    });
    expect(balances(it)).toMatchObject({ Checking: '48.25', 'Payouts Not Matched': '-50.00' });
    const [deposit] = it.sandbox.list('Deposit');
    expect(linesOf(deposit)[0]?.Description).toBe(`Payment of order ${sold.number} (not in the books)`);
  });

  it('waits for nothing from before the books were handed over, and for everything after', async () => {
    const ordersFrom = new Date('2026-11-21T00:00:00Z');
    await using it = await company(
      {},
      { ordersFrom: ordersFrom.toISOString(), payouts: { unmatched: 'wait' } },
    );
    const earlier = { ...charge, documentAt: new Date(ordersFrom.getTime() - 1) };
    const later = { ...charge, remoteId: '95999', orderId: 999n, documentAt: ordersFrom };
    const both = payout({ transactions: [earlier, later], createdAt: new Date() });
    expect((await failure(push(quickbooks, it.session, both))).code).toBe('LINK_PENDING');
    expect(
      await push(quickbooks, it.session, payout({ transactions: [earlier], createdAt: new Date() })),
    ).toMatchObject({ state: { matched: 0, unmatched: 1 } });
    const [deposit] = it.sandbox.list('Deposit');
    expect(linesOf(deposit)[0]?.Description).toBe(
      `Payment of order ${sold.number} (of before the books were handed over)`,
    );
    expect(balances(it)).toMatchObject({ Checking: '48.25', 'Payouts Not Matched': '-50.00' });
  });

  it('waits on where the policy says so, and is never posted without its receipts', async () => {
    await using it = await company({}, { payouts: { unmatched: 'wait' } });
    const paidOut = payout({ transactions: [charge], createdAt: new Date(Date.now() - 1_000 * 3_600_000) });
    expect((await failure(push(quickbooks, it.session, paidOut))).code).toBe('LINK_PENDING');
    expect(it.sandbox.list('Deposit')).toEqual([]);
  });

  it('that lacks something of its parts says how much, on a line of its own', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    await push(quickbooks, it.session, payout({ transactions: [charge], netMinor: 4_700n }));
    expect(balances(it)).toMatchObject({ Checking: '47.00', 'Payout Differences': '1.25' });
  });

  it('that the bank sent back moves to the account for such payouts, which the next one clears', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    const first = payout({ transactions: [charge] });
    await push(quickbooks, it.session, first);
    await push(quickbooks, it.session, { ...first, status: 'failed' });
    expect(balances(it)).toMatchObject({ 'Payouts Sent Back': '48.25' });
    expect(balances(it).Checking).toBeUndefined();
    await push(
      quickbooks,
      it.session,
      payout({
        id: 4n,
        remoteId: '110000000002',
        transactions: [part({ part: 'returned_payout', type: 'transfer_failure', amountMinor: 4_825n })],
      }),
    );
    expect(balances(it)).toMatchObject({ Checking: '48.25' });
    expect(balances(it)['Payouts Sent Back']).toBeUndefined();
    expect(it.sandbox.list('Deposit')).toHaveLength(2);
  });

  it('that takes money from the bank is an expense with the same lines turned round', async () => {
    await using it = await company();
    await push(quickbooks, it.session, sold);
    await push(quickbooks, it.session, { type: 'Refund', id: 900n, order: withRefund(sold) });
    const outcome = await push(quickbooks, it.session, payout({ transactions: [back] }));
    expect(outcome).toMatchObject({ remoteType: 'Purchase', state: { total: '-25.00' } });
    expect(balances(it)).toMatchObject({ Checking: '-25.00', 'Undeposited Funds': '50.00' });
  });
});
