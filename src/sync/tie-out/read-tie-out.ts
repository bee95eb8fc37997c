import type { Queryable } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import { dayIn, momentsOf } from '../../model/day.ts';
import { formatMinor, parseMinor } from '../../model/money.ts';
import type { Channel, PlatformName } from '../../model/platform-name.ts';
import type { OrderSnapshot } from '../../model/snapshot.ts';
import { type Held, heldOf } from '../accounting/held.ts';
import {
  type BooksEntry,
  type GraphEntry,
  type PostingFacts,
  type ShopEntry,
  type TieOutCurrency,
  tieOut,
} from '../accounting/tie-out.ts';
import {
  type BooksConnection,
  loadPostingFacts,
  type PostingLink,
  type PostingPush,
  type PostingSummary,
  summaryOf,
} from '../graph/posting-facts.ts';
import { loadOrderSnapshots } from '../graph/snapshots.ts';
import type { BooksDocument, Platform, Session, Taking } from '../platforms/platform.ts';

export interface TieOutWish {
  /** YYYY-MM-DD, in the time zone of the posting policy; null: the day that it is there now. */
  day: string | null;
  /** Whose books; null: the only ones there are. */
  booksId: bigint | null;
  /** Whether shops and books are asked; else the books stand for what they were last known to hold. */
  ask: boolean;
}

export interface TieOutDay {
  day: string;
  timeZone: string;
  from: Date;
  to: Date;
  booksId: bigint;
  platform: PlatformName;
  currencies: TieOutCurrency[];
  channels: ChannelTakings[];
  /** What could not be asked, and what stands in its place. */
  notes: string[];
}

/** What the graph has of one channel and currency. */
export interface ChannelTakings {
  channel: Channel;
  currency: string;
  salesMinor: bigint;
  refundsMinor: bigint;
  sales: number;
  refunds: number;
}

export interface TieOutSources {
  db: Queryable;
  platforms: Partial<Record<PlatformName, Platform>>;
  session: ((connectionId: bigint) => Promise<Session<unknown>>) | undefined;
}

/** More orders than this in a day take too long to be answered at once. */
const mostOrders = 20_000;
const ordersAtOnce = 500;

/** Shop, graph and books of one day, each read afresh. @throws AppError INVALID_DAY, NO_BOOKS, TOO_MANY_ORDERS */
export async function readTieOut(sources: TieOutSources, wish: TieOutWish): Promise<TieOutDay> {
  const { db } = sources;
  const connections = await readConnections(db);
  const books = booksOf(sources, connections, wish.booksId);
  const view = sources.platforms[books.platform];
  const timeZone = String(view?.policy?.read(books.settings).timeZone ?? 'UTC');
  const day = wish.day ?? dayIn(timeZone, new Date());
  const { from, to } = momentsOf(day, timeZone);
  const notes: string[] = [];
  const shops = connections.filter((one) => sources.platforms[one.platform]?.takingsBetween !== undefined);
  const [takings, documents] = wish.ask
    ? await Promise.all([askShops(sources, shops, { from, to }, notes), askBooks(sources, books, day, notes)])
    : [null, null];
  if (!wish.ask)
    notes.push('Neither shop nor books were asked: the books are what they were last known to hold.');

  const [documentLinks, days] = await Promise.all([
    linksOf(db, books.id, day, documents),
    daysOf(db, books.id, day, documents),
  ]);
  const ids = await orderIds(db, { from, to, takings, documentLinks: [...documentLinks, ...days] });
  const graph: GraphEntry[] = [];
  const channels = new Map<string, ChannelTakings>();
  for (let at = 0; at < ids.length; at += ordersAtOnce) {
    const orders = await loadOrderSnapshots(db, ids.slice(at, at + ordersAtOnce));
    const refundIds = [...orders.values()].flatMap((order) => order.refunds.map((one) => one.id));
    const [times, facts] = await Promise.all([
      readTimes(db, [...orders.keys()]),
      loadPostingFacts(db, [...orders.keys()], refundIds),
    ]);
    const links = refreshed(
      facts.links.filter((link) => link.connectionId === books.id),
      documents,
      { day, shareType: view?.books?.shareType ?? '' },
    );
    const common = {
      books,
      view: view?.books,
      linksOf: Map.groupBy(links, (link) => `${link.entityType} ${link.entityId}`),
      pushOf: new Map(
        facts.pushes
          .filter((push) => push.connectionId === books.id)
          .map((push) => [`${push.subjectType} ${push.subjectId}`, push]),
      ),
      summaries: facts.summaries,
      isOfDay: (moment: Date) => moment >= from && moment < to,
    };
    for (const order of orders.values()) {
      if (order.platform === books.platform) continue;
      const entries = entriesOf(order, { ...common, updatedAt: times.get(order.id) ?? order.placedAt });
      graph.push(...entries);
      for (const entry of entries) count(channels, order.channel, entry);
    }
  }
  return {
    day,
    timeZone,
    from,
    to,
    booksId: books.id,
    platform: books.platform,
    currencies: tieOut({
      shop: takings?.flatMap(shopEntries) ?? [],
      asked:
        takings === null || takings.length === 0 ? null : new Set(takings.map((one) => one.connectionId)),
      graph,
      books: booksEntries(
        documents ?? remembered([...documentLinks, ...documentsOf(days)]),
        documentLinks,
        days,
        graph,
      ),
    }),
    channels: [...channels.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    notes,
  };
}

interface Connection extends BooksConnection {
  name: string;
  isOff: boolean;
}

async function readConnections(db: Queryable): Promise<Connection[]> {
  const { rows } = await db.query<Connection>({
    name: 'tie-out-connections',
    text: `select id, platform, settings, name, status = 'disconnected' as "isOff" from connection order by id`,
  });
  return rows;
}

function booksOf(
  { platforms }: TieOutSources,
  connections: readonly Connection[],
  wanted: bigint | null,
): Connection {
  // Books that were disconnected count only where they are asked for by name.
  const all = connections.filter(
    (one) => platforms[one.platform]?.books !== undefined && (!one.isOff || one.id === wanted),
  );
  const [only, ...others] = wanted === null ? all : all.filter((one) => one.id === wanted);
  if (only !== undefined && others.length === 0) return only;
  throw new AppError({
    code: 'NO_BOOKS',
    retryable: false,
    field: 'connectionId',
    publicMessage:
      all.length > 1 && wanted === null
        ? `connectionId: ${all.length} accounts keep books; name the one that is meant.`
        : wanted === null
          ? 'No account that keeps books is connected.'
          : 'connectionId: this connection keeps no books. Name one that does, or leave it out.',
  });
}

interface ShopTakings {
  connectionId: bigint;
  takings: Taking[];
}

/** Shops that do not answer are left out and named: the day is told without them. */
async function askShops(
  { platforms, session }: TieOutSources,
  shops: readonly Connection[],
  { from, to }: { from: Date; to: Date },
  notes: string[],
): Promise<ShopTakings[]> {
  const asked = await Promise.all(
    shops.map(async (shop): Promise<ShopTakings[]> => {
      try {
        const opened = await session?.(shop.id);
        if (opened === undefined) return [];
        const takings = await platforms[shop.platform]?.takingsBetween?.(opened, from, to);
        return takings === undefined ? [] : [{ connectionId: shop.id, takings }];
      } catch (error) {
        notes.push(`${shop.name} could not be asked: ${messageOf(error)}`);
        return [];
      }
    }),
  );
  return asked.flat();
}

async function askBooks(
  { platforms, session }: TieOutSources,
  books: Connection,
  day: string,
  notes: string[],
): Promise<BooksDocument[] | null> {
  try {
    const opened = await session?.(books.id);
    const documents = opened && (await platforms[books.platform]?.documentsOn?.(opened, day));
    if (documents !== undefined) return documents;
    notes.push(`${books.name} was not asked: shown is what it was last known to hold.`);
  } catch (error) {
    notes.push(
      `${books.name} could not be asked, so shown is what it was last known to hold: ${messageOf(error)}`,
    );
  }
  return null;
}

/** @throws what is no failure of a platform */
function messageOf(error: unknown): string {
  if (error instanceof AppError) return error.publicMessage;
  throw error;
}

interface DocumentLink extends PostingLink {
  orderId: bigint;
}

/** A link and the order that it is about; `r` is the refund that it stands for, where it does. */
function linkColumns(link: string): string {
  return `${link}.connection_id as "connectionId", ${link}.entity_type as "entityType", ${link}.entity_id as "entityId",
    ${link}.remote_type as "remoteType", ${link}.remote_id as "remoteId", ${link}.remote_version as "remoteVersion",
    ${link}.remote_state as state, coalesce(r.order_id, ${link}.entity_id) as "orderId"`;
}

/** Types and ids of what the books told; nulls where they were not asked. */
function namesOf(documents: readonly BooksDocument[] | null): [string[], string[]] | [null, null] {
  if (documents === null) return [null, null];
  return [documents.map((one) => one.remoteType), documents.map((one) => one.remoteId)];
}

/** Our links to documents of the day: by id where the books told them, else by the date that they were last known to have. */
async function linksOf(
  db: Queryable,
  booksId: bigint,
  day: string,
  documents: readonly BooksDocument[] | null,
): Promise<DocumentLink[]> {
  const { rows } = await db.query<DocumentLink>({
    name: 'tie-out-links',
    text: `select ${linkColumns('l')}
           from link l left join refund r on l.entity_type = 'Refund' and r.id = l.entity_id
           where l.connection_id = $1 and l.entity_type in ('Order', 'Refund')
             and case when $3::text[] is null then l.remote_state->>'date' = $2 and l.remote_version is not null
                   and l.remote_type ~ '^(SalesReceipt|Invoice|CreditMemo|RefundReceipt)( correction)?$'
                 else (split_part(l.remote_type, ' ', 1), l.remote_id) in (select * from unnest($3::text[], $4::text[])) end
             and (l.entity_type = 'Order' or r.id is not null)`,
    values: [booksId, day, ...namesOf(documents)],
  });
  return rows;
}

/** A part of a document of a day, with that document. */
interface DayPart extends PostingLink {
  orderId: bigint;
  document: {
    remoteType: string;
    remoteId: string;
    remoteVersion: string | null;
    state: Record<string, unknown>;
  };
}

/** The parts of every document of a day that is dated on this one. */
async function daysOf(
  db: Queryable,
  booksId: bigint,
  day: string,
  documents: readonly BooksDocument[] | null,
): Promise<DayPart[]> {
  const { rows } = await db.query<DayPart>({
    name: 'tie-out-days',
    text: `select ${linkColumns('p')},
             json_build_object('remoteType', l.remote_type, 'remoteId', l.remote_id, 'remoteVersion', l.remote_version,
               'state', l.remote_state) as document
           from link l join day_summary s on s.id = l.entity_id
           join link p on p.connection_id = l.connection_id and p.remote_type = 'DayShare' and p.remote_state ->> 'summary' = s.key
           left join refund r on p.entity_type = 'Refund' and r.id = p.entity_id
           where l.connection_id = $1 and l.entity_type = 'DaySummary'
             and case when $3::text[] is null then l.remote_state->>'date' = $2 and l.remote_version is not null
                 else (l.remote_type, l.remote_id) in (select * from unnest($3::text[], $4::text[])) end
             and (p.entity_type = 'Order' or r.id is not null)`,
    values: [booksId, day, ...namesOf(documents)],
  });
  return rows;
}

function documentsOf(days: readonly DayPart[]): PostingLink[] {
  const documents = new Map(
    days.map((part) => [documentKey(part.document.remoteType, part.document.remoteId), part]),
  );
  return [...documents.values()].map((part) => ({ ...part, ...part.document }));
}

/** Everything of the day, and whatever shop and books speak of beside it. */
async function orderIds(
  db: Queryable,
  given: {
    from: Date;
    to: Date;
    takings: readonly ShopTakings[] | null;
    documentLinks: readonly { orderId: bigint }[];
  },
): Promise<bigint[]> {
  const told = given.takings?.flatMap(({ connectionId, takings }) =>
    [...new Set(takings.map((one) => one.orderRemoteId))].map((remoteId) => ({ connectionId, remoteId })),
  );
  const { rows } = await db.query<{ id: bigint }>({
    name: 'tie-out-orders',
    text: `select id from sales_order where placed_at >= $1 and placed_at < $2 and removed_at is null
           union select r.order_id from refund r join sales_order o on o.id = r.order_id
             where r.refunded_at >= $1 and r.refunded_at < $2 and o.removed_at is null
           union select id from sales_order
             where (connection_id, remote_id) in (select * from unnest($3::bigint[], $4::text[])) and removed_at is null
           union select unnest($5::bigint[])
           order by id limit $6`,
    values: [
      given.from,
      given.to,
      told?.map((one) => one.connectionId) ?? [],
      told?.map((one) => one.remoteId) ?? [],
      given.documentLinks.map((one) => one.orderId),
      mostOrders + 1,
    ],
  });
  if (rows.length > mostOrders)
    throw new AppError({
      code: 'TOO_MANY_ORDERS',
      retryable: false,
      publicMessage: `This day has more than ${mostOrders} orders, which is more than one answer holds.`,
    });
  return rows.map((row) => row.id);
}

/** The platform's time of what the graph holds of each order. */
async function readTimes(db: Queryable, ids: readonly bigint[]): Promise<Map<bigint, Date>> {
  const { rows } = await db.query<{ id: bigint; at: Date }>({
    name: 'tie-out-times',
    text: 'select id, source_updated_at as at from sales_order where id = any($1::bigint[])',
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, row.at]));
}

interface EntryContext {
  books: Connection;
  view: Platform['books'];
  /** By type and id of what they stand for. */
  linksOf: ReadonlyMap<string, readonly PostingLink[]>;
  pushOf: ReadonlyMap<string, PostingPush>;
  summaries: readonly PostingSummary[];
  isOfDay(moment: Date): boolean;
  updatedAt: Date;
}

function entriesOf(order: OrderSnapshot, context: EntryContext): GraphEntry[] {
  const common = {
    connectionId: order.connectionId,
    platform: order.platform,
    orderId: order.id,
    orderRemoteId: order.remoteId,
    number: order.number,
    currency: order.currency,
    updatedAt: context.updatedAt,
  };
  return [
    {
      ...common,
      type: 'sale',
      refundId: null,
      refundRemoteId: null,
      amountMinor: order.totalMinor,
      isOfDay: context.isOfDay(order.placedAt),
      isUnderWay: false,
      posting: postingOf(order, null, context),
    },
    ...order.refunds.map(
      (refund): GraphEntry => ({
        ...common,
        type: 'refund',
        refundId: refund.id,
        refundRemoteId: refund.remoteId,
        amountMinor: refund.totalMinor,
        isOfDay: context.isOfDay(refund.refundedAt),
        isUnderWay: !refund.settled,
        posting: postingOf(order, refund.id, context),
      }),
    ),
  ];
}

function postingOf(order: OrderSnapshot, refundId: bigint | null, context: EntryContext): PostingFacts {
  const { books, view } = context;
  const ofOrder = context.linksOf.get(`Order ${order.id}`) ?? [];
  const ofRefund = refundId === null ? [] : (context.linksOf.get(`Refund ${refundId}`) ?? []);
  const posting = view?.posting(order, refundId, books.settings, {
    order: ofOrder.find((link) => view.forms.includes(link.remoteType))?.remoteType ?? null,
    refund: ofRefund.findLast((link) => view.refundForms.includes(link.remoteType))?.remoteType ?? null,
  }) ?? {
    status: 'never' as const,
    why: 'This account keeps no books.',
  };
  const documents = posting.status === 'post' ? posting.documents : [];
  const held = heldOf(
    documents,
    refundId === null ? ofOrder : ofRefund,
    (refundId === null ? view?.forms : view?.refundForms) ?? [],
    order.currency,
  );
  const valueMinor = documents.reduce((sum, one) => ('lines' in one ? sum + one.valueMinor : sum), 0n);
  const push = context.pushOf.get(refundId === null ? `Order ${order.id}` : `Refund ${refundId}`);
  const day = summaryOf(refundId === null ? ofOrder : ofRefund, context.summaries, view?.shareType ?? '');
  if (day !== null && posting.status === 'post' && held.standing !== 'voided')
    return shareFacts(day, valueMinor, held);
  return {
    status: posting.status,
    why: posting.why,
    reason: order.test ? 'test' : posting.status === 'never' ? (posting.reason ?? null) : null,
    // What stands while nothing new may be written is as it should be.
    wantedMinor: posting.status === 'post' ? valueMinor : held.heldMinor,
    heldMinor: held.heldMinor,
    tendersMinor: held.tendersMinor,
    push: pushStates[push?.status ?? ''] ?? 'none',
    dismissed: push?.dismissed ?? null,
    error: push?.error ?? null,
    remedy: push?.remedy ?? null,
    errorCode: push?.errorCode ?? null,
    standing: held.standing,
  };
}

/** A share stands as soon as the document of its day does; before the day is over nothing is owed yet. */
function shareFacts(
  { share, summary }: { share: PostingLink; summary: PostingSummary | null },
  valueMinor: bigint,
  held: Held,
): PostingFacts {
  const isWritten = summary?.remoteId != null;
  const isOwed = isWritten || summary?.push != null;
  return {
    status: isOwed ? 'post' : 'waits',
    why: `It is part of the document of ${String(share.state.date)}, which is written when the day is over.`,
    reason: null,
    wantedMinor: isOwed ? valueMinor : 0n,
    heldMinor: isWritten ? held.heldMinor : 0n,
    tendersMinor: 0n,
    push: pushStates[summary?.push ?? ''] ?? 'none',
    dismissed: summary?.dismissed ?? null,
    error: summary?.error ?? null,
    remedy: summary?.remedy ?? null,
    errorCode: summary?.errorCode ?? null,
    standing: isWritten ? 'written' : 'none',
  };
}

const pushStates: Readonly<Record<string, PostingFacts['push']>> = {
  plan: 'plan',
  pending: 'open',
  running: 'open',
  retrying: 'open',
  settled: 'settled',
  dead: 'dead',
  dismissed: 'dismissed',
};

function shopEntries({ connectionId, takings }: ShopTakings): ShopEntry[] {
  return takings.map((one) => ({
    type: one.refundRemoteId === null ? 'sale' : 'refund',
    connectionId,
    orderRemoteId: one.orderRemoteId,
    refundRemoteId: one.refundRemoteId,
    number: one.number,
    updatedAt: one.updatedAt,
    currency: one.currency,
    amountMinor: one.amountMinor,
  }));
}

/** Documents with the worth of what they stand for: tenders that are no money are counted in. */
function booksEntries(
  documents: readonly BooksDocument[],
  links: readonly DocumentLink[],
  days: readonly DayPart[],
  graph: readonly GraphEntry[],
): BooksEntry[] {
  const parts = Map.groupBy(days, (part) => documentKey(part.document.remoteType, part.document.remoteId));
  const byDocument = new Map(links.map((link) => [documentKey(baseType(link), link.remoteId), link]));
  const tenders = new Map(
    graph.map((one) => [postingKey(one.orderId, one.refundId), one.posting.tendersMinor]),
  );
  return documents.flatMap((one): BooksEntry[] => {
    const ofDay = parts.get(documentKey(one.remoteType, one.remoteId));
    if (ofDay !== undefined) return entriesOfDay(one, ofDay);
    const link = byDocument.get(documentKey(one.remoteType, one.remoteId));
    const isCorrection = link?.remoteType.endsWith(correctionSuffix) === true;
    const of =
      link === undefined
        ? null
        : { orderId: link.orderId, refundId: link.entityType === 'Refund' ? link.entityId : null };
    const beside =
      of === null || isCorrection ? 0n : (tenders.get(postingKey(of.orderId, of.refundId)) ?? 0n);
    return [entryOf(one, { of, isCorrection, amountMinor: one.totalMinor + beside })];
  });
}

/** The document of a day as its parts, and what it holds beyond them. */
function entriesOfDay(one: BooksDocument, parts: readonly DayPart[]): BooksEntry[] {
  const minor = (text: unknown): bigint => parseMinor(typeof text === 'string' ? text : '0', one.currency);
  const standing = parts.filter((part) => typeof part.state.void !== 'string');
  const entries = standing.map((part) =>
    entryOf(one, {
      of: { orderId: part.orderId, refundId: part.entityType === 'Refund' ? part.entityId : null },
      amountMinor: minor(part.state.value),
    }),
  );
  const partsMinor = standing.reduce((sum, part) => sum + minor(part.state.total), 0n);
  if (partsMinor === one.totalMinor) return entries;
  return [
    ...entries,
    entryOf(one, { of: null, amountMinor: one.totalMinor - partsMinor, isRestOfDay: true }),
  ];
}

function entryOf(
  one: BooksDocument,
  more: Pick<BooksEntry, 'of' | 'amountMinor'> & Partial<BooksEntry>,
): BooksEntry {
  return {
    type: one.isSale ? 'sale' : 'refund',
    currency: one.currency,
    documentType: one.remoteType,
    remoteId: one.remoteId,
    number: one.number,
    isCorrection: false,
    isOurs: one.isOurs,
    isRestOfDay: false,
    ...more,
  };
}

/** What the books were last known to hold on the day. */
function remembered(links: readonly PostingLink[]): BooksDocument[] {
  return links.map((link) => {
    const currency = String(link.state.currency ?? '');
    return {
      remoteType: baseType(link),
      remoteId: link.remoteId,
      number: typeof link.state.docNumber === 'string' ? link.state.docNumber : null,
      currency,
      totalMinor: parseMinor(String(link.state.total ?? '0'), currency),
      isSale: ['SalesReceipt', 'Invoice'].includes(baseType(link)),
      isOurs: true,
    };
  });
}

/** Links as the books have just told them: of another amount where they say so, gone where they do not tell them. */
function refreshed(
  links: readonly PostingLink[],
  documents: readonly BooksDocument[] | null,
  { day, shareType }: { day: string; shareType: string },
): PostingLink[] {
  if (documents === null) return [...links];
  const told = new Map(documents.map((one) => [documentKey(one.remoteType, one.remoteId), one]));
  return links.map((link) => {
    // A share stands for no row: the document of its day is told instead.
    if (link.remoteType === shareType) return link;
    const one = told.get(documentKey(link.remoteType, link.remoteId));
    if (one === undefined)
      return link.state.date === day && !link.remoteType.endsWith(correctionSuffix)
        ? { ...link, remoteVersion: null }
        : link;
    const total = formatMinor(one.totalMinor, one.currency);
    return total === link.state.total
      ? link
      : { ...link, state: { ...link.state, total, content: 'changed in the books' } };
  });
}

const correctionSuffix = ' correction';

function baseType(link: PostingLink): string {
  return link.remoteType.endsWith(correctionSuffix)
    ? link.remoteType.slice(0, -correctionSuffix.length)
    : link.remoteType;
}

function documentKey(remoteType: string, remoteId: string): string {
  return `${remoteType} ${remoteId}`;
}

function postingKey(orderId: bigint, refundId: bigint | null): string {
  return `${orderId} ${refundId ?? ''}`;
}

function count(channels: Map<string, ChannelTakings>, channel: Channel, entry: GraphEntry): void {
  if (!entry.isOfDay) return;
  const key = keyOf({ channel, currency: entry.currency });
  const one = channels.get(key) ?? {
    channel,
    currency: entry.currency,
    salesMinor: 0n,
    refundsMinor: 0n,
    sales: 0,
    refunds: 0,
  };
  if (entry.type === 'sale') {
    one.salesMinor += entry.amountMinor;
    one.sales += 1;
  } else {
    one.refundsMinor += entry.amountMinor;
    one.refunds += 1;
  }
  channels.set(key, one);
}

function keyOf({ channel, currency }: { channel: string; currency: string }): string {
  return `${currency} ${channel}`;
}
