import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack, until } from '../support/stack.ts';
import { deadLetters, nextSecond, receiptsOf } from './observe.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ seed: 5 });
}, 120_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const upsert = `mutation ($input: CustomFieldMappingInput!) {
  customFieldMappingUpsert(input: $input) { customField { id key } userErrors { code field message } }
}`;
const progress = `{ customFields { key backfill { status total done filled problems error } } }`;

const warranty = {
  owner: 'ORDER',
  key: 'warranty_months',
  name: 'Warranty',
  type: 'NUMBER',
  source: { metafield: { namespace: 'custom', key: 'warranty' } },
  transform: { jsonPath: 'period', unit: 'months' },
  limits: { min: '0', max: '120', decimals: 0 },
  hubspotProperty: 'warranty_months',
};

function place(email: string, properties: Record<string, string> = {}): string {
  return stack.shopify.placeOrder({
    channel: 'web',
    customer: { email, firstName: 'Ada', lastName: 'Field' },
    lines: [{ sku: 'HAT', quantity: 1, properties }],
  }).id;
}

function setMetafield(
  owner: 'Order' | 'Customer',
  id: string,
  key: string,
  value: string,
  type = 'json',
): void {
  stack.shopify.setMetafields([
    { ownerId: `gid://shopify/${owner}/${id}`, namespace: 'custom', key, type, value },
  ]);
}

async function filled(key: string) {
  const { customFields } = await until(
    `${key} is filled`,
    () => stack.graphql(progress),
    (seen) =>
      seen.customFields.find((one: { key: string }) => one.key === key)?.backfill.status === 'FINISHED',
    60_000,
  );
  await stack.settled();
  return customFields.find((one: { key: string }) => one.key === key).backfill;
}

async function hubSpotProperty(object: string, name: string) {
  const response = await fetch(`${stack.hubspot.url}/crm/v3/properties/${object}/${name}`, {
    headers: { authorization: 'Bearer pat-sandbox' },
  });
  return (await response.json()) as { options: { value: string; label: string }[] };
}

function hubSpotOrders(): Map<string, Record<string, string>> {
  return new Map(
    stack.hubspot.records('orders').map((one) => [one.properties.hs_external_order_id ?? '', one.properties]),
  );
}

test('a metafield mapping on a shop with orders: dry run, backfill, and HubSpot holds the values', async () => {
  const ids = Array.from({ length: 60 }, (_, index) => place(`buyer${index}@example.com`));
  ids.forEach((id, index) => {
    if (index % 3 === 0) setMetafield('Order', id, 'warranty', `{"period":"${1 + (index % 5)} years"}`);
    if (index % 30 === 1) setMetafield('Order', id, 'warranty', '{"period":"for ever"}');
  });
  await stack.settled();

  const { customFieldPreview: preview } = await stack.graphql(
    `query ($input: CustomFieldMappingInput!) {
      customFieldPreview(input: $input, first: 50) { checked filled problems owners { raw value problem } }
    }`,
    { input: warranty },
  );
  expect(preview.checked).toBe(50);
  expect(preview.filled).toBeGreaterThan(10);
  expect(preview.owners).toContainEqual({
    raw: '{"period":"for ever"}',
    value: null,
    problem: '“for ever” is no number',
  });
  expect((await stack.graphql('{ customFields { key } }')).customFields).toEqual([]);

  const { customFieldMappingUpsert: declared } = await stack.graphql(upsert, { input: warranty });
  expect(declared.userErrors).toEqual([]);
  expect(await filled('warranty_months')).toEqual({
    status: 'FINISHED',
    total: 60,
    done: 60,
    filled: 20,
    problems: 2,
    error: null,
  });
  const held = hubSpotOrders();
  expect(ids.map((id) => held.get(id)?.warranty_months ?? null)).toEqual(
    ids.map((_, index) => (index % 3 === 0 ? String(12 * (1 + (index % 5))) : null)),
  );
  expect(await hubSpotProperty('orders', 'warranty_months')).toMatchObject({
    type: 'number',
    fieldType: 'number',
    groupName: 'tributary',
    label: 'Warranty',
  });
});

test('from then on the webhooks bring the metafield along, and a bad value holds up nothing', async () => {
  const good = place('later@example.com');
  await stack.settled();
  setMetafield('Order', good, 'warranty', '{"period":"3 years"}');
  const bad = place('worse@example.com');
  setMetafield('Order', bad, 'warranty', 'not even JSON', 'single_line_text_field');
  await stack.settled();
  const held = hubSpotOrders();
  expect(held.get(good)?.warranty_months).toBe('36');
  expect(held.get(bad)?.hs_total_price).toBe('27.10');
  expect(held.get(bad)?.warranty_months ?? null).toBe(null);
  const { orders } = await stack.graphql(
    '{ orders(first: 2) { nodes { customFields { key value problem raw source } } } }',
  );
  expect(orders.nodes.map((one: { customFields: unknown[] }) => one.customFields)).toEqual([
    [
      {
        key: 'warranty_months',
        value: null,
        problem: 'is no JSON',
        raw: 'not even JSON',
        source: 'SHOPIFY',
      },
    ],
    [{ key: 'warranty_months', value: '36', problem: null, raw: null, source: 'SHOPIFY' }],
  ]);
});

test('an enumeration keeps its options in step; those that people added stay', async () => {
  const workshop = {
    owner: 'ORDER',
    key: 'workshop',
    name: 'Workshop',
    type: 'ENUMERATION',
    source: { tagPrefix: 'workshop:' },
    options: [{ value: 'waiting' }, { value: 'done', label: 'Done', aliases: ['finished'] }],
    hubspotProperty: 'workshop_status',
  };
  const id = place('special@example.com');
  stack.shopify.updateOrder(id, { tags: ['workshop:Finished', 'gift'] });
  await stack.settled();
  await stack.graphql(upsert, { input: workshop });
  await filled('workshop');
  expect(hubSpotOrders().get(id)?.workshop_status).toBe('done');
  await fetch(`${stack.hubspot.url}/crm/v3/properties/orders/workshop_status`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer pat-sandbox', 'content-type': 'application/json' },
    body: JSON.stringify({
      options: [
        { value: 'waiting', label: 'waiting', displayOrder: 0, hidden: false },
        { value: 'done', label: 'Done', displayOrder: 1, hidden: false },
        { value: 'theirs', label: 'Theirs', displayOrder: 2, hidden: false },
      ],
    }),
  });
  const more = { ...workshop, options: [...workshop.options, { value: 'lost', label: 'Lost' }] };
  await stack.graphql(upsert, {
    input: { ...more, options: more.options.map((one) => ({ ...one, label: one.value.toUpperCase() })) },
  });
  await filled('workshop');
  const { options } = await hubSpotProperty('orders', 'workshop_status');
  expect(options.map(({ value, label }) => [value, label])).toEqual([
    ['waiting', 'WAITING'],
    ['done', 'DONE'],
    ['theirs', 'Theirs'],
    ['lost', 'LOST'],
  ]);
});

test.each([
  ['SOURCE', 'size_a', 'M'],
  ['HUBSPOT', 'size_b', 'XL'],
  ['LATEST', 'size_c', 'XL'],
])('where %s has the last word, an edit in HubSpot ends as it should', async (authority, key, expected) => {
  const order = place(`${key}@example.com`);
  await stack.settled();
  const customer = stack.shopify.order(order)?.customerId ?? '';
  setMetafield('Customer', customer, key, 'M', 'single_line_text_field');
  const input = {
    owner: 'CUSTOMER',
    key,
    name: 'Size',
    type: 'TEXT',
    source: { metafield: { namespace: 'custom', key } },
    hubspotProperty: key,
    authority,
  };
  expect((await stack.graphql(upsert, { input })).customFieldMappingUpsert.userErrors).toEqual([]);
  await filled(key);
  const contact = () => stack.hubspot.contactByEmail(`${key}@example.com`);
  expect(contact()?.properties[key]).toBe('M');
  stack.hubspot.subscribe({ propertyName: key });
  stack.hubspot.editContact(contact()?.id ?? '', { [key]: 'XL' });
  await stack.settled();
  expect(contact()?.properties[key]).toBe(expected);
  const { customers } = await stack.graphql(
    `query ($email: String!) { customers(first: 1, filter: { email: $email }) { nodes { customFields { key value source } } } }`,
    { email: `${key}@example.com` },
  );
  expect(customers.nodes[0].customFields).toEqual([
    { key, value: expected, source: expected === 'M' ? 'SHOPIFY' : 'HUBSPOT' },
  ]);
});

test('what people write over a metafield in HubSpot goes back to Shopify, without an echo', async () => {
  const key = 'fit';
  const order = place('fit@example.com');
  await stack.settled();
  const customer = stack.shopify.order(order)?.customerId ?? '';
  setMetafield('Customer', customer, key, '38', 'number_integer');
  const input = {
    owner: 'CUSTOMER',
    key,
    name: 'Fit',
    type: 'NUMBER',
    source: { metafield: { namespace: 'custom', key } },
    hubspotProperty: key,
    authority: 'HUBSPOT',
    writeBack: true,
  };
  const wrong = await stack.graphql(upsert, { input: { ...input, authority: 'SOURCE' } });
  expect(wrong.customFieldMappingUpsert.userErrors).toMatchObject([{ field: ['input', 'writeBack'] }]);
  expect((await stack.graphql(upsert, { input })).customFieldMappingUpsert.userErrors).toEqual([]);
  await filled(key);
  const atShopify = () =>
    [...stack.shopify.shop.metafields.values()]
      .flat()
      .filter((one) => one.ownerGid === `gid://shopify/Customer/${customer}` && one.key === key)
      .map((one) => [one.type, one.value]);
  const contact = () => stack.hubspot.contactByEmail('fit@example.com');
  stack.hubspot.subscribe({ propertyName: key });
  stack.hubspot.editContact(contact()?.id ?? '', { [key]: '42' });
  await stack.settled();
  expect(atShopify()).toEqual([['number_integer', '42']]);
  // The shop says otherwise, but it is HubSpot that is believed.
  await nextSecond();
  setMetafield('Customer', customer, key, '40', 'number_integer');
  await stack.settled();
  expect(atShopify()).toEqual([['number_integer', '42']]);
  expect(contact()?.properties[key]).toBe('42');
  // A value that the metafield cannot hold stays where it was written, and nothing is tried again and again.
  stack.hubspot.editContact(contact()?.id ?? '', { [key]: '42.5' });
  await stack.settled();
  expect(atShopify()).toEqual([['number_integer', '42']]);
  expect(contact()?.properties[key]).toBe('42.5');
  // What is emptied there is removed, once; a list of the same name would be left alone.
  const pushes = async () =>
    (
      await stack.database.pool.query(
        `select 1 from push where kind = 'customer' and body->'metafields' @> '[{"key": "fit", "value": null}]'`,
      )
    ).rowCount;
  stack.hubspot.editContact(contact()?.id ?? '', { [key]: '' });
  await stack.settled();
  expect(atShopify()).toEqual([]);
  expect(contact()?.properties[key] ?? '').toBe('');
  expect(await pushes()).toBe(1);
  // The shop fills it in again, and it is removed again; an edit in HubSpot brings one back.
  await nextSecond();
  setMetafield('Customer', customer, key, '44', 'number_integer');
  await stack.settled();
  expect(atShopify()).toEqual([]);
  expect(await pushes()).toBe(2);
  stack.hubspot.editContact(contact()?.id ?? '', { [key]: '46' });
  await stack.settled();
  expect(atShopify().map(([, value]) => value)).toEqual(['46']);
  expect(await deadLetters(stack)).toEqual([]);
});

test('a list that is emptied in HubSpot is left alone in Shopify', async () => {
  const key = 'likes';
  const order = place('likes@example.com');
  await stack.settled();
  const customer = stack.shopify.order(order)?.customerId ?? '';
  setMetafield('Customer', customer, key, '["red","blue"]', 'list.single_line_text_field');
  const input = {
    owner: 'CUSTOMER',
    key,
    name: 'Likes',
    type: 'TEXT',
    source: { metafield: { namespace: 'custom', key } },
    hubspotProperty: key,
    authority: 'HUBSPOT',
    writeBack: true,
  };
  expect((await stack.graphql(upsert, { input })).customFieldMappingUpsert.userErrors).toEqual([]);
  await filled(key);
  const contact = () => stack.hubspot.contactByEmail('likes@example.com');
  stack.hubspot.subscribe({ propertyName: key });
  stack.hubspot.editContact(contact()?.id ?? '', { [key]: '' });
  await stack.settled();
  expect(contact()?.properties[key] ?? '').toBe('');
  const standing = [...stack.shopify.shop.metafields.values()].flat().filter((one) => one.key === key);
  expect(standing.map((one) => one.value)).toEqual(['["red","blue"]']);
  expect(await deadLetters(stack)).toEqual([]);
});

test('a value that HubSpot refuses is left out and named; everything else of the order arrives', async () => {
  await fetch(`${stack.hubspot.url}/crm/v3/properties/orders`, {
    method: 'POST',
    headers: { authorization: 'Bearer pat-sandbox', 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'engraving',
      label: 'Theirs',
      groupName: 'tributary',
      type: 'number',
      fieldType: 'number',
    }),
  });
  const engraving = {
    owner: 'ORDER',
    key: 'engraving',
    name: 'Engraving',
    type: 'TEXT',
    source: { lineAttribute: 'Engraving' },
    hubspotProperty: 'engraving',
  };
  await stack.graphql(upsert, { input: engraving });
  await filled('engraving');
  const refused = place('words@example.com', { Engraving: 'For Ada' });
  const taken = place('digits@example.com', { Engraving: '42' });
  await stack.settled();
  const held = hubSpotOrders();
  expect([held.get(refused)?.hs_total_price, held.get(taken)?.hs_total_price]).toEqual(['27.10', '27.10']);
  expect([held.get(refused)?.engraving ?? null, held.get(taken)?.engraving ?? null]).toEqual([null, '42']);
  const { rows } = await stack.database.pool.query<{ property: string }>(
    `select detail->'notWritten'->0->>'property' as property from receipt where detail ? 'notWritten'`,
  );
  expect(rows).toEqual([{ property: 'engraving' }]);
});

test('a field that is switched on in QuickBooks later is filled in on the documents that were written without it', async () => {
  stack.quickbooks.configure({ customFields: ['Theirs'] });
  const sold = (gift: string) =>
    stack.shopify.placeOrder({
      channel: 'web',
      customer: { email: 'gift@example.com', firstName: 'Ada', lastName: 'Field' },
      lines: [{ sku: 'HAT', quantity: 1 }],
      tags: [`gift:${gift}`],
    });
  const input = {
    owner: 'ORDER',
    key: 'gift_for',
    name: 'Gift for',
    type: 'TEXT',
    source: { tagPrefix: 'gift:' },
    quickbooksField: 'gift for',
  };
  expect((await stack.graphql(upsert, { input })).customFieldMappingUpsert.userErrors).toEqual([]);
  await filled('gift_for');
  const orders = [sold('Eve'), sold('Bob'), sold('Mallory')];
  const none = stack.shopify.placeOrder({
    channel: 'web',
    customer: { email: 'gift@example.com', firstName: 'Ada', lastName: 'Field' },
    lines: [{ sku: 'HAT', quantity: 1 }],
  });
  await stack.settled();
  const receipt = (name: string) => receiptsOf(stack, name)[0];
  const shown = () =>
    orders.map(({ name }) =>
      ((receipt(name)?.CustomField ?? []) as { Name: string; StringValue?: string }[])
        .filter((one) => one.Name === 'Gift For')
        .map((one) => one.StringValue),
    );
  const leftOut = async () =>
    (
      await stack.database.pool.query(
        `select 1 from receipt where detail->'notWritten'->0->>'reason' = 'QuickBooks has no custom field of that name on its sales forms'`,
      )
    ).rowCount;
  expect(await leftOut()).toBe(3);
  expect(shown()).toEqual([[], [], []]);

  // Whoever is asked again finds nothing to do; so does a sweep.
  stack.shopify.updateOrder(orders[0]?.id ?? '', { note: 'once more' });
  await stack.settled();
  await stack.sweep();
  await stack.settled();
  expect(await leftOut()).toBe(3);

  // Its webhook is lost, so that the sweep finds it.
  stack.quickbooks.setWebhookTarget(null);
  stack.quickbooks.configure({ customFields: ['Theirs', 'Gift For'] });
  await stack.sweep();
  await until('the field is filled in', shown, (seen) => seen.every((one) => one.length === 1));
  await stack.settled();
  expect(shown()).toEqual([['Eve'], ['Bob'], ['Mallory']]);
  const tokens = () => orders.map(({ name }) => receipt(name)?.SyncToken);
  const before = tokens();
  expect(receipt(none.name)?.SyncToken).toBe('0');
  expect(await leftOut()).toBe(3);

  // Switched off, missed, and on again: this time its webhook tells.
  stack.quickbooks.setWebhookTarget(`${stack.url}/webhooks/quickbooks`);
  stack.quickbooks.configure({ customFields: ['Theirs'] });
  await stack.settled();
  const late = sold('Trent');
  await stack.settled();
  expect(await leftOut()).toBe(4);
  stack.quickbooks.configure({ customFields: ['Theirs', 'Gift For'] });
  orders.push(late);
  await until('the field is filled in', shown, (seen) => seen.at(-1)?.length === 1);
  await stack.settled();
  expect(shown().at(-1)).toEqual(['Trent']);
  expect(tokens().slice(0, 3)).toEqual(before);
  expect(await deadLetters(stack)).toEqual([]);
  await stack.graphql(
    'mutation { customFieldMappingDelete(input: { owner: ORDER, key: "gift_for" }) { userErrors { message } } }',
  );
});

test('QuickBooks shows the field on the sale, whoever else writes there, and neither long values nor closed books hold anything up', async () => {
  stack.quickbooks.configure({ customFields: ['Theirs', 'Warranty'] });
  const early = stack.shopify.placeOrder({
    channel: 'web',
    customer: { email: 'books@example.com', firstName: 'Ada', lastName: 'Field' },
    lines: [{ sku: 'HAT', quantity: 1 }],
    tags: ['covered:24 months'],
  });
  await stack.settled();
  const receipt = (name: string) => receiptsOf(stack, name)[0];
  const shown = (name: string) =>
    ((receipt(name)?.CustomField ?? []) as { Name: string; StringValue?: string }[]).map((one) => [
      one.Name,
      one.StringValue ?? null,
    ]);
  stack.quickbooks.edit('SalesReceipt', receipt(early.name)?.Id ?? '', {
    CustomField: [{ DefinitionId: '1', Name: 'Theirs', Type: 'StringType', StringValue: 'by hand' }],
  });
  await stack.settled();
  const before = receipt(early.name);

  const input = {
    owner: 'ORDER',
    key: 'covered',
    name: 'Covered for',
    type: 'TEXT',
    source: { tagPrefix: 'covered:' },
    quickbooksField: 'warranty',
  };
  expect((await stack.graphql(upsert, { input })).customFieldMappingUpsert.userErrors).toEqual([]);
  await filled('covered');
  expect(shown(early.name)).toEqual([
    ['Theirs', 'by hand'],
    ['Warranty', '24 months'],
  ]);
  expect(receipt(early.name)).toMatchObject({
    TotalAmt: before?.TotalAmt,
    Line: before?.Line,
    PrivateNote: before?.PrivateNote,
  });

  const later = (tag: string) =>
    stack.shopify.placeOrder({
      channel: 'web',
      customer: { email: 'books@example.com', firstName: 'Ada', lastName: 'Field' },
      lines: [{ sku: 'HAT', quantity: 1 }],
      tags: [`covered:${tag}`],
    });
  const plain = later('for good');
  const long = later('until the last of its springs is broken');
  await stack.settled();
  expect(shown(plain.name)).toEqual([
    ['Theirs', null],
    ['Warranty', 'for good'],
  ]);
  expect(shown(long.name)).toEqual([
    ['Theirs', null],
    ['Warranty', null],
  ]);
  expect(receipt(long.name)?.TotalAmt).toBe(27.1);

  stack.shopify.updateOrder(plain.id, { tags: [] });
  await stack.settled();
  expect(shown(plain.name)).toEqual([
    ['Theirs', null],
    ['Warranty', null],
  ]);

  stack.quickbooks.configure({ bookCloseDate: '2099-12-31' });
  stack.shopify.updateOrder(early.id, { tags: ['covered:36 months'] });
  await stack.settled();
  stack.quickbooks.configure({ bookCloseDate: null });
  expect(shown(early.name)).toEqual([
    ['Theirs', 'by hand'],
    ['Warranty', '24 months'],
  ]);
  const { rows } = await stack.database.pool.query<{ why: string }>(
    `select detail->'notWritten'->0->>'reason' as why from receipt where lower(detail->'notWritten'->0->>'field') = 'warranty' order by id`,
  );
  expect(rows.map(({ why }) => why)).toEqual([
    'has more than 31 characters',
    'the books of that day are closed',
  ]);
  expect(await deadLetters(stack)).toEqual([]);
  const refused = await stack.graphql(upsert, { input: { ...input, key: 'other' } });
  expect(refused.customFieldMappingUpsert.userErrors).toMatchObject([
    { code: 'FORM_FIELD_TAKEN', field: ['input', 'quickbooksField'] },
  ]);
});
