import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { StoredEvent } from '../../src/model/event.ts';
import type { Events } from '../../src/schema/services.ts';
import { eventsOf } from '../../src/schema/subscriptions/event-source.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream that a test feeds event by event. */
function fed(): { events: Events; tell: (...positions: number[]) => Promise<void>; ended: () => boolean } {
  const waiting: StoredEvent[] = [];
  let wake: () => void = () => undefined;
  let hasEnded = false;
  const iterator: AsyncIterableIterator<StoredEvent> = {
    async next() {
      while (waiting.length === 0 && !hasEnded)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const value = waiting.shift();
      return value === undefined ? { done: true, value: undefined } : { done: false, value };
    },
    async return() {
      hasEnded = true;
      wake();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return {
    events: { head: async () => 0n, subscribe: () => iterator } as Events,
    tell: async (...positions) => {
      waiting.push(...positions.map((position) => ({ position: BigInt(position) }) as StoredEvent));
      wake();
      await vi.advanceTimersByTimeAsync(0);
    },
    ended: () => hasEnded,
  };
}

test('of a state that changes fast the newest is told, at once where it was quiet and else when its time has come', async () => {
  const { events, tell, ended } = fed();
  const states = eventsOf(events, { latestEveryMs: 500 }, 0n);
  const heard: number[] = [];
  const listening = (async () => {
    for await (const { position } of states) heard.push(Number(position));
  })();
  await vi.advanceTimersByTimeAsync(0);
  await tell(1);
  expect(heard).toEqual([1]);
  await tell(2, 3, 4);
  await vi.advanceTimersByTimeAsync(300);
  await tell(...Array.from({ length: 16 }, (_, index) => index + 5));
  await vi.advanceTimersByTimeAsync(199);
  expect(heard).toEqual([1]);
  await vi.advanceTimersByTimeAsync(1);
  expect(heard).toEqual([1, 20]);
  // Nothing is told twice, and after a rest nothing waits.
  await vi.advanceTimersByTimeAsync(5_000);
  expect(heard).toEqual([1, 20]);
  await tell(21);
  expect(heard).toEqual([1, 20, 21]);
  await states.return?.();
  await listening;
  expect(ended()).toBe(true);
});

test('without such a pace every event is told', async () => {
  const { events, tell } = fed();
  const all = eventsOf(events, {}, 0n);
  await tell(1, 2, 3);
  const heard: unknown[] = [];
  for (let n = 0; n < 3; n += 1) heard.push((await all.next()).value?.position);
  expect(heard).toEqual([1n, 2n, 3n]);
  await all.return?.();
});
