import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { executePush } from '../../src/sync/outbox/execute-push.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { reviewPostings } from '../../src/sync/postings/review-postings.ts';
import { memoryLog, sessionsFor } from '../engine/support/engine.ts';
import { amount, at, orderChange, refundOf, transactionOf } from '../write-path/support.ts';
import { type OpenBooks, openBooks } from './open-books.ts';

// From what Shopify tells to what stands in the books, and what a person decides about it through the API.

const platforms = { quickbooks };
const { log } = memoryLog();
const metrics = createMetrics(new Registry());

let shop: OpenBooks;
let { api, sandbox, sessions, shopify, books } = {} as OpenBooks;

beforeAll(async () => {
  shop = await openBooks();
  ({ api, sandbox, sessions, shopify, books } = shop);
});
afterAll(() => shop[Symbol.asyncDispose]());

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

/** Carries out what is owed, an order's documents before those of its refunds. */
async function work(): Promise<string[]> {
  const { rows } = await api.database.pool.query<{ id: bigint; kind: string }>(
    `select id, kind from push where status in ('pending', 'retrying') order by kind desc, id`,
  );
  const fates: string[] = [];
  for (const { id, kind } of rows)
    fates.push(
      `${kind} ${await executePush(id, { pool: api.database.pool, sessions, platforms, log, metrics })}`,
    );
  return fates;
}

const refunded = (remoteId: string) =>
  orderChange(remoteId, 200, {
    number: `#${remoteId}`,
    financialStatus: 'refunded',
    refunds: [
      refundOf({
        remoteId: `${remoteId}777`,
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
        transactions: [transactionOf({ remoteId: 'out', kind: 'refund', amount: amount(1_000) })],
      }),
    ],
  });

function balance(name: string): string {
  return sandbox.ledger().find((one) => one.name === name)?.home ?? '0.00';
}

const global = (type: string, id: bigint | string): string =>
  Buffer.from(`${type}:${id}`).toString('base64url');

async function idOf(sql: string): Promise<bigint> {
  const { rows } = await api.database.pool.query<{ id: bigint }>(sql);
  return rows[0]?.id ?? 0n;
}

async function decide(kind: 'postingVoid' | 'postingRepost', id: string) {
  const answer = await api.ask(
    `mutation ($id: ID!) { ${kind}(input: { id: $id }) { pushes { kind status } userErrors { code } refund { id } } }`,
    { id },
  );
  expect(answer.errors).toBeUndefined();
  return answer.data[kind];
}

describe('an order and its refund', () => {
  it('reach the books as a receipt and a credit memo, and the same story again changes nothing', async () => {
    await tell(orderChange('2001', 100, { number: '#2001' }));
    await tell(refunded('2001'));
    expect(await work()).toEqual(['salesReceipt settled', 'creditMemo settled']);
    expect(sandbox.list('CreditMemo')).toMatchObject([{ TotalAmt: 10, RemainingCredit: 0 }]);
    expect(balance('Undeposited Funds')).toBe('0.00');
    await tell(orderChange('2001', 100, { number: '#2001' }));
    await tell({ ...refunded('2001'), version: { sourceUpdatedAt: at(300), observedAt: null } });
    expect(await work()).toEqual([]);
  });

  it('can be taken back and posted anew, the refund before its order', async () => {
    const order = global('Order', await idOf(`select id from sales_order where remote_id = '2001'`));
    const refund = global('Refund', await idOf(`select id from refund where remote_id = '2001777'`));
    expect((await decide('postingVoid', order)).userErrors).toEqual([{ code: 'REFUNDS_POSTED' }]);
    const voided = await decide('postingVoid', refund);
    expect(voided).toMatchObject({ pushes: [{ kind: 'creditMemo', status: 'PENDING' }], userErrors: [] });
    expect(voided.refund).toEqual({ id: refund });
    expect(await work()).toEqual(['creditMemo settled']);
    expect(sandbox.list('CreditMemo')).toEqual([]);
    expect(balance('Undeposited Funds')).toBe('10.00');
    // What was taken back stays so, also when its platform speaks of it again.
    await tell({ ...refunded('2001'), version: { sourceUpdatedAt: at(400), observedAt: null } });
    expect(await work()).toEqual([]);
    expect((await decide('postingRepost', refund)).pushes).toHaveLength(1);
    expect(await work()).toEqual(['creditMemo settled']);
    expect(sandbox.list('CreditMemo')).toMatchObject([{ TotalAmt: 10, RemainingCredit: 0 }]);
    expect(balance('Undeposited Funds')).toBe('0.00');
  });

  it('wait for consent where somebody changed the document in QuickBooks', async () => {
    await tell(orderChange('2002', 100, { number: '#2002' }));
    expect(await work()).toEqual(['salesReceipt settled']);
    const id = sandbox.list('SalesReceipt').find((one) => one.DocNumber === '2002')?.Id ?? '';
    const before = sandbox.read('SalesReceipt', id).Line as Record<string, unknown>[];
    sandbox.edit('SalesReceipt', id, {
      Line: [{ ...before[0], Amount: 9, SalesItemLineDetail: { ItemRef: { value: '1' } } }],
    });
    await tell(
      orderChange('2002', 300, { number: '#2002', tip: amount(200), total: amount(1_200), transactions: [] }),
    );
    expect(await work()).toEqual(['salesReceipt dead']);
    const { rows } = await api.database.pool.query(
      `select error_code, remedy from push where status = 'dead'`,
    );
    expect(rows).toMatchObject([{ error_code: 'DOCUMENT_CHANGED_BY_HAND' }]);
    const order = global('Order', await idOf(`select id from sales_order where remote_id = '2002'`));
    await decide('postingRepost', order);
    expect(await work()).toEqual(['salesReceipt settled']);
    expect(sandbox.read('SalesReceipt', id)).toMatchObject({ TotalAmt: 12 });
  });

  it('is not posted where nothing of it is: voiding says so', async () => {
    await tell(orderChange('2003', 100, { number: '#2003', test: true }));
    const order = global('Order', await idOf(`select id from sales_order where remote_id = '2003'`));
    expect((await decide('postingVoid', order)).userErrors).toEqual([{ code: 'NOTHING_POSTED' }]);
  });
});

describe('the posting policy', () => {
  const change = `mutation ($input: PostingPolicyUpdateInput!) {
    postingPolicyUpdate(input: $input) {
      policy { refunds unpaidOrders depositAccount gatewayAccounts { key value } taxCodes { key value } }
      userErrors { code message }
    }
  }`;

  it('is read with what the books have to choose from', async () => {
    sandbox.configure({ customTxnNumbers: false });
    const answer = await api.ask(
      `query ($id: ID!) { node(id: $id) { ... on Connection { postingPolicy {
        refunds timeZone problems { field severity } choices { currency accounts { name money } } } } } }`,
      { id: global('Connection', books) },
    );
    sandbox.configure({ customTxnNumbers: true });
    expect(answer.errors).toBeUndefined();
    const { postingPolicy } = answer.data.node;
    expect(postingPolicy).toMatchObject({
      refunds: 'CREDIT_MEMO',
      timeZone: 'UTC',
      // The company numbers documents itself: it works, and somebody should know.
      problems: [{ field: 'docNumberPrefix', severity: 'WARN' }],
    });
    expect(postingPolicy.choices).toMatchObject({ currency: 'EUR' });
    expect(postingPolicy.choices.accounts).toContainEqual({ name: 'Checking', money: true });
  });

  it('refuses what the books do not have, with the remedy, and changes nothing', async () => {
    const id = global('Connection', books);
    for (const [input, words] of [
      [{ depositAccount: 'Piggy Bank' }, 'QuickBooks has no account "Piggy Bank". Make it there'],
      [{ depositAccount: 'Rounding' }, 'money needs a bank account'],
      [{ taxCodes: [{ key: '0.19', value: 'MwSt' }] }, 'has no tax code "MwSt"'],
      [{ timeZone: 'Moon/Crater' }, 'is no time zone'],
      [{ payouts: { bankAccount: 'Piggy Bank' } }, 'QuickBooks has no account "Piggy Bank"'],
      [{ exchangeRates: [{ key: 'USD', value: 'half' }] }, 'is no number above zero'],
      [{ items: [{ role: 'GIFT_CARD', account: 'Shipping Income' }] }, 'Choose a liability'],
    ] as const) {
      const answer = await api.ask(change, { input: { id, ...input } });
      const { policy, userErrors } = answer.data.postingPolicyUpdate;
      expect(policy).toBeNull();
      expect(userErrors).toMatchObject([{ code: 'POLICY_DOES_NOT_FIT' }]);
      expect(userErrors[0].message).toContain(words);
    }
    const { rows } = await api.database.pool.query('select settings from connection where id = $1', [books]);
    expect(rows).toEqual([{ settings: {} }]);
  });

  it('refuses classes and locations while the company tracks none', async () => {
    const id = global('Connection', books);
    sandbox.create('Class', { Name: 'Shop' });
    sandbox.create('Department', { Name: 'Arcade' });
    sandbox.edit('Preferences', '1', {
      AccountingInfoPrefs: {
        ClassTrackingPerTxn: false,
        ClassTrackingPerTxnLine: false,
        TrackDepartments: false,
      },
    });
    for (const [field, value, words] of [
      ['classes', 'Shop', 'class tracking turned off'],
      ['locations', 'Arcade', 'location tracking turned off'],
    ] as const) {
      const answer = await api.ask(change, { input: { id, [field]: [{ key: 'online_store', value }] } });
      expect(answer.data.postingPolicyUpdate.userErrors[0].message).toContain(words);
    }
  });

  it('is held against the company before writing is unlocked, and before the first document', async () => {
    const { pool } = api.database;
    await pool.query(`update connection set settings = '{"depositAccount":"Piggy Bank"}' where id = $1`, [
      books,
    ]);
    const unlock = await api.ask(
      `mutation ($id: ID!) { connectionWriteUnlock(input: { id: $id, capabilities: ["*"] }) { userErrors { code message } } }`,
      { id: global('Connection', books) },
    );
    expect(unlock.data.connectionWriteUnlock.userErrors).toMatchObject([
      { code: 'POLICY_DOES_NOT_FIT', message: expect.stringContaining('Piggy Bank') },
    ]);
    const before = sandbox.list('SalesReceipt').length;
    await tell(orderChange('2010', 100, { number: '#2010' }));
    sessions = sessionsFor(pool, platforms, log, sandbox.url);
    expect(await work()).toEqual(['salesReceipt retrying']);
    expect(sandbox.list('SalesReceipt')).toHaveLength(before);
    const { rows } = await pool.query(
      `select error_code, error, remedy from push where status = 'retrying' order by id desc limit 1`,
    );
    expect(rows).toMatchObject([
      {
        error_code: 'BOOKS_NOT_READY',
        error: expect.stringContaining('QuickBooks has no account "Piggy Bank"'),
      },
    ]);
    // The remedy is all it takes: what waits is planned anew and written with the policy as it is then.
    const mended = await api.ask(change, {
      input: { id: global('Connection', books), depositAccount: null },
    });
    expect(mended.data.postingPolicyUpdate.userErrors).toEqual([]);
    const { rows: jobs } = await pool.query(
      `select key, payload from graphile_worker._private_jobs where key like 'posting-review:%'`,
    );
    expect(jobs).toEqual([{ key: `posting-review:${books}`, payload: { id: String(books) } }]);
    await reviewPostings(books, { pool, platforms });
    await reviewPostings(books, { pool, platforms });
    sessions = sessionsFor(pool, platforms, log, sandbox.url);
    expect(await work()).toEqual(['salesReceipt settled']);
    expect(sandbox.list('SalesReceipt')).toHaveLength(before + 1);
  });

  it('changes what waits: plans, pushes to come and dead letters, each once', async () => {
    const { pool } = api.database;
    await tell(orderChange('2020', 100, { number: '#2020' }));
    await tell(orderChange('2021', 100, { number: '#2021' }));
    await pool.query(
      `update push set status = 'dead', error_code = 'SOME', error = 'It failed.'
       where subject_id = (select id from sales_order where remote_id = '2021')`,
    );
    const bodies = async () => {
      const { rows } = await pool.query(
        `select o.number, p.status::text, p.body->>'docNumber' as name, p.body->>'account' as account
         from push p join sales_order o on o.id = p.subject_id and p.subject_type = 'Order'
         where o.remote_id in ('2020', '2021') order by p.id`,
      );
      return rows.map((row) => [row.number, row.status, row.name, row.account].join(' '));
    };
    expect(await bodies()).toEqual(['#2020 pending 2020 ', '#2021 dead 2021 ']);
    await api.ask(change, { input: { id: global('Connection', books), docNumberPrefix: 'S-' } });
    await reviewPostings(books, { pool, platforms });
    const wanted = [
      '#2020 superseded 2020 ',
      '#2021 superseded 2021 ',
      '#2020 pending S-2020 ',
      '#2021 pending S-2021 ',
    ];
    expect((await bodies()).toSorted()).toEqual(wanted.toSorted());
    await reviewPostings(books, { pool, platforms });
    expect((await bodies()).toSorted()).toEqual(wanted.toSorted());
    sessions = sessionsFor(pool, platforms, log, sandbox.url);
    expect(await work()).toEqual(['salesReceipt settled', 'salesReceipt settled']);
    await api.ask(change, { input: { id: global('Connection', books), docNumberPrefix: '' } });
  });

  it('decides over the documents that are posted from then on', async () => {
    const id = global('Connection', books);
    const answer = await api.ask(change, {
      input: {
        id,
        refunds: 'REFUND_RECEIPT',
        depositAccount: 'Checking',
        gatewayAccounts: [{ key: 'cash', value: 'Cash Register' }],
      },
    });
    expect(answer.data.postingPolicyUpdate).toEqual({
      policy: {
        refunds: 'REFUND_RECEIPT',
        unpaidOrders: 'INVOICE',
        depositAccount: 'Checking',
        gatewayAccounts: [{ key: 'cash', value: 'Cash Register' }],
        taxCodes: [],
      },
      userErrors: [],
    });
    await tell(orderChange('2004', 100, { number: '#2004' }));
    await tell(refunded('2004'));
    expect(await work()).toEqual(['salesReceipt settled', 'creditMemo settled']);
    expect(sandbox.list('RefundReceipt')).toMatchObject([
      { TotalAmt: 10, DepositToAccountRef: { name: 'Checking' } },
    ]);
  });
});
