import { expect, test } from 'vitest';
import { type Connector, simulate } from '../../bench/simulation/market.ts';
import { flashSale, ordinaryMonth } from '../../bench/simulation/worlds.ts';

const flash = (connector: Connector, slow = false) =>
  [1, 2, 3, 4, 5].map((seed) => simulate(flashSale(seed, slow), connector));

test('the simulation repeats itself exactly', () => {
  expect(flash('tributary')).toEqual(flash('tributary'));
});

test('with buffers a rush oversells less than without, and loses nothing that the shop can still sell', () => {
  const oversold = (connector: Connector) =>
    flash(connector, true).reduce((sum, outcome) => sum + outcome.oversold / outcome.sold, 0) / 5;
  expect(oversold('tributary')).toBeLessThan(0.01);
  expect(oversold('tributary')).toBeLessThan(oversold('webhooks') / 2);
  expect(oversold('webhooks')).toBeLessThan(oversold('every15Minutes'));
  for (const { sold, oversold: tooMany, possible } of flash('tributary'))
    expect(sold - tooMany).toBe(possible);
});

test('a month of ordinary traffic oversells nothing', () => {
  for (let seed = 1; seed <= 10; seed += 1)
    expect(simulate(ordinaryMonth(seed), 'tributary').oversold).toBe(0);
});
