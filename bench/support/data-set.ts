import { withClient } from './tributary.ts';

export const size = {
  customers: 20_000,
  orders: 100_000,
  products: 2_500,
  variants: 12_500,
  locations: 4,
  stockLevels: 50_000,
};
/** The first customers are the regulars: they have placed half of all orders. */
export const regulars = 2_000;
const firstOrderAt = Date.UTC(2025, 10, 1);
/** Orders are placed one after the other, this far apart. */
const secondsBetween = 300;

/** Fills an empty database: everything follows from row numbers, so that every run reads the same rows. */
export async function fillDataSet(databaseUrl: string): Promise<void> {
  await withClient(databaseUrl, async (client) => {
    // The rows refer to each other by construction: checking each reference would be most of the work.
    await client.query('set session_replication_role = replica');
    for (const statement of statements) await client.query(statement);
  });
}

/** When the order of that number was placed. */
export function placedAt(order: number): string {
  return new Date(firstOrderAt + order * secondsBetween * 1000).toISOString();
}

/** Numbers of orders and customers run from 1. */
export function skuOf(variant: number): string {
  return `BENCH-${String(variant).padStart(5, '0')}`;
}

const time = `timestamptz '${new Date(firstOrderAt).toISOString()}' + n * interval '${secondsBetween} s'`;

const statements = [
  `insert into connection (id, platform, account_id, name, credentials)
   values (1000, 'shopify', 'data-set.myshopify.com', 'Data set', '')`,

  `insert into customer (id, first_name, last_name, email, phone, currency, lifetime_value_minor, refunded_minor, order_count,
     default_address, created_at, updated_at)
   select n, (array['Ada','Ben','Chiara','Dan','Elif','Femi','Greta'])[1 + n % 7], (array['Abel','Brandt','Costa','Diaz','Egli'])[1 + n % 5] || ' ' || n,
     'customer.' || n || '@example.com', '+1602555' || lpad((n % 10000)::text, 4, '0'), 'USD', 100000 + n * 17 % 500000, n * 7 % 9000,
     case when n <= ${regulars} then 27 else 3 end,
     jsonb_build_object('address1', n || ' Main Street', 'city', 'Phoenix', 'zip', '85001', 'countryCode', 'US'), now(), now()
   from generate_series(1, ${size.customers}) n`,

  `insert into product (id, title, vendor, product_type, source_updated_at)
   select n, 'Bench shirt ' || n, 'Bench Textiles', 'Shirts', now() from generate_series(1, ${size.products}) n`,

  `insert into variant (id, product_id, sku, title, position, price_minor, currency)
   select n, 1 + (n - 1) / 5, 'BENCH-' || lpad(n::text, 5, '0'), (array['XS','S','M','L','XL'])[1 + n % 5], 1 + n % 5, 990 + n % 9000, 'USD'
   from generate_series(1, ${size.variants}) n`,

  `insert into location (id, connection_id, remote_id, name)
   select n, 1000, (7000 + n)::text, (array['Warehouse','Downtown','Airport','Outlet'])[n] from generate_series(1, ${size.locations}) n`,

  `insert into stock_level (id, variant_id, location_id, source_updated_at, observed_at)
   select n, 1 + (n - 1) / ${size.locations}, 1 + (n - 1) % ${size.locations}, now(), now() from generate_series(1, ${size.stockLevels}) n`,

  `insert into stock_movement (stock_level_id, cause, on_hand_delta, committed_delta, available_delta, available_before, available_after,
     source, occurred_at)
   select n, 'opening', 20 + n % 80, n % 7, 20 + n % 80 - n % 7, 0, 20 + n % 80 - n % 7, 'shopify', now()
   from generate_series(1, ${size.stockLevels}) n`,

  `insert into sales_order (id, connection_id, remote_id, number, channel, customer_id, location_id, financial_status, fulfilment_status,
     currency, presentment_currency, subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, paid_minor, refunded_minor,
     presentment_total_minor, presentment_refunded_minor, email, note, tags, placed_at, source_updated_at, observed_at)
   select n, 1000, (5000000000000 + n)::text, '#' || 1000 + n, (case when n % 3 = 0 then 'point_of_sale' else 'online_store' end)::channel,
     case when n % 2 = 0 then 1 + n / 2 % ${regulars} else 1 + n % ${size.customers} end, 1 + n % ${size.locations},
     (case when n % 8 = 0 then 'partially_refunded' else 'paid' end)::financial_status, (case when n % 3 = 0 then 'fulfilled' else 'unfulfilled' end)::fulfilment_status,
     'USD', 'USD', 10000 + n % 5000, 0, 590, 860, 11450 + n % 5000, 11450 + n % 5000, case when n % 8 = 0 then 2000 else 0 end,
     11450 + n % 5000, case when n % 8 = 0 then 2000 else 0 end, 'customer.' || n || '@example.com',
     case when n % 5 = 0 then 'Please ring twice.' end, case when n % 10 = 0 then array['vip'] else '{}' end, ${time}, ${time}, ${time}
   from generate_series(1, ${size.orders}) n`,

  `insert into order_line (order_id, remote_id, position, variant_id, title, variant_title, sku, vendor, quantity, refunded_quantity,
     unit_price_minor, tax_minor, total_minor, presentment_unit_price_minor, presentment_tax_minor, presentment_total_minor)
   select n, (60000000000000 + n * 10 + p)::text, p, 1 + (n * 7 + p * 13) % ${size.variants}, 'Bench shirt ' || (n * 7 + p * 13) % 2500, 'M',
     'BENCH-' || lpad((1 + (n * 7 + p * 13) % ${size.variants})::text, 5, '0'), 'Bench Textiles', 1 + n % 2, case when n % 8 = 0 and p = 1 then 1 else 0 end,
     2000 + n % 3000, 172, (2000 + n % 3000) * (1 + n % 2), 2000 + n % 3000, 172, (2000 + n % 3000) * (1 + n % 2)
   from generate_series(1, ${size.orders}) n, generate_series(1, 1 + n % 3) p`,

  `insert into refund (id, order_id, remote_id, note, currency, presentment_currency, subtotal_minor, tax_minor, total_minor,
     presentment_total_minor, refunded_at)
   select n, n, (80000000000000 + n)::text, 'Did not fit', 'USD', 'USD', 1842, 158, 2000, 2000, ${time} + interval '2 days'
   from generate_series(8, ${size.orders}, 8) n`,

  `insert into refund_line (refund_id, order_line_id, remote_id, quantity, restock_type, subtotal_minor, tax_minor,
     presentment_subtotal_minor, presentment_tax_minor)
   select l.order_id, l.id, (90000000000000 + l.id)::text, 1, 'return', 1842, 158, 1842, 158
   from order_line l where l.order_id % 8 = 0 and l.position = 1`,

  'analyze',
];
