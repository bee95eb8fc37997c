import { isRelayEmail } from '../../model/customer.ts';
import type { Source } from '../../model/platform-name.ts';
import { sameJson } from '../graph/canonical-json.ts';
import { type FactField, type Facts, factFields, isEmptyFact } from './facts.ts';

/** Which source each field came from and since when it has said so. */
export type Provenance = Partial<Record<FactField, { source: Source; at: string }>>;

export interface GoldenRecord {
  values: Record<FactField, unknown>;
  provenance: Provenance;
}

/**
 * How far an account is believed about a field: before all others whenever it said so, by age like everybody, or only where
 * nobody else says anything.
 */
export const fieldAuthorities = ['always', 'newest', 'never'] as const;
export type FieldAuthority = (typeof fieldAuthorities)[number];

export interface ToldBy {
  source: Source;
  /** Of the account that speaks; a field that is not named goes by age. */
  authority?: Partial<Record<FactField, FieldAuthority>> | null;
  /** What a guest typed at a checkout ranks below what an account holds. */
  guest: boolean;
  facts: Facts;
}

export const emptyGoldenRecord: GoldenRecord = {
  values: {
    firstName: null,
    lastName: null,
    company: null,
    email: null,
    phone: null,
    address: null,
    note: null,
    tags: [],
    taxExempt: false,
  },
  provenance: {},
};

interface Candidate {
  source: Source;
  value: unknown;
  at: string;
}

/**
 * One record out of what all platforms say: per field the newest claim wins, unless the retailer chose whom to believe. What was edited here counts as a claim of
 * its own. A fold over stored facts, so that the order in which they arrived does not matter and a merge of customers
 * can be undone.
 */
export function foldGoldenRecord(
  current: GoldenRecord,
  identities: readonly ToldBy[],
): { record: GoldenRecord; changedFields: FactField[] } {
  const values = { ...current.values };
  const provenance: Provenance = { ...current.provenance };
  const changedFields: FactField[] = [];
  for (const field of factFields) {
    const winner = winnerOf(field, current, identities);
    if (winner === undefined) continue;
    if (!sameJson(values[field], winner.value)) {
      values[field] = winner.value;
      changedFields.push(field);
    }
    provenance[field] = { source: winner.source, at: winner.at };
  }
  return { record: { values, provenance }, changedFields };
}

/**
 * The record as these identities and what was edited here make it: what only others have said goes. Where nobody who is left claims a
 * value of their own accord, one that somebody merely repeats stays.
 */
export function onlyWhatIsSaid(
  current: GoldenRecord,
  identities: readonly ToldBy[],
): { record: GoldenRecord; changedFields: FactField[] } {
  const own: GoldenRecord = { values: { ...emptyGoldenRecord.values }, provenance: {} };
  for (const field of factFields) {
    const known = current.provenance[field];
    if (known?.source !== 'tributary') continue;
    own.values[field] = current.values[field];
    own.provenance[field] = known;
  }
  const { record } = foldGoldenRecord(own, identities);
  for (const field of factFields) {
    if (record.provenance[field] !== undefined) continue;
    const repeated = identities
      .flatMap(({ source, facts }) => {
        const fact = facts[field];
        return fact === undefined || isEmptyFact(fact.value)
          ? []
          : [{ source, value: fact.value, at: fact.toldAt }];
      })
      .sort((a, b) => (a.at < b.at ? 1 : -1))[0];
    if (repeated === undefined) continue;
    record.values[field] = repeated.value;
    record.provenance[field] = { source: repeated.source, at: repeated.at };
  }
  const changedFields = factFields.filter((field) => !sameJson(record.values[field], current.values[field]));
  return { record, changedFields };
}

function winnerOf(
  field: FactField,
  current: GoldenRecord,
  identities: readonly ToldBy[],
): Candidate | undefined {
  const preferred: Candidate[] = [];
  const accounts: Candidate[] = [];
  const guests: Candidate[] = [];
  const doubted: Candidate[] = [];
  const known = current.provenance[field];
  if (known?.source === 'tributary') accounts.push({ ...known, value: current.values[field] });
  for (const { source, guest, facts, authority } of identities) {
    const fact = facts[field];
    if (fact === undefined || fact.since === null) continue;
    const weak = guest || (field === 'email' && isRelayEmail(fact.value as string | null));
    const isBelieved = authority?.[field] ?? 'newest';
    const tier =
      isBelieved === 'never' ? doubted : weak ? guests : isBelieved === 'always' ? preferred : accounts;
    tier.push({ source, value: fact.value, at: fact.since });
  }
  // Whoever has the last word may also say that there is nothing.
  const last = newest(preferred, current, field);
  if (last !== undefined) return last;
  const heard = [accounts, guests, doubted].flatMap((tier) => newest(tier, current, field) ?? []);
  return heard.find((one) => !isEmptyFact(one.value)) ?? heard[0];
}

/** Among claims of one age, the one that stands stays. */
function newest(
  candidates: readonly Candidate[],
  current: GoldenRecord,
  field: FactField,
): Candidate | undefined {
  const stands = (candidate: Candidate) =>
    candidate.source === current.provenance[field]?.source &&
    sameJson(candidate.value, current.values[field]);
  return candidates.reduce<Candidate | undefined>((best, candidate) => {
    if (best === undefined || candidate.at > best.at) return candidate;
    return candidate.at === best.at && !stands(best) && stands(candidate) ? candidate : best;
  }, undefined);
}
