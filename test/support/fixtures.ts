import type { Queryable } from '../../src/db/pool.ts';

// Rows by plain SQL, for tests that read. Everything has a default; what a test is about is passed in.

let serial = 0;

async function insert(db: Queryable, table: string, values: Record<string, unknown>): Promise<bigint> {
  const names = Object.keys(values);
  const { rows } = await db.query<{ id: bigint }>(
    `insert into ${table} (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')}) returning id`,
    Object.values(values),
  );
  const id = rows[0]?.id;
  if (id === undefined) throw new Error(`${table} gave no id`);
  return id;
}

function next(): number {
  serial += 1;
  return serial;
}

export async function insertConnection(db: Queryable, values: Record<string, unknown> = {}): Promise<bigint> {
  return insert(db, 'connection', {
    platform: 'shopify',
    account_id: `shop-${next()}.myshopify.com`,
    name: 'Shop',
    credentials: Buffer.from('sealed'),
    ...values,
  });
}

export async function insertCustomer(db: Queryable, values: Record<string, unknown> = {}): Promise<bigint> {
  const n = next();
  return insert(db, 'customer', {
    first_name: 'Ada',
    last_name: `Byron ${n}`,
    email: `ada-${n}@example.com`,
    currency: 'EUR',
    ...values,
  });
}

export async function insertIdentity(
  db: Queryable,
  values: { customer_id: bigint; connection_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  return insert(db, 'customer_identity', {
    remote_id: `${next()}`,
    source_updated_at: '2026-11-01T00:00:00Z',
    ...values,
  });
}

export async function insertOrder(
  db: Queryable,
  values: { connection_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  const n = next();
  return insert(db, 'sales_order', {
    remote_id: `${n}`,
    number: `#${1000 + n}`,
    channel: 'online_store',
    financial_status: 'paid',
    currency: 'EUR',
    presentment_currency: 'EUR',
    subtotal_minor: 2000,
    discount_minor: 0,
    shipping_minor: 0,
    tax_minor: 0,
    total_minor: 2000,
    paid_minor: 2000,
    presentment_total_minor: 2000,
    placed_at: '2026-11-02T10:00:00Z',
    source_updated_at: '2026-11-02T10:00:01Z',
    observed_at: '2026-11-02T10:00:02Z',
    ...values,
  });
}

export async function insertLine(
  db: Queryable,
  values: { order_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  const n = next();
  return insert(db, 'order_line', {
    remote_id: `${n}`,
    position: 1,
    title: 'Shirt',
    sku: `SKU-${n}`,
    quantity: 2,
    unit_price_minor: 1000,
    total_minor: 2000,
    presentment_unit_price_minor: 1000,
    presentment_total_minor: 2000,
    ...values,
  });
}

export async function insertRefund(
  db: Queryable,
  values: { order_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  return insert(db, 'refund', {
    remote_id: `${next()}`,
    currency: 'EUR',
    presentment_currency: 'EUR',
    subtotal_minor: 500,
    tax_minor: 0,
    total_minor: 500,
    presentment_total_minor: 500,
    refunded_at: '2026-11-03T10:00:00Z',
    ...values,
  });
}

export async function insertVariant(
  db: Queryable,
  values: Record<string, unknown> = {},
): Promise<{ productId: bigint; variantId: bigint }> {
  const n = next();
  const productId = await insert(db, 'product', {
    title: `Product ${n}`,
    source_updated_at: '2026-11-01T00:00:00Z',
  });
  const variantId = await insert(db, 'variant', {
    product_id: productId,
    sku: `SKU-${n}`,
    title: 'M',
    price_minor: 1999,
    currency: 'EUR',
    ...values,
  });
  return { productId, variantId };
}

export async function insertLocation(
  db: Queryable,
  values: { connection_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  const n = next();
  return insert(db, 'location', { remote_id: `${n}`, name: `Location ${n}`, ...values });
}

export async function insertStockLevel(
  db: Queryable,
  values: { variant_id: bigint; location_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  const { on_hand, committed, reserved, incoming, safety, available, ...columns } = {
    on_hand: 10,
    committed: 0,
    reserved: 0,
    incoming: 0,
    safety: 0,
    available: 10,
    ...(values as Record<string, unknown> & Partial<Record<string, number>>),
  };
  const id = await insert(db, 'stock_level', {
    source_updated_at: '2026-11-01T00:00:00Z',
    observed_at: '2026-11-01T00:00:01Z',
    ...columns,
  });
  await insert(db, 'stock_movement', {
    stock_level_id: id,
    cause: 'opening',
    on_hand_delta: on_hand,
    committed_delta: committed,
    reserved_delta: reserved,
    incoming_delta: incoming,
    safety_delta: safety,
    available_delta: available,
    available_before: 0,
    available_after: available,
    negative_reason: available < 0 ? 'opening' : null,
    source: 'shopify',
    occurred_at: '2026-11-01T00:00:00Z',
  });
  return id;
}

export async function insertDelivery(
  db: Queryable,
  values: { connection_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  const n = next();
  return insert(db, 'delivery', {
    external_id: `delivery-${n}`,
    topic: 'orders/create',
    subject: `order:${n}`,
    body: Buffer.from('{"id":9007199254740993}'),
    ...values,
  });
}

export async function insertPush(
  db: Queryable,
  values: { connection_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  const n = next();
  return insert(db, 'push', {
    kind: 'contact',
    subject_type: 'Customer',
    subject_id: n,
    version: 1,
    idempotency_key: `tb-${n}`,
    body: JSON.stringify({ firstname: 'Ada' }),
    fingerprint: `${n}`,
    status: 'pending',
    ...values,
  });
}

export async function insertReceipt(
  db: Queryable,
  values: { push_id: bigint } & Record<string, unknown>,
): Promise<bigint> {
  return insert(db, 'receipt', { attempt: 1, duration_ms: 120, ...values });
}
