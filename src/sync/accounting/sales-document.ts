import type { OrderLineSnapshot, OrderSnapshot, TaxSnapshot } from '../../model/snapshot.ts';
import {
  countBases,
  type DocumentLine,
  type DocumentTax,
  discountTitle,
  keyOf,
  plainLine,
  share,
  sortedTaxes,
  spread,
  sumAmounts,
  sumNet,
  treatmentOf,
} from './document-lines.ts';

/**
 * What an order is in the books, in our words: lines without tax, tax per rate, and a total that is the order's to the
 * minor unit. Pure; which account, item or tax code stands behind it is the platform's business.
 *
 * Σ line.netMinor + Σ tax.amountMinor = totalMinor, always; with prices that contain tax, Σ (netMinor + taxMinor) too.
 */
export interface SalesDocument {
  currency: string;
  /** The shop's prices contain the tax: `netMinor + taxMinor` is the price that the customer saw. */
  pricesIncludeTax: boolean;
  lines: DocumentLine[];
  /** Tax that the retailer owes, per title and rate. */
  taxes: DocumentTax[];
  totalMinor: bigint;
  /** What the parts of the order lack of its total, already part of the lines; anything but zero is worth a look. */
  differenceMinor: bigint;
}

/** The order as one document: what was sold, at what price, with which discounts and taxes. */
export function salesDocument(order: OrderSnapshot): SalesDocument {
  const isInclusive = order.taxesIncluded;
  const lines: DocumentLine[] = [];
  const discounts = new Map<string, DocumentLine>();
  let channelTaxMinor = 0n;

  const add = (part: Part): void => {
    const own = part.taxes.filter((tax) => !tax.channelLiable);
    const ownMinor = sumAmounts(own);
    const channelMinor = sumAmounts(part.taxes.filter((tax) => tax.channelLiable));
    channelTaxMinor += channelMinor;
    const treatment = treatmentOf(own);
    const gross = part.priceMinor;
    const paid = gross - part.discountMinor;
    // Included tax was counted on the price after discounts; the full price and the discount each get their share of it.
    const ownOnPrice = isInclusive ? share(ownMinor, gross, paid) : 0n;
    const channelOnPrice = isInclusive ? share(channelMinor, gross, paid) : 0n;
    lines.push({
      ...part.line,
      netMinor: gross - ownOnPrice - channelOnPrice,
      taxMinor: isInclusive ? ownOnPrice : ownMinor,
      taxes: treatment,
    });
    if (part.discountMinor === 0n) return;
    const key = keyOf(treatment);
    const line = discounts.get(key) ?? plainLine('discount', discountTitle(order), 0n, treatment);
    const ownOnDiscount = isInclusive ? ownOnPrice - ownMinor : 0n;
    const channelOnDiscount = isInclusive ? channelOnPrice - channelMinor : 0n;
    line.netMinor -= part.discountMinor - ownOnDiscount - channelOnDiscount;
    line.taxMinor -= ownOnDiscount;
    line.unitPriceMinor -= part.discountMinor;
    discounts.set(key, line);
  };

  for (const line of order.lines) {
    const priceMinor = line.unitPriceMinor * BigInt(line.quantity);
    if (priceMinor === 0n && line.discountMinor === 0n && line.quantity === 0) continue;
    add({ line: saleLine(line), priceMinor, discountMinor: line.discountMinor, taxes: line.taxes });
  }
  for (const shipping of order.shippingLines)
    add({
      line: plainLine('shipping', shipping.title, shipping.priceMinor, []),
      priceMinor: shipping.priceMinor,
      discountMinor: shipping.discountMinor,
      taxes: shipping.taxes,
    });
  lines.push(...discounts.values());
  if (order.dutiesMinor !== 0n) lines.push(plainLine('duties', 'Import duties', order.dutiesMinor, []));
  if (order.tipMinor !== 0n) lines.push(plainLine('tip', 'Tip', order.tipMinor, []));

  const taxes = orderTaxes(order, lines);
  const unplaced = placeRest(order, lines, taxes, isInclusive);
  const wholeChannelTax = sumAmounts(order.taxes.filter((tax) => tax.channelLiable));
  const channelRest = wholeChannelTax - channelTaxMinor;
  // What the channel owes is in the price already, or comes on top of it.
  if (isInclusive && channelRest !== 0n) takeFromLines(lines, channelRest);
  if (wholeChannelTax !== 0n)
    lines.push(plainLine('channelTax', 'Tax collected and owed by the sales channel', wholeChannelTax, []));
  if (unplaced !== 0n) lines.push(plainLine('otherTax', 'Tax not tied to a line', unplaced, []));

  const posted = (): bigint => sumNet(lines) + taxes.reduce((all, tax) => all + tax.amountMinor, 0n);
  let missing = order.totalMinor - posted();
  if (order.roundingMinor !== 0n && missing === order.roundingMinor) {
    lines.push(plainLine('rounding', 'Cash rounding', order.roundingMinor, []));
    missing = 0n;
  }
  // A document needs a line, also where an edit has left nothing.
  if (lines.length === 0 && missing === 0n)
    lines.push(plainLine('sale', 'Nothing is left of this order', 0n, []));
  if (missing !== 0n)
    lines.push(plainLine('difference', 'Difference to the total of the order', missing, []));
  countBases(taxes, lines);
  return {
    currency: order.currency,
    pricesIncludeTax: isInclusive,
    lines,
    taxes,
    totalMinor: order.totalMinor,
    differenceMinor: missing,
  };
}

interface Part {
  line: DocumentLine;
  /** Before discounts. */
  priceMinor: bigint;
  discountMinor: bigint;
  taxes: readonly TaxSnapshot[];
}

function saleLine(line: OrderLineSnapshot): DocumentLine {
  const title = line.variantTitle === null ? line.title : `${line.title} – ${line.variantTitle}`;
  return {
    ...plainLine(line.giftCard ? 'giftCard' : 'sale', title, line.unitPriceMinor, []),
    orderLineId: line.id,
    variantId: line.variantId,
    sku: line.sku,
    description: line.sku === null ? title : `${title} (${line.sku})`,
    quantity: line.quantity,
  };
}

/** Our own taxes of the order, and those that a line names although they came to nothing. */
function orderTaxes(order: OrderSnapshot, lines: readonly DocumentLine[]): DocumentTax[] {
  const taxes = new Map<string, DocumentTax>();
  for (const { title, rate, amountMinor, channelLiable } of order.taxes) {
    if (channelLiable) continue;
    const key = keyOf([{ title, rate }]);
    const known = taxes.get(key);
    if (known === undefined) taxes.set(key, { title, rate, amountMinor, baseMinor: 0n });
    else known.amountMinor += amountMinor;
  }
  for (const { title, rate } of lines.flatMap((line) => line.taxes))
    if (!taxes.has(keyOf([{ title, rate }])))
      taxes.set(keyOf([{ title, rate }]), { title, rate, amountMinor: 0n, baseMinor: 0n });
  return sortedTaxes(taxes);
}

/**
 * Taxes that the platform ties to the order and not to a line. Where lines carry the same tax it stays in their rate;
 * else it leaves `taxes` and its sum is returned. Prices that contain tax give it up from their net.
 */
function placeRest(
  order: OrderSnapshot,
  lines: DocumentLine[],
  taxes: DocumentTax[],
  isInclusive: boolean,
): bigint {
  const onParts = new Map<string, bigint>();
  for (const tax of [...order.lines, ...order.shippingLines].flatMap((part) => part.taxes)) {
    if (tax.channelLiable) continue;
    onParts.set(keyOf([tax]), (onParts.get(keyOf([tax])) ?? 0n) + tax.amountMinor);
  }
  let unplaced = 0n;
  for (const tax of [...taxes]) {
    const key = keyOf([tax]);
    const carriers = lines.filter((line) => line.taxes.some((one) => keyOf([one]) === key));
    const rest = tax.amountMinor - (onParts.get(key) ?? 0n);
    if (carriers.length === 0) {
      taxes.splice(taxes.indexOf(tax), 1);
      unplaced += tax.amountMinor;
      if (isInclusive) takeFromLines(lines, tax.amountMinor);
    } else if (isInclusive && rest !== 0n) {
      for (const [index, part] of spread(rest, carriers).entries()) {
        const line = carriers[index];
        if (line === undefined) continue;
        line.netMinor -= part;
        line.taxMinor += part;
      }
    }
  }
  return unplaced;
}

/** Takes an amount that prices contain out of the net of what was sold. */
function takeFromLines(lines: DocumentLine[], amountMinor: bigint): void {
  const sold = lines.filter((line) => line.kind === 'sale' || line.kind === 'shipping');
  for (const [index, part] of spread(amountMinor, sold).entries()) {
    const line = sold[index];
    if (line !== undefined) line.netMinor -= part;
  }
}
