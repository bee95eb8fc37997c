import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Tx } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import type { NewEvent } from '../../src/model/event.ts';
import { encodeGlobalId } from '../../src/schema/global-id.ts';
import { appendEvents } from '../../src/sync/events/append-events.ts';
import {
  insertConnection,
  insertCustomer,
  insertLine,
  insertLocation,
  insertOrder,
  insertPush,
  insertRefund,
  insertStockLevel,
  insertVariant,
} from '../support/fixtures.ts';
import { adminKey, startTestApi, type TestApi } from '../support/graphql-server.ts';

function orderEvent(subjectId: bigint, payload: Record<string, unknown> = {}): NewEvent {
  return { type: 'order.updated', subjectType: 'Order', subjectId, payload, source: 'shopify' };
}

async function append(api: TestApi, ...events: NewEvent[]): Promise<void> {
  await transaction(api.database.pool, (tx: Tx) => appendEvents(tx, events));
}

async function until<T>(
  read: () => T | undefined | false | null | Promise<T | undefined | false | null>,
): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const value = await read();
    if (value) return value;
    if (Date.now() > deadline) throw new Error('it did not come in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Listening {
  // biome-ignore lint/suspicious/noExplicitAny: compared with what is expected
  received: any[];
  errors: unknown[];
  completed: () => boolean;
  stop: () => Promise<void>;
}

function listen(
  api: TestApi,
  query: string,
  variables: Record<string, unknown> = {},
  options: { key?: string | null } = {},
): Listening {
  const client = api.subscriber(options);
  const received: unknown[] = [];
  const errors: unknown[] = [];
  let completed = false;
  const stop = client.subscribe(
    { query, variables },
    {
      next: (result) => received.push(result),
      error: (error) => errors.push(error),
      complete: () => {
        completed = true;
      },
    },
  );
  return {
    received: received as Listening['received'],
    errors,
    completed: () => completed,
    stop: async () => {
      stop();
      await client.dispose();
    },
  };
}

/** Until the server has taken as many in: only then is "from now on" a moment that a test knows. */
async function joined(api: TestApi, subscribers: number): Promise<void> {
  await until(() => api.graphql.audience().subscribers === subscribers);
}

test('an order that changes reaches its subscribers with what it is now', async () => {
  await using api = await startTestApi();
  const connection = await insertConnection(api.database.pool);
  const order = await insertOrder(api.database.pool, { connection_id: connection, number: '#7' });
  await insertLine(api.database.pool, { order_id: order, sku: 'SHIRT' });
  const query = `subscription { orderChanged { cursor event { type source payload } order { number lines { sku } source { platform } } } }`;
  const first = listen(api, query);
  const second = listen(api, query);
  await joined(api, 2);
  expect(api.graphql.audience().groups).toBe(1);
  for (let n = 1; n <= 3; n += 1) await append(api, orderEvent(order, { n }));
  for (const listening of [first, second]) {
    await until(() => listening.received.length === 3);
    expect(listening.received).toEqual(
      [1, 2, 3].map((n) => ({
        data: {
          orderChanged: {
            cursor: String(n),
            event: { type: 'ORDER_UPDATED', source: 'SHOPIFY', payload: { n } },
            order: { number: '#7', lines: [{ sku: 'SHIRT' }], source: { platform: 'SHOPIFY' } },
          },
        },
      })),
    );
    await listening.stop();
  }
  await joined(api, 0);
  expect(api.graphql.audience().groups).toBe(0);
});

test('with 16 writers, one who reconnects with the last cursor again and again sees each event once and in order', async () => {
  await using api = await startTestApi();
  const connection = await insertConnection(api.database.pool);
  const order = await insertOrder(api.database.pool, { connection_id: connection });
  const writers = 16;
  const each = 25;
  const query = `subscription S($after: String) { eventAppended(after: $after) { cursor event { payload } } }`;
  // One who stays keeps the group of the others alive, so that those who come back have to find their way into it.
  const staying = listen(api, query);
  await joined(api, 1);
  const writing = Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let n = 0; n < each; n += 1) await append(api, orderEvent(order, { writer, n }));
    }),
  );
  const cursors: number[] = [];
  let after = '0';
  while (cursors.length < writers * each) {
    const listening = listen(api, query, { after });
    const wanted = Math.min(37, writers * each - cursors.length);
    await until(() => listening.received.length >= wanted);
    await listening.stop();
    const seen = listening.received.map((result) => Number(result.data.eventAppended.cursor));
    cursors.push(...seen);
    after = String(seen.at(-1));
  }
  await writing;
  const expected = Array.from({ length: writers * each }, (_, index) => index + 1);
  expect(cursors).toEqual(expected);
  await until(() => staying.received.length === writers * each);
  expect(staying.received.map((result) => Number(result.data.eventAppended.cursor))).toEqual(expected);
  await staying.stop();
});

test('those who resume from different cursors end up in one group and miss nothing', async () => {
  await using api = await startTestApi();
  const connection = await insertConnection(api.database.pool);
  const order = await insertOrder(api.database.pool, { connection_id: connection });
  for (let n = 0; n < 10; n += 1) await append(api, orderEvent(order));
  const query = `subscription S($after: String) { orderChanged(after: $after) { cursor } }`;
  const listeners = [0, 3, 7, 10].map((after) => ({
    after,
    ...listen(api, query, { after: String(after) }),
  }));
  await until(() => listeners.every((one) => one.received.length >= 10 - one.after));
  await append(api, orderEvent(order));
  await append(api, orderEvent(order));
  await until(() => listeners.every((one) => one.received.length === 12 - one.after));
  for (const one of listeners) {
    expect(one.received.map((result) => Number(result.data.orderChanged.cursor))).toEqual(
      Array.from({ length: 12 - one.after }, (_, index) => one.after + index + 1),
    );
  }
  expect(api.graphql.audience()).toEqual({ groups: 1, subscribers: 4 });
  for (const one of listeners) await one.stop();
});

test('a cursor that is ahead of the stream is waited for, in a group that is behind it', async () => {
  await using api = await startTestApi();
  const connection = await insertConnection(api.database.pool);
  const order = await insertOrder(api.database.pool, { connection_id: connection });
  const query = `subscription S($after: String) { orderChanged(after: $after) { cursor } }`;
  const behind = listen(api, query, { after: '0' });
  const ahead = listen(api, query, { after: '2' });
  await joined(api, 2);
  expect(api.graphql.audience().groups).toBe(1);
  for (let n = 0; n < 4; n += 1) await append(api, orderEvent(order));
  await until(() => behind.received.length === 4 && ahead.received.length >= 2);
  const cursorsOf = (one: Listening): string[] =>
    one.received.map((result) => result.data.orderChanged.cursor);
  expect(cursorsOf(behind)).toEqual(['1', '2', '3', '4']);
  expect(cursorsOf(ahead)).toEqual(['3', '4']);
  await behind.stop();
  await ahead.stop();
});

test('filters of orders and of stock let only through what fits', async () => {
  await using api = await startTestApi();
  const db = api.database.pool;
  const connection = await insertConnection(db);
  const online = await insertOrder(db, { connection_id: connection, channel: 'online_store', number: '#1' });
  const till = await insertOrder(db, { connection_id: connection, channel: 'point_of_sale', number: '#2' });
  const { variantId: shirt } = await insertVariant(db, { sku: 'SHIRT' });
  const { variantId: socks } = await insertVariant(db, { sku: 'SOCKS' });
  const berlin = await insertLocation(db, { connection_id: connection });
  const hamburg = await insertLocation(db, { connection_id: connection });
  const levels: { id: bigint; payload: Record<string, unknown> }[] = [];
  for (const [variant_id, sku] of [
    [shirt, 'SHIRT'],
    [socks, 'SOCKS'],
  ] as const) {
    for (const location_id of [berlin, hamburg]) {
      const id = await insertStockLevel(db, { variant_id, location_id });
      levels.push({ id, payload: { sku, locationId: location_id } });
    }
  }
  const orders = listen(
    api,
    `subscription { orderChanged(filter: { channels: [POINT_OF_SALE] }) { order { number } } }`,
  );
  const stock = listen(
    api,
    `subscription S($at: [ID!]) { stockLevelChanged(skus: ["SOCKS"], locationIds: $at) { stockLevel { variant { sku } location { id } } } }`,
    { at: [Buffer.from(`Location:${hamburg}`).toString('base64url')] },
  );
  await joined(api, 2);
  await append(api, orderEvent(online), orderEvent(till));
  await append(
    api,
    ...levels.map(
      ({ id, payload }): NewEvent => ({
        type: 'stock.changed',
        subjectType: 'StockLevel',
        subjectId: id,
        payload,
        source: 'shopify',
      }),
    ),
  );
  await until(() => orders.received.length > 0 && stock.received.length > 0);
  await append(api, orderEvent(till));
  await until(() => orders.received.length === 2);
  expect(orders.received.map((result) => result.data.orderChanged.order.number)).toEqual(['#2', '#2']);
  expect(stock.received.map((result) => result.data.stockLevelChanged.stockLevel)).toEqual([
    {
      variant: { sku: 'SOCKS' },
      location: { id: Buffer.from(`Location:${hamburg}`).toString('base64url') },
    },
  ]);
  await orders.stop();
  await stock.stop();
});

test('a change of the sync is told as the state it led to', async () => {
  await using api = await startTestApi();
  const connection = await insertConnection(api.database.pool, { name: 'CRM', platform: 'hubspot' });
  const listening = listen(
    api,
    `subscription { syncStatusChanged { cursor syncStatus { head connections { waiting connection { name } } } } }`,
  );
  await joined(api, 1);
  await insertPush(api.database.pool, { connection_id: connection });
  const burst = Array.from(
    { length: 20 },
    (): NewEvent => ({
      type: 'push.planned',
      subjectType: 'Push',
      subjectId: 1n,
      payload: {},
      source: 'tributary',
    }),
  );
  await append(api, ...burst);
  await until(() => listening.received.at(-1)?.data?.syncStatusChanged.cursor === '20');
  // How many came before the last is up to the moment (event-source.test.ts has the rule); none comes twice or late.
  const cursors = listening.received.map((result) => Number(result.data.syncStatusChanged.cursor));
  expect(cursors).toEqual([...new Set(cursors)].sort((a, b) => a - b));
  expect(listening.received.at(-1).data.syncStatusChanged.syncStatus).toEqual({
    head: '20',
    connections: [{ waiting: 1, connection: { name: 'CRM' } }],
  });
  await listening.stop();
});

test('the same stream comes as server-sent events, from a cursor on', async () => {
  await using api = await startTestApi();
  const connection = await insertConnection(api.database.pool);
  const order = await insertOrder(api.database.pool, { connection_id: connection, number: '#9' });
  for (let n = 0; n < 3; n += 1) await append(api, orderEvent(order));
  const stop = new AbortController();
  const response = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${adminKey}`,
    },
    body: JSON.stringify({ query: `subscription { orderChanged(after: "1") { cursor order { number } } }` }),
    signal: stop.signal,
  });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  await until(() => text.split('"cursor"').length === 3);
  await append(api, orderEvent(order));
  await until(() => text.split('"cursor"').length === 4);
  const cursors = [...text.matchAll(/"cursor":"(\d+)"/g)].map((match) => match[1]);
  expect(cursors).toEqual(['2', '3', '4']);
  stop.abort();
  await reading;
});

test('what a subscriber may not see is an error in its payload or refused at once', async () => {
  const key = 'tb_orders_only_0123456789abcdef';
  await using api = await startTestApi({
    apiKeys: [
      { name: 'admin', key: adminKey, scopes: ['admin'] },
      { name: 'orders', key, scopes: ['read:orders'] },
    ],
  });
  const connection = await insertConnection(api.database.pool);
  const order = await insertOrder(api.database.pool, { connection_id: connection });
  const refused = listen(api, `subscription { customerChanged { cursor } }`, {}, { key });
  await until(() => refused.received.length + refused.errors.length > 0);
  expect(JSON.stringify([refused.received, refused.errors])).toContain('FORBIDDEN');
  const query = `subscription { orderChanged { cursor order { number customer { id } } } }`;
  const limited = listen(api, query, {}, { key });
  const full = listen(api, query);
  await joined(api, 2);
  // Different scopes are different audiences.
  expect(api.graphql.audience().groups).toBe(2);
  await append(api, orderEvent(order));
  await until(() => limited.received.length === 1 && full.received.length === 1);
  expect(full.received[0].errors).toBeUndefined();
  expect(limited.received[0].errors[0].extensions.code).toBe('FORBIDDEN');
  for (const one of [refused, limited, full]) await one.stop();
});

test('a WebSocket without a key, or with a wrong one, is closed with 4401', async () => {
  await using api = await startTestApi();
  for (const key of [null, 'tb_wrong_0123456789abcdef']) {
    const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.once('open', () =>
      socket.send(
        JSON.stringify({
          type: 'connection_init',
          payload: key === null ? {} : { authorization: `Bearer ${key}` },
        }),
      ),
    );
    expect(await closed).toBe(4401);
  }
});

test('a key that is withdrawn, or may see less, loses its sockets and its event streams, and others keep theirs', async () => {
  await using api = await startTestApi({ limits: { keyRecheckSeconds: 0.02 } });
  const keys = ['tb_withdrawn_0123456789abcdef', 'tb_narrowed_0123456789abcdef', 'tb_kept_0123456789abcdef'];
  for (const key of keys) await insertKey(api, key);
  const sockets = await Promise.all(keys.map((key) => openSocket(api, key)));
  const streams = await Promise.all(keys.map((key) => openStream(api, key)));
  await api.database.pool.query(`update api_key set revoked_at = now() where name = $1`, [keys[0]]);
  await api.database.pool.query(`update api_key set scopes = '{read:stock}' where name = $1`, [keys[1]]);
  for (const lost of [0, 1]) {
    expect(await sockets[lost]?.closed).toBe(4403);
    await streams[lost]?.ended;
  }
  const connection = await insertConnection(api.database.pool);
  await append(api, orderEvent(await insertOrder(api.database.pool, { connection_id: connection })));
  await until(() => streams[2]?.text().includes('"cursor"'));
  expect(sockets[2]?.socket.readyState).toBe(WebSocket.OPEN);
  sockets[2]?.socket.close();
  streams[2]?.stop();
});

test('one key opens so many sockets and event streams and no more, until one of them closes', async () => {
  await using api = await startTestApi({ limits: { socketsPerKey: 2, streamsPerKey: 2 } });
  await insertKey(api, 'tb_other_0123456789abcdef');
  const [first, second] = [await openSocket(api, adminKey), await openSocket(api, adminKey)];
  expect(await (await openSocket(api, adminKey)).closed).toBe(4429);
  const other = await openSocket(api, 'tb_other_0123456789abcdef');
  first.socket.close();
  await first.closed;
  const third = await openSocket(api, adminKey);
  const streams = [await openStream(api, adminKey), await openStream(api, adminKey)];
  const refused = await openStream(api, adminKey);
  expect([refused.status, await refused.ended.then(() => refused.text())]).toEqual([
    429,
    expect.stringContaining('TOO_MANY_STREAMS'),
  ]);
  streams[0]?.stop();
  await until(async () => {
    const again = await openStream(api, adminKey);
    again.stop();
    return again.status === 200;
  });
  for (const { socket } of [second, third, other]) socket.close();
  streams[1]?.stop();
});

test('a subscription over HTTP is a stream that was asked for as one, so that all are counted and end with their key', async () => {
  await using api = await startTestApi();
  const query = 'subscription { orderChanged { cursor } }';
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
  // Whatever it is told, it comes to an end; the first and the last are told why.
  for (const accept of ['*/*', 'multipart/mixed', 'application/json', 'text/html;q=0.1, */*'])
    for (const ask of [
      () =>
        fetch(api.url, {
          method: 'POST',
          headers: { ...headers, accept },
          body: JSON.stringify({ query }),
        }),
      () => fetch(`${api.url}?query=${encodeURIComponent(query)}`, { headers: { ...headers, accept } }),
    ])
      expect(await (await ask()).text(), accept).toMatch(
        accept.includes('*') ? /text\/event-stream/ : /^$|text\/event-stream/,
      );
});

test('so many sockets may be open without having shown who they are, and no more, until one shows it or closes', async () => {
  await using api = await startTestApi({ limits: { socketsUnproven: 2 } });
  const knock = async (): Promise<WebSocket | number> => {
    const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
    socket.on('error', () => undefined);
    return new Promise((resolve) => {
      socket.once('open', () => resolve(socket));
      socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    });
  };
  const [first, second] = [await knock(), await knock()];
  expect(await knock()).toBe(503);
  if (!(first instanceof WebSocket && second instanceof WebSocket)) throw new Error('not let in');
  const answered = new Promise((resolve) => first.once('message', resolve));
  first.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${adminKey}` } }));
  await answered;
  const third = await knock();
  expect(third).toBeInstanceOf(WebSocket);
  expect(await knock()).toBe(503);
  second.close();
  const last = await until(async () => {
    const tried = await knock();
    return tried instanceof WebSocket && tried;
  });
  for (const socket of [first, third, last]) if (socket instanceof WebSocket) socket.terminate();
});

test('one key is shown so many different things at a time, each on as many sockets as it likes', async () => {
  await using api = await startTestApi({ limits: { audiencesPerKey: 2 } });
  const query = (fields: string): string => `subscription { orderChanged { ${fields} } }`;
  const orders = listen(api, query('cursor'));
  const again = listen(api, query('cursor'));
  const events = listen(api, query('cursor event { id }'));
  await joined(api, 3);
  const refused = listen(api, query('event { id }'));
  await until(() => refused.errors.length + refused.received.length > 0);
  expect(JSON.stringify([refused.errors, refused.received])).toContain('TOO_MANY_SUBSCRIPTIONS');
  // One of two that see the same leaves no room; both do.
  await orders.stop();
  await joined(api, 2);
  const still = listen(api, query('event { id }'));
  await until(() => still.errors.length + still.received.length > 0);
  await again.stop();
  await joined(api, 1);
  const taken = listen(api, query('event { id }'));
  await joined(api, 2);
  expect([still.errors.length + still.received.length, taken.errors]).toEqual([1, []]);
  for (const one of [events, refused, still, taken]) await one.stop();
});

async function insertKey(api: TestApi, key: string): Promise<void> {
  await api.database.pool.query(
    'insert into api_key (name, secret_hash, prefix, scopes) values ($1, $2, $3, $4)',
    [key, createHash('sha256').update(key).digest(), key.slice(0, 8), ['read:orders']],
  );
}

/** A socket that was let in, or is about to be closed. */
async function openSocket(
  api: TestApi,
  key: string,
): Promise<{ socket: WebSocket; closed: Promise<number> }> {
  const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  const answered = new Promise((resolve) => socket.once('message', resolve));
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }));
  await Promise.race([answered, closed]);
  return { socket, closed };
}

async function openStream(
  api: TestApi,
  key: string,
): Promise<{ status: number; text: () => string; ended: Promise<void>; stop: () => void }> {
  const stop = new AbortController();
  const response = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${key}`,
    },
    body: JSON.stringify({ query: 'subscription { orderChanged { cursor } }' }),
    signal: stop.signal,
  });
  let text = '';
  const ended = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString();
  })().catch(() => undefined);
  return { status: response.status, text: () => text, ended, stop: () => stop.abort() };
}

test('a page of another site cannot open a WebSocket', async () => {
  await using api = await startTestApi({ anonymousScopes: ['read:orders'] });
  const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws', {
    origin: 'https://evil.example',
  });
  const status = await new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.once('open', () => resolve(101));
    socket.on('error', () => undefined);
  });
  expect(status).toBe(403);
});

test('a subscriber that takes nothing is closed, and others do not notice', async () => {
  await using api = await startTestApi({ limits: { socketBufferBytes: 64 * 1024 } as never });
  const connection = await insertConnection(api.database.pool);
  const order = await insertOrder(api.database.pool, { connection_id: connection, note: 'n'.repeat(40_000) });
  const query = `subscription { orderChanged { cursor order { note } } }`;
  const quick = listen(api, query);
  const slow = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
  const closed = new Promise<number>((resolve) => slow.once('close', resolve));
  slow.once('open', () =>
    slow.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${adminKey}` } })),
  );
  slow.once('message', () => {
    slow.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    slow.pause();
  });
  await joined(api, 2);
  // Enough to fill the buffers of both kernels and then ours.
  for (let n = 0; n < 300; n += 1) await append(api, orderEvent(order));
  await until(() => quick.received.length === 300);
  await until(() => api.graphql.audience().subscribers === 1);
  slow.resume();
  expect([1013, 1006]).toContain(await closed);
  await quick.stop();
});

test('a cursor from before what is kept is refused in a subscription and in the list, and never answered with a gap', async () => {
  await using api = await startTestApi();
  // As retention leaves it: 98 were given out and dropped.
  await api.database.pool.query('update event_head set position = 98, dropped_until = 98');
  await append(api, orderEvent(1n), orderEvent(2n));

  const expired = listen(api, 'subscription { eventAppended(after: "97") { cursor } }');
  await until(() => expired.errors.length > 0 || expired.received.length > 0);
  expect(JSON.stringify([expired.errors, expired.received])).toContain('"code":"CURSOR_EXPIRED"');
  await expired.stop();
  const overHttp = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      authorization: `Bearer ${adminKey}`,
    },
    body: JSON.stringify({ query: 'subscription { eventAppended(after: "97") { cursor } }' }),
  });
  expect(await overHttp.text()).toContain('"code":"CURSOR_EXPIRED"');
  const kept = listen(api, 'subscription { eventAppended(after: "98") { cursor } }');
  await until(() => kept.received.length === 2);
  expect(kept.received.map((one) => one.data.eventAppended.cursor)).toEqual(['99', '100']);
  await kept.stop();

  const list = (position: string) =>
    api.ask('query ($after: String) { events(first: 10, after: $after) { nodes { cursor } } }', {
      after: Buffer.from(JSON.stringify(['position', position])).toString('base64url'),
    });
  expect((await list('97')).errors).toMatchObject([{ extensions: { code: 'CURSOR_EXPIRED' } }]);
  expect((await list('98')).data.events.nodes).toEqual([{ cursor: '99' }, { cursor: '100' }]);
});

test('refunds, customers, events and the status are told to those who asked for such, and to nobody else', async () => {
  await using api = await startTestApi();
  const db = api.database.pool;
  const till = await insertConnection(db, { account_id: 'till' });
  const web = await insertConnection(db, { account_id: 'web' });
  const vip = await insertCustomer(db, { email: 'vip@example.com', tags: ['vip'], order_count: 2 });
  const other = await insertCustomer(db, { email: 'other@example.com' });
  const refundTo = async (customer_id: bigint, channel: string): Promise<NewEvent> => ({
    type: 'refund.created',
    subjectType: 'Refund',
    subjectId: await insertRefund(db, {
      order_id: await insertOrder(db, { connection_id: till, customer_id, channel }),
    }),
    payload: {},
    source: 'shopify',
  });
  const customerEvent = (subjectId: bigint): NewEvent => ({
    type: 'customer.updated',
    subjectType: 'Customer',
    subjectId,
    payload: {},
    source: 'hubspot',
  });
  const pushEvent = (connectionId: bigint): NewEvent => ({
    type: 'push.settled',
    subjectType: 'Push',
    subjectId: 1n,
    payload: { connectionId: connectionId.toString() },
    source: 'shopify',
  });
  const facts = [
    await refundTo(other, 'online_store'),
    await refundTo(vip, 'online_store'),
    await refundTo(vip, 'point_of_sale'),
    customerEvent(other),
    customerEvent(vip),
    pushEvent(till),
    pushEvent(web),
  ];
  const vipId = encodeGlobalId('Customer', vip);
  const expected: [string, string, string[]][] = [
    ['refundCreated', `(filter: { customerId: "${vipId}", channels: [POINT_OF_SALE] })`, ['3']],
    ['refundCreated', '(filter: { channels: null })', ['1', '2', '3']],
    ['customerChanged', '(filter: { emails: ["VIP@example.com"], tags: ["vip"], hasOrders: true })', ['5']],
    ['customerChanged', `(filter: { ids: ["${vipId}"] })`, ['5']],
    ['customerChanged', '(filter: { hasOrders: false })', ['4']],
    ['eventAppended', '(sources: [HUBSPOT])', ['4', '5']],
    ['eventAppended', `(subjectIds: ["${vipId}"])`, ['5']],
    [
      'eventAppended',
      '(subjectTypes: [REFUND, PUSH], types: [REFUND_CREATED, CUSTOMER_UPDATED])',
      ['1', '2', '3'],
    ],
    ['syncStatusChanged', `(connectionIds: ["${encodeGlobalId('Connection', till)}"])`, ['6']],
  ];
  const listening = expected.map(([field, args]) =>
    listen(api, `subscription { ${field}${args} { cursor } }`),
  );
  await joined(api, expected.length);
  await append(api, ...facts);
  for (const [index, [field, , cursors]] of expected.entries()) {
    const heard = listening[index];
    if (heard === undefined) throw new Error('not listening');
    await until(() => heard.received.length >= cursors.length);
    expect(heard.received.map(({ data }) => data[field].cursor)).toEqual(cursors);
  }
  for (const heard of listening) await heard.stop();
});

test('a change of stock tells the counts before and after and why, whatever has happened since', async () => {
  await using api = await startTestApi();
  const db = api.database.pool;
  const { variantId } = await insertVariant(db);
  const location = await insertLocation(db, { connection_id: await insertConnection(db) });
  const level = await insertStockLevel(db, {
    variant_id: variantId,
    location_id: location,
    on_hand: 3,
    available: 3,
  });
  const heard = listen(
    api,
    'subscription { stockLevelChanged { cause availableDelta before { onHand available } after { onHand available } stockLevel { available } } }',
  );
  await joined(api, 1);
  const counts = { onHand: 9, committed: 1, reserved: 0, incoming: 0, safety: 0, available: 8 };
  await append(api, {
    type: 'stock.changed',
    subjectType: 'StockLevel',
    subjectId: level,
    payload: {
      cause: 'sale',
      availableDelta: -1,
      before: counts,
      after: { ...counts, onHand: 8, available: 7 },
    },
    source: 'shopify',
  });
  await until(() => heard.received.length === 1);
  expect(heard.received[0].data.stockLevelChanged).toEqual({
    cause: 'SALE',
    availableDelta: -1,
    before: { onHand: 9, available: 8 },
    after: { onHand: 8, available: 7 },
    stockLevel: { available: 3 },
  });
  await heard.stop();
});
