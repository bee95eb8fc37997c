import { add, type Bag, fixed, isZero, scale, short, subtract, zeroBag } from '../commerce/money.ts';
import {
  allocated,
  currentQuantity,
  fulfillableQuantity,
  lineGross,
  lineNet,
  refundable,
  shippingNet,
  summarise,
} from '../commerce/summary.ts';
import type {
  Adjustment,
  DiscountAllocation,
  DiscountApplication,
  Disposition,
  Duty,
  Fulfillment,
  FulfillmentOrder,
  LineItem,
  Order,
  Refund,
  RefundLine,
  RefundShipping,
  Return,
  ShippingLine,
  TaxLine,
  Transaction,
} from '../commerce/types.ts';
import { gid, type Shop } from '../shop.ts';
import { gateways, statusUrl } from '../webhooks/payloads.ts';
import { listWalk, type PageArgs, paginate } from './connection.ts';
import { type Args, apiTime, apiTimeOrNull, type Fields } from './context.ts';
import { suggestedRefund } from './suggested-refund.ts';

/** A part of an order together with the order, where the part alone does not tell its currency. */
export interface PartOf<T> {
  order: Order;
  part: T;
}

function moneyBag(order: Order, bag: Bag): unknown {
  return {
    shopMoney: { amount: short(bag.shop, order.currency), currencyCode: order.currency },
    presentmentMoney: {
      amount: short(bag.presentment, order.presentmentCurrency),
      currencyCode: order.presentmentCurrency,
    },
  };
}

/** A page over parts of an order; a part's place is its position. */
export function pageOf<T>(items: readonly T[], args: Args): unknown {
  const numbered = items.map((item, index) => ({ item, id: String(index) }));
  const page = paginate(
    listWalk(numbered, (one) => one.id),
    args as PageArgs,
  );
  return {
    nodes: page.nodes.map((one) => one.item),
    edges: page.edges.map((edge) => ({ cursor: edge.cursor, node: edge.node.item })),
    pageInfo: page.pageInfo,
  };
}

function firstOf<T>(items: readonly T[], args: Args): readonly T[] {
  const first = args.first;
  return typeof first === 'number' ? items.slice(0, first) : items;
}

function sum(read: (order: Order) => Bag): (order: Order) => unknown {
  return (order) => moneyBag(order, read(order));
}

export const orderFields: Fields<Order> = {
  id: (order) => gid('Order', order.id),
  legacyResourceId: (order) => order.id,
  createdAt: (order) => apiTime(order.createdAtMs),
  processedAt: (order) => apiTime(order.processedAtMs),
  updatedAt: (order) => apiTime(order.updatedAtMs),
  closed: (order) => order.closedAtMs !== null,
  closedAt: (order) => apiTimeOrNull(order.closedAtMs),
  cancelledAt: (order) => apiTimeOrNull(order.cancelledAtMs),
  cancellation: (order) => (order.cancelledAtMs === null ? null : { staffNote: order.cancelNote }),
  confirmed: () => true,
  unpaid: (order) => summarise(order).received.shop === 0,
  fullyPaid: (order) => summarise(order).outstanding.shop <= 0,
  capturable: (order) => summarise(order).capturable.shop > 0,
  refundable: (order) => order.transactions.some((one) => refundable(order, one.id).shop > 0),
  restockable: (order) => order.lines.some((line) => currentQuantity(line) > 0),
  requiresShipping: (order) => order.lines.some((line) => line.requiresShipping),
  merchantEditable: (order) => order.cancelledAtMs === null,
  taxExempt: (order, _args, { shop }) =>
    order.customerId !== null && shop.customers.get(order.customerId)?.taxExempt === true,
  dutiesIncluded: () => false,
  estimatedTaxes: () => false,
  currencyCode: (order) => order.currency,
  presentmentCurrencyCode: (order) => order.presentmentCurrency,
  customerLocale: (order) => order.locale,
  sourceName: (order) => (order.channel === 'pos' ? 'pos' : 'web'),
  sourceIdentifier: () => null,
  app: (order) =>
    order.channel === 'pos'
      ? { id: gid('App', '129785'), name: 'Point of Sale' }
      : { id: gid('App', '580111'), name: 'Online Store' },
  attribution: (order) =>
    order.channel === 'pos'
      ? { handle: 'pos', displayName: 'Point of Sale' }
      : { handle: 'web', displayName: 'Online Store' },
  channelInformation: (order) => channelInformation(order),
  retailLocation: (order, _args, { shop }) => locationOf(shop, order.locationId),
  physicalLocation: (order, _args, { shop }) => locationOf(shop, order.locationId),
  clientIp: (order) => (order.channel === 'pos' ? null : '203.0.113.7'),
  customer: (order, _args, { shop }) =>
    order.customerId === null ? null : shop.customers.get(order.customerId),
  customerAcceptsMarketing: (order, _args, { shop }) =>
    order.customerId !== null && shop.customers.get(order.customerId)?.marketing === 'SUBSCRIBED',
  billingAddress: (order) => addressNode(order, order.billingAddress, 1),
  shippingAddress: (order) => addressNode(order, order.shippingAddress, 2),
  displayAddress: (order) => addressNode(order, order.shippingAddress ?? order.billingAddress, 2),
  billingAddressMatchesShippingAddress: (order) =>
    JSON.stringify(order.billingAddress) === JSON.stringify(order.shippingAddress),
  displayFinancialStatus: (order) => summarise(order).financialStatus,
  // The older name of a restocked order stays with the REST shape; this one calls it unfulfilled.
  displayFulfillmentStatus: (order) => {
    const { fulfillmentState } = summarise(order);
    return fulfillmentState === 'RESTOCKED' ? 'UNFULFILLED' : fulfillmentState;
  },
  returnStatus: (order) =>
    order.returns.length > 0 ||
    order.refunds.some((refund) => refund.lines.some((line) => line.restockType === 'RETURN'))
      ? 'RETURNED'
      : 'NO_RETURN',
  discountCode: (order) => discountCodes(order)[0] ?? null,
  discountCodes: (order) => discountCodes(order),
  discountApplications: (order, args) =>
    pageOf(
      order.discountApplications.map((application, index) => ({ order, application, index })),
      args,
    ),
  lineItems: (order, args) => pageOf(order.lines, args),
  shippingLine: (order) => partOrNull(order, order.shippingLines[0]),
  shippingLines: (order, args) => pageOf(parts(order, order.shippingLines), args),
  taxLines: (order) => parts(order, summarise(order).taxLines),
  currentTaxLines: (order) => parts(order, summarise(order).currentTaxLines),
  additionalFees: () => [],
  subtotalLineItemsQuantity: (order) => summarise(order).quantity,
  currentSubtotalLineItemsQuantity: (order) => summarise(order).currentQuantity,
  totalWeight: (order) => String(summarise(order).grams),
  currentTotalWeight: (order) => String(summarise(order).currentGrams),
  subtotalPriceSet: sum((order) => summarise(order).subtotal),
  currentSubtotalPriceSet: sum((order) => summarise(order).currentSubtotal),
  totalPriceSet: sum((order) => summarise(order).total),
  totalPrice: (order) => fixed(summarise(order).total.shop, order.currency),
  currentTotalPriceSet: sum((order) => summarise(order).currentTotal),
  originalTotalPriceSet: sum((order) => order.originalTotal),
  totalTaxSet: sum((order) => summarise(order).tax),
  currentTotalTaxSet: sum((order) => summarise(order).currentTax),
  totalDiscountsSet: sum((order) => summarise(order).discounts),
  currentTotalDiscountsSet: sum((order) => summarise(order).currentDiscounts),
  cartDiscountAmountSet: sum((order) => summarise(order).cartDiscounts),
  currentCartDiscountAmountSet: sum((order) => summarise(order).cartDiscounts),
  totalShippingPriceSet: sum((order) => summarise(order).shipping),
  currentShippingPriceSet: sum((order) => summarise(order).currentShipping),
  totalTipReceivedSet: sum((order) => order.tip),
  totalReceivedSet: sum((order) => summarise(order).received),
  totalRefundedSet: sum((order) => summarise(order).refunded),
  totalRefundedShippingSet: sum((order) => summarise(order).refundedShipping),
  netPaymentSet: sum((order) => summarise(order).net),
  totalOutstandingSet: sum((order) => summarise(order).outstanding),
  totalCapturableSet: sum((order) => summarise(order).capturable),
  refundDiscrepancySet: sum((order) => summarise(order).refundDiscrepancy),
  totalCashRoundingAdjustment: (order) => ({
    paymentSet: moneyBag(order, summarise(order).paymentRounding),
    refundSet: moneyBag(order, summarise(order).refundRounding),
  }),
  currentTotalDutiesSet: (order) =>
    hasDuties(order) ? moneyBag(order, summarise(order).currentDuties) : null,
  originalTotalDutiesSet: (order) => (hasDuties(order) ? moneyBag(order, summarise(order).duties) : null),
  suggestedRefund: (order, args) => suggestedRefund(order, args),
  returns: (order, args) => pageOf(order.returns, args),
  currentTotalAdditionalFeesSet: () => null,
  originalTotalAdditionalFeesSet: () => null,
  transactions: (order, args) =>
    firstOf(
      order.transactions.filter((one) => args.capturable !== true || one.kind === 'AUTHORIZATION'),
      args,
    ),
  transactionsCount: (order) => exactly(order.transactions.length),
  refunds: (order, args) => firstOf(order.refunds, args),
  fulfillments: (order, args) => firstOf(order.fulfillments, args),
  fulfillmentsCount: (order) => exactly(order.fulfillments.length),
  fulfillmentOrders: (order, args) => pageOf(order.fulfillmentOrders, args),
  paymentGatewayNames: (order) => gateways(order),
  statusPageUrl: (order, _args, { shop }) => statusUrl(shop, order),
};

export const lineItemFields: Fields<LineItem> = {
  id: (line) => gid('LineItem', line.id),
  name: (line) => (line.variantTitle === null ? line.title : `${line.title} - ${line.variantTitle}`),
  currentQuantity: (line) => currentQuantity(line),
  refundableQuantity: (line) => currentQuantity(line),
  unfulfilledQuantity: (line) => fulfillableQuantity(line),
  nonFulfillableQuantity: (line) => line.quantity - fulfillableQuantity(line),
  fulfillableQuantity: (line) => fulfillableQuantity(line),
  restockable: (line) => line.inventoryItemId !== null && currentQuantity(line) > 0,
  merchantEditable: (line) => fulfillableQuantity(line) > 0,
  discountAllocations: (line, _args, { shop }) =>
    withOrder(shop, line, (order) => parts(order, line.allocations)),
  duties: (line, _args, { shop }) => withOrder(shop, line, (order) => parts(order, line.duties)),
  taxLines: (line, args, { shop }) =>
    withOrder(shop, line, (order) => firstOf(parts(order, line.taxLines), args)),
  originalUnitPriceSet: lineSum((line) => line.unitPrice),
  originalTotalSet: lineSum((line) => lineGross(line)),
  discountedUnitPriceSet: lineSum((line, order) =>
    perUnit(subtract(lineGross(line), ownDiscounts(order, line)), line.quantity),
  ),
  discountedUnitPriceAfterAllDiscountsSet: lineSum((line) => perUnit(lineNet(line), line.quantity)),
  discountedTotalSet: (line, args, { shop }) =>
    withOrder(shop, line, (order) =>
      moneyBag(
        order,
        subtract(
          lineGross(line),
          args.withCodeDiscounts === true ? allocated(line) : ownDiscounts(order, line),
        ),
      ),
    ),
  totalDiscountSet: lineSum((line, order) => ownDiscounts(order, line)),
  priceAfterAllDiscountsBeforeTaxesSet: lineSum((line, order) => currentNet(order, line)),
  unfulfilledDiscountedTotalSet: lineSum((line, order) =>
    scale(
      perUnit(subtract(lineGross(line), ownDiscounts(order, line)), line.quantity),
      fulfillableQuantity(line),
    ),
  ),
  unfulfilledOriginalTotalSet: lineSum((line) => scale(line.unitPrice, fulfillableQuantity(line))),
  product: (line, _args, { shop }) => (line.productId === null ? null : shop.products.get(line.productId)),
  variant: (line, _args, { shop }) => (line.variantId === null ? null : shop.variants.get(line.variantId)),
  weight: (line) => ({ unit: 'GRAMS', value: line.grams }),
};

export const shippingLineFields: Fields<PartOf<ShippingLine>> = {
  id: ({ part }) => gid('ShippingLine', part.id),
  title: ({ part }) => part.title,
  code: ({ part }) => part.code,
  carrierIdentifier: () => null,
  source: () => 'shopify',
  custom: () => false,
  deliveryCategory: () => null,
  isRemoved: () => false,
  phone: () => null,
  originalPriceSet: ({ order, part }) => moneyBag(order, part.price),
  discountedPriceSet: ({ order, part }) => moneyBag(order, shippingNet(part)),
  currentDiscountedPriceSet: ({ order, part }) =>
    moneyBag(
      order,
      subtract(
        shippingNet(part),
        ...order.refunds
          .flatMap((refund) => refund.shipping)
          .filter((one) => one.shippingLineId === part.id)
          .map((one) => one.subtotal),
      ),
    ),
  discountAllocations: ({ order, part }) => parts(order, part.allocations),
  taxLines: ({ order, part }) => parts(order, part.taxLines),
  shippingRateHandle: () => null,
};

export const taxLineFields: Fields<PartOf<TaxLine>> = {
  title: ({ part }) => part.title,
  rate: ({ part }) => part.ratePpm / 1_000_000,
  ratePercentage: ({ part }) => part.ratePpm / 10_000,
  price: ({ order, part }) => fixed(part.price.shop, order.currency),
  priceSet: ({ order, part }) => moneyBag(order, part.price),
  source: () => 'Shopify',
  channelLiable: ({ part }) => part.channelLiable ?? false,
};

export const discountAllocationFields: Fields<PartOf<DiscountAllocation>> = {
  allocatedAmountSet: ({ order, part }) => moneyBag(order, part.amount),
  discountApplication: ({ order, part }) => {
    const application = order.discountApplications[part.applicationIndex];
    return application === undefined ? null : { order, application, index: part.applicationIndex };
  },
};

export interface ApplicationSource {
  order: Order;
  application: DiscountApplication;
  index: number;
}

export const discountApplicationFields: Fields<ApplicationSource> = {
  allocationMethod: ({ application }) => application.method.toUpperCase(),
  index: ({ index }) => index,
  targetSelection: ({ application }) => application.selection.toUpperCase(),
  targetType: ({ application }) => application.target.toUpperCase(),
  value: ({ order, application }) =>
    application.value.kind === 'percentage'
      ? { __typename: 'PricingPercentageValue', percentage: application.value.ppm / 10_000 }
      : {
          __typename: 'MoneyV2',
          amount: short(application.value.minor.shop, order.currency),
          currencyCode: order.currency,
        },
  code: ({ application }) => application.label,
  title: ({ application }) => application.label,
  description: ({ application }) => application.description,
};

export const transactionFields: Fields<Transaction> = {
  id: (transaction) => gid('OrderTransaction', transaction.id),
  formattedGateway: (transaction) => title(transaction.gateway),
  amountSet: (transaction, _args, { shop }) =>
    withOrder(shop, transaction, (order) => moneyBag(order, transaction.amount)),
  amountRoundingSet: (transaction, _args, { shop }) =>
    transaction.rounding === null
      ? null
      : withOrder(shop, transaction, (order) => moneyBag(order, transaction.rounding ?? zeroBag)),
  createdAt: (transaction) => apiTime(transaction.createdAtMs),
  processedAt: (transaction) => apiTime(transaction.processedAtMs),
  test: (transaction, _args, { shop }) => withOrder(shop, transaction, (order) => order.test),
  errorCode: (transaction) => (transaction.status === 'FAILURE' ? 'CARD_DECLINED' : null),
  authorizationCode: () => null,
  paymentId: (transaction, _args, { shop }) =>
    withOrder(shop, transaction, (order) => `${order.name}.${order.transactions.indexOf(transaction) + 1}`),
  manualPaymentGateway: (transaction) => transaction.gateway === 'manual' || transaction.gateway === 'cash',
  manuallyCapturable: () => false,
  multiCapturable: () => false,
  totalUnsettledSet: (transaction, _args, { shop }) =>
    withOrder(shop, transaction, (order) => moneyBag(order, zeroBag)),
  maximumRefundableV2: (transaction, _args, { shop }) =>
    withOrder(shop, transaction, (order) =>
      transaction.kind === 'SALE' || transaction.kind === 'CAPTURE'
        ? {
            amount: short(refundable(order, transaction.id).shop, order.currency),
            currencyCode: order.currency,
          }
        : null,
    ),
  settlementCurrency: () => null,
  settlementCurrencyRate: () => null,
  receiptJson: () => '{}',
  accountNumber: () => null,
  location: (transaction, _args, { shop }) => locationOf(shop, transaction.locationId),
  order: (transaction, _args, { shop }) => shop.orders.get(transaction.orderId),
  parentTransaction: (transaction, _args, { shop }) =>
    withOrder(shop, transaction, (order) =>
      order.transactions.find((one) => one.id === transaction.parentId),
    ),
  fees: () => [],
};

export const refundFields: Fields<Refund> = {
  id: (refund) => gid('Refund', refund.id),
  legacyResourceId: (refund) => refund.id,
  createdAt: (refund) => apiTime(refund.createdAtMs),
  processedAt: (refund) => apiTime(refund.processedAtMs),
  updatedAt: (refund) => apiTime(refund.updatedAtMs),
  order: (refund, _args, { shop }) => shop.orders.get(refund.orderId),
  totalRefundedSet: (refund, _args, { shop }) =>
    withOrder(shop, refund, (order) =>
      moneyBag(
        order,
        add(
          ...transactionsOf(order, refund)
            .filter((one) => one.status === 'SUCCESS')
            .map((one) => one.amount),
        ),
      ),
    ),
  duties: (refund, _args, { shop }) =>
    withOrder(shop, refund, (order) =>
      refund.duties.map((one) => ({
        amountSet: moneyBag(order, one.amount),
        originalDuty: partOrNull(
          order,
          order.lines.flatMap((line) => line.duties).find((duty) => duty.id === one.dutyId),
        ),
      })),
    ),
  return: (refund, _args, { shop }) =>
    withOrder(shop, refund, (order) => order.returns.find((one) => one.id === refund.returnId) ?? null),
  refundLineItems: (refund, args, { shop }) =>
    withOrder(shop, refund, (order) => pageOf(parts(order, refund.lines), args)),
  refundShippingLines: (refund, args, { shop }) =>
    withOrder(shop, refund, (order) => pageOf(parts(order, refund.shipping), args)),
  orderAdjustments: (refund, args, { shop }) =>
    withOrder(shop, refund, (order) => pageOf(parts(order, refund.adjustments), args)),
  transactions: (refund, args, { shop }) =>
    withOrder(shop, refund, (order) => pageOf(transactionsOf(order, refund), args)),
};

export const dutyFields: Fields<PartOf<Duty>> = {
  id: ({ part }) => gid('Duty', part.id),
  harmonizedSystemCode: ({ part }) => part.harmonizedSystemCode,
  countryCodeOfOrigin: ({ part }) => part.countryCodeOfOrigin,
  price: ({ order, part }) => moneyBag(order, part.price),
  taxLines: () => [],
};

/** The one order by which the goods of a return travel back. */
export interface ReverseOrder {
  typename: 'ReverseFulfillmentOrder';
  given: Return;
}

export function reverseOf(given: Return | undefined): ReverseOrder | null {
  return given === undefined ? null : { typename: 'ReverseFulfillmentOrder', given };
}

export const reverseFields: Fields<ReverseOrder> = {
  id: ({ given }) => gid('ReverseFulfillmentOrder', given.reverseId),
  status: ({ given }) => (given.lines.every((line) => openPieces(line) === 0) ? 'CLOSED' : 'OPEN'),
  order: ({ given }, _args, { shop }) => shop.orders.get(given.orderId),
  lineItems: ({ given }, args, { shop }) =>
    withOrder(shop, given, (order) => pageOf(parts(order, given.lines), args)),
};

export const reverseLineFields: Fields<PartOf<Return['lines'][number]>> = {
  id: ({ part }) => gid('ReverseFulfillmentOrderLineItem', part.id),
  totalQuantity: ({ part }) => part.quantity,
  fulfillmentLineItem: ({ order, part }) =>
    partOrNull(
      order,
      order.fulfillments.flatMap((one) => one.lines).find((sent) => sent.lineId === part.lineId),
    ),
  dispositions: ({ part }) => part.dispositions,
};

export const dispositionFields: Fields<Disposition> = {
  id: (one) => gid('ReverseFulfillmentOrderDisposition', one.id),
  createdAt: (one) => apiTime(one.createdAtMs),
  location: (one, _args, { shop }) => (one.locationId === null ? null : shop.locations.get(one.locationId)),
  quantity: (one) => one.quantity,
  type: (one) => one.type,
};

function openPieces(line: Return['lines'][number]): number {
  const done = line.dispositions.filter((one) => one.type !== 'PROCESSING_REQUIRED');
  return line.quantity - done.reduce((all, one) => all + one.quantity, 0);
}

export const returnFields: Fields<Return> = {
  reverseFulfillmentOrders: (one, args) => pageOf([reverseOf(one)], args),
  id: (one) => gid('Return', one.id),
  name: (one, _args, { shop }) => withOrder(shop, one, (order) => `${order.name}-R${one.number}`),
  status: (one) => (one.closedAtMs === null ? 'OPEN' : 'CLOSED'),
  createdAt: (one) => apiTime(one.createdAtMs),
  closedAt: (one) => apiTimeOrNull(one.closedAtMs),
  totalQuantity: (one) => one.lines.reduce((all, line) => all + line.quantity, 0),
  order: (one, _args, { shop }) => shop.orders.get(one.orderId),
  exchangeLineItems: (one, args, { shop }) =>
    withOrder(shop, one, (order) =>
      pageOf(
        one.exchangeLines.map((line) => ({
          id: gid('ExchangeLineItem', line.id),
          quantity: line.quantity,
          lineItems: order.lines.filter((candidate) => candidate.id === line.lineId),
        })),
        args,
      ),
    ),
  refunds: (one, args, { shop }) =>
    withOrder(shop, one, (order) =>
      pageOf(
        order.refunds.filter((refund) => refund.returnId === one.id),
        args,
      ),
    ),
};

function hasDuties(order: Order): boolean {
  return order.lines.some((line) => line.duties.length > 0);
}

export const refundLineFields: Fields<PartOf<RefundLine>> = {
  id: ({ part }) => gid('RefundLineItem', part.id),
  lineItem: ({ order, part }) => order.lines.find((line) => line.id === part.lineId),
  location: ({ part }, _args, { shop }) => locationOf(shop, part.locationId),
  quantity: ({ part }) => part.quantity,
  restockType: ({ part }) => part.restockType,
  restocked: ({ part }) => part.restockType !== 'NO_RESTOCK',
  priceSet: ({ order, part }) =>
    moneyBag(order, order.lines.find((line) => line.id === part.lineId)?.unitPrice ?? zeroBag),
  subtotalSet: ({ order, part }) => moneyBag(order, part.subtotal),
  totalTaxSet: ({ order, part }) => moneyBag(order, add(...part.taxes)),
};

export const refundShippingFields: Fields<PartOf<RefundShipping>> = {
  id: ({ part }) => gid('RefundShippingLine', part.id),
  shippingLine: ({ order, part }) =>
    partOrNull(
      order,
      order.shippingLines.find((line) => line.id === part.shippingLineId),
    ),
  subtotalAmountSet: ({ order, part }) => moneyBag(order, part.subtotal),
  taxAmountSet: ({ order, part }) => moneyBag(order, add(...part.taxes)),
};

export const adjustmentFields: Fields<PartOf<Adjustment>> = {
  id: ({ part }) => gid('OrderAdjustment', part.id),
  reason: ({ part }) => part.reason,
  amountSet: ({ order, part }) => moneyBag(order, part.amount),
  taxAmountSet: ({ order }) => moneyBag(order, zeroBag),
};

export const fulfillmentFields: Fields<Fulfillment> = {
  id: (fulfillment) => gid('Fulfillment', fulfillment.id),
  legacyResourceId: (fulfillment) => fulfillment.id,
  name: (fulfillment, _args, { shop }) =>
    withOrder(shop, fulfillment, (order) => `${order.name}-F${fulfillment.number}`),
  displayStatus: (fulfillment) => (fulfillment.status === 'CANCELLED' ? 'CANCELED' : 'FULFILLED'),
  createdAt: (fulfillment) => apiTime(fulfillment.createdAtMs),
  updatedAt: (fulfillment) => apiTime(fulfillment.updatedAtMs),
  deliveredAt: () => null,
  inTransitAt: () => null,
  estimatedDeliveryAt: () => null,
  requiresShipping: () => true,
  totalQuantity: (fulfillment) => fulfillment.lines.reduce((all, one) => all + one.quantity, 0),
  location: (fulfillment, _args, { shop }) => locationOf(shop, fulfillment.locationId),
  order: (fulfillment, _args, { shop }) => shop.orders.get(fulfillment.orderId),
  trackingInfo: (fulfillment, args) =>
    firstOf(
      fulfillment.trackingNumbers.map((number, index) => ({
        number,
        company: fulfillment.trackingCompany,
        url: fulfillment.trackingUrls[index] ?? null,
      })),
      args,
    ),
  fulfillmentLineItems: (fulfillment, args, { shop }) =>
    withOrder(shop, fulfillment, (order) => pageOf(parts(order, fulfillment.lines), args)),
  fulfillmentOrders: (fulfillment, args, { shop }) =>
    withOrder(shop, fulfillment, (order) =>
      pageOf(
        order.fulfillmentOrders.filter((one) =>
          fulfillment.lines.some(
            (sent) => order.lines.find((line) => line.id === sent.lineId)?.locationId === one.locationId,
          ),
        ),
        args,
      ),
    ),
};

export const fulfillmentLineFields: Fields<PartOf<Fulfillment['lines'][number]>> = {
  id: ({ part }) => gid('FulfillmentLineItem', part.id),
  lineItem: ({ order, part }) => order.lines.find((line) => line.id === part.lineId),
  quantity: ({ part }) => part.quantity,
  originalTotalSet: ({ order, part }) =>
    moneyBag(
      order,
      scale(order.lines.find((line) => line.id === part.lineId)?.unitPrice ?? zeroBag, part.quantity),
    ),
  discountedTotalSet: ({ order, part }) => {
    const line = order.lines.find((one) => one.id === part.lineId);
    return moneyBag(
      order,
      line === undefined ? zeroBag : scale(perUnit(lineNet(line), line.quantity), part.quantity),
    );
  },
};

export const fulfillmentOrderFields: Fields<FulfillmentOrder> = {
  id: (one) => gid('FulfillmentOrder', one.id),
  status: (one, _args, { shop }) => withOrder(shop, one, (order) => fulfillmentOrderStatus(order, one)),
  requestStatus: () => 'UNSUBMITTED',
  createdAt: (one, _args, { shop }) => withOrder(shop, one, (order) => apiTime(order.createdAtMs)),
  updatedAt: (one, _args, { shop }) => withOrder(shop, one, (order) => apiTime(order.updatedAtMs)),
  fulfillAt: (one, _args, { shop }) => withOrder(shop, one, (order) => apiTime(order.createdAtMs)),
  orderId: (one) => gid('Order', one.orderId),
  orderName: (one, _args, { shop }) => withOrder(shop, one, (order) => order.name),
  orderProcessedAt: (one, _args, { shop }) => withOrder(shop, one, (order) => apiTime(order.processedAtMs)),
  order: (one, _args, { shop }) => shop.orders.get(one.orderId),
  assignedLocation: (one, _args, { shop }) => {
    const location = shop.locations.get(one.locationId);
    const { address } = location ?? { address: null };
    return {
      ...address,
      countryCode: address?.countryCode ?? 'US',
      name: location?.name ?? 'Unknown',
      location: location ?? null,
    };
  },
  lineItems: (one, args, { shop }) =>
    withOrder(shop, one, (order) => pageOf(linesOfFulfillmentOrder(order, one), args)),
  fulfillments: (one, args, { shop }) =>
    withOrder(shop, one, (order) =>
      pageOf(
        order.fulfillments.filter((fulfillment) => fulfillment.locationId === one.locationId),
        args,
      ),
    ),
};

export const fulfillmentOrderLineFields: Fields<LineItem> = {
  id: (line) => gid('FulfillmentOrderLineItem', line.fulfillmentOrderLineId ?? line.id),
  lineItem: (line) => line,
  totalQuantity: (line) => line.quantity - line.cancelledQuantity,
  remainingQuantity: (line) => fulfillableQuantity(line),
  productTitle: (line) => line.title,
  inventoryItemId: (line) =>
    line.inventoryItemId === null ? null : gid('InventoryItem', line.inventoryItemId),
  variant: (line, _args, { shop }) => (line.variantId === null ? null : shop.variants.get(line.variantId)),
};

export function fulfillmentOrderStatus(order: Order, one: FulfillmentOrder): string {
  const lines = linesOfFulfillmentOrder(order, one);
  const open = lines.reduce((all, line) => all + fulfillableQuantity(line), 0);
  const sent = lines.reduce((all, line) => all + line.fulfilledQuantity, 0);
  if (open === 0) return sent === 0 ? 'CANCELLED' : 'CLOSED';
  return sent === 0 ? 'OPEN' : 'IN_PROGRESS';
}

export function linesOfFulfillmentOrder(order: Order, one: FulfillmentOrder): LineItem[] {
  return order.lines.filter(
    (line) =>
      line.fulfillmentOrderLineId !== null &&
      (line.locationId === null || line.locationId === one.locationId),
  );
}

function withOrder<T>(shop: Shop, part: { orderId: string }, read: (order: Order) => T): T | null {
  const order = shop.orders.get(part.orderId);
  return order === undefined ? null : read(order);
}

function lineSum(read: (line: LineItem, order: Order) => Bag): Fields<LineItem>[string] {
  return (line, _args, { shop }) => withOrder(shop, line, (order) => moneyBag(order, read(line, order)));
}

function parts<T>(order: Order, list: readonly T[]): PartOf<T>[] {
  return list.map((part) => ({ order, part }));
}

function partOrNull<T>(order: Order, part: T | undefined): PartOf<T> | null {
  return part === undefined ? null : { order, part };
}

function transactionsOf(order: Order, refund: Refund): Transaction[] {
  return order.transactions.filter((one) => refund.transactionIds.includes(one.id));
}

function discountCodes(order: Order): string[] {
  return order.discountApplications.filter((one) => one.type === 'discount_code').map((one) => one.label);
}

/** Discounts given on this line, without those of the whole order. */
function ownDiscounts(order: Order, line: LineItem): Bag {
  return add(
    ...line.allocations
      .filter((one) => order.discountApplications[one.applicationIndex]?.selection === 'explicit')
      .map((one) => one.amount),
  );
}

function currentNet(order: Order, line: LineItem): Bag {
  const gone = order.refunds.flatMap((refund) => refund.lines.filter((one) => one.lineId === line.id));
  const net = subtract(lineNet(line), ...gone.map((one) => one.subtotal));
  if (!order.taxesIncluded) return net;
  const taxes = add(...line.taxLines.map((one) => one.price));
  return subtract(net, subtract(taxes, ...gone.flatMap((one) => one.taxes)));
}

/** Approximate by its nature: the amount need not divide evenly. */
function perUnit(bag: Bag, quantity: number): Bag {
  if (quantity === 0 || isZero(bag)) return zeroBag;
  return { shop: Math.round(bag.shop / quantity), presentment: Math.round(bag.presentment / quantity) };
}

function channelInformation(order: Order): unknown {
  const pos = order.channel === 'pos';
  return {
    id: gid('ChannelInformation', pos ? '2' : '1'),
    channelId: gid('Channel', pos ? '2' : '1'),
    displayName: pos ? 'Point of Sale' : 'Online Store',
    channelDefinition: {
      id: gid('ChannelDefinition', pos ? '2' : '1'),
      handle: pos ? 'point_of_sale' : 'online_store',
      channelName: pos ? 'Point of Sale' : 'Online Store',
      subChannelName: pos ? 'Point of Sale' : 'Online Store',
      isMarketplace: false,
    },
  };
}

function locationOf(shop: Shop, id: string | null): unknown {
  return id === null ? null : (shop.locations.get(id) ?? null);
}

function addressNode(order: Order, address: Order['shippingAddress'], kind: number): unknown {
  return address === null ? null : { ...address, id: `${order.id}${kind}` };
}

function exactly(count: number): unknown {
  return { count, precision: 'EXACT' };
}

function title(gateway: string): string {
  return gateway
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
}
