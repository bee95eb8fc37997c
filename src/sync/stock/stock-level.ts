import type { Tx } from '../../db/pool.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { WriteContext } from '../graph/write-context.ts';
import type { Counts } from './counts.ts';

export interface StockLevel {
  id: bigint;
  variantId: bigint;
  locationId: bigint;
  sku: string | null;
  counts: Counts;
  /** When the last read of all counts began. */
  countedAt: Date | null;
  /** Platforms that offer the variant. */
  platforms: PlatformName[];
  /** Variants whose published quantities follow this level: its own, and sets that it is part of. */
  publishedVariantIds: bigint[];
}

export type StockLevelRow = Omit<StockLevel, 'counts' | 'publishedVariantIds'> &
  Counts & { publishedVariantIds: string[] };

/**
 * Columns of a level over the aliases `s` and `v`; the parameter holds the names of platforms that take published
 * quantities.
 */
export function levelColumns(publishing: string): string {
  return `s.id, s.variant_id as "variantId", s.location_id as "locationId", v.sku, s.on_hand as "onHand", s.committed,
    s.reserved, s.incoming, s.safety, s.counted_at as "countedAt", ${listingColumns('s.variant_id', publishing)}`;
}

/** The same for a variant that may have no level yet. */
export function listingColumns(variantId: string, publishing: string): string {
  return `array(select distinct c.platform::text from listing g join connection c on c.id = g.connection_id
      where g.variant_id = ${variantId} and g.status <> 'removed') as platforms,
    case when cardinality(${publishing}::text[]) > 0 then array(
      select distinct g.variant_id::text
      from listing g join connection c on c.id = g.connection_id and c.platform::text = any(${publishing}::text[])
      where g.status <> 'removed' and g.variant_id in (
        select ${variantId} union all
        select b.bundle_variant_id from bundle_component b where b.component_variant_id = ${variantId})) end
      as "publishedVariantIds"`;
}

/** Platforms that are told what they may sell. */
export function publishingPlatforms({ platforms }: Pick<WriteContext, 'platforms'>): PlatformName[] {
  return Object.values(platforms).flatMap((one) => (one.linkTypes.Variant === undefined ? [] : [one.name]));
}

/** Platforms that keep the retailer's own stock: they report it, and take what they do not know of. */
export function keepingPlatforms({ platforms }: Pick<WriteContext, 'platforms'>): PlatformName[] {
  return Object.values(platforms).flatMap((one) => (one.pushKinds.includes('stockLevel') ? [one.name] : []));
}

export function levelOf(row: StockLevelRow): StockLevel {
  const { onHand, committed, reserved, incoming, safety, publishedVariantIds, ...level } = row;
  return {
    ...level,
    counts: { onHand, committed, reserved, incoming, safety },
    publishedVariantIds: (publishedVariantIds ?? []).map(BigInt),
  };
}

/** The levels of variants at locations, their rows locked in the order of their ids; where nothing was ever counted there is none. */
export async function lockStockLevels(
  context: WriteContext,
  places: readonly { variantId: bigint; locationId: bigint }[],
): Promise<StockLevel[]> {
  const { rows } = await context.tx.query<StockLevelRow>({
    name: 'lock-stock-levels',
    text: `select ${levelColumns('$3')}
           from unnest($1::bigint[], $2::bigint[]) as x(variant_id, location_id)
           join stock_level s on s.variant_id = x.variant_id and s.location_id = x.location_id
           join variant v on v.id = s.variant_id
           order by s.id for no key update of s`,
    values: [
      places.map((place) => place.variantId),
      places.map((place) => place.locationId),
      publishingPlatforms(context),
    ],
  });
  return rows.map(levelOf);
}

/** Opens levels at zero, where there are none yet. @returns their ids in the order of the places. */
export async function openStockLevels(
  tx: Tx,
  places: readonly { variantId: bigint; locationId: bigint }[],
): Promise<bigint[]> {
  if (places.length === 0) return [];
  const { rows } = await tx.query<{ id: bigint }>({
    name: 'open-stock-levels',
    // Somebody else may have opened one just now: touching its row gives its id, and locks it.
    text: `with opened as (
             insert into stock_level (variant_id, location_id)
             select x.variant_id, x.location_id
             from unnest($1::bigint[], $2::bigint[]) with ordinality as x(variant_id, location_id, n) order by x.n
             on conflict (variant_id, location_id) do update set updated_at = stock_level.updated_at
             returning id, variant_id, location_id)
           select o.id from unnest($1::bigint[], $2::bigint[]) with ordinality as x(variant_id, location_id, n)
           join opened o on o.variant_id = x.variant_id and o.location_id = x.location_id order by x.n`,
    values: [places.map((place) => place.variantId), places.map((place) => place.locationId)],
  });
  return rows.map((row) => row.id);
}
