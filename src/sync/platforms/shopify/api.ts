import { type AdminApiClient, createAdminApiClient } from '@shopify/admin-api-client';
import type { ApiVersion } from '@shopify/shopify-api';
import type { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { Session } from '../platform.ts';
import type { ShopifyCredentials } from './credentials.ts';
import { type DocumentName, documents } from './documents.ts';

/** Typed by Shopify's own list, so that a version which the SDK does not know fails to compile. */
const apiVersion: `${ApiVersion}` = '2026-07';

export interface Cost {
  requested: number;
  available: number;
  maximum: number;
  restorePerSecond: number;
}

export interface Answer<T> {
  data: T;
  /** Null where Shopify told no cost. */
  cost: Cost | null;
}

export type ShopifySession = Session<ShopifyCredentials>;

/**
 * Asks the Admin GraphQL API once and checks the answer.
 * @throws AppError; retryable where trying again can help, with the wait that Shopify asks for
 */
export async function ask<T extends z.ZodType>(
  session: ShopifySession,
  name: DocumentName,
  variables: Record<string, unknown>,
  shape: T,
): Promise<Answer<z.output<T>>> {
  const client = await clientOf(session);
  const response = await session.limited(() => client.request(documents[name] as string, { variables }));
  const cost = costOf(response.extensions);
  if (response.errors !== undefined) throw failure(name, response.errors as ResponseErrors, cost);
  const parsed = shape.safeParse(response.data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AppError({
      code: 'SHOPIFY_UNEXPECTED_ANSWER',
      retryable: false,
      publicMessage: `Shopify's answer to ${name} is not as documented at ${issue?.path.join('.') ?? ''}.`,
      remedy: 'Check whether Shopify changed its API; the change needs a new version of Tributary.',
      cause: parsed.error,
    });
  }
  return { data: parsed.data, cost };
}

/** How a question is put: at once, or with patience. */
export type Ask = typeof ask;

export interface UserError {
  field?: readonly string[] | null | undefined;
  message: string;
  code?: string | null | undefined;
}

/** What a person can do about a write that Shopify refused. */
export function refused(what: string, errors: readonly UserError[]): AppError {
  const words = errors
    .map((error) => (error.field?.length ? `${error.field.join('.')}: ${error.message}` : error.message))
    .join('; ');
  return new AppError({
    code: 'SHOPIFY_REFUSED',
    retryable: false,
    publicMessage: `Shopify refused ${what}: ${words}`,
    remedy: 'Correct the value named by the field, at its source or in Shopify, then retry the push.',
  });
}

/**
 * Shopify's own client with one change: the connection decides where requests go, so that a proxy or a stand-in can
 * take Shopify's place. The client itself accepts nothing but https://<shop>.
 */
async function clientOf(session: ShopifySession): Promise<AdminApiClient> {
  const { shop, accessToken } = await session.credentials();
  const known = session.cache.get('client') as { accessToken: string; client: AdminApiClient } | undefined;
  if (known?.accessToken === accessToken) return known.client;
  const client = createAdminApiClient({
    storeDomain: shop,
    apiVersion,
    accessToken,
    userAgentPrefix: 'Tributary',
    // Retries are the engine's business: it knows how long the work may wait and who else is waiting.
    retries: 0,
    logger: () => undefined,
    customFetchApi: (url, init) =>
      fetch(session.baseUrl === '' ? url : new URL(new URL(url).pathname, session.baseUrl), {
        ...init,
        signal: AbortSignal.timeout(session.timeoutMs),
      }),
  });
  session.cache.set('client', { accessToken, client });
  return client;
}

interface ResponseErrors {
  networkStatusCode?: number;
  message?: string;
  graphQLErrors?: { message?: string; extensions?: { code?: string } }[];
  response?: Response;
}

function failure(name: string, errors: ResponseErrors, cost: Cost | null): AppError {
  const status = errors.networkStatusCode;
  const cause = new Error(errors.message ?? 'no message');
  if (status === undefined)
    return new AppError({
      code: 'SHOPIFY_UNREACHABLE',
      retryable: true,
      publicMessage: 'Shopify did not answer in time or could not be reached.',
      remedy: 'It is tried again by itself; check the network and Shopify’s status page if it lasts.',
      cause,
    });
  if (status === 401 || status === 403)
    return new AppError({
      code: 'SHOPIFY_UNAUTHORIZED',
      retryable: false,
      publicMessage: `Shopify refuses our access token (HTTP ${status}).`,
      remedy: 'Reconnect the shop: install the app again and store its new access token.',
      cause,
    });
  if (status === 429 || status === 423 || status === 430 || status >= 500) {
    const retryAfterMs = retryAfterOf(errors.response);
    return new AppError({
      code: status === 429 ? 'SHOPIFY_THROTTLED' : 'SHOPIFY_UNAVAILABLE',
      retryable: true,
      publicMessage: `Shopify answered HTTP ${status}.`,
      remedy: 'It is tried again by itself; check Shopify’s status page if it lasts.',
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
      cause,
    });
  }
  if (status < 200 || status >= 300)
    return new AppError({
      code: 'SHOPIFY_REJECTED',
      retryable: false,
      publicMessage: `Shopify answered HTTP ${status} to ${name}.`,
      remedy:
        status === 402 || status === 404
          ? 'Check that the shop is open and its domain is right, then try again.'
          : 'Look at the log for the request, then try again.',
      cause,
    });
  return graphQLFailure(name, errors, cost, cause);
}

function graphQLFailure(name: string, errors: ResponseErrors, cost: Cost | null, cause: Error): AppError {
  const told = errors.graphQLErrors ?? [];
  const codes = new Set(told.map((error) => error.extensions?.code));
  const words = told.map((error) => error.message ?? '').join('; ') || 'no data and no reason';
  // A query larger than the whole bucket would wait for ever.
  const neverFits = cost !== null && cost.maximum > 0 && cost.requested > cost.maximum;
  if (codes.has('THROTTLED') && !neverFits)
    return new AppError({
      code: 'SHOPIFY_THROTTLED',
      retryable: true,
      publicMessage: 'Shopify’s rate limit is used up for the moment.',
      remedy: 'It is tried again by itself as soon as the limit has room.',
      retryAfterMs: waitFor(cost),
      cause,
    });
  if (codes.has('MAX_COST_EXCEEDED') || codes.has('THROTTLED'))
    return new AppError({
      code: 'SHOPIFY_QUERY_TOO_COSTLY',
      retryable: false,
      publicMessage: `Shopify finds ${name} too costly: ${words}`,
      remedy: 'Ask for smaller pages.',
      cause,
    });
  if (codes.has('ACCESS_DENIED'))
    return new AppError({
      code: 'SHOPIFY_ACCESS_DENIED',
      retryable: false,
      publicMessage: `Shopify denies access: ${words}`,
      remedy:
        'Grant the app the named scope and, in the Partner Dashboard, access to protected customer data; then reconnect.',
      cause,
    });
  if (codes.has('INTERNAL_SERVER_ERROR') || codes.has('TIMEOUT'))
    return new AppError({
      code: 'SHOPIFY_UNAVAILABLE',
      retryable: true,
      publicMessage: `Shopify failed inside: ${words}`,
      remedy: 'It is tried again by itself; check Shopify’s status page if it lasts.',
      cause,
    });
  return new AppError({
    code: 'SHOPIFY_REJECTED',
    retryable: false,
    publicMessage: `Shopify rejected ${name}: ${words}`,
    remedy:
      'Check the words of Shopify; the request needs a new version of Tributary if they concern its form.',
    cause,
  });
}

/** The bucket refills at a known rate: the wait is what is missing, not a guess. */
function waitFor(cost: Cost | null): number {
  if (cost === null || cost.restorePerSecond <= 0) return 1_000;
  const missing = Math.max(0, cost.requested - cost.available);
  return Math.max(100, Math.ceil((missing / cost.restorePerSecond) * 1_000));
}

function retryAfterOf(response: Response | undefined): number | null {
  const header = response?.headers.get('retry-after');
  const seconds = Number(header);
  return header && Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1_000) : null;
}

function costOf(extensions: unknown): Cost | null {
  const cost = (
    extensions as
      | { cost?: { requestedQueryCost?: number; throttleStatus?: Record<string, number> } }
      | undefined
  )?.cost;
  const status = cost?.throttleStatus;
  if (cost === undefined || status === undefined) return null;
  return {
    requested: cost.requestedQueryCost ?? 0,
    available: status.currentlyAvailable ?? 0,
    maximum: status.maximumAvailable ?? 0,
    restorePerSecond: status.restoreRate ?? 0,
  };
}
