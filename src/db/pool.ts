import pg from 'pg';

export type Pool = pg.Pool;

/** A connection inside an open transaction; functions that write demand one, only shells open one. */
export type Tx = pg.PoolClient & { readonly __transaction: unique symbol };
/** Anything that answers a query: the pool, or a transaction. */
export type Queryable = Pick<pg.PoolClient, 'query'>;

const int8Oid = 20;

/** bigint columns arrive as bigint: ids and amounts exceed what a number holds. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === int8Oid
      ? (text: string) => BigInt(text)
      : pg.types.getTypeParser(oid, format as 'text')) as never,
};

/** Startup option of a connection whose commits do not wait for the disk. */
export const relaxedCommits = '-c synchronous_commit=off';

/**
 * Settings for statements that look rows up by key, whatever the values. Postgres plans a prepared statement anew for its
 * first five uses on each connection, and for some always; the large ones take longer to plan than to run (10 ms to 5), so
 * they are planned once. A plan may then be as old as the connection: made when a table was small it would read all of it
 * for ever, which is why reading whole tables is ruled out where there is an index.
 */
export const keyedLookups = [
  'plan_cache_mode = force_generic_plan',
  'enable_seqscan = off',
  'jit = off',
] as const;

/** The same as options of a connection. */
const keyedOptions = keyedLookups.map((setting) => `-c ${setting.replaceAll(' ', '')}`).join(' ');

/**
 * For every connection that stays open: a firewall that forgot, a host that is gone or a failover tells nobody. Both ends look
 * after each other, so that ours opens another and the server's gives up the locks of whoever is not there any more.
 */
export const watchful = {
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
} as const;
export const watchfulServer =
  '-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=30000';

/** No statement of ours takes as long; what goes unanswered for so long will never be answered. */
const unansweredMs = 60_000;
/** The same for work in the background, whose statements look rows up by key. */
export const workUnansweredMs = 30_000;
/** How long it may take to get a connection where all are lent out, or to open one. */
const connectMs = 30_000;

export function createPool(options: {
  connectionString: string;
  max: number;
  applicationName: string;
  /**
   * True where a commit need not wait for the disk: for statements whose loss in a power cut is made good by doing the same
   * again. Nobody else is affected, and a server that merely ends loses nothing (see `synchronous_commit` in the manual).
   */
  relaxed?: boolean;
  /** True where everything that is asked looks rows up by key, see {@link keyedLookups}. */
  keyed?: boolean;
  /** After how long a statement without an answer fails, and its connection is given up. */
  unansweredMs?: number;
}): Pool {
  const given = [
    watchfulServer,
    options.relaxed === true ? relaxedCommits : '',
    options.keyed === true ? keyedOptions : '',
  ];
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max,
    application_name: options.applicationName,
    types,
    idleTimeoutMillis: 30_000,
    ...watchful,
    connectionTimeoutMillis: connectMs,
    query_timeout: options.unansweredMs ?? unansweredMs,
    options: given.join(' ').trim(),
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  // So would one that breaks while it is lent out and between two statements. The next statement tells its borrower.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  return pool;
}

/** Whether commits over this pool need not be on disk. */
export function isRelaxed(pool: Pool): boolean {
  return String(pool.options.options ?? '').includes(relaxedCommits);
}

/** Whether the connections of this pool have the settings of {@link keyedLookups} of their own. */
export function isKeyed(pool: Pool): boolean {
  return String(pool.options.options ?? '').includes(keyedOptions);
}
