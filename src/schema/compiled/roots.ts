import { type PageArgs, type PageLimits, type Sort, usualLimits } from '../../loaders/page.ts';
import type { Sql } from '../../loaders/sql.ts';
import { badInput } from '../failures.ts';
import { customerConditions, customerSorts } from '../filters/customers.ts';
import { ruleConditions, ruleSort } from '../filters/fulfilment-rules.ts';
import { orderConditions, orderSorts } from '../filters/orders.ts';
import { productConditions, productSorts } from '../filters/products.ts';
import { refundConditions, refundSorts } from '../filters/refunds.ts';
import { stockConditions, stockLimits, stockSort } from '../filters/stock.ts';
import { decodeGlobalId } from '../global-id.ts';
import type { Scope } from '../scopes.ts';

// The fields of the root, and paged fields below it, that are answered by one statement: the same conditions and
// orders as their resolvers take, over arguments as GraphQL has read them.

export type Args = Readonly<Record<string, unknown>>;

export interface PageField {
  kind: 'page';
  /** Type of the nodes. */
  type: string;
  from: string;
  scope: Scope;
  /** Column that points to the row the page belongs to. */
  parentKey?: string;
  plan: (args: Args) => { where: readonly Sql[]; sort: Sort; args: PageArgs; limits: PageLimits };
}

export interface OneField {
  kind: 'one';
  type: string;
  from: string;
  scope: Scope;
  id: (args: Args) => string;
}

const ordersPage = {
  kind: 'page',
  type: 'Order',
  from: 'sales_order',
  scope: 'read:orders',
  plan: (args: Args) => ({
    where: orderConditions(withIds(args.filter, { customerId: 'Customer', locationId: 'Location' })),
    sort: orderSorts[(args.sort ?? 'placed_at_desc') as keyof typeof orderSorts],
    args,
    limits: usualLimits,
  }),
} as const satisfies PageField;

export const rootFields: Readonly<Record<string, PageField | OneField>> = {
  customer: byId('Customer', 'customer', 'read:customers'),
  order: byId('Order', 'sales_order', 'read:orders'),
  customers: {
    kind: 'page',
    type: 'Customer',
    from: 'customer',
    scope: 'read:customers',
    plan: (args) => ({
      where: customerConditions(args.filter as Parameters<typeof customerConditions>[0]),
      sort: customerSorts[(args.sort ?? 'created_at_desc') as keyof typeof customerSorts],
      args,
      limits: usualLimits,
    }),
  },
  orders: ordersPage,
  refunds: {
    kind: 'page',
    type: 'Refund',
    from: 'refund',
    scope: 'read:orders',
    plan: (args) => ({
      where: refundConditions(withIds(args.filter, { orderId: 'Order', customerId: 'Customer' })),
      sort: refundSorts[(args.sort ?? 'refunded_at_desc') as keyof typeof refundSorts],
      args,
      limits: usualLimits,
    }),
  },
  fulfilmentRules: {
    kind: 'page',
    type: 'FulfilmentRule',
    from: 'fulfilment_rule',
    scope: 'read:orders',
    plan: (args) => ({
      where: ruleConditions(withIds(args.filter, { orderId: 'Order' })),
      sort: ruleSort,
      args,
      limits: usualLimits,
    }),
  },
  products: {
    kind: 'page',
    type: 'Product',
    from: 'product',
    scope: 'read:stock',
    plan: (args) => ({
      where: productConditions(args.filter as Parameters<typeof productConditions>[0]),
      sort: productSorts[(args.sort ?? 'title_asc') as keyof typeof productSorts],
      args,
      limits: usualLimits,
    }),
  },
  stockLevels: {
    kind: 'page',
    type: 'StockLevel',
    from: 'stock_level',
    scope: 'read:stock',
    plan: (args) => ({
      where: stockConditions({
        ...args,
        ...(Array.isArray(args.locationIds)
          ? { locationIds: args.locationIds.map((id) => idOf(id, 'Location')) }
          : {}),
      } as Parameters<typeof stockConditions>[0]),
      sort: stockSort,
      args,
      limits: stockLimits,
    }),
  },
};

/** Paged fields of rows, as `Type.field`. */
export const pagesOfRows: Readonly<Record<string, PageField>> = {
  'Customer.orders': { ...ordersPage, parentKey: 'customer_id' },
};

function byId(type: string, from: string, scope: Scope): OneField {
  return { kind: 'one', type, from, scope, id: (args) => idOf(args.id, type).id };
}

/** What Pothos makes of an argument that is a global id. */
function idOf(globalId: unknown, type: string): { typename: string; id: string } {
  const decoded = decodeGlobalId(String(globalId));
  if (decoded.typename !== type) throw badInput(`This is no id of a ${type}.`);
  return decoded;
}

// biome-ignore lint/suspicious/noExplicitAny: a filter as GraphQL has read it; its type is checked by the schema
function withIds(filter: unknown, ids: Readonly<Record<string, string>>): any {
  if (typeof filter !== 'object' || filter === null) return filter;
  const mapped: Record<string, unknown> = { ...filter };
  for (const [name, type] of Object.entries(ids)) {
    const value = mapped[name];
    if (value !== undefined && value !== null) mapped[name] = idOf(value, type);
  }
  return mapped;
}
