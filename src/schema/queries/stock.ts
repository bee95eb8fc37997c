import { oversellRows } from '../../loaders/oversell.ts';
import { page, type Sort } from '../../loaders/page.ts';
import { raw, type Sql, sql } from '../../loaders/sql.ts';
import { stockMovements } from '../../loaders/tables.ts';
import type { Channel } from '../../model/platform-name.ts';
import { builder, pageComplexity } from '../builder.ts';
import { StockMovementConnection } from '../connections.ts';
import { ChannelEnum, StockCauseEnum } from '../enums.ts';
import { badInput } from '../failures.ts';
import { oneOf, refersTo, TimeRange, within } from '../filters/common.ts';
import { Location, Order, StockMovement, Variant } from '../refs.ts';

const StockMovementFilter = builder.inputType('StockMovementFilter', {
  description: 'Which movements; all given conditions must hold.',
  fields: (t) => ({
    causes: t.field({ type: [StockCauseEnum], description: 'Of one of these causes.' }),
    orderId: t.globalID({ for: Order, description: 'Caused by this order.' }),
    recordedAt: t.field({ type: TimeRange, description: 'Recorded within.' }),
  }),
});

interface MovementArgs {
  skus?: readonly string[] | null | undefined;
  locationIds?: readonly { id: string }[] | null | undefined;
  filter?: typeof StockMovementFilter.$inferInput | null | undefined;
}

function movementConditions({ skus, locationIds, filter }: MovementArgs): Sql[] {
  if ((skus?.length ?? 0) > 250) throw badInput('skus: at most 250 of them.', ['skus']);
  const levels: Sql[] = [
    ...(skus ? [sql`s.variant_id in (select v.id from variant v where v.sku = any(${skus}::text[]))`] : []),
    ...(locationIds ? [sql`s.location_id = any(${locationIds.map((id) => id.id)}::bigint[])`] : []),
  ];
  return [
    ...levels.map(
      (condition) => sql`t.stock_level_id in (select s.id from stock_level s where ${condition})`,
    ),
    ...oneOf(raw('t.cause'), filter?.causes),
    ...refersTo(raw('t.order_id'), filter?.orderId),
    ...within(raw('t.recorded_at'), filter?.recordedAt),
  ];
}

const newestFirst: Sort = {
  name: 'newest',
  direction: 'desc',
  keys: [{ expression: 't.id', type: 'bigint' }],
};

interface OversellRow {
  variantId: string;
  channel: Channel | null;
  sold: number;
  oversold: number;
  backordered: number;
}

const OversoldGoods = builder.objectRef<OversellRow>('OversoldGoods').implement({
  description: 'How much of one variant one channel sold, and how much of that there was not.',
  fields: (t) => ({
    variant: t.field({
      type: Variant,
      description: 'The variant that was sold.',
      resolve: (row) => row.variantId,
    }),
    channel: t.field({
      type: ChannelEnum,
      nullable: true,
      description: 'Which channel sold it; null where no order is known.',
      resolve: (row) => row.channel,
    }),
    sold: t.exposeInt('sold', { description: 'Units sold in the period, there or not.' }),
    oversold: t.exposeInt('oversold', {
      description: 'Units sold that were not there, and that nobody meant to sell ahead.',
    }),
    backordered: t.exposeInt('backordered', {
      description:
        'Units that were not there and that the shop sold ahead on purpose (`Variant.sellsWhenOutOfStock`).',
    }),
  }),
});

const OversellReport = builder.objectRef<{ rows: OversellRow[] }>('OversellReport').implement({
  description: 'What was sold in a period and was not there.',
  fields: (t) => ({
    sold: t.int({
      description: 'Units sold over all channels.',
      resolve: ({ rows }) => rows.reduce((sum, row) => sum + row.sold, 0),
    }),
    oversold: t.int({
      description: 'Units sold that were not there, and that nobody meant to sell ahead.',
      resolve: ({ rows }) => rows.reduce((sum, row) => sum + row.oversold, 0),
    }),
    backordered: t.int({
      description: 'Units that were not there and that the shop sold ahead on purpose.',
      resolve: ({ rows }) => rows.reduce((sum, row) => sum + row.backordered, 0),
    }),
    rate: t.float({
      description: '`oversold` ÷ `sold`; 0 where nothing was sold.',
      resolve: ({ rows }) => {
        const sold = rows.reduce((sum, row) => sum + row.sold, 0);
        return sold === 0 ? 0 : rows.reduce((sum, row) => sum + row.oversold, 0) / sold;
      },
    }),
    goods: t.field({
      type: [OversoldGoods],
      description: 'The variants and channels that oversold, worst first; at most 250.',
      resolve: ({ rows }) => rows.filter((row) => row.oversold > 0).slice(0, 250),
    }),
  }),
});

builder.queryFields((t) => ({
  stockMovements: t.connection(
    {
      type: StockMovement,
      description: 'Movements of stock, latest first: of these SKUs, at these locations.',
      authScopes: { can: 'read:stock' },
      complexity: pageComplexity,
      args: {
        skus: t.arg.stringList({ description: 'Of these SKUs; at most 250.' }),
        locationIds: t.arg.globalIDList({ for: Location, description: 'At these locations.' }),
        filter: t.arg({ type: StockMovementFilter, description: 'Which ones.' }),
      },
      resolve: (_root, args, context) =>
        page(context.db, stockMovements, { where: movementConditions(args), sort: newestFirst, args }),
    },
    ...StockMovementConnection,
  ),
  oversellReport: t.field({
    type: OversellReport,
    description: 'What was sold in a period and was not there.',
    authScopes: { can: 'read:stock' },
    complexity: 50,
    args: { period: t.arg({ type: TimeRange, required: true, description: 'When it was sold.' }) },
    resolve: async (_root, { period }, context) => ({
      rows: await oversellRows(context.db, within(raw('m.occurred_at'), period)),
    }),
  }),
}));
