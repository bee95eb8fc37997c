import type { Queryable } from '../db/pool.ts';
import type { Channel } from '../model/platform-name.ts';
import { all, raw, read, type Sql, sql } from './sql.ts';

/**
 * Sales per variant and channel, those with units that were not there first. A sale that leaves less than nothing has sold
 * as many units too many as are missing afterwards, and no more than it sold.
 */
export function oversellRows(
  db: Queryable,
  conditions: readonly Sql[],
): Promise<{ variantId: string; channel: Channel | null; sold: number; oversold: number }[]> {
  return read(
    db,
    sql`select s.variant_id as "variantId", o.channel, sum(m.units)::int as sold,
               sum(least(m.units, greatest(0, -m.available_after)))::int as oversold
        from stock_movement m join stock_level s on s.id = m.stock_level_id left join sales_order o on o.id = m.order_id
        where ${all([raw(`m.cause = 'sale'`), ...conditions])}
        group by s.variant_id, o.channel order by oversold desc, sold desc, s.variant_id`,
  );
}
