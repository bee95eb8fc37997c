/** At most `max` requests within any `windowMs`; a refused request does not count. */
export class RollingLimit {
  readonly max: number;
  readonly windowMs: number;
  #times: number[] = [];
  #head = 0;

  constructor(max: number, windowMs: number) {
    this.max = max;
    this.windowMs = windowMs;
  }

  take(nowMs: number): { allowed: boolean; remaining: number } {
    while (this.#head < this.#times.length && (this.#times[this.#head] ?? 0) <= nowMs - this.windowMs)
      this.#head += 1;
    if (this.#head > 1024) {
      this.#times = this.#times.slice(this.#head);
      this.#head = 0;
    }
    const used = this.#times.length - this.#head;
    if (used >= this.max) return { allowed: false, remaining: 0 };
    this.#times.push(nowMs);
    return { allowed: true, remaining: this.max - used - 1 };
  }

  reset(): void {
    this.#times = [];
    this.#head = 0;
  }
}

/** At most `max` requests from midnight to midnight (UTC). */
export class DailyLimit {
  readonly max: number;
  #day = -1;
  #used = 0;

  constructor(max: number) {
    this.max = max;
  }

  get used(): number {
    return this.#used;
  }

  take(nowMs: number): { allowed: boolean; remaining: number } {
    const day = Math.floor(nowMs / 86_400_000);
    if (day !== this.#day) {
      this.#day = day;
      this.#used = 0;
    }
    if (this.#used >= this.max) return { allowed: false, remaining: 0 };
    this.#used += 1;
    return { allowed: true, remaining: this.max - this.#used };
  }

  reset(): void {
    this.#used = 0;
  }
}
