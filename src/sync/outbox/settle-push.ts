import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { LinkBell } from '../connections/links.ts';
import { saveLink } from '../connections/links.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { PushOutcome } from '../platforms/platform.ts';
import { noteSuccess } from './circuit.ts';
import type { ClaimedPush } from './claim-push.ts';
import { wakeSubject } from './enqueue-pushes.ts';

/** Records what the platform answered: receipt, links, state and the event, all or none. */
export async function settlePush(
  pool: Pool,
  push: ClaimedPush,
  outcome: PushOutcome,
  durationMs: number,
  bell: LinkBell,
): Promise<void> {
  const extraLinks = outcome.links ?? [];
  await transaction(pool, async (tx) => {
    // The connection's row before the push's, as everywhere: two orders of locking would end in deadlocks.
    const circuitEvents = await noteSuccess(tx, { ...push, pushId: push.id });
    const { rowCount } = await tx.query({
      name: 'settle-push',
      text: `with settled as (
               update push set status = 'settled', settled_at = clock_timestamp(), next_attempt_at = null,
                 error_code = null, error = null, remedy = null
               where id = $1 and status = 'running' returning id)
             insert into receipt (push_id, attempt, remote_id, remote_version, adopted, detail, duration_ms)
             select id, $2, $3, $4, $5, $6::jsonb, $7 from settled`,
      values: [
        push.id,
        push.attempts,
        outcome.remoteId,
        outcome.remoteVersion,
        outcome.adopted,
        JSON.stringify(outcome.detail),
        Math.round(durationMs),
      ],
    });
    await saveLink(tx, push.connectionId, {
      entityType: push.subjectType,
      entityId: push.subjectId,
      remoteType: outcome.remoteType,
      remoteId: outcome.remoteId,
      remoteVersion: outcome.remoteVersion,
      state: outcome.state,
    });
    for (const link of extraLinks) await saveLink(tx, push.connectionId, link);
    await wakeSubject(tx, push.connectionId, push.subjectType, push.subjectId);
    // Another process has settled it already: what the platform holds is recorded, but the fact is told once.
    const facts = rowCount === 0 ? [] : [settledEvent(push, outcome)];
    appendEventsAtCommit(tx, [...circuitEvents, ...facts]);
  });
  bell.ring(push.connectionId, push.subjectType, push.subjectId);
  for (const link of extraLinks) bell.ring(push.connectionId, link.entityType, link.entityId);
}

function settledEvent(push: ClaimedPush, outcome: PushOutcome) {
  return {
    type: 'push.settled' as const,
    subjectType: 'Push' as const,
    subjectId: push.id,
    payload: {
      connectionId: push.connectionId,
      kind: push.kind,
      subject: { type: push.subjectType, id: push.subjectId },
      attempts: push.attempts,
      remoteType: outcome.remoteType,
      remoteId: outcome.remoteId,
      adopted: outcome.adopted,
    },
    source: push.platform,
    deliveryId: push.deliveryId,
    pushId: push.id,
  };
}
