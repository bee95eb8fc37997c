import { AppError } from '../../../errors.ts';
import { type Address, type CanonicalCustomer, normalizeEmail } from '../../../model/customer.ts';
import { type Amount, addAmounts, parseMinor, zeroAmount } from '../../../model/money.ts';
import type {
  CanonicalAllocation,
  CanonicalDiscount,
  CanonicalFulfilment,
  CanonicalOrder,
  CanonicalOrderLine,
  CanonicalShippingLine,
  CanonicalTaxLine,
  CanonicalTransaction,
  NameValue,
} from '../../../model/order.ts';
import type { CanonicalLocation } from '../../../model/product.ts';
import type { CanonicalRefund, CanonicalRefundLine } from '../../../model/refund.ts';
import { assembleOrder, subtract, sumOf, times } from './assemble-order.ts';
import type {
  AddressPayload,
  AllocationPayload,
  CustomerPayload,
  DiscountApplicationPayload,
  FulfillmentPayload,
  LineItemPayload,
  LocationPayload,
  MoneySet,
  NameValuePayload,
  OrderPayload,
  RefundLinePayload,
  RefundPayload,
  ShippingLinePayload,
  TaxLinePayload,
  TransactionPayload,
} from './payloads.ts';
import {
  amountOfTaxes,
  channelOf,
  financialStatusOf,
  fulfilmentStatusOf,
  phoneOf,
  plainDecimal,
  refundAdjustmentReason,
  restockTypeOf,
  sortedTags,
  transactionKindOf,
  transactionStatusOf,
} from './vocabulary.ts';

/**
 * True where a webhook's order says all that the graph keeps. A payload tells neither how a payment was split over
 * several tenders nor what a refund was in the other currency or how cash was rounded: such orders must be read.
 */
export function tellsAll(order: OrderPayload): boolean {
  const received = receivedMinor(order);
  if (received > 0n && order.payment_gateway_names.length !== 1) return false;
  if (optionalSet(order.total_cash_rounding_refund_adjustment_set).shop !== 0n) return false;
  if (order.refunds.some(leavesFateOpen)) return false;
  if (order.currency === order.presentment_currency) return true;
  const moneyWentBack = order.refunds.some((refund) => refund.transactions.length > 0);
  return !moneyWentBack && (received <= 0n || received === setOf(order.total_price_set).shop);
}

/** A webhook's order. Only for orders of which `tellsAll` is true. */
export function orderFromPayload(order: OrderPayload): CanonicalOrder {
  const received = receivedMinor(order);
  const total = setOf(order.total_price_set);
  const lines = order.line_items.map(lineFrom);
  const shippingLines = order.shipping_lines.filter((line) => !line.is_removed).map(shippingLineFrom);
  const tax = optionalSet(order.total_tax_set);
  const duties = order.duties_included
    ? zeroAmount
    : addAmounts(
        optionalSet(order.original_total_duties_set),
        // Fees that a market adds are owed and posted as import charges are.
        optionalSet(order.original_total_additional_fees_set),
      );
  const gateway = order.payment_gateway_names[0] ?? 'unknown';
  const facts = {
    number: order.name,
    channel: channelOf(order.source_name),
    customer:
      order.customer === null
        ? null
        : {
            remoteId: order.customer.id,
            firstName: order.customer.first_name,
            lastName: order.customer.last_name,
            email: normalizeEmail(order.customer.email),
            phone: phoneOf(order.customer.phone, null),
          },
    locationRemoteId: order.location_id,
    financialStatus: financialStatusOf(order.financial_status),
    fulfilmentStatus: fulfilmentStatusOf(order.fulfillment_status, order.fulfillments.length > 0),
    currency: order.currency,
    presentmentCurrency: order.presentment_currency,
    tax,
    duties,
    total,
    taxesIncluded: order.taxes_included,
    taxExempt: order.tax_exempt,
    test: order.test,
    email: normalizeEmail(order.email),
    phone: phoneOf(order.phone, order.billing_address?.country_code ?? null),
    billingAddress: addressFrom(order.billing_address),
    shippingAddress: addressFrom(order.shipping_address),
    note: order.note,
    tags: tagsFrom(order.tags),
    attributes: order.note_attributes.map(nameValueFrom),
    cancelReason: order.cancel_reason?.toLowerCase() ?? null,
    placedAt: order.processed_at ?? order.created_at,
    cancelledAt: order.cancelled_at,
    closedAt: order.closed_at,
    lines,
    shippingLines,
    discounts: order.discount_applications.map(discountFrom),
    // The payload tells no payments, only what they came to; the one tender there is (`tellsAll`) took all of it.
    transactions: received > 0n ? [paymentOf(order, received, total, gateway)] : [],
    fulfilments: order.fulfillments.map(fulfilmentFromPayload),
    refunds: order.refunds.map(refundFromPayload),
    receivedMinor: received,
    cashRounding: optionalSet(order.total_cash_rounding_payment_adjustment_set),
    taxTotals: order.tax_lines.map(taxLineFrom),
  };
  return assembleOrder({ ...facts, tip: tipOf(order, facts) });
}

export function refundFromPayload(refund: RefundPayload): CanonicalRefund {
  // Shipping that went back is told twice: as an old-style adjustment and, with the tax as on the order, as a line.
  const shippingLines = refund.refund_shipping_lines;
  return {
    remoteId: refund.id,
    note: refund.note,
    refundedAt: refund.processed_at ?? refund.created_at,
    lines: refund.refund_line_items.map((line) => refundLineFrom(line, currenciesOf(refund))),
    adjustments: [
      ...shippingLines.map((line) => ({
        remoteId: line.id,
        kind: 'shipping_refund' as const,
        reason: null,
        amount: setOf(line.subtotal_amount_set),
        tax: optionalSet(line.tax_amount_set),
      })),
      ...refund.duties.map((one) => ({
        remoteId: `duty-${one.duty_id}`,
        kind: 'duty_refund' as const,
        reason: null,
        amount: setOf(one.amount_set),
        tax: zeroAmount,
      })),
      ...refund.order_adjustments
        .filter((one) => one.kind !== 'shipping_refund' || shippingLines.length === 0)
        .map((one) => ({
          remoteId: one.id,
          kind:
            one.kind === 'shipping_refund' ? ('shipping_refund' as const) : ('refund_discrepancy' as const),
          reason: refundAdjustmentReason(one.reason),
          // Shopify counts from the order's side: what went to the customer is below zero.
          amount: subtract(zeroAmount, setOf(one.amount_set)),
          tax: subtract(zeroAmount, optionalSet(one.tax_amount_set)),
        })),
    ],
    transactions: refund.transactions.flatMap((one) => transactionFrom(one, currenciesOf(refund))),
  };
}

/** Goods of a return that were not put back: only a read tells whether they are damaged or never came. */
function leavesFateOpen(refund: RefundPayload): boolean {
  return (
    refund.return != null &&
    refund.refund_line_items.some((line) => restockTypeOf(line.restock_type) === 'no_restock')
  );
}

/** True where a refund can be told on its own: money of one currency that its lines and shipping explain to the cent. */
export function refundStandsAlone(refund: RefundPayload): boolean {
  const { shop, presentment } = currenciesOf(refund);
  if (shop === null || shop !== presentment || refund.refund_line_items.length === 0) return false;
  if (refund.transactions.length === 0 || leavesFateOpen(refund)) return false;
  if (refund.transactions.some((one) => one.status !== 'success' || one.kind !== 'refund')) return false;
  // Cash that was given back in whole coins: only a read tells in which.
  if (refund.transactions.some((one) => one.amount_rounding != null)) return false;
  const canonical = refundFromPayload(refund);
  const money = canonical.transactions.reduce((sum, one) => sum + one.amount.shop, 0n);
  const parts = [
    ...canonical.lines.map((line) => ({ net: line.subtotal.shop, tax: line.tax.shop })),
    ...canonical.adjustments.map((one) => ({ net: one.amount.shop, tax: one.tax.shop })),
  ];
  const net = parts.reduce((sum, part) => sum + part.net, 0n);
  const tax = parts.reduce((sum, part) => sum + part.tax, 0n);
  // The refund does not say whether prices contain the tax: the money does.
  return money === net || money === net + tax;
}

export function fulfilmentFromPayload(fulfilment: FulfillmentPayload): CanonicalFulfilment {
  return {
    remoteId: fulfilment.id,
    status: fulfilmentState(fulfilment.status),
    trackingCompany: fulfilment.tracking_company,
    trackingNumbers: fulfilment.tracking_numbers,
    trackingUrls: fulfilment.tracking_urls,
    locationRemoteId: fulfilment.location_id,
    createdAt: fulfilment.created_at,
    updatedAt: fulfilment.updated_at,
    lines: fulfilment.line_items.map((line) => ({ lineRemoteId: line.id, quantity: line.quantity })),
  };
}

export function customerFromPayload(customer: CustomerPayload): CanonicalCustomer {
  const address = addressFrom(customer.default_address);
  return {
    firstName: customer.first_name,
    lastName: customer.last_name,
    // Shopify has a company only in addresses: none there says nothing about the customer.
    ...(address?.company ? { company: address.company } : {}),
    email: normalizeEmail(customer.email),
    phone: phoneOf(customer.phone, address?.countryCode ?? null),
    address,
    note: customer.note,
    ...(typeof customer.tags === 'string' ? { tags: tagsFrom(customer.tags) } : {}),
    taxExempt: customer.tax_exempt,
  };
}

export function locationFromPayload(location: LocationPayload): CanonicalLocation {
  const address = addressFrom({ ...location, first_name: null, last_name: null, company: null });
  return { name: location.name, active: location.active, address };
}

/** What Shopify is now known to hold of the fields that we may write there, in its own words. */
export function observedCustomer(customer: {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
  note: string | null;
  tags?: readonly string[];
}): Record<string, unknown> {
  const { firstName, lastName, email, phone, note, tags } = customer;
  const observed = { firstName, lastName, email, phone, note };
  return tags === undefined ? observed : { ...observed, tags: sortedTags(tags) };
}

export function observedOrder(order: {
  note: string | null;
  tags: readonly string[];
}): Record<string, unknown> {
  return { note: order.note, tags: sortedTags(order.tags) };
}

export function fulfilmentState(status: string | null): CanonicalFulfilment['status'] {
  switch (status?.toLowerCase()) {
    case 'success':
      return 'success';
    case 'cancelled':
      return 'cancelled';
    case 'error':
      return 'error';
    case 'failure':
      return 'failure';
    case 'open':
      return 'open';
    default:
      return 'pending';
  }
}

/** Money received so far: what is left to pay follows from it, and it is not told itself. */
function receivedMinor(order: OrderPayload): bigint {
  const refunded = order.refunds
    .flatMap((refund) => refund.transactions)
    .filter((one) => one.kind === 'refund' && one.status === 'success')
    .reduce((sum, one) => sum + parseMinor(one.amount, order.currency), 0n);
  const current = setOf(order.current_total_price_set).shop;
  const received = current - parseMinor(order.total_outstanding, order.currency) + refunded;
  return received > 0n ? received : 0n;
}

function paymentOf(
  order: OrderPayload,
  received: bigint,
  total: Amount,
  gateway: string,
): CanonicalTransaction {
  return {
    remoteId: 'payment',
    parentRemoteId: null,
    kind: 'sale',
    status: 'success',
    gateway,
    amount: addAmounts(
      {
        shop: received,
        presentment: order.currency === order.presentment_currency ? received : total.presentment,
      },
      optionalSet(order.total_cash_rounding_payment_adjustment_set),
    ),
    processedAt: null,
  };
}

/** The payload tells the tip in the shop's currency alone; in the other one it is what the rest of the total leaves. */
function tipOf(
  order: OrderPayload,
  facts: {
    total: Amount;
    tax: Amount;
    taxesIncluded: boolean;
    duties: Amount;
    lines: readonly CanonicalOrderLine[];
    shippingLines: readonly CanonicalShippingLine[];
  },
): Amount {
  const shop = parseMinor(order.total_tip_received, order.currency);
  if (shop === 0n || order.currency === order.presentment_currency) return { shop, presentment: shop };
  const rest = sumOf({
    ...facts,
    subtotal: addAmounts(...facts.lines.map((line) => times(line.unitPrice, line.quantity))),
    shipping: addAmounts(...facts.shippingLines.map((line) => line.price)),
    discount: addAmounts(...[...facts.lines, ...facts.shippingLines].map((part) => part.discount)),
    tip: zeroAmount,
  });
  return { shop, presentment: facts.total.presentment - rest.presentment };
}

function lineFrom(line: LineItemPayload): CanonicalOrderLine {
  const allocations = line.discount_allocations.map(allocationFrom);
  const taxLines = line.tax_lines.map(taxLineFrom);
  return {
    remoteId: line.id,
    variantRemoteId: line.variant_id,
    title: line.title,
    variantTitle: line.variant_title,
    sku: line.sku,
    vendor: line.vendor,
    quantity: line.quantity,
    refundedQuantity: line.quantity - (line.current_quantity ?? line.quantity),
    unitPrice: setOf(line.price_set),
    discount: addAmounts(...allocations.map((one) => one.amount)),
    tax: amountOfTaxes(taxLines),
    taxable: line.taxable,
    giftCard: line.gift_card,
    requiresShipping: line.requires_shipping,
    duties: addAmounts(...line.duties.map(dutyFrom)),
    properties: line.properties.map(nameValueFrom),
    allocations,
    taxLines,
  };
}

function dutyFrom(duty: LineItemPayload['duties'][number]): Amount {
  if (duty.price_set) return setOf(duty.price_set);
  if (!duty.shop_money || !duty.presentment_money) return zeroAmount;
  return setOf({ shop_money: duty.shop_money, presentment_money: duty.presentment_money });
}

function shippingLineFrom(line: ShippingLinePayload): CanonicalShippingLine {
  const allocations = line.discount_allocations.map(allocationFrom);
  const taxLines = line.tax_lines.map(taxLineFrom);
  return {
    remoteId: line.id,
    title: line.title ?? 'Shipping',
    code: line.code,
    price: setOf(line.price_set),
    discount: addAmounts(...allocations.map((one) => one.amount)),
    tax: amountOfTaxes(taxLines),
    allocations,
    taxLines,
  };
}

function allocationFrom(allocation: AllocationPayload): CanonicalAllocation {
  return {
    discountIndex: allocation.discount_application_index,
    amount: setOf(allocation.amount_set),
  };
}

function taxLineFrom(line: TaxLinePayload): CanonicalTaxLine {
  return {
    title: line.title,
    rate: plainDecimal(line.rate),
    amount: setOf(line.price_set),
    channelLiable: line.channel_liable,
  };
}

function discountFrom(discount: DiscountApplicationPayload): CanonicalDiscount {
  const kinds: Record<string, CanonicalDiscount['kind']> = {
    discount_code: 'code',
    automatic: 'automatic',
    script: 'script',
  };
  const kind = kinds[discount.type] ?? 'manual';
  return {
    kind,
    code: kind === 'code' ? discount.code : null,
    title: kind === 'code' ? null : discount.title,
    valueType: discount.value_type,
    value: plainDecimal(discount.value),
    targetType: discount.target_type,
    allocationMethod: discount.allocation_method,
  };
}

interface Currencies {
  shop: string | null;
  presentment: string | null;
}

/** A refund does not name its currencies, but every amount in it does. */
function currenciesOf(refund: RefundPayload): Currencies {
  const set =
    refund.refund_line_items.find((line) => line.subtotal_set)?.subtotal_set ??
    refund.refund_shipping_lines[0]?.subtotal_amount_set ??
    refund.order_adjustments[0]?.amount_set;
  const told = refund.transactions[0]?.currency ?? null;
  return {
    shop: set?.shop_money.currency_code ?? told,
    presentment: set?.presentment_money.currency_code ?? told,
  };
}

function refundLineFrom(line: RefundLinePayload, currencies: Currencies): CanonicalRefundLine {
  // These two are the only amounts that come as JSON numbers; their source text is exact.
  const told = (set: MoneySet | null | undefined, plain: string): Amount => {
    if (set) return setOf(set);
    const minor = parseMinor(plain, currencies.shop ?? 'XXX');
    return { shop: minor, presentment: minor };
  };
  return {
    remoteId: line.id,
    lineRemoteId: line.line_item_id,
    quantity: line.quantity,
    restockType: restockTypeOf(line.restock_type),
    locationRemoteId: line.location_id,
    subtotal: told(line.subtotal_set, line.subtotal),
    tax: told(line.total_tax_set, line.total_tax),
  };
}

function transactionFrom(transaction: TransactionPayload, currencies: Currencies): CanonicalTransaction[] {
  const kind = transactionKindOf(transaction.kind);
  if (kind === null) return [];
  const currency = transaction.currency ?? currencies.shop;
  if (currency === null)
    throw new AppError({
      code: 'MALFORMED_PAYLOAD',
      retryable: false,
      publicMessage: `Transaction ${transaction.id} names no currency.`,
      remedy: 'Replay the delivery; the order is then read from Shopify.',
    });
  const minor = parseMinor(transaction.amount, currency);
  return [
    {
      remoteId: transaction.id,
      parentRemoteId: transaction.parent_id,
      kind,
      status: transactionStatusOf(transaction.status),
      gateway: transaction.gateway ?? 'unknown',
      amount: { shop: minor, presentment: minor },
      processedAt: transaction.processed_at,
    },
  ];
}

function setOf(set: MoneySet): Amount {
  return {
    shop: parseMinor(set.shop_money.amount, set.shop_money.currency_code),
    presentment: parseMinor(set.presentment_money.amount, set.presentment_money.currency_code),
  };
}

function optionalSet(set: MoneySet | null | undefined): Amount {
  return set ? setOf(set) : zeroAmount;
}

function addressFrom(address: AddressPayload | null): Address | null {
  if (address === null) return null;
  return {
    firstName: address.first_name,
    lastName: address.last_name,
    company: address.company,
    address1: address.address1,
    address2: address.address2,
    city: address.city,
    province: address.province,
    zip: address.zip,
    countryCode: address.country_code,
    phone: phoneOf(address.phone, address.country_code),
  };
}

function tagsFrom(tags: string | null): string[] {
  if (tags === null) return [];
  return sortedTags(
    tags
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
  );
}

function nameValueFrom(pair: NameValuePayload): NameValue {
  const { value } = pair;
  const text = typeof value === 'string' ? value : value === null || value === undefined ? '' : null;
  return { name: pair.name, value: text ?? JSON.stringify(value) };
}
