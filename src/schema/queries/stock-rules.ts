import { page, type Sort } from '../../loaders/page.ts';
import { raw, read, sql } from '../../loaders/sql.ts';
import { reservations, type StockRuleRow, stockRules } from '../../loaders/tables.ts';
import { builder, pageComplexity } from '../builder.ts';
import { connectionOf, ReservationConnection } from '../connections.ts';
import { Connection } from '../nodes/sync.ts';
import { Reservation, Variant } from '../refs.ts';

const StockRule = builder.objectRef<StockRuleRow>('StockRule').implement({
  description: 'How allocation treats a channel, a variant, or a variant on a channel; see `stockRuleSet`.',
  fields: (t) => ({
    connection: t.prismaField({
      type: Connection,
      nullable: true,
      description: 'On this account; null: on every one.',
      authScopes: { can: 'read:sync' },
      resolve: (query, { connectionId }, _args, context) =>
        connectionId === null
          ? null
          : (context.services.prisma.connection.findUnique({
              ...query,
              where: { id: BigInt(connectionId) },
            }) as never),
    }),
    variant: t.field({
      type: Variant,
      nullable: true,
      description: 'Of this variant; null: of every one.',
      authScopes: { can: 'read:stock' },
      resolve: ({ variantId }) => variantId,
    }),
    minBuffer: t.exposeInt('minBuffer', { nullable: true, description: 'At least this many are kept back.' }),
    maxQuantity: t.exposeInt('maxQuantity', {
      nullable: true,
      description: 'At most this many are offered.',
    }),
    sharePercent: t.exposeInt('sharePercent', {
      nullable: true,
      description: 'At most this share of what is available is offered.',
    }),
    lastUnits: t.exposeInt('lastUnits', {
      nullable: true,
      description: 'Nothing is offered once no more than this many are available.',
    }),
    paused: t.exposeBoolean('paused', { nullable: true, description: 'Nothing is offered.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last set.' }),
  }),
});

const StockRuleConnection = connectionOf(StockRule, 'StockRule', 'rules');

interface ChannelFeedValue {
  publishLatencyMs: number;
  intakeLatencyMs: number;
  measuredAt: string;
}

const ChannelFeed = builder.objectRef<ChannelFeedValue>('ChannelFeed').implement({
  description:
    'How fast a channel that is told quantities takes part, as measured over the last day; buffers follow it.',
  fields: (t) => ({
    publishLatencySeconds: t.float({
      description:
        'From a change of stock to what the channel offers, nine times out of ten; a cautious 5 seconds where none was seen.',
      resolve: ({ publishLatencyMs }) => publishLatencyMs / 1_000,
    }),
    intakeLatencySeconds: t.float({
      description:
        'From a sale on the channel to its being known here, nine times out of ten; a cautious 30 seconds where none was seen.',
      resolve: ({ intakeLatencyMs }) => intakeLatencyMs / 1_000,
    }),
    measuredAt: t.expose('measuredAt', { type: 'DateTime', description: 'When it was last worked out.' }),
  }),
});

builder.prismaObjectField('Connection', 'channelFeed', (t) =>
  t.field({
    type: ChannelFeed,
    nullable: true,
    description:
      'How fast it is as a channel; null where it is told no quantities, or nothing was measured yet.',
    authScopes: { can: 'read:stock' },
    resolve: async ({ id }, _args, context) => {
      const [feed] = await read<ChannelFeedValue>(
        context.db,
        sql`select publish_latency_ms as "publishLatencyMs", intake_latency_ms as "intakeLatencyMs", measured_at as "measuredAt"
            from channel_feed where connection_id = ${id.toString()}::bigint`,
      );
      return feed ?? null;
    },
  }),
);

const newestFirst: Sort = {
  name: 'newest',
  direction: 'desc',
  keys: [{ expression: 't.id', type: 'bigint' }],
};
const asMade: Sort = { name: 'id', direction: 'asc', keys: [{ expression: 't.id', type: 'bigint' }] };

builder.queryFields((t) => ({
  stockRules: t.connection(
    {
      type: StockRule,
      description: 'The rules of allocation, as they were made.',
      authScopes: { can: 'read:stock' },
      complexity: pageComplexity,
      resolve: (_root, args, context) => page(context.db, stockRules, { where: [], sort: asMade, args }),
    },
    ...StockRuleConnection,
  ),
  reservations: t.connection(
    {
      type: Reservation,
      description: 'Goods that are set aside, latest first.',
      authScopes: { can: 'read:stock' },
      complexity: pageComplexity,
      args: {
        open: t.arg.boolean({
          defaultValue: true,
          description: 'Those that stand; false: those that were freed; null: all that ever were.',
        }),
      },
      resolve: (_root, { open, ...args }, context) =>
        page(context.db, reservations, {
          where: open == null ? [] : [raw(open ? 't.released_at is null' : 't.released_at is not null')],
          sort: newestFirst,
          args,
        }),
    },
    ...ReservationConnection,
  ),
}));
