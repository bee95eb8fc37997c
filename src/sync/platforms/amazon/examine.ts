import { AppError } from '../../../errors.ts';
import type { Finding } from '../platform.ts';
import type { AmazonSession } from './client.ts';
import { findDestination, notificationTypes, readSubscription } from './prepare.ts';

const subject = 'Notifications';

/** How Amazon tells of changes; without any, sweeps find them. */
export async function examine(session: AmazonSession): Promise<Finding[]> {
  const { webhookSecret, marketplaceId } = await session.credentials();
  const destination = await findDestination(session);
  const access: Finding = {
    subject: 'Access',
    state: 'good',
    message: `Amazon answers for the marketplace ${marketplaceId}.`,
    remedy: null,
  };
  if (webhookSecret === undefined || destination === null)
    return [
      access,
      limited(
        webhookSecret === undefined
          ? 'Without AMAZON_WEBHOOK_SECRET none is taken in; sweeps find changes, which takes minutes.'
          : 'Amazon has no destination named "tributary"; sweeps find changes, which takes minutes.',
        'Set them up as docs/platforms/amazon.md tells, under Notifications.',
      ),
    ];
  const missing: string[] = [];
  for (const type of notificationTypes) if (!(await comesTo(session, type, destination))) missing.push(type);
  return [
    access,
    missing.length === 0
      ? {
          subject,
          state: 'good',
          message: `${notificationTypes.length} kinds go to the destination "tributary".`,
          remedy: null,
        }
      : limited(
          `Amazon does not send ${missing.join(', ')} there; sweeps find those changes.`,
          'Not every destination carries every kind: look at the log of the start for what Amazon said.',
        ),
  ];
}

async function comesTo(session: AmazonSession, type: string, destination: string): Promise<boolean> {
  try {
    return (await readSubscription(session, type))?.destinationId === destination;
  } catch (error) {
    if (error instanceof AppError && error.code === 'AMAZON_REFUSED') return false;
    throw error;
  }
}

function limited(message: string, remedy: string): Finding {
  return { subject, state: 'limited', message, remedy };
}
