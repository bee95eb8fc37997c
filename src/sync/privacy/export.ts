import type { Queryable } from '../../db/pool.ts';
import { findPerson } from './person.ts';
import { places } from './places.ts';

/** Everything that is known about one person: rows by table, in the words of the database. */
export interface PersonalData {
  customerId: string;
  exportedAt: string;
  data: Record<string, unknown[]>;
}

/** Gathers it from the same places from which it would be erased. Null where there is no such customer. */
export async function exportPerson(
  db: Queryable,
  customerId: bigint,
  now: Date,
): Promise<PersonalData | null> {
  const { rows: found } = await db.query<{ id: bigint }>(
    'select coalesce(merged_into_id, id) as id from customer where id = $1',
    [customerId],
  );
  const survivor = found[0]?.id;
  if (survivor === undefined) return null;
  const person = await findPerson(db, { customers: [survivor], orders: [] });
  const data: Record<string, unknown[]> = {};
  const add = (table: string, rows: readonly { row: unknown }[]): void => {
    if (rows.length > 0) data[table] = [...(data[table] ?? []), ...rows.map(({ row }) => row)];
  };
  for (const { table, by, where, ofTwo, shown = 'true' } of places) {
    if (ofTwo === true) continue;
    const { rows } = await db.query<{ row: unknown }>(
      `select to_jsonb(t) as row from ${table} t where ${where} and ${shown}`,
      [person[by]],
    );
    add(table, rows);
  }
  const subjects = person.subjects;
  const { rows: deliveries } = await db.query<{ row: unknown }>(
    `select jsonb_build_object('topic', topic, 'subject', subject, 'received_at', received_at, 'outcome', outcome,
       'body', replace(encode(body, 'escape'), '\\000', '')) as row
     from delivery d where 'subject:' || d.connection_id || ':' || lower(d.subject) = any($1::text[]) order by id`,
    [subjects],
  );
  add('delivery', deliveries);
  const { rows: events } = await db.query<{ row: unknown }>(
    `select to_jsonb(e) as row from event e
     where (e.subject_type = 'Customer' and e.subject_id = any($1)) or (e.subject_type = 'Order' and e.subject_id = any($2))
     order by e.position`,
    [person.customers, person.orders],
  );
  add('event', events);
  return { customerId: survivor.toString(), exportedAt: now.toISOString(), data };
}

/** The customer with this address: their own, or one that a platform knows them by. */
export async function customerWithEmail(db: Queryable, email: string): Promise<bigint | null> {
  const { rows } = await db.query<{ id: bigint }>(
    `select coalesce(c.merged_into_id, c.id) as id from customer c
     where c.email = $1 or c.id in (select i.customer_id from customer_identity i where i.email = $1 and not i.relay_email)
     order by c.email = $1 desc nulls last, c.id limit 1`,
    [email.trim().toLowerCase()],
  );
  return rows[0]?.id ?? null;
}
