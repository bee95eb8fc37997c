import type { FoundRule, FulfilmentRuleKind, JudgedRule } from '../../model/fulfilment-rule.ts';
import { dayNamed } from './days.ts';
import {
  answerIn,
  evidence,
  holdsDenial,
  isDenied,
  isDeniedSomewhere,
  wantsMore,
  whyNoWish,
} from './evidence.ts';

/** A reader as sure as this may be believed without a person, in kinds where an error is soon put right. */
const sure = 0.8;
const mostRules = 12;
const longestQuote = 500;
const longestMessage = 250;
const furthestDays = 120;

export interface Judgement {
  rules: JudgedRule[];
  /** What a reader claimed and the note does not bear out. */
  dropped: { kind: FulfilmentRuleKind; why: string }[];
}

/**
 * Believes no reader: a rule must quote the note letter by letter, and what it says must follow from the quote. What
 * cannot be proved that way is dropped; what is risky, doubtful or proved by no word we know waits for a person. So
 * whatever a note makes a reader say, nothing happens that its words do not say. Pure.
 */
export function judgeRules(note: string, found: readonly FoundRule[], writtenOn: string): Judgement {
  const suspicious = wantsMore(note);
  const onCards = cardsIn(note, found);
  const dropped: Judgement['dropped'] = [];
  const rules: JudgedRule[] = [];
  for (const claim of found) {
    const verdict =
      rules.length >= mostRules
        ? 'the note has too many'
        : judge(note, claim, { writtenOn, suspicious, onCards });
    if (typeof verdict === 'string') dropped.push({ kind: claim.kind, why: verdict });
    else if (rules.some((rule) => isSame(rule, verdict)))
      dropped.push({ kind: claim.kind, why: 'it is said twice' });
    else rules.push(verdict);
  }
  return { rules: rules.map((rule) => ({ ...rule, doubt: rule.doubt ?? conflictOf(rule, rules) })), dropped };
}

/** The rule with its doubt, or why it is dropped. */
function judge(
  note: string,
  claim: FoundRule,
  { writtenOn, suspicious, onCards }: { writtenOn: string; suspicious: boolean; onCards: readonly Span[] },
): JudgedRule | string {
  const quote = claim.quote.trim();
  const at = note.indexOf(quote);
  if (quote.length < 2 || at < 0) return 'its words are not in the note';
  if (quote.length > longestQuote) return 'its words are too many';
  const checked = check({ ...claim, quote }, writtenOn);
  if (typeof checked === 'string') return checked;
  const proof = claim.kind === 'other' ? null : evidence[claim.kind].exec(quote);
  const place = at + (proof?.index ?? 0);
  if (claim.kind !== 'gift_message' && onCards.some(({ from, to }) => from <= place && place < to))
    return 'it is part of the words for the card';
  if (proof !== null && !answersItself.has(claim.kind)) {
    const says =
      isDenied(note, at + proof.index, proof[0].length) ||
      (deniable.has(claim.kind) && holdsDenial(proof[0]));
    if (says) return 'the note says the opposite';
  }
  if (suspicious && proof === null) return 'the note says more than a note can ask for';
  const rule = { kind: claim.kind, value: checked.value, quote, confidence: claim.confidence };
  const doubt =
    (suspicious ? 'The note asks for more than packing and sending: read it first.' : null) ??
    checked.doubt ??
    (claim.kind !== 'other' && proof === null ? 'No word of the quote is known to say so.' : null) ??
    (proof !== null && claim.kind !== 'gift_message' && claim.kind !== 'fragile'
      ? whyNoWish(note, place)
      : null) ??
    (claim.kind !== 'other' && takenBack.has(claim.kind) && isDeniedSomewhere(note, evidence[claim.kind])
      ? 'The note says the opposite as well.'
      : null) ??
    risks[claim.kind] ??
    (claim.confidence < sure ? 'The reader is not sure.' : null);
  return { ...rule, doubt };
}

/** Their words carry their own yes or no. */
const answersItself: ReadonlySet<FulfilmentRuleKind> = new Set([
  'substitution',
  'split_shipment',
  'fragile',
  'allergy',
  'other',
]);

/** Their words mean nothing any more with a "not" in between. */
const deniable: ReadonlySet<FulfilmentRuleKind> = new Set(['gift_wrap', 'leave_at', 'hold_for_pickup']);

/** What a note may ask for in one sentence and refuse in another. */
const takenBack: ReadonlySet<FulfilmentRuleKind> = new Set([
  'gift_wrap',
  'leave_at',
  'hold_for_pickup',
  'call_first',
]);

interface Span {
  from: number;
  to: number;
}

/** Where the words for cards stand in the note: what they say is for whoever opens the parcel. */
function cardsIn(note: string, found: readonly FoundRule[]): Span[] {
  return found.flatMap(({ kind, value, quote }) => {
    const start = kind === 'gift_message' && value !== null ? note.indexOf(quote.trim()) : -1;
    const inside = start < 0 || value === null ? -1 : quote.trim().indexOf(value.trim());
    return inside < 0 ? [] : [{ from: start + inside, to: start + inside + (value ?? '').trim().length }];
  });
}

/** Why a kind always waits. */
const risks: Partial<Record<FulfilmentRuleKind, string>> = {
  allergy: 'An allergy is for a person to judge.',
  substitution: 'It changes what is sent.',
  other: 'It is none of the usual wishes.',
};

interface Checked {
  value: string | null;
  doubt: string | null;
}

/** What the rule may say by its quote, or why it cannot be. */
function check(rule: FoundRule, writtenOn: string): Checked | string {
  switch (rule.kind) {
    case 'deliver_after':
    case 'deliver_before':
      return checkDay(rule, writtenOn);
    case 'leave_at':
      return checkPlace(rule);
    case 'gift_message':
      return checkMessage(rule);
    case 'allergy':
      return isIn(rule.value, rule.quote)
        ? { value: tidy(rule.value), doubt: null }
        : 'what they are allergic to is not in its words';
    case 'substitution':
    case 'split_shipment':
      return checkAnswer(rule, rule.kind);
    case 'hold_for_pickup':
      return { value: null, doubt: someoneElse.test(rule.quote) ? 'Somebody else is to come for it.' : null };
    case 'gift_wrap':
    case 'fragile':
    case 'call_first':
    case 'other':
      return { value: null, doubt: null };
  }
}

function checkDay(rule: FoundRule, writtenOn: string): Checked | string {
  const named = dayNamed(rule.quote, writtenOn);
  const claimed = /^\d{4}-\d\d-\d\d$/.test(rule.value ?? '') ? rule.value : null;
  if (named === null) {
    // Not ours to find: a reader that knows feasts and languages may, and a person sees both.
    return { value: claimed, doubt: 'The day cannot be told from the words for sure.' };
  }
  if (claimed !== null && claimed !== named.day)
    return { value: named.day, doubt: `The reader took it for ${claimed}.` };
  if (!named.certain) return { value: named.day, doubt: 'The words may mean another day.' };
  const days = (Date.parse(named.day) - Date.parse(writtenOn)) / 86_400_000;
  if (days < 0 || days > furthestDays) return { value: named.day, doubt: 'The day is past, or far away.' };
  return { value: named.day, doubt: null };
}

/** Places where a parcel is safe to be left without asking anybody. */
const usualPlaces =
  /^(?:(?:the|my|our|by|behind|at|on|in|under|inside|next to|with|side of|front|back|rear|covered|main|building's?|apartment)\s+)*(?:porch|patio|garage|carport|shed|door|doorstep|step|steps|mailbox|mail room|mailroom|parcel (?:box|locker)|locker|reception|front desk|desk|lobby|concierge|doorman|veranda|deck|gate)$/i;

function checkPlace(rule: FoundRule): Checked | string {
  if (!isIn(rule.value, rule.quote)) return 'the place is not in its words';
  const place = tidy(rule.value);
  return { value: place, doubt: usualPlaces.test(place) ? null : 'It is not one of the usual places.' };
}

function checkMessage(rule: FoundRule): Checked | string {
  if (!isIn(rule.value, rule.quote)) return 'the words for the card are not in its words';
  const value = tidy(rule.value);
  return { value, doubt: value.length > longestMessage ? 'The words are too many for a card.' : null };
}

function checkAnswer(rule: FoundRule, kind: 'substitution' | 'split_shipment'): Checked | string {
  const said = answerIn(kind, rule.quote);
  const claimed = rule.value === 'yes' || rule.value === 'no' ? rule.value : null;
  if (said !== null && claimed !== null && said !== claimed) return 'the note says the opposite';
  const value = said ?? claimed;
  if (value === null) return 'it says neither yes nor no';
  if (said === null) return { value, doubt: 'No word of the quote is known to say so.' };
  return {
    value,
    doubt: kind === 'split_shipment' && value === 'yes' ? 'Sending in parts costs more.' : null,
  };
}

const someoneElse =
  /\b(my|our|a)\s+(friend|brother|sister|husband|wife|partner|son|daughter|mother|father|mom|mum|dad|neighbou?r|colleague|assistant|driver|roommate|boyfriend|girlfriend)\b|\bsomeone else\b|\bon (my|our) behalf\b|\b(he|she|they) will\b|\bfor me\b/i;

/** Why a rule cannot stand beside the others, where it cannot. */
function conflictOf(rule: JudgedRule, all: readonly JudgedRule[]): string | null {
  const has = (kind: FulfilmentRuleKind): JudgedRule | undefined =>
    all.find((one) => one !== rule && one.kind === kind);
  const other = has(rule.kind);
  if (other !== undefined && other.value !== rule.value && rule.kind !== 'gift_message')
    return 'The note says two things about it.';
  const [after, before] =
    rule.kind === 'deliver_after' ? [rule, has('deliver_before')] : [has('deliver_after'), rule];
  if (
    (rule.kind === 'deliver_after' || rule.kind === 'deliver_before') &&
    after?.value != null &&
    before?.value != null &&
    after.value > before.value
  )
    return 'It is to come after one day and before an earlier one.';
  if (rule.kind === 'hold_for_pickup' && has('leave_at') !== undefined)
    return 'It is to be held and to be left.';
  if (rule.kind === 'leave_at' && has('hold_for_pickup') !== undefined)
    return 'It is to be held and to be left.';
  return null;
}

/** True where two rules of one kind say the same of overlapping words. */
export function isSame(a: FoundRule, b: FoundRule): boolean {
  if (a.kind !== b.kind || a.value !== b.value) return false;
  return a.quote === b.quote || a.quote.includes(b.quote) || b.quote.includes(a.quote) || a.value === null;
}

function isIn(value: string | null, quote: string): value is string {
  const text = tidy(value);
  return text.length >= 2 && quote.toLowerCase().includes(text.toLowerCase());
}

/** Without quotation marks and full stops around it. */
function tidy(value: string | null): string {
  return (value ?? '').trim().replace(/^["'“”‘’«»\s:]+|["'“”‘’«»\s.,]+$/g, '');
}
