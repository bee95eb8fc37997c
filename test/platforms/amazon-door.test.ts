import { expect, test } from 'vitest';
import type { AmazonCredentials } from '../../src/sync/platforms/amazon/credentials.ts';
import { door } from '../../src/sync/platforms/amazon/door.ts';
import type { WebhookRequest } from '../../src/sync/platforms/platform.ts';

const credentials: AmazonCredentials = {
  sellerId: 'A1',
  marketplaceId: 'ATVPDKIKX0DER',
  clientId: 'c',
  clientSecret: 's',
  refreshToken: 'r',
  webhookSecret: 'a-secret-of-both-sides',
};

const orderChange = {
  NotificationVersion: '1.0',
  NotificationType: 'ORDER_CHANGE',
  PayloadVersion: '1.0',
  EventTime: '2026-11-24T01:02:03.500Z',
  Payload: {
    OrderChangeNotification: {
      NotificationLevel: 'OrderLevel',
      SellerId: 'A1',
      AmazonOrderId: '111-2222222-3333333',
      OrderChangeType: 'OrderStatusChange',
      OrderChangeTrigger: { TimeOfOrderChange: '2026-11-24T01:02:03.000Z', ChangeReason: 'Shipped' },
      Summary: {},
    },
  },
  NotificationMetadata: {
    ApplicationId: 'app',
    SubscriptionId: 'subscription',
    PublishTime: '2026-11-24T01:02:04.000Z',
    NotificationId: 'd0e9e693-c3ad-4373-979f-ed4ec98dd746',
  },
};

function request(body: unknown, headers: Record<string, string> = {}): WebhookRequest {
  return {
    method: 'POST',
    url: 'https://tributary.example/webhooks/amazon',
    headers,
    rawBody: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    receivedAtMs: 0,
  };
}

test('only the very secret opens the door, in its own header or as a bearer, and without one of ours nothing does', () => {
  const verify = (headers: Record<string, string>, known = credentials) =>
    door.isSigned(request({}, headers)) && door.verify(request({}, headers), known);
  expect(verify({ 'x-tributary-secret': 'a-secret-of-both-sides' })).toBe(true);
  expect(verify({ authorization: 'Bearer a-secret-of-both-sides' })).toBe(true);
  expect(verify({})).toBe(false);
  expect(verify({ 'x-tributary-secret': '' })).toBe(false);
  expect(verify({ 'x-tributary-secret': 'a-secret-of-both-side' })).toBe(false);
  expect(verify({ 'x-tributary-secret': 'a-secret-of-both-sides ' })).toBe(false);
  expect(verify({ authorization: 'Basic a-secret-of-both-sides' })).toBe(false);
  const { webhookSecret: _none, ...without } = credentials;
  expect(verify({ 'x-tributary-secret': 'undefined' }, without)).toBe(false);
});

test('a notification is the same delivery in every envelope that AWS puts around it', () => {
  const sqs = { messageId: 'm1', body: JSON.stringify(orderChange), eventSource: 'aws:sqs' };
  const sns = { Type: 'Notification', MessageId: 'n1', Message: JSON.stringify(orderChange) };
  const envelopes = [
    orderChange,
    { version: '0', id: 'e1', 'detail-type': 'ORDER_CHANGE', source: 'aws.partner/x', detail: orderChange },
    [sqs],
    { Records: [sqs] },
    { Records: [{ ...sqs, body: JSON.stringify(sns) }] },
    sns,
  ];
  for (const envelope of envelopes) {
    const [delivery, ...more] = door.split(request(envelope));
    expect(more).toEqual([]);
    expect({ ...delivery, body: JSON.parse(String(delivery?.body)) }).toEqual({
      accountId: 'A1',
      externalId: 'd0e9e693-c3ad-4373-979f-ed4ec98dd746',
      eventId: null,
      topic: 'ORDER_CHANGE',
      subject: 'order:111-2222222-3333333',
      triggeredAt: new Date('2026-11-24T01:02:03.000Z'),
      body: orderChange,
    });
  }
});

test('each kind says what it speaks of; kinds without use are kept and cost no work', () => {
  const told = (NotificationType: string, Payload: unknown) =>
    door.split(request({ ...orderChange, NotificationType, Payload }))[0];
  expect(
    told('TRANSACTION_UPDATE', {
      TransactionUpdateNotification: {
        SellingPartnerMetadata: { SellingPartnerId: 'A1' },
        RelatedIdentifiers: [{ RelatedIdentifierName: 'OrderId', RelatedIdentifierValue: '111' }],
        TransactionType: 'Refund',
      },
    }),
  ).toMatchObject({ accountId: 'A1', subject: 'order:111' });
  expect(
    told('LISTINGS_ITEM_MFN_QUANTITY_CHANGE', { SellerId: 'A1', Sku: 'A:B', Quantity: 1 }),
  ).toMatchObject({
    subject: 'listing:A:B',
  });
  expect(told('FBA_INVENTORY_AVAILABILITY_CHANGES', { SellerId: 'A1', SKU: 'LAMP' })).toMatchObject({
    subject: 'stock:LAMP',
  });
  expect(told('BRANDED_ITEM_CONTENT_CHANGE', { SellerId: 'A1' })).toMatchObject({ ignored: true });
});

test('what is no notification is refused in words, whatever it is', () => {
  const refused = (body: unknown) => () => door.split(request(body));
  expect(refused('not json')).toThrow('is not JSON');
  expect(refused([])).toThrow('is an empty list');
  expect(refused({ hello: 'world' })).toThrow('is no notification');
  expect(refused({ 'detail-type': 'ORDER_CHANGE', detail: null })).toThrow('is no notification');
  expect(refused({ Records: [{ messageId: 'm', body: '<xml/>' }] })).toThrow('is not JSON');
  expect(refused({ ...orderChange, Payload: {} })).toThrow('lacks OrderChangeNotification');
});
