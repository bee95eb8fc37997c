import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import { fairWeather, type WebhookWeather } from '../kit/webhooks.ts';
import type { CompanyOptions } from './company.ts';
import { entityTypes, isEntityType } from './entities.ts';
import { QboFault } from './qbo-fault.ts';
import type { SeedPlan } from './seed.ts';
import type { QuickBooksSandbox } from './server.ts';

type Controlled = Omit<QuickBooksSandbox, 'url' | 'port' | 'endpoint' | 'tokenUrl' | 'faults'>;

/**
 * The company's side of the control API:
 * GET state[?entity=], POST reset, POST seed, GET|POST|DELETE webhooks/weather, GET webhooks/attempts, POST webhooks/target
 * {url, format}, GET stats, GET|POST limits, GET|POST company, POST tokens, POST tokens/expire {refresh}, POST
 * tokens/reconnect, GET ledger, GET ledger/entries[?type=&id=], GET trial-balance, and a person at the screen:
 * POST entities/<Type>, PATCH|DELETE entities/<Type>/<id>, POST entities/<Type>/<id>/void, GET entities/<Type>[/<id>].
 */
export function handleControl(sandbox: Controlled, request: SandboxRequest): SandboxResponse | null {
  try {
    return route(sandbox, request);
  } catch (error) {
    if (error instanceof QboFault) return { status: 400, body: { Fault: error.body } };
    if (error instanceof SyntaxError || error instanceof RangeError)
      return { status: 400, body: { error: error.message } };
    throw error;
  }
}

function route(sandbox: Controlled, request: SandboxRequest): SandboxResponse | null {
  const { searchParams } = request.url;
  const path = request.url.pathname.replace(/^\/_control\//, '');
  const call = `${request.method} ${path}`;
  switch (call) {
    case 'GET state':
      return { status: 200, body: state(sandbox, searchParams.get('entity')) };
    case 'POST reset':
      sandbox.reset();
      return { status: 200, body: sandbox.stats() };
    case 'POST seed':
      return { status: 201, body: sandbox.seed(body<SeedPlan>(request)) };
    case 'GET stats':
      return { status: 200, body: sandbox.stats() };
    case 'GET webhooks/weather':
      return { status: 200, body: sandbox.webhooks.weather };
    case 'POST webhooks/weather':
      sandbox.webhooks.weather = { ...fairWeather, ...body<Partial<WebhookWeather>>(request) };
      return { status: 200, body: sandbox.webhooks.weather };
    case 'DELETE webhooks/weather':
      sandbox.flushWebhooks();
      sandbox.webhooks.weather = { ...fairWeather, hold: sandbox.webhooks.weather.hold };
      sandbox.webhooks.release(searchParams.get('order') === 'lifo' ? 'lifo' : 'fifo');
      return { status: 200, body: sandbox.webhooks.weather };
    case 'GET webhooks/attempts':
      return { status: 200, body: sandbox.webhooks.attempts };
    case 'POST webhooks/target': {
      const target = body<{ url?: string | null; format?: 'cloudevents' | 'classic' }>(request);
      if (target.url !== undefined) sandbox.setWebhookTarget(target.url);
      if (target.format !== undefined) sandbox.setWebhookFormat(target.format);
      return { status: 200, body: target };
    }
    case 'GET limits':
      return { status: 200, body: { enabled: sandbox.limits.enabled, ...sandbox.limits.rates } };
    case 'POST limits':
      sandbox.limits.enabled = body<{ enabled: boolean }>(request).enabled;
      return { status: 200, body: { enabled: sandbox.limits.enabled } };
    case 'GET company':
      return { status: 200, body: company(sandbox) };
    case 'POST company':
      sandbox.configure(body<CompanyOptions>(request));
      return { status: 200, body: company(sandbox) };
    case 'POST tokens':
      return { status: 201, body: { access_token: sandbox.issueAccessToken() } };
    case 'POST tokens/expire':
      sandbox.expireTokens(request.body.length > 0 && body<{ refresh?: boolean }>(request).refresh === true);
      return { status: 200, body: {} };
    case 'POST tokens/reconnect':
      return { status: 200, body: { refresh_token: sandbox.reconnect() } };
    case 'GET ledger':
      return { status: 200, body: sandbox.ledger() };
    case 'GET ledger/entries':
      return { status: 200, body: sandbox.ledgerEntries(filterOf(searchParams)) };
    case 'GET trial-balance':
      return { status: 200, body: sandbox.trialBalance() };
    default:
      return path.startsWith('entities/') ? entities(sandbox, request, path) : null;
  }
}

/** What a person does at the screen: bound by the rules of the books, but not by versions or closing dates. */
function entities(sandbox: Controlled, request: SandboxRequest, path: string): SandboxResponse | null {
  const [, type = '', id, action] = path.split('/');
  if (!isEntityType(type)) return { status: 404, body: { error: `no such entity: ${type}` } };
  if (request.method === 'GET')
    return { status: 200, body: id === undefined ? sandbox.list(type) : sandbox.read(type, id) };
  if (id === undefined)
    return request.method === 'POST' ? { status: 201, body: sandbox.create(type, body(request)) } : null;
  if (request.method === 'POST' && action === 'void') return { status: 200, body: sandbox.void(type, id) };
  if (request.method === 'PATCH') return { status: 200, body: sandbox.edit(type, id, body(request)) };
  if (request.method !== 'DELETE') return null;
  sandbox.remove(type, id);
  return { status: 200, body: {} };
}

function state(sandbox: Controlled, entity: string | null): unknown {
  if (entity !== null) {
    if (!isEntityType(entity)) throw new RangeError(`no such entity: ${entity}`);
    return sandbox.list(entity);
  }
  return {
    company: sandbox.settings(),
    entities: Object.fromEntries(entityTypes.map((type) => [type, sandbox.list(type)])),
    ledger: sandbox.ledger(),
  };
}

function company(sandbox: Controlled): unknown {
  return { settings: sandbox.settings(), preferences: sandbox.read('Preferences', '1') };
}

function filterOf(params: URLSearchParams): { type?: string; id?: string } {
  const type = params.get('type');
  const id = params.get('id');
  return { ...(type === null ? {} : { type }), ...(id === null ? {} : { id }) };
}

function body<T = Record<string, unknown>>(request: SandboxRequest): T {
  return JSON.parse(request.body.toString('utf8')) as T;
}
