import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { migrate, migrationNames } from '../prisma/migrate.ts';
import { connectAccounts } from './accounts.ts';
import { type Config, type ConnectionConfig, webhookUrl } from './config.ts';
import { type AppContext, createContext } from './context.ts';
import { serveDashboard } from './dashboard.ts';
import { prepareDataDir } from './data-dir.ts';
import { startEmbeddedPostgres } from './db/embedded-postgres.ts';
import { checkDatabase } from './db/reachable.ts';
import { transaction } from './db/transaction.ts';
import { type HttpRoutes, type HttpServer, serveHttp, watchersOnly } from './http.ts';
import type { Log } from './log.ts';
import { createGraphQL } from './schema/server.ts';
import { alertWebhook } from './sync/alerts/alert-webhook.ts';
import { tellAlerts } from './sync/alerts/tell-alerts.ts';
import { encryptionKeyFrom } from './sync/connections/credentials.ts';
import { resealCredentials } from './sync/connections/reseal.ts';
import { declareFromFile } from './sync/custom-fields/fields.ts';
import { engineMetrics, metricsRegistry } from './sync/metrics.ts';
import { platforms } from './sync/platforms/index.ts';
import { QueueMetrics } from './sync/queue-metrics.ts';
import { prepareConnection, type ReconcileOptions, reconcileConnection } from './sync/reconcile/reconcile.ts';
import { dropOld } from './sync/retention.ts';
import { keepStockUp } from './sync/stock/upkeep.ts';
import { startWorker } from './sync/worker.ts';
import { createDoor } from './webhooks/receive.ts';

export type Role = 'all' | 'api' | 'worker';

/** A running Tributary; disposing of it stops everything in order. */
export interface App extends AsyncDisposable {
  context: AppContext;
  /** Null in the worker role. */
  http: HttpServer | null;
}

/** Opens the database, brings it up to date and registers the accounts: all that a command needs. */
export async function openApp(
  config: Config,
  options: { log: Log; connections?: readonly ConnectionConfig[] },
): Promise<{ context: AppContext } & AsyncDisposable> {
  const { log } = options;
  await using starting = new AsyncDisposableStack();
  if (config.databaseUrl !== null) await checkDatabase(config.databaseUrl);
  else await prepareDataDir(config.dataDir);
  const connectionString =
    config.databaseUrl ??
    starting.use(
      await startEmbeddedPostgres({
        directory: join(config.dataDir, 'postgres'),
        database: 'tributary',
        durable: true,
      }),
    ).connectionString;
  const applied = await migrate(connectionString);
  if (applied.length > 0) log.info({ migrations: applied }, 'database migrated');
  const encryptionKey = encryptionKeyFrom(config.encryptionKey ?? (await keyOfTheDemo(config.dataDir)));
  const context = starting.use(await createContext({ config, log, connectionString, encryptionKey }));
  const connections = options.connections ?? config.connections;
  if (config.previousEncryptionKey !== null)
    await reseal(context, encryptionKeyFrom(config.previousEncryptionKey), connections);
  await connectAccounts(context, connections);
  await declareCustomFields(context);
  const opened = starting.move();
  return { context, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function reseal(
  { pool, encryptionKey, log }: AppContext,
  previousKey: Buffer,
  supplied: readonly ConnectionConfig[],
): Promise<void> {
  const resealed = await resealCredentials(pool, { key: encryptionKey, previousKey, supplied });
  log.info(
    { resealed },
    'All credentials are sealed with ENCRYPTION_KEY; ENCRYPTION_KEY_PREVIOUS is needed no longer',
  );
}

/** Brings the custom fields of the file up to date; what changed is filled in by a worker. */
async function declareCustomFields({ config, pool, log }: AppContext): Promise<void> {
  if (config.customFields === null) return;
  const declarations = config.customFields;
  const changed = await transaction(pool, (tx) => declareFromFile(tx, declarations));
  if (changed > 0) log.info({ changed }, 'custom fields declared by the file');
}

/** Starts what the role asks for on top of it: worker, sweeps, HTTP. */
export async function startApp(
  config: Config,
  options: { role: Role; log: Log; connections?: readonly ConnectionConfig[] },
): Promise<App> {
  await using starting = new AsyncDisposableStack();
  const { context } = starting.use(await openApp(config, options));
  if (options.role !== 'api') {
    const { pool, workPool, connectionString, sessions, log } = context;
    const { claude } = context.config;
    starting.use(
      await startWorker({
        pool: workPool,
        connectionString,
        sessions,
        platforms,
        log,
        claude,
        webhookUrl: (platform) => webhookUrl(config, platform),
      }),
    );
    if (config.sweepMinutes > 0) starting.use(reconcileEvery(context, config.sweepMinutes * 60_000));
    starting.use(repeat(60 * 60_000, log, (signal) => dropWhatIsOld(context, signal)));
    const { alertWebhookUrl, publicUrl } = config;
    if (alertWebhookUrl !== null) {
      const send = alertWebhook(alertWebhookUrl);
      starting.use(repeat(60_000, log, async () => void (await tellAlerts({ pool, send, publicUrl }))));
    }
    starting.use(
      repeat(5_000, log, async () => void (await keepStockUp({ pool, platforms, now: Date.now }))),
    );
  }
  const watching = await watchingOf(context);
  const http = options.role === 'worker' ? null : starting.use(await serve(context, watching));
  if (config.healthPort !== null)
    starting.use(
      await serveHttp({
        host: config.host,
        port: config.healthPort,
        portVariable: 'HEALTH_PORT',
        log: options.log,
        routes: watchersOnly(watching),
      }),
    );
  const running = starting.move();
  return { context, http, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Makes every account ready to be written to and to tell us of its changes. A platform that is down is tried again by the sweep. */
export async function prepareConnections(context: AppContext): Promise<void> {
  const options = reconcileOptions(context);
  await Promise.all(
    (await context.connections()).map((connection) => prepareConnection(connection, options)),
  );
}

/** Reads what the graph missed at every account, one after the other. */
export async function sweepAll(context: AppContext, sweep: { signal?: AbortSignal } = {}): Promise<void> {
  for (const connection of await context.connections()) {
    if (sweep.signal?.aborted === true) return;
    await reconcileConnection(connection, reconcileOptions(context), sweep);
  }
}

function reconcileOptions({ pool, sessions, log, config }: AppContext): ReconcileOptions {
  return {
    pool,
    sessions,
    platforms,
    log,
    metrics: engineMetrics,
    webhookUrl: (platform) => webhookUrl(config, platform),
  };
}

/** Subscriptions are healed this often; what is lost in between is found by the sweeps. */
const healEveryMs = 60 * 60_000;

/** All accounts side by side: one that is slow holds up no other. */
function reconcileEvery(context: AppContext, intervalMs: number): AsyncDisposable {
  const options = reconcileOptions(context);
  const healedAtMs = new Map<bigint, number>();
  return repeat(intervalMs, context.log, async (signal) => {
    await Promise.all(
      (await context.connections()).map(async (connection) => {
        const isDue = performance.now() - (healedAtMs.get(connection.id) ?? -healEveryMs) >= healEveryMs;
        if (isDue && (await prepareConnection(connection, options)))
          healedAtMs.set(connection.id, performance.now());
        if (!signal.aborted) await reconcileConnection(connection, options, { signal });
      }),
    );
  });
}

async function dropWhatIsOld({ pool, config, log }: AppContext, signal: AbortSignal): Promise<void> {
  const dropped = await dropOld(pool, config.retentionDays, signal);
  if (dropped !== null && dropped.events + dropped.bodies + dropped.answers > 0)
    log.info(dropped, 'dropped what was older than it is kept');
}

/** Does it after each interval, never twice at the same time; disposing of it waits for what is under way. */
function repeat(intervalMs: number, log: Log, work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stop = new AbortController();
  let running: Promise<void> | null = null;
  const timer = setInterval(() => {
    running ??= work(stop.signal)
      .catch((error: unknown) => log.warn({ err: error }, 'upkeep failed; it is tried again in its time'))
      .finally(() => {
        running = null;
      });
  }, intervalMs);
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      stop.abort();
      await running;
    },
  };
}

async function serve(context: AppContext, watching: Watching): Promise<HttpServer> {
  const { config, log, pool } = context;
  const door = createDoor({
    pool,
    platforms,
    encryptionKey: context.encryptionKey,
    publicUrl: config.publicUrl,
    log,
  });
  const graphql = createGraphQL(await context.graphqlServices());
  const http = await serveHttp({
    host: config.host,
    port: config.port,
    log,
    routes: {
      ...watching,
      webhook: (request, response, platform) => door.handle(request, response, platform),
      graphql: (request, response) => graphql.handle(request, response),
      dashboard: serveDashboard,
    },
  });
  const webSocket = graphql.attachWebSocket(http.server);
  return {
    ...http,
    [Symbol.asyncDispose]: async () => {
      await webSocket[Symbol.asyncDispose]();
      await http[Symbol.asyncDispose]();
    },
  };
}

type Watching = Pick<HttpRoutes, 'notReady' | 'mayWatch' | 'metrics'>;

/** What those who watch a process are told, whatever its role. */
async function watchingOf({ pool, keys }: AppContext): Promise<Watching> {
  const names = await migrationNames();
  const queueRegistry = new Registry();
  const queue = new QueueMetrics(pool, queueRegistry);
  return {
    notReady: async () => {
      const { rows } = await pool.query<{ migration_name: string }>(
        'select migration_name from _prisma_migrations where finished_at is not null',
      );
      const missing = names.filter((name) => !rows.some((row) => row.migration_name === name));
      return missing.length === 0 ? null : `migrations ${missing.join(', ')}`;
    },
    mayWatch: (request) => keys.admits(request, 'read:sync'),
    metrics: async () => {
      await queue.refresh();
      const { contentType } = metricsRegistry;
      return { contentType, body: await Registry.merge([metricsRegistry, queueRegistry]).metrics() };
    },
  };
}

/** The demo makes its own key, so that what it seals can be opened after a restart. */
async function keyOfTheDemo(dataDir: string): Promise<string> {
  const path = join(dataDir, 'encryption-key');
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    await mkdir(dataDir, { recursive: true });
    const key = randomBytes(32).toString('base64');
    await writeFile(path, key, { mode: 0o600, flag: 'wx' });
    return key;
  }
}
