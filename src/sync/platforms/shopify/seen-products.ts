import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ShopifySession } from './api.ts';

/** Shopify tells of a product whenever a piece of it is sold. These fields of the payload say so and nothing else. */
const volatile = new Set(['updated_at', 'inventory_quantity', 'old_inventory_quantity']);
const mostRemembered = 5_000;
const cacheKey = 'shopify.seenProducts';

interface Seen {
  hash: string;
  deliveryId: bigint;
  /** The product was exactly as told when it was read. */
  readAsTold: boolean;
}

const stamped = z.object({ updated_at: z.iso.datetime({ offset: true }) });

/** What a product's payload says beside its stock, as a hash. */
export function hashOfProduct(body: unknown): string {
  const said = JSON.stringify(body, (key, value: unknown) => (volatile.has(key) ? undefined : value)) ?? '';
  return createHash('sha256').update(said).digest('base64');
}

/** When the payload's state was the newest; null where it does not say. */
export function timeOfProduct(body: unknown): number | null {
  const parsed = stamped.safeParse(body);
  return parsed.success ? Date.parse(parsed.data.updated_at) : null;
}

/** True where an earlier delivery said the same and the product has been read as it told. */
export function isSeen(
  session: ShopifySession,
  productId: string,
  hash: string,
  deliveryId: bigint,
): boolean {
  const seen = seenOf(session).get(productId);
  // A delivery that is tried again has not had its effect, whatever was read for it.
  return seen?.readAsTold === true && seen.hash === hash && seen.deliveryId !== deliveryId;
}

export function noteSeen(session: ShopifySession, productId: string, seen: Seen): void {
  const all = seenOf(session);
  all.delete(productId);
  all.set(productId, seen);
  const [oldest] = all.keys();
  if (all.size > mostRemembered && oldest !== undefined) all.delete(oldest);
}

function seenOf(session: ShopifySession): Map<string, Seen> {
  const kept = session.cache.get(cacheKey) as Map<string, Seen> | undefined;
  if (kept !== undefined) return kept;
  const made = new Map<string, Seen>();
  session.cache.set(cacheKey, made);
  return made;
}
