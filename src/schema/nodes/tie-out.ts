import { read, sql } from '../../loaders/sql.ts';
import { formatMinor, parseMinor } from '../../model/money.ts';
import {
  type TieOutCurrency as CurrencyValue,
  type Difference,
  type DifferenceKind,
  differenceKinds,
  type TieOutSide as SideValue,
} from '../../sync/accounting/tie-out.ts';
import { type ChannelTakings, readTieOut, type TieOutDay } from '../../sync/tie-out/read-tie-out.ts';
import { builder } from '../builder.ts';
import { Money, type MoneyValue, money } from '../common.ts';
import { ChannelEnum, enumOf } from '../enums.ts';
import { Order, Refund } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { Payout } from './payout.ts';
import { Connection } from './sync.ts';

// A day of the shop, of the graph and of the books side by side, with every difference explained.

const DifferenceEnum = enumOf('TieOutDifferenceKind', 'What explains a difference.', differenceKinds);

const BetweenEnum = enumOf('TieOutSides', 'Which two sides differ.', {
  shopAndGraph: 'What the shop says, and what the graph has.',
  graphAndBooks: 'What the graph has, and what the books hold.',
});

type Within<T> = T & { currency: string };

const Side = builder.objectRef<Within<SideValue>>('TieOutFigures').implement({
  description: 'A day in figures, as one side has it.',
  fields: (t) => ({
    sales: t.field({
      type: Money,
      description: 'Orders placed on the day, after edits and before refunds.',
      resolve: (side) => exact(side.salesMinor, side.currency),
    }),
    refunds: t.field({
      type: Money,
      description: 'Given back on the day, whenever the order was placed.',
      resolve: (side) => exact(side.refundsMinor, side.currency),
    }),
    net: t.field({
      type: Money,
      description: '`sales` less `refunds`.',
      resolve: (side) => exact(side.netMinor, side.currency),
    }),
    saleCount: t.exposeInt('sales', { description: 'How many sales.' }),
    refundCount: t.exposeInt('refunds', { description: 'How many refunds.' }),
  }),
});

const DifferenceDocument = builder
  .objectRef<NonNullable<Difference['document']> & { url: string | null }>('TieOutDocument')
  .implement({
    description: 'A document in the books that a difference is about.',
    fields: (t) => ({
      type: t.exposeString('type', { description: 'Its kind, as the books call it.' }),
      remoteId: t.exposeString('remoteId', { description: 'Its id in the books.' }),
      number: t.exposeString('number', { nullable: true, description: 'Its number.' }),
      url: t.exposeString('url', { nullable: true, description: 'Where people look at it.' }),
    }),
  });

type DifferenceValue = Difference & { urlOf: ((type: string, id: string) => string) | null };

const TieOutDifference = builder.objectRef<DifferenceValue>('TieOutDifference').implement({
  description: 'One difference between two sides, explained.',
  fields: (t) => ({
    between: t.field({ type: BetweenEnum, description: 'Which sides.', resolve: (one) => one.between }),
    kind: t.field({ type: DifferenceEnum, description: 'What explains it.', resolve: (one) => one.kind }),
    amount: t.field({
      type: Money,
      description: 'What the first side has beyond the second; refunds count below zero.',
      resolve: (one) => exact(one.amountMinor, one.currency),
    }),
    why: t.exposeString('why', { description: 'The same in words.' }),
    remedy: t.exposeString('remedy', {
      nullable: true,
      description: 'What a person can do; null where nothing needs doing.',
    }),
    number: t.exposeString('number', { nullable: true, description: 'Number of the order.' }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order; null where the graph has none.',
      authScopes: { can: 'read:orders' },
      resolve: (one) => one.orderId?.toString() ?? null,
    }),
    refund: t.field({
      type: Refund,
      nullable: true,
      description: 'The refund, where it is about one.',
      authScopes: { can: 'read:orders' },
      resolve: (one) => one.refundId?.toString() ?? null,
    }),
    document: t.field({
      type: DifferenceDocument,
      nullable: true,
      description: 'The document in the books.',
      resolve: ({ document, urlOf }) =>
        document === null ? null : { ...document, url: urlOf?.(document.type, document.remoteId) ?? null },
    }),
  }),
});

interface ReasonValue {
  between: Difference['between'];
  kind: DifferenceKind;
  count: number;
  amountMinor: bigint;
  currency: string;
}

const TieOutReason = builder.objectRef<ReasonValue>('TieOutReason').implement({
  description: 'All differences of one kind together.',
  fields: (t) => ({
    between: t.field({ type: BetweenEnum, description: 'Which sides.', resolve: (one) => one.between }),
    kind: t.field({ type: DifferenceEnum, description: 'What explains them.', resolve: (one) => one.kind }),
    description: t.string({
      description: 'The same in words.',
      resolve: (one) => differenceKinds[one.kind],
    }),
    count: t.exposeInt('count', { description: 'How many differences have this cause.' }),
    amount: t.field({
      type: Money,
      description: 'What they come to.',
      resolve: (one) => exact(one.amountMinor, one.currency),
    }),
  }),
});

type CurrencyRow = CurrencyValue & Pick<DifferenceValue, 'urlOf'>;

const mostDifferences = 1_000;

const TieOutCurrency = builder.objectRef<CurrencyRow>('TieOutCurrency').implement({
  description: 'One currency of a day: three sides and what lies between them.',
  fields: (t) => ({
    currency: t.exposeString('currency', {
      description: 'Currency of all amounts beside it, ISO 4217: `EUR`.',
    }),
    channel: t.field({
      type: Side,
      nullable: true,
      description: 'What the shops themselves say, asked now; null where none was asked or answered.',
      resolve: ({ shop, currency }) => (shop === null ? null : { ...shop, currency }),
    }),
    graph: t.field({
      type: Side,
      description: 'What the graph has.',
      resolve: ({ graph, currency }) => ({ ...graph, currency }),
    }),
    books: t.field({
      type: Side,
      description: 'What the books hold: documents dated on the day, whoever entered them.',
      resolve: ({ books, currency }) => ({ ...books, currency }),
    }),
    agrees: t.boolean({
      description: 'All sides are equal, to the minor unit.',
      resolve: ({ differences }) => differences.length === 0,
    }),
    reasons: t.field({
      type: [TieOutReason],
      description: 'Differences by kind: per pair of sides they add up to what lies between them.',
      resolve: ({ differences, currency }) => reasonsOf(differences, currency),
    }),
    differenceCount: t.int({
      description: 'How many differences there are.',
      resolve: ({ differences }) => differences.length,
    }),
    differences: t.field({
      type: [TieOutDifference],
      description: 'Each difference, those that need a person first.',
      args: {
        first: t.arg.int({ defaultValue: 100, description: 'How many at most; 1,000 are given at once.' }),
        kinds: t.arg({ type: [DifferenceEnum], description: 'Only of these kinds.' }),
      },
      resolve: ({ differences, urlOf }, args) =>
        differences
          .filter((one) => args.kinds == null || args.kinds.includes(one.kind))
          .toSorted((a, b) => Number(a.remedy === null) - Number(b.remedy === null))
          .slice(0, Math.max(0, Math.min(args.first ?? 100, mostDifferences)))
          .map((one) => ({ ...one, urlOf })),
    }),
  }),
});

const TieOutChannel = builder.objectRef<ChannelTakings>('TieOutChannel').implement({
  description: 'What the graph has of one channel on the day.',
  fields: (t) => ({
    channel: t.field({ type: ChannelEnum, description: 'Which one.', resolve: (one) => one.channel }),
    sales: t.field({
      type: Money,
      description: 'Orders placed.',
      resolve: (one) => exact(one.salesMinor, one.currency),
    }),
    refunds: t.field({
      type: Money,
      description: 'Given back.',
      resolve: (one) => exact(one.refundsMinor, one.currency),
    }),
    saleCount: t.exposeInt('sales', { description: 'How many orders.' }),
    refundCount: t.exposeInt('refunds', { description: 'How many refunds.' }),
  }),
});

interface PayoutRow {
  id: string;
  currency: string;
  netMinor: string;
  status: string;
  remoteType: string | null;
  remoteId: string | null;
  total: string | null;
  pushStatus: string | null;
  error: string | null;
  remedy: string | null;
}

const TieOutPayout = builder.objectRef<PayoutRow>('TieOutPayout').implement({
  description: 'A payout issued on the day beside its deposit in the books.',
  fields: (t) => ({
    payout: t.field({
      type: Payout,
      description: 'The payout, with what it is made of.',
      authScopes: { can: 'read:orders' },
      resolve: (row) => row.id,
    }),
    net: t.field({
      type: Money,
      description: 'What reached the bank.',
      resolve: (row) => money(row.netMinor, row.currency),
    }),
    deposited: t.field({
      type: Money,
      nullable: true,
      description: 'What the books hold of it; null where they do not yet.',
      resolve: (row) => (row.total === null ? null : exact(minorOf(row), row.currency)),
    }),
    difference: t.field({
      type: Money,
      description: '`net` less `deposited`.',
      resolve: (row) => exact(BigInt(row.netMinor) - minorOf(row), row.currency),
    }),
    why: t.string({ description: 'How far it has come into the books.', resolve: whyOfPayout }),
    remedy: t.exposeString('remedy', { nullable: true, description: 'What a person can do.' }),
  }),
});

type DayValue = TieOutDay & Pick<DifferenceValue, 'urlOf'>;

const TieOut = builder.objectRef<DayValue>('TieOut').implement({
  description:
    'A day three times over: what the shops say, what the graph has and what the books hold, with every difference explained.',
  fields: (t) => ({
    date: t.exposeString('day', { description: 'The day, for example `2026-11-29`.' }),
    timeZone: t.exposeString('timeZone', { description: 'Whose day it is: that of the posting policy.' }),
    from: t.field({ type: 'DateTime', description: 'Its first moment.', resolve: (day) => day.from }),
    to: t.field({
      type: 'DateTime',
      description: 'The first moment of the next day.',
      resolve: (day) => day.to,
    }),
    books: t.prismaField({
      type: Connection,
      description: 'Whose books.',
      authScopes: { can: 'read:sync' },
      resolve: (query, day, _args, context) =>
        context.services.prisma.connection.findUniqueOrThrow({
          ...query,
          where: { id: day.booksId },
        }) as never,
    }),
    agrees: t.boolean({
      description: 'All sides are equal in every currency.',
      resolve: ({ currencies }) => currencies.every((one) => one.differences.length === 0),
    }),
    currencies: t.field({
      type: [TieOutCurrency],
      description: 'Each currency on its own: amounts of several are never added.',
      resolve: ({ currencies, urlOf }) => currencies.map((one) => ({ ...one, urlOf })),
    }),
    channels: t.field({
      type: [TieOutChannel],
      description: 'What the graph has, by channel.',
      resolve: (day) => day.channels,
    }),
    payouts: t.field({
      type: [TieOutPayout],
      description: 'Payouts issued on the day; 250 at most.',
      resolve: (day, _args, context) => payoutsOf(context, day),
    }),
    notes: t.exposeStringList('notes', {
      description: 'What could not be asked, and what stands in its place.',
    }),
  }),
});

builder.queryField('tieOut', (t) =>
  t.field({
    type: TieOut,
    description:
      'Ties out a day: the shops’ own figures, the graph’s and the books’, exact per currency, each difference with its cause, its remedy and a way down to the order, refund or payout. Asks the shops and the books.',
    authScopes: { can: 'read:orders' },
    complexity: 250,
    args: {
      date: t.arg.string({
        description:
          'The day in the time zone of the posting policy, for example `2026-11-29`; left out, the day that it is there now.',
      }),
      connectionId: t.arg.globalID({
        for: Connection,
        description: 'Whose books, where several accounts keep some.',
      }),
      ask: t.arg.boolean({
        defaultValue: true,
        description:
          'Whether shops and books are asked now; else the graph is compared with what the books were last known to hold.',
      }),
    },
    resolve: async (_root, args, context): Promise<DayValue> => {
      const { services, db } = context;
      const day = await readTieOut(
        { db, platforms: services.platforms, session: services.session },
        {
          day: args.date ?? null,
          booksId: args.connectionId == null ? null : BigInt(args.connectionId.id),
          ask: args.ask ?? true,
        },
      );
      return { ...day, urlOf: services.platforms[day.platform]?.books?.urlOf ?? null };
    },
  }),
);

function reasonsOf(differences: readonly Difference[], currency: string): ReasonValue[] {
  const reasons = new Map<string, ReasonValue>();
  for (const { between, kind, amountMinor } of differences) {
    const key = `${between} ${kind}`;
    const reason = reasons.get(key) ?? { between, kind, count: 0, amountMinor: 0n, currency };
    reason.count += 1;
    reason.amountMinor += amountMinor;
    reasons.set(key, reason);
  }
  return [...reasons.values()];
}

async function payoutsOf({ db }: OperationContext, day: TieOutDay): Promise<PayoutRow[]> {
  return await read<PayoutRow>(
    db,
    sql`select p.id, p.currency, p.net_minor as "netMinor", p.status, l.remote_type as "remoteType",
          l.remote_id as "remoteId", l.remote_state->>'total' as total, s.status::text as "pushStatus", s.error, s.remedy
        from payout p
        left join lateral (select * from link where connection_id = ${day.booksId.toString()}::bigint
          and entity_type = 'Payout' and entity_id = p.id and remote_version is not null
          order by seen_at desc, id desc limit 1) l on true
        left join lateral (select status, error, remedy from push where connection_id = ${day.booksId.toString()}::bigint
          and kind = 'deposit' and subject_type = 'Payout' and subject_id = p.id and status <> 'superseded'
          order by version desc limit 1) s on true
        where p.issued_at >= ${day.from}::timestamptz and p.issued_at < ${day.to}::timestamptz
        order by p.issued_at, p.id limit 250`,
  );
}

function minorOf({ total, currency }: PayoutRow): bigint {
  return total === null ? 0n : parseMinor(total, currency);
}

function whyOfPayout(row: PayoutRow): string {
  if (row.pushStatus === 'dismissed') return differenceKinds.dismissed;
  if (row.error !== null && row.pushStatus !== 'settled') return row.error;
  if (row.total !== null)
    return minorOf(row) === BigInt(row.netMinor) ? 'It is deposited.' : 'The deposit differs.';
  if (row.pushStatus === 'plan') return differenceKinds.observing;
  if (row.pushStatus !== null) return differenceKinds.posting;
  if (row.status === 'scheduled') return 'It is on its way to the bank.';
  return row.status === 'cancelled' ? 'It was cancelled.' : 'The posting policy leaves payouts out.';
}

function exact(minor: bigint, currency: string): MoneyValue {
  return { amount: formatMinor(minor, currency), currencyCode: currency };
}
