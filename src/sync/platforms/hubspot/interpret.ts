import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import type { CustomFieldOwner } from '../../../model/custom-field.ts';
import { contactProperties, customerOf, standardContactProperties } from '../../crm/contact.ts';
import { orderProperties } from '../../crm/order.ts';
import { parseLosslessJson } from '../lossless-json.ts';
import type { DeliveryFacts, Interpretation } from '../platform.ts';
import { type HubSpotEvent, hubSpotEvent, isOwnWrite, objectNameOf } from './door.ts';
import {
  type Gateway,
  gatewayOf,
  type HistoryEntry,
  type HubSpotSession,
  mergedIdsOf,
  type RemoteRecord,
  readWithHistory,
} from './gateway.ts';
import { toAppError } from './refusal.ts';

export function crmGateway(session: HubSpotSession): Gateway {
  return gatewayOf(session, {
    contacts: () => [...contactProperties, ...customNames(session, 'Customer')],
    orders: () => [...orderProperties, ...customNames(session, 'Order')],
  });
}

/** Properties of the custom fields of an owner, as they were last looked up. */
function customNames(session: HubSpotSession, owner: CustomFieldOwner): readonly string[] {
  return (session.cache.get(`hubspot.custom ${owner}`) as readonly string[] | undefined) ?? [];
}

/** Looks up which properties people may have changed that custom fields are sent to. */
export async function lookUpCustomNames(
  session: HubSpotSession,
  owner: CustomFieldOwner,
): Promise<readonly string[]> {
  const names = (await session.customFields()).flatMap((field) =>
    field.owner === owner && field.hubspotProperty !== null ? [field.hubspotProperty] : [],
  );
  session.cache.set(`hubspot.custom ${owner}`, names);
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
  const owner = object === 'order' ? 'Order' : 'Customer';
  const custom = await lookUpCustomNames(session, owner);
  const words = async (record: RemoteRecord): Promise<PlatformChange[]> =>
    what === 'propertyChange' && record.id === id && custom.includes(event.propertyName ?? '')
      ? [await wordTold(session, owner, record, event, observedAt)]
      : [];
  if (object === 'order') {
    const record = await gateway.orders.read(id);
    return {
      kind: 'changes',
      changes: [
        documentChange(event, id, record, observedAt),
        ...(record === null ? [] : await words(record)),
      ],
    };
  }
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
      ...(await words(record)),
    ],
  };
}

const objectsOf = { Customer: 'contacts', Order: 'orders' } as const;

/**
 * What somebody wrote into the property of a custom field, and when. Where it stands there no more, we may have written
 * over it before we heard of it: the property's history then tells what people said last.
 */
async function wordTold(
  session: HubSpotSession,
  owner: CustomFieldOwner,
  record: RemoteRecord,
  event: HubSpotEvent,
  observedAt: Date,
): Promise<PlatformChange> {
  const name = event.propertyName ?? '';
  const stands = record.properties[name] || null;
  const word = { value: event.propertyValue || null, at: new Date(event.occurredAt) };
  if (word.value === stands) return crmFieldsChange(owner, record, name, word, observedAt);
  const [known] = await readWithHistory(crmGateway(session), objectsOf[owner], [record.id], [name]).catch(
    (error: unknown) => {
      throw toAppError(error, `reading the history of ${name}`);
    },
  );
  const last = known === undefined ? null : lastWord(session, known.history[name] ?? []);
  const heard = event.propertyValue == null ? { ...word, value: stands } : word;
  return crmFieldsChange(owner, known ?? record, name, last ?? heard, observedAt);
}

/** The newest value that is not of our own making; null where there is none. */
export function lastWord(session: HubSpotSession, history: readonly HistoryEntry[]): Word | null {
  const appId = ownAppId(session);
  // Until a webhook has told our own app's id, every app's write is taken for ours.
  const entry = history.find(
    (one) => one.sourceType !== 'INTEGRATION' || (appId !== null && one.sourceId !== appId),
  );
  return entry === undefined ? null : { value: entry.value || null, at: entry.at };
}

/** What somebody wrote, and when. */
export interface Word {
  value: string | null;
  at: Date;
}

export function crmFieldsChange(
  owner: CustomFieldOwner,
  record: RemoteRecord,
  property: string,
  word: Word,
  observedAt: Date,
): PlatformChange {
  return {
    kind: 'crmFields',
    owner,
    remoteId: record.id,
    version: { sourceUpdatedAt: word.at, observedAt },
    values: { [property]: word.value },
    // What a contact holds is told with the contact.
    ...(owner === 'Order' ? { observed: heldOf(record, [property]) } : {}),
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
): PlatformChange {
  return {
    kind: 'documentObserved',
    remoteType: 'order',
    remoteId: record?.id ?? id,
    remoteVersion: record === null ? null : record.updatedAt.toISOString(),
    state: record === null ? null : heldOf(record, orderProperties),
    version: { sourceUpdatedAt: record?.updatedAt ?? new Date(event.occurredAt), observedAt },
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
