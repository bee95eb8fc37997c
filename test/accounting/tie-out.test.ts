import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BooksEntry,
  type DifferenceKind,
  type GraphEntry,
  type PostingFacts,
  type ShopEntry,
  type TieOutCurrency,
  tieOut,
} from '../../src/sync/accounting/tie-out.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 29, 12, 0, second));

function posting(more: Partial<PostingFacts> = {}): PostingFacts {
  return {
    status: 'post',
    why: 'It is paid.',
    reason: null,
    wantedMinor: 1_000n,
    heldMinor: 1_000n,
    tendersMinor: 0n,
    push: 'settled',
    dismissed: null,
    error: null,
    remedy: null,
    errorCode: null,
    standing: 'written',
    ...more,
  };
}

function sale(more: Partial<GraphEntry> = {}): GraphEntry {
  return {
    type: 'sale',
    currency: 'EUR',
    amountMinor: 1_000n,
    connectionId: 1n,
    platform: 'shopify',
    orderId: 5n,
    orderRemoteId: '500',
    refundId: null,
    refundRemoteId: null,
    number: '#5',
    updatedAt: at(1),
    isOfDay: true,
    isUnderWay: false,
    posting: posting(),
    ...more,
  };
}

function told(more: Partial<ShopEntry> = {}): ShopEntry {
  return {
    type: 'sale',
    currency: 'EUR',
    amountMinor: 1_000n,
    connectionId: 1n,
    orderRemoteId: '500',
    refundRemoteId: null,
    number: '#5',
    updatedAt: at(1),
    ...more,
  };
}

function receipt(more: Partial<BooksEntry> = {}): BooksEntry {
  return {
    type: 'sale',
    currency: 'EUR',
    amountMinor: 1_000n,
    documentType: 'SalesReceipt',
    remoteId: '77',
    number: '5',
    of: { orderId: 5n, refundId: null },
    isCorrection: false,
    isOurs: true,
    isRestOfDay: false,
    ...more,
  };
}

/** One day of one currency: what explains it, with amounts. */
function explained(given: { shop?: ShopEntry[]; graph?: GraphEntry[]; books?: BooksEntry[] }) {
  const [only, ...others] = tieOut({
    shop: given.shop ?? (given.graph ?? [sale()]).flatMap(asTold),
    asked: new Set([1n]),
    graph: given.graph ?? [sale()],
    books: given.books ?? [receipt()],
  });
  expect(others).toEqual([]);
  expectToAddUp(only as TieOutCurrency);
  return only?.differences.map(({ between, kind, amountMinor }) => [between, kind, amountMinor]);
}

function asTold(one: GraphEntry): ShopEntry[] {
  const { type, currency, amountMinor, orderRemoteId, refundRemoteId, number, updatedAt, isOfDay } = one;
  return isOfDay
    ? [told({ type, currency, amountMinor, orderRemoteId, refundRemoteId, number, updatedAt })]
    : [];
}

function expectToAddUp({ shop, graph, books, differences }: TieOutCurrency): void {
  const sum = (between: string): bigint =>
    differences.filter((one) => one.between === between).reduce((all, one) => all + one.amountMinor, 0n);
  expect(graph.netMinor - books.netMinor).toBe(sum('graphAndBooks'));
  if (shop !== null) expect(shop.netMinor - graph.netMinor).toBe(sum('shopAndGraph'));
}

const refund: Partial<GraphEntry> = {
  type: 'refund',
  refundId: 9n,
  refundRemoteId: '900',
  amountMinor: 400n,
};
const memo: Partial<BooksEntry> = {
  type: 'refund',
  documentType: 'CreditMemo',
  amountMinor: 400n,
  of: { orderId: 5n, refundId: 9n },
};

describe('a day of which all sides say the same', () => {
  it('has no difference', () => {
    const facts = posting({ wantedMinor: 400n, heldMinor: 400n });
    expect(
      explained({
        graph: [sale(), sale({ ...refund, posting: facts })],
        books: [receipt(), receipt(memo)],
      }),
    ).toEqual([]);
  });

  it('counts sales and refunds of each side', () => {
    const [day] = tieOut({
      shop: [told(), told({ type: 'refund', refundRemoteId: '900', amountMinor: 400n })],
      asked: new Set([1n]),
      graph: [sale(), sale({ ...refund, posting: posting({ wantedMinor: 400n, heldMinor: 400n }) })],
      books: [receipt(), receipt(memo)],
    });
    const side = { salesMinor: 1_000n, refundsMinor: 400n, netMinor: 600n, sales: 1, refunds: 1 };
    expect(day).toEqual({ currency: 'EUR', shop: side, graph: side, books: side, differences: [] });
  });
});

describe('what shop and graph differ in', () => {
  it('is named', () => {
    const cases: [DifferenceKind, bigint, Parameters<typeof explained>[0]][] = [
      ['notInGraph', 1_000n, { shop: [told()], graph: [], books: [] }],
      ['notInShop', -1_000n, { shop: [] }],
      ['graphBehind', 200n, { shop: [told({ amountMinor: 1_200n, updatedAt: at(2) })] }],
      ['editedAway', 200n, { shop: [told({ amountMinor: 1_200n })] }],
    ];
    for (const [kind, amountMinor, given] of cases)
      expect(explained(given), kind).toEqual([['shopAndGraph', kind, amountMinor]]);
  });

  it('tells refunds that are under way from those that were set off', () => {
    const graph = (isUnderWay: boolean) => [
      sale({ ...refund, isUnderWay, posting: posting({ wantedMinor: 400n, heldMinor: 400n }) }),
    ];
    const shop = [told({ type: 'refund', refundRemoteId: '900', amountMinor: 0n })];
    const books = [receipt(memo)];
    expect(explained({ shop, graph: graph(true), books })).toEqual([['shopAndGraph', 'underWay', 400n]]);
    expect(explained({ shop, graph: graph(false), books })).toEqual([['shopAndGraph', 'setOff', 400n]]);
  });

  it('is not looked for in channels that were not asked', () => {
    const graph = [sale({ connectionId: 2n })];
    expect(explained({ shop: [], graph })).toEqual([['shopAndGraph', 'notAsked', -1_000n]]);
    const [day] = tieOut({ shop: [], asked: null, graph, books: [receipt()] });
    expect(day?.shop).toBeNull();
    expect(day?.differences).toEqual([]);
  });
});

describe('what graph and books differ in', () => {
  it('is named after what became of the posting', () => {
    const nothing = { wantedMinor: 1_000n, heldMinor: 0n, standing: 'none' } as const;
    const never = { status: 'never', wantedMinor: 0n, heldMinor: 0n, standing: 'none' } as const;
    const cases: [DifferenceKind, Partial<PostingFacts>][] = [
      ['testOrder', { ...never, reason: 'test' }],
      ['beforeHandover', { ...never, reason: 'beforeHandover' }],
      ['notPosted', never],
      ['waiting', { ...never, status: 'waits' }],
      ['posting', { ...nothing, push: 'open' }],
      ['missingPosting', { ...nothing, push: 'none' }],
      ['observing', { ...nothing, push: 'plan' }],
      ['deadLetter', { ...nothing, push: 'dead', errorCode: 'QUICKBOOKS_TAX_UNMATCHED' }],
      ['dismissed', { ...nothing, push: 'dismissed' }],
      ['otherCurrency', { ...nothing, push: 'dead', errorCode: 'QUICKBOOKS_CURRENCY' }],
      ['deletedByHand', { ...nothing, standing: 'deleted' }],
      ['voided', { ...nothing, standing: 'voided' }],
    ];
    for (const [kind, facts] of cases)
      expect(explained({ graph: [sale({ posting: posting(facts) })], books: [] }), kind).toEqual([
        ['graphAndBooks', kind, 1_000n],
      ]);
  });

  it('keeps the words and the remedy of a push that failed', () => {
    const facts = posting({
      heldMinor: 0n,
      standing: 'none',
      push: 'dead',
      error: 'QuickBooks has no tax code.',
      remedy: 'Make one.',
    });
    const [day] = tieOut({ shop: [], asked: null, graph: [sale({ posting: facts })], books: [] });
    expect(day?.differences).toMatchObject([
      { why: 'QuickBooks has no tax code.', remedy: 'Make one.', number: '#5', orderId: 5n },
    ]);
  });

  it('says who has closed a document that could not be written, and why', () => {
    const facts = posting({
      heldMinor: 0n,
      standing: 'none',
      push: 'dismissed',
      dismissed: 'ada has dismissed it: Entered by hand as 1044.',
      error: 'QuickBooks has no tax code.',
      remedy: 'Make one.',
    });
    const [day] = tieOut({ shop: [], asked: null, graph: [sale({ posting: facts })], books: [] });
    expect(day?.differences).toMatchObject([
      {
        kind: 'dismissed',
        amountMinor: 1_000n,
        why: 'ada has dismissed it: Entered by hand as 1044.',
        remedy: expect.stringContaining('postingRepost'),
      },
    ]);
  });

  it('tells an edit by hand from a document that never held what it was given', () => {
    const books = [receipt({ amountMinor: 900n })];
    const by = (standing: PostingFacts['standing']) =>
      explained({ graph: [sale({ posting: posting({ heldMinor: 900n, standing }) })], books });
    expect(by('edited')).toEqual([['graphAndBooks', 'editedByHand', 100n]]);
    expect(by('written')).toEqual([['graphAndBooks', 'booksDiffer', 100n]]);
  });

  it('finds documents on the day that closed books moved them to, and corrections', () => {
    expect(explained({ books: [] })).toEqual([['graphAndBooks', 'closedPeriod', 1_000n]]);
    const elsewhere = [sale({ isOfDay: false })];
    expect(explained({ graph: elsewhere })).toEqual([['graphAndBooks', 'otherDay', -1_000n]]);
    expect(
      explained({ graph: elsewhere, books: [receipt({ isCorrection: true, amountMinor: 50n })] }),
    ).toEqual([['graphAndBooks', 'correction', -50n]]);
  });

  it('counts what others entered against the books, never into another order', () => {
    expect(explained({ books: [receipt(), receipt({ of: null, isOurs: false, amountMinor: 70n })] })).toEqual(
      [['graphAndBooks', 'notOurs', -70n]],
    );
  });

  it('keeps every cause of one posting apart', () => {
    // Worth 430, money 400: 30 stay the customer's. The books hold 410 of it, of which 300 are dated on the day.
    const facts = posting({ wantedMinor: 430n, heldMinor: 410n, standing: 'edited' });
    expect(
      explained({
        graph: [sale({ ...refund, posting: facts })],
        books: [receipt({ ...memo, amountMinor: 300n })],
      }),
    ).toEqual([
      ['graphAndBooks', 'customerCredit', 30n],
      ['graphAndBooks', 'editedByHand', -20n],
      ['graphAndBooks', 'closedPeriod', -110n],
    ]);
  });
});

it('whatever the sides say, the differences add up to what lies between them, per currency', () => {
  const amount = fc.bigInt({ min: 0n, max: 5_000n });
  const currency = fc.constantFrom('EUR', 'USD', 'JPY');
  const facts = fc.record({
    status: fc.constantFrom('post', 'waits', 'never', 'person'),
    reason: fc.constantFrom(null, 'test', 'beforeHandover'),
    wantedMinor: amount,
    heldMinor: amount,
    push: fc.constantFrom('none', 'plan', 'open', 'settled', 'dead'),
    standing: fc.constantFrom('none', 'written', 'edited', 'deleted', 'voided'),
  });
  const graph = fc.record({
    key: fc.integer({ min: 0, max: 5 }),
    isRefund: fc.boolean(),
    currency,
    amountMinor: amount,
    isOfDay: fc.boolean(),
    isUnderWay: fc.boolean(),
    connectionId: fc.constantFrom(1n, 2n),
    facts,
  });
  const shop = fc.record({
    key: fc.integer({ min: 0, max: 7 }),
    isRefund: fc.boolean(),
    currency,
    amountMinor: amount,
    second: fc.integer({ min: 0, max: 2 }),
  });
  const books = fc.record({
    key: fc.option(fc.integer({ min: 0, max: 7 }), { nil: null }),
    isRefund: fc.boolean(),
    currency,
    amountMinor: amount,
    isCorrection: fc.boolean(),
    isOurs: fc.boolean(),
  });
  const unique = <T extends { key: number | null; isRefund: boolean }>(one: T): string =>
    `${one.key} ${one.isRefund}`;
  fc.assert(
    fc.property(
      fc.uniqueArray(graph, { selector: unique, maxLength: 8 }),
      fc.uniqueArray(shop, { selector: unique, maxLength: 8 }),
      fc.array(books, { maxLength: 8 }),
      (held, said, documents) => {
        const about = (one: { key: number; isRefund: boolean }) => ({
          type: one.isRefund ? ('refund' as const) : ('sale' as const),
          orderRemoteId: `${one.key}`,
          refundRemoteId: one.isRefund ? `${one.key}0` : null,
        });
        const day = tieOut({
          asked: new Set([1n]),
          shop: said.map((one) => told({ ...one, ...about(one), updatedAt: at(one.second) })),
          graph: held.map((one) =>
            sale({
              ...one,
              ...about(one),
              orderId: BigInt(one.key),
              refundId: one.isRefund ? BigInt(one.key) : null,
              posting: posting(one.facts as Partial<PostingFacts>),
            }),
          ),
          books: documents.map((one) =>
            receipt({
              ...one,
              type: one.isRefund ? 'refund' : 'sale',
              of:
                one.key === null
                  ? null
                  : { orderId: BigInt(one.key), refundId: one.isRefund ? BigInt(one.key) : null },
            }),
          ),
        });
        for (const one of day) expectToAddUp(one);
        for (const one of day)
          expect(one.differences.every(({ amountMinor }) => amountMinor !== 0n)).toBe(true);
      },
    ),
    { numRuns: 1_000 },
  );
});
