import type { Tx } from '../../db/pool.ts';

/** Name of the job that fills one custom field. */
export const backfillTask = 'custom-field-backfill';

/** After everything that people wait for. */
const jobSpec = `row('${backfillTask}', json_build_object('id', field_id::text), null, null, 25::smallint,
  '${backfillTask}:' || field_id, 40::smallint, null)::graphile_worker.job_spec`;

/** Asks for a field to be filled after the commit, from the beginning. */
export async function requestBackfill(tx: Tx, fieldId: bigint): Promise<void> {
  await tx.query({
    name: 'request-custom-field-backfill',
    text: `with asked as (
             insert into custom_field_backfill (field_id, status) values ($1, 'waiting')
             on conflict (field_id) do update set status = 'waiting', total = 0, done = 0, reached_id = 0, error = null,
               requested_at = clock_timestamp(), started_at = null, progressed_at = null, finished_at = null
             returning field_id)
           select graphile_worker.add_jobs(array_agg(${jobSpec})) from asked`,
    values: [fieldId],
  });
}

/** Brings back backfills that are not done and have no job. @returns how many. */
export async function recoverBackfills(tx: Tx, olderThanMs: number): Promise<number> {
  const { rows } = await tx.query<{ many: number }>({
    name: 'recover-custom-field-backfills',
    text: `with lost as (
             select field_id from custom_field_backfill b where status in ('waiting', 'running')
               and coalesce(progressed_at, requested_at) < clock_timestamp() - $1::double precision * interval '1 millisecond'
               and not exists (select 1 from graphile_worker.jobs j
                 where j.key = '${backfillTask}:' || b.field_id and j.attempts < j.max_attempts))
           select count(*)::int as many, (select count(*) from graphile_worker.add_jobs(array_agg(${jobSpec}))) from lost
           having count(*) > 0`,
    values: [olderThanMs],
  });
  return rows[0]?.many ?? 0;
}
