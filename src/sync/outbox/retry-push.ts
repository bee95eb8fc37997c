import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { SubjectType } from '../../model/event.ts';
import { planLater, type Subject, touch, type WriteContext } from '../graph/write-context.ts';
import { unknown } from '../unknown.ts';
import { enqueuePushes } from './enqueue-pushes.ts';

/**
 * Tries a push again at once, also one that was dismissed, except that a change of stock which was given up is made anew
 * instead. What it says is planned anew from the graph as it is now: where that comes to the same it goes with its key
 * and its count of attempts as they are; where a mapping, an address or an amount was mended since, a new push takes its
 * place; where nothing is owed any more, none does. A change of stock is a difference, and stays what it is.
 * @throws AppError PUSH_UNKNOWN, PUSH_NOT_RETRYABLE, PUSH_OUTDATED
 */
export async function retryPush(context: WriteContext, pushId: bigint): Promise<'applied'> {
  const { tx, effects } = context;
  const { rows } = await tx.query<{
    status: string;
    subjectType: SubjectType;
    subjectId: bigint;
    newerId: bigint | null;
  }>({
    name: 'lock-push-to-retry',
    text: `select p.status::text, p.subject_type as "subjectType", p.subject_id as "subjectId", (
             select n.id from push n
             where n.connection_id = p.connection_id and n.kind = p.kind and n.subject_type = p.subject_type
               and n.subject_id = p.subject_id and n.version > p.version and n.status <> 'dead'
             order by n.version desc limit 1) as "newerId"
           from push p where p.id = $1 for no key update of p`,
    values: [pushId],
  });
  const push = rows[0];
  if (push === undefined) throw unknown('Push', pushId);
  if (push.status === 'dismissed' && push.subjectType === 'StockLevel')
    throw refused(
      'PUSH_NOT_RETRYABLE',
      `Push ${pushId} is dismissed: its change of stock was given up. Adjust the stock again instead.`,
    );
  if (!['dead', 'dismissed', 'retrying', 'pending'].includes(push.status))
    throw refused('PUSH_NOT_RETRYABLE', `Push ${pushId} is ${push.status}: there is nothing to retry.`);
  if (push.newerId !== null)
    throw refused(
      'PUSH_OUTDATED',
      `A newer push, ${push.newerId}, has taken the place of push ${pushId}: writing the older state would undo it.`,
    );
  await tx.query({
    name: 'retry-push',
    text: `update push set status = 'pending', next_attempt_at = null, error_code = null, error = null, remedy = null,
             dismissed_at = null, dismissed_by = null, dismissed_reason = null where id = $1`,
    values: [pushId],
  });
  await enqueuePushes(tx, [pushId]);
  touch(effects, 'Push', pushId);
  const subject = await plannedSubject(tx, { type: push.subjectType, id: push.subjectId });
  if (subject !== null) planLater(effects, subject.type, subject.id);
  return 'applied';
}

/** What has to be planned for a push about a subject to be planned anew; null where that is not asked of the graph. */
async function plannedSubject(tx: Tx, subject: Subject): Promise<Subject | null> {
  if (subject.type === 'StockLevel') return null;
  if (subject.type !== 'Refund') return subject;
  // What a refund is worth depends on its whole order.
  const orderId = await orderOf(tx, subject);
  return orderId === null ? null : { type: 'Order', id: orderId };
}

/** What whoever plans a push anew has to lock: the order it is about or belongs to, or the customer. */
export async function ownersOfPush(
  tx: Tx,
  pushId: bigint,
): Promise<{ orderId?: bigint; customerId?: bigint }> {
  const { rows } = await tx.query<Subject>({
    name: 'subject-of-push',
    text: 'select subject_type as type, subject_id as id from push where id = $1',
    values: [pushId],
  });
  const subject = rows[0];
  if (subject?.type === 'Customer') return { customerId: subject.id };
  const orderId = subject === undefined ? null : await orderOf(tx, subject);
  return orderId === null ? {} : { orderId };
}

async function orderOf(tx: Tx, { type, id }: Subject): Promise<bigint | null> {
  if (type === 'Order') return id;
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'order-of-refund-or-request',
    text: `select order_id as id from refund where $1 = 'Refund' and id = $2
           union all select order_id from refund_request where $1 = 'RefundRequest' and id = $2`,
    values: [type, id],
  });
  return rows[0]?.id ?? null;
}

function refused(code: string, publicMessage: string): AppError {
  return new AppError({ code, retryable: false, publicMessage });
}
