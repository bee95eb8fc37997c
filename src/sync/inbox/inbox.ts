import type { Pool } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Metrics } from '../metrics.ts';
import { insertDeliveries, type NewDelivery } from './insert-deliveries.ts';

const maxBatchRows = 200;
const mebibyte = 1_048_576;

export interface InboxLimits {
  /** More requests than this waiting for the database: further ones are refused at once, the platform comes again. */
  waiting: number;
  /** Bytes of their bodies: a database that hangs must not fill the memory with what waits for it. */
  waitingBytes: number;
  /** Of one statement, which holds its bodies once more. */
  batchBytes: number;
}

const usualLimits: InboxLimits = { waiting: 5_000, waitingBytes: 128 * mebibyte, batchBytes: 16 * mebibyte };

/** How often the time of a connection's latest delivery is written. */
const lastDeliveryEveryMs = 1_000;

interface Waiting {
  deliveries: readonly NewDelivery[];
  bytes: number;
  done: () => void;
  failed: (error: unknown) => void;
}

/**
 * Stores deliveries in batches that form by themselves: while one statement is under way, whatever arrives waits and
 * goes with the next one. Nobody waits for a timer, so a single request is as fast as without batches.
 */
export class Inbox {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #limits: InboxLimits;
  #waiting: Waiting[] = [];
  /** Of all that is not stored yet, what is under way included. */
  #bytes = 0;
  #busy = false;
  readonly #lastDeliveryWrittenMs = new Map<bigint, number>();

  constructor(options: { pool: Pool; log: Log; metrics: Metrics; limits?: InboxLimits }) {
    this.#pool = options.pool;
    this.#log = options.log;
    this.#metrics = options.metrics;
    this.#limits = options.limits ?? usualLimits;
  }

  /** Resolves when all of them are committed (or were known already). */
  store(deliveries: readonly NewDelivery[]): Promise<void> {
    const bytes = deliveries.reduce((sum, { body }) => sum + body.length, 0);
    if (this.#waiting.length >= this.#limits.waiting || this.#bytes + bytes > this.#limits.waitingBytes)
      return Promise.reject(overloaded());
    this.#bytes += bytes;
    const stored = new Promise<void>((done, failed) => {
      this.#waiting.push({ deliveries, bytes, done, failed });
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#flush());
    });
    return stored.finally(() => {
      this.#bytes -= bytes;
    });
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        await this.#insert(batch.flatMap((waiting) => waiting.deliveries));
        for (const waiting of batch) waiting.done();
      } catch (error) {
        await this.#insertOneByOne(batch, error);
      }
    }
    this.#busy = false;
  }

  #nextBatch(): Waiting[] {
    let rows = 0;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      rows += waiting.deliveries.length;
      bytes += waiting.bytes;
      if (count > 0 && (rows > maxBatchRows || bytes > this.#limits.batchBytes)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** One row that Postgres refuses must not refuse the requests that happened to share its batch. */
  async #insertOneByOne(batch: readonly Waiting[], error: unknown): Promise<void> {
    if (batch.length === 1 || !isAboutData(error)) {
      for (const waiting of batch) waiting.failed(error);
      return;
    }
    for (const waiting of batch) {
      try {
        await this.#insert(waiting.deliveries);
        waiting.done();
      } catch (own) {
        waiting.failed(own);
      }
    }
  }

  async #insert(deliveries: readonly NewDelivery[]): Promise<void> {
    await insertDeliveries(this.#pool, deliveries);
    this.#metrics.inboxBatchRows.observe(deliveries.length);
    this.#noteLastDelivery(deliveries);
  }

  /** At most once a second per connection and never waited for: it is a display, not a fact of record. */
  #noteLastDelivery(deliveries: readonly NewDelivery[]): void {
    const now = performance.now();
    const due = new Set<bigint>();
    for (const { connectionId } of deliveries) {
      const written = this.#lastDeliveryWrittenMs.get(connectionId) ?? Number.NEGATIVE_INFINITY;
      if (now - written >= lastDeliveryEveryMs) due.add(connectionId);
    }
    if (due.size === 0) return;
    for (const id of due) this.#lastDeliveryWrittenMs.set(id, now);
    this.#pool
      .query({
        name: 'note-last-delivery',
        text: 'update connection set last_delivery_at = clock_timestamp() where id = any($1::bigint[])',
        values: [[...due]],
      })
      .catch((error: unknown) =>
        this.#log.warn({ err: error }, 'The time of the latest delivery was not stored'),
      );
  }
}

/** Data exceptions, broken constraints and exceeded limits: a row, not the database, is at fault. */
function isAboutData(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(22|23|54)/.test(String(error.code));
}

function overloaded(): AppError {
  return new AppError({
    code: 'INBOX_OVERLOADED',
    retryable: true,
    publicMessage: 'Too many deliveries wait for the database.',
  });
}
