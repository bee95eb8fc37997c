import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { createPool, type Pool } from '../../src/db/pool.ts';

export interface TestDatabase extends AsyncDisposable {
  url: string;
  pool: Pool;
}

/** A migrated (or empty) database of the caller's own, dropped at the end. */
export async function createTestDatabase(
  options: { max?: number; empty?: boolean } = {},
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await onCluster(
    `create database ${name} template ${options.empty === true ? 'template0' : inject('templateDatabase')}`,
  );
  const url = new URL(inject('clusterUrl'));
  url.pathname = `/${name}`;
  const pool = createPool({ connectionString: url.href, max: options.max ?? 10, applicationName: 'test' });
  return {
    url: url.href,
    pool,
    [Symbol.asyncDispose]: async () => {
      await pool.end();
      await onCluster(`drop database if exists ${name} with (force)`);
    },
  };
}

async function onCluster(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject('clusterUrl') });
  await client.connect();
  try {
    // Two clones of one template at the same moment are refused: one waits for the other.
    await client.query('select pg_advisory_lock(7102)');
    await client.query(sql);
  } finally {
    await client.end();
  }
}
