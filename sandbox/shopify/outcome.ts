import { fixed } from './commerce/money.ts';
import { currentQuantity, fulfillableQuantity, summarise } from './commerce/summary.ts';
import type { Order } from './commerce/types.ts';
import { gid } from './shop.ts';

/** An order in few words, for people and tests that drive the shop. Amounts are text in the shop's currency. */
export interface OrderOutcome {
  id: string;
  gid: string;
  name: string;
  number: number;
  customerId: string | null;
  currency: string;
  presentmentCurrency: string;
  total: string;
  currentTotal: string;
  totalTax: string;
  totalDiscounts: string;
  netPayment: string;
  outstanding: string;
  financialStatus: string;
  fulfillmentStatus: string;
  cancelled: boolean;
  lines: {
    id: string;
    sku: string | null;
    quantity: number;
    currentQuantity: number;
    fulfillableQuantity: number;
    locationId: string | null;
  }[];
  transactions: { id: string; kind: string; status: string; gateway: string; amount: string }[];
  refunds: { id: string; amount: string; lineIds: string[] }[];
  fulfillments: { id: string }[];
}

export function outcomeOf(order: Order): OrderOutcome {
  const sums = summarise(order);
  const text = (minor: number): string => fixed(minor, order.currency);
  return {
    id: order.id,
    gid: gid('Order', order.id),
    name: order.name,
    number: order.number,
    customerId: order.customerId,
    currency: order.currency,
    presentmentCurrency: order.presentmentCurrency,
    total: text(sums.total.shop),
    currentTotal: text(sums.currentTotal.shop),
    totalTax: text(sums.tax.shop),
    totalDiscounts: text(sums.discounts.shop),
    netPayment: text(sums.net.shop),
    outstanding: text(sums.outstanding.shop),
    financialStatus: sums.financialStatus,
    fulfillmentStatus: sums.fulfillmentState,
    cancelled: order.cancelledAtMs !== null,
    lines: order.lines.map((line) => ({
      id: line.id,
      sku: line.sku,
      quantity: line.quantity,
      currentQuantity: currentQuantity(line),
      fulfillableQuantity: fulfillableQuantity(line),
      locationId: line.locationId,
    })),
    transactions: order.transactions.map((one) => ({
      id: one.id,
      kind: one.kind,
      status: one.status,
      gateway: one.gateway,
      amount: text(one.amount.shop),
    })),
    refunds: order.refunds.map((refund) => ({
      id: refund.id,
      amount: text(
        order.transactions
          .filter((one) => refund.transactionIds.includes(one.id))
          .reduce((all, one) => all + one.amount.shop, 0),
      ),
      lineIds: refund.lines.map((one) => one.lineId),
    })),
    fulfillments: order.fulfillments.map((one) => ({ id: one.id })),
  };
}
