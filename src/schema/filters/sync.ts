import type { Prisma as PrismaNamespace } from '../../db/generated/client.ts';
import { raw, type Sql } from '../../loaders/sql.ts';
import { builder } from '../builder.ts';
import {
  DeliveryOutcomeEnum,
  DeliveryStatusEnum,
  EventTypeEnum,
  PlatformEnum,
  PushStatusEnum,
  SourceEnum,
  SubjectTypeEnum,
} from '../enums.ts';
import { Connection, Delivery } from '../nodes/sync.ts';
import { oneOf, TimeRange, within } from './common.ts';

export const DeliveryFilter = builder.inputType('DeliveryFilter', {
  description: 'Which deliveries; all given conditions must hold.',
  fields: (t) => ({
    connectionId: t.globalID({ for: Connection, description: 'Sent by this connection.' }),
    platform: t.field({ type: PlatformEnum, description: 'Sent by this platform.' }),
    statuses: t.field({ type: [DeliveryStatusEnum], description: 'Come this far.' }),
    outcomes: t.field({ type: [DeliveryOutcomeEnum], description: 'With one of these outcomes.' }),
    topic: t.string({ description: 'Of this topic.' }),
    subject: t.string({ description: 'About this, for example `order:5551`.' }),
    receivedAt: t.field({ type: TimeRange, description: 'Received within.' }),
  }),
});

export function deliveryWhere(
  filter: typeof DeliveryFilter.$inferInput | null | undefined,
): PrismaNamespace.DeliveryWhereInput {
  if (!filter) return {};
  return {
    ...(filter.connectionId ? { connectionId: BigInt(filter.connectionId.id) } : {}),
    ...(filter.platform ? { connection: { platform: filter.platform } } : {}),
    ...(filter.statuses ? { status: { in: filter.statuses } } : {}),
    ...(filter.outcomes ? { outcome: { in: filter.outcomes } } : {}),
    ...(filter.topic != null ? { topic: filter.topic } : {}),
    ...(filter.subject != null ? { subject: filter.subject } : {}),
    ...rangeOf('receivedAt', filter.receivedAt),
  };
}

export const PushFilter = builder.inputType('PushFilter', {
  description: 'Which pushes; all given conditions must hold.',
  fields: (t) => ({
    connectionId: t.globalID({ for: Connection, description: 'Owed to this connection.' }),
    platform: t.field({ type: PlatformEnum, description: 'Owed to this platform.' }),
    statuses: t.field({ type: [PushStatusEnum], description: 'Come this far.' }),
    kinds: t.stringList({ description: 'Of one of these kinds, for example `salesReceipt`.' }),
    subjectId: t.globalID({ description: 'About this node.' }),
    deliveryId: t.globalID({ for: Delivery, description: 'Caused by this delivery.' }),
    createdAt: t.field({ type: TimeRange, description: 'Planned within.' }),
  }),
});

export function pushWhere(
  filter: typeof PushFilter.$inferInput | null | undefined,
): PrismaNamespace.PushWhereInput {
  if (!filter) return {};
  return {
    ...(filter.connectionId ? { connectionId: BigInt(filter.connectionId.id) } : {}),
    ...(filter.platform ? { connection: { platform: filter.platform } } : {}),
    ...(filter.statuses ? { status: { in: filter.statuses } } : {}),
    ...(filter.kinds ? { kind: { in: filter.kinds } } : {}),
    ...(filter.subjectId
      ? { subjectType: filter.subjectId.typename, subjectId: BigInt(filter.subjectId.id) }
      : {}),
    ...(filter.deliveryId ? { deliveryId: BigInt(filter.deliveryId.id) } : {}),
    ...rangeOf('createdAt', filter.createdAt),
  };
}

function rangeOf<K extends string>(
  field: K,
  range: { from?: string | null | undefined; until?: string | null | undefined } | null | undefined,
): Record<K, { gte?: string; lt?: string }> | Record<string, never> {
  if (!range) return {};
  return {
    [field]: { ...(range.from ? { gte: range.from } : {}), ...(range.until ? { lt: range.until } : {}) },
  } as Record<K, { gte?: string; lt?: string }>;
}

export const EventFilter = builder.inputType('EventFilter', {
  description: 'Which events; all given conditions must hold.',
  fields: (t) => ({
    types: t.field({ type: [EventTypeEnum], description: 'Of one of these kinds.' }),
    subjectTypes: t.field({ type: [SubjectTypeEnum], description: 'About one of these kinds of things.' }),
    sources: t.field({ type: [SourceEnum], description: 'Caused by one of these.' }),
    recordedAt: t.field({ type: TimeRange, description: 'Committed within.' }),
  }),
});

export function eventConditions(filter: typeof EventFilter.$inferInput | null | undefined): Sql[] {
  if (!filter) return [];
  return [
    ...oneOf(raw('t.type'), filter.types),
    ...oneOf(raw('t.subject_type'), filter.subjectTypes),
    ...oneOf(raw('t.source'), filter.sources),
    ...within(raw('t.recorded_at'), filter.recordedAt),
  ];
}
