import type { Edit } from '../../model/change.ts';
import { notDead } from '../dismissal.ts';
import { touch, type WriteContext } from '../graph/write-context.ts';
import { checkedReason } from '../reason.ts';
import { unknown } from '../unknown.ts';

/**
 * Closes a delivery that could not be processed. What it failed of stays, beside who closed it and why; it may still be
 * replayed. @throws AppError DELIVERY_UNKNOWN, DELIVERY_NOT_DEAD, INVALID_INPUT
 */
export async function dismissDelivery(
  context: WriteContext,
  edit: Extract<Edit, { kind: 'deliveryDismiss' }>,
): Promise<'applied'> {
  const reason = checkedReason(edit.reason, 'why it may be closed');
  const id = edit.dismissedId;
  const { rows } = await context.tx.query<{
    connectionId: bigint;
    topic: string;
    subject: string;
    status: string;
    errorCode: string | null;
    error: string | null;
    remedy: string | null;
  }>({
    name: 'lock-dead-delivery',
    text: `select connection_id as "connectionId", topic, subject, status::text, error_code as "errorCode", error, remedy
           from delivery where id = $1 for no key update`,
    values: [id],
  });
  const delivery = rows[0];
  if (delivery === undefined) throw unknown('Delivery', id);
  if (delivery.status !== 'dead') throw notDead('delivery', id, delivery.status);
  await context.tx.query({
    name: 'dismiss-delivery',
    text: `update delivery set status = 'dismissed', next_attempt_at = null, dismissed_at = clock_timestamp(), dismissed_by = $2,
             dismissed_reason = $3 where id = $1`,
    values: [id, edit.by, reason],
  });
  touch(context.effects, 'Delivery', id);
  context.effects.events.push({
    type: 'delivery.dismissed',
    subjectType: 'Delivery',
    subjectId: id,
    payload: {
      connectionId: delivery.connectionId,
      topic: delivery.topic,
      subject: delivery.subject,
      code: delivery.errorCode,
      error: delivery.error,
      remedy: delivery.remedy,
      by: edit.by,
      reason,
    },
    source: context.source,
    deliveryId: id,
  });
  return 'applied';
}
