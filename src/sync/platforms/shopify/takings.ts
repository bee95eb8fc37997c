import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { parseMinor } from '../../../model/money.ts';
import type { Taking } from '../platform.ts';
import { page } from './answers.ts';
import type { ShopifySession } from './api.ts';
import { pages } from './sweep.ts';
import { idOf } from './vocabulary.ts';

const instant = z.iso.datetime({ offset: true }).transform((value) => new Date(value));
const bag = z.object({ shopMoney: z.object({ amount: z.string(), currencyCode: z.string().length(3) }) });
const orderTaking = z.object({
  id: z.string(),
  name: z.string(),
  processedAt: instant,
  updatedAt: instant,
  totalPriceSet: bag,
  refunds: z.array(z.object({ id: z.string(), processedAt: instant, totalRefundedSet: bag })),
});
type OrderTaking = z.infer<typeof orderTaking>;
const takingsShape = z.object({ orders: page(orderTaking) });

/** More than this is no day of a small retailer: the answer would take minutes. */
const mostOrders = 20_000;
const ordersPerPage = 50;

/**
 * What the shop says of the time between two moments: orders processed in it with their totals, and the money of refunds
 * given in it, whenever their order was placed. @throws AppError TOO_MANY_ORDERS
 */
export async function takingsBetween(session: ShopifySession, from: Date, to: Date): Promise<Taking[]> {
  const isWithin = (at: Date): boolean => at >= from && at < to;
  const [since, until] = [secondOf(from), secondOf(to)];
  const placed = await read(session, `processed_at:>='${since}' processed_at:<'${until}'`);
  // A refund changes its order: only what was changed since can have been refunded then.
  const refunded = await read(session, `updated_at:>='${since}' financial_status:refunded`);
  const partly = await read(session, `updated_at:>='${since}' financial_status:partially_refunded`);
  const orders = new Map([...placed, ...refunded, ...partly].map((order) => [order.id, order]));
  return [...orders.values()].flatMap((order) => [
    ...(isWithin(order.processedAt) ? [takingOf(order, null, order.totalPriceSet)] : []),
    ...order.refunds
      .filter((refund) => isWithin(refund.processedAt))
      .map((refund) => takingOf(order, refund.id, refund.totalRefundedSet)),
  ]);
}

async function read(session: ShopifySession, query: string): Promise<OrderTaking[]> {
  const orders: OrderTaking[] = [];
  for await (const { data } of pages(
    session,
    'takings',
    { query },
    takingsShape,
    ordersPerPage,
    (one) => one.orders,
  )) {
    orders.push(...data.orders.nodes);
    if (orders.length > mostOrders)
      throw new AppError({
        code: 'TOO_MANY_ORDERS',
        retryable: false,
        publicMessage: `More than ${mostOrders} orders of the shop may belong to this day.`,
        remedy: 'Ask without the shop: graph and books are compared all the same.',
      });
  }
  return orders;
}

function takingOf(order: OrderTaking, refundId: string | null, { shopMoney }: z.infer<typeof bag>): Taking {
  return {
    orderRemoteId: idOf(order.id),
    refundRemoteId: refundId === null ? null : idOf(refundId),
    number: order.name,
    updatedAt: order.updatedAt,
    currency: shopMoney.currencyCode,
    amountMinor: parseMinor(shopMoney.amount, shopMoney.currencyCode),
  };
}

/** Shopify's search knows whole seconds; days begin on one. */
function secondOf(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}
