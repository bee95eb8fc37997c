import { setTimeout as sleep } from 'node:timers/promises';

/** Requests a second and burst of each operation, as its usage plan in the official model says. */
export const usagePlans = {
  searchOrders: { perSecond: 0.0056, burst: 20 },
  getOrder: { perSecond: 0.5, burst: 30 },
  listTransactions: { perSecond: 0.5, burst: 10 },
  getListingsItem: { perSecond: 5, burst: 10 },
  patchListingsItem: { perSecond: 5, burst: 5 },
  searchListingsItems: { perSecond: 5, burst: 5 },
  getInventorySummaries: { perSecond: 2, burst: 2 },
  getSubscription: { perSecond: 1, burst: 5 },
  createSubscription: { perSecond: 1, burst: 5 },
  deleteSubscriptionById: { perSecond: 1, burst: 5 },
  getDestinations: { perSecond: 1, burst: 5 },
} as const;
export type Operation = keyof typeof usagePlans;

/** A place that nobody came for is given up this long after its time. */
const placeLivesMs = 120_000;

/**
 * A token bucket that gives out places in its queue: whoever asks learns when it is their turn, and may go away until then.
 * So a backlog of slow operations holds up no worker, and each piece of it comes twice at most.
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #now: () => number;
  #intervalMs: number;
  /** When the bucket would be full, if nobody asked any more (the generic cell rate algorithm's theoretical arrival time). */
  #fullAtMs = 0;
  readonly #places = new Map<string, number>();

  constructor(plan: { perSecond: number; burst: number }, now: () => number) {
    this.#intervalMs = 1_000 / plan.perSecond;
    this.#burst = plan.burst;
    this.#now = now;
  }

  /** How long until it is this one's turn, in ms; 0: now, and the token is taken. Asking again under the same name keeps the place. */
  turn(name: string): number {
    const now = this.#now();
    for (const [held, atMs] of this.#places) if (atMs + placeLivesMs < now) this.#places.delete(held);
    const atMs = this.#places.get(name) ?? this.#next(now);
    if (atMs <= now) {
      this.#places.delete(name);
      return 0;
    }
    this.#places.set(name, atMs);
    return atMs - now;
  }

  /** Waits for a token. */
  async wait(): Promise<void> {
    const atMs = this.#next(this.#now());
    for (let left = atMs - this.#now(); left > 0; left = atMs - this.#now()) await sleep(left);
  }

  /** The platform says that nothing is left, whatever we counted: somebody else shares the account. */
  empty(): void {
    this.#fullAtMs = Math.max(this.#fullAtMs, this.#now() + this.#burst * this.#intervalMs);
  }

  /** The platform tells the rate that it applies to this account. */
  adopt(perSecond: number): void {
    if (!(perSecond > 0) || !Number.isFinite(perSecond)) return;
    const intervalMs = 1_000 / perSecond;
    // What is missing is counted in tokens, and comes back at the new rate.
    const now = this.#now();
    if (this.#fullAtMs > now) this.#fullAtMs = now + ((this.#fullAtMs - now) / this.#intervalMs) * intervalMs;
    this.#intervalMs = intervalMs;
  }

  #next(now: number): number {
    const base = Math.max(this.#fullAtMs, now);
    this.#fullAtMs = base + this.#intervalMs;
    return Math.max(now, this.#fullAtMs - this.#burst * this.#intervalMs);
  }
}
