import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type AllocationRule,
  allocate,
  bufferFor,
  type ChannelFeed,
  noRule,
  type Part,
  poissonQuantile,
  type SalesWindow,
  salesOf,
  sumOfSales,
  velocityOf,
} from '../../src/sync/stock/allocate.ts';

const feed: ChannelFeed = { publishLatencyMs: 20_000, intakeLatencyMs: 40_000, silentMs: 0 };
const quiet: SalesWindow[] = [];
const part = (available: number, sales: readonly SalesWindow[] = quiet, each = 1): Part => ({
  available,
  each,
  sales,
});
const rule = (parts: Partial<AllocationRule>): AllocationRule => ({ ...noRule, ...parts });

test('what nobody buys is offered whole, except the last one', () => {
  expect(allocate([part(40)], feed, noRule)).toEqual({ quantity: 40, buffer: 0, because: 'all_available' });
  expect(allocate([part(1)], feed, noRule)).toEqual({ quantity: 0, buffer: 0, because: 'last_units' });
  expect(allocate([part(1)], feed, rule({ lastUnits: 0 }))).toMatchObject({ quantity: 1 });
  expect(allocate([part(0)], feed, noRule)).toMatchObject({ quantity: 0, because: 'nothing_left' });
  expect(allocate([part(-3)], feed, noRule)).toMatchObject({ quantity: 0, because: 'nothing_left' });
});

test('the buffer is what may be sold until the channel has heard of it', () => {
  // Two an hour over one minute: 0.03 expected, more than one in a thousand chances of one.
  const slow = [{ windowMs: 3_600_000, units: 2 }];
  expect(bufferFor(slow, 60_000)).toBe(1);
  // Twenty a second over one minute: 1,200 expected.
  const rush = [{ windowMs: 10_000, units: 200 }];
  expect(bufferFor(rush, 60_000)).toBe(1_308);
  expect(allocate([part(2_000, rush)], feed, noRule)).toEqual({
    quantity: 692,
    buffer: 1_308,
    because: 'buffer',
  });
  expect(allocate([part(1_000, rush)], feed, noRule)).toEqual({
    quantity: 0,
    buffer: 1_308,
    because: 'buffer',
  });
});

test('the latest hundred sales tell the pace of any window that they do not reach', () => {
  // All of a quiet day is known.
  expect(salesOf({ count: 7, units: 9, reachMs: 80_000_000, within: [0, 1, 2, 9] })).toEqual([
    { windowMs: 10_000, units: 0 },
    { windowMs: 60_000, units: 1 },
    { windowMs: 600_000, units: 2 },
    { windowMs: 86_400_000, units: 9 },
  ]);
  // A hundred sales of 120 units within 200 seconds: the shorter windows are exact, the longer ones go on at that pace.
  const rush = salesOf({ count: 100, units: 120, reachMs: 200_000, within: [8, 40, 120, 120] });
  expect(rush.map(({ units }) => units)).toEqual([8, 40, 360, 51_840]);
  // Several levels are one shelf, each with a pace of its own.
  const both = sumOfSales([
    { count: 100, units: 120, reachMs: 200_000, within: [8, 40, 120, 120] },
    { count: 1, units: 3, reachMs: 5_000, within: [3, 3, 3, 3] },
  ]);
  expect(both.map(({ units }) => units)).toEqual([11, 43, 363, 51_843]);
  expect(sumOfSales([]).every(({ units }) => units === 0)).toBe(true);
});

test('a single sale is no rush, many at once are', () => {
  const day = { windowMs: 86_400_000, units: 24 };
  const usual = 24 / 86_400_000;
  expect(velocityOf([day, { windowMs: 10_000, units: 1 }])).toBe(usual);
  expect(velocityOf([day, { windowMs: 10_000, units: 100 }])).toBe(90 / 10_000);
  expect(velocityOf([])).toBe(0);
});

test('rules narrow what is offered and never widen it', () => {
  const plenty = [part(100)];
  expect(allocate(plenty, feed, rule({ maxQuantity: 7 }))).toMatchObject({
    quantity: 7,
    because: 'rule_maximum',
  });
  expect(allocate(plenty, feed, rule({ sharePercent: 25 }))).toMatchObject({
    quantity: 25,
    because: 'rule_share',
  });
  expect(allocate(plenty, feed, rule({ minBuffer: 30 }))).toMatchObject({ quantity: 70, buffer: 30 });
  expect(allocate(plenty, feed, rule({ paused: true }))).toEqual({
    quantity: 0,
    buffer: 0,
    because: 'rule_paused',
  });
});

test('a channel that was not heard of is closed', () => {
  expect(allocate([part(100)], { ...feed, silentMs: 1_800_001 }, noRule)).toMatchObject({
    quantity: 0,
    because: 'stale_feed',
  });
});

test('a set is offered as often as its scarcest part allows', () => {
  expect(allocate([part(9, quiet, 2), part(50)], feed, noRule)).toMatchObject({ quantity: 4 });
  expect(allocate([part(9), part(1, quiet, 2)], feed, noRule)).toMatchObject({ quantity: 0 });
  expect(allocate([], feed, noRule)).toMatchObject({ quantity: 0 });
});

test('the quantile is the smallest count that is exceeded once in a thousand cases', () => {
  expect([0, 0.0005, 0.001, 1, 5, 20].map((mean) => poissonQuantile(mean, 0.999))).toEqual([
    0, 0, 0, 5, 13, 35,
  ]);
  // Exact and approximate sides of the border meet.
  expect(poissonQuantile(200.01, 0.999) - poissonQuantile(200, 0.999)).toBeLessThanOrEqual(2);
});

test('never more than there is, never less than nothing, and never more because less is left or more is sold', () => {
  const nullable = (arbitrary: fc.Arbitrary<number>) => fc.option(arbitrary);
  fc.assert(
    fc.property(
      fc.integer({ min: -50, max: 5_000 }),
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 600_000 }),
      fc.record({
        minBuffer: nullable(fc.nat(50)),
        maxQuantity: nullable(fc.nat(500)),
        sharePercent: nullable(fc.nat(100)),
        lastUnits: nullable(fc.nat(5)),
        paused: fc.option(fc.boolean()),
      }),
      (available, sold, latencyMs, given) => {
        const slow = { ...feed, publishLatencyMs: latencyMs };
        const offer = (stock: number, units: number, of: ChannelFeed) =>
          allocate([part(stock, [{ windowMs: 60_000, units }])], of, given).quantity;
        const quantity = offer(available, sold, slow);
        expect(quantity).toBeGreaterThanOrEqual(0);
        expect(quantity).toBeLessThanOrEqual(Math.max(0, available));
        expect(offer(available - 1, sold, slow)).toBeLessThanOrEqual(quantity);
        expect(offer(available, sold + 10, slow)).toBeLessThanOrEqual(quantity);
        expect(offer(available, sold, { ...slow, intakeLatencyMs: 100_000 })).toBeLessThanOrEqual(quantity);
      },
    ),
    { numRuns: 2_000 },
  );
});
