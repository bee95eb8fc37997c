import { mulDiv, parseMinor } from './commerce/money.ts';
import type { BalanceTransaction, Order, Payout, Transaction } from './commerce/types.ts';
import type { Decimal } from './place-order.ts';
import { type Shop, ShopError } from './shop.ts';

/*
 * The account that Shopify Payments keeps for the shop: what cards paid less fees gathers in a balance, and now and then
 * all of it is paid out. There is no webhook for any of this: apps read it.
 */

/** Writes into the balance what a payment through Shopify Payments brought or took. */
export function recordBalance(shop: Shop, order: Order, transaction: Transaction): void {
  if (transaction.gateway !== 'shopify_payments' || transaction.status !== 'SUCCESS') return;
  if (transaction.kind !== 'SALE' && transaction.kind !== 'CAPTURE' && transaction.kind !== 'REFUND') return;
  const isRefund = transaction.kind === 'REFUND';
  const { shop: amount } = transaction.amount;
  addToBalance(shop, {
    type: isRefund ? 'REFUND' : 'CHARGE',
    sourceType: isRefund ? 'REFUND' : 'CHARGE',
    amountMinor: isRefund ? -amount : amount,
    // The card company keeps its fee when money goes back.
    feeMinor: isRefund ? 0 : mulDiv(amount, 29, 1000) + 30,
    orderId: order.id,
    orderTransactionId: transaction.id,
    reason: null,
    test: order.test,
  });
}

export interface BalanceInput {
  /** DISPUTE_WITHDRAWAL, DISPUTE_REVERSAL, RESERVED_FUNDS, RESERVED_FUNDS_REVERSAL, ADJUSTMENT, SHIPPING_LABEL, … */
  type: string;
  /** Below zero: taken. */
  amount: Decimal;
  fee?: Decimal;
  /** Id or name of the order that it is about. */
  order?: string;
  reason?: string;
}

/** Something that no payment is behind: a dispute, a reserve, an adjustment. */
export function bookBalance(shop: Shop, input: BalanceInput): BalanceTransaction {
  const { currency } = shop.profile;
  const order =
    input.order === undefined
      ? undefined
      : (shop.orders.get(input.order) ??
        shop.orderByName.get(input.order) ??
        shop.orderByName.get(`#${input.order}`));
  if (input.order !== undefined && order === undefined)
    throw new ShopError(`no order ${input.order}`, ['order'], 404);
  return addToBalance(shop, {
    type: input.type.toUpperCase(),
    sourceType: input.type.toUpperCase().startsWith('DISPUTE') ? 'DISPUTE' : 'ADJUSTMENT',
    amountMinor: parseMinor(input.amount, currency),
    feeMinor: input.fee === undefined ? 0 : parseMinor(input.fee, currency),
    orderId: order?.id ?? null,
    orderTransactionId: null,
    reason: input.reason ?? null,
    test: false,
  });
}

/** Pays out all that the balance holds; below zero the shop's bank account is debited. */
export function issuePayout(shop: Shop, input: { status?: Payout['status'] } = {}): Payout {
  const open = shop.balanceTransactions.filter((one) => one.payoutId === null && !one.test);
  if (open.length === 0) throw new ShopError('the balance is empty');
  const netMinor = open.reduce((all, one) => all + one.amountMinor - one.feeMinor, 0);
  const now = shop.nowMs();
  const payout: Payout = {
    typename: 'ShopifyPaymentsPayout',
    id: shop.nextId('ShopifyPaymentsPayout'),
    issuedAtMs: now,
    status: input.status ?? 'PAID',
    currency: shop.profile.currency,
    netMinor,
  };
  for (const one of open) one.payoutId = payout.id;
  shop.payouts.set(payout.id, payout);
  const transfer = addToBalance(shop, {
    type: 'TRANSFER',
    sourceType: 'TRANSFER',
    amountMinor: -netMinor,
    feeMinor: 0,
    orderId: null,
    orderTransactionId: null,
    reason: null,
    test: false,
  });
  transfer.payoutId = payout.id;
  return payout;
}

/** The bank has taken a payout, or sent it back: its money is then part of the next one. */
export function settlePayout(shop: Shop, id: string, status: Payout['status']): Payout {
  const payout = shop.payouts.get(id);
  if (payout === undefined) throw new ShopError(`no payout ${id}`, ['id'], 404);
  if (status === 'FAILED' && payout.status !== 'FAILED')
    addToBalance(shop, {
      type: 'TRANSFER_FAILURE',
      sourceType: 'TRANSFER',
      amountMinor: payout.netMinor,
      feeMinor: 0,
      orderId: null,
      orderTransactionId: null,
      reason: null,
      test: false,
    });
  payout.status = status;
  shop.changed();
  return payout;
}

function addToBalance(
  shop: Shop,
  given: Omit<BalanceTransaction, 'typename' | 'id' | 'atMs' | 'currency' | 'payoutId'>,
): BalanceTransaction {
  const transaction: BalanceTransaction = {
    typename: 'ShopifyPaymentsBalanceTransaction',
    id: shop.nextId('ShopifyPaymentsBalanceTransaction'),
    atMs: shop.nowMs(),
    currency: shop.profile.currency,
    payoutId: null,
    ...given,
  };
  shop.balanceTransactions.push(transaction);
  shop.changed();
  return transaction;
}
