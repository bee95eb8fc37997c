import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { appendEvents } from '../../src/sync/events/append-events.ts';
import { EventStream } from '../../src/sync/events/event-stream.ts';
import { replayDelivery } from '../../src/sync/operations.ts';
import { dropOld } from '../../src/sync/retention.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { addDelivery, connect, memoryLog } from './support/engine.ts';

let database: TestDatabase;
let connectionId: bigint;

beforeAll(async () => {
  database = await createTestDatabase();
  connectionId = await connect(database.pool, 'shopify', 'one.example');
  // Events are never changed; here they have to grow old.
  await database.pool.query('alter table event disable trigger event_is_append_only');
});
afterAll(() => database[Symbol.asyncDispose]());
beforeEach(async () => {
  await database.pool.query('truncate event, delivery cascade');
  await database.pool.query('update event_head set dropped_until = 0, position = 0');
});

const drop = (days: { events: number; inbox: number }) => dropOld(database.pool, days);

async function append(count: number, daysAgo: number): Promise<void> {
  await transaction(database.pool, (tx) =>
    appendEvents(
      tx,
      Array.from({ length: count }, () => ({
        type: 'location.updated' as const,
        subjectType: 'Location' as const,
        subjectId: 1n,
        payload: {},
        source: 'shopify' as const,
      })),
    ),
  );
  await database.pool.query(
    `update event set recorded_at = clock_timestamp() - $1 * interval '1 day'
     where position > (select position from event_head) - $2::int`,
    [daysAgo, count],
  );
}

async function positions(): Promise<number[]> {
  const { rows } = await database.pool.query<{ position: bigint }>(
    'select position from event order by position',
  );
  return rows.map((row) => Number(row.position));
}

async function droppedUntil(): Promise<number> {
  const { rows } = await database.pool.query<{ dropped: bigint }>(
    'select dropped_until as dropped from event_head',
  );
  return Number(rows[0]?.dropped);
}

async function stream(): Promise<EventStream> {
  return EventStream.start({ connectionString: database.url, pool: database.pool, log: memoryLog().log });
}

test('events beyond their days are dropped in batches, and the rest goes on without a gap', async () => {
  await append(2_500, 91);
  await append(3, 1);
  expect(await drop({ events: 90, inbox: 0 })).toEqual({ events: 2_500, bodies: 0, answers: 0 });
  expect(await positions()).toEqual([2_501, 2_502, 2_503]);
  expect(await droppedUntil()).toBe(2_500);
  await append(1, 0);
  expect(await positions()).toEqual([2_501, 2_502, 2_503, 2_504]);
  expect(await drop({ events: 90, inbox: 0 })).toMatchObject({ events: 0 });
  expect(await drop({ events: 0, inbox: 0 })).toMatchObject({ events: 0 });
});

test('a cursor from before what is kept is refused; the oldest that is kept and all newer ones go on', async () => {
  await append(5, 91);
  await append(3, 1);
  await drop({ events: 90, inbox: 0 });
  await using events = await stream();
  for (const after of [0n, 4n]) {
    const expired = events.subscribe({ after });
    await expect(expired.next()).rejects.toMatchObject({
      code: 'CURSOR_EXPIRED',
      publicMessage: expect.stringContaining('the oldest cursor to go on from is 5'),
    });
    expect(await expired.next()).toEqual({ done: true, value: undefined });
  }
  for (const after of [5n, 6n, 7n]) {
    const going = events.subscribe({ after });
    expect((await going.next()).value?.position).toBe(after + 1n);
    await going.return?.();
  }
});

test('a subscriber that fell behind what is kept is told, also where nothing is left', async () => {
  await append(2, 91);
  await using events = await stream();
  const behind = events.subscribe({ after: 0n, types: ['order.created'] });
  await drop({ events: 90, inbox: 0 });
  expect(await positions()).toEqual([]);
  await expect(behind.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
});

test('whatever the ages are, only a beginning of the stream is dropped and every cursor is either whole or refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(1, 89, 91, 200)), { maxLength: 8 }),
      async (ages) => {
        await database.pool.query('truncate event');
        await database.pool.query('update event_head set dropped_until = 0, position = 0');
        for (const [count, daysAgo] of ages) await append(count, daysAgo);
        const before = await positions();
        await drop({ events: 90, inbox: 0 });
        const dropped = await droppedUntil();
        expect(await positions()).toEqual(before.filter((position) => position > dropped));
        // What is younger is kept, wherever a clock that was set back has put it.
        const young = before.find((_, index) => {
          let seen = 0;
          return ages.some(([count, daysAgo]) => {
            seen += count;
            return daysAgo < 90 && index < seen && index >= seen - count;
          });
        });
        expect(dropped).toBe((young ?? before.length + 1) - 1);
      },
    ),
    { numRuns: 40 },
  );
});

test('the bytes of deliveries that are settled or dismissed are dropped after their days; open ones and dead letters keep theirs', async () => {
  const add = () => addDelivery(database.pool, { connectionId, body: { name: 'Shop' } });
  const [old, young, dead, open] = [await add(), await add(), await add(), await add()];
  const [oldDismissed, youngDismissed] = [await add(), await add()];
  const settle = (id: bigint, daysAgo: number) =>
    database.pool.query(
      `update delivery set status = 'settled', outcome = 'applied', settled_at = clock_timestamp() - $2 * interval '1 day'
       where id = $1`,
      [id, daysAgo],
    );
  await settle(old, 31);
  await settle(young, 29);
  await database.pool.query(
    "update delivery set status = 'dead', received_at = now() - interval '1 year' where id = $1",
    [dead],
  );
  for (const [id, daysAgo] of [
    [oldDismissed, 31],
    [youngDismissed, 29],
  ])
    await database.pool.query(
      `update delivery set status = 'dismissed', dismissed_at = clock_timestamp() - $2 * interval '1 day',
         dismissed_by = 'key:office', dismissed_reason = 'Deleted at the shop.' where id = $1`,
      [id, daysAgo],
    );
  expect(await drop({ events: 0, inbox: 30 })).toEqual({ events: 0, bodies: 2, answers: 0 });
  const { rows } = await database.pool.query('select id, length(body) > 0 as kept from delivery order by id');
  expect(rows).toEqual([
    { id: old, kept: false },
    { id: young, kept: true },
    { id: dead, kept: true },
    { id: open, kept: true },
    { id: oldDismissed, kept: false },
    { id: youngDismissed, kept: true },
  ]);
  expect(await drop({ events: 0, inbox: 30 })).toMatchObject({ bodies: 0 });
  await expect(transaction(database.pool, (tx) => replayDelivery(tx, old))).rejects.toMatchObject({
    code: 'DELIVERY_ERASED',
  });
});

test('answers to idempotency keys are kept for a week', async () => {
  await database.pool.query(
    `insert into mutation_request (actor, idempotency_key, mutation, input_hash, result, created_at)
     select 'a', 'key-' || days, 'm', 'h', '{}', now() - days * interval '1 day' from unnest('{6,8}'::int[]) as days`,
  );
  expect(await drop({ events: 0, inbox: 0 })).toMatchObject({ answers: 1 });
  const { rows } = await database.pool.query('select idempotency_key as key from mutation_request');
  expect(rows).toEqual([{ key: 'key-6' }]);
});

test('only one process drops at a time', async () => {
  const client = await database.pool.connect();
  await client.query(`select pg_advisory_lock(hashtextextended('retention', 3))`);
  expect(await drop({ events: 90, inbox: 30 })).toBe(null);
  client.release(true);
});
