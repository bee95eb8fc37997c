import type { Random } from '../kit/random.ts';

interface UsagePlan {
  perSecond: number;
  burst: number;
}

/** The default usage plans, as the official models state them. */
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
  createDestination: { perSecond: 1, burst: 5 },
} satisfies Record<string, UsagePlan>;
export type OperationName = keyof typeof usagePlans;

/** What is granted where limits are switched off. */
const unlimitedPerSecond = 1_000;

/** One token bucket for each operation, as for one application and one seller. */
export class Limits {
  enabled: boolean;
  readonly #now: () => number;
  readonly #random: Random;
  readonly #buckets = new Map<OperationName, { tokens: number; atMs: number }>();
  readonly #refused = new Map<OperationName, number>();

  constructor(enabled: boolean, now: () => number, random: Random) {
    this.enabled = enabled;
    this.#now = now;
    this.#random = random;
  }

  get refused(): Record<string, number> {
    return Object.fromEntries(this.#refused);
  }

  /** Whether the request may go on, and the headers of its answer: a refusal names the rate only sometimes. */
  admit(operation: OperationName): { admitted: boolean; headers: Record<string, string> } {
    if (!this.enabled)
      return { admitted: true, headers: { 'x-amzn-RateLimit-Limit': String(unlimitedPerSecond) } };
    const plan: UsagePlan = usagePlans[operation];
    const headers = { 'x-amzn-RateLimit-Limit': String(plan.perSecond) };
    const now = this.#now();
    const bucket = this.#buckets.get(operation) ?? { tokens: plan.burst, atMs: now };
    const tokens = Math.min(plan.burst, bucket.tokens + ((now - bucket.atMs) / 1_000) * plan.perSecond);
    const admitted = tokens >= 1;
    this.#buckets.set(operation, { tokens: admitted ? tokens - 1 : tokens, atMs: now });
    if (admitted) return { admitted, headers };
    this.#refused.set(operation, (this.#refused.get(operation) ?? 0) + 1);
    return { admitted, headers: this.#random.chance(0.5) ? headers : {} };
  }
}
