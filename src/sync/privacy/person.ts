import type { Queryable } from '../../db/pool.ts';
import { canonicalEmail } from '../identity/normalise-email.ts';

/** Everything by which the rows about one person are found. */
export interface Person {
  /** The record and all that were merged into it. */
  customers: bigint[];
  orders: bigint[];
  /** Names under which writers lock what this person is: `customer:<connection>:<id>`, `order:…`, `email:…`. */
  names: string[];
  /** What deliveries about this person speak of, as `subject:<connection>:<subject>` in lower case. */
  subjects: string[];
  /** Guests are known by their address: which identity stands for which name once it is erased. */
  guests: { name: string; standIn: string }[];
}

/** Where to begin: records of the graph, and what a platform calls them. */
export interface PersonStart {
  customers: readonly bigint[];
  orders: readonly bigint[];
}

export async function findPerson(db: Queryable, start: PersonStart): Promise<Person> {
  const { rows } = await db.query<{
    customers: string[];
    orders: string[];
    names: string[];
    subjects: string[];
    guests: Person['guests'];
  }>({
    name: 'find-person',
    text: `with recursive customers as (
        select id from customer where id = any($1::bigint[])
        union
        select c.id from customer c join customers s on c.merged_into_id = s.id
      ), orders as (
        select id, connection_id, remote_id, email from sales_order
        where customer_id in (select id from customers) or id = any($2::bigint[])
      ), identities as (
        select * from customer_identity where customer_id in (select id from customers)
      ), links as (
        select connection_id, remote_type, remote_id, entity_type from link
        where (entity_type = 'Customer' and entity_id in (select id from customers))
           or (entity_type = 'Order' and entity_id in (select id from orders))
           or (entity_type = 'Refund' and entity_id in (select r.id from refund r where r.order_id in (select id from orders)))
      )
      select array(select id from customers) as customers, array(select id from orders) as orders,
        array(
          select 'customer:' || connection_id || ':' || remote_id from identities
          union select 'customer:' || connection_id || ':' || remote_id from links where entity_type = 'Customer'
          union select 'order:' || connection_id || ':' || remote_id from orders
          union select 'document:' || connection_id || ':' || remote_type || ':' || remote_id from links
          union select 'email:' || email from identities where email is not null and not relay_email
          union select 'email:' || email from customer where id in (select id from customers) and email is not null
        ) as names,
        array(
          select 'subject:' || connection_id || ':customer:' || remote_id from identities
          union select 'subject:' || connection_id || ':order:' || remote_id from orders
          union select 'subject:' || connection_id || ':' || lower(remote_type || ':' || remote_id) from links
        ) as subjects,
        coalesce((select json_agg(json_build_object('name', 'email:' || substr(remote_id, 7), 'standIn', 'guest:erased-' || id))
          from identities where remote_id like 'guest:%'), '[]') as guests`,
    values: [start.customers, start.orders],
  });
  const found = rows[0];
  if (found === undefined) throw new Error('An aggregate returned no row.');
  // Arrays of int8 reach us as text.
  return {
    ...found,
    customers: found.customers.map(BigInt),
    orders: found.orders.map(BigInt),
    names: [...new Set(found.names.map(canonical))],
    guests: found.guests.map((guest) => ({ ...guest, name: canonical(guest.name) })),
  };
}

/** Addresses are locked, and remembered, in the one form that all their spellings have. */
function canonical(name: string): string {
  return name.startsWith('email:') ? `email:${canonicalEmail(name.slice(6))}` : name;
}

/** Customers and orders that a platform's ids, or an address, stand for. */
export async function findStart(
  db: Queryable,
  who: { connectionId: bigint; remoteId: string; email: string | null; orderRemoteIds: readonly string[] },
): Promise<PersonStart> {
  const { rows } = await db.query<{ customers: string[]; orders: string[] }>({
    name: 'find-person-start',
    text: `select array(
             select customer_id from customer_identity
             where connection_id = $1 and remote_id = any(array[$2::text, 'guest:' || $3::text])
             union select entity_id from link
             where connection_id = $1 and entity_type = 'Customer' and remote_type = 'customer' and remote_id = $2
           ) as customers,
           array(select id from sales_order where connection_id = $1 and remote_id = any($4::text[])) as orders`,
    values: [who.connectionId, who.remoteId, who.email, who.orderRemoteIds],
  });
  const found = rows[0] ?? { customers: [], orders: [] };
  return { customers: found.customers.map(BigInt), orders: found.orders.map(BigInt) };
}
