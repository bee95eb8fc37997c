import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssociationSpecAssociationCategoryEnum } from '@hubspot/api-client/lib/codegen/crm/objects/index.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Crm } from '../../sandbox/hubspot/crm.ts';
import { HubSpotError } from '../../sandbox/hubspot/errors.ts';
import { seededRandom } from '../../sandbox/kit/random.ts';
import { client, hubspot, refusal } from './hubspot-support.ts';

const hubspotDefined = AssociationSpecAssociationCategoryEnum.HubspotDefined;

describe('contacts', () => {
  it('are created, read by id and by e-mail, updated, archived and listed', async () => {
    await using sandbox = await hubspot({ now: () => Date.parse('2026-11-23T10:00:00.000Z') });
    const { contacts } = client(sandbox).crm;
    const created = await contacts.basicApi.create({
      properties: { email: ' Ada@Example.com ', firstname: 'Ada', phone: '+31612345678' },
    });
    expect(created.id).toBe('101000000001');
    expect(created.createdAt.toISOString()).toBe('2026-11-23T10:00:00.000Z');
    expect(created.properties).toEqual({
      email: 'ada@example.com',
      firstname: 'Ada',
      phone: '+31612345678',
      createdate: '2026-11-23T10:00:00.000Z',
      lastmodifieddate: '2026-11-23T10:00:00.000Z',
      hs_object_id: '101000000001',
      hs_object_source: 'INTEGRATION',
      hs_object_source_id: '1160452',
      hs_object_source_label: 'INTEGRATION',
    });

    const read = await contacts.basicApi.getById(created.id);
    expect(read.properties).toEqual({
      createdate: '2026-11-23T10:00:00.000Z',
      email: 'ada@example.com',
      firstname: 'Ada',
      hs_object_id: '101000000001',
      lastmodifieddate: '2026-11-23T10:00:00.000Z',
      lastname: null,
    });
    const byEmail = await contacts.basicApi.getById(
      'ADA@example.com',
      ['phone', 'city', 'no_such_property'],
      undefined,
      undefined,
      false,
      'email',
    );
    expect(byEmail.properties).toEqual({
      createdate: '2026-11-23T10:00:00.000Z',
      hs_object_id: '101000000001',
      lastmodifieddate: '2026-11-23T10:00:00.000Z',
      phone: '+31612345678',
      city: null,
    });

    const updated = await contacts.basicApi.update(created.id, {
      properties: { lastname: 'Byron', phone: '' },
    });
    expect(updated.properties.lastname).toBe('Byron');
    expect(updated.properties.phone).toBeNull();

    await contacts.basicApi.archive(created.id);
    expect((await refusal(contacts.basicApi.getById(created.id))).code).toBe(404);
    expect((await contacts.basicApi.getPage()).results).toEqual([]);
    const archived = await contacts.basicApi.getPage(10, undefined, undefined, undefined, undefined, true);
    expect(archived.results.map((one) => one.id)).toEqual([created.id]);
    // The address is free again.
    expect((await contacts.basicApi.create({ properties: { email: 'ada@example.com' } })).id).toBe(
      '101000000002',
    );
  });

  it('are paged with an after cursor that the SDK follows to the end', async () => {
    await using sandbox = await hubspot();
    sandbox.seed({ contacts: 23 });
    const first = await client(sandbox).crm.contacts.basicApi.getPage(10);
    expect(first.results).toHaveLength(10);
    expect(first.paging?.next?.after).toBe('101000000011');
    const all = await client(sandbox).crm.contacts.getAll(10);
    expect(new Set(all.map((one) => one.id)).size).toBe(23);
  });

  it('refuse a second record with the same e-mail and name the first in the 409', async () => {
    await using sandbox = await hubspot();
    const { contacts } = client(sandbox).crm;
    const first = await contacts.basicApi.create({ properties: { email: 'ada@example.com' } });
    const second = await contacts.basicApi.create({ properties: { email: 'bob@example.com' } });
    const refused = await refusal(contacts.basicApi.create({ properties: { email: 'ADA@example.com' } }));
    expect(refused.code).toBe(409);
    expect(refused.body).toEqual({
      status: 'error',
      message: `Contact already exists. Existing ID: ${first.id}`,
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      category: 'CONFLICT',
    });
    const moved = await refusal(
      contacts.basicApi.update(second.id, { properties: { email: 'ada@example.com' } }),
    );
    expect(moved.code).toBe(409);
    expect(sandbox.record('contacts', second.id)?.properties.email).toBe('bob@example.com');
  });

  it('only move forward through the lifecycle', async () => {
    await using sandbox = await hubspot();
    const { contacts } = client(sandbox).crm;
    const { id } = await contacts.basicApi.create({
      properties: { email: 'a@b.co', lifecyclestage: 'customer' },
    });
    const after = await contacts.basicApi.update(id, { properties: { lifecyclestage: 'lead' } });
    expect(after.properties.lifecyclestage).toBe('customer');
  });

  it('keep their modification date where an update changes nothing', async () => {
    let at = 1_700_000_000_000;
    await using sandbox = await hubspot({ now: () => at });
    const { contacts } = client(sandbox).crm;
    const { id, updatedAt } = await contacts.basicApi.create({
      properties: { email: 'a@b.co', city: 'Lyon' },
    });
    at += 1000;
    expect((await contacts.basicApi.update(id, { properties: { city: 'Lyon' } })).updatedAt).toEqual(
      updatedAt,
    );
    const changed = await contacts.basicApi.update(id, { properties: { city: 'Leeds' } });
    expect(changed.updatedAt.getTime()).toBe(at);
    expect(changed.properties.lastmodifieddate).toBe(new Date(at).toISOString());
  });

  it('are erased for good by a privacy deletion', async () => {
    await using sandbox = await hubspot();
    const { contacts } = client(sandbox).crm;
    await contacts.basicApi.create({ properties: { email: 'ada@example.com' } });
    const response = await fetch(`${sandbox.url}/crm/v3/objects/contacts/gdpr-delete`, {
      method: 'POST',
      headers: { authorization: 'Bearer pat-sandbox' },
      body: JSON.stringify({ objectId: 'ada@example.com', idProperty: 'email' }),
    });
    expect(response.status).toBe(204);
    expect(sandbox.contactByEmail('ada@example.com')).toBeNull();
    const archived = await contacts.basicApi.getPage(10, undefined, undefined, undefined, undefined, true);
    expect(archived.results).toEqual([]);
  });

  it('tell who changed a property and when, newest first', async () => {
    await using sandbox = await hubspot();
    const { contacts } = client(sandbox).crm;
    const { id } = await contacts.basicApi.create({ properties: { email: 'a@b.co', city: 'Leeds' } });
    sandbox.editContact(id, { city: 'Lyon' });
    const read = await contacts.basicApi.getById(id, undefined, ['city']);
    expect(read.propertiesWithHistory?.city?.map((one) => [one.value, one.sourceType])).toEqual([
      ['Lyon', 'CRM_UI'],
      ['Leeds', 'INTEGRATION'],
    ]);
  });
});

describe('a merge', () => {
  it('makes a third record that both old ids lead to, and cannot be undone', async () => {
    await using sandbox = await hubspot();
    const { contacts, orders, objects } = withOrders(client(sandbox));
    const ada = await contacts.basicApi.create({ properties: { email: 'ada@example.com', city: 'Leeds' } });
    const adele = await contacts.basicApi.create({
      properties: { email: 'adele@example.com', city: 'Lyon', phone: '+33 1' },
    });
    const order = await orders.create({
      properties: { hs_order_name: '#1' },
      associations: [
        { to: { id: adele.id }, types: [{ associationCategory: hubspotDefined, associationTypeId: 507 }] },
      ],
    });
    const survivor = sandbox.mergeContacts(ada.id, adele.id);
    expect(survivor.id).toBe('101000000003');
    expect(survivor.properties).toMatchObject({
      email: 'ada@example.com',
      hs_additional_emails: 'adele@example.com',
      city: 'Leeds',
      phone: '+33 1',
      hs_merged_object_ids: `${ada.id};${adele.id}`,
      hs_object_id: survivor.id,
    });
    for (const old of [ada.id, adele.id]) expect((await contacts.basicApi.getById(old)).id).toBe(survivor.id);
    expect(sandbox.contactByEmail('adele@example.com')?.id).toBe(survivor.id);
    expect(sandbox.associated('orders', order.id, 'contacts')).toEqual([survivor.id]);
    expect(sandbox.associated('contacts', ada.id, 'orders')).toEqual([order.id]);
    // A write to an old id reaches the survivor; an old address still belongs to it.
    await contacts.basicApi.update(adele.id, { properties: { lastname: 'Byron' } });
    expect(sandbox.record('contacts', survivor.id)?.properties.lastname).toBe('Byron');
    const refused = await refusal(contacts.basicApi.create({ properties: { email: 'adele@example.com' } }));
    expect(refused.body.message).toBe(`Contact already exists. Existing ID: ${survivor.id}`);
    const read = await objects.batchApi.read('contacts', {
      inputs: [{ id: ada.id }, { id: adele.id }],
      properties: ['email'],
      propertiesWithHistory: [],
    });
    expect(read.results.map((one) => one.id)).toEqual([survivor.id]);
    const again = await refusal(merge(sandbox.url, { primaryObjectId: ada.id, objectIdToMerge: adele.id }));
    expect(again.code).toBe(400);
  });

  it('chains: a merged record can be merged again and every earlier id still resolves', async () => {
    await using sandbox = await hubspot();
    const ids = ['a', 'b', 'c'].map((name) => sandbox.createContact({ email: `${name}@example.com` }).id);
    const [a = '', b = '', c = ''] = ids;
    const first = sandbox.mergeContacts(a, b);
    const second = sandbox.mergeContacts(c, a);
    expect(ids.map((id) => sandbox.record('contacts', id)?.id)).toEqual([second.id, second.id, second.id]);
    expect(sandbox.record('contacts', first.id)?.id).toBe(second.id);
    expect(second.properties.hs_additional_emails).toBe('a@example.com;b@example.com');
    expect(second.properties.hs_merged_object_ids).toBe([c, a, b, first.id].join(';'));
  });
});

describe('a batch', () => {
  it('upserts by a unique property and answers 207 with results and errors where some inputs fail', async () => {
    await using sandbox = await hubspot();
    const sdk = client(sandbox);
    await shopId(sdk);
    const first = await sdk.crm.contacts.batchApi.upsert({
      inputs: [
        { idProperty: 'shop_id', id: '1', properties: { email: 'ada@example.com' } },
        { idProperty: 'shop_id', id: '2', properties: { email: 'bob@example.com' } },
      ],
    });
    expect(first.results.map((one) => one._new)).toEqual([true, true]);
    expect(first).not.toHaveProperty('errors');

    const second = await sdk.crm.contacts.batchApi.upsertWithHttpInfo({
      inputs: [
        { idProperty: 'shop_id', id: '1', properties: { firstname: 'Ada' } },
        {
          idProperty: 'shop_id',
          id: '3',
          properties: { email: 'ada@example.com' },
          objectWriteTraceId: 't3',
        },
        { idProperty: 'shop_id', id: '4', properties: { email: 'not an address' } },
        { idProperty: 'shop_id', id: '5', properties: { nonsense: '1' } },
      ],
    });
    expect(second.httpStatusCode).toBe(207);
    expect(second.data.results.map((one) => [one.id, one._new, one.properties.firstname])).toEqual([
      [first.results[0]?.id, false, 'Ada'],
    ]);
    if (!('errors' in second.data)) throw new Error('a 207 carries errors');
    expect(second.data.numErrors).toBe(3);
    expect(second.data.errors?.map((one) => [one.category, one.context])).toEqual([
      ['CONFLICT', { ids: ['3'], objectWriteTraceId: ['t3'] }],
      ['VALIDATION_ERROR', { ids: ['4'] }],
      ['VALIDATION_ERROR', { ids: ['5'] }],
    ]);
    expect(second.data.errors?.map((one) => one.errors[0]?.code)).toEqual([
      undefined,
      'INVALID_EMAIL',
      'PROPERTY_DOESNT_EXIST',
    ]);
    expect(sandbox.stats().contacts).toBe(2);
  });

  it('refuses upserts by a property without unique values, repeated ids and more than 100 inputs', async () => {
    await using sandbox = await hubspot();
    const sdk = client(sandbox);
    const { contacts } = sdk.crm;
    const byPhone = await refusal(
      contacts.batchApi.upsert({ inputs: [{ idProperty: 'phone', id: '1', properties: {} }] }),
    );
    expect(byPhone.code).toBe(400);
    expect(byPhone.body.message).toBe(
      'Unable to perform update/upsert by non-unique 0-1 property phone in portal ID 62515',
    );
    const twice = await refusal(
      contacts.batchApi.upsert({
        inputs: [
          { idProperty: 'email', id: 'a@example.com', properties: {} },
          { idProperty: 'email', id: 'A@example.com', properties: {} },
        ],
      }),
    );
    expect(twice.body.message).toBe(
      'Duplicate IDs found in batch input: [A@example.com]. IDs must be unique',
    );
    const many = await refusal(
      contacts.batchApi.create({ inputs: Array.from({ length: 101 }, () => ({ properties: {} })) }),
    );
    expect(many.body.message).toContain('supported in a batch request for this object type is 100');
    expect(sandbox.stats().contacts).toBe(0);
  });

  it('answers with the first failure where every input fails, and with 207 where a record is missing', async () => {
    await using sandbox = await hubspot();
    const { contacts } = client(sandbox).crm;
    const { id } = await contacts.basicApi.create({ properties: { email: 'ada@example.com' } });
    const all = await refusal(
      contacts.batchApi.create({ inputs: [{ properties: { email: 'ada@example.com' } }] }),
    );
    expect(all.code).toBe(409);
    const updated = await contacts.batchApi.updateWithHttpInfo({
      inputs: [
        { id, properties: { city: 'Leeds' } },
        { id: '999', properties: { city: 'Leeds' } },
      ],
    });
    expect(updated.httpStatusCode).toBe(207);
    expect(updated.data.results.map((one) => one.id)).toEqual([id]);
    const read = await contacts.batchApi.readWithHttpInfo({
      inputs: [{ id: 'nobody@example.com' }, { id: 'ada@example.com' }],
      idProperty: 'email',
      properties: ['city'],
      propertiesWithHistory: [],
    });
    expect(read.httpStatusCode).toBe(207);
    expect(read.data.results.map((one) => one.properties.city)).toEqual(['Leeds']);
    if (!('errors' in read.data)) throw new Error('a 207 carries errors');
    expect(read.data.errors?.[0]?.context).toEqual({ ids: ['nobody@example.com'] });
    await contacts.batchApi.archive({ inputs: [{ id }] });
    expect(sandbox.stats().contacts).toBe(0);
  });

  it('fails as a whole where told to be strict and an input carries no trace id', async () => {
    await using sandbox = await hubspot({ partialFailures: 'traced' });
    const { contacts } = client(sandbox).crm;
    const inputs = [{ properties: { email: 'ada@example.com' } }, { properties: { email: 'nope' } }];
    expect((await refusal(contacts.batchApi.create({ inputs }))).code).toBe(400);
    const traced = await contacts.batchApi.createWithHttpInfo({
      inputs: inputs.map((one, index) => ({
        properties: { ...one.properties, firstname: 'T' },
        objectWriteTraceId: `t${index}`,
        ...(index === 0 ? { properties: { email: 'new@example.com' } } : {}),
      })),
    });
    expect(traced.httpStatusCode).toBe(207);
    if (!('errors' in traced.data)) throw new Error('a 207 carries errors');
    expect(traced.data.errors?.[0]?.context).toEqual({ objectWriteTraceId: ['t1'] });
  });
});

describe('orders and line items', () => {
  it('are created with their associations and read back with them', async () => {
    await using sandbox = await hubspot();
    const { contacts, orders, objects, associations } = withOrders(client(sandbox));
    const contact = await contacts.basicApi.create({ properties: { email: 'ada@example.com' } });
    const items = await objects.batchApi.create('line_items', {
      inputs: [
        {
          properties: { name: 'Mug', quantity: '2', price: '7.50', amount: '15.00', hs_sku: 'MUG' },
          associations: [],
        },
        { properties: { name: 'Cap', quantity: '1', price: '12.25', discount: '2.25' }, associations: [] },
      ],
    });
    const order = await orders.create({
      properties: {
        hs_order_name: '#1001',
        hs_total_price: '25.00',
        hs_currency_code: 'EUR',
        hs_external_order_id: 'gid://shopify/Order/9007199254740993',
        hs_external_created_date: '2026-11-23T10:00:00+01:00',
        hs_external_order_status: 'paid',
        hs_fulfillment_status: 'unfulfilled',
        hs_pipeline_stage: '4b27b500-f031-4927-9811-68a0b525cbae',
      },
      associations: [
        { to: { id: contact.id }, types: [{ associationCategory: hubspotDefined, associationTypeId: 507 }] },
        ...items.results.map((item) => ({
          to: { id: item.id },
          types: [{ associationCategory: hubspotDefined, associationTypeId: 513 }],
        })),
      ],
    });
    expect(order.properties.hs_external_created_date).toBe('2026-11-23T09:00:00.000Z');
    expect(order.properties.hs_total_price).toBe('25.00');
    const read = await objects.basicApi.getById('0-123', order.id, ['hs_order_name'], undefined, [
      'contacts',
      'line_items',
    ]);
    expect(read.associations?.contacts?.results).toEqual([{ id: contact.id, type: 'order_to_contact' }]);
    expect(read.associations?.line_items?.results.map((one) => one.id)).toEqual(
      items.results.map((one) => one.id),
    );
    const back = await associations.v4.basicApi.getPage('contacts', contact.id, 'orders');
    expect(back.results).toEqual([
      {
        toObjectId: order.id,
        associationTypes: [{ category: 'HUBSPOT_DEFINED', typeId: 508, label: null }],
      },
    ]);
    const none = await refusal(
      orders.create({
        properties: { hs_order_name: '#2' },
        associations: [
          { to: { id: '1' }, types: [{ associationCategory: hubspotDefined, associationTypeId: 507 }] },
        ],
      }),
    );
    expect(none.code).toBe(404);
    expect(sandbox.stats().orders).toBe(1);
  });

  it('are tied and untied by the associations API, plain and labelled', async () => {
    await using sandbox = await hubspot();
    const { contacts, orders, associations } = withOrders(client(sandbox));
    const contact = await contacts.basicApi.create({ properties: { email: 'ada@example.com' } });
    const made = [];
    for (const name of ['#1', '#2', '#3'])
      made.push(await orders.create({ properties: { hs_order_name: name } }));
    const [one, two, three] = made.map((order) => order.id);
    const plain = await associations.v4.basicApi.createDefault('order', one ?? '', 'contact', contact.id);
    expect(plain.results.map((result) => result.associationSpec.associationTypeId)).toEqual([507, 508]);
    const batch = await associations.v4.batchApi.create('orders', 'contacts', {
      inputs: [
        {
          _from: { id: two ?? '' },
          to: { id: contact.id },
          types: [{ associationCategory: hubspotDefined, associationTypeId: 507 }],
        },
        {
          _from: { id: '404' },
          to: { id: contact.id },
          types: [{ associationCategory: hubspotDefined, associationTypeId: 507 }],
        },
      ],
    });
    expect(batch.results).toHaveLength(1);
    const label = (await (
      await fetch(`${sandbox.url}/crm/v4/associations/orders/contacts/labels`, {
        method: 'POST',
        headers: { authorization: 'Bearer pat-sandbox' },
        body: JSON.stringify({ label: 'Gift recipient', name: 'gift_recipient' }),
      })
    ).json()) as { results: { typeId: number }[] };
    await associations.v4.basicApi.create('orders', three ?? '', 'contacts', contact.id, [
      {
        associationCategory: AssociationSpecAssociationCategoryEnum.UserDefined,
        associationTypeId: label.results[0]?.typeId ?? 0,
      },
    ]);
    const read = await associations.v4.batchApi.getPageWithHttpInfo('orders', 'contacts', {
      inputs: [one, two, three, '404'].map((id) => ({ id: id ?? '' })),
    });
    expect(read.httpStatusCode).toBe(207);
    expect(
      read.data.results.map((result) => result.to[0]?.associationTypes.map((type) => type.label)),
    ).toEqual([[null], [null], ['Gift recipient', null]]);
    await associations.v4.batchApi.archive('orders', 'contacts', {
      inputs: [{ _from: { id: one ?? '' }, to: [{ id: contact.id }] }],
    });
    await associations.v4.basicApi.archive('contacts', contact.id, 'orders', three ?? '');
    expect(sandbox.associated('contacts', contact.id, 'orders')).toEqual([two]);
  });

  it('are reached by the date paths that replace v3', async () => {
    await using sandbox = await hubspot();
    const headers = { authorization: 'Bearer pat-sandbox' };
    const created = await fetch(`${sandbox.url}/crm/objects/2026-09/orders`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ properties: { hs_order_name: '#1' } }),
    });
    expect(created.status).toBe(201);
    const { id } = (await created.json()) as { id: string };
    const read = await fetch(`${sandbox.url}/crm/objects/2026-09/order/${id}/associations/contacts`, {
      headers,
    });
    expect(await read.json()).toEqual({ results: [] });
  });
});

describe('authorisation', () => {
  it('refuses an unknown token and hands out tokens that expire', async () => {
    let at = Date.parse('2026-11-23T10:00:00.000Z');
    await using sandbox = await hubspot({ now: () => at });
    const refused = await refusal(client(sandbox, 'wrong').crm.contacts.basicApi.getPage());
    expect([refused.code, refused.body.category]).toEqual([401, 'INVALID_AUTHENTICATION']);
    const { oauth } = client(sandbox);
    const refresh = (secret: string) =>
      oauth.tokensApi.create(
        'refresh_token',
        undefined,
        undefined,
        'hubspot-sandbox-client',
        secret,
        'hubspot-sandbox-refresh',
      );
    expect((await refusal(refresh('wrong'))).code).toBe(400);
    const token = await refresh('hubspot-sandbox-secret');
    expect(token.expiresIn).toBe(1800);
    const fresh = client(sandbox, token.accessToken);
    expect((await fresh.crm.contacts.basicApi.getPage()).results).toEqual([]);
    at += 1_810_000;
    const expired = await refusal(fresh.crm.contacts.basicApi.getPage());
    expect([expired.code, expired.body.category]).toEqual([401, 'EXPIRED_AUTHENTICATION']);
    expect(expired.body.message).toContain('expired 10 second(s) ago');
  });

  it('tells which portal a token belongs to', async () => {
    await using sandbox = await hubspot();
    const response = await client(sandbox).apiRequest({ path: '/account-info/v3/details' });
    expect(await response.json()).toMatchObject({ portalId: 62515, accountType: 'STANDARD' });
  });
});

describe('the rules of a portal', () => {
  it('hold under any sequence of writes: an address leads to one live record, and every old id to a live one', () => {
    const actor = { changeSource: 'INTEGRATION', sourceId: '1' };
    const email = fc.constantFrom('a@x.co', 'b@x.co', 'c@x.co', 'd@x.co');
    const which = fc.nat({ max: 30 });
    const operation = fc.oneof(
      fc.record({ kind: fc.constant('create' as const), email }),
      fc.record({ kind: fc.constant('upsert' as const), email }),
      fc.record({ kind: fc.constant('rename' as const), which, email }),
      fc.record({ kind: fc.constant('archive' as const), which }),
      fc.record({ kind: fc.constant('merge' as const), which, other: which }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
        const crm = new Crm({
          portalId: 1,
          random: seededRandom(1),
          now: () => 0,
          searchLagMs: [0, 0],
          onEvent: () => undefined,
          onChange: () => undefined,
        });
        const ids: string[] = [];
        const idAt = (index: number): string => ids[index % Math.max(1, ids.length)] ?? 'none';
        for (const one of operations) {
          try {
            if (one.kind === 'create') ids.push(crm.create('0-1', { email: one.email }, [], actor).id);
            if (one.kind === 'upsert') ids.push(crm.upsert('0-1', 'email', one.email, {}, actor).record.id);
            const record = 'which' in one ? crm.get('0-1', idAt(one.which)) : undefined;
            if (one.kind === 'rename' && record !== undefined)
              crm.update(record, { email: one.email }, actor);
            if (one.kind === 'archive' && record !== undefined) crm.archive(record, actor);
            if (one.kind === 'merge') ids.push(crm.merge('0-1', idAt(one.which), idAt(one.other), actor).id);
          } catch (error) {
            if (!(error instanceof HubSpotError)) throw error;
          }
        }
        const live = [...crm.records('0-1')];
        const addresses = live.flatMap((record) => [
          ...(record.properties.email === undefined ? [] : [record.properties.email]),
          ...(record.properties.hs_additional_emails?.split(';') ?? []),
        ]);
        expect(new Set(addresses).size).toBe(addresses.length);
        for (const record of live)
          expect(crm.getBy('0-1', 'email', record.properties.email ?? '')?.id).toBe(record.id);
        for (const id of ids) expect(crm.get('0-1', id) ?? crm.getArchived('0-1', id)).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  it('give the same ids and data for the same seed and calls, and survive a restart', async () => {
    const told = async () => {
      await using sandbox = await hubspot({ now: () => 1_700_000_000_000 });
      sandbox.seed({ contacts: 5 });
      return sandbox.records('contacts');
    };
    expect(await told()).toEqual(await told());
    const crm = () =>
      new Crm({
        portalId: 1,
        random: seededRandom(1),
        now: () => 0,
        searchLagMs: [0, 0],
        onEvent: () => undefined,
        onChange: () => undefined,
      });
    const before = crm();
    const actor = { changeSource: 'CRM_UI', sourceId: 'userId:1' };
    before.createProperty('0-1', {
      name: 'shop_id',
      label: 'Shop id',
      groupName: 'contactinformation',
      type: 'string',
      fieldType: 'text',
      hasUniqueValue: true,
    });
    const a = before.create('0-1', { email: 'a@x.co', shop_id: '1' }, [], actor);
    const b = before.create('0-1', { email: 'b@x.co' }, [], actor);
    const order = before.create(
      '0-123',
      { hs_order_name: '#1' },
      [{ toId: a.id, specs: [{ category: 'HUBSPOT_DEFINED', typeId: 507 }] }],
      actor,
    );
    const survivor = before.merge('0-1', a.id, b.id, actor);
    const after = crm();
    after.restore(JSON.parse(JSON.stringify(before.state())));
    expect(after.state()).toEqual(before.state());
    expect(after.getBy('0-1', 'shop_id', '1')?.id).toBe(survivor.id);
    expect(after.get('0-1', b.id)?.id).toBe(survivor.id);
    expect(after.associations.of('0-123', order.id, '0-1').map((one) => one.toId)).toEqual([survivor.id]);
    expect(after.create('0-1', {}, [], actor).id).toBe(before.create('0-1', {}, [], actor).id);
  });
});

it('a sandbox with a state file goes on where it stopped', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'hubspot-sandbox-'));
  const statePath = join(directory, 'hubspot.json');
  const id = await (async () => {
    await using sandbox = await hubspot({ statePath });
    return sandbox.createContact({ email: 'ada@example.com' }).id;
  })();
  await using sandbox = await hubspot({ statePath });
  expect(sandbox.contactByEmail('ada@example.com')?.id).toBe(id);
  expect(sandbox.createContact({ email: 'bob@example.com' }).id).toBe('101000000002');
  await sandbox[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function withOrders(sdk: ReturnType<typeof client>) {
  const { contacts, objects, associations } = sdk.crm;
  type Input = Parameters<typeof objects.basicApi.create>[1];
  return {
    contacts,
    objects,
    associations,
    orders: { create: (input: Input) => objects.basicApi.create('orders', input) },
  };
}

/** A unique property of the shop's own, as a sync would make it. */
async function shopId(sdk: ReturnType<typeof client>): Promise<void> {
  await sdk.apiRequest({
    method: 'POST',
    path: '/crm/v3/properties/contacts',
    body: {
      name: 'shop_id',
      label: 'Shop id',
      groupName: 'contactinformation',
      type: 'string',
      fieldType: 'text',
      hasUniqueValue: true,
    },
  });
}

async function merge(url: string, body: Record<string, string>): Promise<void> {
  const response = await fetch(`${url}/crm/v3/objects/contacts/merge`, {
    method: 'POST',
    headers: { authorization: 'Bearer pat-sandbox' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw { code: response.status, body: await response.json(), headers: {} };
}
