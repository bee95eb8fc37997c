import type { StoredEvent } from '../../model/event.ts';
import type { builder } from '../builder.ts';
import { Event, fromStream } from '../nodes/event.ts';
import type { Scope } from '../scopes.ts';

type PayloadBuilder = PothosSchemaTypes.ObjectFieldBuilder<
  (typeof builder)['$inferSchemaTypes'],
  StoredEvent
>;

export const afterText = 'Cursor of the last payload seen; absent: from now on.';

/** What every payload carries. Whoever may subscribe may see the facts of the event; its subject asks for itself. */
export function eventFields(t: PayloadBuilder, scope: Scope) {
  return {
    cursor: t.string({
      description: 'Pass it as `after` to go on from here.',
      resolve: (event) => event.position.toString(),
    }),
    event: t.field({
      type: Event,
      description: 'What happened.',
      authScopes: { can: scope },
      resolve: fromStream,
    }),
  };
}
