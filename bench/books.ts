import fc from 'fast-check';
import { startQuickBooksSandbox } from '../sandbox/quickbooks/server.ts';
import { AppError } from '../src/errors.ts';
import type { OrderSnapshot } from '../src/model/snapshot.ts';
import { quickbooks } from '../src/sync/platforms/quickbooks/index.ts';
import type { QuickBooksCredentials } from '../src/sync/platforms/quickbooks/settings.ts';
import { refundedOrder } from '../test/accounting/generated-refunds.ts';
import { customer, MemorySession, push } from '../test/platforms/memory-session.ts';
import type { Benchmark } from './support/benchmark.ts';
import { nowMs } from './support/clock.ts';

const orderCount = Number(process.env.BOOKS_ORDERS ?? 10_000);
const atOnce = 24;
const currencies = ['GBP', 'EUR'] as const;

/** Every order and refund is told at least once, in any order, some twice: what stands in the books afterwards must be right to the cent. */
export const books: Benchmark = {
  name: 'books',
  title: `the books after ${orderCount} orders with up to four refunds each, told in any order and repeated`,
  async run({ report }) {
    await using sandbox = await startQuickBooksSandbox({
      port: 0,
      seed: 7,
      limits: false,
      company: {
        taxMode: 'global',
        homeCurrency: 'GBP',
        multiCurrency: true,
        exchangeRates: { EUR: '0.85' },
      },
    });
    const session = new MemorySession<QuickBooksCredentials>({
      accountId: sandbox.realmId,
      baseUrl: sandbox.url,
      credentials: {
        realmId: sandbox.realmId,
        clientId: 'qb-sandbox-client',
        clientSecret: 'qb-sandbox-secret',
        refreshToken: 'RT1-sandbox',
        verifierToken: 'qb-sandbox-verifier',
      },
    });
    // Whoever has to wait for another document comes again later instead.
    session.links.waitFor = async (type, id, remoteType) => {
      const link = (await session.links.find(type, [id], remoteType)).get(id);
      if (link !== undefined) return link;
      throw new AppError({ code: 'LINK_PENDING', retryable: true, publicMessage: 'not yet' });
    };
    await quickbooks.prepare(session, { webhookUrl: '' });

    const orders = currencies.flatMap((currency, index) =>
      fc
        .sample(refundedOrder({ currency, treatments: [0, 1, 2, 3] }), {
          numRuns: Math.ceil(orderCount / currencies.length),
          seed: 20_261_124 + index,
        })
        .map((order, position) => numbered(order, currency, index * orderCount + position)),
    );
    const startedAt = nowMs();
    let next = 0;
    let told = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async (_, worker) => {
        const random = seeded(worker + 1);
        for (let at = next++; at < orders.length; at = next++) {
          const times = await tell(session, orders[at], random);
          told += times;
        }
      }),
    );
    const seconds = (nowMs() - startedAt) / 1000;

    const wanted = expected(orders);
    const found = held(sandbox);
    const keys = [...new Set([...wanted.keys(), ...found.keys()])].sort();
    const wrong = keys.filter((key) => (wanted.get(key) ?? 0n) !== (found.get(key) ?? 0n));
    report.table([
      ['', 'orders − refunds', 'in the books'],
      ...keys.map((key): [string, string, string] => [key, text(wanted.get(key)), text(found.get(key))]),
    ]);
    const counts = ['SalesReceipt', 'CreditMemo', 'Purchase', 'Payment', 'JournalEntry'] as const;
    report.table(counts.map((type): [string, string] => [type, String(sandbox.list(type).length)]));
    report.say(
      `${orders.length} orders, ${orders.reduce((all, one) => all + one.refunds.length, 0)} refunds, told ${told} times in ${seconds.toFixed(1)} s`,
    );
    report.atMost('accounts that differ', wrong.length, 0, '');
    report.atMost('journal entries', sandbox.list('JournalEntry').length, 0, '');
    report.atMost('trial balance off', sandbox.trialBalance().balanced ? 0 : 1, 0, '');
  },
};

function numbered(order: OrderSnapshot, currency: string, index: number): OrderSnapshot {
  const id = BigInt(1_000_000 + index);
  const refundIds = new Map(order.refunds.map((one, at) => [one.id, id * 10n + BigInt(at)]));
  const ownId = (refundId: bigint | null): bigint | null =>
    refundId === null ? null : (refundIds.get(refundId) ?? null);
  const transactions = order.transactions.map((one) => ({ ...one, refundId: ownId(one.refundId) }));
  return {
    ...order,
    id,
    remoteId: id.toString(),
    number: `#${id}`,
    // A discounted gift card is a debt over its full worth: told apart here, so that the sums below stay simple.
    lines: order.lines.map((line) => (line.discountMinor === 0n ? line : { ...line, giftCard: false })),
    customer: customer({ id: BigInt(1 + (index % 97)), email: `buyer-${index % 97}@example.com`, currency }),
    transactions,
    refunds: order.refunds.map((refund) => ({
      ...refund,
      id: ownId(refund.id) ?? 0n,
      remoteId: `${id}${refund.remoteId.slice(-4)}`,
      transactions: transactions.filter((one) => one.refundId === ownId(refund.id)),
    })),
  };
}

/** Tells an order and its refunds in any order, each once or twice; what has to wait is told again. */
async function tell(
  session: MemorySession<QuickBooksCredentials>,
  order: OrderSnapshot | undefined,
  random: () => number,
): Promise<number> {
  if (order === undefined) return 0;
  const things = [order, ...order.refunds.map(({ id }) => ({ type: 'Refund', id, order }) as const)];
  let queue = things
    .flatMap((one) => (random() < 0.3 ? [one, one] : [one]))
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
  let told = 0;
  while (queue.length > 0) {
    const waiting: typeof queue = [];
    for (const one of queue) {
      told += 1;
      try {
        await push(quickbooks, session, one);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'LINK_PENDING') throw error;
        waiting.push(one);
      }
    }
    if (waiting.length === queue.length) throw new Error(`order ${order.number} waits for ever`);
    queue = waiting;
  }
  // The session looks links up one by one: those of orders that are done would make it slower and slower.
  const done = new Set([order.id, ...order.refunds.map(({ id }) => id)]);
  for (let at = session.known.length - 1; at >= 0; at -= 1) {
    const link = session.known[at];
    if (link !== undefined && link.entityId !== order.customer?.id && done.has(link.entityId))
      session.known.splice(at, 1);
  }
  return told;
}

/** What the shop says: money kept, tax per rate, debts to customers. Nothing of it is taken from the documents. */
function expected(orders: readonly OrderSnapshot[]): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  const add = (currency: string, name: string, minor: bigint): void => {
    sums.set(`${currency} ${name}`, (sums.get(`${currency} ${name}`) ?? 0n) + minor);
  };
  for (const order of orders) {
    const { currency } = order;
    for (const one of order.transactions) {
      const sign = one.kind === 'sale' ? 1n : -1n;
      add(currency, tenders[one.gateway] ?? 'money', sign * one.amountMinor);
    }
    for (const line of order.lines) if (line.giftCard) add(currency, 'gift cards', -line.totalMinor);
    for (const tax of order.taxes) add(currency, `tax ${percent(tax.rate)}`, -tax.amountMinor);
    const shipping = order.shippingLines.map((one) => ({ ...one, isLeft: true }));
    for (const refund of order.refunds) {
      for (const back of refund.lines) {
        const line = order.lines.find((one) => one.id === back.orderLineId);
        if (line?.giftCard === true) add(currency, 'gift cards', back.subtotalMinor);
        const rate = line?.taxes[0]?.rate;
        if (rate !== undefined) add(currency, `tax ${percent(rate)}`, back.taxMinor);
      }
      for (const one of refund.adjustments) {
        if (one.kind !== 'shipping_refund') continue;
        const line = shipping.find(
          (each) =>
            each.isLeft &&
            each.priceMinor - each.discountMinor === one.amountMinor &&
            each.taxMinor === one.taxMinor,
        );
        if (line !== undefined) line.isLeft = false;
        const rate = line?.taxes[0]?.rate;
        if (rate !== undefined) add(currency, `tax ${percent(rate)}`, one.taxMinor);
      }
    }
    add(currency, 'owed to customers', -creditLeft(order));
  }
  return sums;
}

const tenders: Readonly<Record<string, string>> = { gift_card: 'gift cards', store_credit: 'store credit' };

/** Worth that came back less what was paid for it. */
function creditLeft(order: OrderSnapshot): bigint {
  let owed = 0n;
  for (const refund of order.refunds) {
    for (const line of refund.lines)
      owed += order.taxesIncluded ? line.subtotalMinor : line.subtotalMinor + line.taxMinor;
    for (const one of refund.adjustments)
      owed += order.taxesIncluded ? one.amountMinor : one.amountMinor + one.taxMinor;
    owed -= refund.totalMinor;
  }
  return owed;
}

function held(sandbox: Awaited<ReturnType<typeof startQuickBooksSandbox>>): Map<string, bigint> {
  const names = new Map(sandbox.ledger().map((one) => [one.id, one.name]));
  const rates = new Map(sandbox.list('TaxRate').map((one) => [one.Id, String(one.RateValue)]));
  const sums = new Map<string, bigint>();
  for (const entry of sandbox.ledgerEntries())
    for (const line of entry.lines) {
      const rate = line.taxRate === undefined ? undefined : rates.get(line.taxRate);
      const name =
        rate === undefined
          ? accounts[(names.get(line.account) ?? '').replace(/ - [A-Z]{3}$/, '')]
          : `tax ${rate}`;
      if (name === undefined) continue;
      const key = `${entry.currency} ${name}`;
      sums.set(key, (sums.get(key) ?? 0n) + minor(line.amount));
    }
  return sums;
}

const accounts: Readonly<Record<string, string>> = {
  'Undeposited Funds': 'money',
  'Gift Card Liability': 'gift cards',
  'Store Credit Liability': 'store credit',
  'Accounts Receivable (A/R)': 'owed to customers',
};

function percent(rate: string): string {
  return String(Math.round(Number(rate) * 10_000) / 100);
}

function minor(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.replace('-', '').split('.');
  const size = BigInt(whole + fraction.padEnd(2, '0'));
  return amount.startsWith('-') ? -size : size;
}

function text(amount: bigint | undefined): string {
  const size = amount === undefined || amount >= 0n ? (amount ?? 0n) : -amount;
  const digits = size.toString().padStart(3, '0');
  return `${(amount ?? 0n) < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** The same story each time. */
function seeded(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0;
    return state / 2 ** 32;
  };
}
