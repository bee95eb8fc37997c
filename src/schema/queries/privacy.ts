import { exportPerson } from '../../sync/privacy/export.ts';
import { builder, pageComplexity } from '../builder.ts';
import { Customer } from '../refs.ts';
import '../nodes/privacy-request.ts';

builder.queryFields((t) => ({
  privacyRequests: t.prismaConnection(
    {
      type: 'PrivacyRequest',
      cursor: 'id',
      description: 'Who asked for what about personal data, latest first.',
      authScopes: { can: 'admin' },
      complexity: pageComplexity,
      args: {
        open: t.arg.boolean({ description: 'Only those that are still open, or only those that are done.' }),
      },
      totalCount: (_root, args, context) =>
        context.services.prisma.privacyRequest.count({ where: whereOf(args) }),
      resolve: (query, _root, args, context) =>
        context.services.prisma.privacyRequest.findMany({
          ...query,
          where: whereOf(args),
          orderBy: { id: 'desc' },
        }),
    },
    { name: 'PrivacyRequestConnection' },
    { name: 'PrivacyRequestEdge' },
  ),
  customerExport: t.field({
    type: 'JSON',
    nullable: true,
    description:
      'Everything known about one person, by table, as it is stored: what they may ask to be given. Null where there is nobody.',
    authScopes: { can: 'admin' },
    complexity: { field: 500 },
    args: { customerId: t.arg.globalID({ for: Customer, required: true, description: 'Of whom.' }) },
    resolve: async (_root, args, context) => {
      const data = await exportPerson(context.db, BigInt(args.customerId.id), new Date());
      return JSON.parse(
        JSON.stringify(data, (_key, value: unknown) =>
          typeof value === 'bigint' ? value.toString() : value,
        ),
      );
    },
  }),
}));

function whereOf({ open }: { open?: boolean | null | undefined }): { completedAt?: null | { not: null } } {
  if (open === true) return { completedAt: null };
  return open === false ? { completedAt: { not: null } } : {};
}
