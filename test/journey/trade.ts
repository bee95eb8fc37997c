import { expect } from 'vitest';
import type { Random } from '../../sandbox/kit/random.ts';
import type { OrderOutcome } from '../../sandbox/shopify/outcome.ts';
import { ShopError } from '../../sandbox/shopify/shop.ts';
import type { Stack } from '../support/stack.ts';
import { bookedOf, contact, minor } from './observe.ts';

/** What orders of all kinds go through, drawn by chance, and what must have become of them everywhere. */
type Trading = Pick<Stack, 'shopify' | 'hubspot' | 'quickbooks' | 'database'>;

const people = Array.from({ length: 8 }, (_, index) => `person-${index}@example.com`);

export function place(
  stack: Trading,
  random: Random,
  taxRates: { rate: string }[],
  isAbroad: boolean,
): string {
  const channel = random.chance(0.5) ? ('pos' as const) : ('online' as const);
  const lines = ['BAG', 'HAT', 'MUG']
    .filter(() => random.chance(0.6))
    .map((sku) => ({
      sku,
      quantity: random.int(1, 3),
      ...(random.chance(0.2) ? { discount: { title: 'Loyalty', percent: random.pick(['5', '12.5']) } } : {}),
    }));
  return stack.shopify.placeOrder({
    channel,
    ...(random.chance(0.8) ? { customer: { email: random.pick(people), firstName: 'Person' } } : {}),
    lines: lines.length === 0 ? [{ sku: 'HAT', quantity: 2 }] : lines,
    ...(random.chance(0.25) ? { discountCode: 'WELCOME10' } : {}),
    ...(channel === 'online' ? { shipping: random.pick(['0', '4.95', '12.10']) } : {}),
    ...(random.chance(0.2) ? { tip: '1.37' } : {}),
    ...(channel === 'online' && random.chance(0.3) ? { paid: false } : {}),
    // Paid in another currency than the shop's, in which everything is counted.
    ...(isAbroad ? { currency: 'EUR', exchangeRate: '0.9137' } : {}),
    taxRates,
  }).id;
}

/** One thing that may happen to an order; what the shop does not allow does not happen. */
export function befall(stack: Trading, random: Random, id: string): void {
  const { shopify } = stack;
  const order = shopify.outcome(orderOf(stack, id));
  const line = random.pick(order.lines);
  const events = [
    () => shopify.updateOrder(id, { note: `Note ${random.int(1, 99)}` }),
    () => shopify.payOrder(id),
    () => shopify.editOrder(id, { add: [{ sku: 'MUG', quantity: 1 }] }),
    () =>
      shopify.editOrder(id, { set: [{ lineId: line.id, quantity: Math.max(0, line.currentQuantity - 1) }] }),
    () => shopify.refundOrder(id, { lines: [{ lineId: line.id, quantity: 1 }] }),
    () => shopify.refundOrder(id, { amount: '0.75', note: 'For the trouble' }),
    () => shopify.refundOrder(id, { shipping: true }),
    () => shopify.cancelOrder(id, { refund: true }),
    () => shopify.fulfilOrder(id),
  ];
  attempt(random.pick(events));
}

/** Lets all money move: what is owed is paid, what was paid too much goes back. Some orders stay unpaid. */
export function squareUp(stack: Trading, id: string): void {
  const { shopify } = stack;
  const order = shopify.outcome(orderOf(stack, id));
  const outstanding = minor(order.outstanding);
  const untouched = order.transactions.length === 0 && order.refunds.length === 0;
  if (outstanding > 0n && !order.cancelled && !(untouched && order.number % 3 === 0)) shopify.payOrder(id);
  if (outstanding < 0n) shopify.refundOrder(id, { amount: order.outstanding.replace('-', '') });
}

export async function expectOrdersToEqualTheShop(stack: Trading, orders: readonly string[]): Promise<void> {
  const shop = orders.map((id) => stack.shopify.outcome(orderOf(stack, id)));
  const { rows } = await stack.database.pool.query<Record<string, bigint | string | number>>(
    `select o.remote_id as "remoteId", o.number, o.total_minor - o.refunded_minor as net, o.paid_minor - o.refunded_minor as held,
       o.total_minor as total, o.cancelled_at is not null as cancelled, upper(o.financial_status::text) as status,
       (select coalesce(sum(l.quantity - l.refunded_quantity), 0)::int from order_line l where l.order_id = o.id) as units,
       (select count(*)::int from sales_order d where d.remote_id = o.remote_id) as times
     from sales_order o order by o.id`,
  );
  const byId = new Map(rows.map((row) => [row.remoteId, row]));
  expect(rows).toHaveLength(orders.length);
  for (const order of shop) {
    const row = byId.get(order.id);
    expect({ number: order.name, ...row }).toEqual({
      ...row,
      number: order.name,
      times: 1,
      cancelled: order.cancelled,
      held: minor(order.netPayment),
      status: order.financialStatus,
      units: order.lines.reduce((sum, line) => sum + line.currentQuantity, 0),
      // A cancelled order keeps what was never paid of its total; nothing is left of it at the shop.
      ...(order.cancelled ? {} : { net: minor(order.currentTotal) }),
    });
    // Whatever documents it took: the money that was kept, and what is owed either way.
    const isGone = order.cancelled && isUnpaid(order);
    expect({ order: order.name, ...bookedOf(stack, order.id) }).toEqual({
      order: order.name,
      money: minor(order.netPayment),
      owed: isGone ? 0n : minor(order.outstanding),
    });
  }
}

interface Figures {
  email: string;
  value: bigint;
  count: number;
  average: bigint;
  open: bigint;
  returned: number;
  kept: number;
  first: number | null;
  last: number | null;
}

/** What the shop itself says of each person's orders, added up in plain steps. */
function figuresAtTheShop(stack: Trading, orders: readonly string[]): Figures[] {
  const people = new Map<string, Figures>();
  for (const id of orders) {
    const raw = orderOf(stack, id);
    const order = stack.shopify.outcome(raw);
    const email = stack.shopify.shop.customers.get(order.customerId ?? '')?.email;
    if (!email) continue;
    const sums = people.get(email) ?? {
      email,
      value: 0n,
      count: 0,
      average: 0n,
      open: 0n,
      returned: 0,
      kept: 0,
      first: null,
      last: null,
    };
    people.set(email, sums);
    if (order.cancelled && isUnpaid(order)) continue;
    sums.value += minor(order.currentTotal);
    sums.count += 1;
    const outstanding = minor(order.outstanding);
    if (!order.cancelled && outstanding > 0n) sums.open += outstanding;
    sums.kept += order.lines.reduce((sum, line) => sum + line.currentQuantity, 0);
    for (const line of raw.refunds.flatMap((refund) => refund.lines))
      if (line.restockType !== 'CANCEL') sums.returned += line.quantity;
    sums.first = Math.min(sums.first ?? raw.createdAtMs, raw.createdAtMs);
    sums.last = Math.max(sums.last ?? raw.createdAtMs, raw.createdAtMs);
  }
  return [...people.values()]
    .map((sums) => ({
      ...sums,
      average: sums.count === 0 ? 0n : (2n * sums.value + BigInt(sums.count)) / (2n * BigInt(sums.count)),
    }))
    .sort((a, b) => (a.email < b.email ? -1 : 1));
}

export async function expectCustomersToEqualTheirOrders(
  stack: Trading,
  orders: readonly string[],
): Promise<void> {
  const wanted = figuresAtTheShop(stack, orders);
  const { rows } = await stack.database.pool.query<Figures>(
    `select email, lifetime_value_minor as value, order_count as count, average_order_minor as average, open_balance_minor as open,
       pieces_returned as returned, pieces_sold - pieces_returned as kept,
       floor(extract(epoch from first_order_at))::int as first, floor(extract(epoch from last_order_at))::int as last
     from customer where email like 'person-%' and merged_into_id is null order by email`,
  );
  const second = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000));
  expect(rows).toEqual(
    wanted.map((sums) => ({ ...sums, first: second(sums.first), last: second(sums.last) })),
  );
  const told = wanted.map(({ email }) => {
    const { properties } = contact(stack, email);
    return [
      email,
      minor(properties.tributary_lifetime_value),
      Number(properties.tributary_order_count),
      minor(properties.tributary_average_order_value),
      minor(properties.tributary_open_balance),
    ];
  });
  expect(told).toEqual(
    wanted.map(({ email, value, count, average, open }) => [email, value, count, average, open]),
  );
}

export async function stockInGraph(stack: Trading): Promise<[string, string, number][]> {
  const { rows } = await stack.database.pool.query<{ sku: string; name: string; available: number }>(
    `select v.sku, l.name, s.available from stock_level s join variant v on v.id = s.variant_id join location l on l.id = s.location_id`,
  );
  return rows.map((row): [string, string, number] => [row.sku, row.name, row.available]).sort();
}

function isUnpaid(order: OrderOutcome): boolean {
  return !order.transactions.some((one) => one.kind === 'SALE' || one.kind === 'CAPTURE');
}

function orderOf(stack: Trading, id: string) {
  const order = stack.shopify.order(id);
  if (order === undefined) throw new Error(`the shop has no order ${id}`);
  return order;
}

function attempt(event: () => unknown): void {
  try {
    event();
  } catch (error) {
    if (!(error instanceof ShopError)) throw error;
  }
}
