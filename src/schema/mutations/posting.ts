import { builder } from '../builder.ts';
import { Order, Refund } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

// What a person decides about documents in the books. Ordinary posting needs nobody.

const PostingInput = builder.inputType('PostingInput', {
  description: 'Whose documents.',
  fields: (t) => ({
    id: t.globalID({ for: [Order, Refund], required: true, description: 'An order or a refund.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

interface PostingPayloadValue extends PayloadValue {
  type: 'Order' | 'Refund';
}

const PostingPayload = builder.objectRef<PostingPayloadValue>('PostingPayload').implement({
  description: 'What a decision about documents has done.',
  fields: (t) => ({
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order, where it was named.',
      authScopes: { can: 'read:orders' },
      resolve: ({ type, subjectId }) => (type === 'Order' ? subjectId : null),
    }),
    refund: t.field({
      type: Refund,
      nullable: true,
      description: 'The refund, where one was named.',
      authScopes: { can: 'read:orders' },
      resolve: ({ type, subjectId }) => (type === 'Refund' ? subjectId : null),
    }),
    ...pushFields(t as never, 'admin'),
  }),
});

builder.mutationField('postingVoid', (t) =>
  t.field({
    type: PostingPayload,
    description:
      'Takes back what stands in the books of an order or a refund: voided, or deleted where its kind cannot be voided. It stays so until `postingRepost`.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: PostingInput, required: true, description: 'Whose documents.' }) },
    resolve: (_root, { input }, context) => decide(context, 'postingVoid', input),
  }),
);

builder.mutationField('postingRepost', (t) =>
  t.field({
    type: PostingPayload,
    description:
      'Writes the documents of an order or a refund anew: over what somebody changed in the books by hand, in place of what was deleted or voided. The consent that a push waits for whose document was touched.',
    authScopes: { can: 'admin' },
    args: { input: t.arg({ type: PostingInput, required: true, description: 'Whose documents.' }) },
    resolve: (_root, { input }, context) => decide(context, 'postingRepost', input),
  }),
);

async function decide(
  context: OperationContext,
  kind: 'postingVoid' | 'postingRepost',
  input: { id: { id: string; typename: string }; wait?: boolean | null | undefined },
): Promise<PostingPayloadValue> {
  const { id, typename } = input.id;
  const type = typename === 'Refund' ? 'Refund' : 'Order';
  const payload = await mutate(context, { name: kind, input, facts: [type, id] }, (tx) =>
    applyEdit(tx, context, { kind, subject: { type, id: BigInt(id) } }, type),
  );
  return { ...payload, type };
}
