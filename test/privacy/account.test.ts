import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { eraseAccount } from '../../src/sync/privacy/erase-account.ts';
import { openShop, orderChange, type Shop, told } from '../write-path/support.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop({ platforms });
});
afterAll(() => shop[Symbol.asyncDispose]());

test('shop/redact erases everybody that the shop brought, keeps the books, and leaves who buys elsewhere too', async () => {
  const buyer = (remoteId: string, firstName: string) => ({
    customer: {
      remoteId,
      firstName,
      lastName: null,
      email: `${firstName.toLowerCase()}@example.com`,
      phone: null,
    },
    note: `${firstName} wants it soon`,
  });
  await shop.tell('shopify', orderChange('1', 1, buyer('7', 'Ada')));
  await shop.tell('shopify', orderChange('2', 1, buyer('8', 'Bob')));
  await shop.tell('shopify', orderChange('3', 1, { customer: null, email: null, note: 'Till: for Cleo' }));
  // Bob is known at a second shop as well.
  const [bob] = await shop.rows<{ id: bigint }>(`select id from customer where first_name = 'Bob'`);
  const [second] = await shop.rows<{ id: bigint }>(
    `insert into connection (platform, account_id, name, credentials) values ('shopify', 'second', 'second', '\\x00') returning id`,
  );
  await shop.rows(
    `insert into customer_identity (customer_id, connection_id, remote_id, first_name, source_updated_at) values ($1, $2, '70', 'Bob', now())`,
    [bob?.id, second?.id],
  );
  await shop.rows(
    `insert into delivery (connection_id, external_id, topic, subject, body, status, outcome, settled_at)
     values ($1, 'd', 'orders/create', 'order:1', 'Ada', 'settled', 'applied', now())`,
    [shop.connections.shopify],
  );
  await shop.tell('shopify', { kind: 'accountErase', version: told(9) });
  const [request] = await shop.rows<{ id: bigint }>(
    `select id from privacy_request where kind = 'erase_account' and completed_at is null`,
  );
  expect(
    await shop.rows(`select 1 from graphile_worker.jobs where task_identifier = 'privacy'`),
  ).toHaveLength(1);
  await eraseAccount(request?.id ?? 0n, { pool: shop.pool, platforms, log: createLog({ level: 'silent' }) });
  await eraseAccount(request?.id ?? 0n, { pool: shop.pool, platforms, log: createLog({ level: 'silent' }) });

  expect(
    await shop.rows('select first_name, email, erased_at is not null as erased from customer order by id'),
  ).toEqual([
    { first_name: null, email: null, erased: true },
    { first_name: 'Bob', email: 'bob@example.com', erased: false },
  ]);
  expect(
    await shop.rows(
      'select note, email, total_minor, erased_at is not null as erased from sales_order order by id',
    ),
  ).toEqual([1, 2, 3].map(() => ({ note: null, email: null, total_minor: 1000n, erased: true })));
  expect(await shop.rows('select remote_id from customer_identity order by id')).toEqual([
    { remote_id: '7' },
    { remote_id: '70' },
  ]);
  expect(await shop.rows('select length(body) as length from delivery')).toEqual([{ length: 0 }]);
  expect(await shop.rows(`select 1 from push where kind = 'contactErase'`)).toEqual([]);
  expect(await shop.rows('select completed_by from privacy_request')).toEqual([
    { completed_by: 'tributary' },
  ]);
});
