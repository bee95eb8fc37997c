import { AppError, unreachable } from '../../errors.ts';
import type { StockEdit } from '../../model/stock.ts';
import { InvalidInput, notFound, planLater, touch, type WriteContext } from '../graph/write-context.ts';
import { availableOf } from './counts.ts';
import { setBundle, setRule } from './edit-allocation.ts';
import { recordMovements } from './ledger.ts';
import { openLevel } from './open-level.ts';
import { lockStockLevels, type StockLevel } from './stock-level.ts';

type EditOf<K extends StockEdit['kind']> = Extract<StockEdit, { kind: K }>;

const mostAtOnce = 1_000_000;

/** Changes stock as a person or tool asked for. */
export async function editStock(context: WriteContext, edit: StockEdit): Promise<'applied' | 'unchanged'> {
  switch (edit.kind) {
    case 'stockAdjust':
      return adjustStock(context, edit);
    case 'stockSet':
      return setStock(context, edit);
    case 'stockTransfer':
      return transferStock(context, edit);
    case 'reservationCreate':
      return createReservation(context, edit);
    case 'reservationRelease':
      return releaseReservation(context, edit);
    case 'stockRuleSet':
      return setRule(context, edit);
    case 'bundleSet':
      return setBundle(context, edit);
    case 'allocationReview':
      for (const id of edit.variantIds) planLater(context.effects, 'Variant', id);
      return 'unchanged';
    default:
      return unreachable(edit);
  }
}

/** Moves a level by a difference that a person or tool asked for; the platform that keeps the level is told afterwards. */
async function adjustStock(context: WriteContext, edit: EditOf<'stockAdjust'>): Promise<'applied'> {
  const reason = checkedReason(edit.reason);
  if (!Number.isSafeInteger(edit.delta) || edit.delta === 0)
    throw new InvalidInput('delta', 'must be a whole number other than 0.');
  if (Math.abs(edit.delta) > mostAtOnce)
    throw new InvalidInput('delta', `must lie between -${mostAtOnce} and ${mostAtOnce}.`);
  const cause = edit.cause ?? 'adjustment';
  if (edit.delta < 0 && (cause === 'receipt' || cause === 'return'))
    throw new InvalidInput('delta', 'must be above 0 for goods that come in.');
  if (edit.delta > 0 && cause === 'write_off')
    throw new InvalidInput('delta', 'must be below 0 for goods that are written off.');
  if (edit.disposition !== undefined && cause !== 'return')
    throw new InvalidInput('disposition', 'is told of goods that came back: the cause must be RETURN.');
  const comesIn = edit.delta > 0 && edit.disposition !== 'damaged';
  const level = comesIn ? await lockOrOpenLevel(context, edit) : await lockLevel(context, edit);
  if (edit.disposition === 'damaged') return returnDamaged(context, level, edit.delta, reason);
  await recordMovements(context, [
    {
      level,
      change: { onHand: edit.delta },
      cause,
      units: Math.abs(edit.delta),
      reason,
      owed: true,
      ...(edit.allowNegative === true ? { negativeReason: 'allowed_by_person' } : {}),
      occurredAt: context.now,
    },
  ]);
  return 'applied';
}

/**
 * Goods that came back and cannot be sold: they come in kept back and are written off from there, so that nothing becomes
 * available in between and nothing is owed to the platform that keeps the level.
 */
async function returnDamaged(
  context: WriteContext,
  level: StockLevel,
  units: number,
  reason: string,
): Promise<'applied'> {
  const shared = { level, units, reason, reference: await newReference(context, 'return') };
  await recordMovements(context, [
    { ...shared, change: { onHand: units, safety: units }, cause: 'return', occurredAt: context.now },
    { ...shared, change: { onHand: -units, safety: -units }, cause: 'write_off', occurredAt: context.now },
  ]);
  return 'applied';
}

/** What movements that belong together have in common. */
async function newReference({ tx }: WriteContext, what: 'transfer' | 'return'): Promise<string> {
  const { rows } = await tx.query<{ id: bigint }>(
    `select nextval(pg_get_serial_sequence('stock_movement', 'id')) as id`,
  );
  return `${what}:${rows[0]?.id}`;
}

/** Sets a level to what was counted. */
async function setStock(context: WriteContext, edit: EditOf<'stockSet'>): Promise<'applied' | 'unchanged'> {
  const reason = checkedReason(edit.reason);
  if (!Number.isSafeInteger(edit.quantity) || edit.quantity < 0 || edit.quantity > mostAtOnce)
    throw new InvalidInput('quantity', `must be a whole number between 0 and ${mostAtOnce}.`);
  const level = edit.quantity > 0 ? await lockOrOpenLevel(context, edit) : await lockLevel(context, edit);
  touch(context.effects, 'StockLevel', level.id);
  const { counts } = level;
  const delta = edit.quantity - (edit.count === 'onHand' ? counts.onHand : availableOf(counts));
  if (delta === 0) return 'unchanged';
  await recordMovements(context, [
    {
      level,
      change: { onHand: delta },
      cause: 'count',
      units: edit.quantity,
      reason,
      owed: true,
      // More is promised than is there: the count says so, and nobody can wish it away.
      negativeReason: 'counted',
      occurredAt: context.now,
    },
  ]);
  return 'applied';
}

/** Moves units from one location to another, at once. */
async function transferStock(context: WriteContext, edit: EditOf<'stockTransfer'>): Promise<'applied'> {
  const reason = checkedReason(edit.reason);
  checkQuantity(edit.quantity);
  const { variantId, fromLocationId, toLocationId, quantity } = edit;
  if (fromLocationId === toLocationId)
    throw new InvalidInput('toLocationId', 'must be another location than the one the goods come from.');
  const places = [
    { variantId, locationId: fromLocationId },
    { variantId, locationId: toLocationId },
  ];
  const found = await lockStockLevels(context, places);
  // Both rows are locked in the order of their ids, whichever was there first.
  const isNew =
    found.every((one) => one.locationId !== toLocationId) &&
    found.some((one) => one.locationId === fromLocationId) &&
    (await openLevel(context, { variantId, locationId: toLocationId }));
  const levels = isNew ? await lockStockLevels(context, places) : found;
  const [from, to] = await Promise.all(
    places.map(async (place) => {
      const level = levels.find((one) => one.locationId === place.locationId);
      if (level === undefined) throw await whatIsMissing(context, place);
      return level;
    }),
  );
  if (from === undefined || to === undefined) throw new Error('A transfer has two ends.');
  const shared = {
    cause: 'transfer',
    units: quantity,
    reason,
    owed: true,
    reference: await newReference(context, 'transfer'),
    occurredAt: context.now,
  } as const;
  await recordMovements(context, [
    { ...shared, level: from, change: { onHand: -quantity } },
    { ...shared, level: to, change: { onHand: quantity } },
  ]);
  return 'applied';
}

/** Sets units aside; they cannot be sold until they are released or their time is over. */
async function createReservation(
  context: WriteContext,
  edit: EditOf<'reservationCreate'>,
): Promise<'applied'> {
  const reason = checkedReason(edit.reason);
  checkQuantity(edit.quantity);
  if (edit.expiresAt !== null && edit.expiresAt <= context.now)
    throw new InvalidInput('expiresAt', 'must lie in the future.');
  const level = await lockLevel(context, edit);
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'create-reservation',
    text: `insert into reservation (stock_level_id, quantity, reason, expires_at, created_at)
           values ($1, $2, $3, $4, clock_timestamp()) returning id`,
    values: [level.id, edit.quantity, reason, edit.expiresAt],
  });
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('An insert returned no row.');
  touch(context.effects, 'Reservation', id);
  await recordMovements(context, [
    {
      level,
      change: { reserved: edit.quantity },
      cause: 'reservation',
      units: edit.quantity,
      reason,
      owed: true,
      reference: `reservation:${id}`,
      occurredAt: context.now,
    },
  ]);
  return 'applied';
}

/** Gives back what was set aside. Twice is the same as once. */
async function releaseReservation(
  context: WriteContext,
  edit: EditOf<'reservationRelease'>,
): Promise<'applied' | 'unchanged'> {
  const { tx } = context;
  const found = await tx.query<{ levelId: bigint; variantId: bigint; locationId: bigint }>({
    name: 'find-reservation',
    text: `select s.id as "levelId", s.variant_id as "variantId", s.location_id as "locationId"
           from reservation r join stock_level s on s.id = r.stock_level_id where r.id = $1`,
    values: [edit.reservationId],
  });
  const place = found.rows[0];
  if (place === undefined) throw notFound('reservation', edit.reservationId);
  touch(context.effects, 'Reservation', edit.reservationId);
  const level = await lockLevel(context, place);
  const { rows } = await tx.query<{ quantity: number; reason: string }>({
    name: 'release-reservation',
    text: `update reservation set released_at = clock_timestamp(), outcome = $2 where id = $1 and released_at is null
           returning quantity, reason`,
    values: [edit.reservationId, edit.outcome],
  });
  const released = rows[0];
  if (released === undefined) return 'unchanged';
  await recordMovements(context, [
    {
      level,
      change: { reserved: -released.quantity },
      cause: 'release',
      units: released.quantity,
      reason: edit.outcome === 'expired' ? `Expired: ${released.reason}` : released.reason,
      owed: true,
      reference: `reservation:${edit.reservationId}`,
      occurredAt: context.now,
    },
  ]);
  return 'applied';
}

function checkedReason(text: string): string {
  const reason = text.trim();
  if (reason === '') throw new InvalidInput('reason', 'must say why the stock changes.');
  if (reason.length > 500) throw new InvalidInput('reason', 'must have at most 500 characters.');
  if (reason.includes('\0')) throw new InvalidInput('reason', 'must not contain the character NUL.');
  return reason;
}

function checkQuantity(quantity: number): void {
  if (!Number.isSafeInteger(quantity) || quantity < 1 || quantity > mostAtOnce)
    throw new InvalidInput('quantity', `must be a whole number between 1 and ${mostAtOnce}.`);
}

interface Place {
  variantId: bigint;
  locationId: bigint;
}

async function lockLevel(context: WriteContext, { variantId, locationId }: Place): Promise<StockLevel> {
  const [level] = await lockStockLevels(context, [{ variantId, locationId }]);
  if (level === undefined) throw await whatIsMissing(context, { variantId, locationId });
  return level;
}

/** Where units come in, the level is opened for them if there is none yet. */
async function lockOrOpenLevel(context: WriteContext, place: Place): Promise<StockLevel> {
  const [level] = await lockStockLevels(context, [place]);
  if (level !== undefined) return level;
  await openLevel(context, place);
  return lockLevel(context, place);
}

async function whatIsMissing(context: WriteContext, place: Place): Promise<AppError> {
  const { rows } = await context.tx.query<{ variant: boolean; location: boolean }>(
    'select exists (select 1 from variant where id = $1) as variant, exists (select 1 from location where id = $2) as location',
    [place.variantId, place.locationId],
  );
  if (rows[0]?.variant !== true) return notFound('variant', place.variantId);
  if (rows[0]?.location !== true) return notFound('location', place.locationId);
  return new AppError({
    code: 'NOT_FOUND',
    retryable: false,
    publicMessage: `Variant ${place.variantId} is not stocked at location ${place.locationId}.`,
    remedy:
      'Goods that come in are stocked there by themselves where the location is open and its shop knows the product; else stock it there at the platform that keeps the location.',
  });
}
