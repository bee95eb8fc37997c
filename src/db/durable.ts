import { isRelaxed, type Pool } from './pool.ts';

/** Of each pool: the flush that is under way, and the one that follows it for whoever comes meanwhile. */
const flushes = new WeakMap<Pool, { underWay: Promise<void> | null; next: Promise<void> | null }>();

/**
 * Resolves when everything that was committed before the call is on disk, whoever committed it. A transaction may then
 * commit without waiting for the disk, and give up its locks at once: those that all writers need (the number of the
 * next event, the queue of notifications) are otherwise held for as long as a flush takes, one transaction after the other.
 *
 * The log is written in order: a message of our own that is committed in the ordinary way takes all before it along. Those who
 * come while a flush is under way share the next one.
 */
export function durable(pool: Pool): Promise<void> {
  let state = flushes.get(pool);
  if (state === undefined) {
    state = { underWay: null, next: null };
    flushes.set(pool, state);
  }
  const of = state;
  if (of.underWay === null) return begin(pool, of);
  of.next ??= of.underWay.catch(() => undefined).then(() => begin(pool, of));
  return of.next;
}

function begin(
  pool: Pool,
  of: { underWay: Promise<void> | null; next: Promise<void> | null },
): Promise<void> {
  of.next = null;
  const flush = flushOnce(pool).finally(() => {
    if (of.underWay === flush) of.underWay = null;
  });
  of.underWay = flush;
  return flush;
}

async function flushOnce(pool: Pool): Promise<void> {
  if (isRelaxed(pool)) return;
  await pool.query({ name: 'flush', text: `select pg_logical_emit_message(true, 'tributary', '')` });
}
