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
  locationRemoteId: string | null;
  /** After discounts; with the tax where prices contain it. */
  subtotal: Amount;
  tax: Amount;
}

export interface CanonicalRefundAdjustment {
  remoteId: string;
  kind: 'shipping_refund' | 'duty_refund' | 'refund_discrepancy';
  reason: string | null;
  amount: Amount;
  tax: Amount;
}
