import fc from 'fast-check';
import type { OrderSnapshot, TaxSnapshot } from '../../src/model/snapshot.ts';
import { customer, order, orderLine } from './memory-session.ts';

/** Taxes of the generated shop; several may apply to one line. */
const treatments: readonly (readonly { title: string; rate: string; channelLiable: boolean }[])[] = [
  [],
  [{ title: 'VAT', rate: '0.2', channelLiable: false }],
  [{ title: 'VAT', rate: '0.05', channelLiable: false }],
  [{ title: 'VAT', rate: '0.0', channelLiable: false }],
  [{ title: 'Channel VAT', rate: '0.2', channelLiable: true }],
  [
    { title: 'State', rate: '0.0725', channelLiable: false },
    { title: 'District', rate: '0.03', channelLiable: false },
  ],
];

export interface GeneratedOrderOptions {
  /** Positions in `treatments` that may occur; all by default. */
  treatments?: readonly number[];
  currency?: string;
  /** Taxes tied to the order and to no line; on by default. */
  orderTaxes?: boolean;
}

/**
 * Orders as shops make them: odd prices, quantities, discounts up to all of it, several tax rates in or on top of
 * prices, shipping, tips, duties, gift cards, taxes tied to no line. The total is the sum of the parts.
 */
export function generatedOrder(options: GeneratedOrderOptions = {}): fc.Arbitrary<OrderSnapshot> {
  const choices = options.treatments ?? treatments.map((_, index) => index);
  const part = fc.record({
    unitPriceMinor: fc.bigInt({ min: 0n, max: 99_999n }),
    quantity: fc.integer({ min: 0, max: 7 }),
    discountShare: fc.integer({ min: 0, max: 100 }),
    isDiscounted: fc.boolean(),
    treatment: fc.constantFrom(...choices),
    /** Platforms round in their own way: amounts are given, not counted. */
    taxDrift: fc.integer({ min: -1, max: 1 }),
    giftCard: fc.boolean(),
  });
  return fc
    .record({
      lines: fc.array(part, { minLength: 1, maxLength: 6 }),
      shipping: fc.array(part, { maxLength: 2 }),
      taxesIncluded: fc.boolean(),
      tipMinor: fc.constantFrom(0n, 1n, 500n),
      dutiesMinor: fc.constantFrom(0n, 333n),
      orderTax: fc.constantFrom(0n, 0n, 7n, 250n),
      orderTaxKnown: fc.boolean(),
    })
    .map((given) => {
      const isIncluded = given.taxesIncluded;
      const priced = (one: (typeof given.lines)[number], quantity: number) => {
        const gross = one.unitPriceMinor * BigInt(quantity);
        const discountMinor = one.isDiscounted ? (gross * BigInt(one.discountShare)) / 100n : 0n;
        const taxes: TaxSnapshot[] = (treatments[one.treatment] ?? []).map((tax) => {
          const ppm = BigInt(Math.round(Number(tax.rate) * 1_000_000));
          const base = gross - discountMinor;
          const exact = isIncluded ? (base * ppm) / (1_000_000n + ppm) : (base * ppm) / 1_000_000n;
          const drifted = exact + BigInt(one.taxDrift);
          return { ...tax, amountMinor: exact === 0n || drifted < 0n ? exact : drifted };
        });
        return { discountMinor, taxes, taxMinor: taxes.reduce((all, tax) => all + tax.amountMinor, 0n) };
      };
      const lines = given.lines.map((one, index) =>
        orderLine({
          id: BigInt(index + 1),
          remoteId: String(index + 1),
          variantId: BigInt(100 + index),
          sku: `SKU-${index}`,
          title: `Product ${index}`,
          variantTitle: null,
          unitPriceMinor: one.unitPriceMinor,
          quantity: one.quantity,
          giftCard: one.giftCard && one.treatment === 0,
          ...priced(one, one.quantity),
        }),
      );
      const shippingLines = given.shipping.map((one, index) => ({
        id: BigInt(index + 1),
        title: 'Parcel',
        priceMinor: one.unitPriceMinor,
        ...priced(one, 1),
      }));
      const onParts = [...lines, ...shippingLines].flatMap((one) => one.taxes);
      // Included tax is inside of something that was sold.
      const carriesMore =
        !isIncluded ||
        lines.some(
          (one) => !one.giftCard && one.unitPriceMinor * BigInt(one.quantity) - one.discountMinor > 1_000n,
        );
      const extra: TaxSnapshot[] =
        options.orderTaxes === false || given.orderTax === 0n || !carriesMore
          ? []
          : [
              {
                title: given.orderTaxKnown ? 'VAT' : 'Eco levy',
                rate: given.orderTaxKnown ? '0.2' : '0.01',
                amountMinor: given.orderTax,
                channelLiable: false,
              },
            ];
      const taxes = new Map<string, TaxSnapshot>();
      for (const tax of [...onParts, ...extra]) {
        const key = `${tax.title} ${tax.rate} ${tax.channelLiable}`;
        taxes.set(key, { ...tax, amountMinor: tax.amountMinor + (taxes.get(key)?.amountMinor ?? 0n) });
      }
      const currency = options.currency ?? 'USD';
      return order({
        customer: customer({ currency }),
        currency,
        presentmentCurrency: currency,
        taxesIncluded: isIncluded,
        lines,
        shippingLines,
        tipMinor: given.tipMinor,
        dutiesMinor: given.dutiesMinor,
        taxes: [...taxes.values()],
      });
    });
}
