import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterCommit } from '../../db/transaction.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { enqueuePushes, type PlannedPush, type PushQueue } from './enqueue-pushes.ts';

export interface PushCarrierOptions {
  /** Carries out one push from its claim to its receipt. Where it throws, the database could not be told: it is tried again. */
  carryOut: (id: bigint, worker: string) => Promise<void>;
  /** Sees to it that a push that is still open has a job, for when it is due. */
  putBack: (id: bigint) => Promise<void>;
  log: Log;
  /** Pushes of one account carried out at the same time; each has its own, so that one that hangs holds up no other. */
  atOnce: (platform: PlatformName) => number;
  /** Pushes of all accounts together. */
  atOnceInAll: number;
  /** So many an account may have whatever the others take: however many of them hang, none is without. */
  ownPlaces: number;
  /** Of each account so many may wait here; more become jobs, which other processes take too. */
  mostWaiting: number;
  /** A clock that never goes back, in ms. */
  now?: () => number;
}

const firstAgainMs = 500;
const longestAgainMs = 20_000;

/** Bounds of the time after which whoever found no room asks again. */
const soonestRoomMs = 1_000;
const latestRoomMs = 60_000;

/** An account, as far as carrying out goes. */
export interface Account {
  connectionId: bigint;
  platform: PlatformName;
}

/** The places of one account, and what waits for them. */
interface Bay {
  atOnce: number;
  waiting: bigint[];
  running: number;
  /** How often one ends, smoothed; and when the last one did, or the first began after a rest. */
  everyMs: number;
  endedMs: number;
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
  readonly #now: () => number;
  readonly #bays = new Map<bigint, Bay>();
  #running = 0;
  /** Waiting or running here; `asked`: running, and asked for once more since. */
  readonly #known = new Map<bigint, 'waiting' | 'running' | 'asked'>();
  #stopping = false;

  constructor(options: PushCarrierOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Takes on what is planned, after the commit; what it has no room for becomes jobs. */
  async enqueue(
    tx: Parameters<PushQueue['enqueue']>[0],
    pushes: Parameters<PushQueue['enqueue']>[1],
  ): Promise<void> {
    const mine: PlannedPush[] = [];
    const others: bigint[] = [];
    const rooms = new Map<bigint, number>();
    for (const push of pushes) {
      const room = rooms.get(push.connectionId) ?? this.#room(push);
      rooms.set(push.connectionId, room - 1);
      if (room > 0) mine.push(push);
      else others.push(push.id);
    }
    await enqueuePushes(tx, others);
    afterCommit(tx, () => {
      for (const push of mine) this.take(push, push.id);
    });
  }

  /** Whether it is here already, or there is room for it. */
  takesOn(account: Account, id: bigint): boolean {
    return this.#known.has(id) || this.#room(account) > 0;
  }

  /**
   * When half of what waits will be gone, going by how fast it goes. Those who ask in vain are told so: asking every second or two,
   * ten thousand of them would take more of the database than all orders do.
   */
  roomInMs(account: Account): number {
    // Another process has room, or the next one.
    if (this.#stopping) return soonestRoomMs;
    const { waiting, everyMs } = this.#bay(account);
    return Math.min(latestRoomMs, Math.max(soonestRoomMs, (waiting.length / 2) * everyMs));
  }

  /**
   * Carries it out when its turn comes. One that is here already is not taken twice; but one that runs may just have been
   * put back, and its job come before we know of it: it is given another when it has ended.
   */
  take(account: Account, id: bigint): void {
    const known = this.#known.get(id);
    if (known !== undefined) {
      if (known === 'running') this.#known.set(id, 'asked');
      return;
    }
    this.#known.set(id, 'waiting');
    this.#bay(account).waiting.push(id);
    this.#next();
  }

  /**
   * Of pushes that run under our name in the table, those that we know nothing of: a database that came back from a copy has
   * forgotten that they were ended. Nobody else would touch them for as long as we live.
   */
  unknownOf(running: readonly bigint[]): bigint[] {
    return running.filter((id) => !this.#known.has(id));
  }

  /** Begins nothing more; what runs comes to its end. */
  stop(): void {
    this.#stopping = true;
  }

  /** Takes out what waits and was not begun: the caller makes jobs of it. */
  left(): bigint[] {
    return [...this.#bays.values()].flatMap(({ waiting }) => waiting.splice(0));
  }

  #room(account: Account): number {
    return this.#stopping ? 0 : this.#options.mostWaiting - this.#bay(account).waiting.length;
  }

  #bay({ connectionId, platform }: Account): Bay {
    let bay = this.#bays.get(connectionId);
    if (bay === undefined) {
      bay = { atOnce: this.#options.atOnce(platform), waiting: [], running: 0, everyMs: 0, endedMs: 0 };
      this.#bays.set(connectionId, bay);
    }
    return bay;
  }

  #next(): void {
    while (!this.#stopping) {
      const bay = this.#nextBay();
      const id = bay?.waiting.shift();
      if (bay === undefined || id === undefined) return;
      this.#begin(bay, id);
    }
  }

  /** Of those that wait and may begin, the account that has the fewest under way. */
  #nextBay(): Bay | undefined {
    const { atOnceInAll, ownPlaces } = this.#options;
    let next: Bay | undefined;
    for (const bay of this.#bays.values()) {
      if (bay.waiting.length === 0 || bay.running >= bay.atOnce) continue;
      if (this.#running >= atOnceInAll && bay.running >= ownPlaces) continue;
      if (next === undefined || bay.running < next.running) next = bay;
    }
    return next;
  }

  #begin(bay: Bay, id: bigint): void {
    if (bay.running === 0) bay.endedMs = this.#now();
    bay.running += 1;
    this.#running += 1;
    this.#known.set(id, 'running');
    this.#persist(id).finally(() => {
      bay.running -= 1;
      this.#running -= 1;
      this.#measure(bay);
      if (this.#known.get(id) === 'asked') this.#putBack(id);
      this.#known.delete(id);
      this.#next();
    });
  }

  #measure(bay: Bay): void {
    const now = this.#now();
    bay.everyMs += (now - bay.endedMs - bay.everyMs) / 10;
    bay.endedMs = now;
  }

  #putBack(id: bigint): void {
    // Where it fails, the look for open work without a job finds it.
    this.#options
      .putBack(id)
      .catch((error: unknown) =>
        this.#options.log.warn({ err: error, pushId: id.toString() }, 'A push could not be put back'),
      );
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
