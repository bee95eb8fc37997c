import { allEnvironment, shop } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import type { LoadResult } from './support/load.ts';
import { Platforms } from './support/platforms.ts';
import { round, Samples } from './support/samples.ts';
import { Tributary, withClient } from './support/tributary.ts';

const perSecond = 200;
const pacedSeconds = 8;
const concurrent = 64;
const fullSpeedMs = 5_000;
/** More than can be sent in that time. */
const enough = 20_000;

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

  const { medianBytes } = await load.call<{ medianBytes: number }>('prepare', {
    name: 'paced',
    count: perSecond * pacedSeconds,
  });
  await load.call('prepare', { name: 'fast', count: enough });
  await load.call('prepare', { name: 'warm', count: 1_500 });
  const paced = (port: number, name = 'paced'): Promise<LoadResult> =>
    load.call('open', { port, name, perSecond });
  const fast = (port: number, name = 'fast', forMs = fullSpeedMs): Promise<LoadResult> =>
    load.call('closed', { port, name, concurrent, forMs });

  await fast(barePort, 'warm', 2_000);
  const ownWarm = await fast(tributary.port, 'warm', 2_000);
  const barePaced = await paced(barePort);
  const ownPaced = await paced(tributary.port);
  const bareFast = await fast(barePort);
  const ownFast = await fast(tributary.port);
  const { stored } = await inbox(databaseUrl);
  const lost = [ownWarm, ownPaced, ownFast].reduce((sum, result) => sum + answered(result), 0) - stored;

  // The worker works off what the door has taken in: less for it to do, less for the door to wait for.
  await withClient(databaseUrl, (client) =>
    client.query('truncate delivery cascade; truncate graphile_worker._private_jobs'),
  );
  await tributary.startWorker();
  await load.call('prepare', { name: 'busy-paced', count: perSecond * pacedSeconds });
  await load.call('prepare', { name: 'busy-fast', count: enough });
  const busyPaced = await paced(tributary.port, 'busy-paced');
  const busyFast = await fast(tributary.port, 'busy-fast', 3_000);
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
    `door ÷ bare: rate ×${round(perSec(ownFast) / perSec(bareFast))}, p50 ×${round(p(ownPaced, 50) / p(barePaced, 50))}, p99 ×${round(p(ownPaced, 99) / p(barePaced, 99))}`,
  );
  report.say(
    `of ${round(busy.stored)} deliveries taken in beside the worker, it had settled ${round(busy.settled)} when the last one was acknowledged`,
  );
  report.atMost(`p99 at ${perSecond}/s`, p(ownPaced, 99), 15, 'ms');
  report.atLeast('acknowledged at most', perSec(ownFast), 1_500, '/s');
  report.atMost('acknowledged and not stored', lost, 0, '');
  report.atMost(
    'refused or lost',
    unexpected(ownPaced) + unexpected(ownFast) + unexpected(busyPaced) + unexpected(busyFast),
    0,
    '',
  );
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

function answered(result: LoadResult): number {
  return result.latencies.length;
}

function unexpected(result: LoadResult): number {
  return Object.values(result.unexpected).reduce((sum, count) => sum + count, 0);
}

function perSec(result: LoadResult): number {
  return (answered(result) / result.elapsedMs) * 1000;
}

function p(result: LoadResult, percent: number): number {
  return Samples.of(result.latencies).percentile(percent);
}

function cell(result: LoadResult): string {
  return `${Samples.of(result.latencies).describe()}${complaint(result)}`;
}

function rate(result: LoadResult): string {
  return `${round(perSec(result))}/s (p99 ${round(p(result, 99))} ms)${complaint(result)}`;
}

function complaint(result: LoadResult): string {
  const odd = Object.entries(result.unexpected).map(([status, count]) => `${count} × ${status}`);
  return odd.length === 0 ? '' : ` [${odd.join(', ')}]`;
}
