import type { PlatformChange } from '../../../model/change.ts';
import { parseMinor } from '../../../model/money.ts';
import type { InventorySummaryPayload, ListingPayload } from './payloads.ts';
import { fbaLocation, merchantChannel, textOf } from './vocabulary.ts';

/**
 * An offer as Amazon has it. Its quantity is what Amazon offers, not what lies anywhere: it is kept with the link, where it
 * is compared with what should be offered. Pure. Null where the offer is not one of this marketplace.
 */
export function listingChange(
  listing: ListingPayload,
  marketplaceId: string,
  observedAt: Date,
): PlatformChange | null {
  const summary = listing.summaries?.find((one) => one.marketplaceId === marketplaceId);
  if (summary === undefined) return null;
  const price = listing.offers?.find(
    (one) => one.marketplaceId === marketplaceId && (one.offerType ?? 'B2C') === 'B2C',
  )?.price;
  const fulfilledBy = isMerchantFulfilled(listing) ? 'merchant' : 'marketplace';
  return {
    kind: 'listing',
    remoteId: listing.sku,
    version: { sourceUpdatedAt: summary.lastUpdatedDate ?? summary.createdDate ?? observedAt, observedAt },
    listing: {
      sku: listing.sku,
      productRemoteId: textOf(summary.asin) ?? listing.sku,
      title: textOf(summary.itemName) ?? listing.sku,
      fulfilledBy,
      buyable: summary.status?.includes('BUYABLE') ?? false,
      price:
        price === undefined
          ? null
          : { amountMinor: parseMinor(price.amount, price.currencyCode), currency: price.currencyCode },
    },
    observed: { quantity: merchantQuantity(listing), fulfilledBy },
  };
}

export function isMerchantFulfilled(listing: ListingPayload): boolean {
  const channels = listing.fulfillmentAvailability ?? [];
  return channels.length === 0 || channels.some((one) => one.fulfillmentChannelCode === merchantChannel);
}

/** Null where Amazon sends the goods itself, or offers none. */
export function merchantQuantity(listing: ListingPayload): number | null {
  return (
    listing.fulfillmentAvailability?.find((one) => one.fulfillmentChannelCode === merchantChannel)
      ?.quantity ?? null
  );
}

/** Amazon's own warehouses as a location. */
export function fbaLocationChange(observedAt: Date): PlatformChange {
  return {
    kind: 'location',
    remoteId: fbaLocation.remoteId,
    version: { sourceUpdatedAt: new Date(0), observedAt },
    location: { name: fbaLocation.name, active: true, address: null },
  };
}

/**
 * Stock in Amazon's warehouses. What is reserved for orders counts as committed; what is being moved or measured can
 * neither be sold nor sent and is not counted as on hand.
 */
export function fbaLevelChange(summary: InventorySummaryPayload, observedAt: Date): PlatformChange {
  const details = summary.inventoryDetails;
  const available = details?.fulfillableQuantity ?? 0;
  const committed = details?.reservedQuantity?.pendingCustomerOrderQuantity ?? 0;
  const incoming =
    (details?.inboundWorkingQuantity ?? 0) +
    (details?.inboundShippedQuantity ?? 0) +
    (details?.inboundReceivingQuantity ?? 0);
  return {
    kind: 'stockLevel',
    inventoryItemRemoteId: summary.sellerSku,
    locationRemoteId: fbaLocation.remoteId,
    version: { sourceUpdatedAt: summary.lastUpdatedTime ?? observedAt, observedAt },
    available,
    onHand: available + committed,
    committed,
    incoming,
    observed: { available },
  };
}
