import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { enqueueDeliveries } from '../../src/sync/inbox/enqueue-deliveries.ts';
import { insertDeliveries } from '../../src/sync/inbox/insert-deliveries.ts';
import { loadLane } from '../../src/sync/inbox/load-delivery.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { processDelivery } from '../../src/sync/process-delivery.ts';
import { recoverOrphans } from '../../src/sync/recover-work.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addDelivery, connect, memoryLog, sessionsFor, stubApply } from './support/engine.ts';
import { fakePlatform } from './support/fake-platform.ts';

const platforms = { shopify: fakePlatform('shopify') };
let database: TestDatabase;
let connectionId: bigint;

beforeAll(async () => {
  database = await createTestDatabase();
  connectionId = await connect(database.pool, 'shopify', 'one.example');
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.pool.query('truncate delivery cascade');
  await database.pool.query('delete from graphile_worker._private_jobs');
});

/** Jobs by subject, with the seconds until they run. */
async function jobs(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<{ subject: string; seconds: number }>(
    `select split_part(key, ':', 3) || ':' || split_part(key, ':', 4) as subject,
       greatest(0, round(extract(epoch from run_at - now()) / 10) * 10)::int as seconds from graphile_worker.jobs`,
  );
  return Object.fromEntries(rows.map(({ subject, seconds }) => [subject, seconds]));
}

function insert(subjects: readonly string[]): Promise<number> {
  return insertDeliveries(
    database.pool,
    subjects.map((subject, index) => ({
      connectionId,
      externalId: `${subject} ${index} ${Math.random()}`,
      eventId: null,
      topic: 'things/update',
      subject,
      triggeredAt: null,
      receivedAt: new Date(),
      body: Buffer.from('{"name":"x"}'),
    })),
  );
}

async function retryIn(seconds: number): Promise<bigint> {
  const id = await addDelivery(database.pool, { connectionId });
  await database.pool.query(
    `update delivery set status = 'retrying', next_attempt_at = now() + $2 * interval '1 second' where id = $1`,
    [id, seconds],
  );
  await enqueueDeliveries(database.pool, [id]);
  return id;
}

test('however much comes in about a subject, one job waits for it', async () => {
  expect(await insert(Array.from({ length: 90 }, (_, n) => `thing:${n % 3}`))).toBe(90);
  expect(await insert(['thing:1', 'thing:7'])).toBe(2);
  expect(await jobs()).toEqual({ 'thing:0': 0, 'thing:1': 0, 'thing:2': 0, 'thing:7': 0 });
});

test('the earliest need decides: a retry does not put off what is new, nor does a later one', async () => {
  await retryIn(3_600);
  expect(await jobs()).toEqual({ 'thing:1': 3_600 });
  await retryIn(60);
  expect(await jobs()).toEqual({ 'thing:1': 60 });
  await retryIn(600);
  expect(await jobs()).toEqual({ 'thing:1': 60 });
  await insert(['thing:1']);
  expect(await jobs()).toEqual({ 'thing:1': 0 });
  await retryIn(600);
  expect(await jobs()).toEqual({ 'thing:1': 0 });
});

test('what is not due when its subject is worked on keeps its time and its job', async () => {
  const later = await retryIn(600);
  await insert(['thing:1']);
  const { log } = memoryLog();
  const work = (id: bigint) =>
    processDelivery(id, {
      pool: database.pool,
      sessions: sessionsFor(database.pool, platforms, log),
      platforms,
      log,
      metrics: createMetrics(new Registry()),
      apply: stubApply(),
      early: false,
    });
  // As after the job was taken: a job that runs is not in the way of the next one.
  await database.pool.query('delete from graphile_worker._private_jobs');
  expect(new Set((await work(later)).values())).toEqual(new Set(['nothing', 'applied']));
  expect(await jobs()).toEqual({ 'thing:1': 600 });
  const { rows } = await database.pool.query('select status, attempts from delivery where id = $1', [later]);
  expect(rows).toEqual([{ status: 'retrying', attempts: 0 }]);
});

test('a job that is only for later does not hide work that is overdue', async () => {
  await retryIn(3_600);
  await addDelivery(database.pool, { connectionId });
  expect(await recoverOrphans(database.pool, -1_000)).toMatchObject({ deliveries: 1 });
  expect(await jobs()).toEqual({ 'thing:1': 0 });
});

test('all products of an account wait in one job, and one that fails holds up no other', async () => {
  await insert(['product:1', 'product:2', 'product:1', 'product:3', 'thing:1']);
  // Of an event that made more than one delivery each is looked at: they are about different products.
  await database.pool.query("update delivery set event_id = 'one event' where subject like 'product:%'");
  const { rows: keys } = await database.pool.query<{ key: string }>(
    'select key from graphile_worker.jobs order by key',
  );
  expect(keys.map(({ key }) => key)).toEqual([
    `delivery:${connectionId}:product`,
    `delivery:${connectionId}:thing:1`,
  ]);
  await database.pool.query('delete from graphile_worker._private_jobs');
  const { rows } = await database.pool.query<{ id: bigint; subject: string }>(
    'select id, subject from delivery order by id',
  );
  const [first, second, twin, third] = rows.map(({ id }) => id);
  if (first === undefined || second === undefined) throw new Error('There are no deliveries.');
  await database.pool.query(`update delivery set body = 'not JSON' where id = $1`, [second]);
  const { log } = memoryLog();
  const fates = await processDelivery(first, {
    pool: database.pool,
    sessions: sessionsFor(database.pool, platforms, log),
    platforms,
    log,
    metrics: createMetrics(new Registry()),
    apply: stubApply(),
  });
  expect(fates.get(first)).toBe('applied');
  expect(fates.get(second)).toBe('dead');
  expect(third === undefined ? null : fates.get(third)).toBe('applied');
  // The second of one event and one product comes up by itself, when the first is settled.
  expect(twin === undefined ? null : fates.get(twin)).toBeUndefined();
  expect(await database.pool.query('select key from graphile_worker.jobs').then((jobs) => jobs.rows)).toEqual(
    [{ key: `delivery:${connectionId}:product` }],
  );
});

test('deliveries taken up together fill no more memory than one large one does', async () => {
  const body = { name: 'x', filler: '0123456789'.repeat(300_000) };
  const ids: bigint[] = [];
  for (let n = 0; n < 5; n += 1)
    ids.push(await addDelivery(database.pool, { connectionId, subject: `product:${n}`, body }));
  const load = (id: bigint) => loadLane(database.pool, id, { alone: false, early: false });
  const first = await load(ids[0] ?? 0n);
  expect(first.deliveries.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  expect(first.left).toEqual(ids.slice(2));
  expect(first.deliveries[1]?.body.toString()).toBe(JSON.stringify(body));
  // One that is larger than that by itself is taken up all the same, alone.
  await database.pool.query('update delivery set body = body || body || body where id = $1', [ids[4]]);
  expect((await load(ids[4] ?? 0n)).deliveries.map(({ id }) => id)).toEqual([ids[4]]);
});

test('of what is not due yet in a long lane the earliest is not overlooked', async () => {
  const asked = await addDelivery(database.pool, { connectionId, subject: 'product:0' });
  const later: bigint[] = [];
  for (let n = 1; n <= 60; n += 1) {
    const id = await addDelivery(database.pool, { connectionId, subject: `product:${n}` });
    later.push(id);
    await database.pool.query(
      `update delivery set status = 'retrying', next_attempt_at = now() + $2 * interval '1 minute' where id = $1`,
      [id, 100 - n],
    );
  }
  const lane = await loadLane(database.pool, asked, { alone: false, early: false });
  expect(lane.deliveries.map(({ id }) => id)).toEqual([asked]);
  expect(lane.left).toEqual(later.slice(-50).reverse());
});

test('a subject of any length has a job', async () => {
  expect(await insert([`thing:${'x'.repeat(2_000)}`])).toBe(1);
  const { rows } = await database.pool.query('select length(key) as length from graphile_worker.jobs');
  expect(rows).toEqual([{ length: `delivery:${connectionId}:`.length + 64 }]);
});
