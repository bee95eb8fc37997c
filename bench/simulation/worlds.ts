import type { Latencies, Outage, World } from './market.ts';
import { Random } from './random.ts';

/**
 * How slow the platforms are. Shopify's webhooks come within a second or so; Amazon applies an accepted quantity after some
 * seconds and tells of an order by notification after some more, and both have bad moments.
 */
const latencies: Latencies = {
  tillToShopify: { medianMs: 800, p90Ms: 2_000 },
  shopifyWebhook: { medianMs: 500, p90Ms: 1_500 },
  shopifyWrite: { medianMs: 200, p90Ms: 500 },
  amazonNotification: { medianMs: 8_000, p90Ms: 30_000 },
  amazonWrite: { medianMs: 3_000, p90Ms: 12_000 },
};

/** Amazon four times as slow. */
const slowLatencies: Latencies = {
  ...latencies,
  amazonNotification: { medianMs: 32_000, p90Ms: 120_000 },
  amazonWrite: { medianMs: 12_000, p90Ms: 48_000 },
};

const minute = 60_000;
const day = 24 * 60 * minute;

/** Half as many again as there are come for one kind of goods, most of them in the first minutes. */
export function flashSale(seed: number, slow: boolean): World {
  const random = new Random(seed);
  const stock = Math.round(random.between(300, 3_000));
  const people = Math.round(stock * 1.5);
  const halfLifeMs = random.between(2, 5) * minute;
  const arrivals = Array.from({ length: people }, () => {
    // A rush of some seconds, then ever fewer.
    const atMs = random.between(0, 20_000) + random.exponential(Math.LN2 / halfLifeMs);
    return { atMs, channel: channelOf(random, 0.55, 0.1) };
  }).sort((a, b) => a.atMs - b.atMs);
  const saleMs = arrivals.at(-1)?.atMs ?? 0;
  const outages = (['amazonWrites', 'amazonNotifications', 'shopifyWebhooks'] as const).flatMap((of) =>
    random.chance(0.2) ? [outage(random, of, saleMs, 20_000, 90_000)] : [],
  );
  return {
    seed,
    stock,
    restocks: [],
    arrivals,
    outages,
    latencies: slow ? slowLatencies : latencies,
    reviewMs: 10_000,
  };
}

/** Thirty days of one kind of goods that sells a few times a day or a week, and is bought in when it runs low. */
export function ordinaryMonth(seed: number): World {
  const random = new Random(seed);
  const perDay = 0.2 * 30 ** random.next();
  const arrivals: World['arrivals'] = [];
  for (let atMs = random.exponential(perDay / day); atMs < 30 * day; atMs += random.exponential(perDay / day))
    arrivals.push({ atMs, channel: channelOf(random, 0.5, 0.25) });
  const stock = Math.max(1, Math.round(perDay * random.between(3, 12)));
  const restocks = Array.from({ length: 4 }, (_none, week) => ({
    atMs: (week + 1) * 7 * day,
    units: Math.round(perDay * random.between(4, 8)),
  }));
  const outages = Array.from({ length: 6 }, (_none, index) =>
    outage(
      random,
      (['amazonWrites', 'amazonNotifications', 'shopifyWebhooks'] as const)[index % 3] ?? 'amazonWrites',
      30 * day,
      5 * minute,
      60 * minute,
    ),
  );
  // The product looks every ten seconds; doing so less often only offers less.
  return { seed, stock, restocks, arrivals, outages, latencies, reviewMs: 15 * minute };
}

function channelOf(random: Random, online: number, till: number): World['arrivals'][number]['channel'] {
  const draw = random.next();
  return draw < online ? 'online' : draw < online + till ? 'till' : 'amazon';
}

function outage(random: Random, of: Outage['of'], withinMs: number, least: number, most: number): Outage {
  const fromMs = random.between(0, withinMs);
  return { of, fromMs, untilMs: fromMs + random.between(least, most) };
}
