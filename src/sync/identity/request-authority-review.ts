import type { Tx } from '../../db/pool.ts';

/** Name of the job that works out anew who is believed about an account's customers. */
export const authorityReviewTask = 'authority-review';

const jobSpec = `row('${authorityReviewTask}', json_build_object('id', connection_id::text), null, null, 25::smallint,
  '${authorityReviewTask}:' || connection_id, 25::smallint, null)::graphile_worker.job_spec`;

/** Asks for it after the commit, from the beginning. */
export async function requestAuthorityReview(tx: Tx, connectionId: bigint): Promise<void> {
  await tx.query({
    name: 'request-authority-review',
    text: `with asked as (
             insert into authority_review (connection_id, status) values ($1, 'waiting')
             on conflict (connection_id) do update set status = 'waiting', total = 0, done = 0, changed = 0, reached_id = 0,
               error = null, requested_at = clock_timestamp(), started_at = null, progressed_at = null, finished_at = null
             returning connection_id)
           select graphile_worker.add_jobs(array_agg(${jobSpec})) from asked`,
    values: [connectionId],
  });
}

/** Brings back those that are not done and have no job. @returns how many. */
export async function recoverAuthorityReviews(tx: Tx, olderThanMs: number): Promise<number> {
  const { rows } = await tx.query<{ many: number }>({
    name: 'recover-authority-reviews',
    text: `with lost as (
             select connection_id from authority_review r where status in ('waiting', 'running')
               and coalesce(progressed_at, requested_at) < clock_timestamp() - $1::double precision * interval '1 millisecond'
               and not exists (select 1 from graphile_worker.jobs j
                 where j.key = '${authorityReviewTask}:' || r.connection_id and j.attempts < j.max_attempts))
           select count(*)::int as many, (select count(*) from graphile_worker.add_jobs(array_agg(${jobSpec}))) from lost
           having count(*) > 0`,
    values: [olderThanMs],
  });
  return rows[0]?.many ?? 0;
}
