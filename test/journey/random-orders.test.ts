import { expect, test } from 'vitest';
import { seededRandom } from '../../sandbox/kit/random.ts';
import { fairWeather, type WebhookWeather } from '../../sandbox/kit/webhooks.ts';
import { startStack } from '../support/stack.ts';
import { deadLetters, everyStockLevelAtShopify } from './observe.ts';
import {
  befall,
  expectCustomersToEqualTheirOrders,
  expectOrdersToEqualTheShop,
  place,
  squareUp,
  stockInGraph,
} from './trade.ts';

const weathers: readonly WebhookWeather[] = [
  { ...fairWeather, duplicate: 0.5, delayMs: [0, 400] },
  { ...fairWeather, duplicate: 0.2, delayMs: [0, 200], lose: 0.3 },
  { ...fairWeather, lose: 1 },
];

interface Country {
  name: string;
  seed: number;
  taxesIncluded: boolean;
  taxRates: { rate: string; title?: string }[][];
  taxMode: 'us' | 'global';
}

const countries: Country[] = [
  {
    name: 'tax on top of prices',
    seed: 11,
    taxesIncluded: false,
    taxRates: [[{ rate: '0.086' }], [{ rate: '0.056' }, { title: 'City', rate: '0.023' }]],
    taxMode: 'us',
  },
  {
    name: 'tax within prices',
    seed: 23,
    taxesIncluded: true,
    taxRates: [[{ rate: '0.2' }], [{ rate: '0.05' }]],
    taxMode: 'global',
  },
];

test.each(countries)(
  'with $name: whatever befalls orders and their webhooks, a sweep leaves graph, books and contacts equal to the shop',
  async ({ seed, taxesIncluded, taxRates, taxMode }) => {
    await using stack = await startStack({
      seed,
      shopify: { outOfOrder: 0.5, taxesIncluded },
      quickbooks: { company: { taxMode, homeCurrency: 'USD' } },
    });
    const random = seededRandom(seed);
    const orders: string[] = [];
    for (const weather of weathers) {
      stack.shopify.webhooks.weather = weather;
      for (let step = 0; step < 45; step += 1) {
        if (orders.length < 4 || random.chance(0.4))
          orders.push(place(stack, random, random.pick(taxRates), orders.length % 5 === 4));
        else befall(stack, random, random.pick(orders));
        // Some steps meet a sync at work, others come on top of each other.
        if (random.chance(0.3)) await new Promise((resolve) => setImmediate(resolve));
      }
      await stack.settled();
    }
    stack.shopify.webhooks.weather = { ...fairWeather };
    for (const id of orders) squareUp(stack, id);
    stack.shopify.webhooks.weather = { ...fairWeather, lose: 1 };
    await stack.sweep();
    await stack.settled();

    expect(await deadLetters(stack)).toEqual([]);
    await expectOrdersToEqualTheShop(stack, orders);
    await expectCustomersToEqualTheirOrders(stack, orders);
    expect(await stockInGraph(stack)).toEqual(everyStockLevelAtShopify(stack).sort());
    expect(stack.quickbooks.trialBalance().balanced).toBe(true);
  },
);
