import type { Pool } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { type KnownStatements, knownStatements, type StatementJson } from '../graph/foretell.ts';
import type { DeliveryFacts } from '../platforms/platform.ts';
import { laneOf } from './enqueue-deliveries.ts';

export interface LoadedDelivery extends DeliveryFacts {
  connectionId: bigint;
  platform: PlatformName;
  status: 'pending' | 'retrying' | 'settled' | 'dead' | 'dismissed';
  attempts: number;
  /** How often in a row a process died that may have been at work on it; then it is tried by itself. */
  takeovers: number;
  /** True where the same event had its effect through another delivery. */
  duplicate: boolean;
}

/** Tells who is at work on a delivery at which a process may have died: should this one die too, it is known of what. */
export async function claimSuspect(pool: Pool, deliveryId: bigint, worker: string): Promise<void> {
  await pool.query({
    name: 'claim-suspect',
    text: 'update delivery set claimed_by = $2 where id = $1',
    values: [deliveryId, worker],
  });
}

export interface LoadedLane {
  /** To be taken up together, in order of arrival. */
  deliveries: LoadedDelivery[];
  /** Open too, but not due yet, or more than is taken up at a time; the one that is due first among them. */
  left: bigint[];
  /** The newest that the graph was told about their subjects. */
  known: KnownStatements;
}

/** So much of one lane is taken up together; the rest follows. Bodies are held in memory all at once, and parsed. */
const mostTogether = 50;
const mostBytesTogether = 8 * 1_048_576;

type Row = LoadedDelivery & { due: boolean; fits: boolean; statements: StatementJson[] | null };

/** What was asked for, then what is due in order of arrival, then what will be soonest. */
const turn = `d.id <> asked.id, due desc, case when not due then d.next_attempt_at end, d.id`;

/**
 * Loads a delivery, unless it is done, and whatever else waits in its lane and is due, with what decides their fates.
 * Two subscriptions of one topic send one event twice; deliveries of a lane are processed one after the other, so the
 * first of them is settled by the time the second is loaded.
 * One at which a process may have died is taken up by itself.
 * @param options.alone leaves the others, whether due or not.
 * @param options.early takes the one that was asked for although it is not due.
 */
export async function loadLane(
  pool: Pool,
  deliveryId: bigint,
  { alone, early }: { alone: boolean; early: boolean },
): Promise<LoadedLane> {
  const { rows } = await pool.query<Row>({
    name: 'load-lane',
    // A statement's remote id is what follows the colon in the subject: rows of other kinds just find nothing.
    text: `select d.id, d.connection_id as "connectionId", c.platform, d.topic, d.subject, d.event_id as "eventId",
             d.triggered_at as "triggeredAt", d.received_at as "receivedAt", case when d.fits then d.body end as body, d.status,
             d.attempts, d.takeovers, d.due, d.fits,
             d.event_id is not null and exists (
               select 1 from delivery twin
               where twin.connection_id = d.connection_id and twin.event_id = d.event_id and twin.topic = d.topic
                 and twin.subject = d.subject and twin.id <> d.id
                 and twin.status = 'settled' and twin.outcome <> 'duplicate') as duplicate,
             case when d.id = asked.id or d.subject <> asked.subject then (
               select json_agg(s) from source_statement s
               where s.connection_id = d.connection_id and s.kind in ('order', 'product')
                 and s.remote_id = substr(d.subject, strpos(d.subject, ':') + 1)) end as statements
           from delivery asked
           cross join lateral (
             select d.*, d.id = asked.id or sum(octet_length(d.body)) over (order by ${turn}) <= ${mostBytesTogether} as fits
             from (
               select d.*, timing.due from (
                 select asked.id
                 union
                 -- Without an order here: it would lead Postgres through all that waits, in the order of its ids.
                 select o.id from delivery o
                 where ${laneOf('o')} = ${laneOf('asked')} and o.status not in ('settled', 'dead', 'dismissed')
               ) as wanted
               join delivery d on d.id = wanted.id
               cross join lateral (
                 select d.next_attempt_at is null or d.next_attempt_at <= clock_timestamp() as due) as timing
               order by ${turn}
               limit ${mostTogether + 1}
             ) as d
           ) as d
           join connection c on c.id = d.connection_id
           where asked.id = $1
           order by ${turn}`,
    values: [deliveryId],
  });
  const open = rows.filter(({ status }) => status === 'pending' || status === 'retrying');
  const isSuspect = open.some(({ id, takeovers }) => id === deliveryId && takeovers > 0);
  const taken = open
    .filter(({ id, due, fits, takeovers }) =>
      id === deliveryId ? due || early : fits && due && !alone && !isSuspect && takeovers === 0,
    )
    .slice(0, mostTogether);
  const takenIds = new Set(taken.map(({ id }) => id));
  return {
    deliveries: taken
      .map(({ statements: _, due: __, fits: ___, ...delivery }) => delivery)
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
    left: open.flatMap(({ id }) => (takenIds.has(id) ? [] : [id])),
    known: knownStatements(rows.flatMap(({ statements }) => statements ?? [])),
  };
}
