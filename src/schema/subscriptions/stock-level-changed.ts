import type { StoredEvent } from '../../model/event.ts';
import { builder } from '../builder.ts';
import { badInput } from '../failures.ts';
import { Location, StockLevel } from '../refs.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { eventFields } from './payload.ts';

const StockLevelChanged = builder.objectRef<StoredEvent>('StockLevelChanged').implement({
  description: 'A stock level changed.',
  fields: (t) => ({
    ...eventFields(t, 'read:stock'),
    stockLevel: t.field({
      type: StockLevel,
      nullable: true,
      description: 'The stock level as it is now.',
      authScopes: { can: 'read:stock' },
      resolve: (event) => event.subjectId.toString(),
    }),
  }),
});

interface Args {
  skus?: readonly string[] | null | undefined;
  locationIds?: readonly { id: string }[] | null | undefined;
}

function sourceOf({ skus, locationIds }: Args): EventSource {
  if ((skus?.length ?? 0) > 250) throw badInput('At most 250 SKUs.');
  const wantedSkus = skus ? new Set(skus) : null;
  const wantedLocations = locationIds ? new Set(locationIds.map((id) => id.id)) : null;
  if (wantedSkus === null && wantedLocations === null) return { types: ['stock.changed'] };
  return {
    types: ['stock.changed'],
    where: ({ payload }) =>
      (wantedSkus === null || (typeof payload.sku === 'string' && wantedSkus.has(payload.sku))) &&
      (wantedLocations === null || wantedLocations.has(String(payload.locationId))),
  };
}

builder.subscriptionField('stockLevelChanged', (t) =>
  t.field({
    type: StockLevelChanged,
    description: 'Stock levels as they change.',
    authScopes: { can: 'read:stock' },
    args: {
      skus: t.arg.stringList({ description: 'Of these SKUs; at most 250.' }),
      locationIds: t.arg.globalIDList({ for: Location, description: 'At these locations.' }),
      after: t.arg.string({ description: 'Cursor of the last payload seen; absent: from now on.' }),
    },
    subscribe: (_root, args, context) => context.deliver(sourceOf(args), parseCursor(args.after)),
    resolve: (event) => event,
  }),
);
