import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { refundOrder } from '../../sandbox/amazon/finances.ts';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { cancelOrder, placeOrder, shipOrder } from '../../sandbox/amazon/orders.ts';
import type { AmazonSandbox } from '../../sandbox/amazon/server.ts';
import { type Answer, type Stack, startStack } from '../support/stack.ts';
import { bankedMinor, crmOrders, deadLetters, minor, orderInGraph, receiptsOf } from './observe.ts';

let stack: Stack;
let amazon: AmazonSandbox;

beforeAll(async () => {
  // Queues deliver twice and in no order.
  stack = await startStack({
    amazon: { weather: { duplicate: 0.5, delayMs: [0, 60], lose: 0, hold: false } },
  });
  if (stack.amazon === null) throw new Error('the stack has no Amazon');
  amazon = stack.amazon;
  upsertListing(amazon.account, { sku: 'MUG', title: 'The mug', price: '14.00', quantity: 50 });
  upsertListing(amazon.account, {
    sku: 'TORCH',
    title: 'The torch',
    price: '24.50',
    quantity: 9,
    fulfilledBy: 'AMAZON',
  });
  await stack.sweep();
});

afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(() => stack.settled());

const relay = 'x7k2qd@marketplace.amazon.com';

test('an order on Amazon ends in the graph, as a contact that nobody is merged with, and as a receipt once it was sent', async () => {
  const placed = placeOrder(amazon.account, {
    lines: [
      {
        sku: 'MUG',
        quantity: 2,
        discount: '3.00',
        promotionId: 'AUTUMN',
        giftWrap: '3.99',
        giftMessage: 'For you',
      },
    ],
    shipping: '4.99',
    taxRate: '0.0825',
    buyer: { name: 'Grace Hopper', email: relay },
  });
  await stack.settled();
  const order = await orderInGraph(stack, placed.id);
  expect(order).toMatchObject({
    channel: 'AMAZON',
    financialStatus: 'AUTHORIZED',
    // 28.00 − 3.00 + 3.99 + 4.99 and the tax on each, which Amazon keeps.
    total: { amount: '36.78', currencyCode: 'USD' },
    lines: [
      { sku: 'MUG', quantity: 2 },
      { sku: null, quantity: 1 },
    ],
  });
  // Amazon takes the money when the goods are sent: before that there is nothing for the books.
  expect(receiptsOf(stack, placed.id)).toEqual([]);
  expect(crmOrders(stack, placed.id)).toHaveLength(1);

  const [buyer, ...others] = stack.hubspot
    .records('contacts')
    .filter((record) => record.properties.tributary_marketplace_email === relay);
  expect(others).toEqual([]);
  expect(buyer?.properties).toMatchObject({
    firstname: 'Grace',
    lastname: 'Hopper',
    tributary_channels: 'Amazon',
  });
  expect(buyer?.properties.email ?? null).toBeNull();

  shipOrder(amazon.account, placed.id);
  await stack.settled();
  expect(await orderInGraph(stack, placed.id)).toMatchObject({
    financialStatus: 'PAID',
    fulfilmentStatus: 'FULFILLED',
    paidTotal: { amount: '36.78' },
  });
  const [receipt, ...more] = receiptsOf(stack, placed.id);
  expect(more).toEqual([]);
  if (receipt === undefined) throw new Error('no receipt');
  expect(minor(receipt.TotalAmt as number)).toBe(3_678n);
  expect(bankedMinor(stack, receipt)).toBe(3_678n);
  // What Amazon collects for the authority is neither income nor a tax of ours.
  expect((receipt.TxnTaxDetail as { TotalTax?: number } | undefined)?.TotalTax ?? 0).toBe(0);
  expect(await deadLetters(stack)).toEqual([]);
});

test('the same relay address twice is two buyers until somebody who knows says otherwise', async () => {
  const first = placeOrder(amazon.account, {
    lines: [{ sku: 'MUG', quantity: 1 }],
    buyer: { name: 'A B', email: relay },
  });
  const second = placeOrder(amazon.account, {
    lines: [{ sku: 'MUG', quantity: 1 }],
    buyer: { name: 'C D', email: relay },
  });
  await stack.settled();
  const [one, other] = await Promise.all([first, second].map(({ id }) => orderInGraph(stack, id)));
  expect(one.customer.id).not.toBe(other.customer.id);
});

test('a refund on Amazon reaches the graph by its notification, and by the sweep where that is lost', async () => {
  const placed = placeOrder(amazon.account, { lines: [{ sku: 'MUG', quantity: 3 }], taxRate: '0.1' });
  shipOrder(amazon.account, placed.id);
  await stack.settled();
  refundOrder(amazon.account, placed.id, { items: [{ sku: 'MUG', quantity: 1 }] });
  await stack.settled();
  expect(await orderInGraph(stack, placed.id)).toMatchObject({
    financialStatus: 'PARTIALLY_REFUNDED',
    refundedTotal: { amount: '15.40' },
    lines: [{ refundedQuantity: 1 }],
  });
  amazon.webhooks.weather = { ...amazon.webhooks.weather, lose: 1 };
  refundOrder(amazon.account, placed.id);
  amazon.webhooks.weather = { ...amazon.webhooks.weather, lose: 0 };
  await stack.sweep();
  await stack.settled();
  expect(await orderInGraph(stack, placed.id)).toMatchObject({
    financialStatus: 'REFUNDED',
    refundedTotal: { amount: '46.20' },
    netTotal: { amount: '0.00' },
  });
});

test('notifications that come in the wrong order or not at all end in the same graph', async () => {
  amazon.webhooks.weather = { ...amazon.webhooks.weather, hold: true };
  const sent = placeOrder(amazon.account, { lines: [{ sku: 'MUG', quantity: 1 }], pending: false });
  shipOrder(amazon.account, sent.id);
  const dropped = placeOrder(amazon.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  cancelOrder(amazon.account, dropped.id);
  amazon.webhooks.release('lifo');
  amazon.webhooks.weather = { ...amazon.webhooks.weather, lose: 1 };
  const lost = placeOrder(amazon.account, { lines: [{ sku: 'MUG', quantity: 1 }] });
  amazon.webhooks.weather = { ...amazon.webhooks.weather, lose: 0 };
  await stack.settled();
  await stack.sweep();
  await stack.settled();
  const states = await Promise.all([sent, dropped, lost].map(({ id }) => orderInGraph(stack, id)));
  expect(states.map((order) => order?.financialStatus)).toEqual(['PAID', 'VOIDED', 'AUTHORIZED']);
  expect(receiptsOf(stack, dropped.id)).toEqual([]);
  expect(await deadLetters(stack)).toEqual([]);
});

test('an offer is the shop’s own product where both carry one number, and Amazon’s stock lies at Amazon', async () => {
  const placed = placeOrder(amazon.account, { lines: [{ sku: 'TORCH', quantity: 2 }] });
  await stack.settled();
  const { rows } = await stack.database.pool.query<Answer>(
    `select v.sku, array_agg(distinct c.platform::text order by c.platform::text) as platforms, count(distinct v.id)::int as variants
     from listing g join variant v on v.id = g.variant_id join connection c on c.id = g.connection_id
     where v.sku in ('MUG', 'TORCH', 'BAG') group by v.sku order by v.sku`,
  );
  expect(rows).toEqual([
    { sku: 'BAG', platforms: ['shopify'], variants: 1 },
    { sku: 'MUG', platforms: ['amazon', 'shopify'], variants: 1 },
    { sku: 'TORCH', platforms: ['amazon'], variants: 1 },
  ]);
  const levels = await stack.database.pool.query<Answer>(
    `select v.sku, l.name, s.on_hand as "onHand", s.committed, s.available from stock_level s
     join location l on l.id = s.location_id join variant v on v.id = s.variant_id where l.remote_id = 'AFN'`,
  );
  expect(levels.rows).toEqual([{ sku: 'TORCH', name: 'Amazon FBA', onHand: 9, committed: 2, available: 7 }]);
  const order = await orderInGraph(stack, placed.id);
  expect(order).toMatchObject({ customer: null, lines: [{ sku: 'TORCH', quantity: 2 }] });

  // The shop takes the torch on: what Amazon had brought gives way.
  stack.shopify.upsertProduct({
    title: 'Torch',
    status: 'ACTIVE',
    variants: [{ sku: 'TORCH', price: '25.00', stock: 4 }],
  });
  await stack.settled();
  upsertListing(amazon.account, { sku: 'TORCH', title: 'The torch, new' });
  await stack.sweep();
  await stack.settled();
  const after = await stack.database.pool.query<Answer>(
    `select count(distinct v.id)::int as variants,
       (select count(*) from order_line l where l.sku = 'TORCH' and l.variant_id = min(v.id))::int as lines,
       (select count(*) from stock_level s join location p on p.id = s.location_id
        where s.variant_id = min(v.id) and p.remote_id = 'AFN')::int as levels
     from variant v where v.sku = 'TORCH' and v.removed_at is null`,
  );
  expect(after.rows).toEqual([{ variants: 1, lines: 1, levels: 1 }]);
});

test('a sale at the till lowers what Amazon may sell, and a hand in Seller Central does not last', async () => {
  const offered = () => amazon.account.listing('HAT').quantity;
  upsertListing(amazon.account, { sku: 'HAT', title: 'The hat', price: '26.00', quantity: 3 });
  await stack.settled();
  const before = offered();
  expect(before).toBeGreaterThan(3);
  const sold = await fetch(`${stack.shopify.url}/_control/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ channel: 'pos', lines: [{ sku: 'HAT', quantity: 2 }] }),
  });
  expect(sold.status).toBe(201);
  await stack.settled();
  const after = offered();
  expect(after).toBeLessThanOrEqual(before - 2);

  upsertListing(amazon.account, { sku: 'HAT', quantity: 4_000 });
  await stack.settled();
  expect(offered()).toBe(after);
  expect(await deadLetters(stack)).toEqual([]);
});

test('the door stays shut for those who do not know the secret', async () => {
  const send = (headers: Record<string, string>) =>
    fetch(`${stack.url}/webhooks/amazon`, { method: 'POST', headers, body: '{}' }).then(
      (answer) => answer.status,
    );
  expect(await send({})).toBe(401);
  expect(await send({ 'x-tributary-secret': 'guessed-guessed-guessed' })).toBe(401);
  expect(await send({ 'x-tributary-secret': amazon.webhookSecret })).toBe(400);
  expect(stack.log.join('')).not.toContain(amazon.webhookSecret);
});
