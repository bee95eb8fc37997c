import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Pool } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import type { EventType, NewEvent, StoredEvent } from '../../src/model/event.ts';
import { appendEvents } from '../../src/sync/events/append-events.ts';
import { EventStream } from '../../src/sync/events/event-stream.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually, memoryLog } from './support/engine.ts';

function fact(n: number, type: EventType = 'customer.updated'): NewEvent {
  return { type, subjectType: 'Customer', subjectId: BigInt(n), payload: { n }, source: 'tributary' };
}

function append(pool: Pool, ...facts: NewEvent[]): Promise<bigint | null> {
  return transaction(pool, (tx) => appendEvents(tx, facts));
}

async function take(events: AsyncIterableIterator<StoredEvent>, count: number): Promise<StoredEvent[]> {
  const taken: StoredEvent[] = [];
  while (taken.length < count) {
    const next = await events.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

const positions = (events: readonly StoredEvent[]): bigint[] => events.map((event) => event.position);
const upTo = (count: number): bigint[] => Array.from({ length: count }, (_, index) => BigInt(index + 1));

test('with 16 writers that commit late, every subscriber sees each event once and in order, also when it resumes', async () => {
  await using database = await createTestDatabase({ max: 20 });
  await using stream = await EventStream.start({
    connectionString: database.url,
    pool: database.pool,
    log: memoryLog().log,
  });
  const writers = 16;
  const each = 40;
  const total = writers * each;
  const live = take(stream.subscribe({ after: 0n }), total);
  // One that stops after every seventh event and resumes with the cursor of the last one it saw.
  const resuming = (async () => {
    const seen: StoredEvent[] = [];
    while (seen.length < total) {
      const events = stream.subscribe({ after: seen.at(-1)?.position ?? 0n });
      seen.push(...(await take(events, Math.min(7, total - seen.length))));
      await events.return?.();
    }
    return seen;
  })();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let n = 0; n < each; n += 1) {
        await transaction(database.pool, async (tx) => {
          await tx.query('select 1');
          await sleep(Math.random() * 4);
          await appendEvents(tx, [fact(writer * each + n)]);
          // Between the number and the commit: here a plain sequence would lose events.
          await sleep(Math.random() * 2);
        });
      }
    }),
  );
  expect(positions(await live)).toEqual(upTo(total));
  expect(positions(await resuming)).toEqual(upTo(total));
  expect(await stream.head()).toBe(BigInt(total));
  const afterwards = await take(stream.subscribe({ after: 0n }), total);
  expect(new Set(afterwards.map((event) => event.subjectId)).size).toBe(total);
});

test('a rolled-back transaction leaves no hole', async () => {
  await using database = await createTestDatabase();
  await append(database.pool, fact(1));
  await expect(
    transaction(database.pool, async (tx) => {
      await appendEvents(tx, [fact(2), fact(3)]);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  await append(database.pool, fact(4));
  const { rows } = await database.pool.query('select position, subject_id from event order by position');
  expect(rows).toEqual([
    { position: 1n, subject_id: 1n },
    { position: 2n, subject_id: 4n },
  ]);
});

test('without a cursor it begins now; with one it goes on right after it; types and predicates filter both', async () => {
  await using database = await createTestDatabase();
  await append(database.pool, fact(1), fact(2, 'order.created'), fact(3));
  await using stream = await EventStream.start({
    connectionString: database.url,
    pool: database.pool,
    log: memoryLog().log,
  });
  const fromNow = take(stream.subscribe(), 1);
  const orders = take(stream.subscribe({ after: 0n, types: ['order.created'] }), 2);
  const even = take(stream.subscribe({ after: 1n, where: (event) => event.subjectId % 2n === 0n }), 2);
  await append(database.pool, fact(4, 'order.created'), fact(5));
  expect(positions(await fromNow)).toEqual([4n]);
  expect(positions(await orders)).toEqual([2n, 4n]);
  expect(positions(await even)).toEqual([2n, 4n]);
  const [first] = await take(stream.subscribe({ after: 0n }), 1);
  expect(first).toEqual({
    position: 1n,
    type: 'customer.updated',
    subjectType: 'Customer',
    subjectId: 1n,
    payload: { n: 1 },
    source: 'tributary',
    deliveryId: null,
    pushId: null,
    recordedAt: expect.any(Date),
  });
});

test('a subscriber that is far behind what is kept in memory reads the table and misses nothing', async () => {
  await using database = await createTestDatabase();
  await using stream = await EventStream.start({
    connectionString: database.url,
    pool: database.pool,
    log: memoryLog().log,
    keep: 10,
  });
  const slow = stream.subscribe({ after: 0n });
  const started = take(stream.subscribe({ after: 0n }), 1_300);
  for (let batch = 0; batch < 13; batch += 1)
    await append(database.pool, ...Array.from({ length: 100 }, (_, n) => fact(batch * 100 + n)));
  expect(positions(await started)).toEqual(upTo(1_300));
  expect(positions(await take(slow, 1_300))).toEqual(upTo(1_300));
});

test('it goes on when the doorbell is cut off and when nobody rings it', async () => {
  await using database = await createTestDatabase();
  await using stream = await EventStream.start({
    connectionString: database.url,
    pool: database.pool,
    log: memoryLog().log,
    pollMs: 50,
  });
  const events = stream.subscribe({ after: 0n });
  const cut = () =>
    database.pool.query<{ cut: boolean }>(
      `select pg_terminate_backend(pid) as cut from pg_stat_activity
       where application_name = 'tributary-events' and datname = current_database()`,
    );
  expect((await cut()).rowCount).toBe(1);
  await append(database.pool, fact(1));
  expect(positions(await take(events, 1))).toEqual([1n]);
  // A second doorbell has taken the place of the first.
  await eventually(cut, (result) => result.rowCount === 1);
  await append(database.pool, fact(2));
  expect(positions(await take(events, 1))).toEqual([2n]);
});

test('aborting, returning and stopping the stream each end a subscriber that waits', async () => {
  await using database = await createTestDatabase();
  const stream = await EventStream.start({
    connectionString: database.url,
    pool: database.pool,
    log: memoryLog().log,
  });
  const abort = new AbortController();
  const aborted = stream.subscribe({ signal: abort.signal });
  const returned = stream.subscribe();
  const stopped = stream.subscribe();
  const ends = [aborted.next(), returned.next(), stopped.next()];
  abort.abort();
  expect(await ends[0]).toEqual({ done: true, value: undefined });
  await returned.return?.();
  expect(await ends[1]).toEqual({ done: true, value: undefined });
  await stream[Symbol.asyncDispose]();
  expect(await ends[2]).toEqual({ done: true, value: undefined });
  expect(await stream.subscribe({ after: 0n }).next()).toEqual({ done: true, value: undefined });
});
