import { Client } from '@hubspot/api-client';
import { AppError } from '../../../errors.ts';
import { naturalBatch, type Settled } from '../natural-batch.ts';
import type { Session } from '../platform.ts';
import { Refusal, refusalFrom, refusalOf, toAppError } from './refusal.ts';
import type { HubSpotCredentials } from './settings.ts';

export type HubSpotSession = Session<HubSpotCredentials>;
export type ObjectName = 'contacts' | 'orders' | 'line_items';
type Properties = Record<string, string>;

/** A record as HubSpot answered it. */
export interface RemoteRecord {
  id: string;
  properties: Record<string, string | null>;
  updatedAt: Date;
  history: Record<string, HistoryEntry[]>;
}

/** One value that a property had. */
export interface HistoryEntry {
  value: string;
  at: Date;
  sourceType: string;
  sourceId: string | null;
}

export interface NewAssociation {
  toId: string;
  typeId: number;
}

export interface RecordLanes {
  create(input: { properties: Properties; associations: readonly NewAssociation[] }): Promise<RemoteRecord>;
  update(input: { id: string; properties: Properties }): Promise<RemoteRecord>;
  /** Updates the record that carries `value` in a unique property, or creates it. */
  upsert(input: { idProperty: string; value: string; properties: Properties }): Promise<RemoteRecord>;
  /** Null where there is no such record. A merged-away id leads to the survivor. */
  read(id: string): Promise<RemoteRecord | null>;
}

/**
 * One account's API. What is asked side by side travels in one batch call per kind; every call waits for the
 * connection's limit and ends within its time-out; every input has a fate of its own.
 */
export interface Gateway {
  contacts: RecordLanes;
  orders: RecordLanes;
  lineItems: RecordLanes;
  /** HubSpot's plain tie between two records, in both directions. Repeating it changes nothing. */
  associate(from: ObjectName, to: ObjectName, fromId: string, toId: string): Promise<void>;
  /** Cuts every tie between two records. Repeating it changes nothing. */
  dissociate(from: ObjectName, to: ObjectName, fromId: string, toId: string): Promise<void>;
  /** Any other call. */
  call<T>(doing: string, run: (client: Client) => Promise<T>): Promise<T>;
}

/** Inputs that HubSpot takes in one batch. */
const batchMax = 100;
/** Enough lanes that a call at hand need not wait for one under way, few enough that batches form under load. */
const lanes = 6;
/** With histories HubSpot reads fewer records at once. */
const historyBatchMax = 50;

export function gatewayOf(
  session: HubSpotSession,
  read: { contacts: () => readonly string[]; orders: () => readonly string[] },
): Gateway {
  const kept = session.cache.get('hubspot.gateway') as Gateway | undefined;
  if (kept !== undefined) return kept;
  const call = caller(session);
  const associations = new Map<string, (pair: { fromId: string; toId: string }) => Promise<void>>();
  const gateway: Gateway = {
    contacts: recordLanes(call, 'contacts', 'email', read.contacts),
    orders: recordLanes(call, 'orders', 'tributary_order_id', read.orders),
    lineItems: recordLanes(call, 'line_items', 'tributary_line_id', () => []),
    associate: (from, to, fromId, toId) => {
      const key = `${from} ${to}`;
      let lane = associations.get(key);
      if (lane === undefined) {
        lane = associationLane(call, from, to);
        associations.set(key, lane);
      }
      return lane({ fromId, toId });
    },
    dissociate: async (from, to, fromId, toId) => {
      await call(`separating ${from} from ${to}`, (client) =>
        client.crm.associations.v4.batchApi.archive(from, to, {
          inputs: [{ _from: { id: fromId }, to: [{ id: toId }] }],
        }),
      );
    },
    call,
  };
  session.cache.set('hubspot.gateway', gateway);
  return gateway;
}

/** Records with the history of their properties, for those who must know who changed what when. */
export async function readWithHistory(
  gateway: Gateway,
  object: ObjectName,
  ids: readonly string[],
  properties: readonly string[],
): Promise<RemoteRecord[]> {
  const records: RemoteRecord[] = [];
  for (let from = 0; from < ids.length; from += historyBatchMax) {
    const inputs = ids.slice(from, from + historyBatchMax).map((id) => ({ id }));
    const answer = await gateway.call(`reading ${object}`, (client) =>
      client.crm.objects.batchApi.read(object, {
        inputs,
        properties: [...properties],
        propertiesWithHistory: [...properties],
      }),
    );
    records.push(...answer.results.map(recordFrom));
  }
  return records;
}

type Call = Gateway['call'];

function caller(session: HubSpotSession): Call {
  let made: { token: string; client: Client } | null = null;
  const clientFor = (token: string): Client => {
    if (made?.token !== token)
      made = {
        token,
        client: new Client({
          accessToken: token,
          basePath: session.baseUrl === '' ? defaultBaseUrl : session.baseUrl.replace(/\/$/, ''),
          numberOfApiCallRetries: 0,
        }),
      };
    return made.client;
  };
  const attempt = <T>(token: string, doing: string, run: (client: Client) => Promise<T>): Promise<T> =>
    session.limited(() => withTimeout(run(clientFor(token)), session.timeoutMs, doing));
  return async (doing, run) => {
    const credentials = await fresh(session, await session.credentials());
    try {
      return await attempt(credentials.accessToken, doing, run);
    } catch (error) {
      if (refusalOf(error)?.status !== 401 || credentials.refresh === undefined) throw normal(error, doing);
      const renewed = await renew(session, credentials.accessToken);
      try {
        return await attempt(renewed.accessToken, doing, run);
      } catch (again) {
        throw normal(again, doing);
      }
    }
  };
}

const defaultBaseUrl = 'https://api.hubapi.com';
/** A token this close to its end is renewed before it is used. */
const renewalMarginMs = 60_000;

async function fresh(session: HubSpotSession, credentials: HubSpotCredentials): Promise<HubSpotCredentials> {
  const expiresAt = credentials.refresh?.expiresAt?.getTime();
  if (expiresAt === undefined || expiresAt - renewalMarginMs > session.now()) return credentials;
  return await renew(session, credentials.accessToken);
}

/** One renewal for all who find the same token spent. */
function renew(session: HubSpotSession, spentToken: string): Promise<HubSpotCredentials> {
  const key = `hubspot.renewal ${spentToken}`;
  const underWay = session.cache.get(key) as Promise<HubSpotCredentials> | undefined;
  if (underWay !== undefined) return underWay;
  const renewal = session
    .rotate(async (current) => {
      // Another process was faster.
      if (current.accessToken !== spentToken || current.refresh === undefined) return current;
      const client = new Client({
        basePath: session.baseUrl === '' ? defaultBaseUrl : session.baseUrl.replace(/\/$/, ''),
        numberOfApiCallRetries: 0,
      });
      const response = await withTimeout(
        client.apiRequest({
          method: 'POST',
          path: '/oauth/v1/token',
          defaultJson: false,
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            grant_type: 'refresh_token',
            client_id: current.refresh.clientId,
            client_secret: current.clientSecret,
            refresh_token: current.refresh.refreshToken,
          }).toString(),
        }),
        session.timeoutMs,
        'renewing the access token',
      );
      const body = (await response.json()) as Record<string, unknown>;
      if (!response.ok || typeof body.access_token !== 'string')
        throw response.status >= 500 || response.status === 429
          ? refusalFrom(response.status, body)
          : new AppError({
              code: 'HUBSPOT_UNAUTHORIZED',
              retryable: false,
              publicMessage: 'HubSpot does not renew our access any more.',
              remedy: 'Connect HubSpot again.',
            });
      return {
        ...current,
        accessToken: body.access_token,
        refresh: {
          ...current.refresh,
          refreshToken: String(body.refresh_token ?? current.refresh.refreshToken),
          expiresAt: new Date(session.now() + Number(body.expires_in ?? 1800) * 1000),
        },
      };
    })
    .catch((error: unknown) => {
      throw toAppError(error, 'renewing the access token');
    })
    .finally(() => session.cache.delete(key));
  session.cache.set(key, renewal);
  return renewal;
}

/** Refusals of the request itself stay as they are, for callers to branch on; the rest is for the engine. */
function normal(error: unknown, doing: string): unknown {
  const refusal = refusalOf(error);
  if (refusal !== null && (refusal.status === 400 || refusal.status === 404 || refusal.status === 409))
    return refusal;
  return toAppError(error, doing);
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number, doing: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new AppError({
            code: 'HUBSPOT_TIMEOUT',
            retryable: true,
            publicMessage: `HubSpot took longer than ${timeoutMs} ms while ${doing}.`,
          }),
        ),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

// ── batches ──

interface RawRecord {
  id: string;
  properties: Record<string, string | null>;
  updatedAt: Date;
  objectWriteTraceId?: string;
  propertiesWithHistory?: Record<
    string,
    { value: string; timestamp: Date; sourceType: string; sourceId?: string }[]
  >;
}

interface RawBatch {
  results: RawRecord[];
  errors?: RawError[];
}

interface RawError {
  category?: string;
  message?: string;
  errors?: unknown;
  context?: Record<string, string[]>;
}

function recordLanes(
  call: Call,
  object: ObjectName,
  uniqueProperty: string,
  readProperties: () => readonly string[],
): RecordLanes {
  const lane = <Input>(
    doing: string,
    send: (client: Client, inputs: readonly (Input & { objectWriteTraceId: string })[]) => Promise<RawBatch>,
    matches: (input: Input, record: RawRecord) => boolean,
  ): ((input: Input) => Promise<RemoteRecord>) =>
    naturalBatch<Input, RemoteRecord>({
      max: batchMax,
      concurrent: lanes,
      run: (inputs) => runBatch(call, `${doing} ${object}`, inputs, send, matches),
    });
  return {
    create: lane(
      'creating',
      (client, inputs) =>
        client.crm.objects.batchApi.create(object, {
          inputs: inputs.map(({ properties, associations, objectWriteTraceId }) => ({
            properties,
            objectWriteTraceId,
            associations: associations.map(({ toId, typeId }) => ({
              to: { id: toId },
              types: [{ associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: typeId }],
            })),
          })),
        }) as Promise<RawBatch>,
      (input, record) => record.properties[uniqueProperty] === input.properties[uniqueProperty],
    ),
    update: lane(
      'updating',
      (client, inputs) =>
        client.crm.objects.batchApi.update(object, { inputs: [...inputs] }) as Promise<RawBatch>,
      (input, record) => record.id === input.id,
    ),
    upsert: lane(
      'writing',
      (client, inputs) =>
        client.crm.objects.batchApi.upsert(object, {
          inputs: inputs.map(({ value, ...rest }) => ({ ...rest, id: value })),
        }) as Promise<RawBatch>,
      (input, record) => record.properties[input.idProperty] === input.value,
    ),
    read: naturalBatch<string, RemoteRecord | null>({
      max: batchMax,
      concurrent: lanes,
      run: async (ids) => {
        const answer = (await call(`reading ${object}`, (client) =>
          client.crm.objects.batchApi.read(object, {
            inputs: [...new Set(ids)].map((id) => ({ id })),
            properties: [...readProperties(), 'hs_merged_object_ids'],
            propertiesWithHistory: [],
          }),
        ).catch((error: unknown) => {
          throw toAppError(error, `reading ${object}`);
        })) as RawBatch;
        return ids.map((id) => {
          const record = answer.results.find((one) => one.id === id || mergedIdsOf(one).includes(id));
          return { ok: true, value: record === undefined ? null : recordFrom(record) };
        });
      },
    }),
  };
}

export function mergedIdsOf(record: { properties: Record<string, string | null> }): string[] {
  return (record.properties.hs_merged_object_ids ?? '').split(';').filter((id) => id !== '');
}

/**
 * One batch call. A refusal of the whole says nothing about the single inputs, so the batch is halved until the culprit
 * stands alone; a partial one names its inputs by trace id.
 */
async function runBatch<Input>(
  call: Call,
  doing: string,
  inputs: readonly Input[],
  send: (client: Client, inputs: readonly (Input & { objectWriteTraceId: string })[]) => Promise<RawBatch>,
  matches: (input: Input, record: RawRecord) => boolean,
): Promise<Settled<RemoteRecord>[]> {
  const traced = inputs.map((input, index) => ({ ...input, objectWriteTraceId: `t${index}` }));
  let answer: RawBatch;
  try {
    answer = await call(doing, (client) => send(client, traced));
  } catch (error) {
    if (!(error instanceof Refusal) || inputs.length === 1) return inputs.map(() => ({ ok: false, error }));
    const half = Math.ceil(inputs.length / 2);
    const [first, second] = await Promise.all([
      runBatch(call, doing, inputs.slice(0, half), send, matches),
      runBatch(call, doing, inputs.slice(half), send, matches),
    ]);
    return [...first, ...second];
  }
  const results = new Set(answer.results);
  const errors = answer.errors ?? [];
  return await Promise.all(
    traced.map(async (input, index): Promise<Settled<RemoteRecord>> => {
      const found = [...results].find((one) =>
        one.objectWriteTraceId === undefined
          ? matches(input, one)
          : one.objectWriteTraceId === input.objectWriteTraceId,
      );
      if (found !== undefined) {
        results.delete(found);
        return { ok: true, value: recordFrom(found) };
      }
      const error = inputs.length === 1 ? errors[0] : errors.find((one) => isAbout(one, input));
      if (error !== undefined) return { ok: false, error: refusalFrom(statusOf(error), error) };
      if (inputs.length === 1)
        return { ok: false, error: new Error(`HubSpot answered nothing about ${doing}`) };
      const original = inputs[index];
      const alone = original === undefined ? [] : await runBatch(call, doing, [original], send, matches);
      return alone[0] ?? { ok: false, error: new Error(`HubSpot answered nothing about ${doing}`) };
    }),
  );
}

function isAbout(
  error: RawError,
  input: { objectWriteTraceId: string; id?: string; value?: string },
): boolean {
  const traceIds = error.context?.objectWriteTraceId;
  if (traceIds !== undefined) return traceIds.includes(input.objectWriteTraceId);
  const ids = error.context?.ids ?? [];
  return (
    (input.id !== undefined && ids.includes(input.id)) ||
    (input.value !== undefined && ids.includes(input.value))
  );
}

/** Inside a 207 only the category tells what kind of refusal it is. */
function statusOf(error: RawError): number {
  if (error.category === 'OBJECT_NOT_FOUND') return 404;
  return error.category === 'CONFLICT' || error.category === 'OBJECT_ALREADY_EXISTS' ? 409 : 400;
}

function associationLane(
  call: Call,
  from: ObjectName,
  to: ObjectName,
): (pair: { fromId: string; toId: string }) => Promise<void> {
  const doing = `associating ${from} with ${to}`;
  return naturalBatch<{ fromId: string; toId: string }, void>({
    max: 1000,
    concurrent: lanes,
    run: async function run(pairs): Promise<Settled<void>[]> {
      try {
        const answer = (await call(doing, (client) =>
          client.crm.associations.v4.batchApi.createDefault(from, to, {
            inputs: pairs.map(({ fromId, toId }) => ({ _from: { id: fromId }, to: { id: toId } })),
          }),
        )) as { errors?: RawError[] };
        const [error] = answer.errors ?? [];
        if (error === undefined) return pairs.map(() => ({ ok: true, value: undefined }));
        throw refusalFrom(statusOf(error), error);
      } catch (error) {
        if (!(error instanceof Refusal) || pairs.length === 1)
          return pairs.map(() => ({ ok: false, error: toAppError(error, doing) }));
        // Associating twice is harmless, so that finding the culprit may repeat the others.
        return (await Promise.all(pairs.map((pair) => run([pair])))).flat();
      }
    },
  });
}

function recordFrom(raw: unknown): RemoteRecord {
  const { id, properties, updatedAt, propertiesWithHistory } = raw as RawRecord;
  const history: Record<string, HistoryEntry[]> = {};
  for (const [name, entries] of Object.entries(propertiesWithHistory ?? {}))
    history[name] = entries.map((one) => ({
      value: one.value,
      at: new Date(one.timestamp),
      sourceType: one.sourceType,
      sourceId: one.sourceId ?? null,
    }));
  return { id, properties, updatedAt: new Date(updatedAt), history };
}
