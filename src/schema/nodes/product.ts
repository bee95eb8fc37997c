import { pagesOfParents, type Sort } from '../../loaders/page.ts';
import { rowsOfParents } from '../../loaders/rows.ts';
import { raw, sql } from '../../loaders/sql.ts';
import { stockLevels, stockMovements, type VariantRow, variants } from '../../loaders/tables.ts';
import type { Source } from '../../model/platform-name.ts';
import { batchedPage } from '../batched-pages.ts';
import { builder, pageComplexity } from '../builder.ts';
import { Address, addressOf, FactSource, Money, money } from '../common.ts';
import { StockLevelConnection, StockMovementConnection } from '../connections.ts';
import { ProductStatusEnum, StockCauseEnum } from '../enums.ts';
import { Location, Order, Product, Refund, StockLevel, StockMovement, Variant } from '../refs.ts';
import { pushesField } from './pushes-of.ts';

Product.implement({
  description: 'Something sold, in one or more variants.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'What it is called.' }),
    vendor: t.exposeString('vendor', { nullable: true, description: 'Brand.' }),
    productType: t.exposeString('productType', { nullable: true, description: 'Kind of goods.' }),
    status: t.expose('status' as never, { type: ProductStatusEnum, description: 'Whether it is offered.' }),
    handle: t.exposeString('handle', { nullable: true, description: 'Its name in web addresses.' }),
    tags: t.exposeStringList('tags', { description: 'Tags.' }),
    removedAt: t.expose('removedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was removed at its platform.',
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the graph last changed.' }),
    source: t.field({
      type: FactSource,
      description: 'Where it comes from, and how fresh it is.',
      resolve: (product) => ({
        source: 'shopify' as const,
        connectionId: null,
        updatedAt: product.sourceUpdatedAt,
        observedAt: product.observedAt,
      }),
    }),
    variants: t.loadableGroup({
      type: Variant,
      description: 'What a till scans: one in each size and colour.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, variants, 'productId', ids, {
          orderBy: 't.position, t.id',
          where: raw('t.removed_at is null'),
        }),
      group: (variant) => (variant as VariantRow).productId,
      resolve: (product) => product.id,
    }),
  }),
});

Variant.implement({
  description: 'What a till scans: one product in one size and colour.',
  fields: (t) => ({
    product: t.field({
      type: Product,
      description: 'The product it is one of.',
      resolve: (variant) => variant.productId,
    }),
    sku: t.exposeString('sku', {
      nullable: true,
      description:
        "The retailer's own number; unique where it is kept with care, which platforms do not demand.",
    }),
    barcode: t.exposeString('barcode', { nullable: true, description: 'What the scanner reads.' }),
    title: t.exposeString('title', { description: 'Size, colour and the like.' }),
    price: t.field({
      type: Money,
      description: 'What it sells for.',
      resolve: (variant) => money(variant.priceMinor, variant.currency),
    }),
    cost: t.field({
      type: Money,
      nullable: true,
      description: 'What it costs to buy, where known.',
      resolve: (variant) => (variant.costMinor === null ? null : money(variant.costMinor, variant.currency)),
    }),
    taxable: t.exposeBoolean('taxable', { description: 'Tax applies to it.' }),
    tracked: t.exposeBoolean('tracked', { description: 'False: the platform does not count its stock.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the graph last changed.' }),
    stockLevels: t.loadableGroup({
      type: StockLevel,
      description: 'How much is where.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, stockLevels, 'variantId', ids, { orderBy: 't.location_id' }),
      group: (level) => (level as { variantId: string }).variantId,
      resolve: (variant) => variant.id,
    }),
  }),
});

const byId: Sort = { name: 'id', direction: 'asc', keys: [{ expression: 't.id', type: 'bigint' }] };
const newestFirst: Sort = {
  name: 'newest',
  direction: 'desc',
  keys: [{ expression: 't.id', type: 'bigint' }],
};

Location.implement({
  description: 'A place where stock is kept or sold.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What people call it.' }),
    address: t.field({
      type: Address,
      nullable: true,
      description: 'Where it is.',
      resolve: (location) => addressOf(location.address),
    }),
    active: t.exposeBoolean('active', { description: 'Whether it is in use.' }),
    source: t.field({
      type: FactSource,
      description: 'Where it comes from, and how fresh it is.',
      resolve: (location) => ({
        connectionId: location.connectionId,
        updatedAt: null,
        observedAt: location.updatedAt,
      }),
    }),
    stockLevels: t.connection(
      {
        type: StockLevel,
        description: 'What is there.',
        complexity: pageComplexity,
        resolve: (location, args, context) =>
          batchedPage(context, `Location.stockLevels ${JSON.stringify(args)}`, location.id, (ids) =>
            pagesOfParents(context.db, stockLevels, {
              parent: sql`t.location_id`,
              ids,
              where: [],
              sort: byId,
              args,
            }),
          ),
      },
      ...StockLevelConnection,
    ),
  }),
});

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

StockLevel.implement({
  description: 'How much of a variant is at a location: the fold of its movements.',
  fields: (t) => ({
    variant: t.field({ type: Variant, description: 'Of what.', resolve: (level) => level.variantId }),
    location: t.field({ type: Location, description: 'Where.', resolve: (level) => level.locationId }),
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
    cause: t.expose('cause' as never, { type: StockCauseEnum, description: 'Why.' }),
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
