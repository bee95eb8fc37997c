import type { Handler, SandboxRequest, SandboxResponse } from '../kit/server.ts';
import { fairWeather, type WebhookWeather } from '../kit/webhooks.ts';
import { HubSpotError } from './errors.ts';
import { objectTypeNamed, objectTypes } from './object-types.ts';
import { jsonBody, propertiesOf, requiredId } from './requests.ts';
import type { HubSpotSandboxControls } from './server.ts';

/**
 * The control API under /_control. People edit contacts and orders here; everything has a direct method of the same effect.
 * GET state[?entity=contacts|orders|…|associations|properties], POST reset, POST seed {contacts}, GET stats,
 * POST limits {enabled}, POST search-lag {minMs, maxMs}, GET|POST|DELETE webhooks/weather, GET webhooks/attempts,
 * POST webhooks/target {url}, POST webhooks/flush, GET|POST webhooks/subscriptions {propertyName | objectType},
 * GET <type>[?<property>=<value>], GET <type>/<id>,
 * POST contacts {properties}, POST contacts/<id> {properties}, DELETE contacts/<id>, POST contacts/merge {primaryId, secondaryId},
 * POST orders/<id> {properties}.
 */
export function controlApi(sandbox: HubSpotSandboxControls): Handler {
  return (request) => {
    const path = request.url.pathname.replace(/^\/_control\/?/, '');
    try {
      return (
        general(sandbox, request, path) ?? webhooks(sandbox, request, path) ?? records(sandbox, request, path)
      );
    } catch (error) {
      if (!(error instanceof HubSpotError)) throw error;
      return { status: error.status, body: { error: error.message } };
    }
  };
}

function general(
  sandbox: HubSpotSandboxControls,
  request: SandboxRequest,
  path: string,
): SandboxResponse | null {
  switch (`${request.method} ${path}`) {
    case 'GET state': {
      const entity = request.url.searchParams.get('entity');
      const state = sandbox.state();
      if (entity === null) return { status: 200, body: state };
      if (!(entity in state)) return { status: 404, body: { error: `no entity ${entity}` } };
      return { status: 200, body: state[entity] };
    }
    case 'POST reset':
      sandbox.reset();
      return { status: 200, body: sandbox.stats() };
    case 'POST seed': {
      const contacts = request.body.length === 0 ? 50 : Number(jsonBody(request).contacts ?? 50);
      return { status: 201, body: { contacts: sandbox.seed({ contacts }) } };
    }
    case 'GET stats':
      return { status: 200, body: sandbox.stats() };
    case 'POST limits':
      sandbox.setLimits(jsonBody(request).enabled === true);
      return { status: 200, body: sandbox.stats() };
    case 'POST search-lag': {
      const body = jsonBody(request);
      sandbox.setSearchLag(Number(body.minMs ?? 0), Number(body.maxMs ?? 0));
      return { status: 200, body: sandbox.stats() };
    }
    default:
      return null;
  }
}

function webhooks(
  sandbox: HubSpotSandboxControls,
  request: SandboxRequest,
  path: string,
): SandboxResponse | null {
  switch (`${request.method} ${path}`) {
    case 'GET webhooks/weather':
      return { status: 200, body: sandbox.webhooks.weather };
    case 'POST webhooks/weather':
      sandbox.webhooks.weather = {
        ...sandbox.webhooks.weather,
        ...(jsonBody(request) as Partial<WebhookWeather>),
      };
      return { status: 200, body: sandbox.webhooks.weather };
    case 'DELETE webhooks/weather':
      sandbox.webhooks.weather = { ...fairWeather };
      sandbox.webhooks.release(request.url.searchParams.get('order') === 'lifo' ? 'lifo' : 'fifo');
      return { status: 200, body: sandbox.webhooks.weather };
    case 'GET webhooks/attempts':
      return { status: 200, body: sandbox.webhooks.attempts };
    case 'POST webhooks/target': {
      const { url } = jsonBody(request);
      sandbox.setWebhookTarget(typeof url === 'string' ? url : null);
      return { status: 200, body: { url: url ?? null } };
    }
    case 'POST webhooks/flush':
      sandbox.flushWebhooks();
      return { status: 200, body: { inFlight: sandbox.webhooks.inFlight } };
    case 'GET webhooks/subscriptions':
      return { status: 200, body: sandbox.subscriptions() };
    case 'POST webhooks/subscriptions': {
      const { propertyName, objectType } = jsonBody(request);
      if (typeof propertyName === 'string') sandbox.subscribe({ propertyName });
      if (typeof objectType === 'string') sandbox.subscribe({ objectType });
      return { status: 200, body: sandbox.subscriptions() };
    }
    default:
      return null;
  }
}

function records(
  sandbox: HubSpotSandboxControls,
  request: SandboxRequest,
  path: string,
): SandboxResponse | null {
  const [entity = '', id] = path.split('/');
  const type = objectTypes.find((one) => one.plural === entity);
  if (type === undefined) return null;
  if (request.method === 'GET' && id === undefined) {
    const [property, value] = [...request.url.searchParams][0] ?? [];
    if (property === undefined || value === undefined)
      return { status: 200, body: sandbox.records(type.plural) };
    const found = sandbox.find(type.plural, property, value);
    return { status: 200, body: found === null ? [] : [found] };
  }
  if (request.method === 'GET' && id !== undefined) {
    const record = sandbox.record(type.plural, decodeURIComponent(id));
    return record === null
      ? { status: 404, body: { error: `no ${objectTypeNamed(entity).singular} ${id}` } }
      : { status: 200, body: record };
  }
  if (type.id === '0-123' && request.method === 'POST' && id !== undefined)
    return { status: 200, body: sandbox.editOrder(id, propertiesOf(jsonBody(request))) };
  if (type.id !== '0-1') return null;
  if (request.method === 'DELETE' && id !== undefined) {
    sandbox.deleteContact(id);
    return { status: 204 };
  }
  if (request.method !== 'POST') return null;
  const body = jsonBody(request);
  if (id === undefined) return { status: 201, body: sandbox.createContact(propertiesOf(body)) };
  if (id === 'merge')
    return {
      status: 200,
      body: sandbox.mergeContacts(
        requiredId(body.primaryId, 'primaryId'),
        requiredId(body.secondaryId, 'secondaryId'),
      ),
    };
  return { status: 200, body: sandbox.editContact(id, propertiesOf(body)) };
}
