import type { Tx } from '../../db/pool.ts';
import type { StockCause } from '../../model/stock.ts';

/** What a platform that keeps a level is owed: changes made here that it does not know of. */
export interface StockDebt {
  /** Change of what is available that no push has tried to deliver yet. */
  owed: number;
  /** Why, where all of it has one cause. */
  cause: StockCause | null;
  /** True where it is on top of what the platform reports. False while it is merely a plan. */
  counts: boolean;
  /** True while a push is on its way or may have arrived without a receipt. */
  inDoubt: boolean;
  /** True while a push or a plan waits. */
  waits: boolean;
  /** Figures that pushes in doubt set out to reach. */
  targets: number[];
  /** True when a push was ever tried. */
  pushed: boolean;
  lastSettledAt: Date | null;
}

export interface DebtRow {
  owed: number | null;
  owedCause: StockCause | null;
  planned: boolean | null;
  waits: boolean | null;
  pushed: boolean | null;
  inFlight: unknown[] | null;
  lastSettledAt: Date | null;
}

export const debtColumns = `debt.owed, debt."owedCause", debt.planned, debt.waits, debt.pushed, debt."inFlight",
  debt."lastSettledAt"`;

/**
 * A lateral sub-query for one level. A push carries everything owed that was recorded before it was planned and not
 * carried by an earlier one that was tried. What is owed is therefore the sum since the last push that was tried, however
 * many plans came in between. The level's row is locked, so that nothing is added meanwhile. Of a level's pushes only
 * those that are open and the ends of two indexes are looked at, however many there have been.
 */
export function debtOf(connection: string, level: string): string {
  return `(
    select m.owed, m."owedCause", p.planned, p.waits, p.last_at is not null as pushed, p.in_flight as "inFlight",
      p.last_settled_at as "lastSettledAt"
    from (
      select open.planned, open.waits, open.in_flight,
        (select max(created_at) from push where connection_id = ${connection} and subject_type = 'StockLevel'
           and subject_id = ${level} and attempts > 0) as last_at,
        (select max(settled_at) from push where connection_id = ${connection} and subject_type = 'StockLevel'
           and subject_id = ${level} and status = 'settled') as last_settled_at
      from (
        select coalesce(bool_or(status = 'plan'), false) as planned,
          coalesce(bool_or(status in ('plan', 'pending', 'retrying')), false) as waits,
          coalesce(array_agg(body) filter (where attempts > 0 and status in ('pending', 'running', 'retrying')), '{}')
            as in_flight
        from push where connection_id = ${connection} and subject_type = 'StockLevel' and subject_id = ${level}
          and status in ('plan', 'pending', 'running', 'retrying')
      ) as open
    ) as p, lateral (
      select coalesce(sum(m.available_delta), 0)::int as owed,
        case when count(distinct m.cause) = 1 then min(m.cause::text) end as "owedCause"
      from stock_movement m
      where m.stock_level_id = ${level} and m.owed and m.recorded_at > coalesce(p.last_at, '-infinity')
    ) as m) as debt`;
}

export function debtFrom(row: DebtRow): StockDebt {
  const inFlight = row.inFlight ?? [];
  return {
    owed: row.owed ?? 0,
    cause: row.owedCause,
    counts: row.planned !== true,
    inDoubt: inFlight.length > 0,
    waits: row.waits ?? false,
    targets: inFlight.flatMap((body) => {
      const target = (body as { available?: unknown } | null)?.available;
      return typeof target === 'number' ? [target] : [];
    }),
    pushed: row.pushed ?? false,
    lastSettledAt: row.lastSettledAt,
  };
}

/** Debts of levels to the connections that keep them, by the level's id; one for each that was asked for. */
export async function loadStockDebts(
  tx: Tx,
  levels: readonly { connectionId: bigint; levelId: bigint }[],
): Promise<Map<bigint, StockDebt>> {
  if (levels.length === 0) return new Map();
  const { rows } = await tx.query<DebtRow & { levelId: bigint }>({
    name: 'load-stock-debts',
    text: `select x.level as "levelId", ${debtColumns}
           from unnest($1::bigint[], $2::bigint[]) as x(connection, level), lateral ${debtOf('x.connection', 'x.level')}`,
    values: [levels.map((one) => one.connectionId), levels.map((one) => one.levelId)],
  });
  return new Map(rows.map((row) => [row.levelId, debtFrom(row)]));
}
