import QuickBooksModule from 'node-quickbooks';
import { AppError } from '../../../errors.ts';
import { naturalBatch, type Settled } from '../natural-batch.ts';
import type { Session } from '../platform.ts';
import { Fault, faultIn, objectNotFound, toAppError } from './fault.ts';
import { noteOwn } from './own-records.ts';
import type { QuickBooksCredentials } from './settings.ts';

export type QuickBooksSession = Session<QuickBooksCredentials>;

/** A record as QuickBooks answers it. Amounts are JSON numbers there and nowhere else. */
export interface Entity {
  Id: string;
  SyncToken: string;
  MetaData: { CreateTime: string; LastUpdatedTime: string };
  [field: string]: unknown;
}

export type DocumentName =
  | 'SalesReceipt'
  | 'Invoice'
  | 'CreditMemo'
  | 'RefundReceipt'
  | 'Payment'
  | 'Purchase'
  | 'Deposit';
export type EntityName = 'Customer' | 'Item' | 'Account' | DocumentName;
export type Readable =
  | EntityName
  | 'CompanyInfo'
  | 'Preferences'
  | 'TaxCode'
  | 'TaxRate'
  | 'Class'
  | 'Department';

/** A query or a small write that may travel together with others. */
export type Operation =
  | { kind: 'query'; entity: Readable; where: string }
  | { kind: 'create'; entity: EntityName; body: Record<string, unknown>; requestId: string | null };

/**
 * One company's API through node-quickbooks: promises, a time-out, typed faults, the access token kept fresh. Faults of
 * the request itself are thrown as they are, for callers to branch on; the rest as AppError.
 */
export interface Books {
  create(
    entity: EntityName,
    body: Record<string, unknown>,
    options: { requestId: string | null; allowDuplicateDocNumber?: boolean },
  ): Promise<Entity>;
  /** Sparse: what the body does not name stays. */
  update(
    entity: EntityName,
    body: Record<string, unknown>,
    options: { requestId: string | null },
  ): Promise<Entity>;
  /** What is left of it is its number and a note; not every document can be voided. */
  void(entity: DocumentName, id: string, version: string): Promise<Entity>;
  remove(entity: DocumentName, id: string, version: string): Promise<void>;
  /** Null where it was never there or was deleted. */
  read(entity: EntityName, id: string): Promise<Entity | null>;
  /** Alone as a request of its own, several at a time as one batch. */
  query(entity: Readable, where: string): Promise<Entity[]>;
  createSmall(entity: EntityName, body: Record<string, unknown>, requestId: string | null): Promise<Entity>;
  /** Changes of the last 30 days, deletions included. */
  changesSince(
    entities: readonly EntityName[],
    since: Date,
  ): Promise<{ entity: EntityName; records: Entity[] }[]>;
}

const batchMax = 30;
const lanes = 3;
const minorVersion = 75;
const defaultBaseUrl = 'https://quickbooks.api.intuit.com';
const intuitTokenUrl = 'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer';
/** A token this close to its end is renewed before it is used. */
const renewalMarginMs = 60_000;

export function booksOf(session: QuickBooksSession): Books {
  const kept = session.cache.get('quickbooks.books') as Books | undefined;
  if (kept !== undefined) return kept;
  const call = caller(session);
  const operate = naturalBatch<Operation, Entity[]>({
    max: batchMax,
    concurrent: lanes,
    run: (operations) => run(call, operations),
  });
  const books: Books = {
    create: async (entity, body, { requestId, allowDuplicateDocNumber }) => {
      const created = (await call(`creating ${entity}`, (qbo, done) =>
        qbo[`create${entity}`]?.(
          {
            ...body,
            ...(requestId === null ? {} : { requestId }),
            ...(allowDuplicateDocNumber === true ? { allowDuplicateDocNum: true } : {}),
          },
          done,
        ),
      )) as Entity;
      noteOwn(session, entity, created.Id);
      return created;
    },
    update: async (entity, body, { requestId }) =>
      (await call(`updating ${entity}`, (qbo, done) =>
        qbo[`update${entity}`]?.(
          { ...body, sparse: true, ...(requestId === null ? {} : { requestId }) },
          done,
        ),
      )) as Entity,
    void: async (entity, id, version) =>
      (await call(`voiding ${entity}`, (qbo, done) =>
        entity === 'Invoice'
          ? qbo.voidInvoice?.({ Id: id, SyncToken: version }, unwrapped(entity, done))
          : qbo[`update${entity}`]?.({ Id: id, SyncToken: version, sparse: true, void: true }, done),
      )) as Entity,
    remove: async (entity, id, version) => {
      await call(`deleting a ${entity}`, (qbo, done) =>
        qbo[`delete${entity}`]?.({ Id: id, SyncToken: version }, done),
      );
    },
    read: async (entity, id) => {
      try {
        return (await call(`reading a ${entity}`, (qbo, done) => qbo[`get${entity}`]?.(id, done))) as Entity;
      } catch (error) {
        if (error instanceof Fault && error.code === objectNotFound) return null;
        throw error;
      }
    },
    query: (entity, where) => operate({ kind: 'query', entity, where }),
    createSmall: async (entity, body, requestId) => {
      const [created] = await operate({ kind: 'create', entity, body, requestId });
      if (created === undefined) throw new Error(`QuickBooks answered a created ${entity} with nothing`);
      noteOwn(session, entity, created.Id);
      return created;
    },
    changesSince: async (entities, since) => {
      const answer = (await call('reading changes', (qbo, done) =>
        qbo.changeDataCapture?.([...entities], since.toISOString(), done),
      )) as { CDCResponse?: { QueryResponse?: Record<string, unknown>[] }[] };
      const responses = answer.CDCResponse?.flatMap((one) => one.QueryResponse ?? []) ?? [];
      return responses.flatMap((response) =>
        entities.flatMap((entity) =>
          Array.isArray(response[entity]) ? [{ entity, records: response[entity] as Entity[] }] : [],
        ),
      );
    },
  };
  session.cache.set('quickbooks.books', books);
  return books;
}

/** Text inside a query's quotes. */
export function quoted(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
}

type Callback = (error: unknown, data: unknown, response?: unknown) => void;
interface RawClient {
  endpoint: string;
  [method: string]: ((...args: never[]) => void) | unknown;
}
type Methods = Record<string, ((...args: unknown[]) => void) | undefined>;
type Call = (doing: string, invoke: (qbo: Methods, done: Callback) => void) => Promise<unknown>;

const QuickBooksClient = QuickBooksModule as unknown as new (...args: unknown[]) => RawClient;

async function run(call: Call, operations: readonly Operation[]): Promise<Settled<Entity[]>[]> {
  const [only] = operations;
  if (only !== undefined && operations.length === 1) return [await settled(runAlone(call, only))];
  const items = operations.map((operation, index) =>
    operation.kind === 'query'
      ? { bId: `b${index}`, Query: `select * from ${operation.entity} ${operation.where}`.trim() }
      : { bId: `b${index}`, operation: 'create', [operation.entity]: operation.body },
  );
  const answer = (await call(`carrying out ${operations.length} operations`, (qbo, done) =>
    qbo.batch?.(items, done),
  )) as { BatchItemResponse?: Record<string, unknown>[] };
  const responses = new Map(answer.BatchItemResponse?.map((one) => [one.bId, one]));
  return operations.map((operation, index): Settled<Entity[]> => {
    const response = responses.get(`b${index}`);
    if (response === undefined) return { ok: false, error: new Error('the batch answer lacks an operation') };
    const fault = faultIn(200, response);
    if (fault !== null) return { ok: false, error: fault };
    return { ok: true, value: entitiesIn(operation, response) };
  });
}

async function runAlone(call: Call, operation: Operation): Promise<Entity[]> {
  const { entity } = operation;
  const answer = await call(
    operation.kind === 'query' ? `querying ${entity}` : `creating a ${entity}`,
    (qbo, done) =>
      operation.kind === 'query'
        ? qbo[finders[entity]]?.(` ${operation.where}`, done)
        : qbo[`create${entity}`]?.(
            {
              ...operation.body,
              ...(operation.requestId === null ? {} : { requestId: operation.requestId }),
            },
            done,
          ),
  );
  return operation.kind === 'query'
    ? entitiesIn(operation, answer as Record<string, unknown>)
    : [answer as Entity];
}

const finders: Readonly<Record<Readable, string>> = {
  Customer: 'findCustomers',
  Item: 'findItems',
  Account: 'findAccounts',
  SalesReceipt: 'findSalesReceipts',
  Invoice: 'findInvoices',
  CreditMemo: 'findCreditMemos',
  RefundReceipt: 'findRefundReceipts',
  Payment: 'findPayments',
  Purchase: 'findPurchases',
  Deposit: 'findDeposits',
  CompanyInfo: 'findCompanyInfos',
  Preferences: 'findPreferenceses',
  TaxCode: 'findTaxCodes',
  TaxRate: 'findTaxRates',
  Class: 'findClasses',
  Department: 'findDepartments',
};

/** Voiding answers the record in its envelope, unlike everything else. */
function unwrapped(entity: string, done: Callback): Callback {
  return (error, data, response) =>
    done(error, (data as Record<string, unknown> | undefined)?.[entity] ?? data, response);
}

function entitiesIn(operation: Operation, answer: Record<string, unknown>): Entity[] {
  const { entity } = operation;
  if (operation.kind === 'create') return [answer[entity] as Entity];
  const response = (answer.QueryResponse ?? {}) as Record<string, Entity[]>;
  return response[entity] ?? [];
}

async function settled(work: Promise<Entity[]>): Promise<Settled<Entity[]>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return { ok: false, error };
  }
}

function caller(session: QuickBooksSession): Call {
  const attempt = (credentials: QuickBooksCredentials, doing: string, invoke: Parameters<Call>[1]) =>
    session.limited(() => once(session, credentials, doing, invoke));
  return async (doing, invoke) => {
    const credentials = await fresh(session, await session.credentials());
    try {
      return await attempt(credentials, doing, invoke);
    } catch (error) {
      if (!(error instanceof Fault) || error.status !== 401) throw normal(error, doing);
      const renewed = await renew(session, credentials.accessToken);
      try {
        return await attempt(renewed, doing, invoke);
      } catch (again) {
        throw normal(again, doing);
      }
    }
  };
}

/** One request. The client has no time-out of its own and reports faults in three ways. */
function once(
  session: QuickBooksSession,
  credentials: QuickBooksCredentials,
  doing: string,
  invoke: Parameters<Call>[1],
): Promise<unknown> {
  const qbo = new QuickBooksClient(
    credentials.clientId,
    credentials.clientSecret,
    credentials.accessToken ?? '',
    false,
    credentials.realmId,
    false,
    false,
    minorVersion,
    '2.0',
    credentials.refreshToken,
  );
  qbo.endpoint = `${baseUrlOf(session)}/v3/company/`;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new AppError({
            code: 'QUICKBOOKS_TIMEOUT',
            retryable: true,
            publicMessage: `QuickBooks took longer than ${session.timeoutMs} ms while ${doing}.`,
          }),
        ),
      session.timeoutMs,
    );
    invoke(qbo as unknown as Methods, (error, data, response) => {
      clearTimeout(timer);
      if (error === null || error === undefined) resolve(data);
      else reject(faultFrom(error, response));
    });
  });
}

interface RawResponse {
  status?: number;
  data?: unknown;
  headers?: Record<string, unknown>;
}

/** A fault inside HTTP 200 is the error itself; other refusals hang on the response; without one nothing came back. */
function faultFrom(error: unknown, response: unknown): unknown {
  const own = (error as { response?: RawResponse }).response;
  const answered = own ?? (response as RawResponse | undefined);
  if (answered?.status === undefined) return faultIn(200, error) ?? error;
  return faultIn(answered.status, answered.data, answered.headers) ?? error;
}

function normal(error: unknown, doing: string): unknown {
  return error instanceof Fault && (error.status === 400 || error.status === 200)
    ? error
    : toAppError(error, doing);
}

function baseUrlOf(session: QuickBooksSession): string {
  return session.baseUrl === '' ? defaultBaseUrl : session.baseUrl.replace(/\/$/, '');
}

// ── the access token ──

async function fresh(
  session: QuickBooksSession,
  credentials: QuickBooksCredentials,
): Promise<QuickBooksCredentials> {
  const { accessToken, expiresAt } = credentials;
  const isSpent =
    accessToken === undefined ||
    (expiresAt !== undefined && expiresAt.getTime() - renewalMarginMs <= session.now());
  return isSpent ? await renew(session, accessToken) : credentials;
}

/** One renewal for all who find the same token spent; whoever was faster, also in another process, has done it for all. */
function renew(session: QuickBooksSession, spentToken: string | undefined): Promise<QuickBooksCredentials> {
  const key = `quickbooks.renewal ${spentToken ?? ''}`;
  const underWay = session.cache.get(key) as Promise<QuickBooksCredentials> | undefined;
  if (underWay !== undefined) return underWay;
  const renewal = session
    .rotate((current) =>
      current.accessToken === spentToken ? refreshed(session, current) : Promise.resolve(current),
    )
    .catch((error: unknown) => {
      throw toAppError(error, 'renewing the access token');
    })
    .finally(() => session.cache.delete(key));
  session.cache.set(key, renewal);
  return renewal;
}

async function refreshed(
  session: QuickBooksSession,
  current: QuickBooksCredentials,
): Promise<QuickBooksCredentials> {
  const baseUrl = baseUrlOf(session);
  const url = new URL(baseUrl).hostname.endsWith('.intuit.com')
    ? intuitTokenUrl
    : `${baseUrl}/oauth2/v1/tokens/bearer`;
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`${current.clientId}:${current.clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: current.refreshToken }),
    signal: AbortSignal.timeout(session.timeoutMs),
  });
  if (response.status >= 500 || response.status === 429)
    throw new Fault({ status: response.status, code: '', message: `HTTP ${response.status}` });
  const body = (await response.json()) as Record<string, unknown>;
  const accessToken = body.access_token;
  const refreshToken = body.refresh_token;
  if (!response.ok || typeof accessToken !== 'string' || typeof refreshToken !== 'string')
    throw new AppError({
      code: 'QUICKBOOKS_UNAUTHORIZED',
      retryable: false,
      publicMessage: 'QuickBooks does not renew our access any more.',
      remedy: 'Connect QuickBooks again, then retry.',
    });
  return {
    ...current,
    accessToken,
    refreshToken,
    expiresAt: new Date(session.now() + Number(body.expires_in ?? 3600) * 1000),
  };
}
