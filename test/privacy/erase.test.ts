import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { customerWithEmail, exportPerson } from '../../src/sync/privacy/export.ts';
import { impersonal, otherPlaces, places } from '../../src/sync/privacy/places.ts';
import {
  at,
  now,
  openShop,
  orderChange,
  orderLine,
  read,
  refundOf,
  type Shop,
  settle,
  told,
} from '../write-path/support.ts';
import { traces } from './traces.ts';

// One person, marked wherever a person can leave a trace. Afterwards every column of every table is looked through.

const mark = 'zzmark';
const address = {
  firstName: `${mark}-first`,
  lastName: `${mark}-last`,
  company: `${mark}-company`,
  address1: `${mark}-street 1`,
  address2: null,
  city: `${mark}-city`,
  province: null,
  zip: `${mark}-zip`,
  countryCode: 'DE',
  phone: `${mark}-phone`,
};
const email = `${mark}@example.com`;

let shop: Shop;
let ada: bigint;
let eve: bigint;

function markedOrder(remoteId: string, second: number): Extract<PlatformChange, { kind: 'order' }> {
  const change = orderChange(remoteId, second, {
    customer: {
      remoteId: '77',
      firstName: `${mark}-first`,
      lastName: `${mark}-last`,
      email,
      phone: `${mark}-phone`,
    },
    number: `#${remoteId}`,
    email,
    phone: `${mark}-phone`,
    billingAddress: address,
    shippingAddress: address,
    note: `Fragile! Leave it at ${mark} road 5.`,
    tags: [`${mark}-tag`],
    attributes: [{ name: 'for', value: mark }],
    lines: [orderLine({ remoteId: 'line-1', properties: [{ name: 'engraving', value: mark }] })],
    refunds: [refundOf({ remoteId: 'refund-1', note: `${mark} did not fit` })],
    fulfilments: [
      {
        remoteId: 'f-1',
        status: 'success',
        trackingCompany: 'Post',
        trackingNumbers: [`${mark}-123`],
        trackingUrls: [`https://post.example/${mark}`],
        locationRemoteId: null,
        createdAt: at(1),
        updatedAt: at(second),
        lines: [],
      },
    ],
  });
  const { note, tags } = change.order;
  return { ...change, observed: { note, tags } };
}

const markedCustomer = (second: number): PlatformChange => ({
  kind: 'customer',
  remoteId: '77',
  version: told(second),
  customer: {
    firstName: `${mark}-first`,
    lastName: `${mark}-last`,
    company: `${mark}-company`,
    email,
    phone: `${mark}-phone`,
    address,
    note: `${mark}-note`,
    tags: [`${mark}-vip`],
  },
  observed: { email, note: `${mark}-note` },
});

const redact: PlatformChange = {
  kind: 'personErase',
  remoteId: '77',
  email,
  orderRemoteIds: ['5001', '5999'],
  version: told(500),
};

async function deliver(externalId: string, subject: string, status: string, body = `{"email":"${email}"}`) {
  await shop.rows(
    `insert into delivery (connection_id, external_id, topic, subject, body, status, outcome, settled_at, error)
     values ($1, $2, 'orders/updated', $3, $4, $5::delivery_status, case when $5 = 'settled' then 'applied'::delivery_outcome end,
       case when $5 = 'settled' then clock_timestamp() end, 'Refused: ' || $6)`,
    [shop.connections.shopify, externalId, subject, Buffer.from(body), status, email],
  );
}

async function placeTraces(): Promise<void> {
  const { rows } = shop;
  await shop.tell('shopify', markedCustomer(1));
  await shop.tell('shopify', markedOrder('5001', 2));
  const [customer] = await rows<{ id: bigint }>('select id from customer where email = $1', [email]);
  ada = customer?.id ?? 0n;
  const [order] = await rows<{ id: bigint }>(`select id from sales_order where remote_id = '5001'`);
  const orderId = order?.id ?? 0n;
  await shop.edit({
    kind: 'orderNoteRead',
    orderId,
    hash:
      (await rows<{ hash: string }>('select hash from note_reading where order_id = $1', [orderId]))[0]
        ?.hash ?? '',
    reader: 'parser',
    fallbackReason: null,
    rules: [
      { kind: 'leave_at', value: `${mark} road 5`, quote: `Leave it at ${mark} road 5`, confidence: 1 },
      { kind: 'fragile', value: null, quote: 'Fragile', confidence: 1 },
    ],
  });
  await rows(
    `insert into note_understanding (hash, rules, note_hash) values ('h', $1, (select hash from note_reading where order_id = $2))`,
    [JSON.stringify([{ kind: 'leave_at', quote: mark }]), orderId],
  );
  await rows(
    `with f as (insert into custom_field (owner, key, name, type, source)
       values ('Customer', 'a', 'A', 'text', '{"kind":"tag","prefix":"a:"}'), ('Order', 'b', 'B', 'text', '{"kind":"tag","prefix":"b:"}')
       returning id, owner),
     told as (insert into source_statement (connection_id, kind, remote_id, source_updated_at, hash, told)
       select connection_id, 'metafields', 'Order:' || remote_id, now(), 'h', jsonb_build_object('custom.a', $3::text)
       from sales_order where id = $2)
     insert into custom_field_value (field_id, entity_id, value, source, told_at, source_value, crm_value)
     select id, case owner when 'Customer' then $1::bigint else $2::bigint end, $3::text, 'shopify', now(), $3::text, $3::text from f`,
    [ada, orderId, mark],
  );
  await rows(
    `with twin as (insert into customer (first_name, merged_into_id) values ($1, $2) returning id)
     insert into customer_merge (survivor_id, absorbed_id, decided_by, evidence, before)
     select $2, id, 'automatic', $3, $3 from twin`,
    [mark, ada, JSON.stringify({ email })],
  );
  await rows(
    `insert into merge_candidate (customer_a_id, customer_b_id, bits, probability, evidence) values ($1, $2, 1, 0.5, $3)`,
    [eve, ada, JSON.stringify({ same: email })],
  );
  // What HubSpot and QuickBooks hold: their pushes are done, links and receipts tell of it.
  const pushes = await rows<{ id: bigint; kind: string; subject_type: string; connection_id: bigint }>(
    `select id, kind, subject_type, connection_id from push where status = 'pending'
       and (subject_type = 'Customer' and subject_id = $1 or subject_type = 'Order' and subject_id = $2)`,
    [ada, orderId],
  );
  for (const { id, kind, connection_id } of pushes) {
    if (kind === 'contact')
      await settle(shop, id, { type: 'contact', remoteId: '301', state: { email, firstname: mark } });
    if (kind === 'salesReceipt')
      await settle(shop, id, {
        type: 'SalesReceipt',
        remoteId: '9',
        state: { total: '10.00', mark: 'tb 1', CustomerMemo: mark },
      });
    if (kind === 'order' && connection_id === shop.connections.hubspot)
      await settle(shop, id, {
        type: 'order',
        remoteId: '401',
        state: { hs_order_note: mark, hs_shipping_address_city: mark, tributary_order_id: 'shopify:5001' },
      });
    if (kind === 'order' && connection_id === shop.connections.shopify)
      await settle(shop, id, {
        type: 'order',
        remoteId: '5001',
        state: { note: mark, tags: [mark], fulfilmentRules: [{ kind: 'fragile', value: null, quote: mark }] },
      });
    await rows(`insert into receipt (push_id, attempt, detail, duration_ms) values ($1, 1, $2, 5)`, [
      id,
      JSON.stringify({ displayName: mark }),
    ]);
  }
  await rows(
    `insert into link (connection_id, entity_type, entity_id, remote_type, remote_id, remote_state)
     values ($1, 'Customer', $2, 'Customer', '44', $3)`,
    [shop.connections.quickbooks, ada, JSON.stringify({ firstName: mark, email })],
  );
  await rows(`update push set error = $1, remedy = $1::text where id = any($2)`, [
    `No such address: ${email}`,
    pushes.map((push) => push.id),
  ]);
  // Whoever closes a dead letter may name the person.
  await rows(
    `update push set status = 'dismissed', settled_at = null, dismissed_at = now(), dismissed_by = 'key:office', dismissed_reason = $1
     where id = (select max(id) from push where subject_type = 'Customer' and subject_id = $2)`,
    [`${mark} was told on the phone`, ada],
  );
  for (const [index, status] of ['settled', 'dead', 'pending', 'dead'].entries()) {
    await deliver(`o${index}`, 'order:5001', status);
    await deliver(`c${index}`, 'customer:77', status);
  }
  await rows(
    `update delivery set status = 'dismissed', dismissed_at = now(), dismissed_by = 'key:office', dismissed_reason = $1
     where external_id in ('o3', 'c3')`,
    [`${mark} was told on the phone`],
  );
  await transaction(shop.pool, (tx) =>
    tx.query(
      `select append_events(jsonb_build_array(
         jsonb_build_object('type', 'customer.updated', 'subjectType', 'Customer', 'subjectId', $1::text, 'source', 'shopify',
           'payload', jsonb_build_object('before', $2::text, 'changedFields', jsonb_build_array('email')))))`,
      [ada.toString(), email],
    ),
  );
}

beforeAll(async () => {
  shop = await openShop({ platforms });
  await shop.tell(
    'shopify',
    orderChange('6001', 1, {
      customer: {
        remoteId: '88',
        firstName: 'Eve',
        lastName: 'Stays',
        email: 'eve@example.com',
        phone: null,
      },
      note: 'Fragile',
    }),
  );
  eve =
    (await shop.rows<{ id: bigint }>(`select id from customer where email = 'eve@example.com'`))[0]?.id ?? 0n;
  await placeTraces();
});
afterAll(() => shop[Symbol.asyncDispose]());

test('every table of the database is known to hold people, or not to', async () => {
  const rows = await shop.rows<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> '_prisma_migrations'`,
  );
  const classified = [...places.map(({ table }) => table), ...otherPlaces, ...impersonal];
  // A new table belongs into src/sync/privacy/places.ts: with what erasing leaves of it, or among the impersonal ones.
  expect(rows.map(({ name }) => name).filter((name) => !classified.includes(name))).toEqual([]);
  expect(classified.filter((name) => !rows.some((row) => row.name === name))).toEqual([]);
});

test('a person is everywhere before', async () => {
  expect((await traces(shop, mark)).length).toBeGreaterThan(35);
});

test('everything known about a person can be handed to them', async () => {
  const id = await customerWithEmail(shop.pool, email.toUpperCase());
  expect(id).toBe(ada);
  const data = await exportPerson(shop.pool, ada, now);
  const text = JSON.stringify(data, (_key, value) => (typeof value === 'bigint' ? value.toString() : value));
  for (const part of ['first', 'last', 'street 1', 'phone', 'note', 'vip', 'tag', '123'])
    expect(text).toContain(`${mark}-${part}`);
  expect(text).toContain(`${mark} did not fit`);
  expect(text).not.toContain('eve@example.com');
  // Whatever table the person stands in is in their hands, but for what compares them with somebody else.
  const found = new Set((await traces(shop, mark)).map((place) => place.split('.')[0] as string));
  expect([...found].filter((table) => data?.data[table] === undefined)).toEqual(['merge_candidate']);
  expect(Object.keys(data?.data ?? {})).toEqual(
    expect.arrayContaining([
      'customer',
      'sales_order',
      'refund',
      'fulfilment_rule',
      'push',
      'delivery',
      'event',
    ]),
  );
});

test('a request to erase leaves no trace of the person in any column of any table', async () => {
  const [before] = await shop.rows(
    'select total_minor, number, currency, paid_minor from sales_order where remote_id = $1',
    ['5001'],
  );
  const eveBefore = await exportPerson(shop.pool, eve, now);
  await shop.rows(
    `update delivery set status = 'settled', outcome = 'applied', settled_at = now() where status = 'pending'`,
  );
  const { outcome } = await shop.tell('shopify', redact);
  expect(outcome).toBe('applied');
  expect(await traces(shop, mark)).toEqual([]);
  const [after] = await shop.rows(
    'select total_minor, number, currency, paid_minor from sales_order where remote_id = $1',
    ['5001'],
  );
  expect(after).toEqual(before);
  expect(await exportPerson(shop.pool, eve, now)).toEqual(eveBefore);
});

test('the request is on record, without anything personal', async () => {
  const requests = await shop.rows<{ counts: Record<string, number> }>(
    `select kind, requested_by, reference, customer_id = $1 as known, due_at - requested_at as time, completed_by, counts from privacy_request`,
    [ada],
  );
  expect(requests).toEqual([
    {
      kind: 'erase_person',
      requested_by: 'shopify',
      reference: '77',
      known: true,
      time: expect.objectContaining({ days: 30 }),
      completed_by: 'tributary',
      counts: expect.objectContaining({ customer: 2, sales_order: 1, customer_identity: 1, delivery: 8 }),
    },
  ]);
});

test('HubSpot is owed the erasure of the contact, QuickBooks that of the customer, and no posted receipt is touched', async () => {
  const pushes = await shop.rows<{ platform: string; kind: string; body: Record<string, unknown> }>(
    `select c.platform, p.kind, p.body from push p join connection c on c.id = p.connection_id
     where p.status = 'pending' and not (p.subject_type = 'Customer' and p.subject_id = $1)
       and not (p.subject_type = 'Order' and p.subject_id in (select id from sales_order where customer_id = $1))
     order by c.platform, p.kind`,
    [eve],
  );
  expect(pushes.map(({ platform, kind }) => `${platform} ${kind}`)).toEqual([
    'shopify order',
    'hubspot contactErase',
    'hubspot order',
    'quickbooks customerErase',
  ]);
  const [ours, contact, crmOrder, books] = pushes.map((push) => push.body);
  expect(contact).toEqual({ contactId: '301' });
  expect(books).toEqual({ displayName: `Erased customer ${ada}` });
  // Shopify is asked to take back what we wrote there, and nothing of its own.
  expect(ours).toEqual({ orderId: '5001', number: '#5001', fields: { fulfilmentRules: [] } });
  expect(crmOrder?.changed).toEqual(expect.arrayContaining(['hs_order_note', 'hs_shipping_address_city']));
  expect(crmOrder?.properties).toMatchObject({ hs_order_note: null, hs_shipping_address_city: null });
});

test('what comes again of the person, from an old delivery, a sweep or another platform, is not taken in', async () => {
  // The same payload, a newer one, a fresh read; an order of theirs that was never heard of; their contact.
  await shop.tell('shopify', markedOrder('5001', 2));
  await shop.tell('shopify', markedOrder('5001', 600));
  await shop.tell('shopify', { ...markedOrder('5001', 601), version: read(601, 700) });
  await shop.tell('shopify', markedOrder('5999', 3));
  await shop.tell('shopify', markedOrder('5002', 4));
  await shop.tell('shopify', markedCustomer(800));
  await shop.tell('shopify', {
    kind: 'refund',
    orderRemoteId: '5001',
    version: told(900),
    refund: refundOf({ remoteId: 'refund-2', note: mark }),
  });
  await shop.tell('hubspot', {
    kind: 'customer',
    remoteId: '301',
    version: told(900),
    customer: { firstName: mark, lastName: null, email, phone: null },
    observed: { email },
  });
  await shop.tell('quickbooks', {
    kind: 'documentObserved',
    remoteType: 'SalesReceipt',
    remoteId: '9',
    remoteVersion: '3',
    state: { CustomerMemo: mark, total: '10.00' },
    version: told(900),
  });
  expect(await traces(shop, mark)).toEqual([]);
  expect(
    await shop.rows(
      'select remote_id, customer_id = $1 as theirs, erased_at is not null as erased from sales_order where customer_id = $1 order by remote_id',
      [ada],
    ),
  ).toEqual(['5001', '5002', '5999'].map((remote_id) => ({ remote_id, theirs: true, erased: true })));
});

test('a delivery about the person is emptied as soon as it is done with, however it ends', async () => {
  await deliver('late', 'order:5001', 'pending');
  await shop.rows(
    `update delivery set status = 'settled', outcome = 'unchanged', settled_at = now(), error = null where external_id = 'late'`,
  );
  expect(await traces(shop, mark)).toEqual([]);
  await deliver('other', 'order:6001', 'pending', '{"email":"eve@example.com"}');
  await shop.rows(
    `update delivery set status = 'settled', outcome = 'unchanged', settled_at = now() where external_id = 'other'`,
  );
  expect(await shop.rows(`select length(body) as length from delivery where external_id = 'other'`)).toEqual([
    { length: 27 },
  ]);
  await shop.rows(`delete from delivery where external_id = 'other'`);
});

test('asking again is the same request and harmless', async () => {
  await shop.tell('shopify', redact);
  expect(await shop.rows('select count(*)::int as many from privacy_request')).toEqual([{ many: 1 }]);
  expect(await traces(shop, mark)).toEqual([]);
});

test('whoever comes back anew, under the same address, is a new person', async () => {
  const later = new Date(now.getTime() + 60_000);
  await shop.tell('shopify', {
    ...orderChange('7001', 1, {
      customer: { remoteId: '99', firstName: 'New', lastName: 'Person', email, phone: null },
      email,
      placedAt: later,
    }),
    version: { sourceUpdatedAt: later, observedAt: null },
  });
  const [order] = await shop.rows<{ customer_id: bigint }>(
    `select customer_id from sales_order where remote_id = '7001' and erased_at is null`,
  );
  expect(order?.customer_id).not.toBe(ada);
  await shop.edit({
    kind: 'customerErase',
    customerId: order?.customer_id ?? 0n,
    orderIds: [],
    by: 'anna',
    requestId: null,
    atPlatforms: true,
  });
  expect(await traces(shop, mark)).toEqual([]);
});

test('a guest is erased too, and stays the same nobody when their order is told again', async () => {
  const guest = { customer: null, email: `guest-${mark}@example.com`, shippingAddress: address };
  await shop.tell('shopify', orderChange('8001', 1, guest));
  const [order] = await shop.rows<{ id: bigint }>(
    `select customer_id as id from sales_order where remote_id = '8001'`,
  );
  await shop.edit({
    kind: 'customerErase',
    customerId: order?.id ?? 0n,
    orderIds: [],
    by: 'anna',
    requestId: null,
    atPlatforms: true,
  });
  await shop.tell('shopify', orderChange('8001', 50, { ...guest, financialStatus: 'refunded' }));
  expect(await traces(shop, mark)).toEqual([]);
  expect(
    await shop.rows(`select customer_id as id, financial_status from sales_order where remote_id = '8001'`),
  ).toEqual([{ id: order?.id, financial_status: 'refunded' }]);
});

test('an event is history: only an erasure on record may empty its payload, and nothing else of it', async () => {
  const [request] = await shop.rows<{ id: bigint }>('select id from privacy_request limit 1');
  const change = (set: string, requestId: string) =>
    transaction(shop.pool, async (tx) => {
      await tx.query(`select set_config('tributary.erasure', $1, true)`, [requestId]);
      await tx.query(`update event set ${set} where position = 1`);
    });
  await expect(change(`payload = '{}'`, '')).rejects.toThrow('event rows are never changed');
  await expect(change(`payload = '{}'`, '424242')).rejects.toThrow('event rows are never changed');
  await expect(change(`type = 'order.created'`, String(request?.id))).rejects.toThrow(
    'event rows are never changed',
  );
});
