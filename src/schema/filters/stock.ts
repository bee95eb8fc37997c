import type { PageLimits, Sort } from '../../loaders/page.ts';
import { raw, type Sql, sql } from '../../loaders/sql.ts';
import { builder } from '../builder.ts';
import { badInput } from '../failures.ts';
import { TimeRange, within } from './common.ts';

export const StockLevelFilter = builder.inputType('StockLevelFilter', {
  description: 'Which stock levels; all given conditions must hold.',
  fields: (t) => ({
    availableAtMost: t.int({ description: 'With no more than this free to sell.' }),
    availableAtLeast: t.int({ description: 'With no less than this free to sell.' }),
    updatedAt: t.field({ type: TimeRange, description: 'Changed in the graph within.' }),
  }),
});

function levelConditions(filter: typeof StockLevelFilter.$inferInput | null | undefined): Sql[] {
  if (!filter) return [];
  return [
    ...(typeof filter.availableAtMost === 'number' ? [sql`t.available <= ${filter.availableAtMost}`] : []),
    ...(typeof filter.availableAtLeast === 'number' ? [sql`t.available >= ${filter.availableAtLeast}`] : []),
    ...within(raw('t.updated_at'), filter.updatedAt),
  ];
}

interface StockArgs {
  skus?: readonly string[] | null | undefined;
  locationIds?: readonly { id: string }[] | null | undefined;
  filter?: typeof StockLevelFilter.$inferInput | null | undefined;
}

/** Conditions over the alias `t`. */
export function stockConditions(args: StockArgs): Sql[] {
  if ((args.skus?.length ?? 0) > 250) throw badInput('skus: at most 250 of them.', ['skus']);
  return [
    ...(args.skus
      ? [sql`t.variant_id in (select v.id from variant v where v.sku = any(${args.skus}::text[]))`]
      : []),
    ...(args.locationIds ? [sql`t.location_id = any(${args.locationIds.map((id) => id.id)}::bigint[])`] : []),
    ...levelConditions(args.filter),
  ];
}

export const stockLimits: PageLimits = { defaultSize: 250, maxSize: 1_000 };
/** Levels have no order of their own: as they came to be. */
export const stockSort: Sort = {
  name: 'id',
  direction: 'asc',
  keys: [{ expression: 't.id', type: 'bigint' }],
};
