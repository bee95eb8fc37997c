import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import type { RouteContext } from './api.ts';
import { readSpecs } from './association-routes.ts';
import type { AssociationInput, CrmRecord } from './crm.ts';
import { badRequest, HubSpotError, notFound } from './errors.ts';
import { type ObjectType, objectTypeNamed } from './object-types.ts';
import {
  batchAnswer,
  batchError,
  missingInBatch,
  publicAssociations,
  publicDocument,
  publicHistory,
  publicRecord,
  shownProperties,
} from './representations.ts';
import {
  batchInputs,
  type Json,
  jsonBody,
  listParameter,
  propertiesOf,
  requiredId,
  stringList,
} from './requests.ts';
import { runSearch } from './search.ts';

/** /crm/v3/objects/<type>/… */
export function objectRoutes(
  context: RouteContext,
  request: SandboxRequest,
  segments: readonly string[],
): SandboxResponse | null {
  const [typeName, first, second] = segments;
  if (typeName === undefined) return null;
  const type = objectTypeNamed(typeName);
  const { method } = request;
  if (first === undefined) {
    if (method === 'GET') return list(context, request, type);
    if (method === 'POST') return create(context, request, type);
    return null;
  }
  if (method === 'POST' && first === 'batch') return batch(context, request, type, second);
  if (second !== undefined) return null;
  if (method === 'POST' && first === 'search') return search(context, request, type);
  if (method === 'POST' && first === 'merge') return merge(context, request, type);
  if (method === 'POST' && first === 'gdpr-delete' && type.id === '0-1') return gdprDelete(context, request);
  if (method === 'GET') return read(context, request, type, first);
  if (method === 'PATCH') return update(context, request, type, first);
  if (method === 'DELETE') return archive(context, type, first);
  return null;
}

function list({ crm }: RouteContext, request: SandboxRequest, type: ObjectType): SandboxResponse {
  const parameters = request.url.searchParams;
  const limit = Number(parameters.get('limit') ?? 10);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw badRequest('limit must be between 1 and 100 (inclusive)');
  const after = parameters.get('after');
  if (after !== null && !/^\d+$/.test(after)) throw badRequest(`Invalid paging cursor: ${after}`);
  const page = crm.list(type.id, { fromId: after, limit, archived: parameters.get('archived') === 'true' });
  const next = new URL(request.url);
  if (page.nextId !== null) next.searchParams.set('after', page.nextId);
  return {
    status: 200,
    body: {
      results: page.records.map((record) => shown(crm, type, record, request)),
      ...(page.nextId === null ? {} : { paging: { next: { after: page.nextId, link: next.href } } }),
    },
  };
}

function create({ crm, actor }: RouteContext, request: SandboxRequest, type: ObjectType): SandboxResponse {
  const body = jsonBody(request);
  const record = crm.create(type.id, propertiesOf(body), readAssociations(body), actor);
  return { status: 201, body: publicRecord(record, { ...record.properties }) };
}

function read({ crm }: RouteContext, request: SandboxRequest, type: ObjectType, id: string): SandboxResponse {
  const idProperty = request.url.searchParams.get('idProperty') ?? undefined;
  const record =
    request.url.searchParams.get('archived') === 'true'
      ? crm.getArchived(type.id, id)
      : crm.lookUp(type.id, id, idProperty);
  if (record === undefined) throw notFound();
  return { status: 200, body: shown(crm, type, record, request) };
}

function update(
  { crm, actor }: RouteContext,
  request: SandboxRequest,
  type: ObjectType,
  id: string,
): SandboxResponse {
  const idProperty = request.url.searchParams.get('idProperty') ?? undefined;
  const record = crm.lookUp(type.id, id, idProperty);
  if (record === undefined) throw notFound();
  const given = propertiesOf(jsonBody(request));
  crm.update(record, given, actor);
  return { status: 200, body: written(type, record, given) };
}

function archive({ crm, actor }: RouteContext, type: ObjectType, id: string): SandboxResponse {
  const record = crm.get(type.id, id);
  if (record !== undefined) crm.archive(record, actor);
  else if (crm.getArchived(type.id, id) === undefined) throw notFound();
  return { status: 204 };
}

function search({ crm }: RouteContext, request: SandboxRequest, type: ObjectType): SandboxResponse {
  const body = jsonBody(request);
  const isKnown = (name: string): boolean => crm.property(type.id, name) !== undefined;
  const { total, page, nextAfter } = runSearch(crm.search.documents(type.id), body, type, (name) =>
    crm.property(type.id, name),
  );
  const requested = stringList(body.properties);
  return {
    status: 200,
    body: {
      total,
      results: page.map((document) =>
        publicDocument(document, shownProperties(type, document.properties, requested, isKnown)),
      ),
      ...(nextAfter === null ? {} : { paging: { next: { after: nextAfter } } }),
    },
  };
}

function merge({ crm, actor }: RouteContext, request: SandboxRequest, type: ObjectType): SandboxResponse {
  const body = jsonBody(request);
  const survivor = crm.merge(
    type.id,
    requiredId(body.primaryObjectId, 'primaryObjectId'),
    requiredId(body.objectIdToMerge, 'objectIdToMerge'),
    actor,
  );
  return { status: 200, body: publicRecord(survivor, { ...survivor.properties }) };
}

function gdprDelete({ crm, actor }: RouteContext, request: SandboxRequest): SandboxResponse {
  const body = jsonBody(request);
  const idProperty = typeof body.idProperty === 'string' ? body.idProperty : undefined;
  const id = requiredId(body.objectId, 'objectId');
  const record =
    crm.lookUp('0-1', id, idProperty) ?? (idProperty === undefined ? crm.getArchived('0-1', id) : undefined);
  if (record !== undefined) crm.purge(record, actor);
  return { status: 204 };
}

// Batches

function batch(
  context: RouteContext,
  request: SandboxRequest,
  type: ObjectType,
  operation: string | undefined,
): SandboxResponse | null {
  const body = jsonBody(request);
  const inputs = batchInputs(body);
  const startedAtMs = context.now();
  const { crm, actor } = context;
  switch (operation) {
    case 'create':
      return runBatch(context, type, inputs, startedAtMs, 201, (input) => {
        const record = crm.create(type.id, propertiesOf(input), readAssociations(input), actor);
        return { ...publicRecord(record, { ...record.properties }), ...trace(input) };
      });
    case 'update':
      refuseRepeatedIds(inputs);
      return runBatch(context, type, inputs, startedAtMs, 200, (input) => {
        const record = crm.lookUp(type.id, requiredId(input.id, 'id'), idPropertyOf(input));
        if (record === undefined) return null;
        const given = propertiesOf(input);
        crm.update(record, given, actor);
        return { ...written(type, record, given), ...trace(input) };
      });
    case 'upsert':
      refuseRepeatedIds(inputs);
      return runBatch(context, type, inputs, startedAtMs, 200, (input) => {
        const idProperty = idPropertyOf(input);
        const id = requiredId(input.id, 'id');
        if (idProperty === undefined)
          throw badRequest('Invalid input JSON: Some required fields were not set: [idProperty]');
        const given = propertiesOf(input);
        const { record, isNew } = crm.upsert(type.id, idProperty, id, given, actor);
        return { ...written(type, record, { [idProperty]: id, ...given }), new: isNew, ...trace(input) };
      });
    case 'read':
      return batchRead(context, request, type, body, inputs, startedAtMs);
    case 'archive':
      for (const input of inputs) {
        const record = crm.get(type.id, requiredId(input.id, 'id'));
        if (record !== undefined) crm.archive(record, actor);
      }
      return { status: 204 };
    default:
      return null;
  }
}

/**
 * Each input by itself. Missing records are told together, other failures one by one with the input's trace id and id.
 * Where every input fails for a reason of its own, the answer is the first failure's.
 */
function runBatch(
  { now, partialFailures }: RouteContext,
  type: ObjectType,
  inputs: readonly Json[],
  startedAtMs: number,
  status: 200 | 201,
  run: (input: Json) => Json | null,
): SandboxResponse {
  const isTraced = inputs.every((input) => typeof input.objectWriteTraceId === 'string');
  const results: Json[] = [];
  const errors: Json[] = [];
  const missing: string[] = [];
  let firstError: HubSpotError | null = null;
  for (const input of inputs) {
    try {
      const result = run(input);
      if (result === null) missing.push(String(input.id));
      else results.push(result);
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error;
      if (partialFailures === 'traced' && !isTraced) throw error;
      firstError ??= error;
      errors.push(
        batchError(error, {
          ...(input.id === undefined ? {} : { ids: [String(input.id)] }),
          ...(typeof input.objectWriteTraceId === 'string'
            ? { objectWriteTraceId: [input.objectWriteTraceId] }
            : {}),
        }),
      );
    }
  }
  if (firstError !== null && errors.length === inputs.length && !isTraced) throw firstError;
  if (missing.length > 0) errors.push(missingInBatch(type, missing));
  return batchAnswer(startedAtMs, now(), results, errors, status);
}

function batchRead(
  { crm, now }: RouteContext,
  request: SandboxRequest,
  type: ObjectType,
  body: Json,
  inputs: readonly Json[],
  startedAtMs: number,
): SandboxResponse {
  const idProperty = idPropertyOf(body);
  const isArchived = request.url.searchParams.get('archived') === 'true';
  const requested = stringList(body.properties);
  const history = stringList(body.propertiesWithHistory);
  const isKnown = (name: string): boolean => crm.property(type.id, name) !== undefined;
  const found = new Map<string, CrmRecord>();
  const missing: string[] = [];
  for (const input of inputs) {
    const id = requiredId(input.id, 'id');
    const record = isArchived ? crm.getArchived(type.id, id) : crm.lookUp(type.id, id, idProperty);
    if (record === undefined) missing.push(id);
    else found.set(record.id, record);
  }
  const results = [...found.values()].map((record) => ({
    ...publicRecord(record, shownProperties(type, record.properties, requested, isKnown)),
    ...(history.length > 0 ? publicHistory(record, history) : {}),
  }));
  const errors = missing.length > 0 ? [missingInBatch(type, missing)] : [];
  return batchAnswer(startedAtMs, now(), results, errors, 200);
}

/** Two inputs for one record would race each other; HubSpot refuses the whole batch. */
function refuseRepeatedIds(inputs: readonly Json[]): void {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const input of inputs) {
    const id = String(input.id).toLowerCase();
    if (seen.has(id)) repeated.add(String(input.id));
    seen.add(id);
  }
  if (repeated.size > 0)
    throw badRequest(`Duplicate IDs found in batch input: [${[...repeated].join(', ')}]. IDs must be unique`);
}

// Helpers

function shown(crm: RouteContext['crm'], type: ObjectType, record: CrmRecord, request: SandboxRequest): Json {
  const requested = listParameter(request, 'properties');
  const history = listParameter(request, 'propertiesWithHistory');
  const isKnown = (name: string): boolean => crm.property(type.id, name) !== undefined;
  return {
    ...publicRecord(record, shownProperties(type, record.properties, requested, isKnown)),
    ...(history.length > 0 ? publicHistory(record, history) : {}),
    ...publicAssociations(crm, record, listParameter(request, 'associations')),
  };
}

/** A write answers with what was written and the properties that HubSpot keeps itself. */
function written(type: ObjectType, record: CrmRecord, given: Json): Json {
  return publicRecord(
    record,
    shownProperties(type, record.properties, ['hs_object_id', ...Object.keys(given)], () => true),
  );
}

function trace(input: Json): Json {
  return typeof input.objectWriteTraceId === 'string' ? { objectWriteTraceId: input.objectWriteTraceId } : {};
}

function idPropertyOf(input: Json): string | undefined {
  return typeof input.idProperty === 'string' && input.idProperty !== '' ? input.idProperty : undefined;
}

function readAssociations(input: Json): AssociationInput[] {
  const { associations } = input;
  if (associations === undefined || associations === null) return [];
  if (!Array.isArray(associations)) throw badRequest('Invalid input JSON: associations must be an array');
  return associations.map((one: { to?: { id?: unknown }; types?: unknown }) => ({
    toId: requiredId(one?.to?.id, 'associations.to.id'),
    specs: readSpecs(one?.types),
  }));
}
