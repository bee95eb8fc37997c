import { AppError } from '../../errors.ts';
import type { EventType, StoredEvent } from '../../model/event.ts';
import type { Events, OperationContext } from '../services.ts';

/** Which events a subscription delivers, for given arguments. */
export interface EventSource {
  types?: readonly EventType[];
  where?: (event: StoredEvent) => boolean;
  /** What only the graph can tell: asked once per event, after `where`. */
  matches?: (event: StoredEvent, context: OperationContext) => Promise<boolean>;
  /** Only the latest of several events in a row matters: at most one is delivered in this time. */
  latestEveryMs?: number;
}

export function parseCursor(cursor: string | null | undefined): bigint | undefined {
  if (cursor === undefined || cursor === null) return undefined;
  if (/^\d{1,18}$/.test(cursor)) return BigInt(cursor);
  throw new AppError({
    code: 'BAD_USER_INPUT',
    retryable: false,
    publicMessage: 'after: takes the cursor of a payload of a subscription.',
    field: 'after',
  });
}

/** The events of a source after a cursor, for one subscriber. */
export function eventsOf(
  stream: Events,
  source: EventSource,
  after: bigint | undefined,
  signal?: AbortSignal,
): AsyncIterableIterator<StoredEvent> {
  const events = stream.subscribe({
    ...(after === undefined ? {} : { after }),
    ...(source.types === undefined ? {} : { types: source.types }),
    ...(source.where === undefined ? {} : { where: source.where }),
    ...(signal === undefined ? {} : { signal }),
  });
  return source.latestEveryMs === undefined ? events : latest(events, source.latestEveryMs);
}

/**
 * Of events that come faster than `everyMs` only the newest is passed on. For subscriptions whose payload is a state:
 * whoever has the newest lacks nothing.
 */
function latest(
  events: AsyncIterableIterator<StoredEvent>,
  everyMs: number,
): AsyncIterableIterator<StoredEvent> {
  let newest: StoredEvent | undefined;
  let wake: (() => void) | undefined;
  let ended = false;
  let failure: unknown;
  let nextAt = 0;
  const reading = (async () => {
    try {
      for await (const event of events) {
        newest = event;
        wake?.();
      }
    } catch (error) {
      failure = error;
    } finally {
      ended = true;
      wake?.();
    }
  })();
  const sleep = (ms: number | null): Promise<void> =>
    new Promise((resolve) => {
      const timer = ms === null ? undefined : setTimeout(resolve, ms);
      wake = () => {
        if (ms !== null && !ended) return;
        clearTimeout(timer);
        resolve();
      };
    });
  return {
    async next() {
      for (;;) {
        const waitMs = nextAt - Date.now();
        if (newest !== undefined && waitMs <= 0) {
          const value = newest;
          newest = undefined;
          nextAt = Date.now() + everyMs;
          return { done: false, value };
        }
        if (ended) {
          if (failure !== undefined) throw failure;
          return { done: true, value: undefined };
        }
        await sleep(newest === undefined ? null : waitMs);
      }
    },
    async return() {
      ended = true;
      wake?.();
      await events.return?.();
      await reading;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  } as AsyncIterableIterator<StoredEvent>;
}

/** The same, with what only the graph can tell asked too; each question in a context of its own. */
export function deliverAlone(
  context: () => OperationContext,
  source: EventSource,
  after: bigint | undefined,
): AsyncIterableIterator<StoredEvent> {
  const events = eventsOf(context().services.events, source, after);
  const { matches } = source;
  if (matches === undefined) return events;
  // Not a generator: `return` of one waits for its pending `next`, which here may take for ever.
  const iterator: AsyncIterableIterator<StoredEvent> = {
    async next() {
      for (;;) {
        const result = await events.next();
        if (result.done === true || (await matches(result.value, context()))) return result;
      }
    },
    return: async () => (await events.return?.()) ?? { done: true, value: undefined },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
