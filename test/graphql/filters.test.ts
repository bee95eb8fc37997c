import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertConnection, insertCustomer, insertOrder, insertRefund } from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  const db = api.database.pool;
  const connection = await insertConnection(db);
  const customers = [
    {
      email: 'often@example.com',
      order_count: 7,
      last_order_at: '2026-11-03T10:00:00Z',
      phone: '+4930901820',
    },
    { email: 'late@example.com', order_count: 1, last_order_at: '2026-11-20T10:00:00Z' },
    { email: 'never@example.com', order_count: 0, last_order_at: null },
    { email: 'nor-she@example.com', order_count: 0, last_order_at: null },
  ];
  for (const customer of customers) await insertCustomer(db, customer);
  for (const [channel, minor] of [
    ['online_store', 1_000],
    ['point_of_sale', 2_500],
    ['amazon', 9_900],
  ] as const) {
    const order = await insertOrder(db, { connection_id: connection, channel });
    await insertRefund(db, { order_id: order, total_minor: minor, currency: 'EUR' });
  }
});

afterAll(() => api[Symbol.asyncDispose]());

async function emails(args: string): Promise<string[]> {
  const { data, errors } = await api.ask(`{ customers(${args}) { nodes { email } } }`);
  expect(errors).toBeUndefined();
  return data.customers.nodes.map((one: { email: string }) => one.email.split('@')[0]);
}

async function refunds(filter: string): Promise<number> {
  const { data, errors } = await api.ask(`{ refunds(filter: ${filter}) { totalCount nodes { id } } }`);
  expect(errors).toBeUndefined();
  expect(data.refunds.nodes).toHaveLength(data.refunds.totalCount);
  return data.refunds.totalCount;
}

test('customers come by when they last ordered and by how often, whoever never has at one end', async () => {
  expect(await emails('sort: LAST_ORDER_AT_DESC')).toEqual(['late', 'often', 'nor-she', 'never']);
  expect(await emails('sort: LAST_ORDER_AT_ASC')).toEqual(['never', 'nor-she', 'often', 'late']);
  expect(await emails('sort: ORDER_COUNT_DESC')).toEqual(['often', 'late', 'nor-she', 'never']);
  expect(await emails('sort: ORDER_COUNT_ASC')).toEqual(['never', 'nor-she', 'late', 'often']);
});

test('pages in these orders meet everybody once, those without an order too', async () => {
  for (const sort of ['LAST_ORDER_AT_DESC', 'LAST_ORDER_AT_ASC', 'ORDER_COUNT_DESC', 'ORDER_COUNT_ASC']) {
    const met: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { data, errors } = await api.ask(
        `query Walk($after: String) { customers(first: 1, after: $after, sort: ${sort}) {
           nodes { email } pageInfo { hasNextPage endCursor } } }`,
        { after },
      );
      expect(errors).toBeUndefined();
      met.push(data.customers.nodes[0].email.split('@')[0]);
      ({ hasNextPage: more, endCursor: after } = data.customers.pageInfo);
    }
    expect(met).toEqual(await emails(`sort: ${sort}`));
  }
});

test('a telephone number finds its customer however it is punctuated', async () => {
  for (const phone of ['+4930901820', '+49 30 901820', '0049 (30) 90-1820', ' +49/30/901820 '])
    expect(await emails(`filter: { phone: "${phone}" }`)).toEqual(['often']);
  expect(await emails('filter: { phone: "+493090182" }')).toEqual([]);
});

test('refunds are found by channel and amount', async () => {
  expect(await refunds('{ channels: [AMAZON, ONLINE_STORE] }')).toBe(2);
  expect(await refunds('{ channels: [] }')).toBe(0);
  expect(await refunds('{ currencyCode: "EUR", totalAtLeast: "25.00" }')).toBe(2);
  expect(await refunds('{ currencyCode: "EUR", totalAtLeast: "10.01", totalAtMost: "98.99" }')).toBe(1);
  expect(await refunds('{ currencyCode: "USD" }')).toBe(0);
});
