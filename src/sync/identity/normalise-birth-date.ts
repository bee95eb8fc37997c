/** Countries that write the month first. */
const monthFirst: ReadonlySet<string> = new Set(['US', 'PH', 'FM']);
/** What forms and exports put where nobody said anything. */
const fillers: ReadonlySet<string> = new Set(['19000101', '19700101', '11111111', '00000000']);

/**
 * A date of birth as digits, year first: `19800512`, or `198005` or `1980` where no more is told. What is no date but might be one with a
 * slip of the finger stays as the digits it has, so that it can still be called close. Null where nothing is told.
 * @param country decides whether 5/12 is in May or in December
 */
export function birthDate(text: string | null | undefined, country: string | null): string | null {
  const trimmed = text?.trim() ?? '';
  const parts = trimmed
    .replace(/[T ]\d\d:\d\d.*$/, '')
    .split(/[^\d]+/)
    .filter((part) => part !== '');
  const digits = digitsOf(parts, monthFirst.has(country?.toUpperCase() ?? ''));
  if (digits.length < 4 || digits.length === 5 || digits.length > 9 || fillers.has(digits)) return null;
  const year = Number(digits.slice(0, 4));
  return digits.length <= 6 && (year < 1890 || year > 2100) ? null : digits;
}

function digitsOf(parts: readonly string[], isMonthFirst: boolean): string {
  const [a = '', b = '', c = ''] = parts;
  if (parts.length === 3 && a.length === 4) return `${a}${b.padStart(2, '0')}${c.padStart(2, '0')}`;
  if (parts.length === 3 && c.length === 4) return dated(c, a, b, isMonthFirst);
  if (parts.length === 2 && a.length === 4) return `${a}${b.padStart(2, '0')}`;
  if (parts.length !== 1) return '';
  // 12051980: no year begins with 12.
  const isYearLast = a.length === 8 && !isYear(a.slice(0, 4)) && isYear(a.slice(4));
  return isYearLast ? dated(a.slice(4), a.slice(0, 2), a.slice(2, 4), isMonthFirst) : a;
}

function dated(year: string, first: string, second: string, isMonthFirst: boolean): string {
  // The 25th month is a day, whatever the country.
  const swap = isMonthFirst ? Number(first) <= 12 : Number(second) > 12;
  const [month, day] = swap ? [first, second] : [second, first];
  return `${year}${month.padStart(2, '0')}${day.padStart(2, '0')}`;
}

function isYear(text: string): boolean {
  return /^(189|19\d|20\d)\d$/.test(text);
}
