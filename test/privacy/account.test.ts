import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { createLog } from '../../src/log.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import type { CanonicalCustomer } from '../../src/model/customer.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { eraseAccount } from '../../src/sync/privacy/erase-account.ts';
import { now, openShop, orderChange, type Shop, told } from '../write-path/support.ts';
import { traces } from './traces.ts';

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
    `insert into customer_identity (customer_id, connection_id, remote_id, first_name, source_updated_at, facts) values ($1, $2, '70', 'Bob', now(),
       '{"firstName": {"value": "Bob", "toldAt": "2026-11-01T00:00:00.000Z", "readAt": null, "since": null}}')`,
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
    // The second shop repeats the name; the address was told by the first alone.
    { first_name: 'Bob', email: null, erased: false },
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

test('what a shop told of somebody who also buys elsewhere goes with the shop, wherever it was put', async () => {
  await using own = await openShop({ platforms });
  const [second] = await own.rows<{ id: bigint }>(
    `insert into connection (platform, account_id, name, credentials, write_capabilities)
     values ('shopify', 'second', 'second', '\\x00', '{*}') returning id`,
  );
  const tellSecond = (...changes: Parameters<Shop['tell']>[1][]) =>
    transaction(own.pool, (tx) =>
      applyChanges(tx, {
        ...{ changes, source: 'shopify', connectionId: second?.id ?? 0n },
        ...{ deliveryId: null, now, platforms },
      }),
    );
  const bob = (second_: number, more: CanonicalCustomer): PlatformChange => ({
    ...{ kind: 'customer', remoteId: '8', version: told(second_) },
    customer: { email: 'bob@example.com', firstName: 'Bob', ...more },
    observed: { email: 'bob@example.com' },
  });
  await own.tell(
    'shopify',
    bob(1, { phone: '+15035550141', lastName: 'zzmark', note: 'zzmark', tags: ['zzmark'] }),
  );
  await own.tell('hubspot', {
    ...{ kind: 'customer', remoteId: '301', version: told(2) },
    customer: { email: 'robert@example.org', firstName: 'Robert', company: 'Cole Ltd' },
    observed: { email: 'robert@example.org' },
  });
  await own.edit({
    ...{ kind: 'customerMerge', survivorId: 2n, absorbedId: 1n },
    ...{ actor: 'test', approvedPlatforms: [] },
  });
  await tellSecond({ ...bob(3, { tags: ['vip'] }), remoteId: '70' } as PlatformChange);
  await own.edit({ kind: 'customerEdit', customerId: 2n, patch: { note: 'Calls on Mondays.' } });
  expect((await traces(own, 'zzmark')).length).toBeGreaterThan(3);
  await own.tell('shopify', { kind: 'accountErase', version: told(9) });
  const [request] = await own.rows<{ id: bigint }>(
    `select id from privacy_request where kind = 'erase_account'`,
  );
  await eraseAccount(request?.id ?? 0n, { pool: own.pool, platforms, log: createLog({ level: 'silent' }) });
  expect(await traces(own, 'zzmark')).toEqual([]);
  expect(
    await own.rows(
      'select first_name, last_name, email, phone, company, note, tags from customer where id = 2',
    ),
  ).toEqual([
    {
      ...{ first_name: 'Bob', last_name: null, email: 'bob@example.com', phone: null },
      ...{ company: 'Cole Ltd', note: 'Calls on Mondays.', tags: ['vip'] },
    },
  ]);
  await expect(own.edit({ kind: 'customerUnmerge', absorbedId: 1n, actor: 'test' })).rejects.toMatchObject({
    code: 'ERASED',
  });
});
