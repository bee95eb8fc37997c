import type { Pool, Tx } from './pool.ts';

/** Serialisation failure and deadlock: Postgres asks for the transaction to be run again. */
const retryableCodes = new Set(['40001', '40P01']);

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws, run again (at most four
 * times in all) when Postgres reports a deadlock. `work` makes no network call and has no effect outside the transaction.
 */
export async function transaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('begin');
      const result = await work(client as unknown as Tx);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch((rollbackError: Error) => {
        broken = rollbackError;
      });
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (attempt >= 4 || !retryableCodes.has(code)) throw error;
    } finally {
      client.release(broken);
    }
  }
}
