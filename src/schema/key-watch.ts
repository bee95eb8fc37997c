import type { Log } from '../log.ts';
import type { KeyRing } from './authenticate.ts';
import type { Actor } from './scopes.ts';

interface Watched {
  actor: Actor;
  close: () => void;
}

/**
 * What stays open in a key's name, sockets and event streams: counted, so that no key can exhaust the process, and closed
 * once the key is withdrawn, has expired or may see something else. Keys are looked at again every so often.
 */
export class KeyWatch {
  readonly #keys: KeyRing;
  readonly #log: Log;
  readonly #everyMs: number;
  /** By key; null: those who need none. */
  readonly #open = new Map<string | null, Set<Watched>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { keys: KeyRing; log: Log; everyMs: number }) {
    this.#keys = options.keys;
    this.#log = options.log;
    this.#everyMs = options.everyMs;
  }

  count(key: string | null): number {
    return this.#open.get(key)?.size ?? 0;
  }

  /** @returns forgets it again; to be called when it has closed, whoever closed it. */
  watch(key: string | null, watched: Watched): () => void {
    const open = this.#open.get(key) ?? new Set();
    this.#open.set(key, open.add(watched));
    this.#timer ??= setInterval(() => void this.#look(), this.#everyMs).unref();
    return () => {
      open.delete(watched);
      if (open.size === 0 && this.#open.get(key) === open) this.#open.delete(key);
      if (this.#open.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #look(): Promise<void> {
    for (const [key, open] of [...this.#open]) {
      if (key === null) continue;
      try {
        const actor = await this.#keys.actorOfKey(key, { fresh: true });
        for (const watched of [...open]) if (!isSame(actor, watched.actor)) watched.close();
      } catch (error) {
        this.#log.warn({ err: error }, 'a key could not be looked at again');
      }
    }
  }
}

function isSame(actor: Actor | null, before: Actor): boolean {
  return actor !== null && actor.scopes.size === before.scopes.size && actor.scopes.isSubsetOf(before.scopes);
}
