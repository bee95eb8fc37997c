import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PayoutSnapshot, PayoutTransactionSnapshot } from '../../src/model/snapshot.ts';
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
