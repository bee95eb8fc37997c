import type { CustomerPatch } from '../../model/change.ts';
import { builder } from '../builder.ts';
import { Customer } from '../refs.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const CustomerUpdateInput = builder.inputType('CustomerUpdateInput', {
  description: 'What to change of a customer. Fields left out stay; null empties.',
  fields: (t) => ({
    id: t.globalID({ for: Customer, required: true, description: 'Id of the customer to change.' }),
    firstName: t.string({ description: 'First name.' }),
    lastName: t.string({ description: 'Last name.' }),
    company: t.string({ description: 'Company.' }),
    email: t.string({ description: 'Address that mail goes to.' }),
    phone: t.string({ description: 'New telephone number in E.164 form, for example `+4930901820`.' }),
    note: t.string({ description: 'What staff wrote down.' }),
    tags: t.stringList({ description: 'All tags, those kept included.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const CustomerUpdatePayload = builder.objectRef<PayloadValue>('CustomerUpdatePayload').implement({
  description: 'What changing a customer has done.',
  fields: (t) => ({
    customer: t.field({
      type: Customer,
      nullable: true,
      description: 'The customer as it is now.',
      authScopes: { can: 'read:customers' },
      resolve: (payload) => payload.subjectId,
    }),
    ...pushFields(t, 'write:customers'),
  }),
});

builder.mutationField('customerUpdate', (t) =>
  t.field({
    type: CustomerUpdatePayload,
    description: 'Changes a customer, here and at every platform that may be written to.',
    authScopes: { can: 'write:customers' },
    args: { input: t.arg({ type: CustomerUpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, context) => {
      const patch = patchOf(input);
      const id = input.id.id;
      return mutate(context, { name: 'customerUpdate', input, facts: [id, patch] }, async (tx) => {
        const effect = await applyEdit(
          tx,
          context,
          { kind: 'customerEdit', customerId: BigInt(id), patch },
          'Customer',
        );
        return { ...effect, subjectId: effect.subjectId ?? id };
      });
    },
  }),
);

/** What was given, and nothing else: a field left out stays. The write path checks and tidies. */
function patchOf(input: typeof CustomerUpdateInput.$inferInput): CustomerPatch {
  const patch: CustomerPatch = {};
  for (const field of ['firstName', 'lastName', 'company', 'email', 'phone', 'note'] as const) {
    const value = input[field];
    if (value !== undefined) patch[field] = value;
  }
  if (input.tags !== undefined) patch.tags = input.tags ?? [];
  return patch;
}
