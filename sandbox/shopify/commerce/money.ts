/**
 * Amounts are whole numbers of minor units. They live in a state file, and JSON has no bigint: plain integers, kept
 * within the safe range; products that could leave it pass through bigint.
 */

/** One amount in both currencies of an order: what the shop books and what the customer sees. */
export interface Bag {
  shop: number;
  presentment: number;
}

export const zeroBag: Bag = Object.freeze({ shop: 0, presentment: 0 });

const exponents: Readonly<Record<string, number>> = Object.fromEntries([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'.split(' ').map((name) => [name, 0]),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((name) => [name, 3]),
]);

/** Digits after the decimal point that a currency has. */
function exponentOf(currency: string): number {
  return exponents[currency] ?? 2;
}

/** "12.5" → 1250. Refuses digits that the currency does not have. */
export function parseMinor(text: string | number, currency: string): number {
  return parseScaled(text, exponentOf(currency));
}

/** "0.0825" → 82500 parts per million. */
export function parsePpm(text: string | number): number {
  return parseScaled(text, 6);
}

/** 860000 → "8600.00", the form of the webhooks. */
export function fixed(minor: number, currency: string): string {
  const exponent = exponentOf(currency);
  if (exponent === 0) return String(minor);
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  return `${minor < 0 ? '-' : ''}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** 860000 → "8600.0", the form of the GraphQL API: trailing zeros go, one decimal stays. */
export function short(minor: number, currency: string): string {
  const text = fixed(minor, currency);
  if (!text.includes('.')) return `${text}.0`;
  const trimmed = text.replace(/0+$/, '');
  return trimmed.endsWith('.') ? `${trimmed}0` : trimmed;
}

/** value × numerator ÷ denominator, rounded half away from zero, without leaving whole numbers. */
export function mulDiv(value: number, numerator: number, denominator: number): number {
  const product = BigInt(value) * BigInt(numerator);
  const divisor = BigInt(denominator);
  const negative = product < 0n !== divisor < 0n;
  const absolute = product < 0n ? -product : product;
  const absoluteDivisor = divisor < 0n ? -divisor : divisor;
  const quotient = Number((absolute * 2n + absoluteDivisor) / (absoluteDivisor * 2n));
  return safe(negative && quotient !== 0 ? -quotient : quotient);
}

/** What rounding to a multiple (of coins) adds to an amount, half up. */
export function roundingTo(minor: number, step: number): number {
  return safe(mulDiv(minor, 1, step) * step - minor);
}

/** Shop minor units → presentment minor units at a rate in parts per million. */
export function convert(minor: number, ratePpm: number, from: string, to: string): number {
  return mulDiv(minor, ratePpm * 10 ** exponentOf(to), 1_000_000 * 10 ** exponentOf(from));
}

export function add(...bags: readonly Bag[]): Bag {
  let shop = 0;
  let presentment = 0;
  for (const bag of bags) {
    shop += bag.shop;
    presentment += bag.presentment;
  }
  return { shop: safe(shop), presentment: safe(presentment) };
}

export function subtract(from: Bag, ...bags: readonly Bag[]): Bag {
  const taken = add(...bags);
  return { shop: safe(from.shop - taken.shop), presentment: safe(from.presentment - taken.presentment) };
}

export function negate(bag: Bag): Bag {
  return subtract(zeroBag, bag);
}

/** Applies a function of one currency to both. */
export function zip(a: Bag, b: Bag, both: (a: number, b: number) => number): Bag {
  return { shop: safe(both(a.shop, b.shop)), presentment: safe(both(a.presentment, b.presentment)) };
}

export function scale(bag: Bag, factor: number): Bag {
  return { shop: safe(bag.shop * factor), presentment: safe(bag.presentment * factor) };
}

export function isZero(bag: Bag): boolean {
  return bag.shop === 0 && bag.presentment === 0;
}

function safe(value: number): number {
  if (!Number.isSafeInteger(value)) throw new RangeError(`amount ${value} is not a safe whole number`);
  // Adding zero turns -0 into 0, which would otherwise show as "-0" in some serialisers.
  return value + 0;
}

function parseScaled(text: string | number, scaleDigits: number): number {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(text).trim());
  if (match === null) throw new RangeError(`not a decimal: ${text}`);
  const [, sign, whole = '0', fraction = ''] = match;
  const kept = fraction.slice(0, scaleDigits).padEnd(scaleDigits, '0');
  if (/[1-9]/.test(fraction.slice(scaleDigits))) throw new RangeError(`too many decimals: ${text}`);
  const value = safe(Number(whole + kept));
  return sign === '-' ? safe(-value) : value;
}
