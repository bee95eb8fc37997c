import { availableParallelism } from 'node:os';
import type { Task, TaskList } from 'graphile-worker';
import pg from 'pg';
import { z } from 'zod';
import { durable } from '../db/durable.ts';
import {
  createPool,
  type Pool,
  relaxedCommits,
  watchful,
  watchfulServer,
  workUnansweredMs,
} from '../db/pool.ts';
import type { Log } from '../log.ts';
import type { PlatformName } from '../model/platform-name.ts';
import type { applyChanges } from './apply-changes.ts';
import { listConnections } from './connections/connections.ts';
import type { Sessions } from './connections/sessions.ts';
import { backfillCustomField } from './custom-fields/backfill.ts';
import { backfill } from './custom-fields/request-backfill.ts';
import { authorityReview } from './identity/request-authority-review.ts';
import { reviewAuthority } from './identity/review-authority.ts';
import { deliveryTask, enqueueDeliveries, orderTask } from './inbox/enqueue-deliveries.ts';
import { Lanes } from './inbox/lanes.ts';
import { engineMetrics, type Metrics } from './metrics.ts';
import { Claude, type ClaudeSettings } from './notes/claude.ts';
import { readNote } from './notes/read-note.ts';
import { noteTask } from './notes/request-reading.ts';
import type { CircuitSettings } from './outbox/circuit.ts';
import { accountOfPush, enqueuePushes, postponePush, pushTask } from './outbox/enqueue-pushes.ts';
import { executePush } from './outbox/execute-push.ts';
import { PushCarrier } from './outbox/push-carrier.ts';
import type { Platform } from './platforms/platform.ts';
import { planDueSummaries } from './postings/due-summaries.ts';
import { postingReviewTask } from './postings/request-review.ts';
import { reviewPostings } from './postings/review-postings.ts';
import { privacyTask } from './privacy/apply-request.ts';
import { eraseAccount } from './privacy/erase-account.ts';
import { processDelivery } from './process-delivery.ts';
import { reconcileConnection } from './reconcile/reconcile.ts';
import { sweepTask } from './reconcile/request-sweep.ts';
import { beat, recoverDeadWorkers, recoverOrphans, releaseWorkers, runningUnder } from './recover-work.ts';
import { TaskPool, within } from './task-pool.ts';

export interface WorkerOptions {
  /** For our own queries; the job library has a small pool of its own. */
  pool: Pool;
  connectionString: string;
  sessions: Sessions;
  platforms: Partial<Record<PlatformName, Platform>>;
  log: Log;
  metrics?: Metrics;
  concurrency?: {
    /** Deliveries about orders processed at the same time; more of them make each one slower. */
    deliveries?: number;
    /** Deliveries about anything else; they take the processor from orders, so there are only as many as it has cores. */
    background?: number;
    /** Pushes carried out at the same time for each account, unless its platform asks for more. */
    pushes?: number;
    /** Order notes read at the same time. */
    notes?: number;
  };
  /** Where platforms reach us, for subscriptions that a backfill needs; null: they are left as they are. */
  webhookUrl?: ((platform: PlatformName) => string) | null;
  /** How Claude is reached to read order notes; null: our own parser reads them. */
  claude?: ClaudeSettings | null;
  /** How often the worker tells that it is alive, and looks for others that do not. */
  heartbeatMs?: number;
  /** Without a heartbeat for this long a worker counts as dead and its jobs go to others. */
  leaseMs?: number;
  /** How often open work without a job is looked for, and how old it must be. */
  orphanSweepMs?: number;
  orphanAgeMs?: number;
  /** How long a stop waits for work that is under way. */
  stopTimeoutMs?: number;
  apply?: typeof applyChanges;
  circuit?: CircuitSettings;
  random?: () => number;
}

type Settings = Required<Omit<WorkerOptions, 'apply' | 'circuit' | 'random'>> &
  Pick<WorkerOptions, 'apply' | 'circuit' | 'random'> & {
    concurrency: { deliveries: number; background: number; pushes: number; notes: number };
  };

/** Starts processing deliveries and carrying out pushes in this process. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const worker = new Worker({
    metrics: engineMetrics,
    heartbeatMs: 5_000,
    leaseMs: 15_000,
    orphanSweepMs: 10_000,
    orphanAgeMs: 10_000,
    stopTimeoutMs: 20_000,
    claude: null,
    webhookUrl: null,
    ...options,
    concurrency: {
      deliveries: options.concurrency?.deliveries ?? 10,
      background: options.concurrency?.background ?? Math.max(3, availableParallelism()),
      pushes: options.concurrency?.pushes ?? 32,
      notes: options.concurrency?.notes ?? 4,
    },
  });
  try {
    await worker.begin();
  } catch (error) {
    // Its pools may be at work already: left to themselves they would take jobs that nobody carries out any more.
    await worker.stop();
    throw error;
  }
  return worker;
}

/** Of an account's pushes so many may wait in this process; what is beyond is left to others, or for later. */
const mostPushesWaiting = 500;
/** Pushes of all accounts that one process carries out at the same time: each waits for a platform most of its time. */
const mostPushesAtOnce = 400;
/** So many each account may always have, however many other accounts hang. */
const pushPlacesOfEach = 8;

/** How often days are looked for that are over, or have changed since. */
const summariesMs = 30_000;

const deliveryPayload = z.object({ id: z.string().transform(BigInt), lane: z.string() });
const sweepPayload = z.object({ id: z.string().transform(BigInt), full: z.boolean() });
/** Jobs of earlier versions do not name the account. */
const pushPayload = z.object({
  id: z.string().transform(BigInt),
  account: z.string().transform(BigInt).optional(),
});
const idPayload = z.object({ id: z.string().transform(BigInt) });

/**
 * The worker of a process: pools that take jobs, for deliveries and for what may take long, and the carrier of pushes, so
 * that a platform that hangs holds up nobody else. Keeps a lease for each, takes over what dead workers held and brings back
 * work without a job.
 */
export class Worker implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #lanes: Lanes;
  readonly #claude: Claude | null;
  readonly #jobs: pg.Pool;
  readonly #relaxed: Pool;
  readonly #pools: TaskPool[];
  readonly #carrier: PushCarrier;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #upkeep = new Set<Promise<void>>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopSweeps = new AbortController();
  #stopping: Promise<void> | null = null;

  constructor(settings: Settings) {
    const { connectionString, log, platforms, concurrency } = settings;
    this.#settings = settings;
    this.#lanes = new Lanes({ connectionString, log });
    this.#claude = settings.claude === null ? null : new Claude(settings.claude);
    this.#carrier = new PushCarrier({
      carryOut: (id, worker) => this.#underWayWith(this.#carryOut(id, worker)),
      putBack: (id) => this.#underWayWith(enqueuePushes(settings.pool, [id])),
      atOnce: (platform) => Math.max(concurrency.pushes, platforms[platform]?.concurrentPushes ?? 0),
      atOnceInAll: mostPushesAtOnce,
      ownPlaces: pushPlacesOfEach,
      mostWaiting: mostPushesWaiting,
      log,
    });
    // Apart from our own pool, whose bigints the job library does not expect. Each task pool listens, fetches and completes.
    this.#jobs = new pg.Pool({
      connectionString,
      max: 15,
      application_name: 'tributary-jobs',
      ...watchful,
      query_timeout: workUnansweredMs,
      // A job whose start or end is forgotten in a power cut runs again, and finds its work done.
      options: `${watchfulServer} ${relaxedCommits} -c enable_seqscan=off -c jit=off`,
    });
    this.#jobs.on('error', () => undefined);
    this.#jobs.on('connect', (client) => {
      client.on('error', () => undefined);
    });
    this.#relaxed = createPool({
      connectionString,
      max: 8,
      applicationName: 'tributary-claims',
      relaxed: true,
      keyed: true,
      unansweredMs: workUnansweredMs,
    });
    // What waits in a pool's own queue has lost its priority: it holds no more than is worked on.
    this.#pools = [
      this.#taskPool(
        { [orderTask]: this.#task(this.#onDelivery) },
        concurrency.deliveries,
        concurrency.deliveries,
      ),
      this.#taskPool(
        { [deliveryTask]: this.#task(this.#onDelivery) },
        concurrency.background,
        concurrency.background,
      ),
      // Pushes that are due again, or were planned where there is no worker: the carrier takes them from there.
      this.#taskPool(
        Object.fromEntries(
          Object.values(platforms).map(({ name }) => [
            pushTask(name),
            this.#task((payload) => this.#onPush(name, payload)),
          ]),
        ),
        concurrency.pushes,
        concurrency.pushes,
      ),
      // Apart, so that a slow reader holds up neither deliveries nor receipts.
      this.#taskPool(
        { [noteTask]: this.#task(this.#onNote), [privacyTask]: this.#task(this.#onPrivacy) },
        concurrency.notes,
        concurrency.notes,
      ),
      // One after the other: each takes as long as a shop is large.
      this.#taskPool(
        {
          [backfill.task]: this.#task(this.#onBackfill),
          [authorityReview.task]: this.#task(this.#onAuthorityReview),
          [postingReviewTask]: this.#task(this.#onPostingReview),
          [sweepTask]: this.#task(this.#onSweep),
        },
        1,
        1,
      ),
    ];
  }

  async begin(): Promise<void> {
    // Before anything runs under its name: who has no lease counts as dead.
    await this.#beat();
    // Before anything is taken up: what ended the worker before must be known for it.
    await this.#recover();
    for (const pool of this.#pools) pool.start();
    await this.#beat();
    await this.#sweep();
    const { heartbeatMs, orphanSweepMs } = this.#settings;
    this.#every(heartbeatMs, async () => {
      await this.#beat();
      await this.#recover();
    });
    this.#every(orphanSweepMs, () => this.#sweep());
    this.#every(summariesMs, async () => {
      await planDueSummaries(this.#settings);
    });
  }

  /** Names under which this worker holds jobs. */
  get ids(): string[] {
    return [this.#carrier.id, ...this.#pools.map((pool) => pool.id).filter((id) => id !== '')];
  }

  /** Takes on nothing new, waits for what is under way and puts back the rest. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stopSweeps.abort();
    this.#lanes.stop();
    const { pool, stopTimeoutMs } = this.#settings;
    this.#carrier.stop();
    await Promise.all([
      ...this.#pools.map((tasks) => tasks.stop(stopTimeoutMs)),
      within(stopTimeoutMs, this.#idle()),
    ]);
    await Promise.allSettled(this.#upkeep);
    await releaseWorkers(pool, this.ids, this.#carrier.left()).catch((error: unknown) =>
      this.#settings.log.warn({ err: error }, 'The leases could not be given back; they will expire'),
    );
    await this.#lanes[Symbol.asyncDispose]();
    await within(2_000, Promise.all([this.#jobs.end(), this.#relaxed.end()]));
  }

  /** Resolves when no work is under way, that of pools that were given up included. */
  async #idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #task(work: (payload: unknown) => Promise<void>): Task {
    return (payload) => this.#underWayWith(work(payload));
  }

  #underWayWith(work: Promise<void>): Promise<void> {
    const done = work.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
    return done;
  }

  readonly #onDelivery = async (payload: unknown): Promise<void> => {
    const { id, lane } = deliveryPayload.parse(payload);
    const putBack = await this.#lanes.run(lane, id, async (each) => {
      await processDelivery(each, {
        ...this.#settings,
        relaxedPool: this.#relaxed,
        queue: this.#carrier,
        worker: this.#carrier.id,
        early: false,
      });
    });
    await enqueueDeliveries(this.#settings.pool, putBack);
  };

  async #onPush(platform: PlatformName, payload: unknown): Promise<void> {
    const { id, account: told } = pushPayload.parse(payload);
    const { pool } = this.#settings;
    // Whoever planned it may still wait for the disk: a platform must not be told what a power cut takes back.
    await durable(pool);
    const connectionId = told ?? (await accountOfPush(pool, id));
    if (connectionId === null) return;
    const account = { connectionId, platform };
    if (this.#carrier.takesOn(account, id)) this.#carrier.take(account, id);
    else await postponePush(pool, id, this.#carrier.roomInMs(account));
  }

  async #carryOut(id: bigint, worker: string): Promise<void> {
    await executePush(id, {
      ...this.#settings,
      relaxedPool: this.#relaxed,
      queue: this.#carrier,
      worker,
      early: false,
    });
  }

  readonly #onNote = async (payload: unknown): Promise<void> => {
    const { id } = idPayload.parse(payload);
    await readNote(id, { ...this.#settings, claude: this.#claude });
  };

  readonly #onPrivacy = async (payload: unknown): Promise<void> => {
    await eraseAccount(idPayload.parse(payload).id, this.#settings);
  };

  readonly #onBackfill = async (payload: unknown): Promise<void> => {
    const { id } = idPayload.parse(payload);
    await backfillCustomField(id, this.#settings);
  };

  readonly #onSweep = async (payload: unknown): Promise<void> => {
    const { id, full } = sweepPayload.parse(payload);
    const connection = (await listConnections(this.#settings.pool)).find((one) => one.id === id);
    if (connection?.status !== 'active') return;
    const { signal } = this.#stopSweeps;
    const done = await reconcileConnection(connection, this.#settings, { full, signal });
    // Another one may be under way, or the platform may be down: the queue comes back to it.
    if (done === null) throw new Error(`The sweep of ${connection.name} did not come to its end.`);
  };

  readonly #onAuthorityReview = async (payload: unknown): Promise<void> => {
    const { id } = idPayload.parse(payload);
    await reviewAuthority(id, this.#settings);
  };

  readonly #onPostingReview = async (payload: unknown): Promise<void> => {
    const { id } = idPayload.parse(payload);
    await reviewPostings(id, this.#settings);
  };

  #taskPool(tasks: TaskList, concurrentJobs: number, queueSize: number): TaskPool {
    return new TaskPool({
      tasks,
      concurrentJobs,
      queueSize,
      pool: this.#settings.pool,
      jobs: this.#jobs,
      log: this.#settings.log,
      onStart: () => {
        this.#track(this.#beat());
      },
    });
  }

  #every(ms: number, work: () => Promise<void>): void {
    let running = false;
    this.#timers.push(
      setInterval(() => {
        if (running) return;
        running = true;
        this.#track(
          work().finally(() => {
            running = false;
          }),
        );
      }, ms),
    );
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) =>
        this.#settings.log.warn({ err: error }, 'Upkeep of the worker failed; trying again later'),
      )
      .finally(() => this.#upkeep.delete(tracked));
    this.#upkeep.add(tracked);
  }

  async #beat(): Promise<void> {
    await beat(this.#settings.pool, this.ids);
  }

  async #recover(): Promise<void> {
    const dead = await recoverDeadWorkers(this.#settings.pool, this.#settings.leaseMs);
    if (dead.length === 0) return;
    this.#settings.log.warn({ workers: dead }, 'Took over the jobs of workers that have died');
    this.#settings.metrics.recovered.inc({ kind: 'worker' }, dead.length);
    for (const pool of this.#pools) pool.nudge();
  }

  async #sweep(): Promise<void> {
    await this.#cleanUp();
    const { pool } = this.#settings;
    await enqueuePushes(pool, this.#carrier.unknownOf(await runningUnder(pool, [this.#carrier.id])));
    const found = await recoverOrphans(this.#settings.pool, this.#settings.orphanAgeMs);
    if (found.deliveries + found.pushes + found.notes + found.backfills === 0) return;
    this.#settings.log.info(found, 'Brought back open work that had no job');
    this.#settings.metrics.recovered.inc({ kind: 'delivery' }, found.deliveries);
    this.#settings.metrics.recovered.inc({ kind: 'push' }, found.pushes);
    this.#settings.metrics.recovered.inc({ kind: 'note' }, found.notes);
  }

  /**
   * Jobs that will not run again: the library makes them so when their place is taken by a new job while they run, and
   * leaves them where their process dies before it has ended them.
   */
  async #cleanUp(): Promise<void> {
    await this.#settings.pool.query(
      `select graphile_worker.complete_jobs(array_agg(id)) from graphile_worker.jobs
       where attempts >= max_attempts and locked_at is null having count(*) > 0`,
    );
  }
}
