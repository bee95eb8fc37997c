import { AppError } from '../errors.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

/** The calendar day (YYYY-MM-DD) at that moment in that time zone. */
export function dayIn(timeZone: string, at: Date): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format.format(at);
}

const dayMs = 24 * 60 * 60 * 1000;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The moments of a day in a time zone: from the first that belongs to it to the first that does not any more. Days on
 * which clocks change are 23 or 25 hours long. @throws AppError INVALID_DAY
 */
export function momentsOf(day: string, timeZone: string): { from: Date; to: Date } {
  if (!isDay(day))
    throw new AppError({
      code: 'INVALID_DAY',
      retryable: false,
      publicMessage: `date: "${day.slice(0, 40)}" is no day. Write it as 2026-11-29.`,
      field: 'date',
    });
  return { from: startOf(day, timeZone), to: startOf(dayAfter(day), timeZone) };
}

/** True for a date that there is, as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  if (!dayPattern.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

export function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + dayMs).toISOString().slice(0, 10);
}

/** The first moment of the day: found between the two ends that any time zone leaves possible. */
function startOf(day: string, timeZone: string): Date {
  let before = Date.parse(`${day}T00:00:00Z`) - dayMs;
  let within = before + 2 * dayMs;
  while (within - before > 1) {
    const middle = before + Math.floor((within - before) / 2);
    if (dayIn(timeZone, new Date(middle)) < day) before = middle;
    else within = middle;
  }
  return new Date(within);
}

/** Whether a name is one of the IANA time zones. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
