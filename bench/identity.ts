import { createHash } from 'node:crypto';
import { generatePeople, type LabelledRecord } from '../src/cli/identity/generate-people.ts';
import { createPool, type Pool } from '../src/db/pool.ts';
import { transaction } from '../src/db/transaction.ts';
import { type CanonicalCustomer, normalizeEmail } from '../src/model/customer.ts';
import { applyChanges } from '../src/sync/apply-changes.ts';
import { decide } from '../src/sync/identity/decide.ts';
import { findCandidates } from '../src/sync/identity/find-candidates.ts';
import { sharedAmong } from '../src/sync/identity/judge.ts';
import { keysVersion, matchKeys } from '../src/sync/identity/keys.ts';
import { shippedParameters } from '../src/sync/identity/parameters.ts';
import { joinProfiles, profileOf } from '../src/sync/identity/profile.ts';
import { findIdentityClues } from '../src/sync/identity/resolve-identity.ts';
import { mostMergedRecords } from '../src/sync/identity/resolve-records.ts';
import { platforms } from '../src/sync/platforms/index.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { nowMs } from './support/clock.ts';
import { Samples } from './support/samples.ts';

export const identity: Benchmark = {
  name: 'identity',
  title: 'one new identity against all customers: who has the mailbox, keys, candidates, decision',
  run,
};

/** Customers in the graph; IDENTITY_CUSTOMERS=1000000 makes it a million, which takes some minutes to write. */
const customers = Number(process.env.IDENTITY_CUSTOMERS ?? 200_000);
const chunk = 5_000;
/** People nobody has seen, and as many further records of people who are known. */
const newcomers = 1_000;
/** Postal areas, of which few are large: see {@link areaOf}. */
const areas = 20_000;
const country = 'US';

async function run({ cluster, report }: Bench): Promise<void> {
  const url = await cluster.createDatabase();
  // As the worker's connections: planned once.
  const pool = createPool({ connectionString: url, max: 2, applicationName: 'bench', keyed: true });
  try {
    const filled = await fill(url);
    report.say(
      `${filled.customers.toLocaleString('en-US')} customers, ${filled.records.toLocaleString('en-US')} records, ${filled.keys.toLocaleString('en-US')} keys, ${filled.size} in all, written in ${(filled.ms / 1000).toFixed(0)} s`,
    );
    report.say(
      `${filled.largestArea.toLocaleString('en-US')} customers in the largest postal area; ${filled.fullKeys.toLocaleString('en-US')} keys have more than 25 records, the most frequent ${filled.largestKey.toLocaleString('en-US')}`,
    );
    const unknown = inAreas(generatePeople(7, newcomers)).slice(0, newcomers);
    const asked = shuffled([...unknown, ...filled.heldOut.slice(0, newcomers)]);
    const { times, parts, found } = await resolveEach(pool, filled.connectionId, asked);
    report.say(
      `${asked.length} newcomers, half of them known already under another record; ${(found / asked.length).toFixed(1)} candidates each`,
    );
    report.table([
      ['one newcomer', times.describe()],
      ['  whose id, link or mailbox it is (one statement)', parts.clues.describe()],
      ['  making keys', parts.keys.describe()],
      ['  finding candidates (one statement)', parts.candidates.describe()],
      ['  deciding about them', parts.decision.describe()],
    ]);
    report.atMost('a newcomer, p99', times.percentile(99), 10, 'ms');
    const written = await writeEach(pool, filled.connectionId, asked);
    report.table([['the same through the write path, committed and on disk', written.describe()]]);
  } finally {
    await pool.end();
  }
}

/** What the write path does to find out who each of them is; nothing is written. */
async function resolveEach(
  pool: Pool,
  connectionId: bigint,
  asked: readonly LabelledRecord[],
): Promise<{
  times: Samples;
  parts: Record<'clues' | 'keys' | 'candidates' | 'decision', Samples>;
  found: number;
}> {
  const times = new Samples();
  const parts = {
    clues: new Samples(),
    keys: new Samples(),
    candidates: new Samples(),
    decision: new Samples(),
  };
  let found = 0;
  for (const [index, record] of asked.entries()) {
    const startedAt = nowMs();
    const remoteId = `new-${index}`;
    await findIdentityClues(pool as never, connectionId, {
      remoteId,
      email: normalizeEmail(record.email),
      linkType: 'customer',
    });
    const clueAt = nowMs();
    const keys = matchKeys(record, country);
    const keyedAt = nowMs();
    const { customers: candidates } = await findCandidates(pool, 0n, keys);
    const foundAt = nowMs();
    const own = profileOf([record], country);
    const theirs = candidates.map(({ records }) => records.map((other) => profileOf([other], country)));
    decide(
      { profile: own, records: 1 },
      theirs.map((profiles) => ({ records: profiles.length, profile: joinProfiles(profiles) })),
      {
        shared: sharedAmong([own, ...theirs.flat()]),
        parameters: shippedParameters,
        mostRecords: mostMergedRecords,
      },
    );
    const endedAt = nowMs();
    found += candidates.length;
    // Until statements are prepared and what is hot is compiled.
    if (index < asked.length / 10) continue;
    times.add(endedAt - startedAt);
    parts.clues.add(clueAt - startedAt);
    parts.keys.add(keyedAt - clueAt);
    parts.candidates.add(foundAt - keyedAt);
    parts.decision.add(endedAt - foundAt);
  }
  return { times, parts, found };
}

/** Takes each of them in, as a customer that a shop tells of: locks, look-ups, writes, merges, plans, events, commit. */
async function writeEach(
  pool: Pool,
  connectionId: bigint,
  asked: readonly LabelledRecord[],
): Promise<Samples> {
  const times = new Samples();
  for (const [index, record] of asked.entries()) {
    const startedAt = nowMs();
    const at = new Date();
    await transaction(pool, (tx) =>
      applyChanges(tx, {
        changes: [
          {
            kind: 'customer',
            remoteId: `new-${index}`,
            version: { sourceUpdatedAt: at, observedAt: null },
            customer: toldOf(record),
          },
        ],
        source: 'shopify',
        connectionId,
        deliveryId: null,
        now: at,
        platforms,
      }),
    );
    if (index >= asked.length / 10) times.add(nowMs() - startedAt);
  }
  return times;
}

function toldOf({ email, phone, firstName, lastName, company, address }: LabelledRecord): CanonicalCustomer {
  return {
    email: normalizeEmail(email),
    phone,
    firstName,
    lastName,
    company,
    address: address as CanonicalCustomer['address'] & object,
  };
}

interface Filled {
  connectionId: bigint;
  customers: number;
  records: number;
  keys: number;
  size: string;
  largestArea: number;
  largestKey: number;
  fullKeys: number;
  /** Records of people who are known by others. */
  heldOut: LabelledRecord[];
  ms: number;
}

/**
 * Customers with all their records, facts and keys as the write path leaves them. Their indexes are built afterwards and their foreign
 * keys are not checked: a row at a time through the write path it would take hours.
 */
async function fill(url: string): Promise<Filled> {
  const startedAt = nowMs();
  await using pool = disposable(createPool({ connectionString: url, max: 1, applicationName: 'bench' }));
  await pool.query('set session_replication_role = replica');
  const { rows } = await pool.query<{ id: bigint }>(
    `insert into connection (platform, account_id, name, credentials, settings)
     values ('shopify', 'bench', 'bench', '\\x00', '{"country": "US"}') returning id`,
  );
  const connectionId = rows[0]?.id ?? 0n;
  const rebuild = await dropIndexes(pool, ['customer', 'customer_identity', 'identity_key']);
  const heldOut: LabelledRecord[] = [];
  const held = Math.max(2, Math.floor((1.3 * customers) / newcomers / 2));
  let records = 0;
  for (let done = 0; done < customers; done += chunk) {
    const people = new Map<string, LabelledRecord[]>();
    for (const record of inAreas(generatePeople(1_000 + done, Math.min(chunk, customers - done)))) {
      const known = people.get(record.person);
      records += 1;
      if (known === undefined) people.set(record.person, [record]);
      else if (records % held === 0 && heldOut.length < newcomers) heldOut.push(record);
      else known.push(record);
    }
    await writePeople(pool, connectionId, [...people.values()]);
  }
  for (const statement of rebuild) await pool.query(statement);
  await pool.query('vacuum analyze customer, customer_identity, identity_key');
  const { rows: counted } = await pool.query<Omit<Filled, 'connectionId' | 'heldOut' | 'ms'>>(
    `select (select count(*)::int from customer) as customers, (select count(*)::int from customer_identity) as records,
       (select count(*)::int from identity_key) as keys, pg_size_pretty(pg_database_size(current_database())) as size,
       (select max(many)::int from (select count(*) as many from customer group by left(default_address ->> 'zip', 5)) as a) as "largestArea",
       (select max(many)::int from (select count(*) as many from identity_key group by key) as k) as "largestKey",
       (select count(*)::int from (select 1 from identity_key group by key having count(*) > 25) as k) as "fullKeys"`,
  );
  const counts = counted[0];
  if (counts === undefined) throw new Error('An aggregate returned no row.');
  return { ...counts, connectionId, heldOut, ms: nowMs() - startedAt };
}

async function writePeople(
  pool: Pool,
  connectionId: bigint,
  people: readonly (readonly LabelledRecord[])[],
): Promise<void> {
  const records = people.flatMap((theirs, person) =>
    theirs.map((one) => ({ ...toldOf(one), person, keys: matchKeys(one, country).map(String) })),
  );
  await pool.query(
    `with r as materialized (
       select x.*, row_number() over () as n from jsonb_to_recordset($1::jsonb) as x(person int, email text, phone text, "firstName" text,
         "lastName" text, company text, address jsonb, keys bigint[])),
     who as materialized (select person, nextval('customer_id_seq') as customer_id from (select distinct person from r order by 1) as p),
     c as (
       insert into customer (id, first_name, last_name, email, phone, company, default_address, provenance)
       select distinct on (r.person) customer_id, "firstName", "lastName", email, phone, company, address,
         (select jsonb_object_agg(field, '{"at": "2026-11-01T10:00:00.000Z", "source": "shopify"}'::jsonb)
          from unnest(array['firstName', 'lastName', 'email', 'phone', 'address']) as field)
       from r join who using (person) order by r.person, r.n),
     i as materialized (select r.*, customer_id, nextval('customer_identity_id_seq') as id from r join who using (person)),
     written as (
       insert into customer_identity (id, customer_id, connection_id, remote_id, email, phone, first_name, last_name, company, address,
         relay_email, source_updated_at, keys_version, facts)
       select id, customer_id, $2, id::text, email, phone, "firstName", "lastName", company, address,
         coalesce(email, '') like '%@marketplace.amazon.%', '2026-11-01T10:00:00Z', ${keysVersion},
         (select jsonb_object_agg(field, jsonb_build_object('value', value, 'toldAt', '2026-11-01T10:00:00.000Z', 'readAt', null,
             'since', '2026-11-01T10:00:00.000Z'))
          from (values ('email', to_jsonb(email)), ('phone', to_jsonb(phone)), ('firstName', to_jsonb("firstName")),
            ('lastName', to_jsonb("lastName")), ('company', to_jsonb(company)), ('address', address)) as f(field, value))
       from i)
     insert into identity_key (key, identity_id) select k, i.id from i, unnest(i.keys) as k`,
    [JSON.stringify(records), connectionId],
  );
}

/** @returns the statements that make them again. */
async function dropIndexes(pool: Pool, tables: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ drop: string; create: string }>(
    `select case when con.oid is null then format('drop index %s', i.indexrelid::regclass)
         else format('alter table %s drop constraint %I cascade', i.indrelid::regclass, con.conname) end as drop,
       case when con.oid is null then pg_get_indexdef(i.indexrelid)
         else format('alter table %s add constraint %I %s', i.indrelid::regclass, con.conname, pg_get_constraintdef(con.oid)) end as create
     from pg_index i left join pg_constraint con on con.conindid = i.indexrelid and con.contype in ('p', 'u')
     where i.indrelid = any($1::regclass[])`,
    [tables],
  );
  // Foreign keys that lean on a primary key go with it and come back with it.
  const { rows: foreign } = await pool.query<{ create: string }>(
    `select format('alter table %s add constraint %I %s not valid', conrelid::regclass, conname, pg_get_constraintdef(oid)) as create
     from pg_constraint where contype = 'f' and confrelid = any($1::regclass[])`,
    [tables],
  );
  for (const { drop } of rows) await pool.query(drop);
  return [...rows.map((row) => row.create), ...foreign.map((row) => row.create)];
}

/**
 * Made-up people live in areas of one size; real ones in few that are large and many that are small. The largest of these holds
 * one customer in twenty-seven, as the district around a shop does.
 */
function areaOf(zip: string, among: string): string {
  const share = createHash('sha256').update(`${among} ${zip}`).digest().readUInt32BE(0) / 2 ** 32;
  return String(10_000 + Math.floor(share ** 3 * areas));
}

function inAreas(records: readonly LabelledRecord[]): LabelledRecord[] {
  const among = JSON.stringify(records[0]);
  return records.map((record) =>
    record.address?.zip == null
      ? record
      : { ...record, address: { ...record.address, zip: areaOf(record.address.zip.slice(0, 5), among) } },
  );
}

/** In an order that the same run always has. */
function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((one, index) => ({ one, rank: createHash('sha256').update(String(index)).digest('hex') }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1))
    .map(({ one }) => one);
}

function disposable(pool: Pool): Pool & AsyncDisposable {
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() });
}
