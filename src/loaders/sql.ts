import pg from 'pg';
import type { Queryable } from '../db/pool.ts';

/** A piece of SQL with its values; pieces are put together by naming one inside another. */
export class Sql {
  readonly parts: readonly string[];
  readonly values: readonly unknown[];

  constructor(parts: readonly string[], values: readonly unknown[]) {
    this.parts = parts;
    this.values = values;
  }
}

/** Values become parameters; pieces of SQL are spliced in. */
export function sql(strings: TemplateStringsArray, ...inserts: readonly unknown[]): Sql {
  const parts: string[] = [strings[0] ?? ''];
  const values: unknown[] = [];
  inserts.forEach((insert, index) => {
    const next = strings[index + 1] ?? '';
    if (insert instanceof Sql) {
      parts[parts.length - 1] += insert.parts[0] ?? '';
      insert.values.forEach((value, at) => {
        values.push(value);
        parts.push(insert.parts[at + 1] ?? '');
      });
      parts[parts.length - 1] += next;
    } else {
      values.push(insert);
      parts.push(next);
    }
  });
  return new Sql(parts, values);
}

/** Text of ours, never of a caller. */
export function raw(text: string): Sql {
  return new Sql([text], []);
}

export function join(pieces: readonly Sql[], separator: string): Sql {
  if (pieces.length === 0) return raw('');
  return pieces.reduce((all, piece) => sql`${all}${raw(separator)}${piece}`);
}

/** `and`-ed conditions; `true` where there are none. */
export function all(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? raw('true') : join(conditions, ' and ');
}

/**
 * Runs a statement that reads. Ids, amounts and times arrive as Postgres writes them and JSON as text: nothing is
 * converted that is not asked for, and no amount becomes a float.
 */
export async function read<Row extends object>(db: Queryable, statement: Sql): Promise<Row[]> {
  return readStatement(db, { text: textOf(statement), values: statement.values as unknown[] });
}

/** The same, of a statement whose text is written already. */
export async function readStatement<Row extends object>(
  db: Queryable,
  { text, values }: { text: string; values: unknown[] },
): Promise<Row[]> {
  const { rows } = await db.query<Row & pg.QueryResultRow>({ ...named(text), text, values, types });
  return rows;
}

function textOf(statement: Sql): string {
  let text = statement.parts[0] ?? '';
  for (let index = 1; index < statement.parts.length; index += 1)
    text += `$${index}${statement.parts[index]}`;
  return text;
}

const textOids = new Set([20, 114, 1082, 1114, 1184, 1700, 3802]);
const asText = (text: string): string => text;

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    textOids.has(oid) ? asText : pg.types.getTypeParser(oid, format as 'text')) as never,
};

/** Each combination of filters is a statement of its own: the usual ones are prepared, the tail is not. */
const maxPrepared = 400;
const names = new Map<string, string>();

function named(text: string): { name?: string } {
  const known = names.get(text);
  if (known !== undefined) return { name: known };
  if (names.size >= maxPrepared) return {};
  const name = `read_${names.size}`;
  names.set(text, name);
  return { name };
}
