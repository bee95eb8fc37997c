import type { Queryable } from '../../db/pool.ts';
import type { CustomFieldState } from '../../model/custom-field.ts';
import type { Address } from '../../model/customer.ts';
import type { FinancialStatus, FulfilmentStatus, NameValue } from '../../model/order.ts';
import type { Channel, PlatformName } from '../../model/platform-name.ts';
import type { ReturnFates } from '../../model/refund.ts';
import type {
  CustomerSnapshot,
  OrderLineSnapshot,
  OrderSnapshot,
  RefundSnapshot,
  ShippingLineSnapshot,
  StockLevelSnapshot,
  TaxSnapshot,
  TransactionSnapshot,
} from '../../model/snapshot.ts';

// Whole subjects as planning sees them, each kind by one statement whatever the number of ids. Children are gathered as
// JSON below their parent, in an order that does not depend on how they were written: equal subjects have equal snapshots.
// Amounts travel as text, because JSON numbers end at 2^53.

/** Customers by id; those that do not exist or were merged away are left out. */
export async function loadCustomerSnapshots(
  db: Queryable,
  ids: readonly bigint[],
): Promise<Map<bigint, CustomerSnapshot>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<{ customer: CustomerJson }>({
    name: 'load-customer-snapshots',
    text: `select ${customerJson} as customer from customer c where c.id = any($1::bigint[]) and c.merged_into_id is null`,
    values: [ids],
  });
  return byId(rows.map((row) => customerOf(row.customer)));
}

/** Orders by id with all that hangs on them; removed ones are left out. */
export async function loadOrderSnapshots(
  db: Queryable,
  ids: readonly bigint[],
): Promise<Map<bigint, OrderSnapshot>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<OrderRow>({
    name: 'load-order-snapshots',
    text: orderSnapshotsSql,
    values: [ids],
  });
  return byId(rows.map(orderOf));
}

/** Stock levels by id, with their place at the platform that keeps the location. */
export async function loadStockLevelSnapshots(
  db: Queryable,
  ids: readonly bigint[],
): Promise<Map<bigint, StockLevelSnapshot & { connectionId: bigint }>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<Omit<StockLevelSnapshot, 'type'> & { connectionId: bigint }>({
    name: 'load-stock-level-snapshots',
    text: `select s.id, s.variant_id as "variantId", s.location_id as "locationId", v.sku, s.on_hand as "onHand", s.committed,
             s.reserved, s.available, l.connection_id as "connectionId", l.remote_id as "locationRemoteId",
             (select g.remote_inventory_item_id from listing g
              where g.variant_id = s.variant_id and g.connection_id = l.connection_id
                and g.remote_inventory_item_id is not null
              order by g.status = 'removed', g.id limit 1) as "inventoryItemRemoteId"
           from stock_level s join variant v on v.id = s.variant_id join location l on l.id = s.location_id
           where s.id = any($1::bigint[])`,
    values: [ids],
  });
  return byId(rows.map((row) => ({ type: 'StockLevel', ...row })));
}

/** Text of an amount in minor units. */
type Minor = string;

interface CustomerJson {
  id: string;
  firstName: string | null;
  lastName: string | null;
  company: string | null;
  email: string | null;
  phone: string | null;
  address: Address | null;
  note: string | null;
  tags: string[] | null;
  taxExempt: boolean;
  currency: string | null;
  lifetimeValueMinor: Minor;
  refundedMinor: Minor;
  orderCount: number;
  averageOrderMinor: Minor;
  openBalanceMinor: Minor;
  piecesSold: number;
  piecesReturned: number;
  channels: Channel[];
  firstOrderAt: string | null;
  lastOrderAt: string | null;
  erased: boolean;
  isEmailShared: boolean;
  approvedMerges: CustomerSnapshot['approvedMerges'];
  customFields: CustomFieldState[];
}

/**
 * The metafield that says something else than what people wrote over it, as it was last told of the newest record. What they
 * emptied counts where the metafield holds a value; one that could not be understood is left to people.
 */
const behindJson = (owner: 'Customer' | 'Order', id: string): string => `'behind', case
  when f.write_back and v.source = 'hubspot' and v.crm_at is not null and v.problem is null and v.value is distinct from v.source_value
  then json_build_object('namespace', f.source->>'namespace', 'key', f.source->>'key',
    'was', v.source_value, 'at', v.source_at, 'saidAt', v.crm_at, 'type', (
    select s.told->((f.source->>'namespace') || '.' || (f.source->>'key'))->>'type'
    from ${recordsOf[owner]} i join source_statement s on s.connection_id = i.connection_id and s.kind = 'metafields'
      and s.remote_id = '${owner}:' || i.remote_id
    where i.${owner === 'Customer' ? 'customer_id' : 'id'} = ${id} order by s.source_updated_at desc, s.remote_id limit 1)) end`;

/** Where the names stand by which the platform of the metafields knows an owner. */
const recordsOf = { Customer: 'customer_identity', Order: 'sales_order' } as const;

/** The declared fields of an owner with their values, by key. */
const customFieldsJson = (owner: 'Customer' | 'Order', id: string): string => `coalesce((
    select json_agg(json_build_object('key', f.key, 'name', f.name, 'type', f.type, 'hubspotProperty', f.hubspot_property,
      'quickbooksField', f.quickbooks_field, 'value', v.value, 'label', (
        select o->>'label' from jsonb_array_elements(f.options) as o where o->>'value' = v.value limit 1),
      'isLeft', coalesce(v.source = 'hubspot' and v.problem is not null, false), ${behindJson(owner, id)}) order by f.key)
    from custom_field f left join custom_field_value v on v.field_id = f.id and v.entity_id = ${id}
    where f.owner = '${owner}'), '[]')`;

const customerJson = `json_build_object('id', c.id::text, 'firstName', c.first_name, 'lastName', c.last_name,
  'company', c.company, 'email', c.email, 'phone', c.phone, 'address', c.default_address, 'note', c.note, 'tags', c.tags,
  'taxExempt', c.tax_exempt, 'currency', c.currency, 'lifetimeValueMinor', c.lifetime_value_minor::text,
  'refundedMinor', c.refunded_minor::text, 'orderCount', c.order_count,
  'averageOrderMinor', c.average_order_minor::text, 'openBalanceMinor', c.open_balance_minor::text,
  'piecesSold', c.pieces_sold, 'piecesReturned', c.pieces_returned, 'channels', c.channels, 'firstOrderAt', c.first_order_at,
  'lastOrderAt', c.last_order_at, 'erased', c.erased_at is not null,
  'isEmailShared', exists (
    select 1 from customer o where o.email = c.email and o.merged_into_id is null and o.id <> c.id),
  'customFields', ${customFieldsJson('Customer', 'c.id')},
  'approvedMerges', array(
    select json_build_object('connectionId', l.connection_id::text, 'remoteType', l.remote_type, 'remoteId', l.remote_id)
    from customer_merge m join link l on l.entity_type = 'Customer' and l.entity_id = m.absorbed_id
    join connection n on n.id = l.connection_id
    where m.survivor_id = c.id and m.undone_at is null and m.approved_platforms <> '{}'
      and n.platform::text = any(m.approved_platforms) order by l.id))`;

const taxJson = `array(
  select json_build_object('title', t.title, 'rate', trim_scale(t.rate)::text, 'amountMinor', t.amount_minor::text,
    'channelLiable', t.channel_liable)
  from tax_line t where %owner% order by t.title, t.rate, t.channel_liable, t.amount_minor)`;

const orderSnapshotsSql = `select o.id, o.connection_id as "connectionId", n.platform, o.remote_id as "remoteId", o.number, o.channel,
  (select ${customerJson} from customer c where c.id = o.customer_id) as customer,
  (select name from location where id = o.location_id) as "locationName",
  o.financial_status as "financialStatus", o.fulfilment_status as "fulfilmentStatus", o.currency,
  o.presentment_currency as "presentmentCurrency", o.subtotal_minor as "subtotalMinor", o.discount_minor as "discountMinor",
  o.shipping_minor as "shippingMinor", o.tax_minor as "taxMinor", o.duties_minor as "dutiesMinor", o.tip_minor as "tipMinor",
  o.rounding_minor as "roundingMinor", o.total_minor as "totalMinor", o.paid_minor as "paidMinor",
  o.refunded_minor as "refundedMinor", o.presentment_total_minor as "presentmentTotalMinor",
  o.taxes_included as "taxesIncluded", o.tax_exempt as "taxExempt", o.test, o.email, o.billing_address as "billingAddress",
  o.shipping_address as "shippingAddress", o.note, o.tags, o.attributes, o.placed_at as "placedAt",
  o.cancelled_at as "cancelledAt", o.erased_at is not null as erased,
  coalesce((select json_agg(json_build_object('id', l.id::text, 'remoteId', l.remote_id, 'variantId', l.variant_id::text,
     'title', l.title, 'variantTitle', l.variant_title, 'sku', l.sku, 'quantity', l.quantity,
     'refundedQuantity', l.refunded_quantity, 'unitPriceMinor', l.unit_price_minor::text,
     'discountMinor', l.discount_minor::text, 'taxMinor', l.tax_minor::text, 'totalMinor', l.total_minor::text,
     'taxable', l.taxable, 'giftCard', l.gift_card, 'properties', l.properties,
     'taxes', ${taxJson.replace('%owner%', 't.order_line_id = l.id')}) order by l.position, l.id)
   from order_line l where l.order_id = o.id), '[]') as lines,
  coalesce((select json_agg(json_build_object('id', s.id::text, 'title', s.title, 'priceMinor', s.price_minor::text,
     'discountMinor', s.discount_minor::text, 'taxMinor', s.tax_minor::text,
     'taxes', ${taxJson.replace('%owner%', 't.shipping_line_id = s.id')}) order by s.remote_id)
   from shipping_line s where s.order_id = o.id), '[]') as "shippingLines",
  coalesce((select json_agg(json_build_object('kind', d.kind, 'code', d.code, 'title', d.title, 'amountMinor',
     (select coalesce(sum(a.amount_minor), 0)::text from discount_allocation a where a.application_id = d.id)) order by d.position)
   from discount_application d where d.order_id = o.id), '[]') as discounts,
  coalesce((select json_agg(json_build_object('title', t.title, 'rate', trim_scale(t.rate)::text,
     'amountMinor', t.amount_minor::text, 'channelLiable', t.channel_liable) order by t.title, t.rate, t.channel_liable)
   from (select title, rate, channel_liable, sum(amount_minor) as amount_minor from tax_line
     where order_id = o.id group by title, rate, channel_liable) as t), '[]') as taxes,
  coalesce((select json_agg(json_build_object('kind', x.kind, 'status', x.status, 'gateway', x.gateway,
     'amountMinor', x.amount_minor::text, 'processedAt', x.processed_at, 'refundId', x.refund_id::text) order by x.processed_at nulls last, x.remote_id)
   from order_transaction x where x.order_id = o.id), '[]') as transactions,
  coalesce((select json_agg(json_build_object('id', r.id::text, 'remoteId', r.remote_id, 'note', r.note, 'totalMinor', r.total_minor::text,
     'settled', r.settled, 'refundedAt', r.refunded_at,
     'lines', coalesce((select json_agg(json_build_object('orderLineId', rl.order_line_id::text, 'quantity', rl.quantity,
        'subtotalMinor', rl.subtotal_minor::text, 'taxMinor', rl.tax_minor::text, 'restockType', rl.restock_type,
        'fates', json_build_object('restocked', rl.restocked, 'damaged', rl.damaged, 'notReturned', rl.not_returned)) order by rl.remote_id)
        from refund_line rl where rl.refund_id = r.id), '[]'),
     'adjustments', coalesce((select json_agg(json_build_object('kind', ra.kind, 'reason', ra.reason, 'amountMinor', ra.amount_minor::text,
        'taxMinor', ra.tax_minor::text) order by ra.remote_id)
        from refund_adjustment ra where ra.refund_id = r.id), '[]')) order by r.refunded_at, r.id)
   from refund r where r.order_id = o.id), '[]') as refunds,
  array(select gone.id from (
     select l.entity_id as id from link l where l.entity_type = 'Refund' and l.remote_state->>'orderId' = o.id::text
     union select p.subject_id from push p where p.subject_type = 'Refund' and p.body->>'orderId' = o.id::text
       and p.status in ('plan', 'pending', 'running', 'retrying')) as gone
   where not exists (select 1 from refund r where r.id = gone.id) order by 1)::text[] as "goneRefundIds",
  coalesce((select json_agg(json_build_object('kind', f.kind, 'value', f.value, 'quote', f.quote)
     order by f.kind, f.quote, f.value)
   from fulfilment_rule f where f.order_id = o.id and f.status = 'approved'), '[]') as "fulfilmentRules",
  ${customFieldsJson('Order', 'o.id')} as "customFields"
  from sales_order o join connection n on n.id = o.connection_id
  where o.id = any($1::bigint[]) and o.removed_at is null`;

interface TaxJson {
  title: string;
  rate: string;
  amountMinor: Minor;
  channelLiable: boolean;
}

interface OrderRow {
  id: bigint;
  connectionId: bigint;
  platform: PlatformName;
  remoteId: string;
  number: string;
  channel: Channel;
  customer: CustomerJson | null;
  locationName: string | null;
  financialStatus: FinancialStatus;
  fulfilmentStatus: FulfilmentStatus;
  currency: string;
  presentmentCurrency: string;
  subtotalMinor: bigint;
  discountMinor: bigint;
  shippingMinor: bigint;
  taxMinor: bigint;
  dutiesMinor: bigint;
  tipMinor: bigint;
  roundingMinor: bigint;
  totalMinor: bigint;
  paidMinor: bigint;
  refundedMinor: bigint;
  presentmentTotalMinor: bigint;
  taxesIncluded: boolean;
  taxExempt: boolean;
  test: boolean;
  email: string | null;
  billingAddress: Address | null;
  shippingAddress: Address | null;
  note: string | null;
  tags: string[] | null;
  attributes: NameValue[];
  placedAt: Date;
  cancelledAt: Date | null;
  lines: (Omit<OrderLineSnapshot, 'id' | 'variantId' | 'taxes' | LineAmount> & {
    id: string;
    variantId: string | null;
    taxes: TaxJson[];
  } & Record<LineAmount, Minor>)[];
  shippingLines: {
    id: string;
    title: string;
    priceMinor: Minor;
    discountMinor: Minor;
    taxMinor: Minor;
    taxes: TaxJson[];
  }[];
  discounts: { kind: string; code: string | null; title: string | null; amountMinor: Minor }[];
  taxes: TaxJson[];
  transactions: {
    kind: string;
    status: string;
    gateway: string;
    amountMinor: Minor;
    processedAt: string | null;
    refundId: string | null;
  }[];
  refunds: {
    id: string;
    remoteId: string;
    note: string | null;
    totalMinor: Minor;
    settled: boolean;
    refundedAt: string;
    lines: {
      orderLineId: string;
      quantity: number;
      subtotalMinor: Minor;
      taxMinor: Minor;
      restockType: string;
      fates: ReturnFates;
    }[];
    adjustments: { kind: string; reason: string | null; amountMinor: Minor; taxMinor: Minor }[];
  }[];
  erased: boolean;
  goneRefundIds: string[];
  fulfilmentRules: OrderSnapshot['fulfilmentRules'];
  customFields: CustomFieldState[];
}
type LineAmount = 'unitPriceMinor' | 'discountMinor' | 'taxMinor' | 'totalMinor';

function customerOf(json: CustomerJson): CustomerSnapshot {
  return {
    ...json,
    type: 'Customer',
    id: BigInt(json.id),
    tags: json.tags ?? [],
    lifetimeValueMinor: BigInt(json.lifetimeValueMinor),
    refundedMinor: BigInt(json.refundedMinor),
    averageOrderMinor: BigInt(json.averageOrderMinor),
    openBalanceMinor: BigInt(json.openBalanceMinor),
    firstOrderAt: json.firstOrderAt === null ? null : new Date(json.firstOrderAt),
    lastOrderAt: json.lastOrderAt === null ? null : new Date(json.lastOrderAt),
  };
}

function orderOf(row: OrderRow): OrderSnapshot {
  const transactions = row.transactions.map(
    (transaction): TransactionSnapshot => ({
      ...transaction,
      amountMinor: BigInt(transaction.amountMinor),
      processedAt: transaction.processedAt === null ? null : new Date(transaction.processedAt),
      refundId: transaction.refundId === null ? null : BigInt(transaction.refundId),
    }),
  );
  return {
    ...row,
    type: 'Order',
    customer: row.customer === null ? null : customerOf(row.customer),
    tags: row.tags ?? [],
    lines: row.lines.map((line) => ({
      ...line,
      id: BigInt(line.id),
      variantId: line.variantId === null ? null : BigInt(line.variantId),
      unitPriceMinor: BigInt(line.unitPriceMinor),
      discountMinor: BigInt(line.discountMinor),
      taxMinor: BigInt(line.taxMinor),
      totalMinor: BigInt(line.totalMinor),
      taxes: line.taxes.map(taxOf),
    })),
    shippingLines: row.shippingLines.map(
      (line): ShippingLineSnapshot => ({
        ...line,
        id: BigInt(line.id),
        priceMinor: BigInt(line.priceMinor),
        discountMinor: BigInt(line.discountMinor),
        taxMinor: BigInt(line.taxMinor),
        taxes: line.taxes.map(taxOf),
      }),
    ),
    discounts: row.discounts.map((discount) => ({ ...discount, amountMinor: BigInt(discount.amountMinor) })),
    taxes: row.taxes.map(taxOf),
    transactions,
    goneRefundIds: row.goneRefundIds.map(BigInt),
    refunds: row.refunds.map(
      (refund): RefundSnapshot => ({
        ...refund,
        id: BigInt(refund.id),
        totalMinor: BigInt(refund.totalMinor),
        refundedAt: new Date(refund.refundedAt),
        lines: refund.lines.map((line) => ({
          ...line,
          orderLineId: BigInt(line.orderLineId),
          subtotalMinor: BigInt(line.subtotalMinor),
          taxMinor: BigInt(line.taxMinor),
        })),
        adjustments: refund.adjustments.map((adjustment) => ({
          ...adjustment,
          amountMinor: BigInt(adjustment.amountMinor),
          taxMinor: BigInt(adjustment.taxMinor),
        })),
        transactions: transactions.filter((one) => one.refundId === BigInt(refund.id)),
      }),
    ),
  };
}

function taxOf(tax: TaxJson): TaxSnapshot {
  return { ...tax, amountMinor: BigInt(tax.amountMinor) };
}

function byId<T extends { id: bigint }>(rows: readonly T[]): Map<bigint, T> {
  return new Map(rows.map((row) => [row.id, row]));
}
