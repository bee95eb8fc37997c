import { generatePeople } from '../src/cli/identity/generate-people.ts';
import { createPool, type Pool } from '../src/db/pool.ts';
import { findCandidates } from '../src/sync/identity/find-candidates.ts';
import { judgePair, sharedAmong } from '../src/sync/identity/judge.ts';
import { keysVersion, matchKeys } from '../src/sync/identity/keys.ts';
import { shippedParameters } from '../src/sync/identity/parameters.ts';
import { type PersonRecord, profileOf } from '../src/sync/identity/profile.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { nowMs } from './support/clock.ts';
import { Samples } from './support/samples.ts';

export const identity: Benchmark = {
  name: 'identity',
  title: 'one new person against all customers: keys, candidates and judgement',
  run,
};

/** Customers in the graph; IDENTITY_CUSTOMERS=1000000 makes it a million, which takes a while to write. */
const customers = Number(process.env.IDENTITY_CUSTOMERS ?? 200_000);
const newcomers = 2_000;
const chunk = 5_000;

async function run({ cluster, report }: Bench): Promise<void> {
  const url = await cluster.createDatabase();
  // Planned once, as inside the write path's transactions.
  const planned = `${url}?options=${encodeURIComponent('-c plan_cache_mode=force_generic_plan')}`;
  const pool = createPool({ connectionString: planned, max: 2, applicationName: 'bench' });
  try {
    const filledMs = await fill(pool);
    const others = generatePeople(99, newcomers);
    const times = new Samples();
    const parts = { keys: new Samples(), candidates: new Samples(), judgement: new Samples() };
    let found = 0;
    for (const [index, record] of others.entries()) {
      const startedAt = nowMs();
      const keys = matchKeys(record, 'US');
      const keyedAt = nowMs();
      const candidates = await findCandidates(pool, 0n, keys);
      const foundAt = nowMs();
      const own = profileOf([record], 'US');
      const shared = sharedAmong([
        own,
        ...candidates.customers.flatMap((one) => one.records.map((other) => profileOf([other], 'US'))),
      ]);
      for (const { records } of candidates.customers)
        judgePair(own, profileOf(records, 'US'), shared, shippedParameters);
      const endedAt = nowMs();
      found += candidates.customers.length;
      // Until statements are prepared and what is hot is compiled.
      if (index < others.length / 10) continue;
      times.add(endedAt - startedAt);
      parts.keys.add(keyedAt - startedAt);
      parts.candidates.add(foundAt - keyedAt);
      parts.judgement.add(endedAt - foundAt);
    }
    report.say(
      `${customers.toLocaleString('en-US')} customers and their keys (written in ${(filledMs / 1000).toFixed(0)} s), ${others.length} newcomers, ${(found / others.length).toFixed(1)} candidates each`,
    );
    report.table([
      ['one newcomer', times.describe()],
      ['  making keys', parts.keys.describe()],
      ['  finding candidates (one statement)', parts.candidates.describe()],
      ['  judging them', parts.judgement.describe()],
    ]);
    report.atMost('a newcomer, p99', times.percentile(99), 10, 'ms');
  } finally {
    await pool.end();
  }
}

/** Customers as the write path leaves them, as far as looking for candidates reads them. */
async function fill(pool: Pool): Promise<number> {
  const startedAt = nowMs();
  const { rows } = await pool.query<{ id: bigint }>(
    `insert into connection (platform, account_id, name, credentials) values ('shopify', 'bench', 'bench', '\\x00') returning id`,
  );
  for (let done = 0; done < customers; done += chunk) {
    const records: PersonRecord[] = generatePeople(1_000 + done, chunk).slice(0, chunk);
    await pool.query(
      `with people as (select value as p, nextval('customer_id_seq') as customer_id from jsonb_array_elements($1::jsonb)),
         c as (insert into customer (id, first_name, last_name, email)
           select customer_id, p ->> 'firstName', p ->> 'lastName', lower(p ->> 'email') from people returning id),
         i as (insert into customer_identity (customer_id, connection_id, remote_id, email, phone, first_name, last_name, company,
             address, relay_email, source_updated_at, keys_version)
           select customer_id, $2, customer_id::text, lower(p ->> 'email'), p ->> 'phone', p ->> 'firstName', p ->> 'lastName',
             p ->> 'company', nullif(p -> 'address', 'null'::jsonb), false, now(), ${keysVersion} from people
           returning id, remote_id)
       insert into identity_key (key, identity_id)
       select k::bigint, i.id from people join i on i.remote_id = people.customer_id::text,
         jsonb_array_elements_text(people.p -> 'keys') as k on conflict do nothing`,
      [
        JSON.stringify(records.map((one) => ({ ...one, keys: matchKeys(one, 'US').map(String) }))),
        rows[0]?.id,
      ],
    );
  }
  await pool.query('vacuum analyze customer_identity, identity_key, customer');
  return nowMs() - startedAt;
}
