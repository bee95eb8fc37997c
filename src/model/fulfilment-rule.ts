/** What the note of an order may ask for: a closed list, so that nothing else can come of a note whoever wrote it. */
export const fulfilmentRuleKinds = [
  'deliver_after',
  'deliver_before',
  'leave_at',
  'gift_wrap',
  'gift_message',
  'hold_for_pickup',
  'split_shipment',
  'substitution',
  'fragile',
  'call_first',
  'allergy',
  'other',
] as const;
export type FulfilmentRuleKind = (typeof fulfilmentRuleKinds)[number];

/** Who reads notes: Claude, or our own parser of the usual phrases. */
export type NoteReader = 'claude' | 'parser';
/** `proposed` waits for a person; `withdrawn` is no longer in the note. */
export type FulfilmentRuleStatus = 'proposed' | 'approved' | 'rejected' | 'withdrawn';

/** What a reader found in a note. */
export interface FoundRule {
  kind: FulfilmentRuleKind;
  /** A day (ISO), a place, words for the card, an allergen, or `yes` and `no`; null where the kind says all. */
  value: string | null;
  /** The words of the note that prove it, letter by letter. */
  quote: string;
  /** From 0 to 1. */
  confidence: number;
}

/** A rule that was found and checked, and whether it may act without a person. */
export interface JudgedRule extends FoundRule {
  /** Why a person must decide, in words; null where nobody has to. */
  doubt: string | null;
}

/** A rule as an order keeps it. */
export interface FulfilmentRule extends FoundRule {
  status: FulfilmentRuleStatus;
  reason: string | null;
  reader: NoteReader;
  /** Name of the key that decided; `automatic` where nobody had to; null while nobody has. */
  decidedBy: string | null;
}

/** Who decides where no person has to. */
export const automatic = 'automatic';
