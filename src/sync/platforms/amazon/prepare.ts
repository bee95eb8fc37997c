import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { type AmazonSession, ask } from './client.ts';

/** What the graph lives on. Which of them an account may have depends on its destination and programmes. */
export const notificationTypes = [
  'ORDER_CHANGE',
  'TRANSACTION_UPDATE',
  'LISTINGS_ITEM_MFN_QUANTITY_CHANGE',
  'FBA_INVENTORY_AVAILABILITY_CHANGES',
] as const;

/** The destination that a person has made for us, by its name. */
const destinationName = /^tributary\b/i;

const destinationsAnswer = z.object({
  payload: z.array(z.object({ destinationId: z.string(), name: z.string() })).nullish(),
});
const subscriptionAnswer = z.object({
  payload: z.object({ subscriptionId: z.string(), destinationId: z.string() }).nullish(),
});

/**
 * Subscribes to notifications and heals what is missing or points elsewhere. Without a destination named "tributary" the
 * sweep alone finds changes: that is slower, and nothing else.
 */
export async function prepare(session: AmazonSession): Promise<void> {
  const { webhookSecret } = await session.credentials();
  if (webhookSecret === undefined)
    session.log.warn(
      'without AMAZON_WEBHOOK_SECRET no notification of Amazon is taken in; sweeps find changes',
    );
  const destination = await findDestination(session);
  if (destination === null) {
    session.log.warn('Amazon has no notification destination named "tributary"; sweeps find changes');
    return;
  }
  for (const type of notificationTypes) {
    try {
      await subscribe(session, type, destination);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'AMAZON_REFUSED') throw error;
      session.log.warn({ type, reason: error.publicMessage }, 'Amazon does not offer this notification here');
    }
  }
}

/** Ends the subscriptions to our destination; the destination itself is a person's. @returns how many there were */
export async function release(session: AmazonSession): Promise<number> {
  const destination = await findDestination(session);
  let count = 0;
  for (const type of notificationTypes) {
    const known = await readSubscription(session, type);
    if (known === null || known.destinationId !== destination) continue;
    await unsubscribe(session, type, known.subscriptionId);
    count += 1;
  }
  return count;
}

export async function findDestination(session: AmazonSession): Promise<string | null> {
  const { payload } = destinationsAnswer.parse(
    await ask(
      session,
      { operation: 'getDestinations', path: '/notifications/v1/destinations', grantless: true },
      'wait',
    ),
  );
  return payload?.find((one) => destinationName.test(one.name))?.destinationId ?? null;
}

/** Amazon keeps one subscription per kind; null where there is none. */
export async function readSubscription(
  session: AmazonSession,
  type: string,
): Promise<{ subscriptionId: string; destinationId: string } | null> {
  const answer = await ask(session, { operation: 'getSubscription', path: pathOf(type) }, 'wait');
  return answer === null ? null : (subscriptionAnswer.parse(answer).payload ?? null);
}

function pathOf(type: string): string {
  return `/notifications/v1/subscriptions/${type}`;
}

async function subscribe(session: AmazonSession, type: string, destinationId: string): Promise<void> {
  const path = pathOf(type);
  const known = await readSubscription(session, type);
  if (known?.destinationId === destinationId) return;
  // The one that points elsewhere has to go first.
  if (known !== null) await unsubscribe(session, type, known.subscriptionId);
  await ask(
    session,
    { operation: 'createSubscription', method: 'POST', path, body: { payloadVersion: '1.0', destinationId } },
    'wait',
  );
  session.log.info({ type }, 'subscribed');
}

async function unsubscribe(session: AmazonSession, type: string, subscriptionId: string): Promise<void> {
  await ask(
    session,
    {
      operation: 'deleteSubscriptionById',
      method: 'DELETE',
      path: `${pathOf(type)}/${encodeURIComponent(subscriptionId)}`,
      grantless: true,
    },
    'wait',
  );
}
