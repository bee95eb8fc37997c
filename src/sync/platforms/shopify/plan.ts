import { normalizeEmail } from '../../../model/customer.ts';
import type {
  CustomerSnapshot,
  OrderSnapshot,
  Snapshot,
  StockLevelSnapshot,
} from '../../../model/snapshot.ts';
import type { StockCause } from '../../../model/stock.ts';
import { canClear, metafieldText } from '../../custom-fields/metafield-text.ts';
import type { LinkFacts, PlanContext, PushPlan } from '../platform.ts';
import { planRefund } from './refund.ts';
import { phoneOf, sortedTags } from './vocabulary.ts';

/** What may be written at Shopify: names of capabilities and of push kinds. */
export const pushKinds = ['customer', 'order', 'refund', 'stockLevel'] as const;

/** Remote types of links, by the graph's type. */
export const linkTypes = {
  Customer: 'customer',
  Order: 'order',
  StockLevel: 'inventoryLevel',
  RefundRequest: 'refund',
} as const;

/**
 * What Shopify is owed: only fields that differ from what it was last known to hold, only on rows that it has. Nothing
 * goes back to where it came from.
 */
export function plan(snapshot: Snapshot, context: PlanContext): PushPlan[] {
  if (snapshot.type === 'RefundRequest')
    return planRefund(snapshot, context.link !== null, context.connectionId);
  // Asking us to erase somebody, Shopify does not know what we have written there of them.
  const isErasure = snapshot.type === 'Order' && snapshot.erased;
  if (context.link === null) return [];
  if (context.isOrigin && !isErasure) return metafieldPlan(snapshot, context);
  switch (snapshot.type) {
    case 'Customer':
      return customerPlan(snapshot, context.link);
    case 'Order':
      return orderPlan(snapshot, context.link, context.connectionId);
    case 'Refund':
    case 'Variant':
      return [];
    case 'Payout':
    case 'DaySummary':
      // Payouts are read from there; summaries are the books'.
      return [];
    case 'StockLevel':
      return stockLevelPlan(snapshot, context.link);
  }
}

function customerPlan(snapshot: CustomerSnapshot, link: LinkFacts): PushPlan[] {
  // Shopify erases its own, and asks us to.
  if (snapshot.erased) return [];
  const { state } = link;
  const fields: Record<string, unknown> = {};
  const compare = (
    name: string,
    value: string | null,
    held: (value: string | null) => string | null,
  ): void => {
    const known = state[name];
    // What Shopify holds is unknown until it told: writing then could only overwrite.
    if (known === undefined) return;
    if (held(typeof known === 'string' && known !== '' ? known : null) !== value) fields[name] = value;
  };
  const same = (value: string | null): string | null => value;
  compare('firstName', snapshot.firstName, same);
  compare('lastName', snapshot.lastName, same);
  compare('email', snapshot.email, normalizeEmail);
  compare('phone', snapshot.phone, (value) => phoneOf(value, snapshot.address?.countryCode ?? null));
  compare('note', snapshot.note, same);
  const tags = sortedTags(snapshot.tags);
  const known = tagsIn(state);
  // Webhooks leave tags out: until Shopify was read, ours are added and none of its own is taken away.
  const addTags = known === null ? tags : [];
  if (known !== null && !sameList(known, tags)) fields.tags = tags;
  return customerPush(snapshot, link, { fields, addTags });
}

function customerPush(
  snapshot: CustomerSnapshot,
  link: LinkFacts,
  { fields, addTags }: { fields: Record<string, unknown>; addTags: string[] },
): PushPlan[] {
  const metafields = metafieldsOf(snapshot);
  if (Object.keys(fields).length + addTags.length + metafields.length === 0) return [];
  return [
    {
      kind: 'customer',
      subjectType: 'Customer',
      subjectId: snapshot.id,
      body: {
        customerId: link.remoteId,
        fields,
        ...(addTags.length > 0 ? { addTags } : {}),
        ...(metafields.length > 0 ? { metafields } : {}),
      },
    },
  ];
}

/** What people wrote over a metafield elsewhere stays written over, whatever Shopify says of it; nothing else goes back. */
function metafieldPlan(snapshot: Snapshot, { link, connectionId }: PlanContext): PushPlan[] {
  if (link === null) return [];
  if (snapshot.type === 'Customer')
    return snapshot.erased ? [] : customerPush(snapshot, link, { fields: {}, addTags: [] });
  return snapshot.type === 'Order' && isHere(snapshot, connectionId) ? orderPush(snapshot, link, {}) : [];
}

/**
 * Metafields that are behind what people wrote over them, as they should be; null where they emptied it. What stood there tells one writing from the
 * next: the same may have to be written again.
 */
function metafieldsOf(snapshot: CustomerSnapshot | OrderSnapshot): Record<string, unknown>[] {
  return (snapshot.customFields ?? []).flatMap(({ type, value, behind }): Record<string, unknown>[] => {
    if (behind == null) return [];
    if (value === null) return canClear(type, behind.type) ? [{ ...behind, value: null }] : [];
    const text = metafieldText(type, value, behind.type);
    return text === null ? [] : [{ ...behind, ...text }];
  });
}

function orderPlan(snapshot: OrderSnapshot, link: LinkFacts, connectionId: bigint): PushPlan[] {
  if (!isHere(snapshot, connectionId)) return [];
  const fields: Record<string, unknown> = {};
  const note = link.state.note;
  if (note !== undefined && (note === '' ? null : note) !== (snapshot.note === '' ? null : snapshot.note))
    fields.note = snapshot.note;
  const tags = sortedTags(snapshot.tags);
  const known = tagsIn(link.state);
  if (known !== null && !sameList(known, tags)) fields.tags = tags;
  // Nobody else writes there: what is not known to be there is not there.
  const rules = snapshot.fulfilmentRules;
  if (JSON.stringify(rulesIn(link.state)) !== JSON.stringify(rules)) fields.fulfilmentRules = rules;
  return orderPush(snapshot, link, fields);
}

function isHere({ platform, connectionId }: OrderSnapshot, here: bigint): boolean {
  return platform === 'shopify' && connectionId === here;
}

function orderPush(snapshot: OrderSnapshot, link: LinkFacts, fields: Record<string, unknown>): PushPlan[] {
  const metafields = snapshot.erased ? [] : metafieldsOf(snapshot);
  if (Object.keys(fields).length + metafields.length === 0) return [];
  return [
    {
      kind: 'order',
      subjectType: 'Order',
      subjectId: snapshot.id,
      body: {
        orderId: link.remoteId,
        number: snapshot.number,
        fields,
        ...(metafields.length > 0 ? { metafields } : {}),
      },
    },
  ];
}

function stockLevelPlan(snapshot: StockLevelSnapshot, link: LinkFacts): PushPlan[] {
  const { inventoryItemRemoteId, locationRemoteId } = snapshot;
  const held = link.state.available;
  if (inventoryItemRemoteId === null || locationRemoteId === null || typeof held !== 'number') return [];
  const delta = snapshot.available - held;
  if (delta === 0) return [];
  return [
    {
      kind: 'stockLevel',
      subjectType: 'StockLevel',
      subjectId: snapshot.id,
      body: {
        sku: snapshot.sku,
        inventoryItemId: inventoryItemRemoteId,
        locationId: locationRemoteId,
        delta,
        changeFrom: held,
        available: snapshot.available,
        ...(snapshot.owedCause == null ? {} : { reason: reasons[snapshot.owedCause] ?? 'correction' }),
      },
    },
  ];
}

/** The rules in the metafield as last written; where it is doubtful what it holds, nothing that could equal any. */
function rulesIn(state: Readonly<Record<string, unknown>>): unknown[] {
  const held = state.fulfilmentRules;
  if (!Array.isArray(held)) return [];
  return held.map((rule: OrderSnapshot['fulfilmentRules'][number] | string) =>
    typeof rule === 'string' ? rule : { kind: rule.kind, value: rule.value, quote: rule.quote },
  );
}

/** Why a count was taken over, in Shopify's words. */
export const countReason = 'cycle_count_available';

/** Why stock changes, in Shopify's words. */
const reasons: Partial<Record<StockCause, string>> = {
  count: countReason,
  receipt: 'received',
  return: 'restock',
  cancellation: 'restock',
  reservation: 'reservation_created',
  release: 'reservation_deleted',
  transfer: 'movement_created',
  write_off: 'damaged',
};

function tagsIn(state: Readonly<Record<string, unknown>>): string[] | null {
  const { tags } = state as { tags?: unknown };
  return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? sortedTags(tags) : null;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
