import type { StoredEvent } from '../../model/event.ts';
import { builder } from '../builder.ts';
import { EventTypeEnum } from '../enums.ts';
import { readSyncStatus, SyncStatus } from '../nodes/sync-status.ts';
import { Customer, Refund } from '../refs.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { eventFields } from './payload.ts';

const after = 'Cursor of the last payload seen; absent: from now on.';

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

const refundSource: EventSource = { types: ['refund.created'] };

builder.subscriptionField('refundCreated', (t) =>
  t.field({
    type: RefundCreated,
    description: 'Refunds as they are made.',
    authScopes: { can: 'read:orders' },
    args: { after: t.arg.string({ description: after }) },
    subscribe: (_root, args, context) => context.deliver(refundSource, parseCursor(args.after)),
    resolve: (event) => event,
  }),
);

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

const customerSource: EventSource = {
  types: ['customer.created', 'customer.updated', 'customer.removed'],
};

builder.subscriptionField('customerChanged', (t) =>
  t.field({
    type: CustomerChanged,
    description: 'Customers as they become known, change or are removed.',
    authScopes: { can: 'read:customers' },
    args: { after: t.arg.string({ description: after }) },
    subscribe: (_root, args, context) => context.deliver(customerSource, parseCursor(args.after)),
    resolve: (event) => event,
  }),
);

const EventAppended = builder.objectRef<StoredEvent>('EventAppended').implement({
  description: 'A fact was committed.',
  fields: (t) => eventFields(t, 'read:sync'),
});

builder.subscriptionField('eventAppended', (t) =>
  t.field({
    type: EventAppended,
    description: 'Everything that is committed, in commit order.',
    authScopes: { can: 'read:sync' },
    args: {
      types: t.arg({ type: [EventTypeEnum], description: 'Of one of these kinds.' }),
      after: t.arg.string({ description: after }),
    },
    subscribe: (_root, args, context) =>
      context.deliver(args.types ? { types: args.types } : {}, parseCursor(args.after)),
    resolve: (event) => event,
  }),
);

const SyncStatusChanged = builder.objectRef<StoredEvent>('SyncStatusChanged').implement({
  description: 'Something about how the platforms are kept in step has changed.',
  fields: (t) => ({
    ...eventFields(t, 'read:sync'),
    syncStatus: t.field({
      type: SyncStatus,
      description: 'How it is now.',
      authScopes: { can: 'read:sync' },
      resolve: (_event, _args, context) => readSyncStatus(context),
    }),
  }),
});

/** A state, not a list of facts: of many changes in a row the newest says all. */
const statusSource: EventSource = {
  types: [
    'push.planned',
    'push.settled',
    'push.retrying',
    'push.dead',
    'push.superseded',
    'delivery.retrying',
    'delivery.dead',
    'connection.paused',
    'connection.resumed',
    'connection.write_changed',
    'connection.revoked',
    'connection.drifted',
    'connection.circuit_opened',
    'connection.circuit_closed',
  ],
  latestEveryMs: 500,
};

builder.subscriptionField('syncStatusChanged', (t) =>
  t.field({
    type: SyncStatusChanged,
    description: 'How well the platforms are kept in step, whenever that changes; at most twice a second.',
    authScopes: { can: 'read:sync' },
    args: { after: t.arg.string({ description: after }) },
    subscribe: (_root, args, context) => context.deliver(statusSource, parseCursor(args.after)),
    resolve: (event) => event,
  }),
);
