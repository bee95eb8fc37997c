import { builder } from '../builder.ts';
import { Location, Variant } from '../refs.ts';
import { applyEdit, mutate } from './mutation.ts';
import { idempotencyField, waitFields } from './payload.ts';
import { stockPayload } from './stock-payload.ts';

const StockAdjustCause = builder.enumType('StockAdjustCause', {
  description: 'Why stock is corrected.',
  values: {
    ADJUSTMENT: { value: 'adjustment', description: 'It was wrong, was lost or was found.' },
    RECEIPT: { value: 'receipt', description: 'Goods arrived.' },
    RETURN: {
      value: 'return',
      description: 'Goods came back; `disposition` says whether they can be sold again.',
    },
    WRITE_OFF: {
      value: 'write_off',
      description: 'Goods broke or spoilt: they are there and cannot be sold. Below 0.',
    },
  } as const,
});

const ReturnDispositionEnum = builder.enumType('ReturnDisposition', {
  description: 'In which state goods came back.',
  values: {
    SELLABLE: { value: 'sellable', description: 'They can be sold again and become available.' },
    DAMAGED: {
      value: 'damaged',
      description:
        'They cannot be sold: a return and a write-off in one, which leave the level and what channels may sell as they were.',
    },
  } as const,
});

const StockAdjustInput = builder.inputType('StockAdjustInput', {
  description: 'A correction of stock.',
  fields: (t) => ({
    variantId: t.globalID({
      for: Variant,
      required: true,
      description: 'Id of the variant whose stock is corrected.',
    }),
    locationId: t.globalID({
      for: Location,
      required: true,
      description: 'Id of the location where it is stocked.',
    }),
    delta: t.int({ required: true, description: 'How many more, or fewer if negative. Not 0.' }),
    reason: t.string({ required: true, description: 'Why, in words; kept with the movement.' }),
    cause: t.field({
      type: StockAdjustCause,
      defaultValue: 'adjustment',
      description: 'What kind of correction it is.',
    }),
    disposition: t.field({
      type: ReturnDispositionEnum,
      description: 'In which state goods came back; only with the cause `RETURN`, `SELLABLE` unless told.',
    }),
    allowNegative: t.boolean({
      defaultValue: false,
      description: 'Let `available` fall below zero, which is refused otherwise.',
    }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const StockAdjustPayload = stockPayload('StockAdjustPayload', 'What correcting stock has done.');

builder.mutationField('stockAdjust', (t) =>
  t.field({
    type: StockAdjustPayload,
    description: 'Corrects a stock level by a difference, here and at the shop.',
    authScopes: { can: 'write:stock' },
    args: { input: t.arg({ type: StockAdjustInput, required: true, description: 'The correction.' }) },
    resolve: (_root, { input }, context) => {
      const edit = {
        kind: 'stockAdjust' as const,
        variantId: BigInt(input.variantId.id),
        locationId: BigInt(input.locationId.id),
        delta: input.delta,
        reason: input.reason.trim(),
        cause: input.cause ?? 'adjustment',
        allowNegative: input.allowNegative === true,
        ...(input.disposition == null ? {} : { disposition: input.disposition }),
      };
      const facts = [
        input.variantId.id,
        input.locationId.id,
        edit.delta,
        edit.reason,
        edit.cause,
        edit.allowNegative,
        // Only where it is told: keys from before it existed go on meaning the same request.
        ...(input.disposition == null ? [] : [input.disposition]),
      ];
      return mutate(context, { name: 'stockAdjust', input, facts }, (tx) =>
        applyEdit(tx, context, edit, 'StockLevel'),
      );
    },
  }),
);
