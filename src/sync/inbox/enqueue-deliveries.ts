import type { Queryable } from '../../db/pool.ts';

/**
 * Names of the jobs that process what waits about one subject: orders apart from everything else. Books, CRM and customers
 * wait for orders; one order makes a handful of deliveries about stock and products beside its own, and they must not
 * take the processor, and the rows they lock, from the next one.
 */
export const orderTask = 'delivery:order';
export const deliveryTask = 'delivery';
const task = `case when d.subject like 'order:%' then '${orderTask}' else '${deliveryTask}' end`;

/** Of deliveries about products most tell nothing new. */
const priority = `case when d.subject like 'product:%' then 20 else 10 end`;

/**
 * What is worked off one after the other, and taken up together: the deliveries of a subject, and of all products of an
 * account at once. Whatever is sold or counted makes a delivery about its product, and most tell nothing new: a job for each
 * would cost more than what it does. There is an index over this expression (`delivery_waiting`).
 */
export const laneOf = (row: string): string =>
  `${row}.connection_id::text || ':' || case when ${row}.subject like 'product:%' then 'product' else ${row}.subject end`;

/** Keys of jobs end at 512 characters; subjects are ids, but what a platform sends is not ours to choose. */
export const laneKey = `'delivery:' || case when length(d.subject) <= 400 then ${laneOf('d')}
  else d.connection_id || ':' || encode(sha256(convert_to(d.subject, 'UTF8')), 'hex') end`;

/**
 * One job per lane however much waits in it, as an expression over a row `d` of `delivery`: whoever takes it up
 * takes up all of it, so that a rush is worked off in a few jobs. The lane in its payload tells a worker without a query
 * what must wait for each other. Queues of the job library are not used for that: every fetch would lock all of their rows,
 * and processes that fetch at the same moment would find nothing.
 */
export function deliveryJobSpec(runAt: string): string {
  return `row(${task}, json_build_object('id', d.id::text, 'lane', ${laneOf('d')}),
    null, ${runAt}, 25::smallint, ${laneKey}, ${priority}::smallint, null)::graphile_worker.job_spec`;
}

/**
 * Sees to it that these deliveries are processed when they are due, in the caller's transaction. The job of a subject
 * that waits already is never put off.
 */
export async function enqueueDeliveries(db: Queryable, deliveryIds: readonly bigint[]): Promise<void> {
  if (deliveryIds.length === 0) return;
  await db.query({
    name: 'enqueue-deliveries',
    text: `with d as (
             select distinct on (${laneOf('w')}) id, connection_id, subject,
               coalesce(next_attempt_at, '-infinity') as due
             from delivery w where id = any($1::bigint[]) and status in ('pending', 'retrying')
             order by ${laneOf('w')}, coalesce(next_attempt_at, '-infinity'), id
           ), spec as (
             select ${deliveryJobSpec(`greatest(least(d.due, j.run_at), clock_timestamp())`)} as spec
             from d left join graphile_worker.jobs j on j.key = ${laneKey} and j.locked_at is null and j.attempts < j.max_attempts
           )
           select case when count(*) > 0 then (select count(*) from graphile_worker.add_jobs(array_agg(spec))) end from spec`,
    values: [deliveryIds],
  });
}
