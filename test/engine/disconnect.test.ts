import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { upsertConnection } from '../../src/sync/connections/connections.ts';
import { disconnectConnection, endWebhooks } from '../../src/sync/connections/disconnect.ts';
import { resealCredentials } from '../../src/sync/connections/reseal.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { pauseConnection, resumeConnection, setWriteCapabilities } from '../../src/sync/operations.ts';
import { executePush } from '../../src/sync/outbox/execute-push.ts';
import type { Platform, Session } from '../../src/sync/platforms/platform.ts';
import { processDelivery } from '../../src/sync/process-delivery.ts';
import { requestSweep } from '../../src/sync/reconcile/request-sweep.ts';
import { recoverOrphans } from '../../src/sync/recover-work.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addDelivery, addPush, connect, encryptionKey, memoryLog, sessionsFor } from './support/engine.ts';
import { type FakeCredentials, fakePlatform } from './support/fake-platform.ts';
import { type FakeServer, startFakeServer } from './support/fake-server.ts';

const circuit = { threshold: 3, firstOpenMs: 3_600_000, longestOpenMs: 7_200_000, probeMs: 60_000 };
let database: TestDatabase;
let server: FakeServer;
let id: bigint;
let account = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  server = await startFakeServer();
  await database.pool.query('truncate connection, event cascade');
  await database.pool.query('delete from graphile_worker._private_jobs');
  account += 1;
  id = await connect(database.pool, 'hubspot', `portal-${account}`);
});
afterEach(() => server[Symbol.asyncDispose]());

const disconnect = (reason = 'We left them.') =>
  transaction(database.pool, (tx) => disconnectConnection(tx, id, reason));

const connectAgain = (writeCapabilities?: string[]) =>
  transaction(database.pool, (tx) =>
    upsertConnection(tx, {
      platform: 'hubspot',
      accountId: `portal-${account}`,
      name: 'again',
      credentials: { secret: 'a new secret', token: 'a new token' },
      encryptionKey,
      ...(writeCapabilities === undefined ? {} : { writeCapabilities }),
    }),
  );

function options(platform: Platform = fakePlatform('hubspot') as Platform) {
  const { log } = memoryLog();
  const platforms = { hubspot: platform };
  return {
    pool: database.pool,
    sessions: sessionsFor(database.pool, platforms, log, server.url),
    platforms,
    log,
    metrics: createMetrics(new Registry()),
    circuit,
    random: () => 0.5,
  };
}

async function one(sql: string, values: unknown[] = []) {
  return (await database.pool.query(sql, values)).rows[0];
}

const connection = () =>
  one(
    `select status, status_reason as reason, length(credentials) as bytes, write_capabilities as writes,
       consecutive_failures as failures, circuit_open_until as until from connection where id = $1`,
    [id],
  );

async function statuses(): Promise<string[]> {
  const { rows } = await database.pool.query('select status from push order by id');
  return rows.map(({ status }) => status);
}

async function events() {
  const { rows } = await database.pool.query(
    `select type, payload from event where type like 'connection.%' order by position`,
  );
  return rows;
}

test('credentials and permissions go, what waits becomes a plan, what runs and what ended stays, and it is told once', async () => {
  await database.pool.query(
    `update connection set consecutive_failures = 4, circuit_open_until = now() + interval '1 hour' where id = $1`,
    [id],
  );
  for (const [index, status] of ['pending', 'retrying', 'running', 'plan', 'dead'].entries())
    await addPush(database.pool, { connectionId: id, subjectId: BigInt(index + 1), status });
  await addDelivery(database.pool, { connectionId: id });
  const running = await one(`select id from push where status = 'running'`);

  expect(await disconnect('  We left them.  ')).toEqual({
    position: expect.any(BigInt),
    pushIds: [running.id],
    plannedCount: 2,
    waitingDeliveryCount: 1,
  });
  expect(await connection()).toEqual({
    status: 'disconnected',
    reason: 'We left them.',
    bytes: 0,
    writes: [],
    failures: 0,
    until: null,
  });
  expect(await statuses()).toEqual(['plan', 'plan', 'running', 'plan', 'dead']);
  expect(
    await one(`select count(*)::int as jobs from graphile_worker.jobs where key in ('push:1', 'push:2')`),
  ).toEqual({
    jobs: 0,
  });
  expect((await disconnect('Again.')).position).toBeNull();
  expect(await events()).toEqual([
    {
      type: 'connection.disconnected',
      payload: { reason: 'We left them.', planned: 2, waitingDeliveries: 1 },
    },
  ]);
});

test('a reason is asked for, and an account that is not there is none', async () => {
  await expect(disconnect('  ')).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'reason' });
  await expect(disconnect('x'.repeat(1_001))).rejects.toMatchObject({ field: 'reason' });
  await expect(
    transaction(database.pool, (tx) => disconnectConnection(tx, 999_999n, 'Gone.')),
  ).rejects.toMatchObject({ code: 'CONNECTION_UNKNOWN', missing: { type: 'Connection', id: 999_999n } });
  expect(await connection()).toMatchObject({ status: 'active', writes: ['*'] });
});

test('nothing but connecting it again switches it on: not resuming, unlocking, pausing, sweeping nor a push that is tried', async () => {
  const push = await addPush(database.pool, { connectionId: id, subjectId: 1n });
  await disconnect();
  const { pool } = database;
  const refused = expect.objectContaining({ code: 'CONNECTION_DISCONNECTED' });
  for (const attempt of [
    () => transaction(pool, (tx) => resumeConnection(tx, id)),
    () => transaction(pool, (tx) => pauseConnection(tx, id, 'Stop.', 'tributary')),
    () => transaction(pool, (tx) => setWriteCapabilities(tx, id, ['*'])),
    () => transaction(pool, (tx) => requestSweep(tx, id, false)),
  ])
    await expect(attempt()).rejects.toEqual(refused);
  // As `pushRetry` leaves it.
  await pool.query(`update push set status = 'pending' where id = $1`, [push]);
  expect(await executePush(push, options())).toBe('held');
  expect(await statuses()).toEqual(['plan']);
  expect(server.requests).toEqual([]);
  expect(await connection()).toMatchObject({ status: 'disconnected', bytes: 0, writes: [] });
});

test('a push that was under way may end well; what it leaves behind otherwise is a plan and not tried', async () => {
  const [well, badly] = [
    await addPush(database.pool, { connectionId: id, subjectId: 1n }),
    await addPush(database.pool, { connectionId: id, subjectId: 2n }),
  ];
  server.answer = async () => {
    if (server.requests.length === 1) await disconnect();
    return server.requests.length === 1 ? undefined : { status: 503 };
  };
  const running = options();
  expect(await executePush(well, running)).toBe('settled');
  expect(await statuses()).toEqual(['settled', 'plan']);

  await connectAgain(['*']);
  await transaction(database.pool, (tx) => setWriteCapabilities(tx, id, ['*']));
  server.answer = async () => {
    await disconnect();
    return { status: 503 };
  };
  expect(await executePush(badly, running)).toBe('retrying');
  await executePush(badly, { ...running, early: true });
  expect(await statuses()).toEqual(['settled', 'plan']);
  expect(server.requests).toHaveLength(2);
});

test('a refusal that comes late does not turn it into an account that may be resumed', async () => {
  const push = await addPush(database.pool, { connectionId: id, subjectId: 1n });
  server.answer = async () => {
    await disconnect();
    return { status: 401 };
  };
  expect(await executePush(push, options())).toBe('held');
  expect(await connection()).toMatchObject({ status: 'disconnected', reason: 'We left them.' });
  expect((await events()).map(({ type }) => type)).toEqual(['connection.disconnected']);
});

test('credentials that are refreshed while it is disconnected are not stored, and nobody is given the old ones', async () => {
  const session = (await options().sessions.get(id)) as Session<FakeCredentials>;
  expect((await session.credentials()).token).toBe('token');
  await session.rotate(async (current) => {
    await disconnect();
    return { ...current, token: 'a fresh token' };
  });
  expect(await connection()).toMatchObject({ bytes: 0 });
  await expect(session.credentials()).rejects.toMatchObject({ code: 'CONNECTION_DISCONNECTED' });
});

test('a delivery that needs the platform waits for it, without a job, and goes on once it is connected again', async () => {
  const delivery = await addDelivery(database.pool, { connectionId: id });
  await disconnect();
  const asking = {
    ...fakePlatform('hubspot'),
    interpret: async (_delivery: unknown, session: Session<FakeCredentials>) => {
      await session.credentials();
      return { kind: 'changes' as const, changes: [] };
    },
  } as unknown as Platform;
  expect(await processDelivery(delivery, options(asking))).toEqual(new Map([[delivery, 'held']]));
  expect(
    await one('select status, error_code as code, error, remedy from delivery where id = $1', [delivery]),
  ).toEqual({
    status: 'pending',
    code: 'CONNECTION_REVOKED',
    error: `Connection ${id} is disconnected: its credentials are forgotten.`,
    remedy: expect.stringContaining('npx tributary connection connect'),
  });
  await database.pool.query('delete from graphile_worker._private_jobs');
  expect(await recoverOrphans(database.pool, -1_000)).toMatchObject({ deliveries: 0, pushes: 0 });

  expect(await connectAgain()).toBe(id);
  expect(await connection()).toMatchObject({ status: 'active', reason: null, writes: [] });
  expect(await one('select error from delivery where id = $1', [delivery])).toEqual({ error: null });
  expect(await one('select count(*)::int as jobs from graphile_worker.jobs')).toEqual({ jobs: 1 });
  expect((await events()).map(({ type }) => type)).toEqual(['connection.disconnected', 'connection.resumed']);
});

test('connected again it observes: plans stay plans until a person unlocks, and then they are carried out', async () => {
  const push = await addPush(database.pool, { connectionId: id, subjectId: 1n });
  await disconnect();
  await connectAgain();
  expect(await statuses()).toEqual(['plan']);
  expect(await executePush(push, options())).toBe('nothing');
  await transaction(database.pool, (tx) => setWriteCapabilities(tx, id, ['thing']));
  expect(await executePush(push, options())).toBe('settled');
  expect(server.effects.size).toBe(1);
});

test('a new encryption key passes it by: there is nothing to seal', async () => {
  await disconnect();
  const other = await connect(database.pool, 'quickbooks', 'realm');
  const key = Buffer.alloc(32, 9);
  expect(await resealCredentials(database.pool, { key, previousKey: encryptionKey, supplied: [] })).toBe(1);
  expect(await connection()).toMatchObject({ bytes: 0 });
  expect(
    (await one('select length(credentials) as bytes from connection where id = $1', [other])).bytes,
  ).toBeGreaterThan(0);
});

test('webhooks are ended where the platform allows it, and nothing that goes wrong there holds anybody up', async () => {
  const { log, text } = memoryLog();
  const session = async () => ({}) as Session<unknown>;
  const facts = { id, platform: 'hubspot' as const, status: 'active' as const };
  const end = (release?: () => Promise<number>) =>
    endWebhooks(facts, {
      platform: { ...fakePlatform('hubspot'), ...(release === undefined ? {} : { release }) } as Platform,
      session,
      log,
      patienceMs: 30,
    });
  expect(await end(async () => 26)).toEqual({
    removedCount: 26,
    message: '26 subscriptions were removed at hubspot.',
    remedy: null,
  });
  expect(await end()).toEqual({
    removedCount: 0,
    message: 'Webhooks of hubspot are set up by a person there.',
    remedy: 'Remove what hubspot still sends here where it was set up; until then it is answered with 404.',
  });
  expect(await end(() => new Promise(() => undefined))).toMatchObject({
    removedCount: 0,
    message: 'The webhooks could not be removed. The platform did not answer in time.',
  });
  expect(await end(() => Promise.reject(new Error('boom shpat_secret')))).toMatchObject({
    message: 'The webhooks could not be removed. The log tells more.',
    remedy: expect.stringContaining('Remove what hubspot still sends'),
  });
  expect(text()).toContain('could not be removed');
  const off = { ...facts, status: 'disconnected' as const };
  expect(await endWebhooks(off, { platform: undefined, session, log })).toMatchObject({
    message: 'It was off already.',
  });
});
