import type { Tx } from '../../db/pool.ts';
import { sameJson } from './canonical-json.ts';
import type { AllocationRow, TaxLineRow } from './order-rows.ts';
import { orderColumns, type Row } from './order-tables.ts';
import { parseStatement, type StoredStatement } from './statements.ts';

/** What the graph holds of an order, as far as writing the next statement of it needs. */
export interface StoredOrder {
  statement: StoredStatement | null;
  order: {
    id: bigint;
    customerId: bigint | null;
    removed: boolean;
    row: Row<typeof orderColumns>;
  } | null;
  allocations: AllocationRow[];
  taxLines: TaxLineRow[];
}

const orderFields = Object.entries(orderColumns)
  .map(([name, type]) => (type === 'bigint' ? `${name}::text` : name))
  .join(', ');

export async function loadOrder(tx: Tx, connectionId: bigint, remoteId: string): Promise<StoredOrder> {
  const { rows } = await tx.query<{
    statement: Parameters<typeof parseStatement>[0];
    order: (Row<typeof orderColumns> & { id: string; customer_id: string | null; removed: boolean }) | null;
    allocations: AllocationRow[] | null;
    taxLines: TaxLineRow[] | null;
  }>({
    name: 'load-order',
    text: `select
      (select to_json(s) from source_statement s where connection_id = $1 and kind = 'order' and remote_id = $2) as statement,
      to_json(o) as "order",
      (select json_agg(x) from (
         select d.position, l.remote_id as line, s.remote_id as shipping_line, a.amount_minor::text,
           a.presentment_amount_minor::text
         from discount_application d join discount_allocation a on a.application_id = d.id
         left join order_line l on l.id = a.order_line_id left join shipping_line s on s.id = a.shipping_line_id
         where d.order_id = o.id::bigint) as x) as allocations,
      (select json_agg(x) from (
         select l.remote_id as line, s.remote_id as shipping_line, t.title, trim_scale(t.rate)::text as rate,
           t.amount_minor::text, t.presentment_amount_minor::text, t.channel_liable
         from tax_line t left join order_line l on l.id = t.order_line_id left join shipping_line s on s.id = t.shipping_line_id
         where t.order_id = o.id::bigint) as x) as "taxLines"
      from (select 1) as one
      left join lateral (
        select id::text, customer_id::text, removed_at is not null as removed, ${orderFields}
        from sales_order where connection_id = $1 and remote_id = $2
      ) as o on true`,
    values: [connectionId, remoteId],
  });
  const row = rows[0];
  const order = row?.order ?? null;
  return {
    statement: parseStatement(row?.statement ?? null),
    order:
      order === null
        ? null
        : {
            id: BigInt(order.id),
            customerId: order.customer_id === null ? null : BigInt(order.customer_id),
            removed: order.removed,
            row: order,
          },
    allocations: row?.allocations ?? [],
    taxLines: row?.taxLines ?? [],
  };
}

/** Names of the fields, as the API calls them, in which two states of an order differ. */
export function differingOrderFields(
  before: Row<typeof orderColumns>,
  after: Row<typeof orderColumns>,
): string[] {
  return Object.entries(orderColumns)
    .filter(([name, type]) => !sameColumn(type, before[name as never], after[name as never]))
    .map(([name]) => fieldName(name));
}

/** True where two lists hold the same rows, in whichever order. */
export function sameRows(before: readonly unknown[], after: readonly unknown[]): boolean {
  if (before.length !== after.length) return false;
  const texts = (rows: readonly unknown[]) =>
    rows
      .map((row) => JSON.stringify(row, (_key, part) => (typeof part === 'bigint' ? part.toString() : part)))
      .sort();
  return sameJson(texts(before), texts(after));
}

function sameColumn(type: string, before: unknown, after: unknown): boolean {
  if (before === null || after === null) return before === after;
  if (type === 'timestamptz') return new Date(String(before)).getTime() === (after as Date).getTime();
  if (type === 'bigint') return String(before) === String(after);
  return sameJson(before, after);
}

function fieldName(column: string): string {
  return column.replace(/_minor$/, '').replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}
