import { expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { Change } from '../../src/model/change.ts';
import type { PlatformName } from '../../src/model/platform-name.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import {
  amount,
  now,
  openShop,
  orderChange,
  orderLine,
  productOf,
  read,
  refundOf,
  type Shop,
  told,
  transactionOf,
} from './support.ts';

/** One transaction that must not be run twice: a deadlock is an error here. Answers with the names of its statements. */
async function once(shop: Shop, source: PlatformName | 'tributary', changes: Change[]): Promise<string[]> {
  let runs = 0;
  const statements: string[] = [];
  await transaction(shop.pool, async (tx) => {
    runs += 1;
    const query = tx.query;
    tx.query = ((statement: string | { name: string }, ...rest: unknown[]) => {
      statements.push(typeof statement === 'string' ? statement : statement.name);
      return (query as (...all: unknown[]) => unknown).call(tx, statement, ...rest);
    }) as typeof query;
    try {
      await applyChanges(tx, {
        changes,
        source,
        connectionId:
          source === 'tributary' ? null : shop.connections[source as 'shopify' | 'hubspot' | 'quickbooks'],
        deliveryId: null,
        now,
        platforms: shop.platforms,
      });
    } finally {
      tx.query = query;
    }
  });
  if (runs !== 1) throw new Error(`The transaction was run ${runs} times.`);
  return statements;
}

test('whoever tells of a new address at the same moment means one customer', async () => {
  await using shop = await openShop({ max: 16 });
  for (let round = 0; round < 5; round += 1) {
    const email = `round${round}@example.com`;
    const account = { remoteId: `account-${round}`, firstName: null, lastName: null, email, phone: null };
    await Promise.all([
      once(shop, 'shopify', [orderChange(`g${round}`, 1, { customer: null, email })]),
      once(shop, 'shopify', [orderChange(`h${round}`, 1, { customer: null, email })]),
      once(shop, 'shopify', [orderChange(`a${round}`, 1, { customer: account })]),
      once(shop, 'shopify', [orderChange(`b${round}`, 2, { customer: account })]),
      once(shop, 'hubspot', [
        { kind: 'customer', remoteId: `contact-${round}`, version: read(1, 1), customer: { email } },
      ]),
    ]);
  }
  expect(await shop.rows('select email, order_count from customer order by email')).toEqual(
    [0, 1, 2, 3, 4].map((round) => ({ email: `round${round}@example.com`, order_count: 4 })),
  );
});

test('sixteen writers over the same few customers meet without a deadlock, and every sum is exact', async () => {
  await using shop = await openShop({ max: 16 });
  await once(shop, 'shopify', [
    { kind: 'product', remoteId: 'p', version: told(1), product: productOf([1, 2]) },
    {
      kind: 'location',
      remoteId: 'till',
      version: told(1),
      location: { name: 'Till', active: true, address: null },
    },
    ...[1, 2].map((item) => ({
      kind: 'stockLevel' as const,
      inventoryItemRemoteId: `item-${item}`,
      locationRemoteId: 'till',
      version: told(1),
      available: 0,
    })),
  ]);
  const people = ['ada', 'grace', 'edith'];
  const orderOfPerson = (order: number, second: number, person: number) =>
    orderChange(`${order}`, second, {
      number: `#${order}`,
      email: `${people[person]}@example.com`,
      customer:
        order % 3 === 0
          ? null
          : {
              remoteId: `account-${person}`,
              firstName: `${people[person]}`,
              lastName: null,
              email: `${people[person]}@example.com`,
              phone: null,
            },
      lines: [orderLine({ remoteId: 'l', unitPrice: amount(100 + order) })],
    });
  for (const person of people.keys()) await once(shop, 'shopify', [orderOfPerson(person, 1, person)]);
  const writer = async (number: number) => {
    for (let turn = 0; turn < 12; turn += 1) {
      const order = 10 + number * 12 + turn;
      const person = (number + turn) % 3;
      switch ((number + turn) % 5) {
        case 0: // an order changes hands: two customers in one transaction
          await once(shop, 'shopify', [orderOfPerson(order, 1, person)]);
          await once(shop, 'shopify', [orderOfPerson(order, 2, (person + 1) % 3)]);
          break;
        case 1: // a sweep: several customers in one transaction, in no particular order
          await once(shop, 'shopify', [
            orderOfPerson(order, 1, person),
            orderOfPerson(order + 1_000, 1, (person + 2) % 3),
            orderOfPerson(order + 2_000, 1, (person + 1) % 3),
          ]);
          break;
        case 2:
          await once(shop, 'tributary', [
            { kind: 'customerEdit', customerId: BigInt(person + 1), patch: { note: `${number}.${turn}` } },
          ]);
          break;
        case 3:
          await once(shop, 'tributary', [
            {
              kind: 'stockAdjust',
              variantId: BigInt((turn % 2) + 1),
              locationId: 1n,
              delta: 1,
              reason: 'count',
            },
          ]);
          break;
        default:
          await once(shop, 'shopify', [orderOfPerson(order, 1, person)]);
          await once(shop, 'shopify', [
            {
              kind: 'refund',
              orderRemoteId: `${order}`,
              version: told(3),
              refund: refundOf({
                remoteId: 'r',
                transactions: [transactionOf({ remoteId: 'b', kind: 'refund', amount: amount(7) })],
              }),
            },
          ]);
      }
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_none, number) => writer(number)));

  expect(await shop.rows('select count(*)::int as customers from customer')).toEqual([{ customers: 3 }]);
  const wrong = await shop.rows(
    `select c.id from customer c join (
       select customer_id, sum(total_minor - refunded_minor) as value, sum(refunded_minor) as refunded, count(*) as orders
       from sales_order group by 1) as o on o.customer_id = c.id
     where (c.lifetime_value_minor, c.refunded_minor, c.order_count) is distinct from (o.value, o.refunded, o.orders)`,
  );
  expect(wrong).toEqual([]);
  const [stock] = await shop.rows<{ adjusted: number; movements: number }>(
    `select sum(available)::int as adjusted,
       (select count(*)::int from stock_movement where cause = 'adjustment') as movements from stock_level`,
  );
  expect(stock?.adjusted).toBe(stock?.movements);
  expect(stock?.movements).toBeGreaterThan(0);
  // The numbers of events have no gap, whoever committed first.
  expect(await shop.rows('select max(position) = count(*) as gapless from event')).toEqual([
    { gapless: true },
  ]);
});

test('edits of different fields at the same moment all stand', async () => {
  await using shop = await openShop({ max: 16 });
  await once(shop, 'shopify', [orderChange('1', 1)]);
  const patches = [
    { firstName: 'Augusta' },
    { lastName: 'King' },
    { company: 'Engines' },
    { note: 'likes tea' },
    { tags: ['vip'] },
    { phone: '+4930999999' },
  ];
  for (let round = 0; round < 4; round += 1) {
    await shop.pool.query(
      "update customer set first_name = '', last_name = '', company = '', note = '', tags = '{}', phone = ''",
    );
    await Promise.all(
      patches.map((patch) => once(shop, 'tributary', [{ kind: 'customerEdit', customerId: 1n, patch }])),
    );
    expect(await shop.rows('select first_name, last_name, company, note, tags, phone from customer')).toEqual(
      [
        {
          first_name: 'Augusta',
          last_name: 'King',
          company: 'Engines',
          note: 'likes tea',
          tags: ['vip'],
          phone: '+4930999999',
        },
      ],
    );
  }
});

test('a typical order is written with few statements', async () => {
  await using shop = await openShop();
  const lines = ['a', 'b', 'c', 'd'].map((remoteId) => orderLine({ remoteId }));
  expect(await once(shop, 'shopify', [orderChange('1', 1, { lines })])).toEqual([
    'lock-names',
    'lock-customers-by-clues',
    'load-order',
    'find-identity-clues',
    'insert-customer',
    'save-identity',
    'observe-links',
    'find-candidates',
    'lock-customers',
    'write-order',
    'observe-links',
    'load-custom-fields',
    'take-line-news',
    'sum-orders',
    'load-order-snapshots',
    'lock-open-pushes',
    'load-plan-context',
    'write-plans',
    'enqueue-pushes',
  ]);
  expect(await once(shop, 'shopify', [orderChange('2', 2, { number: '#2', lines })])).toEqual([
    'lock-names',
    'lock-customers-by-clues',
    'load-order',
    'find-identity-clues',
    'load-customer-record',
    'save-identity',
    'write-order',
    'observe-links',
    'load-custom-fields',
    'take-line-news',
    'sum-orders',
    'load-order-snapshots',
    'lock-open-pushes',
    'load-plan-context',
    'write-plans',
    'remove-push-jobs',
    'enqueue-pushes',
  ]);
  // The number of lines makes no difference.
  const many = Array.from({ length: 60 }, (_none, index) => orderLine({ remoteId: `line-${index}` }));
  expect(await once(shop, 'shopify', [orderChange('3', 3, { number: '#3', lines: many })])).toHaveLength(17);
  expect(await once(shop, 'shopify', [orderChange('3', 3, { number: '#3', lines: many })])).toEqual([
    'lock-names',
    'lock-customers-by-clues',
    'load-order',
  ]);
});
