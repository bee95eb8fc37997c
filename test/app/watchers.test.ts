import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/stack.ts';

// Whoever watches a process over HTTP: a load balancer, Prometheus, and those who should not.

const stack = new AsyncDisposableStack();
const key = 'watcher-key-0123456789abcdef';
let port: number;
let app: App;

beforeAll(async () => {
  const database = stack.use(await createTestDatabase({ max: 4 }));
  port = await freePort();
  const config = readConfig({
    DATABASE_URL: database.url,
    HOST: '127.0.0.1',
    HEALTH_PORT: String(port),
    PUBLIC_URL: 'https://sync.example',
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    API_KEYS: `prometheus=${key}@read:sync,till=${key}-of-the-till@read:orders`,
    SWEEP_MINUTES: '0',
    SHOPIFY_SHOP: 'demo-shop.myshopify.com',
    SHOPIFY_ACCESS_TOKEN: 'shpat_x',
    SHOPIFY_API_SECRET: 'shpss_x',
  });
  app = stack.use(await startApp(config, { role: 'worker', log: createLog({ level: 'silent' }) }));
});
afterAll(() => stack.disposeAsync());

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers });

test('a worker on its own tells how it is, and serves nothing else', async () => {
  expect(app.http).toBeNull();
  expect(await (await get('/healthz')).json()).toEqual({ status: 'ok' });
  expect(await (await get('/readyz')).json()).toEqual({ status: 'ready' });
  const metrics = await (await get('/metrics')).text();
  expect(metrics).toContain('tributary_connections{platform="shopify",status="active"} 1');
  for (const path of ['/', '/graphql', '/webhooks/shopify', '/page.js'])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
});

test('/metrics is for this machine and for keys that may read the sync', async () => {
  const throughProxy = { 'x-forwarded-for': '203.0.113.7' };
  const withKey = (text: string) => ({ ...throughProxy, authorization: `Bearer ${text}` });
  expect((await get('/metrics')).status).toBe(200);
  expect((await get('/metrics', throughProxy)).status).toBe(401);
  expect((await get('/metrics', withKey(key))).status).toBe(200);
  expect((await get('/metrics', withKey(`${key}-of-the-till`))).status).toBe(401);
  expect((await get('/metrics', withKey('wrong-key-0123456789abcdef'))).status).toBe(401);
  expect(await (await get('/metrics', throughProxy)).text()).not.toContain('tributary_');
});
