import { shopifyEnvironment } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import { fillDataSet, size } from './support/data-set.ts';
import type { LoadResult } from './support/load.ts';
import { Platforms } from './support/platforms.ts';
import { readQueries } from './support/read-queries.ts';
import { round, Samples } from './support/samples.ts';
import { Tributary } from './support/tributary.ts';

const concurrent = 8;
const roundMs = 2_000;
const rounds = 2;

export const reads: Benchmark = {
  name: 'reads',
  title: 'GraphQL reads beside one hand-written SQL statement over plain node:http with the same JSON',
  run,
};

interface Difference {
  name: string;
  graphql: string;
  raw: string;
}

async function run({ cluster, report, profileDirectory }: Bench): Promise<void> {
  await using platforms = await Platforms.start();
  await using raw = new Child({
    name: 'raw-reads',
    module: new URL('./processes/raw-reads.ts', import.meta.url),
  });
  await using load = new Child({
    name: 'read-load',
    module: new URL('./processes/read-load.ts', import.meta.url),
  });
  const databaseUrl = await cluster.createDatabase();
  await fillDataSet(databaseUrl);
  await using tributary = await Tributary.start({
    databaseUrl,
    accounts: shopifyEnvironment,
    platforms: platforms.urls,
    unlimited: true,
    profileDirectory,
  });
  const rawPort = await raw.call<number>('start', { databaseUrl });

  const differences = await load.call<Difference[]>('compare', {
    graphql: tributary.port,
    raw: rawPort,
    questions: 20,
  });
  const [example] = differences;
  if (example !== undefined)
    report.say(`${example.name} differs:\n    GraphQL ${example.graphql}\n    raw     ${example.raw}`);

  report.say(
    `${round(size.customers)} customers, ${round(size.orders)} orders, ${round(size.stockLevels)} stock levels; ${concurrent} at a time, ${rounds} × ${roundMs / 1000} s each in turn; with an API key, its rate limit lifted`,
  );
  const table: [string, string, string, string][] = [['', 'raw SQL', 'GraphQL', 'GraphQL ÷ raw']];
  const shares: [string, number][] = [];
  for (const { name, title } of readQueries) {
    const ask = (kind: 'graphql' | 'raw', forMs: number): Promise<LoadResult> =>
      load.call('run', {
        target: { kind, port: kind === 'raw' ? rawPort : tributary.port },
        name,
        concurrent,
        forMs,
      });
    await ask('raw', roundMs / 4);
    await ask('graphql', roundMs / 2);
    const results = { raw: [] as LoadResult[], graphql: [] as LoadResult[] };
    for (let index = 0; index < rounds; index += 1) {
      results.raw.push(await ask('raw', roundMs));
      results.graphql.push(await ask('graphql', roundMs));
    }
    const share = perSecond(results.graphql) / perSecond(results.raw);
    shares.push([title.slice(0, 2), share]);
    table.push([title, cell(results.raw), cell(results.graphql), `×${round(share)}`]);
  }
  report.table(table);
  for (const [name, share] of shares)
    report.atLeast(`${name} as a share of raw SQL`, share, name.startsWith('Q3') ? 0.5 : 0.3, '');
  report.atMost('answers that differ from the raw ones', differences.length, 0, '');
}

function perSecond(results: readonly LoadResult[]): number {
  const answered = results.reduce((sum, result) => sum + result.latencies.length, 0);
  return (answered * 1000) / results.reduce((sum, result) => sum + result.elapsedMs, 0);
}

function cell(results: readonly LoadResult[]): string {
  const latencies = Samples.of(results.flatMap((result) => result.latencies));
  const odd = results
    .flatMap((result) => Object.entries(result.unexpected))
    .map(([status, count]) => ` [${count} × ${status}]`);
  return `${round(perSecond(results))}/s, p50 ${round(latencies.percentile(50))} p99 ${round(latencies.percentile(99))} ms${odd.join('')}`;
}
