import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { parseLosslessJson } from '../lossless-json.ts';
import type { Door, IncomingDelivery } from '../platform.ts';
import type { HubSpotCredentials } from './settings.ts';

/** Older signatures are replays. */
const windowMs = 5 * 60_000;

const remoteId = z.union([z.string().regex(/^\d+$/), z.number().int().nonnegative()]).transform(String);

/** One event of a body. Fields that only some types carry are optional; others ride along unread. */
export const hubSpotEvent = z.object({
  eventId: z.union([z.string(), z.number()]).transform(String),
  subscriptionId: z.union([z.string(), z.number()]).transform(String),
  portalId: remoteId,
  appId: z.union([z.string(), z.number()]).transform(String),
  /** Milliseconds; the bounds are those of what a date can be. */
  occurredAt: z.number().int().nonnegative().max(8.64e15),
  subscriptionType: z.string().regex(/^[A-Za-z_]+\.[A-Za-z]+$/),
  objectId: remoteId.optional(),
  objectTypeId: z.string().optional(),
  fromObjectId: remoteId.optional(),
  propertyName: z.string().optional(),
  propertyValue: z.union([z.string(), z.number(), z.boolean()]).transform(String).nullish(),
  changeSource: z.string().optional(),
  sourceId: z.string().optional(),
  primaryObjectId: remoteId.optional(),
  mergedObjectIds: z.array(remoteId).optional(),
  newObjectId: remoteId.optional(),
});
export type HubSpotEvent = z.infer<typeof hubSpotEvent>;

const body = z.array(z.unknown()).min(1).max(1000);

export const door: Door<HubSpotCredentials> = {
  accountIdOf: () => null,
  isSigned: ({ headers }) =>
    headers['x-hubspot-signature-v3'] !== undefined && headers['x-hubspot-request-timestamp'] !== undefined,
  verify(request, credentials) {
    const given = Buffer.from(request.headers['x-hubspot-signature-v3'] ?? '', 'base64');
    const timestamp = request.headers['x-hubspot-request-timestamp'] ?? '';
    if (!/^\d{1,15}$/.test(timestamp)) return false;
    if (Math.abs(request.receivedAtMs - Number(timestamp)) > windowMs) return false;
    const wanted = createHmac('sha256', credentials.clientSecret)
      .update(request.method + decodedUri(request.url))
      .update(request.rawBody)
      .update(timestamp)
      .digest();
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  },
  split(request) {
    const events = body.safeParse(parse(request.rawBody));
    if (!events.success) throw malformed('is not a list of events');
    const read = events.data.map((raw, index) => ({ raw, event: readEvent(raw, index) }));
    // The first of our own writes goes the long way: there the worker learns which app HubSpot takes us for.
    const firstOwn = read.find(({ event }) => isOwnWrite(event));
    return read.map((one) => ({
      ...deliveryOf(one.raw, one.event),
      ...(one !== firstOwn && isOwnWrite(one.event) ? { ignored: true } : {}),
    }));
  },
};

/** Undoes the escapes that HubSpot undoes before it signs. */
function decodedUri(uri: string): string {
  return uri.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (escaped) => decodeURIComponent(escaped));
}

function parse(rawBody: Buffer): unknown {
  try {
    return parseLosslessJson(rawBody.toString('utf8'));
  } catch {
    throw malformed('is not JSON');
  }
}

function readEvent(raw: unknown, index: number): HubSpotEvent {
  const event = hubSpotEvent.safeParse(raw);
  if (!event.success)
    throw malformed(
      `has an event (number ${index + 1}) without ${event.error.issues[0]?.path.join('.') || 'fields'}`,
    );
  return event.data;
}

function deliveryOf(raw: unknown, event: HubSpotEvent): IncomingDelivery {
  const { eventId, subscriptionId, portalId, occurredAt, subscriptionType, propertyName } = event;
  const objectId = event.newObjectId ?? event.objectId ?? event.fromObjectId ?? '0';
  return {
    accountId: portalId,
    // The event id alone is not unique; attempts of one event share all of these.
    externalId: [subscriptionId, eventId, occurredAt, objectId, propertyName ?? ''].join(':'),
    eventId,
    topic: subscriptionType,
    subject: `${objectNameOf(event)}:${objectId}`,
    triggeredAt: new Date(occurredAt),
    body: Buffer.from(JSON.stringify(raw)),
  };
}

/**
 * What we write comes back, with one event per property: a change by an app carries its id, and the subscription is our
 * own app's. Deletions and merges are news whoever made them.
 */
export function isOwnWrite(event: HubSpotEvent): boolean {
  const what = event.subscriptionType.split('.')[1];
  return (
    event.changeSource === 'INTEGRATION' &&
    event.sourceId === event.appId &&
    what !== 'deletion' &&
    what !== 'merge'
  );
}

const namesByTypeId: Readonly<Record<string, string>> = {
  '0-1': 'contact',
  '0-2': 'company',
  '0-3': 'deal',
  '0-7': 'product',
  '0-8': 'line_item',
  '0-123': 'order',
};

/** `contact.creation` names the object itself; `object.creation` names its type by id. */
export function objectNameOf(event: HubSpotEvent): string {
  const [prefix = ''] = event.subscriptionType.split('.');
  if (prefix !== 'object') return prefix;
  return namesByTypeId[event.objectTypeId ?? ''] ?? event.objectTypeId ?? 'object';
}

function malformed(why: string): AppError {
  return new AppError({
    code: 'MALFORMED_WEBHOOK',
    retryable: false,
    publicMessage: `The body of this HubSpot webhook ${why}.`,
  });
}
