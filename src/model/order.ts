import type { Address } from './customer.ts';
import type { Amount } from './money.ts';
import type { Channel } from './platform-name.ts';
import type { CanonicalRefund } from './refund.ts';

export type FinancialStatus =
  | 'pending'
  | 'authorized'
  | 'partially_paid'
  | 'paid'
  | 'partially_refunded'
  | 'refunded'
  | 'voided'
  | 'expired';
export type FulfilmentStatus = 'unfulfilled' | 'partial' | 'fulfilled' | 'restocked';

/** An order as a platform tells it: always the whole of it, as of one moment. Remote ids are strings. */
export interface CanonicalOrder {
  number: string;
  channel: Channel;
  /** The buyer's account; null for a guest. */
  customer: {
    remoteId: string;
    firstName: string | null;
    lastName: string | null;
    email: string | null;
    phone: string | null;
    /** Only where the order itself tells where the buyer lives; an account tells it with the account. */
    address?: Address | null;
  } | null;
  /** Location of the sale, for the till; a marketplace's own warehouse where it sends the goods out of its own stock. */
  locationRemoteId: string | null;
  financialStatus: FinancialStatus;
  fulfilmentStatus: FulfilmentStatus;
  currency: string;
  presentmentCurrency: string;
  /** Lines before discounts. */
  subtotal: Amount;
  /** All discounts, those on shipping included. */
  discount: Amount;
  /** Shipping before discounts. */
  shipping: Amount;
  tax: Amount;
  duties: Amount;
  tip: Amount;
  /** Difference to whole coins when paid in cash, of either sign. */
  rounding: Amount;
  /** What was ordered after edits and before refunds. */
  total: Amount;
  taxesIncluded: boolean;
  taxExempt: boolean;
  test: boolean;
  email: string | null;
  phone: string | null;
  billingAddress: Address | null;
  shippingAddress: Address | null;
  note: string | null;
  tags: string[];
  attributes: NameValue[];
  cancelReason: string | null;
  placedAt: Date;
  cancelledAt: Date | null;
  closedAt: Date | null;
  lines: CanonicalOrderLine[];
  shippingLines: CanonicalShippingLine[];
  discounts: CanonicalDiscount[];
  /** Taxes that the platform does not tie to a line. */
  orderTaxLines: CanonicalTaxLine[];
  transactions: CanonicalTransaction[];
  fulfilments: CanonicalFulfilment[];
  refunds: CanonicalRefund[];
}

export interface NameValue {
  name: string;
  value: string;
}

export interface CanonicalOrderLine {
  remoteId: string;
  /** Remote id of the variant; null for custom items and removed products. */
  variantRemoteId: string | null;
  title: string;
  variantTitle: string | null;
  sku: string | null;
  vendor: string | null;
  /** Ordered after edits and before returns. */
  quantity: number;
  /** Came back or was removed by a refund. */
  refundedQuantity: number;
  unitPrice: Amount;
  /** All that was taken off the line, its share of order discounts included. */
  discount: Amount;
  tax: Amount;
  taxable: boolean;
  giftCard: boolean;
  requiresShipping: boolean;
  duties: Amount;
  properties: NameValue[];
  /** Shares of `CanonicalOrder.discounts`, by position. */
  allocations: CanonicalAllocation[];
  taxLines: CanonicalTaxLine[];
}

export interface CanonicalShippingLine {
  remoteId: string;
  title: string;
  code: string | null;
  /** Before discounts. */
  price: Amount;
  discount: Amount;
  tax: Amount;
  allocations: CanonicalAllocation[];
  taxLines: CanonicalTaxLine[];
}

export interface CanonicalAllocation {
  /** Position in `CanonicalOrder.discounts`. */
  discountIndex: number;
  amount: Amount;
}

export interface CanonicalDiscount {
  kind: 'code' | 'automatic' | 'manual' | 'script';
  code: string | null;
  title: string | null;
  valueType: 'percentage' | 'fixed_amount';
  /** Decimal string: 10.0 is 10 %, or 10 units of the currency. */
  value: string;
  targetType: 'line_item' | 'shipping_line';
  allocationMethod: 'across' | 'each' | 'one';
}

export interface CanonicalTaxLine {
  title: string;
  /** Decimal string: 0.19 is 19 %. */
  rate: string;
  amount: Amount;
  channelLiable: boolean;
}

export type TransactionKind = 'authorization' | 'capture' | 'sale' | 'refund' | 'void' | 'change';
export type TransactionStatus = 'success' | 'pending' | 'failure' | 'error';

export interface CanonicalTransaction {
  remoteId: string;
  parentRemoteId: string | null;
  kind: TransactionKind;
  status: TransactionStatus;
  gateway: string;
  amount: Amount;
  processedAt: Date | null;
}

export interface CanonicalFulfilment {
  remoteId: string;
  status: 'pending' | 'open' | 'success' | 'cancelled' | 'error' | 'failure';
  trackingCompany: string | null;
  trackingNumbers: string[];
  trackingUrls: string[];
  locationRemoteId: string | null;
  createdAt: Date;
  updatedAt: Date;
  lines: { lineRemoteId: string; quantity: number }[];
}
