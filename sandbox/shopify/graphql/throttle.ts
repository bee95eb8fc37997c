export interface ThrottleStatus {
  maximumAvailable: number;
  currentlyAvailable: number;
  restoreRate: number;
}

/** The leaky bucket of cost points: a query needs room for what it asks, and gives back what it did not use. */
export class CostBucket {
  enabled: boolean;
  #maximum: number;
  #restorePerSecond: number;
  #available: number;
  #atMs: number;
  #now: () => number;

  constructor(options: { maximum: number; restorePerSecond: number; enabled: boolean; now: () => number }) {
    this.#maximum = options.maximum;
    this.#restorePerSecond = options.restorePerSecond;
    this.#available = options.maximum;
    this.#now = options.now;
    this.#atMs = options.now();
    this.enabled = options.enabled;
  }

  take(points: number): boolean {
    this.#restore();
    if (!this.enabled) return true;
    if (points > this.#available) return false;
    this.#available -= points;
    return true;
  }

  giveBack(points: number): void {
    if (!this.enabled) return;
    this.#restore();
    this.#available = Math.min(this.#maximum, this.#available + points);
  }

  fill(): void {
    this.#available = this.#maximum;
  }

  status(): ThrottleStatus {
    this.#restore();
    return {
      maximumAvailable: this.#maximum,
      currentlyAvailable: Math.floor(this.#available),
      restoreRate: this.#restorePerSecond,
    };
  }

  #restore(): void {
    const now = this.#now();
    const restored = ((now - this.#atMs) / 1000) * this.#restorePerSecond;
    this.#available = Math.min(this.#maximum, this.#available + Math.max(0, restored));
    this.#atMs = now;
  }
}
