import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgresServer, startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';

const cli = fileURLToPath(new URL('../../src/cli/tributary.ts', import.meta.url));
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tributary-embedded-'));
  // As root, Postgres runs as another user, who has to pass through.
  await chmod(dataDir, 0o755);
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

const start = (): Promise<EmbeddedPostgresServer> =>
  startEmbeddedPostgres({ directory: join(dataDir, 'postgres'), database: 'tributary', durable: false });

const runs = (): boolean => existsSync(join(dataDir, 'postgres/cluster/postmaster.pid'));

async function answers(server: EmbeddedPostgresServer): Promise<boolean> {
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  const { rows } = await client.query('select 1 as one');
  await client.end();
  return rows[0].one === 1;
}

test('a command that runs beside the server leaves its database running, and so does one that fails', async () => {
  const server = await start();
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [cli, ...args], {
      env: { PATH: process.env.PATH ?? '', DATA_DIR: dataDir },
    });
  expect((await run('api-key', 'create', 'till')).stdout).toMatch(/^tb_/);
  expect(await answers(server)).toBe(true);
  expect((await run('api-key', 'list')).stdout).toContain('till');
  await expect(run('privacy', 'export', '--id', '1')).rejects.toThrow();
  expect(await answers(server)).toBe(true);
  await server[Symbol.asyncDispose]();
  expect(runs()).toBe(false);
}, 90_000);

test('the last who uses it stops it, whoever began, and those that were killed do not count', async () => {
  // Of a process that is gone: no number is as high.
  await mkdir(join(dataDir, 'postgres/users'), { recursive: true });
  await writeFile(join(dataDir, 'postgres/users/99999999-killed'), '');
  const first = await start();
  const second = await start();
  expect(second.connectionString).toBe(first.connectionString);
  await first[Symbol.asyncDispose]();
  expect(await answers(second)).toBe(true);
  await second[Symbol.asyncDispose]();
  expect(runs()).toBe(false);
}, 60_000);

test('who comes while it is being stopped waits and starts it again', async () => {
  const going = await start();
  const [, coming] = await Promise.all([going[Symbol.asyncDispose](), start()]);
  expect(await answers(coming)).toBe(true);
  await coming[Symbol.asyncDispose]();
}, 60_000);
