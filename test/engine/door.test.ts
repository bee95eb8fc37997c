import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect as openSocket } from 'node:net';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import { upsertConnection } from '../../src/sync/connections/connections.ts';
import { Inbox } from '../../src/sync/inbox/inbox.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { createDoor, type DoorOptions } from '../../src/webhooks/receive.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connect, encryptionKey, eventually, memoryLog } from './support/engine.ts';
import { fakePlatform, sign } from './support/fake-platform.ts';

const account = 'one.example';
const secret = `secret of ${account}`;
const maxBodyBytes = 4_096;

let database: TestDatabase;
let connectionId: bigint;
let memory: ReturnType<typeof memoryLog>;

beforeAll(async () => {
  database = await createTestDatabase();
  connectionId = await connect(database.pool, 'shopify', account);
  await connect(database.pool, 'hubspot', 'portal-1', { secret: 'app secret' });
  await connect(database.pool, 'hubspot', 'portal-2', { secret: 'app secret' });
  await connect(database.pool, 'hubspot', 'portal-3', { secret: 'other secret' });
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  memory = memoryLog();
  await database.pool.query('delete from delivery');
  await database.pool.query('delete from graphile_worker._private_jobs');
});

interface RunningDoor extends AsyncDisposable {
  url: string;
  port: number;
  metrics: ReturnType<typeof createMetrics>;
}

async function openDoor(options: Partial<DoorOptions> = {}): Promise<RunningDoor> {
  const metrics = createMetrics(new Registry());
  const door = createDoor({
    pool: database.pool,
    platforms: {
      shopify: fakePlatform('shopify'),
      hubspot: fakePlatform('hubspot', { accountInHeader: false }),
    },
    encryptionKey,
    publicUrl: 'https://tributary.example',
    log: memory.log,
    metrics,
    maxBodyBytes,
    keyRereadMs: 0,
    ...options,
  });
  const server: Server = createServer((request, response) => {
    void door.handle(request, response, (request.url ?? '').replace('/webhooks/', ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks`,
    port,
    metrics,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function message(changes: Record<string, unknown> = {}): string {
  return JSON.stringify({
    account,
    id: 'd-1',
    topic: 'things/update',
    subject: 'thing:1',
    data: { name: 'Shop' },
    ...changes,
  });
}

function post(door: RunningDoor, body: string, headers: Record<string, string> = {}, path = 'shopify') {
  return fetch(`${door.url}/${path}`, {
    method: 'POST',
    body,
    headers: { 'x-fake-account': account, 'x-fake-signature': sign(secret, body), ...headers },
  });
}

async function stored(): Promise<{ deliveries: number; jobs: number }> {
  const { rows } = await database.pool.query<{ deliveries: number; jobs: number }>(
    `select (select count(*)::int from delivery) as deliveries, (select count(*)::int from graphile_worker.jobs) as jobs`,
  );
  return rows[0] ?? { deliveries: -1, jobs: -1 };
}

/** Sends bytes as they are and reads until the other side closes. */
function sendRaw(port: number, ...parts: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = openSocket(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
    socket.on('close', () => resolve(answer));
  });
}

test('a genuine delivery is stored with its raw body, gets a job, and is acknowledged after the commit', async () => {
  await using door = await openDoor();
  const response = await post(door, message());
  expect(response.status).toBe(200);
  expect(await response.text()).toBe('');
  const { rows } = await database.pool.query(
    'select connection_id, external_id, event_id, topic, subject, status, body from delivery',
  );
  expect(rows).toEqual([
    {
      connection_id: connectionId,
      external_id: 'd-1',
      event_id: null,
      topic: 'things/update',
      subject: 'thing:1',
      status: 'pending',
      body: Buffer.from('{"name":"Shop"}'),
    },
  ]);
  const { rows: jobs } = await database.pool.query(
    `select j.task_identifier, j.key = 'delivery:' || d.connection_id || ':' || d.subject as keyed, p.payload ->> 'lane' as lane
     from graphile_worker.jobs j join graphile_worker._private_jobs p on p.id = j.id cross join delivery d`,
  );
  expect(jobs).toEqual([{ task_identifier: 'delivery', keyed: true, lane: `${connectionId}:thing:1` }]);
  expect(memory.lines).toEqual([]);
});

test('ten times the same delivery, one after the other and at once, is stored once', async () => {
  await using door = await openDoor();
  const statuses = [
    (await post(door, message())).status,
    ...(await Promise.all(Array.from({ length: 9 }, () => post(door, message())))).map(
      ({ status }) => status,
    ),
  ];
  expect(statuses).toEqual(Array.from({ length: 10 }, () => 200));
  expect(await stored()).toEqual({ deliveries: 1, jobs: 1 });
});

test('what the platform’s door has no use for is stored as ignored, whole, and makes no work', async () => {
  await using door = await openDoor();
  const parts = [
    message({ id: 'd-1', topic: 'ignored/update', data: { name: 'of no use' } }),
    message({ id: 'd-2', data: { name: 'of use' } }),
    message({ id: 'd-3', topic: 'ignored/update', data: { name: 'of no use either' } }),
  ];
  expect((await post(door, `[${parts.join()}]`)).status).toBe(200);
  expect((await post(door, parts[0] ?? '')).status).toBe(200);
  const { rows } = await database.pool.query(
    `select external_id as id, convert_from(body, 'UTF8') as body, status, outcome, settled_at = received_at as at_once,
       (select count(*)::int from graphile_worker.jobs j where d.status = 'pending' and j.key = 'delivery:' || d.connection_id || ':' || d.subject) as jobs
     from delivery d order by external_id`,
  );
  const ignored = { status: 'settled', outcome: 'ignored', at_once: true, jobs: 0 };
  expect(rows).toEqual([
    { id: 'd-1', body: '{"name":"of no use"}', ...ignored },
    { id: 'd-2', body: '{"name":"of use"}', status: 'pending', outcome: null, at_once: null, jobs: 1 },
    { id: 'd-3', body: '{"name":"of no use either"}', ...ignored },
  ]);
});

describe('hostile input gets the right status, a clear log line without secrets, and is not stored', () => {
  const deep = `${'['.repeat(200)}${']'.repeat(200)}`;
  const table: [string, (door: RunningDoor) => Promise<Response>, number, Record<string, unknown>][] = [
    [
      'unsigned',
      (door) =>
        fetch(`${door.url}/shopify`, {
          method: 'POST',
          body: message(),
          headers: { 'x-fake-account': account },
        }),
      401,
      { reason: 'UNSIGNED' },
    ],
    [
      'wrongly signed',
      (door) => post(door, message(), { 'x-fake-signature': 'f'.repeat(64) }),
      401,
      { reason: 'BAD_SIGNATURE' },
    ],
    [
      'signed for another body',
      (door) => post(door, message({ topic: 'other' }), { 'x-fake-signature': sign(secret, message()) }),
      401,
      { reason: 'BAD_SIGNATURE' },
    ],
    [
      'oversized by its own account',
      (door) => post(door, 'x'.repeat(maxBodyBytes + 1)),
      413,
      { reason: 'TOO_LARGE', bytes: maxBodyBytes + 1 },
    ],
    ['truncated', (door) => post(door, message().slice(0, -5)), 400, { reason: 'MALFORMED' }],
    ['nested too deeply', (door) => post(door, deep), 400, { reason: 'TOO_DEEP' }],
    ['not JSON', (door) => post(door, '<xml/>'), 400, { reason: 'MALFORMED' }],
    ['empty', (door) => post(door, ''), 400, { reason: 'MALFORMED' }],
    ['of wrong types', (door) => post(door, message({ id: 5, topic: null })), 400, { reason: 'MALFORMED' }],
    [
      'with a NUL in a name',
      (door) => post(door, message({ subject: 'a\0b' })),
      400,
      { reason: 'MALFORMED' },
    ],
    [
      'with an endless name',
      (door) => post(door, message({ id: 'x'.repeat(501) })),
      400,
      { reason: 'MALFORMED' },
    ],
    [
      'from an unknown shop',
      (door) => post(door, message(), { 'x-fake-account': 'evil.example' }),
      404,
      { reason: 'UNKNOWN_ACCOUNT', account: 'evil.example' },
    ],
    [
      'to an unknown platform',
      (door) => post(door, message(), {}, 'myspace'),
      404,
      { reason: 'UNKNOWN_PLATFORM', platform: 'unknown' },
    ],
    [
      'to a platform this process has not got',
      (door) => post(door, message(), {}, 'amazon'),
      404,
      { reason: 'UNKNOWN_PLATFORM' },
    ],
    ['with another method', (door) => fetch(`${door.url}/shopify`), 405, { reason: 'METHOD_NOT_ALLOWED' }],
  ];
  test.each(table)('%s', async (_name, send, status, line) => {
    await using door = await openDoor();
    const response = await send(door);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: { code: line.reason } });
    expect(memory.lines).toHaveLength(1);
    expect(memory.lines[0]).toMatchObject({
      level: 'warn',
      msg: 'Webhook refused',
      status,
      remoteAddress: expect.stringContaining('127.0.0.1'),
      bytes: expect.any(Number),
      platform: 'shopify',
      ...line,
      ...(String(line.reason) === 'UNKNOWN_PLATFORM' ? { platform: 'unknown' } : {}),
    });
    for (const kept of [secret, 'Shop"', 'f'.repeat(64), 'things/update'])
      expect(memory.text()).not.toContain(kept);
    expect(await stored()).toEqual({ deliveries: 0, jobs: 0 });
  });

  test('an unknown topic is genuine: it is stored, and processing decides', async () => {
    await using door = await openDoor();
    expect((await post(door, message({ topic: 'unknown/topic' }))).status).toBe(200);
    expect(await stored()).toEqual({ deliveries: 1, jobs: 1 });
  });
});

test('an oversized body sent in chunks is cut off: 413 without reading on, and the connection ends', async () => {
  await using door = await openDoor();
  const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`;
  const answer = await sendRaw(
    door.port,
    `POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\nx-fake-account: ${account}\r\nx-fake-signature: ab\r\ntransfer-encoding: chunked\r\n\r\n`,
    ...Array.from({ length: 8 }, () => chunk),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer.toLowerCase()).toContain('connection: close');
  expect(memory.lines[0]).toMatchObject({ status: 413, reason: 'TOO_LARGE' });
  expect(await stored()).toEqual({ deliveries: 0, jobs: 0 });
});

test('bodies that are being read hold only so much memory together: more is asked to come again', async () => {
  await using door = await openDoor({ allBodiesBytes: 3_000 });
  const head = `POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\nx-fake-account: ${account}\r\nx-fake-signature: ab\r\ncontent-length: 2500\r\nconnection: close\r\n\r\n`;
  const first = openSocket(door.port, '127.0.0.1', () => first.write(head + 'x'.repeat(2_000)));
  let second: string;
  do {
    // Until the first has arrived, the second is read and found to be forged.
    second = await sendRaw(door.port, head, 'x'.repeat(2_500));
  } while (second.startsWith('HTTP/1.1 401 '));
  expect(second).toMatch(/^HTTP\/1\.1 503 /);
  expect(second).toContain('{"error":{"code":"TOO_BUSY"}}');
  expect(second.toLowerCase()).toContain('retry-after: 10');
  // Whoever was there first is read to the end, and what it held is free again.
  const answered = new Promise<string>((resolve) => first.once('data', (data) => resolve(String(data))));
  first.write('x'.repeat(500));
  expect(await answered).toMatch(/^HTTP\/1\.1 401 /);
  first.destroy();
  expect((await post(door, message({ data: 'x'.repeat(2_000) }))).status).toBe(200);
});

test('a body announced as too large is refused before any of it is sent', async () => {
  await using door = await openDoor();
  const answer = await sendRaw(
    door.port,
    `POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\nx-fake-account: ${account}\r\nx-fake-signature: ab\r\ncontent-length: 99999999\r\n\r\n`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
});

test('a sender that never finishes its body is cut off', async () => {
  await using door = await openDoor({ bodyTimeoutMs: 50 });
  const answer = await sendRaw(
    door.port,
    `POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\nx-fake-account: ${account}\r\nx-fake-signature: ab\r\ncontent-length: 100\r\n\r\n{"a":`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(memory.lines[0]).toMatchObject({ status: 408, reason: 'TOO_SLOW', bytes: 5 });
});

describe('a platform that names the account only in the body', () => {
  const send = (door: RunningDoor, body: string, key: string) =>
    post(door, body, { 'x-fake-signature': sign(key, body) }, 'hubspot');
  const of = (...accounts: string[]): string =>
    JSON.stringify(
      accounts.map((name, index) => ({ account: name, id: `${name}-${index}`, topic: 't', subject: 's' })),
    );

  test('each delivery of a request goes to its own connection', async () => {
    await using door = await openDoor();
    expect((await send(door, of('portal-1', 'portal-2'), 'app secret')).status).toBe(200);
    const { rows } = await database.pool.query(
      'select c.account_id from delivery d join connection c on c.id = d.connection_id order by 1',
    );
    expect(rows).toEqual([{ account_id: 'portal-1' }, { account_id: 'portal-2' }]);
  });

  test("a request signed with one account's secret cannot speak for another", async () => {
    await using door = await openDoor();
    expect((await send(door, of('portal-1', 'portal-3'), 'app secret')).status).toBe(401);
    expect((await send(door, of('portal-1'), 'other secret')).status).toBe(401);
    expect(await stored()).toEqual({ deliveries: 0, jobs: 0 });
  });

  test('accounts that are not connected are passed over; a request of nothing else is 404', async () => {
    await using door = await openDoor();
    expect((await send(door, of('portal-1', 'portal-9'), 'app secret')).status).toBe(200);
    expect(await stored()).toEqual({ deliveries: 1, jobs: 1 });
    expect((await send(door, of('portal-9'), 'app secret')).status).toBe(404);
  });
});

test('a rotated secret works at once, and its reading is limited', async () => {
  const rotated = 'rotated.example';
  await using door = await openDoor({ keyTtlMs: 3_600_000 });
  await connect(database.pool, 'shopify', rotated);
  const send = (key: string) => {
    const body = message({ account: rotated, id: key });
    return post(door, body, { 'x-fake-account': rotated, 'x-fake-signature': sign(key, body) });
  };
  expect((await send(`secret of ${rotated}`)).status).toBe(200);
  await connect(database.pool, 'shopify', rotated, { secret: 'the new one' });
  expect((await send('the new one')).status).toBe(200);
  expect((await send(`secret of ${rotated}`)).status).toBe(401);

  await using patient = await openDoor({ keyTtlMs: 3_600_000, keyRereadMs: 3_600_000 });
  const forged = (id: string) => post(patient, message({ id }), { 'x-fake-signature': 'forged' });
  expect((await forged('1')).status).toBe(401);
  await connect(database.pool, 'shopify', rotated, { secret: 'a third one' });
  const body = message({ account: rotated });
  const headers = { 'x-fake-account': rotated, 'x-fake-signature': sign('a third one', body) };
  expect((await post(patient, body, headers)).status).toBe(401);
});

test('credentials that cannot be opened make it 503, so that the platform comes again', async () => {
  const broken = 'broken.example';
  await transaction(database.pool, (tx) =>
    upsertConnection(tx, {
      platform: 'shopify',
      accountId: broken,
      name: broken,
      credentials: { secret: 's', token: 't' },
      encryptionKey: Buffer.alloc(32, 9),
    }),
  );
  await using door = await openDoor();
  const body = message({ account: broken });
  const response = await post(door, body, { 'x-fake-account': broken, 'x-fake-signature': sign('s', body) });
  expect(response.status).toBe(503);
  await database.pool.query('delete from connection where account_id = $1', [broken]);
});

test('while the database is down or hangs the answer is 503 with Retry-After, never 200', async () => {
  const url = new URL(database.url);
  await using door = await openDoor();
  expect((await post(door, message({ id: 'before' }))).status).toBe(200);

  const dead = createPool({
    connectionString: `postgresql://nobody@127.0.0.1:1${url.pathname}`,
    max: 1,
    applicationName: 'dead',
  });
  // Known secrets, but no database behind the inbox.
  const onlyKeys = {
    query: (query: { name?: string }) =>
      query.name === 'read-key-ring' ? database.pool.query(query as never) : dead.query(query as never),
  } as unknown as Pool;
  await using closed = await openDoor({ pool: onlyKeys });
  const response = await post(closed, message({ id: 'down' }));
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('10');
  expect(memory.lines.at(-1)).toMatchObject({ level: 'error', status: 503, msg: 'Webhook not acknowledged' });

  const client = await database.pool.connect();
  try {
    await using hanging = await openDoor({ commitTimeoutMs: 100 });
    await client.query('begin');
    await client.query('lock table delivery in access exclusive mode');
    expect((await post(hanging, message({ id: 'hanging' }))).status).toBe(503);
    await client.query('rollback');
    // What is committed late was not acknowledged; its repetition is a duplicate.
    await eventually(stored, (seen) => seen.deliveries === 2);
    expect((await post(hanging, message({ id: 'hanging' }))).status).toBe(200);
    expect(await stored()).toEqual({ deliveries: 2, jobs: 1 });
  } finally {
    client.release();
  }
  await dead.end();
});

test('one row that the database refuses does not take down the requests it shares a batch with', async () => {
  const inbox = new Inbox({ pool: database.pool, log: memory.log, metrics: createMetrics(new Registry()) });
  const store = (externalId: string, connection = connectionId) =>
    inbox
      .store([
        {
          connectionId: connection,
          externalId,
          eventId: null,
          topic: 't',
          subject: 's',
          triggeredAt: null,
          receivedAt: new Date(),
          body: Buffer.from('{}'),
        },
      ])
      .then(
        () => 'stored',
        () => 'failed',
      );
  const unknownConnection = 999_999n;
  expect(await Promise.all([store('a'), store('b', unknownConnection), store('c')])).toEqual([
    'stored',
    'failed',
    'stored',
  ]);
  expect(await stored()).toEqual({ deliveries: 2, jobs: 1 });
});

test('requests that arrive together share a statement', async () => {
  await using door = await openDoor();
  await Promise.all(Array.from({ length: 64 }, (_, index) => post(door, message({ id: `b-${index}` }))));
  expect(await stored()).toEqual({ deliveries: 64, jobs: 1 });
  const metric = await door.metrics.inboxBatchRows.get();
  const count = metric.values.find((value) => value.metricName === 'tributary_inbox_batch_rows_count')?.value;
  expect(count).toBeLessThan(40);
});

test('what waits for a database that hangs is bounded by its bytes, and one statement holds no more than its share', async () => {
  const metrics = createMetrics(new Registry());
  const inbox = new Inbox({
    pool: database.pool,
    log: memoryLog().log,
    metrics,
    limits: { waiting: 100, waitingBytes: 1_000, batchBytes: 300 },
  });
  const connectionId = await connect(database.pool, 'shopify', 'waiting.example');
  const store = (n: number, bytes: number): Promise<void> =>
    inbox.store([
      {
        connectionId,
        externalId: `waiting-${n}`,
        eventId: null,
        topic: 'things/update',
        subject: `thing:${n}`,
        triggeredAt: null,
        receivedAt: new Date(),
        body: Buffer.alloc(bytes),
      },
    ]);
  const hanging = await database.pool.connect();
  await hanging.query('begin; lock table delivery in access exclusive mode');
  const stored = [store(0, 100)];
  // The first is under way by itself; the others gather.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  for (let n = 1; n <= 9; n += 1) stored.push(store(n, 100));
  await expect(store(10, 1)).rejects.toThrow('INBOX_OVERLOADED');
  await hanging.query('commit');
  hanging.release();
  await Promise.all(stored);
  await store(10, 1_000);
  const { values } = await metrics.inboxBatchRows.get();
  const of = (suffix: string): number =>
    values.find(({ metricName }) => metricName?.endsWith(suffix) === true)?.value ?? -1;
  // One, three times three, and one.
  expect([of('_sum'), of('_count')]).toEqual([11, 5]);
});
