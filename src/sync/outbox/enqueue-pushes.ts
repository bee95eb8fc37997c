import type { Pool, Queryable, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformName } from '../../model/platform-name.ts';

/** Name of the job that carries out pushes of a platform. */
export function pushTask(platform: PlatformName): string {
  return `push:${platform}`;
}

const jobSpec = `row('push:' || c.platform, json_build_object('id', p.id::text, 'account', c.id::text), null, p.next_attempt_at, 25::smallint,
  'push:' || p.id, 0::smallint, null)::graphile_worker.job_spec`;

/** Adds the jobs of pushes that wait, in the caller's transaction if there is one; plans and pushes that are done get none. */
export async function enqueuePushes(db: Queryable, pushIds: readonly bigint[]): Promise<void> {
  if (pushIds.length === 0) return;
  await db.query({
    name: 'enqueue-pushes',
    text: `select case when count(*) > 0
             then (select count(*) from graphile_worker.add_jobs(array_agg(${jobSpec} order by p.id))) end
           from push p join connection c on c.id = p.connection_id
           where p.id = any($1::bigint[]) and p.status in ('pending', 'retrying', 'running')`,
    values: [pushIds],
  });
}

/** A push that was just planned, and the account that it is for. */
export interface PlannedPush {
  id: bigint;
  connectionId: bigint;
  platform: PlatformName;
}

/** How pushes that were just planned find somebody to carry them out, in the transaction that plans them. */
export interface PushQueue {
  enqueue(tx: Tx, pushes: readonly PlannedPush[]): Promise<void>;
}

/** A job for each: any worker takes it. */
export const jobQueue: PushQueue = {
  enqueue: (tx, pushes) =>
    enqueuePushes(
      tx,
      pushes.map(({ id }) => id),
    ),
};

/** The account that a push is for; null where the push is gone. */
export async function accountOfPush(pool: Pool, pushId: bigint): Promise<bigint | null> {
  const { rows } = await pool.query<{ connectionId: bigint }>({
    name: 'account-of-push',
    text: 'select connection_id as "connectionId" from push where id = $1',
    values: [pushId],
  });
  return rows[0]?.connectionId ?? null;
}

/** Puts a push back for about `ms`, half of it to half as much again: whoever was asked has no room for it. */
export async function postponePush(pool: Pool, pushId: bigint, ms: number): Promise<void> {
  await transaction(pool, async (tx) => {
    await tx.query({
      name: 'postpone-push',
      text: `update push set next_attempt_at = clock_timestamp() + (0.5 + random()) * $2::double precision * interval '1 millisecond'
             where id = $1 and status in ('pending', 'retrying')`,
      values: [pushId, ms],
    });
    await enqueuePushes(tx, [pushId]);
  });
}

/** Removes the jobs of pushes that are no longer wanted; one that is being carried out is not interrupted. */
export async function removePushJobs(tx: Tx, pushIds: readonly bigint[]): Promise<void> {
  if (pushIds.length === 0) return;
  await tx.query({
    name: 'remove-push-jobs',
    text: `select graphile_worker.remove_job('push:' || id) from unnest($1::bigint[]) as id`,
    values: [pushIds],
  });
}

/**
 * Brings back pushes about a subject whose job has ended because another push about it was running. Runs in the
 * transaction that ends the running one and after it has left that state: whoever was refused is visible by then.
 */
export async function wakeSubject(
  tx: Tx,
  connectionId: bigint,
  subjectType: string,
  subjectId: bigint,
): Promise<void> {
  await tx.query({
    name: 'wake-subject',
    text: `select case when count(*) > 0
             then (select count(*) from graphile_worker.add_jobs(array_agg(${jobSpec} order by p.id))) end
           from push p join connection c on c.id = p.connection_id
           where p.connection_id = $1 and p.subject_type = $2 and p.subject_id = $3
             and p.status in ('pending', 'retrying')
             and (p.next_attempt_at is null or p.next_attempt_at <= clock_timestamp())`,
    values: [connectionId, subjectType, subjectId],
  });
}

/**
 * Lets every waiting push of a connection try at once: it was resumed, or its platform answers again. One that is running
 * and has a time for its next attempt was left behind by a process that died, and waits too.
 * @returns their ids, oldest first.
 */
export async function wakeConnection(tx: Tx, connectionId: bigint): Promise<bigint[]> {
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'wake-connection',
    text: `update push set next_attempt_at = null
           where connection_id = $1
             and (status in ('pending', 'retrying') or (status = 'running' and next_attempt_at is not null))
           returning id`,
    values: [connectionId],
  });
  const ids = rows.map((row) => row.id).sort((a, b) => (a < b ? -1 : 1));
  await enqueuePushes(tx, ids);
  return ids;
}
