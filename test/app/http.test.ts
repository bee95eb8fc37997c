import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpServer, sendJson, serveHttp } from '../../src/http.ts';
import { readBody } from '../../src/webhooks/read-body.ts';
import { memoryLog } from '../engine/support/engine.ts';

let http: HttpServer;

beforeAll(async () => {
  http = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    log: memoryLog().log,
    limits: { headersMs: 300, requestMs: 600, checkEveryMs: 50 },
    routes: {
      webhook: async (request, response) => {
        const body = await readBody(request, { maxBytes: 1_000, timeoutMs: 60_000 });
        if (body.kind === 'read') sendJson(response, 200, { bytes: body.bytes.length });
        else sendJson(response, 413, { seen: body.kind });
      },
      graphql: async (_request, response) => sendJson(response, 200, {}),
      dashboard: async (_request, response) => sendJson(response, 200, {}),
      notReady: async () => null,
      mayWatch: async () => false,
      metrics: async () => ({ contentType: 'text/plain', body: '' }),
    },
  });
});
afterAll(() => http[Symbol.asyncDispose]());

/** Sends what it is given and answers with all that comes back until the server closes. */
function speak(text: string, then?: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(http.port, '127.0.0.1', () => {
      socket.write(text);
      then?.(socket);
    });
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

test('whoever sends headers without end is cut off with 408, while others are served', async () => {
  const slow = speak('POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\n', (socket) => {
    // One more header every now and then, as slow-loris tools do.
    const drip = setInterval(() => socket.write('x-drip: 1\r\n'), 20);
    socket.on('close', () => clearInterval(drip));
  });
  const served = await fetch(`http://127.0.0.1:${http.port}/healthz`);
  expect(served.status).toBe(200);
  expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
});

test('whoever announces a body and does not send it is cut off with 408', async () => {
  expect(
    await speak('POST /webhooks/shopify HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{"half":'),
  ).toMatch(/(^|\n)HTTP\/1\.1 408 /);
});

test('headers beyond 16 kB are refused with 431', async () => {
  expect(await speak(`GET /healthz HTTP/1.1\r\nhost: x\r\nx-large: ${'a'.repeat(20_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431 /,
  );
});

test('a body beyond the limit is refused before it has ended, and one within it is read', async () => {
  const large = await fetch(`http://127.0.0.1:${http.port}/webhooks/shopify`, {
    method: 'POST',
    body: 'a'.repeat(1_001),
  });
  expect(large.status).toBe(413);
  const response = await fetch(`http://127.0.0.1:${http.port}/webhooks/shopify`, {
    method: 'POST',
    body: 'abc',
  });
  expect(await response.json()).toEqual({ bytes: 3 });
});

test('what is no HTTP is refused with 400', async () => {
  expect(await speak('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
});
