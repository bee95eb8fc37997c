import type { DeliveryFacts, Interpretation } from '../platform.ts';
import type { AmazonSession } from './client.ts';
import { fbaLevelPages, readListingChanges, readOrder } from './read.ts';

/** Orders whose newest state was read lately, by Amazon's own clock: a burst of notifications costs one read. */
const mostRemembered = 10_000;
const rememberedKey = 'amazon.orders-read';

/**
 * Notifications are thin, come twice and out of order: whatever they speak of is read again, and only what they may tell
 * beyond the last read is.
 */
export async function interpret(
  delivery: DeliveryFacts,
  session: AmazonSession,
  { fresh }: { fresh: boolean },
): Promise<Interpretation> {
  const colon = delivery.subject.indexOf(':');
  const id = delivery.subject.slice(colon + 1);
  const patience = { placeFor: delivery.id.toString() };
  switch (delivery.subject.slice(0, colon)) {
    case 'order':
      return orderTold(delivery, session, id, fresh);
    case 'listing':
      return changesOf(await readListingChanges(session, id), `Amazon has no offer ${id} any more.`);
    case 'stock': {
      // The offer comes along: its stock may be told before it is known.
      const offer = await readListingChanges(session, id);
      const pages = await Array.fromAsync(fbaLevelPages(session, { sku: id }, patience));
      return changesOf([...offer, ...pages.flat()], `Amazon keeps no stock of ${id}.`);
    }
    default:
      return { kind: 'ignored', reason: `The graph has no use for ${delivery.topic.slice(0, 80)}.` };
  }
}

async function orderTold(
  delivery: DeliveryFacts,
  session: AmazonSession,
  orderId: string,
  fresh: boolean,
): Promise<Interpretation> {
  const remembered = memoryOf(session);
  const readUpTo = remembered.get(orderId);
  const isOld =
    delivery.topic === 'ORDER_CHANGE' &&
    readUpTo !== undefined &&
    delivery.triggeredAt !== null &&
    readUpTo > delivery.triggeredAt.getTime();
  if (isOld && !fresh)
    return { kind: 'ignored', reason: 'The order was read in a state that is newer than this.' };
  const read = await readOrder(session, orderId, { placeFor: delivery.id.toString() });
  switch (read.kind) {
    case 'order':
      remembered.delete(orderId);
      remembered.set(orderId, read.lastUpdatedAt.getTime());
      if (remembered.size > mostRemembered)
        for (const oldest of remembered.keys()) {
          remembered.delete(oldest);
          break;
        }
      return { kind: 'changes', changes: [read.change] };
    case 'elsewhere':
      return { kind: 'ignored', reason: 'The order was placed elsewhere; Amazon only sends it.' };
    case 'missing':
      return {
        kind: 'person',
        reason: `Amazon shows us no order ${orderId}.`,
        remedy:
          'Orders are shown for two years. If it is younger, check the roles of the application, then replay the delivery; else dismiss it with a reason (deliveryDismiss).',
      };
  }
}

function memoryOf(session: AmazonSession): Map<string, number> {
  const kept = session.cache.get(rememberedKey) as Map<string, number> | undefined;
  if (kept !== undefined) return kept;
  const made = new Map<string, number>();
  session.cache.set(rememberedKey, made);
  return made;
}

function changesOf(
  changes: Extract<Interpretation, { kind: 'changes' }>['changes'],
  otherwise: string,
): Interpretation {
  return changes.length === 0 ? { kind: 'ignored', reason: otherwise } : { kind: 'changes', changes };
}
