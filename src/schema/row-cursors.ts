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
import { badInput } from './failures.ts';

/** Where an operation says behind or before which row a page of Prisma's lies. */
export type RowCursor = { value: string } | { variable: string };

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
        if (name.value !== 'after' && name.value !== 'before') return;
        const list = getNamedType(info.getFieldDef()?.type)?.name ?? '';
        const cursor = cursorIn(value);
        if (cursor !== null && isRowList(list)) cursors.push(cursor);
      },
    }),
  );
  return cursors;
}

function cursorIn(value: ValueNode): RowCursor | null {
  if (value.kind === Kind.VARIABLE) return { variable: value.name.value };
  return value.kind === Kind.STRING ? { value: value.value } : null;
}

/** Null: all of them are such as the lists have given. */
export function refuseCursors(
  cursors: readonly RowCursor[],
  variables: Readonly<Record<string, unknown>>,
): GraphQLError | null {
  for (const cursor of cursors) {
    const text = 'value' in cursor ? cursor.value : variables[cursor.variable];
    // What is no text at all, the types refuse.
    if (typeof text !== 'string' || ofRow.test(Buffer.from(text, 'base64').toString())) continue;
    return badInput('This cursor is none of this list. Pass one that the same list has given.');
  }
  return null;
}
