import { InvalidInput } from './graph/write-context.ts';

/** Long enough for what was done instead, and where to find it. */
const longestReason = 1_000;

/** Whether `checkedReason` takes it. */
export function isReason(reason: string): boolean {
  const text = reason.trim();
  return text !== '' && text.length <= longestReason && !text.includes('\0');
}

/** Why a person decides: never without a word. @param wish what it has to say @throws InvalidInput */
export function checkedReason(reason: string, wish: string): string {
  const text = reason.trim();
  if (text === '') throw new InvalidInput('reason', `must not be empty: say ${wish}.`);
  if (text.length > longestReason)
    throw new InvalidInput('reason', `must have at most ${longestReason} characters.`);
  if (text.includes('\0')) throw new InvalidInput('reason', 'must not contain the character NUL.');
  return text;
}
