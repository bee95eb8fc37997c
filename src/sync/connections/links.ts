import type { Pool } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { LinkFacts, Links, NewLink } from '../platforms/platform.ts';

/** How often the table is asked while a link is awaited: another process may make it. */
const pollMs = 250;

/** Rings in this process when a link is made, so that whoever waits for it need not wait for the next poll. */
export class LinkBell {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Calls back at the next ring of this link; returns how to stop listening. */
  listen(connectionId: bigint, entityType: string, entityId: bigint, callback: () => void): () => void {
    const key = keyOf(connectionId, entityType, entityId);
    const callbacks = this.#waiting.get(key) ?? new Set();
    this.#waiting.set(key, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0 && this.#waiting.get(key) === callbacks) this.#waiting.delete(key);
    };
  }

  ring(connectionId: bigint, entityType: string, entityId: bigint): void {
    for (const callback of [...(this.#waiting.get(keyOf(connectionId, entityType, entityId)) ?? [])])
      callback();
  }
}

/** The links of one connection. */
export class ConnectionLinks implements Links {
  readonly #pool: Pool;
  readonly #connectionId: bigint;
  readonly #bell: LinkBell;

  constructor(pool: Pool, connectionId: bigint, bell: LinkBell) {
    this.#pool = pool;
    this.#connectionId = connectionId;
    this.#bell = bell;
  }

  async find(
    entityType: string,
    entityIds: readonly bigint[],
    remoteType: string,
  ): Promise<Map<bigint, LinkFacts>> {
    // A row that was made again at the platform has two links: the one seen last wins.
    const { rows } = await this.#pool.query<LinkFacts & { entityId: bigint }>({
      name: 'find-links',
      text: `select entity_id as "entityId", remote_type as "remoteType", remote_id as "remoteId",
               remote_version as "remoteVersion", remote_state as state
             from link
             where connection_id = $1 and entity_type = $2 and entity_id = any($3::bigint[]) and remote_type = $4
             order by seen_at, id`,
      values: [this.#connectionId, entityType, entityIds, remoteType],
    });
    return new Map(rows.map(({ entityId, ...link }) => [entityId, link]));
  }

  async save(link: NewLink): Promise<void> {
    await this.#pool.query({
      name: 'save-link',
      text: saveLinks('$1', '$2'),
      values: [this.#connectionId, linksJson([link])],
    });
    this.#bell.ring(this.#connectionId, link.entityType, link.entityId);
  }

  async waitFor(
    entityType: string,
    entityId: bigint,
    remoteType: string,
    timeoutMs: number,
  ): Promise<LinkFacts> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      // Listening begins before looking: a link made in between rings.
      let wake: () => void = () => undefined;
      const rung = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const stopListening = this.#bell.listen(this.#connectionId, entityType, entityId, wake);
      try {
        const link = (await this.find(entityType, [entityId], remoteType)).get(entityId);
        if (link !== undefined) return link;
        const remaining = deadline - performance.now();
        if (remaining <= 0) throw linkPending(entityType, entityId, remoteType);
        const timer = setTimeout(wake, Math.min(pollMs, remaining));
        await rung;
        clearTimeout(timer);
      } finally {
        stopListening();
      }
    }
  }
}

/**
 * A statement, for a `with` or by itself, that records which platform rows stand for which rows of the graph; known ones
 * learn their newest version and state. Parameters: the connection's id and `linksJson`.
 */
export function saveLinks(connectionId: string, links: string): string {
  return `
    insert into link (connection_id, entity_type, entity_id, remote_type, remote_id, remote_version, remote_state, seen_at)
    select ${connectionId}, x."entityType", x."entityId", x."remoteType", x."remoteId", x."remoteVersion", x.state, clock_timestamp()
    from jsonb_to_recordset(${links}::jsonb) as x ("entityType" text, "entityId" bigint, "remoteType" text, "remoteId" text,
      "remoteVersion" text, state jsonb)
    order by x."remoteType", x."remoteId"
    on conflict (connection_id, remote_type, remote_id) do update set
      entity_type = excluded.entity_type, entity_id = excluded.entity_id,
      remote_version = excluded.remote_version, remote_state = excluded.remote_state, seen_at = excluded.seen_at`;
}

/** Links as `saveLinks` wants them; of several about one platform row the last counts. */
export function linksJson(links: readonly NewLink[]): string {
  const byRow = new Map(links.map((link) => [`${link.remoteType} ${link.remoteId}`, link]));
  return JSON.stringify([...byRow.values()].map((link) => ({ ...link, entityId: link.entityId.toString() })));
}

function keyOf(connectionId: bigint, entityType: string, entityId: bigint): string {
  return `${connectionId} ${entityType} ${entityId}`;
}

function linkPending(entityType: string, entityId: bigint, remoteType: string): AppError {
  return new AppError({
    code: 'LINK_PENDING',
    retryable: true,
    publicMessage: `Waiting for the ${remoteType} of ${entityType} ${entityId} to be written first.`,
    remedy: `Look at the push that writes this ${remoteType}; once it is settled, this one follows by itself.`,
  });
}
