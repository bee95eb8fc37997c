import pg from 'pg';
import { allEnvironment } from './accounts.ts';
import type { Bench } from './benchmark.ts';
import { nowMs, until } from './clock.ts';
import { Platforms } from './platforms.ts';
import { ignoreLoss, Tributary } from './tributary.ts';

/** A shop with a catalogue and regular customers whose accounts are all connected, unlocked and in step. */
export class LiveShop implements AsyncDisposable {
  readonly platforms: Platforms;
  readonly tributary: Tributary;
  readonly databaseUrl: string;
  /** For looking, beside what is measured. */
  readonly database: pg.Pool;
  readonly #owned: AsyncDisposable;

  static async open(
    bench: Bench,
    options: {
      /** Orders of the past. */
      orders?: number;
      /** How long taking them in may last. */
      withinMs?: number;
      beforeConnecting?: (platforms: Platforms) => Promise<unknown>;
      /** Once the accounts are connected, before anything is read of them. */
      beforeWork?: (database: pg.Pool) => Promise<unknown>;
      /** Platforms that nothing is written to. */
      observing?: readonly string[];
    } = {},
  ): Promise<LiveShop> {
    const withinMs = options.withinMs ?? 60_000;
    await using opening = new AsyncDisposableStack();
    const platforms = opening.use(await Platforms.start());
    await platforms.seed({ products: 40, customers: 300, orders: options.orders ?? 0 });
    await options.beforeConnecting?.(platforms);
    const databaseUrl = await bench.cluster.createDatabase();
    const database = opening.adopt(
      ignoreLoss(new pg.Pool({ connectionString: databaseUrl, max: 2 })),
      (pool) => pool.end(),
    );
    const tributary = opening.use(
      await Tributary.start({
        databaseUrl,
        accounts: allEnvironment,
        platforms: platforms.urls,
        unlimited: true,
        profileDirectory: bench.profileDirectory,
      }),
    );
    await tributary.unlockWriting(options.observing);
    await options.beforeWork?.(database);
    await platforms.sendWebhooksTo(tributary.url);
    const shop = new LiveShop({ platforms, tributary, databaseUrl, database, owned: opening.move() });
    try {
      await until(
        'the shop is subscribed to',
        async () => ((await platforms.subscriptions()) > 0 ? true : null),
        { withinMs: 20_000 },
      );
      await tributary.startWorker();
      await until('the catalogue is in the graph', () => shop.#isSwept(), { withinMs, everyMs: 200 });
      await shop.quiet(withinMs);
    } catch (error) {
      await shop[Symbol.asyncDispose]();
      throw error;
    }
    return shop;
  }

  private constructor(parts: {
    platforms: Platforms;
    tributary: Tributary;
    databaseUrl: string;
    database: pg.Pool;
    owned: AsyncDisposable;
  }) {
    this.platforms = parts.platforms;
    this.tributary = parts.tributary;
    this.databaseUrl = parts.databaseUrl;
    this.database = parts.database;
    this.#owned = parts.owned;
  }

  /** Waits until nothing is open any more and the platforms have not been asked for anything for a while. */
  async quiet(withinMs: number): Promise<void> {
    let asked = '';
    let stillSinceMs = nowMs();
    await until(
      'all work is done',
      async () => {
        const now = JSON.stringify(await this.platforms.requests());
        const open = await this.openWork();
        if (now !== asked || open.deliveries + open.pushes > 0) stillSinceMs = nowMs();
        asked = now;
        return nowMs() - stillSinceMs > 700 ? true : null;
      },
      { withinMs, everyMs: 250 },
    );
  }

  async openWork(): Promise<{ deliveries: number; pushes: number; dead: number }> {
    const { rows } = await this.database.query<{ deliveries: number; pushes: number; dead: number }>(
      `select (select count(*)::int from delivery where status in ('pending', 'retrying')) as deliveries,
                (select count(*)::int from push where status in ('pending', 'running', 'retrying')) as pushes,
                (select count(*)::int from push where status = 'dead') + (select count(*)::int from delivery where status = 'dead') as dead`,
    );
    return rows[0] ?? { deliveries: 0, pushes: 0, dead: 0 };
  }

  /** Says what has died and why, one line per reason. */
  async deaths(): Promise<string[]> {
    const { rows } = await this.database.query<{ what: string; code: string; error: string; count: number }>(
      `select what, error_code as code, min(error) as error, count(*)::int as count from (
           select 'delivery ' || topic as what, error_code, error from delivery where status = 'dead'
           union all select 'push ' || kind, error_code, error from push where status = 'dead') dead
         group by what, error_code order by 4 desc`,
    );
    return rows.map(({ what, code, error, count }) => `${count} × ${what}: ${code} ${error}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#owned[Symbol.asyncDispose]());
  }

  async #isSwept(): Promise<true | null> {
    const { rowCount } = await this.database.query(
      `select from connection where platform = 'shopify' and swept_until is not null`,
    );
    return rowCount === 0 ? null : true;
  }
}
