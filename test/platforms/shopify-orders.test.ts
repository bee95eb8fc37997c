import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DispositionType } from '../../sandbox/shopify/commerce/types.ts';
import type { PlaceOrderInput } from '../../sandbox/shopify/place-order.ts';
import { type ShopifySandbox, startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { formatMinor, parseMinor } from '../../src/model/money.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import { sumOf } from '../../src/sync/platforms/shopify/assemble-order.ts';
import { parseExact } from '../../src/sync/platforms/shopify/exact-json.ts';
import { withFates } from '../../src/sync/platforms/shopify/return-fates.ts';
import { bothWays, changesOf, paidOf, refundedOf, sessionFor } from './shopify-support.ts';

let sandbox: ShopifySandbox;
let session: ReturnType<typeof sessionFor>;

const skus = ['MUG', 'LAMP', 'ROPE'] as const;

beforeAll(async () => {
  sandbox = await startShopifySandbox({ port: 0, seed: 7, limits: false, outOfOrder: 0 });
  sandbox.addLocation({ name: 'Warehouse' });
  for (const [sku, price] of [
    ['MUG', '19.99'],
    ['LAMP', '45.50'],
    ['ROPE', '3.33'],
  ] as const)
    sandbox.upsertProduct({ title: `The ${sku}`, variants: [{ sku, price, stock: 1_000_000, grams: 200 }] });
  session = sessionFor(sandbox);
});

afterAll(() => sandbox[Symbol.asyncDispose]());

/** Payments as a webhook lets them be known: what they came to. */
function comparable(order: CanonicalOrder): unknown {
  const { transactions: _transactions, ...rest } = order;
  return { ...rest, paid: paidOf(order) };
}

async function placed(
  input: PlaceOrderInput,
): Promise<{ id: string; told: CanonicalOrder; read: CanonicalOrder }> {
  const { id } = sandbox.placeOrder(input);
  return { id, ...(await now(id)) };
}

async function now(id: string): Promise<{ told: CanonicalOrder; read: CanonicalOrder }> {
  const { told, read } = await bothWays(sandbox, session, id);
  return { told: told.order, read: read.order };
}

function dollars(order: CanonicalOrder): Record<string, string> {
  const names = ['subtotal', 'discount', 'shipping', 'tax', 'duties', 'tip', 'rounding', 'total'] as const;
  return Object.fromEntries(names.map((name) => [name, formatMinor(order[name].shop, order.currency)]));
}

describe('one order', () => {
  test('a webhook tells an order to the cent, with nothing read from Shopify', async () => {
    const { id } = sandbox.placeOrder({
      channel: 'online',
      customer: { firstName: 'Ada', lastName: 'Lovelace', email: 'Ada@Example.com', phone: '+16025550123' },
      lines: [
        {
          sku: 'MUG',
          quantity: 3,
          discount: { title: 'Chipped', percent: '10' },
          properties: { engraving: 'A.L.' },
        },
        { sku: 'LAMP', quantity: 1 },
      ],
      discountCode: 'SAVE5',
      shipping: { title: 'Standard', price: '7.50' },
      taxRates: [{ title: 'State', rate: '0.056' }],
      note: 'Leave at the gate',
      attributes: { gift: 'yes' },
      tags: ['vip', 'first'],
    });
    session.requests = 0;
    const [change] = await changesOf(session, 'orders/create', sandbox.orderJson(id));
    expect(session.requests).toBe(0);
    if (change?.kind !== 'order') throw new Error('no order');
    expect(change.remoteId).toBe(id);
    expect(change.version.observedAt).toBeNull();
    expect(change.observed).toEqual({ note: 'Leave at the gate', tags: ['first', 'vip'] });
    const { order } = change;
    expect(dollars(order)).toEqual({
      subtotal: '105.47',
      discount: '11.00',
      shipping: '7.50',
      tax: '5.29',
      duties: '0.00',
      tip: '0.00',
      rounding: '0.00',
      total: '107.26',
    });
    expect(order.customer).toMatchObject({
      email: 'ada@example.com',
      phone: '+16025550123',
      firstName: 'Ada',
    });
    expect(order.channel).toBe('online_store');
    expect(order.lines[0]).toMatchObject({
      sku: 'MUG',
      quantity: 3,
      refundedQuantity: 0,
      unitPrice: { shop: 1999n, presentment: 1999n },
      properties: [{ name: 'engraving', value: 'A.L.' }],
    });
    expect(
      order.discounts.map(({ kind, code, value, valueType }) => ({ kind, code, value, valueType })),
    ).toEqual(
      expect.arrayContaining([{ kind: 'code', code: 'SAVE5', value: '5', valueType: 'fixed_amount' }]),
    );
    expect(order.attributes).toEqual([{ name: 'gift', value: 'yes' }]);
    expect(paidOf(order)).toBe(order.total.shop);
  });

  test('an order paid in several tenders is read, because its webhook does not say who paid what', async () => {
    const { id } = sandbox.placeOrder({
      channel: 'pos',
      lines: [{ sku: 'LAMP' }],
      giftCard: '20.00',
      payments: [{ gateway: 'cash' }],
    });
    session.requests = 0;
    const [change] = await changesOf(session, 'orders/create', sandbox.orderJson(id));
    expect(session.requests).toBeGreaterThan(0);
    if (change?.kind !== 'order') throw new Error('no order');
    expect(change.version.observedAt).not.toBeNull();
    expect(change.order.channel).toBe('point_of_sale');
    expect(change.order.transactions.map(({ gateway, amount }) => [gateway, amount.shop])).toEqual([
      ['gift_card', 2000n],
      ['cash', change.order.total.shop - 2000n],
    ]);
  });

  test('a refund in another currency is read, because its webhook tells one currency only', async () => {
    const { id } = sandbox.placeOrder({
      lines: [{ sku: 'LAMP', quantity: 2 }],
      currency: 'EUR',
      exchangeRate: '0.9',
    });
    const before = await now(id);
    expect(comparable(before.told)).toEqual(comparable(before.read));
    sandbox.refundOrder(id, { lines: [{ sku: 'LAMP', quantity: 1 }] });
    session.requests = 0;
    const [change] = await changesOf(session, 'orders/updated', sandbox.orderJson(id));
    expect(session.requests).toBeGreaterThan(0);
    if (change?.kind !== 'order') throw new Error('no order');
    const [refund] = change.order.refunds;
    expect(refund?.transactions[0]?.amount.presentment).not.toBe(refund?.transactions[0]?.amount.shop);
  });

  test('what became of goods that a refund did not put back is read, piece by piece', async () => {
    const { id } = sandbox.placeOrder({ channel: 'pos', lines: [{ sku: 'MUG', quantity: 5 }] });
    sandbox.refundOrder(id, {
      lines: [{ sku: 'MUG', quantity: 4, restockType: 'no_restock' }],
      asReturn: true,
    });
    const fates = async () => {
      const { told, read } = await now(id);
      expect(comparable(told)).toEqual(comparable(read));
      return read.refunds.map((refund) => refund.lines.map((line) => line.fates));
    };
    expect(await fates()).toEqual([[undefined]]);

    const given = sandbox.order(id)?.returns[0];
    if (given === undefined) throw new Error('no return');
    const dispose = (type: DispositionType, quantity = 1) =>
      sandbox.disposeReturn(given.id, { lines: [{ sku: 'MUG', type, quantity }] });
    dispose('PROCESSING_REQUIRED', 4);
    expect(await fates()).toEqual([[undefined]]);
    dispose('NOT_RESTOCKED');
    dispose('MISSING');
    expect(await fates()).toEqual([[{ restocked: 0, damaged: 1, notReturned: 1 }]]);
    dispose('RESTOCKED');
    expect(await fates()).toEqual([[{ restocked: 1, damaged: 1, notReturned: 1 }]]);
    expect(() => dispose('MISSING', 2)).toThrow('more than what remains');

    const [change] = await changesOf(
      session,
      'reverse_fulfillment_orders/dispose',
      JSON.stringify({
        id: Number(given.reverseId),
        admin_graphql_api_id: `gid://shopify/ReverseFulfillmentOrder/${given.reverseId}`,
      }),
    );
    if (change?.kind !== 'order') throw new Error('no order');
    expect(change.remoteId).toBe(id);
    expect(change.order.refunds[0]?.lines[0]?.fates).toEqual({ restocked: 1, damaged: 1, notReturned: 1 });
  });

  test('pieces of a return that was paid back in two refunds go to them in their order', async () => {
    const line = (remoteId: string, quantity: number, restockType: 'return' | 'no_restock') => ({
      remoteId,
      lineRemoteId: '7',
      quantity,
      restockType,
      locationRemoteId: null,
      subtotal: { shop: 0n, presentment: 0n },
      tax: { shop: 0n, presentment: 0n },
    });
    const refundAt = (remoteId: string, minute: number, ...lines: ReturnType<typeof line>[]) => ({
      remoteId,
      note: null,
      refundedAt: new Date(Date.UTC(2026, 10, 1, 0, minute)),
      lines,
      adjustments: [],
      transactions: [],
    });
    const refunds = [
      refundAt('2', 2, line('b', 3, 'no_restock')),
      refundAt('1', 1, line('a', 2, 'no_restock'), line('c', 1, 'return')),
      refundAt('3', 3, line('d', 1, 'no_restock')),
    ];
    const told = withFates(refunds, [
      {
        refundRemoteIds: ['1', '2'],
        lines: [
          {
            fulfillmentLineItem: { lineItem: { id: 'gid://shopify/LineItem/7' } },
            dispositions: [
              { type: 'RESTOCKED', quantity: 2 },
              { type: 'NOT_RESTOCKED', quantity: 2 },
              { type: 'MISSING', quantity: 1 },
              { type: 'PROCESSING_REQUIRED', quantity: 1 },
            ],
          },
        ],
      },
    ]);
    expect(told.map((one) => one.lines.map(({ remoteId, fates }) => [remoteId, fates]))).toEqual([
      [['b', { restocked: 0, damaged: 1, notReturned: 1 }]],
      [
        ['a', { restocked: 1, damaged: 1, notReturned: 0 }],
        ['c', undefined],
      ],
      [['d', undefined]],
    ]);
  });

  test('units that an edit removes before they are paid make the order smaller, not a refund', async () => {
    const { id } = await placed({ lines: [{ sku: 'MUG', quantity: 3 }, { sku: 'LAMP' }], paid: false });
    sandbox.editOrder(id, {
      set: [
        { sku: 'MUG', quantity: 1 },
        { sku: 'LAMP', quantity: 0 },
      ],
    });
    const unpaid = await now(id);
    expect(comparable(unpaid.told)).toEqual(comparable(unpaid.read));
    expect(unpaid.told.refunds).toEqual([]);
    expect(
      unpaid.told.lines.map(({ sku, quantity, refundedQuantity }) => ({ sku, quantity, refundedQuantity })),
    ).toEqual([{ sku: 'MUG', quantity: 1, refundedQuantity: 0 }]);
    const current = sandbox.outcome(must(sandbox.order(id))).currentTotal;
    expect(formatMinor(unpaid.told.total.shop, 'USD')).toBe(current);
    sandbox.payOrder(id);
    const paid = await now(id);
    expect(comparable(paid.told)).toEqual(comparable(paid.read));
    expect(paid.told.total).toEqual(unpaid.told.total);
    expect(paidOf(paid.told)).toBe(paid.told.total.shop);
  });

  test('units that an edit removes after they were paid stay on the order, and their money is a refund', async () => {
    const { id, told: first } = await placed({ lines: [{ sku: 'MUG', quantity: 2 }, { sku: 'LAMP' }] });
    sandbox.editOrder(id, { set: [{ sku: 'LAMP', quantity: 0 }] });
    const edited = await now(id);
    expect(edited.told.total).toEqual(first.total);
    expect(refundedOf(edited.told)).toBe(0n);
    expect(edited.told.refunds[0]?.lines).toHaveLength(1);
    const owed = -parseMinor(sandbox.outcome(must(sandbox.order(id))).outstanding, 'USD');
    sandbox.refundOrder(id, { amount: formatMinor(owed, 'USD') });
    const settled = await now(id);
    expect(comparable(settled.told)).toEqual(comparable(settled.read));
    expect(settled.told.total).toEqual(first.total);
    expect(refundedOf(settled.told)).toBe(owed);
  });

  test('what a paid order gives back when an edit swaps goods for cheaper ones is change, not a refund', async () => {
    const { id } = await placed({ lines: [{ sku: 'LAMP' }], taxRates: [] });
    sandbox.editOrder(id, { add: [{ sku: 'MUG' }], set: [{ sku: 'LAMP', quantity: 0 }] });
    sandbox.refundOrder(id, { amount: '25.51' });
    const { told, read } = await now(id);
    expect(comparable(told)).toEqual(comparable(read));
    expect(dollars(told).total).toBe('19.99');
    expect(told.lines.map((line) => line.sku)).toEqual(['MUG']);
    expect(told.refunds).toEqual([]);
    expect(told.transactions.map(({ kind, amount }) => [kind, amount.shop])).toEqual([
      ['sale', 4550n],
      ['change', 2551n],
    ]);
    expect(paidOf(told)).toBe(1999n);
  });

  test('a cancelled order keeps what was ordered', async () => {
    const { id, told: first } = await placed({ lines: [{ sku: 'LAMP' }], paid: false });
    sandbox.cancelOrder(id, { reason: 'CUSTOMER' });
    const { told, read } = await now(id);
    expect(comparable(told)).toEqual(comparable(read));
    expect(told.total).toEqual(first.total);
    expect(told.lines[0]).toMatchObject({ quantity: 1, refundedQuantity: 1 });
    expect(told.cancelReason).toBe('customer');
    expect(told.cancelledAt).not.toBeNull();
  });

  test('a refund may be nothing but goodwill, shipping or a difference of either sign', async () => {
    const { id } = await placed({ lines: [{ sku: 'LAMP', quantity: 2 }], shipping: '9.00', taxRates: [] });
    sandbox.refundOrder(id, { amount: '5.00', note: 'Sorry for the wait' });
    sandbox.refundOrder(id, { shipping: '4.00' });
    sandbox.refundOrder(id, { lines: [{ sku: 'LAMP', quantity: 1 }], amount: '40.00' });
    const { told, read } = await now(id);
    expect(comparable(told)).toEqual(comparable(read));
    expect(
      told.refunds.map((refund) => ({
        lines: refund.lines.map((line) => line.subtotal.shop),
        adjustments: refund.adjustments.map(({ kind, amount }) => [kind, amount.shop]),
        money: refund.transactions.map((one) => one.amount.shop),
      })),
    ).toEqual([
      { lines: [], adjustments: [['refund_discrepancy', 500n]], money: [500n] },
      { lines: [], adjustments: [['shipping_refund', 400n]], money: [400n] },
      { lines: [4550n], adjustments: [['refund_discrepancy', -550n]], money: [4000n] },
    ]);
  });

  test('goods that come back before they are paid for are set off against what is owed', async () => {
    const { id } = await placed({ lines: [{ sku: 'LAMP' }], taxRates: [] });
    sandbox.editOrder(id, { add: [{ sku: 'MUG' }] });
    sandbox.refundOrder(id, { lines: [{ sku: 'LAMP', quantity: 1 }], amount: '30.00' });
    const { told, read } = await now(id);
    expect(comparable(told)).toEqual(comparable(read));
    expect(told.total.shop).toBe(6549n);
    expect(told.refunds[0]?.transactions.map(({ gateway, amount }) => [gateway, amount.shop])).toEqual([
      ['shopify_payments', 3000n],
      ['set_off', 1550n],
    ]);
    expect(paidOf(told)).toBe(4550n + 1550n);
    expect(formatMinor(told.total.shop - refundedOf(told), 'USD')).toBe(
      sandbox.outcome(must(sandbox.order(id))).currentTotal,
    );
  });

  test('goods that were paid back stay a refund when others are added later and not yet paid', async () => {
    const { id } = await placed({ lines: [{ sku: 'MUG' }], taxRates: [] });
    sandbox.editOrder(id, { set: [{ sku: 'MUG', quantity: 0 }] });
    sandbox.refundOrder(id, { amount: '19.99' });
    sandbox.editOrder(id, { add: [{ sku: 'LAMP' }] });
    const { told, read } = await now(id);
    expect(comparable(told)).toEqual(comparable(read));
    expect(told.total.shop).toBe(1999n + 4550n);
    expect(refundedOf(told)).toBe(1999n);
    expect(paidOf(told)).toBe(1999n);
  });

  test('cash is paid and given back in whole coins, and what that adds stands as rounding', async () => {
    const { id, told, read } = await placed({
      channel: 'pos',
      lines: [{ sku: 'MUG', quantity: 1 }],
      taxRates: [{ rate: '0.086' }],
      payments: [{ gateway: 'cash' }],
      cashRounding: '0.05',
    });
    // 19.99 and 1.72 tax are 21.71, paid with 21.70.
    expect(comparable(told)).toEqual(comparable(read));
    expect(dollars(told)).toMatchObject({
      subtotal: '19.99',
      tax: '1.72',
      rounding: '-0.01',
      total: '21.70',
    });
    expect(paidOf(told)).toBe(2170n);
    sandbox.refundOrder(id, { lines: [{ sku: 'MUG', quantity: 1 }], cashRounding: '0.05' });
    const after = await now(id);
    expect(comparable(after.told)).toEqual(comparable(after.read));
    expect(refundedOf(after.told)).toBe(2170n);
    expect(after.told.refunds[0]?.adjustments).toMatchObject([
      { kind: 'cash_rounding', amount: { shop: -1n } },
    ]);
  });

  test('a duty is its own part of the order, and goes back as its own part of the refund', async () => {
    const { id, told } = await placed({
      lines: [{ sku: 'LAMP', quantity: 2, duty: '3.01' }],
      taxRates: [],
    });
    expect(dollars(told)).toMatchObject({ subtotal: '91.00', duties: '3.01', total: '94.01' });
    sandbox.refundOrder(id, { lines: [{ sku: 'LAMP', quantity: 1 }], duties: true });
    const after = await now(id);
    expect(comparable(after.told)).toEqual(comparable(after.read));
    expect(after.told.refunds[0]?.adjustments).toMatchObject([
      { kind: 'duty_refund', amount: { shop: 151n } },
    ]);
    expect(refundedOf(after.told)).toBe(4701n);
  });

  test('an exchange adds the new goods to the order and takes the old ones off, with only the difference as money', async () => {
    const { id } = await placed({ channel: 'pos', lines: [{ sku: 'LAMP', quantity: 1 }], taxRates: [] });
    sandbox.exchangeOrder(id, { lines: [{ sku: 'LAMP', quantity: 1 }], exchange: [{ sku: 'MUG' }] });
    const { told, read } = await now(id);
    expect(comparable(told)).toEqual(comparable(read));
    expect(dollars(told)).toMatchObject({ total: '65.49' });
    expect(
      told.lines.map(({ sku, quantity, refundedQuantity }) => [sku, quantity, refundedQuantity]),
    ).toEqual([
      ['LAMP', 1, 1],
      ['MUG', 1, 0],
    ]);
    expect(paidOf(told) - refundedOf(told)).toBe(1999n);
  });

  test('a shop in a currency of three decimals is read to the last of them', async () => {
    await using kuwait = await startShopifySandbox({ port: 0, seed: 9, limits: false, currency: 'KWD' });
    kuwait.addLocation({ name: 'Souk' });
    kuwait.upsertProduct({ title: 'Lamp', variants: [{ sku: 'L', price: '10.125', stock: 9 }] });
    const there = sessionFor(kuwait);
    const { id } = kuwait.placeOrder({
      lines: [{ sku: 'L', quantity: 3, discount: { percent: '7' } }],
      taxRates: [{ rate: '0.05' }],
    });
    const { told, read } = await bothWays(kuwait, there, id);
    expect(comparable(told.order)).toEqual(comparable(read.order));
    expect(dollars(told.order)).toMatchObject({ subtotal: '30.375', discount: '2.126', tax: '1.412' });
  });

  test('a tip that the till sends as a line too counts once', async () => {
    const { id } = await placed({ channel: 'pos', lines: [{ sku: 'MUG' }], tip: '3.00', taxRates: [] });
    const body = JSON.parse(sandbox.orderJson(id));
    const exact = sandbox.orderJson(id);
    const line = { ...body.line_items[0], id: 1, title: 'Tip', variant_id: null, sku: null };
    const money = { amount: '3.00', currency_code: 'USD' };
    line.price_set = { shop_money: money, presentment_money: money };
    const withLine = exact.replace('"line_items":[', `"line_items":[${JSON.stringify(line)},`);
    const [change] = await changesOf(session, 'orders/create', withLine);
    if (change?.kind !== 'order') throw new Error('no order');
    expect(change.order.lines.map((one) => one.title)).toEqual(['The MUG']);
    expect(dollars(change.order)).toMatchObject({
      subtotal: '19.99',
      tip: '3.00',
      rounding: '0.00',
      total: '22.99',
    });
  });
});

describe('every order', () => {
  const line = fc.record({
    sku: fc.constantFrom(...skus),
    quantity: fc.integer({ min: 1, max: 4 }),
    discount: fc.option(fc.constantFrom({ percent: '15' }, { amount: '1.01' }), { nil: undefined }),
    duty: fc.option(fc.constantFrom('3.33', '0.10'), { nil: undefined, freq: 3 }),
    taxable: fc.option(fc.constant(false), { nil: undefined, freq: 6 }),
  });
  const input = fc.record({
    channel: fc.constantFrom('online' as const, 'pos' as const),
    customerEmail: fc.option(fc.constantFrom('a@example.com', 'b@example.com'), { nil: undefined }),
    lines: fc.array(line, { minLength: 1, maxLength: 3 }),
    discountCode: fc.option(fc.constantFrom('WELCOME10', 'SAVE5', 'FREESHIP'), { nil: undefined }),
    automaticDiscount: fc.option(fc.constantFrom({ percent: '33.3' }, { percent: '100' }), {
      nil: undefined,
      freq: 5,
    }),
    shipping: fc.option(fc.constantFrom('4.99', '12.00'), { nil: undefined }),
    taxRates: fc.constantFrom(
      [],
      [{ rate: '0.086' }],
      [
        { title: 'State', rate: '0.056' },
        { title: 'City', rate: '0.02375' },
      ],
      [{ title: 'Channel tax', rate: '0.06', channelLiable: true }],
    ),
    taxesIncluded: fc.boolean(),
    taxShipping: fc.boolean(),
    tip: fc.option(fc.constantFrom('2.00', '0.01'), { nil: undefined }),
    currency: fc.option(fc.constantFrom('EUR', 'JPY', 'KWD'), { nil: undefined }),
    exchangeRate: fc.constant('0.913'),
    test: fc.option(fc.constant(true), { nil: undefined, freq: 8 }),
    paid: fc.boolean(),
    giftCard: fc.option(fc.constant('1.50'), { nil: undefined }),
  });
  const step = fc.oneof(
    fc.record({
      do: fc.constant('edit' as const),
      sku: fc.constantFrom(...skus),
      quantity: fc.integer({ min: 0, max: 5 }),
    }),
    fc.record({ do: fc.constant('add' as const), sku: fc.constantFrom(...skus) }),
    fc.record({ do: fc.constant('pay' as const) }),
    fc.record({ do: fc.constant('fulfil' as const) }),
    fc.record({ do: fc.constant('cancel' as const) }),
    fc.record({ do: fc.constant('payBack' as const) }),
    fc.record({
      do: fc.constant('refund' as const),
      sku: fc.option(fc.constantFrom(...skus), { nil: undefined }),
      shipping: fc.boolean(),
      amount: fc.option(fc.constantFrom('0.50', '7.77'), { nil: undefined }),
      status: fc.constantFrom('success' as const, 'success' as const, 'pending' as const, 'failure' as const),
      duties: fc.boolean(),
      restockType: fc.option(fc.constantFrom('NO_RESTOCK' as const, 'RETURN' as const), { nil: undefined }),
      to: fc.option(fc.constantFrom('gift_card' as const, 'store_credit' as const), {
        nil: undefined,
        freq: 5,
      }),
      discrepancyReason: fc.option(fc.constantFrom('RESTOCK' as const, 'DAMAGE' as const), {
        nil: undefined,
      }),
    }),
    fc.record({
      do: fc.constant('exchange' as const),
      back: fc.constantFrom(...skus),
      out: fc.constantFrom(...skus),
      restockingFee: fc.option(fc.constant('1.00'), { nil: undefined }),
    }),
    fc.record({ do: fc.constant('settle' as const), succeeds: fc.boolean() }),
  );

  test('is told alike by its webhook and by a read, adds up, and loses no cent over its life', async () => {
    await fc.assert(
      fc.asyncProperty(input, fc.array(step, { maxLength: 5 }), async (wish, steps) => {
        const { id } = sandbox.placeOrder(defined(wish) as unknown as PlaceOrderInput);
        await check(id);
        for (const one of steps) {
          if (tryStep(id, one)) await check(id);
        }
      }),
      { numRuns: 250 },
    );
  }, 120_000);

  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

  /** False where the shop refuses the step. */
  function tryStep(id: string, one: Step): boolean {
    try {
      switch (one.do) {
        case 'edit':
          sandbox.editOrder(id, { set: [{ sku: one.sku, quantity: one.quantity }] });
          return true;
        case 'add':
          sandbox.editOrder(id, { add: [{ sku: one.sku }] });
          return true;
        case 'pay':
          sandbox.payOrder(id);
          return true;
        case 'fulfil':
          sandbox.fulfilOrder(id);
          return true;
        case 'cancel':
          sandbox.cancelOrder(id);
          return true;
        case 'payBack': {
          const { outstanding, currency } = sandbox.outcome(must(sandbox.order(id)));
          const owed = -parseMinor(outstanding, currency);
          if (owed <= 0n) return false;
          sandbox.refundOrder(id, { amount: formatMinor(owed, currency) });
          return true;
        }
        case 'refund':
          sandbox.refundOrder(id, {
            ...(one.sku === undefined
              ? {}
              : {
                  lines: [
                    {
                      sku: one.sku,
                      quantity: 1,
                      ...(one.restockType === undefined ? {} : { restockType: one.restockType }),
                    },
                  ],
                }),
            shipping: one.shipping,
            duties: one.duties,
            ...(one.to === undefined ? {} : { to: one.to }),
            ...(one.discrepancyReason === undefined ? {} : { discrepancyReason: one.discrepancyReason }),
            ...(one.amount === undefined ? {} : { amount: one.amount }),
            status: one.status,
          });
          return true;
        case 'exchange':
          sandbox.exchangeOrder(id, {
            lines: [{ sku: one.back, quantity: 1 }],
            exchange: [{ sku: one.out }],
            ...(one.restockingFee === undefined ? {} : { restockingFee: one.restockingFee }),
          });
          return true;
        case 'settle': {
          const pending = must(sandbox.order(id)).transactions.find(
            (transaction) => transaction.kind === 'REFUND' && transaction.status === 'PENDING',
          );
          const refund = must(sandbox.order(id)).refunds.find((each) =>
            each.transactionIds.includes(pending?.id ?? ''),
          );
          if (refund === undefined) return false;
          sandbox.settleRefund(refund.id, one.succeeds);
          return true;
        }
      }
    } catch (error) {
      if (error instanceof Error && error.constructor.name === 'ShopError') return false;
      throw error;
    }
  }

  async function check(id: string): Promise<void> {
    const { told, read } = await now(id);
    expect(comparable(told)).toEqual(comparable(read));
    addsUp(read);
    await refundsAlone(id, read);
    const outcome = sandbox.outcome(must(sandbox.order(id)));
    // What is set off counts on both sides: the net is the money that the shop has.
    expect(paidOf(read) - refundedOf(read)).toBe(parseMinor(outcome.netPayment, 'USD'));
    if (outcome.cancelled || openMoney(read)) return;
    const standing = read.total.shop - refundedOf(read);
    const current = parseMinor(outcome.currentTotal, 'USD');
    const net = parseMinor(outcome.netPayment, 'USD');
    // Where the customer is owed money for goods they had paid for, the order stands at what they have paid.
    expect([current, net]).toContain(standing);
    if (net <= current) expect(standing).toBe(current);
  }

  /** A refund's own webhook says what the order says of it, or has the order read. */
  async function refundsAlone(id: string, order: CanonicalOrder): Promise<void> {
    const exact = parseExact(Buffer.from(sandbox.orderJson(id))) as { refunds: { id: string }[] };
    for (const payload of exact.refunds) {
      const [change] = await changesOf(session, 'refunds/create', JSON.stringify(payload));
      if (change?.kind === 'order') continue;
      if (change?.kind !== 'refund') throw new Error(`got ${change?.kind}`);
      expect(change.orderRemoteId).toBe(id);
      expect(change.refund).toEqual(order.refunds.find((refund) => refund.remoteId === payload.id));
    }
  }

  function addsUp(order: CanonicalOrder): void {
    expect(order.rounding).toEqual({ shop: 0n, presentment: 0n });
    expect(sumOf(order)).toEqual(order.total);
    const parts = [...order.lines, ...order.shippingLines];
    for (const part of parts) {
      expect(sum(part.allocations)).toEqual(part.discount);
      expect(sum(part.taxLines)).toEqual(part.tax);
      expect(part.discount.shop >= 0n && part.tax.shop >= 0n).toBe(true);
    }
    expect(
      sum([...parts, ...order.orderTaxLines].map((one) => ({ amount: 'tax' in one ? one.tax : one.amount }))),
    ).toEqual(order.tax);
    for (const line of order.lines) {
      expect(line.refundedQuantity).toBeGreaterThanOrEqual(0);
      expect(line.refundedQuantity).toBeLessThanOrEqual(line.quantity);
      const refunded = order.refunds
        .flatMap((refund) => refund.lines)
        .filter((one) => one.lineRemoteId === line.remoteId)
        .reduce((all, one) => all + one.quantity, 0);
      expect(refunded).toBe(line.refundedQuantity);
    }
    const ids = [...order.transactions, ...order.refunds.flatMap((refund) => refund.transactions)].map(
      (one) => one.remoteId,
    );
    expect(new Set(ids).size).toBe(ids.length);
  }

  function sum(parts: readonly { amount: { shop: bigint; presentment: bigint } }[]): unknown {
    return parts.reduce(
      (all, { amount }) => ({
        shop: all.shop + amount.shop,
        presentment: all.presentment + amount.presentment,
      }),
      { shop: 0n, presentment: 0n },
    );
  }

  /** Money that is on its way or came back: the sums hold when it has arrived. */
  function openMoney(order: CanonicalOrder): boolean {
    return [...order.transactions, ...order.refunds.flatMap((refund) => refund.transactions)].some(
      (one) => one.status !== 'success',
    );
  }
});

function defined(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record)
      .map(([key, value]) => [
        key,
        Array.isArray(value)
          ? value.map((one) => (typeof one === 'object' && one !== null ? defined({ ...one }) : one))
          : value,
      ])
      .filter(([, value]) => value !== undefined),
  );
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing there');
  return value;
}
