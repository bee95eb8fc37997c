import { queryFromInfo } from '@pothos/plugin-prisma';
import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import type { Push as PushModel } from '../../db/generated/client.ts';
import { read, sql } from '../../loaders/sql.ts';
import type { SubjectType } from '../../model/event.ts';
import type { builder } from '../builder.ts';
import type { OperationContext } from '../services.ts';
import { Push } from './sync.ts';

type Types = (typeof builder)['$inferSchemaTypes'];

/**
 * Where a node stands at each platform: of every kind of write at every account the latest push that no newer one has
 * replaced. What came before is in the root's `pushes(filter: { subjectId: … })`.
 */
export function pushesField<Row extends { id: string }>(
  t: PothosSchemaTypes.ObjectFieldBuilder<Types, Row>,
  subjectType: SubjectType,
) {
  return t.field({
    type: [Push],
    description:
      'Where it stands at each platform: the latest write of each kind to each account. The ones before are found by the `pushes` of the root, with this id as `subjectId`.',
    authScopes: { can: 'read:sync' },
    resolve: (row, _args, context, info) => pushesOf(context, info, subjectType, (row as { id: string }).id),
  });
}

const loaders = new WeakMap<OperationContext, Map<string, DataLoader<string, PushModel[]>>>();

/** Read for all nodes that stand at the same place of the operation: their selections are the same. */
function pushesOf(
  context: OperationContext,
  info: GraphQLResolveInfo,
  subjectType: SubjectType,
  id: string,
): Promise<PushModel[]> {
  const ofOperation = loaders.get(context) ?? new Map<string, DataLoader<string, PushModel[]>>();
  loaders.set(context, ofOperation);
  const place = `${subjectType} ${placeOf(info.path)}`;
  let loader = ofOperation.get(place);
  if (loader === undefined) {
    loader = new DataLoader((ids) => load(context, info, subjectType, ids));
    ofOperation.set(place, loader);
  }
  return loader.load(id);
}

async function load(
  context: OperationContext,
  info: GraphQLResolveInfo,
  subjectType: SubjectType,
  ids: readonly string[],
): Promise<PushModel[][]> {
  const latest = await read<{ id: string }>(
    context.db,
    sql`select distinct on (t.subject_id, t.connection_id, t.kind) t.id from push t
        where t.subject_type = ${subjectType} and t.subject_id = any(${ids}::bigint[]) and t.status <> 'superseded'
        order by t.subject_id, t.connection_id, t.kind, t.version desc`,
  );
  if (latest.length === 0) return ids.map(() => []);
  const pushes = await context.services.prisma.push.findMany({
    ...(queryFromInfo({ context, info }) as object),
    where: { id: { in: latest.map((row) => BigInt(row.id)) } },
    orderBy: [{ connectionId: 'asc' }, { kind: 'asc' }],
  });
  const bySubject = Map.groupBy(pushes, (push) => push.subjectId.toString());
  return ids.map((id) => bySubject.get(id) ?? []);
}

function placeOf(path: GraphQLResolveInfo['path']): string {
  const keys: string[] = [];
  for (let at: GraphQLResolveInfo['path'] | undefined = path; at !== undefined; at = at.prev) {
    if (typeof at.key === 'string') keys.push(at.key);
  }
  return keys.reverse().join('.');
}
