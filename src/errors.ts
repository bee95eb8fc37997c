/**
 * An error with a stable code. `publicMessage` may be shown to anyone and names the remedy; the cause and the stack
 * stay in the log. `retryable` decides the fate of work: transient errors back off, others become dead letters.
 */
export class AppError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly publicMessage: string;
  /** What a person can do about it. */
  readonly remedy: string | null;
  /** The earliest time at which trying again makes sense, in ms from now (Retry-After). */
  readonly retryAfterMs: number | null;
  /** The argument at fault, where one is; of a mutation beneath its `input`. Dots lead into it. */
  readonly field: string | null;
  /** What there is not: whoever asked is told which of their inputs names it. */
  readonly missing: { type: string; id: bigint } | null;

  constructor(options: {
    code: string;
    retryable: boolean;
    publicMessage: string;
    remedy?: string;
    retryAfterMs?: number;
    field?: string;
    missing?: { type: string; id: bigint };
    cause?: unknown;
  }) {
    super(
      `${options.code}: ${options.publicMessage}`,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.name = 'AppError';
    this.code = options.code;
    this.retryable = options.retryable;
    this.publicMessage = options.publicMessage;
    this.remedy = options.remedy ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.field = options.field ?? null;
    this.missing = options.missing ?? null;
  }
}

/** Makes a `never` check at the end of a switch over a union. */
export function unreachable(value: never): never {
  throw new AppError({
    code: 'UNREACHABLE',
    retryable: false,
    publicMessage: `A case was forgotten: ${JSON.stringify(value)}`,
  });
}
