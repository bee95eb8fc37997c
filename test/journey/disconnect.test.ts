import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { connectAccounts } from '../../src/accounts.ts';
import { readConfig } from '../../src/config.ts';
import { type Answer, type Stack, secrets, shop, startStack, until } from '../support/stack.ts';
import { crmOrders, deadLetters, orderInGraph, receiptsOf } from './observe.ts';

async function connectionAt(stack: Stack, platform: string): Promise<Answer> {
  const { connections } = await stack.graphql(
    '{ connections { id platform status statusReason writeCapabilities } }',
  );
  return connections.find((one: Answer) => one.platform === platform);
}

async function disconnect(stack: Stack, id: string, reason: string): Promise<Answer> {
  const { connectionDisconnect } = await stack.graphql(
    `mutation ($id: ID!, $reason: String!) { connectionDisconnect(input: { id: $id, reason: $reason, wait: true }) {
       connection { status statusReason writeCapabilities } plannedCount waitingDeliveryCount
       webhooks { removedCount message remedy } pushCount settled cursor userErrors { code field message } } }`,
    { id, reason },
  );
  return connectionDisconnect;
}

/** Calls that HubSpot has counted. */
const written = (stack: Stack) => stack.hubspot.state().requestsToday;

const sold = (stack: Stack, email: string) =>
  stack.shopify.placeOrder({
    channel: 'pos',
    customer: { email, firstName: 'Faithful' },
    lines: [{ sku: 'HAT', quantity: 1 }],
  });

test('HubSpot is disconnected and connected again: others go on, nothing is written meanwhile, nothing is lost and nothing goes by itself', async () => {
  await using stack = await startStack();
  const before = sold(stack, 'before@example.com');
  await stack.settled();
  expect(crmOrders(stack, before.id)).toHaveLength(1);

  const { id } = await connectionAt(stack, 'HUBSPOT');
  expect(await disconnect(stack, id, '')).toMatchObject({
    connection: null,
    userErrors: [{ code: 'INVALID_INPUT', field: ['input', 'reason'] }],
  });
  expect(await disconnect(stack, id, 'We moved to another CRM.')).toMatchObject({
    connection: {
      status: 'DISCONNECTED',
      statusReason: 'We moved to another CRM.',
      writeCapabilities: [],
    },
    plannedCount: 0,
    waitingDeliveryCount: 0,
    webhooks: { removedCount: 0, remedy: expect.stringContaining('404') },
    settled: true,
    userErrors: [],
  });
  const atHubSpot = written(stack);
  const meanwhile = sold(stack, 'meanwhile@example.com');
  await stack.settled();
  expect(receiptsOf(stack, meanwhile.name)).toHaveLength(1);
  expect(crmOrders(stack, meanwhile.id)).toEqual([]);
  expect(written(stack)).toBe(atHubSpot);
  const { syncStatus, pushes } = await stack.graphql(
    `{ syncStatus { connections { connection { platform } planned waiting retrying work { status reason remedy } } }
       pushes(filter: { platform: HUBSPOT, statuses: [PLAN] }) { totalCount } }`,
  );
  expect(pushes.totalCount).toBeGreaterThan(0);
  const status = syncStatus.connections.find((one: Answer) => one.connection.platform === 'HUBSPOT');
  expect(status).toMatchObject({ planned: pushes.totalCount, waiting: 0, retrying: 0 });
  for (const { reason, remedy } of status.work) {
    expect(reason).toMatch(/is disconnected: We moved to another CRM\./);
    expect(remedy).toContain('npx tributary connection connect');
  }

  // Nothing but a person connects it again: no start, though the credentials still stand in the environment.
  const { context } = stack.app;
  const { connections } = readConfig(stack.environment);
  expect(await connectAccounts(context, connections)).toEqual([]);
  await stack.sweep();
  expect(await connectionAt(stack, 'HUBSPOT')).toMatchObject({ status: 'DISCONNECTED' });
  expect(stack.log.join('')).toContain('This account is disconnected and stays so');
  expect(await connectAccounts(context, connections, { again: true })).toHaveLength(1);
  expect(await connectionAt(stack, 'HUBSPOT')).toEqual({
    id,
    platform: 'HUBSPOT',
    status: 'ACTIVE',
    statusReason: null,
    writeCapabilities: [],
  });
  await stack.settled();
  expect(crmOrders(stack, meanwhile.id)).toEqual([]);

  await stack.graphql(
    'mutation ($id: ID!) { connectionWriteUnlock(input: { id: $id, capabilities: ["*"], wait: true }) { settled } }',
    { id },
  );
  await stack.settled();
  expect(crmOrders(stack, meanwhile.id)).toHaveLength(1);
  expect(crmOrders(stack, before.id)).toHaveLength(1);
  expect(await deadLetters(stack)).toEqual([]);
  for (const secret of secrets) expect(stack.log.join('')).not.toContain(secret);
});

test('the shop is disconnected: its subscriptions end, what it still sends is refused, its history stays', async () => {
  await using stack = await startStack();
  const order = sold(stack, 'history@example.com');
  await stack.settled();
  const subscriptions = stack.shopify.state().subscriptions.length;
  expect(subscriptions).toBeGreaterThan(20);

  const { id } = await connectionAt(stack, 'SHOPIFY');
  expect(await disconnect(stack, id, 'The shop is sold.')).toMatchObject({
    connection: { status: 'DISCONNECTED' },
    webhooks: {
      removedCount: subscriptions,
      message: `${subscriptions} subscriptions were removed at shopify.`,
      remedy: null,
    },
    userErrors: [],
  });
  expect(stack.shopify.state().subscriptions.length).toBe(0);
  const { rows } = await stack.database.pool.query(
    `select length(credentials) as bytes from connection where platform = 'shopify'`,
  );
  expect(rows).toEqual([{ bytes: 0 }]);
  expect(await orderInGraph(stack, order.name)).not.toBeNull();

  const body = JSON.stringify({ id: 1 });
  const late = async () => {
    const answer = await fetch(`${stack.url}/webhooks/shopify`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-shopify-topic': 'orders/create',
        'x-shopify-shop-domain': shop,
        'x-shopify-webhook-id': 'late',
        'x-shopify-hmac-sha256': createHmac('sha256', 'not the secret').update(body).digest('base64'),
      },
      body,
    });
    return answer.status;
  };
  // The door knows keys for a few seconds; a signature that does not fit makes it look again.
  await until('the door knows no such account', late, (status) => {
    expect([401, 404]).toContain(status);
    return status === 404;
  });

  // Connected again it subscribes anew and reads what was missed.
  const missed = sold(stack, 'missed@example.com');
  const { connections } = readConfig(stack.environment);
  expect(await connectAccounts(stack.app.context, connections, { again: true })).toEqual([shop]);
  await stack.sweep();
  await stack.settled();
  expect(await orderInGraph(stack, missed.name)).not.toBeNull();
});
