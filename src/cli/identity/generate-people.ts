import { formalNames } from '../../sync/identity/nicknames.ts';
import { fold, formalNamesOf } from '../../sync/identity/normalise-name.ts';
import type { PersonRecord } from '../../sync/identity/profile.ts';
import {
  cities,
  commonSurnames,
  companies,
  femaleNames,
  mailProviders,
  maleNames,
  streetKinds,
  streetNames,
  surnameEnds,
  surnameStarts,
  twinNames,
} from './people-words.ts';

export interface LabelledRecord extends PersonRecord {
  id: string;
  channel: 'shop' | 'marketplace' | 'till';
  /** Whose record it is, in truth. */
  person: string;
}

/** How often things happen, per record or household. What docs/identity.md measures is measured with these. */
export const rates = {
  /** Of the people of the shop, also on the marketplace; as often there alone. */
  onMarketplaceToo: 0.45,
  onlyMarketplace: 0.25,
  /** A second account at the shop, or a record made at the till. */
  secondRecord: 0.12,
  relayAddress: 0.6,
  otherMailbox: 0.25,
  noMailboxAtTill: 0.4,
  phoneGiven: 0.6,
  otherPhone: 0.1,
  familyPhone: 0.3,
  familyMailbox: 0.03,
  twins: 0.01,
  /** Father and son of one name under one roof; half of them are told apart by Jr. */
  namesakes: 0.002,
  staffClues: 0.01,
  deskMailbox: 0.015,
  moved: 0.1,
  nickname: 0.12,
  nameTypo: 0.03,
  respelled: 0.06,
  initialOnly: 0.02,
  swapped: 0.01,
  renamed: 0.02,
  addressRespelled: 0.35,
  addressTypo: 0.04,
  flatLeftOut: 0.3,
  flats: 0.3,
} as const;

/** A small generator of chance (mulberry32): the same seed tells the same people. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  is(rate: number): boolean {
    return this.next() < rate;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)] as T;
  }

  /** Early ones more often than late ones, as names are. */
  byRank<T>(all: readonly T[]): T {
    return all[Math.floor(this.next() ** 2 * all.length)] as T;
  }
}

interface Person {
  id: string;
  first: string;
  last: string;
  suffix: string | null;
  phone: string;
  mailboxes: [string, string];
  home: Home;
  company: string | null;
}

interface Home {
  number: number;
  street: string;
  kind: readonly [string, string];
  flat: number | null;
  city: string;
  zip: string;
}

/** Records of about so many people over two channels and a till, each with the person it belongs to. */
export function generatePeople(seed: number, people: number): LabelledRecord[] {
  const chance = new Chance(seed);
  const records: LabelledRecord[] = [];
  const staff = { email: `till-${chance.below(99)}@our-shop.example`, phone: phoneNumber(chance) };
  for (let known = 0; known < people; ) {
    const household = householdOf(chance, known);
    for (const person of household) {
      known += 1;
      records.push(...recordsOf(chance, person, staff));
    }
  }
  // Arrival is in no order.
  for (let index = records.length - 1; index > 0; index -= 1) {
    const other = chance.below(index + 1);
    [records[index], records[other]] = [records[other] as LabelledRecord, records[index] as LabelledRecord];
  }
  return records.map((record, index) => ({ ...record, id: String(index + 1) }));
}

function householdOf(chance: Chance, from: number): Person[] {
  const home = homeOf(chance);
  const last = surname(chance);
  const size = chance.is(0.4) ? 1 : 2 + chance.below(3);
  const phone = phoneNumber(chance);
  const oneNumber = chance.is(rates.familyPhone);
  const oneMailbox = chance.is(rates.familyMailbox);
  const twins = size > 2 && chance.is(rates.twins * 3) ? chance.of(twinNames) : null;
  const namesakes = size > 1 && chance.is(rates.namesakes);
  const suffixes = namesakes && chance.is(0.5) ? ['Sr.', 'Jr.'] : [null, null];
  const household: Person[] = [];
  for (let index = 0; index < size; index += 1) {
    const first =
      (twins !== null && index >= size - 2 ? twins[index - size + 2] : undefined) ??
      (namesakes && index === 1 ? household[0]?.first : undefined) ??
      chance.byRank(chance.is(0.5) ? femaleNames : maleNames);
    // Twins get names alike; otherwise nobody calls two children by one name.
    const isTaken = household.some((one) => one.first === first || isSameName(one.first, first));
    if (isTaken && !namesakes && !(twins?.includes(first) === true)) continue;
    const person: Person = {
      id: `p${from + household.length}`,
      first,
      last: chance.is(0.12) ? surname(chance) : last,
      suffix: namesakes ? (suffixes[index] ?? null) : null,
      phone: oneNumber ? phone : phoneNumber(chance),
      mailboxes: [mailbox(chance, first, last), mailbox(chance, first, last)],
      home,
      company: chance.is(0.06)
        ? `${chance.of(companies)} ${chance.of(['Ltd', 'GmbH', 'Inc', 'Group'])}`
        : null,
    };
    const shared = household[0]?.mailboxes[0];
    if (oneMailbox && shared !== undefined) person.mailboxes[0] = shared;
    household.push(person);
  }
  return household;
}

function isSameName(a: string, b: string): boolean {
  return formalNamesOf(fold(a)).some((name) => formalNamesOf(fold(b)).includes(name));
}

function recordsOf(
  chance: Chance,
  person: Person,
  staff: { email: string; phone: string },
): LabelledRecord[] {
  const channels: LabelledRecord['channel'][] = [];
  if (chance.is(rates.onlyMarketplace)) channels.push('marketplace');
  else {
    channels.push('shop');
    if (chance.is(rates.onMarketplaceToo)) channels.push('marketplace');
    if (chance.is(rates.secondRecord)) channels.push(chance.is(0.5) ? 'till' : 'shop');
  }
  return channels.map((channel, index) => recordOf(chance, person, channel, index, staff));
}

function recordOf(
  chance: Chance,
  person: Person,
  channel: LabelledRecord['channel'],
  index: number,
  staff: { email: string; phone: string },
): LabelledRecord {
  const later = index > 0;
  const name = nameAsTyped(chance, person, later);
  const home = later && chance.is(rates.moved) ? homeOf(chance) : person.home;
  const desk = person.company !== null && chance.is(rates.deskMailbox * 15);
  const mailboxOf = (): string | null => {
    if (channel === 'marketplace' && chance.is(rates.relayAddress))
      return `${chance.below(1e9).toString(36)}${chance.below(1e9).toString(36)}@marketplace.amazon.com`;
    if (channel === 'till' && chance.is(rates.noMailboxAtTill)) return null;
    if (desk) return `info@${fold(person.company ?? '').replaceAll(' ', '-')}.example`;
    const own = person.mailboxes[later && chance.is(rates.otherMailbox) ? 1 : 0];
    return chance.is(0.01) ? typo(chance, own) : mailboxAsTyped(chance, own);
  };
  const staffed = channel === 'till' && chance.is(rates.staffClues * 10);
  const phone = later && chance.is(rates.otherPhone) ? phoneNumber(chance) : person.phone;
  const given = chance.is(rates.phoneGiven);
  return {
    id: '',
    channel,
    person: person.id,
    email: staffed ? staff.email : mailboxOf(),
    phone: staffed ? staff.phone : given ? phoneAsTyped(chance, phone) : null,
    firstName: name.first,
    lastName: name.last,
    company: person.company !== null && chance.is(0.5) ? person.company : null,
    address: channel === 'till' && chance.is(0.6) ? null : addressAsTyped(chance, home),
  };
}

function nameAsTyped(chance: Chance, person: Person, later: boolean): { first: string; last: string } {
  let { first, last } = person;
  if (later && chance.is(rates.renamed)) last = surname(chance);
  if (chance.is(rates.nickname)) first = nickname(chance, first);
  else if (chance.is(rates.initialOnly)) first = `${first[0]}.`;
  if (chance.is(rates.respelled)) [first, last] = [respelled(chance, first), respelled(chance, last)];
  if (chance.is(rates.nameTypo)) {
    if (chance.is(0.5)) first = typo(chance, first);
    else last = typo(chance, last);
  }
  if (person.suffix !== null) last = `${last} ${person.suffix}`;
  return chance.is(rates.swapped) ? { first: last, last: first } : { first, last };
}

function nickname(chance: Chance, first: string): string {
  const forms = [...formalNames]
    .filter(([form, formal]) => formal.includes(fold(first)) && form !== fold(first))
    .map(([form]) => form);
  if (forms.length === 0) return first;
  const form = chance.of(forms);
  return `${form[0]?.toUpperCase()}${form.slice(1)}`;
}

/** The same sound in other letters: without accents, in Latin script, or as Germans write umlauts. */
function respelled(chance: Chance, name: string): string {
  if (/[äöü]/.test(name) && chance.is(0.5))
    return name.replaceAll('ä', 'ae').replaceAll('ö', 'oe').replaceAll('ü', 'ue');
  if (/[а-я]/.test(name)) {
    const latin = fold(name);
    const other = chance.is(0.5) ? latin.replaceAll('y', 'i').replaceAll('kh', 'h') : latin;
    return `${other[0]?.toUpperCase()}${other.slice(1)}`;
  }
  const plain = fold(name);
  return plain === ''
    ? name
    : chance.is(0.5)
      ? plain.toUpperCase()
      : `${plain[0]?.toUpperCase()}${plain.slice(1)}`;
}

function typo(chance: Chance, text: string): string {
  const letters = [...text];
  const at = 1 + chance.below(Math.max(1, letters.length - 2));
  const letter = String.fromCharCode(97 + chance.below(26));
  const kind = chance.below(4);
  if (kind === 0) letters.splice(at, 1);
  else if (kind === 1) letters.splice(at, 0, letter);
  else if (kind === 2) letters[at] = letter;
  else letters.splice(at, 2, letters[at + 1] ?? '', letters[at] ?? '');
  return letters.join('');
}

function mailbox(chance: Chance, first: string, last: string): string {
  const [f, l] = [fold(first).replaceAll(' ', ''), fold(last).replaceAll(' ', '')];
  const local = chance.of([`${f}.${l}`, `${f}${l}`, `${f[0]}${l}`, `${f}.${l}`, `${l}.${f}`, f]);
  // Mailboxes are one person's: a number that nobody else has got makes them so, after a name that many have.
  return `${local}${chance.below(1e5)}@${chance.of(mailProviders)}`;
}

function mailboxAsTyped(chance: Chance, email: string): string {
  if (!email.endsWith('@gmail.com') || chance.is(0.85)) return email;
  const [local = ''] = email.split('@');
  return chance.of([
    `${local.replaceAll('.', '')}@gmail.com`,
    `${local}+shop@gmail.com`,
    `${local}@googlemail.com`,
  ]);
}

function phoneNumber(chance: Chance): string {
  return `+1${chance.of(['212', '312', '415', '602', '713', '206'])}${2 + chance.below(7)}${String(chance.below(1e6)).padStart(6, '0')}`;
}

function phoneAsTyped(chance: Chance, phone: string): string {
  const [area, middle, end] = [phone.slice(2, 5), phone.slice(5, 8), phone.slice(8)];
  return chance.of([
    phone,
    `(${area}) ${middle}-${end}`,
    `${area}-${middle}-${end}`,
    `${area}.${middle}.${end}`,
  ]);
}

function surname(chance: Chance): string {
  if (chance.is(0.35)) return chance.byRank(commonSurnames);
  const name = `${chance.of(surnameStarts)}${chance.of(surnameEnds)}`;
  return chance.is(0.02) ? `${name}-${chance.byRank(commonSurnames)}` : name;
}

function homeOf(chance: Chance): Home {
  const city = chance.below(cities.length);
  return {
    number: 1 + chance.below(chance.is(0.7) ? 200 : 9000),
    street: chance.byRank(streetNames),
    kind: chance.of(streetKinds),
    flat: chance.is(rates.flats) ? 1 + chance.below(60) : null,
    city: cities[city] as string,
    zip: String(10000 + city * 2500 + chance.below(40)),
  };
}

function addressAsTyped(chance: Chance, home: Home): PersonRecord['address'] {
  const kind = home.kind[chance.is(rates.addressRespelled) ? 1 : 0];
  const street = chance.is(rates.addressTypo) ? typo(chance, home.street) : home.street;
  const flat = home.flat === null || chance.is(rates.flatLeftOut) ? null : `Apt ${home.flat}`;
  const inLine = flat !== null && chance.is(0.3);
  return {
    address1: `${home.number} ${street} ${kind}${inLine ? ` ${flat}` : ''}`,
    address2: flat === null || inLine ? null : flat.replace('Apt ', chance.of(['Apt ', '#', 'Unit ', ''])),
    city: chance.is(0.1) ? home.city.toUpperCase() : home.city,
    province: null,
    zip: chance.is(0.15) ? `${home.zip}-${1000 + chance.below(9000)}` : home.zip,
    countryCode: 'US',
    phone: null,
  };
}
