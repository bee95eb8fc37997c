import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from './pool.ts';

/**
 * Waits until everybody who is writing at this moment is done: a transaction that began before a change was committed may
 * have read what was there before it and commit after. Gives up after the deadline, because a forgotten session must not
 * hold up work for ever.
 */
export async function letEarlierWritersEnd(pool: Pool, deadlineMs = 30_000): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  const { rows } = await pool.query<{ next: string }>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text as next',
  );
  while (performance.now() < deadline) {
    const { rows: ended } = await pool.query<{ ended: boolean }>(
      'select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as ended',
      [rows[0]?.next],
    );
    if (ended[0]?.ended === true) return;
    await sleep(20);
  }
}
