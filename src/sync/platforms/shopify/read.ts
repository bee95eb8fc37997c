import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import {
  type CustomerAnswer,
  customerAnswer,
  type FulfillmentAnswer,
  fulfillmentAnswer,
  fulfillmentLineAnswer,
  type LevelAnswer,
  type LocationAnswer,
  levelAnswer,
  lineAnswer,
  locationAnswer,
  type OrderAnswer,
  orderAnswer,
  type ProductAnswer,
  page,
  productAnswer,
  type RefundAnswer,
  refundAnswer,
  refundLineAnswer,
  returnsAnswer,
  reverseLineAnswer,
  variantAnswer,
} from './answers.ts';
import { type Ask, ask, type ShopifySession } from './api.ts';
import type { DocumentName } from './documents.ts';
import { observedCustomer, observedOrder } from './normalise.ts';
import {
  customerFromAnswer,
  locationFromAnswer,
  type OrderRead,
  orderFromAnswer,
  productFromAnswer,
} from './normalise-answers.ts';
import type { ReturnTold } from './return-fates.ts';
import { gidOf, idOf, restockTypeOf } from './vocabulary.ts';

/** Sizes of pages within a record: most orders and products fit into the first one. */
const linesPerPage = 50;
export const variantsPerPage = 50;
/** Refunds and fulfilments read at once; each may bring a page of lines. */
const partsPerRequest = 10;

/** The order as Shopify has it now; null where it has none that we may see. */
export async function readOrder(session: ShopifySession, id: string): Promise<PlatformChange | null> {
  const observedAt = new Date(session.now());
  const { data } = await ask(
    session,
    'order',
    { id: gidOf('Order', id), lines: linesPerPage },
    z.object({ order: orderAnswer.nullable() }),
  );
  if (data.order === null) return null;
  const [change] = await orderChanges(session, [data.order], observedAt);
  return change ?? null;
}

/** Completes orders with what is read beside them: further lines, refunds and fulfilments. */
export async function orderChanges(
  session: ShopifySession,
  orders: readonly OrderAnswer[],
  observedAt: Date,
  put: Ask = ask,
): Promise<PlatformChange[]> {
  const parts = await readParts(
    session,
    put,
    orders.flatMap((order) => [...order.refunds, ...order.fulfillments].map((part) => part.id)),
  );
  const changes: PlatformChange[] = [];
  for (const order of orders) {
    const lines = await allOf(
      session,
      put,
      'orderLines',
      order.id,
      order.lineItems,
      (data) => orderLinesShape.parse(data).order?.lineItems,
    );
    const read: OrderRead = {
      order: { ...order, lineItems: { ...order.lineItems, nodes: lines } },
      refunds: order.refunds.flatMap((one) => parts.refunds.get(one.id) ?? []),
      fulfilments: order.fulfillments.flatMap((one) => parts.fulfilments.get(one.id) ?? []),
      returns: await readReturns(
        session,
        put,
        order.refunds.flatMap((one) => parts.refunds.get(one.id) ?? []),
      ),
    };
    const canonical = orderFromAnswer(read);
    changes.push({
      kind: 'order',
      remoteId: idOf(order.id),
      version: { sourceUpdatedAt: order.updatedAt, observedAt },
      order: canonical,
      observed: observedOrder(order),
    });
  }
  return changes;
}

export async function readCustomer(session: ShopifySession, id: string): Promise<PlatformChange | null> {
  const observedAt = new Date(session.now());
  const { data } = await ask(
    session,
    'customer',
    { id: gidOf('Customer', id) },
    z.object({ customer: customerAnswer.nullable() }),
  );
  return data.customer === null ? null : customerChange(data.customer, observedAt);
}

export function customerChange(customer: CustomerAnswer, observedAt: Date): PlatformChange {
  return {
    kind: 'customer',
    remoteId: idOf(customer.id),
    version: { sourceUpdatedAt: customer.updatedAt, observedAt },
    customer: customerFromAnswer(customer),
    observed: observedCustomer(factsOf(customer)),
  };
}

/** The fields that we may write, in Shopify's own words. */
export function factsOf(customer: CustomerAnswer): Parameters<typeof observedCustomer>[0] {
  return {
    firstName: customer.firstName,
    lastName: customer.lastName,
    email: customer.defaultEmailAddress?.emailAddress ?? null,
    phone: customer.defaultPhoneNumber?.phoneNumber ?? null,
    note: customer.note,
    tags: customer.tags,
  };
}

const shop = z.object({ currencyCode: z.string().length(3) });

export async function readProduct(session: ShopifySession, id: string): Promise<PlatformChange | null> {
  const observedAt = new Date(session.now());
  const { data } = await ask(
    session,
    'product',
    { id: gidOf('Product', id), variants: variantsPerPage },
    z.object({ shop, product: productAnswer.nullable() }),
  );
  if (data.product === null) return null;
  return productChange(session, data.product, data.shop.currencyCode, observedAt);
}

export async function productChange(
  session: ShopifySession,
  product: ProductAnswer,
  shopCurrency: string,
  observedAt: Date,
  put: Ask = ask,
): Promise<PlatformChange> {
  const variants = await allOf(
    session,
    put,
    'productVariants',
    product.id,
    product.variants,
    (data) => variantsShape.parse(data).product?.variants,
  );
  return {
    kind: 'product',
    remoteId: idOf(product.id),
    version: { sourceUpdatedAt: product.updatedAt, observedAt },
    product: productFromAnswer(
      { ...product, variants: { ...product.variants, nodes: variants } },
      shopCurrency,
    ),
  };
}

/** The product that an inventory item belongs to. */
export async function readProductOfItem(
  session: ShopifySession,
  itemId: string,
): Promise<PlatformChange | null> {
  const { data } = await ask(
    session,
    'productOfItem',
    { id: gidOf('InventoryItem', itemId) },
    z.object({
      inventoryItem: z
        .object({ variant: z.object({ product: z.object({ id: z.string() }) }).nullable() })
        .nullable(),
    }),
  );
  const productId = data.inventoryItem?.variant?.product.id;
  return productId === undefined ? null : readProduct(session, idOf(productId));
}

export async function readLocation(session: ShopifySession, id: string): Promise<PlatformChange | null> {
  const observedAt = new Date(session.now());
  const { data } = await ask(
    session,
    'location',
    { id: gidOf('Location', id) },
    z.object({ location: locationAnswer.nullable() }),
  );
  return data.location === null ? null : locationChange(data.location, observedAt);
}

export function locationChange(location: LocationAnswer, observedAt: Date): PlatformChange {
  return {
    kind: 'location',
    remoteId: idOf(location.id),
    version: { sourceUpdatedAt: location.updatedAt, observedAt },
    location: locationFromAnswer(location),
  };
}

export async function readLevel(
  session: ShopifySession,
  itemId: string,
  locationId: string,
): Promise<PlatformChange | null> {
  const observedAt = new Date(session.now());
  const { data } = await ask(
    session,
    'level',
    { itemId: gidOf('InventoryItem', itemId), locationId: gidOf('Location', locationId) },
    z.object({ inventoryItem: z.object({ inventoryLevel: levelAnswer.nullable() }).nullable() }),
  );
  const level = data.inventoryItem?.inventoryLevel ?? null;
  return level === null ? null : levelChange(level, observedAt);
}

export function levelChange(level: LevelAnswer, observedAt: Date): PlatformChange {
  const named = new Map(level.quantities.map((one) => [one.name, one.quantity]));
  const told = <K extends string>(key: K, name: string): Partial<Record<K, number>> => {
    const quantity = named.get(name);
    return quantity === undefined ? {} : ({ [key]: quantity } as Record<K, number>);
  };
  const available = named.get('available') ?? null;
  return {
    kind: 'stockLevel',
    inventoryItemRemoteId: idOf(level.item.id),
    locationRemoteId: idOf(level.location.id),
    version: { sourceUpdatedAt: level.updatedAt, observedAt },
    available,
    ...told('onHand', 'on_hand'),
    ...told('committed', 'committed'),
    ...told('incoming', 'incoming'),
    observed: { available },
  };
}

/** The order that goods travel back from; null where Shopify has none that we may see. */
export async function readOrderOfReverse(
  session: ShopifySession,
  id: string,
): Promise<PlatformChange | null> {
  const { data } = await ask(
    session,
    'orderOfReverse',
    { id: gidOf('ReverseFulfillmentOrder', id) },
    z.object({
      reverseFulfillmentOrder: z.object({ order: z.object({ id: z.string() }).nullable() }).nullable(),
    }),
  );
  const orderId = data.reverseFulfillmentOrder?.order?.id;
  return orderId === undefined ? null : readOrder(session, idOf(orderId));
}

/** Sizes that keep the cost of a question about returns low: it grows with their product. */
const returnsPerRequest = 2;
const reverseLinesPerPage = 20;

/**
 * What became of goods that refunds did not put back. Asked for those alone: few orders have any, and an app without the
 * scope for returns may not ask.
 */
async function readReturns(
  session: ShopifySession,
  put: Ask,
  refunds: readonly RefundAnswer[],
): Promise<ReturnTold[]> {
  const open = refunds.filter((refund) =>
    refund.refundLineItems.nodes.some((line) => restockTypeOf(line.restockType) === 'no_restock'),
  );
  if (open.length === 0 || session.cache.get(noReturns) === true) return [];
  const returns = new Map<string, ReturnTold>();
  // All refunds of an order, because one return may be paid back in several.
  for (let from = 0; from < refunds.length; from += returnsPerRequest) {
    const ids = refunds.slice(from, from + returnsPerRequest).map((one) => one.id);
    const answer = await askReturns(session, put, ids);
    if (answer === null) return [];
    for (const node of answer.nodes) {
      if (!node?.return) continue;
      const known = returns.get(node.return.id);
      if (known !== undefined) {
        known.refundRemoteIds.push(idOf(node.id));
        continue;
      }
      const told: ReturnTold = { refundRemoteIds: [idOf(node.id)], lines: [] };
      returns.set(node.return.id, told);
      for (const reverse of node.return.reverseFulfillmentOrders.nodes)
        told.lines.push(
          ...(await allOf(
            session,
            put,
            'reverseLines',
            reverse.id,
            reverse.lineItems,
            (more) => reverseLinesShape.parse(more).reverseFulfillmentOrder?.lineItems,
          )),
        );
    }
  }
  return [...returns.values()];
}

const noReturns = 'noReturns';

/** Null where the app may not see returns: what became of the goods is then simply not known. */
async function askReturns(
  session: ShopifySession,
  put: Ask,
  ids: readonly string[],
): Promise<z.output<typeof returnsAnswer> | null> {
  try {
    const { data } = await put(session, 'returns', { ids, lines: reverseLinesPerPage }, returnsAnswer);
    return data;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'SHOPIFY_ACCESS_DENIED') throw error;
    session.cache.set(noReturns, true);
    session.log.warn('without the scope read_returns nobody tells whether returned goods can be sold');
    return null;
  }
}

const reverseLinesShape = z.object({
  reverseFulfillmentOrder: z.object({ lineItems: page(reverseLineAnswer) }).nullable(),
});
const orderLinesShape = z.object({ order: z.object({ lineItems: page(lineAnswer) }).nullable() });
const variantsShape = z.object({ product: z.object({ variants: page(variantAnswer) }).nullable() });
const refundLinesShape = z.object({
  refund: z.object({ refundLineItems: page(refundLineAnswer) }).nullable(),
});
const fulfilmentLinesShape = z.object({
  fulfillment: z.object({ fulfillmentLineItems: page(fulfillmentLineAnswer) }).nullable(),
});
const partsShape = z.object({
  nodes: z.array(z.union([refundAnswer, fulfillmentAnswer]).nullable()),
});

interface Parts {
  refunds: Map<string, RefundAnswer>;
  fulfilments: Map<string, FulfillmentAnswer>;
}

async function readParts(session: ShopifySession, put: Ask, ids: readonly string[]): Promise<Parts> {
  const parts: Parts = { refunds: new Map(), fulfilments: new Map() };
  for (let from = 0; from < ids.length; from += partsPerRequest) {
    const { data } = await put(
      session,
      'orderParts',
      { ids: ids.slice(from, from + partsPerRequest), lines: linesPerPage },
      partsShape,
    );
    for (const node of data.nodes) {
      if (node?.__typename === 'Refund') {
        const lines = await allOf(
          session,
          put,
          'refundLines',
          node.id,
          node.refundLineItems,
          (more) => refundLinesShape.parse(more).refund?.refundLineItems,
        );
        parts.refunds.set(node.id, { ...node, refundLineItems: { ...node.refundLineItems, nodes: lines } });
      } else if (node?.__typename === 'Fulfillment') {
        const lines = await allOf(
          session,
          put,
          'fulfillmentLines',
          node.id,
          node.fulfillmentLineItems,
          (more) => fulfilmentLinesShape.parse(more).fulfillment?.fulfillmentLineItems,
        );
        parts.fulfilments.set(node.id, {
          ...node,
          fulfillmentLineItems: { ...node.fulfillmentLineItems, nodes: lines },
        });
      }
    }
  }
  return parts;
}

interface Page<T> {
  nodes: T[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** All nodes of a list within a record, page after page. */
async function allOf<T>(
  session: ShopifySession,
  put: Ask,
  document: DocumentName,
  id: string,
  first: Page<T>,
  pageOf: (data: unknown) => Page<T> | undefined,
): Promise<T[]> {
  const nodes = [...first.nodes];
  let { pageInfo } = first;
  while (pageInfo.hasNextPage) {
    const { data } = await put(
      session,
      document,
      { id, first: linesPerPage, after: pageInfo.endCursor },
      z.unknown(),
    );
    const next = pageOf(data);
    if (next === undefined) break;
    nodes.push(...next.nodes);
    pageInfo = next.pageInfo;
  }
  return nodes;
}
