import {
  type Agreement,
  agreementLevels,
  compareProfiles,
  type MatchField,
  matchFields,
  type SharedClues,
} from './compare.ts';
import { sharedAmong } from './judge.ts';
import { keysOfProfile } from './keys.ts';
import { type PersonRecord, type Profile, profileOf } from './profile.ts';
import { mostPerKey } from './resolve-records.ts';
import type { MatchParameters } from './score.ts';

/** Where nothing was seen, about what is certain: nobody's mailbox is another's more often than this. */
const rarest: Record<MatchField, number> = {
  email: 1e-7,
  phone: 5e-7,
  firstName: 1e-4,
  lastName: 2e-5,
  address: 1e-6,
  company: 1e-5,
  birthDate: 2e-5,
  taxId: 1e-7,
};
const blindPairs = 200_000;
const rounds = 30;

/**
 * Estimates m and u without labels. u: how often levels occur among pairs taken blindly, nearly all of which are two
 * people. m: by expectation maximisation among pairs that agree on one clue (mailbox, number, or house and name); each such
 * group tells about the fields that did not select it. Levels that no group shows keep what `start` says.
 */
export function estimateParameters(
  records: readonly PersonRecord[],
  country: string | null,
  start: MatchParameters,
  random: () => number,
): { parameters: MatchParameters; pairs: number } {
  const profiles = records.map((record) => profileOf([record], country));
  const shared = sharedAmong(profiles);
  const u = blindShares(profiles, shared, start, random);
  const pairs = pairsWithKeyInCommon(profiles, shared);
  const sums = Object.fromEntries(matchFields.map((field) => [field, new Map<string, number>()])) as Counts;
  for (const group of groups) {
    const inGroup = pairs.filter((agreement) => group.selects(agreement));
    if (inGroup.length < 50) continue;
    for (const [level, field, weight] of expectedMatches(inGroup, group.free, u, start))
      sums[field].set(level, (sums[field].get(level) ?? 0) + weight);
  }
  const levels = {} as Record<MatchField, Record<string, { m: number; u: number }>>;
  for (const field of matchFields) {
    const names = agreementLevels[field].filter((level) => level !== 'missing');
    const seen = names.reduce(
      (sum, level) => sum + (level === 'shared' ? 0 : (sums[field].get(level) ?? 0)),
      0,
    );
    levels[field] = Object.fromEntries(
      names.map((level) => {
        const before = start.levels[field][level] ?? { m: 0.01, u: 0.01 };
        // A level that compare() only finds among many records, or that too few pairs tell about, is not re-estimated.
        if (level === 'shared' || seen < 50) return [level, before];
        const share = ((sums[field].get(level) ?? 0) + before.m * 10) / (seen + 10);
        return [level, { m: round(Math.max(0.002, share)), u: round(u[field].get(level) ?? before.u) }];
      }),
    );
  }
  return { parameters: { ...start, levels }, pairs: pairs.length };
}

type Counts = Record<MatchField, Map<string, number>>;

const groups: readonly { selects: (agreement: Agreement) => boolean; free: readonly MatchField[] }[] = [
  {
    selects: ({ email }) => email === 'same',
    free: ['phone', 'firstName', 'lastName', 'address', 'company', 'birthDate', 'taxId'],
  },
  // A family has one telephone: those with other first names tell about families.
  {
    selects: ({ phone, firstName }) =>
      phone === 'same' && firstName !== 'different' && firstName !== 'missing',
    free: ['email', 'lastName', 'address', 'company', 'birthDate', 'taxId'],
  },
  {
    selects: ({ address, lastName, firstName }) =>
      address === 'same' && lastName === 'same' && firstName === 'same',
    free: ['email', 'phone', 'company', 'birthDate', 'taxId'],
  },
  {
    selects: ({ taxId, firstName }) =>
      taxId === 'same' && firstName !== 'different' && firstName !== 'missing',
    free: ['email', 'phone', 'lastName', 'address', 'company', 'birthDate'],
  },
  {
    selects: ({ birthDate, lastName, firstName }) =>
      birthDate === 'same' && lastName === 'same' && firstName === 'same',
    free: ['email', 'phone', 'address', 'company', 'taxId'],
  },
];

function blindShares(
  profiles: readonly Profile[],
  shared: SharedClues,
  start: MatchParameters,
  random: () => number,
): Counts {
  const counts = Object.fromEntries(matchFields.map((field) => [field, new Map<string, number>()])) as Counts;
  const pick = () => profiles[Math.floor(random() * profiles.length)] as Profile;
  for (let pair = 0; pair < blindPairs; pair += 1) {
    const [a, b] = [pick(), pick()];
    if (a === b) continue;
    const agreement = compareProfiles(a, b, shared);
    // One person twice, or relatives, drawn by chance: in a small shop that is no rarity.
    if ([agreement.email, agreement.phone, agreement.address, agreement.taxId].includes('same')) continue;
    for (const field of matchFields)
      counts[field].set(agreement[field], (counts[field].get(agreement[field]) ?? 0) + 1);
  }
  for (const field of matchFields) {
    const told = agreementLevels[field].filter((level) => level !== 'missing');
    const seen = told.reduce((sum, level) => sum + (counts[field].get(level) ?? 0), 0);
    for (const level of told) {
      const count = counts[field].get(level) ?? 0;
      // Too rare to be seen: what is known beforehand, but never likelier than once in what was looked at.
      const known = Math.min(start.levels[field][level]?.u ?? rarest[field], 1 / Math.max(1, seen));
      counts[field].set(level, Math.max(rarest[field], count < 5 ? known : count / seen));
    }
  }
  return counts;
}

/** Pairs that share a key, each once. */
function pairsWithKeyInCommon(profiles: readonly Profile[], shared: SharedClues): Agreement[] {
  const byKey = new Map<bigint, number[]>();
  const agreements: Agreement[] = [];
  for (const [index, profile] of profiles.entries()) {
    const others = new Set<number>();
    for (const key of keysOfProfile(profile)) {
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, [index]);
      else {
        for (const other of known.slice(0, mostPerKey)) others.add(other);
        known.push(index);
      }
    }
    for (const other of others) agreements.push(compareProfiles(profiles[other] as Profile, profile, shared));
  }
  return agreements;
}

/** Expectation maximisation over two classes, with u fixed. Answers what the matches of the group show, as expected counts. */
function expectedMatches(
  pairs: readonly Agreement[],
  free: readonly MatchField[],
  u: Counts,
  start: MatchParameters,
): [level: string, field: MatchField, weight: number][] {
  let share = 0.8;
  const m = Object.fromEntries(
    free.map((field) => [
      field,
      new Map(Object.entries(start.levels[field]).map(([level, chance]) => [level, chance.m])),
    ]),
  ) as Counts;
  let sums: Counts = m;
  for (let round = 0; round < rounds; round += 1) {
    sums = Object.fromEntries(free.map((field) => [field, new Map<string, number>()])) as Counts;
    let matches = 0;
    for (const pair of pairs) {
      let odds = share / (1 - share);
      for (const field of free) {
        const level = pair[field];
        if (level !== 'missing') odds *= (m[field].get(level) ?? 1e-4) / (u[field].get(level) ?? 1e-4);
      }
      const chance = Number.isFinite(odds) ? odds / (1 + odds) : 1;
      matches += chance;
      for (const field of free) {
        const level = pair[field];
        if (level !== 'missing') sums[field].set(level, (sums[field].get(level) ?? 0) + chance);
      }
    }
    share = Math.min(0.999, Math.max(0.001, matches / pairs.length));
    for (const field of free) {
      const total = [...sums[field].values()].reduce((sum, value) => sum + value, 0);
      if (total === 0) continue;
      for (const level of Object.keys(start.levels[field]))
        m[field].set(level, Math.max(1e-4, (sums[field].get(level) ?? 0) / total));
    }
  }
  return free.flatMap((field) =>
    [...sums[field]].map(([level, weight]): [string, MatchField, number] => [level, field, weight]),
  );
}

function round(share: number): number {
  return Number(share.toPrecision(3));
}
