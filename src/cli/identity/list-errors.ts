import { judgePair, sharedAmong } from '../../sync/identity/judge.ts';
import { keysOfProfile } from '../../sync/identity/keys.ts';
import { type Profile, profileOf } from '../../sync/identity/profile.ts';
import type { MatchParameters } from '../../sync/identity/score.ts';
import type { FileRecord } from './columns.ts';
import type { Ways } from './compare-ways.ts';

export type ErrorKind = 'wrongly merged' | 'asked in vain' | 'asked about' | 'left apart' | 'never compared';

export interface PairError {
  kind: ErrorKind;
  a: string;
  b: string;
  /** Weight of what the two records alone say. */
  bits: number;
  /** What speaks for and against, and what stands against merging, in words. */
  why: string;
}

/**
 * Every pair that was not merged rightly: merged and two people, asked about (by itself or through others of the two people), asked in vain, or one person and left apart, because too
 * little speaks for it or because nothing in common let the two find each other.
 */
export function listErrors(
  records: readonly FileRecord[],
  truth: ReadonlySet<string>,
  { merged, asked, joined }: Pick<Ways, 'merged' | 'asked' | 'joined'>,
  options: { country: string | null; parameters: MatchParameters },
): PairError[] {
  const profiles = new Map<number, Profile>();
  const profile = (at: number): Profile => {
    const known = profiles.get(at) ?? profileOf([records[at] as FileRecord], options.country);
    profiles.set(at, known);
    return known;
  };
  const errors: PairError[] = [];
  const note = (kind: ErrorKind, pair: string) => {
    const [a, b] = pair.split(' ').map(Number) as [number, number];
    const [x, y] = [profile(a), profile(b)];
    const { bits, caution, contributions } = judgePair(x, y, sharedAmong([x, y]), options.parameters);
    const said = contributions.map((one) => `${one.words.replace(/\.$/, '')} (${one.bits})`);
    errors.push({
      kind,
      a: (records[a] as FileRecord).id,
      b: (records[b] as FileRecord).id,
      bits,
      why: [...said, ...(caution === null ? [] : [caution])].join('; '),
    });
  };
  for (const pair of merged) if (!truth.has(pair)) note('wrongly merged', pair);
  for (const pair of asked)
    if (!merged.has(pair)) note(truth.has(pair) ? 'asked about' : 'asked in vain', pair);
  for (const pair of truth) {
    if (merged.has(pair) || asked.has(pair)) continue;
    if (joined.has(pair)) {
      note('asked about', pair);
      continue;
    }
    const [a, b] = pair.split(' ').map(Number) as [number, number];
    const keys = new Set(keysOfProfile(profile(a)));
    const isFound = keysOfProfile(profile(b)).some((key) => keys.has(key));
    note(isFound ? 'left apart' : 'never compared', pair);
  }
  return errors;
}
