import { expect, test } from 'vitest';
import { type Random, seededRandom } from '../../sandbox/kit/random.ts';
import { fairWeather } from '../../sandbox/kit/webhooks.ts';
import type { Order } from '../../sandbox/shopify/commerce/types.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { countedFromBooks, countedFromShop } from './naive-books.ts';
import { deadLetters } from './observe.ts';

interface Shop {
  name: string;
  seed: number;
  currency: string;
  decimals: 0 | 2;
  taxesIncluded: boolean;
  taxMode: 'us' | 'global';
  /** What an order may be taxed with; the books have codes for some of it. */
  rates: { title: string; rate: string; channelLiable?: boolean }[][];
  /** What some customers pay in. */
  foreign: { currency: string; exchangeRate: string };
  /** The smallest coin at the till. */
  coin: string;
}

const shops: Shop[] = [
  {
    name: 'dollars and tax on top',
    seed: 101,
    currency: 'USD',
    decimals: 2,
    taxesIncluded: false,
    taxMode: 'us',
    rates: [
      [],
      [{ title: 'State', rate: '0.0725' }],
      [
        { title: 'State', rate: '0.0725' },
        { title: 'District', rate: '0.03' },
      ],
      [{ title: 'Odd', rate: '0.0837' }],
      [{ title: 'Odd', rate: '0.0837', channelLiable: true }],
    ],
    foreign: { currency: 'EUR', exchangeRate: '0.9237' },
    coin: '0.05',
  },
  {
    name: 'pounds and tax within prices',
    seed: 202,
    currency: 'GBP',
    decimals: 2,
    taxesIncluded: true,
    taxMode: 'global',
    rates: [
      [],
      [{ title: 'VAT', rate: '0.2' }],
      [{ title: 'VAT', rate: '0.05' }],
      [
        { title: 'VAT', rate: '0.2' },
        { title: 'Levy', rate: '0.05' },
      ],
      [{ title: 'VAT', rate: '0.2', channelLiable: true }],
    ],
    foreign: { currency: 'JPY', exchangeRate: '191.37' },
    coin: '0.05',
  },
  {
    name: 'yen and tax within prices',
    seed: 303,
    currency: 'JPY',
    decimals: 0,
    taxesIncluded: true,
    taxMode: 'global',
    rates: [[], [{ title: 'Tax', rate: '0.2' }], [{ title: 'Tax', rate: '0.05' }]],
    foreign: { currency: 'USD', exchangeRate: '0.0067' },
    coin: '5',
  },
];

test.each(shops)(
  'with $name: whatever is sold, edited, given back, exchanged and cancelled stands in the books to the cent',
  async (shop) => {
    await using stack = await openShop(shop);
    const random = seededRandom(shop.seed);
    const stories = new Map<string, unknown[]>();
    stack.shopify.webhooks.weather = { ...fairWeather, duplicate: 0.3, delayMs: [0, 150] };
    for (let step = 0; step < 80; step += 1) {
      if (stories.size < 3 || random.chance(0.45)) {
        const input = somethingToSell(shop, random);
        const answer = await ask(stack, 'orders', input);
        if (answer !== null) stories.set(answer.id, [input]);
      } else {
        const id = random.pick([...stories.keys()]);
        const [action, input] = somethingToHappen(shop, orderOf(stack, id), random);
        const answer = await ask(stack, `orders/${id}/${action}`, input);
        if (answer !== null) stories.get(id)?.push([action, input]);
      }
      // Some of it meets documents that stand already.
      if (random.chance(0.2)) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (const id of stories.keys()) await moneyArrives(stack, id);
    await stack.settled(120_000);

    expect(await deadLetters(stack)).toEqual([]);
    const differing = [...stories].flatMap(([id, story]) => {
      const wanted = countedFromShop(orderOf(stack, id));
      const booked = countedFromBooks(stack, id, shop.currency);
      const isSame = JSON.stringify(told(wanted)) === JSON.stringify(told(booked));
      return isSame ? [] : [{ shop: told(wanted), books: told(booked), story: JSON.stringify(story) }];
    });
    expect(differing).toEqual([]);
    expect(stack.quickbooks.trialBalance().balanced).toBe(true);
  },
);

async function openShop(shop: Shop): Promise<Stack> {
  const stack = await startStack({
    seed: shop.seed,
    shopify: { outOfOrder: 0.5, taxesIncluded: shop.taxesIncluded, currency: shop.currency },
    quickbooks: { company: { taxMode: shop.taxMode, homeCurrency: shop.currency } },
    settings: { quickbooks: { tax: { unmatched: 'line' } } },
    catalogue: [
      { sku: 'BAG', price: decimal(shop, 8990), stock: 900 },
      { sku: 'HAT', price: decimal(shop, 2495), stock: 900 },
      { sku: 'PIN', price: decimal(shop, 1), stock: 900 },
    ],
  });
  stack.shopify.upsertProduct({
    title: 'Gift card',
    isGiftCard: true,
    variants: [{ sku: 'CARD', price: decimal(shop, 5000) }],
  });
  return stack;
}

/** Through the door that people at the shop have. Null: the shop does not allow it. */
async function ask(stack: Stack, path: string, input: unknown): Promise<{ id: string } | null> {
  const response = await fetch(`${stack.shopify.url}/_control/${path}`, {
    method: 'POST',
    body: JSON.stringify(input),
  });
  const answer = (await response.json()) as { id: string };
  return response.ok ? answer : null;
}

function somethingToSell(shop: Shop, random: Random): Record<string, unknown> {
  const amount = (low: number, high: number): string => decimal(shop, random.int(low, high));
  const sometimes = (probability: number, parts: () => object): object =>
    random.chance(probability) ? parts() : {};
  const isAtTill = random.chance(0.5);
  const lines = Array.from({ length: random.int(1, 3) }, () => ({
    ...(random.chance(0.25)
      ? { title: `Made to measure ${random.int(1, 9)}`, price: amount(0, 9999) }
      : { sku: random.pick(['BAG', 'HAT', 'PIN', 'CARD']) }),
    quantity: random.int(1, 7),
    ...sometimes(0.3, () => ({
      discount: random.chance(0.5)
        ? { percent: random.pick(['100', '33.33', '7.5']) }
        : { amount: amount(1, 3000) },
    })),
    ...sometimes(0.15, () => ({ taxable: false })),
    ...sometimes(0.15, () => ({ duty: amount(1, 1500) })),
  }));
  return {
    channel: isAtTill ? 'pos' : 'online',
    lines,
    taxRates: random.pick(shop.rates),
    taxShipping: random.chance(0.5),
    ...sometimes(0.6, () => ({ customer: { email: `p${random.int(1, 9)}@example.com`, firstName: 'P' } })),
    ...sometimes(0.25, () => ({
      discountCode: { code: 'CODE', percent: random.pick(['10', '12.5', '33.33', '100']) },
    })),
    ...sometimes(0.15, () => ({
      automaticDiscount: { amount: amount(1, 3000), target: random.pick(['order', 'shipping']) },
    })),
    ...sometimes(0.2, () => ({ tip: amount(1, 999) })),
    ...sometimes(0.1, () => ({ taxesIncluded: !shop.taxesIncluded })),
    ...sometimes(0.15, () => ({ giftCard: amount(1, 9000) })),
    ...sometimes(0.2, () => ({
      payments: [
        {
          gateway: random.pick(['paypal', 'shopify_store_credit', 'cash_on_delivery']),
          amount: amount(1, 4000),
        },
        ...(random.chance(0.4) ? [{ gateway: 'paypal' }] : []),
      ],
    })),
    ...(isAtTill
      ? sometimes(0.5, () => ({ cashRounding: shop.coin }))
      : {
          shipping: random.chance(0.2) ? '0' : amount(1, 1999),
          ...sometimes(0.25, () => shop.foreign),
          ...sometimes(0.2, () => ({ paid: false })),
          ...sometimes(0.1, () => ({ authorizedOnly: true })),
        }),
  };
}

function somethingToHappen(
  shop: Shop,
  order: Order,
  random: Random,
): [action: string, input: Record<string, unknown>] {
  const amount = (low: number, high: number): string => decimal(shop, random.int(low, high));
  const line = random.pick(order.lines);
  const one = { lineId: line.id, quantity: 1 };
  const coin = order.channel === 'pos' ? { cashRounding: shop.coin } : {};
  return random.pick<[string, Record<string, unknown>]>([
    ['refund', { lines: [{ ...one, quantity: random.int(1, line.quantity) }], duties: random.chance(0.5) }],
    ['refund', { lines: [{ ...one, restockType: 'no_restock' }], shipping: random.chance(0.3) }],
    ['refund', { lines: [one], amount: amount(1, 2000) }],
    ['refund', { lines: [one], to: random.pick(['gift_card', 'store_credit']) }],
    ['refund', { lines: [one], status: 'pending' }],
    ['refund', { shipping: true }],
    ['refund', { shipping: amount(1, 500) }],
    ['refund', { amount: decimal(shop, 1) }],
    ['refund', { amount: amount(1, 9000), ...coin }],
    ['refund', { amount: amount(1, 900), to: 'store_credit' }],
    ['cancel', { refund: random.chance(0.7), restock: random.chance(0.5) }],
    ['edit', { add: [{ sku: 'HAT', quantity: random.int(1, 3) }] }],
    ['edit', { set: [{ lineId: line.id, quantity: random.int(0, line.quantity + 1) }] }],
    ['pay', random.chance(0.5) ? { amount: amount(1, 2000), gateway: 'paypal' } : {}],
    ['fulfil', {}],
    [
      'exchange',
      {
        lines: [one],
        exchange: [{ sku: random.pick(['BAG', 'HAT', 'PIN']), quantity: 1 }],
        ...(random.chance(0.3) ? { restockingFee: amount(1, 300) } : {}),
      },
    ],
  ]);
}

/** Money that is under way arrives: before that, what came back waits for it. */
async function moneyArrives(stack: Stack, id: string): Promise<void> {
  const { refunds, transactions } = orderOf(stack, id);
  const pending = new Set(transactions.flatMap((one) => (one.status === 'PENDING' ? [one.id] : [])));
  for (const refund of refunds)
    if (refund.transactionIds.some((one) => pending.has(one)))
      await ask(stack, `refunds/${refund.id}/settle`, {});
}

function orderOf(stack: Stack, id: string): Order {
  const order = stack.shopify.order(id);
  if (order === undefined) throw new Error(`the shop has no order ${id}`);
  return order;
}

function decimal({ decimals }: Shop, minor: number): string {
  const digits = String(minor).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function told(sums: Record<string, bigint>): string[] {
  return Object.entries(sums).map(([kind, minor]) => `${kind} ${minor}`);
}
