import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultEffect, type FaultRule, Faults } from './faults.ts';
import { seededRandom } from './random.ts';

/** One request, read to its end. */
export interface SandboxRequest {
  method: string;
  url: URL;
  headers: Record<string, string>;
  /** The body as received. */
  body: Buffer;
}

export interface SandboxResponse {
  status: number;
  headers?: Record<string, string>;
  /** Objects are sent as JSON; strings as they are (set content-type yourself); absent = empty. */
  body?: unknown;
}

/** Answers a request or returns null where the path is not its own. */
export type Handler = (request: SandboxRequest) => Promise<SandboxResponse | null> | SandboxResponse | null;

export interface SandboxServerOptions {
  /** Name in messages: shopify, hubspot, quickbooks, … */
  name: string;
  /** 0 picks a free port. */
  port: number;
  seed: number;
  /** The platform's API, under the faults in force. */
  api: Handler;
  /** The platform's part of the control API, under /_control; never subject to faults. */
  control: Handler;
  /** The GraphQL operation's name, where the body carries one, so that faults can name it. */
  operationOf?: (request: SandboxRequest) => string | undefined;
}

export interface SandboxServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
}

/**
 * Serves one platform over real HTTP. Common control API:
 * GET /_control/faults, POST /_control/faults (a FaultRule, or an array; `forMs` sets untilMs), DELETE /_control/faults[/id],
 * GET /_control/requests (the last 1,000 API requests with status, newest last), DELETE /_control/requests.
 */
export async function serveSandbox(options: SandboxServerOptions): Promise<SandboxServer> {
  const faults = new Faults(seededRandom(options.seed ^ 0x5eed));
  const log: { atMs: number; method: string; path: string; operation?: string; status: number | string }[] =
    [];
  let nextFault = 1;

  const commonControl: Handler = (request) => {
    const path = request.url.pathname;
    if (path === '/_control/requests') {
      if (request.method === 'DELETE') log.length = 0;
      return { status: 200, body: log };
    }
    if (path !== '/_control/faults' && !path.startsWith('/_control/faults/')) return null;
    if (request.method === 'GET') return { status: 200, body: faults.list() };
    if (request.method === 'DELETE') {
      const id = path.slice('/_control/faults/'.length);
      if (id === '') faults.clear();
      else if (!faults.remove(id)) return { status: 404, body: { error: `no fault ${id}` } };
      return { status: 200, body: faults.list() };
    }
    if (request.method !== 'POST') return { status: 405, body: { error: 'GET, POST or DELETE' } };
    const given = JSON.parse(request.body.toString('utf8')) as unknown;
    for (const one of Array.isArray(given) ? given : [given]) {
      const { forMs, ...rule } = one as Partial<FaultRule> & { forMs?: number; effect: FaultEffect };
      if (!isEffect(rule.effect))
        return {
          status: 400,
          body: { error: 'effect.kind must be latency, status, timeout, dropResponse or reset' },
        };
      faults.add({
        ...rule,
        id: rule.id ?? `fault-${nextFault++}`,
        ...(forMs === undefined ? {} : { untilMs: Date.now() + forMs }),
      });
    }
    return { status: 201, body: faults.list() };
  };

  const server: Server = createServer(async (incoming, outgoing) => {
    try {
      const request = await read(incoming);
      const isControl = request.url.pathname.startsWith('/_control');
      const operation = isControl ? undefined : options.operationOf?.(request);
      const taken = isControl
        ? { latencyMs: 0, effect: null }
        : faults.take({
            method: request.method,
            pathWithQuery: request.url.pathname + request.url.search,
            ...(operation === undefined ? {} : { operation }),
          });
      const note = (status: number | string): void => {
        if (isControl) return;
        log.push({
          atMs: Date.now(),
          method: request.method,
          path: request.url.pathname + request.url.search,
          ...(operation === undefined ? {} : { operation }),
          status,
        });
        if (log.length > 1000) log.splice(0, log.length - 1000);
      };
      if (taken.latencyMs > 0) await sleep(taken.latencyMs);
      if (taken.effect?.kind === 'timeout') return note('timeout');
      if (taken.effect?.kind === 'reset') {
        note('reset');
        incoming.socket.destroy();
        return;
      }
      let response: SandboxResponse;
      if (taken.effect?.kind === 'status') {
        response = {
          status: taken.effect.status,
          headers: taken.effect.headers ?? { 'content-type': 'application/json' },
          body: taken.effect.body ?? '{"message":"injected fault"}',
        };
      } else if (isControl) {
        response = (await commonControl(request)) ?? (await options.control(request)) ?? notFound(request);
      } else {
        response = (await options.api(request)) ?? notFound(request);
      }
      if (taken.effect?.kind === 'dropResponse') {
        note('dropResponse');
        incoming.socket.destroy();
        return;
      }
      note(response.status);
      const text =
        response.body === undefined
          ? ''
          : typeof response.body === 'string'
            ? response.body
            : JSON.stringify(response.body);
      outgoing.writeHead(response.status, {
        'content-type': typeof response.body === 'string' ? 'text/plain' : 'application/json',
        ...response.headers,
        'content-length': Buffer.byteLength(text),
      });
      outgoing.end(text);
    } catch (error) {
      if (!outgoing.headersSent) outgoing.writeHead(500, { 'content-type': 'application/json' });
      outgoing.end(
        JSON.stringify({
          error: `sandbox ${options.name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
        }),
      );
    }
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    faults,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const kinds: readonly string[] = ['latency', 'status', 'timeout', 'dropResponse', 'reset'];

function isEffect(effect: unknown): effect is FaultEffect {
  return (
    typeof effect === 'object' && effect !== null && 'kind' in effect && kinds.includes(String(effect.kind))
  );
}

function notFound(request: SandboxRequest): SandboxResponse {
  return { status: 404, body: { error: `nothing at ${request.method} ${request.url.pathname}` } };
}

async function read(incoming: IncomingMessage): Promise<SandboxRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: incoming.method ?? 'GET',
    url: new URL(incoming.url ?? '/', 'http://127.0.0.1'),
    headers,
    body: Buffer.concat(chunks),
  };
}
