import DataLoader from 'dataloader';
import { read, sql } from '../../loaders/sql.ts';
import { columnsOf } from '../../loaders/table.ts';
import { type LinkRow, links } from '../../loaders/tables.ts';
import { builder } from '../builder.ts';
import { FactSource } from '../common.ts';
import type { OperationContext } from '../services.ts';

export const PlatformRecord = builder.objectRef<LinkRow>('PlatformRecord').implement({
  description: 'A record at a platform that stands for a node of the graph.',
  fields: (t) => ({
    remoteType: t.exposeString('remoteType', {
      description: "The platform's kind of record, for example `contact`, `SalesReceipt`.",
    }),
    remoteId: t.exposeString('remoteId', { description: "The platform's id." }),
    remoteVersion: t.exposeString('remoteVersion', {
      nullable: true,
      description: "The platform's version of it as last seen.",
    }),
    source: t.field({
      type: FactSource,
      description: 'At which platform, and when it was last read or written.',
      resolve: (link) => ({ connectionId: link.connectionId, updatedAt: null, observedAt: link.seenAt }),
    }),
  }),
});

const loaders = new WeakMap<OperationContext, Map<string, DataLoader<string, LinkRow[]>>>();

/** Records of one node, read together with those of its siblings. */
export function recordsOf(context: OperationContext, entityType: string, id: string): Promise<LinkRow[]> {
  const ofOperation = loaders.get(context) ?? new Map<string, DataLoader<string, LinkRow[]>>();
  loaders.set(context, ofOperation);
  let loader = ofOperation.get(entityType);
  if (loader === undefined) {
    loader = new DataLoader(async (ids) => {
      const rows = await read<LinkRow>(
        context.db,
        sql`select ${columnsOf(links, 't')} from link t
            where t.entity_type = ${entityType} and t.entity_id = any(${ids}::bigint[]) order by t.id`,
      );
      const byEntity = Map.groupBy(rows, (row) => row.entityId);
      return ids.map((entityId) => byEntity.get(entityId) ?? []);
    });
    ofOperation.set(entityType, loader);
  }
  return loader.load(id);
}

const written = new WeakMap<OperationContext, DataLoader<string, LinkRow | null>>();

/** The record that a push wrote, by its last receipt; read together with those of its siblings. */
export function recordWritten(context: OperationContext, pushId: string): Promise<LinkRow | null> {
  let loader = written.get(context);
  if (loader === undefined) {
    loader = new DataLoader(async (ids) => {
      const rows = await read<LinkRow & { pushId: string }>(
        context.db,
        sql`select distinct on (p.id) p.id as "pushId", ${columnsOf(links, 't')}
            from push p join receipt r on r.push_id = p.id
            join link t on t.entity_type = p.subject_type and t.entity_id = p.subject_id
              and t.connection_id = p.connection_id and t.remote_id = r.remote_id
            where p.id = any(${ids}::bigint[]) order by p.id, r.id desc, t.id`,
      );
      const byPush = new Map(rows.map((row) => [row.pushId, row]));
      return ids.map((id) => byPush.get(id) ?? null);
    });
    written.set(context, loader);
  }
  return loader.load(pushId);
}
