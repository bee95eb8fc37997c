import type {
  CustomField,
  CustomFieldState,
  CustomFieldText,
  CustomFieldType,
} from '../../model/custom-field.ts';
import { type Transformed, transform } from '../custom-fields/transform.ts';
import type { PropertyKind, PropertyValues } from './property-values.ts';

/** What the CRM should hold of an owner's custom fields, by property; null where there is no value. What is left to people is not named. */
export function customValues(fields: readonly CustomFieldState[] | undefined): PropertyValues {
  return Object.fromEntries(
    (fields ?? []).flatMap((field) =>
      field.hubspotProperty === null || field.isLeft === true
        ? []
        : [[field.hubspotProperty, toCrm(field.type, field.value)]],
    ),
  );
}

/** How the property of a custom field compares; undefined where the property is none of these. */
export function customPropertyKind(
  fields: readonly CustomFieldState[] | undefined,
  property: string,
): PropertyKind | undefined {
  const field = (fields ?? []).find((one) => one.hubspotProperty === property);
  if (field === undefined) return undefined;
  return field.type === 'number' || field.type === 'money' ? 'number' : 'text';
}

/** What a person wrote into the property, as the field's value. `currency`: what a bare amount is in. */
export function fromCrm(field: CustomField, text: string | null, currency: string | null): Transformed {
  const written = text?.trim() ?? '';
  if (written === '') return { kind: 'empty' };
  // Dates come as days, but older clients write milliseconds.
  const isMs = field.type === 'date' && /^-?\d{6,}$/.test(written);
  const raw = isMs ? new Date(Number(written)).toISOString().slice(0, 10) : written;
  return transform(
    {
      type: field.type,
      transform: {},
      limits: field.limits,
      options: field.options,
    },
    raw,
    { currency },
  );
}

/** Money is a number there: its currency is the field's, or that of the record beside it. */
function toCrm(type: CustomFieldType, value: CustomFieldText | null): string | null {
  if (value === null || type !== 'money') return value;
  return value.split(' ')[0] ?? null;
}

export interface CrmPropertyShape {
  type: 'string' | 'number' | 'date' | 'bool' | 'enumeration';
  fieldType: 'text' | 'number' | 'date' | 'booleancheckbox' | 'select';
  options: { value: string; label: string }[];
}

/** The kind of property that a field needs. */
export function shapeOf(field: Pick<CustomField, 'type' | 'options'>): CrmPropertyShape {
  switch (field.type) {
    case 'text':
      return { type: 'string', fieldType: 'text', options: [] };
    case 'number':
    case 'money':
      return { type: 'number', fieldType: 'number', options: [] };
    case 'date':
      return { type: 'date', fieldType: 'date', options: [] };
    case 'boolean':
      return {
        type: 'bool',
        fieldType: 'booleancheckbox',
        options: [
          { value: 'true', label: 'Yes' },
          { value: 'false', label: 'No' },
        ],
      };
    case 'enumeration':
      return {
        type: 'enumeration',
        fieldType: 'select',
        options: field.options.map(({ value, label }) => ({ value, label })),
      };
    default:
      return field.type satisfies never;
  }
}
