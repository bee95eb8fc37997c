import type { Random } from '../../kit/random.ts';
import { type Account, AccountError, type AmazonOrder } from '../account.ts';
import { refundOrder } from '../finances.ts';
import { cancelOrder, type PlaceOrderInput, placeOrder, shipOrder } from '../orders.ts';
import { cities, familyNames, giftMessages, givenNames } from './words.ts';

export interface TradeInput {
  ordersPerMinute: number;
}

/** Lets buyers buy, and the seller and Amazon send, until it is stopped. */
export class Trade implements Disposable {
  readonly #account: () => Account;
  readonly #random: Random;
  #timer: NodeJS.Timeout | null = null;
  #perMinute = 0;

  constructor(account: () => Account, random: Random) {
    this.#account = account;
    this.#random = random;
  }

  get ordersPerMinute(): number {
    return this.#timer === null ? 0 : this.#perMinute;
  }

  start({ ordersPerMinute }: TradeInput): void {
    if (!(ordersPerMinute > 0)) throw new AccountError('ordersPerMinute must be above 0');
    this.stop();
    this.#perMinute = ordersPerMinute;
    this.#schedule();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** One order, and what happens to earlier ones meanwhile. */
  step(): void {
    const account = this.#account();
    const random = this.#random;
    try {
      const input = inventOrder(account, random);
      if (input !== null) placeOrder(account, input);
      const recent = Object.values(account.state.orders).slice(-60);
      const open = recent.filter((one) => one.status === 'UNSHIPPED');
      if (open.length > 2) shipOrder(account, (open[0] as AmazonOrder).id);
      if (open.length > 1 && random.chance(0.06))
        cancelOrder(account, (open.at(-1) as AmazonOrder).id, { reason: 'Ordered by mistake' });
      const shipped = recent.filter(
        (one) => one.status === 'SHIPPED' && one.items.some((item) => item.refunded === 0),
      );
      if (shipped.length > 0 && random.chance(0.08)) refundOrder(account, random.pick(shipped).id);
    } catch (error) {
      // Chance may pick what the account rightly refuses.
      if (!(error instanceof AccountError)) throw error;
    }
  }

  #schedule(): void {
    const meanMs = 60_000 / this.#perMinute;
    const waitMs = Math.min(meanMs * 5, -Math.log(1 - this.#random.next()) * meanMs);
    this.#timer = setTimeout(() => {
      this.step();
      this.#schedule();
    }, waitMs);
    this.#timer.unref();
  }
}

/** Null where nothing is left to sell. */
function inventOrder(account: Account, random: Random): PlaceOrderInput | null {
  const fulfilledBy = random.chance(0.3) ? 'AMAZON' : 'MERCHANT';
  const left = (sku: string): number =>
    fulfilledBy === 'AMAZON'
      ? (account.state.inventory[sku]?.fulfillable ?? 0)
      : (account.state.listings[sku]?.quantity ?? 0);
  const sellable = Object.values(account.state.listings).filter(
    (one) => one.fulfilledBy === fulfilledBy && left(one.sku) > 0,
  );
  if (sellable.length === 0) return null;
  const first = random.pick(sellable);
  const second = random.pick(sellable);
  const isGift = random.chance(0.12);
  const lines = [
    {
      sku: first.sku,
      quantity: Math.min(left(first.sku), random.chance(0.8) ? 1 : 2),
      ...(random.chance(0.15)
        ? { discount: (Math.floor(first.priceMinor / 10) / 100).toFixed(2), promotionId: 'LIGHTNING-DEAL' }
        : {}),
      ...(isGift ? { giftWrap: '3.99', giftMessage: random.pick(giftMessages) } : {}),
    },
    ...(second.sku !== first.sku && random.chance(0.2) ? [{ sku: second.sku, quantity: 1 }] : []),
  ];
  const city = random.pick(cities);
  const name = `${random.pick(givenNames)} ${random.pick(familyNames)}`;
  return {
    lines,
    fulfilledBy,
    buyer: { name },
    address: {
      name,
      addressLine1: `${random.int(1, 990)} ${random.pick(['Oak', 'Maple', 'Cedar', 'Lake'])} Street`,
      ...city,
      countryCode: account.profile.countryCode,
    },
    ...(fulfilledBy === 'MERCHANT' ? { shipping: '4.99' } : {}),
    taxRate: city.taxRate,
  };
}
