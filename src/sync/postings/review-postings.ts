import { letEarlierWritersEnd } from '../../db/earlier-writers.ts';
import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Platform } from '../platforms/platform.ts';

export interface PostingReviewOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
}

/** Few enough to hold locks of orders for milliseconds. */
const pushesPerPage = 50;

/**
 * Pushes carry their documents as they were rendered when they were planned. Where the choices of how things are posted
 * have changed since, what still waits (plans, pushes to come, dead letters) is planned anew, page after page: what comes out the
 * same stays, anything else is superseded. Safe to repeat from the beginning.
 */
export async function reviewPostings(connectionId: bigint, options: PostingReviewOptions): Promise<void> {
  const { pool } = options;
  // Who read the old choices before they were changed may plan with them and commit after.
  await letEarlierWritersEnd(pool);
  const { rows } = await pool.query<{ last: bigint | null }>(
    'select max(id) as last from push where connection_id = $1',
    [connectionId],
  );
  const last = rows[0]?.last ?? 0n;
  let reached = 0n;
  while (reached < last) {
    const page = await waitingPushes(pool, connectionId, { reached, last });
    if (page.length === 0) return;
    reached = page.at(-1)?.id ?? last;
    await review(connectionId, page, options);
  }
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
    values: [connectionId, reached, last, pushesPerPage],
  });
  return rows;
}

async function review(
  connectionId: bigint,
  page: readonly Waiting[],
  { pool, platforms }: PostingReviewOptions,
): Promise<void> {
  await transaction(pool, async (tx) => {
    await applyChanges(tx, {
      changes: [
        {
          kind: 'postingsReview',
          orderIds: [...new Set(page.flatMap((one) => one.orderId ?? []))],
          payoutIds: [...new Set(page.flatMap((one) => one.payoutId ?? []))],
          summaryIds: [...new Set(page.flatMap((one) => one.summaryId ?? []))],
        },
      ],
      source: 'tributary',
      connectionId: null,
      deliveryId: null,
      now: new Date(),
      platforms,
    });
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
