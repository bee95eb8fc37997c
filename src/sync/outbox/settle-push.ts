import type { Pool, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { LinkBell } from '../connections/links.ts';
import { linksJson, saveLinks } from '../connections/links.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { NewLink, PushOutcome } from '../platforms/platform.ts';
import { circuitClosed, lockConnection, successStatement } from './circuit.ts';
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
  const links: NewLink[] = [
    {
      entityType: push.subjectType,
      entityId: push.subjectId,
      remoteType: outcome.remoteType,
      remoteId: outcome.remoteId,
      remoteVersion: outcome.remoteVersion,
      state: outcome.state,
    },
    ...(outcome.links ?? []),
  ];
  await transaction(pool, async (tx) => {
    // The connection's row before the push's, as everywhere: two orders of locking would end in deadlocks.
    if (push.probe) await lockConnection(tx, push.connectionId);
    const { rows } = await tx.query<{ settled: boolean; wasOpen: boolean | null }>({
      name: 'settle-push',
      text: `with circuit as (${successStatement}), settled as (
               update push set status = 'settled', settled_at = clock_timestamp(), next_attempt_at = null,
                 error_code = null, error = null, remedy = null
               where id = $2 and status = 'running' returning id
             ), receipt as (
               insert into receipt (push_id, attempt, remote_id, remote_version, adopted, detail, duration_ms)
               select id, $3, $4, $5, $6, $7::jsonb, $8 from settled
             ), linked as (${saveLinks('$1', '$9')})
             select exists (select from settled) as settled, (select "wasOpen" from circuit) as "wasOpen"`,
      values: [
        push.connectionId,
        push.id,
        push.attempts,
        outcome.remoteId,
        outcome.remoteVersion,
        outcome.adopted,
        JSON.stringify(outcome.detail),
        Math.round(durationMs),
        linksJson(links),
      ],
    });
    for (const { remoteType, remoteId } of outcome.gone ?? [])
      await tx.query('delete from link where connection_id = $1 and remote_type = $2 and remote_id = $3', [
        push.connectionId,
        remoteType,
        remoteId,
      ]);
    await touchSummaries(tx, push.connectionId, outcome);
    const circuitEvents =
      rows[0]?.wasOpen === true ? await circuitClosed(tx, { ...push, pushId: push.id }) : [];
    await wakeSubject(tx, push.connectionId, push.subjectType, push.subjectId);
    // Another process has settled it already: what the platform holds is recorded, but the fact is told once.
    const facts = rows[0]?.settled === true ? [settledEvent(push, outcome)] : [];
    appendEventsAtCommit(tx, [...circuitEvents, ...facts]);
  });
  for (const link of links) bell.ring(push.connectionId, link.entityType, link.entityId);
}

/** Days that a share has changed are due anew; a person's consent goes on to the documents that stand. */
async function touchSummaries(
  tx: Tx,
  connectionId: bigint,
  { summaries, isConsent }: PushOutcome,
): Promise<void> {
  if (summaries === undefined || summaries.length === 0) return;
  await tx.query({
    name: 'touch-day-summaries',
    text: `with touched as (
             insert into day_summary (connection_id, key, facts, day, changed_at)
             select $1, x->>'key', x, x->>'day', clock_timestamp() from jsonb_array_elements($2::jsonb) x order by x->>'key'
             on conflict (connection_id, key) do update set changed_at = excluded.changed_at
             returning id)
           update link l set remote_state = l.remote_state || '{"consent":true}', changed_at = clock_timestamp()
           from touched where $3 and l.connection_id = $1 and l.entity_type = 'DaySummary' and l.entity_id = touched.id`,
    values: [connectionId, JSON.stringify(summaries), isConsent === true],
  });
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
