import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { AppError } from '../../src/errors.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { pauseConnection, resumeConnection } from '../../src/sync/operations.ts';
import { executePush, type PushFate } from '../../src/sync/outbox/execute-push.ts';
import { naturalBatch } from '../../src/sync/platforms/natural-batch.ts';
import type { Platform } from '../../src/sync/platforms/platform.ts';
import { processDelivery } from '../../src/sync/process-delivery.ts';
import { recoverOrphans } from '../../src/sync/recover-work.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addDelivery, addPush, connect, memoryLog, sessionsFor, stubApply } from './support/engine.ts';
import { fakePlatform } from './support/fake-platform.ts';
import { type FakeServer, startFakeServer } from './support/fake-server.ts';

const circuit = { threshold: 3, firstOpenMs: 3_600_000, longestOpenMs: 7_200_000, probeMs: 60_000 };
let database: TestDatabase;
let server: FakeServer;
let connectionId: bigint;
let account = 0;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  server = await startFakeServer();
  account += 1;
  connectionId = await connect(database.pool, 'hubspot', `portal-${account}`);
  await database.pool.query('truncate push, link, receipt, delivery cascade');
  await database.pool.query('delete from event');
  await database.pool.query('delete from graphile_worker._private_jobs');
});
afterEach(() => server[Symbol.asyncDispose]());

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

const run = (id: bigint, platform?: Platform): Promise<PushFate> => executePush(id, options(platform));
const push = (subjectId: bigint) => addPush(database.pool, { connectionId, subjectId });
const resume = () => transaction(database.pool, (tx) => resumeConnection(tx, connectionId));
const noJobs = () => database.pool.query('delete from graphile_worker._private_jobs');

async function rows(table: 'push' | 'delivery') {
  const { rows: found } = await database.pool.query(
    `select status, error_code as code, error, remedy, next_attempt_at as at from ${table} order by id`,
  );
  return found;
}

async function connection() {
  const { rows: found } = await database.pool.query(
    'select status, status_reason as reason, consecutive_failures as failures, circuit_open_until as until from connection where id = $1',
    [connectionId],
  );
  return found[0];
}

async function events(): Promise<string[]> {
  const { rows: found } = await database.pool.query<{ type: string }>(
    'select type from event order by position',
  );
  return found.map(({ type }) => type);
}

async function jobs(): Promise<string[]> {
  const { rows: found } = await database.pool.query<{ key: string }>(
    'select key from graphile_worker.jobs order by key',
  );
  return found.map(({ key }) => key);
}

const reason = 'The platform does not accept our access. Connect the account again.';
const waiting = {
  status: 'pending',
  code: 'CONNECTION_REVOKED',
  error: 'The connection is revoked. The platform does not accept our access.',
  remedy:
    'Connect the account again. Where the credentials are as they should be, resume the connection with connectionResume.',
  at: null,
};

test('refused credentials revoke the connection once; pushes wait instead of dying; resuming lets them go', async () => {
  const [first, second, third] = [await push(1n), await push(2n), await push(3n)];
  // Two are on their way at the same moment: the second refusal finds the connection revoked.
  const both = Promise.withResolvers<void>();
  server.answer = async () => {
    if (server.requests.length === 2) both.resolve();
    await both.promise;
    return { status: 401 };
  };
  expect(await Promise.all([run(first), run(second)])).toEqual(['held', 'held']);
  expect(await run(third)).toBe('held');
  expect(server.requests).toHaveLength(2);
  expect(await connection()).toMatchObject({ status: 'revoked', reason, failures: 0, until: null });
  expect((await rows('push')).slice(0, 2)).toEqual([waiting, waiting]);
  expect((await rows('push'))[2]).toMatchObject({ status: 'pending', code: 'CONNECTION_REVOKED' });
  expect(await events()).toEqual(['connection.revoked']);
  await noJobs();
  expect(await recoverOrphans(database.pool, -1_000)).toEqual({
    backfills: 0,
    deliveries: 0,
    notes: 0,
    pushes: 0,
  });

  server.answer = () => undefined;
  await resume();
  expect(await connection()).toMatchObject({ status: 'active', reason: null });
  expect(await jobs()).toEqual([first, second, third].map((id) => `push:${id}`).sort());
  expect(await Promise.all([first, second, third].map((id) => run(id)))).toEqual([
    'settled',
    'settled',
    'settled',
  ]);
  expect(server.effects.size).toBe(3);
  expect(await events()).toEqual([
    'connection.revoked',
    'connection.resumed',
    'push.settled',
    'push.settled',
    'push.settled',
  ]);
});

test('new credentials let what waits go, and resuming with old ones is refused again', async () => {
  const id = await push(1n);
  server.answer = () => ({ status: 401 });
  expect(await run(id)).toBe('held');
  await resume();
  expect(await run(id)).toBe('held');
  expect(await connection()).toMatchObject({ status: 'revoked' });
  await noJobs();
  server.answer = () => undefined;
  await connect(database.pool, 'hubspot', `portal-${account}`, { secret: 'new' });
  expect(await jobs()).toEqual([`push:${id}`]);
  expect(await run(id)).toBe('settled');
  expect(await events()).toEqual([
    'connection.revoked',
    'connection.resumed',
    'connection.revoked',
    'connection.resumed',
    'push.settled',
  ]);
});

test('a refusal of a call that began before the account was connected anew is old news', async () => {
  const id = await push(1n);
  server.answer = async () => {
    await connect(database.pool, 'hubspot', `portal-${account}`, { secret: 'new' });
    return { status: 401 };
  };
  expect(await run(id)).toBe('retrying');
  expect(await connection()).toMatchObject({ status: 'active' });
  server.answer = () => undefined;
  expect(await run(id)).toBe('settled');
});

test('a paused connection whose credentials are refused becomes revoked', async () => {
  const id = await push(1n);
  server.answer = async () => {
    await transaction(database.pool, (tx) => pauseConnection(tx, connectionId, 'Stocktaking.', 'tributary'));
    return { status: 401 };
  };
  expect(await run(id)).toBe('held');
  expect(await connection()).toMatchObject({ status: 'revoked', reason });
});

test('deliveries that need the platform wait too, and are read once it accepts us again', async () => {
  const refused = new AppError({
    code: 'FAKE_UNAUTHORIZED',
    retryable: false,
    publicMessage: 'The platform does not accept our access.',
    remedy: 'Connect the account again.',
  });
  const [first, second] = [
    await addDelivery(database.pool, { connectionId }),
    await addDelivery(database.pool, { connectionId, subject: 'thing:2' }),
  ];
  const process = (id: bigint, fails: boolean) =>
    processDelivery(id, {
      ...options(),
      apply: fails ? () => Promise.reject(refused) : stubApply(),
    }).then((fates) => fates.get(id));
  expect(await process(first, true)).toBe('held');
  expect(await process(second, true)).toBe('held');
  expect(await rows('delivery')).toEqual([waiting, waiting]);
  expect(await events()).toEqual(['connection.revoked']);
  expect(await recoverOrphans(database.pool, -1_000)).toEqual({
    backfills: 0,
    deliveries: 0,
    notes: 0,
    pushes: 0,
  });
  // One that arrives meanwhile and can be read without the platform goes through.
  const third = await addDelivery(database.pool, { connectionId, subject: 'thing:3' });
  expect(await process(third, false)).toBe('applied');
  await resume();
  expect(await jobs()).toEqual(
    ['thing:1', 'thing:2'].map((subject) => `delivery:${connectionId}:${subject}`),
  );
  expect(await process(first, false)).toBe('applied');
  expect(await process(second, false)).toBe('applied');
});

/** Waits until so many writes are asked for and sends them with one request, as the real ones do. */
function batchingPlatform(size: number): Platform {
  const plain = fakePlatform('hubspot') as Platform;
  const send = naturalBatch<Parameters<Platform['perform']>, Awaited<ReturnType<Platform['perform']>>>({
    max: size,
    concurrent: 1,
    run: async (inputs) => {
      const [first] = inputs;
      if (first === undefined) return [];
      // Throws for the whole batch when this one request fails.
      const value = await plain.perform(...first);
      return inputs.map(() => ({ ok: true, value }));
    },
  });
  let aboard = 0;
  let full = Promise.withResolvers<void>();
  return {
    ...plain,
    perform: async (...input) => {
      const { promise, resolve } = full;
      aboard += 1;
      if (aboard % size === 0) {
        full = Promise.withResolvers<void>();
        resolve();
      }
      await promise;
      return send(input);
    },
  };
}

test('a lost answer to a batch is one failure for the circuit, however many pushes were on board', async () => {
  const ids = await Promise.all(Array.from({ length: 6 }, (_, index) => push(BigInt(index + 1))));
  const shared = options(batchingPlatform(ids.length));
  server.answer = () => ({ status: 503 });
  for (const failures of [1, 2, 3]) {
    expect(await connection()).toMatchObject({ failures: failures - 1, until: null });
    expect(await Promise.all(ids.map((id) => executePush(id, shared)))).toEqual(ids.map(() => 'retrying'));
    expect(server.requests).toHaveLength(failures);
  }
  expect(await connection()).toMatchObject({ failures: 3, until: expect.any(Date) });
});
