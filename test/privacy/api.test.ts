import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';
import { encodeGlobalId } from '../../src/schema/global-id.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { withoutSecrets } from '../../src/sync/retry.ts';
import { insertConnection, insertCustomer, insertIdentity, insertOrder } from '../support/fixtures.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';

let api: TestApi;
let connection: bigint;

beforeAll(async () => {
  api = await startTestApi({
    platforms,
    apiKeys: [
      { name: 'admin', key: 'tb_test_admin_0123456789abcdef', scopes: ['admin'] },
      { name: 'reader', key: 'tb_test_reader_0123456789abcde', scopes: ['read:customers', 'read:orders'] },
    ],
  });
  connection = await insertConnection(api.database.pool);
});
afterAll(() => api[Symbol.asyncDispose]());

async function person(name: string): Promise<string> {
  const db = api.database.pool;
  const id = await insertCustomer(db, { first_name: name, email: `${name.toLowerCase()}@example.com` });
  await insertIdentity(db, { customer_id: id, connection_id: connection });
  await insertOrder(db, {
    connection_id: connection,
    customer_id: id,
    note: `For ${name}`,
    total_minor: 2000,
  });
  return encodeGlobalId('Customer', id.toString());
}

test('a person is exported and erased through the API, once, by admins only', async () => {
  const id = await person('Grace');
  const exported = await api.ask('query ($id: ID!) { customerExport(customerId: $id) }', { id });
  expect(exported.errors).toBeUndefined();
  expect(exported.data.customerExport.data.customer).toEqual([
    expect.objectContaining({ first_name: 'Grace', email: 'grace@example.com' }),
  ]);
  expect(exported.data.customerExport.data.sales_order).toEqual([
    expect.objectContaining({ note: 'For Grace' }),
  ]);

  const erase = `mutation ($id: ID!) { customerErase(input: { id: $id }) {
    customer { displayName email erasedAt orders { nodes { note erasedAt total { amount } } } } userErrors { message } } }`;
  for (const query of [erase, 'query ($id: ID!) { customerExport(customerId: $id) }']) {
    const refused = await api.ask(query, { id }, { key: 'tb_test_reader_0123456789abcde' });
    expect(refused.errors?.[0].extensions.code).toBe('FORBIDDEN');
  }
  const { data, errors } = await api.ask(erase, { id });
  expect(errors).toBeUndefined();
  expect(data.customerErase).toEqual({
    customer: {
      displayName: 'Unnamed',
      email: null,
      erasedAt: expect.any(String),
      orders: { nodes: [{ note: null, erasedAt: expect.any(String), total: { amount: '20.00' } }] },
    },
    userErrors: [],
  });
  const requests = await api.ask(
    '{ privacyRequests(open: false) { totalCount nodes { kind requestedBy completedBy counts customer { id } } } }',
  );
  expect(requests.data.privacyRequests).toEqual({
    totalCount: 1,
    nodes: [
      {
        kind: 'ERASE_PERSON',
        requestedBy: 'key:admin',
        completedBy: 'key:admin',
        counts: expect.objectContaining({ customer: 1, sales_order: 1 }),
        customer: { id },
      },
    ],
  });
});

test('a request to know is open until somebody notes that it was answered', async () => {
  const { rows } = await api.database.pool.query<{ id: bigint }>(
    `insert into privacy_request (kind, connection_id, requested_by, reference, due_at)
     values ('export', $1, 'shopify', '9999', now() + interval '30 days') returning id`,
    [connection],
  );
  const id = encodeGlobalId('PrivacyRequest', String(rows[0]?.id));
  const complete = `mutation ($id: ID!) { privacyRequestComplete(input: { id: $id }) {
    privacyRequest { kind completedBy } userErrors { message } } }`;
  const open = '{ privacyRequests(open: true) { totalCount } }';
  expect((await api.ask(open)).data.privacyRequests.totalCount).toBe(1);
  expect((await api.ask(complete, { id })).data.privacyRequestComplete).toEqual({
    privacyRequest: { kind: 'EXPORT', completedBy: 'key:admin' },
    userErrors: [],
  });
  expect((await api.ask(open)).data.privacyRequests.totalCount).toBe(0);
});

test('wishes of notes are listed and decided through the API', async () => {
  const db = api.database.pool;
  const orderId = await insertOrder(db, {
    connection_id: connection,
    note: 'Leave it at 5 Elm Road. No swaps.',
  });
  await db.query(
    `insert into fulfilment_rule (order_id, kind, value, quote, confidence, status, reason, reader)
     values ($1, 'leave_at', '5 Elm Road', 'Leave it at 5 Elm Road', 0.9, 'proposed', 'It is not one of the usual places.', 'parser'),
       ($1, 'substitution', 'no', 'No swaps', 0.9, 'proposed', 'It changes what is sent.', 'parser')`,
    [orderId],
  );
  const list = `{ fulfilmentRules(filter: { statuses: [PROPOSED] }) { totalCount nodes { id kind value quote reason order { note } } } }`;
  const listed = (await api.ask(list)).data.fulfilmentRules;
  expect(listed.totalCount).toBe(2);
  const [place, swap] = listed.nodes;
  expect(place).toMatchObject({
    kind: 'LEAVE_AT',
    value: '5 Elm Road',
    order: { note: 'Leave it at 5 Elm Road. No swaps.' },
  });
  const decide = (verb: string, id: string) =>
    api.ask(
      `mutation ($id: ID!) { fulfilmentRule${verb}(input: { id: $id }) {
         fulfilmentRule { status decidedBy reason } order { tags fulfilmentRules { kind status } } userErrors { message } cursor } }`,
      { id },
    );
  expect((await decide('Approve', place.id)).data.fulfilmentRuleApprove).toEqual({
    fulfilmentRule: { status: 'APPROVED', decidedBy: 'key:admin', reason: null },
    order: {
      tags: ['note:leave-at'],
      fulfilmentRules: [
        { kind: 'LEAVE_AT', status: 'APPROVED' },
        { kind: 'SUBSTITUTION', status: 'PROPOSED' },
      ],
    },
    userErrors: [],
    cursor: expect.any(String),
  });
  expect((await decide('Reject', swap.id)).data.fulfilmentRuleReject.fulfilmentRule.status).toBe('REJECTED');
  expect((await decide('Reject', place.id)).data.fulfilmentRuleReject.order.tags).toEqual([]);
  expect((await api.ask(list)).data.fulfilmentRules.totalCount).toBe(0);
  const missing = await decide('Approve', encodeGlobalId('FulfilmentRule', '999999'));
  expect(missing.data.fulfilmentRuleApprove.userErrors).toEqual([
    {
      message: `id: there is no fulfilment rule with the id "${encodeGlobalId('FulfilmentRule', 999_999)}". Pass one that a query has given.`,
    },
  ]);
});

test('no address of a person reaches the log or a stored failure, whichever error brings it', () => {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  const error = Object.assign(new Error('duplicate key: ada.byron+x@mail.example.co.uk'), {
    detail: 'Key (email)=(ada.byron+x@mail.example.co.uk) already exists.',
  });
  log.warn(
    { err: error, note: { to: 'ada.byron+x@mail.example.co.uk' } },
    'Refused for ada.byron+x@mail.example.co.uk',
  );
  expect(lines.join('')).not.toContain('byron');
  expect(lines.join('')).toContain('[e-mail]');
  expect(withoutSecrets('No such address: ada@example.com')).toBe('No such address: [e-mail]');
  expect(withoutSecrets('phone: +1 (602) 555-0133 is no number; order 9100000000000001')).toBe(
    'phone: [phone] is no number; order 9100000000000001',
  );
});
