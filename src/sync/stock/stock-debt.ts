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
 * The caller holds the level's row, so that no adjustment is added meanwhile.
 */
export async function loadStockDebt(tx: Tx, connectionId: bigint, levelId: bigint): Promise<StockDebt> {
  const { rows } = await tx.query<{
    owed: number;
    planned: boolean;
    pushed: boolean;
    inFlight: unknown[];
    lastSettledAt: Date | null;
  }>({
    name: 'load-stock-debt',
    text: `select
             coalesce((
               select sum(m.available_delta) from stock_movement m
               where m.stock_level_id = $2 and m.cause = 'adjustment'
                 and m.recorded_at > coalesce(tried.last_at, '-infinity')
             ), 0)::int as owed,
             tried.planned, tried.last_at is not null as pushed, tried.in_flight as "inFlight",
             tried.last_settled_at as "lastSettledAt"
           from (
             select max(created_at) filter (where attempts > 0) as last_at,
               coalesce(bool_or(status = 'plan'), false) as planned,
               coalesce(array_agg(body) filter (where attempts > 0 and status in ('pending', 'running', 'retrying')), '{}')
                 as in_flight,
               max(settled_at) filter (where status = 'settled') as last_settled_at
             from push where connection_id = $1 and subject_type = 'StockLevel' and subject_id = $2
           ) as tried`,
    values: [connectionId, levelId],
  });
  const row = rows[0];
  const inFlight = row?.inFlight ?? [];
  return {
    owed: row?.owed ?? 0,
    counts: row?.planned !== true,
    inDoubt: inFlight.length > 0,
    targets: inFlight.flatMap((body) => {
      const target = (body as { available?: unknown } | null)?.available;
      return typeof target === 'number' ? [target] : [];
    }),
    pushed: row?.pushed ?? false,
    lastSettledAt: row?.lastSettledAt ?? null,
  };
}
