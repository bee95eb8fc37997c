import type { SandboxResponse } from '../kit/server.ts';

export interface ErrorDetail {
  message: string;
  code?: string;
  context?: Record<string, string[]>;
}

/** What HubSpot answers instead of a result. The correlation id is added where the answer is written. */
export class HubSpotError extends Error {
  readonly status: number;
  readonly category: string;
  readonly subCategory: string | undefined;
  readonly errors: readonly ErrorDetail[] | undefined;
  readonly context: Record<string, string[]> | undefined;
  readonly headers: Record<string, string> | undefined;
  /** Fields beside the usual ones (policyName, errorType). */
  readonly extra: Record<string, unknown> | undefined;

  constructor(
    status: number,
    category: string,
    message: string,
    more: {
      subCategory?: string;
      errors?: readonly ErrorDetail[];
      context?: Record<string, string[]>;
      headers?: Record<string, string>;
      extra?: Record<string, unknown>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.category = category;
    this.subCategory = more.subCategory;
    this.errors = more.errors;
    this.context = more.context;
    this.headers = more.headers;
    this.extra = more.extra;
  }
}

export function toResponse(error: HubSpotError, correlationId: string): SandboxResponse {
  return {
    status: error.status,
    ...(error.headers === undefined ? {} : { headers: error.headers }),
    body: {
      status: 'error',
      message: error.message,
      correlationId,
      ...(error.context === undefined ? {} : { context: error.context }),
      ...(error.errors === undefined ? {} : { errors: error.errors }),
      category: error.category,
      ...(error.subCategory === undefined ? {} : { subCategory: error.subCategory }),
      ...error.extra,
    },
  };
}

/** One property value that HubSpot refuses. */
export interface InvalidValue {
  name: string;
  error: string;
  message: string;
  value?: string;
}

/** All refused values of one input travel in one 400, as JSON inside the message and again in `errors`. */
export function invalidValues(invalid: readonly InvalidValue[], portalId: number): HubSpotError {
  const inMessage = invalid.map((one) => ({
    isValid: false,
    message: one.message,
    error: one.error,
    name: one.name,
    localizedErrorMessage: one.message,
    ...(one.value === undefined ? {} : { propertyValue: one.value }),
    portalId,
  }));
  return new HubSpotError(
    400,
    'VALIDATION_ERROR',
    `Property values were not valid: ${JSON.stringify(inMessage)}`,
    {
      errors: invalid.map((one) => ({
        message: one.message,
        code: one.error,
        context: { propertyName: [one.name] },
      })),
    },
  );
}

export function badRequest(message: string, errors?: readonly ErrorDetail[]): HubSpotError {
  return new HubSpotError(400, 'VALIDATION_ERROR', message, errors === undefined ? {} : { errors });
}

export function notFound(): HubSpotError {
  return new HubSpotError(404, 'OBJECT_NOT_FOUND', 'resource not found');
}

/** The message is the only place where the existing id stands: clients parse it. */
export function contactExists(existingId: string): HubSpotError {
  return new HubSpotError(409, 'CONFLICT', `Contact already exists. Existing ID: ${existingId}`);
}
