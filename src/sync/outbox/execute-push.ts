import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Sessions } from '../connections/sessions.ts';
import type { Metrics } from '../metrics.ts';
import type { Platform, PushOutcome } from '../platforms/platform.ts';
import { judgeFailure, refuseDeadlyWork } from '../retry.ts';
import { storable } from '../storable.ts';
import { type CircuitSettings, defaultCircuit } from './circuit.ts';
import { type ClaimedPush, claimPush } from './claim-push.ts';
import type { PushQueue } from './enqueue-pushes.ts';
import { failPush } from './fail-push.ts';
import { settlePush } from './settle-push.ts';

export interface ExecutePushOptions {
  pool: Pool;
  /** For claims: one that is forgotten in a power cut is made again, with the same idempotency key. */
  relaxedPool?: Pool;
  sessions: Sessions;
  platforms: Partial<Record<PlatformName, Platform>>;
  log: Log;
  metrics: Metrics;
  circuit?: CircuitSettings;
  random?: () => number;
  /** Name of the lease of the worker that carries it out; null: nobody else is at work. */
  worker?: string | null;
  /** Who carries out what is planned on the way. */
  queue?: PushQueue;
  /** Whether it is taken up although it is not due; true unless said otherwise. */
  early?: boolean;
}

export type PushFate =
  | 'settled'
  | 'retrying'
  | 'dead'
  | 'superseded'
  | 'blocked'
  | 'held'
  | 'early'
  | 'nothing';

/**
 * Carries out one push: claim, call the platform, record the answer. Between the claim and the record no transaction is
 * open. A process that dies in between leaves the push running; whoever takes it over repeats it with the same key.
 */
export async function executePush(pushId: bigint, options: ExecutePushOptions): Promise<PushFate> {
  const { pool, metrics, circuit = defaultCircuit } = options;
  const claim = await claimPush(options.relaxedPool ?? pool, pushId, {
    worker: options.worker ?? null,
    circuit,
    early: options.early !== false,
  });
  if (claim.kind !== 'claimed') return claim.kind;
  const { push } = claim;
  const startedMs = performance.now();
  let outcome: PushOutcome;
  try {
    refuseDeadlyWork(push.takeovers);
    outcome = storable(await perform(push, options));
  } catch (error) {
    return fail(push, error, { startedMs, atPlatform: true }, options);
  }
  const durationMs = performance.now() - startedMs;
  await applyTold(push, outcome, options);
  try {
    await settlePush(pool, push, outcome, durationMs, options.sessions.bell);
  } catch (error) {
    // The write stands, and is found by its key the next time. Where the database cannot be told this either, this throws.
    return fail(push, error, { startedMs, atPlatform: false }, options);
  }
  metrics.pushes.inc({ platform: push.platform, kind: push.kind, fate: 'settled' });
  metrics.pushSeconds.observe({ platform: push.platform, kind: push.kind }, durationMs / 1000);
  return 'settled';
}

async function fail(
  push: ClaimedPush,
  error: unknown,
  { startedMs, atPlatform }: { startedMs: number; atPlatform: boolean },
  { pool, log, metrics, circuit = defaultCircuit, random = Math.random }: ExecutePushOptions,
): Promise<PushFate> {
  const judged = judgeFailure(error, push.attempts, random);
  const failure = atPlatform ? judged : { ...judged, platformTrouble: false, accessRefused: false };
  const durationMs = performance.now() - startedMs;
  const isCounted = isFirstSight(error);
  const status = await failPush(pool, push, { ...failure, durationMs, isCounted }, circuit);
  // Only where our access was refused: it waits for the connection.
  const fate = status === 'pending' ? 'held' : status;
  log.warn(
    {
      err: error instanceof AppError ? undefined : error,
      pushId: push.id.toString(),
      platform: push.platform,
      kind: push.kind,
      attempt: push.attempts,
      code: failure.code,
      fate,
      retryInMs: failure.retryInMs,
    },
    failure.message,
  );
  metrics.pushes.inc({ platform: push.platform, kind: push.kind, fate });
  return fate;
}

/** Goes the one write path. Where it fails the webhook or the next sweep tells the same, and the push has taken effect. */
async function applyTold(
  push: ClaimedPush,
  outcome: PushOutcome,
  options: ExecutePushOptions,
): Promise<void> {
  if (outcome.told === undefined || outcome.told.length === 0) return;
  const changes = outcome.told;
  try {
    await transaction(options.pool, (tx) =>
      applyChanges(tx, {
        changes,
        source: push.platform,
        connectionId: push.connectionId,
        deliveryId: null,
        now: new Date(),
        platforms: options.platforms,
        queue: options.queue,
      }),
    );
  } catch (error) {
    options.log.warn(
      { err: error, pushId: push.id.toString() },
      'what the platform told after a push waits for its webhook',
    );
  }
}

/** Errors of requests that were counted as failures of the platform; they live as long as somebody speaks of them. */
const counted = new WeakSet<object>();

/**
 * Pushes that travel together fail together, with one and the same error beneath what each makes of it. The platform
 * has failed once then, however many were on board.
 */
function isFirstSight(error: unknown): boolean {
  let root = error;
  while (root instanceof AppError && root.cause !== undefined) root = root.cause;
  if (typeof root !== 'object' || root === null) return true;
  if (counted.has(root)) return false;
  counted.add(root);
  return true;
}

async function perform(push: ClaimedPush, options: ExecutePushOptions): Promise<PushOutcome> {
  const platform = options.platforms[push.platform];
  if (platform === undefined)
    throw new AppError({
      code: 'PLATFORM_UNKNOWN',
      retryable: false,
      publicMessage: `This process does not know the platform ${push.platform}.`,
      remedy: 'Run a version of Tributary that has it in its registry, then retry.',
    });
  const session = await options.sessions.get(push.connectionId);
  return platform.perform(
    {
      pushId: push.id,
      kind: push.kind,
      subjectType: push.subjectType,
      subjectId: push.subjectId,
      idempotencyKey: push.idempotencyKey,
      // An earlier version may have been written although its answer never came: this is not the first attempt then.
      attempt: push.attempts + push.earlierAttempts,
      body: push.body,
    },
    session,
  );
}
