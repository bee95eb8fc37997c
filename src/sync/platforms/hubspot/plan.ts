import { createHash } from 'node:crypto';
import type { CustomerSnapshot, OrderSnapshot, Snapshot } from '../../../model/snapshot.ts';
import { contactOf, contactProperties, contactPropertyKind, isContactable } from '../../crm/contact.ts';
import { customPropertyKind, customValues } from '../../crm/custom-properties.ts';
import { type CrmLine, linesOf, orderKey, orderOf, orderPropertyKind } from '../../crm/order.ts';
import { changedProperties, type PropertyValues } from '../../crm/property-values.ts';
import type { PlanContext, PushPlan } from '../platform.ts';
import { oursToClear } from '../written.ts';
import { type HubSpotSettings, readSettings } from './settings.ts';

/** What `perform` is handed; everything in it can be read by a person. */
export interface ContactBody {
  /** The property by which HubSpot is asked whether it knows the contact. */
  key: { property: 'email' | 'tributary_customer_id'; value: string };
  /** The whole contact, for the case that it has to be made. */
  properties: Record<string, string>;
  /** Only said to a new contact. */
  onCreate: Record<string, string>;
  /** Names of what differs from what HubSpot was last known to hold, and what that was. */
  changed: string[];
  was: PropertyValues;
  /** Names of what we wrote and have no value for any more. */
  cleared?: string[];
  /** Properties of custom fields: a value that is refused there never holds up the rest. */
  custom?: string[];
}

export interface ContactMergeBody {
  /** The contact whose values win. */
  primaryId: string;
  /** Those that become part of it. */
  contactIds: string[];
}

export interface OrderBody {
  key: string;
  properties: PropertyValues;
  changed: string[];
  was: PropertyValues;
  lines: CrmLine[];
  /** Properties of custom fields: a value that is refused there never holds up the rest. */
  custom?: string[];
  /** Graph id of the customer whose contact the order belongs to. */
  customerId: string | null;
}

export function plan(snapshot: Snapshot, context: PlanContext): PushPlan[] {
  const settings = readSettings(context.settings);
  switch (snapshot.type) {
    case 'Customer':
      return planContact(snapshot, context, settings);
    case 'Order':
      return planOrder(snapshot, context, settings);
    case 'Refund':
    case 'Payout':
    case 'RefundRequest':
    case 'DaySummary':
    case 'StockLevel':
    case 'Variant':
      return [];
    default:
      return snapshot satisfies never;
  }
}

/** The address and our id are how HubSpot knows the contact: they are replaced, never taken away. */
const clearable = contactProperties.filter((name) => name !== 'email' && name !== 'tributary_customer_id');

function planContact(
  customer: CustomerSnapshot,
  context: PlanContext,
  settings: HubSpotSettings,
): PushPlan[] {
  if (customer.erased) return planErasure(customer, context.link);
  if (context.link === null && !isContactable(customer)) return [];
  return [...planOneContact(customer, context, settings), ...planContactMerge(customer, context)];
}

/** Merging contacts cannot be undone in HubSpot: it is only ever owed where a person has approved it. */
function planContactMerge(customer: CustomerSnapshot, { connectionId, link }: PlanContext): PushPlan[] {
  if (link === null) return [];
  const contactIds = customer.approvedMerges
    .filter((one) => one.connectionId === connectionId.toString() && one.remoteType === 'contact')
    .map((one) => one.remoteId)
    .filter((id) => id !== link.remoteId);
  if (contactIds.length === 0) return [];
  const body: ContactMergeBody = { primaryId: link.remoteId, contactIds };
  return [{ kind: 'contactMerge', subjectType: 'Customer', subjectId: customer.id, body: { ...body } }];
}

function planOneContact(
  customer: CustomerSnapshot,
  { link }: PlanContext,
  settings: HubSpotSettings,
): PushPlan[] {
  const custom = customValues(customer.customFields);
  const properties = { ...contactOf(customer), ...filled(custom) };
  // HubSpot has one contact per address: of several customers with one mailbox the first keeps it.
  if (customer.isEmailShared && link?.state.email !== customer.email) properties.email = null;
  const changed = changedProperties(
    properties,
    link?.state ?? {},
    (name) => customPropertyKind(customer.customFields, name) ?? contactPropertyKind(name),
  );
  const cleared = oursToClear(
    [...clearable, ...Object.keys(custom)].filter((name) => !(name in properties)),
    link?.state ?? {},
  );
  if (changed.length + cleared.length === 0) return [];
  const email = properties.email ?? null;
  const body: ContactBody = {
    key:
      email === null
        ? { property: 'tributary_customer_id', value: customer.id.toString() }
        : { property: 'email', value: email },
    properties: filled(properties),
    onCreate:
      settings.lifecycleStage === null || customer.orderCount === 0
        ? {}
        : { lifecyclestage: settings.lifecycleStage },
    changed,
    was: link === null ? {} : heldBefore([...changed, ...cleared], link.state),
    cleared,
    ...(Object.keys(custom).length === 0 ? {} : { custom: Object.keys(custom) }),
  };
  return [{ kind: 'contact', subjectType: 'Customer', subjectId: customer.id, body: { ...body } }];
}

/** HubSpot forgets a contact for good, and refuses its address from then on. */
function planErasure(customer: CustomerSnapshot, link: PlanContext['link']): PushPlan[] {
  if (link === null || link.state.erased === true) return [];
  const body = { contactId: link.remoteId };
  return [{ kind: 'contactErase', subjectType: 'Customer', subjectId: customer.id, body }];
}

function planOrder(order: OrderSnapshot, { link }: PlanContext, settings: HubSpotSettings): PushPlan[] {
  if (order.test) return [];
  if (link === null && settings.ordersFrom !== null && order.placedAt < settings.ordersFrom) return [];
  const lines = linesOf(order);
  const custom = customValues(order.customFields);
  const stages = settings.orderStages;
  const properties: PropertyValues = {
    ...orderOf(order, versionOf(lines)),
    ...custom,
    ...(stages === null ? {} : { hs_pipeline: stages.pipeline, hs_pipeline_stage: stageOf(order, stages) }),
  };
  const changed = changedProperties(
    properties,
    link?.state ?? {},
    (name) => customPropertyKind(order.customFields, name) ?? orderPropertyKind(name),
  );
  if (changed.length === 0) return [];
  const body: OrderBody = {
    key: orderKey(order),
    properties,
    changed,
    was: link === null ? {} : heldBefore(changed, link.state),
    lines,
    customerId: properties.tributary_customer_id ?? null,
    ...(Object.keys(custom).length === 0 ? {} : { custom: Object.keys(custom) }),
  };
  return [{ kind: 'order', subjectType: 'Order', subjectId: order.id, body: { ...body } }];
}

function stageOf(order: OrderSnapshot, stages: NonNullable<HubSpotSettings['orderStages']>): string {
  if (order.cancelledAt !== null) return stages.cancelled;
  return order.fulfilmentStatus === 'fulfilled' ? stages.fulfilled : stages.open;
}

function versionOf(lines: readonly CrmLine[]): string {
  return createHash('sha256').update(JSON.stringify(lines)).digest('hex').slice(0, 16);
}

function heldBefore(names: readonly string[], state: Readonly<Record<string, unknown>>): PropertyValues {
  return Object.fromEntries(
    names.map((name) => {
      const value = state[name];
      return [name, typeof value === 'string' ? value : null];
    }),
  );
}

/** Only what has a value: a new contact is not told of emptiness. */
export function filled(values: PropertyValues): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === null || value === '' ? [] : [[name, value]],
    ),
  );
}
