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
  /** Where a person closed it: who, and why. */
  dismissed: string | null;
}

/** The document of a day, and how far writing it has come. */
export interface PostingSummary {
  id: bigint;
  connectionId: bigint;
  key: string;
  day: string;
  /** Its document; null before it stands. */
  remoteType: string | null;
  remoteId: string | null;
  number: string | null;
  /** Of the latest push; null before its day is over. */
  push: string | null;
  errorCode: string | null;
  error: string | null;
  remedy: string | null;
  dismissed: string | null;
}

export interface BooksConnection {
  id: bigint;
  platform: PlatformName;
  settings: Record<string, unknown>;
}

/** What stands for orders and refunds at every account, and how far writing has come: four statements whatever their number. */
export async function loadPostingFacts(
  db: Queryable,
  orderIds: readonly bigint[],
  refundIds: readonly bigint[],
): Promise<{
  connections: BooksConnection[];
  links: PostingLink[];
  pushes: PostingPush[];
  summaries: PostingSummary[];
}> {
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
             subject_type as "subjectType", subject_id as "subjectId", status::text, error_code as "errorCode", error, remedy,
             ${dismissalOf('push')} as dismissed
           from push where kind in ('salesReceipt', 'creditMemo') and status <> 'superseded'
             and ((subject_type = 'Order' and subject_id = any($1::bigint[]))
               or (subject_type = 'Refund' and subject_id = any($2::bigint[])))
           order by connection_id, subject_type, subject_id, version desc`,
    values: [orderIds, refundIds],
  });
  const keys = new Set(
    links.flatMap((link) => (typeof link.state.summary === 'string' ? link.state.summary : [])),
  );
  const summaries = keys.size === 0 ? [] : await loadSummaries(db, [...keys]);
  return { connections, links, pushes, summaries };
}

async function loadSummaries(db: Queryable, keys: readonly string[]): Promise<PostingSummary[]> {
  const { rows } = await db.query<PostingSummary>({
    name: 'posting-summaries',
    text: `select s.id, s.connection_id as "connectionId", s.key, s.day, l.remote_type as "remoteType", l.remote_id as "remoteId",
             l.remote_state->>'docNumber' as number, p.status::text as push, p.error_code as "errorCode", p.error, p.remedy,
             ${dismissalOf('p')} as dismissed
           from day_summary s
           left join lateral (select * from link where entity_type = 'DaySummary' and entity_id = s.id
             and remote_type in ('SalesReceipt', 'RefundReceipt') and remote_version is not null
             order by seen_at desc, id desc limit 1) l on true
           left join lateral (select * from push where subject_type = 'DaySummary' and subject_id = s.id
             and kind = 'daySummary' and status <> 'superseded' order by version desc limit 1) p on true
           where s.key = any($1::text[])`,
    values: [keys],
  });
  return rows;
}

/** Who closed a push and why, in words; null where nobody did. */
function dismissalOf(alias: string): string {
  return `case when ${alias}.status = 'dismissed' then concat_ws(': ', ${alias}.dismissed_by || ' has dismissed it',
      nullif(${alias}.dismissed_reason, '')) end`;
}

/** The day that an order or refund is a share of; null where it has documents of its own. */
export function summaryOf(
  links: readonly PostingLink[],
  summaries: readonly PostingSummary[],
  shareType: string,
): { share: PostingLink; summary: PostingSummary | null } | null {
  const share = links.findLast((one) => one.remoteType === shareType);
  if (share === undefined) return null;
  const summary = summaries.find(
    (one) => one.connectionId === share.connectionId && one.key === share.state.summary,
  );
  return { share, summary: summary ?? null };
}
