import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
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
  { since }: { since: Date | null },
): AsyncIterable<PlatformChange[]> {
  yield* sweepListings(session, since);
  yield* fbaLevelPages(session, since === null ? {} : { since }, 'sweep');
  yield* sweepOrders(session, since ?? beginning(session));
}

function beginning(session: AmazonSession): Date {
  const { historyDays } = session.settings;
  const days = typeof historyDays === 'number' && historyDays > 0 ? historyDays : defaultHistoryDays;
  return new Date(session.now() - days * dayMs);
}

async function* sweepListings(session: AmazonSession, since: Date | null): AsyncGenerator<PlatformChange[]> {
  const { marketplaceId } = await session.credentials();
  let createdAfter: string | undefined;
  for (;;) {
    let newest: Date | null = null;
    let found = 0;
    for await (const { listings, total, observedAt } of listingPages(
      session,
      marketplaceId,
      since,
      createdAfter,
    )) {
      found = total;
      newest = createdLast(listings, newest);
      yield listings.flatMap((one) => listingChange(one, marketplaceId, observedAt) ?? []);
    }
    if (found <= mostOffersPerSearch || newest === null || newest.toISOString() === createdAfter) return;
    createdAfter = newest.toISOString();
  }
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
  since: Date | null,
  createdAfter: string | undefined,
): AsyncGenerator<{ listings: ListingPayload[]; total: number; observedAt: Date }> {
  let pageToken: string | undefined;
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
    yield { listings: answer.items, total: answer.numberOfResults, observedAt };
    pageToken = answer.pagination?.nextToken ?? undefined;
  } while (pageToken !== undefined && pageToken !== '');
}

async function* sweepOrders(session: AmazonSession, since: Date): AsyncGenerator<PlatformChange[]> {
  const financesSince = new Date(since.getTime() - financeLagMs);
  const byOrder = await refundsSince(session, financesSince);
  const unread = unseen(session, byOrder);
  for await (const { orders, observedAt } of orderPages(session, since)) {
    const changes: PlatformChange[] = [];
    for (const order of orders) {
      if (isFromElsewhere(order)) continue;
      changes.push(
        orderChange(order, await transactionsOf(session, order, byOrder, financesSince), observedAt),
      );
      unread.delete(order.orderId);
    }
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

/** How far a reading of orders came that Amazon's rate broke off. */
interface OrderPosition {
  since: string;
  token: string;
  startedAtMs: number;
}
const positionKey = 'amazon.orders-swept';
/** Amazon's lists lag behind by two minutes; clocks differ. */
const listLagMs = 5 * 60_000;

interface OrderPage {
  orders: OrderPayload[];
  observedAt: Date;
}

/** Amazon gives out a page every three minutes after the first twenty: what was read is not read again by the next sweep. */
async function* orderPages(session: AmazonSession, since: Date): AsyncGenerator<OrderPage> {
  const kept = session.cache.get(positionKey) as OrderPosition | undefined;
  // A first sweep begins later each time that it is asked for: the earliest beginning counts.
  const position = kept !== undefined && Date.parse(kept.since) <= since.getTime() ? kept : null;
  yield* orderPagesFrom(
    session,
    position ?? { since: since.toISOString(), token: '', startedAtMs: session.now() },
  );
  session.cache.delete(positionKey);
  if (position === null) return;
  // What changed since that reading began may have moved to pages that were read already.
  const again = new Date(position.startedAtMs - listLagMs).toISOString();
  yield* orderPagesFrom(session, { since: again, token: '', startedAtMs: session.now() });
}

async function* orderPagesFrom(session: AmazonSession, from: OrderPosition): AsyncGenerator<OrderPage> {
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
      ).catch((error: unknown) => {
        // The token is too old: the next sweep begins again.
        if (error instanceof AppError && error.code === 'AMAZON_REFUSED') session.cache.delete(positionKey);
        throw error;
      }),
    );
    yield { orders: answer.orders, observedAt };
    token = answer.pagination?.nextToken ?? '';
    // Only now: the page before was applied.
    if (token !== '') session.cache.set(positionKey, { ...from, token } satisfies OrderPosition);
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
