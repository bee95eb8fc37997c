import type { Pool } from '../../db/pool.ts';
import type { Envelope, Envelopes } from '../platforms/platform.ts';

/** The envelopes of one connection: each push names the request in which it travelled last. */
export class PushEnvelopes implements Envelopes {
  readonly #pool: Pool;
  readonly #connectionId: bigint;

  constructor(pool: Pool, connectionId: bigint) {
    this.#pool = pool;
    this.#connectionId = connectionId;
  }

  async seal(key: string, pushIds: readonly bigint[]): Promise<void> {
    await this.#pool.query({
      name: 'seal-envelope',
      text: 'update push set envelope_key = $3 where connection_id = $1 and id = any($2::bigint[])',
      values: [this.#connectionId, pushIds, key],
    });
  }

  async find(pushId: bigint): Promise<Envelope | null> {
    const { rows } = await this.#pool.query<{ key: string; pushId: bigint; body: Record<string, unknown> }>({
      name: 'find-envelope',
      text: `select m.envelope_key as key, m.id as "pushId", m.body from push p join push m on m.envelope_key = p.envelope_key
             where p.connection_id = $1 and p.id = $2 order by m.id`,
      values: [this.#connectionId, pushId],
    });
    const key = rows[0]?.key;
    return key === undefined
      ? null
      : { key, members: rows.map(({ pushId: id, body }) => ({ pushId: id, body })) };
  }

  async open(key: string): Promise<void> {
    await this.#pool.query({
      name: 'open-envelope',
      text: 'update push set envelope_key = null where connection_id = $1 and envelope_key = $2',
      values: [this.#connectionId, key],
    });
  }
}
