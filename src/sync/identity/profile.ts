import type { Address } from '../../model/customer.ts';
import { type Place, placeOf } from './normalise-address.ts';
import { type EmailParts, emailParts } from './normalise-email.ts';
import { fold, type PersonName, personName } from './normalise-name.ts';
import { phoneNumber } from './normalise-phone.ts';

/** What one record says of a person, in the words of whoever wrote it. */
export interface PersonRecord {
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  address: Partial<Address> | null;
}

/** Everything that is known of a person, made comparable. Several records of one person give several of each. */
export interface Profile {
  /** Personal and desk mailboxes; relay addresses stand for an order and are left out. */
  emails: readonly EmailParts[];
  phones: readonly string[];
  names: readonly PersonName[];
  places: readonly Place[];
  companies: readonly string[];
}

/** @param country of the shop, where a record does not name one: telephone numbers are read in it. */
export function profileOf(records: readonly PersonRecord[], country: string | null): Profile {
  const emails = new Map<string, EmailParts>();
  const phones = new Set<string>();
  const names = new Map<string, PersonName>();
  const places = new Map<string, Place>();
  const companies = new Set<string>();
  for (const record of records) {
    const email = emailParts(record.email);
    if (email !== null && email.kind !== 'relay') emails.set(email.canonical, email);
    const phone = phoneNumber(record.phone ?? record.address?.phone, record.address?.countryCode ?? country);
    if (phone !== null) phones.add(phone);
    const named = record.firstName !== null || record.lastName !== null ? record : record.address;
    const name = personName(named?.firstName, named?.lastName);
    if (name !== null) names.set([...name.first, '|', ...name.last, name.suffix].join(' '), name);
    const place = placeOf(record.address);
    if (place !== null) places.set(Object.values(place).join('|'), place);
    const company = fold(record.company ?? record.address?.company ?? '');
    if (company !== '') companies.add(company);
  }
  return {
    emails: [...emails.values()],
    phones: [...phones],
    names: [...names.values()],
    places: [...places.values()],
    companies: [...companies],
  };
}

/** What is known of several as of one person. */
export function joinProfiles(profiles: readonly Profile[]): Profile {
  if (profiles.length === 1 && profiles[0] !== undefined) return profiles[0];
  return {
    emails: profiles.flatMap((one) => one.emails),
    phones: profiles.flatMap((one) => one.phones),
    names: profiles.flatMap((one) => one.names),
    places: profiles.flatMap((one) => one.places),
    companies: profiles.flatMap((one) => one.companies),
  };
}
