import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { type SweepOptions, sweepConnection } from '../backfill/sweep-connection.ts';
import type { SweepProgress } from '../backfill/sweep-progress.ts';
import { revokeConnection } from '../connections/authorization.ts';
import type { ConnectionFacts } from '../connections/connections.ts';
import type { Sessions } from '../connections/sessions.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { Metrics } from '../metrics.ts';
import type { Platform } from '../platforms/platform.ts';
import { followShopDay, rememberShopDay } from '../postings/shop-day.ts';
import { judgeFailure } from '../retry.ts';

export interface ReconcileOptions {
  pool: Pool;
  sessions: Sessions;
  platforms: Partial<Record<PlatformName, Platform>>;
  log: Log;
  metrics: Metrics;
  webhookUrl: (platform: PlatformName) => string;
  now?: () => number;
}

type SweepingOptions = Omit<ReconcileOptions, 'webhookUrl'>;

/**
 * Makes an account ready and heals what it has lost: definitions, webhook subscriptions. Safe to repeat.
 * @returns whether it succeeded; a failure is logged, and refused credentials revoke the connection.
 */
export async function prepareConnection(
  connection: ConnectionFacts,
  options: ReconcileOptions,
): Promise<boolean> {
  const done = await attempt(connection, options, 'the account could not be prepared', async (platform) => {
    const session = await options.sessions.get(connection.id);
    // Before the subscriptions: the first order that is told finds books that know their day.
    const timeZone = await platform.shopTimeZone?.(session);
    if (timeZone !== undefined) await rememberShopDay(options.pool, connection.id, timeZone);
    await followShopDay(options.pool);
    await platform.prepare(session, { webhookUrl: options.webhookUrl(connection.platform) });
    return true;
  });
  return done === true;
}

/**
 * Reads what an account's deliveries did not tell and applies it. What was missed is told as an event and counted.
 * @returns what was read; null where another sweep is under way, the connection is not active or the platform failed.
 */
export function reconcileConnection(
  connection: ConnectionFacts,
  options: SweepingOptions,
  sweep: Pick<SweepOptions, 'full' | 'signal' | 'onProgress'> = {},
): Promise<SweepProgress | null> {
  const { pool, platforms, sessions, log, metrics, now = Date.now } = options;
  return attempt(
    connection,
    options,
    'a sweep failed; the next one reads from where it began',
    async (platform) => {
      const session = await sessions.get(connection.id);
      const done = await sweepConnection({ pool, platform, platforms, session, log, now, ...sweep });
      for (const [kind, count] of Object.entries(done?.drifted ?? {}))
        metrics.drift.inc({ platform: platform.name, kind }, count);
      return done;
    },
  );
}

async function attempt<T>(
  connection: ConnectionFacts,
  options: SweepingOptions,
  complaint: string,
  work: (platform: Platform) => Promise<T>,
): Promise<T | null> {
  const platform = options.platforms[connection.platform];
  if (platform === undefined || connection.status !== 'active') return null;
  const startedMs = performance.now();
  try {
    return await work(platform);
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return null;
    options.log.warn({ err: error, platform: connection.platform }, complaint);
    const failure = judgeFailure(error, 1, Math.random);
    if (failure.accessRefused) {
      const sinceMs = performance.now() - startedMs;
      await transaction(options.pool, async (tx) => {
        const { events } = await revokeConnection(tx, connection.id, { ...failure, sinceMs });
        appendEventsAtCommit(tx, events);
      });
    }
    return null;
  }
}
