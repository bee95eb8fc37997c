import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import { portionsOf } from '../../src/sync/backfill/sweep-connection.ts';
import { listConnections } from '../../src/sync/connections/connections.ts';
import type { Sessions } from '../../src/sync/connections/sessions.ts';
import { createMetrics } from '../../src/sync/metrics.ts';
import type { Platform } from '../../src/sync/platforms/platform.ts';
import { prepareConnection, reconcileConnection } from '../../src/sync/reconcile/reconcile.ts';
import { at, openShop, orderChange, productOf, read, type Shop } from '../write-path/support.ts';
import { memoryLog } from './support/engine.ts';

/** A shop whose platform answers a sweep with these pages; each may look around before it is given. */
type Pages = (() => PlatformChange[] | Promise<PlatformChange[]>)[];

function sweeper(shop: Shop) {
  const { log } = memoryLog();
  const metrics = createMetrics(new Registry());
  const asked: (Date | null)[] = [];
  return {
    asked,
    metrics,
    sweep: async (pages: Pages, second: number, parts: Partial<Platform> = {}) => {
      const shopify = {
        ...(shop.platforms.shopify as Platform),
        shopHome: async () => ({ timeZone: 'America/Phoenix', country: 'US' }),
        sweep: async function* (_session: unknown, { since }: { since: Date | null }) {
          asked.push(since);
          for (const page of pages) yield await page();
        },
        ...parts,
      } as Platform;
      const options = {
        pool: shop.pool,
        sessions: {
          get: async () => ({ connectionId: shop.connections.shopify }),
        } as unknown as Sessions,
        platforms: { ...shop.platforms, shopify },
        log,
        metrics,
        webhookUrl: () => 'http://x',
        now: () => at(second).getTime(),
      };
      const [connection] = await listConnections(shop.pool);
      if (connection === undefined) throw new Error('There is no connection.');
      const prepared = parts.prepare === undefined ? null : await prepareConnection(connection, options);
      return { prepared, done: await reconcileConnection(connection, options) };
    },
  };
}

const location: PlatformChange = {
  kind: 'location',
  remoteId: 'till',
  version: read(1, 2),
  location: { name: 'Till', active: true, address: null },
};
const product = (second: number): PlatformChange => ({
  kind: 'product',
  remoteId: 'p',
  version: read(second, second),
  product: productOf([1]),
});
const level = (item: string, second: number, available: number): PlatformChange => ({
  kind: 'stockLevel',
  inventoryItemRemoteId: item,
  locationRemoteId: 'till',
  version: read(second, second),
  available,
});
const state = async (shop: Shop) =>
  (
    await shop.rows(
      `select reading, read_count as read, applied_count as applied, drifted_count as drifted, passed_over_count as passed,
         error, finished_at is not null as finished from sweep`,
    )
  )[0];
const sweptUntil = async (shop: Shop) =>
  (await shop.rows<{ at: Date | null }>('select swept_until as at from connection order by id limit 1'))[0]
    ?.at;

test('what no delivery told is drift, except at the first reading and for what may still be on its way', async () => {
  await using shop = await openShop();
  const { sweep, asked, metrics } = sweeper(shop);
  expect(
    (await sweep([() => [location, product(1)], () => [orderChange('1', 1)]], 1_000)).done,
  ).toMatchObject({
    since: null,
    read: 3,
    applied: 3,
    drifted: {},
  });
  expect(await shop.events()).not.toContainEqual(expect.objectContaining({ type: 'connection.drifted' }));
  const told = orderChange('2', 1_500);
  await shop.tell('shopify', told);
  const { done } = await sweep(
    [
      () => [
        { ...told, version: read(1_500, 2_000) },
        orderChange('1', 1_600, { note: 'missed' }),
        orderChange('3', 1_700),
        orderChange('4', 1_990),
      ],
    ],
    2_000,
  );
  expect(done).toMatchObject({ read: 4, applied: 3, drifted: { order: 2 } });
  // Five minutes are looked at twice.
  expect(asked).toEqual([null, at(1_000 - 300)]);
  expect((await shop.events()).filter((event) => event.type === 'connection.drifted')).toEqual([
    {
      type: 'connection.drifted',
      payload: { since: at(700).toISOString(), changes: { order: 2 }, total: 2 },
    },
  ]);
  expect(await metrics.drift.get()).toMatchObject({
    values: [{ labels: { platform: 'shopify', kind: 'order' }, value: 2 }],
  });
  expect(await state(shop)).toEqual({
    reading: 'order',
    read: 4,
    applied: 3,
    drifted: 2,
    passed: 0,
    error: null,
    finished: true,
  });
});

test('what cannot be applied holds up nothing else and is read again, for a day', async () => {
  await using shop = await openShop();
  const { sweep, asked } = sweeper(shop);
  const day = 86_400;
  const pages: Pages = [() => [location, product(1)], () => [level('item-1', 5, 3), level('item-9', day, 7)]];
  expect((await sweep(pages, day + 1_000)).done).toMatchObject({ read: 4, applied: 3, passedOver: 1 });
  expect(await shop.rows('select available from stock_level')).toEqual([{ available: 3 }]);
  expect(await sweptUntil(shop)).toEqual(at(day));
  await sweep([() => [level('item-9', day, 7)]], 3 * day);
  expect(asked[1]).toEqual(at(day));
  expect(await sweptUntil(shop)).toEqual(at(2 * day));
  await sweep([() => [level('item-1', day, 4)]], 3 * day);
  expect(await sweptUntil(shop)).toEqual(at(3 * day - 300));
});

test('how far a sweep is can be seen while it runs, and how it ended', async () => {
  await using shop = await openShop();
  const { sweep } = sweeper(shop);
  const seen: unknown[] = [];
  const look = async (changes: PlatformChange[]) => {
    seen.push(await state(shop));
    return changes;
  };
  await sweep(
    [
      () => look([location]),
      () => look([product(1)]),
      // The page after next is asked for when the first one stands.
      () => look([level('item-1', 5, 3)]),
      () => {
        throw new AppError({ code: 'FAKE_503', retryable: true, publicMessage: 'The platform is down.' });
      },
    ],
    1_000,
  );
  const nothing = { reading: null, read: 0, applied: 0, drifted: 0, passed: 0, error: null, finished: false };
  expect(seen.slice(0, 2)).toEqual([nothing, nothing]);
  // The second page is worked on while the third is asked for: it stands by then, or not yet.
  expect([
    { ...nothing, reading: 'location', read: 1, applied: 1 },
    { ...nothing, reading: 'product', read: 2, applied: 2 },
  ]).toContainEqual(seen[2]);
  expect(await state(shop)).toEqual({
    reading: 'stockLevel',
    read: 3,
    applied: 3,
    drifted: 0,
    passed: 0,
    error: 'The platform is down.',
    finished: true,
  });
  expect(await sweptUntil(shop)).toBe(null);
});

test('a sweep that breaks off goes on where it was, and tells what both readings found', async () => {
  await using shop = await openShop();
  const { sweep } = sweeper(shop);
  const day = 24 * 3_600;
  await sweep([() => [location]], 100);
  const asked: unknown[] = [];
  const reading = (pages: PlatformChange[][], fails: boolean): Platform['sweep'] =>
    async function* (_session, { since, from, reached, remaining }) {
      asked.push({ since, from: from ?? null });
      const first = Number(from?.page ?? 0);
      for (const [index, page] of pages.entries()) {
        if (index < first) continue;
        reached?.({ page: index + 1 });
        remaining?.(10 * (pages.length - index - 1));
        yield page;
      }
      if (fails) throw new AppError({ code: 'FAKE_503', retryable: true, publicMessage: 'Down.' });
    };
  const pages = [[product(1)], [level('item-1', 200, 3)], [level('item-1', 300, 5)], [{ ...location }]];
  const since = await sweptUntil(shop);
  // The page that was read and not yet applied when the process ended is read again: only what stands counts.
  const broken = await sweep([], 1_000, {
    sweep: reading(pages.slice(0, 3), true),
  });
  expect(broken.done).toBeNull();
  const counts = () => shop.rows('select read_count as read, expected_count as expected, resume from sweep');
  expect(await counts()).toMatchObject([
    { read: 3, expected: 3, resume: { position: { page: 3 }, drifted: { product: 1, stockLevel: 2 } } },
  ]);
  const { done } = await sweep([], 2_000, { sweep: reading(pages, false) });
  expect(asked).toEqual([
    { since, from: null },
    { since, from: { page: 3 } },
  ]);
  expect(done).toMatchObject({ read: 4, drifted: { product: 1, stockLevel: 2 } });
  expect(await counts()).toEqual([{ read: 4, expected: 4, resume: null }]);
  // What changed since the first reading began may lie on the pages that it read.
  expect(await sweptUntil(shop)).toEqual(at(1_000 - 300));
  const events = await shop.rows(
    `select payload ->> 'total' as total from event where type = 'connection.drifted'`,
  );
  expect(events).toEqual([{ total: '3' }]);
  // A day later nobody knows that place any more.
  await sweep([], 3_000, { sweep: reading(pages.slice(0, 1), true) });
  await sweep([], 3_001 + day, { sweep: reading(pages.slice(0, 1), false) });
  expect(asked.slice(2)).toMatchObject([{ from: null }, { from: null }]);
});

test('a place that the platform does not know any more leads back to the beginning, once', async () => {
  await using shop = await openShop();
  const { sweep } = sweeper(shop);
  const asked: unknown[] = [];
  const refusing = (retryable: boolean): Platform['sweep'] =>
    async function* (_session, { from, reached }) {
      asked.push(from ?? null);
      if (from !== undefined)
        throw new AppError({ code: 'FAKE_400', retryable, publicMessage: 'No such cursor.' });
      reached?.({ after: 'x' });
      yield [location];
      if (asked.length === 1)
        throw new AppError({ code: 'FAKE_503', retryable: true, publicMessage: 'Down.' });
    };
  await sweep([], 10, { sweep: refusing(false) });
  // Trouble at the platform says nothing about the place.
  expect((await sweep([], 20, { sweep: refusing(true) })).done).toBeNull();
  expect((await sweep([], 30, { sweep: refusing(false) })).done).toMatchObject({ read: 2 });
  expect(asked).toEqual([null, { after: 'x' }, { after: 'x' }, null]);
});

test('refused credentials revoke the connection, whether it is healed or swept', async () => {
  await using shop = await openShop();
  const { sweep } = sweeper(shop);
  const refuse = () => {
    throw new AppError({
      code: 'FAKE_UNAUTHORIZED',
      retryable: false,
      publicMessage: 'No access.',
      remedy: 'Connect it again.',
    });
  };
  const status = () =>
    shop.rows("select status, status_reason as reason from connection where platform = 'shopify'");
  await sweep([refuse], 1_000);
  expect(await status()).toEqual([{ status: 'revoked', reason: 'No access. Connect it again.' }]);
  // It is left alone from now on.
  expect((await sweep([() => [location]], 1_000)).done).toBe(null);
  await shop.pool.query("update connection set status = 'active'");
  expect((await sweep([], 1_000, { prepare: async () => refuse() })).prepared).toBe(false);
  expect(await status()).toMatchObject([{ status: 'revoked' }]);
});

test('pages are cut so that stock levels stay among themselves and others come in small numbers', () => {
  const levels = (count: number) => Array.from({ length: count }, (_, index) => level(`i${index}`, 1, 1));
  const orders = (count: number) =>
    Array.from({ length: count }, (_, index) => orderChange(String(index), 1));
  const sizes = (page: PlatformChange[]) => portionsOf(page).map((portion) => portion.length);
  expect(sizes([])).toEqual([]);
  expect(sizes(levels(300))).toEqual([250, 50]);
  expect(sizes([location, ...orders(30), ...levels(2), ...orders(1)])).toEqual([25, 6, 2, 1]);
});
