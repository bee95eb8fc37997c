import type { Random } from '../kit/random.ts';
import type { Handler, SandboxRequest, SandboxResponse } from '../kit/server.ts';
import { associationRoutes } from './association-routes.ts';
import type { Actor, Crm } from './crm.ts';
import { HubSpotError, toResponse } from './errors.ts';
import { DailyLimit, RollingLimit } from './limits.ts';
import type { OAuth } from './oauth.ts';
import { objectRoutes } from './object-routes.ts';
import { objectTypeNamed } from './object-types.ts';
import { propertyRoutes } from './property-routes.ts';
import { publicPipelines } from './representations.ts';
import { pathSegments } from './requests.ts';

export interface ApiOptions {
  crm: Crm;
  oauth: OAuth;
  random: Random;
  now: () => number;
  portalId: number;
  appId: number;
  limits: ApiLimits;
  /** Where a batch fails in part: always 207, or only where every input carries an objectWriteTraceId. */
  partialFailures: 'always' | 'traced';
}

/** The buckets that a request may have to draw from. */
export class ApiLimits {
  enabled: boolean;
  readonly rolling: RollingLimit;
  readonly search: RollingLimit;
  readonly daily: DailyLimit;

  constructor(enabled: boolean, perTenSeconds: number, searchPerSecond: number, perDay: number) {
    this.enabled = enabled;
    this.rolling = new RollingLimit(perTenSeconds, 10_000);
    this.search = new RollingLimit(searchPerSecond, 1000);
    this.daily = new DailyLimit(perDay);
  }

  reset(): void {
    this.rolling.reset();
    this.search.reset();
    this.daily.reset();
  }
}

/** What the routes need of a call beside the request. */
export interface RouteContext {
  crm: Crm;
  now: () => number;
  actor: Actor;
  partialFailures: 'always' | 'traced';
}

export function hubspotApi(options: ApiOptions): Handler {
  const context: RouteContext = {
    crm: options.crm,
    now: options.now,
    actor: { changeSource: 'INTEGRATION', sourceId: String(options.appId) },
    partialFailures: options.partialFailures,
  };
  return (request) => {
    let headers: Record<string, string> = {};
    const correlationId = uuid(options.random);
    try {
      const fromOAuth = options.oauth.handle(request);
      if (fromOAuth !== null) return fromOAuth;
      options.oauth.authorise(request.headers.authorization);
      headers = draw(options, request);
      const response = route(options, context, request);
      if (response === null)
        throw new HubSpotError(
          404,
          'OBJECT_NOT_FOUND',
          `No route for ${request.method} ${request.url.pathname}`,
        );
      return {
        ...response,
        headers: { ...headers, ...response.headers, 'x-hubspot-correlation-id': correlationId },
      };
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error;
      const response = toResponse(error, correlationId);
      return {
        ...response,
        headers: { ...headers, ...response.headers, 'x-hubspot-correlation-id': correlationId },
      };
    }
  };
}

function route(options: ApiOptions, context: RouteContext, request: SandboxRequest): SandboxResponse | null {
  const segments = pathSegments(request);
  const [area, version, kind, ...rest] = segments;
  if (area === 'crm' && kind !== undefined) {
    if (kind === 'objects' && rest[2] === 'associations' && version !== undefined)
      return associationRoutes.ofRecord(context, request, version, rest);
    if (version === 'v3' && kind === 'objects') return objectRoutes(context, request, rest);
    if (version === 'v3' && kind === 'properties') return propertyRoutes(context, request, rest);
    if (version === 'v4' && kind === 'associations') return associationRoutes.ofTypes(context, request, rest);
    if (version === 'v3' && kind === 'pipelines' && request.method === 'GET' && rest.length === 1)
      return { status: 200, body: { results: publicPipelines(objectTypeNamed(rest[0] ?? '').id) } };
  }
  if (request.method === 'GET' && segments.join('/') === 'account-info/v3/details')
    return { status: 200, body: accountDetails(options.portalId) };
  if (request.method === 'GET' && segments.join('/') === 'account-info/v3/api-usage/daily/private-apps')
    return {
      status: 200,
      body: {
        results: [
          {
            name: 'private-apps-api-calls-daily',
            usageLimit: options.limits.daily.max,
            currentUsage: options.limits.daily.used,
            fetchStatus: 'SUCCESS',
          },
        ],
      },
    };
  return null;
}

function accountDetails(portalId: number): Record<string, unknown> {
  return {
    portalId,
    accountType: 'STANDARD',
    timeZone: 'Europe/London',
    companyCurrency: 'USD',
    additionalCurrencies: [],
    utcOffset: '+00:00',
    utcOffsetMilliseconds: 0,
    uiDomain: 'app.hubspot.com',
    dataHostingLocation: 'na1',
  };
}

/** Takes one request out of the buckets, or throws the 429. Searches draw from a bucket of their own. */
function draw({ limits, portalId, now }: ApiOptions, request: SandboxRequest): Record<string, string> {
  if (!limits.enabled) return {};
  const at = now();
  const isSearch = request.method === 'POST' && request.url.pathname.endsWith('/search');
  if (isSearch) {
    if (!limits.search.take(at).allowed) throw tooMany('SECONDLY', 'secondly', portalId);
    if (!limits.daily.take(at).allowed) throw tooMany('DAILY', 'daily', portalId);
    // Answers of the search carry no X-HubSpot-RateLimit headers.
    return {};
  }
  const rolling = limits.rolling.take(at);
  if (!rolling.allowed)
    throw tooMany('TEN_SECONDLY_ROLLING', 'ten_secondly_rolling', portalId, rateHeaders(limits, 0, null));
  const daily = limits.daily.take(at);
  if (!daily.allowed) throw tooMany('DAILY', 'daily', portalId, rateHeaders(limits, rolling.remaining, 0));
  return rateHeaders(limits, rolling.remaining, daily.remaining);
}

function rateHeaders(
  limits: ApiLimits,
  remaining: number,
  dailyRemaining: number | null,
): Record<string, string> {
  return {
    'x-hubspot-ratelimit-daily': String(limits.daily.max),
    'x-hubspot-ratelimit-daily-remaining': String(dailyRemaining ?? limits.daily.max - limits.daily.used),
    'x-hubspot-ratelimit-interval-milliseconds': String(limits.rolling.windowMs),
    'x-hubspot-ratelimit-max': String(limits.rolling.max),
    'x-hubspot-ratelimit-remaining': String(remaining),
  };
}

function tooMany(
  policyName: string,
  name: string,
  portalId: number,
  headers: Record<string, string> = {},
): HubSpotError {
  return new HubSpotError(429, 'RATE_LIMITS', `You have reached your ${name} limit.`, {
    headers,
    extra: {
      errorType: 'RATE_LIMIT',
      policyName,
      groupName: `publicapi:private-apps-api-calls-${name.replaceAll('_', '-')}:${portalId}`,
    },
  });
}

function uuid(random: Random): string {
  let text = '';
  for (let word = 0; word < 4; word += 1)
    text += Math.floor(random.next() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20, 32)}`;
}
