export interface LimitRates {
  perSecond: number;
  perMinute: number;
  batchesPerMinute: number;
}

/** Limits of one app in one company. */
const realRates: LimitRates = { perSecond: 10, perMinute: 500, batchesPerMinute: 120 };

/** Counts requests in sliding windows; refused ones do not count. */
export class RequestLimits {
  enabled: boolean;
  rates: LimitRates;
  #now: () => number;
  #requests: number[] = [];
  #batches: number[] = [];
  #refused = 0;

  constructor(enabled: boolean, now: () => number, rates: LimitRates = realRates) {
    this.enabled = enabled;
    this.#now = now;
    this.rates = rates;
  }

  get refused(): number {
    return this.#refused;
  }

  /** False where this request is one too many. */
  admit(batch: boolean): boolean {
    if (!this.enabled) return true;
    const now = this.#now();
    forget(this.#requests, now - 60_000);
    forget(this.#batches, now - 60_000);
    const lastSecond = this.#requests.length - lowerBound(this.#requests, now - 999);
    const full =
      this.#requests.length >= this.rates.perMinute ||
      lastSecond >= this.rates.perSecond ||
      (batch && this.#batches.length >= this.rates.batchesPerMinute);
    if (full) {
      this.#refused += 1;
      return false;
    }
    this.#requests.push(now);
    if (batch) this.#batches.push(now);
    return true;
  }
}

function forget(times: number[], upTo: number): void {
  const kept = lowerBound(times, upTo + 1);
  if (kept > 0) times.splice(0, kept);
}

function lowerBound(times: readonly number[], from: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
