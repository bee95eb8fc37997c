import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import {
  amount,
  openShop,
  orderChange,
  orderLine,
  refundOf,
  type Shop,
  told,
} from '../write-path/support.ts';

// Long histories in which people, the judge, HubSpot and Shopify merge customers, several at a time over connections of their own, while
// orders, refunds, edits and erasures go on. Whatever comes of it, there is one whole for every part, and nothing is left with a part.

const people = 5;
const step = fc.record({
  kind: fc.constantFrom(
    ...(['merge', 'merge', 'merge', 'unmerge', 'unmerge', 'hubspotMerge', 'shopifyMerge'] as const),
    ...(['order', 'order', 'refund', 'contact', 'duplicate', 'edit', 'reject', 'erase'] as const),
  ),
  a: fc.nat(people - 1),
  b: fc.nat(people - 1),
  value: fc.nat(3),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const history = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 4, maxLength: 12 });

const emailOf = (person: number) => `person${person}@example.com`;
const nameOf = (person: number) => ({
  firstName: `First${'abcde'[person]}`,
  lastName: `Last${'vwxyz'[person]}`,
});

async function apply(shop: Shop, { kind, a, b, value }: Step, second: number): Promise<void> {
  const buyer = { remoteId: `${a}`, ...nameOf(a), email: emailOf(a), phone: null };
  const order = (refunds: ReturnType<typeof refundOf>[]) =>
    shop.tell(
      'shopify',
      orderChange(`${a}-${value}`, second, {
        number: `#${a}-${value}`,
        customer: buyer,
        email: emailOf(a),
        lines: [orderLine({ remoteId: 'l', unitPrice: amount(100 + value) })],
        refunds,
      }),
    );
  switch (kind) {
    case 'merge':
      await shop.edit({
        ...{ kind: 'customerMerge', survivorId: BigInt(a + 1), absorbedId: BigInt(b + 1) },
        ...{ actor: 'test', approvedPlatforms: [] },
      });
      return;
    case 'unmerge':
      await shop.edit({ kind: 'customerUnmerge', absorbedId: BigInt(a + 1), actor: 'test' });
      return;
    case 'hubspotMerge':
      await shop.tell('hubspot', {
        ...{ kind: 'customer', remoteId: `contact-${a}`, version: told(second) },
        customer: { email: emailOf(a), mergedRemoteIds: [`contact-${b}`] },
      });
      return;
    case 'shopifyMerge':
      await shop.tell('shopify', {
        ...{ kind: 'customer', remoteId: `${a}`, version: told(second) },
        customer: { email: emailOf(a), mergedRemoteIds: [`${b}`] },
      });
      return;
    case 'order':
      await order([]);
      return;
    case 'refund':
      await order([
        refundOf({
          remoteId: `r-${a}-${value}`,
          adjustments: [
            {
              ...{ remoteId: 'x', kind: 'refund_discrepancy', reason: null },
              ...{ amount: amount(10), tax: amount(0) },
            },
          ],
        }),
      ]);
      return;
    case 'contact':
      await shop.tell('hubspot', {
        ...{ kind: 'customer', remoteId: `contact-${a}`, version: told(second) },
        customer: { ...nameOf(a), email: emailOf(a), company: `Firm ${value}` },
        observed: { email: emailOf(a), company: `Firm ${value}` },
      });
      return;
    case 'duplicate':
      // One number and one name: the judge merges it with whoever says the same.
      await shop.tell('hubspot', {
        ...{ kind: 'customer', remoteId: `twin-${a}-${value}`, version: told(second) },
        customer: { ...nameOf(a), email: `twin${value}-${a}@example.org`, phone: `+1503555014${a}` },
      });
      return;
    case 'edit':
      await shop.edit({
        ...{ kind: 'customerEdit', customerId: BigInt(a + 1) },
        patch: { note: `Note ${second}.`, ...(value > 1 ? { phone: `+1503555014${a}` } : {}) },
      });
      return;
    case 'reject': {
      const [pair] = await shop.rows<{ id: bigint }>(
        'select id from merge_candidate order by id offset $1 limit 1',
        [a],
      );
      if (pair !== undefined) await shop.edit({ kind: 'mergeReject', candidateId: pair.id, actor: 'test' });
      return;
    }
    case 'erase':
      if (value === 0)
        await shop.edit({
          ...{ kind: 'customerErase', customerId: BigInt(a + 1), orderIds: [] },
          ...{ by: 'test', requestId: null, atPlatforms: false },
        });
      return;
  }
}

/** What somebody did wrong is refused; everything else is a defect. */
const refusals = new Set([
  ...['INVALID_INPUT', 'NOT_FOUND', 'ALREADY_MERGED', 'NOT_MERGED', 'ERASED', 'MERGED_LATER'],
  ...['MERGED_AT_PLATFORM', 'ALREADY_DECIDED'],
]);

async function assertWhole(shop: Shop): Promise<void> {
  const none = async (sql: string) => expect(await shop.rows(sql)).toEqual([]);
  await none(`select c.id, c.merged_into_id, s.merged_into_id as further from customer c join customer s on s.id = c.merged_into_id
    where s.merged_into_id is not null`);
  await none(
    `select i.id, i.customer_id from customer_identity i join customer c on c.id = i.customer_id where c.merged_into_id is not null`,
  );
  await none(
    `select o.id, o.customer_id from sales_order o join customer c on c.id = o.customer_id where c.merged_into_id is not null`,
  );
  await none(`select c.id from customer c where (c.merged_into_id is not null)
    <> exists (select 1 from customer_merge m where m.absorbed_id = c.id and m.undone_at is null)`);
  await none(`select c.id, c.order_count, c.lifetime_value_minor from customer c where c.merged_into_id is null
    and c.order_count <> (select count(*) from sales_order o where o.customer_id = c.id)`);
  await none(`select c.id from customer c where c.merged_into_id is null and c.lifetime_value_minor
    <> (select coalesce(sum(o.paid_minor - o.refunded_minor), 0) from sales_order o where o.customer_id = c.id)`);
  await none(`select id from push where subject_type = 'Customer' and status in ('plan', 'pending', 'retrying')
    and subject_id in (select id from customer where merged_into_id is not null)`);
}

let shop: Shop;
beforeAll(async () => {
  shop = await openShop({ max: 8 });
});
afterAll(() => shop[Symbol.asyncDispose]());

test('whatever is merged, undone and told at once, every part has one whole and nothing is left with a part', async () => {
  await fc.assert(
    fc.asyncProperty(history, async (groups) => {
      await shop.pool.query(
        'truncate customer, sales_order, link, source_statement, event, push, erased_name, privacy_request restart identity cascade',
      );
      for (let person = 0; person < people; person += 1) {
        await apply(shop, { kind: 'order', a: person, b: 0, value: 0 }, person);
        await apply(shop, { kind: 'contact', a: person, b: 0, value: 0 }, 10 + person);
      }
      for (const [at, group] of groups.entries()) {
        const outcomes = await Promise.allSettled(
          group.map((one, index) => apply(shop, one, 100 + at * 10 + index)),
        );
        for (const outcome of outcomes)
          if (
            outcome.status === 'rejected' &&
            !(outcome.reason instanceof AppError && refusals.has(outcome.reason.code))
          )
            throw outcome.reason;
        await assertWhole(shop);
      }
      // What stands can be undone, the latest first, unless it was merged elsewhere or erased.
      for (const { id } of await shop.rows<{ id: bigint }>(
        'select absorbed_id as id from customer_merge where undone_at is null order by id desc',
      ))
        await shop.edit({ kind: 'customerUnmerge', absorbedId: id, actor: 'test' }).catch((error) => {
          if (!['ERASED', 'MERGED_AT_PLATFORM', 'MERGED_LATER'].includes(error.code)) throw error;
        });
      await assertWhole(shop);
    }),
    { numRuns: Number(process.env.MERGE_RUNS ?? 12), endOnFailure: process.env.MERGE_SHRINK === undefined },
  );
});
