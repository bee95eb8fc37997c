/** Every measurement of a run, kept exactly: percentiles are read off the sorted list, nothing is binned. */
export class Samples {
  readonly #values: number[] = [];
  #sorted: Float64Array | null = null;

  static of(values: Iterable<number>): Samples {
    const samples = new Samples();
    for (const value of values) samples.add(value);
    return samples;
  }

  add(value: number): void {
    this.#values.push(value);
    this.#sorted = null;
  }

  get count(): number {
    return this.#values.length;
  }

  get mean(): number {
    return this.#values.reduce((sum, value) => sum + value, 0) / this.#values.length;
  }

  get max(): number {
    return this.percentile(100);
  }

  /** Nearest rank: the smallest value that at least `percent` of all values do not exceed. */
  percentile(percent: number): number {
    this.#sorted ??= Float64Array.from(this.#values).sort();
    const rank = Math.max(1, Math.ceil((percent / 100) * this.#sorted.length));
    return this.#sorted[rank - 1] ?? Number.NaN;
  }

  /** p50 1.2 · p90 2.0 · p99 3.4 · max 5.6 ms */
  describe(unit = 'ms'): string {
    const text = [50, 90, 99].map((percent) => `p${percent} ${round(this.percentile(percent))}`);
    return `${[...text, `max ${round(this.max)}`].join(' · ')} ${unit}`;
  }
}

/** Three digits that matter. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return value.toFixed(2);
}
