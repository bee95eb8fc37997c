import type { Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { Edit } from '../../model/change.ts';
import { notFound, planLater, touch, type WriteContext } from './write-context.ts';

type PostingEdit = Extract<Edit, { kind: 'postingVoid' | 'postingRepost' }>;

/**
 * A person's word about what stands in the books. It is kept with the links: planning reads it there and owes the books
 * a void, or the document anew over whatever was changed or deleted by hand.
 */
export async function editPosting(context: WriteContext, edit: PostingEdit): Promise<'applied'> {
  const { subject } = edit;
  const orderId = await orderOf(context, edit);
  const isVoid = edit.kind === 'postingVoid';
  if (isVoid && subject.type === 'Order') await assertNoRefunds(context, orderId);
  const { rows } = await context.tx.query<{ void: string | null }>({
    name: 'edit-posting',
    text: `with before as (
             select l.id, l.remote_state->>'void' as void from link l join connection c on c.id = l.connection_id
             where l.entity_type = $1 and l.entity_id = $2
               and (c.platform::text, l.remote_type) in (select * from unnest($3::text[], $4::text[]))
             for no key update of l)
           update link l set changed_at = clock_timestamp(),
             remote_state = case when $5 then l.remote_state || '{"void":"asked"}'
               else (l.remote_state - 'void') || '{"consent":true}' end
           from before where l.id = before.id and (not $5 or before.void is null)
           returning before.void`,
    values: [subject.type, subject.id, ...documentTypes(context, subject.type), isVoid],
  });
  if (isVoid && rows.length === 0)
    throw new AppError({
      code: 'NOTHING_POSTED',
      retryable: false,
      publicMessage: `Nothing of this ${subject.type.toLowerCase()} stands in the books.`,
    });
  if (!isVoid) await reopenDismissed(context, subject);
  touch(context.effects, subject.type, subject.id);
  planLater(context.effects, 'Order', orderId);
  return 'applied';
}

/** What a person had closed may be planned again: the same person, or another, asks for it expressly. */
async function reopenDismissed({ tx }: WriteContext, subject: PostingEdit['subject']): Promise<void> {
  await tx.query({
    name: 'reopen-dismissed-postings',
    text: `update push set status = 'superseded', settled_at = clock_timestamp()
           where subject_type = $1 and subject_id = $2 and status = 'dismissed' and kind in ('salesReceipt', 'creditMemo')`,
    values: [subject.type, subject.id],
  });
}

/** The lock of the order that a posting belongs to. */
export async function namesOfPosting(tx: Tx, subject: PostingEdit['subject']): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>({
    name: 'name-of-posting',
    text: `select 'order:' || o.connection_id || ':' || o.remote_id as name from sales_order o
           where o.id = case when $1 = 'Order' then $2::bigint else (select order_id from refund where id = $2) end`,
    values: [subject.type, subject.id],
  });
  return rows.map((row) => row.name);
}

/** Platform and remote type of everything that is a document of the books. */
function documentTypes(context: WriteContext, type: 'Order' | 'Refund'): [string[], string[]] {
  const pairs = Object.values(context.platforms).flatMap((platform) =>
    platform.keepsBooks === true
      ? [platform.linkTypes[type], ...(platform.otherLinkTypes?.[type] ?? [])].flatMap((remoteType) =>
          remoteType === undefined ? [] : [[platform.name, remoteType] as const],
        )
      : [],
  );
  return [pairs.map(([name]) => name), pairs.map(([, remoteType]) => remoteType)];
}

async function orderOf(context: WriteContext, { subject }: PostingEdit): Promise<bigint> {
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'order-of-posting',
    text: `select o.id from sales_order o
           where o.removed_at is null
             and o.id = case when $1 = 'Order' then $2::bigint else (select order_id from refund where id = $2) end
           for no key update`,
    values: [subject.type, subject.id],
  });
  const id = rows[0]?.id;
  if (id === undefined) throw notFound(subject.type.toLowerCase(), subject.id);
  return id;
}

/** A credit memo without its sale would leave the books below nothing. */
async function assertNoRefunds(context: WriteContext, orderId: bigint): Promise<void> {
  const { rows } = await context.tx.query<{ count: number }>({
    name: 'posted-refunds',
    text: `select count(*)::int as count from link l join refund r on r.id = l.entity_id
           join connection c on c.id = l.connection_id
           where l.entity_type = 'Refund' and r.order_id = $1 and l.remote_state->>'void' is null
             and l.remote_version is not null
             and (c.platform::text, l.remote_type) in (select * from unnest($2::text[], $3::text[]))`,
    values: [orderId, ...documentTypes(context, 'Refund')],
  });
  if ((rows[0]?.count ?? 0) > 0)
    throw new AppError({
      code: 'REFUNDS_POSTED',
      retryable: false,
      publicMessage: 'Refunds of this order stand in the books.',
      remedy: 'Void them first.',
    });
}
