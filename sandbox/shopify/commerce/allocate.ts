/**
 * Splits a total over weights without losing a unit: each gets its proportional share rounded down, the units left
 * over go to the largest remainders. No share exceeds its weight as long as the total does not exceed their sum.
 */
export function allocate(total: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + BigInt(weight), 0n);
  if (sum === 0n) {
    if (total !== 0) throw new RangeError('nothing to allocate over');
    return weights.map(() => 0);
  }
  const shares: number[] = [];
  const remainders: { index: number; remainder: bigint }[] = [];
  let left = total;
  for (const [index, weight] of weights.entries()) {
    const product = BigInt(total) * BigInt(weight);
    const share = Number(product / sum);
    shares.push(share);
    left -= share;
    remainders.push({ index, remainder: product % sum });
  }
  remainders.sort((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  for (const { index } of remainders.slice(0, left)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}
