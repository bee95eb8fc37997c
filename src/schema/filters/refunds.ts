import type { Sort } from '../../loaders/page.ts';
import { raw, type Sql, sql } from '../../loaders/sql.ts';
import { builder } from '../builder.ts';
import { ChannelEnum } from '../enums.ts';
import { Customer, Order } from '../refs.ts';
import { equal, oneOf, refersTo, TimeRange, within } from './common.ts';
import { minorOf } from './orders.ts';

export const RefundFilter = builder.inputType('RefundFilter', {
  description: 'Which refunds; all given conditions must hold.',
  fields: (t) => ({
    orderId: t.globalID({ for: Order, description: 'Of this order.' }),
    customerId: t.globalID({ for: Customer, description: 'To this customer.' }),
    channels: t.field({ type: [ChannelEnum], description: 'Of orders placed on one of these channels.' }),
    currencyCode: t.string({
      description: 'In this shop currency; needed beside `totalAtLeast` and `totalAtMost`.',
    }),
    totalAtLeast: t.field({ type: 'Decimal', description: 'Whose total is not below this.' }),
    totalAtMost: t.field({ type: 'Decimal', description: 'Whose total is not above this.' }),
    settled: t.boolean({ description: 'With all money moved, or with some still pending.' }),
    refundedAt: t.field({ type: TimeRange, description: 'Given back within.' }),
  }),
});

export function refundConditions(filter: typeof RefundFilter.$inferInput | null | undefined): Sql[] {
  if (!filter) return [];
  return [
    ...refersTo(raw('t.order_id'), filter.orderId),
    ...equal(raw('t.settled'), filter.settled),
    ...within(raw('t.refunded_at'), filter.refundedAt),
    ...equal(raw('t.currency'), filter.currencyCode),
    ...(filter.totalAtLeast == null
      ? []
      : [sql`t.total_minor >= ${minorOf('totalAtLeast', filter.totalAtLeast, filter.currencyCode)}::bigint`]),
    ...(filter.totalAtMost == null
      ? []
      : [sql`t.total_minor <= ${minorOf('totalAtMost', filter.totalAtMost, filter.currencyCode)}::bigint`]),
    ...oneOf(raw('(select o.channel from sales_order o where o.id = t.order_id)'), filter.channels),
    ...(filter.customerId
      ? [
          sql`t.order_id in (select o.id from sales_order o where o.customer_id = ${filter.customerId.id}::bigint)`,
        ]
      : []),
  ];
}

const idKey = { expression: 't.id', type: 'bigint' };

export const refundSorts: Record<'refunded_at_desc' | 'refunded_at_asc', Sort> = {
  refunded_at_desc: {
    name: 'refunded_at_desc',
    direction: 'desc',
    keys: [{ expression: 't.refunded_at', type: 'timestamptz' }, idKey],
  },
  refunded_at_asc: {
    name: 'refunded_at_asc',
    direction: 'asc',
    keys: [{ expression: 't.refunded_at', type: 'timestamptz' }, idKey],
  },
};
