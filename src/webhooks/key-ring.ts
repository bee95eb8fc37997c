import type { Pool } from '../db/pool.ts';
import type { Log } from '../log.ts';
import type { PlatformName } from '../model/platform-name.ts';
import { credentialsAad, openCredentials } from '../sync/connections/credentials.ts';
import type { Platform } from '../sync/platforms/platform.ts';

/** A connection as the door needs it. */
export interface Keyed {
  connectionId: bigint;
  accountId: string;
  /** Null where they could not be opened: nothing can be said about what claims to come from there. */
  credentials: unknown | null;
}

interface Ring {
  readAtMs: number;
  keys: readonly Keyed[];
}

/**
 * The opened secrets of all connections that are not disconnected, kept in memory for a short time. Whoever finds nothing that fits asks for a
 * newer ring, so that a new connection or a rotated key works at once; that is granted once a second per platform, so
 * that forged requests cannot make every one of them a query.
 */
export class KeyRing {
  readonly #pool: Pool;
  readonly #encryptionKey: Buffer;
  readonly #log: Log;
  readonly #ttlMs: number;
  readonly #rereadEveryMs: number;
  readonly #rings = new Map<PlatformName, Ring>();
  readonly #reading = new Map<PlatformName, Promise<Ring>>();

  constructor(options: {
    pool: Pool;
    encryptionKey: Buffer;
    log: Log;
    ttlMs: number;
    rereadEveryMs: number;
  }) {
    this.#pool = options.pool;
    this.#encryptionKey = options.encryptionKey;
    this.#log = options.log;
    this.#ttlMs = options.ttlMs;
    this.#rereadEveryMs = options.rereadEveryMs;
  }

  async keys(platform: Platform): Promise<readonly Keyed[]> {
    const ring = this.#rings.get(platform.name);
    if (ring !== undefined && performance.now() - ring.readAtMs < this.#ttlMs) return ring.keys;
    return (await this.#read(platform)).keys;
  }

  /** A ring newer than the one that had nothing fitting; null where it is too early to ask again. */
  async newerKeys(platform: Platform): Promise<readonly Keyed[] | null> {
    const ring = this.#rings.get(platform.name);
    if (ring !== undefined && performance.now() - ring.readAtMs < this.#rereadEveryMs) return null;
    return (await this.#read(platform)).keys;
  }

  #read(platform: Platform): Promise<Ring> {
    const underway = this.#reading.get(platform.name);
    if (underway !== undefined) return underway;
    const reading = this.#readNow(platform).finally(() => this.#reading.delete(platform.name));
    this.#reading.set(platform.name, reading);
    return reading;
  }

  async #readNow(platform: Platform): Promise<Ring> {
    const { rows } = await this.#pool.query<{ id: bigint; accountId: string; sealed: Buffer }>({
      name: 'read-key-ring',
      text: `select id, account_id as "accountId", credentials as sealed from connection
             where platform = $1::platform and status <> 'disconnected' order by id`,
      values: [platform.name],
    });
    const keys = rows.map(({ id, accountId, sealed }) => ({
      connectionId: id,
      accountId,
      credentials: this.#open(platform, id, accountId, sealed),
    }));
    const ring = { readAtMs: performance.now(), keys };
    this.#rings.set(platform.name, ring);
    return ring;
  }

  #open(platform: Platform, id: bigint, accountId: string, sealed: Buffer): unknown | null {
    try {
      const opened = openCredentials(this.#encryptionKey, sealed, credentialsAad(platform.name, accountId));
      return platform.credentials.parse(opened);
    } catch (error) {
      // Only the code: what does not parse may be part of a secret.
      const code = error instanceof Error && 'code' in error ? error.code : 'CREDENTIALS_UNREADABLE';
      this.#log.error(
        { platform: platform.name, connectionId: id.toString(), code },
        'The credentials of a connection cannot be opened; its webhooks are answered with 503',
      );
      return null;
    }
  }
}
