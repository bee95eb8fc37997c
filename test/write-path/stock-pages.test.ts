import fc from 'fast-check';
import { expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { PlatformChange } from '../../src/model/change.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { now, openShop, productOf, read, type Shop, told } from './support.ts';

type Report = Extract<PlatformChange, { kind: 'stockLevel' }>;

interface Figure {
  item: number;
  place: number;
  second: number;
  available: number | null;
  onHand: number | undefined;
}
type Step =
  | { kind: 'page'; figures: Figure[] }
  | { kind: 'adjust'; item: number; place: number; delta: number }
  /** The engine's part: what waits is on its way, or is through. */
  | { kind: 'start' }
  | { kind: 'settle' };

const figure: fc.Arbitrary<Figure> = fc.record({
  item: fc.integer({ min: 1, max: 3 }),
  place: fc.integer({ min: 1, max: 2 }),
  second: fc.integer({ min: 1, max: 5 }),
  available: fc.option(fc.integer({ min: 0, max: 4 }), { freq: 6 }),
  onHand: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(figure, { minLength: 1, maxLength: 12 })
      .map((figures) => ({ kind: 'page' as const, figures })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('adjust' as const),
      item: fc.integer({ min: 1, max: 3 }),
      place: fc.integer({ min: 1, max: 2 }),
      delta: fc.constantFrom(-2, -1, 1, 3),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'start' }, { kind: 'settle' }) },
);

/** Goods and places of their own for each run, so that runs share a database. */
async function open(shop: Shop, run: number): Promise<void> {
  const product = productOf([1, 2, 3]);
  await shop.tell('shopify', {
    kind: 'product',
    remoteId: `p-${run}`,
    version: told(1),
    product: {
      ...product,
      variants: product.variants.map((variant) => ({
        ...variant,
        remoteId: `${run}-${variant.remoteId}`,
        inventoryItemRemoteId: `${run}-item-${variant.position}`,
      })),
    },
  });
  for (const place of [1, 2])
    await shop.tell('shopify', {
      kind: 'location',
      remoteId: `${run}-place-${place}`,
      version: told(1),
      location: { name: `Place ${place}`, active: true, address: null },
    });
}

async function play(shop: Shop, run: number, steps: readonly Step[], many: boolean): Promise<void> {
  let clock = 100;
  for (const one of steps) {
    clock += 1;
    switch (one.kind) {
      case 'page': {
        const reports = one.figures.map(
          ({ item, place, second, available, onHand }, index): Report => ({
            kind: 'stockLevel',
            inventoryItemRemoteId: `${run}-item-${item}`,
            locationRemoteId: `${run}-place-${place}`,
            version: read(second, clock * 100 + index),
            available,
            ...(onHand === undefined ? {} : { onHand }),
            observed: { available },
          }),
        );
        if (many) await shop.tell('shopify', ...reports);
        else for (const report of reports) await shop.tell('shopify', report);
        break;
      }
      case 'adjust': {
        const [level] = await shop.rows<{ variantId: bigint; locationId: bigint }>(
          `select s.variant_id as "variantId", s.location_id as "locationId" from stock_level s
           join location l on l.id = s.location_id join listing g on g.variant_id = s.variant_id
           where l.remote_id = $1 and g.remote_inventory_item_id = $2`,
          [`${run}-place-${one.place}`, `${run}-item-${one.item}`],
        );
        if (level !== undefined)
          await shop.edit({
            kind: 'stockAdjust',
            ...level,
            delta: one.delta,
            reason: 'counted',
            allowNegative: true,
          });
        break;
      }
      case 'start':
        await shop.pool.query(
          "update push p set status = 'running', attempts = attempts + 1 where status = 'pending' and not exists (select 1 from push r where r.subject_id = p.subject_id and r.status = 'running')",
        );
        break;
      case 'settle':
        await shop.pool.query(
          `with done as (update push set status = 'settled', settled_at = clock_timestamp() where status = 'running' returning subject_id, body)
           update link l set remote_state = jsonb_build_object('available', done.body -> 'available') from done
           where l.entity_type = 'StockLevel' and l.entity_id = done.subject_id`,
        );
    }
  }
}

/** Everything that stands afterwards; ids are equal where the same rows were made in the same order. */
async function standing(shop: Shop): Promise<unknown> {
  return {
    levels: await shop.rows(
      `select id, variant_id, location_id, on_hand, committed, reserved, available, incoming, safety, source_updated_at, observed_at
       from stock_level order by id`,
    ),
    movements: await shop.rows(
      `select stock_level_id, cause, on_hand_delta, committed_delta, reserved_delta, available_before, available_after, source, reason,
         occurred_at from stock_movement order by stock_level_id, id`,
    ),
    statements: await shop.rows(
      `select remote_id, source_updated_at, read_at, hash from source_statement where kind = 'stockLevel' order by remote_id`,
    ),
    links: await shop.rows('select entity_id, remote_id, remote_state from link order by remote_id'),
    pushes: await shop.rows(
      `select subject_id, status, body from push where status <> 'superseded' order by subject_id, created_at, id`,
    ),
    told: await shop.rows(
      `select subject_id, payload from event where type = 'stock.changed' order by subject_id, position`,
    ),
  };
}

test('a page of figures comes to what the same figures come to one by one', async () => {
  await using together = await openShop();
  await using apart = await openShop();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      run += 1;
      for (const shop of [together, apart])
        await shop.pool.query(
          'truncate stock_level, stock_movement, push, link, source_statement, event restart identity cascade',
        );
      await Promise.all([open(together, run), open(apart, run)]);
      await Promise.all([play(together, run, steps, true), play(apart, run, steps, false)]);
      expect(await standing(together)).toEqual(await standing(apart));
    }),
    { numRuns: 60 },
  );
});

test('a page is applied with the same number of statements, however long it is', async () => {
  await using shop = await openShop();
  await open(shop, 0);
  const levels = [1, 2, 3].flatMap((item) => [1, 2].map((place) => ({ item, place })));
  const tell = async (reports: Report[]): Promise<number> => {
    let statements = 0;
    await transaction(shop.pool, async (tx) => {
      const query = tx.query;
      tx.query = ((...all: unknown[]) => {
        statements += 1;
        return (query as (...all: unknown[]) => unknown).apply(tx, all);
      }) as typeof query;
      await applyChanges(tx, {
        changes: reports,
        source: 'shopify',
        connectionId: shop.connections.shopify,
        deliveryId: null,
        now,
        platforms: shop.platforms,
      }).finally(() => {
        tx.query = query;
      });
    });
    return statements;
  };
  const report = ({ item, place }: { item: number; place: number }, second: number): Report => ({
    kind: 'stockLevel',
    inventoryItemRemoteId: `0-item-${item}`,
    locationRemoteId: `0-place-${place}`,
    version: read(second, second),
    available: second,
  });
  await tell(levels.map((level) => report(level, 1)));
  const two = await tell(levels.slice(0, 2).map((level) => report(level, 2)));
  const six = await tell(levels.map((level) => report(level, 3)));
  expect(six).toBe(two);
});
