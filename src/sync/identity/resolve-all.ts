import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { resolveCustomer } from '../apply-changes.ts';
import type { Platform } from '../platforms/platform.ts';
import { keysVersion, matchKeys } from './keys.ts';
import type { PersonRecord } from './profile.ts';

export interface ResolveProgress {
  phase: 'keys' | 'compare';
  done: number;
  of: number;
  merged: number;
  reviews: number;
}

const keysPerTransaction = 500;
const customersPerPage = 500;

/**
 * Resolves the whole graph: first the keys that are missing or of an older normalisation, then customer by customer, each in
 * a transaction of its own through the write path. Can be stopped and begun anew at any time: what is done stays done.
 */
export async function resolveAll(
  pool: Pool,
  options: {
    platforms: Partial<Record<PlatformName, Platform>>;
    now: () => Date;
    onProgress?: (progress: ResolveProgress) => void;
  },
): Promise<{ customers: number; merged: number; reviews: number }> {
  const { platforms, now, onProgress = () => undefined } = options;
  await makeMissingKeys(pool, onProgress);
  const of = await countOf(pool, 'select count(*) as count from customer where merged_into_id is null');
  let [after, customers, merged, reviews] = [0n, 0, 0, 0];
  for (;;) {
    const { rows } = await pool.query<{ id: bigint }>({
      name: 'customers-to-resolve',
      text: 'select id from customer where id > $1 and merged_into_id is null order by id limit $2',
      values: [after, customersPerPage],
    });
    for (const { id } of rows) {
      const found = await transaction(pool, (tx) => resolveCustomer(tx, id, { now: now(), platforms }));
      merged += found.merged;
      reviews += found.reviews;
      customers += 1;
      after = id;
    }
    onProgress({ phase: 'compare', done: customers, of, merged, reviews });
    if (rows.length < customersPerPage) return { customers, merged, reviews };
  }
}

async function makeMissingKeys(pool: Pool, onProgress: (progress: ResolveProgress) => void): Promise<void> {
  const of = await countOf(
    pool,
    `select count(*) as count from customer_identity where keys_version <> ${keysVersion}`,
  );
  for (let done = 0; ; ) {
    const count = await transaction(pool, async (tx) => {
      const { rows } = await tx.query<PersonRecord & { id: bigint; country: string | null }>({
        name: 'identities-without-keys',
        text: `select i.id, i.email, i.phone, i.first_name as "firstName", i.last_name as "lastName", i.company, i.address,
                 n.settings ->> 'country' as country
               from customer_identity i join connection n on n.id = i.connection_id
               where i.keys_version <> ${keysVersion} order by i.id limit $1 for update of i skip locked`,
        values: [keysPerTransaction],
      });
      const keys = rows.flatMap((row) => matchKeys(row, row.country).map((key) => ({ key, id: row.id })));
      await tx.query({
        name: 'make-keys',
        text: `with outdated as (delete from identity_key where identity_id = any($3::bigint[]) and key <> all($1::bigint[])),
                 made as (update customer_identity set keys_version = ${keysVersion} where id = any($3::bigint[]))
               insert into identity_key (key, identity_id) select * from unnest($1::bigint[], $2::bigint[])
               on conflict do nothing`,
        values: [keys.map((one) => one.key), keys.map((one) => one.id), rows.map((row) => row.id)],
      });
      return rows.length;
    });
    done += count;
    onProgress({ phase: 'keys', done, of, merged: 0, reviews: 0 });
    if (count < keysPerTransaction) return;
  }
}

async function countOf(pool: Pool, text: string): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>(text);
  return Number(rows[0]?.count ?? 0n);
}
