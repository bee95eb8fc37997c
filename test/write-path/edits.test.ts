import { expect, test } from 'vitest';
import type { CustomerPatch } from '../../src/model/change.ts';
import { now, openShop, orderChange } from './support.ts';

test('an edit of a customer is a claim of our own, told to every platform that knows them', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const applied = await shop.edit({
    kind: 'customerEdit',
    customerId: 1n,
    patch: {
      email: ' Ada.King@Example.com ',
      phone: '+49 (30) 99 88 77',
      company: '  ',
      tags: ['vip', 'vip '],
    },
  });
  expect(applied.touched).toEqual([{ type: 'Customer', id: 1n }]);
  expect(applied.pushIds).toHaveLength(1);
  expect(await shop.rows('select email, phone, company, tags, provenance from customer')).toMatchObject([
    {
      email: 'ada.king@example.com',
      phone: '+4930998877',
      company: null,
      tags: ['vip'],
      provenance: { email: { source: 'tributary', at: now.toISOString() } },
    },
  ]);
  const updated = (await shop.events()).find((event) => event.type === 'customer.updated');
  expect(updated?.payload).toEqual({ changedFields: ['email', 'phone', 'tags'] });
  // The shop repeats its own word with each order; the edit stands until the shop changes it.
  await shop.tell('shopify', orderChange('2', 9, { number: '#2' }));
  expect(await shop.rows('select email from customer')).toEqual([{ email: 'ada.king@example.com' }]);
});

test('an edit that changes nothing tells nothing, and still says whom it was about', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const before = (await shop.events()).length;
  const applied = await shop.edit({ kind: 'customerEdit', customerId: 1n, patch: { firstName: 'Ada' } });
  expect(applied).toEqual({
    outcome: 'unchanged',
    outcomes: ['unchanged'],
    pushIds: [],
    eventPosition: null,
    touched: [{ type: 'Customer', id: 1n }],
  });
  expect((await shop.events()).length).toBe(before);
});

test('an edit that cannot be accepted says which field is wrong', async () => {
  await using shop = await openShop();
  await shop.tell('shopify', orderChange('1', 1));
  const cases: [CustomerPatch, string][] = [
    [{ email: 'not an address' }, 'email'],
    [{ email: 'a@b' }, 'email'],
    [{ phone: '030 123456' }, 'phone'],
    [{ phone: 'call me' }, 'phone'],
    [{ firstName: 'x'.repeat(256) }, 'firstName'],
    [{ note: 'a\0b' }, 'note'],
    [{ tags: ['a', ' '] }, 'tags'],
    [{ tags: ['a,b'] }, 'tags'],
  ];
  for (const [patch, field] of cases) {
    await expect(shop.edit({ kind: 'customerEdit', customerId: 1n, patch })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field,
      retryable: false,
      publicMessage: expect.stringMatching(new RegExp(`^${field}: `)),
    });
  }
  await expect(
    shop.edit({ kind: 'customerEdit', customerId: 99n, patch: { note: 'x' } }),
  ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(shop.edit({ kind: 'orderEdit', orderId: 99n, patch: { note: 'x' } })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});
