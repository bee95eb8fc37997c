import {
  automatic,
  type FulfilmentRule,
  type JudgedRule,
  type NoteReader,
} from '../../model/fulfilment-rule.ts';
import { isSame } from './judge-rules.ts';

export interface StoredRule extends FulfilmentRule {
  id: bigint;
}

/** What becomes of an order's rules once its note was read. */
export interface RuleChanges {
  added: FulfilmentRule[];
  /** Rules that say or stand differently from before, whole. */
  changed: StoredRule[];
}

/**
 * Brings the rules of an order in line with its note. What a person has decided stands as long as the words it was
 * decided on are in the note; what nobody has decided follows the newest reading. An automatic approval that is not
 * found again although its words are there waits for a person: what stands around them has changed. Pure.
 */
export function mergeRules(
  note: string,
  stored: readonly StoredRule[],
  found: readonly JudgedRule[],
  reader: NoteReader,
): RuleChanges {
  const changed: StoredRule[] = [];
  const matches = matched(stored, found);
  const taken = new Set(matches.values());
  for (const rule of stored) {
    const again = matches.get(rule);
    const after = again === undefined ? notFound(note, rule, found) : foundAgain(note, rule, again, reader);
    if (differs(rule, after)) changed.push({ ...after, id: rule.id });
  }
  const added = found
    .filter((one) => !taken.has(one))
    .map((one) => (isDecidedOtherwise(one, stored) ? waiting(fresh(one, reader)) : fresh(one, reader)));
  return { added, changed };
}

/** Which known rule each found one is: the same words first, then longer or shorter ones that say the same. */
function matched(stored: readonly StoredRule[], found: readonly JudgedRule[]): Map<StoredRule, JudgedRule> {
  const matches = new Map<StoredRule, JudgedRule>();
  const free = (one: JudgedRule): boolean => ![...matches.values()].includes(one);
  for (const rule of stored) {
    const again = found.find((one) => free(one) && one.quote === rule.quote && isSame(one, rule));
    if (again !== undefined) matches.set(rule, again);
  }
  for (const rule of stored) {
    if (matches.has(rule)) continue;
    const again = found.find((one) => free(one) && isSame(one, rule));
    if (again !== undefined) matches.set(rule, again);
  }
  return matches;
}

function notFound(note: string, rule: FulfilmentRule, found: readonly JudgedRule[]): FulfilmentRule {
  if (rule.status === 'withdrawn') return rule;
  if (!note.includes(rule.quote)) return withdrawn(rule);
  if (isByPerson(rule)) return rule;
  const readOtherwise = found.some((one) => one.kind === rule.kind && one.quote === rule.quote);
  if (rule.status === 'proposed' || readOtherwise) return withdrawn(rule);
  return { ...rule, status: 'proposed', reason: 'The note was changed around these words.', decidedBy: null };
}

function foundAgain(
  note: string,
  rule: FulfilmentRule,
  again: JudgedRule,
  reader: NoteReader,
): FulfilmentRule {
  if (isByPerson(rule) && rule.status !== 'withdrawn' && note.includes(rule.quote)) return rule;
  // The words may be quoted longer or shorter than before: the known ones stay while they are there.
  const quote = note.includes(rule.quote) ? rule.quote : again.quote;
  return { ...fresh(again, reader), quote };
}

function fresh({ doubt, ...rule }: JudgedRule, reader: NoteReader): FulfilmentRule {
  return doubt === null
    ? { ...rule, reader, status: 'approved', reason: null, decidedBy: automatic }
    : { ...rule, reader, status: 'proposed', reason: doubt, decidedBy: null };
}

function withdrawn(rule: FulfilmentRule): FulfilmentRule {
  return { ...rule, status: 'withdrawn', reason: 'The note no longer says so.' };
}

function isByPerson(rule: FulfilmentRule): boolean {
  return rule.decidedBy !== null && rule.decidedBy !== automatic;
}

/** True where a person has decided on the same words under another meaning. */
function isDecidedOtherwise(found: JudgedRule, stored: readonly StoredRule[]): boolean {
  return stored.some(
    (rule) =>
      isByPerson(rule) &&
      rule.status !== 'withdrawn' &&
      rule.kind === found.kind &&
      rule.quote === found.quote,
  );
}

function waiting(rule: FulfilmentRule): FulfilmentRule {
  return {
    ...rule,
    status: 'proposed',
    reason: 'The same words were read differently before.',
    decidedBy: null,
  };
}

function differs(a: FulfilmentRule, b: FulfilmentRule): boolean {
  return (
    a.status !== b.status ||
    a.value !== b.value ||
    a.quote !== b.quote ||
    a.confidence !== b.confidence ||
    a.reason !== b.reason ||
    a.reader !== b.reader ||
    a.decidedBy !== b.decidedBy
  );
}
