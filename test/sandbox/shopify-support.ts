import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type ShopifySandbox,
  type ShopifySandboxOptions,
  startShopifySandbox,
} from '../../sandbox/shopify/server.ts';

export interface GraphqlAnswer<T> {
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever shape they asked for
  data?: T extends unknown ? any : never;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
  extensions?: {
    cost: {
      requestedQueryCost: number;
      actualQueryCost: number | null;
      throttleStatus: { maximumAvailable: number; currentlyAvailable: number; restoreRate: number };
    };
  };
}

/** A shop with two locations and three products of known prices; nothing else. */
export async function openShop(options: Partial<ShopifySandboxOptions> = {}): Promise<ShopifySandbox> {
  const sandbox = await startShopifySandbox({ port: 0, seed: 1, outOfOrder: 0, ...options });
  sandbox.addLocation({ name: 'Warehouse' });
  for (const [sku, price] of [
    ['MUG', '19.99'],
    ['LAMP', '45.50'],
    ['ROPE', '3.33'],
  ] as const)
    sandbox.upsertProduct({ title: `The ${sku}`, variants: [{ sku, price, stock: 100, grams: 200 }] });
  return sandbox;
}

export function graphqlOf(
  sandbox: ShopifySandbox,
): <T>(query: string, variables?: Record<string, unknown>) => Promise<GraphqlAnswer<T>> {
  return async (query, variables = {}) => {
    const response = await fetch(`${sandbox.url}/admin/api/2026-07/graphql.json`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-shopify-access-token': 'shpat_sandbox' },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as GraphqlAnswer<never>;
  };
}

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** Takes webhooks and answers them all with one status, which may be changed. */
export async function listen(): Promise<
  AsyncDisposable & { url: string; received: Received[]; status: number; topics(): string[] }
> {
  const received: Received[] = [];
  const listener = {
    url: '',
    received,
    status: 200,
    topics: () => received.map((one) => String(one.headers['x-shopify-topic'])),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      response.writeHead(listener.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  listener.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return listener;
}

/** Waits for a condition with a deadline, looking often. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`still waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function control(
  sandbox: ShopifySandbox,
  method: string,
  path: string,
  body?: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever shape they asked for
): Promise<{ status: number; body: any }> {
  const response = await fetch(`${sandbox.url}/_control/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}
