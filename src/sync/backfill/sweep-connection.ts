import { alone } from '../../db/alone.ts';
import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { PlatformChange } from '../../model/change.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { ChangeOutcome } from '../graph/write-context.ts';
import type { Platform, Session, SweepPosition } from '../platforms/platform.ts';
import { judgeFailure } from '../retry.ts';
import { beginSweep, endSweep, type SweepProgress, showProgress } from './sweep-progress.ts';

/** Deliveries may be lost, and platforms' own indexes lag behind their writes: each sweep looks back this far again. */
const overlapMs = 5 * 60_000;
/** What a delivery may still be about to tell is no drift. */
const underWayMs = 60_000;
/** What could not be applied is read again for so long. */
const longestRepeatMs = 24 * 3_600_000;

/** Changes per transaction: enough to spread its cost, few enough to hold row locks for milliseconds. */
const changesPerTransaction = 25;
/** Stock levels are written a page at a time. */
const levelsPerTransaction = 250;

export interface SweepOptions {
  pool: Pool;
  platform: Platform;
  platforms: Partial<Record<PlatformName, Platform>>;
  session: Session<unknown>;
  log: Log;
  now: () => number;
  /** Reads everything, whatever was swept before. */
  full?: boolean;
  onProgress?: (progress: SweepProgress) => void;
  signal?: AbortSignal;
}

/**
 * Reads everything that changed at a platform since the last sweep (or ever) and applies what the graph missed.
 * Only one sweep of a connection runs at a time over all processes; a second one returns null at once.
 */
export function sweepConnection(options: SweepOptions): Promise<SweepProgress | null> {
  return alone(options.pool, `sweep of connection ${options.session.connectionId}`, () =>
    sweepAlone(options),
  );
}

async function sweepAlone(options: SweepOptions): Promise<SweepProgress> {
  const { pool, platform, session, log } = options;
  const since = options.full === true ? null : await sweptUntil(pool, session.connectionId);
  const { progress, startedMs } = await beginSweep(pool, session.connectionId, {
    since,
    nowMs: options.now(),
  });
  if (progress.position !== null)
    log.info({ platform: platform.name, read: progress.read }, 'a sweep goes on where it broke off');
  try {
    await readAll(options, progress);
  } catch (error) {
    const reason = error instanceof AppError ? error.publicMessage : 'It was interrupted; the log tells why.';
    await endSweep(pool, platform.name, session.connectionId, progress, {
      nowMs: options.now(),
      error: reason,
    });
    throw error;
  }
  const from = Math.min(startedMs - overlapMs, progress.repeatFrom?.getTime() ?? Number.POSITIVE_INFINITY);
  await endSweep(pool, platform.name, session.connectionId, progress, {
    nowMs: options.now(),
    sweptUntil: new Date(Math.max(from, startedMs - longestRepeatMs)),
  });
  const { read, applied, drifted, passedOver } = progress;
  const facts = { platform: platform.name, connectionId: session.connectionId.toString(), read, applied };
  if (since === null) {
    log.info(facts, 'the account was read for the first time');
    // Plans that were made while the tables were empty are made anew; Postgres by itself gets to that within minutes.
    await pool.query('analyze');
  } else if (Object.keys(drifted).length > 0)
    log.warn({ ...facts, drifted }, 'a sweep repaired what deliveries had not told');
  if (passedOver > 0) log.warn({ ...facts, passedOver }, 'a sweep could not apply everything it read');
  return progress;
}

/** Reads on from where the progress stands. A place that the platform does not know any more leads back to the beginning. */
async function readAll(options: SweepOptions, progress: SweepProgress): Promise<void> {
  const from = progress.position;
  const readBefore = progress.read;
  try {
    await readFrom(options, progress);
  } catch (error) {
    const isLost =
      from !== null &&
      progress.read === readBefore &&
      error instanceof AppError &&
      !error.retryable &&
      !judgeFailure(error, 1, Math.random).accessRefused;
    if (!isLost) throw error;
    options.log.warn({ code: error.code }, 'a sweep cannot go on where it broke off; it begins again');
    progress.position = null;
    await readFrom(options, progress);
  }
}

async function readFrom(options: SweepOptions, progress: SweepProgress): Promise<void> {
  const { pool, session } = options;
  for await (const { page, position, remaining } of readAhead(options, progress)) {
    for (const changes of portionsOf(page)) {
      options.signal?.throwIfAborted();
      await applyPortion(options, changes, progress);
    }
    progress.reading = page.at(-1)?.kind ?? progress.reading;
    progress.position = position;
    progress.expected = remaining === null ? null : progress.read + remaining;
    await showProgress(pool, session.connectionId, progress, options.now());
    options.onProgress?.(progress);
  }
}

interface SweptPage {
  page: PlatformChange[];
  /** Holds once the page is applied. */
  position: SweepPosition | null;
  remaining: number | null;
}

/** Asks for the next page while the one before is worked on: the platform's time and ours run side by side. */
async function* readAhead(
  { platform, session }: SweepOptions,
  { since, position: from }: SweepProgress,
): AsyncIterable<SweptPage> {
  const told: Omit<SweptPage, 'page'> = { position: from, remaining: null };
  const iterator = platform
    .sweep(session, {
      since,
      ...(from === null ? {} : { from }),
      reached: (position) => {
        told.position = position;
      },
      remaining: (changes) => {
        told.remaining = changes;
      },
    })
    [Symbol.asyncIterator]();
  const ask = () => {
    // What is told before a page belongs to it: the next one is not asked for yet.
    const answer = iterator
      .next()
      .then(({ done, value }) => (done === true ? null : { ...told, page: value }));
    // Whoever stops early does not wait for it any more.
    answer.catch(() => undefined);
    return answer;
  };
  let next = ask();
  try {
    for (;;) {
      const page = await next;
      if (page === null) return;
      next = ask();
      yield page;
    }
  } finally {
    void iterator.return?.().catch(() => undefined);
  }
}

/** Cuts a page into what goes into one transaction: stock levels among themselves, anything else in small numbers. */
export function portionsOf(page: readonly PlatformChange[]): PlatformChange[][] {
  const portions: PlatformChange[][] = [];
  for (const change of page) {
    const isLevel = change.kind === 'stockLevel';
    const last = portions.at(-1);
    const [first] = last ?? [];
    const fits =
      last !== undefined &&
      first !== undefined &&
      (first.kind === 'stockLevel') === isLevel &&
      last.length < (isLevel ? levelsPerTransaction : changesPerTransaction);
    if (fits) last.push(change);
    else portions.push([change]);
  }
  return portions;
}

/** All of them together; where that cannot be, each on its own, so that one holds up nothing but itself. */
async function applyPortion(
  options: SweepOptions,
  changes: readonly PlatformChange[],
  progress: SweepProgress,
): Promise<void> {
  let together: readonly ChangeOutcome[] = [];
  try {
    together = await apply(options, changes);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
  for (const [index, change] of changes.entries())
    note(options, progress, change, together[index] ?? (await applyOne(options, change)));
}

async function applyOne(options: SweepOptions, change: PlatformChange): Promise<ChangeOutcome | null> {
  try {
    return (await apply(options, [change]))[0] ?? null;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    options.log.warn(
      { platform: options.platform.name, kind: change.kind, code: error.code },
      `a sweep passes over a change: ${error.publicMessage}`,
    );
    return null;
  }
}

/** Outcomes in order; none where they could not be decided together. */
async function apply(
  { pool, platform, platforms, session, now }: SweepOptions,
  changes: readonly PlatformChange[],
): Promise<readonly ChangeOutcome[]> {
  const { outcomes } = await transaction(pool, (tx) =>
    applyChanges(tx, {
      changes,
      source: platform.name,
      connectionId: session.connectionId,
      deliveryId: null,
      now: new Date(now()),
      platforms,
    }),
  );
  return outcomes;
}

function note(
  options: SweepOptions,
  progress: SweepProgress,
  change: PlatformChange,
  outcome: ChangeOutcome | null,
): void {
  const { sourceUpdatedAt } = change.version;
  progress.read += 1;
  if (outcome === null) {
    progress.passedOver += 1;
    if (progress.repeatFrom === null || sourceUpdatedAt < progress.repeatFrom)
      progress.repeatFrom = sourceUpdatedAt;
  }
  if (outcome !== 'applied') return;
  progress.applied += 1;
  const isDrift = progress.since !== null && sourceUpdatedAt.getTime() < options.now() - underWayMs;
  if (isDrift) progress.drifted[change.kind] = (progress.drifted[change.kind] ?? 0) + 1;
}

async function sweptUntil(pool: Pool, connectionId: bigint): Promise<Date | null> {
  const { rows } = await pool.query<{ swept_until: Date | null }>(
    'select swept_until from connection where id = $1',
    [connectionId],
  );
  return rows[0]?.swept_until ?? null;
}
