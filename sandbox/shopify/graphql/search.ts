/** A test that a record passes or not. */
export type Predicate<T> = (record: T) => boolean;

/** How one field of the search language looks at a record: the values it may match. */
export type FieldReader<T> = (record: T) => readonly (string | number | null)[];

export interface ParsedSearch<T> {
  predicate: Predicate<T>;
  /** Values that the record must have exactly: `id:1` or `sku:A`, where the whole search is a conjunction. */
  exact: Map<string, string>;
  /** The earliest updated_at that can match, in ms; lets a page start in the middle. */
  updatedFromMs: number | null;
}

interface Term {
  field: string | null;
  operator: ':' | '>' | '>=' | '<' | '<=';
  value: string;
  negated: boolean;
}

/**
 * The query language of the list fields: terms side by side (all must hold), OR between groups, `-` or NOT before a
 * term, quotes around values, `>`, `>=`, `<`, `<=` after the colon, `*` at the end for a prefix, `field:*` for "present".
 */
export function parseSearch<T>(
  query: string | null | undefined,
  readers: Readonly<Record<string, FieldReader<T>>>,
  defaults: readonly string[],
): ParsedSearch<T> {
  const groups = readGroups(query ?? '');
  const predicate: Predicate<T> = (record) =>
    groups.length === 0 ||
    groups.some((terms) => terms.every((term) => holds(term, record, readers, defaults) !== term.negated));
  const exact = new Map<string, string>();
  let updatedFromMs: number | null = null;
  if (groups.length === 1) {
    for (const term of groups[0] ?? []) {
      if (term.negated || term.field === null) continue;
      if (term.operator === ':' && !term.value.includes('*')) exact.set(term.field, term.value);
      if (term.field === 'updated_at' && (term.operator === '>' || term.operator === '>=')) {
        const ms = timeOf(term.value);
        if (ms !== null) updatedFromMs = Math.max(updatedFromMs ?? 0, ms);
      }
    }
  }
  return { predicate, exact, updatedFromMs };
}

function readGroups(query: string): Term[][] {
  const groups: Term[][] = [[]];
  let negated = false;
  for (const token of query.match(
    /-?[\w.]+:(?:>=|<=|>|<)?\s*(?:"[^"]*"|'[^']*'|[^\s()]+)|-?"[^"]*"|-?'[^']*'|[^\s()]+/g,
  ) ?? []) {
    if (token === 'OR') {
      groups.push([]);
    } else if (token === 'NOT') {
      negated = true;
    } else if (token !== 'AND') {
      groups.at(-1)?.push(readTerm(token, negated));
      negated = false;
    }
  }
  return groups.filter((terms) => terms.length > 0);
}

function readTerm(token: string, negated: boolean): Term {
  const minus = token.startsWith('-');
  const text = minus ? token.slice(1) : token;
  const match = /^([\w.]+):(>=|<=|>|<)?\s*(.*)$/s.exec(text);
  const bare = (value: string): string => value.replace(/^(["'])(.*)\1$/s, '$2');
  if (match === null) return { field: null, operator: ':', value: bare(text), negated: negated !== minus };
  const [, field = '', operator, value = ''] = match;
  return {
    field,
    operator: (operator ?? ':') as Term['operator'],
    value: bare(value),
    negated: negated !== minus,
  };
}

function holds<T>(
  term: Term,
  record: T,
  readers: Readonly<Record<string, FieldReader<T>>>,
  defaults: readonly string[],
): boolean {
  if (term.field === null) {
    const wanted = term.value.toLowerCase();
    return defaults.some((field) =>
      readers[field]?.(record).some(
        (value) => value !== null && String(value).toLowerCase().includes(wanted),
      ),
    );
  }
  // The platform ignores a field that it does not know and says so in a warning; the record stays in.
  const reader = readers[term.field];
  if (reader === undefined) return true;
  const values = reader(record);
  if (term.value === '*') return values.some((value) => value !== null && value !== '');
  return values.some((value) => value !== null && compareTo(value, term));
}

function compareTo(value: string | number, term: Term): boolean {
  if (typeof value === 'number') {
    const wanted = term.field?.endsWith('_at') ? timeOf(term.value) : Number(term.value);
    if (wanted === null || Number.isNaN(wanted)) return false;
    // Times are compared as the API shows them: in whole seconds.
    const shown = term.field?.endsWith('_at') ? Math.floor(value / 1000) * 1000 : value;
    return ordered(shown - wanted, term.operator);
  }
  const text = value.toLowerCase();
  const wanted = term.value.toLowerCase();
  if (term.operator !== ':') {
    const difference =
      /^\d+$/.test(text) && /^\d+$/.test(wanted)
        ? text.length - wanted.length || (text < wanted ? -1 : text > wanted ? 1 : 0)
        : text < wanted
          ? -1
          : text > wanted
            ? 1
            : 0;
    return ordered(difference, term.operator);
  }
  if (wanted.endsWith('*')) return text.startsWith(wanted.slice(0, -1));
  return text === wanted;
}

function ordered(difference: number, operator: Term['operator']): boolean {
  switch (operator) {
    case ':':
      return difference === 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    default:
      operator satisfies never;
      return false;
  }
}

function timeOf(value: string): number | null {
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}
