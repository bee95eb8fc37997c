import { createPool, type Pool } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import { appendEvents } from '../../src/sync/events/append-events.ts';
import { answerParent } from '../support/answer-parent.ts';
import { nowMs, sleep } from '../support/clock.ts';

// Many transactions at the same time that each append one event, as fast as they can or at a pace.

let pool: Pool | undefined;

answerParent(
  {
    connect: async ({ databaseUrl, writers }: { databaseUrl: string; writers: number }) => {
      pool = createPool({ connectionString: databaseUrl, max: writers, applicationName: 'bench-writers' });
      await Promise.all(Array.from({ length: writers }, () => pool?.query('select pg_sleep(0.05)')));
    },

    /** Gives for each event its position and when its commit was asked for. */
    write: async ({
      writers,
      forMs,
      perSecond,
    }: {
      writers: number;
      forMs: number;
      perSecond: number | null;
    }) => {
      const appended: [position: string, committedMs: number][] = [];
      const startMs = nowMs();
      let started = 0;
      await Promise.all(
        Array.from({ length: writers }, async () => {
          for (;;) {
            const number = started++;
            const dueMs = perSecond === null ? nowMs() : startMs + (number * 1000) / perSecond;
            if (dueMs - startMs >= forMs) return;
            if (dueMs > nowMs()) await sleep(dueMs - nowMs());
            let doneMs = 0;
            const position = await transaction(connected(), async (tx) => {
              const last = await appendEvents(tx, [event(number)]);
              doneMs = nowMs();
              return last;
            });
            appended.push([String(position), doneMs]);
          }
        }),
      );
      return { appended, elapsedMs: nowMs() - startMs };
    },

    /** The least that appending can cost: a plain insert per transaction, numbered by a sequence, which has gaps and reorders. */
    writeBare: async ({ writers, forMs }: { writers: number; forMs: number }) => {
      await connected().query(
        'create table if not exists bare_event (position bigint generated always as identity primary key, type text, payload jsonb)',
      );
      const startMs = nowMs();
      let count = 0;
      await Promise.all(
        Array.from({ length: writers }, async () => {
          while (nowMs() - startMs < forMs) {
            await transaction(connected(), (tx) =>
              tx.query({
                name: 'bare',
                text: `insert into bare_event (type, payload) values ('order.updated', $1)`,
                values: [JSON.stringify(event(count).payload)],
              }),
            );
            count += 1;
          }
        }),
      );
      return { count, elapsedMs: nowMs() - startMs };
    },
  },
  async () => {
    await pool?.end();
  },
);

function connected(): Pool {
  if (pool === undefined) throw new Error('connect() comes first');
  return pool;
}

function event(number: number) {
  return {
    type: 'order.updated',
    subjectType: 'Order',
    subjectId: BigInt(number),
    payload: {
      number: `#${1000 + number}`,
      channel: 'online_store',
      totalMinor: '12990',
      currency: 'USD',
      changedFields: ['note'],
    },
    source: 'tributary',
  } as const;
}
