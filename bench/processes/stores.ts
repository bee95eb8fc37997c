import { upsertListing } from '../../sandbox/amazon/listings.ts';
import { startAmazonSandbox } from '../../sandbox/amazon/server.ts';
import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { answerParent } from '../support/answer-parent.ts';
import { nowMs, sleep } from '../support/clock.ts';

// A shop with tills and the retailer's offers at Amazon, without the vendors' limits. Amazon applies a quantity at once.

const common = { port: 0, seed: 7, limits: false, statePath: null };
const shopify = await startShopifySandbox({ ...common, webhookUrl: null });
const amazon = await startAmazonSandbox({ ...common, visibleAfterMs: 0, applyMs: [5, 20] });

answerParent(
  {
    start: () => ({ shopify: shopify.url, amazon: amazon.url, webhookSecret: amazon.webhookSecret }),

    stock: ({ skus }: { skus: readonly string[] }) => {
      for (const sku of skus) {
        shopify.upsertProduct({ title: sku, variants: [{ sku, price: '10.00', stock: 50 }] });
        upsertListing(amazon.account, { sku, title: sku, price: '11.00', quantity: 1 });
      }
    },

    webhooksTo: ({ url }: { url: string }) => amazon.setWebhookTarget(`${url}/webhooks/amazon`),

    subscriptions: () => shopify.shop.subscriptions.size,

    offers: () => Object.values(amazon.account.state.listings).map((listing) => listing.quantity),

    /** Sells one of each at the till, at an even pace, and sees when Amazon offers fewer. */
    sell: async ({ skus, perSecond }: { skus: readonly string[]; perSecond: number }) => {
      const open = new Map<string, { soldMs: number; before: number }>();
      const sales: { sku: string; soldMs: number; offeredMs: number | null }[] = [];
      const look = (): void => {
        for (const [sku, { soldMs, before }] of open) {
          if ((amazon.account.state.listings[sku]?.quantity ?? before) >= before) continue;
          sales.push({ sku, soldMs, offeredMs: nowMs() });
          open.delete(sku);
        }
      };
      const startMs = nowMs();
      for (const [index, sku] of skus.entries()) {
        while (nowMs() < startMs + (index * 1_000) / perSecond) {
          look();
          await sleep(2);
        }
        open.set(sku, { soldMs: nowMs(), before: amazon.account.state.listings[sku]?.quantity ?? 0 });
        shopify.placeOrder({ channel: 'pos', lines: [{ sku, quantity: 1 }] });
      }
      for (const deadline = nowMs() + 30_000; open.size > 0 && nowMs() < deadline; look()) await sleep(2);
      return [...sales, ...[...open].map(([sku, { soldMs }]) => ({ sku, soldMs, offeredMs: null }))];
    },
  },
  async () => {
    await shopify[Symbol.asyncDispose]();
    await amazon[Symbol.asyncDispose]();
  },
);
