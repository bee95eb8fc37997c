import { AppError } from '../../errors.ts';
import type { Sort } from '../../loaders/page.ts';
import { raw, type Sql, sql } from '../../loaders/sql.ts';
import { parseMinor } from '../../model/money.ts';
import { builder } from '../builder.ts';
import { ChannelEnum, FinancialStatusEnum, FulfilmentStatusEnum } from '../enums.ts';
import { Customer, Location } from '../refs.ts';
import { equal, oneOf, refersTo, TimeRange, within } from './common.ts';

export const OrderFilter = builder.inputType('OrderFilter', {
  description: 'Which orders; all given conditions must hold.',
  fields: (t) => ({
    customerId: t.globalID({ for: Customer, description: 'Placed by this customer.' }),
    locationId: t.globalID({ for: Location, description: 'Sold at this location.' }),
    number: t.string({ description: 'Called so, with or without the leading `#`: `#1001`, `1001`.' }),
    email: t.string({ description: 'Placed with this address, in any case.' }),
    channels: t.field({ type: [ChannelEnum], description: 'Placed on one of these channels.' }),
    financialStatuses: t.field({ type: [FinancialStatusEnum], description: 'Paid this far.' }),
    fulfilmentStatuses: t.field({ type: [FulfilmentStatusEnum], description: 'Sent this far.' }),
    tags: t.stringList({ description: 'Carrying all of these tags.' }),
    sku: t.string({ description: 'With a line of this SKU.' }),
    currencyCode: t.string({
      description: 'In this shop currency; needed beside `totalAtLeast` and `totalAtMost`.',
    }),
    totalAtLeast: t.field({ type: 'Decimal', description: 'Whose total is not below this.' }),
    totalAtMost: t.field({ type: 'Decimal', description: 'Whose total is not above this.' }),
    cancelled: t.boolean({ description: 'Cancelled, or not.' }),
    refunded: t.boolean({ description: 'With money given back, or without.' }),
    test: t.boolean({ description: 'Test orders, or real ones.' }),
    placedAt: t.field({ type: TimeRange, description: 'Placed within.' }),
    updatedAt: t.field({ type: TimeRange, description: 'Changed in the graph within.' }),
  }),
});

type Filter = typeof OrderFilter.$inferInput | null | undefined;

/** Conditions over the alias `t`. Orders that were removed at their platform are left out. */
export function orderConditions(filter: Filter): Sql[] {
  const conditions: Sql[] = [raw('t.removed_at is null')];
  if (!filter) return conditions;
  conditions.push(
    ...refersTo(raw('t.customer_id'), filter.customerId),
    ...refersTo(raw('t.location_id'), filter.locationId),
    ...calledSo(filter.number),
    ...equal(raw('t.email'), filter.email?.trim().toLowerCase()),
    ...oneOf(raw('t.channel'), filter.channels),
    ...oneOf(raw('t.financial_status'), filter.financialStatuses),
    ...oneOf(raw('t.fulfilment_status'), filter.fulfilmentStatuses),
    ...equal(raw('t.currency'), filter.currencyCode),
    ...equal(raw('t.test'), filter.test),
    ...within(raw('t.placed_at'), filter.placedAt),
    ...within(raw('t.updated_at'), filter.updatedAt),
  );
  if (filter.tags) conditions.push(sql`t.tags @> ${filter.tags}::text[]`);
  if (filter.sku != null) {
    conditions.push(sql`t.id in (select l.order_id from order_line l where l.sku = ${filter.sku})`);
  }
  if (filter.totalAtLeast != null) {
    conditions.push(
      sql`t.total_minor >= ${minorOf('totalAtLeast', filter.totalAtLeast, filter.currencyCode)}::bigint`,
    );
  }
  if (filter.totalAtMost != null) {
    conditions.push(
      sql`t.total_minor <= ${minorOf('totalAtMost', filter.totalAtMost, filter.currencyCode)}::bigint`,
    );
  }
  if (typeof filter.cancelled === 'boolean') {
    conditions.push(raw(`t.cancelled_at is ${filter.cancelled ? 'not null' : 'null'}`));
  }
  if (typeof filter.refunded === 'boolean') {
    conditions.push(raw(`t.refunded_minor ${filter.refunded ? '> 0' : '= 0'}`));
  }
  return conditions;
}

/** People write the number with its `#` or without, as shops do. */
export function calledSo(number: string | null | undefined): Sql[] {
  if (number === undefined || number === null) return [];
  const bare = number.trim().replace(/^#/, '');
  return [sql`t.number = any(${[bare, `#${bare}`]}::text[])`];
}

const mostMinor = 9_000_000_000_000_000_000n;

/** An amount says nothing without its currency. @param name of the filter's field that gives it */
export function minorOf(name: string, amount: string, currency: string | null | undefined): string {
  if (!currency) throw unusableAmount(name, 'a limit on an amount needs `currencyCode` beside it.');
  const minor = parseAmount(name, amount, currency);
  if (minor > mostMinor || minor < -mostMinor) throw unusableAmount(name, 'is more than there can be.');
  return minor.toString();
}

function parseAmount(name: string, amount: string, currency: string): bigint {
  try {
    return parseMinor(amount, currency);
  } catch (error) {
    if (error instanceof AppError) throw unusableAmount(name, error.publicMessage);
    throw error;
  }
}

function unusableAmount(name: string, message: string): AppError {
  return new AppError({
    code: 'BAD_USER_INPUT',
    retryable: false,
    publicMessage: `${name}: ${message}`,
    field: `filter.${name}`,
  });
}

const id = { expression: 't.id', type: 'bigint' };

export const orderSorts: Record<
  'placed_at_desc' | 'placed_at_asc' | 'updated_at_desc' | 'updated_at_asc',
  Sort
> = {
  placed_at_desc: {
    name: 'placed_at_desc',
    direction: 'desc',
    keys: [{ expression: 't.placed_at', type: 'timestamptz' }, id],
  },
  placed_at_asc: {
    name: 'placed_at_asc',
    direction: 'asc',
    keys: [{ expression: 't.placed_at', type: 'timestamptz' }, id],
  },
  updated_at_desc: {
    name: 'updated_at_desc',
    direction: 'desc',
    keys: [{ expression: 't.updated_at', type: 'timestamptz' }, id],
  },
  updated_at_asc: {
    name: 'updated_at_asc',
    direction: 'asc',
    keys: [{ expression: 't.updated_at', type: 'timestamptz' }, id],
  },
};
