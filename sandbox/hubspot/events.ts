import { createHash, createHmac } from 'node:crypto';
import type { Random } from '../kit/random.ts';
import type { WebhookSender } from '../kit/webhooks.ts';
import type { CrmEvent } from './crm.ts';
import { type ObjectType, type ObjectTypeId, objectTypeNamed } from './object-types.ts';

/** `classic` names types by object (contact.creation), `generic` by objectTypeId (object.creation, "0-1"). */
export type WebhookFormat = 'classic' | 'generic';

/** Stands for every custom property in a list of subscribed properties. */
export const everyCustomProperty = 'custom:*';

export interface WebhookPublisherOptions {
  sender: WebhookSender;
  random: Random;
  portalId: number;
  appId: number;
  clientSecret: string;
  format: WebhookFormat;
  /** Object types that the app listens to. Orders have generic events only. */
  objectTypes: readonly string[];
  /** Properties whose changes are told, or `custom:*`. */
  properties: readonly string[];
  /** Events of this span travel in one body. */
  batchWindowMs: number;
  isCustomProperty: (typeId: ObjectTypeId, name: string) => boolean;
}

type Payload = Record<string, unknown> & { eventId: number };

const maxEventsPerBody = 100;

/** Turns changes into webhook bodies: arrays of events in no order, signed at each attempt. */
export class WebhookPublisher implements Disposable {
  target: string | null;
  readonly properties: Set<string>;
  readonly objectTypes: Set<ObjectTypeId>;
  #options: WebhookPublisherOptions;
  #pending: Payload[] = [];
  #timer: NodeJS.Timeout | null = null;
  #subscriptionIds = new Map<string, number>();
  #nextEventId = 3_816_000_001;
  #nextBody = 1;

  constructor(options: WebhookPublisherOptions, target: string | null) {
    this.#options = options;
    this.target = target;
    this.properties = new Set(options.properties);
    this.objectTypes = new Set(options.objectTypes.map((name) => objectTypeNamed(name).id));
  }

  publish(event: CrmEvent): void {
    if (this.target === null || !this.objectTypes.has(event.typeId)) return;
    if (event.kind === 'propertyChange' && !this.#isSubscribed(event.typeId, event.name)) return;
    const payload = this.#payload(event, objectTypeNamed(event.typeId));
    if (payload === null) return;
    this.#pending.push(payload);
    if (this.#pending.length >= maxEventsPerBody) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.batchWindowMs);
  }

  /** Sends what has gathered. Within and between bodies there is no order, as HubSpot warns. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const url = this.target;
    const events = shuffle(this.#pending, this.#options.random);
    this.#pending = [];
    if (url === null) return;
    for (let at = 0; at < events.length; at += maxEventsPerBody)
      this.#send(url, events.slice(at, at + maxEventsPerBody));
  }

  reset(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pending = [];
  }

  [Symbol.dispose](): void {
    this.reset();
  }

  #send(url: string, events: readonly Payload[]): void {
    const { clientSecret, sender } = this.#options;
    const bodyAt = (attempt: number): Buffer =>
      Buffer.from(JSON.stringify(events.map((event) => ({ ...event, attemptNumber: attempt - 1 }))));
    sender.send({
      id: `hubspot-${this.#nextBody++}`,
      url,
      topic: [...new Set(events.map((event) => String(event.subscriptionType)))].sort().join(','),
      body: bodyAt(1),
      bodyAt,
      headers: (atMs, attempt) => {
        const body = bodyAt(attempt);
        return {
          'user-agent': 'HubSpot Connect 2.0 (http://dev.hubspot.com/) - WebhooksExecutorDaemon-executor',
          'x-hubspot-request-timestamp': String(atMs),
          'x-hubspot-signature-v3': signatureV3(clientSecret, 'POST', url, body, atMs),
          'x-hubspot-signature-version': 'v1',
          'x-hubspot-signature': createHash('sha256').update(clientSecret).update(body).digest('hex'),
        };
      },
    });
  }

  #isSubscribed(typeId: ObjectTypeId, name: string): boolean {
    if (this.properties.has(name)) return true;
    return this.properties.has(everyCustomProperty) && this.#options.isCustomProperty(typeId, name);
  }

  #payload(event: CrmEvent, type: ObjectType): Payload | null {
    const isClassic = this.#options.format === 'classic' && type.classicWebhooks;
    if (
      event.kind === 'associationChange' &&
      isClassic &&
      !objectTypeNamed(event.edge.toType).classicWebhooks
    )
      return null;
    // Privacy deletions of contacts kept their classic name.
    const prefix = isClassic || event.kind === 'privacyDeletion' ? type.singular : 'object';
    const subscriptionType = `${prefix}.${event.kind}`;
    const property = event.kind === 'propertyChange' ? event.name : '';
    return {
      eventId: this.#nextEventId++,
      subscriptionId: this.#subscriptionId(`${type.id} ${subscriptionType} ${property}`),
      portalId: this.#options.portalId,
      appId: this.#options.appId,
      occurredAt: event.atMs,
      subscriptionType,
      attemptNumber: 0,
      ...(event.kind === 'associationChange' ? {} : { objectId: Number(event.id) }),
      ...(prefix === 'object' && event.kind !== 'associationChange' ? { objectTypeId: type.id } : {}),
      ...details(event, prefix === 'object'),
      changeSource: event.actor.changeSource,
      sourceId: event.actor.sourceId,
    };
  }

  #subscriptionId(key: string): number {
    const id = this.#subscriptionIds.get(key) ?? 3_000_001 + this.#subscriptionIds.size;
    this.#subscriptionIds.set(key, id);
    return id;
  }
}

/** base64(HMAC-SHA256(client secret, method + URI + body + timestamp)); some escapes of the URI are undone first. */
function signatureV3(
  clientSecret: string,
  method: string,
  uri: string,
  body: Buffer,
  timestampMs: number,
): string {
  return createHmac('sha256', clientSecret)
    .update(method + decodeSome(uri))
    .update(body)
    .update(String(timestampMs))
    .digest('base64');
}

function decodeSome(uri: string): string {
  return uri.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (escaped) => decodeURIComponent(escaped));
}

function details(event: CrmEvent, isGeneric: boolean): Record<string, unknown> {
  switch (event.kind) {
    case 'creation':
      return { changeFlag: 'NEW' };
    case 'deletion':
    case 'privacyDeletion':
      return { changeFlag: 'DELETED' };
    case 'propertyChange':
      return {
        propertyName: event.name,
        propertyValue: event.value ?? '',
        ...(isGeneric ? { isSensitive: false } : {}),
      };
    case 'merge':
      return {
        primaryObjectId: Number(event.id),
        mergedObjectIds: event.mergedIds.map(Number),
        newObjectId: Number(event.newId),
        numberOfPropertiesMoved: event.propertiesMoved,
      };
    case 'associationChange': {
      const { edge } = event;
      const from = objectTypeNamed(edge.fromType);
      const to = objectTypeNamed(edge.toType);
      return {
        fromObjectId: Number(edge.fromId),
        toObjectId: Number(edge.toId),
        associationRemoved: event.removed,
        isPrimaryAssociation: [1, 2, 5, 6].includes(edge.typeId) && edge.category === 'HUBSPOT_DEFINED',
        ...(isGeneric
          ? {
              fromObjectTypeId: from.id,
              toObjectTypeId: to.id,
              associationTypeId: edge.typeId,
              associationCategory: edge.category,
            }
          : { associationType: `${from.singular}_TO_${to.singular}`.toUpperCase() }),
      };
    }
    default:
      return event satisfies never;
  }
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  const shuffled = [...items];
  for (let at = shuffled.length - 1; at > 0; at -= 1) {
    const other = random.int(0, at);
    const [left, right] = [shuffled[at], shuffled[other]];
    if (left === undefined || right === undefined) continue;
    shuffled[at] = right;
    shuffled[other] = left;
  }
  return shuffled;
}
