import type { Finding } from '../platform.ts';
import type { QuickBooksSession } from './client.ts';
import { companyOf } from './company.ts';
import { policyDesk } from './policy.ts';

/** What of the posting policy does not fit the company, and until when its books are closed. */
export async function examine(session: QuickBooksSession): Promise<Finding[]> {
  const problems = await policyDesk.check(session.settings, session);
  // The check has just read it.
  const { closedUntil, homeCurrency } = await companyOf(session);
  const closed = closedUntil === null ? '' : `, closed until ${closedUntil}`;
  return [
    {
      subject: 'Company',
      state: 'good',
      message: `It can be read; its books are in ${homeCurrency}${closed}.`,
      remedy: null,
    },
    ...(problems.length === 0
      ? [good]
      : problems.map(
          ({ field, message, severity }): Finding => ({
            subject: `Posting policy, ${field}`,
            state: severity === 'refuse' ? 'broken' : 'limited',
            message,
            remedy:
              severity === 'refuse'
                ? 'Change the choice (postingPolicyUpdate) or the company; what waits is written by itself then.'
                : null,
          }),
        )),
  ];
}

const good: Finding = {
  subject: 'Posting policy',
  state: 'good',
  message: 'It fits the company.',
  remedy: null,
};
