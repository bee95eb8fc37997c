import { afterAll, beforeAll, expect, test } from 'vitest';
import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { placeOrder, shipOrder } from '../../sandbox/amazon/orders.ts';
import { type Answer, type Stack, startStack } from '../support/stack.ts';
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
  // She brings the hat back to the shop, where it was not sent from.
  const sentFrom = shopify.order(online.id)?.fulfillments[0]?.locationId;
  const till = [...shopify.shop.locations.values()].find((one) => one.id !== sentFrom);
  if (till === undefined) throw new Error('the shop has one location only');
  const returned = shopify.refundOrder(online.id, {
    lines: [{ sku: 'HAT', quantity: 1, restockType: 'RETURN', locationId: till.id }],
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
  expect(properties).toMatchObject({ tributary_order_count: '2', tributary_channels: 'Amazon;Online store' });
  expect(minor(properties.tributary_lifetime_value)).toBe(value);
  for (const remoteId of [online.id, market.id])
    expect(
      crmOrders(stack, remoteId).map((order) => stack.hubspot.associated('orders', order.id, 'contacts')),
    ).toEqual([[id]]);

  // Both sales stand in the books, and both are hers.
  const receipts = [...receiptsOf(stack, online.name), ...receiptsOf(stack, market.id)];
  expect(receipts.map((one) => minor(one.TotalAmt as number))).toEqual([minor(online.total), 2_800n]);
  const buyers = receipts.map((one) => (one.CustomerRef as { value: string }).value);
  expect(new Set(buyers).size).toBe(1);
  // So does the hat that came back, as one credit memo that equals the money returned.
  const memos = stack.quickbooks
    .list('CreditMemo')
    .filter((one) => (one.CustomerRef as { value: string }).value === buyers[0]);
  expect(memos.map((one) => minor(one.TotalAmt as number))).toEqual([
    minor(online.total) - minor(returned.currentTotal),
  ]);
  // And it lies at the till again.
  const { stockMovements } = await stack.graphql(
    `{ stockMovements(first: 10, filter: { causes: [RETURN] }) {
      nodes { units stockLevel { variant { sku } location { name } } order { number } } } }`,
  );
  expect(stockMovements.nodes).toEqual([
    {
      units: 1,
      stockLevel: { variant: { sku: 'HAT' }, location: { name: till.name } },
      order: { number: online.name },
    },
  ]);
  expect(await deadLetters(stack)).toEqual([]);
});

/** Two customers of the shop with an order each, and their ids in the graph. */
async function twoCustomers(names: [string, string]) {
  const placed = names.map((firstName) =>
    stack.shopify.placeOrder({
      channel: 'online',
      customer: { email: `${firstName.toLowerCase()}@example.com`, firstName, lastName: 'Jackson' },
      lines: [{ sku: 'MUG', quantity: 1 }],
    }),
  );
  await stack.settled();
  const orders = await Promise.all(placed.map(({ name }) => orderInGraph(stack, name)));
  return {
    emails: names.map((name) => `${name.toLowerCase()}@example.com`),
    ids: orders.map((order) => order.customer.id as string),
    crmOrder: (index: number) => crmOrders(stack, placed[index]?.id ?? '')[0]?.id ?? '',
  };
}

const merge = (input: Record<string, unknown>) =>
  stack.graphql(
    `mutation ($input: CustomerMergeInput!) { customerMerge(input: $input) {
      customer { orderCount } pushes { kind status } settled userErrors { code field message } } }`,
    { input },
  );
const unmerge = (absorbedId: unknown) =>
  stack.graphql(
    `mutation ($id: ID!) { customerUnmerge(input: { absorbedId: $id, wait: true }) {
      customer { orderCount mergedInto { id } } settled userErrors { code field message } } }`,
    { id: absorbedId },
  );
const tiesOf = (order: string) => stack.hubspot.associated('orders', order, 'contacts');

test('a merge by hand is followed by orders at HubSpot, undone as well, and told to subscribers; contacts stay two', async () => {
  const { ids, emails, crmOrder } = await twoCustomers(['Mary', 'Melba']);
  const contacts = emails.map((email) => contact(stack, email).id);
  await using changes = stack.subscribe<Answer>(
    'subscription ($after: String) { customerChanged(after: $after) { event { type } customer { mergedInto { id } } } }',
    { after: await stack.head() },
  );
  const input = { survivorId: ids[0], absorbedId: ids[1], wait: true, idempotencyKey: 'merge-1' };
  const { customerMerge } = await merge(input);
  expect(customerMerge).toMatchObject({ customer: { orderCount: 2 }, settled: true, userErrors: [] });
  expect((await merge(input)).customerMerge).toEqual(customerMerge);
  await stack.settled();
  expect(emails.map((email) => contact(stack, email).id)).toEqual(contacts);
  expect([tiesOf(crmOrder(0)), tiesOf(crmOrder(1))]).toEqual([[contacts[0]], [contacts[0]]]);
  expect(contact(stack, emails[0] ?? '').properties.tributary_order_count).toBe('2');

  const { customerUnmerge } = await unmerge(ids[1]);
  expect(customerUnmerge).toMatchObject({ customer: { orderCount: 1, mergedInto: null }, userErrors: [] });
  await stack.settled();
  expect([tiesOf(crmOrder(0)), tiesOf(crmOrder(1))]).toEqual([[contacts[0]], [contacts[1]]]);
  expect(emails.map((email) => contact(stack, email).properties.tributary_order_count)).toEqual(['1', '1']);
  await changes.until('both are told', (all) =>
    all.some((one) => one.customerChanged.event.type === 'CUSTOMER_CREATED'),
  );
  expect(changes.received.map((one) => one.customerChanged.event.type)).toEqual(
    expect.arrayContaining(['CUSTOMER_UPDATED', 'CUSTOMER_REMOVED', 'CUSTOMER_CREATED']),
  );
  const again = await unmerge(ids[1]);
  expect(again.customerUnmerge.userErrors).toMatchObject([
    { code: 'NOT_MERGED', field: ['input', 'absorbedId'] },
  ]);
  expect(await deadLetters(stack)).toEqual([]);
});

test('contacts are merged in HubSpot only once a person approves it, and then for good', async () => {
  const { ids, emails, crmOrder } = await twoCustomers(['Annie', 'Anita']);
  await merge({ survivorId: ids[0], absorbedId: ids[1], wait: true });
  await stack.settled();
  const { rows: before } = await stack.database.pool.query("select 1 from push where kind = 'contactMerge'");
  expect(before).toEqual([]);
  const refused = await merge({ survivorId: ids[0], absorbedId: ids[1], approvePlatforms: ['QUICKBOOKS'] });
  expect(refused.customerMerge.userErrors).toMatchObject([{ field: ['input', 'approvePlatforms'] }]);
  const approved = await merge({
    survivorId: ids[0],
    absorbedId: ids[1],
    approvePlatforms: ['HUBSPOT'],
    wait: true,
  });
  expect(approved.customerMerge).toMatchObject({ settled: true, userErrors: [] });
  expect(approved.customerMerge.pushes).toContainEqual({ kind: 'contactMerge', status: 'SETTLED' });
  await stack.settled();
  const annie = contact(stack, emails[0] ?? '');
  expect(annie.properties.hs_additional_emails).toBe(emails[1]);
  expect([tiesOf(crmOrder(0)), tiesOf(crmOrder(1))]).toEqual([[annie.id], [annie.id]]);
  expect((await unmerge(ids[1])).customerUnmerge.userErrors).toMatchObject([{ code: 'MERGED_AT_PLATFORM' }]);
  // What changes afterwards goes to the one contact that is left.
  stack.hubspot.editContact(annie.id, { phone: '+15035550142' });
  await stack.settled();
  const { customer } = await stack.graphql('query ($id: ID!) { customer(id: $id) { phone } }', {
    id: ids[0],
  });
  expect(customer.phone).toBe('+15035550142');
  expect(await deadLetters(stack)).toEqual([]);
});

test('likely pairs are asked about with their evidence, and an answer is remembered', async () => {
  const { ids } = await twoCustomers(['Katherine', 'Kathleen']);
  await stack.database.pool.query(
    `insert into merge_candidate (customer_a_id, customer_b_id, bits, probability, evidence)
     select least(a, b), greatest(a, b), 6.4, 0.99, '{"contributions": [{"field": "phone", "level": "same", "bits": 20.7,
       "words": "The same telephone number."}], "caution": "Perhaps sisters."}'
     from (select $1::bigint as a, $2::bigint as b) as pair`,
    ids.map((id) => Buffer.from(id, 'base64url').toString().split(':')[1]),
  );
  const open = async (): Promise<Answer[]> =>
    (
      await stack.graphql(`{ mergeCandidates(first: 50) { totalCount nodes {
        id status bits probability caution customers { id displayName } evidence { field agreement bits explanation } } } }`)
    ).mergeCandidates.nodes;
  const pair = (await open()).find((one) => one.caution === 'Perhaps sisters.');
  expect(pair).toMatchObject({
    status: 'OPEN',
    bits: 6.4,
    probability: 0.99,
    customers: expect.arrayContaining([
      expect.objectContaining({ displayName: 'Katherine Jackson' }),
      expect.objectContaining({ displayName: 'Kathleen Jackson' }),
    ]),
    evidence: [{ field: 'phone', agreement: 'same', bits: 20.7, explanation: 'The same telephone number.' }],
  });
  const reject = `mutation ($id: ID!) { mergeReject(input: { id: $id }) { candidate { status decidedBy } userErrors { code } } }`;
  const { mergeReject } = await stack.graphql(reject, { id: pair.id });
  expect(mergeReject).toEqual({
    candidate: { status: 'REJECTED', decidedBy: 'key:journey' },
    userErrors: [],
  });
  expect((await open()).some((one) => one.id === pair.id)).toBe(false);
});
