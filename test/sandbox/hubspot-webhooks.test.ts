import { createHash, createHmac } from 'node:crypto';
import { Signature } from '@hubspot/api-client';
import { describe, expect, it } from 'vitest';
import { client, hubspot, subscriber, until } from './hubspot-support.ts';

describe('a webhook', () => {
  it('carries the changes of one moment in one signed body', async () => {
    const at = Date.parse('2026-11-23T10:00:00.000Z');
    await using shop = await subscriber();
    await using sandbox = await hubspot({ webhookUrl: shop.url, now: () => at });
    const { contacts } = client(sandbox).crm;
    const { id } = await contacts.basicApi.create({
      properties: { email: 'ada@example.com', firstname: 'Ada', jobtitle: 'Countess' },
    });
    await sandbox.settled();
    expect(shop.received).toHaveLength(1);
    const common = {
      eventId: expect.any(Number),
      subscriptionId: expect.any(Number),
      portalId: 62515,
      appId: 1160452,
      occurredAt: at,
      attemptNumber: 0,
      objectId: Number(id),
      changeSource: 'INTEGRATION',
      sourceId: '1160452',
    };
    const change = { ...common, subscriptionType: 'contact.propertyChange' };
    // The job title is not subscribed to. The order within a body is not the order of events.
    expect(byEventId(shop.events())).toEqual([
      { ...common, subscriptionType: 'contact.creation', changeFlag: 'NEW' },
      { ...change, propertyName: 'email', propertyValue: 'ada@example.com' },
      { ...change, propertyName: 'firstname', propertyValue: 'Ada' },
    ]);
    expect(new Set(shop.events().map((event) => event.subscriptionId)).size).toBe(3);
  });

  it('is signed so that an independent computation and the SDK agree, and a changed byte does not', async () => {
    await using shop = await subscriber();
    const url = `${shop.url}?shop=a%2Fb`;
    await using sandbox = await hubspot({ webhookUrl: url, clientSecret: 'a secret' });
    sandbox.createContact({ email: 'ada@example.com', city: 'Århus' });
    await sandbox.settled();
    const [delivery] = shop.received;
    if (delivery === undefined) throw new Error('nothing was delivered');
    const timestamp = delivery.headers['x-hubspot-request-timestamp'] ?? '';
    expect(Math.abs(Number(timestamp) - Date.now())).toBeLessThan(60_000);
    const signedUrl = `${shop.url}?shop=a/b`;
    const expected = createHmac('sha256', 'a secret')
      .update(`POST${signedUrl}${delivery.body}${timestamp}`)
      .digest('base64');
    expect(delivery.headers['x-hubspot-signature-v3']).toBe(expected);
    const isValid = (requestBody: string): boolean =>
      Signature.isValid({
        signature: delivery.headers['x-hubspot-signature-v3'] ?? '',
        clientSecret: 'a secret',
        requestBody,
        signatureVersion: 'v3',
        url: signedUrl,
        method: 'POST',
        timestamp: Number(timestamp),
      });
    expect(isValid(delivery.body)).toBe(true);
    expect(isValid(delivery.body.replace('ada', 'ida'))).toBe(false);
    expect(delivery.headers['x-hubspot-signature']).toBe(
      createHash('sha256').update(`a secret${delivery.body}`).digest('hex'),
    );
  });

  it('is retried with the next attempt number and a new signature until it is taken', async () => {
    await using shop = await subscriber((delivery) => (delivery < 3 ? 500 : 200));
    await using sandbox = await hubspot({ webhookUrl: shop.url, timeScale: 60_000 });
    sandbox.createContact({ email: 'ada@example.com' });
    await sandbox.settled();
    expect(shop.received.map((one) => [...new Set(one.events.map((event) => event.attemptNumber))])).toEqual([
      [0],
      [1],
      [2],
    ]);
    expect(new Set(shop.received.map((one) => one.headers['x-hubspot-signature-v3'])).size).toBe(3);
    const eventIds = shop.received.map((one) => byEventId(one.events).map((event) => event.eventId));
    expect(eventIds[2]).toEqual(eventIds[0]);
    expect(sandbox.webhooks.attempts.map((one) => one.status)).toEqual([500, 500, 200]);
  });

  it('is given up after ten retries', async () => {
    await using shop = await subscriber(() => 503);
    await using sandbox = await hubspot({ webhookUrl: shop.url, timeScale: 6_000_000 });
    sandbox.createContact({ email: 'ada@example.com' });
    await sandbox.settled();
    expect(shop.received).toHaveLength(11);
  });

  it('never carries more than 100 events, however many there are', async () => {
    await using shop = await subscriber();
    await using sandbox = await hubspot({ webhookUrl: shop.url, subscribedProperties: ['email'] });
    for (let index = 0; index < 120; index += 1) sandbox.createContact({ email: `c${index}@example.com` });
    await sandbox.settled();
    expect(shop.received.map((one) => one.events.length).sort()).toEqual([100, 100, 40].sort());
    expect(new Set(shop.events().map((event) => event.eventId)).size).toBe(240);
  });

  it('tells a person in the portal from the integration', async () => {
    await using shop = await subscriber();
    await using sandbox = await hubspot({ webhookUrl: shop.url });
    const { id } = sandbox.createContact({ email: 'ada@example.com', city: 'Leeds' });
    await sandbox.settled();
    const before = shop.events().length;
    sandbox.editContact(id, { city: 'Lyon', firstname: '' });
    await client(sandbox).crm.contacts.basicApi.update(id, { properties: { city: 'Lyon', zip: '69001' } });
    await sandbox.settled();
    // Values that stay as they are make no event.
    expect(
      byEventId(shop.events().slice(before)).map((event) => [
        event.propertyName,
        event.propertyValue,
        event.changeSource,
        event.sourceId,
      ]),
    ).toEqual([
      ['city', 'Lyon', 'CRM_UI', 'userId:864745280'],
      ['zip', '69001', 'INTEGRATION', '1160452'],
    ]);
  });

  it('of a merge names the primary, the merged and the new record, and the deletion of the merged one', async () => {
    await using shop = await subscriber();
    await using sandbox = await hubspot({ webhookUrl: shop.url });
    const a = sandbox.createContact({ email: 'a@example.com' });
    const b = sandbox.createContact({ email: 'b@example.com', city: 'Lyon', zip: '69001' });
    await sandbox.settled();
    const before = shop.events().length;
    const survivor = sandbox.mergeContacts(a.id, b.id);
    await sandbox.settled();
    expect(byEventId(shop.events().slice(before))).toMatchObject([
      {
        subscriptionType: 'contact.merge',
        objectId: Number(a.id),
        primaryObjectId: Number(a.id),
        mergedObjectIds: [Number(b.id)],
        newObjectId: Number(survivor.id),
        numberOfPropertiesMoved: 2,
      },
      { subscriptionType: 'contact.deletion', objectId: Number(b.id), changeFlag: 'DELETED' },
    ]);
  });

  it('names types by objectTypeId in the generic form, the only one that orders have', async () => {
    await using shop = await subscriber();
    await using sandbox = await hubspot({
      webhookUrl: shop.url,
      subscribedObjectTypes: ['contacts', 'orders'],
      subscribedProperties: ['email', 'hs_total_price'],
    });
    const { contacts, objects, associations } = client(sandbox).crm;
    const contact = await contacts.basicApi.create({ properties: { email: 'ada@example.com' } });
    const order = await objects.basicApi.create('orders', { properties: { hs_total_price: '5.00' } });
    await associations.v4.basicApi.createDefault('orders', order.id, 'contacts', contact.id);
    await contacts.basicApi.archive(contact.id);
    await sandbox.settled();
    expect(
      byEventId(shop.events()).map((event) => [
        event.subscriptionType,
        event.objectTypeId ?? null,
        event.objectId ?? event.associationTypeId,
      ]),
    ).toEqual([
      ['contact.creation', null, Number(contact.id)],
      ['contact.propertyChange', null, Number(contact.id)],
      ['object.creation', '0-123', Number(order.id)],
      ['object.propertyChange', '0-123', Number(order.id)],
      // Classic contact events know no association with orders, so only the order's side is told.
      ['object.associationChange', null, 507],
      ['contact.deletion', null, Number(contact.id)],
    ]);

    await using generic = await hubspot({ webhookUrl: shop.url, webhookFormat: 'generic' });
    const before = shop.events().length;
    generic.createContact({ email: 'bob@example.com' });
    await generic.settled();
    expect(byEventId(shop.events().slice(before))).toMatchObject([
      { subscriptionType: 'object.creation', objectTypeId: '0-1', changeFlag: 'NEW' },
      { subscriptionType: 'object.propertyChange', objectTypeId: '0-1', propertyName: 'email' },
    ]);
  });

  it('tells custom properties too, unless only named ones are subscribed to', async () => {
    await using shop = await subscriber();
    await using sandbox = await hubspot({ webhookUrl: shop.url });
    await client(sandbox).apiRequest({
      method: 'POST',
      path: '/crm/v3/properties/contacts',
      body: {
        name: 'shop_ltv',
        label: 'LTV',
        groupName: 'contactinformation',
        type: 'number',
        fieldType: 'number',
      },
    });
    sandbox.createContact({ email: 'ada@example.com', shop_ltv: '12.50' });
    await sandbox.settled();
    expect(shop.events().map((event) => event.propertyName)).toContain('shop_ltv');
  });
});

describe('the control API', () => {
  it('edits, merges, deletes, finds and shows contacts, and answers in JSON', async () => {
    await using sandbox = await hubspot();
    const call = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`${sandbox.url}/_control/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    };
    expect((await call('POST', 'seed', { contacts: 3 })).body.contacts).toHaveLength(3);
    const made = await call('POST', 'contacts', { properties: { email: 'ada@example.com' } });
    expect(made.status).toBe(201);
    const { id } = made.body;
    expect(
      (await call('POST', `contacts/${id}`, { properties: { city: 'Lyon' } })).body.properties.city,
    ).toBe('Lyon');
    expect((await call('POST', `contacts/${id}`, { properties: { nope: 'x' } })).status).toBe(400);
    const order = await fetch(`${sandbox.url}/crm/v3/objects/orders`, {
      method: 'POST',
      headers: { authorization: 'Bearer pat-sandbox', 'content-type': 'application/json' },
      body: JSON.stringify({ properties: { hs_order_name: '#1', hs_order_note: 'first' }, associations: [] }),
    });
    const { id: orderId } = (await order.json()) as { id: string };
    const edited = await call('POST', `orders/${orderId}`, { properties: { hs_order_note: 'second' } });
    expect(edited.body.properties.hs_order_note).toBe('second');
    const read = await fetch(
      `${sandbox.url}/crm/v3/objects/orders/${orderId}?propertiesWithHistory=hs_order_note,hs_order_name`,
      { headers: { authorization: 'Bearer pat-sandbox' } },
    );
    const { propertiesWithHistory: history } = (await read.json()) as {
      propertiesWithHistory: Record<string, { value: string; sourceType: string }[]>;
    };
    expect(history.hs_order_note?.map((one) => [one.value, one.sourceType])).toEqual([
      ['second', 'CRM_UI'],
      ['first', 'INTEGRATION'],
    ]);
    expect(history.hs_order_name?.map((one) => one.value)).toEqual(['#1']);
    expect((await call('GET', 'contacts?email=ada@example.com')).body).toMatchObject([{ id }]);
    expect((await call('GET', 'contacts?city=Lyon')).body).toMatchObject([{ id }]);
    const merged = await call('POST', 'contacts/merge', { primaryId: id, secondaryId: '101000000001' });
    expect(merged.body.properties.hs_merged_object_ids).toBe(`${id};101000000001`);
    expect((await call('GET', `contacts/${id}`)).body.id).toBe(merged.body.id);
    expect((await call('GET', 'state?entity=contacts')).body).toHaveLength(3);
    expect((await call('DELETE', `contacts/${id}`)).status).toBe(204);
    expect((await call('GET', 'stats')).body).toMatchObject({ contacts: 2, limitsEnabled: false });
    expect((await call('GET', 'state?entity=unicorns')).status).toBe(404);
    await call('POST', 'reset');
    expect((await call('GET', 'stats')).body).toMatchObject({ contacts: 0 });
    expect((await call('POST', 'contacts', { properties: {} })).body.id).toBe('101000000001');
  });

  it('holds webhooks back and lets them go, newest first when asked', async () => {
    await using shop = await subscriber();
    await using sandbox = await hubspot();
    const control = (method: string, path: string, body?: unknown) =>
      fetch(`${sandbox.url}/_control/webhooks/${path}`, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    await control('POST', 'target', { url: shop.url });
    await control('POST', 'weather', { hold: true });
    sandbox.createContact({ email: 'a@example.com' });
    await control('POST', 'flush');
    sandbox.createContact({ email: 'b@example.com' });
    await control('POST', 'flush');
    expect(sandbox.stats().webhooksInFlight).toBe(2);
    expect(shop.received).toHaveLength(0);
    await control('DELETE', 'weather?order=lifo');
    await until(() => shop.received.length === 2);
    await sandbox.settled();
    expect(await (await control('GET', 'attempts')).json()).toHaveLength(2);
    await control('POST', 'subscriptions', { objectType: 'orders', propertyName: 'hs_total_price' });
    expect(await (await control('GET', 'subscriptions')).json()).toMatchObject({
      objectTypes: ['contacts', 'orders'],
    });
  });
});

function byEventId(events: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return [...events].sort((a, b) => Number(a.eventId) - Number(b.eventId));
}
