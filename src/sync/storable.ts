/**
 * The same value with text that Postgres can hold: without the character NUL, and with a replacement character for half of a
 * surrogate pair. Platforms do send both (a note that was cut within an emoji), and an order is worth more than such a
 * character. What needs nothing is returned as it is.
 */
export function storable<T>(value: T): T {
  return clean(value) as T;
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) {
    const parts = value.map(clean);
    return parts.some((part, index) => part !== value[index]) ? parts : value;
  }
  if (!isPlain(value)) return value;
  let changed = false;
  const entries = Object.entries(value).map(([key, part]): [string, unknown] => {
    const entry: [string, unknown] = [cleanText(key), clean(part)];
    changed ||= entry[0] !== key || entry[1] !== part;
    return entry;
  });
  return changed ? Object.fromEntries(entries) : value;
}

function cleanText(text: string): string {
  if (text.isWellFormed() && !text.includes('\0')) return text;
  return text.replaceAll('\0', '').toWellFormed();
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
