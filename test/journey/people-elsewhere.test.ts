import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { OrderOutcome } from '../../sandbox/shopify/outcome.ts';
import { type Answer, type Stack, startStack } from '../support/stack.ts';
import { contact, counts, deadLetters, nextSecond, orderInGraph } from './observe.ts';

let stack: Stack;
let placed: OrderOutcome;

beforeAll(async () => {
  stack = await startStack();
  placed = stack.shopify.placeOrder({
    channel: 'online',
    customer: {
      email: 'katherine@example.com',
      firstName: 'Katherine',
      lastName: 'Coleman',
      addresses: [
        { address1: '1 Main St', city: 'Phoenix', zip: '85004', countryCode: 'US', country: 'United States' },
      ],
    },
    lines: [{ sku: 'HAT', quantity: 1 }],
  });
});

afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(async () => {
  await stack.settled();
  await nextSecond();
});

test('what a person changes on a contact in HubSpot reaches the graph and the shop, and goes round no further', async () => {
  const { id } = contact(stack, 'katherine@example.com');
  await using changes = stack.subscribe<Answer>(
    'subscription ($after: String) { customerChanged(after: $after) { event { type source } customer { displayName } } }',
    { after: await stack.head() },
  );
  await forgetRequests(stack);
  stack.hubspot.editContact(id, { lastname: 'Johnson', phone: '+16025550199' });
  await stack.settled();

  const order = await orderInGraph(stack, placed.name);
  const { customer } = await stack.graphql(
    `query ($id: ID!) { customer(id: $id) { firstName lastName phone provenance { field platform } } }`,
    { id: order.customer.id },
  );
  expect(customer).toMatchObject({ firstName: 'Katherine', lastName: 'Johnson', phone: '+16025550199' });
  expect(customer.provenance).toContainEqual({ field: 'lastName', platform: 'HUBSPOT' });
  expect(stack.shopify.shop.customers.get(placed.customerId ?? '')).toMatchObject({
    firstName: 'Katherine',
    lastName: 'Johnson',
    phone: '+16025550199',
  });
  expect(booksCustomers(stack)).toEqual([expect.objectContaining({ FamilyName: 'Johnson' })]);
  // HubSpot's own news are not written back to it, and nobody's answer to our writes starts another round.
  expect((await writes(stack)).hubspot).toEqual([]);
  await expectSilence(stack);
  await changes.until('the change is told', (all) => all.length > 0);
  // Two properties, two events of HubSpot's; the echoes of what they caused elsewhere are no news.
  expect(changes.received.map((one) => one.customerChanged.event)).toEqual(
    Array.from({ length: 2 }, () => ({ type: 'CUSTOMER_UPDATED', source: 'HUBSPOT' })),
  );
  expect(changes.received.at(-1)?.customerChanged.customer.displayName).toBe('Katherine Johnson');
  expect(await deadLetters(stack)).toEqual([]);
});

test('what a person changes on a customer in QuickBooks reaches the graph, the shop and HubSpot, and goes round no further', async () => {
  const [customer] = booksCustomers(stack);
  if (customer === undefined) throw new Error('the books have no customer');
  await forgetRequests(stack);
  stack.quickbooks.edit('Customer', customer.Id, { PrimaryPhone: { FreeFormNumber: '+16025550177' } });
  await stack.settled();

  const order = await orderInGraph(stack, placed.name);
  const answer = await stack.graphql('query ($id: ID!) { customer(id: $id) { phone } }', {
    id: order.customer.id,
  });
  expect(answer.customer.phone).toBe('+16025550177');
  expect(contact(stack, 'katherine@example.com').properties.phone).toBe('+16025550177');
  expect(stack.shopify.shop.customers.get(placed.customerId ?? '')?.phone).toBe('+16025550177');
  expect((await writes(stack)).quickbooks).toEqual([]);
  await expectSilence(stack);
  expect(await deadLetters(stack)).toEqual([]);
});

test('a customer who changes their own name at the shop is followed everywhere, once', async () => {
  await forgetRequests(stack);
  const before = await counts(stack);
  stack.shopify.upsertCustomer({ id: placed.customerId ?? '', lastName: 'Goble' });
  await stack.settled();
  expect(contact(stack, 'katherine@example.com').properties.lastname).toBe('Goble');
  expect(booksCustomers(stack)).toEqual([expect.objectContaining({ FamilyName: 'Goble' })]);
  expect((await writes(stack)).shopify).toEqual([]);
  await expectSilence(stack);
  expect((await counts(stack)).customers).toBe(before.customers);
});

function booksCustomers({ quickbooks }: Stack) {
  return quickbooks
    .list('Customer')
    .filter(
      (one) =>
        (one.PrimaryEmailAddr as { Address?: string } | undefined)?.Address === 'katherine@example.com',
    );
}

interface Request {
  method: string;
  path: string;
  operation?: string;
}

async function requests(stack: Stack): Promise<Record<'shopify' | 'hubspot' | 'quickbooks', Request[]>> {
  const of = async (url: string): Promise<Request[]> =>
    (await (await fetch(`${url}/_control/requests`)).json()) as Request[];
  return {
    shopify: await of(stack.shopify.url),
    hubspot: await of(stack.hubspot.url),
    quickbooks: await of(stack.quickbooks.url),
  };
}

async function forgetRequests(stack: Stack): Promise<void> {
  for (const { url } of [stack.shopify, stack.hubspot, stack.quickbooks])
    await fetch(`${url}/_control/requests`, { method: 'DELETE' });
}

/** Requests that change something at the platform; reading is no echo. */
async function writes(stack: Stack): Promise<Record<'shopify' | 'hubspot' | 'quickbooks', string[]>> {
  const { shopify, hubspot, quickbooks } = await requests(stack);
  return {
    shopify: shopify
      .filter((one) => /Update|Adjust|Set/.test(one.operation ?? ''))
      .map((one) => one.operation ?? ''),
    hubspot: hubspot
      .filter((one) => one.method !== 'GET' && !/batch\/read|search/.test(one.path))
      .map((one) => `${one.method} ${one.path}`),
    quickbooks: quickbooks
      .filter((one) => one.method === 'POST' && !/oauth2|query|batch/.test(one.path))
      .map((one) => `${one.method} ${one.path}`),
  };
}

/** Nothing more is on its way: requests and rows stand still over another settling. */
async function expectSilence(stack: Stack): Promise<void> {
  const before = { requests: await requests(stack), counts: await counts(stack) };
  await stack.settled();
  expect({ requests: await requests(stack), counts: await counts(stack) }).toEqual(before);
  const { hubspot, quickbooks, shopify } = before.requests;
  expect(shopify.length + hubspot.length + quickbooks.length).toBeLessThan(20);
}
