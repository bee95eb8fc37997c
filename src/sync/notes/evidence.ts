import type { FulfilmentRuleKind } from '../../model/fulfilment-rule.ts';

/*
 * Words that say a thing beyond doubt. A rule whose quote has none of its kind's may still be right, in another
 * language or in words nobody thought of; but a person looks at it first.
 */

const notBefore =
  /\b(not|no|n['’]t|never)\b[^.!?;]{0,30}?\b(before|earlier than|until|till)\b|\b(on or )?after\b|\bfrom\b.{0,30}\b(on|onwards?)\b|\b(nicht|erst) (vor|ab)\b|\bhold\b.{0,20}\buntil\b|\bwait until\b|\baway until\b/i;
const byThen =
  /\b(by|before|no later than|not later than|at the latest|in time for|until|bis|antes del?|avant)\b/i;

export const evidence: Readonly<Record<Exclude<FulfilmentRuleKind, 'other'>, RegExp>> = {
  deliver_after: notBefore,
  deliver_before: byThen,
  leave_at:
    /\b(leave|leaving|left|drop(ped)? (it |them )?off|put|place|hide|hinterlegen|abstellen|abgeben|d[ée]j(ar|e|en)(lo|la)?|laisse[rz])\b/i,
  gift_wrap:
    /\bgift[- ]?wrap\w*|\bwrap\w*\b.{0,30}\b(gift|present)\b|\b(gift|present)\b.{0,50}\bwrap\w*|\bgift (box|bag|paper)\b|\b(als )?geschenk (ein|ver)pack\w*|\bgeschenk(verpack|papier)\w*|\b(papel de|para) regalo\b|\bregalo\b.{0,40}\benv(ol|uel)v\w*|\b(papier|emballage) cadeau\b/i,
  gift_message:
    /\b(message|card|gift (note|tag)|note|write|writing|says?|saying|reads?|reading|karte|tarjeta|carte)\b/i,
  hold_for_pickup:
    /\b(pick(ing|ed)?[- ]?(it |this |them |my order )?up|pick-?up|collect(ing|ion)?|come (by|in) (and|to|for)|(grab|fetch|get) (it|them|this|my order) myself|hold (it|this|them|my order|the order|for)|abholen|abholung|recog(er|eré|ida|emos))\b/i,
  split_shipment:
    /\b(separate(ly)?|split\w*|together|one (box|package|parcel|shipment|delivery)|same (box|package|parcel|time)|at once|what(ever)? (is|you have)|partial\w*|zusammen|juntos)\b/i,
  substitution:
    /\b(substitut\w*|replac\w*|alternativ\w*|swap\w*|similar|instead|another (colou?r|size|one)|different (colou?r|size|one)|ersatz\w*|sustitu\w*)\b|\bdon['’]?t mind which\b/i,
  fragile:
    /\b(fragile|breakable|handle with care|with care|careful(ly)?|bubble wrap|extra padding|(do not|don['’]t) (bend|drop|crush|stack|fold)|zerbrechlich|fr[áa]gil)\b/i,
  call_first:
    /\b(call|phone|ring|text|message|contact|sms|whatsapp)\b.{0,40}\b(before|first|ahead|prior|when|on arrival|upon)\b|\b(before|prior to|without)\b.{0,40}\b(call|calling|phone|phoning|text|texting|ringing)\b|\bvorher anrufen\b|\bllam(e|ar|en)\b.{0,10}\bantes\b|\bappele[rz]\b.{0,10}\bavant\b/i,
  allergy: /\b(al+erg\w*|intoleran\w*|anaphyla\w*|co?eliac|sensitive to)\b/i,
};

const yes = {
  substitution:
    /\bdon['’]?t mind which\b|\b(substitut\w*|replac\w*|alternativ\w*|swap\w*|similar|another|different)\b.{0,50}\b(ok(ay)?|fine|welcome|allowed|acceptable|good|works?)\b|\b(ok(ay)?|fine|feel free|happy|may|can)\b.{0,30}\b(substitut\w*|replac\w*|swap\w*)\b|\b(out of stock|unavailable|sold out|not available|run out|don['’]t have)\b.{0,60}\b(send|substitut\w*|replac\w*|swap\w*|another|similar|instead|different)\b|\b(send|swap|substitute|replace)\b.{0,60}\b(instead|if)\b/i,
  split_shipment:
    /\b(ship|send|shipping|sending)\b.{0,40}\b(separately|what(ever)? (is|you have)|in (two|several|multiple) (parts|shipments|packages|boxes|parcels)|available (items )?(first|now))\b|\b(fine|ok(ay)?|happy|please|can) (to |you )?split\b|\bsplit (the |my )?(order|shipment)\b.{0,20}\b(ok(ay)?|fine)\b|\bpartial (shipment|delivery)\b.{0,20}\b(ok(ay)?|fine)\b/i,
};
const no = {
  substitution:
    /\b(no|not|don['’]?t|never|without)\b.{0,15}\b(substitut\w*|replac\w*|alternativ\w*|swap\w*)\b|\bkein\w* ersatz\w*\b|\b(rather|then|just|please) (cancel|refund)\b/i,
  split_shipment:
    /\b(all|everything|both|items?|orders?|ship|send)\b.{0,40}\b(together|at once|in one|same (box|package|parcel|time))\b|\b(one|single) (box|package|parcel|shipment|delivery)\b|\b(no|not|don['’]?t|never)\b.{0,15}\bsplit\b|\bwait until\b.{0,30}\b(everything|all|both|complete)\b/i,
};

/** What words say about a question of yes or no; null where they say neither, or both. */
export function answerIn(kind: 'substitution' | 'split_shipment', words: string): 'yes' | 'no' | null {
  const isYes = yes[kind].test(words);
  const isNo = no[kind].test(words);
  // "No substitutions if it is sold out" has the words of both: what is refused outright counts.
  if (isNo) return isYes && !/\b(no|not|don['’]?t|never)\b/i.test(words) ? null : 'no';
  return isYes ? 'yes' : null;
}

const denial =
  /(\b(no|not|never|without|skip|cancel|kein\w*|nicht|ohne|sin|sans|pas)|n['’]t)\b[\s"'“”]*((the|any|need|want|have|please|it|to|be|a|do|me|my|require|with|deliver|send|ship|this|them|ever|really|just|simply|try|under|circumstances|at|all)\b\s*){0,5}$/i;
const denialAfter =
  /^[^.!?;\n]{0,15}\b(not (needed|necessary|required|wanted)|unnecessary|isn['’]t needed)\b|^[?:\s-]*no\b/i;

/** True where the words just before or behind a place in a text say that it is not so. */
export function isDenied(text: string, at: number, length: number): boolean {
  const before = text.slice(0, at);
  const clause = before.slice(Math.max(...[...'.!?;\n,'].map((mark) => before.lastIndexOf(mark))) + 1);
  return denial.test(clause) || denialAfter.test(text.slice(at + length));
}

/** True where the note says of any of these words that it is not so: what it says elsewhere may still be a wish, or not. */
export function isDeniedSomewhere(text: string, words: RegExp): boolean {
  return [...text.matchAll(new RegExp(words.source, `${words.flags}g`))].some(
    ({ index, 0: said }) => isDenied(text, index, said.length) || holdsDenial(said),
  );
}

const request =
  /\b(please|pls|plz|kindly|can|could|would|may|might|possible|want|need|like|love|bitte|por favor)\b|\bs['’]il (vous|te) pla[iî]t\b/i;
const asking = /^\W*(is|are|was|were|do|does|did|how|what|why|which|who|when|where|will|has|have)\b/i;
const past =
  /\b(was|were|had|did|last (time|year|month|week|order|christmas|xmas)|previous(ly)?|yesterday|ago)\b/i;

/** Why words at that place are no wish though they sound like one: a question, a memory, somebody else's words. Null where they may be. */
export function whyNoWish(text: string, at: number): string | null {
  const start = Math.max(...[...'.!?;\n'].map((mark) => text.lastIndexOf(mark, at - 1))) + 1;
  const end = /[.!?;\n]|$/.exec(text.slice(at));
  const sentence = text.slice(start, at + (end?.index ?? 0));
  if (isQuoted(text, at)) return 'It stands in quotation marks.';
  if (request.test(sentence)) return null;
  if (end?.[0] === '?' && asking.test(sentence)) return 'It asks, and does not say so.';
  return past.test(sentence) ? 'It speaks of another time.' : null;
}

function isQuoted(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  const [opened, closed] = [/“/g, /”/g].map((mark) => line.match(mark)?.length ?? 0);
  return (line.match(/"/g)?.length ?? 0) % 2 === 1 || (opened ?? 0) > (closed ?? 0);
}

export function holdsDenial(words: string): boolean {
  return /\b(no|not|never|without)\b|n['’]t\b/i.test(words);
}

const demands: readonly RegExp[] = [
  // Speaks to a machine, or about one.
  /\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instruction|rule|prompt|above|previous|prior|policy|polic|guideline|everything|all)/i,
  /\b(system|assistant|developer|user|human)\s*(prompt|message|mode|:)/i,
  /\b(you are|you're|act as|pretend|behave as|roleplay)\b.{0,30}\b(now|an? |the )?\b(ai|llm|model|assistant|bot|admin|manager|dan)\b/i,
  /\b(prompt|llm|claude|gpt|chatgpt|ai model|language model|jailbreak|api key|json|schema|base64|confidence|approved?|tool|function call)\b/i,
  /\b(output|respond|reply|return|print|repeat|translate)\b.{0,30}\b(exactly|following|json|rules?|prompt|instructions?|verbatim)\b/i,
  // Tags and rules as a program would write them.
  /\b(notes?|tags?|rules?|kind)\s*[:=]\s*[a-z]+[-_][a-z]/i,
  // Markup and code.
  /<\/?[a-z!][^>]{0,80}>|\{\s*["'{]|```|\[\[|\]\]|\$\{|%7b|&lt;|&#x?\d/i,
  /https?:|www\.|\b[\w-]+\.(com|net|org|io|ru|xyz)\b/i,
  // Characters that are there but not seen: quotes could hide anything in them.
  /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/u,
  // Letters of two alphabets in one word.
  /[a-z][\u0370-\u052f]|[\u0370-\u052f][a-z]/i,
  /[A-Za-z0-9+/]{40,}={0,2}/,
  // Money and addresses are not a note's to change.
  /\b(refund|discount|coupon|free of charge|for free|mark (it |this |the order )?(as )?paid|credit|price|invoice|waive|upgrade|expedite|overnight)\b/i,
  /\b(change|update|new|different|correct|other|another)\b.{0,25}\b(address|recipient|email|e-mail|phone number|name)\b/i,
  /\b(ship|send|deliver|forward|redirect|reroute)\b.{0,25}\b(to|at)\b.{0,15}\d{1,5}\s+[a-z]/i,
  /\b(all|every|other|each)\b.{0,15}\b(orders?|customers?)\b(?!.{0,20}\btogether\b)/i,
];

/** True where a note wants more than a note can ask for. Nothing of it is acted on before a person has read it. */
export function wantsMore(note: string): boolean {
  return demands.some((pattern) => pattern.test(note));
}
