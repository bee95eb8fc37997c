import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getNamedType,
  Kind,
  TypeInfo,
  type ValueNode,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { usualLimits } from '../loaders/page.ts';
import { badInput } from './failures.ts';
import { stockLimits } from './filters/stock.ts';

/** Where an operation says behind or before which row a page lies, or how many rows it holds. */
export type RowCursor = { argument: string; most: number } & ({ value: string } | { variable: string });

/** What those lists give out: the id of a row. Prisma reads much more out of a cursor, and then fails at the database. */
const ofRow = /^GPC:I:\d{1,18}$/;

/**
 * The sizes of pages in a document, and the cursors that go to lists whose fields `isRowList` knows by the name of their type.
 * Other lists look at theirs themselves, once the operation runs; a size is looked at before what it would cost.
 */
export function rowCursorsOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  isRowList: (typeName: string) => boolean,
): RowCursor[] {
  const cursors: RowCursor[] = [];
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Argument({ name, value }) {
        if (!['after', 'before', 'first', 'last'].includes(name.value)) return;
        const list = getNamedType(info.getFieldDef()?.type)?.name ?? '';
        const isSize = name.value === 'first' || name.value === 'last';
        if (isSize ? !list.endsWith('Connection') : !isRowList(list)) return;
        const most = (list === 'StockLevelConnection' ? stockLimits : usualLimits).maxSize;
        const cursor = cursorIn(value);
        if (cursor !== null) cursors.push({ argument: name.value, most, ...cursor });
      },
    }),
  );
  return cursors;
}

function cursorIn(value: ValueNode): { value: string } | { variable: string } | null {
  if (value.kind === Kind.VARIABLE) return { variable: value.name.value };
  return value.kind === Kind.STRING || value.kind === Kind.INT ? { value: value.value } : null;
}

/** Null: all of them are such as the lists have given, and no page is larger than they hold: Prisma would cut it short. */
export function refuseCursors(
  cursors: readonly RowCursor[],
  variables: Readonly<Record<string, unknown>>,
): GraphQLError | null {
  for (const cursor of cursors) {
    const { argument, most } = cursor;
    const given = 'value' in cursor ? cursor.value : variables[cursor.variable];
    const refusal =
      argument === 'first' || argument === 'last' ? refuseSize(given, most) : refuseCursor(given);
    if (refusal !== null) return badInput(`${argument}: ${refusal}`, [argument]);
  }
  return null;
}

/** What is no Int at all, the types refuse. */
function refuseSize(given: unknown, most: number): string | null {
  const size = given === null || given === undefined ? 0 : Number(given);
  if (!Number.isInteger(size) || Math.abs(size) >= 2 ** 31 || (size >= 0 && size <= most)) return null;
  return `must lie between 0 and ${most}, and is ${size}. Ask for the next page with \`after\`.`;
}

function refuseCursor(given: unknown): string | null {
  // What is no text at all, the types refuse.
  if (typeof given !== 'string' || ofRow.test(Buffer.from(given, 'base64').toString())) return null;
  return 'this cursor is none of this list. Pass one that the same list has given.';
}
