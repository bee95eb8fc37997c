import type { Pool } from '../db/pool.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PlatformChange } from '../model/change.ts';
import type { PlatformName } from '../model/platform-name.ts';
import { applyChanges } from './apply-changes.ts';
import type { Sessions } from './connections/sessions.ts';
import { failDelivery } from './inbox/fail-delivery.ts';
import { type LoadedDelivery, loadDelivery } from './inbox/load-delivery.ts';
import { type DeliveryOutcome, settleDelivery } from './inbox/settle-delivery.ts';
import type { Metrics } from './metrics.ts';
import type { Platform } from './platforms/platform.ts';
import { type Failure, judgeFailure, refuseDeadlyWork } from './retry.ts';

export interface ProcessDeliveryOptions {
  pool: Pool;
  sessions: Sessions;
  platforms: Partial<Record<PlatformName, Platform>>;
  log: Log;
  metrics: Metrics;
  apply?: typeof applyChanges;
  random?: () => number;
  /** How often its job was started, this time included. */
  starts?: number;
}

export type DeliveryFate = DeliveryOutcome | 'retrying' | 'dead' | 'held' | 'nothing';

/** Takes one delivery from the inbox to its effect: interpret, apply in one transaction, settle; or judge its failure. */
export async function processDelivery(
  deliveryId: bigint,
  options: ProcessDeliveryOptions,
): Promise<DeliveryFate> {
  const startedMs = performance.now();
  const delivery = await loadDelivery(options.pool, deliveryId);
  if (delivery === null || delivery.status === 'settled' || delivery.status === 'dead') return 'nothing';
  let fate: DeliveryFate;
  try {
    refuseDeadlyWork(options.starts ?? 1);
    fate = delivery.duplicate
      ? await settle(options.pool, delivery, 'duplicate')
      : await interpretAndApply(delivery, options);
  } catch (error) {
    const attempt = delivery.attempts + 1;
    const failure = judgeFailure(error, attempt, options.random ?? Math.random);
    const durationMs = performance.now() - startedMs;
    fate = await failDelivery(options.pool, delivery, attempt, { ...failure, durationMs });
    logFailure(options.log, delivery, attempt, failure, error);
  }
  const { platform } = delivery;
  options.metrics.deliveries.inc({ platform, fate });
  options.metrics.deliverySeconds.observe({ platform }, (performance.now() - startedMs) / 1000);
  if (fate === 'applied')
    options.metrics.deliveryLagSeconds.observe(
      { platform },
      (Date.now() - delivery.receivedAt.getTime()) / 1000,
    );
  return fate;
}

async function interpretAndApply(
  delivery: LoadedDelivery,
  options: ProcessDeliveryOptions,
): Promise<DeliveryOutcome> {
  const platform = options.platforms[delivery.platform];
  if (platform === undefined) throw platformUnknown(delivery.platform);
  const session = await options.sessions.get(delivery.connectionId);
  // What a payload tells may not be enough to decide; what the platform says now is. Once is enough.
  for (const fresh of [false, true]) {
    const meaning = await platform.interpret(delivery, session, { fresh });
    if (meaning.kind === 'ignored') return settle(options.pool, delivery, 'ignored');
    if (meaning.kind === 'person') throw personNeeded(meaning.reason, meaning.remedy);
    const outcome = await apply(delivery, meaning.changes, options);
    if (outcome !== 'needsFresh') return outcome;
  }
  throw new AppError({
    code: 'STILL_UNDECIDED',
    retryable: true,
    publicMessage: 'A fresh read of the platform did not tell which version is the newer one.',
    remedy: 'It usually resolves itself at the next attempt.',
  });
}

async function apply(
  delivery: LoadedDelivery,
  changes: readonly PlatformChange[],
  options: ProcessDeliveryOptions,
): Promise<DeliveryOutcome | 'needsFresh'> {
  const applied = await transaction(options.pool, (tx) =>
    (options.apply ?? applyChanges)(tx, {
      changes,
      source: delivery.platform,
      connectionId: delivery.connectionId,
      deliveryId: delivery.id,
      now: new Date(),
      platforms: options.platforms,
    }),
  );
  return applied.outcome;
}

async function settle(
  pool: Pool,
  delivery: LoadedDelivery,
  outcome: DeliveryOutcome,
): Promise<DeliveryOutcome> {
  await settleDelivery(pool, delivery.id, outcome);
  return outcome;
}

function personNeeded(reason: string, remedy: string): AppError {
  return new AppError({ code: 'PERSON_NEEDED', retryable: false, publicMessage: reason, remedy });
}

function platformUnknown(name: PlatformName): AppError {
  return new AppError({
    code: 'PLATFORM_UNKNOWN',
    retryable: false,
    publicMessage: `This process does not know the platform ${name}.`,
    remedy: 'Run a version of Tributary that has it in its registry, then replay.',
  });
}

function logFailure(
  log: Log,
  delivery: LoadedDelivery,
  attempt: number,
  failure: Failure,
  error: unknown,
): void {
  const facts = {
    err: error instanceof AppError ? undefined : error,
    deliveryId: delivery.id.toString(),
    platform: delivery.platform,
    topic: delivery.topic,
    attempt,
    code: failure.code,
    retryInMs: failure.retryInMs,
  };
  log.warn(facts, failure.message);
}
