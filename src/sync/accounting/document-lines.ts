import { allocate } from '../../model/money.ts';
import type { OrderSnapshot, TaxSnapshot } from '../../model/snapshot.ts';

/** What a line of a document is; each kind that is no product has an item and an account of its own. */
export type DocumentLineKind =
  | 'sale'
  /** Money received for later: a debt, not income. */
  | 'giftCard'
  /** Negative on a sale; one line per tax treatment, so that each rate's base stays right. */
  | 'discount'
  | 'shipping'
  | 'duties'
  | 'tip'
  /** Collected and owed by the channel, not by the retailer. */
  | 'channelTax'
  /** Tax of ours that no line of the order explains. */
  | 'otherTax'
  /** Cash paid in whole coins. */
  | 'rounding'
  | 'difference'
  /** Goods given back that did not return to stock, and nobody said why: the income is taken back, the cost stays where it is. */
  | 'notRestocked'
  /** Goods that came back and cannot be sold: what they had earned is written off on an account of its own. */
  | 'damaged'
  /** Goods whose price was given back and which the customer kept or the carrier lost: the cost stays. */
  | 'notReturned'
  /** What was given back beyond (or kept back from) what came back: goodwill, restocking fees. */
  | 'refundAdjustment'
  /** Money that came in beyond the total: owed back to the customer. Below zero: what a receipt that was added to still lacks. */
  | 'overpayment'
  /** Tenders that are no money: they settle a part of the document instead of an account for money. */
  | 'giftCardTender'
  | 'storeCreditTender'
  | 'exchangeTender';

export interface TaxName {
  title: string;
  /** Decimal string: 0.19 is 19 %. */
  rate: string;
}

export interface DocumentLine {
  kind: DocumentLineKind;
  /** Order line behind it, for sales and gift cards. */
  orderLineId: bigint | null;
  variantId: bigint | null;
  sku: string | null;
  title: string;
  description: string;
  quantity: number;
  /** As the customer saw it, per piece. */
  unitPriceMinor: bigint;
  netMinor: bigint;
  /** The line's share of `taxes`. */
  taxMinor: bigint;
  /** The taxes that apply to it; none: not taxed. */
  taxes: TaxName[];
}

export interface DocumentTax extends TaxName {
  amountMinor: bigint;
  /** What it was counted on. */
  baseMinor: bigint;
}

export function plainLine(
  kind: DocumentLineKind,
  title: string,
  amountMinor: bigint,
  taxes: TaxName[] = [],
): DocumentLine {
  return {
    kind,
    orderLineId: null,
    variantId: null,
    sku: null,
    title,
    description: title,
    quantity: 1,
    unitPriceMinor: amountMinor,
    netMinor: amountMinor,
    taxMinor: 0n,
    taxes,
  };
}

export function discountTitle(order: OrderSnapshot): string {
  const names = order.discounts.flatMap((one) => one.code ?? one.title ?? []);
  return names.length === 0 ? 'Discount' : `Discount ${[...new Set(names)].join(', ')}`;
}

/** amount × part / whole, rounded half away from zero; all of it where there is no whole to divide by. */
export function share(amountMinor: bigint, part: bigint, whole: bigint): bigint {
  if (whole === 0n) return amountMinor;
  const numerator = amountMinor * part;
  const isNegative = numerator < 0n !== whole < 0n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = whole < 0n ? -whole : whole;
  const rounded = (2n * n + d) / (2n * d);
  return isNegative ? -rounded : rounded;
}

/** Spreads an amount over lines by what they earn. */
export function spread(amountMinor: bigint, lines: readonly DocumentLine[]): bigint[] {
  return allocate(
    amountMinor,
    lines.map((line) => (line.netMinor > 0n ? line.netMinor : 0n)),
  );
}

/** The names of the taxes, each once and in a fixed order: lines of one treatment compare equal. */
export function treatmentOf(taxes: readonly TaxSnapshot[]): TaxName[] {
  const names = new Map<string, TaxName>();
  for (const { title, rate } of taxes) names.set(keyOf([{ title, rate }]), { title, rate });
  return [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
}

export function keyOf(taxes: readonly TaxName[]): string {
  return taxes.map((tax) => `${tax.title}\n${tax.rate}`).join('\n\n');
}

/** Fills in what each tax was counted on. */
export function countBases(taxes: readonly DocumentTax[], lines: readonly DocumentLine[]): void {
  for (const tax of taxes)
    tax.baseMinor = lines.reduce(
      (all, line) => (line.taxes.some((one) => keyOf([one]) === keyOf([tax])) ? all + line.netMinor : all),
      0n,
    );
}

/** In a fixed order: the same order gives the same document, however its rows were read. */
export function sortedTaxes(taxes: ReadonlyMap<string, DocumentTax>): DocumentTax[] {
  return [...taxes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, tax]) => tax);
}

export function sumAmounts(parts: readonly { amountMinor: bigint }[]): bigint {
  return parts.reduce((all, part) => all + part.amountMinor, 0n);
}

export function sumNet(lines: readonly DocumentLine[]): bigint {
  return lines.reduce((all, line) => all + line.netMinor, 0n);
}

/** The smaller of two amounts; Math.min knows no bigint. */
export function least(one: bigint, other: bigint): bigint {
  if (one < other) return one;
  return other;
}
