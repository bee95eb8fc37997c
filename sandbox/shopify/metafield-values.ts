/** Why a value is none of its type, in Shopify's words; null where it is one, or where the type is not looked into. */
export function metafieldValueProblem(type: string, value: string, currency: string): string | null {
  if (!type.startsWith('list.')) return problemOf(type, value, currency);
  const items = parsed(value);
  if (!Array.isArray(items)) return 'Value must be an array.';
  const problems = items.map((item) =>
    problemOf(type.slice('list.'.length), typeof item === 'string' ? item : JSON.stringify(item), currency),
  );
  return problems.find((one) => one !== null) ?? null;
}

function problemOf(type: string, value: string, currency: string): string | null {
  switch (type) {
    case 'single_line_text_field':
      return /[\r\n]/.test(value) ? 'Value must be a single line text string.' : null;
    case 'number_integer':
      return /^-?\d{1,16}$/.test(value) ? null : 'Value must be an integer.';
    case 'number_decimal':
      return /^-?\d{1,13}(\.\d{1,9})?$/.test(value) ? null : 'Value must be a decimal.';
    case 'boolean':
      return value === 'true' || value === 'false' ? null : 'Value must be true or false.';
    case 'date':
      return isDay(value) ? null : 'Value must be in YYYY-MM-DD format.';
    case 'json':
      return parsed(value) === undefined ? 'Value is invalid JSON.' : null;
    case 'money': {
      const { amount, currency_code: code } = (parsed(value) ?? {}) as Record<string, unknown>;
      if (!/^-?\d+(\.\d+)?$/.test(String(amount))) return 'Value must have a valid amount.';
      return code === currency ? null : `Value must use the store's currency, ${currency}.`;
    }
    default:
      return null;
  }
}

function isDay(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const at = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(value);
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
