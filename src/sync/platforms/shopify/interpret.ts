import type { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import { normalizeEmail } from '../../../model/customer.ts';
import type { DeliveryFacts, Interpretation } from '../platform.ts';
import type { ShopifySession } from './api.ts';
import { parseExact } from './exact-json.ts';
import { metafieldsTold, withMetafields } from './metafields.ts';
import {
  customerFromPayload,
  fulfilmentFromPayload,
  locationFromPayload,
  observedCustomer,
  observedOrder,
  orderFromPayload,
  refundFromPayload,
  refundStandsAlone,
  tellsAll,
} from './normalise.ts';
import {
  customerMergePayload,
  customerPayload,
  customerRedactPayload,
  dataRequestPayload,
  fulfillmentPayload,
  identifiedPayload,
  levelPayload,
  locationPayload,
  orderPayload,
  refundPayload,
  removedPayload,
  shopRedactPayload,
  uninstalledPayload,
} from './payloads.ts';
import {
  readCustomer,
  readLevel,
  readLocation,
  readOrder,
  readOrderOfReverse,
  readProduct,
  readProductOfItem,
} from './read.ts';
import { hashOfProduct, isSeen, noteSeen, timeOfProduct } from './seen-products.ts';
import { idOf } from './vocabulary.ts';

/**
 * What a delivery says in our words. Payloads that say all are taken at their word; thin ones, unreadable ones and all
 * where `fresh` is asked for are read from Shopify again.
 */
export async function interpret(
  delivery: DeliveryFacts,
  session: ShopifySession,
  { fresh }: { fresh: boolean },
): Promise<Interpretation> {
  const { topic } = delivery;
  const body = parseExact(delivery.body);
  const [kind = ''] = topic.split('/');
  switch (topic) {
    case 'orders/delete':
      return changes({ kind: 'orderRemoved', remoteId: idOfRemoved(body), version: told(delivery) });
    case 'customers/delete':
      return changes({ kind: 'customerRemoved', remoteId: idOfRemoved(body), version: told(delivery) });
    case 'products/delete':
      return changes({ kind: 'productRemoved', remoteId: idOfRemoved(body), version: told(delivery) });
    case 'customers/merge':
      return merged(body, session);
    case 'customers/data_request':
      return exportAsked(body, delivery, session);
    case 'customers/redact':
      return erasureAsked(body, delivery, session);
    case 'shop/redact':
      await assertOfThisShop(understood(shopRedactPayload, body).shop_domain, session);
      return changes({ kind: 'accountErase', version: told(delivery) });
    case 'locations/delete':
      return { kind: 'ignored', reason: 'A location is deactivated before it is deleted, which was told.' };
    case 'inventory_items/delete':
      return { kind: 'ignored', reason: 'The product’s own deletion or update tells it.' };
    case 'app/uninstalled':
      return uninstalled(body, delivery, session);
  }
  switch (kind) {
    case 'orders':
      return topic === 'orders/edited' || fresh
        ? orderRead(delivery, session)
        : orderTold(delivery, body, session);
    case 'refunds':
      return fresh ? orderRead(delivery, session) : refundTold(delivery, body, session);
    case 'fulfillments':
      return fresh ? orderRead(delivery, session) : fulfilmentTold(body);
    case 'reverse_fulfillment_orders':
      return found(
        await readOrderOfReverse(session, idFrom(body)),
        'The goods travel back for no order that Shopify shows us.',
      );
    case 'order_transactions':
      // A transaction on its own does not say what the order then is.
      return orderRead(delivery, session);
    case 'customers':
      return fresh ? customerRead(delivery, session) : customerTold(body, session);
    case 'products':
      // The payload tells neither cost nor whether stock is counted, and stops at 100 variants.
      return fresh ? productRead(idFrom(body), session) : productTold(delivery, body, session);
    case 'inventory_items':
      return found(
        await readProductOfItem(session, idFrom(body)),
        'The item belongs to no product any more.',
      );
    case 'inventory_levels':
      return levelTold(delivery, body, session, fresh);
    case 'locations':
      return fresh ? locationRead(delivery, session) : locationTold(body);
    default:
      return { kind: 'ignored', reason: `The graph has no use for ${topic.slice(0, 80)}.` };
  }
}

async function orderTold(
  delivery: DeliveryFacts,
  body: unknown,
  session: ShopifySession,
): Promise<Interpretation> {
  const parsed = orderPayload.safeParse(body);
  if (!parsed.success) {
    // Rather one read than an order that waits for a person: Shopify changes payloads more often than its schema.
    session.log.warn(
      { delivery: String(delivery.id), issue: parsed.error.issues[0] },
      'order payload is not as known; reading the order instead',
    );
    return orderRead(delivery, session);
  }
  const order = parsed.data;
  if (!tellsAll(order)) return orderRead(delivery, session);
  const canonical = orderFromPayload(order);
  const metafields =
    order.metafields === undefined
      ? null
      : metafieldsTold(await session.customFields(), 'Order', {
          id: order.id,
          updatedAt: order.updated_at,
          metafields: order.metafields,
        });
  const change: PlatformChange = {
    kind: 'order',
    remoteId: order.id,
    version: { sourceUpdatedAt: order.updated_at, observedAt: null },
    order: canonical,
    observed: observedOrder(canonical),
  };
  return changes(change, ...(metafields === null ? [] : [metafields]));
}

async function refundTold(
  delivery: DeliveryFacts,
  body: unknown,
  session: ShopifySession,
): Promise<Interpretation> {
  const refund = understood(refundPayload, body);
  // Removed units, change and goodwill look alike here: only the order tells them apart.
  if (!refundStandsAlone(refund)) return orderRead(delivery, session);
  return changes({
    kind: 'refund',
    orderRemoteId: refund.order_id,
    version: { sourceUpdatedAt: refund.created_at, observedAt: null },
    refund: refundFromPayload(refund),
  });
}

function fulfilmentTold(body: unknown): Interpretation {
  const fulfilment = understood(fulfillmentPayload, body);
  return changes({
    kind: 'fulfilment',
    orderRemoteId: fulfilment.order_id,
    version: { sourceUpdatedAt: fulfilment.updated_at, observedAt: null },
    fulfilment: fulfilmentFromPayload(fulfilment),
  });
}

async function customerTold(body: unknown, session: ShopifySession): Promise<Interpretation> {
  const customer = understood(customerPayload, body);
  const canonical = customerFromPayload(customer);
  const metafields =
    customer.metafields === undefined
      ? null
      : metafieldsTold(await session.customFields(), 'Customer', {
          id: customer.id,
          updatedAt: customer.updated_at,
          metafields: customer.metafields,
        });
  const change: PlatformChange = {
    kind: 'customer',
    remoteId: customer.id,
    version: { sourceUpdatedAt: customer.updated_at, observedAt: null },
    customer: canonical,
    observed: observedCustomer({
      firstName: customer.first_name,
      lastName: customer.last_name,
      email: customer.email,
      phone: customer.phone,
      note: customer.note,
      ...(canonical.tags === undefined ? {} : { tags: canonical.tags }),
    }),
  };
  return changes(change, ...(metafields === null ? [] : [metafields]));
}

function locationTold(body: unknown): Interpretation {
  const location = understood(locationPayload, body);
  return changes({
    kind: 'location',
    remoteId: location.id,
    version: { sourceUpdatedAt: location.updated_at, observedAt: null },
    location: locationFromPayload(location),
  });
}

async function levelTold(
  delivery: DeliveryFacts,
  body: unknown,
  session: ShopifySession,
  fresh: boolean,
): Promise<Interpretation> {
  const level = understood(levelPayload, body);
  const gone = delivery.topic === 'inventory_levels/disconnect';
  if (fresh) {
    const read = await readLevel(session, level.inventory_item_id, level.location_id);
    if (read !== null) return changes(read);
  }
  // What is not stocked there cannot be sold from there.
  const available = gone || fresh ? 0 : (level.available ?? null);
  return changes({
    kind: 'stockLevel',
    inventoryItemRemoteId: level.inventory_item_id,
    locationRemoteId: level.location_id,
    version: {
      sourceUpdatedAt: level.updated_at ?? delivery.triggeredAt ?? delivery.receivedAt,
      observedAt: fresh ? new Date(session.now()) : null,
    },
    available,
    observed: { available },
  });
}

async function orderRead(delivery: DeliveryFacts, session: ShopifySession): Promise<Interpretation> {
  const id = subjectId(delivery);
  const read = await readOrder(session, id);
  if (read !== null) return changes(...(await withMetafields(session, 'Order', [read])));
  return {
    kind: 'person',
    reason: `Shopify shows us no order ${id}.`,
    remedy:
      'If the order was deleted, dismiss the delivery with a reason (deliveryDismiss). Otherwise the app may only see the last 60 days: ask Shopify for the scope read_all_orders and replay the delivery.',
  };
}

async function customerRead(delivery: DeliveryFacts, session: ShopifySession): Promise<Interpretation> {
  const id = subjectId(delivery);
  const observedAt = new Date(session.now());
  const read = await readCustomer(session, id);
  if (read !== null) return changes(...(await withMetafields(session, 'Customer', [read])));
  return changes({
    kind: 'customerRemoved',
    remoteId: id,
    version: { sourceUpdatedAt: observedAt, observedAt },
  });
}

async function productTold(
  delivery: DeliveryFacts,
  body: unknown,
  session: ShopifySession,
): Promise<Interpretation> {
  const id = idFrom(body);
  const hash = hashOfProduct(body);
  if (isSeen(session, id, hash, delivery.id))
    return { kind: 'ignored', reason: 'Nothing but its stock has changed, which is told by itself.' };
  const read = await productRead(id, session);
  const [change] = read.kind === 'changes' ? read.changes : [];
  noteSeen(session, id, {
    hash,
    deliveryId: delivery.id,
    readAsTold:
      change?.kind === 'product' && change.version.sourceUpdatedAt.getTime() === timeOfProduct(body),
  });
  return read;
}

async function productRead(id: string, session: ShopifySession): Promise<Interpretation> {
  const observedAt = new Date(session.now());
  const read = await readProduct(session, id);
  return changes(
    read ?? { kind: 'productRemoved', remoteId: id, version: { sourceUpdatedAt: observedAt, observedAt } },
  );
}

async function locationRead(delivery: DeliveryFacts, session: ShopifySession): Promise<Interpretation> {
  return found(await readLocation(session, subjectId(delivery)), 'The location is no longer there.');
}

async function merged(body: unknown, session: ShopifySession): Promise<Interpretation> {
  const merge = understood(customerMergePayload, body);
  const status = merge.status?.toLowerCase();
  if (status !== 'completed')
    return { kind: 'ignored', reason: `The merge of customers is ${status ?? 'not done'}.` };
  const kept = await readCustomer(session, idOf(merge.admin_graphql_api_customer_kept_id));
  const gone = merge.admin_graphql_api_customer_deleted_id;
  if (kept?.kind !== 'customer' || !gone)
    return { kind: 'ignored', reason: 'The customer that was kept is no longer there.' };
  return changes({ ...kept, customer: { ...kept.customer, mergedRemoteIds: [idOf(gone)] } });
}

async function uninstalled(
  body: unknown,
  delivery: DeliveryFacts,
  session: ShopifySession,
): Promise<Interpretation> {
  const shop = understood(uninstalledPayload, body);
  if (shop.myshopify_domain != null) await assertOfThisShop(shop.myshopify_domain, session);
  return changes({
    kind: 'accountRevoked',
    reason: 'The app was uninstalled from the shop.',
    version: told(delivery),
  });
}

async function erasureAsked(
  body: unknown,
  delivery: DeliveryFacts,
  session: ShopifySession,
): Promise<Interpretation> {
  const asked = understood(customerRedactPayload, body);
  await assertOfThisShop(asked.shop_domain, session);
  return changes({
    kind: 'personErase',
    ...meant(asked.customer),
    orderRemoteIds: asked.orders_to_redact,
    version: told(delivery),
  });
}

async function exportAsked(
  body: unknown,
  delivery: DeliveryFacts,
  session: ShopifySession,
): Promise<Interpretation> {
  const asked = understood(dataRequestPayload, body);
  await assertOfThisShop(asked.shop_domain, session);
  return changes({
    kind: 'personExport',
    ...meant(asked.customer),
    orderRemoteIds: asked.orders_requested ?? [],
    version: told(delivery),
    reference: asked.data_request.id,
  });
}

function meant(customer: { id: string; email?: string | null | undefined }): {
  remoteId: string;
  email: string | null;
} {
  return { remoteId: customer.id, email: normalizeEmail(customer.email ?? null) };
}

/** One secret may sign for several shops: what erases has to name the one whose delivery it is. */
async function assertOfThisShop(domain: string, session: ShopifySession): Promise<void> {
  const { shop } = await session.credentials();
  if (domain.toLowerCase() === shop.toLowerCase()) return;
  throw new AppError({
    code: 'MALFORMED_PAYLOAD',
    retryable: false,
    publicMessage: 'The payload speaks of another shop than the one it came for.',
    remedy:
      'Shopify signs bodies and no headers: somebody may have sent an old body again. Nothing was erased; look at where your webhooks pass through.',
  });
}

function changes(...list: PlatformChange[]): Interpretation {
  return { kind: 'changes', changes: list };
}

function found(change: PlatformChange | null, otherwise: string): Interpretation {
  return change === null ? { kind: 'ignored', reason: otherwise } : changes(change);
}

/** A removal carries no time of its own: when it was told is the best there is. */
function told(delivery: DeliveryFacts): { sourceUpdatedAt: Date; observedAt: null } {
  return { sourceUpdatedAt: delivery.triggeredAt ?? delivery.receivedAt, observedAt: null };
}

function idOfRemoved(body: unknown): string {
  return understood(removedPayload, body).id;
}

function idFrom(body: unknown): string {
  return understood(identifiedPayload, body).id;
}

function subjectId(delivery: DeliveryFacts): string {
  return delivery.subject.slice(delivery.subject.indexOf(':') + 1);
}

function understood<T extends z.ZodType>(shape: T, body: unknown): z.output<T> {
  const parsed = shape.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AppError({
    code: 'MALFORMED_PAYLOAD',
    retryable: false,
    publicMessage: `The payload is not as known at ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? ''}.`,
    remedy: 'Compare the payload with what Shopify documents for this topic, then replay the delivery.',
    cause: parsed.error,
  });
}
