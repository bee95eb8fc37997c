import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { appendEventsAtCommit } from '../events/append-events.ts';
import type { Failure } from '../retry.ts';
import { enqueueDeliveries } from './enqueue-deliveries.ts';
import type { LoadedDelivery } from './load-delivery.ts';

/** Puts a failed delivery back for another attempt, or lays it before a person. */
export async function failDelivery(
  pool: Pool,
  delivery: LoadedDelivery,
  attempt: number,
  failure: Failure,
): Promise<'retrying' | 'dead'> {
  const status = failure.retryInMs === null ? 'dead' : 'retrying';
  await transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ nextAttemptAt: Date | null }>({
      name: 'fail-delivery',
      text: `update delivery set status = $2::delivery_status, attempts = $3, error_code = $4, error = $5, remedy = $6,
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
    if (row === undefined) return;
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
  });
  return status;
}
