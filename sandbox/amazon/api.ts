import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import type { Account } from './account.ts';
import { ApiError, invalidInput } from './errors.ts';
import type { Limits, OperationName } from './limits.ts';
import { getListing, patchListing, searchListings } from './listing-routes.ts';
import type { Lwa } from './lwa.ts';
import {
  createDestination,
  createSubscription,
  deleteSubscription,
  getDestinations,
  getSubscription,
} from './notification-routes.ts';
import { getOrder, inventorySummaries, listTransactions, searchOrders } from './order-routes.ts';

export interface ApiParts {
  account: () => Account;
  lwa: Lwa;
  limits: Limits;
  /** How far the lists of orders and transactions lag behind: two minutes in reality. */
  visibleAfterMs: number;
  submit: (sku: string, quantity: number) => void;
}

export interface Call {
  account: Account;
  request: SandboxRequest;
  /** Parts of the path that the route leaves open, decoded. */
  path: string[];
  parts: ApiParts;
}

interface Route {
  operation: OperationName;
  method: string;
  path: RegExp;
  /** Takes a token of the application and of no seller. */
  grantless?: boolean;
  answer: (call: Call) => object;
}

const routes: Route[] = [
  { operation: 'searchOrders', method: 'GET', path: /^\/orders\/2026-01-01\/orders$/, answer: searchOrders },
  { operation: 'getOrder', method: 'GET', path: /^\/orders\/2026-01-01\/orders\/([^/]+)$/, answer: getOrder },
  {
    operation: 'listTransactions',
    method: 'GET',
    path: /^\/finances\/2024-06-19\/transactions$/,
    answer: listTransactions,
  },
  {
    operation: 'searchListingsItems',
    method: 'GET',
    path: /^\/listings\/2021-08-01\/items\/([^/]+)$/,
    answer: searchListings,
  },
  {
    operation: 'getListingsItem',
    method: 'GET',
    path: /^\/listings\/2021-08-01\/items\/([^/]+)\/([^/]+)$/,
    answer: getListing,
  },
  {
    operation: 'patchListingsItem',
    method: 'PATCH',
    path: /^\/listings\/2021-08-01\/items\/([^/]+)\/([^/]+)$/,
    answer: patchListing,
  },
  {
    operation: 'getInventorySummaries',
    method: 'GET',
    path: /^\/fba\/inventory\/v1\/summaries$/,
    answer: inventorySummaries,
  },
  {
    operation: 'getSubscription',
    method: 'GET',
    path: /^\/notifications\/v1\/subscriptions\/([A-Z_]+)$/,
    answer: getSubscription,
  },
  {
    operation: 'createSubscription',
    method: 'POST',
    path: /^\/notifications\/v1\/subscriptions\/([A-Z_]+)$/,
    answer: createSubscription,
  },
  {
    operation: 'deleteSubscriptionById',
    method: 'DELETE',
    path: /^\/notifications\/v1\/subscriptions\/([A-Z_]+)\/([^/]+)$/,
    grantless: true,
    answer: deleteSubscription,
  },
  {
    operation: 'getDestinations',
    method: 'GET',
    path: /^\/notifications\/v1\/destinations$/,
    grantless: true,
    answer: getDestinations,
  },
  {
    operation: 'createDestination',
    method: 'POST',
    path: /^\/notifications\/v1\/destinations$/,
    grantless: true,
    answer: createDestination,
  },
];

/** The name of the operation behind a request, for faults that name it. */
export function operationOf(request: SandboxRequest): string | undefined {
  return routeOf(request)?.operation;
}

export function handleApi(parts: ApiParts, request: SandboxRequest): SandboxResponse | null {
  const token = parts.lwa.handle(request);
  if (token !== null) return token;
  const route = routeOf(request);
  if (route === undefined) return null;
  let headers: Record<string, string> = {};
  try {
    authorise(parts.lwa, route, request.headers['x-amz-access-token']);
    const limit = parts.limits.admit(route.operation);
    headers = limit.headers;
    if (!limit.admitted)
      throw new ApiError(429, 'QuotaExceeded', 'You exceeded your quota for the requested resource.');
    const path = (route.path.exec(request.url.pathname) ?? []).slice(1).map(decodeURIComponent);
    return { status: 200, headers, body: route.answer({ account: parts.account(), request, path, parts }) };
  } catch (error) {
    if (error instanceof SyntaxError) return { ...invalidInput('The body is not JSON.').response, headers };
    if (!(error instanceof ApiError)) throw error;
    return { ...error.response, headers };
  }
}

function routeOf(request: SandboxRequest): Route | undefined {
  return routes.find((route) => route.method === request.method && route.path.test(request.url.pathname));
}

function authorise(lwa: Lwa, route: Route, token: string | undefined): void {
  const denied = 'Access to requested resource is denied.';
  if (token === undefined)
    throw new ApiError(403, 'Unauthorized', denied, 'Access token is missing in the request header.');
  const grant = lwa.grantOf(token);
  if (grant === null)
    throw new ApiError(403, 'Unauthorized', denied, 'The access token you provided has expired.');
  if ((route.grantless === true) !== (grant === 'application'))
    throw new ApiError(403, 'Unauthorized', denied, 'The token was granted for another purpose.');
}
