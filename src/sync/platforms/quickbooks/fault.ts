import { AppError } from '../../../errors.ts';

/** What QuickBooks answers instead of a result: for a request, inside HTTP 200, or for one operation of a batch. */
export class Fault extends Error {
  readonly status: number;
  /** QuickBooks's own code: 5010 stale, 6240 name taken, … */
  readonly code: string;
  readonly element: string;
  readonly retryAfterMs: number | null;

  constructor(options: {
    status: number;
    code: string;
    message: string;
    element?: string;
    retryAfterMs?: number | null;
  }) {
    super(options.message);
    this.name = 'Fault';
    this.status = options.status;
    this.code = options.code;
    this.element = options.element ?? '';
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

export const staleObject = '5010';
export const nameTaken = '6240';
export const docNumberTaken = '6140';
/** The money of a document is part of a deposit: its amount cannot change any more. */
export const alreadyDeposited = '6540';
/** A rule of the books: more is applied than is open, among others. */
export const businessRule = '6000';
export const objectNotFound = '610';
/** What a reference names is not there, or was made inactive. */
export const deadReferences: readonly string[] = [objectNotFound, '2500'];

/** Null where the answer is no fault. Both spellings, and bodies that are no JSON at all. */
export function faultIn(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, unknown>> = {},
): Fault | null {
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
  const given = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const fault = (given.Fault ?? given.fault) as Record<string, unknown> | null | undefined;
  const errors = (fault?.Error ?? fault?.error) as Record<string, unknown>[] | undefined;
  const first = Array.isArray(errors) ? errors[0] : undefined;
  if (first === undefined)
    return status >= 200 && status < 300
      ? null
      : new Fault({ status, code: '', message: `HTTP ${status}`, retryAfterMs });
  const text = (name: string): string => String(first[name] ?? first[name.toLowerCase()] ?? '');
  return new Fault({
    status,
    code: text('code'),
    message: text('Detail') || text('Message') || `HTTP ${status}`,
    element: text('element'),
    retryAfterMs,
  });
}

export function isFault(error: unknown, ...codes: readonly string[]): error is Fault {
  return error instanceof Fault && codes.includes(error.code);
}

/** Closed books come under several codes; the sentence is what they share. */
export function isClosedBooks(error: unknown): boolean {
  return (
    error instanceof Fault &&
    (['6200', '6210'].includes(error.code) || /period has closed|books.*closed/i.test(error.message))
  );
}

/** Sale and refund of one order reach the books side by side, and one may have to make room for the other. */
export function awaitingCredit(cause: unknown): AppError {
  return new AppError({
    code: 'LINK_PENDING',
    retryable: true,
    publicMessage: `Waiting for what is applied to this invoice to follow the order: ${cause instanceof Error ? cause.message.slice(0, 200) : ''}`,
    remedy: 'Compare the invoice, its payments and its credits with the order in QuickBooks.',
    cause,
  });
}

export function toAppError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof Fault))
    return new AppError({
      code: 'QUICKBOOKS_UNREACHABLE',
      retryable: true,
      publicMessage: `QuickBooks did not answer while ${doing}.`,
      cause: error,
    });
  const { status, code, message } = error;
  if (status === 401)
    return permanent(
      'QUICKBOOKS_UNAUTHORIZED',
      'QuickBooks does not accept our access any more.',
      'Connect QuickBooks again, then retry.',
      error,
    );
  if (status === 403)
    return permanent(
      'QUICKBOOKS_FORBIDDEN',
      `QuickBooks does not allow ${doing}.`,
      'Connect QuickBooks again as an administrator of this company and grant the accounting scope.',
      error,
    );
  if (status === 429)
    return new AppError({
      code: 'QUICKBOOKS_RATE_LIMIT',
      retryable: true,
      publicMessage: 'QuickBooks’s request limit is reached.',
      retryAfterMs: error.retryAfterMs ?? 5000,
      cause: error,
    });
  if (status >= 500 || status === 408 || code === '10000')
    return new AppError({
      code: 'QUICKBOOKS_UNAVAILABLE',
      retryable: true,
      publicMessage: `QuickBooks answered ${status} while ${doing}.`,
      ...(error.retryAfterMs === null ? {} : { retryAfterMs: error.retryAfterMs }),
      cause: error,
    });
  if (code === staleObject)
    return new AppError({
      code: 'QUICKBOOKS_STALE',
      retryable: true,
      publicMessage: `Somebody kept changing the same record in QuickBooks while ${doing}.`,
      cause: error,
    });
  if (isClosedBooks(error))
    return permanent(
      'QUICKBOOKS_BOOKS_CLOSED',
      `The books are closed for the date of this document: ${message}`,
      'Reopen the period in QuickBooks or let closed dates move to the first open day (setting closedBooks), then retry.',
      error,
    );
  if (code === '6190')
    return permanent(
      'QUICKBOOKS_SUBSCRIPTION',
      'The QuickBooks subscription of this company has ended.',
      'Renew the QuickBooks subscription, then retry.',
      error,
    );
  return permanent(
    'QUICKBOOKS_REFUSED',
    `QuickBooks refused ${doing} (${code}${error.element === '' ? '' : `, ${error.element}`}): ${message.slice(0, 300)}`,
    'Correct what QuickBooks names in the order, the settings of this connection or the company, then retry.',
    error,
  );
}

function permanent(code: string, publicMessage: string, remedy: string, cause: unknown): AppError {
  return new AppError({ code, retryable: false, publicMessage, remedy, cause });
}
