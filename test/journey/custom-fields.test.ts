import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Stack, startStack, until } from '../support/stack.ts';

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
