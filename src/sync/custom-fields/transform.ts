import { AppError } from '../../errors.ts';
import type { CustomFieldDeclaration, CustomFieldText } from '../../model/custom-field.ts';
import { formatMinor, parseMinor } from '../../model/money.ts';
import { parseDate } from './dates.ts';
import { compare, decimal, formatRatio, type Ratio, roundRatio, times } from './decimal.ts';
import { conversion } from './units.ts';

/** What came of a text: its value, nothing where it is empty, or why it is none. */
export type Transformed =
  | { kind: 'value'; value: CustomFieldText }
  | { kind: 'empty' }
  | { kind: 'problem'; problem: string };

type Field = Pick<CustomFieldDeclaration, 'type' | 'transform' | 'limits' | 'options'>;

/** Longer texts are nobody's field, and cost time wherever they go. */
const longestRaw = 20_000;
const longestText = 5_000;

/**
 * Turns what somebody wrote into the field's value. Never throws: what cannot be understood is a problem of this one field,
 * told in words that name neither more nor less than the beginning of the text.
 */
export function transform(
  field: Field,
  raw: string,
  { metafieldType = null, currency = null }: { metafieldType?: string | null; currency?: string | null } = {},
): Transformed {
  if (raw.length > longestRaw) return problem(`is longer than ${longestRaw} characters`);
  const picked = pick(field, raw);
  if (picked.kind !== 'value') return picked;
  const text = picked.value.replaceAll('\0', '').trim();
  if (text === '') return { kind: 'empty' };
  switch (field.type) {
    case 'text':
      return asText(field, text, metafieldType);
    case 'number':
      return asNumber(field, text);
    case 'money':
      return asMoney(field, text, currency);
    case 'date':
      return asDate(field, text);
    case 'boolean':
      return asBoolean(text);
    case 'enumeration':
      return asOption(field, text);
    default:
      return field.type satisfies never;
  }
}

/** Applies the JSON path, where there is one. */
function pick(field: Field, raw: string): Transformed {
  const { jsonPath } = field.transform;
  if (jsonPath === undefined) return { kind: 'value', value: raw };
  const steps = parsePath(jsonPath);
  if (steps === null) return problem(`cannot be read: ${jsonPath} is no path`);
  const json = parseJson(raw);
  if (json === undefined) return problem('is no JSON');
  let here: unknown = json;
  for (const step of steps) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return { kind: 'empty' };
    here = (here as Record<string, unknown>)[step];
  }
  if (here === null) return { kind: 'empty' };
  return { kind: 'value', value: typeof here === 'string' ? here : JSON.stringify(here) };
}

/** Names and positions on the way, for example `items[0].serial`; null where it is no path. */
export function parsePath(path: string): string[] | null {
  if (!/^\$?\.?[\w-]+(\[\d{1,4}\])*(\.[\w-]+(\[\d{1,4}\])*)*$/.test(path)) return null;
  return path
    .replace(/^\$\.?/, '')
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.');
}

function asText(field: Field, text: string, metafieldType: string | null): Transformed {
  // A list of texts is a JSON array to Shopify and an enumeration of words to everybody else.
  const list = metafieldType?.startsWith('list.') === true ? parseJson(text) : undefined;
  const plain = Array.isArray(list)
    ? list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join(', ')
    : text;
  const most = Math.min(field.limits.maxLength ?? longestText, longestText);
  if (plain.length > most) return problem(`has ${plain.length} characters where at most ${most} fit`);
  return { kind: 'value', value: plain };
}

function asNumber(field: Field, text: string): Transformed {
  const parts = quantityOf(field, text);
  if (parts === null) return problem(`${quoted(text)} is no number`);
  const wanted = field.transform.unit;
  let value = parts.value;
  if (parts.unit !== null) {
    if (wanted === undefined) return problem(`${quoted(text)} has a unit where a bare number is expected`);
    const factor = conversion(parts.unit, wanted);
    if (factor === null) return problem(`${quoted(parts.unit)} cannot be converted to ${wanted}`);
    value = times(value, factor);
  }
  return limited(field, value, parts.unit !== null);
}

/** A number with or without its unit: `24`, `2 years`, or Shopify's `{"value":2.5,"unit":"kg"}`. */
function quantityOf(field: Field, text: string): { value: Ratio; unit: string | null } | null {
  const json = text.startsWith('{') ? parseJson(text) : undefined;
  if (typeof json === 'object' && json !== null) {
    const { value, unit } = json as { value?: unknown; unit?: unknown };
    const read = typeof value === 'number' || typeof value === 'string' ? decimal(String(value)) : null;
    return read === null || typeof unit !== 'string' ? null : { value: read, unit: spokenUnit(unit) };
  }
  const match = /^([+-]?[\d.,'\u00a0\u202f ]*\d)\s*(\p{L}{1,20}|")?\.?$/u.exec(text);
  if (match === null) return null;
  const value = decimal(plainNumber(match[1] ?? '', field.transform.decimalComma === true));
  return value === null ? null : { value, unit: match[2] ?? null };
}

/** Shopify writes units of measure in capitals or in full: `KILOGRAMS`. */
function spokenUnit(unit: string): string {
  return unit.toLowerCase();
}

/** Takes thousands' separators away: only where they stand before exactly three digits, so that 1,5 is never 15. */
function plainNumber(text: string, decimalComma: boolean): string {
  const [thousands, point] = decimalComma ? ['.', ','] : [',', '.'];
  const [whole = '', ...rest] = text.split(point);
  if (rest.length > 1 || /[^\d]/.test(rest[0] ?? '')) return 'none';
  const groups = whole.split(new RegExp(`[${thousands}'\u00a0\u202f ]`));
  if (groups.slice(1).some((group) => group.length !== 3)) return 'none';
  return rest[0] === undefined ? groups.join('') : `${groups.join('')}.${rest[0]}`;
}

/** A converted number may have no end: it is rounded. One that was written down is kept or refused as it is. */
function limited(field: Field, value: Ratio, rounds: boolean): Transformed {
  const { min, max, decimals = 6 } = field.limits;
  const [least, most] = [min, max].map((one) => (one === undefined ? null : decimal(one)));
  if (least != null && compare(value, least) < 0) return problem(`is less than ${min}`);
  if (most != null && compare(value, most) > 0) return problem(`is more than ${max}`);
  const exact = formatRatio(value, decimals);
  if (exact !== null) return { kind: 'value', value: exact };
  if (rounds) return { kind: 'value', value: roundRatio(value, decimals) };
  return problem(`has more than ${decimals} digits after the point`);
}

function asMoney(field: Field, text: string, ownersCurrency: string | null): Transformed {
  const given = amountOf(field, text, field.limits.currency ?? ownersCurrency);
  if (given === null) return problem(`${quoted(text)} is no amount of money`);
  const currency = given.currency ?? field.limits.currency ?? ownersCurrency;
  if (currency === null) return problem(`${quoted(text)} names no currency`);
  if (field.limits.currency !== undefined && field.limits.currency !== currency)
    return problem(`is in ${currency} where ${field.limits.currency} is kept`);
  const value = decimal(given.amount);
  if (value === null) return problem(`${quoted(text)} is no amount of money`);
  const { min, max } = field.limits;
  const [least, most] = [min, max].map((one) => (one === undefined ? null : decimal(one)));
  if (least != null && compare(value, least) < 0) return problem(`is less than ${min}`);
  if (most != null && compare(value, most) > 0) return problem(`is more than ${max}`);
  try {
    return {
      kind: 'value',
      value: `${formatMinor(parseMinor(given.amount, currency), currency)} ${currency}`,
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return problem(`${quoted(text)} is no amount of ${currency}`);
  }
}

/**
 * An amount with or without its currency: `12.50`, `12.50 EUR`, `€12.50`, or Shopify's `{"amount":"12.5","currency_code":"EUR"}`.
 * A dollar sign says which dollar where dollars are expected, and nothing elsewhere.
 */
function amountOf(
  field: Field,
  text: string,
  expected: string | null,
): { amount: string; currency: string | null } | null {
  const json = text.startsWith('{') ? parseJson(text) : undefined;
  if (typeof json === 'object' && json !== null) {
    const { amount, currency_code: currency } = json as { amount?: unknown; currency_code?: unknown };
    const isAmount = typeof amount === 'string' || typeof amount === 'number';
    if (!isAmount || typeof currency !== 'string' || !isCurrency(currency)) return null;
    return { amount: String(amount), currency };
  }
  const match = /^(?:([A-Z]{3}|[€£¥$])\s*)?([+-]?[\d.,'\u00a0\u202f ]*\d)(?:\s*([A-Z]{3}|[€£¥$]))?$/.exec(
    text,
  );
  if (match === null || (match[1] !== undefined && match[3] !== undefined)) return null;
  const amount = plainNumber(match[2] ?? '', field.transform.decimalComma === true);
  const mark = match[1] ?? match[3];
  const currency = mark === undefined ? null : currencyBy(mark, expected);
  return amount === 'none' || currency === undefined ? null : { amount, currency };
}

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

export function isCurrency(text: string): boolean {
  return currencies.has(text);
}

/** Currencies that are written with a sign; of several, the one that is expected. */
const signs: Readonly<Record<string, readonly string[]>> = {
  '€': ['EUR'],
  '£': ['GBP'],
  '¥': ['JPY', 'CNY'],
  $: ['USD', 'CAD', 'AUD', 'NZD', 'SGD', 'HKD', 'TWD', 'MXN', 'CLP', 'COP', 'ARS'],
};

function currencyBy(mark: string, expected: string | null): string | undefined {
  const meant = signs[mark];
  if (meant === undefined) return isCurrency(mark) ? mark : undefined;
  return meant.length === 1 ? meant[0] : meant.find((one) => one === expected);
}

function asDate(field: Field, text: string): Transformed {
  const value = parseDate(text, field.transform.dateFormats ?? []);
  return value === null ? problem(`${quoted(text)} is no date`) : { kind: 'value', value };
}

const yes = new Set(['true', 'yes', 'y', '1', 'on', 'ja', 'oui', 'si', 'sí']);
const no = new Set(['false', 'no', 'n', '0', 'off', 'nein', 'non']);

function asBoolean(text: string): Transformed {
  const word = text.toLowerCase();
  if (yes.has(word)) return { kind: 'value', value: 'true' };
  if (no.has(word)) return { kind: 'value', value: 'false' };
  return problem(`${quoted(text)} is neither yes nor no`);
}

function asOption(field: Field, text: string): Transformed {
  const word = text.toLowerCase();
  const option = field.options.find((one) =>
    [one.value, one.label, ...one.aliases].some((name) => name.trim().toLowerCase() === word),
  );
  if (option !== undefined) return { kind: 'value', value: option.value };
  return problem(`${quoted(text)} is none of ${field.options.map((one) => one.value).join(', ')}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function quoted(text: string): string {
  return `“${text.length > 60 ? `${text.slice(0, 60)}…` : text}”`;
}

function problem(words: string): Transformed {
  return { kind: 'problem', problem: words };
}
