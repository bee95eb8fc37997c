import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { upsertConnection } from '../../src/sync/connections/connections.ts';
import type { Sessions } from '../../src/sync/connections/sessions.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { executePush } from '../../src/sync/outbox/execute-push.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { encryptionKey, memoryLog, sessionsFor } from '../engine/support/engine.ts';
import { start } from '../sandbox/quickbooks-support.ts';
import { insertConnection } from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';
import { amount, at, orderChange, refundOf, transactionOf } from '../write-path/support.ts';

// From what Shopify tells to what stands in the books, and what a person decides about it through the API.

const platforms = { quickbooks };
const { log } = memoryLog();
const metrics = createMetrics(new Registry());

let api: TestApi;
let sandbox: Awaited<ReturnType<typeof start>>;
let sessions: Sessions;
let shopify: bigint;
let books: bigint;

beforeAll(async () => {
  sandbox = await start({ company: { homeCurrency: 'EUR', usingSalesTax: false } });
  api = await startTestApi({ platforms, session: (id) => sessions.get(id) });
  const { pool } = api.database;
  shopify = await insertConnection(pool);
  books = await transaction(pool, (tx) =>
    upsertConnection(tx, {
      platform: 'quickbooks',
      accountId: sandbox.realmId,
      name: 'Books',
      credentials: {
        realmId: sandbox.realmId,
        clientId: 'qb-sandbox-client',
        clientSecret: 'qb-sandbox-secret',
        refreshToken: 'RT1-sandbox',
        verifierToken: 'qb-sandbox-verifier',
      },
      writeCapabilities: ['*'],
      encryptionKey,
    }),
  );
  sessions = sessionsFor(pool, platforms, log, sandbox.url);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await sandbox[Symbol.asyncDispose]();
});

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
    const answer = await api.ask(
      `query ($id: ID!) { node(id: $id) { ... on Connection { postingPolicy {
        refunds timeZone problems { field } choices { currency accounts { name money } } } } } }`,
      { id: global('Connection', books) },
    );
    expect(answer.errors).toBeUndefined();
    const { postingPolicy } = answer.data.node;
    expect(postingPolicy).toMatchObject({ refunds: 'CREDIT_MEMO', timeZone: 'UTC', problems: [] });
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
