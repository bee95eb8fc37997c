import { describe, expect, test } from 'vitest';
import { type GraphqlAnswer, graphqlOf, openShop } from './shopify-support.ts';

const path = '/admin/api/2026-07/graphql.json';

async function post(url: string, body: string, token: string | null = 'shpat_sandbox'): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { 'x-shopify-access-token': token }),
    },
    body,
  });
}

describe('the endpoint', () => {
  test('refuses a missing and a wrong token with the platform’s words', async () => {
    await using sandbox = await openShop();
    for (const token of [null, 'shpat_wrong']) {
      const response = await post(sandbox.url, '{"query":"{ shop { name } }"}', token);
      expect(response.status).toBe(401);
      expect(await response.json()).toEqual({
        errors: '[API] Invalid API key or access token (unrecognized login or wrong password)',
      });
    }
  });

  test('knows only its own version, and names every request', async () => {
    await using sandbox = await openShop();
    const other = await fetch(sandbox.url + path.replace('2026-07', '2025-01'), {
      method: 'POST',
      body: '{}',
    });
    expect(other.status).toBe(404);
    const first = await post(sandbox.url, '{"query":"{ shop { name } }"}');
    const second = await post(sandbox.url, '{"query":"{ shop { name } }"}');
    expect(first.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(first.headers.get('x-request-id')).not.toBe(second.headers.get('x-request-id'));
    expect((await post(sandbox.url, 'no json')).status).toBe(400);
    expect((await post(sandbox.url, '{}')).status).toBe(400);
  });

  test('answers what the schema does not have with errors inside HTTP 200', async () => {
    await using sandbox = await openShop();
    const response = await post(sandbox.url, '{"query":"{ shop { nothing } }"}');
    expect(response.status).toBe(200);
    const body = (await response.json()) as { errors: { message: string }[] };
    expect(body.errors[0]?.message).toContain('Cannot query field "nothing" on type "Shop"');
  });

  test('refuses what the app’s scopes do not cover; who may write may read', async () => {
    await using sandbox = await openShop();
    const graphql = graphqlOf(sandbox);
    const denied = async (document: string) => (await graphql(document)).errors?.[0];
    const update =
      'mutation { orderUpdate(input: { id: "gid://shopify/Order/1" }) { userErrors { message } } }';
    sandbox.withholdScopes(['write_orders']);
    expect(await denied(update)).toMatchObject({
      message: 'Access denied for orderUpdate field. Required access: `write_orders` access scope.',
      extensions: { code: 'ACCESS_DENIED' },
    });
    expect(await denied('{ ordersCount { count } }')).toBeUndefined();
    sandbox.withholdScopes(['read_orders']);
    expect(await denied('{ ordersCount { count } }')).toBeUndefined();
    sandbox.withholdScopes(['read_orders', 'write_orders']);
    expect(await denied('{ ordersCount { count } }')).toMatchObject({
      extensions: { code: 'ACCESS_DENIED' },
    });
    sandbox.withholdScopes([]);
    expect(await denied(update)).toBeUndefined();
  });

  test('refuses customer data to an app that was not approved, inside HTTP 200', async () => {
    await using sandbox = await openShop();
    const graphql = graphqlOf(sandbox);
    sandbox.setProtectedDataApproved(false);
    const answer = await graphql('{ orders(first: 1) { nodes { id } } }');
    expect(answer.errors?.[0]?.extensions?.code).toBe('ACCESS_DENIED');
    sandbox.setProtectedDataApproved(true);
    expect((await graphql('{ orders(first: 1) { nodes { id } } }')).errors).toBeUndefined();
  });
});

describe('the cost throttle', () => {
  test('charges what was answered, refuses what has no room, and refills with time', async () => {
    let nowMs = 1_000_000;
    await using sandbox = await openShop({ now: () => nowMs, maximumPoints: 30, restorePerSecond: 5 });
    const graphql = graphqlOf(sandbox);
    const query = '{ products(first: 10) { nodes { id variants(first: 1) { nodes { id } } } } }';
    const first = await graphql(query);
    // 2 for the page and 5 (ten items sized) × (1 for the product + 2 for its page + 1 for one variant).
    expect(first.extensions?.cost.requestedQueryCost).toBe(22);
    // Three products: 2 + sized(3)=2 × 4.
    expect(first.extensions?.cost.actualQueryCost).toBe(10);
    expect(first.extensions?.cost.throttleStatus).toEqual({
      maximumAvailable: 30,
      currentlyAvailable: 20,
      restoreRate: 5,
    });
    const throttled = await post(sandbox.url, JSON.stringify({ query }));
    expect(throttled.status).toBe(200);
    expect(await throttled.json()).toEqual({
      errors: [
        {
          message: 'Throttled',
          extensions: { code: 'THROTTLED', documentation: 'https://shopify.dev/api/usage/rate-limits' },
        },
      ],
      extensions: {
        cost: {
          requestedQueryCost: 22,
          actualQueryCost: null,
          throttleStatus: { maximumAvailable: 30, currentlyAvailable: 20, restoreRate: 5 },
        },
      },
    });
    nowMs += 400;
    expect((await graphql(query)).errors).toBeUndefined();
    sandbox.setLimits(false);
    for (let index = 0; index < 5; index += 1) expect((await graphql(query)).errors).toBeUndefined();
  });

  test('refuses a query that could never fit, whatever the bucket holds', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const answer = await graphql(
      '{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { taxLines { priceSet { shopMoney { amount } presentmentMoney { amount } } } originalUnitPriceSet { shopMoney { amount } presentmentMoney { amount } } } } } } }',
    );
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'MAX_COST_EXCEEDED', maxCost: 1000 });
  });
});

describe('lists', () => {
  test('page forwards and backwards by cursor, each record once', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const names = Array.from({ length: 7 }, () => sandbox.placeOrder({ lines: [{ sku: 'MUG' }] }).name);
    for (const sortKey of ['ID', 'CREATED_AT', 'UPDATED_AT', 'TOTAL_PRICE']) {
      for (const reverse of [false, true]) {
        const seen: string[] = [];
        let after: string | null = null;
        for (let page = 0; page < 4; page += 1) {
          const answer: GraphqlAnswer<unknown> = await graphql(
            `query ($after: String, $reverse: Boolean) { orders(first: 2, after: $after, sortKey: ${sortKey}, reverse: $reverse) { nodes { name } pageInfo { hasNextPage endCursor } } }`,
            { after, reverse },
          );
          seen.push(...answer.data.orders.nodes.map((one: { name: string }) => one.name));
          expect(answer.data.orders.pageInfo.hasNextPage).toBe(page < 3);
          after = answer.data.orders.pageInfo.endCursor;
        }
        expect(seen).toEqual(reverse ? names.toReversed() : names);
      }
    }
    const last = await graphql(
      '{ orders(last: 2) { nodes { name } pageInfo { hasPreviousPage startCursor } } }',
    );
    expect(last.data.orders.nodes.map((one: { name: string }) => one.name)).toEqual(names.slice(-2));
    const before = await graphql(
      'query ($before: String) { orders(last: 2, before: $before) { nodes { name } pageInfo { hasPreviousPage } } }',
      { before: last.data.orders.pageInfo.startCursor },
    );
    expect(before.data.orders.nodes.map((one: { name: string }) => one.name)).toEqual(names.slice(3, 5));
  });

  test('insist on a page size of at most 250 and on cursors of their own', async () => {
    await using sandbox = await openShop();
    const graphql = graphqlOf(sandbox);
    const none = await graphql('{ orders { nodes { id } } }');
    expect(none.errors?.[0]?.message).toBe('you must provide one of first or last');
    const many = await graphql('{ orders(first: 251) { nodes { id } } }');
    expect(many.errors?.[0]?.message).toBe('first cannot exceed 250');
    const stray = await graphql('{ orders(first: 1, after: "abc") { nodes { id } } }');
    expect(stray.errors?.[0]?.extensions?.code).toBe('INVALID_CURSOR');
  });

  test('lose nothing to a sweep by updated_at while orders change', async () => {
    let nowMs = Date.parse('2026-11-01T00:00:00Z');
    await using sandbox = await openShop({ limits: false, now: () => nowMs });
    const graphql = graphqlOf(sandbox);
    const ids: string[] = [];
    for (let index = 0; index < 6; index += 1) {
      nowMs += 1000;
      ids.push(sandbox.placeOrder({ lines: [{ sku: 'MUG' }] }).id);
    }
    const page = async (query: string, after: string | null) =>
      (
        await graphql(
          'query ($query: String, $after: String) { orders(first: 2, sortKey: UPDATED_AT, query: $query, after: $after) { nodes { legacyResourceId } pageInfo { hasNextPage endCursor } } }',
          { query, after },
        )
      ).data.orders;
    const since = "updated_at:>='2026-11-01T00:00:03Z'";
    const first = await page(since, null);
    expect(first.nodes.map((one: { legacyResourceId: string }) => one.legacyResourceId)).toEqual(
      ids.slice(2, 4),
    );
    nowMs += 1000;
    sandbox.updateOrder(ids[3] ?? '', { note: 'moved to the end' });
    sandbox.updateOrder(ids[0] ?? '', { note: 'came in from before' });
    sandbox.updateOrder(ids[4] ?? '', { note: 'moved before it was seen' });
    const rest: string[] = [];
    let after = first.pageInfo.endCursor;
    for (let more = true; more; ) {
      const next = await page(since, after);
      rest.push(...next.nodes.map((one: { legacyResourceId: string }) => one.legacyResourceId));
      more = next.pageInfo.hasNextPage;
      after = next.pageInfo.endCursor;
    }
    expect(rest).toEqual([ids[5], ids[0], ids[3], ids[4]]);
  });

  test('understand the search language', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const paid = sandbox.placeOrder({
      channel: 'pos',
      customerEmail: 'ada@example.com',
      lines: [{ sku: 'MUG' }],
      tags: ['vip'],
    });
    const open = sandbox.placeOrder({ lines: [{ sku: 'LAMP' }], paid: false, note: 'blue ribbon' });
    const find = async (query: string): Promise<string[]> =>
      (
        await graphql('query ($query: String) { orders(first: 9, query: $query) { nodes { name } } }', {
          query,
        })
      ).data.orders.nodes.map((one: { name: string }) => one.name);
    expect(await find(`name:${paid.name}`)).toEqual([paid.name]);
    expect(await find(`id:${open.id}`)).toEqual([open.name]);
    expect(await find('financial_status:pending')).toEqual([open.name]);
    expect(await find('source_name:pos AND tag:VIP')).toEqual([paid.name]);
    expect(await find('sku:MUG OR sku:LAMP')).toEqual([paid.name, open.name]);
    expect(await find('-sku:MUG')).toEqual([open.name]);
    expect(await find('NOT sku:MUG')).toEqual([open.name]);
    expect(await find('"blue ribbon"')).toEqual([open.name]);
    expect(await find('email:ada*')).toEqual([paid.name]);
    expect(await find('created_at:<2020-01-01')).toEqual([]);
    const customers = await graphql(
      '{ customers(first: 5, query: "email:ADA@example.com") { nodes { email numberOfOrders } } }',
    );
    expect(customers.data.customers.nodes).toEqual([{ email: 'ada@example.com', numberOfOrders: '1' }]);
    const variants = await graphql(
      '{ productVariants(first: 5, query: "sku:ROPE") { nodes { sku price } } }',
    );
    expect(variants.data.productVariants.nodes).toEqual([{ sku: 'ROPE', price: '3.33' }]);
    const counts = await graphql(
      '{ ordersCount(query: "sku:MUG") { count precision } all: ordersCount(limit: 1) { count precision } }',
    );
    expect(counts.data).toEqual({
      ordersCount: { count: 1, precision: 'EXACT' },
      all: { count: 1, precision: 'AT_LEAST' },
    });
  });
});

const setQuantities =
  'mutation ($input: InventorySetQuantitiesInput!, $key: String!) { inventorySetQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { reason changes { name delta quantityAfterChange item { sku } location { name } } } userErrors { code field message } } }';
const adjustQuantities =
  'mutation ($input: InventoryAdjustQuantitiesInput!, $key: String!) { inventoryAdjustQuantities(input: $input) @idempotent(key: $key) { inventoryAdjustmentGroup { changes { name delta quantityAfterChange } } userErrors { code field message } } }';

describe('inventory mutations', () => {
  async function stocked() {
    const sandbox = await openShop({ limits: false });
    const variant = sandbox.shop.variantBySku.get('MUG');
    const inventoryItemId = `gid://shopify/InventoryItem/${variant?.inventoryItemId}`;
    const [first] = sandbox.shop.locations.keys();
    const locationId = `gid://shopify/Location/${first}`;
    const available = () => sandbox.shop.level(variant?.inventoryItemId ?? '', first ?? '')?.available;
    return { sandbox, graphql: graphqlOf(sandbox), inventoryItemId, locationId, available };
  }

  test('fail without @idempotent, as only the run time knows', async () => {
    const { sandbox, graphql, inventoryItemId, locationId, available } = await stocked();
    await using _ = sandbox;
    const answer = await graphql(
      'mutation ($input: InventoryAdjustQuantitiesInput!) { inventoryAdjustQuantities(input: $input) { userErrors { code } } }',
      {
        input: {
          name: 'available',
          reason: 'correction',
          changes: [{ delta: 5, inventoryItemId, locationId, changeFromQuantity: null }],
        },
      },
    );
    expect(answer.errors?.[0]).toMatchObject({
      message: 'The @idempotent directive is required for this mutation but was not provided.',
      extensions: { code: 'BAD_REQUEST' },
    });
    expect(available()).toBe(100);
  });

  test('take effect once per key and answer a replay as they did the first time', async () => {
    const { sandbox, graphql, inventoryItemId, locationId, available } = await stocked();
    await using _ = sandbox;
    const input = {
      name: 'available',
      reason: 'correction',
      changes: [{ delta: -3, inventoryItemId, locationId, changeFromQuantity: null }],
    };
    const first = await graphql(adjustQuantities, { input, key: 'one' });
    expect(first.data.inventoryAdjustQuantities).toEqual({
      inventoryAdjustmentGroup: {
        changes: [
          { name: 'available', delta: -3, quantityAfterChange: 97 },
          { name: 'on_hand', delta: -3, quantityAfterChange: 97 },
        ],
      },
      userErrors: [],
    });
    expect((await graphql(adjustQuantities, { input, key: 'one' })).data).toEqual(first.data);
    expect(available()).toBe(97);
    const other = await graphql(adjustQuantities, { input: { ...input, reason: 'damaged' }, key: 'one' });
    expect(other.data.inventoryAdjustQuantities.userErrors[0].code).toBe(
      'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
    );
    await graphql(adjustQuantities, { input, key: 'two' });
    expect(available()).toBe(94);
  });

  test('compare before they set, and then set all or nothing', async () => {
    const { sandbox, graphql, inventoryItemId, locationId, available } = await stocked();
    await using _ = sandbox;
    const lamp = sandbox.shop.variantBySku.get('LAMP')?.inventoryItemId ?? '';
    const entry = { inventoryItemId, locationId, quantity: 40, changeFromQuantity: 100 };
    const stale = await graphql(setQuantities, {
      key: 'a',
      input: {
        name: 'available',
        reason: 'correction',
        quantities: [
          entry,
          { ...entry, inventoryItemId: `gid://shopify/InventoryItem/${lamp}`, changeFromQuantity: 99 },
        ],
      },
    });
    expect(stale.data.inventorySetQuantities).toEqual({
      inventoryAdjustmentGroup: null,
      userErrors: [
        {
          code: 'CHANGE_FROM_QUANTITY_STALE',
          field: ['input', 'quantities', '1', 'changeFromQuantity'],
          message: 'The changeFromQuantity argument no longer matches the persisted quantity.',
        },
      ],
    });
    expect(available()).toBe(100);
    const done = await graphql(setQuantities, {
      key: 'b',
      input: { name: 'available', reason: 'correction', quantities: [entry] },
    });
    expect(done.data.inventorySetQuantities.inventoryAdjustmentGroup.changes[0]).toEqual({
      name: 'available',
      delta: -60,
      quantityAfterChange: 40,
      item: { sku: 'MUG' },
      location: { name: 'Roosevelt Row' },
    });
    expect(available()).toBe(40);
    const optedOut = await graphql(setQuantities, {
      key: 'c',
      input: {
        name: 'on_hand',
        reason: 'correction',
        quantities: [{ ...entry, changeFromQuantity: null, quantity: 7 }],
      },
    });
    expect(optedOut.data.inventorySetQuantities.userErrors).toEqual([]);
    expect(available()).toBe(7);
  });

  test('insist that changeFromQuantity is sent, if only as null', async () => {
    const { sandbox, graphql, inventoryItemId, locationId } = await stocked();
    await using _ = sandbox;
    const answer = await graphql(setQuantities, {
      key: 'a',
      input: {
        name: 'available',
        reason: 'correction',
        quantities: [{ inventoryItemId, locationId, quantity: 1 }],
      },
    });
    expect(answer.errors?.[0]).toMatchObject({
      message: 'InventoryQuantityInput must include the following argument: changeFromQuantity.',
      extensions: { code: 'INVALID_FIELD_ARGUMENTS' },
    });
  });

  test('name what is wrong with items, locations, names, reasons and long lists', async () => {
    const { sandbox, graphql, inventoryItemId, locationId } = await stocked();
    await using _ = sandbox;
    const entry = { inventoryItemId, locationId, quantity: 1, changeFromQuantity: null };
    const codes = async (input: object): Promise<string[]> =>
      (
        await graphql(setQuantities, { key: JSON.stringify(input), input })
      ).data.inventorySetQuantities.userErrors.map((one: { code: string }) => one.code);
    const good = { name: 'available', reason: 'correction', quantities: [entry] };
    expect(await codes({ ...good, name: 'committed' })).toEqual(['INVALID_NAME']);
    expect(await codes({ ...good, reason: 'because' })).toEqual(['INVALID_REASON']);
    expect(await codes({ ...good, quantities: [entry, entry] })).toEqual([
      'NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR',
    ]);
    expect(
      await codes({ ...good, quantities: [{ ...entry, inventoryItemId: 'gid://shopify/InventoryItem/1' }] }),
    ).toEqual(['INVALID_INVENTORY_ITEM']);
    expect(
      await codes({ ...good, quantities: [{ ...entry, locationId: 'gid://shopify/Location/1' }] }),
    ).toEqual(['INVALID_LOCATION']);
    const fresh = sandbox.addLocation({ name: 'New' });
    const there = { ...entry, locationId: `gid://shopify/Location/${fresh.id}` };
    expect(await codes({ ...good, quantities: [there] })).toEqual(['ITEM_NOT_STOCKED_AT_LOCATION']);
    const activated = await graphql(
      'mutation ($item: ID!, $location: ID!) { inventoryActivate(inventoryItemId: $item, locationId: $location, available: 4) @idempotent(key: "on") { inventoryLevel { quantities(names: ["available", "on_hand"]) { name quantity } } userErrors { message } } }',
      { item: inventoryItemId, location: there.locationId },
    );
    expect(activated.data.inventoryActivate).toEqual({
      inventoryLevel: {
        quantities: [
          { name: 'available', quantity: 4 },
          { name: 'on_hand', quantity: 4 },
        ],
      },
      userErrors: [],
    });
    const long = await graphql(setQuantities, {
      key: 'long',
      input: { ...good, quantities: Array.from({ length: 251 }, () => entry) },
    });
    expect(long.errors?.[0]).toMatchObject({
      message: 'The input array size of 251 is greater than the maximum allowed of 250.',
      extensions: { code: 'MAX_INPUT_SIZE_EXCEEDED' },
    });
  });
});

const refundCreate =
  'mutation ($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) { refund { id totalRefundedSet { shopMoney { amount } } refundLineItems(first: 5) { nodes { quantity restockType subtotalSet { shopMoney { amount } } totalTaxSet { shopMoney { amount } } } } refundShippingLines(first: 5) { nodes { subtotalAmountSet { shopMoney { amount } } } } orderAdjustments(first: 5) { nodes { reason amountSet { shopMoney { amount } } } } } order { displayFinancialStatus currentTotalPriceSet { shopMoney { amount } } netPaymentSet { shopMoney { amount } } } userErrors { field message } } }';

describe('refundCreate', () => {
  test('gives back a unit, its tax and the shipping, once per key', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const order = sandbox.placeOrder({
      lines: [{ sku: 'MUG', quantity: 3 }],
      shipping: '5.00',
      taxRates: [{ rate: '0.10' }],
    });
    sandbox.fulfilOrder(order.id);
    expect(order.total).toBe('70.97');
    const input = {
      orderId: order.gid,
      refundLineItems: [
        { lineItemId: `gid://shopify/LineItem/${order.lines[0]?.id}`, quantity: 1, restockType: 'RETURN' },
      ],
      shipping: { fullRefund: true },
      transactions: [
        {
          orderId: order.gid,
          kind: 'REFUND',
          gateway: 'shopify_payments',
          amount: '26.99',
          parentId: `gid://shopify/OrderTransaction/${order.transactions[0]?.id}`,
        },
      ],
    };
    const answer = await graphql(refundCreate, { input, key: 'r1' });
    expect(answer.data.refundCreate).toEqual({
      refund: {
        id: expect.stringMatching(/^gid:\/\/shopify\/Refund\/94\d+$/),
        totalRefundedSet: { shopMoney: { amount: '26.99' } },
        refundLineItems: {
          nodes: [
            {
              quantity: 1,
              restockType: 'RETURN',
              subtotalSet: { shopMoney: { amount: '19.99' } },
              totalTaxSet: { shopMoney: { amount: '2.0' } },
            },
          ],
        },
        refundShippingLines: { nodes: [{ subtotalAmountSet: { shopMoney: { amount: '5.0' } } }] },
        orderAdjustments: { nodes: [] },
      },
      order: {
        displayFinancialStatus: 'PARTIALLY_REFUNDED',
        currentTotalPriceSet: { shopMoney: { amount: '43.98' } },
        netPaymentSet: { shopMoney: { amount: '43.98' } },
      },
      userErrors: [],
    });
    const again = await graphql(refundCreate, { input, key: 'r1' });
    expect(again.data).toEqual(answer.data);
    expect(sandbox.order(order.id)?.refunds).toHaveLength(1);
  });

  test('books money without lines as a discrepancy, and never more than was paid', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG' }], taxRates: [] });
    const pay = (amount: string) => ({
      orderId: order.gid,
      transactions: [{ orderId: order.gid, kind: 'REFUND', gateway: 'shopify_payments', amount }],
    });
    const some = await graphql(refundCreate, { input: pay('5.00'), key: 'a' });
    expect(some.data.refundCreate.refund.orderAdjustments.nodes).toEqual([
      { reason: 'REFUND_DISCREPANCY', amountSet: { shopMoney: { amount: '-5.0' } } },
    ]);
    expect(some.data.refundCreate.order.currentTotalPriceSet.shopMoney.amount).toBe('14.99');
    const more = await graphql(refundCreate, { input: pay('15.00'), key: 'b' });
    expect(more.data.refundCreate).toEqual({
      refund: null,
      order: null,
      userErrors: [
        { field: ['transactions'], message: 'Refund amount exceeds the amount available to refund' },
      ],
    });
    const unknown = await graphql(refundCreate, {
      input: { ...pay('1.00'), orderId: 'gid://shopify/Order/1' },
      key: 'c',
    });
    expect(unknown.data.refundCreate.userErrors).toEqual([
      { field: ['orderId'], message: 'Order does not exist' },
    ]);
  });
});

describe('other mutations', () => {
  test('customers are created and changed, and an address of another is refused', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const created = await graphql(
      'mutation { customerCreate(input: { email: "ada@example.com", firstName: "Ada", tags: ["b", "a", "A"], emailMarketingConsent: { marketingState: SUBSCRIBED } }) { customer { id displayName tags defaultEmailAddress { emailAddress marketingState } } userErrors { field message } } }',
    );
    const { customer } = created.data.customerCreate;
    expect(customer).toEqual({
      id: 'gid://shopify/Customer/9200000000000001',
      displayName: 'Ada',
      tags: ['a', 'b'],
      defaultEmailAddress: { emailAddress: 'ada@example.com', marketingState: 'SUBSCRIBED' },
    });
    const update =
      'mutation ($input: CustomerInput!) { customerUpdate(input: $input) { customer { lastName note phone } userErrors { field message } } }';
    const changed = await graphql(update, {
      input: { id: customer.id, lastName: 'Byron', note: 'counts', phone: '+16025550101' },
    });
    expect(changed.data.customerUpdate).toEqual({
      customer: { lastName: 'Byron', note: 'counts', phone: '+16025550101' },
      userErrors: [],
    });
    sandbox.upsertCustomer({ email: 'bob@example.com' });
    const taken = await graphql(update, { input: { id: customer.id, email: 'BOB@example.com' } });
    expect(taken.data.customerUpdate).toEqual({
      customer: null,
      userErrors: [{ field: ['email'], message: 'Email has already been taken' }],
    });
    const gone = await graphql(update, { input: { id: 'gid://shopify/Customer/1', note: 'x' } });
    expect(gone.data.customerUpdate.userErrors).toEqual([
      { field: ['id'], message: 'Customer does not exist' },
    ]);
  });

  test('orders take a note, tags and attributes, and can be cancelled once', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 2 }] });
    const updated = await graphql(
      'mutation ($input: OrderInput!) { orderUpdate(input: $input) { order { note tags customAttributes { key value } } userErrors { message } } }',
      {
        input: {
          id: order.gid,
          note: 'n',
          tags: ['x'],
          customAttributes: [{ key: 'k', value: 'v' }],
        },
      },
    );
    expect(updated.data.orderUpdate.order).toEqual({
      note: 'n',
      tags: ['x'],
      customAttributes: [{ key: 'k', value: 'v' }],
    });
    const tags = await graphql(
      'mutation ($id: ID!) { tagsAdd(id: $id, tags: ["y", "X"]) { node { id ... on Order { tags } } } tagsRemove(id: $id, tags: ["x"]) { node { ... on Order { tags } } userErrors { message } } }',
      { id: order.gid },
    );
    // Mutations run one after the other, but both answers show the order as it ends up.
    expect(tags.data.tagsRemove.node.tags).toEqual(['y']);
    const cancel =
      'mutation ($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true, refundMethod: { originalPaymentMethodsRefund: true }) { job { id done } orderCancelUserErrors { code message } } }';
    expect((await graphql(cancel, { id: order.gid })).data.orderCancel.orderCancelUserErrors).toEqual([]);
    expect(sandbox.outcome(sandbox.order(order.id) as never)).toMatchObject({
      cancelled: true,
      financialStatus: 'REFUNDED',
      netPayment: '0.00',
      currentTotal: '0.00',
    });
    const twice = await graphql(cancel, { id: order.gid });
    expect(twice.data.orderCancel).toEqual({
      job: null,
      orderCancelUserErrors: [{ code: 'INVALID', message: 'Order has already been cancelled' }],
    });
  });

  test('a fulfilment order is fulfilled in parts, and not beyond', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const order = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 3 }] });
    const read = await graphql(
      'query ($id: ID!) { order(id: $id) { fulfillmentOrders(first: 5) { nodes { id status lineItems(first: 5) { nodes { id remainingQuantity totalQuantity } } } } } }',
      { id: order.gid },
    );
    const [fulfillmentOrder] = read.data.order.fulfillmentOrders.nodes;
    expect(fulfillmentOrder.status).toBe('OPEN');
    const line = fulfillmentOrder.lineItems.nodes[0];
    expect([line.remainingQuantity, line.totalQuantity]).toEqual([3, 3]);
    const create =
      'mutation ($fulfillment: FulfillmentInput!) { fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { status totalQuantity trackingInfo { number company } order { displayFulfillmentStatus } } userErrors { message } } }';
    const input = (quantity: number) => ({
      fulfillment: {
        lineItemsByFulfillmentOrder: [
          { fulfillmentOrderId: fulfillmentOrder.id, fulfillmentOrderLineItems: [{ id: line.id, quantity }] },
        ],
        trackingInfo: { company: 'UPS', number: '1Z' },
      },
    });
    expect((await graphql(create, input(2))).data.fulfillmentCreate).toEqual({
      fulfillment: {
        status: 'SUCCESS',
        totalQuantity: 2,
        trackingInfo: [{ number: '1Z', company: 'UPS' }],
        order: { displayFulfillmentStatus: 'PARTIALLY_FULFILLED' },
      },
      userErrors: [],
    });
    expect((await graphql(create, input(2))).data.fulfillmentCreate.userErrors[0].message).toBe(
      'Invalid fulfillment order line item quantity requested.',
    );
  });

  test('metafields are set, compared and read back', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const { id } = sandbox.upsertCustomer({ email: 'ada@example.com' });
    const ownerId = `gid://shopify/Customer/${id}`;
    const set =
      'mutation ($metafields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $metafields) { metafields { value compareDigest } userErrors { code elementIndex field } } }';
    const metafield = {
      ownerId,
      namespace: 'crm',
      key: 'segment',
      type: 'single_line_text_field',
      value: 'gold',
    };
    const first = await graphql(set, { metafields: [metafield] });
    const { compareDigest } = first.data.metafieldsSet.metafields[0];
    const stale = await graphql(set, { metafields: [{ ...metafield, value: 'x', compareDigest: 'old' }] });
    expect(stale.data.metafieldsSet.userErrors).toEqual([
      { code: 'STALE_OBJECT', elementIndex: 0, field: ['metafields', '0', 'compareDigest'] },
    ]);
    await graphql(set, { metafields: [{ ...metafield, value: 'silver', compareDigest }] });
    const read = await graphql(
      'query ($id: ID!) { customer(id: $id) { metafield(namespace: "crm", key: "segment") { value ownerType } metafields(first: 5, keys: ["crm.segment"]) { nodes { key } } } }',
      { id: ownerId },
    );
    expect(read.data.customer).toEqual({
      metafield: { value: 'silver', ownerType: 'CUSTOMER' },
      metafields: { nodes: [{ key: 'segment' }] },
    });
  });

  test('metafields are removed by name; one that is not there is answered with null, an unknown owner refused', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const { id } = sandbox.upsertCustomer({ email: 'ada@example.com' });
    const owned = { ownerId: `gid://shopify/Customer/${id}`, namespace: 'crm', key: 'segment' };
    sandbox.setMetafields([{ ...owned, type: 'single_line_text_field', value: 'gold' }]);
    const remove = async (metafields: unknown[]) =>
      (
        await graphql(
          'mutation ($metafields: [MetafieldIdentifierInput!]!) { metafieldsDelete(metafields: $metafields) { deletedMetafields { ownerId namespace key } userErrors { field message } } }',
          { metafields },
        )
      ).data.metafieldsDelete;
    const stranger = { ...owned, ownerId: 'gid://shopify/Customer/1' };
    expect(await remove([owned, stranger])).toMatchObject({
      deletedMetafields: null,
      userErrors: [{ field: ['metafields', '1', 'ownerId'] }],
    });
    expect(await remove([owned, { ...owned, key: 'other' }])).toEqual({
      deletedMetafields: [owned, null],
      userErrors: [],
    });
    expect(await remove([owned])).toEqual({ deletedMetafields: [null], userErrors: [] });
  });

  test('webhook subscriptions are made once per topic and address, and can be deleted', async () => {
    await using sandbox = await openShop({ limits: false });
    const graphql = graphqlOf(sandbox);
    const create =
      'mutation ($topic: WebhookSubscriptionTopic!, $uri: String!) { webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri, format: JSON }) { webhookSubscription { id topic uri } userErrors { field message } } }';
    const one = await graphql(create, { topic: 'ORDERS_CREATE', uri: 'https://app.example/hook' });
    const { id } = one.data.webhookSubscriptionCreate.webhookSubscription;
    const two = await graphql(create, { topic: 'ORDERS_CREATE', uri: 'https://app.example/hook' });
    expect(two.data.webhookSubscriptionCreate.userErrors).toEqual([
      {
        field: ['webhookSubscription', 'callbackUrl'],
        message: 'Address for this topic has already been taken',
      },
    ]);
    const bad = await graphql(create, { topic: 'ORDERS_CREATE', uri: 'http://app.example/hook' });
    expect(bad.data.webhookSubscriptionCreate.userErrors[0].message).toBe('Address is invalid');
    const list = await graphql(
      '{ webhookSubscriptions(first: 5, topics: [ORDERS_CREATE]) { nodes { id } } }',
    );
    expect(list.data.webhookSubscriptions.nodes).toEqual([{ id }]);
    const gone = await graphql(
      'mutation ($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { message } } }',
      { id },
    );
    expect(gone.data.webhookSubscriptionDelete).toEqual({ deletedWebhookSubscriptionId: id, userErrors: [] });
    expect(sandbox.shop.subscriptions.size).toBe(0);
  });
});
