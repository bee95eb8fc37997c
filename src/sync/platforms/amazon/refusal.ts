import { z } from 'zod';
import { AppError } from '../../../errors.ts';

const errorList = z.object({
  errors: z
    .array(z.object({ code: z.string(), message: z.string().nullish(), details: z.string().nullish() }))
    .min(1),
});

/** What Amazon answered instead of doing as asked. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: string;
  readonly retryAfterMs: number | null;

  constructor(options: {
    status: number;
    code: string;
    message: string;
    details: string;
    retryAfterMs: number | null;
  }) {
    super(options.message);
    this.status = options.status;
    this.code = options.code;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }

  static from(response: Response, text: string): Refusal {
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch {
      parsed = null;
    }
    const known = errorList.safeParse(parsed);
    const first = known.success ? known.data.errors[0] : undefined;
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
    return new Refusal({
      status: response.status,
      code: first?.code ?? '',
      message: first?.message ?? `HTTP ${response.status}`,
      details: first?.details ?? '',
      retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : null,
    });
  }

  /** A token that has run out is told apart from a missing role by the details only. */
  get tokenSpent(): boolean {
    return (
      (this.status === 401 || this.status === 403) &&
      /access token/i.test(`${this.message} ${this.details}`) &&
      /expired|invalid|revoked/i.test(`${this.message} ${this.details}`)
    );
  }
}

/** In our words, with what a person can do. */
export function toAppError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof Refusal))
    return new AppError({
      code: 'AMAZON_UNREACHABLE',
      retryable: true,
      publicMessage: `Amazon could not be reached for ${doing}.`,
      remedy: 'Look at the network and at Amazon’s status page.',
      cause: error,
    });
  const said = `${error.message}${error.details === '' ? '' : ` (${error.details})`}`.slice(0, 300);
  if (error.status === 429 || error.code === 'QuotaExceeded')
    return new AppError({
      code: 'AMAZON_THROTTLED',
      retryable: true,
      publicMessage: `Amazon takes no more ${doing} requests for now.`,
      remedy: 'It resolves itself; another application that uses the same account takes part of its rate.',
      ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
      cause: error,
    });
  if (error.status >= 500)
    return new AppError({
      code: 'AMAZON_DOWN',
      retryable: true,
      publicMessage: `Amazon answered ${doing} with HTTP ${error.status}.`,
      remedy: 'Look at Amazon’s status page.',
      ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
      cause: error,
    });
  // A role that is missing keeps back what needs it and nothing else.
  if (error.status === 403 && !error.tokenSpent)
    return new AppError({
      code: 'AMAZON_ROLE_MISSING',
      retryable: false,
      publicMessage: `Amazon does not let us use ${doing}: ${said}`,
      remedy:
        'Give the application the roles named in docs/platforms/amazon.md, authorise it again in Seller Central, then retry.',
      cause: error,
    });
  if (error.status === 401 || error.status === 403)
    return new AppError({
      code: 'AMAZON_UNAUTHORIZED',
      retryable: false,
      publicMessage: `Amazon does not let us use ${doing}: ${said}`,
      remedy:
        'Authorise the application again in Seller Central and store the new refresh token, then retry.',
      cause: error,
    });
  return new AppError({
    code: 'AMAZON_REFUSED',
    retryable: false,
    publicMessage: `Amazon refused ${doing}: ${said}`,
    remedy: 'Correct what Amazon names, then retry.',
    cause: error,
  });
}
