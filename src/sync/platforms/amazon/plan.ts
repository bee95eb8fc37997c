import type { Snapshot } from '../../../model/snapshot.ts';
import type { ListingQuantityBody, PlanContext, PushPlan } from '../platform.ts';

/**
 * What Amazon is owed: the quantities of offers that the retailer sends, where they differ from what Amazon was last known
 * to offer. Orders and buyers are Amazon's own.
 */
export function plan(snapshot: Snapshot, { link, connectionId }: PlanContext): PushPlan[] {
  // Until Amazon has told who sends an offer it may be its own.
  if (snapshot.type !== 'Variant' || link?.state.fulfilledBy !== 'merchant') return [];
  const offer = snapshot.offers.find(
    (one) => one.connectionId === connectionId && one.remoteVariantId === link.remoteId,
  );
  if (offer === undefined || offer.quantity === link.state.quantity) return [];
  const body: ListingQuantityBody = { sku: link.remoteId, quantity: offer.quantity };
  return [{ kind: 'listingQuantity', subjectType: 'Variant', subjectId: snapshot.id, body: { ...body } }];
}
