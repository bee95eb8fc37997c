import fc from 'fast-check';
import type { PoolClient } from 'pg';
import { expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { Edit, PlatformChange } from '../../src/model/change.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { type Applied, applyChanges } from '../../src/sync/apply-changes.ts';
import type { PlanContext, Platform } from '../../src/sync/platforms/platform.ts';
import { keepStockUp } from '../../src/sync/stock/upkeep.ts';
import { now, openShop, orderLine, orderOf, productOf, refundOf, type Shop } from './support.ts';

type Report = Extract<PlatformChange, { kind: 'stockLevel' }>;

/** Times around the test's present, by the platform's clock. */
const at = (second: number) => new Date(now.getTime() - 300_000 + second * 1_000);
const told = (second: number) => ({ sourceUpdatedAt: at(second), observedAt: null });
const readAt = (second: number) => ({ sourceUpdatedAt: at(second), observedAt: at(second) });

const places = ['hall', 'till'];

async function openStock(figures: Record<string, number> = { hall: 10 }): Promise<Shop> {
  const shop = await openShop();
  await shop.tell('shopify', {
    kind: 'product',
    remoteId: 'p',
    version: told(0),
    product: productOf([1, 2]),
  });
  for (const place of places)
    await shop.tell('shopify', {
      kind: 'location',
      remoteId: place,
      version: told(0),
      location: { name: place, active: true, address: null },
    });
  for (const [place, available] of Object.entries(figures))
    await shop.tell('shopify', report(0, available, { locationRemoteId: place }));
  return shop;
}

const report = (second: number, available: number, parts: Partial<Report> = {}): Report => ({
  kind: 'stockLevel',
  inventoryItemRemoteId: 'item-1',
  locationRemoteId: 'hall',
  version: told(second),
  available,
  observed: { available },
  ...parts,
});

const line = (quantity: number, parts: Partial<CanonicalOrder['lines'][number]> = {}) =>
  orderLine({ remoteId: 'line', variantRemoteId: 'variant-1', quantity, ...parts });
const order = (second: number, parts: Partial<CanonicalOrder>): PlatformChange => ({
  kind: 'order',
  remoteId: 'order',
  version: told(second),
  order: orderOf({ placedAt: at(second), ...parts }),
});
const refundLine = (quantity: number, restockType: 'return' | 'cancel' | 'no_restock') => ({
  remoteId: `back-${restockType}`,
  lineRemoteId: 'line',
  quantity,
  restockType,
  locationRemoteId: 'hall',
  subtotal: { shop: 0n, presentment: 0n },
  tax: { shop: 0n, presentment: 0n },
});
const fulfilment = (second: number, quantity: number) => ({
  remoteId: 'parcel',
  status: 'success' as const,
  trackingCompany: null,
  trackingNumbers: [],
  trackingUrls: [],
  locationRemoteId: 'hall',
  createdAt: at(second),
  updatedAt: at(second),
  lines: [{ lineRemoteId: 'line', quantity }],
});

/** Movements after the opening ones: cause, change of what is available, committed and on hand, whether an order is named. */
const movements = async (shop: Shop) =>
  (
    await shop.rows<{ m: string }>(
      `select concat_ws(' ', cause, available_delta, committed_delta, on_hand_delta, case when order_id is not null then 'order' end,
         case when explains_id is not null then 'explains' end, case when owed then 'owed' end, negative_reason) as m
       from stock_movement where cause <> 'opening' order by id`,
    )
  ).map(({ m }) => m);
const level = async (shop: Shop, place = 'hall') =>
  (
    await shop.rows(
      `select s.on_hand, s.committed, s.reserved, s.available from stock_level s join location l on l.id = s.location_id
       where l.remote_id = $1 order by s.id limit 1`,
      [place],
    )
  )[0];
const expectations = (shop: Shop) => shop.rows('select cause, quantity from stock_expectation order by id');
const edit = (shop: Shop, change: Edit) => shop.edit(change);
const place = { variantId: 1n, locationId: 1n, reason: 'test' };

test('a sale that the order tells first is one movement with its cause once the report shows it', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', order(10, { lines: [line(2)] }));
  expect(await movements(shop)).toEqual([]);
  expect(await expectations(shop)).toEqual([{ cause: 'sale', quantity: -2 }]);
  await shop.tell('shopify', report(10, 8));
  expect(await movements(shop)).toEqual(['sale -2 2 0 order']);
  expect(await level(shop)).toEqual({ on_hand: 10, committed: 2, reserved: 0, available: 8 });
  expect(await expectations(shop)).toEqual([]);
});

test('a sale that the report shows first gets its cause when the order comes', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(10, 8));
  expect(await movements(shop)).toEqual(['report -2 0 -2']);
  await shop.tell('shopify', order(10, { lines: [line(2)] }));
  expect(await movements(shop)).toEqual(['report -2 0 -2', 'sale 0 2 2 order explains']);
  expect(await level(shop)).toEqual({ on_hand: 10, committed: 2, reserved: 0, available: 8 });
  expect(await expectations(shop)).toEqual([]);
});

test('a till sells and hands over at once: nothing stays committed', async () => {
  await using shop = await openStock();
  await shop.tell(
    'shopify',
    order(10, {
      channel: 'point_of_sale',
      locationRemoteId: 'hall',
      lines: [line(1)],
      fulfilments: [fulfilment(10, 1)],
    }),
  );
  await shop.tell('shopify', report(10, 9));
  expect(await movements(shop)).toEqual(['sale -1 0 -1 order']);
  expect(await level(shop)).toEqual({ on_hand: 9, committed: 0, reserved: 0, available: 9 });
});

test('goods that leave are no longer committed, and the order told again moves nothing', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', order(10, { lines: [line(2)] }));
  await shop.tell('shopify', report(10, 8));
  const sent = { lines: [line(2)], fulfilments: [fulfilment(20, 2)], placedAt: at(10) };
  await shop.tell('shopify', order(20, sent));
  await shop.tell('shopify', order(21, { ...sent, note: 'again' }));
  expect(await movements(shop)).toEqual(['sale -2 2 0 order', 'fulfilment 0 -2 -2 order']);
  expect(await level(shop)).toEqual({ on_hand: 8, committed: 0, reserved: 0, available: 8 });
});

test('goods that leave before their sale was reported are not committed by the report', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', order(10, { lines: [line(2)] }));
  await shop.tell(
    'shopify',
    order(20, { lines: [line(2)], fulfilments: [fulfilment(20, 2)], placedAt: at(10) }),
  );
  await shop.tell('shopify', report(10, 8));
  expect(await level(shop)).toEqual({ on_hand: 8, committed: 0, reserved: 0, available: 8 });
});

test('orders that are told together take what the one before them has left', async () => {
  await using shop = await openStock();
  const sent = (second: number) => ({ ...fulfilment(second, 2), locationRemoteId: 'hall' });
  const named = (id: string, second: number, parts: Partial<CanonicalOrder>): PlatformChange =>
    ({ ...order(second, parts), remoteId: id }) as PlatformChange;
  const both = (second: number, parts: Partial<CanonicalOrder>) =>
    shop.tell(
      'shopify',
      ...['a', 'b'].map((id) => named(id, second, { lines: [line(2)], placedAt: at(10), ...parts })),
    );
  await both(10, {});
  await shop.tell('shopify', report(10, 6));
  // A count says that only three of the four are committed: one had left before.
  await shop.tell('shopify', {
    ...report(20, 6, { onHand: 9, committed: 3 }),
    version: readAt(20),
  });
  await both(30, { fulfilments: [sent(30)] });
  expect((await movements(shop)).slice(-2)).toEqual(['fulfilment 0 -2 -2 order', 'fulfilment 0 -1 -1 order']);
  expect(await level(shop)).toEqual({ on_hand: 6, committed: 0, reserved: 0, available: 6 });
});

test('a cancellation frees what was committed and a return brings goods back', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', order(10, { lines: [line(3)] }));
  await shop.tell('shopify', report(10, 7));
  const cancelled = refundOf({ remoteId: 'r1', refundedAt: at(20), lines: [refundLine(1, 'cancel')] });
  await shop.tell(
    'shopify',
    order(20, { lines: [line(3, { refundedQuantity: 1 })], refunds: [cancelled], placedAt: at(10) }),
  );
  await shop.tell('shopify', report(20, 8));
  const returned = refundOf({ remoteId: 'r2', refundedAt: at(30), lines: [refundLine(1, 'return')] });
  await shop.tell('shopify', report(30, 9));
  await shop.tell(
    'shopify',
    order(30, {
      lines: [line(3, { refundedQuantity: 2 })],
      refunds: [cancelled, returned],
      placedAt: at(10),
    }),
  );
  expect(await movements(shop)).toEqual([
    'sale -3 3 0 order',
    'cancellation 1 -1 0 order',
    'report 1 0 1',
    'return 0 0 0 order explains',
  ]);
  expect(await level(shop)).toEqual({ on_hand: 11, committed: 2, reserved: 0, available: 9 });
});

test('a correction by hand is a report of its own, beside the sale that it comes with', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', order(10, { lines: [line(2)] }));
  // Somebody took five more out by hand in the same moment.
  await shop.tell('shopify', report(11, 3));
  expect(await movements(shop)).toEqual(['sale -2 2 0 order', 'report -5 0 -5']);
});

test('a read of all counts settles what messages could only guess', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(10, 8, { version: readAt(12), onHand: 11, committed: 2, incoming: 4 }));
  expect(await movements(shop)).toEqual(['report -2 2 1']);
  // The order comes late: the read has counted its units as committed already.
  await shop.tell('shopify', order(10, { lines: [line(2)] }));
  expect((await movements(shop)).at(-1)).toBe('sale 0 0 0 order explains');
  expect(await level(shop)).toEqual({ on_hand: 11, committed: 2, reserved: 0, available: 8 });
});

test('what was on its way and is there now has been received', async () => {
  await using shop = await openStock();
  const whole = (second: number, counts: Partial<Report>): Report => ({
    ...report(second, 0, counts),
    version: readAt(second),
  });
  await shop.tell('shopify', whole(10, { available: 10, onHand: 10, committed: 0, incoming: 20 }));
  // Twelve of the twenty came, and somebody found one more.
  await shop.tell('shopify', whole(20, { available: 23, onHand: 23, committed: 0, incoming: 8 }));
  expect((await movements(shop)).slice(-2)).toEqual(['receipt 12 0 12', 'report 1 0 1']);
  // Eight more are announced no longer, and nothing came: that is no receipt.
  await shop.tell('shopify', whole(30, { available: 23, onHand: 23, committed: 0, incoming: 0 }));
  expect((await movements(shop)).at(-1)).toBe('report 0 0 0');
  expect(await level(shop)).toMatchObject({ on_hand: 23, committed: 0, available: 23 });
});

test('what is history when an order is told explains nothing of today', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', order(10, { lines: [line(2)], placedAt: new Date(now.getTime() - 86_400_000) }));
  await shop.tell('shopify', report(20, 8));
  expect(await movements(shop)).toEqual(['report -2 0 -2']);
});

test('a count of a level changes by a movement alone', async () => {
  await using shop = await openStock();
  const refused = { code: '23001' };
  await expect(shop.pool.query('update stock_level set available = 9, on_hand = 9')).rejects.toMatchObject(
    refused,
  );
  await expect(
    shop.pool.query(
      'insert into stock_level (variant_id, location_id, on_hand, available) values (2, 1, 5, 5)',
    ),
  ).rejects.toMatchObject(refused);
  await expect(shop.pool.query('update stock_movement set units = 5')).rejects.toMatchObject(refused);
  const movement = (before: number) =>
    shop.pool.query(
      `insert into stock_movement (stock_level_id, cause, on_hand_delta, available_delta, available_before, available_after, source, occurred_at)
       values (1, 'count', 1, 1, $1::int, $1::int + 1, 'tributary', now())`,
      [before],
    );
  // Made for another state of the level: run again, as a serialisation failure is.
  await expect(movement(7)).rejects.toMatchObject({ code: '40001' });
  await movement(10);
  expect(await level(shop)).toMatchObject({ available: 11 });
});

test('nothing falls below zero without a named reason', async () => {
  await using shop = await openStock({ hall: 1 });
  await expect(edit(shop, { ...place, kind: 'stockAdjust', delta: -2 })).rejects.toMatchObject({
    code: 'STOCK_BELOW_ZERO',
  });
  await expect(
    edit(shop, { ...place, kind: 'reservationCreate', quantity: 2, expiresAt: null }),
  ).rejects.toMatchObject({ code: 'STOCK_BELOW_ZERO' });
  await edit(shop, { ...place, kind: 'stockAdjust', delta: -2, allowNegative: true });
  await shop.tell('shopify', report(10, -4));
  expect(await movements(shop)).toEqual([
    'adjustment -2 0 -2 owed allowed_by_person',
    // Shopify says four too few, and is owed two less.
    'report -5 0 -5 reported_by_platform',
  ]);
});

test('a reservation takes units out of sale until it is released, once', async () => {
  await using shop = await openStock();
  const made = await edit(shop, { ...place, kind: 'reservationCreate', quantity: 3, expiresAt: null });
  expect(made.touched).toContainEqual({ type: 'Reservation', id: 1n });
  expect(await level(shop)).toEqual({ on_hand: 10, committed: 0, reserved: 3, available: 7 });
  // A read of all counts knows nothing of our reservations and leaves them alone.
  await shop.tell('shopify', report(10, 10, { version: readAt(11), onHand: 10, committed: 0 }));
  expect(await level(shop)).toEqual({ on_hand: 10, committed: 0, reserved: 3, available: 7 });
  for (const outcome of ['applied', 'unchanged'])
    expect(
      await edit(shop, { kind: 'reservationRelease', reservationId: 1n, outcome: 'released' }),
    ).toMatchObject({ outcome });
  expect(await level(shop)).toEqual({ on_hand: 10, committed: 0, reserved: 0, available: 10 });
});

test('a count sets what is there and a transfer moves it, each side a movement', async () => {
  await using shop = await openStock({ hall: 10, till: 1 });
  await edit(shop, { ...place, kind: 'stockSet', count: 'onHand', quantity: 7 });
  expect(await edit(shop, { ...place, kind: 'stockSet', count: 'available', quantity: 7 })).toMatchObject({
    outcome: 'unchanged',
  });
  await edit(shop, {
    kind: 'stockTransfer',
    variantId: 1n,
    fromLocationId: 1n,
    toLocationId: 2n,
    quantity: 4,
    reason: 'the till runs low',
  });
  expect(await movements(shop)).toEqual([
    'count -3 0 -3 owed',
    'transfer -4 0 -4 owed',
    'transfer 4 0 4 owed',
  ]);
  expect([await level(shop), await level(shop, 'till')]).toMatchObject([{ available: 3 }, { available: 5 }]);
});

test('time frees what was reserved for a while, and works out anew what channels may sell', async () => {
  await using market = await withMarketplace({ hall: 10 });
  const { shop, offered } = market;
  const expiresAt = new Date(now.getTime() + 60_000);
  await edit(shop, { ...place, kind: 'reservationCreate', quantity: 4, expiresAt });
  const platforms = { ...shop.platforms, amazon: marketplace };
  const upkeep = (minutes: number) =>
    keepStockUp({ pool: shop.pool, platforms, now: () => now.getTime() + minutes * 60_000 });
  expect(await upkeep(0)).toEqual({ released: 0, reviewed: 1 });
  expect(await offered()).toEqual([6]);
  expect(await upkeep(1)).toEqual({ released: 1, reviewed: 0 });
  expect(await offered()).toEqual([10]);
  expect((await movements(shop)).at(-1)).toBe('release 4 0 0 owed');
  await shop.pool.query(
    `update connection set last_success_at = now() - interval '1 day', created_at = now() - interval '2 days'`,
  );
  expect(await upkeep(1)).toEqual({ released: 0, reviewed: 1 });
  expect(await offered()).toEqual([0]);
});

/** A marketplace that keeps none of the stock and is told quantities. */
const marketplace: Platform = {
  name: 'amazon',
  pushKinds: ['listingQuantity'],
  linkTypes: { Order: 'order', Variant: 'listing' },
  plan: (snapshot: Snapshot, context: PlanContext) => {
    if (snapshot.type !== 'Variant') return [];
    const offer = snapshot.offers.find((one) => one.connectionId === context.connectionId);
    if (offer === undefined || offer.quantity === context.link?.state.quantity) return [];
    const body = { sku: offer.remoteVariantId, quantity: offer.quantity };
    return [{ kind: 'listingQuantity', subjectType: 'Variant', subjectId: snapshot.id, body }];
  },
} as Partial<Platform> as Platform;

async function withMarketplace(figures: Record<string, number>) {
  const shop = await openStock(figures);
  const { rows } = await shop.pool.query<{ id: bigint }>(
    `insert into connection (platform, account_id, name, credentials, write_capabilities, settings, last_success_at)
     values ('amazon', 'seller', 'Amazon', '', '{*}', $1, now()) returning id`,
    [JSON.stringify({ ordersFrom: at(0).toISOString() })],
  );
  const connectionId = rows[0]?.id ?? 0n;
  await shop.pool.query(
    `insert into listing (variant_id, connection_id, remote_product_id, remote_variant_id) values (1, $1, 'ASIN', 'SKU-1')`,
    [connectionId],
  );
  const platforms = { ...shop.platforms, amazon: marketplace };
  const run = (change: PlatformChange | Edit, source: 'amazon' | 'shopify' | 'tributary'): Promise<Applied> =>
    transaction(shop.pool, (tx) =>
      applyChanges(tx, {
        changes: [change],
        source,
        connectionId:
          source === 'amazon' ? connectionId : source === 'shopify' ? shop.connections.shopify : null,
        deliveryId: null,
        now,
        platforms,
      }),
    );
  return {
    shop,
    run,
    offered: async () =>
      (
        await shop.rows<{ body: { quantity: number } }>(
          `select body from push where kind = 'listingQuantity' and status = 'pending' order by id`,
        )
      ).map(({ body }) => body.quantity),
    [Symbol.asyncDispose]: () => shop[Symbol.asyncDispose](),
  };
}

test('an order of a marketplace takes the retailer’s own goods, and the shop is owed the change', async () => {
  await using market = await withMarketplace({ hall: 10, till: 2 });
  const { shop, run } = market;
  const offer = { variantRemoteId: 'SKU-1' };
  const sold = { channel: 'amazon' as const, lines: [line(3, offer)], placedAt: at(10) };
  await run(order(10, sold), 'amazon');
  expect(await movements(shop)).toEqual(['sale -3 0 -3 order owed']);
  expect(await level(shop)).toMatchObject({ available: 7 });
  expect(await shop.rows("select body from push where kind = 'stockLevel'")).toEqual([
    { body: { delta: -3, changeFrom: 10, available: 7 } },
  ]);
  await run(order(20, { ...sold, cancelledAt: at(20) }), 'amazon');
  expect((await movements(shop)).at(-1)).toBe('cancellation 3 0 3 order owed');
  expect(await level(shop)).toMatchObject({ available: 10 });
});

test('orders from before the marketplace was connected take nothing', async () => {
  await using market = await withMarketplace({ hall: 10 });
  const lines = [line(3, { variantRemoteId: 'SKU-1' })];
  await market.run(order(10, { channel: 'amazon', lines, placedAt: at(-50) }), 'amazon');
  expect(await movements(market.shop)).toEqual([]);
});

test('what a marketplace may sell follows each movement, and the last unit is not offered', async () => {
  await using market = await withMarketplace({ hall: 10, till: 2 });
  const { shop, run, offered } = market;
  await run(report(10, 8), 'shopify');
  expect(await offered()).toEqual([10]);
  await run(report(20, 0), 'shopify');
  expect(await offered()).toEqual([2]);
  await run(report(30, 1, { locationRemoteId: 'till' }), 'shopify');
  expect(await offered()).toEqual([0]);
  expect(
    await shop.rows(
      'select allocated_quantity, allocated_because from listing where remote_product_id = $1',
      ['ASIN'],
    ),
  ).toEqual([{ allocated_quantity: 0, allocated_because: 'last_units' }]);
});

test('a sale and a report look at no more rows, however long a history goods, pushes and orders have', async () => {
  await using market = await withMarketplace({ hall: 10 });
  const { shop, run } = market;
  const sell = (id: string, second: number) =>
    run(
      {
        ...order(second, {
          lines: [line(1)],
          placedAt: at(second),
          fulfilments: [
            {
              remoteId: 'sent',
              status: 'success',
              trackingCompany: null,
              trackingNumbers: [],
              trackingUrls: [],
              locationRemoteId: 'hall',
              createdAt: at(second),
              updatedAt: at(second),
              lines: [{ lineRemoteId: 'line', quantity: 1 }],
            },
          ],
        }),
        remoteId: id,
      } as PlatformChange,
      'shopify',
    );
  await sell('first', 1);
  await run(report(2, 9), 'shopify');
  const past = 4_000;
  // Sales of yesterday and before, pushes that were settled, and what has left of other orders.
  await shop.pool.query(
    `insert into stock_movement (stock_level_id, cause, available_delta, available_before, available_after, source, units, occurred_at, recorded_at)
     select 1, 'sale', 0, available, available, 'shopify', 1, now() - interval '2 days', now() - interval '2 days' - n * interval '1 s'
     from stock_level, generate_series(1, ${past}) n where id = 1`,
  );
  await shop.pool.query(
    `insert into push (connection_id, kind, subject_type, subject_id, version, idempotency_key, body, fingerprint, status, attempts, created_at, settled_at)
     select $1, 'stockLevel', 'StockLevel', 1, 1000 + n, 'past-' || n, '{}', 'f', 'settled', 1, now() - interval '60 days' - n * interval '1 hour', now() - interval '60 days' - n * interval '1 hour'
     from generate_series(1, ${past}) n`,
    [shop.connections.shopify],
  );
  await shop.pool.query(
    `with o as (select id from sales_order limit 1),
       lines as (insert into order_line (order_id, remote_id, position, title, quantity, unit_price_minor, total_minor,
           presentment_unit_price_minor, presentment_total_minor)
         select o.id, 'past-' || n, n, 'Goods', 1, 1, 1, 1, 1 from o, generate_series(1, ${past}) n returning id),
       sent as (insert into fulfilment (order_id, remote_id, status, created_at, source_updated_at)
         select o.id, 'past-' || n, 'success', now(), now() from o, generate_series(1, ${past}) n returning id)
     insert into fulfilment_line (fulfilment_id, order_line_id, quantity)
     select sent.id, lines.id, 1 from (select id, row_number() over (order by id) n from sent) sent
     join (select id, row_number() over (order by id) n from lines) lines using (n)`,
  );
  await shop.pool.query('analyze');
  const names = ['load-offers', 'load-reported-levels', 'load-stock-debts', 'take-line-news'];
  const visited = await rowsVisited(shop, names, async () => {
    await sell('second', 100);
    await run(report(101, 8), 'shopify');
    await run({ ...place, kind: 'stockAdjust', delta: 1, reason: 'found' }, 'tributary');
  });
  expect([...visited.keys()].sort()).toEqual(names);
  for (const [name, rows] of visited) expect([name, rows < 100]).toEqual([name, true]);
});

interface PlanNode {
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** How many rows each of these statements looked at when it was last asked during the work. */
async function rowsVisited(
  shop: Shop,
  names: readonly string[],
  work: () => Promise<void>,
): Promise<Map<string, number>> {
  const asked = new Map<string, { text: string; values: unknown[] }>();
  const listen = (client: PoolClient) => {
    const query = client.query as unknown as (...all: unknown[]) => unknown;
    client.query = ((...all: unknown[]) => {
      const [statement] = all as [{ name?: string; text: string; values: unknown[] } | string];
      if (typeof statement !== 'string' && names.includes(statement.name ?? ''))
        asked.set(statement.name ?? '', { text: statement.text, values: statement.values });
      return query.apply(client, all);
    }) as never;
  };
  shop.pool.on('acquire', listen);
  await work();
  shop.pool.off('acquire', listen);
  const visited = new Map<string, number>();
  const client = await shop.pool.connect();
  for (const [name, { text, values }] of asked) {
    await client.query('begin');
    const { rows } = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
      `explain (analyze, format json) ${text}`,
      values,
    );
    await client.query('rollback');
    const rowsOf = (node: PlanNode): number =>
      (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'] +
      (node.Plans ?? []).reduce((sum, part) => sum + rowsOf(part), 0);
    visited.set(name, Math.max(...(rows[0]?.['QUERY PLAN'] ?? []).map(({ Plan }) => rowsOf(Plan))));
  }
  client.release();
  return visited;
}

test('a set takes its parts, and may be offered as often as the scarcest part allows', async () => {
  await using market = await withMarketplace({ hall: 10 });
  const { shop, run, offered } = market;
  await run(report(1, 5, { inventoryItemRemoteId: 'item-2' }), 'shopify');
  await shop.pool.query(
    `with made as (insert into variant (product_id, sku, title, price_minor, currency) values (1, 'SET', 'Set', 100, 'EUR') returning id),
       listed as (insert into listing (variant_id, connection_id, remote_product_id, remote_variant_id)
         select made.id, g.connection_id, 'ASIN-SET', 'SET' from made, listing g where g.remote_product_id = 'ASIN')
     insert into bundle_component select made.id, part.id, part.quantity from made, (values (1, 2), (2, 1)) as part(id, quantity)`,
  );
  await run({ kind: 'allocationReview', variantIds: [3n] }, 'tributary');
  expect(await offered()).toEqual([5]);
  await run(
    order(10, { channel: 'amazon', lines: [line(2, { variantRemoteId: 'SET' })], placedAt: at(10) }),
    'amazon',
  );
  expect(await movements(shop)).toEqual(['sale -4 0 -4 order owed', 'sale -2 0 -2 order owed']);
});

type Act =
  | { kind: 'sell'; quantity: number; first: 'order' | 'report' | 'reportOnly' }
  | { kind: 'byHand'; delta: number }
  | { kind: 'adjust'; delta: number }
  | { kind: 'reserve'; quantity: number }
  | { kind: 'release' }
  | { kind: 'repeat' }
  | { kind: 'sweep' };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sell' as const),
      quantity: fc.integer({ min: 1, max: 3 }),
      first: fc.constantFrom('order', 'report', 'reportOnly'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('byHand' as const), delta: fc.integer({ min: -4, max: 6 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('adjust' as const), delta: fc.constantFrom(-3, -1, 2, 5) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reserve' as const), quantity: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.constantFrom<Act>({ kind: 'release' }, { kind: 'repeat' }, { kind: 'sweep' }) },
);

test('whatever happens in whatever order, level = fold of movements = Shopify’s figure and what it is owed', async () => {
  await using shop = await openStock({ hall: 20 });
  let second = 10;
  let orders = 0;
  let atShopify = { available: 20, committed: 0 };
  let lastTold: PlatformChange[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
      for (const one of acts) {
        second += 1;
        const tell = async (...changes: PlatformChange[]) => {
          for (const change of changes) await shop.tell('shopify', change);
          lastTold = changes;
        };
        const figure = () => report(second, atShopify.available);
        switch (one.kind) {
          case 'sell': {
            orders += 1;
            atShopify = {
              available: atShopify.available - one.quantity,
              committed: atShopify.committed + one.quantity,
            };
            const sold = order(second, { lines: [line(one.quantity)] });
            const changes = [{ ...sold, remoteId: `order-${orders}` } as PlatformChange, figure()];
            if (one.first === 'report') changes.reverse();
            await tell(...(one.first === 'reportOnly' ? changes.slice(1) : changes));
            break;
          }
          case 'byHand':
            atShopify.available += one.delta;
            await tell(figure());
            break;
          case 'adjust':
            await shop.edit({ ...place, kind: 'stockAdjust', delta: one.delta, allowNegative: true });
            break;
          case 'reserve':
            await shop
              .edit({ ...place, kind: 'reservationCreate', quantity: one.quantity, expiresAt: null })
              .catch((error: { code: string }) => expect(error.code).toBe('STOCK_BELOW_ZERO'));
            break;
          case 'release': {
            const [open] = await shop.rows<{ id: bigint }>(
              'select id from reservation where released_at is null limit 1',
            );
            if (open !== undefined)
              await shop.edit({ kind: 'reservationRelease', reservationId: open.id, outcome: 'released' });
            break;
          }
          case 'repeat':
            await tell(...lastTold.toReversed());
            break;
          case 'sweep': {
            const onHand = atShopify.available + atShopify.committed;
            await tell({ ...figure(), version: readAt(second), onHand, committed: atShopify.committed });
          }
        }
      }
      const [found] = await shop.rows(
        `select s.available - coalesce(sum(m.available_delta) filter (where m.owed), 0)::int as shopify,
           s.available = sum(m.available_delta) and s.on_hand = sum(m.on_hand_delta) and s.committed = sum(m.committed_delta)
             and s.reserved = sum(m.reserved_delta) and s.safety = sum(m.safety_delta) as folded,
           s.reserved = (select coalesce(sum(quantity), 0) from reservation where released_at is null) as reserved
         from stock_level s join stock_movement m on m.stock_level_id = s.id group by s.id`,
      );
      expect(found).toEqual({ shopify: atShopify.available, folded: true, reserved: true });
      // A new order explains only what happened near it.
      expect(
        (await shop.rows('select 1 from stock_movement where cause = $1 and order_id is null', ['sale']))
          .length,
      ).toBe(0);
    }),
    { numRuns: 60 },
  );
});
