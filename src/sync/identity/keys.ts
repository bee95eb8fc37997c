import { createHash } from 'node:crypto';
import { looseStreet } from './normalise-address.ts';
import { loose } from './normalise-name.ts';
import { type PersonRecord, type Profile, profileOf } from './profile.ts';

/** Raised whenever the keys below or the normalisation under them change: stored keys of before are then made anew. */
export const keysVersion = 1;

/**
 * What two records of one person have at least one of in common: the same mailbox, number or mailbox name elsewhere, the same
 * family name in the same postal area, or the same house; where dates of birth or tax ids are told, the same of those. Hashed to 64 bits: keys that fall together merely cost a comparison.
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
  for (const id of profile.taxIds) keys.add(`t ${id}`);
  for (const date of profile.birthDates) for (const key of birthKeys(date, profile)) keys.add(key);
  return Array.from(keys, hashed);
}

/** With an initial where the date is as it should be; with the whole name where day and month, or the year, are a slip. */
function birthKeys(date: string, { names }: Profile): string[] {
  if (date.length < 7) return [];
  const initials = names
    .flatMap(({ first, last }) => [...first, ...last])
    .map((word) => loose(word)[0] ?? '');
  const whole = names
    .filter(({ first, last }) => first.length > 0 && last.length > 0)
    .map(({ first, last }) => [first[0] as string, ...last].map(loose).sort().join(' '));
  return [
    ...initials.map((initial) => `b ${date} ${initial}`),
    ...whole.flatMap((name) => [`y ${date.slice(0, 4)} ${name}`, `d ${date.slice(4)} ${name}`]),
  ];
}

function hashed(key: string): bigint {
  return createHash('sha256').update(key).digest().readBigInt64BE(0);
}
