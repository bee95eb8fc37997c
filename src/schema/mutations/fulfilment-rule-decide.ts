import { builder } from '../builder.ts';
import { FulfilmentRule, Order } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const FulfilmentRuleDecideInput = builder.inputType('FulfilmentRuleDecideInput', {
  description: 'Which wish of a note to decide about.',
  fields: (t) => ({
    id: t.globalID({
      for: FulfilmentRule,
      required: true,
      description: 'Id of the wish, from `fulfilmentRules`.',
    }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const FulfilmentRulePayload = builder.objectRef<PayloadValue>('FulfilmentRulePayload').implement({
  description: 'What deciding about a wish has done.',
  fields: (t) => ({
    fulfilmentRule: t.field({
      type: FulfilmentRule,
      nullable: true,
      description: 'The wish as it stands now.',
      authScopes: { can: 'read:orders' },
      resolve: (payload) => payload.subjectId,
    }),
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order as it is now.',
      authScopes: { can: 'read:orders' },
      resolve: async (payload, _args, context) =>
        payload.subjectId === null
          ? null
          : ((await FulfilmentRule.getDataloader(context).load(payload.subjectId))?.orderId ?? null),
    }),
    ...pushFields(t, 'write:orders'),
  }),
});

builder.mutationFields((t) => ({
  fulfilmentRuleApprove: t.field({
    type: FulfilmentRulePayload,
    description:
      'Puts a wish of a note in force, here and at the platform that may be written to. It stays so while its words are in the note.',
    authScopes: { can: 'write:orders' },
    args: { input: t.arg({ type: FulfilmentRuleDecideInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => decide(context, 'fulfilmentRuleApprove', input, true),
  }),
  fulfilmentRuleReject: t.field({
    type: FulfilmentRulePayload,
    description:
      'Turns a wish of a note down, one in force too. It is not proposed again for the same words.',
    authScopes: { can: 'write:orders' },
    args: { input: t.arg({ type: FulfilmentRuleDecideInput, required: true, description: 'Which one.' }) },
    resolve: (_root, { input }, context) => decide(context, 'fulfilmentRuleReject', input, false),
  }),
}));

function decide(
  context: OperationContext,
  name: string,
  input: typeof FulfilmentRuleDecideInput.$inferInput,
  approve: boolean,
): Promise<PayloadValue> {
  const { id } = input.id;
  return mutate(context, { name, input, facts: [id] }, async (tx) => {
    const edit = {
      kind: 'fulfilmentRuleDecide',
      ruleId: BigInt(id),
      approve,
      by: context.actor.name,
    } as const;
    const effect = await applyEdit(tx, context, edit, 'Order');
    return { ...effect, subjectId: id };
  });
}
