import type { InvalidValue } from './errors.ts';
import type { PropertyDefinition } from './property-definitions.ts';

/** A value as HubSpot stores it (always a string), null where it is cleared, or why it is refused. */
export type NormalisedValue =
  | { ok: true; value: string | null }
  | { ok: false; invalid: Omit<InvalidValue, 'name'> };

/** `previous` matters for check boxes only: a leading semicolon appends. */
export function normaliseValue(
  definition: PropertyDefinition,
  raw: unknown,
  previous: string | undefined,
): NormalisedValue {
  if (raw === null || raw === undefined || raw === '') return { ok: true, value: null };
  if (typeof raw === 'object')
    return refuse(
      'INVALID_JSON',
      `${JSON.stringify(raw)} is not a property value; values are strings.`,
      JSON.stringify(raw),
    );
  const text = String(raw);
  switch (definition.type) {
    case 'string':
    case 'phone_number':
      return text.length > 65_536
        ? refuse(
            'VALUE_TOO_LONG',
            `The value for ${definition.name} is longer than 65536 characters.`,
            text.slice(0, 50),
          )
        : { ok: true, value: text };
    case 'number':
      return /^[-+]?(\d+(\.\d*)?|\.\d+)$/.test(text)
        ? { ok: true, value: text }
        : refuse('INVALID_INTEGER', `${text} was not a valid number.`, text);
    case 'date':
      return date(text);
    case 'datetime':
      return datetime(text);
    case 'bool':
      return text === 'true' || text === 'false'
        ? { ok: true, value: text }
        : refuse('INVALID_OPTION', `${text} was not one of the allowed options: [true, false]`, text);
    case 'enumeration':
      return enumeration(definition, text, previous);
    default:
      return definition.type satisfies never;
  }
}

/** A plausible address: one @, a domain with a dot, no blanks. HubSpot lower-cases and trims. */
export function normaliseEmail(raw: string): string | null {
  const email = raw.trim().toLowerCase();
  return /^[^\s@,;<>()[\]"\\]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/.test(email) &&
    !email.includes('..')
    ? email
    : null;
}

function date(text: string): NormalisedValue {
  if (/^-?\d+$/.test(text)) {
    const at = new Date(Number(text));
    if (!isInCalendar(at)) return refuse('INVALID_DATE', `${text} was not a valid date.`, text);
    const iso = at.toISOString();
    // Milliseconds are accepted for a date, but only at midnight UTC: the classic way to lose a birthday.
    if (!iso.endsWith('T00:00:00.000Z'))
      return refuse('INVALID_DATE', `${text} is at ${iso.slice(11, 23)} UTC, not midnight!`, text);
    return { ok: true, value: iso.slice(0, 10) };
  }
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const at = new Date(`${text}T00:00:00.000Z`);
    if (!Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)) return { ok: true, value: text };
  }
  return refuse('INVALID_DATE', `${text} was not a valid date.`, text);
}

function datetime(text: string): NormalisedValue {
  const isIso = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/.test(text);
  const at = /^-?\d+$/.test(text) ? new Date(Number(text)) : isIso ? new Date(text) : null;
  if (at === null || !isInCalendar(at)) return refuse('INVALID_DATE', `${text} was not a valid date.`, text);
  return { ok: true, value: at.toISOString() };
}

/** Four-digit years only: the others have no plain ISO form. */
function isInCalendar(at: Date): boolean {
  return !Number.isNaN(at.getTime()) && /^\d{4}-/.test(at.toISOString());
}

function enumeration(
  definition: PropertyDefinition,
  text: string,
  previous: string | undefined,
): NormalisedValue {
  if (definition.externalOptions || (definition.hubspotDefined && definition.options.length === 0))
    return { ok: true, value: text };
  const allowed = new Set(definition.options.map((option) => option.value));
  const isMultiple = definition.fieldType === 'checkbox';
  const given = isMultiple ? text.split(';').filter((one) => one !== '') : [text];
  for (const one of given) {
    if (!allowed.has(one))
      return refuse(
        'INVALID_OPTION',
        `${one} was not one of the allowed options: [${[...allowed].join(', ')}]`,
        one,
      );
  }
  if (isMultiple && text.startsWith(';') && previous !== undefined)
    return { ok: true, value: [...new Set([...previous.split(';'), ...given])].join(';') };
  return { ok: true, value: given.join(';') };
}

function refuse(error: string, message: string, value: string): NormalisedValue {
  return { ok: false, invalid: { error, message, value } };
}
