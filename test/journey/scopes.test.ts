import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Scope, scopes } from '../../src/schema/scopes.ts';
import { createGraphQL, type GraphQLServer } from '../../src/schema/server.ts';
import { type Answer, startStack } from '../support/stack.ts';

// What a key may see, found out by asking for every field that can be reached from the root, one at a time.

const person = { email: 'zuzu.canary@example.com', name: 'Zuzucanary', phone: '+16025550133' };
const note = 'Leave it with the notecanary';

const stack = new AsyncDisposableStack();
let graphql: GraphQLServer;
let url: string;
let known: Record<string, string>;
let everything: Map<string, string>;

beforeAll(async () => {
  const shop = stack.use(await startStack());
  const sold = await fetch(`${shop.shopify.url}/_control/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      channel: 'online',
      customer: { email: person.email, firstName: person.name, lastName: 'Bird', phone: person.phone },
      note,
      lines: [{ sku: 'MUG', quantity: 2 }],
    }),
  });
  expect(sold.status).toBe(201);
  await shop.settled();
  graphql = createGraphQL({
    ...(await shop.app.context.graphqlServices()),
    apiKeys: scopes.map((scope) => ({ name: scope.replace(':', '-'), key: keyOf(scope), scopes: [scope] })),
    limits: { requestsPerSecond: 1e6, burst: 1e6, depth: 60, complexity: 1e12 },
  });
  const server = createServer((request, response) => void graphql.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stack.defer(() => server.closeAllConnections());
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  known = await argumentsOfRoots();
  everything = await visibleTo('admin');
}, 120_000);
afterAll(() => stack.disposeAsync());

describe('every field that one scope reaches', () => {
  const seen: Record<string, { fields: number; texts: string }> = {};
  test.each(scopes)('%s: nothing fails, and nothing is shown that another scope guards', async (scope) => {
    const visible = scope === 'admin' ? everything : await visibleTo(scope);
    const texts = [...visible.values()].join('\n');
    seen[scope] = { fields: visible.size, texts };
    const showsPerson = scope === 'admin' || scope === 'read:customers';
    const showsOrders = scope === 'admin' || scope === 'read:orders';
    // An order carries the address that it was placed with; it says nothing else of who placed it.
    expect(texts.includes(person.email)).toBe(showsPerson || showsOrders);
    expect(texts.includes(person.name)).toBe(showsPerson);
    expect(texts.includes(person.phone)).toBe(showsPerson);
    expect(texts.includes(note)).toBe(showsOrders);
    for (const sealed of ['shpat_sandbox', 'shpss_sandbox_secret', 'RT1-sandbox', 'pat-sandbox'])
      expect(texts).not.toContain(sealed);
  });

  test('the walk is thorough, a scope to write alone reads nothing, and each scope sees less than all', () => {
    expect(seen.admin?.fields).toBeGreaterThan(300);
    for (const scope of scopes) {
      if (scope.startsWith('write:')) expect(seen[scope]?.fields, scope).toBe(0);
      if (scope.startsWith('read:')) expect(seen[scope]?.fields, scope).toBeGreaterThan(30);
      if (scope !== 'admin') expect(seen[scope]?.fields, scope).toBeLessThan((seen.admin?.fields ?? 0) * 0.7);
    }
  });
});

function keyOf(scope: Scope): string {
  return `key-of-${scope.replace(':', '-')}-0123456789abcdef`;
}

async function ask(scope: Scope, query: string): Promise<{ data: Answer; codes: string[] }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${keyOf(scope)}` },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as { data?: Answer; errors?: Answer[] };
  return { data: data ?? null, codes: (errors ?? []).map((error) => error.extensions?.code) };
}

/** Arguments for the roots that need some, so that they find what the shop has. */
async function argumentsOfRoots(): Promise<Record<string, string>> {
  const { data } = await ask(
    'admin',
    `{ orders(first: 3) { nodes { id number lines { id } } } customers(first: 3) { nodes { id identities { id } } }
       products(first: 2) { nodes { id variants { id } } } stockLevels(first: 2) { nodes { id } }
       stockMovements(first: 2) { nodes { id } } deliveries(first: 5) { nodes { id } } pushes(first: 5) { nodes { id } }
       events(last: 9) { nodes { id } } connections { id } locations { id } }`,
  );
  const ids = [...JSON.stringify(data).matchAll(/"id":("[^"]+")/g)].map((match) => match[1]);
  const order = JSON.stringify(data.orders.nodes[0].id);
  const customer = JSON.stringify(data.customers.nodes[0].id);
  return {
    'Query.customer': `id: ${customer}`,
    'Query.customerByEmail': `email: "${person.email}"`,
    'Query.customerExport': `customerId: ${customer}`,
    'Query.events': 'last: 50',
    'Query.node': `id: ${order}`,
    'Query.nodes': `ids: [${ids.slice(0, 100).join(', ')}]`,
    'Query.order': `id: ${order}`,
    'Query.orderByNumber': `number: "${data.orders.nodes[0].number}"`,
    'Query.oversellReport': 'period: { from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z" }',
    'Query.postingPreview': `orderId: ${order}`,
  };
}

interface Place {
  type: GraphQLObjectType;
  /** The operation around a selection at this place. */
  within: (selection: string) => string;
  /** What stands at this place in an answer. */
  of: (data: Answer) => Answer[];
}

/**
 * What the holder of one scope reads, by `Type.field`. Authorisation is by type and field and not by path: each type is
 * opened once, by the first way that leads to a row of it.
 */
async function visibleTo(scope: Scope): Promise<Map<string, string>> {
  const visible = new Map<string, string>();
  const opened = new Set<string>();
  const query = graphql.schema.getQueryType() as GraphQLObjectType;
  const places: Place[] = [{ type: query, within: (selection) => `{ ${selection} }`, of: (data) => [data] }];
  for (let place = places.shift(); place !== undefined; place = places.shift()) {
    if (opened.has(place.type.name)) continue;
    opened.add(place.type.name);
    for (const field of Object.values(place.type.getFields())) {
      const call = callOf(place.type, field);
      if (call === null) continue;
      for (const target of targetsOf(getNamedType(field.type))) {
        const next = placeBehind(place, field.name, call, target);
        const { data, codes } = await ask(scope, next.within(''));
        expect(
          codes.filter((code) => code !== 'FORBIDDEN'),
          `${scope}: ${next.within('')}`,
        ).toEqual([]);
        const found = data === null ? [] : next.of(data);
        if (found.length === 0) continue;
        visible.set(`${place.type.name}.${field.name} ${target?.name ?? ''}`, JSON.stringify(found));
        if (target !== null) places.push(next);
      }
    }
  }
  return visible;
}

/** The field with arguments; null where nobody has said what to pass. */
function callOf(type: GraphQLObjectType, field: GraphQLField<unknown, unknown>): string | null {
  const given = known?.[`${type.name}.${field.name}`];
  if (given !== undefined) return `${field.name}(${given})`;
  if (field.args.some(isRequiredArgument)) return null;
  return field.args.some(({ name }) => name === 'first') ? `${field.name}(first: 50)` : field.name;
}

function targetsOf(type: GraphQLNamedType): (GraphQLObjectType | null)[] {
  if (isLeafType(type)) return [null];
  if (isObjectType(type)) return [type];
  return isAbstractType(type) ? [...graphql.schema.getPossibleTypes(type)] : [];
}

function placeBehind(place: Place, name: string, call: string, target: GraphQLObjectType | null): Place {
  return {
    type: target as GraphQLObjectType,
    within: (selection) =>
      place.within(
        target === null ? call : `${call} { __typename ... on ${target.name} { __typename ${selection} } }`,
      ),
    of: (data) =>
      place
        .of(data)
        .flatMap((parent) => parent?.[name] ?? [])
        .filter((value) => target === null || value?.__typename === target.name),
  };
}
