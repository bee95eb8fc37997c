import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/database.ts';

const cli = fileURLToPath(new URL('../../src/cli/tributary.ts', import.meta.url));
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** What a newcomer sees who has mistyped something. */
function run(
  args: string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; said: string; complained: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH ?? '', HOME: tmpdir(), ...environment };
    execFile(process.execPath, args, { env, timeout: 50_000 }, (error, said, complained) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), said, complained }),
    );
  });
}

const mistakes: [
  title: string,
  args: string[],
  environment: Record<string, string>,
  says: RegExp,
  code: number,
][] = [
  ['a command that there is not', [cli, 'nonsense'], {}, /There is no command "nonsense"[\s\S]*sandbox/, 2],
  [
    'an option that there is not',
    [cli, 'sandbox', '--bogus'],
    {},
    /Unknown option '--bogus'[\s\S]*sandbox/,
    2,
  ],
  ['a number that is none', [cli, 'sandbox', '--seed', 'x'], {}, /--seed takes a whole number, not "x"\./, 2],
  [
    'a platform that there is not',
    [cli, 'sweep', 'mars'],
    {},
    /One of shopify, hubspot, quickbooks, amazon\./,
    2,
  ],
  [
    'a word too many',
    [cli, 'api-key', 'create', 'till', 'two'],
    {},
    /api-key does not take "two"\. What it takes:[\s\S]*api-key create <name>/,
    2,
  ],
  [
    'an option of another command',
    [cli, 'privacy', 'erase', '--email', 'a@example.com', '--full'],
    {},
    /privacy does not take --full\./,
    2,
  ],
  [
    'an account by no id',
    [cli, 'connection', 'disconnect', 'shopify'],
    {},
    /Which account\? Its id stands in/,
    2,
  ],
  ['no reason', [cli, 'connection', 'disconnect', '1'], {}, /Say why: --reason/, 2],
  [
    'no such platform',
    [cli, 'connection', 'connect', 'mars'],
    {},
    /Which platform\? connection connect shopify,/,
    2,
  ],
  [
    'a scope that there is not',
    [cli, 'api-key', 'create', 'x', '--scopes', 'a'],
    {},
    /There is no scope a\./,
    2,
  ],
  [
    'a folder for its data that is a file',
    [main],
    { DATA_DIR: main },
    /Nothing can be kept in \/.*main\.ts: it is a file and no folder\. Name another folder with DATA_DIR/,
    1,
  ],
  ['a missing database', [cli, 'migrate'], {}, /Set DATABASE_URL/, 1],
  [
    'a database that cannot be reached',
    [cli, 'migrate'],
    { DATABASE_URL: 'postgresql://tributary:hush@127.0.0.1:1/x' },
    /DATABASE_URL names cannot be used: connect ECONNREFUSED 127\.0\.0\.1:1\. Check host/,
    1,
  ],
  [
    'a role that there is not',
    [main, '--role', 'boss'],
    {},
    /--role must be api, worker or all, not "boss"\./,
    1,
  ],
  [
    'an option of npm start',
    [main, '--bogus'],
    {},
    /Unknown option '--bogus'[\s\S]*--role api\|worker\|all/,
    1,
  ],
  [
    'several variables at once',
    [main],
    { PORT: 'x', DATABASE_URL: 'mysql://a/b', API_KEYS: 'a=bbbbbbbbbbbbbbbbbbbbbbbb@read:everything' },
    /2 mistakes:[\s\S]*DATABASE_URL must look like[\s\S]*PORT must be a port number/,
    1,
  ],
];

test.each(mistakes)(
  '%s is told in words, without a stack and without secrets',
  async (_title, args, environment, says, code) => {
    const { code: ended, complained } = await run(args, environment);
    expect(complained).toMatch(says);
    expect(complained).not.toMatch(/\n\s+at |hush/);
    expect(ended).toBe(code);
  },
);

test('help is help, however it is asked for', async () => {
  for (const args of [['help'], ['--help'], ['-h']]) {
    const { code, said } = await run([cli, ...args]);
    expect([code, said.split('\n', 1)[0]]).toEqual([0, 'tributary <command>']);
  }
});

test('a port that is taken is told with the way out', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await using database = await createTestDatabase({ max: 1 });
  const { code, complained } = await run([main, '--role', 'api'], {
    PORT: String(port),
    HOST: '127.0.0.1',
    DATABASE_URL: database.url,
    PUBLIC_URL: 'https://tributary.example',
    ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
    SHOPIFY_SHOP: 'a.myshopify.com',
    SHOPIFY_ACCESS_TOKEN: 'x',
    SHOPIFY_API_SECRET: 'x',
    SHOPIFY_API_URL: 'http://127.0.0.1:9',
    LOG_LEVEL: 'error',
  });
  server.close();
  expect(complained).toContain(`Port ${port} is taken by another process.`);
  expect(code).toBe(1);
});
