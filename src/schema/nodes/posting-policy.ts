import type { PolicyChoices, PolicyProblem } from '../../sync/platforms/platform.ts';
import { builder } from '../builder.ts';
import { enumOf } from '../enums.ts';
import type { OperationContext } from '../services.ts';
import { Connection } from './sync.ts';

// How orders become documents in the books of one account.

export const PostingModeEnum = enumOf('PostingMode', 'How many documents the books get.', {
  perOrder: 'One for each order and each refund.',
  daily:
    'One for each day, channel, currency and account, written when the day is over; what waits for its money or stays a credit of a customer has documents of its own.',
});

export const UnpaidOrdersEnum = enumOf('UnpaidOrders', 'What becomes of orders that wait for their money.', {
  invoice: 'An invoice at once; payments are applied to it as they come.',
  wait: 'Nothing before they are paid.',
});

export const RefundPostingEnum = enumOf('RefundPosting', 'Which documents a refund makes.', {
  creditMemo: 'A credit memo with lines, and an expense for the money that left, applied to it.',
  refundReceipt: 'One refund receipt, where the money equals what came back.',
});

export const ClosedBooksEnum = enumOf('ClosedBooks', 'What is dated into closed books.', {
  firstOpenDay: 'It is dated on the first open day; changes of what stands there become corrections.',
  refuse: 'It waits for a person.',
});

export const UnmatchedPayoutsEnum = enumOf(
  'UnmatchedPayouts',
  'What becomes of parts of a payout that are not in the books.',
  {
    wait: 'The deposit waits for them.',
    post: 'They go to an account of their own once the wait is over.',
  },
);

export const PostingRoleEnum = enumOf('PostingRole', 'Kinds of lines that are no product.', {
  sale: 'Goods that no product of the books stands for.',
  giftCard: 'Gift cards sold: a debt until they are redeemed.',
  discount: 'Discounts.',
  shipping: 'Shipping.',
  duties: 'Import duties.',
  tip: 'Tips.',
  channelTax: 'Tax that the sales channel owes.',
  otherTax: 'Tax that no tax code covers.',
  rounding: 'Cash paid in whole coins.',
  difference: 'What the parts of an order lack of its total.',
  notRestocked: 'Goods given back that did not return to stock, where nobody says why.',
  damaged: 'Goods that came back and cannot be sold: written off.',
  notReturned: 'Goods whose price was given back and which never came back.',
  refundAdjustment: 'Given back beyond, or kept back from, what came back.',
  overpayment: 'Money that came in beyond the total, or what a paid order that was added to still lacks.',
  giftCardTender: 'Paid by gift card.',
  storeCreditTender: 'Paid by store credit.',
  exchangeTender: 'Paid by what was returned.',
});

const SeverityEnum = enumOf('PostingPolicyProblemSeverity', 'How much a misfit matters.', {
  refuse: 'Nothing is written with it: changing or unlocking is refused, and what is due waits.',
  warn: 'It works, and somebody should know.',
});

interface RoleChoice {
  role: typeof PostingRoleEnum.$inferType;
  item: string;
  account: string;
}

export interface PolicyValue {
  connectionId: bigint;
  platform: string;
  settings: Record<string, unknown>;
}

interface Chosen {
  key: string;
  value: string;
}

const PolicyChoice = builder.objectRef<Chosen>('PostingChoice').implement({
  description: 'One choice by key.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Gateway, channel, location, tax rates or currency.' }),
    value: t.exposeString('value', { description: 'Name of what was chosen, as the books call it.' }),
  }),
});

const PolicyProblemObject = builder.objectRef<PolicyProblem>('PostingPolicyProblem').implement({
  description: 'A choice that does not fit the books.',
  fields: (t) => ({
    field: t.exposeString('field', {
      description: 'The choice at fault, as `postingPolicyUpdate` names it.',
    }),
    message: t.exposeString('message', { description: 'What is wrong, and what to do.' }),
    severity: t.field({
      type: SeverityEnum,
      description: 'How much it matters.',
      resolve: (problem) => problem.severity,
    }),
  }),
});

const RoleObject = builder.objectRef<RoleChoice>('PostingItem').implement({
  description: 'What one kind of line is sold as.',
  fields: (t) => ({
    role: t.field({
      type: PostingRoleEnum,
      description: 'Kind of line that is posted on the item.',
      resolve: (one) => one.role,
    }),
    item: t.exposeString('item', { description: 'Item, by name.' }),
    account: t.exposeString('account', { description: 'Account that it earns to, by name.' }),
  }),
});

interface PayoutChoice {
  post: boolean;
  bankAccount: string | null;
  unmatched: 'wait' | 'post';
  waitHours: number;
}

const PayoutPolicy = builder.objectRef<PayoutChoice>('PostingPayouts').implement({
  description: 'What becomes of payouts.',
  fields: (t) => ({
    post: t.exposeBoolean('post', { description: 'Whether each becomes a deposit.' }),
    bankAccount: t.exposeString('bankAccount', {
      nullable: true,
      description: 'Account that they arrive at, by name; null: the only one that it can be.',
    }),
    unmatched: t.field({
      type: UnmatchedPayoutsEnum,
      description: 'What becomes of payments and refunds that are not in the books when the wait is over.',
      resolve: (one) => one.unmatched,
    }),
    waitHours: t.exposeFloat('waitHours', { description: 'How long they are waited for, in hours.' }),
  }),
});

const PolicyAccount = builder.objectRef<PolicyChoices['accounts'][number]>('PostingAccount').implement({
  description: 'An account of the books.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    type: t.exposeString('type', { description: 'Its type, in the words of the books.' }),
    money: t.exposeBoolean('money', { description: 'Money can come into it and be paid back from it.' }),
  }),
});

const PolicyChoicesObject = builder.objectRef<PolicyChoices>('PostingPolicyChoices').implement({
  description: 'What the books have to choose from, read at this moment.',
  fields: (t) => ({
    accounts: t.field({
      type: [PolicyAccount],
      description: 'All accounts.',
      resolve: (choices) => choices.accounts,
    }),
    classes: t.exposeStringList('classes', {
      description: 'Names of the classes that the company tracks; empty where it tracks none.',
    }),
    locations: t.exposeStringList('locations', {
      description:
        'Names of the locations (departments) that the company tracks; empty where it tracks none.',
    }),
    taxCodes: t.exposeStringList('taxCodes', { description: 'Tax codes for sales.' }),
    closedUntil: t.exposeString('closedUntil', {
      nullable: true,
      description: 'Last day of the closed books, for example `2026-10-31`.',
    }),
    currency: t.exposeString('currency', { description: 'Currency of the books.' }),
  }),
});

export const PostingPolicy = builder.objectRef<PolicyValue>('PostingPolicy').implement({
  description: 'How orders and refunds become documents in the books.',
  fields: (t) => ({
    ordersFrom: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Orders placed earlier are left to whoever kept the books before.',
      resolve: ({ settings }) => (settings.ordersFrom as Date | null) ?? null,
    }),
    timeZone: t.string({
      description:
        'Whose day a document is dated by: that of the shop, as it was before the first document, unless another one was chosen.',
      resolve: ({ settings }) => String(settings.timeZone),
    }),
    posting: t.field({
      type: PostingModeEnum,
      description: 'How many documents the books get.',
      resolve: ({ settings }) => settings.posting as 'perOrder',
    }),
    dailyDelayMinutes: t.float({
      description: 'How long after midnight the documents of a day are written.',
      resolve: ({ settings }) => Number(settings.dailyDelayMinutes),
    }),
    unpaidOrders: t.field({
      type: UnpaidOrdersEnum,
      description: 'What becomes of orders that wait for their money.',
      resolve: ({ settings }) => settings.unpaidOrders as 'invoice',
    }),
    refunds: t.field({
      type: RefundPostingEnum,
      description: 'Which documents a refund makes.',
      resolve: ({ settings }) => settings.refunds as 'creditMemo',
    }),
    closedBooks: t.field({
      type: ClosedBooksEnum,
      description: 'What is dated into closed books.',
      resolve: ({ settings }) => settings.closedBooks as 'firstOpenDay',
    }),
    docNumberPrefix: t.string({
      description: 'Put in front of document numbers.',
      resolve: ({ settings }) => String(settings.docNumberPrefix),
    }),
    depositAccount: t.string({
      nullable: true,
      description: 'Account that money moves through; null: undeposited funds.',
      resolve: ({ settings }) => settings.depositAccount as string | null,
    }),
    gatewayAccounts: t.field({
      type: [PolicyChoice],
      description: 'Accounts of single gateways.',
      resolve: ({ settings }) => chosen(settings.gatewayAccounts),
    }),
    classes: t.field({
      type: [PolicyChoice],
      description: 'Class by channel.',
      resolve: ({ settings }) => chosen(settings.classes),
    }),
    locations: t.field({
      type: [PolicyChoice],
      description: 'Location by the name of the shop’s location or by channel.',
      resolve: ({ settings }) => chosen(settings.locations),
    }),
    taxCodes: t.field({
      type: [PolicyChoice],
      description: 'Tax code by rates, for example `0.19`; others are matched by their rates.',
      resolve: ({ settings }) => chosen((settings.tax as { codes: unknown }).codes),
    }),
    exchangeRates: t.field({
      type: [PolicyChoice],
      description: 'Home units per unit of a foreign currency; others are left to the books.',
      resolve: ({ settings }) => chosen(settings.exchangeRates),
    }),
    items: t.field({
      type: [RoleObject],
      description: 'What lines that are no product are sold as.',
      resolve: ({ settings }) =>
        Object.entries(settings.items as Record<RoleChoice['role'], Omit<RoleChoice, 'role'>>).map(
          ([role, { item, account }]) => ({ role: role as RoleChoice['role'], item, account }),
        ),
    }),
    payouts: t.field({
      type: PayoutPolicy,
      description: 'What becomes of payouts.',
      resolve: ({ settings }) => settings.payouts as PayoutChoice,
    }),
    orderUrl: t.string({
      nullable: true,
      description: 'Link to the order in the note of a document.',
      resolve: ({ settings }) => settings.orderUrl as string | null,
    }),
    guestCustomer: t.string({
      description: 'Customer of orders without one.',
      resolve: ({ settings }) => String(settings.guestCustomer),
    }),
    differenceLimitMinor: t.int({
      description: 'What the parts of an order may lack of its total before a person has to look.',
      resolve: ({ settings }) => Number(settings.differenceLimitMinor),
    }),
    choices: t.field({
      type: PolicyChoicesObject,
      nullable: true,
      description: 'What the books have to choose from. Asks the books.',
      complexity: 50,
      resolve: async (policy, _args, context) => {
        const session = await context.services.session?.(policy.connectionId);
        const desk = deskOf(context, policy.platform);
        return session === undefined ? null : ((await desk?.choices(session)) ?? null);
      },
    }),
    problems: t.field({
      type: [PolicyProblemObject],
      description: 'What of it does not fit the books at this moment. Asks the books.',
      complexity: 50,
      resolve: async (policy, _args, context) => {
        const session = await context.services.session?.(policy.connectionId);
        const desk = deskOf(context, policy.platform);
        return session === undefined ? [] : ((await desk?.check(policy.settings, session)) ?? []);
      },
    }),
  }),
});

export function deskOf(context: OperationContext, platform: string) {
  return context.services.platforms[platform as 'quickbooks']?.policy;
}

builder.prismaObjectField(Connection, 'postingPolicy', (t) =>
  t.field({
    type: PostingPolicy,
    nullable: true,
    description: 'How orders and refunds become documents there; null where no books are kept.',
    select: { settings: true, platform: true, id: true },
    resolve: (connection, _args, context) => {
      const desk = deskOf(context, connection.platform);
      if (desk === undefined) return null;
      return {
        connectionId: connection.id,
        platform: connection.platform,
        settings: desk.read(connection.settings as Record<string, unknown>),
      };
    },
  }),
);

function chosen(map: unknown): Chosen[] {
  return Object.entries((map ?? {}) as Record<string, string>).map(([key, value]) => ({ key, value }));
}
