import { currencyExponent } from '../../model/money.ts';
import type { Scope } from '../scopes.ts';

// What the fields of the graph are in SQL, for operations that are answered by one statement. Only what reads often
// stands here; an operation that asks for anything else is resolved field by field.

/** A row in reach: its alias, and in which currencies its amounts are. */
export interface Row {
  alias: string;
  currency: string;
  presentmentCurrency: string;
}

export type Field =
  /** A value of the row itself. */
  | { kind: 'value'; sql: (row: Row) => string }
  /** An object made of the row's own columns; null where the condition does not hold. */
  | {
      kind: 'inline';
      type: string;
      unless?: (row: Row) => string;
      fields: (row: Row) => Record<string, string>;
    }
  /** Another row, or none. */
  | { kind: 'one'; type: string; from: string; on: (row: Row, alias: string) => string; scope?: Scope }
  /** All rows that belong to this one. */
  | {
      kind: 'many';
      type: string;
      from: string;
      on: (row: Row, alias: string) => string;
      orderBy: (alias: string) => string;
      scope?: Scope;
    };

/** How a row of another type sees its currencies: its own columns, or those of the row it belongs to. */
export interface RowType {
  currency?: (alias: string, parent: Row | null) => string;
  presentmentCurrency?: (alias: string, parent: Row | null) => string;
  fields: Readonly<Record<string, Field>>;
}

const orderCurrency = (column: string) => (alias: string, parent: Row | null) =>
  parent?.[column === 'currency' ? 'currency' : 'presentmentCurrency'] ??
  `(select o.${column} from sales_order o where o.id = ${alias}.order_id)`;

const currencies =
  'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF BHD IQD JOD KWD LYD OMR TND'.split(
    ' ',
  );
const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
const withExponent = (exponent: number): string[] =>
  currencies.filter((name) => currencyExponent(name) === exponent);

/** A decimal string with as many decimals as the currency has; scale is exact, nothing is rounded. */
export function decimalSql(minor: string, currency: string): string {
  return `case when ${currency} in (${quoted(withExponent(0))}) then ${minor}::text
    when ${currency} in (${quoted(withExponent(3))}) then (${minor} * 0.001)::text else (${minor} * 0.01)::text end`;
}

/** Relay ids: the type's part of the base64 text is a constant up to the last whole group of three bytes. */
export function globalIdSql(type: string, id: string): string {
  const prefix = `${type}:`;
  const whole = prefix.length - (prefix.length % 3);
  const constant = Buffer.from(prefix.slice(0, whole)).toString('base64');
  // Letters, digits and the colon never make a + or a /.
  return `'${constant}' || rtrim(encode(('${prefix.slice(whole)}' || ${id})::bytea, 'base64'), '=')`;
}

export function timeSql(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

const column = (name: string): Field => ({ kind: 'value', sql: ({ alias }) => `${alias}.${name}` });
const time = (name: string): Field => ({ kind: 'value', sql: ({ alias }) => timeSql(`${alias}.${name}`) });
const enumeration = (name: string): Field => ({
  kind: 'value',
  sql: ({ alias }) => `upper(${alias}.${name}::text)`,
});
const id = (type: string): Field => ({ kind: 'value', sql: ({ alias }) => globalIdSql(type, `${alias}.id`) });

function money(name: string, options: { presentment?: true; nullable?: true } = {}): Field {
  const currencyOf = (row: Row): string =>
    options.presentment === true ? row.presentmentCurrency : row.currency;
  return {
    kind: 'inline',
    type: 'Money',
    ...(options.nullable === true
      ? { unless: (row: Row) => `${currencyOf(row)} is null or ${row.alias}.${name} is null` }
      : {}),
    fields: (row) => ({
      amount: decimalSql(
        name.includes('(') ? name.replaceAll('@', row.alias) : `${row.alias}.${name}`,
        currencyOf(row),
      ),
      currencyCode: currencyOf(row),
    }),
  };
}

function address(name: string): Field {
  return {
    kind: 'inline',
    type: 'Address',
    unless: ({ alias }) => `${alias}.${name} is null or ${alias}.${name} = 'null'::jsonb`,
    fields: ({ alias }) =>
      Object.fromEntries(
        [
          'firstName',
          'lastName',
          'company',
          'address1',
          'address2',
          'city',
          'province',
          'zip',
          'countryCode',
          'phone',
        ].map((field) => [field, `${alias}.${name} ->> '${field}'`]),
      ),
  };
}

const platformOfConnection = ({ alias }: Row): string =>
  `(select upper(c.platform::text) from connection c where c.id = ${alias}.connection_id)`;

const source: Field = {
  kind: 'inline',
  type: 'FactSource',
  fields: (row) => ({
    platform: platformOfConnection(row),
    updatedAt: timeSql(`${row.alias}.source_updated_at`),
    observedAt: timeSql(`${row.alias}.observed_at`),
  }),
};

function belongsTo(type: string, from: string, key: string, scope?: Scope): Field {
  return {
    kind: 'one',
    type,
    from,
    on: (row, alias) => `${alias}.id = ${row.alias}.${key}`,
    ...(scope === undefined ? {} : { scope }),
  };
}

function hasMany(type: string, from: string, key: string, orderBy: string, and = ''): Field {
  return {
    kind: 'many',
    type,
    from,
    on: (row, alias) => `${alias}.${key} = ${row.alias}.id${and.replaceAll('@', alias)}`,
    orderBy: (alias) => orderBy.replaceAll('@', alias),
  };
}

/** The latest push of each kind at each account, as the field's resolver reads them. */
function pushesAbout(type: string): Field {
  const same = (a: string, b: string): string =>
    ['subject_type', 'subject_id', 'connection_id', 'kind']
      .map((key) => `${a}.${key} = ${b}.${key}`)
      .join(' and ');
  return {
    kind: 'many',
    type: 'Push',
    from: 'push',
    scope: 'read:sync',
    on: (row, alias) =>
      `${alias}.subject_type = '${type}' and ${alias}.subject_id = ${row.alias}.id and ${alias}.status <> 'superseded'
       and not exists (select from push newer where ${same('newer', alias)} and newer.version > ${alias}.version
                       and newer.status <> 'superseded')`,
    orderBy: (alias) => `${alias}.connection_id, ${alias}.kind`,
  };
}

const ownCurrency = (alias: string): string => `${alias}.currency`;
const ownPresentmentCurrency = (alias: string): string => `${alias}.presentment_currency`;
const parentCurrency = (_alias: string, parent: Row | null): string => parent?.currency ?? 'null';

export const rowTypes: Readonly<Record<string, RowType>> = {
  Customer: {
    currency: ownCurrency,
    fields: {
      id: id('Customer'),
      firstName: column('first_name'),
      lastName: column('last_name'),
      displayName: {
        kind: 'value',
        sql: ({ alias: t }) =>
          `coalesce(nullif(concat_ws(' ', nullif(${t}.first_name, ''), nullif(${t}.last_name, '')), ''),
            nullif(${t}.company, ''), nullif(${t}.email, ''), nullif(${t}.phone, ''), 'Unnamed')`,
      },
      company: column('company'),
      email: column('email'),
      phone: column('phone'),
      defaultAddress: address('default_address'),
      note: column('note'),
      tags: column('tags'),
      taxExempt: column('tax_exempt'),
      lifetimeValue: money('lifetime_value_minor', { nullable: true }),
      refundedTotal: money('refunded_minor', { nullable: true }),
      orderCount: column('order_count'),
      averageOrderValue: money('average_order_minor', { nullable: true }),
      openBalance: money('open_balance_minor', { nullable: true }),
      piecesSold: column('pieces_sold'),
      piecesReturned: column('pieces_returned'),
      firstOrderAt: time('first_order_at'),
      lastOrderAt: time('last_order_at'),
      erasedAt: time('erased_at'),
      createdAt: time('created_at'),
      updatedAt: time('updated_at'),
      identities: hasMany('CustomerIdentity', 'customer_identity', 'customer_id', '@.id'),
      pushes: pushesAbout('Customer'),
    },
  },
  CustomerIdentity: {
    fields: {
      id: id('CustomerIdentity'),
      remoteId: column('remote_id'),
      email: column('email'),
      phone: column('phone'),
      firstName: column('first_name'),
      lastName: column('last_name'),
      company: column('company'),
      relayEmail: column('relay_email'),
      source,
    },
  },
  Order: {
    currency: ownCurrency,
    presentmentCurrency: ownPresentmentCurrency,
    fields: {
      id: id('Order'),
      number: column('number'),
      remoteId: column('remote_id'),
      channel: enumeration('channel'),
      financialStatus: enumeration('financial_status'),
      fulfilmentStatus: enumeration('fulfilment_status'),
      customer: belongsTo('Customer', 'customer', 'customer_id', 'read:customers'),
      location: belongsTo('Location', 'location', 'location_id', 'read:stock'),
      subtotal: money('subtotal_minor'),
      discountTotal: money('discount_minor'),
      shippingTotal: money('shipping_minor'),
      taxTotal: money('tax_minor'),
      dutiesTotal: money('duties_minor'),
      tipTotal: money('tip_minor'),
      rounding: money('rounding_minor'),
      total: money('total_minor'),
      paidTotal: money('paid_minor'),
      refundedTotal: money('refunded_minor'),
      netTotal: money('(@.total_minor - @.refunded_minor)'),
      presentmentTotal: money('presentment_total_minor', { presentment: true }),
      presentmentRefundedTotal: money('presentment_refunded_minor', { presentment: true }),
      taxesIncluded: column('taxes_included'),
      taxExempt: column('tax_exempt'),
      test: column('test'),
      email: column('email'),
      phone: column('phone'),
      billingAddress: address('billing_address'),
      shippingAddress: address('shipping_address'),
      note: column('note'),
      tags: column('tags'),
      cancelReason: column('cancel_reason'),
      placedAt: time('placed_at'),
      cancelledAt: time('cancelled_at'),
      closedAt: time('closed_at'),
      erasedAt: time('erased_at'),
      removedAt: time('removed_at'),
      updatedAt: time('updated_at'),
      source,
      lines: hasMany('OrderLine', 'order_line', 'order_id', '@.position, @.id'),
      shippingLines: hasMany('ShippingLine', 'shipping_line', 'order_id', '@.id'),
      taxLines: hasMany('TaxLine', 'tax_line', 'order_id', '@.id'),
      transactions: hasMany('OrderTransaction', 'order_transaction', 'order_id', '@.id'),
      refunds: hasMany('Refund', 'refund', 'order_id', '@.refunded_at, @.id'),
      pushes: pushesAbout('Order'),
      fulfilmentRules: hasMany('FulfilmentRule', 'fulfilment_rule', 'order_id', '@.id'),
    },
  },
  OrderLine: {
    currency: orderCurrency('currency'),
    presentmentCurrency: orderCurrency('presentment_currency'),
    fields: {
      id: id('OrderLine'),
      title: column('title'),
      variantTitle: column('variant_title'),
      sku: column('sku'),
      vendor: column('vendor'),
      quantity: column('quantity'),
      refundedQuantity: column('refunded_quantity'),
      unitPrice: money('unit_price_minor'),
      discount: money('discount_minor'),
      tax: money('tax_minor'),
      total: money('total_minor'),
      presentmentTotal: money('presentment_total_minor', { presentment: true }),
      duties: money('duties_minor'),
      taxable: column('taxable'),
      giftCard: column('gift_card'),
      requiresShipping: column('requires_shipping'),
      order: belongsTo('Order', 'sales_order', 'order_id', 'read:orders'),
      variant: belongsTo('Variant', 'variant', 'variant_id', 'read:stock'),
      taxLines: hasMany('TaxLine', 'tax_line', 'order_line_id', '@.id'),
    },
  },
  ShippingLine: {
    currency: parentCurrency,
    fields: {
      title: column('title'),
      code: column('code'),
      price: money('price_minor'),
      discount: money('discount_minor'),
      tax: money('tax_minor'),
    },
  },
  TaxLine: {
    currency: parentCurrency,
    fields: {
      title: column('title'),
      rate: { kind: 'value', sql: ({ alias }) => `trim_scale(${alias}.rate)::text` },
      amount: money('amount_minor'),
      channelLiable: column('channel_liable'),
    },
  },
  OrderTransaction: {
    currency: ownCurrency,
    fields: {
      kind: column('kind'),
      status: column('status'),
      gateway: column('gateway'),
      amount: money('amount_minor'),
      processedAt: time('processed_at'),
    },
  },
  Refund: {
    currency: ownCurrency,
    presentmentCurrency: ownPresentmentCurrency,
    fields: {
      id: id('Refund'),
      note: column('note'),
      subtotal: money('subtotal_minor'),
      tax: money('tax_minor'),
      shipping: money('shipping_minor'),
      adjustment: money('adjustment_minor'),
      total: money('total_minor'),
      presentmentTotal: money('presentment_total_minor', { presentment: true }),
      settled: column('settled'),
      refundedAt: time('refunded_at'),
      updatedAt: time('updated_at'),
      order: belongsTo('Order', 'sales_order', 'order_id', 'read:orders'),
      lines: hasMany('RefundLine', 'refund_line', 'refund_id', '@.id'),
      adjustments: hasMany('RefundAdjustment', 'refund_adjustment', 'refund_id', '@.id'),
      transactions: hasMany('OrderTransaction', 'order_transaction', 'refund_id', '@.id'),
      pushes: pushesAbout('Refund'),
    },
  },
  FulfilmentRule: {
    fields: {
      id: id('FulfilmentRule'),
      order: belongsTo('Order', 'sales_order', 'order_id', 'read:orders'),
      kind: enumeration('kind'),
      value: column('value'),
      quote: column('quote'),
      confidence: { kind: 'value', sql: ({ alias }) => `${alias}.confidence::float8` },
      status: enumeration('status'),
      reason: column('reason'),
      reader: enumeration('reader'),
      decidedBy: column('decided_by'),
      decidedAt: time('decided_at'),
      createdAt: time('created_at'),
      updatedAt: time('updated_at'),
    },
  },
  RefundLine: {
    currency: parentCurrency,
    fields: {
      quantity: column('quantity'),
      restockType: column('restock_type'),
      restocked: column('restocked'),
      damaged: column('damaged'),
      notReturned: column('not_returned'),
      subtotal: money('subtotal_minor'),
      tax: money('tax_minor'),
    },
  },
  RefundAdjustment: {
    currency: parentCurrency,
    fields: {
      kind: column('kind'),
      reason: column('reason'),
      amount: money('amount_minor'),
      tax: money('tax_minor'),
    },
  },
  Product: {
    fields: {
      id: id('Product'),
      title: column('title'),
      vendor: column('vendor'),
      productType: column('product_type'),
      status: enumeration('status'),
      handle: column('handle'),
      tags: column('tags'),
      removedAt: time('removed_at'),
      updatedAt: time('updated_at'),
      variants: hasMany('Variant', 'variant', 'product_id', '@.position, @.id', ' and @.removed_at is null'),
    },
  },
  Variant: {
    currency: ownCurrency,
    fields: {
      id: id('Variant'),
      sku: column('sku'),
      barcode: column('barcode'),
      title: column('title'),
      price: money('price_minor'),
      cost: money('cost_minor', { nullable: true }),
      taxable: column('taxable'),
      tracked: column('tracked'),
      sellsWhenOutOfStock: column('sells_when_out_of_stock'),
      updatedAt: time('updated_at'),
      product: belongsTo('Product', 'product', 'product_id'),
      stockLevels: hasMany('StockLevel', 'stock_level', 'variant_id', '@.location_id'),
    },
  },
  Location: {
    fields: {
      id: id('Location'),
      name: column('name'),
      address: address('address'),
      active: column('active'),
    },
  },
  StockLevel: {
    fields: {
      id: id('StockLevel'),
      variant: belongsTo('Variant', 'variant', 'variant_id'),
      location: belongsTo('Location', 'location', 'location_id'),
      onHand: column('on_hand'),
      committed: column('committed'),
      reserved: column('reserved'),
      safety: column('safety'),
      pushes: pushesAbout('StockLevel'),
      available: column('available'),
      incoming: column('incoming'),
      updatedAt: time('updated_at'),
      freshness: {
        kind: 'inline',
        type: 'Freshness',
        fields: ({ alias }) => ({
          sourceUpdatedAt: timeSql(`${alias}.source_updated_at`),
          observedAt: timeSql(`${alias}.observed_at`),
        }),
      },
    },
  },
  Push: {
    fields: {
      id: id('Push'),
      connection: belongsTo('Connection', 'connection', 'connection_id', 'read:sync'),
      kind: column('kind'),
      version: column('version'),
      idempotencyKey: column('idempotency_key'),
      status: enumeration('status'),
      attempts: column('attempts'),
      nextAttemptAt: time('next_attempt_at'),
      errorCode: column('error_code'),
      error: column('error'),
      remedy: column('remedy'),
      createdAt: time('created_at'),
      settledAt: time('settled_at'),
      receipts: hasMany('Receipt', 'receipt', 'push_id', '@.id'),
    },
  },
  Receipt: {
    fields: {
      attempt: column('attempt'),
      remoteId: column('remote_id'),
      remoteVersion: column('remote_version'),
      adopted: column('adopted'),
      detail: column('detail'),
      durationMs: column('duration_ms'),
      receivedAt: time('received_at'),
    },
  },
  Connection: {
    fields: {
      id: id('Connection'),
      platform: enumeration('platform'),
      accountId: column('account_id'),
      name: column('name'),
      status: enumeration('status'),
      statusReason: column('status_reason'),
      writeCapabilities: column('write_capabilities'),
      circuitReason: column('circuit_reason'),
      circuitOpenUntil: time('circuit_open_until'),
      lastSuccessAt: time('last_success_at'),
      lastDeliveryAt: time('last_delivery_at'),
      sweptUntil: time('swept_until'),
    },
  },
};
