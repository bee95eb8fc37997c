import type { Channel, PlatformName } from './platform-name.ts';

/** Why a stock level moved. */
export type StockCause =
  | 'opening'
  | 'sale'
  | 'cancellation'
  | 'return'
  | 'count'
  | 'adjustment'
  | 'transfer'
  | 'receipt'
  | 'reservation'
  | 'release'
  | 'report'
  | 'fulfilment'
  | 'dismissal'
  | 'write_off';

/** Why what is available was let fall below zero. */
export type NegativeReason =
  /** The platform that keeps the level says so. */
  | 'reported_by_platform'
  /** An order took more than there was. */
  | 'oversold'
  /** A count found fewer than were promised. */
  | 'counted'
  /** Somebody insisted. */
  | 'allowed_by_person';

/** Where a listing at a platform is sold. */
export function channelsOf(platform: PlatformName): Channel[] {
  switch (platform) {
    case 'shopify':
      return ['online_store', 'point_of_sale'];
    case 'amazon':
      return ['amazon'];
    case 'hubspot':
    case 'quickbooks':
      return [];
  }
}

/** What a person or tool changes of stock through our own API. Ids are the graph's. */
export type StockEdit =
  | {
      kind: 'stockAdjust';
      variantId: bigint;
      locationId: bigint;
      delta: number;
      reason: string;
      /** `adjustment` unless told. */
      cause?: 'adjustment' | 'receipt' | 'return' | 'write_off';
      /** Of goods that came back; `sellable` unless told. Damaged ones are written off as they come. */
      disposition?: 'sellable' | 'damaged';
      allowNegative?: boolean;
    }
  | {
      kind: 'stockSet';
      variantId: bigint;
      locationId: bigint;
      count: 'available' | 'onHand';
      quantity: number;
      reason: string;
    }
  | {
      kind: 'stockTransfer';
      variantId: bigint;
      fromLocationId: bigint;
      toLocationId: bigint;
      quantity: number;
      reason: string;
    }
  | {
      kind: 'reservationCreate';
      variantId: bigint;
      locationId: bigint;
      quantity: number;
      reason: string;
      expiresAt: Date | null;
    }
  | { kind: 'reservationRelease'; reservationId: bigint; outcome: 'released' | 'expired' }
  /** How allocation treats a channel, a variant, or both; every setting null: no rule. */
  | {
      kind: 'stockRuleSet';
      connectionId: bigint | null;
      variantId: bigint | null;
      minBuffer: number | null;
      maxQuantity: number | null;
      sharePercent: number | null;
      lastUnits: number | null;
      paused: boolean | null;
    }
  /** What a variant that is sold as a set is made of; empty: it is no set. */
  | { kind: 'bundleSet'; variantId: bigint; components: { variantId: bigint; quantity: number }[] }
  /** What channels may sell of these variants is worked out anew: time, rules or sets have changed it. */
  | { kind: 'allocationReview'; variantIds: bigint[] };
