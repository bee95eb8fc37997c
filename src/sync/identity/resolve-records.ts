import { decide } from './decide.ts';
import { type Judgement, sharedAmong } from './judge.ts';
import { keysOfProfile } from './keys.ts';
import { joinProfiles, type PersonRecord, type Profile, profileOf } from './profile.ts';
import type { MatchParameters } from './score.ts';

/** How many records are looked at per key: one that more share is no clue. */
export const mostPerKey = 25;
/** From how many records on a person's record takes no more in without asking. */
export const mostMergedRecords = 12;

export interface Resolved {
  /** Per record, in their order, the number of the person it was given to. */
  personOf: number[];
  /** Pairs of records that a person would be asked about. */
  reviews: { a: number; b: number; judgement: Judgement }[];
}

/**
 * Resolves a list of records as the write path does one arrival after the other, in memory: the same keys, the same
 * judgement, the same limits. Pure; for scoring and estimation.
 */
export function resolveRecords(
  records: readonly PersonRecord[],
  country: string | null,
  parameters: MatchParameters,
  onProgress: (done: number) => void = () => undefined,
): Resolved {
  const profiles = records.map((record) => profileOf([record], country));
  const byKey = new Map<bigint, number[]>();
  const personOf = records.map((_, index) => index);
  const members = new Map<number, number[]>(records.map((_, index) => [index, [index]]));
  const reviews: Resolved['reviews'] = [];
  for (const [index, profile] of profiles.entries()) {
    const keys = keysOfProfile(profile);
    const found = new Set<number>();
    for (const key of keys) for (const other of (byKey.get(key) ?? []).slice(0, mostPerKey)) found.add(other);
    const shared = sharedAmong([profile, ...[...found].map((other) => profiles[other] as Profile)]);
    const people = new Set([...found].map((other) => personOf[other] as number));
    const { merge, ask } = decide(
      { profile, records: 1 },
      [...people]
        .sort((a, b) => a - b)
        .map((person) => {
          const theirs = members.get(person) ?? [];
          return {
            person,
            first: theirs[0] as number,
            records: theirs.length,
            profile: joinProfiles(theirs.map((member) => profiles[member] as Profile)),
          };
        }),
      { shared, parameters, mostRecords: mostMergedRecords },
    );
    for (const { candidate } of merge) {
      const [mine, person] = [personOf[index] as number, candidate.person];
      const [into, from] = mine < person ? [mine, person] : [person, mine];
      const moved = members.get(from) ?? [];
      for (const member of moved) personOf[member] = into;
      members.set(into, [...(members.get(into) ?? []), ...moved]);
      members.delete(from);
    }
    for (const { candidate, judgement } of ask) reviews.push({ a: candidate.first, b: index, judgement });
    for (const key of keys) byKey.set(key, [...(byKey.get(key) ?? []), index]);
    if (index % 1000 === 999) onProgress(index + 1);
  }
  return { personOf, reviews };
}
