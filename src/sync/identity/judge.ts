import { type Agreement, compareFirstNames, compareProfiles, placeKey, type SharedClues } from './compare.ts';
import type { Profile } from './profile.ts';
import { type MatchParameters, type Score, scoreAgreement } from './score.ts';

export interface Judgement extends Score {
  outcome: 'merge' | 'review' | 'separate';
  /** Why what weighs enough is nevertheless not merged without asking; null where nothing stands against it. */
  caution: string | null;
}

/** Whether two profiles are one person: the weight decides, unless the clues are of a kind that relatives share. */
export function judgePair(
  a: Profile,
  b: Profile,
  shared: SharedClues,
  parameters: MatchParameters,
): Judgement {
  const agreement = compareProfiles(a, b, shared);
  const score = scoreAgreement(agreement, parameters);
  const caution = cautionAbout(agreement);
  // Relatives are many, and nobody wants to be asked about them: only one mailbox for two is worth a question.
  const isSameOnPaper = agreement.taxId === 'same' && agreement.birthDate === 'same';
  const areRelatives = agreement.firstName === 'different' && agreement.email !== 'same' && !isSameOnPaper;
  const outcome =
    score.bits < parameters.reviewBits || areRelatives
      ? 'separate'
      : score.bits >= parameters.mergeBits && caution === null
        ? 'merge'
        : 'review';
  return { ...score, outcome, caution };
}

/**
 * Relatives share family name, home, telephone and sometimes a mailbox, and twins have names alike: the model takes fields
 * as independent and would add all of that up. Hence what follows is not weighed, it is asked.
 */
function cautionAbout(agreement: Agreement): string | null {
  const { email, phone, firstName, lastName, address, birthDate, taxId } = agreement;
  const ownMailbox = email === 'same';
  const ownNumber = phone === 'same';
  const home = address === 'same';
  const born = birthDate === 'same';
  const ownId = taxId === 'same';
  if (agreement.suffixConflict) return 'One is called junior or senior and the other is not.';
  if (firstName === 'different') return 'Different first names: perhaps relatives.';
  if (birthDate === 'different') return 'Different dates of birth: perhaps relatives of one name.';
  if (taxId === 'different') return 'Different tax or national ids.';
  if (firstName === 'missing' && lastName === 'missing')
    return ownMailbox || (ownId && born) ? null : 'No names to compare, and no mailbox of their own.';
  if (!ownMailbox && !ownNumber && !home && !ownId && !born)
    return 'Neither mailbox nor number nor address is both shared by the two and theirs alone.';
  if (ownMailbox) {
    if (lastName === 'different' && !ownNumber && !home && !born && !ownId)
      return 'One mailbox, but different last names: perhaps a mailbox that others use too.';
    if (firstName === 'initial' && !born && !ownId)
      return 'One mailbox, but only an initial: a family may share it.';
    return firstName === 'close' && !ownId
      ? 'One mailbox, but first names that are not quite the same: perhaps twins.'
      : null;
  }
  if (ownId) return cautionAboutId(agreement);
  if (born) return cautionAboutBirth(agreement);
  if (firstName !== 'same') return 'First names that are not quite the same, without a mailbox in common.';
  if (lastName !== 'same' && !(lastName === 'close' && ownNumber))
    return 'Last names that are not the same, without a mailbox in common.';
  // A number that is one digit off may be a slip; more often it is the next one of a family's contract.
  if (!ownNumber && (email === 'different' || phone === 'different' || phone === 'close'))
    return 'Name and address agree, but the mailbox or the number does not: perhaps relatives of one name.';
  return null;
}

/** Nobody has another's tax id, but a firm's may be typed for all who buy for it. */
function cautionAboutId({ birthDate, firstName, lastName, address }: Agreement): string | null {
  // With the day of birth it is a person's own, however the names are written.
  if (birthDate === 'same' || birthDate === 'close') return null;
  const isOneName =
    (firstName === 'same' || firstName === 'alias') &&
    ((lastName !== 'different' && lastName !== 'missing') || address === 'same');
  return isOneName
    ? null
    : 'The same tax or national id, but names that are not quite the same: perhaps a firm’s.';
}

/** Twins have one day of birth, one family name and one home. */
function cautionAboutBirth({ firstName, lastName, address, phone }: Agreement): string | null {
  if (firstName !== 'same' && firstName !== 'alias')
    return 'The same date of birth, but first names that are not quite the same: perhaps twins.';
  return lastName === 'same' || address === 'same' || phone === 'same'
    ? null
    : 'The same date of birth, but last names that are not the same, and neither home nor number in common.';
}

/** From how many people on a clue says nothing about one of them. */
const many = { email: 3, phone: 2, place: 8, taxId: 3 };

/** Which clues several people use, as far as the profiles around a customer show. */
export function sharedAmong(profiles: readonly Profile[]): SharedClues {
  const emails = new Map<string, Profile[]>();
  const phones = new Map<string, Profile[]>();
  const places = new Map<string, Profile[]>();
  const taxIds = new Map<string, Profile[]>();
  const note = (map: Map<string, Profile[]>, key: string, profile: Profile) =>
    map.set(key, [...(map.get(key) ?? []), profile]);
  for (const profile of profiles) {
    for (const email of profile.emails) note(emails, email.canonical, profile);
    for (const phone of profile.phones) note(phones, phone, profile);
    for (const place of profile.places) note(places, placeKey(place), profile);
    for (const id of profile.taxIds) note(taxIds, id, profile);
  }
  const usedBy = (map: Map<string, Profile[]>, least: number) =>
    new Set(
      [...map]
        .filter(([, users]) => users.length >= least && countPeople(users) >= least)
        .map(([key]) => key),
    );
  return {
    emails: usedBy(emails, many.email),
    phones: usedBy(phones, many.phone),
    places: usedBy(places, many.place),
    taxIds: usedBy(taxIds, many.taxId),
  };
}

/** How many people these are at least, by their first names. */
function countPeople(profiles: readonly Profile[]): number {
  const people: (readonly string[])[] = [];
  for (const profile of profiles) {
    const first = profile.names[0]?.first;
    if (first === undefined || first.length === 0) continue;
    if (people.every((known) => compareFirstNames(known, first) === 'different')) people.push(first);
  }
  return people.length;
}
