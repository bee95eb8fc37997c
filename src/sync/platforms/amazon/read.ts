import type { PlatformChange } from '../../../model/change.ts';
import { naturalBatch, type Settled } from '../natural-batch.ts';
import { type AmazonSession, ask, type Patience } from './client.ts';
import { isFromElsewhere, mayHaveRefunds, orderChange } from './normalise-order.ts';
import { fbaLevelChange, fbaLocationChange, listingChange } from './normalise-stock.ts';
import {
  getOrderAnswer,
  inventorySummariesAnswer,
  type ListingPayload,
  listingPayload,
  listTransactionsAnswer,
  type OrderPayload,
  searchListingsAnswer,
  type TransactionPayload,
} from './payloads.ts';

/** Everything of an order that the graph has a use for. Expenses are the marketplace's business with the seller. */
export const orderData = [
  'BUYER',
  'RECIPIENT',
  'PROCEEDS',
  'PROMOTION',
  'CANCELLATION',
  'FULFILLMENT',
  'PACKAGES',
  'TAX',
] as const;

export const listingData = ['summaries', 'offers', 'fulfillmentAvailability', 'issues'] as const;

/** `elsewhere`: an order of another shop that Amazon only sends. */
export type OrderRead =
  | { kind: 'order'; change: PlatformChange; lastUpdatedAt: Date }
  | { kind: 'elsewhere' }
  | { kind: 'missing' };

/** An order with its refunds, as Amazon has it now. */
export async function readOrder(
  session: AmazonSession,
  orderId: string,
  patience: Patience,
): Promise<OrderRead> {
  const observedAt = new Date(session.now());
  const answer = await ask(
    session,
    {
      operation: 'getOrder',
      path: `/orders/2026-01-01/orders/${encodeURIComponent(orderId)}`,
      query: { includedData: orderData },
    },
    patience,
  );
  if (answer === null) return { kind: 'missing' };
  const { order } = getOrderAnswer.parse(answer);
  if (isFromElsewhere(order)) return { kind: 'elsewhere' };
  const transactions = await readTransactions(session, order, patience);
  return {
    kind: 'order',
    change: orderChange(order, transactions, observedAt),
    lastUpdatedAt: order.lastUpdatedTime,
  };
}

/** All financial transactions about an order; none is asked for where there can be none. */
export async function readTransactions(
  session: AmazonSession,
  order: OrderPayload,
  patience: Patience,
): Promise<TransactionPayload[]> {
  if (!mayHaveRefunds(order)) return [];
  return Array.fromAsync(
    transactionPages(
      session,
      { relatedIdentifierName: 'ORDER_ID', relatedIdentifierValue: order.orderId },
      patience,
    ),
  ).then((pages) => pages.flat());
}

export async function* transactionPages(
  session: AmazonSession,
  query: Record<string, string>,
  patience: Patience,
): AsyncGenerator<TransactionPayload[]> {
  let nextToken: string | undefined;
  do {
    const answer = listTransactionsAnswer.parse(
      await ask(
        session,
        {
          operation: 'listTransactions',
          path: '/finances/2024-06-19/transactions',
          query: { ...query, nextToken },
        },
        patience,
      ),
    );
    yield answer.payload?.transactions ?? [];
    nextToken = answer.payload?.nextToken ?? undefined;
  } while (nextToken !== undefined && nextToken !== '');
}

/** Null where the account has no such offer. Several that are asked for at the same time travel together. */
export function readListing(session: AmazonSession, sku: string): Promise<ListingPayload | null> {
  const kept = session.cache.get(listingReaderKey) as ListingReader | undefined;
  if (kept !== undefined) return kept(sku);
  const reader: ListingReader = naturalBatch<string, ListingPayload | null>({
    max: listingsPerRead,
    concurrent: 2,
    run: (skus) => readListings(session, skus),
  });
  session.cache.set(listingReaderKey, reader);
  return reader(sku);
}

type ListingReader = (sku: string) => Promise<ListingPayload | null>;
const listingReaderKey = 'amazon.listing-reader';
/** As many as one search takes by their numbers. */
const listingsPerRead = 20;

async function readListings(
  session: AmazonSession,
  skus: readonly string[],
): Promise<Settled<ListingPayload | null>[]> {
  // A comma in a number would be read as two numbers.
  const together = [...new Set(skus)].filter((sku) => !sku.includes(','));
  const found =
    together.length > 1 ? await searchListings(session, together) : new Map<string, ListingPayload>();
  return Promise.all(
    skus.map(async (sku): Promise<Settled<ListingPayload | null>> => {
      const listing = found.get(sku);
      if (listing !== undefined) return { ok: true, value: listing };
      try {
        // What a search does not find may still be there: only the question by number decides.
        return { ok: true, value: await readOneListing(session, sku) };
      } catch (error) {
        return { ok: false, error };
      }
    }),
  );
}

async function searchListings(
  session: AmazonSession,
  skus: readonly string[],
): Promise<Map<string, ListingPayload>> {
  const { marketplaceId } = await session.credentials();
  const answer = searchListingsAnswer.parse(
    await ask(
      session,
      {
        operation: 'searchListingsItems',
        path: `/listings/2021-08-01/items/${encodeURIComponent(session.accountId)}`,
        query: {
          marketplaceIds: [marketplaceId],
          includedData: listingData,
          identifiers: skus,
          identifiersType: 'SKU',
          pageSize: listingsPerRead,
        },
      },
      'wait',
    ),
  );
  return new Map(answer.items.map((listing) => [listing.sku, listing]));
}

async function readOneListing(session: AmazonSession, sku: string): Promise<ListingPayload | null> {
  const { marketplaceId } = await session.credentials();
  const answer = await ask(
    session,
    {
      operation: 'getListingsItem',
      path: listingPath(session, sku),
      query: { marketplaceIds: [marketplaceId], includedData: listingData },
    },
    'wait',
  );
  return answer === null ? null : listingPayload.parse(answer);
}

export function listingPath(session: AmazonSession, sku: string): string {
  return `/listings/2021-08-01/items/${encodeURIComponent(session.accountId)}/${encodeURIComponent(sku)}`;
}

export async function readListingChanges(session: AmazonSession, sku: string): Promise<PlatformChange[]> {
  const observedAt = new Date(session.now());
  const { marketplaceId } = await session.credentials();
  const listing = await readListing(session, sku);
  const change = listing === null ? null : listingChange(listing, marketplaceId, observedAt);
  return change === null ? [] : [change];
}

/** Stock of goods in Amazon's warehouses, page after page; all of it, or of one number, or what changed since. */
export async function* fbaLevelPages(
  session: AmazonSession,
  which: { sku?: string; since?: Date },
  patience: Patience,
): AsyncGenerator<PlatformChange[]> {
  const { marketplaceId } = await session.credentials();
  let nextToken: string | undefined;
  do {
    const observedAt = new Date(session.now());
    const answer = inventorySummariesAnswer.parse(
      await ask(
        session,
        {
          operation: 'getInventorySummaries',
          path: '/fba/inventory/v1/summaries',
          query: {
            details: 'true',
            granularityType: 'Marketplace',
            granularityId: marketplaceId,
            marketplaceIds: [marketplaceId],
            sellerSkus: which.sku === undefined ? undefined : [which.sku],
            startDateTime: which.since?.toISOString(),
            nextToken,
          },
        },
        patience,
      ),
    );
    const summaries = answer.payload?.inventorySummaries ?? [];
    if (summaries.length > 0)
      yield [fbaLocationChange(observedAt), ...summaries.map((one) => fbaLevelChange(one, observedAt))];
    nextToken = answer.pagination?.nextToken ?? undefined;
  } while (nextToken !== undefined && nextToken !== '');
}
