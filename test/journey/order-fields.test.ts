import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack, until } from '../support/stack.ts';
import { deadLetters, nextSecond } from './observe.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ seed: 11, hubspot: { subscribedObjectTypes: ['contacts', 'orders'] } });
  // The app's first own write tells whose writes are ours.
  place('first@example.com');
  await stack.settled();
}, 120_000);

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const upsert = `mutation ($input: CustomFieldMappingInput!) {
  customFieldMappingUpsert(input: $input) { customField { key } userErrors { code field message } }
}`;

interface Declared {
  key: string;
  type?: string;
  authority?: string;
  writeBack?: boolean;
  options?: { value: string; label?: string }[];
}

async function declare({ key, type = 'NUMBER', authority = 'HUBSPOT', writeBack = true, ...more }: Declared) {
  const input = {
    owner: 'ORDER',
    key,
    name: key,
    type,
    source: { metafield: { namespace: 'custom', key } },
    hubspotProperty: `order_${key}`,
    authority,
    writeBack,
    ...more,
  };
  expect((await stack.graphql(upsert, { input })).customFieldMappingUpsert.userErrors).toEqual([]);
  await until(
    `${key} is filled`,
    () => stack.graphql('{ customFields { key backfill { status } } }'),
    (seen) =>
      seen.customFields.find((one: { key: string }) => one.key === key)?.backfill.status === 'FINISHED',
    60_000,
  );
  await stack.settled();
}

function place(email: string): string {
  return stack.shopify.placeOrder({
    channel: 'web',
    customer: { email, firstName: 'Ada', lastName: 'Field' },
    lines: [{ sku: 'HAT', quantity: 1 }],
  }).id;
}

function inShopify(id: string, key: string, value: string, type: string): void {
  stack.shopify.setMetafields([
    { ownerId: `gid://shopify/Order/${id}`, namespace: 'custom', key, type, value },
  ]);
}

function atShopify(id: string, key: string): [string, string] | null {
  const found = (stack.shopify.shop.metafields.get(`gid://shopify/Order/${id}`) ?? []).find(
    (one) => one.namespace === 'custom' && one.key === key,
  );
  return found === undefined ? null : [found.type, found.value];
}

function row(id: string) {
  const found = stack.hubspot.records('orders').find((one) => one.properties.hs_external_order_id === id);
  if (found === undefined) throw new Error(`HubSpot has no order ${id}`);
  return found;
}

const atHubSpot = (id: string, key: string): string => row(id).properties[`order_${key}`] ?? '';

function inHubSpot(id: string, key: string, value: string): void {
  stack.hubspot.editOrder(row(id).id, { [`order_${key}`]: value });
}

/** Writings of that metafield that were planned, those of one order; and receipts that left it out. */
async function writings(id: string, key: string) {
  const { rows } = await stack.database.pool.query<{ value: string | null; refused: string | null }>(
    `select m->>'value' as value, r.detail->'notWritten'->0->>'reason' as refused
     from push p join sales_order o on o.id = p.subject_id and o.remote_id = $1
     cross join lateral jsonb_array_elements(p.body->'metafields') as m
     left join receipt r on r.push_id = p.id
     where p.kind = 'order' and p.subject_type = 'Order' and p.body ? 'metafields' and m->>'key' = $2 order by p.id`,
    [id, key],
  );
  return rows;
}

async function inGraph(id: string, key: string) {
  const { rows } = await stack.database.pool.query<{ value: string | null; source: string }>(
    `select v.value, v.source from custom_field_value v join custom_field f on f.id = v.field_id
     join sales_order o on o.id = v.entity_id where f.owner = 'Order' and f.key = $2 and o.remote_id = $1`,
    [id, key],
  );
  return rows[0] ?? null;
}

test('what people write over a metafield of an order in HubSpot goes back to Shopify once, in its type', async () => {
  const key = 'warranty';
  const id = place('warranty@example.com');
  inShopify(id, key, '24', 'number_integer');
  await stack.settled();
  await declare({ key });
  expect(atHubSpot(id, key)).toBe('24');

  inHubSpot(id, key, '36');
  await stack.settled();
  expect(atShopify(id, key)).toEqual(['number_integer', '36']);
  expect(atHubSpot(id, key)).toBe('36');
  expect(await writings(id, key)).toEqual([{ value: '36', refused: null }]);

  // The shop says otherwise, but it is HubSpot that is believed.
  await nextSecond();
  inShopify(id, key, '12', 'number_integer');
  await stack.settled();
  expect(atShopify(id, key)).toEqual(['number_integer', '36']);
  expect(atHubSpot(id, key)).toBe('36');

  // What the metafield cannot hold stays where it was written; what is emptied there is removed, once.
  inHubSpot(id, key, '36.5');
  await stack.settled();
  expect([atShopify(id, key), atHubSpot(id, key)]).toEqual([['number_integer', '36'], '36.5']);
  inHubSpot(id, key, '');
  await stack.settled();
  expect([atShopify(id, key), atHubSpot(id, key)]).toEqual([null, '']);
  expect((await writings(id, key)).map((one) => one.value)).toEqual(['36', '36', null]);

  // The shop has defined another type meanwhile, which can say it as well.
  await nextSecond();
  stack.shopify.defineMetafield('Order', 'custom.warranty', 'single_line_text_field');
  inHubSpot(id, key, '48');
  await stack.settled();
  expect([atShopify(id, key), atHubSpot(id, key)]).toEqual([['single_line_text_field', '48'], '48']);
  // What it refuses is named, and not asked for again and again.
  stack.shopify.defineMetafield('Order', 'custom.warranty', 'boolean');
  inHubSpot(id, key, '49');
  await stack.settled();
  expect([atShopify(id, key), atHubSpot(id, key)]).toEqual([['single_line_text_field', '48'], '49']);
  expect((await writings(id, key)).slice(3)).toEqual([
    { value: '48', refused: null },
    { value: '49', refused: 'Value must be true or false.' },
  ]);

  // Nothing is left to say, whoever looks.
  await stack.sweep();
  await stack.settled();
  expect(await writings(id, key)).toHaveLength(5);
  expect(await deadLetters(stack)).toEqual([]);
});

test('where the source is believed an edit in HubSpot is written over, each time', async () => {
  const key = 'serial';
  const id = place('serial@example.com');
  inShopify(id, key, 'SN-1', 'single_line_text_field');
  await stack.settled();
  await declare({ key, type: 'TEXT', authority: 'SOURCE', writeBack: false });
  for (const edit of ['SN-9', 'SN-9', '']) {
    inHubSpot(id, key, edit);
    await stack.settled();
    expect([atHubSpot(id, key), atShopify(id, key)]).toEqual(['SN-1', ['single_line_text_field', 'SN-1']]);
  }
  expect(await inGraph(id, key)).toEqual({ value: 'SN-1', source: 'shopify' });

  // Chosen otherwise, the same two words give the other value, at both ends.
  await declare({ key, type: 'TEXT', authority: 'HUBSPOT', writeBack: true });
  inHubSpot(id, key, 'SN-7');
  await stack.settled();
  await declare({ key, type: 'TEXT', authority: 'SOURCE', writeBack: false });
  expect(await inGraph(id, key)).toEqual({ value: 'SN-7', source: 'shopify' });
  await nextSecond();
  inShopify(id, key, 'SN-2', 'single_line_text_field');
  await stack.settled();
  expect(atHubSpot(id, key)).toBe('SN-2');
  await declare({ key, type: 'TEXT', authority: 'HUBSPOT', writeBack: true });
  expect([atHubSpot(id, key), atShopify(id, key)]).toEqual(['SN-7', ['single_line_text_field', 'SN-7']]);
  expect(await inGraph(id, key)).toEqual({ value: 'SN-7', source: 'hubspot' });
  expect(await deadLetters(stack)).toEqual([]);
});

test('where whoever spoke last is believed, edits on both sides end the same whichever is heard first', async () => {
  const key = 'deposit';
  const [early, late] = [place('early@example.com'), place('late@example.com')];
  for (const id of [early, late]) inShopify(id, key, '{"amount":"10.00","currency_code":"USD"}', 'money');
  await stack.settled();
  await declare({ key, type: 'MONEY', authority: 'LATEST' });
  expect([early, late].map((id) => atHubSpot(id, key))).toEqual(['10.00', '10.00']);

  // HubSpot first, then the shop; HubSpot's word is heard last.
  stack.hubspot.webhooks.weather = { ...stack.hubspot.webhooks.weather, hold: true };
  inHubSpot(early, key, '20');
  await nextSecond();
  await nextSecond();
  inShopify(early, key, '{"amount":"30.00","currency_code":"USD"}', 'money');
  await until(
    'the shop’s word is heard',
    () => inGraph(early, key),
    (seen) => seen?.value === '30.00 USD',
  );
  stack.hubspot.webhooks.weather = { ...stack.hubspot.webhooks.weather, hold: false };
  stack.hubspot.webhooks.release('fifo');
  await stack.settled();
  expect([atHubSpot(early, key), atShopify(early, key)?.[1]]).toEqual([
    '30.00',
    '{"amount":"30.00","currency_code":"USD"}',
  ]);

  // The shop first, then HubSpot; the shop's word is heard last.
  stack.shopify.webhooks.weather = { ...stack.shopify.webhooks.weather, hold: true };
  inShopify(late, key, '{"amount":"30.00","currency_code":"USD"}', 'money');
  await nextSecond();
  await nextSecond();
  inHubSpot(late, key, '20');
  await until(
    'HubSpot’s word is heard',
    () => inGraph(late, key),
    (seen) => seen?.value === '20.00 USD',
  );
  stack.shopify.webhooks.weather = { ...stack.shopify.webhooks.weather, hold: false };
  stack.shopify.webhooks.release('fifo');
  await stack.settled();
  expect([atHubSpot(late, key), atShopify(late, key)?.[1]]).toEqual([
    '20',
    '{"amount":"20.00","currency_code":"USD"}',
  ]);
  expect(await deadLetters(stack)).toEqual([]);
});

test('a correction that follows on its heels is not undone by what comes back of the first', async () => {
  const key = 'ring_size';
  const id = place('ring@example.com');
  inShopify(id, key, '50', 'number_integer');
  await stack.settled();
  await declare({ key, authority: 'LATEST' });
  await nextSecond();
  // The first is on its way into the shop, slowly, when it is corrected; the correction is heard after it has arrived.
  stack.shopify.faults.add({
    id: 'slow',
    effect: { kind: 'latency', minMs: 2500, maxMs: 2500 },
    path: 'MetafieldsSet',
    times: 1,
  });
  inHubSpot(id, key, '53');
  await until(
    'the first is being written',
    () => stack.database.pool.query(`select 1 from push where status = 'running' and body ? 'metafields'`),
    ({ rowCount }) => rowCount === 1,
  );
  const { webhooks } = stack.hubspot;
  webhooks.weather = { ...webhooks.weather, hold: true };
  inHubSpot(id, key, '54');
  stack.hubspot.flushWebhooks();
  await until(
    'the first has arrived and was told back',
    () =>
      stack.database.pool.query(
        `select 1 from custom_field_value v join custom_field f on f.id = v.field_id where f.key = $1 and v.source_value = '53'`,
        [key],
      ),
    ({ rowCount }) => rowCount === 1,
  );
  webhooks.weather = { ...webhooks.weather, hold: false };
  webhooks.release('fifo');
  await stack.settled();
  expect([atHubSpot(id, key), atShopify(id, key)]).toEqual(['54', ['number_integer', '54']]);
  expect(await inGraph(id, key)).toMatchObject({ value: '54' });
});

test('an edit whose webhook was lost is found by the sweep, also where we have written over it since', async () => {
  const key = 'engraving';
  const [plain, covered] = [place('plain@example.com'), place('covered@example.com')];
  for (const id of [plain, covered]) inShopify(id, key, 'For A', 'single_line_text_field');
  await stack.settled();
  await declare({ key, type: 'TEXT' });
  stack.hubspot.setWebhookTarget(null);
  inHubSpot(plain, key, 'For Ada');
  inHubSpot(covered, key, 'For Eve');
  await nextSecond();
  inShopify(covered, key, 'For B', 'single_line_text_field');
  await stack.settled();
  stack.hubspot.setWebhookTarget(`${stack.url}/webhooks/hubspot`);
  expect(atHubSpot(covered, key)).toBe('For B');
  expect(await inGraph(plain, key)).toEqual({ value: 'For A', source: 'shopify' });
  await stack.sweep();
  await stack.settled();
  expect([plain, covered].map((id) => [atHubSpot(id, key), atShopify(id, key)?.[1]])).toEqual([
    ['For Ada', 'For Ada'],
    ['For Eve', 'For Eve'],
  ]);
  expect(await deadLetters(stack)).toEqual([]);
});

test('an option that people added in HubSpot and chose is left as it stands, shown as a problem, and understood once it is declared', async () => {
  const key = 'workshop';
  const id = place('workshop@example.com');
  inShopify(id, key, 'waiting', 'single_line_text_field');
  await stack.settled();
  const options = [{ value: 'waiting', label: 'Waiting' }, { value: 'done' }];
  await declare({ key, type: 'ENUMERATION', options });
  const theirs = [...options, { value: 'lost', label: 'Lost' }];
  await fetch(`${stack.hubspot.url}/crm/v3/properties/orders/order_${key}`, {
    method: 'PATCH',
    headers: { authorization: 'Bearer pat-sandbox', 'content-type': 'application/json' },
    body: JSON.stringify({
      options: theirs.map(({ value, label = value }, displayOrder) => ({
        value,
        label,
        displayOrder,
        hidden: false,
      })),
    }),
  });
  inHubSpot(id, key, 'lost');
  await stack.settled();
  const seen = async () => {
    const { orders } = await stack.graphql(
      '{ orders(first: 1) { nodes { customFields { key value problem raw source } } } }',
    );
    return orders.nodes[0].customFields.find((one: { key: string }) => one.key === key);
  };
  const both = () => [atHubSpot(id, key), atShopify(id, key)?.[1]];
  expect(both()).toEqual(['lost', 'waiting']);
  expect(await seen()).toEqual({
    key,
    value: null,
    problem: '“lost” is none of waiting, done',
    raw: 'lost',
    source: 'HUBSPOT',
  });
  // Whatever else happens to the order, it stays theirs.
  await nextSecond();
  inShopify(id, key, 'done', 'single_line_text_field');
  stack.shopify.updateOrder(id, { note: 'elsewhere' });
  await stack.settled();
  expect(both()).toEqual(['lost', 'done']);

  await declare({ key, type: 'ENUMERATION', options: theirs });
  expect(both()).toEqual(['lost', 'lost']);
  expect(await seen()).toEqual({ key, value: 'lost', problem: null, raw: null, source: 'HUBSPOT' });
  expect(await deadLetters(stack)).toEqual([]);
});

test('of an order whose buyer was erased nothing that people write over it is taken in', async () => {
  const key = 'inscription';
  const id = place('inscription@example.com');
  inShopify(id, key, 'For Bo', 'single_line_text_field');
  await stack.settled();
  await declare({ key, type: 'TEXT' });
  expect(atHubSpot(id, key)).toBe('For Bo');
  const { orders } = await stack.graphql('{ orders(first: 1) { nodes { customer { id } } } }');
  const { customerErase } = await stack.graphql(
    `mutation ($id: ID!) { customerErase(input: { id: $id }) { userErrors { message } } }`,
    { id: orders.nodes[0].customer.id },
  );
  expect(customerErase.userErrors).toEqual([]);
  await stack.settled();
  inHubSpot(id, key, 'For Bo Peep, 5 Elm Street');
  await stack.settled();
  await stack.sweep();
  await stack.settled();
  expect(await inGraph(id, key)).toBeNull();
  expect(await writings(id, key)).toEqual([]);
  const { rows } = await stack.database.pool.query(
    `select 1 from link where remote_state::text like '%Peep%' union all select 1 from delivery where convert_from(body, 'UTF8') like '%Peep%'`,
  );
  expect(rows).toEqual([]);
  expect(await deadLetters(stack)).toEqual([]);
});
