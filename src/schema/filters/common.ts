import { type Sql, sql } from '../../loaders/sql.ts';
import { builder } from '../builder.ts';

export const TimeRange = builder.inputType('TimeRange', {
  description: 'A span of time.',
  fields: (t) => ({
    from: t.field({ type: 'DateTime', description: 'Not before.' }),
    until: t.field({ type: 'DateTime', description: 'Before, exclusively.' }),
  }),
});

type Range = { from?: string | null | undefined; until?: string | null | undefined } | null | undefined;

export function within(column: Sql, range: Range): Sql[] {
  const conditions: Sql[] = [];
  if (range?.from) conditions.push(sql`${column} >= ${range.from}::timestamptz`);
  if (range?.until) conditions.push(sql`${column} < ${range.until}::timestamptz`);
  return conditions;
}

/** `column` equals the value, where one is given. */
export function equal(column: Sql, value: unknown): Sql[] {
  return value === undefined || value === null ? [] : [sql`${column} = ${value}`];
}

/** `column`, an enum or text, is one of the values, where a list is given. An empty list holds nothing. */
export function oneOf(column: Sql, values: readonly unknown[] | null | undefined): Sql[] {
  return values === undefined || values === null ? [] : [sql`${column}::text = any(${values}::text[])`];
}

export function refersTo(column: Sql, id: { id: string } | null | undefined): Sql[] {
  return id === undefined || id === null ? [] : [sql`${column} = ${id.id}::bigint`];
}

/** Neutralises the wildcards of `like`. */
export function likePrefix(text: string): string {
  return `${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
