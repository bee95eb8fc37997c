/** Exact decimals. JSON numbers are read through their shortest text, so that 19.99 means 1999 cents and nothing near it. */
export interface Decimal {
  units: bigint;
  scale: number;
}

/** Every currency is kept to two places: that is how the platform rounds amounts, whatever the currency's own habit. */
const minorScale = 2;

export function parseDecimal(value: number | string): Decimal {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(String(value).trim());
  if (match === null) throw new RangeError(`not a decimal: ${value}`);
  const [, sign, whole = '0', fraction = '', exponent = '0'] = match;
  let units = BigInt(whole + fraction);
  let scale = fraction.length - Number(exponent);
  if (scale < 0) {
    units *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { units: sign === '-' ? -units : units, scale };
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: rescale(a, scale) + rescale(b, scale), scale };
}

export function negate(a: Decimal): Decimal {
  return { units: -a.units, scale: a.scale };
}

export function decimalText(value: Decimal): string {
  const digits = (value.units < 0n ? -value.units : value.units).toString().padStart(value.scale + 1, '0');
  const whole = digits.slice(0, digits.length - value.scale);
  const fraction = digits.slice(digits.length - value.scale).replace(/0+$/, '');
  return `${value.units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Rounds half away from zero to minor units. */
export function toMinor(value: Decimal | number | string): bigint {
  const decimal = typeof value === 'object' ? value : parseDecimal(value);
  if (decimal.scale <= minorScale) return decimal.units * 10n ** BigInt(minorScale - decimal.scale);
  return divideRounded(decimal.units, 10n ** BigInt(decimal.scale - minorScale));
}

export function minorText(minor: bigint): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(minorScale + 1, '0');
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -minorScale)}.${digits.slice(-minorScale)}`;
}

/** The JSON number of an amount: made from its text, at the edge only. */
export function minorNumber(minor: bigint): number {
  return Number(minorText(minor));
}

export function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const negative = numerator < 0n !== denominator < 0n;
  const n = numerator < 0n ? -numerator : numerator;
  const d = denominator < 0n ? -denominator : denominator;
  const rounded = (2n * n + d) / (2n * d);
  return negative ? -rounded : rounded;
}

/** Splits a total by weights so that the parts add up to it exactly; what rounding leaves goes to the heaviest part. */
export function allocate(total: bigint, weights: readonly bigint[]): bigint[] {
  if (weights.length === 0) return [];
  const sum = weights.reduce((a, b) => a + b, 0n);
  const effective = sum === 0n ? weights.map(() => 1n) : weights;
  const divisor = sum === 0n ? BigInt(weights.length) : sum;
  const parts = effective.map((weight) => divideRounded(total * weight, divisor));
  const rest = total - parts.reduce((a, b) => a + b, 0n);
  if (rest !== 0n) {
    const heaviest = indexOfLargest(effective.map(magnitude));
    parts[heaviest] = (parts[heaviest] ?? 0n) + rest;
  }
  return parts;
}

/** The first of the largest; 0 for an empty list. */
export function indexOfLargest(values: readonly bigint[]): number {
  let largest = 0;
  for (const [index, value] of values.entries()) if (value > (values[largest] ?? value)) largest = index;
  return largest;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function rescale(value: Decimal, scale: number): bigint {
  return value.units * 10n ** BigInt(scale - value.scale);
}
