import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { AmazonSession } from './client.ts';
import type { AmazonCredentials } from './credentials.ts';
import { toAppError } from './refusal.ts';

const defaultLwaUrl = 'https://api.amazon.com';
const tokenPath = '/auth/o2/token';
/** A token this close to its end is renewed before it is used. */
const renewalMarginMs = 60_000;
/** `seller`: on behalf of the account. `application`: for what belongs to the application itself, its notifications. */
export type Grant = 'seller' | 'application';
const notificationScope = 'sellingpartnerapi::notifications';

interface AccessToken {
  token: string;
  expiresAtMs: number;
}

const tokenAnswer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
});

/**
 * An access token of Login with Amazon. It lives an hour and is kept in this process's memory only; all who ask at the
 * same time share one request. @throws AppError AMAZON_UNAUTHORIZED
 */
export async function accessToken(session: AmazonSession, grant: Grant): Promise<string> {
  const cacheKey = cacheKeyOf(grant);
  const kept = session.cache.get(cacheKey) as Promise<AccessToken> | undefined;
  if (kept !== undefined) {
    const current = await kept;
    if (current.expiresAtMs - renewalMarginMs > session.now()) return current.token;
    if (session.cache.get(cacheKey) === kept) session.cache.delete(cacheKey);
    return accessToken(session, grant);
  }
  const renewal = renew(session, grant);
  session.cache.set(cacheKey, renewal);
  renewal.catch(() => {
    if (session.cache.get(cacheKey) === renewal) session.cache.delete(cacheKey);
  });
  return (await renewal).token;
}

/** Amazon does not take this token any more. Whoever was faster has renewed it already. */
export async function forgetAccessToken(session: AmazonSession, grant: Grant, spent: string): Promise<void> {
  const cacheKey = cacheKeyOf(grant);
  const kept = session.cache.get(cacheKey) as Promise<AccessToken> | undefined;
  const current = await kept?.catch(() => null);
  if (current?.token === spent && session.cache.get(cacheKey) === kept) session.cache.delete(cacheKey);
}

function cacheKeyOf(grant: Grant): string {
  return `amazon.access-token ${grant}`;
}

async function renew(session: AmazonSession, grant: Grant): Promise<AccessToken> {
  const credentials = await session.credentials();
  const startedMs = session.now();
  let response: Response;
  try {
    response = await fetch(tokenUrl(credentials), {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        ...(grant === 'seller'
          ? { grant_type: 'refresh_token', refresh_token: credentials.refreshToken }
          : { grant_type: 'client_credentials', scope: notificationScope }),
        client_id: credentials.clientId,
        client_secret: credentials.clientSecret,
      }),
      signal: AbortSignal.timeout(session.timeoutMs),
    });
  } catch (error) {
    throw toAppError(error, 'a new access token');
  }
  if (response.status === 429 || response.status >= 500)
    throw new AppError({
      code: 'AMAZON_DOWN',
      retryable: true,
      publicMessage: `Login with Amazon answered HTTP ${response.status}.`,
      remedy: 'Look at Amazon’s status page.',
    });
  const answer = tokenAnswer.safeParse(await response.json().catch(() => null));
  if (!response.ok || !answer.success)
    throw new AppError({
      code: 'AMAZON_UNAUTHORIZED',
      retryable: false,
      publicMessage: 'Login with Amazon gives out no access token for this account any more.',
      remedy:
        'Authorise the application again in Seller Central, store the new refresh token and the client secret (it expires every 180 days), then retry.',
    });
  const { access_token: token, refresh_token: next, expires_in: seconds } = answer.data;
  if (next !== undefined && next !== credentials.refreshToken)
    await session.rotate(async (current) => ({ ...current, refreshToken: next }));
  return { token, expiresAtMs: startedMs + seconds * 1_000 };
}

function tokenUrl({ lwaUrl }: AmazonCredentials): string {
  const url = new URL(lwaUrl ?? defaultLwaUrl);
  if (url.pathname === '/') url.pathname = tokenPath;
  return url.toString();
}
