import type { FaultEffect, Faults } from '../kit/faults.ts';
import { type Random, seededRandom } from '../kit/random.ts';
import { serveSandbox } from '../kit/server.ts';
import { StateFile } from '../kit/state-file.ts';
import { WebhookSender } from '../kit/webhooks.ts';
import { ApiLimits, hubspotApi } from './api.ts';
import { controlApi } from './control.ts';
import { type Actor, Crm, type CrmRecord, type CrmState } from './crm.ts';
import { notFound } from './errors.ts';
import { everyCustomProperty, type WebhookFormat, WebhookPublisher } from './events.ts';
import { OAuth } from './oauth.ts';
import { objectTypeNamed, objectTypes } from './object-types.ts';
import { publicProperty } from './property-definitions.ts';
import { seedContacts } from './seed.ts';

export interface HubSpotSandboxOptions {
  /** 0 picks a free port. */
  port: number;
  seed: number;
  /** Where records outlive a restart; null keeps them in memory. */
  statePath?: string | null;
  /** Where webhooks go; null sends none. */
  webhookUrl?: string | null;
  accessToken?: string;
  clientId?: string;
  clientSecret?: string;
  refreshToken?: string;
  portalId?: number;
  appId?: number;
  tokenLifetimeMs?: number;
  /** Off means no 429 at all. */
  limits?: boolean;
  /** 100 for free and starter portals, 190 for professional and enterprise. */
  requestsPerTenSeconds?: number;
  searchesPerSecond?: number;
  requestsPerDay?: number;
  /** How long a write stays invisible to the search. */
  searchLagMs?: readonly [number, number];
  /** `traced` answers 207 only where every input carries an objectWriteTraceId, as HubSpot documents for creates. */
  partialFailures?: 'always' | 'traced';
  webhookFormat?: WebhookFormat;
  /** Object types with webhooks; orders are told in the generic form only. */
  subscribedObjectTypes?: readonly string[];
  /** Properties whose changes are told; `custom:*` stands for every custom property. */
  subscribedProperties?: readonly string[];
  /** Events of this span share a webhook body. */
  webhookBatchMs?: number;
  /** The real waits between webhook attempts are divided by this. */
  timeScale?: number;
  now?: () => number;
}

/** A record as the sandbox's owner sees it: every value, none hidden. */
export interface HubSpotRecord {
  id: string;
  properties: Readonly<Record<string, string>>;
  createdAtMs: number;
  updatedAtMs: number;
  archived: boolean;
}

/** What a person in the portal, or the owner of the sandbox, can do. The control API calls the same. */
export interface HubSpotSandboxControls {
  readonly webhooks: WebhookSender;
  createContact(properties: Record<string, unknown>): HubSpotRecord;
  editContact(id: string, properties: Record<string, unknown>): HubSpotRecord;
  editOrder(id: string, properties: Record<string, unknown>): HubSpotRecord;
  deleteContact(id: string): void;
  mergeContacts(primaryId: string, secondaryId: string): HubSpotRecord;
  contactByEmail(email: string): HubSpotRecord | null;
  record(type: string, id: string): HubSpotRecord | null;
  records(type: string): HubSpotRecord[];
  /** The first record with that value; one look-up where the property is unique, else a scan. */
  find(type: string, property: string, value: string): HubSpotRecord | null;
  /** Ids of the records of a type that are tied to this one. */
  associated(fromType: string, id: string, toType: string): string[];
  state(): Record<string, unknown>;
  stats(): Record<string, number | boolean>;
  seed(what: { contacts: number }): string[];
  reset(): void;
  setLimits(enabled: boolean): void;
  setSearchLag(minMs: number, maxMs: number): void;
  setWebhookTarget(url: string | null): void;
  subscribe(to: { propertyName?: string; objectType?: string }): void;
  subscriptions(): { objectTypes: string[]; properties: string[] };
  /** Sends what waits for its batch now. */
  flushWebhooks(): void;
  /** Settles when every webhook is delivered or given up. */
  settled(): Promise<void>;
}

export interface HubSpotSandbox extends HubSpotSandboxControls, AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
}

/** Ten retries over about a day. */
const retryMinutes = [1, 3, 10, 20, 45, 90, 180, 300, 360, 420];
const human: Actor = { changeSource: 'CRM_UI', sourceId: 'userId:864745280' };
const importer: Actor = { changeSource: 'IMPORT', sourceId: 'ImportId:1' };

const defaultSubscribedProperties: readonly string[] = [
  'email',
  'firstname',
  'lastname',
  'phone',
  'address',
  'city',
  'zip',
  'country',
  everyCustomProperty,
];

/** What a portal answers while it moves between data centres. */
export function portalMigration(retryAfterSeconds: number): FaultEffect {
  return {
    kind: 'status',
    status: 477,
    headers: { 'content-type': 'application/json', 'retry-after': String(retryAfterSeconds) },
    body: JSON.stringify({
      status: 'error',
      message: 'This HubSpot account is currently being migrated. Try again later.',
      correlationId: '00000000-0000-4000-a000-000000000477',
      category: 'MIGRATION_IN_PROGRESS',
    }),
  };
}

/** HubSpot over real HTTP: CRM objects, properties, associations, search, OAuth, limits and signed webhooks. */
export async function startHubSpotSandbox(options: HubSpotSandboxOptions): Promise<HubSpotSandbox> {
  const now = options.now ?? Date.now;
  const portalId = options.portalId ?? 62515;
  const appId = options.appId ?? 1160452;
  const clientSecret = options.clientSecret ?? 'hubspot-sandbox-secret';
  const random = seededRandom(options.seed);
  let isMuted = false;

  const webhooks = new WebhookSender({
    random: seededRandom(options.seed ^ 0xb0d1e5),
    retryDelaysMs: retryMinutes.map((minutes) => (minutes * 60_000) / (options.timeScale ?? 60)),
    timeoutMs: 5000,
  });
  const publisher = new WebhookPublisher(
    {
      sender: webhooks,
      random,
      portalId,
      appId,
      clientSecret,
      format: options.webhookFormat ?? 'classic',
      objectTypes: options.subscribedObjectTypes ?? ['contacts'],
      properties: options.subscribedProperties ?? defaultSubscribedProperties,
      batchWindowMs: options.webhookBatchMs ?? 20,
      isCustomProperty: (typeId, name) => crm.isCustomProperty(typeId, name),
    },
    options.webhookUrl ?? null,
  );
  const stateFile: StateFile<CrmState> = new StateFile(options.statePath ?? null, () => crm.state());
  const crm: Crm = new Crm({
    portalId,
    random,
    now,
    searchLagMs: options.searchLagMs ?? [2000, 5000],
    onEvent: (event) => {
      if (!isMuted) publisher.publish(event);
    },
    onChange: () => stateFile.touch(),
  });
  const kept = await stateFile.load();
  if (kept !== null) crm.restore(kept);

  const limits = new ApiLimits(
    options.limits ?? true,
    options.requestsPerTenSeconds ?? 100,
    options.searchesPerSecond ?? 5,
    options.requestsPerDay ?? 250_000,
  );
  const controls = controlsOf({
    crm,
    webhooks,
    publisher,
    limits,
    random: seededRandom(options.seed ^ 0x5eedc0),
    mute,
  });
  const server = await serveSandbox({
    name: 'hubspot',
    port: options.port,
    seed: options.seed,
    api: hubspotApi({
      crm,
      oauth: new OAuth({
        accessToken: options.accessToken ?? 'pat-sandbox',
        clientId: options.clientId ?? 'hubspot-sandbox-client',
        clientSecret,
        refreshToken: options.refreshToken ?? 'hubspot-sandbox-refresh',
        portalId,
        appId,
        tokenLifetimeMs: options.tokenLifetimeMs ?? 1_800_000,
        now,
      }),
      random,
      now,
      portalId,
      appId,
      limits,
      partialFailures: options.partialFailures ?? 'always',
    }),
    control: controlApi(controls),
  });

  return {
    ...controls,
    url: server.url,
    port: server.port,
    faults: server.faults,
    [Symbol.asyncDispose]: async () => {
      publisher[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
      await webhooks[Symbol.asyncDispose]();
      await stateFile[Symbol.asyncDispose]();
    },
  };

  function mute<T>(run: () => T): T {
    isMuted = true;
    try {
      return run();
    } finally {
      isMuted = false;
    }
  }
}

interface Parts {
  crm: Crm;
  webhooks: WebhookSender;
  publisher: WebhookPublisher;
  limits: ApiLimits;
  random: Random;
  mute: <T>(run: () => T) => T;
}

function controlsOf({ crm, webhooks, publisher, limits, random, mute }: Parts): HubSpotSandboxControls {
  const live = (typeId: '0-1' | '0-123', id: string): CrmRecord => {
    const record = crm.get(typeId, id);
    if (record === undefined) throw notFound();
    return record;
  };
  const records = (type: string): HubSpotRecord[] => [...crm.records(objectTypeNamed(type).id)].map(seen);
  return {
    webhooks,
    createContact: (properties) => seen(crm.create('0-1', properties, [], human)),
    editContact: (id, properties) => seen(crm.update(live('0-1', id), properties, human)),
    editOrder: (id, properties) => seen(crm.update(live('0-123', id), properties, human)),
    deleteContact: (id) => crm.archive(live('0-1', id), human),
    mergeContacts: (primaryId, secondaryId) => seen(crm.merge('0-1', primaryId, secondaryId, human)),
    contactByEmail: (email) => seenOrNull(crm.getBy('0-1', 'email', email)),
    record: (type, id) => seenOrNull(crm.get(objectTypeNamed(type).id, id)),
    records,
    find: (type, property, value) => {
      const typeId = objectTypeNamed(type).id;
      const isIndexed =
        crm.property(typeId, property)?.hasUniqueValue === true || (typeId === '0-1' && property === 'email');
      if (isIndexed) return seenOrNull(crm.getBy(typeId, property, value));
      for (const record of crm.records(typeId))
        if (record.properties[property] === value) return seen(record);
      return null;
    },
    associated: (fromType, id, toType) => {
      const from = objectTypeNamed(fromType).id;
      const record = crm.get(from, id);
      if (record === undefined) return [];
      return crm.associations.of(from, record.id, objectTypeNamed(toType).id).map((one) => one.toId);
    },
    state: () => ({
      ...Object.fromEntries(objectTypes.map((type) => [type.plural, records(type.plural)])),
      associations: [...crm.associations.all()],
      properties: Object.fromEntries(
        objectTypes.map((type) => [type.plural, crm.properties(type.id).map(publicProperty)]),
      ),
    }),
    stats: () => ({
      ...Object.fromEntries(objectTypes.map((type) => [type.plural, crm.count(type.id)])),
      webhooksInFlight: webhooks.inFlight,
      webhookAttempts: webhooks.attempts.length,
      limitsEnabled: limits.enabled,
      requestsToday: limits.daily.used,
    }),
    seed: ({ contacts }) => mute(() => seedContacts(crm, random, contacts, importer)),
    reset: () => {
      publisher.reset();
      limits.reset();
      crm.reset();
    },
    setLimits: (enabled) => {
      limits.enabled = enabled;
      limits.reset();
    },
    setSearchLag: (minMs, maxMs) => {
      crm.search.lagMs = [minMs, maxMs];
    },
    setWebhookTarget: (url) => {
      publisher.target = url;
    },
    subscribe: ({ propertyName, objectType }) => {
      if (propertyName !== undefined) publisher.properties.add(propertyName);
      if (objectType !== undefined) publisher.objectTypes.add(objectTypeNamed(objectType).id);
    },
    subscriptions: () => ({
      objectTypes: [...publisher.objectTypes].map((id) => objectTypeNamed(id).plural),
      properties: [...publisher.properties],
    }),
    flushWebhooks: () => publisher.flush(),
    settled: async () => {
      publisher.flush();
      await webhooks.drained();
    },
  };
}

function seen(record: CrmRecord): HubSpotRecord {
  return {
    id: record.id,
    properties: record.properties,
    createdAtMs: record.createdAtMs,
    updatedAtMs: record.updatedAtMs,
    archived: record.archivedAtMs !== null,
  };
}

function seenOrNull(record: CrmRecord | undefined): HubSpotRecord | null {
  return record === undefined ? null : seen(record);
}
