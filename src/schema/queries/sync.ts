import { builder, pageComplexity } from '../builder.ts';
import { SyncSortEnum } from '../enums.ts';
import { DeliveryFilter, deliveryWhere, PushFilter, pushWhere } from '../filters/sync.ts';
import { Connection } from '../nodes/sync.ts';
import { readSyncStatus, SyncStatus } from '../nodes/sync-status.ts';

// Prisma's client leaves secrets and raw bytes out by default, which its row types as Pothos knows them do not say.
builder.queryFields((t) => ({
  connections: t.prismaField({
    type: [Connection],
    description: 'Every authorised account.',
    authScopes: { can: 'read:sync' },
    resolve: (query, _root, _args, context) =>
      context.services.prisma.connection.findMany({ ...query, orderBy: { id: 'asc' } }) as never,
  }),
  deliveries: t.prismaConnection(
    {
      type: 'Delivery',
      cursor: 'id',
      description: 'What the platforms told us.',
      authScopes: { can: 'read:sync' },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: DeliveryFilter, description: 'Which ones.' }),
        sort: t.arg({ type: SyncSortEnum, defaultValue: 'newest', description: 'In which order.' }),
      },
      totalCount: (_root, args, context) =>
        context.services.prisma.delivery.count({ where: deliveryWhere(args.filter) }),
      resolve: (query, _root, args, context) =>
        context.services.prisma.delivery.findMany({
          ...query,
          where: deliveryWhere(args.filter),
          orderBy: { id: args.sort === 'oldest' ? 'asc' : 'desc' },
        }) as never,
    },
    { name: 'DeliveryConnection' },
    { name: 'DeliveryEdge' },
  ),
  pushes: t.prismaConnection(
    {
      type: 'Push',
      cursor: 'id',
      description: 'What the platforms are or were owed.',
      authScopes: { can: 'read:sync' },
      complexity: pageComplexity,
      args: {
        filter: t.arg({ type: PushFilter, description: 'Which ones.' }),
        sort: t.arg({ type: SyncSortEnum, defaultValue: 'newest', description: 'In which order.' }),
      },
      totalCount: (_root, args, context) =>
        context.services.prisma.push.count({ where: pushWhere(args.filter) }),
      resolve: (query, _root, args, context) =>
        context.services.prisma.push.findMany({
          ...query,
          where: pushWhere(args.filter),
          orderBy: { id: args.sort === 'oldest' ? 'asc' : 'desc' },
        }),
    },
    { name: 'PushConnection' },
    { name: 'PushEdge' },
  ),
  syncStatus: t.field({
    type: SyncStatus,
    description: 'How well the platforms are kept in step, and what is waiting why.',
    authScopes: { can: 'read:sync' },
    complexity: { field: 20 },
    resolve: (_root, _args, context) => readSyncStatus(context),
  }),
}));
