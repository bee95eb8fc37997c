import type { SandboxResponse } from '../kit/server.ts';

/** A refusal as all of Amazon's APIs word it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: string;

  constructor(status: number, code: string, message: string, details = '') {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }

  get response(): SandboxResponse {
    return {
      status: this.status,
      body: { errors: [{ code: this.code, message: this.message, details: this.details }] },
    };
  }
}

export function invalidInput(message: string): ApiError {
  return new ApiError(400, 'InvalidInput', message);
}
