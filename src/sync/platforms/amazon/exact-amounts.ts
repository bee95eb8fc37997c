/**
 * JSON whose amounts of money keep the digits they were sent with: Amazon's Finances tells them as JSON numbers
 * (`currencyAmount`), everything else as text. @throws SyntaxError
 */
export function parseAmounts(text: string): unknown {
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}

function keepDigits(key: string, value: unknown, context?: { source?: string }): unknown {
  if (key !== 'currencyAmount' || typeof value !== 'number') return value;
  const source = context?.source ?? '';
  // Exponents are allowed in JSON; a plain number is what they stand for.
  return /^-?\d+(\.\d+)?$/.test(source) ? source : value.toFixed(2);
}
