import type { OutputType } from '@pothos/core';
import type { Page } from '../loaders/page.ts';
import { raw } from '../loaders/sql.ts';
import { builder } from './builder.ts';
import { Money, money } from './common.ts';
import { Event } from './nodes/event.ts';
import { Payout } from './nodes/payout.ts';
import {
  Customer,
  FulfilmentRule,
  MergeCandidate,
  Order,
  Product,
  Refund,
  Reservation,
  StockLevel,
  StockMovement,
} from './refs.ts';

type Types = (typeof builder)['$inferSchemaTypes'];

type PageBuilder = Parameters<NonNullable<Parameters<typeof builder.connectionObject>[0]['fields']>>[0];

/** One connection type per node type, whoever lists it. */
export function connectionOf<T extends OutputType<Types>>(
  type: T,
  name: string,
  many: string,
  more: (t: PageBuilder) => object = () => ({}),
) {
  const Edge = builder.edgeObject({
    type,
    name: `${name}Edge`,
    description: 'A place in a list, and what stands there.',
  });
  return [
    builder.connectionObject(
      {
        type,
        name: `${name}Connection`,
        description: `One page of a list of ${many}.`,
        fields: (t) => ({
          totalCount: t.int({
            complexity: 10,
            description:
              'How many there are over all pages. Counted when asked for: leave it out where it is not needed.',
            resolve: (page) => (page as { totalCount: () => number | Promise<number> }).totalCount(),
          }),
          ...more(t as never),
        }),
      },
      Edge,
    ),
    Edge,
  ] as const;
}

interface OrderTotalsValue {
  currency: string;
  count: string;
  total: string;
  refunded: string;
  net: string;
}

const OrderTotals = builder.objectRef<OrderTotalsValue>('OrderTotals').implement({
  description: 'Orders of one currency, summed up.',
  fields: (t) => ({
    count: t.int({
      description: 'How many orders of this currency the sums are over.',
      resolve: (sums) => Number(sums.count),
    }),
    total: t.field({
      type: Money,
      description: 'What was ordered, after edits and before refunds.',
      resolve: (sums) => money(sums.total, sums.currency),
    }),
    refundedTotal: t.field({
      type: Money,
      description: 'What was given back.',
      resolve: (sums) => money(sums.refunded, sums.currency),
    }),
    netTotal: t.field({
      type: Money,
      description: '`total` less `refundedTotal`.',
      resolve: (sums) => money(sums.net, sums.currency),
    }),
  }),
});

const orderSums = raw(
  `t.currency, count(*) as count, sum(t.total_minor)::bigint as total, sum(t.refunded_minor)::bigint as refunded,
   (sum(t.total_minor) - sum(t.refunded_minor))::bigint as net`,
);
const byCurrency = raw('t.currency');

export const OrderConnection = connectionOf(Order, 'Order', 'orders', (t) => ({
  totals: t.field({
    type: [OrderTotals],
    complexity: 10,
    description:
      'Sums over all pages, one per currency. Everything in the list counts: leave cancelled and test orders out with the filter.',
    resolve: async (page) => {
      const sums = await (page as unknown as Page<unknown>).sums<OrderTotalsValue>(orderSums, byCurrency);
      return sums.sort((a, b) => (a.currency < b.currency ? -1 : 1));
    },
  }),
}));
export const CustomerConnection = connectionOf(Customer, 'Customer', 'customers');
export const MergeCandidateConnection = connectionOf(
  MergeCandidate,
  'MergeCandidate',
  'pairs of customers who may be one',
);
export const RefundConnection = connectionOf(Refund, 'Refund', 'refunds');
export const FulfilmentRuleConnection = connectionOf(FulfilmentRule, 'FulfilmentRule', 'fulfilment rules');
export const ProductConnection = connectionOf(Product, 'Product', 'products');
export const StockLevelConnection = connectionOf(StockLevel, 'StockLevel', 'stock levels');
export const ReservationConnection = connectionOf(Reservation, 'Reservation', 'reservations');
export const StockMovementConnection = connectionOf(StockMovement, 'StockMovement', 'stock movements');
export const PayoutConnection = connectionOf(Payout, 'Payout', 'payouts');
export const EventConnection = connectionOf(Event, 'Event', 'events');
