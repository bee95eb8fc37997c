import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { answerParent } from '../support/answer-parent.ts';
import { rawStatements } from '../support/raw-statements.ts';

// The same JSON from one statement written by hand: nothing between node:http and Postgres.

let pool: pg.Pool | undefined;

answerParent(
  {
    start: async ({ databaseUrl }: { databaseUrl: string }) => {
      const connections = new pg.Pool({ connectionString: databaseUrl, max: 24 });
      pool = connections;
      const server = createServer(async (request, response) => {
        try {
          const name = (request.url ?? '/').slice(1) as keyof typeof rawStatements;
          const variables = JSON.parse((await read(request)).toString('utf8')) as Record<string, unknown>;
          const { text, values } = rawStatements[name];
          const { rows } = await connections.query<{ data: string }>({
            name,
            text,
            values: values(variables),
          });
          const body = `{"data":${rows[0]?.data ?? 'null'}}`;
          response.writeHead(200, {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          });
          response.end(body);
        } catch (error) {
          response.writeHead(500).end(String(error));
        }
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    },
  },
  async () => {
    await pool?.end();
  },
);

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
