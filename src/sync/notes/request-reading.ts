import { createHash } from 'node:crypto';
import type { Tx } from '../../db/pool.ts';

/** Name of the job that reads one note. */
export const noteTask = 'note';

/** After everything that people wait for. */
const priority = 30;

/** One job per order, as an expression over its id: a newer request takes the place of one that waits. */
const jobSpec = `row('${noteTask}', json_build_object('id', order_id::text), null, null, 25::smallint, 'note:' || order_id,
  ${priority}::smallint, null)::graphile_worker.job_spec`;

/** Stands for a note that must be read; the note itself stays where it is. */
export function noteHash(note: string | null): string {
  return createHash('sha256')
    .update(note ?? '')
    .digest('hex');
}

/** Asks for an order's note to be read after the commit. A note that was read, or is waiting, as it is asks for nothing. */
export async function requestReading(tx: Tx, orderId: bigint, note: string | null): Promise<void> {
  await tx.query({
    name: 'request-note-reading',
    text: `with asked as (
             insert into note_reading as r (order_id, hash) values ($1, $2)
             on conflict (order_id) do update set hash = excluded.hash, read_at = null, requested_at = clock_timestamp()
             where r.hash <> excluded.hash
             returning order_id)
           select graphile_worker.add_jobs(array_agg(${jobSpec})) from asked having count(*) > 0`,
    values: [orderId, noteHash(note)],
  });
}

/** Brings back notes that wait without a job. @returns how many. */
export async function recoverReadings(tx: Tx, olderThanMs: number, most: number): Promise<number> {
  const { rows } = await tx.query<{ many: number }>({
    name: 'recover-note-readings',
    text: `with lost as (
             select r.order_id from note_reading r join sales_order o on o.id = r.order_id
             where r.read_at is null and o.removed_at is null
               and r.requested_at < clock_timestamp() - $1::double precision * interval '1 millisecond'
               and not exists (select 1 from graphile_worker.jobs j where j.key = 'note:' || r.order_id and j.attempts < j.max_attempts)
             order by r.requested_at limit $2)
           select count(*)::int as many, (select count(*) from graphile_worker.add_jobs(array_agg(${jobSpec}))) from lost
           having count(*) > 0`,
    values: [olderThanMs, most],
  });
  return rows[0]?.many ?? 0;
}
