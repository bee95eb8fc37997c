import type { Queryable } from '../../db/pool.ts';

export type DeliveryOutcome = 'applied' | 'unchanged' | 'stale' | 'echo' | 'duplicate' | 'ignored';

/** Marks a delivery as done, in the same transaction as its effect where it had one. */
export async function settleDelivery(
  db: Queryable,
  deliveryId: bigint,
  outcome: DeliveryOutcome,
): Promise<void> {
  await db.query({
    name: 'settle-delivery',
    text: `update delivery set status = 'settled', outcome = $2::delivery_outcome, settled_at = clock_timestamp(),
             error = null, error_code = null, remedy = null, next_attempt_at = null
           where id = $1`,
    values: [deliveryId, outcome],
  });
}

/** Marks deliveries as done that had no effect. */
export async function settleDeliveries(
  db: Queryable,
  settled: readonly { id: bigint; outcome: DeliveryOutcome }[],
): Promise<void> {
  if (settled.length === 0) return;
  await db.query({
    name: 'settle-deliveries',
    text: `update delivery d set status = 'settled', outcome = s.outcome::delivery_outcome, settled_at = clock_timestamp(),
             error = null, error_code = null, remedy = null, next_attempt_at = null
           from unnest($1::bigint[], $2::text[]) as s (id, outcome) where d.id = s.id`,
    values: [settled.map(({ id }) => id), settled.map(({ outcome }) => outcome)],
  });
}
