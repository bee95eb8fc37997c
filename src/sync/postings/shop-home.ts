import type { Pool, Queryable } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import type { ShopHome } from '../platforms/platform.ts';
import { requestPostingReview } from './request-review.ts';

/**
 * Remembers whose day a shop keeps, the first time that it says so: a shop that moves keeps the days of its books. Numbers and
 * addresses without a country are of the shop's, at every account for which nobody has chosen another one.
 */
export async function rememberShopHome(
  db: Queryable,
  connectionId: bigint,
  { timeZone, country }: ShopHome,
): Promise<void> {
  await db.query(
    `update connection set settings = settings || jsonb_build_object('shopTimeZone', $2::text), updated_at = clock_timestamp()
     where id = $1 and not settings ? 'shopTimeZone'`,
    [connectionId, timeZone],
  );
  if (country !== null)
    await db.query(
      `update connection set settings = settings || jsonb_build_object('country', $1::text), updated_at = clock_timestamp()
       where not settings ? 'country'`,
      [country],
    );
}

/**
 * Dates books by the day of the shop (the first one, where there are several) unless somebody has chosen otherwise. Books
 * that hold a document keep the day that it was dated by: what is posted never moves.
 * @returns the books that now follow the shop
 */
export async function followShopDay(pool: Pool): Promise<bigint[]> {
  return await transaction(pool, async (tx) => {
    const { rows } = await tx.query<{ id: bigint }>(
      `update connection b set settings = b.settings || jsonb_build_object('timeZone', shop.zone), updated_at = clock_timestamp()
       from (select settings->>'shopTimeZone' as zone from connection where settings ? 'shopTimeZone' order by id limit 1) shop
       where b.platform = 'quickbooks' and not b.settings ? 'timeZone'
         and not exists (select 1 from link l where l.connection_id = b.id
           and l.entity_type in ('Order', 'Refund', 'DaySummary', 'Payout'))
       returning b.id`,
    );
    // What was planned by another day is planned anew.
    for (const { id } of rows) await requestPostingReview(tx, id);
    return rows.map(({ id }) => id);
  });
}
