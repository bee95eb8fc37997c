import type { SandboxRequest } from '../kit/server.ts';
import { badRequest, HubSpotError } from './errors.ts';

export type Json = Record<string, unknown>;

/** The request's JSON object. */
export function jsonBody(request: SandboxRequest): Json {
  const body = parse(request);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('Invalid input JSON: an object is needed');
  return body as Json;
}

export function jsonArray(request: SandboxRequest): Json[] {
  const body = parse(request);
  if (!Array.isArray(body)) throw badRequest('Invalid input JSON: an array is needed');
  return body as Json[];
}

/** `inputs` of a batch call, at most as many as HubSpot takes. */
export function batchInputs(body: Json, max = 100): Json[] {
  const { inputs } = body;
  if (!Array.isArray(inputs))
    throw badRequest('Invalid input JSON: Some required fields were not set: [inputs]');
  if (inputs.length > max)
    throw badRequest(
      `The maximum number of inputs supported in a batch request for this object type is ${max}, the number of inputs sent in this request was ${inputs.length}`,
    );
  for (const input of inputs)
    if (typeof input !== 'object' || input === null)
      throw badRequest('Invalid input JSON: every input must be an object');
  return inputs as Json[];
}

export function propertiesOf(input: Json): Json {
  const { properties } = input;
  if (properties === undefined || properties === null) return {};
  if (typeof properties !== 'object' || Array.isArray(properties))
    throw badRequest('Invalid input JSON: properties must be an object');
  return properties as Json;
}

/** Repeated parameters and comma-separated ones alike. */
export function listParameter(request: SandboxRequest, name: string): string[] {
  return request.url.searchParams
    .getAll(name)
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

export function stringList(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export function requiredId(value: unknown, field: string): string {
  if (typeof value !== 'string' && typeof value !== 'number')
    throw badRequest(`Invalid input JSON: Some required fields were not set: [${field}]`);
  return String(value);
}

/**
 * The path's segments in the v3/v4 form. Date versions (/crm/objects/2026-09/…) serve the same objects, so they are
 * led to the same code.
 */
export function pathSegments(request: SandboxRequest): string[] {
  const segments = request.url.pathname
    .split('/')
    .filter((one) => one !== '')
    .map(decode);
  const [area, kind, version, ...rest] = segments;
  if (area === 'crm' && kind !== undefined && /^\d{4}-\d{2}$/.test(version ?? '')) {
    const isAssociation = kind === 'associations' || (kind === 'objects' && rest[2] === 'associations');
    return ['crm', isAssociation ? 'v4' : 'v3', kind, ...rest];
  }
  return segments;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HubSpotError(400, 'VALIDATION_ERROR', `Invalid path segment: ${segment}`);
  }
}

function parse(request: SandboxRequest): unknown {
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch (error) {
    throw badRequest(
      `Invalid input JSON on line 1, column 1: ${error instanceof Error ? error.message : error}`,
    );
  }
}
