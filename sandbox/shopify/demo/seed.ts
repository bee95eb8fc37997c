import type { Random } from '../../kit/random.ts';
import { addLocation, upsertProduct } from '../catalogue.ts';
import { parseMinor } from '../commerce/money.ts';
import type { Customer, Order, Variant } from '../commerce/types.ts';
import { type CustomerInput, createCustomer } from '../customers.ts';
import { cancelOrder, exchangeOrder, fulfilOrder, refundOrder } from '../orders.ts';
import { outcomeOf } from '../outcome.ts';
import { type OrderLineInput, type PlaceOrderInput, placeOrder } from '../place-order.ts';
import type { Shop } from '../shop.ts';
import { changeLevel } from '../stock.ts';
import * as words from './words.ts';

export interface SeedInput {
  products?: number;
  locations?: number;
  customers?: number;
  /** Orders of the past; absent = three for every customer. */
  orders?: number;
  /** How many days back they reach. */
  history?: number;
}

const dayMs = 86_400_000;

/** A shop with a past: catalogue, customers and their orders, with what became of them. Silent. */
export function seedShop(shop: Shop, random: Random, input: SeedInput): void {
  const now = shop.nowMs();
  const history = (input.history ?? 90) * dayMs;
  const customers = input.customers ?? 500;
  const orders = input.orders ?? customers * 3;
  shop.inThePast(now - history - dayMs, () => {
    for (let index = shop.locations.size; index < (input.locations ?? 3); index += 1) {
      const name = words.locationNames[index] ?? `Store ${index + 1}`;
      addLocation(shop, {
        name,
        address: { ...pickCity(random), address1: `${random.int(1, 999)} Main St` },
      });
    }
    const products = input.products ?? 200;
    // A shop of some size sells gift cards, too: one of its products.
    const hasGiftCards = products >= 20 && !shop.variantBySku.has('GIFT-25');
    seedProducts(shop, random, hasGiftCards ? products - 1 : products);
    if (hasGiftCards) seedGiftCards(shop);
  });
  for (let index = 0; index < customers; index += 1) {
    const atMs = now - history + Math.floor((index / Math.max(1, customers)) * history * 0.8);
    shop.inThePast(atMs, () => createCustomer(shop, inventCustomer(shop, random)));
  }
  const everyone = [...shop.customers.values()];
  for (let index = 0; index < orders; index += 1) {
    const atMs = now - history + Math.floor(((index + random.next()) / orders) * history);
    // Nobody orders before they are a customer.
    const share = (atMs - (now - history)) / (history * 0.8);
    const known = Math.min(everyone.length, Math.ceil(share * everyone.length));
    const customer = known < 1 ? null : (everyone[random.int(0, known - 1)] ?? null);
    seedOrder(shop, random, customer, atMs, now);
  }
  shop.reindex();
}

/** An order as somebody might place it now. */
export function inventOrder(shop: Shop, random: Random, customer: Customer | null): PlaceOrderInput {
  const pos = random.chance(0.35);
  const variants = sellableVariants(shop);
  const lines: OrderLineInput[] = [];
  for (let index = random.int(1, random.chance(0.2) ? 5 : 3); index > 0; index -= 1) {
    const variant = random.pick(variants);
    if (lines.some((line) => line.sku === variant.sku)) continue;
    lines.push({
      sku: variant.sku,
      quantity: random.chance(0.75) ? 1 : random.int(2, 4),
      ...(random.chance(0.08)
        ? { discount: { title: 'Loyalty', percent: random.pick(['5', '10', '15']) } }
        : {}),
      ...(random.chance(0.02) ? { taxable: false } : {}),
      ...(!pos && random.chance(0.03) ? { duty: random.pick(['2.40', '7.15']) } : {}),
      ...(!pos && random.chance(0.05) ? { properties: { Engraving: random.pick(words.firstNames) } } : {}),
    });
  }
  const locations = [...shop.locations.keys()];
  const giftCard = random.chance(0.06) ? { giftCard: random.pick(['10.00', '25.00']) } : {};
  if (pos) {
    return {
      channel: 'pos',
      locationId: random.pick(locations),
      ...(customer === null || random.chance(0.4) ? {} : { customerId: customer.id }),
      lines,
      ...giftCard,
      ...(random.chance(0.5)
        ? {
            payments: [{ gateway: 'cash' }],
            ...(random.chance(0.2) ? { cashRounding: '0.05' } : {}),
          }
        : random.chance(0.1)
          ? { payments: [{ gateway: 'cash', amount: '10.00' }, { gateway: 'shopify_payments' }] }
          : { payments: [{ gateway: 'shopify_payments' }] }),
      ...(random.chance(0.05) ? { tip: random.pick(['1.00', '2.50', '5.00']) } : {}),
    };
  }
  return {
    channel: 'online',
    ...(customer === null
      ? { email: `guest${random.int(1000, 9999)}@example.org` }
      : { customerId: customer.id }),
    lines,
    shipping: random.chance(0.7)
      ? { title: 'Standard', price: '6.90' }
      : { title: 'Express', price: '14.50' },
    ...(random.chance(0.15) ? { discountCode: random.pick(['WELCOME10', 'SAVE5', 'FREESHIP']) } : {}),
    ...(random.chance(0.06) ? { automaticDiscount: { title: 'Trail week', percent: '7.5' } } : {}),
    ...(random.chance(0.1)
      ? {
          taxRates: [
            { title: 'State tax', rate: '0.056' },
            { title: 'City tax', rate: '0.023' },
          ],
          taxShipping: random.chance(0.5),
        }
      : {}),
    ...(random.chance(0.02) ? { discountCode: { code: 'PRESS', percent: '100' }, shipping: '0.00' } : {}),
    ...(random.chance(0.01) ? { test: true } : {}),
    ...(random.chance(0.08) ? { note: random.pick(words.notes) } : {}),
    ...(random.chance(0.06) ? { attributes: { gift_message: random.pick(words.giftMessages) } } : {}),
    ...(random.chance(0.05) ? { currency: random.pick(['EUR', 'CAD', 'GBP']) } : {}),
    ...(random.chance(0.04) ? { paid: false } : {}),
    ...giftCard,
  };
}

export function inventCustomer(shop: Shop, random: Random): CustomerInput {
  const firstName = random.pick(words.firstNames);
  const lastName = random.pick(words.lastNames);
  const plain = (text: string): string =>
    text
      .normalize('NFD')
      .replace(/[^a-z]/gi, '')
      .toLowerCase();
  const base = `${plain(firstName)}.${plain(lastName)}`;
  let email = `${base}@example.com`;
  while (shop.customerByEmail.has(email)) email = `${base}${random.int(2, 99_999)}@example.com`;
  const phone = `+1602${String(random.int(2_000_000, 9_999_999))}`;
  return {
    firstName,
    lastName,
    email,
    ...(random.chance(0.5) && !shop.customerByPhone.has(phone) ? { phone } : {}),
    tags: random.chance(0.15) ? [random.pick(['VIP', 'wholesale', 'newsletter'])] : [],
    marketing: random.chance(0.4) ? 'SUBSCRIBED' : 'NOT_SUBSCRIBED',
    addresses: [
      {
        ...pickCity(random),
        address1: `${random.int(1, 9999)} ${random.pick(words.streets)}`,
        country: 'United States',
        countryCode: 'US',
      },
    ],
  };
}

/** Keeps a shelf from running empty for good: the delivery truck came. */
export function restockFor(shop: Shop, lines: readonly OrderLineInput[], random: Random): void {
  for (const line of lines) {
    const variant = shop.variantBySku.get(line.sku ?? '');
    if (variant === undefined) continue;
    for (const locationId of shop.locations.keys()) {
      const level = shop.level(variant.inventoryItemId, locationId);
      if (level !== undefined && level.available < 8)
        changeLevel(shop, variant.inventoryItemId, locationId, { available: random.int(30, 60) });
    }
  }
}

function seedProducts(shop: Shop, random: Random, wanted: number): void {
  const taken = new Set([...shop.products.values()].map((product) => product.title));
  for (let index = 0; index < wanted; index += 1) {
    const family = words.families[index % words.families.length];
    if (family === undefined) return;
    let title = `${random.pick(words.names)} ${random.pick(family.nouns)}`;
    while (taken.has(title)) {
      title = `${random.pick(words.names)} ${random.pick(family.nouns)}${taken.size > 400 ? ` ${taken.size}` : ''}`;
    }
    taken.add(title);
    const price = random.int(family.minPrice, family.maxPrice);
    const cents = random.pick(['00', '50', '90', '95']);
    const stem = `${title
      .split(' ')
      .map((word) => word.slice(0, 3).toUpperCase())
      .join('')
      .replace(/[^A-Z0-9]/g, '')}-${String(index + 1).padStart(3, '0')}`;
    const options = random.chance(0.3) ? family.options.slice(0, 1) : family.options;
    upsertProduct(shop, {
      title,
      vendor: random.pick(words.vendors),
      productType: family.type,
      descriptionHtml: `<p>${title}, made to be used.</p>`,
      tags: [family.type.split(' ')[0]?.toLowerCase() ?? 'outdoor'],
      optionName: family.optionName,
      variants: options.map((option, position) => ({
        sku: options.length === 1 ? stem : `${stem}-${position + 1}`,
        title: option,
        price: `${price}.${cents}`,
        grams: family.grams,
        cost: `${Math.floor(price * 0.45)}.00`,
        barcode: String(4_000_000_000_000 + index * 10 + position),
        stock: random.int(15, 90),
      })),
    });
  }
}

function seedOrder(shop: Shop, random: Random, customer: Customer | null, atMs: number, now: number): void {
  const input = inventOrder(shop, random, customer);
  const later = (days: number): number => Math.min(now - 60_000, atMs + Math.floor(days * dayMs));
  const order = shop.inThePast(atMs, () => {
    restockFor(shop, input.lines, random);
    return placeOrder(shop, input);
  });
  if (order.channel === 'online') {
    if (random.chance(0.04)) {
      shop.inThePast(later(0.2), () => cancelOrder(shop, order.id, { reason: 'CUSTOMER' }));
      return;
    }
    const sentMs = later(0.5 + random.next() * 2);
    if (now - atMs > 2 * dayMs || random.chance(0.3)) {
      shop.inThePast(sentMs, () =>
        fulfilOrder(shop, order.id, {
          trackingCompany: 'UPS',
          trackingNumber: `1Z${String(random.int(100_000_000, 999_999_999))}`,
        }),
      );
    }
  }
  if (random.chance(0.07)) shop.inThePast(later(5), () => refundSome(shop, random, order));
}

/** Gift cards, which are sold as a debt and not as goods. */
function seedGiftCards(shop: Shop): void {
  upsertProduct(shop, {
    title: 'Gift card',
    vendor: shop.profile.name,
    productType: 'Gift card',
    isGiftCard: true,
    optionName: 'Denomination',
    variants: ['25', '50'].map((amount) => ({
      sku: `GIFT-${amount}`,
      title: `$${amount}`,
      price: `${amount}.00`,
    })),
  });
}

/** Gives back one unit, or a little money; now and then in exchange for something else. */
export function refundSome(shop: Shop, random: Random, order: Order): void {
  const received = order.transactions.some((one) => one.kind === 'SALE' || one.kind === 'CAPTURE');
  const line = order.lines.find((one) => one.quantity > one.refundedQuantity);
  if (!received || order.cancelledAtMs !== null || line === undefined) return;
  const note = random.pick(['Did not fit', 'Changed their mind', 'Arrived damaged']);
  const { netPayment } = outcomeOf(order);
  const { currency } = order;
  const isSent = line.fulfilledQuantity > line.refundedQuantity - line.cancelledQuantity;
  if (isSent && random.chance(0.15)) {
    const variant = random.pick(sellableVariants(shop));
    exchangeOrder(shop, order.id, {
      lines: [{ lineId: line.id, quantity: 1 }],
      exchange: [{ sku: variant.sku, quantity: 1 }],
      note: 'Exchanged',
    });
  } else if (random.chance(0.12) && parseMinor(netPayment, currency) > 500) {
    refundOrder(shop, order.id, { amount: '5.00', note: 'Sorry for the delay' });
  } else {
    refundOrder(shop, order.id, {
      lines: [
        { lineId: line.id, quantity: 1, ...(random.chance(0.15) ? { restockType: 'NO_RESTOCK' } : {}) },
      ],
      ...(random.chance(0.2) ? { shipping: true } : {}),
      ...(random.chance(0.08) ? { to: 'store_credit' } : {}),
      duties: true,
      note,
    });
  }
}

/** Variants that have a SKU; the list is made anew only when the catalogue has grown. */
export function sellableVariants(shop: Shop): readonly Variant[] {
  const known = sellable.get(shop);
  if (known !== undefined && known.count === shop.variants.size) return known.variants;
  const variants = [...shop.variants.values()].filter((one) => one.sku !== '');
  sellable.set(shop, { count: shop.variants.size, variants });
  return variants;
}

const sellable = new WeakMap<Shop, { count: number; variants: Variant[] }>();

function pickCity(random: Random): { city: string; province: string; provinceCode: string; zip: string } {
  return random.pick(words.cities);
}
