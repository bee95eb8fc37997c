import { planLater, type WriteContext } from '../graph/write-context.ts';
import { availableOf } from './counts.ts';
import { recordMovements } from './ledger.ts';
import { loadStockDebts } from './stock-debt.ts';
import { lockStockLevels, type StockLevel } from './stock-level.ts';

/** An adjustment that the platform which keeps the level never took. */
export interface GivenUpPush {
  id: bigint;
  connectionId: bigint;
  body: unknown;
  reason: string;
}

/** The level, its row locked; null where it is gone. */
export async function lockLevelById(context: WriteContext, id: bigint): Promise<StockLevel | null> {
  const { rows } = await context.tx.query<{ variantId: bigint; locationId: bigint }>({
    name: 'place-of-level',
    text: 'select variant_id as "variantId", location_id as "locationId" from stock_level where id = $1',
    values: [id],
  });
  return rows[0] === undefined ? null : ((await lockStockLevels(context, rows))[0] ?? null);
}

/**
 * Lets a level follow its platform again after an adjustment was given up: what the platform was last known to hold, with
 * what is on its way or still owed on top. A report that came meanwhile has done that already; then nothing moves.
 */
export async function giveUpAdjustment(
  context: WriteContext,
  level: StockLevel,
  push: GivenUpPush,
): Promise<void> {
  const held = await heldByPlatform(context, level.id, push.connectionId);
  const debt = (
    await loadStockDebts(context.tx, [{ connectionId: push.connectionId, levelId: level.id }])
  ).get(level.id);
  if (held === null || debt === undefined) return;
  const { owed, counts } = debt;
  const excess = availableOf(level.counts) - (held.available + held.onItsWay + (counts ? owed : 0));
  // Where other letters are open, or what is owed is a plan, only what this one carried is given up.
  const movement = held.isAlone && counts ? excess : within(deltaOf(push.body), excess);
  // What waits was planned with the figure that is given up.
  planLater(context.effects, 'StockLevel', level.id);
  if (movement === 0) return;
  await recordMovements(context, [
    {
      level,
      change: { onHand: -movement },
      cause: 'dismissal',
      units: Math.abs(movement),
      reason: push.reason,
      reference: `push:${push.id}`,
      negativeReason: 'reported_by_platform',
      occurredAt: context.now,
    },
  ]);
}

/** As much of the change as the level still has of it. */
function within(delta: number, excess: number): number {
  if (delta === 0 || excess === 0 || delta > 0 !== excess > 0) return 0;
  return delta > 0 ? Math.min(delta, excess) : Math.max(delta, excess);
}

async function heldByPlatform(
  { tx, platforms }: WriteContext,
  levelId: bigint,
  connectionId: bigint,
): Promise<{ available: number; onItsWay: number; isAlone: boolean } | null> {
  const linkTypes = Object.values(platforms).flatMap((one) => one.linkTypes.StockLevel ?? []);
  const { rows } = await tx.query<{ available: unknown; underWay: unknown[]; isAlone: boolean }>({
    name: 'held-by-platform',
    text: `select (select l.remote_state -> 'available' from link l
               where l.connection_id = $2 and l.entity_type = 'StockLevel' and l.entity_id = $1
                 and l.remote_type = any($3::text[]) order by l.seen_at desc, l.id desc limit 1) as available,
             coalesce(array_agg(p.body) filter (where p.status <> 'dead'), '{}') as "underWay",
             coalesce(bool_and(p.status <> 'dead'), true) as "isAlone"
           from push p where p.connection_id = $2 and p.subject_type = 'StockLevel' and p.subject_id = $1
             and (p.status = 'dead' or p.attempts > 0 and p.status in ('pending', 'running', 'retrying'))`,
    values: [levelId, connectionId, linkTypes],
  });
  const row = rows[0];
  if (row === undefined || typeof row.available !== 'number') return null;
  return {
    available: row.available,
    onItsWay: row.underWay.reduce<number>((sum, body) => sum + deltaOf(body), 0),
    isAlone: row.isAlone,
  };
}

function deltaOf(body: unknown): number {
  const delta = (body as { delta?: unknown } | null)?.delta;
  return typeof delta === 'number' ? delta : 0;
}
