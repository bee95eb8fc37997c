import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { Log } from '../../log.ts';
import type { PlatformChange } from '../../model/change.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Platform, Session } from '../platforms/platform.ts';

/** Deliveries may be lost, and platforms' own indexes lag behind their writes: each sweep looks back this far again. */
const overlapMs = 5 * 60_000;

/** Changes per transaction: enough to spread its cost, few enough to hold row locks for milliseconds. */
const changesPerTransaction = 25;

export interface SweepProgress {
  changes: number;
  applied: number;
}

/**
 * Reads everything that changed at a platform since the last sweep (or ever) and applies what the graph missed.
 * Only one sweep of a connection runs at a time over all processes; a second one returns null at once.
 */
export async function sweepConnection(options: {
  pool: Pool;
  platform: Platform;
  platforms: Partial<Record<PlatformName, Platform>>;
  session: Session<unknown>;
  log: Log;
  now: () => number;
  /** Reads everything, whatever was swept before. */
  full?: boolean;
  onProgress?: (progress: SweepProgress) => void;
  signal?: AbortSignal;
}): Promise<SweepProgress | null> {
  const { pool, platform, session } = options;
  const lock = await pool.connect();
  try {
    const { rows } = await lock.query<{ locked: boolean }>(
      "select pg_try_advisory_lock(hashtext('sweep'), $1::int) as locked",
      [Number(session.connectionId % 2_147_483_647n)],
    );
    if (rows[0]?.locked !== true) return null;
    const startedAt = options.now();
    const since = options.full === true ? null : await sweptUntil(pool, session.connectionId);
    const progress: SweepProgress = { changes: 0, applied: 0 };
    for await (const batch of platform.sweep(session, { since })) {
      for (let from = 0; from < batch.length; from += changesPerTransaction) {
        options.signal?.throwIfAborted();
        const changes = batch.slice(from, from + changesPerTransaction);
        const apply = async (some: readonly PlatformChange[]) =>
          (
            await transaction(pool, (tx) =>
              applyChanges(tx, {
                changes: some,
                source: platform.name,
                connectionId: session.connectionId,
                deliveryId: null,
                now: new Date(options.now()),
                platforms: options.platforms,
              }),
            )
          ).outcome;
        let outcome = await apply(changes);
        // A row that we wrote to after it was read holds up nothing but itself: the next sweep reads it again.
        if (outcome === 'needsFresh')
          for (const change of changes) if ((await apply([change])) === 'applied') outcome = 'applied';
        progress.changes += changes.length;
        if (outcome === 'applied') progress.applied += changes.length;
      }
      options.onProgress?.(progress);
    }
    await pool.query('update connection set swept_until = $2 where id = $1', [
      session.connectionId,
      new Date(startedAt - overlapMs),
    ]);
    return progress;
  } finally {
    // The advisory lock belongs to the connection: ending the session is what releases it whatever happened.
    lock.release(true);
  }
}

async function sweptUntil(pool: Pool, connectionId: bigint): Promise<Date | null> {
  const { rows } = await pool.query<{ swept_until: Date | null }>(
    'select swept_until from connection where id = $1',
    [connectionId],
  );
  return rows[0]?.swept_until ?? null;
}
