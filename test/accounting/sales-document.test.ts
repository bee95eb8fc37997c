import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TaxSnapshot } from '../../src/model/snapshot.ts';
import { type SalesDocument, salesDocument } from '../../src/sync/accounting/sales-document.ts';
import { generatedOrder } from '../platforms/generated-order.ts';
import { order, orderLine } from '../platforms/memory-session.ts';

function sum(values: readonly bigint[]): bigint {
  return values.reduce((all, one) => all + one, 0n);
}

function netOf(document: SalesDocument): bigint {
  return sum(document.lines.map((line) => line.netMinor));
}

const vat = (amountMinor: bigint, rate = '0.19'): TaxSnapshot => ({
  title: 'VAT',
  rate,
  amountMinor,
  channelLiable: false,
});

describe('a sales document', () => {
  it('adds up to the order, per line, per tax and in all, whatever the order', () => {
    fc.assert(
      fc.property(generatedOrder(), (generated) => {
        const document = salesDocument(generated);
        expect(document.differenceMinor).toBe(0n);
        expect(netOf(document) + sum(document.taxes.map((tax) => tax.amountMinor))).toBe(
          generated.totalMinor,
        );
        const placed = new Map(document.taxes.map((tax) => [`${tax.title} ${tax.rate}`, tax.amountMinor]));
        const asLine = sum(
          document.lines.filter((line) => line.kind === 'otherTax').map((line) => line.netMinor),
        );
        const channel = sum(
          document.lines.filter((line) => line.kind === 'channelTax').map((line) => line.netMinor),
        );
        let own = 0n;
        let owedByChannel = 0n;
        for (const tax of generated.taxes) {
          if (tax.channelLiable) owedByChannel += tax.amountMinor;
          else own += tax.amountMinor;
          const amount = placed.get(`${tax.title} ${tax.rate}`);
          if (!tax.channelLiable && amount !== undefined) expect(amount).toBe(tax.amountMinor);
        }
        expect(sum([...placed.values()]) + asLine).toBe(own);
        expect(channel).toBe(owedByChannel);
        if (document.pricesIncludeTax)
          expect(sum(document.lines.map((line) => line.netMinor + line.taxMinor))).toBe(generated.totalMinor);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same however the rows of the order were read', () => {
    fc.assert(
      fc.property(generatedOrder(), (generated) => {
        const shuffled = { ...generated, taxes: generated.taxes.toReversed() };
        expect(salesDocument(shuffled)).toEqual(salesDocument(generated));
      }),
    );
  });

  it('takes tax out of prices that contain it, from the full price and from the discount alike', () => {
    const document = salesDocument(
      order({
        taxesIncluded: true,
        lines: [
          orderLine({ unitPriceMinor: 11_900n, quantity: 1, discountMinor: 1_190n, taxes: [vat(1_710n)] }),
        ],
        discounts: [{ kind: 'code', code: 'TEN', title: null, amountMinor: 1_190n }],
      }),
    );
    expect(
      document.lines.map(({ kind, title, netMinor, taxMinor }) => [kind, title, netMinor, taxMinor]),
    ).toEqual([
      ['sale', 'Wool jumper – Blue / M', 10_000n, 1_900n],
      ['discount', 'Discount TEN', -1_000n, -190n],
    ]);
    expect(document.taxes).toEqual([{ title: 'VAT', rate: '0.19', amountMinor: 1_710n, baseMinor: 9_000n }]);
    expect(document.totalMinor).toBe(10_710n);
  });

  it('keeps one discount line per tax treatment, so that each rate keeps its base', () => {
    const document = salesDocument(
      order({
        lines: [
          orderLine({
            id: 1n,
            unitPriceMinor: 10_000n,
            quantity: 1,
            discountMinor: 1_000n,
            taxes: [vat(1_710n)],
          }),
          orderLine({
            id: 2n,
            unitPriceMinor: 5_000n,
            quantity: 1,
            discountMinor: 500n,
            taxes: [vat(315n, '0.07')],
          }),
          orderLine({ id: 3n, unitPriceMinor: 5_000n, quantity: 1, discountMinor: 500n, taxes: [vat(855n)] }),
        ],
      }),
    );
    expect(
      document.lines
        .filter((line) => line.kind === 'discount')
        .map((line) => [line.taxes[0]?.rate, line.netMinor]),
    ).toEqual([
      ['0.19', -1_500n],
      ['0.07', -500n],
    ]);
    expect(document.taxes.map((tax) => [tax.rate, tax.baseMinor])).toEqual([
      ['0.07', 4_500n],
      ['0.19', 13_500n],
    ]);
  });

  it('books gift cards, tips, duties and the channel’s tax as what they are', () => {
    const document = salesDocument(
      order({
        lines: [
          orderLine({ giftCard: true, unitPriceMinor: 5_000n, quantity: 1 }),
          orderLine({
            taxes: [{ title: 'Marketplace', rate: '0.08', amountMinor: 400n, channelLiable: true }],
          }),
        ],
        tipMinor: 300n,
        dutiesMinor: 200n,
      }),
    );
    expect(document.lines.map((line) => [line.kind, line.netMinor])).toEqual([
      ['giftCard', 5_000n],
      ['sale', 5_000n],
      ['duties', 200n],
      ['tip', 300n],
      ['channelTax', 400n],
    ]);
    expect(document.taxes).toEqual([]);
  });

  it('adds cash rounding only where the total contains it', () => {
    const lines = [orderLine({ unitPriceMinor: 998n, quantity: 1 })];
    const inside = salesDocument(order({ lines, roundingMinor: 2n, totalMinor: 1_000n }));
    expect(inside.lines.map((line) => [line.kind, line.netMinor])).toEqual([
      ['sale', 998n],
      ['rounding', 2n],
    ]);
    const outside = salesDocument(order({ lines, roundingMinor: 2n, totalMinor: 998n }));
    expect(outside.lines.map((line) => line.kind)).toEqual(['sale']);
    expect([inside.differenceMinor, outside.differenceMinor]).toEqual([0n, 0n]);
  });

  it('names what an order’s parts lack of its total, and still ends at the total', () => {
    const document = salesDocument(order({ totalMinor: 5_123n }));
    expect(document.differenceMinor).toBe(123n);
    expect(netOf(document)).toBe(5_123n);
  });

  it('leaves out lines that an edit removed, and says so where nothing is left', () => {
    const document = salesDocument(order({ lines: [orderLine(), orderLine({ quantity: 0 })] }));
    expect(document.lines).toHaveLength(1);
    const empty = salesDocument(order({ lines: [orderLine({ quantity: 0 })] }));
    expect(empty.lines.map((line) => [line.title, line.netMinor])).toEqual([
      ['Nothing is left of this order', 0n],
    ]);
  });
});
