import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlatformChange } from '../../src/model/change.ts';
import type { CanonicalFulfilment, CanonicalOrder, CanonicalOrderLine } from '../../src/model/order.ts';
import type { CanonicalRefund } from '../../src/model/refund.ts';
import {
  amount,
  at,
  dumpGraph,
  openShop,
  orderLine,
  orderOf,
  read,
  refundOf,
  type Shop,
  told,
  transactionOf,
} from './support.ts';

// Histories of a few orders, told as whole snapshots and as refunds and fulfilments of their own. Whatever the order of
// arrival, however often each arrives, the graph must end as it does when everything arrives once and in turn.

type Step =
  | { kind: 'create'; order: number; guest: boolean; lines: number[] }
  | { kind: 'note'; order: number; note: string }
  | { kind: 'quantity'; order: number; line: number; quantity: number }
  | { kind: 'addLine'; order: number; price: number }
  | { kind: 'removeLine'; order: number }
  | { kind: 'refund'; order: number; line: number; amount: number; pending: boolean }
  | { kind: 'refundSettles'; order: number }
  | { kind: 'fulfil'; order: number }
  | { kind: 'cancelFulfilment'; order: number }
  | { kind: 'cancel'; order: number }
  | { kind: 'rename'; name: string };

const orderNumber = fc.integer({ min: 0, max: 2 });
const price = fc.integer({ min: 1, max: 9_999 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('note' as const), order: orderNumber, note: fc.constantFrom('a', 'b', 'c') }),
  fc.record({
    kind: fc.constant('quantity' as const),
    order: orderNumber,
    line: fc.nat(3),
    quantity: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('addLine' as const), order: orderNumber, price }),
  fc.record({ kind: fc.constant('removeLine' as const), order: orderNumber }),
  fc.record({
    kind: fc.constant('refund' as const),
    order: orderNumber,
    line: fc.nat(3),
    amount: price,
    pending: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('refundSettles' as const), order: orderNumber }),
  fc.record({ kind: fc.constant('fulfil' as const), order: orderNumber }),
  fc.record({ kind: fc.constant('cancelFulfilment' as const), order: orderNumber }),
  fc.record({ kind: fc.constant('cancel' as const), order: orderNumber }),
  fc.record({ kind: fc.constant('rename' as const), name: fc.constantFrom('Ada', 'Augusta', 'Countess') }),
);
const history = fc.record({
  guests: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  firstLines: fc.array(price, { minLength: 1, maxLength: 3 }),
  /** Platforms stamp whole seconds: several things happen within one. */
  steps: fc.array(fc.record({ step, later: fc.integer({ min: 0, max: 2 }) }), {
    minLength: 1,
    maxLength: 12,
  }),
});

type Story = typeof history extends fc.Arbitrary<infer T> ? T : never;

/** A shop that remembers what it told, and can be read. */
class StandInShop {
  readonly messages: PlatformChange[] = [];
  readonly #orders = new Map<number, { order: CanonicalOrder; second: number }>();
  #name = 'Ada';
  #renamedAt = 0;
  #reads = 0;

  constructor(story: Story) {
    let second = 1;
    for (const number of [0, 1, 2])
      this.#happen(
        { kind: 'create', order: number, guest: story.guests[number] ?? false, lines: story.firstLines },
        second,
      );
    for (const { step: next, later } of story.steps) {
      second += later;
      this.#happen(next, second);
    }
  }

  /** What the platform says now of whatever the change was about. */
  read(change: PlatformChange): PlatformChange {
    this.#reads += 1;
    const readSecond = 1_000 + this.#reads;
    if (change.kind === 'customer')
      return {
        kind: 'customer',
        remoteId: '7',
        version: read(this.#renamedAt, readSecond),
        customer: { email: 'ada@example.com', firstName: this.#name },
      };
    const remoteId =
      change.kind === 'order' ? change.remoteId : 'orderRemoteId' in change ? change.orderRemoteId : '';
    const known = this.#orders.get(Number(remoteId));
    if (known === undefined) throw new Error(`There is no order ${remoteId}.`);
    return {
      kind: 'order',
      remoteId,
      version: read(known.second, readSecond),
      order: this.#asToldNow(known.order),
    };
  }

  #asToldNow(order: CanonicalOrder): CanonicalOrder {
    return order.customer === null
      ? order
      : { ...order, customer: { ...order.customer, firstName: this.#name } };
  }

  #happen(next: Step, second: number): void {
    if (next.kind === 'rename') {
      this.#name = next.name;
      this.#renamedAt = second;
      this.messages.push({
        kind: 'customer',
        remoteId: '7',
        version: told(second),
        customer: { email: 'ada@example.com', firstName: next.name },
      });
      return;
    }
    const before = this.#orders.get(next.order)?.order ?? null;
    const changed = changedOrder(before, next, second);
    if (changed === null) return;
    const { order, refund, fulfilment } = changed;
    this.#orders.set(next.order, { order, second });
    const orderRemoteId = String(next.order);
    if (refund !== undefined)
      this.messages.push({ kind: 'refund', orderRemoteId, version: told(second), refund });
    if (fulfilment !== undefined)
      this.messages.push({ kind: 'fulfilment', orderRemoteId, version: told(second), fulfilment });
    this.messages.push({
      kind: 'order',
      remoteId: orderRemoteId,
      version: told(second),
      order: this.#asToldNow(order),
    });
  }
}

interface Changed {
  order: CanonicalOrder;
  refund?: CanonicalRefund;
  fulfilment?: CanonicalFulfilment;
}

function changedOrder(
  before: CanonicalOrder | null,
  next: Exclude<Step, { kind: 'rename' }>,
  second: number,
): Changed | null {
  if (next.kind === 'create') {
    const lines = next.lines.map((minor, index) => lineOf(`l${index}`, minor));
    const order = orderOf({
      number: `#${next.order}`,
      lines,
      placedAt: at(next.order),
      ...(next.guest
        ? { customer: null, billingAddress: { ...nobody, firstName: 'Guest', city: 'Berlin' } }
        : {}),
    });
    return { order: priced(order) };
  }
  if (before === null) return null;
  const onLine = (index: number) => before.lines[index % before.lines.length];
  switch (next.kind) {
    case 'note':
      return { order: { ...before, note: next.note, tags: [next.note] } };
    case 'quantity': {
      const line = onLine(next.line);
      if (line === undefined || line.refundedQuantity > next.quantity) return null;
      return { order: withLine(before, { ...line, quantity: next.quantity }) };
    }
    case 'addLine':
      return {
        order: priced({
          ...before,
          lines: [...before.lines, lineOf(`l${before.lines.length}-${second}`, next.price)],
        }),
      };
    case 'removeLine': {
      const last = before.lines.at(-1);
      const named = before.refunds.some((refund) =>
        refund.lines.some((line) => line.lineRemoteId === last?.remoteId),
      );
      if (before.lines.length < 2 || named || before.fulfilments.length > 0) return null;
      return { order: priced({ ...before, lines: before.lines.slice(0, -1) }) };
    }
    case 'refund': {
      const line = onLine(next.line);
      const number = before.refunds.length;
      if (line === undefined || line.refundedQuantity >= line.quantity) return null;
      const refund = refundOf({
        remoteId: `r${number}`,
        refundedAt: at(second),
        lines: [
          {
            remoteId: `rl${number}`,
            lineRemoteId: line.remoteId,
            quantity: 1,
            restockType: 'return',
            locationRemoteId: null,
            subtotal: amount(next.amount),
            tax: amount(1),
          },
        ],
        adjustments: [
          {
            remoteId: `ra${number}`,
            kind: 'refund_discrepancy',
            reason: null,
            amount: amount(-1),
            tax: amount(0),
          },
        ],
        transactions: [
          transactionOf({
            remoteId: `t${number}`,
            kind: 'refund',
            status: next.pending ? 'pending' : 'success',
            amount: amount(next.amount),
            processedAt: at(second),
          }),
        ],
      });
      const order = withLine(before, { ...line, refundedQuantity: line.refundedQuantity + 1 });
      return {
        order: { ...order, financialStatus: 'partially_refunded', refunds: [...before.refunds, refund] },
        refund,
      };
    }
    case 'refundSettles': {
      const refunds = before.refunds.map((refund) => ({
        ...refund,
        transactions: refund.transactions.map((one) => ({ ...one, status: 'success' as const })),
      }));
      return before.refunds.length === 0 ? null : { order: { ...before, refunds } };
    }
    case 'fulfil': {
      if (before.fulfilments.length > 1) return null;
      const fulfilment: CanonicalFulfilment = {
        remoteId: `f${before.fulfilments.length}`,
        status: 'success',
        trackingCompany: null,
        trackingNumbers: [],
        trackingUrls: [],
        locationRemoteId: null,
        createdAt: at(second),
        updatedAt: at(second),
        lines: before.lines.map((line) => ({ lineRemoteId: line.remoteId, quantity: 1 })),
      };
      return {
        order: { ...before, fulfilmentStatus: 'partial', fulfilments: [...before.fulfilments, fulfilment] },
        fulfilment,
      };
    }
    case 'cancelFulfilment': {
      const last = before.fulfilments.at(-1);
      if (last === undefined) return null;
      const fulfilment = { ...last, status: 'cancelled' as const, updatedAt: at(second) };
      return {
        order: { ...before, fulfilments: [...before.fulfilments.slice(0, -1), fulfilment] },
        fulfilment,
      };
    }
    case 'cancel':
      return { order: { ...before, cancelledAt: at(second), cancelReason: 'customer' } };
  }
}

const nobody = {
  firstName: null,
  lastName: null,
  company: null,
  address1: null,
  address2: null,
  city: null,
  province: null,
  zip: null,
  countryCode: null,
  phone: null,
};

function lineOf(remoteId: string, minor: number): CanonicalOrderLine {
  return orderLine({
    remoteId,
    quantity: 2,
    unitPrice: amount(minor),
    tax: amount(minor % 19),
    discount: amount(1),
    allocations: [{ discountIndex: 0, amount: amount(1) }],
    taxLines: [{ title: 'VAT', rate: '0.19', amount: amount(minor % 19), channelLiable: false }],
  });
}

function withLine(order: CanonicalOrder, line: CanonicalOrderLine): CanonicalOrder {
  return priced({ ...order, lines: order.lines.map((one) => (one.remoteId === line.remoteId ? line : one)) });
}

function priced(order: CanonicalOrder): CanonicalOrder {
  const sum = order.lines.reduce((total, line) => total + line.unitPrice.shop * BigInt(line.quantity), 0n);
  const discount = BigInt(order.lines.length);
  return {
    ...order,
    subtotal: amount(sum),
    discount: amount(discount),
    total: amount(sum - discount),
    discounts: [
      {
        kind: 'automatic',
        code: null,
        title: 'One cent',
        valueType: 'fixed_amount',
        value: '0.01',
        targetType: 'line_item',
        allocationMethod: 'each',
      },
    ],
    transactions: [transactionOf({ remoteId: 'sale', amount: amount(sum - discount) })],
  };
}

let inTurn: Shop;
let shuffled: Shop;
beforeAll(async () => {
  inTurn = await openShop({ platforms: {} });
  shuffled = await openShop({ platforms: {} });
});
afterAll(async () => {
  await inTurn[Symbol.asyncDispose]();
  await shuffled[Symbol.asyncDispose]();
});

async function endsAs(shop: Shop, source: StandInShop, messages: readonly PlatformChange[]) {
  await shop.pool.query(
    'truncate customer, sales_order, link, source_statement, event restart identity cascade',
  );
  for (const message of messages) {
    const { outcome } = await shop.tell('shopify', message);
    if (outcome !== 'needsFresh') continue;
    const fresh = await shop.tell('shopify', source.read(message));
    if (fresh.outcome === 'needsFresh') throw new Error('A fresh read was not enough.');
  }
  return dumpGraph(shop.pool);
}

test('any order of arrival and any repetition end in the same graph', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.infiniteStream(fc.nat(1_000_000)),
      fc.array(fc.nat(100), { maxLength: 10 }),
      async (story, dice, repeated) => {
        const source = new StandInShop(story);
        const { messages } = source;
        const expected = await endsAs(inTurn, source, messages);
        const again = repeated.flatMap((index) => messages[index % messages.length] ?? []);
        const arrival = [...messages, ...again]
          .map((message) => ({ message, rank: dice.next().value as number }))
          .sort((a, b) => a.rank - b.rank)
          .map((one) => one.message);
        expect(await endsAs(shuffled, source, arrival)).toEqual(expected);
      },
    ),
    { numRuns: Number(process.env.CONVERGENCE_RUNS ?? 60), endOnFailure: false },
  );
});
