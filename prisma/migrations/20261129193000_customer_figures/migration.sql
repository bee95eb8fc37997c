-- What orders tell of a customer beside their value. Kept by src/sync/graph/sum-orders.ts; filled in here for everybody there is.
ALTER TABLE "customer" ADD COLUMN "average_order_minor" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "customer" ADD COLUMN "open_balance_minor" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "customer" ADD COLUMN "pieces_sold" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "customer" ADD COLUMN "pieces_returned" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "customer" ADD COLUMN "channels" TEXT[] DEFAULT ARRAY[]::TEXT[];

with refunds as (
  select f.order_id, f.subtotal_minor + f.shipping_minor + f.adjustment_minor
      + case when o.taxes_included then 0 else f.tax_minor end as worth,
    t.back, t.is_pending, p.called_off, p.returned
  from refund f join sales_order o on o.id = f.order_id
  cross join lateral (
    select coalesce(sum(amount_minor) filter (where status = 'success'), 0) as back,
      coalesce(bool_or(status = 'pending'), false) as is_pending,
      coalesce(bool_and(status in ('failure', 'error')), false) as has_failed
    from order_transaction where refund_id = f.id and kind = 'refund') as t
  cross join lateral (
    select coalesce(sum(quantity) filter (where restock_type = 'cancel'), 0) as called_off,
      coalesce(sum(quantity) filter (where restock_type <> 'cancel'), 0) as returned
    from refund_line where refund_id = f.id) as p
  where not t.has_failed
),
back as (
  select order_id, coalesce(sum(greatest(0, worth - back)) filter (where not is_pending), 0)::bigint as unpaid,
    sum(called_off)::int as called_off, sum(returned)::int as returned
  from refunds group by order_id
),
lines as (select order_id, sum(quantity)::int as pieces from order_line group by order_id),
counted as (
  select o.customer_id, o.currency, o.channel,
    case when o.cancelled_at is null then o.total_minor else o.paid_minor end - o.refunded_minor as net,
    case when o.cancelled_at is not null or o.financial_status in ('voided', 'expired')
      or o.paid_minor = 0 and o.financial_status in ('paid', 'partially_refunded', 'refunded') then 0
      else greatest(0, o.total_minor - o.paid_minor - coalesce(back.unpaid, 0)) end as open,
    coalesce(lines.pieces, 0) - least(coalesce(lines.pieces, 0), coalesce(back.called_off, 0)) as sold,
    least(coalesce(lines.pieces, 0) - least(coalesce(lines.pieces, 0), coalesce(back.called_off, 0)),
      coalesce(back.returned, 0)) as returned
  from sales_order o left join back on back.order_id = o.id left join lines on lines.order_id = o.id
  where not o.test and o.removed_at is null and (o.cancelled_at is null or o.paid_minor > 0)
),
sums as (
  select c.id,
    coalesce(round(sum(counted.net) filter (where counted.currency = c.currency)
      / nullif(count(*) filter (where counted.currency = c.currency), 0)), 0)::bigint as average_order,
    coalesce(sum(counted.open) filter (where counted.currency = c.currency), 0)::bigint as open_balance,
    sum(counted.sold)::int as pieces_sold, sum(counted.returned)::int as pieces_returned,
    array_agg(distinct counted.channel::text order by counted.channel::text) as channels
  from customer c join counted on counted.customer_id = c.id
  group by c.id
)
update customer c set average_order_minor = sums.average_order, open_balance_minor = sums.open_balance,
  pieces_sold = sums.pieces_sold, pieces_returned = sums.pieces_returned, channels = sums.channels
from sums where sums.id = c.id;
