import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  buildClientSchema,
  buildSchema,
  execute,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isSpecifiedScalarType,
  isUnionType,
  parse,
  validate,
  validateSchema,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import type { GraphqlContext } from '../../sandbox/shopify/graphql/context.ts';
import { buildAdminSchema, schemaText } from '../../sandbox/shopify/graphql/schema.ts';
import { allScopes } from '../../sandbox/shopify/graphql/scopes.ts';
import { graphqlOf, openShop } from './shopify-support.ts';

const officialPath = new URL(
  '../../node_modules/@shopify/dev-mcp/dist/data/admin_2026-07.json.gz',
  import.meta.url,
);

function officialSchema(): GraphQLSchema {
  const read = JSON.parse(gunzipSync(readFileSync(officialPath)).toString('utf8'));
  return buildClientSchema(read.data ?? read);
}

const ours = buildSchema(schemaText);

/** Everything in which a subset departs from the whole, so that a document valid here could be invalid there. */
function departures(subset: GraphQLSchema, whole: GraphQLSchema): string[] {
  const found: string[] = [];
  const inputs = (
    path: string,
    mine: readonly (GraphQLArgument | GraphQLInputField)[],
    theirs: readonly (GraphQLArgument | GraphQLInputField)[],
  ): void => {
    for (const one of mine) {
      const other = theirs.find((candidate) => candidate.name === one.name);
      if (other === undefined) found.push(`${path}.${one.name} does not exist`);
      else {
        if (String(other.type) !== String(one.type))
          found.push(`${path}.${one.name}: ${other.type}, not ${one.type}`);
        if (JSON.stringify(other.defaultValue) !== JSON.stringify(one.defaultValue))
          found.push(`${path}.${one.name} has another default`);
      }
    }
    for (const other of theirs) {
      const required =
        'deprecationReason' in other &&
        (isRequiredArgument(other as GraphQLArgument) || isRequiredInputField(other as GraphQLInputField));
      if (required && !mine.some((one) => one.name === other.name))
        found.push(`${path} lacks the required ${other.name}`);
    }
  };
  for (const type of Object.values(subset.getTypeMap())) {
    if (type.name.startsWith('__') || isSpecifiedScalarType(type)) continue;
    const other: GraphQLNamedType | undefined = whole.getType(type.name);
    if (other === undefined) {
      found.push(`type ${type.name} does not exist`);
      continue;
    }
    if (other.constructor.name !== type.constructor.name) found.push(`${type.name} is another kind of type`);
    if (isEnumType(type) && isEnumType(other))
      for (const value of type.getValues())
        if (!other.getValue(value.name)) found.push(`${type.name}.${value.name} does not exist`);
    if (isUnionType(type) && isUnionType(other))
      for (const member of type.getTypes())
        if (!other.getTypes().some((one) => one.name === member.name))
          found.push(`${member.name} is no ${type.name}`);
    if (isInputObjectType(type) && isInputObjectType(other)) {
      if (type.isOneOf !== other.isOneOf) found.push(`${type.name} differs in @oneOf`);
      inputs(type.name, Object.values(type.getFields()), Object.values(other.getFields()));
    }
    if ((isObjectType(type) || isInterfaceType(type)) && (isObjectType(other) || isInterfaceType(other))) {
      for (const implemented of type.getInterfaces())
        if (!other.getInterfaces().some((one) => one.name === implemented.name))
          found.push(`${type.name} does not implement ${implemented.name}`);
      for (const field of Object.values(type.getFields())) {
        const theirs = other.getFields()[field.name];
        if (theirs === undefined) found.push(`${type.name}.${field.name} does not exist`);
        else {
          if (String(theirs.type) !== String(field.type))
            found.push(`${type.name}.${field.name}: ${theirs.type}, not ${field.type}`);
          inputs(`${type.name}.${field.name}`, field.args, theirs.args);
        }
      }
    }
  }
  for (const directive of subset.getDirectives()) {
    const other = whole.getDirective(directive.name);
    if (!other) found.push(`@${directive.name} does not exist`);
    else if (directive.name === 'idempotent') inputs('@idempotent', directive.args, other.args);
  }
  return found;
}

describe('the subset of the Admin API', () => {
  test('is a valid schema', () => {
    expect(validateSchema(ours)).toEqual([]);
  });

  test('says nothing that the official 2026-07 schema does not say', () => {
    expect(existsSync(officialPath)).toBe(true);
    expect(departures(ours, officialSchema())).toEqual([]);
  });

  test('would be caught with a field, a type, an argument, a default or an enum value of its own', () => {
    const whole = buildSchema(
      'type Query { a(first: Int = 1, need: ID!): String!  color: Color } enum Color { RED }',
    );
    const subset = buildSchema(
      'type Query { a(first: Int = 2, last: Int): String  color: Color  b: Int } enum Color { RED BLUE } scalar Mine',
    );
    expect(departures(subset, whole).sort()).toEqual([
      'Color.BLUE does not exist',
      'Query.a lacks the required need',
      'Query.a.first has another default',
      'Query.a.last does not exist',
      'Query.a: String!, not String',
      'Query.b does not exist',
      'type Mine does not exist',
    ]);
  });

  test('answers every field of every type, and each such document is valid officially', async () => {
    await using sandbox = await openShop({ limits: false });
    const order = sandbox.placeOrder({
      channel: 'online',
      customer: {
        email: 'ada@example.com',
        firstName: 'Ada',
        lastName: 'Byron',
        phone: '+16025550111',
        addresses: [{ address1: '1 Elm St', city: 'Phoenix', countryCode: 'US', country: 'United States' }],
      },
      lines: [
        { sku: 'MUG', quantity: 3, discount: { percent: '10' } },
        { sku: 'LAMP', quantity: 1, duty: '3.00' },
      ],
      discountCode: { code: 'FIVE', amount: '5.00' },
      automaticDiscount: { percent: '50', target: 'shipping' },
      shipping: '8.00',
      taxRates: [
        { title: 'State', rate: '0.056' },
        { title: 'City', rate: '0.023' },
      ],
      taxShipping: true,
      tip: '2.00',
      giftCard: '10.00',
      currency: 'EUR',
      note: 'hello',
      attributes: { gift: 'yes' },
    });
    const mug = order.lines[0]?.id ?? '';
    sandbox.fulfilOrder(order.id, {
      lines: [{ lineId: mug, quantity: 2 }],
      trackingCompany: 'UPS',
      trackingNumber: '1Z1',
      trackingUrl: 'https://ups.example/1Z1',
    });
    sandbox.refundOrder(order.id, { lines: [{ lineId: mug, quantity: 1 }], shipping: true, amount: '40.00' });
    sandbox.exchangeOrder(order.id, { lines: [{ lineId: mug, quantity: 1 }], exchange: [{ sku: 'MUG' }] });
    sandbox.refundOrder(order.id, { lines: [{ sku: 'LAMP', quantity: 1 }], duties: true, amount: '10.00' });
    sandbox.bookBalance({ type: 'ADJUSTMENT', amount: '-1.00', reason: 'Correction', order: order.id });
    sandbox.issuePayout();
    const graphql = graphqlOf(sandbox);
    const owner = await graphql(
      `mutation ($id: ID!) { metafieldsSet(metafields: [{ ownerId: $id, namespace: "n", key: "key", type: "json", value: "{}" }]) { userErrors { message } } }`,
      { id: order.gid },
    );
    expect(owner.data.metafieldsSet.userErrors).toEqual([]);
    await graphql(
      `mutation { webhookSubscriptionCreate(topic: ORDERS_CREATE, webhookSubscription: { uri: "http://127.0.0.1:1/none" }) { userErrors { message } } }`,
    );
    const state = sandbox.state();
    const variant = sandbox.shop.variantBySku.get('MUG');
    const ids: Record<string, string> = {
      order: order.gid,
      customer: `gid://shopify/Customer/${order.customerId}`,
      product: `gid://shopify/Product/${variant?.productId}`,
      productVariant: `gid://shopify/ProductVariant/${variant?.id}`,
      inventoryItem: `gid://shopify/InventoryItem/${variant?.inventoryItemId}`,
      inventoryLevel: `gid://shopify/InventoryLevel/${state.locations[0]?.id}?inventory_item_id=${variant?.inventoryItemId}`,
      location: `gid://shopify/Location/${state.locations[0]?.id}`,
      node: order.gid,
      return: `gid://shopify/Return/${state.orders[0]?.returns[0]?.id}`,
      reverseFulfillmentOrder: `gid://shopify/ReverseFulfillmentOrder/${state.orders[0]?.returns[0]?.reverseId}`,
      refund: `gid://shopify/Refund/${state.orders[0]?.refunds[0]?.id}`,
      webhookSubscription: `gid://shopify/WebhookSubscription/${state.subscriptions[0]?.id}`,
      fulfillment: `gid://shopify/Fulfillment/${state.orders[0]?.fulfillments[0]?.id}`,
      fulfillmentOrder: `gid://shopify/FulfillmentOrder/${state.orders[0]?.fulfillmentOrders[0]?.id}`,
    };
    const official = officialSchema();
    const schema = buildAdminSchema();
    const contextValue: GraphqlContext = {
      shop: sandbox.shop,
      apiVersion: '2026-07',
      protectedDataApproved: true,
      scopes: new Set(allScopes),
      idempotency: new Map(),
    };
    const asked = new Set<string>();
    for (const field of Object.values(ours.getQueryType()?.getFields() ?? {})) {
      const args = argumentsFor(field.args, ids[field.name]);
      // Some parts of an order show only deep down; the cost limit is not what this test is about.
      const document = parse(`{ ${field.name}${args}${selection(field.type, 5, asked)} }`);
      expect(validate(official, document), field.name).toEqual([]);
      const answer = await execute({ schema, document, contextValue });
      expect(answer.errors, field.name).toBeUndefined();
      expect(answer.data?.[field.name], field.name).not.toBeNull();
    }
    expect(fieldsOf(schema).filter((name) => !asked.has(name))).toEqual([]);
  });
});

/** Type.field of everything that a query can reach; what only mutations answer is tested with them. */
function fieldsOf(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type))
    .filter((type) => !type.name.startsWith('__') && !['QueryRoot', 'Mutation'].includes(type.name))
    .filter(
      (type) =>
        !/(Payload|UserError|^UserError)$|^(Job|InventoryAdjustmentGroup|InventoryChange|MetafieldIdentifier)$/.test(
          type.name,
        ),
    )
    .flatMap((type) => Object.keys(type.getFields()).map((field) => `${type.name}.${field}`));
}

function argumentsFor(args: readonly GraphQLArgument[], id: string | undefined): string {
  const given: string[] = [];
  for (const arg of args) {
    if (arg.name === 'first') given.push('first: 2');
    if (arg.name === 'id' && id !== undefined) given.push(`id: "${id}"`);
    if (arg.name === 'ids') given.push('ids: []');
    if (arg.name === 'identifier') given.push('identifier: { emailAddress: "ada@example.com" }');
    if (arg.name === 'names') given.push('names: ["available", "on_hand", "committed", "incoming"]');
    if (arg.name === 'includeClosed') given.push('includeClosed: true');
    if (arg.name === 'key') given.push('namespace: "n", key: "key"');
    if (arg.name === 'locationId') given.push('locationId: "gid://shopify/Location/70000000001"');
    if (arg.name === 'inventoryItemId')
      given.push('inventoryItemId: "gid://shopify/InventoryItem/9800000000000001"');
  }
  return given.length === 0 ? '' : `(${given.join(', ')})`;
}

/** Selects everything below a type, down to a depth. */
function selection(type: Parameters<typeof getNamedType>[0], depth: number, asked: Set<string>): string {
  const named = getNamedType(type);
  if (!named || !isCompositeType(named)) return '';
  if (isUnionType(named)) {
    const members = named.getTypes().map((one) => `... on ${one.name} ${selection(one, depth, asked)}`);
    return `{ __typename ${members.join(' ')} }`;
  }
  const fields: string[] = [];
  for (const field of Object.values(named.getFields())) {
    const inner = getNamedType(field.type);
    const composite = isCompositeType(inner);
    if (composite && depth <= 1) continue;
    asked.add(`${named.name}.${field.name}`);
    fields.push(
      `${field.name}${argumentsFor(field.args, undefined)}${composite ? selection(inner, depth - 1, asked) : ''}`,
    );
  }
  if (isAbstractType(named)) {
    fields.push('__typename');
    const members = ours.getPossibleTypes(named);
    if (members.length <= 3)
      fields.push(...members.map((one) => `... on ${one.name} ${selection(one, depth, asked)}`));
  }
  return `{ ${fields.length === 0 ? '__typename' : fields.join(' ')} }`;
}
