import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@hubspot/api-client';
import {
  type HubSpotSandbox,
  type HubSpotSandboxOptions,
  startHubSpotSandbox,
} from '../../sandbox/hubspot/server.ts';

/** A sandbox of its own for one test; searches see writes at once and nothing is limited unless asked. */
export function hubspot(options: Partial<HubSpotSandboxOptions> = {}): Promise<HubSpotSandbox> {
  return startHubSpotSandbox({ port: 0, seed: 1, limits: false, searchLagMs: [0, 0], ...options });
}

/** The official SDK, pointed at the sandbox. */
export function client(sandbox: HubSpotSandbox, accessToken = 'pat-sandbox'): Client {
  return new Client({ accessToken, basePath: sandbox.url, numberOfApiCallRetries: 0 });
}

export interface Refusal {
  code: number;
  body: Record<string, unknown> & { message: string; category: string };
  headers: Record<string, string>;
}

/** What the SDK throws for an answer that is not 2xx. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    const { code, body, headers } = error as Refusal;
    if (typeof code !== 'number') throw error;
    return { code, body, headers };
  }
  throw new Error('the call was expected to be refused');
}

interface Received {
  headers: Record<string, string>;
  body: string;
  events: Record<string, unknown>[];
}

/** A subscriber that keeps the bytes of every delivery and answers as told. */
export async function subscriber(answer: (delivery: number) => number = () => 200) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    received.push({
      headers: request.headers as Record<string, string>,
      body,
      events: JSON.parse(body) as Record<string, unknown>[],
    });
    response.writeHead(answer(received.length)).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/hubspot`,
    received,
    events: () => received.flatMap((one) => one.events),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Polls until the condition holds. */
export async function until(condition: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in time');
    await sleep(5);
  }
}
