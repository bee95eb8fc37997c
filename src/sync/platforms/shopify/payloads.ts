import { z } from 'zod';

/*
 * Webhook bodies, REST-shaped, after `parseExact`: numbers are strings of digits. Unknown fields are let through and
 * dropped, so that a new field at Shopify breaks nothing; what is used is checked.
 */

const id = z.string().regex(/^\d+$/, 'an id of digits');
const idOrNull = id.nullish().transform((value) => value ?? null);
const text = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === null || value === '' ? null : value));
const count = z
  .string()
  .regex(/^-?\d+$/, 'a whole number')
  .transform(Number);
const decimal = z.string().regex(/^-?\d+(\.\d+)?([eE]-?\d+)?$/, 'a decimal number');
const instant = z.iso.datetime({ offset: true }).transform((value) => new Date(value));
const instantOrNull = instant.nullish().transform((value) => value ?? null);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value): z.output<T>[] => value ?? []);

const money = z.object({ amount: decimal, currency_code: z.string().length(3) });
export const moneySet = z.object({ shop_money: money, presentment_money: money });
export type MoneySet = z.infer<typeof moneySet>;

const address = z
  .object({
    first_name: text,
    last_name: text,
    company: text,
    address1: text,
    address2: text,
    city: text,
    province: text,
    zip: text,
    country_code: text,
    phone: text,
  })
  .nullish()
  .transform((value) => value ?? null);
export type AddressPayload = NonNullable<z.infer<typeof address>>;

const taxLine = z.object({
  title: z.string(),
  rate: decimal.nullish().transform((value) => value ?? '0'),
  price_set: moneySet,
  channel_liable: flag,
});
export type TaxLinePayload = z.infer<typeof taxLine>;

const discountAllocation = z.object({ amount_set: moneySet, discount_application_index: count });
export type AllocationPayload = z.infer<typeof discountAllocation>;

const discountApplication = z.object({
  type: z.string(),
  code: text,
  title: text,
  value: decimal,
  value_type: z.enum(['percentage', 'fixed_amount']),
  target_type: z.enum(['line_item', 'shipping_line']),
  allocation_method: z.enum(['across', 'each', 'one']),
});
export type DiscountApplicationPayload = z.infer<typeof discountApplication>;

/** Apps put anything into values: they are shown, not understood. */
const nameValue = z.object({ name: z.string(), value: z.unknown() });
export type NameValuePayload = z.infer<typeof nameValue>;

const duty = z.object({
  shop_money: money.nullish(),
  presentment_money: money.nullish(),
  price_set: moneySet.nullish(),
});

const lineItem = z.object({
  id,
  variant_id: idOrNull,
  title: z.string(),
  variant_title: text,
  sku: text,
  vendor: text,
  quantity: count,
  current_quantity: count.nullish(),
  price_set: moneySet,
  taxable: flag,
  gift_card: flag,
  requires_shipping: flag,
  properties: list(nameValue),
  discount_allocations: list(discountAllocation),
  tax_lines: list(taxLine),
  duties: list(duty),
});
export type LineItemPayload = z.infer<typeof lineItem>;

const shippingLine = z.object({
  id,
  title: text,
  code: text,
  price_set: moneySet,
  is_removed: flag,
  discount_allocations: list(discountAllocation),
  tax_lines: list(taxLine),
});
export type ShippingLinePayload = z.infer<typeof shippingLine>;

const transaction = z.object({
  id,
  kind: z.string(),
  status: z.string(),
  gateway: text,
  amount: decimal,
  currency: text,
  parent_id: idOrNull,
  processed_at: instantOrNull,
  /** Present where cash was rounded; in which shape is not documented, so that it only says that it was. */
  amount_rounding: z.unknown(),
});
export type TransactionPayload = z.infer<typeof transaction>;

const refundLine = z.object({
  id,
  line_item_id: id,
  quantity: count,
  restock_type: z.string(),
  location_id: idOrNull,
  subtotal: decimal,
  total_tax: decimal,
  subtotal_set: moneySet.nullish(),
  total_tax_set: moneySet.nullish(),
});
export type RefundLinePayload = z.infer<typeof refundLine>;

export const refundPayload = z.object({
  id,
  order_id: id,
  note: text,
  created_at: instant,
  processed_at: instantOrNull,
  refund_line_items: list(refundLine),
  refund_shipping_lines: list(
    z.object({ id, subtotal_amount_set: moneySet, tax_amount_set: moneySet.nullish() }),
  ),
  order_adjustments: list(
    z.object({
      id,
      kind: z.string(),
      reason: text,
      amount_set: moneySet,
      tax_amount_set: moneySet.nullish(),
    }),
  ),
  duties: list(z.object({ duty_id: id, amount_set: moneySet })),
  transactions: list(transaction),
  return: z.object({ id }).nullish(),
});
export type RefundPayload = z.infer<typeof refundPayload>;

export const fulfillmentPayload = z.object({
  id,
  order_id: id,
  status: text,
  created_at: instant,
  updated_at: instant,
  tracking_company: text,
  tracking_numbers: list(z.string()),
  tracking_urls: list(z.string()),
  location_id: idOrNull,
  line_items: list(z.object({ id, quantity: count })),
});
export type FulfillmentPayload = z.infer<typeof fulfillmentPayload>;

/** Only there where the subscription asks for namespaces. */
const metafields = z
  .array(
    z.object({
      namespace: z.string(),
      key: z.string(),
      type: z.string(),
      value: z.union([z.string(), z.number(), z.boolean()]).transform(String),
      updated_at: z.string().optional().catch(undefined),
    }),
  )
  .optional();

export const orderPayload = z.object({
  id,
  metafields,
  name: z.string(),
  created_at: instant,
  processed_at: instantOrNull,
  updated_at: instant,
  closed_at: instantOrNull,
  cancelled_at: instantOrNull,
  cancel_reason: text,
  test: flag,
  tax_exempt: flag,
  taxes_included: flag,
  duties_included: flag,
  currency: z.string().length(3),
  presentment_currency: z.string().length(3),
  email: text,
  phone: text,
  note: text,
  tags: text,
  note_attributes: list(nameValue),
  source_name: text,
  location_id: idOrNull,
  financial_status: text,
  fulfillment_status: text,
  payment_gateway_names: list(z.string()),
  customer: z
    .object({ id, first_name: text, last_name: text, email: text, phone: text })
    .nullish()
    .transform((value) => value ?? null),
  billing_address: address,
  shipping_address: address,
  total_price_set: moneySet,
  current_total_price_set: moneySet,
  total_tax_set: moneySet.nullish(),
  total_tip_received: decimal.nullish().transform((value) => value ?? '0'),
  total_outstanding: decimal,
  original_total_duties_set: moneySet.nullish(),
  original_total_additional_fees_set: moneySet.nullish(),
  total_cash_rounding_payment_adjustment_set: moneySet.nullish(),
  total_cash_rounding_refund_adjustment_set: moneySet.nullish(),
  tax_lines: list(taxLine),
  discount_applications: list(discountApplication),
  line_items: z.array(lineItem),
  shipping_lines: list(shippingLine),
  fulfillments: list(fulfillmentPayload),
  refunds: list(refundPayload),
});
export type OrderPayload = z.infer<typeof orderPayload>;

export const customerPayload = z.object({
  id,
  metafields,
  updated_at: instant,
  first_name: text,
  last_name: text,
  email: text,
  phone: text,
  note: text,
  /** Left out since the payload was trimmed; older subscriptions still send it. */
  tags: z.string().nullish(),
  tax_exempt: flag,
  default_address: address,
});
export type CustomerPayload = z.infer<typeof customerPayload>;

export const customerMergePayload = z.object({
  admin_graphql_api_customer_kept_id: z.string(),
  admin_graphql_api_customer_deleted_id: z.string().nullish(),
  status: text,
});

/**
 * Shopify signs the body and not the topic, which stands in a header beside it: whoever got hold of one signed body could
 * send it again under a topic that erases. What these topics carry therefore has to be what only they carry.
 */
const ofShop = { shop_id: id, shop_domain: z.string() };
const person = z.object({ id, email: z.string().nullish() });

export const dataRequestPayload = z.object({
  ...ofShop,
  customer: person,
  orders_requested: z.array(id).nullish(),
  data_request: z.object({ id }),
});

export const customerRedactPayload = z.object({
  ...ofShop,
  customer: person,
  orders_to_redact: z.array(id),
  data_request: z.never().optional(),
});

export const shopRedactPayload = z.object({ ...ofShop, customer: z.never().optional() });

/** The shop itself; its own domain is told by most shops and missing in Shopify's sample. */
export const uninstalledPayload = z.object({
  id,
  shop_owner: z.string().nullable(),
  myshopify_domain: z.string().nullish(),
});

/** A removal names what is gone and tells nothing of it. */
export const removedPayload = z.object({
  id,
  created_at: z.never().optional(),
  updated_at: z.never().optional(),
});

export const locationPayload = z.object({
  id,
  updated_at: instant,
  name: z.string(),
  active: z
    .boolean()
    .nullish()
    .transform((value) => value ?? true),
  address1: text,
  address2: text,
  city: text,
  province: text,
  zip: text,
  country_code: text,
  phone: text,
});
export type LocationPayload = z.infer<typeof locationPayload>;

export const levelPayload = z.object({
  inventory_item_id: id,
  location_id: id,
  /** Null: not counted there. Absent when the item is disconnected from the location. */
  available: count.nullish(),
  updated_at: instantOrNull,
});

export const identifiedPayload = z.object({ id });
