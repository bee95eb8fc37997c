import type { Pool } from './pool.ts';

/**
 * Does the work unless somebody else, in any process, is at work under the same name. Session-level: no transaction is
 * open meanwhile, so that platforms may be called. Postgres frees the name when a process dies.
 * @returns null where somebody else is at it.
 */
export async function alone<T>(pool: Pool, name: string, work: () => Promise<T>): Promise<T | null> {
  const client = await pool.connect();
  let broken = true;
  try {
    const { rows } = await client.query<{ mine: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 3)) as mine',
      [name],
    );
    if (rows[0]?.mine !== true) {
      broken = false;
      return null;
    }
    try {
      return await work();
    } finally {
      // Given back before the answer: whoever comes next must not find it taken.
      await client.query('select pg_advisory_unlock(hashtextextended($1, 3))', [name]).then(
        () => {
          broken = false;
        },
        () => undefined,
      );
    }
  } finally {
    // A client that may still hold the name must not go back to the pool.
    client.release(broken);
  }
}
