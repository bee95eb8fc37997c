import type { Random } from '../kit/random.ts';
import { badRequest } from './errors.ts';
import type { ObjectType, ObjectTypeId } from './object-types.ts';
import type { PropertyDefinition } from './property-definitions.ts';

/** What the search knows of a record: a version that may be seconds old. */
export interface SearchDocument {
  id: string;
  properties: Readonly<Record<string, string>>;
  createdAtMs: number;
  updatedAtMs: number;
}

/** The search lags behind the records: a write becomes findable some seconds after it. */
export class SearchIndex {
  lagMs: readonly [number, number];
  #random: Random;
  #now: () => number;
  #visible = new Map<ObjectTypeId, Map<string, SearchDocument>>();
  #queue: { atMs: number; typeId: ObjectTypeId; id: string; document: SearchDocument | null }[] = [];
  #head = 0;

  constructor(random: Random, now: () => number, lagMs: readonly [number, number]) {
    this.#random = random;
    this.#now = now;
    this.lagMs = lagMs;
  }

  /** A null document takes the record out. Writes surface in the order in which they were made. */
  write(typeId: ObjectTypeId, id: string, document: SearchDocument | null): void {
    const [min, max] = this.lagMs;
    const earliest = this.#queue.at(-1)?.atMs ?? 0;
    const atMs = Math.max(this.#now() + (max > 0 ? this.#random.int(min, max) : 0), earliest);
    this.#queue.push({ atMs, typeId, id, document });
    this.#surface();
  }

  documents(typeId: ObjectTypeId): Iterable<SearchDocument> {
    this.#surface();
    return this.#visible.get(typeId)?.values() ?? [];
  }

  clear(): void {
    this.#visible.clear();
    this.#queue = [];
    this.#head = 0;
  }

  #surface(): void {
    const now = this.#now();
    for (;;) {
      const next = this.#queue[this.#head];
      if (next === undefined || next.atMs > now) break;
      this.#head += 1;
      let documents = this.#visible.get(next.typeId);
      if (documents === undefined) {
        documents = new Map();
        this.#visible.set(next.typeId, documents);
      }
      if (next.document === null) documents.delete(next.id);
      else documents.set(next.id, next.document);
    }
    if (this.#head === this.#queue.length || this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}

interface Filter {
  propertyName: string;
  operator: string;
  value?: string;
  highValue?: string;
  values?: string[];
}

const operators = new Set([
  'EQ',
  'NEQ',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'BETWEEN',
  'IN',
  'NOT_IN',
  'HAS_PROPERTY',
  'NOT_HAS_PROPERTY',
  'CONTAINS_TOKEN',
  'NOT_CONTAINS_TOKEN',
]);

/** Filters, sorts and pages. `after` is an offset, as in the real search. */
export function runSearch(
  documents: Iterable<SearchDocument>,
  request: Record<string, unknown>,
  type: ObjectType,
  definitionOf: (name: string) => PropertyDefinition | undefined,
): { total: number; page: SearchDocument[]; nextAfter: string | null } {
  const groups = readGroups(request.filterGroups, definitionOf);
  const sorts = readSorts(request.sorts, definitionOf);
  const limit = request.limit === undefined ? 10 : Number(request.limit);
  if (!Number.isInteger(limit) || limit < 0 || limit > 200)
    throw badRequest('limit must be between 0 and 200 (inclusive)');
  const offset =
    request.after === undefined || request.after === '' || request.after === null ? 0 : Number(request.after);
  if (!Number.isInteger(offset) || offset < 0)
    throw badRequest(`Invalid paging cursor: ${String(request.after)}`);
  if (offset + limit > 10_000) throw badRequest('The search endpoints return at most 10,000 total results');
  const query = typeof request.query === 'string' ? request.query.trim().toLowerCase() : '';

  const found: SearchDocument[] = [];
  for (const document of documents) {
    if (groups.length > 0 && !groups.some((filters) => filters.every((test) => test(document)))) continue;
    if (query !== '' && !matchesQuery(document, query, type)) continue;
    found.push(document);
  }
  found.sort((a, b) => {
    for (const sort of sorts) {
      const order = sort(a, b);
      if (order !== 0) return order;
    }
    return a.createdAtMs - b.createdAtMs || Number(a.id) - Number(b.id);
  });
  const page = found.slice(offset, offset + limit);
  const end = offset + page.length;
  return {
    total: found.length,
    page,
    nextAfter: end < found.length && page.length > 0 ? String(end) : null,
  };
}

function readGroups(
  given: unknown,
  definitionOf: (name: string) => PropertyDefinition | undefined,
): ((document: SearchDocument) => boolean)[][] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw badRequest('filterGroups must be an array');
  if (given.length > 5) throw badRequest('The maximum number of filter groups is 5');
  let total = 0;
  return given.map((group: { filters?: unknown }) => {
    if (!Array.isArray(group?.filters)) throw badRequest('Every filter group needs filters');
    if (group.filters.length > 6) throw badRequest('The maximum number of filters in a group is 6');
    total += group.filters.length;
    if (total > 18) throw badRequest('The maximum number of filters is 18');
    return group.filters.map((filter: Filter) => compile(filter, definitionOf));
  });
}

function compile(
  filter: Filter,
  definitionOf: (name: string) => PropertyDefinition | undefined,
): (document: SearchDocument) => boolean {
  const { propertyName, operator } = filter;
  if (!operators.has(operator)) throw badRequest(`Invalid filter operator: ${operator}`);
  const definition = definitionOf(propertyName);
  if (definition === undefined)
    throw badRequest('There was a problem with the request.', [
      {
        message: `Property "${propertyName}" does not exist`,
        code: 'PROPERTY_DOESNT_EXIST',
        context: { propertyName: [propertyName] },
      },
    ]);
  const read = (document: SearchDocument): string | undefined => document.properties[propertyName];
  const one = (value: unknown): string => {
    if (value === undefined || value === null)
      throw badRequest(`operator ${operator} requires a value for property ${propertyName}`);
    return String(value);
  };
  const compare = comparator(definition);
  switch (operator) {
    case 'HAS_PROPERTY':
      return (document) => read(document) !== undefined;
    case 'NOT_HAS_PROPERTY':
      return (document) => read(document) === undefined;
    case 'IN':
    case 'NOT_IN': {
      if (!Array.isArray(filter.values) || filter.values.length === 0)
        throw badRequest(`operator ${operator} requires values for property ${propertyName}`);
      if (filter.values.length > 100) throw badRequest('The maximum number of filter values is 100');
      const wanted = new Set(filter.values.map((value) => comparable(definition, String(value))));
      return (document) => {
        const value = read(document);
        const isIn = value !== undefined && wanted.has(comparable(definition, value));
        return operator === 'IN' ? isIn : value !== undefined && !isIn;
      };
    }
    case 'BETWEEN': {
      const low = one(filter.value);
      const high = one(filter.highValue);
      return (document) => {
        const value = read(document);
        return value !== undefined && compare(value, low) >= 0 && compare(value, high) <= 0;
      };
    }
    case 'CONTAINS_TOKEN':
    case 'NOT_CONTAINS_TOKEN': {
      const test = tokenTest(one(filter.value));
      return (document) => {
        const value = read(document);
        const contains = value !== undefined && test(value);
        return operator === 'CONTAINS_TOKEN' ? contains : value !== undefined && !contains;
      };
    }
    default: {
      const wanted = one(filter.value);
      return (document) => {
        const value = read(document);
        if (value === undefined) return false;
        const order = compare(value, wanted);
        if (operator === 'EQ') return order === 0;
        if (operator === 'NEQ') return order !== 0;
        if (operator === 'LT') return order < 0;
        if (operator === 'LTE') return order <= 0;
        if (operator === 'GT') return order > 0;
        return order >= 0;
      };
    }
  }
}

function readSorts(
  given: unknown,
  definitionOf: (name: string) => PropertyDefinition | undefined,
): ((a: SearchDocument, b: SearchDocument) => number)[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given)) throw badRequest('sorts must be an array');
  if (given.length > 1) throw badRequest('Only one sort is allowed');
  return given.map((sort: unknown) => {
    const asObject = sort as { propertyName?: unknown; direction?: unknown };
    const text = typeof sort === 'string' ? sort : String(asObject.propertyName);
    const descending = typeof sort === 'string' ? sort.startsWith('-') : asObject.direction === 'DESCENDING';
    const name = typeof sort === 'string' ? text.replace(/^-/, '') : text;
    const definition = definitionOf(name);
    if (definition === undefined) throw badRequest(`Property "${name}" does not exist`);
    const compare = comparator(definition);
    return (a, b) => {
      const left = a.properties[name];
      const right = b.properties[name];
      if (left === undefined || right === undefined) {
        // Records without the value stand last, whatever the direction.
        return left === right ? 0 : left === undefined ? 1 : -1;
      }
      return descending ? compare(right, left) : compare(left, right);
    };
  });
}

function comparable(definition: PropertyDefinition, value: string): string | number {
  if (definition.type === 'number') return Number(value);
  if (definition.type === 'date' || definition.type === 'datetime')
    return /^-?\d+$/.test(value) ? Number(value) : Date.parse(value);
  return value.toLowerCase();
}

function comparator(definition: PropertyDefinition): (a: string, b: string) => number {
  return (a, b) => {
    const left = comparable(definition, a);
    const right = comparable(definition, b);
    return left < right ? -1 : left > right ? 1 : 0;
  };
}

function tokenTest(wanted: string): (value: string) => boolean {
  const lower = wanted.toLowerCase();
  if (lower.includes('*')) {
    const escaped = lower.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
    const pattern = new RegExp(`^${escaped}$`);
    return (value) => pattern.test(value.toLowerCase()) || tokens(value).some((token) => pattern.test(token));
  }
  const needed = tokens(lower);
  return (value) => {
    const present = new Set(tokens(value));
    return needed.every((token) => present.has(token));
  };
}

function tokens(value: string): string[] {
  return value
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((token) => token !== '');
}

function matchesQuery(document: SearchDocument, query: string, type: ObjectType): boolean {
  const present = type.queryProperties.flatMap((name) => tokens(document.properties[name] ?? ''));
  return tokens(query).every((token) => present.some((one) => one.startsWith(token)));
}
