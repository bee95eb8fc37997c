import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import { contactProperties, customerOf, standardContactProperties } from '../../crm/contact.ts';
import { orderProperties } from '../../crm/order.ts';
import { parseLosslessJson } from '../lossless-json.ts';
import type { DeliveryFacts, Interpretation } from '../platform.ts';
import { type HubSpotEvent, hubSpotEvent, isOwnWrite, objectNameOf } from './door.ts';
import { type Gateway, gatewayOf, type HubSpotSession, mergedIdsOf, type RemoteRecord } from './gateway.ts';

export function crmGateway(session: HubSpotSession): Gateway {
  return gatewayOf(session, {
    contacts: () => [...contactProperties, ...customNames(session)],
    orders: () => orderProperties,
  });
}

const customKey = 'hubspot.custom';

/** Properties of customers' custom fields, as they were last looked up. */
function customNames(session: HubSpotSession): readonly string[] {
  return (session.cache.get(customKey) as readonly string[] | undefined) ?? [];
}

/** Looks up which properties people may have changed that custom fields are sent to. */
export async function lookUpCustomNames(session: HubSpotSession): Promise<readonly string[]> {
  const names = (await session.customFields()).flatMap((field) =>
    field.owner === 'Customer' && field.hubspotProperty !== null ? [field.hubspotProperty] : [],
  );
  session.cache.set(customKey, names);
  return names;
}

/**
 * Events are thin and come in any order, so the record is read as it stands; of a property change only that property is
 * told, because the others may be older than what the graph knows. Our own writes come back marked as ours.
 */
export async function interpret(delivery: DeliveryFacts, session: HubSpotSession): Promise<Interpretation> {
  const event = read(delivery.body);
  const what = event.subscriptionType.split('.')[1] ?? '';
  const object = objectNameOf(event);
  session.cache.set(appIdKey, event.appId);
  if (object !== 'contact' && object !== 'order')
    return { kind: 'ignored', reason: `The graph holds no ${object} of HubSpot.` };
  if (what === 'associationChange')
    return { kind: 'ignored', reason: 'Associations are written by us and not read.' };
  if (isOwnWrite(event)) return { kind: 'ignored', reason: 'Our own write, told back.' };
  if (what === 'privacyDeletion')
    return {
      kind: 'person',
      reason: `HubSpot was told to forget contact ${event.objectId ?? ''} for good.`,
      remedy:
        'Decide whether this person is to be forgotten here as well; if so, erase the customer (customerErase); either way this can be left.',
    };
  const id = event.newObjectId ?? event.objectId;
  if (id === undefined) return { kind: 'ignored', reason: 'The event names no record.' };
  const observedAt = new Date(session.now());
  const gateway = crmGateway(session);
  if (object === 'order') return documentChange(event, id, await gateway.orders.read(id), observedAt);
  const custom = await lookUpCustomNames(session);
  const record = await gateway.contacts.read(id);
  if (record === null)
    return {
      kind: 'changes',
      changes: [
        {
          kind: 'customerRemoved',
          remoteId: id,
          version: { sourceUpdatedAt: new Date(event.occurredAt), observedAt },
        },
      ],
    };
  const isPropertyChange = what === 'propertyChange' && event.propertyName !== undefined && record.id === id;
  // Each property has an event of its own: what this one is silent about stays news for its own event.
  const told = isPropertyChange ? [event.propertyName ?? ''] : standardContactProperties;
  const observed = isPropertyChange ? told : contactProperties;
  const merged = [...mergedIdsOf(record), ...(event.mergedObjectIds ?? []), event.primaryObjectId, id].filter(
    (one): one is string => one !== undefined && one !== record.id,
  );
  return {
    kind: 'changes',
    changes: [
      contactChange(record, new Set(told), observedAt, {
        mergedRemoteIds: what === 'propertyChange' ? [] : merged,
        observed,
      }),
      ...(isPropertyChange && custom.includes(event.propertyName ?? '')
        ? [crmFieldsChange(record, event.propertyName ?? '', new Date(event.occurredAt), observedAt)]
        : []),
    ],
  };
}

/** What somebody wrote into the property of a custom field, and when. */
export function crmFieldsChange(
  record: RemoteRecord,
  property: string,
  sourceUpdatedAt: Date,
  observedAt: Date,
): PlatformChange {
  return {
    kind: 'crmFields',
    remoteId: record.id,
    version: { sourceUpdatedAt, observedAt },
    values: { [property]: record.properties[property] ?? null },
  };
}

/** A contact as it stands, saying of the customer what `told` names. */
export function contactChange(
  record: RemoteRecord,
  told: ReadonlySet<string>,
  observedAt: Date,
  {
    mergedRemoteIds = [],
    observed = contactProperties,
  }: { mergedRemoteIds?: readonly string[]; observed?: readonly string[] } = {},
): PlatformChange {
  return {
    kind: 'customer',
    remoteId: record.id,
    version: { sourceUpdatedAt: record.updatedAt, observedAt },
    customer: {
      ...customerOf(record.properties, told),
      ...(mergedRemoteIds.length === 0 ? {} : { mergedRemoteIds: [...new Set(mergedRemoteIds)] }),
    },
    observed: heldOf(record, observed),
  };
}

/** What HubSpot says it holds of our properties; null is empty, and what it does not mention is not named. */
export function heldOf(record: RemoteRecord, names: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = record.properties[name];
      return value === undefined ? [] : [[name, value === '' ? null : value]];
    }),
  );
}

function documentChange(
  event: HubSpotEvent,
  id: string,
  record: RemoteRecord | null,
  observedAt: Date,
): Interpretation {
  return {
    kind: 'changes',
    changes: [
      {
        kind: 'documentObserved',
        remoteType: 'order',
        remoteId: record?.id ?? id,
        remoteVersion: record === null ? null : record.updatedAt.toISOString(),
        state: record === null ? null : heldOf(record, orderProperties),
        version: { sourceUpdatedAt: record?.updatedAt ?? new Date(event.occurredAt), observedAt },
      },
    ],
  };
}

const appIdKey = 'hubspot.appId';

/** The id of our own app, which every event carries; null before the first one. */
export function ownAppId(session: HubSpotSession): string | null {
  return (session.cache.get(appIdKey) as string | undefined) ?? null;
}

function read(body: Buffer): HubSpotEvent {
  const event = hubSpotEvent.safeParse(parseLosslessJson(body.toString('utf8')));
  if (!event.success)
    throw new AppError({
      code: 'MALFORMED_WEBHOOK',
      retryable: false,
      publicMessage: 'This HubSpot event cannot be read.',
      cause: event.error,
    });
  return event.data;
}
