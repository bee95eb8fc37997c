import type pg from 'pg';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { LiveShop } from './support/live-shop.ts';
import { RefundListener } from './support/refund-listener.ts';
import { round, Samples } from './support/samples.ts';

const perSecond = 4;
const returns = 80;
const warmUp = 30;

export const refunds: Benchmark = {
  name: 'refunds',
  title: 'from the first webhook of a return at the till to credit memo, lifetime value and subscriber',
  run,
};

interface Journey {
  remoteId: string;
  refundId: string;
  /** When the first webhook after the return was received, in ms since 1970. */
  receivedMs: number;
  /** In ms after it; null: not by the end. */
  committedMs: number | null;
  creditMemoMs: number | null;
  contactMs: number | null;
}

async function run(bench: Bench): Promise<void> {
  const { report } = bench;
  await using shop = await LiveShop.open(bench);
  const { platforms } = shop;
  for (const platform of ['hubspot', 'quickbooks', 'shopify'] as const)
    await platforms.fault(platform, { kind: 'latency', minMs: 100, maxMs: 150 });
  const sold = await platforms.sell({
    perSecond: 10,
    seconds: Math.ceil((returns + warmUp) / 10),
    channel: 'pos',
  });
  await platforms.webhooksDrained();
  await shop.quiet(60_000);
  await using listener = await RefundListener.open(shop.tributary.url);
  await platforms.giveBack({ ids: sold.slice(0, warmUp).map((one) => one.id), perSecond: 10 });
  await platforms.webhooksDrained();
  await shop.quiet(60_000);

  const chosen = sold.slice(warmUp, warmUp + returns).map((one) => one.id);
  const sinceMs = Date.now();
  const before = await platforms.requests();
  await platforms.giveBack({ ids: chosen, perSecond });
  await platforms.webhooksDrained();
  await shop.quiet(60_000).catch((error: Error) => report.say(error.message));
  const after = await platforms.requests();
  const journeys = await readJourneys(shop.database, chosen, sinceMs);
  const told = (one: Journey): number | null => {
    const atMs = listener.arrivals.get(one.refundId);
    return atMs === undefined ? null : atMs - one.receivedMs;
  };
  const all = journeys.map((one) => ({ ...one, subscriberMs: told(one) }));
  const complete = all.flatMap((one) =>
    one.creditMemoMs === null || one.contactMs === null || one.subscriberMs === null
      ? []
      : [Math.max(one.creditMemoMs, one.contactMs, one.subscriberMs)],
  );
  const sum = Samples.of(complete);
  const samples = (stage: 'committedMs' | 'creditMemoMs' | 'contactMs' | 'subscriberMs'): string =>
    Samples.of(all.map((one) => one[stage]).filter((ms) => ms !== null)).describe();
  report.say(
    'every call to a platform is answered after 100–150 ms; a credit memo is two calls one after the other',
  );
  report.table([
    [`${returns} returns at ${perSecond}/s: from the first webhook to …`, ''],
    ['  the commit in the graph', samples('committedMs')],
    ['  the subscriber of refundCreated', samples('subscriberMs')],
    ['  HubSpot: the lifetime value', samples('contactMs')],
    ['  QuickBooks: the credit memo, its money applied', samples('creditMemoMs')],
    ['  all of them', sum.describe()],
    [
      '  requests per return',
      (['shopify', 'hubspot', 'quickbooks'] as const)
        .map((name) => `${name} ${round((after[name] - before[name]) / returns)}`)
        .join(', '),
    ],
  ]);
  for (const line of await shop.deaths()) report.say(`dead: ${line}`);
  report.atMost('p99 to credit memo, lifetime value and subscriber', sum.percentile(99), 500, 'ms');
  report.atMost('returns that miss one of them', returns - complete.length, 0, '');
}

/** Reads off the tables when each step of each return was recorded. */
async function readJourneys(
  database: pg.Pool,
  orders: readonly string[],
  sinceMs: number,
): Promise<Journey[]> {
  const { rows } = await database.query<Journey>(
    `with given as (
         select o.id, o.remote_id, o.customer_id, r.id as refund_id, d.received_at
         from sales_order o join refund r on r.order_id = o.id
         cross join lateral (
           select min(received_at) as received_at from delivery
           where connection_id = o.connection_id and subject = 'order:' || o.remote_id and received_at >= to_timestamp($2 / 1000.0)
         ) d
         where o.remote_id = any($1)
       ), done as (
         select c.platform, p.kind, p.subject_type, p.subject_id, x.received_at
         from push p join connection c on c.id = p.connection_id join receipt x on x.push_id = p.id where p.status = 'settled'
       )
       select remote_id as "remoteId", refund_id::text as "refundId", 1000 * extract(epoch from received_at)::float8 as "receivedMs",
         (select 1000 * extract(epoch from min(e.recorded_at) - given.received_at)::float8 from event e
            where e.subject_type = 'Refund' and e.subject_id = given.refund_id) as "committedMs",
         (select 1000 * extract(epoch from min(done.received_at) - given.received_at)::float8 from done
            where kind = 'creditMemo' and subject_id = given.refund_id) as "creditMemoMs",
         (select 1000 * extract(epoch from min(done.received_at) - given.received_at)::float8 from done
            where platform = 'hubspot' and subject_type = 'Customer' and subject_id = given.customer_id
              and done.received_at > given.received_at) as "contactMs"
       from given`,
    [orders, sinceMs],
  );
  return rows;
}
