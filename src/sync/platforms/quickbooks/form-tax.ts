import { AppError } from '../../../errors.ts';
import { currencyExponent, parseMinor } from '../../../model/money.ts';
import type { TaxName } from '../../accounting/document-lines.ts';
import { type Company, rateUnits, type TaxCode } from './company.ts';
import type { FormBody, FormTax } from './form-body.ts';
import type { QuickBooksSettings } from './settings.ts';

/** How a receipt's taxes stand in this company. */
export interface TaxPlan {
  /** Absent in the US, where QuickBooks knows no such thing. */
  calculation: 'TaxInclusive' | 'TaxExcluded' | null;
  /** Tax code of a line with these taxes. */
  codeOf(taxes: readonly TaxName[]): string | null;
  /** Code of the whole receipt (US). */
  code: string | null;
  /** Amount per tax rate of QuickBooks; null leaves the spread of the total to QuickBooks. */
  shares: { rateId: string; percentUnits: bigint; amountMinor: bigint; baseMinor: bigint }[] | null;
  totalMinor: bigint;
  /** Tax that no code covers: it becomes a line. */
  asLine: FormTax[];
}

export function planTax(body: FormBody, company: Company, settings: QuickBooksSettings): TaxPlan {
  const mode =
    settings.tax.mode === 'auto' ? (company.country === 'US' ? 'us' : 'global') : settings.tax.mode;
  if (!company.usesSalesTax) return untaxed(body, mode);
  return mode === 'us' ? inUnitedStates(body, company, settings) : elsewhere(body, company, settings);
}

/** The company does not track sales tax: what was collected is a debt like any other. */
function untaxed(body: FormBody, mode: 'us' | 'global'): TaxPlan {
  return {
    calculation: mode === 'us' ? null : 'TaxExcluded',
    codeOf: () => (mode === 'us' ? 'NON' : null),
    code: null,
    shares: [],
    totalMinor: 0n,
    asLine: body.taxes.filter((tax) => minor(body, tax.amount) !== 0n),
  };
}

/** One code for the receipt; lines only say whether they are taxed. Our sums override what QuickBooks would count. */
function inUnitedStates(body: FormBody, company: Company, settings: QuickBooksSettings): TaxPlan {
  const taxes = body.taxes.filter((tax) => minor(body, tax.amount) !== 0n);
  const codeOf = (names: readonly TaxName[]): string =>
    names.some((one) => rateUnits(one.rate, 8) !== 0n) ? 'TAX' : 'NON';
  const none: TaxPlan = { calculation: null, codeOf, code: null, shares: [], totalMinor: 0n, asLine: [] };
  if (taxes.length === 0) return none;
  const exact = company.taxCodes.find((code) => matches(code, taxes));
  const code =
    exact ??
    (settings.tax.usCode === null
      ? company.taxCodes.find((one) => one.rates.some((rate) => rate.units > 0n))
      : named(company, settings.tax.usCode));
  if (code === undefined) {
    if (settings.tax.unmatched === 'refuse') throw unmatched(taxes);
    return { ...none, codeOf: () => 'NON', asLine: taxes };
  }
  return {
    ...none,
    code: code.id,
    totalMinor: taxes.reduce((all, tax) => all + minor(body, tax.amount), 0n),
    shares: exact === undefined ? null : sharesOf(body, taxes, exact),
  };
}

/** A code per line, chosen by the rates of its taxes; the amounts per rate are the order's. */
function elsewhere(body: FormBody, company: Company, settings: QuickBooksSettings): TaxPlan {
  const codes = new Map<string, TaxCode | null>();
  const codeFor = (names: readonly TaxName[]): TaxCode | null => {
    const key = rateKey(names);
    let code = codes.get(key);
    if (code === undefined) {
      const chosen = settings.tax.codes[key];
      code = (chosen === undefined ? bestMatch(company.taxCodes, names) : named(company, chosen)) ?? null;
      codes.set(key, code);
    }
    return code;
  };
  const uncovered = new Set<string>();
  for (const line of body.lines)
    if (line.taxes.length > 0 && codeFor(line.taxes) === null)
      for (const tax of line.taxes) uncovered.add(nameKey(tax));
  const asLine = body.taxes.filter((tax) => uncovered.has(nameKey(tax)));
  if (asLine.length > 0 && settings.tax.unmatched !== 'line') throw unmatched(asLine);

  const untaxedCode = codeFor([]);
  const covered = (names: readonly TaxName[]): readonly TaxName[] =>
    names.some((one) => uncovered.has(nameKey(one))) ? [] : names;
  const shares = new Map<string, NonNullable<TaxPlan['shares']>[number]>();
  for (const tax of body.taxes) {
    if (uncovered.has(nameKey(tax))) continue;
    const line = body.lines.find((one) => one.taxes.some((name) => nameKey(name) === nameKey(tax)));
    const rate = line === undefined ? undefined : rateFor(codeFor(line.taxes), line.taxes, tax);
    if (rate === undefined) continue;
    const share = shares.get(rate.id) ?? {
      rateId: rate.id,
      percentUnits: rate.units,
      amountMinor: 0n,
      baseMinor: 0n,
    };
    share.amountMinor += minor(body, tax.amount);
    share.baseMinor += minor(body, tax.base);
    shares.set(rate.id, share);
  }
  // With prices that contain tax QuickBooks works out the nets and puts a cent of difference onto the largest line: that
  // may be income, but no debt such as a gift card. Where a line's tax is another than its rates make it, the cent would move
  // from one kind of income to another, so the nets are said instead.
  const isInclusive =
    body.pricesIncludeTax &&
    settings.tax.prices === 'asOrder' &&
    asLine.length === 0 &&
    body.lines.every((line) => earning.includes(line.kind) && isTaxOfRates(body, line, codeFor(line.taxes)));
  return {
    calculation: isInclusive ? 'TaxInclusive' : 'TaxExcluded',
    codeOf: (names) => {
      const code = covered(names).length === 0 ? untaxedCode : codeFor(names);
      if (code !== null) return code.id;
      throw new AppError({
        code: 'QUICKBOOKS_TAX_UNMATCHED',
        retryable: false,
        publicMessage: 'QuickBooks has no tax code for lines without tax.',
        remedy: 'Name the code for untaxed lines (setting tax.codes, key "0"), then retry.',
      });
    },
    code: null,
    shares: [...shares.values()],
    totalMinor: [...shares.values()].reduce((all, share) => all + share.amountMinor, 0n),
    asLine,
  };
}

/**
 * Whether taking the rates out of the line's gross gives its net, in the decimals that QuickBooks counts in and whichever
 * way halves are rounded: of a currency without any it makes hundredths of its own.
 */
function isTaxOfRates(body: FormBody, line: FormBody['lines'][number], code: TaxCode | null): boolean {
  const net = minor(body, line.net);
  const gross = net + minor(body, line.tax);
  const whole = 10n ** 8n;
  const withTax = (code?.rates ?? []).reduce((sum, rate) => sum + rate.units, whole);
  const fineness = 10n ** BigInt(Math.max(0, bookDecimals - currencyExponent(body.currency)));
  const distance = 2n * fineness * (gross * whole - net * withTax);
  return distance < withTax && -distance < withTax;
}

/** QuickBooks counts every currency in hundredths. */
const bookDecimals = 2;

const earning: readonly string[] = [
  'sale',
  'discount',
  'shipping',
  'notRestocked',
  'damaged',
  'notReturned',
  'refundAdjustment',
];

/** The code whose rates are exactly these; of several the one that is named like them. */
function bestMatch(codes: readonly TaxCode[], names: readonly TaxName[]): TaxCode | undefined {
  const fitting = codes.filter((code) => matches(code, names));
  if (names.every((one) => rateUnits(one.rate, 8) === 0n))
    return fitting.find((code) => /exempt|no |out of scope|zero|free/i.test(code.name)) ?? fitting[0];
  return (
    fitting.find((code) => names.some((one) => code.name.toLowerCase().includes(one.title.toLowerCase()))) ??
    fitting[0]
  );
}

function matches(code: TaxCode, names: readonly TaxName[]): boolean {
  const own = sorted(code.rates.map((rate) => rate.units).filter((units) => units !== 0n));
  const wanted = sorted(names.map((one) => rateUnits(one.rate, 8)).filter((units) => units !== 0n));
  return own.length === wanted.length && own.every((units, index) => units === wanted[index]);
}

/** Taxes of one line find their rates by value; of equal values the first stands for the first. */
function rateFor(
  code: TaxCode | null,
  names: readonly TaxName[],
  tax: TaxName,
): TaxCode['rates'][number] | undefined {
  const units = rateUnits(tax.rate, 8);
  const rates = code?.rates.filter((rate) => rate.units === units) ?? [];
  const position = names
    .filter((one) => rateUnits(one.rate, 8) === units)
    .findIndex((one) => nameKey(one) === nameKey(tax));
  return rates[position] ?? rates[0];
}

function sharesOf(body: FormBody, taxes: readonly FormTax[], code: TaxCode): NonNullable<TaxPlan['shares']> {
  return taxes.flatMap((tax) => {
    const rate = rateFor(code, taxes, tax);
    return rate === undefined
      ? []
      : [
          {
            rateId: rate.id,
            percentUnits: rate.units,
            amountMinor: minor(body, tax.amount),
            baseMinor: minor(body, tax.base),
          },
        ];
  });
}

function named(company: Company, nameOrId: string): TaxCode | undefined {
  return company.taxCodes.find(
    (code) => code.id === nameOrId || code.name.toLowerCase() === nameOrId.toLowerCase(),
  );
}

function unmatched(taxes: readonly TaxName[]): AppError {
  const list = taxes.map((tax) => `${tax.title} (${tax.rate})`).join(', ');
  return new AppError({
    code: 'QUICKBOOKS_TAX_UNMATCHED',
    retryable: false,
    publicMessage: `QuickBooks has no tax code with exactly these rates: ${list}.`,
    remedy: 'Make such a tax code in QuickBooks or choose one (setting tax.codes), then retry.',
  });
}

/** `0.19`, or `0.05+0.09975` where several apply; `0` for none. */
function rateKey(names: readonly TaxName[]): string {
  const rates = names
    .map((one) => one.rate.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, ''))
    .filter((rate) => rate !== '0');
  return rates.length === 0 ? '0' : rates.sort().join('+');
}

function nameKey(tax: TaxName): string {
  return `${tax.title}\n${tax.rate}`;
}

function minor(body: FormBody, amount: string): bigint {
  return parseMinor(amount, body.currency);
}

function sorted(values: bigint[]): bigint[] {
  return values.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
