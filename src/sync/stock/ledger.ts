import { AppError } from '../../errors.ts';
import type { NegativeReason, StockCause } from '../../model/stock.ts';
import { channelsOf } from '../../model/stock.ts';
import { toJson } from '../graph/canonical-json.ts';
import { eventOf, planLater, touch, type WriteContext } from '../graph/write-context.ts';
import { availableOf, type Counts, plus } from './counts.ts';
import type { StockLevel } from './stock-level.ts';

/** One change of a level, in differences. */
export interface Movement {
  /** Its counts go along with its movements. */
  level: StockLevel;
  change: Partial<Counts>;
  cause: StockCause;
  /** How many units it speaks of. */
  units?: number;
  reason?: string | null;
  /** Needed where what is available falls below zero. */
  negativeReason?: NegativeReason;
  /** The platform that keeps the location does not know of it by itself. */
  owed?: boolean;
  explainsId?: bigint | null;
  reference?: string | null;
  orderId?: bigint | null;
  refundId?: bigint | null;
  /** For the event: what the level's own report said when it opened. */
  occurredAt: Date;
}

/** Movements that will be recorded together: what one of them leaves is what the next one finds. */
export class PlannedMovements {
  readonly all: Movement[] = [];
  readonly #counts = new Map<bigint, Counts>();

  countsOf(level: StockLevel): Counts {
    return this.#counts.get(level.id) ?? level.counts;
  }

  add(movement: Movement): void {
    this.all.push(movement);
    this.#counts.set(movement.level.id, plus(this.countsOf(movement.level), movement.change));
  }
}

/**
 * Writes movements, one statement for all: inserting them moves their levels (see the migration), whose rows the caller
 * has locked. Each becomes an event, and whatever platforms have to be told of the level is planned afterwards.
 * @returns ids of the movements, in order.
 * @throws AppError STOCK_BELOW_ZERO where no reason for that was named.
 */
export async function recordMovements(
  context: WriteContext,
  movements: readonly Movement[],
): Promise<bigint[]> {
  if (movements.length === 0) return [];
  const written = movements.map((movement) => {
    const { level, change } = movement;
    const before = level.counts;
    const after = plus(before, change);
    level.counts = after;
    const availableAfter = availableOf(after);
    const falls = availableAfter < 0 && availableAfter < availableOf(before);
    if (falls && movement.negativeReason === undefined) throw belowZero(level, availableAfter);
    return { movement, before, after, negativeReason: falls ? movement.negativeReason : null };
  });
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'record-movements',
    // The clock and not the transaction's time: whether a push knows of a movement is told by which came first.
    text: `insert into stock_movement (stock_level_id, cause, on_hand_delta, committed_delta, reserved_delta, incoming_delta,
             safety_delta, available_delta, available_before, available_after, source, reason, units, negative_reason, owed,
             explains_id, reference, order_id, refund_id, delivery_id, occurred_at, recorded_at)
           select x.level, x.cause::stock_cause, x.on_hand, x.committed, x.reserved, x.incoming, x.safety, x.after - x.before,
             x.before, x.after, $2, x.reason, x.units, x.negative, x.owed, x.explains, x.reference, x.order_id, x.refund_id, $3,
             x.at, clock_timestamp()
           from jsonb_to_recordset($1::jsonb) as x(n int, level bigint, cause text, on_hand int, committed int, reserved int,
             incoming int, safety int, before int, after int, reason text, units int, negative text, owed boolean,
             explains bigint, reference text, order_id bigint, refund_id bigint, at timestamptz)
           order by x.n returning id`,
    values: [
      toJson(
        written.map(({ movement, before, after, negativeReason }, n) => ({
          n,
          level: movement.level.id,
          cause: movement.cause,
          on_hand: movement.change.onHand ?? 0,
          committed: movement.change.committed ?? 0,
          reserved: movement.change.reserved ?? 0,
          incoming: movement.change.incoming ?? 0,
          safety: movement.change.safety ?? 0,
          before: availableOf(before),
          after: availableOf(after),
          reason: movement.reason ?? null,
          units: movement.units ?? 0,
          negative: negativeReason,
          owed: movement.owed ?? false,
          explains: movement.explainsId ?? null,
          reference: movement.reference ?? null,
          order_id: movement.orderId ?? null,
          refund_id: movement.refundId ?? null,
          at: movement.occurredAt,
        })),
      ),
      context.source,
      context.deliveryId,
    ],
  });
  const ids = rows.map((row) => row.id);
  for (const [index, { movement, before, after }] of written.entries()) {
    const { level } = movement;
    const [from, to] = [availableOf(before), availableOf(after)];
    context.effects.events.push(
      eventOf(
        context,
        'stock.changed',
        { type: 'StockLevel', id: level.id },
        {
          movementId: ids[index] ?? null,
          variantId: level.variantId,
          locationId: level.locationId,
          sku: level.sku,
          channels: level.platforms.flatMap(channelsOf),
          before: { ...before, available: from },
          after: { ...after, available: to },
          availableDelta: to - from,
          cause: movement.cause,
          units: movement.units ?? 0,
          orderId: movement.orderId ?? null,
          reason: movement.reason ?? null,
        },
      ),
    );
    touch(context.effects, 'StockLevel', level.id);
    if (movement.owed === true) planLater(context.effects, 'StockLevel', level.id);
    for (const id of level.publishedVariantIds) planLater(context.effects, 'Variant', id);
  }
  return ids;
}

function belowZero(level: StockLevel, available: number): AppError {
  return new AppError({
    code: 'STOCK_BELOW_ZERO',
    retryable: false,
    publicMessage: `That would leave ${available} available of ${level.sku ?? `variant ${level.variantId}`}.`,
    remedy: 'Take fewer, or allow it expressly.',
  });
}
