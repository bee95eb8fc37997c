import { answerParent } from '../support/answer-parent.ts';
import { sleep, until } from '../support/clock.ts';
import { SocketClient } from '../support/socket-client.ts';

// Many sockets that count the data frames they get and remember when the last of them got each.

export interface Arrivals {
  /** For each frame, when the last socket had it. */
  lastMs: number[];
}

let sockets: SocketClient[] = [];
let acknowledged = 0;
/** Frames seen so far, per socket, and for each frame how many sockets have it. */
let seen: number[] = [];
let counts: number[] = [];
let lastMs: number[] = [];
let sample = '';

answerParent({
  open: async ({
    port,
    path,
    count,
    subscription,
  }: {
    port: number;
    path: string;
    count: number;
    /** Null: a bare socket that needs no words. */
    subscription: { connectionParams: Record<string, unknown>; query: string } | null;
  }) => {
    for (const socket of sockets) socket.close();
    sockets = [];
    acknowledged = 0;
    seen = new Array<number>(count).fill(0);
    reset();
    // In portions, so that the server's accept queue is not overrun.
    for (let from = 0; from < count; from += 50) {
      const portion = Array.from({ length: Math.min(50, count - from) }, (_, index) => from + index);
      sockets.push(
        ...(await Promise.all(
          portion.map((index) =>
            SocketClient.open({
              port,
              path,
              protocol: subscription === null ? null : 'graphql-transport-ws',
              onText: (payload, atMs) => onText(index, payload, atMs),
            }),
          ),
        )),
      );
    }
    if (subscription === null) return;
    for (const socket of sockets) {
      socket.send(JSON.stringify({ type: 'connection_init', payload: subscription.connectionParams }));
    }
    await until(
      'every connection is acknowledged',
      () => complain() ?? (acknowledged === count ? true : null),
      { withinMs: 20_000 },
    );
    for (const socket of sockets) {
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: subscription.query } }));
    }
  },

  reset,

  /** When every socket has had that many frames since `reset`. */
  arrivals: async ({ frames, withinMs }: { frames: number; withinMs: number }): Promise<Arrivals> => {
    await until(
      `every socket has ${frames} frames`,
      () => complain() ?? (frames === 0 || (counts[frames - 1] ?? 0) === sockets.length ? true : null),
      { withinMs, everyMs: 5 },
    );
    return { lastMs: lastMs.slice(0, frames) };
  },

  /** Frames seen by all sockets together since `reset`. */
  total: () => counts.reduce((sum, count) => sum + count, 0),

  sample: () => sample,

  close: async () => {
    for (const socket of sockets) socket.close();
    sockets = [];
    await sleep(200);
  },
});

function reset(): void {
  seen.fill(0);
  counts = [];
  lastMs = [];
}

function onText(index: number, payload: Buffer, atMs: number): void {
  // The kind of message stands at its beginning; a bare broadcast sends the same bytes.
  const start = payload.toString('latin1', 0, 64);
  if (start.includes('"next"')) {
    if (sample === '') sample = payload.toString('utf8');
    const frame = seen[index] ?? 0;
    seen[index] = frame + 1;
    counts[frame] = (counts[frame] ?? 0) + 1;
    lastMs[frame] = atMs;
  } else if (start.includes('"connection_ack"')) {
    acknowledged += 1;
  } else if (start.includes('"error"') || start.includes('"complete"')) {
    throw new Error(`the server ended a subscription: ${payload.toString('utf8').slice(0, 500)}`);
  }
}

/** @throws Error when the server has closed a connection. */
function complain(): null {
  for (const { closed } of sockets)
    if (closed !== null) throw new Error(`a subscriber's connection is closed: ${closed}`);
  return null;
}
