import { isKeyed, keyedLookups, type Pool, type Tx } from './pool.ts';

/** Serialisation failure and deadlock: Postgres asks for the transaction to be run again. */
const retryableCodes = new Set(['40001', '40P01']);

const beginKeyed = `begin; ${keyedLookups.map((setting) => `set local ${setting}`).join('; ')}`;

/** What each open transaction still has to do: statements that go together with its commit, and what follows it. */
const ends = new WeakMap<object, { statements: string[]; followers: (() => void)[] }>();

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws, run again (at most four
 * times in all) when Postgres reports a deadlock. `work` makes no network call and has no effect outside the transaction.
 */
export async function transaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect();
    const end = { statements: [] as string[], followers: [] as (() => void)[] };
    ends.set(client, end);
    let broken: Error | undefined;
    try {
      await client.query(isKeyed(pool) ? 'begin' : beginKeyed);
      const result = await work(client as unknown as Tx);
      // One message, so one round trip: a statement that fails keeps the commit from being run.
      await client.query([...end.statements, 'commit'].join(';\n'));
      for (const follower of end.followers) follower();
      return result;
    } catch (error) {
      await client.query('rollback').catch((rollbackError: Error) => {
        broken = rollbackError;
      });
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (attempt >= 4 || !retryableCodes.has(code)) throw error;
    } finally {
      ends.delete(client);
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
  endOf(tx).statements.push(text);
}

/** Calls `follower` once the transaction is committed, and never when it is not. It must not throw. */
export function afterCommit(tx: Tx, follower: () => void): void {
  endOf(tx).followers.push(follower);
}

function endOf(tx: Tx): { statements: string[]; followers: (() => void)[] } {
  const end = ends.get(tx);
  if (end === undefined) throw new Error('This works only inside transaction()');
  return end;
}
