import { expect, test } from 'vitest';
import type { PlatformChange } from '../../src/model/change.ts';
import { countsReported } from '../../src/sync/stock/counts.ts';
import { at, openShop, productOf, read, type Shop, told } from './support.ts';

type Report = Extract<PlatformChange, { kind: 'stockLevel' }>;

async function openStock(): Promise<Shop> {
  const shop = await openShop();
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(1), product: productOf() });
  await shop.tell('shopify', {
    kind: 'location',
    remoteId: 'till',
    version: told(1),
    location: { name: 'Till', active: true, address: null },
  });
  return shop;
}

const report = (second: number, available: number | null, parts: Partial<Report> = {}): Report => ({
  kind: 'stockLevel',
  inventoryItemRemoteId: 'item-1',
  locationRemoteId: 'till',
  version: told(second),
  available,
  observed: { available },
  ...parts,
});
const level = (shop: Shop) =>
  shop.rows('select available, on_hand, committed, reserved from stock_level').then((rows) => rows[0]);
const available = async (shop: Shop) => ((await level(shop)) as { available: number } | undefined)?.available;
const adjust = (shop: Shop, delta: number, reason = 'found behind the shelf') =>
  shop.edit({ kind: 'stockAdjust', variantId: 1n, locationId: 1n, delta, reason });
const openPushes = (shop: Shop) =>
  shop.rows("select status, body from push where status not in ('settled', 'superseded') order by id");
/** The engine's part: the push was carried out and Shopify holds this figure now. */
const settled = async (shop: Shop, figure: number) => {
  await shop.pool.query(
    "update push set status = 'settled', attempts = attempts + 1, settled_at = clock_timestamp() where status in ('pending', 'running', 'retrying')",
  );
  await shop.pool.query('update link set remote_state = $1::jsonb', [JSON.stringify({ available: figure })]);
};

test('the first figure opens a level, each other one is a movement, the same one is none', async () => {
  await using shop = await openStock();
  expect((await shop.tell('shopify', report(1, 5))).outcome).toBe('applied');
  expect((await shop.tell('shopify', report(2, 3))).outcome).toBe('applied');
  expect((await shop.tell('shopify', report(3, 3))).outcome).toBe('unchanged');
  expect((await shop.tell('shopify', report(1, 9))).outcome).toBe('stale');
  expect(
    await shop.rows(
      'select cause, available_before, available_after, source from stock_movement order by id',
    ),
  ).toEqual([
    { cause: 'opening', available_before: 0, available_after: 5, source: 'shopify' },
    { cause: 'report', available_before: 5, available_after: 3, source: 'shopify' },
  ]);
  const changes = (await shop.events()).filter((event) => event.type === 'stock.changed');
  expect(changes.map((event) => event.payload)).toMatchObject([
    { sku: 'SKU-1', variantId: '1', locationId: '1', availableDelta: 5, cause: 'opening' },
    { before: { available: 5 }, after: { available: 3 }, availableDelta: -2, cause: 'report' },
  ]);
  expect(await shop.rows('select source_updated_at from stock_level')).toEqual([
    { source_updated_at: at(3) },
  ]);
});

test('two figures of one second ask for a fresh read', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  expect((await shop.tell('shopify', report(1, 4))).outcome).toBe('needsFresh');
  expect((await shop.tell('shopify', report(1, 4, { version: read(1, 9) }))).outcome).toBe('applied');
  expect(await available(shop)).toBe(4);
});

test('a figure for unknown goods asks for a fresh read and then waits for them', async () => {
  await using shop = await openShop();
  expect((await shop.tell('shopify', report(1, 5))).outcome).toBe('needsFresh');
  await expect(shop.tell('shopify', report(1, 5, { version: read(1, 2) }))).rejects.toMatchObject({
    code: 'STOCK_OF_UNKNOWN_GOODS',
    retryable: true,
  });
});

test('counts that are told together add up to what is available', () => {
  const none = { onHand: 0, committed: 0, reserved: 0, incoming: 0, safety: 0 };
  expect(countsReported(none, { available: 5, onHand: 9, committed: 3 })).toEqual({
    onHand: 9,
    committed: 3,
    reserved: 0,
    incoming: 0,
    safety: 1,
  });
  // A count that does not add up: what is available is believed, and nothing is set aside below zero.
  expect(countsReported(none, { available: 0, onHand: 1, committed: 2 })).toEqual({
    onHand: 2,
    committed: 2,
    reserved: 0,
    incoming: 0,
    safety: 0,
  });
});

test('an adjustment is a movement and a push of the difference', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  const applied = await adjust(shop, 2);
  expect(applied).toMatchObject({ outcome: 'applied', touched: [{ type: 'StockLevel', id: 1n }] });
  expect(applied.pushIds).toHaveLength(1);
  await adjust(shop, 1);
  expect(await available(shop)).toBe(8);
  expect(await openPushes(shop)).toEqual([
    { status: 'pending', body: { delta: 3, changeFrom: 5, available: 8 } },
  ]);
  await settled(shop, 8);
  expect((await shop.tell('shopify', report(4, 8))).outcome).toBe('echo');
  expect(await available(shop)).toBe(8);
  await adjust(shop, 3);
  expect(await openPushes(shop)).toEqual([
    { status: 'pending', body: { delta: 3, changeFrom: 8, available: 11 } },
  ]);
});

test('an adjustment that is taken back before it was sent is not sent', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  await adjust(shop, 2);
  await adjust(shop, -2);
  expect(await openPushes(shop)).toEqual([]);
  expect(await available(shop)).toBe(5);
});

test('a sale that is reported while an adjustment waits moves both sides alike', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  await adjust(shop, 10);
  await shop.tell('shopify', report(2, 4));
  expect(await available(shop)).toBe(14);
  expect(await openPushes(shop)).toEqual([
    { status: 'pending', body: { delta: 10, changeFrom: 4, available: 14 } },
  ]);
});

test('while an adjustment is on its way its echo is known and any other figure waits', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  await adjust(shop, 2);
  await shop.pool.query("update push set status = 'running', attempts = 1");
  expect((await shop.tell('shopify', report(2, 7))).outcome).toBe('echo');
  expect(await available(shop)).toBe(7);
  // A sweep may come again; a delivery is tried again.
  expect((await shop.tell('shopify', report(3, 6, { version: read(3, 4) }))).outcome).toBe('stale');
  expect(await available(shop)).toBe(7);
});

test('a second adjustment while the first is on its way is sent after it, once', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  await adjust(shop, 2);
  await shop.pool.query("update push set status = 'running', attempts = 1");
  expect((await adjust(shop, 10)).pushIds).toEqual([]);
  expect(await available(shop)).toBe(17);
  // Somebody bought one meanwhile: 5 - 1 + 2.
  await settled(shop, 6);
  const later = read(60 * 60 * 24 * 365, 60 * 60 * 24 * 365);
  await shop.tell('shopify', report(2, 6, { version: later }));
  expect(await available(shop)).toBe(16);
  expect(await openPushes(shop)).toEqual([
    { status: 'pending', body: { delta: 10, changeFrom: 6, available: 16 } },
  ]);
});

test('a figure from before a push arrived is not trusted after it', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  await adjust(shop, 2);
  await settled(shop, 7);
  expect((await shop.tell('shopify', report(2, 4))).outcome).toBe('needsFresh');
  const later = read(2, 60 * 60 * 24 * 365);
  expect((await shop.tell('shopify', report(2, 6, { version: later }))).outcome).toBe('applied');
  expect(await available(shop)).toBe(6);
});

test('where writing is not unlocked the platform stays right and the adjustment stays a plan', async () => {
  await using shop = await openStock();
  await shop.pool.query("update connection set write_capabilities = '{}'");
  await shop.tell('shopify', report(1, 5));
  await adjust(shop, 2);
  expect(await openPushes(shop)).toMatchObject([{ status: 'plan', body: { delta: 2 } }]);
  await shop.tell('shopify', report(2, 4));
  expect(await available(shop)).toBe(4);
  expect(await openPushes(shop)).toMatchObject([{ status: 'plan', body: { delta: 2 } }]);
});

test('an adjustment that cannot be accepted says which field is wrong', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  const refused = (edit: { delta?: number; reason?: string; variantId?: bigint; locationId?: bigint }) =>
    shop.edit({ kind: 'stockAdjust', variantId: 1n, locationId: 1n, delta: 1, reason: 'count', ...edit });
  await expect(refused({ delta: 0 })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'delta' });
  await expect(refused({ delta: 1.5 })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'delta' });
  await expect(refused({ reason: ' ' })).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'reason' });
  await expect(refused({ variantId: 99n })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(refused({ locationId: 99n })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await shop.rows('select count(*)::int as movements from stock_movement')).toEqual([
    { movements: 1 },
  ]);
});

test('damaged goods are written off, which the platform is owed as any correction', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  const writeOff = (delta: number) =>
    shop.edit({
      kind: 'stockAdjust',
      variantId: 1n,
      locationId: 1n,
      delta,
      reason: 'fell off the shelf',
      cause: 'write_off',
    });
  await expect(writeOff(2)).rejects.toMatchObject({ code: 'INVALID_INPUT', field: 'delta' });
  await expect(writeOff(-6)).rejects.toMatchObject({ code: 'STOCK_BELOW_ZERO' });
  await writeOff(-2);
  expect(await available(shop)).toBe(3);
  expect(await openPushes(shop)).toEqual([
    { status: 'pending', body: { delta: -2, changeFrom: 5, available: 3 } },
  ]);
  expect(
    await shop.rows(
      'select cause, on_hand_delta, units, reason, owed from stock_movement order by id desc limit 1',
    ),
  ).toEqual([{ cause: 'write_off', on_hand_delta: -2, units: 2, reason: 'fell off the shelf', owed: true }]);
});

test('what came back damaged is a return and a write-off in one: never available, and nothing is owed for it', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5, { onHand: 9, committed: 3 }));
  const before = await level(shop);
  const back = (parts: { cause?: 'return' | 'receipt'; delta?: number }) =>
    shop.edit({
      kind: 'stockAdjust',
      variantId: 1n,
      locationId: 1n,
      delta: 2,
      reason: 'torn seam',
      cause: 'return',
      disposition: 'damaged',
      ...parts,
    });
  await expect(back({ cause: 'receipt' })).rejects.toMatchObject({ field: 'disposition' });
  await expect(back({ delta: -2 })).rejects.toMatchObject({ field: 'delta' });
  const applied = await back({});
  expect(applied).toMatchObject({ outcome: 'applied', pushIds: [] });
  expect(await level(shop)).toEqual(before);
  const movements = await shop.rows<{ reference: string }>(
    `select cause, units, on_hand_delta, safety_delta, available_delta, available_after, owed, reference
     from stock_movement where cause <> 'opening' order by id`,
  );
  const [reference] = movements.map((one) => one.reference);
  expect(reference).toMatch(/^return:\d+$/);
  const shared = { units: 2, available_delta: 0, available_after: 5, owed: false, reference };
  expect(movements).toEqual([
    { ...shared, cause: 'return', on_hand_delta: 2, safety_delta: 2 },
    { ...shared, cause: 'write_off', on_hand_delta: -2, safety_delta: -2 },
  ]);
  // The shop's next report knows of none of it, and changes nothing.
  await shop.tell('shopify', report(2, 5, { onHand: 9, committed: 3 }));
  expect(await level(shop)).toEqual(before);
});

test('movements always add up to the level', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5, { onHand: 9, committed: 3 }));
  await shop.tell('shopify', report(2, 2, { onHand: 9, committed: 6, incoming: 4 }));
  await adjust(shop, 4);
  await shop.tell('shopify', report(3, null));
  expect(
    await shop.rows(`select s.available = sum(m.available_delta) as available, s.on_hand = sum(m.on_hand_delta) as on_hand,
      s.committed = sum(m.committed_delta) as committed, s.incoming = sum(m.incoming_delta) as incoming
      from stock_level s join stock_movement m on m.stock_level_id = s.id group by s.id`),
  ).toEqual([{ available: true, on_hand: true, committed: true, incoming: true }]);
});
