/** A fraction of whole numbers: nothing is lost on the way between units. */
export interface Ratio {
  over: bigint;
  under: bigint;
}

export function ratio(over: bigint, under = 1n): Ratio {
  const shared = divisor(over < 0n ? -over : over, under);
  return shared === 0n ? { over, under } : { over: over / shared, under: under / shared };
}

export function times(a: Ratio, b: Ratio): Ratio {
  return ratio(a.over * b.over, a.under * b.under);
}

/** Below zero, zero or above it, as `a` is less than, equal to or greater than `b`. */
export function compare(a: Ratio, b: Ratio): number {
  const difference = a.over * b.under - b.over * a.under;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Reads a plain decimal such as `-12.50`; null where it is none, or longer than anybody writes. */
export function decimal(text: string): Ratio | null {
  const match = /^([+-]?)(\d{1,20})(?:\.(\d{1,12}))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole = '0', fraction = ''] = match;
  const digits = BigInt(`${whole}${fraction}`);
  return ratio(sign === '-' ? -digits : digits, 10n ** BigInt(fraction.length));
}

/** The shortest decimal that is the same; null where that takes more than so many digits after the point. */
export function formatRatio(value: Ratio, mostDecimals: number): string | null {
  for (let places = 0; places <= mostDecimals; places += 1) {
    const scaled = value.over * 10n ** BigInt(places);
    if (scaled % value.under !== 0n) continue;
    const units = scaled / value.under;
    const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
    const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
    return units < 0n ? `-${text}` : text;
  }
  return null;
}

/** Rounded half away from zero to so many digits after the point, trailing zeros left out. */
export function roundRatio(value: Ratio, places: number): string {
  const scale = 10n ** BigInt(places);
  const magnitude = value.over < 0n ? -value.over : value.over;
  const units = (2n * magnitude * scale + value.under) / (2n * value.under);
  return formatRatio(ratio(value.over < 0n ? -units : units, scale), places) ?? '0';
}

function divisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : divisor(b, a % b);
}
