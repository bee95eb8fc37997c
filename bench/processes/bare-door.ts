import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { answerParent } from '../support/answer-parent.ts';

// The least that an honest receiver does: read the body, check its signature, store it, answer. One insert per request.

let pool: pg.Pool | undefined;

async function start(options: { databaseUrl: string; apiSecret: string }): Promise<number> {
  const connections = new pg.Pool({ connectionString: options.databaseUrl, max: 24 });
  pool = connections;
  await connections.query(
    `create table bare_delivery (
       id bigint generated always as identity primary key, external_id text not null unique, topic text not null,
       received_at timestamptz not null default now(), body bytea not null)`,
  );
  const server = createServer(async (request, response) => {
    try {
      const body = await read(request);
      const given = Buffer.from(String(request.headers['x-shopify-hmac-sha256']), 'base64');
      const expected = createHmac('sha256', options.apiSecret).update(body).digest();
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
        response.writeHead(401).end();
        return;
      }
      await connections.query({
        name: 'insert',
        text: 'insert into bare_delivery (external_id, topic, body) values ($1, $2, $3) on conflict do nothing',
        values: [request.headers['x-shopify-webhook-id'], request.headers['x-shopify-topic'], body],
      });
      response.writeHead(200, { 'content-length': 0 }).end();
    } catch {
      response.writeHead(500).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

answerParent({ start }, async () => {
  await pool?.end();
});
