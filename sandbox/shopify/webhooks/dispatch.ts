import { createHmac } from 'node:crypto';
import type { Random } from '../../kit/random.ts';
import type { OutgoingWebhook, WebhookSender } from '../../kit/webhooks.ts';
import type { WebhookSubscription } from '../commerce/types.ts';
import type { Shop, ShopEvent } from '../shop.ts';
import { digits } from './exact-json.ts';
import { payloadOf } from './payloads.ts';

/** Waits of a real shop between its nine attempts: four hours in all. */
export const retryDelaysMs: readonly number[] = [60, 300, 600, 1200, 1800, 2700, 3600, 4140].map(
  (seconds) => seconds * 1000,
);

/** What the sandbox sends to the address of the app's own configuration, and what an API-made subscription may ask for. */
export const servedTopics: readonly string[] = [
  'orders/create',
  'orders/updated',
  'orders/paid',
  'orders/cancelled',
  'orders/fulfilled',
  'orders/partially_fulfilled',
  'orders/edited',
  'order_transactions/create',
  'refunds/create',
  'fulfillments/create',
  'fulfillments/update',
  'customers/create',
  'customers/update',
  'customers/delete',
  'products/create',
  'products/update',
  'products/delete',
  'inventory_levels/update',
  'inventory_items/update',
  'shop/update',
  'app/uninstalled',
  'customers/data_request',
  'customers/redact',
  'shop/redact',
];

export interface DispatcherOptions {
  shop: Shop;
  sender: WebhookSender;
  apiSecret: string;
  apiVersion: string;
  /** Where the app's own configuration sends every topic; such subscriptions outlive failed deliveries. */
  appUrl: string | null;
  /** Share of orders whose orders/updated overtakes their orders/create. */
  outOfOrder: number;
  random: Random;
}

/** Turns what happens in the shop into signed deliveries, one per subscription. */
export class WebhookDispatcher {
  appUrl: string | null;
  #options: DispatcherOptions;
  #batch: OutgoingWebhook[] = [];
  #subscriptionOf = new WeakMap<OutgoingWebhook, string>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.appUrl = options.appUrl;
  }

  /** The payload is taken now: it shows the record as it was when the event happened. */
  dispatch(event: ShopEvent): number {
    const subscriptions = this.#subscribers(event.topic);
    const copies = subscriptions.length + (this.appUrl === null ? 0 : 1);
    if (copies === 0) return 0;
    const payload = payloadOf(this.#options.shop, event);
    const whole = Buffer.from(JSON.stringify(payload));
    const eventId = this.#uuid();
    const triggeredAt = new Date(this.#options.shop.nowMs()).toISOString().replace('Z', '000000Z');
    if (this.appUrl !== null) this.#enqueue(event.topic, this.appUrl, whole, eventId, triggeredAt);
    for (const subscription of subscriptions) {
      const body = this.#bodyFor(subscription, event, payload, whole);
      const webhook = this.#enqueue(event.topic, subscription.uri, body, eventId, triggeredAt);
      this.#subscriptionOf.set(webhook, subscription.id);
    }
    return copies;
  }

  /** Metafields travel only where the subscription names their namespaces. */
  #bodyFor(
    { includeFields, metafieldNamespaces }: WebhookSubscription,
    event: ShopEvent,
    payload: Record<string, unknown>,
    whole: Buffer,
  ): Buffer {
    const owner = metafieldNamespaces.length === 0 ? null : ownerOf(event.topic);
    if (owner === null && includeFields.length === 0) return whole;
    const { shop } = this.#options;
    const full =
      owner === null
        ? payload
        : { ...payload, metafields: metafieldsOf(shop, owner, event.subjectId, metafieldNamespaces) };
    return includeFields.length === 0 ? Buffer.from(JSON.stringify(full)) : partOf(full, includeFields);
  }

  /** A subscription made through the API is deleted once all attempts of a delivery have failed. */
  exhausted(webhook: OutgoingWebhook): void {
    const id = this.#subscriptionOf.get(webhook);
    if (id !== undefined && this.#options.shop.subscriptions.delete(id)) this.#options.shop.changed();
  }

  #subscribers(topic: string): WebhookSubscription[] {
    const name = topic.replace('/', '_').toUpperCase();
    return [...this.#options.shop.subscriptions.values()].filter(
      (one) => one.topic === name && /^https?:/.test(one.uri),
    );
  }

  #enqueue(topic: string, url: string, body: Buffer, eventId: string, triggeredAt: string): OutgoingWebhook {
    const { apiSecret, apiVersion, shop } = this.#options;
    const id = this.#uuid();
    const headers = {
      'user-agent': 'Shopify-Captain-Hook',
      'x-shopify-topic': topic,
      'x-shopify-hmac-sha256': createHmac('sha256', apiSecret).update(body).digest('base64'),
      'x-shopify-shop-domain': shop.profile.domain,
      'x-shopify-api-version': apiVersion,
      'x-shopify-webhook-id': id,
      'x-shopify-event-id': eventId,
      'x-shopify-triggered-at': triggeredAt,
    };
    const webhook: OutgoingWebhook = { id, url, topic, body, headers: () => headers };
    if (this.#batch.length === 0) queueMicrotask(() => this.flush());
    this.#batch.push(webhook);
    return webhook;
  }

  /** Everything that one action caused goes out together, now and then in an order that surprises. */
  flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    const create = batch.findIndex((one) => one.topic === 'orders/create');
    if (create >= 0 && this.#options.random.chance(this.#options.outOfOrder)) {
      const [moved] = batch.splice(create, 1);
      if (moved !== undefined) batch.push(moved);
    }
    for (const webhook of batch) this.#options.sender.send(webhook);
  }

  #uuid(): string {
    const { random } = this.#options;
    const hex = (length: number): string =>
      Array.from({ length }, () => random.int(0, 15).toString(16)).join('');
    return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  }
}

function ownerOf(topic: string): 'Order' | 'Customer' | 'Product' | null {
  const [kind, what] = topic.split('/');
  if (what === 'delete' || what === 'edited') return null;
  return kind === 'orders'
    ? 'Order'
    : kind === 'customers'
      ? 'Customer'
      : kind === 'products'
        ? 'Product'
        : null;
}

function metafieldsOf(shop: Shop, owner: string, id: string, namespaces: readonly string[]) {
  return (shop.metafields.get(`gid://shopify/${owner}/${id}`) ?? [])
    .filter((one) => namespaces.includes(one.namespace))
    .map((one) => ({
      id: digits(one.id),
      namespace: one.namespace,
      key: one.key,
      value: one.value,
      description: null,
      owner_id: digits(id),
      created_at: new Date(one.createdAtMs).toISOString(),
      updated_at: new Date(one.updatedAtMs).toISOString(),
      owner_resource: owner.toLowerCase(),
      type: one.type,
      admin_graphql_api_id: `gid://shopify/Metafield/${one.id}`,
    }));
}

function partOf(payload: Record<string, unknown>, fields: readonly string[]): Buffer {
  const tops = new Set(fields.map((field) => field.split('.')[0]));
  return Buffer.from(
    JSON.stringify(Object.fromEntries(Object.entries(payload).filter(([key]) => tops.has(key)))),
  );
}
