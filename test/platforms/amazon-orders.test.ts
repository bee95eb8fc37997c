import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refundOrder, releaseRefund } from '../../sandbox/amazon/finances.ts';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import type { PlaceOrderInput } from '../../sandbox/amazon/orders.ts';
import { cancelOrder, confirmOrder, placeOrder, shipOrder } from '../../sandbox/amazon/orders.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import { orderChange } from '../../src/sync/platforms/amazon/normalise-order.ts';
import { getOrderAnswer, searchOrdersAnswer } from '../../src/sync/platforms/amazon/payloads.ts';
import { likelyRate } from '../../src/sync/platforms/amazon/vocabulary.ts';
import { contractsPresent, officialExample, operationOf } from '../sandbox/amazon-contract.ts';
import { ordersIn, partsOf, type Seller, seller, swept, told } from './amazon-support.ts';

let us: Seller;
let germany: Seller;

beforeAll(async () => {
  us = await seller();
  germany = await seller({
    profile: { marketplaceName: 'Amazon.de', currency: 'EUR', countryCode: 'DE', taxesIncluded: true },
  });
  for (const { sandbox } of [us, germany]) {
    for (const [sku, price] of [
      ['TENT', '199.99'],
      ['MUG', '12.35'],
      ['ROPE', '0.99'],
    ] as const)
      upsertListing(sandbox.account, { sku, price, quantity: 100_000 });
    upsertListing(sandbox.account, { sku: 'LAMP', price: '24.50', quantity: 100_000, fulfilledBy: 'AMAZON' });
  }
});

afterAll(async () => {
  await us[Symbol.asyncDispose]();
  await germany[Symbol.asyncDispose]();
});

test('an order of a merchant tells prices, discounts, shipping, gift wrap and the tax that Amazon keeps', async () => {
  const placed = placeOrder(us.sandbox.account, {
    lines: [
      {
        sku: 'TENT',
        quantity: 2,
        discount: '20.00',
        promotionId: 'AUTUMN',
        giftWrap: '4.99',
        giftMessage: 'Enjoy!',
      },
      { sku: 'MUG', quantity: 3 },
    ],
    shipping: '9.95',
    shippingDiscount: '9.95',
    taxRate: '0.1',
    buyer: { name: 'Ada King Lovelace', email: 'x7k2@marketplace.amazon.com' },
  });
  const { order, version } = await told(us, placed.id);
  expect(order).toMatchObject({
    number: placed.id,
    channel: 'amazon',
    customer: {
      remoteId: `order:${placed.id}`,
      firstName: 'Ada King',
      lastName: 'Lovelace',
      email: 'x7k2@marketplace.amazon.com',
    },
    locationRemoteId: null,
    financialStatus: 'authorized',
    fulfilmentStatus: 'unfulfilled',
    currency: 'USD',
    taxesIncluded: false,
    // 2 × 199.99 + 4.99 + 3 × 12.35
    subtotal: { shop: 44_202n },
    discount: { shop: 2_995n },
    shipping: { shop: 995n },
    // A tenth of 379.98, 4.99 and 37.05, each rounded.
    tax: { shop: 4_221n },
    total: { shop: 46_423n },
    transactions: [{ kind: 'authorization', status: 'success', amount: { shop: 46_423n } }],
    refunds: [],
  });
  expect(version.sourceUpdatedAt).toEqual(new Date(placed.updatedMs));
  expect(
    order.lines.map(({ sku, title, quantity, discount }) => [sku, title, quantity, discount.shop]),
  ).toEqual([
    ['TENT', 'TENT', 2, 2_000n],
    [null, 'Gift wrap', 1, 0n],
    ['MUG', 'MUG', 3, 0n],
  ]);
  expect(order.lines[0]?.taxLines).toEqual([
    {
      title: 'Tax collected by Amazon',
      rate: '0.1',
      amount: { shop: 3_800n, presentment: 3_800n },
      channelLiable: true,
    },
  ]);
  expect(order.lines[0]?.properties).toContainEqual({ name: 'Gift message', value: 'Enjoy!' });
  expect(order.discounts.map(({ title, value, targetType }) => [title, value, targetType])).toEqual([
    ['AUTUMN', '20.00', 'line_item'],
    ['AUTUMN', '9.95', 'shipping_line'],
  ]);
  expect(order.attributes).toContainEqual({ name: 'Fulfilled by', value: 'Merchant' });
});

test('where prices contain the tax the total is not raised by it, and a seller who owes it is told so', async () => {
  const placed = placeOrder(germany.sandbox.account, {
    lines: [{ sku: 'TENT', quantity: 1 }],
    shipping: '4.90',
    taxRate: '0.19',
    taxCollectedBy: 'seller',
  });
  const { order } = await told(germany, placed.id);
  expect(order).toMatchObject({ taxesIncluded: true, total: { shop: 20_489n }, tax: { shop: 3_271n } });
  expect(order.lines[0]?.taxLines).toMatchObject([{ title: 'VAT', rate: '0.19', channelLiable: false }]);
});

test('what Amazon sends itself has Amazon as its place and no buyer', async () => {
  const placed = placeOrder(us.sandbox.account, { lines: [{ sku: 'LAMP', quantity: 1 }] });
  const { order } = await told(us, placed.id);
  expect(order).toMatchObject({ customer: null, email: null, locationRemoteId: 'AFN' });
  expect(order.shippingAddress).toMatchObject({
    firstName: null,
    lastName: null,
    address1: null,
    city: 'Seattle',
  });
});

test('an order goes from pending over authorised to paid when it was sent, and to voided when it was cancelled before', async () => {
  const { account } = us.sandbox;
  const pending = placeOrder(account, { lines: [{ sku: 'MUG', quantity: 1 }], pending: true });
  expect((await told(us, pending.id)).order).toMatchObject({
    financialStatus: 'pending',
    total: { shop: 0n },
    customer: null,
  });
  confirmOrder(account, pending.id);
  expect((await told(us, pending.id)).order).toMatchObject({
    financialStatus: 'authorized',
    total: { shop: 1_235n },
  });
  shipOrder(account, pending.id, { carrier: 'UPS', trackingNumber: '1Z999' });
  const sent = (await told(us, pending.id)).order;
  expect(sent).toMatchObject({
    financialStatus: 'paid',
    fulfilmentStatus: 'fulfilled',
    transactions: [{ kind: 'sale', amount: { shop: 1_235n } }],
    fulfilments: [
      { status: 'success', trackingCompany: 'UPS', trackingNumbers: ['1Z999'], lines: [{ quantity: 1 }] },
    ],
  });

  const dropped = placeOrder(account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  cancelOrder(account, dropped.id, { by: 'BUYER', reason: 'Found it elsewhere' });
  expect((await told(us, dropped.id)).order).toMatchObject({
    financialStatus: 'voided',
    cancelReason: 'Found it elsewhere',
    cancelledAt: expect.any(Date),
    transactions: [],
  });
});

test('an item that was cancelled out of an order that goes on is no longer part of it', async () => {
  const { account } = us.sandbox;
  const placed = placeOrder(account, {
    lines: [
      { sku: 'MUG', quantity: 2 },
      { sku: 'ROPE', quantity: 5 },
    ],
  });
  cancelOrder(account, placed.id, { by: 'MERCHANT', skus: ['ROPE'] });
  const { order } = await told(us, placed.id);
  expect(order.lines.map((line) => [line.sku, line.quantity])).toEqual([
    ['MUG', 2],
    ['ROPE', 0],
  ]);
  expect(order.total.shop).toBe(2_470n);
});

test('a refund comes from Finances: goods, shipping and goodwill, told twice and counted once', async () => {
  const { account } = us.sandbox;
  const placed = placeOrder(account, {
    lines: [
      { sku: 'TENT', quantity: 2, discount: '30.01' },
      { sku: 'MUG', quantity: 1 },
    ],
    shipping: '5.00',
    taxRate: '0.0725',
  });
  shipOrder(account, placed.id);
  const before = await told(us, placed.id);
  expect(before.order.refunds).toEqual([]);
  const deferred = refundOrder(account, placed.id, { items: [{ sku: 'TENT', quantity: 1 }], deferred: true });
  const once = await told(us, placed.id);
  releaseRefund(account, deferred.id);
  const twice = await told(us, placed.id);
  expect(twice.order.refunds.map((refund) => refund.remoteId)).toEqual([deferred.refundId]);
  // Half of 399.98 − 30.01, and half of its tax.
  expect(once.order.refunds[0]).toMatchObject({
    lines: [
      {
        lineRemoteId: placed.items[0]?.id,
        quantity: 1,
        restockType: 'no_restock',
        subtotal: { shop: 18_498n },
        tax: { shop: 1_341n },
      },
    ],
    adjustments: [],
    transactions: [{ kind: 'refund', status: 'success', amount: { shop: 19_839n } }],
  });
  expect(once.version.sourceUpdatedAt.getTime()).toBeGreaterThan(before.version.sourceUpdatedAt.getTime());
  expect(twice.order).toMatchObject({ financialStatus: 'partially_refunded' });

  // Money for a scratch: the mug stays where it is, although Amazon repeats the pieces of the shipment.
  refundOrder(account, placed.id, { items: [{ sku: 'MUG', amount: '3.00' }] });
  const withGoodwill = (await told(us, placed.id)).order;
  expect(withGoodwill.refunds[1]).toMatchObject({
    lines: [],
    adjustments: [{ kind: 'refund_discrepancy', amount: { shop: 300n } }],
  });
  expect(withGoodwill.lines.map((line) => line.refundedQuantity)).toEqual([1, 0]);
});

test('a sweep and a notification tell the same of every order, and every order comes to its parts, refunds to what was paid', async () => {
  const cents = fc.integer({ min: 0, max: 900 }).map((minor) => (minor / 100).toFixed(2));
  const line = fc.record(
    {
      sku: fc.constantFrom('TENT', 'MUG', 'ROPE'),
      quantity: fc.integer({ min: 1, max: 7 }),
      discount: fc.integer({ min: 1, max: 99 }).map((minor) => (minor / 100).toFixed(2)),
      giftWrap: cents,
    },
    { requiredKeys: ['sku', 'quantity'] },
  );
  const input: fc.Arbitrary<PlaceOrderInput> = fc.record(
    {
      lines: fc.uniqueArray(line, { minLength: 1, maxLength: 3, selector: (one) => one.sku }),
      shipping: cents,
      taxRate: fc.constantFrom('0', '0.07', '0.0725', '0.19', '0.1035'),
      taxCollectedBy: fc.constantFrom('marketplace', 'seller'),
    },
    { requiredKeys: ['lines'] },
  );
  const fate = fc.constantFrom('open', 'pending', 'cancelled', 'shipped', 'refunded', 'partly refunded');
  for (const account of [us, germany]) {
    const started = new Date(account.sandbox.account.tick());
    const ids: string[] = [];
    await fc.assert(
      fc.asyncProperty(input, fate, (drawn, becomes) => {
        const book = account.sandbox.account;
        const { id } = placeOrder(book, { ...drawn, pending: becomes === 'pending' });
        ids.push(id);
        if (becomes === 'cancelled') cancelOrder(book, id);
        if (['shipped', 'refunded', 'partly refunded'].includes(becomes)) shipOrder(book, id);
        if (becomes === 'refunded') refundOrder(book, id);
        if (becomes === 'partly refunded')
          refundOrder(book, id, { items: [{ sku: drawn.lines[0]?.sku ?? '', quantity: 1 }] });
        return Promise.resolve();
      }),
      { numRuns: 60 },
    );
    const bySweep = new Map(
      ordersIn(await swept(account, started)).map((change) => [change.remoteId, change]),
    );
    expect(ids.filter((id) => !bySweep.has(id))).toEqual([]);
    for (const id of ids) {
      const single = await told(account, id);
      const { order } = single;
      expect(bySweep.get(id)?.order).toEqual(order);
      expect(bySweep.get(id)?.version.sourceUpdatedAt).toEqual(single.version.sourceUpdatedAt);
      expect(order.total.shop).toBe(partsOf(order));
      expect(sumOfTaxes(order)).toBe(order.tax.shop);
      if (order.financialStatus === 'refunded') expect(refundedOf(order)).toBe(order.total.shop);
      else expect(refundedOf(order)).toBeLessThanOrEqual(order.total.shop);
    }
  }
  expect([...us.violations, ...germany.violations]).toEqual([]);
});

test('an order that Amazon only sends for another shop is not a sale of Amazon’s', async () => {
  const placed = placeOrder(us.sandbox.account, {
    lines: [{ sku: 'LAMP', quantity: 1 }],
    fromElsewhere: true,
  });
  await expect(told(us, placed.id)).rejects.toThrow('placed elsewhere');
  expect(ordersIn(await swept(us, new Date(placed.createdMs))).map((change) => change.remoteId)).toEqual([]);
});

test('orders that were never sent cost no look into Finances', async () => {
  const placed = placeOrder(us.sandbox.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  us.exchanges.length = 0;
  await told(us, placed.id);
  expect(us.exchanges.map((one) => operationOf(one) ?? one.url.pathname.split('/')[1])).toEqual(
    contractsPresent ? ['getOrder'] : ['orders'],
  );
});

test.runIf(contractsPresent)('the orders of Amazon’s own examples are understood to the last cent', () => {
  const totals = [
    ...['0', '1', '2'].flatMap(
      (n) => searchOrdersAnswer.parse(officialExample(`orders_2026-01-01__searchOrders__200__${n}`)).orders,
    ),
    ...['0', '1', '2'].map(
      (n) => getOrderAnswer.parse(officialExample(`orders_2026-01-01__getOrder__200__${n}`)).order,
    ),
  ].map((one) => {
    const change = orderChange(one, [], new Date());
    if (change.kind !== 'order') throw new Error('not an order');
    return [change.order.currency, change.order.total.shop, partsOf(change.order), change.order.tax.shop];
  });
  expect(totals).toEqual([
    ['JPY', 19_940n, 19_940n, 0n],
    ['GBP', 3_499n, 3_499n, 0n],
    ['BRL', 159_990n, 159_990n, 0n],
    ['BRL', 29_990n, 29_990n, 0n],
    ['TRY', 12_500n, 12_500n, 0n],
    ['USD', 4_999n, 4_999n, 1_000n],
  ]);
});

test('a tax that is told as an amount gets the roundest rate that makes it', () => {
  expect(likelyRate(319n, 1_681n)).toBe('0.19');
  expect(likelyRate(38_00n, 379_98n)).toBe('0.1');
  expect(likelyRate(725n, 10_000n)).toBe('0.0725');
  expect(likelyRate(0n, 100n)).toBe('0');
  fc.assert(
    fc.property(
      fc.constantFrom('0.05', '0.07', '0.19', '0.0725', '0.08875'),
      fc.bigInt({ min: 100_000n, max: 10_000_000n }),
      (rate, base) => {
        const scaled = BigInt(Math.round(Number(rate) * 100_000));
        const tax = (2n * base * scaled + 100_000n) / 200_000n;
        return likelyRate(tax, base) === rate;
      },
    ),
    { numRuns: 500 },
  );
});

function sumOfTaxes(order: CanonicalOrder): bigint {
  return [...order.lines, ...order.shippingLines]
    .flatMap((part) => part.taxLines)
    .reduce((sum, tax) => sum + tax.amount.shop, 0n);
}

function refundedOf(order: CanonicalOrder): bigint {
  return order.refunds
    .flatMap((refund) => refund.transactions)
    .reduce((sum, one) => sum + one.amount.shop, 0n);
}
