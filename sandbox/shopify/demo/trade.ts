import type { Random } from '../../kit/random.ts';
import type { Customer } from '../commerce/types.ts';
import { createCustomer, updateCustomer } from '../customers.ts';
import { cancelOrder, editOrder, fulfilOrder } from '../orders.ts';
import { bookBalance, issuePayout, settlePayout } from '../payouts.ts';
import { placeOrder } from '../place-order.ts';
import { type Shop, ShopError } from '../shop.ts';
import { setStock } from '../stock.ts';
import { inventCustomer, inventOrder, refundSome, restockFor, sellableVariants } from './seed.ts';
import * as words from './words.ts';

export interface TradeInput {
  ordersPerMinute: number;
  /** Stops by itself; absent = trades until stopped. */
  seconds?: number;
}

/** Lets a shop live: orders come in, and other things happen to those that came before. */
export class Trade implements Disposable {
  #shop: Shop;
  #random: Random;
  #timer: NodeJS.Timeout | null = null;
  #untilMs = Number.POSITIVE_INFINITY;
  #perMinute = 0;
  /** Online orders that wait for something to happen to them. */
  #open: string[] = [];
  #customers: Customer[] = [];

  constructor(shop: Shop, random: Random) {
    this.#shop = shop;
    this.#random = random;
  }

  get ordersPerMinute(): number {
    return this.#timer === null ? 0 : this.#perMinute;
  }

  start(input: TradeInput): void {
    if (!(input.ordersPerMinute > 0))
      throw new ShopError('ordersPerMinute must be above 0', ['ordersPerMinute']);
    if (sellableVariants(this.#shop).length === 0)
      throw new ShopError('nothing to sell: seed the shop first');
    this.stop();
    this.#perMinute = input.ordersPerMinute;
    this.#untilMs =
      input.seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + input.seconds * 1000;
    this.#customers = [...this.#shop.customers.values()];
    this.#schedule();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** One order and whatever else happens meanwhile. */
  step(): void {
    const random = this.#random;
    try {
      this.#sell();
      if (random.chance(0.6)) this.#fulfil();
      if (random.chance(0.06)) this.#edit();
      if (random.chance(0.05)) this.#cancel();
      if (random.chance(0.08)) this.#refund();
      if (random.chance(0.03)) this.#payOut();
      if (random.chance(0.08)) this.#count();
      if (random.chance(0.1)) this.#changeCustomer();
    } catch (error) {
      // Chance may pick what the shop rightly refuses, such as cancelling an order that was sent meanwhile.
      if (!(error instanceof ShopError)) throw error;
    }
  }

  #schedule(): void {
    // Waits between customers are exponential, as they are where people come on their own.
    const meanMs = 60_000 / this.#perMinute;
    const waitMs = Math.min(meanMs * 5, -Math.log(1 - this.#random.next()) * meanMs);
    this.#timer = setTimeout(() => {
      if (Date.now() >= this.#untilMs) {
        this.stop();
        return;
      }
      this.step();
      this.#schedule();
    }, waitMs);
    this.#timer.unref();
  }

  #sell(): void {
    const random = this.#random;
    const input = inventOrder(this.#shop, random, this.#someone());
    if (random.chance(0.3)) restockFor(this.#shop, input.lines, random);
    const order = placeOrder(this.#shop, input);
    if (order.channel === 'online') this.#open.push(order.id);
    if (this.#open.length > 200) this.#open.shift();
  }

  #someone(): Customer | null {
    const random = this.#random;
    if (random.chance(0.08)) return null;
    if (this.#customers.length === 0 || random.chance(0.12)) {
      const customer = createCustomer(this.#shop, inventCustomer(this.#shop, random));
      this.#customers.push(customer);
      return customer;
    }
    return random.pick(this.#customers);
  }

  #fulfil(): void {
    if (this.#open.length < 3) return;
    const id = this.#open.shift();
    if (id === undefined) return;
    fulfilOrder(this.#shop, id, {
      trackingCompany: 'UPS',
      trackingNumber: `1Z${String(this.#random.int(100_000_000, 999_999_999))}`,
    });
  }

  #edit(): void {
    const order = this.#shop.orders.get(this.#pickOpen() ?? '');
    const line = order?.lines[0];
    if (order === undefined || line === undefined) return;
    if (this.#random.chance(0.5)) {
      const variant = this.#random.pick(sellableVariants(this.#shop));
      editOrder(this.#shop, order.id, { add: [{ sku: variant.sku, quantity: 1 }] });
    } else {
      const kept = line.quantity - line.refundedQuantity;
      editOrder(this.#shop, order.id, {
        set: [{ lineId: line.id, quantity: kept > 1 ? kept - 1 : kept + 1 }],
      });
    }
  }

  #cancel(): void {
    const id = this.#pickOpen();
    if (id === null) return;
    this.#open = this.#open.filter((one) => one !== id);
    cancelOrder(this.#shop, id, { reason: this.#random.pick(['CUSTOMER', 'INVENTORY', 'FRAUD']) });
  }

  #refund(): void {
    let picked = 0;
    for (const order of this.#shop.recentOrders.descending(null)) {
      picked += 1;
      if (picked > 20) return;
      if (!this.#random.chance(0.2)) continue;
      refundSome(this.#shop, this.#random, order);
      return;
    }
  }

  /** The bank day of Shopify Payments comes sooner here than in life. */
  #payOut(): void {
    const random = this.#random;
    if (random.chance(0.1))
      bookBalance(this.#shop, { type: 'ADJUSTMENT', amount: '-1.25', reason: 'Correction' });
    issuePayout(this.#shop, { status: random.chance(0.5) ? 'PAID' : 'SCHEDULED' });
    for (const payout of this.#shop.payouts.values())
      if (payout.status === 'SCHEDULED' && random.chance(0.5)) settlePayout(this.#shop, payout.id, 'PAID');
  }

  #count(): void {
    const variant = this.#random.pick(sellableVariants(this.#shop));
    const locationId = this.#random.pick([...this.#shop.locations.keys()]);
    const level = this.#shop.level(variant.inventoryItemId, locationId);
    if (level === undefined) return;
    const quantity = Math.max(0, level.available + this.#random.int(-3, 2));
    setStock(this.#shop, { sku: variant.sku, locationId, quantity });
  }

  #changeCustomer(): void {
    if (this.#customers.length === 0) return;
    const customer = this.#random.pick(this.#customers);
    if (!this.#shop.customers.has(customer.id)) return;
    updateCustomer(
      this.#shop,
      customer,
      this.#random.chance(0.5)
        ? { note: this.#random.pick(words.notes) }
        : { tags: [...customer.tags, this.#random.pick(['VIP', 'repeat', 'trail-club'])] },
    );
  }

  #pickOpen(): string | null {
    return this.#open.length === 0 ? null : this.#random.pick(this.#open);
  }
}
