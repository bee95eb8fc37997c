import type { OrderRow } from '../../loaders/tables.ts';
import type { StoredEvent } from '../../model/event.ts';
import { builder } from '../builder.ts';
import { ChannelEnum, FinancialStatusEnum, FulfilmentStatusEnum } from '../enums.ts';
import { Customer, Location, Order } from '../refs.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { afterText, eventFields } from './payload.ts';

const OrderChangedFilter = builder.inputType('OrderChangedFilter', {
  description: 'Which orders to hear of, by how they are after the change; all given conditions must hold.',
  fields: (t) => ({
    ids: t.globalIDList({ for: Order, description: 'Only these orders.' }),
    customerId: t.globalID({ for: Customer, description: 'Placed by this customer.' }),
    locationId: t.globalID({ for: Location, description: 'Sold at this location.' }),
    channels: t.field({ type: [ChannelEnum], description: 'Placed on one of these channels.' }),
    financialStatuses: t.field({ type: [FinancialStatusEnum], description: 'Paid this far.' }),
    fulfilmentStatuses: t.field({ type: [FulfilmentStatusEnum], description: 'Sent this far.' }),
    tags: t.stringList({ description: 'Carrying all of these tags.' }),
  }),
});

type Filter = typeof OrderChangedFilter.$inferInput;

const OrderChanged = builder.objectRef<StoredEvent>('OrderChanged').implement({
  description: 'An order was placed, changed, cancelled or removed.',
  fields: (t) => ({
    ...eventFields(t, 'read:orders'),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order as it is now; null when it is gone.',
      authScopes: { can: 'read:orders' },
      resolve: (event) => event.subjectId.toString(),
    }),
  }),
});

function sourceOf(filter: Filter | null | undefined): EventSource {
  const ids = filter?.ids && new Set(filter.ids.map((id) => BigInt(id.id)));
  const asksTheGraph = filter && Object.keys(filter).some((key) => key !== 'ids');
  return {
    types: ['order.created', 'order.updated', 'order.cancelled', 'order.removed'],
    ...(ids ? { where: (event: StoredEvent) => ids.has(event.subjectId) } : {}),
    ...(asksTheGraph
      ? {
          matches: async (event, context) => {
            const order = await Order.getDataloader(context).load(event.subjectId.toString());
            return order !== null && fits(order, filter);
          },
        }
      : {}),
  };
}

builder.subscriptionField('orderChanged', (t) =>
  t.field({
    type: OrderChanged,
    description: 'Orders as they are placed, changed, cancelled or removed.',
    authScopes: { can: 'read:orders' },
    args: {
      filter: t.arg({ type: OrderChangedFilter, description: 'Which ones.' }),
      after: t.arg.string({ description: afterText }),
    },
    subscribe: (_root, args, context) => context.deliver(sourceOf(args.filter), parseCursor(args.after)),
    resolve: (event) => event,
  }),
);

function fits(order: OrderRow, filter: Filter): boolean {
  const includes = (values: readonly string[] | null | undefined, value: string): boolean =>
    !values || values.includes(value);
  return (
    (!filter.customerId || order.customerId === filter.customerId.id) &&
    (!filter.locationId || order.locationId === filter.locationId.id) &&
    includes(filter.channels, order.channel) &&
    includes(filter.financialStatuses, order.financialStatus) &&
    includes(filter.fulfilmentStatuses, order.fulfilmentStatus) &&
    (!filter.tags || filter.tags.every((tag) => order.tags.includes(tag)))
  );
}
