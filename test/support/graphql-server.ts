import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createPrisma } from '../../src/db/prisma.ts';
import { createLog } from '../../src/log.ts';
import { createGraphQL, type GraphQLServer } from '../../src/schema/server.ts';
import type { GraphQLServices } from '../../src/schema/services.ts';
import { EventStream } from '../../src/sync/events/event-stream.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export const adminKey = 'tb_test_admin_0123456789abcdef';

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are compared with what is expected, whatever their shape
  data: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  errors: any[] | undefined;
}

export interface TestApi extends AsyncDisposable {
  database: TestDatabase;
  url: string;
  graphql: GraphQLServer;
  server: Server;
  logLines: Record<string, unknown>[];
  ask(query: string, variables?: Record<string, unknown>, options?: { key?: string | null }): Promise<Answer>;
  subscriber(options?: { key?: string | null }): Client;
}

/** The API over a real HTTP server and a database of its own. */
export async function startTestApi(overrides: Partial<GraphQLServices> = {}): Promise<TestApi> {
  const database = await createTestDatabase({ max: 20 });
  const logLines: Record<string, unknown>[] = [];
  const log = createLog({
    level: 'debug',
    destination: { write: (line: string) => void logLines.push(JSON.parse(line)) },
  });
  const events = await EventStream.start({ connectionString: database.url, pool: database.pool, log });
  const prisma = createPrisma(database.pool);
  const graphql = createGraphQL({
    pool: database.pool,
    prisma,
    events,
    platforms: {},
    log,
    apiKeys: [{ name: 'admin', key: adminKey, scopes: ['admin'] }],
    graphiql: true,
    introspection: true,
    limits: { requestsPerSecond: 10_000, burst: 10_000, ...overrides.limits },
    ...without(overrides, 'limits'),
  });
  const server = createServer((request, response) => {
    graphql.handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socketServer = graphql.attachWebSocket(server);
  const port = (server.address() as AddressInfo).port;
  const url = `http://127.0.0.1:${port}/graphql`;
  return {
    database,
    url,
    graphql,
    server,
    logLines,
    ask: (query, variables, options) => ask(url, query, variables, options),
    subscriber: ({ key = adminKey } = {}) =>
      createClient({
        url: url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        lazyCloseTimeout: 0,
        connectionParams: key === null ? {} : { authorization: `Bearer ${key}` },
      }),
    [Symbol.asyncDispose]: async () => {
      await socketServer[Symbol.asyncDispose]();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await events[Symbol.asyncDispose]();
      await prisma.$disconnect();
      await database[Symbol.asyncDispose]();
    },
  };
}

export async function ask(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
  { key = adminKey }: { key?: string | null } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as { data?: unknown; errors?: unknown[] };
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors };
}

/** Statements that the pool's connections are sent while `work` runs. */
export async function recordStatements<T>(
  database: TestDatabase,
  work: () => Promise<T>,
): Promise<{ result: T; statements: string[] }> {
  const statements: string[] = [];
  const pool = database.pool;
  const clients = [...(pool as unknown as { _clients: { query: unknown }[] })._clients];
  const originals = clients.map((client) => client.query);
  const onConnect = (client: { query: unknown }): void => {
    originals.push(client.query);
    clients.push(client);
    watch(client, statements);
  };
  for (const client of clients) watch(client, statements);
  pool.on('connect', onConnect as never);
  try {
    return { result: await work(), statements };
  } finally {
    pool.off('connect', onConnect as never);
    clients.forEach((client, index) => {
      client.query = originals[index];
    });
  }
}

function watch(client: { query: unknown }, statements: string[]): void {
  const original = client.query as (...args: unknown[]) => unknown;
  client.query = function (this: unknown, ...args: unknown[]) {
    const first = args[0] as string | { name?: string; text?: string };
    // The event stream looks at the table by itself once a second, whoever asks for what.
    const isBackground = typeof first !== 'string' && first.name === 'read-events';
    if (!isBackground) statements.push(typeof first === 'string' ? first : (first.text ?? ''));
    return original.apply(this, args);
  };
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value;
  return rest;
}
