import type pg from 'pg';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { nowMs, sleep, until } from './support/clock.ts';
import { LiveShop } from './support/live-shop.ts';
import { round } from './support/samples.ts';

const perSecond = 10;
const downSeconds = 15;

export const drain: Benchmark = {
  name: 'drain',
  title: 'QuickBooks is down while orders come in; how fast the rest goes on and how soon it catches up',
  run,
};

async function run(bench: Bench): Promise<void> {
  const { report } = bench;
  await using shop = await LiveShop.open(bench);
  const { platforms } = shop;
  for (const platform of ['hubspot', 'quickbooks', 'shopify'] as const) {
    await platforms.fault(platform, { kind: 'latency', minMs: 100, maxMs: 150 });
  }
  const before = await counts(shop.database);
  const askedBefore = (await platforms.requests()).quickbooks;
  await platforms.fault('quickbooks', { kind: 'status', status: 503 });
  const orders = await platforms.sell({ perSecond, seconds: downSeconds });
  await sleep(1_000);
  const during = await counts(shop.database);
  const asked = (await platforms.requests()).quickbooks - askedBefore;

  await platforms.clearFaults('quickbooks');
  await platforms.fault('quickbooks', { kind: 'latency', minMs: 100, maxMs: 150 });
  const backMs = nowMs();
  const first = until(
    'the first receipt after QuickBooks is back',
    async () => ((await counts(shop.database)).quickbooks > during.quickbooks ? nowMs() : null),
    { withinMs: 45_000, everyMs: 20 },
  );
  const drainedMs = await until(
    'everything has drained',
    async () => {
      const open = await shop.openWork();
      return open.deliveries + open.pushes === 0 ? nowMs() : null;
    },
    { withinMs: 60_000, everyMs: 50 },
  ).catch(() => null);
  const firstMs = await first.catch(() => null);
  const after = await counts(shop.database);

  report.say(
    `${orders.length} orders at ${perSecond}/s while QuickBooks answered 503 for ${downSeconds} s; calls take 100–150 ms, limits off`,
  );
  report.say(
    `while it was down: ${during.hubspot - before.hubspot} receipts of HubSpot, ${during.quickbooks - before.quickbooks} of QuickBooks, ${during.waiting} pushes waiting`,
  );
  report.say(
    `QuickBooks was asked ${asked} times while it was down (the circuit breaker holds the rest back)`,
  );
  report.say(
    `back: first receipt after ${firstMs === null ? '–' : round((firstMs - backMs) / 1000)} s, drained after ${drainedMs === null ? '– (not within 60)' : round((drainedMs - backMs) / 1000)} s`,
  );
  report.say(`in the end: ${after.quickbooks - before.quickbooks} receipts of QuickBooks`);
  const { dead } = await shop.openWork();
  for (const line of await shop.deaths()) report.say(`dead: ${line}`);
  report.atMost('work left for a person', dead, 0, '');
  report.atMost('work not drained within 60 s', drainedMs === null ? after.waiting : 0, 0, '');
}

async function counts(database: pg.Pool): Promise<{ hubspot: number; quickbooks: number; waiting: number }> {
  const { rows } = await database.query<{ hubspot: number; quickbooks: number; waiting: number }>(
    `select count(*) filter (where c.platform = 'hubspot' and p.status = 'settled')::int as hubspot,
              count(*) filter (where c.platform = 'quickbooks' and p.status = 'settled')::int as quickbooks,
              count(*) filter (where p.status in ('pending', 'running', 'retrying'))::int as waiting
       from push p join connection c on c.id = p.connection_id`,
  );
  return rows[0] ?? { hubspot: 0, quickbooks: 0, waiting: 0 };
}
