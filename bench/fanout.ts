import pg from 'pg';
import type { Arrivals } from './processes/subscribers.ts';
import { apiKey, shopifyEnvironment } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import { nowMs, sleep } from './support/clock.ts';
import { Platforms } from './support/platforms.ts';
import { round, Samples } from './support/samples.ts';
import { ignoreLoss, Tributary, withClient } from './support/tributary.ts';

const subscribers = 1_000;
const burst = 200;
const rounds = 4;
const pacedEvents = 60;
const pacedPerSecond = 10;

const query = `subscription {
  orderChanged {
    cursor
    event { type recordedAt }
    order { id number channel financialStatus fulfilmentStatus total { amount currencyCode } note tags }
  }
}`;

export const fanout: Benchmark = {
  name: 'fanout',
  title: `an order changes and ${subscribers.toLocaleString('en-US')} subscribers of orderChanged hear of it over WebSocket`,
  run,
};

async function run({ cluster, report, profileDirectory }: Bench): Promise<void> {
  await using platforms = await Platforms.start();
  await using listeners = new Child({
    name: 'subscribers',
    module: new URL('./processes/subscribers.ts', import.meta.url),
  });
  await using raw = new Child({
    name: 'raw-broadcast',
    module: new URL('./processes/raw-broadcast.ts', import.meta.url),
  });
  const databaseUrl = await cluster.createDatabase();
  await using tributary = await Tributary.start({
    databaseUrl,
    accounts: shopifyEnvironment,
    platforms: platforms.urls,
    unlimited: true,
    profileDirectory,
  });
  await withClient(databaseUrl, (client) => client.query(oneOrderPerEvent, [burst]));
  const client = ignoreLoss(new pg.Client({ connectionString: databaseUrl }));
  await client.connect();
  try {
    await listeners.call('open', {
      port: tributary.port,
      path: '/graphql',
      count: subscribers,
      subscription: { connectionParams: { authorization: `Bearer ${apiKey.key}` }, query },
    });
    // A subscription is not acknowledged: when one change has reached all of them, all of them stand.
    await sleep(1_000);
    await change(client, 1);
    await arrivals(listeners, 1, 20_000);
    const text = await listeners.call<string>('sample');

    const own = await best(async () => {
      await listeners.call('reset');
      const committedMs = await change(client, burst);
      return { startMs: committedMs, ...(await arrivals(listeners, burst, 30_000)) };
    });
    const latency = await paced(client, listeners);
    await listeners.call('close');

    const rawPort = await raw.call<number>('listen');
    await listeners.call('open', { port: rawPort, path: '/', count: subscribers, subscription: null });
    const bare = await best(async () => {
      await listeners.call('reset');
      const startMs = nowMs();
      await raw.call('broadcast', { text, times: burst });
      return { startMs, ...(await arrivals(listeners, burst, 30_000)) };
    });

    report.say(
      `${burst} changes in one commit, ${Buffer.byteLength(text)} bytes a frame, best of ${rounds}; one client process that only counts frames`,
    );
    report.table([
      ['raw ws, the same bytes, no database', `${round(bare)} frames/s`],
      ['orderChanged, from the commit to the last frame', `${round(own)} frames/s`],
    ]);
    report.say(
      `at ${pacedPerSecond} changes/s: from the commit to the last of ${round(subscribers)} subscribers ${latency.describe()}`,
    );
    report.atLeast('share of a raw broadcast', own / bare, 0.4, '');
  } finally {
    await client.end();
  }
}

/** The best of some rounds, in frames a second: the first ones run code that is not compiled yet. */
async function best(round: () => Promise<Arrivals & { startMs: number }>): Promise<number> {
  let most = 0;
  for (let index = 0; index < rounds; index += 1) {
    const { startMs, lastMs } = await round();
    most = Math.max(most, (burst * subscribers * 1000) / (Math.max(...lastMs) - startMs));
    await sleep(300);
  }
  return most;
}

async function paced(client: pg.Client, listeners: Child): Promise<Samples> {
  await listeners.call('reset');
  const committed: number[] = [];
  const startMs = nowMs();
  for (let index = 0; index < pacedEvents; index += 1) {
    await sleep(Math.max(0, startMs + (index * 1000) / pacedPerSecond - nowMs()));
    committed.push(await change(client, 1));
  }
  const { lastMs } = await arrivals(listeners, pacedEvents, 20_000);
  return Samples.of(committed.map((ms, index) => (lastMs[index] ?? Number.NaN) - ms));
}

function arrivals(listeners: Child, frames: number, withinMs: number): Promise<Arrivals> {
  return listeners.call('arrivals', { frames, withinMs });
}

/** Changes that many orders in one transaction and tells of each, as the write path would. @returns when the commit was asked for. */
async function change(client: pg.Client, many: number): Promise<number> {
  await client.query('begin');
  await client.query(
    `with changed as (
       update sales_order set note = 'changed at ' || clock_timestamp(), updated_at = clock_timestamp()
       where id in (select id from sales_order order by id limit $1) returning id, number
     )
     select append_events(jsonb_agg(jsonb_build_object(
       'type', 'order.updated', 'subjectType', 'Order', 'subjectId', id::text, 'source', 'tributary',
       'payload', jsonb_build_object('number', number, 'changedFields', array['note'])) order by id)) from changed`,
    [many],
  );
  const committedMs = nowMs();
  await client.query('commit');
  return committedMs;
}

const oneOrderPerEvent = `
  insert into sales_order (connection_id, remote_id, number, channel, financial_status, currency, presentment_currency, subtotal_minor,
    discount_minor, shipping_minor, tax_minor, total_minor, paid_minor, presentment_total_minor, placed_at, source_updated_at, observed_at)
  select (select id from connection where platform = 'shopify'), (5000000000000 + n)::text, '#' || 1000 + n, 'online_store', 'paid', 'USD', 'USD',
    10000, 0, 590, 860, 11450, 11450, 11450, now(), now(), now()
  from generate_series(1, $1::int) n`;
