import pg from 'pg';
import { durable } from '../../db/durable.ts';
import { type Pool, type Queryable, watchful, watchfulServer } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { EventType, StoredEvent } from '../../model/event.ts';

export interface EventStreamOptions {
  /** For the LISTEN connection, which stays outside the pool. */
  connectionString: string;
  pool: Pool;
  log: Log;
  /** How many recent events are kept in memory for all subscribers together. */
  keep?: number;
  /** How often the table is read although no doorbell rang. */
  pollMs?: number;
}

export interface SubscribeOptions {
  /** Position of the last event seen; the stream goes on right after it. Absent: from now on. */
  after?: bigint;
  types?: readonly EventType[];
  where?: (event: StoredEvent) => boolean;
  signal?: AbortSignal;
}

const pageSize = 500;

/**
 * The events of the database as a stream without gap or repetition. One LISTEN connection and one reader serve the
 * whole process: the reader keeps the latest events in memory, and a subscriber is no more than a position in them. One
 * that falls behind what is kept reads pages from the table until it has caught up, so no subscriber can use up memory.
 */
export class EventStream implements AsyncDisposable {
  readonly #options: Required<EventStreamOptions>;
  /** The latest events, oldest first; their positions follow each other without gaps. */
  #recent: StoredEvent[] = [];
  /** Position of the last event read. */
  #tail: bigint;
  readonly #waiting = new Set<() => void>();
  #listener: pg.Client | null = null;
  #reading: Promise<void> | null = null;
  #readAgain = false;
  #stopped = false;
  #reconnectMs = 100;
  #reconnectTimer: NodeJS.Timeout | undefined;
  readonly #pollTimer: NodeJS.Timeout;

  static async start(options: EventStreamOptions): Promise<EventStream> {
    const stream = new EventStream({ keep: 10_000, pollMs: 1_000, ...options }, await readHead(options.pool));
    await stream.#listen();
    stream.#read();
    return stream;
  }

  private constructor(options: Required<EventStreamOptions>, head: bigint) {
    this.#options = options;
    this.#tail = head;
    this.#pollTimer = setInterval(() => this.#read(), options.pollMs);
    this.#pollTimer.unref();
  }

  /** Position of the last committed event; 0 where there is none. */
  head(): Promise<bigint> {
    return readHead(this.#options.pool);
  }

  /** Yields every matching event once, in commit order: first those after the cursor, then live ones until aborted. */
  subscribe(options: SubscribeOptions = {}): AsyncIterableIterator<StoredEvent> {
    return new Subscription(this, options, options.after ?? this.#tail);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#pollTimer);
    clearTimeout(this.#reconnectTimer);
    this.#wake();
    await this.#listener?.end().catch(() => undefined);
    await this.#reading;
  }

  // ── for Subscription ──

  get stopped(): boolean {
    return this.#stopped;
  }

  get tail(): bigint {
    return this.#tail;
  }

  /** The event right after a position, out of memory; undefined where it is no longer kept. */
  recentAfter(position: bigint): StoredEvent | undefined {
    const first = this.#recent[0];
    if (first === undefined || position + 1n < first.position) return undefined;
    return this.#recent[Number(position + 1n - first.position)];
  }

  /** Calls back once, when there is something new or the stream stops. */
  onNews(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /** Events out of the table. @throws AppError CURSOR_EXPIRED where some of them are no longer kept */
  async page(after: bigint, upTo: bigint, types: readonly EventType[] | null): Promise<StoredEvent[]> {
    const events = await readEvents(this.#options.pool, after, upTo, types);
    // Looked at after reading: what was dropped meanwhile may be missing.
    refuseDropped(after, await readDropped(this.#options.pool));
    return events;
  }

  // ── the one reader ──

  #read(): void {
    if (this.#stopped) return;
    if (this.#reading !== null) {
      this.#readAgain = true;
      return;
    }
    this.#reading = this.#readAll()
      .catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'Events could not be read; trying again'),
      )
      .finally(() => {
        this.#reading = null;
      });
  }

  async #readAll(): Promise<void> {
    do {
      this.#readAgain = false;
      const events = await readEvents(this.#options.pool, this.#tail, null, null);
      const last = events.at(-1);
      if (last === undefined) continue;
      // Visible is not yet on disk: what a power cut takes back must not have been told, its number comes again.
      await durable(this.#options.pool);
      // Rows removed by retention leave a hole; what is kept in memory must not have one.
      if (this.#recent.length > 0 && events[0]?.position !== this.#tail + 1n) this.#recent = [];
      for (const event of events) this.#recent.push(event);
      this.#tail = last.position;
      // Dropped in one go once there are too many by half, so that dropping costs little per event.
      if (this.#recent.length > this.#options.keep * 1.5)
        this.#recent = this.#recent.slice(-this.#options.keep);
      this.#wake();
      if (events.length === pageSize) this.#readAgain = true;
    } while (this.#readAgain && !this.#stopped);
  }

  #wake(): void {
    const callbacks = [...this.#waiting];
    this.#waiting.clear();
    for (const callback of callbacks) callback();
  }

  // ── the doorbell ──

  async #listen(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.connectionString,
      application_name: 'tributary-events',
      ...watchful,
      options: watchfulServer,
      connectionTimeoutMillis: 5_000,
    });
    let lost = false;
    const onLost = (error?: Error): void => {
      if (lost || this.#stopped) return;
      lost = true;
      this.#listener = null;
      client.end().catch(() => undefined);
      this.#options.log.warn({ err: error }, 'The event doorbell was lost; connecting again');
      this.#reconnectTimer = setTimeout(() => void this.#listen(), this.#reconnectMs);
      this.#reconnectMs = Math.min(this.#reconnectMs * 2, 5_000);
    };
    client.on('error', onLost);
    client.on('end', () => onLost());
    client.on('notification', () => this.#read());
    this.#listener = client;
    try {
      await client.connect();
      await client.query('listen tributary_event');
      this.#reconnectMs = 100;
      // What was committed while nobody listened.
      this.#read();
    } catch (error) {
      onLost(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

class Subscription implements AsyncIterableIterator<StoredEvent> {
  readonly #stream: EventStream;
  readonly #types: ReadonlySet<EventType> | null;
  readonly #where: ((event: StoredEvent) => boolean) | undefined;
  readonly #signal: AbortSignal | undefined;
  /** Everything up to here was yielded or passed over. */
  #cursor: bigint;
  /** A page read from the table, while catching up. */
  #page: StoredEvent[] = [];
  #pageEnd: bigint | null = null;
  #ended = false;
  #wake: (() => void) | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #onAbort = (): void => this.#end();

  constructor(stream: EventStream, options: SubscribeOptions, cursor: bigint) {
    if (cursor < 0n)
      throw new AppError({
        code: 'CURSOR_INVALID',
        retryable: false,
        publicMessage: 'A cursor is the position of an event: 0 or more.',
      });
    this.#stream = stream;
    this.#types = options.types === undefined ? null : new Set(options.types);
    this.#where = options.where;
    this.#signal = options.signal;
    this.#cursor = cursor;
    if (options.signal?.aborted === true) this.#ended = true;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Calls that overlap are answered one after the other. */
  next(): Promise<IteratorResult<StoredEvent>> {
    const turn = this.#turn.then(() => this.#next());
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  return(): Promise<IteratorResult<StoredEvent>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  async #next(): Promise<IteratorResult<StoredEvent>> {
    while (!this.#ended && !this.#stream.stopped) {
      const fromPage = this.#page.shift();
      if (fromPage !== undefined) {
        this.#cursor = fromPage.position;
        if (this.#matches(fromPage)) return { done: false, value: fromPage };
        continue;
      }
      if (this.#pageEnd !== null) {
        // The page held all that matches up to its end.
        if (this.#pageEnd > this.#cursor) this.#cursor = this.#pageEnd;
        this.#pageEnd = null;
      }
      if (this.#cursor >= this.#stream.tail) {
        await this.#news();
        continue;
      }
      const event = this.#stream.recentAfter(this.#cursor);
      if (event === undefined) {
        await this.#readPage();
        continue;
      }
      this.#cursor = event.position;
      if (this.#matches(event)) return { done: false, value: event };
    }
    return { done: true, value: undefined };
  }

  async #readPage(): Promise<void> {
    const upTo = this.#stream.tail;
    const types = this.#types === null ? null : [...this.#types];
    try {
      this.#page = await this.#stream.page(this.#cursor, upTo, types);
    } catch (error) {
      if (error instanceof AppError) this.#end();
      throw error;
    }
    this.#pageEnd = this.#page.length < pageSize ? upTo : null;
  }

  #matches(event: StoredEvent): boolean {
    if (this.#types !== null && !this.#types.has(event.type)) return false;
    return this.#where === undefined || this.#where(event);
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.#stream.onNews(() => {
        this.#wake = null;
        resolve();
      });
      this.#wake = () => {
        forget();
        resolve();
      };
    });
  }

  #end(): void {
    this.#ended = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#page = [];
    this.#wake?.();
    this.#wake = null;
  }
}

async function readHead(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>('select position from event_head where id = 1');
  // Somebody goes on from there: what a power cut takes back must not be passed over.
  await durable(pool);
  return rows[0]?.position ?? 0n;
}

/** Position up to which events are no longer kept; 0 where all are. */
export async function readDropped(db: Queryable): Promise<bigint> {
  const { rows } = await db.query<{ dropped: bigint }>({
    name: 'read-dropped-events',
    text: 'select dropped_until as dropped from event_head where id = 1',
  });
  return rows[0]?.dropped ?? 0n;
}

/** Whoever would go on from there would miss events without knowing. @throws AppError CURSOR_EXPIRED */
export function refuseDropped(after: bigint, dropped: bigint): void {
  if (after >= dropped) return;
  throw new AppError({
    code: 'CURSOR_EXPIRED',
    retryable: false,
    publicMessage: `The events after cursor ${after} are no longer kept; the oldest cursor to go on from is ${dropped}. Read the state anew and subscribe from now on, or keep events for longer (EVENT_RETENTION_DAYS).`,
  });
}

interface EventRow {
  position: bigint;
  type: EventType;
  subjectType: StoredEvent['subjectType'];
  subjectId: bigint;
  payload: Record<string, unknown>;
  source: StoredEvent['source'];
  deliveryId: bigint | null;
  pushId: bigint | null;
  recordedAt: Date;
}

/**
 * Reads events after a position. Positions are given out in commit order, so a position that is visible has all
 * earlier ones visible too: reading on from the last one seen cannot step over a late commit.
 */
async function readEvents(
  pool: Pool,
  after: bigint,
  upTo: bigint | null,
  types: readonly EventType[] | null,
): Promise<StoredEvent[]> {
  const { rows } = await pool.query<EventRow>({
    name: types === null ? 'read-events' : 'read-events-of-types',
    text: `select position, type, subject_type as "subjectType", subject_id as "subjectId", payload, source,
             delivery_id as "deliveryId", push_id as "pushId", recorded_at as "recordedAt"
           from event
           where position > $1 and position <= coalesce($2::bigint, 9223372036854775807)
             ${types === null ? '' : 'and type = any($3::text[])'}
           order by position limit ${pageSize}`,
    values: types === null ? [after, upTo] : [after, upTo, types],
  });
  return rows;
}
