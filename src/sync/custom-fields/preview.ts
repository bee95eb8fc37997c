import type { Queryable } from '../../db/pool.ts';
import type { CustomField, CustomFieldDeclaration, CustomFieldText } from '../../model/custom-field.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { Platform, Session } from '../platforms/platform.ts';
import { extract, type OwnerFacts } from './extract.ts';
import { loadOwnerFacts } from './review.ts';

export interface PreviewRow {
  ownerId: bigint;
  raw: string | null;
  value: CustomFieldText | null;
  problem: string | null;
}

/**
 * What a declaration would make of the owners that changed last, newest first: nothing is written. Metafields are read from
 * the platform as they are now.
 */
export async function previewCustomField(
  declaration: CustomFieldDeclaration,
  count: number,
  {
    db,
    platforms,
    session,
  }: {
    db: Queryable;
    platforms: Partial<Record<PlatformName, Platform>>;
    session: ((connectionId: bigint) => Promise<Session<unknown>>) | undefined;
  },
): Promise<PreviewRow[]> {
  const field: CustomField = { ...declaration, id: 0n, declaredBy: 'api' };
  const { rows: recent } = await db.query<RecentOwner>(recentOwners[declaration.owner], [count]);
  const ids = [...new Set(recent.map((one) => one.id))];
  const facts = await loadOwnerFacts[declaration.owner](db, ids);
  const told = await readTold(declaration, recent, platforms, session);
  return ids.flatMap((id) => {
    const one = facts.find((each) => each.id === id);
    if (one === undefined) return [];
    const { raw, result } = extract(field, { ...one, metafields: told.get(id) ?? one.metafields });
    return [
      {
        ownerId: id,
        raw: raw === null ? null : raw.slice(0, 500),
        value: result.kind === 'value' ? result.value : null,
        problem: result.kind === 'problem' ? result.problem : null,
      },
    ];
  });
}

interface RecentOwner {
  id: bigint;
  connectionId: bigint | null;
  platform: PlatformName | null;
  remoteId: string | null;
}

const recentOwners = {
  Order: `select o.id, o.connection_id as "connectionId", n.platform, o.remote_id as "remoteId"
    from sales_order o join connection n on n.id = o.connection_id
    where o.removed_at is null order by o.placed_at desc, o.id desc limit $1`,
  Customer: `with recent as (
      select id, updated_at from customer where merged_into_id is null order by updated_at desc, id desc limit $1)
    select r.id, i.connection_id as "connectionId", n.platform, i.remote_id as "remoteId"
    from recent r left join customer_identity i on i.customer_id = r.id and i.remote_id not like 'guest:%'
    left join connection n on n.id = i.connection_id order by r.updated_at desc, r.id desc`,
};

type Metafields = OwnerFacts['metafields'];

async function readTold(
  { owner, source }: CustomFieldDeclaration,
  recent: readonly RecentOwner[],
  platforms: Partial<Record<PlatformName, Platform>>,
  session: ((connectionId: bigint) => Promise<Session<unknown>>) | undefined,
): Promise<Map<bigint, Metafields>> {
  const told = new Map<bigint, Metafields>();
  if (source.kind !== 'metafield' || session === undefined) return told;
  const keys = [`${source.namespace}.${source.key}`];
  for (const connectionId of new Set(recent.map((one) => one.connectionId))) {
    const here = recent.filter((one) => one.connectionId === connectionId);
    const name = here[0]?.platform ?? null;
    const read = name === null ? undefined : platforms[name]?.readMetafields;
    if (connectionId === null || read === undefined) continue;
    const remoteIds = here.flatMap((one) => (one.remoteId === null ? [] : [one.remoteId]));
    for (const change of await read(await session(connectionId), { owner, remoteIds, keys })) {
      if (change.kind !== 'metafields') continue;
      const id = here.find((one) => one.remoteId === change.remoteId)?.id;
      if (id !== undefined) told.set(id, [...(told.get(id) ?? []), change.values]);
    }
  }
  return told;
}
