import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import { round, Samples } from './support/samples.ts';

const writers = 16;
const forMs = 5_000;
const pacedPerSecond = 100;

export const events: Benchmark = {
  name: 'events',
  title: 'appending to the event stream in commit order, and how far a reader lags behind',
  run,
};

interface Written {
  appended: [position: string, committedMs: number][];
  elapsedMs: number;
}

interface Seen {
  seen: [position: string, atMs: number][];
  misplaced: number;
}

async function run({ cluster, report, profileDirectory }: Bench): Promise<void> {
  await using writing = new Child({
    name: 'event-writers',
    module: new URL('./processes/event-writers.ts', import.meta.url),
  });
  await using tail = new Child({
    name: 'event-tail',
    module: new URL('./processes/event-tail.ts', import.meta.url),
    profileDirectory,
  });
  const databaseUrl = await cluster.createDatabase();
  await writing.call('connect', { databaseUrl, writers });
  await tail.call('follow', { databaseUrl, subscribers: 10 });

  const write = async (options: {
    forMs: number;
    perSecond: number | null;
  }): Promise<{ written: Written; lag: Samples; misplaced: number }> => {
    const written = await writing.call<Written>('write', { writers, ...options });
    const upTo = written.appended.reduce(
      (last, [position]) => (BigInt(position) > BigInt(last) ? position : last),
      '0',
    );
    const { seen, misplaced } = await tail.call<Seen>('seen', { upTo });
    const seenAt = new Map(seen);
    const lag = Samples.of(
      written.appended.map(([position, ms]) => (seenAt.get(position) ?? Number.NaN) - ms),
    );
    return { written, lag, misplaced };
  };
  await write({ forMs: 1_000, perSecond: null });
  const paced = await write({ forMs, perSecond: pacedPerSecond });
  const fast = await write({ forMs, perSecond: null });
  const bare = await writing.call<{ count: number; elapsedMs: number }>('writeBare', {
    writers,
    forMs: forMs / 2,
  });

  const rate = (fast.written.appended.length / fast.written.elapsedMs) * 1000;
  const bareRate = (bare.count / bare.elapsedMs) * 1000;
  report.say(
    `${writers} writers in one process, one event per transaction; one tail process with 10 subscribers`,
  );
  report.table([
    ['as fast as they go', `${round(rate)} events/s`, `lag ${fast.lag.describe()}`],
    [`at ${pacedPerSecond}/s`, '', `lag ${paced.lag.describe()}`],
    ['a plain insert numbered by a sequence (loses order)', `${round(bareRate)} events/s`, ''],
  ]);
  report.say(
    `append ÷ plain insert: ×${round(rate / bareRate)}: the price of numbers in commit order is that writers pass through one row lock.`,
  );
  report.atMost('events missing, repeated or out of order', paced.misplaced + fast.misplaced, 0, '');
}
