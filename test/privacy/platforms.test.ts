import { expect, test } from 'vitest';
import { startHubSpotSandbox } from '../../sandbox/hubspot/server.ts';
import { hubspot } from '../../src/sync/platforms/hubspot/index.ts';
import type { HubSpotCredentials } from '../../src/sync/platforms/hubspot/settings.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import { customer, MemorySession, order, push } from '../platforms/memory-session.ts';
import { company } from '../platforms/quickbooks-support.ts';

const nobody = {
  firstName: null,
  lastName: null,
  company: null,
  email: null,
  phone: null,
  address: null,
  note: null,
  tags: [],
  erased: true,
};

test('HubSpot forgets the contact for good, and is asked once', async () => {
  await using sandbox = await startHubSpotSandbox({ port: 0, seed: 3, limits: false, searchLagMs: [0, 0] });
  const session = new MemorySession<HubSpotCredentials>({
    accountId: '62515',
    baseUrl: sandbox.url,
    credentials: { accessToken: 'pat-sandbox', clientSecret: 'hubspot-sandbox-secret' },
  });
  await hubspot.prepare(session, { webhookUrl: 'http://127.0.0.1/webhooks/hubspot' });
  await push(hubspot, session, customer({ email: 'ada@example.com' }));
  expect(sandbox.contactByEmail('ada@example.com')).not.toBeNull();
  await push(hubspot, session, customer(nobody));
  expect(sandbox.contactByEmail('ada@example.com')).toBeNull();
  expect(JSON.stringify(sandbox.state().contacts)).not.toContain('ada@example.com');
  expect(await push(hubspot, session, customer(nobody))).toBeNull();
});

test('QuickBooks empties what describes the customer, and leaves the posted receipt as it was made out', async () => {
  await using it = await company();
  await it.prepare();
  const buyer = customer({ email: 'ada@example.com' });
  await push(quickbooks, it.session, order({ customer: buyer }));
  const receiptBefore = JSON.stringify(it.sandbox.list('SalesReceipt'));
  expect(JSON.stringify(it.sandbox.list('Customer'))).toContain('ada@example.com');
  await push(quickbooks, it.session, customer({ ...nobody, id: buyer.id }));
  const customers = JSON.stringify(it.sandbox.list('Customer'));
  expect(customers).not.toContain('ada@example.com');
  expect(customers).toContain(`Erased customer ${buyer.id}`);
  expect(await push(quickbooks, it.session, customer({ ...nobody, id: buyer.id }))).toBeNull();
  const erased = order({ customer: customer({ ...nobody, id: buyer.id }), email: null, erased: true });
  expect(await push(quickbooks, it.session, erased)).toBeNull();
  expect(JSON.stringify(it.sandbox.list('SalesReceipt'))).toBe(receiptBefore);
});
