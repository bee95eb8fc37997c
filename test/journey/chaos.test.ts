import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startHubSpotSandbox } from '../../sandbox/hubspot/server.ts';
import type { FaultEffect } from '../../sandbox/kit/faults.ts';
import { type Random, seededRandom } from '../../sandbox/kit/random.ts';
import { fairWeather } from '../../sandbox/kit/webhooks.ts';
import { startQuickBooksSandbox } from '../../sandbox/quickbooks/server.ts';
import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { ShopError } from '../../sandbox/shopify/shop.ts';
import { startEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { createPool } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import { setWriteCapabilities } from '../../src/sync/operations.ts';
import { FlakyRoad } from '../support/flaky-road.ts';
import {
  type Answer,
  apiKey,
  defaultCatalogue,
  environmentOf,
  freePort,
  RoleProcess,
  stockUp,
  until,
} from '../support/stack.ts';
import { crmOrders, deadLetters, everyStockLevelAtShopify } from './observe.ts';
import {
  befall,
  expectCustomersToEqualTheirOrders,
  expectOrdersToEqualTheShop,
  place,
  squareUp,
  stockInGraph,
} from './trade.ts';

/**
 * Runs where it is asked for: `CHAOS_SEEDS=1,2,3`, for `CHAOS_SECONDS=120` each; `CHAOS_LOG=/tmp/chaos` keeps what the
 * processes said. What happens when depends on the machine as well, so that a seed is a beginning and no repetition.
 */
const asked = process.env.CHAOS_SEEDS;
const seeds = (asked ?? '1').split(',').map(Number);
const tradeMs = Number(process.env.CHAOS_SECONDS ?? 12) * 1_000;

test.skipIf(asked === undefined).each(seeds)(
  'seed %i: with processes killed, the database cut off and restarted and every platform failing, all ends as if nothing had happened',
  async (seed) => {
    await using stack = new AsyncDisposableStack();
    const random = seededRandom(seed);
    const common = { port: 0, seed, limits: false, timeScale: 600 };
    const shopify = stack.use(await startShopifySandbox({ ...common, outOfOrder: 0.5 }));
    const hubspot = stack.use(await startHubSpotSandbox({ ...common, searchLagMs: [0, 0] }));
    const quickbooks = stack.use(await startQuickBooksSandbox(common));
    const platforms = [shopify, hubspot, quickbooks];
    stockUp(shopify, defaultCatalogue);

    const directory = await mkdtemp(join(tmpdir(), 'tributary-chaos-'));
    await chmod(directory, 0o755);
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const postgres = stack.adopt(new Restartable(directory), (one) => one.stop());
    const road = stack.use(await FlakyRoad.open());
    await postgres.start(road);
    const databaseUrl = postgres.through(road);

    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const database = {
      url: databaseUrl,
      pool: stack.adopt(
        createPool({ connectionString: databaseUrl, max: 4, applicationName: 'chaos' }),
        (pool) => pool.end(),
      ),
    } as never as Parameters<typeof stockInGraph>[0]['database'];
    const environment = environmentOf({
      url,
      port,
      databaseUrl,
      shopify,
      hubspot,
      quickbooks,
      amazon: null,
    });
    const log: string[] = [];
    if (process.env.CHAOS_LOG !== undefined)
      stack.defer(() => writeFile(`${process.env.CHAOS_LOG}-${seed}.log`, log.join('\n')));
    const api = stack.use(new RoleProcess('api', environment, log));
    const workers = [0, 1].map(() => stack.use(new RoleProcess('worker', environment, log)));
    hubspot.setWebhookTarget(`${url}/webhooks/hubspot`);
    quickbooks.setWebhookTarget(`${url}/webhooks/quickbooks`);
    await api.start();
    const { rows: connections } = await database.pool.query<{ id: bigint }>(
      'select id from connection order by id',
    );
    for (const { id } of connections)
      await transaction(database.pool, (tx) => setWriteCapabilities(tx, id, ['*']));
    for (const worker of workers) await worker.start();
    await until(
      'subscribed',
      () => shopify.shop.subscriptions.size,
      (size) => size > 0,
    );

    const subscriber = follow(url);
    const trading = { shopify, hubspot, quickbooks, database };
    const orders: string[] = [];
    const told: string[] = [];
    const trouble = makeTrouble({ random, platforms, api, workers, postgres, road, quickbooks, told });
    const endsAt = performance.now() + tradeMs;
    while (performance.now() < endsAt) {
      for (const platform of platforms)
        platform.webhooks.weather = {
          ...fairWeather,
          duplicate: random.pick([0, 0.3]),
          delayMs: [0, random.pick([0, 200, 1500])],
          lose: random.pick([0, 0, 0.1]),
        };
      for (let step = 0; step < 10; step += 1) {
        if (orders.length < 4 || random.chance(0.4))
          orders.push(place(trading, random, [{ rate: '0.086' }], orders.length % 5 === 4));
        else befall(trading, random, random.pick(orders));
        await sleep(random.int(0, 250));
      }
    }
    await trouble.stop();
    expect([api, ...workers].map(({ isRunning }) => isRunning)).toEqual([true, true, true]);
    for (const platform of platforms) {
      platform.faults.clear();
      platform.webhooks.weather = { ...fairWeather };
    }
    for (const id of orders) {
      try {
        squareUp(trading, id);
      } catch (error) {
        // The shop refuses some of what these orders went through: they stay as they are.
        if (!(error instanceof ShopError)) throw error;
      }
    }

    const state = await calm({ url, database, platforms: { shopify, hubspot, quickbooks } });
    log.push(`${orders.length} orders; ${told.join(' ')}`);
    expect(state).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE']);
    expect(await deadLetters(trading)).toEqual([]);
    await expectOrdersToEqualTheShop(trading, orders);
    await expectCustomersToEqualTheirOrders(trading, orders);
    expect(await stockInGraph(trading)).toEqual(everyStockLevelAtShopify(trading).sort());
    expect(quickbooks.trialBalance().balanced).toBe(true);
    for (const id of orders) expect({ id, times: crmOrders(trading, id).length }).toEqual({ id, times: 1 });
    const { rows: events } = await database.pool.query<{ position: bigint }>(
      'select position from event order by position',
    );
    await until(
      'the subscriber has heard everything',
      () => subscriber.cursors.length,
      (heard) => heard >= events.length,
    );
    await subscriber.stop();
    expect(subscriber.cursors).toEqual(events.map(({ position }) => Number(position)));
    expect(subscriber.cursors).toEqual(events.map((_, index) => index + 1));
  },
  1_200_000,
);

class Restartable {
  readonly #directory: string;
  #server: Awaited<ReturnType<typeof startEmbeddedPostgres>> | null = null;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async start(road: FlakyRoad): Promise<void> {
    this.#server = await startEmbeddedPostgres({
      directory: this.#directory,
      database: 'tributary',
      durable: true,
      maxConnections: 300,
    });
    road.target = Number(new URL(this.#server.connectionString).port);
  }

  through(road: FlakyRoad): string {
    const url = new URL(this.#server?.connectionString ?? '');
    url.port = String(road.port);
    return url.href;
  }

  /** Hard: as when it crashes; it recovers from its log at the next start. */
  async stop({ isHard }: { isHard: boolean } = { isHard: false }): Promise<void> {
    if (isHard) {
      const [pid] = (await readFile(join(this.#directory, 'cluster', 'postmaster.pid'), 'utf8')).split('\n');
      process.kill(Number(pid), 'SIGQUIT');
    }
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = null;
  }
}

interface Victims {
  random: Random;
  platforms: { faults: { add(rule: never): void; clear(): void } }[];
  api: RoleProcess;
  workers: RoleProcess[];
  postgres: Restartable;
  road: FlakyRoad;
  quickbooks: { expireTokens(): void };
  told: string[];
}

const effects: FaultEffect[] = [
  { kind: 'latency', minMs: 20, maxMs: 900 },
  { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'status', status: 503 },
  { kind: 'status', status: 500 },
  { kind: 'dropResponse' },
  { kind: 'reset' },
  { kind: 'timeout' },
];

/** One mishap after the other, until stopped; all processes run then. */
function makeTrouble(victims: Victims): { stop(): Promise<void> } {
  const { random, platforms, api, workers, postgres, road, told } = victims;
  let stopping = false;
  const reviving = new Set<Promise<void>>();
  const down = new Set<RoleProcess>();
  const kill = async (name: string, process: RoleProcess): Promise<void> => {
    if (down.has(process)) return;
    down.add(process);
    told.push(name);
    await process.kill();
    const revived = (async () => {
      await sleep(random.int(0, 2_000));
      // Where the database is away it ends with a word of that, and its operator starts it again.
      for (;;) {
        try {
          await process.start();
          break;
        } catch {
          await sleep(300);
        }
      }
      down.delete(process);
    })().finally(() => reviving.delete(revived));
    reviving.add(revived);
  };
  const mishaps: (() => Promise<void> | void)[] = [
    () => kill('kill-worker', random.pick(workers)),
    () => kill('kill-worker', random.pick(workers)),
    () => kill('kill-api', api),
    () => {
      told.push('cut');
      road.cut(() => random.chance(0.3));
    },
    () => {
      told.push('cut-all');
      road.cut(() => true);
    },
    async () => {
      const isHard = random.chance(0.5);
      told.push(isHard ? 'crash-postgres' : 'restart-postgres');
      road.target = null;
      await postgres.stop({ isHard });
      road.cut(() => true);
      await sleep(random.int(0, 1_500));
      await postgres.start(road);
    },
    ...[0, 1, 2, 3, 4].map(() => () => {
      const effect = random.pick(effects);
      told.push(effect.kind === 'status' ? String(effect.status) : effect.kind);
      random.pick(platforms).faults.add({
        id: `chaos-${random.int(1, 1e9)}`,
        effect,
        probability: random.pick([0.1, 0.3, 0.6]),
        untilMs: Date.now() + random.int(500, 5_000),
      } as never);
    }),
    () => {
      victims.quickbooks.expireTokens();
      told.push('expire');
      platforms[2]?.faults.add({
        id: `token-${random.int(1, 1e9)}`,
        effect: { kind: 'dropResponse' },
        path: 'tokens/bearer',
        times: 2,
      } as never);
    },
  ];
  const running = (async () => {
    while (!stopping) {
      await sleep(random.int(100, 900));
      await random.pick(mishaps)();
    }
    await Promise.all(reviving);
  })();
  return {
    stop: () => {
      stopping = true;
      return running;
    },
  };
}

/** Follows all events, coming back with the last cursor whenever it is cut off. */
function follow(url: string): { cursors: number[]; stop(): Promise<void> } {
  const cursors: number[] = [];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const client = createClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { authorization: `Bearer ${apiKey}` },
        retryAttempts: 0,
        lazy: true,
      });
      await new Promise<void>((resolve) => {
        const end = client.subscribe<Answer>(
          {
            query: 'subscription ($after: String) { eventAppended(after: $after) { cursor } }',
            variables: { after: String(cursors.at(-1) ?? 0) },
          },
          {
            next: ({ data }) => {
              cursors.push(Number(data.eventAppended.cursor));
              if (stopped) end();
            },
            error: () => resolve(),
            complete: () => resolve(),
          },
        );
        const timer = setInterval(() => {
          if (!stopped) return;
          clearInterval(timer);
          end();
          resolve();
        }, 100);
      });
      await client.dispose();
      await sleep(200);
    }
  })();
  return {
    cursors,
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

interface Calming {
  url: string;
  database: Parameters<typeof stockInGraph>[0]['database'];
  platforms: Pick<Parameters<typeof stockInGraph>[0], 'shopify' | 'hubspot' | 'quickbooks'>;
}

/** Lets waiting work go at once, sweeps every account, and waits until nothing is on its way. */
async function calm({ url, database, platforms }: Calming): Promise<unknown> {
  const ask = async (query: string, variables: Record<string, unknown> = {}): Promise<Answer> => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as Answer;
    if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
    return answer.data;
  };
  const settle = async (): Promise<void> => {
    let before = -1;
    for (let quiet = 0, looks = 0; quiet < 3; looks += 1) {
      platforms.hubspot.flushWebhooks();
      platforms.quickbooks.flushWebhooks();
      await Promise.all(Object.values(platforms).map(({ webhooks }) => webhooks.drained()));
      const { rows } = await database.pool.query<Answer>(
        `select (select count(*) from delivery where status in ('pending', 'retrying'))::int
           + (select count(*) from push where status in ('pending', 'retrying', 'running'))::int as open,
           (select count(*) from event)::int as events`,
      );
      quiet = rows[0].open === 0 && rows[0].events === before ? quiet + 1 : 0;
      before = rows[0].events;
      if (looks % 40 === 39) await hurry();
      if (looks > 1_200) throw new Error(`not calm: ${JSON.stringify(await open())}`);
      await sleep(250);
    }
  };
  const open = async (): Promise<unknown[]> =>
    (
      await database.pool.query<object>(
        `select 'delivery ' || id as what, topic as kind, status::text, attempts, error, next_attempt_at::text from delivery
           where status in ('pending', 'retrying')
         union all select 'push ' || id, kind, status::text, attempts, error, next_attempt_at::text from push
           where status in ('pending', 'retrying', 'running') limit 10`,
      )
    ).rows;
  const hurry = async (): Promise<void> => {
    for (const { id, status } of (await ask('{ connections { id status } }')).connections)
      if (status === 'REVOKED' || status === 'ACTIVE')
        await ask('mutation ($id: ID!) { connectionResume(input: { id: $id }) { settled } }', { id });
  };
  await hurry();
  await settle();
  for (let round = 0; round < 2; round += 1) {
    const { connections } = await ask('{ connections { id } }');
    for (const { id } of connections)
      await ask(
        'mutation ($id: ID!) { connectionSweep(input: { id: $id, full: true }) { userErrors { message } } }',
        { id },
      );
    await sleep(500);
    await until(
      'the sweeps have ended',
      async () =>
        (
          await database.pool.query<Answer>(
            `select (select count(*) from graphile_worker.jobs where task_identifier = 'sweep')::int as jobs`,
          )
        ).rows[0].jobs,
      (jobs) => jobs === 0,
      300_000,
    );
    await settle();
  }
  const { connections } = await ask('{ connections { status } }');
  return connections.map(({ status }: Answer) => status);
}
