import { toJson } from '../graph/canonical-json.ts';
import type { WriteContext } from '../graph/write-context.ts';
import { decide } from './decide.ts';
import { findCandidates } from './find-candidates.ts';
import { type Judgement, sharedAmong } from './judge.ts';
import { mergeCustomers } from './merge-customers.ts';
import { parametersOf } from './parameters.ts';
import { joinProfiles, type PersonRecord, type Profile, profileOf } from './profile.ts';
import { mostMergedRecords } from './resolve-records.ts';

export interface Duplicates {
  /** Who the customer is now: the oldest of those that were made one. */
  customerId: bigint;
  merged: number;
  reviews: number;
}

/**
 * Looks for customers who may be the same person, by these keys; none where nothing is new. What is certain is merged, what
 * is likely is put before a person, once. Costs one statement where nobody is found.
 */
export async function resolveDuplicates(
  context: WriteContext,
  who: {
    customerId: bigint;
    records: readonly PersonRecord[];
    keys: readonly bigint[];
    country: string | null;
  },
): Promise<Duplicates> {
  const { customerId, records, keys, country } = who;
  const nothing = { customerId, merged: 0, reviews: 0 };
  if (keys.length === 0) return nothing;
  const { parameters, customers, rejected } = await findCandidates(context.tx, customerId, keys);
  if (customers.length === 0) return nothing;
  const own = profilesOf(records, country);
  const theirs = customers.map(({ id, records: all }) => ({ id, profiles: profilesOf(all, country) }));
  const decision = decide(
    { profile: joinProfiles(own), records: own.length },
    theirs
      .filter((customer) => !rejected.has(customer.id))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, profiles }) => ({ id, records: profiles.length, profile: joinProfiles(profiles) })),
    {
      shared: sharedAmong([...own, ...theirs.flatMap((one) => one.profiles)]),
      parameters: parametersOf(parameters),
      mostRecords: mostMergedRecords,
    },
  );
  let survivor = customerId;
  for (const { candidate, judgement } of decision.merge) {
    const [into, from] = candidate.id < survivor ? [candidate.id, survivor] : [survivor, candidate.id];
    await mergeCustomers(context, into, from, {
      decidedBy: 'automatic',
      actor: null,
      evidence: evidenceOf(judgement),
    });
    survivor = into;
  }
  const asked = decision.ask.map(({ candidate, judgement }) => ({ id: candidate.id, judgement }));
  await suggest(context, survivor, asked);
  return { customerId: survivor, merged: decision.merge.length, reviews: asked.length };
}

/** Record by record: each is made comparable once, which is most of what a decision costs. */
function profilesOf(records: readonly PersonRecord[], country: string | null): Profile[] {
  return records.map((record) => profileOf([record], country));
}

/** The same for a customer by all that is stored of them. The caller holds the customer's lock. */
export async function resolveKnownCustomer(context: WriteContext, customerId: bigint): Promise<Duplicates> {
  const { rows } = await context.tx.query<PersonRecord & { country: string | null; keys: string[] }>({
    name: 'load-keyed-records',
    text: `select i.email, i.phone, i.first_name as "firstName", i.last_name as "lastName", i.company, i.address,
             n.settings ->> 'country' as country, array(select key from identity_key where identity_id = i.id) as keys
           from customer_identity i join connection n on n.id = i.connection_id
           join customer c on c.id = i.customer_id and c.merged_into_id is null
           where i.customer_id = $1 order by i.id`,
    values: [customerId],
  });
  return resolveDuplicates(context, {
    customerId,
    records: rows,
    keys: [...new Set(rows.flatMap((row) => row.keys))].map(BigInt),
    country: rows[0]?.country ?? null,
  });
}

async function suggest(
  { tx }: WriteContext,
  customerId: bigint,
  asked: readonly { id: bigint; judgement: Judgement }[],
): Promise<void> {
  if (asked.length === 0) return;
  await tx.query({
    name: 'suggest-merges',
    // A pair that somebody has decided about is left alone.
    text: `insert into merge_candidate (customer_a_id, customer_b_id, bits, probability, evidence)
           select least($1::bigint, x.other), greatest($1::bigint, x.other), x.bits, x.probability, x.evidence
           from jsonb_to_recordset($2::jsonb) as x(other bigint, bits numeric, probability float8, evidence jsonb)
           on conflict (customer_a_id, customer_b_id) do update set bits = excluded.bits, probability = excluded.probability,
             evidence = excluded.evidence, updated_at = clock_timestamp()
           where merge_candidate.status = 'open'`,
    values: [
      customerId,
      toJson(
        asked.map(({ id, judgement }) => ({
          other: id,
          bits: judgement.bits,
          probability: judgement.probability,
          evidence: evidenceOf(judgement),
        })),
      ),
    ],
  });
}

export function evidenceOf({
  bits,
  probability,
  contributions,
  caution,
}: Judgement): Record<string, unknown> {
  return { bits, probability, contributions, caution };
}
