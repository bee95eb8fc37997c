import { expect, test } from 'vitest';
import { plan } from '../../src/sync/platforms/hubspot/plan.ts';
import { customer } from './memory-session.ts';

const context = { connectionId: 4n, settings: {}, link: null, isOrigin: false };
const linkOf = (state: Record<string, unknown>) => ({
  ...context,
  link: { remoteType: 'contact', remoteId: '77', remoteVersion: null, state },
});

test('of two customers with one mailbox the contact that has the address keeps it, the other one goes by our id', () => {
  const second = plan({ ...customer(), email: 'info@acme.example', isEmailShared: true }, context);
  expect(second).toMatchObject([
    {
      kind: 'contact',
      body: {
        key: { property: 'tributary_customer_id' },
        properties: expect.not.objectContaining({ email: 'info@acme.example' }),
      },
    },
  ]);
  const first = plan(
    { ...customer(), email: 'info@acme.example', isEmailShared: true },
    linkOf({ email: 'info@acme.example' }),
  );
  expect(first).toMatchObject([
    { kind: 'contact', body: { key: { property: 'email', value: 'info@acme.example' } } },
  ]);
});

test('contacts are merged where a person approved it for this account, and nowhere else', () => {
  const approvedMerges = [
    { connectionId: '4', remoteType: 'contact', remoteId: '78' },
    { connectionId: '5', remoteType: 'contact', remoteId: '79' },
  ];
  const kinds = (snapshot: Partial<ReturnType<typeof customer>>) =>
    plan({ ...customer(), ...snapshot }, linkOf({})).filter((one) => one.kind === 'contactMerge');
  expect(kinds({})).toEqual([]);
  expect(kinds({ approvedMerges })).toMatchObject([{ body: { primaryId: '77', contactIds: ['78'] } }]);
  expect(plan({ ...customer(), approvedMerges }, context).map((one) => one.kind)).toEqual(['contact']);
});
