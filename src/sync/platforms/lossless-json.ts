/**
 * JSON whose long integers (ids beyond 2^53) become strings of their digits instead of being rounded.
 * @throws SyntaxError
 */
export function parseLosslessJson(text: string): unknown {
  return JSON.parse(text, keepLongIntegers as (key: string, value: unknown) => unknown);
}

function keepLongIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^-?\d+$/.test(source) ? source : value;
}
