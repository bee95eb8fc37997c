import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refundOrder } from '../../sandbox/amazon/finances.ts';
import { usagePlans } from '../../sandbox/amazon/limits.ts';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { cancelOrder, placeOrder, requestCancel, shipOrder } from '../../sandbox/amazon/orders.ts';
import { type AmazonSandbox, startAmazonSandbox } from '../../sandbox/amazon/server.ts';
import { amazon } from '../../src/sync/platforms/amazon/index.ts';
import { deliveryAbout, seller, swept } from '../platforms/amazon-support.ts';
import { contractsPresent, notificationViolations, operationOf, violationsOf } from './amazon-contract.ts';
import { eventually } from './quickbooks-support.ts';

let sandbox: AmazonSandbox;
let token: string;

beforeEach(async () => {
  sandbox = await startAmazonSandbox({ port: 0, seed: 3, visibleAfterMs: 0, applyMs: [1, 5] });
  token = sandbox.lwa.issue();
  upsertListing(sandbox.account, { sku: 'MUG', price: '12.35', quantity: 500 });
  upsertListing(sandbox.account, { sku: 'LAMP', price: '24.50', quantity: 500, fulfilledBy: 'AMAZON' });
});

afterEach(() => sandbox[Symbol.asyncDispose]());

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into as the test expects them.
  body: any;
}

async function call(
  path: string,
  options: { method?: string; body?: unknown; token?: string | null } = {},
): Promise<Answer> {
  const given = options.token === undefined ? token : options.token;
  const answer = await fetch(sandbox.url + path, {
    method: options.method ?? 'GET',
    headers: { ...(given === null ? {} : { 'x-amz-access-token': given }) },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

const orders = '/orders/2026-01-01/orders';
const mug = '/listings/2021-08-01/items/A2SANDBOXSELLER/MUG?marketplaceIds=ATVPDKIKX0DER';
const everything = 'BUYER,RECIPIENT,PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX';

function patchOf(quantity: number) {
  return {
    productType: 'PRODUCT',
    patches: [
      {
        op: 'replace',
        path: '/attributes/fulfillment_availability',
        value: [{ fulfillment_channel_code: 'DEFAULT', quantity }],
      },
    ],
  };
}

test.runIf(contractsPresent)(
  'all that is asked and answered is what the official models describe, for every operation that is used',
  async () => {
    await using shop = await seller({ webhookUrl: 'http://127.0.0.1:9/' });
    const { account } = shop.sandbox;
    for (let index = 0; index < 45; index += 1)
      upsertListing(account, {
        sku: `S${index}`,
        price: '9.99',
        quantity: 20,
        ...(index % 3 === 0 ? { fulfilledBy: 'AMAZON' } : {}),
      });
    await amazon.prepare(shop.session, { webhookUrl: '' });
    // A subscription that points elsewhere is put right.
    const [first] = account.state.subscriptions;
    if (first === undefined) throw new Error('nothing was subscribed to');
    first.destinationId = 'destination-of-somebody';
    await amazon.prepare(shop.session, { webhookUrl: '' });
    expect(
      account.state.subscriptions.map((one) => [one.notificationType, one.destinationId]).sort(),
    ).toEqual(
      [
        'FBA_INVENTORY_AVAILABILITY_CHANGES',
        'LISTINGS_ITEM_MFN_QUANTITY_CHANGE',
        'ORDER_CHANGE',
        'TRANSACTION_UPDATE',
      ].map((type) => [type, 'destination-tributary']),
    );
    for (let index = 0; index < 12; index += 1) {
      const { id } = placeOrder(account, {
        lines: [
          {
            sku: `S${index}`,
            quantity: 2,
            discount: '1.00',
            promotionId: 'P',
            giftWrap: '2.00',
            giftMessage: 'Hi',
          },
        ],
        shipping: '3.00',
        taxRate: '0.07',
        pending: index % 5 === 4,
        ...(index === 7 ? { replacementOf: '111-1111111-1111111' } : {}),
      });
      if (index % 5 === 1) requestCancel(account, id, 'Changed mind');
      if (index % 5 === 2) cancelOrder(account, id, { by: 'MERCHANT' });
      if (index % 5 === 3) {
        shipOrder(account, id);
        refundOrder(account, id);
      }
      await amazon.interpret(deliveryAbout(`order:${id}`), shop.session, { fresh: false });
    }
    await swept(shop);
    await amazon.interpret(deliveryAbout('listing:S1'), shop.session, { fresh: false });
    await amazon.interpret(deliveryAbout('stock:S0'), shop.session, { fresh: false });
    await amazon.perform(
      {
        pushId: 1n,
        kind: 'listingQuantity',
        subjectType: 'Variant',
        subjectId: 1n,
        idempotencyKey: 'k',
        attempt: 1,
        body: { sku: 'S1', quantity: 7 },
      },
      shop.session,
    );
    expect(shop.violations).toEqual([]);
    const used = new Set(shop.exchanges.map((one) => operationOf(one)));
    expect([...used].sort()).toEqual(
      Object.keys(usagePlans)
        .filter((name) => name !== 'createDestination')
        .sort(),
    );
    // The check does find what is wrong.
    const [exchange] = shop.exchanges;
    if (exchange === undefined) throw new Error('nothing was asked');
    expect(violationsOf({ ...exchange, answer: { payload: [{ nonsense: 1 }] } }).length).toBeGreaterThan(0);
    expect(violationsOf({ ...exchange, url: new URL('?nonsense=1', exchange.url) })).toContainEqual(
      expect.stringContaining('unknown nonsense'),
    );
  },
);

test.runIf(contractsPresent)(
  'notifications are what the official schemas describe, in the envelope that carries them',
  async () => {
    const received: { secret: string | undefined; body: unknown }[] = [];
    const server = createServer(async (incoming, outgoing) => {
      let text = '';
      for await (const chunk of incoming) text += chunk;
      received.push({
        secret: incoming.headers['x-tributary-secret'] as string | undefined,
        body: JSON.parse(text),
      });
      outgoing.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      sandbox.setWebhookTarget(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const application = sandbox.lwa.issue('application');
      const { body } = await call('/notifications/v1/destinations', { token: application });
      for (const type of [
        'ORDER_CHANGE',
        'TRANSACTION_UPDATE',
        'LISTINGS_ITEM_MFN_QUANTITY_CHANGE',
        'FBA_INVENTORY_AVAILABILITY_CHANGES',
      ])
        expect(
          await call(`/notifications/v1/subscriptions/${type}`, {
            method: 'POST',
            body: { payloadVersion: '1.0', destinationId: body.payload[0].destinationId },
          }),
        ).toMatchObject({ status: 200 });
      const { id } = placeOrder(sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
      shipOrder(sandbox.account, id);
      sandbox.setEnvelope('sqs');
      placeOrder(sandbox.account, { lines: [{ sku: 'LAMP', quantity: 1 }] });
      await sandbox.webhooks.drained();
      const files: Record<string, string> = {
        ORDER_CHANGE: 'OrderChangeNotification',
        TRANSACTION_UPDATE: 'TransactionUpdateNotification',
        LISTINGS_ITEM_MFN_QUANTITY_CHANGE: 'ListingsItemMfnQuantityChange',
        FBA_INVENTORY_AVAILABILITY_CHANGES: 'FBAInventoryAvailabilityChangeNotification',
      };
      const notifications = received.map(
        ({ body: carried }) =>
          (Array.isArray(carried)
            ? JSON.parse((carried[0] as { body: string }).body)
            : (carried as { detail: unknown }).detail) as { NotificationType: string },
      );
      for (const one of notifications) {
        // The schema of this kind forgets the metadata that every notification carries.
        const { NotificationMetadata: _left, ...bare } = one as typeof one & {
          NotificationMetadata: unknown;
        };
        const told = one.NotificationType === 'FBA_INVENTORY_AVAILABILITY_CHANGES' ? bare : one;
        expect(notificationViolations(files[one.NotificationType] ?? '', told)).toEqual([]);
      }
      expect(new Set(notifications.map((one) => one.NotificationType))).toEqual(new Set(Object.keys(files)));
      expect(received.every(({ secret }) => secret === sandbox.webhookSecret)).toBe(true);
    } finally {
      server.close();
    }
  },
);

test('each operation has the real rate and burst, and a refusal names the rate only sometimes', async () => {
  const { id } = placeOrder(sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  const answers: Answer[] = [];
  for (let index = 0; index < 40; index += 1) answers.push(await call(`${orders}/${id}`));
  const refused = answers.filter((answer) => answer.status === 429);
  // A token may come back while forty requests are made.
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(30);
  expect(answers.length - refused.length).toBeLessThan(40);
  expect(refused[0]?.body).toEqual({
    errors: [
      { code: 'QuotaExceeded', message: 'You exceeded your quota for the requested resource.', details: '' },
    ],
  });
  const named = new Set(refused.map((answer) => answer.headers.get('x-amzn-ratelimit-limit')));
  expect([...named].every((value) => value === null || value === '0.5')).toBe(true);
  expect((await call(`${orders}?lastUpdatedAfter=2026-01-01T00:00:00Z`)).status).toBe(200);
});

test('a token must be there, alive and granted for the purpose', async () => {
  const denied = (details: string) => ({
    status: 403,
    body: { errors: [{ code: 'Unauthorized', details }] },
  });
  expect(await call(orders, { token: null })).toMatchObject(
    denied('Access token is missing in the request header.'),
  );
  expect(await call(orders, { token: 'Atza|guess' })).toMatchObject(
    denied('The access token you provided has expired.'),
  );
  expect(await call('/notifications/v1/destinations')).toMatchObject({ status: 403 });
  const ask = (form: Record<string, string>) =>
    fetch(`${sandbox.url}/auth/o2/token`, { method: 'POST', body: new URLSearchParams(form) });
  const client = {
    client_id: 'amzn1.application-oa2-client.sandbox',
    client_secret: 'amazon-sandbox-secret',
  };
  expect((await ask({ ...client, grant_type: 'refresh_token', refresh_token: 'Atzr|sandbox' })).status).toBe(
    200,
  );
  expect((await ask({ ...client, grant_type: 'refresh_token', refresh_token: 'Atzr|other' })).status).toBe(
    400,
  );
  expect(
    (await ask({ ...client, client_secret: 'x', grant_type: 'refresh_token', refresh_token: 'Atzr|sandbox' }))
      .status,
  ).toBe(401);
});

test('orders are found page by page by when they changed, and a mistake in the question is told', async () => {
  sandbox.limits.enabled = false;
  const ids = Array.from(
    { length: 7 },
    () => placeOrder(sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] }).id,
  );
  shipOrder(sandbox.account, ids[0] ?? '');
  const found: string[] = [];
  let next = '';
  do {
    const { body } = await call(
      `${orders}?lastUpdatedAfter=2026-01-01T00:00:00Z&maxResultsPerPage=3&includedData=${everything}${next === '' ? '' : `&paginationToken=${next}`}`,
    );
    found.push(...body.orders.map((order: { orderId: string }) => order.orderId));
    next = body.pagination?.nextToken ?? '';
  } while (next !== '');
  expect(found).toEqual([...ids.slice(1), ids[0]]);
  for (const query of [
    '',
    'createdAfter=2026-01-01T00:00:00Z&lastUpdatedAfter=2026-01-01T00:00:00Z',
    'lastUpdatedAfter=yesterday',
    'lastUpdatedAfter=2026-01-01T00:00:00Z&maxResultsPerPage=101',
    'lastUpdatedAfter=2026-01-01T00:00:00Z&includedData=NONSENSE',
  ])
    expect(await call(`${orders}?${query}`)).toMatchObject({
      status: 400,
      body: { errors: [{ code: 'InvalidInput' }] },
    });
});

test('what is younger than two minutes is missing from lists and can be read by its id', async () => {
  await using slow = await startAmazonSandbox({ port: 0, seed: 1, limits: false });
  upsertListing(slow.account, { sku: 'MUG', price: '1.00', quantity: 5 });
  const { id } = placeOrder(slow.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  const headers = { 'x-amz-access-token': slow.lwa.issue() };
  const list = await fetch(`${slow.url}${orders}?lastUpdatedAfter=2026-01-01T00:00:00Z`, { headers });
  expect(((await list.json()) as { orders: unknown[] }).orders).toEqual([]);
  expect((await fetch(`${slow.url}${orders}/${id}`, { headers })).status).toBe(200);
});

test('ACCEPTED is not applied: quantities take their time, in their order, or end in an issue', async () => {
  sandbox.limits.enabled = false;
  const shown = async () => (await call(`${mug}&includedData=fulfillmentAvailability,issues`)).body;
  for (const quantity of [7, 8, 9])
    expect((await call(mug, { method: 'PATCH', body: patchOf(quantity) })).body).toMatchObject({
      status: 'ACCEPTED',
    });
  await eventually(() => sandbox.submissions.waiting === 0);
  expect((await shown()).fulfillmentAvailability).toEqual([
    { fulfillmentChannelCode: 'DEFAULT', quantity: 9 },
  ]);

  upsertListing(sandbox.account, { sku: 'MUG', behaviour: 'refuse' });
  await call(mug, { method: 'PATCH', body: patchOf(1) });
  await eventually(() => sandbox.submissions.waiting === 0);
  expect(await shown()).toMatchObject({
    fulfillmentAvailability: [{ quantity: 9 }],
    issues: [{ severity: 'ERROR', attributeNames: ['fulfillment_availability'] }],
  });
  expect((await call(mug, { method: 'PATCH', body: patchOf(-1) })).body).toMatchObject({
    status: 'INVALID',
    issues: [{ code: '90000900' }],
  });
  expect((await call(mug.replace('MUG', 'NONE'))).status).toBe(404);
});

test('Amazon counts what it sells: in the offer, or in its own warehouse until it is sent', async () => {
  const { account } = sandbox;
  placeOrder(account, { lines: [{ sku: 'MUG', quantity: 3 }] });
  const fba = placeOrder(account, { lines: [{ sku: 'LAMP', quantity: 2 }] });
  expect(account.listing('MUG').quantity).toBe(497);
  expect(account.state.inventory.LAMP).toMatchObject({ fulfillable: 498, reserved: 2 });
  shipOrder(account, fba.id);
  expect(account.state.inventory.LAMP).toMatchObject({ fulfillable: 498, reserved: 0 });
  expect(() => placeOrder(account, { lines: [{ sku: 'MUG', quantity: 498 }] })).toThrow('MUG has 497 left');
  placeOrder(account, { lines: [{ sku: 'MUG', quantity: 498 }], oversell: true });
  expect(account.listing('MUG').quantity).toBe(0);
});

test('the same seed and story give the same ids, and the control API does what the screen does', async () => {
  await using twin = await startAmazonSandbox({ port: 0, seed: 3, limits: false });
  const story = async (url: string) => {
    const post = async (path: string, body: unknown) => {
      const answer = await fetch(`${url}/_control/${path}`, { method: 'POST', body: JSON.stringify(body) });
      return {
        status: answer.status,
        body: (await answer.json()) as { id: string; items: { asin: string }[] },
      };
    };
    await post('reset', {});
    await post('seed', { listings: [{ sku: 'BAG', price: '10.00', quantity: 4 }] });
    const placed = await post('orders', { lines: [{ sku: 'BAG', quantity: 2 }] });
    await post(`orders/${placed.body.id}/ship`, {});
    const refund = await post(`orders/${placed.body.id}/refund`, {});
    return { order: placed.body.id, asin: placed.body.items[0]?.asin, refund: refund.body.id };
  };
  expect(await story(sandbox.url)).toEqual(await story(twin.url));
  const wrong = await fetch(`${twin.url}/_control/orders`, {
    method: 'POST',
    body: JSON.stringify({ lines: [] }),
  });
  expect({ status: wrong.status, body: await wrong.json() }).toEqual({
    status: 400,
    body: { error: 'an order needs a line' },
  });
});
