import { nowMs } from './clock.ts';
import type { HttpLane } from './http-lane.ts';

export interface LoadResult {
  /** One per request that was answered as it should, in ms. */
  latencies: number[];
  /** Answers other than expected, by status; 0 stands for a lost connection. */
  unexpected: Record<string, number>;
  elapsedMs: number;
}

/**
 * Open loop: request i is due at start + i / rate, whatever became of those before it, and its latency counts from when
 * it was due. A server that stalls is charged for everybody who would have come in the meantime (no coordinated omission);
 * the sender's own lateness counts against the server too.
 */
export async function openLoop(options: {
  lanes: readonly HttpLane[];
  requests: readonly Buffer[];
  perSecond: number;
  expected?: number;
}): Promise<LoadResult> {
  const { requests, perSecond } = options;
  const free = [...options.lanes];
  const waiting: number[] = [];
  const result: LoadResult = { latencies: [], unexpected: {}, elapsedMs: 0 };
  let done = 0;
  const finished = Promise.withResolvers<void>();
  const startMs = nowMs() + 5;
  const dueMs = (index: number): number => startMs + (index * 1000) / perSecond;

  const send = async (lane: HttpLane, index: number): Promise<void> => {
    await count(result, lane, requests[index] as Buffer, dueMs(index), options.expected);
    done += 1;
    if (done === requests.length) finished.resolve();
    const next = waiting.shift();
    if (next === undefined) free.push(lane);
    else void send(lane, next);
  };
  let next = 0;
  const sendDue = (): void => {
    for (const now = nowMs(); next < requests.length && dueMs(next) <= now; next += 1) {
      const lane = free.pop();
      if (lane === undefined) waiting.push(next);
      else void send(lane, next);
    }
    if (next < requests.length) setTimeout(sendDue, Math.max(0, Math.floor(dueMs(next) - nowMs())));
  };
  sendDue();
  await finished.promise;
  result.elapsedMs = nowMs() - startMs;
  return result;
}

/** Closed loop: every lane sends its next request when the last one is answered, until the time is over. */
export async function closedLoop(options: {
  lanes: readonly HttpLane[];
  /** Makes or takes the next request; null where there is none left. */
  next: () => Buffer | null;
  forMs: number;
  expected?: number;
}): Promise<LoadResult> {
  const result: LoadResult = { latencies: [], unexpected: {}, elapsedMs: 0 };
  const startMs = nowMs();
  await Promise.all(
    options.lanes.map(async (lane) => {
      for (let now = startMs; now - startMs < options.forMs; now = nowMs()) {
        const request = options.next();
        if (request === null) return;
        await count(result, lane, request, now, options.expected);
      }
    }),
  );
  result.elapsedMs = nowMs() - startMs;
  return result;
}

async function count(
  result: LoadResult,
  lane: HttpLane,
  request: Buffer,
  sinceMs: number,
  expected = 200,
): Promise<void> {
  const status = await lane.send(request).catch(() => 0);
  if (status === expected) result.latencies.push(nowMs() - sinceMs);
  else result.unexpected[status] = (result.unexpected[status] ?? 0) + 1;
}
