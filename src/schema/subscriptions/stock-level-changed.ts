import type { StoredEvent } from '../../model/event.ts';
import type { Channel } from '../../model/platform-name.ts';
import { builder } from '../builder.ts';
import { ChannelEnum, StockCauseEnum } from '../enums.ts';
import { badInput } from '../failures.ts';
import { Location, Order, StockLevel, StockMovement } from '../refs.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { afterText, eventFields } from './payload.ts';

interface CountsValue {
  onHand: number;
  committed: number;
  reserved: number;
  safety: number;
  available: number;
  incoming: number;
}

const StockCounts = builder.objectRef<CountsValue>('StockCounts').implement({
  description: 'The counts of a stock level at one moment.',
  fields: (t) => ({
    onHand: t.exposeInt('onHand', { description: 'Physically there.' }),
    committed: t.exposeInt('committed', { description: 'Sold and not yet sent.' }),
    reserved: t.exposeInt('reserved', { description: 'Set aside by a reservation.' }),
    safety: t.exposeInt('safety', { description: 'Kept back from every channel.' }),
    available: t.exposeInt('available', {
      description: 'Free to sell: on hand less committed, reserved and safety.',
    }),
    incoming: t.exposeInt('incoming', { description: 'On its way in.' }),
  }),
});

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
    cause: t.field({
      type: StockCauseEnum,
      nullable: true,
      description: 'Why it moved.',
      resolve: ({ payload }) => (payload.cause ?? null) as typeof StockCauseEnum.$inferType | null,
    }),
    availableDelta: t.int({
      nullable: true,
      description: 'By how much `available` changed.',
      resolve: ({ payload }) => (payload.availableDelta ?? null) as number | null,
    }),
    before: t.field({
      type: StockCounts,
      nullable: true,
      description: 'The counts before this change.',
      resolve: ({ payload }) => (payload.before ?? null) as CountsValue | null,
    }),
    after: t.field({
      type: StockCounts,
      nullable: true,
      description: 'The counts right after this change; `stockLevel` may have moved on since.',
      resolve: ({ payload }) => (payload.after ?? null) as CountsValue | null,
    }),
    reason: t.string({
      nullable: true,
      description: 'Why, in words, where a person gave a reason.',
      resolve: ({ payload }) => (payload.reason ?? null) as string | null,
    }),
    channels: t.field({
      type: [ChannelEnum],
      description: 'Channels that sell these goods.',
      resolve: ({ payload }) => (payload.channels ?? []) as Channel[],
    }),
    movement: t.field({
      type: StockMovement,
      nullable: true,
      description: 'The movement.',
      authScopes: { can: 'read:stock' },
      resolve: ({ payload }) => (payload.movementId ?? null) as string | null,
    }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order that caused it.',
      authScopes: { can: 'read:orders' },
      resolve: ({ payload }) => (payload.orderId ?? null) as string | null,
    }),
  }),
});

interface Args {
  skus?: readonly string[] | null | undefined;
  locationIds?: readonly { id: string }[] | null | undefined;
  channels?: readonly Channel[] | null | undefined;
}

function sourceOf({ skus, locationIds, channels }: Args): EventSource {
  if ((skus?.length ?? 0) > 250) throw badInput('skus: at most 250 of them.', ['skus']);
  const wantedSkus = skus ? new Set(skus) : null;
  const wantedLocations = locationIds ? new Set(locationIds.map((id) => id.id)) : null;
  const wantedChannels = channels ? new Set<unknown>(channels) : null;
  if (wantedSkus === null && wantedLocations === null && wantedChannels === null)
    return { types: ['stock.changed'] };
  return {
    types: ['stock.changed'],
    where: ({ payload }) =>
      (wantedSkus === null || (typeof payload.sku === 'string' && wantedSkus.has(payload.sku))) &&
      (wantedLocations === null || wantedLocations.has(String(payload.locationId))) &&
      (wantedChannels === null ||
        (Array.isArray(payload.channels) && payload.channels.some((one) => wantedChannels.has(one)))),
  };
}

builder.subscriptionField('stockLevelChanged', (t) =>
  t.field({
    type: StockLevelChanged,
    description: 'Every movement of stock, in order, whatever its cause.',
    authScopes: { can: 'read:stock' },
    args: {
      skus: t.arg.stringList({ description: 'Of these SKUs; at most 250.' }),
      locationIds: t.arg.globalIDList({ for: Location, description: 'At these locations.' }),
      channels: t.arg({ type: [ChannelEnum], description: 'Of goods that one of these channels sells.' }),
      after: t.arg.string({ description: afterText }),
    },
    subscribe: (_root, args, context) => context.deliver(sourceOf(args), parseCursor(args.after)),
    resolve: (event) => event,
  }),
);
