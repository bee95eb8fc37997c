import { alone } from '../../db/alone.ts';
import { letEarlierWritersEnd } from '../../db/earlier-writers.ts';
import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Platform } from '../platforms/platform.ts';

export interface AuthorityReviewOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
}

/** Few enough to hold customers' locks for milliseconds. */
const customersPerPage = 50;

interface Progress {
  reachedId: bigint;
  startedAt: Date | null;
  /** As Postgres writes it: a JavaScript date would lose its microseconds. */
  requestedAt: string;
}

/**
 * Works out every customer of an account anew once it was chosen who is believed about a field: page after page, each with
 * its own commit, so that it goes on where it stopped. What changes is told and owed as any other change.
 */
export async function reviewAuthority(connectionId: bigint, options: AuthorityReviewOptions): Promise<void> {
  await alone(options.pool, `authority review of connection ${connectionId}`, async () => {
    const { pool } = options;
    try {
      for (;;) {
        const progress = await readProgress(pool, connectionId);
        if (progress === null) return;
        if (progress.startedAt === null) await begin(pool, connectionId, progress);
        else if (!(await reviewPage(connectionId, progress, options))) return;
      }
    } catch (error) {
      await pool.query('update authority_review set error = $2 where connection_id = $1', [
        connectionId,
        'It was interrupted and goes on where it stopped; the log tells why.',
      ]);
      // The queue tries again, later each time.
      throw error;
    }
  });
}

/** Who read the old choice before it was changed may write by it and commit after: everybody is looked at after them. */
async function begin(pool: Pool, connectionId: bigint, { requestedAt }: Progress): Promise<void> {
  await letEarlierWritersEnd(pool);
  await pool.query(
    `update authority_review set status = 'running', started_at = clock_timestamp(), progressed_at = clock_timestamp(),
       error = null, total = (select count(distinct customer_id) from customer_identity where connection_id = $1)
     where connection_id = $1 and requested_at = $2::timestamptz`,
    [connectionId, requestedAt],
  );
}

/** @returns false where there was nobody left, and nobody asked anew meanwhile. */
async function reviewPage(
  connectionId: bigint,
  { reachedId, requestedAt }: Progress,
  { pool, platforms }: AuthorityReviewOptions,
): Promise<boolean> {
  const { rows } = await pool.query<{ id: bigint }>({
    name: 'customers-of-account',
    text: `select distinct customer_id as id from customer_identity where connection_id = $1 and customer_id > $2
           order by customer_id limit $3`,
    values: [connectionId, reachedId, customersPerPage],
  });
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) {
    const { rowCount } = await pool.query(
      `update authority_review set status = 'finished', finished_at = clock_timestamp(), progressed_at = clock_timestamp(),
         total = greatest(total, done), error = null where connection_id = $1 and requested_at = $2::timestamptz`,
      [connectionId, requestedAt],
    );
    return rowCount !== 1;
  }
  await transaction(pool, async (tx) => {
    const { touched } = await applyChanges(tx, {
      changes: [{ kind: 'customersReview', ids }],
      source: 'tributary',
      connectionId: null,
      deliveryId: null,
      now: new Date(),
      platforms,
    });
    await tx.query(
      `update authority_review set done = done + $2, changed = changed + $3, reached_id = $4, error = null,
         progressed_at = clock_timestamp() where connection_id = $1 and requested_at = $5::timestamptz`,
      [connectionId, ids.length, touched.length, ids.at(-1), requestedAt],
    );
  });
  return true;
}

async function readProgress(pool: Pool, connectionId: bigint): Promise<Progress | null> {
  const { rows } = await pool.query<Progress>(
    `select reached_id as "reachedId", started_at as "startedAt", requested_at::text as "requestedAt"
     from authority_review where connection_id = $1 and status in ('waiting', 'running')`,
    [connectionId],
  );
  return rows[0] ?? null;
}
