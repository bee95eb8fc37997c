import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allocate,
  decimalText,
  divideRounded,
  minorNumber,
  minorText,
  multiply,
  parseDecimal,
  toMinor,
} from '../../sandbox/quickbooks/decimal.ts';

describe('exact decimals', () => {
  it('read JSON numbers by their text and round half away from zero', () => {
    expect([19.99, 0.1, 1e-7, 1.005, -1.005, 1e21].map((value) => toMinor(value))).toEqual([
      1999n,
      10n,
      0n,
      101n,
      -101n,
      10n ** 23n,
    ]);
    expect(toMinor(multiply(parseDecimal(3), parseDecimal(33.335)))).toBe(10001n);
    expect([divideRounded(5n, 2n), divideRounded(-5n, 2n), divideRounded(5n, -3n)]).toEqual([3n, -3n, -2n]);
    expect(decimalText(parseDecimal('-0.50'))).toBe('-0.5');
    expect(() => parseDecimal('1,5')).toThrow('not a decimal');
  });

  it('come back from JSON numbers as they went', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), (minor) => {
        expect(toMinor(minorNumber(minor))).toBe(minor);
        expect(toMinor(minorText(minor))).toBe(minor);
      }),
    );
  });

  it('split into parts that add up to the whole, each within a cent per part of its share', () => {
    expect(allocate(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n]);
    expect(allocate(5n, [0n, 0n])).toEqual([2n, 3n]);
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }),
        fc.array(fc.bigInt({ min: 0n, max: 10n ** 7n }), { minLength: 1, maxLength: 12 }),
        (total, weights) => {
          const parts = allocate(total, weights);
          expect(parts.reduce((a, b) => a + b, 0n)).toBe(total);
          const sum = weights.reduce((a, b) => a + b, 0n);
          if (sum === 0n) return;
          for (const [index, part] of parts.entries()) {
            const off = part * sum - total * (weights[index] ?? 0n);
            expect((off < 0n ? -off : off) <= sum * BigInt(weights.length)).toBe(true);
          }
        },
      ),
    );
  });
});
