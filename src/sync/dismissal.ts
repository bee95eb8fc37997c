import { AppError } from '../errors.ts';
import { InvalidInput } from './graph/write-context.ts';

/** Long enough for what was done instead, and where to find it. */
const longestReason = 1_000;

/** Why a dead letter is closed: never without a word. @throws InvalidInput */
export function checkedDismissalReason(reason: string): string {
  const text = reason.trim();
  if (text === '') throw new InvalidInput('reason', 'must not be empty: say why it may be closed.');
  if (text.length > longestReason)
    throw new InvalidInput('reason', `must have at most ${longestReason} characters.`);
  if (text.includes('\0')) throw new InvalidInput('reason', 'must not contain the character NUL.');
  return text;
}

/** Only what has failed for good can be closed: anything else may still be carried out. */
export function notDead(what: 'push' | 'delivery', id: bigint, status: string): AppError {
  return new AppError({
    code: what === 'push' ? 'PUSH_NOT_DEAD' : 'DELIVERY_NOT_DEAD',
    retryable: false,
    publicMessage: `The ${what} ${id} is ${status}: only a dead letter can be dismissed.`,
  });
}
