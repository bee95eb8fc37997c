import type { CustomFieldOwner, MetafieldValue } from './custom-field.ts';
import type { CanonicalCustomer } from './customer.ts';
import type { FoundRule, NoteReader } from './fulfilment-rule.ts';
import type { CanonicalFulfilment, CanonicalOrder } from './order.ts';
import type { CanonicalPayout } from './payout.ts';
import type { PlatformName } from './platform-name.ts';
import type { CanonicalListing, CanonicalLocation, CanonicalProduct } from './product.ts';
import type { CanonicalRefund } from './refund.ts';
import type { RefundWish } from './refund-request.ts';
import type { StockEdit } from './stock.ts';

/**
 * How new a platform's statement is. `sourceUpdatedAt` is the platform's own clock and decides; `observedAt` is when
 * a fresh read of the platform began (ours) and decides among equals. A statement from a stored payload has
 * `observedAt: null`: among equals it loses against a read that began after it was heard (`heardAt`, our clock), because
 * that read saw what it tells; otherwise, where the two differ, nothing is decided and the write path asks for a fresh read.
 */
export interface SourceVersion {
  sourceUpdatedAt: Date;
  observedAt: Date | null;
  heardAt?: Date;
}

/** What a platform told us, in our words. `remoteId` is the platform's id, always a string. */
export type PlatformChange = (
  | { kind: 'customer'; remoteId: string; version: SourceVersion; customer: CanonicalCustomer }
  | { kind: 'customerRemoved'; remoteId: string; version: SourceVersion }
  | { kind: 'order'; remoteId: string; version: SourceVersion; order: CanonicalOrder }
  | { kind: 'orderRemoved'; remoteId: string; version: SourceVersion }
  /** A refund on its own; the order it belongs to must be known, else the write path asks for a fresh read of it. */
  | { kind: 'refund'; orderRemoteId: string; version: SourceVersion; refund: CanonicalRefund }
  | { kind: 'fulfilment'; orderRemoteId: string; version: SourceVersion; fulfilment: CanonicalFulfilment }
  | { kind: 'product'; remoteId: string; version: SourceVersion; product: CanonicalProduct }
  | { kind: 'productRemoved'; remoteId: string; version: SourceVersion }
  /** An offer of goods that the graph may know from elsewhere; `remoteId` is what its order lines and stock name it by. */
  | { kind: 'listing'; remoteId: string; version: SourceVersion; listing: CanonicalListing }
  | { kind: 'payout'; remoteId: string; version: SourceVersion; payout: CanonicalPayout }
  | { kind: 'location'; remoteId: string; version: SourceVersion; location: CanonicalLocation }
  /** A figure that the platform reports. Undefined figures are not told. */
  | {
      kind: 'stockLevel';
      inventoryItemRemoteId: string;
      locationRemoteId: string;
      version: SourceVersion;
      available: number | null;
      onHand?: number;
      committed?: number;
      incoming?: number;
    }
  /** Metafields by `namespace.key`; null: there is none. Those that are not named are not told. */
  | {
      kind: 'metafields';
      owner: CustomFieldOwner;
      remoteId: string;
      version: SourceVersion;
      values: Record<string, MetafieldValue | null>;
    }
  /**
   * What people wrote into properties that custom fields of a customer or order are sent to, and when. What stands there
   * by now is `observed`.
   */
  | {
      kind: 'crmFields';
      owner: CustomFieldOwner;
      remoteId: string;
      version: SourceVersion;
      values: Record<string, string | null>;
    }
  /** A row that we keep there (a receipt, a CRM order) as the platform now has it; `state: null` when it was removed. */
  | {
      kind: 'documentObserved';
      remoteType: string;
      remoteId: string;
      remoteVersion: string | null;
      state: Record<string, unknown> | null;
      version: SourceVersion;
    }
  /** The platform asks for a person to be erased: all we know of them, and from these orders everything personal. */
  | {
      kind: 'personErase';
      remoteId: string;
      /** Lower case. */
      email: string | null;
      orderRemoteIds: readonly string[];
      version: SourceVersion;
    }
  /** The platform asks what is kept about a person. `reference`: its own id of the request. */
  | {
      kind: 'personExport';
      remoteId: string;
      email: string | null;
      orderRemoteIds: readonly string[];
      reference: string;
      version: SourceVersion;
    }
  /** The platform asks for everybody that its account brought to be erased. */
  | { kind: 'accountErase'; version: SourceVersion }
  /** The account withdrew our authorisation. */
  | { kind: 'accountRevoked'; reason: string; version: SourceVersion }
) & {
  /**
   * What the platform is now known to hold of the fields that we may write there, in the platform's own words.
   * Kept with the link; planning compares against it, so that nothing is written back to where it came from.
   */
  observed?: Record<string, unknown>;
};

/** What a person or tool changes through our own API. Ids are the graph's. */
export type Edit =
  | { kind: 'customerEdit'; customerId: bigint; patch: CustomerPatch }
  | {
      kind: 'customerMerge';
      survivorId: bigint;
      absorbedId: bigint;
      /** Who asked for it. */
      actor: string;
      /** Platforms at which the two records shall be merged as well, which cannot be undone there. */
      approvedPlatforms: PlatformName[];
    }
  | { kind: 'customerUnmerge'; absorbedId: bigint; actor: string }
  | { kind: 'mergeReject'; candidateId: bigint; actor: string }
  /** A pair that was rejected is a question again. */
  | { kind: 'mergeReopen'; candidateId: bigint }
  | { kind: 'refundRequest'; orderId: bigint; wish: RefundWish }
  /** The custom fields of these are worked out anew. */
  | { kind: 'customFieldsReview'; owner: CustomFieldOwner; ids: bigint[] }
  /**
   * What is known of these customers is worked out anew: somebody chose otherwise whom to believe or, `forgetting`, an account's word
   * about them was erased: what nobody else says goes with it.
   */
  | { kind: 'customersReview'; ids: bigint[]; forgetting?: true }
  /** What the books are owed for these is worked out anew: choices of how they are posted have changed. */
  | { kind: 'postingsReview'; orderIds: bigint[]; payoutIds: bigint[]; summaryIds: bigint[] }
  | { kind: 'orderEdit'; orderId: bigint; patch: { note?: string | null; tags?: string[] } }
  | StockEdit
  /** What a reader found in the note that has this hash: claims, which the write path checks against the note. */
  | {
      kind: 'orderNoteRead';
      orderId: bigint;
      hash: string;
      reader: NoteReader;
      rules: readonly FoundRule[];
      /** Why the parser read it though Claude might have; null where it did. */
      fallbackReason: string | null;
    }
  /** `requestId`: part of a larger request; null: one of its own, by whoever holds this key. */
  | {
      kind: 'customerErase';
      customerId: bigint | null;
      /** Orders beside those of the customer. */
      orderIds: readonly bigint[];
      by: string;
      requestId: bigint | null;
      /** Whether platforms that may be written to are to erase the person too. */
      atPlatforms: boolean;
    }
  /** What was asked for has been handed over. */
  | { kind: 'privacyRequestComplete'; requestId: bigint; by: string }
  /** A dead letter is closed. `by`: who closes it, for example `key:office`. */
  | { kind: 'pushDismiss'; pushId: bigint; reason: string; by: string }
  | { kind: 'deliveryDismiss'; dismissedId: bigint; reason: string; by: string }
  /** A write that has failed, waits or was closed is tried again at once, as the graph says it now. */
  | { kind: 'pushRetry'; pushId: bigint }
  /** `by`: name of the key that decides. */
  | { kind: 'fulfilmentRuleDecide'; ruleId: bigint; approve: boolean; by: string }
  /** What stands in the books of an order or a refund is taken back, or written anew with a person's consent. */
  | { kind: 'postingVoid' | 'postingRepost'; subject: PostingSubject };

/** What has documents of its own in the books. */
export interface PostingSubject {
  type: 'Order' | 'Refund';
  id: bigint;
}

export interface CustomerPatch {
  firstName?: string | null;
  lastName?: string | null;
  company?: string | null;
  email?: string | null;
  phone?: string | null;
  note?: string | null;
  tags?: string[];
}

export type Change = PlatformChange | Edit;
