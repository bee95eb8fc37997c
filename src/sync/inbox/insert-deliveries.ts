import type { Pool } from '../../db/pool.ts';
import { deliveryJobSpec, laneOf } from './enqueue-deliveries.ts';

/** Whoever waits for it is told to come again long before; what hangs must not hold up those that come meanwhile. */
const soonAnswered = { query_timeout: 5_000 };

/** A delivery that has passed the door. */
export interface NewDelivery {
  connectionId: bigint;
  externalId: string;
  eventId: string | null;
  topic: string;
  subject: string;
  triggeredAt: Date | null;
  receivedAt: Date;
  body: Buffer;
  /** Stored as settled, for people to see; there is no job for it. */
  ignored?: boolean;
}

/**
 * Stores deliveries and adds their jobs in one statement: both are committed or neither is, with one round trip for the
 * whole batch. A delivery that is known already is passed over and gets no second job.
 *
 * The bodies travel as one buffer that is cut up again over there: in an array they would be written out as hexadecimal
 * text, twice their size, which took Postgres a third of the time of the whole statement (110 of 330 µs a row of 10 kB).
 * @returns how many were new.
 */
export async function insertDeliveries(pool: Pool, deliveries: readonly NewDelivery[]): Promise<number> {
  let length = 0;
  // Postgres counts from 1.
  const starts = deliveries.map(({ body }) => {
    const start = length + 1;
    length += body.length;
    return start;
  });
  const { rows } = await pool.query<{ inserted: bigint }>({
    ...soonAnswered,
    name: 'insert-deliveries',
    text: `with d as (
             insert into delivery (connection_id, external_id, event_id, topic, subject, triggered_at, received_at, body, status, outcome, settled_at)
             select connection_id, external_id, event_id, topic, subject, triggered_at, received_at, substring($8::bytea from start for length),
               case when ignored then 'settled' else 'pending' end::delivery_status, case when ignored then 'ignored' end::delivery_outcome,
               case when ignored then received_at end
             from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $9::int[], $10::int[], $11::boolean[])
               as given (connection_id, external_id, event_id, topic, subject, triggered_at, received_at, start, length, ignored)
             on conflict (connection_id, external_id) do nothing
             returning id, connection_id, subject, status
           ), specs as (
             select array_agg(${deliveryJobSpec('null')}) as specs from (
               select distinct on (${laneOf('d')}) * from d where status = 'pending'
               order by ${laneOf('d')}, id
             ) as d
           )
           select (select count(*) from d) as inserted,
             case when specs is not null then (select count(*) from graphile_worker.add_jobs(specs)) end from specs`,
    values: [
      deliveries.map((delivery) => delivery.connectionId),
      deliveries.map((delivery) => delivery.externalId),
      deliveries.map((delivery) => delivery.eventId),
      deliveries.map((delivery) => delivery.topic),
      deliveries.map((delivery) => delivery.subject),
      deliveries.map((delivery) => delivery.triggeredAt),
      deliveries.map((delivery) => delivery.receivedAt),
      Buffer.concat(
        deliveries.map((delivery) => delivery.body),
        length,
      ),
      starts,
      deliveries.map((delivery) => delivery.body.length),
      deliveries.map((delivery) => delivery.ignored === true),
    ],
  });
  return Number(rows[0]?.inserted ?? 0n);
}
