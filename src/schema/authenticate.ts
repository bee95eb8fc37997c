import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type Actor, isScope, may, type Scope } from './scopes.ts';
import type { GraphQLServices } from './services.ts';

const cacheMs = 10_000;
const mostCached = 10_000;

/** Who stands behind a key: keys of the configuration, then those of the database, remembered for a moment. */
export class KeyRing {
  readonly #services: Pick<GraphQLServices, 'pool' | 'log' | 'apiKeys' | 'anonymousScopes'>;
  readonly #configured: ReadonlyMap<string, Actor>;
  readonly #anonymous: Actor | null;
  readonly #cached = new Map<string, { actor: Actor | null; untilMs: number }>();

  constructor(services: Pick<GraphQLServices, 'pool' | 'log' | 'apiKeys' | 'anonymousScopes'>) {
    this.#services = services;
    this.#configured = new Map(
      services.apiKeys.map(({ name, key, scopes }) => [
        hashOf(key).toString('hex'),
        { name: `key:${name}`, scopes: scopesOf(scopes) },
      ]),
    );
    this.#anonymous = services.anonymousScopes
      ? { name: 'anonymous', scopes: new Set(services.anonymousScopes) }
      : null;
  }

  /** The actor of a request; null where it may not enter. A wrong key is refused even where none is needed. */
  async actorOf(
    request: IncomingMessage,
    key: string | null = keyOf(request.headers.authorization),
  ): Promise<Actor | null> {
    if (key !== null) return this.actorOfKey(key);
    return this.#anonymous !== null && comesFromThisMachine(request) ? this.#anonymous : null;
  }

  /** Whether a request may do it: with a key, or because it comes from this machine. */
  async admits(request: IncomingMessage, scope: Scope): Promise<boolean> {
    const key = keyOf(request.headers.authorization);
    if (key === null) return comesFromThisMachine(request);
    const actor = await this.actorOfKey(key);
    return actor !== null && may(actor, scope);
  }

  /** `fresh`: whatever is remembered of it. */
  async actorOfKey(key: string, { fresh = false } = {}): Promise<Actor | null> {
    const hash = hashOf(key);
    const id = hash.toString('hex');
    const configured = this.#configured.get(id);
    if (configured !== undefined) return configured;
    const cached = this.#cached.get(id);
    if (!fresh && cached !== undefined && cached.untilMs > Date.now()) return cached.actor;
    const actor = await this.#lookUp(hash);
    this.#cached.delete(id);
    this.#cached.set(id, { actor, untilMs: Date.now() + cacheMs });
    if (this.#cached.size > mostCached) {
      const oldest = this.#cached.keys().next().value;
      if (oldest !== undefined) this.#cached.delete(oldest);
    }
    return actor;
  }

  async #lookUp(hash: Buffer): Promise<Actor | null> {
    const { rows } = await this.#services.pool.query<{ id: bigint; scopes: string[]; stale: boolean }>({
      name: 'api-key',
      text: `select id, scopes, (last_used_at is null or last_used_at < now() - interval '1 minute') as stale
             from api_key where secret_hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
      values: [hash],
    });
    const row = rows[0];
    if (row === undefined) return null;
    if (row.stale) {
      this.#services.pool
        .query('update api_key set last_used_at = now() where id = $1', [row.id])
        .catch((error: unknown) =>
          this.#services.log.warn({ err: error }, 'last use of a key was not noted'),
        );
    }
    return { name: `api-key:${row.id}`, scopes: scopesOf(row.scopes) };
  }
}

/** `Bearer tb_…`, in a header or in the parameters of a WebSocket; null where there is none. */
export function keyOf(authorization: unknown): string | null {
  if (typeof authorization !== 'string') return null;
  const match = /^\s*(?:Bearer\s+)?(\S{8,200})\s*$/i.exec(authorization);
  return match?.[1] ?? '';
}

/**
 * A caller on the loopback interface, spoken to by a loopback name: a page of another site that a browser here has
 * open, a name that was made to point here, and anything behind a proxy are not.
 */
function comesFromThisMachine(request: IncomingMessage): boolean {
  const { headers, socket } = request;
  if (headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined) return false;
  if (!/^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/.test(socket.remoteAddress ?? '')) return false;
  if (!/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(headers.host ?? '')) return false;
  return isSameOrigin(request);
}

/** Browsers name the page that asks; everything else names none. */
export function isSameOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return request.headers['sec-fetch-site'] !== 'cross-site';
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function scopesOf(names: readonly string[]): Set<Scope> {
  return new Set(names.filter(isScope));
}
