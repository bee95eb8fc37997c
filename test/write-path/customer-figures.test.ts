import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FinancialStatus } from '../../src/model/order.ts';
import type { Channel } from '../../src/model/platform-name.ts';
import type { CanonicalRefund } from '../../src/model/refund.ts';
import {
  amount,
  at,
  openShop,
  orderChange,
  orderLine,
  refundOf,
  type Shop,
  told,
  transactionOf,
} from './support.ts';

// Random lives of a few orders of two people: sold, edited, paid in parts, given back, cancelled, removed, handed over, merged
// and taken apart. After every step what the graph keeps of each person is what a plain fold over the rows of their
// orders comes to, and an event says so exactly when it changed.

const channels: Channel[] = ['online_store', 'point_of_sale', 'amazon'];
const statuses: FinancialStatus[] = ['pending', 'partially_paid', 'paid', 'partially_refunded', 'voided'];

const refundArbitrary = fc.record({
  pieces: fc.nat(2),
  subtotal: fc.nat(2_500),
  restockType: fc.constantFrom('return' as const, 'cancel' as const, 'no_restock' as const),
  back: fc.nat(2_500),
  status: fc.constantFrom('success' as const, 'success' as const, 'pending' as const, 'failure' as const),
  hasTransaction: fc.boolean(),
});
type RefundTold = typeof refundArbitrary extends fc.Arbitrary<infer T> ? T : never;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      order: fc.nat(3),
      person: fc.nat(1),
      quantity: fc.integer({ min: 1, max: 4 }),
      price: fc.integer({ min: 1, max: 2_000 }),
      tax: fc.nat(300),
      taxesIncluded: fc.boolean(),
      paid: fc.nat(6_000),
      status: fc.constantFrom(...statuses),
      channel: fc.constantFrom(...channels),
      currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'USD'),
      isTest: fc.boolean(),
      cancelled: fc.boolean(),
      refunds: fc.array(refundArbitrary, { maxLength: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('refund' as const), order: fc.nat(3), refund: refundArbitrary }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('removal' as const), order: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unmerge' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let shop: Shop;
beforeAll(async () => {
  shop = await openShop();
});
afterAll(() => shop[Symbol.asyncDispose]());

function refundTold(
  id: string,
  { pieces, subtotal, restockType, back, status, hasTransaction }: RefundTold,
): CanonicalRefund {
  return refundOf({
    remoteId: id,
    lines:
      pieces === 0
        ? []
        : [
            {
              remoteId: `${id}-line`,
              lineRemoteId: 'line-1',
              quantity: pieces,
              restockType,
              locationRemoteId: null,
              subtotal: amount(subtotal),
              tax: amount(7),
            },
          ],
    transactions: hasTransaction
      ? [
          transactionOf({
            remoteId: `${id}-money`,
            kind: 'refund',
            status,
            amount: amount(back),
            processedAt: at(50),
          }),
        ]
      : [],
  });
}

async function apply(one: Step, index: number): Promise<void> {
  const second = 100 + index;
  switch (one.kind) {
    case 'order': {
      const net = BigInt(one.price * one.quantity);
      const total = one.taxesIncluded ? net : net + BigInt(one.tax);
      await shop.tell(
        'shopify',
        orderChange(`${one.order}`, second, {
          number: `#${one.order}`,
          channel: one.channel,
          currency: one.currency,
          presentmentCurrency: one.currency,
          customer: {
            remoteId: `${one.person}`,
            firstName: ['Ada', 'Grace'][one.person] ?? null,
            lastName: null,
            email: `person${one.person}@example.com`,
            phone: null,
          },
          email: `person${one.person}@example.com`,
          lines: [
            orderLine({
              remoteId: 'line-1',
              quantity: one.quantity,
              unitPrice: amount(one.price),
              tax: amount(one.tax),
            }),
          ],
          tax: amount(one.tax),
          total: amount(total),
          taxesIncluded: one.taxesIncluded,
          financialStatus: one.status,
          placedAt: at(one.order),
          cancelledAt: one.cancelled ? at(90) : null,
          test: one.isTest && one.order === 3,
          transactions:
            one.paid === 0
              ? []
              : [transactionOf({ remoteId: `${one.order}-sale`, amount: amount(one.paid) })],
          refunds: one.refunds.map((refund, place) => refundTold(`${one.order}-${place}`, refund)),
        }),
      );
      return;
    }
    case 'refund':
      await shop.tell('shopify', {
        kind: 'refund',
        orderRemoteId: `${one.order}`,
        refund: refundTold(`${one.order}-late`, one.refund),
        version: { sourceUpdatedAt: at(second), observedAt: at(second) },
      });
      return;
    case 'removal':
      await shop.tell('shopify', { kind: 'orderRemoved', remoteId: `${one.order}`, version: told(second) });
      return;
    case 'merge':
    case 'unmerge': {
      const known = await shop.rows<{ id: bigint; merged: boolean }>(
        'select id, merged_into_id is not null as merged from customer order by id limit 2',
      );
      const [survivor, absorbed] = known;
      if (survivor === undefined || absorbed === undefined) return;
      if (one.kind === 'merge' && !absorbed.merged)
        await shop.edit({
          kind: 'customerMerge',
          survivorId: survivor.id,
          absorbedId: absorbed.id,
          actor: 'test',
          approvedPlatforms: [],
        });
      if (one.kind === 'unmerge' && absorbed.merged)
        await shop.edit({ kind: 'customerUnmerge', absorbedId: absorbed.id, actor: 'test' });
      return;
    }
  }
}

interface Figures {
  value: bigint;
  refunded: bigint;
  count: number;
  average: bigint;
  open: bigint;
  sold: number;
  returned: number;
  channels: string[];
  first: string | null;
  last: string | null;
}

/** What the graph keeps, by customer. */
async function kept(): Promise<Map<string, Figures>> {
  const rows = await shop.rows<Figures & { id: bigint }>(
    `select id, lifetime_value_minor as value, refunded_minor as refunded, order_count as count, average_order_minor as average,
       open_balance_minor as open, pieces_sold as sold, pieces_returned as returned, channels, first_order_at::text as first,
       last_order_at::text as last
     from customer where merged_into_id is null order by id`,
  );
  return new Map(rows.map(({ id, ...figures }) => [String(id), figures]));
}

/** The same, folded over every row in plain steps. */
async function folded(): Promise<Map<string, Figures>> {
  const people = await shop.rows<{ id: bigint }>(
    'select id from customer where merged_into_id is null order by id',
  );
  const orders = await shop.rows<Record<string, unknown>>(
    `select id, customer_id, channel::text, currency, financial_status::text as status, total_minor, taxes_included, test,
       cancelled_at is not null as cancelled, placed_at::text as at from sales_order where removed_at is null order by placed_at, remote_id`,
  );
  const lines = await shop.rows<Record<string, unknown>>('select order_id, quantity from order_line');
  const money = await shop.rows<Record<string, unknown>>(
    'select order_id, refund_id, kind, status, amount_minor from order_transaction',
  );
  const refunds = await shop.rows<Record<string, unknown>>(
    'select id, order_id, subtotal_minor, tax_minor, shipping_minor, adjustment_minor from refund',
  );
  const back = await shop.rows<Record<string, unknown>>(
    'select refund_id, quantity, restock_type from refund_line',
  );
  return new Map(
    people.map(({ id }) => {
      const figures: Figures = {
        value: 0n,
        refunded: 0n,
        count: 0,
        average: 0n,
        open: 0n,
        sold: 0,
        returned: 0,
        channels: [],
        first: null,
        last: null,
      };
      let home: unknown = null;
      let homeCount = 0n;
      for (const order of orders) {
        if (order.customer_id !== id || order.test === true) continue;
        let paid = 0n;
        let given = 0n;
        for (const one of money) {
          if (one.order_id !== order.id || one.status !== 'success') continue;
          if (one.kind === 'sale') paid += one.amount_minor as bigint;
          if (one.kind === 'refund') given += one.amount_minor as bigint;
        }
        if (order.cancelled === true && paid === 0n) continue;
        home ??= order.currency;
        figures.count += 1;
        figures.first ??= order.at as string;
        figures.last = order.at as string;
        if (!figures.channels.includes(order.channel as string))
          figures.channels.push(order.channel as string);
        let pieces = 0;
        for (const line of lines) if (line.order_id === order.id) pieces += line.quantity as number;
        let off = 0;
        let came = 0;
        let unpaid = 0n;
        for (const refund of refunds) {
          if (refund.order_id !== order.id) continue;
          const own = money.filter((one) => one.refund_id === refund.id);
          if (own.length > 0 && own.every((one) => one.status === 'failure')) continue;
          let worth =
            (refund.subtotal_minor as bigint) +
            (refund.shipping_minor as bigint) +
            (refund.adjustment_minor as bigint);
          if (order.taxes_included !== true) worth += refund.tax_minor as bigint;
          for (const one of own) if (one.status === 'success') worth -= one.amount_minor as bigint;
          if (worth > 0n && own.every((one) => one.status !== 'pending')) unpaid += worth;
          for (const line of back) {
            if (line.refund_id !== refund.id) continue;
            if (line.restock_type === 'cancel') off += line.quantity as number;
            else came += line.quantity as number;
          }
        }
        const sold = Math.max(0, pieces - off);
        figures.sold += sold;
        figures.returned += Math.min(sold, came);
        if (order.currency !== home) continue;
        homeCount += 1n;
        figures.refunded += given;
        figures.value += (order.cancelled === true ? paid : (order.total_minor as bigint)) - given;
        const isSettled = paid === 0n && ['paid', 'partially_refunded'].includes(order.status as string);
        const owed = (order.total_minor as bigint) - paid - unpaid;
        if (order.cancelled !== true && order.status !== 'voided' && !isSettled && owed > 0n)
          figures.open += owed;
      }
      figures.channels.sort();
      if (homeCount > 0n) {
        const twice = 2n * (figures.value < 0n ? -figures.value : figures.value);
        const rounded = (twice + homeCount) / (2n * homeCount);
        figures.average = figures.value < 0n ? -rounded : rounded;
      }
      return [String(id), figures];
    }),
  );
}

test('what is kept of a customer is the fold of their orders after every step, and an event tells exactly when it changes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      await shop.pool.query(
        'truncate customer, sales_order, link, source_statement, event, push restart identity cascade',
      );
      let before = await kept();
      for (const [index, one] of steps.entries()) {
        await shop.pool.query('truncate event');
        await apply(one, index);
        const after = await kept();
        expect(after).toEqual(await folded());
        const told = await shop.rows<{ id: string }>(
          `select distinct subject_id::text as id from event where subject_type = 'Customer' and payload->'changedFields' ? 'orders'
             and type in ('customer.created', 'customer.updated')`,
        );
        const changed = [...after].filter(([id, figures]) => {
          const was = before.get(id);
          return was === undefined
            ? figures.count > 0
            : JSON.stringify(was, text) !== JSON.stringify(figures, text);
        });
        expect(told.map((each) => each.id).sort()).toEqual(changed.map(([id]) => id).sort());
        before = after;
      }
    }),
    { numRuns: Number(process.env.FIGURES_RUNS ?? 60), endOnFailure: true },
  );
});

function text(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
