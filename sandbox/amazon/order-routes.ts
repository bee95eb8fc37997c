import type { AmazonOrder } from './account.ts';
import type { Call } from './api.ts';
import { ApiError, invalidInput } from './errors.ts';
import { transactionView } from './transaction-view.ts';
import { inventoryView, iso, orderView } from './views.ts';

const dataSets = [
  'BUYER',
  'RECIPIENT',
  'PROCEEDS',
  'EXPENSE',
  'PROMOTION',
  'CANCELLATION',
  'FULFILLMENT',
  'PACKAGES',
  'TAX',
  'PAYMENT',
  'FULFILLMENT_ORDERS',
];

export function searchOrders({ account, request, parts }: Call): object {
  const query = request.url.searchParams;
  const createdAfter = instant(query, 'createdAfter');
  const updatedAfter = instant(query, 'lastUpdatedAfter');
  if ((createdAfter === null) === (updatedAfter === null))
    throw invalidInput('Exactly one of createdAfter and lastUpdatedAfter must be provided.');
  const latest = account.now() - parts.visibleAfterMs;
  const before = instant(query, createdAfter === null ? 'lastUpdatedBefore' : 'createdBefore');
  if (before !== null && before > latest)
    throw invalidInput('The end of the period must be at least two minutes before the time of the request.');
  const until = before ?? latest;
  const size = Number(query.get('maxResultsPerPage') ?? 100);
  if (!Number.isInteger(size) || size < 1 || size > 100)
    throw invalidInput('maxResultsPerPage must be between 1 and 100.');
  const statuses = list(query, 'fulfillmentStatuses');
  const fulfilledBy = list(query, 'fulfilledBy');
  const marketplaces = list(query, 'marketplaceIds');
  const timeOf = (order: AmazonOrder) => (createdAfter === null ? order.updatedMs : order.createdMs);
  const from = createdAfter ?? updatedAfter ?? 0;
  const found = Object.values(account.state.orders)
    .filter(
      (order) =>
        timeOf(order) >= from &&
        timeOf(order) <= until &&
        (statuses.length === 0 || statuses.includes(order.status)) &&
        (fulfilledBy.length === 0 || fulfilledBy.includes(order.fulfilledBy)) &&
        (marketplaces.length === 0 || marketplaces.includes(account.profile.marketplaceId)),
    )
    .sort((a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1));
  const { page, nextToken } = paged(
    found,
    size,
    query.get('paginationToken'),
    (order) => `${timeOf(order)} ${order.id}`,
  );
  return {
    orders: page.map((order) => orderView(account, order, included(query))),
    ...(nextToken === null ? {} : { pagination: { nextToken } }),
    ...(createdAfter === null ? { lastUpdatedBefore: iso(until) } : { createdBefore: iso(until) }),
  };
}

export function getOrder({ account, request, path }: Call): object {
  const order = account.state.orders[path[0] ?? ''];
  if (order === undefined) throw new ApiError(404, 'NotFound', `The order ${path[0]} was not found.`);
  return { order: orderView(account, order, included(request.url.searchParams)) };
}

export function listTransactions({ account, request, parts }: Call): object {
  const query = request.url.searchParams;
  const name = query.get('relatedIdentifierName');
  const value = query.get('relatedIdentifierValue');
  const postedAfter = instant(query, 'postedAfter');
  if (postedAfter === null && (name === null || value === null))
    throw invalidInput('postedAfter is required where no related identifier is given.');
  if (name !== null && name !== 'ORDER_ID') throw invalidInput(`${name} cannot be filtered by here.`);
  const latest = account.now() - parts.visibleAfterMs;
  if (postedAfter !== null && postedAfter > latest)
    throw invalidInput('postedAfter must be more than two minutes before the time of the request.');
  const postedBefore = instant(query, 'postedBefore') ?? (name === null ? latest : Number.POSITIVE_INFINITY);
  const tooLong = postedAfter !== null && postedBefore - postedAfter > 180 * 86_400_000;
  const found = account.state.transactions.filter(
    (one) =>
      !tooLong &&
      (postedAfter === null || one.postedMs >= postedAfter) &&
      one.postedMs <= postedBefore &&
      (name === null || one.orderId === value),
  );
  const { page, nextToken } = paged(found, 500, query.get('nextToken'), (one) => one.id);
  return {
    payload: {
      transactions: page.map((one) => transactionView(account, one)),
      ...(nextToken === null ? {} : { nextToken }),
    },
  };
}

export function inventorySummaries({ account, request }: Call): object {
  const query = request.url.searchParams;
  const granularityId = query.get('granularityId');
  if (query.get('granularityType') !== 'Marketplace' || granularityId === null)
    throw invalidInput('granularityType must be Marketplace, with its granularityId.');
  if (list(query, 'marketplaceIds').length === 0) throw invalidInput('marketplaceIds is required.');
  const skus = list(query, 'sellerSkus');
  if (skus.length > 50) throw invalidInput('At most 50 sellerSkus are allowed.');
  const since = instant(query, 'startDateTime');
  const found = Object.values(account.state.inventory)
    .filter(
      (level) =>
        (skus.length === 0 || skus.includes(level.sku)) && (since === null || level.updatedMs >= since),
    )
    .sort((a, b) => (a.sku < b.sku ? -1 : 1));
  const { page, nextToken } = paged(found, 50, query.get('nextToken'), (level) => level.sku);
  return {
    payload: {
      granularity: { granularityType: 'Marketplace', granularityId },
      inventorySummaries: page.map((level) => inventoryView(account, level, query.get('details') === 'true')),
    },
    ...(nextToken === null ? {} : { pagination: { nextToken } }),
  };
}

function included(query: URLSearchParams): ReadonlySet<string> {
  const asked = list(query, 'includedData');
  const unknown = asked.find((name) => !dataSets.includes(name));
  if (unknown !== undefined) throw invalidInput(`includedData does not know ${unknown}.`);
  return new Set(asked);
}

export function list(query: URLSearchParams, name: string): string[] {
  return query
    .getAll(name)
    .flatMap((value) => value.split(','))
    .filter((value) => value !== '');
}

export function instant(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalidInput(`${name} must be an ISO 8601 date-time.`);
  return ms;
}

/** A page after the record that the token names, wherever that record stands by now. */
export function paged<T>(
  all: readonly T[],
  size: number,
  token: string | null,
  keyOf: (one: T) => string,
): { page: T[]; nextToken: string | null } {
  let start = 0;
  if (token !== null && token !== '') {
    const after = Buffer.from(token, 'base64url').toString('utf8');
    const index = all.findIndex((one) => keyOf(one) === after);
    if (index === -1) throw invalidInput('The pagination token is not known.');
    start = index + 1;
  }
  const page = all.slice(start, start + size);
  const last = page.at(-1);
  const more = start + size < all.length && last !== undefined;
  return { page, nextToken: more ? Buffer.from(keyOf(last)).toString('base64url') : null };
}
