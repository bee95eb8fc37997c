import type { Queryable } from '../db/pool.ts';
import { read, sql } from './sql.ts';

interface PublishedRow {
  levelId: string;
  platform: string;
  accountName: string;
  quantity: number | null;
  observedAt: string | null;
  allocated: number | null;
  buffer: number | null;
  because: string | null;
}

/**
 * What accounts offer of the goods of stock levels: the account that keeps a level offers what it holds available there, a
 * marketplace what it was last told for the variant.
 */
export function publishedQuantities(db: Queryable, levelIds: readonly string[]): Promise<PublishedRow[]> {
  return read(
    db,
    sql`select s.id as "levelId", c.platform, c.name as "accountName", (k.remote_state ->> 'available')::int as quantity,
               k.seen_at as "observedAt", null::int as allocated, null::int as buffer, null as because
        from stock_level s join location l on l.id = s.location_id join connection c on c.id = l.connection_id
        join link k on k.connection_id = c.id and k.entity_type = 'StockLevel' and k.entity_id = s.id
        where s.id = any(${levelIds}::bigint[])
        union all
        select s.id, c.platform, c.name, (k.remote_state ->> 'quantity')::int, k.seen_at, g.allocated_quantity,
               g.allocated_buffer, g.allocated_because
        from stock_level s join listing g on g.variant_id = s.variant_id and g.status <> 'removed'
        join connection c on c.id = g.connection_id
        join link k on k.connection_id = c.id and k.entity_type = 'Variant' and k.entity_id = s.variant_id
          and k.remote_id = g.remote_variant_id
        where s.id = any(${levelIds}::bigint[])
        order by 1, 2, 3`,
  );
}
