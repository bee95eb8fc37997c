import type { Pool, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { EventType, NewEvent } from '../../model/event.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { Failure } from '../retry.ts';
import { type CircuitSettings, noteFailure, noteSuccess, passProbeOn } from './circuit.ts';
import { type ClaimedPush, isUniqueViolation } from './claim-push.ts';
import { enqueuePushes, wakeSubject } from './enqueue-pushes.ts';

type FailedStatus = 'retrying' | 'dead' | 'superseded';

/** Puts a failed push back, lays it before a person, or lets a newer push of the same thing take its place. */
export async function failPush(
  pool: Pool,
  push: ClaimedPush,
  failure: Failure,
  circuit: CircuitSettings,
): Promise<FailedStatus> {
  try {
    return await transaction(pool, (tx) => record(tx, push, failure, circuit));
  } catch (error) {
    // A newer push of the same thing began to wait at this very moment: the second look sees it.
    if (!isUniqueViolation(error, 'push_waiting')) throw error;
    return transaction(pool, (tx) => record(tx, push, failure, circuit));
  }
}

async function record(
  tx: Tx,
  push: ClaimedPush,
  failure: Failure,
  circuit: CircuitSettings,
): Promise<FailedStatus> {
  const circuitEvents = await noteTrouble(tx, push, failure, circuit);
  const { rows } = await tx.query<{ status: FailedStatus; nextAttemptAt: Date | null }>({
    name: 'fail-push',
    text: `with judged as (
             select p.id, case
               when $2::double precision is null then 'dead'
               when exists (select 1 from push n where n.connection_id = p.connection_id and n.kind = p.kind
                 and n.subject_type = p.subject_type and n.subject_id = p.subject_id and n.version > p.version
                 and n.status in ('plan', 'pending', 'retrying')) then 'superseded'
               else 'retrying' end as status
             from push p where p.id = $1 and p.status = 'running')
           update push p set status = judged.status::push_status, error_code = $3, error = $4, remedy = $5,
             settled_at = case when judged.status = 'superseded' then clock_timestamp() end,
             next_attempt_at = case when judged.status = 'retrying'
               then clock_timestamp() + $2::double precision * interval '1 millisecond' end
           from judged where p.id = judged.id
           returning p.status, p.next_attempt_at as "nextAttemptAt"`,
    values: [push.id, failure.retryInMs, failure.code, failure.message, failure.remedy],
  });
  const row = rows[0];
  if (row === undefined) {
    appendEventsAtCommit(tx, circuitEvents);
    return 'superseded';
  }
  if (row.status === 'retrying') await enqueuePushes(tx, [push.id]);
  await wakeSubject(tx, push.connectionId, push.subjectType, push.subjectId);
  appendEventsAtCommit(tx, [
    ...circuitEvents,
    {
      type: `push.${row.status}` satisfies EventType,
      subjectType: 'Push',
      subjectId: push.id,
      payload: {
        connectionId: push.connectionId,
        kind: push.kind,
        subject: { type: push.subjectType, id: push.subjectId },
        attempts: push.attempts,
        code: failure.code,
        error: failure.message,
        remedy: failure.remedy,
        nextAttemptAt: row.nextAttemptAt,
      },
      source: push.platform,
      deliveryId: push.deliveryId,
      pushId: push.id,
    },
  ]);
  return row.status;
}

async function noteTrouble(
  tx: Tx,
  push: ClaimedPush,
  failure: Failure,
  circuit: CircuitSettings,
): Promise<NewEvent[]> {
  const party = { ...push, pushId: push.id };
  if (failure.platformTrouble) {
    const { message: reason, retryAfterMs } = failure;
    return noteFailure(tx, party, { reason, retryAfterMs, probe: push.probe }, circuit);
  }
  if (!push.probe) return [];
  // A refusal is an answer too: the platform is up, only this write is wrong.
  if (failure.retryInMs === null) return noteSuccess(tx, party);
  await passProbeOn(tx, push.connectionId);
  return [];
}
