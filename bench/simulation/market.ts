import { allocate, mostSales, noRule, salesOf, windowsMs } from '../../src/sync/stock/allocate.ts';
import { Agenda } from './agenda.ts';
import { type Latency, Random } from './random.ts';

/**
 * One kind of goods on one shelf, sold by Shopify's online store, by tills and by Amazon, in virtual time. Shopify knows at
 * once what its own store sold; a till tells it a moment later. Amazon sells what it was told last. Who connects the two hears
 * of each sale after the platform's latency, and its own writes take effect after the platform's latency.
 */
export interface World {
  seed: number;
  stock: number;
  restocks: { atMs: number; units: number }[];
  arrivals: { atMs: number; channel: 'online' | 'till' | 'amazon' }[];
  outages: Outage[];
  latencies: Latencies;
  /** How often buffers are looked at again. */
  reviewMs: number;
}

export interface Outage {
  /** Writes to Amazon fail, its notifications are held back, or Shopify's webhooks are. */
  of: 'amazonWrites' | 'amazonNotifications' | 'shopifyWebhooks';
  fromMs: number;
  untilMs: number;
}

export interface Latencies {
  tillToShopify: Latency;
  shopifyWebhook: Latency;
  shopifyWrite: Latency;
  amazonNotification: Latency;
  amazonWrite: Latency;
}

export type Connector = 'tributary' | 'webhooks' | 'every15Minutes';

export interface Outcome {
  demand: number;
  sold: number;
  /** Sold while nothing was left. */
  oversold: number;
  /** What somebody who knows everything at once would have sold. */
  possible: number;
}

const pollMs = 15 * 60_000;
const sweepMs = 5 * 60_000;

export function simulate(world: World, connector: Connector): Outcome {
  const random = new Random(world.seed);
  const agenda = new Agenda();
  const endMs = (world.arrivals.at(-1)?.atMs ?? 0) + 60_000;
  // The platforms.
  let left = world.stock;
  let atShopify = world.stock;
  let atAmazon = 0;
  let sold = 0;
  let oversold = 0;
  // The connector.
  let known = world.stock;
  const soldAt: number[] = [];
  let writing = false;
  let told: number | null = null;
  let lastHeardMs = 0;
  let buffer = 0;
  const published: number[] = [];
  const heard: number[] = [];
  let unpolled = { shopify: 0, amazon: 0 };

  const after = (latency: Latency, outage: Outage['of'] | null): number => {
    let at = agenda.nowMs;
    for (const one of world.outages)
      if (one.of === outage && at >= one.fromMs && at < one.untilMs) at = one.untilMs;
    return at + random.latency(latency);
  };
  const sell = (): void => {
    sold += 1;
    if (left <= 0) oversold += 1;
    left -= 1;
  };
  const wanted = (): number => {
    if (connector !== 'tributary') return Math.max(0, known);
    const count = Math.min(mostSales, countSince(soldAt, agenda.nowMs - Math.max(...windowsMs)));
    const sales = salesOf({
      count,
      units: count,
      reachMs: agenda.nowMs - (soldAt[soldAt.length - count] ?? agenda.nowMs),
      within: windowsMs.map((windowMs) => Math.min(count, countSince(soldAt, agenda.nowMs - windowMs))),
    });
    const allocation = allocate(
      [{ available: known, each: 1, sales }],
      {
        publishLatencyMs: ninthTenth(published) ?? 5_000,
        intakeLatencyMs: ninthTenth(heard) ?? 30_000,
        silentMs: agenda.nowMs - lastHeardMs,
      },
      noRule,
    );
    buffer = allocation.buffer;
    return allocation.quantity;
  };
  const publish = (): void => {
    if (writing) return;
    const quantity = wanted();
    if (quantity === told) return;
    writing = true;
    const plannedMs = agenda.nowMs;
    agenda.at(after(world.latencies.amazonWrite, 'amazonWrites'), () => {
      atAmazon = quantity;
      told = quantity;
      writing = false;
      lastHeardMs = agenda.nowMs;
      remember(published, agenda.nowMs - plannedMs);
      if (connector !== 'every15Minutes') publish();
    });
  };
  const learn = (units: number): void => {
    known -= units;
    if (units > 0) for (let unit = 0; unit < units; unit += 1) soldAt.push(agenda.nowMs);
    publish();
  };
  const tellShopify = (units: number): void =>
    agenda.at(after(world.latencies.shopifyWrite, null), () => {
      atShopify -= units;
    });
  const shopifyReports = (units: number): void => {
    if (connector === 'every15Minutes') unpolled.shopify += units;
    else agenda.at(after(world.latencies.shopifyWebhook, 'shopifyWebhooks'), () => learn(units));
  };

  const arrive = {
    online: () => {
      if (atShopify <= 0) return;
      atShopify -= 1;
      sell();
      shopifyReports(1);
    },
    till: () => {
      if (atShopify <= 0) return;
      sell();
      agenda.at(after(world.latencies.tillToShopify, null), () => {
        atShopify -= 1;
        shopifyReports(1);
      });
    },
    amazon: () => {
      if (atAmazon <= 0) return;
      atAmazon -= 1;
      sell();
      // What Amazon offers is now one less than what it was told.
      if (told !== null) told -= 1;
      if (connector === 'every15Minutes') {
        unpolled.amazon += 1;
        return;
      }
      const soldMs = agenda.nowMs;
      agenda.at(after(world.latencies.amazonNotification, 'amazonNotifications'), () => {
        lastHeardMs = agenda.nowMs;
        remember(heard, agenda.nowMs - soldMs);
        tellShopify(1);
        learn(1);
      });
    },
  };

  publish();
  for (const { atMs, channel } of world.arrivals) agenda.at(atMs, arrive[channel]);
  for (const { atMs, units } of world.restocks)
    agenda.at(atMs, () => {
      left += units;
      atShopify += units;
      shopifyReports(-units);
    });
  const every = (ms: number, act: () => void): void => {
    const step = (): void => {
      act();
      if (agenda.nowMs + ms < endMs) agenda.at(agenda.nowMs + ms, step);
    };
    agenda.at(ms, step);
  };
  if (connector === 'every15Minutes')
    every(pollMs, () => {
      const { shopify, amazon } = unpolled;
      unpolled = { shopify: 0, amazon: 0 };
      known -= shopify + amazon;
      if (amazon > 0) tellShopify(amazon);
      publish();
    });
  if (connector === 'tributary') {
    every(world.reviewMs, () => {
      if (buffer > 0) publish();
    });
    every(sweepMs, () => {
      const isDown = world.outages.some(
        (one) => one.of === 'amazonWrites' && agenda.nowMs >= one.fromMs && agenda.nowMs < one.untilMs,
      );
      if (!isDown) lastHeardMs = agenda.nowMs;
    });
  }
  agenda.run();
  return { demand: world.arrivals.length, sold, oversold, possible: possibleSales(world) };
}

/** Everybody is served as long as anything is left. */
function possibleSales(world: World): number {
  let left = world.stock;
  let sold = 0;
  let next = 0;
  for (const { atMs } of world.arrivals) {
    for (; (world.restocks[next]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs; next += 1)
      left += world.restocks[next]?.units ?? 0;
    if (left <= 0) continue;
    left -= 1;
    sold += 1;
  }
  return sold;
}

function remember(samples: number[], ms: number): void {
  samples.push(ms);
  if (samples.length > 200) samples.shift();
}

function ninthTenth(samples: readonly number[]): number | null {
  if (samples.length === 0) return null;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.9))] ?? null;
}

/** How many of the ascending times lie after this one. */
function countSince(times: readonly number[], sinceMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) > sinceMs) high = middle;
    else low = middle + 1;
  }
  return times.length - low;
}
