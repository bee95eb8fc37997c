import { allocate } from './allocate.ts';
import { mulDiv } from './money.ts';

/** What is being bought, in one currency. */
export interface PriceInput {
  lines: readonly { unitMinor: number; quantity: number; taxable: boolean }[];
  /** In the order in which they apply; their index names them in the result. */
  discounts: readonly PriceDiscount[];
  shipping: readonly { priceMinor: number }[];
  taxRatesPpm: readonly number[];
  taxesIncluded: boolean;
  taxShipping: boolean;
  tipMinor: number;
}

export interface PriceDiscount {
  /** `lines` names lines by index; `order` spreads over every line; `shipping` reduces the shipping price. */
  target: { kind: 'lines'; indices: readonly number[] } | { kind: 'order' } | { kind: 'shipping' };
  value: { kind: 'percentage'; ppm: number } | { kind: 'fixed'; minor: number };
}

export interface PricedPart {
  grossMinor: number;
  /** One entry per discount of the order, zero where it does not touch this part. */
  discountMinors: number[];
  netMinor: number;
  /** One entry per tax rate of the order. */
  taxMinors: number[];
}

export interface PricedOrder {
  lines: PricedPart[];
  shipping: PricedPart[];
  subtotalMinor: number;
  discountsMinor: number;
  shippingMinor: number;
  taxMinor: number;
  totalMinor: number;
}

/** Prices an order to the minor unit: every total is the sum of its parts. */
export function priceOrder(input: PriceInput): PricedOrder {
  const lines = input.lines.map((line) => startPart(line.unitMinor * line.quantity));
  const shipping = input.shipping.map((line) => startPart(line.priceMinor));
  for (const discount of input.discounts) {
    const targets = targetsOf(discount, lines, shipping);
    const base = sum(targets.map((part) => part.netMinor));
    const amount =
      discount.value.kind === 'percentage'
        ? mulDiv(base, Math.min(discount.value.ppm, 1_000_000), 1_000_000)
        : Math.min(discount.value.minor, base);
    const shares = allocate(
      amount,
      targets.map((part) => part.netMinor),
    );
    for (const part of [...lines, ...shipping]) {
      const position = targets.indexOf(part);
      const share = position < 0 ? 0 : (shares[position] ?? 0);
      part.discountMinors.push(share);
      part.netMinor -= share;
    }
  }
  for (const [index, line] of lines.entries()) {
    line.taxMinors = taxesOn(
      line.netMinor,
      input.lines[index]?.taxable === true,
      input.taxRatesPpm,
      input.taxesIncluded,
    );
  }
  for (const part of shipping) {
    part.taxMinors = taxesOn(part.netMinor, input.taxShipping, input.taxRatesPpm, input.taxesIncluded);
  }
  const parts = [...lines, ...shipping];
  const subtotalMinor = sum(lines.map((line) => line.netMinor));
  const shippingMinor = sum(shipping.map((part) => part.netMinor));
  const taxMinor = sum(parts.flatMap((part) => part.taxMinors));
  return {
    lines,
    shipping,
    subtotalMinor,
    discountsMinor: sum(parts.flatMap((part) => part.discountMinors)),
    shippingMinor,
    taxMinor,
    totalMinor: subtotalMinor + shippingMinor + (input.taxesIncluded ? 0 : taxMinor) + input.tipMinor,
  };
}

/** Taxes on a net amount, one per rate; included taxes are the part of the amount that is tax. */
export function taxesOn(
  netMinor: number,
  taxable: boolean,
  ratesPpm: readonly number[],
  included: boolean,
): number[] {
  if (!taxable) return ratesPpm.map(() => 0);
  if (!included) return ratesPpm.map((rate) => mulDiv(netMinor, rate, 1_000_000));
  const all = sum(ratesPpm);
  return allocate(mulDiv(netMinor, all, 1_000_000 + all), ratesPpm);
}

function startPart(grossMinor: number): PricedPart {
  return { grossMinor, discountMinors: [], netMinor: grossMinor, taxMinors: [] };
}

function targetsOf(discount: PriceDiscount, lines: PricedPart[], shipping: PricedPart[]): PricedPart[] {
  const { target } = discount;
  if (target.kind === 'shipping') return shipping;
  if (target.kind === 'order') return lines;
  return target.indices.flatMap((index) => lines[index] ?? []);
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
