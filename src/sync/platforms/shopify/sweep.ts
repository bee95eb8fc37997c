import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import { customerAnswer, levelAnswer, locationAnswer, orderAnswer, page, productAnswer } from './answers.ts';
import { type Answer, type Ask, ask, type Cost, type ShopifySession } from './api.ts';
import type { DocumentName } from './documents.ts';
import { withMetafields } from './metafields.ts';
import { isPayoutsDenied, payoutChange, payoutsShape } from './payouts.ts';
import {
  customerChange,
  levelChange,
  locationChange,
  orderChanges,
  productChange,
  variantsPerPage,
} from './read.ts';

/**
 * Everything that changed since then, oldest first; places and goods before the stock and orders that speak of them.
 * What changes while it is read moves to the end of the list and is met again there.
 */
export async function* sweep(
  session: ShopifySession,
  { since }: { since: Date | null },
): AsyncIterable<PlatformChange[]> {
  const query = since === null ? null : `updated_at:>='${since.toISOString()}'`;
  const locationIds: string[] = [];

  for await (const { data, observedAt } of pages(
    session,
    'locations',
    {},
    locationsShape,
    50,
    (d) => d.locations,
  )) {
    locationIds.push(...data.locations.nodes.map((one) => one.id));
    yield data.locations.nodes
      .filter((one) => since === null || one.updatedAt >= since)
      .map((one) => locationChange(one, observedAt));
  }

  const ofProducts = { query, variants: variantsPerPage };
  for await (const { data, observedAt } of pages(
    session,
    'products',
    ofProducts,
    productsShape,
    25,
    (d) => d.products,
  )) {
    const batch: PlatformChange[] = [];
    for (const product of data.products.nodes)
      batch.push(await productChange(session, product, data.shop.currencyCode, observedAt, askPatiently));
    yield batch;
  }

  for (const locationId of locationIds) {
    const ofLevels = { locationId, query };
    for await (const { data, observedAt } of pages(
      session,
      'levels',
      ofLevels,
      levelsShape,
      100,
      (d) => d.location?.inventoryLevels,
    ))
      yield (data.location?.inventoryLevels.nodes ?? []).map((one) => levelChange(one, observedAt));
  }

  for await (const { data, observedAt } of pages(
    session,
    'customers',
    { query },
    customersShape,
    100,
    (d) => d.customers,
  ))
    yield await withMetafields(
      session,
      'Customer',
      data.customers.nodes.map((one) => customerChange(one, observedAt)),
      askPatiently,
    );

  const ofOrders = { query, lines: linesPerSweptOrder };
  for await (const { data, observedAt } of pages(
    session,
    'orders',
    ofOrders,
    ordersShape,
    ordersPerPage,
    (d) => d.orders,
  ))
    yield await withMetafields(
      session,
      'Order',
      await orderChanges(session, data.orders.nodes, observedAt, askPatiently),
      askPatiently,
    );

  yield* payouts(session, since);
}

/** A bank may refuse a payout days after it was issued, and no time of change tells of it: recent ones are read again. */
const payoutsSettleMs = 14 * 24 * 60 * 60_000;

/** Last, because payouts speak of orders. Apps may be without the scope that shows them. */
async function* payouts(session: ShopifySession, since: Date | null): AsyncIterable<PlatformChange[]> {
  const from = since === null ? null : new Date(since.getTime() - payoutsSettleMs).toISOString();
  const query = from === null ? null : `issued_at:>='${from}'`;
  try {
    for await (const { data, observedAt } of pages(
      session,
      'payouts',
      { query },
      payoutsShape,
      25,
      (d) => d.shopifyPaymentsAccount?.payouts,
    )) {
      for (const payout of data.shopifyPaymentsAccount?.payouts.nodes ?? [])
        yield [await payoutChange(session, payout, observedAt, askPatiently)];
    }
  } catch (error) {
    if (!isPayoutsDenied(error)) throw error;
    session.log.warn('Shopify shows this app no payouts; they are left out');
  }
}

/** An order asks for some 190 points whatever it holds, and a query may ask for 1,000. */
const ordersPerPage = 5;
const linesPerSweptOrder = 20;

const locationsShape = z.object({ locations: page(locationAnswer) });
const productsShape = z.object({
  shop: z.object({ currencyCode: z.string().length(3) }),
  products: page(productAnswer),
});
const levelsShape = z.object({ location: z.object({ inventoryLevels: page(levelAnswer) }).nullable() });
const customersShape = z.object({ customers: page(customerAnswer) });
const ordersShape = z.object({ orders: page(orderAnswer) });

interface PageInfo {
  hasNextPage: boolean;
  endCursor: string | null;
}

/** Page after page of a list, as large as Shopify's cost limit lets it be. */
export async function* pages<T extends z.ZodType>(
  session: ShopifySession,
  document: DocumentName,
  variables: Record<string, unknown>,
  shape: T,
  largest: number,
  listOf: (data: z.output<T>) => { pageInfo: PageInfo } | undefined,
): AsyncGenerator<{ data: z.output<T>; observedAt: Date }> {
  let first = largest;
  let after: string | null = null;
  for (;;) {
    const observedAt = new Date(session.now());
    let answer: Answer<z.output<T>>;
    try {
      answer = await askPatiently(session, document, { ...variables, first, after }, shape);
    } catch (error) {
      // Large records in one page cost more than one query may: take fewer at once.
      if (!(error instanceof AppError) || error.code !== 'SHOPIFY_QUERY_TOO_COSTLY' || first === 1)
        throw error;
      first = Math.max(1, Math.floor(first / 2));
      continue;
    }
    yield { data: answer.data, observedAt };
    const info = listOf(answer.data)?.pageInfo;
    if (info === undefined || !info.hasNextPage) return;
    after = info.endCursor;
    await leaveRoom(answer.cost);
  }
}

const mostAttempts = 8;

/** A sweep has time: it waits where live work would be handed back to the queue. */
const askPatiently: Ask = async (...question) => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask(...question);
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable || attempt >= mostAttempts) throw error;
      await sleep(error.retryAfterMs ?? 250 * 2 ** attempt);
    }
  }
};

/** Half of the bucket belongs to live deliveries and pushes. */
async function leaveRoom(cost: Cost | null): Promise<void> {
  if (cost === null || cost.restorePerSecond <= 0) return;
  const missing = cost.maximum / 2 - cost.available;
  if (missing > 0) await sleep(Math.min(10_000, (missing / cost.restorePerSecond) * 1_000));
}
