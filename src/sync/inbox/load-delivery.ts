import type { Pool } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { type KnownStatements, knownStatements, type StatementJson } from '../graph/foretell.ts';
import type { DeliveryFacts } from '../platforms/platform.ts';

export interface LoadedDelivery extends DeliveryFacts {
  connectionId: bigint;
  platform: PlatformName;
  status: 'pending' | 'retrying' | 'settled' | 'dead';
  attempts: number;
  /** True where the same event had its effect through another delivery. */
  duplicate: boolean;
}

export interface LoadedSubject {
  /** In order of arrival; the one that was asked for is among them, whatever its state. */
  deliveries: LoadedDelivery[];
  /** The newest that the graph was told about this subject. */
  known: KnownStatements;
}

/** So much about one subject is taken up together; the rest follows. */
const mostTogether = 50;

/**
 * Loads a delivery and, unless it is to be taken up `alone`, whatever else waits about its subject and is due, with what
 * decides their fates. Two subscriptions of one topic send one event twice; deliveries of a subject are processed one
 * after the other, so the first of them is settled by the time the second is loaded.
 */
export async function loadSubject(
  pool: Pool,
  deliveryId: bigint,
  { alone }: { alone: boolean },
): Promise<LoadedSubject> {
  const { rows } = await pool.query<LoadedDelivery & { statements: StatementJson[] | null }>({
    name: 'load-subject',
    // A statement's remote id is what follows the colon in the subject: rows of other kinds just find nothing.
    text: `select d.id, d.connection_id as "connectionId", c.platform, d.topic, d.subject, d.event_id as "eventId",
             d.triggered_at as "triggeredAt", d.received_at as "receivedAt", d.body, d.status, d.attempts,
             d.event_id is not null and exists (
               select 1 from delivery twin
               where twin.connection_id = d.connection_id and twin.event_id = d.event_id and twin.topic = d.topic
                 and twin.subject = d.subject and twin.id <> d.id
                 and twin.status = 'settled' and twin.outcome <> 'duplicate') as duplicate,
             case when d.id = asked.id then (
               select json_agg(s) from source_statement s
               where s.connection_id = asked.connection_id and s.kind in ('order', 'product')
                 and s.remote_id = substr(asked.subject, strpos(asked.subject, ':') + 1)) end as statements
           from delivery asked
           cross join lateral (
             select asked.id
             union
             -- Without an order here: it would lead Postgres through all that waits, in the order of its ids.
             select w.id from delivery w
             where not $2 and w.connection_id = asked.connection_id and w.subject = asked.subject
               and w.status in ('pending', 'retrying')
               and (w.next_attempt_at is null or w.next_attempt_at <= clock_timestamp())) as wanted
           join delivery d on d.id = wanted.id
           join connection c on c.id = d.connection_id
           where asked.id = $1
           order by d.id <> asked.id, d.id
           limit ${mostTogether}`,
    values: [deliveryId, alone],
  });
  return {
    deliveries: rows
      .map(({ statements: _, ...delivery }) => delivery)
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
    known: knownStatements(rows.flatMap(({ statements }) => statements ?? [])),
  };
}
