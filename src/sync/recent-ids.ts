/** Remembers ids until they are asked for, at most so many: the oldest are forgotten first. */
export class RecentIds {
  readonly #most: number;
  readonly #ids = new Set<bigint>();

  constructor(most: number) {
    this.#most = most;
  }

  add(id: bigint): void {
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > this.#most && oldest !== undefined) this.#ids.delete(oldest);
  }

  /** Whether it is remembered; from now on it is not. */
  take(id: bigint): boolean {
    return this.#ids.delete(id);
  }
}
