import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { PushOutcome, PushTask } from '../platform.ts';
import { customerAnswer } from './answers.ts';
import { ask, refused, type ShopifySession, type UserError } from './api.ts';
import { observedCustomer, observedOrder } from './normalise.ts';
import { countReason, linkTypes } from './plan.ts';
import { factsOf, readLevel } from './read.ts';
import { performRefund } from './refund.ts';
import { gidOf, idOf, levelSubject } from './vocabulary.ts';

/** Carries out one push. Each kind may be repeated: an update says what shall be, a change of stock has a key. */
export async function perform(push: PushTask, session: ShopifySession): Promise<PushOutcome> {
  switch (push.kind) {
    case 'customer':
      return updateCustomer(customerBody.parse(push.body), session);
    case 'order':
      return updateOrder(orderBody.parse(push.body), push.subjectId, session);
    case 'refund':
      return performRefund(push, session);
    case 'stockLevel':
      return adjustLevel(stockLevelBody.parse(push.body), push.idempotencyKey, session);
    default:
      throw new AppError({
        code: 'UNKNOWN_PUSH_KIND',
        retryable: false,
        publicMessage: `Shopify takes no push of kind ${push.kind}.`,
        remedy: 'It was planned by another version of Tributary: run that version, or plan it again.',
      });
  }
}

const text = z.string().nullable();
const userErrors = z.array(
  z.object({
    field: z.array(z.string()).nullish(),
    message: z.string(),
    code: z.string().nullish(),
  }),
);

const customerBody = z.object({
  customerId: z.string(),
  fields: z
    .object({
      firstName: text,
      lastName: text,
      email: text,
      phone: text,
      note: text,
      tags: z.array(z.string()),
    })
    .partial(),
  addTags: z.array(z.string()).optional(),
});

async function updateCustomer(
  body: z.infer<typeof customerBody>,
  session: ShopifySession,
): Promise<PushOutcome> {
  const id = gidOf('Customer', body.customerId);
  if (body.addTags !== undefined && body.addTags.length > 0) {
    const { data } = await ask(
      session,
      'tagsAdd',
      { id, tags: body.addTags },
      z.object({ tagsAdd: z.object({ userErrors }) }),
    );
    refuse(`tags for customer ${body.customerId}`, data.tagsAdd.userErrors);
  }
  const { data } = await ask(
    session,
    'customerUpdate',
    { input: { id, ...body.fields } },
    z.object({ customerUpdate: z.object({ customer: customerAnswer.nullable(), userErrors }) }),
  );
  const { customer } = data.customerUpdate;
  refuse(`the update of customer ${body.customerId}`, data.customerUpdate.userErrors);
  if (customer === null) throw gone('customer', body.customerId);
  return {
    remoteType: linkTypes.Customer,
    remoteId: idOf(customer.id),
    remoteVersion: customer.updatedAt.toISOString(),
    state: observedCustomer(factsOf(customer)),
    adopted: false,
    detail: { fields: Object.keys(body.fields) },
  };
}

const orderBody = z.object({
  orderId: z.string(),
  fields: z
    .object({
      note: text,
      tags: z.array(z.string()),
      fulfilmentRules: z.array(z.object({ kind: z.string(), value: text, quote: z.string() })),
    })
    .partial(),
});

/** Where the wishes of an order's note stand for apps and people at Shopify. */
const rulesMetafield = { namespace: 'tributary', key: 'fulfilment_rules', type: 'json' };

async function updateOrder(
  body: z.infer<typeof orderBody>,
  orderId: bigint,
  session: ShopifySession,
): Promise<PushOutcome> {
  const { fulfilmentRules, ...fields } = body.fields;
  const { data } = await ask(
    session,
    'orderUpdate',
    // A null note leaves the note as it is; an empty one removes it.
    {
      input: {
        id: gidOf('Order', body.orderId),
        ...fields,
        ...(fields.note === null ? { note: '' } : {}),
        ...(fulfilmentRules === undefined
          ? {}
          : { metafields: [{ ...rulesMetafield, value: JSON.stringify(fulfilmentRules) }] }),
      },
    },
    z.object({
      orderUpdate: z.object({
        order: z
          .object({ id: z.string(), updatedAt: z.string(), note: text, tags: z.array(z.string()) })
          .nullable(),
        userErrors,
      }),
    }),
  );
  const { order } = data.orderUpdate;
  const rules = fulfilmentRules ?? (await rulesHeld(session, orderId));
  refuse(`the update of order ${body.orderId}`, data.orderUpdate.userErrors);
  if (order === null) throw gone('order', body.orderId);
  return {
    remoteType: linkTypes.Order,
    remoteId: idOf(order.id),
    remoteVersion: new Date(order.updatedAt).toISOString(),
    state: {
      ...observedOrder({ note: order.note === '' ? null : order.note, tags: order.tags }),
      ...(rules === undefined ? {} : { fulfilmentRules: rules }),
    },
    adopted: false,
    detail: { fields: Object.keys(body.fields) },
  };
}

/** What the metafield was last known to hold; the answer to an update does not tell. */
async function rulesHeld(session: ShopifySession, orderId: bigint): Promise<unknown> {
  const links = await session.links.find('Order', [orderId], linkTypes.Order);
  return links.get(orderId)?.state.fulfilmentRules;
}

const stockLevelBody = z.object({
  inventoryItemId: z.string(),
  locationId: z.string(),
  delta: z.number().int(),
  changeFrom: z.number().int(),
  reason: z.string().default('correction'),
});

type StockLevelBody = z.infer<typeof stockLevelBody>;

/**
 * Moves a level by a difference, first as a compare-and-set on the figure that the plan was made with. Where somebody
 * else was faster the level is read again and the same difference applied to whatever is there: under a second, fixed
 * key and without a condition. A condition on the new figure would need a key per figure, and a crash between request
 * and receipt could then move the level twice.
 */
async function adjustLevel(body: StockLevelBody, key: string, session: ShopifySession): Promise<PushOutcome> {
  // A count says how many there are, which Shopify's history then says as well.
  const first =
    body.reason === countReason && body.changeFrom + body.delta >= 0
      ? await set(body, key, session)
      : await adjust(body, body.changeFrom, key, session);
  if (!isStale(first.userErrors)) return settled(body, body.changeFrom, first, false, session);
  const level = await readLevel(session, body.inventoryItemId, body.locationId);
  if (level?.kind !== 'stockLevel' || level.available === null)
    throw new AppError({
      code: 'SHOPIFY_NOT_STOCKED',
      retryable: false,
      publicMessage: 'Shopify does not stock this item at this location any more.',
      remedy: 'Stock the item at the location in Shopify, then retry the push.',
    });
  session.log.info(
    {
      item: body.inventoryItemId,
      location: body.locationId,
      planned: body.changeFrom,
      found: level.available,
    },
    'stock level moved meanwhile; applying the difference to what is there',
  );
  const second = await adjust(body, null, `${key}-rebase`, session);
  return settled(body, level.available, second, true, session);
}

interface Adjusted {
  userErrors: UserError[];
  group: { id: string; after: number | null } | null;
}

async function adjust(
  body: StockLevelBody,
  changeFromQuantity: number | null,
  key: string,
  session: ShopifySession,
): Promise<Adjusted> {
  const { data } = await ask(
    session,
    'inventoryAdjust',
    {
      key,
      input: {
        name: 'available',
        reason: body.reason,
        changes: [
          {
            delta: body.delta,
            changeFromQuantity,
            inventoryItemId: gidOf('InventoryItem', body.inventoryItemId),
            locationId: gidOf('Location', body.locationId),
          },
        ],
      },
    },
    z.object({ inventoryAdjustQuantities: adjustedAnswer }),
  );
  return adjusted(data.inventoryAdjustQuantities);
}

/** The same as an absolute figure, on the condition that the one it replaces still stands. */
async function set(body: StockLevelBody, key: string, session: ShopifySession): Promise<Adjusted> {
  const { data } = await ask(
    session,
    'inventorySet',
    {
      key,
      input: {
        name: 'available',
        reason: body.reason,
        quantities: [
          {
            quantity: body.changeFrom + body.delta,
            changeFromQuantity: body.changeFrom,
            inventoryItemId: gidOf('InventoryItem', body.inventoryItemId),
            locationId: gidOf('Location', body.locationId),
          },
        ],
      },
    },
    z.object({ inventorySetQuantities: adjustedAnswer }),
  );
  return adjusted(data.inventorySetQuantities);
}

const adjustedAnswer = z.object({
  inventoryAdjustmentGroup: z
    .object({
      id: z.string(),
      changes: z.array(z.object({ name: z.string(), quantityAfterChange: z.number().int().nullable() })),
    })
    .nullable(),
  userErrors,
});

function adjusted({
  inventoryAdjustmentGroup: group,
  userErrors: errors,
}: z.infer<typeof adjustedAnswer>): Adjusted {
  const available = group?.changes.find((change) => change.name === 'available');
  return {
    userErrors: errors,
    group: group === null ? null : { id: group.id, after: available?.quantityAfterChange ?? null },
  };
}

async function settled(
  body: StockLevelBody,
  from: number,
  { userErrors: errors, group }: Adjusted,
  rebased: boolean,
  session: ShopifySession,
): Promise<PushOutcome> {
  if (errors.some((error) => error.code !== null && transientCodes.has(error.code ?? '')))
    throw new AppError({
      code: 'SHOPIFY_BUSY',
      retryable: true,
      publicMessage: 'Shopify is still working on the same change.',
      remedy: 'It is tried again by itself.',
    });
  refuse('the change of stock', errors);
  let available = group?.after ?? from + body.delta;
  // A repeated key is answered with what the first request did: the level may have moved on since.
  if (rebased && group?.after === null) {
    const level = await readLevel(session, body.inventoryItemId, body.locationId);
    if (level?.kind === 'stockLevel' && level.available !== null) available = level.available;
  }
  return {
    remoteType: linkTypes.StockLevel,
    remoteId: levelSubject(body.inventoryItemId, body.locationId),
    remoteVersion: null,
    state: { available },
    adopted: false,
    detail: { adjustment: group?.id ?? null, delta: body.delta, rebased },
  };
}

const transientCodes = new Set(['IDEMPOTENCY_CONCURRENT_REQUEST', 'SERVICE_UNAVAILABLE']);

function isStale(errors: readonly UserError[]): boolean {
  return errors.some((error) => error.code === 'CHANGE_FROM_QUANTITY_STALE');
}

function refuse(what: string, errors: readonly UserError[]): void {
  if (errors.length > 0) throw refused(what, errors);
}

function gone(what: string, id: string): AppError {
  return new AppError({
    code: 'SHOPIFY_GONE',
    retryable: false,
    publicMessage: `Shopify has no ${what} ${id} any more.`,
    remedy: 'Nothing to do where it was deleted on purpose; otherwise sweep the connection and retry.',
  });
}
