import type { Tx } from '../../db/pool.ts';
import { toJson } from '../graph/canonical-json.ts';
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
  const [level] = await lockStockLevels(tx, [{ variantId, locationId }]);
  return level ?? null;
}

/** The levels of these places, their rows locked in order of their ids; places where nothing was ever counted have none. */
export async function lockStockLevels(
  tx: Tx,
  places: readonly { variantId: bigint; locationId: bigint }[],
): Promise<StockLevel[]> {
  const { rows } = await tx.query<Omit<StockLevel, 'counts'> & Counts>({
    name: 'lock-stock-levels',
    text: `select s.id, s.variant_id as "variantId", s.location_id as "locationId", v.sku, s.on_hand as "onHand", s.committed,
             s.reserved, s.incoming, s.safety
           from unnest($1::bigint[], $2::bigint[]) as place (variant_id, location_id)
           join stock_level s on s.variant_id = place.variant_id and s.location_id = place.location_id
           join variant v on v.id = s.variant_id
           order by s.id for no key update of s`,
    values: [places.map((place) => place.variantId), places.map((place) => place.locationId)],
  });
  return rows.map(({ id, variantId, locationId, sku, ...counts }) => ({
    id,
    variantId,
    locationId,
    sku,
    counts,
  }));
}

interface Movement {
  to: Counts;
  cause: StockCause;
  reason: string | null;
  occurredAt: Date;
}

/** Moves a level to new counts: the level, the movement that explains it and the event. The level's row is locked or new. */
export function moveStock(context: WriteContext, level: StockLevel, movement: Movement): Promise<void> {
  return moveStockLevels(context, [{ level, ...movement }]);
}

/** Moves several levels, each at most once, in one statement; movements and events follow the order of the list. */
export async function moveStockLevels(
  context: WriteContext,
  moves: readonly (Movement & { level: StockLevel })[],
): Promise<void> {
  if (moves.length === 0) return;
  await context.tx.query({
    name: 'move-stock-levels',
    // The clock and not the transaction's time: whether a push knows of a movement is told by which came first.
    text: `with move as materialized (
             select * from rows from (jsonb_to_recordset($1::jsonb) as (level_id bigint, on_hand int, committed int,
               reserved int, incoming int, safety int, available int, cause text, on_hand_delta int, committed_delta int,
               reserved_delta int, incoming_delta int, safety_delta int, available_before int, reason text,
               occurred_at timestamptz)) with ordinality as m (level_id, on_hand, committed, reserved, incoming, safety,
               available, cause, on_hand_delta, committed_delta, reserved_delta, incoming_delta, safety_delta,
               available_before, reason, occurred_at, place)
           ), moved as (
             update stock_level s set on_hand = m.on_hand, committed = m.committed, reserved = m.reserved,
               incoming = m.incoming, safety = m.safety, available = m.available, updated_at = clock_timestamp()
             from move m where s.id = m.level_id
           )
           insert into stock_movement (stock_level_id, cause, on_hand_delta, committed_delta, reserved_delta, incoming_delta,
             safety_delta, available_delta, available_before, available_after, source, reason, delivery_id, occurred_at, recorded_at)
           select level_id, cause::stock_cause, on_hand_delta, committed_delta, reserved_delta, incoming_delta, safety_delta,
             available - available_before, available_before, available, $2, reason, $3, occurred_at, clock_timestamp()
           from move order by place`,
    values: [
      toJson(
        moves.map(({ level, to, cause, reason, occurredAt }) => ({
          level_id: level.id,
          on_hand: to.onHand,
          committed: to.committed,
          reserved: to.reserved,
          incoming: to.incoming,
          safety: to.safety,
          available: availableOf(to),
          cause,
          on_hand_delta: to.onHand - level.counts.onHand,
          committed_delta: to.committed - level.counts.committed,
          reserved_delta: to.reserved - level.counts.reserved,
          incoming_delta: to.incoming - level.counts.incoming,
          safety_delta: to.safety - level.counts.safety,
          available_before: availableOf(level.counts),
          reason,
          occurred_at: occurredAt,
        })),
      ),
      context.source,
      context.deliveryId,
    ],
  });
  for (const move of moves) tellOfMove(context, move);
}

function tellOfMove(context: WriteContext, { level, to, cause }: Movement & { level: StockLevel }): void {
  const from = level.counts;
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
        cause,
      },
    ),
  );
  touch(context.effects, 'StockLevel', level.id);
  planLater(context.effects, 'StockLevel', level.id);
}
