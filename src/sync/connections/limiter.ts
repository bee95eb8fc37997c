import type { RateLimit } from '../platforms/platform.ts';

export interface LimiterClock {
  now(): number;
  /** Calls back after that many ms. */
  later(ms: number, callback: () => void): void;
}

const systemClock: LimiterClock = {
  now: () => performance.now(),
  later: (ms, callback) => {
    setTimeout(callback, ms);
  },
};

/**
 * Lets at most `requests` start within any window of `windowMs` and at most `concurrent` run at a time; the others
 * wait in the order in which they came.
 */
export class Limiter {
  readonly #limit: RateLimit;
  readonly #clock: LimiterClock;
  /** Times of the latest starts, at most `requests` of them, oldest first. */
  readonly #starts: number[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #timer = false;

  constructor(limit: RateLimit, clock: LimiterClock = systemClock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.#waiting.push(start);
      this.#admit();
    });
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#admit();
    }
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#running < this.#limit.concurrent) {
      const now = this.#clock.now();
      const oldest = this.#starts.length < this.#limit.requests ? undefined : this.#starts[0];
      if (oldest !== undefined && now - oldest < this.#limit.windowMs) {
        this.#wakeAfter(this.#limit.windowMs - (now - oldest));
        return;
      }
      if (oldest !== undefined) this.#starts.shift();
      this.#starts.push(now);
      this.#running += 1;
      this.#waiting.shift()?.();
    }
  }

  #wakeAfter(ms: number): void {
    if (this.#timer) return;
    this.#timer = true;
    // One more ms: timers may fire a fraction early.
    this.#clock.later(Math.ceil(ms) + 1, () => {
      this.#timer = false;
      this.#admit();
    });
  }
}
