import { allEnvironment, shop } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import type { LoadResult } from './support/load.ts';
import { Platforms } from './support/platforms.ts';
import { round, Samples } from './support/samples.ts';
import { Tributary, withClient } from './support/tributary.ts';

const perSecond = 200;
const pacedSeconds = 4;
const concurrent = 64;
const fullSpeedMs = 2_500;
const turns = 2;
/** More than can be sent in that time. */
const enough = 10_000;

export const ack: Benchmark = {
  name: 'ack',
  title: 'a signed Shopify webhook is stored, committed and acknowledged',
  run,
};

async function run({ cluster, report, profileDirectory }: Bench): Promise<void> {
  await using load = new Child({
    name: 'webhook-load',
    module: new URL('./processes/webhook-load.ts', import.meta.url),
  });
  await using bare = new Child({
    name: 'bare-door',
    module: new URL('./processes/bare-door.ts', import.meta.url),
  });
  await using platforms = await Platforms.start();
  const databaseUrl = await cluster.createDatabase();
  await using tributary = await Tributary.start({
    databaseUrl,
    accounts: allEnvironment,
    platforms: platforms.urls,
    profileDirectory,
  });
  const barePort = await bare.call<number>('start', { databaseUrl, apiSecret: shop.apiSecret });

  const prepare = (name: string, count: number): Promise<{ medianBytes: number }> =>
    load.call('prepare', { name, count });
  const { medianBytes } = await prepare('warm', 1_500);
  for (let turn = 1; turn <= turns; turn += 1) {
    await prepare(`paced-${turn}`, perSecond * pacedSeconds);
    await prepare(`fast-${turn}`, enough);
  }
  const paced = (port: number, name: string): Promise<LoadResult> =>
    load.call('open', { port, name, perSecond });
  const fast = (port: number, name: string, forMs = fullSpeedMs): Promise<LoadResult> =>
    load.call('closed', { port, name, concurrent, forMs });

  await fast(barePort, 'warm', 2_000);
  const ownWarm = await fast(tributary.port, 'warm', 2_000);
  // In turns, so that whatever else the machine does falls on both.
  const barePaced: LoadResult[] = [];
  const ownPaced: LoadResult[] = [];
  const bareFast: LoadResult[] = [];
  const ownFast: LoadResult[] = [];
  for (let turn = 1; turn <= turns; turn += 1) {
    barePaced.push(await paced(barePort, `paced-${turn}`));
    ownPaced.push(await paced(tributary.port, `paced-${turn}`));
  }
  for (let turn = 1; turn <= turns; turn += 1) {
    bareFast.push(await fast(barePort, `fast-${turn}`));
    ownFast.push(await fast(tributary.port, `fast-${turn}`));
  }
  const { stored } = await inbox(databaseUrl);
  const lost = answered([ownWarm, ...ownPaced, ...ownFast]) - stored;

  // The worker works off what the door has taken in: less for it to do, less for the door to wait for.
  await withClient(databaseUrl, (client) =>
    client.query('truncate delivery cascade; truncate graphile_worker._private_jobs'),
  );
  await tributary.startWorker();
  await prepare('busy-paced', perSecond * pacedSeconds);
  await prepare('busy-fast', enough);
  const busyPaced = [await paced(tributary.port, 'busy-paced')];
  const busyFast = [await fast(tributary.port, 'busy-fast')];
  const busy = await inbox(databaseUrl);

  report.say(
    `orders/create, ${round(medianBytes / 1000)} kB in the median, distinct orders; one sender process, one door process`,
  );
  report.table([
    ['', `${perSecond}/s, open loop, from when it was due`, `${concurrent} at a time, as fast as they go`],
    ['bare node:http + HMAC + one insert', cell(barePaced), rate(bareFast)],
    ['the door (--role api)', cell(ownPaced), rate(ownFast)],
    ['the door beside a busy worker process', cell(busyPaced), rate(busyFast)],
  ]);
  report.say(
    `door ÷ bare: rate ×${round(perSec(ownFast) / perSec(bareFast))}, p50 ×${round(latencies(ownPaced).percentile(50) / latencies(barePaced).percentile(50))}, p99 ×${round(latencies(ownPaced).percentile(99) / latencies(barePaced).percentile(99))}`,
  );
  report.say(
    `of ${round(busy.stored)} deliveries taken in beside the worker, it had settled ${round(busy.settled)} when the last one was acknowledged`,
  );
  report.atMost(`p99 at ${perSecond}/s`, latencies(ownPaced).percentile(99), 15, 'ms');
  report.atLeast('acknowledged at most', perSec(ownFast), 1_500, '/s');
  report.atMost('acknowledged and not stored', lost, 0, '');
  report.atMost('refused or lost', unexpected([...ownPaced, ...ownFast, ...busyPaced, ...busyFast]), 0, '');
}

async function inbox(databaseUrl: string): Promise<{ stored: number; settled: number }> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ stored: number; settled: number }>(
      `select count(*)::int as stored, (count(*) filter (where status = 'settled'))::int as settled
       from delivery where topic = 'orders/create'`,
    ),
  );
  return rows[0] ?? { stored: 0, settled: 0 };
}

function answered(results: readonly LoadResult[]): number {
  return results.reduce((sum, result) => sum + result.latencies.length, 0);
}

function unexpected(results: readonly LoadResult[]): number {
  return results.flatMap((result) => Object.values(result.unexpected)).reduce((sum, count) => sum + count, 0);
}

function perSec(results: readonly LoadResult[]): number {
  return (answered(results) * 1000) / results.reduce((sum, result) => sum + result.elapsedMs, 0);
}

function latencies(results: readonly LoadResult[]): Samples {
  return Samples.of(results.flatMap((result) => result.latencies));
}

function cell(results: readonly LoadResult[]): string {
  return `${latencies(results).describe()}${complaint(results)}`;
}

function rate(results: readonly LoadResult[]): string {
  return `${round(perSec(results))}/s (p99 ${round(latencies(results).percentile(99))} ms)${complaint(results)}`;
}

function complaint(results: readonly LoadResult[]): string {
  const odd = results
    .flatMap((result) => Object.entries(result.unexpected))
    .map(([status, count]) => `${count} × ${status}`);
  return odd.length === 0 ? '' : ` [${odd.join(', ')}]`;
}
