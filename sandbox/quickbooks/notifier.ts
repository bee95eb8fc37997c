import { createHash, createHmac } from 'node:crypto';
import type { WebhookSender } from '../kit/webhooks.ts';
import type { Change } from './books.ts';
import type { EntityType } from './entities.ts';
import { operationNames } from './service.ts';

export interface NotifierOptions {
  sender: WebhookSender;
  url: string | null;
  realmId: string;
  verifierToken: string;
  format: 'cloudevents' | 'classic';
  /** Changes within this time travel in one notification. */
  windowMs: number;
}

/** Changes of these are never announced. */
const silent: ReadonlySet<EntityType> = new Set(['CompanyInfo', 'TaxCode', 'TaxRate', 'Attachable']);

/** Gathers changes and announces them, signed over the bytes that travel. */
export class Notifier implements Disposable {
  url: string | null;
  format: 'cloudevents' | 'classic';
  #options: NotifierOptions;
  #pending = new Map<string, Change>();
  #timer: NodeJS.Timeout | null = null;
  #sent = 0;
  #events = 0;

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.url = options.url;
    this.format = options.format;
  }

  get counts(): { notifications: number; events: number; pending: number } {
    return { notifications: this.#sent, events: this.#events, pending: this.#pending.size };
  }

  note(change: Change): void {
    if (this.url === null || silent.has(change.type)) return;
    this.#pending.set(`${change.type}:${change.id}:${change.operation}`, change);
    this.#timer ??= setTimeout(() => this.flush(), this.#options.windowMs).unref();
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const changes = [...this.#pending.values()];
    this.#pending.clear();
    if (changes.length === 0 || this.url === null) return;
    this.#sent += 1;
    const first = this.#events;
    this.#events += changes.length;
    const { realmId, verifierToken, sender } = this.#options;
    const content =
      this.format === 'classic' ? classicBody(realmId, changes) : cloudEvents(realmId, changes, first);
    const body = Buffer.from(JSON.stringify(content));
    const signature = signatureOf(verifierToken, body);
    sender.send({
      id: `notification-${this.#sent}`,
      url: this.url,
      topic: changes.map((change) => `${change.type}.${change.operation}`).join(','),
      body,
      headers: () => ({ 'intuit-signature': signature, 'intuit-notification-schema-version': '1.0' }),
    });
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** base64(HMAC-SHA256(verifier token, raw body)) */
export function signatureOf(verifierToken: string, body: Buffer): string {
  return createHmac('sha256', verifierToken).update(body).digest('base64');
}

function cloudEvents(realmId: string, changes: readonly Change[], first: number): unknown[] {
  const source = `intuit.${createHash('sha256').update(realmId).digest('base64')}`;
  return changes.map((change, index) => ({
    specversion: '1.0',
    id: `${uuidFrom(`${realmId}:${first + index}`)}-${change.type}-${change.id}`,
    source,
    type: `qbo.${change.type.toLowerCase()}.${operationNames[change.operation]}.v1`,
    time: new Date(change.atMs).toISOString(),
    intuitentityid: change.id,
    intuitaccountid: realmId,
    ...(change.type === 'Class' || change.type === 'Employee'
      ? {
          data: {
            alternative_ids: [
              {
                id: `${Buffer.from(`v4.1:${realmId}:sandbox`).toString('base64url')}:${change.id}`,
                namespace: 'Intuit.sbseg.v4',
              },
            ],
          },
        }
      : {}),
  }));
}

function classicBody(realmId: string, changes: readonly Change[]): unknown {
  return {
    eventNotifications: [
      {
        realmId,
        dataChangeEvent: {
          entities: changes.map((change) => ({
            name: change.type,
            id: change.id,
            operation: change.operation,
            lastUpdated: new Date(change.atMs).toISOString(),
          })),
        },
      },
    ],
  };
}

/** Event ids are as deterministic as everything else here: the same story tells the same ids. */
function uuidFrom(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
