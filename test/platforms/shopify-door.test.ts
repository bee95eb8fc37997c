import { describe, expect, test } from 'vitest';
import { shopifyCredentials, succeed } from '../../src/sync/platforms/shopify/credentials.ts';
import { parseExact } from '../../src/sync/platforms/shopify/exact-json.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';
import { credentials, webhook } from './shopify-support.ts';

const { door } = shopify;

const orderBody = '{"id":9100000000000001,"admin_graphql_api_id":"gid://shopify/Order/9100000000000001"}';

describe('the door', () => {
  test('a signature over the raw bytes opens it, and any other does not', () => {
    const request = webhook('orders/create', orderBody);
    expect(door.verify(request, credentials)).toBe(true);
    expect(door.verify({ ...request, rawBody: Buffer.from(`${orderBody} `) }, credentials)).toBe(false);
    expect(door.verify(webhook('orders/create', orderBody, { secret: 'another' }), credentials)).toBe(false);
  });

  test.each([[''], ['not base64 at all'], ['AAAA'], ['A'.repeat(4000)]])(
    'a signature of another length or form is refused without an error: %s',
    (signature) => {
      const request = webhook('orders/create', orderBody, {
        headers: { 'x-shopify-hmac-sha256': signature },
      });
      expect(door.verify(request, credentials)).toBe(false);
    },
  );

  test('after a rotation both the new and the old secret are taken, the old one for two hours', () => {
    const receivedAtMs = webhook('orders/create', orderBody).receivedAtMs;
    const { shop, accessToken } = credentials;
    const [before, next] = ['old', 'new'].map((apiSecret) => ({ shop, accessToken, apiSecret }));
    if (before === undefined || next === undefined) throw new Error('no credentials');
    const twoHours = 7_200_000;
    const rotatedBefore = (ms: number) => shopifyCredentials.parse(succeed(before, next, receivedAtMs - ms));
    const rotated = rotatedBefore(twoHours - 1);
    const signedWith = (secret: string) => webhook('orders/create', orderBody, { secret });
    expect(door.verify(signedWith('old'), rotatedBefore(twoHours))).toBe(false);
    expect(door.verify(signedWith('new'), rotatedBefore(twoHours))).toBe(true);
    // A new access token alone leaves what was said of the secrets.
    expect(succeed(rotated as Record<string, string>, { ...next, accessToken: 'x' }, receivedAtMs)).toEqual({
      ...rotated,
      accessToken: 'x',
    });
    expect(door.verify(signedWith('new'), rotated)).toBe(true);
    expect(door.verify(signedWith('old'), rotated)).toBe(true);
    expect(door.verify(signedWith('older'), rotated)).toBe(false);
  });

  test('a request without signature, shop or topic counts as unsigned', () => {
    expect(door.isSigned(webhook('orders/create', orderBody))).toBe(true);
    for (const name of ['x-shopify-hmac-sha256', 'x-shopify-shop-domain', 'x-shopify-topic'])
      expect(door.isSigned(webhook('orders/create', orderBody, { headers: { [name]: '' } }))).toBe(false);
  });

  test('a delivery keeps its ids, its time and the bytes', () => {
    const [delivery] = door.split(webhook('orders/create', orderBody));
    expect(delivery).toEqual({
      accountId: 'demo-shop.myshopify.com',
      externalId: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
      eventId: '98880550-7158-44d4-b7cd-2c97c8a091b5',
      topic: 'orders/create',
      subject: 'order:9100000000000001',
      triggeredAt: new Date('2026-11-23T10:00:00.123Z'),
      body: Buffer.from(orderBody),
    });
  });

  test.each([
    ['a number that JavaScript holds', 'orders/paid', '{"id":5551,"note":null}', 'order:5551'],
    [
      'the id that is text',
      'customers/update',
      '{"id":9200000000000001,"admin_graphql_api_id":"gid://shopify/Customer/9200000000000001"}',
      'customer:9200000000000001',
    ],
    [
      'the digits, where the text is of another record',
      'products/update',
      '{"id":9600000000000001,"admin_graphql_api_id":"gid://shopify/Product/77"}',
      'product:9600000000000001',
    ],
    [
      'the digits of a body that is about something else',
      'refunds/create',
      '{"id":5,"order_id":9100000000000003}',
      'order:9100000000000003',
    ],
  ])('the subject is told by %s', (_by, topic, body, subject) => {
    expect(door.split(webhook(topic, body))[0]?.subject).toBe(subject);
  });

  test.each(['{"id":-5}', '{"id":1.5}', '{"id":"x"}', '{}', '[]', 'null', '{"id":5'])(
    'a body without an id is malformed: %s',
    (body) => {
      expect(() => door.split(webhook('orders/create', body))).toThrow(/MALFORMED_WEBHOOK/);
    },
  );

  test('ids beyond 2^53 keep every digit', () => {
    expect(door.split(webhook('orders/updated', '{"id":820982911946154508}'))[0]?.subject).toBe(
      'order:820982911946154508',
    );
    expect(parseExact(Buffer.from('{"a":[9007199254740993,0.10,1e2],"b":null,"c":true}'))).toEqual({
      a: ['9007199254740993', '0.10', '1e2'],
      b: null,
      c: true,
    });
  });

  test.each([
    ['orders/edited', '{"order_edit":{"order_id":9100000000000003}}', 'order:9100000000000003'],
    ['refunds/create', '{"id":1,"order_id":9100000000000003}', 'order:9100000000000003'],
    ['fulfillments/update', '{"id":1,"order_id":9100000000000003}', 'order:9100000000000003'],
    ['order_transactions/create', '{"id":1,"order_id":9100000000000003}', 'order:9100000000000003'],
    ['customers/update', '{"id":9200000000000003}', 'customer:9200000000000003'],
    ['customers/redact', '{"shop_id":1,"customer":{"id":9200000000000003}}', 'customer:9200000000000003'],
    [
      'customers/merge',
      '{"admin_graphql_api_customer_kept_id":"gid://shopify/Customer/9200000000000003"}',
      'customer:9200000000000003',
    ],
    ['products/delete', '{"id":9600000000000003}', 'product:9600000000000003'],
    [
      'inventory_levels/update',
      '{"inventory_item_id":9800000000000003,"location_id":70000000001,"available":1}',
      'stock:9800000000000003:70000000001',
    ],
    ['inventory_items/update', '{"id":9800000000000003}', 'inventory_item:9800000000000003'],
    ['locations/update', '{"id":70000000001}', 'location:70000000001'],
    ['app/uninstalled', '{"id":548380009}', 'shop'],
    ['shop/redact', '{"shop_id":548380009}', 'shop'],
    ['something/new', '{}', 'shop'],
  ])('%s speaks of its subject', (topic, body, subject) => {
    expect(door.split(webhook(topic, body))[0]?.subject).toBe(subject);
  });

  test.each([
    ['not JSON', 'orders/create', '<order/>'],
    ['cut short', 'orders/create', '{"id":91000'],
    ['nested beyond reason', 'orders/create', '['.repeat(200_000) + ']'.repeat(200_000)],
    ['no id', 'orders/create', '{"name":"#1001"}'],
    ['an id of another kind', 'orders/create', '{"id":{"$ne":1}}'],
    ['an array', 'refunds/create', '[]'],
    ['null', 'customers/update', 'null'],
  ])('a body that is %s is malformed', (_what, topic, body) => {
    expect(() => door.split(webhook(topic, body))).toThrow(
      expect.objectContaining({ code: 'MALFORMED_WEBHOOK', retryable: false }),
    );
  });

  test('a delivery without an id is known by its content', () => {
    const request = (body: string) =>
      webhook('products/delete', body, {
        headers: { 'x-shopify-webhook-id': undefined as unknown as string },
      });
    const [first] = door.split(request('{"id":1}'));
    const [again] = door.split(request('{"id":1}'));
    const [other] = door.split(request('{"id":2}'));
    expect(first?.externalId).toBe(again?.externalId);
    expect(first?.externalId).not.toBe(other?.externalId);
  });
});
