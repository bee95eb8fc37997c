import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import { parseMinor } from '../../../model/money.ts';
import type { CanonicalPayout, CanonicalPayoutTransaction, PayoutPart } from '../../../model/payout.ts';
import { page } from './answers.ts';
import type { Ask, ShopifySession } from './api.ts';
import { idOf } from './vocabulary.ts';

/*
 * Shopify tells of payouts by no webhook: they are read, again for as long as banks take to accept or refuse them.
 */

const money = z.object({ amount: z.string(), currencyCode: z.string().length(3) });
const instant = z.iso.datetime({ offset: true }).transform((value) => new Date(value));
const digits = z.union([z.string(), z.number()]).transform(String);

const payoutAnswer = z.object({
  id: z.string(),
  issuedAt: instant,
  status: z.string(),
  externalTraceId: z.string().nullable(),
  net: money,
});
type PayoutAnswer = z.infer<typeof payoutAnswer>;

const partAnswer = z.object({
  id: z.string(),
  type: z.string(),
  amount: money,
  fee: money,
  adjustmentReason: z.string().nullable(),
  transactionDate: instant,
  sourceOrderTransactionId: digits.nullable(),
  associatedOrder: z.object({ id: z.string() }).nullable(),
});
type PartAnswer = z.infer<typeof partAnswer>;

/** Null: the shop has no Shopify Payments. */
export const payoutsShape = z.object({
  shopifyPaymentsAccount: z.object({ payouts: page(payoutAnswer) }).nullable(),
});
const partsShape = z.object({
  shopifyPaymentsAccount: z.object({ balanceTransactions: page(partAnswer) }).nullable(),
});

const partsPerPage = 100;

/** A payout with all its parts. */
export async function payoutChange(
  session: ShopifySession,
  payout: PayoutAnswer,
  observedAt: Date,
  put: Ask,
): Promise<PlatformChange> {
  const remoteId = idOf(payout.id);
  const parts: PartAnswer[] = [];
  let after: string | null = null;
  do {
    const answer: { data: z.output<typeof partsShape> } = await put(
      session,
      'payoutParts',
      { first: partsPerPage, after, query: `payments_transfer_id:${remoteId}` },
      partsShape,
    );
    const list = answer.data.shopifyPaymentsAccount?.balanceTransactions;
    parts.push(...(list?.nodes ?? []));
    after = list?.pageInfo.hasNextPage === true ? list.pageInfo.endCursor : null;
  } while (after !== null);
  return {
    kind: 'payout',
    remoteId,
    // Payouts carry no time of their last change: what was read later is newer.
    version: { sourceUpdatedAt: observedAt, observedAt },
    payout: payoutFrom(payout, parts),
  };
}

/** True where the app may not read payouts: the rest of a sweep does without. */
export function isPayoutsDenied(error: unknown): boolean {
  return error instanceof AppError && error.code === 'SHOPIFY_ACCESS_DENIED';
}

function payoutFrom(payout: PayoutAnswer, parts: readonly PartAnswer[]): CanonicalPayout {
  return {
    currency: payout.net.currencyCode,
    status: statusOf(payout.status),
    netMinor: parseMinor(payout.net.amount, payout.net.currencyCode),
    issuedAt: payout.issuedAt,
    traceId: payout.externalTraceId,
    // The transfer itself is the payout, not a part of it.
    transactions: parts.filter((one) => one.type !== 'TRANSFER').map(partFrom),
  };
}

function partFrom(one: PartAnswer): CanonicalPayoutTransaction {
  return {
    remoteId: idOf(one.id),
    part: partOf(one.type),
    type: one.type.toLowerCase(),
    amountMinor: parseMinor(one.amount.amount, one.amount.currencyCode),
    feeMinor: parseMinor(one.fee.amount, one.fee.currencyCode),
    orderRemoteId: one.associatedOrder === null ? null : idOf(one.associatedOrder.id),
    transactionRemoteId: one.sourceOrderTransactionId,
    reason: one.adjustmentReason,
    at: one.transactionDate,
  };
}

function statusOf(status: string): CanonicalPayout['status'] {
  switch (status) {
    case 'PAID':
      return 'paid';
    case 'FAILED':
      return 'failed';
    case 'CANCELED':
      return 'cancelled';
    default:
      return 'scheduled';
  }
}

function partOf(type: string): PayoutPart {
  if (type === 'CHARGE') return 'charge';
  if (type === 'REFUND' || type === 'REFUND_FAILURE') return 'refund';
  if (type.startsWith('DISPUTE') || type.startsWith('CHARGEBACK')) return 'dispute';
  if (type.startsWith('RESERVED_FUNDS')) return 'reserve';
  return type.startsWith('TRANSFER') ? 'returned_payout' : 'adjustment';
}
