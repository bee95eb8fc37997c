import type { SourceVersion } from '../../model/change.ts';
import type { CanonicalCustomer } from '../../model/customer.ts';
import { sameJson } from '../graph/canonical-json.ts';
import { judgeVersion } from '../graph/version.ts';
import type { PersonRecord } from './profile.ts';

/** The fields of a customer that platforms tell. */
export const factFields = [
  'firstName',
  'lastName',
  'company',
  'email',
  'phone',
  'address',
  'note',
  'tags',
  'taxExempt',
] as const;
export type FactField = (typeof factFields)[number];

/** What one platform says of one field. */
export interface Fact {
  value: unknown;
  /** The platform's time of the newest statement that told the field. */
  toldAt: string;
  /** When that statement was read, where it was read. */
  readAt: string | null;
  /**
   * Since when the platform has claimed this value of its own accord; null for a value that it merely repeats after
   * us, or an empty one that it never filled. Only claims compete for the golden record.
   */
  since: string | null;
}
export type Facts = Partial<Record<FactField, Fact>>;

export interface Telling {
  facts: Facts;
  /** `undecided`: two messages of one instant differ. */
  verdict: 'news' | 'confirmed' | 'stale' | 'undecided';
}

/**
 * Lays a statement over what the platform told before, field by field: statements come in any order and with different
 * sets of fields. A platform repeats all of its fields whenever one changes, so that only a value that differs from its
 * own earlier one is a new claim; otherwise each order at the shop would undo what was changed in the CRM meanwhile.
 */
export function tellFacts(
  stored: Facts,
  told: CanonicalCustomer,
  version: SourceVersion,
  circumstances: {
    /** True for a value that the platform holds because we wrote it. */
    echoed: (value: unknown) => boolean;
    /** The golden record: agreeing with it takes over the age of its claim. */
    golden: (field: FactField) => { value: unknown; at: string | null };
  },
): Telling {
  const facts: Facts = { ...stored };
  let verdict: Telling['verdict'] = 'stale';
  const rank = { stale: 0, confirmed: 1, news: 2, undecided: 3 };
  const note = (outcome: Telling['verdict']) => {
    if (rank[outcome] > rank[verdict]) verdict = outcome;
  };
  for (const field of factFields) {
    const value = told[field];
    if (value === undefined) continue;
    const before = stored[field];
    const same = before !== undefined && sameJson(before.value, value);
    const judgement = judgeVersion(version, before === undefined ? null : versionOf(before));
    if (judgement === 'older') continue;
    if (judgement === 'tie') {
      note(same ? 'confirmed' : version.observedAt === null ? 'undecided' : 'news');
      if (same || version.observedAt === null) continue;
    } else {
      note(same ? 'confirmed' : 'news');
    }
    facts[field] = {
      value,
      toldAt: version.sourceUpdatedAt.toISOString(),
      readAt: version.observedAt?.toISOString() ?? null,
      since: same ? before.since : claimedSince(field, value, before, version, circumstances),
    };
  }
  return { facts, verdict };
}

/** What the facts say of who somebody is. */
export function personRecordOf(facts: Facts): PersonRecord {
  const text = (field: FactField) => {
    const value = facts[field]?.value;
    return typeof value === 'string' && value !== '' ? value : null;
  };
  return {
    email: text('email'),
    phone: text('phone'),
    firstName: text('firstName'),
    lastName: text('lastName'),
    company: text('company'),
    address: (facts.address?.value ?? null) as PersonRecord['address'],
  };
}

export function isEmptyFact(value: unknown): boolean {
  return (
    value === null || value === undefined || value === false || (Array.isArray(value) && value.length === 0)
  );
}

function claimedSince(
  field: FactField,
  value: unknown,
  before: Fact | undefined,
  version: SourceVersion,
  circumstances: Parameters<typeof tellFacts>[3],
): string | null {
  if (circumstances.echoed(value)) return null;
  if (before === undefined && isEmptyFact(value)) return null;
  const golden = circumstances.golden(field);
  if (golden.at !== null && sameJson(golden.value, value)) return golden.at;
  return version.sourceUpdatedAt.toISOString();
}

function versionOf(fact: Fact): { sourceUpdatedAt: Date; readAt: Date | null } {
  return {
    sourceUpdatedAt: new Date(fact.toldAt),
    readAt: fact.readAt === null ? null : new Date(fact.readAt),
  };
}
