import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { credentialsAad, openCredentials, sealCredentials } from '../../src/sync/connections/credentials.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

// What starting with other variables does to the accounts that are stored.

let database: TestDatabase;
const oldKey = Buffer.alloc(32, 7);
const newKey = Buffer.alloc(32, 8);
const realm = '9130357992221046';

beforeAll(async () => {
  database = await createTestDatabase({ max: 4 });
});
afterAll(() => database[Symbol.asyncDispose]());

const variables = {
  PUBLIC_URL: 'https://sync.example',
  ENCRYPTION_KEY: oldKey.toString('base64'),
  SHOPIFY_SHOP: 'a.myshopify.com',
  SHOPIFY_ACCESS_TOKEN: 'shpat_a',
  SHOPIFY_API_SECRET: 'shpss_a',
  QUICKBOOKS_REALM_ID: realm,
  QUICKBOOKS_CLIENT_ID: 'client',
  QUICKBOOKS_CLIENT_SECRET: 'client-secret',
  QUICKBOOKS_REFRESH_TOKEN: 'RT-typed',
  QUICKBOOKS_VERIFIER_TOKEN: 'verifier',
};

async function start(changed: Record<string, string> = {}): Promise<void> {
  const config = readConfig({ DATABASE_URL: database.url, ...variables, ...changed });
  await using _app = await openApp(config, { log: createLog({ level: 'silent' }) });
}

async function stored(platform: string, accountId: string, key = oldKey): Promise<Record<string, string>> {
  const { rows } = await database.pool.query<{ credentials: Buffer }>(
    'select credentials from connection where platform = $1::platform and account_id = $2',
    [platform, accountId],
  );
  const aad = credentialsAad(platform, accountId);
  return openCredentials(key, rows[0]?.credentials ?? Buffer.alloc(0), aad) as Record<string, string>;
}

/** As the platform does with each use of a refresh token. */
async function rotate(refreshToken: string, key = oldKey): Promise<void> {
  const next = { ...(await stored('quickbooks', realm, key)), refreshToken };
  await database.pool.query(`update connection set credentials = $1 where platform = 'quickbooks'`, [
    sealCredentials(key, next, credentialsAad('quickbooks', realm)),
  ]);
}

test('a refresh token that has rotated outlives starts and changes of everything else', async () => {
  await start();
  expect(await stored('quickbooks', realm)).toMatchObject({
    refreshToken: 'RT-typed',
    verifierToken: 'verifier',
  });
  await rotate('RT-rotated');
  await start();
  expect(await stored('quickbooks', realm)).toMatchObject({ refreshToken: 'RT-rotated' });
  await start({ QUICKBOOKS_VERIFIER_TOKEN: 'verifier-2' });
  expect(await stored('quickbooks', realm)).toMatchObject({
    refreshToken: 'RT-rotated',
    verifierToken: 'verifier-2',
  });
  await start({ QUICKBOOKS_VERIFIER_TOKEN: 'verifier-2', QUICKBOOKS_REFRESH_TOKEN: 'RT-of-a-new-consent' });
  expect(await stored('quickbooks', realm)).toMatchObject({
    refreshToken: 'RT-of-a-new-consent',
    verifierToken: 'verifier-2',
  });
});

test('a new webhook secret leaves the one before it in force for a while', async () => {
  await start({ SHOPIFY_API_SECRET: 'shpss_new' });
  const { apiSecret, previousApiSecret, previousApiSecretUntil } = await stored('shopify', 'a.myshopify.com');
  expect([apiSecret, previousApiSecret]).toEqual(['shpss_new', 'shpss_a']);
  expect(Date.parse(previousApiSecretUntil ?? '')).toBeGreaterThan(Date.now());
});

test('a further account is added beside the first, which stays as it is', async () => {
  const before = await stored('shopify', 'a.myshopify.com');
  await start({
    SHOPIFY_API_SECRET: 'shpss_new',
    SHOPIFY_SHOP_2: 'b.myshopify.com',
    SHOPIFY_ACCESS_TOKEN_2: 'shpat_b',
    SHOPIFY_API_SECRET_2: 'shpss_b',
  });
  expect(await stored('shopify', 'b.myshopify.com')).toEqual({
    shop: 'b.myshopify.com',
    accessToken: 'shpat_b',
    apiSecret: 'shpss_b',
  });
  expect(await stored('shopify', 'a.myshopify.com')).toEqual(before);
});

test('a new ENCRYPTION_KEY with the previous one beside it seals everything anew, rotated tokens included', async () => {
  await start();
  await rotate('RT-rotated-again');
  const keys = { ENCRYPTION_KEY: newKey.toString('hex'), ENCRYPTION_KEY_PREVIOUS: oldKey.toString('base64') };
  await start(keys);
  for (let again = 0; again < 2; again += 1) {
    expect(await stored('quickbooks', realm, newKey)).toMatchObject({ refreshToken: 'RT-rotated-again' });
    expect(await stored('shopify', 'b.myshopify.com', newKey)).toMatchObject({ accessToken: 'shpat_b' });
    // Without the previous key, and with both once more.
    await start({ ...keys, ...(again === 0 ? { ENCRYPTION_KEY_PREVIOUS: '' } : {}) });
  }
});

test('where neither key fits, nothing is changed and the remedy is said', async () => {
  const before = await stored('quickbooks', realm, newKey);
  const [third, fourth] = [Buffer.alloc(32, 9), Buffer.alloc(32, 10)].map((key) => key.toString('hex'));
  await expect(
    start({ ENCRYPTION_KEY: third ?? '', ENCRYPTION_KEY_PREVIOUS: fourth ?? '' }),
  ).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE' });
  expect(await stored('quickbooks', realm, newKey)).toEqual(before);
});

test('a key that is lost is replaced by stating the credentials again', async () => {
  const third = Buffer.alloc(32, 9);
  await start({ ENCRYPTION_KEY: third.toString('hex') });
  expect(await stored('quickbooks', realm, third)).toMatchObject({ refreshToken: 'RT-typed' });
});
