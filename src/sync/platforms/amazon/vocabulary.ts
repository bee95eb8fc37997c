import { type Amount, parseMinor } from '../../../model/money.ts';
import type { MoneyPayload } from './payloads.ts';

/** Amazon's own warehouses as one place: what lies there is counted by Amazon and sent by Amazon. */
export const fbaLocation = { remoteId: 'AFN', name: 'Amazon FBA' } as const;

/** Fulfilment channel of goods that the retailer sends; any other code is one of Amazon's networks. */
export const merchantChannel = 'DEFAULT';

/** What may be written at Amazon: names of capabilities and of push kinds. */
export const pushKinds = ['listingQuantity'] as const;

/** Remote types of links, by the graph's type. Buyers have no record of their own: Amazon tells no stable id of them. */
export const linkTypes = { Order: 'order', Variant: 'listing', StockLevel: 'inventoryLevel' } as const;

/** Amazon settles in the marketplace's currency: shop and presentment money are one. */
export function amountOf(minor: bigint): Amount {
  return { shop: minor, presentment: minor };
}

export function minorOf(money: MoneyPayload | null | undefined): bigint {
  return money == null ? 0n : parseMinor(money.amount, money.currencyCode);
}

export function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}

export function textOf(value: string | null | undefined): string | null {
  const trimmed = value?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
}

/**
 * The rate behind a tax that Amazon tells only as an amount: the roundest one that gives this amount on this base. A
 * decimal string, 0.19 is 19 %.
 */
export function likelyRate(taxMinor: bigint, baseMinor: bigint): string {
  if (taxMinor <= 0n || baseMinor <= 0n) return '0';
  for (let decimals = 2n; decimals <= 6n; decimals += 1n) {
    const scale = 10n ** decimals;
    const rate = (2n * taxMinor * scale + baseMinor) / (2n * baseMinor);
    // Half a minor unit of rounding either way.
    if (2n * abs(rate * baseMinor - taxMinor * scale) <= scale) return decimal(rate, Number(decimals));
  }
  return decimal((2n * taxMinor * 1_000_000n + baseMinor) / (2n * baseMinor), 6);
}

function decimal(value: bigint, decimals: number): string {
  const digits = value.toString().padStart(decimals + 1, '0');
  const text = `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  return text.replace(/\.?0+$/, '') || '0';
}
