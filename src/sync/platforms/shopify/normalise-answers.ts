import { type Address, type CanonicalCustomer, normalizeEmail } from '../../../model/customer.ts';
import { type Amount, addAmounts, currencyExponent, parseMinor, zeroAmount } from '../../../model/money.ts';
import type {
  CanonicalAllocation,
  CanonicalDiscount,
  CanonicalFulfilment,
  CanonicalOrder,
  CanonicalOrderLine,
  CanonicalShippingLine,
  CanonicalTaxLine,
  CanonicalTransaction,
} from '../../../model/order.ts';
import type { CanonicalLocation, CanonicalProduct, CanonicalVariant } from '../../../model/product.ts';
import type { CanonicalRefund } from '../../../model/refund.ts';
import type {
  AddressAnswer,
  AllocationAnswer,
  CustomerAnswer,
  DiscountApplicationAnswer,
  FulfillmentAnswer,
  LineAnswer,
  LocationAnswer,
  MoneyBag,
  OrderAnswer,
  ProductAnswer,
  RefundAnswer,
  ShippingLineAnswer,
  TaxLineAnswer,
  TransactionAnswer,
  VariantAnswer,
} from './answers.ts';
import { assembleOrder, subtract } from './assemble-order.ts';
import { fulfilmentState } from './normalise.ts';
import { type ReturnTold, withFates } from './return-fates.ts';
import {
  amountOfTaxes,
  channelOf,
  financialStatusOf,
  fulfilmentStatusOf,
  idOf,
  phoneOf,
  plainDecimal,
  refundAdjustmentReason,
  restockTypeOf,
  sortedTags,
  transactionKindOf,
  transactionStatusOf,
} from './vocabulary.ts';

/** An order as read, with its refunds and fulfilments, which are read beside it. */
export interface OrderRead {
  order: OrderAnswer;
  refunds: RefundAnswer[];
  fulfilments: FulfillmentAnswer[];
  returns: ReturnTold[];
}

export function orderFromAnswer({ order, refunds, fulfilments, returns }: OrderRead): CanonicalOrder {
  const canonicalRefunds = withFates(refunds.map(refundFromAnswer), returns);
  const ofRefunds = new Set(
    canonicalRefunds.flatMap((refund) => refund.transactions.map((one) => one.remoteId)),
  );
  return assembleOrder({
    number: order.name,
    channel: channelOf(order.sourceName),
    customer:
      order.customer === null
        ? null
        : {
            remoteId: idOf(order.customer.id),
            firstName: order.customer.firstName,
            lastName: order.customer.lastName,
            email: normalizeEmail(order.customer.defaultEmailAddress?.emailAddress),
            phone: phoneOf(order.customer.defaultPhoneNumber?.phoneNumber ?? null, null),
          },
    locationRemoteId: order.retailLocation === null ? null : idOf(order.retailLocation.id),
    financialStatus: financialStatusOf(order.displayFinancialStatus),
    fulfilmentStatus: fulfilmentStatusOf(order.displayFulfillmentStatus, fulfilments.length > 0),
    currency: order.currencyCode,
    presentmentCurrency: order.presentmentCurrencyCode,
    tax: optionalBag(order.totalTaxSet),
    duties: order.dutiesIncluded
      ? zeroAmount
      : addAmounts(
          optionalBag(order.originalTotalDutiesSet),
          optionalBag(order.originalTotalAdditionalFeesSet),
        ),
    tip: bagOf(order.totalTipReceivedSet),
    total: bagOf(order.totalPriceSet),
    taxesIncluded: order.taxesIncluded,
    taxExempt: order.taxExempt,
    test: order.test,
    email: normalizeEmail(order.email),
    phone: phoneOf(order.phone, order.billingAddress?.countryCodeV2 ?? null),
    billingAddress: addressFrom(order.billingAddress),
    shippingAddress: addressFrom(order.shippingAddress),
    note: order.note,
    tags: sortedTags(order.tags),
    attributes: order.customAttributes.map((pair) => ({ name: pair.key, value: pair.value ?? '' })),
    cancelReason: order.cancelReason?.toLowerCase() ?? null,
    placedAt: order.processedAt,
    cancelledAt: order.cancelledAt,
    closedAt: order.closedAt,
    lines: order.lineItems.nodes.map(lineFrom),
    shippingLines: order.shippingLines.nodes.map(shippingLineFrom),
    discounts: order.discountApplications.nodes.toSorted((a, b) => a.index - b.index).map(discountFrom),
    transactions: order.transactions.flatMap(transactionFrom).filter((one) => !ofRefunds.has(one.remoteId)),
    fulfilments: fulfilments.map(fulfilmentFromAnswer),
    refunds: canonicalRefunds,
    receivedMinor: bagOf(order.totalReceivedSet).shop,
    cashRounding: bagOf(order.totalCashRoundingAdjustment.paymentSet),
    taxTotals: order.taxLines.map(taxLineFrom),
  });
}

function refundFromAnswer(refund: RefundAnswer): CanonicalRefund {
  return {
    remoteId: idOf(refund.id),
    note: refund.note,
    refundedAt: refund.processedAt,
    lines: refund.refundLineItems.nodes.map((line) => ({
      remoteId: idOf(line.id ?? line.lineItem.id),
      lineRemoteId: idOf(line.lineItem.id),
      quantity: line.quantity,
      restockType: restockTypeOf(line.restockType),
      locationRemoteId: line.location === null ? null : idOf(line.location.id),
      subtotal: bagOf(line.subtotalSet),
      tax: bagOf(line.totalTaxSet),
    })),
    adjustments: [
      ...refund.refundShippingLines.nodes.map((line) => ({
        remoteId: idOf(line.id),
        kind: 'shipping_refund' as const,
        reason: null,
        amount: bagOf(line.subtotalAmountSet),
        tax: bagOf(line.taxAmountSet),
      })),
      ...(refund.duties ?? []).map((one, index) => ({
        remoteId: `duty-${one.originalDuty === null ? index : idOf(one.originalDuty.id)}`,
        kind: 'duty_refund' as const,
        reason: null,
        amount: bagOf(one.amountSet),
        tax: zeroAmount,
      })),
      ...refund.orderAdjustments.nodes.map((one) => ({
        remoteId: idOf(one.id),
        kind: 'refund_discrepancy' as const,
        reason: refundAdjustmentReason(one.reason),
        // Shopify counts from the order's side: what went to the customer is below zero.
        amount: subtract(zeroAmount, bagOf(one.amountSet)),
        tax: subtract(zeroAmount, bagOf(one.taxAmountSet)),
      })),
      // Given back in whole coins: else what they lack or have too much would pay for something, or be goodwill.
      ...refund.transactions.nodes.flatMap((one) => {
        const amount = optionalBag(one.amountRoundingSet);
        const isGiven = one.status === 'SUCCESS' || one.status === 'PENDING';
        return !isGiven || amount.shop === 0n
          ? []
          : [
              {
                remoteId: `coins-${idOf(one.id)}`,
                kind: 'cash_rounding' as const,
                reason: null,
                amount,
                tax: zeroAmount,
              },
            ];
      }),
    ],
    transactions: refund.transactions.nodes.flatMap(transactionFrom),
  };
}

export function customerFromAnswer(customer: CustomerAnswer): CanonicalCustomer {
  const address = addressFrom(customer.defaultAddress);
  return {
    firstName: customer.firstName,
    lastName: customer.lastName,
    ...(address?.company ? { company: address.company } : {}),
    email: normalizeEmail(customer.defaultEmailAddress?.emailAddress),
    phone: phoneOf(customer.defaultPhoneNumber?.phoneNumber ?? null, address?.countryCode ?? null),
    address,
    note: customer.note,
    tags: sortedTags(customer.tags),
    taxExempt: customer.taxExempt,
  };
}

export function productFromAnswer(product: ProductAnswer, shopCurrency: string): CanonicalProduct {
  const status = product.status.toLowerCase();
  return {
    title: product.title,
    vendor: product.vendor,
    productType: product.productType,
    // Unlisted products are sold to whoever has the link.
    status: status === 'draft' || status === 'archived' ? status : 'active',
    handle: product.handle,
    tags: sortedTags(product.tags),
    variants: product.variants.nodes.map((variant) => variantFrom(variant, shopCurrency)),
  };
}

export function locationFromAnswer(location: LocationAnswer): CanonicalLocation {
  const { address } = location;
  return {
    name: location.name,
    active: location.isActive,
    address: {
      firstName: null,
      lastName: null,
      company: null,
      address1: address.address1,
      address2: address.address2,
      city: address.city,
      province: address.province,
      zip: address.zip,
      countryCode: address.countryCode,
      phone: phoneOf(address.phone, address.countryCode),
    },
  };
}

function fulfilmentFromAnswer(fulfilment: FulfillmentAnswer): CanonicalFulfilment {
  const told = (pick: (info: FulfillmentAnswer['trackingInfo'][number]) => string | null): string[] =>
    fulfilment.trackingInfo.map(pick).filter((value) => value !== null);
  return {
    remoteId: idOf(fulfilment.id),
    status: fulfilmentState(fulfilment.status),
    trackingCompany: told((info) => info.company)[0] ?? null,
    trackingNumbers: told((info) => info.number),
    trackingUrls: told((info) => info.url),
    locationRemoteId: fulfilment.location === null ? null : idOf(fulfilment.location.id),
    createdAt: fulfilment.createdAt,
    updatedAt: fulfilment.updatedAt,
    lines: fulfilment.fulfillmentLineItems.nodes.map((line) => ({
      lineRemoteId: idOf(line.lineItem.id),
      quantity: line.quantity ?? 0,
    })),
  };
}

function lineFrom(line: LineAnswer): CanonicalOrderLine {
  const allocations = line.discountAllocations.map(allocationFrom);
  const taxLines = line.taxLines.map(taxLineFrom);
  return {
    remoteId: idOf(line.id),
    variantRemoteId: line.variant === null ? null : idOf(line.variant.id),
    title: line.title,
    variantTitle: line.variantTitle,
    sku: line.sku,
    vendor: line.vendor,
    quantity: line.quantity,
    refundedQuantity: line.quantity - line.currentQuantity,
    unitPrice: bagOf(line.originalUnitPriceSet),
    discount: addAmounts(...allocations.map((one) => one.amount)),
    tax: amountOfTaxes(taxLines),
    taxable: line.taxable,
    giftCard: line.isGiftCard,
    requiresShipping: line.requiresShipping,
    duties: addAmounts(...line.duties.map((duty) => bagOf(duty.price))),
    properties: line.customAttributes.map((pair) => ({ name: pair.key, value: pair.value ?? '' })),
    allocations,
    taxLines,
  };
}

function shippingLineFrom(line: ShippingLineAnswer): CanonicalShippingLine {
  const allocations = line.discountAllocations.map(allocationFrom);
  const taxLines = line.taxLines.map(taxLineFrom);
  return {
    remoteId: idOf(line.id ?? line.title),
    title: line.title,
    code: line.code,
    price: bagOf(line.originalPriceSet),
    discount: addAmounts(...allocations.map((one) => one.amount)),
    tax: amountOfTaxes(taxLines),
    allocations,
    taxLines,
  };
}

function allocationFrom(allocation: AllocationAnswer): CanonicalAllocation {
  return {
    discountIndex: allocation.discountApplication.index,
    amount: bagOf(allocation.allocatedAmountSet),
  };
}

function taxLineFrom(line: TaxLineAnswer): CanonicalTaxLine {
  return {
    title: line.title,
    rate: plainDecimal(line.rate ?? 0),
    amount: bagOf(line.priceSet),
    channelLiable: line.channelLiable ?? false,
  };
}

function discountFrom(discount: DiscountApplicationAnswer): CanonicalDiscount {
  const kinds: Record<string, CanonicalDiscount['kind']> = {
    DiscountCodeApplication: 'code',
    AutomaticDiscountApplication: 'automatic',
    ScriptDiscountApplication: 'script',
  };
  const { percentage, amount } = discount.value;
  return {
    kind: kinds[discount.__typename] ?? 'manual',
    code: discount.code ?? null,
    title: discount.title ?? null,
    valueType: percentage === undefined ? 'fixed_amount' : 'percentage',
    value: plainDecimal(percentage ?? amount ?? '0'),
    targetType: discount.targetType === 'SHIPPING_LINE' ? 'shipping_line' : 'line_item',
    allocationMethod: discount.allocationMethod.toLowerCase() as CanonicalDiscount['allocationMethod'],
  };
}

function transactionFrom(transaction: TransactionAnswer): CanonicalTransaction[] {
  const kind = transactionKindOf(transaction.kind);
  if (kind === null) return [];
  return [
    {
      remoteId: idOf(transaction.id),
      parentRemoteId: transaction.parentTransaction === null ? null : idOf(transaction.parentTransaction.id),
      kind,
      status: transactionStatusOf(transaction.status),
      gateway: transaction.gateway ?? 'unknown',
      amount: addAmounts(bagOf(transaction.amountSet), optionalBag(transaction.amountRoundingSet)),
      processedAt: transaction.processedAt,
    },
  ];
}

function variantFrom(variant: VariantAnswer, shopCurrency: string): CanonicalVariant {
  const { unitCost } = variant.inventoryItem;
  return {
    remoteId: idOf(variant.id),
    inventoryItemRemoteId: idOf(variant.inventoryItem.id),
    sku: variant.sku,
    barcode: variant.barcode,
    title: variant.title,
    position: variant.position,
    priceMinor: parseMinor(variant.price, shopCurrency),
    costMinor: unitCost === null ? null : roundedMinor(unitCost.amount, unitCost.currencyCode),
    currency: shopCurrency,
    taxable: variant.taxable,
    tracked: variant.inventoryItem.tracked,
    sellsWhenOutOfStock: variant.inventoryPolicy === 'CONTINUE',
  };
}

/** Costs are estimates and may have more decimals than the currency: half a unit rounds up. */
function roundedMinor(decimal: string, currency: string): bigint {
  const exponent = currencyExponent(currency);
  const [whole = '0', fraction = ''] = decimal.split('.');
  const kept = parseMinor(`${whole}.${fraction.slice(0, exponent)}`, currency);
  return (fraction[exponent] ?? '0') >= '5' ? kept + 1n : kept;
}

function addressFrom(address: AddressAnswer | null): Address | null {
  if (address === null) return null;
  const { countryCodeV2, ...rest } = address;
  return { ...rest, countryCode: countryCodeV2, phone: phoneOf(address.phone, countryCodeV2) };
}

function bagOf(bag: MoneyBag): Amount {
  return {
    shop: parseMinor(bag.shopMoney.amount, bag.shopMoney.currencyCode),
    presentment: parseMinor(bag.presentmentMoney.amount, bag.presentmentMoney.currencyCode),
  };
}

function optionalBag(bag: MoneyBag | null): Amount {
  return bag === null ? zeroAmount : bagOf(bag);
}
