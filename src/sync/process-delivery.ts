import type { Pool } from '../db/pool.ts';
import { transaction } from '../db/transaction.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { PlatformChange } from '../model/change.ts';
import type { PlatformName } from '../model/platform-name.ts';
import { applyChanges } from './apply-changes.ts';
import type { Sessions } from './connections/sessions.ts';
import {
  foretell,
  type KnownStatements,
  remember,
  type WholeStatement,
  wholeStatement,
} from './graph/foretell.ts';
import { enqueueDeliveries } from './inbox/enqueue-deliveries.ts';
import { failDelivery } from './inbox/fail-delivery.ts';
import { claimSuspect, type LoadedDelivery, loadLane } from './inbox/load-delivery.ts';
import { type DeliveryOutcome, settleDeliveries } from './inbox/settle-delivery.ts';
import type { Metrics } from './metrics.ts';
import type { PushQueue } from './outbox/enqueue-pushes.ts';
import type { Interpretation, Platform } from './platforms/platform.ts';
import { type Failure, judgeFailure, refuseDeadlyWork } from './retry.ts';

export interface ProcessDeliveryOptions {
  pool: Pool;
  /** For what may be done again after a power cut; the same pool where there is none. */
  relaxedPool?: Pool;
  sessions: Sessions;
  platforms: Partial<Record<PlatformName, Platform>>;
  log: Log;
  metrics: Metrics;
  apply?: typeof applyChanges;
  random?: () => number;
  /** Who carries out what is planned. */
  queue?: PushQueue;
  /** Name of the lease of the worker that is at it; null: nobody would take over from it. */
  worker?: string | null;
  /** Leaves alone what else waits in its lane. */
  alone?: boolean;
  /** Whether it is taken up although it is not due; true unless said otherwise. */
  early?: boolean;
}

export type DeliveryFate = DeliveryOutcome | 'retrying' | 'dead' | 'held' | 'nothing';

/**
 * Takes a delivery from the inbox to its effect, and with it whatever else waits in its lane: interpret, apply in
 * one transaction, settle; or judge its failure. What is said of one row in several deliveries is applied newest first,
 * so that the older ones are found to be old without asking the graph.
 * @returns the fate of each that was taken up; the one that was asked for is always among them.
 */
export async function processDelivery(
  deliveryId: bigint,
  options: ProcessDeliveryOptions,
): Promise<Map<bigint, DeliveryFate>> {
  const startedMs = performance.now();
  const { deliveries, left, known } = await loadLane(options.pool, deliveryId, {
    alone: options.alone === true,
    early: options.early !== false,
  });
  await claimSuspects(deliveries, options);
  const fates = new Map<bigint, DeliveryFate>([[deliveryId, 'nothing']]);
  const open = withoutTwins(deliveries);
  const fruitless: { id: bigint; outcome: DeliveryOutcome }[] = [];
  for await (const told of toldBySubject(open, options)) {
    for (const { delivery, result } of newestFirst(told)) {
      const fate =
        'error' in result
          ? await fail(delivery, result.error, startedMs, options)
          : await decide(delivery, result, { known, fruitless, startedMs }, options);
      fates.set(delivery.id, fate);
    }
  }
  await settleDeliveries(options.relaxedPool ?? options.pool, fruitless);
  const twins = deliveries.flatMap((delivery) => (open.includes(delivery) ? [] : [delivery.id]));
  await enqueueDeliveries(options.pool, [...left, ...twins]);
  for (const delivery of open) observe(delivery, fates.get(delivery.id) ?? 'nothing', startedMs, options);
  return fates;
}

type Result = { outcome: DeliveryOutcome } | { changes: PlatformChange[] } | { error: unknown };

interface Told {
  delivery: LoadedDelivery;
  result: Result;
  statement: WholeStatement | null;
}

/** What those that are taken up together share. */
interface Together {
  known: KnownStatements;
  /** To be settled at the end, in one statement. */
  fruitless: { id: bigint; outcome: DeliveryOutcome }[];
  startedMs: number;
}

/** One event may have come twice: the second is looked at when the first is settled. */
function withoutTwins(deliveries: readonly LoadedDelivery[]): LoadedDelivery[] {
  const events = new Set<string>();
  return deliveries.filter(({ eventId, topic, subject }) => {
    if (eventId === null) return true;
    const event = `${topic} ${eventId} ${subject}`;
    if (events.has(event)) return false;
    events.add(event);
    return true;
  });
}

/** What has ended a process before is known by name should it do so again. */
async function claimSuspects(
  deliveries: readonly LoadedDelivery[],
  { pool, relaxedPool, worker }: ProcessDeliveryOptions,
): Promise<void> {
  for (const { id, takeovers } of deliveries)
    if (takeovers > 0 && worker != null) await claimSuspect(relaxedPool ?? pool, id, worker);
}

/**
 * What the deliveries of each subject say, one subject after the other in the order in which they are understood: of the
 * products of an account one may have to be read from a platform that is slow, and holds up none of the others.
 */
async function* toldBySubject(
  deliveries: readonly LoadedDelivery[],
  options: ProcessDeliveryOptions,
): AsyncGenerator<Told[]> {
  const waiting = new Map<string, Promise<{ subject: string; told: Told[] }>>();
  for (const [subject, ofSubject] of Map.groupBy(deliveries, (delivery) => delivery.subject)) {
    const interpreted = Promise.all(ofSubject.map((delivery) => interpret(delivery, options)));
    waiting.set(
      subject,
      interpreted.then((told) => ({ subject, told })),
    );
  }
  while (waiting.size > 0) {
    const { subject, told } = await Promise.race(waiting.values());
    waiting.delete(subject);
    yield told;
  }
}

async function interpret(delivery: LoadedDelivery, options: ProcessDeliveryOptions): Promise<Told> {
  if (delivery.duplicate) return { delivery, result: { outcome: 'duplicate' }, statement: null };
  try {
    refuseDeadlyWork(delivery.takeovers);
    const result = await ask(delivery, options, false);
    return { delivery, result, statement: 'changes' in result ? wholeStatement(result.changes) : null };
  } catch (error) {
    return { delivery, result: { error }, statement: null };
  }
}

async function ask(
  delivery: LoadedDelivery,
  options: ProcessDeliveryOptions,
  fresh: boolean,
): Promise<{ outcome: DeliveryOutcome } | { changes: PlatformChange[] }> {
  const platform = options.platforms[delivery.platform];
  if (platform === undefined) throw platformUnknown(delivery.platform);
  const session = await options.sessions.get(delivery.connectionId);
  const meaning: Interpretation = await platform.interpret(delivery, session, { fresh });
  if (meaning.kind === 'person') throw personNeeded(meaning.reason, meaning.remedy);
  if (meaning.kind === 'ignored') return { outcome: 'ignored' };
  const heardAt = delivery.receivedAt;
  return {
    changes: meaning.changes.map((change) => ({ ...change, version: { ...change.version, heardAt } })),
  };
}

/** Whole statements before all else, and of those the newest; the rest as it arrived. */
function newestFirst(told: readonly Told[]): Told[] {
  if (told.length < 2) return [...told];
  const rank = ({ statement }: Told): number => statement?.version.sourceUpdatedAt.getTime() ?? 0;
  const read = ({ statement }: Told): number => statement?.version.observedAt?.getTime() ?? 0;
  return [...told].sort((a, b) => rank(b) - rank(a) || read(b) - read(a));
}

async function decide(
  delivery: LoadedDelivery,
  told: { outcome: DeliveryOutcome } | { changes: PlatformChange[] },
  { known, fruitless, startedMs }: Together,
  options: ProcessDeliveryOptions,
): Promise<DeliveryFate> {
  try {
    let result = told;
    // What a payload tells may not be enough to decide; what the platform says now is. Once is enough.
    for (const fresh of [false, true]) {
      if (fresh) result = await ask(delivery, options, true);
      const outcome =
        'outcome' in result ? result.outcome : await take(delivery, result.changes, known, options);
      if (outcome === 'needsFresh') continue;
      if (typeof outcome === 'string') {
        fruitless.push({ id: delivery.id, outcome });
        return outcome;
      }
      return outcome.settled;
    }
    throw stillUndecided();
  } catch (error) {
    return fail(delivery, error, startedMs, options);
  }
}

/** Applies what is news. What is none is left to be settled, without a transaction of its own. */
async function take(
  delivery: LoadedDelivery,
  changes: readonly PlatformChange[],
  known: KnownStatements,
  options: ProcessDeliveryOptions,
): Promise<DeliveryOutcome | 'needsFresh' | { settled: DeliveryOutcome }> {
  const statement = wholeStatement(changes);
  const foretold = statement === null ? null : foretell(statement, known);
  if (foretold !== null) return foretold;
  const { outcome } = await transaction(options.pool, (tx) =>
    (options.apply ?? applyChanges)(tx, {
      changes,
      source: delivery.platform,
      connectionId: delivery.connectionId,
      deliveryId: delivery.id,
      now: new Date(),
      platforms: options.platforms,
      queue: options.queue,
    }),
  );
  if (outcome === 'needsFresh') return 'needsFresh';
  if (statement !== null && outcome !== 'stale') remember(statement, known);
  return { settled: outcome };
}

async function fail(
  delivery: LoadedDelivery,
  error: unknown,
  startedMs: number,
  options: ProcessDeliveryOptions,
): Promise<DeliveryFate> {
  const attempt = delivery.attempts + 1;
  const failure = judgeFailure(error, attempt, options.random ?? Math.random);
  const durationMs = performance.now() - startedMs;
  const fate = await failDelivery(options.pool, delivery, attempt, { ...failure, durationMs });
  logFailure(options.log, delivery, attempt, failure, error);
  return fate;
}

function observe(
  { platform, receivedAt }: LoadedDelivery,
  fate: DeliveryFate,
  startedMs: number,
  { metrics }: ProcessDeliveryOptions,
): void {
  metrics.deliveries.inc({ platform, fate });
  metrics.deliverySeconds.observe({ platform }, (performance.now() - startedMs) / 1000);
  if (fate === 'applied')
    metrics.deliveryLagSeconds.observe({ platform }, (Date.now() - receivedAt.getTime()) / 1000);
}

function stillUndecided(): AppError {
  return new AppError({
    code: 'STILL_UNDECIDED',
    retryable: true,
    publicMessage: 'A fresh read of the platform did not tell which version is the newer one.',
    remedy: 'It usually resolves itself at the next attempt.',
  });
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
