import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterCommit } from '../../db/transaction.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { enqueuePushes, type PushQueue } from './enqueue-pushes.ts';

export interface PushCarrierOptions {
  /** Carries out one push from its claim to its receipt. Where it throws, the database could not be told: it is tried again. */
  carryOut: (id: bigint, worker: string) => Promise<void>;
  log: Log;
  /** Pushes of a platform carried out at the same time; each has its own, so that one that hangs holds up no other. */
  atOnce: (platform: PlatformName) => number;
  /** Of each platform so many may wait here; more become jobs, which other processes take too. */
  mostWaiting: number;
}

const firstAgainMs = 500;
const longestAgainMs = 20_000;

interface Bay {
  atOnce: number;
  waiting: bigint[];
  running: number;
}

/**
 * Carries out pushes in the process that planned them, as soon as they are committed: no job is written, announced, fetched
 * and deleted for what works at the first try, which was a tenth of all the CPU time of an order. The table stays the
 * truth: what waits here is pending there, and what runs bears the name of this worker's lease. If the process dies,
 * whoever looks for open work without a job or a living worker brings it back.
 */
export class PushCarrier implements PushQueue {
  /** Name of the lease under which pushes are claimed. */
  readonly id = `pushes-${randomUUID()}`;
  readonly #options: PushCarrierOptions;
  readonly #bays = new Map<PlatformName, Bay>();
  /** Waiting or running here. */
  readonly #known = new Set<bigint>();
  #stopping = false;

  constructor(options: PushCarrierOptions) {
    this.#options = options;
  }

  /** Takes on what is planned, after the commit; what it has no room for becomes jobs. */
  async enqueue(
    tx: Parameters<PushQueue['enqueue']>[0],
    pushes: Parameters<PushQueue['enqueue']>[1],
  ): Promise<void> {
    const mine = pushes.filter(({ platform }) => this.hasRoom(platform));
    const others = pushes.filter(({ platform }) => !this.hasRoom(platform));
    await enqueuePushes(
      tx,
      others.map(({ id }) => id),
    );
    afterCommit(tx, () => {
      for (const { id, platform } of mine) this.take(platform, id);
    });
  }

  hasRoom(platform: PlatformName): boolean {
    return !this.#stopping && this.#bay(platform).waiting.length < this.#options.mostWaiting;
  }

  /** Carries it out when its turn comes; one that is here already is not taken twice. */
  take(platform: PlatformName, id: bigint): void {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    const bay = this.#bay(platform);
    bay.waiting.push(id);
    this.#next(bay);
  }

  /** Takes on nothing more. @returns what waits and was not begun: the caller makes jobs of it. */
  stop(): bigint[] {
    this.#stopping = true;
    return [...this.#bays.values()].flatMap(({ waiting }) => waiting.splice(0));
  }

  #bay(platform: PlatformName): Bay {
    let bay = this.#bays.get(platform);
    if (bay === undefined) {
      bay = { atOnce: this.#options.atOnce(platform), waiting: [], running: 0 };
      this.#bays.set(platform, bay);
    }
    return bay;
  }

  #next(bay: Bay): void {
    while (bay.running < bay.atOnce) {
      const id = bay.waiting.shift();
      if (id === undefined) return;
      bay.running += 1;
      this.#persist(id).finally(() => {
        bay.running -= 1;
        this.#known.delete(id);
        this.#next(bay);
      });
    }
  }

  /** What runs bears our name and our lease lives: nobody else would end it. */
  async #persist(id: bigint): Promise<void> {
    for (let delayMs = firstAgainMs; ; delayMs = Math.min(2 * delayMs, longestAgainMs)) {
      try {
        await this.#options.carryOut(id, this.id);
        return;
      } catch (error) {
        this.#options.log.warn(
          { err: error, pushId: id.toString(), retryInMs: delayMs },
          'A push could not be recorded',
        );
      }
      if (this.#stopping) return;
      await sleep(delayMs, undefined, { ref: false });
      if (this.#stopping) return;
    }
  }
}
