import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Write {
  key: string;
  body: Record<string, unknown>;
  startedMs: number;
  endedMs: number | null;
}

export interface FakeServer extends AsyncDisposable {
  url: string;
  /** Every request to write, in the order of arrival, repetitions included. */
  requests: Write[];
  /** What took effect: once per idempotency key. */
  effects: Map<string, Record<string, unknown>>;
  /** Decides the answer; undefined lets the write take effect. Called before it takes effect. */
  answer: (write: Write) => Promise<Answer | undefined> | Answer | undefined;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
}

/** A platform's API over real HTTP, with idempotency keys. */
export async function startFakeServer(): Promise<FakeServer> {
  const http = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', async () => {
      const write: Write = {
        key: String(request.headers['idempotency-key']),
        body: JSON.parse(text),
        startedMs: performance.now(),
        endedMs: null,
      };
      server.requests.push(write);
      const answer = await server.answer(write);
      write.endedMs = performance.now();
      if (answer !== undefined) {
        response.writeHead(answer.status, answer.headers).end();
        return;
      }
      const adopted = server.effects.has(write.key);
      if (!adopted) server.effects.set(write.key, write.body);
      response.end(JSON.stringify({ id: `r-${write.body.subjectId}`, version: '1', adopted }));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: FakeServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    effects: new Map(),
    answer: () => undefined,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}
