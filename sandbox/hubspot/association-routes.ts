import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import type { RouteContext } from './api.ts';
import type { AssociationSpec } from './associations.ts';
import { badRequest, HubSpotError, notFound } from './errors.ts';
import { type AssociationCategory, type ObjectType, objectTypeNamed } from './object-types.ts';
import {
  associationsV3,
  associationTypes,
  batchAnswer,
  batchError,
  publicRecord,
  shownProperties,
} from './representations.ts';
import { batchInputs, type Json, jsonArray, jsonBody, requiredId } from './requests.ts';

const maxPairs = 2000;
const maxReads = 1000;

export const associationRoutes = { ofRecord, ofTypes };

/** /crm/v3|v4/objects/<type>/<id>/associations/… */
function ofRecord(
  context: RouteContext,
  request: SandboxRequest,
  version: string,
  segments: readonly string[],
): SandboxResponse | null {
  const [typeName = '', id = '', , ...rest] = segments;
  const from = objectTypeNamed(typeName);
  const { crm, actor } = context;
  const { method } = request;
  if (version === 'v3') {
    const [toName, toId, typeId] = rest;
    if (toName === undefined) return null;
    const to = objectTypeNamed(toName);
    const record = crm.get(from.id, id);
    if (record === undefined) throw notFound();
    if (method === 'GET' && toId === undefined)
      return { status: 200, body: { results: associationsV3(crm, record, to) } };
    if (toId === undefined || typeId === undefined) return null;
    const spec: AssociationSpec = { category: 'HUBSPOT_DEFINED', typeId: Number(typeId) };
    if (method === 'PUT') {
      crm.associate(from.id, id, to.id, toId, [spec], actor);
      return {
        status: 200,
        body: {
          ...publicRecord(
            record,
            shownProperties(from, record.properties, [], () => true),
          ),
          associations: { [to.plural]: { results: associationsV3(crm, record, to) } },
        },
      };
    }
    if (method !== 'DELETE') return null;
    crm.dissociate(from.id, id, to.id, toId, [spec], actor);
    return { status: 204 };
  }
  if (version !== 'v4') return null;
  if (rest[0] === 'default' && method === 'PUT' && rest.length === 3) {
    const to = objectTypeNamed(rest[1] ?? '');
    const startedAtMs = context.now();
    const results = associateByDefault(context, from, to, id, rest[2] ?? '');
    return batchAnswer(startedAtMs, context.now(), results, [], 200);
  }
  const [toName, toId] = rest;
  if (toName === undefined) return null;
  const to = objectTypeNamed(toName);
  if (method === 'GET' && toId === undefined) return list(context, request, from, to, id);
  if (toId === undefined) return null;
  if (method === 'PUT')
    return { status: 201, body: label(context, from, to, id, toId, readSpecs(jsonArray(request))) };
  if (method !== 'DELETE') return null;
  crm.dissociate(from.id, id, to.id, toId, null, actor);
  return { status: 204 };
}

/** /crm/v4/associations/<from>/<to>/… */
function ofTypes(
  context: RouteContext,
  request: SandboxRequest,
  segments: readonly string[],
): SandboxResponse | null {
  const [fromName, toName, ...rest] = segments;
  if (fromName === undefined || toName === undefined) return null;
  const from = objectTypeNamed(fromName);
  const to = objectTypeNamed(toName);
  const operation = rest.join('/');
  if (operation === 'labels') return labels(context, request, from, to);
  if (request.method !== 'POST') return null;
  const startedAtMs = context.now();
  const { crm, actor } = context;
  const each = (status: 200 | 201, run: (input: Json) => Json[]): SandboxResponse => {
    const results: Json[] = [];
    const errors: Json[] = [];
    for (const input of batchInputs(jsonBody(request), maxPairs)) {
      try {
        results.push(...run(input));
      } catch (error) {
        if (!(error instanceof HubSpotError)) throw error;
        errors.push(batchError(error, {}));
      }
    }
    return batchAnswer(startedAtMs, context.now(), results, errors, status);
  };
  switch (operation) {
    case 'batch/create':
      return each(201, (input) => [
        label(context, from, to, idIn(input, 'from'), idIn(input, 'to'), readSpecs(input.types)),
      ]);
    case 'batch/associate/default':
      return each(200, (input) =>
        associateByDefault(context, from, to, idIn(input, 'from'), idIn(input, 'to')),
      );
    case 'batch/read':
      return batchRead(context, request, from, to, startedAtMs);
    case 'batch/archive':
      for (const input of batchInputs(jsonBody(request), maxPairs)) {
        const targets = Array.isArray(input.to) ? (input.to as Json[]) : [];
        for (const target of targets)
          crm.dissociate(from.id, idIn(input, 'from'), to.id, requiredId(target.id, 'to.id'), null, actor);
      }
      return { status: 204 };
    case 'batch/labels/archive':
      for (const input of batchInputs(jsonBody(request), maxPairs))
        crm.dissociate(from.id, idIn(input, 'from'), to.id, idIn(input, 'to'), readSpecs(input.types), actor);
      return { status: 204 };
    default:
      return null;
  }
}

export function readSpecs(given: unknown): AssociationSpec[] {
  if (!Array.isArray(given) || given.length === 0)
    throw badRequest('Invalid input JSON: Some required fields were not set: [types]');
  return given.map((one: { associationCategory?: unknown; associationTypeId?: unknown }) => {
    const typeId = Number(one?.associationTypeId);
    if (!Number.isInteger(typeId)) throw badRequest('Invalid input JSON: associationTypeId must be a number');
    return { category: String(one.associationCategory) as AssociationCategory, typeId };
  });
}

function list(
  { crm }: RouteContext,
  request: SandboxRequest,
  from: ObjectType,
  to: ObjectType,
  id: string,
): SandboxResponse {
  const record = crm.get(from.id, id);
  if (record === undefined) throw notFound();
  const limit = Number(request.url.searchParams.get('limit') ?? 500);
  if (!Number.isInteger(limit) || limit < 1 || limit > 500)
    throw badRequest('limit must be between 1 and 500');
  const offset = Number(request.url.searchParams.get('after') ?? 0);
  const all = crm.associations.of(from.id, record.id, to.id);
  const end = offset + limit;
  return {
    status: 200,
    body: {
      results: all.slice(offset, end).map(({ toId, specs }) => ({
        toObjectId: toId,
        associationTypes: associationTypes(crm, from.id, to.id, specs),
      })),
      ...(end < all.length ? { paging: { next: { after: String(end) } } } : {}),
    },
  };
}

function label(
  { crm, actor }: RouteContext,
  from: ObjectType,
  to: ObjectType,
  fromId: string,
  toId: string,
  specs: readonly AssociationSpec[],
): Json {
  const made = crm.associate(from.id, fromId, to.id, toId, specs, actor);
  return {
    fromObjectTypeId: from.id,
    fromObjectId: made.fromId,
    toObjectTypeId: to.id,
    toObjectId: made.toId,
    labels: made.types.map((type) => type.label).filter((one) => one !== null),
  };
}

/** Both directions of the plain association. */
function associateByDefault(
  { crm, actor }: RouteContext,
  from: ObjectType,
  to: ObjectType,
  fromId: string,
  toId: string,
): Json[] {
  const type = crm.defaultAssociation(from.id, to.id);
  const made = crm.associate(from.id, fromId, to.id, toId, [type], actor);
  const spec = (associationTypeId: number): Json => ({
    associationCategory: 'HUBSPOT_DEFINED',
    associationTypeId,
  });
  return [
    { from: { id: made.fromId }, to: { id: made.toId }, associationSpec: spec(type.typeId) },
    { from: { id: made.toId }, to: { id: made.fromId }, associationSpec: spec(type.inverseTypeId) },
  ];
}

function batchRead(
  { crm, now }: RouteContext,
  request: SandboxRequest,
  from: ObjectType,
  to: ObjectType,
  startedAtMs: number,
): SandboxResponse {
  const results: Json[] = [];
  const errors: Json[] = [];
  for (const input of batchInputs(jsonBody(request), maxReads)) {
    const id = requiredId(input.id, 'id');
    const record = crm.get(from.id, id);
    const all = record === undefined ? [] : crm.associations.of(from.id, record.id, to.id);
    if (all.length === 0) {
      errors.push(
        batchError(
          new HubSpotError(
            404,
            'OBJECT_NOT_FOUND',
            `No ${to.singular} is associated with ${from.singular} ${id}.`,
            { subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND' },
          ),
          { fromObjectId: [id], fromObjectType: [from.singular], toObjectType: [to.singular] },
        ),
      );
      continue;
    }
    results.push({
      from: { id },
      to: all.map(({ toId, specs }) => ({
        toObjectId: toId,
        associationTypes: associationTypes(crm, from.id, to.id, specs),
      })),
    });
  }
  return batchAnswer(startedAtMs, now(), results, errors, 200);
}

function labels(
  { crm }: RouteContext,
  request: SandboxRequest,
  from: ObjectType,
  to: ObjectType,
): SandboxResponse | null {
  if (request.method === 'GET')
    return {
      status: 200,
      body: {
        results: crm.associationTypes(from.id, to.id).map((type) => ({
          category: type.category,
          typeId: type.typeId,
          label: type.label,
        })),
      },
    };
  if (request.method !== 'POST') return null;
  const body = jsonBody(request);
  if (typeof body.label !== 'string' || typeof body.name !== 'string')
    throw badRequest('Invalid input JSON: Some required fields were not set: [label, name]');
  const inverse = typeof body.inverseLabel === 'string' ? body.inverseLabel : undefined;
  const created = crm.createLabel(from.id, to.id, body.label, inverse);
  return {
    status: 200,
    body: {
      results: created.map((type) => ({ category: type.category, typeId: type.typeId, label: type.label })),
    },
  };
}

function idIn(input: Json, field: 'from' | 'to'): string {
  return requiredId((input[field] as { id?: unknown } | undefined)?.id, `${field}.id`);
}
