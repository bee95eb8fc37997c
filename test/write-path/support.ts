import type { Pool } from '../../src/db/pool.ts';
import { transaction } from '../../src/db/transaction.ts';
import type { Change, PlatformChange } from '../../src/model/change.ts';
import type { Amount } from '../../src/model/money.ts';
import type { CanonicalOrder, CanonicalOrderLine, CanonicalTransaction } from '../../src/model/order.ts';
import type { PlatformName } from '../../src/model/platform-name.ts';
import type { CanonicalProduct } from '../../src/model/product.ts';
import type { CanonicalRefund } from '../../src/model/refund.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { type Applied, applyChanges } from '../../src/sync/apply-changes.ts';
import type { PlanContext, Platform, PushPlan } from '../../src/sync/platforms/platform.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

export interface Shop extends AsyncDisposable {
  database: TestDatabase;
  pool: Pool;
  connections: Record<'shopify' | 'hubspot' | 'quickbooks', bigint>;
  platforms: Partial<Record<PlatformName, Platform>>;
  /** Applies what a platform tells. */
  tell(platform: 'shopify' | 'hubspot' | 'quickbooks', ...changes: PlatformChange[]): Promise<Applied>;
  /** Applies what a person edits. */
  edit(change: Change): Promise<Applied>;
  rows<T = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<T[]>;
  events(): Promise<{ type: string; payload: Record<string, unknown> }[]>;
}

export const now = new Date('2026-11-20T12:00:00Z');

/** A database with one connection per platform; stand-ins write contacts, orders, receipts and stock. */
export async function openShop(
  options: {
    max?: number;
    capabilities?: string[];
    platforms?: Partial<Record<PlatformName, Platform>>;
  } = {},
): Promise<Shop> {
  const database = await createTestDatabase({ max: options.max ?? 4 });
  const { pool } = database;
  const connect = async (platform: string) => {
    const { rows } = await pool.query<{ id: bigint }>(
      `insert into connection (platform, account_id, name, credentials, write_capabilities)
       values ($1::text::platform, $1::text || '-account', $1::text, '\\x00', $2) returning id`,
      [platform, options.capabilities ?? ['*']],
    );
    return rows[0]?.id ?? 0n;
  };
  const connections = {
    shopify: await connect('shopify'),
    hubspot: await connect('hubspot'),
    quickbooks: await connect('quickbooks'),
  };
  const platforms = options.platforms ?? standIns();
  const run = (source: PlatformName | 'tributary', connectionId: bigint | null, changes: Change[]) =>
    transaction(pool, (tx) =>
      applyChanges(tx, { changes, source, connectionId, deliveryId: null, now, platforms }),
    );
  return {
    database,
    pool,
    connections,
    platforms,
    tell: (platform, ...changes) => run(platform, connections[platform], changes),
    edit: (change) => run('tributary', null, [change]),
    rows: async <T>(sql: string, values: unknown[] = []) => (await pool.query(sql, values)).rows as T[],
    events: async () =>
      (
        await pool.query<{ type: string; payload: Record<string, unknown> }>(
          'select type, payload from event order by position',
        )
      ).rows,
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** Platforms that only plan: contacts by difference as a CRM does, receipts whole as books do, stock as Shopify does. */
function standIns(): Partial<Record<PlatformName, Platform>> {
  return {
    shopify: standIn('shopify', {
      pushKinds: ['customer', 'order', 'stockLevel'],
      linkTypes: { Customer: 'customer', Order: 'order', StockLevel: 'inventoryLevel' },
      plan: planShopify,
    }),
    hubspot: standIn('hubspot', {
      pushKinds: ['contact'],
      linkTypes: { Customer: 'contact' },
      plan: planContact,
    }),
    quickbooks: standIn('quickbooks', {
      pushKinds: ['salesReceipt'],
      linkTypes: { Customer: 'Customer', Order: 'SalesReceipt' },
      plan: planReceipt,
    }),
  };
}

function standIn(name: PlatformName, parts: Pick<Platform, 'pushKinds' | 'linkTypes' | 'plan'>): Platform {
  const never = () => {
    throw new Error('The write path speaks with no platform.');
  };
  return {
    name,
    ...parts,
    rateLimit: { requests: 1, windowMs: 1, concurrent: 1 },
    credentials: undefined as never,
    door: undefined as never,
    interpret: never,
    perform: never,
    prepare: never,
    examine: never,
    sweep: never as never,
  };
}

function planShopify(snapshot: Snapshot, { link, isOrigin }: PlanContext): PushPlan[] {
  if (isOrigin || link === null) return [];
  const about = { subjectType: snapshot.type, subjectId: snapshot.id } as const;
  if (snapshot.type === 'StockLevel') {
    const held = link.state.available;
    if (typeof held !== 'number' || held === snapshot.available) return [];
    const delta = snapshot.available - held;
    return [
      { kind: 'stockLevel', ...about, body: { delta, changeFrom: held, available: snapshot.available } },
    ];
  }
  if (
    snapshot.type === 'Refund' ||
    snapshot.type === 'Variant' ||
    snapshot.type === 'Payout' ||
    snapshot.type === 'RefundRequest' ||
    snapshot.type === 'DaySummary'
  )
    return [];
  const held = (name: string) => link.state[name];
  const wanted: Record<string, unknown> =
    snapshot.type === 'Customer'
      ? { firstName: snapshot.firstName, phone: snapshot.phone }
      : { note: snapshot.note, tags: snapshot.tags };
  const fields = Object.fromEntries(
    Object.entries(wanted).filter(
      ([name, value]) => held(name) !== undefined && JSON.stringify(held(name)) !== JSON.stringify(value),
    ),
  );
  if (Object.keys(fields).length === 0) return [];
  return [{ kind: snapshot.type === 'Customer' ? 'customer' : 'order', ...about, body: { fields } }];
}

function planContact(snapshot: Snapshot, { link }: PlanContext): PushPlan[] {
  if (snapshot.type !== 'Customer') return [];
  const wanted: Record<string, string | null> = {
    email: snapshot.email,
    firstname: snapshot.firstName,
    phone: snapshot.phone,
    lifetime_value: snapshot.lifetimeValueMinor.toString(),
  };
  const properties = Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => (link?.state[name] ?? null) !== value),
  );
  if (Object.keys(properties).length === 0) return [];
  return [{ kind: 'contact', subjectType: 'Customer', subjectId: snapshot.id, body: { properties } }];
}

function planReceipt(snapshot: Snapshot): PushPlan[] {
  if (snapshot.type !== 'Order' || snapshot.financialStatus === 'pending') return [];
  const body = { docNumber: snapshot.number, total: snapshot.totalMinor.toString() };
  return [{ kind: 'salesReceipt', subjectType: 'Order', subjectId: snapshot.id, body }];
}

export function at(second: number): Date {
  return new Date(Date.UTC(2026, 10, 1) + second * 1_000);
}

export function told(second: number): PlatformChange['version'] {
  return { sourceUpdatedAt: at(second), observedAt: null };
}

export function read(second: number, readSecond: number): PlatformChange['version'] {
  return { sourceUpdatedAt: at(second), observedAt: at(readSecond) };
}

export function amount(minor: number | bigint): Amount {
  return { shop: BigInt(minor), presentment: BigInt(minor) };
}

export function orderLine(parts: Partial<CanonicalOrderLine> & { remoteId: string }): CanonicalOrderLine {
  return {
    variantRemoteId: null,
    title: `Goods ${parts.remoteId}`,
    variantTitle: null,
    sku: null,
    vendor: null,
    quantity: 1,
    refundedQuantity: 0,
    unitPrice: amount(1_000),
    discount: amount(0),
    tax: amount(0),
    taxable: true,
    giftCard: false,
    requiresShipping: true,
    duties: amount(0),
    properties: [],
    allocations: [],
    taxLines: [],
    ...parts,
  };
}

export function transactionOf(
  parts: Partial<CanonicalTransaction> & { remoteId: string },
): CanonicalTransaction {
  return {
    parentRemoteId: null,
    kind: 'sale',
    status: 'success',
    gateway: 'card',
    amount: amount(1_000),
    processedAt: at(0),
    ...parts,
  };
}

export function refundOf(parts: Partial<CanonicalRefund> & { remoteId: string }): CanonicalRefund {
  return { note: null, refundedAt: at(100), lines: [], adjustments: [], transactions: [], ...parts };
}

/** A paid order of its lines, each at its price. */
export function orderOf(parts: Partial<CanonicalOrder> = {}): CanonicalOrder {
  const lines = parts.lines ?? [orderLine({ remoteId: 'line-1' })];
  const sum = lines.reduce((total, line) => total + line.unitPrice.shop * BigInt(line.quantity), 0n);
  return {
    number: '#1001',
    channel: 'online_store',
    customer: {
      remoteId: '7',
      firstName: 'Ada',
      lastName: 'Byron',
      email: 'ada@example.com',
      phone: '+4930123456',
    },
    locationRemoteId: null,
    financialStatus: 'paid',
    fulfilmentStatus: 'unfulfilled',
    currency: 'EUR',
    presentmentCurrency: 'EUR',
    subtotal: amount(sum),
    discount: amount(0),
    shipping: amount(0),
    tax: amount(0),
    duties: amount(0),
    tip: amount(0),
    rounding: amount(0),
    total: amount(sum),
    taxesIncluded: true,
    taxExempt: false,
    test: false,
    email: 'ada@example.com',
    phone: null,
    billingAddress: null,
    shippingAddress: null,
    note: null,
    tags: [],
    attributes: [],
    cancelReason: null,
    placedAt: at(0),
    cancelledAt: null,
    closedAt: null,
    lines,
    shippingLines: [],
    discounts: [],
    orderTaxLines: [],
    transactions: [transactionOf({ remoteId: 'sale', amount: amount(sum) })],
    fulfilments: [],
    refunds: [],
    ...parts,
  };
}

export function orderChange(
  remoteId: string,
  second: number,
  parts: Partial<CanonicalOrder> = {},
): Extract<PlatformChange, { kind: 'order' }> {
  return { kind: 'order', remoteId, version: told(second), order: orderOf(parts) };
}

export function productOf(variants: number[] = [1]): CanonicalProduct {
  return {
    title: 'Teapot',
    vendor: 'Kettle & Co',
    productType: 'Kitchen',
    status: 'active',
    handle: 'teapot',
    tags: [],
    variants: variants.map((number) => ({
      remoteId: `variant-${number}`,
      inventoryItemRemoteId: `item-${number}`,
      sku: `SKU-${number}`,
      barcode: null,
      title: `Size ${number}`,
      position: number,
      priceMinor: 1_000n,
      currency: 'EUR',
      taxable: true,
      tracked: true,
    })),
  };
}

/** Pretends that the engine has carried a push out. */
export async function settle(
  shop: Shop,
  pushId: bigint,
  link: { type: string; remoteId: string; state: Record<string, unknown> },
): Promise<void> {
  await shop.pool.query(
    `with push as (
       update push set status = 'settled', settled_at = clock_timestamp(), attempts = greatest(attempts, 1) where id = $1
       returning connection_id, subject_type, subject_id)
     insert into link (connection_id, entity_type, entity_id, remote_type, remote_id, remote_state)
     select connection_id, subject_type, subject_id, $2, $3, $4::jsonb from push
     on conflict (connection_id, remote_type, remote_id) do update set remote_state = excluded.remote_state`,
    [pushId, link.type, link.remoteId, JSON.stringify(link.state)],
  );
}

/** The whole graph without ids and times of our own: equal dumps are equal graphs. */
export async function dumpGraph(pool: Pool): Promise<Record<string, unknown[]>> {
  const dump: Record<string, unknown[]> = {};
  for (const [table, sql] of Object.entries(dumps)) {
    const { rows } = await pool.query<{ row: string }>(`select row::text from (${sql}) as t(row)`);
    dump[table] = rows.map((one) => one.row).sort();
  }
  return dump;
}

const without = (columns: string) =>
  `- array[${columns
    .split(' ')
    .map((name) => `'${name}'`)
    .join(',')}]`;
const orderName = '(select o.remote_id from sales_order o where o.id = t.order_id)';
const lineName = '(select l.remote_id from order_line l where l.id = t.order_line_id)';
const shippingName = '(select s.remote_id from shipping_line s where s.id = t.shipping_line_id)';
const refundName =
  "(select o.remote_id || '/' || r.remote_id from refund r join sales_order o on o.id = r.order_id where r.id = t.refund_id)";
/** A customer's identities are their name. */
const customerName = `(select string_agg(i.remote_id, ',' order by i.remote_id) from customer_identity i where i.customer_id = %)`;

const dumps: Record<string, string> = {
  customer: `select jsonb_build_array(${customerName.replace('%', 't.id')}, to_jsonb(t)
    ${without('id created_at updated_at provenance merged_into_id')}) from customer t where merged_into_id is null`,
  identity: `select jsonb_build_array(to_jsonb(t) ${without('id customer_id created_at observed_at source_updated_at facts')},
    (select jsonb_object_agg(key, value -> 'value') from jsonb_each(t.facts))) from customer_identity t`,
  order: `select jsonb_build_array(${customerName.replace('%', 't.customer_id')}, to_jsonb(t)
    ${without('id customer_id created_at updated_at observed_at')}) from sales_order t`,
  line: `select jsonb_build_array(${orderName}, to_jsonb(t) ${without('id order_id')}) from order_line t`,
  shipping: `select jsonb_build_array(${orderName}, to_jsonb(t) ${without('id order_id')}) from shipping_line t`,
  discount: `select jsonb_build_array(${orderName}, to_jsonb(t) ${without('id order_id')}) from discount_application t`,
  allocation: `select jsonb_build_array((select o.remote_id || '/' || d.position from discount_application d
    join sales_order o on o.id = d.order_id where d.id = t.application_id), ${lineName}, ${shippingName}, amount_minor,
    presentment_amount_minor) from discount_allocation t`,
  tax: `select jsonb_build_array(${orderName}, ${lineName}, ${shippingName}, to_jsonb(t)
    ${without('id order_id order_line_id shipping_line_id')}) from tax_line t`,
  transaction: `select jsonb_build_array(${orderName}, ${refundName}, to_jsonb(t) ${without('id order_id refund_id')})
    from order_transaction t`,
  refund: `select jsonb_build_array(${orderName}, to_jsonb(t) ${without('id order_id created_at updated_at source_updated_at')})
    from refund t`,
  refundLine: `select jsonb_build_array(${refundName}, ${lineName}, to_jsonb(t) ${without('id refund_id order_line_id')})
    from refund_line t`,
  adjustment: `select jsonb_build_array(${refundName}, to_jsonb(t) ${without('id refund_id')}) from refund_adjustment t`,
  fulfilment: `select jsonb_build_array(${orderName}, to_jsonb(t) ${without('id order_id')}) from fulfilment t`,
};
