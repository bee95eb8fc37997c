import { createHmac, randomUUID } from 'node:crypto';
import { type Random, seededRandom } from '../../sandbox/kit/random.ts';
import { addLocation, emptyAddress, upsertProduct } from '../../sandbox/shopify/catalogue.ts';
import { createCustomer } from '../../sandbox/shopify/customers.ts';
import { placeOrder } from '../../sandbox/shopify/place-order.ts';
import { Shop } from '../../sandbox/shopify/shop.ts';
import { orderPayload } from '../../sandbox/shopify/webhooks/payloads.ts';
import { httpRequest } from './http-lane.ts';
import { orderInput, person } from './shop-traffic.ts';

export interface OrderWebhook {
  orderId: string;
  /** The JSON that Shopify would send for orders/create. */
  body: Buffer;
}

/** A shop in memory that only takes orders and tells of them as Shopify does. */
export class OrderWebhooks {
  readonly #shop: Shop;
  readonly #random: Random;
  readonly #skus: string[] = [];
  readonly #returning: string[] = [];
  #people = 0;

  constructor(options: { seed: number; shopDomain: string }) {
    this.#random = seededRandom(options.seed);
    this.#shop = new Shop({
      profile: {
        id: '548380009',
        domain: options.shopDomain,
        name: 'Bench Shop',
        email: 'shop@example.com',
        owner: 'Bench',
        currency: 'USD',
        presentmentCurrencies: ['USD'],
        ianaTimezone: 'America/Phoenix',
        offsetMinutes: -420,
        taxesIncluded: false,
        taxShipping: false,
        planName: 'Basic',
        address: emptyAddress,
        createdAtMs: Date.now(),
      },
      random: this.#random,
      now: Date.now,
      onEvent: () => undefined,
      onChange: () => undefined,
    });
    for (const name of ['Warehouse', 'Downtown']) addLocation(this.#shop, { name });
    for (let number = 1; number <= 60; number += 1) {
      const skus = ['S', 'M', 'L'].map((size) => `BENCH-${String(number).padStart(3, '0')}-${size}`);
      upsertProduct(this.#shop, {
        title: `Bench shirt ${number}`,
        vendor: 'Bench Textiles',
        productType: 'Shirts',
        optionName: 'Size',
        variants: skus.map((sku) => ({
          sku,
          title: sku.slice(-1),
          price: `${this.#random.int(9, 120)}.90`,
          stock: 1_000_000,
        })),
      });
      this.#skus.push(...skus);
    }
    for (let number = 1; number <= 200; number += 1) this.#addReturning();
  }

  next(): OrderWebhook {
    const order = placeOrder(
      this.#shop,
      orderInput(this.#random, {
        skus: this.#skus,
        returning: this.#returning,
        newCustomer: () => ++this.#people,
      }),
    );
    return { orderId: order.id, body: Buffer.from(JSON.stringify(orderPayload(this.#shop, order))) };
  }

  #addReturning(): void {
    const customer = createCustomer(this.#shop, person(this.#random, ++this.#people));
    if (customer.email !== null) this.#returning.push(customer.email);
  }
}

/** The whole signed request, ready to be written to a socket. */
export function signedRequest(webhook: OrderWebhook, shop: { domain: string; apiSecret: string }): Buffer {
  return httpRequest({
    method: 'POST',
    path: '/webhooks/shopify',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Shopify-Captain-Hook',
      'x-shopify-topic': 'orders/create',
      'x-shopify-hmac-sha256': createHmac('sha256', shop.apiSecret).update(webhook.body).digest('base64'),
      'x-shopify-shop-domain': shop.domain,
      'x-shopify-api-version': '2026-07',
      'x-shopify-webhook-id': randomUUID(),
      'x-shopify-event-id': randomUUID(),
      'x-shopify-triggered-at': new Date().toISOString(),
    },
    body: webhook.body,
  });
}
