import type { PayoutSnapshot, PayoutTransactionSnapshot } from '../../model/snapshot.ts';

/** One line of a deposit. */
export interface DepositLine {
  /** `fee`: kept by the payment company. `residual`: what the payout's parts do not explain. */
  kind: PayoutTransactionSnapshot['part'] | 'fee' | 'residual';
  title: string;
  /** Below zero: taken. */
  amountMinor: bigint;
  /** Of which order, and for refunds of which refund, where the graph knows it. */
  orderId: bigint | null;
  refundId: bigint | null;
  /** When that order was placed or that refund given. */
  documentAt: Date | null;
  gateway: string | null;
}

/** What a payout makes in the books. Σ line.amountMinor = totalMinor, whatever the platform's parts say. */
export interface DepositDocument {
  currency: string;
  lines: DepositLine[];
  totalMinor: bigint;
  /** Already one of the lines; anything but zero is worth a look. */
  residualMinor: bigint;
}

export type DepositPosting =
  | { status: 'post'; document: DepositDocument; why: string }
  | { status: 'waits'; why: string }
  | { status: 'never'; why: string };

/**
 * The deposit of a payout: each charge and each refund on its own, so that it meets the receipt or credit memo that it
 * belongs to, fees in one sum, and whatever else the payment company gave or took by name.
 */
export function depositOf(payout: PayoutSnapshot): DepositPosting {
  if (payout.status === 'scheduled') return { status: 'waits', why: 'It is on its way to the bank.' };
  if (payout.status === 'cancelled') return { status: 'never', why: 'It was cancelled.' };
  if (payout.netMinor === 0n && payout.transactions.length === 0)
    return { status: 'never', why: 'There is nothing in it.' };
  const lines = payout.transactions.flatMap((one) =>
    one.amountMinor === 0n ? [] : [lineOf(one, payout.gateway)],
  );
  const fees = payout.transactions.filter((one) => one.feeMinor !== 0n);
  const feeMinor = fees.reduce((all, one) => all + one.feeMinor, 0n);
  if (feeMinor !== 0n)
    lines.push(plainLine('fee', `Fees of ${fees.length} ${fees.length === 1 ? 'part' : 'parts'}`, -feeMinor));
  const explained = lines.reduce((all, line) => all + line.amountMinor, 0n);
  const residualMinor = payout.netMinor - explained;
  if (residualMinor !== 0n)
    lines.push(residualLine('Not explained by the parts of the payout', residualMinor));
  return {
    status: 'post',
    document: { currency: payout.currency, lines, totalMinor: payout.netMinor, residualMinor },
    why:
      payout.status === 'failed'
        ? 'The bank sent it back: it waits in the account for failed payouts.'
        : 'It is in the bank.',
  };
}

function lineOf(one: PayoutTransactionSnapshot, gateway: string): DepositLine {
  const about = one.orderNumber === null ? '' : ` of order ${one.orderNumber}`;
  const reason = one.reason === null ? '' : `: ${one.reason}`;
  return {
    kind: one.part,
    title: `${titles[one.part]}${about}${reason}`,
    amountMinor: one.amountMinor,
    orderId: one.orderId,
    refundId: one.refundId,
    documentAt: one.documentAt,
    gateway: one.part === 'charge' || one.part === 'refund' ? gateway : null,
  };
}

const titles: Readonly<Record<PayoutTransactionSnapshot['part'], string>> = {
  charge: 'Payment',
  refund: 'Refund',
  dispute: 'Dispute',
  reserve: 'Reserve',
  adjustment: 'Adjustment',
  returned_payout: 'Earlier payout that the bank sent back',
};

export function residualLine(title: string, amountMinor: bigint): DepositLine {
  return plainLine('residual', title, amountMinor);
}

function plainLine(kind: DepositLine['kind'], title: string, amountMinor: bigint): DepositLine {
  return { kind, title, amountMinor, orderId: null, refundId: null, documentAt: null, gateway: null };
}
