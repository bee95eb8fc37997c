import type { Address } from '../../model/customer.ts';
import { currencyExponent, formatMinor } from '../../model/money.ts';
import type { OrderLineSnapshot, OrderSnapshot } from '../../model/snapshot.ts';
import { channelNames, isContactable } from './contact.ts';
import { countryName } from './countries.ts';
import type { PropertyDefinition, PropertyKind, PropertyValues } from './property-values.ts';

export const ownOrderProperties: readonly PropertyDefinition[] = [
  {
    name: 'tributary_order_id',
    label: 'Order ID (Tributary)',
    kind: 'text',
    unique: true,
    description: 'Platform and number of the order where it was placed.',
  },
  {
    name: 'tributary_customer_id',
    label: 'Customer ID (Tributary)',
    kind: 'text',
    description: 'The customer in the unified graph.',
  },
  {
    name: 'tributary_net_total',
    label: 'Total less refunds',
    kind: 'number',
    description: 'What is left of the order once refunds are taken off.',
  },
  {
    name: 'tributary_lines',
    label: 'Version of the line items',
    kind: 'text',
    description: 'Changes whenever a line item changes.',
  },
];

export const ownLineProperties: readonly PropertyDefinition[] = [
  {
    name: 'tributary_line_id',
    label: 'Order line ID (Tributary)',
    kind: 'text',
    unique: true,
    description: 'Platform, order and line where it was sold.',
  },
];

const addressParts = ['name', 'street', 'city', 'state', 'postal_code', 'country', 'phone'] as const;

/** Standard order properties that Tributary writes. */
const standardKinds: Readonly<Record<string, PropertyKind>> = {
  hs_order_name: 'text',
  hs_external_order_id: 'text',
  hs_external_order_status: 'text',
  hs_external_created_date: 'datetime',
  hs_external_cancel_date: 'datetime',
  hs_source_store: 'text',
  hs_currency_code: 'text',
  hs_total_price: 'number',
  hs_subtotal_price: 'number',
  hs_order_discount: 'number',
  hs_shipping_cost: 'number',
  hs_tax: 'number',
  hs_refund_amount: 'number',
  hs_payment_status: 'text',
  hs_fulfillment_status: 'text',
  hs_order_note: 'text',
  hs_tags: 'text',
  hs_pipeline: 'text',
  hs_pipeline_stage: 'text',
  ...addressKinds('hs_shipping_address'),
  ...addressKinds('hs_billing_address'),
};

const ownKinds = new Map(ownOrderProperties.map((one) => [one.name, one.kind]));

export const orderProperties: readonly string[] = [...Object.keys(standardKinds), ...ownKinds.keys()];

export function orderPropertyKind(name: string): PropertyKind {
  return standardKinds[name] ?? ownKinds.get(name) ?? 'text';
}

/** Stable over re-installation: what was written once is found again. */
export function orderKey(order: Pick<OrderSnapshot, 'platform' | 'remoteId'>): string {
  return `${order.platform}:${order.remoteId}`;
}

/** What the order record should say. Nulls clear: the record is ours alone. */
export function orderOf(order: OrderSnapshot, linesVersion: string): PropertyValues {
  const money = (minor: bigint): string => formatMinor(minor, order.currency);
  return {
    hs_order_name: order.number,
    hs_external_order_id: order.remoteId,
    hs_external_order_status: statusOf(order),
    hs_external_created_date: order.placedAt.toISOString(),
    hs_external_cancel_date: order.cancelledAt?.toISOString() ?? null,
    hs_source_store: channelNames[order.channel],
    hs_currency_code: order.currency,
    hs_total_price: money(order.totalMinor),
    hs_subtotal_price: money(order.subtotalMinor),
    hs_order_discount: money(order.discountMinor),
    hs_shipping_cost: money(order.shippingMinor),
    hs_tax: money(order.taxMinor),
    hs_refund_amount: money(order.refundedMinor),
    hs_payment_status: order.financialStatus,
    hs_fulfillment_status: order.fulfilmentStatus,
    hs_order_note: order.note,
    hs_tags: order.tags.length === 0 ? null : order.tags.join(';'),
    ...addressOf('hs_shipping_address', order.shippingAddress),
    ...addressOf('hs_billing_address', order.billingAddress),
    tributary_order_id: orderKey(order),
    tributary_customer_id:
      order.customer !== null && isContactable(order.customer) ? order.customer.id.toString() : null,
    tributary_net_total: money(order.totalMinor - order.refundedMinor),
    tributary_lines: linesVersion,
  };
}

export interface CrmLine {
  key: string;
  properties: Record<string, string>;
}

/** Line items; the discount is per piece there, as the CRM counts it. */
export function linesOf(order: OrderSnapshot): CrmLine[] {
  return order.lines
    .filter((line) => line.quantity > 0)
    .map((line) => ({
      key: `${orderKey(order)}:${line.remoteId}`,
      properties: {
        name: line.variantTitle === null ? line.title : `${line.title} – ${line.variantTitle}`,
        quantity: String(line.quantity),
        price: formatMinor(line.unitPriceMinor, order.currency),
        discount: perPiece(line, order.currency),
        hs_line_item_currency_code: order.currency,
        ...(line.sku === null ? {} : { hs_sku: line.sku }),
      },
    }));
}

function statusOf(order: OrderSnapshot): string {
  if (order.cancelledAt !== null) return 'cancelled';
  return order.fulfilmentStatus === 'fulfilled' ? 'fulfilled' : 'open';
}

/** Six decimals beyond the minor unit, so that pieces multiply back to the line's discount. */
function perPiece(line: OrderLineSnapshot, currency: string): string {
  const precision = 6;
  const scale = currencyExponent(currency) + precision;
  const total = line.discountMinor * 10n ** BigInt(precision);
  const quantity = BigInt(line.quantity);
  const units = (2n * total + quantity) / (2n * quantity);
  const digits = units.toString().padStart(scale + 1, '0');
  const text = `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return text.replace(/\.?0+$/, '') === '' ? '0' : text.replace(/\.?0+$/, '');
}

function addressKinds(prefix: string): Record<string, PropertyKind> {
  return Object.fromEntries(addressParts.map((part) => [`${prefix}_${part}`, 'text' as const]));
}

function addressOf(prefix: string, address: Address | null): PropertyValues {
  const street = [address?.address1, address?.address2].filter((line) => line != null && line !== '');
  const name = [address?.firstName, address?.lastName].filter((part) => part != null && part !== '');
  const values: Record<(typeof addressParts)[number], string | null> = {
    name: name.length === 0 ? (address?.company ?? null) : name.join(' '),
    street: street.length === 0 ? null : street.join(', '),
    city: address?.city ?? null,
    state: address?.province ?? null,
    postal_code: address?.zip ?? null,
    country: countryName(address?.countryCode ?? null),
    phone: address?.phone ?? null,
  };
  return Object.fromEntries(Object.entries(values).map(([part, value]) => [`${prefix}_${part}`, value]));
}
