import { AppError } from '../../../errors.ts';
import type { Session } from '../platform.ts';
import type { AmazonCredentials } from './credentials.ts';
import { parseAmounts } from './exact-amounts.ts';
import { accessToken, forgetAccessToken } from './lwa.ts';
import { type Operation, TokenBucket, usagePlans } from './rate-limits.ts';
import { Refusal, toAppError } from './refusal.ts';

export type AmazonSession = Session<AmazonCredentials>;

export interface Request {
  operation: Operation;
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the base URL, encoded. */
  path: string;
  /** Undefined values are left out, lists are joined by commas as the API wants them. */
  query?: Record<string, string | number | readonly string[] | undefined>;
  body?: unknown;
  /** Concerns the application and no seller. */
  grantless?: boolean;
}

/**
 * `wait`: for as long as it takes; only for operations with a fair rate. `sweep`: for a while, after which the call fails: a
 * sweep that stands still would keep back those of other accounts. Otherwise a name: the turn is kept for it, and where it
 * is not yet, the call fails with the time after which it is.
 */
export type Patience = 'wait' | 'sweep' | { placeFor: string };

/** A turn that is nearer than this is waited for. */
const shortWaitMs = 500;
/** The longest that a sweep waits for one turn. */
const sweepWaitMs = 20_000;
/** How often a patient caller takes 429 or 5xx for an answer before it gives up. */
const patientAttempts = 5;

/**
 * One request to the Selling Partner API: rate, access token, time-out, errors in our words. Amounts in the answer keep
 * their digits. Null where Amazon has no such thing (404). @throws AppError
 */
export async function ask(session: AmazonSession, request: Request, patience: Patience): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    await turn(session, request.operation, patience);
    try {
      return await once(session, request);
    } catch (error) {
      if (error instanceof Refusal && error.status === 404) return null;
      const known = toAppError(error, request.operation);
      if (known.code === 'AMAZON_THROTTLED') bucket(session, request.operation).empty();
      const again =
        typeof patience === 'string' && known.code === 'AMAZON_THROTTLED' && attempt < patientAttempts;
      if (!again) throw known;
    }
  }
}

function bucket(session: AmazonSession, operation: Operation): TokenBucket {
  const key = `amazon.bucket ${operation}`;
  const kept = session.cache.get(key) as TokenBucket | undefined;
  if (kept !== undefined) return kept;
  const made = new TokenBucket(usagePlans[operation], () => performance.now());
  session.cache.set(key, made);
  return made;
}

async function turn(session: AmazonSession, operation: Operation, patience: Patience): Promise<void> {
  const tokens = bucket(session, operation);
  if (patience === 'wait') return tokens.wait();
  const place = patience === 'sweep' ? `sweep ${operation}` : patience.placeFor;
  const longestMs = patience === 'sweep' ? sweepWaitMs : shortWaitMs;
  for (let waitMs = tokens.turn(place); waitMs > 0; waitMs = tokens.turn(place)) {
    if (waitMs > longestMs)
      throw new AppError({
        code: 'AMAZON_BUSY',
        retryable: true,
        // One more ms than it takes, so that the turn has come when it is asked for again.
        retryAfterMs: Math.ceil(waitMs) + 1,
        publicMessage: `Amazon allows no more than ${usagePlans[operation].perSecond} ${operation} requests a second; this one has its place in the queue.`,
        remedy: 'Nothing to do. Amazon grants higher rates on request, and they are adopted by themselves.',
      });
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(waitMs)));
  }
}

async function once(session: AmazonSession, request: Request): Promise<unknown> {
  const grant = request.grantless === true ? 'application' : 'seller';
  const token = await accessToken(session, grant);
  try {
    return await session.limited(() => send(session, request, token));
  } catch (error) {
    if (!(error instanceof Refusal) || !error.tokenSpent) throw error;
    await forgetAccessToken(session, grant, token);
    const renewed = await accessToken(session, grant);
    return session.limited(() => send(session, request, renewed));
  }
}

async function send(session: AmazonSession, request: Request, token: string): Promise<unknown> {
  const response = await fetch(await urlOf(session, request), {
    method: request.method ?? 'GET',
    headers: {
      accept: 'application/json',
      'x-amz-access-token': token,
      'user-agent': 'Tributary/0.1 (Language=TypeScript)',
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    signal: AbortSignal.timeout(session.timeoutMs),
  });
  const limit = Number(response.headers.get('x-amzn-ratelimit-limit') ?? Number.NaN);
  if (limit > 0) bucket(session, request.operation).adopt(limit);
  const text = await response.text();
  if (!response.ok) throw Refusal.from(response, text);
  return text === '' ? {} : parseAmounts(text);
}

async function urlOf(session: AmazonSession, request: Request): Promise<string> {
  const baseUrl =
    session.baseUrl === ''
      ? regionUrl((await session.credentials()).marketplaceId)
      : session.baseUrl.replace(/\/$/, '');
  const url = new URL(baseUrl + request.path);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    if (value === undefined) continue;
    url.searchParams.set(name, typeof value === 'object' ? value.join(',') : String(value));
  }
  return url.toString();
}

/** Marketplaces of North America and the Far East; all others are served from Europe. */
const northAmerica = ['ATVPDKIKX0DER', 'A2EUQ1WTGCTBG2', 'A1AM78C64UM0Y8', 'A2Q3Y263D00KWC'];
const farEast = ['A1VC38T7YXB528', 'A39IBJ37TRP1C6', 'A19VAU5U5O7RUS'];

/** Where the API of a marketplace's region is. */
export function regionUrl(marketplaceId: string): string {
  const region = northAmerica.includes(marketplaceId) ? 'na' : farEast.includes(marketplaceId) ? 'fe' : 'eu';
  return `https://sellingpartnerapi-${region}.amazon.com`;
}
