import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';

interface Scope {
  schema: GraphQLSchema;
  fragments: Map<string, FragmentDefinitionNode>;
  variables: Record<string, unknown>;
}

/**
 * Cost points of an operation: 10 for a mutation, 1 for an object, 0 for a scalar, and a connection by how many it may
 * hold. With `data`, what was answered counts instead of what was asked: nulls are free and lists have their length.
 * The platform does not publish how it sizes lists; ours grows with the logarithm, which comes near what is observed.
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown>,
  data?: unknown,
): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const root = schema.getRootType(operation.operation);
  if (!root) return 0;
  const scope: Scope = { schema, fragments, variables };
  const fields = selectionCost(scope, root, operation.selectionSet, data, 1);
  if (operation.operation !== 'mutation') return fields;
  return 10 * operation.selectionSet.selections.length + fields;
}

/** 1 → 1, 10 → 5, 50 → 8, 250 → 11. */
function sizing(count: number): number {
  return count <= 0 ? 0 : Math.max(1, Math.round(2 * Math.log(count)));
}

function selectionCost(
  scope: Scope,
  type: GraphQLCompositeType,
  selections: SelectionSetNode,
  data: unknown,
  itemCount: number,
): number {
  if (data === null) return 0;
  const asked = data === undefined;
  const record = asked ? undefined : (data as Record<string, unknown>);
  let cost = 0;
  for (const selection of selections.selections) {
    if (selection.kind !== Kind.FIELD) {
      const condition =
        selection.kind === Kind.FRAGMENT_SPREAD ? scope.fragments.get(selection.name.value) : selection;
      const set = condition?.selectionSet;
      if (condition === undefined || set === undefined) continue;
      const name = condition.typeCondition?.name.value;
      const narrowed = name === undefined ? type : scope.schema.getType(name);
      if (isCompositeType(narrowed)) cost += selectionCost(scope, narrowed, set, data, itemCount);
      continue;
    }
    const name = selection.name.value;
    if (name.startsWith('__')) continue;
    const field = isObjectType(type) || isAbstractType(type) ? fieldOf(type, name) : undefined;
    if (field === undefined || selection.selectionSet === undefined) continue;
    const value = asked ? undefined : record?.[selection.alias?.value ?? name];
    const named = getNamedType(field.type);
    if (!isCompositeType(named)) continue;
    const args = new Map(selection.arguments?.map((one) => [one.name.value, one.value]));
    const sizeNode = args.get('first') ?? args.get('last');
    const asking = sizeNode === undefined ? 1 : Number(valueFromASTUntyped(sizeNode, scope.variables) ?? 1);
    if (named.name.endsWith('Connection')) {
      cost += connectionCost(scope, named, selection.selectionSet, value, asking);
    } else if (isList(field.type)) {
      cost += listCost(scope, named, selection.selectionSet, value, asking);
    } else if (value !== null) {
      cost += 1 + selectionCost(scope, named, selection.selectionSet, value, 1);
    }
  }
  return cost;
}

/** A page costs 2 and its sized items; the wrapping objects of edges and page info are free. */
function connectionCost(
  scope: Scope,
  type: GraphQLCompositeType,
  set: SelectionSetNode,
  value: unknown,
  asking: number,
): number {
  if (value === null) return 0;
  let cost = 2;
  for (const selection of set.selections) {
    if (selection.kind !== Kind.FIELD || selection.selectionSet === undefined) continue;
    const name = selection.name.value;
    const found =
      value === undefined ? undefined : (value as Record<string, unknown>)[selection.alias?.value ?? name];
    const field = fieldOf(type, name);
    const item = field === undefined ? undefined : getNamedType(field.type);
    if (!isCompositeType(item)) continue;
    if (name === 'nodes') cost += listCost(scope, item, selection.selectionSet, found, asking);
    if (name === 'edges') {
      const node = selection.selectionSet.selections.find(
        (one) => one.kind === Kind.FIELD && one.name.value === 'node',
      );
      const nodeType = fieldOf(item, 'node');
      if (node?.kind !== Kind.FIELD || node.selectionSet === undefined || nodeType === undefined) continue;
      const named = getNamedType(nodeType.type);
      const key = node.alias?.value ?? 'node';
      const nodes = Array.isArray(found)
        ? found.map((edge) => (edge as Record<string, unknown> | null)?.[key] ?? null)
        : undefined;
      if (isCompositeType(named)) cost += listCost(scope, named, node.selectionSet, nodes, asking);
    }
  }
  return cost;
}

function listCost(
  scope: Scope,
  type: GraphQLCompositeType,
  set: SelectionSetNode,
  value: unknown,
  asking: number,
): number {
  if (value === null) return 0;
  if (!Array.isArray(value))
    return Math.ceil(sizing(asking) * (1 + selectionCost(scope, type, set, undefined, asking)));
  if (value.length === 0) return 0;
  const all = value.reduce(
    (sum: number, one) => sum + (one === null ? 0 : 1 + selectionCost(scope, type, set, one, 1)),
    0,
  );
  return Math.ceil((sizing(value.length) * all) / value.length);
}

function fieldOf(type: GraphQLCompositeType, name: string): { type: GraphQLOutputType } | undefined {
  return 'getFields' in type ? type.getFields()[name] : undefined;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}
