import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformChange } from '../../model/change.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { SweepPosition } from '../platforms/platform.ts';

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
  /** About how many changes it will have read at its end; null where nobody knows. */
  expected: number | null;
  /** Where another reading may go on, in the platform's words; null: only from the beginning. */
  position: SweepPosition | null;
}

/** After this long a platform may not know the place any more where a reading broke off. */
const resumableMs = 24 * 3_600_000;

interface SweepRow {
  since: Date | null;
  startedAt: Date;
  progressedAt: Date;
  read: number;
  applied: number;
  passedOver: number;
  resume: { position: SweepPosition; drifted: SweepProgress['drifted']; repeatFrom: string | null } | null;
}

/**
 * Begins a sweep, or takes up one of the same that did not come to its end: what it had read and applied is not read again.
 * @returns its progress so far and when its first reading began, by our clock.
 */
export async function beginSweep(
  pool: Pool,
  connectionId: bigint,
  { since, nowMs }: { since: Date | null; nowMs: number },
): Promise<{ progress: SweepProgress; startedMs: number }> {
  const { rows } = await pool.query<SweepRow>(
    `select since, started_at as "startedAt", progressed_at as "progressedAt", read_count as read, applied_count as applied, passed_over_count as "passedOver", resume
     from sweep where connection_id = $1`,
    [connectionId],
  );
  const known = rows[0];
  const fresh = { since, reading: null, read: 0, applied: 0, drifted: {}, passedOver: 0, repeatFrom: null };
  const isSame = known !== undefined && known.since?.getTime() === since?.getTime();
  const age = nowMs - (known?.progressedAt.getTime() ?? 0);
  if (!isSame || known.resume === null || age > resumableMs) {
    await pool.query(
      `insert into sweep (connection_id, since, started_at, progressed_at) values ($1, $2, $3, $3)
       on conflict (connection_id) do update set since = excluded.since, reading = null, read_count = 0, applied_count = 0,
         drifted_count = 0, passed_over_count = 0, expected_count = null, resume = null, error = null,
         started_at = excluded.started_at, progressed_at = excluded.progressed_at, finished_at = null`,
      [connectionId, since, new Date(nowMs)],
    );
    return { progress: { ...fresh, expected: null, position: null }, startedMs: nowMs };
  }
  await pool.query(
    'update sweep set error = null, finished_at = null, progressed_at = $2 where connection_id = $1',
    [connectionId, new Date(nowMs)],
  );
  const { resume, read, applied, passedOver } = known;
  return {
    progress: {
      ...fresh,
      read,
      applied,
      passedOver,
      drifted: resume.drifted,
      repeatFrom: resume.repeatFrom === null ? null : new Date(resume.repeatFrom),
      position: resume.position,
      expected: null,
    },
    startedMs: known.startedAt.getTime(),
  };
}

export async function showProgress(
  pool: Pool,
  connectionId: bigint,
  progress: SweepProgress,
  nowMs: number,
): Promise<void> {
  const { position, drifted, repeatFrom } = progress;
  await pool.query({
    name: 'show-sweep-progress',
    text: `update sweep set reading = coalesce($2, reading), read_count = $3, applied_count = $4, drifted_count = $5,
             passed_over_count = $6, expected_count = $7, resume = $8, progressed_at = $9
           where connection_id = $1`,
    values: [
      connectionId,
      progress.reading,
      progress.read,
      progress.applied,
      driftOf(progress),
      progress.passedOver,
      progress.expected,
      position === null ? null : JSON.stringify({ position, drifted, repeatFrom }),
      new Date(nowMs),
    ],
  });
}

/** Notes how it ended; drift that it found is told as an event, in the same transaction. */
export async function endSweep(
  pool: Pool,
  source: PlatformName,
  connectionId: bigint,
  progress: SweepProgress,
  end: { nowMs: number } & ({ sweptUntil: Date } | { error: string }),
): Promise<void> {
  await showProgress(pool, connectionId, progress, end.nowMs);
  await transaction(pool, async (tx) => {
    if ('sweptUntil' in end)
      await tx.query('update connection set swept_until = $2 where id = $1', [connectionId, end.sweptUntil]);
    await tx.query(
      `update sweep set finished_at = clock_timestamp(), error = $2, resume = case when $2::text is null then null else resume end
       where connection_id = $1`,
      [connectionId, 'error' in end ? end.error : null],
    );
    // One that is taken up again tells at its end.
    if (driftOf(progress) === 0 || ('error' in end && progress.position !== null)) return;
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
