import { raw, type Sql } from './sql.ts';

interface Shapes {
  /** int8 key, as text: JavaScript's numbers do not hold it. */
  id: string;
  text: string;
  int: number;
  bool: boolean;
  /** Minor units, as text. */
  minor: string;
  /** Timestamp as Postgres writes it. */
  time: string;
  /** JSON text. */
  json: string;
  texts: string[];
  decimal: string;
}

type ShapeName = keyof Shapes;
/** `?` marks what may be null. */
export type Columns = Readonly<Record<string, ShapeName | `${ShapeName}?`>>;

export type RowOf<T extends Table<Columns>> = {
  [K in keyof T['columns']]: T['columns'][K] extends `${infer S extends ShapeName}?`
    ? Shapes[S] | null
    : T['columns'][K] extends ShapeName
      ? Shapes[T['columns'][K]]
      : never;
};

/** What the API reads of a table. Columns are named as in the graph; in the database the same in snake case. */
export interface Table<C extends Columns> {
  name: string;
  columns: C;
}

export function table<const C extends Columns>(name: string, columns: C): Table<C> {
  return { name, columns };
}

/** The select list of a table under an alias. */
export function columnsOf(from: Table<Columns>, alias: string): Sql {
  const cached = lists.get(from)?.get(alias);
  if (cached !== undefined) return cached;
  const list = raw(
    Object.keys(from.columns)
      .map((name) => `${alias}.${snakeCase(name)} as "${name}"`)
      .join(', '),
  );
  const byAlias = lists.get(from) ?? new Map<string, Sql>();
  byAlias.set(alias, list);
  lists.set(from, byAlias);
  return list;
}

const lists = new WeakMap<Table<Columns>, Map<string, Sql>>();

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
