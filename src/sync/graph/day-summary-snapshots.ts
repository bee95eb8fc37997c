import type { Queryable } from '../../db/pool.ts';
import type { DaySummarySnapshot } from '../../model/snapshot.ts';

/** Summaries of days by id, each with all of its shares: one statement whatever their number. */
export async function loadDaySummarySnapshots(
  db: Queryable,
  ids: readonly bigint[],
): Promise<Map<bigint, DaySummarySnapshot>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<Omit<DaySummarySnapshot, 'type'>>({
    name: 'load-day-summary-snapshots',
    text: `select s.id, s.connection_id as "connectionId", s.facts,
             coalesce((select json_agg(l.remote_state order by l.entity_type, l.entity_id) from link l
               where l.connection_id = s.connection_id and l.remote_type = 'DayShare'
                 and l.remote_state ->> 'summary' = s.key), '[]') as shares
           from day_summary s where s.id = any($1::bigint[])`,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, { type: 'DaySummary', ...row }]));
}
