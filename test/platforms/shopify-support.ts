import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import type { ShopifySandbox } from '../../sandbox/shopify/server.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import type {
  DeliveryFacts,
  Envelopes,
  Links,
  Session,
  WebhookRequest,
} from '../../src/sync/platforms/platform.ts';
import type { ShopifyCredentials } from '../../src/sync/platforms/shopify/credentials.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';

export const credentials: ShopifyCredentials = {
  shop: 'demo-shop.myshopify.com',
  accessToken: 'shpat_sandbox',
  apiSecret: 'shpss_sandbox_secret',
};

const noLinks: Links = {
  find: async () => new Map(),
  save: async () => undefined,
  waitFor: async () => {
    throw new Error('no links here');
  },
};

/** Envelopes in memory, as the engine keeps them; `pushes` holds the bodies and who travels in which. */
export function envelopesOf(
  pushes: Map<bigint, { body: Record<string, unknown>; key: string | null }>,
): Envelopes {
  return {
    seal: async (key, pushIds) => {
      for (const id of pushIds) pushes.set(id, { body: pushes.get(id)?.body ?? {}, key });
    },
    find: async (pushId) => {
      const key = pushes.get(pushId)?.key ?? null;
      if (key === null) return null;
      const members = [...pushes]
        .filter(([, one]) => one.key === key)
        .sort(([a], [b]) => Number(a - b))
        .map(([id, { body }]) => ({ pushId: id, body }));
      return { key, members };
    },
    open: async (key) => {
      for (const one of pushes.values()) if (one.key === key) one.key = null;
    },
  };
}

export function sessionFor(
  sandbox: { url: string },
  overrides: Partial<Session<ShopifyCredentials>> = {},
): Session<ShopifyCredentials> & { requests: number } {
  const session = {
    requests: 0,
    connectionId: 1n,
    accountId: credentials.shop,
    settings: {},
    credentials: async () => credentials,
    rotate: async () => credentials,
    limited: async <T>(request: () => Promise<T>): Promise<T> => {
      session.requests += 1;
      return request();
    },
    links: noLinks,
    envelopes: envelopesOf(new Map()),
    baseUrl: sandbox.url,
    timeoutMs: 5_000,
    customFields: async () => [],
    fieldsFound: async () => undefined,
    now: () => Date.now(),
    log: pino({ level: 'silent' }),
    cache: new Map<string, unknown>(),
    ...overrides,
  };
  return session;
}

/** A webhook as the platform would send it, signed. */
export function webhook(
  topic: string,
  body: string,
  {
    secret = credentials.apiSecret,
    headers = {},
  }: { secret?: string; headers?: Record<string, string> } = {},
): WebhookRequest {
  const rawBody = Buffer.from(body);
  return {
    method: 'POST',
    url: 'https://tributary.example/webhooks/shopify',
    headers: {
      'x-shopify-topic': topic,
      'x-shopify-shop-domain': 'Demo-Shop.myshopify.com',
      'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
      'x-shopify-event-id': '98880550-7158-44d4-b7cd-2c97c8a091b5',
      'x-shopify-triggered-at': '2026-11-23T10:00:00.123456789Z',
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(rawBody).digest('base64'),
      ...headers,
    },
    rawBody,
    receivedAtMs: 0,
  };
}

export function deliveryOf(topic: string, body: string): DeliveryFacts {
  const [incoming] = shopify.door.split(webhook(topic, body));
  if (incoming === undefined) throw new Error('split gave nothing');
  return {
    id: 1n,
    topic,
    subject: incoming.subject,
    eventId: incoming.eventId,
    triggeredAt: incoming.triggeredAt,
    receivedAt: new Date('2026-11-23T10:00:01Z'),
    body: incoming.body,
  };
}

export async function changesOf(
  session: Session<ShopifyCredentials>,
  topic: string,
  body: string,
  fresh = false,
): Promise<PlatformChange[]> {
  const interpretation = await shopify.interpret(deliveryOf(topic, body), session, { fresh });
  if (interpretation.kind !== 'changes') throw new Error(`${interpretation.kind}: ${interpretation.reason}`);
  return interpretation.changes;
}

/** The same order as its webhook tells it and as a fresh read tells it. */
export async function bothWays(
  sandbox: ShopifySandbox,
  session: Session<ShopifyCredentials>,
  id: string,
): Promise<{ told: PlatformChange & { kind: 'order' }; read: PlatformChange & { kind: 'order' } }> {
  const json = sandbox.orderJson(id);
  const [told] = await changesOf(session, 'orders/updated', json);
  const [read] = await changesOf(session, 'orders/updated', json, true);
  if (told?.kind !== 'order' || read?.kind !== 'order') throw new Error('no order came back');
  return { told, read };
}

/** Money received by an order's own transactions. */
export function paidOf(order: CanonicalOrder): bigint {
  return order.transactions
    .filter((one) => one.status === 'success')
    .reduce((sum, one) => {
      if (one.kind === 'sale' || one.kind === 'capture') return sum + one.amount.shop;
      return one.kind === 'change' ? sum - one.amount.shop : sum;
    }, 0n);
}

export function refundedOf(order: CanonicalOrder): bigint {
  return order.refunds
    .flatMap((refund) => refund.transactions)
    .filter((one) => one.status === 'success')
    .reduce((sum, one) => sum + one.amount.shop, 0n);
}
