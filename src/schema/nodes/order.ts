import {
  discountsOf,
  orderLinesOf,
  refundAdjustmentsOf,
  refundLinesOf,
  rowsOfParents,
  shippingLinesOf,
  taxLinesOf,
} from '../../loaders/rows.ts';
import {
  type DiscountRow,
  type FulfilmentLineRow,
  type FulfilmentRow,
  type FulfilmentRuleRow,
  fulfilmentLines,
  fulfilmentRules,
  fulfilments,
  type OrderLineRow,
  type OrderRow,
  type OrderTransactionRow,
  orderTransactions,
  type RefundAdjustmentRow,
  type RefundLineRow,
  type RefundRow,
  refunds,
  type ShippingLineRow,
  type TaxLineRow,
} from '../../loaders/tables.ts';
import { builder } from '../builder.ts';
import { Address, addressOf, FactSource, Money, money, NameValue, nameValues } from '../common.ts';
import { ChannelEnum, FinancialStatusEnum, FulfilmentStatusEnum } from '../enums.ts';
import { Customer, FulfilmentRule, Location, Order, OrderLine, Refund, Variant } from '../refs.ts';
import { PlatformRecord, recordsOf } from './platform-record.ts';
import { pushesField } from './pushes-of.ts';

const TaxLine = builder.objectRef<TaxLineRow>('TaxLine').implement({
  description: 'One tax at one rate.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'What the tax is called on the receipt.' }),
    rate: t.field({
      type: 'Decimal',
      description: '`"0.19"` is 19 %.',
      resolve: (tax) => tax.rate.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''),
    }),
    amount: t.field({
      type: Money,
      description: 'Tax charged.',
      resolve: (tax) => money(tax.amountMinor, tax.currency),
    }),
    channelLiable: t.exposeBoolean('channelLiable', {
      description: 'The marketplace remits it, not the retailer.',
    }),
  }),
});

const ShippingLine = builder.objectRef<ShippingLineRow>('ShippingLine').implement({
  description: 'What was charged for sending.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'Name of the service.' }),
    code: t.exposeString('code', { nullable: true, description: "The platform's code of the service." }),
    price: t.field({
      type: Money,
      description: 'Before discounts.',
      resolve: (line) => money(line.priceMinor, line.currency),
    }),
    discount: t.field({
      type: Money,
      description: 'Taken off.',
      resolve: (line) => money(line.discountMinor, line.currency),
    }),
    tax: t.field({
      type: Money,
      description: 'Tax on it.',
      resolve: (line) => money(line.taxMinor, line.currency),
    }),
  }),
});

const Discount = builder.objectRef<DiscountRow>('Discount').implement({
  description: 'A discount given on an order: by a code, automatically, or by staff.',
  fields: (t) => ({
    kind: t.exposeString('kind', { description: '`code`, `automatic`, `manual` or `script`.' }),
    code: t.exposeString('code', { nullable: true, description: 'The code entered.' }),
    title: t.exposeString('title', { nullable: true, description: 'What the customer saw.' }),
    valueType: t.exposeString('valueType', { description: '`percentage` or `fixed_amount`.' }),
    value: t.expose('value', { type: 'Decimal', description: 'Percent, or an amount, by `valueType`.' }),
    amount: t.field({
      type: Money,
      description: 'What it took off in all.',
      resolve: (discount) => money(discount.amountMinor, discount.currency),
    }),
  }),
});

const OrderTransaction = builder.objectRef<OrderTransactionRow>('OrderTransaction').implement({
  description: 'Money that moved, or was meant to.',
  fields: (t) => ({
    kind: t.exposeString('kind', {
      description: '`authorization`, `capture`, `sale`, `refund`, `void` or `change`.',
    }),
    status: t.exposeString('status', { description: '`success`, `pending`, `failure` or `error`.' }),
    gateway: t.exposeString('gateway', { description: 'By which means, for example `cash`, `gift_card`.' }),
    amount: t.field({
      type: Money,
      description: 'How much.',
      resolve: (transaction) => money(transaction.amountMinor, transaction.currency),
    }),
    processedAt: t.expose('processedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the payment company carried it out; null where nobody has told.',
    }),
  }),
});

const FulfilmentLine = builder.objectRef<FulfilmentLineRow>('FulfilmentLine').implement({
  description: 'How much of a line left with a shipment.',
  fields: (t) => ({
    quantity: t.exposeInt('quantity', { description: 'How many units of the line.' }),
    orderLine: t.field({
      type: OrderLine,
      description: 'Of which line.',
      authScopes: { can: 'read:orders' },
      resolve: (line) => line.orderLineId,
    }),
  }),
});

const Fulfilment = builder.objectRef<FulfilmentRow>('Fulfilment').implement({
  description: 'Goods that left.',
  fields: (t) => ({
    status: t.exposeString('status', {
      description: '`pending`, `open`, `success`, `cancelled`, `error` or `failure`.',
    }),
    trackingCompany: t.exposeString('trackingCompany', { nullable: true, description: 'Who carries it.' }),
    trackingNumbers: t.exposeStringList('trackingNumbers', { description: "The carrier's numbers." }),
    trackingUrls: t.exposeStringList('trackingUrls', { description: 'Where to follow it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it left.' }),
    lines: t.loadableGroup({
      type: FulfilmentLine,
      description: 'What left.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, fulfilmentLines, 'fulfilmentId', ids, { orderBy: 't.id' }),
      group: (line) => line.fulfilmentId,
      resolve: (fulfilment) => fulfilment.id,
    }),
  }),
});

OrderLine.implement({
  description: 'One position of an order.',
  fields: (t) => ({
    order: t.field({
      type: Order,
      description: 'The order it stands on.',
      authScopes: { can: 'read:orders' },
      resolve: (line) => line.orderId,
    }),
    title: t.exposeString('title', {
      description: 'As it stood on the receipt, whatever the product is called today.',
    }),
    variantTitle: t.exposeString('variantTitle', {
      nullable: true,
      description: 'Size, colour and the like.',
    }),
    sku: t.exposeString('sku', { nullable: true, description: "The retailer's own number." }),
    vendor: t.exposeString('vendor', {
      nullable: true,
      description: 'Brand of the article when it was ordered.',
    }),
    quantity: t.exposeInt('quantity', { description: 'Ordered, after edits, before returns.' }),
    refundedQuantity: t.exposeInt('refundedQuantity', { description: 'Came back or was removed.' }),
    unitPrice: t.field({
      type: Money,
      description: 'Price of one, before discounts.',
      resolve: (line) => money(line.unitPriceMinor, line.currency),
    }),
    discount: t.field({
      type: Money,
      description: 'All discounts on the line, its share of order discounts included.',
      resolve: (line) => money(line.discountMinor, line.currency),
    }),
    tax: t.field({
      type: Money,
      description: 'Tax on the line.',
      resolve: (line) => money(line.taxMinor, line.currency),
    }),
    total: t.field({
      type: Money,
      description: 'Unit price × quantity − discounts; with the tax where prices contain it.',
      resolve: (line) => money(line.totalMinor, line.currency),
    }),
    presentmentTotal: t.field({
      type: Money,
      description: '`total` in the currency that the customer saw.',
      resolve: (line) => money(line.presentmentTotalMinor, line.presentmentCurrency),
    }),
    duties: t.field({
      type: Money,
      description: 'Import duties on the line.',
      resolve: (line) => money(line.dutiesMinor, line.currency),
    }),
    taxable: t.exposeBoolean('taxable', { description: 'Tax applies to it.' }),
    giftCard: t.exposeBoolean('giftCard', { description: 'It is a gift card.' }),
    requiresShipping: t.exposeBoolean('requiresShipping', { description: 'It has to be sent.' }),
    properties: t.field({
      type: [NameValue],
      description: 'Custom properties that the customer or an app gave the line.',
      resolve: (line) => nameValues(line.properties),
    }),
    taxLines: t.loadableGroup({
      type: TaxLine,
      description: 'Taxes on the line, per rate.',
      load: (ids: string[], context) => taxLinesOf(context.db, 'orderLineId', ids),
      group: (tax) => tax.orderLineId ?? '',
      resolve: (line) => line.id,
    }),
    variant: t.field({
      type: Variant,
      nullable: true,
      description: 'What was sold; null for custom items and removed products.',
      authScopes: { can: 'read:stock' },
      resolve: (line) => line.variantId,
    }),
  }),
});

const RefundLine = builder.objectRef<RefundLineRow>('RefundLine').implement({
  description: 'How much of an order line was given back.',
  fields: (t) => ({
    quantity: t.exposeInt('quantity', { description: 'How many units of the line.' }),
    restockType: t.exposeString('restockType', {
      description: '`return`, `cancel`, `no_restock` or `legacy_restock`.',
    }),
    restocked: t.exposeInt('restocked', {
      description:
        'Pieces of a `no_restock` line that were put back into stock later, as far as the channel tells.',
    }),
    damaged: t.exposeInt('damaged', {
      description: 'Pieces that came back and cannot be sold, as far as the channel tells.',
    }),
    notReturned: t.exposeInt('notReturned', {
      description: 'Pieces that were paid back and never came back, as far as the channel tells.',
    }),
    subtotal: t.field({
      type: Money,
      description: 'After discounts; with the tax where prices contain it.',
      resolve: (line) => money(line.subtotalMinor, line.currency),
    }),
    tax: t.field({
      type: Money,
      description: 'Tax given back.',
      resolve: (line) => money(line.taxMinor, line.currency),
    }),
    orderLine: t.field({
      type: OrderLine,
      description: 'Of which line.',
      authScopes: { can: 'read:orders' },
      resolve: (line) => line.orderLineId,
    }),
  }),
});

const RefundAdjustment = builder.objectRef<RefundAdjustmentRow>('RefundAdjustment').implement({
  description: 'Money of a refund that belongs to no line: shipping, or a difference.',
  fields: (t) => ({
    kind: t.exposeString('kind', {
      description: '`shipping_refund`, `duty_refund`, `cash_rounding` or `refund_discrepancy`.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, in words.' }),
    amount: t.field({
      type: Money,
      description: 'Positive: given back to the customer.',
      resolve: (adjustment) => money(adjustment.amountMinor, adjustment.currency),
    }),
    tax: t.field({
      type: Money,
      description: 'Tax of it.',
      resolve: (adjustment) => money(adjustment.taxMinor, adjustment.currency),
    }),
  }),
});

Refund.implement({
  description: 'Goods or money given back.',
  fields: (t) => ({
    order: t.field({
      type: Order,
      description: 'The order it belongs to.',
      authScopes: { can: 'read:orders' },
      resolve: (refund) => refund.orderId,
    }),
    note: t.exposeString('note', { nullable: true, description: 'Why, in words.' }),
    subtotal: t.field({
      type: Money,
      description: 'Lines after discounts, without tax added to them.',
      resolve: (refund) => money(refund.subtotalMinor, refund.currency),
    }),
    tax: t.field({
      type: Money,
      description: 'Tax given back.',
      resolve: (refund) => money(refund.taxMinor, refund.currency),
    }),
    shipping: t.field({
      type: Money,
      description: 'Shipping given back.',
      resolve: (refund) => money(refund.shippingMinor, refund.currency),
    }),
    adjustment: t.field({
      type: Money,
      description: 'Differences between what came back and what was paid back, of either sign.',
      resolve: (refund) => money(refund.adjustmentMinor, refund.currency),
    }),
    total: t.field({
      type: Money,
      description: 'What the customer gets back by transactions that have not failed.',
      resolve: (refund) => money(refund.totalMinor, refund.currency),
    }),
    presentmentTotal: t.field({
      type: Money,
      description: '`total` in the currency that the customer saw.',
      resolve: (refund) => money(refund.presentmentTotalMinor, refund.presentmentCurrency),
    }),
    settled: t.exposeBoolean('settled', { description: 'False while a transaction of it is pending.' }),
    refundedAt: t.expose('refundedAt', { type: 'DateTime', description: 'When the shop gave it back.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the graph last changed.' }),
    lines: t.loadableGroup({
      type: RefundLine,
      description: 'Goods given back.',
      load: (ids: string[], context) => refundLinesOf(context.db, ids),
      group: (line) => line.refundId,
      resolve: (refund) => refund.id,
    }),
    adjustments: t.loadableGroup({
      type: RefundAdjustment,
      description: 'Money given back for no line.',
      load: (ids: string[], context) => refundAdjustmentsOf(context.db, ids),
      group: (adjustment) => adjustment.refundId,
      resolve: (refund) => refund.id,
    }),
    transactions: t.loadableGroup({
      type: OrderTransaction,
      description: 'How the money went back.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, orderTransactions, 'refundId', ids, { orderBy: 't.id' }),
      group: (transaction) => transaction.refundId ?? '',
      resolve: (refund) => refund.id,
    }),
    records: t.field({
      type: [PlatformRecord],
      description: 'The records that stand for this refund at the platforms.',
      resolve: (refund, _args, context) => recordsOf(context, 'Refund', refund.id),
    }),
    pushes: pushesField(t, 'Refund'),
  }),
});

/** Amounts of an order that differ in nothing but their column. */
function amount(description: string, column: keyof OrderRow & `${string}Minor`) {
  return { type: Money, description, resolve: (order: OrderRow) => money(order[column], order.currency) };
}

Order.implement({
  description: 'A sale on any channel. Totals hold what was ordered after edits and before refunds.',
  fields: (t) => ({
    number: t.exposeString('number', { description: 'What people call it, for example `#1001`.' }),
    remoteId: t.exposeString('remoteId', { description: "The platform's id." }),
    channel: t.expose('channel' as never, { type: ChannelEnum, description: 'Where it was placed.' }),
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'Who bought; null for an unknown guest.',
      authScopes: { can: 'read:customers' },
      resolve: (order) => order.customerId,
    }),
    location: t.field({
      type: Location,
      nullable: true,
      description: 'Where it was sold, for the till.',
      authScopes: { can: 'read:stock' },
      resolve: (order) => order.locationId,
    }),
    financialStatus: t.expose('financialStatus' as never, {
      type: FinancialStatusEnum,
      description: 'How far it is paid.',
    }),
    fulfilmentStatus: t.expose('fulfilmentStatus' as never, {
      type: FulfilmentStatusEnum,
      description: 'How much of it has left.',
    }),
    subtotal: t.field(amount('Lines before discounts.', 'subtotalMinor')),
    discountTotal: t.field(amount('All discounts, those on shipping included.', 'discountMinor')),
    shippingTotal: t.field(amount('Shipping before discounts.', 'shippingMinor')),
    taxTotal: t.field(amount('All taxes.', 'taxMinor')),
    dutiesTotal: t.field(amount('Import duties.', 'dutiesMinor')),
    tipTotal: t.field(amount('Tip.', 'tipMinor')),
    rounding: t.field(
      amount('Difference to whole coins when paid in cash, of either sign.', 'roundingMinor'),
    ),
    total: t.field(amount('What was ordered, after edits and before refunds.', 'totalMinor')),
    paidTotal: t.field(amount('What was paid.', 'paidMinor')),
    refundedTotal: t.field(amount('What was given back.', 'refundedMinor')),
    netTotal: t.field({
      type: Money,
      description: '`total` less `refundedTotal`.',
      resolve: (order) =>
        money((BigInt(order.totalMinor) - BigInt(order.refundedMinor)).toString(), order.currency),
    }),
    presentmentTotal: t.field({
      type: Money,
      description: '`total` in the currency that the customer saw and paid.',
      resolve: (order) => money(order.presentmentTotalMinor, order.presentmentCurrency),
    }),
    presentmentRefundedTotal: t.field({
      type: Money,
      description: '`refundedTotal` in the currency that the customer saw and paid.',
      resolve: (order) => money(order.presentmentRefundedMinor, order.presentmentCurrency),
    }),
    taxesIncluded: t.exposeBoolean('taxesIncluded', { description: 'Prices contain the tax.' }),
    taxExempt: t.exposeBoolean('taxExempt', { description: 'No tax was charged.' }),
    test: t.exposeBoolean('test', { description: 'A test order: it counts nowhere and is never posted.' }),
    email: t.exposeString('email', { nullable: true, description: 'Address given with the order.' }),
    phone: t.exposeString('phone', { nullable: true, description: 'Telephone given with the order.' }),
    billingAddress: t.field({
      type: Address,
      nullable: true,
      description: 'Who is billed.',
      resolve: (order) => addressOf(order.billingAddress),
    }),
    shippingAddress: t.field({
      type: Address,
      nullable: true,
      description: 'Where it goes.',
      resolve: (order) => addressOf(order.shippingAddress),
    }),
    note: t.exposeString('note', { nullable: true, description: 'What was written on it.' }),
    tags: t.exposeStringList('tags', { description: 'Words that shop and this API have put on it.' }),
    attributes: t.field({
      type: [NameValue],
      description: 'Pairs that the checkout or an app added.',
      resolve: (order) => nameValues(order.attributes),
    }),
    cancelReason: t.exposeString('cancelReason', { nullable: true, description: 'Why it was cancelled.' }),
    placedAt: t.expose('placedAt', { type: 'DateTime', description: 'When it was placed.' }),
    cancelledAt: t.expose('cancelledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was cancelled.',
    }),
    closedAt: t.expose('closedAt', { type: 'DateTime', nullable: true, description: 'When it was closed.' }),
    removedAt: t.expose('removedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was removed at its platform.',
    }),
    erasedAt: t.expose('erasedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When everything personal was erased from it; null where nothing was.',
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the graph last changed.' }),
    source: t.field({
      type: FactSource,
      description: 'Where it comes from, and how fresh it is.',
      resolve: (order) => ({
        connectionId: order.connectionId,
        updatedAt: order.sourceUpdatedAt,
        observedAt: order.observedAt,
      }),
    }),
    lines: t.loadableGroup({
      type: OrderLine,
      description: 'What was bought.',
      load: (ids: string[], context) => orderLinesOf(context.db, ids),
      group: (line) => (line as OrderLineRow).orderId,
      resolve: (order) => order.id,
    }),
    shippingLines: t.loadableGroup({
      type: ShippingLine,
      description: 'What was charged for sending.',
      load: (ids: string[], context) => shippingLinesOf(context.db, ids),
      group: (line) => line.orderId,
      resolve: (order) => order.id,
    }),
    discounts: t.loadableGroup({
      type: Discount,
      description: 'Discounts given.',
      load: (ids: string[], context) => discountsOf(context.db, ids),
      group: (discount) => discount.orderId,
      resolve: (order) => order.id,
    }),
    taxLines: t.loadableGroup({
      type: TaxLine,
      description: 'Every tax on the order, per line and rate.',
      load: (ids: string[], context) => taxLinesOf(context.db, 'orderId', ids),
      group: (tax) => tax.orderId,
      resolve: (order) => order.id,
    }),
    transactions: t.loadableGroup({
      type: OrderTransaction,
      description: 'Money that moved, or was meant to.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, orderTransactions, 'orderId', ids, { orderBy: 't.id' }),
      group: (transaction) => transaction.orderId,
      resolve: (order) => order.id,
    }),
    fulfilments: t.loadableGroup({
      type: Fulfilment,
      description: 'Goods that left.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, fulfilments, 'orderId', ids, { orderBy: 't.created_at, t.id' }),
      group: (fulfilment) => fulfilment.orderId,
      resolve: (order) => order.id,
    }),
    refunds: t.loadableGroup({
      type: Refund,
      description: 'Goods or money given back.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, refunds, 'orderId', ids, { orderBy: 't.refunded_at, t.id' }),
      group: (refund) => (refund as RefundRow).orderId,
      resolve: (order) => order.id,
    }),
    fulfilmentRules: t.loadableGroup({
      type: FulfilmentRule,
      description: 'What its note asks of whoever packs and sends it, decided or not.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, fulfilmentRules, 'orderId', ids, { orderBy: 't.id' }),
      group: (rule) => (rule as FulfilmentRuleRow).orderId,
      resolve: (order) => order.id,
    }),
    records: t.field({
      type: [PlatformRecord],
      description: 'The records that stand for this order at the platforms: receipt, CRM order.',
      resolve: (order, _args, context) => recordsOf(context, 'Order', order.id),
    }),
    pushes: pushesField(t, 'Order'),
  }),
});
