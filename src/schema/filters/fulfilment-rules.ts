import type { Sort } from '../../loaders/page.ts';
import { raw, type Sql } from '../../loaders/sql.ts';
import { builder } from '../builder.ts';
import { FulfilmentRuleKindEnum, FulfilmentRuleStatusEnum } from '../enums.ts';
import { Order } from '../refs.ts';
import { oneOf, refersTo } from './common.ts';

export const FulfilmentRuleFilter = builder.inputType('FulfilmentRuleFilter', {
  description: 'Which fulfilment rules; all given conditions must hold.',
  fields: (t) => ({
    orderId: t.globalID({ for: Order, description: 'Of this order.' }),
    statuses: t.field({ type: [FulfilmentRuleStatusEnum], description: 'Come this far.' }),
    kinds: t.field({ type: [FulfilmentRuleKindEnum], description: 'Of one of these kinds.' }),
  }),
});

export function ruleConditions(filter: typeof FulfilmentRuleFilter.$inferInput | null | undefined): Sql[] {
  if (!filter) return [];
  return [
    ...refersTo(raw('t.order_id'), filter.orderId),
    ...oneOf(raw('t.status'), filter.statuses),
    ...oneOf(raw('t.kind'), filter.kinds),
  ];
}

/** Those that wait longest first. */
export const ruleSort: Sort = {
  name: 'id_asc',
  direction: 'asc',
  keys: [{ expression: 't.id', type: 'bigint' }],
};
