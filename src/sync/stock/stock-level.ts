import type { Tx } from '../../db/pool.ts';
import { eventOf, planLater, touch, type WriteContext } from '../graph/write-context.ts';
import { availableOf, type Counts } from './move-stock.ts';

export type StockCause = 'opening' | 'report' | 'adjustment';

export interface StockLevel {
  id: bigint;
  variantId: bigint;
  locationId: bigint;
  sku: string | null;
  counts: Counts;
}

/** The level of a variant at a location, its row locked; null where nothing was ever counted there. */
export async function lockStockLevel(
  tx: Tx,
  variantId: bigint,
  locationId: bigint,
): Promise<StockLevel | null> {
  const { rows } = await tx.query<Counts & { id: bigint; sku: string | null }>({
    name: 'lock-stock-level',
    text: `select s.id, v.sku, s.on_hand as "onHand", s.committed, s.reserved, s.incoming, s.safety
           from stock_level s join variant v on v.id = s.variant_id
           where s.variant_id = $1 and s.location_id = $2 for no key update of s`,
    values: [variantId, locationId],
  });
  const row = rows[0];
  if (row === undefined) return null;
  const { id, sku, ...counts } = row;
  return { id, variantId, locationId, sku, counts };
}

/** Moves a level to new counts: the level, the movement that explains it and the event. The level's row is locked or new. */
export async function moveStock(
  context: WriteContext,
  level: StockLevel,
  movement: { to: Counts; cause: StockCause; reason: string | null; occurredAt: Date },
): Promise<void> {
  const { to } = movement;
  const from = level.counts;
  await context.tx.query({
    name: 'move-stock',
    // The clock and not the transaction's time: whether a push knows of a movement is told by which came first.
    text: `with moved as (
             update stock_level set on_hand = $2, committed = $3, reserved = $4, incoming = $5, safety = $6, available = $7,
               updated_at = clock_timestamp()
             where id = $1
           )
           insert into stock_movement (stock_level_id, cause, on_hand_delta, committed_delta, reserved_delta, incoming_delta,
             safety_delta, available_delta, available_before, available_after, source, reason, delivery_id, occurred_at, recorded_at)
           values ($1, $8::stock_cause, $9, $10, $11, $12, $13, $7 - $14::int, $14, $7, $15, $16, $17, $18, clock_timestamp())`,
    values: [
      level.id,
      to.onHand,
      to.committed,
      to.reserved,
      to.incoming,
      to.safety,
      availableOf(to),
      movement.cause,
      to.onHand - from.onHand,
      to.committed - from.committed,
      to.reserved - from.reserved,
      to.incoming - from.incoming,
      to.safety - from.safety,
      availableOf(from),
      context.source,
      movement.reason,
      context.deliveryId,
      movement.occurredAt,
    ],
  });
  context.effects.events.push(
    eventOf(
      context,
      'stock.changed',
      { type: 'StockLevel', id: level.id },
      {
        variantId: level.variantId,
        locationId: level.locationId,
        sku: level.sku,
        before: { ...from, available: availableOf(from) },
        after: { ...to, available: availableOf(to) },
        availableDelta: availableOf(to) - availableOf(from),
        cause: movement.cause,
      },
    ),
  );
  touch(context.effects, 'StockLevel', level.id);
  planLater(context.effects, 'StockLevel', level.id);
}
