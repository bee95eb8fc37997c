import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  isAbstractType,
  isObjectType,
} from 'graphql';
import { type Args, apiTime, type Fields, type GraphqlContext } from './context.ts';
import { type AdjustmentGroup, mutationNames, runMutation } from './mutations.ts';
import * as orders from './order-fields.ts';
import * as payments from './payment-fields.ts';
import { queryFields } from './queries.ts';
import { withScope } from './scopes.ts';
import * as shop from './shop-fields.ts';

export const schemaText: string = readFileSync(new URL('./schema.graphql', import.meta.url), 'utf8');

/** The subset of the Admin API, with what resolves it. */
export function buildAdminSchema(): GraphQLSchema {
  // The text is checked against the official schema by a test, so that every start need not validate it again.
  const schema = buildSchema(schemaText, { assumeValid: true });
  for (const [name, fields] of Object.entries(typeFields)) attach(schema, name, fields);
  const directive = schema.getDirective('idempotent');
  if (!directive) throw new Error('the schema has no @idempotent');
  const mutation = schema.getMutationType()?.getFields() ?? {};
  for (const name of mutationNames) {
    const field = mutation[name];
    if (field === undefined) throw new Error(`the schema has no mutation ${name}`);
    field.resolve = withScope(name, (_source, args: Args, context, info) =>
      runMutation(name, directive, args, context, info),
    );
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isAbstractType(type)) continue;
    type.resolveType = (source: { typename?: string; __typename?: string; application?: { type: string } }) =>
      source.typename ?? source.__typename ?? applicationTypes[source.application?.type ?? ''];
  }
  return schema;
}

const applicationTypes: Readonly<Record<string, string>> = {
  discount_code: 'DiscountCodeApplication',
  automatic: 'AutomaticDiscountApplication',
  manual: 'ManualDiscountApplication',
};

const adjustmentGroupFields: Fields<AdjustmentGroup> = {
  createdAt: (group) => apiTime(group.createdAtMs),
  app: () => ({ id: 'gid://shopify/App/1', title: 'Tributary', handle: 'tributary', apiKey: 'sandbox' }),
  changes: (group, args) => {
    const wanted = (name: string): string[] | null => (args[name] as string[] | undefined) ?? null;
    const items = wanted('inventoryItemIds');
    const locations = wanted('locationIds');
    const names = wanted('quantityNames');
    return group.changes.filter(
      (one) =>
        (items === null || items.some((id) => id.endsWith(`/${one.itemId}`))) &&
        (locations === null || locations.some((id) => id.endsWith(`/${one.locationId}`))) &&
        (names === null || names.includes(one.name)),
    );
  },
};

const inventoryChangeFields: Fields<AdjustmentGroup['changes'][number]> = {
  item: (change, _args, context) => context.shop.items.get(change.itemId),
  location: (change, _args, context) => context.shop.locations.get(change.locationId),
};

// biome-ignore lint/suspicious/noExplicitAny: each entry checks its own source type where it is written
const typeFields: Readonly<Record<string, Fields<any>>> = {
  QueryRoot: queryFields,
  Shop: { ...shop.shopFields, ...shop.metafieldOwnerFields },
  ShopAddress: shop.shopAddressFields,
  Order: { ...orders.orderFields, ...shop.metafieldOwnerFields },
  LineItem: orders.lineItemFields,
  ShippingLine: orders.shippingLineFields,
  TaxLine: orders.taxLineFields,
  DiscountAllocation: orders.discountAllocationFields,
  DiscountCodeApplication: orders.discountApplicationFields,
  AutomaticDiscountApplication: orders.discountApplicationFields,
  ManualDiscountApplication: orders.discountApplicationFields,
  OrderTransaction: orders.transactionFields,
  Refund: orders.refundFields,
  Duty: orders.dutyFields,
  Return: orders.returnFields,
  ReverseFulfillmentOrder: orders.reverseFields,
  ReverseFulfillmentOrderLineItem: orders.reverseLineFields,
  ReverseFulfillmentOrderDisposition: orders.dispositionFields,
  ShopifyPaymentsAccount: payments.paymentsAccountFields,
  ShopifyPaymentsPayout: payments.payoutFields,
  ShopifyPaymentsBalanceTransaction: payments.balanceTransactionFields,
  RefundLineItem: orders.refundLineFields,
  RefundShippingLine: orders.refundShippingFields,
  OrderAdjustment: orders.adjustmentFields,
  Fulfillment: orders.fulfillmentFields,
  FulfillmentLineItem: orders.fulfillmentLineFields,
  FulfillmentOrder: orders.fulfillmentOrderFields,
  FulfillmentOrderLineItem: orders.fulfillmentOrderLineFields,
  Customer: { ...shop.customerFields, ...shop.metafieldOwnerFields },
  MailingAddress: shop.addressFields,
  Product: { ...shop.productFields, ...shop.metafieldOwnerFields },
  ProductVariant: { ...shop.variantFields, ...shop.metafieldOwnerFields },
  InventoryItem: shop.itemFields,
  InventoryLevel: shop.levelFields,
  Location: { ...shop.locationFields, ...shop.metafieldOwnerFields },
  Metafield: shop.metafieldFields,
  WebhookSubscription: shop.subscriptionFields,
  InventoryAdjustmentGroup: adjustmentGroupFields,
  InventoryChange: inventoryChangeFields,
};

function attach(schema: GraphQLSchema, name: string, fields: Fields<unknown>): void {
  const type = schema.getType(name);
  if (!isObjectType(type)) throw new Error(`the schema has no type ${name}`);
  for (const [field, resolve] of Object.entries(fields)) {
    const known = type.getFields()[field];
    // Discount applications share their resolvers, though not every kind has every field.
    if (known === undefined && !name.endsWith('DiscountApplication') && !name.startsWith('DiscountCode'))
      throw new Error(`the schema has no field ${name}.${field}`);
    if (known !== undefined)
      known.resolve = withScope(
        name === 'QueryRoot' ? field : '',
        resolve as unknown as GraphQLFieldResolver<unknown, GraphqlContext>,
      );
  }
}
