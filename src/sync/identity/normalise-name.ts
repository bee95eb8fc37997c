import { formalNames } from './nicknames.ts';

/** A person's name as it is compared. */
export interface PersonName {
  /** Words of the given name, folded to plain letters. */
  first: readonly string[];
  /** Words of the family name without its particles. */
  last: readonly string[];
  /** `jr`, `sr` or a Roman number: what tells a son from his father. */
  suffix: string | null;
}

/** Null where no name is given. A name that stands in one field only is cut at its last word, or at its comma. */
export function personName(
  first: string | null | undefined,
  last: string | null | undefined,
): PersonName | null {
  let given = words(first);
  let family = words(last);
  if (family.length === 0 && given.length > 1) {
    const comma = first?.indexOf(',') ?? -1;
    if (comma > 0) [family, given] = [words(first?.slice(0, comma)), words(first?.slice(comma + 1))];
    else family = given.splice(-1);
  } else if (given.length === 0 && family.length > 1) {
    const comma = last?.indexOf(',') ?? -1;
    if (comma > 0) [given, family] = [words(last?.slice(comma + 1)), words(last?.slice(0, comma))];
    else given = family.splice(0, family.length - 1);
  }
  const suffix = [...family, ...given].find((word) => suffixes.has(word)) ?? null;
  const bare = (all: string[]) => all.filter((word) => !suffixes.has(word) && !titles.has(word));
  given = bare(given);
  family = bare(family);
  const named = family.filter((word) => !particles.has(word));
  const result = { first: given, last: named.length > 0 ? named : family, suffix: suffixOf(suffix) };
  return result.first.length + result.last.length === 0 ? null : result;
}

/** Plain lower-case Latin letters and digits: without accents, other scripts spelled out, punctuation as spaces. */
export function fold(text: string): string {
  let out = '';
  for (const letter of text.normalize('NFKD').toLowerCase()) {
    const code = letter.codePointAt(0) ?? 0;
    if (code < 128) out += letter === "'" ? '' : /[a-z0-9]/.test(letter) ? letter : ' ';
    else if (/\p{M}|[’ʹʻʼ`´]/u.test(letter)) continue;
    else out += spelled[letter] ?? (/[\p{L}\p{N}]/u.test(letter) ? letter : ' ');
  }
  return out.replace(/ +/g, ' ').trim();
}

/**
 * One spelling for words that different people write down differently after the same sound: Müller and Mueller, Юлия as
 * Yulia, Iuliia or Julija, Stephen and Steven. Too coarse to be proof; good for finding and for saying "close".
 */
export function loose(word: string): string {
  return word
    .replace(/shch|sch|sh|ch|cz|tch/g, 's')
    .replace(/zh/g, 'z')
    .replace(/kh|gh/g, 'h')
    .replace(/ph/g, 'f')
    .replace(/th/g, 't')
    .replace(/ck|q|c(?![eiy])/g, 'k')
    .replace(/ts|tz|c(?=[eiy])/g, 's')
    .replace(/x/g, 'ks')
    .replace(/w/g, 'v')
    .replace(/([aou])e/g, '$1')
    .replace(/ou/g, 'u')
    .replace(/[jy]/g, 'i')
    .replace(/ii+/g, 'i')
    .replace(/(?<=[aeiou])h/g, '')
    .replace(/i(?=[aeou])/g, '')
    .replace(/(.)\1+/g, '$1');
}

/** The name that a short or familiar form stands for (Bob, Robert), in its folded spelling; itself otherwise. */
export function formalNamesOf(word: string): readonly string[] {
  return formalNames.get(word) ?? [word];
}

function words(text: string | null | undefined): string[] {
  return fold(text ?? '')
    .split(' ')
    .filter((word) => word !== '');
}

function suffixOf(suffix: string | null): string | null {
  if (suffix === 'junior') return 'jr';
  return suffix === 'senior' ? 'sr' : suffix;
}

const suffixes = new Set(['jr', 'sr', 'junior', 'senior', 'ii', 'iii', 'iv']);
const titles = new Set(
  'mr mrs ms miss mx dr prof professor herr frau fru sir dame mme mlle monsieur madame sra'.split(' '),
);
const particles = new Set(
  'von van der den de del della di da dos das du la le zu zum ter ten al el bin ibn mac'.split(' '),
);

/** Letters that decomposition leaves as they are, and the scripts of our neighbours letter by letter. */
const spelled: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', þ: 'th', ł: 'l', ı: 'i', ħ: 'h', ŋ: 'ng' },
  ...spelling(
    'абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґўјљњћђџ',
    'a b v g d e zh z i i k l m n o p r s t u f kh ts ch sh shch - y - e yu ya i i ye g u j lj nj c dj dz',
  ),
  ...spelling('αβγδεζηθικλμνξοπρσςτυφχψω', 'a v g d e z i th i k l m n x o p r s s t y f ch ps o'),
};

function spelling(letters: string, latin: string): Record<string, string> {
  const parts = latin.split(' ');
  return Object.fromEntries(
    [...letters].map((letter, index) => [letter, (parts[index] ?? '').replace('-', '')]),
  );
}
