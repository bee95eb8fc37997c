import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { type SweepOptions, sweepConnection } from '../backfill/sweep-connection.ts';
import type { SweepProgress } from '../backfill/sweep-progress.ts';
import { revokeConnection } from '../connections/authorization.ts';
import { type ConnectionFacts, listConnections } from '../connections/connections.ts';
import { examineConnection, refusalAs, storeFindings } from '../connections/examine-connection.ts';
import type { Sessions } from '../connections/sessions.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { Metrics } from '../metrics.ts';
import type { Finding, Platform } from '../platforms/platform.ts';
import { followShopDay, rememberShopHome } from '../postings/shop-home.ts';
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
 * Makes an account ready and heals what it has lost: definitions, webhook subscriptions; then looks at what it still lacks.
 * Safe to repeat. @returns whether it succeeded; a failure is logged, and refused credentials revoke the connection.
 */
export async function prepareConnection(
  connection: ConnectionFacts,
  options: ReconcileOptions,
): Promise<boolean> {
  const refusal = await makeReady(connection, options);
  const findings = refusal instanceof AppError ? [refusalAs('Preparation', refusal)] : [];
  await lookAt(connection, options, findings);
  return refusal === null;
}

/** @returns what kept the account from being ready; null where it is. */
async function makeReady(connection: ConnectionFacts, options: ReconcileOptions): Promise<unknown> {
  let refusal: unknown = 'the account is not active';
  await attempt(connection, options, 'the account could not be prepared', async (platform) => {
    try {
      const session = await options.sessions.get(connection.id);
      // Before the subscriptions: the first order that is told finds books that know their day.
      const home = await platform.shopHome?.(session);
      if (home !== undefined) await rememberShopHome(options.pool, connection.id, home);
      await followShopDay(options.pool);
      await platform.prepare(session, { webhookUrl: options.webhookUrl(connection.platform) });
      refusal = null;
    } catch (error) {
      refusal = error;
      throw error;
    }
  });
  return refusal;
}

/** Remembers what the account has and lacks, for people to see. */
async function lookAt(
  { id }: ConnectionFacts,
  options: ReconcileOptions,
  known: readonly Finding[],
): Promise<void> {
  // As it is now: a refusal may have revoked it meanwhile.
  const connection = (await listConnections(options.pool)).find((one) => one.id === id);
  const platform = connection === undefined ? undefined : options.platforms[connection.platform];
  // That it is paused or revoked its status tells.
  if (connection?.status !== 'active' || platform === undefined) return;
  try {
    const findings = await examineConnection(connection, {
      db: options.pool,
      platform,
      session: () => options.sessions.get(id),
      webhookUrl: options.webhookUrl(connection.platform),
    });
    const others = known.filter(({ message }) => !findings.some((one) => one.message === message));
    await storeFindings(options.pool, id, [...others, ...findings]);
  } catch (error) {
    options.log.warn({ err: error, platform: connection.platform }, 'the account could not be examined');
  }
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
