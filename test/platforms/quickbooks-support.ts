import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { QuickBooksSandboxOptions } from '../../sandbox/quickbooks/server.ts';
import { AppError } from '../../src/errors.ts';
import { quickbooks } from '../../src/sync/platforms/quickbooks/index.ts';
import type { QuickBooksCredentials } from '../../src/sync/platforms/quickbooks/settings.ts';
import { assertContract, checkAnswer, start } from '../sandbox/quickbooks-support.ts';
import { MemorySession } from './memory-session.ts';

export interface Exchange {
  method: string;
  /** Path below the company, without its query. */
  path: string;
  query: URLSearchParams;
  body: unknown;
  status: number;
}

/** A sandbox, and a session that speaks with it through a wire on which every body is checked against the published schema. */
export async function company(
  options: Partial<QuickBooksSandboxOptions> = {},
  settings: Record<string, unknown> = {},
) {
  const sandbox = await start(options);
  const exchanges: Exchange[] = [];
  const violations: string[] = [];
  const waves = new Waves();
  const wire = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    await waves.turn();
    const url = new URL(incoming.url ?? '/', sandbox.url);
    try {
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
      const path = /^\/v3\/company\/\d+\/(.*)$/.exec(url.pathname)?.[1] ?? url.pathname;
      const exchange: Exchange = {
        method: incoming.method ?? '',
        path,
        query: url.searchParams,
        body:
          body.length === 0 || !url.pathname.startsWith('/v3/')
            ? null
            : (JSON.parse(body.toString()) as unknown),
        status: answer.status,
      };
      exchanges.push(exchange);
      if (url.pathname.startsWith('/v3/')) violations.push(...checked(exchange, text));
      outgoing.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? 'text/plain',
      });
      outgoing.end(text);
    } catch {
      incoming.socket.destroy();
    }
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  const session = new MemorySession<QuickBooksCredentials>({
    accountId: sandbox.realmId,
    baseUrl: `http://127.0.0.1:${(wire.address() as AddressInfo).port}`,
    credentials: {
      realmId: sandbox.realmId,
      clientId: 'qb-sandbox-client',
      clientSecret: 'qb-sandbox-secret',
      refreshToken: 'RT1-sandbox',
      verifierToken: 'qb-sandbox-verifier',
    },
  });
  session.settings = settings;
  return {
    sandbox,
    session,
    exchanges,
    waves,
    /** Method and path of every call since the last look. */
    calls: (): string[] => exchanges.splice(0).map((one) => `${one.method} ${one.path}`),
    prepare: () => quickbooks.prepare(session, { webhookUrl: '' }),
    [Symbol.asyncDispose]: async () => {
      wire.closeAllConnections();
      await new Promise((resolve) => wire.close(resolve));
      await sandbox[Symbol.asyncDispose]();
      if (violations.length > 0) throw new Error(`off contract:\n${violations.join('\n')}`);
    },
  };
}

/** Lets requests through together once no further one comes, so that it shows how many have to follow each other. */
class Waves {
  #isOn = false;
  #waiting: (() => void)[] = [];
  #count = 0;

  turn(): Promise<void> | void {
    if (!this.#isOn) return;
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) this.#releaseWhenQuiet(0);
    });
  }

  /** How many calls had to follow each other while the work ran. */
  async of(work: () => Promise<unknown>): Promise<number> {
    this.#isOn = true;
    this.#count = 0;
    try {
      await work();
    } finally {
      this.#isOn = false;
    }
    return this.#count;
  }

  #releaseWhenQuiet(seen: number): void {
    setTimeout(() => {
      if (this.#waiting.length > seen) return this.#releaseWhenQuiet(this.#waiting.length);
      this.#count += 1;
      for (const release of this.#waiting.splice(0)) release();
    }, 60);
  }
}

const typesByPath: Readonly<Record<string, string>> = {
  customer: 'Customer',
  item: 'Item',
  account: 'Account',
  salesreceipt: 'SalesReceipt',
  invoice: 'Invoice',
  creditmemo: 'CreditMemo',
  refundreceipt: 'RefundReceipt',
  payment: 'Payment',
  purchase: 'Purchase',
  deposit: 'Deposit',
};

function checked(exchange: Exchange, answer: string): string[] {
  const found: string[] = [];
  const check = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      found.push(error instanceof Error ? error.message : String(error));
    }
  };
  const { body, path, status } = exchange;
  if (body !== null && path === 'batch')
    for (const item of (body as { BatchItemRequest: object[] }).BatchItemRequest)
      check(() => assertContract('BatchItemRequest', item));
  const type = typesByPath[path];
  if (body !== null && type !== undefined) check(() => assertContract(type, body));
  if (exchange.query.get('minorversion') !== '75') found.push(`${path} without minor version 75`);
  const requestId = exchange.query.get('requestid');
  if (requestId !== null && requestId.length > 50)
    found.push(`${path} with a request id of ${requestId.length}`);
  if (![401, 403, 429].includes(status) && status < 500)
    check(() => checkAnswer(JSON.parse(answer) as unknown));
  return found;
}

export async function failure(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('this was expected to fail');
}
