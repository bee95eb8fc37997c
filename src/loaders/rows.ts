import type { Queryable } from '../db/pool.ts';
import { all, raw, read, type Sql, sql } from './sql.ts';
import { type Columns, columnsOf, type RowOf, snakeCase, type Table } from './table.ts';
import {
  type DiscountRow,
  discountApplications,
  type OrderLineRow,
  orderLines,
  type RefundAdjustmentRow,
  type RefundLineRow,
  refundAdjustments,
  refundLines,
  type ShippingLineRow,
  shippingLines,
  type TaxLineRow,
  taxLines,
} from './tables.ts';

/** Rows by key, in the order of the keys; null where there is none. */
export async function rowsById<C extends Columns & { id: 'id' }>(
  db: Queryable,
  from: Table<C>,
  ids: readonly string[],
): Promise<(RowOf<Table<C>> | null)[]> {
  const rows = await read<{ id: string }>(
    db,
    sql`select ${columnsOf(from, 't')} from ${raw(from.name)} t where t.id = any(${ids}::bigint[])`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => (byId.get(id) ?? null) as RowOf<Table<C>> | null);
}

/** All rows that belong to any of the parents, in one statement. */
export async function rowsOfParents<C extends Columns>(
  db: Queryable,
  from: Table<C>,
  parent: keyof C & string,
  ids: readonly string[],
  options: { orderBy: string; where?: Sql },
): Promise<RowOf<Table<C>>[]> {
  const condition = all([
    sql`t.${raw(snakeCase(parent))} = any(${ids}::bigint[])`,
    ...(options.where === undefined ? [] : [options.where]),
  ]);
  return read<RowOf<Table<C>>>(
    db,
    sql`select ${columnsOf(from, 't')} from ${raw(from.name)} t where ${condition} order by ${raw(options.orderBy)}`,
  );
}

export function orderLinesOf(db: Queryable, orderIds: readonly string[]): Promise<OrderLineRow[]> {
  return read(
    db,
    sql`select ${columnsOf(orderLines, 'l')}, o.currency, o.presentment_currency as "presentmentCurrency"
        from order_line l join sales_order o on o.id = l.order_id
        where l.order_id = any(${orderIds}::bigint[]) order by l.order_id, l.position, l.id`,
  );
}

export async function orderLinesById(
  db: Queryable,
  ids: readonly string[],
): Promise<(OrderLineRow | null)[]> {
  const rows = await read<OrderLineRow>(
    db,
    sql`select ${columnsOf(orderLines, 'l')}, o.currency, o.presentment_currency as "presentmentCurrency"
        from order_line l join sales_order o on o.id = l.order_id where l.id = any(${ids}::bigint[])`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

export function shippingLinesOf(db: Queryable, orderIds: readonly string[]): Promise<ShippingLineRow[]> {
  return read(
    db,
    sql`select ${columnsOf(shippingLines, 'l')}, o.currency
        from shipping_line l join sales_order o on o.id = l.order_id
        where l.order_id = any(${orderIds}::bigint[]) order by l.id`,
  );
}

/** Discounts with what they took off in all. */
export function discountsOf(db: Queryable, orderIds: readonly string[]): Promise<DiscountRow[]> {
  return read(
    db,
    sql`select ${columnsOf(discountApplications, 'd')}, o.currency,
               (select coalesce(sum(a.amount_minor), 0)::bigint from discount_allocation a where a.application_id = d.id) as "amountMinor"
        from discount_application d join sales_order o on o.id = d.order_id
        where d.order_id = any(${orderIds}::bigint[]) order by d.order_id, d.position`,
  );
}

export function taxLinesOf(
  db: Queryable,
  parent: 'orderId' | 'orderLineId' | 'shippingLineId',
  ids: readonly string[],
): Promise<TaxLineRow[]> {
  return read(
    db,
    sql`select ${columnsOf(taxLines, 't')}, o.currency
        from tax_line t join sales_order o on o.id = t.order_id
        where t.${raw(snakeCase(parent))} = any(${ids}::bigint[]) order by t.id`,
  );
}

export function refundLinesOf(db: Queryable, refundIds: readonly string[]): Promise<RefundLineRow[]> {
  return read(
    db,
    sql`select ${columnsOf(refundLines, 'l')}, r.currency from refund_line l join refund r on r.id = l.refund_id
        where l.refund_id = any(${refundIds}::bigint[]) order by l.id`,
  );
}

export function refundAdjustmentsOf(
  db: Queryable,
  refundIds: readonly string[],
): Promise<RefundAdjustmentRow[]> {
  return read(
    db,
    sql`select ${columnsOf(refundAdjustments, 'a')}, r.currency from refund_adjustment a join refund r on r.id = a.refund_id
        where a.refund_id = any(${refundIds}::bigint[]) order by a.id`,
  );
}
