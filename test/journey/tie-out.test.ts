import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { dayIn } from '../../src/model/day.ts';
import { setWriteCapabilities } from '../../src/sync/operations.ts';
import { zoneAtMidday } from '../support/midday.ts';
import { type Answer, type Stack, startStack } from '../support/stack.ts';

// A day of a shop, tied out over three sides, with all that people do to their books.

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ shopify: { timeZone: zone } });
});

afterAll(() => stack[Symbol.asyncDispose]());

/** The shop's, which the books follow; midnight is far. */
const zone = zoneAtMidday();
const timeZone = zone.name;
const today = (): string => dayIn(timeZone, new Date());

const question = `query ($date: String, $ask: Boolean) { tieOut(date: $date, ask: $ask) {
  date timeZone agrees notes books { platform }
  channels { channel sales { amount } refunds { amount } saleCount refundCount }
  currencies { currency agrees
    channel { sales { amount } refunds { amount } net { amount } saleCount refundCount }
    graph { sales { amount } refunds { amount } net { amount } saleCount refundCount }
    books { sales { amount } refunds { amount } net { amount } saleCount refundCount }
    reasons { between kind count amount { amount } }
    differences { between kind amount { amount } why remedy number order { number } refund { id } document { type number url } }
  }
  payouts { net { amount } deposited { amount } difference { amount } why payout { remoteId } }
} }`;

async function tied(date: string | null = today(), ask = true): Promise<Answer> {
  const { tieOut } = await stack.graphql(question, { date, ask });
  return tieOut;
}

function placed(sku: string, more: Partial<Parameters<Stack['shopify']['placeOrder']>[0]> = {}) {
  return stack.shopify.placeOrder({ channel: 'pos', lines: [{ sku, quantity: 1 }], taxRates: [], ...more });
}

test('a day on which everything went well agrees on all sides, refunds included, and says so when nobody is asked', async () => {
  const first = placed('BAG');
  placed('HAT', { channel: 'online', shipping: '4.95' });
  stack.shopify.refundOrder(first.id, { lines: [{ sku: 'BAG', quantity: 1 }] });
  await stack.settled();

  const day = await tied();
  const side = {
    sales: { amount: '119.80' },
    refunds: { amount: '89.90' },
    net: { amount: '29.90' },
    saleCount: 2,
    refundCount: 1,
  };
  expect(day).toMatchObject({ date: today(), timeZone, agrees: true, notes: [] });
  expect(day.currencies).toMatchObject([
    { currency: 'USD', agrees: true, channel: side, graph: side, books: side, reasons: [], differences: [] },
  ]);
  expect(day.channels).toEqual([
    {
      channel: 'ONLINE_STORE',
      sales: { amount: '29.90' },
      refunds: { amount: '0.00' },
      saleCount: 1,
      refundCount: 0,
    },
    {
      channel: 'POINT_OF_SALE',
      sales: { amount: '89.90' },
      refunds: { amount: '89.90' },
      saleCount: 1,
      refundCount: 1,
    },
  ]);
  expect(await tied(null)).toEqual(day);
  const remembered = await tied(today(), false);
  expect(remembered.currencies).toMatchObject([{ channel: null, graph: side, books: side, differences: [] }]);
  expect(remembered.notes).toHaveLength(1);
});

test('what shops lose and people do to their books is told piece by piece, with the remedy', async () => {
  const edited = placed('BAG');
  const deleted = placed('HAT');
  const tested = placed('MUG', { test: true });
  await stack.settled();
  // Paid in part by a gift card: the document is smaller than the sale, and both agree none the less.
  placed('BAG', { payments: [{ gateway: 'gift_card', amount: '50.00' }, { gateway: 'cash' }] });
  await stack.settled();
  const receipt = (number: string) =>
    stack.quickbooks.list('SalesReceipt').find((one) => one.DocNumber === number.replace('#', ''))?.Id ?? '';
  const id = receipt(edited.name);
  const [line] = stack.quickbooks.read('SalesReceipt', id).Line as Record<string, unknown>[];
  stack.quickbooks.edit('SalesReceipt', id, {
    Line: [{ ...line, Amount: 80, SalesItemLineDetail: { ItemRef: { value: '1' } } }],
  });
  stack.quickbooks.remove('SalesReceipt', receipt(deleted.name));
  stack.quickbooks.create('SalesReceipt', {
    Line: [
      { Amount: 7, DetailType: 'SalesItemLineDetail', SalesItemLineDetail: { ItemRef: { value: '1' } } },
    ],
    TxnDate: today(),
    DocNumber: 'MARKET-1',
  });
  stack.shopify.webhooks.weather = { ...stack.shopify.webhooks.weather, lose: 1 };
  const lost = placed('MUG');
  await stack.settled();

  const day = await tied();
  const [{ differences, channel, graph, books }] = day.currencies;
  expect(
    differences.map((one: Answer) => [one.between, one.kind, one.amount.amount, one.number]).toSorted(),
  ).toEqual(
    [
      ['SHOP_AND_GRAPH', 'NOT_IN_GRAPH', '12.35', lost.name],
      ['GRAPH_AND_BOOKS', 'EDITED_BY_HAND', '9.90', edited.name],
      ['GRAPH_AND_BOOKS', 'DELETED_BY_HAND', '24.95', deleted.name],
      ['GRAPH_AND_BOOKS', 'TEST_ORDER', '12.35', tested.name],
      ['GRAPH_AND_BOOKS', 'NOT_OURS', '-7.00', null],
    ].toSorted(),
  );
  const by = (kind: string) => differences.find((one: Answer) => one.kind === kind);
  expect(by('EDITED_BY_HAND').remedy).toContain('postingRepost');
  expect(by('DELETED_BY_HAND').order).toEqual({ number: deleted.name });
  expect(by('NOT_OURS').document).toMatchObject({ type: 'SalesReceipt', number: 'MARKET-1' });
  expect(by('TEST_ORDER').remedy).toBeNull();
  const cents = (side: Answer): number => Math.round(Number(side.net.amount) * 100);
  expect(cents(channel) - cents(graph)).toBe(1_235);
  expect(cents(graph) - cents(books)).toBe(990 + 2_495 + 1_235 - 700);

  stack.shopify.webhooks.weather = { ...stack.shopify.webhooks.weather, lose: 0 };
  await stack.sweep();
  await stack.settled();
  const swept = await tied();
  expect(swept.currencies[0].reasons.map((one: Answer) => one.kind)).not.toContain('NOT_IN_GRAPH');
});

test('a day without anything agrees, and what is no day is refused', async () => {
  const yesterday = dayIn(timeZone, new Date(Date.now() - 86_400_000));
  expect(await tied(yesterday)).toMatchObject({ agrees: true, currencies: [], channels: [], payouts: [] });
  await expect(tied('2026-02-30')).rejects.toThrow(/no day/);
});

test('a document that a person has dismissed explains the day, and posting it anew after all closes the gap', async () => {
  stack.quickbooks.faults.add({
    id: 'refuse',
    path: 'salesreceipt',
    effect: { kind: 'status', status: 400 },
  });
  const order = placed('HAT');
  await stack.settled();
  stack.quickbooks.faults.remove('refuse');
  const about = async () => {
    const { currencies } = await tied();
    return currencies[0].differences.filter((one: Answer) => one.order?.number === order.name);
  };
  const [dead] = await about();
  expect(dead).toMatchObject({ kind: 'DEAD_LETTER', amount: { amount: '24.95' } });
  const { orderByNumber } = await stack.graphql(
    `query ($number: String!) { orderByNumber(number: $number) { id pushes { id status } } }`,
    { number: order.name },
  );
  const pushes = orderByNumber.pushes.filter((one: Answer) => one.status === 'DEAD');
  expect(pushes).toHaveLength(1);
  const { pushDismiss } = await stack.graphql(
    `mutation ($id: ID!) { pushDismiss(input: { id: $id, reason: "Entered by hand as 1044." }) { push { status } userErrors { message } } }`,
    { id: pushes[0].id },
  );
  expect(pushDismiss).toEqual({ push: { status: 'DISMISSED' }, userErrors: [] });
  expect(await about()).toMatchObject([
    {
      kind: 'DISMISSED',
      amount: { amount: '24.95' },
      why: expect.stringMatching(/has dismissed it: Entered by hand as 1044\.$/),
      remedy: expect.stringContaining('postingRepost'),
    },
  ]);
  // A tag on the order must not bring it back beside the one that was entered by hand.
  await stack.graphql(
    `mutation ($id: ID!) { orderUpdate(input: { id: $id, tags: ["gift"], wait: true }) { userErrors { message } } }`,
    { id: orderByNumber.id },
  );
  await stack.settled();
  expect(await about()).toMatchObject([{ kind: 'DISMISSED' }]);
  const { postingRepost } = await stack.graphql(
    `mutation ($id: ID!) { postingRepost(input: { id: $id, wait: true }) { userErrors { message } } }`,
    { id: orderByNumber.id },
  );
  expect(postingRepost.userErrors).toEqual([]);
  await stack.settled();
  expect(await about()).toEqual([]);
});

test('what only observes and what closed books moved is told on both days', async () => {
  const reasons = async (date: string): Promise<Record<string, string>> => {
    const { currencies } = await tied(date);
    return Object.fromEntries(
      currencies.flatMap((one: Answer) =>
        one.reasons.map((reason: Answer) => [reason.kind, reason.amount.amount]),
      ),
    );
  };
  const books = (await stack.app.context.connections()).find((one) => one.platform === 'quickbooks');
  const unlock = (kinds: string[]) =>
    transaction(stack.app.context.pool, (tx) => setWriteCapabilities(tx, BigInt(books?.id ?? 0), kinds));
  const tomorrow = dayIn(timeZone, new Date(Date.now() + 86_400_000));
  await unlock([]);
  placed('HAT');
  await stack.settled();
  expect(await reasons(today())).toMatchObject({ OBSERVING: '24.95' });
  stack.quickbooks.configure({ bookCloseDate: today() });
  await unlock(['*']);
  await stack.settled();
  expect(await reasons(today())).toMatchObject({ CLOSED_PERIOD: '24.95' });
  expect(await reasons(today())).not.toHaveProperty('OBSERVING');
  expect(await reasons(tomorrow)).toEqual({ OTHER_DAY: '-24.95' });
  stack.quickbooks.configure({ bookCloseDate: null });
});

test('an order that something unpaid was added to agrees, and again once it is paid', async () => {
  const about = async (number: string) => {
    const day = await tied();
    return day.currencies.flatMap((one: Answer) =>
      one.differences.filter((difference: Answer) => difference.number === number),
    );
  };
  const order = placed('HAT');
  await stack.settled();
  stack.shopify.editOrder(order.id, { add: [{ sku: 'MUG', quantity: 1 }] });
  await stack.settled();
  expect(stack.shopify.outcome(stack.shopify.order(order.id) as never).outstanding).not.toBe('0.00');
  expect(await about(order.name)).toEqual([]);
  stack.shopify.payOrder(order.id);
  await stack.settled();
  expect(await about(order.name)).toEqual([]);
});

test('a payout stands beside its deposit', async () => {
  placed('BAG', { channel: 'online', payments: [{ gateway: 'shopify_payments' }] });
  await stack.settled();
  const payout = stack.shopify.issuePayout();
  await stack.sweep();
  await stack.settled();
  const { payouts } = await tied();
  expect(payouts).toMatchObject([{ difference: { amount: '0.00' }, why: 'It is deposited.' }]);
  expect(BigInt(payout.netMinor)).toBe(BigInt(Math.round(Number(payouts[0].net.amount) * 100)));
});
