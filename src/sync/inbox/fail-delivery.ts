import type { Pool, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { retryAtOnceMs, revokeConnection, waitsForAccess } from '../connections/authorization.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { Failure } from '../retry.ts';
import { enqueueDeliveries } from './enqueue-deliveries.ts';
import type { LoadedDelivery } from './load-delivery.ts';

/**
 * Puts a failed delivery back for another attempt, or lays it before a person. Where the platform refuses our
 * credentials it is `pending` again, without a job: resuming the connection brings it back.
 */
export async function failDelivery(
  pool: Pool,
  delivery: LoadedDelivery,
  attempt: number,
  given: Failure & { durationMs: number },
): Promise<'retrying' | 'dead' | 'held'> {
  return transaction(pool, async (tx) => {
    const access = given.accessRefused
      ? await revokeConnection(tx, delivery.connectionId, { ...given, sinceMs: given.durationMs })
      : null;
    appendEventsAtCommit(tx, access?.events ?? []);
    if (access?.revoked === true) {
      await hold(tx, delivery.id, given);
      return 'held';
    }
    const failure = access === null ? given : { ...given, retryInMs: retryAtOnceMs };
    const status = failure.retryInMs === null ? 'dead' : 'retrying';
    const { rows } = await tx.query<{ nextAttemptAt: Date | null }>({
      name: 'fail-delivery',
      text: `update delivery set status = $2::delivery_status, attempts = $3, error_code = $4, error = $5, remedy = $6,
               takeovers = 0, claimed_by = null,
               next_attempt_at = clock_timestamp() + $7::double precision * interval '1 millisecond'
             where id = $1 and status in ('pending', 'retrying')
             returning next_attempt_at as "nextAttemptAt"`,
      values: [
        delivery.id,
        status,
        attempt,
        failure.code,
        failure.message,
        failure.remedy,
        failure.retryInMs,
      ],
    });
    const row = rows[0];
    if (row === undefined) return status;
    if (status === 'retrying') await enqueueDeliveries(tx, [delivery.id]);
    appendEventsAtCommit(tx, [
      {
        type: status === 'dead' ? 'delivery.dead' : 'delivery.retrying',
        subjectType: 'Delivery',
        subjectId: delivery.id,
        payload: {
          connectionId: delivery.connectionId,
          topic: delivery.topic,
          subject: delivery.subject,
          attempts: attempt,
          code: failure.code,
          error: failure.message,
          remedy: failure.remedy,
          nextAttemptAt: row.nextAttemptAt,
        },
        source: delivery.platform,
        deliveryId: delivery.id,
      },
    ]);
    return status;
  });
}

/** No attempt is counted: nothing was learnt about the delivery. */
async function hold(tx: Tx, deliveryId: bigint, failure: Failure): Promise<void> {
  const { code, message, remedy } = waitsForAccess(failure);
  await tx.query({
    name: 'hold-delivery',
    text: `update delivery set status = 'pending', error_code = $2, error = $3, remedy = $4, next_attempt_at = null,
             takeovers = 0, claimed_by = null
           where id = $1 and status in ('pending', 'retrying')`,
    values: [deliveryId, code, message, remedy],
  });
}
