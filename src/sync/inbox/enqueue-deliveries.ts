import type { Queryable } from '../../db/pool.ts';

/** Name of the job that processes one delivery. */
export const deliveryTask = 'delivery';

/**
 * Where more comes in than can be worked off, orders go first: books, CRM and customers wait for them. One order makes
 * a handful of deliveries about stock and products beside its own; of those about products most tell nothing new.
 */
const priority = `case when d.subject like 'order:%' then 0 when d.subject like 'product:%' then 20 else 10 end`;

/**
 * One job per delivery, as an expression over a row `d` of `delivery`. The lane in its payload names the subject, so
 * that a worker knows without a query which deliveries must wait for each other. Queues of the job library are not used
 * for that: every fetch would lock all of their rows, and processes that fetch at the same moment would find nothing.
 */
export const deliveryJobSpec = `row('${deliveryTask}',
  json_build_object('id', d.id::text, 'lane', d.connection_id || ' ' || d.subject),
  null, d.next_attempt_at, 25::smallint, 'delivery:' || d.id, ${priority}::smallint, null)::graphile_worker.job_spec`;

/** Adds the jobs of waiting deliveries, in the caller's transaction. Replaces a job that is still waiting. */
export async function enqueueDeliveries(db: Queryable, deliveryIds: readonly bigint[]): Promise<void> {
  if (deliveryIds.length === 0) return;
  await db.query({
    name: 'enqueue-deliveries',
    text: `select case when count(*) > 0
             then (select count(*) from graphile_worker.add_jobs(array_agg(${deliveryJobSpec} order by d.id))) end
           from delivery d where d.id = any($1::bigint[]) and d.status in ('pending', 'retrying')`,
    values: [deliveryIds],
  });
}
