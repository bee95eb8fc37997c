import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformChange } from '../../model/change.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';

export interface SweepProgress {
  /** Changes since then are read; null: everything there is. */
  since: Date | null;
  /** What was read last. */
  reading: PlatformChange['kind'] | null;
  read: number;
  /** What the graph did not hold yet. */
  applied: number;
  /** By kind, what a delivery should have told before and did not. */
  drifted: Partial<Record<PlatformChange['kind'], number>>;
  /** What could not be applied. */
  passedOver: number;
  /** The earliest of that: the next sweep reads from there. */
  repeatFrom: Date | null;
}

export async function beginSweep(pool: Pool, connectionId: bigint, since: Date | null): Promise<void> {
  await pool.query(
    `insert into sweep (connection_id, since, started_at, progressed_at) values ($1, $2, clock_timestamp(), clock_timestamp())
     on conflict (connection_id) do update set since = excluded.since, reading = null, read_count = 0, applied_count = 0,
       drifted_count = 0, passed_over_count = 0, error = null, started_at = excluded.started_at,
       progressed_at = excluded.progressed_at, finished_at = null`,
    [connectionId, since],
  );
}

export async function showProgress(pool: Pool, connectionId: bigint, progress: SweepProgress): Promise<void> {
  await pool.query({
    name: 'show-sweep-progress',
    text: `update sweep set reading = $2, read_count = $3, applied_count = $4, drifted_count = $5, passed_over_count = $6,
             progressed_at = clock_timestamp() where connection_id = $1`,
    values: [
      connectionId,
      progress.reading,
      progress.read,
      progress.applied,
      driftOf(progress),
      progress.passedOver,
    ],
  });
}

/** Notes how it ended; drift that it found is told as an event, in the same transaction. */
export async function endSweep(
  pool: Pool,
  source: PlatformName,
  connectionId: bigint,
  progress: SweepProgress,
  end: { sweptUntil: Date } | { error: string },
): Promise<void> {
  await showProgress(pool, connectionId, progress);
  await transaction(pool, async (tx) => {
    if ('sweptUntil' in end)
      await tx.query('update connection set swept_until = $2 where id = $1', [connectionId, end.sweptUntil]);
    await tx.query('update sweep set finished_at = clock_timestamp(), error = $2 where connection_id = $1', [
      connectionId,
      'error' in end ? end.error : null,
    ]);
    if (driftOf(progress) === 0) return;
    appendEventsAtCommit(tx, [
      {
        type: 'connection.drifted',
        subjectType: 'Connection',
        subjectId: connectionId,
        payload: { since: progress.since, changes: progress.drifted, total: driftOf(progress) },
        source,
      },
    ]);
  });
}

function driftOf({ drifted }: SweepProgress): number {
  return Object.values(drifted).reduce((sum, count) => sum + count, 0);
}
