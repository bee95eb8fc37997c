import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { setWriteCapabilities } from '../../src/sync/operations.ts';
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

test('the API tells what an order and its refund are in the books, and what would be before anything is', async () => {
  const placed = stack.shopify.placeOrder({
    channel: 'pos',
    customer: { email: 'nora@example.com', firstName: 'Nora' },
    lines: [{ sku: 'HAT', quantity: 2 }],
    taxRates: [{ title: 'State tax', rate: '0.056' }],
  });
  await stack.settled();
  const refunded = stack.shopify.refundOrder(placed.id, { lines: [{ sku: 'HAT', quantity: 1 }] });
  await stack.settled();
  const { orderByNumber: order } = await stack.graphql(
    `query ($number: String!) { orderByNumber(number: $number) {
      id
      accounting { status why connection { platform } documents { type total { amount } number url lines { kind quantity net { amount } } taxes { title amount { amount } } } }
      balance { ordered { amount } paid { amount } refunded { amount } posted { amount } difference { amount } why }
      refunds { accounting { status documents { type total { amount } url } } }
    } }`,
    { number: placed.name },
  );
  const amount = refunded.refunds[0]?.amount ?? '';
  const [receipt] = stack.quickbooks.list('SalesReceipt').slice(-1);
  expect(order.accounting).toEqual([
    {
      status: 'POSTED',
      why: 'It is paid.',
      connection: { platform: 'QUICKBOOKS' },
      documents: [
        {
          type: 'SalesReceipt',
          total: { amount: placed.total },
          number: placed.name.slice(1),
          url: `https://qbo.intuit.com/app/salesreceipt?txnId=${receipt?.Id}`,
          lines: [{ kind: 'sale', quantity: 2, net: { amount: '49.90' } }],
          taxes: [{ title: 'State tax', amount: { amount: placed.totalTax } }],
        },
      ],
    },
  ]);
  expect(order.balance).toEqual([
    {
      ordered: { amount: placed.total },
      paid: { amount: placed.total },
      refunded: { amount },
      posted: { amount: refunded.currentTotal },
      difference: { amount: '0.00' },
      why: 'The books agree.',
    },
  ]);
  const [{ accounting }] = order.refunds;
  expect(accounting[0].status).toBe('POSTED');
  expect(
    accounting[0].documents.map((one: Answer) => [one.type, one.total.amount, one.url !== null]),
  ).toEqual([
    ['CreditMemo', amount, true],
    ['Expense', amount, true],
    ['CreditApplication', amount, true],
  ]);

  const preview = async (number: string) => {
    const { id } = await orderInGraph(stack, number);
    const answer = await stack.graphql(
      `query ($id: ID!) { postingPreview(orderId: $id) { status why refund { id } documents { type total { amount } remoteId } } }`,
      { id },
    );
    return answer.postingPreview;
  };
  const reserved = stack.shopify.placeOrder({ lines: [{ sku: 'BAG', quantity: 1 }], authorizedOnly: true });
  await stack.settled();
  expect(await preview(reserved.name)).toEqual([
    { status: 'WAITS', why: 'The payment is authorised and not captured yet.', refund: null, documents: [] },
  ]);
  const { pool } = stack.app.context;
  const { rows } = await pool.query<{ id: bigint }>(
    `select id from connection where platform = 'quickbooks'`,
  );
  const books = rows[0]?.id ?? 0n;
  await transaction(pool, (tx) => setWriteCapabilities(tx, books, []));
  const observed = stack.shopify.placeOrder({ lines: [{ sku: 'BAG', quantity: 1 }] });
  await stack.settled();
  expect(await preview(observed.name)).toEqual([
    {
      status: 'PLANNED',
      why: 'It is paid. This account only observes.',
      refund: null,
      documents: [{ type: 'SalesReceipt', total: { amount: observed.total }, remoteId: null }],
    },
  ]);
  await transaction(pool, (tx) => setWriteCapabilities(tx, books, ['*']));
});

test('refundCreate gives back at the shop once, and a waiting caller finds it in books and CRM', async () => {
  const placed = stack.shopify.placeOrder({
    channel: 'pos',
    customer: { email: 'vera@example.com', firstName: 'Vera' },
    lines: [{ sku: 'MUG', quantity: 3 }],
    taxRates: [],
  });
  await stack.settled();
  const { orderByNumber } = await stack.graphql(
    'query ($number: String!) { orderByNumber(number: $number) { id lines { id } } }',
    { number: placed.name },
  );
  const orderLineId = orderByNumber.lines[0].id;
  const giveBack = async (fields: string) =>
    (
      await stack.graphql(
        `mutation ($orderId: ID!) { refundCreate(input: { orderId: $orderId, wait: true, waitSeconds: 30, ${fields} }) {
          refund { id total { amount } lines { quantity restockType } } settled userErrors { code field message } pushes { kind status }
        } }`,
        { orderId: orderByNumber.id },
      )
    ).refundCreate;
  const lines = (quantity: number, restock = 'RETURN') =>
    `lines: [{ orderLineId: "${orderLineId}", quantity: ${quantity}, restock: ${restock} }]`;
  const memosBefore = stack.quickbooks.list('CreditMemo').length;

  const first = await giveBack(`${lines(1)}, idempotencyKey: "vera-1"`);
  const worth = stack.shopify.outcome(stack.shopify.order(placed.id) as never).refunds[0]?.amount ?? '';
  expect(first).toMatchObject({
    refund: { total: { amount: worth }, lines: [{ quantity: 1, restockType: 'return' }] },
    settled: true,
    userErrors: [],
    pushes: [{ kind: 'refund', status: 'SETTLED' }],
  });
  const [memo] = stack.quickbooks.list('CreditMemo').slice(memosBefore);
  expect(minor(memo?.TotalAmt as number)).toBe(minor(worth));
  expect(minor(contact(stack, 'vera@example.com').properties.tributary_refunded)).toBe(minor(worth));
  const again = await giveBack(`${lines(1)}, idempotencyKey: "vera-1"`);
  expect(again.refund.id).toBe(first.refund.id);

  const tooMany = await giveBack(lines(3));
  expect(tooMany.userErrors).toEqual([
    {
      code: 'INVALID_INPUT',
      field: ['input', 'lines'],
      message: 'lines: asks for 3 of a line of which 2 are left to give back.',
    },
  ]);
  const tooMuch = await giveBack('amount: "1000.00"');
  expect(tooMuch.userErrors[0].field).toEqual(['input', 'amount']);

  const credit = await giveBack(`${lines(1, 'NO_RESTOCK')}, to: STORE_CREDIT, note: "Chipped"`);
  expect(credit).toMatchObject({ settled: true, userErrors: [], refund: { total: { amount: worth } } });
  const fee = await giveBack(`${lines(1)}, amount: "10.00", discrepancyReason: RESTOCK`);
  expect(fee).toMatchObject({ settled: true, userErrors: [], refund: { total: { amount: '10.00' } } });
  await stack.settled();
  const order = stack.shopify.order(placed.id);
  expect(order?.refunds.map((one) => one.lines.map((line) => line.restockType))).toEqual([
    ['RETURN'],
    ['NO_RESTOCK'],
    ['RETURN'],
  ]);
  expect(
    order?.transactions.filter((one) => one.kind === 'REFUND').map((one) => [one.gateway, one.amount.shop]),
  ).toEqual([
    ['cash', Number(minor(worth))],
    ['shopify_store_credit', Number(minor(worth))],
    ['cash', 1000],
  ]);
  expect(stack.quickbooks.list('CreditMemo').length - memosBefore).toBe(3);
  expect(stack.quickbooks.trialBalance().balanced).toBe(true);
  expect(await deadLetters(stack)).toEqual([]);
});

test('goods that turn out damaged days after the refund change the memo that stands, and nothing else', async () => {
  const placed = stack.shopify.placeOrder({
    channel: 'pos',
    lines: [{ sku: 'BAG', quantity: 2 }],
    taxRates: [],
  });
  await stack.settled();
  stack.shopify.refundOrder(placed.id, {
    lines: [{ sku: 'BAG', quantity: 2, restockType: 'no_restock' }],
    asReturn: true,
  });
  await stack.settled();
  const writtenOff = (): string | undefined =>
    stack.quickbooks.ledger().find((one) => one.name === 'Damaged Goods Written Off')?.home;
  const memos = (): number => stack.quickbooks.list('CreditMemo').length;
  const before = memos();
  expect(writtenOff() ?? '0.00').toBe('0.00');

  const given = stack.shopify.order(placed.id)?.returns[0];
  stack.shopify.disposeReturn(given?.id ?? '', {
    lines: [
      { sku: 'BAG', type: 'NOT_RESTOCKED', quantity: 1 },
      { sku: 'BAG', type: 'MISSING', quantity: 1 },
    ],
  });
  await stack.settled();
  expect(writtenOff()).toBe('89.90');
  expect(memos()).toBe(before);
  const memo = stack.quickbooks.list('CreditMemo').at(-1);
  expect(memo).toMatchObject({ TotalAmt: 179.8, RemainingCredit: 0 });
  const { orderByNumber } = await stack.graphql(
    'query ($number: String!) { orderByNumber(number: $number) { refunds { lines { restockType restocked damaged notReturned } } } }',
    { number: placed.name },
  );
  expect(orderByNumber.refunds).toEqual([
    { lines: [{ restockType: 'no_restock', restocked: 0, damaged: 1, notReturned: 1 }] },
  ]);
  expect(stack.quickbooks.trialBalance().balanced).toBe(true);
  expect(await deadLetters(stack)).toEqual([]);
});
