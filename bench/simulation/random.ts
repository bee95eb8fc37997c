/** Random numbers that a seed repeats exactly. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Between 0 and 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4_294_967_296;
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Time until the next of events that come at this rate. */
  exponential(perMs: number): number {
    return -Math.log(1 - this.next()) / perMs;
  }

  /** A latency by its median and the value that nine out of ten stay below. */
  latency({ medianMs, p90Ms }: Latency): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return medianMs * Math.exp((Math.log(p90Ms / medianMs) / 1.2816) * normal);
  }
}

export interface Latency {
  medianMs: number;
  p90Ms: number;
}
