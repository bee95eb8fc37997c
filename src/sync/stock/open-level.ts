import type { PlatformName } from '../../model/platform-name.ts';
import type { WriteContext } from '../graph/write-context.ts';
import { levelKey } from './apply-stock-levels.ts';
import { keepingPlatforms, openStockLevels } from './stock-level.ts';

/**
 * Opens the level of a variant at a location that it comes to for the first time. The platform that keeps the location is
 * taken to hold nothing there, so that it is owed whatever moves; it stocks the item when it is told.
 * @returns false where no platform would: the location is closed, or its shop does not know the variant
 */
export async function openLevel(
  context: WriteContext,
  { variantId, locationId }: { variantId: bigint; locationId: bigint },
): Promise<boolean> {
  const { tx } = context;
  const { rows } = await tx.query<{
    connectionId: bigint;
    platform: PlatformName;
    location: string;
    item: string;
  }>({
    name: 'find-place-to-stock',
    text: `select l.connection_id as "connectionId", c.platform::text as platform, l.remote_id as location,
             g.remote_inventory_item_id as item
           from location l join connection c on c.id = l.connection_id
           join listing g on g.connection_id = l.connection_id and g.variant_id = $1
             and g.remote_inventory_item_id is not null and g.status <> 'removed'
           where l.id = $2 and l.active and c.platform = any($3::platform[]) order by g.id limit 1`,
    values: [variantId, locationId, keepingPlatforms(context)],
  });
  const [place] = rows;
  const linkType = place === undefined ? undefined : context.platforms[place.platform]?.linkTypes.StockLevel;
  if (place === undefined || linkType === undefined) return false;
  const [id] = await openStockLevels(tx, [{ variantId, locationId }]);
  await tx.query({
    name: 'link-opened-level',
    // A link that is left of an earlier level at this place stands for this one from now on.
    text: `insert into link as l (connection_id, entity_type, entity_id, remote_type, remote_id, remote_state, seen_at)
           values ($1, 'StockLevel', $2, $3, $4, '{"available": 0}', clock_timestamp())
           on conflict (connection_id, remote_type, remote_id) do update set
             entity_type = excluded.entity_type, entity_id = excluded.entity_id,
             remote_state = excluded.remote_state || l.remote_state`,
    values: [place.connectionId, id, linkType, levelKey(place.item, place.location)],
  });
  return true;
}
