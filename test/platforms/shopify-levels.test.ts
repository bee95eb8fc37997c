import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ShopifySandbox, startShopifySandbox } from '../../sandbox/shopify/server.ts';
import { AppError } from '../../src/errors.ts';
import type { PushOutcome, PushTask } from '../../src/sync/platforms/platform.ts';
import { shopify } from '../../src/sync/platforms/shopify/index.ts';
import { envelopesOf, sessionFor } from './shopify-support.ts';

let sandbox: ShopifySandbox;
let pushes: Parameters<typeof envelopesOf>[0];
let session: ReturnType<typeof sessionFor>;
let hall: string;

beforeEach(async () => {
  sandbox = await startShopifySandbox({ port: 0, seed: 5, outOfOrder: 0, limits: false });
  hall = sandbox.addLocation({ name: 'Hall' }).id;
  pushes = new Map();
  session = sessionFor(sandbox, { envelopes: envelopesOf(pushes) });
});

afterEach(() => sandbox[Symbol.asyncDispose]());

const skuOf = (index: number) => `SKU-${index}`;

function stock(count: number, more: Record<string, unknown> = {}): void {
  for (let index = 0; index < count; index += 1)
    sandbox.upsertProduct({
      title: `Thing ${index}`,
      variants: [{ sku: skuOf(index), price: '1.00', stock: { [hall]: 100 }, ...more }],
    });
}

function itemOf(sku: string) {
  const item = sandbox.shop.items.get(sandbox.shop.variantBySku.get(sku)?.inventoryItemId ?? '');
  if (item === undefined) throw new Error(`no ${sku}`);
  return item;
}

const available = (sku: string): number | undefined => itemOf(sku).levels[hall]?.available;

/** A push as the engine hands it over: its attempts are counted and its body is known to envelopes. */
function pushOf(index: number, more: Record<string, unknown> = {}): PushTask {
  const body = {
    sku: skuOf(index),
    inventoryItemId: itemOf(skuOf(index)).id,
    locationId: hall,
    delta: -1 - index,
    changeFrom: 100,
    ...more,
  };
  pushes.set(BigInt(index), { body, key: null });
  return {
    pushId: BigInt(index),
    kind: 'stockLevel',
    subjectType: 'StockLevel',
    subjectId: BigInt(index),
    idempotencyKey: `tb-push-${index}`,
    attempt: 1,
    body,
  };
}

const again = (push: PushTask): PushTask => ({ ...push, attempt: push.attempt + 1 });
const indexes = (count: number) => Array.from({ length: count }, (_none, index) => index);
const perform = (push: PushTask) => shopify.perform(push, session);

async function failing(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw new Error(`expected an AppError, got ${error}`);
  return error;
}

test('what is to be changed at the same time travels in one request, up to 250 of it', async () => {
  stock(252);
  const outcomes = await Promise.all(indexes(252).map((index) => perform(pushOf(index, { delta: -3 }))));
  expect(session.requests).toBe(2);
  expect(outcomes.map(({ state }) => state)).toEqual(indexes(252).map(() => ({ available: 97 })));
  expect(outcomes[7]).toMatchObject({ remoteId: `${itemOf('SKU-7').id}:${hall}`, detail: { together: 250 } });
  expect(indexes(252).map((index) => available(skuOf(index)))).toEqual(indexes(252).map(() => 97));
});

test('reasons do not mix in a request, and counts travel as figures', async () => {
  stock(4);
  const outcomes = await Promise.all([
    perform(pushOf(0, { reason: 'cycle_count_available' })),
    perform(pushOf(1, { reason: 'received', delta: 5 })),
    perform(pushOf(2, { reason: 'received', delta: 6 })),
    perform(pushOf(3, { reason: 'cycle_count_available' })),
  ]);
  expect(outcomes.map(({ state }) => state.available)).toEqual([99, 105, 106, 96]);
  expect(session.requests).toBe(2);
});

test('a set, goods that are gone and a level that moved hold up none of the others', async () => {
  stock(6);
  itemOf('SKU-1').bundle = true;
  const pushed = indexes(6).map((index) => pushOf(index));
  delete itemOf('SKU-2').levels[hall];
  sandbox.setStock({ sku: 'SKU-4', locationId: hall, quantity: 50 });
  const fates = await Promise.allSettled(pushed.map(perform));
  expect(fates.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ]);
  expect(fates[1]).toMatchObject({
    reason: { code: 'SHOPIFY_REFUSED', retryable: false, remedy: expect.stringContaining('parts') },
  });
  expect(fates[2]).toMatchObject({
    reason: {
      code: 'SHOPIFY_NOT_STOCKED',
      retryable: false,
      remedy: expect.stringContaining('Stock the item'),
    },
  });
  // A person's figure stands, with our difference on top.
  expect(indexes(6).map((index) => available(skuOf(index)))).toEqual([99, 100, undefined, 96, 45, 94]);
  expect(fates[4]).toMatchObject({ value: { state: { available: 45 }, detail: { rebased: true } } });
});

test('a request whose answer is lost is repeated as it was, whoever asks first', async () => {
  stock(5);
  const pushed = indexes(5).map((index) => pushOf(index));
  sandbox.faults.add({ id: 'lost', effect: { kind: 'dropResponse' }, times: 1 });
  for (const fate of await Promise.allSettled(pushed.toReversed().map(perform)))
    expect(fate).toMatchObject({ status: 'rejected', reason: { retryable: true } });
  for (const push of [3, 0, 4, 1, 2].map((index) => pushed[index] as PushTask))
    expect(await perform(again(push))).toMatchObject({ state: { available: 99 - Number(push.pushId) } });
  expect(indexes(5).map((index) => available(skuOf(index)))).toEqual([99, 98, 97, 96, 95]);
});

test('a request that never arrived is carried out by its repetition, a part of it that moved by itself', async () => {
  stock(3);
  const pushed = indexes(3).map((index) => pushOf(index));
  sandbox.faults.add({ id: 'down', effect: { kind: 'status', status: 503 }, times: 1 });
  for (const fate of await Promise.allSettled(pushed.map(perform)))
    expect(fate).toMatchObject({ status: 'rejected', reason: { retryable: true } });
  sandbox.setStock({ sku: 'SKU-1', locationId: hall, quantity: 60 });
  for (const push of pushed) await perform(again(push));
  expect(indexes(3).map((index) => available(skuOf(index)))).toEqual([99, 58, 97]);
});

test('a key that a refusal has spent does not keep a push back once its reason is gone', async () => {
  stock(1);
  const push = pushOf(0);
  const level = itemOf('SKU-0').levels[hall];
  if (level === undefined) throw new Error('not stocked');
  delete itemOf('SKU-0').levels[hall];
  expect(await failing(perform(push))).toMatchObject({ code: 'SHOPIFY_NOT_STOCKED', retryable: false });
  itemOf('SKU-0').levels[hall] = level;
  expect(await perform(again(push))).toMatchObject({ state: { available: 99 } });
  expect(await perform(again(again(push)))).toMatchObject({ state: { available: 99 } });
  expect(available('SKU-0')).toBe(99);
});

test('units that come in where the item is not stocked stock it there, and hold up none of the others', async () => {
  stock(3);
  delete itemOf('SKU-1').levels[hall];
  const comingIn = { delta: 5, changeFrom: 0, reason: 'received' };
  const fates = await Promise.all([
    perform(pushOf(0, { ...comingIn, changeFrom: 100 })),
    perform(pushOf(1, comingIn)),
    perform(pushOf(2, { ...comingIn, changeFrom: 100 })),
  ]);
  expect(fates.map(({ state }) => state)).toEqual([{ available: 105 }, { available: 5 }, { available: 105 }]);
  expect(indexes(3).map((index) => available(skuOf(index)))).toEqual([105, 5, 105]);
});

test('a location that Shopify will not stock the item at is for a person', async () => {
  stock(1);
  sandbox.shop.locations.delete(hall);
  delete itemOf('SKU-0').levels[hall];
  const refusal = await failing(perform(pushOf(0, { delta: 5, changeFrom: 0 })));
  expect(refusal).toMatchObject({ retryable: false });
  expect(available('SKU-0')).toBeUndefined();
});

test.each(indexes(4))(
  'an item that has to be stocked first gets its units once, whichever answer is lost (request %i)',
  async (lost) => {
    stock(1);
    delete itemOf('SKU-0').levels[hall];
    let push = pushOf(0, { delta: 5, changeFrom: 0 });
    sandbox.faults.add({ id: 'lost', effect: { kind: 'dropResponse' }, after: lost, times: 1 });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const fate = await perform(push).then(
        () => 'done',
        (error: unknown) => error,
      );
      if (fate === 'done') break;
      expect(fate).toMatchObject({ retryable: true });
      push = again(push);
    }
    expect(push.attempt).toBe(2);
    expect(available('SKU-0')).toBe(5);
    expect(await perform(again(push))).toMatchObject({ state: { available: 5 } });
    expect(available('SKU-0')).toBe(5);
  },
);

test('whatever is lost, refused or moved meanwhile, each change takes effect exactly once', async () => {
  const story = fc.record({
    lost: fc.array(fc.constantFrom('dropResponse', 'down', 'none'), { maxLength: 12 }),
    moved: fc.array(fc.record({ turn: fc.nat(4), index: fc.nat(7), by: fc.integer({ min: -9, max: 9 }) }), {
      maxLength: 6,
    }),
    bundle: fc.option(fc.nat(7)),
  });
  await fc.assert(
    fc.asyncProperty(story, async ({ lost, moved, bundle }) => {
      await using shop = await startShopifySandbox({ port: 0, seed: 5, outOfOrder: 0, limits: false });
      sandbox = shop;
      hall = shop.addLocation({ name: 'Hall' }).id;
      pushes.clear();
      session = sessionFor(shop, { envelopes: envelopesOf(pushes) });
      stock(8);
      if (bundle !== null) itemOf(skuOf(bundle)).bundle = true;
      const byHand = indexes(8).map(() => 0);
      let open = indexes(8).map((index) => pushOf(index));
      for (let turn = 0; open.length > 0; turn += 1) {
        for (const { index, by } of moved.filter((one) => one.turn === turn)) {
          shop.setStock({
            sku: skuOf(index),
            locationId: hall,
            quantity: (available(skuOf(index)) ?? 0) + by,
          });
          byHand[index] = (byHand[index] ?? 0) + by;
        }
        const fault = lost[turn];
        if (fault === 'dropResponse' || fault === 'down')
          shop.faults.add({
            id: `turn ${turn}`,
            effect: fault === 'down' ? { kind: 'status', status: 503 } : { kind: 'dropResponse' },
            times: 2,
          });
        const fates = await Promise.allSettled(open.map(perform));
        shop.faults.clear();
        open = open.flatMap((push, at) => {
          const fate = fates[at] as PromiseSettledResult<PushOutcome>;
          if (fate.status === 'fulfilled') return [];
          const isFinal = fate.reason instanceof AppError && !fate.reason.retryable;
          if (isFinal) expect(Number(push.pushId)).toBe(bundle);
          return isFinal ? [] : [again(push)];
        });
      }
      for (const index of indexes(8)) {
        const delta = index === bundle ? 0 : -1 - index;
        expect(available(skuOf(index))).toBe(100 + (byHand[index] ?? 0) + delta);
      }
    }),
    { numRuns: 25 },
  );
}, 60_000);
