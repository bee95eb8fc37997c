const dayMs = 86_400_000;
const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const months = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const monthPattern = months.map((name) => `${name.slice(0, 3)}(?:${name.slice(3)}|t)?\\.?`).join('|');
const weekdayPattern = weekdays.map((name) => `${name.slice(0, 3)}(?:${name.slice(3)}|s|rs|r)?`).join('|');

/** A day that words name, and whether they name it beyond doubt. */
export interface NamedDay {
  /** YYYY-MM-DD. */
  day: string;
  certain: boolean;
}

/**
 * The day that words name, seen from the day on which they were written (YYYY-MM-DD, UTC). Days without a year are the
 * next such day. Null where they name none. Pure, so that what a reader claims can be checked.
 */
export function dayNamed(words: string, writtenOn: string): NamedDay | null {
  const text = inEnglish(words.toLowerCase());
  const today = Date.parse(`${writtenOn}T00:00:00Z`);
  for (const read of [isoDay, monthAndDay, numericDay, feast, weekday, relativeDay, dayOfMonth]) {
    const found = read(text, today);
    if (found !== null) return found;
  }
  return null;
}

const foreignMonths: readonly (readonly [RegExp, string])[] = [
  [/\b(januar|jänner|enero|janvier)\b/g, 'january'],
  [/\b(februar|febrero|février)\b/g, 'february'],
  [/\b(märz|marzo)\b/g, 'march'],
  [/\b(abril|avril)\b/g, 'april'],
  [/\b(mai|mayo)\b/g, 'may'],
  [/\b(juni|junio|juin)\b/g, 'june'],
  [/\b(juli|julio|juillet)\b/g, 'july'],
  [/\b(agosto|août)/g, 'august'],
  [/\b(septiembre|septembre)\b/g, 'september'],
  [/\b(oktober|octubre|octobre)\b/g, 'october'],
  [/\b(noviembre|novembre)\b/g, 'november'],
  [/\b(dezember|diciembre|décembre)/g, 'december'],
];

/** Months of the neighbours by their English names, and "5. " and "5 de" without what stands between day and month. */
function inEnglish(text: string): string {
  const english = foreignMonths.reduce((so, [name, month]) => so.replace(name, month), text);
  return english === text ? text : english.replace(/(\d{1,2})(?:\.| de)\s+/g, '$1 ');
}

function isoDay(text: string): NamedDay | null {
  const match = /\b(20\d\d)-(\d\d)-(\d\d)\b/.exec(text);
  return match === null ? null : dated(Number(match[1]), Number(match[2]), Number(match[3]), true);
}

/** "Dec 3", "3rd of December", "December 3, 2026". */
function monthAndDay(text: string, today: number): NamedDay | null {
  const first = new RegExp(
    `\\b(${monthPattern})\\s+(\\d{1,2})(?:st|nd|rd|th)?\\b(?:,?\\s+(20\\d\\d)\\b)?`,
  ).exec(text);
  const last = new RegExp(
    `\\b(\\d{1,2})(?:st|nd|rd|th)?\\s+(?:of\\s+)?(${monthPattern})\\b(?:,?\\s+(20\\d\\d)\\b)?`,
  ).exec(text);
  const match = first ?? last;
  if (match === null) return null;
  const [monthWord, dayWord] = first === null ? [match[2], match[1]] : [match[1], match[2]];
  const month = months.findIndex((name) => name.startsWith((monthWord ?? '').slice(0, 3))) + 1;
  return inYear(month, Number(dayWord), match[3], today, true);
}

/** "12/24": an American writes the month first, most others the day. */
function numericDay(text: string, today: number): NamedDay | null {
  const match = /\b(\d{1,2})[/.](\d{1,2})(?:[/.](20\d\d|\d\d))?(?![\d/])/.exec(text);
  if (match === null) return null;
  const a = Number(match[1]);
  const b = Number(match[2]);
  const year = match[3] === undefined ? undefined : match[3].padStart(4, '20');
  if (a > 12) return inYear(b, a, year, today, true);
  return inYear(a, b, year, today, b > 12 || a === b);
}

function feast(text: string, today: number): NamedDay | null {
  if (/\bchristmas eve\b/.test(text)) return inYear(12, 24, undefined, today, true);
  if (/\b(christmas|xmas)\b/.test(text)) return inYear(12, 25, undefined, today, true);
  if (/\bnew year'?s eve\b/.test(text)) return inYear(12, 31, undefined, today, true);
  if (/\bvalentine'?s\b/.test(text)) return inYear(2, 14, undefined, today, true);
  return null;
}

/** "Friday" is the next one; "next Friday" is that one to some and the one after to others. */
function weekday(text: string, today: number): NamedDay | null {
  const match = new RegExp(`\\b(next\\s+)?(${weekdayPattern})\\b`).exec(text);
  if (match === null) return null;
  const wanted = weekdays.findIndex((name) => name.startsWith((match[2] ?? '').slice(0, 3)));
  const ahead = (wanted - new Date(today).getUTCDay() + 7) % 7 || 7;
  return { day: isoOf(today + ahead * dayMs), certain: match[1] === undefined && ahead !== 7 };
}

function relativeDay(text: string, today: number): NamedDay | null {
  if (/\bday after tomorrow\b/.test(text)) return { day: isoOf(today + 2 * dayMs), certain: true };
  if (/\b(tomorrow|tmrw)\b/.test(text)) return { day: isoOf(today + dayMs), certain: true };
  if (/\b(today|tonight)\b/.test(text)) return { day: isoOf(today), certain: true };
  return null;
}

/** "the 5th". */
function dayOfMonth(text: string, today: number): NamedDay | null {
  const match = /\bthe\s+(\d{1,2})(?:st|nd|rd|th)\b/.exec(text);
  if (match === null) return null;
  const day = Number(match[1]);
  const now = new Date(today);
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth() + 1 + (day < now.getUTCDate() ? 1 : 0);
  return month > 12 ? dated(year + 1, 1, day, true) : dated(year, month, day, true);
}

function inYear(
  month: number,
  day: number,
  year: string | undefined,
  today: number,
  certain: boolean,
): NamedDay | null {
  if (year !== undefined) return dated(Number(year), month, day, certain);
  const thisYear = new Date(today).getUTCFullYear();
  const soon = dated(thisYear, month, day, certain);
  return soon !== null && soon.day < isoOf(today) ? dated(thisYear + 1, month, day, certain) : soon;
}

/** Null where the calendar has no such day. */
function dated(year: number, month: number, day: number, certain: boolean): NamedDay | null {
  const at = new Date(Date.UTC(year, month - 1, day));
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day) return null;
  return { day: isoOf(at.getTime()), certain };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
