import { expect, test } from 'vitest';
import { startStack } from '../support/stack.ts';
import { contact, deadLetters, nextSecond } from './observe.ts';

test('whatever befalls a customer, what they consented to in HubSpot and in the shop is written by nobody but themselves', async () => {
  await using stack = await startStack();
  const email = 'ada@example.com';
  const headers = { authorization: 'Bearer pat-sandbox', 'content-type': 'application/json' };
  await fetch(`${stack.hubspot.url}/crm/v3/properties/contacts`, {
    method: 'POST',
    headers,
    body: JSON.stringify({
      name: 'newsletter_opt_in',
      label: 'Newsletter',
      groupName: 'contactinformation',
      type: 'string',
      fieldType: 'text',
    }),
  });
  const order = stack.shopify.placeOrder({
    channel: 'web',
    customer: { email, firstName: 'Ada', lastName: 'Field' },
    lines: [{ sku: 'HAT', quantity: 2 }],
  });
  await stack.settled();
  const theirs = {
    hs_legal_basis: 'Freely given consent from contact',
    newsletter_opt_in: 'no, thank you',
  };
  stack.hubspot.editContact(contact(stack, email).id, theirs);
  await stack.settled();

  // A tag of the shop that says otherwise cannot be sent there.
  const { customFieldMappingUpsert: refused } = await stack.graphql(
    `mutation ($input: CustomFieldMappingInput!) { customFieldMappingUpsert(input: $input) { userErrors { field } } }`,
    {
      input: {
        owner: 'CUSTOMER',
        key: 'newsletter',
        name: 'Newsletter',
        type: 'TEXT',
        source: { tagPrefix: 'newsletter:' },
        hubspotProperty: 'newsletter_opt_in',
      },
    },
  );
  expect(refused.userErrors).toEqual([{ field: ['input', 'hubspotProperty'] }]);

  const id = stack.shopify.order(order.id)?.customerId ?? '';
  const lineId = stack.shopify.outcome(stack.shopify.order(order.id) as never).lines[0]?.id ?? '';
  const life = [
    () => stack.shopify.upsertCustomer({ id, email, marketing: 'SUBSCRIBED' }),
    () =>
      stack.shopify.upsertCustomer({
        id,
        email,
        firstName: 'Augusta',
        tags: ['vip', 'newsletter:yes please'],
      }),
    () => stack.shopify.refundOrder(order.id, { lines: [{ lineId, quantity: 1 }] }),
    () => stack.hubspot.editContact(contact(stack, email).id, { phone: '+1 602 555 0100' }),
    () => stack.shopify.upsertCustomer({ id, email, marketing: 'UNSUBSCRIBED' }),
  ];
  for (const step of life) {
    await nextSecond();
    step();
    await stack.settled();
  }
  await stack.sweep();
  await stack.settled();
  // A second account of the same person, joined with the first.
  stack.shopify.placeOrder({
    channel: 'pos',
    customer: { email: 'ada.field@example.com', firstName: 'Augusta', lastName: 'Field' },
    lines: [{ sku: 'MUG', quantity: 1 }],
  });
  await stack.settled();
  const { customers } = await stack.graphql('{ customers(first: 5) { nodes { id email } } }');
  const idOf = (address: string) =>
    customers.nodes.find((one: { email: string }) => one.email === address)?.id as string;
  const merged = await stack.graphql(
    `mutation ($survivor: ID!, $absorbed: ID!) { customerMerge(input: { survivorId: $survivor, absorbedId: $absorbed }) { userErrors { message } } }`,
    { survivor: idOf(email), absorbed: idOf('ada.field@example.com') },
  );
  expect(merged.customerMerge.userErrors).toEqual([]);
  await stack.settled();

  const { id: contactId, properties } = contact(stack, email);
  expect(properties).toMatchObject({ ...theirs, firstname: 'Augusta' });
  const read = await fetch(
    `${stack.hubspot.url}/crm/v3/objects/contacts/${contactId}?propertiesWithHistory=hs_legal_basis,newsletter_opt_in,hs_email_optout,hs_marketable_status`,
    { headers },
  );
  const { propertiesWithHistory } = (await read.json()) as {
    propertiesWithHistory: Record<string, { value: string; sourceType: string }[]>;
  };
  expect(
    Object.entries(propertiesWithHistory).map(([name, entries]) => [
      name,
      entries.map((entry) => [entry.value, entry.sourceType]),
    ]),
  ).toEqual([
    ['hs_legal_basis', [[theirs.hs_legal_basis, 'CRM_UI']]],
    ['newsletter_opt_in', [[theirs.newsletter_opt_in, 'CRM_UI']]],
    ['hs_email_optout', []],
    ['hs_marketable_status', []],
  ]);
  expect([...stack.shopify.shop.customers.values()].find((one) => one.id === id)?.marketing).toBe(
    'UNSUBSCRIBED',
  );
  // Both records stay at the shop, each with its address: the other one's is left out and named.
  const { rows } = await stack.database.pool.query<{ left: unknown }>(
    `select distinct r.detail->'notWritten' as left from receipt r join push p on p.id = r.push_id
     where p.kind = 'customer' and r.detail ? 'notWritten'`,
  );
  expect(rows).toEqual([{ left: [{ field: 'email', reason: 'Email has already been taken' }] }]);
  expect(await deadLetters(stack)).toEqual([]);
}, 60_000);
