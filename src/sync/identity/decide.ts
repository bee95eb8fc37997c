import { compareProfiles, type SharedClues } from './compare.ts';
import { type Judgement, judgePair } from './judge.ts';
import { joinProfiles, type Profile } from './profile.ts';
import type { MatchParameters } from './score.ts';

/** A customer who may be the one asked about, with all that is known of them. */
export interface Candidate {
  profile: Profile;
  /** How many records they consist of. */
  records: number;
}

export interface Decision<C> {
  /** Who is the same person, in the order in which they are to be merged. */
  merge: { candidate: C; judgement: Judgement }[];
  /** Who may be: for a person to decide. */
  ask: { candidate: C; judgement: Judgement }[];
}

const namesake =
  'Somebody else of this name is known at the same address or number: which of the two it is cannot be told.';

/**
 * Decides about all candidates together. What has been merged counts when the next one is judged, so that a record with few
 * clues does not bridge two who contradict each other; and where a second customer of the name is known at the same home or
 * number, only a mailbox tells which of the two is meant.
 */
export function decide<C extends Candidate>(
  who: Candidate,
  candidates: readonly C[],
  options: { shared: SharedClues; parameters: MatchParameters; mostRecords: number },
): Decision<C> {
  const { shared, parameters, mostRecords } = options;
  const merge: Decision<C>['merge'] = [];
  let { profile, records } = who;
  let open = [...candidates];
  for (;;) {
    const judged = open
      .map((candidate) => ({
        candidate,
        judgement: judgePair(profile, candidate.profile, shared, parameters),
      }))
      .filter(({ judgement }) => judgement.outcome !== 'separate')
      // The sort keeps the order of equals, which is the caller's.
      .sort((a, b) => b.judgement.bits - a.judgement.bits)
      .map(({ candidate, judgement }) =>
        judgement.outcome === 'merge' && hasRival(profile, candidate, open, options)
          ? { candidate, judgement: { ...judgement, outcome: 'review' as const, caution: namesake } }
          : { candidate, judgement },
      );
    const next = judged.find(
      ({ candidate, judgement }) =>
        judgement.outcome === 'merge' && records + candidate.records <= mostRecords,
    );
    if (next === undefined) return { merge, ask: judged };
    merge.push(next);
    profile = joinProfiles([profile, next.candidate.profile]);
    records += next.candidate.records;
    open = open.filter((candidate) => candidate !== next.candidate);
  }
}

/** Whether there is another one who fits by name and by home or number, and who is not evidently the candidate as well. */
function hasRival(
  own: Profile,
  candidate: Candidate,
  all: readonly Candidate[],
  { shared, parameters }: { shared: SharedClues; parameters: MatchParameters },
): boolean {
  const agreement = compareProfiles(own, candidate.profile, shared);
  if (agreement.email === 'same' || agreement.taxId === 'same') return false;
  return all.some((other) => {
    if (other === candidate) return false;
    const theirs = compareProfiles(own, other.profile, shared);
    if (
      ['different', 'missing'].includes(theirs.firstName) ||
      ['different', 'missing'].includes(theirs.lastName)
    )
      return false;
    const isNear =
      ['same', 'building', 'close'].includes(theirs.address) || ['same', 'shared'].includes(theirs.phone);
    // The number tells the two apart where both have one.
    if (!isNear || (agreement.phone === 'same' && theirs.phone === 'different')) return false;
    // So does the day of birth: father and son have two.
    if (agreement.birthDate === 'same' && theirs.birthDate === 'different') return false;
    return judgePair(other.profile, candidate.profile, shared, parameters).outcome !== 'merge';
  });
}
