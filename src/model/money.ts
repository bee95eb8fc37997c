import { AppError } from '../errors.ts';

/** An exact amount: minor units (cents for EUR, yen for JPY, fils for KWD) of an ISO 4217 currency. */
export interface Money {
  amountMinor: bigint;
  currency: string;
}

/** One amount in the shop's currency and in the one the customer saw, both in minor units. */
export interface Amount {
  shop: bigint;
  presentment: bigint;
}

export const zeroAmount: Amount = { shop: 0n, presentment: 0n };

// ISO 4217, list one: only the currencies whose exponent is not 2 need naming.
const exponents: Readonly<Record<string, number>> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
};

/** Number of decimals of a currency: 2 unless ISO 4217 says otherwise. */
export function currencyExponent(currency: string): number {
  return exponents[currency] ?? 2;
}

const decimalPattern = /^([+-])?(\d+)(?:\.(\d*))?$/;

/**
 * Reads a decimal string such as "8600.0" or "-0.5" into minor units.
 * Digits beyond the currency's exponent must be zeros: nothing is rounded away silently.
 * @throws AppError INVALID_AMOUNT
 */
export function parseMinor(decimal: string, currency: string): bigint {
  const match = decimalPattern.exec(decimal.trim());
  if (match === null) throw invalidAmount(decimal, currency, 'is not a decimal number');
  const exponent = currencyExponent(currency);
  const fraction = match[3] ?? '';
  if (/[1-9]/.test(fraction.slice(exponent)))
    throw invalidAmount(decimal, currency, `has more than ${exponent} decimals`);
  const digits = BigInt((match[2] ?? '0') + fraction.slice(0, exponent).padEnd(exponent, '0'));
  return match[1] === '-' ? -digits : digits;
}

/** Writes minor units as a decimal string with the currency's number of decimals, for example "12.50". */
export function formatMinor(amountMinor: bigint, currency: string): string {
  const exponent = currencyExponent(currency);
  const negative = amountMinor < 0n;
  const digits = (negative ? -amountMinor : amountMinor).toString().padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  const text = exponent === 0 ? whole : `${whole}.${digits.slice(digits.length - exponent)}`;
  return negative ? `-${text}` : text;
}

/** Adds amounts of one currency. @throws AppError CURRENCY_MISMATCH */
export function addMoney(first: Money, ...others: Money[]): Money {
  let amountMinor = first.amountMinor;
  for (const other of others) {
    if (other.currency !== first.currency) {
      throw new AppError({
        code: 'CURRENCY_MISMATCH',
        retryable: false,
        publicMessage: `${first.currency} and ${other.currency} cannot be added.`,
      });
    }
    amountMinor += other.amountMinor;
  }
  return { amountMinor, currency: first.currency };
}

export function addAmounts(...amounts: Amount[]): Amount {
  return amounts.reduce(
    (sum, amount) => ({ shop: sum.shop + amount.shop, presentment: sum.presentment + amount.presentment }),
    zeroAmount,
  );
}

/**
 * Splits a total over weights by largest remainder, so that the parts sum exactly to the total
 * (Hamilton's method; ties go to the earlier part). Negative totals mirror positive ones. All weights zero: the
 * first part takes all.
 */
export function allocate(totalMinor: bigint, weights: readonly bigint[]): bigint[] {
  if (weights.length === 0) return [];
  if (totalMinor < 0n) return allocate(-totalMinor, weights).map((part) => -part);
  const sum = weights.reduce((a, b) => a + b, 0n);
  if (sum === 0n) return weights.map((_, index) => (index === 0 ? totalMinor : 0n));
  const parts = weights.map((weight) => (totalMinor * weight) / sum);
  let rest = totalMinor - parts.reduce((a, b) => a + b, 0n);
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (totalMinor * weight) % sum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (const { index } of byRemainder) {
    if (rest === 0n) break;
    parts[index] = (parts[index] ?? 0n) + 1n;
    rest -= 1n;
  }
  return parts;
}

function invalidAmount(decimal: string, currency: string, why: string): AppError {
  return new AppError({
    code: 'INVALID_AMOUNT',
    retryable: false,
    publicMessage: `"${decimal.slice(0, 40)}" ${why} of ${currency}.`,
  });
}
