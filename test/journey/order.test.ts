import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fairWeather } from '../../sandbox/kit/webhooks.ts';
import { type Answer, type Stack, startStack } from '../support/stack.ts';
import {
  bankedMinor,
  contact,
  counts,
  crmOrders,
  deadLetters,
  deliveriesOf,
  everyStockLevelAtShopify,
  minor,
  nextSecond,
  orderInGraph,
  postShopifyWebhook,
  receiptsOf,
  stockAtShopify,
} from './observe.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(() => stack.settled());

const ada = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };

test('one order becomes one customer, one contact with an order, one receipt of its total, and events in an open subscription', async () => {
  const after = await stack.head();
  await using changes = stack.subscribe<Answer>(
    `subscription ($after: String) {
      orderChanged(after: $after) { cursor event { type } order { number total { amount } customer { email } } }
    }`,
    { after },
  );
  await using events = stack.subscribe<Answer>(
    'subscription ($after: String) { eventAppended(after: $after) { cursor event { type } } }',
    { after },
  );
  const before = await counts(stack);
  const response = await fetch(`${stack.shopify.url}/_control/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      channel: 'online',
      customer: ada,
      lines: [
        { sku: 'BAG', quantity: 2 },
        { sku: 'MUG', quantity: 3, discount: { title: 'Loyalty', percent: '15' } },
      ],
      discountCode: 'WELCOME10',
      shipping: '7.95',
      taxRates: [
        { title: 'State tax', rate: '0.056' },
        { title: 'City tax', rate: '0.023' },
      ],
    }),
  });
  expect(response.status).toBe(201);
  const placed = (await response.json()) as { id: string; name: string; total: string };
  const received = await changes.until('the order is told', (all) =>
    all.some((one) => one.orderChanged.order.number === placed.name),
  );
  await stack.settled();

  const order = await orderInGraph(stack, placed.name);
  expect(order).toMatchObject({
    channel: 'ONLINE_STORE',
    financialStatus: 'PAID',
    total: { amount: placed.total, currencyCode: 'USD' },
    paidTotal: { amount: placed.total },
    refundedTotal: { amount: '0.00' },
    customer: {
      email: ada.email,
      orderCount: 1,
      lifetimeValue: { amount: placed.total, currencyCode: 'USD' },
    },
  });
  const now = await counts(stack);
  expect({ customers: now.customers, orders: now.orders }).toEqual({
    customers: (before.customers ?? 0) + 1,
    orders: (before.orders ?? 0) + 1,
  });

  const known = contact(stack, ada.email);
  expect(minor(known.properties.tributary_lifetime_value)).toBe(minor(placed.total));
  expect(known.properties).toMatchObject({
    firstname: 'Ada',
    lastname: 'Lovelace',
    tributary_order_count: '1',
  });
  const [crmOrder, ...more] = crmOrders(stack, placed.id);
  expect(more).toEqual([]);
  expect(minor(crmOrder?.properties.hs_total_price)).toBe(minor(placed.total));
  expect(stack.hubspot.associated('orders', crmOrder?.id ?? '', 'contacts')).toEqual([known.id]);
  const items = stack.hubspot
    .associated('orders', crmOrder?.id ?? '', 'line_items')
    .map((id) => stack.hubspot.record('line_items', id)?.properties);
  expect(items.map((item) => [item?.hs_sku, item?.quantity]).sort()).toEqual([
    ['BAG', '2'],
    ['MUG', '3'],
  ]);

  const [receipt, ...others] = receiptsOf(stack, placed.name);
  expect(others).toEqual([]);
  if (receipt === undefined) throw new Error('there is no receipt');
  expect(minor(receipt.TotalAmt as number)).toBe(minor(placed.total));
  expect(bankedMinor(stack, receipt)).toBe(minor(placed.total));
  expect(stack.quickbooks.trialBalance().balanced).toBe(true);

  expect(received.filter((one) => one.orderChanged.order.number === placed.name)[0]).toMatchObject({
    orderChanged: { event: { type: 'ORDER_CREATED' }, order: { customer: { email: ada.email } } },
  });
  const told = await events.until('all pushes are told', (all) =>
    ['ORDER_CREATED', 'CUSTOMER_CREATED', 'PUSH_SETTLED'].every((type) =>
      all.some((one) => one.eventAppended.event.type === type),
    ),
  );
  const cursors = told.map((one) => BigInt(one.eventAppended.cursor));
  expect(cursors).toEqual(cursors.map((_, index) => (cursors[0] ?? 0n) + BigInt(index)));

  const { pushes } = await stack.graphql(
    '{ pushes(first: 50) { nodes { kind status subject { id } connection { platform } receipts { remoteId adopted } } } }',
  );
  const ofOrder = pushes.nodes.filter(
    (push: Answer) => push.subject?.id === order.id && push.status === 'SETTLED',
  );
  const lastOf = (platform: string) =>
    ofOrder.find((push: Answer) => push.connection.platform === platform)?.receipts.at(-1)?.remoteId;
  expect({ books: lastOf('QUICKBOOKS'), crm: lastOf('HUBSPOT') }).toEqual({
    books: receipt.Id,
    crm: crmOrder?.id,
  });
  expect(await deadLetters(stack)).toEqual([]);
});

test('the same webhook ten times at once, then under ten other delivery ids, has the effect of one', async () => {
  const before = await counts(stack);
  stack.shopify.webhooks.weather = { ...fairWeather, lose: 1 };
  const placed = stack.shopify.placeOrder({
    channel: 'online',
    customer: { email: 'grace@example.com', firstName: 'Grace' },
    lines: [{ sku: 'HAT', quantity: 1 }],
  });
  await stack.settled();
  stack.shopify.webhooks.weather = { ...fairWeather };
  const body = stack.shopify.orderJson(placed.id);
  const tenTimes = (id: (index: number) => string) =>
    Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        postShopifyWebhook(stack, {
          topic: 'orders/create',
          body,
          webhookId: id(index),
          eventId: 'one-event',
        }),
      ),
    );
  expect(await tenTimes(() => 'one-delivery')).toEqual(Array.from({ length: 10 }, () => 200));
  expect(await tenTimes((index) => `delivery-${index}`)).toEqual(Array.from({ length: 10 }, () => 200));
  await stack.settled();

  const after = await counts(stack);
  expect({
    deliveries: await deliveriesOf(stack, placed.id),
    orders: (after.orders ?? 0) - (before.orders ?? 0),
    customers: (after.customers ?? 0) - (before.customers ?? 0),
  }).toEqual({ deliveries: 11, orders: 1, customers: 1 });
  const order = await orderInGraph(stack, placed.name);
  const { rows } = await stack.database.pool.query<{ type: string; times: number }>(
    `select type, count(*)::int as times from event where subject_type = 'Order' and type like 'order.%'
       and subject_id = (select id from sales_order where number = $1) group by 1`,
    [placed.name],
  );
  expect(rows).toEqual([{ type: 'order.created', times: 1 }]);
  expect(order.customer.lifetimeValue.amount).toBe(placed.total);
  expect(receiptsOf(stack, placed.name)).toHaveLength(1);
  expect(crmOrders(stack, placed.id)).toHaveLength(1);
  expect(contact(stack, 'grace@example.com').properties.tributary_order_count).toBe('1');
});

test('orders/updated before orders/create ends in the same order, contact and receipt', async () => {
  stack.shopify.webhooks.weather = { ...fairWeather, hold: true };
  const placed = stack.shopify.placeOrder({
    channel: 'online',
    customer: { email: 'mary@example.com', firstName: 'Mary' },
    lines: [
      { sku: 'HAT', quantity: 2 },
      { sku: 'BAG', quantity: 1 },
    ],
    shipping: '4.00',
  });
  await nextSecond();
  stack.shopify.updateOrder(placed.id, { note: 'Ring twice', tags: ['gift'] });
  stack.shopify.webhooks.release('lifo');
  await stack.settled();

  expect(await orderInGraph(stack, placed.name)).toMatchObject({
    note: 'Ring twice',
    tags: ['gift'],
    total: { amount: placed.total },
    lines: [
      { sku: 'HAT', quantity: 2 },
      { sku: 'BAG', quantity: 1 },
    ],
    customer: { email: 'mary@example.com', orderCount: 1, lifetimeValue: { amount: placed.total } },
  });
  const [receipt, ...others] = receiptsOf(stack, placed.name);
  expect(others).toEqual([]);
  expect(minor(receipt?.TotalAmt as number)).toBe(minor(placed.total));
  expect(crmOrders(stack, placed.id)).toHaveLength(1);
  expect(minor(contact(stack, 'mary@example.com').properties.tributary_lifetime_value)).toBe(
    minor(placed.total),
  );
  expect(await deadLetters(stack)).toEqual([]);
});

test('a refund at the till reaches the graph, a refund subscription and the lifetime value at HubSpot', async () => {
  await using refunds = stack.subscribe<Answer>(
    `subscription ($after: String) {
      refundCreated(after: $after) { cursor refund { total { amount } lines { quantity } order { number } } }
    }`,
    { after: await stack.head() },
  );
  const placed = stack.shopify.placeOrder({
    channel: 'pos',
    customer: { email: 'joan@example.com', firstName: 'Joan' },
    lines: [{ sku: 'MUG', quantity: 3 }],
  });
  await stack.settled();
  const refunded = stack.shopify.refundOrder(placed.id, {
    lines: [{ sku: 'MUG', quantity: 1, restockType: 'RETURN' }],
    note: 'Cracked',
  });
  const amount = refunded.refunds[0]?.amount;
  const told = await refunds.until('the refund is told', (all) => all.length > 0);
  await stack.settled();

  expect(told).toEqual([
    {
      refundCreated: {
        cursor: expect.stringMatching(/^\d+$/),
        refund: { total: { amount }, lines: [{ quantity: 1 }], order: { number: placed.name } },
      },
    },
  ]);
  const order = await orderInGraph(stack, placed.name);
  expect(order).toMatchObject({
    channel: 'POINT_OF_SALE',
    financialStatus: 'PARTIALLY_REFUNDED',
    total: { amount: placed.total },
    refundedTotal: { amount },
    netTotal: { amount: refunded.currentTotal },
    refunds: [{ total: { amount }, settled: true, lines: [{ quantity: 1 }] }],
    lines: [{ sku: 'MUG', quantity: 3, refundedQuantity: 1 }],
    customer: { lifetimeValue: { amount: refunded.currentTotal } },
  });
  const { properties } = contact(stack, 'joan@example.com');
  expect(minor(properties.tributary_lifetime_value)).toBe(minor(refunded.currentTotal));
  expect(minor(properties.tributary_refunded)).toBe(minor(amount));
  expect(refunds.received).toHaveLength(1);
  // The receipt stays what was sold.
  expect(receiptsOf(stack, placed.name).map((receipt) => minor(receipt.TotalAmt as number))).toEqual([
    minor(placed.total),
  ]);
  expect(await deadLetters(stack)).toEqual([]);
});

test('what is changed through the API reaches the platforms before a waiting mutation answers', async () => {
  const placed = stack.shopify.placeOrder({
    channel: 'online',
    customer: { email: 'emmy@example.com', firstName: 'Emmy', lastName: 'N' },
    lines: [{ sku: 'BAG', quantity: 1 }],
  });
  await stack.settled();
  const order = await orderInGraph(stack, placed.name);

  const { customerUpdate } = await stack.graphql(
    `mutation ($id: ID!) {
      customerUpdate(input: { id: $id, lastName: "Noether", phone: "+16025550123", wait: true }) {
        customer { displayName } settled userErrors { code field message }
        pushes { kind status connection { platform } }
      }
    }`,
    { id: order.customer.id },
  );
  expect(customerUpdate).toMatchObject({
    customer: { displayName: 'Emmy Noether' },
    settled: true,
    userErrors: [],
  });
  expect(new Set(customerUpdate.pushes.map((push: Answer) => push.connection.platform))).toEqual(
    new Set(['SHOPIFY', 'HUBSPOT', 'QUICKBOOKS']),
  );
  expect(contact(stack, 'emmy@example.com').properties).toMatchObject({
    lastname: 'Noether',
    phone: '+16025550123',
  });
  expect(stack.shopify.shop.customers.get(placed.customerId ?? '')).toMatchObject({
    lastName: 'Noether',
    phone: '+16025550123',
  });

  const { orderUpdate } = await stack.graphql(
    `mutation ($id: ID!) {
      orderUpdate(input: { id: $id, note: "Wrap it", tags: ["gift", "vip"], wait: true }) {
        order { note tags } settled userErrors { code } pushes { status connection { platform } }
      }
    }`,
    { id: order.id },
  );
  expect(orderUpdate).toMatchObject({
    order: { note: 'Wrap it', tags: ['gift', 'vip'] },
    settled: true,
    userErrors: [],
  });
  expect(stack.shopify.order(placed.id)).toMatchObject({ note: 'Wrap it', tags: ['gift', 'vip'] });
  expect(crmOrders(stack, placed.id)[0]?.properties.hs_order_note).toBe('Wrap it');
  await stack.settled();
  expect(await deadLetters(stack)).toEqual([]);
});

test('a stock adjustment stands at Shopify, and its own webhook makes no second movement', async () => {
  await using changes = stack.subscribe<Answer>(
    `subscription ($after: String) {
      stockLevelChanged(skus: ["MUG"], after: $after) { stockLevel { available variant { sku } } }
    }`,
    { after: await stack.head() },
  );
  const level = async (): Promise<Answer> => {
    const { stockLevels } = await stack.graphql(
      `{ stockLevels(skus: ["MUG"], first: 10) { nodes {
        id available variant { id } location { id name } movements(first: 20) { nodes { cause availableDelta } }
      } } }`,
    );
    return stockLevels.nodes.find((node: Answer) => node.location.name === 'Tempe');
  };
  const before = await level();
  const { stockAdjust } = await stack.graphql(
    `mutation ($variantId: ID!, $locationId: ID!) {
      stockAdjust(input: { variantId: $variantId, locationId: $locationId, delta: -7, reason: "Broken in transit", wait: true }) {
        stockLevel { available } settled userErrors { code field message } pushes { kind status connection { platform } }
      }
    }`,
    { variantId: before.variant.id, locationId: before.location.id },
  );
  expect(stockAdjust).toMatchObject({
    stockLevel: { available: before.available - 7 },
    settled: true,
    userErrors: [],
    pushes: [{ kind: 'stockLevel', status: 'SETTLED', connection: { platform: 'SHOPIFY' } }],
  });
  expect(stockAtShopify(stack, 'MUG', 'Tempe')).toBe(before.available - 7);
  await stack.settled();
  const after = await level();
  expect(after.available).toBe(before.available - 7);
  expect(after.movements.nodes).toHaveLength(before.movements.nodes.length + 1);
  expect(after.movements.nodes).toContainEqual({ cause: 'ADJUSTMENT', availableDelta: -7 });
  await changes.until('the change is told', (all) => all.length > 0);
  expect(changes.received.map((one) => one.stockLevelChanged.stockLevel.available)).toEqual([
    before.available - 7,
  ]);

  // Every level agrees after all that this file has sold, refunded and adjusted.
  const { stockLevels } = await stack.graphql(
    '{ stockLevels(first: 50) { nodes { available variant { sku } location { name } } } }',
  );
  const graph = stockLevels.nodes.map((node: Answer) => [
    node.variant.sku,
    node.location.name,
    node.available,
  ]);
  expect(graph.sort()).toEqual(everyStockLevelAtShopify(stack).sort());
});
