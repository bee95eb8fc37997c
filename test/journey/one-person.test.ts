import { afterAll, beforeAll, expect, test } from 'vitest';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { placeOrder, shipOrder } from '../../sandbox/amazon/orders.ts';
import type { Entity } from '../../sandbox/quickbooks/entities.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { contact, crmOrders, deadLetters, minor, orderInGraph, receiptsOf } from './observe.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ amazon: {} });
});

afterAll(() => stack[Symbol.asyncDispose]());

const home = {
  address1: '12 Oak Street',
  city: 'Salem',
  zip: '97301',
  province: 'Oregon',
  countryCode: 'US',
  country: 'United States',
};

test('who buys on Amazon and at the shop and returns at the till is one contact, with the right value and the right books', async () => {
  const { amazon, shopify } = stack;
  if (amazon === null) throw new Error('the stack has no Amazon');
  upsertListing(amazon.account, { sku: 'MUG', title: 'The mug', price: '14.00', quantity: 50 });
  await stack.sweep();

  const online = shopify.placeOrder({
    channel: 'online',
    customer: {
      email: 'dorothy@example.com',
      firstName: 'Dorothy',
      lastName: 'Vaughan',
      addresses: [home],
    },
    lines: [
      { sku: 'HAT', quantity: 1 },
      { sku: 'BAG', quantity: 1 },
    ],
  });
  await stack.settled();
  const market = placeOrder(amazon.account, {
    lines: [{ sku: 'MUG', quantity: 2 }],
    buyer: { name: 'Dorothy Vaughan' },
    address: {
      name: 'DOROTHY VAUGHAN',
      addressLine1: '12 Oak St.',
      city: 'SALEM',
      stateOrRegion: 'OR',
      postalCode: '97301-2210',
      countryCode: 'US',
    },
  });
  await stack.settled();
  shipOrder(amazon.account, market.id);
  await stack.settled();
  shopify.fulfilOrder(online.id);
  await stack.settled();
  // She brings the hat back to the shop.
  const returned = shopify.refundOrder(online.id, {
    lines: [{ sku: 'HAT', quantity: 1, restockType: 'RETURN' }],
    note: 'Too small',
  });
  await stack.settled();

  const [atShop, onAmazon] = await Promise.all(
    [online.name, market.id].map((number) => orderInGraph(stack, number)),
  );
  expect(onAmazon.customer.id).toBe(atShop.customer.id);
  const value = minor(returned.currentTotal) + 2_800n;
  const { customer } = await stack.graphql(
    `query ($id: ID!) { customer(id: $id) {
      email orderCount lifetimeValue { amount }
      merges { decidedBy evidence { field agreement explanation } }
      identities { source { platform } }
    } }`,
    { id: atShop.customer.id },
  );
  expect(customer).toMatchObject({
    email: 'dorothy@example.com',
    orderCount: 2,
    merges: [
      {
        decidedBy: 'AUTOMATIC',
        evidence: expect.arrayContaining([
          { field: 'address', agreement: 'same', explanation: 'The same address.' },
        ]),
      },
    ],
  });
  expect(minor(customer.lifetimeValue.amount)).toBe(value);
  expect(customer.identities.map((one: { source: { platform: string } }) => one.source.platform)).toEqual(
    expect.arrayContaining(['SHOPIFY', 'AMAZON']),
  );

  const vaughans = stack.hubspot.records('contacts').filter((one) => one.properties.lastname === 'Vaughan');
  expect(vaughans).toHaveLength(1);
  const { id, properties } = contact(stack, 'dorothy@example.com');
  expect(properties).toMatchObject({ tributary_order_count: '2', tributary_channels: 'amazon;shopify' });
  expect(minor(properties.tributary_lifetime_value)).toBe(value);
  for (const remoteId of [online.id, market.id])
    expect(
      crmOrders(stack, remoteId).map((order) => stack.hubspot.associated('orders', order.id, 'contacts')),
    ).toEqual([[id]]);

  // What stands in the books is what was sold less what came back, and all of it is hers.
  const receipts = [...receiptsOf(stack, online.name), ...receiptsOf(stack, market.id)];
  const refunds = stack.quickbooks.list('RefundReceipt');
  const sum = (documents: readonly Entity[]) =>
    documents.reduce((total, one) => total + minor(one.TotalAmt as number), 0n);
  expect(sum(receipts) - sum(refunds)).toBe(value);
  const customers = [...receipts, ...refunds].map((one) => (one.CustomerRef as { value: string }).value);
  expect(new Set(customers).size).toBe(1);
  expect(await deadLetters(stack)).toEqual([]);
});
