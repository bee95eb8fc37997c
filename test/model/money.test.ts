import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addMoney, allocate, formatMinor, parseMinor } from '../../src/model/money.ts';

test.each([
  ['8600.0', 'EUR', 860000n],
  ['8600.00', 'EUR', 860000n],
  ['-0.5', 'EUR', -50n],
  ['12', 'JPY', 12n],
  ['12.00', 'JPY', 12n],
  ['1.234', 'KWD', 1234n],
  ['0', 'USD', 0n],
  ['.5'.padStart(3, '0'), 'USD', 50n],
])('%s %s is %s minor units', (text, currency, minor) => {
  expect(parseMinor(text, currency)).toBe(minor);
});

test.each(['1.005', 'abc', '', '1e3', '0x10', '1,50', 'NaN'])(
  '%s is refused for EUR instead of rounded',
  (text) => {
    expect(() => parseMinor(text, 'EUR')).toThrow(/INVALID_AMOUNT/);
  },
);

test('writing and reading an amount gives it back, in every currency', () => {
  fc.assert(
    fc.property(
      fc.bigInt(-(10n ** 18n), 10n ** 18n),
      fc.constantFrom('EUR', 'JPY', 'KWD'),
      (minor, currency) => {
        expect(parseMinor(formatMinor(minor, currency), currency)).toBe(minor);
      },
    ),
  );
});

test('the parts of an allocation sum to the total, and none is further than one unit from its exact share', () => {
  fc.assert(
    fc.property(
      fc.bigInt(-100000n, 100000n),
      fc.array(fc.bigInt(0n, 9999n), { minLength: 1, maxLength: 12 }),
      (total, weights) => {
        const parts = allocate(total, weights);
        expect(parts.reduce((a, b) => a + b, 0n)).toBe(total);
        const sum = weights.reduce((a, b) => a + b, 0n);
        if (sum === 0n) return;
        for (const [index, part] of parts.entries()) {
          const distance = part * sum - total * (weights[index] ?? 0n);
          expect(distance < sum && distance > -sum).toBe(true);
        }
      },
    ),
  );
});

test('ties of an allocation go to the earlier part', () => {
  expect(allocate(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n]);
  expect(allocate(-100n, [1n, 1n, 1n])).toEqual([-34n, -33n, -33n]);
});

test('amounts of two currencies cannot be added', () => {
  expect(() => addMoney({ amountMinor: 1n, currency: 'EUR' }, { amountMinor: 1n, currency: 'USD' })).toThrow(
    /CURRENCY_MISMATCH/,
  );
});
