import type { Tx } from '../../db/pool.ts';
import type { SourceVersion } from '../../model/change.ts';
import { toJson } from './canonical-json.ts';
import type { FulfilmentRows, OrderRows, RefundRows, TransactionRow } from './order-rows.ts';
import {
  differs,
  discountColumns,
  fulfilmentColumns,
  lineColumns,
  listed,
  orderColumns,
  overwritten,
  refundAdjustmentColumns,
  refundColumns,
  refundLineColumns,
  shippingLineColumns,
  transactionColumns,
  typed,
} from './order-tables.ts';

// An order and everything below it is written by one statement: rows are upserted by (parent, platform's id) so that
// their own ids stay, rows that say the same are left alone, rows that vanished are removed. The caller holds the lock
// of the order's name, so that no other transaction writes the same order. Sub-statements see the tables as they were
// before, hence the unions of what was just written with what stood unchanged.
// Measured on two busy cores: 2.1 ms for a new order of four lines, 1.8 ms for an update of it.

/** What the statement changed, by group. */
export interface WrittenChildren {
  refunds: { id: string; remoteId: string; created: boolean }[];
  /** Refunds whose lines, adjustments or transactions changed. */
  refundsTouched: string[];
  fulfilments: { id: string; remoteId: string; created: boolean }[];
  fulfilmentsTouched: string[];
  /** The graph's ids by the platform's. */
  lineIds: Record<string, string>;
  refundIds: Record<string, string>;
  fulfilmentIds: Record<string, string>;
  transactionsChanged: number;
}

export interface WrittenOrder extends WrittenChildren {
  id: bigint;
  linesChanged: number;
  shippingLinesChanged: number;
  discountsChanged: number;
  refundsGone: number;
  fulfilmentsGone: number;
  /** Refunds that were told on their own after this snapshot was taken, and stand beside it. */
  refundsKept: number;
}

/** Writes a whole order. Null allocations or tax lines stay as they are. */
export async function writeOrder(
  tx: Tx,
  order: {
    connectionId: bigint;
    remoteId: string;
    customerId: bigint | null;
    buyerRemoteId: string | null;
    version: SourceVersion;
    observedAt: Date;
    rows: OrderRows;
    replaceAllocations: boolean;
    replaceTaxLines: boolean;
    hash: string;
    told: Record<string, unknown>;
  },
): Promise<WrittenOrder> {
  const { rows } = await tx.query<WrittenOrder>({
    name: 'write-order',
    text: writeOrderSql,
    values: [
      order.connectionId,
      order.remoteId,
      toJson(order.rows.order),
      order.customerId,
      order.version.sourceUpdatedAt,
      order.observedAt,
      toJson(order.rows.lines),
      toJson(order.rows.shippingLines),
      toJson(order.rows.discounts),
      order.replaceAllocations ? toJson(order.rows.allocations) : null,
      order.replaceTaxLines ? toJson(order.rows.taxLines) : null,
      toJson(order.rows.transactions),
      toJson(order.rows.fulfilments.fulfilments),
      toJson(order.rows.fulfilments.fulfilmentLines),
      toJson(order.rows.refunds.refunds),
      toJson(order.rows.refunds.refundLines),
      toJson(order.rows.refunds.refundAdjustments),
      order.version.observedAt,
      order.hash,
      toJson(order.told),
      order.buyerRemoteId,
    ],
  });
  return only(rows);
}

/** Writes one refund of a known order. */
export async function writeRefund(
  tx: Tx,
  refund: { orderId: bigint; sourceUpdatedAt: Date; rows: RefundRows; transactions: TransactionRow[] },
): Promise<WrittenChildren> {
  const { rows } = await tx.query<WrittenChildren>({
    name: 'write-refund',
    text: writeRefundSql,
    values: [
      refund.orderId,
      refund.sourceUpdatedAt,
      toJson(refund.rows.refunds),
      toJson(refund.rows.refundLines),
      toJson(refund.rows.refundAdjustments),
      toJson(refund.transactions),
    ],
  });
  return only(rows);
}

/** Writes one fulfilment of a known order. */
export async function writeFulfilment(
  tx: Tx,
  fulfilment: { orderId: bigint; rows: FulfilmentRows },
): Promise<WrittenChildren> {
  const { rows } = await tx.query<WrittenChildren>({
    name: 'write-fulfilment',
    text: writeFulfilmentSql,
    values: [
      fulfilment.orderId,
      toJson(fulfilment.rows.fulfilments),
      toJson(fulfilment.rows.fulfilmentLines),
    ],
  });
  return only(rows);
}

/** Raises the refunded quantities of lines to what the order's refunds add up to. */
export async function raiseRefundedQuantities(tx: Tx, orderId: bigint): Promise<void> {
  await tx.query({
    name: 'raise-refunded-quantities',
    text: `update order_line t set refunded_quantity = least(t.quantity, greatest(t.refunded_quantity, told.quantity))
           from (
             select line.order_line_id, sum(line.quantity)::int as quantity
             from refund_line line join refund on refund.id = line.refund_id
             where refund.order_id = $1 group by 1
           ) as told
           where t.id = told.order_line_id
             and t.refunded_quantity is distinct from least(t.quantity, greatest(t.refunded_quantity, told.quantity))`,
    values: [orderId],
  });
}

function only<T>(rows: T[]): T {
  const row = rows[0];
  if (row === undefined) throw new Error('The order was not written.');
  return row;
}

/** Rows just written, and offered rows that stood as they are. */
function standing(name: string, table: string, key: string): string {
  return `${name} as (
    select id, ${key} from ${name}_up
    union all
    select t.id, t.${key} from ${table} t join o on o.id = t.order_id join ${name}_in using (${key})
    where not exists (select 1 from ${name}_up where ${name}_up.id = t.id)
  )`;
}

function keyedChild(
  name: string,
  table: string,
  key: string,
  columns: Readonly<Record<string, string>>,
  parameter: string,
): string {
  return `${name}_in as (select x.* from jsonb_to_recordset(${parameter}::jsonb) as x(${typed(columns)})),
  ${name}_gone as (
    delete from ${table} t using o
    where t.order_id = o.id and not exists (select 1 from ${name}_in where ${name}_in.${key} = t.${key})
    returning t.id
  ),
  ${name}_up as (
    insert into ${table} as t (order_id, ${listed(columns)})
    select o.id, ${listed(columns, `${name}_in`)} from o cross join ${name}_in
    on conflict (order_id, ${key}) do update set ${overwritten(columns)} where ${differs(columns)}
    returning t.id, t.${key}
  ),
  ${standing(name, table, key)}`;
}

function refundParts(parameters: {
  version: string;
  refunds: string;
  lines: string;
  adjustments: string;
  transactions: string;
  whole: boolean;
}): string {
  const { version, whole } = parameters;
  const lineRow = { order_line_id: 'bigint', ...refundLineColumns };
  return `r_in as (select x.* from jsonb_to_recordset(${parameters.refunds}::jsonb) as x(${typed(refundColumns)})),
  r_kept as (
    select t.id, t.remote_id from refund t join o on o.id = t.order_id
    where ${
      whole
        ? `t.source_updated_at > ${version}
      or (t.source_updated_at = ${version} and not exists (select 1 from r_in where r_in.remote_id = t.remote_id))`
        : 'false'
    }
  ),
  ${
    whole
      ? `r_gone as (
    delete from refund t using o
    where t.order_id = o.id and not exists (select 1 from r_in where r_in.remote_id = t.remote_id)
      and not exists (select 1 from r_kept where r_kept.id = t.id)
    returning t.id
  ),`
      : ''
  }
  r_up as (
    insert into refund as t (order_id, ${listed(refundColumns)}, source_updated_at)
    select o.id, ${listed(refundColumns, 'r_in')}, ${version} from o cross join r_in
    where not exists (select 1 from r_kept where r_kept.remote_id = r_in.remote_id)
    on conflict (order_id, remote_id) do update set ${overwritten(refundColumns)},
      source_updated_at = excluded.source_updated_at, updated_at = clock_timestamp()
    where ${differs(refundColumns)}${whole ? '' : ' or t.source_updated_at is distinct from excluded.source_updated_at'}
    returning t.id, t.remote_id, (t.xmax = 0) as created
  ),
  r as (
    select id, remote_id from r_up
    union all
    select t.id, t.remote_id from refund t join o on o.id = t.order_id join r_in using (remote_id)
    where not exists (select 1 from r_up where r_up.id = t.id) and not exists (select 1 from r_kept where r_kept.id = t.id)
  ),
  rl_in as (
    select r.id as refund_id, l.id as order_line_id, ${listed(refundLineColumns, 'x')}
    from jsonb_to_recordset(${parameters.lines}::jsonb) as x(${typed(refundLineColumns, { refund: 'text', line: 'text' })})
    join r on r.remote_id = x.refund join l on l.remote_id = x.line
  ),
  rl_gone as (
    delete from refund_line t using r
    where t.refund_id = r.id
      and not exists (select 1 from rl_in where rl_in.refund_id = t.refund_id and rl_in.remote_id = t.remote_id)
    returning t.refund_id
  ),
  rl_up as (
    insert into refund_line as t (refund_id, ${listed(lineRow)})
    select refund_id, ${listed(lineRow)} from rl_in
    on conflict (refund_id, remote_id) do update set ${overwritten(lineRow)} where ${differs(lineRow)}
    returning t.refund_id
  ),
  ra_in as (
    select r.id as refund_id, ${listed(refundAdjustmentColumns, 'x')}
    from jsonb_to_recordset(${parameters.adjustments}::jsonb) as x(${typed(refundAdjustmentColumns, { refund: 'text' })})
    join r on r.remote_id = x.refund
  ),
  ra_gone as (
    delete from refund_adjustment t using r
    where t.refund_id = r.id
      and not exists (select 1 from ra_in where ra_in.refund_id = t.refund_id and ra_in.remote_id = t.remote_id)
    returning t.refund_id
  ),
  ra_up as (
    insert into refund_adjustment as t (refund_id, ${listed(refundAdjustmentColumns)})
    select refund_id, ${listed(refundAdjustmentColumns)} from ra_in
    on conflict (refund_id, remote_id) do update set ${overwritten(refundAdjustmentColumns)}
    where ${differs(refundAdjustmentColumns)}
    returning t.refund_id
  ),
  x_in as (
    select x.* from jsonb_to_recordset(${parameters.transactions}::jsonb)
      as x(${typed(transactionColumns, { refund: 'text' })})
  ),
  ${
    whole
      ? `x_gone as (
    delete from order_transaction t using o
    where t.order_id = o.id and not exists (select 1 from x_in where x_in.remote_id = t.remote_id)
      and not exists (select 1 from r_kept where r_kept.id = t.refund_id)
    returning t.id
  ),`
      : ''
  }
  x_up as (
    insert into order_transaction as t (order_id, refund_id, ${listed(transactionColumns)})
    select o.id, r.id, ${listed(transactionColumns, 'x_in')}
    from o cross join x_in left join r on r.remote_id = x_in.refund
    where x_in.refund is null or r.id is not null
    on conflict (order_id, remote_id) do update set refund_id = excluded.refund_id, ${overwritten(transactionColumns)}
    where (t.refund_id is distinct from excluded.refund_id or ${differs(transactionColumns)})
      and not exists (select 1 from r_kept where r_kept.id = t.refund_id)
    returning t.id, t.refund_id
  )`;
}

function fulfilmentParts(parameters: {
  fulfilments: string;
  lines: string;
  /** The order's version, where the snapshot is whole. */
  version: string | null;
}): string {
  return `f_in as (select x.* from jsonb_to_recordset(${parameters.fulfilments}::jsonb) as x(${typed(fulfilmentColumns)})),
  ${
    parameters.version === null
      ? ''
      : `f_gone as (
    delete from fulfilment t using o
    where t.order_id = o.id and t.source_updated_at < ${parameters.version}
      and not exists (select 1 from f_in where f_in.remote_id = t.remote_id)
    returning t.id
  ),`
  }
  f_up as (
    insert into fulfilment as t (order_id, ${listed(fulfilmentColumns)})
    select o.id, ${listed(fulfilmentColumns, 'f_in')} from o cross join f_in
    on conflict (order_id, remote_id) do update set ${overwritten(fulfilmentColumns)}
    where t.source_updated_at <= excluded.source_updated_at and ${differs(fulfilmentColumns)}
    returning t.id, t.remote_id, (t.xmax = 0) as created
  ),
  f as (
    select id, remote_id from f_up
    union all
    select t.id, t.remote_id from fulfilment t join o on o.id = t.order_id join f_in using (remote_id)
    where t.source_updated_at <= f_in.source_updated_at and not exists (select 1 from f_up where f_up.id = t.id)
  ),
  fl_in as (
    select f.id as fulfilment_id, l.id as order_line_id, x.quantity
    from jsonb_to_recordset(${parameters.lines}::jsonb) as x(fulfilment text, line text, quantity int)
    join f on f.remote_id = x.fulfilment join l on l.remote_id = x.line
  ),
  fl_gone as (
    delete from fulfilment_line t using f
    where t.fulfilment_id = f.id and not exists (
      select 1 from fl_in where fl_in.fulfilment_id = t.fulfilment_id and fl_in.order_line_id = t.order_line_id)
    returning t.fulfilment_id
  ),
  fl_up as (
    insert into fulfilment_line as t (fulfilment_id, order_line_id, quantity)
    select fulfilment_id, order_line_id, quantity from fl_in
    on conflict (fulfilment_id, order_line_id) do update set quantity = excluded.quantity
    where t.quantity <> excluded.quantity
    returning t.fulfilment_id
  )`;
}

const refundsAnswer = `
  coalesce((select json_agg(json_build_object('id', id::text, 'remoteId', remote_id, 'created', created)) from r_up), '[]') as refunds,
  coalesce((select json_agg(distinct refund_id::text) from (
    select refund_id from rl_gone union all select refund_id from rl_up union all select refund_id from ra_gone
    union all select refund_id from ra_up union all select refund_id from x_up where refund_id is not null) as touched), '[]')
    as "refundsTouched",
  coalesce((select json_object_agg(remote_id, id::text) from r), '{}') as "refundIds"`;
const noRefundsAnswer = `'[]'::json as refunds, '[]'::json as "refundsTouched", '{}'::json as "refundIds"`;
const fulfilmentsAnswer = `
  coalesce((select json_agg(json_build_object('id', id::text, 'remoteId', remote_id, 'created', created)) from f_up), '[]') as fulfilments,
  coalesce((select json_agg(distinct fulfilment_id::text) from (
    select fulfilment_id from fl_gone union all select fulfilment_id from fl_up) as touched), '[]') as "fulfilmentsTouched",
  coalesce((select json_object_agg(remote_id, id::text) from f), '{}') as "fulfilmentIds"`;
const noFulfilmentsAnswer = `'[]'::json as fulfilments, '[]'::json as "fulfilmentsTouched", '{}'::json as "fulfilmentIds"`;
const lineIdsAnswer = `coalesce((select json_object_agg(remote_id, id::text) from l), '{}') as "lineIds"`;
const changed = (name: string, as: string) =>
  `((select count(*) from ${name}_up) + (select count(*) from ${name}_gone))::int as "${as}"`;

const writeOrderSql = `with statement as (
    insert into source_statement (connection_id, kind, remote_id, source_updated_at, read_at, hash, told)
    values ($1, 'order', $2, $5, $18, $19, $20::jsonb)
    on conflict (connection_id, kind, remote_id) do update set source_updated_at = excluded.source_updated_at,
      read_at = excluded.read_at, hash = excluded.hash, told = excluded.told, removed = false
  ),
  o as (
    insert into sales_order as t (connection_id, remote_id, customer_id, buyer_remote_id, location_id, ${listed(orderColumns)},
      source_updated_at, observed_at)
    select $1, $2, $4, $21, (select id from location where connection_id = $1 and remote_id = x.remote_location_id),
      ${listed(orderColumns, 'x')}, $5, $6
    from jsonb_to_record($3::jsonb) as x(${typed(orderColumns)})
    on conflict (connection_id, remote_id) do update set customer_id = excluded.customer_id,
      buyer_remote_id = excluded.buyer_remote_id, location_id = excluded.location_id, ${overwritten(orderColumns)}, source_updated_at = excluded.source_updated_at,
      observed_at = excluded.observed_at, removed_at = null, updated_at = clock_timestamp()
    returning t.id
  ),
  l_in as (
    select x.*, listing.variant_id from jsonb_to_recordset($7::jsonb) as x(${typed(lineColumns)})
    left join listing on listing.connection_id = $1 and listing.remote_variant_id = x.remote_variant_id
  ),
  l_gone as (
    delete from order_line t using o
    where t.order_id = o.id and not exists (select 1 from l_in where l_in.remote_id = t.remote_id)
    returning t.id
  ),
  l_up as (
    insert into order_line as t (order_id, variant_id, ${listed(lineColumns)})
    select o.id, l_in.variant_id, ${listed(lineColumns, 'l_in')} from o cross join l_in
    on conflict (order_id, remote_id) do update set variant_id = excluded.variant_id, ${overwritten(lineColumns)}
    where t.variant_id is distinct from excluded.variant_id or ${differs(lineColumns)}
    returning t.id, t.remote_id
  ),
  ${standing('l', 'order_line', 'remote_id')},
  ${keyedChild('s', 'shipping_line', 'remote_id', shippingLineColumns, '$8')},
  ${keyedChild('d', 'discount_application', 'position', discountColumns, '$9')},
  a_gone as (
    delete from discount_allocation t using discount_application application, o
    where $10::jsonb is not null and t.application_id = application.id and application.order_id = o.id
  ),
  a_up as (
    insert into discount_allocation (application_id, order_line_id, shipping_line_id, amount_minor, presentment_amount_minor)
    select d.id, l.id, s.id, x.amount_minor, x.presentment_amount_minor
    from jsonb_to_recordset(coalesce($10::jsonb, '[]')) as x(position int, line text, shipping_line text, amount_minor bigint,
      presentment_amount_minor bigint)
    join d on d.position = x.position left join l on l.remote_id = x.line left join s on s.remote_id = x.shipping_line
  ),
  t_gone as (delete from tax_line t using o where $11::jsonb is not null and t.order_id = o.id),
  t_up as (
    insert into tax_line (order_id, order_line_id, shipping_line_id, title, rate, amount_minor, presentment_amount_minor,
      channel_liable)
    select o.id, l.id, s.id, x.title, x.rate, x.amount_minor, x.presentment_amount_minor, x.channel_liable
    from o cross join jsonb_to_recordset(coalesce($11::jsonb, '[]')) as x(line text, shipping_line text, title text,
      rate numeric, amount_minor bigint, presentment_amount_minor bigint, channel_liable boolean)
    left join l on l.remote_id = x.line left join s on s.remote_id = x.shipping_line
  ),
  ${refundParts({ version: '$5', refunds: '$15', lines: '$16', adjustments: '$17', transactions: '$12', whole: true })},
  ${fulfilmentParts({ fulfilments: '$13', lines: '$14', version: '$5' })}
  select o.id, ${changed('l', 'linesChanged')}, ${changed('s', 'shippingLinesChanged')}, ${changed('d', 'discountsChanged')},
    ${changed('x', 'transactionsChanged')},
    (select count(*) from r_gone)::int as "refundsGone", (select count(*) from f_gone)::int as "fulfilmentsGone",
    (select count(*) from r_kept)::int as "refundsKept",
    ${lineIdsAnswer}, ${refundsAnswer}, ${fulfilmentsAnswer}
  from o`;

const knownOrder = `o as (select id from sales_order where id = $1),
  l as (select t.id, t.remote_id from order_line t join o on o.id = t.order_id)`;

const writeRefundSql = `with ${knownOrder},
  ${refundParts({ version: '$2::timestamptz', refunds: '$3', lines: '$4', adjustments: '$5', transactions: '$6', whole: false })}
  select (select count(*) from x_up)::int as "transactionsChanged", ${lineIdsAnswer}, ${refundsAnswer}, ${noFulfilmentsAnswer}
  from o`;

const writeFulfilmentSql = `with ${knownOrder},
  ${fulfilmentParts({ fulfilments: '$2', lines: '$3', version: null })}
  select 0 as "transactionsChanged", ${lineIdsAnswer}, ${noRefundsAnswer}, ${fulfilmentsAnswer}
  from o`;
