import { expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import { type Applied, applyChanges } from '../../src/sync/apply-changes.ts';
import { amazon } from '../../src/sync/platforms/amazon/index.ts';
import { now, openShop, productOf, type Shop, told } from './support.ts';

type Listing = Extract<PlatformChange, { kind: 'listing' }>;

interface Market {
  shop: Shop;
  amazonId: bigint;
  tell(...changes: PlatformChange[]): Promise<Applied>;
}

async function openMarket(shop: Shop): Promise<Market> {
  const { rows } = await shop.pool.query<{ id: bigint }>(
    `insert into connection (platform, account_id, name, credentials, write_capabilities)
     values ('amazon', 'A1', 'Amazon', '\\x00', '{}') returning id`,
  );
  const amazonId = rows[0]?.id ?? 0n;
  const platforms = { ...shop.platforms, amazon };
  return {
    shop,
    amazonId,
    tell: (...changes) =>
      transaction(shop.pool, (tx) =>
        applyChanges(tx, {
          changes,
          source: 'amazon',
          connectionId: amazonId,
          deliveryId: null,
          now,
          platforms,
        }),
      ),
  };
}

function offer(
  second: number,
  sku: string,
  quantity: number | null,
  more: Partial<Listing['listing']> = {},
): Listing {
  return {
    kind: 'listing',
    remoteId: sku,
    version: told(second),
    listing: {
      sku,
      productRemoteId: `ASIN-${sku}`,
      title: `The ${sku}`,
      fulfilledBy: quantity === null ? 'marketplace' : 'merchant',
      buyable: true,
      price: { amountMinor: 1_900n, currency: 'USD' },
      ...more,
    },
    observed: { quantity, fulfilledBy: quantity === null ? 'marketplace' : 'merchant' },
  };
}

const variants = (shop: Shop) =>
  shop.rows(
    `select v.sku, v.removed_at is not null as removed,
       array(select c.platform::text from listing g join connection c on c.id = g.connection_id where g.variant_id = v.id order by 1) as at
     from variant v order by v.id`,
  );

test('an offer joins the variant of the shop that carries its number, and says what is offered', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(1), product: productOf() });
  const market = await openMarket(shop);
  expect((await market.tell(offer(1, 'SKU-1', 4))).outcome).toBe('applied');
  expect(await variants(shop)).toEqual([{ sku: 'SKU-1', removed: false, at: ['amazon', 'shopify'] }]);
  expect(
    await shop.rows("select entity_type, remote_id, remote_state from link where remote_type = 'listing'"),
  ).toEqual([
    { entity_type: 'Variant', remote_id: 'SKU-1', remote_state: { quantity: 4, fulfilledBy: 'merchant' } },
  ]);
  expect((await market.tell(offer(1, 'SKU-1', 4))).outcome).toBe('unchanged');
  expect((await market.tell(offer(2, 'SKU-1', 9))).outcome).toBe('applied');
  expect((await market.tell(offer(1, 'SKU-1', 4))).outcome).toBe('stale');
  expect(
    await shop.rows("select remote_state->'quantity' as quantity from link where remote_type = 'listing'"),
  ).toEqual([{ quantity: 9 }]);
});

test('an offer without its like brings goods of its own, which give way to the shop’s with lines and stock', async () => {
  await using shop = await openShop();
  const market = await openMarket(shop);
  const place: PlatformChange = {
    kind: 'location',
    remoteId: 'AFN',
    version: told(1),
    location: { name: 'Amazon FBA', active: true, address: null },
  };
  const level: PlatformChange = {
    kind: 'stockLevel',
    inventoryItemRemoteId: 'SKU-1',
    locationRemoteId: 'AFN',
    version: told(1),
    available: 5,
  };
  await market.tell(offer(1, 'SKU-1', null), place, level);
  expect(await variants(shop)).toEqual([{ sku: 'SKU-1', removed: false, at: ['amazon'] }]);
  await market.tell(
    offer(2, 'SKU-1', null, { title: 'Renamed', price: { amountMinor: 2_100n, currency: 'USD' } }),
  );
  expect(await shop.rows('select title, price_minor from variant')).toEqual([
    { title: 'Renamed', price_minor: 2_100n },
  ]);

  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(3), product: productOf() });
  // The very same statement again: who it belongs to is looked up each time.
  expect(
    (
      await market.tell(
        offer(2, 'SKU-1', null, { title: 'Renamed', price: { amountMinor: 2_100n, currency: 'USD' } }),
      )
    ).outcome,
  ).toBe('applied');
  expect(await variants(shop)).toEqual([
    { sku: 'SKU-1', removed: true, at: [] },
    { sku: 'SKU-1', removed: false, at: ['amazon', 'shopify'] },
  ]);
  expect(
    await shop.rows(
      'select v.removed_at is null as live, s.available from stock_level s join variant v on v.id = s.variant_id',
    ),
  ).toEqual([{ live: true, available: 5 }]);
});

test('a number that stands for several goods of the shop decides nothing', async () => {
  await using shop = await openShop();
  const twice = productOf();
  const [variant] = twice.variants;
  if (variant === undefined) throw new Error('the product has no variant');
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(1), product: twice });
  await shop.tell('shopify', {
    kind: 'product',
    remoteId: 'q',
    version: told(1),
    product: { ...twice, variants: [{ ...variant, remoteId: 'other', inventoryItemRemoteId: 'other' }] },
  });
  const market = await openMarket(shop);
  await market.tell(offer(1, 'SKU-1', 4));
  expect((await variants(shop)).map((one) => (one as { at: string[] }).at)).toEqual([
    ['shopify'],
    ['shopify'],
    ['amazon'],
  ]);
});

test('what was read before our own last word arrived is no news', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(1), product: productOf() });
  const market = await openMarket(shop);
  await market.tell(offer(1, 'SKU-1', 4));
  // Nothing of it is in stock: Amazon is owed a 0, which arrives.
  await shop.pool.query(
    "update push set status = 'settled', attempts = 1, settled_at = clock_timestamp() where kind = 'listingQuantity'",
  );
  await shop.pool.query(
    `update link set remote_state = remote_state || '{"quantity": 0}', seen_at = clock_timestamp() where remote_type = 'listing'`,
  );
  const quantity = () =>
    shop.rows("select (remote_state->>'quantity')::int as quantity from link where remote_type = 'listing'");
  const early = { sourceUpdatedAt: told(2).sourceUpdatedAt, observedAt: new Date('2026-01-01T00:00:00Z') };
  await market.tell({ ...offer(2, 'SKU-1', 4), version: early });
  expect(await quantity()).toEqual([{ quantity: 0 }]);
  // Its echo, and then somebody else's hand in Seller Central.
  const later = (second: number) => ({
    sourceUpdatedAt: told(second).sourceUpdatedAt,
    observedAt: new Date('2099-01-01T00:00:00Z'),
  });
  expect((await market.tell({ ...offer(3, 'SKU-1', 0), version: later(3) })).outcome).toBe('echo');
  expect((await market.tell({ ...offer(4, 'SKU-1', 2), version: later(4) })).outcome).toBe('applied');
  expect(await quantity()).toEqual([{ quantity: 2 }]);
});
