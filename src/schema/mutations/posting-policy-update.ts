import { AppError } from '../../errors.ts';
import { setSettings } from '../../sync/operations.ts';
import { builder } from '../builder.ts';
import {
  ClosedBooksEnum,
  deskOf,
  type PolicyValue,
  PostingPolicy,
  RefundPostingEnum,
  UnpaidOrdersEnum,
} from '../nodes/posting-policy.ts';
import { Connection } from '../nodes/sync.ts';
import type { OperationContext } from '../services.ts';
import { mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, userErrorsField } from './payload.ts';

const PostingChoiceInput = builder.inputType('PostingChoiceInput', {
  description: 'One choice by key.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'Gateway, channel, location or tax rates.' }),
    value: t.string({ required: true, description: 'Name of what is chosen, as the books call it.' }),
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
      const patch = patchOf(fields);
      let problem: AppError | null = null;
      try {
        // The books are asked before the transaction begins: nothing waits for a network inside one.
        await assertFits(context, BigInt(id), patch);
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

/** In the words of the settings; null only where it means something. */
function patchOf(fields: Fields): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) {
      const map = Object.fromEntries(
        (value as { key: string; value: string }[]).map((one) => [one.key, one.value]),
      );
      if (name === 'taxCodes') patch.tax = { codes: map };
      else patch[name] = map;
    } else if (value !== null || name === 'depositAccount' || name === 'ordersFrom') patch[name] = value;
  }
  return patch;
}

async function assertFits(
  context: OperationContext,
  id: bigint,
  patch: Record<string, unknown>,
): Promise<void> {
  const { settings, platform } = await policyOf(context, id);
  const desk = deskOf(context, platform);
  const session = await context.services.session?.(id);
  if (desk === undefined || session === undefined) return;
  if (patch.tax !== undefined) patch.tax = { ...(settings.tax as object), ...(patch.tax as object) };
  const [problem] = await desk.check({ ...settings, ...patch }, session);
  if (problem === undefined) return;
  throw new AppError({
    code: 'POLICY_DOES_NOT_FIT',
    retryable: false,
    publicMessage: `${problem.field}: ${problem.message}`,
  });
}

async function policyOf(context: OperationContext, id: bigint): Promise<PolicyValue> {
  const connection = await context.services.prisma.connection.findUnique({ where: { id } });
  const desk = connection === null ? undefined : deskOf(context, connection.platform);
  if (connection === null || desk === undefined)
    throw new AppError({
      code: 'NO_BOOKS',
      retryable: false,
      publicMessage: 'This connection keeps no books.',
    });
  return {
    connectionId: id,
    platform: connection.platform,
    settings: desk.read(connection.settings as Record<string, unknown>),
  };
}
