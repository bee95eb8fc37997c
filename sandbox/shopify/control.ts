import type { Handler, SandboxRequest, SandboxResponse } from '../kit/server.ts';
import { fairWeather, type WebhookWeather } from '../kit/webhooks.ts';
import type { ProductInput } from './catalogue.ts';
import type { Payout } from './commerce/types.ts';
import type { CustomerInput } from './customers.ts';
import type { SeedInput } from './demo/seed.ts';
import type { TradeInput } from './demo/trade.ts';
import type { NewMetafield } from './graphql/mutations.ts';
import type {
  CancelInput,
  DisposeInput,
  EditInput,
  ExchangeInput,
  FulfilInput,
  OrderChange,
  RefundInput,
} from './orders.ts';
import type { BalanceInput } from './payouts.ts';
import type { PlaceOrderInput } from './place-order.ts';
import type { ShopifySandboxControls } from './server.ts';
import { ShopError } from './shop.ts';

/**
 * The control API under /_control; everything has a direct method of the same effect.
 * GET state[?entity=orders|customers|products|variants|items|locations|subscriptions|metafields], POST reset, POST seed
 * {products, customers, locations, orders, history}, GET stats, POST limits {enabled}, POST protected-data {approved}, POST scopes {without: [scope]},
 * POST|DELETE trade {ordersPerMinute, seconds?}, GET|POST|DELETE webhooks/weather, GET webhooks/attempts,
 * POST webhooks/target {url}, POST webhooks/emit {topic, id},
 * POST orders {channel, customerEmail | customerId | customer, lines: [{sku, quantity, discount?, properties?}], …},
 * GET orders/:id[.json], POST orders/:id {note, tags, …}, POST orders/:id/{edit,cancel,fulfil,refund,exchange,pay},
 * POST returns/:id/dispose {lines: [{sku, type, quantity}]}, POST refunds/:id/settle {succeeds}, POST fulfillments/:id {company, numbers, urls},
 * POST balance {type, amount, fee?, order?, reason?}, POST payouts {status?}, POST payouts/:id {status},
 * POST customers[/:id], DELETE customers/:id, POST products[/:id], DELETE products/:id, POST locations {name},
 * POST stock {sku, locationId?, quantity}, POST metafields {metafields: [{ownerId, namespace, key, type, value}]},
 * POST metafield-definitions {owner: Order|Customer, name: "namespace.key", type}.
 * An order's :id is its id, its name (#1001) or the name's number.
 */
export function controlApi(sandbox: ShopifySandboxControls): Handler {
  return (request) => {
    const path = request.url.pathname
      .replace(/^\/_control\/?/, '')
      .split('/')
      .map(decodeURIComponent);
    try {
      return (
        general(sandbox, request, path) ??
        webhooks(sandbox, request, path) ??
        commerce(sandbox, request, path)
      );
    } catch (error) {
      if (error instanceof ShopError)
        return { status: error.status, body: { error: error.message, field: error.field } };
      if (error instanceof RangeError || error instanceof SyntaxError)
        return { status: 400, body: { error: error.message } };
      throw error;
    }
  };
}

function general(
  sandbox: ShopifySandboxControls,
  request: SandboxRequest,
  path: readonly string[],
): SandboxResponse | null {
  switch (`${request.method} ${path.join('/')}`) {
    case 'GET state': {
      const entity = request.url.searchParams.get('entity');
      const state = sandbox.state() as unknown as Record<string, unknown>;
      if (entity === null) return ok(state);
      return entity in state ? ok(state[entity]) : { status: 404, body: { error: `no entity ${entity}` } };
    }
    case 'POST reset':
      sandbox.reset();
      return ok(sandbox.stats());
    case 'POST seed':
      return { status: 201, body: sandbox.seed(bodyOf<SeedInput>(request)) };
    case 'GET stats':
      return ok(sandbox.stats());
    case 'POST limits':
      sandbox.setLimits(bodyOf<{ enabled?: boolean }>(request).enabled === true);
      return ok(sandbox.stats());
    case 'POST protected-data':
      sandbox.setProtectedDataApproved(bodyOf<{ approved?: boolean }>(request).approved === true);
      return ok(sandbox.stats());
    case 'POST scopes':
      sandbox.withholdScopes(bodyOf<{ without?: string[] }>(request).without ?? []);
      return ok(sandbox.stats());
    case 'POST trade':
      sandbox.trade({ ...{ ordersPerMinute: 20 }, ...bodyOf<Partial<TradeInput>>(request) });
      return ok(sandbox.stats());
    case 'DELETE trade':
      sandbox.stopTrade();
      return ok(sandbox.stats());
    default:
      return null;
  }
}

function webhooks(
  sandbox: ShopifySandboxControls,
  request: SandboxRequest,
  path: readonly string[],
): SandboxResponse | null {
  const { webhooks: sender } = sandbox;
  switch (`${request.method} ${path.join('/')}`) {
    case 'GET webhooks/weather':
      return ok(sender.weather);
    case 'POST webhooks/weather':
      sender.weather = { ...sender.weather, ...bodyOf<Partial<WebhookWeather>>(request) };
      return ok(sender.weather);
    case 'DELETE webhooks/weather':
      sender.weather = { ...fairWeather };
      sender.release(request.url.searchParams.get('order') === 'lifo' ? 'lifo' : 'fifo');
      return ok(sender.weather);
    case 'GET webhooks/attempts':
      return ok(sender.attempts);
    case 'POST webhooks/target': {
      const { url } = bodyOf<{ url?: string | null }>(request);
      sandbox.setWebhookTarget(url ?? null);
      return ok({ url: url ?? null });
    }
    case 'POST webhooks/emit': {
      const { topic, id } = bodyOf<{ topic?: string; id?: string | number }>(request);
      if (topic === undefined) throw new ShopError('topic is missing', ['topic']);
      return ok({ deliveries: sandbox.emit(topic, String(id ?? '')) });
    }
    default:
      return null;
  }
}

function commerce(
  sandbox: ShopifySandboxControls,
  request: SandboxRequest,
  path: readonly string[],
): SandboxResponse | null {
  const [kind, id, action] = path;
  const shape = `${request.method} ${kind}${id === undefined ? '' : '/:id'}${action === undefined ? '' : `/${action}`}`;
  switch (shape) {
    case 'POST orders':
      return { status: 201, body: sandbox.placeOrder(bodyOf<PlaceOrderInput>(request)) };
    case 'GET orders/:id': {
      const exact = id?.endsWith('.json') === true;
      const order = sandbox.order((id ?? '').replace(/\.json$/, ''));
      if (order === undefined) return { status: 404, body: { error: `no order ${id}` } };
      return exact
        ? { status: 200, headers: { 'content-type': 'application/json' }, body: sandbox.orderJson(order.id) }
        : ok(sandbox.outcome(order));
    }
    case 'POST orders/:id':
      return ok(sandbox.updateOrder(id ?? '', bodyOf<OrderChange>(request)));
    case 'POST orders/:id/edit':
      return ok(sandbox.editOrder(id ?? '', bodyOf<EditInput>(request)));
    case 'POST orders/:id/cancel':
      return ok(sandbox.cancelOrder(id ?? '', bodyOf<CancelInput>(request)));
    case 'POST orders/:id/fulfil':
      return ok(sandbox.fulfilOrder(id ?? '', bodyOf<FulfilInput>(request)));
    case 'POST orders/:id/refund':
      return ok(sandbox.refundOrder(id ?? '', bodyOf<RefundInput>(request)));
    case 'POST orders/:id/exchange':
      return ok(sandbox.exchangeOrder(id ?? '', bodyOf<ExchangeInput>(request)));
    case 'POST orders/:id/pay':
      return ok(sandbox.payOrder(id ?? '', bodyOf<{ gateway?: string; amount?: string }>(request)));
    case 'POST returns/:id/dispose':
      return ok(sandbox.disposeReturn(id ?? '', bodyOf<DisposeInput>(request)));
    case 'POST refunds/:id/settle':
      return ok(sandbox.settleRefund(id ?? '', bodyOf<{ succeeds?: boolean }>(request).succeeds !== false));
    case 'POST fulfillments/:id':
      sandbox.updateTracking(
        id ?? '',
        bodyOf<{ company?: string; numbers?: string[]; urls?: string[] }>(request),
      );
      return ok({ id });
    case 'POST customers':
      return { status: 201, body: sandbox.upsertCustomer(bodyOf<CustomerInput>(request)) };
    case 'POST customers/:id':
      return ok(sandbox.upsertCustomer({ ...bodyOf<CustomerInput>(request), id: id ?? '' }));
    case 'DELETE customers/:id':
      sandbox.deleteCustomer(id ?? '');
      return ok({ id });
    case 'POST products':
      return { status: 201, body: sandbox.upsertProduct(bodyOf<ProductInput>(request)) };
    case 'POST products/:id':
      return ok(sandbox.upsertProduct({ ...bodyOf<ProductInput>(request), id: id ?? '' }));
    case 'DELETE products/:id':
      sandbox.deleteProduct(id ?? '');
      return ok({ id });
    case 'POST balance':
      return { status: 201, body: sandbox.bookBalance(bodyOf<BalanceInput>(request)) };
    case 'POST payouts':
      return { status: 201, body: sandbox.issuePayout(bodyOf<{ status?: Payout['status'] }>(request)) };
    case 'POST payouts/:id':
      return ok(sandbox.settlePayout(id ?? '', bodyOf<{ status: Payout['status'] }>(request).status));
    case 'POST locations':
      return { status: 201, body: sandbox.addLocation(bodyOf<{ name: string }>(request)) };
    case 'POST metafields':
      sandbox.setMetafields(bodyOf<{ metafields: NewMetafield[] }>(request).metafields);
      return ok({});
    case 'POST metafield-definitions': {
      const given = bodyOf<{ owner: 'Order' | 'Customer'; name: string; type: string | null }>(request);
      sandbox.defineMetafield(given.owner, given.name, given.type);
      return ok({});
    }
    case 'POST stock':
      return ok(sandbox.setStock(bodyOf<{ sku: string; locationId?: string; quantity: number }>(request)));
    default:
      return null;
  }
}

function ok(body: unknown): SandboxResponse {
  return { status: 200, body };
}

function bodyOf<T extends object>(request: SandboxRequest): T {
  if (request.body.length === 0) return {} as T;
  const body = JSON.parse(request.body.toString('utf8')) as unknown;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RangeError('the body must be a JSON object');
  return body as T;
}
