import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { summarise } from '../../sandbox/shopify/commerce/summary.ts';
import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { control, graphqlOf, listen, openShop, until } from './shopify-support.ts';

describe('an order through the control API', () => {
  test('is placed, edited, paid, fulfilled and refunded, and its money adds up at each step', async () => {
    await using sandbox = await openShop();
    const placed = await control(sandbox, 'POST', 'orders', {
      channel: 'online',
      customerEmail: 'ada@example.com',
      lines: [
        { sku: 'MUG', quantity: 2, discount: { title: 'Friend', percent: 10 } },
        { sku: 'LAMP', properties: { Engraving: 'A.B.' } },
      ],
      discountCode: 'WELCOME10',
      shipping: { title: 'Express', price: '9.90' },
      taxRates: [{ title: 'State', rate: '0.05' }],
      note: 'ring twice',
      attributes: { gift_message: 'hi' },
      paid: false,
    });
    expect(placed.status).toBe(201);
    // (35.98 + 45.50) − 10% = 73.33; tax 1.62 + 2.05; shipping 9.90
    expect(placed.body).toMatchObject({
      id: '9100000000000001',
      name: '#1001',
      total: '86.90',
      totalTax: '3.67',
      totalDiscounts: '12.15',
      outstanding: '86.90',
      financialStatus: 'PENDING',
      fulfillmentStatus: 'UNFULFILLED',
    });
    const edited = await control(sandbox, 'POST', 'orders/1001/edit', {
      add: [{ sku: 'ROPE', quantity: 2 }],
      set: [{ sku: 'LAMP', quantity: 0 }],
    });
    // + 6.66 + 0.33 tax; the lamp's 40.95 + 2.05 tax are gone from what is current.
    expect(edited.body).toMatchObject({ total: '93.89', currentTotal: '50.89', outstanding: '50.89' });
    expect((await control(sandbox, 'POST', 'orders/1001/pay')).body).toMatchObject({
      financialStatus: 'PAID',
      netPayment: '50.89',
      outstanding: '0.00',
    });
    expect((await control(sandbox, 'POST', 'orders/1001/fulfil')).body.fulfillmentStatus).toBe('FULFILLED');
    const refunded = await control(sandbox, 'POST', 'orders/1001/refund', {
      lines: [{ sku: 'MUG', quantity: 2 }],
      shipping: true,
    });
    // 32.38 + 1.62 tax + 9.90
    expect(refunded.body).toMatchObject({
      financialStatus: 'PARTIALLY_REFUNDED',
      netPayment: '6.99',
      currentTotal: '6.99',
    });
    expect((await control(sandbox, 'GET', 'orders/1001')).body.refunds).toHaveLength(2);
    expect((await control(sandbox, 'GET', 'orders/1001.json')).body.note_attributes).toEqual([
      { name: 'gift_message', value: 'hi' },
    ]);
  });

  test('needs no more than a quantity from somebody who only wants to see one', async () => {
    await using sandbox = await openShop();
    const { status, body } = await control(sandbox, 'POST', 'orders', {
      channel: 'pos',
      customerEmail: 'ada@example.com',
      lines: [{ quantity: 2 }],
    });
    expect(status).toBe(201);
    expect(body.lines[0].sku).toMatch(/^(MUG|LAMP|ROPE)$/);
    expect(body.fulfillmentStatus).toBe('FULFILLED');
  });

  test('that cannot be is refused with a reason and leaves no trace', async () => {
    await using sandbox = await openShop();
    const before = JSON.stringify(sandbox.state().customers);
    for (const [body, status, error] of [
      [{ lines: [] }, 422, 'an order needs lines'],
      [{ lines: [{ sku: 'NONE' }] }, 404, 'no variant NONE'],
      [{ lines: [{ sku: 'MUG', quantity: 0 }] }, 422, 'quantity must be a whole number above 0'],
      [{ lines: [{ sku: 'MUG' }], customerId: '1' }, 404, 'no customer 1'],
      [
        { lines: [{ sku: 'MUG' }], customerEmail: 'new@example.com', discountCode: 'NOPE' },
        404,
        'no discount code NOPE',
      ],
      [{ lines: [{ sku: 'MUG' }], shipping: '1.999' }, 400, 'too many decimals: 1.999'],
    ] as const) {
      const answer = await control(sandbox, 'POST', 'orders', body);
      expect([answer.status, answer.body.error]).toEqual([status, error]);
    }
    expect(JSON.stringify(sandbox.state().customers)).toBe(before);
    expect(sandbox.stats().orders).toBe(0);
    expect((await control(sandbox, 'POST', 'orders/9/cancel')).status).toBe(404);
  });

  test('is taxed within its prices where the shop includes taxes', async () => {
    await using sandbox = await openShop({ taxesIncluded: true, currency: 'EUR' });
    const order = sandbox.placeOrder({
      lines: [{ sku: 'MUG', quantity: 1 }],
      taxRates: [{ title: 'VAT', rate: '0.19' }],
    });
    expect([order.total, order.totalTax, order.currency]).toEqual(['19.99', '3.19', 'EUR']);
    sandbox.refundOrder(order.id, { lines: [{ sku: 'MUG', quantity: 1 }] });
    expect(sandbox.order(order.id)?.transactions.at(-1)?.amount.shop).toBe(1999);
  });

  test('in another currency is exact in both, to the last tender', async () => {
    await using sandbox = await openShop();
    const placed = sandbox.placeOrder({
      lines: [{ sku: 'MUG', quantity: 3 }, { sku: 'LAMP' }],
      shipping: '4.99',
      currency: 'JPY',
      exchangeRate: '151.37',
      giftCard: '10.00',
      payments: [{ gateway: 'cash', amount: '20.00' }, { gateway: 'shopify_payments' }],
      channel: 'pos',
    });
    const order = sandbox.order(placed.id);
    if (order === undefined) throw new Error('no order');
    const { total, received, net } = summarise(order);
    expect(received).toEqual(total);
    expect(order.transactions.map((one) => [one.gateway, one.amount.shop])).toEqual([
      ['gift_card', 1000],
      ['cash', 2000],
      ['shopify_payments', total.shop - 3000],
    ]);
    // A mug at 19.99 is ¥3,026.
    expect(order.lines[0]?.unitPrice).toEqual({ shop: 1999, presentment: 3026 });
    sandbox.refundOrder(placed.id, { amount: (net.shop / 100).toFixed(2) });
    expect(summarise(order).net).toEqual({ shop: 0, presentment: 0 });
  });
});

describe('stock', () => {
  function levels(sandbox: Awaited<ReturnType<typeof openShop>>, sku: string) {
    const itemId = sandbox.shop.variantBySku.get(sku)?.inventoryItemId ?? '';
    return Object.values(sandbox.shop.items.get(itemId)?.levels ?? {}).map((level) => [
      level.available,
      level.committed,
    ]);
  }

  test('is committed by an order, leaves with its fulfilment, and comes back with a return', async () => {
    await using sandbox = await openShop();
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 4 }] });
    expect(levels(sandbox, 'MUG')).toEqual([
      [96, 4],
      [100, 0],
    ]);
    sandbox.fulfilOrder(order.id);
    expect(levels(sandbox, 'MUG')[0]).toEqual([96, 0]);
    sandbox.refundOrder(order.id, { lines: [{ sku: 'MUG', quantity: 1 }] });
    expect(levels(sandbox, 'MUG')[0]).toEqual([97, 0]);
    sandbox.refundOrder(order.id, { lines: [{ sku: 'MUG', quantity: 1, restockType: 'no_restock' }] });
    expect(levels(sandbox, 'MUG')[0]).toEqual([97, 0]);
  });

  test('returns to the shelf with a cancellation, unless it is not to', async () => {
    await using sandbox = await openShop();
    const one = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 4 }] });
    sandbox.cancelOrder(one.id);
    expect(levels(sandbox, 'MUG')[0]).toEqual([100, 0]);
    const two = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 4 }] });
    sandbox.cancelOrder(two.id, { restock: false });
    expect(levels(sandbox, 'MUG')[0]).toEqual([96, 0]);
  });

  test('leaves the shop where a sale at the till was made', async () => {
    await using sandbox = await openShop();
    const [, warehouse = ''] = sandbox.shop.locations.keys();
    sandbox.placeOrder({ channel: 'pos', locationId: warehouse, lines: [{ sku: 'ROPE', quantity: 2 }] });
    expect(levels(sandbox, 'ROPE')).toEqual([
      [100, 0],
      [98, 0],
    ]);
  });

  test('of an online order comes from the first place that has all of it', async () => {
    await using sandbox = await openShop();
    const [first = '', second = ''] = sandbox.shop.locations.keys();
    sandbox.setStock({ sku: 'LAMP', locationId: first, quantity: 1 });
    const order = sandbox.placeOrder({ lines: [{ sku: 'LAMP', quantity: 2 }] });
    expect(order.lines[0]?.locationId).toBe(second);
  });
});

describe('the sandbox', () => {
  test('tells the same story for the same seed and another for another', async () => {
    const story = async (seed: number): Promise<string> => {
      await using sandbox = await startShopifySandbox({ port: 0, seed, now: () => 1_780_000_000_000 });
      sandbox.seed({ products: 20, customers: 15, orders: 40 });
      return JSON.stringify(sandbox.state());
    };
    const first = await story(5);
    expect(await story(5)).toBe(first);
    expect(await story(6)).not.toBe(first);
  });

  test('is seeded into a believable shop, silently and with books in order', async () => {
    await using listener = await listen();
    await using sandbox = await startShopifySandbox({ port: 0, seed: 7, webhookUrl: listener.url });
    const { body } = await control(sandbox, 'POST', 'seed', {
      products: 60,
      locations: 3,
      customers: 80,
      history: 30,
    });
    expect(body).toMatchObject({ products: 60, locations: 3, customers: 80, orders: 240 });
    await sandbox.settled();
    expect(listener.received).toEqual([]);
    const { orders, customers } = sandbox.state();
    const titles = new Set(sandbox.state().products.map((product) => product.title));
    expect(titles.size).toBe(60);
    expect(new Set(customers.map((one) => one.email)).size).toBe(80);
    const statuses = new Set(orders.map((order) => summarise(order).financialStatus));
    expect([...statuses].sort()).toEqual(
      ['PAID', 'PARTIALLY_REFUNDED', 'PENDING', 'REFUNDED', 'VOIDED'].filter((one) =>
        statuses.has(one as never),
      ),
    );
    expect(statuses.size).toBeGreaterThanOrEqual(3);
    for (const customer of customers) {
      const own = orders.filter((order) => order.customerId === customer.id);
      expect(customer.orderIds).toEqual(own.map((order) => order.id));
      expect(customer.spentMinor).toBe(own.reduce((all, order) => all + summarise(order).net.shop, 0));
      expect(customer.ordersCount).toBe(own.filter((order) => order.cancelledAtMs === null).length);
    }
    for (const item of sandbox.state().items)
      for (const level of Object.values(item.levels)) expect(level.available).toBeGreaterThanOrEqual(0);
    const times = orders.map((order) => order.createdAtMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test('outlives a restart with its records, ids and numbers', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shopify-sandbox-'));
    const statePath = join(folder, 'shopify.json');
    try {
      let before = '';
      {
        await using sandbox = await openShop({ statePath });
        sandbox.placeOrder({ customerEmail: 'ada@example.com', lines: [{ sku: 'MUG' }] });
        await graphqlOf(sandbox)(
          'mutation { webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: { uri: "https://app.example/x" }) { userErrors { message } } }',
        );
        before = JSON.stringify(sandbox.state());
      }
      await using again = await startShopifySandbox({ port: 0, seed: 1, statePath });
      expect(JSON.stringify(again.state())).toBe(before);
      const next = again.placeOrder({ customerEmail: 'ADA@example.com', lines: [{ sku: 'MUG' }] });
      expect([next.name, next.id, next.customerId]).toEqual([
        '#1002',
        '9100000000000002',
        '9200000000000001',
      ]);
      const read = await graphqlOf(again)(
        '{ orders(first: 5, sortKey: UPDATED_AT) { nodes { name } } webhookSubscriptions(first: 5) { nodes { topic } } }',
      );
      expect(read.data).toEqual({
        orders: { nodes: [{ name: '#1001' }, { name: '#1002' }] },
        webhookSubscriptions: { nodes: [{ topic: 'ORDERS_CREATE' }] },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('trades until it is stopped, and its books stay in order', async () => {
    await using listener = await listen();
    await using sandbox = await startShopifySandbox({ port: 0, seed: 7, webhookUrl: listener.url });
    await control(sandbox, 'POST', 'seed', { products: 30, locations: 3, customers: 20, orders: 0 });
    expect((await control(sandbox, 'POST', 'trade', { ordersPerMinute: 12_000 })).body.ordersPerMinute).toBe(
      12_000,
    );
    await until(() => sandbox.shop.orders.size >= 150, '150 orders');
    await control(sandbox, 'DELETE', 'trade');
    const { orders } = sandbox.state();
    await sandbox.settled();
    expect(sandbox.shop.orders.size).toBe(orders.length);
    expect(new Set(orders.map((order) => order.channel))).toEqual(new Set(['online', 'pos']));
    expect(orders.some((order) => order.edited)).toBe(true);
    expect(orders.some((order) => order.cancelledAtMs !== null)).toBe(true);
    expect(orders.some((order) => order.refunds.length > 0)).toBe(true);
    for (const order of orders) {
      const { net, currentTotal, outstanding } = summarise(order);
      expect(outstanding.shop).toBe(currentTotal.shop - net.shop);
      expect(net.shop).toBeGreaterThanOrEqual(0);
    }
    const topics = new Set(listener.topics());
    for (const topic of [
      'orders/create',
      'orders/edited',
      'orders/cancelled',
      'refunds/create',
      'customers/update',
      'inventory_levels/update',
    ])
      expect(topics).toContain(topic);
  });

  test('lets a fault name an operation', async () => {
    await using sandbox = await openShop();
    await control(sandbox, 'POST', 'faults', {
      effect: { kind: 'status', status: 503 },
      path: '^ReadShop$',
      times: 1,
    });
    const send = (query: string) =>
      fetch(`${sandbox.url}/admin/api/2026-07/graphql.json`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-shopify-access-token': 'shpat_sandbox' },
        body: JSON.stringify({ query }),
      });
    expect((await send('query Other { shop { name } }')).status).toBe(200);
    expect((await send('query ReadShop { shop { name } }')).status).toBe(503);
    expect((await send('query ReadShop { shop { name } }')).status).toBe(200);
  });

  test('forgets everything on reset, and shows one kind of record when asked', async () => {
    await using sandbox = await openShop();
    sandbox.placeOrder({ lines: [{ sku: 'MUG' }] });
    expect((await control(sandbox, 'GET', 'state?entity=orders')).body).toHaveLength(1);
    expect((await control(sandbox, 'GET', 'state?entity=nothing')).status).toBe(404);
    expect((await control(sandbox, 'POST', 'reset')).body).toMatchObject({
      orders: 0,
      products: 0,
      locations: 1,
    });
  });
});
