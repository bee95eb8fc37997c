import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PlatformChange } from '../../src/model/change.ts';
import { openShop, orderChange, productOf, read, type Shop, told } from './support.ts';

const by = 'ada';
const farAhead = 60 * 60 * 24 * 365;

async function openStock(): Promise<Shop> {
  const shop = await openShop();
  await shop.tell('shopify', { kind: 'product', remoteId: 'p', version: told(1), product: productOf() });
  await shop.tell('shopify', {
    kind: 'location',
    remoteId: 'till',
    version: told(1),
    location: { name: 'Till', active: true, address: null },
  });
  return shop;
}

/** Read after whatever we have written: its figure is not in doubt. */
function report(second: number, available: number): PlatformChange {
  return {
    kind: 'stockLevel',
    inventoryItemRemoteId: 'item-1',
    locationRemoteId: 'till',
    version: read(second, farAhead + second),
    available,
    observed: { available },
  };
}

const adjust = (shop: Shop, delta: number) =>
  shop.edit({
    kind: 'stockAdjust',
    variantId: 1n,
    locationId: 1n,
    delta,
    reason: 'found behind the shelf',
    allowNegative: true,
  });
const dismiss = (shop: Shop, pushId: bigint, reason = 'Counted again: they are not there.') =>
  shop.edit({ kind: 'pushDismiss', pushId, reason, by });
const available = async (shop: Shop) =>
  (await shop.rows<{ available: number }>('select available from stock_level'))[0]?.available;
const pushes = (shop: Shop, kind = 'stockLevel') =>
  shop.rows<{ id: bigint; status: string; body: Record<string, unknown> }>(
    'select id, status, body from push where kind = $1 order by version',
    [kind],
  );
/** The engine's part: it was tried and refused for good. */
const die = (shop: Shop, condition = "status = 'pending'") =>
  shop.pool.query(
    `update push set status = 'dead', attempts = 1, error_code = 'REFUSED', error = 'No such item.', remedy = 'Track it.'
     where ${condition}`,
  );

test('a dismissed adjustment is given up by a movement with its reason, and the level follows the platform again', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  const [id = 0n] = (await adjust(shop, 2)).pushIds;
  await die(shop);
  // The platform says what it said: nothing new, so that the level would stay apart from it for ever.
  await shop.tell('shopify', report(1, 5));
  expect(await available(shop)).toBe(7);
  const applied = await dismiss(shop, id);
  expect(applied).toMatchObject({ outcome: 'applied', pushIds: [] });
  expect(await available(shop)).toBe(5);
  expect(
    await shop.rows(
      'select cause, on_hand_delta, units, owed, reason, reference, source from stock_movement order by id desc limit 1',
    ),
  ).toEqual([
    {
      cause: 'dismissal',
      on_hand_delta: -2,
      units: 2,
      owed: false,
      reason: 'Counted again: they are not there.',
      reference: `push:${id}`,
      source: 'tributary',
    },
  ]);
  expect((await shop.events()).slice(-2)).toMatchObject([
    {
      type: 'push.dismissed',
      payload: { kind: 'stockLevel', by, reason: 'Counted again: they are not there.', code: 'REFUSED' },
    },
    { type: 'stock.changed', payload: { cause: 'dismissal', availableDelta: -2 } },
  ]);
  expect(
    await shop.rows(
      `select status, error_code, error, remedy, dismissed_by, dismissed_reason,
         dismissed_at > now() - interval '1 minute' as "isNew" from push where id = $1`,
      [id],
    ),
  ).toEqual([
    {
      status: 'dismissed',
      error_code: 'REFUSED',
      error: 'No such item.',
      remedy: 'Track it.',
      dismissed_by: by,
      dismissed_reason: 'Counted again: they are not there.',
      isNew: true,
    },
  ]);
  // The next change is owed as ever, from the platform's figure.
  await adjust(shop, 3);
  expect((await pushes(shop)).at(-1)).toMatchObject({
    status: 'pending',
    body: { delta: 3, changeFrom: 5, available: 8 },
  });
});

test('what a report has put right already is not given up twice', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  const [id = 0n] = (await adjust(shop, 2)).pushIds;
  await die(shop);
  await shop.tell('shopify', report(2, 4));
  expect(await available(shop)).toBe(4);
  await dismiss(shop, id);
  expect(await available(shop)).toBe(4);
  expect(await shop.rows("select id from stock_movement where cause = 'dismissal'")).toEqual([]);
});

test('what is owed beside it stays owed, whether it waits or is on its way', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  const [first = 0n] = (await adjust(shop, 2)).pushIds;
  await die(shop);
  await adjust(shop, 10);
  await dismiss(shop, first);
  expect(await available(shop)).toBe(15);
  expect((await pushes(shop)).map(({ status, body }) => [status, body])).toEqual([
    ['dismissed', { delta: 2, changeFrom: 5, available: 7 }],
    ['superseded', expect.objectContaining({ delta: 10, available: 17 })],
    ['pending', { delta: 10, changeFrom: 5, available: 15 }],
  ]);
  await die(shop);
  const second = (await pushes(shop)).at(-1)?.id ?? 0n;
  await adjust(shop, 100);
  await shop.pool.query("update push set status = 'running', attempts = 1 where status = 'pending'");
  await dismiss(shop, second);
  expect(await available(shop)).toBe(105);
});

test('of two dead letters only what the dismissed one carried is given up', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, 5));
  const [first = 0n] = (await adjust(shop, 2)).pushIds;
  await die(shop);
  const [second = 0n] = (await adjust(shop, 10)).pushIds;
  await die(shop);
  await dismiss(shop, first);
  expect(await available(shop)).toBe(15);
  await dismiss(shop, second);
  expect(await available(shop)).toBe(5);
});

test('a level may fall below zero by it: the platform says so', async () => {
  await using shop = await openStock();
  await shop.tell('shopify', report(1, -3));
  const [id = 0n] = (await adjust(shop, 4)).pushIds;
  await die(shop);
  await dismiss(shop, id);
  expect(
    await shop.rows('select available_after, negative_reason from stock_movement order by id desc limit 1'),
  ).toEqual([{ available_after: -3, negative_reason: 'reported_by_platform' }]);
});

test('whatever was adjusted, sold, refused, taken and dismissed: once no letter is open, the level is what the platform holds', async () => {
  await using shop = await openStock();
  let second = 1;
  let platform = 50;
  await shop.tell('shopify', report(second, platform));
  const settleWaiting = async () => {
    const { rows } = await shop.pool.query<{ delta: number }>(
      `update push set status = 'settled', attempts = attempts + 1, settled_at = clock_timestamp()
       where status = 'pending' returning (body ->> 'delta')::int as delta`,
    );
    for (const { delta } of rows) platform += delta;
    if (rows.length > 0)
      await shop.pool.query("update link set remote_state = $1 where entity_type = 'StockLevel'", [
        JSON.stringify({ available: platform }),
      ]);
  };
  const dismissOne = async () => {
    const [dead] = await shop.rows<{ id: bigint }>(
      "select id from push where status = 'dead' order by id limit 1",
    );
    if (dead !== undefined) await dismiss(shop, dead.id);
    return dead !== undefined;
  };
  const steps = {
    adjust: (units: number) => adjust(shop, units),
    sell: async (units: number) => {
      platform -= Math.abs(units);
      second += 1;
      await shop.tell('shopify', report(second, platform));
    },
    refuse: () => die(shop),
    take: settleWaiting,
    dismiss: dismissOne,
  };
  const step = fc.tuple(
    fc.constantFrom(...(Object.keys(steps) as (keyof typeof steps)[])),
    fc.integer({ min: -5, max: 5 }).filter((units) => units !== 0),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (sequence) => {
      for (const [name, units] of sequence) await steps[name](units);
      while (await dismissOne());
      await settleWaiting();
      expect(await available(shop)).toBe(platform);
    }),
    { numRuns: 60 },
  );
});

const receipts = (shop: Shop) => pushes(shop, 'salesReceipt');

test('a dismissed document does not come back by itself; what changes it, a retry or a repost brings it back', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  await die(shop, "kind = 'salesReceipt'");
  const [receipt] = await receipts(shop);
  await dismiss(shop, receipt?.id ?? 0n, 'Entered by hand as 1044.');
  await shop.tell('shopify', orderChange('1', 2, { tags: ['gift'] }));
  expect((await receipts(shop)).map(({ status }) => status)).toEqual(['dismissed']);
  await shop.edit({ kind: 'postingRepost', subject: { type: 'Order', id: 1n } });
  expect((await receipts(shop)).map(({ status }) => status)).toEqual(['superseded', 'pending']);
  await die(shop, "kind = 'salesReceipt' and status = 'pending'");
  await dismiss(shop, (await receipts(shop))[1]?.id ?? 0n);
  await shop.tell('shopify', orderChange('1', 3, { number: '#1 changed' }));
  expect((await receipts(shop)).map(({ status }) => status)).toEqual(['superseded', 'dismissed', 'pending']);
});

test('only a dead letter is dismissed, and only with a reason', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const [receipt] = await receipts(shop);
  const id = receipt?.id ?? 0n;
  await expect(dismiss(shop, id)).rejects.toMatchObject({ code: 'PUSH_NOT_DEAD' });
  await expect(dismiss(shop, 9_999n)).rejects.toMatchObject({ code: 'PUSH_UNKNOWN' });
  await die(shop, "kind = 'salesReceipt'");
  for (const reason of [' ', 'x'.repeat(1_001), 'nul\0'])
    await expect(dismiss(shop, id, reason)).rejects.toMatchObject({ field: 'reason' });
  await dismiss(shop, id);
  await expect(dismiss(shop, id)).rejects.toMatchObject({ code: 'PUSH_NOT_DEAD' });
  expect((await shop.events()).filter(({ type }) => type === 'push.dismissed')).toHaveLength(1);
});
