import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/transaction.ts';
import {
  emptyGoldenRecord,
  fieldAuthorities,
  foldGoldenRecord,
} from '../../src/sync/identity/golden-record.ts';
import { setFieldAuthority } from '../../src/sync/operations.ts';
import { openShop, type Shop, told } from '../write-path/support.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

test('who wins is chosen per field: an account that is believed first, by age, or never', async () => {
  const atShop = (second: number, phone: string, firstName: string) =>
    shop.tell('shopify', {
      kind: 'customer',
      remoteId: '7',
      version: told(second),
      customer: { email: 'ada@example.com', phone, firstName },
    });
  const inCrm = (second: number, phone: string | null, firstName: string) =>
    shop.tell('hubspot', {
      kind: 'customer',
      remoteId: '70',
      version: told(second),
      customer: { email: 'ada@example.com', phone, firstName },
      observed: { email: 'ada@example.com', phone, firstname: firstName },
    });
  const ada = async () =>
    (await shop.rows('select phone, first_name as name from customer where merged_into_id is null'))[0];
  await transaction(shop.pool, async (tx) => {
    await setFieldAuthority(tx, shop.connections.hubspot, 'phone', 'always');
    await setFieldAuthority(tx, shop.connections.hubspot, 'firstName', 'never');
  });
  await atShop(1, '+15035550101', 'Ada');
  await inCrm(2, '+15035550102', 'Adah');
  expect(await ada()).toEqual({ phone: '+15035550102', name: 'Ada' });
  // What is not believed is written over there.
  const { rows } = await shop.pool.query<{ body: { properties: Record<string, string> } }>(
    `select body from push where kind = 'contact' and status = 'pending' order by id desc limit 1`,
  );
  expect(rows[0]?.body.properties.firstname).toBe('Ada');
  await atShop(3, '+15035550103', 'Augusta');
  expect(await ada()).toEqual({ phone: '+15035550102', name: 'Augusta' });
  await inCrm(4, null, 'Adah');
  expect(await ada()).toEqual({ phone: null, name: 'Augusta' });
  await transaction(shop.pool, (tx) => setFieldAuthority(tx, shop.connections.hubspot, 'phone', 'newest'));
  await atShop(5, '+15035550105', 'Augusta');
  expect(await ada()).toEqual({ phone: '+15035550105', name: 'Augusta' });
  const settings = await shop.rows('select settings from connection where id = $1', [
    shop.connections.hubspot,
  ]);
  expect(settings).toEqual([{ settings: { fieldAuthority: { phone: 'newest', firstName: 'never' } } }]);
});

test('in whichever order accounts are read, the same one wins, and a doubted one only where it is alone', () => {
  const claim = fc.record({
    source: fc.constantFrom('shopify' as const, 'hubspot' as const, 'quickbooks' as const),
    guest: fc.boolean(),
    authority: fc.constantFrom(...fieldAuthorities),
    at: fc.nat(50),
    value: fc.constantFrom('1', '2', null),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(claim, { minLength: 1, maxLength: 4, selector: (one) => one.at }),
      (claims) => {
        const told = claims.map(({ source, guest, authority, at, value }) => ({
          source,
          guest,
          authority: { phone: authority },
          facts: {
            phone: {
              value,
              toldAt: '',
              readAt: null,
              since: new Date(Date.UTC(2026, 0, 1) + at * 1_000).toISOString(),
            },
          },
        }));
        const { record } = foldGoldenRecord(emptyGoldenRecord, told);
        expect(foldGoldenRecord(emptyGoldenRecord, told.toReversed()).record).toEqual(record);
        const believed = claims.filter((one) => one.authority !== 'never');
        // Accounts before guests, each with their last word; where that says nothing, somebody doubted may.
        const lastWord = (guest: boolean) =>
          believed.filter((one) => one.guest === guest).sort((a, b) => b.at - a.at)[0];
        const heard = [lastWord(false), lastWord(true)].find(
          (one) => one !== undefined && one.value !== null,
        );
        if (heard !== undefined && !believed.some((one) => one.authority === 'always'))
          expect(record.values.phone).toBe(heard.value);
        const first = claims
          .filter((one) => one.authority === 'always' && !one.guest)
          .sort((a, b) => b.at - a.at)[0];
        if (first !== undefined) expect(record.values.phone).toBe(first.value);
      },
    ),
    { numRuns: 2_000 },
  );
});
