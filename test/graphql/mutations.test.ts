import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Tx } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import { appendEvents } from '../../src/sync/events/append-events.ts';
import type { Platform } from '../../src/sync/platforms/platform.ts';
import {
  insertConnection,
  insertCustomer,
  insertDelivery,
  insertLocation,
  insertOrder,
  insertPush,
  insertStockLevel,
  insertVariant,
} from '../support/fixtures.ts';
import { adminKey, startTestApi, type TestApi } from '../support/graphql-server.ts';

let api: TestApi;
let hubspot: bigint;
let shopify: bigint;
const otherKey = 'tb_other_admin_0123456789abcdef';

/** A platform that is owed a contact for every state of a customer. */
const crm = {
  name: 'hubspot',
  pushKinds: ['contact', 'order'],
  linkTypes: {},
  plan: (snapshot) =>
    snapshot.type === 'Customer'
      ? [
          {
            kind: 'contact',
            subjectType: 'Customer' as const,
            subjectId: snapshot.id,
            body: { firstname: snapshot.firstName, email: snapshot.email },
          },
        ]
      : [],
} as Pick<Platform, 'name' | 'pushKinds' | 'linkTypes' | 'plan'> as Platform;

beforeAll(async () => {
  api = await startTestApi({
    platforms: { hubspot: crm },
    apiKeys: [
      { name: 'admin', key: adminKey, scopes: ['admin'] },
      { name: 'other', key: otherKey, scopes: ['admin'] },
    ],
  });
  hubspot = await insertConnection(api.database.pool, {
    platform: 'hubspot',
    name: 'CRM',
    write_capabilities: ['contact'],
  });
  shopify = await insertConnection(api.database.pool);
});

afterAll(() => api[Symbol.asyncDispose]());

function globalId(type: string, id: bigint): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 20_000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error('it never came to be');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Plays the worker: settles the pushes that fit, once there are any. */
function settleOnce(condition: string): Promise<void> {
  return until(() =>
    transaction(api.database.pool, async (tx: Tx) => {
      const { rows } = await tx.query<{ id: bigint }>(
        `update push set status = 'settled', settled_at = now() where ${condition} returning id`,
      );
      await appendEvents(
        tx,
        rows.map(({ id: pushId }) => ({
          type: 'push.settled' as const,
          subjectType: 'Push' as const,
          subjectId: pushId,
          payload: {},
          source: 'hubspot' as const,
          pushId,
        })),
      );
      return rows.length > 0;
    }),
  );
}

const customerUpdate = `mutation M($input: CustomerUpdateInput!) {
  customerUpdate(input: $input) {
    customer { firstName email provenance { field platform } }
    pushes { id kind status body connection { name } }
    settled cursor
    userErrors { code field message }
  }
}`;

test('changing a customer changes the graph, plans a push and appends an event, all of which the answer tells', async () => {
  const id = globalId('Customer', await insertCustomer(api.database.pool, { email: 'old@example.com' }));
  const { data, errors } = await api.ask(customerUpdate, {
    input: { id, firstName: ' Augusta ', email: 'New@Example.com' },
  });
  expect(errors).toBeUndefined();
  const payload = data.customerUpdate;
  expect(payload.userErrors).toEqual([]);
  expect(payload.customer).toMatchObject({ firstName: 'Augusta', email: 'new@example.com' });
  expect(payload.customer.provenance).toContainEqual({ field: 'email', platform: 'TRIBUTARY' });
  expect(payload.pushes).toEqual([
    {
      id: expect.any(String),
      kind: 'contact',
      status: 'PENDING',
      body: { firstname: 'Augusta', email: 'new@example.com' },
      connection: { name: 'CRM' },
    },
  ]);
  expect(payload.settled).toBeNull();
  const { data: after } = await api.ask(`{ events(last: 5) { nodes { cursor type source } } }`);
  expect(after.events.nodes.at(-1).cursor).toBe(payload.cursor);
  expect(after.events.nodes).toContainEqual(
    expect.objectContaining({ type: 'CUSTOMER_UPDATED', source: 'TRIBUTARY' }),
  );
});

test('what callers do wrong becomes userErrors and leaves nothing behind', async () => {
  const id = globalId('Customer', await insertCustomer(api.database.pool, { first_name: 'Ada' }));
  const head = async (): Promise<string> => (await api.ask('{ syncStatus { head } }')).data.syncStatus.head;
  const before = await head();
  const wrong = await api.ask(customerUpdate, {
    input: { id, firstName: 'Changed', email: 'no address', idempotencyKey: 'wrong-1' },
  });
  expect(wrong.errors).toBeUndefined();
  expect(wrong.data.customerUpdate).toMatchObject({
    customer: null,
    pushes: [],
    userErrors: [{ code: 'INVALID_INPUT', field: ['input', 'email'] }],
  });
  const missing = await api.ask(customerUpdate, {
    input: { id: globalId('Customer', 999_999n), firstName: 'X' },
  });
  expect(missing.data.customerUpdate.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  const impatient = await api.ask(customerUpdate, {
    input: { id, firstName: 'X', wait: true, waitSeconds: 31 },
  });
  expect(impatient.data.customerUpdate.userErrors).toMatchObject([{ field: ['input', 'waitSeconds'] }]);
  expect(await head()).toBe(before);
  // The key of a request that failed is free again.
  const right = await api.ask(customerUpdate, {
    input: { id, firstName: 'Changed', idempotencyKey: 'wrong-1' },
  });
  expect(right.data.customerUpdate.customer.firstName).toBe('Changed');
});

test('a key that comes again changes nothing and gives the first answer, however many send it at once', async () => {
  const customer = await insertCustomer(api.database.pool);
  const id = globalId('Customer', customer);
  const input = { id, firstName: 'Once', idempotencyKey: 'once-1' };
  const answers = await Promise.all(Array.from({ length: 8 }, () => api.ask(customerUpdate, { input })));
  const first = answers[0]?.data.customerUpdate;
  expect(first.userErrors).toEqual([]);
  expect(first.pushes).toHaveLength(1);
  for (const answer of answers) expect(answer.data).toEqual({ customerUpdate: first });
  const { rows } = await api.database.pool.query<{ events: bigint; pushes: bigint }>(
    `select (select count(*) from event where subject_type = 'Customer' and subject_id = $1) as events,
            (select count(*) from push where subject_type = 'Customer' and subject_id = $1) as pushes`,
    [customer],
  );
  expect(rows[0]).toEqual({ events: 1n, pushes: 1n });
});

test('a key with another input, or for another mutation, is refused; another caller may use it', async () => {
  const id = globalId('Customer', await insertCustomer(api.database.pool));
  const send = async (input: Record<string, unknown>, key?: string) =>
    (
      await api.ask(
        customerUpdate,
        { input: { id, idempotencyKey: 'reused-1', ...input } },
        key ? { key } : {},
      )
    ).data.customerUpdate.userErrors;
  expect(await send({ firstName: 'A' })).toEqual([]);
  expect(await send({ firstName: 'A', wait: false })).toEqual([]);
  expect(await send({ firstName: 'B' })).toMatchObject([
    { code: 'IDEMPOTENCY_KEY_REUSED', field: ['input', 'idempotencyKey'] },
  ]);
  const order = globalId('Order', await insertOrder(api.database.pool, { connection_id: shopify }));
  const { data } = await api.ask(
    `mutation M($id: ID!) { orderUpdate(input: { id: $id, note: "x", idempotencyKey: "reused-1" }) { userErrors { code } } }`,
    { id: order },
  );
  expect(data.orderUpdate.userErrors).toEqual([{ code: 'IDEMPOTENCY_KEY_REUSED' }]);
  expect(await send({ firstName: 'B' }, otherKey)).toEqual([]);
});

test('with wait the answer comes once the platforms have it, and says so when they have not in time', async () => {
  const customer = await insertCustomer(api.database.pool);
  const id = globalId('Customer', customer);
  const settle = async (): Promise<void> => {
    await settleOnce(`subject_id = ${customer} and subject_type = 'Customer' and status = 'pending'`);
  };
  const [answer] = await Promise.all([
    api.ask(customerUpdate, { input: { id, firstName: 'Waited', wait: true } }),
    settle(),
  ]);
  expect(answer.data.customerUpdate).toMatchObject({ settled: true, pushes: [{ status: 'SETTLED' }] });
  const late = await api.ask(customerUpdate, {
    input: { id, firstName: 'Too late', wait: true, waitSeconds: 1 },
  });
  expect(late.data.customerUpdate).toMatchObject({ settled: false, pushes: [{ status: 'PENDING' }] });
});

test('note and tags of an order are changed', async () => {
  const id = globalId(
    'Order',
    await insertOrder(api.database.pool, { connection_id: shopify, tags: ['old'] }),
  );
  const query = `mutation M($input: OrderUpdateInput!) { orderUpdate(input: $input) { order { note tags } userErrors { code } } }`;
  const { data } = await api.ask(query, { input: { id, note: 'Gift', tags: ['old', 'gift'] } });
  expect(data.orderUpdate).toEqual({ order: { note: 'Gift', tags: ['old', 'gift'] }, userErrors: [] });
  const emptied = await api.ask(query, { input: { id, note: null } });
  expect(emptied.data.orderUpdate.order).toEqual({ note: null, tags: ['old', 'gift'] });
});

test('a correction of stock becomes a movement with its reason', async () => {
  const db = api.database.pool;
  const { variantId } = await insertVariant(db);
  const location = await insertLocation(db, { connection_id: shopify });
  await insertStockLevel(db, { variant_id: variantId, location_id: location, on_hand: 10, available: 10 });
  const query = `mutation M($input: StockAdjustInput!) { stockAdjust(input: $input) {
    stockLevel { available movements(first: 1) { nodes { cause availableDelta reason source { platform } } } }
    userErrors { code field } } }`;
  const input = {
    variantId: globalId('Variant', variantId),
    locationId: globalId('Location', location),
    delta: -3,
    reason: 'Broken in transit',
  };
  const { data } = await api.ask(query, { input });
  expect(data.stockAdjust).toEqual({
    stockLevel: {
      available: 7,
      movements: {
        nodes: [
          {
            cause: 'ADJUSTMENT',
            availableDelta: -3,
            reason: 'Broken in transit',
            source: { platform: 'TRIBUTARY' },
          },
        ],
      },
    },
    userErrors: [],
  });
  const zero = await api.ask(query, { input: { ...input, delta: 0 } });
  expect(zero.data.stockAdjust.userErrors).toEqual([{ code: 'INVALID_INPUT', field: ['input', 'delta'] }]);
});

test('a connection is paused with a reason, resumed, and unlocked for what its platform knows', async () => {
  const id = globalId('Connection', hubspot);
  const paused = await api.ask(
    `mutation M($id: ID!) { connectionPause(input: { id: $id, reason: "Stocktaking" }) { connection { status statusReason } userErrors { code } } }`,
    { id },
  );
  expect(paused.data.connectionPause).toEqual({
    connection: { status: 'PAUSED', statusReason: 'Stocktaking' },
    userErrors: [],
  });
  const resumed = await api.ask(
    `mutation M($id: ID!) { connectionResume(input: { id: $id }) { connection { status statusReason } userErrors { code } } }`,
    { id },
  );
  expect(resumed.data.connectionResume.connection).toEqual({ status: 'ACTIVE', statusReason: null });
  const unlock = `mutation M($id: ID!, $what: [String!]!) { connectionWriteUnlock(input: { id: $id, capabilities: $what }) { connection { writeCapabilities availableCapabilities } userErrors { code field } } }`;
  const unknown = await api.ask(unlock, { id, what: ['contact', 'spaceship'] });
  expect(unknown.data.connectionWriteUnlock).toEqual({
    connection: null,
    userErrors: [{ code: 'CAPABILITY_UNKNOWN', field: ['input', 'capabilities'] }],
  });
  const unlocked = await api.ask(unlock, { id, what: ['order', 'contact'] });
  expect(unlocked.data.connectionWriteUnlock.connection).toEqual({
    writeCapabilities: ['contact', 'order'],
    availableCapabilities: ['contact', 'order'],
  });
});

test('dead work is taken up again, and what cannot be is refused with the reason', async () => {
  const db = api.database.pool;
  const push = globalId(
    'Push',
    await insertPush(db, {
      connection_id: hubspot,
      status: 'dead',
      error: 'No such owner',
      remedy: 'Add one',
    }),
  );
  const retry = `mutation M($id: ID!) { pushRetry(input: { id: $id }) { pushes { status error } userErrors { code field } } }`;
  expect((await api.ask(retry, { id: push })).data.pushRetry).toEqual({
    pushes: [{ status: 'PENDING', error: null }],
    userErrors: [],
  });
  const settled = globalId(
    'Push',
    await insertPush(db, { connection_id: hubspot, status: 'settled', settled_at: '2026-11-01T00:00:00Z' }),
  );
  expect((await api.ask(retry, { id: settled })).data.pushRetry.userErrors).toEqual([
    { code: 'PUSH_NOT_RETRYABLE', field: ['input', 'id'] },
  ]);
  const delivery = globalId(
    'Delivery',
    await insertDelivery(db, { connection_id: shopify, status: 'dead', error: 'Unreadable' }),
  );
  const replay = `mutation M($id: ID!) { deliveryReplay(input: { id: $id }) { delivery { status error } userErrors { code } } }`;
  expect((await api.ask(replay, { id: delivery })).data.deliveryReplay).toEqual({
    delivery: { status: 'PENDING', error: null },
    userErrors: [],
  });
  const erased = globalId(
    'Delivery',
    await insertDelivery(db, { connection_id: shopify, body: Buffer.alloc(0) }),
  );
  expect((await api.ask(replay, { id: erased })).data.deliveryReplay.userErrors).toEqual([
    { code: 'DELIVERY_ERASED' },
  ]);
});

test('a dead letter is closed with a reason, found by its status with who closed it and why, and can be brought back', async () => {
  const db = api.database.pool;
  const ids = {
    push: globalId(
      'Push',
      await insertPush(db, {
        connection_id: hubspot,
        status: 'dead',
        error: 'No such owner',
        remedy: 'Add one',
      }),
    ),
    delivery: globalId(
      'Delivery',
      await insertDelivery(db, {
        connection_id: shopify,
        status: 'dead',
        error: 'Unreadable',
        remedy: 'Look',
      }),
    ),
  };
  const closed = 'status error remedy dismissal { by reason at }';
  const dismissPush = `mutation M($input: PushDismissInput!) {
    pushDismiss(input: $input) { push { ${closed} } pushes { id } cursor userErrors { code field message } } }`;
  const dismissDelivery = `mutation M($input: DeliveryDismissInput!) {
    deliveryDismiss(input: $input) { delivery { ${closed} } cursor userErrors { code field } } }`;
  const wordless = await api.ask(dismissPush, { input: { id: ids.push, reason: ' ' } });
  expect(wordless.data.pushDismiss.userErrors).toMatchObject([
    { code: 'INVALID_INPUT', field: ['input', 'reason'] },
  ]);
  const input = { id: ids.push, reason: ' Entered by hand. ', idempotencyKey: 'close-once' };
  const first = (await api.ask(dismissPush, { input })).data.pushDismiss;
  expect(first).toEqual({
    push: {
      status: 'DISMISSED',
      error: 'No such owner',
      remedy: 'Add one',
      dismissal: { by: 'key:admin', reason: 'Entered by hand.', at: expect.any(String) },
    },
    pushes: [],
    cursor: expect.any(String),
    userErrors: [],
  });
  expect((await api.ask(dismissPush, { input })).data.pushDismiss).toEqual(first);
  expect(
    (await api.ask(dismissPush, { input: { ...input, idempotencyKey: 'again' } })).data.pushDismiss
      .userErrors,
  ).toMatchObject([{ code: 'PUSH_NOT_DEAD', field: ['input', 'id'] }]);
  expect(
    (await api.ask(dismissDelivery, { input: { id: ids.delivery, reason: 'Deleted at the shop.' } })).data
      .deliveryDismiss,
  ).toMatchObject({
    delivery: { status: 'DISMISSED', error: 'Unreadable', dismissal: { reason: 'Deleted at the shop.' } },
    userErrors: [],
  });
  const list = `query { pushes(filter: { statuses: [DISMISSED] }) { nodes { id } }
    deliveries(filter: { statuses: [DISMISSED] }) { nodes { id } }
    syncStatus { connections { work { status } } } }`;
  const { data } = await api.ask(list);
  expect(data.pushes.nodes).toEqual([{ id: ids.push }]);
  expect(data.deliveries.nodes).toEqual([{ id: ids.delivery }]);
  expect(JSON.stringify(data.syncStatus)).not.toContain('DISMISSED');
  const { rows } = await db.query("select type from event where type like '%.dismissed' order by position");
  expect(rows).toEqual([{ type: 'push.dismissed' }, { type: 'delivery.dismissed' }]);
  const retry = `mutation M($id: ID!) { pushRetry(input: { id: $id }) { pushes { ${closed} } userErrors { code } } }`;
  expect((await api.ask(retry, { id: ids.push })).data.pushRetry).toEqual({
    pushes: [{ status: 'PENDING', error: null, remedy: null, dismissal: null }],
    userErrors: [],
  });
  const replay = `mutation M($id: ID!) { deliveryReplay(input: { id: $id }) { delivery { ${closed} } userErrors { code } } }`;
  expect((await api.ask(replay, { id: ids.delivery })).data.deliveryReplay).toEqual({
    delivery: { status: 'PENDING', error: null, remedy: null, dismissal: null },
    userErrors: [],
  });
});

test('a change of stock that was given up is not tried again', async () => {
  const db = api.database.pool;
  const push = await insertPush(db, {
    connection_id: shopify,
    kind: 'stockLevel',
    subject_type: 'StockLevel',
    status: 'dismissed',
    dismissed_at: '2026-11-01T00:00:00Z',
    dismissed_by: 'ada',
    dismissed_reason: 'Not there.',
  });
  const retry = `mutation M($id: ID!) { pushRetry(input: { id: $id }) { userErrors { code message } } }`;
  expect((await api.ask(retry, { id: globalId('Push', push) })).data.pushRetry.userErrors).toEqual([
    { code: 'PUSH_NOT_RETRYABLE', message: expect.stringContaining('Adjust the stock again') },
  ]);
});

test('a replay tells what it was pushed for once it was processed, and nothing of what its first run pushed', async () => {
  const db = api.database.pool;
  const delivery = await insertDelivery(db, {
    connection_id: shopify,
    status: 'settled',
    outcome: 'applied',
    settled_at: '2026-11-01T00:00:00Z',
  });
  await insertPush(db, {
    connection_id: hubspot,
    delivery_id: delivery,
    kind: 'first run',
    status: 'settled',
    settled_at: '2026-11-01T00:00:00Z',
  });
  const query = `mutation M($id: ID!, $wait: Boolean!) { deliveryReplay(input: { id: $id, wait: $wait, waitSeconds: 20 }) {
    delivery { status outcome } pushes { kind status } pushCount settled userErrors { code } } }`;
  const id = globalId('Delivery', delivery);
  const asked = await api.ask(query, { id, wait: false });
  expect(asked.data.deliveryReplay).toEqual({
    delivery: { status: 'PENDING', outcome: null },
    pushes: [],
    pushCount: 0,
    settled: null,
    userErrors: [],
  });
  await db.query(
    `update delivery set status = 'settled', outcome = 'unchanged', settled_at = now() where id = $1`,
    [delivery],
  );
  const process = async (): Promise<void> => {
    await until(async () => {
      const { rows } = await db.query(`select from delivery where id = $1 and status = 'pending'`, [
        delivery,
      ]);
      return rows.length > 0;
    });
    await insertPush(db, { connection_id: hubspot, delivery_id: delivery, kind: 'second run' });
    await db.query(
      `update delivery set status = 'settled', outcome = 'applied', settled_at = now() where id = $1`,
      [delivery],
    );
    await settleOnce(`delivery_id = ${delivery} and status = 'pending'`);
  };
  const [waited] = await Promise.all([api.ask(query, { id, wait: true }), process()]);
  expect(waited.data.deliveryReplay).toEqual({
    delivery: { status: 'SETTLED', outcome: 'APPLIED' },
    pushes: [{ kind: 'second run', status: 'SETTLED' }],
    pushCount: 1,
    settled: true,
    userErrors: [],
  });
});

test('pausing tells what is under way, unlocking and resuming what was set going, and all of it can be waited for', async () => {
  const db = api.database.pool;
  const books = await insertConnection(db, { platform: 'quickbooks', account_id: 'waiting books' });
  const id = globalId('Connection', books);
  const running = await insertPush(db, { connection_id: books, kind: 'running', status: 'running' });
  const planned = await insertPush(db, { connection_id: books, kind: 'planned', status: 'plan' });
  const what = `pushes { kind status } pushCount settled cursor userErrors { code }`;
  const switchWith = async (mutation: string): Promise<Record<string, unknown>> => {
    const { data, errors } = await api.ask(`mutation M($id: ID!) { it: ${mutation} { ${what} } }`, { id });
    expect(errors).toBeUndefined();
    return data.it;
  };
  const [paused] = await Promise.all([
    switchWith('connectionPause(input: { id: $id, reason: "Stocktaking", wait: true, waitSeconds: 20 })'),
    settleOnce(
      `id = ${running} and exists (select from connection where id = ${books} and status = 'paused')`,
    ),
  ]);
  expect(paused).toEqual({
    pushes: [{ kind: 'running', status: 'SETTLED' }],
    pushCount: 1,
    settled: true,
    cursor: expect.stringMatching(/^\d+$/),
    userErrors: [],
  });
  const unlock = 'connectionWriteUnlock(input: { id: $id, capabilities: ["*"] })';
  expect(await switchWith(unlock)).toEqual({
    pushes: [{ kind: 'planned', status: 'PENDING' }],
    pushCount: 1,
    settled: null,
    cursor: expect.stringMatching(/^\d+$/),
    userErrors: [],
  });
  expect(await switchWith(unlock)).toMatchObject({ pushCount: 0, cursor: null });
  const [resumed] = await Promise.all([
    switchWith('connectionResume(input: { id: $id, wait: true, waitSeconds: 20 })'),
    settleOnce(
      `id = ${planned} and exists (select from connection where id = ${books} and status = 'active')`,
    ),
  ]);
  expect(resumed).toMatchObject({
    pushes: [{ kind: 'planned', status: 'SETTLED' }],
    pushCount: 1,
    settled: true,
  });
});
