import { expect, test } from 'vitest';
import { decide } from '../../src/sync/identity/decide.ts';
import { sharedAmong } from '../../src/sync/identity/judge.ts';
import { shippedParameters } from '../../src/sync/identity/parameters.ts';
import { type PersonRecord, profileOf } from '../../src/sync/identity/profile.ts';
import { resolveRecords } from '../../src/sync/identity/resolve-records.ts';

const home = { address1: '12 Oak Street', address2: null, city: 'Salem', zip: '97301', countryCode: 'US' };

function record(firstName: string, more: Partial<PersonRecord> = {}): PersonRecord {
  return { firstName, lastName: 'Doe', company: null, email: null, phone: null, address: home, ...more };
}

/** Whom a record is merged with and whom it is asked about, by their names here. */
function decided(asking: PersonRecord, known: Record<string, PersonRecord>, mostRecords = 12) {
  const profiles = Object.values(known).map((one) => profileOf([one], 'US'));
  const own = profileOf([asking], 'US');
  const { merge, ask } = decide(
    { profile: own, records: 1 },
    Object.keys(known).map((name, index) => ({
      name,
      profile: profiles[index] ?? own,
      records: 1,
    })),
    { shared: sharedAmong([own, ...profiles]), parameters: shippedParameters, mostRecords },
  );
  return { merge: merge.map((one) => one.candidate.name), ask: ask.map((one) => one.candidate.name) };
}

const father = record('John', { email: 'john.doe.salem@gmail.com', phone: '+15035550141' });
const son = record('John', { email: 'jdoe1999@yahoo.com', phone: '+15035550177' });

test('who has neither mailbox nor number is the one of that name at the address, as long as there is only one', () => {
  expect(decided(record('John'), { father })).toEqual({ merge: ['father'], ask: [] });
  expect(decided(record('John'), { father, wife: record('Betty') })).toEqual({ merge: ['father'], ask: [] });
  expect(decided(record('John'), { father, son })).toEqual({ merge: [], ask: ['father', 'son'] });
});

test('a namesake counts under a slip, an initial or a short form of the name, and in the house if not the flat', () => {
  const lastName = 'Halworth';
  const known = { ...father, lastName };
  for (const other of [
    { ...son, lastName: 'Hallworth' },
    { ...son, lastName, firstName: 'J.' },
    { ...son, lastName, firstName: 'Johnny' },
    { ...son, lastName, address: { ...home, address2: 'Apt 4' } },
  ])
    expect(decided(record('John', { lastName }), { known, other }).merge).toEqual([]);
});

test('a mailbox tells namesakes apart, and so does a number where both have one', () => {
  const { email, phone } = father;
  expect(decided(record('John', { email }), { father, son }).merge).toEqual(['father']);
  expect(decided(record('John', { phone }), { father, son }).merge).toEqual(['father']);
  // The number may be the family's: whose the other record is cannot be told.
  const silent = { ...son, phone: null };
  expect(decided(record('John', { phone }), { father, silent })).toEqual({
    merge: [],
    ask: ['father', 'silent'],
  });
});

test('two records that are evidently one are no rivals of each other', () => {
  const again = { ...father, phone: null };
  expect(decided(record('John'), { father, again }).merge.toSorted()).toEqual(['again', 'father']);
});

test('a record bridges nobody who contradict each other, in whichever order they come', () => {
  // Each of the mailboxes is in it; the numbers differ, but a customer may have two.
  const both = record('John', { email: father.email, phone: son.phone });
  const { merge, ask } = decided(both, { father, son });
  expect([...merge, ...ask].toSorted()).toEqual(['father', 'son']);
  for (const records of [
    [father, son, record('John')],
    [son, father, record('John')],
  ]) {
    const { personOf, reviews } = resolveRecords(records, 'US', shippedParameters);
    expect(new Set(personOf).size).toBe(3);
    expect(reviews.map(({ a, b }) => [a, b])).toEqual(
      expect.arrayContaining([
        [0, 2],
        [1, 2],
      ]),
    );
  }
});

test('what was merged counts for the next: the number of one speaks against that of the other', () => {
  const other = record('John', { phone: son.phone });
  expect(decided(record('John', { email: father.email }), { father, other })).toEqual({
    merge: ['father'],
    ask: ['other'],
  });
});

test('nobody takes in more records than a person has', () => {
  expect(decided(record('John'), { father }, 1)).toEqual({ merge: [], ask: ['father'] });
});

test('names of one length that differ by a letter are asked about even where the mailbox is one', () => {
  const email = 'the.does@gmail.com';
  expect(decided(record('Marie', { email }), { maria: record('Maria', { email }) })).toEqual({
    merge: [],
    ask: ['maria'],
  });
  expect(decided(record('Bob', { email }), { rob: record('Rob', { email }) }).merge).toEqual(['rob']);
});
