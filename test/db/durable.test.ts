import type pg from 'pg';
import { expect, test } from 'vitest';
import { durable } from '../../src/db/durable.ts';
import { createPool, type Pool } from '../../src/db/pool.ts';
import { afterCommit, transaction } from '../../src/db/transaction.ts';
import { createTestDatabase } from '../support/database.ts';

/** The servers of the tests flush nothing; here it is what is asked about. */
async function openFlushing() {
  const database = await createTestDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await database.pool.query(`alter database ${name} set synchronous_commit = on`);
  await database.pool.query('create table note (text text)');
  const pool = createPool({ connectionString: database.url, max: 8, applicationName: 'flushing' });
  const isFlushed = async (position: string): Promise<boolean> => {
    const { rows } = await pool.query<{ yes: boolean }>(
      'select pg_current_wal_flush_lsn() >= $1::pg_lsn as yes',
      [position],
    );
    return rows[0]?.yes === true;
  };
  return {
    pool,
    isFlushed,
    [Symbol.asyncDispose]: async () => {
      await pool.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Where the log ends after a note was written and before its commit. */
async function write(db: pg.PoolClient | pg.Client): Promise<string> {
  await db.query("insert into note values ('x')");
  const { rows } = await db.query<{ position: string }>(
    'select pg_current_wal_insert_lsn()::text as position',
  );
  return rows[0]?.position ?? '';
}

test('what a transaction returns is on disk, and what follows it begins only then', async () => {
  await using database = await openFlushing();
  for (let turn = 0; turn < 20; turn += 1) {
    let followed = false;
    const position = await transaction(database.pool, async (tx) => {
      afterCommit(tx, () => {
        followed = true;
      });
      return await write(tx);
    });
    expect(followed).toBe(true);
    expect(await database.isFlushed(position)).toBe(true);
  }
});

test('a transaction whose failed statement was passed over is no commit: it fails, and nothing follows', async () => {
  await using database = await openFlushing();
  let followed = false;
  const work = transaction(database.pool, async (tx) => {
    afterCommit(tx, () => {
      followed = true;
    });
    await write(tx);
    await tx.query('select 1 / 0').catch(() => undefined);
    return 'done';
  });
  await expect(work).rejects.toThrow('rolled back');
  expect(followed).toBe(false);
  const { rows } = await database.pool.query('select count(*)::int as notes from note');
  expect(rows).toEqual([{ notes: 0 }]);
});

test('a flush takes along what anybody has committed without waiting', async () => {
  await using database = await openFlushing();
  let behind = 0;
  for (let turn = 0; turn < 20; turn += 1) {
    const client = await database.pool.connect();
    await client.query('begin; set local synchronous_commit = off');
    const position = await write(client);
    await client.query('commit');
    client.release();
    if (!(await database.isFlushed(position))) behind += 1;
    await durable(database.pool);
    expect(await database.isFlushed(position)).toBe(true);
  }
  // Otherwise the flush had nothing to do.
  expect(behind).toBeGreaterThan(0);
});

test('those who come during a flush share the next one, and a flush that fails fails those who shared it alone', async () => {
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  // Stands before the real pool, so that a flush lasts as long as the test wants.
  const pool = {
    options: {},
    query: () =>
      new Promise<void>((resolve, reject) => {
        ends.push({ resolve, reject });
      }),
  } as unknown as Pool;
  const first = durable(pool);
  const shared = [durable(pool), durable(pool), durable(pool)];
  expect(ends).toHaveLength(1);
  ends[0]?.resolve();
  await first;
  await expect.poll(() => ends.length).toBe(2);
  const later = durable(pool);
  ends[1]?.reject(new Error('connection lost'));
  for (const one of shared) await expect(one).rejects.toThrow('connection lost');
  await expect.poll(() => ends.length).toBe(3);
  ends[2]?.resolve();
  await later;
  expect(ends).toHaveLength(3);
});
