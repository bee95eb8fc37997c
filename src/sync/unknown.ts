import { AppError } from '../errors.ts';

/** That there is no such account, delivery or push: CONNECTION_UNKNOWN, DELIVERY_UNKNOWN or PUSH_UNKNOWN. */
export function unknown(type: 'Connection' | 'Delivery' | 'Push', id: bigint): AppError {
  return new AppError({
    code: `${type.toUpperCase()}_UNKNOWN`,
    retryable: false,
    publicMessage: `There is no ${type.toLowerCase()} ${id}.`,
    missing: { type, id },
  });
}
