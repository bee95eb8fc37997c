import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import type { RouteContext } from './api.ts';
import { propertyMissing } from './crm.ts';
import { HubSpotError, notFound } from './errors.ts';
import { type ObjectType, objectTypeNamed } from './object-types.ts';
import { type PropertyDefinition, type PropertyGroup, publicProperty } from './property-definitions.ts';
import { batchAnswer, batchError } from './representations.ts';
import { batchInputs, type Json, jsonBody } from './requests.ts';

/** /crm/v3/properties/<type>/… */
export function propertyRoutes(
  context: RouteContext,
  request: SandboxRequest,
  segments: readonly string[],
): SandboxResponse | null {
  const [typeName, first, second] = segments;
  if (typeName === undefined) return null;
  const type = objectTypeNamed(typeName);
  const { crm } = context;
  const { method } = request;
  const wantsArchived = request.url.searchParams.get('archived') === 'true';
  if (first === undefined) {
    if (method === 'GET')
      return {
        status: 200,
        body: {
          results: crm
            .properties(type.id)
            .filter((one) => (one.archivedAtMs !== null) === wantsArchived)
            .map(publicProperty),
        },
      };
    if (method === 'POST')
      return { status: 201, body: publicProperty(crm.createProperty(type.id, jsonBody(request))) };
    return null;
  }
  if (first === 'groups') return groups(context, request, type, second);
  if (first === 'batch' && method === 'POST') return batch(context, request, type, second);
  if (second !== undefined) return null;
  if (method === 'GET')
    return { status: 200, body: publicProperty(find(context, type, first, wantsArchived)) };
  if (method === 'PATCH')
    return { status: 200, body: publicProperty(crm.updateProperty(type.id, first, jsonBody(request))) };
  if (method !== 'DELETE') return null;
  crm.archiveProperty(type.id, first);
  return { status: 204 };
}

function groups(
  { crm }: RouteContext,
  request: SandboxRequest,
  type: ObjectType,
  name: string | undefined,
): SandboxResponse | null {
  const { method } = request;
  if (name === undefined) {
    if (method === 'GET') return { status: 200, body: { results: crm.groups(type.id).map(publicGroup) } };
    if (method === 'POST')
      return { status: 201, body: publicGroup(crm.createGroup(type.id, jsonBody(request))) };
    return null;
  }
  if (method === 'GET') {
    const group = crm.groups(type.id).find((one) => one.name === name);
    if (group === undefined) throw notFound();
    return { status: 200, body: publicGroup(group) };
  }
  if (method === 'PATCH')
    return { status: 200, body: publicGroup(crm.updateGroup(type.id, name, jsonBody(request))) };
  if (method !== 'DELETE') return null;
  crm.archiveGroup(type.id, name);
  return { status: 204 };
}

function batch(
  context: RouteContext,
  request: SandboxRequest,
  type: ObjectType,
  operation: string | undefined,
): SandboxResponse | null {
  const { crm, now } = context;
  const body = jsonBody(request);
  const inputs = batchInputs(body);
  const startedAtMs = now();
  const nameOf = (input: Json): string => String(input.name);
  if (operation === 'archive') {
    for (const input of inputs) crm.archiveProperty(type.id, nameOf(input));
    return { status: 204 };
  }
  if (operation !== 'create' && operation !== 'read') return null;
  const results: Json[] = [];
  const errors: Json[] = [];
  for (const input of inputs) {
    try {
      const definition =
        operation === 'create'
          ? crm.createProperty(type.id, input)
          : find(context, type, nameOf(input), body.archived === true);
      results.push(publicProperty(definition));
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error;
      errors.push(batchError(error, { name: [nameOf(input)] }));
    }
  }
  return batchAnswer(startedAtMs, now(), results, errors, operation === 'create' ? 201 : 200);
}

function find(
  { crm }: RouteContext,
  type: ObjectType,
  name: string,
  wantsArchived: boolean,
): PropertyDefinition {
  const definition = crm.property(type.id, name);
  if (definition === undefined || (definition.archivedAtMs !== null) !== wantsArchived)
    throw propertyMissing(name);
  return definition;
}

function publicGroup(group: PropertyGroup): Json {
  return { name: group.name, label: group.label, displayOrder: group.displayOrder, archived: false };
}
