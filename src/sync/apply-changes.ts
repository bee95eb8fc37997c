import type { Tx } from '../db/pool.ts';
import { unreachable } from '../errors.ts';
import type { Change, PlatformChange } from '../model/change.ts';
import type { NewEvent } from '../model/event.ts';
import type { PlatformName, Source } from '../model/platform-name.ts';
import { applyCrmFields, applyMetafields, applyReview } from './custom-fields/apply-told.ts';
import { reviewCustomFields } from './custom-fields/review.ts';
import { appendEvents, appendEventsAtCommit } from './events/append-events.ts';
import { applyCustomer, applyCustomerRemoval } from './graph/apply-customer.ts';
import { applyDocument, applyRevocation, connectionMissing } from './graph/apply-document.ts';
import { applyListing } from './graph/apply-listing.ts';
import { applyLocation } from './graph/apply-location.ts';
import { applyOrder, applyOrderRemoval } from './graph/apply-order.ts';
import { applyFulfilment, applyRefund } from './graph/apply-order-parts.ts';
import { applyPayout } from './graph/apply-payout.ts';
import { applyProduct, applyProductRemoval } from './graph/apply-product.ts';
import { editPosting } from './graph/edit-posting.ts';
import { editCustomer, editOrder } from './graph/edits.ts';
import { lockChanges } from './graph/lock-changes.ts';
import { lockCustomers } from './graph/locks.ts';
import { requestRefund } from './graph/request-refund.ts';
import { sumOrders } from './graph/sum-orders.ts';
import {
  type ChangeOutcome,
  effectOnCustomer,
  effectOnOrder,
  eventOf,
  noEffects,
  type PlatformContext,
  planLater,
  type Subject,
  touch,
  type WriteContext,
} from './graph/write-context.ts';
import { applyCustomersReview } from './identity/apply-customers-review.ts';
import { editMerge, editReject, editReopen, editUnmerge } from './identity/edit-merges.ts';
import { type Duplicates, resolveKnownCustomer } from './identity/resolve-duplicates.ts';
import { dismissDelivery } from './inbox/dismiss-delivery.ts';
import { settleDelivery } from './inbox/settle-delivery.ts';
import { applyReading, decideRule } from './notes/change-rules.ts';
import { dismissPush } from './outbox/dismiss-push.ts';
import type { PushQueue } from './outbox/enqueue-pushes.ts';
import { planPushes } from './outbox/plan-pushes.ts';
import { retryPush } from './outbox/retry-push.ts';
import type { Platform } from './platforms/platform.ts';
import {
  applyAccountErase,
  applyPersonErase,
  applyPersonExport,
  completeExport,
  eraseCustomer,
} from './privacy/apply-request.ts';
import { type ErasedNames, markWithheld, withhold } from './privacy/withhold.ts';
import { applyStockLevels, type StockChange } from './stock/apply-stock-levels.ts';
import { editStock } from './stock/edit-stock.ts';
import { tellStock } from './stock/tell-stock.ts';
import { storable } from './storable.ts';

export interface ApplyInput {
  changes: readonly Change[];
  source: Source;
  /** The connection that spoke; null for our own API. */
  connectionId: bigint | null;
  /** Settled together with its effect. */
  deliveryId: bigint | null;
  now: Date;
  platforms: Partial<Record<PlatformName, Platform>>;
  /** Who carries out what is planned; jobs for any worker unless said otherwise. */
  queue?: PushQueue | undefined;
}

export interface Applied {
  /** `needsFresh`: nothing was changed; the platform must be read and the changes applied with `observedAt`. */
  outcome: ChangeOutcome;
  /** What each change came to, in order; empty with `needsFresh`. */
  outcomes: readonly ChangeOutcome[];
  /** Pushes that were planned, those included that stay plans because writing is not unlocked. */
  pushIds: bigint[];
  /** Position of the last event of an edit through our own API; null where a platform spoke or there was nothing to tell. */
  eventPosition: bigint | null;
  touched: Subject[];
}

/**
 * The one write path: whoever speaks, platform or person, a change becomes graph, events and planned pushes here, in the
 * caller's transaction and all or nothing. Locks first, events last: from there to the commit all writers of events wait.
 */
export async function applyChanges(tx: Tx, input: ApplyInput): Promise<Applied> {
  const context: WriteContext = { ...input, tx, effects: noEffects() };
  const { effects } = context;
  // What a person writes through our own API is refused by its field instead.
  const changes = input.source === 'tributary' ? input.changes : storable(input.changes);
  const erased = await lockChanges(context, changes);
  const outcomes = await applyAll(context, changes, erased);
  if (outcomes === 'needsFresh')
    return { outcome: 'needsFresh', outcomes: [], pushIds: [], eventPosition: null, touched: [] };
  const outcome = sumOutcomes(outcomes);
  await reviewCustomFields(context);
  await tellStock(context);
  const told = await sumUp(context);
  const planned = await planPushes(context, [...effects.toPlan.values()]);
  if (input.deliveryId !== null) await settleDelivery(tx, input.deliveryId, outcome);
  const events = [...told, ...planned.events];
  // An edit's answer is stored with it and names its position; everyone else numbers events together with the commit.
  let eventPosition: bigint | null = null;
  if (input.source === 'tributary') eventPosition = await appendEvents(tx, events);
  else appendEventsAtCommit(tx, events);
  return {
    outcome,
    outcomes,
    pushIds: planned.pushIds,
    eventPosition,
    touched: [...effects.touched.values()],
  };
}

/** Compares one customer with all others and follows what comes of it as any other change: the batch's way in. */
export async function resolveCustomer(
  tx: Tx,
  customerId: bigint,
  { now, platforms }: Pick<ApplyInput, 'now' | 'platforms'>,
): Promise<Pick<Duplicates, 'merged' | 'reviews'>> {
  const context: WriteContext = {
    tx,
    now,
    platforms,
    source: 'tributary',
    connectionId: null,
    deliveryId: null,
    effects: noEffects(),
  };
  await lockCustomers(tx, context.effects, [customerId]);
  const found = await resolveKnownCustomer(context, customerId);
  if (found.merged === 0) return found;
  await reviewCustomFields(context);
  const told = await sumUp(context);
  const planned = await planPushes(context, [...context.effects.toPlan.values()]);
  appendEventsAtCommit(tx, [...told, ...planned.events]);
  return found;
}

/** Applies the changes one after the other; when one cannot be decided, none is applied. */
async function applyAll(
  context: WriteContext,
  changes: readonly Change[],
  erased: ErasedNames,
): Promise<ChangeOutcome[] | 'needsFresh'> {
  const many = changes.length > 1;
  if (many) await context.tx.query('savepoint before_changes');
  const outcomes: ChangeOutcome[] = [];
  while (outcomes.length < changes.length) {
    outcomes.push(...(await applyNext(context, changes.slice(outcomes.length), erased)));
    if (outcomes.at(-1) === 'needsFresh') {
      if (many) await context.tx.query('rollback to savepoint before_changes');
      return 'needsFresh';
    }
  }
  if (many) await context.tx.query('release savepoint before_changes');
  return outcomes;
}

function sumOutcomes(outcomes: readonly ChangeOutcome[]): Exclude<ChangeOutcome, 'needsFresh'> {
  if (outcomes.includes('applied')) return 'applied';
  if (outcomes.includes('echo')) return 'echo';
  return outcomes.length > 0 && outcomes.every((outcome) => outcome === 'stale') ? 'stale' : 'unchanged';
}

/** Applies the first change; stock levels go together for as long as nothing else comes between them. */
async function applyNext(
  context: WriteContext,
  changes: readonly Change[],
  erased: ErasedNames,
): Promise<ChangeOutcome[]> {
  const [first] = changes;
  if (first?.kind !== 'stockLevel')
    return first === undefined ? [] : [await applyOne(context, first, erased)];
  const end = changes.findIndex((change) => change.kind !== 'stockLevel');
  const levels = changes.slice(0, end === -1 ? changes.length : end) as StockChange[];
  return applyStockLevels(platformContext(context, first), levels);
}

async function applyOne(context: WriteContext, change: Change, erased: ErasedNames): Promise<ChangeOutcome> {
  switch (change.kind) {
    case 'customerEdit':
      return editCustomer(context, change);
    case 'customerMerge':
      return editMerge(context, change);
    case 'customerUnmerge':
      return editUnmerge(context, change);
    case 'mergeReject':
      return editReject(context, change);
    case 'mergeReopen':
      return editReopen(context, change);
    case 'refundRequest':
      return requestRefund(context, change);
    case 'orderEdit':
      return editOrder(context, change);
    case 'postingVoid':
    case 'postingRepost':
      return editPosting(context, change);
    case 'postingsReview':
      for (const id of change.orderIds) planLater(context.effects, 'Order', id);
      for (const id of change.payoutIds) planLater(context.effects, 'Payout', id);
      for (const id of change.summaryIds) planLater(context.effects, 'DaySummary', id);
      return 'unchanged';
    case 'stockAdjust':
    case 'stockSet':
    case 'stockTransfer':
    case 'reservationCreate':
    case 'reservationRelease':
    case 'stockRuleSet':
    case 'bundleSet':
    case 'allocationReview':
      return editStock(context, change);
    case 'pushDismiss':
      return dismissPush(context, change);
    case 'pushRetry':
      return retryPush(context, change.pushId);
    case 'deliveryDismiss':
      return dismissDelivery(context, change);
    case 'customFieldsReview':
      return applyReview(context, change);
    case 'customersReview':
      return applyCustomersReview(context, change);
    case 'orderNoteRead':
      return applyReading(context, change);
    case 'fulfilmentRuleDecide':
      return decideRule(context, change);
    case 'customerErase':
      return eraseCustomer(context, change);
    case 'privacyRequestComplete':
      return completeExport(context, change);
    default:
      return applyAllowed(platformContext(context, change), change, erased);
  }
}

/** Applies what may be taken in; what was said of somebody who was erased is not kept. */
async function applyAllowed(
  context: PlatformContext,
  change: PlatformChange,
  erased: ErasedNames,
): Promise<ChangeOutcome> {
  const { change: allowed, withheld } = withhold(context, change, erased);
  if (!withheld) return applyPlatformChange(context, change);
  await context.tx.query(`update delivery set body = '' where id = $1`, [context.deliveryId]);
  if (allowed === null) return 'unchanged';
  const outcome = await applyPlatformChange(context, allowed);
  await markWithheld(context, allowed);
  return outcome;
}

async function applyPlatformChange(context: PlatformContext, change: PlatformChange): Promise<ChangeOutcome> {
  switch (change.kind) {
    case 'customer':
      return applyCustomer(context, change);
    case 'customerRemoved':
      return applyCustomerRemoval(context, change);
    case 'order':
      return applyOrder(context, change);
    case 'orderRemoved':
      return applyOrderRemoval(context, change);
    case 'refund':
      return applyRefund(context, change);
    case 'fulfilment':
      return applyFulfilment(context, change);
    case 'product':
      return applyProduct(context, change);
    case 'productRemoved':
      return applyProductRemoval(context, change);
    case 'listing':
      return applyListing(context, change);
    case 'payout':
      return applyPayout(context, change);
    case 'metafields':
      return applyMetafields(context, change);
    case 'crmFields':
      return applyCrmFields(context, change);
    case 'location':
      return applyLocation(context, change);
    case 'stockLevel':
      return (await applyStockLevels(context, [change]))[0] ?? 'unchanged';
    case 'documentObserved':
      return applyDocument(context, change);
    case 'accountRevoked':
      return applyRevocation(context, change);
    case 'personErase':
      return applyPersonErase(context, change);
    case 'personExport':
      return applyPersonExport(context, change);
    case 'accountErase':
      return applyAccountErase(context);
    default:
      return unreachable(change);
  }
}

function platformContext(context: WriteContext, change: PlatformChange): PlatformContext {
  const { source, connectionId } = context;
  if (source === 'tributary' || connectionId === null) throw connectionMissing(change.kind);
  return { ...context, source, connectionId };
}

/** Brings sums up to date and turns what happened to customers and orders into one event each. */
async function sumUp(context: WriteContext): Promise<NewEvent[]> {
  const { effects } = context;
  const orderIds = [...effects.orders.keys()];
  const customerIds = [...effects.customersToSum].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const summed =
    orderIds.length + customerIds.length === 0
      ? { orders: [], customers: [] }
      : await sumOrders(context.tx, orderIds, customerIds);
  for (const { id, changed } of summed.customers) {
    if (!changed || effects.absorbedCustomers.has(id)) continue;
    effectOnCustomer(effects, id).changedFields.add('orders');
    planLater(effects, 'Customer', id);
  }
  const customerEvents = [...effects.customers].map(([id, effect]) => {
    touch(effects, 'Customer', id);
    return eventOf(
      context,
      effect.created ? 'customer.created' : 'customer.updated',
      { type: 'Customer', id },
      { changedFields: [...effect.changedFields].sort(), ...effect.facts },
    );
  });
  return [
    ...customerEvents,
    ...summed.orders.flatMap((order) => orderEvents(context, order)),
    ...effects.events,
  ];
}

function orderEvents(
  context: WriteContext,
  order: Awaited<ReturnType<typeof sumOrders>>['orders'][number],
): NewEvent[] {
  const effect = effectOnOrder(context.effects, order.id);
  touch(context.effects, 'Order', order.id);
  planLater(context.effects, 'Order', order.id);
  if (order.paidChanged && !effect.created) effect.changedFields.add('paid');
  if (order.refundedChanged && !effect.created) effect.changedFields.add('refunded');
  const payload = {
    number: order.number,
    channel: order.channel,
    totalMinor: order.totalMinor,
    currency: order.currency,
    financialStatus: order.financialStatus,
    customerId: order.customerId,
    changedFields: [...effect.changedFields].sort(),
  };
  const subject: Subject = { type: 'Order', id: order.id };
  return [
    ...(effect.created ? [eventOf(context, 'order.created', subject, payload)] : []),
    ...(effect.cancelled ? [eventOf(context, 'order.cancelled', subject, payload)] : []),
    ...(!effect.created && !effect.cancelled ? [eventOf(context, 'order.updated', subject, payload)] : []),
  ];
}
