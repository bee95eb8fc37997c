import { afterAll, beforeEach, expect, test } from 'vitest';
import { platforms } from '../../src/sync/platforms/index.ts';
import { exportPerson } from '../../src/sync/privacy/export.ts';
import { now, openShop, orderChange, type Shop, told } from '../write-path/support.ts';
import { traces } from './traces.ts';

// What merges, undone or not, know of the people in them.

const mark = 'zzada';
let shop: Shop;
beforeEach(async () => {
  await shop?.[Symbol.asyncDispose]();
  shop = await openShop({ platforms, max: 8 });
});
afterAll(() => shop?.[Symbol.asyncDispose]());

const contact = (remoteId: string, second: number, who: string, more: object = {}) =>
  shop.tell('hubspot', {
    kind: 'customer',
    remoteId,
    version: told(second),
    customer: {
      email: `${who}@example.com`,
      firstName: `${who}first`,
      lastName: `${who}last`,
      company: `${who}-company`,
      ...more,
    },
    observed: { email: `${who}@example.com`, firstname: `${who}first` },
  });
const order = (number: number, second: number, who: string) =>
  shop.tell(
    'shopify',
    orderChange(`${number}`, second, {
      number: `#${number}`,
      email: `${who}@example.com`,
      note: `${who}-note`,
      customer: {
        remoteId: `7${number}`,
        ...{ firstName: `${who}first`, lastName: `${who}last`, email: `${who}@example.com`, phone: null },
      },
    }),
  );
const merge = (survivorId: bigint, absorbedId: bigint) =>
  shop.edit({ kind: 'customerMerge', survivorId, absorbedId, actor: 'test', approvedPlatforms: [] });
const unmerge = (absorbedId: bigint) => shop.edit({ kind: 'customerUnmerge', absorbedId, actor: 'test' });
const edit = (customerId: bigint, note: string) =>
  shop.edit({ kind: 'customerEdit', customerId, patch: { note } });
const erase = (customerId: bigint) =>
  shop.edit({
    ...{ kind: 'customerErase', customerId, orderIds: [] },
    ...{ by: 'test', requestId: null, atPlatforms: false },
  });
const text = async (id: bigint) =>
  JSON.stringify(await exportPerson(shop.pool, id, now), (_key, value) =>
    typeof value === 'bigint' ? value.toString() : value,
  );

test('what was edited of a merged customer goes with them', async () => {
  await contact('1', 1, mark);
  await contact('2', 2, 'zzadatwo');
  await merge(1n, 2n);
  await edit(1n, `${mark}-edited`);
  expect(await traces(shop, mark)).toContain('customer_merge.edits');
  await erase(2n);
  expect(await traces(shop, mark)).toEqual([]);
});

test('whoever was taken for another for a while is not shown to them, and leaves nothing with them when erased', async () => {
  await contact('1', 1, 'zzeve');
  await order(1, 2, 'zzeve');
  await contact('2', 3, mark);
  await order(2, 4, mark);
  await contact('3', 5, 'zzjoan');
  await merge(1n, 2n);
  await edit(1n, 'Told on the phone.');
  // A merge of a third one remembers the two as one.
  await merge(1n, 3n);
  await unmerge(3n);
  await unmerge(2n);
  expect(await text(1n)).not.toContain(mark);
  expect(await text(3n)).not.toContain(mark);
  expect(await text(2n)).not.toMatch(/zzeve|zzjoan/);
  await erase(2n);
  expect(await traces(shop, mark)).toEqual([]);
  expect(await text(1n)).toContain('zzevefirst');
});
