import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ShopifySandbox, startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { AppError } from '../../src/errors.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import type { CustomerSnapshot, StockLevelSnapshot } from '../../src/model/snapshot.ts';
import type { LinkFacts, PushTask, SweepPosition } from '../../src/sync/platforms/platform.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';
import { returnTopics, topics } from '../../src/sync/platforms/shopify/prepare.ts';
import { changesOf, credentials, deliveryOf, sessionFor } from './shopify-support.ts';

let sandbox: ShopifySandbox;
let session: ReturnType<typeof sessionFor>;

beforeEach(async () => {
  sandbox = await startShopifySandbox({ port: 0, seed: 3, outOfOrder: 0 });
  sandbox.addLocation({ name: 'Warehouse' });
  for (const [sku, price] of [
    ['MUG', '19.99'],
    ['LAMP', '45.50'],
  ] as const)
    sandbox.upsertProduct({ title: `The ${sku}`, variants: [{ sku, price, stock: 40 }] });
  session = sessionFor(sandbox);
});

afterEach(() => sandbox[Symbol.asyncDispose]());

function must<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error('nothing there');
  return value;
}

async function failing(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error(`expected an AppError, got ${error}`);
  return error;
}

function levelOf(sku: string): { itemId: string; locationId: string; available: number } {
  const variant = must(sandbox.shop.variantBySku.get(sku));
  const levels = Object.values(must(sandbox.shop.items.get(variant.inventoryItemId)).levels);
  const { itemId, locationId, available } = must(levels[0]);
  return { itemId, locationId, available };
}

function task(kind: string, body: Record<string, unknown>, idempotencyKey = 'tb-one'): PushTask {
  return {
    pushId: 1n,
    kind,
    subjectType: 'Customer',
    subjectId: 1n,
    idempotencyKey,
    attempt: 1,
    body,
  };
}

describe('deliveries', () => {
  test('a product is read, because its webhook tells neither cost nor whether stock is counted', async () => {
    const { productId, id, inventoryItemId } = must(sandbox.shop.variantBySku.get('MUG'));
    const [change] = await changesOf(session, 'products/update', `{"id":${productId}}`);
    expect(change).toMatchObject({
      kind: 'product',
      remoteId: productId,
      product: {
        title: 'The MUG',
        status: 'active',
        variants: [
          {
            remoteId: id,
            inventoryItemRemoteId: inventoryItemId,
            sku: 'MUG',
            priceMinor: 1999n,
            currency: 'USD',
            tracked: true,
          },
        ],
      },
    });
    expect(change?.version.observedAt).not.toBeNull();
    expect(await changesOf(session, 'inventory_items/update', `{"id":${inventoryItemId}}`)).toMatchObject([
      { kind: 'product', remoteId: productId },
    ]);
  });

  test('a product is not read again where only its stock has changed', async () => {
    const { productId } = must(sandbox.shop.variantBySku.get('MUG'));
    const told = (change: Record<string, unknown> = {}) => {
      const { title, updatedAtMs } = must(sandbox.shop.products.get(productId));
      return `{"id":${productId},${JSON.stringify({ title, updated_at: new Date(updatedAtMs).toISOString().replace(/\.\d+/, ''), ...change }).slice(1)}`;
    };
    const interpret = async (id: bigint, body: string) => {
      session.requests = 0;
      const delivery = { ...deliveryOf('products/update', body), id };
      const { kind } = await shopify.interpret(delivery, session, { fresh: false });
      return { kind, requests: session.requests };
    };
    const first = told({ variants: [{ inventory_quantity: 40 }] });
    expect(await interpret(1n, first)).toEqual({ kind: 'changes', requests: 1 });
    const later = { updated_at: '2030-01-01T00:00:00Z' };
    expect(await interpret(2n, told({ ...later, variants: [{ inventory_quantity: 39 }] }))).toEqual({
      kind: 'ignored',
      requests: 0,
    });
    // The first is tried again: whatever was read for it then has not arrived.
    expect(await interpret(1n, first)).toEqual({ kind: 'changes', requests: 1 });
    expect(
      await interpret(3n, told({ ...later, title: 'Mug', variants: [{ inventory_quantity: 39 }] })),
    ).toEqual({
      kind: 'changes',
      requests: 1,
    });
    // That one was read as something else than it told: the same again is no reason not to look.
    expect(
      await interpret(4n, told({ ...later, title: 'Mug', variants: [{ inventory_quantity: 38 }] })),
    ).toEqual({
      kind: 'changes',
      requests: 1,
    });
  });

  test('a level tells its figure, and a fresh look all of its figures', async () => {
    const { itemId, locationId } = levelOf('MUG');
    const body = `{"inventory_item_id":${itemId},"location_id":${locationId},"available":12,"updated_at":"2026-11-23T03:00:00-07:00"}`;
    session.requests = 0;
    expect(await changesOf(session, 'inventory_levels/update', body)).toEqual([
      {
        kind: 'stockLevel',
        inventoryItemRemoteId: itemId,
        locationRemoteId: locationId,
        version: { sourceUpdatedAt: new Date('2026-11-23T10:00:00Z'), observedAt: null },
        available: 12,
        observed: { available: 12 },
      },
    ]);
    expect(session.requests).toBe(0);
    expect(await changesOf(session, 'inventory_levels/update', body, true)).toMatchObject([
      {
        kind: 'stockLevel',
        available: 40,
        onHand: 40,
        committed: 0,
        incoming: 0,
        observed: { available: 40 },
      },
    ]);
  });

  test('a customer is told alike by webhook and read, but for the tags that webhooks leave out', async () => {
    const customer = sandbox.upsertCustomer({
      firstName: 'Grace',
      lastName: 'Hopper',
      email: 'Grace@Example.com',
      phone: '+16025550199',
      note: 'Rear admiral',
      tags: ['navy', 'cobol'],
    });
    sandbox.placeOrder({ customerId: customer.id, lines: [{ sku: 'MUG' }] });
    const body = JSON.stringify({
      id: 1,
      admin_graphql_api_id: `gid://shopify/Customer/${customer.id}`,
      updated_at: new Date(Math.floor(customer.updatedAtMs / 1000) * 1000).toISOString(),
      first_name: 'Grace',
      last_name: 'Hopper',
      email: 'grace@example.com',
      phone: '+16025550199',
      note: 'Rear admiral',
      tax_exempt: false,
      addresses: [],
    }).replace('"id":1,', `"id":${customer.id},`);
    const [told] = await changesOf(session, 'customers/update', body);
    const [read] = await changesOf(session, 'customers/update', body, true);
    if (told?.kind !== 'customer' || read?.kind !== 'customer') throw new Error('no customer');
    expect(read.customer.tags).toEqual(['cobol', 'navy']);
    expect(told.customer).not.toHaveProperty('tags');
    expect(told.observed).not.toHaveProperty('tags');
    expect({ ...told.customer, tags: ['cobol', 'navy'], address: read.customer.address }).toEqual(
      read.customer,
    );
    expect(told.remoteId).toBe(read.remoteId);
  });

  test('what was removed is told as removed', async () => {
    for (const [topic, kind] of [
      ['orders/delete', 'orderRemoved'],
      ['customers/delete', 'customerRemoved'],
      ['products/delete', 'productRemoved'],
    ] as const)
      expect(await changesOf(session, topic, '{"id":9100000000000777}')).toEqual([
        {
          kind,
          remoteId: '9100000000000777',
          version: { sourceUpdatedAt: new Date('2026-11-23T10:00:00.123Z'), observedAt: null },
        },
      ]);
    expect(await changesOf(session, 'customers/update', '{"id":9200000000000777}', true)).toMatchObject([
      { kind: 'customerRemoved', remoteId: '9200000000000777' },
    ]);
  });

  test('an uninstalled app ends the connection', async () => {
    expect(await changesOf(session, 'app/uninstalled', '{"id":548380009,"shop_owner":"Ada"}')).toMatchObject([
      { kind: 'accountRevoked' },
    ]);
  });

  test('privacy requests say who is meant, by every name that they give', async () => {
    const person =
      '"shop_id":548380009,"shop_domain":"demo-shop.myshopify.com","customer":{"id":9200000000000777,"email":"Ada@Example.com","phone":null}';
    expect(
      await changesOf(session, 'customers/redact', `{${person},"orders_to_redact":[9100000000000001]}`),
    ).toMatchObject([
      {
        kind: 'personErase',
        remoteId: '9200000000000777',
        email: 'ada@example.com',
        orderRemoteIds: ['9100000000000001'],
      },
    ]);
    expect(
      await changesOf(
        session,
        'customers/data_request',
        `{${person},"orders_requested":[9100000000000001],"data_request":{"id":9999}}`,
      ),
    ).toMatchObject([{ kind: 'personExport', remoteId: '9200000000000777', reference: '9999' }]);
    expect(
      await changesOf(
        session,
        'shop/redact',
        '{"shop_id":548380009,"shop_domain":"demo-shop.myshopify.com"}',
      ),
    ).toMatchObject([{ kind: 'accountErase' }]);
  });

  test('a topic that the graph has no use for is ignored with the reason', async () => {
    const interpretation = await shopify.interpret(deliveryOf('themes/publish', '{}'), session, {
      fresh: false,
    });
    expect(interpretation).toEqual({ kind: 'ignored', reason: 'The graph has no use for themes/publish.' });
  });

  test('an order payload that is not as known is read instead', async () => {
    const { id } = sandbox.placeOrder({ lines: [{ sku: 'MUG' }] });
    const odd = sandbox.orderJson(id).replace('"line_items":[', '"line_items":[{"id":"new kind of line"},');
    const [change] = await changesOf(session, 'orders/updated', odd);
    expect(change).toMatchObject({ kind: 'order', remoteId: id });
    expect(change?.version.observedAt).not.toBeNull();
  });

  test('an order that Shopify does not show is handed to a person', async () => {
    const interpretation = await shopify.interpret(
      deliveryOf('orders/edited', '{"order_edit":{"order_id":9100000000009999}}'),
      session,
      { fresh: false },
    );
    expect(interpretation).toMatchObject({
      kind: 'person',
      remedy: expect.stringContaining('read_all_orders'),
    });
  });

  test('an order with more lines than a page is read to its end', async () => {
    const lines = Array.from({ length: 61 }, (_, index) => ({ title: `Part ${index}`, price: '1.00' }));
    const { id } = sandbox.placeOrder({ lines, taxRates: [] });
    const [change] = await changesOf(session, 'orders/updated', sandbox.orderJson(id), true);
    if (change?.kind !== 'order') throw new Error('no order');
    expect(change.order.lines.map((line) => line.title)).toEqual(lines.map((line) => line.title));
    expect(change.order.total.shop).toBe(6100n);
  });

  test('a fulfilment comes alone and within its order', async () => {
    const { id } = sandbox.placeOrder({ lines: [{ sku: 'MUG', quantity: 2 }] });
    sandbox.fulfilOrder(id, { trackingCompany: 'UPS', trackingNumber: '1Z' });
    const [order] = await changesOf(session, 'orders/updated', sandbox.orderJson(id));
    if (order?.kind !== 'order') throw new Error('no order');
    const [fulfilment] = order.order.fulfilments;
    expect(order.order.fulfilmentStatus).toBe('fulfilled');
    expect(fulfilment).toMatchObject({
      status: 'success',
      trackingCompany: 'UPS',
      trackingNumbers: ['1Z'],
      lines: [{ lineRemoteId: order.order.lines[0]?.remoteId, quantity: 2 }],
    });
  });
});

describe('the API client', () => {
  const delivery = (): ReturnType<typeof deliveryOf> =>
    deliveryOf('orders/edited', '{"order_edit":{"order_id":9100000000000001}}');
  const ask = (): Promise<unknown> => shopify.interpret(delivery(), session, { fresh: false });

  const throttled = (requested: number, available: number): void => {
    sandbox.faults.add({
      id: 'throttled',
      effect: {
        kind: 'status',
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
          extensions: {
            cost: {
              requestedQueryCost: requested,
              actualQueryCost: null,
              throttleStatus: { maximumAvailable: 1000, currentlyAvailable: available, restoreRate: 50 },
            },
          },
        }),
      },
    });
  };

  test('a throttled answer is tried again when exactly what is missing has come back', async () => {
    throttled(120, 20);
    expect(await failing(ask())).toMatchObject({
      code: 'SHOPIFY_THROTTLED',
      retryable: true,
      retryAfterMs: 2000,
    });
  });

  test('a query larger than the whole bucket is not waited for', async () => {
    throttled(1001, 1000);
    expect(await failing(ask())).toMatchObject({ code: 'SHOPIFY_QUERY_TOO_COSTLY', retryable: false });
  });

  test('the real limit of the shop throttles a burst, and says for how long', async () => {
    await sandbox[Symbol.asyncDispose]();
    sandbox = await startShopifySandbox({
      port: 0,
      seed: 3,
      maximumPoints: 1000,
      restorePerSecond: 10,
      now: () => 1_000,
    });
    session = sessionFor(sandbox);
    const { id } = sandbox.placeOrder({ lines: [{ title: 'A thing', price: '1.00' }] });
    const read = (): Promise<unknown> => changesOf(session, 'orders/updated', sandbox.orderJson(id), true);
    const answers = await Promise.allSettled(Array.from({ length: 100 }, read));
    const refusals = answers.filter((one) => one.status === 'rejected').map((one) => one.reason as AppError);
    expect(refusals.length).toBeGreaterThan(0);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ code: 'SHOPIFY_THROTTLED', retryable: true });
      expect(refusal.retryAfterMs).toBeGreaterThan(0);
    }
  });

  test.each([
    [429, 'SHOPIFY_THROTTLED', true, 2000],
    [500, 'SHOPIFY_UNAVAILABLE', true, null],
    [503, 'SHOPIFY_UNAVAILABLE', true, null],
    [401, 'SHOPIFY_UNAUTHORIZED', false, null],
    [403, 'SHOPIFY_UNAUTHORIZED', false, null],
    [402, 'SHOPIFY_REJECTED', false, null],
    [404, 'SHOPIFY_REJECTED', false, null],
  ])('HTTP %i becomes %s', async (status, code, retryable, retryAfterMs) => {
    sandbox.faults.add({
      id: 'fault',
      effect: {
        kind: 'status',
        status,
        headers: { 'content-type': 'application/json', ...(status === 429 ? { 'retry-after': '2.0' } : {}) },
        body: '{"errors":"no"}',
      },
    });
    expect(await failing(ask())).toMatchObject({ code, retryable, retryAfterMs });
  });

  test('an access token that Shopify refuses asks for a new connection', async () => {
    const other = sessionFor(sandbox, {
      credentials: async () => ({ ...credentials, accessToken: 'revoked' }),
    });
    expect(await failing(shopify.interpret(delivery(), other, { fresh: false }))).toMatchObject({
      code: 'SHOPIFY_UNAUTHORIZED',
      remedy: expect.stringContaining('Reconnect'),
    });
  });

  test.each(['timeout', 'reset', 'dropResponse'] as const)('%s is an outage that passes', async (kind) => {
    sandbox.faults.add({ id: 'fault', effect: { kind } });
    const impatient = sessionFor(sandbox, { timeoutMs: 200 });
    expect(await failing(shopify.interpret(delivery(), impatient, { fresh: false }))).toMatchObject({
      code: 'SHOPIFY_UNREACHABLE',
      retryable: true,
    });
  });

  test('access that Shopify denies inside an HTTP 200 is never taken for an empty answer', async () => {
    const { id } = sandbox.placeOrder({ customerEmail: 'a@example.com', lines: [{ sku: 'MUG' }] });
    sandbox.faults.add({
      id: 'denied',
      effect: {
        kind: 'status',
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          data: { order: null },
          errors: [
            {
              message: 'This app is not approved to access the Customer object.',
              extensions: { code: 'ACCESS_DENIED' },
            },
          ],
        }),
      },
    });
    expect(await failing(changesOf(session, 'orders/updated', sandbox.orderJson(id), true))).toMatchObject({
      code: 'SHOPIFY_ACCESS_DENIED',
      retryable: false,
      remedy: expect.stringContaining('protected customer data'),
    });
  });

  test('an answer that is not JSON is an outage or a refusal, never a crash', async () => {
    const server = createServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await failing(shopify.interpret(delivery(), sessionFor({ url }), { fresh: false }))).toMatchObject(
      {
        code: expect.stringMatching(/^SHOPIFY_/),
      },
    );
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('pushes', () => {
  const customer: CustomerSnapshot = {
    type: 'Customer',
    erased: false,
    id: 5n,
    firstName: 'Grace',
    lastName: 'Hopper',
    company: null,
    email: 'grace@example.com',
    phone: '+16025550199',
    address: null,
    note: null,
    tags: ['navy'],
    taxExempt: false,
    currency: 'USD',
    lifetimeValueMinor: 0n,
    refundedMinor: 0n,
    orderCount: 0,
    averageOrderMinor: 0n,
    openBalanceMinor: 0n,
    piecesSold: 0,
    piecesReturned: 0,
    channels: [],
    firstOrderAt: null,
    lastOrderAt: null,
    isEmailShared: false,
    approvedMerges: [],
  };
  const state = {
    firstName: 'Grace',
    lastName: 'Hopper',
    email: 'Grace@Example.com',
    phone: '(602) 555-0199',
    note: null,
    tags: ['navy'],
  };
  const link = (over: Record<string, unknown> = {}, remoteId = '77'): LinkFacts => ({
    remoteType: 'customer',
    remoteId,
    remoteVersion: null,
    state: { ...state, phone: '+1 602-555-0199', ...over },
  });
  const context = (facts: LinkFacts | null, isOrigin = false) => ({
    connectionId: 1n,
    settings: {},
    link: facts,
    isOrigin,
  });

  test('a customer whom Shopify holds alike in other spelling is owed nothing', () => {
    expect(shopify.plan(customer, context(link()))).toEqual([]);
  });

  test('only fields that differ are planned', () => {
    expect(shopify.plan({ ...customer, firstName: 'Amazing', note: 'x' }, context(link()))).toEqual([
      {
        kind: 'customer',
        subjectType: 'Customer',
        subjectId: 5n,
        body: { customerId: '77', fields: { firstName: 'Amazing', note: 'x' } },
      },
    ]);
  });

  test('nothing is planned for the platform that told it, nor for one that does not know the customer', () => {
    const changed = { ...customer, firstName: 'Amazing' };
    expect(shopify.plan(changed, context(link(), true))).toEqual([]);
    expect(shopify.plan(changed, context(null))).toEqual([]);
  });

  test('fields of which Shopify never told are left alone, and unknown tags are only added to', () => {
    const { tags: _tags, note: _note, ...known } = state;
    const facts = { ...link(), state: { ...known, phone: '+16025550199' } };
    expect(shopify.plan({ ...customer, note: 'x' }, context(facts))[0]?.body).toEqual({
      customerId: '77',
      fields: {},
      addTags: ['navy'],
    });
  });

  test('a planned customer is written once and then no longer planned', async () => {
    const { id } = sandbox.upsertCustomer({
      firstName: 'G',
      lastName: 'Hopper',
      email: 'grace@example.com',
      tags: ['old'],
    });
    const [planned] = shopify.plan(
      { ...customer, note: 'Rear admiral' },
      context(link({ firstName: 'G', tags: ['old'] }, id)),
    );
    const push = must(planned);
    const outcome = await shopify.perform(task(push.kind, push.body), session);
    expect(outcome).toMatchObject({ remoteType: 'customer', remoteId: id, adopted: false });
    expect(sandbox.shop.customers.get(id)).toMatchObject({
      firstName: 'Grace',
      note: 'Rear admiral',
      tags: ['navy'],
    });
    const after = { ...link({}, id), state: outcome.state };
    const settled = { ...customer, note: 'Rear admiral', phone: (outcome.state as typeof state).phone };
    expect(shopify.plan(settled, context(after))).toEqual([]);
  });

  test('tags that Shopify has of its own survive while ours are added', async () => {
    const { id } = sandbox.upsertCustomer({ firstName: 'G', email: 'g@example.com', tags: ['own'] });
    await shopify.perform(task('customer', { customerId: id, fields: {}, addTags: ['navy'] }), session);
    expect(sandbox.shop.customers.get(id)?.tags).toEqual(['navy', 'own']);
  });

  test('a value that Shopify refuses ends the push with field and remedy', async () => {
    const { id } = sandbox.upsertCustomer({ firstName: 'G', email: 'g@example.com' });
    const error = await failing(
      shopify.perform(task('customer', { customerId: id, fields: { email: 'not an address' } }), session),
    );
    expect(error).toMatchObject({ code: 'SHOPIFY_REFUSED', retryable: false });
    expect(error.publicMessage).toContain('email');
    expect(error.remedy).not.toBeNull();
  });

  test('note and tags of an order are written, and an emptied note is emptied', async () => {
    const { id } = sandbox.placeOrder({ lines: [{ sku: 'MUG' }], note: 'Ring twice', tags: ['a'] });
    const outcome = await shopify.perform(
      task('order', { orderId: id, fields: { note: null, tags: ['b', 'a'] } }),
      session,
    );
    expect(outcome).toMatchObject({
      remoteType: 'order',
      remoteId: id,
      state: { note: null, tags: ['a', 'b'] },
    });
    expect(sandbox.order(id)?.note ?? '').toBe('');
    expect(sandbox.order(id)?.tags).toEqual(['a', 'b']);
  });

  const stock = (available: number): StockLevelSnapshot => {
    const { itemId, locationId } = levelOf('MUG');
    return {
      type: 'StockLevel',
      id: 9n,
      variantId: 1n,
      locationId: 2n,
      sku: 'MUG',
      onHand: available,
      committed: 0,
      reserved: 0,
      available,
      inventoryItemRemoteId: itemId,
      locationRemoteId: locationId,
    };
  };
  const stockLink = (available: number): LinkFacts => ({
    remoteType: 'inventoryLevel',
    remoteId: `${levelOf('MUG').itemId}:${levelOf('MUG').locationId}`,
    remoteVersion: null,
    state: { available },
  });

  test('a level that differs is planned as a difference', () => {
    const { itemId, locationId } = levelOf('MUG');
    expect(shopify.plan(stock(37), context(stockLink(40)))).toEqual([
      {
        kind: 'stockLevel',
        subjectType: 'StockLevel',
        subjectId: 9n,
        body: {
          sku: 'MUG',
          inventoryItemId: itemId,
          locationId,
          delta: -3,
          changeFrom: 40,
          available: 37,
        },
      },
    ]);
    expect(shopify.plan(stock(40), context(stockLink(40)))).toEqual([]);
    expect(shopify.plan({ ...stock(37), locationRemoteId: null }, context(stockLink(40)))).toEqual([]);
  });

  test('a change of stock takes effect once, however often it is sent', async () => {
    const [planned] = shopify.plan(stock(37), context(stockLink(40)));
    const push = task('stockLevel', must(planned).body);
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect(await shopify.perform(push, session)).toMatchObject({
        remoteType: 'inventoryLevel',
        remoteId: stockLink(0).remoteId,
        state: { available: 37 },
      });
    expect(levelOf('MUG').available).toBe(37);
  });

  test('a difference survives that somebody else was faster, and still takes effect once', async () => {
    const [planned] = shopify.plan(stock(37), context(stockLink(40)));
    const push = task('stockLevel', must(planned).body);
    sandbox.setStock({ sku: 'MUG', quantity: 30, locationId: levelOf('MUG').locationId });
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const outcome = await shopify.perform(push, session);
      expect(outcome.detail).toMatchObject({ rebased: true });
    }
    expect(levelOf('MUG').available).toBe(27);
  });

  test('a count is set as what was counted, under the same conditions', async () => {
    const [planned] = shopify.plan({ ...stock(37), owedCause: 'count' }, context(stockLink(40)));
    expect(must(planned).body).toMatchObject({ delta: -3, changeFrom: 40, reason: 'cycle_count_available' });
    const push = task('stockLevel', must(planned).body);
    sandbox.faults.add({ id: 'lost', effect: { kind: 'dropResponse' }, times: 1 });
    expect(await failing(shopify.perform(push, session))).toMatchObject({ retryable: true });
    expect(await shopify.perform(push, session)).toMatchObject({ state: { available: 37 } });
    expect(levelOf('MUG').available).toBe(37);
    const [next] = shopify.plan({ ...stock(35), owedCause: 'count' }, context(stockLink(37)));
    sandbox.setStock({ sku: 'MUG', quantity: 20, locationId: levelOf('MUG').locationId });
    const outcome = await shopify.perform(
      { ...task('stockLevel', must(next).body), idempotencyKey: 'tb-next' },
      session,
    );
    expect(outcome).toMatchObject({ detail: { rebased: true } });
    expect(levelOf('MUG').available).toBe(18);
  });

  test('a response that is lost does not move stock twice', async () => {
    const [planned] = shopify.plan(stock(37), context(stockLink(40)));
    const push = task('stockLevel', must(planned).body);
    sandbox.faults.add({ id: 'lost', effect: { kind: 'dropResponse' }, times: 1 });
    expect(await failing(shopify.perform(push, session))).toMatchObject({ retryable: true });
    await shopify.perform(push, session);
    expect(levelOf('MUG').available).toBe(37);
  });

  test('a push of a kind that Shopify does not take is dead at once', async () => {
    expect(await failing(shopify.perform(task('receipt', {}), session))).toMatchObject({
      code: 'UNKNOWN_PUSH_KIND',
      retryable: false,
    });
  });
});

describe('preparing the shop', () => {
  const webhookUrl = 'https://tributary.example/webhooks/shopify';
  const subscribed = (): string[] =>
    [...sandbox.shop.subscriptions.values()].map((one) => `${one.topic} ${one.uri}`).sort();
  const wanted = [...topics, ...returnTopics].map((topic) => `${topic} ${webhookUrl}`).sort();

  test('every topic is subscribed to, once, however often it is done', async () => {
    await shopify.prepare(session, { webhookUrl });
    expect(subscribed()).toEqual(wanted);
    session.requests = 0;
    await shopify.prepare(session, { webhookUrl });
    expect(subscribed()).toEqual(wanted);
    expect(session.requests).toBeLessThanOrEqual(3);
  });

  test('all of them end when the shop is taken off, wherever they point; those to other topics are not ours', async () => {
    await shopify.prepare(session, { webhookUrl: 'https://old.example/webhooks/shopify' });
    const [[id, one]] = [...sandbox.shop.subscriptions] as [[string, object]];
    sandbox.shop.subscriptions.set(`${id}9`, { ...one, id: `${id}9`, topic: 'SHOP_UPDATE' } as never);
    expect(await shopify.release?.(session)).toBe(wanted.length);
    expect(subscribed()).toEqual(['SHOP_UPDATE https://old.example/webhooks/shopify']);
    expect(await shopify.release?.(session)).toBe(0);
  });

  test('missing and misdirected subscriptions are healed', async () => {
    await shopify.prepare(session, { webhookUrl: 'https://old.example/webhooks/shopify' });
    const [first] = sandbox.shop.subscriptions.keys();
    sandbox.shop.subscriptions.delete(must(first));
    await shopify.prepare(session, { webhookUrl });
    expect(subscribed()).toEqual(wanted);
  });
});

describe('a sweep', () => {
  async function swept(since: Date | null): Promise<PlatformChange[]> {
    const all: PlatformChange[] = [];
    for await (const batch of shopify.sweep(session, { since })) all.push(...batch);
    return all;
  }

  test('brings everything, places and goods before stock, customers and orders', async () => {
    sandbox.setLimits(false);
    const ids = Array.from({ length: 30 }, (_, index) => {
      const { id } = sandbox.placeOrder({ customerEmail: `c${index}@example.com`, lines: [{ sku: 'MUG' }] });
      if (index % 3 === 0) sandbox.refundOrder(id, { lines: [{ sku: 'MUG', quantity: 1 }] });
      if (index % 3 === 1) sandbox.fulfilOrder(id);
      return id;
    });
    const changes = await swept(null);
    const kinds = [...new Set(changes.map((change) => change.kind))];
    expect(kinds).toEqual(['location', 'product', 'stockLevel', 'customer', 'order']);
    const orders = changes.filter((change) => change.kind === 'order');
    expect(orders.map((change) => change.remoteId).sort()).toEqual([...ids].sort());
    expect(orders.filter((change) => change.order.refunds.length === 1)).toHaveLength(10);
    expect(orders.filter((change) => change.order.fulfilments.length === 1)).toHaveLength(10);
    expect(changes.filter((change) => change.kind === 'customer')).toHaveLength(30);
    const times = orders.map((change) => change.version.sourceUpdatedAt.getTime());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const change of changes) expect(change.version.observedAt).not.toBeNull();
  });

  test('brings only what changed since then', async () => {
    let now = Date.parse('2026-11-23T10:00:00Z');
    await sandbox[Symbol.asyncDispose]();
    sandbox = await startShopifySandbox({ port: 0, seed: 3, limits: false, now: () => now });
    session = sessionFor(sandbox);
    sandbox.upsertProduct({ title: 'The MUG', variants: [{ sku: 'MUG', price: '19.99', stock: 40 }] });
    sandbox.placeOrder({ lines: [{ sku: 'MUG' }], customerEmail: 'old@example.com' });
    now += 3_600_000;
    const since = new Date(now - 60_000);
    const { id } = sandbox.placeOrder({ lines: [{ sku: 'MUG' }], customerEmail: 'new@example.com' });
    const changes = await swept(since);
    expect(changes.filter((change) => change.kind === 'order').map((change) => change.remoteId)).toEqual([
      id,
    ]);
    expect(
      changes.filter((change) => change.kind === 'customer').map((change) => change.customer.email),
    ).toEqual(['new@example.com']);
    expect(changes.some((change) => change.kind === 'location')).toBe(false);
  });

  test('goes on from wherever it broke off, and tells about how much is left', async () => {
    sandbox.setLimits(false);
    const [hall] = sandbox.shop.locations.keys();
    for (let index = 0; index < 300; index += 1)
      sandbox.upsertProduct({
        title: `Thing ${index}`,
        variants: [{ sku: `T-${index}`, price: '1.00', stock: { [must(hall)]: 5 } }],
      });
    for (let index = 0; index < 12; index += 1)
      sandbox.placeOrder({ customerEmail: `c${index}@example.com`, lines: [{ sku: 'MUG' }] });
    interface Told {
      changes: string[];
      position: SweepPosition | null;
      left: number | null;
    }
    const nameOf = (change: PlatformChange) =>
      change.kind === 'stockLevel'
        ? `${change.inventoryItemRemoteId}:${change.locationRemoteId}`
        : `${change.kind} ${'remoteId' in change ? change.remoteId : ''}`;
    const read = async (from?: SweepPosition): Promise<Told[]> => {
      const pages: Told[] = [];
      let position: SweepPosition | null = null;
      let left: number | null = null;
      const question = {
        since: null,
        ...(from === undefined ? {} : { from: JSON.parse(JSON.stringify(from)) as SweepPosition }),
        reached: (at: SweepPosition) => {
          position = at;
        },
        remaining: (count: number) => {
          left = count;
        },
      };
      for await (const page of shopify.sweep(session, question))
        pages.push({ changes: page.map(nameOf), position, left });
      return pages;
    };
    const isPlace = (name: string) => name.startsWith('location');
    const whole = await read();
    const everything = whole.flatMap((page) => page.changes);
    expect(everything.length).toBe(2 + 302 + 304 + 12 + 12);
    // Lists are as long as they were said to be, but that one of two places was not known to be nearly empty.
    expect(whole.map((page) => page.left).filter((left) => left !== null)[0]).toBe(302 - 25 + 2 * 302 + 24);
    expect(whole.at(-1)?.left).toBe(0);
    for (const [index, page] of whole.entries()) {
      if (page.position === null) continue;
      const before = whole.slice(0, index + 1).flatMap(({ changes }) => changes);
      const after = (await read(page.position))
        .flatMap(({ changes }) => changes)
        .filter((name) => !isPlace(name));
      expect([...before, ...after]).toEqual(everything);
    }
    // A place that is gone leads back to the first one.
    const lost = await read({ list: 'levels', locationId: 'gid://shopify/Location/1', after: 'x', read: 7 });
    expect(lost.flatMap(({ changes }) => changes).filter((name) => !isPlace(name))).toHaveLength(304 + 24);
  });

  test('waits for the rate limit instead of giving up', async () => {
    await sandbox[Symbol.asyncDispose]();
    sandbox = await startShopifySandbox({ port: 0, seed: 3, maximumPoints: 400, restorePerSecond: 4000 });
    session = sessionFor(sandbox);
    sandbox.upsertProduct({ title: 'The MUG', variants: [{ sku: 'MUG', price: '19.99', stock: 400 }] });
    const ids = Array.from({ length: 60 }, () => sandbox.placeOrder({ lines: [{ sku: 'MUG' }] }).id);
    const orders = (await swept(null)).filter((change) => change.kind === 'order');
    expect(orders.map((change) => change.remoteId).sort()).toEqual([...ids].sort());
  });
});
