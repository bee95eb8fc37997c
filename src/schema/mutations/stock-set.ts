import { builder } from '../builder.ts';
import { Location, Variant } from '../refs.ts';
import { applyEdit, mutate } from './mutation.ts';
import { idempotencyField, waitFields } from './payload.ts';
import { stockPayload } from './stock-payload.ts';

const StockCount = builder.enumType('StockCount', {
  description: 'Which figure was counted.',
  values: {
    ON_HAND: { value: 'onHand', description: 'What is physically there.' },
    AVAILABLE: { value: 'available', description: 'What is free to sell.' },
  } as const,
});

const StockSetInput = builder.inputType('StockSetInput', {
  description: 'What somebody counted.',
  fields: (t) => ({
    variantId: t.globalID({
      for: Variant,
      required: true,
      description: 'Id of the variant that was counted.',
    }),
    locationId: t.globalID({
      for: Location,
      required: true,
      description: 'Id of the location where it was counted.',
    }),
    quantity: t.int({ required: true, description: 'How many there are, 0 or more.' }),
    count: t.field({ type: StockCount, defaultValue: 'onHand', description: 'What was counted.' }),
    reason: t.string({ required: true, description: 'Why, in words; kept with the movement.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const StockSetPayload = stockPayload('StockSetPayload', 'What setting stock has done.');

builder.mutationField('stockSet', (t) =>
  t.field({
    type: StockSetPayload,
    description:
      'Sets a stock level to what was counted, here and at the shop. What is sold meanwhile is taken off at both.',
    authScopes: { can: 'write:stock' },
    args: { input: t.arg({ type: StockSetInput, required: true, description: 'The count.' }) },
    resolve: (_root, { input }, context) => {
      const edit = {
        kind: 'stockSet' as const,
        variantId: BigInt(input.variantId.id),
        locationId: BigInt(input.locationId.id),
        count: input.count ?? 'onHand',
        quantity: input.quantity,
        reason: input.reason.trim(),
      };
      const facts = [input.variantId.id, input.locationId.id, edit.count, edit.quantity, edit.reason];
      return mutate(context, { name: 'stockSet', input, facts }, (tx) =>
        applyEdit(tx, context, edit, 'StockLevel'),
      );
    },
  }),
);
