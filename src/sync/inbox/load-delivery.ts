import type { Pool } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { DeliveryFacts } from '../platforms/platform.ts';

export interface LoadedDelivery extends DeliveryFacts {
  connectionId: bigint;
  platform: PlatformName;
  status: 'pending' | 'retrying' | 'settled' | 'dead';
  attempts: number;
  /** True where the same event had its effect through another delivery. */
  duplicate: boolean;
}

/**
 * Loads a delivery with what decides its fate. Two subscriptions of one topic send one event twice; deliveries of a
 * subject are processed one after the other, so the first of them is settled by the time the second looks.
 */
export async function loadDelivery(pool: Pool, deliveryId: bigint): Promise<LoadedDelivery | null> {
  const { rows } = await pool.query<LoadedDelivery>({
    name: 'load-delivery',
    text: `select d.id, d.connection_id as "connectionId", c.platform, d.topic, d.subject, d.event_id as "eventId",
             d.triggered_at as "triggeredAt", d.received_at as "receivedAt", d.body, d.status, d.attempts,
             d.event_id is not null and exists (
               select 1 from delivery twin
               where twin.connection_id = d.connection_id and twin.event_id = d.event_id and twin.topic = d.topic
                 and twin.subject = d.subject and twin.id <> d.id
                 and twin.status = 'settled' and twin.outcome <> 'duplicate') as duplicate
           from delivery d join connection c on c.id = d.connection_id
           where d.id = $1`,
    values: [deliveryId],
  });
  return rows[0] ?? null;
}
