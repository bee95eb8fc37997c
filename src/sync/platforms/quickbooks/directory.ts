import { normalizeEmail } from '../../../model/customer.ts';
import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';

/*
 * What the books hold by e-mail address, by name and by SKU, so that most buyers and goods that are new to them are known
 * to be new without asking, and a name that somebody else has is not asked for: a look-up before each write would add a whole request to the journey of an order. It answers
 * "is not there" only while it is complete and fresh; all else is asked. Somebody may enter the same person by hand within
 * the last moments: then there are two, as when two people enter them at once.
 */

type Listed = 'Customer' | 'Item';

/** After this long without a look it no longer answers. */
const freshMs = 60_000;
/** While it is used it looks this often for what has changed. */
const refreshMs = 20_000;
/** Times of QuickBooks are whole seconds of its own clock: looks overlap. */
const overlapMs = 60_000;
/** Reading the books pays for itself only where look-ups are many. */
const looksFirst = 5;
const pageSize = 1000;
/** Larger books are asked each time: reading them whole would take longer than it saves. */
const mostRecords = 50_000;
const cacheKey = 'quickbooks.directory';

export interface Directory {
  /** True where the books surely hold no active customer of this address. */
  lacksEmail(email: string): boolean;
  /** True where the books surely hold no active item of this SKU. */
  lacksSku(sku: string): boolean;
  /** The customer who has this name, as last seen; undefined where none is known to. */
  holderOf(displayName: string): Entity | undefined;
  /** Takes in a customer that was just made, ahead of the next look. */
  addCustomer(record: Entity): void;
  /** Resolves when a look that is under way has ended. */
  settled(): Promise<void>;
}

export function directoryOf(session: QuickBooksSession): Directory {
  const kept = session.cache.get(cacheKey) as Directory | undefined;
  if (kept !== undefined) return kept;
  const directory = makeDirectory(session);
  session.cache.set(cacheKey, directory);
  return directory;
}

function makeDirectory(session: QuickBooksSession): Directory {
  const known: Record<Listed, Set<string>> = { Customer: new Set(), Item: new Set() };
  const holders = new Map<string, Entity>();
  /** When the last complete look began; null before the first. */
  let lookedAt: number | null = null;
  let nextLookAt = 0;
  let looking: Promise<void> | null = null;
  let isTooLarge = false;
  let asked = 0;

  const addCustomer = (record: Entity): void => {
    const email = emailIn(record);
    if (email !== null) known.Customer.add(email);
    holders.set(nameKey(String(record.DisplayName ?? '')), holderIn(record));
  };
  const addItem = (record: Entity): void => {
    const sku = skuIn(record);
    if (sku !== null) known.Item.add(sku);
  };
  const look = async (): Promise<void> => {
    const startedAt = session.now();
    const since = lookedAt === null ? null : new Date(lookedAt - overlapMs);
    const counts = await Promise.all([
      readAll(session, 'Customer', since, addCustomer),
      readAll(session, 'Item', since, addItem),
    ]);
    isTooLarge ||= counts.includes(null);
    lookedAt = startedAt;
  };
  const lookSoon = (): void => {
    const now = session.now();
    if (looking !== null || isTooLarge || now < nextLookAt) return;
    nextLookAt = now + refreshMs;
    looking = look()
      .catch((error: unknown) => session.log.debug({ err: error }, 'The look at the books failed'))
      .finally(() => {
        looking = null;
      });
  };
  const isFresh = (): boolean => {
    asked += 1;
    if (asked > looksFirst) lookSoon();
    return lookedAt !== null && !isTooLarge && session.now() - lookedAt <= freshMs;
  };
  const lacks = (entity: Listed, key: string): boolean => isFresh() && !known[entity].has(key);
  return {
    lacksEmail: (email) => lacks('Customer', normalizeEmail(email) ?? ''),
    lacksSku: (sku) => lacks('Item', skuKey(sku)),
    holderOf: (displayName) => (isFresh() ? holders.get(nameKey(displayName)) : undefined),
    addCustomer,
    settled: async () => {
      await looking;
    },
  };
}

/** Tells what the books hold, or what has changed since then; null where it is too much. Nothing is ever taken out. */
async function readAll(
  session: QuickBooksSession,
  entity: Listed,
  since: Date | null,
  add: (record: Entity) => void,
): Promise<number | null> {
  const where = since === null ? '' : `where MetaData.LastUpdatedTime >= ${quoted(since.toISOString())} `;
  for (let start = 1; ; start += pageSize) {
    if (start > mostRecords) return null;
    const page = await booksOf(session).query(
      entity,
      `${where}orderby Id startposition ${start} maxresults ${pageSize}`,
    );
    for (const record of page) add(record);
    if (page.length < pageSize) return start - 1 + page.length;
  }
}

function emailIn(record: Entity): string | null {
  const address = (record.PrimaryEmailAddr as { Address?: string } | undefined)?.Address;
  return address === undefined ? null : normalizeEmail(address);
}

function skuIn(record: Entity): string | null {
  return typeof record.Sku === 'string' ? skuKey(record.Sku) : null;
}

/** What tells a customer from another, and no more of them. */
function holderIn({ Id, SyncToken, MetaData, PrimaryEmailAddr, PrimaryPhone, CurrencyRef }: Entity): Entity {
  return { Id, SyncToken, MetaData, PrimaryEmailAddr, PrimaryPhone, CurrencyRef };
}

/** Names differ by more than case. */
function nameKey(displayName: string): string {
  return displayName.trim().toLowerCase();
}

/** As QuickBooks compares and cuts them. */
function skuKey(sku: string): string {
  return sku.slice(0, 100).toLowerCase();
}
