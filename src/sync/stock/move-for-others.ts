import type { PlatformName } from '../../model/platform-name.ts';
import type { WriteContext } from '../graph/write-context.ts';
import { availableOf } from './counts.ts';
import { PlannedMovements, recordMovements } from './ledger.ts';
import type { LineNews } from './order-lines.ts';
import type { StockLevel } from './stock-level.ts';

/**
 * Orders of a platform that keeps none of the stock: what they take leaves the retailer's own shelf at once, and the
 * platform that keeps it is owed the change. It knows nothing of commitments to others, so that the units count as gone.
 */
export async function moveForOthers(
  context: WriteContext,
  news: readonly LineNews[],
  levels: readonly StockLevel[],
  keeping: readonly PlatformName[],
): Promise<void> {
  const places = await loadPlaces(context, news, levels, keeping);
  const movements = new PlannedMovements();
  for (const line of news) {
    const own = levels.filter(
      (level) => level.variantId === line.variantId && places.own.has(level.locationId),
    );
    const facts = { orderId: line.orderId, owed: true, negativeReason: 'oversold' } as const;
    const taken = Math.max(0, line.sold) * line.each;
    if (taken > 0) {
      const level = fullest(own, movements);
      if (level !== null)
        movements.add({
          ...facts,
          level,
          change: { onHand: -taken },
          cause: 'sale',
          units: taken,
          occurredAt: line.placedAt,
        });
    }
    for (const [cause, units] of [
      ['cancellation', (line.cancelled + Math.max(0, -line.sold)) * line.each],
      ['return', line.returned * line.each],
    ] as const) {
      if (units <= 0) continue;
      const level =
        own.find((one) => one.id === places.soldFrom.get(`${line.orderId}:${line.variantId}`)) ??
        fullest(own, movements);
      if (level === null) continue;
      movements.add({
        ...facts,
        level,
        change: { onHand: units },
        cause,
        units,
        refundId: line.refundId,
        occurredAt: line.refundedAt ?? context.now,
      });
    }
  }
  await recordMovements(context, movements.all);
}

function fullest(levels: readonly StockLevel[], movements: PlannedMovements): StockLevel | null {
  const availableAt = (level: StockLevel) => availableOf(movements.countsOf(level));
  let best: StockLevel | null = null;
  for (const level of levels) if (best === null || availableAt(level) > availableAt(best)) best = level;
  return best;
}

/** Which of the locations are the retailer's own, and from which level each order's units were taken. */
async function loadPlaces(
  context: WriteContext,
  news: readonly LineNews[],
  levels: readonly StockLevel[],
  keeping: readonly PlatformName[],
): Promise<{ own: Set<bigint>; soldFrom: Map<string, bigint> }> {
  const { rows } = await context.tx.query<{ own: string[]; sold: { order: string; level: string }[] }>({
    name: 'load-places-of-stock',
    text: `select array(select l.id::text from location l join connection c on c.id = l.connection_id
               where l.id = any($1::bigint[]) and l.active and c.platform::text = any($2::text[])) as own,
             coalesce((select json_agg(json_build_object('order', m.order_id::text, 'level', m.stock_level_id::text) order by m.id)
               from stock_movement m where m.order_id = any($3::bigint[]) and m.cause = 'sale'), '[]') as sold`,
    values: [
      levels.map((level) => level.locationId),
      keeping,
      news
        .filter((line) => line.cancelled > 0 || line.returned > 0 || line.sold < 0)
        .map((line) => line.orderId),
    ],
  });
  const row = rows[0] ?? { own: [], sold: [] };
  const variantOf = new Map(levels.map((level) => [level.id, level.variantId]));
  return {
    own: new Set(row.own.map(BigInt)),
    soldFrom: new Map(
      row.sold.map(({ order, level }) => [`${order}:${variantOf.get(BigInt(level))}`, BigInt(level)]),
    ),
  };
}
