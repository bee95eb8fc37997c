import { createPool, type Pool } from '../../src/db/pool.ts';
import { createLog } from '../../src/log.ts';
import { EventStream } from '../../src/sync/events/event-stream.ts';
import { answerParent } from '../support/answer-parent.ts';
import { nowMs, until } from '../support/clock.ts';

// One process with the event stream of the product and some subscribers; notes when the first of them saw each event.

const seen: [position: string, atMs: number][] = [];
let misplaced = 0;
let pool: Pool | undefined;
let stream: EventStream | undefined;

answerParent(
  {
    follow: async ({ databaseUrl, subscribers }: { databaseUrl: string; subscribers: number }) => {
      pool = createPool({ connectionString: databaseUrl, max: 4, applicationName: 'bench-tail' });
      stream = await EventStream.start({
        connectionString: databaseUrl,
        pool,
        log: createLog({ level: 'warn' }),
      });
      const follow = async (events: AsyncIterable<{ position: bigint }>, isFirst: boolean): Promise<void> => {
        let last: bigint | null = null;
        for await (const { position } of events) {
          if (isFirst) seen.push([position.toString(), nowMs()]);
          if (last !== null && position !== last + 1n) misplaced += 1;
          last = position;
        }
      };
      for (let index = 0; index < subscribers; index += 1) void follow(stream.subscribe(), index === 0);
    },

    seen: async ({ upTo }: { upTo: string }) => {
      await until('the tail has seen the last event', () => (seen.at(-1)?.[0] === upTo ? true : null), {
        withinMs: 15_000,
        everyMs: 5,
      });
      const result = { seen: seen.splice(0), misplaced };
      misplaced = 0;
      return result;
    },
  },
  async () => {
    await stream?.[Symbol.asyncDispose]();
    await pool?.end();
  },
);
