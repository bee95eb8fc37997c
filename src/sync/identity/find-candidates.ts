import type { Queryable } from '../../db/pool.ts';
import type { Address } from '../../model/customer.ts';
import type { PersonRecord } from './profile.ts';
import { mostPerKey } from './resolve-records.ts';
import type { MatchParameters } from './score.ts';

export interface Candidates {
  /** Estimated for this shop; null: those shipped. */
  parameters: MatchParameters | null;
  /** Everybody with a key in common, with all their records. */
  customers: { id: bigint; records: PersonRecord[] }[];
  /** Those whom somebody has said are another person, or who are part of one of whom that was said. */
  rejected: ReadonlySet<bigint>;
}

/**
 * Customers that have one of the keys in common with a customer: one statement. Each key is followed to at most so many
 * records, so that a key that half the town shares costs no more than any other. docs/identity.md tells its measured time.
 */
export async function findCandidates(
  db: Queryable,
  customerId: bigint,
  keys: readonly bigint[],
): Promise<Candidates> {
  const { rows } = await db.query<{
    parameters: MatchParameters | null;
    customers: { id: string; records: (PersonRecord & { address: Partial<Address> | null })[] }[];
    rejected: string[];
  }>({
    name: 'find-candidates',
    text: `with found as (
      select distinct i.customer_id as id
      from unnest($2::bigint[]) as k(key)
      cross join lateral (select identity_id from identity_key where key = k.key limit ${mostPerKey}) as m
      join customer_identity i on i.id = m.identity_id
      where i.customer_id <> $1
    )
    select (select parameters from identity_model order by id desc limit 1) as parameters,
      coalesce((select json_agg(json_build_object('id', found.id::text, 'records', (
         select json_agg(json_build_object('email', r.email, 'phone', r.phone, 'firstName', r.first_name, 'lastName', r.last_name,
           'company', r.company, 'address', r.address))
         from (select * from customer_identity i where i.customer_id = found.id order by i.id limit ${mostPerKey}) as r)))
         from found), '[]') as customers,
      case when exists (select 1 from found) then coalesce((
        with recursive mine as (
          select $1::bigint as id union all select c.id from customer c join mine on c.merged_into_id = mine.id)
        select json_agg(distinct coalesce(c.merged_into_id, c.id)::text) from mine
        join merge_candidate r on r.status = 'rejected' and (r.customer_a_id = mine.id or r.customer_b_id = mine.id)
        join customer c on c.id = case when r.customer_a_id = mine.id then r.customer_b_id else r.customer_a_id end
      ), '[]') else '[]' end as rejected`,
    values: [customerId, keys],
  });
  const row = rows[0];
  return {
    parameters: row?.parameters ?? null,
    customers: (row?.customers ?? []).map(({ id, records }) => ({ id: BigInt(id), records })),
    rejected: new Set((row?.rejected ?? []).map(BigInt)),
  };
}
