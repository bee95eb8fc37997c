import { read, sql } from '../../loaders/sql.ts';
import { columnsOf } from '../../loaders/table.ts';
import { type EventRow, events } from '../../loaders/tables.ts';
import type { EventType, StoredEvent, SubjectType } from '../../model/event.ts';
import type { Source } from '../../model/platform-name.ts';
import { builder } from '../builder.ts';
import { EventTypeEnum, SourceEnum, SubjectTypeEnum } from '../enums.ts';
import { encodeGlobalId } from '../global-id.ts';
import { scopeOfType } from '../scopes.ts';
import type { OperationContext } from '../services.ts';

/** An event as the API shows it, read from the table or heard from the stream. */
export interface EventFacts {
  position: string;
  type: EventType;
  subjectType: SubjectType;
  subjectId: string;
  payload: unknown;
  source: Source;
  recordedAt: string | Date;
}

export const Event = builder.loadableNodeRef<EventFacts, string>('Event', {
  id: { description: 'Globally unique and stable; opaque.', resolve: (event) => event.position },
  load: async (positions, context: OperationContext) => {
    const rows = await read<EventRow>(
      context.db,
      sql`select ${columnsOf(events, 't')} from event t where t.position = any(${positions}::bigint[])`,
    );
    const byPosition = new Map(rows.map((row) => [row.position, fromRow(row)]));
    return positions.map((position) => byPosition.get(position) ?? null) as EventFacts[];
  },
});

Event.implement({
  description: 'A fact that was committed, numbered in commit order without gaps.',
  fields: (t) => ({
    cursor: t.exposeString('position', {
      description: 'Its place in the stream: pass it as `after` to a subscription.',
    }),
    type: t.expose('type', { type: EventTypeEnum, description: 'What happened.' }),
    subjectType: t.expose('subjectType', { type: SubjectTypeEnum, description: 'To what kind of thing.' }),
    subjectId: t.id({
      description: 'To which: an id for `node(id:)`.',
      resolve: (event) => encodeGlobalId(event.subjectType, event.subjectId),
    }),
    subject: t.node({
      description: 'The thing as it is now; null when it is gone.',
      authScopes: (event) => ({ can: scopeOfType[event.subjectType] }),
      id: (event) => ({ type: event.subjectType, id: event.subjectId }),
    }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Before, after, cause; amounts in minor units as strings. Null where the key may not see the subject.',
      authScopes: (event) => ({ can: scopeOfType[event.subjectType] }),
      resolve: (event) => event.payload,
    }),
    source: t.expose('source', { type: SourceEnum, description: 'Who caused it.' }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When it was committed.' }),
  }),
});

export function fromRow(row: EventRow): EventFacts {
  return {
    position: row.position,
    type: row.type as EventType,
    subjectType: row.subjectType as SubjectType,
    subjectId: row.subjectId,
    payload: JSON.parse(row.payload),
    source: row.source as Source,
    recordedAt: row.recordedAt,
  };
}

export function fromStream(event: StoredEvent): EventFacts {
  return {
    position: event.position.toString(),
    type: event.type,
    subjectType: event.subjectType,
    subjectId: event.subjectId.toString(),
    payload: event.payload,
    source: event.source,
    recordedAt: event.recordedAt,
  };
}
