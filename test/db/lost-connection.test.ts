import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import { createLog } from '../../src/log.ts';
import { Lanes } from '../../src/sync/inbox/lanes.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { FlakyRoad } from '../support/flaky-road.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

test('a connection that is cut between two statements fails its transaction and nothing else', async () => {
  const { pool } = database;
  const work = transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
    const ended = new Promise((resolve) => tx.once('end', resolve));
    await pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    // Nobody waits for an answer at this moment: the loss reaches the connection itself.
    await ended;
    await tx.query('select 1');
  });
  await expect(work).rejects.toThrow();
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

/** The database behind a road that can lose what travels on it without telling anybody. */
async function byRoad(): Promise<{ road: FlakyRoad; url: string }> {
  const url = new URL(database.url);
  const road = await FlakyRoad.open();
  road.target = Number(url.port);
  url.port = String(road.port);
  return { road, url: url.href };
}

test('connections that lead nowhere any more are given up, and others take their place', async () => {
  const { road, url } = await byRoad();
  await using _road = road;
  const pool = createPool({ connectionString: url, max: 3, applicationName: 'lost', unansweredMs: 500 });
  await Promise.all([1, 2, 3].map(() => pool.query('select pg_sleep(0.01)')));
  road.forget();
  const work = transaction(pool, (tx) => tx.query('select 1'));
  await expect(work).rejects.toThrow('timeout');
  await expect(Promise.all([1, 2].map(() => pool.query('select 1')))).rejects.toThrow('timeout');
  expect(await transaction(pool, async (tx) => (await tx.query('select 1 as one')).rows)).toEqual([
    { one: 1 },
  ]);
  await pool.end();
});

test('a lane whose connection leads nowhere is free again, and work goes on', async () => {
  const { road, url } = await byRoad();
  await using _road = road;
  const log = createLog({ level: 'silent' });
  await using lanes = new Lanes({ connectionString: url, log, unansweredMs: 500 });
  await using others = new Lanes({ connectionString: database.url, log });
  const done: bigint[] = [];
  const work = async (id: bigint): Promise<void> => void done.push(id);
  await lanes.run('a', 1n, work);
  road.forget();
  await expect(lanes.run('a', 2n, work)).rejects.toThrow('timeout');
  await lanes.run('a', 3n, work);
  await others.run('a', 4n, work);
  expect(done).toEqual([1n, 3n, 4n]);
});
