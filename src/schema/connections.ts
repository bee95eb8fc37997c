import type { OutputType } from '@pothos/core';
import { builder } from './builder.ts';
import { Event } from './nodes/event.ts';
import {
  Customer,
  FulfilmentRule,
  MergeCandidate,
  Order,
  Product,
  Refund,
  StockLevel,
  StockMovement,
} from './refs.ts';

type Types = (typeof builder)['$inferSchemaTypes'];

/** One connection type per node type, whoever lists it. */
function connectionOf<T extends OutputType<Types>>(type: T, name: string, many: string) {
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
        }),
      },
      Edge,
    ),
    Edge,
  ] as const;
}

export const OrderConnection = connectionOf(Order, 'Order', 'orders');
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
export const StockMovementConnection = connectionOf(StockMovement, 'StockMovement', 'stock movements');
export const EventConnection = connectionOf(Event, 'Event', 'events');
