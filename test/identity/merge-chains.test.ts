import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import type { Change } from '../../src/model/change.ts';
import { applyChanges } from '../../src/sync/apply-changes.ts';
import { exportPerson } from '../../src/sync/privacy/export.ts';
import { now, openShop, orderChange, type Shop, told } from '../write-path/support.ts';

const names = ['Ada', 'Grace', 'Mary', 'Joan'];
const contact = (shop: Shop, person: number, second: number, more: object = {}) =>
  shop.tell('hubspot', {
    kind: 'customer',
    remoteId: `contact-${person}`,
    version: told(second),
    customer: {
      email: `${names[person]?.toLowerCase()}@example.com`,
      firstName: names[person] ?? null,
      ...more,
    },
  });
const merge = (shop: Shop, survivorId: bigint, absorbedId: bigint) =>
  shop.edit({ kind: 'customerMerge', survivorId, absorbedId, actor: 'test', approvedPlatforms: [] });
const unmerge = (shop: Shop, absorbedId: bigint) =>
  shop.edit({ kind: 'customerUnmerge', absorbedId, actor: 'test' });
const parts = (shop: Shop) =>
  shop.rows<{ id: bigint; into: bigint | null }>(
    'select id, merged_into_id as into from customer order by id',
  );

async function chain(): Promise<Shop> {
  const shop = await openShop();
  for (const person of names.keys()) await contact(shop, person, person + 1);
  await merge(shop, 2n, 3n);
  await merge(shop, 1n, 2n);
  return shop;
}

test('whoever is part of a part is part of the whole', async () => {
  await using shop = await chain();
  expect(await parts(shop)).toEqual([
    { id: 1n, into: null },
    { id: 2n, into: 1n },
    { id: 3n, into: 1n },
    { id: 4n, into: null },
  ]);
  await expect(merge(shop, 4n, 3n)).rejects.toMatchObject({
    publicMessage:
      'absorbedId: customer 3 is part of customer 1 already. Name that one, or undo the merge first.',
  });
  await unmerge(shop, 2n);
  expect(await parts(shop)).toEqual([
    { id: 1n, into: null },
    { id: 2n, into: null },
    { id: 3n, into: 2n },
    { id: 4n, into: null },
  ]);
  await unmerge(shop, 3n);
  expect((await parts(shop)).every((one) => one.into === null)).toBe(true);
});

test('who is exported or erased by a part of a part is the whole person', async () => {
  await using shop = await chain();
  const data = await exportPerson(shop.pool, 3n, now);
  expect(data?.customerId).toBe('1');
  expect(data?.data.customer).toHaveLength(3);
  expect(data?.data.customer_identity).toHaveLength(3);
  await shop.edit({
    kind: 'customerErase',
    customerId: 3n,
    orderIds: [],
    by: 'test',
    requestId: null,
    atPlatforms: false,
  });
  expect(await shop.rows('select id from customer where erased_at is not null order by id')).toEqual([
    { id: 1n },
    { id: 2n },
    { id: 3n },
  ]);
  expect(
    await shop.rows('select 1 from customer_identity where email is not null and customer_id <> 4'),
  ).toEqual([]);
});

test('a platform that merges a part of a part merges the whole', async () => {
  await using shop = await chain();
  await contact(shop, 3, 20, { mergedRemoteIds: ['contact-2'] });
  expect(await parts(shop)).toEqual([
    { id: 1n, into: 4n },
    { id: 2n, into: 4n },
    { id: 3n, into: 4n },
    { id: 4n, into: null },
  ]);
});

test('a platform is asked to merge only what was merged with one another', async () => {
  await using shop = await chain();
  const approve = { kind: 'customerMerge', survivorId: 1n, absorbedId: 3n, actor: 'test' } as const;
  expect((await shop.edit({ ...approve, approvedPlatforms: [] })).outcome).toBe('unchanged');
  await expect(shop.edit({ ...approve, approvedPlatforms: ['hubspot'] })).rejects.toMatchObject({
    field: 'approvePlatforms',
  });
});

test('erased people cannot be merged, and merges of them cannot be undone', async () => {
  await using shop = await openShop();
  for (const person of names.keys()) await contact(shop, person, person + 1);
  await merge(shop, 1n, 2n);
  await shop.edit({
    kind: 'customerErase',
    customerId: 1n,
    orderIds: [],
    by: 'test',
    requestId: null,
    atPlatforms: false,
  });
  await expect(merge(shop, 3n, 1n)).rejects.toMatchObject({ code: 'ERASED' });
  await expect(merge(shop, 1n, 3n)).rejects.toMatchObject({ code: 'ERASED' });
  await expect(unmerge(shop, 2n)).rejects.toMatchObject({ code: 'ERASED' });
});

test('two who merge overlapping pairs at once leave one consistent whole, and one of them is told', async () => {
  await using shop = await openShop({ max: 8 });
  for (const person of names.keys()) {
    await contact(shop, person, person + 1);
    await shop.tell(
      'shopify',
      orderChange(`${person}`, person + 1, {
        number: `#${person}`,
        customer: {
          remoteId: `${person}`,
          firstName: names[person] ?? null,
          lastName: null,
          email: `${names[person]?.toLowerCase()}@example.com`,
          phone: null,
        },
      }),
    );
  }
  const outcomes = await Promise.allSettled([
    merge(shop, 1n, 2n),
    merge(shop, 2n, 3n),
    merge(shop, 3n, 1n),
    merge(shop, 4n, 2n),
    merge(shop, 3n, 4n),
  ]);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ALREADY_MERGED' });
  const all = await parts(shop);
  const roots = new Set(all.filter((one) => one.into === null).map((one) => one.id));
  for (const one of all) if (one.into !== null) expect(roots).toContain(one.into);
  expect(
    await shop.rows(
      `select 1 from customer_identity i join customer c on c.id = i.customer_id where c.merged_into_id is not null`,
    ),
  ).toEqual([]);
  expect(
    await shop.rows(
      `select 1 from sales_order i join customer c on c.id = i.customer_id where c.merged_into_id is not null`,
    ),
  ).toEqual([]);
});

test('whom the judge found is looked at anew where somebody else merged them in the same moment', async () => {
  await using shop = await openShop({ max: 8 });
  const same = { lastName: 'Byron', phone: '+15035550141' };
  await contact(shop, 1, 1, same);
  await contact(shop, 0, 2);
  let arrival: Promise<unknown> = Promise.resolve();
  await transaction(shop.pool, async (tx) => {
    const change: Change = {
      ...{ kind: 'customerMerge', survivorId: 2n, absorbedId: 1n },
      ...{ actor: 'test', approvedPlatforms: [] },
    };
    await applyChanges(tx, {
      ...{ changes: [change], source: 'tributary', connectionId: null, deliveryId: null },
      ...{ now, platforms: shop.platforms },
    });
    // Sees the one as they were before, and waits for their lock.
    arrival = shop.tell('hubspot', {
      ...{ kind: 'customer', remoteId: 'other', version: told(3) },
      customer: { ...same, email: 'grace@example.org', firstName: names[1] ?? null },
    });
    await untilSomebodyWaits(shop);
  });
  await arrival;
  expect(await parts(shop)).toEqual([
    { id: 1n, into: 2n },
    { id: 2n, into: null },
    // Its first number went with the first attempt.
    { id: expect.anything(), into: 2n },
  ]);
  expect(await shop.rows('select distinct customer_id from customer_identity')).toEqual([
    { customer_id: 2n },
  ]);
});

async function untilSomebodyWaits(shop: Shop): Promise<void> {
  for (;;) {
    const waiting = await shop.rows(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting.length > 0) return;
    await sleep(5);
  }
}
