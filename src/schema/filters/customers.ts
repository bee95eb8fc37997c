import type { Sort } from '../../loaders/page.ts';
import { raw, type Sql, sql } from '../../loaders/sql.ts';
import { builder } from '../builder.ts';
import { PlatformEnum } from '../enums.ts';
import { equal, likePrefix, TimeRange, within } from './common.ts';
import { minorOf } from './orders.ts';

export const CustomerFilter = builder.inputType('CustomerFilter', {
  description: 'Which customers; all given conditions must hold.',
  fields: (t) => ({
    email: t.string({ description: 'With this address, in any case.' }),
    phone: t.string({
      description:
        'With this telephone number, in international form: `+49 30 901820`. Blanks and punctuation do not matter.',
    }),
    nameStartsWith: t.string({
      description: 'Whose last name, or first and last name together, start so, in any case.',
    }),
    tags: t.stringList({ description: 'Carrying all of these tags.' }),
    knownAt: t.field({ type: PlatformEnum, description: 'Whom this platform knows.' }),
    hasOrders: t.boolean({ description: 'Who have ordered, or have not.' }),
    currencyCode: t.string({
      description: 'Whose orders are in this currency; needed beside `lifetimeValueAtLeast`.',
    }),
    lifetimeValueAtLeast: t.field({ type: 'Decimal', description: 'Worth not less than this.' }),
    createdAt: t.field({ type: TimeRange, description: 'First known to the graph within.' }),
    updatedAt: t.field({ type: TimeRange, description: 'Changed in the graph within.' }),
    lastOrderAt: t.field({ type: TimeRange, description: 'Who last ordered within.' }),
  }),
});

type Filter = typeof CustomerFilter.$inferInput | null | undefined;

/** Conditions over the alias `t`. Records that became part of another are left out. */
export function customerConditions(filter: Filter): Sql[] {
  const conditions: Sql[] = [raw('t.merged_into_id is null')];
  if (!filter) return conditions;
  conditions.push(
    ...equal(raw('t.email'), filter.email?.trim().toLowerCase()),
    ...equal(raw('t.phone'), filter.phone == null ? null : dialled(filter.phone)),
    ...equal(raw('t.currency'), filter.currencyCode),
    ...within(raw('t.created_at'), filter.createdAt),
    ...within(raw('t.updated_at'), filter.updatedAt),
    ...within(raw('t.last_order_at'), filter.lastOrderAt),
  );
  if (filter.nameStartsWith != null) {
    const prefix = likePrefix(filter.nameStartsWith.trim().toLowerCase());
    conditions.push(
      sql`(lower(coalesce(t.first_name, '') || ' ' || coalesce(t.last_name, '')) like ${prefix} or lower(t.last_name) like ${prefix})`,
    );
  }
  if (filter.tags) conditions.push(sql`t.tags @> ${filter.tags}::text[]`);
  if (filter.knownAt) {
    conditions.push(sql`exists (
      select from customer_identity i join connection c on c.id = i.connection_id
      where i.customer_id = t.id and c.platform = ${filter.knownAt}::platform)`);
  }
  if (typeof filter.hasOrders === 'boolean') {
    conditions.push(raw(`t.order_count ${filter.hasOrders ? '> 0' : '= 0'}`));
  }
  if (filter.lifetimeValueAtLeast != null) {
    conditions.push(
      sql`t.lifetime_value_minor >= ${minorOf('lifetimeValueAtLeast', filter.lifetimeValueAtLeast, filter.currencyCode)}::bigint`,
    );
  }
  return conditions;
}

/** As it is stored: `+` and digits. */
function dialled(phone: string): string {
  return phone.replaceAll(/[^\d+]/g, '').replace(/^00/, '+');
}

/** Who has never ordered stands before everybody who has; a list in an order needs a value in every row. */
const lastOrder = `coalesce(t.last_order_at, '0001-01-01T00:00:00Z'::timestamptz)`;

const id = { expression: 't.id', type: 'bigint' };

function by(name: string, direction: 'asc' | 'desc', expression: string, type: string): Sort {
  return { name, direction, keys: [{ expression, type }, id] };
}

export const customerSorts = {
  created_at_desc: by('created_at_desc', 'desc', 't.created_at', 'timestamptz'),
  created_at_asc: by('created_at_asc', 'asc', 't.created_at', 'timestamptz'),
  updated_at_desc: by('updated_at_desc', 'desc', 't.updated_at', 'timestamptz'),
  updated_at_asc: by('updated_at_asc', 'asc', 't.updated_at', 'timestamptz'),
  lifetime_value_desc: by('lifetime_value_desc', 'desc', 't.lifetime_value_minor', 'bigint'),
  lifetime_value_asc: by('lifetime_value_asc', 'asc', 't.lifetime_value_minor', 'bigint'),
  last_order_at_desc: by('last_order_at_desc', 'desc', lastOrder, 'timestamptz'),
  last_order_at_asc: by('last_order_at_asc', 'asc', lastOrder, 'timestamptz'),
  order_count_desc: by('order_count_desc', 'desc', 't.order_count', 'bigint'),
  order_count_asc: by('order_count_asc', 'asc', 't.order_count', 'bigint'),
  name_asc: {
    name: 'name_asc',
    direction: 'asc',
    keys: [
      { expression: "coalesce(t.last_name, '')", type: 'text' },
      { expression: "coalesce(t.first_name, '')", type: 'text' },
      id,
    ],
  },
} satisfies Record<string, Sort>;
