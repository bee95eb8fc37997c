/**
 * Columns that a platform's order fills, with their types, per table. The statements that write them are made from
 * these lists, so that a column is named once.
 */
export const orderColumns = {
  number: 'text',
  channel: 'channel',
  financial_status: 'financial_status',
  fulfilment_status: 'fulfilment_status',
  currency: 'bpchar',
  presentment_currency: 'bpchar',
  subtotal_minor: 'bigint',
  discount_minor: 'bigint',
  shipping_minor: 'bigint',
  tax_minor: 'bigint',
  duties_minor: 'bigint',
  tip_minor: 'bigint',
  rounding_minor: 'bigint',
  total_minor: 'bigint',
  presentment_total_minor: 'bigint',
  taxes_included: 'boolean',
  tax_exempt: 'boolean',
  test: 'boolean',
  email: 'text',
  phone: 'text',
  billing_address: 'jsonb',
  shipping_address: 'jsonb',
  note: 'text',
  tags: 'text[]',
  attributes: 'jsonb',
  cancel_reason: 'text',
  placed_at: 'timestamptz',
  cancelled_at: 'timestamptz',
  closed_at: 'timestamptz',
  remote_location_id: 'text',
} as const;

export const lineColumns = {
  remote_id: 'text',
  position: 'int',
  remote_variant_id: 'text',
  title: 'text',
  variant_title: 'text',
  sku: 'text',
  vendor: 'text',
  quantity: 'int',
  refunded_quantity: 'int',
  unit_price_minor: 'bigint',
  discount_minor: 'bigint',
  tax_minor: 'bigint',
  total_minor: 'bigint',
  presentment_unit_price_minor: 'bigint',
  presentment_discount_minor: 'bigint',
  presentment_tax_minor: 'bigint',
  presentment_total_minor: 'bigint',
  taxable: 'boolean',
  gift_card: 'boolean',
  requires_shipping: 'boolean',
  duties_minor: 'bigint',
  properties: 'jsonb',
} as const;

export const shippingLineColumns = {
  remote_id: 'text',
  title: 'text',
  code: 'text',
  price_minor: 'bigint',
  discount_minor: 'bigint',
  tax_minor: 'bigint',
  presentment_price_minor: 'bigint',
} as const;

export const discountColumns = {
  position: 'int',
  kind: 'text',
  code: 'text',
  title: 'text',
  value_type: 'text',
  value: 'numeric(18,6)',
  target_type: 'text',
  allocation_method: 'text',
} as const;

export const transactionColumns = {
  remote_id: 'text',
  parent_remote_id: 'text',
  kind: 'text',
  status: 'text',
  gateway: 'text',
  amount_minor: 'bigint',
  currency: 'bpchar',
  presentment_amount_minor: 'bigint',
  presentment_currency: 'bpchar',
  processed_at: 'timestamptz',
} as const;

export const refundColumns = {
  remote_id: 'text',
  note: 'text',
  currency: 'bpchar',
  presentment_currency: 'bpchar',
  subtotal_minor: 'bigint',
  tax_minor: 'bigint',
  shipping_minor: 'bigint',
  adjustment_minor: 'bigint',
  total_minor: 'bigint',
  presentment_total_minor: 'bigint',
  settled: 'boolean',
  refunded_at: 'timestamptz',
} as const;

export const refundLineColumns = {
  remote_id: 'text',
  quantity: 'int',
  restock_type: 'text',
  restocked: 'int',
  damaged: 'int',
  not_returned: 'int',
  remote_location_id: 'text',
  subtotal_minor: 'bigint',
  tax_minor: 'bigint',
  presentment_subtotal_minor: 'bigint',
  presentment_tax_minor: 'bigint',
} as const;

export const refundAdjustmentColumns = {
  remote_id: 'text',
  kind: 'text',
  reason: 'text',
  amount_minor: 'bigint',
  tax_minor: 'bigint',
  presentment_amount_minor: 'bigint',
  presentment_tax_minor: 'bigint',
} as const;

export const fulfilmentColumns = {
  remote_id: 'text',
  status: 'text',
  tracking_company: 'text',
  tracking_numbers: 'text[]',
  tracking_urls: 'text[]',
  remote_location_id: 'text',
  created_at: 'timestamptz',
  source_updated_at: 'timestamptz',
} as const;

type Columns = Readonly<Record<string, string>>;
/** A row by column name; amounts as bigint or decimal text. */
export type Row<C extends Columns = Columns> = Record<keyof C, unknown>;

/** `a text, b bigint`: a record's columns for `jsonb_to_recordset`. */
export function typed(...lists: Columns[]): string {
  return lists
    .flatMap((columns) => Object.entries(columns).map(([name, type]) => `${name} ${type}`))
    .join(', ');
}

/** `x.a, x.b`. */
export function listed(columns: Columns, alias?: string): string {
  return Object.keys(columns)
    .map((name) => (alias === undefined ? name : `${alias}.${name}`))
    .join(', ');
}

/** `a = excluded.a, b = excluded.b`. */
export function overwritten(columns: Columns): string {
  return Object.keys(columns)
    .map((name) => `${name} = excluded.${name}`)
    .join(', ');
}

/** True where a stored row differs from the one offered: rows that say the same are not written again. */
export function differs(columns: Columns): string {
  return `(${listed(columns, 't')}) is distinct from (${listed(columns, 'excluded')})`;
}
