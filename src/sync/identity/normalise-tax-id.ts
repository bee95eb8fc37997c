/**
 * A tax or national identifier as its letters and digits; null where it is none that tells anybody apart: too short, masked but for its last
 * digits, or typed to get past a form.
 */
export function taxId(text: string | null | undefined): string | null {
  const plain = (text ?? '').normalize('NFKC').toUpperCase();
  if (/[*•]|X{3,}/.test(plain)) return null;
  const id = plain.replace(/[^A-Z0-9]/g, '');
  const digits = id.replace(/\D/g, '');
  if (digits.length < 5 || id.length > 24) return null;
  return /^(\d)\1+$/.test(digits) || '1234567890'.startsWith(digits) ? null : id;
}
