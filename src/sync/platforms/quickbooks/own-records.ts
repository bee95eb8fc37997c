import type { QuickBooksSession } from './client.ts';

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
