import type { SandboxRequest, SandboxResponse } from '../kit/server.ts';
import { fairWeather, type WebhookWeather } from '../kit/webhooks.ts';
import { AccountError } from './account.ts';
import type { TradeInput } from './demo/trade.ts';
import { type RefundInput, refundOrder, releaseRefund } from './finances.ts';
import { type ListingInput, setInventory, upsertListing } from './listings.ts';
import type { Envelope } from './notifier.ts';
import {
  type CancelInput,
  cancelOrder,
  confirmOrder,
  type PlaceOrderInput,
  placeOrder,
  requestCancel,
  type ShipInput,
  shipOrder,
} from './orders.ts';
import type { AmazonControls } from './server.ts';

/**
 * The account's side of the control API:
 * GET state[?entity=orders|listings|inventory|transactions|subscriptions|destinations], POST reset, POST seed {listings},
 * GET stats, GET|POST limits {enabled}, POST tokens/expire {authorisation}, POST tokens/authorise,
 * GET|POST|DELETE webhooks/weather, GET webhooks/attempts, POST webhooks/target {url, envelope}, POST|DELETE trade
 * {ordersPerMinute}, POST orders (place), GET orders/:id, POST orders/:id/{confirm,cancel,request-cancel,ship,refund},
 * POST transactions/:id/release, POST listings/:sku {quantity, price, behaviour, …} (by hand, in Seller Central),
 * POST inventory/:sku {fulfillable, reserved, inbound}.
 */
export function handleControl(sandbox: AmazonControls, request: SandboxRequest): SandboxResponse | null {
  const path = request.url.pathname
    .replace(/^\/_control\/?/, '')
    .split('/')
    .map(decodeURIComponent);
  try {
    return (
      general(sandbox, request, path) ?? webhooks(sandbox, request, path) ?? commerce(sandbox, request, path)
    );
  } catch (error) {
    if (error instanceof AccountError || error instanceof SyntaxError || error instanceof RangeError)
      return { status: 400, body: { error: error.message } };
    throw error;
  }
}

function general(
  sandbox: AmazonControls,
  request: SandboxRequest,
  path: readonly string[],
): SandboxResponse | null {
  switch (`${request.method} ${path.join('/')}`) {
    case 'GET state': {
      const entity = request.url.searchParams.get('entity');
      const state = sandbox.account.state as unknown as Record<string, unknown>;
      if (entity === null) return ok(state);
      return entity in state ? ok(state[entity]) : { status: 404, body: { error: `no entity ${entity}` } };
    }
    case 'POST reset':
      sandbox.reset();
      return ok(sandbox.stats());
    case 'POST seed':
      for (const listing of bodyOf<{ listings: ListingInput[] }>(request).listings)
        upsertListing(sandbox.account, listing);
      sandbox.touch();
      return { status: 201, body: sandbox.stats() };
    case 'GET stats':
      return ok(sandbox.stats());
    case 'GET limits':
      return ok({ enabled: sandbox.limits.enabled });
    case 'POST limits':
      sandbox.limits.enabled = bodyOf<{ enabled: boolean }>(request).enabled;
      return ok({ enabled: sandbox.limits.enabled });
    case 'POST tokens/expire':
      sandbox.lwa.expire(bodyOf<{ authorisation?: boolean }>(request).authorisation === true);
      return ok({});
    case 'POST tokens/authorise':
      sandbox.lwa.authorise();
      return ok({});
    case 'POST trade':
      sandbox.trade.start({ ordersPerMinute: 5, ...bodyOf<Partial<TradeInput>>(request) });
      return ok(sandbox.stats());
    case 'DELETE trade':
      sandbox.trade.stop();
      return ok(sandbox.stats());
    default:
      return null;
  }
}

function webhooks(
  sandbox: AmazonControls,
  request: SandboxRequest,
  path: readonly string[],
): SandboxResponse | null {
  switch (`${request.method} ${path.join('/')}`) {
    case 'GET webhooks/weather':
      return ok(sandbox.webhooks.weather);
    case 'POST webhooks/weather':
      sandbox.webhooks.weather = { ...fairWeather, ...bodyOf<Partial<WebhookWeather>>(request) };
      return ok(sandbox.webhooks.weather);
    case 'DELETE webhooks/weather':
      sandbox.webhooks.weather = { ...fairWeather, hold: sandbox.webhooks.weather.hold };
      sandbox.webhooks.release(request.url.searchParams.get('order') === 'lifo' ? 'lifo' : 'fifo');
      return ok(sandbox.webhooks.weather);
    case 'GET webhooks/attempts':
      return ok(sandbox.webhooks.attempts);
    case 'POST webhooks/target': {
      const target = bodyOf<{ url?: string | null; envelope?: Envelope }>(request);
      if (target.url !== undefined) sandbox.setWebhookTarget(target.url);
      if (target.envelope !== undefined) sandbox.setEnvelope(target.envelope);
      return ok(target);
    }
    default:
      return null;
  }
}

function commerce(
  sandbox: AmazonControls,
  request: SandboxRequest,
  [entity, id, action]: readonly string[],
): SandboxResponse | null {
  const { account } = sandbox;
  if (request.method === 'GET') return entity === 'orders' && id !== undefined ? ok(account.order(id)) : null;
  if (request.method !== 'POST') return null;
  const done = (body: unknown, status = 200): SandboxResponse => {
    sandbox.touch();
    return { status, body };
  };
  if (entity === 'orders' && id === undefined)
    return done(placeOrder(account, bodyOf<PlaceOrderInput>(request)), 201);
  if (id === undefined) return null;
  switch (`${entity} ${action ?? ''}`.trim()) {
    case 'orders confirm':
      return done(confirmOrder(account, id));
    case 'orders cancel':
      return done(cancelOrder(account, id, bodyOf<CancelInput>(request)));
    case 'orders request-cancel':
      return done(requestCancel(account, id, bodyOf<{ reason?: string }>(request).reason ?? 'Changed mind'));
    case 'orders ship':
      return done(shipOrder(account, id, bodyOf<ShipInput>(request)));
    case 'orders refund':
      return done(refundOrder(account, id, bodyOf<RefundInput>(request)), 201);
    case 'transactions release':
      return done(releaseRefund(account, id), 201);
    case 'listings':
      return done(upsertListing(account, { ...bodyOf<Omit<ListingInput, 'sku'>>(request), sku: id }));
    case 'inventory':
      setInventory(account, id, bodyOf<Parameters<typeof setInventory>[2]>(request));
      return done(account.state.inventory[id]);
    default:
      return null;
  }
}

function ok(body: unknown): SandboxResponse {
  return { status: 200, body };
}

function bodyOf<T>(request: SandboxRequest): T {
  return JSON.parse(request.body.length === 0 ? '{}' : request.body.toString('utf8')) as T;
}
