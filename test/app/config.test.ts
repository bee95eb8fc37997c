import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readConfig, variableNames } from '../../src/config.ts';
import type { AppError } from '../../src/errors.ts';
import { encryptionKeyFrom } from '../../src/sync/connections/credentials.ts';
import { regionUrl } from '../../src/sync/platforms/amazon/client.ts';

const shopify = { SHOPIFY_SHOP: 'a.myshopify.com', SHOPIFY_ACCESS_TOKEN: 'shpat_x', SHOPIFY_API_SECRET: 's' };
const sealed = {
  ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  PUBLIC_URL: 'https://tributary.example/',
};

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

test('notes are read by the sandbox in the demo, by Claude with a key, and by the parser alone without', () => {
  expect(readConfig({}).claude).toEqual({
    apiKey: 'sk-ant-sandbox',
    baseUrl: 'http://127.0.0.1:4014',
    model: 'claude-sonnet-5-5',
    price: { input: 2, output: 10 },
    dailyBudgetMicros: 5_000_000n,
    timeoutMs: 30_000,
  });
  expect(readConfig({ ...shopify, ...sealed }).claude).toBeNull();
  expect(
    readConfig({
      ANTHROPIC_API_KEY: 'sk-ant-x',
      ORDER_NOTES_MODEL: 'claude-haiku-5-5',
      ORDER_NOTES_PRICE: '0.8/4',
      ORDER_NOTES_DAILY_BUDGET_USD: '0.25',
    }).claude,
  ).toMatchObject({
    baseUrl: 'https://api.anthropic.com',
    model: 'claude-haiku-5-5',
    price: { input: 0.8, output: 4 },
    dailyBudgetMicros: 250_000n,
  });
  expect(() => readConfig({ ORDER_NOTES_PRICE: 'cheap' })).toThrow(/ORDER_NOTES_PRICE must be US dollars/);
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
  // Each shop is reached at its own address, whichever of several it is.
  expect(config.baseUrls.shopify).toBe('');
});

test('alerts go to an address that nobody can read on the way', () => {
  const told = (url: string) => readConfig({ ALERT_WEBHOOK_URL: url }).alertWebhookUrl;
  expect(readConfig({}).alertWebhookUrl).toBeNull();
  for (const url of ['https://hooks.example/x', 'http://127.0.0.1:9000/x', 'http://localhost/x'])
    expect(told(url)).toBe(url);
  for (const url of ['http://hooks.example/x', 'http://localhost.example/x', 'http://127.0.0.1.example/x'])
    expect(() => told(url)).toThrow(/ALERT_WEBHOOK_URL must be an https address/);
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

test('a key that the configuration accepts can be used, and one that cannot be used is refused by name', () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 48 }).map((array) => Buffer.from(array));
  const written = fc.oneof(
    bytes.map((key) => key.toString('base64')),
    bytes.map((key) => key.toString('base64url')),
    bytes.map((key) => key.toString('hex')),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((key) => Buffer.from(key).toString('base64')),
    fc.string({ minLength: 1, maxLength: 70 }),
  );
  fc.assert(
    fc.property(written, (ENCRYPTION_KEY) => {
      fc.pre(ENCRYPTION_KEY !== '');
      let accepted = true;
      try {
        readConfig({ ENCRYPTION_KEY });
      } catch (error) {
        accepted = false;
        expect(String(error)).toContain(
          'ENCRYPTION_KEY must be 32 bytes, written as base64 or as 64 hexadecimal digits; make one with "openssl rand -base64 32"',
        );
      }
      if (accepted) expect(encryptionKeyFrom(ENCRYPTION_KEY)).toHaveLength(32);
      else expect(() => encryptionKeyFrom(ENCRYPTION_KEY)).toThrow('ENCRYPTION_KEY_INVALID');
    }),
    { numRuns: 500 },
  );
});

test('an Amazon account is reached in its own region, and notifications are optional', () => {
  const amazon = {
    AMAZON_SELLER_ID: 'A1SELLER',
    AMAZON_MARKETPLACE_ID: 'ATVPDKIKX0DER',
    AMAZON_CLIENT_ID: 'amzn1.application-oa2-client.x',
    AMAZON_CLIENT_SECRET: 'secret',
    AMAZON_REFRESH_TOKEN: 'Atzr|x',
  };
  const config = readConfig({ ...amazon, ...sealed });
  expect(config.baseUrls.amazon).toBe('');
  expect(['ATVPDKIKX0DER', 'A1PA6795UKMFR9', 'A1VC38T7YXB528'].map(regionUrl)).toEqual([
    'https://sellingpartnerapi-na.amazon.com',
    'https://sellingpartnerapi-eu.amazon.com',
    'https://sellingpartnerapi-fe.amazon.com',
  ]);
  expect(config.connections).toEqual([
    {
      platform: 'amazon',
      accountId: 'A1SELLER',
      credentials: {
        sellerId: 'A1SELLER',
        marketplaceId: 'ATVPDKIKX0DER',
        clientId: 'amzn1.application-oa2-client.x',
        clientSecret: 'secret',
        refreshToken: 'Atzr|x',
      },
    },
  ]);
  const notified = readConfig({ ...amazon, ...sealed, AMAZON_WEBHOOK_SECRET: 's'.repeat(24) });
  expect(notified.connections[0]?.credentials.webhookSecret).toBe('s'.repeat(24));
  expect(() => readConfig({ ...amazon, ...sealed, AMAZON_WEBHOOK_SECRET: 'short' })).toThrow(
    /AMAZON_WEBHOOK_SECRET must be at least 16 characters/,
  );
});

test('origins that may call are written as browsers write them', () => {
  expect(readConfig({ ALLOWED_ORIGINS: 'https://dashboard.example, http://localhost:5173' })).toMatchObject({
    allowedOrigins: ['https://dashboard.example', 'http://localhost:5173'],
  });
  expect(readConfig({}).allowedOrigins).toEqual([]);
  for (const wrong of [
    '*',
    'dashboard.example',
    'https://dashboard.example/',
    'https://a.example/app',
    'null',
  ])
    expect(() => readConfig({ ALLOWED_ORIGINS: wrong })).toThrow(
      `ALLOWED_ORIGINS names "${wrong}", which is no origin`,
    );
});

test('further accounts of a platform are numbered, and each is checked as the first is', () => {
  const shop = (name: string, suffix: string) => ({
    [`SHOPIFY_SHOP${suffix}`]: `${name}.myshopify.com`,
    [`SHOPIFY_ACCESS_TOKEN${suffix}`]: `token of ${name}`,
    [`SHOPIFY_API_SECRET${suffix}`]: `secret of ${name}`,
  });
  const { connections } = readConfig({ ...sealed, ...shop('a', ''), ...shop('b', '_2'), ...shop('c', '_9') });
  expect(connections).toEqual(
    ['a', 'b', 'c'].map((name) => ({
      platform: 'shopify',
      accountId: `${name}.myshopify.com`,
      credentials: {
        shop: `${name}.myshopify.com`,
        accessToken: `token of ${name}`,
        apiSecret: `secret of ${name}`,
      },
    })),
  );
  const told = (environment: Record<string, string>): string => {
    try {
      readConfig({ ...sealed, ...environment });
      return 'nothing';
    } catch (error) {
      return (error as AppError).publicMessage;
    }
  };
  expect(told({ ...shop('a', ''), SHOPIFY_SHOP_2: 'b.myshopify.com' })).toContain(
    'SHOPIFY_ACCESS_TOKEN_2 must be set as well, because SHOPIFY_SHOP_2 is',
  );
  expect(told({ ...shop('a', ''), ...shop('b', '_2'), SHOPIFY_SHOP_2: 'b.example' })).toContain(
    'SHOPIFY_SHOP_2 must look like my-shop.myshopify.com',
  );
  expect(told({ ...shop('a', ''), ...shop('a', '_2') })).toContain('a.myshopify.com is stated twice');
});

test('every variable that is read stands in the example of an environment and in the documentation, and nothing else does', async () => {
  const read = (path: string): Promise<string> => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
  const example = await read('deploy/tributary.env.example');
  const named = [...example.matchAll(/^#?([A-Z][A-Z_]+)=/gm)].map((match) => match[1]);
  const ofCompose = ['DOMAIN', 'POSTGRES_PASSWORD'];
  expect(named.filter((name) => !ofCompose.includes(name ?? '')).sort()).toEqual([...variableNames].sort());
  const documents = (
    await Promise.all(
      [
        'README.md',
        'docs/operations.md',
        'docs/order-notes.md',
        'docs/custom-fields.md',
        'docs/platforms/amazon.md',
      ].map(read),
    )
  ).join();
  expect(variableNames.filter((name) => !documents.includes(name))).toEqual([]);
});
