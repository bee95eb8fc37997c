import { builder } from '../builder.ts';
import { StockLevel } from '../refs.ts';
import type { PayloadValue } from './mutation.ts';
import { pushFields } from './payload.ts';

/** A payload of a mutation that changes one stock level. */
export function stockPayload(name: string, description: string) {
  return builder.objectRef<PayloadValue>(name).implement({
    description,
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
}
