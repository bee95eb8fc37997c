import { builder } from '../builder.ts';
import { Location, StockLevel, Variant } from '../refs.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const StockAdjustInput = builder.inputType('StockAdjustInput', {
  description: 'A correction of stock.',
  fields: (t) => ({
    variantId: t.globalID({ for: Variant, required: true, description: 'Of what.' }),
    locationId: t.globalID({ for: Location, required: true, description: 'Where.' }),
    delta: t.int({ required: true, description: 'How many more, or fewer if negative. Not 0.' }),
    reason: t.string({ required: true, description: 'Why, in words; kept with the movement.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const StockAdjustPayload = builder.objectRef<PayloadValue>('StockAdjustPayload').implement({
  description: 'What correcting stock has done.',
  fields: (t) => ({
    stockLevel: t.field({
      type: StockLevel,
      nullable: true,
      description: 'The stock level as it is now.',
      authScopes: { can: 'read:stock' },
      resolve: (payload) => payload.subjectId,
    }),
    ...pushFields(t, 'write:stock'),
  }),
});

builder.mutationField('stockAdjust', (t) =>
  t.field({
    type: StockAdjustPayload,
    description: 'Corrects a stock level, here and at the shop.',
    authScopes: { can: 'write:stock' },
    args: { input: t.arg({ type: StockAdjustInput, required: true, description: 'The correction.' }) },
    resolve: (_root, { input }, context) => {
      const edit = {
        kind: 'stockAdjust' as const,
        variantId: BigInt(input.variantId.id),
        locationId: BigInt(input.locationId.id),
        delta: input.delta,
        reason: input.reason.trim(),
      };
      const facts = [input.variantId.id, input.locationId.id, edit.delta, edit.reason];
      return mutate(context, { name: 'stockAdjust', input, facts }, (tx) =>
        applyEdit(tx, context, edit, 'StockLevel'),
      );
    },
  }),
);
