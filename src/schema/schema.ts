import { type GraphQLSchema, isObjectType } from 'graphql';
import { builder } from './builder.ts';
import './scalars.ts';
import './nodes/customer.ts';
import './nodes/merge.ts';
import './nodes/order.ts';
import './nodes/fulfilment-rule.ts';
import './nodes/product.ts';
import './nodes/stock.ts';
import './nodes/custom-field.ts';
import './nodes/event.ts';
import './nodes/sync.ts';
import './nodes/posting-policy.ts';
import './nodes/sync-status.ts';
import './nodes/payout.ts';
import './nodes/day-summary.ts';
import './nodes/accounting.ts';
import './nodes/tie-out.ts';
import './queries/graph.ts';
import './queries/merge-candidates.ts';
import './queries/stock.ts';
import './queries/stock-rules.ts';
import './queries/sync.ts';
import './queries/payouts.ts';
import './queries/fulfilment-rules.ts';
import './queries/privacy.ts';
import './queries/custom-field-problems.ts';
import './queries/custom-fields.ts';
import './mutations/custom-field-mapping.ts';
import './mutations/connection-update.ts';
import './mutations/customer-merge.ts';
import './mutations/customer-update.ts';
import './mutations/order-update.ts';
import './mutations/fulfilment-rule-decide.ts';
import './mutations/privacy.ts';
import './mutations/reservation.ts';
import './mutations/posting.ts';
import './mutations/posting-policy-update.ts';
import './mutations/refund-create.ts';
import './mutations/stock-adjust.ts';
import './mutations/stock-rules.ts';
import './mutations/stock-set.ts';
import './mutations/stock-transfer.ts';
import './mutations/connection.ts';
import './mutations/work.ts';
import './subscriptions/order-changed.ts';
import './subscriptions/stock-level-changed.ts';
import './subscriptions/refund-created.ts';
import './subscriptions/customer-changed.ts';
import './subscriptions/event-appended.ts';
import './subscriptions/sync-status-changed.ts';

let built: GraphQLSchema | undefined;

/** The one schema: built once per process. */
export function buildSchema(): GraphQLSchema {
  built ??= describeCounts(builder.toSchema());
  return built;
}

/** The counts that plugin-prisma adds to its connections take no description. */
function describeCounts(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || !type.name.endsWith('Connection')) continue;
    const count = type.getFields().totalCount;
    if (count !== undefined)
      count.description ??= 'How many there are over all pages. Counted when asked for.';
  }
  return schema;
}
