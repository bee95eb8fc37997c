import { expect, test } from 'vitest';
import type { CanonicalOrder } from '../../src/model/order.ts';
import type { ReturnFates } from '../../src/model/refund.ts';
import { loadOrderSnapshots } from '../../src/sync/graph/snapshots.ts';
import {
  amount,
  at,
  openShop,
  orderChange,
  orderLine,
  orderOf,
  productOf,
  read,
  refundOf,
  told,
  transactionOf,
} from './support.ts';

/** Two lines, a discount over both, shipping with its own tax, one fulfilment and one refund. */
const fullOrder: Partial<CanonicalOrder> = {
  lines: [
    orderLine({
      remoteId: 'a',
      sku: 'SKU-1',
      variantRemoteId: 'variant-1',
      quantity: 2,
      unitPrice: amount(1_190),
      discount: amount(238),
      tax: amount(342),
      properties: [{ name: 'Engraving', value: 'A' }],
      allocations: [{ discountIndex: 0, amount: amount(238) }],
      taxLines: [{ title: 'VAT', rate: '0.190', amount: amount(342), channelLiable: false }],
    }),
    orderLine({ remoteId: 'b', unitPrice: amount(500), taxLines: [] }),
  ],
  subtotal: amount(2_880),
  discount: amount(238),
  shipping: amount(490),
  tax: amount(420),
  total: amount(3_132),
  shippingLines: [
    {
      remoteId: 's',
      title: 'Parcel',
      code: 'parcel',
      price: amount(490),
      discount: amount(0),
      tax: amount(78),
      allocations: [],
      taxLines: [{ title: 'VAT', rate: '0.19', amount: amount(78), channelLiable: false }],
    },
  ],
  discounts: [
    {
      kind: 'code',
      code: 'TEN',
      title: null,
      valueType: 'percentage',
      value: '10.0',
      targetType: 'line_item',
      allocationMethod: 'across',
    },
  ],
  transactions: [transactionOf({ remoteId: 'sale', amount: amount(3_132) })],
  fulfilments: [
    {
      remoteId: 'f',
      status: 'success',
      trackingCompany: 'DHL',
      trackingNumbers: ['1Z'],
      trackingUrls: [],
      locationRemoteId: null,
      createdAt: at(1),
      updatedAt: at(1),
      lines: [{ lineRemoteId: 'a', quantity: 2 }],
    },
  ],
};
const refund = refundOf({
  remoteId: 'r',
  lines: [
    {
      remoteId: 'rl',
      lineRemoteId: 'a',
      quantity: 1,
      restockType: 'return',
      locationRemoteId: null,
      subtotal: amount(1_071),
      tax: amount(171),
    },
  ],
  adjustments: [
    { remoteId: 'ra', kind: 'shipping_refund', reason: null, amount: amount(100), tax: amount(16) },
    { remoteId: 'rb', kind: 'refund_discrepancy', reason: 'rounding', amount: amount(-1), tax: amount(0) },
  ],
  transactions: [transactionOf({ remoteId: 'back', kind: 'refund', amount: amount(1_170) })],
});

test('a new order makes one customer, one order and one event each', async () => {
  await using shop = await openShop();
  const applied = await shop.tell('shopify', orderChange('5001', 1));
  expect(applied.outcome).toBe('applied');
  expect(applied.pushIds).toHaveLength(2);
  expect(
    await shop.rows('select first_name, email, order_count, lifetime_value_minor from customer'),
  ).toEqual([{ first_name: 'Ada', email: 'ada@example.com', order_count: 1, lifetime_value_minor: 1_000n }]);
  expect(await shop.rows('select number, paid_minor, refunded_minor from sales_order')).toEqual([
    { number: '#1001', paid_minor: 1_000n, refunded_minor: 0n },
  ]);
  const events = await shop.events();
  expect(events.map((event) => event.type)).toEqual([
    'customer.created',
    'order.created',
    'push.planned',
    'push.planned',
  ]);
  expect(events[1]?.payload).toEqual({
    number: '#1001',
    channel: 'online_store',
    totalMinor: '1000',
    currency: 'EUR',
    financialStatus: 'paid',
    customerId: expect.stringMatching(/^\d+$/),
    changedFields: [],
  });
  expect(JSON.stringify(events)).not.toMatch(/Ada|Byron|example\.com|4930/);
});

test('a snapshot gives back what the platform told, to the cent', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1, { ...fullOrder, refunds: [refund] }));
  const [order] = (await loadOrderSnapshots(shop.pool, [1n])).values();
  expect(order).toMatchObject({
    type: 'Order',
    platform: 'shopify',
    subtotalMinor: 2_880n,
    discountMinor: 238n,
    shippingMinor: 490n,
    totalMinor: 3_132n,
    paidMinor: 3_132n,
    refundedMinor: 1_170n,
    customer: { firstName: 'Ada', orderCount: 1, lifetimeValueMinor: 1_962n, channels: ['online_store'] },
    discounts: [{ kind: 'code', code: 'TEN', title: null, amountMinor: 238n }],
    taxes: [{ title: 'VAT', rate: '0.19', amountMinor: 420n, channelLiable: false }],
    shippingLines: [{ title: 'Parcel', priceMinor: 490n, taxMinor: 78n }],
  });
  expect(
    order?.lines.map((line) => [line.remoteId, line.quantity, line.refundedQuantity, line.totalMinor]),
  ).toEqual([
    ['a', 2, 1, 2_142n],
    ['b', 1, 0, 500n],
  ]);
  expect(order?.lines[0]?.taxes).toEqual([
    { title: 'VAT', rate: '0.19', amountMinor: 342n, channelLiable: false },
  ]);
  expect(order?.refunds).toMatchObject([
    {
      remoteId: 'r',
      totalMinor: 1_170n,
      settled: true,
      lines: [{ quantity: 1, subtotalMinor: 1_071n, taxMinor: 171n, restockType: 'return' }],
      adjustments: [
        { kind: 'shipping_refund', amountMinor: 100n, taxMinor: 16n },
        { kind: 'refund_discrepancy', amountMinor: -1n, taxMinor: 0n },
      ],
    },
  ]);
  expect(
    await shop.rows(
      'select subtotal_minor, tax_minor, shipping_minor, adjustment_minor, total_minor from refund',
    ),
  ).toEqual([
    {
      subtotal_minor: 1_071n,
      tax_minor: 187n,
      shipping_minor: 100n,
      adjustment_minor: -1n,
      total_minor: 1_170n,
    },
  ]);
});

test('an update keeps the ids of rows that stay and removes those that vanished', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1, fullOrder));
  const before = await shop.rows<{ id: bigint; remote_id: string }>(
    'select id, remote_id from order_line order by id',
  );
  const taxes = await shop.rows('select id from tax_line order by id');
  await shop.tell(
    'shopify',
    orderChange('5001', 2, {
      ...fullOrder,
      tags: ['gift'],
      lines: [
        ...(fullOrder.lines ?? []).filter((line) => line.remoteId === 'a'),
        orderLine({ remoteId: 'c', unitPrice: amount(500) }),
      ],
    }),
  );
  const after = await shop.rows<{ id: bigint; remote_id: string }>(
    'select id, remote_id from order_line order by id',
  );
  expect(after.map((line) => line.remote_id)).toEqual(['a', 'c']);
  expect(after[0]?.id).toBe(before[0]?.id);
  expect(await shop.rows('select id from tax_line order by id')).toEqual(taxes);
  const events = await shop.events();
  expect(events.findLast((event) => event.type.startsWith('order.'))).toMatchObject({
    type: 'order.updated',
    payload: { changedFields: ['lines', 'tags'] },
  });
});

test('the same statement again changes nothing and tells nothing', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 2, fullOrder));
  const events = (await shop.events()).length;
  const versions = await shop.rows('select xmin::text, ctid::text from order_line order by id');
  const again = await shop.tell('shopify', orderChange('5001', 2, fullOrder));
  expect(again).toEqual({
    outcome: 'unchanged',
    outcomes: ['unchanged'],
    pushIds: [],
    eventPosition: null,
    touched: [],
  });
  const older = await shop.tell('shopify', orderChange('5001', 1, { ...fullOrder, note: 'old' }));
  expect(older.outcome).toBe('stale');
  const confirmed = await shop.tell('shopify', orderChange('5001', 3, fullOrder));
  expect(confirmed.outcome).toBe('unchanged');
  expect((await shop.events()).length).toBe(events);
  expect(await shop.rows('select xmin::text, ctid::text from order_line order by id')).toEqual(versions);
  expect(await shop.rows('select source_updated_at from sales_order')).toEqual([
    { source_updated_at: at(3) },
  ]);
});

test('two messages of one instant that differ ask for a fresh read, which then wins', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1, { note: 'one' }));
  const undecided = await shop.tell('shopify', orderChange('5001', 1, { note: 'two', tags: ['x'] }));
  expect(undecided).toEqual({
    outcome: 'needsFresh',
    outcomes: [],
    pushIds: [],
    eventPosition: null,
    touched: [],
  });
  expect(await shop.rows('select note from sales_order')).toEqual([{ note: 'one' }]);
  const fresh = { ...orderChange('5001', 1, { note: 'two' }), version: read(1, 50) };
  expect((await shop.tell('shopify', fresh)).outcome).toBe('applied');
  const heard = (second: number) => ({ version: { ...told(1), heardAt: at(second) } });
  const old = { ...orderChange('5001', 1, { note: 'one' }), ...heard(49) };
  expect((await shop.tell('shopify', old)).outcome).toBe('stale');
  // What was heard after the read may be what happened since, within the same second.
  const late = { ...orderChange('5001', 1, { note: 'three' }), ...heard(51) };
  expect((await shop.tell('shopify', late)).outcome).toBe('needsFresh');
  expect(await shop.rows('select note from sales_order')).toEqual([{ note: 'two' }]);
});

test('when one change of several cannot be decided, none is applied', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1, { note: 'one' }));
  const applied = await shop.tell(
    'shopify',
    orderChange('5002', 1, { number: '#1002' }),
    orderChange('5001', 1, { note: 'two' }),
  );
  expect(applied.outcome).toBe('needsFresh');
  expect(await shop.rows('select number from sales_order')).toEqual([{ number: '#1001' }]);
  expect(await shop.rows('select kind from source_statement')).toEqual([{ kind: 'order' }]);
});

test('a refund told on its own ends as its order tells it', async () => {
  await using alone = await openShop();
  await using whole = await openShop();
  await alone.tell('shopify', orderChange('5001', 1, fullOrder));
  const applied = await alone.tell('shopify', {
    kind: 'refund',
    orderRemoteId: '5001',
    version: told(5),
    refund,
  });
  expect(applied.outcome).toBe('applied');
  await whole.tell('shopify', orderChange('5001', 5, { ...fullOrder, refunds: [refund] }));
  for (const sql of [
    'select refunded_minor, presentment_refunded_minor, paid_minor from sales_order',
    'select remote_id, quantity, refunded_quantity from order_line order by remote_id',
    `select total_minor, settled, (select array_agg(kind || amount_minor order by remote_id) from refund_adjustment) as adjusted from refund`,
    'select remote_id, refund_id is not null as refunds, amount_minor from order_transaction order by remote_id',
    'select lifetime_value_minor, refunded_minor from customer',
  ])
    expect(await alone.rows(sql)).toEqual(await whole.rows(sql));
  const created = (await alone.events()).find((event) => event.type === 'refund.created');
  expect(created?.payload).toEqual({
    orderId: '1',
    totalMinor: '1170',
    currency: 'EUR',
    settled: true,
    lines: [{ orderLineId: '1', quantity: 1, subtotalMinor: '1071', taxMinor: '171' }],
  });
});

test('what became of returned goods is kept per refund line, and follows what is told later', async () => {
  await using shop = await openShop();
  const withFates = (fates?: ReturnFates) => ({
    ...fullOrder,
    refunds: [
      {
        ...refund,
        lines: refund.lines.map((line) => ({
          ...line,
          restockType: 'no_restock' as const,
          ...(fates === undefined ? {} : { fates }),
        })),
      },
    ],
  });
  const kept = () => shop.rows('select restocked, damaged, not_returned from refund_line');
  await shop.tell('shopify', orderChange('5001', 1, withFates()));
  expect(await kept()).toEqual([{ restocked: 0, damaged: 0, not_returned: 0 }]);
  await shop.tell('shopify', orderChange('5001', 2, withFates({ restocked: 0, damaged: 1, notReturned: 0 })));
  expect(await kept()).toEqual([{ restocked: 0, damaged: 1, not_returned: 0 }]);
  const [{ id = 0n } = {}] = await shop.rows<{ id: bigint }>('select id from sales_order');
  const snapshot = (await loadOrderSnapshots(shop.pool, [id])).get(id);
  expect(snapshot?.refunds[0]?.lines[0]?.fates).toEqual({ restocked: 0, damaged: 1, notReturned: 0 });
});

test('a refund told on its own outlives a snapshot from before it and yields to one from after it', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1, fullOrder));
  await shop.tell('shopify', { kind: 'refund', orderRemoteId: '5001', version: told(5), refund });
  await shop.tell('shopify', orderChange('5001', 3, { ...fullOrder, note: 'between' }));
  expect(await shop.rows('select remote_id, total_minor from refund')).toEqual([
    { remote_id: 'r', total_minor: 1_170n },
  ]);
  expect(await shop.rows('select note, refunded_minor from sales_order')).toEqual([
    { note: 'between', refunded_minor: 1_170n },
  ]);
  expect(await shop.rows('select refunded_quantity from order_line order by remote_id')).toEqual([
    { refunded_quantity: 1 },
    { refunded_quantity: 0 },
  ]);
  const pending = {
    ...refund,
    transactions: [transactionOf({ remoteId: 'back', kind: 'refund', status: 'failure' })],
  };
  await shop.tell('shopify', orderChange('5001', 6, { ...fullOrder, refunds: [pending] }));
  expect(await shop.rows('select total_minor, settled from refund')).toEqual([
    { total_minor: 0n, settled: true },
  ]);
  expect(await shop.rows('select refunded_minor from sales_order')).toEqual([{ refunded_minor: 0n }]);
  const late = await shop.tell('shopify', {
    kind: 'refund',
    orderRemoteId: '5001',
    version: told(5),
    refund,
  });
  expect(late.outcome).toBe('unchanged');
  expect(await shop.rows('select total_minor from refund')).toEqual([{ total_minor: 0n }]);
});

test('a refund or fulfilment of an unknown order asks for a fresh read', async () => {
  await using shop = await openShop();
  const applied = await shop.tell('shopify', {
    kind: 'refund',
    orderRemoteId: '9',
    version: told(1),
    refund,
  });
  expect(applied.outcome).toBe('needsFresh');
});

test('a pending refund counts as promised and not as paid back', async () => {
  await using shop = await openShop();
  const promised = {
    ...refund,
    transactions: [
      transactionOf({ remoteId: 'back', kind: 'refund', status: 'pending', amount: amount(1_170) }),
    ],
  };
  await shop.tell('shopify', orderChange('5001', 1, { ...fullOrder, refunds: [promised] }));
  expect(await shop.rows('select total_minor, settled from refund')).toEqual([
    { total_minor: 1_170n, settled: false },
  ]);
  expect(await shop.rows('select refunded_minor from sales_order')).toEqual([{ refunded_minor: 0n }]);
});

test('a newer fulfilment told on its own is not undone by an older snapshot', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1, fullOrder));
  const [first] = fullOrder.fulfilments ?? [];
  if (first === undefined) throw new Error('no fulfilment');
  const cancelled = { ...first, status: 'cancelled' as const, updatedAt: at(5) };
  const applied = await shop.tell('shopify', {
    kind: 'fulfilment',
    orderRemoteId: '5001',
    version: told(5),
    fulfilment: cancelled,
  });
  expect(applied.outcome).toBe('applied');
  await shop.tell('shopify', orderChange('5001', 3, { ...fullOrder, note: 'between' }));
  expect(await shop.rows('select status from fulfilment')).toEqual([{ status: 'cancelled' }]);
  const types = (await shop.events()).map((event) => event.type);
  expect(types.filter((type) => type.startsWith('fulfilment'))).toEqual([
    'fulfilment.created',
    'fulfilment.updated',
  ]);
});

test('cancelling is an event of its own', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1));
  await shop.tell('shopify', orderChange('5001', 2, { cancelledAt: at(2), cancelReason: 'customer' }));
  const types = (await shop.events()).map((event) => event.type).filter((type) => type.startsWith('order.'));
  expect(types).toEqual(['order.created', 'order.cancelled']);
});

test('a removed order stays as a tombstone that older statements do not raise', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', { kind: 'orderRemoved', remoteId: '5002', version: told(5) });
  expect((await shop.tell('shopify', orderChange('5002', 4))).outcome).toBe('stale');
  expect(await shop.rows('select id from sales_order')).toEqual([]);
  await shop.tell('shopify', orderChange('5001', 1));
  const removed = await shop.tell('shopify', { kind: 'orderRemoved', remoteId: '5001', version: told(6) });
  expect(removed.outcome).toBe('applied');
  expect(await shop.rows('select order_count, lifetime_value_minor from customer')).toEqual([
    { order_count: 0, lifetime_value_minor: 0n },
  ]);
  expect((await shop.tell('shopify', orderChange('5001', 2, { note: 'late' }))).outcome).toBe('stale');
  expect((await shop.events()).at(-1)).toMatchObject({ type: 'push.planned' });
});

test('goods and places that are told after an order are found by it', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1, { ...fullOrder, locationRemoteId: 'till' }));
  expect(await shop.rows("select variant_id from order_line where remote_id = 'a'")).toEqual([
    { variant_id: null },
  ]);
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(2), product: productOf() });
  await shop.tell('shopify', {
    kind: 'location',
    remoteId: 'till',
    version: told(2),
    location: { name: 'Till', active: true, address: null },
  });
  expect(await shop.rows('select v.sku from order_line l join variant v on v.id = l.variant_id')).toEqual([
    { sku: 'SKU-1' },
  ]);
  expect(await shop.rows('select l.name from sales_order o join location l on l.id = o.location_id')).toEqual(
    [{ name: 'Till' }],
  );
});

test('a note edited here survives statements that merely repeat the old one', async () => {
  await using shop = await openShop();
  const observed = (note: string | null) => ({ note, tags: [] });
  await shop.tell('shopify', {
    ...orderChange('5001', 1, { note: 'ring twice' }),
    observed: observed('ring twice'),
  });
  await shop.edit({ kind: 'orderEdit', orderId: 1n, patch: { note: 'ring once' } });
  await shop.tell('shopify', {
    ...orderChange('5001', 2, { note: 'ring twice', fulfilmentStatus: 'fulfilled' }),
    observed: observed('ring twice'),
  });
  expect(await shop.rows('select note, fulfilment_status from sales_order')).toEqual([
    { note: 'ring once', fulfilment_status: 'fulfilled' },
  ]);
  // The push that carries the edit still waits: nothing has been written back by mistake.
  expect(
    await shop.rows("select status, body from push where kind = 'order' and status = 'pending'"),
  ).toEqual([{ status: 'pending', body: { fields: { note: 'ring once' } } }]);
  await shop.tell('shopify', { ...orderChange('5001', 3, { note: 'knock' }), observed: observed('knock') });
  expect(await shop.rows('select note from sales_order')).toEqual([{ note: 'knock' }]);
});

test('products keep their variants by listing and mark those that vanish', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', {
    kind: 'product',
    remoteId: 'p',
    version: told(1),
    product: productOf([1, 2]),
  });
  const before = await shop.rows<{ id: bigint }>('select id from variant order by sku');
  const product = productOf([2, 3]);
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(2), product });
  expect(await shop.rows('select sku, removed_at is not null as removed from variant order by sku')).toEqual([
    { sku: 'SKU-1', removed: true },
    { sku: 'SKU-2', removed: false },
    { sku: 'SKU-3', removed: false },
  ]);
  expect((await shop.rows<{ id: bigint }>('select id from variant order by sku')).slice(0, 2)).toEqual(
    before,
  );
  expect(
    (await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(3), product })).outcome,
  ).toBe('unchanged');
  await shop.tell('shopify', { kind: 'productRemoved', remoteId: 'p', version: told(4) });
  expect(await shop.rows('select count(*)::int as left from variant where removed_at is null')).toEqual([
    { left: 0 },
  ]);
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(5), product });
  expect(await shop.rows('select count(*)::int as left from variant where removed_at is null')).toEqual([
    { left: 2 },
  ]);
  expect((await shop.events()).map((event) => event.type)).toEqual([
    'product.created',
    'product.updated',
    'product.removed',
    'product.updated',
  ]);
});

test('what we keep at a platform drifts only where somebody changed it', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('5001', 1));
  await shop.pool.query(
    `insert into link (connection_id, entity_type, entity_id, remote_type, remote_id, remote_state)
     values ($1, 'Order', 1, 'SalesReceipt', '77', '{"total": "10.00"}')`,
    [shop.connections.quickbooks],
  );
  const document = (second: number, total: string) =>
    shop.tell('quickbooks', {
      kind: 'documentObserved',
      remoteType: 'SalesReceipt',
      remoteId: '77',
      remoteVersion: String(second),
      state: { total, memo: 'theirs' },
      version: read(second, second),
    });
  expect((await document(2, '10.00')).outcome).toBe('unchanged');
  expect((await document(3, '9.00')).outcome).toBe('applied');
  const drifts = (await shop.events()).filter((event) => event.type === 'document.drifted');
  expect(drifts.map((event) => event.payload)).toMatchObject([
    { remoteType: 'SalesReceipt', remoteId: '77', removed: false, changedFields: ['total'] },
  ]);
  expect(
    await shop.rows(
      `select remote_state, changed_at is not null as changed from link where remote_id = '77'`,
    ),
  ).toEqual([{ remote_state: { total: '9.00', memo: 'theirs' }, changed: true }]);
});

test('an account that revokes us is revoked once, also when the message comes again', async () => {
  await using shop = await openShop();
  const revoked = { kind: 'accountRevoked' as const, reason: 'The app was removed.', version: told(1) };
  expect((await shop.tell('shopify', revoked)).outcome).toBe('applied');
  await shop.pool.query("update connection set status = 'active'");
  expect((await shop.tell('shopify', revoked)).outcome).toBe('unchanged');
  expect(await shop.rows("select status from connection where platform = 'shopify'")).toEqual([
    { status: 'active' },
  ]);
});

test('a delivery is settled with its effect', async () => {
  await using shop = await openShop();
  await shop.pool.query(
    `insert into delivery (connection_id, external_id, topic, subject, body) values ($1, 'd', 'orders/create', 'order:1', '')`,
    [shop.connections.shopify],
  );
  const { applyChanges } = await import('../../src/sync/apply-changes.ts');
  const { transaction } = await import('../../src/db/transaction.ts');
  await transaction(shop.pool, (tx) =>
    applyChanges(tx, {
      changes: [{ kind: 'order', remoteId: '5001', version: told(1), order: orderOf() }],
      source: 'shopify',
      connectionId: shop.connections.shopify,
      deliveryId: 1n,
      now: at(9),
      platforms: shop.platforms,
    }),
  );
  expect(await shop.rows('select status, outcome from delivery')).toEqual([
    { status: 'settled', outcome: 'applied' },
  ]);
  expect(await shop.rows('select distinct delivery_id from event')).toEqual([{ delivery_id: 1n }]);
});

test('text that Postgres cannot hold costs the order that character and nothing else', async () => {
  await using shop = await openShop();
  await shop.tell(
    'shopify',
    orderChange('1', 1, {
      note: 'Gift \ud83d and\0 card 🎁',
      tags: ['a\0b'],
      attributes: [{ name: 'To\0', value: 'Zo\udc4d' }],
      lines: [
        orderLine({
          remoteId: '1',
          title: 'Cup \ud83d',
          properties: [{ name: 'Engraving\0', value: '\ud83d' }],
        }),
      ],
    }),
  );
  expect(await shop.rows('select note, tags, attributes from sales_order')).toEqual([
    {
      note: 'Gift \ufffd and card 🎁',
      tags: ['ab'],
      attributes: [{ name: 'To', value: 'Zo\ufffd' }],
    },
  ]);
  expect(await shop.rows('select title, properties from order_line')).toEqual([
    { title: 'Cup \ufffd', properties: [{ name: 'Engraving', value: '\ufffd' }] },
  ]);
});
