import type { CustomField, MetafieldValue } from '../../model/custom-field.ts';
import type { NameValue } from '../../model/order.ts';
import type { Source } from '../../model/platform-name.ts';
import { type Transformed, transform } from './transform.ts';

/** What is known of an owner that custom fields are made from. */
export interface OwnerFacts {
  id: bigint;
  source: Source;
  currency: string | null;
  attributes: readonly NameValue[];
  /** Per line. */
  lineAttributes: readonly (readonly NameValue[])[];
  tags: readonly string[];
  /** By `namespace.key`; the newest first where several records stand for one owner. */
  metafields: Readonly<Record<string, MetafieldValue | null>>[];
}

export interface Extracted {
  result: Transformed;
  /** What was told, where anything was. */
  raw: string | null;
  /** When the metafield was written, where that was told. */
  at: Date | null;
}

/** The field's value as its source tells it. */
export function extract(field: CustomField, facts: OwnerFacts): Extracted {
  const { raws, metafieldType, at } = rawsOf(field, facts);
  const results = raws.map((raw) => transform(field, raw, { metafieldType, currency: facts.currency }));
  const raw = raws.length === 0 ? null : raws.join('\n');
  const problem = results.find((one) => one.kind === 'problem');
  if (problem !== undefined) return { result: problem, raw, at };
  const values = [...new Set(results.flatMap((one) => (one.kind === 'value' ? [one.value] : [])))];
  const [first] = values;
  if (first === undefined) return { result: { kind: 'empty' }, raw, at };
  if (values.length === 1) return { result: { kind: 'value', value: first }, raw, at };
  // Several lines may carry texts of their own; of anything else there is one per order or none.
  if (field.type === 'text') return { result: transform(field, values.join('; ')), raw, at };
  return {
    result: { kind: 'problem', problem: `is told differently: ${values.slice(0, 5).join(', ')}` },
    raw,
    at,
  };
}

interface Raws {
  raws: string[];
  metafieldType: string | null;
  at: Date | null;
}

function rawsOf(field: CustomField, facts: OwnerFacts): Raws {
  const { source } = field;
  const plain = (raws: string[]): Raws => ({ raws, metafieldType: null, at: null });
  const named = (list: readonly NameValue[], name: string) =>
    list.filter((one) => one.name === name).map((one) => one.value);
  switch (source.kind) {
    case 'metafield': {
      const name = `${source.namespace}.${source.key}`;
      const told = facts.metafields.map((one) => one[name]).find((one) => one != null);
      if (told == null) return plain([]);
      return {
        raws: [told.value],
        metafieldType: told.type,
        at: told.at === undefined ? null : new Date(told.at),
      };
    }
    case 'attribute':
      return plain(named(facts.attributes, source.name));
    case 'lineAttribute':
      return plain(facts.lineAttributes.flatMap((line) => named(line, source.name)));
    case 'tag': {
      const prefix = source.prefix.toLowerCase();
      return plain(
        facts.tags
          .filter((tag) => tag.toLowerCase().startsWith(prefix))
          .map((tag) => tag.slice(prefix.length).trim() || (field.type === 'boolean' ? 'true' : ''))
          .filter((text) => text !== ''),
      );
    }
    default:
      return source satisfies never;
  }
}
