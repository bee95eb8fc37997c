import { expect, test } from 'vitest';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { followShopDay, rememberShopHome } from '../../src/sync/postings/shop-home.ts';
import { openShop } from '../write-path/support.ts';

type Shop = Awaited<ReturnType<typeof openShop>>;

async function dayOfBooks(shop: Shop): Promise<unknown> {
  const [row] = await shop.rows<{ settings: Record<string, unknown> }>(
    `select settings from connection where platform = 'quickbooks'`,
  );
  return quickbooks.policy?.read(row?.settings ?? {}).timeZone;
}

test('books keep the day of the shop, from before their first document on and whatever the shop says later', async () => {
  await using shop = await openShop();
  const { shopify = 0n, quickbooks: books = 0n } = shop.connections;
  expect(await followShopDay(shop.pool)).toEqual([]);
  expect(await dayOfBooks(shop)).toBe('UTC');

  await rememberShopHome(shop.pool, shopify, { timeZone: 'Europe/Berlin', country: 'DE' });
  expect(await followShopDay(shop.pool)).toEqual([books]);
  expect(await dayOfBooks(shop)).toBe('Europe/Berlin');
  const reviews = `select count(*)::int as n from graphile_worker.jobs where task_identifier = 'posting-review'`;
  expect(await shop.rows(reviews)).toEqual([{ n: 1 }]);

  await rememberShopHome(shop.pool, shopify, { timeZone: 'Asia/Tokyo', country: 'DE' });
  expect(await followShopDay(shop.pool)).toEqual([]);
  expect(await dayOfBooks(shop)).toBe('Europe/Berlin');
});

test('a day that somebody chose stays, and so does that of books that hold a document', async () => {
  await using chosen = await openShop();
  await chosen.pool.query(
    `update connection set settings = settings || '{"timeZone": "UTC"}' where platform = 'quickbooks'`,
  );
  await rememberShopHome(chosen.pool, chosen.connections.shopify ?? 0n, {
    timeZone: 'Europe/Berlin',
    country: 'DE',
  });
  expect(await followShopDay(chosen.pool)).toEqual([]);
  expect(await dayOfBooks(chosen)).toBe('UTC');

  await using posted = await openShop();
  await posted.pool.query(
    `insert into link (connection_id, entity_type, entity_id, remote_type, remote_id) values ($1, 'Order', 1, 'SalesReceipt', '9')`,
    [posted.connections.quickbooks],
  );
  await rememberShopHome(posted.pool, posted.connections.shopify ?? 0n, {
    timeZone: 'Europe/Berlin',
    country: 'DE',
  });
  expect(await followShopDay(posted.pool)).toEqual([]);
  expect(await dayOfBooks(posted)).toBe('UTC');
});
