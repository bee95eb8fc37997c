import { AppError } from '../../errors.ts';
import { setSettings } from '../../sync/operations.ts';
import { builder } from '../builder.ts';
import {
  ClosedBooksEnum,
  PostingModeEnum,
  PostingPolicy,
  PostingRoleEnum,
  RefundPostingEnum,
  UnmatchedPayoutsEnum,
  UnpaidOrdersEnum,
} from '../nodes/posting-policy.ts';
import { Connection } from '../nodes/sync.ts';
import { mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, userErrorsField } from './payload.ts';
import { policyMisfit, policyOf } from './policy-fit.ts';

const PostingChoiceInput = builder.inputType('PostingChoiceInput', {
  description: 'One choice by key.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'Gateway, channel, location, tax rates or currency.' }),
    value: t.string({ required: true, description: 'Name of what is chosen, as the books call it.' }),
  }),
});

const PostingItemInput = builder.inputType('PostingItemInput', {
  description: 'What one kind of line is sold as. Fields left out stay.',
  fields: (t) => ({
    role: t.field({
      type: PostingRoleEnum,
      required: true,
      description: 'Kind of line that is posted on the item.',
    }),
    item: t.string({ description: 'Item, by name; made where there is none.' }),
    account: t.string({ description: 'Account that it earns to, by name; made where there is none.' }),
  }),
});

const PostingPayoutsInput = builder.inputType('PostingPayoutsInput', {
  description: 'What becomes of payouts. Fields left out stay.',
  fields: (t) => ({
    post: t.boolean({ description: 'Whether each becomes a deposit.' }),
    bankAccount: t.string({
      description: 'Account that they arrive at, by name; null: the only one that it can be.',
    }),
    unmatched: t.field({
      type: UnmatchedPayoutsEnum,
      description: 'What becomes of payments and refunds that are not in the books when the wait is over.',
    }),
    waitHours: t.float({ description: 'How long they are waited for, in hours.' }),
  }),
});

const PostingPolicyUpdateInput = builder.inputType('PostingPolicyUpdateInput', {
  description: 'What to change of a posting policy. Fields left out stay; lists replace what was there.',
  fields: (t) => ({
    id: t.globalID({ for: Connection, required: true, description: 'Connection of the books.' }),
    ordersFrom: t.field({
      type: 'DateTime',
      description: 'Orders placed earlier are left to whoever kept the books before; null takes all.',
    }),
    timeZone: t.string({ description: 'Whose day a document is dated by, for example `Europe/Berlin`.' }),
    posting: t.field({
      type: PostingModeEnum,
      description:
        'A document for each order, or one for each day. What is posted already stays as it is: nothing is posted twice.',
    }),
    dailyDelayMinutes: t.float({
      description: 'How long after midnight the documents of a day are written, in minutes.',
    }),
    unpaidOrders: t.field({ type: UnpaidOrdersEnum, description: 'Orders that wait for their money.' }),
    refunds: t.field({ type: RefundPostingEnum, description: 'Which documents a refund makes.' }),
    closedBooks: t.field({ type: ClosedBooksEnum, description: 'What is dated into closed books.' }),
    docNumberPrefix: t.string({ description: 'Put in front of document numbers; at most 10 characters.' }),
    depositAccount: t.string({ description: 'Account that money moves through; null: undeposited funds.' }),
    gatewayAccounts: t.field({ type: [PostingChoiceInput], description: 'Accounts of single gateways.' }),
    classes: t.field({ type: [PostingChoiceInput], description: 'Class by channel.' }),
    locations: t.field({
      type: [PostingChoiceInput],
      description: 'Location by the name of the shop’s location or by channel.',
    }),
    taxCodes: t.field({ type: [PostingChoiceInput], description: 'Tax code by rates, for example `0.19`.' }),
    exchangeRates: t.field({
      type: [PostingChoiceInput],
      description:
        'Home units per unit of a foreign currency, for example `EUR` and `1.0842`; others are left to the books.',
    }),
    items: t.field({
      type: [PostingItemInput],
      description: 'What lines that are no product are sold as; kinds left out stay.',
    }),
    payouts: t.field({ type: PostingPayoutsInput, description: 'What a payment company pays out.' }),
    orderUrl: t.string({
      description:
        'Link to the order in the note of a document; `{remoteId}` and `{number}` are filled in. Null: none.',
    }),
    guestCustomer: t.string({ description: 'Customer of orders without one.' }),
    differenceLimitMinor: t.int({
      description:
        'What the parts of an order may lack of its total before a person has to look, in minor units.',
    }),
    ...idempotencyField(t),
  }),
});

const PostingPolicyUpdatePayload = builder.objectRef<PayloadValue>('PostingPolicyUpdatePayload').implement({
  description: 'What changing a posting policy has done.',
  fields: (t) => ({
    policy: t.field({
      type: PostingPolicy,
      nullable: true,
      description: 'The policy as it is now.',
      resolve: async ({ subjectId }, _args, context) =>
        subjectId === null ? null : await policyOf(context, BigInt(subjectId)),
    }),
    ...userErrorsField(t),
  }),
});

builder.mutationField('postingPolicyUpdate', (t) =>
  t.field({
    type: PostingPolicyUpdatePayload,
    description:
      'Changes how orders and refunds become documents in the books. Every choice is looked up there first: one that does not fit is refused with what to do, and nothing is changed. What is posted already keeps its form.',
    authScopes: { can: 'admin' },
    args: {
      input: t.arg({ type: PostingPolicyUpdateInput, required: true, description: 'What to change.' }),
    },
    resolve: async (_root, { input }, context) => {
      const id = input.id.id;
      const { id: _id, idempotencyKey: _key, ...fields } = input;
      let patch: Record<string, unknown> = {};
      let problem: AppError | null = null;
      try {
        patch = patchOf(fields, (await policyOf(context, BigInt(id))).settings);
        // The books are asked before the transaction begins: nothing waits for a network inside one.
        problem = await policyMisfit(context, BigInt(id), patch);
      } catch (error) {
        if (!(error instanceof AppError) || error.retryable) throw error;
        problem = error;
      }
      return mutate(context, { name: 'postingPolicyUpdate', input, facts: [id, patch] }, async (tx) => {
        if (problem !== null) throw problem;
        await setSettings(tx, BigInt(id), patch);
        return { subjectId: id, pushIds: [], cursor: null };
      });
    },
  }),
);

type Fields = Omit<typeof PostingPolicyUpdateInput.$inferInput, 'id' | 'idempotencyKey'>;

/** Fields for which null means something. */
const nullable: readonly string[] = ['depositAccount', 'ordersFrom', 'orderUrl'];

/** In the words of the settings; groups of them keep what is not named. */
function patchOf(
  { taxCodes, items, payouts, ...fields }: Fields,
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || (value === null && !nullable.includes(name))) continue;
    patch[name] = Array.isArray(value) ? mapOf(value as Choice[]) : value;
  }
  if (taxCodes != null) patch.tax = { ...(settings.tax as object), codes: mapOf(taxCodes) };
  if (payouts != null) {
    const { bankAccount, ...rest } = payouts;
    const named = Object.fromEntries(Object.entries(rest).filter(([, value]) => value != null));
    patch.payouts = {
      ...(settings.payouts as object),
      ...named,
      ...(bankAccount === undefined ? {} : { bankAccount }),
    };
  }
  if (items != null) {
    const known = settings.items as Record<string, object>;
    patch.items = {
      ...known,
      ...Object.fromEntries(
        items.map(({ role, item, account }) => [
          role,
          { ...known[role], ...(item == null ? {} : { item }), ...(account == null ? {} : { account }) },
        ]),
      ),
    };
  }
  return patch;
}

interface Choice {
  key: string;
  value: string;
}

function mapOf(choices: readonly Choice[]): Record<string, string> {
  return Object.fromEntries(choices.map((one) => [one.key, one.value]));
}
