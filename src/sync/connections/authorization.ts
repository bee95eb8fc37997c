import type { Tx } from '../../db/pool.ts';
import type { NewEvent } from '../../model/event.ts';
import { enqueueDeliveries } from '../inbox/enqueue-deliveries.ts';
import { wakeConnection } from '../outbox/enqueue-pushes.ts';

/** Code of work that waits until its connection is authorised again. */
export const revokedCode = 'CONNECTION_REVOKED';

/** How soon a call is tried again that was refused with credentials which have been replaced meanwhile. */
export const retryAtOnceMs = 100;

/** What work says of itself while it waits for its connection. */
export function waitsForAccess(refusal: { code: string; message: string; remedy: string }): {
  retryInMs: null;
  code: string;
  message: string;
  remedy: string;
} {
  return {
    retryInMs: null,
    code: revokedCode,
    ...(refusal.code === 'CONNECTION_DISCONNECTED'
      ? { message: refusal.message, remedy: refusal.remedy }
      : {
          message: `The connection is revoked. ${refusal.message}`,
          remedy: `${refusal.remedy} Where the credentials are as they should be, resume the connection with connectionResume.`,
        }),
  };
}

/**
 * A platform has refused our credentials: the connection is revoked and its work waits, instead of failing piece by
 * piece. A refusal of a call that began before a person authorised it anew is old news.
 * @param sinceMs how long ago the refused call began.
 * @returns whether its work has to wait for a person now, and the event where this call has revoked it.
 */
export async function revokeConnection(
  tx: Tx,
  connectionId: bigint,
  refusal: { message: string; remedy: string; sinceMs: number },
): Promise<{ revoked: boolean; events: NewEvent[] }> {
  const reason = `${refusal.message} ${refusal.remedy}`;
  const { rows } = await tx.query<{ status: string; platform: NewEvent['source']; isNew: boolean }>({
    name: 'refuse-connection',
    text: `with before as (
             select id, status, authorized_at < clock_timestamp() - $3::double precision * interval '1 millisecond' as is_news
             from connection where id = $1 for no key update
           ), revoked as (
             update connection c set status = 'revoked', status_reason = $2, updated_at = clock_timestamp()
             from before where c.id = before.id and before.status not in ('revoked', 'disconnected') and before.is_news returning c.id
           )
           select case when revoked.id is null then before.status else 'revoked' end as status, c.platform,
             revoked.id is not null as "isNew"
           from before join connection c on c.id = before.id left join revoked on true`,
    values: [connectionId, reason, refusal.sinceMs],
  });
  const row = rows[0];
  if (row === undefined) return { revoked: false, events: [] };
  const event: NewEvent = {
    type: 'connection.revoked',
    subjectType: 'Connection',
    subjectId: connectionId,
    payload: { platform: row.platform, reason },
    source: row.platform,
  };
  return {
    revoked: row.status === 'revoked' || row.status === 'disconnected',
    events: row.isNew ? [event] : [],
  };
}

/** Lets everything that waits for a connection try at once: pushes, whose ids it returns, and deliveries that could not be read. */
export async function wakeWork(tx: Tx, connectionId: bigint): Promise<bigint[]> {
  const pushIds = await wakeConnection(tx, connectionId);
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'wake-deliveries',
    text: `update delivery set error_code = null, error = null, remedy = null
           where connection_id = $1 and status = 'pending' and error_code = $2 returning id`,
    values: [connectionId, revokedCode],
  });
  await enqueueDeliveries(
    tx,
    rows.map((row) => row.id),
  );
  return pushIds;
}
