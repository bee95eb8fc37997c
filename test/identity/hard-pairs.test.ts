import { expect, test } from 'vitest';
import { judgePair, sharedAmong } from '../../src/sync/identity/judge.ts';
import { shippedParameters } from '../../src/sync/identity/parameters.ts';
import { type PersonRecord, profileOf } from '../../src/sync/identity/profile.ts';

// Pairs as shops have them and as the made-up people do not.

const home = {
  firstName: null,
  lastName: null,
  company: null,
  address1: '12 Oak Street',
  address2: null,
  city: 'Salem',
  province: null,
  zip: '97301',
  countryCode: 'US',
  phone: null,
};
const elsewhere = { ...home, address1: '7 Lake Road', city: 'Boise', zip: '83702' };

function record(firstName: string, lastName: string, more: Partial<PersonRecord> = {}): PersonRecord {
  return { firstName, lastName, company: null, email: null, phone: null, address: null, ...more };
}

function judge(a: PersonRecord, b: PersonRecord): string {
  const [x, y] = [profileOf([a], 'US'), profileOf([b], 'US')];
  return judgePair(x, y, sharedAmong([x, y]), shippedParameters).outcome;
}

test.each<[string, PersonRecord, PersonRecord, string[]]>([
  [
    'father and son of one name, with the next free mailbox',
    record('John', 'Doe', { email: 'john.doe7@gmail.com', address: home }),
    record('John', 'Doe', { email: 'john.doe8@gmail.com', address: home }),
    ['review', 'separate'],
  ],
  [
    'father and son of one name, with the next number of the family’s contract',
    record('John', 'Doe', { phone: '+15035550141', address: home }),
    record('John', 'Doe', { phone: '+15035550142', address: home }),
    ['review', 'separate'],
  ],
  [
    'twins with one mailbox and one telephone',
    record('Christian', 'Doe', { email: 'the.does@gmail.com', phone: '+15035550141', address: home }),
    record('Christina', 'Doe', { email: 'the.does@gmail.com', phone: '+15035550141', address: home }),
    ['review', 'separate'],
  ],
  [
    'a couple with one mailbox and one telephone',
    record('Betty', 'Doe', { email: 'the.does@gmail.com', phone: '+15035550141', address: home }),
    record('Frank', 'Doe', { email: 'the.does@gmail.com', phone: '+15035550141', address: home }),
    ['review', 'separate'],
  ],
  [
    'colleagues who buy for one company from one desk',
    record('Ann', 'Reed', {
      email: 'purchasing@acme.com',
      phone: '+15035550141',
      company: 'Acme',
      address: home,
    }),
    record('Bob', 'Cole', {
      email: 'purchasing@acme.com',
      phone: '+15035550141',
      company: 'Acme',
      address: home,
    }),
    ['review', 'separate'],
  ],
  [
    'a number that went to somebody else',
    record('Ann', 'Reed', { phone: '+15035550141', address: home }),
    record('Bob', 'Cole', { phone: '+15035550141', address: elsewhere }),
    ['separate'],
  ],
  [
    'two of one name in one postal area',
    record('John', 'Smith', { address: home }),
    record('John', 'Smith', { address: { ...home, address1: '99 Pine Lane' } }),
    ['review', 'separate'],
  ],
  [
    'somebody who moved and married, with mailbox and number as before',
    record('Ann', 'Reed', { email: 'ann.reed@gmail.com', phone: '+15035550141', address: home }),
    record('Ann', 'Cole', { email: 'ann.reed@gmail.com', phone: '+15035550141', address: elsewhere }),
    ['merge'],
  ],
  [
    'first and last name in each other’s place',
    record('Ann', 'Reed', { email: 'ann.reed@gmail.com', address: home }),
    record('Reed', 'Ann', { email: 'ann.reed@gmail.com', address: home }),
    ['merge'],
  ],
  [
    'a name in two alphabets’ spellings',
    record('Jürgen', 'Müller', { phone: '+15035550141', address: home }),
    record('Juergen', 'Mueller', { phone: '+15035550141', address: home }),
    ['review'],
  ],
  [
    'a hyphenated name of which one half is left',
    record('Ann', 'Reed-Cole', { email: 'ann.reed@gmail.com', address: home }),
    record('Ann', 'Cole', { email: 'ann.reed@gmail.com', address: home }),
    ['merge'],
  ],
  [
    'who is known by name and home alone, as marketplaces tell',
    record('Ann', 'Reed', { email: 'ann.reed@gmail.com', phone: '+15035550141', address: home }),
    record('ANN', 'REED', { address: { ...home, address1: '12 Oak St.' } }),
    ['merge'],
  ],
  [
    'father and son of one name at home, told apart by their days of birth',
    record('John', 'Doe', { address: home, birthDate: '1950-03-04' }),
    record('John', 'Doe', { address: home, birthDate: '1981-07-09' }),
    ['review', 'separate'],
  ],
  [
    'twins, who have one day of birth and names alike',
    record('Christian', 'Doe', { address: home, phone: '+15035550141', birthDate: '1990-03-04' }),
    record('Christina', 'Doe', { address: home, phone: '+15035550141', birthDate: '1990-03-04' }),
    ['review', 'separate'],
  ],
  [
    'colleagues who give the tax id of their firm',
    record('Ann', 'Reed', { company: 'Acme', taxId: 'DE123456788', address: home }),
    record('Bob', 'Cole', { company: 'Acme', taxId: 'DE123456788', address: home }),
    ['separate'],
  ],
  [
    'brothers with names alike who buy for the family’s firm',
    record('Christian', 'Doe', { taxId: 'DE123456788', address: home }),
    record('Christina', 'Doe', { taxId: 'DE123456788', address: home }),
    ['review', 'separate'],
  ],
  [
    'two of one name and one day of birth who live elsewhere and have other mailboxes',
    record('John', 'Smith', { address: home, email: 'john7@gmail.com', birthDate: '1980-05-12' }),
    record('John', 'Smith', { address: elsewhere, email: 'jsmith@yahoo.com', birthDate: '1980-05-12' }),
    ['review', 'separate'],
  ],
  [
    'one mailbox, but two days of birth',
    record('John', 'Doe', { email: 'john.doe@gmail.com', birthDate: '1950-03-04' }),
    record('John', 'Doe', { email: 'john.doe@gmail.com', birthDate: '1981-07-09' }),
    ['review'],
  ],
  [
    'one national id under two days of birth',
    record('John', 'Doe', { address: home, taxId: '536904399', birthDate: '1950-03-04' }),
    record('John', 'Doe', { address: home, taxId: '536904399', birthDate: '1981-07-09' }),
    ['review'],
  ],
  [
    'who married at home, by the day of birth',
    record('Ann', 'Reed', { address: home, birthDate: '1980-05-12' }),
    record('Ann', 'Cole', { address: home, birthDate: '1980-05-12' }),
    ['merge'],
  ],
  [
    'names with slips, by the national id and the day of birth',
    record('Jonathan', 'Marlowe', { address: home, taxId: '536904399', birthDate: '1980-05-12' }),
    record('Jonathon', 'Marlow', { address: elsewhere, taxId: '536-90-4399', birthDate: '12 05 1980' }),
    ['merge'],
  ],
])('%s', (_what, a, b, outcomes) => {
  expect(outcomes).toContain(judge(a, b));
  expect(outcomes).toContain(judge(b, a));
});
