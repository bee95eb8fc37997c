import { z } from 'zod';
import type { PlatformChange } from '../../../model/change.ts';
import type { Setting, SweepPosition, SweepQuestion } from '../platform.ts';
import { type AmazonSession, ask } from './client.ts';
import { isFromElsewhere, mayHaveRefunds, orderChange } from './normalise-order.ts';
import { identifierOf, isRefund } from './normalise-refunds.ts';
import { listingChange } from './normalise-stock.ts';
import {
  type ListingPayload,
  type OrderPayload,
  searchListingsAnswer,
  searchOrdersAnswer,
  type TransactionPayload,
} from './payloads.ts';
import {
  fbaLevelPages,
  listingData,
  orderData,
  readOrder,
  readTransactions,
  transactionPages,
} from './read.ts';

const dayMs = 86_400_000;

/** How far a first sweep looks back, where the connection's setting `historyDays` says nothing else. */
const defaultHistoryDays = 90;

export const settings: Readonly<Record<string, Setting>> = {
  historyDays: {
    description: 'How many days of orders the first sweep, and one with `full`, looks back.',
    schema: z.number().int().min(1).max(730),
    fallback: defaultHistoryDays,
  },
};

/** Finances lists a transaction up to two days after it happened. */
const financeLagMs = 2 * dayMs;
/** Finances answers for at most this long a time, and for nothing younger than two minutes. */
const longestPeriodMs = 179 * dayMs;
const financeMarginMs = 130_000;
/** A search pages through this many offers and no more. */
const mostOffersPerSearch = 1_000;
const offersPerPage = 20;

/** Everything that changed since then: offers before stock and orders that name them, refunds with their orders. */
export async function* sweep(
  session: AmazonSession,
  question: SweepQuestion,
): AsyncIterable<PlatformChange[]> {
  const { since } = question;
  const from = positionOf(question.from);
  const reached = (position: Position) => question.reached?.(position);
  if (from === null || from.list === 'listings') yield* sweepListings(session, since, from, reached);
  if (from?.list !== 'orders') {
    reached({ list: 'stock' });
    yield* fbaLevelPages(session, since === null ? {} : { since }, 'sweep');
  }
  // A first sweep would begin later each time that it is asked for.
  const ordersFrom =
    from?.list === 'orders' ? from : { since: (since ?? beginning(session)).toISOString(), token: '' };
  yield* sweepOrders(session, ordersFrom, reached);
}

/** How far a reading came. Amazon's lists are long and its rates low: none of it is read twice. */
const positionShape = z.discriminatedUnion('list', [
  z.object({
    list: z.literal('listings'),
    createdAfter: z.string().optional(),
    pageToken: z.string().optional(),
  }),
  z.object({ list: z.literal('stock') }),
  z.object({ list: z.literal('orders'), since: z.iso.datetime(), token: z.string() }),
]);
type Position = z.infer<typeof positionShape>;
type PositionIn<L extends Position['list']> = Extract<Position, { list: L }>;
type Reached = (position: Position) => void;

function positionOf(given: SweepPosition | undefined): Position | null {
  const parsed = positionShape.safeParse(given);
  return parsed.success ? parsed.data : null;
}

function beginning(session: AmazonSession): Date {
  const { historyDays } = session.settings;
  const days = typeof historyDays === 'number' && historyDays > 0 ? historyDays : defaultHistoryDays;
  return new Date(session.now() - days * dayMs);
}

async function* sweepListings(
  session: AmazonSession,
  since: Date | null,
  from: PositionIn<'listings'> | null,
  reached: Reached,
): AsyncGenerator<PlatformChange[]> {
  const { marketplaceId } = await session.credentials();
  let createdAfter = from?.createdAfter;
  let firstToken = from?.pageToken;
  for (;;) {
    let newest: Date | null = null;
    let found = 0;
    for await (const { listings, total, next, observedAt } of listingPages(session, marketplaceId, {
      since,
      createdAfter,
      pageToken: firstToken,
    })) {
      found = total;
      newest = createdLast(listings, newest);
      const at = { ...(createdAfter === undefined ? {} : { createdAfter }) };
      // The end of a search is told with what comes after it.
      if (next !== undefined) reached({ list: 'listings', ...at, pageToken: next });
      else if (!isCutOff(found, newest, createdAfter)) reached({ list: 'stock' });
      yield listings.flatMap((one) => listingChange(one, marketplaceId, observedAt) ?? []);
    }
    firstToken = undefined;
    if (newest === null || !isCutOff(found, newest, createdAfter)) return;
    createdAfter = newest.toISOString();
  }
}

/** True where there are more offers than one search pages through: another one goes on after the newest. */
function isCutOff(found: number, newest: Date | null, createdAfter: string | undefined): boolean {
  return found > mostOffersPerSearch && newest !== null && newest.toISOString() !== createdAfter;
}

function createdLast(listings: readonly ListingPayload[], before: Date | null): Date | null {
  const dates = listings.flatMap(
    (one) => one.summaries?.flatMap((summary) => summary.createdDate ?? []) ?? [],
  );
  return [...dates, ...(before === null ? [] : [before])].reduce<Date | null>(
    (latest, date) => (latest === null || date > latest ? date : latest),
    null,
  );
}

async function* listingPages(
  session: AmazonSession,
  marketplaceId: string,
  which: { since: Date | null; createdAfter: string | undefined; pageToken: string | undefined },
): AsyncGenerator<{
  listings: ListingPayload[];
  total: number;
  next: string | undefined;
  observedAt: Date;
}> {
  const { since, createdAfter } = which;
  let { pageToken } = which;
  do {
    const observedAt = new Date(session.now());
    const answer = searchListingsAnswer.parse(
      await ask(
        session,
        {
          operation: 'searchListingsItems',
          path: `/listings/2021-08-01/items/${encodeURIComponent(session.accountId)}`,
          query: {
            marketplaceIds: [marketplaceId],
            includedData: listingData,
            pageSize: offersPerPage,
            sortBy: 'createdDate',
            sortOrder: 'ASC',
            lastUpdatedAfter: since?.toISOString(),
            createdAfter,
            pageToken,
          },
        },
        'sweep',
      ),
    );
    const token = answer.pagination?.nextToken ?? '';
    pageToken = token === '' ? undefined : token;
    yield { listings: answer.items, total: answer.numberOfResults, next: pageToken, observedAt };
  } while (pageToken !== undefined);
}

async function* sweepOrders(
  session: AmazonSession,
  from: Omit<PositionIn<'orders'>, 'list'>,
  reached: Reached,
): AsyncGenerator<PlatformChange[]> {
  const financesSince = new Date(Date.parse(from.since) - financeLagMs);
  const byOrder = await refundsSince(session, financesSince);
  const unread = unseen(session, byOrder);
  for await (const { orders, observedAt, next } of orderPages(session, from)) {
    const changes: PlatformChange[] = [];
    for (const order of orders) {
      if (isFromElsewhere(order)) continue;
      changes.push(
        orderChange(order, await transactionsOf(session, order, byOrder, financesSince), observedAt),
      );
      unread.delete(order.orderId);
    }
    if (next !== '') reached({ list: 'orders', since: from.since, token: next });
    yield changes;
  }
  // A refund does not touch Amazon's order: it is told by Finances alone.
  for (const orderId of unread.keys()) {
    const read = await readOrder(session, orderId, 'sweep');
    if (read.kind === 'order') yield [read.change];
  }
  remember(session, byOrder);
}

/** What was posted since an order came into being was read already, all of it, where the order is younger than that. */
async function transactionsOf(
  session: AmazonSession,
  order: OrderPayload,
  byOrder: ReadonlyMap<string, TransactionPayload[]>,
  readSince: Date,
): Promise<readonly TransactionPayload[]> {
  if (!mayHaveRefunds(order)) return [];
  if (order.createdTime >= readSince) return byOrder.get(order.orderId) ?? [];
  return readTransactions(session, order, 'sweep');
}

interface OrderPage {
  orders: OrderPayload[];
  /** Empty: this was the last one. */
  next: string;
  observedAt: Date;
}

/** Amazon gives out a page every three minutes after the first twenty. */
async function* orderPages(
  session: AmazonSession,
  from: { since: string; token: string },
): AsyncGenerator<OrderPage> {
  const { marketplaceId } = await session.credentials();
  let { token } = from;
  do {
    const observedAt = new Date(session.now());
    const answer = searchOrdersAnswer.parse(
      await ask(
        session,
        {
          operation: 'searchOrders',
          path: '/orders/2026-01-01/orders',
          query: {
            lastUpdatedAfter: from.since,
            marketplaceIds: [marketplaceId],
            maxResultsPerPage: 100,
            includedData: orderData,
            paginationToken: token === '' ? undefined : token,
          },
        },
        'sweep',
      ),
    );
    token = answer.pagination?.nextToken ?? '';
    yield { orders: answer.orders, next: token, observedAt };
  } while (token !== '');
}

// ── refunds ──

/** All refunds that were posted since then, by order. */
async function refundsSince(session: AmazonSession, since: Date): Promise<Map<string, TransactionPayload[]>> {
  const { marketplaceId } = await session.credentials();
  const byOrder = new Map<string, TransactionPayload[]>();
  const until = session.now() - financeMarginMs;
  for (let from = since.getTime(); from < until; from += longestPeriodMs) {
    const query = {
      postedAfter: new Date(from).toISOString(),
      ...(from + longestPeriodMs < until
        ? { postedBefore: new Date(from + longestPeriodMs).toISOString() }
        : {}),
      marketplaceId,
    };
    for await (const transactions of transactionPages(session, query, 'sweep'))
      for (const one of transactions.filter(isRefund)) {
        const orderId = identifierOf(one, 'ORDER_ID');
        if (orderId === null) continue;
        const known = byOrder.get(orderId);
        if (known === undefined) byOrder.set(orderId, [one]);
        else known.push(one);
      }
  }
  return byOrder;
}

const seenKey = 'amazon.refunds-swept';

/** Orders with refunds that no sweep of this process has met: the others need not be read again. */
function unseen(
  session: AmazonSession,
  byOrder: ReadonlyMap<string, TransactionPayload[]>,
): Map<string, TransactionPayload[]> {
  const seen = (session.cache.get(seenKey) as ReadonlySet<string> | undefined) ?? new Set();
  return new Map([...byOrder].filter(([, refunds]) => refunds.some((one) => !seen.has(nameOf(one)))));
}

/** Only once everything was handed over: a sweep that breaks off begins again. */
function remember(session: AmazonSession, byOrder: ReadonlyMap<string, TransactionPayload[]>): void {
  session.cache.set(seenKey, new Set([...byOrder.values()].flat().map(nameOf)));
}

function nameOf(refund: TransactionPayload): string {
  return `${refund.transactionId ?? refund.postedDate.toISOString()} ${refund.transactionStatus ?? ''}`;
}
