import pg from 'pg';
import { Registry } from 'prom-client';
import { createPool } from '../../src/db/pool.ts';
import { createLog } from '../../src/log.ts';
import { encryptionKeyFrom } from '../../src/sync/connections/credentials.ts';
import { Sessions } from '../../src/sync/connections/sessions.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import type { Session } from '../../src/sync/platforms/platform.ts';
import { processDelivery } from '../../src/sync/process-delivery.ts';
import { answerParent } from '../support/answer-parent.ts';
import { nowMs } from '../support/clock.ts';

// Processes the deliveries that wait in an inbox one after the other, as the worker would, and times each from being
// picked up to its commit. Time inside calls to platforms is told apart.

export interface Timed {
  topic: string;
  subject: string;
  fate: string;
  /** How many deliveries of the subject were taken up with it, itself included. */
  together: number;
  ms: number;
  platformMs: number;
  /** Within `ms`: waiting for Postgres. */
  sqlMs: number;
  /** Within `ms`: from the first statement of the transaction on. */
  transactionMs: number;
  statements: [name: string, ms: number][];
}

let statements: [name: string, ms: number][] = [];
let transactionStartedMs: number | null = null;
let platformMs = 0;

answerParent({
  run: async ({
    databaseUrl,
    encryptionKey,
    baseUrls,
  }: {
    databaseUrl: string;
    encryptionKey: string;
    baseUrls: Record<string, string>;
  }) => {
    const pool = createPool({ connectionString: databaseUrl, max: 4, applicationName: 'bench-order' });
    const log = createLog({ level: 'error' });
    const sessions = new Sessions({
      pool,
      platforms,
      encryptionKey: encryptionKeyFrom(encryptionKey),
      baseUrls,
      log,
    });
    timePlatformCalls(sessions);
    timeStatements();
    const metrics = createMetrics(new Registry());
    const { rows } = await pool.query<{ id: bigint; topic: string; subject: string }>(
      `select id, topic, subject from delivery where status = 'pending' order by id`,
    );
    const timed: Timed[] = [];
    for (const { id, topic, subject } of rows) {
      statements = [];
      transactionStartedMs = null;
      platformMs = 0;
      const startMs = nowMs();
      const fates = await processDelivery(id, { pool, sessions, platforms, log, metrics });
      const endMs = nowMs();
      timed.push({
        topic,
        subject,
        fate: fates.get(id) ?? 'nothing',
        together: fates.size,
        ms: endMs - startMs,
        platformMs,
        sqlMs: statements.reduce((sum, [, ms]) => sum + ms, 0),
        transactionMs: transactionStartedMs === null ? 0 : endMs - transactionStartedMs,
        statements,
      });
    }
    await pool.end();
    return timed;
  },
});

/** Every call to a platform passes through its session's limiter. */
function timePlatformCalls(sessions: Sessions): void {
  const get = sessions.get.bind(sessions);
  const known = new WeakSet<Session<unknown>>();
  sessions.get = async (connectionId) => {
    const session = await get(connectionId);
    if (known.has(session)) return session;
    known.add(session);
    const limited = session.limited.bind(session);
    session.limited = async (request) => {
      const startMs = nowMs();
      try {
        return await limited(request);
      } finally {
        platformMs += nowMs() - startMs;
      }
    };
    return session;
  };
}

function timeStatements(): void {
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const query = prototype.query;
  prototype.query = function timed(this: unknown, ...args: unknown[]): unknown {
    const startMs = nowMs();
    const [config] = args;
    const name = nameOf(config);
    if (name.startsWith('begin')) transactionStartedMs ??= startMs;
    const note = (): void => {
      statements.push([name, nowMs() - startMs]);
    };
    // The pool passes a callback, everybody else waits for the promise.
    const last = args.at(-1);
    if (typeof last === 'function') {
      args[args.length - 1] = (...results: unknown[]) => {
        note();
        last(...results);
      };
      return query.apply(this, args);
    }
    const result = query.apply(this, args);
    if (result instanceof Promise) result.then(note, note);
    return result;
  };
}

function nameOf(config: unknown): string {
  // The last statements of a transaction travel together with its commit.
  if (typeof config === 'string' && /;\s*commit$/.test(config)) return 'append events and commit';
  if (typeof config === 'string') return config.trim().slice(0, 40);
  if (typeof config === 'object' && config !== null) {
    if ('name' in config && typeof config.name === 'string') return config.name;
    if ('text' in config && typeof config.text === 'string') return config.text.trim().slice(0, 40);
  }
  return 'unknown';
}
