import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import {
  effectOnCustomer,
  effectOnOrder,
  eventOf,
  planLater,
  type WriteContext,
} from '../graph/write-context.ts';
import { removePushJobs } from '../outbox/enqueue-pushes.ts';
import { findPerson, type Person, type PersonStart } from './person.ts';
import { places } from './places.ts';

export interface Erasure {
  requestId: bigint;
  /** Names that the platform knows and we do not: what is still to come under them is not taken in either. */
  alsoNames: readonly string[];
  /** Whether platforms that may be written to are to erase the person too. */
  atPlatforms: boolean;
}

/**
 * Erases what is personal of one person, everywhere, in the caller's transaction: orders and amounts stay for the books,
 * and nothing leads from them to anybody. Repeating it erases what has come since. The caller holds the locks of the person's names.
 * @returns how many rows were erased, by table. @throws AppError PERSON_BUSY (retryable)
 */
export async function erasePerson(
  context: WriteContext,
  start: PersonStart,
  erasure: Erasure,
): Promise<Record<string, number>> {
  const { tx } = context;
  const person = await findPerson(tx, start);
  await refuseWhileWriting(tx, person);
  await rememberNames(context, person, erasure);
  const counts: Record<string, number> = {};
  const add = (table: string, many: number): void => {
    if (many > 0) counts[table] = (counts[table] ?? 0) + many;
  };
  const waiting = await waitingPushes(tx, person);
  // Events and deliveries are found by what is about to be erased.
  add('event', await eraseEvents(tx, person, erasure.requestId));
  add('delivery', await eraseDeliveries(tx, person));
  for (const place of places) {
    if (place.erase === null) continue;
    const ids = person[place.by];
    if (ids.length === 0) continue;
    const text =
      place.erase === 'delete'
        ? `delete from ${place.table} t where ${place.where}`
        : `update ${place.table} t set ${place.erase} where ${place.where}`;
    const { rowCount } = await tx.query(text, [ids]);
    add(place.table, rowCount ?? 0);
  }
  await removePushJobs(tx, waiting);
  await markErased(context, person);
  if (erasure.atPlatforms) {
    for (const id of person.customers) planLater(context.effects, 'Customer', id);
  }
  for (const id of person.orders) planLater(context.effects, 'Order', id);
  return counts;
}

/** A push on its way would write what is erased here into our records of it. */
async function refuseWhileWriting(tx: Tx, person: Person): Promise<void> {
  const { rows } = await tx.query(
    `select 1 from push p
     where p.status = 'running' and (p.subject_type = 'Customer' and p.subject_id = any($1)
       or p.subject_type = 'Order' and p.subject_id = any($2)
       or p.subject_type = 'Refund' and p.subject_id in (select id from refund where order_id = any($2))) limit 1`,
    [person.customers, person.orders],
  );
  if (rows.length === 0) return;
  throw new AppError({
    code: 'PERSON_BUSY',
    retryable: true,
    publicMessage: 'Something about this person is just being written to a platform.',
    remedy: 'It is tried again by itself; by hand, try again in a moment.',
  });
}

async function rememberNames(
  context: WriteContext,
  person: Person,
  { requestId, alsoNames }: Erasure,
): Promise<void> {
  const names = [...new Set([...person.names, ...person.subjects, ...alsoNames])];
  const standIns = names.map((name) => person.guests.find((guest) => guest.name === name)?.standIn ?? null);
  await context.tx.query({
    name: 'remember-erased-names',
    text: `insert into erased_name as e (digest, request_id, stand_in, erased_at)
           select erased_digest(name), $3, max(stand_in), $4 from unnest($1::text[], $2::text[]) as n(name, stand_in)
           group by name
           on conflict (digest) do update set erased_at = excluded.erased_at, stand_in = coalesce(e.stand_in, excluded.stand_in)`,
    values: [names, standIns, requestId, context.now],
  });
}

async function waitingPushes(tx: Tx, person: Person): Promise<bigint[]> {
  const { rows } = await tx.query<{ id: bigint }>(
    `select id from push p
     where p.status in ('plan', 'pending', 'retrying', 'dead') and (p.subject_type = 'Customer' and p.subject_id = any($1)
       or p.subject_type = 'Order' and p.subject_id = any($2)
       or p.subject_type = 'Refund' and p.subject_id in (select id from refund where order_id = any($2)))
     order by id for no key update`,
    [person.customers, person.orders],
  );
  return rows.map((row) => row.id);
}

async function eraseEvents(tx: Tx, person: Person, requestId: bigint): Promise<number> {
  const { rows } = await tx.query<{ many: bigint }>(
    `with subjects as (
       select 'Customer' as type, unnest($2::bigint[]) as id
       union select 'Order', unnest($3::bigint[])
       union select 'Refund', id from refund where order_id = any($3)
       union select 'Push', p.id from push p where p.subject_type = 'Customer' and p.subject_id = any($2)
         or p.subject_type = 'Order' and p.subject_id = any($3)
         or p.subject_type = 'Refund' and p.subject_id in (select id from refund where order_id = any($3))
       union select 'Delivery', d.id from delivery d
         where 'subject:' || d.connection_id || ':' || lower(d.subject) = any($4::text[]) and d.subject = any($5::text[])
     )
     select erase_events($1, array_agg(type), array_agg(id)) as many from subjects having count(*) > 0`,
    [requestId, person.customers, person.orders, person.subjects, bareSubjects(person)],
  );
  return Number(rows[0]?.many ?? 0n);
}

/** What still waits is worked on first and emptied afterwards; what a person would have to look at is given up. */
async function eraseDeliveries(tx: Tx, person: Person): Promise<number> {
  const { rowCount } = await tx.query(
    `update delivery d set body = '', error = null, remedy = null, error_code = null, next_attempt_at = null,
       dismissed_reason = case when dismissed_reason is not null then '' end,
       settled_at = case when status = 'dead' then clock_timestamp() else settled_at end,
       outcome = case when status = 'dead' then 'ignored' else outcome end,
       status = case when status = 'dead' then 'settled' else status end
     where 'subject:' || d.connection_id || ':' || lower(d.subject) = any($1::text[]) and d.subject = any($2::text[])
       and d.status in ('settled', 'dead', 'dismissed')
       and (length(d.body) > 0 or d.status = 'dead' or d.dismissed_reason <> '')`,
    [person.subjects, bareSubjects(person)],
  );
  return rowCount ?? 0;
}

/** As deliveries write them, for the index: types of records are written in either case. */
function bareSubjects(person: Person): string[] {
  return person.subjects.flatMap((name) => {
    const bare = name.split(':').slice(2).join(':');
    return [bare, bare.charAt(0).toUpperCase() + bare.slice(1)];
  });
}

async function markErased(context: WriteContext, person: Person): Promise<void> {
  const { tx, now } = context;
  const { rows: orders } = await tx.query<{ id: bigint }>(
    'update sales_order set erased_at = $2 where id = any($1) and erased_at is null returning id',
    [person.orders, now],
  );
  const { rows: customers } = await tx.query<{ id: bigint; merged: boolean }>(
    'update customer set erased_at = $2 where id = any($1) and erased_at is null returning id, merged_into_id is not null as merged',
    [person.customers, now],
  );
  for (const { id } of orders) effectOnOrder(context.effects, id).changedFields.add('erased');
  for (const { id, merged } of customers) {
    if (merged) continue;
    effectOnCustomer(context.effects, id).changedFields.add('erased');
    context.effects.events.push(eventOf(context, 'customer.erased', { type: 'Customer', id }, {}));
  }
}
