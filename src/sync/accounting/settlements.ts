import type { OrderSnapshot, RefundSnapshot, TransactionSnapshot } from '../../model/snapshot.ts';
import { least } from './document-lines.ts';
import { accountOf, type PostingPolicy, tenderOf } from './policy.ts';
import { type RefundWorth, RemainingOrder } from './refund-worth.ts';

/** How one refund of an order was settled: what it is worth, and where that went. */
export interface RefundSettlement {
  refund: RefundSnapshot;
  /** `waits`: money is under way. `failed`: money was sent and none arrived. */
  status: 'done' | 'waits' | 'failed';
  worth: RefundWorth;
  /** Put onto a gift card out of what came back here, be it later and by another refund. */
  giftCardMinor: bigint;
  /** Given as store credit, likewise. */
  storeCreditMinor: bigint;
  /** Money that went back, by the account it left. */
  money: { account: string | null; gateways: string[]; amountMinor: bigint }[];
  /** Spent on what the order still owed: an exchange, or an invoice that is not paid. */
  onOrderMinor: bigint;
  /** Money that had come in beyond the order's total. */
  overpaymentMinor: bigint;
  /** Money paid out of credit that earlier refunds had left. */
  fromEarlier: { refundId: bigint; amountMinor: bigint }[];
  /** Put onto a gift card or given as store credit out of what earlier refunds had left: part of theirs. */
  movedMinor: bigint;
  /** What the customer still has to their credit. */
  leftMinor: bigint;
}

export interface OrderSettlement {
  /** Came in as money or tender, as far as the platform tells. */
  receivedMinor: bigint;
  giftCardMinor: bigint;
  storeCreditMinor: bigint;
  /** Money that came in, each payment on its own, the earliest first. */
  payments: { account: string | null; gateway: string; amountMinor: bigint; at: Date }[];
  /** Came in beyond the order's total: an edit made it cheaper after it was paid. */
  overpaidMinor: bigint;
  /** What came back spent on the order itself. */
  fromRefundsMinor: bigint;
  /** In the order in which they were given. */
  refunds: RefundSettlement[];
}

/** Follows the money of an order through all of its payments and refunds. Pure, and the same in whichever order they became known. */
export function settlementsOf(order: OrderSnapshot, policy: PostingPolicy): OrderSettlement {
  const incoming = order.transactions.filter(
    (one) => one.status === 'success' && (one.kind === 'sale' || one.kind === 'capture'),
  );
  const byTender = (tender: string): bigint =>
    sum(incoming.filter((one) => tenderOf(one.gateway) === tender).map((one) => one.amountMinor));
  // Change is money that went back because the order became cheaper than what was paid: it never stayed.
  const change = order.transactions.filter((one) => one.status === 'success' && one.kind === 'change');
  const changeMinor = sum(change.map((one) => one.amountMinor));
  const toldMinor = sum(incoming.map((one) => one.amountMinor)) - changeMinor;
  const isSettled = ['paid', 'partially_refunded', 'refunded'].includes(order.financialStatus);
  // Channels that tell no payments tell at least that they were made.
  const receivedMinor = incoming.length > 0 ? toldMinor : isSettled ? order.totalMinor : order.paidMinor;
  const payments = incoming
    .filter((one) => tenderOf(one.gateway) === 'money' && one.amountMinor !== 0n)
    .map((one) => ({
      account: accountOf(policy, one.gateway),
      gateway: one.gateway,
      amountMinor: one.amountMinor,
      at: one.processedAt ?? order.placedAt,
    }));
  if (incoming.length === 0 && receivedMinor !== 0n)
    payments.push({
      account: accountOf(policy, ''),
      gateway: '',
      amountMinor: receivedMinor,
      at: order.placedAt,
    });

  takeBack(payments, change, policy);
  const remaining = new RemainingOrder(order);
  let owedMinor = order.totalMinor > receivedMinor ? order.totalMinor - receivedMinor : 0n;
  const overpaidMinor = receivedMinor > order.totalMinor ? receivedMinor - order.totalMinor : 0n;
  let overMinor = overpaidMinor;
  const settled: RefundSettlement[] = [];
  for (const refund of inOrder(order.refunds)) {
    const one = settle(refund, remaining, { owedMinor, overMinor }, settled, policy);
    owedMinor -= one.onOrderMinor;
    overMinor -= one.overpaymentMinor;
    settled.push(one);
  }
  return {
    receivedMinor,
    giftCardMinor: byTender('giftCard'),
    storeCreditMinor: byTender('storeCredit'),
    payments: payments.filter((one) => one.amountMinor !== 0n),
    overpaidMinor,
    fromRefundsMinor: sum(settled.map((one) => one.onOrderMinor)),
    refunds: settled,
  };
}

function settle(
  refund: RefundSnapshot,
  remaining: RemainingOrder,
  { owedMinor, overMinor }: { owedMinor: bigint; overMinor: bigint },
  earlier: readonly RefundSettlement[],
  policy: PostingPolicy,
): RefundSettlement {
  const sent = refund.transactions.filter((one) => one.kind === 'refund');
  const arrived = sent.filter((one) => one.status === 'success');
  const isPending = sent.some((one) => one.status === 'pending');
  const hasFailed = sent.some((one) => one.status === 'failure' || one.status === 'error');
  const tender = (name: string): bigint =>
    sum(arrived.filter((one) => tenderOf(one.gateway) === name).map((one) => one.amountMinor));
  const nothing: Omit<RefundSettlement, 'status' | 'worth'> = {
    refund,
    giftCardMinor: 0n,
    storeCreditMinor: 0n,
    money: [],
    onOrderMinor: 0n,
    overpaymentMinor: 0n,
    fromEarlier: [],
    movedMinor: 0n,
    leftMinor: 0n,
  };
  // Another attempt will give back the same goods: this one must not use them up.
  if (hasFailed && !isPending && arrived.length === 0) {
    return { ...nothing, status: 'failed', worth: remaining.look(refund) };
  }
  const own = remaining.take(refund);
  if (isPending) return { ...nothing, status: 'waits', worth: own };

  // A credit that an earlier return had left and that becomes a gift card is no credit of that return any more.
  const tenders = { giftCardMinor: tender('giftCard'), storeCreditMinor: tender('storeCredit') };
  let beyondMinor = tenders.giftCardMinor + tenders.storeCreditMinor - own.valueMinor;
  let movedMinor = 0n;
  for (const other of earlier)
    for (const name of ['giftCardMinor', 'storeCreditMinor'] as const) {
      const amountMinor = least(least(beyondMinor, tenders[name]), other.leftMinor);
      if (amountMinor <= 0n) continue;
      other[name] += amountMinor;
      other.leftMinor -= amountMinor;
      tenders[name] -= amountMinor;
      beyondMinor -= amountMinor;
      movedMinor += amountMinor;
    }
  const backMinor = sum(arrived.map((one) => one.amountMinor)) - movedMinor;
  const fromEarlier: RefundSettlement['fromEarlier'] = [];
  let worth = own;
  let onOrderMinor = 0n;
  let overpaymentMinor = 0n;
  let excess = backMinor - own.valueMinor;
  if (excess > 0n) {
    for (const other of earlier) {
      const amountMinor = least(excess, other.leftMinor);
      if (amountMinor <= 0n) continue;
      other.leftMinor -= amountMinor;
      excess -= amountMinor;
      fromEarlier.push({ refundId: other.refund.id, amountMinor });
    }
    overpaymentMinor = least(excess, overMinor);
    if (overpaymentMinor > 0n) worth = remaining.returnOverpayment(worth, overpaymentMinor);
    excess -= overpaymentMinor;
    if (excess > 0n) worth = remaining.settle(worth, excess, 'Given back beyond what came back');
  } else if (excess < 0n) {
    onOrderMinor = least(owedMinor, -excess);
    const unexplained = -excess - onOrderMinor;
    // Without any payment it is the customer's credit; a payment of less means that the rest was kept.
    if (unexplained > 0n && arrived.length > 0 && !hasFailed)
      worth = remaining.settle(own, -unexplained, 'Kept back');
  }
  const usedMinor = backMinor - sum(fromEarlier.map((one) => one.amountMinor)) + onOrderMinor;
  return {
    ...nothing,
    status: 'done',
    worth,
    ...tenders,
    movedMinor,
    money: moneyOf(arrived, policy),
    onOrderMinor,
    overpaymentMinor,
    fromEarlier,
    leftMinor: worth.valueMinor > usedMinor ? worth.valueMinor - usedMinor : 0n,
  };
}

/** Takes change off the payments of its account, the last ones first. */
function takeBack(
  payments: OrderSettlement['payments'],
  change: readonly TransactionSnapshot[],
  policy: PostingPolicy,
): void {
  for (const one of change) {
    let leftMinor = one.amountMinor;
    const account = accountOf(policy, one.gateway);
    const own = payments.filter((payment) => payment.account === account);
    for (const payment of (own.length > 0 ? own : payments).toReversed()) {
      const amountMinor = least(leftMinor, payment.amountMinor);
      payment.amountMinor -= amountMinor;
      leftMinor -= amountMinor;
    }
  }
}

function moneyOf(arrived: readonly TransactionSnapshot[], policy: PostingPolicy): RefundSettlement['money'] {
  const byAccount = new Map<string, RefundSettlement['money'][number]>();
  for (const one of arrived) {
    if (tenderOf(one.gateway) !== 'money' || one.amountMinor === 0n) continue;
    const account = accountOf(policy, one.gateway);
    const entry = byAccount.get(account ?? '') ?? { account, gateways: [], amountMinor: 0n };
    entry.amountMinor += one.amountMinor;
    if (!entry.gateways.includes(one.gateway)) entry.gateways.push(one.gateway);
    byAccount.set(account ?? '', entry);
  }
  return [...byAccount].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

/** By time, then by the platform's id: whichever became known first. */
function inOrder(refunds: readonly RefundSnapshot[]): RefundSnapshot[] {
  return [...refunds].sort((a, b) => {
    const apart = a.refundedAt.getTime() - b.refundedAt.getTime();
    if (apart !== 0) return apart;
    return a.remoteId < b.remoteId ? -1 : 1;
  });
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((all, one) => all + one, 0n);
}
