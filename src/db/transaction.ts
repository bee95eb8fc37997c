import type { Pool, Tx } from './pool.ts';

/** Serialisation failure and deadlock: Postgres asks for the transaction to be run again. */
const retryableCodes = new Set(['40001', '40P01']);

/**
 * Postgres plans a prepared statement anew for its first five uses on each connection, and for some statements always.
 * Ours look rows up by key, whatever the values, and the large ones take longer to plan than to run (10 ms to 5): they are
 * planned once per connection.
 */
const begin = 'begin; set local plan_cache_mode = force_generic_plan';

/** Statements that each open transaction sends together with its commit. */
const lastStatements = new WeakMap<object, string[]>();

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws, run again (at most four
 * times in all) when Postgres reports a deadlock. `work` makes no network call and has no effect outside the transaction.
 */
export async function transaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect();
    const last: string[] = [];
    lastStatements.set(client, last);
    let broken: Error | undefined;
    try {
      await client.query(begin);
      const result = await work(client as unknown as Tx);
      // One message, so one round trip: a statement that fails keeps the commit from being run.
      await client.query([...last, 'commit'].join(';\n'));
      return result;
    } catch (error) {
      await client.query('rollback').catch((rollbackError: Error) => {
        broken = rollbackError;
      });
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (attempt >= 4 || !retryableCodes.has(code)) throw error;
    } finally {
      lastStatements.delete(client);
      client.release(broken);
    }
  }
}

/**
 * Sends a statement together with the commit. For statements that take a lock which everybody needs: it is then held
 * for as long as Postgres takes to commit, and not while a busy event loop finds time to send the commit.
 * `text` holds no parameters; escape literals with `tx.escapeLiteral`.
 */
export function atCommit(tx: Tx, text: string): void {
  const statements = lastStatements.get(tx);
  if (statements === undefined) throw new Error('atCommit works only inside transaction()');
  statements.push(text);
}
