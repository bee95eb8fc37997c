import { GraphQLError, type GraphQLFieldResolver } from 'graphql';
import type { GraphqlContext } from './context.ts';

/** Scopes of an app that was granted all that it asked for. */
export const allScopes: readonly string[] = [
  'read_customers',
  'read_inventory',
  'read_locations',
  'read_orders',
  'read_all_orders',
  'read_products',
  'read_returns',
  'read_shopify_payments_accounts',
  'read_shopify_payments_payouts',
  'write_customers',
  'write_fulfillments',
  'write_inventory',
  'write_orders',
];

/** What fields at the root want; the rest is open to every app. */
const wanted: Readonly<Record<string, string>> = {
  order: 'read_orders',
  orders: 'read_orders',
  ordersCount: 'read_orders',
  customer: 'read_customers',
  customers: 'read_customers',
  customersCount: 'read_customers',
  customerByIdentifier: 'read_customers',
  product: 'read_products',
  products: 'read_products',
  productVariants: 'read_products',
  inventoryItem: 'read_inventory',
  inventoryItems: 'read_inventory',
  inventoryLevel: 'read_inventory',
  locations: 'read_locations',
  customerCreate: 'write_customers',
  customerUpdate: 'write_customers',
  orderCancel: 'write_orders',
  orderUpdate: 'write_orders',
  refundCreate: 'write_orders',
  inventoryAdjustQuantities: 'write_inventory',
  inventorySetQuantities: 'write_inventory',
};

/** Shopify's answer to an app without the scope: HTTP 200 with an error. Who may write may read. */
export function withScope(
  field: string,
  resolve: GraphQLFieldResolver<unknown, GraphqlContext>,
): GraphQLFieldResolver<unknown, GraphqlContext> {
  const scope = wanted[field];
  if (scope === undefined) return resolve;
  return (source, args, context, info) => {
    const { scopes } = context;
    if (!scopes.has(scope) && !scopes.has(scope.replace('read_', 'write_')))
      throw new GraphQLError(
        `Access denied for ${field} field. Required access: \`${scope}\` access scope.`,
        {
          extensions: {
            code: 'ACCESS_DENIED',
            documentation: 'https://shopify.dev/api/usage/access-scopes',
            requiredAccess: `\`${scope}\` access scope.`,
          },
        },
      );
    return resolve(source, args, context, info);
  };
}
