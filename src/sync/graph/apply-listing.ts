import type { PlatformChange } from '../../model/change.ts';
import { fingerprintOf } from './canonical-json.ts';
import { differingFields, loadLink, type StoredLink, saveLink } from './links.ts';
import { loadStatement, saveStatement } from './statements.ts';
import { gateStatement } from './version.ts';
import { type ChangeOutcome, eventOf, type PlatformContext, planLater, touch } from './write-context.ts';

type ListingChange = Extract<PlatformChange, { kind: 'listing' }>;

/** Remote type of the links between variants and a marketplace's offers. */
const listingLinkType = 'listing';

/**
 * Ties a marketplace's offer to the variant that carries the same number. Where none does, or more than one, the offer
 * brings a variant of its own, which gives way once a shop's variant with that number is known: order lines and stock of
 * the offer move over to it.
 */
export async function applyListing(context: PlatformContext, change: ListingChange): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const hash = fingerprintOf(change.listing);
  const gate = gateStatement(
    { version: change.version, hash },
    await loadStatement(tx, connectionId, 'listing', change.remoteId),
  );
  if (gate === 'stale' || gate === 'needsFresh') return gate;
  await saveStatement(tx, connectionId, 'listing', change.remoteId, { version: change.version, hash });

  const before = await findListing(context, change.remoteId);
  const shopVariantId = await findShopVariant(context, change.listing.sku);
  const variantId = shopVariantId ?? before?.variantId ?? (await insertOwnVariant(context, change));
  if (before?.own === true && gate === 'apply') await updateOwnVariant(context, before.variantId, change);
  const isNew = before === null;
  const moved = before !== null && before.variantId !== variantId;
  if (isNew || moved || before.productRemoteId !== change.listing.productRemoteId || before.removed)
    await writeListing(context, change, variantId);
  if (moved) await moveOver(context, change.remoteId, { from: before.variantId, to: variantId });

  const link = await loadLink(context, linkType(context), change.remoteId);
  const isMoved = link !== null && link.entityId !== variantId;
  const observed = isOutdated(link, change) ? undefined : change.observed;
  const isNews = observed !== undefined && (link === null || differingFields(link, observed).length > 0);
  if (link === null || isMoved || isNews) {
    await saveLink(context, {
      entityType: 'Variant',
      entityId: variantId,
      remoteType: linkType(context),
      remoteId: change.remoteId,
      observed,
    });
    // What the marketplace offers may differ from what it should.
    planLater(context.effects, 'Variant', variantId);
  }
  if (isNew || moved || gate === 'apply') {
    touch(context.effects, 'Variant', variantId);
    return 'applied';
  }
  if (isNews) return 'applied';
  return link?.pushed === true ? 'echo' : 'unchanged';
}

/** What was read before our own last word arrived there is no news about it. */
function isOutdated(link: StoredLink | null, { version }: ListingChange): boolean {
  return link?.pushed === true && version.observedAt !== null && link.seenAt > version.observedAt;
}

function linkType(context: PlatformContext): string {
  return context.platforms[context.source]?.linkTypes.Variant ?? listingLinkType;
}

interface StoredListing {
  variantId: bigint;
  productRemoteId: string;
  removed: boolean;
  /** The variant was brought by this offer. */
  own: boolean;
}

async function findListing(context: PlatformContext, remoteId: string): Promise<StoredListing | null> {
  const { rows } = await context.tx.query<StoredListing>({
    name: 'find-listing',
    text: `select g.variant_id as "variantId", g.remote_product_id as "productRemoteId", g.status = 'removed' as removed,
             not exists (select 1 from listing o where o.variant_id = g.variant_id and o.connection_id <> $1) as own
           from listing g where g.connection_id = $1 and g.remote_variant_id = $2 for no key update of g`,
    values: [context.connectionId, remoteId],
  });
  return rows[0] ?? null;
}

/** The one variant of another platform with this number. Numbers that stand for several goods decide nothing. */
async function findShopVariant(context: PlatformContext, sku: string): Promise<bigint | null> {
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'find-variant-by-sku',
    text: `select v.id from variant v
           where v.sku = $2 and v.removed_at is null
             and exists (select 1 from listing g where g.variant_id = v.id and g.connection_id <> $1 and g.status <> 'removed')
           order by v.id limit 2`,
    values: [context.connectionId, sku],
  });
  return rows.length === 1 ? (rows[0]?.id ?? null) : null;
}

async function insertOwnVariant(context: PlatformContext, change: ListingChange): Promise<bigint> {
  const { listing, version } = change;
  const { rows } = await context.tx.query<{ id: bigint; productId: bigint }>({
    name: 'insert-listed-variant',
    text: `with made as (
             insert into product (title, status, source_updated_at, observed_at) values ($1, 'active', $2, $3) returning id
           )
           insert into variant (product_id, sku, title, price_minor, currency)
           select id, $4, $1, $5, $6 from made returning id, product_id as "productId"`,
    values: [
      listing.title,
      version.sourceUpdatedAt,
      version.observedAt ?? context.now,
      listing.sku,
      listing.price?.amountMinor ?? 0n,
      listing.price?.currency ?? 'USD',
    ],
  });
  const row = rows[0];
  if (row === undefined) throw new Error('An insert returned no row.');
  touch(context.effects, 'Product', row.productId);
  context.effects.events.push(
    eventOf(
      context,
      'product.created',
      { type: 'Product', id: row.productId },
      { title: listing.title, status: 'active', variantIds: [row.id.toString()], removedVariantIds: [] },
    ),
  );
  return row.id;
}

async function updateOwnVariant(
  context: PlatformContext,
  variantId: bigint,
  { listing }: ListingChange,
): Promise<void> {
  await context.tx.query({
    name: 'update-listed-variant',
    text: `with renamed as (
             update variant set title = $2, price_minor = coalesce($3, price_minor), currency = coalesce($4, currency),
               updated_at = clock_timestamp()
             where id = $1 returning product_id
           )
           update product p set title = $2, updated_at = clock_timestamp() from renamed r where p.id = r.product_id`,
    values: [variantId, listing.title, listing.price?.amountMinor ?? null, listing.price?.currency ?? null],
  });
}

/** Order lines may have been told before the offer that they name. */
async function writeListing(
  context: PlatformContext,
  { remoteId, listing }: ListingChange,
  variantId: bigint,
): Promise<void> {
  await context.tx.query({
    name: 'write-listing',
    text: `with listed as (
             insert into listing as g (variant_id, connection_id, remote_product_id, remote_variant_id, remote_inventory_item_id)
             values ($1, $2, $3, $4, $4)
             on conflict (connection_id, remote_variant_id) do update set variant_id = excluded.variant_id,
               remote_product_id = excluded.remote_product_id,
               status = case when g.status = 'removed' then 'active' else g.status end
           )
           update order_line l set variant_id = $1 from sales_order s
           where s.id = l.order_id and s.connection_id = $2 and l.remote_variant_id = $4 and l.variant_id is null`,
    values: [variantId, context.connectionId, listing.productRemoteId, remoteId],
  });
}

/**
 * Gives what belongs to the offer to another variant: its order lines and the stock that the marketplace keeps itself. A
 * variant that only the offer had brought is no longer needed.
 */
async function moveOver(
  context: PlatformContext,
  remoteId: string,
  variants: { from: bigint; to: bigint },
): Promise<void> {
  await context.tx.query({
    name: 'move-listing',
    text: `with lines as (
             update order_line l set variant_id = $4 from sales_order s
             where s.id = l.order_id and s.connection_id = $1 and l.remote_variant_id = $2 and l.variant_id = $3
           ),
           levels as (
             update stock_level t set variant_id = $4, updated_at = clock_timestamp() from location p
             where p.id = t.location_id and p.connection_id = $1 and t.variant_id = $3
               and not exists (select 1 from stock_level o where o.variant_id = $4 and o.location_id = t.location_id)
           ),
           spare as (
             update variant v set removed_at = clock_timestamp(), updated_at = clock_timestamp()
             where v.id = $3 and v.removed_at is null
               and not exists (select 1 from listing g where g.variant_id = v.id and g.status <> 'removed'
                 and (g.connection_id, g.remote_variant_id) <> ($1, $2))
             returning v.product_id
           )
           update product p set removed_at = clock_timestamp(), updated_at = clock_timestamp() from spare s
           where p.id = s.product_id
             and not exists (select 1 from variant v where v.product_id = p.id and v.removed_at is null and v.id <> $3)`,
    values: [context.connectionId, remoteId, variants.from, variants.to],
  });
}
