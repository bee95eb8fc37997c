import type { FoundRule, FulfilmentRuleKind } from '../../model/fulfilment-rule.ts';
import { dayNamed } from './days.ts';
import { answerIn, evidence } from './evidence.ts';

/**
 * Reads a note without Claude: the usual phrases, in English and a few words of its neighbours. Deterministic and free;
 * it misses what is said in unusual words, and never makes anything up. What it finds is judged like everybody's claims.
 */
export function parseNote(note: string, writtenOn: string): FoundRule[] {
  return sentencesOf(note).flatMap((sentence) => {
    const rules = [
      ...days(sentence, writtenOn),
      ...places(sentence),
      ...messages(sentence),
      ...answers(sentence),
      ...allergies(sentence),
      ...plain(sentence),
    ];
    return rules.length > 0 || !asksFor(sentence) ? rules : [found('other', null, sentence, 0.5)];
  });
}

/** That somebody wants something there; courtesy alone is no wish. */
function asksFor(sentence: string): boolean {
  const said = sentence.replace(courtesy, ' ').match(/\p{L}{2,}/gu)?.length ?? 0;
  return said >= 2 && (asks.test(sentence) || orders.test(sentence));
}

const courtesy =
  /\b(please|pls|plz|kindly|thanks?|thx|ty|you|and|so much|a lot|bitte|danke|gracias|por favor)\b/gi;
const orders = /^\W*(deliver|ship|send|use|pack|include|add|avoid|knock|mark|bring)\b/i;
/** Words of somebody who wants something: where nothing usual is found in such a sentence, a person reads it. */
const asks =
  /\b(please|pls|plz|kindly|(can|could|would|will) (you|u|i|we)|make sure|must|do not|don['’]?t|bitte|por favor|podr[ií]an?)\b|\bs['’]il (vous|te) pla[iî]t\b/i;

/** Sentences as they stand in the note, without the mark at their end. Marks between quotation marks end none. */
function sentencesOf(note: string): string[] {
  const sentences: string[] = [];
  let start = 0;
  let quoted = false;
  const end = (at: number): void => {
    const sentence = note.slice(start, at).trim();
    if (sentence.length > 1) sentences.push(sentence.slice(0, 500).trim());
    start = at + 1;
  };
  for (let at = 0; at < note.length; at += 1) {
    const mark = note[at] ?? '';
    if (mark === '“' || mark === '”' || mark === '"') quoted = mark === '"' ? !quoted : mark === '“';
    if (
      mark === '\n' ||
      (!quoted &&
        (mark === ';' ||
          (/[.!?]/.test(mark) &&
            /^\s|^$/.test(note.slice(at + 1, at + 2)) &&
            !isAbbreviation(note.slice(start, at)) &&
            !isDayOfMonth(note.slice(start, at), note.slice(at + 1)))))
    ) {
      end(at);
      if (mark === '\n') quoted = false;
    }
  }
  end(note.length);
  return sentences;
}

function isAbbreviation(before: string): boolean {
  return /\b(apt|no|st|ave|mr|mrs|dr|approx|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)$/i.test(before);
}

/** "5. Dezember": the mark belongs to the number. */
function isDayOfMonth(before: string, after: string): boolean {
  return /\b\d{1,2}$/.test(before) && /^\s+(jan|feb|m[äa]r|apr|mai|jun|jul|aug|sep|okt|nov|dez)/i.test(after);
}

const dayWords = String.raw`(?:(?:the |this |next |coming |dem |den )?[\w/.'’-]+(?:\s+(?:of\s+)?[\w/'’-]+){0,3})`;
const afterDay = new RegExp(
  String.raw`(?:(?:\b(?:not|no|never)|n['’]t)\b[^.!?;,]{0,30}?\b(?:before|earlier than|until|till)|\bwait until|\b(?:deliver|ship|send|arrive)\w*\b[^.!?;,]{0,20}\bafter|\baway until|\b(?:nicht|erst)\b[^.!?;,]{0,30}?\b(?:vor|ab))\s+${dayWords}|\bhold\b[^.!?;,]{0,20}\b(?:un)?til\b[^.!?;]{0,60}`,
  'i',
);
/** "Ship on Friday" may mean that day, or not before it. */
const onDay = new RegExp(String.raw`\b(?:deliver|ship|send)\w*\b[^.!?;,]{0,20}?\bon\s+${dayWords}`, 'i');
const beforeDay = new RegExp(
  String.raw`\b(?:(?:no|not) later than|by|before|in time for|(?:needed|latest)(?: on)?)\s+${dayWords}|${dayWords}\s+at the latest\b`,
  'i',
);

function days(sentence: string, writtenOn: string): FoundRule[] {
  const rules: FoundRule[] = [];
  const after = afterDay.exec(sentence);
  if (after !== null) {
    const named = dayNamed(after[0], writtenOn);
    if (named !== null) rules.push(found('deliver_after', named.day, after[0], named.certain ? 0.9 : 0.6));
  }
  const rest = after === null ? sentence : sentence.slice(after.index + after[0].length);
  const before = beforeDay.exec(rest);
  if (before !== null) {
    const named = dayNamed(before[0], writtenOn);
    if (named !== null) rules.push(found('deliver_before', named.day, before[0], named.certain ? 0.9 : 0.6));
  }
  const on = rules.length > 0 ? null : onDay.exec(sentence);
  const named = on === null ? null : dayNamed(on[0], writtenOn);
  if (on !== null && named !== null) rules.push(found('deliver_after', named.day, on[0], 0.6));
  return rules;
}

const leave =
  /\b(?:leave|leaving|put|place|hide|drop)\b(?:\s+(?:it|them|this|the (?:parcel|package|box|order|delivery)|my (?:parcel|package|order)|packages?|parcels?|off|everything))*\s+((?:at|on|in|by|behind|with|under|inside|next to|outside)\s+[^.!?;,]{2,60})/i;

const hinterlegt =
  /\b((?:beim?|hinter|vor|unter|neben|in|im|auf|an) [^.!?;,]{2,50}?)\s+(?:abgeben|abstellen|hinterlegen|ablegen)\b/i;

function places(sentence: string): FoundRule[] {
  const german = hinterlegt.exec(sentence);
  if (german !== null) return [found('leave_at', german[1] ?? '', german[0], 0.9)];
  const match = leave.exec(sentence);
  if (
    match === null ||
    /\b(note|message|card|paper|bubble wrap|gift|box|bag|package|parcel)\b/i.test(match[1] ?? '')
  )
    return [];
  const place = (match[1] ?? '').replace(
    /\s+(?:please|if|when|and|as|so|because|thanks?|thank you)\b.*$/i,
    '',
  );
  const quote = sentence.slice(match.index, match.index + match[0].indexOf(match[1] ?? '') + place.length);
  return [found('leave_at', place.replace(/^(?:at|on|in|by|with|outside)\s+/i, ''), quote, 0.9)];
}

const message =
  /\b(?:gift (?:message|note|card|tag)|card|message|note|tag)\b[^"“:\n]{0,40}?(?:\b(?:says?|saying|reads?|reading|with|that|to say)\b)?\s*[:\s]\s*["“]([^"”\n]{2,400})["”]|\b(?:gift (?:message|note)|message (?:on|for) the card|card message|card)\s*:\s*([^"“\n]{2,400}?)\s*$|\b(?:write|add)\b[^"“\n]{0,40}["“]([^"”\n]{2,400})["”]/i;
/** Without quotation marks nobody can be sure where the words end. */
const bareMessage =
  /\b(?:gift message|card|message|note|tag)\s+(?:saying|reading|that (?:says|reads))\s+([^"“\n]{2,200}?)\s*$/i;

function messages(sentence: string): FoundRule[] {
  const match = message.exec(sentence);
  const words = match?.[1] ?? match?.[2] ?? match?.[3];
  if (match !== null && words !== undefined) return [found('gift_message', words.trim(), match[0], 0.9)];
  const bare = bareMessage.exec(sentence);
  return bare === null ? [] : [found('gift_message', (bare[1] ?? '').trim(), bare[0], 0.6)];
}

function answers(sentence: string): FoundRule[] {
  return (['substitution', 'split_shipment'] as const).flatMap((kind) => {
    const answer = answerIn(kind, sentence);
    return answer === null || !evidence[kind].test(sentence) ? [] : [found(kind, answer, sentence, 0.85)];
  });
}

const allergicTo =
  /\b(?:(?:severely |highly |very )?allergic to|(?:an? )?allerg(?:y|ies) to|intolerant (?:to|of)|sensitive to)\s+([\w\s,&/-]{2,60}?)(?=$|[.!?;(]|\s+(?:so|and please|please|make sure|if|thanks?|-)\b|,\s*(?:so|please|make))|\b(?:an?|have|has|bad|severe|serious|strong|known)\s+(\w+(?: \w+)?)\s+allerg(?:y|ies)\b|\b(\w+)\s+allerg(?:y|ies)\b/i;

function allergies(sentence: string): FoundRule[] {
  const match = allergicTo.exec(sentence);
  const to = match?.[1] ?? match?.[2] ?? match?.[3];
  return match === null || to === undefined ? [] : [found('allergy', to.trim(), match[0], 0.9)];
}

function plain(sentence: string): FoundRule[] {
  const kinds = ['gift_wrap', 'hold_for_pickup', 'fragile', 'call_first'] as const;
  return kinds.flatMap((kind) => {
    const match = evidence[kind].exec(sentence);
    if (match === null) return [];
    // "Hold until Friday" is about a day; "leave it with care of" about a place.
    if (kind === 'hold_for_pickup' && /^hold/i.test(match[0]) && !/\bpick|collect/i.test(sentence)) return [];
    return [found(kind, null, sentence, strongWords[kind].test(sentence) ? 0.9 : 0.6)];
  });
}

const strongWords: Readonly<Record<'gift_wrap' | 'hold_for_pickup' | 'fragile' | 'call_first', RegExp>> = {
  gift_wrap: /\bgift[- ]?wrap|\bwrap/i,
  hold_for_pickup:
    /\b(i|we)['’]?(ll| will| can| want| would)\b.{0,25}\b(pick|collect)|\b(hold|keep)\b.{0,40}\b(pick|collect)|\bin[- ]store pick/i,
  fragile: /\b(fragile|breakable|handle with care|bend|drop|crush|bubble wrap)\b/i,
  call_first: /\b(call|phone|text|ring)\b/i,
};

function found(kind: FulfilmentRuleKind, value: string | null, quote: string, confidence: number): FoundRule {
  return { kind, value, quote: quote.trim(), confidence };
}
