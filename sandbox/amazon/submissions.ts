import type { Random } from '../kit/random.ts';
import type { Account } from './account.ts';
import { applySubmission } from './listings.ts';

/** Accepted quantities on their way: each takes its time, and none overtakes an earlier one of its offer. */
export class Submissions implements Disposable {
  readonly #account: () => Account;
  readonly #random: Random;
  readonly #delayMs: readonly [number, number];
  readonly #changed: () => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #lastAtMs = new Map<string, number>();
  /** Quantities that are on their way, by SKU and in the order in which they came. */
  readonly #queues = new Map<string, number[]>();

  constructor(options: {
    account: () => Account;
    random: Random;
    delayMs: readonly [number, number];
    changed: () => void;
  }) {
    this.#account = options.account;
    this.#random = options.random;
    this.#delayMs = options.delayMs;
    this.#changed = options.changed;
  }

  /** How many are on their way. */
  get waiting(): number {
    return this.#timers.size;
  }

  submit(sku: string, quantity: number): void {
    const now = performance.now();
    const [min, max] = this.#delayMs;
    const atMs = Math.max(now + this.#random.int(min, max), (this.#lastAtMs.get(sku) ?? 0) + 1);
    this.#lastAtMs.set(sku, atMs);
    const queue = this.#queues.get(sku) ?? [];
    this.#queues.set(sku, queue);
    queue.push(quantity);
    // Timers of whole milliseconds may fire in another order than they were set: whichever fires takes what came first.
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      applySubmission(this.#account(), sku, queue.shift() ?? quantity);
      this.#changed();
    }, atMs - now);
    timer.unref();
    this.#timers.add(timer);
  }

  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#lastAtMs.clear();
    this.#queues.clear();
  }

  [Symbol.dispose](): void {
    this.clear();
  }
}
