import { AppError } from '../../../errors.ts';
import { contactProperties } from '../../crm/contact.ts';
import { orderProperties } from '../../crm/order.ts';
import type { LinkFacts, PushOutcome, PushTask } from '../platform.ts';
import { remembering } from '../written.ts';
import { ensureDefinitions } from './definitions.ts';
import type { Gateway, HubSpotSession, NewAssociation, RecordLanes, RemoteRecord } from './gateway.ts';
import { crmGateway, heldOf } from './interpret.ts';
import { type ContactBody, type ContactMergeBody, filled, type OrderBody } from './plan.ts';
import { detailsOf, existingId, type InvalidProperty, Refusal, refusalOf, toAppError } from './refusal.ts';
import { readSettings } from './settings.ts';

export async function perform(push: PushTask, session: HubSpotSession): Promise<PushOutcome> {
  switch (push.kind) {
    case 'contact':
      return await translated('writing the contact', () => performContact(push, session));
    case 'contactMerge':
      return await translated('merging contacts', () => performContactMerge(push, session));
    case 'contactErase':
      return await translated('erasing the contact', () => eraseContact(push, session));
    case 'order':
      return await translated('writing the order', () => performOrder(push, session));
    default:
      throw new AppError({
        code: 'UNKNOWN_PUSH_KIND',
        retryable: false,
        publicMessage: `HubSpot is never sent a ${push.kind}.`,
      });
  }
}

// ── contacts ──

/** Repeating it is harmless: a contact that is gone is gone. */
async function eraseContact(push: PushTask, session: HubSpotSession): Promise<PushOutcome> {
  const { contactId } = push.body as { contactId: string };
  await crmGateway(session).call('erasing the contact', async (client) => {
    try {
      await client.crm.contacts.basicApi.purge({ objectId: contactId });
    } catch (error) {
      if (refusalOf(error)?.status !== 404) throw error;
    }
  });
  return {
    remoteType: 'contact',
    remoteId: contactId,
    remoteVersion: null,
    state: { erased: true },
    adopted: false,
    detail: { contactId },
  };
}

/**
 * A known contact is updated by its id. An unknown one is created first and looked for afterwards: most buyers are new,
 * and the refusal of a known address names the contact to take over. Either way repeating it ends in the same contact.
 */
async function performContact(push: PushTask, session: HubSpotSession): Promise<PushOutcome> {
  const body = push.body as unknown as ContactBody;
  const { contacts } = crmGateway(session);
  const link = (await session.links.find('Customer', [push.subjectId], 'contact')).get(push.subjectId);
  const notes: Note[] = [];
  if (link !== undefined) {
    const known = await updateKnown(session, contacts, link, body, notes);
    if (known !== null)
      return contactOutcome(known.record, link, known.record.id !== link.remoteId, notes, known.wrote);
  }
  const all = { ...body.properties };
  if (body.key.property === 'tributary_customer_id') {
    const { tributary_customer_id: value = body.key.value, ...properties } = all;
    const record = await insist(
      session,
      properties,
      notes,
      (given) => contacts.upsert({ idProperty: 'tributary_customer_id', value, properties: given }),
      body.custom,
    );
    return contactOutcome(record, null, false, notes, all);
  }
  try {
    const record = await insist(
      session,
      { ...all, ...body.onCreate },
      notes,
      (properties) => contacts.create({ properties, associations: [] }),
      body.custom,
    );
    return contactOutcome(record, null, false, notes, all);
  } catch (error) {
    const id = error instanceof Refusal ? existingId(error) : null;
    if (id === null) throw error;
    return contactOutcome(await takeOver(session, contacts, id, body, notes), null, true, notes, all);
  }
}

/** Null where the contact is gone. */
async function updateKnown(
  session: HubSpotSession,
  contacts: RecordLanes,
  link: LinkFacts,
  body: ContactBody,
  notes: Note[],
): Promise<{ record: RemoteRecord; wrote: Record<string, string> } | null> {
  const properties: Record<string, string> = Object.fromEntries([
    ...body.changed.flatMap((name) => (name in body.properties ? [[name, body.properties[name] ?? '']] : [])),
    // Pushes that were planned before fields were cleared have no such list.
    ...(body.cleared ?? []).map((name) => [name, '']),
  ]);
  try {
    const record = await insist(
      session,
      properties,
      notes,
      (given) => contacts.update({ id: link.remoteId, properties: given }),
      body.custom,
    );
    return { record, wrote: properties };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 404) return null;
    const id = existingId(error);
    if (id === null) throw error;
    // Another contact holds the address: the address tells who it is.
    notes.push({ property: 'email', reason: `Contact ${id} has this address and was taken over instead.` });
    return {
      record: await takeOver(session, contacts, id, body, notes),
      wrote: body.properties,
    };
  }
}

/** A contact that people made, or that we made and forgot: its address stays as it is written there. */
function takeOver(
  session: HubSpotSession,
  contacts: RecordLanes,
  id: string,
  body: ContactBody,
  notes: Note[],
): Promise<RemoteRecord> {
  const { email: _email, ...rest } = body.properties;
  return insist(session, rest, notes, (given) => contacts.update({ id, properties: given }), body.custom);
}

function contactOutcome(
  record: RemoteRecord,
  link: LinkFacts | null,
  adopted: boolean,
  notes: readonly Note[],
  wrote: Readonly<Record<string, string>>,
): PushOutcome {
  const before = adopted ? {} : (link?.state ?? {});
  return {
    remoteType: 'contact',
    remoteId: record.id,
    remoteVersion: record.updatedAt.toISOString(),
    state: {
      ...before,
      ...heldOf(record, [...contactProperties, ...Object.keys(wrote)]),
      ...remembering(before, wrote),
    },
    adopted,
    detail: { contactId: record.id, ...(notes.length === 0 ? {} : { notWritten: notes }) },
  };
}

/**
 * Merges contacts one after the other; each merge gives the survivor a new id. An id that was merged before leads to the
 * survivor, so that repeating it finds nothing left to do.
 */
async function performContactMerge(push: PushTask, session: HubSpotSession): Promise<PushOutcome> {
  const body = push.body as unknown as ContactMergeBody;
  const gateway = crmGateway(session);
  const { contacts } = gateway;
  let primary = await contacts.read(body.primaryId);
  if (primary === null)
    throw new AppError({
      code: 'CONTACT_GONE',
      retryable: false,
      publicMessage: `Contact ${body.primaryId} is gone from HubSpot.`,
      remedy: 'Nothing is left to merge; the customer gets a contact again with their next change.',
    });
  let merged = 0;
  for (const id of body.contactIds) {
    const other = await contacts.read(id);
    if (other === null || other.id === primary.id) continue;
    const [primaryId, otherId]: [string, string] = [primary.id, other.id];
    await gateway.call('merging contacts', (client) =>
      client.crm.contacts.basicApi.merge({ primaryObjectId: primaryId, objectIdToMerge: otherId }),
    );
    primary = (await contacts.read(primaryId)) ?? primary;
    merged += 1;
  }
  const survivor = primary;
  return {
    remoteType: 'contact',
    remoteId: survivor.id,
    remoteVersion: survivor.updatedAt.toISOString(),
    state: heldOf(survivor, contactProperties),
    adopted: merged === 0,
    detail: { contactId: survivor.id, mergedContactIds: body.contactIds },
    gone: [body.primaryId, ...body.contactIds]
      .filter((id) => id !== survivor.id)
      .map((remoteId) => ({ remoteType: 'contact', remoteId })),
  };
}

// ── orders ──

const orderToContact = 507;
const orderToLineItem = 513;

async function performOrder(push: PushTask, session: HubSpotSession): Promise<PushOutcome> {
  const body = push.body as unknown as OrderBody;
  const link = (await session.links.find('Order', [push.subjectId], 'order')).get(push.subjectId);
  if (link !== undefined) {
    const outcome = await updateOrder(session, body, link);
    if (outcome !== null) return outcome;
  }
  return await createOrder(session, body);
}

/**
 * Line items first, side by side with the wait for the contact; then the order together with its ties, in one call. The
 * order exists with everything or not at all.
 */
async function createOrder(session: HubSpotSession, body: OrderBody): Promise<PushOutcome> {
  const gateway = crmGateway(session);
  const [lineIds, contactId] = await Promise.all([
    writeLines(session, gateway, body),
    contactIdOf(session, body),
  ]);
  const associations: NewAssociation[] = [
    ...(contactId === null ? [] : [{ toId: contactId, typeId: orderToContact }]),
    ...lineIds.map((toId) => ({ toId, typeId: orderToLineItem })),
  ];
  const properties = filled(body.properties);
  const notes: Note[] = [];
  try {
    const record = await insist(
      session,
      properties,
      notes,
      (given) => gateway.orders.create({ properties: given, associations }),
      body.custom,
    );
    return orderOutcome(record, {}, body, { contactId, adopted: false, notes });
  } catch (error) {
    if (!(error instanceof Refusal) || !isKeyTaken(error)) throw error;
  }
  // It is there already: a crash kept the answer from us, or the link was lost.
  const { tributary_order_id: _key, ...rest } = properties;
  const record = await insist(
    session,
    rest,
    notes,
    (given) =>
      gateway.orders.upsert({ idProperty: 'tributary_order_id', value: body.key, properties: given }),
    body.custom,
  );
  await associate(gateway, record.id, contactId, lineIds);
  return orderOutcome(record, {}, body, { contactId, adopted: true, notes });
}

/** Null where the order is gone. */
async function updateOrder(
  session: HubSpotSession,
  body: OrderBody,
  link: LinkFacts,
): Promise<PushOutcome | null> {
  const gateway = crmGateway(session);
  const areLinesChanged = body.changed.includes('tributary_lines');
  const isCustomerChanged = body.changed.includes('tributary_customer_id');
  const properties = Object.fromEntries(body.changed.map((name) => [name, body.properties[name] ?? '']));
  // The line items' version is what later plans compare with: it is written once the line items are.
  const [lineIds, contactId] = await Promise.all([
    areLinesChanged ? writeLines(session, gateway, body) : [],
    isCustomerChanged ? contactIdOf(session, body) : null,
  ]);
  let record: RemoteRecord;
  const notes: Note[] = [];
  try {
    [record] = await Promise.all([
      insist(
        session,
        properties,
        notes,
        (given) => gateway.orders.update({ id: link.remoteId, properties: given }),
        body.custom,
      ),
      associate(gateway, link.remoteId, contactId, lineIds),
      isCustomerChanged ? leaveFormerContact(session, gateway, link.remoteId, body, contactId) : null,
    ]);
  } catch (error) {
    const isGone =
      (error instanceof Refusal && error.status === 404) ||
      (error instanceof AppError && error.cause instanceof Refusal && error.cause.status === 404);
    if (isGone) return null;
    throw error;
  }
  return orderOutcome(record, link.state, body, { contactId, adopted: false, notes });
}

async function writeLines(session: HubSpotSession, gateway: Gateway, body: OrderBody): Promise<string[]> {
  const records = await Promise.all(
    body.lines.map(({ key, properties }) =>
      insist(session, properties, [], (given) =>
        gateway.lineItems.upsert({ idProperty: 'tributary_line_id', value: key, properties: given }),
      ),
    ),
  );
  return records.map((record) => record.id);
}

async function contactIdOf(session: HubSpotSession, body: OrderBody): Promise<string | null> {
  if (body.customerId === null) return null;
  const { contactWaitMs } = readSettings(session.settings);
  const link = await session.links.waitFor('Customer', BigInt(body.customerId), 'contact', contactWaitMs);
  return link.remoteId;
}

/** An order that changed hands is no longer tied to the contact of whom it was thought to be. */
async function leaveFormerContact(
  session: HubSpotSession,
  gateway: Gateway,
  orderId: string,
  body: OrderBody,
  contactId: string | null,
): Promise<void> {
  const formerId = body.was.tributary_customer_id ?? null;
  if (formerId === null || !/^\d+$/.test(formerId)) return;
  const former = (await session.links.find('Customer', [BigInt(formerId)], 'contact')).get(BigInt(formerId));
  if (former === undefined || former.remoteId === contactId) return;
  await gateway.dissociate('orders', 'contacts', orderId, former.remoteId);
}

async function associate(
  gateway: Gateway,
  orderId: string,
  contactId: string | null,
  lineIds: readonly string[],
): Promise<void> {
  await Promise.all([
    ...(contactId === null ? [] : [gateway.associate('orders', 'contacts', orderId, contactId)]),
    ...lineIds.map((id) => gateway.associate('orders', 'line_items', orderId, id)),
  ]);
}

function orderOutcome(
  record: RemoteRecord,
  before: Readonly<Record<string, unknown>>,
  body: OrderBody,
  { contactId, adopted, notes }: { contactId: string | null; adopted: boolean; notes: readonly Note[] },
): PushOutcome {
  const cleared = body.changed.filter((name) => (body.properties[name] ?? '') === '');
  const state: Record<string, unknown> = {
    ...before,
    ...heldOf(record, [...orderProperties, ...(body.custom ?? [])]),
  };
  for (const name of cleared) state[name] = null;
  return {
    remoteType: 'order',
    remoteId: record.id,
    remoteVersion: record.updatedAt.toISOString(),
    state,
    adopted,
    detail: {
      orderId: record.id,
      name: body.properties.hs_order_name ?? null,
      total: body.properties.hs_total_price ?? null,
      lineItems: body.lines.length,
      ...(contactId === null ? {} : { contactId }),
      ...(notes.length === 0 ? {} : { notWritten: notes }),
    },
  };
}

function isKeyTaken(refusal: Refusal): boolean {
  return detailsOf(refusal, 'CONFLICTING_UNIQUE_VALUE').some((one) => one.property === 'tributary_order_id');
}

// ── refusals that have an answer ──

interface Note {
  property: string;
  reason: string;
}

/** What a contact can do without; anything else that is refused needs a person. */
const dispensable = new Set<string>([
  'email',
  'firstname',
  'lastname',
  'phone',
  'company',
  'address',
  'city',
  'state',
  'zip',
  'country',
  'lifecyclestage',
  'tributary_customer_id',
]);
const dispensableCodes = ['INVALID_OPTION', 'INVALID_EMAIL', 'VALUE_TOO_LONG', 'READ_ONLY_VALUE'];

/**
 * Writes once more where the refusal tells what to do: a property of ours that somebody deleted is made again; a value
 * that this portal does not take is left out and noted.
 */
async function insist(
  session: HubSpotSession,
  properties: Record<string, string>,
  notes: Note[],
  write: (properties: Record<string, string>) => Promise<RemoteRecord>,
  custom: readonly string[] = [],
): Promise<RemoteRecord> {
  let given = properties;
  let isPrepared = false;
  for (;;) {
    try {
      return await write(given);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const missing = detailsOf(error, 'PROPERTY_DOESNT_EXIST');
      const isUnknownKey = /non-unique|unique propert/i.test(error.message);
      // A field that was just declared, or an option that was just added.
      const isOutOfStep = [...missing, ...detailsOf(error, 'INVALID_OPTION')].some((one) =>
        custom.includes(one.property),
      );
      const isOursMissing = missing.some((one) => one.property.startsWith('tributary_'));
      if ((isOursMissing || isUnknownKey || isOutOfStep) && !isPrepared) {
        isPrepared = true;
        await ensureDefinitions(session);
        continue;
      }
      const refused = [
        ...dispensableCodes.flatMap((code) => detailsOf(error, code)),
        ...detailsOf(error, 'CONFLICTING_UNIQUE_VALUE').filter(
          (one) => one.property === 'tributary_customer_id',
        ),
      ]
        .filter((one) => dispensable.has(one.property))
        .concat(error.details.filter((one) => custom.includes(one.property)))
        .filter((one) => one.property in given);
      if (refused.length === 0) throw error;
      given = without(given, refused);
      for (const { property, message } of refused)
        if (!notes.some((note) => note.property === property)) notes.push({ property, reason: message });
    }
  }
}

function without(
  properties: Record<string, string>,
  refused: readonly InvalidProperty[],
): Record<string, string> {
  const names = new Set(refused.map((one) => one.property));
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !names.has(name)));
}

async function translated<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toAppError(error, doing);
  }
}
