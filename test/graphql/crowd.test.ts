import { expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import type { StoredEvent } from '../../src/model/event.ts';
import { type Audience, Crowd, type Subscriber } from '../../src/schema/crowd.ts';

/** A stream that goes on until it is aborted, and tells everybody the same. */
function stream() {
  const listeners = new Set<(event: StoredEvent) => void>();
  const subscribe = ({ signal }: { signal?: AbortSignal }): AsyncIterableIterator<StoredEvent> => {
    const waiting: StoredEvent[] = [];
    let wake: () => void = () => undefined;
    const listener = (event: StoredEvent): void => {
      waiting.push(event);
      wake();
    };
    listeners.add(listener);
    signal?.addEventListener('abort', () => {
      listeners.delete(listener);
      wake();
    });
    return {
      async next() {
        while (waiting.length === 0 && signal?.aborted !== true)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        const value = waiting.shift();
        return value === undefined ? { done: true, value: undefined } : { done: false, value };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
  return {
    events: { head: async () => 0n, subscribe },
    tell: (position: bigint) => {
      for (const listener of listeners) listener({ position } as StoredEvent);
    },
  };
}

test('whoever joins at the very moment when the last of the others leaves hears what follows', async () => {
  const { events, tell } = stream();
  const documents = {
    execute: async (_operation: unknown, { position }: StoredEvent) => ({
      data: { position: `${position}` },
    }),
  };
  const crowd = new Crowd({ documents: documents as never, log: createLog({ level: 'silent' }) });
  const audience = {
    key: 'all',
    operation: {},
    source: {},
    context: () => ({ services: { events } }),
    conceal: (result: unknown) => result,
  } as unknown as Audience;
  const heard: string[] = [];
  const subscriber = (name: string): Subscriber => ({
    send: (result) => {
      heard.push(`${name} ${result.toString()}`);
      return true;
    },
    drained: async () => undefined,
    end: () => undefined,
  });
  const leave = await crowd.join(audience, undefined, subscriber('first'));
  const joining = crowd.join(audience, undefined, subscriber('second'));
  leave();
  await joining;
  expect(crowd.size).toEqual({ groups: 1, subscribers: 1 });
  tell(1n);
  await new Promise((resolve) => setImmediate(resolve));
  expect(heard).toEqual(['second {"data":{"position":"1"}}']);
  crowd.close();
});
