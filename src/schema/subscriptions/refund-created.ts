import type { RefundRow } from '../../loaders/tables.ts';
import type { StoredEvent } from '../../model/event.ts';
import { builder } from '../builder.ts';
import { ChannelEnum } from '../enums.ts';
import { Customer, Location, Order, Refund } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { afterText, eventFields } from './payload.ts';

const RefundCreatedFilter = builder.inputType('RefundCreatedFilter', {
  description: 'Which refunds to hear of; all given conditions must hold.',
  fields: (t) => ({
    orderIds: t.globalIDList({ for: Order, description: 'Of one of these orders.' }),
    customerId: t.globalID({ for: Customer, description: 'To this customer.' }),
    locationId: t.globalID({ for: Location, description: 'Of orders sold at this location.' }),
    channels: t.field({ type: [ChannelEnum], description: 'Of orders placed on one of these channels.' }),
  }),
});

type Filter = typeof RefundCreatedFilter.$inferInput;

const RefundCreated = builder.objectRef<StoredEvent>('RefundCreated').implement({
  description: 'Goods or money were given back.',
  fields: (t) => ({
    ...eventFields(t, 'read:orders'),
    refund: t.field({
      type: Refund,
      nullable: true,
      description: 'The refund as it is now.',
      authScopes: { can: 'read:orders' },
      resolve: (event) => event.subjectId.toString(),
    }),
  }),
});

function sourceOf(filter: Filter | null | undefined): EventSource {
  const types = ['refund.created'] as const;
  if (!filter || Object.values(filter).every((value) => value === null || value === undefined)) {
    return { types };
  }
  return {
    types,
    matches: async (event, context) => {
      const refund = await Refund.getDataloader(context).load(event.subjectId.toString());
      return refund !== null && fits(refund, filter, context);
    },
  };
}

async function fits(refund: RefundRow, filter: Filter, context: OperationContext): Promise<boolean> {
  if (filter.orderIds && !filter.orderIds.some(({ id }) => id === refund.orderId)) return false;
  const order = await Order.getDataloader(context).load(refund.orderId);
  return (
    order !== null &&
    (!filter.customerId || order.customerId === filter.customerId.id) &&
    (!filter.locationId || order.locationId === filter.locationId.id) &&
    (!filter.channels || filter.channels.some((channel) => channel === order.channel))
  );
}

builder.subscriptionField('refundCreated', (t) =>
  t.field({
    type: RefundCreated,
    description: 'Refunds as they are made.',
    authScopes: { can: 'read:orders' },
    args: {
      filter: t.arg({ type: RefundCreatedFilter, description: 'Which ones.' }),
      after: t.arg.string({ description: afterText }),
    },
    subscribe: (_root, args, context) => context.deliver(sourceOf(args.filter), parseCursor(args.after)),
    resolve: (event) => event,
  }),
);
