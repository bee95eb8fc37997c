import { pagesOfParents, type Sort } from '../../loaders/page.ts';
import { publishedQuantities } from '../../loaders/published.ts';
import { rowsOfParents } from '../../loaders/rows.ts';
import { raw, sql } from '../../loaders/sql.ts';
import { type ReservationRow, reservations, stockMovements } from '../../loaders/tables.ts';
import type { Source } from '../../model/platform-name.ts';
import { channelsOf } from '../../model/stock.ts';
import { batchedPage } from '../batched-pages.ts';
import { builder, pageComplexity } from '../builder.ts';
import { FactSource } from '../common.ts';
import { StockMovementConnection } from '../connections.ts';
import { ChannelEnum, PlatformEnum, StockCauseEnum } from '../enums.ts';
import { Location, Order, Refund, Reservation, StockLevel, StockMovement, Variant } from '../refs.ts';
import { pushesField } from './pushes-of.ts';

const newestFirst: Sort = {
  name: 'newest',
  direction: 'desc',
  keys: [{ expression: 't.id', type: 'bigint' }],
};

interface FreshnessValue {
  sourceUpdatedAt: string | null;
  observedAt: string | null;
}

const Freshness = builder.objectRef<FreshnessValue>('Freshness').implement({
  description: 'How far a figure can be trusted to be of now.',
  fields: (t) => ({
    sourceUpdatedAt: t.expose('sourceUpdatedAt', {
      type: 'DateTime',
      nullable: true,
      description: "The platform's own time of the last report that was applied.",
    }),
    observedAt: t.expose('observedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was learned here.',
    }),
    ageSeconds: t.float({
      nullable: true,
      description: 'Seconds since it was learned here; null where nothing was reported yet.',
      resolve: ({ observedAt }) =>
        observedAt === null ? null : Math.max(0, (Date.now() - new Date(observedAt).getTime()) / 1000),
    }),
  }),
});

interface PublishedValue {
  levelId: string;
  platform: string;
  accountName: string;
  quantity: number | null;
  observedAt: string | null;
  allocated: number | null;
  buffer: number | null;
  because: string | null;
}

const PublishedQuantity = builder.objectRef<PublishedValue>('PublishedQuantity').implement({
  description: 'What an account that sells these goods offers, and what it should.',
  fields: (t) => ({
    platform: t.field({
      type: PlatformEnum,
      description: 'Where it is offered.',
      resolve: (one) => one.platform as 'shopify' | 'amazon',
    }),
    channels: t.field({
      type: [ChannelEnum],
      description: 'The channels that sell from it.',
      resolve: (one) => channelsOf(one.platform as 'shopify' | 'amazon'),
    }),
    accountName: t.exposeString('accountName', { description: 'What people call the account.' }),
    quantity: t.exposeInt('quantity', {
      nullable: true,
      description: 'What it was last known to offer; null where it has not told yet.',
    }),
    freshness: t.field({
      type: Freshness,
      description: 'How far `quantity` can be trusted to be of now.',
      resolve: (one) => ({ sourceUpdatedAt: null, observedAt: one.observedAt }),
    }),
    allocated: t.exposeInt('allocated', {
      nullable: true,
      description:
        'What it should offer of the variant over all locations, as worked out last; null where the account counts the stock itself.',
    }),
    buffer: t.exposeInt('buffer', {
      nullable: true,
      description: 'Units kept back from it against sales that are not known yet.',
    }),
    because: t.exposeString('because', {
      nullable: true,
      description:
        'What decided `allocated`: `all_available`, `buffer`, `last_units`, `rule_share`, `rule_maximum`, `nothing_left`, `rule_paused` or `stale_feed`.',
    }),
  }),
});

StockLevel.implement({
  description: 'How much of a variant is at a location: the fold of its movements.',
  fields: (t) => ({
    variant: t.field({
      type: Variant,
      description: 'The variant whose units these are.',
      resolve: (level) => level.variantId,
    }),
    location: t.field({
      type: Location,
      description: 'The location where they are stocked.',
      resolve: (level) => level.locationId,
    }),
    onHand: t.exposeInt('onHand', { description: 'Physically there.' }),
    committed: t.exposeInt('committed', { description: 'Sold and not yet sent.' }),
    reserved: t.exposeInt('reserved', { description: 'Set aside by a reservation.' }),
    safety: t.exposeInt('safety', { description: 'Kept back from every channel.' }),
    available: t.exposeInt('available', {
      description: 'Free to sell: on hand less committed, reserved and safety.',
    }),
    incoming: t.exposeInt('incoming', { description: 'On its way in.' }),
    freshness: t.field({
      type: Freshness,
      description: 'How far the figures can be trusted to be of now.',
      resolve: (level) => level,
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the graph last changed.' }),
    pushes: pushesField(t, 'StockLevel'),
    published: t.loadableGroup({
      type: PublishedQuantity,
      description: 'What each channel that sells these goods offers, and how fresh that is.',
      load: (ids: string[], context) => publishedQuantities(context.db, ids),
      group: (one) => (one as PublishedValue).levelId,
      resolve: (level) => level.id,
    }),
    reservations: t.loadableGroup({
      type: Reservation,
      description: 'What is set aside of it now.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, reservations, 'stockLevelId', ids, {
          orderBy: 't.id',
          where: raw('t.released_at is null'),
        }),
      group: (one) => (one as ReservationRow).stockLevelId,
      resolve: (level) => level.id,
    }),
    movements: t.connection(
      {
        type: StockMovement,
        description: 'How it came to be so, latest first.',
        complexity: pageComplexity,
        resolve: (level, args, context) =>
          batchedPage(context, `StockLevel.movements ${JSON.stringify(args)}`, level.id, (ids) =>
            pagesOfParents(context.db, stockMovements, {
              parent: sql`t.stock_level_id`,
              ids,
              where: [],
              sort: newestFirst,
              args,
            }),
          ),
      },
      ...StockMovementConnection,
    ),
  }),
});

StockMovement.implement({
  description: 'One change of a stock level. Movements are never changed or removed.',
  fields: (t) => ({
    stockLevel: t.field({
      type: StockLevel,
      description: 'What moved.',
      resolve: (movement) => movement.stockLevelId,
    }),
    cause: t.expose('cause' as never, {
      type: StockCauseEnum,
      description: 'What moved it: a sale, a return, a count, a report of the platform.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why, in words, where a person gave a reason.',
    }),
    onHandDelta: t.exposeInt('onHandDelta', { description: 'By how much `onHand` changed.' }),
    committedDelta: t.exposeInt('committedDelta', { description: 'By how much `committed` changed.' }),
    reservedDelta: t.exposeInt('reservedDelta', { description: 'By how much `reserved` changed.' }),
    incomingDelta: t.exposeInt('incomingDelta', { description: 'By how much `incoming` changed.' }),
    safetyDelta: t.exposeInt('safetyDelta', { description: 'By how much `safety` changed.' }),
    availableDelta: t.exposeInt('availableDelta', { description: 'By how much `available` changed.' }),
    availableBefore: t.exposeInt('availableBefore', { description: '`available` before.' }),
    availableAfter: t.exposeInt('availableAfter', { description: '`available` after.' }),
    units: t.exposeInt('units', {
      description: 'How many units it speaks of: those sold, returned, moved. 0 of a mere report.',
    }),
    negativeReason: t.exposeString('negativeReason', {
      nullable: true,
      description:
        'Why `available` was let fall below zero: `reported_by_platform`, `oversold`, `counted` or `allowed_by_person`.',
    }),
    explains: t.field({
      type: StockMovement,
      nullable: true,
      description: 'The report that had shown the change before its cause was known.',
      resolve: (movement) => movement.explainsId,
    }),
    reference: t.exposeString('reference', {
      nullable: true,
      description: 'What it belongs to beyond an order: `transfer:…`, `reservation:…`.',
    }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order that caused it.',
      authScopes: { can: 'read:orders' },
      resolve: (movement) => movement.orderId,
    }),
    refund: t.field({
      type: Refund,
      nullable: true,
      description: 'The refund that caused it.',
      authScopes: { can: 'read:orders' },
      resolve: (movement) => movement.refundId,
    }),
    source: t.field({
      type: FactSource,
      description: 'Who told it, and when.',
      resolve: (movement) => ({
        source: movement.source as Source,
        connectionId: null,
        updatedAt: movement.occurredAt,
        observedAt: movement.recordedAt,
      }),
    }),
  }),
});

Reservation.implement({
  description: 'Units of a stock level set aside for a while.',
  fields: (t) => ({
    stockLevel: t.field({
      type: StockLevel,
      description: 'Of which level.',
      resolve: (one) => one.stockLevelId,
    }),
    quantity: t.exposeInt('quantity', { description: 'How many units are set aside.' }),
    reason: t.exposeString('reason', { description: 'What for, in words.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When they were set aside.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is freed by itself; null: only by hand.',
    }),
    releasedAt: t.expose('releasedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was freed; null while it stands.',
    }),
    outcome: t.exposeString('outcome', {
      nullable: true,
      description: '`released` or `expired`; null while it stands.',
    }),
  }),
});
