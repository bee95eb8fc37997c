import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayAfter, dayIn, isDay, momentsOf } from '../../src/model/day.ts';

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/Los_Angeles',
  'Asia/Kolkata',
  'Pacific/Kiritimati',
  'Pacific/Niue',
];

test('a day holds exactly the moments that its time zone calls so', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
      (timeZone, at) => {
        const { from, to } = momentsOf(dayIn(timeZone, at), timeZone);
        expect(from.getTime()).toBeLessThanOrEqual(at.getTime());
        expect(to.getTime()).toBeGreaterThan(at.getTime());
        expect(dayIn(timeZone, new Date(from.getTime() - 1))).not.toBe(dayIn(timeZone, from));
        expect(dayIn(timeZone, new Date(to.getTime() - 1))).toBe(dayIn(timeZone, from));
      },
    ),
    { numRuns: 300 },
  );
});

test('days on which clocks change are an hour shorter or longer', () => {
  const hours = (day: string): number => {
    const { from, to } = momentsOf(day, 'Europe/Berlin');
    return (to.getTime() - from.getTime()) / 3_600_000;
  };
  expect([hours('2026-03-29'), hours('2026-10-25'), hours('2026-11-29')]).toEqual([23, 25, 24]);
  expect(momentsOf('2026-11-29', 'Europe/Berlin').from).toEqual(new Date('2026-11-28T23:00:00Z'));
});

test('what is no day is refused with an example', () => {
  expect(() => momentsOf('29.11.2026', 'UTC')).toThrow(
    expect.objectContaining({ code: 'INVALID_DAY', publicMessage: expect.stringContaining('2026-11-29') }),
  );
  expect([isDay('2026-02-29'), isDay('2024-02-29'), isDay('2026-13-01'), dayAfter('2026-12-31')]).toEqual([
    false,
    true,
    false,
    '2027-01-01',
  ]);
});
