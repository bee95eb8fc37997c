import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { apiKey, shopifyEnvironment } from './support/accounts.ts';
import type { Bench, Benchmark } from './support/benchmark.ts';
import { Child } from './support/child.ts';
import { nowMs, until } from './support/clock.ts';
import { Samples } from './support/samples.ts';
import { Tributary } from './support/tributary.ts';

const sales = 120;
const warmUp = 20;
const perSecond = 4;

export const stock: Benchmark = {
  name: 'stock',
  title: 'from a sale at the till to a subscriber of stockLevelChanged and to what Amazon offers',
  run,
};

async function run({ cluster, report, profileDirectory }: Bench): Promise<void> {
  await using stores = new Child({
    name: 'stores',
    module: new URL('./processes/stores.ts', import.meta.url),
  });
  const urls = await stores.call<{ shopify: string; amazon: string; webhookSecret: string }>('start');
  const skus = Array.from({ length: sales + warmUp }, (_none, index) => `TILL-${index}`);
  await stores.call('stock', { skus });
  await using tributary = await Tributary.start({
    databaseUrl: await cluster.createDatabase(),
    accounts: {
      ...shopifyEnvironment,
      AMAZON_API_URL: urls.amazon,
      AMAZON_LWA_URL: urls.amazon,
      AMAZON_SELLER_ID: 'A2SANDBOXSELLER',
      AMAZON_MARKETPLACE_ID: 'ATVPDKIKX0DER',
      AMAZON_CLIENT_ID: 'amzn1.application-oa2-client.sandbox',
      AMAZON_CLIENT_SECRET: 'amazon-sandbox-secret',
      AMAZON_REFRESH_TOKEN: 'Atzr|sandbox',
      AMAZON_WEBHOOK_SECRET: urls.webhookSecret,
    },
    platforms: { shopify: urls.shopify, hubspot: urls.shopify, quickbooks: urls.shopify },
    unlimited: true,
    profileDirectory,
  });
  await tributary.unlockWriting();
  await stores.call('webhooksTo', { url: tributary.url });
  await until(
    'the shop is subscribed to',
    async () => ((await stores.call<number>('subscriptions')) > 0 ? true : null),
    { withinMs: 20_000 },
  );
  await tributary.startWorker();
  await until(
    'Amazon offers what the shop has',
    async () => ((await stores.call<number[]>('offers')).every((quantity) => quantity >= 50) ? true : null),
    { withinMs: 180_000, everyMs: 250 },
  );

  const heard = new Map<string, number>();
  const client = createClient({
    url: `${tributary.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${apiKey.key}` },
  });
  const stop = client.subscribe<{
    stockLevelChanged: { availableDelta: number; stockLevel: { variant: { sku: string } } };
  }>(
    { query: 'subscription { stockLevelChanged { availableDelta stockLevel { variant { sku } } } }' },
    {
      next: ({ data }) => {
        const sku = data?.stockLevelChanged.stockLevel.variant.sku;
        if (sku !== undefined && (data?.stockLevelChanged.availableDelta ?? 0) < 0 && !heard.has(sku))
          heard.set(sku, nowMs());
      },
      error: () => undefined,
      complete: () => undefined,
    },
  );
  type Sale = { sku: string; soldMs: number; offeredMs: number | null };
  await stores.call('sell', { skus: skus.slice(0, warmUp), perSecond });
  const sold = await stores.call<Sale[]>('sell', { skus: skus.slice(warmUp), perSecond });
  stop();
  await client.dispose();
  const toSubscriber = Samples.of(sold.map(({ sku, soldMs }) => (heard.get(sku) ?? Number.NaN) - soldMs));
  const toAmazon = Samples.of(sold.map(({ soldMs, offeredMs }) => (offeredMs ?? Number.NaN) - soldMs));
  report.say(
    `${sales} sales at ${perSecond}/s, each of other goods; Amazon applies an accepted quantity after 5 to 20 ms`,
  );
  report.table([
    ['a subscriber hears of it', toSubscriber.describe()],
    ['Amazon offers one less', toAmazon.describe()],
  ]);
  report.atMost('p99 to a subscriber', toSubscriber.percentile(99), 1_000, 'ms');
  report.atMost('p99 to what Amazon offers', toAmazon.percentile(99), 1_000, 'ms');
  report.atMost(
    'sales that Amazon did not learn of',
    sold.filter((sale) => sale.offeredMs === null).length,
    0,
    '',
  );
}
