import { page } from '../../loaders/page.ts';
import { read, sql } from '../../loaders/sql.ts';
import { fulfilmentRules } from '../../loaders/tables.ts';
import { builder, pageComplexity } from '../builder.ts';
import { FulfilmentRuleConnection } from '../connections.ts';
import { badInput } from '../failures.ts';
import { FulfilmentRuleFilter, ruleConditions, ruleSort } from '../filters/fulfilment-rules.ts';
import { FulfilmentRule } from '../refs.ts';

interface UsageRow {
  day: string;
  requests: number;
  cacheHits: number;
  fallbacks: number;
  inputTokens: number;
  outputTokens: number;
  cost: string;
}

const OrderNoteUsage = builder.objectRef<UsageRow>('OrderNoteUsage').implement({
  description: 'What reading order notes took on one day.',
  fields: (t) => ({
    day: t.exposeString('day', { description: 'UTC, for example `2026-11-24`.' }),
    requests: t.exposeInt('requests', { description: 'Requests that Claude answered.' }),
    cacheHits: t.exposeInt('cacheHits', { description: 'Notes that were known already.' }),
    fallbacks: t.exposeInt('fallbacks', {
      description: 'Notes that the parser read because Claude could not or must not.',
    }),
    inputTokens: t.exposeFloat('inputTokens', { description: 'Tokens sent.' }),
    outputTokens: t.exposeFloat('outputTokens', { description: 'Tokens answered.' }),
    cost: t.expose('cost', { type: 'Decimal', description: 'In US dollars, at the configured prices.' }),
  }),
});

builder.queryFields((t) => ({
  fulfilmentRules: t.connection(
    {
      type: FulfilmentRule,
      description:
        'What notes ask for, over all orders, oldest first. Those that wait for a person: `filter: { statuses: [PROPOSED] }`.',
      authScopes: { can: 'read:orders' },
      complexity: pageComplexity,
      args: { filter: t.arg({ type: FulfilmentRuleFilter, description: 'Which ones.' }) },
      resolve: (_root, args, context) =>
        page(context.db, fulfilmentRules, { where: ruleConditions(args.filter), sort: ruleSort, args }),
    },
    ...FulfilmentRuleConnection,
  ),
  orderNoteUsage: t.field({
    type: [OrderNoteUsage],
    description: 'What reading order notes took, day by day, latest first.',
    authScopes: { can: 'read:sync' },
    args: { days: t.arg.int({ defaultValue: 30, description: 'How many days back; at most 366.' }) },
    resolve: (_root, args, context) => {
      const days = args.days ?? 30;
      if (days < 1 || days > 366) throw badInput('days: must lie between 1 and 366.', ['days']);
      return read<UsageRow>(
        context.db,
        sql`select day::text, requests, cache_hits as "cacheHits", fallbacks, input_tokens::float8 as "inputTokens",
              output_tokens::float8 as "outputTokens", (cost_micros * 0.000001)::text as cost
            from note_usage where day > (clock_timestamp() at time zone 'UTC')::date - ${days}::int order by day desc`,
      );
    },
  }),
}));
