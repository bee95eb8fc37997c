import type { Queryable } from '../db/pool.ts';
import type { Channel } from '../model/platform-name.ts';
import { all, raw, read, type Sql, sql } from './sql.ts';

/**
 * Sales per variant and channel, those with units that were not there first. A sale that leaves less than nothing has sold
 * as many units too many as are missing afterwards, and no more than it sold. What a shop sells on purpose when there is none
 * left is ordered ahead there, and oversold anywhere else.
 */
export function oversellRows(
  db: Queryable,
  conditions: readonly Sql[],
): Promise<
  { variantId: string; channel: Channel | null; sold: number; oversold: number; backordered: number }[]
> {
  return read(
    db,
    sql`select s.variant_id as "variantId", o.channel, sum(m.units)::int as sold,
               coalesce(sum(short.units) filter (where not short.is_meant), 0)::int as oversold,
               coalesce(sum(short.units) filter (where short.is_meant), 0)::int as backordered
        from stock_movement m join stock_level s on s.id = m.stock_level_id join variant v on v.id = s.variant_id
          left join sales_order o on o.id = m.order_id
          cross join lateral (select least(m.units, greatest(0, -m.available_after)) as units,
            v.sells_when_out_of_stock and o.channel is distinct from 'amazon' as is_meant) as short
        where ${all([raw(`m.cause = 'sale'`), ...conditions])}
        group by s.variant_id, o.channel order by oversold desc, sold desc, s.variant_id`,
  );
}
