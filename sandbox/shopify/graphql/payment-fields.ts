import { short } from '../commerce/money.ts';
import type { BalanceTransaction, Payout } from '../commerce/types.ts';
import { gid, type Shop } from '../shop.ts';
import { listWalk, type PageArgs, paginate } from './connection.ts';
import { apiTime, type Fields } from './context.ts';
import { parseSearch } from './search.ts';

export const paymentsAccountFields: Fields<object> = {
  id: () => gid('ShopifyPaymentsAccount', '1'),
  activated: () => true,
  onboardable: () => false,
  country: (_source, _args, { shop }) => shop.profile.address.countryCode ?? 'US',
  defaultCurrency: (_source, _args, { shop }) => shop.profile.currency,
  balance: (_source, _args, { shop }) => [
    money(
      shop.balanceTransactions
        .filter((one) => one.payoutId === null && !one.test)
        .reduce((all, one) => all + one.amountMinor - one.feeMinor, 0),
      shop.profile.currency,
    ),
  ],
  payouts: (_source, args, { shop }) => {
    const wanted = args.transactionType as string | undefined;
    const search = parseSearch<Payout>(
      args.query as string | null,
      {
        id: (one) => [one.id],
        issued_at: (one) => [one.issuedAtMs],
        status: (one) => [one.status],
        amount: (one) => [one.netMinor],
        currency: (one) => [one.currency],
      },
      ['id'],
    );
    const all = [...shop.payouts.values()].filter((one) => wanted == null || wanted === directionOf(one));
    return paginate(
      listWalk(all, (one) => one.id),
      args as PageArgs,
      search.predicate,
    );
  },
  balanceTransactions: (_source, args, { shop }) => {
    const search = parseSearch<BalanceTransaction>(
      args.query as string | null,
      {
        id: (one) => [one.id],
        payments_transfer_id: (one) => [one.payoutId],
        payout_status: (one) => [statusOf(shop, one)],
        processed_at: (one) => [one.atMs],
        transaction_type: (one) => [one.type],
        currency: (one) => [one.currency],
      },
      ['id'],
    );
    const payoutId = search.exact.get('payments_transfer_id');
    const all = shop.balanceTransactions.filter(
      (one) =>
        (payoutId === undefined || one.payoutId === payoutId) &&
        (args.hideTransfers !== true || one.type !== 'TRANSFER'),
    );
    return paginate(
      listWalk(all, (one) => one.id),
      args as PageArgs,
      search.predicate,
    );
  },
};

export const payoutFields: Fields<Payout> = {
  id: (payout) => gid('ShopifyPaymentsPayout', payout.id),
  legacyResourceId: (payout) => payout.id,
  issuedAt: (payout) => apiTime(payout.issuedAtMs),
  net: (payout) => money(payout.netMinor, payout.currency),
  gross: (payout) => money(payout.netMinor, payout.currency),
  transactionType: (payout) => directionOf(payout),
  externalTraceId: (payout) => `TRACE${payout.id.slice(-8)}`,
  summary: (payout, _args, { shop }) => {
    const parts = shop.balanceTransactions.filter(
      (one) => one.payoutId === payout.id && one.type !== 'TRANSFER',
    );
    const sum = (group: string, of: 'amountMinor' | 'feeMinor'): unknown =>
      money(
        parts.filter((one) => groupOf(one) === group).reduce((all, one) => all + one[of], 0),
        payout.currency,
      );
    return {
      chargesGross: sum('charges', 'amountMinor'),
      chargesFee: sum('charges', 'feeMinor'),
      refundsFeeGross: sum('refunds', 'amountMinor'),
      refundsFee: sum('refunds', 'feeMinor'),
      adjustmentsGross: sum('adjustments', 'amountMinor'),
      adjustmentsFee: sum('adjustments', 'feeMinor'),
      reservedFundsGross: sum('reserve', 'amountMinor'),
      reservedFundsFee: sum('reserve', 'feeMinor'),
      retriedPayoutsGross: sum('retried', 'amountMinor'),
      retriedPayoutsFee: sum('retried', 'feeMinor'),
      advanceGross: money(0, payout.currency),
      advanceFees: money(0, payout.currency),
      usdcRebateCreditAmount: money(0, payout.currency),
    };
  },
};

export const balanceTransactionFields: Fields<BalanceTransaction> = {
  id: (one) => gid('ShopifyPaymentsBalanceTransaction', one.id),
  amount: (one) => money(one.amountMinor, one.currency),
  fee: (one) => money(one.feeMinor, one.currency),
  net: (one) => money(one.amountMinor - one.feeMinor, one.currency),
  transactionDate: (one) => apiTime(one.atMs),
  adjustmentReason: (one) => one.reason,
  adjustmentsOrders: () => [],
  sourceId: (one) => one.orderTransactionId,
  sourceOrderTransactionId: (one) => one.orderTransactionId,
  associatedOrder: (one, _args, { shop }) => {
    const order = one.orderId === null ? undefined : shop.orders.get(one.orderId);
    return order === undefined ? null : { id: gid('Order', order.id), name: order.name };
  },
  associatedPayout: (one, _args, { shop }) => ({
    id: one.payoutId === null ? null : gid('ShopifyPaymentsPayout', one.payoutId),
    status: statusOf(shop, one),
  }),
};

function directionOf(payout: Payout): string {
  return payout.netMinor < 0 ? 'WITHDRAWAL' : 'DEPOSIT';
}

function statusOf(shop: Shop, one: BalanceTransaction): string {
  return one.payoutId === null ? 'PENDING' : (shop.payouts.get(one.payoutId)?.status ?? 'PENDING');
}

function groupOf(one: BalanceTransaction): string {
  if (one.type === 'CHARGE') return 'charges';
  if (one.type === 'REFUND' || one.type === 'REFUND_FAILURE') return 'refunds';
  if (one.type.startsWith('RESERVED_FUNDS')) return 'reserve';
  return one.type.startsWith('TRANSFER') ? 'retried' : 'adjustments';
}

function money(minor: number, currency: string): unknown {
  return { amount: short(minor, currency), currencyCode: currency };
}
