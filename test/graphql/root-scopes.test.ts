import { getNamedType, isCompositeType, isNonNullType } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Scope, scopes } from '../../src/schema/scopes.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { startTestApi, type TestApi } from '../support/graphql-server.ts';
import { usual } from './usual-inputs.ts';

/** Who is let in beside admin; null: nobody. */
const table: Readonly<Record<string, Scope | null>> = {
  'Query.connections': 'read:sync',
  'Query.customFieldPreview': null,
  'Query.customFieldProblems': 'read:sync',
  'Query.customFields': 'read:sync',
  'Query.customer': 'read:customers',
  'Query.customerByEmail': 'read:customers',
  'Query.customerExport': null,
  'Query.customers': 'read:customers',
  'Query.deliveries': 'read:sync',
  'Query.events': 'read:sync',
  'Query.fulfilmentRules': 'read:orders',
  'Query.locations': 'read:stock',
  'Query.mergeCandidates': 'read:customers',
  'Query.node': 'read:orders',
  'Query.nodes': 'read:orders',
  'Query.order': 'read:orders',
  'Query.orderByNumber': 'read:orders',
  'Query.orderNoteUsage': 'read:sync',
  'Query.orders': 'read:orders',
  'Query.oversellReport': 'read:stock',
  'Query.payouts': 'read:orders',
  'Query.postingPreview': 'read:orders',
  'Query.privacyRequests': null,
  'Query.products': 'read:stock',
  'Query.pushes': 'read:sync',
  'Query.refunds': 'read:orders',
  'Query.reservations': 'read:stock',
  'Query.stockLevels': 'read:stock',
  'Query.stockMovements': 'read:stock',
  'Query.stockRules': 'read:stock',
  'Query.syncStatus': 'read:sync',
  'Query.tieOut': 'read:orders',
  'Mutation.bundleSet': 'write:stock',
  'Mutation.connectionDisconnect': null,
  'Mutation.connectionFieldAuthoritySet': null,
  'Mutation.connectionPause': null,
  'Mutation.connectionResume': null,
  'Mutation.connectionSweep': null,
  'Mutation.connectionUpdate': null,
  'Mutation.connectionWriteUnlock': null,
  'Mutation.customFieldMappingDelete': null,
  'Mutation.customFieldMappingUpsert': null,
  'Mutation.customerErase': null,
  'Mutation.customerMerge': 'write:customers',
  'Mutation.customerUnmerge': 'write:customers',
  'Mutation.customerUpdate': 'write:customers',
  'Mutation.deliveryDismiss': null,
  'Mutation.deliveryReplay': null,
  'Mutation.fulfilmentRuleApprove': 'write:orders',
  'Mutation.fulfilmentRuleReject': 'write:orders',
  'Mutation.mergeReject': 'write:customers',
  'Mutation.mergeReopen': 'write:customers',
  'Mutation.orderUpdate': 'write:orders',
  'Mutation.postingPolicyUpdate': null,
  'Mutation.postingRepost': null,
  'Mutation.postingVoid': null,
  'Mutation.privacyRequestComplete': null,
  'Mutation.pushDismiss': null,
  'Mutation.pushRetry': null,
  'Mutation.refundCreate': 'write:orders',
  'Mutation.reservationCreate': 'write:stock',
  'Mutation.reservationRelease': 'write:stock',
  'Mutation.stockAdjust': 'write:stock',
  'Mutation.stockRuleSet': 'write:stock',
  'Mutation.stockSet': 'write:stock',
  'Mutation.stockTransfer': 'write:stock',
  'Subscription.customerChanged': 'read:customers',
  'Subscription.eventAppended': 'read:sync',
  'Subscription.orderChanged': 'read:orders',
  'Subscription.refundCreated': 'read:orders',
  'Subscription.stockLevelChanged': 'read:stock',
  'Subscription.syncStatusChanged': 'read:sync',
};

let api: TestApi;
const callers = [...scopes, 'nothing'];

beforeAll(async () => {
  api = await startTestApi({
    platforms,
    apiKeys: [
      ...callers.map((scope) => ({
        name: scope,
        key: keyOf(scope),
        scopes: scope === 'nothing' ? [] : [scope],
      })),
    ],
  });
});
afterAll(() => api[Symbol.asyncDispose]());

function keyOf(scope: string): string {
  return `key-of-${scope.replace(':', '-')}-0123456789abcdef`;
}

test('each query, mutation and subscription lets in the holders of its scope and of admin, and nobody else', async () => {
  const found: Record<string, string[]> = {};
  const { schema } = api.graphql;
  for (const [kind, type] of [
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
    ['subscription', schema.getSubscriptionType()],
  ] as const)
    for (const field of Object.values(type?.getFields() ?? {})) {
      const args = field.args.filter(({ type: of }) => isNonNullType(of));
      const selection = isCompositeType(getNamedType(field.type)) ? '{ __typename }' : '';
      const document = `${kind} Ask${args.length === 0 ? '' : `(${args.map(({ name, type: of }) => `$${name}: ${of}`).join(', ')})`} {
          it: ${field.name}${args.length === 0 ? '' : `(${args.map(({ name }) => `${name}: $${name}`).join(', ')})`} ${selection} }`;
      const variables = Object.fromEntries(args.map((one) => [one.name, usual(one, one.type)]));
      const name = `${type?.name}.${field.name}`;
      found[name] = [];
      for (const scope of callers)
        if (await isLetIn(kind, document, variables, keyOf(scope))) found[name]?.push(scope);
    }
  expect(found).toEqual(
    Object.fromEntries(
      Object.entries(table).map(([name, scope]) => [
        name,
        scopes.filter((one) => one === 'admin' || one === scope),
      ]),
    ),
  );
});

async function isLetIn(
  kind: 'query' | 'mutation' | 'subscription',
  query: string,
  variables: Record<string, unknown>,
  key: string,
): Promise<boolean> {
  if (kind !== 'subscription') {
    const { errors } = await api.ask(query, variables, { key });
    return !(errors ?? []).some(({ extensions }) => extensions?.code === 'FORBIDDEN');
  }
  const client = api.subscriber({ key });
  const refused = new Promise<boolean>((resolve) => {
    client.subscribe(
      { query, variables },
      {
        next: ({ errors }) => resolve(JSON.stringify(errors ?? []).includes('FORBIDDEN')),
        error: (error) => resolve(JSON.stringify(error).includes('FORBIDDEN')),
        complete: () => undefined,
      },
    );
  });
  const joined = (async () => {
    while (api.graphql.audience().subscribers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return false;
  })();
  const isRefused = await Promise.race([refused, joined]);
  await client.dispose();
  while (api.graphql.audience().subscribers > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  return !isRefused;
}
