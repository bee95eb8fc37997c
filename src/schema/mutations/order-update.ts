import { builder } from '../builder.ts';
import { Order } from '../refs.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const OrderUpdateInput = builder.inputType('OrderUpdateInput', {
  description: 'What to change of an order. Fields left out stay; null empties.',
  fields: (t) => ({
    id: t.globalID({ for: Order, required: true, description: 'Id of the order to change.' }),
    note: t.string({ description: 'What is written on it.' }),
    tags: t.stringList({ description: 'All tags, those kept included.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const OrderUpdatePayload = builder.objectRef<PayloadValue>('OrderUpdatePayload').implement({
  description: 'What changing an order has done.',
  fields: (t) => ({
    order: t.field({
      type: Order,
      nullable: true,
      description: 'The order as it is now.',
      authScopes: { can: 'read:orders' },
      resolve: (payload) => payload.subjectId,
    }),
    ...pushFields(t, 'write:orders'),
  }),
});

builder.mutationField('orderUpdate', (t) =>
  t.field({
    type: OrderUpdatePayload,
    description: 'Changes note and tags of an order, here and at every platform that may be written to.',
    authScopes: { can: 'write:orders' },
    args: { input: t.arg({ type: OrderUpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, context) => {
      const id = input.id.id;
      const patch = {
        ...(input.note === undefined ? {} : { note: input.note }),
        ...(input.tags === undefined ? {} : { tags: input.tags ?? [] }),
      };
      return mutate(context, { name: 'orderUpdate', input, facts: [id, patch] }, async (tx) => {
        const effect = await applyEdit(
          tx,
          context,
          { kind: 'orderEdit', orderId: BigInt(id), patch },
          'Order',
        );
        return { ...effect, subjectId: effect.subjectId ?? id };
      });
    },
  }),
);
