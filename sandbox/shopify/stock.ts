import type { InventoryItem, Level } from './commerce/types.ts';
import { type Shop, ShopError } from './shop.ts';

export const quantityNames = [
  'available',
  'committed',
  'damaged',
  'incoming',
  'quality_control',
  'reserved',
  'safety_stock',
] as const;
export type QuantityName = (typeof quantityNames)[number];

export type LevelChange = Partial<Record<QuantityName, number>>;

/** What is physically there: everything but what is still on its way. */
export function onHand(level: Level): number {
  return (
    level.available +
    level.committed +
    level.reserved +
    level.damaged +
    level.safety_stock +
    level.quality_control
  );
}

export function quantityOf(level: Level, name: string): number | null {
  if (name === 'on_hand') return onHand(level);
  return (quantityNames as readonly string[]).includes(name) ? level[name as QuantityName] : null;
}

/** Moves quantities of one level; tells subscribers when what can be sold has changed. */
export function changeLevel(shop: Shop, itemId: string, locationId: string, change: LevelChange): Level {
  const item = shop.items.get(itemId);
  if (item === undefined) throw new ShopError(`no inventory item ${itemId}`, null, 404);
  const level = item.levels[locationId] ?? activateLevel(shop, item, locationId);
  for (const name of quantityNames) level[name] += change[name] ?? 0;
  level.updatedAtMs = shop.nowMs();
  shop.changed();
  if ((change.available ?? 0) !== 0) shop.emit('inventory_levels/update', `${itemId}:${locationId}`);
  return level;
}

/** Starts stocking an item at a location, at zero. */
export function activateLevel(shop: Shop, item: InventoryItem, locationId: string): Level {
  if (!shop.locations.has(locationId)) throw new ShopError(`no location ${locationId}`, null, 404);
  const known = item.levels[locationId];
  if (known !== undefined) return known;
  const now = shop.nowMs();
  const level: Level = {
    typename: 'InventoryLevel',
    itemId: item.id,
    locationId,
    createdAtMs: now,
    updatedAtMs: now,
    available: 0,
    committed: 0,
    reserved: 0,
    damaged: 0,
    safety_stock: 0,
    quality_control: 0,
    incoming: 0,
  };
  item.levels[locationId] = level;
  shop.changed();
  return level;
}

/** A stock count by hand in the admin: what is available is set to what was counted. */
export function setStock(
  shop: Shop,
  count: { sku: string; locationId: string; quantity: number; name?: 'available' | 'on_hand' },
): Level {
  const variant = shop.variantBySku.get(count.sku);
  if (variant === undefined) throw new ShopError(`no variant with SKU ${count.sku}`, ['sku'], 404);
  const level = shop.level(variant.inventoryItemId, count.locationId);
  const before = level === undefined ? 0 : (quantityOf(level, count.name ?? 'available') ?? 0);
  return changeLevel(shop, variant.inventoryItemId, count.locationId, {
    available: count.quantity - before,
  });
}

/** Where an online order's line comes from: the first location that can send all of it, else the fullest. */
export function routeLine(shop: Shop, itemId: string, quantity: number): string {
  let fullest: { id: string; available: number } | null = null;
  for (const location of shop.locations.values()) {
    if (!location.active || !location.fulfillsOnlineOrders) continue;
    const available = shop.level(itemId, location.id)?.available ?? 0;
    if (available >= quantity) return location.id;
    if (fullest === null || available > fullest.available) fullest = { id: location.id, available };
  }
  if (fullest === null) throw new ShopError('no location fulfils online orders');
  return fullest.id;
}
