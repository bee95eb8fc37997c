import type { Tx } from '../db/pool.ts';

/**
 * Work that goes page by page through everybody there is, with a commit per page, so that it goes on where it stopped. Its
 * progress stands in a row of a table of its own; the job carries the key of that row and nothing else.
 */
export interface PagedWork {
  /** Name of the job. */
  task: string;
  table: string;
  /** Column that names what it is done for, one row each. */
  key: string;
  /** Counts that begin again with the work. */
  counts: readonly string[];
  /** Of the job; what people wait for comes before. */
  priority: number;
}

/** Asks for it after the commit, from the beginning. */
export async function requestWork(tx: Tx, work: PagedWork, id: bigint): Promise<void> {
  const { table, key, counts } = work;
  await tx.query({
    name: `request-${work.task}`,
    text: `with asked as (
             insert into ${table} (${key}, status) values ($1, 'waiting')
             on conflict (${key}) do update set status = 'waiting', ${counts.map((name) => `${name} = 0`).join(', ')}, reached_id = 0,
               error = null, requested_at = clock_timestamp(), started_at = null, progressed_at = null, finished_at = null
             returning ${key})
           select graphile_worker.add_jobs(array_agg(${jobSpec(work)})) from asked`,
    values: [id],
  });
}

/** Brings back what is not done, has not come on for so long and has no job. @returns how many. */
export async function recoverWork(tx: Tx, work: PagedWork, olderThanMs: number): Promise<number> {
  const { task, table, key } = work;
  const { rows } = await tx.query<{ many: number }>({
    name: `recover-${task}`,
    text: `with lost as (
             select ${key} from ${table} w where status in ('waiting', 'running')
               and coalesce(progressed_at, requested_at) < clock_timestamp() - $1::double precision * interval '1 millisecond'
               and not exists (select 1 from graphile_worker.jobs j
                 where j.key = '${task}:' || w.${key} and j.attempts < j.max_attempts))
           select count(*)::int as many, (select count(*) from graphile_worker.add_jobs(array_agg(${jobSpec(work)}))) from lost
           having count(*) > 0`,
    values: [olderThanMs],
  });
  return rows[0]?.many ?? 0;
}

/** The job of a row, as an expression over its key: asked for again, it takes the place of the one that waits. */
function jobSpec({ task, key, priority }: PagedWork): string {
  return `row('${task}', json_build_object('id', ${key}::text), null, null, 25::smallint,
    '${task}:' || ${key}, ${priority}::smallint, null)::graphile_worker.job_spec`;
}
