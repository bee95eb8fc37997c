import { type RowOf, table } from './table.ts';

export const customers = table('customer', {
  id: 'id',
  firstName: 'text?',
  lastName: 'text?',
  company: 'text?',
  email: 'text?',
  phone: 'text?',
  defaultAddress: 'json?',
  note: 'text?',
  tags: 'texts',
  taxExempt: 'bool',
  currency: 'text?',
  lifetimeValueMinor: 'minor',
  refundedMinor: 'minor',
  orderCount: 'int',
  averageOrderMinor: 'minor',
  openBalanceMinor: 'minor',
  piecesSold: 'int',
  piecesReturned: 'int',
  channels: 'texts',
  firstOrderAt: 'time?',
  lastOrderAt: 'time?',
  mergedIntoId: 'id?',
  erasedAt: 'time?',
  provenance: 'json',
  createdAt: 'time',
  updatedAt: 'time',
});
export type CustomerRow = RowOf<typeof customers>;

export const customerIdentities = table('customer_identity', {
  id: 'id',
  customerId: 'id',
  connectionId: 'id',
  remoteId: 'text',
  email: 'text?',
  phone: 'text?',
  firstName: 'text?',
  lastName: 'text?',
  company: 'text?',
  address: 'json?',
  relayEmail: 'bool',
  sourceUpdatedAt: 'time',
  observedAt: 'time',
});
export type CustomerIdentityRow = RowOf<typeof customerIdentities>;

/** Merges of others into a customer. */
export const customerMerges = table('customer_merge', {
  id: 'id',
  survivorId: 'id',
  absorbedId: 'id',
  decidedBy: 'text',
  actor: 'text?',
  evidence: 'json',
  approvedPlatforms: 'texts',
  mergedAt: 'time',
  undoneAt: 'time?',
  undoneBy: 'text?',
});
export type CustomerMergeRow = RowOf<typeof customerMerges>;

export const mergeCandidates = table('merge_candidate', {
  id: 'id',
  customerAId: 'id',
  customerBId: 'id',
  status: 'text',
  bits: 'decimal',
  probability: 'decimal',
  evidence: 'json',
  decidedBy: 'text?',
  decidedAt: 'time?',
  createdAt: 'time',
  updatedAt: 'time',
});
export type MergeCandidateRow = RowOf<typeof mergeCandidates>;

export const customFields = table('custom_field', {
  id: 'id',
  owner: 'text',
  key: 'text',
  name: 'text',
  description: 'text?',
  type: 'text',
  source: 'json',
  transform: 'json',
  limits: 'json',
  options: 'json',
  hubspotProperty: 'text?',
  quickbooksField: 'text?',
  writeBack: 'bool',
  authority: 'text',
  declaredBy: 'text',
  createdAt: 'time',
  updatedAt: 'time',
});
export type CustomFieldRow = RowOf<typeof customFields>;

export const orders = table('sales_order', {
  id: 'id',
  connectionId: 'id',
  remoteId: 'text',
  number: 'text',
  channel: 'text',
  customerId: 'id?',
  locationId: 'id?',
  financialStatus: 'text',
  fulfilmentStatus: 'text',
  currency: 'text',
  presentmentCurrency: 'text',
  subtotalMinor: 'minor',
  discountMinor: 'minor',
  shippingMinor: 'minor',
  taxMinor: 'minor',
  dutiesMinor: 'minor',
  tipMinor: 'minor',
  roundingMinor: 'minor',
  totalMinor: 'minor',
  paidMinor: 'minor',
  refundedMinor: 'minor',
  presentmentTotalMinor: 'minor',
  presentmentRefundedMinor: 'minor',
  taxesIncluded: 'bool',
  taxExempt: 'bool',
  test: 'bool',
  email: 'text?',
  phone: 'text?',
  billingAddress: 'json?',
  shippingAddress: 'json?',
  note: 'text?',
  tags: 'texts',
  attributes: 'json',
  cancelReason: 'text?',
  placedAt: 'time',
  cancelledAt: 'time?',
  closedAt: 'time?',
  removedAt: 'time?',
  erasedAt: 'time?',
  sourceUpdatedAt: 'time',
  observedAt: 'time',
  createdAt: 'time',
  updatedAt: 'time',
});
export type OrderRow = RowOf<typeof orders>;

export const orderLines = table('order_line', {
  id: 'id',
  orderId: 'id',
  remoteId: 'text',
  position: 'int',
  variantId: 'id?',
  title: 'text',
  variantTitle: 'text?',
  sku: 'text?',
  vendor: 'text?',
  quantity: 'int',
  refundedQuantity: 'int',
  unitPriceMinor: 'minor',
  discountMinor: 'minor',
  taxMinor: 'minor',
  totalMinor: 'minor',
  dutiesMinor: 'minor',
  presentmentTotalMinor: 'minor',
  taxable: 'bool',
  giftCard: 'bool',
  requiresShipping: 'bool',
  properties: 'json',
});
/** Lines carry the currencies of their order. */
export type OrderLineRow = RowOf<typeof orderLines> & { currency: string; presentmentCurrency: string };

export const shippingLines = table('shipping_line', {
  id: 'id',
  orderId: 'id',
  title: 'text',
  code: 'text?',
  priceMinor: 'minor',
  discountMinor: 'minor',
  taxMinor: 'minor',
});
export type ShippingLineRow = RowOf<typeof shippingLines> & { currency: string };

export const discountApplications = table('discount_application', {
  id: 'id',
  orderId: 'id',
  position: 'int',
  kind: 'text',
  code: 'text?',
  title: 'text?',
  valueType: 'text',
  value: 'decimal',
  targetType: 'text',
});
export type DiscountRow = RowOf<typeof discountApplications> & { amountMinor: string; currency: string };

export const taxLines = table('tax_line', {
  id: 'id',
  orderId: 'id',
  orderLineId: 'id?',
  shippingLineId: 'id?',
  title: 'text',
  rate: 'decimal',
  amountMinor: 'minor',
  channelLiable: 'bool',
});
export type TaxLineRow = RowOf<typeof taxLines> & { currency: string };

export const orderTransactions = table('order_transaction', {
  id: 'id',
  orderId: 'id',
  refundId: 'id?',
  remoteId: 'text',
  kind: 'text',
  status: 'text',
  gateway: 'text',
  amountMinor: 'minor',
  currency: 'text',
  processedAt: 'time?',
});
export type OrderTransactionRow = RowOf<typeof orderTransactions>;

export const fulfilments = table('fulfilment', {
  id: 'id',
  orderId: 'id',
  remoteId: 'text',
  status: 'text',
  trackingCompany: 'text?',
  trackingNumbers: 'texts',
  trackingUrls: 'texts',
  createdAt: 'time',
  sourceUpdatedAt: 'time',
});
export type FulfilmentRow = RowOf<typeof fulfilments>;

export const fulfilmentLines = table('fulfilment_line', {
  id: 'id',
  fulfilmentId: 'id',
  orderLineId: 'id',
  quantity: 'int',
});
export type FulfilmentLineRow = RowOf<typeof fulfilmentLines>;

export const fulfilmentRules = table('fulfilment_rule', {
  id: 'id',
  orderId: 'id',
  kind: 'text',
  value: 'text?',
  quote: 'text',
  confidence: 'decimal',
  status: 'text',
  reason: 'text?',
  reader: 'text',
  decidedBy: 'text?',
  decidedAt: 'time?',
  createdAt: 'time',
  updatedAt: 'time',
});
export type FulfilmentRuleRow = RowOf<typeof fulfilmentRules>;

export const refunds = table('refund', {
  id: 'id',
  orderId: 'id',
  remoteId: 'text',
  note: 'text?',
  currency: 'text',
  presentmentCurrency: 'text',
  subtotalMinor: 'minor',
  taxMinor: 'minor',
  shippingMinor: 'minor',
  adjustmentMinor: 'minor',
  totalMinor: 'minor',
  presentmentTotalMinor: 'minor',
  settled: 'bool',
  refundedAt: 'time',
  createdAt: 'time',
  updatedAt: 'time',
});
export type RefundRow = RowOf<typeof refunds>;

export const refundLines = table('refund_line', {
  id: 'id',
  refundId: 'id',
  orderLineId: 'id',
  quantity: 'int',
  restockType: 'text',
  restocked: 'int',
  damaged: 'int',
  notReturned: 'int',
  subtotalMinor: 'minor',
  taxMinor: 'minor',
});
export type RefundLineRow = RowOf<typeof refundLines> & { currency: string };

export const refundAdjustments = table('refund_adjustment', {
  id: 'id',
  refundId: 'id',
  kind: 'text',
  reason: 'text?',
  amountMinor: 'minor',
  taxMinor: 'minor',
});
export type RefundAdjustmentRow = RowOf<typeof refundAdjustments> & { currency: string };

export const payouts = table('payout', {
  id: 'id',
  connectionId: 'id',
  remoteId: 'text',
  currency: 'text',
  status: 'text',
  netMinor: 'minor',
  issuedAt: 'time',
  traceId: 'text?',
});
export type PayoutRow = RowOf<typeof payouts>;

export const daySummaries = table('day_summary', {
  id: 'id',
  connectionId: 'id',
  day: 'text',
  facts: 'json',
  changedAt: 'time',
});
export type DaySummaryRow = RowOf<typeof daySummaries>;

export const payoutTransactions = table('payout_transaction', {
  id: 'id',
  payoutId: 'id',
  remoteId: 'text',
  part: 'text',
  type: 'text',
  amountMinor: 'minor',
  feeMinor: 'minor',
  reason: 'text?',
  processedAt: 'time',
});
export type PayoutTransactionRow = RowOf<typeof payoutTransactions>;

export const products = table('product', {
  id: 'id',
  title: 'text',
  vendor: 'text?',
  productType: 'text?',
  status: 'text',
  handle: 'text?',
  tags: 'texts',
  sourceUpdatedAt: 'time',
  observedAt: 'time',
  removedAt: 'time?',
  createdAt: 'time',
  updatedAt: 'time',
});
export type ProductRow = RowOf<typeof products>;

export const variants = table('variant', {
  id: 'id',
  productId: 'id',
  sku: 'text?',
  barcode: 'text?',
  title: 'text',
  position: 'int',
  priceMinor: 'minor',
  costMinor: 'minor?',
  currency: 'text',
  taxable: 'bool',
  tracked: 'bool',
  sellsWhenOutOfStock: 'bool',
  removedAt: 'time?',
  updatedAt: 'time',
});
export type VariantRow = RowOf<typeof variants>;

export const locations = table('location', {
  id: 'id',
  connectionId: 'id',
  remoteId: 'text',
  name: 'text',
  address: 'json?',
  active: 'bool',
  updatedAt: 'time',
});
export type LocationRow = RowOf<typeof locations>;

export const stockLevels = table('stock_level', {
  id: 'id',
  variantId: 'id',
  locationId: 'id',
  onHand: 'int',
  committed: 'int',
  reserved: 'int',
  available: 'int',
  incoming: 'int',
  safety: 'int',
  sourceUpdatedAt: 'time?',
  observedAt: 'time?',
  updatedAt: 'time',
});
export type StockLevelRow = RowOf<typeof stockLevels>;

export const stockMovements = table('stock_movement', {
  id: 'id',
  stockLevelId: 'id',
  cause: 'text',
  onHandDelta: 'int',
  committedDelta: 'int',
  reservedDelta: 'int',
  incomingDelta: 'int',
  safetyDelta: 'int',
  availableDelta: 'int',
  availableBefore: 'int',
  availableAfter: 'int',
  source: 'text',
  reason: 'text?',
  units: 'int',
  negativeReason: 'text?',
  owed: 'bool',
  explainsId: 'id?',
  reference: 'text?',
  orderId: 'id?',
  refundId: 'id?',
  deliveryId: 'id?',
  occurredAt: 'time',
  recordedAt: 'time',
});
export type StockMovementRow = RowOf<typeof stockMovements>;

export const reservations = table('reservation', {
  id: 'id',
  stockLevelId: 'id',
  quantity: 'int',
  reason: 'text',
  expiresAt: 'time?',
  createdAt: 'time',
  releasedAt: 'time?',
  outcome: 'text?',
});
export type ReservationRow = RowOf<typeof reservations>;

export const bundleComponents = table('bundle_component', {
  bundleVariantId: 'id',
  componentVariantId: 'id',
  quantity: 'int',
});
export type BundleComponentRow = RowOf<typeof bundleComponents>;

export const stockRules = table('stock_rule', {
  id: 'id',
  connectionId: 'id?',
  variantId: 'id?',
  minBuffer: 'int?',
  maxQuantity: 'int?',
  sharePercent: 'int?',
  lastUnits: 'int?',
  paused: 'bool?',
  updatedAt: 'time',
});
export type StockRuleRow = RowOf<typeof stockRules>;

export const events = table('event', {
  position: 'id',
  type: 'text',
  subjectType: 'text',
  subjectId: 'id',
  payload: 'json',
  source: 'text',
  deliveryId: 'id?',
  pushId: 'id?',
  recordedAt: 'time',
});
export type EventRow = RowOf<typeof events>;

export const links = table('link', {
  id: 'id',
  connectionId: 'id',
  entityType: 'text',
  entityId: 'id',
  remoteType: 'text',
  remoteId: 'text',
  remoteVersion: 'text?',
  seenAt: 'time',
});
export type LinkRow = RowOf<typeof links>;

/** Values that could not be understood, over all fields. */
export const customFieldProblems = table(
  `(select v.*, f.owner from custom_field_value v join custom_field f on f.id = v.field_id where v.problem is not null)`,
  { fieldId: 'id', entityId: 'id', owner: 'text', problem: 'text', raw: 'text?', toldAt: 'time' },
);
export type CustomFieldProblemRow = RowOf<typeof customFieldProblems>;
