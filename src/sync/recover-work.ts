import type { Pool, Queryable, Tx } from '../db/pool.ts';
import { transaction } from '../db/transaction.ts';
import { revokedCode } from './connections/authorization.ts';
import { backfill } from './custom-fields/request-backfill.ts';
import { authorityReview } from './identity/request-authority-review.ts';
import { enqueueDeliveries, laneKey, laneOf } from './inbox/enqueue-deliveries.ts';
import { recoverReadings } from './notes/request-reading.ts';
import { enqueuePushes } from './outbox/enqueue-pushes.ts';
import { recoverWork } from './paged-work.ts';

/** At most this many orphans are brought back at a time; the next sweep goes on. */
const sweepLimit = 2_000;

/** Tells that these workers are alive. */
export async function beat(pool: Pool, workerIds: readonly string[]): Promise<void> {
  await pool.query({
    name: 'worker-heartbeat',
    text: `insert into worker_lease (worker_id) select unnest($1::text[])
           on conflict (worker_id) do update set heartbeat_at = clock_timestamp()`,
    values: [workerIds],
  });
}

/**
 * Ends the leases of workers that stopped in order, or whose pool was given up; what they still hold becomes free.
 * @param pushIds pushes that waited with them and were not begun.
 */
export async function releaseWorkers(
  pool: Pool,
  workerIds: readonly string[],
  pushIds: readonly bigint[] = [],
): Promise<void> {
  if (workerIds.length === 0) return;
  await transaction(pool, async (tx) => {
    await tx.query('delete from worker_lease where worker_id = any($1::text[])', [workerIds]);
    await tx.query('select graphile_worker.force_unlock_workers($1::text[])', [workerIds]);
    await enqueuePushes(tx, [...pushIds, ...(await runningUnder(tx, workerIds))]);
  });
}

/** Pushes that these workers were carrying out. */
export async function runningUnder(tx: Queryable, workerIds: readonly string[]): Promise<bigint[]> {
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'pushes-running-under',
    text: `select id from push where status = 'running' and claimed_by = any($1::text[])`,
    values: [workerIds],
  });
  return rows.map(({ id }) => id);
}

/**
 * Frees the jobs and pushes of workers whose heartbeat has stopped. The job library itself would wait four hours. Workers that
 * hold jobs without a lease count as dead too, once they have had the time to make one.
 * @returns ids of the workers found dead.
 */
export async function recoverDeadWorkers(pool: Pool, leaseMs: number): Promise<string[]> {
  return transaction(pool, async (tx) => {
    const dead = await endLeases(tx, leaseMs);
    if (dead.length === 0) return dead;
    await suspectDeliveries(tx, dead);
    await tx.query('select graphile_worker.force_unlock_workers($1::text[])', [dead]);
    await enqueuePushes(tx, await runningUnder(tx, dead));
    return dead;
  });
}

async function endLeases(tx: Tx, leaseMs: number): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>({
    name: 'end-leases',
    text: `with expired as (
             delete from worker_lease
             where heartbeat_at < clock_timestamp() - $1::double precision * interval '1 millisecond' returning worker_id
           ), unknown as (
             select distinct locked_by as worker_id from graphile_worker.jobs
             where locked_at < clock_timestamp() - $1::double precision * interval '1 millisecond'
               and not exists (select 1 from worker_lease l where l.worker_id = locked_by)
           )
           select worker_id as id from expired union select worker_id from unknown where worker_id is not null`,
    values: [leaseMs],
  });
  return rows.map(({ id }) => id);
}

/**
 * Marks what dead workers may have been at work on: from then on it is tried by itself, so that what ends its process is
 * told from what only waited beside it. What was tried by itself already is counted exactly. The lane of a job that runs is
 * known from nothing but its payload, which the library's view leaves out: its key may have gone to a newer job.
 */
async function suspectDeliveries(tx: Tx, dead: readonly string[]): Promise<void> {
  await tx.query({
    name: 'suspect-deliveries',
    text: `with suspect as (
             select d.id from delivery d where d.claimed_by = any($1::text[]) and d.status in ('pending', 'retrying')
             union
             select d.id from delivery d
             where ${laneOf('d')} in (select j.payload->>'lane' from graphile_worker._private_jobs j where j.locked_by = any($1::text[]))
               and d.status not in ('settled', 'dead', 'dismissed') and d.takeovers = 0
               and (d.next_attempt_at is null or d.next_attempt_at <= clock_timestamp())
           ), locked as (
             -- Whoever holds one is about to settle it, and alive.
             select id from delivery where id in (select id from suspect) order by id for no key update skip locked
           )
           update delivery d set takeovers = takeovers + 1, claimed_by = null from locked where d.id = locked.id`,
    values: [dead],
  });
}

/**
 * Brings back work that is open but has no job: its process died after the job was gone, or a person emptied the queue.
 * Only what has been open for `olderThanMs` is looked at, since the newest work may be on its way.
 */
export async function recoverOrphans(
  pool: Pool,
  olderThanMs: number,
): Promise<{ deliveries: number; pushes: number; notes: number; backfills: number }> {
  return transaction(pool, async (tx) => {
    const { rows: lock } = await tx.query<{ mine: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('recover orphans', 2)) as mine`,
    );
    // Another process is at it.
    if (lock[0]?.mine !== true) return { deliveries: 0, pushes: 0, notes: 0, backfills: 0 };
    const deliveries = await tx.query<{ id: bigint }>({
      name: 'orphaned-deliveries',
      text: `select d.id from delivery d join connection c on c.id = d.connection_id
             where d.status in ('pending', 'retrying')
               and not (c.status in ('revoked', 'disconnected') and d.error_code is not distinct from $2)
               and greatest(d.received_at, d.next_attempt_at) < clock_timestamp() - $1::double precision * interval '1 millisecond'
               and not exists (select 1 from graphile_worker.jobs j
                 where j.key = ${laneKey} and j.attempts < j.max_attempts and j.run_at <= clock_timestamp())
             order by d.id limit ${sweepLimit}`,
      values: [olderThanMs, revokedCode],
    });
    // What waits behind a running push, or in the worker that planned it, has none either: coming early costs only a look.
    const pushes = await tx.query<{ id: bigint }>({
      name: 'orphaned-pushes',
      text: `select p.id from push p join connection c on c.id = p.connection_id
             where p.status in ('pending', 'retrying', 'running') and c.status = 'active'
               and greatest(p.created_at, p.next_attempt_at) < clock_timestamp() - $1::double precision * interval '1 millisecond'
               and not (p.status = 'running' and exists (select from worker_lease l where l.worker_id = p.claimed_by))
               and not exists (select 1 from graphile_worker.jobs j where j.key = 'push:' || p.id and j.attempts < j.max_attempts)
             order by p.id limit ${sweepLimit}`,
      values: [olderThanMs],
    });
    await enqueueDeliveries(
      tx,
      deliveries.rows.map((row) => row.id),
    );
    await enqueuePushes(
      tx,
      pushes.rows.map((row) => row.id),
    );
    const notes = await recoverReadings(tx, olderThanMs, sweepLimit);
    let backfills = 0;
    for (const work of [backfill, authorityReview]) backfills += await recoverWork(tx, work, olderThanMs);
    return { deliveries: deliveries.rows.length, pushes: pushes.rows.length, notes, backfills };
  });
}
