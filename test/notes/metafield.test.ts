import { expect, test } from 'vitest';
import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';
import { sessionFor } from '../platforms/shopify-support.ts';

test('the rules of a note stand on the order in Shopify, as tags and as a metafield', async () => {
  await using sandbox = await startShopifySandbox({ port: 0, seed: 1, limits: false, outOfOrder: 0 });
  sandbox.addLocation({ name: 'Tempe' });
  sandbox.upsertProduct({
    title: 'Mug',
    status: 'ACTIVE',
    variants: [{ sku: 'MUG', price: '9.00', stock: 5 }],
  });
  const placed = sandbox.placeOrder({ lines: [{ sku: 'MUG' }], note: 'Fragile!' });
  const rules = [{ kind: 'fragile', value: null, quote: 'Fragile' }];
  const outcome = await shopify.perform(
    {
      pushId: 1n,
      kind: 'order',
      subjectType: 'Order',
      subjectId: 1n,
      idempotencyKey: 'tb-1',
      attempt: 1,
      body: {
        orderId: placed.id,
        number: '#1001',
        fields: { tags: ['note:fragile'], fulfilmentRules: rules },
      },
    },
    sessionFor(sandbox),
  );
  expect(outcome.state).toEqual({ note: 'Fragile!', tags: ['note:fragile'], fulfilmentRules: rules });
  const response = await fetch(`${sandbox.url}/_control/state?entity=metafields`);
  const metafields = (await response.json()) as {
    namespace: string;
    key: string;
    type: string;
    value: string;
  }[];
  const ours = metafields.filter((one) => one.namespace === 'tributary');
  expect(ours.map(({ key, type, value }) => ({ key, type, value: JSON.parse(value) as unknown }))).toEqual([
    { key: 'fulfilment_rules', type: 'json', value: rules },
  ]);
});
