import pg from 'pg';
import { apiKey, encryptionKey } from './accounts.ts';
import { Child } from './child.ts';
import { until } from './clock.ts';
import { freePort } from './free-port.ts';

const main = new URL('../../src/main.ts', import.meta.url);
const withoutLimits = new URL('./without-rate-limits.ts', import.meta.url);

export interface TributaryOptions {
  databaseUrl: string;
  /** Credentials of the accounts. */
  accounts: Readonly<Record<string, string>>;
  /** Base URL of each platform. */
  platforms: Readonly<Record<'shopify' | 'hubspot' | 'quickbooks', string>>;
  /** Lifts the rate limits that our side keeps for each account. */
  unlimited?: boolean;
  profileDirectory: string | null;
}

/** Tributary as it is run in earnest: `src/main.ts`, one process per role, configured by the environment. */
export class Tributary implements AsyncDisposable {
  readonly port: number;
  readonly api: Child;
  readonly #options: TributaryOptions;
  readonly #environment: Record<string, string>;
  #worker: Child | null = null;

  static async start(options: TributaryOptions): Promise<Tributary> {
    const tributary = new Tributary(options, await freePort());
    try {
      await until('the api process is ready', () => tributary.#isReady(), { withinMs: 30_000 });
    } catch (error) {
      await tributary[Symbol.asyncDispose]();
      throw error;
    }
    return tributary;
  }

  private constructor(options: TributaryOptions, port: number) {
    this.#options = options;
    this.port = port;
    this.#environment = {
      ...options.accounts,
      DATABASE_URL: options.databaseUrl,
      HOST: '127.0.0.1',
      PORT: String(port),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      ENCRYPTION_KEY: encryptionKey,
      API_KEYS: `${apiKey.name}=${apiKey.key}@admin`,
      LOG_LEVEL: 'info',
      SHOPIFY_API_URL: options.platforms.shopify,
      HUBSPOT_API_URL: options.platforms.hubspot,
      QUICKBOOKS_API_URL: options.platforms.quickbooks,
    };
    this.api = this.#start('api');
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Lets every account be written to: a new one only observes. */
  async unlockWriting(except: readonly string[] = []): Promise<void> {
    await withClient(this.#options.databaseUrl, (client) =>
      client.query(`update connection set write_capabilities = '{*}' where platform::text <> all($1)`, [
        except,
      ]),
    );
  }

  /** The worker, in a process of its own. */
  async startWorker(): Promise<Child> {
    const worker = this.#start('worker');
    this.#worker = worker;
    await withClient(this.#options.databaseUrl, (client) =>
      until(
        'the worker has taken up its work',
        async () => {
          if (!worker.running) throw new Error(worker.output);
          const { rowCount } = await client.query(
            `select from worker_lease where heartbeat_at > now() - interval '10 s'`,
          );
          return rowCount === 0 ? null : true;
        },
        { withinMs: 30_000 },
      ),
    );
    return worker;
  }

  get workerPid(): number {
    return this.#worker?.pid ?? 0;
  }

  async stopWorker(): Promise<void> {
    await this.#worker?.[Symbol.asyncDispose]();
    this.#worker = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopWorker();
    await this.api[Symbol.asyncDispose]();
  }

  #start(role: 'api' | 'worker'): Child {
    return new Child({
      name: `tributary-${role}`,
      module: main,
      args: ['--role', role],
      env: this.#environment,
      imports: this.#options.unlimited === true ? [withoutLimits] : [],
      profileDirectory: this.#options.profileDirectory,
    });
  }

  async #isReady(): Promise<true | null> {
    if (!this.api.running) throw new Error(this.api.output);
    const response = await fetch(`${this.url}/readyz`).catch(() => null);
    await response?.arrayBuffer();
    return response?.ok === true ? true : null;
  }
}

/** A run that is stopped takes its Postgres down while connections to it are open: that is no reason to crash. */
export function ignoreLoss<T extends { on(event: 'error', listener: () => void): unknown }>(
  connection: T,
): T {
  connection.on('error', () => undefined);
  return connection;
}

export async function withClient<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = ignoreLoss(new pg.Client({ connectionString: databaseUrl }));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
