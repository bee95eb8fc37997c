import { createHash } from 'node:crypto';

export type FulfillmentStatus =
  | 'PENDING'
  | 'UNSHIPPED'
  | 'PARTIALLY_SHIPPED'
  | 'SHIPPED'
  | 'CANCELLED'
  | 'UNFULFILLABLE';
export type FulfilledBy = 'MERCHANT' | 'AMAZON';

/** Amounts are whole minor units; US dollars and euros have two decimals. */
export interface OrderItem {
  id: string;
  sku: string;
  asin: string;
  title: string;
  quantity: number;
  fulfilled: number;
  refunded: number;
  unitMinor: number;
  shippingMinor: number;
  wrapMinor: number;
  discountMinor: number;
  shippingDiscountMinor: number;
  taxMinor: number;
  shippingTaxMinor: number;
  wrapTaxMinor: number;
  giftMessage: string | null;
  giftWrapLevel: string | null;
  promotionIds: string[];
  cancelled: { by: 'BUYER' | 'MERCHANT' | 'AMAZON'; reason: string } | null;
  cancelRequest: string | null;
}

export interface OrderPackage {
  id: string;
  createdMs: number;
  shippedMs: number;
  carrier: string;
  trackingNumber: string;
  items: { itemId: string; quantity: number }[];
}

export interface AmazonOrder {
  id: string;
  createdMs: number;
  updatedMs: number;
  status: FulfillmentStatus;
  fulfilledBy: FulfilledBy;
  serviceLevel: string;
  salesChannel: 'AMAZON' | 'NON_AMAZON';
  currency: string;
  taxesIncluded: boolean;
  /** Amazon collects the tax and remits it. */
  marketplaceTax: boolean;
  programs: string[];
  replacementOf: string | null;
  buyer: { name: string; email: string; company: string | null } | null;
  address: Address | null;
  items: OrderItem[];
  packages: OrderPackage[];
}

export interface Address {
  name: string;
  addressLine1: string;
  addressLine2?: string;
  city: string;
  stateOrRegion: string;
  postalCode: string;
  countryCode: string;
  phone?: string;
}

export interface Listing {
  sku: string;
  asin: string;
  title: string;
  productType: string;
  priceMinor: number;
  currency: string;
  fulfilledBy: FulfilledBy;
  /** What buyers may order of merchant-fulfilled goods. */
  quantity: number;
  createdMs: number;
  updatedMs: number;
  issues: ListingIssue[];
  /** What becomes of accepted quantities: applied, refused later with an issue, or never heard of again. */
  behaviour: 'apply' | 'refuse' | 'ignore';
}

export interface ListingIssue {
  code: string;
  message: string;
  severity: 'ERROR' | 'WARNING' | 'INFO';
  attributeNames: string[];
  categories: string[];
}

export interface Inventory {
  sku: string;
  fulfillable: number;
  reserved: number;
  inbound: number;
  updatedMs: number;
}

export interface Transaction {
  id: string;
  type: 'Shipment' | 'Refund';
  status: 'DEFERRED' | 'DEFERRED_RELEASED' | 'RELEASED';
  postedMs: number;
  orderId: string;
  refundId: string | null;
  releases: string | null;
  currency: string;
  lines: TransactionLine[];
}

/** Amounts from the seller's side: what went to the buyer is below zero. */
export interface TransactionLine {
  sku: string;
  asin: string;
  title: string;
  quantity: number;
  fulfilledBy: FulfilledBy;
  amounts: { container: string; type: string; minor: number }[];
}

export interface Destination {
  destinationId: string;
  name: string;
  resource: Record<string, unknown>;
}

export interface Subscription {
  subscriptionId: string;
  notificationType: string;
  payloadVersion: string;
  destinationId: string;
}

export interface AccountState {
  orders: Record<string, AmazonOrder>;
  listings: Record<string, Listing>;
  inventory: Record<string, Inventory>;
  transactions: Transaction[];
  destinations: Destination[];
  subscriptions: Subscription[];
  counters: Record<string, number>;
  lastMs: number;
}

export interface AccountProfile {
  sellerId: string;
  marketplaceId: string;
  marketplaceName: string;
  currency: string;
  countryCode: string;
  taxesIncluded: boolean;
}

/** A request that the account cannot fulfil, in words; the control API answers 400 with it. */
export class AccountError extends Error {}

/** What happens in the account, for whoever announces it. */
export type Happening =
  | { kind: 'order'; orderId: string; reason: string; atMs: number }
  | { kind: 'transaction'; transactionId: string }
  | { kind: 'quantity'; sku: string }
  | { kind: 'inventory'; sku: string };

/** One seller's account in one marketplace: orders, offers, stock in Amazon's warehouses and the money's way. */
export class Account {
  readonly profile: AccountProfile;
  readonly state: AccountState;
  readonly #now: () => number;
  readonly #tell: (happening: Happening) => void;

  constructor(
    profile: AccountProfile,
    state: AccountState,
    options: { now: () => number; tell: (happening: Happening) => void },
  ) {
    this.profile = profile;
    this.state = state;
    this.#now = options.now;
    this.#tell = options.tell;
  }

  /** The account's clock never shows a time twice: what happened later is told to be later. */
  tick(): number {
    this.state.lastMs = Math.max(this.#now(), this.state.lastMs + 1);
    return this.state.lastMs;
  }

  /** A burst of happenings may take the account's clock ahead of the wall's for a moment. */
  now(): number {
    return Math.max(this.#now(), this.state.lastMs);
  }

  tell(happening: Happening): void {
    this.#tell(happening);
  }

  next(name: string): number {
    const value = (this.state.counters[name] ?? 0) + 1;
    this.state.counters[name] = value;
    return value;
  }

  /** Digits that look drawn and are the same in every run. */
  digits(name: string, count: number): string {
    const hash = createHash('sha256')
      .update(`${this.profile.sellerId}:${name}:${this.next(name)}`)
      .digest('hex');
    return BigInt(`0x${hash.slice(0, 24)}`)
      .toString()
      .padStart(count, '0')
      .slice(-count);
  }

  order(id: string): AmazonOrder {
    const order = this.state.orders[id];
    if (order === undefined) throw new AccountError(`no order ${id}`);
    return order;
  }

  listing(sku: string): Listing {
    const listing = this.state.listings[sku];
    if (listing === undefined) throw new AccountError(`no listing ${sku}`);
    return listing;
  }

  /** Notes that an order changed, and announces it. */
  changed(order: AmazonOrder, reason: string): void {
    order.updatedMs = this.tick();
    this.#tell({ kind: 'order', orderId: order.id, reason, atMs: order.updatedMs });
  }
}

export function emptyState(): AccountState {
  return {
    orders: {},
    listings: {},
    inventory: {},
    transactions: [],
    // Made by the application's owner when it was set up; subscriptions are the application's own business.
    destinations: [
      {
        destinationId: 'destination-tributary',
        name: 'tributary',
        resource: {
          eventBridge: {
            name: 'aws.partner/sellingpartnerapi.amazon.com/123456789012/tributary',
            region: 'us-east-1',
            accountId: '123456789012',
          },
        },
      },
    ],
    subscriptions: [],
    counters: {},
    lastMs: 0,
  };
}
