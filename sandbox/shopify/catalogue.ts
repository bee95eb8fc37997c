import { parseMinor } from './commerce/money.ts';
import type { Address, Location, Product, Variant } from './commerce/types.ts';
import { type Shop, ShopError } from './shop.ts';
import { activateLevel } from './stock.ts';

export interface ProductInput {
  id?: string;
  title?: string;
  vendor?: string;
  productType?: string;
  descriptionHtml?: string;
  status?: Product['status'];
  tags?: string[];
  optionName?: string;
  isGiftCard?: boolean;
  variants?: VariantInput[];
}

export interface VariantInput {
  sku: string;
  title?: string;
  price?: string | number;
  compareAtPrice?: string | number | null;
  barcode?: string | null;
  taxable?: boolean;
  grams?: number;
  cost?: string | number | null;
  tracked?: boolean;
  /** `CONTINUE` sells what is not there. */
  inventoryPolicy?: 'DENY' | 'CONTINUE';
  bundle?: boolean;
  requiresShipping?: boolean;
  /** Opening stock per location id; a plain number stocks every location. */
  stock?: number | Record<string, number>;
}

/** Creates or changes a product; its variants are matched by SKU. */
export function upsertProduct(shop: Shop, input: ProductInput): Product {
  const now = shop.nowMs();
  const known = input.id === undefined ? undefined : shop.products.get(input.id);
  if (input.id !== undefined && known === undefined)
    throw new ShopError(`no product ${input.id}`, ['id'], 404);
  const title = input.title ?? known?.title;
  if (title === undefined || title === '') throw new ShopError("Title can't be blank", ['title']);
  const product: Product = known ?? {
    typename: 'Product',
    id: shop.nextId('Product'),
    createdAtMs: now,
    updatedAtMs: now,
    publishedAtMs: now,
    title,
    handle: '',
    vendor: shop.profile.name,
    productType: '',
    descriptionHtml: '',
    status: 'ACTIVE',
    tags: [],
    optionName: 'Title',
    variantIds: [],
    isGiftCard: false,
  };
  product.title = title;
  if (known === undefined) product.handle = handleOf(title, product.id);
  product.vendor = input.vendor ?? product.vendor;
  product.productType = input.productType ?? product.productType;
  product.descriptionHtml = input.descriptionHtml ?? product.descriptionHtml;
  product.status = input.status ?? product.status;
  product.tags = input.tags ?? product.tags;
  product.optionName = input.optionName ?? product.optionName;
  product.isGiftCard = input.isGiftCard ?? product.isGiftCard;
  shop.products.set(product.id, product);
  const variants = input.variants ?? (known === undefined ? [{ sku: '' }] : []);
  for (const variant of variants) upsertVariant(shop, product, variant);
  shop.touchProduct(product);
  shop.emit(known === undefined ? 'products/create' : 'products/update', product.id);
  return product;
}

export function deleteProduct(shop: Shop, id: string): void {
  const product = shop.products.get(id);
  if (product === undefined) throw new ShopError(`no product ${id}`, ['id'], 404);
  for (const variantId of product.variantIds) {
    const variant = shop.variants.get(variantId);
    if (variant === undefined) continue;
    shop.variants.delete(variantId);
    shop.variantBySku.delete(variant.sku);
    shop.items.delete(variant.inventoryItemId);
  }
  shop.products.delete(id);
  shop.recentProducts.remove(id);
  shop.changed();
  shop.emit('products/delete', id);
}

export function addLocation(
  shop: Shop,
  input: { name: string; fulfillsOnlineOrders?: boolean; address?: Partial<Address> },
): Location {
  const now = shop.nowMs();
  const location: Location = {
    typename: 'Location',
    id: shop.nextId('Location'),
    createdAtMs: now,
    updatedAtMs: now,
    name: input.name,
    active: true,
    fulfillsOnlineOrders: input.fulfillsOnlineOrders ?? true,
    address: { ...emptyAddress, ...shop.profile.address, ...input.address },
  };
  shop.locations.set(location.id, location);
  shop.changed();
  return location;
}

export const emptyAddress: Address = Object.freeze({
  firstName: null,
  lastName: null,
  company: null,
  address1: null,
  address2: null,
  city: null,
  province: null,
  provinceCode: null,
  zip: null,
  country: null,
  countryCode: null,
  phone: null,
});

function upsertVariant(shop: Shop, product: Product, input: VariantInput): Variant {
  const now = shop.nowMs();
  const { currency } = shop.profile;
  const known = product.variantIds
    .map((id) => shop.variants.get(id))
    .find((one) => one !== undefined && one.sku === input.sku);
  if (known === undefined && input.sku !== '' && shop.variantBySku.has(input.sku))
    throw new ShopError(`SKU ${input.sku} is in use by another product`, ['sku']);
  let variant = known;
  if (variant === undefined) {
    const itemId = shop.nextId('InventoryItem');
    variant = {
      typename: 'ProductVariant',
      id: shop.nextId('ProductVariant'),
      productId: product.id,
      inventoryItemId: itemId,
      createdAtMs: now,
      updatedAtMs: now,
      title: 'Default Title',
      sku: input.sku,
      barcode: null,
      position: product.variantIds.length + 1,
      priceMinor: 0,
      compareAtMinor: null,
      taxable: !product.isGiftCard,
      grams: 0,
      inventoryPolicy: 'DENY',
    };
    product.variantIds.push(variant.id);
    shop.items.set(itemId, {
      typename: 'InventoryItem',
      id: itemId,
      variantId: variant.id,
      createdAtMs: now,
      updatedAtMs: now,
      tracked: !product.isGiftCard,
      requiresShipping: !product.isGiftCard,
      unitCostMinor: null,
      levels: {},
    });
    shop.addVariant(variant);
  }
  variant.updatedAtMs = now;
  variant.title = input.title ?? variant.title;
  if (input.price !== undefined) variant.priceMinor = parseMinor(input.price, currency);
  if (input.compareAtPrice !== undefined)
    variant.compareAtMinor =
      input.compareAtPrice === null ? null : parseMinor(input.compareAtPrice, currency);
  if (input.barcode !== undefined) variant.barcode = input.barcode;
  variant.taxable = input.taxable ?? variant.taxable;
  variant.grams = input.grams ?? variant.grams;
  variant.inventoryPolicy = input.inventoryPolicy ?? variant.inventoryPolicy;
  const item = shop.items.get(variant.inventoryItemId);
  if (item === undefined) throw new ShopError(`variant ${variant.id} has lost its inventory item`);
  const itemBefore = JSON.stringify([item.tracked, item.requiresShipping, item.unitCostMinor]);
  item.tracked = input.tracked ?? item.tracked;
  if (input.bundle !== undefined) item.bundle = input.bundle;
  item.requiresShipping = input.requiresShipping ?? item.requiresShipping;
  if (input.cost !== undefined)
    item.unitCostMinor = input.cost === null ? null : parseMinor(input.cost, currency);
  if (known === undefined) {
    stockOpening(shop, variant, input.stock ?? 0);
  } else if (itemBefore !== JSON.stringify([item.tracked, item.requiresShipping, item.unitCostMinor])) {
    item.updatedAtMs = now;
    shop.emit('inventory_items/update', item.id);
  }
  return variant;
}

function stockOpening(shop: Shop, variant: Variant, stock: number | Record<string, number>): void {
  const item = shop.items.get(variant.inventoryItemId);
  if (item === undefined || !item.tracked) return;
  for (const location of shop.locations.values()) {
    const quantity = typeof stock === 'number' ? stock : stock[location.id];
    if (quantity === undefined) continue;
    activateLevel(shop, item, location.id).available = quantity;
  }
}

function handleOf(title: string, id: string): string {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return slug === '' ? `product-${id}` : slug;
}
