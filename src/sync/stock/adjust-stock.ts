import { AppError } from '../../errors.ts';
import type { Edit } from '../../model/change.ts';
import { InvalidInput, notFound, touch, type WriteContext } from '../graph/write-context.ts';
import { lockStockLevel, moveStock } from './stock-level.ts';

type StockAdjust = Extract<Edit, { kind: 'stockAdjust' }>;

const mostAtOnce = 1_000_000;

/** Moves a level by a difference that a person or tool asked for; the platform that keeps the level is told afterwards. */
export async function adjustStock(context: WriteContext, edit: StockAdjust): Promise<'applied'> {
  const reason = edit.reason.trim();
  if (!Number.isSafeInteger(edit.delta) || edit.delta === 0)
    throw new InvalidInput('delta', 'must be a whole number other than 0.');
  if (Math.abs(edit.delta) > mostAtOnce)
    throw new InvalidInput('delta', `must lie between -${mostAtOnce} and ${mostAtOnce}.`);
  if (reason === '') throw new InvalidInput('reason', 'must say why the stock changes.');
  if (reason.length > 500) throw new InvalidInput('reason', 'must have at most 500 characters.');
  const level = await lockStockLevel(context.tx, edit.variantId, edit.locationId);
  if (level === null) throw await whatIsMissing(context, edit);
  touch(context.effects, 'StockLevel', level.id);
  await moveStock(context, level, {
    to: { ...level.counts, onHand: level.counts.onHand + edit.delta },
    cause: 'adjustment',
    reason,
    occurredAt: context.now,
  });
  return 'applied';
}

async function whatIsMissing(context: WriteContext, edit: StockAdjust): Promise<AppError> {
  const { rows } = await context.tx.query<{ variant: boolean; location: boolean }>(
    'select exists (select 1 from variant where id = $1) as variant, exists (select 1 from location where id = $2) as location',
    [edit.variantId, edit.locationId],
  );
  if (rows[0]?.variant !== true) return notFound('variant', edit.variantId);
  if (rows[0]?.location !== true) return notFound('location', edit.locationId);
  return new AppError({
    code: 'NOT_FOUND',
    retryable: false,
    publicMessage: `Variant ${edit.variantId} is not stocked at location ${edit.locationId}.`,
    remedy: 'Stock it there at the platform that keeps the location; its first report opens the level here.',
  });
}
