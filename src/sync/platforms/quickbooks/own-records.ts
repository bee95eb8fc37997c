import type { Entity, QuickBooksSession } from './client.ts';

/*
 * What this process has made in the books lately. QuickBooks tells of it by webhook as of any new record: reading it to
 * find that out would cost a request each, and a customer without an e-mail address would pass for a stranger.
 */

const cacheKey = 'quickbooks.ownRecords';
const most = 20_000;

export function noteOwn(session: QuickBooksSession, entity: string, id: string): void {
  const own = (session.cache.get(cacheKey) as Set<string> | undefined) ?? new Set<string>();
  own.add(`${entity} ${id}`);
  const [oldest] = own;
  if (own.size > most && oldest !== undefined) own.delete(oldest);
  session.cache.set(cacheKey, own);
}

export function isOwn(session: QuickBooksSession, entity: string, id: string): boolean {
  return (session.cache.get(cacheKey) as Set<string> | undefined)?.has(`${entity} ${id}`) === true;
}

const settledKey = 'quickbooks.settledRecords';
/** Times of QuickBooks are whole seconds, and what it links is updated in the same moment. */
const sameMomentMs = 2_000;

/** A payment of ours has settled these documents: what is open of them changes with it, and nothing else. */
export function noteSettled(
  session: QuickBooksSession,
  payment: Entity,
  documents: readonly { type: string; id: string }[],
): void {
  const atMs = Date.parse(payment.MetaData.LastUpdatedTime);
  const settled = (session.cache.get(settledKey) as Map<string, number> | undefined) ?? new Map();
  for (const { type, id } of documents) {
    const key = `${type} ${id}`;
    settled.delete(key);
    settled.set(key, atMs);
  }
  for (const oldest of settled.keys()) {
    if (settled.size <= most) break;
    settled.delete(oldest);
  }
  session.cache.set(settledKey, settled);
}

/**
 * Whether an update that is told is that of our own payment, by QuickBooks's clock. Whoever edits a document in the very
 * second in which it is settled is found by the next sweep.
 */
export function isSettlementOf(session: QuickBooksSession, entity: string, id: string, at: string): boolean {
  const atMs = (session.cache.get(settledKey) as Map<string, number> | undefined)?.get(`${entity} ${id}`);
  return atMs !== undefined && Math.abs(Date.parse(at) - atMs) <= sameMomentMs;
}
