import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { executePush } from '../../src/sync/outbox/execute-push.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { planDueSummaries } from '../../src/sync/postings/due-summaries.ts';
import { reviewPostings } from '../../src/sync/postings/review-postings.ts';
import { memoryLog } from '../engine/support/engine.ts';
import { amount, orderChange, orderLine, refundOf, transactionOf } from '../write-path/support.ts';
import { type OpenBooks, openBooks } from './open-books.ts';

// A shop whose bookkeeper wants one document a day, and everything that comes too late for it.

const platforms = { quickbooks };
const { log } = memoryLog();
const metrics = createMetrics(new Registry());

let shop: OpenBooks;
let { api, sandbox, sessions, shopify, books } = {} as OpenBooks;

beforeAll(async () => {
  shop = await openBooks();
  ({ api, sandbox, sessions, shopify, books } = shop);
  await choose({ posting: 'DAILY' });
});
afterAll(() => shop[Symbol.asyncDispose]());

async function choose(input: Record<string, unknown>): Promise<void> {
  const answer = await api.ask(
    `mutation ($input: PostingPolicyUpdateInput!) { postingPolicyUpdate(input: $input) { userErrors { message } } }`,
    { input: { id: global('Connection', books), ...input } },
  );
  expect(answer.data.postingPolicyUpdate.userErrors).toEqual([]);
  await reviewPostings(books, { pool: api.database.pool, platforms });
}

let second = 0;

function placed(
  remoteId: string,
  day: string,
  parts: Partial<CanonicalOrder> = {},
): Extract<PlatformChange, { kind: 'order' }> {
  second += 1;
  const placedAt = new Date(`${day}T10:00:00Z`);
  const total = parts.total ?? amount(1_000);
  return orderChange(remoteId, second, {
    number: `#${remoteId}`,
    placedAt,
    transactions: [transactionOf({ remoteId: `in-${remoteId}`, amount: total, processedAt: placedAt })],
    ...parts,
  });
}

function refunded(remoteId: string, day: string, on: string) {
  return placed(remoteId, day, {
    financialStatus: 'refunded',
    refunds: [
      refundOf({
        remoteId: `${remoteId}777`,
        refundedAt: new Date(`${on}T09:00:00Z`),
        lines: [
          {
            remoteId: 'back',
            lineRemoteId: 'line-1',
            quantity: 1,
            restockType: 'return',
            locationRemoteId: null,
            subtotal: amount(1_000),
            tax: amount(0),
          },
        ],
        transactions: [transactionOf({ remoteId: `out-${remoteId}`, kind: 'refund', amount: amount(1_000) })],
      }),
    ],
  });
}

async function tell(...changes: PlatformChange[]): Promise<void> {
  await transaction(api.database.pool, (tx) =>
    applyChanges(tx, {
      changes,
      source: 'shopify',
      connectionId: shopify,
      deliveryId: null,
      now: new Date('2026-11-20T12:00:00Z'),
      platforms,
    }),
  );
}

/** Carries out all that is owed at a moment, the documents of days included. */
async function work(at = '2026-11-30T12:00:00Z'): Promise<string[]> {
  const fates: string[] = [];
  for (const isSecond of [false, true]) {
    if (isSecond) await planDueSummaries({ pool: api.database.pool, platforms, now: () => Date.parse(at) });
    const { rows } = await api.database.pool.query<{ id: bigint; kind: string }>(
      `select id, kind from push where status in ('pending', 'retrying') order by kind desc, id`,
    );
    for (const { id, kind } of rows)
      fates.push(
        `${kind} ${await executePush(id, { pool: api.database.pool, sessions, platforms, log, metrics })}`,
      );
  }
  return fates;
}

const global = (type: string, id: bigint | string): string =>
  Buffer.from(`${type}:${id}`).toString('base64url');

/** Type, date and total of every document, as the books have them. */
function documents(): string[] {
  return (['SalesReceipt', 'RefundReceipt', 'CreditMemo', 'Invoice'] as const).flatMap((type) =>
    sandbox.list(type).map((one) => `${type} ${one.TxnDate} ${one.TotalAmt}`),
  );
}

const banked = (): string => sandbox.ledger().find((one) => one.name === 'Undeposited Funds')?.home ?? '0.00';

async function idOf(type: 'Order' | 'Refund', remoteId: string): Promise<string> {
  const { rows } = await api.database.pool.query<{ id: bigint }>(
    `select id from ${type === 'Order' ? 'sales_order' : 'refund'} where remote_id = $1`,
    [remoteId],
  );
  return global(type, rows[0]?.id ?? 0n);
}

async function decide(kind: 'postingVoid' | 'postingRepost', id: string): Promise<void> {
  const answer = await api.ask(
    `mutation ($id: ID!) { ${kind}(input: { id: $id }) { userErrors { code message } } }`,
    { id },
  );
  expect(answer.data[kind].userErrors).toEqual([]);
}

async function tied(date: string): Promise<Record<string, string>> {
  const answer = await api.ask(
    `query ($date: String!) { tieOut(date: $date) { agrees currencies {
      graph { net { amount } } books { net { amount } } reasons { kind amount { amount } } } } }`,
    { date },
  );
  expect(answer.errors).toBeUndefined();
  const [only] = answer.data.tieOut.currencies;
  const cents = (side: { net: { amount: string } }): number => Math.round(Number(side.net.amount) * 100);
  const reasons = only.reasons as { kind: string; amount: { amount: string } }[];
  const between = reasons.reduce((sum, one) => sum + Math.round(Number(one.amount.amount) * 100), 0);
  expect(cents(only.graph) - cents(only.books)).toBe(between);
  return Object.fromEntries(reasons.map((one) => [one.kind, one.amount.amount]));
}

async function accounting(remoteId: string) {
  const answer = await api.ask(
    `query ($id: ID!) { order(id: $id) { accounting { status why documents { type number } summary { day kind channel shareCount records { remoteType } } } balance { difference { amount } } } }`,
    { id: await idOf('Order', remoteId) },
  );
  expect(answer.errors).toBeUndefined();
  const { order } = answer.data;
  return { ...order.accounting[0], difference: order.balance[0].difference.amount };
}

describe('a day', () => {
  it('is not written before it is over, and then as one document for each channel', async () => {
    await tell(placed('1', '2026-11-02'));
    await tell(
      placed('2', '2026-11-02', {
        lines: [orderLine({ remoteId: 'line-1', quantity: 3 })],
        total: amount(3_000),
      }),
    );
    await tell(placed('3', '2026-11-02', { channel: 'point_of_sale' }));
    const shares = ['salesReceipt settled', 'salesReceipt settled', 'salesReceipt settled'];
    expect(await work('2026-11-02T23:59:00Z')).toEqual(shares);
    expect(await work('2026-11-03T00:59:00Z')).toEqual([]);
    expect(documents()).toEqual([]);
    expect(await tied('2026-11-02')).toEqual({ WAITING: '50.00' });
    expect(await accounting('1')).toMatchObject({
      status: 'WAITS',
      why: 'It is part of the document of 2026-11-02, which is written when the day is over.',
      difference: '10.00',
    });
    expect(await work('2026-11-03T01:01:00Z')).toEqual(['daySummary settled', 'daySummary settled']);
    expect(documents()).toEqual(['SalesReceipt 2026-11-02 40', 'SalesReceipt 2026-11-02 10']);
    expect(await work()).toEqual([]);
    expect(await tied('2026-11-02')).toEqual({});
    expect(await accounting('1')).toMatchObject({
      status: 'POSTED',
      documents: [{ type: 'SalesReceipt', number: expect.stringMatching(/^261102-\d+$/) }],
      summary: {
        day: '2026-11-02',
        kind: 'SALE',
        channel: 'ONLINE_STORE',
        shareCount: 2,
        records: [{ remoteType: 'SalesReceipt' }],
      },
      difference: '0.00',
    });
  });

  it('takes in what comes late, what is edited and what is told again, in the same document', async () => {
    await tell(placed('4', '2026-11-02'));
    await tell(placed('1', '2026-11-02', { tip: amount(250), total: amount(1_250) }));
    expect(await work()).toEqual(['salesReceipt settled', 'salesReceipt settled', 'daySummary settled']);
    expect(documents()).toEqual(['SalesReceipt 2026-11-02 52.5', 'SalesReceipt 2026-11-02 10']);
    await tell(placed('4', '2026-11-02'));
    expect(await work()).toEqual([]);
    expect(banked()).toBe('62.50');
  });

  it('has one document of what was given back on it, whenever it was sold', async () => {
    await tell(refunded('6', '2026-11-04', '2026-11-05'));
    await tell(refunded('4', '2026-11-02', '2026-11-05'));
    const day = 'daySummary settled';
    expect(await work()).toEqual([
      'salesReceipt settled',
      'creditMemo settled',
      'creditMemo settled',
      day,
      day,
    ]);
    expect(documents()).toContain('RefundReceipt 2026-11-05 20');
    expect(banked()).toBe('52.50');
  });

  it('stays as it is where its books are closed: what comes late is a correction on the first open day', async () => {
    sandbox.configure({ bookCloseDate: '2026-11-10' });
    await tell(placed('5', '2026-11-02'));
    expect(await work()).toEqual(['salesReceipt settled', 'daySummary settled']);
    const corrections = sandbox.list('SalesReceipt').filter((one) => String(one.DocNumber).endsWith('-C1'));
    expect(corrections).toMatchObject([{ TotalAmt: 10 }]);
    expect(String(corrections[0]?.TxnDate) > '2026-11-10').toBe(true);
    expect(banked()).toBe('62.50');
    sandbox.configure({ bookCloseDate: null });
  });
});

describe('what is no part of a day', () => {
  it('waits for its money as an invoice of its own, or stays the credit of a customer', async () => {
    await tell(placed('20', '2026-11-12', { financialStatus: 'pending', transactions: [] }));
    expect(await work()).toEqual(['salesReceipt settled']);
    expect(documents()).toContain('Invoice 2026-11-12 10');
    const before = banked();
    const given = refunded('3', '2026-11-02', '2026-11-13');
    const [refund] = given.order.refunds;
    await tell({
      ...given,
      order: { ...given.order, refunds: refund === undefined ? [] : [{ ...refund, transactions: [] }] },
    });
    expect(await work()).toEqual(['creditMemo settled']);
    expect(sandbox.list('CreditMemo')).toMatchObject([{ TotalAmt: 10, RemainingCredit: 10 }]);
    expect(banked()).toBe(before);
  });
});

describe('a person', () => {
  it('who changed the document of a day is asked before it is written over', async () => {
    await tell(placed('30', '2026-11-15'));
    await work();
    const receipt = sandbox.list('SalesReceipt').find((one) => one.TxnDate === '2026-11-15');
    const [line] = (receipt?.Line ?? []) as Record<string, unknown>[];
    sandbox.edit('SalesReceipt', receipt?.Id ?? '', {
      Line: [{ ...line, Amount: 7, SalesItemLineDetail: { ItemRef: { value: '1' } } }],
    });
    expect(await tied('2026-11-15')).toEqual({ DAY_DIFFERS: '3.00' });
    await tell(placed('31', '2026-11-15'));
    expect(await work()).toEqual(['salesReceipt settled', 'daySummary dead']);
    expect(sandbox.read('SalesReceipt', receipt?.Id ?? '')).toMatchObject({ TotalAmt: 7 });
    await decide('postingRepost', await idOf('Order', '30'));
    expect(await work()).toEqual(['salesReceipt settled', 'daySummary settled']);
    expect(sandbox.read('SalesReceipt', receipt?.Id ?? '')).toMatchObject({ TotalAmt: 20 });
  });

  it('takes an order out of its day, and puts it back', async () => {
    const before = banked();
    await decide('postingVoid', await idOf('Order', '31'));
    expect(await work()).toEqual(['salesReceipt settled', 'daySummary settled']);
    expect(documents()).toContain('SalesReceipt 2026-11-15 10');
    await decide('postingVoid', await idOf('Order', '30'));
    await work();
    expect(documents()).toContain('SalesReceipt 2026-11-15 0');
    await decide('postingRepost', await idOf('Order', '30'));
    await decide('postingRepost', await idOf('Order', '31'));
    await work();
    expect(documents()).toContain('SalesReceipt 2026-11-15 20');
    expect(banked()).toBe(before);
  });
});

describe('a change of the policy', () => {
  it('posts nothing twice: what is part of a day stays so, what has a document keeps it', async () => {
    await tell(placed('40', '2026-11-18'));
    await work();
    await choose({ posting: 'PER_ORDER' });
    await tell(placed('41', '2026-11-18'));
    expect(await work()).toEqual(['salesReceipt settled']);
    await tell(placed('40', '2026-11-18', { tip: amount(100), total: amount(1_100) }));
    expect(await work()).toEqual(['salesReceipt settled', 'daySummary settled']);
    await choose({ posting: 'DAILY' });
    await tell(placed('41', '2026-11-18', { tip: amount(300), total: amount(1_300) }));
    await tell(refunded('40', '2026-11-18', '2026-11-19'));
    await tell(refunded('41', '2026-11-18', '2026-11-19'));
    await work();
    const ofDay = sandbox.list('SalesReceipt').filter((one) => one.TxnDate === '2026-11-18');
    expect(ofDay.map((one) => one.TotalAmt).toSorted()).toEqual([10, 10]);
    expect(documents()).toContain('RefundReceipt 2026-11-19 10');
    expect(sandbox.list('CreditMemo').filter((one) => one.TxnDate === '2026-11-19')).toHaveLength(1);
  });

  it('reaches what waits: it joins its day, or leaves it before it was written', async () => {
    await choose({ posting: 'PER_ORDER' });
    await tell(placed('50', '2026-11-21'));
    await choose({ posting: 'DAILY' });
    expect(await work()).toEqual(['salesReceipt settled', 'daySummary settled']);
    const before = sandbox.list('SalesReceipt').length;
    await tell(placed('51', '2026-11-21'));
    await choose({ posting: 'PER_ORDER' });
    expect(await work()).toEqual(['salesReceipt settled']);
    expect(sandbox.list('SalesReceipt')).toHaveLength(before + 1);
  });
});
