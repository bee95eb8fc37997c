import { parseArgs } from 'node:util';
import { ack } from './ack.ts';
import { backfill } from './backfill.ts';
import { books } from './books.ts';
import { customFields } from './custom-fields.ts';
import { drain } from './drain.ts';
import { events } from './events.ts';
import { fanout } from './fanout.ts';
import { identity } from './identity.ts';
import { ledger } from './ledger.ts';
import { order } from './order.ts';
import { oversell } from './oversell.ts';
import { reads } from './reads.ts';
import { receipts } from './receipts.ts';
import { refunds } from './refunds.ts';
import { stock } from './stock.ts';
import type { Benchmark } from './support/benchmark.ts';
import { nowMs } from './support/clock.ts';
import { Cluster } from './support/cluster.ts';
import { describeMachine } from './support/machine.ts';
import { Report } from './support/report.ts';
import { round } from './support/samples.ts';

const benchmarks: readonly Benchmark[] = [
  ack,
  order,
  receipts,
  refunds,
  reads,
  fanout,
  events,
  drain,
  oversell,
  ledger,
  backfill,
  stock,
  identity,
  books,
  customFields,
];

/**
 * `npm run bench` runs all, `npm run bench -- ack reads` some. Fails when a target is missed, unless `--report` is given;
 * `--profile <folder>` leaves CPU profiles of the processes under test there, `--statements` tells what Postgres was asked.
 */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      report: { type: 'boolean', default: false },
      profile: { type: 'string' },
      statements: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0) {
    console.error(
      `There is no benchmark ${unknown.join(', ')}. There are: ${benchmarks.map(({ name }) => name).join(', ')}.`,
    );
    return 2;
  }
  const chosen =
    positionals.length === 0 ? benchmarks : benchmarks.filter(({ name }) => positionals.includes(name));
  const missed: string[] = [];
  let targets = 0;
  const stop = stopSignal();
  await using cluster = await Cluster.start({ countStatements: values.statements });
  console.log(describeMachine(cluster.version));
  console.log(
    'Everything runs on this machine, over loopback: the parts under test, their load and Postgres (with fsync) are processes',
  );
  console.log(
    'of their own that share its cores. Compare the ratios; the absolute figures belong to the machine.',
  );
  for (const benchmark of chosen) {
    console.log(`\n── ${benchmark.name}: ${benchmark.title}`);
    const report = new Report(benchmark.name);
    const startedAt = nowMs();
    try {
      await Promise.race([
        benchmark.run({ cluster, report, profileDirectory: values.profile ?? null }),
        stop.wasAsked,
      ]);
      missed.push(...report.missed());
    } catch (error) {
      if (stop.asked()) return 130;
      console.error(error);
      missed.push(
        `${benchmark.name}: could not be measured (${error instanceof Error ? error.message.split('\n')[0] : error})`,
      );
    }
    targets += report.targets;
    if (values.statements) await reportStatements(cluster, report);
    console.log(`  (${((nowMs() - startedAt) / 1000).toFixed(0)} s)`);
  }
  if (missed.length === 0) {
    console.log(`\n✓ ${targets} targets met`);
    return 0;
  }
  console.log(`\n✗ missed:\n${missed.map((line) => `  ${line}`).join('\n')}`);
  return values.report ? 0 : 1;
}

async function reportStatements(cluster: Cluster, report: Report): Promise<void> {
  report.say('');
  report.say('what Postgres was asked during all of it, the costliest first:');
  report.table(
    (await cluster.costliestStatements(60)).map(({ statement, calls, totalMs, planMs, walKiB }) => [
      `${round(totalMs)} ms`,
      `${calls} times`,
      `${round(totalMs / calls)} ms each, ${round(planMs)} ms to plan, ${walKiB} KiB of log   ${statement}`,
    ]),
  );
}

function stopSignal(): { asked(): boolean; wasAsked: Promise<never> } {
  let asked = false;
  const wasAsked = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        asked = true;
        reject(new Error('stopped'));
      });
    }
  });
  wasAsked.catch(() => undefined);
  return { asked: () => asked, wasAsked };
}

// Children of a benchmark that was stopped half-way end when this process does.
process.exit(await main());
