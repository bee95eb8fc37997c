/** How a CRM's property compares: as text, number or point in time. Values are strings both ways; null is empty. */
export type PropertyKind = 'text' | 'email' | 'number' | 'datetime';

export interface PropertyDefinition {
  name: string;
  label: string;
  kind: PropertyKind;
  /** At most one record may carry a value. */
  unique?: true;
  description: string;
}

export type PropertyValues = Record<string, string | null>;

/** One spelling per value, so that what a CRM re-formats (12.50 → 12.5) does not look like a change. */
function normalizeProperty(kind: PropertyKind, value: string | null | undefined): string | null {
  const text = value?.trim() ?? '';
  if (text === '') return null;
  switch (kind) {
    case 'text':
      return text;
    case 'email':
      return text.toLowerCase();
    case 'number':
      return plainNumber(text);
    case 'datetime': {
      const at = /^-?\d+$/.test(text) ? new Date(Number(text)) : new Date(text);
      return Number.isNaN(at.getTime()) ? text : at.toISOString();
    }
    default:
      return kind satisfies never;
  }
}

/** Names of the wanted properties whose value differs from what the CRM is known to hold. */
export function changedProperties(
  wanted: PropertyValues,
  held: Readonly<Record<string, unknown>>,
  kindOf: (name: string) => PropertyKind,
): string[] {
  return Object.entries(wanted)
    .filter(([name, value]) => {
      const known = held[name];
      const kind = kindOf(name);
      return (
        normalizeProperty(kind, value) !== normalizeProperty(kind, typeof known === 'string' ? known : null)
      );
    })
    .map(([name]) => name);
}

function plainNumber(text: string): string {
  const match = /^([-+]?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(text);
  if (match === null) return text;
  const whole = match[2] === '' || match[2] === undefined ? '0' : match[2];
  const fraction = match[3] ?? '';
  const digits = fraction === '' ? whole : `${whole}.${fraction}`;
  return match[1] === '-' && digits !== '0' ? `-${digits}` : digits;
}
