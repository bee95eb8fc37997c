import type { Pool } from '../../db/pool.ts';
import { transaction } from '../../db/transaction.ts';
import { dayIn } from '../../model/day.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import { applyChanges } from '../apply-changes.ts';
import type { Platform } from '../platforms/platform.ts';

export interface DueSummariesOptions {
  pool: Pool;
  platforms: Partial<Record<PlatformName, Platform>>;
  now?: () => number;
}

const atOnce = 50;

/**
 * Owes the books the documents of days that are over and whose shares have changed since: in the evening of a day nothing,
 * after it one document for all of it, and after a late order, edit or refund the same document anew.
 * @returns how many were looked at
 */
export async function planDueSummaries(options: DueSummariesOptions): Promise<number> {
  const { pool, platforms, now = Date.now } = options;
  const { rows: connections } = await pool.query<{
    id: bigint;
    platform: PlatformName;
    settings: Record<string, unknown>;
  }>({
    name: 'due-summary-connections',
    text: `select id, platform, settings from connection c
           where exists (select 1 from day_summary s where s.connection_id = c.id and (s.planned_at is null or s.planned_at < s.changed_at))
           order by id`,
  });
  let planned = 0;
  for (const { id, platform, settings } of connections) {
    const policy = platforms[platform]?.policy?.read(settings);
    if (policy === undefined) continue;
    const delayMs = Number(policy.dailyDelayMinutes ?? 0) * 60_000;
    const today = dayIn(String(policy.timeZone), new Date(now() - delayMs));
    for (;;) {
      const many = await planSome(id, today, options);
      planned += many;
      if (many < atOnce) break;
    }
  }
  return planned;
}

async function planSome(
  connectionId: bigint,
  today: string,
  { pool, platforms }: DueSummariesOptions,
): Promise<number> {
  return transaction(pool, async (tx) => {
    // What changes after this look is later than the time that it leaves, and makes the summary due again.
    const { rows } = await tx.query<{ id: bigint }>({
      name: 'take-due-summaries',
      text: `update day_summary set planned_at = changed_at where id in (
               select id from day_summary where connection_id = $1 and day < $2 and (planned_at is null or planned_at < changed_at)
               order by day, id limit $3 for no key update skip locked)
             returning id`,
      values: [connectionId, today, atOnce],
    });
    if (rows.length > 0)
      await applyChanges(tx, {
        changes: [
          { kind: 'postingsReview', orderIds: [], payoutIds: [], summaryIds: rows.map((row) => row.id) },
        ],
        source: 'tributary',
        connectionId: null,
        deliveryId: null,
        now: new Date(),
        platforms,
      });
    return rows.length;
  });
}
