import type { Queryable } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';

/** A row of the books that stands for an order or a refund. */
export interface PostingLink {
  connectionId: bigint;
  entityType: string;
  entityId: bigint;
  remoteType: string;
  remoteId: string;
  remoteVersion: string | null;
  state: Record<string, unknown>;
}

/** The latest push that writes, or would write, the documents of an order or a refund. */
export interface PostingPush {
  connectionId: bigint;
  subjectType: string;
  subjectId: bigint;
  status: string;
  errorCode: string | null;
  error: string | null;
  remedy: string | null;
}

export interface BooksConnection {
  id: bigint;
  platform: PlatformName;
  settings: Record<string, unknown>;
}

/** What stands for orders and refunds at every account, and how far writing has come: three statements whatever their number. */
export async function loadPostingFacts(
  db: Queryable,
  orderIds: readonly bigint[],
  refundIds: readonly bigint[],
): Promise<{ connections: BooksConnection[]; links: PostingLink[]; pushes: PostingPush[] }> {
  const { rows: connections } = await db.query<BooksConnection>({
    name: 'posting-connections',
    text: 'select id, platform, settings from connection order by id',
  });
  const { rows: links } = await db.query<PostingLink>({
    name: 'posting-links',
    text: `select connection_id as "connectionId", entity_type as "entityType", entity_id as "entityId",
             remote_type as "remoteType", remote_id as "remoteId", remote_version as "remoteVersion", remote_state as state
           from link where (entity_type = 'Order' and entity_id = any($1::bigint[]))
             or (entity_type = 'Refund' and entity_id = any($2::bigint[])) order by seen_at, id`,
    values: [orderIds, refundIds],
  });
  const { rows: pushes } = await db.query<PostingPush>({
    name: 'posting-pushes',
    text: `select distinct on (connection_id, subject_type, subject_id) connection_id as "connectionId",
             subject_type as "subjectType", subject_id as "subjectId", status::text, error_code as "errorCode", error, remedy
           from push where kind in ('salesReceipt', 'creditMemo') and status <> 'superseded'
             and ((subject_type = 'Order' and subject_id = any($1::bigint[]))
               or (subject_type = 'Refund' and subject_id = any($2::bigint[])))
           order by connection_id, subject_type, subject_id, version desc`,
    values: [orderIds, refundIds],
  });
  return { connections, links, pushes };
}
