import { startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { answerParent } from '../support/answer-parent.ts';

// A shop with many goods in many places, without Shopify's limits.

const shopify = await startShopifySandbox({
  port: 0,
  seed: 11,
  limits: false,
  statePath: null,
  webhookUrl: null,
});
let requests = 0;
let changes = 0;
const take = shopify.faults.take.bind(shopify.faults);
shopify.faults.take = (facts) => {
  requests += 1;
  if (facts.operation?.startsWith('TributaryInventory') === true) changes += 1;
  return take(facts);
};

answerParent(
  {
    start: () => shopify.url,

    /** Goods in sizes, each in every place; no two levels next to each other are alike. */
    fill: ({ products, sizes, places }: { products: number; sizes: number; places: number }) => {
      while (shopify.shop.locations.size < places)
        shopify.addLocation({ name: `Place ${shopify.shop.locations.size + 1}` });
      const ids = [...shopify.shop.locations.keys()];
      for (let product = 0; product < products; product += 1)
        shopify.upsertProduct({
          title: `Goods ${product}`,
          variants: Array.from({ length: sizes }, (_none, size) => ({
            sku: `G-${product}-${size}`,
            title: `Size ${size}`,
            price: '10.00',
            stock: Object.fromEntries(ids.map((id, at) => [id, (product * 7 + size * 3 + at) % 90])),
          })),
        });
    },

    figures: () =>
      [...shopify.shop.items.values()].flatMap((item) =>
        Object.values(item.levels).map((level): [string, number] => [
          `${level.itemId}:${level.locationId}`,
          level.available,
        ]),
      ),

    requests: () => ({ all: requests, changes }),
  },
  async () => {
    await shopify[Symbol.asyncDispose]();
  },
);
