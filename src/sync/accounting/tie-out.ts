import { currencyExponent, formatMinor } from '../../model/money.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { Standing } from './held.ts';

/*
 * A day's takings three times over: as the shop tells them, as the graph has them, as the books hold them. Every figure is
 * the sum of entries, and every difference between two sides is told entry by entry with what explains it, so that per
 * currency the left side less the right side is the sum of the differences, to the minor unit. Pure.
 */

/** One sale or refund of the day. Amounts of refunds are positive here and count below zero in sums. */
export interface TieOutEntry {
  type: 'sale' | 'refund';
  currency: string;
  amountMinor: bigint;
}

/** What the shop itself says of a sale or a refund. */
export interface ShopEntry extends TieOutEntry {
  connectionId: bigint;
  orderRemoteId: string;
  refundRemoteId: string | null;
  number: string;
  /** When the shop last changed the order. */
  updatedAt: Date;
}

/** What the graph holds of a sale or a refund. */
export interface GraphEntry extends TieOutEntry {
  connectionId: bigint;
  platform: PlatformName;
  orderId: bigint;
  orderRemoteId: string;
  refundId: bigint | null;
  refundRemoteId: string | null;
  number: string;
  updatedAt: Date;
  /** False: it belongs to another day, and is here because a document of this day speaks of it. */
  isOfDay: boolean;
  /** Money of it that is still under way. */
  isUnderWay: boolean;
  /** What it should be in the books, and what they hold of it on whichever day. */
  posting: PostingFacts;
}

export interface PostingFacts {
  /** `post`: documents stand or will stand; anything else: none do. */
  status: 'post' | 'waits' | 'never' | 'person';
  why: string;
  /** Why it never comes into the books, where that has a name of its own. */
  reason: 'test' | 'beforeHandover' | null;
  /** What its documents should come to. */
  wantedMinor: bigint;
  /** What its documents were last known to come to, with tenders that are no money and corrections counted in. */
  heldMinor: bigint;
  /** What of that tenders that are no money have taken off the document. */
  tendersMinor: bigint;
  /** How far writing has come. */
  push: 'none' | 'plan' | 'open' | 'settled' | 'dead' | 'dismissed';
  /** Where a person closed the writing of it: who, and why. */
  dismissed: string | null;
  error: string | null;
  remedy: string | null;
  errorCode: string | null;
  standing: Standing;
}

/** A document that the books hold on the day, by their own account. */
export interface BooksEntry extends TieOutEntry {
  documentType: string;
  remoteId: string;
  number: string | null;
  /** Which order or refund it stands for; null: it was not written by us, or for something that is gone. */
  of: { orderId: bigint; refundId: bigint | null } | null;
  isCorrection: boolean;
  /** Our mark is on it. */
  isOurs: boolean;
  /** What the document of a day holds beyond (or short of) its parts, which are entries of their own. */
  isRestOfDay: boolean;
}

export const differenceKinds = {
  notInGraph: 'The shop has it and the graph does not: its webhook was lost or is under way.',
  notInShop: 'The graph has it and the shop does not tell of it any more.',
  graphBehind: 'The shop has changed it since the graph last heard of it.',
  editedAway:
    'Taken off the order by an edit: the shop counts it as sold and taken back, the graph as never sold.',
  setOff: 'Given back against what was still owed: no money moved.',
  underWay: 'Money that is still on its way.',
  notAsked: 'This channel tells no day figures: the graph stands alone.',
  testOrder: 'A test order, which does not belong into the books.',
  beforeHandover: 'Of before the books were handed over.',
  notPosted: 'It does not belong into the books.',
  waiting: 'Something has to happen before it is posted.',
  posting: 'It is being written.',
  missingPosting: 'Nothing was planned for it.',
  observing: 'Writing is not unlocked: what would be written is a plan.',
  deadLetter: 'Writing it failed for good: a person must look.',
  dismissed: 'Writing it failed for good, and a person has closed it with a reason.',
  otherCurrency: 'The books do not take this currency.',
  editedByHand: 'Somebody has changed the document in the books.',
  deletedByHand: 'Somebody has deleted the document in the books, or dated it otherwise.',
  voided: 'A person has taken the document back.',
  booksDiffer: 'The document holds another amount than it was given.',
  customerCredit:
    'What came back is worth something else than the money that went back: the customer’s credit.',
  rounding: 'The books keep fewer decimals than the currency has.',
  closedPeriod: 'Its day is closed in the books: it, or what changed of it, is dated on the first open one.',
  otherDay: 'A document of this day for something of another day.',
  correction: 'A correction, dated on this day, of a document whose own day is closed.',
  dayDiffers:
    'The document of the day holds another sum than its parts: it is about to be written anew, or somebody has changed it.',
  notOurs: 'Entered into the books by somebody else.',
} as const;
export type DifferenceKind = keyof typeof differenceKinds;

export interface Difference {
  between: 'shopAndGraph' | 'graphAndBooks';
  kind: DifferenceKind;
  currency: string;
  /** What the left side has beyond the right one; refunds count below zero. */
  amountMinor: bigint;
  why: string;
  /** What a person can do; null where nothing needs doing. */
  remedy: string | null;
  number: string | null;
  orderId: bigint | null;
  refundId: bigint | null;
  /** The document in the books that it is about. */
  document: { type: string; remoteId: string; number: string | null } | null;
}

export interface TieOutSide {
  salesMinor: bigint;
  refundsMinor: bigint;
  netMinor: bigint;
  sales: number;
  refunds: number;
}

export interface TieOutCurrency {
  currency: string;
  /** Null: no shop could be asked. */
  shop: TieOutSide | null;
  graph: TieOutSide;
  books: TieOutSide;
  differences: Difference[];
}

/** @param asked connections whose shops have told their day; null where none could be asked */
export function tieOut(given: {
  shop: readonly ShopEntry[];
  asked: ReadonlySet<bigint> | null;
  graph: readonly GraphEntry[];
  books: readonly BooksEntry[];
}): TieOutCurrency[] {
  const ofDay = given.graph.filter((one) => one.isOfDay);
  const differences = [
    ...(given.asked === null ? [] : shopDifferences(given.shop, given.graph, given.asked)),
    ...booksDifferences(given.graph, given.books),
  ];
  const currencies = new Set(
    [...given.shop, ...ofDay, ...given.books, ...differences].map((one) => one.currency),
  );
  return [...currencies].sort().map((currency) => {
    const within = <T extends { currency: string }>(all: readonly T[]): T[] =>
      all.filter((one) => one.currency === currency);
    return {
      currency,
      shop: given.asked === null ? null : sideOf(within(given.shop)),
      graph: sideOf(within(ofDay)),
      books: sideOf(within(given.books)),
      differences: within(differences),
    };
  });
}

function sideOf(entries: readonly TieOutEntry[]): TieOutSide {
  const sum = (type: TieOutEntry['type']): bigint =>
    entries.filter((one) => one.type === type).reduce((all, one) => all + one.amountMinor, 0n);
  const count = (type: TieOutEntry['type']): number => entries.filter((one) => one.type === type).length;
  const salesMinor = sum('sale');
  const refundsMinor = sum('refund');
  return {
    salesMinor,
    refundsMinor,
    netMinor: salesMinor - refundsMinor,
    sales: count('sale'),
    refunds: count('refund'),
  };
}

function signed(entry: TieOutEntry): bigint {
  return entry.type === 'sale' ? entry.amountMinor : -entry.amountMinor;
}

// ── the shop and the graph ──

function shopDifferences(
  shop: readonly ShopEntry[],
  graph: readonly GraphEntry[],
  asked: ReadonlySet<bigint>,
): Difference[] {
  const known = new Map(graph.map((one) => [keyOf(one), one]));
  const orders = new Map(graph.map((one) => [orderKey(one), one]));
  const told = new Set(shop.map(keyOf));
  const differences = shop.flatMap((one) => {
    const held = known.get(keyOf(one));
    const heldMinor = held?.isOfDay === true ? signed(held) : 0n;
    if (signed(one) === heldMinor) return [];
    const order = orders.get(orderKey(one));
    return [shopDifference(one, held, order, signed(one) - heldMinor)];
  });
  for (const one of graph) {
    if (!one.isOfDay || told.has(keyOf(one)) || one.amountMinor === 0n) continue;
    const common = { ...about(one), between: 'shopAndGraph', currency: one.currency } as const;
    const amountMinor = -signed(one);
    differences.push(
      asked.has(one.connectionId)
        ? {
            ...common,
            kind: 'notInShop',
            amountMinor,
            why: differenceKinds.notInShop,
            remedy: 'Sweep the shop; where it is deleted there, void what stands in the books.',
          }
        : { ...common, kind: 'notAsked', amountMinor, why: differenceKinds.notAsked, remedy: null },
    );
  }
  return differences;
}

function shopDifference(
  one: ShopEntry,
  held: GraphEntry | undefined,
  order: GraphEntry | undefined,
  amountMinor: bigint,
): Difference {
  const say = (kind: DifferenceKind, remedy: string | null): Difference => ({
    between: 'shopAndGraph',
    kind,
    currency: one.currency,
    amountMinor,
    why: differenceKinds[kind],
    remedy,
    number: one.number,
    orderId: order?.orderId ?? null,
    refundId: held?.refundId ?? null,
    document: null,
  });
  const sweep = 'Wait a moment, then sweep the shop: what was lost is read again.';
  if (order === undefined) return say('notInGraph', sweep);
  if (one.updatedAt.getTime() > order.updatedAt.getTime()) return say('graphBehind', sweep);
  // Money that went back because an edit made the order cheaper than what was paid is no refund in the graph.
  if (held === undefined || one.type === 'sale') return say('editedAway', null);
  return say(held.isUnderWay ? 'underWay' : 'setOff', null);
}

function keyOf(one: {
  connectionId: bigint;
  orderRemoteId: string;
  refundRemoteId: string | null;
  currency: string;
}): string {
  return `${orderKey(one)} ${one.refundRemoteId ?? ''} ${one.currency}`;
}

function orderKey(one: { connectionId: bigint; orderRemoteId: string }): string {
  return `${one.connectionId} ${one.orderRemoteId}`;
}

function about(one: GraphEntry): Pick<Difference, 'number' | 'orderId' | 'refundId' | 'document'> {
  return { number: one.number, orderId: one.orderId, refundId: one.refundId, document: null };
}

// ── the graph and the books ──

/**
 * Each posting in three steps, so that every cause keeps its own amount: what it is against what its documents should
 * come to, that against what the books hold of it on any day, that against what they hold on this day.
 */
function booksDifferences(graph: readonly GraphEntry[], books: readonly BooksEntry[]): Difference[] {
  const documents = Map.groupBy(books, (one) => (one.of === null ? '' : postingKey(one.of)));
  const differences: Difference[] = [];
  for (const one of graph) {
    const own = documents.get(postingKey(one)) ?? [];
    documents.delete(postingKey(one));
    differences.push(...postingDifferences(one, own));
  }
  for (const one of [...documents.values()].flat()) differences.push(foreign(one));
  return differences.filter((one) => one.amountMinor !== 0n);
}

function postingDifferences(one: GraphEntry, documents: readonly BooksEntry[]): Difference[] {
  const { posting } = one;
  const sign = one.type === 'sale' ? 1n : -1n;
  const here = documents.filter((document) => document.currency === one.currency);
  const onDayMinor = here.reduce((sum, document) => sum + signed(document), 0n);
  const isMine = one.isOfDay;
  const graphMinor = isMine ? signed(one) : 0n;
  const wantedMinor = isMine ? sign * posting.wantedMinor : 0n;
  const heldMinor = isMine ? sign * posting.heldMinor : 0n;
  const say = (
    kind: DifferenceKind,
    amountMinor: bigint,
    more: { why?: string; remedy?: string | null } = {},
  ): Difference => ({
    ...about(one),
    between: 'graphAndBooks',
    kind,
    currency: one.currency,
    amountMinor,
    why: more.why ?? differenceKinds[kind],
    remedy: more.remedy ?? null,
    document: documentOf(here[0]),
  });
  return [
    posting.status === 'post'
      ? worthDifference(one, graphMinor - wantedMinor, say)
      : unposted(posting, graphMinor - wantedMinor, say),
    unheld(posting, wantedMinor - heldMinor, say),
    elsewhere(here, isMine, heldMinor - onDayMinor, say),
    // A document that says another currency than the order is a stranger to both sums.
    ...documents.filter((document) => document.currency !== one.currency).map(foreign),
  ];
}

type Say = (
  kind: DifferenceKind,
  amountMinor: bigint,
  more?: { why?: string; remedy?: string | null },
) => Difference;

function worthDifference(one: GraphEntry, amountMinor: bigint, say: Say): Difference {
  const isFraction = currencyExponent(one.currency) > 2 && amountMinor < 10n && amountMinor > -10n;
  return one.type === 'sale' || isFraction
    ? say('rounding', amountMinor)
    : say('customerCredit', amountMinor);
}

function unposted({ status, reason, why }: PostingFacts, amountMinor: bigint, say: Say): Difference {
  if (reason === 'test') return say('testOrder', amountMinor, { why });
  if (reason === 'beforeHandover') return say('beforeHandover', amountMinor, { why });
  if (status === 'waits') return say('waiting', amountMinor, { why });
  if (status === 'person')
    return say('deadLetter', amountMinor, { why, remedy: 'Post it in the books by hand.' });
  return say('notPosted', amountMinor, { why });
}

/** Why the books do not hold what they should. */
function unheld(posting: PostingFacts, amountMinor: bigint, say: Say): Difference {
  const { push, standing } = posting;
  const why = posting.error ?? undefined;
  const repost = 'Post it anew (postingRepost), or leave the books as they are.';
  if (standing === 'voided')
    return say('voided', amountMinor, {
      remedy: 'Post it anew (postingRepost) where it is wanted after all.',
    });
  if (push === 'dead')
    return say(posting.errorCode === 'QUICKBOOKS_CURRENCY' ? 'otherCurrency' : 'deadLetter', amountMinor, {
      ...(why === undefined ? {} : { why }),
      remedy: posting.remedy,
    });
  if (push === 'dismissed')
    return say('dismissed', amountMinor, {
      ...(posting.dismissed === null ? {} : { why: posting.dismissed }),
      remedy:
        'None is needed. Where it is wanted in the books after all, retry the push (pushRetry) or post it anew (postingRepost).',
    });
  if (standing === 'deleted') return say('deletedByHand', amountMinor, { remedy: repost });
  if (push === 'plan')
    return say('observing', amountMinor, {
      remedy: 'Unlock writing to the books where it shall be written.',
    });
  if (push === 'open')
    return say('posting', amountMinor, {
      ...(why === undefined ? {} : { why }),
      remedy: posting.remedy,
    });
  if (standing === 'edited') return say('editedByHand', amountMinor, { remedy: repost });
  if (standing === 'none')
    return say('missingPosting', amountMinor, {
      remedy: 'Sweep the shop: what is owed to the books is planned anew.',
    });
  return say('booksDiffer', amountMinor, {
    remedy: 'Compare the document with the order; post it anew (postingRepost) where the books are wrong.',
  });
}

/** Why the books hold it on another day, or hold something of another day on this one. */
function elsewhere(
  documents: readonly BooksEntry[],
  isMine: boolean,
  amountMinor: bigint,
  say: Say,
): Difference {
  if (documents.some((one) => one.isCorrection)) return say('correction', amountMinor);
  return isMine ? say('closedPeriod', amountMinor) : say('otherDay', amountMinor);
}

function foreign(one: BooksEntry): Difference {
  if (one.isRestOfDay)
    return {
      between: 'graphAndBooks',
      kind: 'dayDiffers',
      currency: one.currency,
      amountMinor: -signed(one),
      why: differenceKinds.dayDiffers,
      remedy:
        'Wait until it is written anew; where somebody has changed it, post one of its orders anew (postingRepost).',
      number: null,
      orderId: null,
      refundId: null,
      document: documentOf(one),
    };
  const name = `${one.documentType} ${one.number ?? one.remoteId}`;
  const amount = `${formatMinor(one.amountMinor, one.currency)} ${one.currency}`;
  return {
    between: 'graphAndBooks',
    kind: 'notOurs',
    currency: one.currency,
    amountMinor: -signed(one),
    why: one.isOurs
      ? `${name} over ${amount} was written by Tributary for something that the graph does not hold any more.`
      : `${name} over ${amount} was entered into the books by somebody else.`,
    remedy: one.isOurs
      ? 'Void it in the books where what it stands for is gone.'
      : 'Check that it does not count something twice that came through a shop.',
    number: null,
    orderId: one.of?.orderId ?? null,
    refundId: one.of?.refundId ?? null,
    document: documentOf(one),
  };
}

function documentOf(one: BooksEntry | undefined): Difference['document'] {
  return one === undefined ? null : { type: one.documentType, remoteId: one.remoteId, number: one.number };
}

function postingKey(of: { orderId: bigint; refundId: bigint | null }): string {
  return of.refundId === null ? `order ${of.orderId}` : `refund ${of.refundId}`;
}
