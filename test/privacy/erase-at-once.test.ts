import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { platforms } from '../../src/sync/platforms/index.ts';
import { openShop, orderChange, type Shop, settle, told } from '../write-path/support.ts';
import { traces } from './traces.ts';

// A person is erased while everybody else writes about them, each over a connection of their own.

const mark = 'zzmark';
const email = `${mark}@example.com`;

const customer = (second: number) =>
  ({
    kind: 'customer',
    remoteId: '77',
    version: told(second),
    customer: {
      firstName: mark,
      lastName: `${mark}son`,
      email,
      note: `${mark}-${second}`,
      phone: '+15035550141',
    },
    observed: { email, note: `${mark}-${second}` },
  }) as const;
const order = (number: number, second: number) =>
  orderChange(`${number}`, second, {
    number: `#${number}`,
    email,
    note: `For ${mark}: fragile`,
    customer: { remoteId: '77', firstName: mark, lastName: `${mark}son`, email, phone: null },
  });

const writers = {
  customer: (shop: Shop) => shop.tell('shopify', customer(10)),
  contact: (shop: Shop) =>
    shop.tell('hubspot', {
      ...{ kind: 'customer', remoteId: '301', version: told(11) },
      customer: { firstName: mark, email, company: `${mark} Ltd` },
      observed: { email, firstname: mark },
    }),
  twin: (shop: Shop) =>
    shop.tell('hubspot', {
      ...{ kind: 'customer', remoteId: '302', version: told(12) },
      customer: {
        firstName: mark,
        lastName: `${mark}son`,
        email: `${mark}2@example.org`,
        phone: '+15035550141',
      },
    }),
  order: (shop: Shop) => shop.tell('shopify', order(5001, 13)),
  otherOrder: (shop: Shop) => shop.tell('shopify', order(5002, 14)),
  merge: (shop: Shop) =>
    shop.edit({
      kind: 'customerMerge',
      survivorId: 2n,
      absorbedId: 1n,
      actor: 'test',
      approvedPlatforms: [],
    }),
  edit: (shop: Shop) =>
    shop.edit({ kind: 'customerEdit', customerId: 1n, patch: { note: `${mark} called` } }),
  note: async (shop: Shop) => {
    const [reading] = await shop.rows<{ id: bigint; hash: string }>(
      'select order_id as id, hash from note_reading limit 1',
    );
    if (reading === undefined) return;
    await shop.edit({
      ...{
        kind: 'orderNoteRead',
        orderId: reading.id,
        hash: reading.hash,
        reader: 'parser',
        fallbackReason: null,
      },
      rules: [{ kind: 'fragile', value: null, quote: 'fragile', confidence: 1 }],
    });
  },
} satisfies Record<string, (shop: Shop) => Promise<unknown>>;

const redact = {
  kind: 'personErase',
  remoteId: '77',
  email,
  orderRemoteIds: ['5001', '5002'],
  version: told(500),
} as const;

test('whoever writes of a person while they are erased leaves no trace of them', async () => {
  await using shop = await openShop({ platforms, max: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(Object.keys(writers) as (keyof typeof writers)[], { minLength: 2 }),
      fc.nat(8),
      fc.boolean(),
      async (names, at, byPerson) => {
        await shop.pool.query(
          `truncate customer, sales_order, link, source_statement, event, push, erased_name, privacy_request, note_reading,
             fulfilment_rule, merge_candidate, customer_merge, graphile_worker._private_jobs restart identity cascade`,
        );
        await shop.tell('shopify', customer(1));
        await shop.tell('shopify', order(5001, 2));
        await shop.tell('hubspot', {
          ...{ kind: 'customer', remoteId: '999', version: told(3) },
          customer: { firstName: 'Eve', lastName: 'Stays', email: 'eve@example.com' },
        });
        const work = names.map((name) => () => writers[name](shop));
        const erase = () =>
          byPerson
            ? shop.edit({
                ...{ kind: 'customerErase', customerId: 1n, orderIds: [], by: 'test' },
                ...{ requestId: null, atPlatforms: true },
              })
            : shop.tell('shopify', redact);
        work.splice(at % (work.length + 1), 0, erase);
        const outcomes = await Promise.allSettled(work.map((one) => one()));
        for (const outcome of outcomes)
          if (outcome.status === 'rejected' && !(outcome.reason instanceof AppError)) throw outcome.reason;
        // What an address alone let in came before; asking again takes it, as a sweep of the same request does.
        await shop.tell('shopify', redact);
        // Somebody of another mailbox whom the judge took for another person is one.
        const left = (await traces(shop, mark)).filter((place) => place !== '');
        const others = await shop.rows<{ id: bigint }>(
          `select id from customer where erased_at is null and first_name ilike '%${mark}%'`,
        );
        for (const { id } of others)
          await shop.edit({
            ...{ kind: 'customerErase', customerId: id, orderIds: [], by: 'test' },
            ...{ requestId: null, atPlatforms: false },
          });
        expect(others.length === 0 ? left : await traces(shop, mark)).toEqual([]);
        expect(await shop.rows(`select first_name from customer where email = 'eve@example.com'`)).toEqual(
          names.includes('merge') ? expect.anything() : [{ first_name: 'Eve' }],
        );
      },
    ),
    { numRuns: Number(process.env.ERASE_RUNS ?? 8), endOnFailure: true },
  );
});

test('what is just being written to a platform holds an erasure up until its answer is known, and then goes as well', async () => {
  await using shop = await openShop({ platforms });
  await shop.tell('shopify', customer(1));
  const [push] = await shop.rows<{ id: bigint }>(
    `update push set status = 'running', attempts = 1 where kind = 'contact' returning id`,
  );
  await expect(shop.tell('shopify', redact)).rejects.toMatchObject({
    ...{ code: 'PERSON_BUSY', retryable: true },
    remedy: expect.stringContaining('tried again by itself'),
  });
  expect(await shop.rows('select first_name, erased_at from customer')).toEqual([
    { first_name: mark, erased_at: null },
  ]);
  expect(await shop.rows('select 1 from privacy_request')).toEqual([]);
  await settle(shop, push?.id ?? 0n, { type: 'contact', remoteId: '301', state: { email, firstname: mark } });
  expect(await traces(shop, mark)).toContain('link.remote_state');
  await shop.tell('shopify', redact);
  expect(await traces(shop, mark)).toEqual([]);
});
