import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, secrets, startStack } from '../support/stack.ts';
import { counts, postShopifyWebhook } from './observe.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack[Symbol.asyncDispose]());

test('hostile requests are refused with the right status, leave nothing behind and no secret in the log', async () => {
  const before = await counts(stack);
  const body = '{"id":1,"admin_graphql_api_id":"gid://shopify/Order/1","token":"of-the-buyer"}';
  const post = async (path: string, init: RequestInit): Promise<number> => {
    const response = await fetch(stack.url + path, { method: 'POST', ...init });
    await response.arrayBuffer();
    return response.status;
  };
  const topic = 'orders/create';
  expect({
    unsigned: await post('/webhooks/shopify', { body, headers: { 'x-shopify-topic': topic } }),
    wrongSecret: await postShopifyWebhook(stack, { topic, body, secret: 'guessed' }),
    unknownShop: await postShopifyWebhook(stack, { topic, body, shop: 'other-shop.myshopify.com' }),
    unknownPlatform: await post('/webhooks/elsewhere', { body }),
    notJson: await postShopifyWebhook(stack, { topic, body: '<order/>' }),
    truncated: await postShopifyWebhook(stack, { topic, body: body.slice(0, 30) }),
    tooDeep: await postShopifyWebhook(stack, {
      topic,
      body: `{"id":${'['.repeat(5000)}${']'.repeat(5000)}}`,
    }),
    unsignedHubSpot: await post('/webhooks/hubspot', { body: '[]' }),
    staleHubSpot: await post('/webhooks/hubspot', {
      body: '[]',
      headers: {
        'x-hubspot-signature-v3': Buffer.alloc(32).toString('base64'),
        'x-hubspot-request-timestamp': String(Date.now() - 600_000),
      },
    }),
    unsignedQuickBooks: await post('/webhooks/quickbooks', { body: '[]' }),
    noKey: await post('/graphql', { body: '{"query":"{ syncStatus { head } }"}', headers: json }),
    wrongKey: await post('/graphql', {
      body: '{"query":"{ syncStatus { head } }"}',
      headers: { ...json, authorization: 'Bearer tb_guessed_guessed_guessed' },
    }),
  }).toEqual({
    unsigned: 401,
    wrongSecret: 401,
    unknownShop: 404,
    unknownPlatform: 404,
    notJson: 400,
    truncated: 400,
    tooDeep: 400,
    unsignedHubSpot: 401,
    staleHubSpot: 401,
    unsignedQuickBooks: 401,
    noKey: 401,
    wrongKey: 401,
  });
  // One byte over the limit is not even read.
  const tooLarge = await postShopifyWebhook(stack, {
    topic,
    body: JSON.stringify({ id: 'x'.repeat(4_200_000) }),
  }).catch(() => 413);
  expect(tooLarge).toBe(413);
  await stack.settled();

  expect(await counts(stack)).toEqual(before);
  const log = stack.log.join('\n');
  expect(log).toContain('"platform":"shopify"');
  expect(secrets.filter((secret) => log.includes(secret))).toEqual([]);
  expect(log).not.toContain('of-the-buyer');
});

const json = { 'content-type': 'application/json' };
