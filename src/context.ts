import type { Config } from './config.ts';
import { createPool, type Pool, workUnansweredMs } from './db/pool.ts';
import { createPrisma, type Prisma } from './db/prisma.ts';
import type { Log } from './log.ts';
import { KeyRing } from './schema/authenticate.ts';
import type { GraphQLServices } from './schema/services.ts';
import { type ConnectionFacts, listConnections } from './sync/connections/connections.ts';
import { Sessions } from './sync/connections/sessions.ts';
import { EventStream } from './sync/events/event-stream.ts';
import { platforms } from './sync/platforms/index.ts';

/** What a process shares: made once from the configuration. Inner functions get the parts they use, never the bag. */
export interface AppContext extends AsyncDisposable {
  config: Config;
  log: Log;
  connectionString: string;
  encryptionKey: Buffer;
  pool: Pool;
  /** For work in the background, which looks rows up by key. */
  workPool: Pool;
  prisma: Prisma;
  sessions: Sessions;
  connections(): Promise<ConnectionFacts[]>;
  /** Who stands behind an API key. */
  keys: KeyRing;
  /** For a process that serves the API: from then on it follows the events. */
  graphqlServices(): Promise<GraphQLServices>;
}

export async function createContext(options: {
  config: Config;
  log: Log;
  connectionString: string;
  encryptionKey: Buffer;
}): Promise<AppContext> {
  const { config, log, connectionString, encryptionKey } = options;
  await using starting = new AsyncDisposableStack();
  const pool = starting.adopt(
    createPool({ connectionString, max: 24, applicationName: 'tributary' }),
    (owned) => owned.end(),
  );
  // Apart from what people ask for, whose plans depend on what they ask.
  const workPool = starting.adopt(
    createPool({
      connectionString,
      max: 20,
      applicationName: 'tributary-work',
      keyed: true,
      unansweredMs: workUnansweredMs,
    }),
    (owned) => owned.end(),
  );
  const prisma = starting.adopt(createPrisma(pool), (owned) => owned.$disconnect());
  const sessions = new Sessions({ pool: workPool, platforms, encryptionKey, baseUrls: config.baseUrls, log });
  const owned = starting.move();
  const callers = { apiKeys: config.apiKeys, anonymousScopes: config.demo ? (['admin'] as const) : null };
  return {
    config,
    log,
    connectionString,
    encryptionKey,
    pool,
    workPool,
    prisma,
    sessions,
    connections: () => listConnections(pool),
    keys: new KeyRing({ pool, log, ...callers }),
    graphqlServices: async () => ({
      pool,
      prisma,
      events: owned.use(await EventStream.start({ connectionString, pool, log })),
      platforms,
      session: (connectionId) => sessions.get(connectionId),
      log,
      ...callers,
      allowedOrigins: config.allowedOrigins,
      graphiql: config.graphiql,
      introspection: config.introspection,
    }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
