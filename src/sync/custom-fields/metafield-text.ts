import type { CustomFieldText, CustomFieldType } from '../../model/custom-field.ts';

/** The type of a metafield that nobody has filled in yet, by the field's. */
const usualTypes: Readonly<Record<CustomFieldType, string>> = {
  text: 'single_line_text_field',
  number: 'number_decimal',
  money: 'money',
  date: 'date',
  boolean: 'boolean',
  enumeration: 'single_line_text_field',
};

const textTypes: ReadonlySet<string> = new Set(['single_line_text_field', 'multi_line_text_field']);

/**
 * A field's value as the text of a metafield, the inverse of `transform`. Null where a metafield of that type cannot
 * say it: lists, references, documents.
 * @param standing the type that the metafield has; null where there is none yet
 */
export function metafieldText(
  type: CustomFieldType,
  value: CustomFieldText,
  standing: string | null,
): { type: string; value: string } | null {
  const target = standing ?? usualTypes[type];
  if (textTypes.has(target))
    return target === 'single_line_text_field' && value.includes('\n') ? null : { type: target, value };
  if (type === 'money' && target === 'money') {
    const [amount, currency] = value.split(' ');
    return { type: target, value: JSON.stringify({ amount, currency_code: currency }) };
  }
  const fits = holds(type, target) && !(target === 'number_integer' && value.includes('.'));
  return fits ? { type: target, value } : null;
}

/** Whether a metafield of that type may be removed where people emptied the field: only what could also be written. */
export function canClear(type: CustomFieldType, standing: string | null): boolean {
  return (
    standing !== null &&
    (textTypes.has(standing) || holds(type, standing) || (type === 'money' && standing === 'money'))
  );
}

function holds(type: CustomFieldType, target: string): boolean {
  return (
    (type === 'number' && (target === 'number_decimal' || target === 'number_integer')) ||
    (type === 'date' && target === 'date') ||
    (type === 'boolean' && target === 'boolean')
  );
}
