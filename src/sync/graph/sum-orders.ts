import type { Tx } from '../../db/pool.ts';
import type { Channel } from '../../model/platform-name.ts';

/** An order after its payments were summed, as events tell it. */
export interface SummedOrder {
  id: bigint;
  number: string;
  channel: Channel;
  totalMinor: bigint;
  currency: string;
  financialStatus: string;
  customerId: bigint | null;
  paidChanged: boolean;
  refundedChanged: boolean;
}

export interface SummedCustomer {
  id: bigint;
  /** True where a sum changed. */
  changed: boolean;
}

/**
 * Sums payments into orders and orders into customers, in one statement: what an order's transactions add up to is used
 * for its customer at once. The caller has locked the orders' names and the customers' rows, so that nobody else sums
 * the same ones. Reads all orders of a customer, with their lines and refunds.
 *
 * A cancelled order counts what was paid and not given back, any other its total less what was given back. Amounts are in
 * the currency of the customer's first order; orders of a shop with another currency are counted but not summed.
 *
 * Open is what an order still lacks of its total, less what came back and was not paid for; cancelled, voided and expired
 * orders owe nothing, and what was paid too much for one order pays for no other. Channels that tell of no payments tell
 * at least that they were made. Of a refund whose money failed nothing came back: another one will say so again.
 */
export async function sumOrders(
  tx: Tx,
  orderIds: readonly bigint[],
  customerIds: readonly bigint[],
): Promise<{ orders: SummedOrder[]; customers: SummedCustomer[] }> {
  const { rows } = await tx.query<{
    orders: (Omit<SummedOrder, 'id' | 'totalMinor' | 'customerId'> & {
      id: string;
      totalMinor: string;
      customerId: string | null;
    })[];
    customers: string[];
  }>({
    name: 'sum-orders',
    text: `with paid as (
      select o.id,
        greatest(0, coalesce(sum(t.amount_minor) filter (where t.kind in ('sale', 'capture')), 0)
          - coalesce(sum(t.amount_minor) filter (where t.kind = 'change'), 0))::bigint as paid,
        coalesce(sum(t.amount_minor) filter (where t.kind = 'refund'), 0)::bigint as refunded,
        coalesce(sum(t.presentment_amount_minor) filter (where t.kind = 'refund'), 0)::bigint as presentment_refunded
      from sales_order o left join order_transaction t on t.order_id = o.id and t.status = 'success'
      where o.id = any($1::bigint[]) group by o.id
    ),
    orders as (
      update sales_order o set paid_minor = paid.paid, refunded_minor = paid.refunded,
        presentment_refunded_minor = paid.presentment_refunded
      from paid
      where o.id = paid.id and (o.paid_minor, o.refunded_minor, o.presentment_refunded_minor)
        is distinct from (paid.paid, paid.refunded, paid.presentment_refunded)
    ),
    placed as (
      select o.*, coalesce(paid.paid, o.paid_minor) as in_minor, coalesce(paid.refunded, o.refunded_minor) as out_minor
      from sales_order o left join paid on paid.id = o.id
      where o.customer_id = any($2::bigint[]) and not o.test and o.removed_at is null
    ),
    counted as (
      select o.customer_id, o.placed_at, o.remote_id, o.currency, o.channel, o.out_minor as refunded,
        case when o.cancelled_at is null then o.total_minor else o.in_minor end - o.out_minor as net,
        o.cancelled_at is null or o.in_minor > 0 as counts,
        case when o.cancelled_at is not null or o.financial_status in ('voided', 'expired')
          or o.in_minor = 0 and o.financial_status in ('paid', 'partially_refunded', 'refunded') then 0
          else greatest(0, o.total_minor - o.in_minor - back.unpaid) end as open,
        lines.pieces - least(lines.pieces, back.called_off) as sold,
        least(lines.pieces - least(lines.pieces, back.called_off), back.returned) as returned
      from placed o
      cross join lateral (
        select coalesce(sum(l.quantity), 0)::int as pieces from order_line l where l.order_id = o.id) as lines
      cross join lateral (
        select coalesce(sum(greatest(0, r.worth - r.back)) filter (where not r.is_pending), 0)::bigint as unpaid,
          coalesce(sum(r.called_off), 0)::int as called_off, coalesce(sum(r.returned), 0)::int as returned
        from (
          select f.subtotal_minor + f.shipping_minor + f.adjustment_minor
              + case when o.taxes_included then 0 else f.tax_minor end as worth,
            t.back, t.is_pending, p.called_off, p.returned
          from refund f
          cross join lateral (
            select coalesce(sum(amount_minor) filter (where status = 'success'), 0) as back,
              coalesce(bool_or(status = 'pending'), false) as is_pending,
              coalesce(bool_and(status in ('failure', 'error')), false) as has_failed
            from order_transaction where refund_id = f.id and kind = 'refund') as t
          cross join lateral (
            select coalesce(sum(quantity) filter (where restock_type = 'cancel'), 0) as called_off,
              coalesce(sum(quantity) filter (where restock_type <> 'cancel'), 0) as returned
            from refund_line where refund_id = f.id) as p
          where f.order_id = o.id and not t.has_failed) as r) as back
    ),
    home as (
      select distinct on (customer_id) customer_id, currency from counted where counts
      order by customer_id, placed_at, remote_id
    ),
    sums as (
      select c.id, home.currency,
        coalesce(sum(counted.net) filter (where counts and counted.currency = home.currency), 0)::bigint as lifetime_value,
        coalesce(sum(counted.refunded) filter (where counted.currency = home.currency), 0)::bigint as refunded,
        count(*) filter (where counts)::int as order_count,
        coalesce(round(sum(counted.net) filter (where counts and counted.currency = home.currency)
          / nullif(count(*) filter (where counts and counted.currency = home.currency), 0)), 0)::bigint as average_order,
        coalesce(sum(counted.open) filter (where counts and counted.currency = home.currency), 0)::bigint as open_balance,
        coalesce(sum(counted.sold) filter (where counts), 0)::int as pieces_sold,
        coalesce(sum(counted.returned) filter (where counts), 0)::int as pieces_returned,
        coalesce(array_agg(distinct counted.channel::text order by counted.channel::text) filter (where counts), '{}')
          as channels,
        min(counted.placed_at) filter (where counts) as first_order_at,
        max(counted.placed_at) filter (where counts) as last_order_at
      from customer c
      left join home on home.customer_id = c.id
      left join counted on counted.customer_id = c.id
      where c.id = any($2::bigint[])
      group by c.id, home.currency
    ),
    customers as (
      update customer c set currency = coalesce(sums.currency, c.currency), lifetime_value_minor = sums.lifetime_value,
        refunded_minor = sums.refunded, order_count = sums.order_count, first_order_at = sums.first_order_at,
        last_order_at = sums.last_order_at, average_order_minor = sums.average_order, open_balance_minor = sums.open_balance,
        pieces_sold = sums.pieces_sold, pieces_returned = sums.pieces_returned, channels = sums.channels,
        updated_at = clock_timestamp()
      from sums
      where c.id = sums.id
        and (c.lifetime_value_minor, c.refunded_minor, c.order_count, c.first_order_at, c.last_order_at, c.currency,
            c.average_order_minor, c.open_balance_minor, c.pieces_sold, c.pieces_returned, c.channels)
          is distinct from (sums.lifetime_value, sums.refunded, sums.order_count, sums.first_order_at, sums.last_order_at,
            coalesce(sums.currency, c.currency), sums.average_order, sums.open_balance, sums.pieces_sold,
            sums.pieces_returned, sums.channels)
      returning c.id
    )
    select
      coalesce((select json_agg(json_build_object('id', o.id::text, 'number', o.number, 'channel', o.channel,
        'totalMinor', o.total_minor::text, 'currency', o.currency, 'financialStatus', o.financial_status,
        'customerId', o.customer_id::text, 'paidChanged', o.paid_minor <> paid.paid,
        'refundedChanged', o.refunded_minor <> paid.refunded) order by o.id)
        from sales_order o join paid on paid.id = o.id), '[]') as orders,
      coalesce((select json_agg(id::text order by id) from customers), '[]') as customers`,
    values: [orderIds, customerIds],
  });
  const row = rows[0] ?? { orders: [], customers: [] };
  const changed = new Set(row.customers);
  return {
    orders: row.orders.map((order) => ({
      ...order,
      id: BigInt(order.id),
      totalMinor: BigInt(order.totalMinor),
      customerId: order.customerId === null ? null : BigInt(order.customerId),
    })),
    customers: customerIds.map((id) => ({ id, changed: changed.has(id.toString()) })),
  };
}
