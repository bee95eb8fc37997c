import { round } from './samples.ts';

interface Target {
  name: string;
  value: number;
  limit: number;
  sense: 'at most' | 'at least';
  unit: string;
}

/** What one benchmark has to say: lines for people, and targets that are met or missed. */
export class Report {
  readonly #name: string;
  readonly #targets: Target[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  say(line: string): void {
    console.log(line === '' ? '' : `  ${line}`);
  }

  /** Figures under each other, the first column as wide as it needs to be. */
  table(rows: readonly (readonly [label: string, ...cells: string[]])[]): void {
    const widths = (rows[0] ?? []).map((_, column) =>
      Math.max(...rows.map((row) => (row[column] ?? '').length)),
    );
    for (const row of rows) {
      this.say(
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('   ')
          .trimEnd(),
      );
    }
  }

  atMost(name: string, value: number, limit: number, unit: string): void {
    this.#judge({ name, value, limit, sense: 'at most', unit });
  }

  atLeast(name: string, value: number, limit: number, unit: string): void {
    this.#judge({ name, value, limit, sense: 'at least', unit });
  }

  get targets(): number {
    return this.#targets.length;
  }

  /** Of the targets, in words. */
  missed(): string[] {
    return this.#targets
      .filter((target) => !isMet(target))
      .map((target) => `${this.#name}: ${describe(target)}`);
  }

  #judge(target: Target): void {
    this.#targets.push(target);
    this.say(`${isMet(target) ? '✓' : '✗'} ${describe(target)}`);
  }
}

/** A figure that could not be measured (NaN) meets nothing. */
function isMet(target: Target): boolean {
  return target.sense === 'at most' ? target.value <= target.limit : target.value >= target.limit;
}

function describe({ name, value, limit, sense, unit }: Target): string {
  const suffix = unit === '' ? '' : ` ${unit}`;
  return `${name} ${round(value)}${suffix} (target ${sense} ${round(limit)}${suffix})`;
}
