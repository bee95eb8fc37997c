import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { cancelOrder, placeOrder } from '../../sandbox/amazon/orders.ts';
import type { AmazonSandbox } from '../../sandbox/amazon/server.ts';
import { type Answer, type Stack, startStack, until } from '../support/stack.ts';

let stack: Stack;
let amazon: AmazonSandbox;

beforeAll(async () => {
  stack = await startStack({ catalogue: [{ sku: 'MUG', price: '12.35', stock: 20 }], amazon: {} });
  if (stack.amazon === null) throw new Error('the stack has no Amazon');
  amazon = stack.amazon;
  upsertListing(amazon.account, { sku: 'MUG', title: 'The mug', price: '14.00', quantity: 1 });
  await stack.sweep();
});

afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(() => stack.settled());

const offered = () => amazon.account.state.listings.MUG?.quantity;
const atShopify = () => {
  const item = stack.shopify.shop.variantBySku.get('MUG')?.inventoryItemId ?? '';
  return Object.entries(stack.shopify.shop.items.get(item)?.levels ?? {})
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, level]) => level.available);
};
const inGraph = async () =>
  (
    await stack.database.pool.query<{ available: number }>(
      `select s.available from stock_level s join location l on l.id = s.location_id
       join connection c on c.id = l.connection_id where c.platform = 'shopify' order by l.remote_id`,
    )
  ).rows.map(({ available }) => available);
const sum = (figures: readonly number[]) => figures.reduce((total, one) => total + one, 0);
/** What is free to sell, less what may be sold before Amazon hears of it. */
const allocated = async () =>
  (
    await stack.database.pool.query<{ quantity: number; buffer: number }>(
      `select g.allocated_quantity as quantity, g.allocated_buffer as buffer from listing g
       join connection c on c.id = g.connection_id where c.platform = 'amazon'`,
    )
  ).rows[0];

async function inStep(): Promise<void> {
  await stack.settled();
  expect(await inGraph()).toEqual(atShopify());
  const { quantity, buffer } = (await allocated()) ?? { quantity: -1, buffer: -1 };
  expect(quantity).toBe(Math.max(0, sum(atShopify()) - buffer));
  await until('Amazon offers what it may', offered, (seen) => seen === quantity);
  const folds = await stack.database.pool.query<{ folded: boolean }>(
    `select s.available = sum(m.available_delta) and s.on_hand = sum(m.on_hand_delta) and s.committed = sum(m.committed_delta) as folded
     from stock_level s join stock_movement m on m.stock_level_id = s.id group by s.id`,
  );
  expect(folds.rows.every(({ folded }) => folded)).toBe(true);
}

test('Amazon is told what it may sell as soon as both platforms are known', inStep);

test('a till sale is told with its cause and its order, and Amazon offers less', async () => {
  const before = sum(atShopify());
  await using changes = stack.subscribe(
    `subscription S($after: String) { stockLevelChanged(skus: ["MUG"], channels: [AMAZON], after: $after) {
      cause availableDelta before { available } after { available } order { number } } }`,
    { after: await stack.head() },
  );
  const order = stack.shopify.placeOrder({ channel: 'pos', lines: [{ sku: 'MUG', quantity: 3 }] });
  await inStep();
  expect(sum(atShopify())).toBe(before - 3);
  const received = await changes.until('the sale has its cause', (all) =>
    all.some((one) => one.stockLevelChanged.cause === 'SALE'),
  );
  const told = received.map((one) => one.stockLevelChanged);
  expect(told.reduce((total, one) => total + one.availableDelta, 0)).toBe(-3);
  expect(told.find((one) => one.cause === 'SALE').order).toEqual({ number: order.name });
});

test('an order on Amazon takes the goods out of the shop, and its cancellation brings them back', async () => {
  const before = sum(atShopify());
  const placed = placeOrder(amazon.account, { lines: [{ sku: 'MUG', quantity: 2 }] });
  await inStep();
  expect(sum(atShopify())).toBe(before - 2);
  cancelOrder(amazon.account, placed.id, {});
  await inStep();
  expect(sum(atShopify())).toBe(before);
});

test('a correction by hand in Shopify stands, and a quantity changed by hand on Amazon does not', async () => {
  const [locationId] = stack.shopify.shop.locations.keys();
  stack.shopify.setStock({ sku: 'MUG', quantity: 4, ...(locationId === undefined ? {} : { locationId }) });
  await inStep();
  expect(atShopify()).toContain(4);
  upsertListing(amazon.account, { sku: 'MUG', quantity: 77 });
  await stack.sweep();
  await inStep();
  expect(offered()).not.toBe(77);
});

test('an adjustment that Shopify refuses is given up by dismissing it, and all channels follow Shopify again', async () => {
  const { stockLevels } = await stack.graphql(
    '{ stockLevels(skus: ["MUG"]) { nodes { available variant { id } location { id } } } }',
  );
  const [level] = stockLevels.nodes;
  const item = stack.shopify.shop.items.get(
    stack.shopify.shop.variantBySku.get('MUG')?.inventoryItemId ?? '',
  );
  if (item === undefined) throw new Error('the shop has no mug');
  // Made a set in the admin, which Shopify counts by its parts, and nobody has said so yet.
  item.bundle = true;
  const { stockAdjust } = await stack.graphql(
    `mutation M($input: StockAdjustInput!) { stockAdjust(input: $input) {
      stockLevel { available } pushes { id kind status } settled userErrors { message } } }`,
    {
      input: {
        variantId: level.variant.id,
        locationId: level.location.id,
        delta: 7,
        reason: 'found in the cellar',
        wait: true,
      },
    },
  );
  expect(stockAdjust).toMatchObject({
    stockLevel: { available: level.available + 7 },
    userErrors: [],
  });
  const dead = stockAdjust.pushes.find(({ kind }: { kind: string }) => kind === 'stockLevel');
  expect(dead.status).toBe('DEAD');
  item.bundle = false;
  expect(await inGraph()).not.toEqual(atShopify());
  const { pushDismiss } = await stack.graphql(
    `mutation M($input: PushDismissInput!) { pushDismiss(input: $input) {
      push { status error dismissal { reason } } pushes { kind } settled userErrors { message } } }`,
    { input: { id: dead.id, reason: 'They are for the fair.', wait: true } },
  );
  expect(pushDismiss).toMatchObject({
    push: { status: 'DISMISSED', error: expect.any(String), dismissal: { reason: 'They are for the fair.' } },
    settled: true,
    userErrors: [],
  });
  await inStep();
  const { stockMovements } = await stack.graphql(
    `query ($at: [ID!]) { stockMovements(skus: ["MUG"], locationIds: $at, first: 2) { nodes { cause onHandDelta reason } } }`,
    { at: [level.location.id] },
  );
  expect(stockMovements.nodes).toEqual([
    { cause: 'DISMISSAL', onHandDelta: -7, reason: 'They are for the fair.' },
    { cause: 'ADJUSTMENT', onHandDelta: 7, reason: 'found in the cellar' },
  ]);
});

test('goods that are moved to a place that never had them are stocked there by Shopify, and can be moved back', async () => {
  const popUp = stack.shopify.addLocation({ name: 'Pop-up' });
  stack.shopify.webhooks.weather = { ...stack.shopify.webhooks.weather, duplicate: 1 };
  await stack.sweep();
  await stack.settled();
  const before = sum(atShopify());
  const { variants, locations } = await stack.graphql(
    `{ variants: products(first: 1) { nodes { variants { id sku } } } locations: locations { id name } }`,
  );
  const variantId = variants.nodes[0].variants[0].id;
  const idOf = (name: string) => locations.find((one: Answer) => one.name === name).id;
  const move = async (from: string, to: string, quantity: number) => {
    const { stockTransfer } = await stack.graphql(
      `mutation ($input: StockTransferInput!) { stockTransfer(input: $input) { to { available } userErrors { code message } } }`,
      {
        input: {
          variantId,
          fromLocationId: idOf(from),
          toLocationId: idOf(to),
          quantity,
          reason: 'A market',
        },
      },
    );
    return stockTransfer;
  };
  // Nothing is there that could be taken away.
  expect((await move('Pop-up', 'Tempe', 1)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  expect(await move('Tempe', 'Pop-up', 3)).toEqual({ to: { available: 3 }, userErrors: [] });
  await inStep();
  const item = stack.shopify.shop.variantBySku.get('MUG')?.inventoryItemId ?? '';
  expect(stack.shopify.shop.level(item, popUp.id)?.available).toBe(3);
  expect(sum(atShopify())).toBe(before);
  expect(await move('Pop-up', 'Tempe', 2)).toMatchObject({ userErrors: [] });
  await inStep();
  expect(stack.shopify.shop.level(item, popUp.id)?.available).toBe(1);
  await stack.sweep();
  await inStep();
  expect(sum(atShopify())).toBe(before);
});

test('what is set aside is sold nowhere', async () => {
  const { stockLevels } = await stack.graphql(
    '{ stockLevels(skus: ["MUG"]) { nodes { available variant { id } location { id } } } }',
  );
  const level = stockLevels.nodes.find((node: { available: number }) => node.available > 2);
  const { reservationCreate } = await stack.graphql(
    `mutation M($input: ReservationCreateInput!) { reservationCreate(input: $input) {
      reservation { id } settled userErrors { code message } } }`,
    {
      input: {
        variantId: level.variant.id,
        locationId: level.location.id,
        quantity: 2,
        reason: 'for a regular',
        wait: true,
      },
    },
  );
  expect(reservationCreate).toMatchObject({ settled: true, userErrors: [] });
  await inStep();
  expect(atShopify()).toContain(level.available - 2);
});

test('what a shop sells on purpose when there is none left is ordered ahead, and not oversold', async () => {
  const product = stack.shopify.upsertProduct({
    title: 'Made to order',
    status: 'ACTIVE',
    variants: [{ sku: 'BESPOKE', price: '99.00', stock: 1, inventoryPolicy: 'CONTINUE' }],
  });
  const levels = async () =>
    (await stack.graphql('{ stockLevels(first: 5, skus: ["BESPOKE"]) { totalCount } }')).stockLevels
      .totalCount;
  stack.shopify.setStock({ sku: 'BESPOKE', quantity: 2 });
  await until('its stock is known', levels, (count) => count > 0);
  await stack.settled();
  const from = new Date(Date.now() - 60_000).toISOString();
  stack.shopify.placeOrder({ channel: 'online', lines: [{ sku: 'BESPOKE', quantity: 5 }] });
  await stack.settled();
  const query = `query ($from: DateTime!) {
    stockLevels(first: 5, skus: ["BESPOKE"]) { nodes { available variant { sku sellsWhenOutOfStock } } }
    oversellReport(period: { from: $from }) { oversold backordered }
  }`;
  const asked = await stack.graphql(query, { from });
  const short = sum(asked.stockLevels.nodes.map(({ available }: Answer) => Math.max(0, -available)));
  expect(short).toBeGreaterThan(0);
  expect(asked.oversellReport).toEqual({ oversold: 0, backordered: short });
  expect(asked.stockLevels.nodes[0].variant).toEqual({ sku: 'BESPOKE', sellsWhenOutOfStock: true });

  stack.shopify.upsertProduct({
    id: product.id,
    variants: [{ sku: 'BESPOKE', inventoryPolicy: 'DENY' }],
  });
  await stack.settled();
  const later = await stack.graphql(query, { from });
  expect(later.stockLevels.nodes[0].variant.sellsWhenOutOfStock).toBe(false);
});
