import type { Pool, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { EventType, NewEvent } from '../../model/event.ts';
import {
  retryAtOnceMs,
  revokeConnection,
  revokedCode,
  waitsForAccess,
} from '../connections/authorization.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { Failure } from '../retry.ts';
import { type CircuitSettings, noteFailure, noteSuccess, passProbeOn } from './circuit.ts';
import { type ClaimedPush, isUniqueViolation } from './claim-push.ts';
import { enqueuePushes, wakeSubject } from './enqueue-pushes.ts';

type FailedStatus = 'pending' | 'retrying' | 'dead' | 'superseded';

export interface FailedAttempt extends Failure {
  durationMs: number;
  /** False where the failed request was counted already: several pushes may have shared it. */
  isCounted: boolean;
}

/**
 * Puts a failed push back, lays it before a person, or lets a newer push of the same thing take its place. Where the
 * platform refuses our credentials it is `pending` again, without a time: resuming the connection brings it back.
 */
export async function failPush(
  pool: Pool,
  push: ClaimedPush,
  failure: FailedAttempt,
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
  given: FailedAttempt,
  circuit: CircuitSettings,
): Promise<FailedStatus> {
  const access = given.accessRefused
    ? await revokeConnection(tx, push.connectionId, { ...given, sinceMs: given.durationMs })
    : null;
  const failure = access === null ? given : afterRefusal(given, access.revoked);
  const connectionEvents = [...(access?.events ?? []), ...(await noteTrouble(tx, push, failure, circuit))];
  const { rows } = await tx.query<{ status: FailedStatus; nextAttemptAt: Date | null }>({
    name: 'fail-push',
    text: `with judged as (
             select p.id, case
               when $2::double precision is null and not $6 then 'dead'
               when exists (select 1 from push n where n.connection_id = p.connection_id and n.kind = p.kind
                 and n.subject_type = p.subject_type and n.subject_id = p.subject_id and n.version > p.version
                 and n.status in ('plan', 'pending', 'retrying')) then 'superseded'
               when $6 then 'pending'
               else 'retrying' end as status
             from push p where p.id = $1 and p.status = 'running' and p.attempts = $7)
           update push p set status = judged.status::push_status, takeovers = 0, error_code = $3, error = $4, remedy = $5,
             settled_at = case when judged.status = 'superseded' then clock_timestamp() end,
             next_attempt_at = case when judged.status = 'retrying'
               then clock_timestamp() + $2::double precision * interval '1 millisecond' end
           from judged where p.id = judged.id
           returning p.status, p.next_attempt_at as "nextAttemptAt"`,
    values: [
      push.id,
      failure.retryInMs,
      failure.code,
      failure.message,
      failure.remedy,
      failure.code === revokedCode,
      push.attempts,
    ],
  });
  const row = rows[0];
  // It is settled, or another attempt has begun, since the process of this one counted as dead: that one decides.
  if (row === undefined) {
    appendEventsAtCommit(tx, connectionEvents);
    return 'superseded';
  }
  if (row.status === 'retrying') await enqueuePushes(tx, [push.id]);
  // Others about the subject would be refused as well; they are brought back together.
  if (row.status !== 'pending') await wakeSubject(tx, push.connectionId, push.subjectType, push.subjectId);
  appendEventsAtCommit(tx, [
    ...connectionEvents,
    ...(row.status === 'pending' ? [] : [failedEvent(push, failure, row.status, row.nextAttemptAt)]),
  ]);
  return row.status;
}

/** The work waits for the connection; where that was authorised anew meanwhile, it is tried once more. */
function afterRefusal(failure: FailedAttempt, isRevoked: boolean): FailedAttempt {
  return isRevoked ? { ...failure, ...waitsForAccess(failure) } : { ...failure, retryInMs: retryAtOnceMs };
}

function failedEvent(
  push: ClaimedPush,
  failure: Failure,
  status: Exclude<FailedStatus, 'pending'>,
  nextAttemptAt: Date | null,
): NewEvent {
  return {
    type: `push.${status}` satisfies EventType,
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
      nextAttemptAt,
    },
    source: push.platform,
    deliveryId: push.deliveryId,
    pushId: push.id,
  };
}

async function noteTrouble(
  tx: Tx,
  push: ClaimedPush,
  failure: FailedAttempt,
  circuit: CircuitSettings,
): Promise<NewEvent[]> {
  const party = { ...push, pushId: push.id };
  if (failure.platformTrouble) {
    const { message: reason, retryAfterMs } = failure;
    if (!failure.isCounted && !push.probe) return [];
    return noteFailure(tx, party, { reason, retryAfterMs, probe: push.probe }, circuit);
  }
  if (!push.probe) return [];
  // A refusal is an answer too: the platform is up, only this write is wrong.
  if (failure.retryInMs === null && !failure.accessRefused) return noteSuccess(tx, party);
  await passProbeOn(tx, push.connectionId);
  return [];
}
