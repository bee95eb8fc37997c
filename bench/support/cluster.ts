import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../prisma/migrate.ts';
import { type EmbeddedPostgresServer, startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';

const template = 'bench_template';

/** A Postgres of the run's own in a temporary folder, with every safety on: what is acknowledged has been flushed. */
export class Cluster implements AsyncDisposable {
  readonly version: string;
  readonly #server: EmbeddedPostgresServer;
  readonly #directory: string;
  #databases = 0;

  /** @param countStatements whether to keep what each statement costs, see {@link costliestStatements}. */
  static async start({ countStatements = false } = {}): Promise<Cluster> {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-bench-'));
    await chmod(directory, 0o755);
    await using starting = new AsyncDisposableStack();
    starting.defer(() => rm(directory, { recursive: true, force: true }));
    const server = starting.use(
      await startEmbeddedPostgres({
        directory,
        database: template,
        durable: true,
        maxConnections: 200,
        settings: countStatements
          ? ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.track_planning=on']
          : [],
      }),
    );
    if (countStatements) await queryOnce(server.connectionString, 'create extension pg_stat_statements');
    await migrate(server.connectionString);
    const { rows } = await queryOnce(
      server.connectionString,
      `select current_setting('server_version') as version`,
    );
    starting.move();
    return new Cluster(server, directory, String(rows[0]?.version ?? 'unknown'));
  }

  private constructor(server: EmbeddedPostgresServer, directory: string, version: string) {
    this.#server = server;
    this.#directory = directory;
    this.version = version;
  }

  /** Process id of the server; its connections are processes below it. */
  get pid(): number {
    return Number(readFileSync(join(this.#directory, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** A migrated database that nobody has used. */
  async createDatabase(): Promise<string> {
    this.#databases += 1;
    const name = `bench_${this.#databases}`;
    await queryOnce(
      this.#server.connectionStringFor('postgres'),
      `create database ${name} template ${template}`,
    );
    return this.#server.connectionStringFor(name);
  }

  /** What Postgres was asked since the last call, the costliest first. Times include waiting for locks and the disk. */
  async costliestStatements(most: number): Promise<StatementCost[]> {
    const database = this.#server.connectionStringFor(template);
    const { rows } = await queryOnce(
      database,
      `select left(regexp_replace(query, '\\s+', ' ', 'g'), 90) as statement, calls::int,
         total_exec_time + total_plan_time as "totalMs", total_plan_time as "planMs", (wal_bytes / 1024)::int as "walKiB"
       from pg_stat_statements order by total_exec_time + total_plan_time desc limit ${most}`,
    );
    await queryOnce(database, 'select pg_stat_statements_reset()');
    return rows as StatementCost[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

export interface StatementCost {
  statement: string;
  calls: number;
  /** Planning included. */
  totalMs: number;
  planMs: number;
  walKiB: number;
}

async function queryOnce(connectionString: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}
