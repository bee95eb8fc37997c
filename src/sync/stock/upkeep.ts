import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { StockEdit } from '../../model/stock.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Platform } from '../platforms/platform.ts';
import { staleAfterMs } from './allocate.ts';
import { keepingPlatforms, publishingPlatforms } from './stock-level.ts';

export interface StockUpkeepOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
  now: () => number;
}

/** What time alone does to stock: reservations run out, channels get slower or silent, buffers shrink after a rush. */
export async function keepStockUp(
  options: StockUpkeepOptions,
): Promise<{ released: number; reviewed: number }> {
  const released = await releaseExpired(options);
  await measureFeeds(options);
  const reviewed = await reviewAllocations(options);
  await dropExpectations(options);
  return { released, reviewed };
}

const atOnce = 250;
/** A shop with many goods has many to look at, and a turn ends in time for the next one. */
const portionsPerTurn = 8;
/** Deliveries come up to hours late and are matched by when it happened; after this long nothing comes. */
const expectationDays = 2;

async function releaseExpired(options: StockUpkeepOptions): Promise<number> {
  const { rows } = await options.pool.query<{ id: bigint }>({
    name: 'expired-reservations',
    text: 'select id from reservation where released_at is null and expires_at <= $1 order by expires_at limit $2',
    values: [new Date(options.now()), atOnce],
  });
  // One at a time: whoever sells from one of these levels meanwhile waits for no other.
  for (const { id } of rows)
    await edit(options, { kind: 'reservationRelease', reservationId: id, outcome: 'expired' });
  return rows.length;
}

/**
 * Nine out of ten changes reached the channel, and nine out of ten of its sales reached us, within this time. Orders from
 * before the account was connected were read as history, which says nothing of how fast it tells.
 */
async function measureFeeds(options: StockUpkeepOptions): Promise<void> {
  await options.pool.query({
    name: 'measure-feeds',
    text: `insert into channel_feed (connection_id, publish_latency_ms, intake_latency_ms, measured_at)
           select c.id, coalesce(published.ms, 5000)::int, coalesce(heard.ms, 30000)::int, clock_timestamp()
           from connection c
           left join lateral (
             select percentile_cont(0.9) within group (order by ms) as ms from (
               select extract(epoch from p.settled_at - p.created_at) * 1000 as ms from push p
               where p.connection_id = c.id and p.kind = 'listingQuantity' and p.status = 'settled'
                 and p.created_at > statement_timestamp() - interval '1 day'
               order by p.created_at desc limit 200) as latest) as published on true
           left join lateral (
             select percentile_cont(0.9) within group (order by ms) as ms from (
               select greatest(0, extract(epoch from o.created_at - o.placed_at) * 1000) as ms from sales_order o
               where o.connection_id = c.id and o.placed_at > statement_timestamp() - interval '1 day'
                 and o.placed_at > coalesce((c.settings ->> 'ordersFrom')::timestamptz, c.created_at)
               order by o.placed_at desc limit 200) as latest) as heard on true
           where c.platform::text = any($1::text[]) and (published.ms is not null or heard.ms is not null)
             and not exists (select from channel_feed known
               where known.connection_id = c.id and known.measured_at > clock_timestamp() - interval '30 seconds')
           on conflict (connection_id) do update set publish_latency_ms = least(excluded.publish_latency_ms, 600000),
             intake_latency_ms = least(excluded.intake_latency_ms, 600000), measured_at = excluded.measured_at`,
    values: [publishingPlatforms(options)],
  });
}

/** Works out anew what time may have changed: never worked out, a buffer that may shrink, a channel silent or back. */
async function reviewAllocations(options: StockUpkeepOptions): Promise<number> {
  let total = 0;
  for (let portion = 0; portion < portionsPerTurn; portion += 1) {
    const reviewed = await reviewPortion(options);
    total += reviewed;
    if (reviewed < atOnce) break;
  }
  return total;
}

async function reviewPortion(options: StockUpkeepOptions): Promise<number> {
  const publishing = publishingPlatforms(options);
  const { rows } = await options.pool.query<{ variantId: bigint }>({
    name: 'allocations-to-review',
    text: `with heard as (
             select c.id, extract(epoch from clock_timestamp() - least(
               greatest(c.last_success_at, c.last_delivery_at, c.swept_until, c.created_at),
               (select min(greatest(k.last_success_at, k.last_delivery_at, k.swept_until, k.created_at)) from connection k
                where k.platform::text = any($2::text[]) and k.status not in ('revoked', 'disconnected'))
             )) * 1000 > coalesce((c.settings ->> 'staleAfterMs')::int, $3) as silent
             from connection c where c.platform::text = any($1::text[])
           )
           select g.variant_id as "variantId"
           from listing g join heard h on h.id = g.connection_id
           where g.status <> 'removed' and (g.allocated_at is null
             or (g.allocated_buffer > 0 and g.allocated_at < clock_timestamp() - interval '10 seconds')
             or (h.silent <> (g.allocated_because = 'stale_feed') and g.allocated_because <> 'rule_paused'))
           group by 1 order by min(g.allocated_at) nulls first limit $4`,
    values: [publishing, keepingPlatforms(options), staleAfterMs, atOnce],
  });
  const variantIds = rows.map((row) => row.variantId);
  if (variantIds.length === 0) return 0;
  await edit(options, { kind: 'allocationReview', variantIds });
  await options.pool.query({
    name: 'allocations-reviewed',
    text: `update listing g set allocated_at = clock_timestamp() from connection c
           where g.variant_id = any($1::bigint[]) and c.id = g.connection_id and c.platform::text = any($2::text[])`,
    values: [variantIds, publishing],
  });
  return variantIds.length;
}

async function dropExpectations({ pool, now }: StockUpkeepOptions): Promise<void> {
  await pool.query({
    name: 'drop-expectations',
    text: `delete from stock_expectation where id in (select id from stock_expectation where occurred_at < $1 order by occurred_at limit 1000)`,
    values: [new Date(now() - expectationDays * 86_400_000)],
  });
}

async function edit(options: StockUpkeepOptions, change: StockEdit): Promise<void> {
  await transaction(options.pool, (tx) =>
    applyChanges(tx, {
      changes: [change],
      source: 'tributary',
      connectionId: null,
      deliveryId: null,
      now: new Date(options.now()),
      platforms: options.platforms,
    }),
  );
}
