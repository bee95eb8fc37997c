import fc from 'fast-check';
import {
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPrisma, type Prisma } from '../../src/db/prisma.ts';
import { formatMinor } from '../../src/model/money.ts';
import { rootFields } from '../../src/schema/compiled/roots.ts';
import { decimalSql, globalIdSql, rowTypes, timeSql } from '../../src/schema/compiled/types.ts';
import { Documents } from '../../src/schema/documents.ts';
import { encodeGlobalId } from '../../src/schema/global-id.ts';
import { defaultLimits } from '../../src/schema/limits.ts';
import { formatTime } from '../../src/schema/scalars.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import type { OperationContext } from '../../src/schema/services.ts';
import {
  insertConnection,
  insertCustomer,
  insertIdentity,
  insertLine,
  insertLocation,
  insertOrder,
  insertPush,
  insertReceipt,
  insertRefund,
  insertStockLevel,
  insertVariant,
} from '../support/fixtures.ts';
import { recordStatements, startTestApi, type TestApi } from '../support/graphql-server.ts';

// An operation that one statement can read is answered by it; every other one field by field. Nobody may tell which.

let api: TestApi;
let prisma: Prisma;
const schema: GraphQLSchema = buildSchema();
const documents = new Documents({
  schema,
  limits: { ...defaultLimits, tokens: 20_000, aliases: 500 },
  introspection: true,
});
const ids: { customers: bigint[]; orders: bigint[]; locations: bigint[] } = {
  customers: [],
  orders: [],
  locations: [],
};

beforeAll(async () => {
  api = await startTestApi();
  const db = api.database.pool;
  prisma = createPrisma(db);
  const connection = await insertConnection(db);
  const books = await insertConnection(db, {
    platform: 'quickbooks',
    write_capabilities: ['*'],
    circuit_reason: 'Answered 503',
    circuit_open_until: '2026-11-05T01:02:03.5Z',
  });
  ids.locations = [
    await insertLocation(db, { connection_id: connection }),
    await insertLocation(db, { connection_id: connection, address: { city: 'Köln', zip: null } }),
  ];
  const people: Record<string, unknown>[] = [
    {
      currency: 'EUR',
      lifetime_value_minor: -1234,
      default_address: { city: 'Bonn "am Rhein"', address1: 'A\\B' },
    },
    { currency: 'JPY', lifetime_value_minor: 1200, first_name: null, last_name: '' },
    { currency: null, first_name: null, last_name: null, company: 'ACME' },
    {
      currency: 'KWD',
      lifetime_value_minor: 5,
      first_name: '日本',
      tags: ['a', 'b "c"'],
      note: 'two\nlines\t"quoted"',
    },
  ];
  for (const [index, values] of people.entries()) {
    const customer = await insertCustomer(db, values);
    ids.customers.push(customer);
    await insertHistory(books, 'Customer', customer);
    await insertHistory(connection, 'Customer', customer);
    await insertIdentity(db, { customer_id: customer, connection_id: connection, address: { city: 'X' } });
    for (let n = 0; n < 5; n += 1) {
      const currency = (values.currency as string | null) ?? 'EUR';
      const order = await insertOrder(db, {
        connection_id: connection,
        customer_id: n === 4 ? null : customer,
        location_id: n % 2 === 0 ? ids.locations[0] : null,
        currency,
        presentment_currency: n === 1 ? 'JPY' : 'EUR',
        placed_at: `2026-11-0${n + 1}T00:00:00.${index}23456Z`,
        total_minor: n * 7,
        rounding_minor: -3,
        refunded_minor: 2,
        channel: n % 2 === 0 ? 'online_store' : 'point_of_sale',
        financial_status: 'partially_refunded',
        billing_address: n === 0 ? { firstName: "O'Neil", countryCode: 'DE' } : null,
        cancelled_at: n === 3 ? '2026-11-05T01:02:03Z' : null,
        tags: [`tag-${n}`],
      });
      ids.orders.push(order);
      await insertHistory(books, 'Order', order);
      const line = await insertLine(db, { order_id: order, sku: null, total_minor: 1 });
      await insertLine(db, { order_id: order, position: 0, title: 'Über "alles"' });
      await db.query(
        `insert into tax_line (order_id, order_line_id, title, rate, amount_minor, presentment_amount_minor) values ($1, $2, 'VAT', 0.19, 19, 19), ($1, null, 'City', 0, 0, 0)`,
        [order, line],
      );
      await db.query(
        `insert into shipping_line (order_id, remote_id, title, price_minor, presentment_price_minor) values ($1, 's', 'Post', 490, 490)`,
        [order],
      );
      if (n < 2) {
        const refund = await insertRefund(db, { order_id: order, currency });
        await insertHistory(books, 'Refund', refund);
        await db.query(
          `insert into refund_line (refund_id, order_line_id, remote_id, quantity, restock_type, subtotal_minor, tax_minor, presentment_subtotal_minor, presentment_tax_minor)
           values ($1, $2, 'r', 1, 'return', 500, 0, 500, 0)`,
          [refund, line],
        );
        await db.query(
          `insert into refund_adjustment (refund_id, remote_id, kind, amount_minor, presentment_amount_minor) values ($1, 'a', 'shipping_refund', -5, -5)`,
          [refund],
        );
        await db.query(
          `insert into order_transaction (order_id, refund_id, remote_id, kind, status, gateway, amount_minor, currency, presentment_amount_minor, presentment_currency)
           values ($1, $2, 't', 'refund', 'success', 'cash', 500, $3, 500, 'EUR')`,
          [order, refund, currency],
        );
      }
    }
    const { variantId } = await insertVariant(db, {
      cost_minor: index === 0 ? null : 500,
      sku: `VAR-${index}`,
    });
    for (const location_id of ids.locations) {
      const level = await insertStockLevel(db, {
        variant_id: variantId,
        location_id,
        source_updated_at: index === 0 ? null : '2026-11-01T00:00:00.9999Z',
      });
      await insertHistory(connection, 'StockLevel', level);
    }
  }
});

afterAll(async () => {
  await prisma?.$disconnect();
  await api[Symbol.asyncDispose]();
});

/** Settled, then dead, then taken back: the dead one is where it stands; and another kind that is retried. */
async function insertHistory(connection_id: bigint, subject_type: string, subject_id: bigint): Promise<void> {
  const db = api.database.pool;
  const about = { connection_id, subject_type, subject_id, kind: 'first' };
  const settled = '2026-11-01T00:00:00.123456Z';
  await insertPush(db, { ...about, version: 1, status: 'settled', settled_at: settled });
  await insertPush(db, {
    ...about,
    version: 2,
    status: 'dead',
    error_code: 'X',
    error: '"no"',
    remedy: 'Look',
  });
  await insertPush(db, { ...about, version: 3, status: 'superseded', settled_at: settled });
  const other = await insertPush(db, {
    ...about,
    kind: 'another',
    status: 'retrying',
    attempts: 2,
    next_attempt_at: settled,
  });
  await insertReceipt(db, {
    push_id: other,
    attempt: 1,
    detail: JSON.stringify({ total: '12.50', lines: [1] }),
  });
  await insertReceipt(db, { push_id: other, attempt: 2, adopted: true, remote_id: '77' });
}

function context(): OperationContext {
  const services = {
    pool: api.database.pool,
    prisma,
    platforms: {},
    log: {
      warn: (facts: { err: unknown }) => {
        throw facts.err;
      },
    },
  };
  const made: OperationContext = {
    services: services as never,
    db: api.database.pool,
    actor: { name: 'test', scopes: new Set(['admin']) },
    limits: defaultLimits,
    deliver: () => {
      throw new Error('no subscription');
    },
  };
  return made;
}

/** Both answers to an operation; the first is null where one statement cannot give it. */
async function bothAnswers(query: string, variables: Record<string, unknown>): Promise<[unknown, unknown]> {
  const prepared = documents.prepare(query);
  expect(prepared.errors).toEqual([]);
  const operation = { prepared, operationName: null, variables };
  const answer = await documents.answer(operation, context());
  const fieldByField = await documents.resolve(operation, undefined, context());
  expect(fieldByField.errors).toBeUndefined();
  return [answer === null ? null : JSON.parse(answer), JSON.parse(JSON.stringify(fieldByField.data))];
}

/** Every selection that one statement can read of a type, down to a depth. */
function everything(typeName: string, depth: number): string {
  const type = schema.getType(typeName) as GraphQLObjectType;
  const known = rowTypes[typeName]?.fields ?? {};
  const parts = Object.entries(type.getFields()).flatMap(([name, field]) => {
    const target = getNamedType(field.type);
    const compiled = known[name];
    if (compiled === undefined) return [];
    if (isLeafType(target)) return [name];
    if (compiled.kind === 'inline') {
      const inner = compiled.fields({ alias: 'x', currency: 'c', presentmentCurrency: 'c' });
      return [`${name} { ${Object.keys(inner).join(' ')} __typename }`];
    }
    return depth > 0 ? [`${name} { ${everything(target.name, depth - 1)} }`] : [];
  });
  if (typeName === 'Customer' && depth > 0) {
    parts.push(
      `orders(first: 2) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { ${everything('Order', depth - 1)} } } nodes { id } }`,
    );
  }
  return ['__typename', ...parts].join(' ');
}

test('one statement answers every field that it knows as the resolvers do', async () => {
  const page = (inner: string): string =>
    `totalCount __typename pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor } edges { __typename cursor node { id } } nodes { ${inner} }`;
  const queries: [string, Record<string, unknown>][] = [
    ...ids.customers.map((id): [string, Record<string, unknown>] => [
      `query Q($id: ID!) { customer(id: $id) { ${everything('Customer', 2)} } }`,
      { id: encodeGlobalId('Customer', id) },
    ]),
    [
      `query Q($id: ID!) { order(id: $id) { ${everything('Order', 2)} } }`,
      { id: encodeGlobalId('Order', ids.orders[0] ?? 0n) },
    ],
    [`query Q($id: ID!) { order(id: $id) { number } }`, { id: encodeGlobalId('Order', 999_999n) }],
    [`{ orders(first: 7) { ${page(everything('Order', 2))} } }`, {}],
    [`{ refunds(first: 3) { ${page(everything('Refund', 2))} } }`, {}],
    [`{ products(first: 2) { ${page(everything('Product', 2))} } }`, {}],
    [`{ stockLevels(first: 5) { ${page(everything('StockLevel', 2))} } }`, {}],
    [`{ customers(sort: NAME_ASC) { ${page(everything('Customer', 1))} } }`, {}],
  ];
  for (const [query, variables] of queries) {
    const [atOnce, fieldByField] = await bothAnswers(query, variables);
    expect(atOnce).not.toBeNull();
    expect(atOnce).toEqual(fieldByField);
  }
});

test('aliases, fragments, fields that stand twice and several roots mean the same', async () => {
  const query = `query Q($id: ID!, $n: Int = 2) {
    first: orders(first: $n) { ...Page }
    second: orders(first: $n, sort: PLACED_AT_ASC, filter: { channels: [POINT_OF_SALE] }) { ...Page }
    customer(id: $id) { id orders(first: 1) { nodes { id } } ... on Node { id } }
    customer(id: $id) { name: displayName orders(first: 1) { nodes { again: number ... on Order { total { amount } } } } }
    __typename
  }
  fragment Page on OrderConnection { nodes { ...Facts lines { ... on OrderLine { sku } } } pageInfo { endCursor } }
  fragment Facts on Order { number customer { displayName } total { value: amount } total { currencyCode } }`;
  const [atOnce, fieldByField] = await bothAnswers(query, {
    id: encodeGlobalId('Customer', ids.customers[0] ?? 0n),
  });
  expect(atOnce).not.toBeNull();
  expect(JSON.stringify(atOnce)).toBe(JSON.stringify(fieldByField));
});

test('filters, orders and cursors mean the same', async () => {
  const [, first] = (await bothAnswers('{ orders(first: 4) { edges { cursor } } }', {})) as [
    unknown,
    { orders: { edges: { cursor: string }[] } },
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.record(
        {
          first: fc.integer({ min: 0, max: 8 }),
          after: fc.constantFrom(...first.orders.edges.map((edge) => edge.cursor)),
          filter: fc.record(
            {
              channels: fc.subarray(['ONLINE_STORE', 'POINT_OF_SALE', 'AMAZON']),
              customerId: fc.constantFrom(...ids.customers.map((id) => encodeGlobalId('Customer', id))),
              locationId: fc.constantFrom(...ids.locations.map((id) => encodeGlobalId('Location', id))),
              cancelled: fc.boolean(),
              refunded: fc.boolean(),
              tags: fc.subarray(['tag-0', 'tag-1']),
              placedAt: fc.record({ from: fc.constantFrom('2026-11-02T00:00:00Z', '2026-11-04T00:00:00Z') }),
            },
            { requiredKeys: [] },
          ),
        },
        { requiredKeys: [] },
      ),
      async (variables) => {
        const [atOnce, fieldByField] = await bothAnswers(
          `query Q($first: Int, $after: String, $filter: OrderFilter) {
            orders(first: $first, after: $after, filter: $filter) { totalCount edges { cursor } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }
          }`,
          variables,
        );
        expect(atOnce).not.toBeNull();
        expect(atOnce).toEqual(fieldByField);
      },
    ),
    { numRuns: 60 },
  );
});

test('what one statement cannot say is answered field by field, errors included', async () => {
  for (const query of [
    '{ orders(first: 1) { nodes { records { remoteId } } } }',
    '{ orders(first: 1) { nodes { number @include(if: true) } } }',
    '{ orders(last: 1) { nodes { number } } }',
    '{ locations { name } }',
  ]) {
    const [atOnce, fieldByField] = await bothAnswers(query, {});
    expect(atOnce).toBeNull();
    expect(fieldByField).toBeTruthy();
  }
  const refused = await api.ask('{ orders(first: 251) { nodes { number } } }');
  expect(refused.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
});

test('a query that one statement answers takes one', async () => {
  const { result, statements } = await recordStatements(api.database, () =>
    api.ask(`{ orders(first: 50) { nodes { number customer { displayName } lines { title } } } }`),
  );
  expect(result.data.orders.nodes).toHaveLength(20);
  expect(statements).toHaveLength(1);
});

test('amounts, ids and times are written in SQL as they are in code', async () => {
  const cases: [string, string][] = [];
  for (const currency of ['EUR', 'JPY', 'KWD', 'USD']) {
    for (const minor of ['0', '1', '-1', '99', '-100', '123456789012345678', '-9'])
      cases.push([minor, currency]);
  }
  const { rows } = await api.database.pool.query<{ amount: string; minor: string; currency: string }>(
    `select ${decimalSql('c.minor::bigint', 'c.currency')} as amount, c.minor, c.currency
     from unnest($1::text[], $2::text[]) as c(minor, currency)`,
    [cases.map(([minor]) => minor), cases.map(([, currency]) => currency)],
  );
  expect(rows).toHaveLength(cases.length);
  for (const { amount, minor, currency } of rows) expect(amount).toBe(formatMinor(BigInt(minor), currency));

  const types = Object.keys(rowTypes);
  const numbers = ['1', '12', '123', '1234', '999999999999999999'];
  for (const type of types) {
    const answer = await api.database.pool.query<{ id: string; number: string }>(
      `select ${globalIdSql(type, 'n.number')} as id, n.number from unnest($1::text[]) as n(number)`,
      [numbers],
    );
    for (const { id, number } of answer.rows) expect(id).toBe(encodeGlobalId(type, number));
  }

  for (const moment of [
    '2026-11-01T00:00:00Z',
    '1999-12-31T23:59:59.9999Z',
    '2026-06-01T12:00:00.0005+02:00',
  ]) {
    for (const zone of ['UTC', 'America/St_Johns', 'Asia/Kathmandu']) {
      const client = await api.database.pool.connect();
      try {
        await client.query(`set timezone = '${zone}'`);
        const answer = await client.query<{ sql: string; text: string }>(
          `select ${timeSql('m.at')} as sql, m.at::text as text from (select $1::timestamptz as at) m`,
          [moment],
        );
        expect(answer.rows[0]?.sql).toBe(formatTime(answer.rows[0]?.text ?? ''));
      } finally {
        await client.query('reset timezone');
        client.release();
      }
    }
  }
});

test('every field that stands in SQL is one of the schema, of the same shape', () => {
  for (const [typeName, { fields }] of Object.entries(rowTypes)) {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) throw new Error(`${typeName} is no type`);
    for (const [name, field] of Object.entries(fields)) {
      const definition = type.getFields()[name];
      if (definition === undefined) throw new Error(`${typeName}.${name} is no field`);
      const outer = isNonNullType(definition.type) ? definition.type.ofType : definition.type;
      expect([typeName, name, isListType(outer) && field.kind !== 'value']).toEqual([
        typeName,
        name,
        field.kind === 'many',
      ]);
      if (field.kind !== 'value') expect(getNamedType(definition.type).name).toBe(field.type);
    }
  }
  for (const name of Object.keys(rootFields)) expect(schema.getQueryType()?.getFields()[name]).toBeDefined();
});
