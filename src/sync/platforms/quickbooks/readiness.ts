import { AppError } from '../../../errors.ts';
import type { QuickBooksSession } from './client.ts';
import { policyDesk } from './policy.ts';

const cacheKey = 'quickbooks.readiness';

interface Checked {
  /** The settings as they were checked. */
  settings: string;
  result: Promise<void>;
}

/**
 * Holds everything against the company before the first document is written with these settings: a choice that does not
 * fit lets all documents wait, instead of each failing on its own. What changes in the company later on is met by the
 * documents that it concerns. @throws AppError BOOKS_NOT_READY (retryable, with the remedy)
 */
export function assertReady(session: QuickBooksSession): Promise<void> {
  const settings = JSON.stringify(session.settings);
  const known = session.cache.get(cacheKey) as Checked | undefined;
  if (known?.settings === settings) return known.result;
  const result = check(session);
  session.cache.set(cacheKey, { settings, result } satisfies Checked);
  // A refusal is not kept: somebody is about to remedy it.
  result.catch(() => session.cache.delete(cacheKey));
  return result;
}

async function check(session: QuickBooksSession): Promise<void> {
  const problems = await policyDesk.check(session.settings, session);
  const refusals = problems.filter((one) => one.severity === 'refuse');
  if (refusals.length === 0) return;
  throw new AppError({
    code: 'BOOKS_NOT_READY',
    retryable: true,
    publicMessage: `The posting policy does not fit the company: ${refusals.map((one) => `${one.field}: ${one.message}`).join(' ')}`,
    remedy: 'Change the choice (postingPolicyUpdate) or the company; what waits is written by itself then.',
  });
}
