import { GraphQLError } from 'graphql';
import { gid, idOf } from '../shop.ts';
import { badRequest, listWalk, type PageArgs, paginate } from './connection.ts';
import type { Args, Fields, GraphqlContext } from './context.ts';
import {
  countCustomers,
  countOrders,
  countProducts,
  countVariants,
  customersPage,
  itemsPage,
  ordersPage,
  productsPage,
  variantsPage,
} from './lists.ts';
import { fulfillmentOrderStatus } from './order-fields.ts';
import { nodeByGid, shopSource } from './shop-fields.ts';

export const queryFields: Fields<unknown> = {
  shop: () => shopSource,
  order: (_source, args, context) => protectedNode('Order', args, context),
  orders: (_source, args, context) => {
    approved(context, 'Order', 'orders');
    return ordersPage(context.shop, args);
  },
  ordersCount: (_source, args, context) => {
    approved(context, 'Order', 'ordersCount');
    return counted((limit) => countOrders(context.shop, args.query as string | null, limit), args);
  },
  customer: (_source, args, context) => protectedNode('Customer', args, context),
  customers: (_source, args, context) => {
    approved(context, 'Customer', 'customers');
    return customersPage(context.shop, args);
  },
  customersCount: (_source, args, context) =>
    counted((limit) => countCustomers(context.shop, args.query as string | null, limit), args),
  customerByIdentifier: (_source, args, context) => {
    approved(context, 'Customer', 'customerByIdentifier');
    const identifier = args.identifier as { id?: string; emailAddress?: string; phoneNumber?: string };
    if (identifier.emailAddress !== undefined)
      return context.shop.customerByEmail.get(identifier.emailAddress.toLowerCase()) ?? null;
    if (identifier.phoneNumber !== undefined)
      return context.shop.customerByPhone.get(identifier.phoneNumber) ?? null;
    return node('Customer', identifier.id ?? '', context);
  },
  product: (_source, args, context) => node('Product', args.id, context),
  products: (_source, args, { shop }) => productsPage(shop, args),
  productVariantsCount: (_source, args, { shop }) =>
    counted((limit) => countVariants(shop, args.query as string | null, limit), args),
  productsCount: (_source, args, { shop }) =>
    counted((limit) => countProducts(shop, args.query as string | null, limit), args),
  productVariant: (_source, args, context) => node('ProductVariant', args.id, context),
  productVariants: (_source, args, { shop }) => variantsPage(shop, args),
  inventoryItem: (_source, args, context) => node('InventoryItem', args.id, context),
  inventoryItems: (_source, args, { shop }) => itemsPage(shop, args),
  inventoryLevel: (_source, args, { shop }) => nodeByGid(shop, String(args.id)),
  location: (_source, args, context) =>
    args.id == null
      ? (context.shop.locations.values().next().value ?? null)
      : node('Location', args.id, context),
  locations: (_source, args, { shop }) => {
    const all = [...shop.locations.values()].filter((one) => one.active || args.includeInactive === true);
    if (args.sortKey !== 'ID') all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    return paginate(
      listWalk(all, (one) => one.id),
      args as PageArgs,
    );
  },
  node: (_source, args, context) => anyNode(String(args.id), context),
  nodes: (_source, args, context) => (args.ids as string[]).map((id) => anyNode(id, context)),
  refund: (_source, args, context) => node('Refund', args.id, context),
  return: (_source, args, context) => node('Return', args.id, context),
  reverseFulfillmentOrder: (_source, args, context) => node('ReverseFulfillmentOrder', args.id, context),
  shopifyPaymentsAccount: () => ({}),
  webhookSubscription: (_source, args, context) => node('WebhookSubscription', args.id, context),
  webhookSubscriptions: (_source, args, { shop }) => {
    const topics = args.topics as string[] | undefined;
    const uri = (args.uri ?? args.callbackUrl) as string | undefined;
    const all = [...shop.subscriptions.values()].filter(
      (one) => (topics == null || topics.includes(one.topic)) && (uri == null || one.uri === uri),
    );
    return paginate(
      listWalk(all, (one) => one.id),
      args as PageArgs,
    );
  },
  fulfillment: (_source, args, context) => node('Fulfillment', args.id, context),
  fulfillmentOrder: (_source, args, context) => node('FulfillmentOrder', args.id, context),
  fulfillmentOrders: (_source, args, { shop }) => {
    const all = [...shop.orders.values()].flatMap((order) =>
      order.fulfillmentOrders.filter(
        (one) =>
          args.includeClosed === true || ['OPEN', 'IN_PROGRESS'].includes(fulfillmentOrderStatus(order, one)),
      ),
    );
    return paginate(
      listWalk(all, (one) => one.id),
      args as PageArgs,
    );
  },
  currentAppInstallation: (_source, _args, { scopes }) => ({
    id: gid('AppInstallation', '1'),
    app: { id: gid('App', '1'), title: 'Tributary', handle: 'tributary', apiKey: 'sandbox' },
    accessScopes: [...scopes].map((handle) => ({ handle, description: handle.replaceAll('_', ' ') })),
  }),
};

/** Customer data needs an approval apart from the scopes; without it the answer is an error inside HTTP 200. */
function approved(context: GraphqlContext, type: string, field: string): void {
  if (context.protectedDataApproved) return;
  throw new GraphQLError(
    `This app is not approved to access the ${type} object. See https://shopify.dev/docs/apps/launch/protected-customer-data for more details.`,
    {
      extensions: {
        code: 'ACCESS_DENIED',
        documentation: 'https://shopify.dev/docs/apps/launch/protected-customer-data',
        field,
      },
    },
  );
}

function protectedNode(kind: string, args: Args, context: GraphqlContext): unknown {
  approved(context, kind, kind.toLowerCase());
  return node(kind, args.id, context);
}

function node(kind: string, given: unknown, { shop }: GraphqlContext): unknown {
  const id = idOf(kind, String(given));
  if (id === null) throw badRequest(`Invalid id: ${String(given)}`, 'RESOURCE_NOT_FOUND');
  return nodeByGid(shop, gid(kind, id));
}

function anyNode(given: string, context: GraphqlContext): unknown {
  if (!/^gid:\/\/shopify\/\w+\/\d+/.test(given))
    throw badRequest(`Invalid global id '${given}'`, 'argumentLiteralsIncompatible');
  if (/\/(Order|Customer)\//.test(given)) approved(context, given.split('/')[3] ?? '', 'node');
  return nodeByGid(context.shop, given);
}

function counted(count: (limit: number) => number, args: Args): unknown {
  const given = args.limit;
  // Beyond its ceiling the platform only says "more than that"; null asks for as much as it counts.
  const limit = Math.min(typeof given === 'number' ? given : 25_000, 25_000);
  const found = count(limit);
  return found > limit ? { count: limit, precision: 'AT_LEAST' } : { count: found, precision: 'EXACT' };
}
