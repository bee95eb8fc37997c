import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Answer, type Stack, startStack } from '../support/stack.ts';
import { contact, deadLetters, minor, orderInGraph } from './observe.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(() => stack.settled());

test('a return at the till becomes a credit memo, a new lifetime value and an event with its amounts and lines', async () => {
  const placed = stack.shopify.placeOrder({
    channel: 'pos',
    customer: { email: 'lise@example.com', firstName: 'Lise' },
    lines: [
      { sku: 'BAG', quantity: 1 },
      { sku: 'MUG', quantity: 3 },
    ],
    discountCode: 'WELCOME10',
  });
  await stack.settled();
  await using refunds = stack.subscribe<Answer>(
    `subscription ($after: String) {
      refundCreated(after: $after) {
        refund { total { amount currencyCode } tax { amount } lines { quantity subtotal { amount } tax { amount } orderLine { sku } } }
      }
    }`,
    { after: await stack.head() },
  );
  const refunded = stack.shopify.refundOrder(placed.id, {
    lines: [{ sku: 'MUG', quantity: 2, restockType: 'RETURN' }],
  });
  const amount = refunded.refunds[0]?.amount ?? '';
  const told = await refunds.until('the refund is told', (all) => all.length > 0);
  await stack.settled();

  const part = stack.shopify.order(placed.id)?.refunds[0]?.lines[0];
  const cents = (value: number | undefined): string => ((value ?? 0) / 100).toFixed(2);
  const tax = part?.taxes.reduce((all, one) => all + one.shop, 0);
  expect(told).toEqual([
    {
      refundCreated: {
        refund: {
          total: { amount, currencyCode: 'USD' },
          tax: { amount: cents(tax) },
          lines: [
            {
              quantity: 2,
              subtotal: { amount: cents(part?.subtotal.shop) },
              tax: { amount: cents(tax) },
              orderLine: { sku: 'MUG' },
            },
          ],
        },
      },
    },
  ]);
  const [memo, ...others] = stack.quickbooks.list('CreditMemo');
  expect(others).toEqual([]);
  expect(minor(memo?.TotalAmt as number)).toBe(minor(amount));
  expect(memo?.RemainingCredit).toBe(0);
  expect(stack.quickbooks.list('JournalEntry')).toEqual([]);
  expect(stack.quickbooks.trialBalance().balanced).toBe(true);
  const { properties } = contact(stack, 'lise@example.com');
  expect(minor(properties.tributary_lifetime_value)).toBe(minor(refunded.currentTotal));
  expect(await deadLetters(stack)).toEqual([]);
});

test('a payout is swept and becomes one deposit that empties undeposited funds, and stays one', async () => {
  const before = stack.quickbooks.list('Deposit').length;
  const first = stack.shopify.placeOrder({
    channel: 'online',
    customer: { email: 'otto@example.com', firstName: 'Otto' },
    lines: [{ sku: 'HAT', quantity: 2 }],
  });
  const second = stack.shopify.placeOrder({
    channel: 'pos',
    lines: [{ sku: 'BAG', quantity: 1 }],
    payments: [{ gateway: 'shopify_payments' }],
  });
  stack.shopify.refundOrder(second.id, { lines: [{ sku: 'BAG', quantity: 1 }] });
  stack.shopify.bookBalance({ type: 'DISPUTE_WITHDRAWAL', amount: '-12.00', fee: '15.00', order: first.id });
  await stack.settled();
  const payout = stack.shopify.issuePayout();
  await stack.sweep();
  await stack.settled();
  await stack.sweep();
  await stack.settled();

  const deposits = stack.quickbooks.list('Deposit').slice(before);
  expect(deposits.map((one) => minor(one.TotalAmt as number))).toEqual([BigInt(payout.netMinor)]);
  const order = await orderInGraph(stack, first.name);
  expect(order.number).toBe(first.name);
  const { payouts } = await stack.graphql(
    `{ payouts(first: 5) { totalCount nodes {
      status net { amount currencyCode } fees { amount }
      transactions { part amount { amount } fee { amount } order { number } refund { total { amount } } }
      pushes { kind status }
    } } }`,
  );
  const [known] = payouts.nodes;
  expect(payouts.totalCount).toBe(1);
  expect(known).toMatchObject({
    status: 'PAID',
    net: { amount: (payout.netMinor / 100).toFixed(2), currencyCode: 'USD' },
    pushes: [{ kind: 'deposit', status: 'SETTLED' }],
  });
  expect(known.transactions.map((one: Answer) => [one.part, one.order?.number ?? null])).toEqual([
    ['CHARGE', first.name],
    ['CHARGE', second.name],
    ['REFUND', second.name],
    ['DISPUTE', first.name],
  ]);
  expect(known.transactions[2].refund).toEqual({
    total: { amount: stack.shopify.outcome(stack.shopify.order(second.id) as never).refunds[0]?.amount },
  });
  expect(await deadLetters(stack)).toEqual([]);
});
