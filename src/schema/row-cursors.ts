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

/** Where an operation says behind or before which row a page of Prisma's lies, or how many rows it holds. */
export type RowCursor = { argument: string } & ({ value: string } | { variable: string });

/** What those lists give out: the id of a row. Prisma reads much more out of a cursor, and then fails at the database. */
const ofRow = /^GPC:I:\d{1,18}$/;

/** The cursors of a document that go to lists whose fields `isRowList` knows by the name of their type. */
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
        const cursor = cursorIn(name.value, value);
        if (cursor !== null && isRowList(list)) cursors.push(cursor);
      },
    }),
  );
  return cursors;
}

function cursorIn(argument: string, value: ValueNode): RowCursor | null {
  if (value.kind === Kind.VARIABLE) return { argument, variable: value.name.value };
  return value.kind === Kind.STRING || value.kind === Kind.INT ? { argument, value: value.value } : null;
}

/** Null: all of them are such as the lists have given, and no page is larger than they hold: Prisma would cut it short. */
export function refuseCursors(
  cursors: readonly RowCursor[],
  variables: Readonly<Record<string, unknown>>,
): GraphQLError | null {
  for (const cursor of cursors) {
    const { argument } = cursor;
    const given = 'value' in cursor ? cursor.value : variables[cursor.variable];
    const refusal = argument === 'first' || argument === 'last' ? refuseSize(given) : refuseCursor(given);
    if (refusal !== null) return badInput(`${argument}: ${refusal}`, [argument]);
  }
  return null;
}

/** What is no number at all, the types refuse. */
function refuseSize(given: unknown): string | null {
  const { maxSize } = usualLimits;
  if (given === null || given === undefined || Number.isNaN(Number(given))) return null;
  if (Number(given) >= 0 && Number(given) <= maxSize) return null;
  return `must lie between 0 and ${maxSize}, and is ${given}. Ask for the next page with \`after\`.`;
}

function refuseCursor(given: unknown): string | null {
  // What is no text at all, the types refuse.
  if (typeof given !== 'string' || ofRow.test(Buffer.from(given, 'base64').toString())) return null;
  return 'this cursor is none of this list. Pass one that the same list has given.';
}
