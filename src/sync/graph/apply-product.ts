import type { PlatformChange } from '../../model/change.ts';
import type { CanonicalProduct } from '../../model/product.ts';
import { fingerprintOf, sameJson, toJson } from './canonical-json.ts';
import { saveLink } from './links.ts';
import { loadStatement, type StatementKind, saveStatement } from './statements.ts';
import { gateStatement, judgeVersion } from './version.ts';
import { type ChangeOutcome, eventOf, type PlatformContext, touch } from './write-context.ts';

type ProductChange = Extract<PlatformChange, { kind: 'product' }>;
type ProductRemoval = Extract<PlatformChange, { kind: 'productRemoved' }>;

const kind: StatementKind = 'product';

/** Applies a whole product: itself, its variants and their listings at the platform that speaks. */
export async function applyProduct(context: PlatformContext, change: ProductChange): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const statement = await loadStatement(tx, connectionId, kind, change.remoteId);
  const hash = fingerprintOf(change.product);
  const gate = gateStatement({ version: change.version, hash }, statement);
  if (gate === 'stale' || gate === 'unchanged' || gate === 'needsFresh') return gate;
  await saveStatement(tx, connectionId, kind, change.remoteId, { version: change.version, hash });

  const before = await findProduct(context, change.remoteId);
  const id =
    before === null ? await insertProduct(context, change) : await updateProduct(context, before.id, change);
  const remoteType = productLinkType(context);
  if (before === null || change.observed !== undefined)
    await saveLink(context, {
      entityType: 'Product',
      entityId: id,
      remoteType,
      remoteId: change.remoteId,
      observed: change.observed,
    });
  const variants = await writeVariants(context, id, change);
  const changedFields = [
    ...(before === null ? [] : differingFields(before, change.product)),
    ...(variants.changed.length + variants.removed.length > 0 ? ['variants'] : []),
  ];
  if (before !== null && changedFields.length === 0) return 'unchanged';
  touch(context.effects, 'Product', id);
  context.effects.events.push(
    eventOf(
      context,
      before === null ? 'product.created' : 'product.updated',
      { type: 'Product', id },
      {
        title: change.product.title,
        status: change.product.status,
        ...(before === null ? {} : { changedFields }),
        variantIds: variants.changed,
        removedVariantIds: variants.removed,
      },
    ),
  );
  return 'applied';
}

export async function applyProductRemoval(
  context: PlatformContext,
  change: ProductRemoval,
): Promise<ChangeOutcome> {
  const { tx, connectionId } = context;
  const statement = await loadStatement(tx, connectionId, kind, change.remoteId);
  if (statement !== null && judgeVersion(change.version, statement) !== 'newer')
    return statement.removed ? 'unchanged' : 'stale';
  await saveStatement(tx, connectionId, kind, change.remoteId, {
    version: change.version,
    hash: 'removed',
    removed: true,
  });
  const product = await findProduct(context, change.remoteId);
  if (product === null || product.removed) return 'unchanged';
  // Variants stay: order lines, stock and its movements refer to them.
  const { rows } = await tx.query<{ variantIds: string[] }>({
    name: 'remove-product',
    text: `with gone as (
             update product set removed_at = $2, updated_at = clock_timestamp() where id = $1
           ),
           variants as (
             update variant set removed_at = $2, updated_at = clock_timestamp() where product_id = $1 and removed_at is null
             returning id
           ),
           listings as (
             update listing set status = 'removed' where connection_id = $3 and remote_product_id = $4 and status <> 'removed'
           )
           select array(select id::text from variants order by id) as "variantIds"`,
    values: [product.id, change.version.sourceUpdatedAt, connectionId, change.remoteId],
  });
  touch(context.effects, 'Product', product.id);
  context.effects.events.push(
    eventOf(
      context,
      'product.removed',
      { type: 'Product', id: product.id },
      { title: product.title, removedVariantIds: rows[0]?.variantIds ?? [] },
    ),
  );
  return 'applied';
}

interface StoredProduct {
  id: bigint;
  title: string;
  vendor: string | null;
  productType: string | null;
  status: string;
  handle: string | null;
  tags: string[];
  removed: boolean;
}

async function findProduct(context: PlatformContext, remoteId: string): Promise<StoredProduct | null> {
  const { rows } = await context.tx.query<StoredProduct>({
    name: 'find-product',
    text: `select p.id, p.title, p.vendor, p.product_type as "productType", p.status, p.handle, p.tags,
             p.removed_at is not null as removed
           from link l join product p on p.id = l.entity_id
           where l.connection_id = $1 and l.remote_type = $2 and l.remote_id = $3 and l.entity_type = 'Product'
           for no key update of p`,
    values: [context.connectionId, productLinkType(context), remoteId],
  });
  return rows[0] ?? null;
}

/** Products are always linked, so that they are found again whatever becomes of their variants. */
function productLinkType(context: PlatformContext): string {
  return context.platforms[context.source]?.linkTypes.Product ?? 'product';
}

function differingFields(before: StoredProduct, after: CanonicalProduct): string[] {
  const fields = ['title', 'vendor', 'productType', 'status', 'handle', 'tags'] as const;
  return [
    ...fields.filter((field) => !sameJson(before[field], after[field])),
    ...(before.removed ? ['removed'] : []),
  ];
}

async function insertProduct(context: PlatformContext, change: ProductChange): Promise<bigint> {
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'insert-product',
    text: `insert into product (title, vendor, product_type, status, handle, tags, source_updated_at, observed_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
    values: productValues(context, change),
  });
  const id = rows[0]?.id;
  if (id === undefined) throw new Error('An insert returned no row.');
  return id;
}

async function updateProduct(context: PlatformContext, id: bigint, change: ProductChange): Promise<bigint> {
  await context.tx.query({
    name: 'update-product',
    text: `update product set title = $1, vendor = $2, product_type = $3, status = $4, handle = $5, tags = $6,
             source_updated_at = $7, observed_at = $8, removed_at = null, updated_at = clock_timestamp()
           where id = $9`,
    values: [...productValues(context, change), id],
  });
  return id;
}

function productValues(context: PlatformContext, { product, version }: ProductChange): unknown[] {
  return [
    product.title,
    product.vendor,
    product.productType,
    product.status,
    product.handle,
    product.tags,
    version.sourceUpdatedAt,
    version.observedAt ?? context.now,
  ];
}

/**
 * Writes all variants of a product at once. A variant is found again by its listing; those that the platform no longer
 * lists are marked removed. New ids are drawn before the insert, so that listings can refer to them in one statement.
 */
async function writeVariants(
  context: PlatformContext,
  productId: bigint,
  change: ProductChange,
): Promise<{ changed: string[]; removed: string[] }> {
  const variants = change.product.variants.map((variant) => ({
    remote_id: variant.remoteId,
    inventory_item: variant.inventoryItemRemoteId,
    sku: variant.sku,
    barcode: variant.barcode,
    title: variant.title,
    position: variant.position,
    price_minor: variant.priceMinor,
    cost_told: variant.costMinor !== undefined,
    cost_minor: variant.costMinor ?? null,
    currency: variant.currency,
    taxable: variant.taxable,
    tracked: variant.tracked,
    sells_out: variant.sellsWhenOutOfStock ?? null,
  }));
  const { rows } = await context.tx.query<{ changed: string[]; removed: string[] }>({
    name: 'write-variants',
    text: `with offered as materialized (
      select x.*, coalesce(g.variant_id, nextval(pg_get_serial_sequence('variant', 'id'))) as id, g.id is null as fresh
      from jsonb_to_recordset($4::jsonb) as x(remote_id text, inventory_item text, sku text, barcode text, title text,
        position int, price_minor bigint, cost_told boolean, cost_minor bigint, currency bpchar, taxable boolean, tracked boolean,
        sells_out boolean)
      left join listing g on g.connection_id = $1 and g.remote_variant_id = x.remote_id
    ),
    inserted as (
      insert into variant (id, product_id, sku, barcode, title, position, price_minor, cost_minor, currency, taxable, tracked,
        sells_when_out_of_stock)
      select id, $2, sku, barcode, title, position, price_minor, cost_minor, currency, taxable, tracked, coalesce(sells_out, false)
      from offered where fresh
      returning id
    ),
    updated as (
      update variant v set product_id = $2, sku = o.sku, barcode = o.barcode, title = o.title, position = o.position,
        price_minor = o.price_minor, cost_minor = case when o.cost_told then o.cost_minor else v.cost_minor end,
        currency = o.currency, taxable = o.taxable, tracked = o.tracked,
        sells_when_out_of_stock = coalesce(o.sells_out, v.sells_when_out_of_stock), removed_at = null, updated_at = clock_timestamp()
      from offered o
      where v.id = o.id and not o.fresh and (v.product_id, v.sku, v.barcode, v.title, v.position, v.price_minor, v.cost_minor,
          v.currency, v.taxable, v.tracked, v.sells_when_out_of_stock, v.removed_at)
        is distinct from ($2, o.sku, o.barcode, o.title, o.position, o.price_minor,
          case when o.cost_told then o.cost_minor else v.cost_minor end, o.currency, o.taxable, o.tracked,
          coalesce(o.sells_out, v.sells_when_out_of_stock), null::timestamptz)
      returning v.id
    ),
    listed as (
      insert into listing as g (variant_id, connection_id, remote_product_id, remote_variant_id, remote_inventory_item_id)
      select id, $1, $3, remote_id, inventory_item from offered
      on conflict (connection_id, remote_variant_id) do update set remote_product_id = excluded.remote_product_id,
        remote_inventory_item_id = excluded.remote_inventory_item_id,
        status = case when g.status = 'removed' then 'active' else g.status end
      where (g.remote_product_id, g.remote_inventory_item_id) is distinct from
        (excluded.remote_product_id, excluded.remote_inventory_item_id) or g.status = 'removed'
      returning g.variant_id
    ),
    unlisted as (
      update listing g set status = 'removed'
      where g.connection_id = $1 and g.remote_product_id = $3 and g.status <> 'removed'
        and not exists (select 1 from offered o where o.remote_id = g.remote_variant_id)
      returning g.variant_id
    ),
    removed as (
      update variant v set removed_at = $5, updated_at = clock_timestamp()
      from unlisted u where v.id = u.variant_id and v.removed_at is null
      returning v.id
    ),
    known as (
      update order_line l set variant_id = o.id
      from offered o
      where o.fresh and l.remote_variant_id = o.remote_id and l.variant_id is null
        and exists (select 1 from sales_order s where s.id = l.order_id and s.connection_id = $1)
    )
    select
      array(select id::text from (
        select id from inserted union select id from updated union select variant_id from listed) as c order by id) as changed,
      array(select id::text from removed order by id) as removed`,
    values: [
      context.connectionId,
      productId,
      change.remoteId,
      toJson(variants),
      change.version.sourceUpdatedAt,
    ],
  });
  return rows[0] ?? { changed: [], removed: [] };
}
