import type { StoredEvent } from '../../model/event.ts';
import { builder } from '../builder.ts';
import { Customer } from '../refs.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { afterText, eventFields } from './payload.ts';

const CustomerChangedFilter = builder.inputType('CustomerChangedFilter', {
  description:
    'Which customers to hear of, by how they are after the change; all given conditions must hold.',
  fields: (t) => ({
    ids: t.globalIDList({ for: Customer, description: 'Only these customers.' }),
    emails: t.stringList({ description: 'With one of these addresses, in any case.' }),
    tags: t.stringList({ description: 'Carrying all of these tags.' }),
    hasOrders: t.boolean({ description: 'Who have ordered, or have not.' }),
  }),
});

type Filter = typeof CustomerChangedFilter.$inferInput;

const CustomerChanged = builder.objectRef<StoredEvent>('CustomerChanged').implement({
  description: 'A customer became known, changed or was removed.',
  fields: (t) => ({
    ...eventFields(t, 'read:customers'),
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'The customer as it is now; null when it is gone.',
      authScopes: { can: 'read:customers' },
      resolve: (event) => event.subjectId.toString(),
    }),
  }),
});

function sourceOf(filter: Filter | null | undefined): EventSource {
  const ids = filter?.ids && new Set(filter.ids.map(({ id }) => BigInt(id)));
  const emails = filter?.emails && new Set(filter.emails.map((email) => email.trim().toLowerCase()));
  const { tags, hasOrders } = filter ?? {};
  const asksTheGraph = emails || tags || typeof hasOrders === 'boolean';
  return {
    types: ['customer.created', 'customer.updated', 'customer.removed', 'customer.erased'],
    ...(ids ? { where: (event: StoredEvent) => ids.has(event.subjectId) } : {}),
    ...(asksTheGraph
      ? {
          matches: async (event, context) => {
            const customer = await Customer.getDataloader(context).load(event.subjectId.toString());
            return (
              customer !== null &&
              (!emails || (customer.email !== null && emails.has(customer.email))) &&
              (!tags || tags.every((tag) => customer.tags.includes(tag))) &&
              (typeof hasOrders !== 'boolean' || customer.orderCount > 0 === hasOrders)
            );
          },
        }
      : {}),
  };
}

builder.subscriptionField('customerChanged', (t) =>
  t.field({
    type: CustomerChanged,
    description: 'Customers as they become known, change or are removed.',
    authScopes: { can: 'read:customers' },
    args: {
      filter: t.arg({ type: CustomerChangedFilter, description: 'Which ones.' }),
      after: t.arg.string({ description: afterText }),
    },
    subscribe: (_root, args, context) => context.deliver(sourceOf(args.filter), parseCursor(args.after)),
    resolve: (event) => event,
  }),
);
