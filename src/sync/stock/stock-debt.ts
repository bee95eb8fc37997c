import type { Tx } from '../../db/pool.ts';

/** What a platform that keeps a level is owed: adjustments made here that it has not taken over. */
export interface StockDebt {
  /** Adjustments that no push has tried to deliver yet. */
  owed: number;
  /** True where they are on top of what the platform reports. False while they are merely a plan. */
  counts: boolean;
  /** True while a push is on its way or may have arrived without a receipt. */
  inDoubt: boolean;
  /** Figures that those pushes set out to reach. */
  targets: number[];
  /** True when a push was ever tried. */
  pushed: boolean;
  lastSettledAt: Date | null;
}

/**
 * A push carries all adjustments made before it was planned and not carried by an earlier one that was tried. What is
 * owed is therefore the sum of the adjustments since the last push that was tried, however many plans came in between.
 * The caller holds the levels' rows, so that no adjustment is added meanwhile.
 * @returns by the level's id; one entry for each level that was asked for.
 */
export async function loadStockDebts(
  tx: Tx,
  levels: readonly { connectionId: bigint; levelId: bigint }[],
): Promise<Map<bigint, StockDebt>> {
  if (levels.length === 0) return new Map();
  const { rows } = await tx.query<{
    levelId: bigint;
    owed: number;
    planned: boolean;
    pushed: boolean;
    inFlight: unknown[];
    lastSettledAt: Date | null;
  }>({
    name: 'load-stock-debts',
    text: `select asked.level_id as "levelId",
             coalesce((
               select sum(m.available_delta) from stock_movement m
               where m.stock_level_id = asked.level_id and m.cause = 'adjustment'
                 and m.recorded_at > coalesce(tried.last_at, '-infinity')
             ), 0)::int as owed,
             tried.planned, tried.last_at is not null as pushed, tried.in_flight as "inFlight",
             tried.last_settled_at as "lastSettledAt"
           from unnest($1::bigint[], $2::bigint[]) as asked (connection_id, level_id)
           cross join lateral (
             select max(created_at) filter (where attempts > 0) as last_at,
               coalesce(bool_or(status = 'plan'), false) as planned,
               coalesce(array_agg(body) filter (where attempts > 0 and status in ('pending', 'running', 'retrying')), '{}')
                 as in_flight,
               max(settled_at) filter (where status = 'settled') as last_settled_at
             from push where connection_id = asked.connection_id and subject_type = 'StockLevel' and subject_id = asked.level_id
           ) as tried`,
    values: [levels.map((one) => one.connectionId), levels.map((one) => one.levelId)],
  });
  return new Map(
    rows.map((row) => [
      row.levelId,
      {
        owed: row.owed,
        counts: !row.planned,
        inDoubt: row.inFlight.length > 0,
        targets: row.inFlight.flatMap((body) => {
          const target = (body as { available?: unknown } | null)?.available;
          return typeof target === 'number' ? [target] : [];
        }),
        pushed: row.pushed,
        lastSettledAt: row.lastSettledAt,
      },
    ]),
  );
}
