import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { PlatformChange } from '../../../model/change.ts';
import type { CustomFieldOwner } from '../../../model/custom-field.ts';
import { naturalBatch } from '../natural-batch.ts';
import type { PushOutcome, PushTask } from '../platform.ts';
import { customerAnswer } from './answers.ts';
import { ask, refused, type ShopifySession, type UserError } from './api.ts';
import { readMetafields } from './metafields.ts';
import { observedCustomer, observedOrder } from './normalise.ts';
import { linkTypes } from './plan.ts';
import { pushLevel } from './push-levels.ts';
import { factsOf } from './read.ts';
import { performRefund } from './refund.ts';
import { gidOf, idOf } from './vocabulary.ts';

/** Carries out one push. Each kind may be repeated: an update says what shall be, a change of stock has a key. */
export async function perform(push: PushTask, session: ShopifySession): Promise<PushOutcome> {
  // Changes of stock travel together, many at a time; what travels alone leaves room for reads.
  return push.kind === 'stockLevel' ? pushLevel(push, session) : laneOf(session)(push);
}

const singlesAtOnce = 32;
const laneKey = 'shopify.singles';

function laneOf(session: ShopifySession): (push: PushTask) => Promise<PushOutcome> {
  const kept = session.cache.get(laneKey) as ReturnType<typeof laneOf> | undefined;
  if (kept !== undefined) return kept;
  const lane = naturalBatch<PushTask, PushOutcome>({
    max: 1,
    concurrent: singlesAtOnce,
    run: ([push]) =>
      push === undefined
        ? Promise.resolve([])
        : performAlone(push, session).then((value) => [{ ok: true, value }]),
  });
  session.cache.set(laneKey, lane);
  return lane;
}

async function performAlone(push: PushTask, session: ShopifySession): Promise<PushOutcome> {
  switch (push.kind) {
    case 'customer':
      return updateCustomer(customerBody.parse(push.body), session);
    case 'order':
      return updateOrder(orderBody.parse(push.body), push.subjectId, session);
    case 'refund':
      return performRefund(push, session);
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

const metafields = z.array(
  z.union([
    z.object({ namespace: z.string(), key: z.string(), type: z.string(), value: z.string() }),
    // Removed.
    z.object({ namespace: z.string(), key: z.string(), value: z.null() }),
  ]),
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
  metafields: metafields.optional(),
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
  const { customer, errors: leftOut } = await updateCustomerFields(id, body.fields, session);
  if (customer === null) throw gone('customer', body.customerId);
  const { told, notWritten: refusedMetafields } = await setMetafields(
    'Customer',
    body.customerId,
    body.metafields,
    session,
  );
  const notWritten = [
    ...leftOut.map((error) => ({ field: fieldOf(error), reason: error.message })),
    ...refusedMetafields,
  ];
  return {
    remoteType: linkTypes.Customer,
    remoteId: idOf(customer.id),
    remoteVersion: customer.updatedAt.toISOString(),
    state: observedCustomer(factsOf(customer)),
    adopted: false,
    detail: {
      fields: [...Object.keys(body.fields), ...namesOf(body.metafields)],
      ...(notWritten.length === 0 ? {} : { notWritten }),
    },
    ...(told.length === 0 ? {} : { told }),
  };
}

/**
 * An address or a number that another record of the shop has is left out and named: a merge of two of its customers leaves
 * both records there, each with its own. Anything else that is refused is for a person.
 */
async function updateCustomerFields(
  id: string,
  fields: z.infer<typeof customerBody>['fields'],
  session: ShopifySession,
) {
  const write = async (input: object) => {
    const { data } = await ask(
      session,
      'customerUpdate',
      { input },
      z.object({ customerUpdate: z.object({ customer: customerAnswer.nullable(), userErrors }) }),
    );
    return data.customerUpdate;
  };
  const first = await write({ id, ...fields });
  const errors = first.userErrors.filter((error) => isDispensable(error) && fieldOf(error) in fields);
  if (errors.length === 0 || errors.length < first.userErrors.length) {
    refuse(`the update of customer ${idOf(id)}`, first.userErrors);
    return { customer: first.customer, errors: [] };
  }
  const names = new Set(errors.map(fieldOf));
  const rest = Object.fromEntries(Object.entries(fields).filter(([name]) => !names.has(name)));
  const second = await write({ id, ...rest });
  refuse(`the update of customer ${idOf(id)}`, second.userErrors);
  return { customer: second.customer, errors };
}

function fieldOf({ field }: UserError): string {
  return field?.at(-1) ?? '';
}

function isDispensable(error: UserError): boolean {
  return /^(email|phone)$/.test(fieldOf(error)) && /\btaken\b/i.test(error.message);
}

function namesOf(wanted: z.infer<typeof metafields> = []): string[] {
  return wanted.map(({ namespace, key }) => `${namespace}.${key}`);
}

/** Metafields one by one: what Shopify refuses of one holds up no other, nor the rest of their owner. */
async function setMetafields(
  owner: CustomFieldOwner,
  remoteId: string,
  wanted: z.infer<typeof metafields> = [],
  session: ShopifySession,
): Promise<{ told: PlatformChange[]; notWritten: { field: string; reason: string }[] }> {
  const keys: string[] = [];
  const notWritten: { field: string; reason: string }[] = [];
  for (const metafield of wanted) {
    const { namespace, key } = metafield;
    const ownerId = gidOf(owner, remoteId);
    const name = `${namespace}.${key}`;
    const [problem] =
      metafield.value === null
        ? await deleteMetafield(session, { ownerId, namespace, key })
        : await setAsDefined(session, { ownerId, ...metafield });
    if (problem === undefined) keys.push(name);
    else notWritten.push({ field: name, reason: problem.message });
  }
  if (keys.length === 0) return { told: [], notWritten };
  return { told: await readMetafields(session, { owner, remoteIds: [remoteId], keys }), notWritten };
}

/** In the type that it has; where the shop has defined another one meanwhile, in that: Shopify takes it where none is named. */
async function setAsDefined(
  session: ShopifySession,
  { type, ...metafield }: { ownerId: string; namespace: string; key: string; type: string; value: string },
): Promise<UserError[]> {
  const errors = await setMetafield(session, { ...metafield, type });
  return errors[0]?.code === 'INVALID_TYPE' ? setMetafield(session, metafield) : errors;
}

async function setMetafield(session: ShopifySession, metafield: object): Promise<UserError[]> {
  const { data } = await ask(
    session,
    'metafieldsSet',
    { metafields: [metafield] },
    z.object({ metafieldsSet: z.object({ userErrors }) }),
  );
  return data.metafieldsSet.userErrors;
}

/** One that is gone already counts as removed. */
async function deleteMetafield(
  session: ShopifySession,
  metafield: { ownerId: string; namespace: string; key: string },
): Promise<UserError[]> {
  const { data } = await ask(
    session,
    'metafieldsDelete',
    { metafields: [metafield] },
    z.object({ metafieldsDelete: z.object({ userErrors }) }),
  );
  return data.metafieldsDelete.userErrors;
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
  metafields: metafields.optional(),
});

/** Where the wishes of an order's note stand for apps and people at Shopify. */
const rulesMetafield = { namespace: 'tributary', key: 'fulfilment_rules', type: 'json' };

async function updateOrder(
  body: z.infer<typeof orderBody>,
  orderId: bigint,
  session: ShopifySession,
): Promise<PushOutcome> {
  const held = Object.keys(body.fields).length === 0 ? null : await updateOrderFields(body, session);
  const link = (await session.links.find('Order', [orderId], linkTypes.Order)).get(orderId);
  const rules = body.fields.fulfilmentRules ?? link?.state.fulfilmentRules;
  const { told, notWritten } = await setMetafields('Order', body.orderId, body.metafields, session);
  return {
    remoteType: linkTypes.Order,
    remoteId: body.orderId,
    remoteVersion: held?.version ?? link?.remoteVersion ?? null,
    state: {
      // Metafields beside the wishes leave note and tags as they were.
      ...(held?.state ?? link?.state),
      ...(rules === undefined ? {} : { fulfilmentRules: rules }),
    },
    adopted: false,
    detail: {
      fields: [...Object.keys(body.fields), ...namesOf(body.metafields)],
      ...(notWritten.length === 0 ? {} : { notWritten }),
    },
    ...(told.length === 0 ? {} : { told }),
  };
}

async function updateOrderFields(
  { orderId, fields: { fulfilmentRules, ...fields } }: z.infer<typeof orderBody>,
  session: ShopifySession,
): Promise<{ version: string; state: Record<string, unknown> }> {
  const { data } = await ask(
    session,
    'orderUpdate',
    // A null note leaves the note as it is; an empty one removes it.
    {
      input: {
        id: gidOf('Order', orderId),
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
  refuse(`the update of order ${orderId}`, data.orderUpdate.userErrors);
  if (order === null) throw gone('order', orderId);
  return {
    version: new Date(order.updatedAt).toISOString(),
    state: observedOrder({ note: order.note === '' ? null : order.note, tags: order.tags }),
  };
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
