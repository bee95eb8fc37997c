import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { Log } from '../../log.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Metrics } from '../metrics.ts';
import type { Platform } from '../platforms/platform.ts';
import type { Claude } from './claude.ts';
import { noteHash } from './request-reading.ts';
import { understandNote } from './understand-note.ts';

export interface ReadNoteOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
  log: Log;
  metrics: Metrics;
  /** Null: the parser reads every note. */
  claude: Claude | null;
}

/** Reads the note of one order and hands what it found to the write path. */
export async function readNote(orderId: bigint, options: ReadNoteOptions): Promise<void> {
  const { pool, log, metrics, claude } = options;
  const { rows } = await pool.query<{ note: string | null; hash: string; writtenOn: string }>({
    name: 'load-note',
    text: `select o.note, r.hash, to_char(o.placed_at at time zone 'UTC', 'YYYY-MM-DD') as "writtenOn"
           from note_reading r join sales_order o on o.id = r.order_id
           where r.order_id = $1 and r.read_at is null and o.removed_at is null`,
    values: [orderId],
  });
  const order = rows[0];
  // Read already, or changed since: then another job is on its way.
  if (order === undefined || noteHash(order.note) !== order.hash) return;
  const { reader, rules, fallbackReason } = await understandNote(
    pool,
    claude,
    order.note ?? '',
    order.writtenOn,
  );
  metrics.notes.inc({ reader, fallback: fallbackReason ?? 'none' });
  if (fallbackReason !== null && fallbackReason !== 'no_key')
    log.warn(
      { orderId: orderId.toString(), reason: fallbackReason },
      'The parser read a note in place of Claude',
    );
  await transaction(pool, (tx) =>
    applyChanges(tx, {
      changes: [{ kind: 'orderNoteRead', orderId, hash: order.hash, reader, rules, fallbackReason }],
      source: 'tributary',
      connectionId: null,
      deliveryId: null,
      now: new Date(),
      platforms: options.platforms,
    }),
  );
}
