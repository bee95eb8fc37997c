import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AmazonSandbox,
  type AmazonSandboxOptions,
  startAmazonSandbox,
} from '../../sandbox/amazon/server.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import type { CanonicalOrder } from '../../src/model/order.ts';
import type { AmazonCredentials } from '../../src/sync/platforms/amazon/credentials.ts';
import { amazon } from '../../src/sync/platforms/amazon/index.ts';
import type { DeliveryFacts } from '../../src/sync/platforms/platform.ts';
import { contractsPresent, type Exchange, violationsOf } from '../sandbox/amazon-contract.ts';
import { MemorySession } from './memory-session.ts';

export interface Seller extends AsyncDisposable {
  sandbox: AmazonSandbox;
  session: MemorySession<AmazonCredentials>;
  /** Everything that was asked of the API, tokens excepted. */
  exchanges: Exchange[];
  /** What Amazon's own models do not allow in them. */
  violations: string[];
}

/** A sandbox seller, and a session that speaks with it through a wire on which everything is checked against Amazon's models. */
export async function seller(options: Partial<AmazonSandboxOptions> = {}): Promise<Seller> {
  await using starting = new AsyncDisposableStack();
  const sandbox = starting.use(
    await startAmazonSandbox({
      port: 0,
      seed: 1,
      limits: false,
      visibleAfterMs: 0,
      applyMs: [1, 5],
      ...options,
    }),
  );
  const exchanges: Exchange[] = [];
  const violations: string[] = [];
  const wire = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(incoming.url ?? '/', sandbox.url);
    const answer = await fetch(url, {
      method: incoming.method ?? 'GET',
      headers: Object.fromEntries(
        Object.entries(incoming.headers).flatMap(([name, value]) =>
          typeof value === 'string' && !['host', 'connection', 'content-length'].includes(name)
            ? [[name, value]]
            : [],
        ),
      ),
      ...(body.length === 0 ? {} : { body }),
    });
    const text = await answer.text();
    if (!url.pathname.startsWith('/auth/')) {
      const exchange: Exchange = {
        method: incoming.method ?? '',
        url,
        body: body.length === 0 ? null : (JSON.parse(body.toString()) as unknown),
        status: answer.status,
        answer: jsonIn(text),
      };
      exchanges.push(exchange);
      // What a fault makes of an answer is not Amazon's.
      if (contractsPresent && answer.status < 500) violations.push(...violationsOf(exchange));
    }
    const limit = answer.headers.get('x-amzn-ratelimit-limit');
    outgoing.writeHead(answer.status, {
      'content-type': 'application/json',
      ...(limit === null ? {} : { 'x-amzn-RateLimit-Limit': limit }),
    });
    outgoing.end(text);
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  starting.defer(
    () =>
      new Promise<void>((resolve) => {
        wire.close(() => resolve());
        wire.closeAllConnections();
      }),
  );
  const session = new MemorySession<AmazonCredentials>({
    accountId: 'A2SANDBOXSELLER',
    baseUrl: `http://127.0.0.1:${(wire.address() as AddressInfo).port}`,
    credentials: {
      sellerId: 'A2SANDBOXSELLER',
      marketplaceId: 'ATVPDKIKX0DER',
      clientId: 'amzn1.application-oa2-client.sandbox',
      clientSecret: 'amazon-sandbox-secret',
      refreshToken: 'Atzr|sandbox',
      webhookSecret: 'amazon-sandbox-webhook-secret',
      lwaUrl: sandbox.url,
    },
  });
  const owned = starting.move();
  return { sandbox, session, exchanges, violations, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

type OrderChange = Extract<PlatformChange, { kind: 'order' }>;

let deliveries = 0n;

/** A notification about a subject, as the inbox hands it on. */
export function deliveryAbout(subject: string, more: Partial<DeliveryFacts> = {}): DeliveryFacts {
  deliveries += 1n;
  return {
    id: deliveries,
    topic: 'ORDER_CHANGE',
    subject,
    eventId: null,
    triggeredAt: null,
    receivedAt: new Date(),
    body: Buffer.from('{}'),
    ...more,
  };
}

/** An order as a notification about it makes it known. */
export async function told({ session }: Seller, orderId: string): Promise<OrderChange> {
  const meaning = await amazon.interpret(deliveryAbout(`order:${orderId}`), session, { fresh: true });
  if (meaning.kind !== 'changes') throw new Error(`nothing told of ${orderId}: ${meaning.reason}`);
  return meaning.changes[0] as OrderChange;
}

/** Everything that a sweep tells. */
export async function swept({ session }: Seller, since: Date | null = null): Promise<PlatformChange[]> {
  const batches = await Array.fromAsync(amazon.sweep(session, { since }));
  return batches.flat();
}

export function ordersIn(changes: readonly PlatformChange[]): OrderChange[] {
  return changes.filter((change) => change.kind === 'order');
}

/** What an order comes to by its parts. */
export function partsOf(order: CanonicalOrder): bigint {
  return (
    order.subtotal.shop -
    order.discount.shop +
    order.shipping.shop +
    (order.taxesIncluded ? 0n : order.tax.shop) +
    order.tip.shop
  );
}
