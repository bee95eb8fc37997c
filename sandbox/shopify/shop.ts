import type { Random } from '../kit/random.ts';
import type {
  Address,
  BalanceTransaction,
  Customer,
  InventoryItem,
  Level,
  Location,
  Metafield,
  Order,
  Payout,
  Product,
  Variant,
  WebhookSubscription,
} from './commerce/types.ts';
import { SortedIndex } from './sorted-index.ts';

/** Something happened that the shop tells its subscribers. */
export interface ShopEvent {
  /** As in the webhook header: orders/create. */
  topic: string;
  /** Id of the record that the payload shows. */
  subjectId: string;
  /** What the record alone does not tell (the changes of an order edit). */
  detail?: unknown;
}

export interface ShopProfile {
  id: string;
  domain: string;
  name: string;
  email: string;
  owner: string;
  currency: string;
  presentmentCurrencies: string[];
  ianaTimezone: string;
  /** Arizona has no daylight saving, which keeps the offset of every timestamp the same. */
  offsetMinutes: number;
  taxesIncluded: boolean;
  taxShipping: boolean;
  planName: string;
  address: Address;
  createdAtMs: number;
}

export interface DiscountCode {
  code: string;
  target: 'order' | 'shipping';
  value: { kind: 'percentage'; ppm: number } | { kind: 'fixed'; minor: number };
}

/** What the state file holds. */
export interface ShopState {
  version: 1;
  profile: ShopProfile;
  counters: Record<string, number>;
  locations: Location[];
  products: Product[];
  variants: Variant[];
  items: InventoryItem[];
  customers: Customer[];
  orders: Order[];
  metafields: Metafield[];
  metafieldDefinitions?: [name: string, type: string][];
  subscriptions: WebhookSubscription[];
  payouts: Payout[];
  balanceTransactions: BalanceTransaction[];
}

/** First ids per kind. Most exceed 2^53, so that a client which reads them as JSON numbers is found out. */
const idBases: Readonly<Record<string, bigint>> = {
  Order: 9_100_000_000_000_000n,
  Fulfillment: 9_150_000_000_000_000n,
  FulfillmentLineItem: 9_160_000_000_000_000n,
  FulfillmentOrder: 9_170_000_000_000_000n,
  FulfillmentOrderLineItem: 9_180_000_000_000_000n,
  Customer: 9_200_000_000_000_000n,
  MailingAddress: 9_250_000_000_000_000n,
  LineItem: 9_300_000_000_000_000n,
  ShippingLine: 9_350_000_000_000_000n,
  Refund: 9_400_000_000_000_000n,
  RefundLineItem: 9_410_000_000_000_000n,
  RefundShippingLine: 9_420_000_000_000_000n,
  OrderAdjustment: 9_430_000_000_000_000n,
  ShopifyPaymentsPayout: 110_000_000_000n,
  ShopifyPaymentsBalanceTransaction: 9_510_000_000_000_000n,
  Duty: 9_440_000_000_000_000n,
  Return: 9_450_000_000_000_000n,
  ReturnLineItem: 9_460_000_000_000_000n,
  ExchangeLineItem: 9_470_000_000_000_000n,
  OrderTransaction: 9_500_000_000_000_000n,
  Product: 9_600_000_000_000_000n,
  ProductVariant: 9_700_000_000_000_000n,
  InventoryItem: 9_800_000_000_000_000n,
  Metafield: 40_000_000_000n,
  Location: 70_000_000_000n,
  WebhookSubscription: 1_100_000_000_000n,
  OrderEdit: 78_000_000_000n,
  InventoryAdjustmentGroup: 30_000_000_000n,
  Job: 50_000_000_000n,
  DataRequest: 9_990n,
};

export interface ShopOptions {
  profile: ShopProfile;
  random: Random;
  now: () => number;
  onEvent: (event: ShopEvent) => void;
  onChange: () => void;
}

/** The shop's memory: every record, the ways to find one, its clock and its ids. What it does lies in the files beside. */
export class Shop {
  profile: ShopProfile;
  readonly random: Random;
  readonly locations = new Map<string, Location>();
  readonly products = new Map<string, Product>();
  readonly variants = new Map<string, Variant>();
  readonly variantBySku = new Map<string, Variant>();
  readonly items = new Map<string, InventoryItem>();
  readonly customers = new Map<string, Customer>();
  readonly customerByEmail = new Map<string, Customer>();
  readonly customerByPhone = new Map<string, Customer>();
  readonly orders = new Map<string, Order>();
  readonly orderByName = new Map<string, Order>();
  /** Refunds, line items, fulfilments, fulfilment orders and transactions by id, to the order that holds them. */
  readonly orderByPart = new Map<string, Order>();
  readonly metafields = new Map<string, Metafield[]>();
  /** The type that merchants defined for a metafield, by `Order custom.warranty`. */
  readonly metafieldDefinitions = new Map<string, string>();
  readonly subscriptions = new Map<string, WebhookSubscription>();
  readonly payouts = new Map<string, Payout>();
  /** Oldest first. */
  balanceTransactions: BalanceTransaction[] = [];
  readonly recentOrders = new SortedIndex<Order>((order) => order.updatedAtMs);
  readonly recentCustomers = new SortedIndex<Customer>((customer) => customer.updatedAtMs);
  readonly recentProducts = new SortedIndex<Product>((product) => product.updatedAtMs);
  /** In the order of their ids, which is the order in which they came. */
  readonly ordersById = new SortedIndex<Order>(() => 0);
  readonly customersById = new SortedIndex<Customer>(() => 0);
  readonly discountCodes = new Map<string, DiscountCode>([
    ['WELCOME10', { code: 'WELCOME10', target: 'order', value: { kind: 'percentage', ppm: 100_000 } }],
    ['SAVE5', { code: 'SAVE5', target: 'order', value: { kind: 'fixed', minor: 500 } }],
    ['FREESHIP', { code: 'FREESHIP', target: 'shipping', value: { kind: 'percentage', ppm: 1_000_000 } }],
  ]);
  #counters: Record<string, number> = {};
  #options: ShopOptions;
  #lastMs = 0;
  #pastMs: number | null = null;
  #mute = false;

  constructor(options: ShopOptions) {
    this.#options = options;
    this.profile = options.profile;
    this.random = options.random;
  }

  /** Never runs backwards, so that the order of changes is the order of their times. */
  nowMs(): number {
    if (this.#pastMs !== null) return this.#pastMs;
    this.#lastMs = Math.max(this.#lastMs, this.#options.now());
    return this.#lastMs;
  }

  /** Lets something happen silently at a time in the past (seeding). Call `reindex` when done. */
  inThePast<T>(atMs: number, action: () => T): T {
    this.#pastMs = atMs;
    this.#mute = true;
    try {
      return action();
    } finally {
      this.#pastMs = null;
      this.#mute = false;
    }
  }

  nextId(kind: string): string {
    const next = (this.#counters[kind] ?? 0) + 1;
    this.#counters[kind] = next;
    return String((idBases[kind] ?? 10_000_000_000n) + BigInt(next));
  }

  nextOrderNumber(): number {
    const next = (this.#counters.orderNumber ?? 0) + 1;
    this.#counters.orderNumber = next;
    return next;
  }

  emit(topic: string, subjectId: string, detail?: unknown): void {
    if (this.#mute) return;
    this.#options.onEvent({ topic, subjectId, ...(detail === undefined ? {} : { detail }) });
  }

  changed(): void {
    this.#options.onChange();
  }

  touchOrder(order: Order): void {
    order.revision += 1;
    order.updatedAtMs = this.nowMs();
    if (this.#pastMs === null) this.recentOrders.touch(order);
    this.changed();
  }

  touchCustomer(customer: Customer): void {
    customer.updatedAtMs = this.nowMs();
    if (this.#pastMs === null) this.recentCustomers.touch(customer);
    this.changed();
  }

  touchProduct(product: Product): void {
    product.updatedAtMs = this.nowMs();
    if (this.#pastMs === null) this.recentProducts.touch(product);
    this.changed();
  }

  addOrder(order: Order): void {
    this.orders.set(order.id, order);
    this.orderByName.set(order.name, order);
    this.indexParts(order);
    this.ordersById.touch(order);
    if (this.#pastMs === null) this.recentOrders.touch(order);
    this.changed();
  }

  /** Makes the order findable by the ids of its parts; call again after adding some. */
  indexParts(order: Order): void {
    for (const list of [
      order.lines,
      order.refunds,
      order.fulfillments,
      order.fulfillmentOrders,
      order.transactions,
      order.returns,
    ])
      for (const part of list) this.orderByPart.set(part.id, order);
    for (const one of order.returns) this.orderByPart.set(one.reverseId, order);
    for (const line of order.lines)
      if (line.fulfillmentOrderLineId !== null) this.orderByPart.set(line.fulfillmentOrderLineId, order);
  }

  addVariant(variant: Variant): void {
    this.variants.set(variant.id, variant);
    if (variant.sku !== '') this.variantBySku.set(variant.sku, variant);
  }

  addCustomer(customer: Customer): void {
    this.customers.set(customer.id, customer);
    this.indexCustomer(customer);
    this.customersById.touch(customer);
    if (this.#pastMs === null) this.recentCustomers.touch(customer);
    this.changed();
  }

  indexCustomer(customer: Customer): void {
    if (customer.email !== null) this.customerByEmail.set(customer.email.toLowerCase(), customer);
    if (customer.phone !== null) this.customerByPhone.set(customer.phone, customer);
  }

  removeCustomer(customer: Customer): void {
    this.customers.delete(customer.id);
    if (customer.email !== null) this.customerByEmail.delete(customer.email.toLowerCase());
    if (customer.phone !== null) this.customerByPhone.delete(customer.phone);
    this.recentCustomers.remove(customer.id);
    this.customersById.remove(customer.id);
    this.changed();
  }

  level(itemId: string, locationId: string): Level | undefined {
    return this.items.get(itemId)?.levels[locationId];
  }

  /** Puts the indexes by time right after records were changed in the past. */
  reindex(): void {
    this.recentOrders.rebuild(this.orders.values());
    this.recentCustomers.rebuild(this.customers.values());
    this.recentProducts.rebuild(this.products.values());
    this.ordersById.rebuild(this.orders.values());
    this.customersById.rebuild(this.customers.values());
    this.changed();
  }

  state(): ShopState {
    return {
      version: 1,
      profile: this.profile,
      counters: this.#counters,
      locations: [...this.locations.values()],
      products: [...this.products.values()],
      variants: [...this.variants.values()],
      items: [...this.items.values()],
      customers: [...this.customers.values()],
      orders: [...this.orders.values()],
      metafields: [...this.metafields.values()].flat(),
      metafieldDefinitions: [...this.metafieldDefinitions],
      subscriptions: [...this.subscriptions.values()],
      payouts: [...this.payouts.values()],
      balanceTransactions: this.balanceTransactions,
    };
  }

  load(state: ShopState): void {
    this.clear();
    this.profile = state.profile;
    this.#counters = { ...state.counters };
    for (const location of state.locations) this.locations.set(location.id, location);
    for (const product of state.products) this.products.set(product.id, product);
    for (const variant of state.variants) {
      variant.inventoryPolicy ??= 'DENY';
      this.addVariant(variant);
    }
    for (const item of state.items) this.items.set(item.id, item);
    for (const customer of state.customers) {
      this.customers.set(customer.id, customer);
      this.indexCustomer(customer);
    }
    for (const order of state.orders) {
      withNewerParts(order);
      this.orders.set(order.id, order);
      this.orderByName.set(order.name, order);
      this.indexParts(order);
    }
    for (const metafield of state.metafields) {
      const known = this.metafields.get(metafield.ownerGid);
      if (known === undefined) this.metafields.set(metafield.ownerGid, [metafield]);
      else known.push(metafield);
    }
    for (const [name, type] of state.metafieldDefinitions ?? []) this.metafieldDefinitions.set(name, type);
    for (const subscription of state.subscriptions) this.subscriptions.set(subscription.id, subscription);
    for (const payout of state.payouts ?? []) this.payouts.set(payout.id, payout);
    this.balanceTransactions = state.balanceTransactions ?? [];
    this.reindex();
  }

  /** Forgets everything but the profile. */
  clear(): void {
    for (const map of [
      this.locations,
      this.products,
      this.variants,
      this.variantBySku,
      this.items,
      this.customers,
      this.customerByEmail,
      this.customerByPhone,
      this.orders,
      this.orderByName,
      this.orderByPart,
      this.metafields,
      this.metafieldDefinitions,
      this.subscriptions,
      this.payouts,
    ])
      map.clear();
    this.balanceTransactions = [];
    this.#counters = {};
    this.reindex();
  }
}

/** A state file written before these parts existed lacks them. */
function withNewerParts(order: Order): void {
  order.returns ??= [];
  for (const one of order.returns) {
    one.reverseId ??= one.id;
    for (const line of one.lines) line.dispositions ??= [];
  }
  for (const line of order.lines) line.duties ??= [];
  for (const transaction of order.transactions) transaction.rounding ??= null;
  for (const refund of order.refunds) {
    refund.duties ??= [];
    refund.returnId ??= null;
  }
}

export function gid(kind: string, id: string): string {
  return `gid://shopify/${kind}/${id}`;
}

export function levelGid(level: { itemId: string; locationId: string }): string {
  return `gid://shopify/InventoryLevel/${level.locationId}?inventory_item_id=${level.itemId}`;
}

/** gid://shopify/Order/123 → 123; plain digits pass; anything else, or another kind, is null. */
export function idOf(kind: string, given: string): string | null {
  if (/^\d+$/.test(given)) return given;
  const match = /^gid:\/\/shopify\/(\w+)\/(\d+)(?:\?.*)?$/.exec(given);
  return match !== null && match[1] === kind ? (match[2] ?? null) : null;
}

/** A request that the shop refuses, with the field it is about where there is one. */
export class ShopError extends Error {
  readonly field: string[] | null;
  readonly status: number;

  constructor(message: string, field: string[] | null = null, status = 422) {
    super(message);
    this.field = field;
    this.status = status;
  }
}
