import { createHash } from 'node:crypto';
import { fixed, short } from '../commerce/money.ts';
import type {
  Address,
  Customer,
  InventoryItem,
  Level,
  Location,
  Metafield,
  Order,
  Product,
  Variant,
  WebhookSubscription,
} from '../commerce/types.ts';
import { gid, idOf, levelGid, type Shop } from '../shop.ts';
import { onHand, quantityOf } from '../stock.ts';
import { fullName } from '../webhooks/payloads.ts';
import { badRequest, listWalk, type PageArgs, paginate } from './connection.ts';
import { type Args, apiTime, apiTimeOrNull, type Fields } from './context.ts';
import { pageOf, reverseOf } from './order-fields.ts';
import { parseSearch } from './search.ts';

/** Stands for the shop itself, which is one and needs no record. */
export type ShopSource = { typename: 'Shop' };
export const shopSource: ShopSource = { typename: 'Shop' };

export const shopFields: Fields<ShopSource> = {
  id: (_source, _args, { shop }) => gid('Shop', shop.profile.id),
  name: (_source, _args, { shop }) => shop.profile.name,
  email: (_source, _args, { shop }) => shop.profile.email,
  contactEmail: (_source, _args, { shop }) => shop.profile.email,
  myshopifyDomain: (_source, _args, { shop }) => shop.profile.domain,
  url: (_source, _args, { shop }) => `https://${shop.profile.domain}`,
  currencyCode: (_source, _args, { shop }) => shop.profile.currency,
  enabledPresentmentCurrencies: (_source, _args, { shop }) => shop.profile.presentmentCurrencies,
  ianaTimezone: (_source, _args, { shop }) => shop.profile.ianaTimezone,
  timezoneAbbreviation: () => 'MST',
  timezoneOffset: (_source, _args, { shop }) => {
    const { offsetMinutes } = shop.profile;
    const hours = String(Math.floor(Math.abs(offsetMinutes) / 60)).padStart(2, '0');
    return `${offsetMinutes < 0 ? '-' : '+'}${hours}${String(Math.abs(offsetMinutes) % 60).padStart(2, '0')}`;
  },
  timezoneOffsetMinutes: (_source, _args, { shop }) => shop.profile.offsetMinutes,
  taxesIncluded: (_source, _args, { shop }) => shop.profile.taxesIncluded,
  taxShipping: (_source, _args, { shop }) => shop.profile.taxShipping,
  plan: (_source, _args, { shop }) => ({
    displayName: shop.profile.planName,
    publicDisplayName: shop.profile.planName,
    partnerDevelopment: false,
    shopifyPlus: shop.profile.planName === 'Plus',
  }),
  weightUnit: () => 'KILOGRAMS',
  unitSystem: () => 'METRIC_SYSTEM',
  createdAt: (_source, _args, { shop }) => apiTime(shop.profile.createdAtMs),
  updatedAt: (_source, _args, { shop }) => apiTime(shop.profile.createdAtMs),
  primaryDomain: (_source, _args, { shop }) => ({
    id: gid('Domain', '1'),
    host: shop.profile.domain,
    url: `https://${shop.profile.domain}`,
    sslEnabled: true,
  }),
  shopOwnerName: (_source, _args, { shop }) => shop.profile.owner,
  shopAddress: (_source, _args, { shop }) => shop.profile.address,
  setupRequired: () => false,
};

export const shopAddressFields: Fields<Address> = {
  id: () => gid('ShopAddress', '1'),
  countryCodeV2: (address) => address.countryCode,
  formattedArea: (address) =>
    [address.city, address.provinceCode, address.country].filter(Boolean).join(', '),
  coordinatesValidated: () => false,
};

export const customerFields: Fields<Customer> = {
  id: (customer) => gid('Customer', customer.id),
  legacyResourceId: (customer) => customer.id,
  displayName: (customer) => fullName(customer) || customer.email || customer.phone || '',
  defaultEmailAddress: (customer) =>
    customer.email === null
      ? null
      : {
          emailAddress: customer.email,
          marketingState: customer.marketing,
          marketingOptInLevel: customer.marketing === 'SUBSCRIBED' ? 'SINGLE_OPT_IN' : null,
          marketingUpdatedAt: apiTimeOrNull(customer.marketingUpdatedAtMs),
          openTrackingLevel: 'UNKNOWN',
          validFormat: true,
        },
  defaultPhoneNumber: (customer) =>
    customer.phone === null
      ? null
      : {
          phoneNumber: customer.phone,
          marketingState: 'NOT_SUBSCRIBED',
          marketingOptInLevel: null,
          marketingUpdatedAt: null,
        },
  state: () => 'DISABLED',
  validEmailAddress: (customer) => customer.email !== null,
  createdAt: (customer) => apiTime(customer.createdAtMs),
  updatedAt: (customer) => apiTime(customer.updatedAtMs),
  amountSpent: (customer, _args, { shop }) => ({
    amount: short(customer.spentMinor, shop.profile.currency),
    currencyCode: shop.profile.currency,
  }),
  numberOfOrders: (customer) => String(customer.ordersCount),
  lastOrder: (customer, _args, { shop }) => {
    const last = customer.orderIds.at(-1);
    return last === undefined ? null : shop.orders.get(last);
  },
  defaultAddress: (customer) =>
    customer.addresses.find((one) => one.id === customer.defaultAddressId) ?? null,
  addresses: (customer, args) => {
    const first = args.first;
    return typeof first === 'number' ? customer.addresses.slice(0, first) : customer.addresses;
  },
  addressesV2: (customer, args) => pageOf(customer.addresses, args),
  orders: (customer, args, { shop }) => {
    const orders = customer.orderIds.flatMap((id) => shop.orders.get(id) ?? []);
    if (args.sortKey === 'UPDATED_AT') orders.sort((a, b) => a.updatedAtMs - b.updatedAtMs);
    const search = parseSearch<Order>(args.query as string | null, simpleOrderFields, ['name']);
    return paginate(
      listWalk(orders, (order) => order.id),
      args as PageArgs,
      search.predicate,
    );
  },
  canDelete: (customer) => customer.orderIds.length === 0,
  multipassIdentifier: () => null,
  dataSaleOptOut: () => false,
  lifetimeDuration: (customer, _args, { shop }) => {
    const days = Math.floor((shop.nowMs() - customer.createdAtMs) / 86_400_000);
    return `${days} days`;
  },
  emailMarketingConsent: (customer) => ({
    consentUpdatedAt: apiTimeOrNull(customer.marketingUpdatedAtMs),
    marketingOptInLevel: customer.marketing === 'SUBSCRIBED' ? 'SINGLE_OPT_IN' : null,
    marketingState: customer.marketing,
  }),
  smsMarketingConsent: () => null,
};

/** Sources are addresses of customers or of orders; only what both have is read. */
export const addressFields: Fields<Address & { id: string }> = {
  id: (address) => gid('MailingAddress', address.id),
  name: (address) => fullName(address),
  countryCodeV2: (address) => address.countryCode,
  latitude: () => null,
  longitude: () => null,
  formatted: (address, args) => formatted(address, args),
  formattedArea: (address) =>
    [address.city, address.provinceCode, address.country].filter(Boolean).join(', '),
  coordinatesValidated: () => false,
  timeZone: () => null,
};

export const productFields: Fields<Product> = {
  id: (product) => gid('Product', product.id),
  legacyResourceId: (product) => product.id,
  description: (product, args) => {
    const text = product.descriptionHtml.replace(/<[^>]+>/g, '');
    const limit = args.truncateAt;
    return typeof limit === 'number' ? text.slice(0, limit) : text;
  },
  createdAt: (product) => apiTime(product.createdAtMs),
  updatedAt: (product) => apiTime(product.updatedAtMs),
  publishedAt: (product) => apiTimeOrNull(product.publishedAtMs),
  totalInventory: (product, _args, { shop }) =>
    variantsOf(shop, product).reduce((all, variant) => all + sellable(shop, variant), 0),
  tracksInventory: (product, _args, { shop }) =>
    variantsOf(shop, product).some((variant) => shop.items.get(variant.inventoryItemId)?.tracked === true),
  hasOnlyDefaultVariant: (product, _args, { shop }) => {
    const variants = variantsOf(shop, product);
    return variants.length === 1 && variants[0]?.title === 'Default Title';
  },
  hasOutOfStockVariants: (product, _args, { shop }) =>
    variantsOf(shop, product).some((variant) => sellable(shop, variant) <= 0),
  hasVariantsThatRequiresComponents: () => false,
  templateSuffix: () => null,
  options: (product, args, { shop }) =>
    [
      {
        id: gid('ProductOption', product.id),
        name: product.optionName,
        position: 1,
        values: variantsOf(shop, product).map((variant) => variant.title),
      },
    ].slice(0, typeof args.first === 'number' ? args.first : 1),
  variants: (product, args, { shop }) => pageOf(variantsOf(shop, product), args),
  variantsCount: (product) => ({ count: product.variantIds.length, precision: 'EXACT' }),
};

export const variantFields: Fields<Variant> = {
  id: (variant) => gid('ProductVariant', variant.id),
  legacyResourceId: (variant) => variant.id,
  displayName: (variant, _args, { shop }) => `${productOf(shop, variant)?.title ?? ''} - ${variant.title}`,
  price: (variant, _args, { shop }) => fixed(variant.priceMinor, shop.profile.currency),
  compareAtPrice: (variant, _args, { shop }) =>
    variant.compareAtMinor === null ? null : fixed(variant.compareAtMinor, shop.profile.currency),
  inventoryPolicy: (variant) => variant.inventoryPolicy,
  inventoryQuantity: (variant, _args, { shop }) => sellable(shop, variant),
  sellableOnlineQuantity: (variant, _args, { shop }) => Math.max(0, sellable(shop, variant)),
  availableForSale: (variant, _args, { shop }) => sellable(shop, variant) > 0,
  selectedOptions: (variant, _args, { shop }) => [
    { name: productOf(shop, variant)?.optionName ?? 'Title', value: variant.title },
  ],
  createdAt: (variant) => apiTime(variant.createdAtMs),
  updatedAt: (variant) => apiTime(variant.updatedAtMs),
  product: (variant, _args, { shop }) => productOf(shop, variant),
  inventoryItem: (variant, _args, { shop }) => shop.items.get(variant.inventoryItemId),
};

export const itemFields: Fields<InventoryItem> = {
  id: (item) => gid('InventoryItem', item.id),
  legacyResourceId: (item) => item.id,
  sku: (item, _args, { shop }) => shop.variants.get(item.variantId)?.sku ?? null,
  unitCost: (item, _args, { shop }) =>
    item.unitCostMinor === null
      ? null
      : { amount: short(item.unitCostMinor, shop.profile.currency), currencyCode: shop.profile.currency },
  harmonizedSystemCode: () => null,
  countryCodeOfOrigin: () => null,
  provinceCodeOfOrigin: () => null,
  createdAt: (item) => apiTime(item.createdAtMs),
  updatedAt: (item) => apiTime(item.updatedAtMs),
  measurement: (item, _args, { shop }) => ({
    id: gid('InventoryItemMeasurement', item.id),
    weight: { unit: 'GRAMS', value: shop.variants.get(item.variantId)?.grams ?? 0 },
  }),
  variant: (item, _args, { shop }) => shop.variants.get(item.variantId),
  duplicateSkuCount: () => 0,
  locationsCount: (item) => ({ count: Object.keys(item.levels).length, precision: 'EXACT' }),
  inventoryLevel: (item, args) => {
    const locationId = idOf('Location', String(args.locationId));
    return locationId === null ? null : (item.levels[locationId] ?? null);
  },
  inventoryLevels: (item, args) => pageOf(Object.values(item.levels), args),
};

export const levelFields: Fields<Level> = {
  id: (level) => levelGid(level),
  createdAt: (level) => apiTime(level.createdAtMs),
  updatedAt: (level) => apiTime(level.updatedAtMs),
  isActive: () => true,
  canDeactivate: (level) => onHand(level) === 0,
  deactivationAlert: () => null,
  item: (level, _args, { shop }) => shop.items.get(level.itemId),
  location: (level, _args, { shop }) => shop.locations.get(level.locationId),
  quantities: (level, args) =>
    (args.names as string[]).map((name) => {
      const quantity = quantityOf(level, name);
      if (quantity === null)
        throw badRequest(`The specified quantity name ${name} is invalid.`, 'INVALID_NAME');
      return {
        id: `gid://shopify/InventoryQuantity/${level.locationId}-${name}?inventory_item_id=${level.itemId}`,
        name,
        quantity,
        updatedAt: apiTime(level.updatedAtMs),
      };
    }),
};

export const locationFields: Fields<Location> = {
  id: (location) => gid('Location', location.id),
  legacyResourceId: (location) => location.id,
  isActive: (location) => location.active,
  shipsInventory: (location) => location.fulfillsOnlineOrders,
  hasActiveInventory: () => true,
  hasUnfulfilledOrders: () => false,
  isFulfillmentService: () => false,
  isPrimary: (location, _args, { shop }) => shop.locations.keys().next().value === location.id,
  activatable: (location) => !location.active,
  deactivatable: () => false,
  deactivatedAt: () => null,
  deletable: () => false,
  addressVerified: () => true,
  createdAt: (location) => apiTime(location.createdAtMs),
  updatedAt: (location) => apiTime(location.updatedAtMs),
  address: ({ address }) => ({
    ...address,
    formatted: formatted(address, {}),
    latitude: null,
    longitude: null,
  }),
  inventoryLevel: (location, args, { shop }) => {
    const itemId = idOf('InventoryItem', String(args.inventoryItemId));
    return itemId === null ? null : (shop.level(itemId, location.id) ?? null);
  },
  inventoryLevels: (location, args, { shop }) => {
    const levels = [...shop.items.values()].flatMap((item) => item.levels[location.id] ?? []);
    return paginate(
      listWalk(levels, (level) => level.itemId),
      args as PageArgs,
    );
  },
};

export const metafieldFields: Fields<Metafield> = {
  id: (metafield) => gid('Metafield', metafield.id),
  legacyResourceId: (metafield) => metafield.id,
  jsonValue: (metafield) => jsonOrText(metafield.value),
  ownerType: (metafield) => ownerTypes[metafield.ownerGid.split('/')[3] ?? ''] ?? 'SHOP',
  compareDigest: (metafield) => digestOf(metafield),
  createdAt: (metafield) => apiTime(metafield.createdAtMs),
  updatedAt: (metafield) => apiTime(metafield.updatedAtMs),
  owner: (metafield, _args, { shop }) => nodeByGid(shop, metafield.ownerGid),
};

export const subscriptionFields: Fields<WebhookSubscription> = {
  id: (one) => gid('WebhookSubscription', one.id),
  legacyResourceId: (one) => one.id,
  callbackUrl: (one) => one.uri,
  endpoint: (one) => ({ __typename: 'WebhookHttpEndpoint', callbackUrl: one.uri }),
  apiVersion: (_one, _args, { apiVersion }) => ({
    handle: apiVersion,
    displayName: apiVersion,
    supported: true,
  }),
  createdAt: (one) => apiTime(one.createdAtMs),
  updatedAt: (one) => apiTime(one.updatedAtMs),
};

/** The two fields that every owner of metafields has. */
export const metafieldOwnerFields: Fields<{ typename: string; id?: string }> = {
  metafield: (source, args, { shop }) =>
    metafieldsOf(shop, source).find(
      (one) => one.key === args.key && one.namespace === (args.namespace ?? 'app--1'),
    ) ?? null,
  metafields: (source, args, { shop }) => {
    const keys = args.keys as string[] | undefined;
    return pageOf(
      metafieldsOf(shop, source).filter(
        (one) =>
          (args.namespace == null || one.namespace === args.namespace) &&
          (keys == null || keys.includes(`${one.namespace}.${one.key}`) || keys.includes(one.key)),
      ),
      args,
    );
  },
};

export function digestOf(metafield: Metafield): string {
  return createHash('sha256').update(metafield.value).digest('hex');
}

/** Finds any node of the subset by its global id. */
export function nodeByGid(shop: Shop, given: string): unknown {
  const match = /^gid:\/\/shopify\/(\w+)\/(\d+)(?:\?inventory_item_id=(\d+))?$/.exec(given);
  const [, kind, id = '', itemId] = match ?? [];
  switch (kind) {
    case 'Shop':
      return id === shop.profile.id ? shopSource : null;
    case 'Order':
      return shop.orders.get(id) ?? null;
    case 'Customer':
      return shop.customers.get(id) ?? null;
    case 'Product':
      return shop.products.get(id) ?? null;
    case 'ProductVariant':
      return shop.variants.get(id) ?? null;
    case 'InventoryItem':
      return shop.items.get(id) ?? null;
    case 'InventoryLevel':
      return itemId === undefined ? null : (shop.level(itemId, id) ?? null);
    case 'Location':
      return shop.locations.get(id) ?? null;
    case 'WebhookSubscription':
      return shop.subscriptions.get(id) ?? null;
    case 'Refund':
      return shop.orderByPart.get(id)?.refunds.find((one) => one.id === id) ?? null;
    case 'Return':
      return shop.orderByPart.get(id)?.returns.find((one) => one.id === id) ?? null;
    case 'ReverseFulfillmentOrder':
      return reverseOf(shop.orderByPart.get(id)?.returns.find((one) => one.reverseId === id));
    case 'ShopifyPaymentsPayout':
      return shop.payouts.get(id) ?? null;
    case 'Fulfillment':
      return shop.orderByPart.get(id)?.fulfillments.find((one) => one.id === id) ?? null;
    case 'FulfillmentOrder':
      return shop.orderByPart.get(id)?.fulfillmentOrders.find((one) => one.id === id) ?? null;
    case 'LineItem':
      return shop.orderByPart.get(id)?.lines.find((one) => one.id === id) ?? null;
    case 'OrderTransaction':
      return shop.orderByPart.get(id)?.transactions.find((one) => one.id === id) ?? null;
    default:
      return null;
  }
}

const ownerTypes: Readonly<Record<string, string>> = {
  Customer: 'CUSTOMER',
  Order: 'ORDER',
  Product: 'PRODUCT',
  ProductVariant: 'PRODUCTVARIANT',
  Location: 'LOCATION',
  Shop: 'SHOP',
};

const simpleOrderFields = {
  name: (order: Order) => [order.name],
  created_at: (order: Order) => [order.createdAtMs],
  updated_at: (order: Order) => [order.updatedAtMs],
  processed_at: (order: Order) => [order.processedAtMs],
};

function metafieldsOf(shop: Shop, source: { typename: string; id?: string }): Metafield[] {
  return shop.metafields.get(gid(source.typename, source.id ?? shop.profile.id)) ?? [];
}

function variantsOf(shop: Shop, product: Product): Variant[] {
  return product.variantIds.flatMap((id) => shop.variants.get(id) ?? []);
}

function productOf(shop: Shop, variant: Variant): Product | undefined {
  return shop.products.get(variant.productId);
}

function sellable(shop: Shop, variant: Variant): number {
  const levels = shop.items.get(variant.inventoryItemId)?.levels ?? {};
  return Object.values(levels).reduce((all, level) => all + level.available, 0);
}

function formatted(address: Address, args: Args): string[] {
  return [
    args.withName === true ? fullName(address) : null,
    args.withCompany === false ? null : address.company,
    address.address1,
    address.address2,
    [address.city, address.provinceCode, address.zip].filter(Boolean).join(' '),
    address.country,
  ].filter((line): line is string => line !== null && line !== '');
}

function jsonOrText(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}
