import type { Tx } from '../../db/pool.ts';
import type { NewEvent } from '../../model/event.ts';

/**
 * Appends facts to the stream and rings its doorbell. Must be the last statement of a transaction: from here to the
 * commit every other writer of events waits (see `append_events` in the migrations).
 * @returns position of the last event, or null where there was none to append.
 */
export async function appendEvents(tx: Tx, events: readonly NewEvent[]): Promise<bigint | null> {
  if (events.length === 0) return null;
  const facts = JSON.stringify(events, (_key, value) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  const { rows } = await tx.query<{ position: bigint }>({
    name: 'append-events',
    text: 'select append_events($1::jsonb) as position',
    values: [facts],
  });
  return rows[0]?.position ?? null;
}
