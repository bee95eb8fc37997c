import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Limiter } from '../../src/sync/connections/limiter.ts';

/** A clock that only moves when told. */
function manualClock() {
  let nowMs = 0;
  let timers: { atMs: number; callback: () => void }[] = [];
  return {
    now: () => nowMs,
    later: (ms: number, callback: () => void) => {
      timers.push({ atMs: nowMs + ms, callback });
    },
    /** Runs everything due up to then, in order. */
    advanceTo: async (toMs: number) => {
      for (;;) {
        await settle();
        const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > toMs) break;
        timers = timers.filter((timer) => timer !== next);
        nowMs = next.atMs;
        next.callback();
      }
      nowMs = toMs;
    },
  };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

test('whatever arrives when, no window holds more starts and no moment more work than allowed, in order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ gapMs: fc.nat(60), workMs: fc.nat(80) }), { minLength: 1, maxLength: 40 }),
      async (requests, windowMs, concurrent, arrivals) => {
        const clock = manualClock();
        const limiter = new Limiter({ requests, windowMs, concurrent }, clock);
        const starts: { index: number; atMs: number }[] = [];
        let running = 0;
        let most = 0;
        const all: Promise<void>[] = [];
        for (const [index, arrival] of arrivals.entries()) {
          await clock.advanceTo(clock.now() + arrival.gapMs);
          all.push(
            limiter.run(async () => {
              starts.push({ index, atMs: clock.now() });
              running += 1;
              most = Math.max(most, running);
              await new Promise<void>((resolve) => clock.later(arrival.workMs, resolve));
              running -= 1;
            }),
          );
        }
        await clock.advanceTo(1_000_000);
        await Promise.all(all);
        expect(starts.map((start) => start.index)).toEqual(arrivals.map((_, index) => index));
        expect(most).toBeLessThanOrEqual(concurrent);
        for (const [position, start] of starts.entries()) {
          const earlier = starts[position - requests];
          if (earlier !== undefined) expect(start.atMs - earlier.atMs).toBeGreaterThanOrEqual(windowMs);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('work that fails frees its place and hands its error on', async () => {
  const limiter = new Limiter({ requests: 100, windowMs: 1, concurrent: 1 });
  await expect(limiter.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await limiter.run(async () => 'next')).toBe('next');
});
