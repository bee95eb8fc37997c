import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import { setWriteCapabilities } from '../../src/sync/operations.ts';
import { type Stack, startStack, until } from '../support/stack.ts';
import { contact, deadLetters, nextSecond } from './observe.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});

afterAll(() => stack[Symbol.asyncDispose]());

const set = `mutation ($input: ConnectionFieldAuthorityInput!) {
  connectionFieldAuthoritySet(input: $input) {
    connection { fieldAuthority fieldAuthorityReview { status } } userErrors { code field }
  }
}`;

async function connectionId(platform: string): Promise<string> {
  const { connections } = await stack.graphql('{ connections { id platform } }');
  return connections.find((one: { platform: string }) => one.platform === platform).id;
}

/** Chooses, and waits until everybody who is there was looked at. */
async function choose(platform: string, field: string, authority: string) {
  const id = await connectionId(platform);
  const { connectionFieldAuthoritySet: answer } = await stack.graphql(set, {
    input: { id, field, authority },
  });
  expect(answer.userErrors).toEqual([]);
  expect(['WAITING', 'RUNNING', 'FINISHED']).toContain(answer.connection.fieldAuthorityReview.status);
  const { connections } = await until(
    'customers are worked out',
    () =>
      stack.graphql(
        '{ connections { id fieldAuthorityReview { status total done changed error startedAt finishedAt } } }',
      ),
    (seen) =>
      seen.connections.some(
        (one: { id: string; fieldAuthorityReview: { status: string } | null }) =>
          one.id === id && one.fieldAuthorityReview?.status === 'FINISHED',
      ),
  );
  await stack.settled();
  return connections.find((one: { id: string }) => one.id === id).fieldAuthorityReview;
}

const emails = Array.from({ length: 60 }, (_, index) => `buyer${index}@example.com`);

async function names(): Promise<{ graph: string[]; crm: string[]; shop: string[] }> {
  const { customers } = await stack.graphql('{ customers(first: 100) { nodes { email firstName } } }');
  const byEmail = new Map(
    customers.nodes.map((one: { email: string; firstName: string }) => [one.email, one.firstName]),
  );
  return {
    graph: emails.map((email) => byEmail.get(email) as string),
    crm: emails.map((email) => contact(stack, email).properties.firstname ?? ''),
    shop: emails.map(
      (email) =>
        [...stack.shopify.shop.customers.values()].find((one) => one.email === email)?.firstName ?? '',
    ),
  };
}

test('choosing who is believed works out the customers who are there, here and at the platforms', async () => {
  for (const email of emails)
    stack.shopify.placeOrder({
      channel: 'online',
      customer: { email, firstName: 'Ada', lastName: email.split('@')[0] ?? '' },
      lines: [{ sku: 'MUG', quantity: 1 }],
    });
  await stack.settled();
  // Nothing of customers is written at the shop, which therefore goes on saying what it said.
  const shop =
    Buffer.from(await connectionId('SHOPIFY'), 'base64url')
      .toString()
      .split(':')[1] ?? '';
  await transaction(stack.database.pool, (tx) => setWriteCapabilities(tx, BigInt(shop), ['order']));
  await nextSecond();
  for (const email of emails.slice(0, 7))
    stack.hubspot.editContact(contact(stack, email).id, { firstname: 'Augusta' });
  await stack.settled();
  const all = (renamed: string) => emails.map((_, index) => (index < 7 ? renamed : 'Ada'));
  const [augusta, ada] = [all('Augusta'), all('Ada')];
  expect(await names()).toEqual({ graph: augusta, crm: augusta, shop: ada });

  expect(await choose('HUBSPOT', 'FIRST_NAME', 'NEVER')).toMatchObject({
    status: 'FINISHED',
    total: 7,
    done: 7,
    changed: 7,
    error: null,
    startedAt: expect.any(String),
    finishedAt: expect.any(String),
  });
  expect(await names()).toEqual({ graph: ada, crm: ada, shop: ada });

  // More customers than are looked at in one transaction, of whom nothing is another value.
  expect(await choose('SHOPIFY', 'FIRST_NAME', 'ALWAYS')).toMatchObject({ total: 60, done: 60, changed: 0 });
  expect(await deadLetters(stack)).toEqual([]);
});

test('an account that there is not is refused, and nothing is worked out', async () => {
  const id = Buffer.from('Connection:999999').toString('base64url');
  const { connectionFieldAuthoritySet: answer } = await stack.graphql(set, {
    input: { id, field: 'PHONE', authority: 'ALWAYS' },
  });
  expect(answer).toMatchObject({ connection: null, userErrors: [{ code: 'CONNECTION_UNKNOWN' }] });
  const { rows } = await stack.database.pool.query(
    'select 1 from authority_review where connection_id = 999999',
  );
  expect(rows).toEqual([]);
});
