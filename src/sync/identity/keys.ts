import { createHash } from 'node:crypto';
import { looseStreet } from './normalise-address.ts';
import { loose } from './normalise-name.ts';
import { type PersonRecord, type Profile, profileOf } from './profile.ts';

/** Raised whenever the keys below or the normalisation under them change: stored keys of before are then made anew. */
export const keysVersion = 1;

/**
 * What two records of one person have at least one of in common: the same mailbox, number or mailbox name elsewhere, the same
 * family name in the same postal area, or the same house. Hashed to 64 bits: keys that fall together merely cost a comparison.
 */
export function matchKeys(record: PersonRecord, country: string | null): bigint[] {
  return keysOfProfile(profileOf([record], country));
}

export function keysOfProfile(profile: Profile): bigint[] {
  const keys = new Set<string>();
  for (const email of profile.emails) {
    keys.add(`e ${email.canonical}`);
    if (email.kind === 'personal' && email.local.length >= 6) keys.add(`l ${email.local}`);
  }
  for (const phone of profile.phones) keys.add(`p ${phone}`);
  for (const place of profile.places) {
    const area = place.zip ?? place.city;
    if (area === null) continue;
    for (const name of profile.names)
      for (const word of name.last.length > 0 ? name.last : name.first) keys.add(`z ${area} ${loose(word)}`);
    const street = looseStreet(place);
    if (street !== null && place.number !== null) keys.add(`a ${area} ${place.number} ${street.slice(0, 5)}`);
  }
  return Array.from(keys, hashed);
}

function hashed(key: string): bigint {
  return createHash('sha256').update(key).digest().readBigInt64BE(0);
}
