import type { CanonicalOrderLine, CanonicalTaxLine, NameValue } from '../../../model/order.ts';
import type { OrderItemPayload } from './payloads.ts';
import { abs, amountOf, likelyRate, minorOf, textOf } from './vocabulary.ts';

/** What one item of an order costs, by what it is paid for. Minor units; discounts are positive. */
interface ItemCharges {
  goods: bigint;
  goodsDiscount: bigint;
  goodsTax: bigint;
  shipping: bigint;
  shippingDiscount: bigint;
  shippingTax: bigint;
  wrap: bigint;
  wrapTax: bigint;
  codFee: bigint;
  other: bigint;
  /** Amazon collects the tax and hands it to the authority: the retailer neither receives nor owes it. */
  taxByAmazon: boolean;
  /** Null where nothing tells. */
  taxIncluded: boolean | null;
}

/** Models under which Amazon withholds and remits the tax. */
const collectedByAmazon = /^(MARKETPLACE_FACILITATOR|LOW_VALUE_GOODS)$/;

export function chargesOf(item: OrderItemPayload): ItemCharges {
  const breakdowns = item.proceeds?.breakdowns ?? [];
  const ofType = (type: string) => breakdowns.filter((one) => one.type === type);
  const total = (type: string): bigint => ofType(type).reduce((sum, one) => sum + minorOf(one.subtotal), 0n);
  const detail = (type: string, subtype: string): bigint =>
    ofType(type)
      .flatMap((one) => one.detailedBreakdowns ?? [])
      .filter((one) => one.subtype === subtype)
      .reduce((sum, one) => sum + minorOf(one.value), 0n);

  const unitPrice = minorOf(item.product.price?.unitPrice);
  const goods = ofType('ITEM').length > 0 ? total('ITEM') : unitPrice * BigInt(item.quantityOrdered);
  const shippingDiscount = abs(detail('DISCOUNT', 'SHIPPING'));
  const shippingTax = detail('TAX', 'SHIPPING');
  const wrapTax = detail('TAX', 'GIFT_WRAP');
  const charges = {
    goods,
    goodsDiscount: abs(total('DISCOUNT')) - shippingDiscount,
    goodsTax: total('TAX') - shippingTax - wrapTax,
    shipping: total('SHIPPING'),
    shippingDiscount,
    shippingTax,
    wrap: total('GIFT_WRAP'),
    wrapTax,
    codFee: total('COD_FEE'),
    other: total('OTHER'),
    taxByAmazon: (item.tax?.taxCollections ?? []).some((one) => collectedByAmazon.test(one.model ?? '')),
  };
  return { ...charges, taxIncluded: isTaxIncluded(charges, item) };
}

/** Amazon does not say it: what the item comes to in all does. */
function isTaxIncluded(
  charges: Omit<ItemCharges, 'taxIncluded'>,
  { proceeds }: OrderItemPayload,
): boolean | null {
  const tax = charges.goodsTax + charges.shippingTax + charges.wrapTax;
  if (tax === 0n || proceeds?.proceedsTotal == null) return null;
  const { goods, goodsDiscount, shipping, shippingDiscount, wrap, codFee, other } = charges;
  const priced = goods - goodsDiscount + shipping - shippingDiscount + wrap + codFee + other;
  return minorOf(proceeds.proceedsTotal) === priced;
}

/** The item as an order line, and what was charged beside it (gift wrap, fees) as lines of their own without goods. */
export function linesOf(
  item: OrderItemPayload,
  charges: ItemCharges,
  context: { taxesIncluded: boolean; isCancelled: boolean; discountIndex: number },
): CanonicalOrderLine[] {
  const quantity = quantityOf(item, context.isCancelled);
  const goods = pricedPer(charges.goods, quantity);
  // A price that does not divide by its pieces is rounded up, and the rest taken off again.
  const discount = charges.goodsDiscount + goods.excess;
  const sku = textOf(item.product.sellerSku);
  const line: CanonicalOrderLine = {
    ...extra(item.orderItemId, item.product.title ?? sku ?? 'Item', goods.unit, quantity),
    variantRemoteId: sku,
    sku,
    discount: amountOf(discount),
    tax: amountOf(charges.goodsTax),
    taxable: charges.goodsTax !== 0n,
    requiresShipping: true,
    properties: propertiesOf(item),
    allocations:
      discount === 0n ? [] : [{ discountIndex: context.discountIndex, amount: amountOf(discount) }],
    taxLines: taxLines(
      charges.goodsTax,
      charges.goods - charges.goodsDiscount,
      charges,
      context.taxesIncluded,
    ),
  };
  const wrap: CanonicalOrderLine = {
    ...extra(`${item.orderItemId}:gift-wrap`, 'Gift wrap', charges.wrap, 1),
    tax: amountOf(charges.wrapTax),
    taxable: charges.wrapTax !== 0n,
    taxLines: taxLines(charges.wrapTax, charges.wrap, charges, context.taxesIncluded),
  };
  return [
    line,
    ...(charges.wrap !== 0n || charges.wrapTax !== 0n ? [wrap] : []),
    ...(charges.codFee !== 0n
      ? [extra(`${item.orderItemId}:cod-fee`, 'Cash on delivery fee', charges.codFee, 1)]
      : []),
    ...(charges.other !== 0n ? [extra(`${item.orderItemId}:other`, 'Other charges', charges.other, 1)] : []),
  ];
}

/** Of an order that goes on, an item that was cancelled counts only as far as it is still to be sent. */
function quantityOf(item: OrderItemPayload, isCancelled: boolean): number {
  if (isCancelled || item.cancellation?.cancellationExecution == null) return item.quantityOrdered;
  const { quantityFulfilled, quantityUnfulfilled } = item.fulfillment ?? {};
  return Math.min(item.quantityOrdered, (quantityFulfilled ?? 0) + (quantityUnfulfilled ?? 0));
}

function pricedPer(totalMinor: bigint, quantity: number): { unit: bigint; excess: bigint } {
  if (quantity === 0) return { unit: 0n, excess: 0n };
  const pieces = BigInt(quantity);
  const unit = (totalMinor + pieces - 1n) / pieces;
  return { unit, excess: unit * pieces - totalMinor };
}

function extra(
  remoteId: string,
  title: string,
  unitPriceMinor: bigint,
  quantity: number,
): CanonicalOrderLine {
  return {
    remoteId,
    variantRemoteId: null,
    title,
    variantTitle: null,
    sku: null,
    vendor: null,
    quantity,
    refundedQuantity: 0,
    unitPrice: amountOf(unitPriceMinor),
    discount: amountOf(0n),
    tax: amountOf(0n),
    taxable: false,
    giftCard: false,
    requiresShipping: false,
    duties: amountOf(0n),
    properties: [],
    allocations: [],
    taxLines: [],
  };
}

/** `baseMinor` is the price after discounts, the tax within it where prices contain it. */
export function taxLines(
  taxMinor: bigint,
  baseMinor: bigint,
  { taxByAmazon }: Pick<ItemCharges, 'taxByAmazon'>,
  taxesIncluded: boolean,
): CanonicalTaxLine[] {
  if (taxMinor === 0n) return [];
  return [
    {
      title: taxByAmazon ? 'Tax collected by Amazon' : taxesIncluded ? 'VAT' : 'Sales tax',
      rate: likelyRate(taxMinor, taxesIncluded ? baseMinor - taxMinor : baseMinor),
      amount: amountOf(taxMinor),
      channelLiable: taxByAmazon,
    },
  ];
}

function propertiesOf(item: OrderItemPayload): NameValue[] {
  const gift = item.fulfillment?.packing?.giftOption;
  const named: [string, string | null | undefined][] = [
    ['ASIN', item.product.asin],
    ['Gift wrap', gift?.giftWrapLevel],
    ['Gift message', gift?.giftMessage],
    ['Customisation', item.product.customization?.customizedUrl],
    ['Cancellation requested', item.cancellation?.cancellationRequest?.cancelReason],
    ['Cancelled because', item.cancellation?.cancellationExecution?.cancelReason],
  ];
  return named.flatMap(([name, value]) =>
    textOf(value) === null ? [] : [{ name, value: textOf(value) ?? '' }],
  );
}
