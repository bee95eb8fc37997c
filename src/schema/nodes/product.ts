import { pagesOfParents, type Sort } from '../../loaders/page.ts';
import { rowsOfParents } from '../../loaders/rows.ts';
import { raw, sql } from '../../loaders/sql.ts';
import {
  type BundleComponentRow,
  bundleComponents,
  stockLevels,
  type VariantRow,
  variants,
} from '../../loaders/tables.ts';
import { batchedPage } from '../batched-pages.ts';
import { builder, pageComplexity } from '../builder.ts';
import { Address, addressOf, FactSource, Money, money } from '../common.ts';
import { StockLevelConnection } from '../connections.ts';
import { ProductStatusEnum } from '../enums.ts';
import { Location, Product, StockLevel, Variant } from '../refs.ts';

Product.implement({
  description: 'Something sold, in one or more variants.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'What it is called.' }),
    vendor: t.exposeString('vendor', {
      nullable: true,
      description: 'Who makes or sells it, as the shop names the brand.',
    }),
    productType: t.exposeString('productType', { nullable: true, description: 'Kind of goods.' }),
    status: t.expose('status' as never, { type: ProductStatusEnum, description: 'Whether it is offered.' }),
    handle: t.exposeString('handle', { nullable: true, description: 'Its name in web addresses.' }),
    tags: t.exposeStringList('tags', { description: 'Words that the shop has put on it.' }),
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

const BundleComponent = builder.objectRef<BundleComponentRow>('BundleComponent').implement({
  description: 'A part of a variant that is sold as a set.',
  fields: (t) => ({
    variant: t.field({
      type: Variant,
      description: 'Of what.',
      authScopes: { can: 'read:stock' },
      resolve: (one) => one.componentVariantId,
    }),
    quantity: t.exposeInt('quantity', { description: 'How many of it one set takes.' }),
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
    sellsWhenOutOfStock: t.exposeBoolean('sellsWhenOutOfStock', {
      description:
        'True: the shop goes on selling it when there is none left, because it is made to order or sold ahead. `oversellReport` tells such units as `backordered`. What is published to marketplaces is never more than there is.',
    }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the graph last changed.' }),
    components: t.loadableGroup({
      type: BundleComponent,
      description: 'What it is made of, where it is sold as a set (`bundleSet`); none where it is not.',
      load: (ids: string[], context) =>
        rowsOfParents(context.db, bundleComponents, 'bundleVariantId', ids, {
          orderBy: 't.component_variant_id',
        }),
      group: (one) => (one as BundleComponentRow).bundleVariantId,
      resolve: (variant) => variant.id,
    }),
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
