import type { StoredEvent } from '../../model/event.ts';
import { builder } from '../builder.ts';
import { Connection } from '../nodes/sync.ts';
import { readSyncStatus, SyncStatus } from '../nodes/sync-status.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { afterText, eventFields } from './payload.ts';

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
    'push.dismissed',
    'push.superseded',
    'delivery.retrying',
    'delivery.dead',
    'delivery.dismissed',
    'connection.paused',
    'connection.resumed',
    'connection.revoked',
    'connection.disconnected',
    'connection.drifted',
    'connection.write_changed',
    'connection.circuit_opened',
    'connection.circuit_closed',
  ],
  latestEveryMs: 500,
};

function sourceOf(connectionIds: readonly { id: string }[] | null | undefined): EventSource {
  if (!connectionIds) return statusSource;
  const wanted = new Set(connectionIds.map(({ id }) => id));
  return {
    ...statusSource,
    where: ({ subjectType, subjectId, payload }) =>
      wanted.has(String(subjectType === 'Connection' ? subjectId : payload.connectionId)),
  };
}

builder.subscriptionField('syncStatusChanged', (t) =>
  t.field({
    type: SyncStatusChanged,
    description:
      'How well the platforms are kept in step, whenever that changes; at most twice a second. Deliveries that are received and settled without trouble are told of with the next change.',
    authScopes: { can: 'read:sync' },
    args: {
      connectionIds: t.arg.globalIDList({
        for: Connection,
        description: 'Only when it changed for one of these accounts.',
      }),
      after: t.arg.string({ description: afterText }),
    },
    subscribe: (_root, args, context) =>
      context.deliver(sourceOf(args.connectionIds), parseCursor(args.after)),
    resolve: (event) => event,
  }),
);
