import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Tx } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { pauseConnection, resumeConnection, setWriteCapabilities } from '../../src/sync/operations.ts';
import { executePush, type PushFate } from '../../src/sync/outbox/execute-push.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addPush, connect, memoryLog, sessionsFor } from './support/engine.ts';
import { fakePlatform } from './support/fake-platform.ts';
import { type FakeServer, startFakeServer } from './support/fake-server.ts';

const platforms = { hubspot: fakePlatform('hubspot') };
const circuit = { threshold: 3, firstOpenMs: 3_600_000, longestOpenMs: 7_200_000, probeMs: 60_000 };
let database: TestDatabase;
let server: FakeServer;
let connectionId: bigint;
let nextAccount = 1;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  server = await startFakeServer();
  await database.pool.query('truncate push, link, receipt, worker_lease cascade');
  await database.pool.query('delete from event');
  await database.pool.query('delete from graphile_worker._private_jobs');
  connectionId = await connect(database.pool, 'hubspot', `portal-${nextAccount}`);
  nextAccount += 1;
});
afterEach(() => server[Symbol.asyncDispose]());

const run = (id: bigint): Promise<PushFate> => runWith(platforms.hubspot, id);

function runWith(
  hubspot: typeof platforms.hubspot,
  id: bigint,
  options: Partial<Parameters<typeof executePush>[1]> = {},
): Promise<PushFate> {
  const { log } = memoryLog();
  return executePush(id, {
    ...options,
    pool: database.pool,
    sessions: sessionsFor(database.pool, platforms, log, server.url),
    platforms: { hubspot },
    log,
    metrics: createMetrics(new Registry()),
    circuit,
    random: () => 0.5,
  });
}

const push = (subjectId: bigint, changes: Partial<Parameters<typeof addPush>[1]> = {}) =>
  addPush(database.pool, { connectionId, subjectId, ...changes });
const act = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => transaction(database.pool, work);

const retry = (pushId: bigint) =>
  act((tx) =>
    applyChanges(tx, {
      changes: [{ kind: 'pushRetry', pushId }],
      source: 'tributary',
      connectionId: null,
      deliveryId: null,
      now: new Date(),
      platforms,
    }),
  );

async function row(id: bigint) {
  const { rows } = await database.pool.query(
    `select status, attempts, error_code, error, remedy, next_attempt_at is not null as later, settled_at is not null as done
     from push where id = $1`,
    [id],
  );
  return rows[0];
}

async function connection() {
  const { rows } = await database.pool.query(
    `select consecutive_failures, circuit_open_until is not null as open, circuit_reason from connection where id = $1`,
    [connectionId],
  );
  return rows[0];
}

async function eventTypes(): Promise<string[]> {
  const { rows } = await database.pool.query<{ type: string }>('select type from event order by position');
  return rows.map(({ type }) => type);
}

async function jobKeys(): Promise<string[]> {
  const { rows } = await database.pool.query<{ key: string }>(
    'select key from graphile_worker.jobs where run_at <= clock_timestamp() order by key',
  );
  return rows.map(({ key }) => key);
}

test('a push is written once and leaves a receipt, a link with what the platform holds, and an event', async () => {
  const id = await push(7n, { body: { name: 'Ada' } });
  expect(await run(id)).toBe('settled');
  expect(await row(id)).toMatchObject({ status: 'settled', attempts: 1, done: true, error: null });
  const { rows: links } = await database.pool.query(
    'select entity_type, entity_id, remote_type, remote_id, remote_version, remote_state from link',
  );
  expect(links).toEqual([
    {
      entity_type: 'Customer',
      entity_id: 7n,
      remote_type: 'thing',
      remote_id: 'r-7',
      remote_version: '1',
      remote_state: { name: 'Ada' },
    },
  ]);
  const { rows: receipts } = await database.pool.query(
    'select push_id, attempt, remote_id, adopted from receipt',
  );
  expect(receipts).toEqual([{ push_id: id, attempt: 1, remote_id: 'r-7', adopted: false }]);
  const { rows: events } = await database.pool.query('select type, payload, source, push_id from event');
  expect(events).toEqual([
    {
      type: 'push.settled',
      source: 'hubspot',
      push_id: id,
      payload: {
        connectionId: connectionId.toString(),
        kind: 'thing',
        subject: { type: 'Customer', id: '7' },
        attempts: 1,
        remoteType: 'thing',
        remoteId: 'r-7',
        adopted: false,
      },
    },
  ]);
  expect(await run(id)).toBe('nothing');
  expect(server.requests).toHaveLength(1);
});

test('an answer with characters that Postgres does not hold is recorded without them', async () => {
  const id = await push(8n);
  const half = '\u{1f600}'.slice(0, 1);
  const odd = {
    ...platforms.hubspot,
    perform: async () => ({
      remoteType: 'thing',
      remoteId: '8',
      remoteVersion: null,
      adopted: false,
      detail: { note: `cut${half}`, name: 'A\0da' },
      state: { name: `A\0da${half}` },
    }),
  };
  expect(await runWith(odd, id)).toBe('settled');
  const { rows } = await database.pool.query('select detail from receipt where push_id = $1', [id]);
  expect(rows).toEqual([{ detail: { note: 'cut\ufffd', name: 'Ada' } }]);
});

test('a receipt that the database refuses is a failure like any other: it ends as a dead letter, and counts against no platform', async () => {
  const id = await push(9n);
  await database.pool.query('alter table receipt add constraint refused check (false) not valid');
  try {
    for (let attempt = 1; attempt <= 12; attempt += 1)
      expect(await run(id)).toBe(attempt < 12 ? 'retrying' : 'dead');
  } finally {
    await database.pool.query('alter table receipt drop constraint refused');
  }
  expect(await row(id)).toMatchObject({ status: 'dead', attempts: 12, error_code: 'DATABASE_REFUSED' });
  expect(await connection()).toMatchObject({ consecutive_failures: 0, open: false });
});

test('a push found running belonged to a dead process: it is repeated with the same key and takes effect once', async () => {
  const id = await push(1n);
  expect(await run(id)).toBe('settled');
  await database.pool.query(`update push set status = 'running', settled_at = null where id = $1`, [id]);
  expect(await run(id)).toBe('settled');
  expect(server.requests.map(({ key }) => key)).toEqual([server.requests[0]?.key, server.requests[0]?.key]);
  expect(server.effects.size).toBe(1);
  expect(await row(id)).toMatchObject({ status: 'settled', attempts: 2 });
  const { rows } = await database.pool.query('select attempt, adopted from receipt order by attempt');
  expect(rows.at(-1)).toEqual({ attempt: 2, adopted: true });
});

test('a refusal is a dead letter with a remedy; a retry by hand tries it again with the same key', async () => {
  const id = await push(1n);
  server.answer = () => ({ status: 422 });
  expect(await run(id)).toBe('dead');
  expect(await row(id)).toMatchObject({
    status: 'dead',
    error_code: 'FAKE_REFUSED',
    error: 'The platform refused it.',
    remedy: 'Correct the name, then retry.',
  });
  expect(await connection()).toMatchObject({ consecutive_failures: 0, open: false });
  await retry(id);
  server.answer = () => undefined;
  expect(await run(id)).toBe('settled');
  expect(new Set(server.requests.map(({ key }) => key)).size).toBe(1);
  expect(server.requests.map(({ body }) => body.attempt)).toEqual([1, 2]);
  expect(await eventTypes()).toEqual(['push.dead', 'push.settled']);
});

test('while pushes about a subject are tried one after the other, the second comes back when the first has ended', async () => {
  const first = await push(1n);
  const second = await push(1n, { kind: 'other' });
  const elsewhere = await push(2n);
  await database.pool.query('delete from graphile_worker._private_jobs');
  let release: () => void = () => undefined;
  server.answer = () =>
    new Promise((resolve) => {
      release = () => resolve(undefined);
    });
  const running = run(first);
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await run(second)).toBe('blocked');
  expect(await row(second)).toMatchObject({ status: 'pending', attempts: 0 });
  server.answer = () => undefined;
  expect(await run(elsewhere)).toBe('settled');
  expect(await jobKeys()).toEqual([]);
  release();
  expect(await running).toBe('settled');
  expect(await jobKeys()).toEqual([`push:${second}`]);
  expect(await run(second)).toBe('settled');
});

test('a newer push takes the place of one that has failed, and is told that something may stand there already', async () => {
  const older = await push(1n, { body: { name: 'old' } });
  server.answer = async () => {
    await push(1n, { version: 2, body: { name: 'new' } });
    return { status: 503 };
  };
  expect(await run(older)).toBe('superseded');
  expect(await row(older)).toMatchObject({ status: 'superseded', done: true, later: false });
  server.answer = () => undefined;
  const { rows } = await database.pool.query<{ id: bigint }>('select id from push where version = 2');
  expect(await run(rows[0]?.id ?? 0n)).toBe('settled');
  expect(server.requests.map(({ body }) => [body.name, body.attempt])).toEqual([
    ['old', 1],
    ['new', 2],
  ]);
  await expect(retry(older)).rejects.toThrow('PUSH_NOT_RETRYABLE');
});

test('a dead push cannot be revived over a newer one', async () => {
  const older = await push(1n);
  server.answer = () => ({ status: 422 });
  await run(older);
  await push(1n, { version: 2 });
  await expect(retry(older)).rejects.toThrow('PUSH_OUTDATED');
});

test('after some failures in a row the circuit opens; pushes wait without counting; one probe closes it and all go on', async () => {
  const ids = [];
  for (let subject = 1n; subject <= 5n; subject += 1n) ids.push(await push(subject));
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n] = ids;
  server.answer = () => ({ status: 503 });
  for (const id of [a, b, c]) expect(await run(id)).toBe('retrying');
  expect(await connection()).toEqual({
    consecutive_failures: 3,
    open: true,
    circuit_reason: 'The platform answered 503.',
  });
  expect(await run(d)).toBe('held');
  expect(await row(d)).toMatchObject({
    status: 'pending',
    attempts: 0,
    error_code: 'CIRCUIT_OPEN',
    error: 'The platform is in trouble; waiting for it to answer again. The platform answered 503.',
    later: true,
  });
  expect(server.requests).toHaveLength(3);

  // Its time is up: one is let through, fails, and it opens for longer.
  const timeIsUp = () =>
    database.pool.query('update connection set circuit_open_until = now() where id = $1', [connectionId]);
  await timeIsUp();
  expect(await run(d)).toBe('retrying');
  expect(await run(e)).toBe('held');
  expect(await connection()).toMatchObject({ consecutive_failures: 4, open: true });

  await timeIsUp();
  await database.pool.query('delete from graphile_worker._private_jobs');
  server.answer = () => undefined;
  expect(await run(e)).toBe('settled');
  expect(await connection()).toEqual({ consecutive_failures: 0, open: false, circuit_reason: null });
  expect(await jobKeys()).toEqual([a, b, c, d].map((id) => `push:${id}`).sort());
  for (const id of [a, b, c, d]) expect(await run(id)).toBe('settled');
  expect((await eventTypes()).filter((type) => type.startsWith('connection.'))).toEqual([
    'connection.circuit_opened',
    'connection.circuit_closed',
  ]);
});

test('only one of many that ask at the same time becomes the probe', async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, (_, index) => push(BigInt(index + 1))));
  await database.pool.query(
    `update connection set circuit_open_until = now(), consecutive_failures = 9, circuit_reason = 'x' where id = $1`,
    [connectionId],
  );
  server.answer = () => ({ status: 503 });
  const fates = await Promise.all(ids.map(run));
  expect(fates.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'held'), 'retrying']);
  expect(server.requests).toHaveLength(1);
});

test('whoever cannot be carried out leaves the place of the probe to the next', async () => {
  const [running, blocked, next] = [await push(1n), await push(1n, { kind: 'other' }), await push(2n)];
  await database.pool.query(`update push set status = 'running', claimed_by = 'alive' where id = $1`, [
    running,
  ]);
  await database.pool.query(`insert into worker_lease (worker_id) values ('alive')`);
  await database.pool.query(
    `update connection set circuit_open_until = now(), consecutive_failures = 9, circuit_reason = 'x' where id = $1`,
    [connectionId],
  );
  // A late job of what another process carries out, and one that waits for it.
  expect(await run(running)).toBe('nothing');
  expect(await run(blocked)).toBe('blocked');
  expect(await run(next)).toBe('settled');
  expect(await connection()).toMatchObject({ consecutive_failures: 0, open: false });
});

test('a push that was put off since it was asked for is left until its time, and has a job for it', async () => {
  const id = await push(1n);
  server.answer = () => ({ status: 503 });
  expect(await run(id)).toBe('retrying');
  // Another process still has it in hand from before.
  await database.pool.query('delete from graphile_worker._private_jobs');
  await database.pool.query(`update push set next_attempt_at = now() + interval '1 hour' where id = $1`, [
    id,
  ]);
  expect(await runWith(platforms.hubspot, id, { early: false })).toBe('early');
  expect(server.requests).toHaveLength(1);
  const { rows } = await database.pool.query(
    'select j.key, j.run_at = p.next_attempt_at as "inTime" from graphile_worker.jobs j, push p',
  );
  expect(rows).toEqual([{ key: `push:${id}`, inTime: true }]);
  await database.pool.query(`update push set next_attempt_at = now() where id = $1`, [id]);
  server.answer = () => undefined;
  expect(await runWith(platforms.hubspot, id, { early: false })).toBe('settled');
});

test('a platform that names its time keeps the circuit open for that long', async () => {
  server.answer = () => ({ status: 429, headers: { 'retry-after': '86400' } });
  for (let subject = 1n; subject <= 3n; subject += 1n) await run(await push(subject));
  const { rows } = await database.pool.query(
    'select round(extract(epoch from circuit_open_until - now()) / 3600) as hours from connection where id = $1',
    [connectionId],
  );
  expect(rows).toEqual([{ hours: '24' }]);
});

test('a paused connection holds its pushes with the reason, and resuming lets them go', async () => {
  const id = await push(1n);
  await act((tx) => pauseConnection(tx, connectionId, 'Stocktaking.', 'tributary'));
  expect(await run(id)).toBe('held');
  expect(await row(id)).toMatchObject({
    status: 'pending',
    attempts: 0,
    error_code: 'CONNECTION_PAUSED',
    error: 'The connection is paused. Stocktaking.',
    later: false,
  });
  await database.pool.query('delete from graphile_worker._private_jobs');
  await act((tx) => resumeConnection(tx, connectionId));
  expect(await jobKeys()).toEqual([`push:${id}`]);
  expect(await run(id)).toBe('settled');
  expect(await row(id)).toMatchObject({ error: null, error_code: null });
  expect(await eventTypes()).toEqual(['connection.paused', 'connection.resumed', 'push.settled']);
  expect(server.requests).toHaveLength(1);
});

test('what is locked stays a plan, unlocking carries it out, and locking again makes plans of what waits', async () => {
  await act((tx) => setWriteCapabilities(tx, connectionId, []));
  const id = await push(1n, { status: 'plan' });
  const slipped = await push(2n);
  expect(await run(id)).toBe('nothing');
  expect(await run(slipped)).toBe('held');
  expect((await row(slipped)).status).toBe('plan');
  await act((tx) => setWriteCapabilities(tx, connectionId, ['other']));
  expect((await row(id)).status).toBe('plan');
  await act((tx) => setWriteCapabilities(tx, connectionId, ['thing']));
  expect((await row(id)).status).toBe('pending');
  expect(await jobKeys()).toEqual([`push:${id}`, `push:${slipped}`]);
  await act((tx) => setWriteCapabilities(tx, connectionId, []));
  expect((await row(id)).status).toBe('plan');
  expect(await jobKeys()).toEqual([]);
  expect(server.requests).toHaveLength(0);
});
