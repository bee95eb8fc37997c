import pg from 'pg';
import { expect, test } from 'vitest';
import { TaskPool, within } from '../../src/sync/task-pool.ts';
import { createTestDatabase } from '../support/database.ts';
import { eventually, memoryLog } from './support/engine.ts';

test('a pool that was started while the database was away is replaced, and takes the jobs that wait', async () => {
  await using database = await createTestDatabase();
  await database.pool.query(`select graphile_worker.add_job('look', '{}')`);
  const jobs = new pg.Pool({ connectionString: database.url, max: 5 });
  jobs.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  // The statement that registers tasks meets a database that goes away, twice.
  let away = 2;
  const connect = jobs.connect.bind(jobs) as () => Promise<pg.PoolClient>;
  jobs.connect = (async () => {
    const client = await connect();
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const text = typeof args[0] === 'string' ? args[0] : ((args[0] as { text?: string })?.text ?? '');
      if (away > 0 && text.includes('_private_tasks as tasks (identifier)')) {
        away -= 1;
        return Promise.reject(new Error('the connection was lost'));
      }
      return query(...args);
    }) as never;
    return client;
  }) as never;
  const { log, text } = memoryLog();
  let looked = 0;
  const pool = new TaskPool({
    tasks: {
      look: async () => {
        looked += 1;
      },
    },
    concurrentJobs: 1,
    queueSize: 1,
    pool: database.pool,
    jobs,
    log,
    onStart: () => undefined,
    firstFetchMs: 300,
  });
  pool.start();
  try {
    await eventually(
      () => looked,
      (times) => times === 1,
    );
    expect(away).toBe(0);
    expect(text()).toContain('A pool of workers cannot fetch; starting another');
  } finally {
    await pool.stop(2_000);
    // The library keeps the client that it listens with.
    await within(1_000, jobs.end());
  }
}, 30_000);
