import { AppError } from '../errors.ts';

/** Only what has failed for good can be closed: anything else may still be carried out. */
export function notDead(what: 'push' | 'delivery', id: bigint, status: string): AppError {
  return new AppError({
    code: what === 'push' ? 'PUSH_NOT_DEAD' : 'DELIVERY_NOT_DEAD',
    retryable: false,
    publicMessage: `The ${what} ${id} is ${status}: only a dead letter can be dismissed.`,
  });
}
