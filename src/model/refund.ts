import type { Amount } from './money.ts';
import type { CanonicalTransaction } from './order.ts';

/** Goods or money given back, as a platform tells it. Amounts given back are positive. */
export interface CanonicalRefund {
  remoteId: string;
  note: string | null;
  refundedAt: Date;
  lines: CanonicalRefundLine[];
  adjustments: CanonicalRefundAdjustment[];
  /** Transactions of kind `refund` that carry the money, failed ones included. */
  transactions: CanonicalTransaction[];
}

export interface CanonicalRefundLine {
  remoteId: string;
  lineRemoteId: string;
  quantity: number;
  restockType: 'return' | 'cancel' | 'no_restock' | 'legacy_restock';
  /** What became of pieces that were not put back with the refund, where the platform tells; absent: it does not. */
  fates?: ReturnFates;
  locationRemoteId: string | null;
  /** After discounts; with the tax where prices contain it. */
  subtotal: Amount;
  tax: Amount;
}

export interface CanonicalRefundAdjustment {
  remoteId: string;
  kind: 'shipping_refund' | 'duty_refund' | 'cash_rounding' | 'refund_discrepancy';
  reason: string | null;
  amount: Amount;
  tax: Amount;
}

/** Pieces of a refund line by what became of them after it; together at most its quantity, the rest is not known yet. */
export interface ReturnFates {
  /** Put back into stock since. */
  restocked: number;
  /** Came back and cannot be sold. */
  damaged: number;
  /** Never came back. */
  notReturned: number;
}
