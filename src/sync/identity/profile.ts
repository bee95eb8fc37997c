import type { Address } from '../../model/customer.ts';
import { type Place, placeOf } from './normalise-address.ts';
import { birthDate } from './normalise-birth-date.ts';
import { type EmailParts, emailParts } from './normalise-email.ts';
import { fold, type PersonName, personName } from './normalise-name.ts';
import { phoneNumber } from './normalise-phone.ts';
import { taxId } from './normalise-tax-id.ts';

/** What one record says of a person, in the words of whoever wrote it. */
export interface PersonRecord {
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  address: Partial<Address> | null;
  /** Date of birth, in any spelling; files tell it, platforms do not. */
  birthDate?: string | null;
  /** Tax or national identifier; files tell it, platforms do not. */
  taxId?: string | null;
}

/** Everything that is known of a person, made comparable. Several records of one person give several of each. */
export interface Profile {
  /** Personal and desk mailboxes; relay addresses stand for an order and are left out. */
  emails: readonly EmailParts[];
  phones: readonly string[];
  names: readonly PersonName[];
  places: readonly Place[];
  companies: readonly string[];
  birthDates: readonly string[];
  taxIds: readonly string[];
}

/** @param country of the shop, where a record does not name one: telephone numbers are read in it. */
export function profileOf(records: readonly PersonRecord[], country: string | null): Profile {
  const emails = new Map<string, EmailParts>();
  const phones = new Set<string>();
  const names = new Map<string, PersonName>();
  const places = new Map<string, Place>();
  const companies = new Set<string>();
  const birthDates = new Set<string>();
  const taxIds = new Set<string>();
  for (const record of records) {
    const email = emailParts(record.email);
    if (email !== null && email.kind !== 'relay') emails.set(email.canonical, email);
    const phone = phoneNumber(record.phone ?? record.address?.phone, record.address?.countryCode ?? country);
    if (phone !== null) phones.add(phone);
    const named = record.firstName !== null || record.lastName !== null ? record : record.address;
    const name = personName(named?.firstName, named?.lastName);
    if (name !== null) names.set(nameKey(name), name);
    const place = placeOf(record.address);
    if (place !== null) places.set(placeText(place), place);
    const company = fold(record.company ?? record.address?.company ?? '');
    if (company !== '') companies.add(company);
    const born = birthDate(record.birthDate, record.address?.countryCode ?? country);
    if (born !== null) birthDates.add(born);
    const id = taxId(record.taxId);
    if (id !== null) taxIds.add(id);
  }
  return {
    emails: [...emails.values()],
    phones: [...phones],
    names: [...names.values()],
    places: [...places.values()],
    companies: [...companies],
    birthDates: [...birthDates],
    taxIds: [...taxIds],
  };
}

/** What is known of several as of one person. */
export function joinProfiles(profiles: readonly Profile[]): Profile {
  if (profiles.length === 1 && profiles[0] !== undefined) return profiles[0];
  const all = <T>(of: (profile: Profile) => readonly T[], key: (one: T) => string): T[] => [
    ...new Map(profiles.flatMap(of).map((one) => [key(one), one])).values(),
  ];
  const itself = (text: string): string => text;
  return {
    emails: all(
      (one) => one.emails,
      (email) => email.canonical,
    ),
    phones: all((one) => one.phones, itself),
    names: all((one) => one.names, nameKey),
    places: all((one) => one.places, placeText),
    companies: all((one) => one.companies, itself),
    birthDates: all((one) => one.birthDates, itself),
    taxIds: all((one) => one.taxIds, itself),
  };
}

function nameKey(name: PersonName): string {
  return [...name.first, '|', ...name.last, name.suffix].join(' ');
}

function placeText(place: Place): string {
  return Object.values(place).join('|');
}
