import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { type Amount, addAmounts } from '../../../model/money.ts';
import type {
  CanonicalTaxLine,
  FinancialStatus,
  FulfilmentStatus,
  TransactionKind,
  TransactionStatus,
} from '../../../model/order.ts';
import type { Channel } from '../../../model/platform-name.ts';
import type { CanonicalRefundLine } from '../../../model/refund.ts';

/* Shopify's words in ours. Webhooks write them in lower case, the GraphQL API in capitals; both are taken. */

export function channelOf(sourceName: string | null): Channel {
  switch (sourceName?.toLowerCase()) {
    case 'web':
      return 'online_store';
    case 'pos':
      return 'point_of_sale';
    default:
      return 'other';
  }
}

export function financialStatusOf(status: string | null): FinancialStatus {
  switch (status?.toLowerCase()) {
    case 'authorized':
      return 'authorized';
    case 'partially_paid':
      return 'partially_paid';
    case 'paid':
      return 'paid';
    case 'partially_refunded':
      return 'partially_refunded';
    case 'refunded':
      return 'refunded';
    case 'voided':
      return 'voided';
    case 'expired':
      return 'expired';
    default:
      return 'pending';
  }
}

/** `begun`: something was sent already. The states between (on hold, in progress, scheduled, …) do not tell. */
export function fulfilmentStatusOf(status: string | null, begun: boolean): FulfilmentStatus {
  switch (status?.toLowerCase()) {
    case 'fulfilled':
      return 'fulfilled';
    case 'partial':
    case 'partially_fulfilled':
      return 'partial';
    case 'restocked':
      return 'restocked';
    case undefined:
    case 'unfulfilled':
      return 'unfulfilled';
    default:
      return begun ? 'partial' : 'unfulfilled';
  }
}

/** Null where no money is meant: a suggestion. */
export function transactionKindOf(kind: string): TransactionKind | null {
  switch (kind.toLowerCase()) {
    case 'authorization':
    case 'emv_authorization':
      return 'authorization';
    case 'capture':
      return 'capture';
    case 'sale':
      return 'sale';
    case 'refund':
      return 'refund';
    case 'void':
      return 'void';
    case 'change':
      return 'change';
    default:
      return null;
  }
}

export function transactionStatusOf(status: string): TransactionStatus {
  switch (status.toLowerCase()) {
    case 'success':
      return 'success';
    case 'failure':
      return 'failure';
    case 'error':
      return 'error';
    default:
      return 'pending';
  }
}

export function restockTypeOf(type: string): CanonicalRefundLine['restockType'] {
  switch (type.toLowerCase()) {
    case 'return':
      return 'return';
    case 'cancel':
      return 'cancel';
    case 'legacy_restock':
      return 'legacy_restock';
    default:
      return 'no_restock';
  }
}

/** "Refund discrepancy" and REFUND_DISCREPANCY are one reason. */
export function refundAdjustmentReason(reason: string | null): string | null {
  return reason === null ? null : reason.trim().toLowerCase().replaceAll(' ', '_');
}

export function amountOfTaxes(lines: readonly CanonicalTaxLine[]): Amount {
  return addAmounts(...lines.map((line) => line.amount));
}

/** "10.0" → "10", "8.25e-2" → "0.0825": one spelling for one number. */
export function plainDecimal(decimal: string | number): string {
  const text = String(decimal);
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] = match;
  const point = whole.length + Number(exponent);
  const digits = (whole + fraction).padStart(whole.length + fraction.length - Math.min(0, point - 1), '0');
  const at = Math.max(1, point);
  const padded = digits.padEnd(at, '0');
  const integer = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const rest = padded.slice(at).replace(/0+$/, '');
  const plain = rest === '' ? integer : `${integer}.${rest}`;
  return plain === '0' ? '0' : `${sign}${plain}`;
}

/** E.164 where it can be read as such, else as given. */
export function phoneOf(phone: string | null, countryCode: string | null): string | null {
  if (phone === null) return null;
  const parsed = parsePhoneNumberFromString(phone, (countryCode ?? undefined) as CountryCode | undefined);
  return parsed?.isPossible() ? parsed.number : phone;
}

/** Tags are a set: one order for one set. */
export function sortedTags(tags: readonly string[]): string[] {
  return [...new Set(tags)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

const gidPattern = /^gid:\/\/shopify\/[A-Za-z]+\/(\d+)/;

/** gid://shopify/Order/5551 → 5551. */
export function idOf(gid: string): string {
  return gidPattern.exec(gid)?.[1] ?? gid;
}

export function gidOf(type: string, id: string): string {
  return `gid://shopify/${type}/${id}`;
}

export function levelSubject(inventoryItemId: string, locationId: string): string {
  return `${inventoryItemId}:${locationId}`;
}
