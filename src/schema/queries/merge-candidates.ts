import { page, type Sort } from '../../loaders/page.ts';
import { sql } from '../../loaders/sql.ts';
import { mergeCandidates } from '../../loaders/tables.ts';
import { builder, pageComplexity } from '../builder.ts';
import { MergeCandidateConnection } from '../connections.ts';
import { MergeCandidateSortEnum, MergeCandidateStatusEnum } from '../enums.ts';
import { Customer, MergeCandidate } from '../refs.ts';

builder.queryField('mergeCandidates', (t) =>
  t.connection(
    {
      type: MergeCandidate,
      description:
        'Pairs of customers who may be one, the likeliest first. Open ones are questions: answer with `customerMerge` or `mergeReject`.',
      authScopes: { can: 'read:customers' },
      complexity: pageComplexity,
      args: {
        status: t.arg({
          type: MergeCandidateStatusEnum,
          defaultValue: 'open',
          description: 'What became of them.',
        }),
        customerId: t.arg.globalID({ for: Customer, description: 'Only pairs with this customer.' }),
        bitsAtLeast: t.arg.float({ description: 'Only pairs whose evidence weighs so much.' }),
        sort: t.arg({
          type: MergeCandidateSortEnum,
          defaultValue: 'likeliest',
          description: 'In which order.',
        }),
      },
      resolve: (_root, args, context) =>
        page(context.db, mergeCandidates, {
          where: [
            sql`t.status = ${args.status ?? 'open'}`,
            ...(args.customerId == null
              ? []
              : [
                  sql`(t.customer_a_id = ${args.customerId.id}::bigint or t.customer_b_id = ${args.customerId.id}::bigint)`,
                ]),
            ...(args.bitsAtLeast == null ? [] : [sql`t.bits >= ${args.bitsAtLeast}::numeric`]),
            // A question about a record that became part of another is asked about that one.
            ...(args.status === 'merged' || args.status === 'rejected'
              ? []
              : [
                  sql`not exists (select 1 from customer c where c.id in (t.customer_a_id, t.customer_b_id)
                      and c.merged_into_id is not null)`,
                ]),
          ],
          sort: sorts[args.sort ?? 'likeliest'],
          args,
        }),
    },
    ...MergeCandidateConnection,
  ),
);

const id = { expression: 't.id', type: 'bigint' };
const sorts: Record<'likeliest' | 'newest', Sort> = {
  likeliest: { name: 'likeliest', direction: 'desc', keys: [{ expression: 't.bits', type: 'numeric' }, id] },
  newest: {
    name: 'newest',
    direction: 'desc',
    keys: [{ expression: 't.created_at', type: 'timestamptz' }, id],
  },
};
