import type { Books } from './books.ts';
import { allocate, divideRounded, indexOfLargest, minorNumber, parseDecimal, toMinor } from './decimal.ts';
import type { Line, Ref, TaxCode, TaxRate, TxnTaxDetail } from './entities.ts';
import { business, objectNotFound, wrongLineTaxCode } from './qbo-fault.ts';

export interface TaxableLine {
  /** As the client gave it: gross where prices include tax, net otherwise. */
  amountMinor: bigint;
  /** What is left of it after its share of the discount, where tax is counted after discounts. */
  taxedMinor: bigint;
  taxCode: string | null;
}

interface RateShare {
  rate: TaxRate;
  netMinor: bigint;
  taxMinor: bigint;
}

export interface TaxResult {
  totalMinor: bigint;
  shares: RateShare[];
  /** What each line earns without tax. */
  netMinor: bigint[];
  detail: TxnTaxDetail | null;
}

/** One tax code for the whole transaction; lines only say TAX or NON. A total given together with the code overrides the sum. */
export function taxInUnitedStates(
  books: Books,
  lines: readonly TaxableLine[],
  given: TxnTaxDetail | undefined,
): TaxResult {
  const netMinor = lines.map((line) => line.amountMinor);
  for (const line of lines)
    if (line.taxCode !== null && line.taxCode !== 'TAX' && line.taxCode !== 'NON')
      throw wrongLineTaxCode(line.taxCode);
  const using = books.preferences.TaxPrefs.UsingSalesTax;
  if (!using || given?.TxnTaxCodeRef === undefined)
    return { totalMinor: 0n, shares: [], netMinor, detail: { TotalTax: 0 } };
  const code = taxCode(books, given.TxnTaxCodeRef, 'TxnTaxCodeRef');
  const taxable = lines.reduce((sum, line) => (line.taxCode === 'TAX' ? sum + line.taxedMinor : sum), 0n);
  const computed = ratesOf(books, code).map((rate) => ({
    rate,
    netMinor: taxable,
    taxMinor: percentOf(taxable, rate),
  }));
  const shares = overridden(computed, given);
  return { ...summed(shares, given.TxnTaxCodeRef), netMinor };
}

/** A tax code per line; prices with or without tax. */
export function taxElsewhere(
  books: Books,
  lines: readonly TaxableLine[],
  mode: 'TaxExcluded' | 'TaxInclusive' | 'NotApplicable',
  given: TxnTaxDetail | undefined,
): TaxResult {
  const amounts = lines.map((line) => line.amountMinor);
  if (mode === 'NotApplicable' || !books.preferences.TaxPrefs.UsingSalesTax)
    return { totalMinor: 0n, shares: [], netMinor: amounts, detail: null };
  const byRate = new Map<string, RateShare>();
  const netMinor: bigint[] = [];
  for (const line of lines) {
    if (line.taxCode === null)
      throw business('Make sure all your transactions have a sales tax rate before you save.', 'TaxCodeRef');
    const rates = ratesOf(books, taxCode(books, { value: line.taxCode }, 'TaxCodeRef'));
    const inclusive = mode === 'TaxInclusive';
    const taxedNet = inclusive ? withoutTax(line.taxedMinor, rates) : line.taxedMinor;
    netMinor.push(inclusive ? withoutTax(line.amountMinor, rates) : line.amountMinor);
    const parts = inclusive
      ? allocate(
          line.taxedMinor - taxedNet,
          rates.map((rate) => rateUnits(rate)),
        )
      : rates.map(() => 0n);
    for (const [index, rate] of rates.entries()) {
      const share = byRate.get(rate.Id) ?? { rate, netMinor: 0n, taxMinor: 0n };
      share.netMinor += taxedNet;
      share.taxMinor += parts[index] ?? 0n;
      byRate.set(rate.Id, share);
    }
  }
  const computed = [...byRate.values()].map((share) =>
    mode === 'TaxInclusive' ? share : { ...share, taxMinor: percentOf(share.netMinor, share.rate) },
  );
  const shares = overridden(computed, given);
  const result = summed(shares, undefined);
  if (mode === 'TaxInclusive') {
    // Prices stand, so tax that is overridden comes out of what the largest line earns.
    const drift = result.totalMinor - computed.reduce((sum, share) => sum + share.taxMinor, 0n);
    const largest = indexOfLargest(amounts);
    if (drift !== 0n && netMinor.length > 0) netMinor[largest] = (netMinor[largest] ?? 0n) - drift;
  }
  return { ...result, netMinor };
}

/** The client's tax lines win over the sum; a bare total is spread over the rates. Neither may name a rate out of place. */
function overridden(computed: readonly RateShare[], given: TxnTaxDetail | undefined): RateShare[] {
  const total = given?.TotalTax === undefined ? undefined : toMinor(given.TotalTax);
  const lines = given?.TaxLine ?? [];
  if (lines.length > 0) {
    const amounts = new Map<string, bigint>();
    for (const line of lines) {
      const rate = line.TaxLineDetail?.TaxRateRef?.value ?? '';
      if (!computed.some((share) => share.rate.Id === rate))
        throw business(`The tax rate ${rate} is not one of the rates of this transaction.`, 'TaxRateRef');
      amounts.set(rate, (amounts.get(rate) ?? 0n) + toMinor(line.Amount ?? 0));
    }
    const shares = computed.map((share) => ({
      ...share,
      taxMinor: amounts.get(share.rate.Id) ?? share.taxMinor,
    }));
    if (total !== undefined && total !== shares.reduce((sum, share) => sum + share.taxMinor, 0n))
      throw business('The tax lines do not add up to the total tax.', 'TotalTax');
    return shares;
  }
  if (total === undefined || total === computed.reduce((sum, share) => sum + share.taxMinor, 0n))
    return [...computed];
  if (computed.length === 0) throw business('Tax was given, but no tax rate applies.', 'TotalTax');
  const weights = computed.some((share) => share.taxMinor !== 0n)
    ? computed.map((share) => share.taxMinor)
    : computed.map((share) => rateUnits(share.rate));
  const parts = allocate(total, weights);
  return computed.map((share, index) => ({ ...share, taxMinor: parts[index] ?? 0n }));
}

function summed(
  shares: readonly RateShare[],
  code: Ref | undefined,
): { totalMinor: bigint; shares: RateShare[]; detail: TxnTaxDetail } {
  const totalMinor = shares.reduce((sum, share) => sum + share.taxMinor, 0n);
  const taxLines: Line[] = shares.map((share) => ({
    Amount: minorNumber(share.taxMinor),
    DetailType: 'TaxLineDetail',
    TaxLineDetail: {
      TaxRateRef: { value: share.rate.Id },
      PercentBased: true,
      TaxPercent: share.rate.RateValue,
      NetAmountTaxable: minorNumber(share.netMinor),
    },
  }));
  return {
    totalMinor,
    shares: [...shares],
    detail: {
      ...(code === undefined ? {} : { TxnTaxCodeRef: { value: code.value } }),
      TotalTax: minorNumber(totalMinor),
      ...(taxLines.length === 0 ? {} : { TaxLine: taxLines }),
    },
  };
}

function taxCode(books: Books, ref: Ref, element: string): TaxCode {
  const code = books.resolve<TaxCode>('TaxCode', ref, element);
  if (code.SalesTaxRateList === undefined) throw objectNotFound(element);
  return code;
}

function ratesOf(books: Books, code: TaxCode): TaxRate[] {
  return code.SalesTaxRateList.TaxRateDetail.map((detail) =>
    books.resolve<TaxRate>('TaxRate', detail.TaxRateRef, 'TaxRateRef'),
  );
}

function percentOf(netMinor: bigint, rate: TaxRate): bigint {
  const value = parseDecimal(rate.RateValue);
  return toMinor({ units: netMinor * value.units, scale: 2 + value.scale + 2 });
}

/** Net of a gross amount under rates that all apply to the net. */
function withoutTax(grossMinor: bigint, rates: readonly TaxRate[]): bigint {
  const scale = 10n ** 6n;
  const percent = rates.reduce((sum, rate) => sum + rateUnits(rate), 0n);
  return divideRounded(grossMinor * 100n * scale, 100n * scale + percent);
}

/** Percent in millionths, which is finer than any tax rate is written. */
function rateUnits(rate: TaxRate): bigint {
  const value = parseDecimal(rate.RateValue);
  return divideRounded(value.units * 10n ** 6n, 10n ** BigInt(value.scale));
}
