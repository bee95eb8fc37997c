import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { requestBackfill } from './request-backfill.ts';

/**
 * An account turns out to have these fields on its documents: what was left out for want of one of them is asked for
 * again, from all that was written before. Costs one look at an index where nothing was left out.
 * @returns how many documents are asked for again
 */
export async function askAgainForFields(
  pool: Pool,
  connectionId: bigint,
  names: readonly string[],
): Promise<number> {
  const there = names.map((name) => name.toLowerCase());
  const { rows } = await pool.query({
    name: 'fields-left-out',
    text: `select 1 from link where connection_id = $1 and remote_state ? 'missing' and remote_state->'missing' ?| $2::text[] limit 1`,
    values: [connectionId, there],
  });
  if (rows.length === 0) return 0;
  return transaction(pool, async (tx) => {
    const { rows: asked } = await tx.query<{ missing: string[] }>({
      name: 'ask-again-for-fields',
      // In the order of their ids, so that two processes that read the company at once wait in no circle.
      text: `with left_out as (
               select id, remote_state->'missing' as missing from link
               where connection_id = $1 and remote_state ? 'missing' and remote_state->'missing' ?| $2::text[]
               order by id for update)
             update link l set remote_state = l.remote_state - 'fields' - 'missing', changed_at = clock_timestamp()
             from left_out where l.id = left_out.id returning left_out.missing`,
      values: [connectionId, there],
    });
    const missing = new Set(asked.flatMap((one) => one.missing));
    const { rows: fields } = await tx.query<{ id: bigint }>({
      name: 'fields-by-quickbooks-name',
      text: 'select id from custom_field where lower(quickbooks_field) = any($1::text[]) order by id',
      values: [there.filter((name) => missing.has(name))],
    });
    for (const { id } of fields) await requestBackfill(tx, id);
    return asked.length;
  });
}
