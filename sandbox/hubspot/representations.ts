import type { AssociationSpec } from './associations.ts';
import { type Crm, type CrmRecord, historyOf } from './crm.ts';
import { HubSpotError } from './errors.ts';
import { type ObjectType, type ObjectTypeId, objectTypeNamed } from './object-types.ts';
import { dealPipeline, orderPipeline } from './property-definitions.ts';
import type { SearchDocument } from './search.ts';

type Body = Record<string, unknown>;

/** Which properties an answer carries: those asked for, or the default ones of the type. */
export function shownProperties(
  type: ObjectType,
  properties: Readonly<Record<string, string>>,
  requested: readonly string[],
  isKnown: (name: string) => boolean,
): Record<string, string | null> {
  const names =
    requested.length === 0
      ? type.defaultProperties
      : [type.createdProperty, 'hs_object_id', type.modifiedProperty, ...requested.filter(isKnown)];
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, properties[name] ?? null]));
}

export function publicRecord(record: CrmRecord, properties: Record<string, string | null>): Body {
  return {
    id: record.id,
    properties,
    createdAt: iso(record.createdAtMs),
    updatedAt: iso(record.updatedAtMs),
    archived: record.archivedAtMs !== null,
    ...(record.archivedAtMs === null ? {} : { archivedAt: iso(record.archivedAtMs) }),
  };
}

export function publicDocument(document: SearchDocument, properties: Record<string, string | null>): Body {
  return {
    id: document.id,
    properties,
    createdAt: iso(document.createdAtMs),
    updatedAt: iso(document.updatedAtMs),
    archived: false,
  };
}

export function publicHistory(record: CrmRecord, names: readonly string[]): Body {
  const entries = names.map((name) => [
    name,
    historyOf(record, name).map((entry) => ({
      value: entry.value,
      timestamp: iso(entry.timestampMs),
      sourceType: entry.sourceType,
      sourceId: entry.sourceId,
    })),
  ]);
  return { propertiesWithHistory: Object.fromEntries(entries) };
}

/** The `associations` of a v3 read: { contacts: { results: [{ id, type }] } }. */
export function publicAssociations(crm: Crm, record: CrmRecord, wanted: readonly string[]): Body {
  const shown: Body = {};
  for (const name of wanted) {
    const to = objectTypeNamed(name);
    const results = associationsV3(crm, record, to);
    if (results.length > 0) shown[to.plural] = { results };
  }
  return Object.keys(shown).length === 0 ? {} : { associations: shown };
}

export function associationsV3(crm: Crm, record: CrmRecord, to: ObjectType): { id: string; type: string }[] {
  const from = objectTypeNamed(record.typeId);
  return crm.associations.of(record.typeId, record.id, to.id).flatMap(({ toId, specs }) =>
    specs.map((spec) => {
      const label = labelOf(crm, record.typeId, to.id, spec);
      return {
        id: toId,
        type:
          label === null
            ? `${from.singular}_to_${to.singular}`
            : `${from.singular}_to_${to.singular}_${label.toLowerCase().replaceAll(' ', '_')}`,
      };
    }),
  );
}

export function associationTypes(
  crm: Crm,
  from: ObjectTypeId,
  to: ObjectTypeId,
  specs: readonly AssociationSpec[],
): Body[] {
  return specs.map((spec) => ({
    category: spec.category,
    typeId: spec.typeId,
    label: labelOf(crm, from, to, spec),
  }));
}

export function publicPipelines(typeId: ObjectTypeId): Body[] {
  const pipeline = typeId === '0-123' ? orderPipeline : typeId === '0-3' ? dealPipeline : null;
  if (pipeline === null) return [];
  const times = { createdAt: iso(0), updatedAt: iso(0), archived: false };
  return [
    {
      id: pipeline.id,
      label: pipeline.label,
      displayOrder: 0,
      ...times,
      stages: pipeline.stages.map(([id, label, state], index) => ({
        id,
        label,
        displayOrder: index,
        metadata:
          typeId === '0-123' ? { state } : { isClosed: String(state === 'CLOSED'), probability: '0.5' },
        ...times,
      })),
    },
  ];
}

/** An answer of a batch: 207 where some inputs failed. */
export function batchAnswer(
  startedAtMs: number,
  completedAtMs: number,
  results: readonly Body[],
  errors: readonly Body[],
  status: 200 | 201,
): { status: number; body: Body } {
  return {
    status: errors.length > 0 ? 207 : status,
    body: {
      status: 'COMPLETE',
      results,
      ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
      startedAt: iso(startedAtMs),
      completedAt: iso(completedAtMs),
    },
  };
}

/** One failed input of a batch; `context` tells which. */
export function batchError(error: HubSpotError, context: Record<string, string[]>): Body {
  return {
    status: 'error',
    category: error.category,
    ...(error.subCategory === undefined ? {} : { subCategory: error.subCategory }),
    message: error.message,
    errors: error.errors ?? [],
    context: { ...error.context, ...context },
    links: {},
  };
}

export function missingInBatch(type: ObjectType, ids: readonly string[]): Body {
  return batchError(
    new HubSpotError(
      404,
      'OBJECT_NOT_FOUND',
      `Could not get some ${type.singular.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`,
    ),
    { ids: [...ids] },
  );
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function labelOf(crm: Crm, from: ObjectTypeId, to: ObjectTypeId, spec: AssociationSpec): string | null {
  const type = crm
    .associationTypes(from, to)
    .find((one) => one.typeId === spec.typeId && one.category === spec.category);
  return type?.label ?? null;
}
