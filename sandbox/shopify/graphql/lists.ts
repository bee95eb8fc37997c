import { summarise } from '../commerce/summary.ts';
import type { Customer, InventoryItem, Order, Product, Variant } from '../commerce/types.ts';
import type { Shop } from '../shop.ts';
import { compareIds, type SortedIndex } from '../sorted-index.ts';
import { type Connection, listWalk, type PageArgs, paginate, type Walk } from './connection.ts';
import { type FieldReader, type ParsedSearch, parseSearch } from './search.ts';

export interface ListArgs extends PageArgs {
  query?: string | null;
  sortKey?: string | null;
}

export function ordersPage(shop: Shop, args: ListArgs): Connection<Order> {
  const search = parseSearch(args.query, orderFields, ['name', 'email', 'note']);
  const few = pickOrders(shop, search);
  if (few !== null) return paginate(listWalk(few, idOf), args, search.predicate);
  const sorted = orderSorts[args.sortKey ?? 'PROCESSED_AT'];
  if (sorted !== undefined)
    return paginate(listWalk([...shop.orders.values()].sort(sorted), idOf), args, search.predicate);
  return indexedPage(args, search, shop.recentOrders, shop.ordersById);
}

export function countOrders(shop: Shop, query: string | null | undefined, limit: number): number {
  const search = parseSearch(query, orderFields, ['name', 'email', 'note']);
  return count(pickOrders(shop, search) ?? shop.orders.values(), search.predicate, limit);
}

export function customersPage(shop: Shop, args: ListArgs): Connection<Customer> {
  const search = parseSearch(args.query, customerFields, ['email', 'first_name', 'last_name', 'phone']);
  const few = pickCustomers(shop, search);
  if (few !== null) return paginate(listWalk(few, idOf), args, search.predicate);
  if (args.sortKey === 'NAME') {
    const byName = [...shop.customers.values()].sort((a, b) => compareText(nameOf(a), nameOf(b)));
    return paginate(listWalk(byName, idOf), args, search.predicate);
  }
  return indexedPage(args, search, shop.recentCustomers, shop.customersById);
}

export function countCustomers(shop: Shop, query: string | null | undefined, limit: number): number {
  const search = parseSearch(query, customerFields, ['email', 'first_name', 'last_name', 'phone']);
  return count(pickCustomers(shop, search) ?? shop.customers.values(), search.predicate, limit);
}

export function productsPage(shop: Shop, args: ListArgs): Connection<Product> {
  const search = parseSearch(args.query, productFields(shop), ['title', 'vendor', 'sku']);
  if (args.sortKey === 'UPDATED_AT') return paginate(indexWalk(shop.recentProducts), args, search.predicate);
  const all = [...shop.products.values()];
  if (args.sortKey === 'TITLE') all.sort((a, b) => compareText(a.title, b.title));
  if (args.sortKey === 'VENDOR') all.sort((a, b) => compareText(a.vendor, b.vendor));
  return paginate(listWalk(all, idOf), args, search.predicate);
}

export function countProducts(shop: Shop, query: string | null | undefined, limit: number): number {
  return count(shop.products.values(), parseSearch(query, productFields(shop), ['title']).predicate, limit);
}

export function countVariants(shop: Shop, query: string | null | undefined, limit: number): number {
  return count(
    shop.variants.values(),
    parseSearch(query, variantFields(shop), ['sku', 'title']).predicate,
    limit,
  );
}

export function variantsPage(shop: Shop, args: ListArgs): Connection<Variant> {
  const search = parseSearch(args.query, variantFields(shop), ['sku', 'title']);
  const sku = search.exact.get('sku');
  const known = sku === undefined ? undefined : shop.variantBySku.get(sku);
  const all = known !== undefined ? [known] : [...shop.variants.values()];
  if (args.sortKey === 'SKU') all.sort((a, b) => compareText(a.sku, b.sku));
  return paginate(listWalk(all, idOf), args, search.predicate);
}

export function itemsPage(shop: Shop, args: ListArgs): Connection<InventoryItem> {
  const search = parseSearch(args.query, itemFields(shop), ['sku']);
  const sku = search.exact.get('sku');
  const known = sku === undefined ? undefined : shop.variantBySku.get(sku);
  const item = known === undefined ? undefined : shop.items.get(known.inventoryItemId);
  return paginate(
    listWalk(item !== undefined ? [item] : [...shop.items.values()], idOf),
    args,
    search.predicate,
  );
}

function indexedPage<T extends { id: string; updatedAtMs: number }>(
  args: ListArgs,
  search: ParsedSearch<T>,
  recent: SortedIndex<T>,
  byId: SortedIndex<T>,
): Connection<T> {
  if (args.sortKey !== 'UPDATED_AT') return paginate(indexWalk(byId), args, search.predicate);
  return paginate(indexWalk(recent, search.updatedFromMs), args, search.predicate);
}

/** `fromMs` cuts the list: nothing before it can match. */
function indexWalk<T extends { id: string }>(index: SortedIndex<T>, fromMs: number | null = null): Walk<T> {
  // No id is this long, so that the place is just before the first record of that time.
  const floor = fromMs === null ? null : { atMs: fromMs - 1, id: '9'.repeat(30) };
  return {
    forward: (after) => index.ascending(after === null ? floor : { atMs: Number(after.value), id: after.id }),
    backward: function* (before) {
      const place = before === null ? null : { atMs: Number(before.value), id: before.id };
      for (const item of index.descending(place)) {
        if (fromMs !== null && index.placeOf(item).atMs < fromMs) return;
        yield item;
      }
    },
    placeOf: (item) => ({ value: index.placeOf(item).atMs, id: item.id }),
  };
}

function pickOrders(shop: Shop, search: ParsedSearch<Order>): Order[] | null {
  const id = search.exact.get('id');
  if (id !== undefined) return present(shop.orders.get(id));
  const name = search.exact.get('name');
  if (name !== undefined) return present(shop.orderByName.get(name) ?? shop.orderByName.get(`#${name}`));
  const customerId = search.exact.get('customer_id');
  if (customerId !== undefined)
    return (shop.customers.get(customerId)?.orderIds ?? []).flatMap((one) => shop.orders.get(one) ?? []);
  return null;
}

function pickCustomers(shop: Shop, search: ParsedSearch<Customer>): Customer[] | null {
  const id = search.exact.get('id');
  if (id !== undefined) return present(shop.customers.get(id));
  const email = search.exact.get('email');
  if (email !== undefined) return present(shop.customerByEmail.get(email.toLowerCase()));
  return null;
}

const orderFields: Readonly<Record<string, FieldReader<Order>>> = {
  id: (order) => [order.id],
  name: (order) => [order.name, order.name.slice(1)],
  email: (order) => [order.email],
  note: (order) => [order.note],
  customer_id: (order) => [order.customerId],
  created_at: (order) => [order.createdAtMs],
  updated_at: (order) => [order.updatedAtMs],
  processed_at: (order) => [order.processedAtMs],
  financial_status: (order) => [summarise(order).financialStatus],
  fulfillment_status: (order) => {
    const state = summarise(order).fulfillmentState;
    return state === 'FULFILLED'
      ? ['fulfilled', 'shipped']
      : state === 'PARTIALLY_FULFILLED'
        ? ['partial']
        : ['unfulfilled', 'unshipped'];
  },
  status: (order) => [
    order.cancelledAtMs !== null ? 'cancelled' : order.closedAtMs !== null ? 'closed' : 'open',
    'any',
  ],
  tag: (order) => order.tags,
  source_name: (order) => [order.channel === 'pos' ? 'pos' : 'web'],
  location_id: (order) => [order.locationId],
  sku: (order) => order.lines.map((line) => line.sku),
  discount_code: (order) =>
    order.discountApplications.filter((one) => one.type === 'discount_code').map((one) => one.label),
  test: (order) => [String(order.test)],
  gateway: (order) => order.transactions.map((one) => one.gateway),
};

const customerFields: Readonly<Record<string, FieldReader<Customer>>> = {
  id: (customer) => [customer.id],
  email: (customer) => [customer.email],
  phone: (customer) => [customer.phone],
  first_name: (customer) => [customer.firstName],
  last_name: (customer) => [customer.lastName],
  created_at: (customer) => [customer.createdAtMs],
  customer_date: (customer) => [customer.createdAtMs],
  updated_at: (customer) => [customer.updatedAtMs],
  orders_count: (customer) => [customer.ordersCount],
  tag: (customer) => customer.tags,
  state: () => ['DISABLED'],
};

function productFields(shop: Shop): Readonly<Record<string, FieldReader<Product>>> {
  return {
    id: (product) => [product.id],
    title: (product) => [product.title],
    handle: (product) => [product.handle],
    vendor: (product) => [product.vendor],
    product_type: (product) => [product.productType],
    status: (product) => [product.status],
    tag: (product) => product.tags,
    created_at: (product) => [product.createdAtMs],
    updated_at: (product) => [product.updatedAtMs],
    sku: (product) => product.variantIds.map((id) => shop.variants.get(id)?.sku ?? null),
  };
}

function variantFields(shop: Shop): Readonly<Record<string, FieldReader<Variant>>> {
  return {
    id: (variant) => [variant.id],
    sku: (variant) => [variant.sku],
    title: (variant) => [variant.title],
    barcode: (variant) => [variant.barcode],
    product_id: (variant) => [variant.productId],
    updated_at: (variant) => [variant.updatedAtMs],
    created_at: (variant) => [variant.createdAtMs],
    vendor: (variant) => [shop.products.get(variant.productId)?.vendor ?? null],
  };
}

function itemFields(shop: Shop): Readonly<Record<string, FieldReader<InventoryItem>>> {
  return {
    id: (item) => [item.id],
    sku: (item) => [shop.variants.get(item.variantId)?.sku ?? null],
    created_at: (item) => [item.createdAtMs],
    updated_at: (item) => [item.updatedAtMs],
  };
}

const orderSorts: Readonly<Record<string, (a: Order, b: Order) => number>> = {
  TOTAL_PRICE: (a, b) => summarise(a).total.shop - summarise(b).total.shop || compareIds(a.id, b.id),
  CURRENT_TOTAL_PRICE: (a, b) =>
    summarise(a).currentTotal.shop - summarise(b).currentTotal.shop || compareIds(a.id, b.id),
  FINANCIAL_STATUS: (a, b) => compareText(summarise(a).financialStatus, summarise(b).financialStatus),
  FULFILLMENT_STATUS: (a, b) => compareText(summarise(a).fulfillmentState, summarise(b).fulfillmentState),
  TOTAL_ITEMS_QUANTITY: (a, b) => summarise(a).quantity - summarise(b).quantity || compareIds(a.id, b.id),
};

function count<T>(records: Iterable<T>, keep: (record: T) => boolean, limit: number): number {
  let found = 0;
  for (const record of records) {
    if (!keep(record)) continue;
    found += 1;
    if (found > limit) break;
  }
  return found;
}

function present<T>(record: T | undefined): T[] {
  return record === undefined ? [] : [record];
}

function idOf(record: { id: string }): string {
  return record.id;
}

function nameOf(customer: Customer): string {
  return `${customer.lastName ?? ''} ${customer.firstName ?? ''}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
