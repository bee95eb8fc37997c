import type { Tx } from '../../db/pool.ts';
import { atCommit } from '../../db/transaction.ts';
import type { NewEvent } from '../../model/event.ts';

/**
 * Appends facts to the stream and rings its doorbell, together with the commit: from the moment an event has its number
 * until the commit every other writer of events waits (see `append_events` in the migrations).
 */
export function appendEventsAtCommit(tx: Tx, events: readonly NewEvent[]): void {
  if (events.length > 0) atCommit(tx, `select append_events(${tx.escapeLiteral(factsOf(events))}::jsonb)`);
}

/**
 * The same at once, for the few who need the number before the commit. Must be the last statement but one or two.
 * @returns position of the last event, or null where there was none to append.
 */
export async function appendEvents(tx: Tx, events: readonly NewEvent[]): Promise<bigint | null> {
  if (events.length === 0) return null;
  const { rows } = await tx.query<{ position: bigint }>({
    name: 'append-events',
    text: 'select append_events($1::jsonb) as position',
    values: [factsOf(events)],
  });
  return rows[0]?.position ?? null;
}

function factsOf(events: readonly NewEvent[]): string {
  return JSON.stringify(events, (_key, value) => (typeof value === 'bigint' ? value.toString() : value));
}
