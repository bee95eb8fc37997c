/** What a payment company paid out to the retailer's bank, as it tells it: always the whole of it. */
export interface CanonicalPayout {
  currency: string;
  /** `paid` is in the bank; a failed one came back and is part of a later one. */
  status: 'scheduled' | 'paid' | 'failed' | 'cancelled';
  /** What reached the bank; below zero where the bank was debited. */
  netMinor: bigint;
  issuedAt: Date;
  /** What the bank statement names it by. */
  traceId: string | null;
  transactions: CanonicalPayoutTransaction[];
}

/** What one part of a payout is about. */
export type PayoutPart =
  | 'charge'
  | 'refund'
  | 'dispute'
  | 'reserve'
  | 'adjustment'
  /** Money of an earlier payout that the bank had sent back. */
  | 'returned_payout';

export interface CanonicalPayoutTransaction {
  remoteId: string;
  part: PayoutPart;
  /** The platform's own word for it. */
  type: string;
  /** Before the fee; below zero where money was taken. */
  amountMinor: bigint;
  feeMinor: bigint;
  orderRemoteId: string | null;
  /** The order's transaction behind it. */
  transactionRemoteId: string | null;
  reason: string | null;
  at: Date;
}
