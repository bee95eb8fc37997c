import { apiKey, shopifyEnvironment } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import { nowMs, sleep, until } from './support/clock.ts';
import { round } from './support/samples.ts';
import { Tributary, withClient } from './support/tributary.ts';

const places = 5;
const sizes = 4;
const products = Number(process.env.BENCH_LEVELS ?? 50_000) / places / sizes;
const levels = products * sizes * places;
const counted = 1_000;

export const backfill: Benchmark = {
  name: 'backfill',
  title:
    'every stock level of a shop read for the first time, with a worker that is killed on the way; then a count of many',
  run,
};

interface Sweep {
  reading: string | null;
  read: number;
  expected: number | null;
  applied: number;
  finishedAt: string | null;
}

async function run({ cluster, report, profileDirectory }: Bench): Promise<void> {
  await using warehouse = new Child({
    name: 'warehouse',
    module: new URL('./processes/warehouse.ts', import.meta.url),
  });
  const shopify = await warehouse.call<string>('start');
  await warehouse.call('fill', { products, sizes, places });
  const databaseUrl = await cluster.createDatabase();
  await using tributary = await Tributary.start({
    databaseUrl,
    accounts: shopifyEnvironment,
    platforms: { shopify, hubspot: shopify, quickbooks: shopify },
    unlimited: true,
    profileDirectory,
  });
  await tributary.unlockWriting();
  const ask = <T>(query: string, variables: object = {}) => graphql<T>(tributary.url, query, variables);

  const startedMs = nowMs();
  await tributary.startWorker();
  const seen: (Sweep & { atMs: number })[] = [];
  const look = async (): Promise<Sweep | null> => {
    const { syncStatus } = await ask<{ syncStatus: { connections: { sweep: Sweep | null }[] } }>(
      '{ syncStatus { connections { sweep { reading read expected applied finishedAt } } } }',
    );
    const sweep = syncStatus.connections[0]?.sweep ?? null;
    if (sweep !== null && sweep.read !== seen.at(-1)?.read)
      seen.push({ ...sweep, atMs: nowMs() - startedMs });
    return sweep;
  };
  // A page of levels is 250: half of them have been read, and the worker is in the middle of some.
  const half = products + levels / 2;
  const before = await until(
    'half of the levels are read',
    async () => {
      const sweep = await look();
      return sweep !== null && sweep.read >= half ? sweep : null;
    },
    { withinMs: 600_000, everyMs: 100 },
  );
  process.kill(tributary.workerPid, 'SIGKILL');
  await tributary.stopWorker();
  await sleep(500);
  const killed = (await look()) ?? before;
  const killedAtMs = nowMs() - startedMs;
  const askedBefore = (await warehouse.call<{ all: number }>('requests')).all;
  await tributary.startWorker();
  const upAgainMs = nowMs() - startedMs;
  const done = await until(
    'all of them are read',
    async () => {
      const sweep = await look();
      return sweep !== null && sweep.finishedAt !== null && sweep.read > killed.read ? sweep : null;
    },
    { withinMs: 600_000, everyMs: 100 },
  );
  const doneMs = nowMs() - startedMs;
  const askedAfter = (await warehouse.call<{ all: number }>('requests')).all - askedBefore;
  const ofLevels = seen.filter(({ reading }) => reading === 'stockLevel');
  const [firstLevel, lastBefore] = [ofLevels[0], ofLevels.findLast(({ atMs }) => atMs < killedAtMs)];
  const rate =
    firstLevel === undefined || lastBefore === undefined
      ? Number.NaN
      : ((lastBefore.read - firstLevel.read) * 1_000) / (lastBefore.atMs - firstLevel.atMs);
  report.say(
    `${levels} levels of ${products} products at ${places} places in ${round(doneMs / 1_000)} s, ${round((upAgainMs - killedAtMs) / 1_000)} of them without a worker; ${round(rate)} levels/s`,
  );
  report.say(
    `progress as syncStatus told it: ${[0.1, 0.3, 0.5, 0.7, 0.9].map((share) => shown(seen[Math.floor(seen.length * share)])).join(' · ')}`,
  );
  report.say(
    `killed at ${killed.read}, it went on with ${askedAfter} requests to Shopify; ${askedBefore} had been asked before`,
  );
  const falls = seen.filter((one, index) => one.read < (seen[index - 1]?.read ?? 0)).length;
  const total = products + levels + places;
  report.atMost('read twice because of the kill', done.read - total - places, 250, 'changes');
  report.atMost('times that the progress fell back', falls, 0, '');
  report.atLeast('steps of progress told', seen.length, 20, '');
  report.atMost('levels that differ from Shopify', await differences(warehouse, databaseUrl), 0, '');

  // A stock count while Shopify must not be written to: all of it is owed at once when it may be again.
  const { stockLevels } = await ask<{
    stockLevels: { nodes: { variant: { id: string }; location: { id: string } }[] };
  }>(`{ stockLevels(first: ${counted}) { nodes { variant { id } location { id } } } }`);
  const { connections } = await ask<{ connections: { id: string }[] }>('{ connections { id } }');
  const shop = { id: connections[0]?.id };
  const carryOut = (name: string, reason?: string) =>
    ask(
      `mutation Switch($id: ID!) { ${name}(input: { id: $id${reason === undefined ? '' : `, reason: "${reason}"`} }) { userErrors { message } } }`,
      shop,
    );
  await carryOut('connectionPause', 'a count');
  const queue = [...stockLevels.nodes];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        await ask(
          'mutation Count($input: StockAdjustInput!) { stockAdjust(input: $input) { userErrors { message } } }',
          {
            input: {
              variantId: next.variant.id,
              locationId: next.location.id,
              delta: 3,
              reason: 'found in the count',
            },
          },
        );
    }),
  );
  const changesBefore = (await warehouse.call<{ changes: number }>('requests')).changes;
  const resumedMs = nowMs();
  await carryOut('connectionResume');
  await until(
    'Shopify holds what was counted',
    async () => {
      const { rows } = await withClient(databaseUrl, (client) =>
        client.query<{ settled: number }>(
          `select count(*)::int as settled from push where kind = 'stockLevel' and status = 'settled'`,
        ),
      );
      return rows[0]?.settled === counted ? true : null;
    },
    { withinMs: 120_000, everyMs: 50 },
  );
  const heldMs = nowMs() - resumedMs;
  const changes = (await warehouse.call<{ changes: number }>('requests')).changes - changesBefore;
  report.say(
    `${counted} levels counted while the account was paused: all at Shopify ${round(heldMs / 1_000)} s after it was resumed, in ${changes} requests`,
  );
  report.atMost('requests for each level', changes / counted, 0.05, '');
  report.atMost(
    'levels that differ from Shopify afterwards',
    await differences(warehouse, databaseUrl),
    0,
    '',
  );
}

function shown(one: Sweep | undefined): string {
  if (one === undefined) return '–';
  const share = one.expected === null ? '' : ` (${Math.floor((100 * one.read) / one.expected)} %)`;
  return `${one.read}${one.expected === null ? '' : ` of ${one.expected}`}${share}`;
}

/** Levels whose figure is another one than Shopify's, or that are not the fold of their movements, or are missing. */
async function differences(warehouse: Child, databaseUrl: string): Promise<number> {
  const figures = new Map(await warehouse.call<[string, number][]>('figures'));
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ key: string; available: number; folded: boolean }>(
      `select g.remote_inventory_item_id || ':' || l.remote_id as key, s.available, s.available = f.sum as folded
       from stock_level s join location l on l.id = s.location_id join listing g on g.variant_id = s.variant_id
       join lateral (select sum(available_delta)::int as sum from stock_movement m where m.stock_level_id = s.id) f on true`,
    ),
  );
  const wrong = rows.filter(({ key, available, folded }) => figures.get(key) !== available || !folded);
  return wrong.length + Math.abs(figures.size - rows.length);
}

async function graphql<T>(url: string, query: string, variables: object): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey.key}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: T; errors?: { message: string }[] };
  if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join('; '));
  return data;
}
