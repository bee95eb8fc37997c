import { createHash } from 'node:crypto';
import type { Tx } from '../../db/pool.ts';
import type { ErasedName } from '../privacy/withhold.ts';
import type { Effects } from './write-context.ts';

/**
 * Locks come in one order over all writers: names of platform rows and e-mail addresses first (sorted), then customers
 * (sorted by id), then rows that lie under one of those. Whoever waits holds only what comes earlier in that order, so
 * that nobody waits in a circle.
 */
export async function lockNames(tx: Tx, names: Iterable<string>): Promise<void> {
  const keys = [...new Set(Array.from(names, lockKey))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  if (keys.length === 0) return;
  // `unnest` yields in the order of the array, and nothing sits between it and the lock to change that.
  await tx.query({
    name: 'lock-names',
    text: 'select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key',
    values: [keys],
  });
}

/** Which customers the changes of a transaction can concern, by everything that leads to them. */
export interface CustomerClues {
  connectionId: bigint | null;
  remoteIds: string[];
  /** Remote type of the platform's customer rows, where we keep links to them. */
  linkType: string | null;
  emails: string[];
  orderRemoteIds: string[];
  ids: bigint[];
}

/**
 * Locks every customer that the clues lead to, in one statement and in order of their ids. The same statement tells which of the
 * names, that are locked by now, belong to somebody who was erased.
 */
export async function lockCustomersByClues(
  tx: Tx,
  effects: Effects,
  clues: CustomerClues,
  names: readonly string[],
): Promise<Map<string, ErasedName>> {
  const { rows } = await tx.query<{ id: bigint | null; name: string | null } & ErasedName>({
    name: 'lock-customers-by-clues',
    // NO KEY: rows that merely refer to the customer can still be inserted by others.
    text: `with locked as (select id from customer
           where id in (
             select customer_id from customer_identity where connection_id = $1 and remote_id = any($2::text[])
             union all
             select entity_id from link
             where connection_id = $1 and remote_type = $3 and remote_id = any($2::text[]) and entity_type = 'Customer'
             union all
             select customer_id from customer_identity where email = any($4::text[]) and not relay_email
             union all
             select id from customer where email = any($4::text[]) and merged_into_id is null
             union all
             select customer_id from sales_order where connection_id = $1 and remote_id = any($5::text[])
             union all
             select unnest($6::bigint[])
           )
           order by id for no key update)
           select id, null as name, null as "erasedAt", null as "standIn" from locked
           union all
           select null, n.name, e.erased_at, e.stand_in from erasure_pepper p cross join unnest($7::text[]) as n(name)
             join erased_name e on e.digest = sha256(p.pepper || convert_to(n.name, 'UTF8'))`,
    values: [
      clues.connectionId,
      clues.remoteIds,
      clues.linkType,
      clues.emails,
      clues.orderRemoteIds,
      clues.ids,
      names,
    ],
  });
  const erased = new Map<string, ErasedName>();
  for (const { id, name, ...facts } of rows) {
    if (id !== null) effects.lockedCustomers.add(id);
    else if (name !== null) erased.set(name, facts);
  }
  return erased;
}

/**
 * Locks customers that turned up later. Only a merge that committed in between leads here: it moves identities from
 * one customer to another while we wait for the first.
 */
export async function lockCustomers(tx: Tx, effects: Effects, ids: readonly bigint[]): Promise<void> {
  const missing = ids.filter((id) => !effects.lockedCustomers.has(id));
  if (missing.length === 0) return;
  await tx.query({
    name: 'lock-customers',
    text: 'select id from customer where id = any($1::bigint[]) order by id for no key update',
    values: [missing],
  });
  for (const id of missing) effects.lockedCustomers.add(id);
}

/** 64 bits of a name: names that fall together merely wait for one another. */
function lockKey(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigInt64BE(0);
}
