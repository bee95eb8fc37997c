import { afterEach, beforeEach, expect, test } from 'vitest';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { placeOrder, shipOrder } from '../../sandbox/amazon/orders.ts';
import { amazon } from '../../src/sync/platforms/amazon/index.ts';
import { TokenBucket } from '../../src/sync/platforms/amazon/rate-limits.ts';
import type { PushTask, SweepPosition } from '../../src/sync/platforms/platform.ts';
import { deliveryAbout, ordersIn, type Seller, seller, swept, told } from './amazon-support.ts';

let shop: Seller;

beforeEach(async () => {
  shop = await seller();
  upsertListing(shop.sandbox.account, { sku: 'MUG', price: '12.35', quantity: 3 });
  upsertListing(shop.sandbox.account, { sku: 'LAMP', price: '24.50', quantity: 8, fulfilledBy: 'AMAZON' });
});

afterEach(async () => {
  expect(shop.violations.slice(0, 3)).toEqual([]);
  await shop[Symbol.asyncDispose]();
});

function publish(sku: string, quantity: number, more: Partial<PushTask> = {}) {
  return amazon.perform(
    {
      pushId: 1n,
      kind: 'listingQuantity',
      subjectType: 'Variant',
      subjectId: 7n,
      idempotencyKey: 'tb-1',
      attempt: 1,
      body: { sku, quantity },
      ...more,
    },
    shop.session,
  );
}

const quotaExceeded = {
  kind: 'status' as const,
  status: 429,
  body: JSON.stringify({ errors: [{ code: 'QuotaExceeded', message: 'You exceeded your quota.' }] }),
};

function patches(): number {
  return shop.exchanges.filter((one) => one.method === 'PATCH').length;
}

test('a quantity is settled only once Amazon shows it, however long it took to be applied', async () => {
  const outcome = await publish('MUG', 41);
  expect(outcome).toMatchObject({
    remoteType: 'listing',
    remoteId: 'MUG',
    state: { quantity: 41, fulfilledBy: 'merchant' },
    adopted: false,
    detail: { submissionId: 'submission-1' },
  });
  expect(shop.sandbox.account.listing('MUG').quantity).toBe(41);
});

test('a second attempt looks before it writes again', async () => {
  await publish('MUG', 41);
  const outcome = await publish('MUG', 41, { attempt: 2 });
  expect(outcome.adopted).toBe(true);
  expect(patches()).toBe(1);
});

test('an offer that is known to be ours is written to at once', async () => {
  await shop.session.links.save({
    entityType: 'Variant',
    entityId: 7n,
    remoteType: 'listing',
    remoteId: 'MUG',
    remoteVersion: null,
    state: { quantity: 3, fulfilledBy: 'merchant' },
  });
  await publish('MUG', 5);
  expect(shop.exchanges[0]?.method).toBe('PATCH');
});

test('what Amazon says against a quantity reaches a person with a remedy', async () => {
  upsertListing(shop.sandbox.account, { sku: 'MUG', behaviour: 'refuse' });
  await expect(publish('MUG', 4)).rejects.toMatchObject({
    code: 'LISTING_REFUSED',
    retryable: false,
    publicMessage: expect.stringContaining(
      '8560: The quantity cannot be changed while the offer is under review.',
    ),
    remedy: expect.stringContaining('Seller Central'),
  });
  await expect(publish('LAMP', 4)).rejects.toMatchObject({
    code: 'LISTING_FULFILLED_BY_AMAZON',
    retryable: false,
  });
  await expect(publish('NONE', 4)).rejects.toMatchObject({ code: 'LISTING_UNKNOWN', retryable: false });
  expect(shop.sandbox.account.listing('LAMP').fulfilledBy).toBe('AMAZON');
});

test('a quantity that was accepted and is not applied is looked for again later and never believed', async () => {
  upsertListing(shop.sandbox.account, { sku: 'MUG', behaviour: 'ignore' });
  await expect(publish('MUG', 4)).rejects.toMatchObject({ code: 'LISTING_NOT_APPLIED', retryable: true });
});

test('an access token is shared, renewed before and after it has run out, and withdrawn access is said aloud', async () => {
  await Promise.all([publish('MUG', 5), publish('MUG', 5)]);
  expect(shop.sandbox.lwa.issued).toBe(1);
  shop.session.now = () => Date.now() + 3_599_000;
  await publish('MUG', 6);
  expect(shop.sandbox.lwa.issued).toBe(2);
  shop.session.now = Date.now;
  shop.sandbox.lwa.expire();
  // Only the contract's path counts here: an answer of 403 belongs to it.
  await publish('MUG', 7);
  expect(shop.sandbox.lwa.issued).toBe(3);
  shop.sandbox.lwa.expire(true);
  await expect(publish('MUG', 8)).rejects.toMatchObject({ code: 'AMAZON_UNAUTHORIZED', retryable: false });
  shop.sandbox.lwa.authorise();
  await publish('MUG', 8);
});

test('notifications of one burst cost one read of their order, whatever order they come in', async () => {
  const { account } = shop.sandbox;
  const placed = placeOrder(account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  shipOrder(account, placed.id);
  shop.exchanges.length = 0;
  const at = (ms: number) => deliveryAbout(`order:${placed.id}`, { triggeredAt: new Date(ms) });
  const first = await amazon.interpret(at(placed.updatedMs), shop.session, { fresh: false });
  expect(first.kind).toBe('changes');
  const reads = shop.exchanges.length;
  const late = await amazon.interpret(at(placed.createdMs), shop.session, { fresh: false });
  expect(late.kind).toBe('ignored');
  expect(shop.exchanges).toHaveLength(reads);
  expect((await amazon.interpret(at(placed.createdMs), shop.session, { fresh: true })).kind).toBe('changes');
  expect((await amazon.interpret(at(placed.updatedMs + 1), shop.session, { fresh: false })).kind).toBe(
    'changes',
  );
});

test('stock in Amazon’s warehouse is told together with its place and the offer that names it', async () => {
  const meaning = await amazon.interpret(
    deliveryAbout('stock:LAMP', { topic: 'FBA_INVENTORY_AVAILABILITY_CHANGES' }),
    shop.session,
    { fresh: false },
  );
  expect(meaning).toMatchObject({
    kind: 'changes',
    changes: [
      {
        kind: 'listing',
        remoteId: 'LAMP',
        listing: { fulfilledBy: 'marketplace' },
        observed: { quantity: null },
      },
      { kind: 'location', remoteId: 'AFN', location: { name: 'Amazon FBA' } },
      { kind: 'stockLevel', inventoryItemRemoteId: 'LAMP', locationRemoteId: 'AFN', available: 8, onHand: 8 },
    ],
  });
  const none = await amazon.interpret(deliveryAbout('listing:NONE'), shop.session, { fresh: false });
  expect(none).toEqual({ kind: 'ignored', reason: 'Amazon has no offer NONE any more.' });
});

test('many quantities at once are read back together', async () => {
  const skus = Array.from({ length: 24 }, (_, index) => `S${index}`);
  for (const sku of [...skus, 'COM,MA'])
    upsertListing(shop.sandbox.account, { sku, price: '1.00', quantity: 1 });
  shop.exchanges.length = 0;
  await Promise.all([...skus, 'COM,MA'].map((sku, index) => publish(sku, 100 + index)));
  expect(skus.map((sku) => shop.sandbox.account.listing(sku).quantity)).toEqual(
    skus.map((_, index) => 100 + index),
  );
  expect(shop.sandbox.account.listing('COM,MA').quantity).toBe(124);
  expect(patches()).toBe(25);
  // Alone, each would have looked once before and once after.
  expect(shop.exchanges.length - patches()).toBeLessThan(40);
});

test('a history that is longer than Amazon’s rate allows is read in pieces, and none of it twice', async () => {
  let clock = Date.now() - 86_400_000;
  await shop[Symbol.asyncDispose]();
  shop = await seller({ now: () => clock });
  upsertListing(shop.sandbox.account, { sku: 'MUG', price: '1.00', quantity: 10_000 });
  const place = () => placeOrder(shop.sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] }).id;
  const ids = Array.from({ length: 250 }, place);
  clock = Date.now();
  const token = {
    id: 'busy',
    path: 'searchOrders',
    times: 5,
    effect: quotaExceeded,
  };
  const found: string[] = [];
  let position: SweepPosition | undefined;
  const read = async (from?: SweepPosition) => {
    const question = {
      since: null,
      ...(from === undefined ? {} : { from: JSON.parse(JSON.stringify(from)) as SweepPosition }),
      reached: (at: SweepPosition) => {
        position = at;
      },
    };
    for await (const batch of amazon.sweep(shop.session, question))
      found.push(...ordersIn(batch).map((change) => change.remoteId));
  };
  // The second page is refused for as long as a sweep has patience.
  shop.session.cache.set(
    'amazon.bucket searchOrders',
    new TokenBucket({ perSecond: 1_000, burst: 100 }, () => performance.now()),
  );
  const pages = amazon
    .sweep(shop.session, {
      since: null,
      reached: (at) => {
        position = at;
      },
    })
    [Symbol.asyncIterator]();
  while (found.length === 0) {
    const { value } = await pages.next();
    found.push(...ordersIn(value ?? []).map((change) => change.remoteId));
  }
  shop.sandbox.faults.add(token);
  await expect(pages.next()).rejects.toMatchObject({ retryable: true });
  expect(found).toHaveLength(100);
  expect(position).toMatchObject({ list: 'orders', token: expect.stringMatching(/./) });
  await read(position);
  expect(found.sort()).toEqual(ids.toSorted());
  // A token that Amazon does not know any more is refused for good: the engine begins again.
  await expect(read({ list: 'orders', since: '2026-01-01T00:00:00Z', token: 'old' })).rejects.toMatchObject({
    code: 'AMAZON_REFUSED',
    retryable: false,
  });
  found.length = 0;
  await read();
  expect(found.sort()).toEqual(ids.toSorted());
});

test('a sweep of offers, stock and orders goes on from wherever it broke off', async () => {
  for (let index = 0; index < 45; index += 1)
    upsertListing(shop.sandbox.account, {
      sku: `S-${index}`,
      price: '1.00',
      quantity: 3,
      fulfilledBy: index % 9 === 0 ? 'AMAZON' : 'MERCHANT',
    });
  const order = placeOrder(shop.sandbox.account, { lines: [{ sku: 'S-1', quantity: 1 }] });
  const read = async (from?: SweepPosition) => {
    const pages: { changes: string[]; position: SweepPosition | undefined }[] = [];
    let position: SweepPosition | undefined;
    const reached = (at: SweepPosition) => {
      position = at;
    };
    for await (const page of amazon.sweep(shop.session, {
      since: null,
      reached,
      ...(from === undefined ? {} : { from }),
    }))
      pages.push({
        position,
        changes: page.map(
          (change) =>
            `${change.kind} ${'remoteId' in change ? change.remoteId : change.kind === 'stockLevel' ? change.inventoryItemRemoteId : ''}`,
        ),
      });
    return pages;
  };
  const whole = await read();
  const everything = whole.flatMap(({ changes }) => changes);
  expect(everything).toContain('listing S-44');
  expect(everything.at(-1)).toBe(`order ${order.id}`);
  for (const [index, { position }] of whole.entries()) {
    if (index === whole.length - 1) continue;
    const after = (await read(position)).flatMap(({ changes }) => changes);
    const missing = everything.slice(whole.slice(0, index + 1).flatMap(({ changes }) => changes).length);
    // Stock has no pages to go on from; it is short, and read again as a whole.
    expect(after.slice(-missing.length)).toEqual(missing);
    if (position?.list === 'listings') expect(after).toEqual(missing);
  }
});

test('real rate limits are kept without a single refusal: who is not due yet is told when', async () => {
  await shop[Symbol.asyncDispose]();
  shop = await seller({ limits: true });
  upsertListing(shop.sandbox.account, { sku: 'MUG', price: '1.00', quantity: 1_000 });
  const ids = Array.from(
    { length: 34 },
    () => placeOrder(shop.sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] }).id,
  );
  const deliveries = ids.map((id) => deliveryAbout(`order:${id}`));
  const all = await Promise.allSettled(
    deliveries.map((delivery) => amazon.interpret(delivery, shop.session, { fresh: false })),
  );
  const waiting = all.flatMap((one) =>
    one.status === 'rejected' ? [one.reason as { retryAfterMs: number }] : [],
  );
  expect(waiting).toHaveLength(4);
  expect(waiting.every((error) => 'code' in error && error.code === 'AMAZON_BUSY')).toBe(true);
  // A place in the queue each, two seconds apart.
  const waits = waiting.map((error) => Math.round(error.retryAfterMs / 2_000)).sort((a, b) => a - b);
  expect(waits).toEqual([1, 2, 3, 4]);
  expect(shop.sandbox.limits.refused).toEqual({});
});

test('a bucket gives out its burst, then places in turn, keeps them, and adopts the rate that Amazon tells', () => {
  let now = 0;
  const bucket = new TokenBucket({ perSecond: 0.5, burst: 2 }, () => now);
  expect([bucket.turn('a'), bucket.turn('b'), bucket.turn('c'), bucket.turn('d')]).toEqual([
    0, 0, 2_000, 4_000,
  ]);
  expect([bucket.turn('d'), bucket.turn('c')]).toEqual([4_000, 2_000]);
  now = 2_000;
  expect([bucket.turn('c'), bucket.turn('d')]).toEqual([0, 2_000]);
  bucket.adopt(1);
  now = 10_000;
  expect([bucket.turn('d'), bucket.turn('e'), bucket.turn('f'), bucket.turn('g')]).toEqual([0, 0, 0, 1_000]);
  bucket.empty();
  expect(bucket.turn('h')).toBeGreaterThanOrEqual(1_000);
  // A place that nobody comes back for is given up.
  now = 1_000_000;
  expect([bucket.turn('g'), bucket.turn('h')]).toEqual([0, 0]);
});

test('a sweep waits where Amazon says that too much was asked, even without a word of how long', async () => {
  placeOrder(shop.sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  for (const operation of ['getInventorySummaries', 'searchListingsItems'])
    shop.sandbox.faults.add({
      id: operation,
      path: `^${operation}$`,
      times: 1,
      effect: quotaExceeded,
    });
  const changes = await swept(shop);
  expect(changes.map((change) => change.kind).sort()).toEqual([
    'listing',
    'listing',
    'location',
    'order',
    'stockLevel',
  ]);
});

test('trouble at Amazon is tried again, a refusal is not and says what is missing', async () => {
  const placed = placeOrder(shop.sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  const fault = (status: number, body: string) =>
    shop.sandbox.faults.add({
      id: `f${status}`,
      path: 'getOrder',
      times: 1,
      effect: { kind: 'status', status, body },
    });
  fault(503, '<html>busy</html>');
  await expect(told(shop, placed.id)).rejects.toMatchObject({ code: 'AMAZON_DOWN', retryable: true });
  fault(400, '{"errors":[{"code":"InvalidInput","message":"Invalid Input"}]}');
  await expect(told(shop, placed.id)).rejects.toMatchObject({ code: 'AMAZON_REFUSED', retryable: false });
  fault(
    403,
    '{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":""}]}',
  );
  await expect(told(shop, placed.id)).rejects.toMatchObject({
    code: 'AMAZON_ROLE_MISSING',
    retryable: false,
  });
  await expect(told(shop, '000-0000000-0000000')).rejects.toThrow('Amazon shows us no order');
});
