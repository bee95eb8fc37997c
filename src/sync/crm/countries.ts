/** Country names that people read, and back: CRMs keep a country as free text. */
const names = new Intl.DisplayNames(['en'], { type: 'region', fallback: 'none' });

const codesByName = new Map<string, string>();
for (let first = 65; first <= 90; first += 1)
  for (let second = 65; second <= 90; second += 1) {
    const code = String.fromCharCode(first, second);
    const name = names.of(code);
    // Countries that are no more (DD) lead to their successors and give up their names.
    if (Intl.getCanonicalLocales(`und-${code}`)[0] !== `und-${code}`) continue;
    if (name !== undefined && !codesByName.has(name.toLowerCase())) codesByName.set(name.toLowerCase(), code);
  }
for (const [alias, code] of [
  ['usa', 'US'],
  ['united states of america', 'US'],
  ['uk', 'GB'],
  ['great britain', 'GB'],
  ['czech republic', 'CZ'],
  ['turkey', 'TR'],
] as const)
  codesByName.set(alias, code);

export function countryName(code: string | null): string | null {
  if (code === null || !/^[A-Z]{2}$/.test(code)) return code;
  return names.of(code) ?? code;
}

/** The ISO code of a name or code in any case; null where it cannot be told. */
export function countryCode(text: string | null | undefined): string | null {
  const given = text?.trim() ?? '';
  if (
    /^[A-Za-z]{2}$/.test(given) &&
    names.of(given.toUpperCase()) !== undefined &&
    given.toLowerCase() !== 'uk'
  )
    return given.toUpperCase();
  return codesByName.get(given.toLowerCase()) ?? null;
}
