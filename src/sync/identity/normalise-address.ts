import type { Address } from '../../model/customer.ts';
import { fold, loose } from './normalise-name.ts';

/** A postal address as it is compared. */
export interface Place {
  /** Upper-case, without spaces; five digits in the United States. */
  zip: string | null;
  city: string | null;
  /** Words of the street, folded, its kind abbreviated. */
  street: string | null;
  /** House number with its letter. */
  number: string | null;
  /** Flat, suite or floor, digits and letters only. */
  unit: string | null;
  country: string | null;
}

type AddressParts = Partial<Pick<Address, 'address1' | 'address2' | 'city' | 'zip' | 'countryCode'>>;

/** Null where the address names neither street nor postal code. */
export function placeOf(address: AddressParts | null | undefined): Place | null {
  if (address === null || address === undefined) return null;
  const line = fold(address.address1 ?? '');
  const { street, unit: inLine } = withoutUnit(line);
  const second = fold(address.address2 ?? '');
  const country = address.countryCode?.trim().toUpperCase() || null;
  const zip = zipOf(address.zip, country);
  const tokens = street.split(' ').filter((word) => word !== '');
  const number = tokens.find((word) => /^\d+[a-z]?$/.test(word)) ?? null;
  const words = tokens.filter((word) => word !== number).map((word) => kinds.get(word) ?? word);
  const city = fold(address.city ?? '');
  if (words.length === 0 && zip === null) return null;
  return {
    zip,
    city: city === '' ? null : city,
    street: words.length === 0 ? null : words.map(withoutKindAtEnd).join(' '),
    number,
    unit: inLine ?? unitOf(second),
    country,
  };
}

/** One text for the spellings of a street. */
export function looseStreet(place: Place): string | null {
  return place.street === null ? null : loose(place.street.replaceAll(' ', ''));
}

function zipOf(zip: string | null | undefined, country: string | null): string | null {
  const text = (zip ?? '').toUpperCase().replace(/[\s-]/g, '');
  if (text === '') return null;
  return country === 'US' || (country === null && /^\d{9}$/.test(text)) ? text.slice(0, 5) : text;
}

const unitWords =
  'apt|apartment|unit|suite|ste|flat|fl|floor|room|rm|wohnung|whg|etage|piso|no|nr|app|appt|bte';

function withoutUnit(line: string): { street: string; unit: string | null } {
  const match = new RegExp(`^(.*\\S) (?:${unitWords}) ?([a-z]?\\d*[a-z]?)$`).exec(line);
  if (match === null || match[2] === undefined || match[2] === '') return { street: line, unit: null };
  return { street: match[1] ?? line, unit: match[2] };
}

function unitOf(line: string): string | null {
  const bare = line.replace(new RegExp(`\\b(?:${unitWords})\\b`, 'g'), ' ').replace(/ +/g, '');
  return bare === '' || bare.length > 12 ? null : bare;
}

/** Kinds of streets and points of the compass, as they are abbreviated. */
const kinds: ReadonlyMap<string, string> = new Map(
  `street:st avenue:ave av:ave road:rd drive:dr lane:ln boulevard:blvd court:ct place:pl square:sq terrace:ter
  parkway:pkwy highway:hwy circle:cir trail:trl strasse:str allee:all platz:pl weg:weg rue:rue calle:c avenida:ave
  north:n south:s east:e west:w northeast:ne northwest:nw southeast:se southwest:sw saint:st mount:mt fort:ft`
    .split(/\s+/)
    .map((pair) => pair.split(':') as [string, string]),
);

/** Hauptstrasse, Hauptstr and Haupt Str. are one street. */
function withoutKindAtEnd(word: string): string {
  return word.replace(/(?<=.{3})(strasse|str)$/, ' str');
}
