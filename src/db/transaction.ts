import { durable } from './durable.ts';
import { isKeyed, keyedLookups, type Pool, type Tx } from './pool.ts';

/** Serialisation failure and deadlock: Postgres asks for the transaction to be run again. */
const retryableCodes = new Set(['40001', '40P01']);

/** What a transaction went by is no longer so: it is run again, as after a serialisation failure. */
export class Overtaken extends Error {
  readonly code = '40001';
}

/** See `durable`: the wait for the disk follows the commit. */
const beginKeyed = 'begin; set local synchronous_commit = off';
const begin = `${beginKeyed}; ${keyedLookups.map((setting) => `set local ${setting}`).join('; ')}`;

/** What each open transaction still has to do: statements that go together with its commit, and what follows it. */
const ends = new WeakMap<object, { statements: string[]; followers: (() => void)[] }>();

/**
 * Runs `work` in one transaction: committed and on disk when it returns, rolled back when `work` throws, run again (at most four
 * times in all) when Postgres reports a deadlock. Where the connection is lost at the commit or at the flush after it, it throws
 * as well, and what was written may stand: whoever tries again finds it by its key. `work` makes no network call and has no effect outside the transaction.
 */
export async function transaction<T>(pool: Pool, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { result, followers } = await committed(pool, work);
  // The commit itself does not wait for the disk: its locks are given up by now, and others flush together with it.
  await durable(pool);
  for (const follower of followers) follower();
  return result;
}

async function committed<T>(
  pool: Pool,
  work: (tx: Tx) => Promise<T>,
): Promise<{ result: T; followers: (() => void)[] }> {
  for (let attempt = 1; ; attempt += 1) {
    const client = await pool.connect();
    const end = { statements: [] as string[], followers: [] as (() => void)[] };
    ends.set(client, end);
    let broken: Error | undefined;
    try {
      await client.query(isKeyed(pool) ? beginKeyed : begin);
      const result = await work(client as unknown as Tx);
      // One message, so one round trip: a statement that fails keeps the commit from being run.
      const answers: unknown = await client.query([...end.statements, 'commit'].join(';\n'));
      refuseRollback([answers].flat().at(-1));
      return { result, followers: end.followers };
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

/** To the commit of a transaction in which a statement has failed Postgres answers with a rollback, and with no error. */
function refuseRollback(answer: unknown): void {
  if (typeof answer === 'object' && answer !== null && 'command' in answer && answer.command === 'COMMIT')
    return;
  throw new Error('The transaction was rolled back: one of its statements had failed and nobody said so');
}

/**
 * Sends a statement together with the commit. For statements that take a lock which everybody needs: it is then held
 * for as long as Postgres takes to commit, and not while a busy event loop finds time to send the commit.
 * `text` holds no parameters; escape literals with `tx.escapeLiteral`.
 */
export function atCommit(tx: Tx, text: string): void {
  endOf(tx).statements.push(text);
}

/** Calls `follower` once the transaction is committed and on disk, and never when it is not. It must not throw. */
export function afterCommit(tx: Tx, follower: () => void): void {
  endOf(tx).followers.push(follower);
}

function endOf(tx: Tx): { statements: string[]; followers: (() => void)[] } {
  const end = ends.get(tx);
  if (end === undefined) throw new Error('This works only inside transaction()');
  return end;
}
