import type { Faults } from '../kit/faults.ts';
import { type Random, seededRandom } from '../kit/random.ts';
import { serveSandbox } from '../kit/server.ts';
import { StateFile } from '../kit/state-file.ts';
import { WebhookSender } from '../kit/webhooks.ts';
import { addLocation, deleteProduct, emptyAddress, type ProductInput, upsertProduct } from './catalogue.ts';
import type {
  BalanceTransaction,
  Customer,
  Level,
  Location,
  Order,
  Payout,
  Product,
  Refund,
} from './commerce/types.ts';
import { controlApi } from './control.ts';
import { type CustomerInput, deleteCustomer, upsertCustomer } from './customers.ts';
import { type SeedInput, seedShop } from './demo/seed.ts';
import { Trade, type TradeInput } from './demo/trade.ts';
import type { GraphqlContext } from './graphql/context.ts';
import { GraphqlEndpoint, operationOf } from './graphql/execute.ts';
import { type NewMetafield, putMetafields } from './graphql/mutations.ts';
import { buildAdminSchema } from './graphql/schema.ts';
import { allScopes } from './graphql/scopes.ts';
import { CostBucket } from './graphql/throttle.ts';
import {
  type CancelInput,
  cancelOrder,
  type DisposeInput,
  disposeReturn,
  type EditInput,
  type ExchangeInput,
  editOrder,
  exchangeOrder,
  type FulfilInput,
  fulfilOrder,
  type OrderChange,
  payOrder,
  type RefundInput,
  refundOrder,
  settleRefund,
  updateOrder,
  updateTracking,
} from './orders.ts';
import { type OrderOutcome, outcomeOf } from './outcome.ts';
import { type BalanceInput, bookBalance, issuePayout, settlePayout } from './payouts.ts';
import { type Decimal, type PlaceOrderInput, placeOrder } from './place-order.ts';
import { Shop, ShopError, type ShopProfile, type ShopState } from './shop.ts';
import { setStock } from './stock.ts';
import { retryDelaysMs, servedTopics, WebhookDispatcher } from './webhooks/dispatch.ts';
import { orderPayload } from './webhooks/payloads.ts';

export interface ShopifySandboxOptions {
  /** 0 picks a free port. */
  port: number;
  seed: number;
  /** Where records outlive a restart; null keeps them in memory. */
  statePath?: string | null;
  /** Where every topic goes, as by the app's own configuration; null leaves only API-made subscriptions. */
  webhookUrl?: string | null;
  shop?: string;
  accessToken?: string;
  apiSecret?: string;
  currency?: string;
  taxesIncluded?: boolean;
  /** One whose offset never changes, so that all timestamps carry the same. */
  timeZone?: { name: string; offsetMinutes: number };
  /** Off means no THROTTLED at all. */
  limits?: boolean;
  /** Size of the bucket and its refill, as of the shop's plan. */
  maximumPoints?: number;
  restorePerSecond?: number;
  /** The real waits between webhook attempts are divided by this. */
  timeScale?: number;
  webhookTimeoutMs?: number;
  /** Share of orders whose orders/updated overtakes their orders/create. */
  outOfOrder?: number;
  now?: () => number;
}

/** What people at the shop and its customers can do. The control API calls the same. */
export interface ShopifySandboxControls {
  readonly webhooks: WebhookSender;
  placeOrder(input: PlaceOrderInput): OrderOutcome;
  editOrder(id: string, input: EditInput): OrderOutcome;
  cancelOrder(id: string, input?: CancelInput): OrderOutcome;
  refundOrder(id: string, input: RefundInput): OrderOutcome;
  /** What became of goods of a return: restocked, not restocked, missing, or still to be looked at. */
  disposeReturn(returnId: string, input: DisposeInput): OrderOutcome;
  /** Goods come back and others go out for them. */
  exchangeOrder(id: string, input: ExchangeInput): OrderOutcome;
  /** A dispute, a reserve or an adjustment in the balance of Shopify Payments. */
  bookBalance(input: BalanceInput): BalanceTransaction;
  /** Pays out what the balance of Shopify Payments holds. */
  issuePayout(input?: { status?: Payout['status'] }): Payout;
  settlePayout(id: string, status: Payout['status']): Payout;
  /** A pending refund goes through, or fails. */
  settleRefund(refundId: string, succeeds: boolean): Refund;
  fulfilOrder(id: string, input?: FulfilInput): OrderOutcome;
  payOrder(id: string, input?: { gateway?: string; amount?: Decimal }): OrderOutcome;
  updateOrder(id: string, change: OrderChange): OrderOutcome;
  updateTracking(
    fulfillmentId: string,
    tracking: { company?: string; numbers?: string[]; urls?: string[] },
  ): void;
  upsertCustomer(input: CustomerInput): Customer;
  deleteCustomer(id: string): void;
  upsertProduct(input: ProductInput): Product;
  deleteProduct(id: string): void;
  addLocation(input: { name: string; fulfillsOnlineOrders?: boolean }): Location;
  /** Sets metafields as another app or the merchant would; their owners count as changed. */
  setMetafields(metafields: readonly NewMetafield[]): void;
  /** Defines a metafield of a kind of owner anew, as a merchant who deleted the definition before; null: it has none. */
  defineMetafield(owner: 'Order' | 'Customer', name: string, type: string | null): void;
  setStock(count: {
    sku: string;
    locationId?: string;
    quantity: number;
    name?: 'available' | 'on_hand';
  }): Level;
  seed(input?: SeedInput): Record<string, number | boolean>;
  trade(input: TradeInput): void;
  stopTrade(): void;
  /** Sends a record's webhook again, as it stands now; answers how many deliveries that made. */
  emit(topic: string, id: string): number;
  order(id: string): Order | undefined;
  outcome(order: Order): OrderOutcome;
  /** The order's webhook body as text, with exact digits. */
  orderJson(id: string): string;
  state(): ShopState;
  stats(): Record<string, number | boolean>;
  reset(): void;
  setLimits(enabled: boolean): void;
  setProtectedDataApproved(approved: boolean): void;
  /** Grants the app everything but these scopes. */
  withholdScopes(scopes: readonly string[]): void;
  setWebhookTarget(url: string | null): void;
}

export interface ShopifySandbox extends ShopifySandboxControls, AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  /** The records themselves, for tests that look closely. */
  readonly shop: Shop;
  /** Waits until no webhook is on its way any more, retries included; held ones do not count. */
  settled(): Promise<void>;
}

const apiVersion = '2026-07';

/** A shop that answers as Shopify does: Admin GraphQL, signed webhooks, and people who buy, sell and count. */
export async function startShopifySandbox(options: ShopifySandboxOptions): Promise<ShopifySandbox> {
  const now = options.now ?? Date.now;
  const random = seededRandom(options.seed);
  const sender = new WebhookSender({
    random: seededRandom(options.seed ^ 0x77eb),
    retryDelaysMs: retryDelaysMs.map((delayMs) => delayMs / (options.timeScale ?? 60)),
    timeoutMs: options.webhookTimeoutMs ?? 5000,
    onExhausted: (webhook) => dispatcher.exhausted(webhook),
  });
  const shop = new Shop({
    profile: profileOf(options, now()),
    random,
    now,
    onEvent: (event) => void dispatcher.dispatch(event),
    onChange: () => file.touch(),
  });
  const file = new StateFile<ShopState>(options.statePath ?? null, () => shop.state());
  const dispatcher = new WebhookDispatcher({
    shop,
    sender,
    apiSecret: options.apiSecret ?? 'shpss_sandbox_secret',
    apiVersion,
    appUrl: options.webhookUrl ?? null,
    outOfOrder: options.outOfOrder ?? 0.1,
    random: seededRandom(options.seed ^ 0x1d),
  });
  const saved = await file.load();
  if (saved === null) openShop(shop);
  else shop.load(saved);

  const bucket = new CostBucket({
    maximum: options.maximumPoints ?? 2000,
    restorePerSecond: options.restorePerSecond ?? 100,
    enabled: options.limits ?? true,
    now,
  });
  const context: GraphqlContext = {
    shop,
    apiVersion,
    protectedDataApproved: true,
    scopes: new Set(allScopes),
    idempotency: new Map(),
  };
  const graphql = new GraphqlEndpoint({
    schema: buildAdminSchema(),
    context,
    bucket,
    accessToken: options.accessToken ?? 'shpat_sandbox',
  });
  const trade = new Trade(shop, seededRandom(options.seed ^ 0x7ade));
  const controls = controlsOf({ shop, random, sender, dispatcher, bucket, context, trade });
  const server = await serveSandbox({
    name: 'shopify',
    port: options.port,
    seed: options.seed,
    api: (request) =>
      request.url.pathname === `/admin/api/${apiVersion}/graphql.json` ? graphql.answer(request) : null,
    control: controlApi(controls),
    operationOf,
  });
  return {
    ...controls,
    webhooks: sender,
    shop,
    url: server.url,
    port: server.port,
    faults: server.faults,
    settled: async () => {
      // A mutation over HTTP hands its webhooks over a moment after it ran.
      await new Promise((resolve) => setImmediate(resolve));
      await sender.drained();
    },
    [Symbol.asyncDispose]: async () => {
      trade.stop();
      await server[Symbol.asyncDispose]();
      await sender[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
    },
  };
}

interface Parts {
  shop: Shop;
  random: Random;
  sender: WebhookSender;
  dispatcher: WebhookDispatcher;
  bucket: CostBucket;
  context: GraphqlContext;
  trade: Trade;
}

function controlsOf(parts: Parts): ShopifySandboxControls {
  const { shop, random, sender, dispatcher, bucket, context, trade } = parts;
  const outcome = outcomeOf;
  /** What an action causes is on its way when the action returns, so that waiting for it needs no trick. */
  const told = <T>(action: () => T): T => {
    try {
      return action();
    } finally {
      dispatcher.flush();
    }
  };
  const stats = (): Record<string, number | boolean> => ({
    locations: shop.locations.size,
    products: shop.products.size,
    variants: shop.variants.size,
    customers: shop.customers.size,
    orders: shop.orders.size,
    subscriptions: shop.subscriptions.size,
    webhooksInFlight: sender.inFlight,
    webhookAttempts: sender.attempts.length,
    ordersPerMinute: trade.ordersPerMinute,
    limits: bucket.enabled,
    pointsAvailable: bucket.status().currentlyAvailable,
  });
  return {
    webhooks: sender,
    placeOrder: (input) => told(() => outcome(placeOrder(shop, input))),
    editOrder: (id, input) => told(() => outcome(editOrder(shop, id, input))),
    cancelOrder: (id, input) => told(() => outcome(cancelOrder(shop, id, input))),
    exchangeOrder: (id, input) => told(() => outcome(exchangeOrder(shop, id, input))),
    bookBalance: (input) => bookBalance(shop, input),
    issuePayout: (input) => issuePayout(shop, input ?? {}),
    settlePayout: (id, status) => settlePayout(shop, id, status),
    disposeReturn: (id, input) => told(() => outcome(disposeReturn(shop, id, input))),
    refundOrder: (id, input) => told(() => outcome(refundOrder(shop, id, input))),
    settleRefund: (refundId, succeeds) => told(() => settleRefund(shop, refundId, succeeds)),
    fulfilOrder: (id, input) => told(() => outcome(fulfilOrder(shop, id, input))),
    payOrder: (id, input) => told(() => outcome(payOrder(shop, id, input))),
    updateOrder: (id, change) => told(() => outcome(updateOrder(shop, id, change))),
    updateTracking: (fulfillmentId, tracking) =>
      told(() => void updateTracking(shop, fulfillmentId, tracking)),
    upsertCustomer: (input) => told(() => upsertCustomer(shop, input)),
    deleteCustomer: (id) => told(() => deleteCustomer(shop, id)),
    upsertProduct: (input) => told(() => upsertProduct(shop, input)),
    deleteProduct: (id) => told(() => deleteProduct(shop, id)),
    addLocation: (input) => told(() => addLocation(shop, input)),
    setMetafields: (metafields) => told(() => putMetafields(shop, metafields)),
    defineMetafield: (owner, name, type) => {
      if (type === null) shop.metafieldDefinitions.delete(`${owner} ${name}`);
      else shop.metafieldDefinitions.set(`${owner} ${name}`, type);
      shop.changed();
    },
    setStock: (count) => {
      const locationId = count.locationId ?? shop.locations.keys().next().value;
      if (locationId === undefined) throw new ShopError('the shop has no location');
      return told(() => setStock(shop, { ...count, locationId }));
    },
    seed: (input) => {
      seedShop(shop, random, input ?? {});
      return stats();
    },
    trade: (input) => trade.start(input),
    stopTrade: () => trade.stop(),
    emit: (topic, id) => {
      if (!servedTopics.includes(topic))
        throw new ShopError(`the sandbox does not serve ${topic}`, ['topic'], 404);
      return told(() => dispatcher.dispatch({ topic, subjectId: subjectOf(shop, topic, id) }));
    },
    order: (id) => shop.orders.get(id) ?? shop.orderByName.get(id) ?? shop.orderByName.get(`#${id}`),
    outcome,
    orderJson: (id) => {
      const order = shop.orders.get(id) ?? shop.orderByName.get(id);
      if (order === undefined) throw new ShopError(`no order ${id}`, ['id'], 404);
      return JSON.stringify(orderPayload(shop, order));
    },
    state: () => shop.state(),
    stats,
    reset: () => {
      trade.stop();
      shop.clear();
      context.idempotency.clear();
      bucket.fill();
      openShop(shop);
    },
    setLimits: (enabled) => {
      bucket.enabled = enabled;
    },
    setProtectedDataApproved: (approved) => {
      context.protectedDataApproved = approved;
    },
    withholdScopes: (scopes) => {
      context.scopes = new Set(allScopes.filter((one) => !scopes.includes(one)));
    },
    setWebhookTarget: (url) => {
      dispatcher.appUrl = url;
    },
  };
}

/** Global ids pass wherever plain ones do; inventory levels are named by item and location. */
function subjectOf(shop: Shop, topic: string, id: string): string {
  if (topic.startsWith('shop/') || topic.startsWith('app/')) return shop.profile.id;
  const level = /InventoryLevel\/(\d+)\?inventory_item_id=(\d+)$/.exec(id);
  if (level !== null) return `${level[2]}:${level[1]}`;
  const named = topic.startsWith('orders/')
    ? (shop.orderByName.get(id) ?? shop.orderByName.get(`#${id}`))
    : undefined;
  return named?.id ?? id.replace(/^gid:\/\/shopify\/\w+\//, '');
}

/** A new shop has a place to sell from; everything else comes by hand or by seeding. */
function openShop(shop: Shop): void {
  addLocation(shop, { name: 'Roosevelt Row' });
}

function profileOf(options: ShopifySandboxOptions, atMs: number): ShopProfile {
  return {
    id: '548380009',
    domain: options.shop ?? 'demo-shop.myshopify.com',
    name: 'Saguaro Outfitters',
    email: 'hello@saguaro-outfitters.example',
    owner: 'Dana Whitfield',
    currency: options.currency ?? 'USD',
    presentmentCurrencies: ['USD', 'EUR', 'GBP', 'CAD', 'AUD', 'JPY', 'MXN'],
    ianaTimezone: options.timeZone?.name ?? 'America/Phoenix',
    offsetMinutes: options.timeZone?.offsetMinutes ?? -420,
    taxesIncluded: options.taxesIncluded ?? false,
    taxShipping: false,
    planName: 'Basic',
    address: {
      ...emptyAddress,
      company: 'Saguaro Outfitters LLC',
      address1: '1 Roosevelt St',
      city: 'Phoenix',
      province: 'Arizona',
      provinceCode: 'AZ',
      zip: '85004',
      country: 'United States',
      countryCode: 'US',
      phone: '+16025550100',
    },
    createdAtMs: atMs,
  };
}
