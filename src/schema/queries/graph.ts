import { decodeCursor, page, type Sort } from '../../loaders/page.ts';
import { join, raw, read, sql } from '../../loaders/sql.ts';
import { columnsOf } from '../../loaders/table.ts';
import {
  type CustomerRow,
  customers,
  events,
  type LocationRow,
  locations,
  type OrderRow,
  orders,
  products,
  refunds,
  stockLevels,
} from '../../loaders/tables.ts';
import { readDropped, refuseDropped } from '../../sync/events/event-stream.ts';
import { builder, pageComplexity } from '../builder.ts';
import {
  CustomerConnection,
  EventConnection,
  OrderConnection,
  ProductConnection,
  RefundConnection,
  StockLevelConnection,
} from '../connections.ts';
import { CustomerSortEnum, OrderSortEnum, ProductSortEnum, RefundSortEnum } from '../enums.ts';
import { badInput } from '../failures.ts';
import { CustomerFilter, customerConditions, customerSorts } from '../filters/customers.ts';
import { calledSo, OrderFilter, orderConditions, orderSorts } from '../filters/orders.ts';
import { ProductFilter, productConditions, productSorts } from '../filters/products.ts';
import { RefundFilter, refundConditions, refundSorts } from '../filters/refunds.ts';
import { StockLevelFilter, stockConditions, stockLimits, stockSort } from '../filters/stock.ts';
import { EventFilter, eventConditions } from '../filters/sync.ts';
import { Event, fromRow } from '../nodes/event.ts';
import { Customer, Location, Order, Product, Refund, StockLevel } from '../refs.ts';
import { type Scope, scopeOfType } from '../scopes.ts';

builder.queryFields((t) => ({
  node: t.node({
    description: 'Anything with an id.',
    args: { id: t.arg.globalID({ required: true, description: 'Its id.' }) },
    authScopes: (_root, args) => ({ can: scopeOfNode(args.id.typename) }),
    id: (_root, args) => ({ type: args.id.typename, id: args.id.id }),
  }),
  nodes: t.nodeList({
    description:
      'Several things with an id, in the order of the ids; null where nothing is found. At most 250.',
    complexity: (args) => ({ field: 1, multiplier: Math.max(1, args.ids.length) }),
    args: { ids: t.arg.globalIDList({ required: true, description: 'Their ids.' }) },
    authScopes: (_root, args) => {
      if (args.ids.length > 250) throw badInput('ids: at most 250 of them.', ['ids']);
      const scopes = new Set(args.ids.map((id) => scopeOfNode(id.typename)));
      return scopes.size === 0 || { $all: nested([...scopes]) };
    },
    ids: (_root, args) => args.ids.map((id) => ({ type: id.typename, id: id.id })),
  }),
  customer: t.field({
    type: Customer,
    nullable: true,
    description: 'A customer.',
    authScopes: { can: 'read:customers' },
    args: { id: t.arg.globalID({ for: Customer, required: true, description: 'Their id.' }) },
    resolve: (_root, args) => args.id.id,
  }),
  customerByEmail: t.field({
    type: Customer,
    nullable: true,
    description:
      'The customer with this address: their own, or one that a platform knows them by. Relay addresses find nobody.',
    authScopes: { can: 'read:customers' },
    args: { email: t.arg.string({ required: true, description: 'In any case.' }) },
    resolve: async (_root, args, context) => {
      const email = args.email.trim().toLowerCase();
      const rows = await read<CustomerRow>(
        context.db,
        sql`select ${columnsOf(customers, 't')} from customer t
            where t.merged_into_id is null and (t.email = ${email} or t.id in (
              select i.customer_id from customer_identity i where i.email = ${email} and not i.relay_email))
            order by (t.email = ${email}) desc nulls last, t.id limit 1`,
      );
      return rows[0] ?? null;
    },
  }),
  customers: t.connection(
    {
      type: Customer,
      description: 'Customers. Records that were merged into others are left out.',
      authScopes: { can: 'read:customers' },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: CustomerFilter, description: 'Which ones.' }),
        sort: t.arg({
          type: CustomerSortEnum,
          defaultValue: 'created_at_desc',
          description: 'In which order.',
        }),
      },
      resolve: (_root, args, context) =>
        page(context.db, customers, {
          where: customerConditions(args.filter),
          sort: customerSorts[args.sort ?? 'created_at_desc'],
          args,
        }),
    },
    ...CustomerConnection,
  ),
  order: t.field({
    type: Order,
    nullable: true,
    description: 'An order.',
    authScopes: { can: 'read:orders' },
    args: { id: t.arg.globalID({ for: Order, required: true, description: 'Its id.' }) },
    resolve: (_root, args) => args.id.id,
  }),
  orderByNumber: t.field({
    type: Order,
    nullable: true,
    description: 'The latest order called so: shops number on their own, so that two may share a number.',
    authScopes: { can: 'read:orders' },
    args: { number: t.arg.string({ required: true, description: 'With or without the leading `#`.' }) },
    resolve: async (_root, args, context) => {
      const rows = await read<OrderRow>(
        context.db,
        sql`select ${columnsOf(orders, 't')} from sales_order t
            where ${join([...calledSo(args.number), raw('t.removed_at is null')], ' and ')}
            order by t.placed_at desc, t.id desc limit 1`,
      );
      return rows[0] ?? null;
    },
  }),
  orders: t.connection(
    {
      type: Order,
      description: 'Orders over every channel.',
      authScopes: { can: 'read:orders' },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: OrderFilter, description: 'Which ones.' }),
        sort: t.arg({ type: OrderSortEnum, defaultValue: 'placed_at_desc', description: 'In which order.' }),
      },
      resolve: (_root, args, context) =>
        page(context.db, orders, {
          where: orderConditions(args.filter),
          sort: orderSorts[args.sort ?? 'placed_at_desc'],
          args,
        }),
    },
    ...OrderConnection,
  ),
  refunds: t.connection(
    {
      type: Refund,
      description: 'Refunds over every channel.',
      authScopes: { can: 'read:orders' },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: RefundFilter, description: 'Which ones.' }),
        sort: t.arg({
          type: RefundSortEnum,
          defaultValue: 'refunded_at_desc',
          description: 'In which order.',
        }),
      },
      resolve: (_root, args, context) =>
        page(context.db, refunds, {
          where: refundConditions(args.filter),
          sort: refundSorts[args.sort ?? 'refunded_at_desc'],
          args,
        }),
    },
    ...RefundConnection,
  ),
  products: t.connection(
    {
      type: Product,
      description: 'Products. Those removed at their platform are left out unless asked for.',
      authScopes: { can: 'read:stock' },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: ProductFilter, description: 'Which ones.' }),
        sort: t.arg({ type: ProductSortEnum, defaultValue: 'title_asc', description: 'In which order.' }),
      },
      resolve: (_root, args, context) =>
        page(context.db, products, {
          where: productConditions(args.filter),
          sort: productSorts[args.sort ?? 'title_asc'],
          args,
        }),
    },
    ...ProductConnection,
  ),
  locations: t.field({
    type: [Location],
    description: 'Every place where stock is kept or sold.',
    authScopes: { can: 'read:stock' },
    resolve: (_root, _args, context) =>
      read<LocationRow>(
        context.db,
        sql`select ${columnsOf(locations, 't')} from location t order by t.name, t.id limit 1000`,
      ),
  }),
  stockLevels: t.connection(
    {
      type: StockLevel,
      description:
        'Stock levels: of these SKUs, at these locations. A page holds up to 1,000 here, and 250 by default.',
      authScopes: { can: 'read:stock' },
      complexity: (args) => pageComplexity({ first: args.first ?? args.last ?? stockLimits.defaultSize }),
      args: {
        skus: t.arg.stringList({ description: 'Of these SKUs; at most 250.' }),
        locationIds: t.arg.globalIDList({ for: Location, description: 'At these locations.' }),
        filter: t.arg({ type: StockLevelFilter, description: 'Which ones.' }),
      },
      resolve: (_root, args, context) =>
        page(context.db, stockLevels, {
          where: stockConditions(args),
          sort: stockSort,
          args,
          limits: stockLimits,
        }),
    },
    ...StockLevelConnection,
  ),
  events: t.connection(
    {
      type: Event,
      description:
        'The event stream as far as it has come and is kept, in commit order. `after` takes the cursors of this list; one from before what is kept is refused with `CURSOR_EXPIRED`.',
      authScopes: { can: 'read:sync' },
      complexity: pageComplexity,
      args: { filter: t.arg({ type: EventFilter, description: 'Which ones.' }) },
      resolve: async (_root, args, context) => {
        const found = await page(context.db, events, {
          where: eventConditions(args.filter),
          sort: byPosition,
          args,
        });
        if (args.after !== undefined && args.after !== null) {
          const [position] = decodeCursor(args.after, byPosition);
          refuseDropped(BigInt(position ?? 0), await readDropped(context.services.pool));
        }
        return {
          ...found,
          edges: found.edges.map((edge) => ({ cursor: edge.cursor, node: fromRow(edge.node) })),
        };
      },
    },
    ...EventConnection,
  ),
}));

const byPosition: Sort = {
  name: 'position',
  direction: 'asc',
  keys: [{ expression: 't.position', type: 'bigint' }],
};

function scopeOfNode(typename: string): Scope {
  const scope = (scopeOfType as Partial<Record<string, Scope>>)[typename];
  if (scope === undefined) throw badInput(`No node is called ${typename}.`);
  return scope;
}

/** All of several scopes: the plugin's `$all` takes one of each name, so that they are nested. */
function nested(scopes: readonly Scope[]): { can: Scope; $all?: { can: Scope } } {
  const [first, ...rest] = scopes;
  if (first === undefined) throw new Error('at least one scope is needed');
  return rest.length === 0 ? { can: first } : { can: first, $all: nested(rest) };
}
