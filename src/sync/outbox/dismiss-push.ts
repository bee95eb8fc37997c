import type { Edit } from '../../model/change.ts';
import { notDead } from '../dismissal.ts';
import { touch, type WriteContext } from '../graph/write-context.ts';
import { checkedReason } from '../reason.ts';
import { giveUpAdjustment, lockLevelById } from '../stock/give-up.ts';
import { unknown } from '../unknown.ts';

/**
 * Closes a write that has failed for good. What it failed of stays, beside who closed it and why. The same write is not
 * planned again by itself; whatever changes what it says is planned as ever. A stock level follows its platform again.
 * @throws AppError PUSH_UNKNOWN, PUSH_NOT_DEAD, INVALID_INPUT
 */
export async function dismissPush(
  context: WriteContext,
  edit: Extract<Edit, { kind: 'pushDismiss' }>,
): Promise<'applied'> {
  const { tx, effects } = context;
  const reason = checkedReason(edit.reason, 'why it may be closed');
  // The level first and the push after it, as whoever plans does.
  const subject = await subjectOf(context, edit.pushId);
  const level = subject?.type === 'StockLevel' ? await lockLevelById(context, subject.id) : null;
  const { rows } = await tx.query<DeadPush>({
    name: 'lock-dead-push',
    text: `select p.connection_id as "connectionId", p.kind, p.subject_type as "subjectType", p.subject_id as "subjectId",
             p.status::text, p.attempts, p.body, p.error_code as "errorCode", p.error, p.remedy
           from push p where p.id = $1 for no key update`,
    values: [edit.pushId],
  });
  const push = rows[0];
  if (push === undefined) throw unknown('Push', edit.pushId);
  if (push.status !== 'dead') throw notDead('push', edit.pushId, push.status);
  await tx.query({
    name: 'dismiss-push',
    text: `update push set status = 'dismissed', next_attempt_at = null, dismissed_at = clock_timestamp(), dismissed_by = $2,
             dismissed_reason = $3 where id = $1`,
    values: [edit.pushId, edit.by, reason],
  });
  touch(effects, 'Push', edit.pushId);
  effects.events.push({
    type: 'push.dismissed',
    subjectType: 'Push',
    subjectId: edit.pushId,
    payload: {
      connectionId: push.connectionId,
      kind: push.kind,
      subject: { type: push.subjectType, id: push.subjectId },
      attempts: push.attempts,
      code: push.errorCode,
      error: push.error,
      remedy: push.remedy,
      by: edit.by,
      reason,
    },
    source: context.source,
    deliveryId: null,
    pushId: edit.pushId,
  });
  if (level !== null)
    await giveUpAdjustment(context, level, {
      id: edit.pushId,
      connectionId: push.connectionId,
      body: push.body,
      reason,
    });
  return 'applied';
}

interface DeadPush {
  connectionId: bigint;
  kind: string;
  subjectType: string;
  subjectId: bigint;
  status: string;
  attempts: number;
  body: unknown;
  errorCode: string | null;
  error: string | null;
  remedy: string | null;
}

async function subjectOf({ tx }: WriteContext, pushId: bigint): Promise<{ type: string; id: bigint } | null> {
  const { rows } = await tx.query<{ type: string; id: bigint }>({
    name: 'subject-of-push',
    text: 'select subject_type as type, subject_id as id from push where id = $1',
    values: [pushId],
  });
  return rows[0] ?? null;
}
