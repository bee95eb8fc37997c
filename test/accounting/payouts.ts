import type { PayoutSnapshot, PayoutTransactionSnapshot } from '../../src/model/snapshot.ts';

let next = 0;

/** One part of a payout; a payment without a fee unless told otherwise. */
export function part(more: Partial<PayoutTransactionSnapshot> = {}): PayoutTransactionSnapshot {
  next += 1;
  return {
    remoteId: String(95_100_000 + next),
    part: 'charge',
    type: more.part ?? 'charge',
    amountMinor: 0n,
    feeMinor: 0n,
    reason: null,
    orderId: null,
    orderNumber: null,
    refundId: null,
    documentAt: null,
    ...more,
  };
}

/** A payout of what its parts come to. */
export function payout(more: Partial<PayoutSnapshot> = {}): PayoutSnapshot {
  const transactions = more.transactions ?? [];
  return {
    type: 'Payout',
    id: 3n,
    connectionId: 1n,
    platform: 'shopify',
    remoteId: '110000000001',
    currency: 'USD',
    status: 'paid',
    netMinor: transactions.reduce((all, one) => all + one.amountMinor - one.feeMinor, 0n),
    issuedAt: new Date('2026-11-23T15:00:00Z'),
    traceId: 'TRACE1',
    createdAt: new Date('2026-11-23T16:00:00Z'),
    gateway: 'shopify_payments',
    ...more,
    transactions,
  };
}
