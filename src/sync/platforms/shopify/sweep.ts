import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError, unreachable } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import type { SweepQuestion } from '../platform.ts';
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
import { type SweepLeg, SweepWay } from './sweep-way.ts';

/**
 * Everything that changed since then, oldest first; places and goods before the stock and orders that speak of them.
 * What changes while it is read moves to the end of the list and is met again there.
 */
export async function* sweep(
  session: ShopifySession,
  question: SweepQuestion,
): AsyncIterable<PlatformChange[]> {
  const { since } = question;
  const query = since === null ? null : `updated_at:>='${since.toISOString()}'`;
  const locationIds: string[] = [];
  // There are few, and stock is read place by place: they are read again where an earlier reading goes on.
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
  const way = await SweepWay.find(session, question, locationIds);
  for (const leg of way.legs) yield* legPages(session, way, leg, query);
  yield* payouts(session, since);
}

/** The pages of one list, each told with how far it leads. */
async function* legPages(
  session: ShopifySession,
  way: SweepWay,
  leg: SweepLeg,
  query: string | null,
): AsyncIterable<PlatformChange[]> {
  const after = way.startOf(leg);
  const put = askPatiently;
  switch (leg.list) {
    case 'products':
      for await (const { data, observedAt, next } of pages(
        session,
        'products',
        { query, variants: variantsPerPage },
        productsShape,
        25,
        (d) => d.products,
        after,
      )) {
        const batch: PlatformChange[] = [];
        for (const product of data.products.nodes)
          batch.push(await productChange(session, product, data.shop.currencyCode, observedAt, put));
        way.reach(leg, next, batch.length);
        yield batch;
      }
      return;
    case 'levels':
      for await (const { data, observedAt, next } of pages(
        session,
        'levels',
        { locationId: leg.locationId, query },
        levelsShape,
        levelsPerPage,
        (d) => d.location?.inventoryLevels,
        after,
      )) {
        const nodes = data.location?.inventoryLevels.nodes ?? [];
        way.reach(leg, next, nodes.length);
        yield nodes.map((one) => levelChange(one, observedAt));
      }
      return;
    case 'customers':
      for await (const { data, observedAt, next } of pages(
        session,
        'customers',
        { query },
        customersShape,
        100,
        (d) => d.customers,
        after,
      )) {
        const batch = data.customers.nodes.map((one) => customerChange(one, observedAt));
        const changes = await withMetafields(session, 'Customer', batch, put);
        way.reach(leg, next, batch.length);
        yield changes;
      }
      return;
    case 'orders':
      for await (const { data, observedAt, next } of pages(
        session,
        'orders',
        { query, lines: linesPerSweptOrder },
        ordersShape,
        ordersPerPage,
        (d) => d.orders,
        after,
      )) {
        const batch = await orderChanges(session, data.orders.nodes, observedAt, put);
        const changes = await withMetafields(session, 'Order', batch, put);
        way.reach(leg, next, data.orders.nodes.length);
        yield changes;
      }
      return;
    default:
      return unreachable(leg);
  }
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
/** As many as one request may ask for, and as one transaction takes. */
const levelsPerPage = 250;
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
  from: string | null = null,
): AsyncGenerator<{ data: z.output<T>; observedAt: Date; next: string | null }> {
  let first = largest;
  let after = from;
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
    const info = listOf(answer.data)?.pageInfo;
    after = info?.hasNextPage === true ? info.endCursor : null;
    yield { data: answer.data, observedAt, next: after };
    if (after === null) return;
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
