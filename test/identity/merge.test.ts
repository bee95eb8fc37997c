import { expect, test } from 'vitest';
import type { CanonicalCustomer } from '../../src/model/customer.ts';
import {
  amount,
  dumpGraph,
  openShop,
  orderChange,
  orderLine,
  type Shop,
  settle,
  told,
} from '../write-path/support.ts';

const order = (
  shop: Shop,
  number: number,
  second: number,
  customer: { id: string; name: string },
  minor = 1_000,
) =>
  shop.tell(
    'shopify',
    orderChange(`${number}`, second, {
      number: `#${number}`,
      customer: {
        remoteId: customer.id,
        firstName: customer.name,
        lastName: null,
        email: `${customer.name.toLowerCase()}@example.com`,
        phone: null,
      },
      email: `${customer.name.toLowerCase()}@example.com`,
      lines: [orderLine({ remoteId: 'l', unitPrice: amount(minor) })],
    }),
  );
const contact = (shop: Shop, remoteId: string, second: number, customer: CanonicalCustomer) =>
  shop.tell('hubspot', { kind: 'customer', remoteId, version: told(second), customer });
const ada = { id: '7', name: 'Ada' };
const grace = { id: '8', name: 'Grace' };
const merge = (shop: Shop, survivorId: bigint, absorbedId: bigint) =>
  shop.edit({ kind: 'customerMerge', survivorId, absorbedId, actor: 'test', approvedPlatforms: [] });
const unmerge = (shop: Shop, absorbedId: bigint) =>
  shop.edit({ kind: 'customerUnmerge', absorbedId, actor: 'test' });
const sums = (shop: Shop) =>
  shop.rows(
    'select id, merged_into_id, order_count, lifetime_value_minor as value from customer order by id',
  );

test('a merge brings orders, identities, sums and rows at platforms together; undoing it restores all of them', async () => {
  await using shop = await openShop();
  await order(shop, 1, 1, ada, 1_001);
  await order(shop, 2, 2, grace, 2_002);
  await contact(shop, 'contact-2', 3, { email: 'grace@example.com', phone: '+4930999' });
  const before = await dumpGraph(shop.pool);
  const links = 'select entity_type, entity_id, remote_type, remote_id from link order by id';
  const linksBefore = await shop.rows(links);
  await merge(shop, 1n, 2n);
  expect(await sums(shop)).toEqual([
    { id: 1n, merged_into_id: null, order_count: 2, value: 3_003n },
    { id: 2n, merged_into_id: 1n, order_count: 0, value: 0n },
  ]);
  expect(await shop.rows('select phone, first_name from customer where id = 1')).toEqual([
    { phone: '+4930999', first_name: 'Grace' },
  ]);
  await unmerge(shop, 2n);
  expect(await dumpGraph(shop.pool)).toEqual(before);
  expect(await shop.rows(links)).toEqual(linksBefore);
  expect(await sums(shop)).toEqual([
    { id: 1n, merged_into_id: null, order_count: 1, value: 1_001n },
    { id: 2n, merged_into_id: null, order_count: 1, value: 2_002n },
  ]);
  expect((await shop.events()).filter((event) => event.type.startsWith('customer.')).slice(-5)).toMatchObject(
    [
      { type: 'customer.updated' },
      {
        type: 'customer.updated',
        payload: { changedFields: expect.arrayContaining(['identities', 'orders']) },
      },
      { type: 'customer.removed', payload: { mergedInto: '1' } },
      { type: 'customer.updated' },
      { type: 'customer.created', payload: { unmergedFrom: '1' } },
    ],
  );
  expect(await shop.rows('select decided_by, actor, undone_by from customer_merge')).toEqual([
    { decided_by: 'person', actor: 'test', undone_by: 'test' },
  ]);
  // Asked once, answered for good.
  expect(await shop.rows('select status, decided_by from merge_candidate')).toEqual([
    { status: 'rejected', decided_by: 'test' },
  ]);
});

test('orders and records that come while two are one go to whom they belong to when that is undone', async () => {
  await using shop = await openShop();
  await order(shop, 1, 1, ada);
  await order(shop, 2, 2, grace);
  await merge(shop, 1n, 2n);
  await order(shop, 3, 3, grace, 5_000);
  await order(shop, 4, 4, ada, 70);
  // An order of before that changed hands meanwhile.
  await order(shop, 2, 5, ada);
  await contact(shop, 'contact-2', 6, { email: 'grace@example.com', lastName: 'Hopper' });
  await contact(shop, 'contact-9', 7, { email: 'ada@example.com', lastName: 'Byron' });
  await shop.edit({ kind: 'customerEdit', customerId: 2n, patch: { note: 'Calls on Mondays.' } });
  await unmerge(shop, 2n);
  expect(await shop.rows('select customer_id, number from sales_order order by number')).toEqual([
    { customer_id: 1n, number: '#1' },
    { customer_id: 1n, number: '#2' },
    { customer_id: 2n, number: '#3' },
    { customer_id: 1n, number: '#4' },
  ]);
  expect(
    await shop.rows(
      'select id, first_name, last_name, note, lifetime_value_minor as value from customer order by id',
    ),
  ).toEqual([
    { id: 1n, first_name: 'Ada', last_name: 'Byron', note: 'Calls on Mondays.', value: 2_070n },
    { id: 2n, first_name: 'Grace', last_name: 'Hopper', note: null, value: 5_000n },
  ]);
});

test('one row of a platform stands for the survivor, the second is parked, and what is edited there arrives nevertheless', async () => {
  await using shop = await openShop();
  await contact(shop, 'contact-1', 1, { email: 'ada@example.com', firstName: 'Ada' });
  await contact(shop, 'contact-2', 2, { email: 'grace@example.com', firstName: 'Grace' });
  const see = (remoteId: string, second: number, phone: string) =>
    shop.tell('hubspot', {
      kind: 'customer',
      remoteId,
      version: told(second),
      customer: { phone },
      observed: { phone },
    });
  await see('contact-1', 3, '+491');
  await see('contact-2', 4, '+492');
  await merge(shop, 1n, 2n);
  const links = () =>
    shop.rows("select entity_id, remote_id, remote_state ->> 'phone' as phone from link order by remote_id");
  expect(await links()).toEqual([
    { entity_id: 1n, remote_id: 'contact-1', phone: '+491' },
    { entity_id: 2n, remote_id: 'contact-2', phone: '+492' },
  ]);
  await see('contact-2', 5, '+493');
  expect(await links()).toEqual([
    { entity_id: 1n, remote_id: 'contact-1', phone: '+491' },
    { entity_id: 2n, remote_id: 'contact-2', phone: '+493' },
  ]);
  expect(await shop.rows('select phone from customer where id = 1')).toEqual([{ phone: '+493' }]);
  const [push] = await shop.rows<{ id: bigint; subject_id: bigint; body: { properties: unknown } }>(
    `select id, subject_id, body from push where status = 'pending' and kind = 'contact' order by id desc limit 1`,
  );
  expect(push).toMatchObject({ subject_id: 1n, body: { properties: { phone: '+493' } } });
  // The survivor's own contact is what pushes are written to, whichever was seen last.
  await settle(shop, push?.id ?? 0n, { type: 'contact', remoteId: 'contact-1', state: { phone: '+493' } });
  expect((await links())[0]).toEqual({ entity_id: 1n, remote_id: 'contact-1', phone: '+493' });
});

test('what was undone is not done again, neither by an arrival nor by the batch; a person may', async () => {
  await using shop = await openShop();
  const same = { firstName: 'Ada', lastName: 'Byron', phone: '+15035550123' };
  await contact(shop, 'contact-1', 1, { ...same, email: 'ada@example.com' });
  await contact(shop, 'contact-2', 2, { ...same, email: 'byron@example.org' });
  expect((await sums(shop)).map((one) => one.merged_into_id)).toEqual([null, 1n]);
  await unmerge(shop, 2n);
  await contact(shop, 'contact-2', 3, { ...same, company: 'Engines Ltd' });
  expect((await sums(shop)).map((one) => one.merged_into_id)).toEqual([null, null]);
  await merge(shop, 1n, 2n);
  expect((await sums(shop)).map((one) => one.merged_into_id)).toEqual([null, 1n]);
  expect(await shop.rows('select status from merge_candidate')).toEqual([{ status: 'merged' }]);
});

test('merges that cannot be undone say why', async () => {
  await using shop = await openShop();
  for (const [index, name] of ['Ada', 'Grace', 'Mary'].entries())
    await order(shop, index, index + 1, { id: `${index}`, name });
  await expect(unmerge(shop, 2n)).rejects.toMatchObject({ code: 'NOT_MERGED' });
  await merge(shop, 1n, 2n);
  await expect(merge(shop, 3n, 2n)).rejects.toMatchObject({ code: 'ALREADY_MERGED' });
  await expect(merge(shop, 1n, 1n)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(merge(shop, 1n, 99n)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await merge(shop, 1n, 3n);
  await expect(unmerge(shop, 2n)).rejects.toMatchObject({
    code: 'MERGED_LATER',
    publicMessage: expect.stringContaining('begin with customer 3'),
  });
  await unmerge(shop, 3n);
  await unmerge(shop, 2n);
  await contact(shop, 'contact-1', 20, { email: 'ada@example.com' });
  await contact(shop, 'contact-2', 21, { email: 'grace@example.com' });
  await contact(shop, 'contact-3', 22, {
    email: 'ada@example.com',
    mergedRemoteIds: ['contact-1', 'contact-2'],
  });
  await expect(unmerge(shop, 2n)).rejects.toMatchObject({ code: 'MERGED_AT_PLATFORM' });
});
