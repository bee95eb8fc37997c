import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { claimPush } from '../../src/sync/outbox/claim-push.ts';
import { executePush, type PushFate } from '../../src/sync/outbox/execute-push.ts';
import { failPush } from '../../src/sync/outbox/fail-push.ts';
import { PushCarrier } from '../../src/sync/outbox/push-carrier.ts';
import { beat, recoverDeadWorkers, recoverOrphans, releaseWorkers } from '../../src/sync/recover-work.ts';
import { judgeFailure } from '../../src/sync/retry.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addPush, connect, eventually, memoryLog, sessionsFor } from './support/engine.ts';
import { fakePlatform } from './support/fake-platform.ts';
import { startFakeServer } from './support/fake-server.ts';

const platforms = { hubspot: fakePlatform('hubspot'), shopify: fakePlatform('shopify') };
const hubspot = { connectionId: 1n, platform: 'hubspot' } as const;
const shopify = { connectionId: 2n, platform: 'shopify' } as const;
const circuit = { threshold: 3, firstOpenMs: 60_000, longestOpenMs: 60_000, probeMs: 60_000 };
let database: TestDatabase;
let connectionId: bigint;

beforeAll(async () => {
  database = await createTestDatabase();
  connectionId = await connect(database.pool, 'hubspot', 'portal');
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.pool.query('truncate push, receipt, worker_lease cascade');
  await clearJobs();
});

async function clearJobs(): Promise<void> {
  await database.pool.query('delete from graphile_worker._private_jobs');
}

async function jobs(): Promise<string[]> {
  const { rows } = await database.pool.query<{ key: string }>(
    'select key from graphile_worker.jobs order by key',
  );
  return rows.map(({ key }) => key);
}

async function pushRow(id: bigint) {
  const { rows } = await database.pool.query(
    'select status, attempts, takeovers, error_code as "errorCode" from push where id = $1',
    [id],
  );
  return rows[0];
}

/** A push as one that was just planned: nobody has a job for it. */
async function planned(subjectId: bigint): Promise<bigint> {
  const id = await addPush(database.pool, { connectionId, subjectId });
  await clearJobs();
  return id;
}

interface Gate {
  carrier: PushCarrier;
  begun: bigint[];
  putBack: bigint[];
  open(): void;
}

/** A carrier whose work stands still until the gate is opened. */
function gated(options: {
  atOnce: number;
  mostWaiting: number;
  atOnceInAll?: number;
  ownPlaces?: number;
}): Gate {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const begun: bigint[] = [];
  const putBack: bigint[] = [];
  const carrier = new PushCarrier({
    carryOut: (id) => {
      begun.push(id);
      return opened;
    },
    putBack: async (id) => {
      putBack.push(id);
    },
    atOnce: () => options.atOnce,
    atOnceInAll: options.atOnceInAll ?? 100,
    ownPlaces: options.ownPlaces ?? 1,
    mostWaiting: options.mostWaiting,
    log: memoryLog().log,
  });
  return { carrier, begun, putBack, open: () => open() };
}

test('what is planned is carried out after the commit, without a job; what is rolled back never is', async () => {
  const { carrier, begun } = gated({ atOnce: 10, mostWaiting: 10 });
  const id = await planned(1n);
  await transaction(database.pool, async (tx) => {
    await carrier.enqueue(tx, [{ id, ...hubspot }]);
    expect(begun).toEqual([]);
  });
  expect(begun).toEqual([id]);
  expect(await jobs()).toEqual([]);
  const lost = transaction(database.pool, async (tx) => {
    await carrier.enqueue(tx, [{ id: id + 1n, ...hubspot }]);
    throw new Error('no commit');
  });
  await expect(lost).rejects.toThrow('no commit');
  expect(begun).toEqual([id]);
});

test('each account has its own places; what finds none becomes a job, and a stop gives back what was not begun', async () => {
  const { carrier, begun, open } = gated({ atOnce: 1, mostWaiting: 1 });
  const ids = [await planned(1n), await planned(2n), await planned(3n)];
  for (const id of ids) await transaction(database.pool, (tx) => carrier.enqueue(tx, [{ id, ...hubspot }]));
  carrier.take(shopify, 99n);
  // Known already: neither waits nor runs twice.
  carrier.take(hubspot, ids[0] ?? 0n);
  expect(begun).toEqual([ids[0], 99n]);
  expect(await jobs()).toEqual([`push:${ids[2]}`]);
  carrier.stop();
  expect(carrier.takesOn(shopify, 98n)).toBe(false);
  // Planned before the stop and committed after it.
  carrier.take({ connectionId: 3n, platform: 'amazon' }, 97n);
  open();
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual([ids[0], 99n]);
  expect(carrier.left()).toEqual([ids[1], 97n]);
});

test('accounts of one platform share no places: one that hangs holds up no other, and all together stay within their bound', async () => {
  const { carrier, begun, open } = gated({ atOnce: 4, mostWaiting: 10, atOnceInAll: 6, ownPlaces: 1 });
  const account = (connectionId: bigint) => ({ connectionId, platform: 'hubspot' as const });
  for (let id = 1n; id <= 8n; id += 1n) carrier.take(account(1n), id);
  for (let id = 11n; id <= 18n; id += 1n) carrier.take(account(2n), id);
  // Four of the first, and of the second what the bound leaves.
  expect(begun).toEqual([1n, 2n, 3n, 4n, 11n, 12n]);
  // Beyond the bound, but it has a place of its own.
  for (const id of [21n, 22n]) carrier.take(account(3n), id);
  expect(begun.slice(6)).toEqual([21n]);
  open();
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toHaveLength(18);
});

test('many that are planned in one transaction find no more room than there is', async () => {
  const { carrier, begun } = gated({ atOnce: 2, mostWaiting: 3 });
  const ids: bigint[] = [];
  for (let subject = 1n; subject <= 5n; subject += 1n) ids.push(await planned(subject));
  await transaction(database.pool, (tx) =>
    carrier.enqueue(
      tx,
      ids.map((id) => ({ id, ...hubspot })),
    ),
  );
  expect(begun).toEqual(ids.slice(0, 2));
  expect(await jobs()).toEqual(ids.slice(3).map((id) => `push:${id}`));
});

test('whoever finds no room is told when half of what waits will be gone, going by how fast it goes', async () => {
  let now = 0;
  let end: () => void = () => undefined;
  const carrier = new PushCarrier({
    carryOut: () =>
      new Promise((resolve) => {
        end = resolve;
      }),
    putBack: async () => undefined,
    atOnce: () => 1,
    atOnceInAll: 1,
    ownPlaces: 1,
    mostWaiting: 1_000,
    log: memoryLog().log,
    now: () => now,
  });
  const endAfter = async (ms: number): Promise<void> => {
    now += ms;
    end();
    await new Promise((resolve) => setImmediate(resolve));
  };
  carrier.take(hubspot, 0n);
  await endAfter(0);
  // A rest is no work: it does not count as the time that one takes.
  now += 3_600_000;
  expect(carrier.roomInMs(hubspot)).toBe(1_000);
  for (let id = 1n; id <= 501n; id += 1n) carrier.take(hubspot, id);
  for (let ended = 0; ended < 100; ended += 1) await endAfter(50);
  // 400 wait, and one ends every 50 ms.
  expect(carrier.roomInMs(hubspot)).toBeCloseTo(200 * 50, -1);
  for (let ended = 0; ended < 100; ended += 1) await endAfter(5_000);
  expect(carrier.roomInMs(hubspot)).toBe(60_000);
  expect(carrier.roomInMs(shopify)).toBe(1_000);
  carrier.stop();
  expect(carrier.roomInMs(hubspot)).toBe(1_000);
});

test('a push whose next job comes before its attempt has ended gets another; what waits or was not asked for gets none', async () => {
  const { carrier, begun, putBack, open } = gated({ atOnce: 2, mostWaiting: 3 });
  for (const id of [1n, 2n, 3n]) carrier.take(hubspot, id);
  for (const id of [1n, 1n, 3n]) carrier.take(hubspot, id);
  expect(begun).toEqual([1n, 2n]);
  expect(putBack).toEqual([]);
  open();
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toEqual([1n, 2n, 3n]);
  expect(putBack).toEqual([1n]);
});

test('while the database cannot be told, a push is tried again by whoever carries it', async () => {
  let tries = 0;
  const memory = memoryLog();
  const carrier = new PushCarrier({
    carryOut: async () => {
      tries += 1;
      if (tries < 3) throw new Error('connection lost');
    },
    putBack: async () => undefined,
    atOnce: () => 1,
    atOnceInAll: 1,
    ownPlaces: 1,
    mostWaiting: 1,
    log: memory.log,
  });
  carrier.take(hubspot, 1n);
  await eventually(
    () => tries,
    (seen) => seen === 3,
  );
  expect(memory.lines.map(({ msg }) => msg)).toEqual(Array(2).fill('A push could not be recorded'));
  carrier.stop();
});

test('what runs under a living lease is nobody else’s; without the lease it is taken over with the same key', async () => {
  const id = await planned(1n);
  await beat(database.pool, ['first', 'second']);
  const claim = (worker: string) => claimPush(database.pool, id, { worker, circuit, early: true });
  const first = await claim('first');
  expect(first).toMatchObject({ kind: 'claimed', push: { attempts: 1, takeovers: 0 } });
  expect(await claim('second')).toEqual({ kind: 'nothing' });
  // Its own, left behind when the database failed.
  expect(await claim('first')).toMatchObject({ kind: 'claimed', push: { attempts: 2, takeovers: 0 } });
  await database.pool.query("delete from worker_lease where worker_id = 'first'");
  const second = await claim('second');
  expect(second).toMatchObject({ kind: 'claimed', push: { attempts: 3, takeovers: 1 } });
  const keyOf = (taken: typeof first) => (taken.kind === 'claimed' ? taken.push.idempotencyKey : null);
  expect(keyOf(second)).toBe(keyOf(first));
});

test('an attempt that fails after another process has taken the push over leaves it to that process', async () => {
  const id = await planned(1n);
  await beat(database.pool, ['second']);
  const first = await claimPush(database.pool, id, { worker: 'first', circuit, early: true });
  const second = await claimPush(database.pool, id, { worker: 'second', circuit, early: true });
  if (first.kind !== 'claimed' || second.kind !== 'claimed') throw new Error('not claimed');
  const failure = { ...judgeFailure(new Error('late'), 1, () => 0), durationMs: 1, isCounted: false };
  await failPush(database.pool, first.push, failure, circuit);
  expect(await pushRow(id)).toMatchObject({ status: 'running', attempts: 2, errorCode: null });
  // Otherwise a third could begin while the second is at it.
  expect(await claimPush(database.pool, id, { worker: 'third', circuit, early: true })).toEqual({
    kind: 'nothing',
  });
  await failPush(database.pool, second.push, failure, circuit);
  expect(await pushRow(id)).toMatchObject({ status: 'retrying', errorCode: 'UNEXPECTED' });
});

test('what a dead worker carried out and what waited in it are brought back; a living one keeps its own', async () => {
  const [running, waiting, others] = [await planned(1n), await planned(2n), await planned(3n)];
  await beat(database.pool, ['dead', 'alive']);
  await claimPush(database.pool, running, { worker: 'dead', circuit, early: true });
  await claimPush(database.pool, others, { worker: 'alive', circuit, early: true });
  await database.pool.query(
    "update worker_lease set heartbeat_at = now() - interval '1 minute' where worker_id = 'dead'",
  );
  await database.pool.query("update push set created_at = now() - interval '1 minute'");
  expect(await recoverDeadWorkers(database.pool, 15_000)).toEqual(['dead']);
  expect(await jobs()).toEqual([`push:${running}`]);
  expect(await recoverOrphans(database.pool, 10_000)).toMatchObject({ pushes: 1 });
  expect(await jobs()).toEqual([`push:${running}`, `push:${waiting}`]);
  await clearJobs();
  await releaseWorkers(database.pool, ['alive'], [waiting]);
  expect(await jobs()).toEqual([`push:${waiting}`, `push:${others}`]);
});

test('a push whose process dies again and again becomes a dead letter before it is tried once more', async () => {
  await using server = await startFakeServer();
  const id = await planned(1n);
  for (let death = 1; death <= 6; death += 1)
    await claimPush(database.pool, id, { worker: `victim-${death}`, circuit, early: true });
  expect(await pushRow(id)).toMatchObject({ status: 'running', takeovers: 5 });
  const { log } = memoryLog();
  const run = (): Promise<PushFate> =>
    executePush(id, {
      pool: database.pool,
      sessions: sessionsFor(database.pool, platforms, log, server.url),
      platforms,
      log,
      metrics: createMetrics(new Registry()),
      circuit,
      worker: 'survivor',
    });
  expect(await run()).toBe('dead');
  expect(await pushRow(id)).toMatchObject({ status: 'dead', takeovers: 0, errorCode: 'PROCESS_DIED' });
});
