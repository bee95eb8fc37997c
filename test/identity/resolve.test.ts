import { expect, test } from 'vitest';
import type { Address, CanonicalCustomer } from '../../src/model/customer.ts';
import { resolveAll } from '../../src/sync/identity/resolve-all.ts';
import { now, openShop, orderChange, type Shop, told } from '../write-path/support.ts';

const home: Address = {
  firstName: null,
  lastName: null,
  company: null,
  address1: '12 Oak Street',
  address2: null,
  city: 'Salem',
  province: 'OR',
  zip: '97301',
  countryCode: 'US',
  phone: null,
};

const tell = (
  shop: Shop,
  platform: 'shopify' | 'hubspot',
  remoteId: string,
  second: number,
  customer: CanonicalCustomer,
) => shop.tell(platform, { kind: 'customer', remoteId, version: told(second), customer });

const people = (shop: Shop) =>
  shop.rows<{ id: bigint; merged_into_id: bigint | null }>(
    'select id, merged_into_id from customer order by id',
  );

test('one mailbox in two spellings is one person, without another mailbox in between', async () => {
  await using shop = await openShop();
  await tell(shop, 'shopify', '1', 1, { email: 'ada.byron@gmail.com', firstName: 'Ada', lastName: 'Byron' });
  await tell(shop, 'hubspot', 'c1', 2, {
    email: 'adabyron+shop@googlemail.com',
    firstName: 'Ada',
    lastName: 'Byron',
  });
  expect(await people(shop)).toEqual([
    { id: 1n, merged_into_id: null },
    { id: 2n, merged_into_id: 1n },
  ]);
  const [merge] = await shop.rows<{ decided_by: string; evidence: { contributions: { words: string }[] } }>(
    'select decided_by, evidence from customer_merge',
  );
  expect(merge?.decided_by).toBe('automatic');
  expect(merge?.evidence.contributions.map((one) => one.words)).toEqual([
    'The same mailbox.',
    'The same first name.',
    'The same last name.',
  ]);
  // Nobody was told of the second one: it never was a customer of its own to anybody.
  expect(
    (await shop.events()).map((event) => event.type).filter((type) => type.startsWith('customer')),
  ).toEqual(['customer.created', 'customer.updated']);
});

test('one name at one address is one person where nothing speaks against it, as when a marketplace hides the mailbox', async () => {
  await using shop = await openShop();
  await tell(shop, 'shopify', '1', 1, {
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Byron',
    address: home,
  });
  await tell(shop, 'hubspot', 'c1', 2, {
    email: 'x7k2@marketplace.amazon.com',
    firstName: 'ADA',
    lastName: 'Byron',
    address: { ...home, address1: '12 oak st.', zip: '97301-4420' },
  });
  expect((await people(shop)).map((one) => one.merged_into_id)).toEqual([null, 1n]);
});

test('relatives with one telephone under one roof stay apart, and nobody is bothered with them', async () => {
  await using shop = await openShop();
  const family = { lastName: 'Byron', phone: '+15035550123', address: home };
  await tell(shop, 'shopify', '1', 1, { ...family, email: 'ada@example.com', firstName: 'Ada' });
  await tell(shop, 'shopify', '2', 2, { ...family, email: 'george@example.com', firstName: 'George' });
  await tell(shop, 'shopify', '3', 3, { ...family, email: 'annabella@example.com', firstName: 'Annabella' });
  expect((await people(shop)).map((one) => one.merged_into_id)).toEqual([null, null, null]);
  expect(await shop.rows('select 1 from merge_candidate')).toEqual([]);
});

test('a desk, a mailbox of many and the clues of staff never make two customers one', async () => {
  await using shop = await openShop();
  await tell(shop, 'shopify', '1', 1, { email: 'info@acme.example', firstName: 'Ada', lastName: 'Byron' });
  await tell(shop, 'hubspot', 'c1', 2, {
    email: 'info@acme.example',
    firstName: 'George',
    lastName: 'Gordon',
  });
  await tell(shop, 'hubspot', 'c2', 3, { email: 'info@acme.example' });
  const staff = { email: 'till@shop.example', phone: '+15035550111' };
  await tell(shop, 'shopify', '4', 4, { ...staff, firstName: 'Mary', lastName: 'Shelley' });
  await tell(shop, 'shopify', '5', 5, { ...staff, firstName: 'Percy', lastName: 'Bysshe' });
  await tell(shop, 'shopify', '6', 6, { ...staff, firstName: 'John', lastName: 'Keats' });
  await tell(shop, 'shopify', '7', 7, { ...staff, firstName: 'Mary', lastName: 'Godwin' });
  expect((await people(shop)).map((one) => one.merged_into_id)).toEqual(Array(7).fill(null));
});

test('a couple with one mailbox is asked about, with the reason', async () => {
  await using shop = await openShop();
  await tell(shop, 'shopify', '1', 1, { email: 'byrons@example.com', firstName: 'Ada', lastName: 'Byron' });
  await tell(shop, 'hubspot', 'c1', 2, {
    email: 'byrons@example.com',
    firstName: 'George',
    lastName: 'Byron',
  });
  const [pair] = await shop.rows<{ status: string; evidence: { caution: string } }>(
    'select customer_a_id, customer_b_id, status, evidence from merge_candidate',
  );
  expect(pair).toMatchObject({
    customer_a_id: 1n,
    customer_b_id: 2n,
    status: 'open',
    evidence: { caution: 'Different first names: perhaps relatives.' },
  });
});

test('records that say the same again make no keys anew', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await shop.tell('shopify', orderChange('2', 2, { number: '#2' }));
  expect((await people(shop)).length).toBe(1);
  const keys = await shop.rows('select 1 from identity_key');
  // The mailbox: there is no address, "ada" is too short to go by, and nobody has the number +49 30 123456.
  expect(keys).toHaveLength(1);
});

test('who moves or changes the mailbox is found again by the batch as well, from keys that were never made', async () => {
  await using shop = await openShop();
  await tell(shop, 'shopify', '1', 1, {
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Byron',
    phone: '+15035550123',
  });
  await tell(shop, 'shopify', '2', 2, { firstName: 'Ada', lastName: 'Byron' });
  // As if written before there were keys.
  await shop.pool.query('delete from identity_key');
  await shop.pool.query(
    `update customer_identity set keys_version = 0, phone = '+15035550123' where remote_id = '2'`,
  );
  await shop.pool.query(`update customer_identity set keys_version = 0 where remote_id = '1'`);
  const progress: string[] = [];
  const done = await resolveAll(shop.pool, {
    platforms: shop.platforms,
    now: () => now,
    onProgress: ({ phase, done: count, of }) => progress.push(`${phase} ${count}/${of}`),
  });
  expect(done).toEqual({ customers: 2, merged: 1, reviews: 0 });
  expect(progress).toEqual(['keys 2/2', 'compare 2/2']);
  expect((await people(shop)).map((one) => one.merged_into_id)).toEqual([null, 1n]);
  expect(await resolveAll(shop.pool, { platforms: shop.platforms, now: () => now })).toEqual({
    customers: 1,
    merged: 0,
    reviews: 0,
  });
});
