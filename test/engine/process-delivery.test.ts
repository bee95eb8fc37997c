import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { AppError } from '../../src/errors.ts';
import type { CanonicalProduct } from '../../src/model/product.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { replayDelivery } from '../../src/sync/operations.ts';
import type { Platform } from '../../src/sync/platforms/platform.ts';
import { type DeliveryFate, processDelivery } from '../../src/sync/process-delivery.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addDelivery, connect, eventually, memoryLog, sessionsFor, stubApply } from './support/engine.ts';
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
  await database.pool.query('delete from event');
  await database.pool.query('delete from graphile_worker._private_jobs');
});

interface RunOptions {
  apply?: typeof applyChanges;
  worker?: string;
  random?: () => number;
}

async function run(id: bigint, options: RunOptions = {}): Promise<DeliveryFate | undefined> {
  return (await runTogether(id, { alone: true, ...options })).get(id);
}

function runTogether(
  id: bigint,
  options: RunOptions & { alone?: boolean } = {},
): Promise<Map<bigint, DeliveryFate>> {
  const { log } = memoryLog();
  return processDelivery(id, {
    pool: database.pool,
    sessions: sessionsFor(database.pool, platforms, log),
    platforms,
    log,
    metrics: createMetrics(new Registry()),
    apply: stubApply(),
    random: () => 0.5,
    ...options,
  });
}

async function row(id: bigint) {
  const { rows } = await database.pool.query(
    `select status, outcome, attempts, takeovers, claimed_by, error_code, error, remedy, next_attempt_at is not null as later,
       round(extract(epoch from next_attempt_at - clock_timestamp())) as in_seconds from delivery where id = $1`,
    [id],
  );
  return rows[0];
}

async function eventTypes(): Promise<string[]> {
  const { rows } = await database.pool.query<{ type: string }>('select type from event order by position');
  return rows.map(({ type }) => type);
}

async function jobs(): Promise<{ key: string; later: boolean }[]> {
  const { rows } = await database.pool.query<{ key: string; later: boolean }>(
    'select key, run_at > now() as later from graphile_worker.jobs order by key',
  );
  return rows;
}

const failing =
  (error: unknown): typeof applyChanges =>
  () =>
    Promise.reject(error);

test('a delivery is applied and settled once; a second run finds nothing to do', async () => {
  const id = await addDelivery(database.pool, { connectionId });
  expect(await run(id)).toBe('applied');
  expect(await row(id)).toMatchObject({ status: 'settled', outcome: 'applied', attempts: 0, error: null });
  expect(await run(id)).toBe('nothing');
  expect(await eventTypes()).toEqual(['location.updated']);
});

test('the same event by another delivery is a duplicate; another topic or subject of it is not', async () => {
  const event = { connectionId, eventId: 'e-1' };
  const first = await addDelivery(database.pool, event);
  const twin = await addDelivery(database.pool, event);
  const otherTopic = await addDelivery(database.pool, { ...event, topic: 'things/create' });
  const otherSubject = await addDelivery(database.pool, { ...event, subject: 'thing:2' });
  expect(await run(first)).toBe('applied');
  expect(await run(twin)).toBe('duplicate');
  expect(await run(otherTopic)).toBe('applied');
  expect(await run(otherSubject)).toBe('applied');
  expect(await row(twin)).toMatchObject({ status: 'settled', outcome: 'duplicate' });
  // Replaying the one that had the effect is no duplicate of its duplicate.
  await transaction(database.pool, (tx) => replayDelivery(tx, first));
  expect(await run(first)).toBe('applied');
});

test('an unknown topic is ignored, and a request for a person becomes a dead letter with what to do', async () => {
  const unknown = await addDelivery(database.pool, { connectionId, topic: 'unknown/topic' });
  const person = await addDelivery(database.pool, { connectionId, topic: 'person/data_request' });
  expect(await run(unknown)).toBe('ignored');
  expect(await row(unknown)).toMatchObject({ status: 'settled', outcome: 'ignored' });
  expect(await run(person)).toBe('dead');
  expect(await row(person)).toMatchObject({
    status: 'dead',
    error_code: 'PERSON_NEEDED',
    error: 'A customer asks for their data.',
    remedy: 'Answer them.',
  });
  expect(await eventTypes()).toEqual(['delivery.dead']);
});

test('a payload of wrong types is a dead letter at once, naming the field', async () => {
  const id = await addDelivery(database.pool, { connectionId, body: { name: 'x', lines: [{ price: 5 }] } });
  expect(await run(id)).toBe('dead');
  expect(await row(id)).toMatchObject({
    status: 'dead',
    error_code: 'PAYLOAD_UNREADABLE',
    error: 'The field "lines.0.price" is not as expected: Invalid input: expected string, received number',
    attempts: 1,
  });
});

test('when a payload does not decide, the platform is read afresh, once', async () => {
  const id = await addDelivery(database.pool, { connectionId });
  const observed: (Date | null)[] = [];
  const settled = stubApply();
  const undecided: typeof applyChanges = async (tx, input) => {
    const observedAt = input.changes[0]?.kind === 'location' ? input.changes[0].version.observedAt : null;
    observed.push(observedAt);
    return observedAt === null
      ? { outcome: 'needsFresh', outcomes: [], pushIds: [], eventPosition: null, touched: [] }
      : settled(tx, input);
  };
  expect(await run(id, { apply: undecided })).toBe('applied');
  expect(observed).toEqual([null, expect.any(Date)]);

  const never = await addDelivery(database.pool, { connectionId });
  expect(
    await run(never, {
      apply: async () => ({
        outcome: 'needsFresh',
        outcomes: [],
        pushIds: [],
        eventPosition: null,
        touched: [],
      }),
    }),
  ).toBe('retrying');
  expect(await row(never)).toMatchObject({ error_code: 'STILL_UNDECIDED' });
});

test('a transient failure backs off with jitter, keeps its effect out, and has a job at its next time', async () => {
  const id = await addDelivery(database.pool, { connectionId });
  const down = new AppError({ code: 'DOWN', retryable: true, publicMessage: 'It is down.' });
  for (const [attempt, inSeconds] of [
    [1, '1'],
    [2, '1'],
    [3, '2'],
    [4, '4'],
  ] as const) {
    expect(await run(id, { apply: failing(down) })).toBe('retrying');
    const seen = await row(id);
    expect(seen).toMatchObject({ status: 'retrying', attempts: attempt, error_code: 'DOWN', later: true });
    expect(Number(seen.in_seconds)).toBeLessThanOrEqual(Number(inSeconds));
  }
  expect(await jobs()).toEqual([{ key: `delivery:${connectionId}:thing:1`, later: true }]);
  expect(await eventTypes()).toEqual(Array.from({ length: 4 }, () => 'delivery.retrying'));
  expect(await run(id)).toBe('applied');
  expect(await row(id)).toMatchObject({ status: 'settled', error: null, error_code: null });
});

test('Retry-After is respected and the twelfth failure is a dead letter that a replay revives', async () => {
  const id = await addDelivery(database.pool, { connectionId });
  const busy = new AppError({
    code: 'BUSY',
    retryable: true,
    publicMessage: 'Later.',
    retryAfterMs: 600_000,
  });
  expect(await run(id, { apply: failing(busy) })).toBe('retrying');
  expect((await row(id)).in_seconds).toBe('600');
  const fates: (DeliveryFate | undefined)[] = [];
  for (let attempt = 2; attempt <= 12; attempt += 1) fates.push(await run(id, { apply: failing(busy) }));
  expect(fates).toEqual([...Array.from({ length: 10 }, () => 'retrying'), 'dead']);
  expect(await row(id)).toMatchObject({ status: 'dead', attempts: 12, later: false, error_code: 'BUSY' });
  expect(await run(id)).toBe('nothing');
  await transaction(database.pool, (tx) => replayDelivery(tx, id));
  expect(await jobs()).toEqual([{ key: `delivery:${connectionId}:thing:1`, later: false }]);
  expect(await run(id)).toBe('applied');
});

test('work that has killed its process again and again is laid before a person', async () => {
  const id = await addDelivery(database.pool, { connectionId });
  await database.pool.query('update delivery set takeovers = 5 where id = $1', [id]);
  expect(await run(id)).toBe('dead');
  expect(await row(id)).toMatchObject({ error_code: 'PROCESS_DIED' });
});

test('a delivery whose body was erased cannot be replayed', async () => {
  const id = await addDelivery(database.pool, { connectionId });
  await database.pool.query(`update delivery set body = '' where id = $1`, [id]);
  await expect(transaction(database.pool, (tx) => replayDelivery(tx, id))).rejects.toThrow('DELIVERY_ERASED');
  await expect(transaction(database.pool, (tx) => replayDelivery(tx, 99_999n))).rejects.toThrow(
    'DELIVERY_UNKNOWN',
  );
  expect(await row(id)).toMatchObject({ status: 'pending' });
});

test('what waits about one subject is taken up together; others, what is not yet due and a twin are not', async () => {
  const first = await addDelivery(database.pool, { connectionId, eventId: 'e-1' });
  const twin = await addDelivery(database.pool, { connectionId, eventId: 'e-1' });
  const broken = await addDelivery(database.pool, { connectionId, body: { name: 5 } });
  const ignored = await addDelivery(database.pool, { connectionId, topic: 'unknown/topic' });
  const later = await addDelivery(database.pool, { connectionId });
  const stranger = await addDelivery(database.pool, { connectionId, subject: 'thing:2' });
  await database.pool.query(
    `update delivery set status = 'retrying', next_attempt_at = now() + interval '1 hour' where id = $1`,
    [later],
  );
  expect(await runTogether(ignored)).toEqual(
    new Map<bigint, DeliveryFate>([
      [ignored, 'ignored'],
      [first, 'applied'],
      [broken, 'dead'],
    ]),
  );
  expect(await row(ignored)).toMatchObject({ status: 'settled', outcome: 'ignored' });
  for (const id of [twin, stranger]) expect(await row(id)).toMatchObject({ status: 'pending' });
  expect(await row(later)).toMatchObject({ status: 'retrying', attempts: 0 });
  // The twin is looked at when the first is settled.
  expect(await runTogether(twin)).toEqual(new Map([[twin, 'duplicate']]));
});

test('what may have brought a process down is tried by itself, under the name of who is at it', async () => {
  const [suspect, bystander, other] = [
    await addDelivery(database.pool, { connectionId }),
    await addDelivery(database.pool, { connectionId }),
    await addDelivery(database.pool, { connectionId }),
  ];
  const suspects = (ids: bigint[]) =>
    database.pool.query('update delivery set takeovers = 1 where id = any($1::bigint[])', [ids]);
  await suspects([suspect, other]);
  expect(await runTogether(suspect, { worker: 'me' })).toEqual(new Map([[suspect, 'applied']]));
  expect(await row(bystander)).toMatchObject({ status: 'pending', claimed_by: null });
  expect(await row(suspect)).toMatchObject({ status: 'settled', claimed_by: 'me' });
  // Nor do others take one along.
  expect(await runTogether(bystander, { worker: 'me' })).toEqual(new Map([[bystander, 'applied']]));
  expect(await row(other)).toMatchObject({ status: 'pending', takeovers: 1 });
  // An attempt that ends in order tells that it is not the cause.
  await database.pool.query(`update delivery set body = 'not JSON' where id = $1`, [other]);
  await runTogether(other, { worker: 'me' });
  expect(await row(other)).toMatchObject({ status: 'dead', takeovers: 0, claimed_by: null });
});

test('products that are understood at once do not wait for one that has to be read from a slow platform', async () => {
  let read: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => {
    read = resolve;
  });
  const add = (subject: string) => addDelivery(database.pool, { connectionId, subject });
  const [first, second, third] = [await add('product:1'), await add('product:2'), await add('product:3')];
  const reading: Platform = {
    ...platforms.shopify,
    interpret: async (delivery, session, how) => {
      if (delivery.subject === 'product:1') await slow;
      return platforms.shopify.interpret(delivery, session as never, how);
    },
  };
  const working = processDelivery(first, {
    pool: database.pool,
    sessions: sessionsFor(database.pool, { shopify: reading }, memoryLog().log),
    platforms: { shopify: reading },
    log: memoryLog().log,
    metrics: createMetrics(new Registry()),
    apply: stubApply(),
  });
  await eventually(
    async () => [await row(second), await row(third)].map(({ status }) => status),
    (seen) => seen.every((status) => status === 'settled'),
  );
  expect(await row(first)).toMatchObject({ status: 'pending' });
  read();
  expect([...(await working).values()]).toEqual(['applied', 'applied', 'applied']);
});

test('of several statements about one row the newest is applied, and the others are known to be old without asking', async () => {
  const at = (second: number, title: string) => ({ at: `2026-11-20T10:00:0${second}Z`, title });
  const tell = (body: unknown) =>
    addDelivery(database.pool, { connectionId, topic: 'products/update', subject: 'product:77', body });
  const telling: Platform = {
    ...platforms.shopify,
    interpret: async (delivery) => {
      const told = JSON.parse(delivery.body.toString('utf8')) as { at: string; title: string };
      const version = { sourceUpdatedAt: new Date(told.at), observedAt: null };
      return {
        kind: 'changes',
        changes: [{ kind: 'product', remoteId: '77', version, product: product(told.title) }],
      };
    },
  };
  let applied = 0;
  const together = (id: bigint) =>
    processDelivery(id, {
      pool: database.pool,
      sessions: sessionsFor(database.pool, { shopify: telling }, memoryLog().log),
      platforms: { shopify: telling },
      log: memoryLog().log,
      metrics: createMetrics(new Registry()),
      apply: (tx, input) => {
        applied += 1;
        return applyChanges(tx, input);
      },
    });
  const old = await tell(at(1, 'Old'));
  const newest = await tell(at(3, 'Newest'));
  const middle = await tell(at(2, 'Middle'));
  const again = await tell(at(3, 'Newest'));
  expect(await together(old)).toEqual(
    new Map<bigint, DeliveryFate>([
      [old, 'stale'],
      [newest, 'applied'],
      [middle, 'stale'],
      [again, 'unchanged'],
    ]),
  );
  expect(applied).toBe(1);
  expect((await database.pool.query('select title from product')).rows).toEqual([{ title: 'Newest' }]);
  // What the graph was told before is known from its table.
  const late = await tell(at(2, 'Middle'));
  expect(await together(late)).toEqual(new Map([[late, 'stale']]));
  expect(applied).toBe(1);
  // Two that differ and are of one time decide nothing: the graph is asked, and asks for a fresh read.
  const rival = await tell(at(3, 'Rival'));
  expect(await together(rival)).toEqual(new Map([[rival, 'retrying']]));
  expect(await row(rival)).toMatchObject({ error_code: 'STILL_UNDECIDED' });
});

function product(title: string): CanonicalProduct {
  return { title, vendor: null, productType: null, status: 'active', handle: 'a', tags: [], variants: [] };
}
