interface Entry<T> {
  atMs: number;
  id: string;
  item: T;
}

/**
 * Records in the order of a time and their id. A change appends; the record's older entry stays behind as garbage and
 * is swept when it makes up half of the whole, so that both a change and the start of a page cost next to nothing.
 */
export class SortedIndex<T extends { id: string }> {
  #entries: Entry<T>[] = [];
  #latest = new Map<string, Entry<T>>();
  #timeOf: (item: T) => number;

  constructor(timeOf: (item: T) => number) {
    this.#timeOf = timeOf;
  }

  placeOf(item: T): { atMs: number; id: string } {
    return { atMs: this.#timeOf(item), id: item.id };
  }

  touch(item: T): void {
    const entry: Entry<T> = { ...this.placeOf(item), item };
    let position = this.#entries.length;
    while (position > 0 && compare(this.#entries[position - 1], entry) > 0) position -= 1;
    if (position === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(position, 0, entry);
    this.#latest.set(item.id, entry);
    if (this.#entries.length > 64 && this.#entries.length > 2 * this.#latest.size) {
      this.#entries = this.#entries.filter((one) => this.#latest.get(one.id) === one);
    }
  }

  remove(id: string): void {
    this.#latest.delete(id);
  }

  rebuild(items: Iterable<T>): void {
    this.#entries = [...items].map((item) => ({ ...this.placeOf(item), item }));
    this.#entries.sort(compare);
    this.#latest = new Map(this.#entries.map((entry) => [entry.id, entry]));
  }

  /** Oldest change first, from `atMs` on (or after the cursor, exclusive). */
  *ascending(from: { atMs: number; id: string } | null): Generator<T> {
    for (let index = from === null ? 0 : this.#after(from); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry !== undefined && this.#latest.get(entry.id) === entry) yield entry.item;
    }
  }

  /** Newest change first, before the cursor (exclusive). */
  *descending(before: { atMs: number; id: string } | null): Generator<T> {
    let index = before === null ? this.#entries.length - 1 : this.#after(before) - 1;
    for (; index >= 0; index -= 1) {
      const entry = this.#entries[index];
      if (entry === undefined || this.#latest.get(entry.id) !== entry) continue;
      if (before !== null && compare(entry, before) >= 0) continue;
      yield entry.item;
    }
  }

  /** Position of the first entry after the cursor. */
  #after(cursor: { atMs: number; id: string }): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#entries[middle], cursor) > 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function compare(
  a: { atMs: number; id: string } | undefined,
  b: { atMs: number; id: string } | undefined,
): number {
  if (a === undefined || b === undefined) return 0;
  return a.atMs - b.atMs || compareIds(a.id, b.id);
}

/** Ids are decimal digits: the longer is the greater. */
export function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
