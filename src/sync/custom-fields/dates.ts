const tokens: Readonly<Record<string, string>> = {
  YYYY: '(?<year>\\d{4})',
  YY: '(?<short>\\d{2})',
  MMM: '(?<name>[A-Za-z]{3})',
  MM: '(?<month>\\d{2})',
  M: '(?<month>\\d{1,2})',
  DD: '(?<day>\\d{2})',
  D: '(?<day>\\d{1,2})',
};

const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** True where it says how a day is written: day, month and year, each once. */
export function isDateFormat(format: string): boolean {
  const named = format.match(/YYYY|YY|MMM|MM|M|DD|D/g) ?? [];
  const kinds = named.map((token) => token.charAt(0)).sort();
  return format.length <= 20 && kinds.join('') === 'DMY' && /^[\s./,YMD-]+$/.test(format);
}

/**
 * The day that a text names, as `YYYY-MM-DD`; null where it names none. The retailer's own formats are tried first; ISO 8601
 * is always understood, a time of day is left out. Days that the calendar does not have are none.
 */
export function parseDate(text: string, formats: readonly string[]): string | null {
  for (const format of formats) {
    const day = readAs(format, text);
    if (day !== null) return day;
  }
  const iso =
    /^(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.exec(text);
  return iso === null ? null : readAs('YYYY-MM-DD', iso[1] ?? '');
}

function readAs(format: string, text: string): string | null {
  const pattern = format
    .split(/(YYYY|YY|MMM|MM|M|DD|D)/)
    .map((part) => tokens[part] ?? part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('');
  const found = new RegExp(`^${pattern}$`).exec(text)?.groups;
  if (found === undefined) return null;
  const year = found.year ?? `20${found.short}`;
  const month = found.month ?? String(monthNames.indexOf((found.name ?? '').toLowerCase()) + 1);
  const iso = `${year}-${month.padStart(2, '0')}-${(found.day ?? '').padStart(2, '0')}`;
  const at = new Date(`${iso}T00:00:00.000Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(iso) ? iso : null;
}
