import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { prepareConnections } from '../../src/app.ts';
import type { Finding } from '../../src/sync/platforms/platform.ts';
import { type Stack, startStack } from '../support/stack.ts';

const cli = fileURLToPath(new URL('../../src/cli/tributary.ts', import.meta.url));

function doctor(
  stack: Stack,
  environment: Record<string, string> = {},
): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH ?? '', ...stack.environment, LOG_LEVEL: 'silent', ...environment };
    execFile(process.execPath, [cli, 'doctor'], { env }, (error, said) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), said }),
    );
  });
}

/** What is not as it should be, by platform. */
async function complaints(stack: Stack): Promise<Record<string, Finding[]>> {
  await prepareConnections(stack.app.context);
  const { connections } = await stack.graphql(
    '{ connections { platform examinedAt findings { subject state message remedy } } }',
  );
  return Object.fromEntries(
    connections.map(({ platform, findings }: { platform: string; findings: Finding[] }) => [
      platform,
      findings.filter((one) => (one.state as string) !== 'GOOD'),
    ]),
  );
}

test('a healthy account has nothing to complain of, and the command says so', async () => {
  await using stack = await startStack({ amazon: {} });
  stack.shopify.placeOrder({
    channel: 'online',
    customer: { email: 'ada@example.com' },
    lines: [{ sku: 'HAT', quantity: 1 }],
  });
  await stack.settled();
  // QuickBooks and HubSpot hear their own echoes; nobody has bought anything at Amazon yet.
  expect(await complaints(stack)).toEqual({
    SHOPIFY: [],
    HUBSPOT: [],
    QUICKBOOKS: [],
    AMAZON: [expect.objectContaining({ subject: 'Webhooks heard', state: 'LIMITED' })],
  });
  const { code, said } = await doctor(stack);
  expect(code).toBe(0);
  expect(said).toContain('✓ Scopes to read: All that are needed.');
  expect(said).toContain('✓ Posting policy: It fits the company.');
  expect(said).toContain('! Webhooks heard: None has come yet');
  expect(said).not.toContain('✗');
});

test('what an account lacks is told with its remedy, and is gone once it is mended', async () => {
  await using stack = await startStack();
  const { shopify, quickbooks, hubspot } = stack;
  shopify.withholdScopes(['read_products', 'write_orders', 'read_returns']);
  quickbooks.configure({ customTxnNumbers: false });
  hubspot.faults.add({
    id: 'forbidden',
    path: '/crm/v3/objects/orders',
    effect: {
      kind: 'status',
      status: 403,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        status: 'error',
        category: 'MISSING_SCOPES',
        message: 'This app hasn’t been granted all required scopes.',
      }),
    },
  });
  const found = await complaints(stack);
  expect(found.SHOPIFY).toEqual(
    expect.arrayContaining([
      {
        subject: 'Scopes to read',
        state: 'BROKEN',
        message: 'The app lacks read_products.',
        remedy: expect.stringContaining('Grant read_products to the app'),
      },
      {
        subject: 'Scope read_returns',
        state: 'LIMITED',
        message: 'Without it nobody tells whether returned goods can be sold.',
        remedy: expect.stringContaining('read_returns'),
      },
      expect.objectContaining({ subject: 'Writing order', state: 'BROKEN' }),
      expect.objectContaining({ subject: 'Writing refund', state: 'BROKEN' }),
    ]),
  );
  expect(found.HUBSPOT).toContainEqual(
    expect.objectContaining({ subject: 'Records of orders', state: 'BROKEN' }),
  );
  expect(found.QUICKBOOKS).toContainEqual(
    expect.objectContaining({ subject: 'Posting policy, docNumberPrefix', state: 'LIMITED' }),
  );
  const { code, said } = await doctor(stack);
  expect(code).toBe(1);
  expect(said).toContain('✗ Scopes to read: The app lacks read_products.');

  shopify.withholdScopes([]);
  hubspot.faults.clear();
  quickbooks.configure({ customTxnNumbers: true });
  const mended = await complaints(stack);
  for (const findings of Object.values(mended))
    expect(findings.filter(({ subject }) => subject !== 'Webhooks heard')).toEqual([]);
});

test('an app that was not approved for customers, webhooks that go elsewhere and a paused account are told', async () => {
  await using stack = await startStack();
  const { connections } = await stack.graphql('{ connections { id platform } }');
  const hubspot = connections.find((one: { platform: string }) => one.platform === 'HUBSPOT');
  await stack.graphql(
    'mutation ($id: ID!) { connectionPause(input: { id: $id, reason: "stocktaking" }) { userErrors { message } } }',
    { id: hubspot.id },
  );
  // Its status tells, not what was found when it was still at work.
  expect((await complaints(stack)).HUBSPOT).not.toContainEqual(
    expect.objectContaining({ subject: 'Connection' }),
  );
  stack.shopify.setProtectedDataApproved(false);
  const { code, said } = await doctor(stack, { PUBLIC_URL: 'https://shop.example' });
  expect(code).toBe(1);
  expect(said).toContain('! Connection: It is paused: stocktaking');
  expect(said).toContain('✗ Customer data: Shopify denies access: This app is not approved');
  expect(said).toMatch(
    /✗ Webhooks: (\d+) of \1 topics do not come to https:\/\/shop\.example\/webhooks\/shopify: APP_UNINSTALLED/,
  );
  // It looks and changes nothing.
  expect([...stack.shopify.shop.subscriptions.values()].every(({ uri }) => uri.startsWith(stack.url))).toBe(
    true,
  );
});
