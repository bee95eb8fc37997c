import { EventEmitter } from 'node:events';
import { Logger, runTaskList, type TaskList, type WorkerEvents, type WorkerPool } from 'graphile-worker';
import type pg from 'pg';
import type { Pool } from '../db/pool.ts';
import type { Log } from '../log.ts';
import { releaseWorkers } from './recover-work.ts';

export interface TaskPoolOptions {
  tasks: TaskList;
  concurrentJobs: number;
  queueSize: number;
  pool: Pool;
  jobs: pg.Pool;
  log: Log;
  onStart: () => void;
  /** How long a new pool may take to its first fetch. */
  firstFetchMs?: number;
}

const usualFirstFetchMs = 5_000;

/** A pool of the job library that is replaced when it gives up, which it does when the database fails it once. */
export class TaskPool {
  readonly #options: TaskPoolOptions;
  #current: WorkerPool | null = null;
  #restart: NodeJS.Timeout | undefined;
  #restartMs = 200;
  #stopping = false;
  id = '';

  constructor(options: TaskPoolOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#stopping) return;
    const { tasks, jobs, log, concurrentJobs, queueSize } = this.#options;
    const events = eventsOfJobs();
    const current = runTaskList(
      {
        noHandleSignals: true,
        events,
        preset: {
          worker: {
            concurrentJobs,
            localQueue: {
              size: queueSize,
              ttl: 30_000,
              // Without the library's delay after a fetch that found nothing: what is announced meanwhile is not fetched when the
              // delay is over, but at the next announcement or look. Jobs of other pools announce themselves here too, so that
              // was the usual case: an order waited 60 ms in the middle, and up to half a second.
            },
            completeJobBatchDelay: 0,
            // Without a batch a failure that cannot be recorded would be an unhandled rejection.
            failJobBatchDelay: 0,
            // Doorbells bring new jobs at once; those for later are found by looking.
            pollInterval: 500,
            logger: jobLogger(log),
          },
        },
      },
      tasks,
      jobs,
    );
    this.#current = current;
    this.id = current.id;
    const startedMs = performance.now();
    // It takes on nothing more once it shuts down, but it may never say that it has ended: its batches miscount failures.
    events.on('pool:gracefulShutdown', () => this.#gaveUp(current, startedMs));
    this.#replaceUnlessItFetches(current, events);
    current.promise.catch(() => undefined);
    this.#options.onStart();
  }

  nudge(): void {
    if (this.#current?._active === true) this.#current.nudge(this.#options.concurrentJobs);
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const current = this.#current;
    if (current === null) return;
    const ended = Promise.resolve(current.gracefulShutdown()).catch(() => undefined);
    await within(timeoutMs, ended);
  }

  /**
   * A pool that is started while the database is away fails to register its tasks, remembers that for good, and goes on asking
   * in vain for ever.
   */
  #replaceUnlessItFetches(current: WorkerPool, events: WorkerEvents): void {
    const timer = setTimeout(() => {
      if (this.#stopping || this.#current !== current) return;
      this.#options.log.warn({ workerId: current.id }, 'A pool of workers cannot fetch; starting another');
      Promise.resolve(current.gracefulShutdown()).catch(() => undefined);
    }, this.#options.firstFetchMs ?? usualFirstFetchMs);
    timer.unref();
    events.once('localQueue:getJobs:complete', () => clearTimeout(timer));
  }

  #gaveUp(ended: WorkerPool, startedMs: number): void {
    if (this.#stopping || this.#current !== ended) return;
    this.#current = null;
    this.#restartMs = performance.now() - startedMs > 30_000 ? 200 : Math.min(this.#restartMs * 2, 5_000);
    this.#options.log.warn({ workerId: ended.id }, 'A pool of workers gave up; starting another');
    this.#restart = setTimeout(() => {
      releaseWorkers(this.#options.pool, [ended.id]).catch(() => undefined);
      this.start();
    }, this.#restartMs);
  }
}

/**
 * Keeps one background task registered with the library's local queue until it is released. Without any, releasing a
 * queue that still holds jobs throws before they are returned: an orderly stop would turn into a forced one, and a
 * failure to return them into an unhandled rejection.
 */
function eventsOfJobs(): WorkerEvents {
  const events: WorkerEvents = new EventEmitter();
  let release: () => void = () => undefined;
  events.on('localQueue:init', ({ localQueue }) => {
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    (localQueue as unknown as { background(task: Promise<void>): void }).background(held);
  });
  events.on('localQueue:setMode', ({ newMode }) => {
    if (newMode === 'RELEASED') release();
  });
  return events;
}

/** Waits for it, but no longer than that. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** While the database is away the library complains hundreds of times a second; once in this time says it too. */
const complainEveryMs = 5_000;

function jobLogger(log: Log): Logger {
  const saidMs = new Map<string, number>();
  const isNews = (message: string): boolean => {
    const kind = message.replaceAll(/\d+/g, '#').slice(0, 60);
    const now = performance.now();
    if (now - (saidMs.get(kind) ?? Number.NEGATIVE_INFINITY) < complainEveryMs) return false;
    if (saidMs.size >= 100) saidMs.clear();
    saidMs.set(kind, now);
    return true;
  };
  return new Logger((scope) => (level, message, meta) => {
    if ((level === 'error' || level === 'warning') && !isNews(message)) return;
    const facts = { ...scope, err: meta?.error };
    if (level === 'error') log.error(facts, message);
    else if (level === 'warning') log.warn(facts, message);
    else log.trace(facts, message);
  });
}
