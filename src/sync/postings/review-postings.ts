import { letEarlierWritersEnd } from '../../db/earlier-writers.ts';
import type { Pool, Tx } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Platform } from '../platforms/platform.ts';

export interface PostingReviewOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
}

/** Few enough to hold locks of orders for milliseconds. */
const rowsPerPage = 50;

/**
 * Pushes carry their documents as they were rendered when they were planned. Where the choices for an account have changed
 * since, everything is planned anew that they may concern, page after page: what still waits (plans, pushes to come, dead
 * letters), and orders that it holds nothing of. Documents in books keep the form they have; other records follow. What
 * comes out the same stays, anything else is superseded. Safe to repeat from the beginning.
 */
export async function reviewPostings(connectionId: bigint, options: PostingReviewOptions): Promise<void> {
  const { pool } = options;
  // Who read the old choices before they were changed may plan with them and commit after.
  await letEarlierWritersEnd(pool);
  const account = await readAccount(pool, connectionId);
  if (account === null) return;
  let reached = 0n;
  while (reached < account.lastPush) {
    const page = await waitingPushes(pool, connectionId, { reached, last: account.lastPush });
    reached = page.at(-1)?.id ?? account.lastPush;
    if (page.length > 0) await review(connectionId, page, options);
  }
  const isRestated = options.platforms[account.platform]?.keepsBooks !== true;
  let order = 0n;
  for (;;) {
    const ids = await ordersConcerned(pool, connectionId, { reached: order, isRestated });
    const last = ids.at(-1);
    if (last === undefined) return;
    order = last;
    await transaction(pool, (tx) => plan(tx, { orderIds: ids, payoutIds: [], summaryIds: [] }, options));
  }
}

async function readAccount(
  pool: Pool,
  connectionId: bigint,
): Promise<{ platform: PlatformName; lastPush: bigint } | null> {
  const { rows } = await pool.query<{ platform: PlatformName; lastPush: bigint }>(
    `select platform, coalesce((select max(id) from push where connection_id = $1), 0) as "lastPush"
     from connection where id = $1`,
    [connectionId],
  );
  return rows[0] ?? null;
}

/** Orders of the account's time that it holds nothing of; where records are restated, those that it holds as well. */
async function ordersConcerned(
  pool: Pool,
  connectionId: bigint,
  { reached, isRestated }: { reached: bigint; isRestated: boolean },
): Promise<bigint[]> {
  const { rows } = await pool.query<{ id: bigint }>({
    name: 'orders-of-review',
    text: `select o.id from sales_order o, connection c
           where c.id = $1 and o.id > $2
             and o.placed_at >= coalesce((c.settings ->> 'ordersFrom')::timestamptz, '-infinity')
             and ($3 or not exists (select 1 from link l
               where l.connection_id = $1 and l.entity_type = 'Order' and l.entity_id = o.id))
           order by o.id limit $4`,
    values: [connectionId, reached, isRestated, rowsPerPage],
  });
  return rows.map((row) => row.id);
}

interface Waiting {
  id: bigint;
  kind: string;
  orderId: bigint | null;
  payoutId: bigint | null;
  summaryId: bigint | null;
}

async function waitingPushes(
  pool: Pool,
  connectionId: bigint,
  { reached, last }: { reached: bigint; last: bigint },
): Promise<Waiting[]> {
  const { rows } = await pool.query<Waiting>({
    name: 'waiting-postings',
    text: `select p.id, p.kind, case p.subject_type when 'Order' then p.subject_id when 'Refund' then r.order_id end as "orderId",
             case p.subject_type when 'Payout' then p.subject_id end as "payoutId",
             case p.subject_type when 'DaySummary' then p.subject_id end as "summaryId"
           from push p left join refund r on p.subject_type = 'Refund' and r.id = p.subject_id
           where p.connection_id = $1 and p.id > $2 and p.id <= $3 and p.subject_type in ('Order', 'Refund', 'Payout', 'DaySummary')
             and p.status in ('plan', 'pending', 'retrying', 'dead')
           order by p.id limit $4`,
    values: [connectionId, reached, last, rowsPerPage],
  });
  return rows;
}

async function review(
  connectionId: bigint,
  page: readonly Waiting[],
  { pool, platforms }: PostingReviewOptions,
): Promise<void> {
  await transaction(pool, async (tx) => {
    await plan(
      tx,
      {
        orderIds: [...new Set(page.flatMap((one) => one.orderId ?? []))],
        payoutIds: [...new Set(page.flatMap((one) => one.payoutId ?? []))],
        summaryIds: [...new Set(page.flatMap((one) => one.summaryId ?? []))],
      },
      { platforms },
    );
    // What took the place of a dead letter leaves nothing to look at.
    await tx.query({
      name: 'supersede-dead-postings',
      text: `update push p set status = 'superseded', settled_at = clock_timestamp()
             where p.connection_id = $1 and p.id = any($2::bigint[]) and p.status = 'dead'
               and exists (select 1 from push n where n.connection_id = p.connection_id and n.kind = p.kind
                 and n.subject_type = p.subject_type and n.subject_id = p.subject_id and n.version > p.version
                 and n.status in ('plan', 'pending', 'running', 'retrying', 'settled'))`,
      values: [connectionId, page.map((one) => one.id)],
    });
  });
}

async function plan(
  tx: Tx,
  subjects: { orderIds: bigint[]; payoutIds: bigint[]; summaryIds: bigint[] },
  { platforms }: Pick<PostingReviewOptions, 'platforms'>,
): Promise<void> {
  await applyChanges(tx, {
    changes: [{ kind: 'postingsReview', ...subjects }],
    source: 'tributary',
    connectionId: null,
    deliveryId: null,
    now: new Date(),
    platforms,
  });
}
