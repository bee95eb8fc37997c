import type { StoredEvent } from '../../model/event.ts';
import { builder } from '../builder.ts';
import { EventTypeEnum, SourceEnum, SubjectTypeEnum } from '../enums.ts';
import { badInput } from '../failures.ts';
import { type EventSource, parseCursor } from './event-source.ts';
import { afterText, eventFields } from './payload.ts';

const EventAppended = builder.objectRef<StoredEvent>('EventAppended').implement({
  description: 'A fact was committed.',
  fields: (t) => eventFields(t, 'read:sync'),
});

interface Args {
  types?: EventSource['types'] | null | undefined;
  subjectTypes?: readonly string[] | null | undefined;
  subjectIds?: readonly { typename: string; id: string }[] | null | undefined;
  sources?: readonly string[] | null | undefined;
}

function sourceOf({ types, subjectTypes, subjectIds, sources }: Args): EventSource {
  if ((subjectIds?.length ?? 0) > 250) throw badInput('subjectIds: at most 250 of them.', ['subjectIds']);
  const kinds = subjectTypes ? new Set(subjectTypes) : null;
  const subjects = subjectIds ? new Set(subjectIds.map(({ typename, id }) => `${typename}:${id}`)) : null;
  const tellers = sources ? new Set(sources) : null;
  const isFiltered = kinds !== null || subjects !== null || tellers !== null;
  return {
    ...(types ? { types } : {}),
    ...(isFiltered
      ? {
          where: (event: StoredEvent) =>
            (kinds === null || kinds.has(event.subjectType)) &&
            (subjects === null || subjects.has(`${event.subjectType}:${event.subjectId}`)) &&
            (tellers === null || tellers.has(event.source)),
        }
      : {}),
  };
}

builder.subscriptionField('eventAppended', (t) =>
  t.field({
    type: EventAppended,
    description: 'Everything that is committed, in commit order. All given conditions must hold.',
    authScopes: { can: 'read:sync' },
    args: {
      types: t.arg({ type: [EventTypeEnum], description: 'Of one of these kinds.' }),
      subjectTypes: t.arg({ type: [SubjectTypeEnum], description: 'About one of these kinds of things.' }),
      subjectIds: t.arg.globalIDList({ description: 'About one of these nodes; at most 250.' }),
      sources: t.arg({ type: [SourceEnum], description: 'Caused by one of these.' }),
      after: t.arg.string({ description: afterText }),
    },
    subscribe: (_root, args, context) => context.deliver(sourceOf(args), parseCursor(args.after)),
    resolve: (event) => event,
  }),
);
