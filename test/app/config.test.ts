import { expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';

const shopify = { SHOPIFY_SHOP: 'a.myshopify.com', SHOPIFY_ACCESS_TOKEN: 'shpat_x', SHOPIFY_API_SECRET: 's' };
const sealed = { ENCRYPTION_KEY: 'k'.repeat(32), PUBLIC_URL: 'https://tributary.example/' };

test('an empty environment is the demo on the loopback interface', () => {
  const config = readConfig({});
  expect(config).toMatchObject({
    demo: true,
    host: '127.0.0.1',
    port: 4000,
    databaseUrl: null,
    graphiql: true,
    connections: [],
  });
  expect(config.baseUrls.shopify).toBe('http://127.0.0.1:4010');
});

test('credentials of one platform are enough to leave the demo', () => {
  const config = readConfig({ ...shopify, ...sealed });
  expect(config).toMatchObject({
    demo: false,
    graphiql: false,
    introspection: false,
    publicUrl: 'https://tributary.example',
  });
  expect(config.connections).toEqual([
    {
      platform: 'shopify',
      accountId: 'a.myshopify.com',
      credentials: { shop: 'a.myshopify.com', accessToken: 'shpat_x', apiSecret: 's' },
    },
  ]);
  expect(config.baseUrls.shopify).toBe('https://a.myshopify.com');
});

test('every mistake is named with its variable and its remedy at once', () => {
  expect(() => readConfig({ PORT: 'many', DATABASE_URL: 'mysql://x' })).toThrow(
    /DATABASE_URL must look like postgresql[\s\S]*PORT must be a port number/,
  );
  expect(() => readConfig({ ...shopify, ...sealed, SHOPIFY_API_SECRET: '' })).toThrow(
    /SHOPIFY_API_SECRET must be set as well, because SHOPIFY_SHOP is/,
  );
  expect(() => readConfig(shopify)).toThrow(/ENCRYPTION_KEY must be set[\s\S]*PUBLIC_URL must be set/);
});

test('an API key carries a name and scopes, and a short or malformed one is refused without being repeated', () => {
  expect(
    readConfig({
      API_KEYS:
        'ops=tb_0123456789012345678901234@admin, dash=tb_abcdefghijabcdefghijabcdef@read:orders+read:stock',
    }).apiKeys,
  ).toEqual([
    { name: 'ops', key: 'tb_0123456789012345678901234', scopes: ['admin'] },
    { name: 'dash', key: 'tb_abcdefghijabcdefghijabcdef', scopes: ['read:orders', 'read:stock'] },
  ]);
  let message = '';
  try {
    readConfig({ API_KEYS: 'ops=hunter2@admin' });
  } catch (error) {
    message = String(error);
  }
  expect(message).toMatch(/API_KEYS entry 1 must look like/);
  expect(message).not.toContain('hunter2');
});
