import type { Timed } from './processes/process-deliveries.ts';
import { encryptionKey } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import { LiveShop } from './support/live-shop.ts';
import { round, Samples } from './support/samples.ts';

export const order: Benchmark = {
  name: 'order',
  title:
    'our own time for an order: from its delivery being picked up to the commit, calls to platforms left out',
  run,
};

async function run(bench: Bench): Promise<void> {
  const { report } = bench;
  await using shop = await LiveShop.open(bench);
  await shop.tributary.stopWorker();
  // The api process fills the inbox; nobody works it off, so that one thing after the other can be timed.
  const orders = await shop.platforms.sell({ perSecond: 40, seconds: 8 });
  await shop.platforms.webhooksDrained();
  await using child = new Child({
    name: 'process-deliveries',
    module: new URL('./processes/process-deliveries.ts', import.meta.url),
    profileDirectory: bench.profileDirectory,
  });
  const all = await child.call<Timed[]>('run', {
    databaseUrl: shop.databaseUrl,
    encryptionKey,
    baseUrls: shop.platforms.urls,
  });
  // Until the engine has compiled what is hot and the connections have prepared their statements.
  const timed = all.slice(Math.floor(all.length / 5));
  const ofOrders = firstOfEachOrder(timed);

  report.say(
    `${orders.length} orders, the customers' and stock's deliveries with them; one delivery at a time, fsync on at each commit`,
  );
  report.table([
    ['the delivery that brings the order', own(ofOrders).describe(), `${ofOrders.length} of them`],
    [
      '  before the transaction (load, read, normalise)',
      Samples.of(ofOrders.map((one) => one.ms - one.platformMs - one.transactionMs)).describe(),
    ],
    ['  inside the transaction', Samples.of(ofOrders.map((one) => one.transactionMs)).describe()],
    [
      '  of all: waiting for Postgres',
      Samples.of(ofOrders.map((one) => one.sqlMs)).describe(),
      `${round(mean(ofOrders.map((one) => one.statements.length)))} statements`,
    ],
  ]);
  report.say('');
  report.table(byTopic(timed));
  report.say('');
  report.say('statements of the delivery that brings the order, by their share:');
  report.table(byStatement(ofOrders));
  report.atMost('p50 of own time per order', own(ofOrders).percentile(50), 20, 'ms');
  report.atMost(
    'deliveries that failed',
    all.filter((one) => one.fate === 'retrying' || one.fate === 'dead').length,
    0,
    '',
  );
}

function own(timed: readonly Timed[]): Samples {
  return Samples.of(timed.map((one) => one.ms - one.platformMs));
}

/** Whichever topic came first made the order; what comes after finds most of it known. */
function firstOfEachOrder(timed: readonly Timed[]): Timed[] {
  const seen = new Set<string>();
  return timed.filter((one) => {
    if (!one.subject.startsWith('order:') || seen.has(one.subject)) return false;
    seen.add(one.subject);
    return one.fate === 'applied';
  });
}

function byTopic(timed: readonly Timed[]): [string, string, string][] {
  const topics = Map.groupBy(timed, (one) => `${one.topic} (${one.fate})`);
  return [...topics]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([name, group]) => [
      name,
      own(group).describe(),
      `${group.length} of them, platform ${round(mean(group.map((one) => one.platformMs)))} ms`,
    ]);
}

function byStatement(timed: readonly Timed[]): [string, string, string][] {
  const totals = new Map<string, { ms: number; count: number }>();
  for (const [name, ms] of timed.flatMap((one) => one.statements)) {
    const total = totals.get(name) ?? { ms: 0, count: 0 };
    total.ms += ms;
    total.count += 1;
    totals.set(name, total);
  }
  return [...totals]
    .sort(([, a], [, b]) => b.ms - a.ms)
    .slice(0, 14)
    .map(([name, { ms, count }]) => [
      `  ${name.replace(/\s+/g, ' ')}`,
      `${round(ms / timed.length)} ms per order`,
      `${round(count / timed.length)} times`,
    ]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
