import { looseStreet, type Place } from './normalise-address.ts';
import type { EmailParts } from './normalise-email.ts';
import { formalNamesOf, loose, type PersonName } from './normalise-name.ts';
import type { Profile } from './profile.ts';
import { editDistance, isTypo } from './similarity.ts';

/** Per field how far two profiles agree, the strongest agreement first. `missing`: one of them does not say. */
export const agreementLevels = {
  email: ['same', 'shared', 'close', 'different', 'missing'],
  phone: ['same', 'shared', 'close', 'different', 'missing'],
  firstName: ['same', 'alias', 'close', 'initial', 'different', 'missing'],
  lastName: ['same', 'close', 'part', 'different', 'missing'],
  address: ['same', 'building', 'close', 'area', 'different', 'missing'],
  company: ['same', 'different', 'missing'],
  birthDate: ['same', 'close', 'part', 'different', 'missing'],
  taxId: ['same', 'shared', 'close', 'different', 'missing'],
} as const;

export type MatchField = keyof typeof agreementLevels;
export const matchFields = Object.keys(agreementLevels) as MatchField[];
export type Agreement = { [F in MatchField]: (typeof agreementLevels)[F][number] } & {
  /** One is called junior, the other is not, or is called senior. */
  suffixConflict: boolean;
};

/** Clues that many people share, by their comparable text: they say little about who somebody is. */
export interface SharedClues {
  emails: ReadonlySet<string>;
  phones: ReadonlySet<string>;
  places: ReadonlySet<string>;
  taxIds: ReadonlySet<string>;
}

/** Compares two profiles field by field; of several values the two that agree most count. */
export function compareProfiles(a: Profile, b: Profile, shared: SharedClues): Agreement {
  return {
    email: best(agreementLevels.email, a.emails, b.emails, (x, y) => compareEmails(x, y, shared)),
    phone: best(agreementLevels.phone, a.phones, b.phones, (x, y) => comparePhones(x, y, shared)),
    ...compareNames(a.names, b.names),
    address: best(agreementLevels.address, a.places, b.places, (x, y) => comparePlaces(x, y, shared)),
    company: best(agreementLevels.company, a.companies, b.companies, (x, y) =>
      x === y ? 'same' : 'different',
    ),
    birthDate: best(agreementLevels.birthDate, a.birthDates, b.birthDates, compareBirthDates),
    taxId: best(agreementLevels.taxId, a.taxIds, b.taxIds, (x, y) => compareTaxIds(x, y, shared)),
  };
}

export function compareFirstNames(a: readonly string[], b: readonly string[]): Agreement['firstName'] {
  const [x, y] = [a[0], b[0]];
  if (x === undefined || y === undefined) return 'missing';
  if (x === y || a.join('') === b.join('')) return hasOtherMiddleName(a, b) ? 'close' : 'same';
  if (x.length === 1 || y.length === 1) return x[0] === y[0] ? 'initial' : 'different';
  // Maria and Marie stand for one another and are sisters as often: of one length and a letter apart is no short form.
  const isSisterName = x.length >= 4 && x.length === y.length && editDistance(x, y, 1) === 1;
  if (formalNamesOf(x).some((name) => formalNamesOf(y).includes(name)))
    return isSisterName ? 'close' : 'alias';
  // Mary and Mark are one letter apart, too: short names must sound the same.
  return loose(x) === loose(y) || (Math.min(x.length, y.length) >= 5 && isTypo(x, y)) ? 'close' : 'different';
}

export function placeKey(place: Place): string {
  return [place.zip ?? place.city, place.number, looseStreet(place), place.unit].join('|');
}

function best<T, L extends string>(
  levels: readonly L[],
  a: readonly T[],
  b: readonly T[],
  compare: (x: T, y: T) => L,
): L {
  let rank = levels.length - 1;
  for (const x of a) for (const y of b) rank = Math.min(rank, levels.indexOf(compare(x, y)));
  return levels[rank] as L;
}

function compareEmails(a: EmailParts, b: EmailParts, shared: SharedClues): Agreement['email'] {
  if (a.canonical === b.canonical)
    return a.kind === 'role' || shared.emails.has(a.canonical) ? 'shared' : 'same';
  // That somebody writes from the office says nothing against them.
  if (a.kind === 'role' || b.kind === 'role') return 'missing';
  if (a.local === b.local && a.local.length >= 6) return 'close';
  // jo.doe7 and jo.doe8 are two who were given the next free name, and no slip of the finger.
  if (digitsOf(a.local) !== digitsOf(b.local)) return 'different';
  return Math.min(a.local.length, b.local.length) >= 6 && editDistance(a.canonical, b.canonical, 1) <= 1
    ? 'close'
    : 'different';
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}

function comparePhones(a: string, b: string, shared: SharedClues): Agreement['phone'] {
  if (a === b) return shared.phones.has(a) ? 'shared' : 'same';
  return a.length === b.length && editDistance(a, b, 1) === 1 ? 'close' : 'different';
}

/** Full dates that differ by a slip, by day and month in each other's place or by one in a single part are close. */
export function compareBirthDates(a: string, b: string): Agreement['birthDate'] {
  const length = Math.min(a.length, b.length);
  if (length <= 6) return a.slice(0, length) === b.slice(0, length) ? 'part' : 'different';
  if (a === b) return 'same';
  if (editDistance(a, b, 1) <= 1) return 'close';
  if (a.length !== 8 || b.length !== 8) return 'different';
  const [x, y] = [partsOf(a), partsOf(b)];
  const isSwapped = x[0] === y[0] && x[1] === y[2] && x[2] === y[1];
  const off = x.map((part, index) => Math.abs(part - (y[index] ?? 0)));
  return isSwapped || off.reduce((sum, one) => sum + one, 0) === 1 ? 'close' : 'different';
}

function partsOf(date: string): [number, number, number] {
  return [Number(date.slice(0, 4)), Number(date.slice(4, 6)), Number(date.slice(6))];
}

function compareTaxIds(a: string, b: string, shared: SharedClues): Agreement['taxId'] {
  if (a === b) return shared.taxIds.has(a) ? 'shared' : 'same';
  return editDistance(a, b, 1) <= 1 ? 'close' : 'different';
}

function compareNames(
  a: readonly PersonName[],
  b: readonly PersonName[],
): Pick<Agreement, 'firstName' | 'lastName' | 'suffixConflict'> {
  let found: Pick<Agreement, 'firstName' | 'lastName' | 'suffixConflict'> | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const x of a)
    for (const y of b)
      for (const z of [y, { ...y, first: y.last, last: y.first }]) {
        const firstName = compareFirstNames(x.first, z.first);
        const lastName = compareLastNames(x.last, z.last);
        // Swapped names count only where both parts say so.
        if (z !== y && (firstName !== 'same' || lastName !== 'same')) continue;
        const rank =
          agreementLevels.firstName.indexOf(firstName) + agreementLevels.lastName.indexOf(lastName);
        if (rank >= least) continue;
        least = rank;
        found = { firstName, lastName, suffixConflict: isSuffixConflict(x.suffix, y.suffix) };
      }
  return found ?? { firstName: 'missing', lastName: 'missing', suffixConflict: false };
}

export function compareLastNames(a: readonly string[], b: readonly string[]): Agreement['lastName'] {
  if (a.length === 0 || b.length === 0) return 'missing';
  const [x, y] = [a.join(''), b.join('')];
  if (x === y) return 'same';
  if (loose(x) === loose(y) || isTypo(x, y)) return 'close';
  const [fewer, more] = a.length < b.length ? [a, b] : [b, a];
  return fewer.length < more.length && fewer.every((word) => more.includes(word)) ? 'part' : 'different';
}

/** Mary Ann and Mary Beth are two; Mary Ann, Mary A. and Mary may be one. */
function hasOtherMiddleName(a: readonly string[], b: readonly string[]): boolean {
  const [x, y] = [a[1], b[1]];
  if (a.join('') === b.join('') || x === undefined || y === undefined) return false;
  return x[0] !== y[0] || (x.length > 1 && y.length > 1 && x !== y);
}

/** Sr., Jr. and III tell relatives apart. A son is often called Jr. only by some: one-sided counts for nothing but Jr. */
function isSuffixConflict(a: string | null, b: string | null): boolean {
  if (a === b) return false;
  return a !== null && b !== null ? true : (a ?? b) !== 'sr';
}

function comparePlaces(a: Place, b: Place, shared: SharedClues): Agreement['address'] {
  const sameArea =
    a.zip !== null && b.zip !== null
      ? a.zip === b.zip && (a.country === null || b.country === null || a.country === b.country)
      : a.city !== null && a.city === b.city;
  const [x, y] = [looseStreet(a), looseStreet(b)];
  if (x === null || y === null) return sameArea ? 'area' : 'missing';
  const sameStreet = x === y || isTypo(x, y);
  const sameNumber = a.number !== null && a.number === b.number;
  if (sameArea && sameStreet && sameNumber) {
    if (a.unit !== b.unit) return 'building';
    return shared.places.has(placeKey(a)) ? 'building' : 'same';
  }
  const sameTown = sameArea || (a.city !== null && a.city === b.city);
  const nearZip = a.zip !== null && b.zip !== null && editDistance(a.zip, b.zip, 1) <= 1;
  if (sameStreet && sameNumber && (sameTown || nearZip)) return 'close';
  return sameArea ? 'area' : 'different';
}
