import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OrderSnapshot, SummaryFacts } from '../../src/model/snapshot.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { customer, order, orderLine, paid, push } from '../platforms/memory-session.ts';
import { company } from '../platforms/quickbooks-support.ts';
import { refundedOrder } from './generated-refunds.ts';

type Company = Awaited<ReturnType<typeof company>>;

/** Order and refund ids of their own for each of several generated orders. */
function numbered(order: OrderSnapshot, index: number): OrderSnapshot {
  const id = BigInt(1_000 + index);
  const ownId = (refundId: bigint | null): bigint | null =>
    refundId === null ? null : id * 1_000n + refundId;
  return {
    ...order,
    id,
    remoteId: id.toString(),
    number: `#${id}`,
    channel: index % 3 === 0 ? 'point_of_sale' : 'online_store',
    placedAt: new Date(Date.UTC(2026, 10, 10 + (index % 2), 12)),
    customer: customer({ id: BigInt(1 + index), email: `buyer-${index}@example.com` }),
    transactions: order.transactions.map((one) => ({ ...one, refundId: ownId(one.refundId) })),
    refunds: order.refunds.map((refund, position) => ({
      ...refund,
      id: ownId(refund.id) ?? 0n,
      remoteId: `${id}${position}`,
      transactions: refund.transactions.map((one) => ({ ...one, refundId: ownId(one.refundId) })),
    })),
  };
}

async function post(it: Company, orders: readonly OrderSnapshot[]): Promise<void> {
  for (const order of orders) {
    await push(quickbooks, it.session, order);
    for (const { id } of order.refunds) await push(quickbooks, it.session, { type: 'Refund', id, order });
  }
}

/** Days as they are over, from the shares that the session remembers. */
async function postDays(it: Company): Promise<number> {
  const shares = it.session.known.filter((one) => one.remoteType === 'DayShare');
  const days = Map.groupBy(shares, (one) => String(one.state.summary));
  let id = 0n;
  for (const [, parts] of [...days].sort(([a], [b]) => (a < b ? -1 : 1))) {
    id += 1n;
    await push(quickbooks, it.session, {
      type: 'DaySummary',
      id,
      connectionId: it.session.connectionId,
      facts: parts[0]?.state.facts as SummaryFacts as never,
      shares: parts.map((one) => one.state),
    });
  }
  return days.size;
}

function balances(it: Company): Record<string, string> {
  return Object.fromEntries(
    it.sandbox
      .ledger()
      .filter((one) => one.home !== '0.00')
      .map((one) => [one.name, one.home]),
  );
}

it('whatever is sold and given back, a document a day leaves every account and tax rate as one for each order does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(refundedOrder({ currency: 'GBP', treatments: [0, 1, 2, 3] }), { minLength: 2, maxLength: 5 }),
      async (generated) => {
        const orders = generated.map(numbered);
        const options = { company: { taxMode: 'global' as const, homeCurrency: 'GBP' } };
        await using single = await company(options, { tax: { mode: 'global' } });
        await using daily = await company(options, { tax: { mode: 'global' }, posting: 'daily' });
        await post(single, orders);
        await post(daily, orders);
        const days = await postDays(daily);
        expect(balances(daily)).toEqual(balances(single));
        expect(daily.sandbox.trialBalance().balanced).toBe(true);
        expect(daily.sandbox.list('JournalEntry')).toEqual([]);
        // Two days, two channels, sold and given back; what has customers' credit in it stands alone.
        expect(days).toBeLessThanOrEqual(4 + 4 * 2);
        const before = daily.sandbox.stats().ledgerEntries;
        await post(daily, orders);
        await postDays(daily);
        expect(daily.sandbox.stats().ledgerEntries).toBe(before);
      },
    ),
    { numRuns: 12, seed: 20_261_129 },
  );
}, 120_000);

it('where a document takes one tax code, a day is one document for each set of taxes, and each office keeps its amount', async () => {
  const options = { company: { homeCurrency: 'USD' } };
  await using single = await company(options);
  await using daily = await company(options, { posting: 'daily' });
  const taxed = (index: number, rate: string, taxMinor: bigint): OrderSnapshot => {
    const taxes = [{ title: `Tax ${rate}`, rate, amountMinor: taxMinor, channelLiable: false }];
    const id = BigInt(600 + index);
    return order({
      id,
      remoteId: id.toString(),
      number: `#${id}`,
      lines: [orderLine({ unitPriceMinor: 1_999n, quantity: 1, taxes })],
      transactions: [paid('shopify_payments', 1_999n + taxMinor)],
    });
  };
  // Shops round line by line: three times 1.45 is another sum than 7.25 % of all.
  const orders = [
    taxed(1, '0.0725', 145n),
    taxed(2, '0.0725', 145n),
    taxed(3, '0.0725', 144n),
    taxed(4, '0.08875', 177n),
  ];
  await post(single, orders);
  await post(daily, orders);
  expect(await postDays(daily)).toBe(2);
  expect(balances(daily)).toEqual(balances(single));
  const totals = daily.sandbox.list('SalesReceipt').map((one) => one.TotalAmt);
  expect(totals.toSorted()).toEqual([21.76, 64.31]);
  expect(
    daily.sandbox.ledger().filter((one) => / Payable /.test(one.name) && one.home !== '0.00'),
  ).toHaveLength(2);
});
