import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';

export type Declared = GraphQLArgument | GraphQLInputField;

export function idOf(type: string, id: string): string {
  return Buffer.from(`${type}:${id}`).toString('base64url');
}

export function typesOf(declared: Declared): string[] {
  const types = declared.extensions.relayGlobalIDFor as { typename: string }[] | null | undefined;
  return types?.map(({ typename }) => typename) ?? ['Order'];
}

/** As it should be, except that nothing with these ids is there. */
export function usual(declared: Declared, type: GraphQLInputType): unknown {
  const bare = getNullableType(type);
  if (isListType(bare)) return [usual(declared, bare.ofType)];
  if (isInputObjectType(bare)) {
    const fields = Object.values(bare.getFields());
    const given = bare.isOneOf ? fields.slice(0, 1) : fields.filter((field) => isNonNullType(field.type));
    return Object.fromEntries(given.map((field) => [field.name, usual(field, field.type)]));
  }
  if (isEnumType(bare)) return bare.getValues()[0]?.name;
  // Each its own: what names one thing twice is refused for that.
  if (bare.name === 'ID') return idOf(typesOf(declared)[0] ?? '', `1${declared.name.length}00000000`);
  if (declared.name === 'date') return '2026-11-29';
  return (
    { Int: 1, Float: 1, Boolean: false, Decimal: '1.00', DateTime: '2026-11-29T00:00:00Z' }[bare.name] ??
    'abc'
  );
}
