import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PayoutSnapshot, PayoutTransactionSnapshot } from '../../src/model/snapshot.ts';
import { depositInBookDecimals } from '../../src/sync/accounting/book-decimals.ts';
import { depositOf } from '../../src/sync/accounting/deposit.ts';
import { part, payout } from './payouts.ts';

const parts = fc.array(
  fc.record({
    part: fc.constantFrom<PayoutTransactionSnapshot['part'][]>(
      'charge',
      'refund',
      'dispute',
      'reserve',
      'adjustment',
      'returned_payout',
    ),
    amountMinor: fc.bigInt({ min: -100_000n, max: 100_000n }),
    feeMinor: fc.bigInt({ min: -500n, max: 5_000n }),
    orderId: fc.option(fc.bigInt({ min: 1n, max: 9n }), { nil: null }),
  }),
  { maxLength: 12 },
);

it('makes a deposit that equals the payout to the cent, whatever its parts say', () => {
  fc.assert(
    fc.property(parts, fc.bigInt({ min: -50n, max: 50n }), (given, lost) => {
      const net = given.reduce((all, one) => all + one.amountMinor - one.feeMinor, lost);
      const posting = depositOf(payout({ netMinor: net, transactions: given.map((one) => part(one)) }));
      if (given.length === 0 && net === 0n) {
        expect(posting.status).toBe('never');
        return;
      }
      if (posting.status !== 'post') throw new Error(posting.why);
      const { lines, totalMinor, residualMinor } = posting.document;
      expect(totalMinor).toBe(net);
      expect(lines.reduce((all, line) => all + line.amountMinor, 0n)).toBe(net);
      expect(residualMinor).toBe(lost);
      expect(lines.some((line) => line.kind === 'residual')).toBe(lost !== 0n);
      expect(lines.every((line) => line.amountMinor !== 0n)).toBe(true);
      const sumOf = (kind: string) =>
        lines.filter((line) => line.kind === kind).reduce((all, line) => all + line.amountMinor, 0n);
      expect(sumOf('fee')).toBe(-given.reduce((all, one) => all + one.feeMinor, 0n));
      for (const kind of ['charge', 'refund', 'dispute', 'reserve', 'adjustment', 'returned_payout'])
        expect(sumOf(kind)).toBe(
          given.filter((one) => one.part === kind).reduce((all, one) => all + one.amountMinor, 0n),
        );
    }),
    { numRuns: 2_000 },
  );
});

it.each<[PayoutSnapshot['status'], string]>([
  ['scheduled', 'waits'],
  ['paid', 'post'],
  ['failed', 'post'],
  ['cancelled', 'never'],
])('a payout that is %s: %s', (status, expected) => {
  expect(depositOf(payout({ status, transactions: [part({ amountMinor: 100n })] })).status).toBe(expected);
});

it('rounds a payout of a currency with three decimals to the two of the books, and its payments as their receipts', () => {
  fc.assert(
    fc.property(parts, fc.bigInt({ min: -50n, max: 50n }), (given, lost) => {
      const net = given.reduce((all, one) => all + one.amountMinor - one.feeMinor, lost);
      const posting = depositOf(
        payout({ currency: 'KWD', netMinor: net, transactions: given.map((one) => part(one)) }),
      );
      if (posting.status !== 'post') return;
      const { lines, totalMinor, residualMinor } = depositInBookDecimals(posting.document);
      expect(totalMinor).toBe(nearest(net));
      expect(lines.reduce((all, line) => all + line.amountMinor, 0n)).toBe(totalMinor);
      expect(lines.every((line) => line.amountMinor % 10n === 0n && line.amountMinor !== 0n)).toBe(true);
      const told = (of: readonly { kind: string; amountMinor: bigint }[]) =>
        of.filter(({ kind }) => kind !== 'fee' && kind !== 'residual').map((line) => line.amountMinor);
      expect(told(lines)).toEqual(
        told(posting.document.lines)
          .map(nearest)
          .filter((amount) => amount !== 0n),
      );
      expect(sumOf(lines, 'residual')).toBe(residualMinor);
    }),
    { numRuns: 2_000 },
  );
});

it('leaves a payout of every other currency as it is', () => {
  const posting = depositOf(payout({ transactions: [part({ amountMinor: 4_321n, feeMinor: 17n })] }));
  if (posting.status !== 'post') throw new Error(posting.why);
  expect(depositInBookDecimals(posting.document)).toBe(posting.document);
});

/** To whole tens, half away from zero. */
function nearest(minor: bigint): bigint {
  const size = minor < 0n ? -minor : minor;
  const rounded = ((size + 5n) / 10n) * 10n;
  return minor < 0n ? -rounded : rounded;
}

function sumOf(lines: readonly { kind: string; amountMinor: bigint }[], kind: string): bigint {
  return lines.filter((line) => line.kind === kind).reduce((all, line) => all + line.amountMinor, 0n);
}
