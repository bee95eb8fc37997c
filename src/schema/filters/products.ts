import type { Sort } from '../../loaders/page.ts';
import { raw, type Sql, sql } from '../../loaders/sql.ts';
import { builder } from '../builder.ts';
import { ProductStatusEnum } from '../enums.ts';
import { equal, likePrefix, oneOf, TimeRange, within } from './common.ts';

export const ProductFilter = builder.inputType('ProductFilter', {
  description: 'Which products; all given conditions must hold.',
  fields: (t) => ({
    titleStartsWith: t.string({ description: 'Whose title starts so.' }),
    statuses: t.field({ type: [ProductStatusEnum], description: 'Offered, in preparation or archived.' }),
    vendor: t.string({ description: 'Of this brand.' }),
    productType: t.string({ description: 'Of this kind.' }),
    tags: t.stringList({ description: 'Carrying all of these tags.' }),
    sku: t.string({ description: 'With a variant of this SKU.' }),
    removed: t.boolean({ description: 'Removed at their platform, or (by default) not.' }),
    updatedAt: t.field({ type: TimeRange, description: 'Changed in the graph within.' }),
  }),
});

export function productConditions(filter: typeof ProductFilter.$inferInput | null | undefined): Sql[] {
  return [
    raw(`t.removed_at is ${filter?.removed === true ? 'not null' : 'null'}`),
    ...equal(raw('t.vendor'), filter?.vendor),
    ...equal(raw('t.product_type'), filter?.productType),
    ...oneOf(raw('t.status'), filter?.statuses),
    ...within(raw('t.updated_at'), filter?.updatedAt),
    ...(filter?.titleStartsWith ? [sql`t.title like ${likePrefix(filter.titleStartsWith)}`] : []),
    ...(filter?.tags ? [sql`t.tags @> ${filter.tags}::text[]`] : []),
    ...(filter?.sku ? [sql`t.id in (select v.product_id from variant v where v.sku = ${filter.sku})`] : []),
  ];
}

const idKey = { expression: 't.id', type: 'bigint' };

export const productSorts: Record<'title_asc' | 'updated_at_desc' | 'updated_at_asc', Sort> = {
  title_asc: { name: 'title_asc', direction: 'asc', keys: [{ expression: 't.title', type: 'text' }, idKey] },
  updated_at_desc: {
    name: 'updated_at_desc',
    direction: 'desc',
    keys: [{ expression: 't.updated_at', type: 'timestamptz' }, idKey],
  },
  updated_at_asc: {
    name: 'updated_at_asc',
    direction: 'asc',
    keys: [{ expression: 't.updated_at', type: 'timestamptz' }, idKey],
  },
};
