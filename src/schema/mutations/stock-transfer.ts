import { read, sql } from '../../loaders/sql.ts';
import { columnsOf } from '../../loaders/table.ts';
import { type StockLevelRow, stockLevels } from '../../loaders/tables.ts';
import { builder } from '../builder.ts';
import { Location, StockLevel, Variant } from '../refs.ts';
import type { OperationContext } from '../services.ts';
import { applyEdit, mutate, type PayloadValue } from './mutation.ts';
import { idempotencyField, pushFields, waitFields } from './payload.ts';

const StockTransferInput = builder.inputType('StockTransferInput', {
  description: 'Goods that move between two locations.',
  fields: (t) => ({
    variantId: t.globalID({
      for: Variant,
      required: true,
      description: 'Id of the variant whose units move.',
    }),
    fromLocationId: t.globalID({ for: Location, required: true, description: 'Where they are taken.' }),
    toLocationId: t.globalID({ for: Location, required: true, description: 'Where they are put.' }),
    quantity: t.int({ required: true, description: 'How many units move; at least 1.' }),
    reason: t.string({ required: true, description: 'Why, in words; kept with the movements.' }),
    ...waitFields(t),
    ...idempotencyField(t),
  }),
});

const StockTransferPayload = builder
  .objectRef<PayloadValue & { ends: { variantId: string; from: string; to: string } }>('StockTransferPayload')
  .implement({
    description: 'What moving goods has done.',
    fields: (t) => ({
      from: t.field({
        type: StockLevel,
        nullable: true,
        description: 'Where they were taken, as it is now.',
        authScopes: { can: 'read:stock' },
        resolve: ({ ends }, _args, context) => levelAt(context, ends.variantId, ends.from),
      }),
      to: t.field({
        type: StockLevel,
        nullable: true,
        description: 'Where they were put, as it is now.',
        authScopes: { can: 'read:stock' },
        resolve: ({ ends }, _args, context) => levelAt(context, ends.variantId, ends.to),
      }),
      ...pushFields(t as never, 'write:stock'),
    }),
  });

builder.mutationField('stockTransfer', (t) =>
  t.field({
    type: StockTransferPayload,
    description:
      'Moves goods from one location to another, at once, here and at the shop; where they come to for the first time they are stocked.',
    authScopes: { can: 'write:stock' },
    args: { input: t.arg({ type: StockTransferInput, required: true, description: 'The transfer.' }) },
    resolve: async (_root, { input }, context) => {
      const ends = {
        variantId: input.variantId.id,
        from: input.fromLocationId.id,
        to: input.toLocationId.id,
      };
      const edit = {
        kind: 'stockTransfer' as const,
        variantId: BigInt(ends.variantId),
        fromLocationId: BigInt(ends.from),
        toLocationId: BigInt(ends.to),
        quantity: input.quantity,
        reason: input.reason.trim(),
      };
      const facts = [ends.variantId, ends.from, ends.to, edit.quantity, edit.reason];
      const payload = await mutate(context, { name: 'stockTransfer', input, facts }, (tx) =>
        applyEdit(tx, context, edit, 'StockLevel'),
      );
      return { ...payload, ends };
    },
  }),
);

async function levelAt(
  context: OperationContext,
  variantId: string,
  locationId: string,
): Promise<StockLevelRow | null> {
  const rows = await read<StockLevelRow>(
    context.db,
    sql`select ${columnsOf(stockLevels, 't')} from stock_level t
        where t.variant_id = ${variantId}::bigint and t.location_id = ${locationId}::bigint`,
  );
  return rows[0] ?? null;
}
