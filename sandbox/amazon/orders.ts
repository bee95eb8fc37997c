import {
  type Account,
  AccountError,
  type Address,
  type AmazonOrder,
  type FulfilledBy,
  type OrderItem,
} from './account.ts';
import { postShipment } from './finances.ts';
import { moveInventory, setQuantity } from './listings.ts';

export interface PlaceOrderInput {
  lines: LineInput[];
  /** Default: as the offers of its lines say, which must agree. */
  fulfilledBy?: FulfilledBy;
  buyer?: { name?: string; email?: string; company?: string };
  address?: Address;
  /** Decimal strings. */
  shipping?: string;
  shippingDiscount?: string;
  /** Share of the price: 0.0725 is 7.25 %. */
  taxRate?: string;
  /** Who owes the tax: by default Amazon, as marketplace facilitator. */
  taxCollectedBy?: 'marketplace' | 'seller';
  serviceLevel?: string;
  /** The buyer's payment is not authorised yet: no price, no address, nothing to send. */
  pending?: boolean;
  /** Placed in a shop of the seller's own and only sent by Amazon. */
  fromElsewhere?: boolean;
  replacementOf?: string;
  /** Sells although the offer has too few left, as happens when a quantity arrives too late. */
  oversell?: boolean;
  id?: string;
}

export interface LineInput {
  sku: string;
  quantity: number;
  price?: string;
  /** Taken off the line's price in all. */
  discount?: string;
  promotionId?: string;
  giftWrap?: string;
  giftMessage?: string;
}

export function placeOrder(account: Account, input: PlaceOrderInput): AmazonOrder {
  if (input.lines.length === 0) throw new AccountError('an order needs a line');
  const listings = input.lines.map((line) => account.listing(line.sku));
  const fulfilledBy = input.fulfilledBy ?? listings[0]?.fulfilledBy ?? 'MERCHANT';
  if (listings.some((one) => one.fulfilledBy !== fulfilledBy))
    throw new AccountError(`all lines must be fulfilled by ${fulfilledBy}`);
  if (input.oversell !== true) demandStock(account, input.lines, fulfilledBy);
  const id =
    input.id ?? `${account.digits('order', 3)}-${account.digits('order', 7)}-${account.digits('order', 7)}`;
  if (account.state.orders[id] !== undefined) throw new AccountError(`order ${id} exists`);
  const isPending = input.pending === true;
  const createdMs = account.tick();
  const order: AmazonOrder = {
    id,
    createdMs,
    updatedMs: createdMs,
    status: isPending ? 'PENDING' : 'UNSHIPPED',
    fulfilledBy,
    serviceLevel: input.serviceLevel ?? 'STANDARD',
    salesChannel: input.fromElsewhere === true ? 'NON_AMAZON' : 'AMAZON',
    currency: account.profile.currency,
    taxesIncluded: account.profile.taxesIncluded,
    marketplaceTax: (input.taxCollectedBy ?? 'marketplace') === 'marketplace',
    programs: fulfilledBy === 'AMAZON' ? ['PRIME'] : [],
    replacementOf: input.replacementOf ?? null,
    buyer: {
      name: input.buyer?.name ?? 'Amazon Buyer',
      // Amazon never tells an address of the buyer's own.
      email: input.buyer?.email ?? relayAddress(account, id),
      company: input.buyer?.company ?? null,
    },
    address: input.address ?? defaultAddress(account, input.buyer?.name ?? 'Amazon Buyer'),
    items: input.lines.map((line, index) => itemOf(account, input, line, index)),
    packages: [],
  };
  account.state.orders[id] = order;
  for (const item of order.items) take(account, order, item, item.quantity);
  account.tell({ kind: 'order', orderId: id, reason: 'Order Created', atMs: createdMs });
  return order;
}

function relayAddress(account: Account, orderId: string): string {
  const domain = account.profile.countryCode === 'US' ? 'com' : account.profile.countryCode.toLowerCase();
  return `${BigInt(orderId.replaceAll('-', '')).toString(36)}@marketplace.amazon.${domain}`;
}

function demandStock(account: Account, lines: readonly LineInput[], fulfilledBy: FulfilledBy): void {
  for (const line of lines) {
    const left =
      fulfilledBy === 'AMAZON'
        ? (account.state.inventory[line.sku]?.fulfillable ?? 0)
        : account.listing(line.sku).quantity;
    if (left < line.quantity)
      throw new AccountError(`${line.sku} has ${left} left, ${line.quantity} were asked for`);
  }
}

function itemOf(account: Account, input: PlaceOrderInput, line: LineInput, index: number): OrderItem {
  const listing = account.listing(line.sku);
  if (!Number.isInteger(line.quantity) || line.quantity < 1)
    throw new AccountError('quantity must be 1 or more');
  const unitMinor = line.price === undefined ? listing.priceMinor : minorOf(line.price);
  const discountMinor = line.discount === undefined ? 0 : minorOf(line.discount);
  const wrapMinor = line.giftWrap === undefined ? 0 : minorOf(line.giftWrap);
  // Shipping belongs to the first line.
  const shippingMinor = index === 0 && input.shipping !== undefined ? minorOf(input.shipping) : 0;
  const shippingDiscountMinor =
    index === 0 && input.shippingDiscount !== undefined ? minorOf(input.shippingDiscount) : 0;
  const rate = input.taxRate ?? '0';
  const tax = (minor: number) => taxOn(minor, rate, account.profile.taxesIncluded);
  return {
    id: account.digits('item', 14),
    sku: listing.sku,
    asin: listing.asin,
    title: listing.title,
    quantity: line.quantity,
    fulfilled: 0,
    refunded: 0,
    unitMinor,
    shippingMinor,
    wrapMinor,
    discountMinor,
    shippingDiscountMinor,
    taxMinor: tax(unitMinor * line.quantity - discountMinor),
    shippingTaxMinor: tax(shippingMinor - shippingDiscountMinor),
    wrapTaxMinor: tax(wrapMinor),
    giftMessage: line.giftMessage ?? null,
    giftWrapLevel: line.giftWrap === undefined ? null : 'CLASSIC',
    promotionIds: line.promotionId === undefined ? [] : [line.promotionId],
    cancelled: null,
    cancelRequest: null,
  };
}

/** Payment came through: the order can be sent. */
export function confirmOrder(account: Account, id: string): AmazonOrder {
  const order = account.order(id);
  if (order.status !== 'PENDING') throw new AccountError(`order ${id} is ${order.status}`);
  order.status = 'UNSHIPPED';
  account.changed(order, 'Payment Authorized');
  return order;
}

export interface CancelInput {
  by?: 'BUYER' | 'MERCHANT' | 'AMAZON';
  reason?: string;
  /** Only these; all where it is absent. */
  skus?: string[];
}

export function cancelOrder(account: Account, id: string, input: CancelInput = {}): AmazonOrder {
  const order = account.order(id);
  const items = order.items.filter(
    (item) => item.cancelled === null && (input.skus === undefined || input.skus.includes(item.sku)),
  );
  if (items.length === 0 || items.some((item) => item.fulfilled > 0))
    throw new AccountError(`order ${id} has nothing left to cancel`);
  const by = input.by ?? 'BUYER';
  for (const item of items) {
    item.cancelled = { by, reason: input.reason ?? (by === 'BUYER' ? 'Changed mind' : 'No inventory') };
    // The seller knows best what is left of goods they could not send.
    if (by !== 'MERCHANT') take(account, order, item, -item.quantity);
  }
  if (order.items.every((item) => item.cancelled !== null)) order.status = 'CANCELLED';
  account.changed(order, `${by === 'BUYER' ? 'Buyer' : 'Seller'} Cancelled`);
  return order;
}

/** The buyer asks for it; the seller may still refuse. */
export function requestCancel(account: Account, id: string, reason: string): AmazonOrder {
  const order = account.order(id);
  for (const item of order.items) item.cancelRequest = reason;
  account.changed(order, 'Buyer Requested Cancel');
  return order;
}

export interface ShipInput {
  /** Everything that is left where it is absent. */
  items?: { sku: string; quantity: number }[];
  carrier?: string;
  trackingNumber?: string;
}

export function shipOrder(account: Account, id: string, input: ShipInput = {}): AmazonOrder {
  const order = account.order(id);
  if (order.status !== 'UNSHIPPED' && order.status !== 'PARTIALLY_SHIPPED')
    throw new AccountError(`order ${id} is ${order.status}`);
  const sent = order.items.flatMap((item) => {
    if (item.cancelled !== null) return [];
    const left = item.quantity - item.fulfilled;
    const wanted =
      input.items === undefined ? left : (input.items.find((one) => one.sku === item.sku)?.quantity ?? 0);
    const quantity = Math.min(left, wanted);
    return quantity > 0 ? [{ item, quantity }] : [];
  });
  if (sent.length === 0) throw new AccountError(`nothing to ship in order ${id}`);
  const nowMs = account.tick();
  for (const { item, quantity } of sent) item.fulfilled += quantity;
  const isWhole = order.items.every((item) => item.cancelled !== null || item.fulfilled === item.quantity);
  order.status = isWhole ? 'SHIPPED' : 'PARTIALLY_SHIPPED';
  if (order.fulfilledBy === 'MERCHANT')
    order.packages.push({
      id: `PKG-${account.next('package')}`,
      createdMs: nowMs,
      shippedMs: nowMs,
      carrier: input.carrier ?? 'UPS',
      trackingNumber: input.trackingNumber ?? `1Z${account.digits('tracking', 12)}`,
      items: sent.map(({ item, quantity }) => ({ itemId: item.id, quantity })),
    });
  else for (const { item, quantity } of sent) moveInventory(account, item.sku, { reserved: -quantity });
  account.changed(order, 'Shipped');
  postShipment(account, order, sent);
  return order;
}

/** Amazon counts sold goods at once: those of the seller in the offer, its own in the warehouse. */
function take(account: Account, order: AmazonOrder, item: OrderItem, quantity: number): void {
  if (order.fulfilledBy === 'AMAZON')
    moveInventory(account, item.sku, { fulfillable: -quantity, reserved: quantity });
  else {
    const listing = account.listing(item.sku);
    setQuantity(account, listing, Math.max(0, listing.quantity - quantity));
  }
}

function taxOn(minor: number, rate: string, included: boolean): number {
  const micros = Math.round(Number(rate) * 1_000_000);
  if (micros === 0 || minor <= 0) return 0;
  return included
    ? Math.round((minor * micros) / (1_000_000 + micros))
    : Math.round((minor * micros) / 1_000_000);
}

function minorOf(decimal: string): number {
  const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(decimal);
  if (match === null) throw new AccountError(`"${decimal}" is not an amount`);
  const minor = Number(match[2]) * 100 + Number((match[3] ?? '').padEnd(2, '0'));
  return match[1] === '-' ? -minor : minor;
}

function defaultAddress(account: Account, name: string): Address {
  return {
    name,
    addressLine1: '410 Terry Ave N',
    city: 'Seattle',
    stateOrRegion: 'WA',
    postalCode: '98109',
    countryCode: account.profile.countryCode,
    phone: '+1 206-555-0142',
  };
}
