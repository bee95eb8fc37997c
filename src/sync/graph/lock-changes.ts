import type { Tx } from '../../db/pool.ts';
import { unreachable } from '../../errors.ts';
import type { Change } from '../../model/change.ts';
import { normalizeEmail } from '../../model/customer.ts';
import { canonicalEmail } from '../identity/normalise-email.ts';
import { guestRemoteId } from '../identity/resolve-identity.ts';
import { ownersOfPush } from '../outbox/retry-push.ts';
import { startOf } from '../privacy/apply-request.ts';
import { findPerson, findStart } from '../privacy/person.ts';
import { type ErasedNames, findErasedDocuments } from '../privacy/withhold.ts';
import { levelKey } from '../stock/apply-stock-levels.ts';
import { observedEmail } from './apply-customer.ts';
import { namesOfPosting } from './edit-posting.ts';
import { editedEmail } from './edits.ts';
import { type CustomerClues, lockCustomersByClues, lockNames } from './locks.ts';
import type { WriteContext } from './write-context.ts';

/** Takes every lock that the changes need, in the order that all writers keep. */
export async function lockChanges(context: WriteContext, changes: readonly Change[]): Promise<ErasedNames> {
  const names: string[] = [];
  const clues: CustomerClues = {
    connectionId: context.connectionId,
    remoteIds: [],
    linkType:
      context.source === 'tributary' ? null : (context.platforms[context.source]?.linkTypes.Customer ?? null),
    emails: [],
    orderRemoteIds: [],
    ids: [],
  };
  for (const change of changes) await collectLocks(context, change, names, clues);
  const scope = context.connectionId ?? 'tributary';
  names.push(...clues.remoteIds.map((id) => `customer:${scope}:${id}`));
  names.push(...clues.orderRemoteIds.map((id) => `order:${scope}:${id}`));
  names.push(...clues.emails.map((email) => `email:${canonicalEmail(email)}`));
  await lockNames(context.tx, names);
  const { remoteIds, emails, orderRemoteIds, ids } = clues;
  return remoteIds.length + emails.length + orderRemoteIds.length + ids.length > 0
    ? lockCustomersByClues(context.tx, context.effects, clues, names)
    : findErasedDocuments(context.tx, names);
}

/** Names and clues of one change; rows that are locked by themselves (a level, a push, a delivery, a candidate) need none. */
async function collectLocks(
  context: WriteContext,
  change: Change,
  names: string[],
  clues: CustomerClues,
): Promise<void> {
  const scope = context.connectionId ?? 'tributary';
  switch (change.kind) {
    case 'customer': {
      clues.remoteIds.push(change.remoteId, ...(change.customer.mergedRemoteIds ?? []));
      const email = change.customer.email ?? observedEmail(change.observed);
      if (email !== null) clues.emails.push(email);
      return;
    }
    case 'customerRemoved':
      clues.remoteIds.push(change.remoteId);
      return;
    case 'crmFields':
      if (change.owner === 'Customer') clues.remoteIds.push(change.remoteId);
      else names.push(...(await namesOfOrderRow(context, change.remoteId)));
      return;
    case 'metafields':
      (change.owner === 'Order' ? clues.orderRemoteIds : clues.remoteIds).push(change.remoteId);
      return;
    case 'order': {
      clues.orderRemoteIds.push(change.remoteId);
      const { customer } = change.order;
      const email = normalizeEmail(customer === null ? change.order.email : customer.email);
      if (email !== null) clues.emails.push(email);
      if (customer !== null) clues.remoteIds.push(customer.remoteId);
      else if (email !== null) clues.remoteIds.push(guestRemoteId(email));
      return;
    }
    case 'orderRemoved':
      clues.orderRemoteIds.push(change.remoteId);
      return;
    case 'refund':
    case 'fulfilment':
      clues.orderRemoteIds.push(change.orderRemoteId);
      return;
    case 'product':
    case 'productRemoved':
      names.push(`product:${scope}:${change.remoteId}`);
      return;
    case 'listing':
      names.push(`listing:${scope}:${change.remoteId}`);
      return;
    case 'payout':
      names.push(`payout:${scope}:${change.remoteId}`);
      return;
    case 'location':
      names.push(`location:${scope}:${change.remoteId}`);
      return;
    case 'stockLevel':
      names.push(`stock:${scope}:${levelKey(change.inventoryItemRemoteId, change.locationRemoteId)}`);
      return;
    case 'documentObserved':
      names.push(`document:${scope}:${change.remoteType}:${change.remoteId}`);
      return;
    case 'accountRevoked':
    case 'accountErase':
      names.push(`account:${scope}`);
      return;
    case 'personExport':
      clues.remoteIds.push(change.remoteId);
      return;
    case 'personErase': {
      clues.remoteIds.push(change.remoteId);
      clues.orderRemoteIds.push(...change.orderRemoteIds);
      if (change.email !== null) clues.emails.push(change.email);
      const start = await findStart(context.tx, { connectionId: context.connectionId ?? 0n, ...change });
      await collectPerson(context, start, names, clues);
      return;
    }
    case 'customerErase':
      await collectPerson(context, startOf(change), names, clues);
      return;
    case 'privacyRequestComplete':
    case 'pushDismiss':
    case 'deliveryDismiss':
      // Their rows are their locks.
      return;
    case 'pushRetry': {
      const { orderId, customerId } = await ownersOfPush(context.tx, change.pushId);
      if (customerId !== undefined) clues.ids.push(customerId);
      if (orderId !== undefined) names.push(...(await namesOfOrders(context.tx, [orderId])));
      return;
    }
    case 'customerEdit': {
      clues.ids.push(change.customerId);
      const email = editedEmail(change.patch);
      if (email !== null) clues.emails.push(email);
      return;
    }
    case 'customerMerge':
      clues.ids.push(change.survivorId, change.absorbedId);
      return;
    case 'customerUnmerge': {
      const { rows } = await context.tx.query<{ id: bigint }>({
        name: 'name-of-survivor',
        text: 'select survivor_id as id from customer_merge where absorbed_id = $1 and undone_at is null',
        values: [change.absorbedId],
      });
      clues.ids.push(change.absorbedId, ...rows.map((row) => row.id));
      return;
    }
    case 'customersReview':
      clues.ids.push(...change.ids);
      return;
    case 'mergeReject':
    case 'mergeReopen':
      // The candidate's row is its lock.
      return;
    case 'postingsReview':
      names.push(...(await namesOfOrders(context.tx, change.orderIds)));
      return;
    case 'customFieldsReview':
      if (change.owner === 'Customer') clues.ids.push(...change.ids);
      else names.push(...(await namesOfOrders(context.tx, change.ids)));
      return;
    case 'refundRequest':
    case 'orderEdit':
    case 'orderNoteRead':
      names.push(...(await namesOfOrders(context.tx, [change.orderId])));
      return;
    case 'postingVoid':
    case 'postingRepost':
      names.push(...(await namesOfPosting(context.tx, change.subject)));
      return;
    case 'fulfilmentRuleDecide': {
      const { rows } = await context.tx.query<{ orderId: bigint }>({
        name: 'order-of-rule',
        text: 'select order_id as "orderId" from fulfilment_rule where id = $1',
        values: [change.ruleId],
      });
      names.push(
        ...(await namesOfOrders(
          context.tx,
          rows.map((row) => row.orderId),
        )),
      );
      return;
    }
    case 'stockAdjust':
    case 'stockSet':
    case 'stockTransfer':
    case 'reservationCreate':
    case 'reservationRelease':
    case 'stockRuleSet':
    case 'bundleSet':
    case 'allocationReview':
      // A level's row is its lock.
      return;
    default:
      unreachable(change);
  }
}

/** The names under which the orders' own platforms speak of them; they never change. */
async function namesOfOrders(tx: Tx, orderIds: readonly bigint[]): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>({
    name: 'names-of-orders',
    text: `select 'order:' || connection_id || ':' || remote_id as name from sales_order where id = any($1::bigint[])`,
    values: [orderIds],
  });
  return rows.map((row) => row.name);
}

/** The names of a row that a platform keeps for an order of another: its own, and that of the order. */
async function namesOfOrderRow(context: WriteContext, remoteId: string): Promise<string[]> {
  const { connectionId, platforms, source } = context;
  const remoteType = (source === 'tributary' ? undefined : platforms[source]?.linkTypes.Order) ?? '';
  const { rows } = await context.tx.query<{ name: string }>({
    name: 'name-of-order-of-row',
    text: `select 'order:' || o.connection_id || ':' || o.remote_id as name
           from link l join sales_order o on o.id = l.entity_id
           where l.connection_id = $1 and l.remote_type = $2 and l.remote_id = $3 and l.entity_type = 'Order'`,
    values: [connectionId, remoteType, remoteId],
  });
  return [`document:${connectionId}:${remoteType}:${remoteId}`, ...rows.map((row) => row.name)];
}

/** All names under which somebody is known, so that nobody writes about them while they are erased. */
async function collectPerson(
  context: WriteContext,
  start: Parameters<typeof findPerson>[1],
  names: string[],
  clues: CustomerClues,
): Promise<void> {
  const person = await findPerson(context.tx, start);
  names.push(...person.names);
  clues.ids.push(...person.customers);
}
