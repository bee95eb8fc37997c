import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  insertConnection,
  insertCustomer,
  insertDelivery,
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

let api: TestApi;
const ids: Record<string, bigint> = {};

beforeAll(async () => {
  api = await startTestApi();
  const db = api.database.pool;
  const connection = await insertConnection(db, { name: 'Berlin shop', write_capabilities: ['orderEdit'] });
  ids.connection = connection;
  const customer = await insertCustomer(db, {
    first_name: 'Grace',
    last_name: 'Hopper',
    email: 'grace@example.com',
    lifetime_value_minor: 123456,
    order_count: 12,
    provenance: JSON.stringify({ email: { source: 'shopify', at: '2026-11-01T00:00:00Z' } }),
  });
  ids.customer = customer;
  await insertIdentity(db, {
    customer_id: customer,
    connection_id: connection,
    email: 'g.hopper@navy.example',
    remote_id: 'remote-grace',
  });
  for (let index = 0; index < 12; index += 1) {
    const order = await insertOrder(db, {
      connection_id: connection,
      customer_id: customer,
      number: `#${2000 + index}`,
      placed_at: new Date(Date.UTC(2026, 10, 1, 0, index)).toISOString(),
      channel: index % 2 === 0 ? 'online_store' : 'point_of_sale',
      tags: index === 3 ? ['vip', 'gift'] : ['vip'],
      refunded_minor: index === 11 ? 500 : 0,
    });
    await insertLine(db, { order_id: order, position: 1, sku: 'SHIRT' });
    await insertLine(db, { order_id: order, position: 2, sku: 'SOCKS' });
    if (index === 11) {
      await insertRefund(db, { order_id: order });
      ids.lastOrder = order;
      const push = await insertPush(db, {
        connection_id: connection,
        kind: 'salesReceipt',
        subject_type: 'Order',
        subject_id: order,
        status: 'settled',
        settled_at: '2026-11-01T00:00:00Z',
      });
      await insertReceipt(db, {
        push_id: push,
        remote_id: '145',
        detail: JSON.stringify({ total: '20.00' }),
      });
      await db.query(
        `insert into link (connection_id, entity_type, entity_id, remote_type, remote_id) values ($1, 'Order', $2, 'SalesReceipt', '145')`,
        [connection, order],
      );
    }
  }
  const { variantId } = await insertVariant(db, { sku: 'SHIRT' });
  const first = await insertLocation(db, { connection_id: connection, name: 'Berlin' });
  const second = await insertLocation(db, { connection_id: connection, name: 'Hamburg' });
  await insertStockLevel(db, { variant_id: variantId, location_id: first, on_hand: 7, available: 7 });
  await insertStockLevel(db, { variant_id: variantId, location_id: second, on_hand: 2, available: 2 });
  const delivery = await insertDelivery(db, { connection_id: connection });
  ids.delivery = delivery;
  await insertPush(db, {
    connection_id: connection,
    subject_id: customer,
    status: 'plan',
    delivery_id: delivery,
  });
});

afterAll(() => api[Symbol.asyncDispose]());

describe('what is read', () => {
  test('a customer comes with identities, provenance, orders, lines and refunds, and never in more statements than levels', async () => {
    const query = `query Q($id: ID!) {
      customer(id: $id) {
        displayName
        lifetimeValue { amount currencyCode }
        provenance { field platform at }
        identities { remoteId source { platform updatedAt } }
        orders(first: 10) {
          totalCount
          nodes { number total { amount currencyCode } lines { sku quantity } refunds { total { amount } } }
          pageInfo { hasNextPage }
        }
      }
    }`;
    const id = Buffer.from(`Customer:${ids.customer}`).toString('base64url');
    for (let round = 0; round < 3; round += 1) {
      const { result, statements } = await recordStatements(api.database, () => api.ask(query, { id }));
      expect(result.errors).toBeUndefined();
      const customer = result.data.customer;
      expect(customer).toMatchObject({
        displayName: 'Grace Hopper',
        lifetimeValue: { amount: '1234.56', currencyCode: 'EUR' },
        provenance: [{ field: 'email', platform: 'SHOPIFY', at: '2026-11-01T00:00:00.000Z' }],
        identities: [
          {
            remoteId: 'remote-grace',
            source: { platform: 'SHOPIFY', updatedAt: '2026-11-01T00:00:00.000Z' },
          },
        ],
      });
      expect(customer.orders.totalCount).toBe(12);
      expect(customer.orders.pageInfo.hasNextPage).toBe(true);
      expect(customer.orders.nodes).toHaveLength(10);
      expect(customer.orders.nodes[0]).toEqual({
        number: '#2011',
        total: { amount: '20.00', currencyCode: 'EUR' },
        lines: [
          { sku: 'SHIRT', quantity: 2 },
          { sku: 'SOCKS', quantity: 2 },
        ],
        refunds: [{ total: { amount: '5.00' } }],
      });
      // customer, identities, orders, count, lines, refunds; the platform of a connection once per process.
      expect(statements.filter((text) => !/from connection$/.test(text))).toHaveLength(6);
    }
  });

  test('fifty orders with customer and lines take one statement, and one more per relation that it cannot say', async () => {
    const ask = (more: string) =>
      recordStatements(api.database, () =>
        api.ask(
          `{ orders(first: 50) { nodes { number customer { displayName } lines { title } ${more} } } }`,
        ),
      );
    const { result, statements } = await ask('');
    expect(result.data.orders.nodes).toHaveLength(12);
    expect(result.data.orders.nodes[0].customer.displayName).toBe('Grace Hopper');
    expect(statements).toHaveLength(1);
    const { result: withRecords, statements: fieldByField } = await ask('records { remoteId }');
    expect(withRecords.data.orders.nodes[0].lines).toHaveLength(2);
    expect(fieldByField).toHaveLength(4);
  });

  test('where orders stand at the platforms takes one statement, or three beside what it cannot say', async () => {
    const standing = 'pushes { kind status connection { platform name } receipts { remoteId detail } }';
    const ask = (more: string) =>
      recordStatements(api.database, () =>
        api.ask(
          `{ customers(first: 5) { nodes { ${standing} orders(first: 3) { nodes { ${standing} ${more} } } } } }`,
        ),
      );
    const { result, statements } = await ask('');
    expect(result.errors).toBeUndefined();
    expect(result.data.customers.nodes[0].pushes).toEqual([
      {
        kind: 'contact',
        status: 'PLAN',
        connection: { platform: 'SHOPIFY', name: 'Berlin shop' },
        receipts: [],
      },
    ]);
    expect(result.data.customers.nodes[0].orders.nodes[0].pushes).toEqual([
      {
        kind: 'salesReceipt',
        status: 'SETTLED',
        connection: { platform: 'SHOPIFY', name: 'Berlin shop' },
        receipts: [{ remoteId: '145', detail: { total: '20.00' } }],
      },
    ]);
    expect(statements).toHaveLength(1);
    // Customers, orders, and for each of the two levels of pushes: which ones, they themselves, connections, receipts.
    const { result: slower, statements: fieldByField } = await ask('discounts { code }');
    expect(slower.data.customers.nodes[0].orders.nodes[0].pushes).toEqual(
      result.data.customers.nodes[0].orders.nodes[0].pushes,
    );
    expect(fieldByField.length).toBeLessThanOrEqual(11);
    const { data } = await api.ask(
      `{ orders(first: 1) { nodes { pushes { record { remoteType remoteId source { platform } } } } } }`,
    );
    expect(data.orders.nodes[0].pushes[0].record).toEqual({
      remoteType: 'SalesReceipt',
      remoteId: '145',
      source: { platform: 'SHOPIFY' },
    });
  });

  test('orders are counted and summed up per currency, under many customers in one statement each', async () => {
    const { data } = await api.ask(`{
      orders(first: 1, filter: { channels: [POINT_OF_SALE] }) {
        totals { count total { amount currencyCode } refundedTotal { amount } netTotal { amount } } } }`);
    expect(data.orders.totals).toEqual([
      {
        count: 6,
        total: { amount: '120.00', currencyCode: 'EUR' },
        refundedTotal: { amount: '5.00' },
        netTotal: { amount: '115.00' },
      },
    ]);
    const nobody = await insertCustomer(api.database.pool, { first_name: 'Nobody', last_name: null });
    const { result, statements } = await recordStatements(api.database, () =>
      api.ask(
        `{ customers { nodes { displayName orders(first: 1) { totalCount totals { count } nodes { number } } } } }`,
      ),
    );
    expect(result.data.customers.nodes).toEqual([
      {
        displayName: 'Nobody',
        orders: { totalCount: 0, totals: [], nodes: [] },
      },
      {
        displayName: 'Grace Hopper',
        orders: { totalCount: 12, totals: [{ count: 12 }], nodes: [{ number: '#2011' }] },
      },
    ]);
    expect(statements).toHaveLength(4);
    await api.database.pool.query('delete from customer where id = $1', [nobody]);
  });

  test('stock of SKUs at all locations takes one statement and tells how fresh it is', async () => {
    const { result, statements } = await recordStatements(api.database, () =>
      api.ask(`{ stockLevels(skus: ["SHIRT", "NONE"]) {
        nodes { available variant { sku } location { name } freshness { observedAt } } } }`),
    );
    expect(result.data.stockLevels.nodes).toEqual([
      {
        available: 7,
        variant: { sku: 'SHIRT' },
        location: { name: 'Berlin' },
        freshness: { observedAt: '2026-11-01T00:00:01.000Z' },
      },
      {
        available: 2,
        variant: { sku: 'SHIRT' },
        location: { name: 'Hamburg' },
        freshness: { observedAt: '2026-11-01T00:00:01.000Z' },
      },
    ]);
    expect(statements).toHaveLength(1);
  });

  test('nodes are found again by their ids, and unknown ones are null', async () => {
    const { data } = await api.ask(`{ orders(first: 1) { nodes { id lines { id } } } }`);
    const [order] = data.orders.nodes;
    const gone = Buffer.from('Order:999999').toString('base64url');
    const { data: found, errors } = await api.ask(
      `query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Order { number } ... on OrderLine { sku order { number } } } }`,
      { ids: [order.id, gone, order.lines[1].id] },
    );
    expect(errors).toBeUndefined();
    expect(found.nodes).toEqual([
      { __typename: 'Order', id: order.id, number: '#2011' },
      null,
      { __typename: 'OrderLine', id: order.lines[1].id, sku: 'SOCKS', order: { number: '#2011' } },
    ]);
  });

  test('ids that are none are refused with a code', async () => {
    const wrong = await api.ask(`{ order(id: "nonsense") { number } }`);
    expect(wrong.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
    const otherType = Buffer.from(`Customer:${ids.customer}`).toString('base64url');
    const mismatch = await api.ask(`query Q($id: ID!) { order(id: $id) { number } }`, { id: otherType });
    expect(mismatch.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
  });

  test('a customer is found by any of their addresses in any case', async () => {
    for (const email of ['GRACE@example.com', ' g.hopper@navy.example ']) {
      const { data } = await api.ask(
        `query Q($email: String!) { customerByEmail(email: $email) { displayName } }`,
        {
          email,
        },
      );
      expect(data.customerByEmail).toEqual({ displayName: 'Grace Hopper' });
    }
    expect(
      (await api.ask(`{ customerByEmail(email: "nobody@example.com") { id } }`)).data.customerByEmail,
    ).toBeNull();
  });

  test('an order is found by its number with or without the sign', async () => {
    for (const number of ['2003', '#2003']) {
      const { data } = await api.ask(
        `query Q($number: String!) { orderByNumber(number: $number) { number } }`,
        {
          number,
        },
      );
      expect(data.orderByNumber).toEqual({ number: '#2003' });
    }
  });

  test('every filter of orders narrows the list', async () => {
    const count = async (filter: string): Promise<number> => {
      const { data, errors } = await api.ask(`{ orders(filter: ${filter}) { totalCount } }`);
      expect(errors).toBeUndefined();
      return data.orders.totalCount;
    };
    const customerId = Buffer.from(`Customer:${ids.customer}`).toString('base64url');
    expect(await count('{}')).toBe(12);
    expect(await count('{ channels: [POINT_OF_SALE] }')).toBe(6);
    expect(await count('{ channels: [] }')).toBe(0);
    expect(await count('{ tags: ["vip", "gift"] }')).toBe(1);
    for (const number of ['#2004', '2004', ' 2004 ']) expect(await count(`{ number: "${number}" }`)).toBe(1);
    expect(await count('{ number: "200" }')).toBe(0);
    // What is given and empty is no filter left out.
    for (const filter of ['sku', 'email', 'number']) expect(await count(`{ ${filter}: "" }`)).toBe(0);
    expect(await count('{ sku: "SHIRT" }')).toBe(12);
    expect(await count('{ sku: "NONE" }')).toBe(0);
    expect(await count('{ refunded: true }')).toBe(1);
    expect(await count('{ cancelled: true }')).toBe(0);
    expect(await count('{ test: false }')).toBe(12);
    expect(await count(`{ customerId: "${customerId}" }`)).toBe(12);
    expect(await count('{ financialStatuses: [PAID], fulfilmentStatuses: [UNFULFILLED] }')).toBe(12);
    expect(await count('{ totalAtLeast: "20.01", currencyCode: "EUR" }')).toBe(0);
    expect(await count('{ totalAtMost: "20.00", currencyCode: "EUR" }')).toBe(12);
    expect(await count('{ placedAt: { from: "2026-11-01T00:10:00Z", until: "2026-11-01T00:11:00Z" } }')).toBe(
      1,
    );
    const unclear = await api.ask(`{ orders(filter: { totalAtLeast: "1.00" }) { totalCount } }`);
    expect(unclear.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
  });

  test('every filter of customers narrows the list', async () => {
    const count = async (filter: string): Promise<number> =>
      (await api.ask(`{ customers(filter: ${filter}) { totalCount } }`)).data.customers.totalCount;
    expect(await count('{ email: "GRACE@example.com" }')).toBe(1);
    expect(await count('{ nameStartsWith: "grace ho" }')).toBe(1);
    expect(await count('{ nameStartsWith: "Hopp" }')).toBe(1);
    expect(await count('{ nameStartsWith: "opper" }')).toBe(0);
    expect(await count('{ nameStartsWith: "gr%ce" }')).toBe(0);
    expect(await count('{ knownAt: SHOPIFY }')).toBe(1);
    expect(await count('{ knownAt: HUBSPOT }')).toBe(0);
    expect(await count('{ hasOrders: true, lifetimeValueAtLeast: "1234.56", currencyCode: "EUR" }')).toBe(1);
  });

  test('the console shows deliveries and pushes with their relations, and says why work waits', async () => {
    const { data, errors } = await api.ask(`{
      connections { name platform circuit availableCapabilities pushes { totalCount } }
      deliveries(filter: { statuses: [PENDING] }) {
        totalCount
        nodes { topic status connection { name } pushes { kind } content { ... on DeliveryContent { json } } }
      }
      pushes(filter: { platform: SHOPIFY, statuses: [PLAN] }) { nodes { kind status body subject { ... on Customer { displayName } } receipts { remoteId } } }
      syncStatus { head connections { planned waiting dead work { what kind status count reason remedy } } }
    }`);
    expect(errors).toBeUndefined();
    expect(data.connections).toEqual([
      {
        name: 'Berlin shop',
        platform: 'SHOPIFY',
        circuit: 'CLOSED',
        availableCapabilities: [],
        pushes: { totalCount: 2 },
      },
    ]);
    expect(data.deliveries).toEqual({
      totalCount: 1,
      nodes: [
        {
          topic: 'orders/create',
          status: 'PENDING',
          connection: { name: 'Berlin shop' },
          pushes: [{ kind: 'contact' }],
          content: { json: { id: '9007199254740993' } },
        },
      ],
    });
    expect(data.pushes.nodes).toEqual([
      {
        kind: 'contact',
        status: 'PLAN',
        body: { firstname: 'Ada' },
        subject: { displayName: 'Grace Hopper' },
        receipts: [],
      },
    ]);
    expect(data.syncStatus).toEqual({
      head: '0',
      connections: [
        {
          planned: 1,
          waiting: 1,
          dead: 0,
          work: [
            {
              what: 'delivery',
              kind: 'orders/create',
              status: 'WAITING',
              count: 1,
              reason: 'Waiting for its turn.',
              remedy: null,
            },
            {
              what: 'push',
              kind: 'contact',
              status: 'PLANNED',
              count: 1,
              reason: 'Writing `contact` is not unlocked for Berlin shop.',
              remedy: 'Look at the plans in `pushes`, then unlock with `connectionWriteUnlock`.',
            },
          ],
        },
      ],
    });
  });

  test('content that was erased says so instead of failing', async () => {
    const db = api.database.pool;
    const erased = await insertDelivery(db, { connection_id: ids.connection ?? 0n, body: Buffer.alloc(0) });
    const broken = await insertDelivery(db, {
      connection_id: ids.connection ?? 0n,
      body: Buffer.from('<xml>'),
    });
    const { data } = await api.ask(
      `query Q($ids: [ID!]!) { nodes(ids: $ids) { ... on Delivery { content { __typename } } } }`,
      {
        ids: [erased, broken].map((id) => Buffer.from(`Delivery:${id}`).toString('base64url')),
      },
    );
    expect(data.nodes).toEqual([
      { content: { __typename: 'ContentErased' } },
      { content: { __typename: 'ContentUnreadable' } },
    ]);
  });

  test('sealed credentials are never read for the API', async () => {
    const { statements } = await recordStatements(api.database, () =>
      api.ask(
        `{ connections { id name status deliveries { nodes { id } } } syncStatus { head connections { connection { name } } } }`,
      ),
    );
    expect(statements.length).toBeGreaterThan(0);
    expect(statements.filter((text) => /credentials|"body"/.test(text))).toEqual([]);
  });
});
