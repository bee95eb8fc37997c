import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import { type Books, plural } from './books.ts';
import { addTaxCode } from './company.ts';
import { type Entity, type EntityType, entityTypes, isEntityType } from './entities.ts';
import type { RequestLimits } from './limits.ts';
import type { Tokens } from './oauth.ts';
import {
  batchTooLarge,
  duplicateName,
  invalidDate,
  invalidReference,
  invalidValue,
  missingParameter,
  QboFault,
  queryInvalid,
  unsupportedOperation,
  wrongLength,
} from './qbo-fault.ts';
import { runQuery } from './query.ts';
import { createEntity, deleteEntity, readEntity, updateEntity, voidEntity, type Writer } from './service.ts';

export interface ApiParts {
  realmId: string;
  books: () => Books;
  tokens: Tokens;
  limits: RequestLimits;
  replays: Replays;
}

export interface Replay {
  status: number;
  text: string;
}

/** First answers by request id; the oldest are forgotten once there are very many. */
export class Replays {
  readonly answers = new Map<string, Replay>();
  count = 0;

  keep(requestId: string, answer: Replay): void {
    this.answers.set(requestId, answer);
    if (this.answers.size > 100_000) {
      const oldest = this.answers.keys().next();
      if (!oldest.done) this.answers.delete(oldest.value);
    }
  }
}

const jsonHeaders = { 'content-type': 'application/json;charset=UTF-8' };

/** Everything under /v3/company, after authorisation and limits. */
export function handleApi(parts: ApiParts, request: SandboxRequest): SandboxResponse | null {
  const path = /^\/v3\/company\/([^/]+)\/(.+?)\/?$/.exec(request.url.pathname);
  if (path === null) return null;
  const [, realm = '', rest = ''] = path;
  const token = /^bearer\s+(.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || !parts.tokens.accepts(token)) return unauthorized(token);
  if (realm !== parts.realmId) return forbidden();
  if (!parts.limits.admit(rest === 'batch')) return throttled(parts.books());

  const requestId = request.url.searchParams.get('requestid');
  const books = parts.books();
  try {
    if (requestId !== null && requestId.length > 50) throw wrongLength('requestid', 50, requestId.length);
    const writes = request.method === 'POST' && rest !== 'query';
    if (requestId !== null && requestId !== '' && writes) {
      const answer = parts.replays.answers.get(requestId);
      if (answer !== undefined) {
        parts.replays.count += 1;
        return { status: answer.status, headers: jsonHeaders, body: answer.text };
      }
    }
    const text = JSON.stringify({ ...route(books, request, rest), time: books.answerTime() });
    // Only what was carried out is remembered: a refused body may be corrected under the same id.
    if (requestId !== null && requestId !== '' && writes)
      parts.replays.keep(requestId, { status: 200, text });
    return { status: 200, headers: jsonHeaders, body: text };
  } catch (error) {
    if (!(error instanceof QboFault)) throw error;
    return {
      status: error.status,
      headers: jsonHeaders,
      body: JSON.stringify({ Fault: error.body, time: books.answerTime() }),
    };
  }
}

function route(books: Books, request: SandboxRequest, rest: string): Record<string, unknown> {
  const { searchParams } = request.url;
  if (rest === 'query') {
    const text = searchParams.get('query') ?? request.body.toString('utf8');
    if (text === '') throw missingParameter('query');
    return { QueryResponse: runQuery(books, text) };
  }
  if (rest === 'cdc') {
    return {
      CDCResponse: [changedData(books, searchParams.get('entities'), searchParams.get('changedSince'))],
    };
  }
  if (rest === 'batch') return { BatchItemResponse: batch(books, bodyOf(request)) };
  if (rest === 'taxservice/taxcode') return taxService(books, bodyOf(request));

  const [name = '', id, ...deeper] = rest.split('/');
  const type = typesByPath.get(name.toLowerCase());
  if (type === undefined || deeper.length > 0) throw unsupportedOperation(`${request.method} ${rest}`);
  if (request.method === 'GET') {
    const single = type === 'CompanyInfo' || type === 'Preferences';
    if (id === undefined && !single) throw missingParameter('Id');
    return { [type]: readEntity(books, type, single ? '1' : (id ?? '')) };
  }
  if (request.method !== 'POST' || id !== undefined) throw unsupportedOperation(`${request.method} ${rest}`);
  const operation = searchParams.get('operation');
  const include = (searchParams.get('include') ?? '').toLowerCase().split(',');
  return write(books, type, bodyOf(request), include.includes('void') ? 'void' : operation, {
    kind: 'api',
    allowDuplicateDocNumber: include.includes('allowduplicatedocnum'),
  });
}

/** One write, in its own request or in a batch. Without a named operation, an Id makes it an update. */
function write(
  books: Books,
  type: EntityType,
  body: unknown,
  operation: string | null,
  writer: Writer,
): Record<string, unknown> {
  const hasId = typeof body === 'object' && body !== null && 'Id' in body && body.Id != null;
  switch (operation ?? (hasId ? 'update' : 'create')) {
    case 'create':
      return { [type]: books.present(type, createEntity(books, type, body, writer)) };
    case 'update':
      return { [type]: books.present(type, updateEntity(books, type, body, writer)) };
    case 'void':
      return { [type]: voidEntity(books, type, identity(body), writer) };
    case 'delete':
      return { [type]: tombstone(deleteEntity(books, type, identity(body), writer).Id) };
    default:
      throw unsupportedOperation(String(operation));
  }
}

/** Items stand on their own: one that is refused carries its fault, inside HTTP 200. */
function batch(books: Books, body: unknown): Record<string, unknown>[] {
  const items = (body as { BatchItemRequest?: unknown } | null)?.BatchItemRequest;
  if (!Array.isArray(items)) throw missingParameter('BatchItemRequest');
  if (items.length > 30) throw batchTooLarge(items.length);
  return items.map((item: Record<string, unknown>) => {
    const bId = item.bId;
    try {
      return { ...batchItem(books, item), ...(bId === undefined ? {} : { bId }) };
    } catch (error) {
      if (!(error instanceof QboFault)) throw error;
      return { Fault: error.body, ...(bId === undefined ? {} : { bId }) };
    }
  });
}

function batchItem(books: Books, item: Record<string, unknown>): Record<string, unknown> {
  if (typeof item.Query === 'string') return { QueryResponse: runQuery(books, item.Query) };
  const cdc = item.CDCQuery as { Entities?: string; ChangedSince?: string } | undefined;
  if (cdc !== undefined)
    return { CDCResponse: changedData(books, cdc.Entities ?? null, cdc.ChangedSince ?? null) };
  const type = Object.keys(item).find((key): key is EntityType => isEntityType(key));
  const operation = item.operation;
  if (type === undefined) throw unsupportedOperation(String(operation));
  if (typeof operation !== 'string') throw missingParameter('operation');
  const options = String(item.optionsData ?? '').toLowerCase();
  return write(books, type, item[type], options.includes('void') ? 'void' : operation, {
    kind: 'api',
    allowDuplicateDocNumber: options.includes('allowduplicatedocnum'),
  });
}

const cdcDays = 30;
const cdcObjects = 1000;
const outsideCdc: ReadonlySet<EntityType> = new Set(['TaxCode', 'TaxRate', 'TaxAgency']);

function changedData(
  books: Books,
  entities: string | null,
  changedSince: string | null,
): Record<string, unknown> {
  if (entities === null || entities === '') throw missingParameter('entities');
  if (changedSince === null || changedSince === '') throw missingParameter('changedSince');
  // A plus sign in an unescaped zone offset arrives as a blank.
  const sinceMs = Date.parse(changedSince.replace(' ', '+'));
  if (Number.isNaN(sinceMs)) throw invalidDate('changedSince', changedSince);
  if (sinceMs < books.now() - cdcDays * 24 * 60 * 60 * 1000)
    throw queryInvalid(`changedSince must lie within the last ${cdcDays} days.`);
  let room = cdcObjects;
  const responses = entities.split(',').map((raw) => {
    const type = typesByPath.get(raw.trim().toLowerCase());
    if (type === undefined || outsideCdc.has(type))
      throw queryInvalid(`Change data capture does not support the entity ${raw.trim()}.`);
    const changed = books
      .of(type)
      .changedSince(sinceMs)
      .map((entity) => books.present(type, entity));
    const deleted = books.tombstonesSince(type, sinceMs).map((one) => ({
      ...tombstone(one.id),
      MetaData: { LastUpdatedTime: one.lastUpdatedTime },
    }));
    const page = [...changed, ...deleted].slice(0, room);
    room -= page.length;
    return page.length === 0 ? {} : { [type]: page, startPosition: 1, maxResults: page.length };
  });
  return { QueryResponse: responses };
}

/** Tax codes and rates come into being together, through a service of their own. */
function taxService(books: Books, body: unknown): Record<string, unknown> {
  const given = body as { TaxCode?: unknown; TaxRateDetails?: unknown };
  if (typeof given?.TaxCode !== 'string' || given.TaxCode === '') throw missingParameter('TaxCode');
  if (!Array.isArray(given.TaxRateDetails)) throw missingParameter('TaxRateDetails');
  if ((books.of('TaxCode').where('Name', given.TaxCode) ?? []).length > 0) throw duplicateName('TaxCode');
  const details = given.TaxRateDetails as Record<string, unknown>[];
  const rates = details.map((detail) => {
    const rateId = detail.TaxRateId;
    if (typeof rateId === 'string') {
      const rate = books.find('TaxRate', rateId);
      if (rate === undefined) throw invalidReference('TaxRateId', plural('TaxRate'), rateId);
      return { percent: Number(rate.RateValue), agencyId: '', rateId };
    }
    const percent = Number(detail.RateValue);
    const agencyId = String(detail.TaxAgencyId ?? '');
    if (typeof detail.TaxRateName !== 'string') throw missingParameter('TaxRateName');
    if (!Number.isFinite(percent)) throw invalidValue('RateValue', detail.RateValue, 'a number');
    if (books.find('TaxAgency', agencyId) === undefined)
      throw invalidReference('TaxAgencyId', plural('TaxAgency'), agencyId);
    return { name: detail.TaxRateName, percent, agencyId };
  });
  const { codeId, rateIds } = addTaxCode(books, given.TaxCode, rates);
  return {
    TaxCode: given.TaxCode,
    TaxCodeId: codeId,
    TaxRateDetails: details.map((detail, index) => ({ ...detail, TaxRateId: rateIds[index] })),
  };
}

const typesByPath = new Map<string, EntityType>(entityTypes.map((type) => [type.toLowerCase(), type]));

/** Deletes and voids look at nothing but which object, in which version. */
function identity(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null) throw missingParameter('Id');
  const { Id, SyncToken } = body as Partial<Entity>;
  return {
    ...(Id === undefined ? {} : { Id }),
    ...(SyncToken === undefined ? {} : { SyncToken }),
  };
}

function tombstone(id: string): Record<string, unknown> {
  return { domain: 'QBO', status: 'Deleted', Id: id };
}

function bodyOf(request: SandboxRequest): unknown {
  try {
    return JSON.parse(request.body.toString('utf8')) as unknown;
  } catch {
    throw invalidValue('body', request.body.toString('utf8').slice(0, 40), 'JSON');
  }
}

/** The gateway in front of the books answers in a dialect of its own: lower-case, with everything else null. */
function unauthorized(token: string | undefined): SandboxResponse {
  return {
    status: 401,
    headers: { ...jsonHeaders, 'www-authenticate': 'Bearer realm="Intuit", error="invalid_token"' },
    body: JSON.stringify(
      gatewayFault(
        'message=AuthenticationFailed; errorCode=003200; statusCode=401',
        token === undefined ? 'AuthenticationFailed' : 'Token expired or revoked',
        '3200',
        'AUTHENTICATION',
      ),
    ),
  };
}

function forbidden(): SandboxResponse {
  return {
    status: 403,
    headers: jsonHeaders,
    body: JSON.stringify(
      gatewayFault(
        'message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403',
        'The application is not authorized for this company.',
        '3100',
        'AUTHORIZATION',
      ),
    ),
  };
}

function gatewayFault(message: string, detail: string, code: string, type: string): Record<string, unknown> {
  return {
    warnings: null,
    intuitObject: null,
    fault: { error: [{ message, detail, code, element: null }], type },
    report: null,
    queryResponse: null,
    batchItemResponse: [],
    attachableResponse: [],
    syncErrorResponse: null,
    requestId: null,
    time: 0,
    status: null,
    cdcresponse: [],
  };
}

function throttled(books: Books): SandboxResponse {
  return {
    status: 429,
    headers: { 'content-type': 'application/xml;charset=UTF-8' },
    body:
      '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>' +
      `<IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time="${books.answerTime()}">` +
      '<Fault type="SERVICE"><Error code="3001">' +
      '<Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>' +
      '<Detail>The request limit was reached.</Detail>' +
      '</Error></Fault></IntuitResponse>',
  };
}
