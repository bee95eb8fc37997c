import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { watchful, watchfulServer } from '../../db/pool.ts';
import type { Log } from '../../log.ts';

const firstPollMs = 5;
const longestPollMs = 100;

interface Question {
  lane: string;
  /** False: the lane is given back. */
  lock: boolean;
  resolve: (yes: boolean) => void;
  reject: (error: unknown) => void;
}

/**
 * Runs the work of one subject one piece after the other, over all processes. Within the process, work that finds its
 * lane taken is handed over to whoever holds it, so that a busy subject occupies one worker and not all of them. Between
 * processes an advisory lock decides. All locks are held by one connection of this process's own: Postgres frees them at
 * the moment that connection ends, however the process ends.
 */
export class Lanes implements AsyncDisposable {
  readonly #connectionString: string;
  readonly #log: Log;
  readonly #unansweredMs: number;
  readonly #held = new Map<string, Set<bigint>>();
  #client: Promise<pg.Client> | null = null;
  #questions: Question[] = [];
  #asking: Promise<void> | null = null;
  #stopping = false;

  constructor(options: { connectionString: string; log: Log; unansweredMs?: number }) {
    this.#connectionString = options.connectionString;
    this.#log = options.log;
    // Nothing that it asks takes any time.
    this.#unansweredMs = options.unansweredMs ?? 10_000;
  }

  /**
   * Works on `id` when the lane is free, else leaves it to the holder and returns at once.
   * @returns ids that were handed over but not worked on because of a stop: the caller puts them back.
   */
  async run(lane: string, id: bigint, work: (id: bigint) => Promise<void>): Promise<bigint[]> {
    const held = this.#held.get(lane);
    if (held !== undefined) {
      held.add(id);
      return [];
    }
    const handedOver = new Set<bigint>();
    this.#held.set(lane, handedOver);
    try {
      await this.#lock(lane);
      try {
        await work(id);
        await this.#workOnHandedOver(lane, handedOver, work);
      } finally {
        this.#unlock(lane);
      }
    } finally {
      this.#held.delete(lane);
    }
    return [...handedOver];
  }

  /** Holders finish what they work on and take on nothing more. */
  stop(): void {
    this.#stopping = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#asking;
    const client = await this.#client?.catch(() => null);
    this.#client = null;
    await client?.end().catch(() => undefined);
  }

  async #workOnHandedOver(
    lane: string,
    handedOver: Set<bigint>,
    work: (id: bigint) => Promise<void>,
  ): Promise<void> {
    for (const next of handedOver) {
      if (this.#stopping) return;
      handedOver.delete(next);
      try {
        await work(next);
      } catch (error) {
        // Its own job is gone: the sweep for work without a job brings it back.
        this.#log.warn(
          { err: error, lane, id: next.toString() },
          'Handed-over work failed; it will be taken up again',
        );
      }
    }
  }

  async #lock(lane: string): Promise<void> {
    for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, longestPollMs)) {
      if (await this.#ask(lane, true)) return;
      await sleep(pollMs * (0.5 + Math.random()));
    }
  }

  /** Not waited for: questions are asked in order, so the next attempt to lock comes after it. */
  #unlock(lane: string): void {
    this.#ask(lane, false).catch(() => undefined);
  }

  /** What is asked while an answer is under way goes together with the next statement, in the order of asking. */
  #ask(lane: string, lock: boolean): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#questions.push({ lane, lock, resolve, reject });
      this.#asking ??= this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    // What one turn of the event loop asks goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#questions.length > 0) {
      const questions = this.#questions.splice(0);
      try {
        const client = await this.#connected();
        const { rows } = await client.query<{ yes: boolean }>({
          name: 'lanes',
          text: `select case when lock then pg_try_advisory_lock(hashtextextended(lane, 1))
                   else pg_advisory_unlock(hashtextextended(lane, 1)) end as yes
                 from unnest($1::text[], $2::boolean[]) as question (lane, lock)`,
          values: [questions.map(({ lane }) => lane), questions.map(({ lock }) => lock)],
        });
        for (const [index, { resolve }] of questions.entries()) resolve(rows[index]?.yes === true);
      } catch (error) {
        // Whatever it still holds ends with it.
        this.#giveUp();
        for (const { reject } of questions) reject(error);
      }
    }
    // In the same breath as the last look at the list: a question that comes later starts anew.
    this.#asking = null;
  }

  /** A connection that leads nowhere would not even hear that it is closed. */
  #giveUp(): void {
    const client = this.#client;
    this.#client = null;
    client?.then(
      (lost) => lost.connection.stream.destroy(),
      () => undefined,
    );
  }

  #connected(): Promise<pg.Client> {
    if (this.#client !== null) return this.#client;
    const client = new pg.Client({
      connectionString: this.#connectionString,
      application_name: 'tributary-lanes',
      ...watchful,
      options: watchfulServer,
      connectionTimeoutMillis: 5_000,
      query_timeout: this.#unansweredMs,
    });
    const connecting = client.connect().then(() => client);
    const forget = (): void => {
      if (this.#client === connecting) this.#client = null;
    };
    client.on('error', forget);
    client.on('end', forget);
    connecting.catch(forget);
    this.#client = connecting;
    return connecting;
  }
}
