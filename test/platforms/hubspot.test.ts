import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { HubSpotSandbox, HubSpotSandboxOptions } from '../../sandbox/hubspot/server.ts';
import { portalMigration, startHubSpotSandbox } from '../../sandbox/hubspot/server.ts';
import { AppError } from '../../src/errors.ts';
import type { CustomField } from '../../src/model/custom-field.ts';
import { hubspot } from '../../src/sync/platforms/hubspot/index.ts';
import type { HubSpotCredentials } from '../../src/sync/platforms/hubspot/settings.ts';
import type { DeliveryFacts, IncomingDelivery, WebhookRequest } from '../../src/sync/platforms/platform.ts';
import { subscriber, until } from '../sandbox/hubspot-support.ts';
import { customer, MemorySession, order, orderLine, push } from './memory-session.ts';

const secret = 'hubspot-sandbox-secret';

function start(options: Partial<HubSpotSandboxOptions> = {}): Promise<HubSpotSandbox> {
  return startHubSpotSandbox({ port: 0, seed: 3, limits: false, searchLagMs: [0, 0], ...options });
}

function sessionAt(sandbox: HubSpotSandbox, credentials: Partial<HubSpotCredentials> = {}) {
  return new MemorySession<HubSpotCredentials>({
    accountId: '62515',
    baseUrl: sandbox.url,
    credentials: { accessToken: 'pat-sandbox', clientSecret: secret, ...credentials },
  });
}

async function prepared(options: Partial<HubSpotSandboxOptions> = {}) {
  const sandbox = await start(options);
  const session = sessionAt(sandbox);
  await hubspot.prepare(session, { webhookUrl: 'http://127.0.0.1/webhooks/hubspot' });
  return { sandbox, session, [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose]() };
}

async function requestsTo(sandbox: HubSpotSandbox): Promise<string[]> {
  const log = (await (await fetch(`${sandbox.url}/_control/requests`)).json()) as {
    method: string;
    path: string;
  }[];
  return log.map((one) => `${one.method} ${one.path}`);
}

async function forget(sandbox: HubSpotSandbox): Promise<void> {
  await fetch(`${sandbox.url}/_control/requests`, { method: 'DELETE' });
}

function delivery(incoming: IncomingDelivery): DeliveryFacts {
  return {
    id: 1n,
    topic: incoming.topic,
    subject: incoming.subject,
    eventId: incoming.eventId,
    triggeredAt: incoming.triggeredAt,
    receivedAt: new Date(),
    body: incoming.body,
  };
}

function webhook(received: { headers: Record<string, string>; body: string }, url: string): WebhookRequest {
  return {
    method: 'POST',
    url,
    headers: received.headers,
    rawBody: Buffer.from(received.body),
    receivedAtMs: Date.now(),
  };
}

async function failure(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('this was expected to fail');
}

describe('the door', () => {
  const event = {
    eventId: 1,
    subscriptionId: 2,
    portalId: 62515,
    appId: 1160452,
    occurredAt: 1_790_000_000_000,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: 101,
    propertyName: 'city',
    propertyValue: 'Bonn',
    changeSource: 'CRM_UI',
    sourceId: 'userId:1',
  };

  function signed(
    body: string,
    over: { url?: string; timestamp?: number; secret?: string } = {},
  ): WebhookRequest {
    const url = over.url ?? 'https://sync.example.com/webhooks/hubspot?a=%3Ab%40c';
    const timestamp = over.timestamp ?? 1_790_000_000_500;
    const signature = createHmac('sha256', over.secret ?? secret)
      .update(`POST${url.replace('%3A', ':').replace('%40', '@')}${body}${timestamp}`)
      .digest('base64');
    return {
      method: 'POST',
      url,
      headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': String(timestamp) },
      rawBody: Buffer.from(body),
      receivedAtMs: 1_790_000_000_900,
    };
  }
  const credentials = { accessToken: 'x', clientSecret: secret };

  it('accepts what HubSpot signed over the decoded address and nothing else', () => {
    const body = JSON.stringify([event]);
    const good = signed(body);
    expect(hubspot.door.isSigned(good)).toBe(true);
    expect(hubspot.door.verify(good, credentials)).toBe(true);
    expect(hubspot.door.verify({ ...good, rawBody: Buffer.from(`${body} `) }, credentials)).toBe(false);
    expect(hubspot.door.verify({ ...good, method: 'PUT' }, credentials)).toBe(false);
    expect(hubspot.door.verify(signed(body, { secret: 'other' }), credentials)).toBe(false);
    expect(hubspot.door.verify({ ...good, headers: {} }, credentials)).toBe(false);
    expect(hubspot.door.isSigned({ ...good, headers: {} })).toBe(false);
  });

  it('refuses signatures that are older than five minutes', () => {
    const old = signed('[]', { timestamp: 1_790_000_000_900 - 300_001 });
    expect(hubspot.door.verify(old, credentials)).toBe(false);
    expect(hubspot.door.verify(signed('[]', { timestamp: 1_790_000_000_900 - 299_999 }), credentials)).toBe(
      true,
    );
    const malformed = { ...old, headers: { ...old.headers, 'x-hubspot-request-timestamp': 'soon' } };
    expect(hubspot.door.verify(malformed, credentials)).toBe(false);
  });

  it('cuts a body into one delivery per event; attempts of one event are one delivery', () => {
    const split = (events: object[]) =>
      hubspot.door.split(signed(JSON.stringify(events))).map(({ body: _body, ...rest }) => rest);
    const orderEvent = {
      ...event,
      eventId: 9,
      subscriptionType: 'object.creation',
      objectTypeId: '0-123',
      objectId: 540,
      propertyName: undefined,
    };
    expect(split([event, orderEvent])).toEqual([
      {
        accountId: '62515',
        externalId: '2:1:1790000000000:101:city',
        eventId: '1',
        topic: 'contact.propertyChange',
        subject: 'contact:101',
        triggeredAt: new Date(1_790_000_000_000),
      },
      {
        accountId: '62515',
        externalId: '2:9:1790000000000:540:',
        eventId: '9',
        topic: 'object.creation',
        subject: 'order:540',
        triggeredAt: new Date(1_790_000_000_000),
      },
    ]);
    expect(split([{ ...event, attemptNumber: 3 }])).toEqual(split([event]));
  });

  it('keeps ids that a double cannot hold', () => {
    const body = JSON.stringify([event]).replace('"objectId":101', '"objectId":9007199254740993');
    expect(hubspot.door.split(signed(body))[0]?.subject).toBe('contact:9007199254740993');
  });

  it.each([['not json'], ['{}'], ['[]'], ['[1]'], ['[{"eventId":1}]'], ['"x"']])(
    'says of %s that it is malformed',
    (body) => {
      expect(() => hubspot.door.split(signed(body))).toThrow(/MALFORMED_WEBHOOK/);
    },
  );
});

describe('preparing', () => {
  it('makes the group and every property once, unique where it must be', async () => {
    await using it = await prepared();
    const state = it.sandbox.state().properties as Record<
      string,
      { name: string; hasUniqueValue: boolean; groupName: string }[]
    >;
    const own = (object: string) =>
      state[object]
        ?.filter((one) => one.groupName === 'tributary')
        .map((one) => `${one.name}${one.hasUniqueValue ? '!' : ''}`);
    expect(own('contacts')?.sort()).toEqual([
      'tributary_average_order_value',
      'tributary_channels',
      'tributary_customer_id!',
      'tributary_first_order_at',
      'tributary_last_order_at',
      'tributary_lifetime_value',
      'tributary_marketplace_email',
      'tributary_open_balance',
      'tributary_order_count',
      'tributary_refunded',
      'tributary_returns_rate',
    ]);
    expect(own('orders')?.sort()).toEqual([
      'tributary_customer_id',
      'tributary_lines',
      'tributary_net_total',
      'tributary_order_id!',
    ]);
    expect(own('line_items')).toEqual(['tributary_line_id!']);
    await forget(it.sandbox);
    await hubspot.prepare(it.session, { webhookUrl: '' });
    expect((await requestsTo(it.sandbox)).filter((one) => one.startsWith('POST'))).toEqual([]);
  });

  it('refuses a token that belongs to another account', async () => {
    await using sandbox = await start({ portalId: 1 });
    const error = await failure(hubspot.prepare(sessionAt(sandbox), { webhookUrl: '' }));
    expect([error.code, error.retryable]).toEqual(['HUBSPOT_WRONG_ACCOUNT', false]);
  });
});

describe('contacts', () => {
  it('creates one with every value, as a customer, in one call', async () => {
    await using it = await prepared();
    await forget(it.sandbox);
    const outcome = await push(hubspot, it.session, customer());
    const contact = it.sandbox.contactByEmail('ada@example.com');
    expect(contact?.properties).toMatchObject({
      email: 'ada@example.com',
      firstname: 'Ada',
      lastname: 'Castro',
      phone: '+14155550101',
      address: '12 Mole Street, Flat 3',
      city: 'Berlin',
      state: 'Berlin',
      zip: '10115',
      country: 'Germany',
      lifecyclestage: 'customer',
      tributary_customer_id: '7',
      tributary_lifetime_value: '100.00',
      tributary_refunded: '5.00',
      tributary_order_count: '3',
      tributary_average_order_value: '33.33',
      tributary_first_order_at: '2026-01-02T03:04:05.000Z',
      tributary_last_order_at: '2026-11-20T10:00:00.000Z',
      tributary_open_balance: '12.50',
      tributary_returns_rate: '0.125',
      tributary_channels: 'Online store;Point of sale',
    });
    expect(outcome).toMatchObject({ remoteType: 'contact', remoteId: contact?.id, adopted: false });
    expect(await requestsTo(it.sandbox)).toHaveLength(1);
    expect(await push(hubspot, it.session, customer())).toBeNull();
  });

  it('writes only what differs, and never wipes what people wrote', async () => {
    await using it = await prepared();
    const first = await push(hubspot, it.session, customer());
    it.sandbox.editContact(first?.remoteId ?? '', { lifecyclestage: 'evangelist', jobtitle: 'Captain' });
    const next = customer({ orderCount: 4, lifetimeValueMinor: 12_000n, averageOrderMinor: 3_000n });
    const [planned] = hubspot.plan(next, {
      connectionId: 2n,
      settings: {},
      link: it.session.linkOf('Customer', 7n, 'contact'),
      isOrigin: false,
    });
    expect(planned?.body).toMatchObject({
      changed: ['tributary_order_count', 'tributary_lifetime_value', 'tributary_average_order_value'],
      was: {
        tributary_order_count: '3',
        tributary_lifetime_value: '100.00',
        tributary_average_order_value: '33.33',
      },
    });
    await push(hubspot, it.session, next);
    expect(it.sandbox.contactByEmail('ada@example.com')?.properties).toMatchObject({
      tributary_order_count: '4',
      tributary_lifetime_value: '120.00',
      phone: '+14155550101',
      lifecyclestage: 'evangelist',
      jobtitle: 'Captain',
    });
  });

  it('takes away what it wrote and has no value for any more, and never what people wrote or changed', async () => {
    await using it = await prepared();
    const address = {
      firstName: null,
      lastName: null,
      company: null,
      address1: 'Long Street 1',
      address2: null,
      city: 'Bonn',
      province: null,
      zip: '53113',
      countryCode: 'DE',
      phone: null,
    };
    const full = customer({ phone: '+14155550101', address });
    const first = await push(hubspot, it.session, full);
    it.sandbox.editContact(first?.remoteId ?? '', { company: 'Theirs', city: 'Berlin' });
    // As the webhook of that change leaves it.
    const link = it.session.known.find((one) => one.remoteId === first?.remoteId);
    if (link !== undefined) link.state = { ...link.state, company: 'Theirs', city: 'Berlin' };
    await push(hubspot, it.session, customer({ phone: null, lastName: null, address: null }));
    const properties: Readonly<Record<string, unknown>> = it.sandbox.records('contacts')[0]?.properties ?? {};
    expect(properties).toMatchObject({ firstname: 'Ada', company: 'Theirs', city: 'Berlin' });
    for (const name of ['phone', 'lastname', 'address', 'zip', 'country'])
      expect(properties[name] ?? '').toBe('');
    expect(
      await push(hubspot, it.session, customer({ phone: null, lastName: null, address: null })),
    ).toBeNull();
    // What is filled in anew is ours again.
    await push(hubspot, it.session, full);
    expect(it.sandbox.records('contacts')[0]?.properties).toMatchObject({
      phone: '+14155550101',
      zip: '53113',
    });
  });

  it('does not take another spelling of the same value for a change', async () => {
    await using it = await prepared();
    const outcome = await push(hubspot, it.session, customer());
    const state = {
      ...outcome?.state,
      tributary_lifetime_value: '100',
      tributary_last_order_at: '1795428000000',
      email: 'ADA@example.com',
    };
    const context = { connectionId: 2n, settings: {}, isOrigin: false };
    const link = { remoteType: 'contact', remoteId: '1', remoteVersion: null, state };
    expect(hubspot.plan(customer({ lastOrderAt: new Date(1795428000000) }), { ...context, link })).toEqual(
      [],
    );
  });

  it('takes over a contact that has the address already and leaves its lifecycle stage alone', async () => {
    await using it = await prepared();
    const existing = it.sandbox.createContact({ email: 'ada@example.com', lifecyclestage: 'opportunity' });
    const outcome = await push(hubspot, it.session, customer());
    expect(outcome).toMatchObject({ remoteId: existing.id, adopted: true });
    expect(it.sandbox.records('contacts')).toHaveLength(1);
    expect(it.sandbox.record('contacts', existing.id)?.properties).toMatchObject({
      firstname: 'Ada',
      lifecyclestage: 'opportunity',
      tributary_customer_id: '7',
    });
  });

  it('knows a customer without an address by the customer id', async () => {
    await using it = await prepared();
    const nameless = customer({ email: null });
    const first = await push(hubspot, it.session, nameless);
    it.session.known.length = 0;
    const again = await push(hubspot, it.session, nameless);
    expect(again?.remoteId).toBe(first?.remoteId);
    expect(it.sandbox.records('contacts')).toHaveLength(1);
  });

  it('never writes relay addresses, and nothing at all of somebody unknown', async () => {
    await using it = await prepared();
    await push(hubspot, it.session, customer({ email: 'x1@marketplace.amazon.com' }));
    expect(it.sandbox.records('contacts')[0]?.properties.email).toBeUndefined();
    const unknown = customer({ id: 8n, email: null, phone: null, firstName: null, lastName: null });
    expect(await push(hubspot, it.session, unknown)).toBeNull();
  });

  it('puts an invalid address aside, writes the rest and says so', async () => {
    await using it = await prepared();
    const outcome = await push(hubspot, it.session, customer({ email: 'ada@nowhere' }));
    expect(outcome?.detail.notWritten).toEqual([
      { property: 'email', reason: 'Email address ada@nowhere is invalid' },
    ]);
    expect(it.sandbox.record('contacts', outcome?.remoteId ?? '')?.properties.firstname).toBe('Ada');
  });

  it('makes its properties again where somebody deleted them', async () => {
    await using it = await prepared();
    await fetch(`${it.sandbox.url}/crm/v3/properties/contacts/tributary_refunded`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer pat-sandbox' },
    });
    const outcome = await push(hubspot, it.session, customer());
    expect(outcome?.state.tributary_refunded).toBe('5.00');
  });

  it('makes a contact again that was deleted, with all of its values', async () => {
    await using it = await prepared();
    const first = await push(hubspot, it.session, customer());
    it.sandbox.deleteContact(first?.remoteId ?? '');
    const second = await push(hubspot, it.session, customer({ orderCount: 4 }));
    expect(second?.remoteId).not.toBe(first?.remoteId);
    expect(it.sandbox.contactByEmail('ada@example.com')?.properties).toMatchObject({
      firstname: 'Ada',
      tributary_order_count: '4',
    });
  });

  it('follows a contact that was merged away', async () => {
    await using it = await prepared();
    const first = await push(hubspot, it.session, customer());
    const other = it.sandbox.createContact({ email: 'other@example.com' });
    const survivor = it.sandbox.mergeContacts(first?.remoteId ?? '', other.id);
    const outcome = await push(hubspot, it.session, customer({ orderCount: 9 }));
    expect(outcome?.remoteId).toBe(survivor.id);
    expect(it.sandbox.record('contacts', survivor.id)?.properties.tributary_order_count).toBe('9');
  });

  it.each(['always', 'traced'] as const)(
    'writes a hundred side by side in a handful of calls, and one bad input spoils none of them (%s)',
    async (partialFailures) => {
      await using it = await prepared({ partialFailures });
      it.sandbox.createContact({ email: 'c50@example.com' });
      await forget(it.sandbox);
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          push(hubspot, it.session, customer({ id: BigInt(1000 + index), email: `c${index}@example.com` })),
        ),
      );
      expect(outcomes.filter((one) => one?.adopted)).toHaveLength(1);
      expect(new Set(outcomes.map((one) => one?.remoteId)).size).toBe(100);
      expect(it.sandbox.records('contacts')).toHaveLength(100);
      for (const [index, one] of outcomes.entries())
        expect(it.sandbox.record('contacts', one?.remoteId ?? '')?.properties.email).toBe(
          `c${index}@example.com`,
        );
      expect((await requestsTo(it.sandbox)).length).toBeLessThanOrEqual(6);
    },
  );
});

describe('orders', () => {
  const twoLines = order({
    lines: [
      orderLine(),
      orderLine({
        id: 72n,
        remoteId: '9002',
        title: 'Cap',
        variantTitle: null,
        sku: null,
        quantity: 3,
        unitPriceMinor: 1000n,
        discountMinor: 100n,
      }),
    ],
  });

  it('writes an order with its line items and its contact in two rounds', async () => {
    await using it = await prepared();
    await forget(it.sandbox);
    const [contact, written] = await Promise.all([
      push(hubspot, it.session, customer()),
      push(hubspot, it.session, twoLines),
    ]);
    const record = it.sandbox.record('orders', written?.remoteId ?? '');
    expect(record?.properties).toMatchObject({
      hs_order_name: '#1001',
      hs_external_order_id: '820982911946154508',
      hs_currency_code: 'USD',
      hs_total_price: '79.00',
      hs_subtotal_price: '80.00',
      hs_order_discount: '1.00',
      hs_payment_status: 'paid',
      hs_source_store: 'Online store',
      hs_external_created_date: '2026-11-20T23:30:00.000Z',
      tributary_order_id: 'shopify:820982911946154508',
      tributary_customer_id: '7',
      tributary_net_total: '79.00',
    });
    expect(it.sandbox.associated('orders', record?.id ?? '', 'contacts')).toEqual([contact?.remoteId]);
    const items = it.sandbox
      .associated('orders', record?.id ?? '', 'line_items')
      .map((id) => it.sandbox.record('line_items', id)?.properties);
    expect(items.map((one) => [one?.name, one?.quantity, one?.price, one?.discount, one?.hs_sku])).toEqual([
      ['Wool jumper – Blue / M', '2', '25.00', '0', 'WJ-BL-M'],
      ['Cap', '3', '10.00', '0.33333333', undefined],
    ]);
    expect((await requestsTo(it.sandbox)).toSorted()).toEqual(
      [
        'POST /crm/v3/objects/contacts/batch/create',
        'POST /crm/v3/objects/line_items/batch/upsert',
        'POST /crm/v3/objects/orders/batch/create',
      ].map((path) => expect.stringMatching(pathPattern(path))),
    );
    expect(await push(hubspot, it.session, twoLines)).toBeNull();
  });

  it('coalesces what twenty orders need at the same time', async () => {
    await using it = await prepared();
    await forget(it.sandbox);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => {
        const buyer = customer({ id: BigInt(100 + index), email: `b${index}@example.com` });
        const one = order({
          id: BigInt(600 + index),
          remoteId: `77${index}`,
          number: `#${index}`,
          customer: buyer,
        });
        return [push(hubspot, it.session, buyer), push(hubspot, it.session, one)];
      }).flat(),
    );
    expect(it.sandbox.records('orders')).toHaveLength(20);
    for (const record of it.sandbox.records('orders')) {
      expect(it.sandbox.associated('orders', record.id, 'contacts')).toHaveLength(1);
      expect(it.sandbox.associated('orders', record.id, 'line_items')).toHaveLength(1);
    }
    expect((await requestsTo(it.sandbox)).length).toBeLessThanOrEqual(8);
  });

  it('waits for its contact and is tried again when that does not come', async () => {
    await using it = await prepared();
    it.session.settings = { contactWaitMs: 30 };
    const error = await failure(push(hubspot, it.session, twoLines));
    expect([error.code, error.retryable]).toEqual(['LINK_PENDING', true]);
    expect(it.sandbox.records('orders')).toHaveLength(0);
    await push(hubspot, it.session, customer());
    await push(hubspot, it.session, twoLines);
    expect(it.sandbox.records('line_items')).toHaveLength(2);
  });

  it('takes over what an attempt wrote whose answer was lost', async () => {
    await using it = await prepared();
    await push(hubspot, it.session, customer());
    it.sandbox.faults.add({
      id: 'lost',
      path: /orders\/batch\/create|orders.*batch/.source,
      effect: { kind: 'dropResponse' },
      times: 1,
    } as never);
    const error = await failure(push(hubspot, it.session, twoLines));
    expect(error.retryable).toBe(true);
    it.sandbox.faults.clear();
    const outcome = await push(hubspot, it.session, twoLines);
    expect(it.sandbox.records('orders')).toHaveLength(1);
    expect(outcome?.adopted).toBe(true);
    expect(it.sandbox.associated('orders', outcome?.remoteId ?? '', 'line_items')).toHaveLength(2);
  });

  it('updates totals in one call, and line items only where they changed', async () => {
    await using it = await prepared();
    await push(hubspot, it.session, customer());
    const first = await push(hubspot, it.session, twoLines);
    await forget(it.sandbox);
    await push(hubspot, it.session, {
      ...twoLines,
      refundedMinor: 1000n,
      financialStatus: 'partially_refunded',
    });
    expect(await requestsTo(it.sandbox)).toHaveLength(1);
    expect(it.sandbox.record('orders', first?.remoteId ?? '')?.properties).toMatchObject({
      hs_refund_amount: '10.00',
      tributary_net_total: '69.00',
      hs_payment_status: 'partially_refunded',
    });
    const edited = order({
      lines: [...twoLines.lines, orderLine({ id: 73n, remoteId: '9003', title: 'Scarf', quantity: 1 })],
    });
    await push(hubspot, it.session, edited);
    expect(it.sandbox.associated('orders', first?.remoteId ?? '', 'line_items')).toHaveLength(3);
    expect(it.sandbox.records('line_items')).toHaveLength(3);
  });

  it('skips test orders and writes guests without a contact', async () => {
    await using it = await prepared();
    expect(await push(hubspot, it.session, order({ test: true }))).toBeNull();
    const guest = await push(hubspot, it.session, order({ customer: null }));
    expect(it.sandbox.associated('orders', guest?.remoteId ?? '', 'contacts')).toEqual([]);
  });

  it('asks a person where the portal does not know the currency', async () => {
    await using it = await prepared();
    const error = await failure(push(hubspot, it.session, order({ customer: null, currency: 'ZZZ' })));
    expect([error.code, error.retryable]).toEqual(['HUBSPOT_REFUSED', false]);
    expect(error.remedy).toMatch(/Currency in HubSpot/);
  });
});

describe('what HubSpot tells', () => {
  async function listening(options: Partial<HubSpotSandboxOptions> = {}) {
    const listener = await subscriber();
    const sandbox = await start({ webhookUrl: listener.url, webhookBatchMs: 5, ...options });
    const session = sessionAt(sandbox);
    await hubspot.prepare(session, { webhookUrl: listener.url });
    let read = 0;
    return {
      sandbox,
      session,
      /** The deliveries since the last call, verified. */
      deliveries: async (atLeast: number) => {
        const heard = (): DeliveryFacts[] =>
          listener.received.slice(read).flatMap((one) => {
            const request = webhook(one, listener.url);
            expect(hubspot.door.verify(request, session.stored)).toBe(true);
            return hubspot.door.split(request).map(delivery);
          });
        await until(() => heard().length >= atLeast);
        const found = heard();
        read = listener.received.length;
        return found;
      },
      [Symbol.asyncDispose]: async () => {
        await sandbox[Symbol.asyncDispose]();
        await listener[Symbol.asyncDispose]();
      },
    };
  }

  it('is ignored without a call where it is our own write', async () => {
    await using it = await listening();
    await push(hubspot, it.session, customer());
    const deliveries = await it.deliveries(8);
    await forget(it.sandbox);
    for (const one of deliveries)
      expect(await hubspot.interpret(one, it.session, { fresh: false })).toMatchObject({ kind: 'ignored' });
    expect(await requestsTo(it.sandbox)).toEqual([]);
  });

  it('is of no use at the door where it is our own write, but for one event of each body', async () => {
    const listener = await subscriber();
    await using sandbox = await start({ webhookUrl: listener.url, webhookBatchMs: 5 });
    const session = sessionAt(sandbox);
    await hubspot.prepare(session, { webhookUrl: listener.url });
    const split = () => listener.received.map((one) => hubspot.door.split(webhook(one, listener.url)));
    const outcome = await push(hubspot, session, customer());
    await until(() => split().flat().length >= 8);
    const own = split();
    expect(own.map((body) => body.filter(({ ignored }) => ignored !== true).length)).toEqual(
      own.map(() => 1),
    );
    sandbox.editContact(outcome?.remoteId ?? '', { phone: '+4930123' });
    await until(() => split().length > own.length);
    expect(
      split()
        .slice(own.length)
        .flat()
        .map(({ ignored }) => ignored),
    ).toEqual([undefined]);
    await listener[Symbol.asyncDispose]();
  });

  it('tells of a person’s change the property that changed and nothing else', async () => {
    await using it = await listening();
    const outcome = await push(hubspot, it.session, customer());
    await it.deliveries(8);
    it.sandbox.editContact(outcome?.remoteId ?? '', { phone: '+4930123' });
    const [one] = await it.deliveries(1);
    if (one === undefined) throw new Error('no delivery');
    const read = await hubspot.interpret(one, it.session, { fresh: false });
    expect(read).toMatchObject({
      kind: 'changes',
      changes: [
        {
          kind: 'customer',
          remoteId: outcome?.remoteId,
          customer: { phone: '+4930123' },
          observed: { phone: '+4930123' },
        },
      ],
    });
    const change = read.kind === 'changes' ? read.changes[0] : undefined;
    expect(change?.kind === 'customer' && Object.keys(change.customer)).toEqual(['phone']);
    expect(change?.version.observedAt).toBeInstanceOf(Date);
    // Planning against the observed state has nothing to write back.
    const state = { ...outcome?.state, ...change?.observed };
    const link = { remoteType: 'contact', remoteId: '1', remoteVersion: null, state };
    expect(
      hubspot.plan(customer({ phone: '+4930123' }), { connectionId: 2n, settings: {}, link, isOrigin: true }),
    ).toEqual([]);
  });

  it.each(['classic', 'generic'] as const)(
    'reads a new contact, a deletion and a merge (%s)',
    async (webhookFormat) => {
      await using it = await listening({ webhookFormat });
      const contact = it.sandbox.createContact({
        email: 'Eve@Example.com',
        firstname: 'Eve',
        city: 'Bonn',
        country: 'germany',
      });
      const created = (await it.deliveries(1)).find((one) => one.topic.endsWith('.creation'));
      if (created === undefined) throw new Error('no creation');
      expect(await hubspot.interpret(created, it.session, { fresh: true })).toMatchObject({
        kind: 'changes',
        changes: [
          {
            kind: 'customer',
            remoteId: contact.id,
            customer: {
              email: 'eve@example.com',
              firstName: 'Eve',
              lastName: null,
              address: { city: 'Bonn', countryCode: 'DE' },
            },
          },
        ],
      });
      const other = it.sandbox.createContact({ email: 'eve2@example.com' });
      await it.deliveries(2);
      const survivor = it.sandbox.mergeContacts(contact.id, other.id);
      const told = await it.deliveries(2);
      for (const one of told) {
        const read = await hubspot.interpret(one, it.session, { fresh: false });
        const change = read.kind === 'changes' ? read.changes[0] : undefined;
        if (change?.kind !== 'customer') throw new Error(`${one.topic} did not lead to the survivor`);
        expect(change.remoteId).toBe(survivor.id);
        expect(change.customer.mergedRemoteIds?.toSorted()).toEqual([contact.id, other.id].toSorted());
      }
      it.sandbox.deleteContact(survivor.id);
      const [gone] = await it.deliveries(1);
      if (gone === undefined) throw new Error('no deletion');
      expect(await hubspot.interpret(gone, it.session, { fresh: false })).toMatchObject({
        kind: 'changes',
        changes: [{ kind: 'customerRemoved', remoteId: survivor.id }],
      });
    },
  );

  it('reads many contacts in one call', async () => {
    await using it = await listening();
    for (let index = 0; index < 30; index += 1) it.sandbox.createContact({ email: `m${index}@example.com` });
    const created = (await it.deliveries(60)).filter((one) => one.topic.endsWith('.creation'));
    expect(created).toHaveLength(30);
    await forget(it.sandbox);
    await Promise.all(created.map((one) => hubspot.interpret(one, it.session, { fresh: false })));
    expect(await requestsTo(it.sandbox)).toHaveLength(1);
  });

  it('observes an order that a person touched', async () => {
    await using it = await listening({ subscribedObjectTypes: ['contacts', 'orders'] });
    const outcome = await push(hubspot, it.session, order({ customer: null }));
    const event = {
      eventId: 1,
      subscriptionId: 1,
      portalId: 62515,
      appId: 1160452,
      occurredAt: Date.now(),
      subscriptionType: 'object.propertyChange',
      objectTypeId: '0-123',
      objectId: Number(outcome?.remoteId),
      propertyName: 'hs_order_note',
      changeSource: 'CRM_UI',
    };
    const facts = (id: string): DeliveryFacts => ({
      id: 1n,
      topic: 'object.propertyChange',
      subject: `order:${id}`,
      eventId: '1',
      triggeredAt: null,
      receivedAt: new Date(),
      body: Buffer.from(JSON.stringify({ ...event, objectId: Number(id) })),
    });
    expect(
      await hubspot.interpret(facts(outcome?.remoteId ?? ''), it.session, { fresh: false }),
    ).toMatchObject({
      kind: 'changes',
      changes: [
        { kind: 'documentObserved', remoteType: 'order', remoteId: outcome?.remoteId, state: outcome?.state },
      ],
    });
    expect(await hubspot.interpret(facts('999'), it.session, { fresh: false })).toMatchObject({
      changes: [{ kind: 'documentObserved', remoteId: '999', state: null }],
    });
  });
});

describe('trouble', () => {
  it.each([
    [
      'a rolling limit',
      {
        kind: 'status',
        status: 429,
        body: '{"status":"error","message":"You have reached your ten_secondly_rolling limit.","policyName":"TEN_SECONDLY_ROLLING"}',
      },
      'HUBSPOT_RATE_LIMIT',
      true,
      10_000,
    ],
    [
      'a daily limit',
      {
        kind: 'status',
        status: 429,
        body: '{"status":"error","message":"You have reached your daily limit.","policyName":"DAILY"}',
      },
      'HUBSPOT_RATE_LIMIT',
      true,
      3_600_000,
    ],
    ['a portal migration', portalMigration(7200), 'HUBSPOT_MIGRATING', true, 7_200_000],
    [
      'a server error',
      { kind: 'status', status: 502, headers: { 'content-type': 'text/html' }, body: '<html>' },
      'HUBSPOT_UNAVAILABLE',
      true,
      null,
    ],
    ['a dropped connection', { kind: 'reset' }, 'HUBSPOT_UNREACHABLE', true, null],
  ] as const)(
    'says of %s what it is and when to come back',
    async (_what, effect, code, retryable, retryAfterMs) => {
      await using it = await prepared();
      it.sandbox.faults.add({ id: 'trouble', effect } as never);
      const error = await failure(push(hubspot, it.session, customer()));
      expect([error.code, error.retryable, error.retryAfterMs]).toEqual([code, retryable, retryAfterMs]);
    },
  );

  it('names the remedy where the token is not accepted', async () => {
    await using sandbox = await start();
    const session = sessionAt(sandbox, { accessToken: 'wrong' });
    const error = await failure(push(hubspot, session, customer()));
    expect([error.code, error.retryable]).toEqual(['HUBSPOT_UNAUTHORIZED', false]);
    expect(error.remedy).toMatch(/Connect HubSpot again/);
  });

  it('renews an OAuth token once for all who find it spent', async () => {
    await using sandbox = await start();
    const session = sessionAt(sandbox, {
      accessToken: 'spent',
      refresh: {
        clientId: 'hubspot-sandbox-client',
        refreshToken: 'hubspot-sandbox-refresh',
        expiresAt: null,
      },
    });
    await hubspot.prepare(session, { webhookUrl: '' });
    expect(session.rotations).toBe(1);
    expect(session.stored.accessToken).toMatch(/^oauth-sandbox-/);
    await push(hubspot, session, customer());
    expect(session.rotations).toBe(1);
  });
});

describe('sweeping', () => {
  async function swept(session: MemorySession<HubSpotCredentials>, since: Date | null) {
    const changes = [];
    for await (const page of hubspot.sweep(session, { since })) changes.push(...page);
    return changes;
  }

  it('reads every contact the first time', async () => {
    await using it = await prepared();
    for (let index = 0; index < 130; index += 1) it.sandbox.createContact({ email: `s${index}@example.com` });
    const changes = await swept(it.session, null);
    expect(new Set(changes.map((one) => one.kind === 'customer' && one.customer.email)).size).toBe(130);
  });

  it('tells afterwards what others changed since, and nothing that we wrote ourselves', async () => {
    const clock = { now: Date.now() - 3_600_000 };
    await using it = await prepared({ now: () => clock.now });
    const outcome = await push(hubspot, it.session, customer());
    const untouched = it.sandbox.createContact({ email: 'old@example.com' });
    clock.now += 1_800_000;
    const since = new Date(clock.now);
    clock.now += 60_000;
    it.sandbox.editContact(outcome?.remoteId ?? '', { city: 'Potsdam' });
    await push(hubspot, it.session, customer({ firstName: 'Adah' }));
    const changes = await swept(it.session, since);
    expect(changes.map((one) => 'remoteId' in one && one.remoteId)).not.toContain(untouched.id);
    expect(changes).toMatchObject([
      { kind: 'customer', remoteId: outcome?.remoteId, observed: { firstname: 'Adah' } },
    ]);
    const [change] = changes;
    expect(change?.kind === 'customer' && Object.keys(change.customer)).toEqual(['address']);
  });

  it('finds what people wrote into the property of a custom field, at the time when they did', async () => {
    const clock = { now: Date.now() - 3_600_000 };
    await using it = await prepared({ now: () => clock.now });
    it.session.fields = [sizeOf('Customer')];
    await hubspot.prepare(it.session, { webhookUrl: '' });
    const { id } = it.sandbox.createContact({ email: 'sized@example.com', size: 'M' });
    clock.now += 1_800_000;
    const since = new Date(clock.now);
    clock.now += 60_000;
    it.sandbox.editContact(id, { size: 'XL' });
    const writtenAt = clock.now;
    clock.now += 60_000;
    it.sandbox.editContact(id, { city: 'Potsdam' });
    const changes = await swept(it.session, since);
    expect(changes.filter((one) => one.kind === 'crmFields')).toEqual([
      {
        kind: 'crmFields',
        owner: 'Customer',
        remoteId: id,
        values: { size: 'XL' },
        version: { sourceUpdatedAt: new Date(writtenAt), observedAt: expect.any(Date) },
      },
    ]);
  });

  it('finds them in orders too, behind what we wrote since, and in everything where it reads everything', async () => {
    const clock = { now: Date.now() - 3_600_000 };
    await using it = await prepared({ now: () => clock.now });
    it.session.fields = [sizeOf('Order')];
    await hubspot.prepare(it.session, { webhookUrl: '' });
    const write = async (method: string, path: string, properties: Record<string, string>) => {
      const response = await fetch(`${it.sandbox.url}/crm/v3/objects/orders${path}`, {
        method,
        headers: { authorization: 'Bearer pat-sandbox', 'content-type': 'application/json' },
        body: JSON.stringify({ properties, ...(method === 'POST' ? { associations: [] } : {}) }),
      });
      return (await response.json()) as { id: string };
    };
    const { id } = await write('POST', '', { hs_order_name: '#1', size: 'M' });
    await write('POST', '', { hs_order_name: '#2', size: 'M' });
    clock.now += 60_000;
    it.sandbox.editOrder(id, { size: 'XL' });
    const editedAt = clock.now;
    clock.now += 60_000;
    await write('PATCH', `/${id}`, { size: 'M' });
    // Until the search shows it.
    clock.now += 60_000;
    const word = {
      kind: 'crmFields',
      owner: 'Order',
      remoteId: id,
      values: { size: 'XL' },
      observed: { size: 'M' },
      version: { sourceUpdatedAt: new Date(editedAt), observedAt: expect.any(Date) },
    };
    const wordsSince = async (since: Date | null) =>
      (await swept(it.session, since)).filter((one) => one.kind === 'crmFields');
    expect(await wordsSince(new Date(editedAt))).toEqual([word]);
    expect(await wordsSince(null)).toEqual([word]);
    // What was said long before is no news.
    expect(await wordsSince(new Date(editedAt + 600_000))).toEqual([]);
  });
});

function sizeOf(owner: CustomField['owner']): CustomField {
  return {
    id: 1n,
    owner,
    key: 'size',
    name: 'Size',
    description: null,
    type: 'text',
    source: { kind: 'tag', prefix: 'size:' },
    transform: {},
    limits: {},
    options: [],
    hubspotProperty: 'size',
    quickbooksField: null,
    writeBack: false,
    authority: 'latest',
    declaredBy: 'api',
  };
}

function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.replace('/v3/objects', '/(v3/objects|objects/[0-9-]+)')}$`);
}
