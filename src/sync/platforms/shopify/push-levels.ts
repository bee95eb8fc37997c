import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import { naturalBatch, type Settled } from '../natural-batch.ts';
import type { Envelope, PushOutcome, PushTask } from '../platform.ts';
import { ask, refused, type ShopifySession, type UserError } from './api.ts';
import { countReason, linkTypes } from './plan.ts';
import { readLevel } from './read.ts';
import { gidOf, idOf, levelSubject } from './vocabulary.ts';

const stockLevelBody = z.object({
  inventoryItemId: z.string(),
  locationId: z.string(),
  delta: z.number().int(),
  changeFrom: z.number().int(),
  reason: z.string().default('correction'),
});
type StockLevelBody = z.infer<typeof stockLevelBody>;

interface Member {
  pushId: bigint;
  key: string;
  body: StockLevelBody;
}

/** As many changes as Shopify takes in one request. */
const changesPerRequest = 250;
/** Few enough that changes gather while requests are under way. */
const requestsAtOnce = 2;

/**
 * Moves a level by a difference. What is to be moved at the same time travels in one request, which Shopify carries out
 * as a whole or not at all: where it refuses some changes, those go on by themselves and the others together without them.
 *
 * A change takes effect once. One that travels alone has a key of its own. One that travels with others is remembered
 * with them before the request leaves; as long as that may have taken effect it is repeated as it was, under its key.
 */
export async function pushLevel(push: PushTask, session: ShopifySession): Promise<PushOutcome> {
  const member = { pushId: push.pushId, key: push.idempotencyKey, body: stockLevelBody.parse(push.body) };
  if (push.attempt > 1) {
    const envelope = await session.envelopes.find(push.pushId);
    return envelope === null ? moveAlone(member, session) : repeat(envelope, member, session);
  }
  return laneOf(session)(member);
}

const laneKey = 'shopify.levels';

function laneOf(session: ShopifySession): (member: Member) => Promise<PushOutcome> {
  const kept = session.cache.get(laneKey) as ReturnType<typeof laneOf> | undefined;
  if (kept !== undefined) return kept;
  const lane = naturalBatch<Member, PushOutcome>({
    max: changesPerRequest,
    concurrent: requestsAtOnce,
    run: (members) => moveAll(members, session),
  });
  session.cache.set(laneKey, lane);
  return lane;
}

async function moveAll(
  members: readonly Member[],
  session: ShopifySession,
): Promise<readonly Settled<PushOutcome>[]> {
  const fates = new Map<bigint, Settled<PushOutcome>>();
  // A request has one reason, and either differences or figures.
  const inOrder = [...members].sort((a, b) => (a.pushId < b.pushId ? -1 : 1));
  const groups = [...Map.groupBy(inOrder, ({ body }) => `${isCount(body)} ${body.reason}`).values()];
  await Promise.all(groups.map((group) => moveGroup(group, session, fates)));
  return members.map(({ pushId }) => fates.get(pushId) ?? failed(new Error('a change was forgotten')));
}

/** @param members in the order of their ids, in which they would be found again. */
async function moveGroup(
  members: readonly Member[],
  session: ShopifySession,
  fates: Map<bigint, Settled<PushOutcome>>,
): Promise<void> {
  const alone = async (some: readonly Member[]) => {
    await Promise.all(
      some.map(async (member) => {
        fates.set(member.pushId, await settle(moveAlone(member, session)));
      }),
    );
  };
  if (members.length < 2) return alone(members);
  const key = `tb-${randomUUID()}`;
  let answer: Adjusted;
  try {
    await session.envelopes.seal(
      key,
      members.map(({ pushId }) => pushId),
    );
    answer = await request(
      members.map(({ body }) => body),
      key,
      session,
    );
    refuseBusy(answer.userErrors);
  } catch (error) {
    for (const { pushId } of members) fates.set(pushId, failed(error));
    return;
  }
  if (answer.userErrors.length === 0) {
    for (const { pushId, body } of members)
      fates.set(pushId, { ok: true, value: outcomeOf(body, body.changeFrom, answer, members.length) });
    return;
  }
  // Nothing of it was done: the others travel without those that Shopify objects to.
  await session.envelopes.open(key);
  const refusedAt = refusedChanges(answer.userErrors);
  if (refusedAt === null) return alone(members);
  session.log.info(
    { changes: members.length, refused: refusedAt.size },
    'Shopify refuses some changes of stock; the others go without them',
  );
  await Promise.all([
    alone(members.filter((_member, index) => refusedAt.has(index))),
    moveGroup(
      members.filter((_member, index) => !refusedAt.has(index)),
      session,
      fates,
    ),
  ]);
}

/** Which changes the errors are about; null where one of them does not say. */
function refusedChanges(errors: readonly UserError[]): ReadonlySet<number> | null {
  const at = errors.map(({ field }) => {
    const list = field?.findIndex((part) => part === 'changes' || part === 'quantities') ?? -1;
    return list === -1 ? Number.NaN : Number(field?.[list + 1] ?? Number.NaN);
  });
  return at.every(Number.isSafeInteger) ? new Set(at) : null;
}

/** Sends a request again as it was: Shopify answers what it did then, or does it now. */
async function repeat(envelope: Envelope, own: Member, session: ShopifySession): Promise<PushOutcome> {
  const bodies = envelope.members.map(({ body }) => stockLevelBody.parse(body));
  const answer = await request(bodies, envelope.key, session);
  refuseBusy(answer.userErrors);
  if (answer.userErrors.length === 0) return outcomeOf(own.body, own.body.changeFrom, answer, bodies.length);
  await session.envelopes.open(envelope.key);
  return moveAlone(own, session);
}

/** Another key than the one before it is tried this often: each was refused once, with a crash in between. */
const mostKeys = 20;

/**
 * First a compare-and-set on the figure that the plan was made with. Where somebody else was faster the level is read
 * again and the same difference applied to whatever is there, without a condition: a condition on the new figure would
 * need a key per figure, and a crash between request and receipt could then move the level twice. A key whose request
 * Shopify has refused stays refused, and proves that nothing was done under it: the next one in the row takes its place.
 *
 * Where Shopify does not stock the item at the location, units that come in are a reason to stock it there; units that go
 * out were not there, which a person has to look at.
 */
async function moveAlone({ body, key }: Member, session: ShopifySession): Promise<PushOutcome> {
  const first = await request([body], key, session);
  if (!isOver(first.userErrors) && !isUnstocked(first.userErrors))
    return settled(body, body.changeFrom, first, false, session);
  const level = await readLevel(session, body.inventoryItemId, body.locationId);
  const isStocked = level?.kind === 'stockLevel' && level.available !== null;
  const found = isStocked ? (level.available ?? 0) : await beginStocking(body, key, session);
  const { inventoryItemId: item, locationId: location, changeFrom: planned } = body;
  session.log.info(
    { item, location, planned, found, isStocked },
    'stock level is another than planned; applying the difference to what is there',
  );
  for (let turn = 1; ; turn += 1) {
    const again = turn === 1 ? `${key}-rebase` : `${key}-r${turn}`;
    const answer = await adjust([{ ...body, changeFrom: null }], again, session);
    if (!isOver(answer.userErrors) || turn === mostKeys) return settled(body, found, answer, true, session);
  }
}

/**
 * Stocks an item at a location, at zero: that again is harmless, be it that somebody else has done so meanwhile.
 * @returns what is available there
 */
async function beginStocking(body: StockLevelBody, key: string, session: ShopifySession): Promise<number> {
  if (body.delta <= 0)
    throw new AppError({
      code: 'SHOPIFY_NOT_STOCKED',
      retryable: false,
      publicMessage: 'Shopify does not stock this item at this location any more.',
      remedy: 'Stock the item at the location in Shopify, then retry the push.',
    });
  const { data } = await ask(
    session,
    'inventoryActivate',
    { key: `${key}-stock`, ...placeOf(body) },
    z.object({
      inventoryActivate: z.object({
        inventoryLevel: z.object({ id: z.string() }).nullable(),
        userErrors: z.array(z.object({ field: z.array(z.string()).nullish(), message: z.string() })),
      }),
    }),
  );
  const { userErrors } = data.inventoryActivate;
  if (userErrors.length > 0)
    throw new AppError({
      code: 'SHOPIFY_NOT_STOCKED',
      retryable: false,
      publicMessage: refused('stocking the item at the location', userErrors).publicMessage,
      remedy: 'Look at the item and the location in Shopify and stock it there, then retry the push.',
    });
  return 0;
}

/** A count says how many there are, which Shopify's history then says as well. */
function isCount({ reason, changeFrom, delta }: StockLevelBody): boolean {
  return reason === countReason && changeFrom + delta >= 0;
}

function request(bodies: readonly StockLevelBody[], key: string, session: ShopifySession): Promise<Adjusted> {
  return bodies.every(isCount) ? set(bodies, key, session) : adjust(bodies, key, session);
}

interface Adjusted {
  userErrors: UserError[];
  adjustment: string | null;
  /** What is available after it, by item and location. */
  after: ReadonlyMap<string, number>;
}

async function adjust(
  bodies: readonly (Omit<StockLevelBody, 'changeFrom'> & { changeFrom: number | null })[],
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
        reason: bodies[0]?.reason,
        changes: bodies.map((body) => ({
          delta: body.delta,
          changeFromQuantity: body.changeFrom,
          ...placeOf(body),
        })),
      },
    },
    z.object({ inventoryAdjustQuantities: adjustedAnswer }),
  );
  return adjusted(data.inventoryAdjustQuantities);
}

/** The same as absolute figures, on the condition that those which they replace still stand. */
async function set(
  bodies: readonly StockLevelBody[],
  key: string,
  session: ShopifySession,
): Promise<Adjusted> {
  const { data } = await ask(
    session,
    'inventorySet',
    {
      key,
      input: {
        name: 'available',
        reason: bodies[0]?.reason,
        quantities: bodies.map((body) => ({
          quantity: body.changeFrom + body.delta,
          changeFromQuantity: body.changeFrom,
          ...placeOf(body),
        })),
      },
    },
    z.object({ inventorySetQuantities: adjustedAnswer }),
  );
  return adjusted(data.inventorySetQuantities);
}

function placeOf({ inventoryItemId, locationId }: Pick<StockLevelBody, 'inventoryItemId' | 'locationId'>) {
  return {
    inventoryItemId: gidOf('InventoryItem', inventoryItemId),
    locationId: gidOf('Location', locationId),
  };
}

const adjustedAnswer = z.object({
  inventoryAdjustmentGroup: z
    .object({
      id: z.string(),
      changes: z.array(
        z.object({
          name: z.string(),
          quantityAfterChange: z.number().int().nullable(),
          item: z.object({ id: z.string() }).nullable(),
          location: z.object({ id: z.string() }).nullable(),
        }),
      ),
    })
    .nullable(),
  userErrors: z.array(
    z.object({
      field: z.array(z.string()).nullish(),
      message: z.string(),
      code: z.string().nullish(),
    }),
  ),
});

function adjusted({ inventoryAdjustmentGroup: group, userErrors }: z.infer<typeof adjustedAnswer>): Adjusted {
  const after = new Map<string, number>();
  for (const { name, quantityAfterChange, item, location } of group?.changes ?? [])
    if (name === 'available' && quantityAfterChange !== null && item !== null && location !== null)
      after.set(levelSubject(idOf(item.id), idOf(location.id)), quantityAfterChange);
  return { userErrors, adjustment: group?.id ?? null, after };
}

async function settled(
  body: StockLevelBody,
  from: number,
  answer: Adjusted,
  rebased: boolean,
  session: ShopifySession,
): Promise<PushOutcome> {
  refuseBusy(answer.userErrors);
  if (answer.userErrors.length > 0) throw refusedLevel(answer.userErrors);
  const outcome = outcomeOf(body, from, answer, 1);
  // A repeated key is answered with what the first request did: the level may have moved on since.
  if (rebased && !answer.after.has(outcome.remoteId)) {
    const level = await readLevel(session, body.inventoryItemId, body.locationId);
    if (level?.kind === 'stockLevel' && level.available !== null) outcome.state.available = level.available;
  }
  return { ...outcome, detail: { ...outcome.detail, rebased } };
}

function outcomeOf(
  body: StockLevelBody,
  from: number,
  { adjustment, after }: Adjusted,
  together: number,
): PushOutcome {
  const remoteId = levelSubject(body.inventoryItemId, body.locationId);
  return {
    remoteType: linkTypes.StockLevel,
    remoteId,
    remoteVersion: null,
    state: { available: after.get(remoteId) ?? from + body.delta },
    adopted: false,
    detail: { adjustment, delta: body.delta, rebased: false, ...(together > 1 ? { together } : {}) },
  };
}

/** What a person can do about a change that Shopify does not take. */
function refusedLevel(errors: readonly UserError[]): AppError {
  const remedy = errors.map(({ code }) => remedies[code ?? '']).find((one) => one !== undefined);
  const general = refused('the change of stock', errors);
  if (remedy === undefined) return general;
  return new AppError({
    code: general.code,
    retryable: false,
    publicMessage: general.publicMessage,
    remedy,
  });
}

const remedies: Readonly<Record<string, string>> = {
  NON_MUTABLE_INVENTORY_ITEM: 'Shopify counts a set by its parts: change the stock of the parts instead.',
  INVALID_INVENTORY_ITEM:
    'The item is gone at Shopify. Restore it there and retry the push, or leave it: nothing else waits for it.',
  INVALID_LOCATION:
    'The location is gone at Shopify. Restore it there and retry the push, or leave it: nothing else waits for it.',
};

const busyCodes = new Set([
  'ADJUST_QUANTITIES_FAILED',
  'IDEMPOTENCY_CONCURRENT_REQUEST',
  'SERVICE_UNAVAILABLE',
]);

/** @throws AppError where Shopify asks to try again */
function refuseBusy(errors: readonly UserError[]): void {
  if (!errors.some((error) => busyCodes.has(error.code ?? ''))) return;
  throw new AppError({
    code: 'SHOPIFY_BUSY',
    retryable: true,
    publicMessage: 'Shopify could not change stock just now.',
    remedy: 'It is tried again by itself.',
  });
}

/** True where nothing was done and nothing ever will be under this key, for no fault of the change. */
function isOver(errors: readonly UserError[]): boolean {
  return errors.some(
    ({ code }) => code === 'CHANGE_FROM_QUANTITY_STALE' || code === 'IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED',
  );
}

/** True where the item is not stocked at the location, so that nothing was done. */
function isUnstocked(errors: readonly UserError[]): boolean {
  return errors.some(({ code }) => code === 'ITEM_NOT_STOCKED_AT_LOCATION');
}

async function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): { ok: false; error: unknown } {
  return { ok: false, error };
}
