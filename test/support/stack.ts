import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import {
  type AmazonSandbox,
  type AmazonSandboxOptions,
  startAmazonSandbox,
} from '../../sandbox/amazon/server.ts';
import {
  type HubSpotSandbox,
  type HubSpotSandboxOptions,
  startHubSpotSandbox,
} from '../../sandbox/hubspot/server.ts';
import {
  type QuickBooksSandbox,
  type QuickBooksSandboxOptions,
  startQuickBooksSandbox,
} from '../../sandbox/quickbooks/server.ts';
import {
  type ShopifySandbox,
  type ShopifySandboxOptions,
  startShopifySandbox,
} from '../../sandbox/shopify/server.ts';
import { type App, prepareConnections, type Role, startApp, sweepAll } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { transaction } from '../../src/db/transaction.ts';
import { createLog } from '../../src/log.ts';
import { setWriteCapabilities } from '../../src/sync/operations.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface StackOptions {
  /** `child` runs the worker as a process of its own, which can be killed. */
  worker?: 'here' | 'child';
  /** The platforms' rate limits; off unless asked. */
  limits?: boolean;
  seed?: number;
  shopify?: Partial<ShopifySandboxOptions>;
  hubspot?: Partial<HubSpotSandboxOptions>;
  quickbooks?: Partial<QuickBooksSandboxOptions>;
  /** Trades on Amazon as well; only where it is given. */
  amazon?: Partial<AmazonSandboxOptions>;
  /** Settings of accounts, by platform, from before they are first looked at. */
  settings?: Record<string, object>;
  /** Products of the shop and their stock at each of two locations. */
  catalogue?: { sku: string; price: string; stock: number }[];
}

/** Everything a retailer has: three platforms and Tributary between them, over real HTTP. */
export interface Stack extends AsyncDisposable {
  shopify: ShopifySandbox;
  hubspot: HubSpotSandbox;
  quickbooks: QuickBooksSandbox;
  /** Null where the retailer does not trade there. */
  amazon: AmazonSandbox | null;
  database: TestDatabase;
  app: App;
  url: string;
  /** What Tributary is started with; commands take the same. */
  environment: Readonly<Record<string, string>>;
  /** Null where the worker runs in this process. */
  worker: RoleProcess | null;
  /** What was logged so far, one JSON line each, by this process and the worker's. */
  log: readonly string[];
  /** Data of a query or mutation. Throws what the API reports as errors. */
  graphql<Data = Answer>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  subscribe<Data = Answer>(query: string, variables?: Record<string, unknown>): Subscription<Data>;
  /** Cursor of the latest event: a subscription after it misses nothing of what follows. */
  head(): Promise<string>;
  /** Resolves once nothing is on its way: no webhook, no open delivery, no open push, nor anything that they cause. */
  settled(deadlineMs?: number): Promise<void>;
  /** Repairs what was lost on the way. */
  sweep(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: the shape of an answer is what the test expects.
export type Answer = any;

export interface Subscription<Data> extends AsyncDisposable {
  received: readonly Data[];
  /** Resolves with everything received as soon as it satisfies the condition. */
  until(what: string, condition: (received: readonly Data[]) => boolean): Promise<readonly Data[]>;
}

export const shop = 'demo-shop.myshopify.com';
export const apiSecret = 'shpss_sandbox_secret';
export const apiKey = 'journey-key-of-24-characters-or-more';

/** Everything that must never be seen in a log. */
export const secrets = [
  'shpat_sandbox',
  apiSecret,
  'pat-sandbox',
  'hubspot-sandbox-secret',
  'qb-sandbox-secret',
  'qb-sandbox-verifier',
  'RT1-sandbox',
  'amazon-sandbox-secret',
  'amazon-sandbox-webhook-secret',
  'Atzr|sandbox',
  apiKey,
];

export const defaultCatalogue = [
  { sku: 'BAG', price: '89.90', stock: 500 },
  { sku: 'HAT', price: '24.95', stock: 500 },
  { sku: 'MUG', price: '12.35', stock: 500 },
];

/** Starts the platforms, the database and the application, connects them and unlocks writing. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  await using starting = new AsyncDisposableStack();
  const seed = options.seed ?? 1;
  const limits = options.limits ?? false;
  const common = { port: 0, seed, limits, timeScale: 600 };
  const shopify = starting.use(await startShopifySandbox({ ...common, outOfOrder: 0, ...options.shopify }));
  const hubspot = starting.use(
    await startHubSpotSandbox({ ...common, searchLagMs: [0, 0], ...options.hubspot }),
  );
  const quickbooks = starting.use(await startQuickBooksSandbox({ ...common, ...options.quickbooks }));
  const amazon =
    options.amazon === undefined
      ? null
      : starting.use(
          await startAmazonSandbox({ ...common, visibleAfterMs: 0, applyMs: [5, 20], ...options.amazon }),
        );
  const database = starting.use(await createTestDatabase({ max: 4 }));
  stockUp(shopify, options.catalogue ?? defaultCatalogue);

  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const environment = environmentOf({
    url,
    port,
    databaseUrl: database.url,
    shopify,
    hubspot,
    quickbooks,
    amazon,
  });
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line: string) => void lines.push(line) } });
  const inChild = options.worker === 'child';
  const app = starting.use(await startApp(readConfig(environment), { role: inChild ? 'api' : 'all', log }));
  for (const [platform, settings] of Object.entries(options.settings ?? {}))
    await database.pool.query('update connection set settings = settings || $2::jsonb where platform = $1', [
      platform,
      JSON.stringify(settings),
    ]);
  for (const { id } of await app.context.connections())
    await transaction(app.context.pool, (tx) => setWriteCapabilities(tx, BigInt(id), ['*']));
  hubspot.setWebhookTarget(`${url}/webhooks/hubspot`);
  quickbooks.setWebhookTarget(`${url}/webhooks/quickbooks`);
  amazon?.setWebhookTarget(`${url}/webhooks/amazon`);
  await prepareConnections(app.context);
  await sweepAll(app.context);
  const worker = inChild ? starting.use(new RoleProcess('worker', environment, lines)) : null;
  if (worker !== null) await worker.start();

  const owned = starting.move();
  const stack: Stack = {
    shopify,
    hubspot,
    quickbooks,
    amazon,
    database,
    app,
    url,
    environment,
    worker,
    log: lines,
    graphql: (query, variables) => graphql(url, query, variables),
    subscribe: (query, variables) => subscribe(url, query, variables),
    head: async () => (await graphql(url, '{ syncStatus { head } }')).syncStatus.head,
    settled: (deadlineMs = 60_000) => settled(stack, deadlineMs),
    sweep: () => sweepAll(app.context),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
  await stack.settled();
  return stack;
}

/** Looks again and again until the condition holds. Throws what was last seen when it does not in time. */
export async function until<Seen>(
  what: string,
  look: () => Promise<Seen> | Seen,
  condition: (seen: Seen) => boolean,
  deadlineMs = 30_000,
): Promise<Seen> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (condition(seen)) return seen;
    if (performance.now() > deadline)
      throw new Error(
        `Waited in vain until ${what}; last seen: ${JSON.stringify(seen, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))}`,
      );
    await sleep(25);
  }
}

/** A role as an operator runs it, in a process that can be killed at any moment and started again. */
export class RoleProcess implements AsyncDisposable {
  readonly #role: Role;
  readonly #environment: Record<string, string>;
  readonly #lines: string[];
  #child: ChildProcess | null = null;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(role: Role, environment: Record<string, string>, lines: string[]) {
    this.#role = role;
    this.#environment = environment;
    this.#lines = lines;
  }

  /** Resolves once it takes on work. */
  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('../../src/main.ts', import.meta.url)), '--role', this.#role],
      { env: { PATH: process.env.PATH ?? '', ...this.#environment }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    let isReady = false;
    let rest = '';
    const complaints: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      this.#lines.push(...parts);
      isReady ||= parts.some((line) => line.includes('"msg":"started"'));
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => complaints.push(chunk));
    this.#ended = new Promise((resolve) => child.once('exit', resolve));
    await until(
      `the ${this.#role} process is ready`,
      () => ({ isReady, exitCode: child.exitCode, complaints }),
      (seen) => seen.isReady || seen.exitCode !== null,
      120_000,
    );
    if (!isReady) throw new Error(`The ${this.#role} process ended: ${complaints.join('')}`);
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** As a power cut would: nothing is finished, nothing is given back. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const giveUp = setTimeout(() => child.kill('SIGKILL'), 30_000);
    await this.#ended;
    clearTimeout(giveUp);
  }
}

/** Signatures of some platforms cover our own address, so that it must be known before the server listens. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function stockUp(shopify: ShopifySandbox, catalogue: NonNullable<StackOptions['catalogue']>): void {
  shopify.addLocation({ name: 'Tempe' });
  for (const { sku, price, stock } of catalogue)
    shopify.upsertProduct({
      title: `The ${sku.toLowerCase()}`,
      status: 'ACTIVE',
      variants: [{ sku, price, stock }],
    });
}

export function environmentOf(parts: {
  url: string;
  port: number;
  databaseUrl: string;
  shopify: ShopifySandbox;
  hubspot: HubSpotSandbox;
  quickbooks: QuickBooksSandbox;
  amazon: AmazonSandbox | null;
}): Record<string, string> {
  return {
    DATABASE_URL: parts.databaseUrl,
    HOST: '127.0.0.1',
    PORT: String(parts.port),
    PUBLIC_URL: parts.url,
    ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
    API_KEYS: `journey=${apiKey}@admin`,
    LOG_LEVEL: 'info',
    GRAPHIQL: 'true',
    INTROSPECTION: 'true',
    SHOPIFY_API_URL: parts.shopify.url,
    HUBSPOT_API_URL: parts.hubspot.url,
    QUICKBOOKS_API_URL: parts.quickbooks.url,
    SHOPIFY_SHOP: shop,
    SHOPIFY_ACCESS_TOKEN: 'shpat_sandbox',
    SHOPIFY_API_SECRET: apiSecret,
    HUBSPOT_ACCESS_TOKEN: 'pat-sandbox',
    HUBSPOT_CLIENT_SECRET: 'hubspot-sandbox-secret',
    QUICKBOOKS_REALM_ID: parts.quickbooks.realmId,
    QUICKBOOKS_CLIENT_ID: 'qb-sandbox-client',
    QUICKBOOKS_CLIENT_SECRET: 'qb-sandbox-secret',
    QUICKBOOKS_REFRESH_TOKEN: 'RT1-sandbox',
    QUICKBOOKS_VERIFIER_TOKEN: parts.quickbooks.verifierToken,
    ...(parts.amazon === null
      ? {}
      : {
          AMAZON_API_URL: parts.amazon.url,
          AMAZON_LWA_URL: parts.amazon.url,
          AMAZON_SELLER_ID: 'A2SANDBOXSELLER',
          AMAZON_MARKETPLACE_ID: 'ATVPDKIKX0DER',
          AMAZON_CLIENT_ID: 'amzn1.application-oa2-client.sandbox',
          AMAZON_CLIENT_SECRET: 'amazon-sandbox-secret',
          AMAZON_REFRESH_TOKEN: 'Atzr|sandbox',
          AMAZON_WEBHOOK_SECRET: parts.amazon.webhookSecret,
        }),
  };
}

async function graphql(url: string, query: string, variables?: Record<string, unknown>): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ query, variables }),
  });
  const answer = (await response.json()) as { data?: unknown; errors?: { message: string }[] };
  if (answer.errors !== undefined)
    throw new Error(`${response.status}: ${JSON.stringify(answer.errors)} in ${query.trim().slice(0, 200)}`);
  return answer.data;
}

function subscribe<Data>(
  url: string,
  query: string,
  variables?: Record<string, unknown>,
): Subscription<Data> {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${apiKey}` },
    retryAttempts: 0,
  });
  const received: Data[] = [];
  let failure: unknown = null;
  client.subscribe<Data>(variables === undefined ? { query } : { query, variables }, {
    next: ({ data, errors }) => {
      if (errors !== undefined) failure = errors;
      else received.push(data as Data);
    },
    error: (error) => {
      failure = error;
    },
    complete: () => undefined,
  });
  return {
    received,
    until: async (what, condition) => {
      await until(
        what,
        () => ({ received, failure }),
        (seen) => seen.failure !== null || condition(seen.received),
      );
      if (failure !== null) throw new Error(`The subscription failed: ${JSON.stringify(failure)}`);
      return received;
    },
    [Symbol.asyncDispose]: async () => {
      await client.dispose();
    },
  };
}

interface OpenWork {
  deliveries: number;
  pushes: number;
  everything: number;
}

async function settled(stack: Stack, deadlineMs: number): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  let before: OpenWork | null = null;
  for (;;) {
    await webhooksDelivered(stack);
    const now = await openWork(stack);
    // What was open a moment ago may have caused webhooks since: two looks that agree, with all delivered in between.
    if (before !== null && now.deliveries + now.pushes === 0 && now.everything === before.everything) return;
    before = now;
    if (performance.now() > deadline)
      throw new Error(`Not settled in time: ${JSON.stringify(await whatIsOpen(stack))}`);
    // Pushes make platforms announce; announcements wait for company before they are sent.
    await sleep(100);
  }
}

async function webhooksDelivered({ shopify, hubspot, quickbooks, amazon }: Stack): Promise<void> {
  hubspot.flushWebhooks();
  quickbooks.flushWebhooks();
  await Promise.all([shopify, hubspot, quickbooks, amazon].map((platform) => platform?.webhooks.drained()));
}

async function openWork({ database }: Stack): Promise<OpenWork> {
  const { rows } = await database.pool.query<OpenWork>(
    `select (select count(*) from delivery where status in ('pending', 'retrying'))::int as deliveries,
       (select count(*) from push where status in ('pending', 'retrying', 'running'))::int as pushes,
       ((select count(*) from delivery) + (select count(*) from push) + (select count(*) from event))::int as everything`,
  );
  return rows[0] as OpenWork;
}

async function whatIsOpen({ database }: Stack): Promise<unknown[]> {
  const { rows } = await database.pool.query<object>(
    `select 'delivery ' || id as what, topic as kind, status::text, attempts, error, next_attempt_at from delivery
       where status in ('pending', 'retrying')
     union all
     select 'push ' || id, kind, status::text, attempts, error, next_attempt_at from push
       where status in ('pending', 'retrying', 'running') limit 10`,
  );
  return rows;
}
