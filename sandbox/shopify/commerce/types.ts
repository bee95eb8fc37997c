import type { Bag } from './money.ts';

/*
 * The shop's records. Plain objects of JSON values, so that the state file holds them as they are. Ids are strings of
 * digits (64-bit); `typename` is the GraphQL type behind the Node interface.
 */

export interface Attribute {
  key: string;
  value: string;
}

export interface Address {
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  address1: string | null;
  address2: string | null;
  city: string | null;
  province: string | null;
  provinceCode: string | null;
  zip: string | null;
  country: string | null;
  countryCode: string | null;
  phone: string | null;
}

export interface CustomerAddress extends Address {
  typename: 'MailingAddress';
  id: string;
}

export interface Customer {
  typename: 'Customer';
  id: string;
  createdAtMs: number;
  updatedAtMs: number;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  note: string | null;
  tags: string[];
  locale: string;
  taxExempt: boolean;
  verifiedEmail: boolean;
  addresses: CustomerAddress[];
  defaultAddressId: string | null;
  marketing: 'SUBSCRIBED' | 'UNSUBSCRIBED' | 'NOT_SUBSCRIBED' | 'PENDING';
  marketingUpdatedAtMs: number | null;
  /** Oldest first. */
  orderIds: string[];
  ordersCount: number;
  spentMinor: number;
}

export interface Product {
  typename: 'Product';
  id: string;
  createdAtMs: number;
  updatedAtMs: number;
  publishedAtMs: number | null;
  title: string;
  handle: string;
  vendor: string;
  productType: string;
  descriptionHtml: string;
  status: 'ACTIVE' | 'ARCHIVED' | 'DRAFT';
  tags: string[];
  optionName: string;
  variantIds: string[];
  isGiftCard: boolean;
}

export interface Variant {
  typename: 'ProductVariant';
  id: string;
  productId: string;
  inventoryItemId: string;
  createdAtMs: number;
  updatedAtMs: number;
  title: string;
  sku: string;
  barcode: string | null;
  position: number;
  priceMinor: number;
  compareAtMinor: number | null;
  taxable: boolean;
  grams: number;
  /** `CONTINUE` sells what is not there. */
  inventoryPolicy: 'DENY' | 'CONTINUE';
}

/** Quantities by their name in the API; `on_hand` is their sum without `incoming`. */
export interface Level {
  typename: 'InventoryLevel';
  itemId: string;
  locationId: string;
  createdAtMs: number;
  updatedAtMs: number;
  available: number;
  committed: number;
  reserved: number;
  damaged: number;
  safety_stock: number;
  quality_control: number;
  incoming: number;
}

export interface InventoryItem {
  typename: 'InventoryItem';
  id: string;
  variantId: string;
  createdAtMs: number;
  updatedAtMs: number;
  tracked: boolean;
  /** A set whose stock follows its parts: apps cannot change it. */
  bundle?: boolean;
  requiresShipping: boolean;
  unitCostMinor: number | null;
  levels: Record<string, Level>;
}

export interface Location {
  typename: 'Location';
  id: string;
  createdAtMs: number;
  updatedAtMs: number;
  name: string;
  active: boolean;
  fulfillsOnlineOrders: boolean;
  address: Address;
}

export interface TaxLine {
  title: string;
  ratePpm: number;
  price: Bag;
  /** Collected and owed by the channel, not by the shop. */
  channelLiable?: boolean;
}

/** An import duty on one line. */
export interface Duty {
  typename: 'Duty';
  id: string;
  harmonizedSystemCode: string;
  countryCodeOfOrigin: string;
  price: Bag;
}

export interface DiscountApplication {
  type: 'discount_code' | 'automatic' | 'manual';
  /** The code, or the title of an automatic or manual discount. */
  label: string;
  description: string | null;
  value: { kind: 'percentage'; ppm: number } | { kind: 'fixed'; minor: Bag };
  target: 'line_item' | 'shipping_line';
  selection: 'all' | 'entitled' | 'explicit';
  method: 'across' | 'each';
}

export interface DiscountAllocation {
  applicationIndex: number;
  amount: Bag;
}

export interface LineItem {
  typename: 'LineItem';
  id: string;
  orderId: string;
  variantId: string | null;
  productId: string | null;
  inventoryItemId: string | null;
  /** Where the units are committed or were taken from. */
  locationId: string | null;
  fulfillmentOrderLineId: string | null;
  title: string;
  variantTitle: string | null;
  sku: string | null;
  vendor: string | null;
  quantity: number;
  fulfilledQuantity: number;
  /** Taken off the order in any way: refunded, removed by an edit, cancelled. */
  refundedQuantity: number;
  /** The part of the refunded units that had not been fulfilled. */
  cancelledQuantity: number;
  unitPrice: Bag;
  taxable: boolean;
  requiresShipping: boolean;
  isGiftCard: boolean;
  grams: number;
  customAttributes: Attribute[];
  allocations: DiscountAllocation[];
  taxLines: TaxLine[];
  duties: Duty[];
}

export interface ShippingLine {
  typename: 'ShippingLine';
  id: string;
  title: string;
  code: string | null;
  price: Bag;
  allocations: DiscountAllocation[];
  taxLines: TaxLine[];
}

export interface Transaction {
  typename: 'OrderTransaction';
  id: string;
  orderId: string;
  kind: 'AUTHORIZATION' | 'CAPTURE' | 'SALE' | 'REFUND' | 'VOID';
  status: 'SUCCESS' | 'PENDING' | 'FAILURE';
  gateway: string;
  amount: Bag;
  /** What paying in whole coins added to the amount, of either sign; null where nothing was rounded. */
  rounding: Bag | null;
  createdAtMs: number;
  processedAtMs: number;
  parentId: string | null;
  locationId: string | null;
  message: string | null;
}

export type RestockType = 'RETURN' | 'CANCEL' | 'NO_RESTOCK';

export interface RefundLine {
  id: string;
  lineId: string;
  quantity: number;
  restockType: RestockType;
  locationId: string | null;
  subtotal: Bag;
  /** One entry per tax line of the line item. */
  taxes: Bag[];
  /** The share of the line's discounts that went with the units. */
  discount: Bag;
}

export interface RefundShipping {
  id: string;
  adjustmentId: string;
  shippingLineId: string;
  subtotal: Bag;
  taxes: Bag[];
}

export type AdjustmentReason =
  | 'REFUND_DISCREPANCY'
  | 'PENDING_REFUND_DISCREPANCY'
  | 'RESTOCK'
  | 'DAMAGE'
  | 'CUSTOMER';

export interface Adjustment {
  id: string;
  reason: AdjustmentReason;
  /** Below zero where more money went back than the lines and shipping explain. */
  amount: Bag;
}

export interface Refund {
  typename: 'Refund';
  id: string;
  orderId: string;
  createdAtMs: number;
  processedAtMs: number;
  updatedAtMs: number;
  note: string | null;
  lines: RefundLine[];
  shipping: RefundShipping[];
  duties: { dutyId: string; amount: Bag }[];
  adjustments: Adjustment[];
  transactionIds: string[];
  /** The return that it settles. */
  returnId: string | null;
}

export type DispositionType = 'RESTOCKED' | 'NOT_RESTOCKED' | 'PROCESSING_REQUIRED' | 'MISSING';

/** What became of pieces that were to come back. */
export interface Disposition {
  id: string;
  type: DispositionType;
  quantity: number;
  locationId: string | null;
  createdAtMs: number;
}

/** Goods on their way back, with what is given for them in exchange. */
export interface Return {
  typename: 'Return';
  id: string;
  orderId: string;
  number: number;
  createdAtMs: number;
  closedAtMs: number | null;
  /** What comes back stands on one reverse fulfillment order, of this id; its lines have the ids of these lines. */
  reverseId: string;
  lines: {
    id: string;
    lineId: string;
    quantity: number;
    reason: string;
    restockingFee: Bag | null;
    dispositions: Disposition[];
  }[];
  exchangeLines: { id: string; lineId: string; quantity: number }[];
}

export interface Fulfillment {
  typename: 'Fulfillment';
  id: string;
  orderId: string;
  number: number;
  createdAtMs: number;
  updatedAtMs: number;
  status: 'SUCCESS' | 'CANCELLED';
  locationId: string | null;
  trackingCompany: string | null;
  trackingNumbers: string[];
  trackingUrls: string[];
  lines: { id: string; lineId: string; quantity: number }[];
}

export type CancelReason = 'CUSTOMER' | 'DECLINED' | 'FRAUD' | 'INVENTORY' | 'OTHER' | 'STAFF';

export interface Order {
  typename: 'Order';
  id: string;
  /** Grows with every change, so that derived values can be remembered. */
  revision: number;
  number: number;
  name: string;
  createdAtMs: number;
  processedAtMs: number;
  updatedAtMs: number;
  closedAtMs: number | null;
  cancelledAtMs: number | null;
  cancelReason: CancelReason | null;
  cancelNote: string | null;
  confirmationNumber: string;
  token: string;
  test: boolean;
  edited: boolean;
  channel: 'online' | 'pos';
  locationId: string | null;
  customerId: string | null;
  /** What the customer's order count and lifetime spend hold for this order. */
  credited: { orders: number; spentMinor: number };
  email: string | null;
  phone: string | null;
  note: string | null;
  poNumber: string | null;
  tags: string[];
  customAttributes: Attribute[];
  locale: string;
  billingAddress: Address | null;
  shippingAddress: Address | null;
  currency: string;
  presentmentCurrency: string;
  ratePpm: number;
  taxesIncluded: boolean;
  taxShipping: boolean;
  taxRates: { title: string; ratePpm: number; channelLiable?: boolean }[];
  discountApplications: DiscountApplication[];
  lines: LineItem[];
  shippingLines: ShippingLine[];
  tip: Bag;
  originalTotal: Bag;
  transactions: Transaction[];
  refunds: Refund[];
  returns: Return[];
  fulfillments: Fulfillment[];
  fulfillmentOrders: FulfillmentOrder[];
}

export interface FulfillmentOrder {
  typename: 'FulfillmentOrder';
  id: string;
  orderId: string;
  locationId: string;
}

/** What moved in the account that Shopify Payments keeps for the shop. */
export interface BalanceTransaction {
  typename: 'ShopifyPaymentsBalanceTransaction';
  id: string;
  atMs: number;
  /** As in the API: CHARGE, REFUND, DISPUTE_WITHDRAWAL, … */
  type: string;
  sourceType: string;
  currency: string;
  /** Before the fee; below zero where money was taken. */
  amountMinor: number;
  feeMinor: number;
  orderId: string | null;
  orderTransactionId: string | null;
  reason: string | null;
  test: boolean;
  /** Null until it was paid out. */
  payoutId: string | null;
}

export interface Payout {
  typename: 'ShopifyPaymentsPayout';
  id: string;
  issuedAtMs: number;
  status: 'SCHEDULED' | 'PAID' | 'FAILED' | 'CANCELED';
  currency: string;
  netMinor: number;
}

export interface Metafield {
  typename: 'Metafield';
  id: string;
  ownerGid: string;
  namespace: string;
  key: string;
  type: string;
  value: string;
  createdAtMs: number;
  updatedAtMs: number;
}

export interface WebhookSubscription {
  typename: 'WebhookSubscription';
  id: string;
  /** As in the API: ORDERS_CREATE. */
  topic: string;
  uri: string;
  name: string | null;
  filter: string | null;
  format: 'JSON' | 'XML';
  includeFields: string[];
  metafieldNamespaces: string[];
  createdAtMs: number;
  updatedAtMs: number;
}
