import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { AppError } from '../../src/errors.ts';
import { enqueueDeliveries } from '../../src/sync/inbox/enqueue-deliveries.ts';
import { enqueuePushes } from '../../src/sync/outbox/enqueue-pushes.ts';
import { startWorker, type Worker, type WorkerOptions } from '../../src/sync/worker.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  addDelivery,
  addPush,
  connect,
  eventually,
  memoryLog,
  sessionsFor,
  stubApply,
} from './support/engine.ts';
import { fakePlatform } from './support/fake-platform.ts';
import { type FakeServer, startFakeServer } from './support/fake-server.ts';

const platforms = { shopify: fakePlatform('shopify'), hubspot: fakePlatform('hubspot') };

async function start(
  database: { url: string; pool: Pool },
  options: Partial<WorkerOptions> & { baseUrl?: string } = {},
): Promise<Worker & { logText: () => string }> {
  const memory = memoryLog();
  const worker = await startWorker({
    pool: database.pool,
    connectionString: database.url,
    platforms,
    sessions: sessionsFor(database.pool, platforms, memory.log, options.baseUrl),
    log: memory.log,
    apply: stubApply(),
    ...options,
  });
  return Object.assign(worker, { logText: memory.text });
}

async function open(pool: Pool): Promise<{ deliveries: number; pushes: number; jobs: number }> {
  const { rows } = await pool.query<{ deliveries: number; pushes: number; jobs: number }>(
    `select (select count(*)::int from delivery where status <> 'settled') as deliveries,
       (select count(*)::int from push where status not in ('settled', 'superseded')) as pushes,
       (select count(*)::int from graphile_worker.jobs) as jobs`,
  );
  return rows[0] ?? { deliveries: -1, pushes: -1, jobs: -1 };
}

const allDone = (seen: { deliveries: number; pushes: number; jobs: number }): boolean =>
  seen.deliveries + seen.pushes + seen.jobs === 0;

test('deliveries of one subject never overlap, whatever the mix and over two workers; others do', async () => {
  await using database = await createTestDatabase({ max: 60 });
  const connectionId = await connect(database.pool, 'shopify', 'one.example');
  const running = new Map<string, number>();
  let overlaps = 0;
  let mostAtOnce = 0;
  const apply = stubApply(async (_tx, subject) => {
    running.set(subject, (running.get(subject) ?? 0) + 1);
    if ((running.get(subject) ?? 0) > 1) overlaps += 1;
    mostAtOnce = Math.max(
      mostAtOnce,
      [...running.values()].reduce((sum, n) => sum + n, 0),
    );
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    running.set(subject, (running.get(subject) ?? 0) - 1);
  });
  await using first = await start(database, { apply });
  await using second = await start(database, { apply });
  expect(first.ids).toHaveLength(6);
  expect(new Set([...first.ids, ...second.ids]).size).toBe(12);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(6), { minLength: 1, maxLength: 60 }), async (subjects) => {
      const ids: bigint[] = [];
      for (const subject of subjects)
        ids.push(await addDelivery(database.pool, { connectionId, subject: `thing:${subject}` }));
      await enqueueDeliveries(database.pool, ids);
      await eventually(() => open(database.pool), allDone);
      expect(overlaps).toBe(0);
    }),
    { numRuns: 12 },
  );
  expect(mostAtOnce).toBeGreaterThan(1);
  const { rows } = await database.pool.query('select count(*)::int as n from delivery where outcome <> $1', [
    'applied',
  ]);
  expect(rows).toEqual([{ n: 0 }]);
});

test('a subject with a long backlog does not hold up the others', async () => {
  await using database = await createTestDatabase({ max: 30 });
  const connectionId = await connect(database.pool, 'shopify', 'one.example');
  let busyDone = 0;
  let otherDone: () => void = () => undefined;
  const other = new Promise<void>((resolve) => {
    otherDone = resolve;
  });
  const apply = stubApply(async (_tx, subject) => {
    if (subject === 'other') return otherDone();
    // Who had to stand behind these would wait for ever.
    if (busyDone === 10) await other;
    busyDone += 1;
  });
  const add = async (subject: string, count: number): Promise<void> => {
    const ids: bigint[] = [];
    for (let n = 0; n < count; n += 1) ids.push(await addDelivery(database.pool, { connectionId, subject }));
    await enqueueDeliveries(database.pool, ids);
  };
  await add('busy', 250);
  await using _worker = await start(database, { apply, concurrency: { background: 3 } });
  await eventually(
    () => busyDone,
    (seen) => seen === 10,
  );
  // More jobs than places, one after the other: each finds its subject at work, and must not wait in its place for it.
  for (let n = 0; n < 10; n += 1) {
    await add('busy', 5);
    await eventually(
      () => open(database.pool),
      (seen) => seen.jobs === 1,
    );
  }
  await add('other', 1);
  await eventually(() => open(database.pool), allDone);
  expect(busyDone).toBe(300);
});

test('a platform that hangs holds up neither deliveries nor the pushes of another platform', async () => {
  await using database = await createTestDatabase({ max: 40 });
  await using server = await startFakeServer();
  const shop = await connect(database.pool, 'shopify', 'one.example');
  const portal = await connect(database.pool, 'hubspot', 'portal');
  let release: () => void = () => undefined;
  const hanging = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  server.answer = (write) => (write.body.to === 'shop' ? hanging : undefined);
  await using _worker = await start(database, { baseUrl: server.url, concurrency: { pushes: 4 } });
  for (let n = 1n; n <= 12n; n += 1n)
    await addPush(database.pool, { connectionId: shop, subjectId: n, body: { to: 'shop' } });
  for (let n = 1n; n <= 12n; n += 1n)
    await addPush(database.pool, { connectionId: portal, subjectId: n, body: { to: 'portal' } });
  const delivery = await addDelivery(database.pool, { connectionId: shop });
  await enqueueDeliveries(database.pool, [delivery]);
  await eventually(
    () => open(database.pool),
    (seen) => seen.deliveries === 0 && seen.pushes === 12,
  );
  release();
  await eventually(() => open(database.pool), allDone);
  expect(server.effects.size).toBe(24);
});

test('failed work comes back at its time and is settled in the end', async () => {
  await using database = await createTestDatabase({ max: 20 });
  await using server = await startFakeServer();
  const connectionId = await connect(database.pool, 'hubspot', 'portal');
  let failures = 0;
  const flaky = stubApply(async () => {
    failures += 1;
    if (failures < 3) throw new AppError({ code: 'DOWN', retryable: true, publicMessage: 'Down.' });
  });
  let refusals = 0;
  server.answer = () => {
    refusals += 1;
    return refusals < 3 ? { status: 503 } : undefined;
  };
  await using _worker = await start(database, { baseUrl: server.url, apply: flaky, random: () => 0 });
  await enqueueDeliveries(database.pool, [await addDelivery(database.pool, { connectionId })]);
  const push = await addPush(database.pool, { connectionId, subjectId: 1n });
  await eventually(() => open(database.pool), allDone);
  const { rows } = await database.pool.query('select attempts from push where id = $1', [push]);
  expect(rows).toEqual([{ attempts: 3 }]);
  expect(server.effects.size).toBe(1);
});

test('what a job tells of is on disk before a platform hears of it', async () => {
  await using database = await createTestDatabase({ max: 20 });
  const name = new URL(database.url).pathname.slice(1);
  await database.pool.query(`alter database ${name} set synchronous_commit = on`);
  const connectionId = await connect(database.pool, 'hubspot', 'portal');
  const positions: string[] = [];
  const flushed: boolean[] = [];
  const hubspot: typeof platforms.hubspot = {
    ...platforms.hubspot,
    perform: async (push) => {
      const { rows } = await database.pool.query<{ yes: boolean }>(
        'select pg_current_wal_flush_lsn() >= $1::pg_lsn as yes',
        [positions.at(-1)],
      );
      flushed.push(rows[0]?.yes === true);
      return {
        remoteType: 'thing',
        remoteId: push.subjectId.toString(),
        remoteVersion: null,
        adopted: false,
        detail: {},
        state: {},
      };
    },
  };
  const pool = createPool({ connectionString: database.url, max: 10, applicationName: 'flushing' });
  const worker = await start({ url: database.url, pool }, { platforms: { hubspot } });
  // As transaction() does it, but for the flush that follows: it comes late here.
  const planner = await pool.connect();
  for (let subject = 1n; subject <= 20n; subject += 1n) {
    await planner.query('begin; set local synchronous_commit = off');
    const { rows } = await planner.query<{ id: bigint }>(
      `insert into push (connection_id, kind, subject_type, subject_id, version, idempotency_key, body, fingerprint, status)
       values ($1, 'thing', 'Customer', $2, 1, $3, '{}', 'f', 'pending') returning id`,
      [connectionId, subject, `tb-${subject}`],
    );
    await enqueuePushes(planner, [rows[0]?.id ?? 0n]);
    const written = await planner.query<{ at: string }>('select pg_current_wal_insert_lsn()::text as at');
    positions.push(written.rows[0]?.at ?? '');
    await planner.query('commit');
    await eventually(
      () => flushed.length,
      (seen) => BigInt(seen) === subject,
    );
  }
  planner.release();
  await worker.stop();
  await pool.end();
  expect(flushed).toEqual(Array(20).fill(true));
});

test('open work without a job is found and done', async () => {
  await using database = await createTestDatabase({ max: 20 });
  await using server = await startFakeServer();
  const connectionId = await connect(database.pool, 'hubspot', 'portal');
  await addDelivery(database.pool, { connectionId });
  await addPush(database.pool, { connectionId, subjectId: 1n });
  await addPush(database.pool, { connectionId, subjectId: 2n, status: 'running' });
  await database.pool.query('delete from graphile_worker._private_jobs');
  await using worker = await start(database, { baseUrl: server.url, orphanSweepMs: 100, orphanAgeMs: 100 });
  await eventually(() => open(database.pool), allDone);
  expect(worker.logText()).toContain('Brought back open work that had no job');
});

test('a push that a database back from a copy holds for running is carried out by the worker whose name it bears', async () => {
  await using database = await createTestDatabase({ max: 20 });
  await using server = await startFakeServer();
  const connectionId = await connect(database.pool, 'hubspot', 'portal');
  await using worker = await start(database, { baseUrl: server.url, orphanSweepMs: 100, orphanAgeMs: 100 });
  const id = await addPush(database.pool, { connectionId, subjectId: 1n });
  await eventually(() => open(database.pool), allDone);
  // The copy has the claim and lacks the end.
  const [lease] = worker.ids;
  await database.pool.query(
    `update push set status = 'running', claimed_by = $2, settled_at = null, attempts = 1 where id = $1`,
    [id, lease],
  );
  await eventually(() => open(database.pool), allDone);
  expect(server.effects.size).toBe(1);
});

test('a stop finishes what is under way, leaves the rest to the next worker and gives its lease back', async () => {
  await using database = await createTestDatabase({ max: 30 });
  const connectionId = await connect(database.pool, 'shopify', 'one.example');
  const effects = new Map<string, number>();
  let started = 0;
  let underWay = 0;
  const apply = stubApply(async (_tx, subject) => {
    started += 1;
    underWay += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
    underWay -= 1;
    effects.set(subject, (effects.get(subject) ?? 0) + 1);
  });
  const ids: bigint[] = [];
  for (let n = 0; n < 60; n += 1)
    ids.push(
      await addDelivery(database.pool, { connectionId, subject: `thing:${n % 20}`, externalId: `${n}` }),
    );
  await enqueueDeliveries(database.pool, ids);
  const first = await start(database, { apply });
  await eventually(
    () => started,
    (n) => n > 5,
  );
  await first.stop();
  expect(underWay).toBe(0);
  expect(first.logText()).toBe('');
  const left = await open(database.pool);
  expect(left.deliveries).toBeGreaterThan(0);
  // Whatever is open has a job that nobody holds.
  const { rows } = await database.pool.query(
    `select (select count(*)::int from graphile_worker.jobs where locked_by is not null) as held,
       (select count(*)::int from worker_lease) as leases,
       (select count(*)::int from delivery d where status <> 'settled'
          and not exists (select 1 from graphile_worker.jobs j where j.key = 'delivery:' || d.connection_id || ':' || d.subject)) as orphans`,
  );
  expect(rows).toEqual([{ held: 0, leases: 0, orphans: 0 }]);
  await using _second = await start(database, { apply });
  await eventually(() => open(database.pool), allDone);
  expect([...effects.values()]).toEqual(Array.from({ length: 20 }, () => 3));
});

test('a worker whose database connections are cut off starts again by itself', async () => {
  await using database = await createTestDatabase({ max: 20 });
  const connectionId = await connect(database.pool, 'shopify', 'one.example');
  await using _worker = await start(database, {
    orphanSweepMs: 200,
    orphanAgeMs: 200,
    leaseMs: 1_000,
    heartbeatMs: 100,
  });
  for (let round = 0; round < 3; round += 1) {
    const ids: bigint[] = [];
    for (let n = 0; n < 30; n += 1)
      ids.push(await addDelivery(database.pool, { connectionId, subject: `thing:${n}` }));
    await enqueueDeliveries(database.pool, ids);
    await database.pool
      .query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name in ('tributary-jobs', 'tributary-lanes')`,
      )
      .catch(() => undefined);
  }
  await eventually(() => open(database.pool), allDone);
});

test('workers killed in the middle of their work lose nothing and nothing takes effect twice', async () => {
  await using database = await createTestDatabase({ max: 20 });
  await using server = await startFakeServer();
  const shop = await connect(database.pool, 'shopify', 'one.example');
  const portal = await connect(database.pool, 'hubspot', 'portal');
  await database.pool.query('create table effect (subject text not null)');
  const slow = (): Promise<undefined> =>
    new Promise((resolve) => setTimeout(() => resolve(undefined), 20 + Math.random() * 40));
  server.answer = slow;
  const ids: bigint[] = [];
  for (let n = 0; n < 200; n += 1) {
    ids.push(
      await addDelivery(database.pool, {
        connectionId: shop,
        subject: `thing:${n % 50}`,
        externalId: `d-${n}`,
      }),
    );
    await addPush(database.pool, { connectionId: portal, subjectId: BigInt(n + 1) });
  }
  await enqueueDeliveries(database.pool, ids);
  let kills = 0;
  for (; kills < 4; kills += 1) {
    const before = server.requests.length;
    const child = await spawnWorker(database.url, server);
    await eventually(
      () => server.requests.length,
      (n) => n > before + 10,
    );
    child.kill('SIGKILL');
  }
  const last = await spawnWorker(database.url, server);
  try {
    await eventually(() => open(database.pool), allDone, 120_000);
  } finally {
    last.kill('SIGKILL');
  }
  const { rows } = await database.pool.query(
    `select (select count(*)::int from effect) as effects, (select count(*)::int from push where status = 'settled') as settled,
       (select count(*)::int from link) as links,
       (select count(*)::int from event where type = 'push.settled') as told`,
  );
  expect(rows).toEqual([{ effects: 200, settled: 200, links: 200, told: 200 }]);
  // More requests than pushes: some were repeated, each with the key it had.
  expect(server.requests.length).toBeGreaterThan(200);
  expect(server.effects.size).toBe(200);
  // Five processes start one after the other, which takes a while on a busy machine.
}, 240_000);

test('a delivery that ends its process becomes a dead letter after five deaths, whatever waits in its lane, and all else is worked off', async () => {
  await using database = await createTestDatabase({ max: 20 });
  await using server = await startFakeServer();
  const connectionId = await connect(database.pool, 'shopify', 'one.example');
  await database.pool.query('create table effect (subject text not null)');
  const add = async (n: number, name: string): Promise<void> => {
    const subject = `product:${n}`;
    const id = await addDelivery(database.pool, {
      connectionId,
      subject,
      externalId: `d-${n}`,
      body: { name },
    });
    await enqueueDeliveries(database.pool, [id]);
  };
  for (let n = 0; n < 40; n += 1) await add(n, n === 20 ? 'deadly' : 'x');
  let deaths = 0;
  let isOver = false;
  while (!isOver) {
    // What a death was about is known once the lease of the dead has run out.
    await eventually(
      async () =>
        (
          await database.pool.query<{ leases: number }>(
            `select count(*)::int as leases from worker_lease where heartbeat_at > clock_timestamp() - interval '600 ms'`,
          )
        ).rows[0]?.leases,
      (leases) => leases === 0,
    );
    // Something new keeps coming, so that the lane's job is always another one.
    await add(100 + deaths, 'x');
    const worker = await spawnWorker(database.url, server).catch(() => null);
    const died = new Promise<void>((resolve) => worker?.once('exit', () => resolve()));
    isOver =
      worker !== null &&
      worker.exitCode === null &&
      worker.signalCode === null &&
      (await Promise.race([
        died.then(() => false),
        eventually(
          () => open(database.pool),
          (seen) => seen.deliveries <= 1 && seen.jobs === 0,
          60_000,
        ).then(
          () => true,
          () => false,
        ),
      ]));
    if (isOver) worker?.kill('SIGKILL');
    else deaths += 1;
  }
  const { rows } = await database.pool.query(
    `select subject, status::text, error_code as code, takeovers from delivery where status <> 'settled'`,
  );
  expect(rows).toEqual([{ subject: 'product:20', status: 'dead', code: 'PROCESS_DIED', takeovers: 0 }]);
  expect(deaths).toBe(5);
  const { rows: effects } = await database.pool.query(
    'select count(*)::int as all, count(distinct subject)::int as subjects from effect',
  );
  // Five came while processes died, and one when the last had begun.
  expect(effects).toEqual([{ all: 45, subjects: 45 }]);
}, 240_000);

async function spawnWorker(databaseUrl: string, server: FakeServer): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./support/worker-process.ts', import.meta.url)), databaseUrl, server.url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`The worker ended with ${code}.`)));
  });
  child.stdout?.resume();
  return child;
}

test('a worker that cannot begin takes no job, holds no connection and leaves no lease', async () => {
  await using database = await createTestDatabase();
  const connectionId = await connect(database.pool, 'shopify', 'one.example');
  await enqueueDeliveries(database.pool, [await addDelivery(database.pool, { connectionId })]);
  // As when the database goes away after its pools have begun.
  await database.pool.query('alter table note_reading rename to gone');
  const pool = createPool({ connectionString: database.url, max: 10, applicationName: 'own' });
  await expect(start({ url: database.url, pool })).rejects.toThrow('note_reading');
  await pool.end();
  await eventually(
    async () =>
      (
        await database.pool.query<{ name: string }>(
          `select application_name as name from pg_stat_activity where datname = current_database() and application_name <> 'test'`,
        )
      ).rows,
    (seen) => seen.length === 0,
  );
  const { rows } = await database.pool.query(
    `select (select count(*)::int from worker_lease) as leases,
       (select count(*)::int from graphile_worker.jobs where locked_by is not null or last_error is not null) as spoilt`,
  );
  expect(rows).toEqual([{ leases: 0, spoilt: 0 }]);
});

test('a pool for the worker is not closed by it', async () => {
  await using database = await createTestDatabase();
  const pool = createPool({ connectionString: database.url, max: 2, applicationName: 'own' });
  const worker = await start({ url: database.url, pool });
  await worker[Symbol.asyncDispose]();
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});
