import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Snapshot } from '../../src/model/snapshot.ts';
import type { PlanContext, Platform } from '../../src/sync/platforms/platform.ts';
import {
  insertConnection,
  insertLocation,
  insertOrder,
  insertStockLevel,
  insertVariant,
} from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';

let api: TestApi;
let ids: { shirt: string; hall: string; till: string; amazon: string };

const globalId = (type: string, id: bigint) => Buffer.from(`${type}:${id}`).toString('base64url');

/** A marketplace that is told quantities. */
const marketplace = {
  name: 'amazon',
  pushKinds: ['listingQuantity'],
  linkTypes: { Variant: 'listing' },
  plan: (snapshot: Snapshot, { link }: PlanContext) =>
    snapshot.type !== 'Variant' || snapshot.offers[0]?.quantity === link?.state.quantity
      ? []
      : [
          {
            kind: 'listingQuantity',
            subjectType: 'Variant' as const,
            subjectId: snapshot.id,
            body: { quantity: snapshot.offers[0]?.quantity },
          },
        ],
} as Pick<Platform, 'name' | 'pushKinds' | 'linkTypes' | 'plan'> as Platform;
const shop = { name: 'shopify', pushKinds: ['stockLevel'], linkTypes: {}, plan: () => [] } as Pick<
  Platform,
  'name' | 'pushKinds' | 'linkTypes' | 'plan'
> as Platform;

beforeAll(async () => {
  api = await startTestApi({ platforms: { shopify: shop, amazon: marketplace } });
  const db = api.database.pool;
  const shopify = await insertConnection(db, { name: 'Shop' });
  const amazon = await insertConnection(db, {
    platform: 'amazon',
    name: 'Market',
    write_capabilities: ['*'],
  });
  const { variantId } = await insertVariant(db, { sku: 'SHIRT' });
  const hall = await insertLocation(db, { connection_id: shopify, name: 'Hall' });
  const till = await insertLocation(db, { connection_id: shopify, name: 'Till' });
  const level = await insertStockLevel(db, { variant_id: variantId, location_id: hall });
  await insertStockLevel(db, { variant_id: variantId, location_id: till, on_hand: 2, available: 2 });
  await db.query(
    `insert into listing (variant_id, connection_id, remote_product_id, remote_variant_id) values ($1, $2, 'ASIN', 'SHIRT')`,
    [variantId, amazon],
  );
  await db.query(
    `insert into link (connection_id, entity_type, entity_id, remote_type, remote_id, remote_state) values
       ($1, 'StockLevel', $2, 'inventoryLevel', 'item:hall', '{"available": 10}'), ($3, 'Variant', $4, 'listing', 'SHIRT', '{"quantity": 9}')`,
    [shopify, level, amazon, variantId],
  );
  ids = {
    shirt: globalId('Variant', variantId),
    hall: globalId('Location', hall),
    till: globalId('Location', till),
    amazon: globalId('Connection', amazon),
  };
});

afterAll(() => api[Symbol.asyncDispose]());

const ask = async (query: string, variables: Record<string, unknown> = {}) => {
  const { data, errors } = await api.ask(query, variables);
  expect(errors).toBeUndefined();
  return data;
};
const at = (more: Record<string, unknown>) => ({
  input: { variantId: ids.shirt, locationId: ids.hall, reason: 'test', ...more },
});

test('goods are set aside and released, and each step is told to a channel’s subscriber in order', async () => {
  const received: Record<string, unknown>[] = [];
  const client = api.subscriber();
  const cursor = (await ask('{ events(last: 1) { edges { cursor } } }')).events.edges.at(-1)?.cursor ?? '0';
  const stop = client.subscribe<{ stockLevelChanged: Record<string, unknown> }>(
    {
      query: `subscription S($after: String) { stockLevelChanged(channels: [AMAZON], after: $after) {
        cause availableDelta before { available } after { available reserved } channels movement { cause reference } } }`,
      variables: { after: cursor },
    },
    {
      next: (result) => void (result.data && received.push(result.data.stockLevelChanged)),
      error: () => undefined,
      complete: () => undefined,
    },
  );
  const create = `mutation M($input: ReservationCreateInput!) { reservationCreate(input: $input) {
    reservation { id quantity reason expiresAt releasedAt stockLevel { available reserved reservations { quantity } } } userErrors { code field } } }`;
  const { reservationCreate } = await ask(
    create,
    at({ quantity: 3, expiresInSeconds: 600, idempotencyKey: 'a' }),
  );
  expect(reservationCreate).toMatchObject({
    reservation: {
      quantity: 3,
      releasedAt: null,
      stockLevel: { available: 7, reserved: 3, reservations: [{ quantity: 3 }] },
    },
    userErrors: [],
  });
  const again = await ask(create, at({ quantity: 3, expiresInSeconds: 600, idempotencyKey: 'a' }));
  expect(again.reservationCreate.reservation.id).toBe(reservationCreate.reservation.id);
  const tooMany = await ask(create, at({ quantity: 8 }));
  expect(tooMany.reservationCreate).toMatchObject({
    reservation: null,
    userErrors: [{ code: 'STOCK_BELOW_ZERO' }],
  });
  const release = `mutation M($input: ReservationReleaseInput!) { reservationRelease(input: $input) {
    reservation { outcome stockLevel { available reserved } } } }`;
  const input = { id: reservationCreate.reservation.id };
  for (let time = 0; time < 2; time += 1)
    expect((await ask(release, { input })).reservationRelease.reservation).toEqual({
      outcome: 'released',
      stockLevel: { available: 10, reserved: 0 },
    });
  for (const deadline = Date.now() + 20_000; received.length < 2 && Date.now() < deadline; )
    await new Promise((resolve) => setTimeout(resolve, 10));
  stop();
  await client.dispose();
  const channels = expect.arrayContaining(['AMAZON']);
  expect(received).toMatchObject([
    {
      cause: 'RESERVATION',
      availableDelta: -3,
      before: { available: 10 },
      after: { available: 7, reserved: 3 },
      channels,
    },
    {
      cause: 'RELEASE',
      availableDelta: 3,
      before: { available: 7 },
      after: { available: 10, reserved: 0 },
      channels,
    },
  ]);
});

test('what is published is told with what should be, and why', async () => {
  await ask(
    `mutation M($input: StockAdjustInput!) { stockAdjust(input: $input) { userErrors { code } } }`,
    at({ delta: 2, cause: 'RECEIPT' }),
  );
  const { stockLevels } = await ask(
    `query Q($at: [ID!]) { stockLevels(skus: ["SHIRT"], locationIds: $at) { nodes { published {
      platform channels accountName quantity allocated buffer because freshness { ageSeconds } } } } }`,
    { at: [ids.hall] },
  );
  const freshness = { ageSeconds: expect.any(Number) };
  expect(stockLevels.nodes[0].published).toEqual([
    {
      platform: 'SHOPIFY',
      channels: ['ONLINE_STORE', 'POINT_OF_SALE'],
      accountName: 'Shop',
      quantity: 10,
      allocated: null,
      buffer: null,
      because: null,
      freshness,
    },
    {
      platform: 'AMAZON',
      channels: ['AMAZON'],
      accountName: 'Market',
      quantity: 9,
      allocated: 14,
      buffer: 0,
      because: 'all_available',
      freshness,
    },
  ]);
});

test('rules and sets decide what a channel may sell', async () => {
  const rule = `mutation M($input: StockRuleSetInput!) { stockRuleSet(input: $input) {
    variant { sku } pushes { kind status body } userErrors { code field } } }`;
  const { stockRuleSet } = await ask(rule, {
    input: { connectionId: ids.amazon, variantId: ids.shirt, maxQuantity: 5 },
  });
  expect(stockRuleSet).toEqual({
    variant: { sku: 'SHIRT' },
    pushes: [{ kind: 'listingQuantity', status: 'PENDING', body: { quantity: 5 } }],
    userErrors: [],
  });
  const refused = await ask(rule, { input: { sharePercent: 101 } });
  expect(refused.stockRuleSet.userErrors).toEqual([
    { code: 'INVALID_INPUT', field: ['input', 'sharePercent'] },
  ]);
  await ask(rule, { input: { lastUnits: 3, paused: false } });
  const { stockRules } = await ask(
    '{ stockRules { nodes { connection { name } variant { sku } minBuffer maxQuantity sharePercent lastUnits paused } } }',
  );
  const unset = { minBuffer: null, maxQuantity: null, sharePercent: null, lastUnits: null, paused: null };
  expect(stockRules.nodes).toEqual([
    { ...unset, connection: { name: 'Market' }, variant: { sku: 'SHIRT' }, maxQuantity: 5 },
    { ...unset, connection: null, variant: null, lastUnits: 3, paused: false },
  ]);
  await ask(rule, { input: {} });
  await ask(rule, { input: { connectionId: ids.amazon, variantId: ids.shirt } });
  expect((await api.database.pool.query('select 1 from stock_rule')).rowCount).toBe(0);
  const bundle = await ask(
    `mutation M($input: BundleSetInput!) { bundleSet(input: $input) { variant { sku } userErrors { code field } } }`,
    { input: { variantId: ids.shirt, components: [{ variantId: ids.shirt, quantity: 1 }] } },
  );
  expect(bundle.bundleSet.userErrors).toEqual([{ code: 'INVALID_INPUT', field: ['input', 'components'] }]);
  const { variantId } = await insertVariant(api.database.pool, { sku: 'OUTFIT' });
  const { bundleSet } = await ask(
    `mutation M($input: BundleSetInput!) { bundleSet(input: $input) {
      variant { sku components { quantity variant { sku components { quantity } } } } userErrors { code } } }`,
    {
      input: {
        variantId: globalId('Variant', variantId),
        components: [{ variantId: ids.shirt, quantity: 2 }],
      },
    },
  );
  expect(bundleSet).toEqual({
    variant: { sku: 'OUTFIT', components: [{ quantity: 2, variant: { sku: 'SHIRT', components: [] } }] },
    userErrors: [],
  });
});

test('what is set aside is listed as long as it stands, and how fast a channel is can be read', async () => {
  const create = `mutation M($input: ReservationCreateInput!) { reservationCreate(input: $input) { reservation { id } } }`;
  const made: string[] = [];
  for (const quantity of [1, 2]) {
    const { reservationCreate } = await ask(create, at({ quantity, reason: `for ${quantity}` }));
    made.push(reservationCreate.reservation.id);
  }
  await ask('mutation M($id: ID!) { reservationRelease(input: { id: $id }) { userErrors { code } } }', {
    id: made[0],
  });
  const list = `query Q($open: Boolean) { reservations(open: $open, first: 10) { totalCount nodes { reason outcome stockLevel { variant { sku } } } } }`;
  const standing = { reason: 'for 2', outcome: null, stockLevel: { variant: { sku: 'SHIRT' } } };
  const freed = { reason: 'for 1', outcome: 'released', stockLevel: { variant: { sku: 'SHIRT' } } };
  const { reservations } = await ask('{ reservations { nodes { reason } } }');
  expect(reservations.nodes).toEqual([{ reason: 'for 2' }]);
  expect((await ask(list, { open: true })).reservations).toEqual({ totalCount: 1, nodes: [standing] });
  expect((await ask(list, { open: false })).reservations.nodes).toContainEqual(freed);
  expect((await ask(list, { open: null })).reservations.nodes).toEqual(
    expect.arrayContaining([standing, freed]),
  );
  await ask('mutation M($id: ID!) { reservationRelease(input: { id: $id }) { userErrors { code } } }', {
    id: made[1],
  });

  await api.database.pool.query(
    `insert into channel_feed (connection_id, publish_latency_ms, intake_latency_ms, measured_at)
     select id, 4200, 31000, now() from connection where platform = 'amazon'`,
  );
  const { connections } = await ask(
    '{ connections { name channelFeed { publishLatencySeconds intakeLatencySeconds } } }',
  );
  expect(connections).toEqual([
    { name: 'Shop', channelFeed: null },
    { name: 'Market', channelFeed: { publishLatencySeconds: 4.2, intakeLatencySeconds: 31 } },
  ]);
});

test('damaged goods are written off, and those that come back damaged leave what can be sold as it was', async () => {
  const adjust = `mutation M($input: StockAdjustInput!) {
    stockAdjust(input: $input) { stockLevel { available onHand } userErrors { code field } } }`;
  const { stockLevels } = await ask(
    `query Q($at: [ID!]) { stockLevels(skus: ["SHIRT"], locationIds: $at) { nodes { available onHand } } }`,
    { at: [ids.hall] },
  );
  const [before] = stockLevels.nodes;
  const returned = await ask(
    adjust,
    at({ delta: 3, cause: 'RETURN', disposition: 'DAMAGED', reason: 'torn' }),
  );
  expect(returned.stockAdjust).toEqual({ stockLevel: before, userErrors: [] });
  const misplaced = await ask(adjust, at({ delta: 3, disposition: 'DAMAGED', reason: 'torn' }));
  expect(misplaced.stockAdjust.userErrors).toEqual([
    { code: 'INVALID_INPUT', field: ['input', 'disposition'] },
  ]);
  const { stockMovements } = await ask(
    `query Q($at: [ID!]) { stockMovements(skus: ["SHIRT"], locationIds: $at, filter: { causes: [RETURN, WRITE_OFF] }) {
      nodes { cause onHandDelta units } } }`,
    { at: [ids.hall] },
  );
  expect(stockMovements.nodes).toEqual([
    { cause: 'WRITE_OFF', onHandDelta: -3, units: 3 },
    { cause: 'RETURN', onHandDelta: 3, units: 3 },
  ]);
});

test('a count and a transfer tell where they lead, and movements are listed by cause', async () => {
  const set = await ask(
    `mutation M($input: StockSetInput!) { stockSet(input: $input) { stockLevel { onHand } userErrors { code } } }`,
    at({ quantity: 20 }),
  );
  expect(set.stockSet).toEqual({ stockLevel: { onHand: 20 }, userErrors: [] });
  const moved = await ask(
    `mutation M($input: StockTransferInput!) { stockTransfer(input: $input) {
      from { available location { name } } to { available location { name } } cursor userErrors { code field } } }`,
    {
      input: {
        variantId: ids.shirt,
        fromLocationId: ids.hall,
        toLocationId: ids.till,
        quantity: 4,
        reason: 'test',
      },
    },
  );
  expect(moved.stockTransfer).toMatchObject({
    from: { available: 16, location: { name: 'Hall' } },
    to: { available: 6, location: { name: 'Till' } },
    userErrors: [],
  });
  const { stockMovements } = await ask(
    `query Q($at: [ID!]) { stockMovements(skus: ["SHIRT"], locationIds: $at, filter: { causes: [COUNT, TRANSFER] }) {
      totalCount nodes { cause onHandDelta units } } }`,
    { at: [ids.hall] },
  );
  expect(stockMovements).toEqual({
    totalCount: 2,
    nodes: [
      { cause: 'TRANSFER', onHandDelta: -4, units: 4 },
      { cause: 'COUNT', onHandDelta: 8, units: 20 },
    ],
  });
});

test('the report tells what was sold and was not there', async () => {
  const sale = (before: number, units: number, when: string) =>
    api.database.pool.query(
      `insert into stock_movement (stock_level_id, cause, on_hand_delta, available_delta, available_before, available_after, units,
         negative_reason, source, occurred_at)
       select id, 'sale', -$2::int, -$2::int, $1::int, $1::int - $2::int, $2, 'oversold', 'amazon', $3
       from stock_level where available = $1`,
      [before, units, when],
    );
  await sale(6, 4, '2026-10-01T10:00:00Z');
  await sale(2, 5, '2026-10-01T11:00:00Z');
  await sale(-3, 1, '2026-10-01T12:00:00Z');
  const query = `query Q($period: TimeRange!) { oversellReport(period: $period) {
    sold oversold rate goods { variant { sku } channel sold oversold } } }`;
  const period = { from: '2026-10-01T00:00:00Z', until: '2026-10-02T00:00:00Z' };
  expect((await ask(query, { period })).oversellReport).toEqual({
    sold: 10,
    oversold: 4,
    rate: 0.4,
    goods: [{ variant: { sku: 'SHIRT' }, channel: null, sold: 10, oversold: 4 }],
  });
  const earlier = { until: '2026-10-01T11:00:00Z' };
  expect((await ask(query, { period: earlier })).oversellReport).toMatchObject({
    sold: 4,
    oversold: 0,
    rate: 0,
  });

  // Made to order: what its shop sells ahead is meant so, and a marketplace still may not.
  await api.database.pool.query(
    `update variant set sells_when_out_of_stock = true where id in (select variant_id from stock_level where id in
       (select stock_level_id from stock_movement where cause = 'sale'))`,
  );
  const ahead = `query Q($period: TimeRange!) { oversellReport(period: $period) { sold oversold backordered rate goods { oversold } } }`;
  expect((await ask(ahead, { period })).oversellReport).toEqual({
    sold: 10,
    oversold: 0,
    backordered: 4,
    rate: 0,
    goods: [],
  });
  const order = await insertOrder(api.database.pool, {
    connection_id: await insertConnection(api.database.pool, { platform: 'amazon', name: 'Another' }),
    channel: 'amazon',
  });
  await api.database.pool.query(
    `insert into stock_movement (stock_level_id, cause, on_hand_delta, available_delta, available_before, available_after, units,
       negative_reason, source, occurred_at, order_id)
     select id, 'sale', -1, -1, -4, -5, 1, 'oversold', 'amazon', '2026-10-01T13:00:00Z', $1 from stock_level where available = -4`,
    [order],
  );
  expect((await ask(ahead, { period })).oversellReport).toMatchObject({
    sold: 11,
    oversold: 1,
    backordered: 4,
    goods: [{ oversold: 1 }],
  });
});
