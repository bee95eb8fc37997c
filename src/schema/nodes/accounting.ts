import DataLoader from 'dataloader';
import { currencyExponent, formatMinor } from '../../model/money.ts';
import type { OrderSnapshot } from '../../model/snapshot.ts';
import type { Posting, PostingDocument } from '../../sync/accounting/documents.ts';
import { heldOf } from '../../sync/accounting/held.ts';
import {
  type BooksConnection,
  loadPostingFacts,
  type PostingLink,
  type PostingPush,
  type PostingSummary,
  summaryOf,
} from '../../sync/graph/posting-facts.ts';
import { loadOrderSnapshots } from '../../sync/graph/snapshots.ts';
import type { BooksView } from '../../sync/platforms/platform.ts';
import { builder } from '../builder.ts';
import { Money, type MoneyValue } from '../common.ts';
import { enumOf } from '../enums.ts';
import { Order, Refund } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { DaySummary } from './day-summary.ts';
import { Connection } from './sync.ts';

// What orders and refunds are in the books: worked out by the same pure core that plans the pushes, beside what stands there.

const AccountingStatusEnum = enumOf('AccountingStatus', 'How far something has come into the books.', {
  posted: 'It stands there.',
  posting: 'It is being written.',
  planned: 'It would be written: this account only observes.',
  waits: 'Something has to happen first; it is posted by itself then.',
  never: 'It does not belong into the books.',
  person: 'A person must look at it.',
  dismissed: 'Writing it failed for good, and a person has closed it: `why` says who and for what reason.',
});

interface LineValue {
  kind: string;
  description: string;
  quantity: number;
  net: MoneyValue;
  tax: MoneyValue;
}

interface DocumentValue {
  type: string;
  total: MoneyValue;
  lines: LineValue[];
  taxes: { title: string; rate: string; amount: MoneyValue }[];
  at: Date;
  number: string | null;
  remoteId: string | null;
  url: string | null;
}

interface AccountingValue {
  connectionId: bigint;
  refundId: bigint | null;
  /** The document of a day that it is part of. */
  summaryId: bigint | null;
  status: 'posted' | 'posting' | 'planned' | 'waits' | 'never' | 'person' | 'dismissed';
  why: string;
  documents: DocumentValue[];
  /** What the books hold of it, and what it should be there; minor units. */
  heldMinor: bigint;
  valueMinor: bigint;
}

const AccountingLine = builder.objectRef<LineValue>('AccountingLine').implement({
  description: 'One line of a document.',
  fields: (t) => ({
    kind: t.exposeString('kind', {
      description: 'What it is: `sale`, `shipping`, `discount`, `tip`, `giftCard`, …',
    }),
    description: t.exposeString('description', { description: 'As it stands in the document.' }),
    quantity: t.exposeInt('quantity', { description: 'How many units the line is over.' }),
    net: t.field({ type: Money, description: 'Without tax.', resolve: (line) => line.net }),
    tax: t.field({ type: Money, description: 'Its share of the tax.', resolve: (line) => line.tax }),
  }),
});

const AccountingTax = builder.objectRef<DocumentValue['taxes'][number]>('AccountingTax').implement({
  description: 'One tax of a document.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'What it is called.' }),
    rate: t.field({ type: 'Decimal', description: '`"0.19"` is 19 %.', resolve: (tax) => tax.rate }),
    amount: t.field({
      type: Money,
      description: 'Tax of this rate on the whole document.',
      resolve: (tax) => tax.amount,
    }),
  }),
});

const AccountingDocument = builder.objectRef<DocumentValue>('AccountingDocument').implement({
  description: 'A document in the books, or one that would be written.',
  fields: (t) => ({
    type: t.exposeString('type', {
      description:
        '`SalesReceipt`, `Invoice`, `Payment`, `CreditMemo`, `RefundReceipt`, `Expense` or `CreditApplication`.',
    }),
    total: t.field({ type: Money, description: 'What it comes to.', resolve: (one) => one.total }),
    lines: t.field({
      type: [AccountingLine],
      description: 'Its lines; none for what only moves money.',
      resolve: (one) => one.lines,
    }),
    taxes: t.field({
      type: [AccountingTax],
      description: 'What the document shows of tax, by rate.',
      resolve: (one) => one.taxes,
    }),
    date: t.field({ type: 'DateTime', description: 'When it happened.', resolve: (one) => one.at }),
    number: t.exposeString('number', { nullable: true, description: 'Its number in the books.' }),
    remoteId: t.exposeString('remoteId', {
      nullable: true,
      description: 'Its id in the books; null until it stands there.',
    }),
    url: t.exposeString('url', { nullable: true, description: 'Where people look at it.' }),
  }),
});

const Accounting = builder.objectRef<AccountingValue>('Accounting').implement({
  description: 'What an order or a refund is in the books of one account, and why.',
  fields: (t) => ({
    connection: t.prismaField({
      type: Connection,
      description: 'Whose books.',
      authScopes: { can: 'read:sync' },
      resolve: (query, value, _args, context) =>
        context.services.prisma.connection.findUniqueOrThrow({
          ...query,
          where: { id: value.connectionId },
        }) as never,
    }),
    refund: t.field({
      type: Refund,
      nullable: true,
      description: 'The refund it is about; null for the sale.',
      authScopes: { can: 'read:orders' },
      resolve: (value) => value.refundId?.toString() ?? null,
    }),
    status: t.field({
      type: AccountingStatusEnum,
      description: 'How far it has come.',
      resolve: (value) => value.status,
    }),
    why: t.exposeString('why', { description: 'Why it is so, in words.' }),
    summary: t.field({
      type: DaySummary,
      nullable: true,
      description: 'The document of a day that it is part of; null where it has documents of its own.',
      authScopes: { can: 'read:orders' },
      resolve: (value) => value.summaryId?.toString() ?? null,
    }),
    documents: t.field({
      type: [AccountingDocument],
      description: 'Its documents, as they are or would be written.',
      resolve: (value) => value.documents,
    }),
  }),
});

interface BalanceValue {
  ordered: MoneyValue;
  paid: MoneyValue;
  refunded: MoneyValue;
  posted: MoneyValue;
  difference: MoneyValue;
  why: string;
}

const OrderBalance = builder.objectRef<BalanceValue>('OrderBalance').implement({
  description: 'An order in figures: what the graph has beside what the books hold.',
  fields: (t) => ({
    ordered: t.field({
      type: Money,
      description: 'After edits, before refunds.',
      resolve: (one) => one.ordered,
    }),
    paid: t.field({ type: Money, description: 'What was paid.', resolve: (one) => one.paid }),
    refunded: t.field({ type: Money, description: 'What was given back.', resolve: (one) => one.refunded }),
    posted: t.field({
      type: Money,
      description: 'What the books hold of it: the sale less what came back.',
      resolve: (one) => one.posted,
    }),
    difference: t.field({
      type: Money,
      description: '`ordered` less `refunded` less `posted`.',
      resolve: (one) => one.difference,
    }),
    why: t.exposeString('why', { description: 'What explains the difference, in words.' }),
  }),
});

builder.objectField(Order, 'accounting', (t) =>
  t.field({
    type: [Accounting],
    description: 'What its sale is in the books, for each account that keeps some.',
    complexity: 10,
    resolve: async (order, _args, context) =>
      (await accountingOf(context, order.id)).filter((one) => one.refundId === null),
  }),
);

builder.objectField(Refund, 'accounting', (t) =>
  t.field({
    type: [Accounting],
    description: 'What it is in the books, for each account that keeps some.',
    complexity: 10,
    resolve: async (refund, _args, context) =>
      (await accountingOf(context, refund.orderId)).filter((one) => one.refundId?.toString() === refund.id),
  }),
);

builder.objectField(Order, 'balance', (t) =>
  t.field({
    type: [OrderBalance],
    description:
      'What was ordered, paid and given back beside what the books hold, for each account that keeps some.',
    complexity: 10,
    resolve: async (order, _args, context) => {
      const all = await accountingOf(context, order.id);
      const money = (minor: bigint): MoneyValue => ({
        amount: formatMinor(minor, order.currency),
        currencyCode: order.currency,
      });
      return [...Map.groupBy(all, (one) => one.connectionId).values()].map((parts): BalanceValue => {
        const posted = parts.reduce(
          (sum, one) => sum + (one.refundId === null ? one.heldMinor : -one.heldMinor),
          0n,
        );
        const expected = BigInt(order.totalMinor) - BigInt(order.refundedMinor);
        const difference = expected - posted;
        return {
          ordered: money(BigInt(order.totalMinor)),
          paid: money(BigInt(order.paidMinor)),
          refunded: money(BigInt(order.refundedMinor)),
          posted: money(posted),
          difference: money(difference),
          why: difference === 0n ? 'The books agree.' : whyDifferent(parts, order.currency, difference),
        };
      });
    },
  }),
);

builder.queryField('postingPreview', (t) =>
  t.field({
    type: [Accounting],
    description:
      'Every document that an order and its refunds have or would have in the books, before anything is written: also for accounts that only observe.',
    authScopes: { can: 'read:orders' },
    complexity: 10,
    args: { orderId: t.arg.globalID({ for: Order, required: true, description: 'Of which order.' }) },
    resolve: (_root, args, context) => accountingOf(context, args.orderId.id),
  }),
);

function whyDifferent(parts: readonly AccountingValue[], currency: string, difference: bigint): string {
  const open = parts.filter((one) => one.status !== 'posted');
  const reasons = open.map((one) => `${one.refundId === null ? 'The sale' : 'A refund'}: ${one.why}`);
  if (reasons.length > 0) return [...new Set(reasons)].join(' ');
  const size = difference < 0n ? -difference : difference;
  if (currencyExponent(currency) > 2 && size < 10n * BigInt(parts.length))
    return 'The books keep two decimals: less than one of them is rounded.';
  const changed = parts.some((one) => one.heldMinor !== one.valueMinor);
  if (changed) return 'A document in the books holds another amount than it was given.';
  return 'What came back is worth something else than the money that went back: the rest is credit of the customer.';
}

const loaders = new WeakMap<OperationContext, DataLoader<string, AccountingValue[]>>();

function accountingOf(context: OperationContext, orderId: string): Promise<AccountingValue[]> {
  let loader = loaders.get(context);
  if (loader === undefined) {
    loader = new DataLoader((ids: readonly string[]) => loadAccounting(context, ids));
    loaders.set(context, loader);
  }
  return loader.load(orderId);
}

type Books = BooksConnection;

/** Four statements for all orders that an operation asks about, then the pure core. */
async function loadAccounting(
  context: OperationContext,
  ids: readonly string[],
): Promise<AccountingValue[][]> {
  const orders = await loadOrderSnapshots(context.db, ids.map(BigInt));
  const refundIds = [...orders.values()].flatMap((order) => order.refunds.map((one) => one.id));
  const { connections, links, pushes, summaries } = await loadPostingFacts(
    context.db,
    ids.map(BigInt),
    refundIds,
  );
  return ids.map((id) => {
    const order = orders.get(BigInt(id));
    if (order === undefined) return [];
    return connections.flatMap((one) => {
      const platform = context.services.platforms[one.platform];
      if (platform?.books === undefined || order.platform === one.platform) return [];
      const facts = { connection: one, books: platform.books, links, pushes, summaries };
      return [
        accountingFrom(facts, order, null),
        ...order.refunds.map((refund) => accountingFrom(facts, order, refund.id)),
      ];
    });
  });
}

interface Facts {
  connection: Books;
  books: BooksView;
  links: readonly PostingLink[];
  pushes: readonly PostingPush[];
  summaries: readonly PostingSummary[];
}

function accountingFrom(facts: Facts, order: OrderSnapshot, refundId: bigint | null): AccountingValue {
  const { connection, books } = facts;
  const of = (type: string, id: bigint): PostingLink[] =>
    facts.links.filter(
      (link) => link.connectionId === connection.id && link.entityType === type && link.entityId === id,
    );
  const form = of('Order', order.id).find((link) => books.forms.includes(link.remoteType));
  const links = refundId === null ? of('Order', order.id) : of('Refund', refundId);
  const posting: Posting = books.posting(order, refundId, connection.settings, {
    order: form?.remoteType ?? null,
    refund: links.findLast((link) => books.refundForms.includes(link.remoteType))?.remoteType ?? null,
  });
  const documents = posting.status === 'post' ? posting.documents : [];
  const valueMinor = documents.reduce((sum, one) => ('lines' in one ? sum + one.valueMinor : sum), 0n);
  const forms = refundId === null ? books.forms : books.refundForms;
  const { heldMinor } = heldOf(documents, links, forms, order.currency);
  const push = facts.pushes.find(
    (one) =>
      one.connectionId === connection.id &&
      one.subjectType === (refundId === null ? 'Order' : 'Refund') &&
      one.subjectId === (refundId ?? order.id),
  );
  const day = summaryOf(links, facts.summaries, books.shareType);
  const state = stateOf(posting, push);
  if (day !== null && state.status === 'posted') {
    const { share, summary } = day;
    return {
      connectionId: connection.id,
      refundId,
      summaryId: summary?.id ?? null,
      ...stateOfShare(share, summary),
      documents: documents.map((one) => documentOf(one, summaryLinks(share, summary), books)),
      heldMinor: summary?.remoteId == null ? 0n : heldMinor,
      valueMinor,
    };
  }
  return {
    connectionId: connection.id,
    refundId,
    summaryId: day?.summary?.id ?? null,
    ...state,
    documents: documents.map((one) => documentOf(one, links, books)),
    heldMinor,
    valueMinor,
  };
}

/** Part of a day's document, which is written when the day is over. */
function stateOfShare(
  share: PostingLink,
  summary: PostingSummary | null,
): Pick<AccountingValue, 'status' | 'why'> {
  const day = String(share.state.date);
  if (summary?.push === 'dead')
    return { status: 'person', why: [summary.error, summary.remedy].filter(Boolean).join(' ') };
  if (summary?.push === 'dismissed') return { status: 'dismissed', why: whyDismissed(summary) };
  if (summary?.remoteId != null) return { status: 'posted', why: `It is part of the document of ${day}.` };
  if (summary?.push === 'plan')
    return { status: 'planned', why: `It is part of the document of ${day}. This account only observes.` };
  return {
    status: 'waits',
    why: `It is part of the document of ${day}, which is written when the day is over.`,
  };
}

function summaryLinks(share: PostingLink, summary: PostingSummary | null): PostingLink[] {
  if (summary?.remoteType == null || summary.remoteId === null) return [];
  const { remoteType, remoteId, number } = summary;
  return [{ ...share, remoteType, remoteId, state: { docNumber: number } }];
}

function stateOf(posting: Posting, push: PostingPush | undefined): Pick<AccountingValue, 'status' | 'why'> {
  if (push?.status === 'dead')
    return { status: 'person', why: [push.error, push.remedy].filter(Boolean).join(' ') };
  if (posting.status !== 'post') return { status: posting.status, why: posting.why };
  if (push?.status === 'dismissed') return { status: 'dismissed', why: whyDismissed(push) };
  const { why } = posting;
  if (push === undefined) return { status: 'waits', why: 'It is not planned yet.' };
  if (push.status === 'settled') return { status: 'posted', why };
  if (push.status === 'plan') return { status: 'planned', why: `${why} This account only observes.` };
  return { status: 'posting', why: push.error === null ? why : `${why} ${push.error}` };
}

function whyDismissed({ dismissed, error }: { dismissed: string | null; error: string | null }): string {
  return [dismissed, error === null ? null : `It had failed with: ${error}`].filter(Boolean).join('. ');
}

function documentOf(one: PostingDocument, links: readonly PostingLink[], books: BooksView): DocumentValue {
  const money = (minor: bigint): MoneyValue => ({
    amount: formatMinor(minor, one.currency),
    currencyCode: one.currency,
  });
  const link = links.findLast((each) => each.remoteType === (books.rows[one.type] ?? one.type));
  const common = {
    type: one.type,
    at: one.at,
    number: (link?.state.docNumber as string | null | undefined) ?? null,
    remoteId: link?.remoteId ?? null,
    url: link === undefined ? null : books.urlOf(link.remoteType, link.remoteId),
  };
  if (!('lines' in one)) {
    const total = one.type === 'CreditApplication' ? one.toMoneyMinor + one.toInvoiceMinor : one.amountMinor;
    return { ...common, total: money(total), lines: [], taxes: [] };
  }
  return {
    ...common,
    total: money(one.totalMinor),
    lines: one.lines.map((line) => ({
      kind: line.kind,
      description: line.description,
      quantity: line.quantity,
      net: money(line.netMinor),
      tax: money(line.taxMinor),
    })),
    taxes: one.taxes.map((tax) => ({ title: tax.title, rate: tax.rate, amount: money(tax.amountMinor) })),
  };
}
