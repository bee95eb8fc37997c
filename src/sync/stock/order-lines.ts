import type { Tx } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';

/** What an order has newly done to the stock of one variant. */
export interface LineNews {
  orderId: bigint;
  platform: PlatformName;
  /** Where the order was sold or is sent from, where it says so. */
  locationId: bigint | null;
  /** Placed before its account was connected: somebody else has counted it. */
  history: boolean;
  placedAt: Date;
  variantId: bigint;
  /** How many of the variant one unit of the line stands for: 1, or a set's part. */
  each: number;
  sold: number;
  cancelled: number;
  returned: number;
  fulfilled: number;
  refundId: bigint | null;
  refundedAt: Date | null;
  /** Where what came back was put. */
  restockLocationId: bigint | null;
  fulfilledAt: Date | null;
  fulfilmentLocationId: bigint | null;
}

/**
 * Compares the lines of orders with what the ledger was told of them before, remembers them, and answers the difference.
 * However often and in whatever order an order arrives, each unit is told once. Sets are told as their parts where no
 * platform counts them as such.
 */
export async function takeLineNews(
  tx: Tx,
  orderIds: readonly bigint[],
  keeping: readonly PlatformName[],
): Promise<LineNews[]> {
  const { rows } = await tx.query<LineNews>({
    name: 'take-line-news',
    text: `with line as (
             select l.id, l.order_id, l.variant_id, l.quantity as sold,
               -- A marketplace says of a cancelled order only that: what has not left is free again.
               case when o.cancelled_at is not null and not k.platform::text = any($2::text[]) then l.quantity
                 else least(l.quantity, coalesce((select sum(r.quantity) from refund_line r
                   where r.order_line_id = l.id and r.restock_type = 'cancel'), 0)) end::int as cancelled,
               coalesce((select sum(r.quantity) from refund_line r
                 where r.order_line_id = l.id and r.restock_type in ('return', 'legacy_restock')), 0)::int as returned,
               least(l.quantity, coalesce((select sum(f.quantity) from fulfilment_line f join fulfilment m on m.id = f.fulfilment_id
                 where f.order_line_id = l.id and m.status = 'success'), 0))::int as fulfilled
             from order_line l join variant v on v.id = l.variant_id and v.tracked
             join sales_order o on o.id = l.order_id join connection k on k.id = o.connection_id
             where l.order_id = any($1::bigint[])
           ), before as (
             select line.id, coalesce(t.sold, 0) as sold, coalesce(t.cancelled, 0) as cancelled,
               coalesce(t.returned, 0) as returned, coalesce(t.fulfilled, 0) as fulfilled
             from line left join order_line_stock t on t.order_line_id = line.id
           ), told as (
             insert into order_line_stock as t (order_line_id, sold, cancelled, returned, fulfilled)
             select id, sold, cancelled, returned, fulfilled from line order by id
             on conflict (order_line_id) do update set sold = excluded.sold, cancelled = excluded.cancelled,
               returned = excluded.returned, fulfilled = excluded.fulfilled
             where (t.sold, t.cancelled, t.returned, t.fulfilled)
               <> (excluded.sold, excluded.cancelled, excluded.returned, excluded.fulfilled)
             returning order_line_id
           )
           select line.order_id as "orderId", c.platform, o.location_id as "locationId",
             o.placed_at < coalesce((c.settings ->> 'ordersFrom')::timestamptz, c.created_at) as history,
             o.placed_at as "placedAt", coalesce(b.component_variant_id, line.variant_id) as "variantId",
             coalesce(b.quantity, 1) as each,
             line.sold - before.sold as sold, line.cancelled - before.cancelled as cancelled,
             line.returned - before.returned as returned, line.fulfilled - before.fulfilled as fulfilled,
             refunded.id as "refundId", refunded.refunded_at as "refundedAt", refunded.location as "restockLocationId",
             left_at.created_at as "fulfilledAt", left_at.location as "fulfilmentLocationId"
           from told join line on line.id = told.order_line_id join before on before.id = line.id
           join sales_order o on o.id = line.order_id join connection c on c.id = o.connection_id
           left join bundle_component b on b.bundle_variant_id = line.variant_id and not c.platform::text = any($2::text[])
           left join lateral (
             select f.id, f.refunded_at, p.id as location
             from refund_line r join refund f on f.id = r.refund_id
             left join location p on p.connection_id = o.connection_id and p.remote_id = r.remote_location_id
             where r.order_line_id = line.id order by f.refunded_at desc, f.id desc limit 1) as refunded on true
           left join lateral (
             select m.created_at, p.id as location
             from fulfilment_line f join fulfilment m on m.id = f.fulfilment_id and m.status = 'success'
             left join location p on p.connection_id = o.connection_id and p.remote_id = m.remote_location_id
             where f.order_line_id = line.id order by m.created_at desc, m.id desc limit 1) as left_at on true
           order by line.id, 6`,
    values: [orderIds, keeping],
  });
  return rows;
}
