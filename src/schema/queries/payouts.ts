import { page, type Sort } from '../../loaders/page.ts';
import { raw } from '../../loaders/sql.ts';
import { payouts } from '../../loaders/tables.ts';
import { builder, pageComplexity } from '../builder.ts';
import { PayoutConnection } from '../connections.ts';
import { TimeRange, within } from '../filters/common.ts';
import { Payout } from '../nodes/payout.ts';

const byIssue: Sort = {
  name: 'issued_at_desc',
  direction: 'desc',
  keys: [
    { expression: 't.issued_at', type: 'timestamptz' },
    { expression: 't.id', type: 'bigint' },
  ],
};

builder.queryField('payouts', (t) =>
  t.connection(
    {
      type: Payout,
      description: 'Payouts of payment companies, latest first.',
      authScopes: { can: 'read:orders' },
      complexity: pageComplexity,
      args: { issuedAt: t.arg({ type: TimeRange, description: 'Sent within.' }) },
      resolve: (_root, args, context) =>
        page(context.db, payouts, { where: within(raw('t.issued_at'), args.issuedAt), sort: byIssue, args }),
    },
    ...PayoutConnection,
  ),
);
