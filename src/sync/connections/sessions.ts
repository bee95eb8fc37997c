import type { Pool } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { askAgainForFields } from '../custom-fields/ask-again.ts';
import { loadCustomFields } from '../custom-fields/fields.ts';
import { PushEnvelopes } from '../outbox/envelopes.ts';
import type { Envelopes, Links, Platform, Session } from '../platforms/platform.ts';
import { unknown } from '../unknown.ts';
import { credentialsAad, openCredentials, sealCredentials } from './credentials.ts';
import { refuseDisconnected } from './disconnect.ts';
import { Limiter } from './limiter.ts';
import { ConnectionLinks, LinkBell } from './links.ts';

export interface SessionsOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
  encryptionKey: Buffer;
  /** Where each platform is reached; an empty string leaves it to the platform's own default. */
  baseUrls: Partial<Record<PlatformName, string>>;
  log: Log;
  /** How long one request to a platform may take. */
  timeoutMs?: number;
  now?: () => number;
  /** How long settings are kept before they are read again. */
  settingsTtlMs?: number;
}

/** The conversations of this process: one session per connection, made when first asked for. */
export class Sessions {
  /** Rings for links that pushes of this process make. */
  readonly bell = new LinkBell();
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<bigint, Promise<ConnectionSession>>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** The session of a connection. @throws AppError CONNECTION_UNKNOWN, PLATFORM_UNKNOWN */
  async get(connectionId: bigint): Promise<Session<unknown>> {
    let opening = this.#sessions.get(connectionId);
    if (opening === undefined) {
      opening = ConnectionSession.open(connectionId, this.#options, this.bell);
      this.#sessions.set(connectionId, opening);
      opening.catch(() => this.#sessions.delete(connectionId));
    }
    const session = await opening;
    await session.refreshSettings();
    return session;
  }
}

interface ConnectionRow {
  platform: PlatformName;
  accountId: string;
  settings: Record<string, unknown>;
}

class ConnectionSession implements Session<unknown> {
  readonly connectionId: bigint;
  readonly accountId: string;
  readonly links: Links;
  readonly envelopes: Envelopes;
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly log: Log;
  readonly cache = new Map<string, unknown>();
  readonly #options: SessionsOptions;
  readonly #platform: Platform;
  readonly #limiter: Limiter;
  #settings: Readonly<Record<string, unknown>>;
  #settingsReadAt = performance.now();
  #rotation: Promise<unknown> = Promise.resolve();
  #opened: { sealed: Buffer; credentials: unknown } | null = null;

  static async open(
    connectionId: bigint,
    options: SessionsOptions,
    bell: LinkBell,
  ): Promise<ConnectionSession> {
    const row = await readConnection(options.pool, connectionId);
    const platform = options.platforms[row.platform];
    if (platform === undefined)
      throw new AppError({
        code: 'PLATFORM_UNKNOWN',
        retryable: false,
        publicMessage: `This process does not know the platform ${row.platform}.`,
        remedy: 'Run a version of Tributary that has it in its registry.',
      });
    return new ConnectionSession(connectionId, row, platform, options, bell);
  }

  private constructor(
    connectionId: bigint,
    row: ConnectionRow,
    platform: Platform,
    options: SessionsOptions,
    bell: LinkBell,
  ) {
    this.connectionId = connectionId;
    this.accountId = row.accountId;
    this.links = new ConnectionLinks(options.pool, connectionId, bell);
    this.envelopes = new PushEnvelopes(options.pool, connectionId);
    this.baseUrl = options.baseUrls[row.platform] ?? '';
    this.timeoutMs = options.timeoutMs ?? 10_000;
    this.log = options.log.child({ platform: row.platform, connectionId: connectionId.toString() });
    this.#options = options;
    this.#platform = platform;
    this.#limiter = new Limiter(platform.rateLimit);
    this.#settings = row.settings;
  }

  get settings(): Readonly<Record<string, unknown>> {
    return this.#settings;
  }

  now(): number {
    return this.#options.now?.() ?? Date.now();
  }

  limited<T>(request: () => Promise<T>): Promise<T> {
    return this.#limiter.run(request);
  }

  customFields(): ReturnType<typeof loadCustomFields> {
    return loadCustomFields(this.#options.pool);
  }

  async fieldsFound(names: readonly string[]): Promise<void> {
    const documents = await askAgainForFields(this.#options.pool, this.connectionId, names);
    if (documents > 0) this.log.info({ names, documents }, 'custom fields that were missing are there now');
  }

  /** Settings are changed by people: a few seconds' delay is unnoticed, a query per job would not be. */
  async refreshSettings(): Promise<void> {
    if (performance.now() - this.#settingsReadAt < (this.#options.settingsTtlMs ?? 5_000)) return;
    this.#settingsReadAt = performance.now();
    this.#settings = (await readConnection(this.#options.pool, this.connectionId)).settings;
  }

  async credentials(): Promise<unknown> {
    const { rows } = await this.#options.pool.query<{ credentials: Buffer; status: string }>({
      name: 'read-credentials',
      text: 'select credentials, status from connection where id = $1',
      values: [this.connectionId],
    });
    const [row] = rows;
    if (row === undefined) throw unknown('Connection', this.connectionId);
    const { credentials: sealed } = row;
    if (row.status === 'disconnected') this.#opened = null;
    refuseDisconnected(this.connectionId, row.status);
    // Read each time, so that what another process has rotated is seen; opened only when it is another.
    if (this.#opened?.sealed.equals(sealed) !== true) {
      const aad = credentialsAad(this.#platform.name, this.accountId);
      const opened = openCredentials(this.#options.encryptionKey, sealed, aad);
      this.#opened = { sealed, credentials: this.#platform.credentials.parse(opened) };
    }
    return this.#opened.credentials;
  }

  rotate(refresh: (current: unknown) => Promise<unknown>): Promise<unknown> {
    // One after the other within the process too, so that a connection holds at most one database client for this.
    const turn = this.#rotation.then(() => this.#rotateAlone(refresh));
    this.#rotation = turn.catch(() => undefined);
    return turn;
  }

  /** A session-level lock, not a transaction: the platform is called while it is held. */
  async #rotateAlone(refresh: (current: unknown) => Promise<unknown>): Promise<unknown> {
    const client = await this.#options.pool.connect();
    const lock = `rotate credentials of connection ${this.connectionId}`;
    let broken: Error | undefined;
    try {
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [lock]).catch((error: Error) => {
        // Asked for and not yet given: it would be held by whoever got this client next.
        broken = error;
        throw error;
      });
      try {
        const current = await this.credentials();
        const next = await refresh(current);
        if (next === current) return current;
        const parsed = this.#platform.credentials.parse(next);
        await this.#store(parsed);
        return parsed;
      } finally {
        await client
          .query('select pg_advisory_unlock(hashtextextended($1, 0))', [lock])
          .catch((error: Error) => {
            // A client that may still hold the lock must not go back to the pool.
            broken = error;
          });
      }
    } finally {
      client.release(broken);
    }
  }

  async #store(credentials: unknown): Promise<void> {
    const aad = credentialsAad(this.#platform.name, this.accountId);
    await this.#options.pool.query(
      // Whoever took the account off meanwhile wants none of them kept.
      `update connection set credentials = $2, updated_at = clock_timestamp() where id = $1 and status <> 'disconnected'`,
      [this.connectionId, sealCredentials(this.#options.encryptionKey, credentials, aad)],
    );
  }
}

async function readConnection(pool: Pool, connectionId: bigint): Promise<ConnectionRow> {
  const { rows } = await pool.query<ConnectionRow>({
    name: 'read-connection',
    text: 'select platform, account_id as "accountId", settings from connection where id = $1',
    values: [connectionId],
  });
  const row = rows[0];
  if (row === undefined) throw unknown('Connection', connectionId);
  return row;
}
