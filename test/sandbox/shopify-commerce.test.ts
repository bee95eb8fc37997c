import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allocate } from '../../sandbox/shopify/commerce/allocate.ts';
import {
  add,
  type Bag,
  fixed,
  mulDiv,
  parseMinor,
  short,
  subtract,
} from '../../sandbox/shopify/commerce/money.ts';
import { type PriceInput, priceOrder } from '../../sandbox/shopify/commerce/price-order.ts';
import { summarise } from '../../sandbox/shopify/commerce/summary.ts';
import type { Order } from '../../sandbox/shopify/commerce/types.ts';
import { ShopError } from '../../sandbox/shopify/shop.ts';
import { openShop } from './shopify-support.ts';

const amount = fc.integer({ min: 0, max: 5_000_000 });

const discount = (lineCount: number): fc.Arbitrary<PriceInput['discounts'][number]> =>
  fc.record({
    target: fc.oneof(
      fc.constant({ kind: 'order' as const }),
      fc.constant({ kind: 'shipping' as const }),
      fc
        .uniqueArray(fc.integer({ min: 0, max: lineCount - 1 }), { minLength: 1 })
        .map((indices) => ({ kind: 'lines' as const, indices })),
    ),
    value: fc.oneof(
      fc.integer({ min: 0, max: 1_000_000 }).map((ppm) => ({ kind: 'percentage' as const, ppm })),
      amount.map((minor) => ({ kind: 'fixed' as const, minor })),
    ),
  });

const priceInput: fc.Arbitrary<PriceInput> = fc
  .array(
    fc.record({
      unitMinor: amount,
      quantity: fc.integer({ min: 1, max: 20 }),
      taxable: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .chain((lines) =>
    fc.record({
      lines: fc.constant(lines),
      discounts: fc.array(discount(lines.length), { maxLength: 4 }),
      shipping: fc.array(fc.record({ priceMinor: amount }), { maxLength: 2 }),
      taxRatesPpm: fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 3 }),
      taxesIncluded: fc.boolean(),
      taxShipping: fc.boolean(),
      tipMinor: fc.integer({ min: 0, max: 10_000 }),
    }),
  );

describe('money', () => {
  test('prints as the webhooks and as the API do', () => {
    expect([fixed(860000, 'USD'), fixed(-5, 'USD'), fixed(1234, 'JPY'), fixed(1, 'KWD')]).toEqual([
      '8600.00',
      '-0.05',
      '1234',
      '0.001',
    ]);
    expect([
      short(860000, 'USD'),
      short(1890, 'USD'),
      short(1899, 'USD'),
      short(-50, 'USD'),
      short(7, 'JPY'),
    ]).toEqual(['8600.0', '18.9', '18.99', '-0.5', '7.0']);
  });

  test('reads decimals exactly and refuses digits that a currency does not have', () => {
    expect([parseMinor('1.1', 'USD'), parseMinor(0.29, 'USD'), parseMinor('12', 'JPY')]).toEqual([
      110, 29, 12,
    ]);
    expect(() => parseMinor('1.005', 'USD')).toThrow('too many decimals');
    expect(() => parseMinor('12.5', 'JPY')).toThrow('too many decimals');
    expect(() => parseMinor('1e3', 'USD')).toThrow('not a decimal');
  });

  test('rounds half away from zero without leaving whole numbers', () => {
    expect([mulDiv(5, 1, 2), mulDiv(-5, 1, 2), mulDiv(9_007_199_254_740_991, 3, 3), mulDiv(1, 1, 3)]).toEqual(
      [3, -3, 9_007_199_254_740_991, 0],
    );
  });
});

describe('an allocation', () => {
  test('loses nothing and gives nobody more than their weight', () => {
    fc.assert(
      fc.property(fc.array(amount, { minLength: 1, maxLength: 10 }), fc.nat(), (weights, given) => {
        const sum = weights.reduce((all, one) => all + one, 0);
        const total = sum === 0 ? 0 : given % (sum + 1);
        const shares = allocate(total, weights);
        expect(shares.reduce((all, one) => all + one, 0)).toBe(total);
        for (const [index, share] of shares.entries()) {
          expect(share).toBeGreaterThanOrEqual(0);
          expect(share).toBeLessThanOrEqual(weights[index] ?? -1);
        }
      }),
    );
  });

  test('gives the odd cents to the largest remainders', () => {
    expect(allocate(100, [1, 1, 1])).toEqual([34, 33, 33]);
    expect(allocate(10, [999, 1])).toEqual([10, 0]);
  });
});

describe('a priced order', () => {
  test('has totals that are the sums of its parts, and no part below zero', () => {
    fc.assert(
      fc.property(priceInput, (input) => {
        const priced = priceOrder(input);
        const parts = [...priced.lines, ...priced.shipping];
        const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);
        for (const part of parts) {
          expect(part.netMinor).toBe(part.grossMinor - sum(part.discountMinors));
          expect(part.netMinor).toBeGreaterThanOrEqual(0);
          expect(part.discountMinors).toHaveLength(input.discounts.length);
          if (input.taxesIncluded) expect(sum(part.taxMinors)).toBeLessThanOrEqual(part.netMinor);
        }
        const gross =
          sum(input.lines.map((line) => line.unitMinor * line.quantity)) +
          sum(input.shipping.map((line) => line.priceMinor));
        expect(priced.totalMinor).toBe(
          gross - priced.discountsMinor + (input.taxesIncluded ? 0 : priced.taxMinor) + input.tipMinor,
        );
        expect(priced.subtotalMinor).toBe(sum(priced.lines.map((line) => line.netMinor)));
      }),
    );
  });

  test('is the one that a person would work out', () => {
    const priced = priceOrder({
      lines: [
        { unitMinor: 1999, quantity: 3, taxable: true },
        { unitMinor: 4550, quantity: 1, taxable: false },
      ],
      discounts: [
        { target: { kind: 'lines', indices: [0] }, value: { kind: 'percentage', ppm: 100_000 } },
        { target: { kind: 'order' }, value: { kind: 'fixed', minor: 500 } },
      ],
      shipping: [{ priceMinor: 800 }],
      taxRatesPpm: [56_000, 23_000],
      taxesIncluded: false,
      taxShipping: true,
      tipMinor: 100,
    });
    // 59.97 − 10% = 53.97; the 5.00 spread over 53.97 and 45.50 = 2.71 and 2.29.
    expect(priced.lines.map((line) => line.discountMinors)).toEqual([
      [600, 271],
      [0, 229],
    ]);
    expect(priced.lines.map((line) => line.taxMinors)).toEqual([
      [287, 118],
      [0, 0],
    ]);
    expect(priced.shipping[0]?.taxMinors).toEqual([45, 18]);
    expect(priced.totalMinor).toBe(5126 + 4321 + 800 + 287 + 118 + 45 + 18 + 100);
  });
});

type Action =
  | { kind: 'edit'; add: boolean; line: number; quantity: number }
  | { kind: 'fulfil'; line: number; quantity: number }
  | {
      kind: 'refund';
      line: number;
      quantity: number;
      shipping: boolean;
      amount: number | null;
      status: 'success' | 'pending' | 'failure';
    }
  | { kind: 'pay' }
  | { kind: 'settle'; succeeds: boolean }
  | { kind: 'cancel'; restock: boolean; refund: boolean };

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('edit' as const),
    add: fc.boolean(),
    line: fc.nat(2),
    quantity: fc.nat(5),
  }),
  fc.record({
    kind: fc.constant('fulfil' as const),
    line: fc.nat(2),
    quantity: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    kind: fc.constant('refund' as const),
    line: fc.nat(2),
    quantity: fc.nat(3),
    shipping: fc.boolean(),
    amount: fc.option(fc.integer({ min: 1, max: 9000 })),
    status: fc.constantFrom('success' as const, 'success' as const, 'pending' as const, 'failure' as const),
  }),
  fc.record({ kind: fc.constant('pay' as const) }),
  fc.record({ kind: fc.constant('settle' as const), succeeds: fc.boolean() }),
  fc.record({ kind: fc.constant('cancel' as const), restock: fc.boolean(), refund: fc.boolean() }),
);

describe('whatever happens to an order', () => {
  test('its books stay exact in both currencies, and stock is never made or lost', async () => {
    await using sandbox = await openShop();
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          pos: fc.boolean(),
          taxesIncluded: fc.boolean(),
          foreign: fc.boolean(),
          paid: fc.boolean(),
          giftCard: fc.option(fc.integer({ min: 1, max: 5000 })),
          percent: fc.integer({ min: 0, max: 100 }),
          quantities: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
          shipping: fc.nat(2000),
        }),
        fc.array(action, { maxLength: 8 }),
        async (given, actions) => {
          const before = onHandOf(sandbox.state());
          const skus = ['MUG', 'LAMP', 'ROPE'];
          const { id } = sandbox.placeOrder({
            channel: given.pos ? 'pos' : 'online',
            lines: given.quantities.map((quantity, index) => ({ sku: skus[index] ?? 'MUG', quantity })),
            discountCode: { code: 'SOME', percent: String(given.percent) },
            shipping: fixed(given.shipping, 'USD'),
            taxesIncluded: given.taxesIncluded,
            taxShipping: true,
            taxRates: [
              { title: 'A', rate: '0.0725' },
              { title: 'B', rate: '0.0133' },
            ],
            paid: given.paid,
            ...(given.giftCard === null ? {} : { giftCard: fixed(given.giftCard, 'USD') }),
            ...(given.foreign ? { currency: 'EUR', exchangeRate: '0.9137' } : {}),
          });
          const order = sandbox.order(id);
          if (order === undefined) throw new Error('the order is gone');
          checkBooks(order);
          for (const one of actions) {
            try {
              act(sandbox, order, one);
            } catch (error) {
              // What the shop refuses must leave the order as it was, which the checks below see.
              if (!(error instanceof ShopError)) throw error;
            }
            checkBooks(order);
          }
          checkStock(order, before, onHandOf(sandbox.state()));
        },
      ),
      { numRuns: 300 },
    );
  });
});

type Sandbox = Awaited<ReturnType<typeof openShop>>;

function act(sandbox: Sandbox, order: Order, one: Action): void {
  const lineOf = (index: number): Order['lines'][number] => {
    const line = order.lines[index % order.lines.length];
    if (line === undefined) throw new ShopError('no line');
    return line;
  };
  switch (one.kind) {
    case 'edit':
      sandbox.editOrder(
        order.id,
        one.add
          ? { add: [{ sku: 'ROPE', quantity: one.quantity + 1 }] }
          : { set: [{ lineId: lineOf(one.line).id, quantity: one.quantity }] },
      );
      return;
    case 'fulfil':
      sandbox.fulfilOrder(order.id, { lines: [{ lineId: lineOf(one.line).id, quantity: one.quantity }] });
      return;
    case 'refund':
      sandbox.refundOrder(order.id, {
        lines: one.quantity === 0 ? [] : [{ lineId: lineOf(one.line).id, quantity: one.quantity }],
        shipping: one.shipping,
        status: one.status,
        ...(one.amount === null ? {} : { amount: fixed(one.amount, 'USD') }),
      });
      return;
    case 'pay':
      sandbox.payOrder(order.id);
      return;
    case 'settle': {
      const pending = order.refunds.find((refund) =>
        order.transactions.some(
          (transaction) => transaction.status === 'PENDING' && refund.transactionIds.includes(transaction.id),
        ),
      );
      if (pending !== undefined) sandbox.settleRefund(pending.id, one.succeeds);
      return;
    }
    case 'cancel': {
      sandbox.cancelOrder(order.id, { restock: one.restock, refund: one.refund });
      const { net, currentTotal } = summarise(order);
      const waiting = order.transactions.some((transaction) => transaction.status === 'PENDING');
      const nothing = { shop: 0, presentment: 0 };
      if (!waiting) expect(currentTotal).toEqual(nothing);
      if (one.refund && !waiting) expect(net).toEqual(nothing);
      return;
    }
    default:
      one satisfies never;
  }
}

/** The sums, worked out once more from the parts and independently of the summary. */
function checkBooks(order: Order): void {
  const sums = summarise(order);
  const bags = (list: readonly Bag[]): Bag => add(...list);
  const parts = [
    ...order.lines.map((line) => ({
      gross: bags(Array.from({ length: line.quantity }, () => line.unitPrice)),
      part: line,
    })),
    ...order.shippingLines.map((line) => ({ gross: line.price, part: line })),
  ];
  const gross = bags(parts.map((one) => one.gross));
  const discounts = bags(parts.flatMap((one) => one.part.allocations.map((allocation) => allocation.amount)));
  const tax = bags(parts.flatMap((one) => one.part.taxLines.map((line) => line.price)));
  const nothing = { shop: 0, presentment: 0 };
  expect(sums.total).toEqual(add(subtract(gross, discounts), order.taxesIncluded ? nothing : tax, order.tip));
  expect(sums.discounts).toEqual(discounts);
  expect(sums.tax).toEqual(tax);
  expect(bags(sums.taxLines.map((line) => line.price))).toEqual(sums.tax);
  expect(bags(sums.currentTaxLines.map((line) => line.price))).toEqual(sums.currentTax);
  expect(sums.net.shop).toBeGreaterThanOrEqual(0);
  expect(sums.net.presentment).toBeGreaterThanOrEqual(0);
  expect(sums.outstanding).toEqual(subtract(sums.currentTotal, sums.net));
  for (const line of order.lines) {
    const back = order.refunds.flatMap((refund) => refund.lines.filter((one) => one.lineId === line.id));
    const units = back.reduce((all, one) => all + one.quantity, 0);
    expect(units).toBe(line.refundedQuantity);
    expect(units).toBeLessThanOrEqual(line.quantity);
    if (units === line.quantity && !order.edited) {
      const net = subtract(
        bags(Array.from({ length: line.quantity }, () => line.unitPrice)),
        ...line.allocations.map((one) => one.amount),
      );
      expect(bags(back.map((one) => one.subtotal))).toEqual(net);
      expect(bags(back.flatMap((one) => one.taxes))).toEqual(bags(line.taxLines.map((one) => one.price)));
    }
  }
}

function onHandOf(state: ReturnType<Sandbox['state']>): Map<string, { onHand: number; committed: number }> {
  return new Map(
    state.items.map((item) => [
      item.id,
      Object.values(item.levels).reduce(
        (all, level) => ({
          onHand: all.onHand + level.available + level.committed,
          committed: all.committed + level.committed,
        }),
        { onHand: 0, committed: 0 },
      ),
    ]),
  );
}

/** On the shelf before = on the shelf now + with customers + thrown away; committed = what is still to be sent. */
function checkStock(
  order: Order,
  before: ReturnType<typeof onHandOf>,
  after: ReturnType<typeof onHandOf>,
): void {
  for (const [itemId, now] of after) {
    const lines = order.lines.filter((line) => line.inventoryItemId === itemId);
    const open = lines.reduce(
      (all, line) => all + line.quantity - line.fulfilledQuantity - line.cancelledQuantity,
      0,
    );
    const returned = order.refunds
      .flatMap((refund) => refund.lines)
      .filter((one) => one.restockType === 'RETURN' && lines.some((line) => line.id === one.lineId))
      .reduce((all, one) => all + one.quantity, 0);
    const lost = order.refunds
      .flatMap((refund) => refund.lines)
      .filter((one) => one.restockType === 'NO_RESTOCK' && lines.some((line) => line.id === one.lineId))
      .reduce((all, one) => all + one.quantity, 0);
    const sent = lines.reduce((all, line) => all + line.fulfilledQuantity, 0);
    const start = before.get(itemId) ?? { onHand: 0, committed: 0 };
    expect(now.committed - start.committed).toBe(open);
    expect(start.onHand - now.onHand).toBe(sent - returned + lost);
  }
}
