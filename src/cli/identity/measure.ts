export interface Measures {
  /** Pairs that were joined and are one person. */
  right: number;
  /** Pairs that were joined and are two. */
  wrong: number;
  /** Pairs that are one person and were not joined. */
  missed: number;
  precision: number;
  recall: number;
  f1: number;
}

/** Compares pairs that were joined with the pairs that are one person in truth. */
export function measurePairs(joined: ReadonlySet<string>, truth: ReadonlySet<string>): Measures {
  let right = 0;
  for (const pair of joined) if (truth.has(pair)) right += 1;
  const wrong = joined.size - right;
  const missed = truth.size - right;
  const precision = joined.size === 0 ? 1 : right / joined.size;
  const recall = truth.size === 0 ? 1 : right / truth.size;
  return {
    right,
    wrong,
    missed,
    precision,
    recall,
    f1: (2 * right) / Math.max(1, 2 * right + wrong + missed),
  };
}

/** All pairs within the groups that labels make. */
export function pairsWithin(labels: readonly (string | number | null)[]): Set<string> {
  const groups = new Map<string | number, number[]>();
  for (const [index, label] of labels.entries())
    if (label !== null) groups.set(label, [...(groups.get(label) ?? []), index]);
  const pairs = new Set<string>();
  for (const members of groups.values())
    for (const [position, a] of members.entries())
      for (const b of members.slice(position + 1)) pairs.add(pairOf(a, b));
  return pairs;
}

export function pairOf(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
