import { AppError } from '../../../errors.ts';

/** What HubSpot answers instead of a result: for a whole request, or for one input of a batch. */
export class Refusal extends Error {
  readonly status: number;
  readonly category: string;
  readonly details: readonly InvalidProperty[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(options: {
    status: number;
    category: string;
    message: string;
    details: readonly InvalidProperty[];
    headers?: Readonly<Record<string, string>>;
  }) {
    super(options.message);
    this.name = 'Refusal';
    this.status = options.status;
    this.category = options.category;
    this.details = options.details;
    this.headers = options.headers ?? {};
  }
}

export interface InvalidProperty {
  /** PROPERTY_DOESNT_EXIST, INVALID_OPTION, INVALID_EMAIL, CONFLICTING_UNIQUE_VALUE, … */
  code: string;
  property: string;
  message: string;
}

interface ErrorBody {
  category?: unknown;
  message?: unknown;
  errors?: unknown;
  policyName?: unknown;
}

/** Reads what the SDK throws; null where no answer came (network, time-out). */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'number')
    return null;
  const { code, body, headers } = error as { code: number; body?: unknown; headers?: unknown };
  return refusalFrom(code, readBody(body), lowerCased(headers));
}

/** One entry of `errors` in a 207. */
export function refusalFrom(
  status: number,
  body: ErrorBody,
  headers: Readonly<Record<string, string>> = {},
): Refusal {
  const message = typeof body.message === 'string' ? body.message : `HTTP ${status}`;
  return new Refusal({
    status,
    category: typeof body.category === 'string' ? body.category : '',
    message,
    details: [...listedDetails(body.errors), ...detailsInMessage(message)],
    headers,
  });
}

/** The record that is in the way: named in the text and nowhere else. */
export function existingId(refusal: Refusal): string | null {
  const isConflict = refusal.status === 409 || refusal.category === 'CONFLICT';
  return isConflict ? (/Existing ID:\s*(\d+)/i.exec(refusal.message)?.[1] ?? null) : null;
}

export function detailsOf(refusal: Refusal, code: string): InvalidProperty[] {
  const seen = new Set<string>();
  return refusal.details.filter((one) => {
    if (one.code !== code || seen.has(one.property)) return false;
    seen.add(one.property);
    return true;
  });
}

/** The error that the engine acts upon: what is worth trying again, and what a person has to do about the rest. */
export function toAppError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  const refusal = refusalOf(error);
  if (refusal === null)
    return new AppError({
      code: 'HUBSPOT_UNREACHABLE',
      retryable: true,
      publicMessage: `HubSpot did not answer while ${doing}.`,
      cause: error,
    });
  const { status, message } = refusal;
  if (status === 401)
    return new AppError({
      code: 'HUBSPOT_UNAUTHORIZED',
      retryable: false,
      publicMessage: 'HubSpot does not accept our access token any more.',
      remedy: 'Connect HubSpot again with a valid private-app token or OAuth grant, then retry.',
      cause: refusal,
    });
  if (status === 403)
    return new AppError({
      code: 'HUBSPOT_FORBIDDEN',
      retryable: false,
      publicMessage: `HubSpot does not allow ${doing}: ${message}`,
      remedy:
        'Give the app the scopes crm.objects.contacts, crm.objects.orders, crm.objects.line_items and crm.schemas (read and write), then retry.',
      cause: refusal,
    });
  if (status === 429)
    return new AppError({
      code: 'HUBSPOT_RATE_LIMIT',
      retryable: true,
      publicMessage: `HubSpot's limit is reached (${policyOf(refusal)}).`,
      retryAfterMs: retryAfterMs(refusal) ?? waitByPolicy(policyOf(refusal)),
      cause: refusal,
    });
  if (status === 477)
    return new AppError({
      code: 'HUBSPOT_MIGRATING',
      retryable: true,
      publicMessage: 'HubSpot is moving this account between data centres.',
      remedy: 'Wait: HubSpot says when it is done, within 24 hours.',
      retryAfterMs: retryAfterMs(refusal) ?? 15 * 60_000,
      cause: refusal,
    });
  if (status >= 500 || status === 408 || status === 423)
    return new AppError({
      code: 'HUBSPOT_UNAVAILABLE',
      retryable: true,
      publicMessage: `HubSpot answered ${status} while ${doing}.`,
      ...wait(retryAfterMs(refusal)),
      cause: refusal,
    });
  const [first] = refusal.details;
  return new AppError({
    code: 'HUBSPOT_REFUSED',
    retryable: false,
    publicMessage: `HubSpot refused ${doing}: ${first === undefined ? message.slice(0, 300) : `${first.property}: ${first.message}`}`,
    remedy: remedyOf(first),
    cause: refusal,
  });
}

function remedyOf(detail: InvalidProperty | undefined): string {
  if (detail?.code === 'INVALID_OPTION' && detail.property.endsWith('currency_code'))
    return 'Add the currency under Settings → Account defaults → Currency in HubSpot, then retry.';
  if (detail?.code === 'INVALID_OPTION')
    return `Allow the value as an option of the property ${detail.property} in HubSpot, then retry.`;
  if (detail?.code === 'PROPERTY_DOESNT_EXIST')
    return `Restore the property ${detail.property} in HubSpot, then retry.`;
  return 'Correct the data that HubSpot names or the property settings in HubSpot, then retry.';
}

function policyOf(refusal: Refusal): string {
  return /your (\S+) limit/i.exec(refusal.message)?.[1]?.toUpperCase() ?? 'unknown policy';
}

function waitByPolicy(policy: string): number {
  if (policy === 'DAILY') return 60 * 60_000;
  return policy === 'SECONDLY' ? 1000 : 10_000;
}

function retryAfterMs(refusal: Refusal): number | null {
  const seconds = Number(refusal.headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

function wait(ms: number | null): { retryAfterMs: number } | Record<string, never> {
  return ms === null ? {} : { retryAfterMs: ms };
}

function readBody(body: unknown): ErrorBody {
  if (typeof body === 'string') {
    try {
      return readBody(JSON.parse(body));
    } catch {
      return { message: body.slice(0, 300) };
    }
  }
  return typeof body === 'object' && body !== null ? (body as ErrorBody) : {};
}

function listedDetails(errors: unknown): InvalidProperty[] {
  if (!Array.isArray(errors)) return [];
  return errors.flatMap((one: { code?: unknown; message?: unknown; context?: Record<string, unknown> }) => {
    const names = one?.context?.propertyName;
    const property = Array.isArray(names) ? names[0] : undefined;
    if (typeof one?.code !== 'string' || typeof property !== 'string') return [];
    return [{ code: one.code, property, message: typeof one.message === 'string' ? one.message : one.code }];
  });
}

/** Some answers carry the refused values only as JSON inside the text. */
function detailsInMessage(message: string): InvalidProperty[] {
  const json = /^Property values were not valid: (\[.*\])$/s.exec(message)?.[1];
  if (json === undefined) return [];
  try {
    const list = JSON.parse(json) as { error?: unknown; name?: unknown; message?: unknown }[];
    return list.flatMap((one) =>
      typeof one.error === 'string' && typeof one.name === 'string'
        ? [{ code: one.error, property: one.name, message: String(one.message ?? one.error) }]
        : [],
    );
  } catch {
    return [];
  }
}

function lowerCased(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {};
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
