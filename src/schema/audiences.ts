/**
 * How many different things each key is shown live. Those who see the same share one rendering, however many they are; each
 * different document, or other variables, is rendered anew for every event, so that one key could take all of the processor.
 */
export class Audiences {
  readonly #most: number;
  readonly #byCaller = new Map<string, Map<string, number>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns leaves again, to be called once; null where it would be one too many. */
  enter(caller: string, audience: string): (() => void) | null {
    const entered = this.#byCaller.get(caller) ?? new Map<string, number>();
    const count = entered.get(audience) ?? 0;
    if (count === 0 && entered.size >= this.#most) return null;
    this.#byCaller.set(caller, entered.set(audience, count + 1));
    return () => {
      const left = (entered.get(audience) ?? 1) - 1;
      if (left > 0) entered.set(audience, left);
      else entered.delete(audience);
      if (entered.size === 0 && this.#byCaller.get(caller) === entered) this.#byCaller.delete(caller);
    };
  }
}
