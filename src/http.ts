import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from './errors.ts';
import type { Log } from './log.ts';

export interface HttpRoutes {
  webhook(request: IncomingMessage, response: ServerResponse, platform: string): Promise<void>;
  graphql(request: IncomingMessage, response: ServerResponse): Promise<void>;
  dashboard(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Null: ready; else what is missing, in words. */
  notReady(): Promise<string | null>;
  /** Whether who asks may see how much is sold and how the platforms fare. */
  mayWatch(request: IncomingMessage): Promise<boolean>;
  metrics(): Promise<{ contentType: string; body: string }>;
}

/** For a process that serves nobody but who watches it. */
export function watchersOnly(routes: Pick<HttpRoutes, 'notReady' | 'mayWatch' | 'metrics'>): HttpRoutes {
  const nothing = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    sendJson(response, 404, { error: `Nothing is served at ${request.method} ${pathOf(request)}.` });
  return { ...routes, webhook: nothing, graphql: nothing, dashboard: nothing };
}

export interface HttpServer extends AsyncDisposable {
  server: Server;
  port: number;
}

/** How long a client may take to send a request, and how often Node looks for those that take longer. */
export interface HttpLimits {
  headersMs: number;
  requestMs: number;
  checkEveryMs: number;
}

/** Node would look only twice a minute: a slow client could hold its connection for three times what it is allowed. */
const usualLimits: HttpLimits = { headersMs: 10_000, requestMs: 30_000, checkEveryMs: 2_000 };

/** The one HTTP server: who comes for what, and limits against slow or large requests. */
export async function serveHttp(options: {
  host: string;
  port: number;
  /** The variable that decides the port. */
  portVariable?: string;
  routes: HttpRoutes;
  log: Log;
  limits?: HttpLimits;
}): Promise<HttpServer> {
  const { routes, log, limits = usualLimits } = options;
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkEveryMs,
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      route(routes, request, response).catch((error: unknown) => {
        log.error({ err: error, method: request.method, path: pathOf(request) }, 'request failed');
        if (response.headersSent) response.destroy();
        else sendJson(response, 500, { error: 'Something went wrong here; the log tells what.' });
      });
    },
  );
  await listen(server, options);
  return {
    server,
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // Subscriptions stay open for ever: after a grace they are cut, and clients resume from their cursor.
        setTimeout(() => server.closeAllConnections(), 2_000).unref();
      }),
  };
}

async function route(routes: HttpRoutes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = pathOf(request);
  if (path === '/graphql') return routes.graphql(request, response);
  if (path.startsWith('/webhooks/'))
    return routes.webhook(request, response, path.slice('/webhooks/'.length));
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return sendJson(response, 404, { error: `Nothing is served at ${request.method} ${path}.` });
  }
  if (path === '/healthz') return sendJson(response, 200, { status: 'ok' });
  if (path === '/readyz') {
    const missing = await routes.notReady();
    return missing === null
      ? sendJson(response, 200, { status: 'ready' })
      : sendJson(response, 503, { status: 'not ready', missing });
  }
  if (path === '/metrics') {
    if (!(await routes.mayWatch(request)))
      return sendJson(response, 401, {
        error:
          'From elsewhere /metrics takes an API key with the scope read:sync: Authorization: Bearer tb_…',
      });
    const { contentType, body } = await routes.metrics();
    response.writeHead(200, { 'content-type': contentType });
    response.end(body);
    return;
  }
  return routes.dashboard(request, response);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(body));
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function listen(
  server: Server,
  { host, port, portVariable = 'PORT' }: { host: string; port: number; portVariable?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      reject(
        new AppError({
          code: 'PORT_IN_USE',
          retryable: false,
          publicMessage: `Port ${port} is taken by another process. Stop it, or choose another one with ${portVariable}=4001 npm start.`,
          cause: error,
        }),
      );
    });
    server.listen(port, host, () => resolve());
  });
}
