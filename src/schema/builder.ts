import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import DataloaderPlugin from '@pothos/plugin-dataloader';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { GraphQLResolveInfo } from 'graphql';
import type PrismaTypes from '../db/generated/pothos.ts';
import { getDatamodel } from '../db/generated/pothos.ts';
import { usualLimits } from '../loaders/page.ts';
import { badInput, forbidden } from './failures.ts';
import { decodeGlobalId, encodeGlobalId } from './global-id.ts';
import { may, type Scope } from './scopes.ts';
import type { OperationContext } from './services.ts';

export const builder = new SchemaBuilder<{
  Context: OperationContext;
  PrismaTypes: PrismaTypes;
  AuthScopes: { can: Scope };
  Scalars: {
    ID: { Input: string; Output: string | bigint };
    DateTime: { Input: string; Output: string | Date };
    Decimal: { Input: string; Output: string };
    JSON: { Input: unknown; Output: unknown };
  };
  Connection: { totalCount: () => number | Promise<number> };
  DefaultEdgesNullability: false;
  DefaultNodeNullability: false;
  DefaultFieldNullability: false;
}>({
  // Order matters: the first wraps the others.
  plugins: [ErrorsPlugin, ScopeAuthPlugin, ComplexityPlugin, RelayPlugin, DataloaderPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  scopeAuth: {
    authScopes: (context) => ({ can: (scope) => may(context.actor, scope) }),
    unauthorizedError: (_parent, _context, info: GraphQLResolveInfo) =>
      forbidden(`This key lacks a scope that ${info.parentType.name}.${info.fieldName} needs.`),
    authorizeOnSubscribe: true,
  },
  complexity: {
    defaultComplexity: 1,
    defaultListMultiplier: 5,
    // Checked before an operation runs, by the server: once per document and not once per root field.
  },
  errors: { directResult: true, defaultTypes: [] },
  prisma: {
    client: (context) => context.services.prisma as never,
    dmmf: getDatamodel(),
    exposeDescriptions: true,
    filterConnectionTotalCount: true,
    maxConnectionSize: usualLimits.maxSize,
    defaultConnectionSize: usualLimits.defaultSize,
  },
  relay: {
    cursorType: 'String',
    nodesOnConnection: { description: 'The nodes of this page, without their cursors.' },
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    encodeGlobalID: encodeGlobalId,
    decodeGlobalID: decodeGlobalId,
    nodeTypeOptions: { description: 'Anything with an id of its own, which `node(id:)` finds again.' },
    pageInfoTypeOptions: { description: 'Where a page stands in its list.' },
    hasNextPageFieldOptions: { description: 'Whether more follows after `endCursor`.' },
    hasPreviousPageFieldOptions: { description: 'Whether something stands before `startCursor`.' },
    startCursorFieldOptions: { description: 'Cursor of the first edge; null on an empty page.' },
    endCursorFieldOptions: { description: 'Cursor of the last edge: pass it as `after` for the next page.' },
    idFieldOptions: { description: 'Globally unique and stable; opaque.' },
    firstArgOptions: {
      description: 'How many from the start; 20 where neither `first` nor `last` is given.',
    },
    lastArgOptions: { description: 'How many from the end.' },
    afterArgOptions: { description: 'Start behind this cursor.' },
    beforeArgOptions: { description: 'End before this cursor.' },
    edgesFieldOptions: { description: 'The nodes of this page with their cursors.' },
    pageInfoFieldOptions: { description: 'Where this page stands in the list.' },
    cursorFieldOptions: { description: 'Names this place in the list.' },
    nodeFieldOptions: { description: 'The node at this place.' },
    defaultConnectionTypeOptions: { description: 'One page of a list.' },
    defaultEdgeTypeOptions: { description: 'A place in a list, and what stands there.' },
  },
});

builder.queryType({
  description: 'Reading the graph. Every list is paged, every fact tells where it comes from.',
});
builder.mutationType({
  description:
    'Changing the graph. Each takes the one write path that the platforms take too, plans what the platforms are owed, and answers with the object and `userErrors`.',
});
builder.subscriptionType({
  description:
    'What happens, as it is committed: in order, without gaps or repeats. Keep the `cursor` of the last payload and pass it as `after` to go on where the connection broke.',
});

/** Complexity of a paged field: a page costs as much as it may hold. */
export function pageComplexity(args: {
  first?: number | null | undefined;
  last?: number | null | undefined;
}): {
  field: number;
  multiplier: number;
} {
  const size = args.first ?? args.last ?? usualLimits.defaultSize;
  if (size < 0) throw badInput('first, last: a page holds no negative number of rows.');
  return { field: 1, multiplier: Math.max(1, size) };
}
