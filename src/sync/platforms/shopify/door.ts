import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { Door, WebhookRequest } from '../platform.ts';
import type { ShopifyCredentials } from './credentials.ts';
import { parseExact } from './exact-json.ts';
import { idOf, levelSubject } from './vocabulary.ts';

export const door: Door<ShopifyCredentials> = {
  accountIdOf: (request) => request.headers['x-shopify-shop-domain']?.toLowerCase() ?? null,

  isSigned: (request) =>
    Boolean(request.headers['x-shopify-hmac-sha256']) &&
    Boolean(request.headers['x-shopify-shop-domain']) &&
    Boolean(request.headers['x-shopify-topic']),

  // Shopify signs no time, so that a captured request stays valid: the delivery's id is what refuses its repetition.
  verify(request, credentials) {
    const given = Buffer.from(request.headers['x-shopify-hmac-sha256'] ?? '', 'base64');
    const matches = secretsOf(credentials, request.receivedAtMs).map((secret) =>
      isDigestOf(given, request.rawBody, secret),
    );
    return matches.includes(true);
  },

  split(request) {
    const topic = request.headers['x-shopify-topic'] ?? '';
    return [
      {
        accountId: request.headers['x-shopify-shop-domain']?.toLowerCase() ?? '',
        externalId: request.headers['x-shopify-webhook-id'] ?? digestOf(request),
        eventId: request.headers['x-shopify-event-id'] ?? null,
        topic,
        subject: subjectIn(topic, request.rawBody),
        triggeredAt: instantOf(request.headers['x-shopify-triggered-at']),
        body: request.rawBody,
      },
    ];
  },
};

/** Topics whose body is one record, which is what they speak of. */
const topicsOfTheRecord = /^(orders\/(?!edited)|customers\/(create|update|delete|enable|disable)|products\/)/;

/**
 * Keeping every number of a large body as text takes Node ten times as long as reading it, and the door needs only one:
 * that is left to whoever works on the delivery, wherever the record's id can be told without.
 */
function subjectIn(topic: string, rawBody: Buffer): string {
  const own = topicsOfTheRecord.test(topic) ? ownId(rawBody) : null;
  return subjectOf(topic, own === null ? parseExact(rawBody) : { id: own });
}

/** Null where only an exact look can tell, or say what is wrong. */
function ownId(rawBody: Buffer): string | null {
  let body: unknown;
  try {
    body = JSON.parse(rawBody.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null || !('id' in body) || typeof body.id !== 'number')
    return null;
  if (Number.isSafeInteger(body.id)) return body.id < 0 ? null : String(body.id);
  // More than a number can hold: the id that is text tells the digits, where it is that of the same record.
  const name = 'admin_graphql_api_id' in body ? String(body.admin_graphql_api_id) : '';
  const digits = /^gid:\/\/shopify\/[A-Za-z]+\/(\d+)$/.exec(name)?.[1];
  return digits !== undefined && Number(digits) === body.id ? digits : null;
}

const id = z.string().regex(/^\d+$/);
const gid = z.string().regex(/^gid:\/\/shopify\/[A-Za-z]+\/\d+/);

/** What a webhook speaks of. Whatever concerns an order is worked on one after the other. */
function subjectOf(topic: string, body: unknown): string {
  const read = <T>(shape: z.ZodType<T>): T => {
    const parsed = shape.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new AppError({
      code: 'MALFORMED_WEBHOOK',
      retryable: false,
      publicMessage: `The body of ${topic.slice(0, 80)} does not say what it speaks of.`,
      remedy: 'Compare the body with what Shopify sends for this topic.',
    });
  };
  const own = (): string => read(z.object({ id })).id;
  if (topic === 'orders/edited')
    return `order:${read(z.object({ order_edit: z.object({ order_id: id }) })).order_edit.order_id}`;
  if (topic === 'customers/merge')
    return `customer:${idOf(read(z.object({ admin_graphql_api_customer_kept_id: gid })).admin_graphql_api_customer_kept_id)}`;
  if (topic === 'customers/data_request' || topic === 'customers/redact')
    return `customer:${read(z.object({ customer: z.object({ id }) })).customer.id}`;
  switch (topic.split('/')[0]) {
    case 'orders':
      return `order:${own()}`;
    case 'refunds':
    case 'fulfillments':
    case 'order_transactions':
      return `order:${read(z.object({ order_id: id })).order_id}`;
    case 'reverse_fulfillment_orders':
      return `reverse_fulfillment_order:${own()}`;
    case 'customers':
      return `customer:${own()}`;
    case 'products':
      return `product:${own()}`;
    case 'inventory_items':
      return `inventory_item:${own()}`;
    case 'inventory_levels': {
      const level = read(z.object({ inventory_item_id: id, location_id: id }));
      return `stock:${levelSubject(level.inventory_item_id, level.location_id)}`;
    }
    case 'locations':
      return `location:${own()}`;
    default:
      return 'shop';
  }
}

function secretsOf(credentials: ShopifyCredentials, nowMs: number): string[] {
  const { apiSecret, previousApiSecret, previousApiSecretUntil = '' } = credentials;
  const isInForce = previousApiSecret !== undefined && nowMs < Date.parse(previousApiSecretUntil);
  return isInForce ? [apiSecret, previousApiSecret] : [apiSecret];
}

function isDigestOf(given: Buffer, body: Buffer, secret: string): boolean {
  const wanted = createHmac('sha256', secret).update(body).digest();
  // Lengths are compared in the open: that of a digest is no secret.
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** A delivery without an id is known by what it says and when. */
function digestOf(request: WebhookRequest): string {
  const hash = createHash('sha256')
    .update(request.headers['x-shopify-topic'] ?? '')
    .update('\n')
    .update(request.headers['x-shopify-triggered-at'] ?? '')
    .update('\n')
    .update(request.rawBody);
  return `body-${hash.digest('base64url')}`;
}

function instantOf(text: string | undefined): Date | null {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? null : new Date(ms);
}
