import { decodeGlobalId } from '../../src/schema/global-id.ts';

// One statement per question that writes the whole answer as JSON, as somebody would who needs nothing but this answer.

const globalId = (type: string, id: string): string =>
  `translate(encode(('${type}:' || ${id})::bytea, 'base64'), '+/=', '-_')`;
const money = (minor: string, currency: string): string =>
  `(select row_to_json(m) from (select (${minor}::numeric / 100)::numeric(20, 2)::text as amount, ${currency} as "currencyCode") m)`;
const time = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const lines = `array(
  select row_to_json(l) from (
    select ${globalId('OrderLine', 'l.id')} as id, l.title, l.sku, l.quantity, ${money('l.total_minor', 'o.currency')} as total
    from order_line l where l.order_id = o.id order by l.position, l.id) l) as lines`;

export const rawStatements = {
  q1: {
    values: (variables: Record<string, unknown>) => [decodeGlobalId(String(variables.id)).id],
    text: `
      select row_to_json(answer)::text as data from (
        select (select row_to_json(c) from (
          select ${globalId('Customer', 'c.id')} as id, c.first_name as "firstName", c.last_name as "lastName", c.email,
            c.order_count as "orderCount", ${money('c.lifetime_value_minor', 'c.currency')} as "lifetimeValue",
            (select row_to_json(p) from (select array(
              select row_to_json(o) from (
                select ${globalId('Order', 'o.id')} as id, o.number, ${time('o.placed_at')} as "placedAt", upper(o.channel::text) as channel,
                  upper(o.financial_status::text) as "financialStatus", ${money('o.total_minor', 'o.currency')} as total, ${lines},
                  array(
                    select row_to_json(r) from (
                      select ${globalId('Refund', 'r.id')} as id, ${time('r.refunded_at')} as "refundedAt", ${money('r.total_minor', 'r.currency')} as total,
                        array(
                          select row_to_json(rl) from (
                            select rl.quantity, ${money('rl.subtotal_minor', 'r.currency')} as subtotal
                            from refund_line rl where rl.refund_id = r.id order by rl.id) rl) as lines
                      from refund r where r.order_id = o.id order by r.refunded_at, r.id) r) as refunds
                from sales_order o where o.customer_id = c.id and o.removed_at is null
                order by o.placed_at desc, o.id desc limit 10) o) as nodes) p) as orders
          from customer c where c.id = $1) c) as customer) answer`,
  },
  q2: {
    values: (variables: Record<string, unknown>) => [variables.until],
    text: `
      select row_to_json(answer)::text as data from (
        select (select row_to_json(p) from (select array(
          select row_to_json(o) from (
            select ${globalId('Order', 'o.id')} as id, o.number, ${time('o.placed_at')} as "placedAt", upper(o.channel::text) as channel,
              upper(o.financial_status::text) as "financialStatus", upper(o.fulfilment_status::text) as "fulfilmentStatus",
              ${money('o.total_minor', 'o.currency')} as total,
              (select row_to_json(c) from (
                select ${globalId('Customer', 'c.id')} as id, c.first_name as "firstName", c.last_name as "lastName", c.email
                from customer c where c.id = o.customer_id) c) as customer, ${lines}
            from sales_order o where o.placed_at < $1::timestamptz and o.removed_at is null
            order by o.placed_at desc, o.id desc limit 50) o) as nodes) p) as orders) answer`,
  },
  q3: {
    values: (variables: Record<string, unknown>) => [variables.skus],
    text: `
      select row_to_json(answer)::text as data from (
        select (select row_to_json(p) from (select array(
          select row_to_json(s) from (
            select ${globalId('StockLevel', 's.id')} as id, s.on_hand as "onHand", s.committed, s.available,
              (select row_to_json(x) from (select ${globalId('Variant', 'v.id')} as id, v.sku) x) as variant,
              (select row_to_json(x) from (select ${globalId('Location', 'l.id')} as id, l.name) x) as location
            from variant v join stock_level s on s.variant_id = v.id join location l on l.id = s.location_id
            where v.sku = any($1::text[]) order by s.id limit 500) s) as nodes) p) as "stockLevels") answer`,
  },
} as const;
