/*
 * A stand-in for a model that reads the notes of orders: a table of phrases in a few languages, deterministic, with a
 * sense of its own for how sure it is. It shares nothing with the product, whose own parser knows other phrases.
 */

export interface Rule {
  kind: string;
  quote: string;
  value: string | null;
  confidence: number;
}

interface Phrase {
  kind: string;
  pattern: RegExp;
  /** Which part of the match is the value; a function makes one; absent: null. */
  value?: number | ((match: RegExpExecArray, writtenOn: string) => string | null);
  confidence: number;
}

const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const otherMonths: Readonly<Record<string, number>> = {
  dezember: 12,
  diciembre: 12,
  januar: 1,
  enero: 1,
  november: 11,
};
const weekdays = 'sun mon tue wed thu fri sat'.split(' ');
const day = String.raw`(?:christmas(?: eve)?|tomorrow|(?:the )?\d{1,2}(?:st|nd|rd|th|\.)?(?: (?:of |de )?[a-z]{3,9})?|[a-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?|\d{1,2}\/\d{1,2}|(?:mon|tues|wednes|thurs|fri|satur|sun)day)`;

const phrases: readonly Phrase[] = [
  {
    kind: 'deliver_after',
    pattern: new RegExp(
      `(?:(?:do not|don't|not|nicht) (?:deliver |send |arrive |liefern )?(?:before|until|vor(?: dem)?)|away until|hold (?:it |this )?until) ${day}`,
      'i',
    ),
    value: (match, writtenOn) => dayOf(match[0], writtenOn),
    confidence: 0.95,
  },
  {
    kind: 'deliver_before',
    pattern: new RegExp(
      String.raw`(?:^|\b(?:need(?:ed)? (?:this |it )?|be here |here |arrive |deliver(?:ed)? |please )?)(?:by|before|in time for|no later than) ${day}`,
      'i',
    ),
    value: (match, writtenOn) => dayOf(match[0], writtenOn),
    confidence: 0.93,
  },
  {
    kind: 'leave_at',
    pattern:
      /\b(?:leave|hide|put|drop) (?:it|the parcel|the package|them)? ?((?:at|behind|with|in|on|by|under) (?:the |my |our )?[a-z0-9 ]{3,40})/i,
    value: (match) =>
      (match[1] ?? '').replace(/^(?:at|with|in|on|by) /i, '').replace(/ (?:please|thanks)$/i, ''),
    confidence: 0.92,
  },
  { kind: 'leave_at', pattern: /\b(beim Nachbarn) abgeben\b/i, value: 1, confidence: 0.92 },
  {
    kind: 'gift_message',
    pattern: /\b(?:card|message|note|write)\b[^"“]{0,40}["“]([^"”]+)["”]/i,
    value: 1,
    confidence: 0.96,
  },
  {
    kind: 'gift_wrap',
    pattern:
      /\b(?:gift[- ]?wrap(?:ped|ping)?|wrap [a-z ]{0,20}as a (?:gift|present)|regalo, ¿podrían envolverlo|als geschenk (?:ein|ver)packen)/i,
    confidence: 0.95,
  },
  {
    kind: 'hold_for_pickup',
    pattern:
      /\b(?:i['’]?ll pick (?:this|it|them) up|i will pick (?:this|it|them) up|hold for pick-?up[^.!?\n]{0,60})/i,
    confidence: 0.95,
  },
  {
    kind: 'split_shipment',
    pattern: /\b(?:ship|send|put) (?:both|everything|all)[a-z ]{0,20}(?:together|in one box)\b/i,
    value: () => 'no',
    confidence: 0.9,
  },
  {
    kind: 'split_shipment',
    pattern: /\bok to ship what you have\b[^.!?\n]{0,40}/i,
    value: () => 'yes',
    confidence: 0.9,
  },
  { kind: 'substitution', pattern: /\bno substitut\w+/i, value: () => 'no', confidence: 0.97 },
  {
    kind: 'substitution',
    pattern: /\b(?:please swap [^.!?\n]{3,40}|if [^.!?\n]{3,50} (?:out of stock|sold out) [^.!?\n]{3,50})/i,
    value: () => 'yes',
    confidence: 0.88,
  },
  {
    kind: 'fragile',
    pattern: /\b(?:fragile|zerbrechlich|handle with care|pack (?:it )?carefully|bubble wrap)/i,
    confidence: 0.94,
  },
  {
    kind: 'call_first',
    pattern: /\b(?:call|text|ring|phone)(?: me)? (?:before|when|first)\b[^.!?:\n]{0,40}/i,
    confidence: 0.94,
  },
  {
    kind: 'allergy',
    pattern: /\b(?:allergic to ([a-z]+)|([a-z]+) allergy)/i,
    value: (match) => match[1] ?? match[2] ?? null,
    confidence: 0.97,
  },
  { kind: 'other', pattern: /\b(?:no receipt in the box|gate code is \w+)/i, confidence: 0.85 },
];

const denials = /\b(?:no|not|don['’]?t|never|kein)\b(?: \w+){0,2} $/i;

/** What the note asks for, each with the words that say so. */
export function understand(note: string, writtenOn: string): Rule[] {
  return phrases.flatMap(({ kind, pattern, value, confidence }) => {
    const match = pattern.exec(note);
    if (match === null) return [];
    if (
      (kind === 'gift_wrap' || kind === 'deliver_before') &&
      denials.test(note.slice(0, match.index).slice(-30))
    )
      return [];
    const said =
      typeof value === 'function'
        ? value(match, writtenOn)
        : value === undefined
          ? null
          : (match[value] ?? null);
    return [{ kind, quote: match[0].trim(), value: said, confidence }];
  });
}

function dayOf(words: string, writtenOn: string): string | null {
  const text = words.toLowerCase();
  const start = new Date(`${writtenOn}T00:00:00Z`);
  const year = start.getUTCFullYear();
  const iso = (month: number, date: number): string => {
    const at = new Date(Date.UTC(year, month - 1, date));
    if (at < start) at.setUTCFullYear(year + 1);
    return at.toISOString().slice(0, 10);
  };
  if (text.includes('christmas eve')) return iso(12, 24);
  if (text.includes('christmas')) return iso(12, 25);
  const numeric = /(\d{1,2})\/(\d{1,2})/.exec(text);
  if (numeric !== null) return iso(Number(numeric[1]), Number(numeric[2]));
  const date = /\b(\d{1,2})(?:st|nd|rd|th|\.)?\b/.exec(text);
  const month =
    months.findIndex((name) => new RegExp(`\\b${name}`).test(text)) + 1 ||
    Object.entries(otherMonths).find(([name]) => text.includes(name))?.[1] ||
    0;
  if (date !== null && month > 0) return iso(month, Number(date[1]));
  const ahead = (days: number): string =>
    new Date(start.getTime() + days * 86_400_000).toISOString().slice(0, 10);
  if (text.includes('tomorrow')) return ahead(1);
  const weekday = weekdays.findIndex((name) => new RegExp(`\\b${name}\\w*day\\b`).test(text));
  if (weekday >= 0) return ahead((weekday - start.getUTCDay() + 7) % 7 || 7);
  return null;
}
