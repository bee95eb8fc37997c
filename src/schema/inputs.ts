import {
  type DocumentNode,
  type GraphQLArgument,
  type GraphQLError,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isListType,
  Kind,
  TypeInfo,
  type ValueNode,
  valueFromASTUntyped,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import { badInput } from './failures.ts';
import { readGlobalId } from './global-id.ts';
import { scopeOfType } from './scopes.ts';

/*
 * What types alone cannot tell of the inputs of an operation is looked at in one place, before anything runs: ids are such as
 * the graph gives and of the right kind of thing, and of inputs that are one of several exactly one is given. Whoever is
 * refused is told the path of the input. Executors differ in how much of this they check, and in what they say of it.
 */

/** An argument in a document that has something to check. */
export interface CheckedInput {
  argument: GraphQLArgument;
  value: ValueNode;
}

type Declared = Pick<GraphQLArgument | GraphQLInputField, 'name' | 'extensions'> & { type: GraphQLInputType };

export function checkedInputsOf(schema: GraphQLSchema, document: DocumentNode): CheckedInput[] {
  const found: CheckedInput[] = [];
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Argument({ value }) {
        const argument = info.getArgument();
        if (argument && hasChecks(argument, argument.type, new Set())) found.push({ argument, value });
      },
    }),
  );
  return found;
}

/** Null: nothing is wrong with them. */
export function refuseInputs(
  inputs: readonly CheckedInput[],
  variables: Readonly<Record<string, unknown>>,
): GraphQLError | null {
  for (const { argument, value } of inputs) {
    const given =
      value.kind === Kind.VARIABLE ? variables[value.name.value] : valueFromASTUntyped(value, variables);
    const refusal = refuse(given, argument, argument.type, [argument.name]);
    if (refusal !== null) return refusal;
  }
  return null;
}

function hasChecks(declared: Declared, type: GraphQLInputType, seen: Set<string>): boolean {
  const bare = getNullableType(type);
  if (isListType(bare)) return hasChecks(declared, bare.ofType, seen);
  if (!isInputObjectType(bare)) return isId(declared);
  if (seen.has(bare.name)) return false;
  seen.add(bare.name);
  return bare.isOneOf || Object.values(bare.getFields()).some((field) => hasChecks(field, field.type, seen));
}

/** Values of another shape than the type's are left to the executor, which names them too. */
function refuse(
  value: unknown,
  declared: Declared,
  type: GraphQLInputType,
  path: readonly string[],
): GraphQLError | null {
  if (value === null || value === undefined) return null;
  const bare = getNullableType(type);
  if (isListType(bare)) {
    if (!Array.isArray(value)) return refuse(value, declared, bare.ofType, path);
    return first(value, (one, index) => refuse(one, declared, bare.ofType, [...path, String(index)]));
  }
  if (!isInputObjectType(bare)) return isId(declared) ? refuseId(value, declared, path) : null;
  if (typeof value !== 'object') return null;
  const given = value as Readonly<Record<string, unknown>>;
  const fields = Object.values(bare.getFields());
  const named = fields.filter(({ name }) => given[name] !== undefined);
  if (bare.isOneOf && (named.length !== 1 || given[named[0]?.name ?? ''] === null)) {
    const names = fields.map(({ name }) => name).join(', ');
    return badInput(`${path.join('.')}: give exactly one of ${names}.`, path);
  }
  return first(named, (field) => refuse(given[field.name], field, field.type, [...path, field.name]));
}

function refuseId(value: unknown, declared: Declared, path: readonly string[]): GraphQLError | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const wanted = typesOf(declared);
  const decoded = readGlobalId(String(value));
  const known = Object.hasOwn(scopeOfType, decoded?.typename ?? '');
  if (decoded !== null && (wanted === null ? known : wanted.includes(decoded.typename))) return null;
  const told = `"${String(value).slice(0, 60)}"`;
  const wish = wanted === null ? 'one' : `the id of ${wanted.map(withArticle).join(' or ')}`;
  const what =
    decoded === null || !known
      ? 'is not an id of this graph'
      : `is the id of ${withArticle(decoded.typename)}`;
  return badInput(`${path.join('.')}: ${told} ${what}. Pass ${wish} that a query has given.`, path);
}

function isId({ extensions }: Declared): boolean {
  return extensions.isRelayGlobalID === true;
}

/** Names of the types whose ids are taken; null: of any. */
function typesOf({ extensions }: Declared): string[] | null {
  const types = extensions.relayGlobalIDFor as { typename: string }[] | null | undefined;
  return types?.map(({ typename }) => typename) ?? null;
}

function withArticle(name: string): string {
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

function first<T>(
  values: readonly T[],
  look: (value: T, index: number) => GraphQLError | null,
): GraphQLError | null {
  for (const [index, value] of values.entries()) {
    const refusal = look(value, index);
    if (refusal !== null) return refusal;
  }
  return null;
}
