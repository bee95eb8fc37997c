import type { CustomFieldState } from './custom-field.ts';
import type { Address } from './customer.ts';
import type { FulfilmentRuleKind } from './fulfilment-rule.ts';
import type { FinancialStatus, FulfilmentStatus, NameValue } from './order.ts';
import type { CanonicalPayout, PayoutPart } from './payout.ts';
import type { Channel, PlatformName } from './platform-name.ts';
import type { ReturnFates } from './refund.ts';
import type { RefundWish } from './refund-request.ts';
import type { StockCause } from './stock.ts';

/** A customer as the graph has them, with all that a platform's record of them may need. */
export interface CustomerSnapshot {
  type: 'Customer';
  id: bigint;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  email: string | null;
  phone: string | null;
  address: Address | null;
  note: string | null;
  tags: string[];
  taxExempt: boolean;
  currency: string | null;
  lifetimeValueMinor: bigint;
  refundedMinor: bigint;
  orderCount: number;
  averageOrderMinor: bigint;
  /** Still to be paid for orders that stand. */
  openBalanceMinor: bigint;
  piecesSold: number;
  piecesReturned: number;
  /** Channels with an order, in the order of their names. */
  channels: Channel[];
  firstOrderAt: Date | null;
  lastOrderAt: Date | null;
  /** Everything personal was erased. */
  erased: boolean;
  /** True where another customer has the same address: a desk's or a family's mailbox. */
  isEmailShared: boolean;
  /** Every field that is declared for customers, with its value here; absent: none is. */
  customFields?: CustomFieldState[];
  /** Second rows of this customer at platforms whose merge a person has approved there, too. */
  approvedMerges: { connectionId: string; remoteType: string; remoteId: string }[];
}

/** An order as the graph has it. Amounts are minor units of `currency`, the shop's. */
export interface OrderSnapshot {
  type: 'Order';
  id: bigint;
  connectionId: bigint;
  platform: PlatformName;
  remoteId: string;
  number: string;
  channel: Channel;
  customer: CustomerSnapshot | null;
  locationName: string | null;
  financialStatus: FinancialStatus;
  fulfilmentStatus: FulfilmentStatus;
  currency: string;
  presentmentCurrency: string;
  subtotalMinor: bigint;
  discountMinor: bigint;
  shippingMinor: bigint;
  taxMinor: bigint;
  dutiesMinor: bigint;
  tipMinor: bigint;
  roundingMinor: bigint;
  totalMinor: bigint;
  paidMinor: bigint;
  refundedMinor: bigint;
  presentmentTotalMinor: bigint;
  taxesIncluded: boolean;
  taxExempt: boolean;
  test: boolean;
  email: string | null;
  billingAddress: Address | null;
  shippingAddress: Address | null;
  note: string | null;
  tags: string[];
  attributes: NameValue[];
  placedAt: Date;
  cancelledAt: Date | null;
  lines: OrderLineSnapshot[];
  shippingLines: ShippingLineSnapshot[];
  discounts: { kind: string; code: string | null; title: string | null; amountMinor: bigint }[];
  /** Summed per title and rate over the whole order. */
  taxes: TaxSnapshot[];
  /** All of them, those of refunds included. */
  transactions: TransactionSnapshot[];
  refunds: RefundSnapshot[];
  /** Everything personal was erased. */
  erased: boolean;
  /** Refunds that the platform tells of no more, as far as something was written or planned for them. */
  goneRefundIds: bigint[];
  /** Wishes of the note that are in force. */
  fulfilmentRules: { kind: FulfilmentRuleKind; value: string | null; quote: string }[];
  /** Every field that is declared for orders, with its value here; absent: none is. */
  customFields?: CustomFieldState[];
}

export interface TransactionSnapshot {
  /** `authorization`, `capture`, `sale`, `refund`, `void` or `change`. */
  kind: string;
  /** `success`, `pending`, `failure` or `error`. */
  status: string;
  gateway: string;
  amountMinor: bigint;
  processedAt: Date | null;
  /** The refund that it carries the money of. */
  refundId: bigint | null;
}

export interface OrderLineSnapshot {
  id: bigint;
  remoteId: string;
  variantId: bigint | null;
  title: string;
  variantTitle: string | null;
  sku: string | null;
  quantity: number;
  refundedQuantity: number;
  unitPriceMinor: bigint;
  discountMinor: bigint;
  taxMinor: bigint;
  /** Unit price × quantity − discounts. */
  totalMinor: bigint;
  taxable: boolean;
  giftCard: boolean;
  properties: NameValue[];
  taxes: TaxSnapshot[];
}

export interface ShippingLineSnapshot {
  id: bigint;
  title: string;
  /** Before discounts. */
  priceMinor: bigint;
  discountMinor: bigint;
  taxMinor: bigint;
  taxes: TaxSnapshot[];
}

export interface TaxSnapshot {
  title: string;
  /** Decimal string: 0.19 is 19 %. */
  rate: string;
  amountMinor: bigint;
  channelLiable: boolean;
}

export interface RefundSnapshot {
  id: bigint;
  remoteId: string;
  note: string | null;
  totalMinor: bigint;
  settled: boolean;
  refundedAt: Date;
  lines: {
    orderLineId: bigint;
    quantity: number;
    subtotalMinor: bigint;
    taxMinor: bigint;
    restockType: string;
    /** Pieces by what became of them since, where the restock type does not say it; absent: not known. */
    fates?: ReturnFates;
  }[];
  adjustments: { kind: string; reason: string | null; amountMinor: bigint; taxMinor: bigint }[];
  /** What carries the money back, failed ones included. */
  transactions: TransactionSnapshot[];
}

/** One refund with the order that it belongs to: what it is worth depends on the other refunds of the order. */
export interface RefundOfOrderSnapshot {
  type: 'Refund';
  id: bigint;
  order: OrderSnapshot;
}

/** A stock level as the graph has it. */
export interface StockLevelSnapshot {
  type: 'StockLevel';
  id: bigint;
  variantId: bigint;
  locationId: bigint;
  sku: string | null;
  onHand: number;
  committed: number;
  reserved: number;
  available: number;
  /** Why the platform that keeps it is owed a change; null where there is more than one cause. */
  owedCause?: StockCause | null;
  /** Where this level lives at the platform the snapshot is made for; null where it is not listed there. */
  inventoryItemRemoteId: string | null;
  locationRemoteId: string | null;
}

/** Goods as the channels that are told what they may sell should offer them. */
export interface VariantSnapshot {
  type: 'Variant';
  id: bigint;
  sku: string | null;
  /** One per listing at such a channel. */
  offers: VariantOffer[];
}

export interface VariantOffer {
  connectionId: bigint;
  /** The platform's id of the listing. */
  remoteVariantId: string;
  /** Whole units that it may sell from now on, 0 or more. */
  quantity: number;
}

/** A payout as the graph has it, with the orders and refunds that its parts belong to. */
/** What tells one summary of a day from the others. */
export interface SummaryFacts {
  /** All of the rest in one text. */
  key: string;
  kind: 'sale' | 'refund';
  /** YYYY-MM-DD, in the time zone of the posting policy. */
  day: string;
  channel: Channel;
  currency: string;
  /** Account that its money moves through, by name; null is the books' own. */
  account: string | null;
  class: string | null;
  location: string | null;
  /** Names of its taxes, where a document holds one treatment only. */
  taxes: string[];
}

/** One document of the books that sums up a day, and the shares that make it. */
export interface DaySummarySnapshot {
  type: 'DaySummary';
  id: bigint;
  /** The account whose document it is. */
  connectionId: bigint;
  facts: SummaryFacts;
  /** What is kept of each share, in the books' own words. */
  shares: Readonly<Record<string, unknown>>[];
}

export interface PayoutSnapshot {
  type: 'Payout';
  id: bigint;
  connectionId: bigint;
  platform: PlatformName;
  remoteId: string;
  currency: string;
  status: CanonicalPayout['status'];
  netMinor: bigint;
  issuedAt: Date;
  traceId: string | null;
  /** When the graph learned of it. */
  createdAt: Date;
  /** The gateway of the payments that it pays out. */
  gateway: string;
  transactions: PayoutTransactionSnapshot[];
}

export interface PayoutTransactionSnapshot {
  remoteId: string;
  part: PayoutPart;
  type: string;
  amountMinor: bigint;
  feeMinor: bigint;
  reason: string | null;
  /** Null where the graph does not know the order. */
  orderId: bigint | null;
  orderNumber: string | null;
  refundId: bigint | null;
  /** When the order was placed, or the refund given, that it belongs to; null where the graph does not know it. */
  documentAt: Date | null;
}

/** What somebody wants given back, in the words of the platform that keeps the order. */
export interface RefundRequestSnapshot extends Omit<RefundWish, 'lines'> {
  type: 'RefundRequest';
  id: bigint;
  connectionId: bigint;
  orderRemoteId: string;
  currency: string;
  lines: { lineRemoteId: string; quantity: number; restock: RefundWish['lines'][number]['restock'] }[];
}

export type Snapshot =
  | RefundRequestSnapshot
  | PayoutSnapshot
  | CustomerSnapshot
  | OrderSnapshot
  | RefundOfOrderSnapshot
  | StockLevelSnapshot
  | VariantSnapshot
  | DaySummarySnapshot;
