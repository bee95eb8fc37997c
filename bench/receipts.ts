import type pg from 'pg';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { cpuMs } from './support/cpu.ts';
import { LiveShop } from './support/live-shop.ts';
import type { Holdings, PlacedOrder } from './support/platforms.ts';
import { round, Samples } from './support/samples.ts';

/** Nothing waits for anything else here: what the journey takes by itself. */
const easy = { perSecond: 4, seconds: 8 };
const full = { perSecond: 20, seconds: 20 };
const warmUpSeconds = 8;

export const receipts: Benchmark = {
  name: 'receipts',
  title: 'from the first webhook of an order to the receipts of HubSpot and QuickBooks',
  run,
};

interface Journey {
  remoteId: string;
  totalMinor: string;
  /** In ms after the order's first webhook was received; null: not by the end. */
  committedMs: number | null;
  contactMs: number | null;
  crmOrderMs: number | null;
  salesReceiptMs: number | null;
}

async function run(bench: Bench): Promise<void> {
  const { report } = bench;
  await using shop = await LiveShop.open(bench);
  const { platforms } = shop;
  for (const platform of ['hubspot', 'quickbooks', 'shopify'] as const) {
    await platforms.fault(platform, { kind: 'latency', minMs: 100, maxMs: 150 });
  }
  await platforms.sell({ perSecond: 10, seconds: warmUpSeconds });
  await shop.quiet(30_000);

  report.say(
    'three in ten orders are by new customers; every call to a platform is answered after 100–150 ms',
  );
  report.say(
    `The vendors' rate limits would not admit ${full.perSecond} orders/s: they are switched off at the sandbox and on our side.`,
  );
  await measure(shop, bench, easy);
  const { both, placed, complete } = await measure(shop, bench, full);
  for (const line of await shop.deaths()) report.say(`dead: ${line}`);
  report.atMost(`p99 to all receipts at ${full.perSecond}/s`, both.percentile(99), 500, 'ms');
  report.atMost('orders without all receipts', placed.length - complete, 0, '');
  report.atMost(
    'orders whose sales receipt is missing or of another total',
    wrongInBooks(placed, await platforms.holdings()),
    0,
    '',
  );
}

async function measure(
  shop: LiveShop,
  { report, cluster }: Bench,
  pace: { perSecond: number; seconds: number },
): Promise<{ both: Samples; placed: PlacedOrder[]; complete: number }> {
  const { platforms, tributary } = shop;
  const cpu = cpuOf({
    Postgres: cluster.pid,
    worker: tributary.workerPid,
    api: tributary.api.pid,
    'sandbox platforms': platforms.pid,
  });
  const before = await platforms.requests();
  const placed = await platforms.sell(pace);
  await platforms.webhooksDrained();
  await shop.quiet(30_000).catch((error: Error) => report.say(error.message));
  const after = await platforms.requests();
  const journeys = await readJourneys(shop.database, placed);
  const complete = journeys.filter(isComplete);
  const both = Samples.of(
    complete.map((journey) => Math.max(journey.contactMs, journey.crmOrderMs, journey.salesReceiptMs)),
  );
  const perOrder = (['shopify', 'hubspot', 'quickbooks'] as const).map(
    (name) => `${name} ${round((after[name] - before[name]) / placed.length)}`,
  );
  report.say('');
  report.table([
    [`${placed.length} orders at ${pace.perSecond}/s: from the first webhook to …`, ''],
    ['  the commit in the graph', samplesOf(journeys, 'committedMs')],
    ['  HubSpot: the contact', samplesOf(journeys, 'contactMs')],
    ['  HubSpot: the order', samplesOf(journeys, 'crmOrderMs')],
    ['  QuickBooks: the sales receipt', samplesOf(journeys, 'salesReceiptMs')],
    ['  all of them', both.describe()],
    ['  requests per order', perOrder.join(', ')],
    ['  CPU time per order', cpu(placed.length)],
  ]);
  return { both, placed, complete: complete.length };
}

/** From now on: what each of the processes uses. */
function cpuOf(pids: Readonly<Record<string, number>>): (orders: number) => string {
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, ms: cpuMs(pid) }));
  return (orders) =>
    before
      .map(({ name, pid, ms }) => {
        const now = cpuMs(pid);
        return `${name} ${now === null || ms === null ? 'unknown' : `${round((now - ms) / orders)} ms`}`;
      })
      .join(', ');
}

function isComplete(journey: Journey): journey is { [K in keyof Journey]: NonNullable<Journey[K]> } {
  return journey.contactMs !== null && journey.crmOrderMs !== null && journey.salesReceiptMs !== null;
}

function samplesOf(
  journeys: readonly Journey[],
  stage: 'committedMs' | 'contactMs' | 'crmOrderMs' | 'salesReceiptMs',
): string {
  return Samples.of(journeys.map((journey) => journey[stage]).filter((ms) => ms !== null)).describe();
}

/** Both lists by amount: what is in one and not in the other. */
function wrongInBooks(orders: readonly PlacedOrder[], { salesReceipts }: Holdings): number {
  const left = new Map<number, number>();
  for (const total of salesReceipts) left.set(toCents(total), (left.get(toCents(total)) ?? 0) + 1);
  let missing = 0;
  for (const { totalText } of orders) {
    const cents = toCents(Number(totalText));
    const found = left.get(cents) ?? 0;
    if (found === 0) missing += 1;
    else left.set(cents, found - 1);
  }
  return missing;
}

function toCents(amount: number): number {
  return Math.round(amount * 100);
}

/** Reads off the tables when each step of each order was recorded. */
async function readJourneys(database: pg.Pool, orders: readonly PlacedOrder[]): Promise<Journey[]> {
  const { rows } = await database.query<Journey>(
    `with placed as (
         select o.id, o.remote_id, o.customer_id, o.total_minor, o.created_at,
           (select min(d.received_at) from delivery d where d.connection_id = o.connection_id and d.subject = 'order:' || o.remote_id) as received_at
         from sales_order o where o.remote_id = any($1)
       ), done as (
         select c.platform, p.subject_type, p.subject_id, r.received_at
         from push p join connection c on c.id = p.connection_id join receipt r on r.push_id = p.id where p.status = 'settled'
       )
       select remote_id as "remoteId", total_minor::text as "totalMinor",
         (select 1000 * extract(epoch from min(e.recorded_at) - placed.received_at)::float8 from event e
            where e.subject_type = 'Order' and e.subject_id = placed.id) as "committedMs",
         (select 1000 * extract(epoch from min(done.received_at) - placed.received_at)::float8 from done
            where platform = 'hubspot' and subject_type = 'Customer' and subject_id = placed.customer_id
              and done.received_at > placed.received_at) as "contactMs",
         (select 1000 * extract(epoch from min(done.received_at) - placed.received_at)::float8 from done
            where platform = 'hubspot' and subject_type = 'Order' and subject_id = placed.id) as "crmOrderMs",
         (select 1000 * extract(epoch from min(done.received_at) - placed.received_at)::float8 from done
            where platform = 'quickbooks' and subject_type = 'Order' and subject_id = placed.id) as "salesReceiptMs"
       from placed`,
    [orders.map(({ id }) => id)],
  );
  return rows;
}
