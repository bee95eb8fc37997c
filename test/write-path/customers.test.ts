import { expect, test } from 'vitest';
import type { CanonicalCustomer } from '../../src/model/customer.ts';
import {
  amount,
  at,
  openShop,
  orderChange,
  orderLine,
  read,
  refundOf,
  type Shop,
  settle,
  told,
  transactionOf,
} from './support.ts';

/** Reads begin after everything that this test has done before: the database's clock is the real one. */
const aYear = 365 * 24 * 60 * 60;

const tellContact = (
  shop: Shop,
  second: number,
  customer: CanonicalCustomer,
  observed?: Record<string, unknown>,
  remoteId = 'contact-1',
) =>
  shop.tell('hubspot', {
    kind: 'customer',
    remoteId,
    version: read(second, aYear + second),
    customer,
    ...(observed === undefined ? {} : { observed }),
  });
const tellAccount = (shop: Shop, second: number, customer: CanonicalCustomer, remoteId = '7') =>
  shop.tell('shopify', { kind: 'customer', remoteId, version: told(second), customer });

test('the same address makes one customer, whatever the platform calls them', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await shop.tell('shopify', orderChange('2', 2, { customer: null, email: ' ADA@example.com ' }));
  await tellContact(shop, 3, { email: 'ada@example.com', company: 'Engines' });
  expect(await shop.rows('select email, company, order_count from customer')).toEqual([
    { email: 'ada@example.com', company: 'Engines', order_count: 2 },
  ]);
  expect(await shop.rows('select remote_id from customer_identity order by id')).toEqual([
    { remote_id: '7' },
    { remote_id: 'guest:ada@example.com' },
    { remote_id: 'contact-1' },
  ]);
});

test('relay addresses lead to nobody', async () => {
  await using shop = await openShop();
  const relay = 'x1y2@marketplace.amazon.de';
  await shop.tell('shopify', orderChange('1', 1, { customer: null, email: relay }));
  await tellContact(shop, 2, { email: relay, firstName: 'Grace' });
  expect(await shop.rows('select count(*)::int as customers from customer')).toEqual([{ customers: 2 }]);
});

test('the books describe customers but bring none', async () => {
  await using shop = await openShop();
  const tell = (email: string, second: number) =>
    shop.tell('quickbooks', {
      kind: 'customer',
      remoteId: email,
      version: read(second, second),
      customer: { email, company: 'Engines' },
    });
  expect((await tell('supplier@example.com', 1)).outcome).toBe('unchanged');
  expect(await shop.rows('select id from customer')).toEqual([]);
  await shop.tell('shopify', orderChange('1', 1));
  expect((await tell('ada@example.com', 2)).outcome).toBe('applied');
  expect(await shop.rows('select company from customer')).toEqual([{ company: 'Engines' }]);
});

test('a sale at the till without a name has no customer', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1, { customer: null, email: null }));
  expect(await shop.rows('select customer_id from sales_order')).toEqual([{ customer_id: null }]);
});

test('per field the newest claim wins, and silence or repetition is no claim', async () => {
  await using shop = await openShop();
  await tellAccount(shop, 1, { email: 'ada@example.com', firstName: 'Ada', phone: null, tags: ['vip'] });
  await tellContact(shop, 5, { email: 'ada@example.com', phone: '+4930999' });
  // Every order at the shop repeats what the shop holds: that the CRM knows better must outlive it.
  await shop.tell(
    'shopify',
    orderChange('1', 9, {
      customer: { remoteId: '7', firstName: 'Ada', lastName: null, email: 'ada@example.com', phone: null },
    }),
  );
  expect(await shop.rows('select first_name, phone, tags from customer')).toEqual([
    { first_name: 'Ada', phone: '+4930999', tags: ['vip'] },
  ]);
  await tellAccount(shop, 12, { phone: '+4930111' });
  expect(await shop.rows('select phone, provenance from customer')).toMatchObject([
    { phone: '+4930111', provenance: { phone: { source: 'shopify', at: at(12).toISOString() } } },
  ]);
  // Clearing a field is a claim too.
  await tellContact(shop, 20, { phone: null });
  expect(await shop.rows('select phone from customer')).toEqual([{ phone: null }]);
});

test('fields that arrive late are taken where they are the newest word on that field', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 9));
  await tellAccount(shop, 3, { firstName: 'Augusta', note: 'likes tea' });
  expect(await shop.rows('select first_name, note from customer')).toEqual([
    { first_name: 'Ada', note: 'likes tea' },
  ]);
});

test('two messages of one instant that differ about a customer ask for a fresh read', async () => {
  await using shop = await openShop();
  await tellAccount(shop, 1, { firstName: 'Ada' });
  expect((await tellAccount(shop, 1, { firstName: 'Augusta' })).outcome).toBe('needsFresh');
  expect(await shop.rows('select first_name from customer')).toEqual([{ first_name: 'Ada' }]);
});

test('an echo of our own write is recognised and claims nothing', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const [push] = await shop.rows<{ id: bigint; body: { properties: Record<string, string> } }>(
    "select id, body from push where kind = 'contact'",
  );
  if (push === undefined) throw new Error('nothing planned');
  const held = push.body.properties;
  await settle(shop, push.id, { type: 'contact', remoteId: 'contact-1', state: held });
  // Before the echo is processed the shop has changed the name: the echo must not bring the old one back.
  await shop.tell(
    'shopify',
    orderChange('2', 3, {
      number: '#2',
      customer: {
        remoteId: '7',
        firstName: 'Augusta',
        lastName: 'Byron',
        email: 'ada@example.com',
        phone: '+4930123456',
      },
    }),
  );
  const events = (await shop.events()).length;
  const echo = await tellContact(
    shop,
    4,
    { email: 'ada@example.com', firstName: 'Ada', phone: '+4930123456' },
    held,
  );
  expect(echo.outcome).toBe('echo');
  expect(echo.pushIds).toEqual([]);
  expect((await shop.events()).length).toBe(events);
  expect(await shop.rows('select first_name from customer')).toEqual([{ first_name: 'Augusta' }]);
  // What a person changes there afterwards does count.
  const changed = await tellContact(shop, 8, { firstName: 'Countess' }, { ...held, firstname: 'Countess' });
  expect(changed.outcome).toBe('applied');
  expect(await shop.rows('select first_name from customer')).toEqual([{ first_name: 'Countess' }]);
});

test('an echo that overtakes its receipt is recognised by the push in flight', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await shop.pool.query(
    `insert into link (connection_id, entity_type, entity_id, remote_type, remote_id, remote_state)
     values ($1, 'Customer', 1, 'contact', 'contact-1', '{"firstname": "Adah"}')`,
    [shop.connections.hubspot],
  );
  await shop.pool.query("update push set status = 'running', attempts = 1 where kind = 'contact'");
  const echo = await tellContact(shop, 4, { firstName: 'Ada' }, { firstname: 'Ada' });
  expect(echo.outcome).toBe('echo');
  expect(await shop.rows(`select provenance -> 'firstName' ->> 'source' as source from customer`)).toEqual([
    { source: 'shopify' },
  ]);
});

test('a merge at a platform is followed: identities, orders and sums go to the survivor', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await shop.tell(
    'shopify',
    orderChange('2', 2, {
      number: '#2',
      customer: {
        remoteId: '8',
        firstName: 'Grace',
        lastName: null,
        email: 'grace@example.com',
        phone: null,
      },
    }),
  );
  await tellContact(shop, 3, { email: 'ada@example.com' }, undefined, 'contact-1');
  await tellContact(shop, 3, { email: 'grace@example.com' }, undefined, 'contact-2');
  const merged = await tellContact(
    shop,
    6,
    { email: 'ada@example.com', mergedRemoteIds: ['contact-1', 'contact-2'] },
    undefined,
    'contact-3',
  );
  expect(merged.outcome).toBe('applied');
  expect(
    await shop.rows('select id, merged_into_id, order_count, lifetime_value_minor from customer order by id'),
  ).toEqual([
    { id: 1n, merged_into_id: null, order_count: 2, lifetime_value_minor: 2_000n },
    { id: 2n, merged_into_id: 1n, order_count: 0, lifetime_value_minor: 0n },
  ]);
  expect(await shop.rows('select distinct customer_id from customer_identity')).toEqual([
    { customer_id: 1n },
  ]);
  expect(await shop.rows('select distinct customer_id from sales_order')).toEqual([{ customer_id: 1n }]);
  const [record] = await shop.rows<{
    before: { orders: string[]; identities: unknown[]; absorbed: { email: string } };
  }>('select before from customer_merge');
  expect(record?.before.orders).toEqual(['2']);
  expect(record?.before.identities).toHaveLength(5);
  expect(record?.before.absorbed.email).toBe('grace@example.com');
  expect(await shop.rows("select remote_id from link where remote_type = 'contact'")).toEqual([
    { remote_id: 'contact-3' },
  ]);
  expect((await shop.events()).filter((event) => event.type === 'customer.removed')).toMatchObject([
    { payload: { mergedInto: '1' } },
  ]);
  // Told again: nothing is left to merge.
  await tellContact(shop, 7, { mergedRemoteIds: ['contact-1', 'contact-2'] }, undefined, 'contact-3');
  expect(await shop.rows('select count(*)::int as merges from customer_merge')).toEqual([{ merges: 1 }]);
  // Whoever speaks of the absorbed customer means the survivor.
  await shop.tell(
    'shopify',
    orderChange('3', 9, {
      number: '#3',
      customer: {
        remoteId: '8',
        firstName: 'Grace',
        lastName: null,
        email: 'grace@example.com',
        phone: null,
      },
    }),
  );
  expect(await shop.rows('select order_count from customer where id = 1')).toEqual([{ order_count: 3 }]);
});

test('a customer removed at one platform stays, and is not written back at once', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await tellContact(shop, 3, { email: 'ada@example.com' }, { email: 'ada@example.com' });
  const removed = await shop.tell('hubspot', {
    kind: 'customerRemoved',
    remoteId: 'contact-1',
    version: read(5, 5),
  });
  expect(removed).toMatchObject({ outcome: 'applied', pushIds: [] });
  expect(await shop.rows('select remote_id from customer_identity')).toEqual([{ remote_id: '7' }]);
  expect(await shop.rows("select id from link where remote_type = 'contact'")).toEqual([]);
  expect((await tellContact(shop, 4, { email: 'ada@example.com' })).outcome).toBe('stale');
});

test('lifetime value is what orders brought less what was given back', async () => {
  await using shop = await openShop();
  const cents = (
    remoteId: string,
    minor: number,
    parts: Parameters<typeof orderChange>[2] = {},
    second = 1,
  ) =>
    shop.tell(
      'shopify',
      orderChange(remoteId, second, {
        number: `#${remoteId}`,
        lines: [orderLine({ remoteId: 'l', unitPrice: amount(minor) })],
        placedAt: at(Number(remoteId)),
        ...parts,
      }),
    );
  const sums = () =>
    shop.rows(
      'select currency, lifetime_value_minor as value, refunded_minor as refunded, order_count as orders, first_order_at, last_order_at from customer',
    );
  await cents('1', 1_001);
  await cents('2', 2_002, {
    refunds: [
      refundOf({
        remoteId: 'r',
        transactions: [transactionOf({ remoteId: 'b', kind: 'refund', amount: amount(502) })],
      }),
    ],
  });
  await cents('3', 70_000, { test: true });
  // Cancelled before it was paid: it never was.
  await cents('4', 5_000, { cancelledAt: at(2), transactions: [], financialStatus: 'voided' });
  // Cancelled after a deposit of 30.00, given back but for a fee of 3.00.
  await cents('5', 4_000, {
    cancelledAt: at(2),
    transactions: [transactionOf({ remoteId: 'deposit', amount: amount(3_000) })],
    refunds: [
      refundOf({
        remoteId: 'r',
        transactions: [transactionOf({ remoteId: 'b', kind: 'refund', amount: amount(2_700) })],
      }),
    ],
  });
  // A pending refund has not been given back yet; a failed one never is.
  await cents('6', 900, {
    refunds: [
      refundOf({
        remoteId: 'r',
        transactions: [
          transactionOf({ remoteId: 'b', kind: 'refund', status: 'pending', amount: amount(900) }),
        ],
      }),
      refundOf({
        remoteId: 'q',
        transactions: [
          transactionOf({ remoteId: 'c', kind: 'refund', status: 'failure', amount: amount(900) }),
        ],
      }),
    ],
  });
  // Another currency is counted and not summed.
  await cents('7', 12_345, { currency: 'JPY', presentmentCurrency: 'JPY' });
  expect(await sums()).toEqual([
    {
      currency: 'EUR',
      value: 1_001n + (2_002n - 502n) + (3_000n - 2_700n) + 900n,
      refunded: 502n + 2_700n,
      orders: 5,
      first_order_at: at(1),
      last_order_at: at(7),
    },
  ]);
  // An order that changes hands takes its value along.
  await cents(
    '1',
    1_001,
    { customer: { remoteId: '8', firstName: null, lastName: null, email: 'grace@example.com', phone: null } },
    5,
  );
  expect(
    await shop.rows(
      'select email, lifetime_value_minor as value, order_count as orders from customer order by id',
    ),
  ).toEqual([
    { email: 'ada@example.com', value: 2_700n, orders: 4 },
    { email: 'grace@example.com', value: 1_001n, orders: 1 },
  ]);
});
