import { expect, test } from 'vitest';
import { openShop, orderChange, type Shop, settle } from './support.ts';

const pushes = (shop: Shop, kind: string) =>
  shop.rows<{ id: bigint; version: number; status: string; body: Record<string, unknown> }>(
    'select id, version, status, body from push where kind = $1 order by version',
    [kind],
  );
const rename = (shop: Shop, firstName: string) =>
  shop.edit({ kind: 'customerEdit', customerId: 1n, patch: { firstName } });

test('every platform is owed what it lacks, and the origin nothing', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  expect(await shop.rows('select kind, subject_type, version, status from push order by kind')).toEqual([
    { kind: 'contact', subject_type: 'Customer', version: 1, status: 'pending' },
    { kind: 'salesReceipt', subject_type: 'Order', version: 1, status: 'pending' },
  ]);
  expect(await pushes(shop, 'contact')).toMatchObject([
    {
      body: {
        properties: {
          email: 'ada@example.com',
          firstname: 'Ada',
          phone: '+4930123456',
          lifetime_value: '1000',
        },
      },
    },
  ]);
  expect(await shop.rows('select task_identifier, key from graphile_worker.jobs order by key')).toEqual([
    { task_identifier: 'push:hubspot', key: 'push:1' },
    { task_identifier: 'push:quickbooks', key: 'push:2' },
  ]);
});

test('a newer plan takes the place of the one that waits', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await rename(shop, 'Augusta');
  expect(await pushes(shop, 'contact')).toMatchObject([
    { version: 1, status: 'superseded' },
    {
      version: 2,
      status: 'pending',
      body: { properties: { firstname: 'Augusta', email: 'ada@example.com' } },
    },
  ]);
  expect(
    await shop.rows("select key from graphile_worker.jobs where task_identifier = 'push:hubspot'"),
  ).toEqual([{ key: 'push:3' }]);
  const told = (await shop.events()).slice(4);
  expect(told.map((event) => event.type)).toEqual(['customer.updated', 'push.superseded', 'push.planned']);
  expect(told[2]?.payload).toMatchObject({
    platform: 'hubspot',
    kind: 'contact',
    subject: { type: 'Customer', id: '1' },
    version: 2,
    status: 'pending',
  });
});

test('what a waiting or settled push says already is not planned again', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  // The customer's sums and the receipt stay as they are.
  await shop.tell('shopify', orderChange('1', 2, { tags: ['gift'] }));
  expect(await pushes(shop, 'contact')).toHaveLength(1);
  expect(await pushes(shop, 'salesReceipt')).toHaveLength(1);
  await settle(shop, 2n, { type: 'SalesReceipt', remoteId: '77', state: { total: '1000' } });
  await shop.tell('shopify', orderChange('1', 3, { tags: [] }));
  expect(await pushes(shop, 'salesReceipt')).toHaveLength(1);
  // Somebody has changed the receipt in the books since: the same body is owed once more.
  await shop.pool.query("update link set changed_at = clock_timestamp() where remote_type = 'SalesReceipt'");
  await shop.tell('shopify', orderChange('1', 4, { tags: ['x'] }));
  expect(await pushes(shop, 'salesReceipt')).toMatchObject([
    { status: 'settled' },
    { version: 2, status: 'pending' },
  ]);
});

test('a dead push does not keep the next one from being planned', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await shop.pool.query("update push set status = 'dead'");
  await shop.tell('shopify', orderChange('1', 2, { tags: ['gift'] }));
  expect(await pushes(shop, 'salesReceipt')).toMatchObject([
    { status: 'dead' },
    { version: 2, status: 'pending' },
  ]);
});

test('a retry writes what the graph says now: the same with its key, what was mended anew, and nothing that is owed no more', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const keys = () =>
    shop.rows<{ version: number; status: string; key: string }>(
      `select version, status, idempotency_key as key from push where kind = 'contact' order by version`,
    );
  const [first] = await pushes(shop, 'contact');
  const [before] = await keys();
  const die = () =>
    shop.pool.query(
      `update push set status = 'dead', attempts = 12 where kind = 'contact' and status = 'pending'`,
    );
  const jobs = () =>
    shop.rows<{ key: string }>(`select key from graphile_worker.jobs where task_identifier = 'push:hubspot'`);

  await die();
  expect(await shop.edit({ kind: 'pushRetry', pushId: first?.id ?? 0n })).toMatchObject({ pushIds: [] });
  expect(await keys()).toEqual([{ version: 1, status: 'pending', key: before?.key }]);
  expect(await jobs()).toEqual([{ key: `push:${first?.id}` }]);

  // Mended without anything being planned: a mapping, a setting, a row.
  await die();
  await shop.pool.query(`update customer set first_name = 'Augusta'`);
  const { pushIds } = await shop.edit({ kind: 'pushRetry', pushId: first?.id ?? 0n });
  expect(await pushes(shop, 'contact')).toMatchObject([
    { version: 1, status: 'superseded' },
    { id: pushIds[0], version: 2, status: 'pending', body: { properties: { firstname: 'Augusta' } } },
  ]);
  expect(pushIds).toHaveLength(1);
  expect(new Set((await keys()).map(({ key }) => key)).size).toBe(2);
  expect(await jobs()).toEqual([{ key: `push:${pushIds[0]}` }]);
  await expect(shop.edit({ kind: 'pushRetry', pushId: first?.id ?? 0n })).rejects.toThrow(
    'PUSH_NOT_RETRYABLE',
  );

  // The platform was found to hold it all by now.
  await settle(shop, pushIds[0] ?? 0n, {
    type: 'contact',
    remoteId: 'c',
    state: (await pushes(shop, 'contact'))[1]?.body.properties as Record<string, unknown>,
  });
  await shop.pool.query(`update push set status = 'dead', settled_at = null, attempts = 0 where version = 2`);
  expect(await shop.edit({ kind: 'pushRetry', pushId: pushIds[0] ?? 0n })).toMatchObject({ pushIds: [] });
  expect((await pushes(shop, 'contact')).map(({ status }) => status)).toEqual(['superseded', 'superseded']);
  expect(await jobs()).toEqual([]);
});

test('where writing is not unlocked the push stays a plan without a job', async () => {
  await using shop = await openShop({ capabilities: ['contact'] });
  await shop.tell('shopify', orderChange('1', 1));
  expect(await shop.rows('select kind, status from push order by kind')).toEqual([
    { kind: 'contact', status: 'pending' },
    { kind: 'salesReceipt', status: 'plan' },
  ]);
  expect(await shop.rows('select key from graphile_worker.jobs')).toEqual([{ key: 'push:1' }]);
});

test('what was changed back before it was sent is owed no longer', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const [first] = await pushes(shop, 'contact');
  await settle(shop, first?.id ?? 0n, {
    type: 'contact',
    remoteId: 'c',
    state: first?.body.properties as Record<string, unknown>,
  });
  await rename(shop, 'Augusta');
  await rename(shop, 'Ada');
  expect((await pushes(shop, 'contact')).map((push) => push.status)).toEqual(['settled', 'superseded']);
});

test('what was changed back while it is being sent is written back afterwards', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const [first] = await pushes(shop, 'contact');
  await settle(shop, first?.id ?? 0n, {
    type: 'contact',
    remoteId: 'c',
    state: first?.body.properties as Record<string, unknown>,
  });
  await rename(shop, 'Augusta');
  await shop.pool.query("update push set status = 'running', attempts = 1 where version = 2");
  // Touched again without a difference to what is on its way: nothing more is owed.
  await shop.edit({ kind: 'customerEdit', customerId: 1n, patch: { note: 'likes tea' } });
  expect(await pushes(shop, 'contact')).toHaveLength(2);
  await rename(shop, 'Ada');
  expect((await pushes(shop, 'contact')).slice(1)).toMatchObject([
    { status: 'running', body: { properties: { firstname: 'Augusta' } } },
    { status: 'pending', body: { properties: { firstname: 'Ada' } } },
  ]);
});

test('a push that was tried without an answer is written again in full by its successor', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const [first] = await pushes(shop, 'contact');
  await settle(shop, first?.id ?? 0n, {
    type: 'contact',
    remoteId: 'c',
    state: first?.body.properties as Record<string, unknown>,
  });
  await rename(shop, 'Augusta');
  await shop.pool.query("update push set status = 'retrying', attempts = 1 where version = 2");
  await shop.edit({
    kind: 'customerEdit',
    customerId: 1n,
    patch: { firstName: 'Ada', phone: '+49 30 999999' },
  });
  expect((await pushes(shop, 'contact')).slice(1)).toMatchObject([
    { status: 'superseded' },
    { status: 'pending', body: { properties: { firstname: 'Ada', phone: '+4930999999' } } },
  ]);
});

test('a statement of the origin does not take back an edit that waits to be sent there', async () => {
  await using shop = await openShop();
  const observed = { note: null, tags: [] };
  await shop.tell('shopify', { ...orderChange('1', 1), observed });
  await shop.edit({ kind: 'orderEdit', orderId: 1n, patch: { tags: ['vip'] } });
  await shop.tell('shopify', { ...orderChange('1', 2, { fulfilmentStatus: 'fulfilled' }), observed });
  expect(await shop.rows("select status, body from push where kind = 'order'")).toEqual([
    { status: 'pending', body: { fields: { tags: ['vip'] } } },
  ]);
});

test('idempotency keys fit everywhere and differ between versions', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await rename(shop, 'Augusta');
  const keys = await shop.rows<{ idempotency_key: string }>('select idempotency_key from push');
  expect(new Set(keys.map((row) => row.idempotency_key)).size).toBe(3);
  for (const { idempotency_key: key } of keys) expect(key).toMatch(/^tb-[A-Za-z0-9_-]{40}$/);
});
