import fc from 'fast-check';
import { isRequiredArgument } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  insertConnection,
  insertCustomer,
  insertDelivery,
  insertOrder,
  insertPush,
} from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';

let api: TestApi;
let connection: bigint;

beforeAll(async () => {
  api = await startTestApi();
  connection = await insertConnection(api.database.pool);
});

afterAll(() => api[Symbol.asyncDispose]());

interface Page {
  nodes: { id: string }[];
  edges: { cursor: string }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string };
}

const fields = `nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }`;

async function ordersOf(customerId: string, args: string): Promise<Page> {
  const { data, errors } = await api.ask(
    `query P($filter: OrderFilter) { orders(filter: $filter, ${args}) { ${fields} } }`,
    { filter: { customerId } },
  );
  expect(errors).toBeUndefined();
  return data.orders;
}

function globalId(type: string, id: bigint): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

const sorts = ['PLACED_AT_DESC', 'PLACED_AT_ASC', 'UPDATED_AT_DESC', 'UPDATED_AT_ASC'] as const;

test('walking pages in either direction meets every order once and in order, while others are inserted', async () => {
  await fc.assert(
    fc.asyncProperty(
      // Few distinct times: most rows share theirs with others, down to the microsecond.
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 0, maxLength: 25 }),
      fc.integer({ min: 1, max: 7 }),
      fc.constantFrom(...sorts),
      fc.boolean(),
      async (times, size, sort, backward) => {
        const db = api.database.pool;
        const customer = await insertCustomer(db);
        const customerId = globalId('Customer', customer);
        const at = (time: number): string => `2026-11-01T00:00:00.00000${time}Z`;
        const place = (time: string): Promise<bigint> =>
          insertOrder(db, {
            connection_id: connection,
            customer_id: customer,
            placed_at: time,
            updated_at: time,
          });
        const rows: { time: number; id: bigint }[] = [];
        for (const time of times) rows.push({ time, id: await place(at(time)) });
        const descending = sort.endsWith('DESC');
        const expected = rows
          .toSorted((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1))
          .map((row) => globalId('Order', row.id));
        if (descending) expected.reverse();

        const met: string[] = [];
        let cursor: string | null = null;
        // Whatever is inserted behind the cursor of the walk must not disturb it.
        const behind = descending !== backward ? '2027-01-01T00:00:00Z' : '2025-01-01T00:00:00Z';
        for (let pages = 0; pages < 60; pages += 1) {
          const position: string = cursor === null ? '' : `${backward ? 'before' : 'after'}: "${cursor}",`;
          const page: Page = await ordersOf(
            customerId,
            `${position} ${backward ? 'last' : 'first'}: ${size}, sort: ${sort}`,
          );
          expect(page.nodes.length).toBeLessThanOrEqual(size);
          const ids = page.nodes.map((node) => node.id);
          if (backward) met.unshift(...ids);
          else met.push(...ids);
          cursor = backward ? page.pageInfo.startCursor : page.pageInfo.endCursor;
          if (pages === 0 && ids.length > 0) await place(behind);
          if (!(backward ? page.pageInfo.hasPreviousPage : page.pageInfo.hasNextPage)) break;
        }
        expect(met).toEqual(expected);
      },
    ),
    { numRuns: 25 },
  );
});

test('the orders of several customers are paged each on their own, in one statement', async () => {
  const db = api.database.pool;
  const customers = [await insertCustomer(db), await insertCustomer(db)];
  for (const [index, customer_id] of customers.entries()) {
    for (let n = 0; n <= index + 1; n += 1) await insertOrder(db, { connection_id: connection, customer_id });
  }
  const { data } = await api.ask(
    `query N($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer { orders(first: 2) { totalCount nodes { id } pageInfo { hasNextPage } } } } }`,
    { ids: customers.map((id) => globalId('Customer', id)) },
  );
  expect(
    data.nodes.map((node: { orders: { totalCount: number; nodes: unknown[]; pageInfo: unknown } }) => [
      node.orders.totalCount,
      node.orders.nodes.length,
      node.orders.pageInfo,
    ]),
  ).toEqual([
    [2, 2, { hasNextPage: false }],
    [3, 2, { hasNextPage: true }],
  ]);
});

test('pages are capped, and cursors of other lists are refused', async () => {
  const codeOf = async (query: string): Promise<string> =>
    (await api.ask(query)).errors?.[0].extensions.code ?? 'none';
  expect(await codeOf('{ orders(first: 250) { nodes { id } } }')).toBe('none');
  expect(await codeOf('{ orders(first: 251) { nodes { id } } }')).toBe('BAD_USER_INPUT');
  expect(await codeOf('{ orders(first: -1) { nodes { id } } }')).toBe('BAD_USER_INPUT');
  expect(await codeOf('{ orders(first: 1, last: 1) { nodes { id } } }')).toBe('BAD_USER_INPUT');
  expect(await codeOf('{ orders(after: "bm9uc2Vuc2U") { nodes { id } } }')).toBe('BAD_USER_INPUT');
  const { data } = await api.ask('{ orders(first: 1) { pageInfo { endCursor } } }');
  const cursor = data.orders.pageInfo.endCursor;
  expect(await codeOf(`{ orders(after: "${cursor}", sort: UPDATED_AT_ASC) { nodes { id } } }`)).toBe(
    'BAD_USER_INPUT',
  );
  expect(await codeOf(`{ customers(after: "${cursor}") { nodes { id } } }`)).toBe('BAD_USER_INPUT');
  const forged = Buffer.from(JSON.stringify(['placed_at_desc', "x'; drop table customer; --", '1'])).toString(
    'base64url',
  );
  expect(await codeOf(`{ orders(after: "${forged}") { nodes { id } } }`)).toBe('BAD_USER_INPUT');
});

test('customers can be walked by name, those without one first', async () => {
  const db = api.database.pool;
  const tag = 'by-name';
  const names: [string | null, string | null][] = [
    ['Zoe', 'Adams'],
    [null, null],
    ['Amy', 'Adams'],
    ['Bob', null],
  ];
  for (const [first_name, last_name] of names) {
    await insertCustomer(db, { first_name, last_name, tags: [tag], email: null });
  }
  const met: string[] = [];
  let after: string | null = null;
  for (;;) {
    const { data, errors } = await api.ask(
      `query W($after: String) { customers(first: 1, after: $after, sort: NAME_ASC, filter: { tags: ["${tag}"] }) { nodes { displayName } pageInfo { endCursor hasNextPage } } }`,
      { after },
    );
    expect(errors).toBeUndefined();
    met.push(...data.customers.nodes.map((node: { displayName: string }) => node.displayName));
    after = data.customers.pageInfo.endCursor;
    if (!data.customers.pageInfo.hasNextPage) break;
  }
  expect(met).toEqual(['Unnamed', 'Bob', 'Amy Adams', 'Zoe Adams']);
});

/** Every list of the root, and those of a connection. */
function lists(): string[] {
  const roots = Object.values(api.graphql.schema.getQueryType()?.getFields() ?? {})
    .filter(({ type, args }) => String(type).endsWith('Connection!') && !args.some(isRequiredArgument))
    .map(({ name }) => name);
  return [...roots, 'connections.deliveries', 'connections.pushes'];
}

test('what is no cursor is refused by every list, however it looks, and a cursor that a list gave is taken', async () => {
  await insertDelivery(api.database.pool, { connection_id: connection });
  await insertPush(api.database.pool, { connection_id: connection });
  const place = (list: string, page: string): string =>
    list
      .split('.')
      .reduceRight(
        (inner, name, depth) => `${name}${depth === list.split('.').length - 1 ? page : ''} { ${inner} }`,
        'edges { cursor }',
      );
  const encoded = fc
    .tuple(
      fc.constantFrom('S', 'N', 'I', 'J', 'D', 'X'),
      fc.constantFrom('abc', '1e999', '9'.repeat(30), '{"a":1}', '-1', ''),
    )
    .map(([kind, value]) => Buffer.from(`GPC:${kind}:${value}`).toString('base64'));
  const nonsense = fc.oneof(fc.string({ minLength: 1 }), fc.base64String({ minLength: 4 }), encoded);
  expect(lists().length).toBeGreaterThan(12);
  for (const list of lists()) {
    const ask = async (page: string, c: string) =>
      (await api.ask(`query ($c: String) { ${place(list, page)} }`, { c })).errors?.[0]?.extensions.code;
    await fc.assert(
      fc.asyncProperty(
        nonsense,
        fc.constantFrom('(first: 2, after: $c)', '(last: 2, before: $c)'),
        async (c, page) => {
          expect(await ask(page, c), `${list}${page} with ${c}`).toBe('BAD_USER_INPUT');
        },
      ),
      { numRuns: 15 },
    );
    const { data } = await api.ask(`{ ${place(list, '(first: 1)')} }`);
    const given = /"cursor":"([^"]+)"/.exec(JSON.stringify(data))?.[1];
    if (given !== undefined) expect(await ask('(first: 2, after: $c)', given), list).toBeUndefined();
  }
  expect(api.logLines.filter((line) => line.level === 'error')).toEqual([]);
});
