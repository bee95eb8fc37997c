import type { Queryable } from '../db/pool.ts';
import { AppError } from '../errors.ts';
import { all, join, raw, read, type Sql, sql } from './sql.ts';
import { type Columns, columnsOf, type RowOf, type Table } from './table.ts';

/** A total order of a table: its last column is unique, all run the same way. */
export interface Sort {
  /** Part of every cursor, so that a cursor of another order is refused instead of misread. */
  name: string;
  direction: 'asc' | 'desc';
  /** Expressions over the alias `t`, with the type a cursor's text is cast to. */
  keys: readonly { expression: string; type: string }[];
}

export interface PageArgs {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}

export interface PageLimits {
  defaultSize: number;
  maxSize: number;
}

export const usualLimits: PageLimits = { defaultSize: 20, maxSize: 250 };

export interface Page<Row> {
  edges: { cursor: string; node: Row }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  /** Counted when asked, and only then. */
  totalCount: () => Promise<number>;
  /** Sums over all pages: `select` over the alias `t`, one row per group. Read when asked, and only then. */
  sums: <Sums extends object>(select: Sql, groupBy: Sql) => Promise<Sums[]>;
}

/**
 * One page by keyset: a page starts behind the row that the cursor names, wherever that row has moved to, so rows
 * that are added meanwhile neither shift nor repeat others.
 */
export async function page<C extends Columns>(
  db: Queryable,
  from: Table<C>,
  options: { where: readonly Sql[]; sort: Sort; args: PageArgs; limits?: PageLimits },
): Promise<Page<RowOf<Table<C>>>> {
  const plan = planPage(options.sort, options.args, options.limits ?? usualLimits);
  const rows = await read<KeyedRow>(
    db,
    sql`select ${columnsOf(from, 't')}, ${plan.cursorColumns} from ${raw(from.name)} t
        where ${all([...options.where, ...plan.conditions])} order by ${plan.order} limit ${plan.size + 1}`,
  );
  return toPage(rows, plan, options.sort, {
    totalCount: () => countOf(db, from, options.where),
    sums: (select, groupBy) =>
      read(
        db,
        sql`select ${select} from ${raw(from.name)} t where ${all(options.where)} group by ${groupBy}`,
      ),
  });
}

/** The same page under each of several parents, in one statement. */
export async function pagesOfParents<C extends Columns>(
  db: Queryable,
  from: Table<C>,
  options: {
    parent: Sql;
    ids: readonly string[];
    where: readonly Sql[];
    sort: Sort;
    args: PageArgs;
    limits?: PageLimits;
  },
): Promise<Page<RowOf<Table<C>>>[]> {
  const plan = planPage(options.sort, options.args, options.limits ?? usualLimits);
  const rows = await read<KeyedRow & { __ordinal: string }>(
    db,
    sql`select page.* from unnest(${options.ids}::bigint[]) with ordinality as parent(id, ordinal)
        cross join lateral (
          select ${columnsOf(from, 't')}, ${plan.cursorColumns}, parent.ordinal as "__ordinal" from ${raw(from.name)} t
          where ${all([sql`${options.parent} = parent.id`, ...options.where, ...plan.conditions])}
          order by ${plan.order} limit ${plan.size + 1}
        ) page`,
  );
  const byOrdinal = Map.groupBy(rows, (row) => row.__ordinal);
  const { parent } = options;
  const ofAll = all([sql`${parent} = any(${options.ids}::bigint[])`, ...options.where]);
  // The first parent that is asked asks for all: they are all about to be.
  const sumsOfAll = new Map<Sql, Promise<Map<string, object[]>>>();
  const sumsOf = async (id: string, select: Sql, groupBy: Sql): Promise<object[]> => {
    const known =
      sumsOfAll.get(select) ??
      read<{ __parent: string }>(
        db,
        sql`select ${parent} as "__parent", ${select} from ${raw(from.name)} t where ${ofAll} group by ${groupBy}`,
      ).then((found) => Map.groupBy(found, (row) => row.__parent));
    sumsOfAll.set(select, known);
    return (await known).get(id) ?? [];
  };
  return options.ids.map((id, index) =>
    toPage(byOrdinal.get(String(index + 1)) ?? [], plan, options.sort, {
      totalCount: async () => {
        const [row] = (await sumsOf(id, counted, parent)) as { total: string }[];
        return Number(row?.total ?? 0);
      },
      sums: async <Sums extends object>(select: Sql, groupBy: Sql) =>
        (await sumsOf(id, select, sql`${parent}, ${groupBy}`)) as Sums[],
    }),
  );
}

const counted = raw('count(*) as total');

type KeyedRow = Record<`__key${number}`, string>;

export interface PagePlan {
  size: number;
  backward: boolean;
  conditions: Sql[];
  order: Sql;
  cursorColumns: Sql;
  hasAfter: boolean;
  hasBefore: boolean;
}

export function planPage(sort: Sort, args: PageArgs, limits: PageLimits): PagePlan {
  const backward = args.last !== undefined && args.last !== null;
  if (backward && args.first !== undefined && args.first !== null) {
    throw badInput('last', 'ask for `first` or for `last`, not for both.');
  }
  const size = (backward ? args.last : args.first) ?? limits.defaultSize;
  if (size < 0 || size > limits.maxSize) {
    throw badInput(
      backward ? 'last' : 'first',
      `must lie between 0 and ${limits.maxSize}, and is ${size}. Ask for the next page with \`after\`.`,
    );
  }
  const keys = join(
    sort.keys.map((key) => raw(key.expression)),
    ', ',
  );
  const ahead = raw(sort.direction === 'asc' ? '>' : '<');
  const behind = raw(sort.direction === 'asc' ? '<' : '>');
  const conditions: Sql[] = [];
  const hasAfter = args.after !== undefined && args.after !== null;
  const hasBefore = args.before !== undefined && args.before !== null;
  if (hasAfter) conditions.push(sql`(${keys}) ${ahead} (${cursorValues('after', args.after ?? '', sort)})`);
  if (hasBefore)
    conditions.push(sql`(${keys}) ${behind} (${cursorValues('before', args.before ?? '', sort)})`);
  const direction = (sort.direction === 'asc') === backward ? 'desc' : 'asc';
  return {
    size,
    backward,
    conditions,
    hasAfter,
    hasBefore,
    order: raw(sort.keys.map((key) => `${key.expression} ${direction}`).join(', ')),
    cursorColumns: raw(
      sort.keys.map((key, index) => `${key.expression}::text as "__key${index}"`).join(', '),
    ),
  };
}

function toPage<Row>(
  rows: readonly KeyedRow[],
  plan: PagePlan,
  sort: Sort,
  overAllPages: Pick<Page<Row>, 'totalCount' | 'sums'>,
): Page<Row> {
  const more = rows.length > plan.size;
  const kept = rows.slice(0, plan.size);
  if (plan.backward) kept.reverse();
  const edges = kept.map((row) => ({
    cursor: encodeCursor(
      sort,
      sort.keys.map((_, index) => row[`__key${index}`] ?? ''),
    ),
    node: row as Row,
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: plan.backward ? plan.hasBefore : more,
      hasPreviousPage: plan.backward ? more : plan.hasAfter,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    ...overAllPages,
  };
}

async function countOf(db: Queryable, from: Table<Columns>, where: readonly Sql[]): Promise<number> {
  const rows = await read<{ total: string }>(
    db,
    sql`select ${counted} from ${raw(from.name)} t where ${all(where)}`,
  );
  return Number(rows[0]?.total ?? 0);
}

function encodeCursor(sort: Sort, values: readonly string[]): string {
  return Buffer.from(JSON.stringify([sort.name, ...values])).toString('base64url');
}

function cursorValues(argument: string, cursor: string, sort: Sort): Sql {
  const values = decodeCursor(cursor, sort, argument);
  return join(
    sort.keys.map((key, index) => sql`${values[index]}::${raw(key.type)}`),
    ', ',
  );
}

/** What a cursor of this list in this order points at, as text. @throws AppError BAD_USER_INPUT */
export function decodeCursor(cursor: string, sort: Sort, argument = 'after'): string[] {
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    decoded = null;
  }
  if (
    !Array.isArray(decoded) ||
    decoded[0] !== sort.name ||
    decoded.length !== sort.keys.length + 1 ||
    !sort.keys.every((key, index) => isValueOf(key.type, decoded[index + 1]))
  ) {
    throw badInput(
      argument,
      'this cursor is none of this list in this order. Pass one that the same list has given.',
    );
  }
  return decoded.slice(1);
}

function isValueOf(type: string, value: unknown): boolean {
  if (typeof value !== 'string' || value.length > 500) return false;
  if (type === 'bigint') return /^-?\d{1,18}$/.test(value);
  if (type === 'timestamptz')
    return /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?$/.test(value);
  return true;
}

function badInput(field: string, message: string): AppError {
  return new AppError({
    code: 'BAD_USER_INPUT',
    retryable: false,
    publicMessage: `${field}: ${message}`,
    field,
  });
}
