import { createHash } from 'node:crypto';
import { type GraphQLDirective, GraphQLError, type GraphQLResolveInfo, getDirectiveValues } from 'graphql';
import { emptyAddress } from '../catalogue.ts';
import { mulDiv, parseMinor } from '../commerce/money.ts';
import { summarise } from '../commerce/summary.ts';
import type { Address, CancelReason, Metafield, Order, RestockType } from '../commerce/types.ts';
import { type CustomerInput, createCustomer, normaliseTags, updateCustomer } from '../customers.ts';
import { metafieldValueProblem } from '../metafield-values.ts';
import {
  addFulfillment,
  amountFor,
  cancelOrder,
  payOrder,
  type RefundInput,
  tryRefund,
  updateOrder,
} from '../orders.ts';
import { gid, idOf, type Shop, ShopError } from '../shop.ts';
import {
  activateLevel,
  changeLevel,
  onHand,
  type QuantityName,
  quantityNames,
  quantityOf,
} from '../stock.ts';
import { badRequest } from './connection.ts';
import type { Args, GraphqlContext } from './context.ts';
import { linesOfFulfillmentOrder } from './order-fields.ts';
import { digestOf, nodeByGid } from './shop-fields.ts';

type Mutation = (args: Args, context: GraphqlContext) => unknown;

interface UserError {
  field: string[] | null;
  message: string;
  code?: string;
}

/** Mutations that fail at run time without `@idempotent(key:)`, whatever the schema says. */
const idempotentMutations: ReadonlySet<string> = new Set([
  'inventoryActivate',
  'inventoryAdjustQuantities',
  'inventoryMoveQuantities',
  'inventorySetOnHandQuantities',
  'inventorySetQuantities',
  'inventoryShipmentAddItems',
  'inventoryShipmentCreate',
  'inventoryShipmentCreateInTransit',
  'inventoryShipmentReceive',
  'inventoryTransferCreate',
  'inventoryTransferCreateAsReadyToShip',
  'inventoryTransferDuplicate',
  'inventoryTransferSetItems',
  'locationActivate',
  'locationDeactivate',
  'refundCreate',
]);

/** Runs a mutation once per idempotency key: the same key again gets the first answer. */
/** A request that failed uses its key up: repeating it fails as well, whatever has changed since. */
const spentByFailure: ReadonlySet<string> = new Set(['inventoryAdjustQuantities', 'inventorySetQuantities']);

export function runMutation(
  name: string,
  directive: GraphQLDirective,
  args: Args,
  context: GraphqlContext,
  info: GraphQLResolveInfo,
): unknown {
  const mutation = mutations[name];
  if (mutation === undefined) throw new GraphQLError(`the sandbox has no mutation ${name}`);
  refuseLongArrays(args);
  const node = info.fieldNodes[0];
  const given = node === undefined ? undefined : getDirectiveValues(directive, node, info.variableValues);
  const key = typeof given?.key === 'string' && given.key !== '' ? given.key : null;
  if (key === null) {
    if (idempotentMutations.has(name))
      throw badRequest('The @idempotent directive is required for this mutation but was not provided.');
    return mutation(args, context);
  }
  const fingerprint = createHash('sha256').update(JSON.stringify(args)).digest('hex');
  const known = context.idempotency.get(key);
  if (known !== undefined) {
    if (known.field === name && known.fingerprint === fingerprint) {
      const { userErrors } = known.payload as { userErrors: unknown[] };
      if (userErrors.length === 0 || !spentByFailure.has(name)) return known.payload;
      return {
        inventoryAdjustmentGroup: null,
        userErrors: [
          {
            field: null,
            message: 'A previous request with this idempotency key failed. Retry with a new idempotency key.',
            code: 'IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED',
          },
        ],
      };
    }
    return {
      userErrors: [
        {
          field: null,
          message: 'The same idempotency key cannot be used with different operation parameters.',
          code: 'IDEMPOTENCY_KEY_PARAMETER_MISMATCH',
        },
      ],
    };
  }
  const payload = mutation(args, context);
  context.idempotency.set(key, { field: name, fingerprint, payload });
  return payload;
}

const mutations: Readonly<Record<string, Mutation>> = {
  customerCreate: (args, { shop }) =>
    attempt({ customer: null }, [], () => {
      const input = args.input as Args;
      const customer = createCustomer(shop, customerInput(input));
      setOwnedMetafields(shop, gid('Customer', customer.id), input.metafields);
      return { customer };
    }),

  customerUpdate: (args, { shop }) =>
    attempt({ customer: null }, [], () => {
      const input = args.input as Args;
      const id = idOf('Customer', String(input.id ?? ''));
      const customer = id === null ? undefined : shop.customers.get(id);
      if (customer === undefined) throw new ShopError('Customer does not exist', ['id']);
      setOwnedMetafields(shop, gid('Customer', customer.id), input.metafields);
      return { customer: updateCustomer(shop, customer, customerInput(input)) };
    }),

  orderUpdate: (args, { shop }) =>
    attempt({ order: null }, [], () => {
      const input = args.input as Args;
      const order = orderOf(shop, input.id, ['id']);
      setOwnedMetafields(shop, gid('Order', order.id), input.metafields);
      return {
        order: updateOrder(shop, order.id, {
          ...pick(input, ['note', 'tags', 'customAttributes', 'email', 'phone', 'poNumber']),
          ...(input.shippingAddress == null
            ? {}
            : { shippingAddress: addressInput(input.shippingAddress as Args) }),
        }),
      };
    }),

  orderCancel: (args, { shop }) => {
    const payload = attempt<Record<string, unknown>>({ job: null }, [], () => {
      const order = orderOf(shop, args.orderId, ['orderId']);
      const method = args.refundMethod as Args | undefined;
      cancelOrder(shop, order.id, {
        reason: args.reason as CancelReason,
        restock: args.restock as boolean,
        refund: args.refund === true || method?.originalPaymentMethodsRefund === true,
        staffNote: (args.staffNote as string | null) ?? null,
      });
      return { job: { id: gid('Job', shop.nextId('Job')), done: false } };
    });
    const errors = payload.userErrors.map((error) => ({
      ...error,
      code: error.message.includes('does not exist') ? 'NOT_FOUND' : 'INVALID',
    }));
    return { ...payload, orderCancelUserErrors: errors };
  },

  orderMarkAsPaid: (args, { shop }) =>
    attempt({ order: null }, [], () => {
      const order = orderOf(shop, (args.input as Args).id, ['id']);
      return { order: payOrder(shop, order.id) };
    }),

  refundCreate: (args, { shop }) => createRefund(shop, args.input as Args),

  fulfillmentCreate: (args, { shop }) =>
    attempt({ fulfillment: null }, [], () => {
      const input = args.fulfillment as Args;
      const quantities: { lineId: string; quantity: number }[] = [];
      let order: Order | undefined;
      for (const group of input.lineItemsByFulfillmentOrder as Args[]) {
        const id = idOf('FulfillmentOrder', String(group.fulfillmentOrderId));
        const owner = id === null ? undefined : shop.orderByPart.get(id);
        const fulfillmentOrder = owner?.fulfillmentOrders.find((one) => one.id === id);
        if (owner === undefined || fulfillmentOrder === undefined)
          throw new ShopError('Fulfillment order does not exist.', ['fulfillment']);
        if (order !== undefined && order !== owner)
          throw new ShopError('All fulfillment orders must belong to the same order.', ['fulfillment']);
        order = owner;
        const lines = linesOfFulfillmentOrder(owner, fulfillmentOrder);
        const wanted = (group.fulfillmentOrderLineItems as Args[] | null | undefined) ?? [];
        if (wanted.length === 0) {
          for (const line of lines)
            quantities.push({
              lineId: line.id,
              quantity: line.quantity - line.fulfilledQuantity - line.cancelledQuantity,
            });
        }
        for (const one of wanted) {
          const lineId = idOf('FulfillmentOrderLineItem', String(one.id));
          const line = lines.find((candidate) => candidate.fulfillmentOrderLineId === lineId);
          if (line === undefined)
            throw new ShopError('Fulfillment order line item does not exist.', ['fulfillment']);
          quantities.push({ lineId: line.id, quantity: one.quantity as number });
        }
      }
      if (order === undefined) throw new ShopError('No fulfillment orders given.', ['fulfillment']);
      const tracking = (input.trackingInfo ?? {}) as Args;
      const list = (one: unknown, many: unknown): string[] =>
        (many as string[] | undefined) ?? (one == null ? [] : [String(one)]);
      const fulfillment = addFulfillment(shop, order, {
        quantities,
        tracking: {
          company: (tracking.company as string | undefined) ?? null,
          numbers: list(tracking.number, tracking.numbers),
          urls: list(tracking.url, tracking.urls),
        },
      });
      return { fulfillment };
    }),

  tagsAdd: (args, { shop }) => changeTags(shop, args, (tags, given) => [...tags, ...given]),

  tagsRemove: (args, { shop }) =>
    changeTags(shop, args, (tags, given) => {
      const gone = new Set(given.map((one) => one.toLowerCase()));
      return tags.filter((tag) => !gone.has(tag.toLowerCase()));
    }),

  metafieldsSet: (args, { shop }) => {
    const inputs = args.metafields as Args[];
    const errors: (UserError & { elementIndex: number })[] = [];
    if (inputs.length > 25)
      errors.push({
        field: ['metafields'],
        message: 'Exceeded the maximum metafields input limit of 25.',
        code: 'LESS_THAN_OR_EQUAL_TO',
        elementIndex: 25,
      });
    for (const [index, input] of inputs.entries()) {
      const problem = metafieldProblem(shop, input);
      if (problem !== null)
        errors.push({
          ...problem,
          field: ['metafields', String(index), ...(problem.field ?? [])],
          elementIndex: index,
        });
    }
    if (errors.length > 0) return { metafields: null, userErrors: errors };
    const metafields = inputs.map((input) => setMetafield(shop, String(input.ownerId), input));
    for (const owner of new Set(metafields.map((one) => one.ownerGid))) touchOwner(shop, owner);
    return { metafields, userErrors: [] };
  },

  metafieldsDelete: (args, { shop }) => {
    const inputs = args.metafields as Args[];
    const errors = inputs.flatMap((input, index) =>
      nodeByGid(shop, String(input.ownerId)) === null
        ? [{ field: ['metafields', String(index), 'ownerId'], message: 'Owner does not exist.' }]
        : [],
    );
    if (errors.length > 0) return { deletedMetafields: null, userErrors: errors };
    // What there is not is answered with null, and is no error.
    const deletedMetafields = inputs.map((input) => deleteMetafield(shop, String(input.ownerId), input));
    for (const owner of new Set(deletedMetafields.flatMap((one) => one?.ownerId ?? [])))
      touchOwner(shop, owner);
    return { deletedMetafields, userErrors: [] };
  },

  inventorySetQuantities: (args, { shop }) => {
    const input = args.input as Args;
    const entries = input.quantities as Args[];
    requireChangeFrom(entries, 'InventoryQuantityInput');
    const name = String(input.name);
    const errors: UserError[] = [];
    if (name !== 'available' && name !== 'on_hand')
      errors.push(
        problem(
          ['input', 'name'],
          'INVALID_NAME',
          "The quantity name must be either 'available' or 'on_hand'.",
        ),
      );
    errors.push(...reasonProblems(input));
    const seen = new Set<string>();
    for (const [index, entry] of entries.entries()) {
      const field = ['input', 'quantities', String(index)];
      const pair = `${String(entry.inventoryItemId)} ${String(entry.locationId)}`;
      if (seen.has(pair))
        errors.push(
          problem(
            field,
            'NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR',
            'The combination of inventoryItemId and locationId must be unique.',
          ),
        );
      seen.add(pair);
      const quantity = entry.quantity as number;
      if (quantity < 0 && name === 'on_hand')
        errors.push(
          problem([...field, 'quantity'], 'INVALID_QUANTITY_NEGATIVE', "The quantity can't be negative."),
        );
      if (quantity > 1_000_000_000)
        errors.push(
          problem(
            [...field, 'quantity'],
            'INVALID_QUANTITY_TOO_HIGH',
            "The quantity can't be higher than 1,000,000,000.",
          ),
        );
      if (quantity < -1_000_000_000)
        errors.push(
          problem(
            [...field, 'quantity'],
            'INVALID_QUANTITY_TOO_LOW',
            "The quantity can't be lower than -1,000,000,000.",
          ),
        );
      errors.push(...levelProblems(shop, entry, field, name));
    }
    if (errors.length > 0) return { inventoryAdjustmentGroup: null, userErrors: errors };
    return adjust(shop, input, entries, name, (current, entry) => (entry.quantity as number) - current);
  },

  inventoryAdjustQuantities: (args, { shop }) => {
    const input = args.input as Args;
    const entries = input.changes as Args[];
    requireChangeFrom(entries, 'InventoryChangeInput');
    const name = String(input.name);
    const errors: UserError[] = [];
    if (!(quantityNames as readonly string[]).includes(name) || name === 'committed')
      errors.push(
        problem(
          ['input', 'name'],
          'INVALID_QUANTITY_NAME',
          'The specified quantity name is invalid. Valid values are: available, damaged, incoming, quality_control, reserved, safety_stock.',
        ),
      );
    errors.push(...reasonProblems(input));
    for (const [index, entry] of entries.entries()) {
      const field = ['input', 'changes', String(index)];
      const hasDocument = entry.ledgerDocumentUri != null;
      if (name === 'available' && hasDocument)
        errors.push(
          problem(
            [...field, 'ledgerDocumentUri'],
            'INVALID_AVAILABLE_DOCUMENT',
            'A ledger document URI is not allowed when adjusting available.',
          ),
        );
      if (name !== 'available' && !hasDocument)
        errors.push(
          problem(
            [...field, 'ledgerDocumentUri'],
            'INVALID_QUANTITY_DOCUMENT',
            'A ledger document URI is required except when adjusting available.',
          ),
        );
      errors.push(...levelProblems(shop, entry, field, name));
    }
    if (errors.length > 0) return { inventoryAdjustmentGroup: null, userErrors: errors };
    return adjust(shop, input, entries, name, (_current, entry) => entry.delta as number);
  },

  inventoryActivate: (args, { shop }) =>
    attempt({ inventoryLevel: null }, [], () => {
      const item = shop.items.get(idOf('InventoryItem', String(args.inventoryItemId)) ?? '');
      if (item === undefined)
        throw new ShopError("The product couldn't be stocked because it doesn't exist.", ['inventoryItemId']);
      const locationId = idOf('Location', String(args.locationId)) ?? '';
      if (!shop.locations.has(locationId))
        throw new ShopError("The product couldn't be stocked because the location doesn't exist.", [
          'locationId',
        ]);
      if (item.levels[locationId] !== undefined && args.available != null)
        throw new ShopError(
          'Not allowed to set available quantity when the item is already active at the location.',
          ['available'],
        );
      const level = activateLevel(shop, item, locationId);
      const available = args.available ?? args.onHand;
      if (typeof available === 'number') changeLevel(shop, item.id, locationId, { available });
      return { inventoryLevel: level };
    }),

  webhookSubscriptionCreate: (args, { shop }) =>
    attempt({ webhookSubscription: null }, [], () => {
      const input = args.webhookSubscription as Args;
      const uri = subscriptionUri(input);
      const topic = String(args.topic);
      if ([...shop.subscriptions.values()].some((one) => one.topic === topic && one.uri === uri))
        throw new ShopError('Address for this topic has already been taken', [
          'webhookSubscription',
          'callbackUrl',
        ]);
      const now = shop.nowMs();
      const webhookSubscription = {
        typename: 'WebhookSubscription' as const,
        id: shop.nextId('WebhookSubscription'),
        topic,
        uri,
        name: (input.name as string | undefined) ?? null,
        filter: (input.filter as string | undefined) ?? null,
        format: (input.format as 'JSON' | 'XML' | undefined) ?? 'JSON',
        includeFields: (input.includeFields as string[] | undefined) ?? [],
        metafieldNamespaces: (input.metafieldNamespaces as string[] | undefined) ?? [],
        createdAtMs: now,
        updatedAtMs: now,
      };
      shop.subscriptions.set(webhookSubscription.id, webhookSubscription);
      shop.changed();
      return { webhookSubscription };
    }),

  webhookSubscriptionUpdate: (args, { shop }) =>
    attempt({ webhookSubscription: null }, [], () => {
      const subscription = shop.subscriptions.get(idOf('WebhookSubscription', String(args.id)) ?? '');
      if (subscription === undefined) throw new ShopError('Webhook subscription does not exist', ['id']);
      const input = args.webhookSubscription as Args;
      if (input.uri != null || input.callbackUrl != null) subscription.uri = subscriptionUri(input);
      Object.assign(
        subscription,
        pick(input, ['filter', 'format', 'includeFields', 'metafieldNamespaces', 'name']),
      );
      subscription.updatedAtMs = shop.nowMs();
      shop.changed();
      return { webhookSubscription: subscription };
    }),

  webhookSubscriptionDelete: (args, { shop }) =>
    attempt({ deletedWebhookSubscriptionId: null }, [], () => {
      const id = idOf('WebhookSubscription', String(args.id)) ?? '';
      if (!shop.subscriptions.delete(id)) throw new ShopError('Webhook subscription does not exist', ['id']);
      shop.changed();
      return { deletedWebhookSubscriptionId: gid('WebhookSubscription', id) };
    }),
};

export const mutationNames: readonly string[] = Object.keys(mutations);

/** What an inventory mutation did, as the API shows it. */
export interface AdjustmentGroup {
  typename: 'InventoryAdjustmentGroup';
  id: string;
  createdAtMs: number;
  reason: string;
  referenceDocumentUri: string | null;
  changes: {
    name: string;
    delta: number;
    quantityAfterChange: number;
    ledgerDocumentUri: string | null;
    itemId: string;
    locationId: string;
  }[];
}

function adjust(
  shop: Shop,
  input: Args,
  entries: readonly Args[],
  name: string,
  deltaOf: (current: number, entry: Args) => number,
): unknown {
  const group: AdjustmentGroup = {
    typename: 'InventoryAdjustmentGroup',
    id: gid('InventoryAdjustmentGroup', shop.nextId('InventoryAdjustmentGroup')),
    createdAtMs: shop.nowMs(),
    reason: String(input.reason),
    referenceDocumentUri: (input.referenceDocumentUri as string | undefined) ?? null,
    changes: [],
  };
  for (const entry of entries) {
    const { itemId, locationId } = levelKey(entry);
    const level = shop.level(itemId, locationId);
    if (level === undefined) continue;
    const delta = deltaOf(quantityOf(level, name) ?? 0, entry);
    if (delta === 0) continue;
    // Counting what is on the shelf changes what can be sold.
    const moved = (name === 'on_hand' ? 'available' : name) as QuantityName;
    changeLevel(shop, itemId, locationId, { [moved]: delta });
    const common = {
      delta,
      ledgerDocumentUri: (entry.ledgerDocumentUri as string | undefined) ?? null,
      itemId,
      locationId,
    };
    group.changes.push({ ...common, name: moved, quantityAfterChange: level[moved] });
    if (moved !== 'incoming')
      group.changes.push({ ...common, name: 'on_hand', quantityAfterChange: onHand(level) });
  }
  return { inventoryAdjustmentGroup: group.changes.length === 0 ? null : group, userErrors: [] };
}

function createRefund(shop: Shop, input: Args): unknown {
  return attempt<Record<string, unknown>>({ refund: null, order: null }, [], () => {
    const order = orderOf(shop, input.orderId, ['orderId']);
    const shipping = input.shipping as Args | undefined;
    const transactions = (input.transactions as Args[] | undefined) ?? [];
    const inPresentment =
      input.currency != null &&
      input.currency === order.presentmentCurrency &&
      order.presentmentCurrency !== order.currency;
    const amountOf = (given: unknown): { shop: number; presentment: number } => {
      if (!inPresentment) return amountFor(order, parseMinor(String(given), order.currency));
      const { net } = summarise(order);
      const presentment = parseMinor(String(given), order.presentmentCurrency);
      if (presentment === net.presentment) return net;
      return {
        presentment,
        shop: net.presentment === 0 ? 0 : mulDiv(net.shop, presentment, net.presentment),
      };
    };
    const reason = input.discrepancyReason;
    const wish: RefundInput = {
      lines: ((input.refundLineItems as Args[] | undefined) ?? []).map((one) => ({
        lineId: idOf('LineItem', String(one.lineItemId)) ?? '',
        quantity: one.quantity as number,
        restockType: (one.restockType as RestockType | undefined) ?? 'NO_RESTOCK',
        ...(one.locationId == null ? {} : { locationId: idOf('Location', String(one.locationId)) ?? '' }),
      })),
      payments: [
        ...transactions.map((one) => ({
          parentId: one.parentId == null ? null : idOf('OrderTransaction', String(one.parentId)),
          gateway: String(one.gateway),
          amount: amountOf(one.amount),
        })),
        ...((input.refundMethods as Args[] | undefined) ?? []).map((one) => ({
          parentId: null,
          gateway: 'shopify_store_credit',
          amount: amountOf(((one.storeCreditRefund as Args).amount as Args).amount),
        })),
      ],
      duties: ((input.refundDuties as unknown[] | undefined) ?? []).length > 0,
      note: (input.note as string | undefined) ?? null,
      allowOverRefunding: input.allowOverRefunding === true,
      ...(shipping === undefined
        ? {}
        : { shipping: shipping.fullRefund === true ? true : String(shipping.amount ?? '0') }),
      ...(reason === 'RESTOCK' || reason === 'DAMAGE' || reason === 'CUSTOMER'
        ? { discrepancyReason: reason }
        : {}),
      ...(input.processedAt == null ? {} : { processedAtMs: Date.parse(String(input.processedAt)) }),
    };
    for (const line of wish.lines ?? []) {
      if (line.locationId !== undefined && !shop.locations.has(line.locationId))
        throw new ShopError('Location does not exist', ['refundLineItems', 'locationId']);
    }
    const refund = tryRefund(shop, order, wish);
    if (Array.isArray(refund)) return { refund: null, order: null, userErrors: refund };
    return { refund, order };
  });
}

/** Runs an action and turns what the shop refuses into userErrors. */
function attempt<T extends object>(
  nothing: T,
  prefix: readonly string[],
  action: () => object,
): T & { userErrors: UserError[] } {
  try {
    return { userErrors: [], ...nothing, ...action() } as T & { userErrors: UserError[] };
  } catch (error) {
    if (!(error instanceof ShopError) && !(error instanceof RangeError)) throw error;
    const field = error instanceof ShopError ? error.field : null;
    return {
      ...nothing,
      userErrors: [{ field: field === null ? null : [...prefix, ...field], message: error.message }],
    };
  }
}

function orderOf(shop: Shop, given: unknown, field: string[]): Order {
  const order = shop.orders.get(idOf('Order', String(given)) ?? '');
  if (order === undefined) throw new ShopError('Order does not exist', field);
  return order;
}

function customerInput(input: Args): CustomerInput {
  const consent = input.emailMarketingConsent as Args | undefined;
  const addresses = input.addresses as Args[] | undefined;
  return {
    ...pick(input, ['email', 'firstName', 'lastName', 'phone', 'note', 'tags', 'taxExempt', 'locale']),
    ...(consent == null
      ? {}
      : { marketing: consent.marketingState as NonNullable<CustomerInput['marketing']> }),
    ...(addresses == null ? {} : { addresses: addresses.map(addressInput) }),
  };
}

function addressInput(input: Args): Address {
  return {
    ...emptyAddress,
    ...pick(input, [
      'firstName',
      'lastName',
      'company',
      'address1',
      'address2',
      'city',
      'province',
      'provinceCode',
      'zip',
      'country',
      'countryCode',
      'phone',
    ]),
  };
}

function pick(input: Args, fields: readonly string[]): Record<string, never> {
  return Object.fromEntries(
    fields.filter((field) => input[field] !== undefined).map((field) => [field, input[field]]),
  ) as Record<string, never>;
}

function changeTags(
  shop: Shop,
  args: Args,
  change: (tags: readonly string[], given: readonly string[]) => string[],
): unknown {
  return attempt<Record<string, unknown>>({ node: null }, [], () => {
    const given = args.tags as string[];
    const node = nodeByGid(shop, String(args.id)) as {
      typename: string;
      id: string;
      tags?: string[];
    } | null;
    if (node === null || node.tags === undefined) throw new ShopError('Resource does not exist', ['id']);
    const tags = normaliseTags(change(node.tags, given));
    if (node.typename === 'Order') updateOrder(shop, node.id, { tags });
    else if (node.typename === 'Customer') {
      const customer = shop.customers.get(node.id);
      if (customer !== undefined) updateCustomer(shop, customer, { tags });
    } else {
      node.tags = tags;
      touchOwner(shop, gid(node.typename, node.id));
    }
    return { node };
  });
}

export interface NewMetafield {
  /** `gid://shopify/Order/…` */
  ownerId: string;
  namespace: string;
  key: string;
  type: string;
  value: string;
}

/** What another app or the merchant writes. */
export function putMetafields(shop: Shop, metafields: readonly NewMetafield[]): void {
  for (const input of metafields) {
    const found = metafieldProblem(shop, { ...input });
    if (found !== null) throw new ShopError(found.message, ['metafields', ...(found.field ?? [])]);
    setMetafield(shop, input.ownerId, { ...input });
  }
  for (const owner of new Set(metafields.map((one) => one.ownerId))) touchOwner(shop, owner);
}

function setOwnedMetafields(shop: Shop, ownerGid: string, given: unknown): void {
  for (const input of (given as Args[] | undefined) ?? []) {
    const found = metafieldProblem(shop, { ...input, ownerId: ownerGid });
    if (found !== null) throw new ShopError(found.message, ['metafields', ...(found.field ?? [])]);
    setMetafield(shop, ownerGid, input);
  }
}

function metafieldProblem(shop: Shop, input: Args): UserError | null {
  const owner = nodeByGid(shop, String(input.ownerId)) as { typename?: string } | null;
  if (owner === null) return problem(['ownerId'], 'INVALID', 'Owner does not exist.');
  const key = String(input.key ?? '');
  if (key.length < 2) return problem(['key'], 'TOO_SHORT', 'Key is too short (minimum is 2 characters)');
  if (key.length > 64) return problem(['key'], 'TOO_LONG', 'Key is too long (maximum is 64 characters)');
  const known = findMetafield(shop, String(input.ownerId), input);
  const defined = shop.metafieldDefinitions.get(definitionName(String(input.ownerId), input));
  if (known === undefined && defined === undefined && input.type == null)
    return problem(['type'], 'BLANK', "Type can't be blank");
  const value = String(input.value ?? '');
  if (value === '') return problem(['value'], 'BLANK', "Value can't be blank");
  const type = String(input.type ?? defined ?? known?.type);
  if (defined !== undefined && defined !== type)
    return problem(
      ['type'],
      'INVALID_TYPE',
      `Type '${type}' must be consistent with the definition's type: '${defined}'.`,
    );
  const reason = metafieldValueProblem(type, value, shop.profile.currency);
  if (reason !== null) return problem(['value'], 'INVALID_VALUE', reason);
  const digest = input.compareDigest;
  if (typeof digest === 'string' && (known === undefined || digestOf(known) !== digest))
    return problem(
      ['compareDigest'],
      'STALE_OBJECT',
      'The resource has been updated since it was loaded. Try again with an updated `compareDigest` value.',
    );
  return null;
}

/** Definitions belong to a kind of owner: `Order custom.warranty`. */
function definitionName(ownerGid: string, input: Args): string {
  return `${ownerGid.split('/')[3]} ${input.namespace ?? 'app--1'}.${input.key}`;
}

function findMetafield(shop: Shop, ownerGid: string, input: Args): Metafield | undefined {
  return shop.metafields
    .get(ownerGid)
    ?.find((one) => one.key === input.key && one.namespace === (input.namespace ?? 'app--1'));
}

function setMetafield(shop: Shop, ownerGid: string, input: Args): Metafield {
  const now = shop.nowMs();
  const known = findMetafield(shop, ownerGid, input);
  const defined = shop.metafieldDefinitions.get(definitionName(ownerGid, input));
  if (known !== undefined) {
    const type = String(input.type ?? defined ?? known.type);
    // The same again is no change.
    if (known.value !== String(input.value) || known.type !== type) known.updatedAtMs = now;
    known.value = String(input.value);
    known.type = type;
    return known;
  }
  const metafield: Metafield = {
    typename: 'Metafield',
    id: shop.nextId('Metafield'),
    ownerGid,
    namespace: String(input.namespace ?? 'app--1'),
    key: String(input.key),
    type: String(input.type ?? defined),
    value: String(input.value),
    createdAtMs: now,
    updatedAtMs: now,
  };
  shop.metafields.set(ownerGid, [...(shop.metafields.get(ownerGid) ?? []), metafield]);
  return metafield;
}

function deleteMetafield(
  shop: Shop,
  ownerGid: string,
  input: Args,
): { ownerId: string; namespace: string; key: string } | null {
  const known = findMetafield(shop, ownerGid, input);
  if (known === undefined) return null;
  shop.metafields.set(
    ownerGid,
    (shop.metafields.get(ownerGid) ?? []).filter((one) => one !== known),
  );
  return { ownerId: ownerGid, namespace: known.namespace, key: known.key };
}

/** A record whose metafields or tags changed has changed itself. */
function touchOwner(shop: Shop, ownerGid: string): void {
  const [, , , kind, id = ''] = ownerGid.split('/');
  if (kind === 'Order') updateOrder(shop, id, {});
  const customer = kind === 'Customer' ? shop.customers.get(id) : undefined;
  if (customer !== undefined) updateCustomer(shop, customer, {});
  const product = kind === 'Product' ? shop.products.get(id) : undefined;
  if (product !== undefined) {
    shop.touchProduct(product);
    shop.emit('products/update', product.id);
  }
  shop.changed();
}

function subscriptionUri(input: Args): string {
  const uri = String(input.uri ?? input.callbackUrl ?? '');
  // The real platform wants https; loopback addresses pass because nothing else can be reached from a sandbox.
  if (!/^https:\/\/|^http:\/\/(127\.0\.0\.1|localhost|\[::1\])/.test(uri) && !/^(arn:|pubsub:)/.test(uri))
    throw new ShopError('Address is invalid', ['webhookSubscription', 'callbackUrl']);
  return uri;
}

function requireChangeFrom(entries: readonly Args[], inputType: string): void {
  if (entries.some((entry) => !Object.hasOwn(entry, 'changeFromQuantity')))
    throw badRequest(
      `${inputType} must include the following argument: changeFromQuantity.`,
      'INVALID_FIELD_ARGUMENTS',
    );
}

function levelKey(entry: Args): { itemId: string; locationId: string } {
  return {
    itemId: idOf('InventoryItem', String(entry.inventoryItemId)) ?? '',
    locationId: idOf('Location', String(entry.locationId)) ?? '',
  };
}

function levelProblems(shop: Shop, entry: Args, field: string[], name: string): UserError[] {
  const { itemId, locationId } = levelKey(entry);
  if (!shop.items.has(itemId))
    return [
      problem(
        [...field, 'inventoryItemId'],
        'INVALID_INVENTORY_ITEM',
        'The specified inventory item could not be found.',
      ),
    ];
  if (!shop.locations.has(locationId))
    return [
      problem([...field, 'locationId'], 'INVALID_LOCATION', 'The specified location could not be found.'),
    ];
  if (shop.items.get(itemId)?.bundle === true)
    return [
      problem(
        [...field, 'inventoryItemId'],
        'NON_MUTABLE_INVENTORY_ITEM',
        'The specified inventory item is not allowed to be adjusted via API.',
      ),
    ];
  const level = shop.level(itemId, locationId);
  if (level === undefined)
    return [
      problem(
        [...field, 'locationId'],
        'ITEM_NOT_STOCKED_AT_LOCATION',
        'The specified inventory item is not stocked at the location.',
      ),
    ];
  const from = entry.changeFromQuantity;
  if (typeof from === 'number' && from !== quantityOf(level, name))
    return [
      problem(
        [...field, 'changeFromQuantity'],
        'CHANGE_FROM_QUANTITY_STALE',
        'The changeFromQuantity argument no longer matches the persisted quantity.',
      ),
    ];
  return [];
}

const reasons: ReadonlySet<string> = new Set([
  'correction',
  'cycle_count_available',
  'damaged',
  'movement_canceled',
  'movement_created',
  'movement_received',
  'movement_updated',
  'other',
  'promotion',
  'quality_control',
  'received',
  'reservation_created',
  'reservation_deleted',
  'reservation_updated',
  'restock',
  'safety_stock',
  'shrinkage',
]);

function reasonProblems(input: Args): UserError[] {
  const errors: UserError[] = [];
  if (!reasons.has(String(input.reason)))
    errors.push(problem(['input', 'reason'], 'INVALID_REASON', 'The specified reason is invalid.'));
  const uri = input.referenceDocumentUri;
  if (typeof uri === 'string' && !/^[a-z][a-z0-9+.-]*:.+/i.test(uri))
    errors.push(
      problem(
        ['input', 'referenceDocumentUri'],
        'INVALID_REFERENCE_DOCUMENT',
        'The specified reference document is invalid.',
      ),
    );
  return errors;
}

function problem(field: string[], code: string, message: string): UserError {
  return { field, code, message };
}

function refuseLongArrays(value: unknown): void {
  if (Array.isArray(value)) {
    if (value.length > 250)
      throw badRequest(
        `The input array size of ${value.length} is greater than the maximum allowed of 250.`,
        'MAX_INPUT_SIZE_EXCEEDED',
      );
    for (const one of value) refuseLongArrays(one);
  } else if (typeof value === 'object' && value !== null) {
    for (const one of Object.values(value)) refuseLongArrays(one);
  }
}
